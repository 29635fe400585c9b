package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/seatlock/seatlock/store"
)

// Faults of the trail, of tickets, and of what the house does.
const (
	trailLosesSweep fault = "writes no trail of a sweep"
	trailLosesNotes fault = "writes no trail of what changes no seat"
	trailHolder     fault = "tells a holder in the trail"
	trailNobody     fault = "does not tell by whom"
	trailTwice      fault = "has an entry on two pages"
	pruneAll        fault = "prunes the trail whatever its age"
	pruneGreedy     fault = "prunes more than the limit"
	checksInTwice   fault = "lets a ticket in twice"
	checksInOld     fault = "lets a ticket in that was replaced"
	checksInUnpaid  fault = "lets in who has not paid"
	issueReused     fault = "gives a ticket the number of an old one"
	moveKeeps       fault = "leaves the old seat booked"
	moveTakes       fault = "moves onto a locked seat"
	sellsBooked     fault = "has the house sell booked seats"
	sellsTwice      fault = "sells again by the same code"
	cancelsIn       fault = "cancels who was let in"
	eraseForgets    fault = "forgets the request of who is erased"
	eraseEarly      fault = "erases before money is back"
	tariffsLost     fault = "loses tariffs"
)

func (s *toy) Trail(ctx context.Context, scan store.TrailScan) (page []store.Entry, err error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	for _, e := range s.trail {
		of := e.Event == scan.Event && e.Seat == scan.Seat
		if scan.Seat == "" {
			of = e.Booking == scan.Booking
		}
		if of && (e.Place > scan.After || s.fault == trailTwice && e.Place == scan.After) && len(page) < scan.Limit {
			page = append(page, e)
		}
	}
	return page, nil
}

func (s *toy) PruneTrail(ctx context.Context, before time.Time, limit int) (n int, err error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	for len(s.trail) > 0 && (n < limit || s.fault == pruneGreedy) && (s.trail[0].At.Before(before) || s.fault == pruneAll) {
		s.trail = s.trail[1:]
		n++
	}
	return n, nil
}

func (s *toy) Scrub(ctx context.Context) error { return s.Ping(ctx) }

// addTrail adds entries, or what a fault makes of them.
func (s *toy) addTrail(entries []store.Entry, holder store.Holder) {
	for _, e := range entries {
		switch {
		case s.fault == trailLosesNotes && e.Version == 0:
			continue
		case s.fault == trailHolder && e.Booking == "" && holder != "":
			e.Booking = string(holder)
		case s.fault == trailNobody:
			e.By = ""
		}
		s.entries++
		e.Place = fmt.Sprintf("%012d", s.entries)
		s.trail = append(s.trail, e)
	}
}

// addSweep adds the entries of what a sweep has changed.
func (s *toy) addSweep(changes []store.Change, at time.Time) {
	for _, c := range changes {
		if s.fault != trailLosesSweep {
			s.addTrail([]store.Entry{c.Entry(at, store.ByClock, "")}, c.Before)
		}
	}
}

var (
	letIn    = regexp.MustCompile(`,"in":"[^"]*"`)
	anyIssue = regexp.MustCompile(`"issue":\d+`)
)

// rewritten returns the view with bookings in which a pattern stands for
// something else.
func rewritten(v store.View, pattern *regexp.Regexp, is string) store.View {
	v.Records = slices.Clone(v.Records)
	for i, r := range v.Records {
		if r.Kind == store.BookingRecord {
			v.Records[i].Body = pattern.ReplaceAll(r.Body, []byte(is))
		}
	}
	return v
}

