package views

import (
	"bytes"
	"context"
	"flag"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"golang.org/x/text/language"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var now = time.Date(2026, 12, 1, 19, 31, 5, 0, time.UTC)

// smallPlan has two sections, an id with dots and digits, and a place of each
// kind.
func smallPlan() plan.Plan {
	return plan.Plan{
		Name:       "Small",
		Categories: []plan.Category{{ID: "front", Name: "Front rows"}, {ID: "rear", Name: "Rear rows"}},
		Stage:      &plan.Stage{Label: "Stage", X: 0, Y: -3, Width: 3, Height: 2},
		Sections: []plan.Section{
			{ID: "stalls", Name: "Stalls", Rows: []plan.Row{
				{Label: "A", Seats: []plan.Seat{
					{ID: "A1", Label: "1", Category: "front", X: 0, Y: 0},
					{ID: "A2", Label: "2", Category: "front", X: 1, Y: 0.25},
					{ID: "A3", Label: "3", Category: "front", X: 2, Y: 0.25, Properties: []plan.Property{plan.Restricted}},
				}},
				{Label: "B", Seats: []plan.Seat{
					{ID: "B1", Label: "1", Category: "rear", X: 0, Y: 1, Properties: []plan.Property{plan.Accessible}},
					{ID: "B2", Label: "2", Category: "rear", X: 1, Y: 1.25, Properties: []plan.Property{plan.Companion}},
				}},
			}},
			{ID: "1st.tier", Name: "First tier", Rows: []plan.Row{
				{Label: "1", Seats: []plan.Seat{{ID: "1.1-1", Label: "1", Category: "rear", X: 0, Y: 4}}},
			}},
		},
	}
}

func smallEvent() store.Event {
	return store.Event{
		ID: "tempest", Title: "The Tempest", Venue: "Studio Theatre", Zone: "Europe/Vienna",
		Starts:   time.Date(2026, 12, 4, 18, 30, 0, 0, time.UTC),
		Currency: "EUR", Prices: map[string]int64{"front": 2800, "rear": 2250},
	}
}

func newHall(t *testing.T, e store.Event, p plan.Plan) *Hall {
	t.Helper()
	h, err := NewHall(e, p)
	if err != nil {
		t.Fatalf("NewHall: %v", err)
	}
	return h
}

// smallSeats has a seat of each status: A2 is the viewer's, 1.1-1 somebody's.
func smallSeats() []store.Seat {
	until := now.Add(9*time.Minute + 41*time.Second)
	return []store.Seat{
		{ID: "A1", Version: 1},
		{ID: "A2", Version: 3, Status: store.Locked, LockedBy: "me", LockedUntil: until},
		{ID: "A3", Version: 2, Status: store.Booked, LockedBy: "other"},
		{ID: "B1", Version: 1},
		{ID: "B2", Version: 2, Status: store.Withheld},
		{ID: "1.1-1", Version: 7, Status: store.Locked, LockedBy: "other", LockedUntil: until},
	}
}

// smallCounts are those of smallSeats.
func smallCounts() []Counts {
	return []Counts{{store.Available: 2, store.Locked: 1, store.Booked: 1, store.Withheld: 1}, {store.Locked: 1}}
}

// eventPage is the event's own page.
func eventPage(h *Hall) Page {
	p, _ := h.Page("")
	return p
}

func mine(s store.Seat) bool { return s.HeldBy("me", now) }

func plainName(name string) string { return "/static/" + name }

func eventView(t *testing.T) EventView {
	seats := smallSeats()
	return EventView{
		Page: eventPage(newHall(t, smallEvent(), smallPlan())), Seats: seats, Mine: mine, Sections: smallCounts(),
		Basket: Basket{Lock: store.Lock{Seats: seats[1:2], Deadline: seats[1].LockedUntil}, Now: now},
		Best:   BestView{Most: 10, Request: "r1"},
		Cursor: store.Cursor{Epoch: "e1", Position: 42}, Asset: plainName,
	}
}

func render(t *testing.T, c templ.Component) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(context.Background(), &b); err != nil {
		t.Fatalf("render: %v", err)
	}
	return b.String()
}

