package handlers_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
)

func (p *person) best(fields string) reply {
	p.t.Helper()
	return p.do(p.form("best", fields))
}

// mineIn is the visitor's own seats in an answer.
func mineIn(html string) string {
	seats := seatsIn(html)
	maps.DeleteFunc(seats, func(_ string, s shown) bool { return !s.mine })
	return strings.Join(slices.Sorted(maps.Keys(seats)), " ")
}

func (p *person) wantBest(fields, want string) reply {
	p.t.Helper()
	r := p.best(fields)
	if got := mineIn(r.text); r.StatusCode != http.StatusOK || got != want || len(seatsIn(r.text)) != len(strings.Fields(want)) {
		p.t.Errorf("best %s: %d, got %q, want %q: %s", fields, r.StatusCode, got, want, r.text)
	}
	return r
}

func (p *person) wantHeld(want string) {
	p.t.Helper()
	if got := mineIn(p.get("/events/demo").text); got != want {
		p.t.Errorf("the page shows as theirs %q, want %q", got, want)
	}
}

var requestField = regexp.MustCompile(`<input type="hidden" id="best-request" name="request" value="([A-Za-z0-9._-]{1,64})"`)

// requestIn is the id that the form has after the answer.
func requestIn(t *testing.T, html string) string {
	t.Helper()
	m := requestField.FindAllStringSubmatch(html, -1)
	if len(m) != 1 {
		t.Fatalf("%d ids of requests in %s", len(m), html)
	}
	return m[0][1]
}

