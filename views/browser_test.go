package views

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/chromedp/chromedp"
	"golang.org/x/text/language"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/static"
	"github.com/seatlock/seatlock/store"
)

// shown serves components as pages with the styles that they ask for, and
// without scripts: what they look like and mean must not need any.
type shown struct {
	site  string
	pages map[string]templ.Component
}

func show(t *testing.T, files *static.Files, halls []*Hall, pages map[string]templ.Component) *shown {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if page, ok := pages[strings.TrimPrefix(r.URL.Path, "/page/")]; ok {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_ = page.Render(r.Context(), w)
			return
		}
		for _, h := range halls {
			if css, ok := h.Sheet(path.Base(r.URL.Path)); ok {
				w.Header().Set("Content-Type", "text/css")
				_, _ = w.Write(css)
				return
			}
		}
		file, ok := files.Open(r.URL.Path)
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", file.ContentType)
		if !strings.HasSuffix(r.URL.Path, ".js") {
			_, _ = w.Write(file.Body)
		}
	}))
	t.Cleanup(server.Close)
	return &shown{site: server.URL, pages: pages}
}

// states are all pages in every state that they can be in.
func states(t *testing.T) *shown {
	t.Helper()
	files, err := static.New()
	if err != nil {
		t.Fatal(err)
	}
	pages, halls := map[string]templ.Component{}, []*Hall{}
	event := func(name string, change func(*EventView, *store.Event)) {
		v, e := eventView(t), smallEvent()
		change(&v, &e)
		h := newHall(t, e, smallPlan())
		v.Page, v.Asset = eventPage(h), files.Path
		pages[name], halls = EventPage(v), append(halls, h)
	}
	event("event", func(*EventView, *store.Event) {})
	event("refused", func(v *EventView, _ *store.Event) {
		v.Line, v.Refused = "First tier row 1 seat 1 is taken. Choose another free seat.", true
	})
	event("extend", func(v *EventView, _ *store.Event) { v.Basket.Now = v.Basket.Lock.Deadline.Add(-time.Minute) })
	event("sold-out", func(v *EventView, _ *store.Event) {
		v.Basket.Lock, v.Sections = store.Lock{}, []Counts{{store.Booked: 5}, {store.Booked: 1}}
	})
	event("none-free", func(v *EventView, _ *store.Event) { v.Sections = []Counts{{store.Locked: 6}} })
	event("not-yet", func(_ *EventView, e *store.Event) { e.SalesOpen = now.Add(time.Hour) })
	event("closed", func(_ *EventView, e *store.Event) { e.SalesClose = now.Add(-time.Hour) })
	event("over", func(_ *EventView, e *store.Event) { e.Starts = now.Add(-store.Evening) })
	for name, section := range map[string]string{"overview": "", "section": "east"} {
		v := largeView(t, section)
		v.Asset = files.Path
		pages[name], halls = EventPage(v), append(halls, v.Page.hall)
	}
	german := eventView(t)
	german.Page, german.Asset = eventPage(halls[0].In(language.German)), files.Path
	pages["german"] = EventPage(german)
	english := In(language.English)
	for _, status := range []int{403, 404, 409, 422, 429, 500, 503} {
		pages[fmt.Sprint("error-", status)] = ErrorPage(ErrorView{Words: english, Status: status, Asset: files.Path})
	}
	pages["events"] = EventsPage(EventsView{Words: english, Events: []Billing{halls[0].Billing, halls[5].Billing}, Now: now, Asset: files.Path})
	pages["forget"] = ForgetPage(ForgetView{Words: english, Known: true, Asset: files.Path})
	pages["forget-done"] = ForgetPage(ForgetView{Words: english, Line: english.Say("This device is not known here: there is nothing to forget."), Asset: files.Path})
	pages["events-none"] = EventsPage(EventsView{Words: english, Now: now, Asset: files.Path})
	till := tillPages(t, english, files.Path)
	for _, name := range []string{"checkout", "checkout-faults", "checkout-one-way", "checkout-tariffs", "checkout-unfit", "booking-paying", "booking-booked-part", "booking-lost", "booking-booked-in", "demo-pay", "ticket-valid", "ticket-used", "ticket-moved", "ticket-other-date", "ticket-sheet"} {
		pages[name] = till[name]
	}
	return show(t, files, halls, pages)
}

// Every page in every state is accessible and fits, on screens down to 320 px.
// With SCREENSHOTS=DIR it leaves pictures there.
func TestEveryStateIsAccessible(t *testing.T) {
	s, browser := states(t), testengine.Chromium(t)
	for _, width := range []int64{1280, 320} {
		for _, theme := range []string{"light", "dark"} {
			t.Run(fmt.Sprint(width, theme), func(t *testing.T) {
				tab := browser.Visitor(t)
				tab.Do(t, "size", chromedp.EmulateViewport(width, 800))
				tab.Prefer(t, "prefers-color-scheme", theme)
				for name := range s.pages {
					tab.Do(t, "open "+name, chromedp.Navigate(s.site+"/page/"+name))
					tab.WantAccessible(t, name)
					tab.WantNarrow(t, name)
					tab.Shoot(t, fmt.Sprintf("state-%s-%d-%s", name, width, theme), chromedp.FullScreenshot(100))
				}
			})
		}
	}
}

// What a screen reader has of the page is a text that people can read.
func TestTree(t *testing.T) {
	s, tab := states(t), testengine.Chromium(t).Visitor(t)
	for _, name := range []string{"event", "sold-out", "events", "overview", "section"} {
		tab.Do(t, "open "+name, chromedp.Navigate(s.site+"/page/"+name))
		goldenFile(t, "tree-"+name+".txt", tab.Tree(t))
	}
	tab.Do(t, "open", chromedp.EmulateViewport(320, 800), chromedp.Navigate(s.site+"/page/event"))
	goldenFile(t, "tree-event-list.txt", tab.Tree(t))
}

// On paper there is first what is yours, and then every seat of every section,
// with nothing to press.
func TestPaper(t *testing.T) {
	s, tab := states(t), testengine.Chromium(t).Visitor(t)
	for _, width := range []int64{1280, 320} {
		tab.Do(t, "open", chromedp.EmulateViewport(width, 800), chromedp.Navigate(s.site+"/page/extend"))
		tab.Print(t)
		got := testengine.Ask[string](t, tab, `[...document.querySelectorAll('h1, .billing p, .held span, legend, .row, .row button, button, input, label, .stage, nav, .tools')]
			.filter(e => e.checkVisibility()).map(e => [e.getBoundingClientRect().top, e])
			.sort((a, b) => a[0] - b[0])
			.map(([, e]) => e.matches('.row') ? getComputedStyle(e, '::before').content.split('"')[1] : e.innerText.trim() + (getComputedStyle(e, '::before').content.split('"')[1] ?? ''))
			.filter(text => text).join('|')`)
		want := "The Tempest|Friday 4 December 2026, 19:30 CET Studio Theatre €22.50 to €28|Stalls row A seat 2|€28|" +
			"Stalls|Stalls|Row A|1|2|3×|Row B|1|2–|First tier|First tier|Row 1|1…"
		if got != want {
			t.Errorf("%d px: on paper is\n%s, want\n%s", width, got, want)
		}
		tab.WantNarrow(t, "on paper")
	}
}
