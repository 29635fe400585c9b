package mongostore_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/mongostore"
)

// What a newer program has written goes through all that this one does: fields
// stay in the documents that are written anew, and a seat of an unknown status
// stays as it is.
func TestUnknownsSurvive(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	s, db := open(t, uri), m.Database(uri)
	if err := s.CreateEvent(t.Context(), hall(4)); err != nil {
		t.Fatal(err)
	}
	lock(t, s, "anna", "s0")
	if err := keepRecord(t, s, "token"); err != nil {
		t.Fatal(err)
	}
	const later = `"later": [{"$numberInt":"1"},{"x.y": "$where"}]`
	more := bson.D{{Key: "$set", Value: bson.D{{Key: "later", Value: bson.A{int32(1), bson.D{{Key: "x.y", Value: "$where"}}}}}}}
	for _, collection := range []string{"seats", "events", "records"} {
		must[*mongo.UpdateResult](t)(db.Collection(collection).UpdateMany(t.Context(), bson.D{}, more))
	}
	hand(t, db.Collection("seats"), "evening/s3", bson.D{{Key: "$set", Value: bson.D{{Key: "status", Value: "raffled"}, {Key: "lockedBy", Value: "anna"}, {Key: "version", Value: 7}}}})
	raffled := document(t, db.Collection("seats"), "evening/s3")
	wantKept := func(after string, ids ...string) {
		t.Helper()
		for _, id := range ids {
			collection := "seats"
			switch {
			case id == "evening":
				collection = "events"
			case strings.HasPrefix(id, "session/"):
				collection = "records"
			}
			if is := document(t, db.Collection(collection), id); !strings.Contains(strings.ReplaceAll(is, " ", ""), strings.ReplaceAll(later, " ", "")) {
				t.Errorf("after %s: %s is\n\t%s\nwithout %s", after, id, is, later)
			}
		}
		if is := document(t, db.Collection("seats"), "evening/s3"); is != raffled {
			t.Errorf("after %s: the raffled seat is\n\t%s\nand was\n\t%s", after, is, raffled)
		}
	}
	from := must[store.Snapshot](t)(s.Snapshot(t.Context(), "evening"))
	if seat := from.Seats[3]; seat.Status != store.Unknown || seat.Version != 7 {
		t.Errorf("the raffled seat is told as %+v", seat)
	}
	lock(t, s, "anna", "s1")
	wantKept("a lock", "evening/s1", "evening/@anna")
	must[store.Outcome](t)(s.Extend(t.Context(), store.ExtendRequest{Event: "evening", Holder: "anna", Rules: store.DefaultRules()}))
	wantKept("an extension", "evening/s0", "evening/s1", "evening/@anna")
	must[store.Outcome](t)(s.Unlock(t.Context(), store.UnlockRequest{Event: "evening", Holder: "anna"}))
	wantKept("an unlock", "evening/s0", "evening/s1", "evening/@anna")
	lapse(t, s, "bert", "s2")
	must[store.Due](t)(s.ReleaseDue(t.Context()))
	wantKept("a sweep", "evening/s2")
	must[store.Outcome](t)(s.Withhold(t.Context(), store.WithholdRequest{Event: "evening", Seats: []string{"s2"}, On: true}))
	last := must[store.Outcome](t)(s.Withhold(t.Context(), store.WithholdRequest{Event: "evening", Seats: []string{"s2"}}))
	wantKept("being put on sale", "evening/s2")
	wantRefusedRaffle(t, s)
	if err := keepRecord(t, s, "token"); err != nil {
		t.Fatal(err)
	}
	wantKept("a change of a record", "session/token")
	e := must[store.Event](t)(s.Event(t.Context(), "evening"))
	e.Title = "Another"
	e = must[store.Event](t)(s.UpdateEvent(t.Context(), e))
	wantKept("an update", "evening")
	larger := hall(4)
	larger.Event, larger.PlanBody, larger.Seats = e, []byte("larger"), []string{"s1", "s0", "s2", "s3", "s4"}
	must[store.Event](t)(s.AddSeats(t.Context(), larger))
	wantKept("adding seats", "evening", "evening/s0", "evening/s1", "evening/s2")
	for _, c := range read(t, s, from.Cursor).until(last.Cursor) {
		if c.Seat.ID == "s3" {
			t.Errorf("the feed tells %+v", c)
		}
	}
}

