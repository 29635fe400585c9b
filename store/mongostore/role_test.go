package mongostore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
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

// role is the command that makes one, in the form that docs/mongodb.md has it.
type role struct {
	Name       string      `json:"createRole" bson:"createRole"`
	Privileges []privilege `json:"privileges" bson:"privileges"`
	Roles      []string    `json:"roles" bson:"roles"`
}

type privilege struct {
	Resource struct {
		DB         string `json:"db" bson:"db"`
		Collection string `json:"collection" bson:"collection"`
	} `json:"resource" bson:"resource"`
	Actions []string `json:"actions" bson:"actions"`
}

// documentedRole is what a person would paste.
func documentedRole(t *testing.T) (r role) {
	t.Helper()
	manual, err := os.ReadFile("../../docs/mongodb.md")
	if err != nil {
		t.Fatal(err)
	}
	_, command, found := strings.Cut(string(manual), "db.runCommand(")
	if !found {
		t.Fatal("docs/mongodb.md runs no command")
	}
	decoder := json.NewDecoder(strings.NewReader(command)) // up to the end of one object
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		t.Fatalf("the first command of docs/mongodb.md: %v", err)
	}
	if len(r.Privileges) != 1 || len(r.Roles) != 0 {
		t.Fatalf("the role %+v has not one privilege", r)
	}
	return r
}

// A user of the role that docs/mongodb.md describes can do all that Seatlock
// does, and could not with one action less.
func TestDocumentedRole(t *testing.T) {
	m := testengine.StartMongo(t, testengine.MongoOptions{Nodes: 1, Password: "hunter2"})
	whole := documentedRole(t)
	uri := userOf(t, m, makeRole(t, m, whole), whole.Name)
	if err := useAll(t.Context(), uri); err != nil {
		t.Fatal(err)
	}
	confined(t, uri)
	for _, action := range whole.Privileges[0].Actions {
		less := whole
		less.Privileges = slices.Clone(whole.Privileges)
		less.Privileges[0].Resource.DB = "without-" + action
		less.Privileges[0].Actions = slices.DeleteFunc(slices.Clone(whole.Privileges[0].Actions), func(a string) bool { return a == action })
		err := useAll(t.Context(), userOf(t, m, makeRole(t, m, less), less.Name))
		if err == nil || !strings.Contains(err.Error(), "not authorized") && !strings.Contains(err.Error(), "readWrite") {
			t.Errorf("without %s: got %v, want that it may not", action, err)
		}
	}
	// What Seatlock advises to whom it may not do enough.
	if err := useAll(t.Context(), userOf(t, m, "plain", "readWrite")); err != nil {
		t.Errorf("with readWrite: %v", err)
	}
	upgradeNeeds(t, m, whole)
}

// upgradeNeeds fails unless an upgrade is refused to the documented role before
// anything is changed, and readWrite is enough for it.
func upgradeNeeds(t *testing.T, m *testengine.Mongo, less role) {
	t.Helper()
	less.Privileges = slices.Clone(less.Privileges)
	less.Privileges[0].Resource.DB = "old"
	uri := userOf(t, m, makeRole(t, m, less), less.Name)
	putFormat2(t, m.Database(m.URI("old")))
	before := dump(t, m.Database(m.URI("old")))
	if _, err := upgrade(t.Context(), uri, nil); err == nil || !strings.Contains(err.Error(), "role readWrite") || strings.Contains(err.Error(), "\n") {
		t.Errorf("upgrade by a user who may not drop anything: %v", err)
	}
	if after := dump(t, m.Database(m.URI("old"))); !reflect.DeepEqual(before, after) {
		t.Error("the upgrade that was refused has changed something")
	}
	if err := m.Database(uri).RunCommand(t.Context(), bson.D{
		{Key: "updateUser", Value: "seatlock"}, {Key: "roles", Value: bson.A{"readWrite"}},
	}).Err(); err != nil {
		t.Fatal(err)
	}
	var said []string
	if _, err := upgrade(t.Context(), uri, func(line string) { said = append(said, line) }); err != nil {
		t.Errorf("upgrade with readWrite: %v", err)
	}
	if !slices.ContainsFunc(said, func(line string) bool { return strings.Contains(line, "this very MongoDB user") }) {
		t.Errorf("said %q, and not that connections of others are not seen", said)
	}
}

