package mongostore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/mongostore"
)

// putFormat2 makes the database that testdata/README.md tells of, with the
// indexes of the program that wrote it.
func putFormat2(t *testing.T, db *mongo.Database) {
	t.Helper()
	body, err := os.ReadFile("testdata/format2.json")
	if err != nil {
		t.Fatal(err)
	}
	var fixture map[string][]bson.D
	if err := bson.UnmarshalExtJSON(body, true, &fixture); err != nil {
		t.Fatal(err)
	}
	there := func(field string) bson.D {
		return bson.D{{Key: field, Value: bson.D{{Key: "$exists", Value: true}}}}
	}
	seats := []mongo.IndexModel{
		{Keys: bson.D{{Key: "event", Value: 1}, {Key: "place", Value: 1}}, Options: options.Index().SetName("event_place")},
		{Keys: bson.D{{Key: "event", Value: 1}, {Key: "lockedBy", Value: 1}}, Options: options.Index().SetName("held").SetPartialFilterExpression(there("lockedBy"))},
		{Keys: bson.D{{Key: "lockedUntil", Value: 1}}, Options: options.Index().SetName("due").SetPartialFilterExpression(bson.D{{Key: "status", Value: "locked"}})},
		{Keys: bson.D{{Key: "deadline", Value: 1}}, Options: options.Index().SetName("over").SetExpireAfterSeconds(604800).SetPartialFilterExpression(there("deadline"))},
	}
	must[[]string](t)(db.Collection("seats").Indexes().CreateMany(t.Context(), seats))
	must[string](t)(db.Collection("sessions").Indexes().CreateOne(t.Context(),
		mongo.IndexModel{Keys: bson.D{{Key: "expires", Value: 1}}, Options: options.Index().SetName("over").SetExpireAfterSeconds(0)}))
	for collection, documents := range fixture {
		must[*mongo.InsertManyResult](t)(db.Collection(collection).InsertMany(t.Context(), documents))
	}
	made := must[[]mongo.CollectionSpecification](t)(db.ListCollectionSpecifications(t.Context(), bson.D{{Key: "name", Value: "seats"}}))
	hand(t, db.Collection("meta"), "epoch", bson.D{{Key: "$set", Value: bson.D{{Key: "seats", Value: made[0].UUID}}}})
}

// hand changes a document past the engine, or makes it.
func hand(t *testing.T, c *mongo.Collection, id string, change bson.D) {
	t.Helper()
	must[*mongo.UpdateResult](t)(c.UpdateOne(t.Context(), bson.D{{Key: "_id", Value: id}}, change, options.UpdateOne().SetUpsert(true)))
}

// document returns a document as it is, in extended JSON.
func document(t *testing.T, c *mongo.Collection, id string) string {
	t.Helper()
	return must[bson.Raw](t)(c.FindOne(t.Context(), bson.D{{Key: "_id", Value: id}}).Raw()).String()
}

// dump returns all documents of a database, by collection.
func dump(t *testing.T, db *mongo.Database) map[string][]bson.Raw {
	t.Helper()
	all := map[string][]bson.Raw{}
	for _, name := range must[[]string](t)(db.ListCollectionNames(t.Context(), bson.D{})) {
		var documents []bson.Raw
		sorted := options.Find().SetSort(bson.D{{Key: "_id", Value: 1}})
		if err := must[*mongo.Cursor](t)(db.Collection(name).Find(t.Context(), bson.D{}, sorted)).All(t.Context(), &documents); err != nil {
			t.Fatal(err)
		}
		all[name] = documents
	}
	return all
}

func upgrade(ctx context.Context, uri string, say func(string)) (mongostore.Upgraded, error) {
	return mongostore.Upgrade(ctx, uri, mongostore.UpgradeOptions{Program: "3.0 of a test", Say: say, Wait: time.Millisecond})
}

