package handlers_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
)

// reader counts what is read of a store, and can change it on the way.
type reader struct {
	*store.Store
	lists, plans atomic.Int32
	snapshots    atomic.Int32
	event        func(store.Event) store.Event
	plan         func([]byte) []byte
}

func (r *reader) Events(ctx context.Context) ([]store.Event, error) {
	r.lists.Add(1)
	events, err := r.Store.Events(ctx)
	for i := range events {
		events[i] = r.changed(events[i])
	}
	return events, err
}

func (r *reader) Snapshot(ctx context.Context, event string) (store.Snapshot, error) {
	r.snapshots.Add(1)
	return r.Store.Snapshot(ctx, event)
}

func (r *reader) Event(ctx context.Context, id string) (store.Event, error) {
	e, err := r.Store.Event(ctx, id)
	return r.changed(e), err
}

func (r *reader) changed(e store.Event) store.Event {
	if r.event == nil {
		return e
	}
	return r.event(e)
}

func (r *reader) Plan(ctx context.Context, hash string) ([]byte, error) {
	r.plans.Add(1)
	body, err := r.Store.Plan(ctx, hash)
	if r.plan != nil {
		body = r.plan(body)
	}
	return body, err
}

func openReader(t *testing.T) (*house, *reader) {
	r := &reader{}
	return open(t, setting{wrap: func(s *store.Store) served { r.Store = s; return r }}), r
}

// The list needs no plan, and is read once for all who ask at the same time.
func TestListNeedsNoHall(t *testing.T) {
	h, r := openReader(t)
	h.createLarge(t)
	const visitors = 40
	var all sync.WaitGroup
	began := time.Now()
	for i := range visitors {
		p := h.visitor(t)
		p.languages = []string{"en", "de"}[i%2]
		all.Go(func() {
			if got := p.get("/"); got.StatusCode != 200 || !strings.Contains(got.text, "An Evening") || !strings.Contains(got.text, "30") {
				t.Errorf("the list answers %d:\n%s", got.StatusCode, got.text)
			}
		})
	}
	all.Wait()
	if n := r.plans.Load(); n != 0 {
		t.Errorf("%d plans were read", n)
	}
	// Two languages, each read anew after half a second.
	if n, most := r.lists.Load(), int32(2+2*time.Since(began)/(500*time.Millisecond)); n > most {
		t.Errorf("%d visitors read the list %d times, want %d at most", visitors, n, most)
	}
}

// A change of an event is on the list within a second.
func TestListBecomesCurrent(t *testing.T) {
	h := open(t, setting{})
	p := h.visitor(t)
	p.get("/")
	h.createLarge(t)
	for within := time.Now().Add(time.Second); !strings.Contains(p.get("/").text, "A Large Evening"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(within) {
			t.Fatal("after a second the new event is not on the list")
		}
	}
}

func TestListSaysOnSaleOfWhatIs(t *testing.T) {
	h := open(t, setting{})
	for id, change := range map[string]func(*store.Event){
		"later":  func(e *store.Event) { e.SalesOpen = time.Now().Add(time.Hour) },
		"closed": func(e *store.Event) { e.SalesClose = time.Now().Add(-time.Hour) },
		"none":   func(e *store.Event) { e.Prices = nil },
		"gone":   func(e *store.Event) { e.Starts = time.Now().Add(-store.Evening) },
		"hidden": func(e *store.Event) { e.Hidden = true },
		"open":   func(*store.Event) {},
	} {
		e := store.Event{ID: id, Title: "Title of " + id, Zone: "UTC", Currency: "EUR", Prices: map[string]int64{"all": 3000}}
		change(&e)
		p := largePlan()
		if err := h.store.CreateEvent(t.Context(), store.NewEvent{Event: e, PlanBody: p.Encode(), Seats: p.SeatIDs()}); err != nil {
			t.Fatal(err)
		}
	}
	text := h.visitor(t).get("/").text
	onSale, not, _ := strings.Cut(text, "Not on sale now")
	for id, want := range map[string][2]bool{
		"open": {true, false}, "later": {false, true}, "closed": {false, true}, "none": {false, true}, "gone": {}, "hidden": {},
	} {
		link := `href="/events/` + id + `"`
		if got := [2]bool{strings.Contains(onSale, link), strings.Contains(not, link)}; got != want {
			t.Errorf("%s is on sale, or not on sale: %v, want %v", id, got, want)
		}
	}
	hidden := h.visitor(t).get("/events/hidden")
	if hidden.StatusCode != 200 || hidden.Header.Get("X-Robots-Tag") != "noindex" {
		t.Errorf("the hidden event answers %d, for robots %q", hidden.StatusCode, hidden.Header.Get("X-Robots-Tag"))
	}
	if shown := h.visitor(t).get("/events/open"); shown.Header.Get("X-Robots-Tag") != "" {
		t.Error("an event that is not hidden is hidden from robots")
	}
}

