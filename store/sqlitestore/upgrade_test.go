//go:build unix

package sqlitestore_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

// visitor is the holder in the fixture who has a session.
const visitor = store.Holder("FXwMSPEGiqTXI_xss8eb2N")

// unpackFormat2 puts the fixture, a file of format 2, at path.
func unpackFormat2(t *testing.T, path string) {
	t.Helper()
	packed, err := os.Open("testdata/format2.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	from, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(body))
}

const epochQuery = "SELECT epoch FROM runs WHERE number = 1" // that of before the first run

func upgrade(t *testing.T, path string) sqlitestore.Upgraded {
	t.Helper()
	done, err := sqlitestore.Upgrade(t.Context(), path, "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// TestUpgrade brings a file that 48c37df has made up to date: nothing of it is
// lost, and a copy of it as it was stands beside it.
func TestUpgrade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	unpackFormat2(t, path)
	before := contents(t, path)
	done := upgrade(t, path)
	if done.From != 2 || done.To != store.CurrentFormat || filepath.Dir(done.Backup) != filepath.Dir(path) {
		t.Fatalf("got %+v, want 2 to %d with a backup beside the file", done, store.CurrentFormat)
	}
	info, err := os.Stat(done.Backup)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("backup: %v, mode %v, want one for its owner alone", err, info.Mode())
	}
	if again := upgrade(t, path); again != (sqlitestore.Upgraded{From: store.CurrentFormat, To: store.CurrentFormat}) {
		t.Errorf("a second upgrade: got %+v, want nothing done", again)
	}
	wantFixture(t, path)
	wantSound(t, path)

	// The backup is the file as it was: it can be upgraded as well.
	restored := filepath.Join(t.TempDir(), "restored.db")
	write(t, restored, string(read(t, done.Backup)))
	upgrade(t, restored)
	wantFixture(t, restored)
	if a, b := column(t, path, epochQuery), column(t, restored, epochQuery); a != "f0f0f0f0f0f0f0f2" || b == a {
		t.Errorf("the file's epoch is %s and that of the restored backup %s, want the old and another", a, b)
	}
	if before == contents(t, path) {
		t.Error("the upgrade changed nothing")
	}
}

// wantFixture opens the upgraded fixture, and fails unless all is there.
func wantFixture(t *testing.T, path string) {
	t.Helper()
	s := open(t, path, sqlitestore.Options{Serve: true})
	defer s.Close()
	events, err := s.Events(t.Context())
	if err != nil || len(events) != 2 || events[0].Revision != 2 || events[0].Prices["parkett"] != 4700 || events[1].Revision != 1 {
		t.Fatalf("got events %+v, %v", events, err)
	}
	snapshot, err := s.Snapshot(t.Context(), "evening")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, seat := range snapshot.Seats {
		got = append(got, strings.Join([]string{seat.ID, seat.Status.String(), string(seat.LockedBy), string(rune('0' + seat.Version))}, " "))
	}
	want := []string{"A1 locked " + string(visitor) + " 3", "A2 locked " + string(visitor) + " 3", "A3 locked bert 2", "A4 locked carl 2",
		"B1 available  3", "B2 available  1", "B3 available  1", "B4 available  1",
		"R1 available  1", "R2 available  1", "R3 withheld  2", "R4 withheld  2"}
	if !slices.Equal(got, want) {
		t.Errorf("got seats %q, want %q", got, want)
	}
	wantLocks(t, s)
	wantSession(t, s)
	var fed []store.Change
	for batch, err := range s.Changes(t.Context(), store.Cursor{Epoch: snapshot.Cursor.Epoch, Position: 0}) {
		if err != nil {
			t.Fatal(err)
		}
		fed = append(fed, batch.Changes...)
		if batch.Cursor.Covers(snapshot.Cursor) {
			break
		}
	}
	if len(fed) != 10 || fed[0].Reason != store.ReasonChanged || fed[9].Seat.ID != "A4" {
		t.Errorf("got %d changes %+v, want the 10 of format 2, without reasons", len(fed), fed)
	}
}

func wantLocks(t *testing.T, s *store.Store) {
	t.Helper()
	out, err := s.LockOf(t.Context(), "evening", visitor)
	if err != nil || len(out.Lock.Seats) != 2 || !out.Lock.Extended || out.Lock.Deadline.Year() != 2066 {
		t.Errorf("the visitor has %+v, %v", out.Lock, err)
	}
	for who, seats := range map[store.Holder]int{"bert": 1, "carl": 0, "dora": 0} {
		out, err := s.LockOf(t.Context(), "evening", who)
		if err != nil || len(out.Lock.Seats) != seats || out.Lock.Started.IsZero() != (who == "carl") {
			t.Errorf("%s has %+v, %v", who, out.Lock, err)
		}
	}
	repeat, err := s.Lock(t.Context(), store.LockRequest{
		Event: "evening", Holder: visitor, Seats: []string{"B2"}, Rules: store.DefaultRules(), Request: "request-1"})
	if err != nil || len(repeat.Seats) != 2 || repeat.Seats[0].ID != "A1" || repeat.Seats[0].Version != 3 {
		t.Errorf("a repeat of a request from before: got %+v, %v", repeat.Seats, err)
	}
}

func wantSession(t *testing.T, s *store.Store) {
	t.Helper()
	record, err := s.Record(t.Context(), store.Key{Kind: store.Session, ID: "jPoogg5ul3062BO9PMQVrIHidKoeDThpi9gQqJwJokY"})
	var body struct{ Values map[string]string }
	if err == nil {
		err = json.Unmarshal(record.Body, &body)
	}
	if err != nil || body.Values["holder"] != string(visitor) || record.Expires.Year() != 2066 {
		t.Errorf("got session %s until %v, %v", record.Body, record.Expires, err)
	}
}

// TestUpgradeFirstFormat upgrades a file from before clocks remembered requests.
func TestUpgradeFirstFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	unpackFormat2(t, path)
	rewrite(t, path, "ALTER TABLE locks DROP COLUMN grants", "PRAGMA user_version = 1")
	if done := upgrade(t, path); done.From != 1 || done.To != store.CurrentFormat {
		t.Fatalf("got %+v", done)
	}
	s := open(t, path, sqlitestore.Options{Serve: true})
	out, err := s.LockOf(t.Context(), "evening", visitor)
	if err != nil || len(out.Lock.Seats) != 2 {
		t.Errorf("got %+v, %v", out.Lock, err)
	}
}

