package storetest

import (
	"slices"
	"time"

	"github.com/seatlock/seatlock/store"
)

// deal is a booking of the model.
type deal struct {
	code              string
	who               store.Holder
	request, contents string
	state             store.BookingState
	attempt           store.AttemptState // "" is none
	seats             []string           // in the order of the lines
	gone              []string           // those that were cancelled
	each              int64              // price
	until             time.Time          // while it is paying or reserved
	givenUp           bool
	captured          int64
	refunds           []int64 // amounts
	done              int     // refunds that are
	refunded          int64
	tickets           map[string]ticket // that are other than the first ones
	issued            int               // the highest number beside the first one, 1
	erased            bool
}

type ticket struct {
	issue int
	in    time.Time
}

// ticket is that of a seat of the booking.
func (d *deal) ticket(seat string) ticket {
	if t, ok := d.tickets[seat]; ok {
		return t
	}
	return ticket{issue: 1}
}

func (d *deal) setTicket(seat string, t ticket) {
	if d.tickets == nil {
		d.tickets = map[string]ticket{}
	}
	d.tickets[seat] = t
}

// issue counts on to a number that no ticket of the booking has had.
func (d *deal) issue() int {
	d.issued = max(d.issued, 1) + 1
	return d.issued
}

// hasSeats reports whether it has its seats, but for those that were cancelled.
func (d *deal) hasSeats() bool {
	return d.state == store.BookingBooked || d.state == store.BookingReserved
}

func (d *deal) kept() []string {
	return slices.DeleteFunc(slices.Clone(d.seats), func(id string) bool { return slices.Contains(d.gone, id) })
}

// unpaid is how many seats somebody has reserved and not paid for.
func (m *model) unpaid(who store.Holder) (n int) {
	for _, d := range m.deals {
		if d.who == who && d.state == store.BookingReserved {
			n += len(d.kept())
		}
	}
	return n
}

func (m *model) begin(r store.BeginRequest, now time.Time) (code string, err error) {
	for _, d := range m.deals {
		switch {
		case d.request != r.Request || d.who != r.Holder || d.erased:
		case d.contents != r.Contents:
			return "", store.ErrReused
		default:
			return d.code, nil
		}
	}
	locked := m.all(r.Holder, now, mine)
	lines := store.Seats(r.Lines)
	slices.Sort(lines)
	if ids := m.all(r.Holder, now, mineToPay); len(ids) > 0 {
		return m.seats[ids[0]].Booking, store.ErrPaying
	}
	switch {
	case len(locked) == 0:
		return "", store.ErrExpired
	case !slices.Equal(lines, locked), r.Revision != 1:
		return "", store.ErrStale
	}
	d := &deal{code: r.Code, who: r.Holder, request: r.Request, contents: r.Contents, seats: store.Seats(r.Lines), each: r.Lines[0].Price}
	m.deals = append(m.deals, d)
	m.as(store.ByVisitor, d.code)
	switch {
	case d.each == 0:
		d.state = store.BookingBooked
	case r.AtDoor:
		d.state, d.until = store.BookingReserved, now.Add(48*time.Hour)
	default:
		d.state, d.attempt, d.until = store.BookingPaying, store.AttemptRecorded, now.Add(15*time.Minute)
		for _, s := range m.list(locked) {
			s.Status, s.Booking = store.Paying, d.code
			m.set(s, store.ReasonPaying)
		}
		return d.code, nil
	}
	m.own(d, locked)
	return d.code, nil
}

// own has the seats be booked.
func (m *model) own(d *deal, seats []string) {
	for _, id := range seats {
		m.set(store.Seat{ID: id, Status: store.Booked, LockedBy: d.who, Booking: d.code}, store.ReasonBooked)
	}
}

// ofDeal are the seats that are such of a booking now.
func (m *model) ofDeal(d *deal, status store.Status) []string {
	return slices.DeleteFunc(d.kept(), func(id string) bool { return m.seats[id].Status != status || m.seats[id].Booking != d.code })
}

func (m *model) confirm(d *deal, stale bool, now time.Time) error {
	switch {
	case d.attempt == "":
		return store.ErrNoBooking
	case d.attempt == store.AttemptCaptured:
		return nil
	case stale:
		return store.ErrStale
	}
	m.as(store.ByProvider, d.code)
	d.attempt, d.captured, d.until = store.AttemptCaptured, d.each*int64(len(d.seats)), time.Time{}
	for _, id := range d.seats {
		own := m.seats[id].Status == store.Paying && m.seats[id].Booking == d.code
		if as := m.standing(id, d.who, now); !own && as != free && as != mine {
			d.state, d.refunds = store.BookingLost, append(d.refunds, d.captured)
			m.note("", store.ReasonLost)
			m.note("", store.ReasonRefundWanted)
			return nil
		}
	}
	d.state = store.BookingBooked
	m.own(d, d.seats)
	return nil
}

