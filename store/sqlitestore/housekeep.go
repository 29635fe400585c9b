package sqlitestore

import (
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/seatlock/seatlock/store"
)

const (
	keepChanges     = 24 * time.Hour
	maxChanges      = 1_000_000
	housekeepPeriod = 10 * time.Minute
	housekeepPause  = 100 * time.Millisecond // when there is more to prune
)

// housekeep prunes, and returns when to do so again.
func (e *Engine) housekeep() time.Duration {
	more := false
	j := &job{done: make(chan error, 1), run: func(t *tx) (err error) {
		more, err = t.prune(maxChanges)
		return err
	}}
	e.commitGroup([]*job{j})
	if err := <-j.done; err != nil {
		e.log.Warn("housekeeping of the store", "error", err)
		return housekeepPeriod
	}
	if more {
		return housekeepPause
	}
	return housekeepPeriod
}

// pruneSize bounds how long housekeeping keeps other writers waiting.
const pruneSize = 10_000

// prune drops what nobody can need: changes that are old or too many, but
// never the last, then records past their end and clocks that are over. It
// tells whether there is more to prune.
//
// The changes that stay are one run without a gap, even where a step of the
// wall clock between two processes put their times out of order.
func (t *tx) prune(keep int64) (more bool, err error) {
	first, err := t.firstPosition()
	if err != nil {
		return false, err
	}
	upTo := min(t.position, first+pruneSize)
	n, err := t.exec(`DELETE FROM changes WHERE position < coalesce((
		SELECT min(position) FROM changes WHERE position < ?1 AND at >= ?2 AND position > ?3), ?1)`,
		upTo, t.now.Add(-keepChanges), t.position-keep)
	if err != nil || n == pruneSize {
		return true, err
	}
	if more, err := t.pruneRecords(); err != nil || more {
		return more, err
	}
	_, err = t.exec(`DELETE FROM clocks WHERE deadline <= ?1 AND NOT EXISTS (
		SELECT 1 FROM seats WHERE seats.event = clocks.event AND seats.locked_by = clocks.holder
			AND seats.status NOT IN ('available', 'booked', 'withheld'))`, t.now) // a newer program's may need it
	return false, err
}

// pruneRecords removes records past their end, with their places in indexes.
func (t *tx) pruneRecords() (more bool, err error) {
	var over []store.Key
	err = t.each(`SELECT kind, id FROM records WHERE expires <= ?1 LIMIT ?2`, func(stmt *sqlite.Stmt) error {
		over = append(over, store.Key{Kind: stmt.ColumnText(0), ID: stmt.ColumnText(1)})
		return nil
	}, t.now, pruneSize)
	for _, key := range over {
		if err == nil {
			err = t.deleteRecord(key)
		}
	}
	return len(over) == pruneSize, err
}