// TestUpgradeRefused has upgrades that must not happen: the file stays as it is.
func TestUpgradeRefused(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(t *testing.T, path string)
		want    string
	}{
		"served": {func(t *testing.T, path string) {
			unpackFormat2(t, path)
			other, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { other.Close() })
			if err := syscall.Flock(int(other.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
				t.Fatal(err)
			}
		}, "another Seatlock serves this store: stop it first"},
		"newer": {func(t *testing.T, path string) {
			sound(t, path)
			rewrite(t, path, numbered(1)...)
		}, "written by a newer Seatlock"},
		"not there":  {func(*testing.T, string) {}, "no such file"},
		"somebody's": {func(t *testing.T, path string) { rewrite(t, path, "CREATE TABLE notes (text)") }, "not a Seatlock store"},
		"empty":      {func(t *testing.T, path string) { write(t, path, "") }, "not a Seatlock store"},
		"damaged":    {func(t *testing.T, path string) { unpackFormat2(t, path); overwrite(t, path, 0.3, 0.6) }, "put a backup in its place"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "seatlock.db")
			c.prepare(t, path)
			var before string
			if _, err := os.Stat(path); err == nil {
				before = contents(t, path)
			}
			_, err := sqlitestore.Upgrade(t.Context(), path, "v1.2.3")
			wantRefusal(t, err, path, c.want)
			if before == "" {
				if _, err := os.Stat(path); err == nil {
					t.Error("the upgrade made a file")
				}
			} else if contents(t, path) != before {
				t.Error("the file was changed")
			}
		})
	}
}

// numbered has a file be of a format that is so much newer, for programs of it.
func numbered(newer int) []string {
	format := store.CurrentFormat + newer
	return []string{fmt.Sprintf("PRAGMA user_version = %d", format), fmt.Sprintf("UPDATE meta SET value = '%d' WHERE name = 'reader'", format)}
}

