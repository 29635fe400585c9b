//go:build unix

package sqlitestore_test

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/seatlock/seatlock/store/sqlitestore"
)

// TestBackup copies a store under 16 writers, again and again: each copy is a
// sound store by itself, has all that was granted before it began, and is for
// nobody else's eyes.
func TestBackup(t *testing.T) {
	const seats, copies = 20_000, 5
	path := filepath.Join(t.TempDir(), "seatlock.db")
	s, _ := serve(t, path)
	create(t, s, "hall", seats)
	var next atomic.Int64
	done := make([]atomic.Bool, seats)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < seats && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if _, err := lock(t, s, "hall", holder(i), seatID(i)); err != nil {
					t.Error(err)
				}
				done[i].Store(true)
			}
		})
	}
	t.Cleanup(wg.Wait)
	t.Cleanup(stop)
	granted := make([][]int, copies)
	for n := range copies {
		for i := range seats {
			if done[i].Load() {
				granted[n] = append(granted[n], i)
			}
		}
		if err := sqlitestore.Backup(t.Context(), path, copyName(path, n)); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	wg.Wait()
	for n, granted := range granted {
		wantCopy(t, copyName(path, n), granted)
	}
	if len(granted[copies-1]) == 0 || int(next.Load()) >= seats {
		t.Errorf("copies were made beside no writers: %d seats were granted by then", len(granted[copies-1]))
	}
	wantNoParts(t, filepath.Dir(path))
}

func copyName(path string, n int) string { return path + ".copy" + string(rune('0'+n)) }

// wantCopy wants a sound store with those seats granted.
func wantCopy(t *testing.T, path string, granted []int) {
	t.Helper()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%s: mode %v, %v; want it for its owner alone", path, info.Mode(), err)
	}
	wantFindings(t, path)
	if lacks := column(t, path, "SELECT (SELECT sum(version - 1) FROM seats) - (SELECT count(*) FROM trail)"); lacks != "0" {
		t.Errorf("%s: the trail lacks %s changes", path, lacks)
	}
	s := open(t, path, sqlitestore.Options{Serve: true})
	got := seatsOf(t, s, "hall")
	for _, i := range granted {
		if got[seatID(i)].LockedBy != holder(i) {
			t.Fatalf("%s: seat %d was granted before, and is held by %q", path, i, got[seatID(i)].LockedBy)
		}
	}
	last := seatID(len(got) - 1) // which nobody came to
	if _, err := lock(t, s, "hall", "new", last); err != nil {
		t.Errorf("lock in the copy: %v", err)
	}
}

func wantNoParts(t *testing.T, folder string) {
	t.Helper()
	if parts, err := filepath.Glob(filepath.Join(folder, "*.part*")); err != nil || len(parts) > 0 {
		t.Errorf("left behind: %q, %v", parts, err)
	}
}

// TestBackupMode never shows the copy to others, from its first byte on.
func TestBackupMode(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	path := filepath.Join(t.TempDir(), "seatlock.db")
	sound(t, path)
	stop, watched := make(chan struct{}), make(chan []string)
	go func() {
		var seen []string
		for {
			files, _ := filepath.Glob(path + ".*copy*")
			for _, file := range files {
				if info, err := os.Stat(file); err == nil && info.Mode().Perm() != 0o600 {
					seen = append(seen, file+" "+info.Mode().String())
				}
			}
			select {
			case <-stop:
				watched <- seen
				return
			default:
			}
		}
	}()
	for n := range 5 {
		if err := sqlitestore.Backup(t.Context(), path, copyName(path, n)); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	if seen := <-watched; len(seen) > 0 {
		t.Errorf("others could read %q", seen)
	}
}

// TestBackupRefused makes backups that cannot be: one line says why, what is
// there stays as it is, and nothing is left behind.
func TestBackupRefused(t *testing.T) {
	dir := t.TempDir()
	path, taken, garbage := filepath.Join(dir, "seatlock.db"), filepath.Join(dir, "taken"), filepath.Join(dir, "garbage")
	sound(t, path)
	write(t, taken, "mine")
	write(t, garbage, strings.Repeat("garbage ", 1000))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name, from, to string
		ctx            context.Context
		want           string
	}{
		{"taken", path, taken, t.Context(), "give another name"},
		{"itself", path, path, t.Context(), "give another name"},
		{"no folder", path, filepath.Join(dir, "none", "copy"), t.Context(), "make its folder first"},
		{"no store", filepath.Join(dir, "none.db"), filepath.Join(dir, "copy"), t.Context(), "none.db"},
		{"not ours", garbage, filepath.Join(dir, "copy"), t.Context(), "garbage"},
		{"ended", path, filepath.Join(dir, "copy"), ended, "context canceled"},
	} {
		err := sqlitestore.Backup(c.ctx, c.from, c.to)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got error %q, want one line with %q", c.name, err, c.want)
		}
	}
	if got := string(read(t, taken)); got != "mine" {
		t.Errorf("the file that was there has %q", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "copy")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a copy was made")
	}
	wantNoParts(t, dir)
}

// TestBackupFullDisk lets the copy grow no further half way.
func TestBackupFullDisk(t *testing.T) {
	path := os.Getenv(childFile)
	if path == "" {
		path = filepath.Join(t.TempDir(), "seatlock.db")
		sound(t, path)
		runChild(t, path)
		wantNoParts(t, filepath.Dir(path))
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = uint64(len(read(t, path)) / 2)
	limitFiles(t, limit)
	err := sqlitestore.Backup(t.Context(), path, path+".copy")
	if err == nil || !strings.Contains(err.Error(), "is the disk full?") {
		t.Errorf("got error %v, want one that asks for the disk", err)
	}
	if _, err := os.Stat(path + ".copy"); !errors.Is(err, os.ErrNotExist) {
		t.Error("half a copy was made")
	}
}
