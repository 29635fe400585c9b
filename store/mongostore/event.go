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
	Tariffs     []tariff   `bson:"tariffs,omitempty"`

	Unknown map[string]bson.RawValue `bson:",inline"` // fields of a newer program
}

// terms are [store.Terms], in nanoseconds; the zero value is no field.
type terms struct {
	CancelUntil time.Duration `bson:"cancelUntil,omitempty"`
	PayWithin   time.Duration `bson:"payWithin,omitempty"`
	PayUntil    time.Duration `bson:"payUntil,omitempty"`
}

// tariff is a [store.Tariff].
type tariff struct {
	ID     string  `bson:"id"`
	Name   string  `bson:"name"`
	Off    int     `bson:"off,omitempty"`
	Prices []price `bson:"prices,omitempty"`
	Most   int     `bson:"most,omitempty"`
	Beside bool    `bson:"beside,omitempty"`

	Unknown map[string]bson.RawValue `bson:",inline"`
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
		Prices: pricesOf(e.Prices, d.Prices), Plan: e.Plan, Revision: e.Revision, Fingerprint: fingerprint, Hidden: e.Hidden,
		Unknown: maps.Clone(d.Unknown),
	}
	delete(next.Unknown, touchedField)
	for _, t := range e.Tariffs {
		var old tariff
		if i := slices.IndexFunc(d.Tariffs, func(old tariff) bool { return old.ID == t.ID }); i >= 0 {
			old = d.Tariffs[i]
		}
		next.Tariffs = append(next.Tariffs, tariff{
			ID: t.ID, Name: t.Name, Off: t.Off, Prices: pricesOf(t.Prices, old.Prices), Most: t.Most, Beside: t.Beside, Unknown: old.Unknown,
		})
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

// pricesOf are the prices as a document has them, in the place of others.
func pricesOf(prices map[string]int64, old []price) []price {
	list := []price{}
	for _, category := range slices.Sorted(maps.Keys(prices)) {
		p := price{Category: category, Amount: prices[category]}
		if i := slices.IndexFunc(old, func(old price) bool { return old.Category == category }); i >= 0 {
			p.Unknown = old[i].Unknown
		}
		list = append(list, p)
	}
	return list
}

// byCategory is the inverse of pricesOf; nil for none.
func byCategory(list []price) map[string]int64 {
	if len(list) == 0 {
		return nil
	}
	prices := make(map[string]int64, len(list))
	for _, p := range list {
		prices[p.Category] = p.Amount
	}
	return prices
}

func (d eventDocument) event() store.Event {
	e := store.Event{
		ID: d.ID, Title: d.Title, Venue: d.Venue, Starts: d.Starts.UTC(), Zone: d.Zone, Currency: d.Currency,
		Prices: byCategory(d.Prices), Hidden: d.Hidden, Plan: d.Plan, Revision: d.Revision,
	}
	for _, t := range d.Tariffs {
		e.Tariffs = append(e.Tariffs, store.Tariff{ID: t.ID, Name: t.Name, Off: t.Off, Prices: byCategory(t.Prices), Most: t.Most, Beside: t.Beside})
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
