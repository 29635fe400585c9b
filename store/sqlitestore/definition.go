package sqlitestore

import (
	"context"
	"encoding/json"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/seatlock/seatlock/store"
)

// Define implements [store.Engine].
func (e *Engine) Define(ctx context.Context, event string, withSeats bool, rule func(store.Definition) (store.Redefinition, error)) error {
	return e.do(ctx, func(t *tx) error { return t.define(event, withSeats, rule) })
}

func (t *tx) define(event string, withSeats bool, rule func(store.Definition) (store.Redefinition, error)) error {
	old, err := t.definition(event)
	if err != nil {
		return err
	}
	old.Now = t.now
	if withSeats && old.ID != "" {
		if old.Seats, err = t.seatIDs(event); err != nil {
			return err
		}
		if old.Claimed, err = t.claimed(event); err != nil {
			return err
		}
	}
	next, err := rule(old)
	if err != nil || next.ID == "" && !next.Removed {
		return err
	}
	if next.Removed {
		if err := t.removeEvent(event); err != nil {
			return err
		}
		return t.appendRow(event, "")
	}
	if next.Plan != nil {
		if err := t.putPlan(next, old.Seats); err != nil {
			return err
		}
	}
	if err := t.putEvent(next); err != nil {
		return err
	}
	return t.appendRow(event, "")
}

// claimed reads the seats of an event that are, or may be, somebody's, by id.
func (r reader) claimed(event string) (seats []store.Seat, err error) {
	err = r.each(`SELECT `+seatColumns+` FROM seats WHERE event = ?1 AND status NOT IN ('available', 'withheld') ORDER BY id`,
		collect(&seats), event)
	return seats, err
}

// removeEvent removes an event with its seats and clocks.
func (t *tx) removeEvent(event string) error {
	if _, err := t.exec(`UPDATE clocks SET unpaid = 0 WHERE event = ?1 AND unpaid > 0`, event); err != nil { // they would stay
		return err
	}
	for _, table := range []string{"seats WHERE event", "clocks WHERE event", "events WHERE id"} {
		if _, err := t.exec(`DELETE FROM `+table+` = ?1`, event); err != nil {
			return err
		}
	}
	return nil
}

// putEvent writes the event over the revision before it, or makes it.
func (t *tx) putEvent(e store.Redefinition) error {
	prices, err := json.Marshal(e.Prices)
	if err != nil {
		return err
	}
	var terms, tariffs []byte
	if e.Terms != (store.Terms{}) {
		if terms, err = json.Marshal(e.Terms); err != nil {
			return err
		}
	}
	if len(e.Tariffs) > 0 {
		if tariffs, err = json.Marshal(e.Tariffs); err != nil {
			return err
		}
	}
	return t.writeOne("event "+e.ID, `INSERT INTO events (id, title, venue, starts, zone, currency, prices, sales_open, sales_close, plan, revision, fingerprint, hidden, terms, tariffs)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
		ON CONFLICT DO UPDATE SET title = ?2, venue = ?3, starts = ?4, zone = ?5, currency = ?6, prices = ?7,
			sales_open = ?8, sales_close = ?9, plan = ?10, revision = ?11, fingerprint = ?12, hidden = ?13, terms = ?14, tariffs = ?15 WHERE revision = ?11 - 1`,
		e.ID, e.Title, e.Venue, e.Starts.UnixMilli(), e.Zone, e.Currency, string(prices),
		e.SalesOpen, e.SalesClose, e.Event.Plan, e.Revision, e.Fingerprint, e.Hidden, optional(terms), optional(tariffs))
}

