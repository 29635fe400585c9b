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
	Hidden      bool       `bson:"hidden,omitempty"`
	Terms       *terms     `bson:"terms,omitempty"`

	Unknown map[string]bson.RawValue `bson:",inline"` // fields of a newer program
}

// terms are [store.Terms], in nanoseconds; the zero value is no field.
type terms struct {
	CancelUntil time.Duration `bson:"cancelUntil,omitempty"`
	PayWithin   time.Duration `bson:"payWithin,omitempty"`
	PayUntil    time.Duration `bson:"payUntil,omitempty"`
}

type price struct {
	Category string `bson:"category"`
	Amount   int64  `bson:"amount"`

	Unknown map[string]bson.RawValue `bson:",inline"`
}

// become returns the document of the event as it is to be. It keeps the fields
// of d that this program does not know.
func (d eventDocument) become(e store.Event, fingerprint string) eventDocument {
	next := eventDocument{
		ID: e.ID, Title: e.Title, Venue: e.Venue, Starts: e.Starts, Zone: e.Zone, Currency: e.Currency,
		Prices: []price{}, Plan: e.Plan, Revision: e.Revision, Fingerprint: fingerprint, Hidden: e.Hidden,
		Unknown: maps.Clone(d.Unknown),
	}
	delete(next.Unknown, touchedField)
	for _, category := range slices.Sorted(maps.Keys(e.Prices)) {
		p := price{Category: category, Amount: e.Prices[category]}
		if i := slices.IndexFunc(d.Prices, func(old price) bool { return old.Category == category }); i >= 0 {
			p.Unknown = d.Prices[i].Unknown
		}
		next.Prices = append(next.Prices, p)
	}
	if e.Terms != (store.Terms{}) {
		next.Terms = new(terms(e.Terms))
	}
	if !e.SalesOpen.IsZero() {
		next.SalesOpen = &e.SalesOpen
	}
	if !e.SalesClose.IsZero() {
		next.SalesClose = &e.SalesClose
	}
	return next
}

func (d eventDocument) event() store.Event {
	e := store.Event{
		ID: d.ID, Title: d.Title, Venue: d.Venue, Starts: d.Starts.UTC(), Zone: d.Zone, Currency: d.Currency,
		Hidden: d.Hidden, Plan: d.Plan, Revision: d.Revision,
	}
	for _, p := range d.Prices {
		if e.Prices == nil {
			e.Prices = make(map[string]int64, len(d.Prices))
		}
		e.Prices[p.Category] = p.Amount
	}
	if d.Terms != nil {
		e.Terms = store.Terms(*d.Terms)
	}
	if d.SalesOpen != nil {
		e.SalesOpen = d.SalesOpen.UTC()
	}
	if d.SalesClose != nil {
		e.SalesClose = d.SalesClose.UTC()
	}
	return e
}

// Events implements [store.Engine].
func (e *Engine) Events(ctx context.Context) (events []store.Event, err error) {
	err = e.read(ctx, func(ctx context.Context, _ *opened) error {
		events = nil
		cursor, err := e.db.Collection(eventsColl).Find(ctx, bson.D{})
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

// Event implements [store.Engine].
func (e *Engine) Event(ctx context.Context, id string) (event store.Event, err error) {
	err = e.read(ctx, func(ctx context.Context, _ *opened) error {
		d, err := e.findEvent(ctx, id)
		event = d.event()
		if err == nil && d.ID == "" {
			err = fmt.Errorf("%w: %s", store.ErrNoEvent, id)
		}
		return err
	})
	return event, err
}

// at finds the event only if it has the revision.
func (d eventDocument) at() bson.D {
	return bson.D{{Key: "_id", Value: d.ID}, {Key: "revision", Value: d.Revision}}
}

// findEvent returns the document of an event, with the zero ID for none.
func (e *Engine) findEvent(ctx context.Context, id string) (d eventDocument, err error) {
	err = e.db.Collection(eventsColl).FindOne(ctx, byID(id)).Decode(&d)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return eventDocument{}, nil
	}
	return d, err
}

// findEventAndNow is findEvent with the servers' time.
func (e *Engine) findEventAndNow(ctx context.Context, id string) (d eventDocument, now time.Time, err error) {
	raw, err := e.db.Collection(eventsColl).FindOne(ctx, byID(id), options.FindOne().SetProjection(whole())).Raw()
	if errors.Is(err, mongo.ErrNoDocuments) {
		now, err = e.findNow(ctx)
		return d, now, err
	}
	if err != nil {
		return d, now, err
	}
	document, now, err := split(raw)
	if err == nil {
		err = bson.Unmarshal(document, &d)
	}
	return d, now, err
}
