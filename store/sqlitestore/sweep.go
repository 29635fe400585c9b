package sqlitestore

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/seatlock/seatlock/store"
)

// sweepSize bounds how long one sweep keeps other writers waiting.
const sweepSize = 1000

// ReleaseDue implements [store.Engine]. What one sweep leaves is due at once.
func (e *Engine) ReleaseDue(ctx context.Context) (store.Due, error) {
	return write(ctx, e, (*tx).releaseDue)
}

func (t *tx) releaseDue() (due store.Due, err error) {
	changes, err := t.lapsed()
	if err != nil {
		return store.Due{}, err
	}
	for _, c := range changes {
		if err := t.changeSeat(c); err != nil {
			return store.Due{}, err
		}
	}
	if len(changes) > 0 {
		if err := t.appendChanges(changes[0].Event, changes); err != nil {
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

// lapsed returns the changes that release what is due.
func (r reader) lapsed() (changes []store.Change, err error) {
	err = r.each(`SELECT `+seatColumns+`, event FROM seats INDEXED BY seats_due
		WHERE status = 'locked' AND locked_until <= ?1 ORDER BY locked_until, event, place LIMIT ?2`,
		func(stmt *sqlite.Stmt) error {
			if c, due := store.Lapsed(stmt.ColumnText(7), scanSeat(stmt), r.now); due {
				changes = append(changes, c)
			}
			return nil
		}, r.now, sweepSize)
	return changes, err
}
