package store

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// UnlockRequest gives seats back; no seats means all.
type UnlockRequest struct {
	Event  string
	Holder Holder
	Seats  []string
}

// Validate reports what makes the request malformed, wrapping ErrInvalid.
func (r UnlockRequest) Validate() error { return validateHolderSeats(r.Holder, r.Seats) }

// Unlock gives seats of the holder back, all or none; without seats, all
// that the holder has locked. Seats being paid for are not given back:
// named, they are ErrPaying; unnamed, they stay.
// Not found: ErrNoEvent, ErrNoSeat. Refused: ErrNotYours, ErrBooked or
// ErrWithheld for a seat that somebody else has or nobody can have.
// Repeat: giving back a free seat is a success.
// Expired: a lock past its deadline may still be given back.
// Concurrent: each request of the holder sees what the previous ones did.
func (s *Store) Unlock(ctx context.Context, r UnlockRequest) (Outcome, error) {
	what := "unlock seats of " + r.Event
	if err := r.Validate(); err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", what, err)
	}
	return s.decide(ctx, what, Question{Event: r.Event, Holder: r.Holder, Seats: Distinct(r.Seats)}, r.decide)
}

func (r UnlockRequest) decide(v View) Decision {
	seats := v.Seats
	if len(r.Seats) == 0 {
		seats = lockedOnly(v.Held)
	}
	out := v.outcome()
	out.Seats = slices.Clone(seats)
	for _, s := range seats {
		if err := refuseUnlock(s, r.Holder, v.Now); err != nil {
			return Refuse(out, wrap(err, s.ID))
		}
	}
	w := Writes{By: ByVisitor}
	for i, s := range seats {
		if s.Status != Locked || s.LockedBy != r.Holder {
			w.Relied = append(w.Relied, s.ID) // it is free, and to be told as free
			continue
		}
		c := NewChange(r.Event, s, Seat{}, ReasonGivenBack)
		w.Changes = append(w.Changes, c)
		out.Seats[i] = c.Seat
	}
	out.Lock.Seats = slices.DeleteFunc(out.Lock.Seats, func(s Seat) bool {
		return slices.ContainsFunc(w.Changes, func(c Change) bool { return c.Seat.ID == s.ID })
	})
	return Accept(v, out, w)
}

// refuseUnlock returns why holder cannot give the seat back at now; nil if that
// is possible or there is nothing to do.
func refuseUnlock(s Seat, holder Holder, now time.Time) error {
	switch {
	case s.Status == Paying && s.LockedBy == holder:
		return ErrPaying
	case s.FreeAt(now), s.HeldBy(holder, now):
		return nil
	case s.Status == Booked:
		return ErrBooked
	case s.Status == Withheld, s.Status == Unknown:
		return ErrWithheld
	}
	return ErrNotYours
}

func lockedOnly(seats []Seat) []Seat {
	return slices.DeleteFunc(slices.Clone(seats), func(s Seat) bool { return s.Status != Locked })
}
