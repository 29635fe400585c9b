//go:build unix

package sqlitestore_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/sqlitestore"
	"github.com/seatlock/seatlock/store/storetest"
)

// TestCheck plants each kind of damage in a store that was in use: it is found,
// and without it there is nothing to find.
func TestCheck(t *testing.T) {
	for _, c := range []struct{ name, plant, want string }{
		{"sound", "SELECT 1", ""},
		{"plan changed", "UPDATE plans SET body = CAST('other' AS BLOB)", "the plan was changed"},
		{"plan missing", "DELETE FROM plans", "its plan"},
		{"event missing", "DELETE FROM events WHERE id = 'hall'", "no such event"},
		{"event without seats", "DELETE FROM seats WHERE event = 'other'", "it has no seats"},
		{"prices", "UPDATE events SET prices = '{' WHERE id = 'other'", "prices of other"},
		{"rank", "UPDATE seats SET place = 0 WHERE event = 'other'", "one rank"},
		{"holder of a free seat", "UPDATE seats SET locked_by = 'x' WHERE id = 's9' AND event = 'hall'", "somebody holds it"},
		{"no holder", "UPDATE seats SET locked_by = NULL WHERE id = 's0' AND event = 'hall'", "nobody holds it"},
		{"no times", "UPDATE seats SET lock_time = NULL WHERE id = 's0' AND event = 'hall'", "than the feed tells"},
		{"no clock", "DELETE FROM clocks", "no clock"},
		{"short clock", "UPDATE clocks SET deadline = started + 1", "longer than its holder's clock"},
		{"clock version", "UPDATE clocks SET version = 0", "version 0"},
		{"grants", "UPDATE clocks SET grants = '['", "grants of a clock"},
		{"seat version", "UPDATE seats SET version = version + 1 WHERE id = 's0' AND event = 'hall'", "the feed tells of 2"},
		{"seat version 0", "UPDATE seats SET version = 0 WHERE id = 's9' AND event = 'hall'", "version 0"},
		{"another status", "UPDATE seats SET status = 'booked', lock_time = NULL, locked_until = NULL WHERE id = 's0' AND event = 'hall'", "the feed tells of locked"},
		{"sold twice", "UPDATE seats SET locked_by = 'x' WHERE id = 's0' AND event = 'hall'", "another than the feed tells"},
		{"changed behind the feed", "UPDATE seats SET status = 'withheld', version = 2 WHERE id = 's9' AND event = 'hall'", "tells of no change"},
		{"gap in the feed", "DELETE FROM changes WHERE position = 4", "from position 3 to 5"},
		{"garbage in the feed", "UPDATE changes SET body = '[{' WHERE position = 4", "changes of hall"},
		{"gap in versions", `UPDATE changes SET body = replace(body, '"version":3', '"version":4') WHERE position = 5`, "from version 2 to 4"},
		{"record body", "UPDATE records SET body = '{'", "a record of kind"},
		{"record version", "UPDATE records SET version = 0", "a record of kind"},
		{"index misses a record", "DELETE FROM record_index", "missing in the index"},
		{"index has another", "INSERT INTO record_index VALUES ('note', 'by', 'x', 'y')", "records more than there are"},
		{"index values", "UPDATE records SET indexed = '{'", "index values of a record"},
		{"secret", "UPDATE meta SET value = 'aa' WHERE name = 'secret'", "secret"},
		{"epoch", "DELETE FROM meta WHERE name = 'epoch'", "no epoch"},
		{"run", "UPDATE runs SET ended = 1000", "runs do not end"},
		{"booking missing", "DELETE FROM records WHERE id = 'BKED222222'", "seat s4 of sold: booked, and the event has no booking BKED222222"},
		{"another's booking", "UPDATE seats SET locked_by = 'x' WHERE event = 'sold' AND id = 's0'", "booking PAYNG22222 is another holder's"},
		{"state of a booking", "UPDATE records SET body = json_set(body, '$.state', 'lapsed') WHERE id = 'PAYNG22222' AND kind = 'booking'", "booking PAYNG22222 is lapsed"},
		{"seat of a booking", "UPDATE seats SET status = 'available', locked_by = NULL, booking = NULL WHERE event = 'sold' AND id = 's2'", "booking RESERVED22 of sold: reserved, and seat s2 is not its own"},
		{"cancelled line", "UPDATE records SET body = json_set(body, '$.lines[0].cancelled', json('true')) WHERE id = 'BKED222222' AND kind = 'booking'", "booking BKED222222 has no such seat"},
		{"attempt missing", "DELETE FROM records WHERE id = 'PAYNG22222-1'", "booking PAYNG22222 of sold: paying, and its attempt is missing"},
		{"attempt final", "UPDATE records SET body = json_set(body, '$.state', 'dead') WHERE id = 'PAYNG22222-1'", "its attempt is dead"},
		{"attempt's sum", "UPDATE records SET body = json_set(body, '$.amount', 1) WHERE id = 'BKED222222-1'", "its attempt has captured 1"},
		{"refund missing", "DELETE FROM records WHERE kind = 'refund'", "its refund BKED222222-r1 is missing"},
		{"refund not done", "UPDATE records SET body = json_set(body, '$.state', 'wanted') WHERE kind = 'refund'", "its refunds have paid 0 back, and it tells of 1000"},
		{"refunded too much", "UPDATE records SET body = json_set(body, '$.refunded', 3001) WHERE id = 'BKED222222' AND kind = 'booking'", "3001 was refunded of 3000"},
		{"unpaid", "UPDATE clocks SET unpaid = 1 WHERE unpaid > 0", "a clock of sold: 1 seats are unpaid, and reserved are 2"},
		{"never reserved", "DELETE FROM records WHERE id = 'RESERVED22'; DELETE FROM record_index WHERE id = 'RESERVED22'", "a clock of sold: 2 seats are unpaid, and reserved are 0"},
		{"clock of who has reserved", "UPDATE clocks SET unpaid = 0; DELETE FROM clocks WHERE event = 'sold'", "a clock of sold is missing: reserved are 2 seats"},
		{"booked for nothing", "UPDATE records SET body = json_set(body, '$.state', 'dead') WHERE id = 'BKED222222-1'; UPDATE records SET body = json_remove(json_set(body, '$.captured', 0, '$.refunded', 0), '$.refunds') WHERE id = 'BKED222222' AND kind = 'booking'", "booking BKED222222 of sold: booked, and its attempt is dead"},
		{"booked at the door for nothing", "UPDATE records SET body = json_remove(json_set(body, '$.state', 'booked'), '$.pay_until') WHERE id = 'RESERVED22' AND kind = 'booking'", "booking RESERVED22 of sold: booked, and it keeps 0 of 0, and should keep 2000"},
		{"captured", "UPDATE records SET body = json_set(body, '$.captured', 1000) WHERE id = 'BKED222222' AND kind = 'booking'", "booking BKED222222 of sold: booked, and its attempt has captured 3000, and it tells of 1000"},
		{"captured too much", "UPDATE records SET body = json_set(body, '$.captured', 4000) WHERE id = 'BKED222222' AND kind = 'booking'; UPDATE records SET body = json_set(body, '$.amount', 4000) WHERE id = 'BKED222222-1'", "booking BKED222222 of sold: booked, and its attempt is of 4000, and its seats cost 3000"},
		{"captured while paying", "UPDATE records SET body = json_set(body, '$.captured', 2000) WHERE id = 'PAYNG22222' AND kind = 'booking'", "booking PAYNG22222 of sold: paying, and it keeps 2000 of 2000, and should keep 0"},
		{"lost and kept", "UPDATE records SET body = json_set(body, '$.state', 'lost') WHERE id = 'BKED222222' AND kind = 'booking'", "booking BKED222222 of sold: lost, and it keeps 2000 of 3000, and should keep 0"},
		{"lost for nothing", "UPDATE records SET body = json_set(body, '$.state', 'lost') WHERE id = 'PAYNG22222' AND kind = 'booking'", "booking PAYNG22222 of sold: lost, and its attempt is recorded"},
		{"owes nothing", "UPDATE records SET body = json_set(body, '$.lines[0].price', 0, '$.lines[1].price', 0) WHERE id = 'RESERVED22' AND kind = 'booking'", "booking RESERVED22 of sold: reserved, and it owes nothing"},
		{"kept and paid back", "UPDATE records SET body = json_set(body, '$.lines[2].no_refund', json('true')) WHERE id = 'BKED222222' AND kind = 'booking'", "booking BKED222222 of sold: booked, and seat s6 is paid back, and was not to be"},
		{"neither kept nor paid back", "UPDATE records SET body = json_remove(json_set(body, '$.refunded', 0), '$.refunds') WHERE id = 'BKED222222' AND kind = 'booking'", "booking BKED222222 of sold: booked, and it keeps 3000 of 3000, and should keep 2000"},
		{"refund of a booked seat", "UPDATE records SET body = json_set(body, '$.seats', json('[\"s4\"]')) WHERE kind = 'refund'", "booking BKED222222 of sold: booked, and seat s4 is paid back, and was not to be"},
		{"refund of another's seat", "UPDATE records SET body = json_set(body, '$.seats', json('[\"s2\"]')) WHERE kind = 'refund'", "its refund BKED222222-r1 is of another's seat"},
		{"refund of a seat twice", "UPDATE records SET body = json_set(body, '$.seats', json('[\"s6\",\"s6\"]')) WHERE kind = 'refund'", "booking BKED222222 of sold: booked, and seat s6 is paid back twice"},
		{"refund's sum", "UPDATE records SET body = json_set(body, '$.amount', 999) WHERE kind = 'refund'", "its refund BKED222222-r1 is of 999, and the seats cost 1000"},
		{"leased for years", "UPDATE records SET body = json_set(body, '$.leased', '2099-01-01T00:00:00Z') WHERE id = 'PAYNG22222-1'", "attempt PAYNG22222-1: somebody is at work on it for more than a day"},
		{"due in years", "UPDATE records SET body = json_set(body, '$.due', '2099-01-01T00:00:00Z'), indexed = '{\"due\":\"2099-01-01T00:00:00.000Z\"}' WHERE id = 'PAYNG22222-1'; UPDATE record_index SET value = '2099-01-01T00:00:00.000Z' WHERE id = 'PAYNG22222-1'", "attempt PAYNG22222-1: it is looked at in more than a day"},
		{"booking unread", "UPDATE records SET body = '{\"lines\":7}' WHERE id = 'RESERVED22' AND kind = 'booking'", "booking RESERVED22: it cannot be read"},
		{"booking never lapses", "UPDATE records SET indexed = '{\"event\":\"sold\"}' WHERE id = 'RESERVED22' AND kind = 'booking'; DELETE FROM record_index WHERE id = 'RESERVED22' AND name = 'due'", "booking RESERVED22: it is listed by other values"},
		{"event of a booking gone", "DELETE FROM events WHERE id = 'sold'; DELETE FROM seats WHERE event = 'sold'", "booking RESERVED22 of sold: reserved, and seat s2 is not its own"},
		{"terms", "UPDATE events SET terms = '{' WHERE id = 'sold'", "terms of sold"},
		{"tariffs", "UPDATE events SET tariffs = '[{' WHERE id = 'sold'", "tariffs of sold"},
		{"tariff", `UPDATE events SET tariffs = '[{"id":"half","name":"Half","off":101}]' WHERE id = 'sold'`, `event sold: invalid: tariff "half": 101 percent off`},
		{"entry about nothing", "UPDATE trail SET seat = '', booking = NULL, status = NULL, version = NULL WHERE position = 2", "the trail at 2: an entry about no seat"},
		{"entry without a version", "UPDATE trail SET version = NULL WHERE status <> 'available'", "the trail at 1: an entry whose status"},
		{"entry to come", "UPDATE trail SET at = at + 90000000", "the trail at 1: an entry without a time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "seatlock.db")
			used(t, path)
			rewrite(t, path, strings.Split(c.plant, "; ")...)
			if c.want == "" {
				wantFindings(t, path)
				return
			}
			found, err := sqlitestore.Check(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			var text []string
			for _, f := range found {
				text = append(text, string(f))
			}
			if all := strings.Join(text, "\n"); !strings.Contains(all, c.want) || strings.Contains(all, "holder-") {
				t.Errorf("got %q, want one with %q, and no holder", found, c.want)
			}
		})
	}
}

