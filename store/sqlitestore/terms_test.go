//go:build unix

package sqlitestore_test

import (
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

// TestTerms has terms there whoever asks for the whole event, and NULL where all
// are the default.
func TestTerms(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	e := openEngine(t, path, sqlitestore.Options{Serve: true})
	s := store.New(e)
	create(t, s, "hall", 2)
	for i, terms := range []store.Terms{{}, {CancelUntil: store.Never}, {PayWithin: time.Hour, PayUntil: store.AtStart}, {}} {
		event, err := s.Event(t.Context(), "hall")
		if err != nil {
			t.Fatal(err)
		}
		event.Terms = terms
		if event, err = s.UpdateEvent(t.Context(), event); err != nil || event.Revision != int64(i+1) {
			t.Errorf("terms %d: got revision %d, %v", i, event.Revision, err)
		}
		var seen store.Event
		if _, _, err := e.Decide(t.Context(), store.Question{Event: "hall", Definition: true}, func(v store.View) store.Decision {
			seen = v.Event
			return store.Accept(v, store.Outcome{}, store.Writes{})
		}); err != nil {
			t.Fatal(err)
		}
		again, _ := s.Event(t.Context(), "hall")
		all, err := s.Events(t.Context())
		if err != nil || seen.Terms != terms || again.Terms != terms || all[0].Terms != terms || event.Terms != terms {
			t.Errorf("terms %d are %+v, %+v, %+v and %+v, %v, want %+v", i, seen.Terms, again.Terms, all[0].Terms, event.Terms, err, terms)
		}
		if null := column(t, path, "SELECT terms IS NULL FROM events"); (null == "1") != (terms == store.Terms{}) {
			t.Errorf("terms %d: NULL is %s", i, null)
		}
	}
}

// TestTariffs has tariffs there whoever asks for the whole event, in their order,
// and NULL where there are none.
func TestTariffs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	e := openEngine(t, path, sqlitestore.Options{Serve: true})
	s := store.New(e)
	create(t, s, "hall", 2)
	full, own := store.Tariff{ID: "full", Name: "Full"}, store.Tariff{ID: "own", Name: "Own", Prices: map[string]int64{"a.b": 0, "$c": 5}, Most: 2, Beside: true}
	for i, tariffs := range [][]store.Tariff{{full, own}, {own, {ID: "half", Name: "Half", Off: 50}, full}, nil} {
		event, err := s.Event(t.Context(), "hall")
		if err != nil {
			t.Fatal(err)
		}
		event.Prices, event.Tariffs = map[string]int64{"a.b": 10, "$c": 20}, tariffs
		if event, err = s.UpdateEvent(t.Context(), event); err != nil {
			t.Fatal(err)
		}
		var seen store.Event
		if _, _, err := e.Decide(t.Context(), store.Question{Event: "hall", Definition: true}, func(v store.View) store.Decision {
			seen = v.Event
			return store.Accept(v, store.Outcome{}, store.Writes{})
		}); err != nil {
			t.Fatal(err)
		}
		all, err := s.Events(t.Context())
		if err != nil || !reflect.DeepEqual(seen.Tariffs, tariffs) || !reflect.DeepEqual(all[0].Tariffs, tariffs) || !reflect.DeepEqual(event.Tariffs, tariffs) {
			t.Errorf("tariffs %d are %+v, %+v and %+v, %v, want %+v", i, seen.Tariffs, all[0].Tariffs, event.Tariffs, err, tariffs)
		}
		if null := column(t, path, "SELECT tariffs IS NULL FROM events"); (null == "1") != (tariffs == nil) {
			t.Errorf("tariffs %d: NULL is %s", i, null)
		}
	}
}
