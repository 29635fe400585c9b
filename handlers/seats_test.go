package handlers_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

func TestHundredVisitorsWantOneSeat(t *testing.T) {
	h := open(t, setting{})
	visitors := make([]*person, 100)
	for i := range visitors {
		visitors[i] = h.visitor(t)
		visitors[i].get("/events/demo")
	}
	replies := make([]reply, len(visitors))
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i, p := range visitors {
		wg.Go(func() {
			<-start
			replies[i] = p.post("lock", "E5")
		})
	}
	close(start)
	wg.Wait()
	count := map[int]int{}
	owners := 0
	for i, r := range replies {
		count[r.StatusCode]++
		if seatsIn(r.text)["E5"].mine != (r.StatusCode == http.StatusOK) {
			t.Errorf("answer %d shows %q", r.StatusCode, r.text)
		}
		if seatsIn(visitors[i].get("/events/demo").text)["E5"].mine {
			owners++
		}
	}
	if count[http.StatusOK] != 1 || count[http.StatusConflict] != 99 || owners != 1 {
		t.Errorf("answers %v and %d owners, want one 200, 99 × 409, one owner", count, owners)
	}
}

func TestLockAnswersWithFragments(t *testing.T) {
	h := open(t, setting{})
	p, other := h.visitor(t), h.visitor(t)
	p.get("/events/demo")

	r := p.post("lock", "A1", "A2", "A1")
	seats := seatsIn(r.text)
	if r.StatusCode != 200 || len(seats) != 2 || !seats["A1"].mine || !seats["A2"].mine {
		t.Fatalf("lock: %d %s", r.StatusCode, r.text)
	}
	for _, part := range []string{`id="basket"`, "2 seats", `role="status"`, "Yours until"} {
		if !strings.Contains(r.text, part) {
			t.Errorf("lock's answer lacks %q", part)
		}
	}
	if again := p.post("lock", "A1"); again.StatusCode != 200 || seatsIn(again.text)["A1"] != seats["A1"] {
		t.Errorf("own lock repeated: %d %v, want 200 and %v", again.StatusCode, seatsIn(again.text), seats["A1"])
	}
	if lost := other.post("lock", "A3", "A1"); lost.StatusCode != 409 || seatsIn(lost.text)["A1"].status != "locked" ||
		seatsIn(lost.text)["A3"].status != "available" || !strings.Contains(lost.text, "Row A seat 1 was just taken") {
		t.Errorf("lock of another's seat: %d %s", lost.StatusCode, lost.text)
	}
	if theirs := other.post("unlock", "A1"); theirs.StatusCode != 409 {
		t.Errorf("unlock of another's seat: %d, want 409", theirs.StatusCode)
	}
	if gave := p.post("unlock", "A1"); gave.StatusCode != 200 || seatsIn(gave.text)["A1"].status != "available" {
		t.Errorf("unlock: %d %s", gave.StatusCode, gave.text)
	}
	if all := p.post("unlock"); all.StatusCode != 200 || seatsIn(all.text)["A2"].status != "available" {
		t.Errorf("unlock of all: %d %s", all.StatusCode, all.text)
	}
}

func TestLimitIsToldWithWhatToDo(t *testing.T) {
	h := open(t, setting{})
	p := h.visitor(t)
	row := []string{"B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B9", "B10"}
	if r := p.post("lock", row...); r.StatusCode != 200 {
		t.Fatalf("ten seats: %d", r.StatusCode)
	}
	r := p.post("lock", "C1")
	if r.StatusCode != 422 || !strings.Contains(r.text, "at most 10 seats") || seatsIn(r.text)["C1"].status != "available" {
		t.Errorf("eleventh seat: %d %s", r.StatusCode, r.text)
	}
}

func TestExtendOnce(t *testing.T) {
	h := open(t, setting{})
	p := h.visitor(t)
	if r := p.post("extend"); r.StatusCode != 409 {
		t.Errorf("extension of nothing: %d, want 409", r.StatusCode)
	}
	p.post("lock", "A1")
	deadline := func() time.Time {
		snapshot, err := h.store.Snapshot(t.Context(), "demo")
		if err != nil {
			t.Fatal(err)
		}
		return snapshot.Seats[0].LockedUntil
	}
	before := deadline()
	for range 2 {
		if r := p.post("extend"); r.StatusCode != 200 || strings.Contains(r.text, "Keep them longer") {
			t.Errorf("extend: %d %s", r.StatusCode, r.text)
		}
		if got := deadline().Sub(before); got != 10*time.Minute {
			t.Errorf("extended by %v, want 10m once", got)
		}
	}
}

func TestWithoutJavaScript(t *testing.T) {
	h := open(t, setting{})
	p, other := h.visitor(t), h.visitor(t)
	p.javascript, other.javascript = false, false
	p.get("/events/demo")

	r := p.post("lock", "D4")
	to, err := r.Location()
	if r.StatusCode != http.StatusSeeOther || err != nil || to.Path != "/events/demo" || to.Fragment != "seat-D4" {
		t.Fatalf("lock: %d to %v", r.StatusCode, to)
	}
	page := p.get(to.RequestURI())
	if !seatsIn(page.text)["D4"].mine || !strings.Contains(page.text, "Yours until") {
		t.Errorf("the page after a lock does not show it")
	}
	refused := other.post("lock", "D4")
	if refused.StatusCode != 409 || len(seatsIn(refused.text)) != 100 || !strings.Contains(refused.text, "was just taken") {
		t.Errorf("refusal: %d with %d seats, want the page with 409 and the reason", refused.StatusCode, len(seatsIn(refused.text)))
	}
	if r := p.post("unlock", "D4"); r.StatusCode != http.StatusSeeOther {
		t.Errorf("unlock: %d", r.StatusCode)
	}
	if h.truth(t)["D4"].status != "available" {
		t.Error("D4 was not given back")
	}
}