// An old database is refused, upgraded without a loss, and then left alone.
func TestUpgradeOfFormat2(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	db := m.Database(uri)
	putFormat2(t, db)
	old := dump(t, db)
	refused(t, uri, "format is 2", "seatlock upgrade")
	if now := dump(t, db); !reflect.DeepEqual(now, old) {
		t.Fatalf("to refuse it changed the database from\n%v\nto\n%v", old, now)
	}
	var said []string
	done, err := upgrade(t.Context(), uri, func(line string) { said = append(said, line) })
	if err != nil || done != (mongostore.Upgraded{From: 2, To: store.CurrentFormat}) || len(said) != 5 || !strings.Contains(said[0], fmt.Sprintf("format 2 to %d", store.CurrentFormat)) {
		t.Fatalf("upgraded %+v, %v, and said %q", done, err, said)
	}
	checkUpgraded(t, uri, db, old)
	new := dump(t, db)
	done, err = upgrade(t.Context(), uri, func(line string) { t.Errorf("said %q of a database that is current", line) })
	if err != nil || done.From != store.CurrentFormat || done.To != store.CurrentFormat {
		t.Errorf("upgraded again: %+v, %v", done, err)
	}
	if now := dump(t, db); !reflect.DeepEqual(now, new) {
		t.Errorf("to upgrade it again changed the database")
	}
}

// checkUpgraded fails unless all is there that was, and goes on.
func checkUpgraded(t *testing.T, uri string, db *mongo.Database, old map[string][]bson.Raw) {
	t.Helper()
	s := open(t, uri)
	snapshot := must[store.Snapshot](t)(s.Snapshot(t.Context(), "evening"))
	if snapshot.Cursor.Epoch != "f0f0f0f0f0f0f0f2" || string(must[[]byte](t)(s.Secret(t.Context()))) != "fixture of format 2 not a secret" {
		t.Errorf("the epoch is %s, or the secret is another", snapshot.Cursor.Epoch)
	}
	for _, raw := range old["seats"] {
		id := raw.Lookup("_id").StringValue()
		if _, err := raw.LookupErr("seat"); err == nil {
			if now := document(t, db.Collection("seats"), id); now != raw.String() {
				t.Errorf("%s was\n\t%v\nand is\n\t%s", id, raw, now)
			}
			continue
		}
		now := must[bson.Raw](t)(db.Collection("seats").FindOne(t.Context(), bson.D{{Key: "_id", Value: id}}).Raw())
		if !now.Lookup("over").Equal(raw.Lookup("deadline")) || now.Lookup("version").AsInt64() != raw.Lookup("version").AsInt64() {
			t.Errorf("the clock %v became %v", raw, now)
		}
	}
	const visitor = "FXwMSPEGiqTXI_xss8eb2N"
	again := must[store.Outcome](t)(s.Lock(t.Context(), store.LockRequest{
		Event: "evening", Holder: visitor, Seats: []string{"B2"}, Request: "request-1", Rules: store.DefaultRules(),
	}))
	if !slices.Equal(again.Seats, snapshot.Seats[:2]) || !again.Lock.Extended || again.Seats[0].Version != 3 || again.Lock.Deadline.Year() != 2066 {
		t.Errorf("the request of before has %+v", again)
	}
	e := must[store.Event](t)(s.Event(t.Context(), "evening"))
	if e.Revision != 2 || e.Prices["parkett"] != 4700 || e.Prices["rang"] != 2800 || e.Title != "Ein Abend für Σωκράτης und Freunde" {
		t.Errorf("the event is %+v", e)
	}
	checkRepeatedCreation(t, s)
	due := must[store.Due](t)(s.ReleaseDue(t.Context()))
	if due.Released != 1 || due.Next.Seat != "A3" {
		t.Errorf("the sweep released %+v, want A4, and A3 next", due)
	}
	out := must[store.Outcome](t)(s.Unlock(t.Context(), store.UnlockRequest{Event: "evening", Holder: "bert"}))
	told := read(t, s, snapshot.Cursor).until(out.Cursor)
	if len(told) != 2 || told[0].Reason != store.ReasonLapsed || told[0].Before != "carl" || told[1].Seat.ID != "A3" {
		t.Errorf("the feed tells %+v", told)
	}
	names := must[[]string](t)(db.ListCollectionNames(t.Context(), bson.D{}))
	slices.Sort(names)
	if want := []string{"events", "meta", "plans", "records", "seats", "trail"}; !slices.Equal(names, want) {
		t.Errorf("the collections are %q, want %q", names, want)
	}
	for _, i := range must[[]mongo.IndexSpecification](t)(db.Collection("seats").Indexes().ListSpecifications(t.Context())) {
		if _, err := i.KeysDocument.LookupErr("deadline"); err == nil {
			t.Errorf("there is still the index %s, which removes clocks of seats that are being paid for", i.Name)
		}
	}
	if is, want := document(t, db.Collection("meta"), "format"), `"program": "3.0 of a test"`; !strings.Contains(is, want) || strings.Contains(is, "next") {
		t.Errorf("the format is %s, want %s and nothing under way", is, want)
	}
}

