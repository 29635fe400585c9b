package sqlitestore

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/seatlock/seatlock/store"
)

// formatOf makes a file as programs of formats 3 to 5 do, with an event of which
// anna has locked a seat, and returns a connection of such a program.
func formatOf(t *testing.T, path string, format int, now time.Time) reader {
	t.Helper()
	conn, err := sqlite.OpenConn(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	script := ""
	migrate := func(n int) {
		sql, err := fs.ReadFile(migrations, fmt.Sprintf("migrations/%d.sql", n))
		if err != nil {
			t.Fatal(err)
		}
		script += string(sql)
	}
	for n := range 3 {
		migrate(n + 1)
	}
	script += fmt.Sprintf(`;
		INSERT INTO meta VALUES ('epoch', 'f0f0f0f0f0f0f0f3'), ('secret', '%064d'), ('reader', '3'), ('program', 'v0.3');
		INSERT INTO plans VALUES ('%[6]s', x'7b7d');
		INSERT INTO events VALUES ('hall', 'Late quartets', '', %[2]d, 'UTC', 'EUR', '{}', NULL, NULL, '%[6]s', 1, 'f');
		INSERT INTO seats VALUES ('hall', 'a', 0, 'locked', 'anna', %[2]d, %[3]d, NULL, 2), ('hall', 'b', 1, 'available', NULL, NULL, NULL, NULL, 1);
		INSERT INTO clocks VALUES ('hall', 'anna', %[2]d, %[3]d, 0, '', 1);
		INSERT INTO changes VALUES (1, %[2]d, 'hall', ''),
			(2, %[2]d, 'hall', '[{"seat":"a","status":"locked","by":"anna","since":%[2]d,"until":%[3]d,"version":2,"reason":"locked"}]');
		PRAGMA application_id = %[4]d;
		PRAGMA user_version = %[5]d;`, 0, now.UnixMilli(), now.Add(10*time.Minute).UnixMilli(), applicationID, format, store.PlanHash([]byte("{}")))
	for n := 4; n <= format; n++ {
		migrate(n)
	}
	if err := sqlitex.ExecuteScript(conn, script, nil); err != nil {
		t.Fatal(err)
	}
	return reader{Conn: conn}
}

// TestOlderFormat opens a file of formats 3 to 5, as a server or a command, and
// lets a program of that format write to it afterwards.
func TestOlderFormat(t *testing.T) {
	for _, c := range []struct {
		format int
		serve  bool
	}{{3, true}, {3, false}, {4, true}, {4, false}, {5, true}, {5, false}} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "seatlock.db")
			h := &hands{wall: noon}
			old := formatOf(t, path, c.format, noon)
			e := openAt(t, path, h, Options{Serve: c.serve, Program: "v0.5"})
			s := store.New(e)
			for batch, err := range s.Changes(t.Context(), store.Cursor{Epoch: "f0f0f0f0f0f0f0f3", Position: 1}) {
				if err != nil || len(batch.Changes) != 1 || batch.Cursor.Position != 2 || (batch.Cursor.Epoch == "f0f0f0f0f0f0f0f3") == c.serve {
					t.Errorf("a cursor from before goes on with %+v, %v", batch, err)
				}
				break
			}
			out, err := s.Extend(t.Context(), store.ExtendRequest{Event: "hall", Holder: "anna", Rules: store.DefaultRules()})
			if err != nil || !out.Seats[0].Extended || !seat(t, s, "a").Extended {
				t.Fatalf("extended: %+v, %v; seat %+v", out.Seats, err, seat(t, s, "a"))
			}
			if f, err := old.format(); err != nil || f != (store.Format{Number: store.CurrentFormat, Reader: 3, Program: "v0.5"}) {
				t.Errorf("the file's format is %+v, %v", f, err)
			}
			until := noon.Add(time.Hour)
			if _, err := old.exec(`UPDATE seats SET status = 'locked', locked_by = 'bert', lock_time = ?1, locked_until = ?2, version = version + 1 WHERE id = 'a'`, noon, until); err != nil {
				t.Fatal(err)
			}
			if got := seat(t, s, "a"); got.Extended || got.LockedBy != "bert" || !got.LockedUntil.Equal(until) {
				t.Errorf("a lock of an older program: %+v", got)
			}
			if _, err := old.exec(`INSERT INTO seats (event, id, place, status, version) VALUES ('hall', 'c', 2, 'available', 1)`); err != nil {
				t.Fatal(err)
			}
			event, err := s.Event(t.Context(), "hall")
			if err != nil || event.Hidden || event.Terms != (store.Terms{}) || event.Tariffs != nil {
				t.Errorf("event %+v, %v", event, err)
			}
			trail, err := s.Trail(t.Context(), store.TrailScan{Event: "hall", Seat: "a", Limit: 9})
			if err != nil || len(trail) != 1 || trail[0].Version != 3 || trail[0].Reason != store.ReasonExtended || trail[0].By != store.ByVisitor {
				t.Errorf("the trail is %+v, %v, want what this program has changed", trail, err)
			}
			wantKeptByOlder(t, old, s, event)
		})
	}
}