// rival takes seats through the store itself.
func (h *house) rival(t *testing.T, seats ...string) {
	t.Helper()
	_, err := h.store.Lock(t.Context(), store.LockRequest{Event: "demo", Holder: "rival", Seats: seats,
		Rules: store.Rules{TTL: time.Hour, Total: time.Hour, MaxSeats: 100}})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBestLocksABlock(t *testing.T) {
	h := open(t, setting{})
	for fields, want := range map[string]string{
		"count=2":                               "A4 A5",
		"count=5":                               "A1 A2 A3 A4 A5",
		"count=2&category=&section=":            "A4 A5",
		"count=3&category=rear":                 "F3 F4 F5",
		"count=1&section=stalls&category=front": "A5",
		"count=2&accessible=1":                  "J1 J2",
		"count=1&count=4&count=x":               "A5",
	} {
		p := h.visitor(t)
		p.get("/events/demo")
		p.wantBest(fields, want)
		p.post("unlock")
	}
	p := h.visitor(t)
	page := p.get("/events/demo").text
	r := p.wantBest("count=2&request="+requestIn(t, page), "A4 A5")
	for _, part := range []string{"2 seats together: Row A seats 4 and 5. Yours until", `id="basket"`, "2 seats</span>"} {
		if !strings.Contains(r.text, part) {
			t.Errorf("the answer lacks %q: %s", part, r.text)
		}
	}
	next := requestIn(t, r.text)
	if next == requestIn(t, page) {
		t.Error("the form keeps its id after a success")
	}
	p.wantBest("count=2&request="+next, "A6 A7") // own seats are not free
	p.wantHeld("A4 A5 A6 A7")
	if one := p.wantBest("count=1", "A3"); !strings.Contains(one.text, ">Row A seat 3. Yours until") {
		t.Errorf("one seat: %s", one.text)
	}
}

func TestBestRepeatIsTheSame(t *testing.T) {
	var locks atomic.Int64
	h := open(t, setting{wrap: func(s *store.Store) served {
		f := &faster{Store: s, do: func(*store.Store, store.LockRequest) error { locks.Add(1); return nil }}
		f.left.Store(100)
		return f
	}})
	p := h.visitor(t)
	p.get("/events/demo")
	first := p.wantBest("count=2&request=r", "A4 A5")
	again := p.wantBest("count=2&request=r", "A4 A5")
	if !maps.Equal(seatsIn(first.text), seatsIn(again.text)) {
		t.Errorf("the repeat changed something: %v, then %v", seatsIn(first.text), seatsIn(again.text))
	}
	h.rival(t, "A3") // another block would be the best now
	p.post("unlock", "A4")
	p.wantBest("count=2&request=r", "A4 A5")
	p.wantHeld("A4 A5")

	p.post("unlock", "A4")
	h.rival(t, "A4")
	locks.Store(0)
	r := p.best("count=2&request=r")
	if r.StatusCode != 409 || !strings.Contains(r.text, "Row A seat 4 was just taken") {
		t.Errorf("a seat of the repeat is somebody else's: %d %s", r.StatusCode, r.text)
	}
	if n := locks.Load(); n != 1 {
		t.Errorf("the store was asked %d times for seats that are not chosen anew, want once", n)
	}
	p.wantHeld("A5")
	p.wantBest("count=2&request="+requestIn(t, r.text), "A6 A7")
}

// The last seats are the visitor's by the first request: no block is left for
// the repeat to choose.
func TestBestRepeatOfTheLastBlock(t *testing.T) {
	h := open(t, setting{})
	var others []string
	for id := range h.truth(t) {
		if id != "C1" && id != "C2" {
			others = append(others, id)
		}
	}
	h.rival(t, others...)
	p := h.visitor(t)
	p.get("/events/demo")
	for range 2 {
		p.wantBest("count=2&request=r", "C1 C2")
	}
	if r := p.best("count=1&request=s"); r.StatusCode != 422 || !strings.Contains(r.text, "2 seats</span>") {
		t.Errorf("none is left: %d %s", r.StatusCode, r.text)
	}
}

func TestBestInParallelIsOneBlock(t *testing.T) {
	uri := testengine.ReplicaSet(t).NewDatabase(t)
	for name, houses := range map[string][]*house{
		"sqlite": {open(t, setting{})}, "two instances on mongodb": {open(t, setting{path: uri}), open(t, setting{path: uri})},
	} {
		t.Run(name, func(t *testing.T) {
			p := houses[0].visitor(t)
			p.get("/events/demo")
			replies := make([]reply, 16)
			var wg sync.WaitGroup
			for i := range replies {
				r := p.form("best", "count=2&request=r")
				home, err := url.Parse(houses[i%len(houses)].URL)
				if err != nil {
					t.Fatal(err)
				}
				r.URL.Host, r.Host = home.Host, home.Host
				wg.Go(func() { replies[i] = p.do(r) })
			}
			wg.Wait()
			for _, r := range replies {
				if r.StatusCode != 200 || mineIn(r.text) != mineIn(replies[0].text) {
					t.Errorf("%d %s, another got %s", r.StatusCode, mineIn(r.text), mineIn(replies[0].text))
				}
			}
			p.wantHeld("A4 A5")
		})
	}
}

func TestBestNoBlock(t *testing.T) {
	h := open(t, setting{})
	p := h.visitor(t)
	p.get("/events/demo")
	p.post("lock", "D4")
	before := h.dump(t)
	for _, fields := range []string{"count=6", "count=3&accessible=1&category=front"} { // an aisle parts rows of five
		r := p.best(fields)
		if r.StatusCode != 422 || !strings.Contains(r.text, "Ask for fewer, for another price or part of the hall, or choose them on the map.") ||
			!strings.Contains(r.text, "1 seat</span>") {
			t.Errorf("best %s: %d %s", fields, r.StatusCode, r.text)
		}
	}
	p.javascript = false
	if r := p.best("count=6"); r.StatusCode != 422 || len(seatsIn(r.text)) != 100 || !strings.Contains(r.text, "Ask for fewer") {
		t.Errorf("without JavaScript: %d with %d seats", r.StatusCode, len(seatsIn(r.text)))
	}
	if h.dump(t) != before {
		t.Error("the store was changed")
	}
}

func TestBestCountsWhatIsHeld(t *testing.T) {
	h := open(t, setting{})
	p := h.visitor(t)
	p.post("lock", "B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B9")
	if r := p.best("count=2"); r.StatusCode != 422 || !strings.Contains(r.text, "at most 10 seats at once. Give one back first.") {
		t.Errorf("eleven seats: %d %s", r.StatusCode, r.text)
	}
	p.wantBest("count=1", "A5")
	r := p.best("count=11")
	if r.StatusCode != 422 || !strings.Contains(r.text, "a number of seats from 1 to 10") {
		t.Errorf("eleven at once: %d %s", r.StatusCode, r.text)
	}
}

// faster does something in the real store before each of the first locks
// passes, which the board never hears of.
type faster struct {
	*store.Store
	left atomic.Int64
	do   func(s *store.Store, r store.LockRequest) error
}

func (f *faster) Lock(ctx context.Context, r store.LockRequest) (store.Outcome, error) {
	if f.left.Add(-1) >= 0 {
		if err := f.do(f.Store, r); err != nil {
			return store.Outcome{}, err
		}
	}
	return f.Store.Lock(ctx, r)
}

// fasterThanFeed is faster beside a feed that lags.
type fasterThanFeed struct {
	*faster
	feed delayed
}

func (f *fasterThanFeed) Changes(ctx context.Context, from store.Cursor) iter.Seq2[store.Batch, error] {
	return f.feed.Changes(ctx, from)
}

func TestBestTriesTheNext(t *testing.T) {
	rival := func(s *store.Store, r store.LockRequest) error {
		_, err := s.Lock(context.Background(), store.LockRequest{Event: r.Event, Holder: "rival", Seats: r.Seats[:1],
			Rules: store.Rules{TTL: time.Hour, Total: time.Hour, MaxSeats: 100}})
		return err
	}
	withhold := func(s *store.Store, r store.LockRequest) error {
		_, err := s.Withhold(context.Background(), store.WithholdRequest{Event: r.Event, Seats: r.Seats[1:], On: true})
		return err
	}
	for name, test := range map[string]struct {
		rivals int64
		do     func(*store.Store, store.LockRequest) error
		want   string // "" is a refusal
	}{
		"one rival":   {1, rival, "A6 A7"},
		"withheld":    {1, withhold, "A6 A7"},
		"two rivals":  {2, rival, "A7 A8"},
		"five rivals": {5, rival, "B7 B8"},
		"six rivals":  {6, rival, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, setting{wrap: func(s *store.Store) served {
				f := &fasterThanFeed{faster: &faster{Store: s, do: test.do}, feed: delayed{s, time.Hour}}
				f.left.Store(test.rivals)
				return f
			}})
			p := h.visitor(t)
			if test.want != "" {
				p.wantBest("count=2&request=r", test.want)
				p.wantBest("count=2&request=r", test.want)
				return
			}
			r := p.best("count=2&request=r")
			if r.StatusCode != 409 || !strings.Contains(r.text, "just taken by somebody else") || mineIn(r.text) != "" {
				t.Errorf("%d %s", r.StatusCode, r.text)
			}
		})
	}
}