// golden compares with testdata, where each tag begins a line so that people
// can read what changed.
func golden(t *testing.T, name, got string) {
	t.Helper()
	goldenFile(t, name+".html", strings.ReplaceAll(got, "><", ">\n<")+"\n")
}

func goldenFile(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test ./views -update writes it)", err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s", file, got)
	}
}

func TestGoldenPages(t *testing.T) {
	t.Run("event", func(t *testing.T) { golden(t, "event", render(t, EventPage(eventView(t)))) })
	t.Run("refused", func(t *testing.T) {
		v := eventView(t)
		v.Basket.Lock, v.NewVisitor = store.Lock{}, true
		v.Line, v.Refused = "First tier row 1 seat 1 is taken. Choose another free seat.", true
		golden(t, "event-refused", render(t, EventPage(v)))
	})
	t.Run("closed", func(t *testing.T) {
		e := smallEvent()
		e.SalesOpen = now.Add(time.Hour)
		v := eventView(t)
		v.Page = eventPage(newHall(t, e, smallPlan()))
		golden(t, "event-not-yet-on-sale", render(t, EventPage(v)))
	})
	t.Run("events", func(t *testing.T) {
		v := EventsView{Words: In(language.English), Events: []Billing{newHall(t, smallEvent(), smallPlan()).Billing}, Now: now, Asset: plainName}
		golden(t, "events", render(t, EventsPage(v)))
		later := smallEvent()
		later.SalesOpen = now.Add(time.Hour)
		v.Events = append(v.Events, newHall(t, later, smallPlan()).Billing)
		golden(t, "events-later", render(t, EventsPage(v)))
		v.Events = nil
		golden(t, "events-none", render(t, EventsPage(v)))
	})
	t.Run("error", func(t *testing.T) {
		golden(t, "forget", render(t, ForgetPage(ForgetView{Words: In(language.English), Known: true, Asset: plainName})))
		golden(t, "forget-done", render(t, ForgetPage(ForgetView{Words: In(language.English), Line: "Forgotten.", Asset: plainName})))
		golden(t, "error-404", render(t, ErrorPage(ErrorView{Words: In(language.English), Status: 404, Asset: plainName})))
		golden(t, "error-409", render(t, ErrorPage(ErrorView{
			Words: In(language.English), Status: 409, Text: "The seat was sold.", Link: "/events/tempest", Label: "Back to the map", Asset: plainName})))
	})
}

func TestGoldenFragments(t *testing.T) {
	h := eventPage(newHall(t, smallEvent(), smallPlan()))
	for name, c := range map[string]struct {
		seat store.Seat
		mine bool
	}{
		"seat-available":   {store.Seat{ID: "A1", Version: 1}, false},
		"seat-locked":      {store.Seat{ID: "A1", Version: 2, Status: store.Locked, LockedBy: "x"}, false},
		"seat-mine":        {store.Seat{ID: "A1", Version: 2, Status: store.Locked, LockedBy: "x"}, true},
		"seat-paying":      {store.Seat{ID: "A1", Version: 3, Status: store.Paying, LockedBy: "x"}, false},
		"seat-mine-paying": {store.Seat{ID: "A1", Version: 3, Status: store.Paying, LockedBy: "x"}, true},
		"seat-booked":      {store.Seat{ID: "A1", Version: 4, Status: store.Booked, LockedBy: "x"}, false},
		"seat-mine-booked": {store.Seat{ID: "A1", Version: 4, Status: store.Booked, LockedBy: "x", Booking: "ABCDEFGH23"}, true},
		"seat-withheld":    {store.Seat{ID: "A1", Version: 5, Status: store.Withheld}, false},
		"seat-accessible":  {store.Seat{ID: "B1", Version: 1}, false},
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, string(h.AppendSeat(nil, c.seat, c.mine))) })
	}
	seats := smallSeats()
	golden(t, "section", string(h.AppendSection(nil, 0, seats[:5], false)))
	golden(t, "section-resync", string(h.AppendSection(nil, 1, seats[5:], true)))
	golden(t, "legend", string(h.AppendSummary(nil, smallCounts(), nil)))
	golden(t, "legend-sold-out", string(h.AppendSummary(nil, []Counts{{store.Booked: 6}}, nil)))
	golden(t, "best-request", string(AppendBestRequest(nil, "r2")))
	golden(t, "status-done", string(AppendStatus(nil, "Row A seat 1 is yours.", false)))
	golden(t, "status-refused", string(AppendStatus(nil, "Row A seat 1 is taken.", true)))
}

