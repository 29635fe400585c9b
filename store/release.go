package store

import (
	"context"
	"fmt"
)

// ReleaseRequest frees seats that somebody has locked, for the house.
type ReleaseRequest struct {
	Event string
	Seats []string
}

// Validate reports what makes the request malformed, wrapping ErrInvalid.
func (r ReleaseRequest) Validate() error {
	if len(r.Seats) == 0 {
		return fmt.Errorf("%w: no seat named", ErrInvalid)
	}
	return validateSeatIDs(r.Seats)
}

// Release removes the locks of seats, whoever holds them, all or none. The feed
// tells each holder; their clocks run on.
// Not found: ErrNoEvent, ErrNoSeat. Refused: ErrPaying, ErrBooked or
// ErrWithheld for a seat that is not just locked.
// Repeat: a seat that is free already keeps its version, and that is a success.
// Expired: a lock past its deadline is swept, and reported as lapsed.
// Concurrent: if a seat is given back, lapses or is locked again at the same
// time, one comes first, and the seat is free or the new holder's accordingly.
func (s *Store) Release(ctx context.Context, r ReleaseRequest) (Outcome, error) {
	what := "release seats of " + r.Event
	if err := r.Validate(); err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", what, err)
	}
	return s.decide(ctx, what, Question{Event: r.Event, Seats: Distinct(r.Seats)}, r.decide)
}

func (r ReleaseRequest) decide(v View) Decision {
	out := v.outcome()
	for _, s := range v.Seats {
		if err := refuseRelease(s); err != nil {
			return Refuse(out, wrap(err, s.ID))
		}
	}
	w := Writes{By: ByHouse}
	for i, s := range v.Seats {
		if s.Status == Available {
			w.Relied = append(w.Relied, s.ID)
			continue
		}
		c, lapsed := Lapsed(r.Event, s, v.Now)
		if !lapsed {
			c = NewChange(r.Event, s, Seat{}, ReasonReleased)
		}
		w.Changes = append(w.Changes, c)
		out.Seats[i] = c.Seat
	}
	return Accept(v, out, w)
}

// refuseRelease returns why the house cannot remove the lock of a seat, or nil.
func refuseRelease(s Seat) error {
	switch s.Status {
	case Available, Locked:
		return nil
	case Paying:
		return ErrPaying
	case Booked:
		return ErrBooked
	}
	return ErrWithheld
}
