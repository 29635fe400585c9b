package mongostore

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
)

// A transaction that has taken so long that the format may be another by now
// reads it before its commit, and is not committed if it is.
func TestSlowTransactionIsNotCommitted(t *testing.T) {
	ctx := t.Context()
	e, err := Open(ctx, testengine.ReplicaSet(t).NewDatabase(t), Options{Make: true})
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

// An upgrade that was overtaken marks no clock of the format that came of the
// other: it has stopped long before that is there, and does not begin again.
func TestOvertakenUpgradeMarksNothing(t *testing.T) {
	ctx := t.Context()
	e, err := Open(ctx, testengine.ReplicaSet(t).NewDatabase(t), Options{Make: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	var limits []int64
	client, err := mongo.Connect(e.settings.client, options.Client().SetMonitor(&event.CommandMonitor{
		Started: func(_ context.Context, c *event.CommandStartedEvent) {
			if name, _ := c.Command.Lookup("update").StringValueOK(); name == seatsColl {
				limit, _ := c.Command.Lookup("maxTimeMS").AsInt64OK()
				limits = append(limits, limit)
			}
		},
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) }) // of the test alone
	first := upgrade{Engine: &Engine{db: client.Database(e.settings.database)}, name: "first"}
	second := upgrade{Engine: e, name: "second"}
	from := ourFormat("")
	if err := first.announce(ctx, from); err != nil {
		t.Fatal(err)
	}
	if err := first.markClocks(ctx); err != nil || len(limits) != 1 || limits[0] <= 0 || limits[0] > (upgradeWait/2).Milliseconds() {
		t.Errorf("clocks are marked by commands that take up to %v ms, %v", limits, err)
	}
	if err := second.announce(ctx, from); !errors.Is(err, errOvertaken) {
		t.Errorf("a second that saw no other begins: %v", err)
	}
	from.Next = &formatDocument{}
	if err := second.announce(ctx, from); err != nil {
		t.Fatal(err)
	}
	if err := first.markClocks(ctx); !errors.Is(err, errOvertaken) || len(limits) != 1 {
		t.Errorf("the first goes on: %v, with %d commands", err, len(limits))
	}
	if err := second.withdraw(ctx); err != nil {
		t.Error(err)
	}
}
