package mongostore

import (
	"context"
	"fmt"
	"slices"

	"github.com/seatlock/seatlock/store"
)

// Unlock implements [store.Store].
func (s *Store) Unlock(ctx context.Context, r store.UnlockRequest) (store.Outcome, error) {
	what := "unlock seats of " + r.Event
	if err := r.Validate(); err != nil {
		return store.Outcome{}, fmt.Errorf("%s: %w", what, err)
	}
	q := question{event: r.Event, holder: r.Holder, seats: store.Distinct(r.Seats)}
	return s.change(ctx, what, q, func(v view) (decision, error) {
		if len(q.seats) == 0 {
			v.seats = slices.DeleteFunc(slices.Clone(v.mine), func(r row) bool { return r.seat.Status != store.Locked })
		}
		return v.decideUnlock(r)
	})
}

func (v view) decideUnlock(r store.UnlockRequest) (decision, error) {
	d := decision{out: v.outcome(r.Holder)}
	for _, row := range v.seats {
		if err := store.RefuseUnlock(row.seat, r.Holder, v.now); err != nil {
			return d, fmt.Errorf("%w: %s", err, row.seat.ID)
		}
	}
	for i, old := range v.seats {
		if old.seat.Status != store.Locked || old.seat.LockedBy != r.Holder {
			d.relied = append(d.relied, old)
			continue
		}
		row := old.change(store.Seat{}, false)
		d.rows = append(d.rows, row)
		d.out.Seats[i] = row.seat
	}
	d.out.Lock.Seats = slices.DeleteFunc(d.out.Lock.Seats, func(seat store.Seat) bool {
		return slices.ContainsFunc(d.rows, func(r row) bool { return r.seat.ID == seat.ID })
	})
	if v.clock.version > 0 && len(d.rows) > 0 {
		d.clock = v.clock
		d.clock.version++
	}
	return d, nil
}