// makeRole returns the database that the role is of.
func makeRole(t *testing.T, m *testengine.Mongo, r role) (database string) {
	t.Helper()
	database = r.Privileges[0].Resource.DB
	if err := m.Database(m.URI(database)).RunCommand(t.Context(), r).Err(); err != nil {
		t.Fatal(err)
	}
	return database
}

// userOf makes a user with one role of a database, and returns their URI of it.
func userOf(t *testing.T, m *testengine.Mongo, database, role string) string {
	t.Helper()
	uri := m.URI(database)
	if err := m.Database(uri).RunCommand(t.Context(), bson.D{
		{Key: "createUser", Value: "seatlock"}, {Key: "pwd", Value: "hunter3"}, {Key: "roles", Value: bson.A{role}},
	}).Err(); err != nil {
		t.Fatal(err)
	}
	u := must[*url.URL](t)(url.Parse(uri))
	query := u.Query()
	query.Del("authSource") // it is the database itself
	u.User, u.RawQuery = url.UserPassword("seatlock", "hunter3"), query.Encode()
	return u.String()
}

// useAll asks everything of a store that it can be asked.
func useAll(ctx context.Context, uri string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	engine, err := mongostore.Open(ctx, uri, mongostore.Options{Make: true})
	if err != nil {
		return err
	}
	s := store.New(engine)
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.CreateEvent(ctx, hall(3)); err != nil {
		return err
	}
	e, err := s.Event(ctx, "evening")
	if err != nil {
		return err
	}
	e.Title = "Another"
	if e, err = s.UpdateEvent(ctx, e); err != nil {
		return err
	}
	larger := hall(4)
	larger.Event, larger.PlanBody = e, []byte("larger")
	if _, err := s.AddSeats(ctx, larger); err != nil {
		return err
	}
	if err := useReads(ctx, s); err != nil {
		return err
	}
	if err := useSeats(ctx, s); err != nil {
		return err
	}
	if err := useRescue(ctx, s, uri); err != nil {
		return err
	}
	return useRecords(ctx, s)
}

// useRescue locks a seat that a killed Seatlock was about to write.
func useRescue(ctx context.Context, s *store.Store, uri string) error {
	killed, err := mongo.Connect(options.Client().ApplyURI(uri).SetAppName("seatlock-3"))
	if err != nil {
		return err
	}
	defer func() { _ = killed.Disconnect(ctx) }() // a client that nothing waits for
	session, err := killed.StartSession()
	if err != nil {
		return err
	}
	if err := session.StartTransaction(); err != nil {
		return err
	}
	u, err := url.Parse(uri)
	if err != nil {
		return err
	}
	seats := killed.Database(strings.Trim(u.Path, "/")).Collection("seats")
	_, err = seats.UpdateOne(mongo.NewSessionContext(ctx, session), bson.D{{Key: "_id", Value: "evening/s2"}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "touched", Value: 1}}}})
	if err != nil {
		return err
	}
	_, err = s.Lock(ctx, store.LockRequest{Event: "evening", Holder: "who comes after", Seats: []string{"s2"}, Rules: store.DefaultRules()})
	return err
}

func useReads(ctx context.Context, s *store.Store) error {
	events, err := s.Events(ctx)
	if err != nil {
		return err
	}
	if len(events) != 1 {
		return fmt.Errorf("%d events, want 1", len(events))
	}
	_, plan := s.Plan(ctx, events[0].Plan)
	_, event := s.Event(ctx, "evening")
	_, now := s.Now(ctx)
	_, recent := s.Recent(ctx, time.Minute)
	return errors.Join(plan, event, now, recent, s.Ping(ctx))
}