// TestUpgradeCancelled ends an upgrade at its beginning, and goes through with
// the next one.
func TestUpgradeCancelled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	unpackFormat2(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sqlitestore.Upgrade(ctx, path, "v1.2.3"); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
	upgrade(t, path)
	wantFixture(t, path)
}

// TestUpgradeKilled kills an upgrade at any moment, again and again: the file
// is then as it was or upgraded as a whole, and an upgrade to the end makes it
// current.
func TestUpgradeKilled(t *testing.T) {
	if path := os.Getenv(childFile); path != "" {
		os.Stdout.WriteString("ready\n")
		upgrade(t, path)
		return
	}
	path := filepath.Join(t.TempDir(), "seatlock.db")
	old, current := 0, 0
	for round := range 30 {
		for _, name := range []string{path, path + "-wal", path + "-shm"} {
			if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
		unpackFormat2(t, path)
		cmd := child(t, path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 6)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(round) * 500 * time.Microsecond) // a moment like any other
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait() // an error, unless it was faster
		switch s, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{Serve: true}); {
		case errors.Is(err, store.ErrOlder):
			old++
			upgrade(t, path)
		case err != nil:
			t.Fatalf("round %d: %v", round, err)
		default:
			current++
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		wantFixture(t, path)
	}
	t.Logf("after 30 kills the file was as before %d times, upgraded %d times", old, current)
	if old == 0 {
		t.Error("no kill came before the upgrade's end")
	}
}

// TestNewerFormat opens a file that a newer program has added to, in a way that
// this one can live with, and one under a running server that it cannot.
func TestNewerFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	s := open(t, path, sqlitestore.Options{Serve: true})
	create(t, s, "hall", 4)
	rewrite(t, path, "ALTER TABLE seats ADD COLUMN wish TEXT", "ALTER TABLE clocks ADD COLUMN mood TEXT NOT NULL DEFAULT 'fair'",
		"UPDATE seats SET wish = 'aisle'", numbered(1)[0])
	if _, err := lock(t, s, "hall", "anna", seatID(0)); err != nil {
		t.Fatalf("a format that tolerates this program: %v", err)
	}
	command := open(t, path, sqlitestore.Options{})
	if _, err := lock(t, command, "hall", "anna", seatID(1)); err != nil {
		t.Fatalf("a command beside it: %v", err)
	}
	if wishes := column(t, path, "SELECT group_concat(wish) FROM seats"); wishes != "aisle,aisle,aisle,aisle" {
		t.Errorf("unknown fields are %q now", wishes)
	}

	rewrite(t, path, numbered(2)...)
	for _, running := range []*store.Store{s, command} {
		_, err := lock(t, running, "hall", "bert", seatID(2))
		if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, store.ErrNewer) {
			t.Errorf("a write to a foreign format: got error %v, want %v", err, store.ErrNewer)
		}
		if _, err := running.ReleaseDue(t.Context()); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("a sweep of a foreign format: got error %v", err)
		}
		if err := running.Ping(t.Context()); !errors.Is(err, store.ErrNewer) {
			t.Errorf("a ping of a foreign format: got error %v", err)
		}
	}
	if got := seatsOf(t, s, "hall")[seatID(2)]; got.Version != 1 {
		t.Errorf("the seat is %+v, want it untouched", got)
	}
}