// used makes a store with three events, locks and bookings of all kinds, and a
// record.
func used(t *testing.T, path string) {
	t.Helper()
	kinds := append(store.Kinds(), store.Kind{Name: "note", Indexes: []string{"by"}})
	s := open(t, path, sqlitestore.Options{Serve: true, Kinds: kinds})
	create(t, s, "hall", 10)  // position 1
	create(t, s, "other", 10) // 2
	for i := range 2 {        // 3 and 4
		if _, err := lock(t, s, "hall", holder(i), seatID(i)); err != nil {
			t.Fatal(err)
		}
	}
	unlock := store.UnlockRequest{Event: "hall", Holder: holder(1), Seats: []string{seatID(1)}}
	if _, err := s.Unlock(t.Context(), unlock); err != nil { // 5
		t.Fatal(err)
	}
	lapsed := store.LockRequest{Event: "other", Holder: "bob", Seats: []string{seatID(2)}, Rules: store.Rules{TTL: time.Millisecond, Total: time.Millisecond, MaxSeats: 1}}
	if _, err := s.Lock(t.Context(), lapsed); err != nil {
		t.Fatal(err)
	}
	for due := (store.Due{}); due.Released == 0; {
		var err error
		if due, err = s.ReleaseDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	note := store.Record{Body: []byte(`{}`), Index: map[string]string{"by": "ann"}}
	err := s.ChangeRecord(t.Context(), store.Key{Kind: "note", ID: "1"}, func(store.Record) (store.Record, bool, error) { return note, false, nil })
	if err != nil {
		t.Fatal(err)
	}
	create(t, s, "sold", 10)
	storetest.MakeBookings(t, s, "sold", hall("sold", 10).Seats)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path, sqlitestore.Options{Serve: true, Kinds: kinds}).Close() // a second run
}

