package store

import (
	"context"
	"fmt"
	"time"
)

// Due is the result of a sweep.
type Due struct {
	Released int
	// Now is the store's clock.
	Now time.Time
	// Next is the lock that lapses next; zero is none. It may be due already, if
	// the sweep has left some to the next one.
	Next Lapse
}

// Lapse says when the lock of a seat ends.
type Lapse struct {
	Event, Seat string
	At          time.Time
}

// ReleaseDue is the sweep: it makes seats with lapsed locks available, and so
// announces that. It is atomic for each seat. Locks that start in the future,
// by a wrong clock of a machine, start now; see [Swept].
// Repeat and concurrent: each lapse is announced once, whoever sweeps.
func (s *Store) ReleaseDue(ctx context.Context) (Due, error) {
	due, err := s.engine.ReleaseDue(ctx)
	if err != nil {
		return Due{}, fmt.Errorf("release lapsed locks: %w", err)
	}
	return due, nil
}

// Swept returns the change of a seat by a sweep at now: a lock that is over is
// released, and one that starts more than [ClockSlack] in the future keeps its
// length and starts now. due is false for any other seat.
func Swept(event string, s Seat, now time.Time) (c Change, due bool) {
	if ahead := s.LockTime.Sub(now); s.Status == Locked && ahead > ClockSlack {
		to := s
		to.LockTime, to.LockedUntil = now, s.LockedUntil.Add(-ahead)
		return NewChange(event, s, to, ReasonChanged), true
	}
	return Lapsed(event, s, now)
}

// Lapsed returns the change that releases a seat whose lock is over at now;
// due is false for any other seat.
func Lapsed(event string, s Seat, now time.Time) (c Change, due bool) {
	if s.Status != Locked || !s.FreeAt(now) {
		return Change{}, false
	}
	return NewChange(event, s, Seat{}, ReasonLapsed), true
}
