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
	changes, err := t.due()
	if err != nil {
		return store.Due{}, err
	}
	trail := make([]store.Entry, 0, len(changes))
	for _, c := range changes {
		if err := t.changeSeat(c); err != nil {
			return store.Due{}, err
		}
		trail = append(trail, c.Entry(t.now, store.ByClock, ""))
	}
	if err := t.appendTrail(trail); err != nil {
		return store.Due{}, err
	}
	if len(changes) > 0 {
		if err := t.appendChanges(changes[0].Event, changes); err != nil {
			return store.Due{}, err
		}
	}
	due.Now = t.now
	for _, c := range changes {
		if c.Reason == store.ReasonLapsed {
			due.Released++
		}
	}
	err = t.each(`SELECT event, id, locked_until FROM seats INDEXED BY seats_due WHERE status = 'locked' ORDER BY locked_until LIMIT 1`,
		func(stmt *sqlite.Stmt) error {
			due.Next = store.Lapse{Event: stmt.ColumnText(0), Seat: stmt.ColumnText(1), At: columnTime(stmt, 2)}
			return nil
		})
	if err == nil && len(changes) == sweepSize {
		err = t.each(`SELECT event, id FROM seats INDEXED BY seats_begun WHERE status = 'locked' AND lock_time > ?1 LIMIT 1`,
			func(stmt *sqlite.Stmt) error { // which is due, too
				due.Next = store.Lapse{Event: stmt.ColumnText(0), Seat: stmt.ColumnText(1), At: t.now}
				return nil
			}, t.now.Add(store.ClockSlack))
	}
	return due, err
}

// due returns the changes of what is due: locks that are over, and then those
// that start in the future.
func (r reader) due() (changes []store.Change, err error) {
	row := func(stmt *sqlite.Stmt) error {
		if c, due := store.Swept(stmt.ColumnText(8), scanSeat(stmt), r.now); due {
			changes = append(changes, c)
		}
		return nil
	}
	err = r.each(`SELECT `+seatColumns+`, event FROM seats INDEXED BY seats_due
		WHERE status = 'locked' AND locked_until <= ?1 ORDER BY locked_until, event, place LIMIT ?2`, row, r.now, sweepSize)
	if err != nil {
		return nil, err
	}
	err = r.each(`SELECT `+seatColumns+`, event FROM seats INDEXED BY seats_begun
		WHERE status = 'locked' AND lock_time > ?1 AND locked_until > ?2 ORDER BY lock_time, event, place LIMIT ?3`, row,
		r.now.Add(store.ClockSlack), r.now, sweepSize-len(changes))
	return changes, err
}
