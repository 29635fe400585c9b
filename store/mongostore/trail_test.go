package mongostore

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
)

// evening opens a new database with an event of three seats.
func evening(t *testing.T) (*Engine, *store.Store) {
	t.Helper()
	e, err := Open(t.Context(), testengine.ReplicaSet(t).NewDatabase(t), Options{Make: true})
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(e)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	err = s.CreateEvent(t.Context(), store.NewEvent{
		Event:    store.Event{ID: "evening", Title: "T", Zone: "UTC", Currency: "EUR"},
		PlanBody: []byte("plan"), Seats: []string{"s0", "s1", "s2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return e, s
}

// reasons are those in the trail of a seat of the event.
func reasons(t *testing.T, s *store.Store, seat string) (all []store.Reason) {
	t.Helper()
	trail, err := s.Trail(t.Context(), store.TrailScan{Event: "evening", Seat: seat, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range trail {
		all = append(all, e.Reason)
	}
	return all
}

// What sweeps have written is in the trail once, whoever swept, also where somebody
// has taken a seat since; what somebody was faster with is not.
func TestTrailOfSweep(t *testing.T) {
	ctx := t.Context()
	e, s := evening(t)
	lock := func(who store.Holder, rules store.Rules, seats ...string) {
		t.Helper()
		if _, err := s.Lock(ctx, store.LockRequest{Event: "evening", Holder: who, Seats: seats, Rules: rules}); err != nil {
			t.Fatal(err)
		}
	}
	lock("anna", store.Rules{TTL: time.Millisecond, Total: time.Millisecond, MaxSeats: 3}, "s0", "s1", "s2")
	time.Sleep(2 * time.Millisecond) // until the lock is over
	lapsed, now, err := e.locked(ctx, "lockedUntil", bson.D{{Key: "$lte", Value: time.Now()}}, 10)
	if err != nil || len(lapsed) != 3 {
		t.Fatalf("got %+v, %v, want three seats", lapsed, err)
	}
	lock("bert", store.DefaultRules(), "s1") // without waiting for a sweep
	var one, two []swept
	if n, err := e.writeSwept(ctx, lapsed[:2], now, &one); err != nil || n != 1 {
		t.Fatalf("got %d, %v, want one", n, err)
	}
	if n, err := e.writeSwept(ctx, lapsed, now.Add(time.Millisecond), &two); err != nil || n != 1 {
		t.Fatalf("got %d, %v, want another", n, err)
	}
	lock("carl", store.DefaultRules(), "s0")
	for _, all := range [][]swept{one, two, two} {
		if err := e.trailSwept(ctx, all); err != nil {
			t.Fatal(err)
		}
	}
	const locked, over = store.ReasonLocked, store.ReasonLapsed
	for seat, want := range map[string][]store.Reason{"s0": {locked, over, locked}, "s1": {locked, locked}, "s2": {locked, over}} {
		if got := reasons(t, s, seat); !slices.Equal(got, want) {
			t.Errorf("the trail of %s is %q, want %q", seat, got, want)
		}
	}
}

// An entry of a newer program is told as far as this one knows it.
func TestTrailOfNewerProgram(t *testing.T) {
	e, s := evening(t)
	_, err := e.db.Collection(trailColl).InsertOne(t.Context(), bson.D{
		{Key: "_id", Value: trailPlace(time.UnixMilli(5)) + "-newer"}, {Key: "at", Value: time.UnixMilli(5)}, {Key: "event", Value: "evening"}, {Key: "seat", Value: "s0"},
		{Key: "status", Value: "raffled"}, {Key: "version", Value: 9}, {Key: "reason", Value: "drawn"}, {Key: "by", Value: "ghost"}, {Key: "prize", Value: bson.A{3}},
	})
	if err != nil {
		t.Fatal(err)
	}
	trail, err := s.Trail(t.Context(), store.TrailScan{Event: "evening", Seat: "s0", Limit: 10})
	want := store.Entry{At: time.UnixMilli(5).UTC(), Event: "evening", Seat: "s0", Status: store.Unknown, Version: 9, By: "ghost", Place: "000000000005-newer"}
	if err != nil || len(trail) != 1 || trail[0] != want {
		t.Errorf("got %+v, %v, want %+v", trail, err, want)
	}
}

// What the servers send to a feed has nothing of a person, whatever becomes of
// the booking, and nothing of records and the trail at all.
func TestPersonsAreNotWatched(t *testing.T) {
	e, s := evening(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	from, err := s.Recent(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	at := timestamp(from.Position)
	sent, err := e.db.Watch(ctx, watched(from.Epoch), options.ChangeStream().SetStartAtOperationTime(&at))
	if err != nil {
		t.Fatal(err)
	}
	defer sent.Close(context.Background())
	_, err = s.Lock(ctx, store.LockRequest{Event: "evening", Holder: "anna", Seats: []string{"s0"}, Rules: store.DefaultRules()})
	if err != nil {
		t.Fatal(err)
	}
	person := store.Person{Name: "Nomen Nescio", Email: "forget-me@example.org"}
	_, err = s.Begin(ctx, store.BeginRequest{
		Event: "evening", Holder: "anna", Code: "BKED222222", Request: "r", Contents: "c", Revision: 1, Provider: "demo",
		Lines: []store.Line{{Seat: "s0"}}, Person: person, Rules: store.DefaultPayRules(0),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Erase(ctx, store.EraseRequest{Code: "BKED222222", Force: true, By: store.ByHouse}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Cancel(ctx, store.CancelRequest{Code: "BKED222222"}); err != nil {
		t.Fatal(err)
	}
	for reason := ""; reason != string(store.ReasonCancelled); {
		if !sent.Next(ctx) {
			t.Fatal(sent.Err())
		}
		collection := sent.Current.Lookup("ns", "coll").StringValue()
		if text := sent.Current.String(); strings.Contains(text, person.Name) || strings.Contains(text, person.Email) || collection == recordsColl || collection == trailColl {
			t.Errorf("a feed is sent %s", text)
		}
		reason, _ = sent.Current.Lookup("fullDocument", "reason").StringValueOK()
	}
}

// Scans of the trail are by its indexes, however few entries there are.
func TestTrailIndexes(t *testing.T) {
	e, _ := evening(t)
	for want, scan := range map[string]store.TrailScan{
		"seat": {Event: "evening", Seat: "s0"}, "booking": {Booking: "BKED222222", After: "0"},
	} {
		var plan bson.Raw
		filter, order := trailed(scan)
		err := e.db.RunCommand(t.Context(), bson.D{{Key: "explain", Value: bson.D{{Key: "find", Value: trailColl}, {Key: "filter", Value: filter}, {Key: "sort", Value: order}}}}).Decode(&plan)
		if err != nil {
			t.Fatal(err)
		}
		if text := plan.Lookup("queryPlanner", "winningPlan").String(); !strings.Contains(text, `"indexName": "`+want+`"`) || strings.Contains(text, `"SORT"`) {
			t.Errorf("%s: the plan is %s", want, text)
		}
	}
}
