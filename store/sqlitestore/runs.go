package sqlitestore

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/seatlock/seatlock/store"
)

// A run goes from one start of a server on the file to the next, and has an
// epoch of its own, which is in meta. A copy that is put back so goes on under
// an epoch that nobody has seen. What the file's own history shares with that
// of a cursor is known from where each run ended.

// maxRuns bounds the runs that are remembered.
const maxRuns = 1000

// startRun begins a run in a transaction of its own.
func (r reader) startRun() (epoch string, err error) {
	end, err := sqlitex.ImmediateTransaction(r.Conn)
	if err != nil {
		return "", err
	}
	defer end(&err)
	return r.beginRun()
}

// beginRun ends the run before, and returns the epoch of the new one. Runs whose
// cursors are all too old are forgotten.
func (r reader) beginRun() (epoch string, err error) {
	before, err := r.meta("epoch")
	if err != nil {
		return "", err
	}
	last, err := r.lastPosition()
	if err != nil {
		return "", err
	}
	first, err := r.firstPosition()
	if err != nil {
		return "", err
	}
	if _, err := r.exec(`INSERT INTO runs (epoch, ended) VALUES (?1, ?2)`, before, last); err != nil {
		return "", err
	}
	if _, err := r.exec(`DELETE FROM runs WHERE ended + 1 < ?1 OR number <= (SELECT max(number) FROM runs) - ?2`, first, maxRuns); err != nil {
		return "", err
	}
	epoch = newEpoch()
	return epoch, r.setMeta("epoch", epoch)
}

// resume returns a cursor of this run or an earlier one as a place in this one.
func (r reader) resume(c store.Cursor) (store.Cursor, error) {
	epoch, err := r.meta("epoch")
	if err != nil || c.Epoch == epoch {
		return c, err
	}
	known := false
	err = r.each(`SELECT ended FROM runs WHERE epoch = ?`, func(stmt *sqlite.Stmt) error {
		known = c.Position <= uint64(stmt.ColumnInt64(0))
		return nil
	}, c.Epoch)
	if err == nil && !known {
		err = fmt.Errorf("%w: of another history", store.ErrCursorLost)
	}
	return store.Cursor{Epoch: epoch, Position: c.Position}, err
}

// Resume implements [store.Engine].
func (e *Engine) Resume(ctx context.Context, c store.Cursor) (at store.Cursor, err error) {
	err = e.read(ctx, func(r reader) error {
		at, err = r.resume(c)
		return err
	})
	if err != nil {
		return store.Cursor{}, err
	}
	return at, nil
}

// runAlone begins a run for a command that is about to write while no server
// runs: the file may be a copy that was put back, and what is written to it is
// no part of the history that its last run has elsewhere. Nor does a server count
// that has only begun to look at the file: its run is to come.
func (t *tx) runAlone() (err error) {
	lock := t.alone
	t.alone = ""
	if served(lock) && serves(lock, t.epoch) {
		return nil
	}
	t.epoch, err = t.beginRun()
	return err
}
