package store

import (
	"context"
	"fmt"
	"time"
)

// WithholdRequest takes seats off sale, or puts them back if On is false.
type WithholdRequest struct {
	Event string
	Seats []string
	On    bool
}

// Validate reports what makes the request malformed, wrapping ErrInvalid.
func (r WithholdRequest) Validate() error { return validateSeatIDs(r.Seats) }

// Withhold takes seats off sale, or puts them back, all or none.
// Not found: ErrNoEvent, ErrNoSeat. Refused: ErrTaken or ErrBooked
// for a seat that somebody has. Repeat: a seat that is so already keeps
// its version, and that is a success. Expired: a lock past its deadline is no
// obstacle. Concurrent: of a buyer and the organizer one wins.
func (s *Store) Withhold(ctx context.Context, r WithholdRequest) (Outcome, error) {
	what := "withhold seats of " + r.Event
	if err := r.Validate(); err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", what, err)
	}
	return s.decide(ctx, what, Question{Event: r.Event, Seats: Distinct(r.Seats)}, r.decide)
}

func (r WithholdRequest) decide(v View) Decision {
	out := v.outcome()
	for _, s := range v.Seats {
		if err := refuseWithhold(s, v.Now); err != nil {
			return Refuse(out, wrap(err, s.ID))
		}
	}
	status, reason := Available, ReasonOnSale
	if r.On {
		status, reason = Withheld, ReasonWithheld
	}
	w := Writes{By: ByHouse}
	for i, s := range v.Seats {
		if s.Status == status || !r.On && s.Status != Withheld {
			w.Relied = append(w.Relied, s.ID)
			continue
		}
		c := NewChange(r.Event, s, Seat{Status: status}, reason)
		w.Changes = append(w.Changes, c)
		out.Seats[i] = c.Seat
	}
	return Accept(v, out, w)
}

// refuseWithhold returns why the organizer cannot take the seat off sale, or
// put it back, at now; nil if that is possible or there is nothing to do.
func refuseWithhold(s Seat, now time.Time) error {
	switch {
	case s.FreeAt(now), s.Status == Withheld:
		return nil
	case s.Status == Booked:
		return ErrBooked
	case s.Status == Unknown:
		return ErrWithheld
	}
	return ErrTaken
}
