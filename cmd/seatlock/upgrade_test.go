package main

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// oldHouse unpacks a file that 48c37df has made, and returns its address.
func oldHouse(t *testing.T) (address, path string) {
	t.Helper()
	packed, err := os.Open("../../store/sqlitestore/testdata/format2.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	from, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "seatlock.db")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + path, path
}

// TestUpgradeAHouse goes the way of a manager who installs this program over
// 48c37df: nothing but upgrade touches the file, and then all is there.
func TestUpgradeAHouse(t *testing.T) {
	address, path := oldHouse(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{
		{"events"}, {"seats", "--event", "evening"}, {"withhold", "--event", "evening", "B2"}, {"export", "--event", "evening"},
		{"change", "--event", "evening", "--title", "Another"}, {"bookings", "--event", "evening"}, {"paid", "2345678923"}, {"refunded", "2345678923-r1"}, {"serve", "--addr", "127.0.0.1:0"},
	} {
		refuses(t, exitFault, "run seatlock upgrade", append([]string{command[0], "--store", address}, command[1:]...)...)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Fatalf("%v: a command that was refused has changed the file", err)
	}
	out := does(t, "upgrade", "--store", address)
	backups, err := filepath.Glob(path + ".format-2.*.backup")
	if err != nil || len(backups) != 1 || !strings.Contains(out, "from format 2 to 6") || !strings.Contains(out, backups[0]) {
		t.Errorf("upgrade said %q, and left %q, %v", out, backups, err)
	}
	if again := does(t, "upgrade", "--store", address); !strings.Contains(again, "nothing was changed") {
		t.Errorf("a second upgrade said %q", again)
	}
	repeat := does(t, "import", "--create", "--store", address, "--event", "evening", "--title", "Ein Abend für Σωκράτης", "--venue", "Stadttheater",
		"--starts", "2045-05-04T19:30", "--zone", "Europe/Vienna", "--currency", "EUR", "testdata/hall.json")
	if !strings.Contains(repeat, "was made so already: nothing was changed.") {
		t.Errorf("the import of then said %q", repeat)
	}
	if events := does(t, "events", "--store", address); !strings.Contains(events, "Σωκράτης und Freunde") {
		t.Errorf("the events are\n%s", events)
	}
	if held := does(t, "seats", "--store", address, "--event", "evening", "--status", "locked", "--format", "csv"); strings.Count(held, "\n") != 4 {
		t.Errorf("the locked seats are\n%s", held)
	}
}

// TestUpgradeRefuses what it cannot do, in one line.
func TestUpgradeRefuses(t *testing.T) {
	address, path := oldHouse(t)
	refuses(t, exitUsage, "unexpected argument", "upgrade", "--store", address, "now")
	refuses(t, exitUsage, "sqlite:FILE or mongodb://", "upgrade", "--store", "file")
	refuses(t, exitFault, "there is no such file", "upgrade", "--store", address+".not")
	if _, err := os.Stat(path + ".not"); err == nil {
		t.Error("a file was made")
	}
	does(t, "upgrade", "--store", address)
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	if err := sqlitex.ExecuteScript(conn, `UPDATE meta SET value = '9' WHERE name = 'reader'; UPDATE meta SET value = 'v9.0.1' WHERE name = 'program';`, nil); err != nil {
		t.Fatal(err)
	}
	if err := sqlitex.ExecuteTransient(conn, "PRAGMA user_version = 9", nil); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"upgrade", "events", "serve"} {
		refuses(t, exitFault, "v9.0.1", command, "--store", address)
	}
}
