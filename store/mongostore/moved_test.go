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
	engine, err := Open(ctx, testengine.ReplicaSet(t).NewDatabase(t), Options{Make: true})
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(engine)
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
	read, _, err := engine.locked(ctx, "lockedUntil", bson.D{{Key: "$lte", Value: time.Now()}}, 1)
	if err != nil || len(read) != 1 {
		t.Fatalf("got %+v, %v", read, err)
	}
	e.PlanBody, e.Seats = []byte("larger plan"), []string{"s0", "s1"}
	if _, err := s.AddSeats(ctx, e); err != nil {
		t.Fatal(err)
	}
	change, due := store.Lapsed("evening", read[0].seat, read[0].seat.LockedUntil)
	if !due {
		t.Fatal("the lock is not over at its end")
	}
	var w writes
	w.replaceSeat(read[0].after(change))
	if err := engine.put(ctx, w); !errors.Is(err, errConflict) {
		t.Errorf("writing what was read before answers %v, want a conflict", err)
	}
	snapshot, err := s.Snapshot(ctx, "evening")
	if err != nil || len(snapshot.Seats) != 2 || snapshot.Seats[1].ID != "s1" || snapshot.Seats[1].Version != 2 {
		t.Errorf("the seats are %+v, %v", snapshot.Seats, err)
	}
}
