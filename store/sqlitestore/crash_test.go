//go:build unix

package sqlitestore_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

// TestKill kills a process while 32 goroutines of it lock seats, again and
// again: every lock that it acknowledged is there afterwards.
func TestKill(t *testing.T) {
	const kills, seats = 5, 20_000
	if path := os.Getenv(childFile); path != "" {
		lockAndTell(t, path, seats)
		return
	}
	path := filepath.Join(t.TempDir(), "seatlock.db")
	acknowledged := map[string]string{}
	for range kills {
		s := open(t, path, sqlitestore.Options{Serve: true})
		create(t, s, "hall", seats)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		told := killAfter(t, path, 50+rand.IntN(1000))
		for seat, who := range told {
			acknowledged[seat] = who
		}
		s = open(t, path, sqlitestore.Options{Serve: true}) // the kernel gave the lock file back
		got := seatsOf(t, s, "hall")
		for seat, who := range acknowledged {
			if string(got[seat].LockedBy) != who {
				t.Errorf("seat %s: acknowledged to %s, held by %q", seat, who, got[seat].LockedBy)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		wantSound(t, path)
	}
	t.Logf("%d kills, %d acknowledged locks, none lost", kills, len(acknowledged))
}

// lockAndTell locks free seats and prints each only when it is granted, in one
// write, until it is killed.
func lockAndTell(t *testing.T, path string, seats int) {
	s := open(t, path, sqlitestore.Options{Serve: true})
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for i := int(next.Add(1)); i < seats; i = int(next.Add(1)) {
				who := store.Holder(fmt.Sprintf("%d-of-%d", i, os.Getpid()))
				_, err := lock(t, s, "hall", who, seatID(i))
				if errors.Is(err, store.ErrTaken) { // by a process before
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				os.Stdout.WriteString("locked " + seatID(i) + " " + string(who) + "\n")
			}
		})
	}
	wg.Wait()
	t.Error("ran out of seats before the kill")
}

// killAfter runs the child until it has told n locks, kills it, and returns
// all that it told.
func killAfter(t *testing.T, path string, n int) map[string]string {
	t.Helper()
	cmd := child(t, path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) != 3 || words[0] != "locked" {
			t.Fatalf("child said %q", lines.Text())
		}
		told[words[1]] = words[2]
		if len(told) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd.Wait() // an error: it was killed
	if len(told) < n {
		t.Fatalf("child told %d locks, want at least %d", len(told), n)
	}
	return told
}

// TestFullDisk lets files grow no further while the store runs, and then again.
func TestFullDisk(t *testing.T) {
	path := os.Getenv(childFile)
	if path == "" {
		runChild(t, filepath.Join(t.TempDir(), "seatlock.db"))
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	s := open(t, path, sqlitestore.Options{Serve: true})
	create(t, s, "hall", 4000)
	var unlimited syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &unlimited); err != nil {
		t.Fatal(err)
	}
	full := unlimited
	full.Cur = 256 << 10
	limitFiles(t, full)
	granted := lockUntilFull(t, s, 4000)
	for i := range 20 { // and again, on the same connection
		if _, err := lock(t, s, "hall", holder(granted+i), seatID(granted+i)); !errors.Is(err, store.ErrUnavailable) {
			t.Fatalf("lock on a full disk: got error %v, want %v", err, store.ErrUnavailable)
		}
	}
	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("ping on a full disk: got error %v, want %v", err, store.ErrUnavailable)
	}
	wantLocked(t, s, granted)
	limitFiles(t, unlimited)
	if _, err := lock(t, s, "hall", holder(granted), seatID(granted)); err != nil {
		t.Fatalf("lock when there is room again: %v", err)
	}
	eventually(t, "the store is ready", func() bool { return s.Ping(t.Context()) == nil })
	wantLocked(t, s, granted+1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantSound(t, path)
}

func limitFiles(t *testing.T, limit syscall.Rlimit) {
	t.Helper()
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
}

// lockUntilFull locks seats from the first on, and returns how many it got.
func lockUntilFull(t *testing.T, s *store.Store, seats int) int {
	t.Helper()
	for i := range seats {
		_, err := lock(t, s, "hall", holder(i), seatID(i))
		if errors.Is(err, store.ErrUnavailable) {
			return i
		}
		if err != nil {
			t.Fatalf("lock on a filling disk: got error %v, want %v", err, store.ErrUnavailable)
		}
	}
	t.Fatal("the disk never filled up")
	return 0
}

// wantLocked wants the first n seats locked and no other.
func wantLocked(t *testing.T, s *store.Store, n int) {
	t.Helper()
	for id, seat := range seatsOf(t, s, "hall") {
		var i int
		fmt.Sscanf(id, "s%d", &i)
		if locked := seat.Status == store.Locked; locked != (i < n) {
			t.Fatalf("with %d locks granted: seat %s is %v", n, id, seat.Status)
		}
	}
}