// putPlan keeps the plan, and inserts its seats, but for those that the event
// has already, which are moved to where the plan has them.
func (t *tx) putPlan(e store.Redefinition, there []string) error {
	_, err := t.exec(`INSERT INTO plans (hash, body) VALUES (?, ?) ON CONFLICT DO NOTHING`, e.Event.Plan, e.Plan.Body)
	if err != nil {
		return err
	}
	places := make(map[string]int, len(there))
	for place, id := range there {
		places[id] = place
	}
	withheld := make(map[string]bool, len(e.Plan.Withheld))
	for _, id := range e.Plan.Withheld {
		withheld[id] = true
	}
	for place, id := range e.Plan.Seats {
		old, known := places[id]
		switch {
		case known && old != place:
			err = t.writeOne(id, `UPDATE seats SET place = ?3 WHERE event = ?1 AND id = ?2`, e.ID, id, place)
		case !known:
			status := store.Available
			if withheld[id] {
				status = store.Withheld
			}
			_, err = t.exec(`INSERT INTO seats (event, id, place, status, version) VALUES (?, ?, ?, ?, 1)`,
				e.ID, id, place, status.String())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// seatIDs reads the ids of an event's seats, in the plan's order.
func (r reader) seatIDs(event string) (ids []string, err error) {
	err = r.each(`SELECT id FROM seats WHERE event = ? ORDER BY place`, func(stmt *sqlite.Stmt) error {
		ids = append(ids, stmt.ColumnText(0))
		return nil
	}, event)
	return ids, err
}

const eventColumns = `id, title, venue, starts, zone, currency, prices, sales_open, sales_close, plan, revision, fingerprint, hidden, terms, tariffs`

func scanDefinition(stmt *sqlite.Stmt) (store.Definition, error) {
	d := store.Definition{Event: store.Event{
		ID: stmt.ColumnText(0), Title: stmt.ColumnText(1), Venue: stmt.ColumnText(2),
		Starts: columnTime(stmt, 3), Zone: stmt.ColumnText(4), Currency: stmt.ColumnText(5),
		SalesOpen: columnTime(stmt, 7), SalesClose: columnTime(stmt, 8),
		Plan: stmt.ColumnText(9), Revision: stmt.ColumnInt64(10), Hidden: stmt.ColumnBool(12),
	}, Fingerprint: stmt.ColumnText(11)}
	if err := json.Unmarshal([]byte(stmt.ColumnText(6)), &d.Prices); err != nil {
		return store.Definition{}, fmt.Errorf("%w: prices of %s: %w", errDamaged, d.ID, err)
	}
	if stmt.ColumnLen(13) > 0 {
		if err := json.Unmarshal([]byte(stmt.ColumnText(13)), &d.Terms); err != nil {
			return store.Definition{}, fmt.Errorf("%w: terms of %s: %w", errDamaged, d.ID, err)
		}
	}
	if stmt.ColumnLen(14) > 0 {
		if err := json.Unmarshal([]byte(stmt.ColumnText(14)), &d.Tariffs); err != nil {
			return store.Definition{}, fmt.Errorf("%w: tariffs of %s: %w", errDamaged, d.ID, err)
		}
	}
	return d, nil
}

// definition reads an event; the zero ID is none.
func (r reader) definition(id string) (d store.Definition, err error) {
	err = r.each(`SELECT `+eventColumns+` FROM events WHERE id = ?`, func(stmt *sqlite.Stmt) (err error) {
		d, err = scanDefinition(stmt)
		return err
	}, id)
	return d, err
}

// Events implements [store.Engine].
func (e *Engine) Events(ctx context.Context) (events []store.Event, err error) {
	err = e.read(ctx, func(r reader) error {
		return r.each(`SELECT `+eventColumns+` FROM events ORDER BY starts, id`, func(stmt *sqlite.Stmt) error {
			d, err := scanDefinition(stmt)
			events = append(events, d.Event)
			return err
		})
	})
	return events, err
}

// Event implements [store.Engine].
func (e *Engine) Event(ctx context.Context, id string) (event store.Event, err error) {
	err = e.read(ctx, func(r reader) error {
		d, err := r.definition(id)
		if event = d.Event; err == nil && event.ID == "" {
			err = store.ErrNoEvent
		}
		return err
	})
	return event, err
}

// Plan implements [store.Engine].
func (e *Engine) Plan(ctx context.Context, hash string) (body []byte, err error) {
	err = e.read(ctx, func(r reader) error {
		err := r.each(`SELECT body FROM plans WHERE hash = ?`, func(stmt *sqlite.Stmt) error {
			body = make([]byte, stmt.ColumnLen(0))
			stmt.ColumnBytes(0, body)
			return nil
		}, hash)
		if err == nil && body == nil {
			err = store.ErrNoEvent
		}
		return err
	})
	return body, err
}

// Snapshot implements [store.Engine].
func (e *Engine) Snapshot(ctx context.Context, event string) (snapshot store.Snapshot, err error) {
	err = e.read(ctx, func(r reader) error {
		known, err := r.eventFor(store.Question{Event: event})
		if err == nil && known.ID == "" {
			err = store.ErrNoEvent
		}
		if err != nil {
			return err
		}
		if snapshot.Cursor, err = r.head(); err != nil {
			return err
		}
		snapshot.Now = r.now
		return r.each(`SELECT `+seatColumns+` FROM seats WHERE event = ?1 ORDER BY place`, collect(&snapshot.Seats), event)
	})
	return snapshot, err
}
