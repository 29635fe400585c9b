package mongostore

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
)

// commands are the names of what the servers were asked for, and of what
// collection, but for the format, which nobody waits for.
type commands struct {
	mu    sync.Mutex
	names []string
}

func (c *commands) monitor() *event.CommandMonitor {
	return &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		if id, _ := e.Command.Lookup("filter", "_id").StringValueOK(); id == formatID {
			return
		}
		name := e.CommandName
		if collection, ok := e.Command.Lookup(name).StringValueOK(); ok {
			name += " " + collection
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.names = append(c.names, name)
	}}
}

// of returns what fn had the servers do.
func (c *commands) of(t *testing.T, fn func() error) []string {
	t.Helper()
	c.mu.Lock()
	c.names = nil
	c.mu.Unlock()
	if err := fn(); err != nil && !store.IsAnswer(err) {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.names)
}

// Requests without records take as many round trips as they did before there
// were any: the numbers here were measured with 48c37df. Those with a record
// take two more at most, and those with the definition of the event another two,
// however many records they have. What changes a seat takes one more, for the
// trail.
func TestCommands(t *testing.T) {
	ctx, rules := t.Context(), store.DefaultRules()
	engine, err := Open(ctx, testengine.ReplicaSet(t).NewDatabase(t), Options{Make: true})
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(engine)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	var c commands
	client, err := mongo.Connect(engine.settings.client, options.Client().SetMonitor(c.monitor()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) }) // of the test alone
	watched := &Engine{
		db: client.Database(engine.settings.database), log: engine.log, settings: engine.settings, kinds: engine.kinds, primary: engine.primary,
	}
	ready := engine.opened.Load()
	watched.opened.Store(&opened{epoch: ready.epoch, since: ready.since, secret: ready.secret}) // no sales times
	watched.life, watched.end = ctx, func() {}
	watchedStore := store.New(watched)
	e := store.NewEvent{
		Event:    store.Event{ID: "e", Title: "T", Zone: "UTC", Currency: "EUR", Revision: 1},
		PlanBody: []byte("plan"), Seats: []string{"s1", "s2", "s3", "s4"},
	}
	if err := s.CreateEvent(ctx, e); err != nil {
		t.Fatal(err)
	}
	lock := func(holder store.Holder, request string, seats ...string) func() error {
		return func() error {
			_, err := watchedStore.Lock(ctx, store.LockRequest{Event: "e", Holder: holder, Seats: seats, Request: request, Rules: rules})
			return err
		}
	}
	put := func(body string) func() error {
		return func() error {
			return watchedStore.ChangeRecord(ctx, store.Key{Kind: store.Session, ID: "x"}, func(store.Record) (store.Record, bool, error) {
				return store.Record{Body: []byte(body)}, false, nil
			})
		}
	}
	both := func() error {
		q := store.Question{Event: "e", Holder: "anna", Seats: []string{"s4"}, Records: []store.Key{{Kind: store.Session, ID: "x"}}}
		_, _, err := watched.Decide(ctx, q, func(v store.View) store.Decision {
			next := v.Records[0]
			next.Body = []byte(`{"n": 3}`)
			return store.Accept(v, store.Outcome{}, store.Writes{
				Changes: []store.Change{store.NewChange("e", v.Seats[0], store.Seat{Status: store.Withheld}, store.ReasonWithheld)},
				Records: []store.Record{next},
			})
		})
		return err
	}
	const code = "BKED222222"
	begin := func() error {
		_, err := watchedStore.Begin(ctx, store.BeginRequest{
			Event: "e", Holder: "bert", Code: code, Request: "r", Contents: "c", Revision: 1, Provider: "demo",
			Lines: []store.Line{{Seat: "s2", Price: 10}}, Person: store.Person{Name: "Bert", Email: "bert@example.org"},
			Rules: store.DefaultPayRules(0),
		})
		return err
	}
	confirm := func() error {
		_, err := watchedStore.Confirm(ctx, store.Attempt{ID: store.Booking{Code: code}.Attempt(), Version: 1})
		return err
	}
	const find, write, commit = "find seats", "update seats", "commitTransaction"
	const trailed = "insert trail, " + commit
	for _, test := range []struct {
		what string
		do   func() error
		want string
	}{
		{"a lock, the first of this second", lock("anna", "", "s1"), "find events, " + find + ", " + write + ", " + trailed},
		{"a lock", lock("bert", "", "s2"), find + ", " + write + ", " + trailed},
		{"a refusal", lock("carl", "", "s2"), find + ", " + commit},
		{"the same again", lock("bert", "", "s2"), find + ", " + commit},
		{"a lock with a request", lock("carl", "r", "s3"), find + ", " + write + ", " + trailed},
		{"the request again", lock("carl", "r", "s1"), find + ", " + commit},
		{"an extension", func() error {
			_, err := watchedStore.Extend(ctx, store.ExtendRequest{Event: "e", Holder: "bert", Rules: rules})
			return err
		}, find + ", " + write + ", " + trailed},
		{"an unlock", func() error {
			_, err := watchedStore.Unlock(ctx, store.UnlockRequest{Event: "e", Holder: "carl"})
			return err
		}, find + ", " + write + ", " + trailed},
		{"the request again, given back", lock("carl", "r", "s1"), find + ", " + find + ", " + write + ", " + trailed},
		{"a lock that is asked for", func() error { _, err := watchedStore.LockOf(ctx, "e", "anna"); return err }, find + ", " + commit},
		{"a sweep of nothing", func() error { _, err := watchedStore.ReleaseDue(ctx); return err }, "aggregate seats"},
		{"a new record", put(`{"n": 1}`), "find records, find meta, update records, " + commit},
		{"a record", put(`{"n": 2}`), "find records, update records, " + commit},
		{"a seat and a record", both, find + ", find records, " + write + ", update records, " + trailed},
		{"a booking begins", begin, find + ", find records, find events, update events, " + write + ", update records, " + trailed},
		{"it is asked for again", begin, find + ", find records, find events, " + commit},
		{"it is paid", confirm, "find records, " + find + ", find records, " + write + ", update records, " + trailed},
	} {
		watched.format.last.Store(engine.format.last.Load())
		if known, is := watched.opened.Load().sales.get("e"); is { // which a slow test would outlast
			watched.opened.Load().sales.put(salesTime{known, time.Now()})
		}
		got := c.of(t, test.do)
		if strings.HasPrefix(test.want, "find events") {
			slices.Sort(got[:2]) // they are sent at once
		}
		if text := strings.Join(got, ", "); text != test.want {
			t.Errorf("%s took\n\t%s\nwant\n\t%s", test.what, text, test.want)
		}
	}
	watched.calls.Wait()
}
