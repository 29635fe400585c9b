package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/seatlock/seatlock/store"
)

var cursorOnPage = regexp.MustCompile(`cursor=([0-9a-f]+(?:%3A|:)\d+)`)

// cursor is what a page that is opened now would resume from.
func (p *program) cursor() string {
	p.t.Helper()
	_, _, page := get(p.t, p.site+"/events/demo")
	found := cursorOnPage.FindStringSubmatch(page)
	if found == nil {
		p.t.Fatal("the page has no cursor")
	}
	return found[1]
}

// resumed returns the first message that a page with the cursor gets.
func (p *program) resumed(cursor string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.site+"/events/demo/live?cursor="+cursor, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	var message strings.Builder
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		message.WriteString(lines.Text() + "\n")
		if strings.HasPrefix(lines.Text(), "id:") {
			return message.String()
		}
	}
	p.t.Fatalf("the stream ended after %q", message.String())
	return ""
}

// whole tells whether a message has the whole map; J10 is a seat that nobody
// touches.
func whole(message string) bool { return strings.Contains(message, `id="seat-J10"`) }

// TestRestoreDrill is the drill of docs/operate.md: a page that was open before
// gets the whole map of what was restored, and an ordinary restart resumes.
func TestRestoreDrill(t *testing.T) {
	p := serveProgram(t)
	path := strings.TrimPrefix(p.store, "sqlite:")
	p.rival().lock("A1")
	backup := filepath.Join(t.TempDir(), "backup.db")
	does(t, "backup", "--store", p.store, backup)
	if info, err := os.Stat(backup); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the backup is %v, %v: want it for its owner alone", info, err)
	}
	refuses(t, exitFault, backup, "backup", "--store", p.store, backup)
	p.rival().lock("B1")
	beforeRestart := p.cursor()
	p.stop()
	p.restart()
	p.rival().lock("C1")
	if message := p.resumed(beforeRestart); whole(message) || !strings.Contains(message, `id="seat-C1"`) || strings.Contains(message, `id="seat-B1"`) {
		t.Errorf("after a restart, a page gets\n%.2000s\nwant only what it lacks", message)
	}
	beforeRestore := p.cursor()
	p.stop()
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.RemoveAll(name); err != nil {
			t.Fatal(err)
		}
	}
	does(t, "check", "--store", "sqlite:"+backup)
	copyFile(t, backup, path)
	p.restart()
	p.rival().lock("D1", "D2", "D3") // so that the restored store comes as far as the other did
	for name, cursor := range map[string]string{"the restart": beforeRestart, "the restore": beforeRestore} {
		if message := p.resumed(cursor); !whole(message) {
			t.Errorf("a page from before %s gets\n%.2000s\nwant the whole map", name, message)
		}
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	body, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, body, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestCheckTellsDamage: each kind of thing that does not fit is found, on either
// engine, and a sound store is called so.
func TestCheckTellsDamage(t *testing.T) {
	address := house(t)
	if said := does(t, "check", "--store", address); !strings.Contains(said, "is sound") {
		t.Errorf("of a sound store it says %q", said)
	}
	script(t, strings.TrimPrefix(address, "sqlite:"), `UPDATE seats SET locked_by = 'nobody-secret' WHERE place = 0; DELETE FROM seats WHERE place = 2;`)
	code, out, _ := told(t, "check", "--store", address)
	if code != exitFault || out == "" || strings.Contains(out, "secret") {
		t.Errorf("exit %d, %q: want findings that do not tell who has a seat", code, out)
	}
}

// TestCheckChangesNothing: a file of the format before, which a command that works
// on it would upgrade, stays byte for byte as it is; and seats that are not their
// plan's are told of, also there.
func TestCheckChangesNothing(t *testing.T) {
	address := house(t)
	path := strings.TrimPrefix(address, "sqlite:")
	script(t, path, `DROP TABLE trail; ALTER TABLE events DROP COLUMN tariffs; DROP TRIGGER clocks_unpaid; ALTER TABLE events DROP COLUMN terms; ALTER TABLE clocks DROP COLUMN unpaid; PRAGMA user_version = 4;`)
	before := fileOnDisk(t, path)
	if said := does(t, "check", "--store", address); !strings.Contains(said, "is sound") {
		t.Errorf("it says %q", said)
	}
	if !bytes.Equal(fileOnDisk(t, path), before) {
		t.Error("the file was changed")
	}
	script(t, path, `UPDATE seats SET place = 9 - place;`)
	before = fileOnDisk(t, path)
	if code, out, _ := told(t, "check", "--store", address); code != exitFault || out != "event gala: its seats are not those of its plan\n" {
		t.Errorf("exit %d, %q", code, out)
	}
	if !bytes.Equal(fileOnDisk(t, path), before) {
		t.Error("the file was changed")
	}
	does(t, "events", "--store", address) // works on it, and so upgrades it
	if bytes.Equal(fileOnDisk(t, path), before) {
		t.Error("no command upgrades this file: it proves nothing")
	}
}

func fileOnDisk(t *testing.T, path string) []byte {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// script changes a file past the engine.
func script(t *testing.T, path, text string) {
	t.Helper()
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	err = sqlitex.ExecuteScript(conn, text, nil)
	if err := errors.Join(err, conn.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestStoreCommandsOnMongo(t *testing.T) {
	p := serveStoreOf(t, mongoWithDemo(t), noDemos)
	p.rival().lock("A1")
	before := p.cursor()
	does(t, "check", "--store", p.store)
	refuses(t, exitUsage, "mongodump", "backup", "--store", p.store, filepath.Join(t.TempDir(), "backup.db"))
	p.stop()
	does(t, "new-epoch", "--store", p.store)
	p.restart()
	if message := p.resumed(before); !whole(message) {
		t.Errorf("a page from before the new epoch gets\n%.2000s\nwant the whole map", message)
	}
	refuses(t, exitUsage, "MongoDB", "new-epoch", "--store", house(t))
}

// TestRemoveEvent: an event goes only if nobody has a seat of it, and open pages
// of it end.
func TestRemoveEvent(t *testing.T) {
	p := serveProgram(t)
	visitor := p.rival()
	visitor.lock("A1")
	refuses(t, exitFault, "A1 is locked; nothing was changed", "remove", "--store", p.store, "--event", "demo")
	visitor.unlock()
	does(t, "remove", "--store", p.store, "--event", "demo")
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		status, _, _ := get(t, p.site+"/events/demo")
		if status == http.StatusNotFound {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the page of an event that is gone answers %d", status)
		}
	}
	if _, err := eventOf(t, p.store, "demo"); err == nil || !strings.Contains(err.Error(), store.ErrNoEvent.Error()) {
		t.Errorf("the event is %v", err)
	}
	refuses(t, exitFault, "no such event; nothing was changed", "remove", "--store", p.store, "--event", "demo")
	refuses(t, exitUsage, "--event", "remove", "--store", p.store)
}
