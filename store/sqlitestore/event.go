package sqlitestore

import (
	"context"
	"encoding/json"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/seatlock/seatlock/store"
)

// CreateEvent implements [store.Store].
func (s *Store) CreateEvent(ctx context.Context, e store.NewEvent) error {
	if err := e.Validate(); err != nil {
		return fmt.Errorf("create event: %w", err)
	}
	e.Plan, e.Revision = store.PlanHash(e.PlanBody), 1
	fingerprint, err := e.Fingerprint()
	if err != nil {
		return fmt.Errorf("create event %s: %w: %w", e.ID, store.ErrInvalid, err)
	}
	return s.do(ctx, "create event "+e.ID, func(t *tx) error { return t.createEvent(e, fingerprint) })
}

func (t *tx) createEvent(e store.NewEvent, fingerprint string) error {
	known, err := t.fingerprintOf(e.ID)
	if err != nil {
		return err
	}
	if known == fingerprint {
		return nil
	}
	if known != "" {
		return store.ErrExists
	}
	if err := t.putPlan(e.Plan, e.PlanBody); err != nil {
		return err
	}
	prices, err := json.Marshal(e.Prices)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO events (id, title, venue, starts, zone, currency, prices, sales_open, sales_close, plan, revision, fingerprint)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		e.ID, e.Title, e.Venue, e.Starts.UnixMilli(), e.Zone, e.Currency, string(prices),
		e.SalesOpen, e.SalesClose, e.Plan, e.Revision, fingerprint)
	if err != nil {
		return err
	}
	if err := t.putSeats(e, nil); err != nil {
		return err
	}
	return t.appendChange(e.ID, "")
}

// UpdateEvent implements [store.Store].
func (s *Store) UpdateEvent(ctx context.Context, e store.Event) (store.Event, error) {
	if err := e.Validate(); err != nil {
		return store.Event{}, fmt.Errorf("update event: %w", err)
	}
	return write(ctx, s, "update event "+e.ID, func(t *tx) (store.Event, error) { return t.updateEvent(e) })
}

func (t *tx) updateEvent(asked store.Event) (store.Event, error) {
	old, err := t.event(asked.ID)
	if err != nil {
		return store.Event{}, err
	}
	e, err := old.Update(asked)
	if err != nil || e.Revision == old.Revision {
		return e, err
	}
	return e, t.replaceEvent(e)
}

// replaceEvent writes the event over the revision before it, and tells of it.
func (t *tx) replaceEvent(e store.Event) error {
	prices, err := json.Marshal(e.Prices)
	if err != nil {
		return err
	}
	if err := t.writeOne("event "+e.ID, `UPDATE events SET title = ?2, venue = ?3, starts = ?4, zone = ?5, prices = ?6,
			sales_open = ?7, sales_close = ?8, revision = ?9, plan = ?10 WHERE id = ?1 AND revision = ?9 - 1`,
		e.ID, e.Title, e.Venue, e.Starts.UnixMilli(), e.Zone, string(prices),
		e.SalesOpen, e.SalesClose, e.Revision, e.Plan); err != nil {
		return err
	}
	return t.appendChange(e.ID, "")
}

// AddSeats implements [store.Store].
func (s *Store) AddSeats(ctx context.Context, e store.NewEvent) (store.Event, error) {
	if err := e.Validate(); err != nil {
		return store.Event{}, fmt.Errorf("add seats: %w", err)
	}
	return write(ctx, s, "add seats to "+e.ID, func(t *tx) (store.Event, error) { return t.addSeats(e) })
}

func (t *tx) addSeats(asked store.NewEvent) (store.Event, error) {
	old, err := t.event(asked.ID)
	if err != nil {
		return store.Event{}, err
	}
	var have []string
	places := map[string]int{}
	err = t.each(`SELECT id, place FROM seats WHERE event = ? ORDER BY place`, func(stmt *sqlite.Stmt) error {
		have = append(have, stmt.ColumnText(0))
		places[have[len(have)-1]] = stmt.ColumnInt(1)
		return nil
	}, asked.ID)
	if err != nil {
		return store.Event{}, err
	}
	e, err := old.AddSeats(have, asked)
	if err != nil || e.Revision == old.Revision {
		return e, err
	}
	if err := t.putPlan(e.Plan, asked.PlanBody); err != nil {
		return store.Event{}, err
	}
	if err := t.putSeats(asked, places); err != nil {
		return store.Event{}, err
	}
	return e, t.replaceEvent(e)
}