func wantFindings(t *testing.T, path string, want ...store.Finding) {
	t.Helper()
	found, err := sqlitestore.Check(t.Context(), path)
	if err != nil || len(found) != len(want) {
		t.Errorf("check of %s: got %q, %v; want %q", path, found, err, want)
	}
}

// TestCheckBeside checks a store under a running server that writes.
func TestCheckBeside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	s := open(t, path, sqlitestore.Options{Serve: true})
	create(t, s, "hall", 500)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 500 {
			if _, err := lock(t, s, "hall", holder(i), seatID(i)); err != nil {
				t.Error(err)
			}
		}
	}()
	for range 5 {
		wantFindings(t, path)
	}
	<-done
	wantFindings(t, path)
}

// TestCheckDamaged checks a file of which a part is garbage.
func TestCheckDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	sound(t, path)
	overwrite(t, path, 0.3, 0.6)
	found, err := sqlitestore.Check(t.Context(), path)
	if err != nil || len(found) == 0 || !strings.Contains(string(found[0]), "the file is damaged") {
		t.Errorf("got %q, %v; want that the file is damaged", found, err)
	}
}

// TestCheckRefused checks what is no store.
func TestCheckRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "notes.db")
	rewrite(t, path, "CREATE TABLE notes (text)")
	if _, err := sqlitestore.Check(t.Context(), path); err == nil || !strings.Contains(err.Error(), "not a Seatlock store") {
		t.Errorf("got error %v, want that it is none", err)
	}
	if _, err := sqlitestore.Check(t.Context(), filepath.Join(dir, "none.db")); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("got error %v, want one line", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	sound := filepath.Join(dir, "seatlock.db")
	used(t, sound)
	if _, err := sqlitestore.Check(ended, sound); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
}
