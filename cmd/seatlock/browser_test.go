package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"

	"github.com/seatlock/seatlock/internal/testengine"
)

func TestTwoPeopleOneSeat(t *testing.T) {
	p, browser := serveProgram(t), testengine.Chromium(t)
	a, b := p.atDemo(browser), p.atDemo(browser)
	a.mark()
	b.mark()

	a.clickSeat("A1")
	a.sees(mine, "A1")
	a.basket("A1")
	a.isTold("Yours until")
	a.until("the countdown runs", `/^(10:00|9:\d\d) left$/.test(document.getElementById('countdown').textContent)`)
	b.sees(taken, "A1")
	b.basket()

	a.clickSeat("A1")
	a.sees(free, "A1")
	a.basket()
	a.isTold("Given back.")
	b.sees(free, "A1")
	a.wantSamePage()
	b.wantSamePage()
}

func TestExpiryIsSeenByAll(t *testing.T) {
	p, browser := serveProgram(t, "--lock-ttl", "3s"), testengine.Chromium(t)
	a, b := p.atDemo(browser), p.atDemo(browser)
	a.clickSeat("A1")
	a.sees(mine, "A1")
	b.sees(taken, "A1")

	a.isTold("Your time ran out: Row A seat 1 is free again.")
	a.sees(free, "A1")
	a.basket()
	b.sees(free, "A1")
	if told := ask[string](b, `document.getElementById('status').textContent`); told != "" {
		t.Errorf("somebody who lost nothing is told %q", told)
	}
}

// TestHouseReleasesASeat runs the command beside the server: the seat is free on
// every map, and who had it is told by whom it was freed.
func TestHouseReleasesASeat(t *testing.T) {
	p, browser := serveProgram(t), testengine.Chromium(t)
	a, b := p.atDemo(browser), p.atDemo(browser)
	a.clickSeat("A1")
	a.sees(mine, "A1")
	a.clickSeat("A2")
	a.basket("A1", "A2")
	b.sees(taken, "A1", "A2")

	does(t, "release", "--store", p.store, "--event", "demo", "A1")
	a.isTold("The box office has released Row A seat 1. Please choose again.")
	a.sees(free, "A1")
	a.basket("A2")
	b.sees(free, "A1")
	b.sees(taken, "A2")
	if told := ask[string](b, `document.getElementById('status').textContent`); told != "" {
		t.Errorf("somebody who lost nothing is told %q", told)
	}
}

func TestFiveFastClicks(t *testing.T) {
	p := serveProgram(t)
	a := p.atDemo(testengine.Chromium(t))
	seats := []string{"A1", "B2", "C3", "D4", "E5"}
	ask[bool](a, fmt.Sprintf(`"%s".split(" ").every(id => document.getElementById("seat-" + id).click() === undefined)`, strings.Join(seats, " ")))
	a.sees(mine, seats...)
	a.basket(seats...)
}

// The loser's map cannot know yet that the seat is gone: its stream is held.
func TestLoserIsToldAndShownTheTruth(t *testing.T) {
	p, browser := serveProgram(t), testengine.Chromium(t)
	b := p.newVisitor(browser)
	letGo := b.hold("*/live?*", fetch.RequestStageRequest)
	b.open("/events/demo")
	rival := p.rival()
	rival.lock("A1")
	b.sees(free, "A1")

	b.clickSeat("A1")
	b.isTold("Row A seat 1 was just taken by somebody else. Please choose another seat.")
	b.sees(taken, "A1")
	b.basket()
	b.wantFocus("after the refusal", "seat-A1")

	letGo()
	rival.unlock("A1")
	b.sees(free, "A1")
	b.clickSeat("A1")
	b.sees(mine, "A1")
}

func TestTabsOfOneVisitorAgree(t *testing.T) {
	p := serveProgram(t)
	first := p.atDemo(testengine.Chromium(t))
	second := first.inWindow()
	second.openLive()
	second.mark()

	first.clickSeat("A1")
	first.sees(mine, "A1")
	second.sees(mine, "A1")
	second.basket("A1")
	second.clickSeat("A1")
	second.sees(free, "A1")
	first.sees(free, "A1")
	first.basket()
	second.wantSamePage()
}