// checkRepeatedCreation fails unless an event may be created again as it was.
func checkRepeatedCreation(t *testing.T, s *store.Store) {
	t.Helper()
	e := must[store.Event](t)(s.Event(t.Context(), "matinee"))
	again := store.NewEvent{Event: e, PlanBody: must[[]byte](t)(s.Plan(t.Context(), e.Plan))}
	for _, seat := range must[store.Snapshot](t)(s.Snapshot(t.Context(), "matinee")).Seats {
		again.Seats = append(again.Seats, seat.ID)
	}
	if err := s.CreateEvent(t.Context(), again); err != nil {
		t.Errorf("an event that is created again as it was: %v", err)
	}
	again.Title = "Another"
	if err := s.CreateEvent(t.Context(), again); !errors.Is(err, store.ErrExists) {
		t.Errorf("another event under the same id: %v, want ErrExists", err)
	}
}

// An upgrade that breaks off, wherever that is, leaves a database that nobody
// serves and that the next call upgrades.
func TestUpgradeBrokenOff(t *testing.T) {
	m := testengine.ReplicaSet(t)
	for lines := 1; lines <= 5; lines++ {
		t.Run(fmt.Sprint("at line ", lines), func(t *testing.T) {
			uri := m.NewDatabase(t)
			db := m.Database(uri)
			putFormat2(t, db)
			old := dump(t, db)
			ctx, crash := context.WithCancel(t.Context())
			defer crash()
			n := 0
			done, err := upgrade(ctx, uri, func(string) {
				if n++; n == lines {
					crash()
				}
			})
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("broken off: %+v, %v", done, err)
			}
			if lines == 1 { // nothing was changed yet
				refused(t, uri, "format is 2", "seatlock upgrade")
				if strings.Contains(err.Error(), "again") || !formatIs(t, db, 2) {
					t.Errorf("it was not taken back: %v", err)
				}
			} else {
				refused(t, uri, "not finished", "seatlock upgrade")
				wantAgain(t, err)
			}
			if _, err := upgrade(t.Context(), uri, nil); err != nil {
				t.Fatalf("begun anew: %v", err)
			}
			checkUpgraded(t, uri, db, old)
		})
	}
}

func wantAgain(t *testing.T, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "run seatlock upgrade again") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want one line that says to run it again", err)
	}
}

// What an upgrade over a broken one has announced is not taken back: the one
// before it may have changed something.
func TestUpgradeOverBrokenOne(t *testing.T) {
	m := testengine.ReplicaSet(t)
	for _, stop := range []func(uri string, crash func()) error{
		func(_ string, crash func()) error { crash(); return nil },
		func(uri string, _ func()) error { // an older Seatlock, to the end of the test
			client := must[*mongo.Client](t)(mongo.Connect(options.Client().ApplyURI(uri).SetAppName("seatlock")))
			t.Cleanup(func() { _ = client.Disconnect(context.Background()) }) // of the test alone
			return client.Ping(t.Context(), nil)
		},
	} {
		uri := m.NewDatabase(t)
		db := m.Database(uri)
		putFormat2(t, db)
		ctx, crash := context.WithCancel(t.Context())
		n := 0
		if _, err := upgrade(ctx, uri, func(string) {
			if n++; n == 5 {
				crash()
			}
		}); err == nil {
			t.Fatal("it was not broken off")
		}
		ctx, crash = context.WithCancel(t.Context())
		defer crash()
		_, err := upgrade(ctx, uri, func(string) {
			if n++; n == 6 {
				must[any](t)(nil, stop(uri, crash))
			}
		})
		wantAgain(t, err)
		if formatIs(t, db, 2) {
			t.Error("it was taken back, over what another has changed")
		}
	}
}

