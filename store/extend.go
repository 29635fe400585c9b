package store

import (
	"context"
	"fmt"
	"time"
)

// ExtendRequest asks for the one extension.
type ExtendRequest struct {
	Event  string
	Holder Holder
	Rules  Rules
}

// Validate reports what makes the request malformed, wrapping ErrInvalid.
func (r ExtendRequest) Validate() error {
	if r.Rules.TTL < time.Millisecond || r.Rules.Total < time.Millisecond {
		return fmt.Errorf("%w: rules %+v", ErrInvalid, r.Rules)
	}
	return validateHolderSeats(r.Holder, nil)
}

// Extend moves the holder's deadline once by Rules.TTL, to at most Rules.Total
// after the clock's start, for all locked seats. Seats being paid for do not
// change.
// Not found: ErrNoEvent. Expired: ErrExpired if the holder has no live
// locked seat. Repeat: an extended clock stays as it is, and that is a success.
// Concurrent: of any number of requests one extends.
func (s *Store) Extend(ctx context.Context, r ExtendRequest) (Outcome, error) {
	what := "extend lock on " + r.Event
	if err := r.Validate(); err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", what, err)
	}
	return s.decide(ctx, what, Question{Event: r.Event, Holder: r.Holder}, r.decide)
}

func (r ExtendRequest) decide(v View) Decision {
	out := v.outcome()
	out.Seats = lockedOnly(out.Lock.Seats)
	if len(out.Seats) == 0 {
		return Refuse(out, ErrExpired)
	}
	if out.Lock.Extended {
		return Accept(v, out, Writes{})
	}
	clock := v.Clock.startedBy(v.Now)
	clock.Deadline, clock.Extended = r.Rules.ExtendedDeadline(clock.Started, clock.Deadline), true
	w := Writes{By: ByVisitor, Clock: &clock, Changes: clock.retime(r.Event, out, ReasonExtended)}
	out.Lock.Started, out.Lock.Deadline, out.Lock.Extended = clock.Started, clock.Deadline, true
	return Accept(v, out, w)
}
