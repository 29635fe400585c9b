//go:build unix

package sqlitestore_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

// logged keeps what was logged.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// lines returns the lines that have the words.
func (l *logged) lines(words string) (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, words) {
			lines = append(lines, line)
		}
	}
	return lines
}

func serve(t *testing.T, path string) (*store.Store, *logged) {
	t.Helper()
	log := &logged{}
	return open(t, path, sqlitestore.Options{Serve: true, Log: slog.New(slog.NewTextHandler(log, nil))}), log
}

// TestFileGone takes the file away under a running server, in each way it can
// be: nothing is sold from then on, Ping says so, and one line tells what to do.
func TestFileGone(t *testing.T) {
	for _, c := range []struct {
		name string
		take func(t *testing.T, path string) // path is a link to live.db
		line string
	}{
		{"removed", func(t *testing.T, path string) { remove(t, real(path)) }, "removed under the running program"},
		{"link removed", func(t *testing.T, path string) { remove(t, path) }, "removed under the running program"},
		{"log removed", func(t *testing.T, path string) { remove(t, real(path)+"-wal") }, "removed under the running program"},
		{"index removed", func(t *testing.T, path string) { remove(t, real(path)+"-shm") }, "removed under the running program"},
		{"replaced", func(t *testing.T, path string) { rename(t, path+".other", real(path)) }, "another file has come into its place: restart"},
		{"link turned", func(t *testing.T, path string) {
			remove(t, path)
			symlink(t, path+".other", path)
		}, "another file has come into its place: restart"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "seatlock.db")
			sound(t, path+".other")
			symlink(t, real(path), path)
			write(t, real(path), "")
			s, log := serve(t, path)
			create(t, s, "hall", 200)
			if _, err := lock(t, s, "hall", "ann", seatID(0)); err != nil {
				t.Fatal(err)
			}
			if err := s.Ping(t.Context()); err != nil {
				t.Fatalf("ping before: %v", err)
			}
			c.take(t, path)
			for i := range 200 {
				if _, err := lock(t, s, "hall", holder(i), seatID(i)); !errors.Is(err, store.ErrUnavailable) {
					t.Fatalf("lock %d afterwards: got error %v, want %v", i, err, store.ErrUnavailable)
				}
			}
			if err := s.Ping(t.Context()); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("ping afterwards: got error %v, want %v", err, store.ErrUnavailable)
			}
			if lines := log.lines("level=ERROR"); len(lines) != 1 || !strings.Contains(lines[0], c.line) {
				t.Errorf("got lines %q, want one with %q", lines, c.line)
			}
		})
	}
}

// real is the file that path is a link to.
func real(path string) string { return filepath.Join(filepath.Dir(path), "live.db") }

// TestFileBack moves the file away and back while others write: the server goes
// on by itself, and all that it granted is there.
func TestFileBack(t *testing.T) {
	const seats = 400
	path := filepath.Join(t.TempDir(), "seatlock.db")
	s, _ := serve(t, path)
	create(t, s, "hall", seats)
	errs := make([]error, seats)
	var wg sync.WaitGroup
	away := make(chan struct{})
	for g := range 4 {
		wg.Go(func() {
			for i := g; i < seats; i += 4 {
				if i >= seats/2 {
					<-away
				}
				_, errs[i] = lock(t, s, "hall", holder(i), seatID(i))
			}
		})
	}
	rename(t, path, path+".away")
	close(away)
	wg.Wait()
	rename(t, path+".away", path)
	eventually(t, "the store is ready", func() bool { return s.Ping(t.Context()) == nil })
	got := seatsOf(t, s, "hall")
	for i, err := range errs {
		switch locked := got[seatID(i)].Status == store.Locked; {
		case err == nil && !locked, errors.Is(err, store.ErrUnavailable) && locked:
			t.Errorf("seat %d: locked is %v after %v", i, locked, err)
		case err == nil && i >= seats/2:
			t.Errorf("seat %d was granted without a file", i)
		}
	}
	if _, err := lock(t, s, "hall", "zoe", seatID(seats-1)); err != nil {
		t.Errorf("lock with the file back: %v", err)
	}
}

// TestHardLink has two servers come to one file by two names: the second is
// refused, from another process and from this one, and the first goes on.
func TestHardLink(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("elsewhere nothing keeps it off")
		return
	}
	if path := os.Getenv(childFile); path != "" {
		link := filepath.Join(filepath.Dir(path), "link.db")
		_, err := sqlitestore.Open(t.Context(), link, sqlitestore.Options{Serve: true})
		wantRefusal(t, err, link, "stop it first")
		if _, err := os.Stat(link + "-wal"); err == nil {
			t.Error("the second server made a log of its own")
		}
		_, err = sqlitestore.Open(t.Context(), link, sqlitestore.Options{})
		wantRefusal(t, err, link, "stop it first")      // for a command, too, has the log of its name
		command := open(t, path, sqlitestore.Options{}) // as the last one to close, it would remove the log
		if _, err := lock(t, command, "hall", "guest", seatID(1)); err != nil {
			t.Errorf("a command beside the server: %v", err)
		}
		return
	}
	path := filepath.Join(t.TempDir(), "seatlock.db")
	s, _ := serve(t, path)
	create(t, s, "hall", 3)
	link := filepath.Join(filepath.Dir(path), "link.db")
	if err := os.Link(path, link); err != nil {
		t.Fatal(err)
	}
	_, err := sqlitestore.Open(t.Context(), link, sqlitestore.Options{Serve: true})
	wantRefusal(t, err, link, "stop it first")
	runChild(t, path)
	if _, err := lock(t, s, "hall", "ann", seatID(2)); err != nil {
		t.Errorf("lock afterwards: %v", err)
	}
	if got := seatsOf(t, s, "hall")[seatID(1)].LockedBy; got != "guest" {
		t.Errorf("seat is held by %q, want the command's guest", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantSound(t, path)
	open(t, link, sqlitestore.Options{Serve: true}) // by any name, when the first is gone
}

// TestTighten serves a file that others can read, with its log.
func TestTighten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	sound(t, path)
	chmod(t, path, 0o644)
	files := []string{path, path + "-wal", path + "-shm"}
	command := open(t, path, sqlitestore.Options{})
	if _, err := lock(t, command, "hall", "ann", seatID(0)); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o644 {
			t.Fatalf("%s: mode %v, %v; want it open to others before", file, info.Mode(), err)
		}
	}
	for _, lines := range []int{1, 0} {
		s, log := serve(t, path)
		for _, file := range files {
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: mode %v, %v; want it for its owner alone", file, info.Mode(), err)
			}
		}
		if got := log.lines("its owner alone"); len(got) != lines {
			t.Errorf("got lines %q, want %d", got, lines)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// eventually waits for what takes a moment.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}
