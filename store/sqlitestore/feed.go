package sqlitestore

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/seatlock/seatlock/store"
)

// changeJSON is a change as it stands in the body of a row of the feed.
type changeJSON struct {
	Event    string `json:"event,omitempty"` // if not the row's
	Seat     string `json:"seat"`
	Status   string `json:"status"`
	By       string `json:"by,omitempty"`
	Since    int64  `json:"since,omitempty"`
	Until    int64  `json:"until,omitempty"`
	Booking  string `json:"booking,omitempty"`
	Version  int64  `json:"version"`
	Extended bool   `json:"extended,omitempty"`
	Before   string `json:"before,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Lapsed   bool   `json:"lapsed,omitempty"` // of format 2, which has no reason
}

// encodeChanges writes changes as decodeChanges reads them. It is by hand, since
// every lock comes this way: encoding/json takes a twentieth of the time of one.
func encodeChanges(event string, changes []store.Change) []byte {
	b := make([]byte, 0, 200*len(changes))
	text := func(name, value string) {
		if value != "" {
			b = appendQuoted(append(b, name...), value)
		}
	}
	number := func(name string, value int64) {
		if value != 0 {
			b = strconv.AppendInt(append(b, name...), value, 10)
		}
	}
	for i, c := range changes {
		b = append(b, "[,"[min(i, 1)])
		text(`{"seat":`, c.Seat.ID)
		if c.Event != event {
			text(`,"event":`, c.Event)
		}
		text(`,"status":`, c.Seat.Status.String())
		text(`,"by":`, string(c.Seat.LockedBy))
		number(`,"since":`, milliseconds(c.Seat.LockTime))
		number(`,"until":`, milliseconds(c.Seat.LockedUntil))
		text(`,"booking":`, c.Seat.Booking)
		number(`,"version":`, c.Seat.Version)
		if c.Seat.Extended {
			b = append(b, `,"extended":true`...)
		}
		text(`,"before":`, string(c.Before))
		text(`,"reason":`, string(c.Reason))
		b = append(b, '}')
	}
	return append(b, ']')
}

// appendQuoted writes a text as JSON.
func appendQuoted(b []byte, text string) []byte {
	b = append(b, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ':
			b = fmt.Appendf(b, `\u%04x`, c)
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

func decodeChanges(event, body string, to []store.Change) ([]store.Change, error) {
	var rows []changeJSON
	if err := json.Unmarshal([]byte(body), &rows); err != nil {
		return to, fmt.Errorf("%w: changes of %s: %w", errDamaged, event, err)
	}
	for _, r := range rows {
		reason := store.ParseReason(r.Reason)
		if r.Lapsed {
			reason = store.ReasonLapsed
		}
		to = append(to, store.Change{
			Event: cmp.Or(r.Event, event), Before: store.Holder(r.Before), Reason: reason,
			Seat: store.Seat{
				ID: r.Seat, Status: store.ParseStatus(r.Status), LockedBy: store.Holder(r.By),
				LockTime: fromMilliseconds(r.Since), LockedUntil: fromMilliseconds(r.Until),
				Booking: r.Booking, Version: r.Version, Extended: r.Extended,
			},
		})
	}
	return to, nil
}

func milliseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMilliseconds(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// appendChanges writes one row of the feed for what one decision changed.
func (t *tx) appendChanges(event string, changes []store.Change) error {
	if len(changes) == 0 {
		return nil
	}
	return t.appendRow(event, string(encodeChanges(event, changes)))
}

// appendRow writes a row of the feed; an empty body tells of the event itself.
func (t *tx) appendRow(event, body string) error {
	if t.alone != "" {
		if err := t.runAlone(); err != nil {
			return err
		}
	}
	t.position++
	_, err := t.exec(`INSERT INTO changes (position, at, event, body) VALUES (?1, ?2, ?3, ?4)`,
		t.position, t.now, event, body)
	return err
}

// Recent implements [store.Engine].
func (e *Engine) Recent(ctx context.Context, age time.Duration) (cursor store.Cursor, err error) {
	err = e.read(ctx, func(r reader) error {
		if cursor, err = r.head(); err != nil || age <= 0 {
			return err
		}
		position, err := r.positionAt(r.now.Add(-age))
		cursor.Position = uint64(position)
		return err
	})
	return cursor, err
}

// head is the cursor of the newest change.
func (r reader) head() (c store.Cursor, err error) {
	if c.Epoch, err = r.meta("epoch"); err != nil {
		return c, err
	}
	position, err := r.lastPosition()
	c.Position = uint64(position)
	return c, err
}

// positionAt returns the last position before at, or else the one before all
// changes that are kept. It walks back from the end.
func (r reader) positionAt(at time.Time) (position int64, err error) {
	err = r.each(`SELECT coalesce((SELECT position FROM changes WHERE at < ?1 ORDER BY position DESC LIMIT 1),
			(SELECT min(position) - 1 FROM changes), 0)`,
		func(stmt *sqlite.Stmt) error {
			position = stmt.ColumnInt64(0)
			return nil
		}, at)
	return position, err
}

// feedRows bounds one batch; rows are whole requests, so none is torn.
const feedRows = 1000

// Changes implements [store.Engine].
func (e *Engine) Changes(ctx context.Context, from store.Cursor) iter.Seq2[store.Batch, error] {
	return func(yield func(store.Batch, error) bool) {
		poll := time.NewTicker(pollForeign)
		defer poll.Stop()
		for {
			next := e.nextCommit() // before the read, so that no commit falls between
			batch, err := e.changesAfter(ctx, from)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				yield(store.Batch{}, err)
				return
			}
			if batch.Cursor != from {
				from = batch.Cursor
				if !yield(batch, nil) {
					return
				}
				continue
			}
			select {
			case <-ctx.Done():
				return
			case <-e.stopped:
				yield(store.Batch{}, store.ErrUnavailable)
				return
			case <-next:
			case <-poll.C: // commits of other processes
			}
		}
	}
}

func (e *Engine) changesAfter(ctx context.Context, from store.Cursor) (batch store.Batch, err error) {
	err = e.read(ctx, func(r reader) error {
		if batch.Cursor, err = r.resume(from); err != nil {
			return err
		}
		if err := r.checkReach(from.Position); err != nil {
			return err
		}
		return r.each(`SELECT position, event, body FROM changes WHERE position > ?1 ORDER BY position LIMIT ?2`,
			func(stmt *sqlite.Stmt) (err error) {
				batch.Cursor.Position = uint64(stmt.ColumnInt64(0))
				event, body := stmt.ColumnText(1), stmt.ColumnText(2)
				if body == "" {
					batch.Events = append(batch.Events, event)
					return nil
				}
				batch.Changes, err = decodeChanges(event, body, batch.Changes)
				return err
			}, int64(from.Position), feedRows)
	})
	return batch, err
}

// checkReach refuses a position whose successors were pruned, or that lies
// ahead of the file.
func (r reader) checkReach(position uint64) error {
	first, err := r.firstPosition()
	if err != nil {
		return err
	}
	last, err := r.lastPosition()
	if err != nil {
		return err
	}
	if position > uint64(last) || position+1 < uint64(first) {
		return store.ErrCursorLost
	}
	return nil
}

// lastPosition returns the position of the newest change.
func (r reader) lastPosition() (int64, error) {
	return r.number(`SELECT coalesce(max(position), 0) FROM changes`)
}

// firstPosition returns the position of the oldest change that is kept.
func (r reader) firstPosition() (int64, error) {
	return r.number(`SELECT coalesce(min(position), 1) FROM changes`)
}
