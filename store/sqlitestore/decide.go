package sqlitestore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/seatlock/seatlock/store"
)

// Decide implements [store.Engine]. The writer's transaction is exclusive:
// what the rule has seen cannot change before it is committed, so that nothing
// has to be done about what a decision relies on.
func (e *Engine) Decide(ctx context.Context, q store.Question, rule func(store.View) store.Decision) (store.Decision, store.Cursor, error) {
	if err := store.CheckKeys(e.kinds, q.Records...); err != nil {
		return store.Decision{}, store.Cursor{}, err
	}
	type decided struct {
		store.Decision
		at store.Cursor
	}
	d, err := write(ctx, e, func(t *tx) (d decided, err error) {
		v, err := t.view(q)
		if err != nil {
			return d, err
		}
		d.Decision = rule(v)
		if err := errors.Join(v.Check(q, d.Writes()), store.CheckIndexes(e.kinds, d.Writes().Records)); err != nil {
			return d, err
		}
		if err := t.write(q, d.Writes()); err != nil {
			return d, err
		}
		d.at = t.cursor()
		return d, nil
	})
	return d.Decision, d.at, err
}

// view reads what the question names.
func (t *tx) view(q store.Question) (v store.View, err error) {
	v.Now, v.Holder = t.now, q.Holder
	t.found = t.found[:0]
	for _, key := range q.Records {
		found, err := t.stored(key)
		if err != nil {
			return v, err
		}
		t.found = append(t.found, found)
		v.Records = append(v.Records, t.seen(found, t.kinds))
	}
	if q.Event == "" {
		return v, nil
	}
	if v.Event, err = t.eventFor(q); err != nil || v.Event.ID == "" {
		return v, err
	}
	if q.Holder != "" {
		if v.Clock, err = t.clock(q.Event, q.Holder); err != nil {
			return v, err
		}
	}
	ids := q.Seats
	if q.Name != nil {
		ids = q.Name(v)
	}
	if v.Clock.Version > 0 { // nobody has seats without a clock
		if v.Held, err = t.held(q.Event, q.Holder); err != nil {
			return v, err
		}
	}
	v.Seats, err = t.seats(q.Event, ids)
	return v, err
}

// write makes all the writes of a decision.
func (t *tx) write(q store.Question, w store.Writes) error {
	for _, c := range w.Changes {
		if err := t.changeSeat(c); err != nil {
			return err
		}
	}
	if w.Clock != nil {
		if err := t.putClock(q.Event, q.Holder, *w.Clock); err != nil {
			return err
		}
	}
	for _, holder := range w.Touched {
		if _, err := t.exec(`UPDATE clocks SET version = version + 1 WHERE event = ?1 AND holder = ?2`, q.Event, holder); err != nil {
			return err
		}
	}
	for _, record := range w.Records {
		i := slices.IndexFunc(t.found, func(found store.Record) bool { return found.Key == record.Key })
		if err := t.putRecord(t.found[i], record); err != nil { // it was asked for: see View.Check
			return err
		}
	}
	for _, key := range w.Deleted {
		if err := t.deleteRecord(key); err != nil {
			return err
		}
	}
	if err := t.appendTrail(w.Trail); err != nil {
		return err
	}
	return t.appendChanges(q.Event, w.Changes)
}

// errRace would mean that a conditional write disagreed with a read of the
// same exclusive transaction. The transaction is then rolled back.
var errRace = errors.New("conditional write matched no row")

// writeOne runs a conditional write that must hit the one row it is meant for.
func (t *tx) writeOne(what, query string, args ...any) error {
	n, err := t.exec(query, args...)
	if err != nil {
		return err
	}
	if n != 1 {
		return fmt.Errorf("%w: %s", errRace, what)
	}
	return nil
}

func (t *tx) changeSeat(c store.Change) error {
	s := c.Seat
	var extended time.Time
	if s.Extended {
		extended = s.LockedUntil
	}
	return t.writeOne(s.ID, `UPDATE seats SET status = ?4, locked_by = ?5, lock_time = ?6, locked_until = ?7, booking = ?8,
			extended_until = ?9, version = version + 1
		WHERE event = ?1 AND id = ?2 AND version = ?3`,
		c.Event, s.ID, s.Version-1, s.Status.String(), optional(s.LockedBy), s.LockTime, s.LockedUntil, optional(s.Booking), extended)
}

