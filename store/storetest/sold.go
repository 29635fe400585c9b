package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seatlock/seatlock/store"
)

// moves is the thing about a booking that moves it.
const moves = 12

// house reports whether the house has made the booking.
func (d *deal) house() bool { return d.request == "" }

func (m *model) checkIn(d *deal, r store.CheckInRequest, now time.Time) error {
	t := d.ticket(r.Seat)
	switch kept := slices.Contains(d.kept(), r.Seat); {
	case r.Event != evening || r.TicketEvent != evening:
		return store.ErrForeign
	case d.state == store.BookingCancelled, slices.Contains(d.gone, r.Seat):
		return store.ErrCancelled
	case !kept || t.issue != r.Issue:
		return store.ErrReplaced
	case d.state == store.BookingPaying, d.state == store.BookingReserved:
		return store.ErrUnpaid
	case d.state != store.BookingBooked:
		return store.ErrEnded
	case r.Undo == t.in.IsZero() && r.Undo:
		return nil
	case !r.Undo && !t.in.IsZero():
		return store.ErrCheckedIn
	}
	m.as(store.ByHouse, d.code)
	if r.Undo {
		t.in = time.Time{}
		m.note(r.Seat, store.ReasonCheckedOut)
	} else {
		t.in = now
		m.note(r.Seat, store.ReasonCheckedIn)
	}
	d.setTicket(r.Seat, t)
	return nil
}

func (m *model) reissue(d *deal, seats []string) error {
	switch {
	case d.state == store.BookingPaying:
		return store.ErrPaying
	case !d.hasSeats():
		return store.ErrEnded
	}
	if len(seats) == 0 {
		seats = d.kept()
	}
	for _, id := range seats {
		if !slices.Contains(d.kept(), id) {
			return store.ErrNoSeat
		}
	}
	m.as(store.ByHouse, d.code)
	for _, id := range seats {
		d.setTicket(id, ticket{d.issue(), d.ticket(id).in})
		m.note(id, store.ReasonReissued)
	}
	return nil
}

// forSale says why the house cannot give a seat to a booking, or nil.
func (m *model) forSale(id string, now time.Time) error {
	switch m.standing(id, "", now) {
	case free, offSale:
		return nil
	case sold:
		return store.ErrBooked
	}
	return store.ErrTaken
}

func (m *model) move(d *deal, from, to string, stale bool, now time.Time) error {
	has, there := slices.Contains(d.kept(), from), slices.Contains(d.kept(), to)
	switch {
	case d.state == store.BookingPaying:
		return store.ErrPaying
	case !d.hasSeats():
		return store.ErrEnded
	case from == to && has, there && !slices.Contains(d.seats, from):
		return nil
	case !has:
		return store.ErrNoSeat
	case there:
		return store.ErrBooked
	case slices.Contains(d.gone, to):
		return store.ErrInUse
	case stale:
		return store.ErrStale
	case m.seats[to].Version == 0:
		return store.ErrNoSeat
	}
	if err := m.forSale(to, now); err != nil {
		return err
	}
	m.as(store.ByHouse, d.code)
	m.set(store.Seat{ID: from}, store.ReasonMoved)
	m.set(store.Seat{ID: to, Status: store.Booked, LockedBy: d.who, Booking: d.code}, store.ReasonMoved)
	d.setTicket(to, ticket{d.issue(), d.ticket(from).in})
	delete(d.tickets, from)
	d.seats[slices.Index(d.seats, from)] = to
	return nil
}

// erase is asked for long before the evening.
func (m *model) erase(d *deal, r store.EraseRequest) error {
	late := (d.state == store.BookingLapsed || d.state == store.BookingDeclined) && d.attempt != "" && d.attempt != store.AttemptDead
	settled := !d.hasSeats() && d.state != store.BookingPaying && !late && d.done == len(d.refunds)
	switch {
	case d.erased:
		return nil
	case !settled && !r.Force:
		return store.ErrUnsettled
	}
	d.erased = true
	m.as(r.By, d.code)
	m.note("", store.ReasonErased)
	return nil
}

