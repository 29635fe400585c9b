package mongostore

import (
	"errors"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
)

// TestMovedSeatIsNotPutBack: a sweep that has read a seat before others were
// added in front of it must not write its old place again.
func TestMovedSeatIsNotPutBack(t *testing.T) {
	ctx := t.Context()
	s, err := Open(ctx, testengine.ReplicaSet(t).NewDatabase(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	e := store.NewEvent{
		Event:    store.Event{ID: "evening", Title: "T", Zone: "UTC", Currency: "EUR", Revision: 1},
		PlanBody: []byte("plan"), Seats: []string{"s1"},
	}
	err = s.CreateEvent(ctx, e)
	if err == nil {
		short := store.Rules{TTL: time.Millisecond, Total: time.Millisecond, MaxSeats: 1}
		_, err = s.Lock(ctx, store.LockRequest{Event: "evening", Holder: "anna", Seats: []string{"s1"}, Rules: short})
	}
	if err != nil {
		t.Fatal(err)
	}
	read, _, err := s.locked(ctx, bson.D{}, 1)
	if err != nil || len(read) != 1 {
		t.Fatalf("got %+v, %v", read, err)
	}
	e.PlanBody, e.Seats = []byte("larger plan"), []string{"s0", "s1"}
	if _, err := s.AddSeats(ctx, e); err != nil {
		t.Fatal(err)
	}
	var w writes
	w.replace(read[0].change(store.Seat{}, true))
	if err := s.put(ctx, w); !errors.Is(err, errConflict) {
		t.Errorf("writing what was read before answers %v, want a conflict", err)
	}
	snapshot, err := s.Snapshot(ctx, "evening")
	if err != nil || len(snapshot.Seats) != 2 || snapshot.Seats[1].ID != "s1" || snapshot.Seats[1].Version != 2 {
		t.Errorf("the seats are %+v, %v", snapshot.Seats, err)
	}
}