// TestUnknown meets a seat whose status, and a change whose reason, only a newer
// program knows: nothing of them is lost, and nobody is kept from the others.
func TestUnknown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	s := open(t, path, sqlitestore.Options{Serve: true})
	create(t, s, "hall", 4)
	from, err := s.Recent(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, path, `UPDATE seats SET status = 'auctioned', locked_by = 'anna', lock_time = 1, locked_until = 2, version = 2 WHERE id = 's0'`,
		`INSERT INTO changes (position, at, event, body) SELECT max(position) + 1, max(at), 'hall',
			'[{"seat":"s0","status":"auctioned","by":"anna","version":2,"reason":"bid","colour":"red"}]' FROM changes`)
	want := store.Seat{ID: seatID(0), Status: store.Unknown, LockedBy: "anna", LockTime: time.UnixMilli(1).UTC(), LockedUntil: time.UnixMilli(2).UTC(), Version: 2}
	snapshot, err := s.Snapshot(t.Context(), "hall")
	if err != nil || snapshot.Seats[0] != want {
		t.Fatalf("got %+v, %v, want %+v", snapshot.Seats[0], err, want)
	}
	for _, err := range []error{
		second(lock(t, s, "hall", "anna", seatID(0))),
		second(lock(t, s, "hall", "bert", seatID(1), seatID(0))),
		second(s.Unlock(t.Context(), store.UnlockRequest{Event: "hall", Holder: "anna", Seats: []string{seatID(0)}})),
		second(s.Withhold(t.Context(), store.WithholdRequest{Event: "hall", Seats: []string{seatID(0)}, On: true})),
		second(s.Withhold(t.Context(), store.WithholdRequest{Event: "hall", Seats: []string{seatID(0)}})),
	} {
		if !errors.Is(err, store.ErrWithheld) {
			t.Errorf("got error %v, want %v", err, store.ErrWithheld)
		}
	}
	if due, err := s.ReleaseDue(t.Context()); err != nil || due.Released != 0 {
		t.Errorf("a sweep: got %+v, %v", due, err)
	}
	if _, err := lock(t, s, "hall", "anna", seatID(1)); err != nil {
		t.Errorf("another seat: %v", err)
	}
	for batch, err := range s.Changes(t.Context(), from) {
		if err != nil {
			t.Fatal(err)
		}
		if c := batch.Changes[0]; c.Seat.ID != seatID(0) || c.Seat.Status != store.Unknown || c.Reason != store.ReasonChanged {
			t.Errorf("the feed tells %+v", c)
		}
		break
	}
	rewrite(t, path, `INSERT INTO trail (at, event, seat, status, version, reason, who) VALUES (5, 'hall', 's0', 'auctioned', 2, 'bid', 'ghost')`)
	entry := store.Entry{At: time.UnixMilli(5).UTC(), Event: "hall", Seat: seatID(0), Status: store.Unknown, Version: 2, By: "ghost"}
	trail, err := s.Trail(t.Context(), store.TrailScan{Event: "hall", Seat: seatID(0), Limit: 9})
	if err == nil && len(trail) == 1 {
		trail[0].Place = ""
	}
	if err != nil || !slices.Equal(trail, []store.Entry{entry}) {
		t.Errorf("the trail is %+v, %v, want %+v", trail, err, entry)
	}
	session := store.Key{Kind: store.Session, ID: "a"}
	touch := func() error {
		return s.ChangeRecord(t.Context(), session, func(old store.Record) (store.Record, bool, error) {
			if len(old.Index) > 0 {
				t.Errorf("an index that is not declared is seen: %v", old.Index)
			}
			old.Body = []byte("{}")
			return old, false, nil
		})
	}
	if err := touch(); err != nil {
		t.Fatal(err)
	}
	rewrite(t, path, `UPDATE records SET indexed = '{"email":"x"}'`, `INSERT INTO record_index VALUES ('session', 'email', 'x', 'a')`)
	if err := touch(); err != nil {
		t.Errorf("a record that a newer program lists by more: %v", err)
	}
	if got := column(t, path, "SELECT indexed || value FROM records JOIN record_index USING (kind, id)"); got != `{"email":"x"}x` {
		t.Errorf("what a newer program lists a record by is %q now", got)
	}
	e := hall("hall", 6)
	e.Event, err = s.Event(t.Context(), "hall")
	if err != nil {
		t.Fatal(err)
	}
	e.Seats, e.PlanBody = append([]string{"new"}, e.Seats...), []byte("larger plan")
	if _, err := s.AddSeats(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if got := column(t, path, "SELECT status || locked_by || version || place FROM seats WHERE id = 's0'"); got != "auctionedanna21" {
		t.Errorf("the seat stands as %q, want it as it was but for its place", got)
	}
}

func second[T any](_ T, err error) error { return err }

// column returns what a query selects, by plain SQLite.
func column(t *testing.T, path, query string) (text string) {
	t.Helper()
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stmt := conn.Prep(query)
	if _, err := stmt.Step(); err != nil {
		t.Fatal(err)
	}
	defer stmt.Reset()
	return stmt.ColumnText(0)
}
