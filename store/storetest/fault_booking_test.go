package storetest_test

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/seatlock/seatlock/store"
)

// Faults of bookings, worked as those of the rules are.
const (
	beginsStale      fault = "books by a revision that is over"
	beginsInPart     fault = "books a part of the seats"
	beginsTwice      fault = "books beside a payment"
	beginsOver       fault = "books when the event is over"
	beginsExpired    fault = "books seats whose lock is over"
	requestForgotten fault = "forgets the request of a booking"
	reusedGranted    fault = "does not look at what a request had"
	confirmsByHolder fault = "confirms whatever the holder pays for"
	lateTakes        fault = "gives late money seats of others"
	declinesOld      fault = "declines to the times of the payment"
	fenceless        fault = "writes over any version of an attempt"
	noteWakes        fault = "wakes attempts that are final"
	leasesTwice      fault = "leases what somebody has"
	reservedFree     fault = "does not count reserved seats"
	unpaidLost       fault = "sweeps clocks of reserved seats"
	lapseWins        fault = "lapses what was paid"
	cancelsLate      fault = "cancels when it is too late"
	refundsTwice     fault = "pays a seat back twice"
	refundRecounted  fault = "counts a refund again"
	tomorrowDropped  fault = "drops fields that it does not know"
	bookingsUnlisted fault = "lists no bookings"
)

// tamperedSale is tampered for the faults of bookings.
func (s *toy) tamperedSale(v store.View) (_ store.View, why store.Reason, ok bool) {
	switch s.fault {
	case beginsTwice:
		v.Held = slices.DeleteFunc(slices.Clone(v.Held), func(seat store.Seat) bool { return seat.Status == store.Paying })
		return v, store.ReasonPaying, true
	case beginsOver:
		v.Event.Starts = time.Time{}
		return v, store.ReasonPaying, true
	case beginsExpired:
		return seen(v, func(seat *store.Seat) { seat.LockedUntil = v.Now.Add(time.Hour) }), store.ReasonPaying, true
	case reservedFree:
		v.Clock.Unpaid = 0
		return v, store.ReasonLocked, true
	case confirmsByHolder:
		if len(v.Records) == 0 || v.Records[0].Kind != store.BookingRecord {
			break
		}
		return seen(v, func(seat *store.Seat) {
			if seat.Status == store.Paying && seat.LockedBy == v.Holder {
				seat.Booking = v.Records[0].ID
			}
		}), store.ReasonBooked, true
	case lateTakes:
		return seen(v, func(seat *store.Seat) {
			if seat.Status == store.Locked {
				seat.Status = store.Available
			}
		}), store.ReasonBooked, true
	case declinesOld:
		for _, seat := range v.Held {
			if seat.Status == store.Paying {
				v.Clock.Started, v.Clock.Deadline, v.Clock.Extended = seat.LockTime, seat.LockedUntil, false
			}
		}
		return v, store.ReasonDeclined, true
	case lapseWins:
		return reworded(v, store.BookingRecord, `"state":"booked"`, `"state":"reserved"`), store.ReasonLapsed, true
	case cancelsLate:
		v.Event.Starts, v.Event.Terms = time.Time{}, store.Terms{}
		return v, store.ReasonCancelled, true
	}
	return v, store.ReasonChanged, false
}

// reworded returns the view with records of a kind that say something else.
func reworded(v store.View, kind, old, is string) store.View {
	v.Records = slices.Clone(v.Records)
	for i, r := range v.Records {
		if r.Kind == kind {
			v.Records[i].Body = bytes.ReplaceAll(r.Body, []byte(old), []byte(is))
		}
	}
	return v
}

