package handlers_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// Whatever happens, and wherever its stream was cut, a page that stays open
// comes to show what a new page does: seats, counts, prices and basket.
func TestOpenPagesBecomeWhatNewOnesAre(t *testing.T) {
	h := open(t, setting{live: live.Options{Window: 5 * time.Millisecond}}) // many frames
	h.createLarge(t)
	var people []*person
	var pages []*openPage
	for i := range 4 {
		p := h.visitor(t)
		people = append(people, p)
		for _, path := range []string{"", fmt.Sprintf("/sections/S%d", 1+i/2)} {
			page := &openPage{person: p, path: "/events/large" + path + []string{"?lang=en", "?lang=de"}[rand.IntN(2)]}
			page.load()
			pages = append(pages, page)
		}
	}
	looking, stop := context.WithCancel(t.Context())
	defer stop()
	var watching, working sync.WaitGroup
	for _, page := range pages {
		watching.Go(func() { page.watch(looking) })
	}
	for _, p := range people {
		working.Go(func() {
			for range 20 {
				p.actLarge()
			}
		})
	}
	working.Go(func() { h.reshapeLarge(t) })
	working.Wait()
	stop()
	watching.Wait()
	for _, page := range pages {
		page.mustBecomeNew()
	}
}

// actLarge has a visitor do something at random.
func (p *person) actLarge() {
	section := fmt.Sprintf("S%d", 1+rand.IntN(4))
	switch rand.IntN(4) {
	case 0:
		p.postLarge("unlock", nil)
	case 1:
		p.postLarge("best", url.Values{"count": {fmt.Sprint(1 + rand.IntN(4))}, "section": {section}})
	default:
		var seats []string
		for range 1 + rand.IntN(3) {
			seats = append(seats, fmt.Sprintf("%s-%d-%d", section, 1+rand.IntN(20), 1+rand.IntN(20)))
		}
		p.postLarge("lock", url.Values{"seat": seats})
	}
}

// reshapeLarge is the organizer: much of a section goes off sale or comes back,
// again and again, and once prices change and once seats are added.
func (h *house) reshapeLarge(t *testing.T) {
	for i := range 12 {
		h.withholdSome(t, fmt.Sprintf("S%d", 1+rand.IntN(4)))
		e, err := h.store.Event(t.Context(), "large")
		if err != nil {
			t.Error(err)
			return
		}
		switch i {
		case 3:
			e.Prices = map[string]int64{"all": 3100}
			_, err = h.store.UpdateEvent(t.Context(), e)
		case 6:
			p := largePlan()
			row := &p.Sections[1].Rows[3]
			row.Seats = append(row.Seats, plan.Seat{ID: "S2-new", Label: "21", Category: "all", X: 44.5, Y: 3.5})
			_, err = h.store.AddSeats(t.Context(), store.NewEvent{Event: e, PlanBody: p.Encode(), Seats: p.SeatIDs()})
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// withholdSome takes more seats of a section off sale than are told one by one.
func (h *house) withholdSome(t *testing.T, section string) {
	snapshot, err := h.store.Snapshot(t.Context(), "large")
	if err != nil {
		t.Error(err)
		return
	}
	var seats []string
	on := rand.IntN(2) == 0
	for _, s := range snapshot.Seats {
		if strings.HasPrefix(s.ID, section) && (s.Status == store.Available || s.Status == store.Withheld) && len(seats) < 150 {
			seats = append(seats, s.ID)
		}
	}
	// A seat may have been taken meanwhile: then nothing is done.
	_, _ = h.store.Withhold(t.Context(), store.WithholdRequest{Event: "large", Seats: seats, On: on})
}

// openPage is a page in a browser, which its stream keeps current: the text of
// each part of it that a fragment can replace, by its id.
type openPage struct {
	*person
	path   string
	stream string // its address, with the cursor of the page
	cursor string
	parts  map[string]string
}

var (
	partOfPage = regexp.MustCompile(`(?s)<button name="seat"[^>]* id="(seat-[^"]+)".*?</button>` +
		`|<li id="(part-[^"]+)".*?</li>|<a id="(shape-[^"]+)".*?</a>` +
		`|<section id="(legend|basket)".*?</section>|<p id="(outlook)".*?</p>`)
	untold = regexp.MustCompile(` hx-swap-oob="[^"]+"| data-left="\d+"`)
	source = regexp.MustCompile(`hx-sse:connect="([^"]+)"`)
)

func partsOf(html string) map[string]string {
	parts := map[string]string{}
	for _, m := range partOfPage.FindAllStringSubmatch(html, -1) {
		parts[strings.Join(m[1:], "")] = untold.ReplaceAllString(m[0], "")
	}
	return parts
}

func (o *openPage) load() {
	o.t.Helper()
	page := o.get(o.path).text
	o.parts = partsOf(page)
	o.stream = strings.ReplaceAll(source.FindStringSubmatch(page)[1], "&amp;", "&")
	o.cursor = ""
}

func (o *openPage) message(id, body string) {
	resync := strings.Contains(body, "resync:true")
	for part, now := range partsOf(body) {
		was, is := seatsIn(o.parts[part]), seatsIn(now)
		seat := strings.TrimPrefix(part, "seat-")
		older := is[seat].version < was[seat].version || is[seat].version == was[seat].version && was[seat].mine && !is[seat].mine
		if resync || !older {
			o.parts[part] = now
		}
	}
	if id != "" {
		o.cursor = id
	}
}

// watch follows the stream until ctx ends. It is cut again and again.
func (o *openPage) watch(ctx context.Context) {
	for ctx.Err() == nil {
		s, err := o.openAgain(ctx)
		if err != nil {
			if ctx.Err() == nil {
				o.t.Error(err)
			}
			return
		}
		for range rand.IntN(4) {
			event, id, data, err := s.next()
			if err != nil {
				break
			}
			if event == "" || event == "hb" {
				o.message(id, data)
			}
		}
		s.cancel()
	}
}

func (o *openPage) openAgain(ctx context.Context) (*stream, error) {
	r, err := http.NewRequestWithContext(ctx, "GET", o.home+o.stream, nil)
	if err != nil {
		return nil, err
	}
	if o.cursor != "" {
		r.Header.Set("Last-Event-ID", o.cursor)
	}
	return o.openStream(r)
}

// mustBecomeNew follows the stream until the page is as a new one.
func (o *openPage) mustBecomeNew() {
	o.t.Helper()
	want := partsOf(o.get(o.path).text)
	s, err := o.openAgain(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	defer s.cancel()
	limit := time.AfterFunc(10*time.Second, s.cancel)
	defer limit.Stop()
	for !maps.Equal(o.parts, want) {
		event, id, data, err := s.next()
		if err != nil {
			o.differ(want)
			o.t.FailNow()
		}
		if event == "" {
			o.message(id, data)
		}
	}
}

// differ tells which parts are other than wanted.
func (o *openPage) differ(want map[string]string) {
	o.t.Helper()
	all := maps.Clone(want)
	maps.Copy(all, o.parts)
	for _, part := range slices.Sorted(maps.Keys(all)) {
		if o.parts[part] != want[part] {
			o.t.Errorf("%s: the open page has\n%s\nand a new one\n%s", o.path, o.parts[part], want[part])
		}
	}
}