func TestGoldenBaskets(t *testing.T) {
	h := eventPage(newHall(t, smallEvent(), smallPlan()))
	held := []store.Seat{{ID: "B1", Status: store.Locked}, {ID: "A2", Status: store.Locked}}
	lock := func(left time.Duration, extended bool, seats ...store.Seat) Basket {
		return Basket{Lock: store.Lock{Seats: seats, Deadline: now.Add(left), Extended: extended}, Now: now}
	}
	for name, b := range map[string]Basket{
		"basket-empty":         {Now: now},
		"basket-empty-running": lock(5*time.Minute, false),
		"basket-early":         lock(9*time.Minute, false, held...),
		"basket-late":          lock(store.ExtendWindow, false, held...),
		"basket-extended":      lock(time.Minute, true, held[0]),
		"basket-paying":        {Lock: store.Lock{Seats: []store.Seat{{ID: "A2", Status: store.Paying, Booking: "ABCDEFGH23"}}}, Now: now},
		"basket-paying-more":   lock(9*time.Minute, false, append(held, store.Seat{ID: "A1", Status: store.Paying, Booking: "ABCDEFGH23"})...),
		"basket-over":          lock(-time.Second, false, held[0]),
		"basket-bookings":      {Bookings: []string{"ABCDEFGH23", "ABCDEFGH24"}, Now: now},
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, string(h.AppendBasket(nil, b))) })
	}
}

// Once the event is over nothing leads to its checkout, which would refuse.
func TestNothingToBookOnceOver(t *testing.T) {
	e := smallEvent()
	p := eventPage(newHall(t, e, smallPlan()))
	for at, want := range map[time.Time]bool{e.Starts: true, e.Starts.Add(store.Evening): false} {
		b := Basket{Lock: store.Lock{Seats: []store.Seat{{ID: "B1", Status: store.Locked}}, Deadline: at.Add(time.Minute)}, Now: at}
		if got := strings.Contains(string(p.AppendBasket(nil, b)), `id="book"`); got != want {
			t.Errorf("at %v the basket leads to the checkout: %v", at, got)
		}
	}
}

// Every page of an event leads to what the viewer has booked, the overview too.
func TestEveryBasketLeadsToBookings(t *testing.T) {
	for _, section := range []string{"", "east"} {
		v := largeView(t, section)
		v.Basket.Bookings = []string{"ABCDEFGH23"}
		if page := render(t, EventPage(v)); !strings.Contains(page, `Your bookings: <a href="/bookings/ABCDEFGH23">ABCDEFGH23</a>`) {
			t.Errorf("section %q: no way to the booking", section)
		}
	}
}

var (
	labels = regexp.MustCompile(`aria-label="([^"]*)"`)
)

// The page, an answer and a frame must show a seat with the same markup, or
// morphing one into the other would change what should stay.
func TestSeatIsTheSameEverywhere(t *testing.T) {
	v := eventView(t)
	page := render(t, EventPage(v))
	for _, s := range v.Seats {
		frame := string(v.Page.AppendSeat(nil, s, mine(s)))
		if want := strings.Replace(frame, ` hx-swap-oob="outerMorph"`, "", 1); !strings.Contains(page, want) {
			t.Errorf("the page does not contain %s", want)
		}
	}
}