// A Seatlock that knows no formats does not see that an upgrade is announced:
// it is looked for, before and after.
func TestUpgradeSeesOlderSeatlock(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	db := m.Database(uri)
	putFormat2(t, db)
	old := dump(t, db)
	older := func() (stop func()) {
		client := must[*mongo.Client](t)(mongo.Connect(options.Client().ApplyURI(uri).SetAppName("seatlock")))
		if err := client.Ping(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		return func() { _ = client.Disconnect(context.Background()) } // of the test alone
	}
	wantRefused := func(say func(string)) {
		t.Helper()
		_, err := upgrade(t.Context(), uri, say)
		if err == nil || !strings.Contains(err.Error(), "127.0.0.1") || !strings.Contains(err.Error(), "stop it first") || strings.Contains(err.Error(), "\n") {
			t.Errorf("with an older Seatlock: %v, want one line that it has to be stopped", err)
		}
	}
	stop := older()
	wantRefused(nil)
	if now := dump(t, db); !reflect.DeepEqual(now, old) {
		t.Error("what was refused changed the database")
	}
	stop()
	eventually(t, "nobody is connected", func() bool {
		_, err := upgrade(t.Context(), uri, func(string) { stop = older() })
		return err != nil && formatIs(t, db, 2)
	})
	wantRefused(nil)
	refused(t, uri, "format is 2", "seatlock upgrade") // and not that an upgrade was begun
	stop()
	eventually(t, "nobody is connected again", func() bool { _, err := upgrade(t.Context(), uri, nil); return err == nil })
	checkUpgraded(t, uri, db, old)
}

// formatIs reports whether the database names this format, with none under way.
func formatIs(t *testing.T, db *mongo.Database, number int) bool {
	raw, err := db.Collection("meta").FindOne(t.Context(), bson.D{{Key: "_id", Value: "format"}}).Raw()
	if err != nil {
		return false
	}
	_, next := raw.LookupErr("next")
	return raw.Lookup("format").AsInt64() == int64(number) && next != nil
}

func TestUpgradeOfNothing(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	if _, err := upgrade(t.Context(), uri, nil); err == nil || !strings.Contains(err.Error(), "no Seatlock database") {
		t.Errorf("got %v", err)
	}
	if left := dump(t, m.Database(uri)); len(left) > 0 {
		t.Errorf("there is now %v", left)
	}
}

// newer is the format of the program after this one.
const newer = store.CurrentFormat + 1

func newerFormat(reader int) bson.D {
	return bson.D{{Key: "$set", Value: bson.D{{Key: "format", Value: newer}, {Key: "reader", Value: reader}, {Key: "program", Value: "9.9"}}}}
}

func TestNewerFormat(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	s := open(t, uri)
	if err := s.CreateEvent(t.Context(), hall(2)); err != nil {
		t.Fatal(err)
	}
	meta := m.Database(uri).Collection("meta")
	hand(t, meta, "format", newerFormat(store.CurrentFormat))
	lock(t, open(t, uri), "anna", "s0") // it still serves readers of ours
	if done, err := upgrade(t.Context(), uri, nil); err != nil || done != (mongostore.Upgraded{From: newer, To: newer}) {
		t.Errorf("upgraded %+v, %v, want nothing", done, err)
	}
	hand(t, meta, "format", newerFormat(newer))
	refused(t, uri, fmt.Sprintf("format is %d", newer), "9.9", "newer")
	if _, err := upgrade(t.Context(), uri, nil); !errors.Is(err, store.ErrNewer) {
		t.Errorf("upgrade of a newer format: %v", err)
	}
}

// A newer program's upgrade that broke off is for that program to finish.
func TestNewerUpgrade(t *testing.T) {
	m := testengine.ReplicaSet(t)
	for reader, want := range map[int]error{store.CurrentFormat: store.ErrUpgrading, newer: store.ErrNewer} {
		uri := m.NewDatabase(t)
		openEngine(t, uri, mongostore.Options{})
		hand(t, m.Database(uri).Collection("meta"), "format", announced(reader))
		if _, err := upgrade(t.Context(), uri, nil); !errors.Is(err, want) || !strings.Contains(err.Error(), "9.9") || strings.Count(err.Error(), "begun") > 1 {
			t.Errorf("reader %d: got %v, want %v and the program", reader, err, want)
		}
		refused(t, uri, "not finished")
	}
}

func announced(reader int) bson.D {
	return bson.D{{Key: "$set", Value: bson.D{{Key: "next", Value: bson.D{
		{Key: "format", Value: newer}, {Key: "reader", Value: reader}, {Key: "program", Value: "9.9"},
	}}}}}
}

// everyWrite asks a server to write in each way that there is.
func everyWrite(t *testing.T, s *store.Store, n int) map[string]error {
	_, locking := s.Lock(t.Context(), store.LockRequest{Event: "evening", Holder: store.Holder(fmt.Sprint("h", n)), Seats: []string{fmt.Sprint("s", n)}, Rules: store.DefaultRules()})
	e, err := s.Event(t.Context(), "evening")
	if err != nil {
		t.Fatal(err)
	}
	e.Title = fmt.Sprint("Title ", n)
	_, updating := s.UpdateEvent(t.Context(), e)
	_, sweeping := s.ReleaseDue(t.Context())
	return map[string]error{
		"lock": locking, "update": updating, "sweep": sweeping, "record": keepRecord(t, s, fmt.Sprint(n)), "ping": s.Ping(t.Context()),
	}
}

// A server that runs while the database becomes of another format stops to
// write, at once when it has heard of that, and at the latest when it has not
// heard for five seconds that all is as it was. It goes on if that is so.
func TestServerStops(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	s := open(t, uri)
	if err := s.CreateEvent(t.Context(), hall(20)); err != nil {
		t.Fatal(err)
	}
	meta := m.Database(uri).Collection("meta")
	ours := bson.D{
		{Key: "$set", Value: bson.D{{Key: "format", Value: store.CurrentFormat}, {Key: "reader", Value: store.OldestReader}}},
		{Key: "$unset", Value: bson.D{{Key: "next", Value: ""}}},
	}
	for n, test := range []struct {
		what   string
		change bson.D
		want   error
	}{
		{"an upgrade is announced", announced(newer), store.ErrUpgrading},
		{"the format is newer", newerFormat(newer), store.ErrNewer},
		{"the format cannot be read", bson.D{{Key: "$set", Value: bson.D{{Key: "format", Value: "three"}}}}, store.ErrUnavailable},
	} {
		hand(t, meta, "format", test.change)
		began := time.Now()
		eventually(t, "the server stops, because "+test.what, func() bool { return s.Ping(t.Context()) != nil })
		if took := time.Since(began); took > 7*time.Second {
			t.Errorf("%s: the server went on for %v", test.what, took)
		}
		before := dump(t, m.Database(uri))
		for what, err := range everyWrite(t, s, n) {
			if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, test.want) {
				t.Errorf("%s: %s: %v, want ErrUnavailable and %v", test.what, what, err, test.want)
			}
		}
		if after := dump(t, m.Database(uri)); !reflect.DeepEqual(before, after) {
			t.Errorf("%s, and something was written", test.what)
		}
		must[store.Snapshot](t)(s.Snapshot(t.Context(), "evening"))
		hand(t, meta, "format", ours)
		eventually(t, "the server goes on", func() bool { return s.Ping(t.Context()) == nil })
		for what, err := range everyWrite(t, s, n) {
			if err != nil {
				t.Errorf("%s no more: %s: %v", test.what, what, err)
			}
		}
	}
}