// wantKeptByOlder has an older program write an event with terms and tariffs and the clock
// of a holder who has not paid, and remove clocks that are over.
func wantKeptByOlder(t *testing.T, old reader, s *store.Store, event store.Event) {
	t.Helper()
	event.Terms = store.Terms{CancelUntil: store.Never, PayWithin: time.Hour}
	event.Tariffs = []store.Tariff{{ID: "full", Name: "Full"}, {ID: "half", Name: "Half", Off: 50}}
	if _, err := s.UpdateEvent(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	for _, write := range []string{
		`INSERT INTO clocks (event, holder, started, deadline, extended, grants, version) VALUES ('hall', 'dora', 1, 2, 0, '', 1)`,
		`UPDATE clocks SET unpaid = 2 WHERE holder = 'anna'`,
		`INSERT INTO clocks (event, holder, started, deadline, extended, grants, version) VALUES ('hall', 'anna', 1, 2, 0, '', 9)
			ON CONFLICT DO UPDATE SET started = 1, deadline = 2, extended = 0, grants = '', version = 9`,
		`DELETE FROM clocks WHERE deadline <= 2 AND event = 'hall'`,
		`UPDATE events SET title = 'Early quartets', revision = revision + 1`,
	} {
		if _, err := old.exec(write); err != nil {
			t.Fatal(err)
		}
	}
	clocks := ""
	err := old.each(`SELECT group_concat(holder || ' ' || version || ' ' || unpaid) FROM clocks`, func(stmt *sqlite.Stmt) error {
		clocks = stmt.ColumnText(0)
		return nil
	})
	if err != nil || clocks != "anna 9 2" {
		t.Errorf("the clocks are %q, %v, want that of the seats that are not paid for", clocks, err)
	}
	if now, err := s.Event(t.Context(), "hall"); err != nil || now.Terms != event.Terms || len(now.Tariffs) != 2 || now.Title != "Early quartets" {
		t.Errorf("the event is %+v, %v, want terms and tariffs kept", now, err)
	}
	if err := s.RemoveEvent(t.Context(), "hall"); !errors.Is(err, store.ErrInUse) {
		t.Errorf("got %v, want %v", err, store.ErrInUse)
	}
	if _, err := old.exec(`UPDATE seats SET status = 'available', locked_by = NULL, lock_time = NULL, locked_until = NULL, version = version + 1`); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveEvent(t.Context(), "hall"); err != nil {
		t.Fatal(err)
	}
	if left, err := old.number(`SELECT count(*) FROM clocks`); err != nil || left != 0 {
		t.Errorf("%d clocks are left of the event that was removed, %v", left, err)
	}
}

// TestCheckOlderFormat checks a file of formats 3 to 5 as it is.
func TestCheckOlderFormat(t *testing.T) {
	for _, format := range []int{3, 4, 5} {
		path := filepath.Join(t.TempDir(), "seatlock.db")
		old := formatOf(t, path, format, noon)
		// Its time is that of its newest change, which is ahead of this machine.
		if err := sqlitex.ExecuteScript(old.Conn, `
			INSERT INTO records VALUES ('attempt', 'PAYNG22222-1', 1, NULL, '{"id":"PAYNG22222-1","due":"2031-05-04T12:00:00Z"}', '{"due":"2031-05-04T12:00:00.000Z"}');
			INSERT INTO record_index VALUES ('attempt', 'due', '2031-05-04T12:00:00.000Z', 'PAYNG22222-1');`, nil); err != nil {
			t.Fatal(err)
		}
		if found, err := Check(t.Context(), path); err != nil || len(found) > 0 {
			t.Errorf("format %d: got %q, %v, want nothing", format, found, err)
		}
		if _, err := old.exec(`UPDATE seats SET booking = 'b' WHERE id = 'b'`); err != nil {
			t.Fatal(err)
		}
		if found, err := Check(t.Context(), path); err != nil || len(found) != 1 {
			t.Errorf("format %d: got %q, %v, want that an available seat has a booking", format, found, err)
		}
		if f, err := old.format(); err != nil || f.Number != format {
			t.Errorf("the file's format is %+v, %v, want it as it was", f, err)
		}
	}
}

// TestCheckLeavesFile checks a file of formats 3 to 5 that nobody has open: it
// stays byte for byte as it is.
func TestCheckLeavesFile(t *testing.T) {
	for _, format := range []int{3, 4, 5} {
		path := filepath.Join(t.TempDir(), "seatlock.db")
		old := formatOf(t, path, format, time.Now())
		if _, err := old.text("PRAGMA journal_mode = WAL"); err != nil {
			t.Fatal(err)
		}
		if err := old.Close(); err != nil {
			t.Fatal(err)
		}
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if found, err := Check(t.Context(), path); err != nil || len(found) > 0 {
			t.Errorf("format %d: got %q, %v, want nothing", format, found, err)
		}
		halls := ""
		err = Halls(t.Context(), path, func(event string, plan []byte, seats []string) { halls += fmt.Sprintf("%s %s %q", event, plan, seats) })
		if err != nil || halls != `hall {} ["a" "b"]` {
			t.Errorf("format %d: got %q, %v, want the one hall", format, halls, err)
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
			t.Errorf("format %d: the file is another now, %v", format, err)
		}
	}
}

func seat(t *testing.T, s *store.Store, id string) store.Seat {
	t.Helper()
	snapshot, err := s.Snapshot(t.Context(), "hall")
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range snapshot.Seats {
		if one.ID == id {
			return one
		}
	}
	t.Fatalf("no seat %s", id)
	return store.Seat{}
}

// TestScrubOlder erases persons that a program of format 5 has written, which left
// copies of them wherever SQLite does.
func TestScrubOlder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	old := formatOf(t, path, 5, time.Now())
	random := rand.New(rand.NewPCG(1, 2))
	var erased []int
	for _, i := range random.Perm(1500) {
		for _, kind := range []string{store.BookingRecord, store.PersonRecord, store.Session} {
			body := fmt.Sprintf(`{"note":%q}`, strings.Repeat("x", random.IntN(90)))
			if kind == store.PersonRecord {
				body = fmt.Sprintf(`{"name":"Ada","email":"visitor+%06d@%s.example"}`, i, []string{"keep-me", "forget-me"}[min(i%10, 1)])
			}
			err := sqlitex.Execute(old.Conn, `INSERT INTO records (kind, id, version, body) VALUES (?, ?, 1, ?)`,
				&sqlitex.ExecOptions{Args: []any{kind, fmt.Sprintf("CODE%06d", i), body}})
			if err != nil {
				t.Fatal(err)
			}
		}
		if i%10 > 0 {
			erased = append(erased, i)
		}
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	e, err := Open(t.Context(), path, Options{Serve: true})
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(e)
	defer s.Close()
	for _, i := range erased {
		gone := func(was store.Record) (store.Record, bool, error) { return was, true, nil }
		if err := s.ChangeRecord(t.Context(), store.Key{Kind: store.PersonRecord, ID: fmt.Sprintf("CODE%06d", i)}, gone); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal"} {
		if body, err := os.ReadFile(name); err != nil || bytes.Contains(body, []byte("@forget-me.example")) {
			t.Errorf("%s has something of who was erased, or %v", name, err)
		}
	}
}