func TestSeatMarkupBeginsAsPromised(t *testing.T) {
	h := eventPage(newHall(t, smallEvent(), smallPlan()))
	got := string(h.AppendSeat(nil, store.Seat{ID: "A1", Version: 3}, false))
	want := `<button name="seat" value="A1" id="seat-A1" class="available" data-v="3" aria-pressed="false"` +
		` aria-label="Row A seat 1, Stalls, €28" hx-swap-oob="outerMorph">1</button>`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := h.AppendSeat([]byte("x"), store.Seat{ID: "Z9"}, false); string(got) != "x" {
		t.Errorf("a seat that the plan does not have appended %s", got)
	}
}

// A seat that is booked for the viewer is a link to the booking, and never gives
// it back. Where there is no such link, it looks as it does to everybody.
func TestOwnBookedSeatIsALink(t *testing.T) {
	h := eventPage(newHall(t, smallEvent(), smallPlan()))
	booked := store.Seat{ID: "A1", Version: 4, Status: store.Booked, LockedBy: "me", Booking: "ABCDEFGH23"}
	want := `<a href="/bookings/ABCDEFGH23" id="seat-A1" class="booked mine" data-v="4"` +
		` aria-label="Row A seat 1, Stalls, €28, your booking" hx-swap-oob="outerMorph">1</a>`
	if got := string(h.AppendSeat(nil, booked, true)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	public := string(h.AppendSeat(nil, booked, false))
	if strings.Contains(public, "ABCDEFGH23") || strings.Contains(public, "mine") {
		t.Errorf("everybody sees %s", public)
	}
	booked.Booking = `x" onclick="`
	if got := string(h.AppendSeat(nil, booked, true)); got != public {
		t.Errorf("with a code that is none: %s, want %s", got, public)
	}
}

func TestLabelStaysWhilePressedAndReleased(t *testing.T) {
	h := eventPage(newHall(t, smallEvent(), smallPlan()))
	label := func(s store.Status, mine bool) string {
		html := string(h.AppendSeat(nil, store.Seat{ID: "B1", Status: s, Booking: "ABCDEFGH23"}, mine))
		return labels.FindStringSubmatch(html)[1]
	}
	free := label(store.Available, false)
	if own := label(store.Locked, true); own != free {
		t.Errorf("own %q, free %q: want the same", own, free)
	}
	for status, end := range map[store.Status]string{store.Paying: ", being paid for", store.Booked: ", your booking"} {
		if got := label(status, true); got != free+end {
			t.Errorf("own that is %v: label %q, want %q", status, got, free+end)
		}
	}
	for status, end := range map[store.Status]string{
		store.Locked: ", taken", store.Paying: ", taken", store.Booked: ", sold", store.Withheld: ", not for sale",
	} {
		if got := label(status, false); got != free+end {
			t.Errorf("%v: label %q, want %q", status, got, free+end)
		}
	}
}

// A seat of a status that this program does not know is shown, told and counted
// as one that is not for sale, on every page and in every fragment.
func TestUnknownStatusIsNotForSale(t *testing.T) {
	everything := func(status store.Status) map[string]string {
		shown := map[string]string{}
		for _, tag := range Languages {
			v, large := eventView(t), largeView(t, "")
			v.Page.hall, large.Page.hall = v.Page.hall.In(tag), large.Page.hall.In(tag)
			v.Seats[0].Status, v.Seats[0].LockedBy = status, "other"
			v.Sections = []Counts{{store.Available: 2, store.Locked: 1}, {}}
			v.Sections[0][status], v.Sections[1][status] = 2, 1
			large.Sections = []Counts{{}, {store.Available: 1}, {}, {}}
			large.Sections[0][status], large.Sections[1][status], large.Sections[3][status] = 1400, 1, 200
			shown["page in "+tag.String()] = render(t, EventPage(v))
			shown["overview in "+tag.String()] = render(t, EventPage(large))
			shown["seat in "+tag.String()] = string(v.Page.AppendSeat(nil, v.Seats[0], mine(v.Seats[0])))
			shown["section in "+tag.String()] = string(v.Page.AppendSection(nil, 0, v.Seats[:5], true))
			shown["summary in "+tag.String()] = string(v.Page.AppendSummary(nil, v.Sections, []int{0}))
			shown["overview's summary in "+tag.String()] = string(large.Page.AppendSummary(nil, large.Sections, []int{0, 1}))
		}
		return shown
	}
	want := everything(store.Withheld)
	for name, got := range everything(store.Unknown) {
		if got != want[name] {
			t.Errorf("%s: a seat of unknown status shows as\n%s\nwant, as one that is withheld,\n%s", name, got, want[name])
		}
	}
	v := eventView(t)
	unknown := string(v.Page.AppendSeat(nil, store.Seat{ID: "A1", Version: 2, Status: store.Unknown}, false))
	for _, part := range []string{` class="withheld" `, `, not for sale"`, ` aria-disabled="true"`} {
		if !strings.Contains(unknown, part) {
			t.Errorf("no %s in %s", part, unknown)
		}
	}
	legend := string(v.Page.AppendSummary(nil, []Counts{{store.Withheld: 2, store.Unknown: 3}}, nil))
	if !regexp.MustCompile(`Not for sale\s*<b>5</b>`).MatchString(legend) {
		t.Errorf("not for sale are 2 and 3, but the legend says\n%s", legend)
	}
}

// Whoever holds a seat, everybody else gets the same bytes.
func TestPublicMarkupTellsNoHolder(t *testing.T) {
	h := eventPage(newHall(t, smallEvent(), smallPlan()))
	seats := smallSeats()
	public := string(h.AppendSection(nil, 0, seats[:5], false))
	for i := range seats {
		seats[i].LockedBy, seats[i].LockTime, seats[i].Booking = "another-holder", now, "code"
	}
	if got := string(h.AppendSection(nil, 0, seats[:5], false)); got != public {
		t.Errorf("the section depends on its holders:\n%s", got)
	}
}

func TestHostileTextIsEscaped(t *testing.T) {
	const hostile = "<script>alert(1)</script>\"'`><hx-partial>\n\r\u202edrow{}*/"
	p, e := smallPlan(), smallEvent()
	e.Title, e.Venue = hostile, hostile
	p.Stage.Label, p.Categories[0].Name = hostile, hostile
	for i := range p.Sections {
		p.Sections[i].Name = hostile
		for j := range p.Sections[i].Rows {
			p.Sections[i].Rows[j].Label = hostile
			for k := range p.Sections[i].Rows[j].Seats {
				p.Sections[i].Rows[j].Seats[k].Label = hostile
			}
		}
	}
	v := eventView(t)
	v.Page, v.Line = eventPage(newHall(t, e, p)), hostile
	out := render(t, EventPage(v)) + string(v.Page.AppendSection(nil, 0, v.Seats[:5], true)) +
		string(v.Page.AppendSeat(nil, v.Seats[0], false)) + string(v.Page.AppendBasket(nil, v.Basket)) +
		string(v.Page.AppendSummary(nil, v.Sections, []int{0})) + string(AppendStatus(nil, hostile, true)) +
		render(t, EventsPage(EventsView{Words: v.Page.Hall().Words, Events: []Billing{v.Page.Hall().Billing}, Now: now, Asset: plainName})) +
		render(t, ErrorPage(ErrorView{Words: v.Page.Hall().Words, Status: 500, Text: hostile, Asset: plainName}))
	for _, bad := range []string{"<script>", "<hx-partial>", `"'`} {
		if strings.Contains(out, bad) {
			t.Errorf("%q came through", bad)
		}
	}
	got := labels.FindStringSubmatch(string(v.Page.AppendSeat(nil, v.Seats[0], false)))[1]
	if want := "Row " + hostile + " seat " + hostile + ", " + hostile + ", €28"; html.UnescapeString(got) != want {
		t.Errorf("label %q, want %q", html.UnescapeString(got), want)
	}
	if css := sheetOf(v.Page); !regexp.MustCompile(`^(#[a-zA-Z0-9.:\\-]+\{[a-z0-9.,:;()"-]*\}\n)+$`).MatchString(css) {
		t.Errorf("texts are in the stylesheet:\n%s", css)
	}
}

// A page obeys a policy that forbids all that is inline.
func TestNothingIsInline(t *testing.T) {
	page := render(t, EventPage(eventView(t)))
	for _, bad := range []string{"<style", " style=", "javascript:", "hx-on", " onclick"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page contains %q", bad)
		}
	}
	for _, tag := range regexp.MustCompile(`<script[^>]*>[^<]*`).FindAllString(page, -1) {
		if !strings.Contains(tag, " src=") || !strings.HasSuffix(tag, ">") {
			t.Errorf("inline script: %s", tag)
		}
	}
	if strings.Contains(page, " disabled") {
		t.Error("something is disabled")
	}
}