// An answer that was under way for long tells of an older seat than the stream
// did meanwhile.
func TestLateAnswerDoesNotUndoASeat(t *testing.T) {
	p := serveProgram(t)
	first := p.atDemo(testengine.Chromium(t))
	second := first.inWindow()
	second.openLive()
	letGo := first.hold("*/lock", fetch.RequestStageResponse)
	first.clickSeat("A1")
	first.sees(mine, "A1")
	second.sees(mine, "A1")
	second.clickSeat("A1")
	first.sees(free, "A1")

	letGo()
	first.isTold("Yours until")
	first.sees(free, "A1")
}

// And so it tells of an older basket.
func TestLateAnswerDoesNotUndoTheBasket(t *testing.T) {
	p := serveProgram(t)
	first := p.atDemo(testengine.Chromium(t))
	second := first.inWindow()
	second.openLive()
	letGo := first.hold("*/lock", fetch.RequestStageResponse)
	first.clickSeat("A1")
	first.sees(mine, "A1")
	second.sees(mine, "A1")
	second.clickSeat("B2")
	first.basket("A1", "B2")

	letGo()
	first.isTold("Yours until")
	first.sees(mine, "A1", "B2")
	first.basket("A1", "B2")
}

// Over a slow network the scripts come one by one: htmx must not begin before
// all of them are there, or the map would never be live.
func TestSlowScriptsStillEndLive(t *testing.T) {
	p := serveProgram(t)
	v := &visitor{Tab: testengine.Chromium(t).Visitor(t), t: t, site: p.site}
	for _, late := range []string{"hx-sse", "app"} {
		letGo := v.hold("*/static/"+late+"*", fetch.RequestStageRequest)
		v.goTo("/events/demo?late=" + late)
		v.until("htmx alone is there", `location.search.includes('`+late+`') && typeof htmx === 'object' && !document.querySelector('#connection.live')`)
		// Whatever htmx would do without the rest, it has done after two timers.
		v.until("timers have passed", `(window.passed ??= setTimeout(() => setTimeout(() => { window.passed = 'yes' }))) === 'yes'`)
		letGo()
		v.untilLive()
		p.rival().lock(map[string]string{"hx-sse": "A1", "app": "A2"}[late])
		v.sees(taken, map[string]string{"hx-sse": "A1", "app": "A2"}[late])
	}
}

// Both tabs ask for their page before either has an answer, and with it a
// cookie: the visitor must end as one person all the same.
func TestTwoFirstTabsAtOnce(t *testing.T) {
	p := serveProgram(t)
	gate := p.behindGate("GET /events/demo", 2)
	first := &visitor{Tab: testengine.Chromium(t).Visitor(t), t: t, site: gate.site}
	second := first.inWindow()
	// One address would be asked for once, and then again by the other tab.
	first.goTo("/events/demo?first")
	second.goTo("/events/demo?second")
	first.untilLive()
	second.untilLive()
	if _, n := gate.waiting(); n != 0 {
		t.Fatalf("%d of the first two requests had a cookie, want none", n)
	}

	first.clickSeat("A1")
	first.isTold("Yours until")
	first.sees(mine, "A1")
	second.sees(mine, "A1")
	second.clickSeat("B2")
	second.sees(mine, "B2")
	first.sees(mine, "B2")
	first.basket("A1", "B2")
	second.basket("A1", "B2")
}

func TestWithoutJavaScript(t *testing.T) {
	p := serveProgram(t)
	v := p.newVisitor(testengine.Chromium(t)).withoutScript()
	v.open("/events/demo")
	v.clickSeat("A1")
	v.sees(mine, "A1")
	v.basket("A1")
	v.isTold("Yours until")
	v.wantFocus("after the lock", "seat-A1")
	v.clickSeat("A1")
	v.sees(free, "A1")
	v.isTold("Given back.")

	v.open("/events/demo")
	p.rival().lock("B2")
	v.clickSeat("B2")
	v.isTold("Row B seat 2 was just taken by somebody else.")
	v.sees(taken, "B2")
	v.until("the line is above the map", `document.getElementById('status').getBoundingClientRect().bottom <=
		document.getElementById('map').getBoundingClientRect().top`)
	v.until("the line is in view", `document.getElementById('status').getBoundingClientRect().top >= 0 &&
		document.getElementById('status').getBoundingClientRect().bottom <= innerHeight`)
	p.rival().lock("C3")
	v.click(".tools a") // Refresh
	v.sees(taken, "B2", "C3")
	v.until("the map has its own address again", `location.pathname === '/events/demo'`)
}

func TestFirstClickDoubledWithoutJavaScript(t *testing.T) {
	p := serveProgram(t)
	v := p.newVisitor(testengine.Chromium(t)).withoutScript()
	v.open("/events/demo")
	v.doubleClick("#seat-A1")
	v.until("the answer is there", `location.search !== ''`)
	v.sees(mine, "A1")
	v.basket("A1")
}