// The first answer is lost: nobody knows whether it was done.
func TestBestWithUnknownOutcome(t *testing.T) {
	var lost *unanswered
	h := open(t, setting{wrap: func(s *store.Store) served { lost = &unanswered{Store: s}; return lost }})
	p := h.visitor(t)
	p.get("/events/demo")
	lost.next.Store(true)
	if r := p.best("count=3&request=r"); r.StatusCode != 503 || requestField.MatchString(r.text) {
		t.Fatalf("unknown: %d, want 503 and the form as it is: %s", r.StatusCode, r.text)
	}
	p.wantBest("count=3&request=r", "A3 A4 A5")
	p.wantHeld("A3 A4 A5")
}

type unanswered struct {
	*store.Store
	next atomic.Bool
}

func (u *unanswered) Lock(ctx context.Context, r store.LockRequest) (store.Outcome, error) {
	out, err := u.Store.Lock(ctx, r)
	if err == nil && u.next.CompareAndSwap(true, false) {
		return store.Outcome{}, fmt.Errorf("lock: %w", store.ErrUnknown)
	}
	return out, err
}

func TestBestWithoutJavaScript(t *testing.T) {
	h := open(t, setting{})
	p := h.visitor(t)
	p.javascript = false
	page := p.get("/events/demo").text
	r := p.best("count=2&request=" + requestIn(t, page))
	to, err := r.Location()
	if r.StatusCode != http.StatusSeeOther || err != nil || to.Path != "/events/demo" || to.Fragment != "seat-A4" {
		t.Fatalf("%d to %v", r.StatusCode, to)
	}
	after := p.get(to.RequestURI()).text
	if mineIn(after) != "A4 A5" || !strings.Contains(after, "The best seats that were free: yours until") {
		t.Errorf("the page after it shows as theirs %q", mineIn(after))
	}
	if requestIn(t, after) == requestIn(t, page) {
		t.Error("two pages have one id")
	}
	if again, err := p.best("count=2&request=" + requestIn(t, page)).Location(); err != nil || again.Fragment != "seat-A4" {
		t.Errorf("the repeat leads to %v", again)
	}
}

