package handlers_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// largePlan has sections S1 to S4 of 400 seats, with ids such as S1-3-7, which
// are too many for one page.
func largePlan() plan.Plan {
	p := plan.Plan{Name: "Large hall", Categories: []plan.Category{{ID: "all", Name: "All"}}}
	for k := range 4 {
		s := plan.Section{ID: fmt.Sprintf("S%d", k+1), Name: fmt.Sprintf("Section %d", k+1)}
		for r := range 20 {
			row := plan.Row{Label: fmt.Sprint(r + 1)}
			for n := range 20 {
				row.Seats = append(row.Seats, plan.Seat{ID: fmt.Sprintf("%s-%d-%d", s.ID, r+1, n+1), Label: fmt.Sprint(n + 1),
					Category: "all", X: float64(25*k + n), Y: float64(r)})
			}
			s.Rows = append(s.Rows, row)
		}
		p.Sections = append(p.Sections, s)
	}
	return p
}

// createLarge makes the event "large" with that plan.
func (h *house) createLarge(t *testing.T) {
	t.Helper()
	p := largePlan()
	err := h.store.CreateEvent(t.Context(), store.NewEvent{
		Event:    store.Event{ID: "large", Title: "A Large Evening", Zone: "Europe/Vienna", Currency: "EUR", Prices: map[string]int64{"all": 3000}},
		PlanBody: p.Encode(), Seats: p.SeatIDs(),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (p *person) postLarge(action string, form url.Values) reply {
	p.t.Helper()
	r := p.form(action, form.Encode())
	r.URL.Path = "/events/large/" + action
	return p.do(r)
}

// followPage opens the stream that the page asks for.
func (p *person) followPage(page string) *stream {
	p.t.Helper()
	m := regexp.MustCompile(`hx-sse:connect="([^"]+)"`).FindStringSubmatch(page)
	if m == nil {
		p.t.Fatalf("the page asks for no stream:\n%s", page)
	}
	r, err := http.NewRequestWithContext(p.t.Context(), "GET", p.home+strings.ReplaceAll(m[1], "&amp;", "&"), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	s, err := p.openStream(r)
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

var partText = regexp.MustCompile(`(?s)<li id="part-(S\d)".*?<b>([^<]+)</b>`)

// freeIn tells what the last line about each section says is free.
func freeIn(html string) map[string]string {
	free := map[string]string{}
	for _, m := range partText.FindAllStringSubmatch(html, -1) {
		free[m[1]] = m[2]
	}
	return free
}

func TestLargeHallIsShownBySections(t *testing.T) {
	h := open(t, setting{})
	h.createLarge(t)
	p, rival := h.visitor(t), h.visitor(t)

	overview := p.get("/events/large").text
	if n := len(seatsIn(overview)); n != 0 {
		t.Errorf("the overview has %d seats", n)
	}
	for id, free := range freeIn(overview) {
		if free != "400 free" || !strings.Contains(overview, `href="/events/large/sections/`+id+`"`) {
			t.Errorf("section %s has %q, or no link", id, free)
		}
	}
	if n := len(freeIn(overview)); n != 4 {
		t.Errorf("the overview has %d sections, want 4", n)
	}
	section := p.get("/events/large/sections/S2").text
	if seats := seatsIn(section); len(seats) != 400 || seats["S2-1-1"].status != "available" {
		t.Errorf("the page of S2 has %d seats, S2-1-1 is %v", len(seats), seats["S2-1-1"])
	}

	above, inside, beside := p.followPage(overview), p.followPage(section), p.followPage(p.get("/events/large/sections/S3").text)
	screen, other := newScreen(section), &screen{seats: map[string]shown{}}
	rival.postLarge("lock", url.Values{"seat": {"S2-1-1", "S2-1-2"}})
	inside.until(screen, "the rival's seats", func() bool { return screen.seats["S2-1-2"].status == "locked" })
	above.untilText("the count of S2", func(text string) bool { return freeIn(text)["S2"] == "398 free" })

	if got := p.postLarge("lock", url.Values{"seat": {"S2-1-1"}, "page": {"S2"}}); got.StatusCode != http.StatusConflict {
		t.Errorf("a taken seat of a section answers %d", got.StatusCode)
	}
	if got := p.postLarge("lock", url.Values{"seat": {"S2-5-5"}, "page": {"S2"}}); got.StatusCode != http.StatusOK || !seatsIn(got.text)["S2-5-5"].mine {
		t.Errorf("a lock in a section answers %d:\n%s", got.StatusCode, got.text)
	}
	// The page of another section gets the basket, and none of S2's seats.
	text := beside.untilText("the basket", func(text string) bool { return strings.Contains(text, "seat 5") })
	other.message("", text)
	if len(other.seats) != 0 {
		t.Errorf("the stream of S3 told of %v", other.seats)
	}
}

// untilText reads messages until their text, all together, is as wanted.
func (s *stream) untilText(what string, done func(text string) bool) string {
	s.t.Helper()
	limit := time.AfterFunc(20*time.Second, s.cancel)
	defer limit.Stop()
	var all strings.Builder
	for !done(all.String()) {
		event, _, data, err := s.next()
		if err != nil {
			s.t.Fatalf("stream ended before %s: %v; it said:\n%s", what, err, all.String())
		}
		if event == "" {
			all.WriteString(data)
		}
	}
	return all.String()
}

func TestSectionWithoutJavaScript(t *testing.T) {
	h := open(t, setting{})
	h.createLarge(t)
	p, rival := h.visitor(t), h.visitor(t)
	p.javascript = false
	rival.postLarge("lock", url.Values{"seat": {"S1-1-1"}})

	done := p.postLarge("lock", url.Values{"seat": {"S1-2-2"}, "page": {"S1"}})
	if to := done.Header.Get("Location"); done.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/events/large/sections/S1?") || !strings.HasSuffix(to, "#seat-S1-2-2") {
		t.Errorf("done leads to %d %s", done.StatusCode, to)
	}
	if page := p.get(strings.Split(done.Header.Get("Location"), "#")[0]).text; !seatsIn(page)["S1-2-2"].mine || !strings.Contains(page, "Yours until") {
		t.Error("the page after the lock does not show it")
	}
	refused := p.postLarge("lock", url.Values{"seat": {"S1-1-1"}, "page": {"S1"}})
	if refused.StatusCode != http.StatusConflict || len(seatsIn(refused.text)) != 400 || !strings.Contains(refused.text, "just taken") {
		t.Errorf("refused answers %d with %d seats", refused.StatusCode, len(seatsIn(refused.text)))
	}
	// A page that is none is no reason to fail: what was done is told on the event's own.
	away := p.postLarge("unlock", url.Values{"page": {"../../x"}})
	if to := away.Header.Get("Location"); away.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/events/large?") {
		t.Errorf("a made-up page leads to %d %s", away.StatusCode, to)
	}
}

func TestNoSuchSection(t *testing.T) {
	h := open(t, setting{})
	h.createLarge(t)
	p := h.visitor(t)
	for _, path := range []string{
		"/events/large/sections/S9", "/events/large/sections/", "/events/large/sections/%3Cscript%3E", "/events/none/sections/S1",
		"/events/large/live?section=S9", "/events/demo/live?section=%00", "/events/large/sections/S1/x",
	} {
		if got := p.get(path); got.StatusCode != http.StatusNotFound || strings.Contains(got.text, "<script>") {
			t.Errorf("%s answers %d", path, got.StatusCode)
		}
	}
}

// Pages and stylesheets are compressed for who takes that, and are the same.
func TestPagesAreCompressed(t *testing.T) {
	h := open(t, setting{})
	h.createLarge(t)
	p := h.visitor(t)
	page := p.get("/events/large/sections/S1").text
	sheet := regexp.MustCompile(`/events/large/plan-[^"]+`).FindString(page)
	for _, path := range []string{"/events/large/sections/S1", sheet} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", h.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", "gzip") // set by hand, it is not undone by the client
		packed := p.do(r)
		r.Header.Set("Accept-Encoding", "identity")
		plain := p.do(r)
		for header, want := range map[string]string{"gzip;q=0": "", "br, gzip; q=0.000": "", "br;q=1, gzip;q=0.5": "gzip", "deflate,gzip": "gzip", "notgzip": ""} {
			r.Header.Set("Accept-Encoding", header)
			if got := p.do(r).Header.Get("Content-Encoding"); got != want {
				t.Errorf("%s to who takes %q is sent as %q", path, header, got)
			}
		}
		unpacked, err := gzip.NewReader(strings.NewReader(packed.text))
		if err != nil {
			t.Fatalf("%s is not compressed: %v", path, err)
		}
		text, err := io.ReadAll(unpacked)
		request := regexp.MustCompile(`name="request" value="[^"]+"`) // another one on each page
		if err != nil || request.ReplaceAllString(string(text), "") != request.ReplaceAllString(plain.text, "") {
			t.Errorf("%s differs when compressed: %v", path, err)
		}
		if plain.Header.Get("Content-Encoding") != "" || !strings.Contains(strings.Join(plain.Header.Values("Vary"), ","), "Accept-Encoding") {
			t.Errorf("%s to who does not take it: %v", path, plain.Header)
		}
	}
}

// The best seats that are asked for on an overview are shown on their own page.
func TestBestLeadsToItsSection(t *testing.T) {
	h := open(t, setting{})
	h.createLarge(t)
	p := h.visitor(t)
	p.javascript = false
	for page, want := range map[string]string{"": "S3", "S3": "S3", "S1": "S3"} {
		done := p.postLarge("best", url.Values{"count": {"2"}, "section": {"S3"}, "page": {page}})
		to := done.Header.Get("Location")
		if done.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/events/large/sections/"+want+"?") {
			t.Errorf("from page %q: %d %s, want the page of %s", page, done.StatusCode, to, want)
		}
		if shown := p.get(strings.Split(to, "#")[0]).text; !seatsIn(shown)[strings.TrimPrefix(to[strings.Index(to, "#"):], "#seat-")].mine {
			t.Errorf("the page at %s does not show the seats", to)
		}
	}
	back := p.postLarge("unlock", url.Values{})
	if to := back.Header.Get("Location"); !strings.HasPrefix(to, "/events/large?") {
		t.Errorf("giving all back on the overview leads to %s", to)
	}
}