// The browser shows the answer to the second press alone, but the server does
// both.
func TestFirstClickSentTwiceWithoutJavaScript(t *testing.T) {
	p := serveProgram(t)
	gate := p.behindGate("POST /events/demo/lock", 2)
	v := (&visitor{Tab: testengine.Chromium(t).Visitor(t), t: t, site: gate.site}).withoutScript()
	v.open("/events/demo")
	x, y := v.point("#seat-A1")
	v.Do(v.t, "press", chromedp.MouseClickXY(x, y))
	v.eventually("the first press is on its way", func() bool { came, _ := gate.waiting(); return came == 1 })
	v.Do(v.t, "press again", chromedp.MouseClickXY(x, y, chromedp.ClickCount(2)))
	v.until("the answer is there", `location.search !== '' || location.pathname !== '/events/demo'`)
	v.sees(mine, "A1")
	v.basket("A1")
}

// With JavaScript too a double click is one decision, even where the answer to
// its first half is there before the second.
func TestDoubleClick(t *testing.T) {
	v := serveProgram(t).atDemo(testengine.Chromium(t))
	x, y := v.point("#seat-A1")
	v.Do(v.t, "press", chromedp.MouseClickXY(x, y))
	v.sees(mine, "A1")
	v.Do(v.t, "press again", chromedp.MouseClickXY(x, y, chromedp.ClickCount(2)))
	v.clickSeat("B2") // posts queue: its answer comes after all of A1's
	v.basket("A1", "B2")
	v.sees(mine, "A1", "B2")
}

func TestBackButton(t *testing.T) {
	for name, c := range map[string]struct {
		first string // done on the page before it is left
		kept  bool
	}{
		"page kept by the browser": {`true`, true},
		"page loaded anew":         {`addEventListener('unload', () => {}) === undefined`, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := serveProgram(t)
			v := p.atDemo(testengine.Chromium(t))
			v.mark()
			ask[bool](v, c.first)
			v.clickSeat("A1")
			v.isTold("Yours until")
			v.click(".brand")
			v.until("the list is there", `location.pathname === '/' && document.readyState === 'complete'`)
			rival := p.rival()
			rival.lock("B2")
			ask[bool](v, `history.back() === undefined`)
			v.until("the map is back", `location.pathname === '/events/demo'`)
			v.sees(taken, "B2")
			v.sees(mine, "A1")
			v.basket("A1")
			if kept := ask[bool](v, `window.marked === true`); kept != c.kept {
				t.Errorf("the page was kept: %v, want %v", kept, c.kept)
			}
			rival.lock("C3")
			v.sees(taken, "C3")
		})
	}
}

// The server dies as in a power cut and comes back on the same file and port.
func TestRestartHealsByItself(t *testing.T) {
	p := serveProgram(t)
	v := p.atDemo(testengine.Chromium(t))
	v.Excuse(`net::ERR_(CONNECTION|INCOMPLETE_CHUNKED|EMPTY_RESPONSE)|htmx:sse:error`)
	v.mark()
	v.clickSeat("A1")
	v.isTold("Yours until") // by the answer: the stream may well be first
	v.sees(mine, "A1")

	p.kill()
	v.until("the loss is shown", `document.querySelector('#connection.lost') !== null`)
	v.isTold("Connection lost.")
	p.restart()
	p.rival().lock("B2")
	v.sees(taken, "B2")
	v.untilLive()
	v.isTold("Connection restored.")
	v.sees(mine, "A1")
	v.basket("A1")
	v.wantSamePage()
	v.clickSeat("A1")
	v.sees(free, "A1")
}

func TestHiddenTabCatchesUp(t *testing.T) {
	p := serveProgram(t)
	v := p.atDemo(testengine.Chromium(t))
	v.mark()
	before := v.besideIt()
	before.open("/")
	v.until("the tab is hidden", `document.hidden`)
	v.until("its stream ended", `!document.getElementById('live')._htmx.sse.reader`)
	rival := p.rival()
	rival.lock("A1", "B2")
	rival.unlock("A1")
	if got := v.seat("B2"); got != free {
		t.Fatalf("B2 is %s to a hidden tab without a stream, want it as it was", got)
	}
	v.Front(t)
	v.until("the tab is visible", `!document.hidden`)
	v.sees(taken, "B2")
	v.sees(free, "A1")
	v.wantSamePage()
}
