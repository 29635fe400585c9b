package mongostore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/seatlock/seatlock/store"
)

const (
	insertSize = 2000    // seats in one command
	partSize   = 8 << 20 // bytes of a plan in one document, which may have 16 MiB with all else in it
)

// eventDocument is a document of events. Fingerprint is the hash of the whole
// definition as it was first given: it tells a repeated creation from a
// different one.
type eventDocument struct {
	ID          string     `bson:"_id"`
	Title       string     `bson:"title"`
	Venue       string     `bson:"venue"`
	Starts      time.Time  `bson:"starts"`
	Zone        string     `bson:"zone"`
	Currency    string     `bson:"currency"`
	Prices      []price    `bson:"prices"` // category ids need not be fit for field names
	SalesOpen   *time.Time `bson:"salesOpen,omitempty"`
	SalesClose  *time.Time `bson:"salesClose,omitempty"`
	Plan        string     `bson:"plan"`
	Revision    int64      `bson:"revision"`
	Fingerprint string     `bson:"fingerprint"`
}

type price struct {
	Category string `bson:"category"`
	Amount   int64  `bson:"amount"`
}

func documentOf(e store.Event, fingerprint string) eventDocument {
	d := eventDocument{
		ID: e.ID, Title: e.Title, Venue: e.Venue, Starts: e.Starts, Zone: e.Zone, Currency: e.Currency,
		Prices: []price{}, Plan: e.Plan, Revision: e.Revision, Fingerprint: fingerprint,
	}
	for _, category := range slices.Sorted(maps.Keys(e.Prices)) {
		d.Prices = append(d.Prices, price{category, e.Prices[category]})
	}
	if !e.SalesOpen.IsZero() {
		d.SalesOpen = &e.SalesOpen
	}
	if !e.SalesClose.IsZero() {
		d.SalesClose = &e.SalesClose
	}
	return d
}

func (d eventDocument) event() store.Event {
	e := store.Event{
		ID: d.ID, Title: d.Title, Venue: d.Venue, Starts: d.Starts.UTC(), Zone: d.Zone, Currency: d.Currency,
		Plan: d.Plan, Revision: d.Revision,
	}
	for _, p := range d.Prices {
		if e.Prices == nil {
			e.Prices = make(map[string]int64, len(d.Prices))
		}
		e.Prices[p.Category] = p.Amount
	}
	if d.SalesOpen != nil {
		e.SalesOpen = d.SalesOpen.UTC()
	}
	if d.SalesClose != nil {
		e.SalesClose = d.SalesClose.UTC()
	}
	return e
}

// CreateEvent implements [store.Store].
func (s *Store) CreateEvent(ctx context.Context, e store.NewEvent) error {
	if err := e.Validate(); err != nil {
		return fmt.Errorf("create event: %w", err)
	}
	what := "create event " + e.ID
	e.Plan, e.Revision = store.PlanHash(e.PlanBody), 1
	fingerprint, err := e.Fingerprint()
	if err != nil {
		return fmt.Errorf("%s: %w: %w", what, store.ErrInvalid, err)
	}
	return s.write(ctx, what, createTimeout, func(ctx context.Context, _ *home) error {
		for try := 0; ; try++ {
			err := s.createEvent(ctx, e, fingerprint)
			if err == nil || isContract(err) || !passing(err) || ctx.Err() != nil {
				return err
			}
			pause(ctx, try)
		}
	})
}

func (s *Store) createEvent(ctx context.Context, e store.NewEvent, fingerprint string) error {
	known, err := s.eventDocument(ctx, e.ID)
	switch {
	case err == nil && known.Fingerprint == fingerprint:
		return nil
	case err == nil:
		return store.ErrExists
	case !errors.Is(err, store.ErrNoEvent):
		return err
	}
	if err := s.putPlan(ctx, e.Plan, e.PlanBody); err != nil {
		return err
	}
	_, err = s.transact(ctx, func(ctx context.Context) (wrote bool, err error) {
		// The event first: who would create the same meets at it, at once.
		if _, err := s.db.Collection(eventsColl).InsertOne(ctx, documentOf(e.Event, fingerprint)); err != nil {
			return false, err
		}
		return true, s.putSeats(ctx, e, nil)
	})
	return err
}

// UpdateEvent implements [store.Store].
func (s *Store) UpdateEvent(ctx context.Context, e store.Event) (event store.Event, err error) {
	what := "update event " + e.ID
	if err := e.Validate(); err != nil {
		return store.Event{}, fmt.Errorf("update event: %w", err)
	}
	err = s.write(ctx, what, callTimeout, func(ctx context.Context, h *home) error {
		began := time.Now()
		var now store.Event
		var refusal error
		err := s.primary.again(ctx, func(ctx context.Context) (err error) {
			now, refusal, err = s.updateEvent(ctx, e)
			return err
		})
		if err != nil {
			return err
		}
		if event = now; refusal == nil {
			h.sales.put(salesTime{&now, began})
		}
		return refusal
	})
	return event, err
}

