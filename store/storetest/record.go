package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/seatlock/seatlock/store"
)

// The suite's own kind of record, and its indexes.
const (
	parcel  = "parcel"
	byOwner = "owner"
	byDay   = "day"
)

func recordCases() []testCase {
	return []testCase{
		{"find what was put", recordFind},
		{"overwrite", recordOverwrite},
		{"delete", recordDelete},
		{"a record past its expiry is not found", recordExpired},
		{"any printable ids", recordIDs},
		{"a second instance sees it", recordSecond},
		{"the body is kept byte for byte", recordBytes},
		{"the version grows by one", recordVersion},
		{"malformed is invalid", recordInvalid},
		{"unknown kinds and indexes are invalid", recordUnknown},
		{"the error of a change changes nothing", recordRefused},
		{"the feed does not tell of it", recordSilent},
		{"each change sees what those before it wrote", recordIncrements},
		{"a change over an older version is made anew", recordOvertaken},
		{"a record made anew is another", recordReplaced},
		{"one of 32 creates and the others see it", recordCreateRace},
		{"a collision does no harm to others", recordCollision},
		{"an expired record is made anew by one", recordAnew},
		{"by id", scanIDs},
		{"by an index, equal values by id", scanIndex},
		{"by bytes", scanBytes},
		{"in pages", scanPages},
		{"between bounds", scanBounds},
		{"only records with a value", scanValues},
		{"expired records are passed over", scanExpired},
		{"of 1 to 1,000 records", scanLimit},
	}
}

// errThere is what a change returns that wants no record to be there.
var errThere = errors.New("the record is there")

func parcelKey(id string) store.Key { return store.Key{Kind: parcel, ID: id} }

func parcelOf(id, body string) store.Record {
	return store.Record{Key: parcelKey(id), Body: json.RawMessage(body)}
}

// owned is a parcel that stands in an index.
func owned(id, owner string) store.Record {
	r := parcelOf(id, `{}`)
	r.Index = map[string]string{byOwner: owner}
	return r
}

func putRecord(ctx context.Context, s *store.Store, r store.Record) error {
	return s.ChangeRecord(ctx, r.Key, func(store.Record) (store.Record, bool, error) { return r, false, nil })
}

// makeRecord puts a record where there is none, or returns errThere.
func makeRecord(ctx context.Context, s *store.Store, r store.Record) error {
	return s.ChangeRecord(ctx, r.Key, func(old store.Record) (store.Record, bool, error) {
		if old.Version > 0 {
			return old, false, errThere
		}
		return r, false, nil
	})
}

func dropRecord(ctx context.Context, s *store.Store, key store.Key) error {
	return s.ChangeRecord(ctx, key, func(old store.Record) (store.Record, bool, error) { return old, true, nil })
}

func (w *world) put(s *store.Store, r store.Record) {
	w.Helper()
	w.must(putRecord(w.Context(), s, r))
}

// expiring puts a record and returns when it will be no more.
func (w *world) expiring(r store.Record, lasts time.Duration) time.Time {
	w.Helper()
	r.Expires = w.now().Add(lasts).Truncate(time.Millisecond)
	w.put(w.s, r)
	return r.Expires
}

func (w *world) record(s *store.Store, id string) store.Record {
	w.Helper()
	r, err := s.Record(w.Context(), parcelKey(id))
	w.must(err)
	if r.Key != parcelKey(id) {
		w.Fatalf("got the record %+v, want %s", r.Key, id)
	}
	return r
}

// wantBody fails unless the parcel is there with this body; "" is no parcel.
func (w *world) wantBody(s *store.Store, id, want string) {
	w.Helper()
	if r := w.record(s, id); string(r.Body) != want || (r.Version > 0) != (want != "") {
		w.Fatalf("parcel %q has version %d and body\n\t%q\nwant\n\t%q", id, r.Version, r.Body, want)
	}
}

func recordFind(w *world) {
	w.wantBody(w.s, "nobody", "")
	r := owned("a", "anna")
	r.Body, r.Expires = json.RawMessage(`{"for":"anna"}`), w.now().Add(time.Hour).Truncate(time.Millisecond)
	w.put(w.s, r)
	w.put(w.s, parcelOf("b", `{"for":"bert"}`))
	got := w.record(w.s, "a")
	if string(got.Body) != string(r.Body) || !got.Expires.Equal(r.Expires) || !maps.Equal(got.Index, r.Index) || got.Version != 1 {
		w.Fatalf("got\n\t%+v\nwant\n\t%+v", got, r)
	}
	w.wantBody(w.s, "b", `{"for":"bert"}`)
	if b := w.record(w.s, "b"); !b.Expires.IsZero() || len(b.Index) > 0 {
		w.Fatalf("got %+v, want no end and no value", b)
	}
	w.wantBody(w.s, "A", "")
	other, err := w.s.Record(w.Context(), store.Key{Kind: store.Session, ID: "a"})
	w.must(err)
	if other.Version != 0 {
		w.Fatalf("a record of another kind has the same id: %+v", other)
	}
}

