package sqlitestore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

// TestSecond has a server and a command, two processes, lock the same seats:
// each seat goes to one of them, and the server's feed tells of all.
func TestSecond(t *testing.T) {
	const seats = 1000
	if path := os.Getenv(childFile); path != "" {
		for _, seat := range grab(t, open(t, path, sqlitestore.Options{}), "command", seats) {
			fmt.Println("locked", seat)
		}
		return
	}
	path := filepath.Join(t.TempDir(), "seatlock.db")
	s := open(t, path, sqlitestore.Options{Serve: true})
	create(t, s, "hall", seats)
	cmd := child(t, path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	winners := map[string][]string{}
	awaitForeign(t, s) // so that they do meet
	for _, seat := range grab(t, s, "server", seats) {
		winners[seat] = append(winners[seat], "server")
	}
	byCommand := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if seat, ok := strings.CutPrefix(lines.Text(), "locked "); ok {
			winners[seat] = append(winners[seat], "command")
			byCommand++
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("command: %v", err)
	}
	t.Logf("%d seats to the command, %d to the server", byCommand, seats-byCommand)
	for id, seat := range seatsOf(t, s, "hall") {
		if len(winners[id]) != 1 || !strings.HasPrefix(string(seat.LockedBy), winners[id][0]) {
			t.Errorf("seat %s is held by %s and was given to %v", id, seat.LockedBy, winners[id])
		}
	}
}

// awaitForeign waits for the first lock of another process on the feed.
func awaitForeign(t *testing.T, s *store.Store) {
	t.Helper()
	from, err := s.Recent(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	from.Position = 0
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // it takes a second
	defer cancel()
	for batch, err := range s.Changes(ctx, from) {
		if err != nil {
			t.Fatal(err)
		}
		if len(batch.Changes) > 0 {
			return
		}
	}
	t.Fatal("no change of the other process came")
}

// grab tries to lock every seat from four goroutines, in another order each,
// and returns those it got.
func grab(t *testing.T, s *store.Store, who string, seats int) (got []string) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for _, i := range rand.Perm(seats) {
				_, err := lock(t, s, "hall", store.Holder(fmt.Sprintf("%s-%d-%d", who, g, i)), seatID(i))
				if err == nil {
					mu.Lock()
					got = append(got, seatID(i))
					mu.Unlock()
				} else if !errors.Is(err, store.ErrTaken) {
					t.Errorf("%s: seat %d: %v", who, i, err)
				}
			}
		})
	}
	wg.Wait()
	return got
}

// TestOpenTogether opens one new file from many sides at once.
func TestOpenTogether(t *testing.T) {
	for range 20 {
		path := filepath.Join(t.TempDir(), "new", "seatlock.db")
		secrets := make([]string, 8)
		var wg sync.WaitGroup
		for i := range secrets {
			wg.Go(func() {
				s, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{Serve: i == 0})
				if err != nil {
					t.Error(err)
					return
				}
				defer s.Close()
				secret, err := s.Secret(t.Context())
				if err != nil {
					t.Error(err)
				}
				secrets[i] = string(secret)
			})
		}
		wg.Wait()
		for _, secret := range secrets {
			if len(secret) != 32 || secret != secrets[0] {
				t.Fatalf("got secrets %x and %x, want one of 32 bytes", secret, secrets[0])
			}
		}
	}
}

// TestBusy has another program keep the file for longer than the engine waits.
func TestBusy(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "seatlock.db")
	s := open(t, path, sqlitestore.Options{Serve: true})
	create(t, s, "hall", 2)
	other, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := sqlitex.ExecuteTransient(other, "BEGIN IMMEDIATE", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := lock(t, s, "hall", "ann", seatID(0)); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("lock beside a busy writer: got error %v, want %v", err, store.ErrUnavailable)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := s.Ping(ctx); err == nil {
		t.Error("ping beside a busy writer says that all is well")
	}
	if err := sqlitex.ExecuteTransient(other, "ROLLBACK", nil); err != nil {
		t.Fatal(err)
	}
	if out, err := lock(t, s, "hall", "ann", seatID(0)); err != nil || out.Seats[0].Version != 2 {
		t.Errorf("lock afterwards: got %+v, %v; want version 2", out.Seats, err)
	}
	eventually(t, "the store is ready", func() bool { return s.Ping(t.Context()) == nil })
}

// TestCloseUnderLoad closes the store while others write: what was granted is
// there afterwards, and what was refused for the closing is not.
func TestCloseUnderLoad(t *testing.T) {
	const seats = 3000
	path := filepath.Join(t.TempDir(), "seatlock.db")
	s := open(t, path, sqlitestore.Options{Serve: true})
	create(t, s, "hall", seats)
	errs := make([]error, seats)
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := g; i < seats; i += 16 {
				if _, errs[i] = lock(t, s, "hall", holder(i), seatID(i)); i > seats/4 {
					s.Close()
				}
			}
		})
	}
	wg.Wait()
	granted := 0
	got := seatsOf(t, open(t, path, sqlitestore.Options{Serve: true}), "hall")
	for i, err := range errs {
		if err == nil {
			granted++
		} else if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("seat %d: got error %v, want %v", i, err, store.ErrUnavailable)
		}
		if locked := got[seatID(i)].Status == store.Locked; locked != (err == nil) {
			t.Errorf("seat %d: locked is %v after %v", i, locked, err)
		}
	}
	if granted == 0 || granted == seats {
		t.Errorf("%d of %d locks were granted: the close came too early or too late", granted, seats)
	}
}

// TestSweepOfEvents releases locks of two events by one sweep: the feed never
// tells of half of it, and names the right event for each seat.
func TestSweepOfEvents(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "seatlock.db"), sqlitestore.Options{Serve: true})
	var deadline time.Time
	for i, event := range []string{"matinee", "soiree"} {
		create(t, s, event, 2)
		out, err := s.Lock(t.Context(), store.LockRequest{
			Event: event, Holder: "ann", Seats: []string{seatID(i)},
			Rules: store.Rules{TTL: time.Millisecond, Total: time.Millisecond, MaxSeats: 1},
		})
		if err != nil {
			t.Fatal(err)
		}
		deadline = out.Lock.Deadline
	}
	for now := (time.Time{}); now.Before(deadline); {
		now, _ = s.Now(t.Context())
	}
	before, err := s.Recent(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if due, err := s.ReleaseDue(t.Context()); err != nil || due.Released != 2 {
		t.Fatalf("got %+v, %v; want 2 released", due, err)
	}
	for batch, err := range s.Changes(t.Context(), before) {
		if err != nil {
			t.Fatal(err)
		}
		told := map[string]string{}
		for _, c := range batch.Changes {
			told[c.Event] = c.Seat.ID
		}
		if want := map[string]string{"matinee": seatID(0), "soiree": seatID(1)}; !maps.Equal(told, want) {
			t.Errorf("got %v, want %v", told, want)
		}
		if batch.Cursor.Position != before.Position+1 { // a row is never torn, rows are
			t.Errorf("the sweep takes %d rows of the feed, want 1", batch.Cursor.Position-before.Position)
		}
		break
	}
}