func TestNoteIsFromTheClosedList(t *testing.T) {
	h := open(t, setting{})
	r := h.visitor(t).get("/events/demo?note=" + url.QueryEscape("<b>You have won</b>"))
	if r.StatusCode != 200 || strings.Contains(r.text, "You have won") {
		t.Errorf("a note that is not ours is shown: %d", r.StatusCode)
	}
}

// TestFeedHeldBack holds the feed back by 200 ms: every viewer still gets
// every change, and the clicker's next page shows their click.
func TestFeedHeldBack(t *testing.T) {
	h := open(t, setting{wrap: delay(200 * time.Millisecond)})
	p, watcher := h.visitor(t), h.visitor(t)
	p.javascript = false
	page := newScreen(watcher.get("/events/demo").text)
	s := watcher.follow(page.cursor, "")
	p.get("/events/demo")
	for _, seat := range []string{"A1", "A2", "A3", "B1", "B2", "B3"} {
		to, err := p.post("lock", seat).Location()
		if err != nil {
			t.Fatal(err)
		}
		if got := seatsIn(p.get(to.RequestURI()).text)[seat]; !got.mine {
			t.Errorf("the page after the lock of %s shows %v", seat, got)
		}
	}
	p.post("unlock", "A2")
	s.until(page, "all changes", func() bool {
		locked := 0
		for _, seat := range page.seats {
			if seat.status == "locked" {
				locked++
			}
		}
		return locked == 5 && page.seats["A2"].version == 3
	})
	if !page.equals(h.truth(t)) {
		t.Error("the watcher's map differs from a new page")
	}
	if page.resyncs != 0 {
		t.Errorf("%d resyncs, want none", page.resyncs)
	}
}

func TestSalesTimes(t *testing.T) {
	h := open(t, setting{})
	soon := time.Now().Add(time.Hour)
	err := h.store.CreateEvent(t.Context(), store.NewEvent{
		Event:    store.Event{ID: "later", Title: "Later", Zone: "UTC", Currency: "EUR", Prices: map[string]int64{"c": 0}, SalesOpen: soon},
		PlanBody: []byte(`{"name":"x","categories":[{"id":"c","name":"C"}],"sections":[{"id":"s","name":"S","rows":[{"label":"A","seats":[{"id":"A1","label":"1","category":"c","x":0,"y":0}]}]}]}`),
		Seats:    []string{"A1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := h.visitor(t)
	r := p.form("lock", "seat=A1")
	r.URL.Path = "/events/later/lock"
	if got := p.do(r); got.StatusCode != 409 || !strings.Contains(got.text, "Sales open on") {
		t.Errorf("lock before sales: %d %s", got.StatusCode, got.text)
	}
	if got := h.visitor(t).get("/"); !slices.Contains([]int{200}, got.StatusCode) || !strings.Contains(got.text, "Later") {
		t.Errorf("list: %d", got.StatusCode)
	}
}

// An event that has taken place has no seats for anybody, though no time ends
// its sales, and does not stand on the first page.
func TestPastEvent(t *testing.T) {
	h := open(t, setting{})
	p := h.visitor(t)
	seats := []string{"A1", "A2", "A3"}
	for id, ago := range map[string]time.Duration{"past": store.Evening, "tonight": store.Evening - time.Hour} {
		body := plan.Plan{Name: "Hall", Categories: []plan.Category{{ID: "all", Name: "All"}}, Sections: []plan.Section{{ID: "S", Name: "S",
			Rows: []plan.Row{{Label: "A", Seats: []plan.Seat{{ID: "A1", Label: "1", Category: "all"}, {ID: "A2", Label: "2", Category: "all", X: 1}, {ID: "A3", Label: "3", Category: "all", X: 2}}}}}}}.Encode()
		if err := h.store.CreateEvent(t.Context(), store.NewEvent{
			Event:    store.Event{ID: id, Title: id, Zone: "Europe/Vienna", Currency: "EUR", Prices: map[string]int64{"all": 0}, Starts: time.Now().Add(-ago)},
			PlanBody: body, Seats: seats,
		}); err != nil {
			t.Fatal(err)
		}
	}
	events := p.get("/").text
	for id, want := range map[string]int{"past": http.StatusConflict, "tonight": http.StatusOK} {
		if got := strings.Contains(events, `href="/events/`+id+`"`); got != (want == http.StatusOK) {
			t.Errorf("%s is on the first page: %v", id, got)
		}
		for action, form := range map[string]string{"lock": "seat=A1", "best": "count=2"} {
			r := p.form(action, form)
			r.URL.Path = "/events/" + id + "/" + action
			got := p.do(r)
			if says := strings.Contains(got.text, "This event has taken place."); got.StatusCode != want || says != (want == http.StatusConflict) {
				t.Errorf("%s of %s answers %d:\n%s", action, id, got.StatusCode, got.text)
			}
		}
	}
}