func recordOverwrite(w *world) {
	w.put(w.s, parcelOf("a", `{"for":"anna"}`))
	w.put(w.s, parcelOf("a", `{"for":"bert"}`))
	w.wantBody(w.s, "a", `{"for":"bert"}`)
	expires := w.expiring(parcelOf("a", `{"for":"carl"}`), 5*time.Millisecond) // the new end counts
	w.pass(expires)
	w.wantBody(w.s, "a", "")
	w.put(w.s, parcelOf("a", `{"for":"dora"}`))
	w.wantBody(w.s, "a", `{"for":"dora"}`)
}

func recordDelete(w *world) {
	w.must(dropRecord(w.Context(), w.s, parcelKey("nobody")))
	w.put(w.s, parcelOf("a", `{"for":"anna"}`))
	w.put(w.s, parcelOf("b", `{"for":"bert"}`))
	w.must(dropRecord(w.Context(), w.s, parcelKey("a")))
	w.must(dropRecord(w.Context(), w.s, parcelKey("a")))
	w.wantBody(w.s, "a", "")
	w.wantBody(w.s, "b", `{"for":"bert"}`)
	w.must(makeRecord(w.Context(), w.s, parcelOf("a", `{"for":"carl"}`)))
	w.wantBody(w.s, "a", `{"for":"carl"}`)
}

func recordExpired(w *world) {
	expires := w.expiring(parcelOf("a", `{"for":"anna"}`), 20*time.Millisecond)
	w.expiring(parcelOf("b", `{"for":"bert"}`), time.Hour)
	w.expiring(parcelOf("gone", `{"for":"carl"}`), -time.Hour)
	w.wantBody(w.s, "gone", "")
	w.pass(expires)
	w.wantBody(w.s, "a", "")
	w.wantBody(w.s, "b", `{"for":"bert"}`)
}

func recordIDs(w *world) {
	ids := []string{"a.b", "$set", "$token.1/'\"日本", "ключ", "Ωμέγα", "'; DROP TABLE records; --", " ", "null", "_id", "🎻", "%", "a",
		"A", strings.Repeat("x", store.MaxRecordID), strings.Repeat("é", store.MaxRecordID/2)}
	for i, id := range ids {
		w.put(w.s, parcelOf(id, fmt.Sprintf(`{"n":%d}`, i)))
	}
	for i, id := range ids {
		w.wantBody(w.s, id, fmt.Sprintf(`{"n":%d}`, i))
		w.must(dropRecord(w.Context(), w.s, parcelKey(id)))
		w.wantBody(w.s, id, "")
	}
}

func recordSecond(w *world) {
	second := w.second()
	w.put(w.s, parcelOf("a", `{"for":"anna"}`))
	w.wantBody(second, "a", `{"for":"anna"}`)
	w.put(second, parcelOf("a", `{"for":"bert"}`))
	w.wantBody(w.s, "a", `{"for":"bert"}`)
	w.must(dropRecord(w.Context(), second, parcelKey("a")))
	w.wantBody(w.s, "a", "")
}

func recordBytes(w *world) {
	bodies := []string{
		`{}`, ` { "b" : 1.0 , "a" : 12345678901234567890 } `, "{\n\t\"e\":1e2,\r\n\"E\":1E+2, \"z\": -0}", `{"a":1,"a":2}`,
		`{"ключ":"日本 🎻","\u00e9":"\u0000\/"}`, `{"$set":{"a.b":{"":null}},"_id":7}`, `{"x":9007199254740993.000}`,
		`{"x":"` + strings.Repeat("x", store.MaxRecordBody-len(`{"x":""}`)) + `"}`,
	}
	for i, body := range bodies {
		w.put(w.s, parcelOf(fmt.Sprint(i), body))
	}
	page, err := w.s.Records(w.Context(), store.Scan{Kind: parcel, Limit: 100})
	w.must(err)
	for i, body := range bodies {
		w.wantBody(w.s, fmt.Sprint(i), body)
		if got := string(page[i].Body); got != body {
			w.Fatalf("listed with\n\t%q\nwant\n\t%q", got, body)
		}
		w.must(w.s.ChangeRecord(w.Context(), parcelKey(fmt.Sprint(i)), func(old store.Record) (store.Record, bool, error) {
			if string(old.Body) != body {
				w.Errorf("a change is given\n\t%q\nwant\n\t%q", old.Body, body)
			}
			return old, false, nil
		}))
	}
}