// What cannot be drawn takes down itself alone, and fills no log.
func TestEventThatCannotBeDrawn(t *testing.T) {
	h, r := openReader(t)
	h.createLarge(t)
	r.event = func(e store.Event) store.Event {
		if e.ID == "large" {
			e.Zone = "Mars/Olympus"
		}
		return e
	}
	p := h.visitor(t)
	for range 3 {
		time.Sleep(10 * time.Millisecond)
		if got := p.get("/"); got.StatusCode != 200 || !strings.Contains(got.text, "An Evening") || strings.Contains(got.text, "A Large Evening") {
			t.Errorf("the list answers %d:\n%s", got.StatusCode, got.text)
		}
		for _, path := range []string{"", "/sections/S1", "/live"} {
			got := p.get("/events/large" + path)
			if got.StatusCode != http.StatusConflict || !strings.Contains(got.text, "cannot be shown until") || strings.Contains(got.text, "Back to the seat map") {
				t.Errorf("%s answers %d:\n%s", path, got.StatusCode, got.text)
			}
		}
	}
	if got := p.postLarge("lock", url.Values{"seat": {"S1-1-1"}}); got.StatusCode != http.StatusConflict {
		t.Errorf("a lock answers %d", got.StatusCode)
	}
	if plans, snapshots := r.plans.Load(), r.snapshots.Load(); plans != 1 || snapshots != 1 {
		t.Errorf("%d plans and %d snapshots were read, want one of each for all requests", plans, snapshots)
	}
	if got := p.get("/events/demo"); got.StatusCode != 200 {
		t.Errorf("another event answers %d", got.StatusCode)
	}
	if lines := strings.Count(h.log.String(), "level=ERROR"); lines != 1 {
		t.Errorf("the log has %d errors, want one:\n%s", lines, h.log)
	}
	r.event = nil // it was corrected
	if got := p.get("/events/large"); got.StatusCode != 200 {
		t.Errorf("once corrected it answers %d", got.StatusCode)
	}
}

func TestDamagedPlan(t *testing.T) {
	h, r := openReader(t)
	r.plan = func(body []byte) []byte { return body[:len(body)/2] }
	if got := h.visitor(t).get("/events/demo"); got.StatusCode != http.StatusConflict {
		t.Errorf("a damaged plan answers %d", got.StatusCode)
	}
	if got := h.visitor(t).get("/"); got.StatusCode != 200 {
		t.Errorf("the list answers %d", got.StatusCode)
	}
}

// silentFeed tells nothing as long as it is held.
type silentFeed struct {
	*store.Store
	held atomic.Bool
	free chan struct{}
}

func (s *silentFeed) Changes(ctx context.Context, from store.Cursor) iter.Seq2[store.Batch, error] {
	return func(yield func(store.Batch, error) bool) {
		for batch, err := range s.Store.Changes(ctx, from) {
			if s.held.Load() {
				select {
				case <-s.free:
				case <-ctx.Done():
				}
			}
			if !yield(batch, err) {
				return
			}
		}
	}
}

// A refusal in fragments waits for no feed; the page of a browser without
// JavaScript waits, since it must not show as free what was refused.
func TestRefusalWaitsForNothing(t *testing.T) {
	feed := &silentFeed{free: make(chan struct{})}
	h := open(t, setting{wrap: func(s *store.Store) served { feed.Store = s; return feed }})
	p, rival := h.visitor(t), h.visitor(t)
	p.get("/events/demo")
	feed.held.Store(true)
	rival.post("lock", "A1")
	least := time.Hour
	for range 5 { // the machine may be busy
		began := time.Now()
		if got := p.post("lock", "A1"); got.StatusCode != http.StatusConflict || seatsIn(got.text)["A1"].status != "locked" {
			t.Errorf("a taken seat answers %d:\n%s", got.StatusCode, got.text)
		}
		least = min(least, time.Since(began))
	}
	if least >= 250*time.Millisecond {
		t.Errorf("a refusal took %v: it waits for the feed", least)
	}
	time.AfterFunc(20*time.Millisecond, func() { close(feed.free) })
	p.javascript = false
	if got := p.post("lock", "A1"); got.StatusCode != http.StatusConflict || seatsIn(got.text)["A1"].status != "locked" {
		t.Errorf("the page that refuses A1 shows it as %v", seatsIn(got.text)["A1"])
	}
}