func TestBestOutsideOfSales(t *testing.T) {
	h := open(t, setting{})
	err := h.store.CreateEvent(t.Context(), store.NewEvent{
		Event:    store.Event{ID: "later", Title: "Later", Zone: "UTC", Currency: "EUR", Prices: map[string]int64{"c": 0}, SalesOpen: time.Now().Add(time.Hour)},
		PlanBody: []byte(`{"name":"x","categories":[{"id":"c","name":"C"}],"sections":[{"id":"s","name":"S","rows":[{"label":"A","seats":[{"id":"A1","label":"1","category":"c","x":0,"y":0}]}]}]}`),
		Seats:    []string{"A1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, count := range []string{"count=1", "count=2"} { // more than there are, too
		r := h.visitor(t).form("best", count)
		r.URL.Path = "/events/later/best"
		if got := h.visitor(t).do(r); got.StatusCode != 409 || !strings.Contains(got.text, "Sales open on") {
			t.Errorf("%s before sales: %d %s", count, got.StatusCode, got.text)
		}
	}
}

func TestPickThatLeavesASeatAlone(t *testing.T) {
	h := open(t, setting{})
	p, other := h.visitor(t), h.visitor(t)
	p.get("/events/demo")
	for _, test := range []struct{ pick, want string }{
		{"A2", "Yours until [0-9:]+[.] That leaves Row A seat 1 alone: if you can, move by one[.]<"},
		{"A2", "That leaves Row A seat 1 alone"}, // a repeat
		{"A1", "Yours until [0-9:]+[.]<"},
		{"A4", "That leaves Row A seat 3, Row A seat 5 alone"},
		{"A8", "Yours until [0-9:]+[.]<"},
		{"B5", "Yours until [0-9:]+[.]<"},
	} {
		if r := p.post("lock", test.pick); r.StatusCode != 200 || !regexp.MustCompile(test.want).MatchString(r.text) {
			t.Errorf("%s: %d, want %q: %s", test.pick, r.StatusCode, test.want, r.text)
		}
	}
	if r := other.post("lock", "A4"); r.StatusCode != 409 || strings.Contains(r.text, "alone") {
		t.Errorf("a refusal: %d %s", r.StatusCode, r.text)
	}
	if r := p.best("count=1"); r.StatusCode != 200 || strings.Contains(r.text, "alone") {
		t.Errorf("the best: %d %s", r.StatusCode, r.text)
	}
	other.javascript = false
	to, err := other.post("lock", "E2").Location()
	if err != nil {
		t.Fatal(err)
	}
	if page := other.get(to.RequestURI()).text; !strings.Contains(page, "That leaves a seat beside yours alone: if you can, move by one.") {
		t.Errorf("the page at %v does not say so", to)
	}
	if stranger := h.visitor(t).get(to.RequestURI()).text; strings.Contains(stranger, "beside yours") {
		t.Error("somebody without seats is told of theirs")
	}
}
