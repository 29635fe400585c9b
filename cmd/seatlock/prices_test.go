package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

// unpriced is an event of two categories, of which one has a price.
func unpriced(t *testing.T, id string) store.NewEvent {
	t.Helper()
	file := readFile(t, "row,seat,category,price\nA,1,Front,28.00\nB,1,Rear,\n")
	return store.NewEvent{
		Event:    store.Event{ID: id, Title: "T", Zone: "Europe/Vienna", Currency: "EUR", Prices: map[string]int64{"front": 2800}},
		PlanBody: file.Plan.Encode(), Seats: file.Plan.SeatIDs(),
	}
}

func createAll(t *testing.T, st *store.Store, events ...store.NewEvent) {
	t.Helper()
	for _, e := range events {
		if err := st.CreateEvent(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

// wantPrices holds the event to its prices and revision.
func wantPrices(t *testing.T, st *store.Store, id string, revision int64, want map[string]int64) {
	t.Helper()
	got, err := st.Event(t.Context(), id)
	if err != nil || !maps.Equal(got.Prices, want) || got.Revision != revision {
		t.Errorf("%v: event %s has the prices %v in revision %d, want %v in %d", err, id, got.Prices, got.Revision, want, revision)
	}
}

var withZero, withoutZero = map[string]int64{"front": 2800, "rear": 0}, map[string]int64{"front": 2800}

// TestPricesOnce: what is there is free, what comes later is not for sale.
func TestPricesOnce(t *testing.T) {
	st := freshStore(t)
	whole, noPlan := unpriced(t, "whole"), unpriced(t, "no-plan")
	whole.Prices = map[string]int64{"front": 1, "rear": 2, "gone": 3}
	noPlan.PlanBody = []byte("no plan")
	createAll(t, st, unpriced(t, "a"), noPlan, whole)
	for range 2 {
		if err := pricesOnce(t.Context(), st); err != nil {
			t.Fatal(err)
		}
		wantPrices(t, st, "a", 2, withZero)
		wantPrices(t, st, "whole", 1, whole.Prices)
		wantPrices(t, st, "no-plan", 1, withoutZero)
	}
	createAll(t, st, unpriced(t, "b"))
	if err := prepare(t.Context(), st, true); err != nil {
		t.Fatal(err)
	}
	wantPrices(t, st, "b", 1, withoutZero)

	fresh := freshStore(t)
	if err := prepare(t.Context(), fresh, true); err != nil {
		t.Fatal(err)
	}
	createAll(t, fresh, unpriced(t, "a"))
	if err := prepare(t.Context(), fresh, true); err != nil {
		t.Fatal(err)
	}
	wantPrices(t, fresh, "a", 1, withoutZero)
	wantPrices(t, fresh, "demo", 1, map[string]int64{"front": 2800, "rear": 2200})
}

// TestPricesOnceByMany at once, on either engine: each event changes once.
func TestPricesOnceByMany(t *testing.T) {
	for name, address := range map[string]string{
		"embedded": "sqlite:" + filepath.Join(t.TempDir(), "seatlock.db"),
		"MongoDB":  testengine.ReplicaSet(t).NewDatabase(t),
	} {
		stores := make([]*store.Store, 4)
		for i := range stores {
			st, err := openStore(t.Context(), address, opening{make: true})
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			stores[i] = st
		}
		for i := range 5 {
			createAll(t, stores[0], unpriced(t, fmt.Sprintf("e%d", i)))
		}
		var all sync.WaitGroup
		for _, st := range stores {
			all.Go(func() {
				if err := pricesOnce(t.Context(), st); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		all.Wait()
		for i := range 5 {
			wantPrices(t, stores[1], fmt.Sprintf("e%d", i), 2, withZero)
		}
	}
}

// overtaken is a store on which something is done before some calls.
type overtaken struct {
	*store.Store
	beforeEvents, beforeUpdate func()
}

func (o *overtaken) Events(ctx context.Context) ([]store.Event, error) {
	if o.beforeEvents != nil {
		o.beforeEvents()
	}
	return o.Store.Events(ctx)
}

func (o *overtaken) UpdateEvent(ctx context.Context, e store.Event) (store.Event, error) {
	if o.beforeUpdate != nil {
		o.beforeUpdate()
	}
	return o.Store.UpdateEvent(ctx, e)
}

// TestPricesOnceOvertaken: another change that comes first is no obstacle, and
// an event that was made after another program was done is none of before.
func TestPricesOnceOvertaken(t *testing.T) {
	st := freshStore(t)
	createAll(t, st, unpriced(t, "a"))
	changes := 3
	err := pricesOnce(t.Context(), &overtaken{Store: st, beforeUpdate: func() {
		if changes--; changes < 0 {
			return
		}
		e, err := st.Event(t.Context(), "a")
		if err == nil {
			e.Venue += "x"
			_, err = st.UpdateEvent(t.Context(), e)
		}
		if err != nil {
			t.Error(err)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	wantPrices(t, st, "a", 5, withZero)

	st = freshStore(t)
	createAll(t, st, unpriced(t, "a"))
	if err := pricesOnce(t.Context(), &overtaken{Store: st, beforeEvents: sync.OnceFunc(func() {
		if err := pricesOnce(t.Context(), st); err != nil {
			t.Error(err)
		}
		createAll(t, st, unpriced(t, "new"))
	})}); err != nil {
		t.Fatal(err)
	}
	wantPrices(t, st, "a", 2, withZero)
	wantPrices(t, st, "new", 1, withoutZero)

	st = freshStore(t)
	createAll(t, st, unpriced(t, "a"), unpriced(t, "b"))
	ctx, cancel := context.WithCancel(t.Context())
	if err := pricesOnce(ctx, &overtaken{Store: st, beforeUpdate: cancel}); err == nil {
		t.Error("what broke off is no success")
	}
	if err := pricesOnce(t.Context(), st); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b"} {
		wantPrices(t, st, id, 2, withZero)
	}
}

// oldEvent is a store with an event as a program of before took it, and this one would not.
func oldEvent(t *testing.T) (address string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seatlock.db")
	engine, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	e := unpriced(t, "gala")
	e.Title, e.Venue, e.Currency, e.Prices = "\u3164", "Z\u0301\u0301\u0301\u0301\u0301", "BTC", map[string]int64{"front": math.MaxInt64}
	if err := e.Validate(); !errors.Is(err, store.ErrInvalid) {
		t.Fatalf("it is no event of before: %v", err)
	}
	e.Plan, e.Revision = store.PlanHash(e.PlanBody), 1
	err = engine.Define(t.Context(), e.ID, false, func(store.Definition) (store.Redefinition, error) {
		return store.Redefinition{Event: e.Event, Fingerprint: e.Fingerprint(), Plan: &store.PlanSeats{Body: e.PlanBody, Seats: e.Seats}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + path
}

// TestEventsOfBefore open, sell on, grow, and can be changed in what is not odd
// about them.
func TestEventsOfBefore(t *testing.T) {
	address := oldEvent(t)
	if said := does(t, "events", "--store", address); !strings.Contains(said, "gala") {
		t.Errorf("the events are\n%s", said)
	}
	refuses(t, exitUsage, "title: \"\\u115f\" has no visible character", change(address, "--title", "\u115f")...)
	does(t, change(address, "--sales-close", "2045-01-01T10:00")...)
	does(t, change(address, "--price", "Rear=0.50", "--yes")...)
	does(t, change(address, "--venue", "Town hall")...)
	if e := gala(t, address); e.Title != "\u3164" || e.Currency != "BTC" || e.Prices["front"] != math.MaxInt64 || e.Prices["rear"] != 50 || e.Venue != "Town hall" {
		t.Errorf("got %+v", e)
	}
	plan := does(t, "export", "--store", address, "--event", "gala")
	larger := strings.Replace(plan, `{"id":"A-1"`, `{"id":"A-0","label":"0","category":"front","x":-2,"y":0},{"id":"A-1"`, 1)
	if !strings.Contains(larger, "A-0") {
		t.Fatalf("the plan is\n%s", plan)
	}
	refuses(t, exitFault, "has no visible character; nothing was changed", addSeats(address, fileOf(t, strings.Replace(larger, `"label":"0"`, `"label":"\u2800"`, 1)))...)
	does(t, addSeats(address, fileOf(t, larger))...)

	p := serveStoreOf(t, address)
	p.eventually("/events/gala", "seat-A-1")
	if status, page := p.rival().answer("/events/gala/lock", "A-1"); status != 200 || !strings.Contains(page, "Yours until") {
		t.Errorf("a lock answers %d", status)
	}
}

// TestNoPriceCannotBeHad: not by its button, and not among the best.
func TestNoPriceCannotBeHad(t *testing.T) {
	p := serveProgram(t)
	does(t, "import", "--create", "--store", p.store, "--event", "e", "--title", "T", fileOf(t, "row,seat,category,price\nA,1,Front,28.00\nB,1,Rear,\n"))
	p.eventually("/events/e", "seat-B-1")
	r := p.rival()
	if status, page := r.answer("/events/e/lock", "B-1"); status != 409 || !strings.Contains(page, "not for sale") {
		t.Errorf("a lock of a seat without a price answers %d", status)
	}
	if status, _ := r.answer("/events/e/lock", "A-1"); status != 200 {
		t.Errorf("a lock of a seat with one answers %d", status)
	}
	if seats := does(t, "seats", "--store", p.store, "--event", "e", "--status", "locked", "--format", "csv"); !strings.Contains(seats, "A-1") || strings.Contains(seats, "B-1") {
		t.Errorf("locked are\n%s", seats)
	}
	does(t, "change", "--store", p.store, "--event", "e", "--price", "Rear=19.50")
	p.eventually("/events/e", "€19.50")
	if status, _ := r.answer("/events/e/lock", "B-1"); status != 200 {
		t.Errorf("once it has a price, a lock answers %d", status)
	}
}