func (m *model) sell(r store.SellRequest, now time.Time) error {
	seats := store.Seats(r.Lines)
	for _, id := range seats {
		if m.seats[id].Version == 0 {
			return store.ErrNoSeat
		}
	}
	for _, d := range m.deals {
		same := d.house() && slices.Equal(slices.Sorted(slices.Values(d.seats)), slices.Sorted(slices.Values(seats)))
		switch {
		case d.code == r.Code && same:
			return nil
		case d.code == r.Code:
			return store.ErrExists
		}
	}
	if r.Revision != 1 {
		return store.ErrStale
	}
	for _, id := range seats {
		if err := m.forSale(id, now); err != nil {
			return err
		}
	}
	d := &deal{code: r.Code, who: store.Holder("house:" + r.Code), state: store.BookingBooked, seats: seats, each: r.Lines[0].Price}
	d.captured = d.each * int64(len(seats))
	m.deals = append(m.deals, d)
	m.as(store.ByHouse, d.code)
	m.own(d, seats)
	return nil
}

// checkIn scans a ticket of a booking, now and then one that is not valid.
func (p *player) checkIn(e *witness, d *deal) (out store.BookingOutcome, err, wantErr error) {
	seat := p.seatOf(d)[0]
	r := store.CheckInRequest{Event: evening, TicketEvent: evening, Code: d.code, Seat: seat, Issue: d.ticket(seat).issue, Undo: p.random.IntN(4) == 0}
	switch p.random.IntN(15) {
	case 0:
		r.TicketEvent = "another"
	case 1, 2, 3:
		r.Issue = 1 + p.random.IntN(3)
	}
	out, err = store.New(e).CheckIn(p.Context(), r)
	return out, err, p.model.checkIn(d, r, e.now)
}

// move moves a booking, or tries to.
func (p *player) move(e *witness, d *deal) (out store.BookingOutcome, err, wantErr error) {
	from, to := p.seatOf(d)[0], p.pick(1)[0]
	r := store.MoveRequest{Code: d.code, From: from, To: lineOf(to), Revision: 1}
	if p.random.IntN(15) == 0 {
		r.Revision = 2
	}
	out, err = store.New(e).Move(p.Context(), r)
	return out, err, p.model.move(d, from, to, r.Revision != 1, e.now)
}

// houseSells has the house sell what may not be free.
func (p *player) houseSells(e *witness) string {
	r := p.houseSale(store.Distinct(p.pick(2))...)
	if p.random.IntN(4) == 0 {
		for i := range r.Lines {
			r.Lines[i].Price = 0
		}
	}
	if n := len(p.model.deals); n > 0 && p.random.IntN(8) == 0 {
		d := p.model.deals[p.random.IntN(n)]
		r.Code = d.code
		if p.random.IntN(2) == 0 {
			r.Lines = nil
			for _, id := range d.seats {
				r.Lines = append(r.Lines, lineOf(id))
			}
		}
	}
	if p.random.IntN(15) == 0 {
		r.Revision = 2
	}
	_, err := store.New(e).Sell(p.Context(), r)
	switch wantErr := p.model.sell(r, e.now); {
	case !errors.Is(err, wantErr):
		p.Errorf("got error %v, want %v", err, wantErr)
	case err == nil:
		p.compareDeal(p.booking(r.Code), p.deal(r.Code))
	}
	return fmt.Sprintf("sell %+v", r)
}

// wantEntries fails unless the trails of all seats and bookings are those of the
// model.
func (p *player) wantEntries() {
	p.Helper()
	want := func(what string, got []store.Entry, is func(store.Entry) bool) {
		p.Helper()
		for i := range got {
			got[i].At, got[i].Place = time.Time{}, ""
		}
		want := slices.DeleteFunc(slices.Clone(p.model.trail), func(e store.Entry) bool { return !is(e) })
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				p.Fatalf("%s: entry %d is\n\t%+v\nwant\n\t%+v", what, i, got[i], want[i])
			}
		}
		if len(got) != len(want) {
			p.Fatalf("%s: %d entries, want %d", what, len(got), len(want))
		}
	}
	for _, id := range p.model.order {
		got := p.trailBy(p.store(), store.TrailScan{Event: evening, Seat: id}, 100)
		want("seat "+id, got, func(e store.Entry) bool { return e.Seat == id })
	}
	for _, d := range p.model.deals {
		got := p.trailBy(p.store(), store.TrailScan{Booking: d.code}, 100)
		want("booking "+d.code, got, func(e store.Entry) bool { return e.Booking == d.code })
	}
}
