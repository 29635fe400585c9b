package sqlitestore

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestChecked reads the whole file at the start only if the last server on it
// did not end in an orderly way, or somebody has changed the file since.
func TestChecked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	start := func(what, path string, o Options, want bool) *Engine {
		t.Helper()
		o.firstPrune = time.Hour
		e, err := Open(t.Context(), path, o)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		t.Cleanup(func() { e.Close() })
		if e.checked != want {
			t.Errorf("%s: the whole file was read: %v, want %v", what, e.checked, want)
		}
		return e
	}
	server := Options{Serve: true}
	start("new", path, server, true).Close()
	start("ended well", path, Options{}, false).Close()
	e := start("ended well, and a command since", path, server, false)
	command := start("a command beside it", path, Options{}, false)
	if err := e.do(t.Context(), func(x *tx) error { return x.appendRow("hall", "") }); err != nil {
		t.Fatal(err)
	}

	killed := filepath.Join(t.TempDir(), "killed.db") // as a kill would leave it
	for _, suffix := range []string{"-wal", ".lock", ""} {
		body, err := os.ReadFile(path + suffix)
		if err == nil {
			err = os.WriteFile(killed+suffix, body, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	start("killed, a command", killed, Options{}, true).Close()
	start("killed", killed, server, true).Close()
	start("killed, and ended well since", killed, server, false).Close()

	command.Close()
	e.Close()
	now := time.Now()
	if err := os.Chtimes(path, now, now); err != nil {
		t.Fatal(err)
	}
	start("changed since", path, server, true)
}

// TestClosedByCommand has a command be the last to close the file: the log that
// it folds in is no damage, but whoever starts next has to look.
func TestClosedByCommand(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	e, err := Open(t.Context(), path, Options{Serve: true})
	if err != nil {
		t.Fatal(err)
	}
	command, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.do(t.Context(), func(x *tx) error { return x.appendRow("hall", "") }); err != nil {
		t.Fatal(err)
	}
	e.Close()
	if endedWell(path) {
		t.Error("a file with a log counts as closed")
	}
	command.Close()
	if endedWell(path) {
		t.Error("a file that was changed counts as closed")
	}
}
