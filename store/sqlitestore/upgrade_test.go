package sqlitestore_test

import (
	"path/filepath"
	"testing"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

// TestUpgrade opens a file of the first format, whose clocks remembered no
// requests: what was locked stays so, and from now on they do.
func TestUpgrade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	s := open(t, path, sqlitestore.Options{Serve: true})
	create(t, s, "hall", 4)
	ask := func(s store.Store, request string, seats ...string) store.Outcome {
		t.Helper()
		out, err := s.Lock(t.Context(), store.LockRequest{
			Event: "hall", Holder: "anna", Seats: seats, Rules: store.DefaultRules(), Request: request})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	first := ask(s, "", "s1")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	rewrite(t, path, "ALTER TABLE locks DROP COLUMN grants", "PRAGMA user_version = 1")
	for range 2 { // the second finds it upgraded
		s = open(t, path, sqlitestore.Options{Serve: true})
		ask(s, "r", "s2")
		out := ask(s, "r", "s3")
		if len(out.Lock.Seats) != 2 || out.Seats[0].ID != "s2" || !out.Lock.Deadline.Equal(first.Lock.Deadline) {
			t.Errorf("got %+v, want s1 and s2 by the old clock", out)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
