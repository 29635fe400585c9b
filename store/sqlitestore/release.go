package sqlitestore

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/seatlock/seatlock/store"
)

// sweepSize bounds how long one sweep keeps other writers waiting.
const sweepSize = 1000

// ReleaseDue implements [store.Store]. What one sweep leaves is due at once.
func (s *Store) ReleaseDue(ctx context.Context) (store.Due, error) {
	return write(ctx, s, "release lapsed locks", (*tx).releaseDue)
}

func (t *tx) releaseDue() (due store.Due, err error) {
	changes, err := t.lapsed()
	if err != nil {
		return store.Due{}, err
	}
	for _, c := range changes {
		if err := t.writeOne(c.Seat.ID, `UPDATE seats SET status = 'available', locked_by = NULL, lock_time = NULL, locked_until = NULL, version = version + 1
			WHERE event = ?1 AND id = ?2 AND status = 'locked' AND locked_until <= ?3`,
			c.Event, c.Seat.ID, t.now); err != nil {
			return store.Due{}, err
		}
	}
	if len(changes) > 0 {
		if err := t.announce(changes[0].Event, changes, nil); err != nil {
			return store.Due{}, err
		}
	}
	due.Released, due.Now = len(changes), t.now
	err = t.each(`SELECT event, id, locked_until FROM seats INDEXED BY seats_due WHERE status = 'locked' ORDER BY locked_until LIMIT 1`,
		func(stmt *sqlite.Stmt) error {
			due.Next = store.Lapse{Event: stmt.ColumnText(0), Seat: stmt.ColumnText(1), At: columnTime(stmt, 2)}
			return nil
		})
	return due, err
}

// lapsed returns the changes that release what is due, as they will be.
func (v view) lapsed() (changes []store.Change, err error) {
	err = v.each(`SELECT `+seatColumns+`, event FROM seats INDEXED BY seats_due
		WHERE status = 'locked' AND locked_until <= ?1 ORDER BY locked_until, event, place LIMIT ?2`,
		func(stmt *sqlite.Stmt) error {
			seat, err := scanSeat(stmt)
			changes = append(changes, store.Change{
				Event: stmt.ColumnText(7), Seat: freed(seat), Before: seat.LockedBy, Lapsed: true,
			})
			return err
		}, v.now, sweepSize)
	return changes, err
}
