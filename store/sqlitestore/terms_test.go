//go:build unix

package sqlitestore_test

import (
	"path/filepath"
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