// Each form posts without a script, and shares the one queue with it.
func TestFormsShareOneQueue(t *testing.T) {
	v := eventView(t)
	v.Basket.Now = v.Basket.Lock.Deadline.Add(-time.Minute)
	forms := regexp.MustCompile(`<form[^>]*>`).FindAllString(render(t, EventPage(v)), -1)
	if len(forms) != 5 {
		t.Fatalf("%d forms, want one for each of 2 sections, one to release, one to extend, one for the best seats", len(forms))
	}
	same := regexp.MustCompile(` method="post" action="([^"]+)" hx-post="([^"]+)" hx-swap="none" hx-sync="closest main:queue all"`)
	for _, form := range forms {
		if m := same.FindStringSubmatch(form); m == nil || m[1] != m[2] {
			t.Errorf("form %s", form)
		}
	}
}

// The form for the best seats asks for nothing that the plan leaves no choice of.
func TestBestOffersWhatThereIs(t *testing.T) {
	fields := []string{`name="category"`, `name="section"`, `name="accessible"`, `max="1" value="1"`}
	has := func(p plan.Plan) (n []bool) {
		got := render(t, best(eventPage(newHall(t, smallEvent(), p)), BestView{Most: 1}))
		for _, field := range fields {
			n = append(n, strings.Contains(got, field))
		}
		return n
	}
	if got := has(smallPlan()); !slices.Equal(got, []bool{true, true, true, true}) {
		t.Errorf("two sections with a wheelchair place: %q are there: %v", fields, got)
	}
	one := smallPlan()
	one.Sections = one.Sections[1:]
	if got := has(one); !slices.Equal(got, []bool{true, false, false, true}) {
		t.Errorf("one section without: %q are there: %v", fields, got)
	}
}

