package sqlitestore_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

// open opens the store at path for the length of the test.
func open(t *testing.T, path string, o sqlitestore.Options) *store.Store {
	t.Helper()
	return store.New(openEngine(t, path, o))
}

func openEngine(t *testing.T, path string, o sqlitestore.Options) *sqlitestore.Engine {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), path, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func seatID(i int) string { return fmt.Sprintf("s%d", i) }

func holder(i int) store.Holder { return store.Holder(fmt.Sprintf("holder-%d", i)) }

// hall describes an event with the seats s0, s1 … that is on sale for ever.
func hall(id string, seats int) store.NewEvent {
	e := store.NewEvent{
		Event: store.Event{
			ID: id, Title: "Late quartets", Venue: "Town hall",
			Starts: time.Date(2031, 5, 4, 17, 30, 0, 0, time.UTC), Zone: "Europe/Vienna", Currency: "EUR",
		},
		PlanBody: []byte("plan of " + id),
	}
	for i := range seats {
		e.Seats = append(e.Seats, seatID(i))
	}
	return e
}

func create(t *testing.T, s *store.Store, id string, seats int) {
	t.Helper()
	if err := s.CreateEvent(t.Context(), hall(id, seats)); err != nil {
		t.Fatalf("create: %v", err)
	}
}

// lock asks for seats with rules that nothing here reaches.
func lock(t *testing.T, s *store.Store, event string, who store.Holder, seats ...string) (store.Outcome, error) {
	return s.Lock(t.Context(), store.LockRequest{Event: event, Holder: who, Seats: seats, Rules: store.DefaultRules()})
}

// childFile is the variable by which a test, run again as a child process,
// learns which file it is to work on.
const childFile = "SEATLOCK_TEST_FILE"

// child prepares to run the calling test again as another process.
func child(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1", "-test.v=false")
	cmd.Env = append(os.Environ(), childFile+"="+path)
	return cmd
}

// runChild runs the calling test again as another process, which must pass.
func runChild(t *testing.T, path string) {
	t.Helper()
	if out, err := child(t, path).CombinedOutput(); err != nil {
		t.Fatalf("child: %v\n%s", err, out)
	}
}

// rewrite runs statements on the file by plain SQLite.
func rewrite(t *testing.T, path string, statements ...string) {
	t.Helper()
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite, sqlite.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		if err := sqlitex.ExecuteTransient(conn, statement, nil); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
}

// wantSound runs SQLite's full check of the file.
func wantSound(t *testing.T, path string) {
	t.Helper()
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	verdict, err := sqlitex.ResultText(conn.Prep("PRAGMA integrity_check"))
	if err != nil || verdict != "ok" {
		t.Fatalf("integrity check: got %q, %v; want ok", verdict, err)
	}
}

// seatsOf returns the seats of an event by id, and fails unless the feed, read
// from its beginning, ends with the same seats and skips no version.
func seatsOf(t *testing.T, s *store.Store, event string) map[string]store.Seat {
	t.Helper()
	snapshot, err := s.Snapshot(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	fed := replay(t, s, event, snapshot.Cursor)
	seats := map[string]store.Seat{}
	for _, seat := range snapshot.Seats {
		seats[seat.ID] = seat
		if seat.Version > 1 && fed[seat.ID] != seat {
			t.Fatalf("seat %s: the feed ends with %+v, the store has %+v", seat.ID, fed[seat.ID], seat)
		}
	}
	return seats
}

// replay reads the feed of an event from its beginning to the cursor, and
// returns the last state of each seat that changed.
func replay(t *testing.T, s *store.Store, event string, to store.Cursor) map[string]store.Seat {
	t.Helper()
	fed := map[string]store.Seat{}
	for batch, err := range s.Changes(t.Context(), store.Cursor{Epoch: to.Epoch}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range batch.Changes {
			if c.Event != event {
				continue
			}
			if before := max(1, fed[c.Seat.ID].Version); c.Seat.Version != before+1 {
				t.Fatalf("seat %s: the feed goes from version %d to %d", c.Seat.ID, before, c.Seat.Version)
			}
			fed[c.Seat.ID] = c.Seat
		}
		if batch.Cursor.Covers(to) {
			break
		}
	}
	return fed
}
