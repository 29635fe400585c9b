package mongostore

import (
	"errors"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
)

// A transaction that has taken so long that the format may be another by now
// reads it before its commit, and is not committed if it is.
func TestSlowTransactionIsNotCommitted(t *testing.T) {
	ctx := t.Context()
	e, err := Open(ctx, testengine.ReplicaSet(t).NewDatabase(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(e)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	definition := store.NewEvent{
		Event:    store.Event{ID: "e", Title: "T", Zone: "UTC", Currency: "EUR", Revision: 1},
		PlanBody: []byte("plan"), Seats: []string{"s1"},
	}
	if err := s.CreateEvent(ctx, definition); err != nil {
		t.Fatal(err)
	}
	_, _, err = e.Decide(ctx, store.Question{Event: "e", Seats: []string{"s1"}}, func(v store.View) store.Decision {
		_, err := e.db.Collection(metaColl).UpdateOne(ctx, byID(formatID), bson.D{{Key: "$set", Value: bson.D{{Key: "next", Value: formatDocument{Format: 4, Reader: 4}}}}})
		if err != nil {
			t.Error(err)
		}
		e.format.reading.Lock() // nobody reads meanwhile
		old := *e.format.last.Load()
		old.document.Next, old.sent = nil, time.Now().Add(-formatAge)
		e.format.last.Store(&old)
		e.format.reading.Unlock()
		c := store.NewChange("e", v.Seats[0], store.Seat{Status: store.Withheld}, store.ReasonWithheld)
		return store.Accept(v, store.Outcome{}, store.Writes{Changes: []store.Change{c}})
	})
	if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, store.ErrUpgrading) {
		t.Errorf("got %v, want ErrUnavailable and ErrUpgrading", err)
	}
	snapshot, err := s.Snapshot(ctx, "e")
	if err != nil || snapshot.Seats[0].Version != 1 {
		t.Errorf("the seats are %+v, %v: the transaction was committed", snapshot.Seats, err)
	}
}