const seatColumns = `id, status, locked_by, lock_time, locked_until, booking, version, extended_until = locked_until`

func scanSeat(stmt *sqlite.Stmt) store.Seat {
	return store.Seat{
		ID: stmt.ColumnText(0), Status: store.ParseStatus(stmt.ColumnText(1)), LockedBy: store.Holder(stmt.ColumnText(2)),
		LockTime: columnTime(stmt, 3), LockedUntil: columnTime(stmt, 4),
		Booking: stmt.ColumnText(5), Version: stmt.ColumnInt64(6), Extended: stmt.ColumnBool(7),
	}
}

func collect(seats *[]store.Seat) func(*sqlite.Stmt) error {
	return func(stmt *sqlite.Stmt) error {
		*seats = append(*seats, scanSeat(stmt))
		return nil
	}
}

// seats reads the named seats in that order.
func (r reader) seats(event string, ids []string) ([]store.Seat, error) {
	seats := make([]store.Seat, 0, len(ids))
	for _, id := range ids {
		before := len(seats)
		err := r.each(`SELECT `+seatColumns+` FROM seats WHERE event = ?1 AND id = ?2`, collect(&seats), event, id)
		if err != nil {
			return nil, err
		}
		if len(seats) == before {
			seats = append(seats, store.Seat{ID: id})
		}
	}
	return seats, nil
}

// held reads the seats that stand as locked by the holder, lapsed or not, or
// as paid for, by id.
func (r reader) held(event string, holder store.Holder) (seats []store.Seat, err error) {
	err = r.each(`SELECT `+seatColumns+` FROM seats INDEXED BY seats_held
		WHERE event = ?1 AND locked_by = ?2 AND status IN ('locked', 'paying') ORDER BY id`, collect(&seats), event, holder)
	return seats, err
}

// clock reads the holder's clock. Whether seats are being paid for shows in the
// seats themselves, where the sweep of old clocks looks.
func (r reader) clock(event string, holder store.Holder) (c store.Clock, err error) {
	err = r.each(`SELECT started, deadline, extended, grants, version, unpaid FROM clocks WHERE event = ?1 AND holder = ?2`,
		func(stmt *sqlite.Stmt) error {
			c.Started, c.Deadline = columnTime(stmt, 0), columnTime(stmt, 1)
			c.Extended, c.Version, c.Unpaid = stmt.ColumnBool(2), stmt.ColumnInt64(4), stmt.ColumnInt(5)
			if stmt.ColumnLen(3) == 0 {
				return nil
			}
			if err := json.Unmarshal([]byte(stmt.ColumnText(3)), &c.Grants); err != nil {
				return fmt.Errorf("%w: grants of a clock: %w", errDamaged, err)
			}
			return nil
		}, event, holder)
	return c, err
}

func (t *tx) putClock(event string, holder store.Holder, c store.Clock) error {
	grants := ""
	if len(c.Grants) > 0 {
		body, err := json.Marshal(c.Grants)
		if err != nil {
			return err
		}
		grants = string(body)
	}
	_, err := t.exec(`INSERT INTO clocks (event, holder, started, deadline, extended, grants, version, unpaid) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
		ON CONFLICT DO UPDATE SET started = ?3, deadline = ?4, extended = ?5, grants = ?6, version = ?7, unpaid = ?8`,
		event, holder, c.Started, c.Deadline, c.Extended, grants, c.Version, c.Unpaid)
	return err
}

// eventFor reads of an event what the question asks for; the zero ID is none.
func (r reader) eventFor(q store.Question) (e store.Event, err error) {
	if q.Definition {
		d, err := r.definition(q.Event)
		return d.Event, err
	}
	err = r.each(`SELECT id, starts, sales_open, sales_close, revision FROM events WHERE id = ?`, func(stmt *sqlite.Stmt) error {
		e.ID, e.Starts = stmt.ColumnText(0), columnTime(stmt, 1)
		e.SalesOpen, e.SalesClose = columnTime(stmt, 2), columnTime(stmt, 3)
		e.Revision = stmt.ColumnInt64(4)
		return nil
	}, q.Event)
	return e, err
}