func (m *model) decline(d *deal, stale bool, now time.Time) error {
	switch {
	case d.attempt == "":
		return store.ErrNoBooking
	case d.attempt == store.AttemptDead:
		return nil
	case stale, d.attempt == store.AttemptCaptured:
		return store.ErrStale
	}
	d.attempt = store.AttemptDead
	m.as(store.ByProvider, d.code)
	if d.state == store.BookingPaying {
		d.state = store.BookingDeclined
		if !d.givenUp && !d.until.After(now) {
			d.state, m.by = store.BookingLapsed, store.ByClock
		}
		m.letGo(d, now)
	}
	return nil
}

// letGo has the seats that are being paid for join the clock, or be free.
func (m *model) letGo(d *deal, now time.Time) {
	d.until = time.Time{}
	c := m.clocks[d.who]
	for _, id := range m.ofDeal(d, store.Paying) {
		if c.deadline.After(now) {
			m.set(store.Seat{ID: id, Status: store.Locked, LockedBy: d.who, LockTime: c.started, LockedUntil: c.deadline, Extended: c.extended},
				store.ReasonDeclined)
			continue
		}
		m.lapse(id)
	}
}

func (m *model) outOfReach(d *deal, stale bool, now time.Time) error {
	switch {
	case d.attempt == "":
		return store.ErrNoBooking
	case stale, d.attempt == store.AttemptDead, d.attempt == store.AttemptCaptured:
		return store.ErrStale
	case d.state == store.BookingPaying:
		d.state = store.BookingLapsed
		m.as(store.ByClock, d.code)
		m.letGo(d, now)
	}
	return nil
}

func (m *model) giveUp(d *deal, who store.Holder, now time.Time) error {
	if who != d.who {
		return store.ErrNoBooking
	}
	if d.state == store.BookingPaying && !d.givenUp {
		m.as(store.ByVisitor, d.code)
		m.note("", store.ReasonGivenUp)
		if d.givenUp = true; d.until.After(now) {
			d.until = now
		}
	}
	return nil
}

func (m *model) paid(d *deal) error {
	switch {
	case d.state == store.BookingBooked && d.attempt == "" && d.captured > 0:
		return nil
	case d.state != store.BookingReserved:
		return store.ErrNotReserved
	}
	d.state, d.captured, d.until = store.BookingBooked, d.each*int64(len(d.kept())), time.Time{}
	m.as(store.ByHouse, d.code)
	m.note("", store.ReasonPaid)
	return nil
}

func (m *model) lapseDeal(d *deal, now time.Time) error {
	if d.state == store.BookingReserved && !d.until.After(now) {
		d.state, d.until = store.BookingLapsed, time.Time{}
		m.as(store.ByClock, d.code)
		for _, id := range d.kept() {
			m.lapse(id)
		}
	}
	return nil
}

func (m *model) cancel(d *deal, r store.CancelRequest) error {
	if r.Holder != "" && r.Holder != d.who {
		return store.ErrNoBooking
	}
	gone := d.kept()
	if len(r.Seats) > 0 {
		for _, id := range r.Seats {
			if !slices.Contains(d.seats, id) {
				return store.ErrNoSeat
			}
		}
		gone = slices.DeleteFunc(gone, func(id string) bool { return !slices.Contains(r.Seats, id) })
	}
	switch d.state {
	case store.BookingPaying:
		return store.ErrPaying
	case store.BookingDeclined, store.BookingLapsed, store.BookingLost:
		return store.ErrEnded
	}
	if len(gone) == 0 {
		return nil
	}
	if !r.Force && slices.ContainsFunc(gone, func(id string) bool { return !d.ticket(id).in.IsZero() }) {
		return store.ErrCheckedIn
	}
	if m.as(store.ByHouse, d.code); r.Holder != "" {
		m.by = store.ByVisitor
	}
	for _, id := range gone {
		m.set(store.Seat{ID: id}, store.ReasonCancelled)
	}
	d.gone = append(d.gone, gone...)
	if amount := d.each * int64(len(gone)); d.state == store.BookingBooked && amount > 0 {
		d.refunds = append(d.refunds, amount)
		if d.attempt != "" {
			m.note("", store.ReasonRefundWanted)
		} else { // it is paid back at the door
			d.refunded, d.done = d.refunded+amount, d.done+1
			m.note("", store.ReasonRefunded)
		}
	}
	if len(d.kept()) == 0 {
		d.state, d.until = store.BookingCancelled, time.Time{}
	}
	return nil
}