// sold is what a fault of bookings makes of a decision.
func (s *toy) sold(v store.View, d store.Decision, rule rule) store.Decision {
	var views []store.View // of which the first that is granted counts
	stale, idle := errors.Is(d.Refusal(), store.ErrStale), d.Refusal() == nil && d.Writes().Empty()
	switch {
	case s.fault == requestForgotten && len(v.Records) > 0 && v.Records[0].Kind == store.RequestRecord:
		v.Records = slices.Clone(v.Records)
		v.Records[0].Version = 0
		return rule(v)
	case s.fault == reusedGranted && errors.Is(d.Refusal(), store.ErrReused):
		return store.Accept(v, d.Outcome(), store.Writes{})
	case s.fault == beginsStale && stale:
		for v.Event.Revision > 1 {
			v.Event.Revision--
			views = append(views, v)
		}
	case s.fault == beginsInPart && stale:
		for i := range v.Held {
			part := v
			part.Held = slices.Delete(slices.Clone(v.Held), i, i+1)
			views = append(views, part)
		}
	case s.fault == fenceless && stale:
		for i, r := range v.Records {
			for r.Kind == store.AttemptRecord && r.Version > 0 {
				r.Version--
				old := v
				old.Records = slices.Clone(v.Records)
				old.Records[i] = r
				views = append(views, old)
			}
		}
	case s.fault == noteWakes && stale:
		views = append(views, reworded(v, store.AttemptRecord, `"state":"dead"`, `"state":"started"`))
	case s.fault == leasesTwice && errors.Is(d.Refusal(), store.ErrLeased):
		for _, kind := range []string{store.AttemptRecord, store.RefundRecord} {
			views = append(views, reworded(reworded(v, kind, `"leased":"2`, `"leased":"1`), kind, `"due":"2`, `"due":"1`))
		}
	case s.fault == refundsTwice && idle:
		views = append(views, reworded(v, store.BookingRecord, `,"cancelled":true`, ``))
	case s.fault == refundRecounted && idle:
		views = append(views, reworded(v, store.RefundRecord, `"state":"done"`, `"state":"wanted"`))
	}
	for _, view := range append(views, s.ticketed(v, d)...) {
		if other := rule(view); other.Refusal() == nil && !other.Writes().Empty() {
			return other
		}
	}
	return d
}

func rejectedBookings() map[fault][]string {
	return map[fault][]string{
		beginsStale:   {"Begin/another revision is stale", "Begin/a price that changes meanwhile is stale"},
		beginsInPart:  {"Begin/lines that are not the seats are stale", "Model/random requests"},
		beginsTwice:   {"Begin/a second one is refused, and told of the first", "Model/random requests"},
		beginsOver:    {"Begin/refused when the event is over"},
		beginsExpired: {"Begin/without a live locked seat it is expired", "Model/random requests"},
		requestForgotten: {"Begin/the same request is the same booking", "Begin/the same request with other contents is refused",
			"Begin/one request 50 times at once is one booking", "Model/random requests"},
		reusedGranted:    {"Begin/the same request with other contents is refused", "Model/random requests"},
		confirmsByHolder: {"Confirm/another booking of the holder is not touched", "Confirm/late money is lost when a seat is withheld, booked or being paid for"},
		lateTakes:        {"Confirm/late money is lost when a seat is another's", "Confirm/of late money and another's lock one wins", "Model/random requests"},
		declinesOld:      {"Decline/its seats join a clock that was extended", "Model/random requests"},
		fenceless: {"Work/who was frozen does no harm", "Confirm/an older version is stale", "Decline/an older version, and what is captured, is stale",
			"LetGo/an older version, and what is final, is stale", "GiveUp/who had the lease is stale", "Model/random requests"},
		noteWakes:        {"Work/a note makes nothing final, and wakes nothing that is"},
		leasesTwice:      {"Work/one of 16 gets the lease", "Work/a lease records the call, and takes the attempt", "Work/a lease is over by the store's clock"},
		reservedFree:     {"Door/reserved seats count towards the limit until they are paid", "Door/they count until they lapse or are cancelled", "Model/random requests"},
		unpaidLost:       {"Door/they count when the clock is over"},
		lapseWins:        {"Door/of paid and the lapse one wins", "Door/a repeat of the lapse changes nothing", "Model/random requests"},
		cancelsLate:      {"CancelBooking/visitors can until a day before the start"},
		refundsTwice:     {"CancelBooking/a repeat changes nothing", "CancelBooking/16 cancels of a seat at once pay back once", "Storm/random requests about bookings, all at once", "Model/random requests"},
		refundRecounted:  {"Work/a refund that is done counts once"},
		tomorrowDropped:  {"Booking/fields of tomorrow are kept by every operation"},
		bookingsUnlisted: {"Booking/listed by event, in pages by code", "Booking/an event with a booking that is not over cannot be removed"},
	}
}
