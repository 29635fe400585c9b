package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

// lockSome locks n seats from the first on, one by one, and returns where the
// feed is then.
func lockSome(t *testing.T, s *store.Store, who store.Holder, first, n int) (c store.Cursor) {
	t.Helper()
	for i := first; i < first+n; i++ {
		out, err := lock(t, s, "hall", who+store.Holder(fmt.Sprint("-", i)), seatID(i))
		if err != nil {
			t.Fatal(err)
		}
		c = out.Cursor
	}
	return c
}

// wantResumed follows the feed from a cursor to its head, and fails unless it
// has just these seats, in words of the head's epoch.
func wantResumed(t *testing.T, s *store.Store, from store.Cursor, seats ...string) {
	t.Helper()
	head, err := s.Recent(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if at, err := s.Resume(t.Context(), from); err != nil || at.Epoch != head.Epoch || at.Position != from.Position {
		t.Errorf("resume %v: got %v, %v, want the same position under %s", from, at, err, head.Epoch)
	}
	var got []string
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for batch, err := range s.Changes(ctx, from) {
		if err != nil {
			t.Fatalf("changes from %v: %v", from, err)
		}
		if batch.Cursor.Epoch != head.Epoch {
			t.Fatalf("a batch at %v, want the epoch %s", batch.Cursor, head.Epoch)
		}
		for _, c := range batch.Changes {
			got = append(got, c.Seat.ID)
		}
		if batch.Cursor.Covers(head) {
			break
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(seats) {
		t.Errorf("changes from %v: got %v, want %v", from, got, seats)
	}
}

func wantLost(t *testing.T, s *store.Store, from store.Cursor) {
	t.Helper()
	if at, err := s.Resume(t.Context(), from); !errors.Is(err, store.ErrCursorLost) {
		t.Errorf("resume %v: got %v, %v, want %v", from, at, err, store.ErrCursorLost)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for batch, err := range s.Changes(ctx, from) {
		if !errors.Is(err, store.ErrCursorLost) {
			t.Errorf("changes from %v: got %+v, %v, want %v", from, batch, err, store.ErrCursorLost)
		}
		return
	}
	t.Errorf("changes from %v: nothing came, want %v", from, store.ErrCursorLost)
}

// copyStore copies a file with what stands beside it.
func copyStore(t *testing.T, from, to string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(to + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		body, err := os.ReadFile(from + suffix)
		if errors.Is(err, fs.ErrNotExist) && suffix != "" {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		write(t, to+suffix, string(body))
	}
}

func closeStore(t *testing.T, s *store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

var serving = sqlitestore.Options{Serve: true}

// TestRestartResumes restarts a server again and again: a cursor of any run
// before is good, and each run has an epoch of its own.
func TestRestartResumes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	s := open(t, path, serving)
	create(t, s, "hall", 9)
	cursors := []store.Cursor{lockSome(t, s, "anna", 0, 1)}
	for run := range 3 {
		closeStore(t, s)
		s = open(t, path, serving)
		for i, c := range cursors {
			wantResumed(t, s, c, []string{"s1", "s2", "s3"}[i:run]...)
			if head, err := s.Recent(t.Context(), 0); err != nil || head.Epoch == c.Epoch {
				t.Errorf("run %d: head %v, %v, want another epoch than that of run %d", run, head, err, i)
			}
		}
		cursors = append(cursors, lockSome(t, s, "anna", run+1, 1))
	}
	ahead := cursors[1]
	ahead.Position++
	wantLost(t, s, ahead)
	wantLost(t, s, store.Cursor{Epoch: "0123456789abcdef", Position: 1})
	wantLost(t, s, store.Cursor{Epoch: cursors[0].Epoch, Position: 1<<64 - 1})
}

// TestPutBack serves a copy of a running server's file in its place, twice:
// what the copy shares with a cursor's history is resumed, and nothing else.
func TestPutBack(t *testing.T) {
	dir := t.TempDir()
	path, backup := filepath.Join(dir, "seatlock.db"), filepath.Join(dir, "backup.db")
	s := open(t, path, serving)
	create(t, s, "hall", 20)
	earlier := lockSome(t, s, "anna", 0, 2)
	closeStore(t, s)
	s = open(t, path, serving)
	shared := lockSome(t, s, "anna", 2, 2)
	copyStore(t, path, backup) // with its log: nobody writes now
	gone := lockSome(t, s, "anna", 4, 3)
	closeStore(t, s)
	s = open(t, path, serving)
	goneRun := lockSome(t, s, "anna", 7, 1)
	closeStore(t, s)

	var restored []store.Cursor
	for n := range 2 {
		copyStore(t, backup, path)
		s := open(t, path, serving)
		at := lockSome(t, s, "bert", 10, 5) // further than the history that is gone
		wantResumed(t, s, earlier, "s2", "s3", "s10", "s11", "s12", "s13", "s14")
		wantResumed(t, s, shared, "s10", "s11", "s12", "s13", "s14")
		for _, c := range append(restored, gone, goneRun) {
			wantLost(t, s, c)
		}
		restored = append(restored, at)
		closeStore(t, s)
		s = open(t, path, serving)
		wantResumed(t, s, at)
		wantLost(t, s, gone)
		closeStore(t, s)
		if n == 1 && restored[0].Epoch == restored[1].Epoch {
			t.Error("two restores have the same epoch")
		}
	}
}

// TestPutBackForACommand lets a command write to a copy before it is served:
// that is not what was written at the same places of the original.
func TestPutBackForACommand(t *testing.T) {
	dir := t.TempDir()
	path, backup := filepath.Join(dir, "seatlock.db"), filepath.Join(dir, "backup.db")
	s := open(t, path, serving)
	create(t, s, "hall", 9)
	shared := lockSome(t, s, "anna", 0, 2)
	copyStore(t, path, backup)
	gone := lockSome(t, s, "anna", 2, 3)
	closeStore(t, s)

	copyStore(t, backup, path)
	command := open(t, path, sqlitestore.Options{})
	if _, err := lock(t, command, "hall", "bert", seatID(0)); !errors.Is(err, store.ErrTaken) {
		t.Fatal(err)
	}
	if head, err := command.Recent(t.Context(), 0); err != nil || head != shared {
		t.Errorf("after a refusal: head %v, %v, want it where it was, %v", head, err, shared)
	}
	at := lockSome(t, command, "bert", 5, 3)
	wantLost(t, command, gone)
	closeStore(t, command)
	s = open(t, path, serving)
	wantResumed(t, s, shared, "s5", "s6", "s7")
	wantResumed(t, s, at)
	wantLost(t, s, gone)
}

// TestCommandSeesTheRun opens a command beside a server, which is restarted
// under it.
func TestCommandSeesTheRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	s := open(t, path, serving)
	create(t, s, "hall", 9)
	command := open(t, path, sqlitestore.Options{})
	first := lockSome(t, command, "guest", 0, 1)
	if head, err := s.Recent(t.Context(), 0); err != nil || head != first {
		t.Errorf("the server is at %v, %v, the command at %v", head, err, first)
	}
	closeStore(t, s)
	s = open(t, path, serving)
	second := lockSome(t, command, "guest", 1, 1)
	if head, err := s.Recent(t.Context(), 0); err != nil || head != second || second.Epoch == first.Epoch {
		t.Errorf("the server is at %v, %v, the command went from %v to %v", head, err, first, second)
	}
	snapshot, err := command.Snapshot(t.Context(), "hall")
	if err != nil || snapshot.Cursor != second {
		t.Errorf("the command's snapshot is of %v, %v, want %v", snapshot.Cursor, err, second)
	}
	wantResumed(t, command, first, "s1")
}

// TestFeedGoesOnInAnotherRun follows a command's feed while the server beside
// it is restarted.
func TestFeedGoesOnInAnotherRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	s := open(t, path, serving)
	create(t, s, "hall", 2)
	command := open(t, path, sqlitestore.Options{})
	before, err := command.Recent(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	restarted := false
	var got []string
	for batch, err := range command.Changes(t.Context(), store.Cursor{Epoch: before.Epoch}) {
		if err != nil {
			t.Fatal(err)
		}
		if !restarted {
			restarted = true
			closeStore(t, s)
			s = open(t, path, serving)
			lockSome(t, s, "anna", 0, 1)
		}
		for _, c := range batch.Changes {
			got = append(got, c.Seat.ID)
		}
		if len(got) > 0 {
			if batch.Cursor.Epoch == before.Epoch {
				t.Errorf("still at %v, want the new epoch", batch.Cursor)
			}
			break
		}
	}
	if fmt.Sprint(got) != "[s0]" {
		t.Errorf("got %v, want s0 once", got)
	}
}

// TestRunsAreForgotten: neither restarts nor old changes pile up runs.
func TestRunsAreForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	s := open(t, path, serving)
	create(t, s, "hall", 3)
	old := lockSome(t, s, "anna", 0, 1)
	closeStore(t, s)
	s = open(t, path, serving)
	kept := lockSome(t, s, "anna", 1, 2)
	closeStore(t, s)
	rewrite(t, path, fmt.Sprintf("DELETE FROM changes WHERE position < %d", kept.Position))
	s = open(t, path, serving)
	wantLost(t, s, old)
	wantResumed(t, s, kept)
	if n := column(t, path, "SELECT count(*) FROM runs"); n != "1" {
		t.Errorf("%s runs are remembered, want the one whose changes are kept", n)
	}
	closeStore(t, s)
	rewrite(t, path, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
		INSERT INTO runs (epoch, ended) SELECT 'run-' || i, `+fmt.Sprint(kept.Position)+` FROM n`)
	s = open(t, path, serving)
	wantLost(t, s, store.Cursor{Epoch: "run-1", Position: kept.Position})
	wantResumed(t, s, store.Cursor{Epoch: "run-1500", Position: kept.Position})
	if n := column(t, path, "SELECT count(*) FROM runs"); n != "1000" {
		t.Errorf("%s runs are remembered, want 1000", n)
	}
}

// TestPutBackUnderAStartingServer: a server takes the lock file long before its
// run begins, since it reads a copy that was put back first. A command that
// writes meanwhile is no part of the history that the copy's last run has
// elsewhere.
func TestPutBackUnderAStartingServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	s := open(t, path, serving)
	create(t, s, "hall", 9)
	lockSome(t, s, "anna", 0, 1)
	backup := path + ".backup"
	copyStore(t, path, backup)
	lost := lockSome(t, s, "bert", 1, 1)
	closeStore(t, s)
	copyStore(t, backup, path)

	starting, err := os.Open(path + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(starting.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	command := open(t, path, sqlitestore.Options{})
	lockSome(t, command, "carl", 2, 1)
	lockSome(t, command, "carl", 3, 1)
	closeStore(t, command)
	if err := starting.Close(); err != nil {
		t.Fatal(err)
	}
	wantLost(t, open(t, path, serving), lost)
}