func wantRefusedRaffle(t *testing.T, s *store.Store) {
	t.Helper()
	_, locking := s.Lock(t.Context(), store.LockRequest{Event: "evening", Holder: "anna", Seats: []string{"s3"}, Rules: store.DefaultRules()})
	_, giving := s.Unlock(t.Context(), store.UnlockRequest{Event: "evening", Holder: "anna", Seats: []string{"s3"}})
	_, withholding := s.Withhold(t.Context(), store.WithholdRequest{Event: "evening", Seats: []string{"s3"}})
	for _, err := range []error{locking, giving, withholding} {
		if !errors.Is(err, store.ErrWithheld) {
			t.Errorf("of a raffled seat: %v, want ErrWithheld", err)
		}
	}
}

// A feed goes on past a status and a reason that are unknown.
func TestFeedOfUnknowns(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	s := open(t, uri)
	if err := s.CreateEvent(t.Context(), hall(2)); err != nil {
		t.Fatal(err)
	}
	from := must[store.Snapshot](t)(s.Snapshot(t.Context(), "evening")).Cursor
	seats := m.Database(uri).Collection("seats")
	must[*mongo.UpdateResult](t)(seats.ReplaceOne(t.Context(), bson.D{{Key: "_id", Value: "evening/s0"}}, bson.D{
		{Key: "event", Value: "evening"}, {Key: "seat", Value: "s0"}, {Key: "place", Value: 0}, {Key: "status", Value: "raffled"},
		{Key: "version", Value: 2}, {Key: "before", Value: "anna"}, {Key: "reason", Value: "drawn"}, {Key: "prize", Value: 3},
	}))
	out := lock(t, s, "anna", "s1")
	told := read(t, s, from).until(out.Cursor)
	want := store.Change{Event: "evening", Seat: store.Seat{ID: "s0", Status: store.Unknown, Version: 2}, Before: "anna"}
	if len(told) != 2 || told[0] != want || told[1].Reason != store.ReasonLocked {
		t.Errorf("the feed tells\n\t%+v, want %+v and the lock", told, want)
	}
}

