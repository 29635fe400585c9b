package sqlitestore

import (
	"context"
	"fmt"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/seatlock/seatlock/store"
)

// Unlock implements [store.Store].
func (s *Store) Unlock(ctx context.Context, r store.UnlockRequest) (store.Outcome, error) {
	if err := r.Validate(); err != nil {
		return store.Outcome{}, fmt.Errorf("unlock seats of %s: %w", r.Event, err)
	}
	ids := store.Distinct(r.Seats)
	return write(ctx, s, "unlock seats of "+r.Event, func(t *tx) (store.Outcome, error) { return t.unlock(r, ids) })
}

func (t *tx) unlock(r store.UnlockRequest, ids []string) (store.Outcome, error) {
	if _, err := t.salesOf(r.Event); err != nil {
		return store.Outcome{}, err
	}
	if len(ids) == 0 {
		var err error
		if ids, err = t.lockedBy(r.Event, r.Holder); err != nil {
			return store.Outcome{}, err
		}
	}
	out, err := t.outcome(r.Event, r.Holder, ids)
	if err != nil {
		return store.Outcome{}, err
	}
	for _, seat := range out.Seats {
		if err := store.RefuseUnlock(seat, r.Holder, t.now); err != nil {
			return out, fmt.Errorf("%w: %s", err, seat.ID)
		}
	}
	var changes []store.Change
	for i := range out.Seats {
		seat := &out.Seats[i]
		if seat.Status != store.Locked || seat.LockedBy != r.Holder {
			continue
		}
		if err := t.writeOne(seat.ID, `UPDATE seats SET status = 'available', locked_by = NULL, lock_time = NULL, locked_until = NULL, version = version + 1
			WHERE event = ?1 AND id = ?2 AND status = 'locked' AND locked_by = ?3`,
			r.Event, seat.ID, r.Holder); err != nil {
			return store.Outcome{}, err
		}
		*seat = freed(*seat)
		changes = append(changes, store.Change{Event: r.Event, Seat: *seat, Before: r.Holder})
	}
	out.Lock.Seats = slices.DeleteFunc(out.Lock.Seats, func(seat store.Seat) bool {
		return slices.ContainsFunc(changes, func(c store.Change) bool { return c.Seat.ID == seat.ID })
	})
	return out, t.announce(r.Event, changes, &out)
}

// lockedBy returns the ids of the seats that stand as locked by holder, run
// out or not.
func (v view) lockedBy(event string, holder store.Holder) (ids []string, err error) {
	err = v.each(`SELECT id FROM seats WHERE event = ?1 AND locked_by = ?2 AND status = 'locked' ORDER BY id`,
		func(stmt *sqlite.Stmt) error {
			ids = append(ids, stmt.ColumnText(0))
			return nil
		}, event, holder)
	return ids, err
}

func freed(seat store.Seat) store.Seat {
	return store.Seat{ID: seat.ID, Status: store.Available, Version: seat.Version + 1}
}
