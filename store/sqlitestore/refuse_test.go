//go:build unix

package sqlitestore_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store/sqlitestore"
)

// TestRefuse opens what must not be opened: each time the answer is one line
// that names the file and what to do, and no byte of the file is changed.
func TestRefuse(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, path string)
		want    string
	}{
		{"garbage", func(t *testing.T, path string) { write(t, path, strings.Repeat("garbage ", 1000)) }, "give another --store"},
		{"a few bytes", func(t *testing.T, path string) { write(t, path, "hello") }, "give another --store"},
		{"garbage header", func(t *testing.T, path string) { overwrite(t, path, 0, 0.01) }, "give another --store"},
		{"garbage in the middle", func(t *testing.T, path string) { overwrite(t, path, 0.3, 0.6) }, "put a backup in its place"},
		{"cut short", cutShort, "put a backup in its place"},
		{"another application", func(t *testing.T, path string) { rewrite(t, path, "CREATE TABLE notes (text)") }, "give another --store"},
		{"another application with a log", func(t *testing.T, path string) {
			rewrite(t, path, "PRAGMA journal_mode = WAL", "PRAGMA application_id = 7", "CREATE TABLE notes (text)")
		}, "give another --store"},
		{"newer version", func(t *testing.T, path string) {
			sound(t, path)
			rewrite(t, path, "PRAGMA user_version = 99", "UPDATE meta SET value = '98' WHERE name = 'reader'",
				"UPDATE meta SET value = 'v9.8.7' WHERE name = 'program'")
		}, "install the Seatlock that upgraded it (v9.8.7), or a newer one"},
		{"older version", func(t *testing.T, path string) { unpackFormat2(t, path) }, "run seatlock upgrade"},
		{"log of a damaged file", damageBesideLog, "put a backup in its place"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "seatlock.db")
			c.prepare(t, path)
			before := contents(t, path)
			for _, serve := range []bool{true, false} {
				s, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{Serve: serve})
				if err == nil {
					s.Close()
				}
				wantRefusal(t, err, path, c.want)
			}
			if after := contents(t, path); after != before {
				t.Errorf("contents before and after: %s, %s", before, after)
			}
		})
	}
}

func TestRefusePlaces(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "x")
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir:                              "give another --store",
		filepath.Join(dir, "pipe"):       "give another --store",
		filepath.Join(dir, "file", "db"): "see that its folder is one",
	} {
		_, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{Serve: true})
		wantRefusal(t, err, path, want)
	}
}

// TestRefuseReadOnly opens files that it may not write, in a child process
// that has no root's privilege to do so all the same.
func TestRefuseReadOnly(t *testing.T) {
	if dir := os.Getenv(childFile); dir != "" {
		dropPrivileges(t)
		for _, serve := range []bool{true, false} {
			for _, name := range []string{"file", "folder"} {
				path := filepath.Join(dir, name, "seatlock.db")
				_, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{Serve: serve})
				wantRefusal(t, err, path, "must be readable and writable")
			}
		}
		return
	}
	dir, err := os.MkdirTemp("", "seatlock") // not t.TempDir, whose parent is private
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		chmod(t, filepath.Join(dir, "folder"), 0o777)
		os.RemoveAll(dir)
	})
	file, folder := filepath.Join(dir, "file", "seatlock.db"), filepath.Join(dir, "folder", "seatlock.db")
	sound(t, file)
	sound(t, folder)
	chmod(t, dir, 0o755)
	chmod(t, file, 0o444)
	chmod(t, filepath.Dir(file), 0o777)
	chmod(t, folder, 0o666)
	if err := os.Remove(folder + ".lock"); err != nil {
		t.Fatal(err)
	}
	chmod(t, filepath.Dir(folder), 0o555)
	before := contents(t, file) + contents(t, folder)
	chmod(t, file+".lock", 0o666)
	runChild(t, dir)
	if after := contents(t, file) + contents(t, folder); after != before {
		t.Errorf("contents before and after: %s, %s", before, after)
	}
}

// TestRefuseServed has another process ask for a file that is served here.
func TestRefuseServed(t *testing.T) {
	if path := os.Getenv(childFile); path != "" {
		for _, name := range []string{path, filepath.Join(filepath.Dir(path), "link.db")} {
			_, err := sqlitestore.Open(t.Context(), name, sqlitestore.Options{Serve: true})
			wantRefusal(t, err, name, "stop it first")
		}
		command := open(t, path, sqlitestore.Options{})
		if _, err := lock(t, command, "hall", "guest", seatID(1)); err != nil {
			t.Errorf("a command beside the server: %v", err)
		}
		return
	}
	path := filepath.Join(t.TempDir(), "seatlock.db")
	if err := os.Symlink(path, filepath.Join(filepath.Dir(path), "link.db")); err != nil {
		t.Fatal(err)
	}
	s := open(t, path, sqlitestore.Options{Serve: true})
	create(t, s, "hall", 2)
	runChild(t, path)
	if got := seatsOf(t, s, "hall")[seatID(1)].LockedBy; got != "guest" {
		t.Errorf("seat is held by %q, want the command's guest", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path, sqlitestore.Options{Serve: true})
}

func wantRefusal(t *testing.T, err error, path, advice string) {
	t.Helper()
	if err == nil {
		t.Fatalf("%s was opened", path)
	}
	line := err.Error()
	if strings.Contains(line, "\n") || !strings.Contains(line, path) || !strings.Contains(line, advice) {
		t.Errorf("got error %q, want one line with %s and %q", line, path, advice)
	}
}

// sound makes a store with an event at path, and its folder.
func sound(t *testing.T, path string) {
	t.Helper()
	s := open(t, path, sqlitestore.Options{Serve: true})
	create(t, s, "hall", 3000)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// overwrite makes a sound store and spoils it between two fractions of its size.
func overwrite(t *testing.T, path string, from, to float64) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		sound(t, path)
	}
	body := read(t, path)
	for i := int(from * float64(len(body))); i < int(to*float64(len(body))); i++ {
		body[i] = 0xa5
	}
	write(t, path, string(body))
	now := time.Now() // finer than the kernel's own
	if err := os.Chtimes(path, now, now); err != nil {
		t.Fatal(err)
	}
}

func cutShort(t *testing.T, path string) {
	sound(t, path)
	if err := os.Truncate(path, int64(len(read(t, path))/2)); err != nil {
		t.Fatal(err)
	}
}

// damageBesideLog leaves what a crash left, with a damaged file: a log that
// has not been folded into it yet.
func damageBesideLog(t *testing.T, path string) {
	live := filepath.Join(t.TempDir(), "live.db")
	sound(t, live)
	s := open(t, live, sqlitestore.Options{})
	if _, err := lock(t, s, "hall", "guest", seatID(1)); err != nil {
		t.Fatal(err)
	}
	write(t, path, string(read(t, live)))
	write(t, path+"-wal", string(read(t, live+"-wal")))
	overwrite(t, path, 0.3, 0.6)
}

// contents tells apart what a file and its log hold.
func contents(t *testing.T, path string) string {
	t.Helper()
	log, err := os.ReadFile(path + "-wal")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x+%x", sha256.Sum256(read(t, path)), sha256.Sum256(log))
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func write(t *testing.T, path, body string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func dropPrivileges(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	const nobody = 65534
	for _, err := range []error{syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)} {
		if err != nil {
			t.Fatal(err)
		}
	}
}