func TestBlockName(t *testing.T) {
	h := newHall(t, smallEvent(), smallPlan())
	for want, ids := range map[string][]string{
		"Stalls, Row A seats 1 to 3": {"A1", "A2", "A3"}, "Stalls, Row B seats 1 and 2": {"B1", "B2"},
	} {
		if got := h.BlockName(ids); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestNewHallRefuses(t *testing.T) {
	for name, breakIt := range map[string]func(*store.Event, *plan.Plan){
		"unknown category": func(_ *store.Event, p *plan.Plan) { p.Sections[0].Rows[0].Seats[0].Category = "none" },
		"seat id":          func(_ *store.Event, p *plan.Plan) { p.Sections[0].Rows[0].Seats[0].ID = "A1{}" },
		"seat twice":       func(_ *store.Event, p *plan.Plan) { p.Sections[1].Rows[0].Seats[0].ID = "A1" },
		"section id":       func(_ *store.Event, p *plan.Plan) { p.Sections[0].ID = "a b" },
		"section twice":    func(_ *store.Event, p *plan.Plan) { p.Sections[1].ID = "stalls" },
		"no seats":         func(_ *store.Event, p *plan.Plan) { p.Sections = nil },
		"zone":             func(e *store.Event, _ *plan.Plan) { e.Zone = "Mars/Olympus" },
	} {
		t.Run(name, func(t *testing.T) {
			e, p := smallEvent(), smallPlan()
			breakIt(&e, &p)
			if h, err := NewHall(e, p); err == nil || h != nil {
				t.Errorf("got %v, %v; want an error", h, err)
			}
		})
	}
}

func TestSections(t *testing.T) {
	h := newHall(t, smallEvent(), smallPlan())
	got := h.Sections()
	if len(got) != 2 || strings.Join(got[0], " ") != "A1 A2 A3 B1 B2" || strings.Join(got[1], " ") != "1.1-1" {
		t.Errorf("Sections: %v", got)
	}
	got[0][0] = "changed"
	if h.Sections()[0][0] != "A1" {
		t.Error("a caller can change the hall through Sections")
	}
}

func TestErrorTexts(t *testing.T) {
	for _, status := range []int{400, 403, 404, 409, 413, 415, 422, 429, 500, 502, 503} {
		v := ErrorView{Words: In(language.English), Status: status}
		if v.title() == "" || v.text() == "" {
			t.Errorf("%d: title %q, text %q", status, v.title(), v.text())
		}
	}
}

func BenchmarkAppendSeat(b *testing.B) {
	h, err := NewHall(smallEvent(), smallPlan())
	if err != nil {
		b.Fatal(err)
	}
	p := eventPage(h)
	var dst []byte
	for b.Loop() {
		dst = p.AppendSeat(dst[:0], store.Seat{ID: "A1", Version: 3}, false)
	}
}

// Each state in which seats cannot be had has words of its own.
func TestSales(t *testing.T) {
	for want, change := range map[string]func(*store.Event){
		"": func(*store.Event) {},
		"Sales open on Tuesday 1 December 2026, 21:31 CET.":   func(e *store.Event) { e.SalesOpen = now.Add(time.Hour) },
		"Sales closed on Tuesday 1 December 2026, 19:31 CET.": func(e *store.Event) { e.SalesClose = now.Add(-time.Hour) },
		"This event has taken place.":                         func(e *store.Event) { e.Starts = now.Add(-6 * time.Hour) },
	} {
		e := smallEvent()
		change(&e)
		h := newHall(t, e, smallPlan())
		if got := h.Sales(now); got != want {
			t.Errorf("Sales: %q, want %q", got, want)
		}
		page := render(t, EventPage(EventView{Page: eventPage(h), Seats: smallSeats(), Sections: smallCounts(), Mine: mine, Basket: Basket{Now: now}, Asset: plainName}))
		if got := strings.Contains(page, `<p class="sales">`+want+`</p>`); got != (want != "") {
			t.Errorf("the page says %q: %v", want, got)
		}
	}
	e := smallEvent()
	e.Starts = now.Add(-6*time.Hour + time.Second)
	if got := newHall(t, e, smallPlan()).Sales(now); got != "" {
		t.Errorf("on the evening itself: %q", got)
	}
	e.Starts, e.SalesClose = time.Time{}, now.Add(-time.Hour)
	if got := newHall(t, e, smallPlan()).Sales(now); !strings.HasPrefix(got, "Sales closed") {
		t.Errorf("of an event without a date: %q", got)
	}
	page := render(t, EventPage(EventView{Page: eventPage(newHall(t, smallEvent(), smallPlan())), Mine: mine, Asset: plainName,
		Sections: []Counts{{store.Booked: 6}}, Basket: Basket{Now: now}}))
	if !strings.Contains(page, `<p id="outlook" class="outlook">Sold out.`) {
		t.Error("the page of a sold out event does not say so above the map")
	}
}
