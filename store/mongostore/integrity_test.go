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

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/mongostore"
	"github.com/seatlock/seatlock/store/storetest"
)

// Each thing that is wrong is told, by what it is about, and nothing else is;
// to check changes nothing.
func TestCheck(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	s := open(t, uri)
	if _, err := mongostore.Check(t.Context(), m.NewDatabase(t)); err == nil || !strings.Contains(err.Error(), "no Seatlock database") {
		t.Errorf("a database that is not there: %v", err)
	}
	if err := s.CreateEvent(t.Context(), hall(11)); err != nil {
		t.Fatal(err)
	}
	lock(t, s, "anna", "s0")
	lock(t, s, "bert", "s1")
	if _, err := s.Extend(t.Context(), store.ExtendRequest{Event: "evening", Holder: "bert", Rules: store.DefaultRules()}); err != nil {
		t.Fatal(err)
	}
	if err := keepRecord(t, s, "one"); err != nil {
		t.Fatal(err)
	}
	storetest.MakeBookings(t, s, "evening", hall(11).Seats[4:])
	entry := must[[]store.Entry](t)(s.Trail(t.Context(), store.TrailScan{Event: "evening", Seat: "s0", Limit: 1}))[0].Place
	db := m.Database(uri)
	body := func(id string, change func(map[string]any)) bson.D {
		raw := must[bson.Raw](t)(db.Collection("records").FindOne(t.Context(), bson.D{{Key: "_id", Value: id}}).Raw())
		var values map[string]any
		must[any](t)(nil, json.Unmarshal([]byte(raw.Lookup("body").StringValue()), &values))
		change(values)
		return bson.D{{Key: "$set", Value: bson.D{{Key: "body", Value: string(must[[]byte](t)(json.Marshal(values)))}}}}
	}
	bodySet := func(id, field string, value any) bson.D {
		return body(id, func(values map[string]any) { values[field] = value })
	}
	line := func(id string, i int, field string, value any) bson.D {
		return body(id, func(values map[string]any) { values["lines"].([]any)[i].(map[string]any)[field] = value })
	}
	away := bson.D{{Key: "$set", Value: bson.D{{Key: "version", Value: 0}}}} // as a mark of what is not there
	set := func(field string, value any) bson.D {
		return bson.D{{Key: "$set", Value: bson.D{{Key: field, Value: value}}}}
	}
	before := dump(t, db)
	found := must[[]store.Finding](t)(mongostore.Check(t.Context(), uri))
	if len(found) > 0 {
		t.Fatalf("a sound database has %q", found)
	}
	if now := dump(t, db); !reflect.DeepEqual(now, before) {
		t.Errorf("to check the database changed it")
	}
	for _, wrong := range []struct {
		collection, id string
		change         bson.D
		want           string
	}{
		{"seats", "evening/s2", set("lockedBy", "carl"), "seat s2 of evening: available, and somebody"},
		{"seats", "evening/s2", set("version", int64(-1)), "seat s2 of evening: version -1"},
		{"seats", "evening/s2", set("place", int64(0)), "event evening: several seats have one rank"},
		{"seats", "evening/s2", set("seat", "s9"), "seat s9 of evening: its _id is another's"},
		{"seats", "evening/s2", set("status", 7), "seat evening/s2 has a malformed status"},
		{"seats", "evening/s0", set("lockedUntil", time.Now().Add(9*time.Hour)), "seat s0 of evening: locked, and its lock lasts longer"},
		{"seats", "evening/@anna", set("holder", "dora"), "a clock of evening: its _id is another's"},
		{"seats", "evening/@anna", set("deadline", time.Unix(0, 0)), "a clock of evening: it ends before it starts"},
		{"seats", "evening/s3", set("event", "gone"), "there are seats or clocks of gone"},
		{"events", "evening", set("plan", "another"), "event evening: its plan another is missing"},
		{"events", "evening", set("prices", 7), "event evening: it cannot be read"},
		{"events", "evening", set("tariffs", bson.A{bson.D{{Key: "id", Value: "half"}, {Key: "name", Value: "Half"}, {Key: "off", Value: 101}}}), `tariff "half": 101 percent off`},
		{"trail", entry, set("at", time.Unix(1, 0)), "an entry of an earlier time"},
		{"trail", entry, set("at", time.Now().Add(48*time.Hour)), "an entry without a time that can be"},
		{"trail", entry, set("seat", ""), "an entry about no seat"},
		{"trail", entry, set("version", "two"), "an entry of the trail"},
		{"plans", store.PlanHash(hall(11).PlanBody) + "/0", set("body", []byte("changed")), "event evening: its plan is not"},
		{"records", "session/one", set("body", "{"), "a record of kind session is not"},
		{"meta", "secret", set("secret", []byte("short")), "the secret is not"},
		{"meta", "epoch", set("since", 7), "the epoch is not"},
		{"records", "booking/BKED222222", away, "seat s8 of evening: booked, and the event has no booking BKED222222"},
		{"seats", "evening/s4", set("lockedBy", "bert"), "booking PAYNG22222 is another holder's"},
		{"records", "booking/PAYNG22222", bodySet("booking/PAYNG22222", "state", "lapsed"), "booking PAYNG22222 is lapsed"},
		{"seats", "evening/s6", set("booking", "PAYNG22222"), "booking RESERVED22 of evening: reserved, and seat s6 is not its own"},
		{"records", "booking/BKED222222", line("booking/BKED222222", 0, "cancelled", true), "booking BKED222222 has no such seat"},
		{"records", "attempt/PAYNG22222-1", away, "booking PAYNG22222 of evening: paying, and its attempt is missing"},
		{"records", "attempt/PAYNG22222-1", bodySet("attempt/PAYNG22222-1", "state", "dead"), "its attempt is dead"},
		{"records", "attempt/BKED222222-1", bodySet("attempt/BKED222222-1", "amount", 1), "its attempt has captured 1"},
		{"records", "refund/BKED222222-r1", away, "its refund BKED222222-r1 is missing"},
		{"records", "refund/BKED222222-r1", bodySet("refund/BKED222222-r1", "state", "wanted"), "its refunds have paid 0 back"},
		{"records", "booking/BKED222222", bodySet("booking/BKED222222", "refunded", 3001), "3001 was refunded of 3000"},
		{"records", "booking/RESERVED22", set("body", `{"lines":7}`), "booking RESERVED22: it cannot be read"},
		{"records", "booking/RESERVED22", set("by.due", "9999"), "booking RESERVED22: it is listed by other values"},
		{"records", "booking/RESERVED22", set("by.event", "gone"), "booking RESERVED22: it is listed by other values"},
		{"seats", "evening/@holder-RESERVED22", set("unpaid", 1), "a clock of evening: 1 seats are unpaid, and reserved are 2"},
		{"seats", "evening/@holder-RESERVED22", set("over", time.Now()), "a clock of evening: it will be removed, and seats of its holder are unpaid"},
		{"seats", "evening/@holder-RESERVED22", set("event", "gone"), "a clock of evening is missing: reserved are 2 seats"},
		{"records", "booking/RESERVED22", away, "a clock of evening: 2 seats are unpaid, and reserved are 0"},
		{"records", "attempt/BKED222222-1", bodySet("attempt/BKED222222-1", "state", "dead"), "booking BKED222222 of evening: booked, and its attempt is dead"},
		{"records", "booking/BKED222222", bodySet("booking/BKED222222", "captured", 0), "booking BKED222222 of evening: booked, and its attempt has captured 3000, and it tells of 0"},
		{"records", "booking/RESERVED22", bodySet("booking/RESERVED22", "state", "booked"), "booking RESERVED22 of evening: booked, and it keeps 0 of 0, and should keep 2000"},
		{"records", "booking/PAYNG22222", bodySet("booking/PAYNG22222", "captured", 2000), "booking PAYNG22222 of evening: paying, and it keeps 2000 of 2000, and should keep 0"},
		{"records", "booking/PAYNG22222", bodySet("booking/PAYNG22222", "state", "lost"), "booking PAYNG22222 of evening: lost, and its attempt is recorded"},
		{"records", "booking/BKED222222", bodySet("booking/BKED222222", "state", "lost"), "booking BKED222222 of evening: lost, and it keeps 2000 of 3000, and should keep 0"},
		{"records", "booking/BKED222222", line("booking/BKED222222", 0, "price", 1), "booking BKED222222 of evening: booked, and its attempt is of 3000, and its seats cost 2001"},
		{"records", "booking/RESERVED22", body("booking/RESERVED22", func(values map[string]any) {
			for _, l := range values["lines"].([]any) {
				l.(map[string]any)["price"] = 0
			}
		}), "booking RESERVED22 of evening: reserved, and it owes nothing"},
		{"records", "booking/BKED222222", line("booking/BKED222222", 2, "no_refund", true), "booking BKED222222 of evening: booked, and seat s10 is paid back, and was not to be"},
		{"records", "booking/BKED222222", bodySet("booking/BKED222222", "refunds", []string{}), "booking BKED222222 of evening: booked, and its refunds have paid 0 back"},
		{"records", "refund/BKED222222-r1", bodySet("refund/BKED222222-r1", "seats", []string{"s8"}), "booking BKED222222 of evening: booked, and seat s8 is paid back, and was not to be"},
		{"records", "refund/BKED222222-r1", bodySet("refund/BKED222222-r1", "seats", []string{"s10", "s10"}), "booking BKED222222 of evening: booked, and seat s10 is paid back twice"},
		{"records", "refund/BKED222222-r1", bodySet("refund/BKED222222-r1", "seats", []string{"s6"}), "its refund BKED222222-r1 is of another's seat"},
		{"records", "refund/BKED222222-r1", bodySet("refund/BKED222222-r1", "amount", 999), "its refund BKED222222-r1 is of 999, and the seats cost 1000"},
		{"records", "attempt/PAYNG22222-1", bodySet("attempt/PAYNG22222-1", "leased", "2099-01-01T00:00:00Z"), "attempt PAYNG22222-1: somebody is at work on it for more than a day"},
		{"records", "attempt/PAYNG22222-1", bson.D{{Key: "$set", Value: bson.D{
			bodySet("attempt/PAYNG22222-1", "due", "2099-01-01T00:00:00Z")[0].Value.(bson.D)[0],
			{Key: "by.due", Value: "2099-01-01T00:00:00.000Z"},
		}}}, "attempt PAYNG22222-1: it is looked at in more than a day"},
	} {
		c := db.Collection(wrong.collection)
		was := must[bson.Raw](t)(c.FindOne(t.Context(), bson.D{{Key: "_id", Value: wrong.id}}).Raw())
		hand(t, c, wrong.id, wrong.change)
		found := must[[]store.Finding](t)(mongostore.Check(t.Context(), uri))
		if !slices.ContainsFunc(found, func(f store.Finding) bool { return strings.Contains(string(f), wrong.want) }) {
			t.Errorf("%v of %s: found %q, want %q", wrong.change, wrong.id, found, wrong.want)
		}
		for _, f := range found {
			for _, secret := range []string{"anna", "bert", "carl", "dora", "holder-"} {
				if strings.Contains(string(f), secret) {
					t.Errorf("%q names a holder", f)
				}
			}
		}
		if _, err := c.ReplaceOne(t.Context(), bson.D{{Key: "_id", Value: wrong.id}}, was); err != nil {
			t.Fatal(err)
		}
	}
	if found := must[[]store.Finding](t)(mongostore.Check(t.Context(), uri)); len(found) > 0 {
		t.Errorf("all is mended, and it finds %q", found)
	}
}