// A clock stays while seats are being paid for, and is removed in time if none
// are any more.
func TestPayingKeepsClock(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	e := openEngine(t, uri, mongostore.Options{})
	s := store.New(e)
	if err := s.CreateEvent(t.Context(), hall(3)); err != nil {
		t.Fatal(err)
	}
	lock(t, s, "anna", "s0", "s1")
	become := func(status store.Status, reason store.Reason) {
		t.Helper()
		q := store.Question{Event: "evening", Holder: "anna", Seats: []string{"s0"}}
		_, _, err := e.Decide(t.Context(), q, func(v store.View) store.Decision {
			to := v.Seats[0]
			to.Status = status
			return store.Accept(v, store.Outcome{}, store.Writes{Changes: []store.Change{store.NewChange("evening", v.Seats[0], to, reason)}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	removable := func() bool {
		return strings.Contains(document(t, m.Database(uri).Collection("seats"), "evening/@anna"), `"over"`)
	}
	if !removable() {
		t.Error("a clock of locked seats stays for ever")
	}
	if become(store.Paying, store.ReasonPaying); removable() {
		t.Error("the servers would remove the clock of seats that are being paid for")
	}
	lock(t, s, "anna", "s2")
	if removable() {
		t.Error("another lock has the servers remove the clock of seats that are being paid for")
	}
	if become(store.Locked, store.ReasonDeclined); !removable() {
		t.Error("nobody pays any more, and the clock stays for ever")
	}
}

// A clock stays while its holder has not paid for what is reserved, and is
// removed in time once nothing is owed.
func TestUnpaidKeepsClock(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	e := openEngine(t, uri, mongostore.Options{})
	s := store.New(e)
	must[any](t)(nil, s.CreateEvent(t.Context(), hall(4)))
	lock(t, s, "anna", "s0")
	seats := m.Database(uri).Collection("seats")
	unpaid := func(n int) (was int) {
		t.Helper()
		_, _, err := e.Decide(t.Context(), store.Question{Event: "evening", Holder: "anna"}, func(v store.View) store.Decision {
			was = v.Clock.Unpaid
			clock := v.Clock
			clock.Unpaid = n
			return store.Accept(v, store.Outcome{}, store.Writes{Clock: &clock})
		})
		must[any](t)(nil, err)
		return was
	}
	wantClock := func(has, lacks string) {
		t.Helper()
		if is := document(t, seats, "evening/@anna"); !strings.Contains(is, has) || strings.Contains(is, lacks) {
			t.Errorf("the clock is %s, want it with %s and without %s", is, has, lacks)
		}
	}
	wantClock(`"over"`, `"unpaid"`)
	unpaid(2)
	wantClock(`"unpaid": {"$numberLong":"2"}`, `"over"`)
	lock(t, s, "anna", "s1")
	wantClock(`"unpaid": {"$numberLong":"2"}`, `"over"`)
	if was := unpaid(0); was != 2 {
		t.Errorf("%d are unpaid, want 2", was)
	}
	wantClock(`"over"`, `"unpaid"`)
}

// A decision about seats that names a record, and leaves it as it is, is made
// anew where somebody changes that record meanwhile, or makes one where there
// was none.
func TestRecordThatIsReliedOn(t *testing.T) {
	uri := testengine.ReplicaSet(t).NewDatabase(t)
	one := openEngine(t, uri, mongostore.Options{})
	other := open(t, uri)
	if err := other.CreateEvent(t.Context(), hall(4)); err != nil {
		t.Fatal(err)
	}
	key := store.Key{Kind: store.Session, ID: "token"}
	for i, meanwhile := range []func() error{
		func() error { return keepRecord(t, other, "token") }, // there was none
		func() error { return keepRecord(t, other, "token") },
		func() error { return dropRecord(t, other, "token") },
		func() error { // there was none, and there is one that is over
			return other.ChangeRecord(t.Context(), key, func(store.Record) (store.Record, bool, error) {
				return store.Record{Body: json.RawMessage(`{}`), Expires: time.Now().Add(-time.Hour)}, false, nil
			})
		},
	} {
		calls := 0
		seat := hall(4).Seats[i]
		_, _, err := one.Decide(t.Context(), store.Question{Event: "evening", Seats: []string{seat}, Records: []store.Key{key}}, func(v store.View) store.Decision {
			if calls++; calls == 1 {
				if err := meanwhile(); err != nil {
					t.Error(err)
				}
			}
			c := store.NewChange("evening", v.Seats[0], store.Seat{Status: store.Withheld}, store.ReasonWithheld)
			return store.Accept(v, store.Outcome{}, store.Writes{Changes: []store.Change{c}})
		})
		if err != nil || calls != 2 {
			t.Errorf("case %d: decided %d times, %v, want that it is decided anew", i, calls, err)
		}
	}
}

// The body of a record is text in the database: readable, and byte for byte.
func TestRecordIsText(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	s := open(t, uri)
	const body = "{ \"n\": 1.000,\t\"big\": 123456789012345678901234567890, \"n\": \"twice\" }"
	err := s.ChangeRecord(t.Context(), store.Key{Kind: store.Session, ID: "x"}, func(store.Record) (store.Record, bool, error) {
		return store.Record{Body: json.RawMessage(body)}, false, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	raw := must[bson.Raw](t)(m.Database(uri).Collection("records").FindOne(t.Context(), bson.D{{Key: "_id", Value: "session/x"}}).Raw())
	if text, _ := raw.Lookup("body").StringValueOK(); text != body {
		t.Errorf("the document is %v", raw)
	}
	if r := must[store.Record](t)(s.Record(t.Context(), store.Key{Kind: store.Session, ID: "x"})); string(r.Body) != body {
		t.Errorf("the body is %s", r.Body)
	}
}

// A newer program keeps a clock for a seat of a status that is unknown here.
func TestNewerKeepsClock(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	s := open(t, uri)
	must[any](t)(nil, s.CreateEvent(t.Context(), hall(4)))
	lock(t, s, "anna", "s0")
	seats := m.Database(uri).Collection("seats")
	hand(t, seats, "evening/s0", bson.D{{Key: "$set", Value: bson.D{{Key: "status", Value: "invoiced"}}}})
	hand(t, seats, "evening/@anna", bson.D{{Key: "$unset", Value: bson.D{{Key: "over", Value: 1}}}})
	lock(t, s, "anna", "s1")
	if is := document(t, seats, "evening/@anna"); strings.Contains(is, `"over"`) {
		t.Errorf("the servers would remove %s", is)
	}
}

// What rests on the whole definition of an event is decided anew where that
// changes meanwhile, and the feed tells of no event for it.
func TestDefinitionIsReliedOn(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	one, other := openEngine(t, uri, mongostore.Options{}), open(t, uri)
	d := hall(4)
	d.Prices = map[string]int64{"a": 100}
	must[any](t)(nil, other.CreateEvent(t.Context(), d))
	from := must[store.Snapshot](t)(other.Snapshot(t.Context(), "evening")).Cursor
	raise := func() {
		e := must[store.Event](t)(other.Event(t.Context(), "evening"))
		e.Prices = map[string]int64{"a": e.Prices["a"] + 100}
		must[store.Event](t)(other.UpdateEvent(t.Context(), e))
	}
	key := store.Key{Kind: store.Session, ID: "booking"}
	var prices []int64
	decision, at, err := one.Decide(t.Context(), store.Question{Event: "evening", Definition: true, Seats: []string{"s0"}, Records: []store.Key{key}}, func(v store.View) store.Decision {
		if prices = append(prices, v.Event.Prices["a"]); len(prices) == 1 {
			raise()
		}
		return store.Accept(v, store.Outcome{}, store.Writes{
			Records: []store.Record{{Key: key, Body: json.RawMessage(`{}`)}},
			Changes: []store.Change{store.NewChange("evening", v.Seats[0], store.Seat{Status: store.Withheld}, store.ReasonWithheld)},
		})
	})
	if err != nil || decision.Refusal() != nil || !slices.Equal(prices, []int64{100, 200}) {
		t.Errorf("decided by the prices %v, %v, want 100 and then 200", prices, err)
	}
	events := 0
	for batch, err := range other.Changes(t.Context(), from) {
		if err != nil {
			t.Fatal(err)
		}
		if events += len(batch.Events); batch.Cursor.Covers(at) {
			break
		}
	}
	if events != 1 {
		t.Errorf("the feed tells %d times of an event that was changed once", events)
	}
	documents := m.Database(uri).Collection("events")
	if is := document(t, documents, "evening"); !strings.Contains(is, `"touched"`) {
		t.Errorf("nothing makes sure that it stays as it is: %s", is)
	}
	if raise(); strings.Contains(document(t, documents, "evening"), `"touched"`) {
		t.Error("the mark stays")
	}
}

// Terms are there whoever asks for the whole event, and take no field where all
// are the default.
func TestTerms(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	e := openEngine(t, uri, mongostore.Options{})
	s := store.New(e)
	d := hall(2)
	must[any](t)(nil, s.CreateEvent(t.Context(), d))
	for i, terms := range []store.Terms{{}, {CancelUntil: store.Never}, {PayWithin: time.Hour, PayUntil: store.AtStart}, {}} {
		event := must[store.Event](t)(s.Event(t.Context(), "evening"))
		event.Terms = terms
		event = must[store.Event](t)(s.UpdateEvent(t.Context(), event))
		if event.Revision != int64(i+1) {
			t.Errorf("terms %d: got revision %d", i, event.Revision)
		}
		var seen store.Event
		_, _, err := e.Decide(t.Context(), store.Question{Event: "evening", Definition: true}, func(v store.View) store.Decision {
			seen = v.Event
			return store.Accept(v, store.Outcome{}, store.Writes{})
		})
		again := must[store.Event](t)(s.Event(t.Context(), "evening"))
		all := must[[]store.Event](t)(s.Events(t.Context()))
		if err != nil || seen.Terms != terms || again.Terms != terms || all[0].Terms != terms || event.Terms != terms {
			t.Errorf("terms %d are %+v, %+v, %+v and %+v, %v, want %+v", i, seen.Terms, again.Terms, all[0].Terms, event.Terms, err, terms)
		}
		if is := document(t, m.Database(uri).Collection("events"), "evening"); strings.Contains(is, `"terms"`) != (terms != store.Terms{}) {
			t.Errorf("terms %d: the document is %s", i, is)
		}
	}
}

// Tariffs are there whoever asks for the whole event, in their order, and take no
// field where there are none. Fields of a newer program stay in those that stay.
func TestTariffs(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	e := openEngine(t, uri, mongostore.Options{})
	s, documents := store.New(e), m.Database(uri).Collection("events")
	must[any](t)(nil, s.CreateEvent(t.Context(), hall(2)))
	full, own := store.Tariff{ID: "full", Name: "Full"}, store.Tariff{ID: "own", Name: "Own", Prices: map[string]int64{"a.b": 0, "$c": 5}, Most: 2, Beside: true}
	for i, tariffs := range [][]store.Tariff{{full, own}, {own, {ID: "half", Name: "Half", Off: 50}, full}, nil} {
		event := must[store.Event](t)(s.Event(t.Context(), "evening"))
		event.Prices, event.Tariffs = map[string]int64{"a.b": 10, "$c": 20}, tariffs
		event = must[store.Event](t)(s.UpdateEvent(t.Context(), event))
		var seen store.Event
		_, _, err := e.Decide(t.Context(), store.Question{Event: "evening", Definition: true}, func(v store.View) store.Decision {
			seen = v.Event
			return store.Accept(v, store.Outcome{}, store.Writes{})
		})
		all := must[[]store.Event](t)(s.Events(t.Context()))
		if err != nil || !reflect.DeepEqual(seen.Tariffs, tariffs) || !reflect.DeepEqual(all[0].Tariffs, tariffs) || !reflect.DeepEqual(event.Tariffs, tariffs) {
			t.Errorf("tariffs %d are %+v, %+v and %+v, %v, want %+v", i, seen.Tariffs, all[0].Tariffs, event.Tariffs, err, tariffs)
		}
		is := document(t, documents, "evening")
		if strings.Contains(is, `"tariffs"`) != (tariffs != nil) || strings.Count(is, `"later"`) != 2*min(i, 1)*len(tariffs)/3 {
			t.Errorf("tariffs %d: the document is %s", i, is)
		}
		if i == 0 { // of the second, and of its first price
			hand(t, documents, "evening", bson.D{{Key: "$set", Value: bson.D{{Key: "tariffs.1.later", Value: 1}, {Key: "tariffs.1.prices.0.later", Value: 1}}}})
		}
	}
}

// Who holds a seat, and what a session is called, is in no error.
func TestErrorsNameNobody(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	s, db := open(t, uri), m.Database(uri)
	must[any](t)(nil, s.CreateEvent(t.Context(), hall(4)))
	lock(t, s, "secret-holder", "s0")
	must[any](t)(nil, keepRecord(t, s, "secret-hash"))
	hand(t, db.Collection("seats"), "evening/@secret-holder", bson.D{{Key: "$set", Value: bson.D{{Key: "deadline", Value: "soon"}}}})
	hand(t, db.Collection("seats"), "evening/s1", bson.D{{Key: "$set", Value: bson.D{{Key: "version", Value: "two"}}}})
	hand(t, db.Collection("records"), "session/secret-hash", bson.D{{Key: "$set", Value: bson.D{{Key: "by", Value: 7}}}})
	_, ofClock := s.LockOf(t.Context(), "evening", "secret-holder")
	_, ofSeat := s.Snapshot(t.Context(), "evening")
	_, ofRecord := s.Record(t.Context(), store.Key{Kind: store.Session, ID: "secret-hash"})
	for want, err := range map[string]error{
		"a clock of evening has a malformed deadline":      ofClock,
		"seat evening/s1 has a malformed version":          ofSeat,
		"a record of kind session has a malformed by":      ofRecord,
		"change record of kind session: store unavailable": keepRecord(t, s, "secret-hash"),
	} {
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
