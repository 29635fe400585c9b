package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/seatlock/seatlock/store"
)

const (
	// scrubLimit is for how long Scrub waits for those who read.
	scrubLimit = 10 * time.Second
	// scrubWait is for how long one try keeps other writers waiting for them.
	scrubWait = 50 * time.Millisecond
)

var errLogRead = errors.New("the write-ahead log still holds what was deleted, since somebody reads it, as a backup or a check does: try again once that has ended")

// Scrub implements [store.Engine]. The writer overwrites what it deletes, but not
// the copies that SQLite leaves in the unused part of a page when it moves rows to
// another. So the rows of all persons are written anew, which frees their pages,
// and SQLite overwrites a whole page that it frees. The log of all this is then
// written to the file, and cut off.
func (e *Engine) Scrub(ctx context.Context) error {
	for _, table := range []personTable{{"records", "kind, id"}, {"record_index", "kind, name, value, id"}} {
		for from, more := []any(nil), true; more; more = from != nil {
			var err error
			if from, err = write(ctx, e, func(t *tx) ([]any, error) { return t.rewrite(table, from) }); err != nil {
				return err
			}
		}
	}
	return e.cutLog(ctx)
}

// personTable is a table that has persons among other kinds of record, with its
// key, of which the kind is the first column.
type personTable struct{ name, key string }

// row is one of a table, with the columns of a newer program.
type row struct{ key, columns []any }

const (
	// rewriteRows is for how many rows one transaction keeps other writers waiting.
	// The next begins rewriteShared rows before its end, so that a page which one
	// leaves in use, because of other rows in it, is freed by the other.
	rewriteRows   = 500
	rewriteShared = 200
)

// rewrite deletes rows of the table, and inserts them as they were: persons from a
// key on, nil for the first, with some rows before and after them. It returns the
// key to go on from; nil is none.
func (t *tx) rewrite(table personTable, from []any) (next []any, err error) {
	if from == nil {
		if from, err = t.beforePersons(table); err != nil {
			return nil, err
		}
	}
	rows, names, err := t.rowsFrom(table, from)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if _, err := t.exec(`DELETE FROM `+table.name+` WHERE (`+table.key+`) = `+marks(r.key), r.key...); err != nil {
			return nil, err
		}
	}
	for _, r := range rows {
		if _, err := t.exec(`INSERT INTO `+table.name+` (`+names+`) VALUES `+marks(r.columns), r.columns...); err != nil {
			return nil, err
		}
	}
	if len(rows) < rewriteRows {
		return nil, nil
	}
	if next = rows[len(rows)-rewriteShared].key; next[0].(string) > store.PersonRecord {
		return nil, nil
	}
	return next, nil
}

// marks are a question mark for each value.
func marks(values []any) string {
	return "(" + strings.TrimSuffix(strings.Repeat("?, ", len(values)), ", ") + ")"
}

// beforePersons is the key of a row before the first person, as far before it as
// transactions share.
func (r reader) beforePersons(table personTable) (key []any, err error) {
	columns := strings.Split(table.key, ", ")
	for range columns {
		key = append(key, "") // which is before all others
	}
	err = r.each(`SELECT `+table.key+` FROM `+table.name+` WHERE kind < ?1 ORDER BY `+strings.Join(columns, " DESC, ")+` DESC LIMIT 1 OFFSET ?2`,
		func(stmt *sqlite.Stmt) error {
			for i := range key {
				key[i] = stmt.ColumnText(i)
			}
			return nil
		}, store.PersonRecord, rewriteShared)
	return key, err
}

// rowsFrom reads rows of the table in the order of its key, to the last person and
// somewhat further, and the names of its columns.
func (r reader) rowsFrom(table personTable, from []any) (rows []row, names string, err error) {
	behind := 0
	err = r.each(`SELECT `+table.key+`, * FROM `+table.name+` WHERE (`+table.key+`) >= `+marks(from)+` ORDER BY `+table.key+` LIMIT ?`,
		func(stmt *sqlite.Stmt) error {
			if stmt.ColumnText(0) > store.PersonRecord {
				behind++
			}
			if behind > rewriteShared {
				return nil
			}
			all := make([]any, stmt.ColumnCount())
			for i := range all {
				all[i] = columnValue(stmt, i)
			}
			rows = append(rows, row{all[:len(from)], all[len(from):]})
			if names == "" {
				for i := len(from); i < len(all); i++ {
					names += `, "` + stmt.ColumnName(i) + `"`
				}
			}
			return nil
		}, append(slices.Clone(from), rewriteRows)...)
	return rows, strings.TrimPrefix(names, ", "), err
}

// columnValue is a value of any type, to be written as it is.
func columnValue(stmt *sqlite.Stmt, column int) any {
	switch stmt.ColumnType(column) {
	case sqlite.TypeNull:
		return optional("")
	case sqlite.TypeInteger:
		return stmt.ColumnInt64(column)
	case sqlite.TypeBlob:
		body := make([]byte, stmt.ColumnLen(column))
		stmt.ColumnBytes(column, body)
		return body
	}
	return stmt.ColumnText(column) // a number with a fraction becomes one again
}

// cutLog waits for a moment at which nobody reads from the log, ten seconds at
// most.
func (e *Engine) cutLog(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, scrubLimit, errLogRead)
	defer cancel()
	for {
		done := make(chan error, 1)
		select {
		case e.scrubs <- done:
		case <-e.closing:
			return store.ErrUnavailable
		case <-ctx.Done():
			return scrubError(ctx)
		}
		if err := <-done; !errors.Is(err, errLogRead) {
			return err
		}
		select {
		case <-time.After(scrubWait):
		case <-e.closing:
			return store.ErrUnavailable
		case <-ctx.Done():
			return scrubError(ctx)
		}
	}
}

// scrubError tells the end of the caller's ctx from that of our patience.
func scrubError(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, errLogRead) {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, cause)
	}
	return ctx.Err()
}

// truncateLog is one try, for the writer between two transactions.
func (e *Engine) truncateLog() error {
	if err := e.files.check(); err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	e.writer.SetBusyTimeout(scrubWait)
	defer e.writer.SetBusyTimeout(0)
	var busy bool
	err := sqlitex.ExecuteTransient(e.writer, "PRAGMA wal_checkpoint(TRUNCATE)", &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error {
			busy = stmt.ColumnBool(0)
			return nil
		},
	})
	switch {
	case busy, sqlite.ErrCode(err).ToPrimary() == sqlite.ResultBusy:
		return errLogRead
	case err != nil:
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return nil
}
