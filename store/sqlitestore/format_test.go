package sqlitestore

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/seatlock/seatlock/store"
)

// format3 makes a file as programs of format 3 do, with an event of one seat
// that anna has locked, and returns a connection of such a program.
func format3(t *testing.T, path string, now time.Time) reader {
	t.Helper()
	conn, err := sqlite.OpenConn(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	script := ""
	for n := range 3 {
		sql, err := fs.ReadFile(migrations, fmt.Sprintf("migrations/%d.sql", n+1))
		if err != nil {
			t.Fatal(err)
		}
		script += string(sql)
	}
	script += fmt.Sprintf(`;
		INSERT INTO meta VALUES ('epoch', 'f0f0f0f0f0f0f0f3'), ('secret', '%064d'), ('reader', '3'), ('program', 'v0.3');
		INSERT INTO plans VALUES ('p', x'7b7d');
		INSERT INTO events VALUES ('hall', 'Late quartets', '', %[2]d, 'UTC', 'EUR', '{}', NULL, NULL, 'p', 1, 'f');
		INSERT INTO seats VALUES ('hall', 'a', 0, 'locked', 'anna', %[2]d, %[3]d, NULL, 2), ('hall', 'b', 1, 'available', NULL, NULL, NULL, NULL, 1);
		INSERT INTO clocks VALUES ('hall', 'anna', %[2]d, %[3]d, 0, '', 1);
		INSERT INTO changes VALUES (1, %[2]d, 'hall', ''),
			(2, %[2]d, 'hall', '[{"seat":"a","status":"locked","by":"anna","since":%[2]d,"until":%[3]d,"version":2,"reason":"locked"}]');
		PRAGMA application_id = %[4]d;
		PRAGMA user_version = 3;`, 0, now.UnixMilli(), now.Add(10*time.Minute).UnixMilli(), applicationID)
	if err := sqlitex.ExecuteScript(conn, script, nil); err != nil {
		t.Fatal(err)
	}
	return reader{Conn: conn}
}

// TestFormat3 opens a file of format 3, as a server or a command, and lets a
// program of that format write to it afterwards.
func TestFormat3(t *testing.T) {
	for _, serve := range []bool{true, false} {
		t.Run(fmt.Sprintf("serve %v", serve), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "seatlock.db")
			h := &hands{wall: noon}
			old := format3(t, path, noon)
			e := openAt(t, path, h, Options{Serve: serve, Program: "v0.4"})
			s := store.New(e)
			for batch, err := range s.Changes(t.Context(), store.Cursor{Epoch: "f0f0f0f0f0f0f0f3", Position: 1}) {
				if err != nil || len(batch.Changes) != 1 || batch.Cursor.Position != 2 || (batch.Cursor.Epoch == "f0f0f0f0f0f0f0f3") == serve {
					t.Errorf("a cursor from before goes on with %+v, %v", batch, err)
				}
				break
			}
			out, err := s.Extend(t.Context(), store.ExtendRequest{Event: "hall", Holder: "anna", Rules: store.DefaultRules()})
			if err != nil || !out.Seats[0].Extended || !seat(t, s, "a").Extended {
				t.Fatalf("extended: %+v, %v; seat %+v", out.Seats, err, seat(t, s, "a"))
			}
			if f, err := old.format(); err != nil || f != (store.Format{Number: 4, Reader: 3, Program: "v0.4"}) {
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
			if err != nil || event.Hidden {
				t.Errorf("event %+v, %v", event, err)
			}
		})
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
