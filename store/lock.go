package store

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// LockRequest asks for seats of an event.
type LockRequest struct {
	Event  string
	Holder Holder
	// Seats may be empty if there is a Request: then only its remembered grant
	// is asked for.
	Seats []string
	Rules Rules
	// Request is an id under which the grant is remembered, so that a repeat
	// gets the same seats even if it names others; "" is none.
	Request string
}

// Validate reports what makes the request malformed, wrapping ErrInvalid.
func (r LockRequest) Validate() error {
	if len(r.Seats) == 0 && r.Request == "" {
		return fmt.Errorf("%w: no seat named", ErrInvalid)
	}
	if r.Request != "" && !ValidID(r.Request) {
		return fmt.Errorf("%w: request id %q", ErrInvalid, r.Request)
	}
	if r.Rules.TTL < time.Millisecond || r.Rules.Total < time.Millisecond || r.Rules.MaxSeats < 1 {
		return fmt.Errorf("%w: rules %+v", ErrInvalid, r.Rules)
	}
	return validateHolderSeats(r.Holder, r.Seats)
}

// Lock gives all the seats to the holder, or none.
//
// Not found: ErrNoEvent, or ErrNoSeat if any seat is unknown.
// Refused: ErrClosed if the event is not on sale, unless the holder already has
// all the seats; then ErrTaken, ErrBooked or ErrWithheld, for the first seat in
// the order asked that cannot be had; then ErrLimit if the holder would exceed
// Rules.MaxSeats, which also counts reserved unpaid seats. The Outcome of a
// refusal has the present state of the seats.
// Repeat: seats that the holder already has count as granted, and keep version
// and deadline. A seat named twice counts once.
// Clock: the first seat starts the holder's clock for the event; further seats
// get its deadline; nothing resets it before it is over.
// Expired: a lock past its deadline is free for the next caller, swept or not.
// The caller may be the former holder, who then gets a new clock.
// Concurrent: of any number of callers for one seat exactly one wins.
// Requests of one holder are decided one after the other: the limit is exact.
// Request: if the holder's running clock for the event remembers a granted
// request of this id, the seats of that grant are asked for, under all of the
// above, instead of those that are named now. So every repeat, also a
// concurrent one, gets the same seats, whatever it names. Each granted request
// with an id is remembered, also if the holder had its seats already; refused
// ones are not. A clock remembers the last [MaxGrants], until it is over. A
// request
// that names no seats and is not remembered is a success that changes
// nothing.
func (s *Store) Lock(ctx context.Context, r LockRequest) (Outcome, error) {
	what := "lock seats of " + r.Event
	if err := r.Validate(); err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", what, err)
	}
	return s.decide(ctx, what, r.question(), r.decide)
}

func (r LockRequest) question() Question {
	q := Question{Event: r.Event, Holder: r.Holder, Seats: Distinct(r.Seats)}
	if r.Request == "" {
		return q
	}
	named := q.Seats
	q.Name = func(v View) []string {
		if seats, ok := v.Clock.Grants.Seats(r.Request); ok && v.Clock.RunsAt(v.Now) {
			return seats
		}
		return named
	}
	return q
}

func (r LockRequest) decide(v View) Decision {
	out := v.outcome()
	var wanted []int // indexes of out.Seats that the holder does not have yet
	for i, s := range out.Seats {
		if !s.HeldBy(r.Holder, v.Now) {
			wanted = append(wanted, i)
		}
	}
	if len(wanted) == 0 {
		return r.remember(v, out)
	}
	if !v.Event.OnSaleAt(v.Now) {
		return Refuse(out, ErrClosed)
	}
	for _, s := range out.Seats {
		if err := refuseLock(s, r.Holder, v.Now); err != nil {
			return Refuse(out, wrap(err, s.ID))
		}
	}
	if len(out.Lock.Seats)+v.Clock.Unpaid+len(wanted) > r.Rules.MaxSeats {
		return Refuse(out, ErrLimit)
	}
	return r.grant(v, out, wanted)
}

// refuseLock returns why holder cannot have the seat at now, or nil.
func refuseLock(s Seat, holder Holder, now time.Time) error {
	switch {
	case s.FreeAt(now), s.HeldBy(holder, now):
		return nil
	case s.Status == Booked:
		return ErrBooked
	case s.Status == Withheld, s.Status == Unknown:
		return ErrWithheld
	}
	return ErrTaken
}

// grant starts the clock if none runs, and gives the holder the wanted seats.
func (r LockRequest) grant(v View, out Outcome, wanted []int) Decision {
	clock := v.Clock.startedBy(v.Now)
	if !clock.RunsAt(v.Now) {
		clock.Started, clock.Deadline = r.Rules.StartClock(v.Now)
		clock.Extended, clock.Grants = false, nil
	}
	clock.Grants, _ = clock.Grants.With(r.Request, idsOf(v.Seats))
	w := Writes{By: ByVisitor, Clock: &clock, Changes: make([]Change, 0, len(wanted))}
	if len(out.Lock.Seats) > 0 && !clock.Started.Equal(v.Clock.Started) {
		w.Changes = clock.retime(r.Event, out, ReasonChanged)
	}
	for _, i := range wanted {
		c := NewChange(r.Event, v.Seats[i], Seat{
			Status: Locked, LockedBy: r.Holder,
			LockTime: clock.Started, LockedUntil: clock.Deadline, Extended: clock.Extended,
		}, ReasonLocked)
		w.Changes = append(w.Changes, c)
		out.Seats[i] = c.Seat
		out.Lock.Seats = append(out.Lock.Seats, c.Seat)
	}
	out.Lock.Started, out.Lock.Deadline, out.Lock.Extended = clock.Started, clock.Deadline, clock.Extended
	sortByID(out.Lock.Seats)
	return Accept(v, out, w)
}

// retime gives the holder's locked seats the times of the clock, in the outcome
// too.
func (c Clock) retime(event string, out Outcome, why Reason) (changes []Change) {
	for i, s := range out.Lock.Seats {
		if s.Status != Locked {
			continue
		}
		to := s
		to.LockTime, to.LockedUntil, to.Extended = c.Started, c.Deadline, c.Extended
		change := NewChange(event, s, to, why)
		changes = append(changes, change)
		out.Lock.Seats[i] = change.Seat
		if at := slices.IndexFunc(out.Seats, func(o Seat) bool { return o.ID == s.ID }); at >= 0 {
			out.Seats[at] = change.Seat
		}
	}
	return changes
}

// remember adds a request whose seats the holder already had to the running
// clock.
func (r LockRequest) remember(v View, out Outcome) Decision {
	clock := v.Clock
	grants, added := clock.Grants.With(r.Request, idsOf(v.Seats))
	if !added || !clock.RunsAt(v.Now) {
		return Accept(v, out, Writes{})
	}
	clock.Grants = grants
	return Accept(v, out, Writes{Clock: &clock, Relied: idsOf(v.Seats)})
}

// LockOf returns the lock that the holder has, with Now and Cursor; its
// zero value if no clock runs. Not found: ErrNoEvent.
func (s *Store) LockOf(ctx context.Context, event string, holder Holder) (Outcome, error) {
	return s.decide(ctx, "lock on "+event, Question{Event: event, Holder: holder}, func(v View) Decision {
		return Accept(v, v.outcome(), Writes{})
	})
}