// useSeats locks, extends, gives back, withholds and has the sweep release, and
// reads all of it from the feed.
func useSeats(ctx context.Context, s *store.Store) error {
	before, err := s.Snapshot(ctx, "evening")
	if err != nil {
		return err
	}
	for _, ttl := range []time.Duration{time.Hour, time.Millisecond} {
		rules := store.Rules{TTL: ttl, Total: 2 * ttl, MaxSeats: 3}
		who := store.Holder("holder of " + ttl.String())
		_, locked := s.Lock(ctx, store.LockRequest{Event: "evening", Holder: who, Seats: []string{"s0"}, Rules: rules})
		if ttl == time.Hour {
			_, extended := s.Extend(ctx, store.ExtendRequest{Event: "evening", Holder: who, Rules: rules})
			_, unlocked := s.Unlock(ctx, store.UnlockRequest{Event: "evening", Holder: who})
			locked = errors.Join(locked, extended, unlocked)
		}
		_, told := s.LockOf(ctx, "evening", who)
		if err := errors.Join(locked, told); err != nil {
			return err
		}
	}
	if _, err := s.Withhold(ctx, store.WithholdRequest{Event: "evening", Seats: []string{"s1"}, On: true}); err != nil {
		return err
	}
	for released := 0; released == 0; {
		due, err := s.ReleaseDue(ctx)
		if err != nil {
			return err
		}
		released = due.Released
	}
	versions := map[string]int64{}
	for batch, err := range s.Changes(ctx, before.Cursor) {
		if err != nil {
			return err
		}
		for _, c := range batch.Changes {
			versions[c.Seat.ID] = c.Seat.Version
		}
		if versions["s0"] == 6 && versions["s1"] == 2 { // five changes, and one
			return nil
		}
	}
	return fmt.Errorf("the feed came to versions %v: %w", versions, ctx.Err())
}

// useRecords makes, changes, lists and removes a record.
func useRecords(ctx context.Context, s *store.Store) error {
	key := store.Key{Kind: store.Session, ID: "token"}
	become := func(r store.Record, deleted bool) func(store.Record) (store.Record, bool, error) {
		return func(store.Record) (store.Record, bool, error) { return r, deleted, nil }
	}
	for _, body := range []string{`{}`, `{"again": true}`} {
		if err := s.ChangeRecord(ctx, key, become(store.Record{Body: []byte(body), Expires: time.Now().Add(time.Hour)}, false)); err != nil {
			return err
		}
	}
	r, err := s.Record(ctx, key)
	if err != nil || r.Version != 2 {
		return errors.Join(err, fmt.Errorf("the record is %+v", r))
	}
	page, err := s.Records(ctx, store.Scan{Kind: store.Session, Limit: 1})
	if err != nil || len(page) != 1 {
		return errors.Join(err, fmt.Errorf("the records are %+v", page))
	}
	return s.ChangeRecord(ctx, key, become(store.Record{}, true))
}

// confined fails where the user can do harm beyond what Seatlock does.
func confined(t *testing.T, uri string) {
	t.Helper()
	client := must[*mongo.Client](t)(mongo.Connect(options.Client().ApplyURI(uri)))
	t.Cleanup(func() {
		if err := client.Disconnect(context.Background()); err != nil {
			t.Error(err)
		}
	})
	ours, other := client.Database("seatlock"), client.Database("other")
	_, written := other.Collection("seats").InsertOne(t.Context(), bson.D{})
	for what, err := range map[string]error{
		"drop the seats":         ours.Collection("seats").Drop(t.Context()),
		"drop the database":      ours.Drop(t.Context()),
		"drop an index":          ours.Collection("seats").Indexes().DropOne(t.Context(), "due"),
		"read another database":  other.Collection("seats").FindOne(t.Context(), bson.D{}).Err(),
		"write another database": written,
	} {
		const unauthorized = 13
		if refusal, ok := errors.AsType[mongo.CommandError](err); !ok || refusal.Code != unauthorized {
			t.Errorf("%s: got %v, want that the user may not", what, err)
		}
	}
}