// A command begins another history, for those who run and those who come.
func TestNewEpoch(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	if err := mongostore.NewEpoch(t.Context(), uri); err == nil || !strings.Contains(err.Error(), "no Seatlock database") {
		t.Errorf("a database that is not there: %v", err)
	}
	s := open(t, uri)
	a := age(t, uri, s, m.Database(uri))
	a.want = seatsOf(t, s)
	a.was = nil
	lostBecause(t, s, func() {
		if err := mongostore.NewEpoch(t.Context(), uri); err != nil {
			t.Fatal(err)
		}
	})
	eventually(t, "the server goes over to it", func() bool {
		head, err := s.Recent(t.Context(), 0)
		return err == nil && head.Epoch != a.late.Epoch
	})
	if _, err := s.Unlock(t.Context(), store.UnlockRequest{Event: "evening", Holder: "bert"}); err != nil {
		t.Fatal(err)
	}
	a.want = seatsOf(t, s)
	a.check(t, s)
	if _, err := s.Unlock(t.Context(), store.UnlockRequest{Event: "evening", Holder: "carl"}); err != nil {
		t.Fatal(err)
	}
	a.want = seatsOf(t, s)
	a.check(t, open(t, uri))
}

// A database of formats 3 to 5 is served as it is, and of the current format
// then, with the collections and indexes of today. A command alone leaves it, and
// writes a trail.
func TestOlderFormatIsServed(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	s := open(t, uri)
	if err := s.CreateEvent(t.Context(), hall(4)); err != nil {
		t.Fatal(err)
	}
	db := m.Database(uri)
	records, all := db.Collection("records").Indexes(), indexes(t, db)
	for i, format := range []int{3, 4, 5} {
		older := bson.D{{Key: "$set", Value: bson.D{{Key: "format", Value: format}, {Key: "reader", Value: 3}}}}
		makeOlder := func() {
			hand(t, db.Collection("meta"), "format", older)
			must[any](t)(nil, errors.Join(
				records.DropOne(t.Context(), "by_event"), records.DropOne(t.Context(), "by_due"), records.DropOne(t.Context(), "by_email"), db.Collection("trail").Drop(t.Context())))
		}
		wantCurrent := func() {
			t.Helper()
			is := document(t, db.Collection("meta"), "format")
			if !formatIs(t, db, store.CurrentFormat) || !strings.Contains(is, `"reader": {"$numberInt":"3"}`) {
				t.Errorf("its format is %s", is)
			}
			if got := indexes(t, db); !slices.Equal(got, all) {
				t.Errorf("the indexes are\n\t%q\nwant\n\t%q", got, all)
			}
		}
		makeOlder()
		command, err := mongostore.Open(t.Context(), uri, mongostore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		of := store.New(command)
		seat := hall(4).Seats[i]
		lock(t, of, "anna", seat)
		trail := must[[]store.Entry](t)(of.Trail(t.Context(), store.TrailScan{Event: "evening", Seat: seat, Limit: 9}))
		if err := of.Close(); err != nil || !formatIs(t, db, format) || len(trail) != 1 {
			t.Errorf("a command made another format of it, or %v; the trail is %+v", err, trail)
		}
		lock(t, open(t, uri), "anna", hall(4).Seats[3])
		wantCurrent()
		makeOlder()
		done, err := upgrade(t.Context(), uri, func(line string) { t.Errorf("said %q", line) })
		if err != nil || done != (mongostore.Upgraded{From: format, To: store.CurrentFormat}) {
			t.Errorf("upgraded %+v, %v", done, err)
		}
		wantCurrent()
	}
}

// Whoever asks hears within seconds that the seats are others, although nobody
// reads the feed.
func TestPingSeesAnotherDatabase(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	s := open(t, uri)
	if err := s.CreateEvent(t.Context(), hall(1)); err != nil {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	old := must[store.Cursor](t)(s.Recent(t.Context(), 0))
	if err := m.Database(uri).Collection("seats").Drop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Database(uri).CreateCollection(t.Context(), "seats"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	eventually(t, "another epoch begins", func() bool {
		_ = s.Ping(t.Context()) // for a moment it says that the database is another
		head, err := s.Recent(t.Context(), 0)
		return err == nil && head.Epoch != old.Epoch
	})
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

// A mark that a program of format 3 has kept of an earlier lock, which it does
// not know, is none of the lock of now.
func TestExtensionOfAnEarlierLock(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	s := open(t, uri)
	if err := s.CreateEvent(t.Context(), hall(1)); err != nil {
		t.Fatal(err)
	}
	lock(t, s, "anna", "s0")
	out, err := s.Extend(t.Context(), store.ExtendRequest{Event: "evening", Holder: "anna", Rules: store.DefaultRules()})
	if err != nil || !out.Seats[0].Extended || !seatsOf(t, s)[0].Extended {
		t.Fatalf("got %+v, %v", out, err)
	}
	hand(t, m.Database(uri).Collection("seats"), "evening/s0", bson.D{{Key: "$set", Value: bson.D{
		{Key: "lockedUntil", Value: out.Lock.Deadline.Add(time.Second)}}}})
	if now := seatsOf(t, s)[0]; now.Extended {
		t.Errorf("got %+v, want a lock that was not extended", now)
	}
}
