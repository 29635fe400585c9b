package mongostore

import (
	"context"
	"fmt"
	"slices"

	"github.com/seatlock/seatlock/store"
)

// Extend implements [store.Store].
func (s *Store) Extend(ctx context.Context, r store.ExtendRequest) (store.Outcome, error) {
	what := "extend lock on " + r.Event
	if err := r.Validate(); err != nil {
		return store.Outcome{}, fmt.Errorf("%s: %w", what, err)
	}
	q := question{event: r.Event, holder: r.Holder}
	return s.change(ctx, what, q, func(v view) (decision, error) { return v.decideExtend(r) })
}

func (v view) decideExtend(r store.ExtendRequest) (decision, error) {
	v.seats = slices.DeleteFunc(slices.Clone(v.mine), func(row row) bool {
		return row.seat.Status != store.Locked || !row.seat.HeldBy(r.Holder, v.now)
	})
	d := decision{out: v.outcome(r.Holder)}
	lock := &d.out.Lock
	if len(v.seats) == 0 {
		return d, store.ErrExpired
	}
	if lock.Extended {
		return d, nil
	}
	lock.Deadline = r.Rules.ExtendedDeadline(lock.Started, lock.Deadline)
	lock.Extended = true
	d.clock = v.nextClock(r.Event, r.Holder, *lock)
	for i, old := range v.seats {
		seat := old.seat
		seat.LockedUntil = lock.Deadline
		row := old.change(seat, false)
		d.rows = append(d.rows, row)
		d.out.Seats[i] = row.seat
		at := slices.IndexFunc(lock.Seats, func(s store.Seat) bool { return s.ID == seat.ID })
		lock.Seats[at] = row.seat
	}
	return d, nil
}