// updateEvent returns how the event stands. A refusal waits for the commit,
// too: it rests then on nothing that could be taken back.
func (s *Store) updateEvent(ctx context.Context, asked store.Event) (e store.Event, refusal, err error) {
	_, err = s.transact(ctx, func(ctx context.Context) (wrote bool, err error) {
		old, err := s.eventDocument(ctx, asked.ID)
		if errors.Is(err, store.ErrNoEvent) {
			refusal = err
			return false, nil
		}
		if err != nil {
			return false, err
		}
		e, refusal = old.event().Update(asked)
		if e.Revision == old.Revision {
			return false, nil
		}
		return true, s.replaceEvent(ctx, e, old.Fingerprint)
	})
	return e, refusal, err
}

// replaceEvent writes the event over the revision before it.
func (s *Store) replaceEvent(ctx context.Context, e store.Event, fingerprint string) error {
	result, err := s.db.Collection(eventsColl).ReplaceOne(ctx,
		bson.D{{Key: "_id", Value: e.ID}, {Key: "revision", Value: e.Revision - 1}}, documentOf(e, fingerprint))
	if err == nil && result.MatchedCount != 1 {
		err = errConflict
	}
	return err
}

// AddSeats implements [store.Store].
func (s *Store) AddSeats(ctx context.Context, e store.NewEvent) (event store.Event, err error) {
	what := "add seats to " + e.ID
	if err := e.Validate(); err != nil {
		return store.Event{}, fmt.Errorf("add seats: %w", err)
	}
	err = s.write(ctx, what, createTimeout, func(ctx context.Context, h *home) error {
		for try := 0; ; try++ {
			began := time.Now()
			now, refusal, err := s.addSeats(ctx, e)
			switch {
			case err == nil && refusal == nil:
				event = now
				h.sales.put(salesTime{&now, began})
				return nil
			case err == nil:
				event = now
				return refusal
			case isContract(err) || !passing(err) || ctx.Err() != nil:
				return err
			}
			pause(ctx, try)
		}
	})
	return event, err
}

// addSeats is updateEvent with seats.
func (s *Store) addSeats(ctx context.Context, asked store.NewEvent) (e store.Event, refusal, err error) {
	_, err = s.transact(ctx, func(ctx context.Context) (wrote bool, err error) {
		old, err := s.eventDocument(ctx, asked.ID)
		if errors.Is(err, store.ErrNoEvent) {
			refusal = err
			return false, nil
		}
		if err != nil {
			return false, err
		}
		rows, err := s.allRows(ctx, asked.ID)
		if err != nil {
			return false, err
		}
		e, refusal = old.event().AddSeats(idsOf(rows), asked)
		if e.Revision == old.Revision {
			return false, nil
		}
		// The event first: who would change the same meets at it, at once.
		if err := s.replaceEvent(ctx, e, old.Fingerprint); err != nil {
			return true, err
		}
		if err := s.putPlan(ctx, e.Plan, asked.PlanBody); err != nil {
			return true, err
		}
		return true, s.putSeats(ctx, asked, rows)
	})
	return e, refusal, err
}

func idsOf(rows []row) []string {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.seat.ID
	}
	return ids
}