// ticketed is what a fault of tickets shows a rule that has refused, or had
// nothing to do.
func (s *toy) ticketed(v store.View, d store.Decision) (views []store.View) {
	refusal := d.Refusal()
	sale := len(v.Records) == 2 && v.Records[1].Kind == store.PersonRecord
	switch {
	case s.fault == sellsTwice && sale && refusal == nil:
		again := seen(v, func(seat *store.Seat) { seat.Status = store.Available })
		again.Records = slices.Clone(v.Records)
		again.Records[0].Version = 0
		views = append(views, again)
	case s.fault == checksInTwice && errors.Is(refusal, store.ErrCheckedIn), s.fault == cancelsIn && errors.Is(refusal, store.ErrCheckedIn):
		views = append(views, rewritten(v, letIn, ""))
	case s.fault == checksInOld && errors.Is(refusal, store.ErrReplaced):
		views = append(views, rewritten(v, anyIssue, `"issue":1`))
	case s.fault == checksInUnpaid && errors.Is(refusal, store.ErrUnpaid):
		views = append(views, reworded(v, store.BookingRecord, `"state":"reserved"`, `"state":"booked"`))
	case s.fault == eraseEarly && errors.Is(refusal, store.ErrUnsettled):
		views = append(views, reworded(v, store.RefundRecord, `"state":"wanted"`, `"state":"done"`))
	case s.fault == moveTakes && errors.Is(refusal, store.ErrTaken):
		views = append(views, seen(v, func(seat *store.Seat) { seat.LockedUntil = v.Now }))
	case s.fault == sellsBooked && errors.Is(refusal, store.ErrBooked):
		views = append(views, seen(v, func(seat *store.Seat) {
			if seat.Status == store.Booked {
				seat.Status = store.Available
			}
		}))
	}
	return views
}

// rewrittenWrites is what a fault of tickets writes.
func (s *toy) rewrittenWrites(w store.Writes) store.Writes {
	switch s.fault {
	case moveKeeps:
		w.Changes = slices.DeleteFunc(slices.Clone(w.Changes), func(c store.Change) bool {
			return c.Reason == store.ReasonMoved && c.Seat.Status == store.Available
		})
	case eraseForgets:
		w.Deleted = slices.DeleteFunc(slices.Clone(w.Deleted), func(k store.Key) bool { return k.Kind == store.RequestRecord })
	case issueReused:
		w.Records = slices.Clone(w.Records)
		for i, r := range w.Records {
			if r.Kind == store.BookingRecord {
				w.Records[i].Body = anyIssue.ReplaceAll(bytes.Clone(r.Body), []byte(`"issue":2`))
			}
		}
	}
	return w
}

func rejectedTickets() map[fault][]string {
	return map[fault][]string{
		trailLosesSweep: {"Trail/a sweep is the clock's", "Trail/whatever many do at once, it has every version once", "Model/random requests"},
		trailLosesNotes: {"Trail/what becomes of a booking is noted", "Erase/a repeat changes nothing"},
		trailHolder:     {"Trail/it tells of no holder and no person", "Trail/every change of a seat has its entry, with reason and by whom", "Model/random requests"},
		trailNobody:     {"Trail/every change of a seat has its entry, with reason and by whom", "Trail/what becomes of a booking is noted", "Model/random requests"},
		trailTwice:      {"Trail/in pages"},
		pruneAll:        {"Trail/the oldest go first, and what is younger stays"},
		pruneGreedy:     {"Trail/the oldest go first, and what is younger stays"},
		checksInTwice: {"CheckIn/a second scan says when the first was", "CheckIn/50 scans of one ticket at once let one in",
			"CheckIn/what is told later counts from when it was", "Model/random requests"},
		checksInOld: {"CheckIn/refused when another ticket was issued", "Reissue/the ticket before is refused, the others stay",
			"Move/there and back, the first ticket stays invalid", "Model/random requests"},
		checksInUnpaid: {"CheckIn/refused until it is paid for", "Model/random requests"},
		issueReused: {"Reissue/the ticket before is refused, the others stay", "Reissue/16 at once issue 16",
			"Move/there and back, the first ticket stays invalid", "Model/random requests"},
		moveKeeps:    {"Move/the other seat in the place of the old one", "Move/two who want the seat, and one gets it", "Model/random requests"},
		moveTakes:    {"Move/not onto what somebody has", "Move/of a move and a lock one wins", "Model/random requests"},
		sellsBooked:  {"Sell/not what somebody has, all or none", "Sell/of 16 sales of a seat one wins", "Model/random requests"},
		sellsTwice:   {"Sell/the same code is the same booking", "Sell/one code 16 times at once is one booking"},
		cancelsIn:    {"CancelBooking/refused once a ticket was let in, unless by force of the house", "CheckIn/of a scan and a cancel one comes first", "Model/random requests"},
		eraseForgets: {"Erase/the person and the request go, the booking stays", "Erase/by force it is done at once", "Model/random requests"},
		eraseEarly:   {"Erase/refused until money is back", "Model/random requests"},
		tariffsLost:  {"Tariff/they are kept, in their order", "Tariff/an update replaces them"},
	}
}
