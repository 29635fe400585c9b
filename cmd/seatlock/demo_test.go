package main

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

func freshStore(t *testing.T) *store.Store {
	t.Helper()
	engine, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "seatlock.db"), sqlitestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	st := store.New(engine)
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

func allEvents(t *testing.T, st *store.Store) []store.Event {
	t.Helper()
	events, err := st.Events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// breaks is a store that breaks off before it makes its second event.
type breaks struct {
	*store.Store
	made int
}

func (b *breaks) CreateEvent(ctx context.Context, e store.NewEvent) error {
	if b.made++; b.made > 1 {
		return store.ErrUnavailable
	}
	return b.Store.CreateEvent(ctx, e)
}

// TestSeedingGoesOn after it was interrupted, with what is there as it is; and
// then it is done.
func TestSeedingGoesOn(t *testing.T) {
	st := freshStore(t)
	if err := seedDemos(t.Context(), &breaks{Store: st}); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	first := allEvents(t, st)[0]
	first.Title = "Corrected"
	first, err := st.UpdateEvent(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := seedDemos(t.Context(), st); err != nil {
			t.Fatal(err)
		}
		events := allEvents(t, st)
		if len(events) != len(demos()) || !reflect.DeepEqual(events[0], first) {
			t.Errorf("got %+v, want all demos, and the first as it was", events)
		}
	}
}

// TestSeedingLeavesABoxOfficeAlone: one event of somebody's is enough, even by
// the name of a demo.
func TestSeedingLeavesABoxOfficeAlone(t *testing.T) {
	for _, id := range []string{"gala", "demo"} {
		st := freshStore(t)
		err := st.CreateEvent(t.Context(), store.NewEvent{
			Event:    store.Event{ID: id, Title: "Ours", Zone: "UTC", Currency: "EUR"},
			PlanBody: []byte("plan"), Seats: []string{"A1"},
		})
		if err == nil && id != "demo" {
			err = seedDemo(t.Context(), st, demos()[0])
		}
		if err != nil {
			t.Fatal(err)
		}
		before := allEvents(t, st)
		if err := seedDemos(t.Context(), st); err != nil {
			t.Fatal(err)
		}
		if after := allEvents(t, st); !reflect.DeepEqual(after, before) {
			t.Errorf("%s: got %+v, want %+v", id, after, before)
		}
	}
}
