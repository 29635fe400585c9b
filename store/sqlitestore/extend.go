package sqlitestore

import (
	"context"
	"fmt"
	"slices"

	"github.com/seatlock/seatlock/store"
)

// Extend implements [store.Store].
func (s *Store) Extend(ctx context.Context, r store.ExtendRequest) (store.Outcome, error) {
	if err := r.Validate(); err != nil {
		return store.Outcome{}, fmt.Errorf("extend lock on %s: %w", r.Event, err)
	}
	return write(ctx, s, "extend lock on "+r.Event, func(t *tx) (store.Outcome, error) { return t.extend(r) })
}

func (t *tx) extend(r store.ExtendRequest) (store.Outcome, error) {
	if _, err := t.salesOf(r.Event); err != nil {
		return store.Outcome{}, err
	}
	out, err := t.outcome(r.Event, r.Holder, nil)
	if err != nil {
		return store.Outcome{}, err
	}
	live := slices.ContainsFunc(out.Lock.Seats, func(seat store.Seat) bool { return seat.Status == store.Locked })
	if !live {
		return out, store.ErrExpired
	}
	if out.Lock.Extended {
		out.Seats = lockedOnly(out.Lock.Seats)
		return out, nil
	}
	return t.moveDeadline(r, out)
}

func (t *tx) moveDeadline(r store.ExtendRequest, out store.Outcome) (store.Outcome, error) {
	lock := &out.Lock
	lock.Deadline = r.Rules.ExtendedDeadline(lock.Started, lock.Deadline)
	lock.Extended = true
	if err := t.writeOne("clock", `UPDATE locks SET deadline = ?3, extended = 1
		WHERE event = ?1 AND holder = ?2 AND extended = 0 AND deadline > ?4`,
		r.Event, r.Holder, lock.Deadline, t.now); err != nil {
		return store.Outcome{}, err
	}
	var changes []store.Change
	for i := range lock.Seats {
		seat := &lock.Seats[i]
		if seat.Status != store.Locked {
			continue
		}
		if err := t.writeOne(seat.ID, `UPDATE seats SET locked_until = ?4, version = version + 1
			WHERE event = ?1 AND id = ?2 AND status = 'locked' AND locked_by = ?3 AND locked_until > ?5`,
			r.Event, seat.ID, r.Holder, lock.Deadline, t.now); err != nil {
			return store.Outcome{}, err
		}
		seat.LockedUntil = lock.Deadline
		seat.Version++
		changes = append(changes, store.Change{Event: r.Event, Seat: *seat, Before: r.Holder})
	}
	out.Seats = lockedOnly(lock.Seats)
	return out, t.announce(r.Event, changes, &out)
}

func lockedOnly(seats []store.Seat) []store.Seat {
	return slices.DeleteFunc(slices.Clone(seats), func(seat store.Seat) bool { return seat.Status != store.Locked })
}
