package handlers_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
)

// begin has the holder of a seat pay for all that they have locked, or reserve it
// to be paid at the door, as a checkout does.
func (h *house) begin(t *testing.T, seat string, atDoor bool) (code string) {
	t.Helper()
	e, err := h.store.Event(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := h.store.Snapshot(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	var holder store.Holder
	for _, s := range snapshot.Seats {
		if s.ID == seat {
			holder = s.LockedBy
		}
	}
	r := store.BeginRequest{
		Event: "demo", Holder: holder, Code: store.NewCode(), Request: store.NewCode(), Contents: "form", Revision: e.Revision,
		Person:   store.Person{Name: "Ada Lovelace", Email: "ada@example.org"},
		Provider: "door", AtDoor: atDoor, Rules: store.DefaultPayRules(0),
	}
	for _, s := range snapshot.Seats {
		if s.Status == store.Locked && s.LockedBy == holder {
			r.Lines = append(r.Lines, store.Line{Seat: s.ID, Label: s.ID, Row: "A", Section: "S", Category: "c", Price: 100})
		}
	}
	if code, err = h.store.Begin(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	for limit := time.Now().Add(20 * time.Second); h.truth(t)[seat].version < 3; { // locked, then begun
		if time.Now().After(limit) {
			t.Fatal("no page shows what was begun")
		}
	}
	return code
}

func wantAll(t *testing.T, what string, r reply, status int, parts ...string) {
	t.Helper()
	if r.StatusCode != status {
		t.Errorf("%s: %d, want %d", what, r.StatusCode, status)
	}
	for _, part := range parts {
		if !strings.Contains(r.text, part) {
			t.Errorf("%s lacks %q:\n%s", what, part, r.text)
		}
	}
}

// Seats that are being paid for are their holder's, but no time ends them: the
// basket tells them apart, and nothing that is posted changes them.
func TestPayingSeatsStayAsTheyAre(t *testing.T) {
	h := open(t, setting{})
	p, other := h.visitor(t), h.visitor(t)
	p.get("/events/demo")
	p.post("lock", "A1", "A2")
	code := h.begin(t, "A1", false)
	before := h.truth(t)

	link := `href="/bookings/` + code + `">being paid for</a>`
	page := p.get("/events/demo")
	wantAll(t, "the page", page, 200, "2 seats are being paid for", link, `class="locked mine"`)
	for _, not := range []string{`id="countdown"`, `id="extend"`, `id="book"`, `class="drop"`} {
		if strings.Contains(page.text, not) {
			t.Errorf("the basket of paying seats has %s", not)
		}
	}
	const says = "Row A seat 1 is being paid for, and yours meanwhile."
	wantAll(t, "lock", p.post("lock", "A1"), 200, says, `<span class="done">`, link)
	wantAll(t, "unlock", p.post("unlock", "A1"), 409, says, `<span class="refused">`)
	wantAll(t, "extend", p.post("extend"), 409, link)
	wantAll(t, "unlock of all", p.post("unlock"), 200, "Given back.", link)
	more := p.post("lock", "A1", "A3")
	wantAll(t, "lock of one more", more, 200, "Yours until", says, "1 seat</span>", "Book 1 seat, ", `id="countdown"`, link)
	wantAll(t, "unlock of all", p.post("unlock"), 200, link)
	if got := h.truth(t); got["A1"] != before["A1"] || got["A2"] != before["A2"] || got["A3"].status != "available" {
		t.Errorf("the posts made %v and %v of %v and %v", got["A1"], got["A2"], before["A1"], before["A2"])
	}
	p.javascript = false
	r := p.post("lock", "A2")
	to, err := r.Location()
	if r.StatusCode != http.StatusSeeOther || err != nil {
		t.Fatalf("lock without JavaScript: %d", r.StatusCode)
	}
	wantAll(t, "the page after it", p.get(to.RequestURI()), 200, "Being paid for, and yours meanwhile.")
	if text := other.get("/events/demo").text; strings.Contains(text, code) || strings.Contains(text, "being paid for") {
		t.Error("another visitor is told of the payment")
	}
	if r := other.post("lock", "A1"); r.StatusCode != 409 || seatsIn(r.text)["A1"].status != "locked" || strings.Contains(r.text, code) {
		t.Errorf("another's lock: %d %s", r.StatusCode, r.text)
	}
}

// The best seats of a request that is repeated while they are being paid for are
// the same.
func TestBestOfPayingSeats(t *testing.T) {
	h := open(t, setting{})
	p := h.visitor(t)
	p.get("/events/demo")
	ask := func() reply { return p.do(p.form("best", url.Values{"count": {"1"}, "request": {"r1"}}.Encode())) }
	var seat string
	for id := range seatsIn(ask().text) {
		seat = id
	}
	h.begin(t, seat, false)
	again := ask()
	wantAll(t, "best again", again, 200, "is being paid for, and yours meanwhile.", `id="best-request"`)
	if got := seatsIn(again.text); len(got) != 1 || !got[seat].mine || strings.Contains(again.text, "Yours until") {
		t.Errorf("best again has %v, want %s, and no time:\n%s", got, seat, again.text)
	}
}

// What is booked is a link for its owner alone: on pages, in answers and in the
// stream of each tab, until it is cancelled.
func TestOwnBookedSeats(t *testing.T) {
	h := open(t, setting{})
	p, other := h.visitor(t), h.visitor(t)
	page, watched := newScreen(p.get("/events/demo").text), newScreen(other.get("/events/demo").text)
	p.post("lock", "A1", "A2")
	tab, watcher := p.follow(page.cursor, ""), other.follow(watched.cursor, "")
	code := h.begin(t, "A1", true)
	link := `<a href="/bookings/` + code + `" id="seat-A1" class="booked mine" data-v="3" aria-label="Row A seat 1, `

	told := tab.untilTold(t, link)
	if !strings.Contains(told, "Booked: Row A seat 1, Row A seat 2.") || strings.Contains(told, `class="locked mine"`) {
		t.Errorf("the tab is told %s", told)
	}
	wantAll(t, "the page", p.get("/events/demo"), 200, link, ", your booking\">1</a>")
	const says = "Row A seat 1 is booked for you already."
	wantAll(t, "lock", p.post("lock", "A1"), 409, says, link)
	wantAll(t, "unlock", p.post("unlock", "A1"), 409, says, link)
	p.javascript = false
	wantAll(t, "lock without JavaScript", p.post("lock", "A1"), 409, says, link)

	if r := other.post("lock", "A1"); r.StatusCode != 409 || seatsIn(r.text)["A1"].status != "booked" || strings.Contains(r.text, code) || strings.Contains(r.text, "booked for you") {
		t.Errorf("another's lock: %d %s", r.StatusCode, r.text)
	}
	if text := other.get("/events/demo").text; strings.Contains(text, code) || strings.Contains(text, "your booking") {
		t.Error("another visitor's page tells whose the seats are")
	}
	if seen := watcher.untilTold(t, `id="seat-A1" class="booked"`); strings.Contains(seen, code) {
		t.Errorf("another visitor's stream tells the code: %s", seen)
	}
	if _, err := h.store.Cancel(t.Context(), store.CancelRequest{Code: code, Seats: []string{"A1"}}); err != nil {
		t.Fatal(err)
	}
	told = tab.untilTold(t, "Cancelled: Row A seat 1 is free again.")
	if strings.Contains(told, `id="seat-A1" class="booked mine"`) || !strings.Contains(told, `id="seat-A2" class="booked mine"`) {
		t.Errorf("after the cancel the tab is told %s", told)
	}
	if got := seatsIn(p.get("/events/demo").text)["A1"]; got.status != "available" {
		t.Errorf("after the cancel its former owner sees %v", got)
	}
}

// untilTold reads messages until one has the text, and returns it.
func (s *stream) untilTold(t *testing.T, text string) (message string) {
	t.Helper()
	for !strings.Contains(message, text) {
		var err error
		if _, _, message, err = s.next(); err != nil {
			t.Fatalf("the stream ended before %q: %v", text, err)
		}
	}
	return message
}