func recordVersion(w *world) {
	for want := range int64(4) {
		if got := w.record(w.s, "a").Version; got != want {
			w.Fatalf("version %d after %d writes", got, want)
		}
		w.put(w.s, parcelOf("a", `{}`))
	}
	w.must(w.s.ChangeRecord(w.Context(), parcelKey("a"), func(old store.Record) (store.Record, bool, error) {
		old.Version, old.Key = 77, parcelKey("b") // the store's business
		return old, false, nil
	}))
	if got := w.record(w.s, "a").Version; got != 5 {
		w.Fatalf("version %d after 5 writes", got)
	}
	w.wantBody(w.s, "b", "")
}

func recordInvalid(w *world) {
	w.put(w.s, parcelOf("a", `{"for":"anna"}`))
	for _, id := range []string{"", "a\nb", "a\x00", "\xff\xfe", "a\u202eb", "\u2028", strings.Repeat("x", store.MaxRecordID+1)} {
		w.wantErr(putRecord(w.Context(), w.s, parcelOf(id, `{}`)), store.ErrInvalid)
		w.wantErr(dropRecord(w.Context(), w.s, parcelKey(id)), store.ErrInvalid)
		_, err := w.s.Record(w.Context(), parcelKey(id))
		w.wantErr(err, store.ErrInvalid)
	}
	for _, body := range []string{"", "null", "[]", `"x"`, "1", "{", "{}{}", `{"a":}`, "{} x", `{"x":"` + strings.Repeat("x", store.MaxRecordBody) + `"}`} {
		if err := putRecord(w.Context(), w.s, parcelOf("a", body)); !errors.Is(err, store.ErrInvalid) {
			w.Errorf("body %.40q: got %v, want ErrInvalid", body, err)
		}
	}
	for _, value := range []string{"", "a\nb", "\xff", strings.Repeat("x", store.MaxRecordID+1)} {
		if err := putRecord(w.Context(), w.s, owned("a", value)); !errors.Is(err, store.ErrInvalid) {
			w.Errorf("value %.40q: got %v, want ErrInvalid", value, err)
		}
	}
	w.wantBody(w.s, "a", `{"for":"anna"}`)
}

func recordUnknown(w *world) {
	w.put(w.s, parcelOf("a", `{}`))
	for _, kind := range []string{"", "letter", "Parcel", "$where", "seats"} {
		key := store.Key{Kind: kind, ID: "a"}
		_, err := w.s.Record(w.Context(), key)
		w.wantErr(err, store.ErrInvalid)
		w.wantErr(putRecord(w.Context(), w.s, store.Record{Key: key, Body: json.RawMessage(`{}`)}), store.ErrInvalid)
		_, err = w.s.Records(w.Context(), store.Scan{Kind: kind, Limit: 1})
		w.wantErr(err, store.ErrInvalid)
	}
	for kind, index := range map[string]string{parcel: "weight", store.Session: byOwner} {
		_, err := w.s.Records(w.Context(), store.Scan{Kind: kind, Index: index, Limit: 1})
		w.wantErr(err, store.ErrInvalid)
		r := store.Record{Key: store.Key{Kind: kind, ID: "b"}, Body: json.RawMessage(`{}`), Index: map[string]string{index: "x"}}
		w.wantErr(putRecord(w.Context(), w.s, r), store.ErrInvalid)
		got, err := w.s.Record(w.Context(), r.Key)
		w.must(err)
		if got.Version != 0 {
			w.Fatalf("a record with a value for %s was kept: %+v", index, got)
		}
	}
}

func recordRefused(w *world) {
	w.put(w.s, parcelOf("a", `{"for":"anna"}`))
	was := w.record(w.s, "a")
	for _, id := range []string{"a", "b"} {
		for _, deleted := range []bool{true, false} {
			w.wantErr(w.s.ChangeRecord(w.Context(), parcelKey(id), func(store.Record) (store.Record, bool, error) {
				return parcelOf(id, `{"for":"bert"}`), deleted, errThere
			}), errThere)
		}
	}
	if now := w.record(w.s, "a"); now.Version != was.Version || string(now.Body) != string(was.Body) {
		w.Fatalf("got %+v, want %+v", now, was)
	}
	w.wantBody(w.s, "b", "")
}

func recordSilent(w *world) {
	w.open(2)
	from := w.head()
	w.put(w.s, owned("a", "anna"))
	w.put(w.s, owned("a", "bert"))
	w.must(dropRecord(w.Context(), w.s, parcelKey("a")))
	batches := w.read(w.s, from, w.fence())
	if events, changes := eventsOf(batches), changesOf(batches); len(events)+len(changes) > 0 {
		w.Fatalf("told of %v and %v, want nothing", events, changes)
	}
}

