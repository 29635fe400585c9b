package handlers_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

// reserve has seats become what only a newer program knows, as that would write
// it: a status, with a reason in the feed.
func reserve(t *testing.T, path string, seats ...string) {
	t.Helper()
	var sql strings.Builder
	for _, id := range seats {
		fmt.Fprintf(&sql, `INSERT INTO changes (position, at, event, body)
			SELECT (SELECT max(position) FROM changes) + 1, (SELECT max(at) FROM changes), event, json_array(json_object(
				'seat', id, 'status', 'reserved', 'by', locked_by, 'version', version + 1, 'before', locked_by, 'reason', 'put by'))
			FROM seats WHERE event = 'demo' AND id = '%s';
			UPDATE seats SET status = 'reserved', version = version + 1 WHERE event = 'demo' AND id = '%[1]s';
			`, id)
	}
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetBusyTimeout(5 * time.Second)
	if err := sqlitex.ExecuteScript(conn, sql.String(), nil); err != nil {
		t.Fatal(err)
	}
}

// A seat whose status only a newer program knows is not for sale: pages show it
// so, posts for it are refused, and streams go on, begun before it or after.
func TestSeatOfUnknownStatus(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	h := open(t, setting{path: path})
	p := h.visitor(t)
	p.get("/events/demo")
	p.post("lock", "A4")
	old := newScreen(p.get("/events/demo").text)
	s := p.follow(old.cursor, "")
	reserve(t, path, "A4", "A5")
	unknown := shown{"withheld", 3, false}
	s.until(old, "A4 as it is now", func() bool { return old.seats["A4"] == unknown && old.seats["A5"].status == "withheld" })

	page := p.get("/events/demo").text
	if now := newScreen(page); !now.equals(old.seats) || !strings.Contains(page, ", not for sale") || mineIn(page) != "" {
		t.Errorf("the page shows A4 as %+v, the stream as %+v", now.seats["A4"], old.seats["A4"])
	}
	for _, action := range []string{"lock", "unlock"} {
		for _, seat := range []string{"A4", "A5"} { // by the visitor's id, and by nobody's
			r := p.post(action, seat)
			if r.StatusCode != 409 || !strings.Contains(r.text, "Row A seat "+seat[1:]+" is not for sale") || seatsIn(r.text)[seat].status != "withheld" {
				t.Errorf("%s of %s: %d %s", action, seat, r.StatusCode, r.text)
			}
		}
	}
	p.wantBest("count=2", "A6 A7")
	s.until(old, "what came after it", func() bool { return old.seats["A7"].mine })
	anew := &screen{seats: map[string]shown{}}
	other := h.visitor(t).follow("", "")
	other.until(anew, "the whole map", func() bool { return anew.seats["A4"] == unknown && anew.seats["A7"].status == "locked" })
	if old.resyncs != 0 {
		t.Errorf("%d whole maps came, want none", old.resyncs)
	}
	h.stop()
	h = open(t, setting{path: path}) // which begins with such seats
	if now := h.truth(t); now["A4"] != unknown {
		t.Errorf("the next server shows A4 as %+v", now["A4"])
	}
	if log := h.log.String(); strings.Contains(log, "level=ERROR") || strings.Contains(log, "broke off") {
		t.Errorf("logged:\n%s", log)
	}
}

// Whom the house takes seats from is told so, in their language.
func TestReleaseIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	h := open(t, setting{path: path})
	p, german := h.visitor(t), h.visitor(t)
	german.languages = "de"
	streams := map[string]*stream{}
	for seats, who := range map[string]*person{"A1 A2": p, "B1": german} {
		page := who.get("/events/demo").text
		who.post("lock", strings.Fields(seats)...)
		streams[seats] = who.followPage(page)
	}
	house, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{}) // another process
	if err != nil {
		t.Fatal(err)
	}
	defer house.Close()
	_, err = store.New(house).Release(t.Context(), store.ReleaseRequest{Event: "demo", Seats: []string{"A1", "A2", "B1"}})
	if err != nil {
		t.Fatal(err)
	}
	for seats, line := range map[string]string{
		"A1 A2": "The box office has released Row A seat 1, Row A seat 2. Please choose again.",
		"B1":    "Die Kasse hat Reihe B Platz 1 freigegeben. Bitte wählen Sie neu.",
	} {
		streams[seats].untilText(line, func(text string) bool {
			if strings.Contains(text, "Your time ran out") || strings.Contains(text, "Zeit ist abgelaufen") {
				t.Fatalf("the time of %s did not run out:\n%s", seats, text)
			}
			return strings.Contains(text, line)
		})
	}
}