// putSeats inserts the seats of a plan, but for those that are there already,
// which are moved.
func (s *Store) putSeats(ctx context.Context, e store.NewEvent, there []row) error {
	withheld := make(map[string]bool, len(e.Withheld))
	for _, id := range e.Withheld {
		withheld[id] = true
	}
	places := make(map[string]row, len(there))
	for _, r := range there {
		places[r.seat.ID] = r
	}
	var fresh []bson.D
	var moved writes
	for place, id := range e.Seats {
		r, known := places[id]
		switch {
		case !known:
			r = row{event: e.ID, place: int64(place), seat: store.Seat{ID: id, Version: 1}}
			if withheld[id] {
				r.seat.Status = store.Withheld
			}
			fresh = append(fresh, r.document())
		case r.place != int64(place):
			moved.move(r, int64(place))
		}
	}
	for documents := range slices.Chunk(fresh, insertSize) {
		if _, err := s.db.Collection(seatsColl).InsertMany(ctx, documents); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(moved, insertSize) {
		if err := s.put(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

// putPlan writes a plan's parts from the last to the first, which stands for
// all of them. Plans are named by their content: to write one again changes
// nothing.
func (s *Store) putPlan(ctx context.Context, hash string, body []byte) error {
	parts := slices.Collect(slices.Chunk(body, partSize))
	for i, part := range slices.Backward(parts) {
		_, err := s.db.Collection(plansColl).UpdateOne(ctx, bson.D{{Key: "_id", Value: partID(hash, i)}},
			bson.D{{Key: "$setOnInsert", Value: bson.D{{Key: "parts", Value: len(parts)}, {Key: "body", Value: part}}}},
			options.UpdateOne().SetUpsert(true))
		if err != nil {
			return err
		}
	}
	return nil
}

func partID(hash string, part int) string { return fmt.Sprintf("%s/%d", hash, part) }

// Plan implements [store.Store].
func (s *Store) Plan(ctx context.Context, hash string) (body []byte, err error) {
	err = s.scan(ctx, "plan", snapshotTimeout, func(ctx context.Context, _ *home) error {
		for i, parts := 0, 1; i < parts; i++ {
			var part struct {
				Parts int    `bson:"parts"`
				Body  []byte `bson:"body"`
			}
			err := s.db.Collection(plansColl).FindOne(ctx, bson.D{{Key: "_id", Value: partID(hash, i)}}).Decode(&part)
			if errors.Is(err, mongo.ErrNoDocuments) {
				return fmt.Errorf("%w with plan %s", store.ErrNoEvent, hash)
			}
			if err != nil {
				return err
			}
			parts, body = part.Parts, append(body, part.Body...)
		}
		return nil
	})
	return body, err
}

// Events implements [store.Store].
func (s *Store) Events(ctx context.Context) (events []store.Event, err error) {
	err = s.read(ctx, "events", func(ctx context.Context, _ *home) error {
		events = nil
		cursor, err := s.db.Collection(eventsColl).Find(ctx, bson.D{})
		if err != nil {
			return err
		}
		var documents []eventDocument
		if err := cursor.All(ctx, &documents); err != nil {
			return err
		}
		for _, d := range documents {
			events = append(events, d.event())
		}
		slices.SortFunc(events, func(a, b store.Event) int {
			return cmp.Or(a.Starts.Compare(b.Starts), cmp.Compare(a.ID, b.ID))
		})
		return nil
	})
	return events, err
}

// Event implements [store.Store].
func (s *Store) Event(ctx context.Context, id string) (event store.Event, err error) {
	err = s.read(ctx, "event", func(ctx context.Context, _ *home) error {
		d, err := s.eventDocument(ctx, id)
		event = d.event()
		return err
	})
	return event, err
}

func (s *Store) eventDocument(ctx context.Context, id string) (d eventDocument, err error) {
	err = s.db.Collection(eventsColl).FindOne(ctx, bson.D{{Key: "_id", Value: id}}).Decode(&d)
	if errors.Is(err, mongo.ErrNoDocuments) {
		err = fmt.Errorf("%w: %s", store.ErrNoEvent, id)
	}
	return d, err
}

// Snapshot implements [store.Store].
func (s *Store) Snapshot(ctx context.Context, event string) (snapshot store.Snapshot, err error) {
	err = s.scan(ctx, "snapshot of "+event, snapshotTimeout, func(ctx context.Context, h *home) error {
		return s.snapshot(ctx, func(ctx context.Context, session *mongo.Session) (err error) {
			found, err := s.db.Collection(eventsColl).FindOne(ctx, bson.D{{Key: "_id", Value: event}},
				options.FindOne().SetProjection(withNow())).Raw()
			if errors.Is(err, mongo.ErrNoDocuments) {
				return fmt.Errorf("%w: %s", store.ErrNoEvent, event)
			}
			if err != nil {
				return err
			}
			snapshot.Now = optionalTime(found, "now")
			snapshot.Cursor = h.cursor(session.SnapshotTime())
			rows, err := s.allRows(ctx, event)
			snapshot.Seats = seatsOf(rows)
			return err
		})
	})
	if err != nil {
		return store.Snapshot{}, err
	}
	return snapshot, nil
}

// allRows reads the seats of an event, in the plan's order.
func (s *Store) allRows(ctx context.Context, event string) (rows []row, err error) {
	cursor, err := s.db.Collection(seatsColl).Find(ctx,
		bson.D{{Key: "event", Value: event}, {Key: "place", Value: bson.D{{Key: "$gte", Value: 0}}}}, // clocks have none
		options.Find().SetSort(bson.D{{Key: "place", Value: 1}}).SetBatchSize(10_000))
	if err != nil {
		return nil, err
	}
	defer tidy(func(ctx context.Context) { _ = cursor.Close(ctx) }) // the servers forget it anyhow
	for cursor.Next(ctx) {
		r, err := decodeRow(cursor.Current)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, cursor.Err()
}
