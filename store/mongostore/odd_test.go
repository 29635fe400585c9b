package mongostore_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/mongostore"
)

// oddHolders mean something to MongoDB, to the engine's own ids, or to neither.
var oddHolders = []store.Holder{
	"$where", "$h", "$$NOW", "a.b", ".", "@", "@x", "x/@y", "/@", "../x", "A1", "evening/A1", "available",
	"{\"$gt\":\"\"}", "^.*$", "日本語-ключ-🎻", store.Holder(strings.Repeat("é", 64)), store.Holder(strings.Repeat("@", 128)),
}

var oddIDs = []string{"A1", "a.b", "-", "_", "..a", "...", "_id", "evening", strings.Repeat("s", 64)}

// Whoever the holder is, and whatever the event and its seats are called, the
// holder's seat is told as it is, by each of the ways that there are to ask.
func TestOddIDs(t *testing.T) {
	s := open(t, testengine.ReplicaSet(t).NewDatabase(t))
	events := []string{"a.b", "-", "_", "..a", "A1"}
	for _, id := range append(events, "evening") {
		e := hall(0)
		e.ID, e.Seats = id, oddIDs
		if err := s.CreateEvent(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	for i, who := range oddHolders {
		event, seat := events[i%len(events)], oddIDs[i%len(oddIDs)]
		t.Run(fmt.Sprintf("%.16s", who), func(t *testing.T) {
			oddLock(t, s, event, seat, who)
			oddLapse(t, s, seat, who)
		})
	}
}

// oddLock has the holder lock the seat, extend the lock, and give it back.
func oddLock(t *testing.T, s *store.Store, event, seat string, who store.Holder) {
	first := must[store.Snapshot](t)(s.Snapshot(t.Context(), event))
	rules := store.DefaultRules()
	must[store.Outcome](t)(s.Lock(t.Context(), store.LockRequest{Event: event, Holder: who, Seats: []string{seat}, Rules: rules}))
	out := must[store.Outcome](t)(s.Extend(t.Context(), store.ExtendRequest{Event: event, Holder: who, Rules: rules}))
	held := out.Seats[0]
	if held.ID != seat || held.LockedBy != who || held.LockedUntil.Sub(held.LockTime) != 2*rules.TTL {
		t.Errorf("extended %+v", out)
	}
	if got := must[store.Outcome](t)(s.LockOf(t.Context(), event, who)).Lock; !slices.Equal(got.Seats, []store.Seat{held}) || !got.Extended {
		t.Errorf("the lock is %+v, want %+v", got, held)
	}
	want := slices.Clone(first.Seats)
	at := slices.IndexFunc(want, func(s store.Seat) bool { return s.ID == seat })
	want[at] = held
	if got := must[store.Snapshot](t)(s.Snapshot(t.Context(), event)).Seats; !slices.Equal(got, want) {
		t.Errorf("the seats are\n\t%+v, want\n\t%+v", got, want)
	}
	last := must[store.Outcome](t)(s.Unlock(t.Context(), store.UnlockRequest{Event: event, Holder: who}))
	free := store.Seat{ID: seat, Version: held.Version + 1}
	told := read(t, s, first.Cursor).until(last.Cursor)
	if len(told) != 3 || told[1] != (store.Change{Event: event, Seat: held, Before: who, Reason: store.ReasonExtended}) ||
		told[2] != (store.Change{Event: event, Seat: free, Before: who, Reason: store.ReasonGivenBack}) {
		t.Errorf("the feed tells of\n\t%+v, want a lock, an extension and its end", told)
	}
}

// oddLapse has the holder lose the seat to the clock.
func oddLapse(t *testing.T, s *store.Store, seat string, who store.Holder) {
	first := must[store.Snapshot](t)(s.Snapshot(t.Context(), "evening"))
	lapse(t, s, who, seat)
	if due := must[store.Due](t)(s.ReleaseDue(t.Context())); due.Released != 1 || due.Next != (store.Lapse{}) {
		t.Errorf("released %+v, want the one seat", due)
	}
	last := must[store.Snapshot](t)(s.Snapshot(t.Context(), "evening"))
	told := read(t, s, first.Cursor).until(last.Cursor)
	at := slices.IndexFunc(last.Seats, func(s store.Seat) bool { return s.ID == seat })
	free := store.Seat{ID: seat, Version: first.Seats[at].Version + 2}
	if last.Seats[at] != free || len(told) != 2 || told[1] != (store.Change{Event: "evening", Seat: free, Before: who, Reason: store.ReasonLapsed}) {
		t.Errorf("the seat is %+v, want %+v, and the feed tells of\n\t%+v", last.Seats[at], free, told)
	}
}

// A seat and a clock live side by side in one collection. A holder named like
// a seat has a clock of their own, and ids that no seat and no event can have
// reach nobody's.
func TestOddIDsReachNobody(t *testing.T) {
	s := open(t, testengine.ReplicaSet(t).NewDatabase(t))
	e := hall(0)
	e.Seats = []string{"A1", "B1"}
	if err := s.CreateEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	lock(t, s, "A1", "B1")
	lock(t, s, "B1", "A1")
	first := must[store.Snapshot](t)(s.Snapshot(t.Context(), "evening"))
	ctx, rules := t.Context(), store.DefaultRules()
	for _, id := range []string{"", "$where", "a/b", "@A1", "A1@", "/@A1", "A1\x00", ".", ".."} {
		_, locking := s.Lock(ctx, store.LockRequest{Event: "evening", Holder: "anna", Seats: []string{id}, Rules: rules})
		_, giving := s.Unlock(ctx, store.UnlockRequest{Event: "evening", Holder: "A1", Seats: []string{id}})
		_, withholding := s.Withhold(ctx, store.WithholdRequest{Event: "evening", Seats: []string{id}, On: true})
		for _, err := range []error{locking, giving, withholding} {
			if !errors.Is(err, store.ErrInvalid) {
				t.Errorf("seat %q: %v, want ErrInvalid", id, err)
			}
		}
	}
	for _, id := range []string{"", "$where", "a/b", "evening/@A1", "evening/", "@", "\xff", "evening\x00"} {
		_, locking := s.Lock(ctx, store.LockRequest{Event: id, Holder: "A1", Seats: []string{"A1"}, Rules: rules})
		_, giving := s.Unlock(ctx, store.UnlockRequest{Event: id, Holder: "A1"})
		_, extending := s.Extend(ctx, store.ExtendRequest{Event: id, Holder: "A1", Rules: rules})
		_, withholding := s.Withhold(ctx, store.WithholdRequest{Event: id, Seats: []string{"A1"}, On: true})
		_, asking := s.LockOf(ctx, id, "A1")
		_, finding := s.Event(ctx, id)
		_, reading := s.Snapshot(ctx, id)
		for _, err := range []error{locking, giving, extending, withholding, asking, finding, reading} {
			if !errors.Is(err, store.ErrNoEvent) {
				t.Errorf("event %q: %v, want ErrNoEvent", id, err)
			}
		}
	}
	if last := must[store.Snapshot](t)(s.Snapshot(ctx, "evening")); !slices.Equal(last.Seats, first.Seats) {
		t.Errorf("the seats went from\n\t%+v to\n\t%+v", first.Seats, last.Seats)
	}
	for _, who := range []store.Holder{"", "@A1", "A1@", "evening/A1", "\xff", "@"} {
		if out, err := s.LockOf(ctx, "evening", who); err != nil || len(out.Lock.Seats) > 0 || !out.Lock.Started.IsZero() {
			t.Errorf("%q has %+v, %v, want nothing", who, out.Lock, err)
		}
	}
}

// Another version of Seatlock may write fields that this one does not know.
func TestFieldsOfAnotherVersion(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	one := open(t, uri)
	if err := one.CreateEvent(t.Context(), hall(2)); err != nil {
		t.Fatal(err)
	}
	lock(t, one, "anna", "s0")
	more := bson.D{{Key: "$set", Value: bson.D{{Key: "later", Value: bson.A{1, bson.D{{Key: "holder.x", Value: "$where"}}}}, {Key: "aaa", Value: bson.Null{}}}}}
	for _, collection := range []string{"seats", "events", "plans", "meta"} {
		all, err := m.Database(uri).Collection(collection).UpdateMany(t.Context(), bson.D{}, more)
		if err != nil || all.ModifiedCount == 0 {
			t.Fatalf("%s: %+v, %v", collection, all, err)
		}
	}
	s := open(t, uri)
	first := must[store.Snapshot](t)(s.Snapshot(t.Context(), "evening"))
	if a, b := must[[]byte](t)(one.Secret(t.Context())), must[[]byte](t)(s.Secret(t.Context())); !bytes.Equal(a, b) {
		t.Error("the secret is another")
	}
	if old := must[store.Cursor](t)(one.Recent(t.Context(), 0)); old.Epoch != first.Cursor.Epoch {
		t.Error("the epoch is another")
	}
	event := must[store.Event](t)(s.Event(t.Context(), "evening"))
	if body := must[[]byte](t)(s.Plan(t.Context(), event.Plan)); event.Title != "Evening" || string(body) != "plan" {
		t.Errorf("the event is %+v, and its plan %q", event, body)
	}
	if again := lock(t, s, "anna", "s0", "s1"); again.Seats[0] != first.Seats[0] || again.Lock.Deadline != first.Seats[0].LockedUntil {
		t.Errorf("locked %+v, want %+v and the clock of before", again, first.Seats[0])
	}
	foreign := must[bson.Raw](t)(m.Database(uri).Collection("seats").FindOne(t.Context(), bson.D{{Key: "_id", Value: "evening/s0"}}).Raw())
	taken := must[store.Outcome](t)(s.Unlock(t.Context(), store.UnlockRequest{Event: "evening", Holder: "anna"}))
	writeAsAnother(t, m.Database(uri), foreign)
	told := read(t, s, first.Cursor).until(must[store.Snapshot](t)(s.Snapshot(t.Context(), "evening")).Cursor)
	want := taken.Seats[0]
	if want.Version++; len(told) != 4 || told[3].Seat.LockedBy != "anna" || told[3].Seat.Version != want.Version {
		t.Errorf("the feed tells of %+v", told)
	}
}

// writeAsAnother puts a seat's document back, as its next version.
func writeAsAnother(t *testing.T, db *mongo.Database, old bson.Raw) {
	t.Helper()
	var document bson.M
	if err := bson.Unmarshal(old, &document); err != nil {
		t.Fatal(err)
	}
	if document["later"] == nil {
		t.Fatalf("%v has no field of another version", document)
	}
	document["version"] = document["version"].(int64) + 2 // it was given back meanwhile
	if _, err := db.Collection("seats").ReplaceOne(t.Context(), bson.D{{Key: "_id", Value: document["_id"]}}, document); err != nil {
		t.Fatal(err)
	}
}

// An index that another version made otherwise is told of and stays: that
// version may be at work still.
func TestIndexOfAnotherVersion(t *testing.T) {
	m := testengine.ReplicaSet(t)
	for what, foreign := range map[string]mongo.IndexModel{
		"options": {Keys: bson.D{{Key: "over", Value: 1}}, Options: options.Index().SetName("clock_over").SetExpireAfterSeconds(3600)},
		"keys":    {Keys: bson.D{{Key: "lockedUntil", Value: 1}, {Key: "event", Value: 1}}, Options: options.Index().SetName("due")},
		"name":    {Keys: bson.D{{Key: "event", Value: 1}, {Key: "place", Value: 1}}, Options: options.Index().SetName("places")},
	} {
		t.Run(what, func(t *testing.T) {
			uri := m.NewDatabase(t)
			indexes := m.Database(uri).Collection("seats").Indexes()
			if _, err := indexes.CreateOne(t.Context(), foreign); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			s := store.New(must[*mongostore.Engine](t)(mongostore.Open(t.Context(), uri, mongostore.Options{Make: true, Log: slog.New(slog.NewTextHandler(&log, nil))})))
			t.Cleanup(func() { _ = s.Close() }) // was closed, unless the test has failed
			if err := s.CreateEvent(t.Context(), hall(2)); err != nil {
				t.Fatal(err)
			}
			lock(t, s, "anna", "s0")
			if found := must[[]mongo.IndexSpecification](t)(indexes.ListSpecifications(t.Context())); len(found) != 6 { // with that of _id
				t.Errorf("the indexes are %+v, want five and that of _id", found)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "another version") || !strings.Contains(text, "seats") {
				t.Errorf("got the log %q, want one line about the index", text)
			}
		})
	}
}
