package mongostore_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
)

// hall describes an event with the seats s0 to s(n-1).
func hall(seats int) store.NewEvent {
	e := store.NewEvent{
		Event: store.Event{
			ID: "evening", Title: "Evening", Zone: "Europe/Vienna", Currency: "EUR",
			Starts: time.Date(2031, 5, 4, 17, 30, 0, 0, time.UTC),
		},
		PlanBody: []byte("plan"),
	}
	for i := range seats {
		e.Seats = append(e.Seats, fmt.Sprintf("s%d", i))
	}
	return e
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func lock(t *testing.T, s *store.Store, who string, seats ...string) store.Outcome {
	t.Helper()
	return must[store.Outcome](t)(s.Lock(t.Context(), store.LockRequest{
		Event: "evening", Holder: store.Holder(who), Seats: seats,
		Rules: store.Rules{TTL: time.Hour, Total: time.Hour, MaxSeats: 1000},
	}))
}

// lostBecause follows the feed until it ends, and fails unless that is for a
// lost cursor. Begin is called once the feed runs.
func lostBecause(t *testing.T, s *store.Store, begin func()) {
	t.Helper()
	from := must[store.Cursor](t)(s.Recent(t.Context(), 0))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var last error
	begin()
	for batch, err := range s.Changes(ctx, from) {
		last = err
		if len(batch.Changes) > 0 {
			t.Errorf("told %+v", batch.Changes)
		}
	}
	if !errors.Is(last, store.ErrCursorLost) {
		t.Fatalf("the feed ended with %v, want ErrCursorLost", last)
	}
}

// readsOn fails unless the feed, begun as far back as it can be, comes to its
// head: a reader that was lost must not be lost again by the same.
func readsOn(t *testing.T, s *store.Store) {
	t.Helper()
	head := must[store.Cursor](t)(s.Recent(t.Context(), 0))
	for batch, err := range s.Changes(t.Context(), must[store.Cursor](t)(s.Recent(t.Context(), 10*time.Minute))) {
		if err != nil {
			t.Fatalf("the feed, begun anew, ended with %v", err)
		}
		if batch.Cursor.Covers(head) {
			return
		}
	}
}

// What an operator does past the engine is no change that the feed can tell:
// readers have to take all seats anew, and then have them as they are.
func TestChangesByHand(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	s := open(t, uri)
	if err := s.CreateEvent(t.Context(), hall(3)); err != nil {
		t.Fatal(err)
	}
	seats := m.Database(uri).Collection("seats")
	for name, hand := range map[string]func() error{
		"set": func() error {
			_, err := seats.UpdateOne(t.Context(), bson.D{{Key: "_id", Value: "evening/s1"}}, bson.D{{Key: "$set", Value: bson.D{{Key: "status", Value: "withheld"}}}})
			return err
		},
		"delete": func() error {
			_, err := seats.DeleteOne(t.Context(), bson.D{{Key: "_id", Value: "evening/s2"}})
			return err
		},
		"damage": func() error {
			_, err := seats.ReplaceOne(t.Context(), bson.D{{Key: "_id", Value: "evening/s0"}}, bson.D{{Key: "event", Value: "evening"}, {Key: "place", Value: 0}, {Key: "status", Value: 7}})
			return err
		},
	} {
		lostBecause(t, s, func() {
			if err := hand(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		})
		readsOn(t, s)
	}
	if _, err := s.Snapshot(t.Context(), "evening"); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("a snapshot with a damaged seat: %v, want ErrUnavailable", err)
	}
}

func TestDroppedCollection(t *testing.T) {
	m := testengine.ReplicaSet(t)
	dropping := map[string]func(*mongo.Database) error{
		"events":       func(db *mongo.Database) error { return db.Collection("events").Drop(t.Context()) },
		"meta":         func(db *mongo.Database) error { return db.Collection("meta").Drop(t.Context()) },
		"seats":        func(db *mongo.Database) error { return db.Collection("seats").Drop(t.Context()) },
		"the database": func(db *mongo.Database) error { return db.Drop(t.Context()) },
	}
	for what := range dropping {
		t.Run(what, func(t *testing.T) {
			uri := m.NewDatabase(t)
			one, two := open(t, uri), open(t, uri)
			if err := one.CreateEvent(t.Context(), hall(3)); err != nil {
				t.Fatal(err)
			}
			old := lock(t, one, "anna", "s1").Cursor
			for i, s := range []*store.Store{one, two} {
				lostBecause(t, s, func() {
					if err := dropping[what](m.Database(uri)); err != nil {
						t.Fatal(err)
					}
				})
				eventually(t, "the store is ready", func() bool { return s.Ping(t.Context()) == nil })
				if head := must[store.Cursor](t)(s.Recent(t.Context(), time.Minute)); what != "events" && head.Epoch == old.Epoch {
					t.Errorf("store %d still has the epoch %s", i, old.Epoch)
				}
				readsOn(t, s)
			}
			other := hall(2)
			other.ID = "matinee"
			if err := two.CreateEvent(t.Context(), other); err != nil {
				t.Fatal(err)
			}
			if snap := must[store.Snapshot](t)(two.Snapshot(t.Context(), "matinee")); len(snap.Seats) != 2 {
				t.Errorf("a new event has %d seats, want 2", len(snap.Seats))
			}
		})
	}
}

// A reader that lags by more than one reply of the server still gets every
// transaction whole.
func TestCatchUpIsWhole(t *testing.T) {
	const size, transactions = 450, 24
	s := open(t, testengine.ReplicaSet(t).NewDatabase(t))
	e := hall(size)
	if err := s.CreateEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	from := must[store.Snapshot](t)(s.Snapshot(t.Context(), "evening")).Cursor
	var last store.Cursor
	for i := range transactions / 2 {
		lock(t, s, fmt.Sprint(i), e.Seats...)
		last = must[store.Outcome](t)(s.Unlock(t.Context(), store.UnlockRequest{Event: "evening", Holder: store.Holder(fmt.Sprint(i))})).Cursor
	}
	batches, changes := 0, 0
	for batch, err := range s.Changes(t.Context(), from) {
		if err != nil {
			t.Fatal(err)
		}
		batches++
		changes += len(batch.Changes)
		if len(batch.Changes)%size != 0 {
			t.Fatalf("batch %d has %d changes, want whole transactions of %d", batches, len(batch.Changes), size)
		}
		if batch.Cursor.Covers(last) {
			break
		}
	}
	if changes != size*transactions || batches < 3 {
		t.Fatalf("%d changes in %d batches, want %d in at least 3", changes, batches, size*transactions)
	}
}

// The feed comes to its head though nothing happens that it would tell.
func TestHeadIsTold(t *testing.T) {
	s := open(t, testengine.ReplicaSet(t).NewDatabase(t))
	if err := s.CreateEvent(t.Context(), hall(1)); err != nil {
		t.Fatal(err)
	}
	from := lock(t, s, "anna", "s0").Cursor
	if err := keepRecord(t, s, "token"); err != nil {
		t.Fatal(err)
	}
	head := must[store.Cursor](t)(s.Recent(t.Context(), 0))
	if from.Covers(head) {
		t.Fatalf("the head %v did not move from %v", head, from)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // less than it takes a set at rest to write a mark
	defer cancel()
	for batch, err := range s.Changes(ctx, from) {
		if err != nil || len(batch.Changes) > 0 {
			t.Fatalf("told %+v, %v", batch.Changes, err)
		}
		if batch.Cursor.Covers(head) {
			return
		}
	}
	t.Fatalf("the feed does not come to its head %v", head)
}