func (t *tx) putPlan(hash string, body []byte) error {
	_, err := t.exec(`INSERT INTO plans (hash, body) VALUES (?, ?) ON CONFLICT DO NOTHING`, hash, body)
	return err
}

// putSeats inserts the seats of a plan, but for those that have a place
// already, which are moved.
func (t *tx) putSeats(e store.NewEvent, places map[string]int) error {
	withheld := make(map[string]bool, len(e.Withheld))
	for _, id := range e.Withheld {
		withheld[id] = true
	}
	for place, id := range e.Seats {
		if old, known := places[id]; known {
			if old != place {
				if err := t.writeOne(id, `UPDATE seats SET place = ?3 WHERE event = ?1 AND id = ?2`, e.ID, id, place); err != nil {
					return err
				}
			}
			continue
		}
		status := store.Available
		if withheld[id] {
			status = store.Withheld
		}
		_, err := t.exec(`INSERT INTO seats (event, id, place, status, version) VALUES (?, ?, ?, ?, 1)`,
			e.ID, id, place, status.String())
		if err != nil {
			return err
		}
	}
	return nil
}

func (v view) fingerprintOf(event string) (fingerprint string, err error) {
	err = v.each(`SELECT fingerprint FROM events WHERE id = ?`, func(stmt *sqlite.Stmt) error {
		fingerprint = stmt.ColumnText(0)
		return nil
	}, event)
	return fingerprint, err
}

const eventColumns = `id, title, venue, starts, zone, currency, prices, sales_open, sales_close, plan, revision`

func scanEvent(stmt *sqlite.Stmt) (store.Event, error) {
	e := store.Event{
		ID: stmt.ColumnText(0), Title: stmt.ColumnText(1), Venue: stmt.ColumnText(2),
		Starts: columnTime(stmt, 3), Zone: stmt.ColumnText(4), Currency: stmt.ColumnText(5),
		SalesOpen: columnTime(stmt, 7), SalesClose: columnTime(stmt, 8),
		Plan: stmt.ColumnText(9), Revision: stmt.ColumnInt64(10),
	}
	if err := json.Unmarshal([]byte(stmt.ColumnText(6)), &e.Prices); err != nil {
		return store.Event{}, fmt.Errorf("%w: prices of %s: %w", errDamaged, e.ID, err)
	}
	return e, nil
}

// Events implements [store.Store].
func (s *Store) Events(ctx context.Context) (events []store.Event, err error) {
	err = s.read(ctx, "events", func(v view) error {
		return v.each(`SELECT `+eventColumns+` FROM events ORDER BY starts, id`, func(stmt *sqlite.Stmt) error {
			e, err := scanEvent(stmt)
			events = append(events, e)
			return err
		})
	})
	return events, err
}

// Event implements [store.Store].
func (s *Store) Event(ctx context.Context, id string) (event store.Event, err error) {
	err = s.read(ctx, "event", func(v view) (err error) {
		event, err = v.event(id)
		return err
	})
	return event, err
}

func (v view) event(id string) (event store.Event, err error) {
	err = v.each(`SELECT `+eventColumns+` FROM events WHERE id = ?`, func(stmt *sqlite.Stmt) (err error) {
		event, err = scanEvent(stmt)
		return err
	}, id)
	if err == nil && event.ID == "" {
		err = fmt.Errorf("%w: %s", store.ErrNoEvent, id)
	}
	return event, err
}

// Plan implements [store.Store].
func (s *Store) Plan(ctx context.Context, hash string) (body []byte, err error) {
	err = s.read(ctx, "plan", func(v view) error {
		err := v.each(`SELECT body FROM plans WHERE hash = ?`, func(stmt *sqlite.Stmt) error {
			body = make([]byte, stmt.ColumnLen(0))
			stmt.ColumnBytes(0, body)
			return nil
		}, hash)
		if err == nil && body == nil {
			err = fmt.Errorf("%w with plan %s", store.ErrNoEvent, hash)
		}
		return err
	})
	return body, err
}

// Snapshot implements [store.Store].
func (s *Store) Snapshot(ctx context.Context, event string) (snapshot store.Snapshot, err error) {
	err = s.read(ctx, "snapshot of "+event, func(v view) error {
		if _, err := v.salesOf(event); err != nil {
			return err
		}
		position, err := v.lastPosition()
		if err != nil {
			return err
		}
		snapshot.Cursor = store.Cursor{Epoch: s.epoch, Position: uint64(position)}
		snapshot.Now = v.now
		return v.each(`SELECT `+seatColumns+` FROM seats WHERE event = ?1 ORDER BY place`, collect(&snapshot.Seats), event)
	})
	return snapshot, err
}