// A category without a price is not for sale, whatever its seats are in the
// store; one that costs nothing is.
func TestCategoryWithoutPrice(t *testing.T) {
	h := open(t, setting{})
	p := h.visitor(t)
	page := p.get("/events/demo").text
	before := seatsIn(page)
	mine := p.post("lock", "A1")
	if !seatsIn(mine.text)["A1"].mine {
		t.Fatal(mine.text)
	}
	e, err := h.store.Event(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	e.Prices = map[string]int64{"rear": 0}
	if _, err := h.store.UpdateEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	for within := time.Now().Add(5 * time.Second); seatsIn(p.get("/events/demo").text)["A2"].status != "withheld"; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(within) {
			t.Fatal("A2 is shown as before")
		}
	}
	page = p.get("/events/demo").text
	after, free, not := seatsIn(page), 0, 0
	for id := range before {
		switch {
		case id == "A1":
		case after[id].status == "available":
			free++
		case after[id].status == "withheld":
			not++
		}
	}
	for _, want := range []string{
		fmt.Sprintf("Free <b>%d</b>", free), fmt.Sprintf("Not for sale <b>%d</b>", not), "<span>free</span>",
		`aria-label="Row A seat 2, Stalls, not for sale" aria-disabled="true"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if strings.Contains(page, `<option value="front"`) || !strings.Contains(page, `<option value="rear"`) {
		t.Error("the form offers a category that is not for sale, or not the one that is")
	}
	if free == 0 || not == 0 {
		t.Errorf("%d seats are free and %d not for sale", free, not)
	}
	h.mustRefuseUnpriced(t, p)

	// Given back, the seat is one of those that nobody can have, in the counts too;
	// A2 was one before it was withheld.
	p.post("unlock")
	if _, err := h.store.Withhold(t.Context(), store.WithholdRequest{Event: "demo", Seats: []string{"A2"}, On: true}); err != nil {
		t.Fatal(err)
	}
	counts := []string{fmt.Sprintf("Free <b>%d</b>", free), "Held right now <b>0</b>", fmt.Sprintf("Not for sale <b>%d</b>", not+1)}
	for within := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		page := p.get("/events/demo").text
		if seatsIn(page)["A2"].version == 2 && !slices.ContainsFunc(counts, func(count string) bool { return !strings.Contains(page, count) }) {
			break
		}
		if time.Now().After(within) {
			t.Fatalf("after all was given back the page does not say %q", counts)
		}
	}
}

// mustRefuseUnpriced asks for seats of the first row, which have no price.
func (h *house) mustRefuseUnpriced(t *testing.T, p *person) {
	t.Helper()
	dump := h.dump(t)
	got := p.post("lock", "A2", "A3")
	if got.StatusCode != http.StatusConflict || !strings.Contains(got.text, "Row A seat 2, Row A seat 3 are not for sale.") || seatsIn(got.text)["A2"].status != "withheld" {
		t.Errorf("a lock answers %d:\n%s", got.StatusCode, got.text)
	}
	if !strings.Contains(got.text, "Give back Row A seat 1") {
		t.Error("the refusal takes the visitor's own seat out of the basket")
	}
	best := p.do(p.form("best", "count=2&category=front"))
	if best.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("the best seats of the category answer %d:\n%s", best.StatusCode, best.text)
	}
	if dump != h.dump(t) {
		t.Error("a refusal has changed something")
	}
	// The visitor's own seat stays theirs.
	if again := p.post("lock", "A1"); again.StatusCode != http.StatusOK {
		t.Errorf("a repeat for one's own seat answers %d", again.StatusCode)
	}
	best = p.do(p.form("best", "count=2"))
	seats := seatsIn(best.text)
	if best.StatusCode != http.StatusOK || len(seats) != 2 {
		t.Errorf("the best seats answer %d:\n%s", best.StatusCode, best.text)
	}
	for id := range seats {
		if slices.Contains([]string{"A", "B", "C"}, id[:1]) {
			t.Errorf("%s is among the best, and has no price", id)
		}
	}
}

// Streams go past what compresses answers, and errors do not.
func TestStreamIsNotPacked(t *testing.T) {
	h := open(t, setting{})
	p := h.visitor(t)
	p.get("/events/demo")
	r, err := http.NewRequestWithContext(t.Context(), "GET", h.URL+"/events/demo/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip, br")
	s, err := p.openStream(r)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.header.Get("Content-Encoding") + s.header.Get("Vary"); strings.Contains(got, "gzip") || strings.Contains(got, "Encoding") {
		t.Errorf("the stream has the encoding %q", got)
	}
	screen := &screen{seats: map[string]shown{}}
	p.post("lock", "A1")
	s.until(screen, "the lock", func() bool { return screen.seats["A1"].mine })

	r, err = http.NewRequestWithContext(t.Context(), "GET", h.URL+"/events/none", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	if got := p.do(r); got.StatusCode != 404 || got.Header.Get("Content-Encoding") != "gzip" && len(got.text) > 1400 || !slices.Contains(got.Header.Values("Vary"), "Accept-Encoding") {
		t.Errorf("an error page of %d bytes answers %d, %v", len(got.text), got.StatusCode, got.Header)
	}
}
