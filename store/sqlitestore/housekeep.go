package sqlitestore

import (
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/seatlock/seatlock/store"
)

const (
	keepChanges     = 24 * time.Hour
	maxChanges      = 1_000_000
	housekeepFirst  = 5 * time.Second // after the start, whose own reads go first
	housekeepPeriod = 10 * time.Minute

	// A step of housekeeping keeps other writers waiting: it touches so many
	// rows that its statements take about pruneTime, and then pauses for pruneRest
	// times as long as all of it took.
	minPrune, maxPrune = 20, 500
	pruneTime          = 4 * time.Millisecond
	pruneRest          = 4
)

// pruning is how far housekeeping has come.
type pruning struct {
	rows  int           // that the next step may touch
	after clockOf       // the last clock that was looked at
	more  bool          // there may be more to prune
	began time.Time     // of the step, in its transaction
	took  time.Duration // by its statements
}

type clockOf struct{ event, holder string }

// housekeep makes one step, and returns when to make the next.
func (e *Engine) housekeep() time.Duration {
	from := e.pruned
	from.rows = max(minPrune, from.rows)
	next := from
	j := &job{done: make(chan error, 1), run: func(t *tx) (err error) {
		began := time.Now()
		if next, err = t.prune(maxChanges, from); err != nil {
			return fmt.Errorf("housekeeping: %w", err)
		}
		next.began, next.took = began, time.Since(began)
		return nil
	}}
	e.commitGroup([]*job{j})
	if err := <-j.done; err != nil { // which the log has
		return housekeepPeriod
	}
	switch { // the disk's own time is the same for few rows
	case next.took > pruneTime:
		next.rows = max(minPrune, from.rows/2)
	case next.took < pruneTime/2:
		next.rows = min(maxPrune, from.rows*2)
	}
	e.pruned = next
	if next.more {
		return min(pruneRest*max(time.Since(next.began), time.Millisecond), time.Second)
	}
	return housekeepPeriod
}

// prune drops what nobody can need: changes that are old or too many, but
// never the last, then records past their end, then clocks that are over. A
// step does one of these, to from.rows rows at most.
//
// The changes that stay are one run without a gap, even where a step of the
// wall clock between two processes put their times out of order.
func (t *tx) prune(keep int64, from pruning) (next pruning, err error) {
	next = from
	next.more = true
	for _, drop := range []func(int) (int, error){
		func(rows int) (int, error) { return t.pruneChanges(keep, rows) },
		t.pruneRecords,
	} {
		if n, err := drop(from.rows); err != nil || n > 0 {
			return next, err
		}
	}
	next.after, err = t.pruneClocks(from.after, from.rows)
	next.more = next.after != clockOf{}
	return next, err
}

func (t *tx) pruneChanges(keep int64, rows int) (n int, err error) {
	first, err := t.firstPosition()
	if err != nil {
		return 0, err
	}
	return t.exec(`DELETE FROM changes WHERE position < coalesce((
		SELECT min(position) FROM changes WHERE position < ?1 AND at >= ?2 AND position > ?3), ?1)`,
		min(t.position, first+int64(rows)), t.now.Add(-keepChanges), t.position-keep)
}

// pruneRecords removes records past their end, with their places in indexes.
func (t *tx) pruneRecords(rows int) (n int, err error) {
	var over []store.Key
	err = t.each(`SELECT kind, id FROM records WHERE expires <= ?1 LIMIT ?2`, func(stmt *sqlite.Stmt) error {
		over = append(over, store.Key{Kind: stmt.ColumnText(0), ID: stmt.ColumnText(1)})
		return nil
	}, t.now, rows)
	for _, key := range over {
		if err == nil {
			err = t.deleteRecord(key)
		}
	}
	return len(over), err
}

// pruneClocks looks at the clocks behind one, without an index for that,
// and returns the last of them; zero if there are no more. Those of who has not
// paid for what is reserved stay: the table has a trigger for that.
func (t *tx) pruneClocks(after clockOf, rows int) (last clockOf, err error) {
	var over []clockOf
	seen := 0
	err = t.each(`SELECT event, holder, deadline <= ?3 FROM clocks WHERE (event, holder) > (?1, ?2) ORDER BY event, holder LIMIT ?4`,
		func(stmt *sqlite.Stmt) error {
			seen++
			last = clockOf{stmt.ColumnText(0), stmt.ColumnText(1)}
			if stmt.ColumnBool(2) {
				over = append(over, last)
			}
			return nil
		}, after.event, after.holder, t.now, rows)
	for _, c := range over {
		if err == nil {
			_, err = t.exec(`DELETE FROM clocks WHERE event = ?1 AND holder = ?2 AND NOT EXISTS (
				SELECT 1 FROM seats INDEXED BY seats_held WHERE seats.event = ?1 AND seats.locked_by = ?2
					AND seats.status NOT IN ('available', 'booked', 'withheld'))`, c.event, c.holder) // a newer program's may need it
		}
	}
	if seen < rows {
		last = clockOf{}
	}
	return last, err
}

// shrink gives back what SQLite has cached of the file, of all connections: they
// have one cache together, which they fill by turns and never empty.
func (e *Engine) shrink() {
	if _, err := (reader{Conn: e.writer}).text("PRAGMA shrink_memory"); err != nil {
		e.log.Warn("the cache of the store cannot be emptied", "error", err)
	}
}
