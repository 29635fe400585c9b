package mongostore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seatlock/seatlock/store"
)

// Lock implements [store.Store].
func (s *Store) Lock(ctx context.Context, r store.LockRequest) (store.Outcome, error) {
	what := "lock seats of " + r.Event
	if err := r.Validate(); err != nil {
		return store.Outcome{}, fmt.Errorf("%s: %w", what, err)
	}
	q := question{event: r.Event, holder: r.Holder, seats: store.Distinct(r.Seats), request: r.Request}
	return s.change(ctx, what, q, func(v view) (decision, error) { return v.decideLock(r) })
}

func (v view) decideLock(r store.LockRequest) (decision, error) {
	d := decision{out: v.outcome(r.Holder)}
	var wanted []int // into v.seats: those not the holder's yet
	for i, row := range v.seats {
		if !row.seat.HeldBy(r.Holder, v.now) {
			wanted = append(wanted, i)
		}
	}
	if len(wanted) == 0 {
		v.remember(&d, r)
		return d, nil
	}
	if !v.sales.OnSaleAt(v.now) {
		return d, store.ErrClosed
	}
	for _, row := range v.seats {
		if err := store.RefuseLock(row.seat, r.Holder, v.now); err != nil {
			return d, fmt.Errorf("%w: %s", err, row.seat.ID)
		}
	}
	if len(d.out.Lock.Seats)+len(wanted) > r.Rules.MaxSeats {
		return d, store.ErrLimit
	}
	v.grant(&d, r, wanted)
	return d, nil
}

// grant starts the clock if none runs, and gives the holder the wanted seats.
func (v view) grant(d *decision, r store.LockRequest, wanted []int) {
	lock := &d.out.Lock
	if !v.now.Before(lock.Deadline) {
		lock.Started, lock.Deadline = r.Rules.StartClock(v.now)
		lock.Extended = false
		v.clock.grants = nil
	}
	d.clock = v.nextClock(r.Event, r.Holder, *lock)
	d.clock.grants, _ = d.clock.grants.With(r.Request, v.ids())
	for _, i := range wanted {
		old := v.seats[i]
		lapsed := old.seat.LockedBy != "" && old.seat.LockedBy != r.Holder
		row := old.change(store.Seat{
			Status: store.Locked, LockedBy: r.Holder, LockTime: lock.Started, LockedUntil: lock.Deadline,
		}, lapsed)
		d.rows = append(d.rows, row)
		d.out.Seats[i] = row.seat
		lock.Seats = append(lock.Seats, row.seat)
	}
	slices.SortFunc(lock.Seats, func(a, b store.Seat) int { return strings.Compare(a.ID, b.ID) })
}

// remember has the running clock remember a request whose seats were the
// holder's already. They must be so still when that is written.
func (v view) remember(d *decision, r store.LockRequest) {
	grants, added := v.clock.grants.With(r.Request, v.ids())
	if !added || !v.now.Before(v.clock.deadline) {
		return
	}
	d.clock = v.nextClock(r.Event, r.Holder, d.out.Lock)
	d.clock.grants = grants
	d.relied = v.seats
}

func (v view) ids() []string {
	ids := make([]string, len(v.seats))
	for i, r := range v.seats {
		ids[i] = r.seat.ID
	}
	return ids
}

// nextClock is the holder's clock as it is to be written with any change of
// their seats, if only to count its version up.
func (v view) nextClock(event string, holder store.Holder, lock store.Lock) clock {
	return clock{
		event: event, holder: holder,
		started: lock.Started, deadline: lock.Deadline, extended: lock.Extended,
		grants: v.clock.grants, version: v.clock.version + 1,
	}
}

// LockOf implements [store.Store].
func (s *Store) LockOf(ctx context.Context, event string, holder store.Holder) (store.Outcome, error) {
	return s.change(ctx, "lock on "+event, question{event: event, holder: holder}, func(v view) (decision, error) {
		out := v.outcome(holder)
		out.Seats = nil
		return decision{out: out}, nil
	})
}