// count is the body of a record that counts, and the next one of it.
func count(n int) string { return fmt.Sprintf(`{"n":%d}`, n) }

func counted(r store.Record) (n int) {
	var body struct{ N int }
	if r.Version > 0 && json.Unmarshal(r.Body, &body) != nil {
		return -1
	}
	return body.N
}

func addOne(old store.Record) (store.Record, bool, error) {
	return parcelOf(old.ID, count(counted(old)+1)), false, nil
}

func recordIncrements(w *world) {
	const callers = 8
	stores, each := w.both(), w.rounds(20)
	errs := make([]error, callers)
	race(callers, func(i int) {
		for range each {
			errs[i] = errors.Join(errs[i], stores[i%2].ChangeRecord(w.Context(), parcelKey("a"), addOne))
		}
	})
	w.must(errors.Join(errs...))
	if r := w.record(w.s, "a"); counted(r) != callers*each || r.Version != int64(callers*each) {
		w.Fatalf("counted to %d in version %d, want %d", counted(r), r.Version, callers*each)
	}
}

// recordOvertaken has another change begin while one is being decided.
func recordOvertaken(w *world) {
	second := w.second()
	for round := range w.rounds(5) {
		key := parcelKey(fmt.Sprint(round))
		meanwhile := newRival(func() error { return second.ChangeRecord(w.Context(), key, addOne) })
		w.must(w.s.ChangeRecord(w.Context(), key, func(old store.Record) (store.Record, bool, error) {
			meanwhile.start()
			return addOne(old)
		}))
		w.must(meanwhile.wait())
		w.wantBody(w.s, key.ID, count(2))
	}
}

// recordReplaced has the record be deleted and made anew, with as many writes,
// while it is being decided about: that must not pass for the one that was read.
func recordReplaced(w *world) {
	second := w.second()
	for round := range w.rounds(5) {
		key := parcelKey(fmt.Sprint(round))
		w.put(w.s, parcelOf(key.ID, count(10)))
		meanwhile := newRival(func() error {
			err := dropRecord(w.Context(), second, key)
			return errors.Join(err, putRecord(w.Context(), second, parcelOf(key.ID, count(20))))
		})
		w.must(w.s.ChangeRecord(w.Context(), key, func(old store.Record) (store.Record, bool, error) {
			meanwhile.start()
			return addOne(old)
		}))
		w.must(meanwhile.wait())
		if n := counted(w.record(w.s, key.ID)); n != 20 && n != 21 {
			w.Fatalf("counted to %d, want 20 or, over that, 21", n)
		}
	}
}

func recordCreateRace(w *world) {
	stores := w.both()
	for round := range w.rounds(10) {
		id := fmt.Sprint(round)
		errs := make([]error, 32)
		race(len(errs), func(i int) { errs[i] = makeRecord(w.Context(), stores[i%2], parcelOf(id, count(i))) })
		w.wantBody(w.s, id, count(w.oneWinner(errs, errThere)))
	}
}

// recordCollision has 32 callers create one record, and beside each of them one
// a record of its own: those are not to notice.
func recordCollision(w *world) {
	stores := w.both()
	for round := range w.rounds(3) {
		same, others := make([]error, 32), make([]error, 32)
		race(64, func(i int) {
			if i%2 == 0 {
				same[i/2] = makeRecord(w.Context(), stores[i/2%2], parcelOf(fmt.Sprintf("%d same", round), count(i/2)))
				return
			}
			others[i/2] = makeRecord(w.Context(), stores[i/2%2], parcelOf(fmt.Sprintf("%d own %d", round, i/2), count(i/2)))
		})
		w.must(errors.Join(others...))
		w.wantBody(w.s, fmt.Sprintf("%d same", round), count(w.oneWinner(same, errThere)))
		for i := range others {
			w.wantBody(w.s, fmt.Sprintf("%d own %d", round, i), count(i))
		}
	}
}

func recordAnew(w *world) {
	stores := w.both()
	for round := range w.rounds(5) {
		r := owned(fmt.Sprint(round), "anna")
		w.pass(w.expiring(r, time.Millisecond))
		errs := make([]error, 8)
		race(len(errs), func(i int) {
			next := owned(r.ID, "bert")
			next.Body = json.RawMessage(count(i))
			errs[i] = makeRecord(w.Context(), stores[i%2], next)
		})
		w.wantBody(w.s, r.ID, count(w.oneWinner(errs, errThere)))
	}
	w.wantScan(store.Scan{Kind: parcel, Index: byOwner, To: "b", Limit: 10})
}
