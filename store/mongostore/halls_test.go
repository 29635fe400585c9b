package mongostore_test

import (
	"slices"
	"testing"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/mongostore"
)

// TestHalls: each event comes with its plan and its seats in the plan's order.
func TestHalls(t *testing.T) {
	uri := testengine.ReplicaSet(t).NewDatabase(t)
	e := must[*mongostore.Engine](t)(mongostore.Open(t.Context(), uri, mongostore.Options{Make: true}))
	s := store.New(e)
	t.Cleanup(func() { s.Close() })
	body := []byte(`{"sections": []}`)
	n := store.NewEvent{
		Event:    store.Event{ID: "evening", Title: "Evening", Zone: "UTC", Currency: "EUR"},
		PlanBody: body, Seats: []string{"s2", "s10", "s1"},
	}
	if err := s.CreateEvent(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	seen := 0
	err := mongostore.Halls(t.Context(), uri, func(event string, plan []byte, seats []string) {
		if seen++; event != "evening" || string(plan) != string(body) || !slices.Equal(seats, n.Seats) {
			t.Errorf("%s has the plan %s and the seats %q", event, plan, seats)
		}
	})
	if err != nil || seen != 1 {
		t.Errorf("%v: %d events, want 1", err, seen)
	}
}
