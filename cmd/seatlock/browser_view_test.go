package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/seatlock/seatlock/internal/testengine"
)

func (v *visitor) openTheatre() {
	v.t.Helper()
	v.open("/events/theatre")
	v.untilLive()
}

// wantTargets measures every seat in view of the plan: none may be smaller.
func (v *visitor) wantTargets(when string, least float64) {
	v.t.Helper()
	got := ask[[]float64](v, `(sizes => [sizes.length, Math.min(...sizes)])(
		[...document.querySelectorAll('#plan button')].filter(s => s.offsetParent)
			.map(s => s.getBoundingClientRect()).map(r => Math.min(r.width, r.height)))`)
	if got[0] == 0 || got[1] < least {
		v.t.Errorf("%s: of %v seats the smallest is %.2f px, want %v", when, got[0], got[1], least)
	}
}

func (v *visitor) wantFits(when string) {
	v.t.Helper()
	v.WantNarrow(v.t, when)
	// What cuts off what does not fit, and does not scroll, must fit. Seats in
	// a row are drawn over each other's edges, and hidden text is not seen.
	if got := ask[string](v, `[...document.querySelectorAll('main *')].filter(e =>
		e.offsetParent && e.clientWidth > 1 && /hidden|clip/.test(getComputedStyle(e).overflowX) &&
		(e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)).slice(0, 3).map(e => e.outerHTML.slice(0, 120)).join()`); got != "" {
		v.t.Errorf("%s: cut off: %s", when, got)
	}
}

func TestTargetsAndText(t *testing.T) {
	p, browser := serveProgram(t), testengine.Chromium(t)
	for _, c := range []struct {
		name          string
		width, height int64
		text          int // px
	}{
		{"desktop", 1280, 900, 16}, {"desktop at 200 %", 640, 450, 16}, {"desktop with large text", 1280, 900, 32},
		{"desktop with small text", 1280, 900, 10}, {"phone", 390, 844, 16}, {"small phone", 320, 568, 16},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := &visitor{Tab: browser.Visitor(t), t: t, site: p.site}
			v.screen(c.width, c.height)
			for _, event := range []string{"demo", "theatre"} {
				v.open("/events/" + event)
				v.untilLive()
				ask[string](v, fmt.Sprintf(`document.documentElement.style.fontSize = '%dpx'`, c.text))
				listed := ask[bool](v, `getComputedStyle(document.querySelector('#plan button')).position === 'static'`)
				if want := event == "theatre" && c.width < 576; listed != want {
					t.Errorf("%s: shown as a list at first: %v, want %v", event, listed, want)
				}
				v.wantFits(event + " at first")
				v.wantTargets(event+" at first", map[bool]float64{false: 24, true: 44}[listed])
				v.choose("zoom-large")
				v.wantFits(event + " large")
				v.wantTargets(event+" large", 44)
				if ask[bool](v, `document.getElementById('view-list').offsetParent !== null`) {
					v.choose("view-list")
					v.wantFits(event + " as a list")
					v.wantTargets(event+" as a list", 44)
				}
				v.choose("zoom-fit")
			}
		})
	}
}

// wantOpen compares with the sections whose seats are shown.
func (v *visitor) wantOpen(when string, want ...string) {
	v.t.Helper()
	got := ask[string](v, `[...document.querySelectorAll('#plan form')].filter(f => f.querySelector('button').offsetParent).map(f => f.id).join()`)
	if got != strings.Join(want, ",") {
		v.t.Errorf("%s: unfolded are %s, want %v", when, got, want)
	}
}

func TestSectionsFold(t *testing.T) {
	p, browser := serveProgram(t), testengine.Chromium(t)
	sections := []string{"section-stalls", "section-circle", "section-upper-circle", "section-boxes-left", "section-boxes-right"}
	first, other, seat := sections[0], sections[2], "upper-circle-B-1"
	for _, script := range []bool{true, false} {
		t.Run(fmt.Sprint("script ", script), func(t *testing.T) {
			v := &visitor{Tab: browser.Visitor(t), t: t, site: p.site}
			v.screen(320, 640)
			if !script {
				v.withoutScript()
			}
			v.open("/events/theatre")
			v.wantOpen("at first", first)
			v.click("#" + other + " legend label")
			v.wantOpen("after a press on a heading", first, other)
			v.click("#" + other + " legend label")
			v.wantOpen("after another", first)
			v.choose("zoom-large")
			v.wantOpen("on the map", sections...)
			v.choose("zoom-fit")
			v.click("#" + other + " legend label")
			v.clickSeat(seat)
			v.until("it is taken, and in view", fmt.Sprintf(`(s => s?.ariaPressed === 'true' && s.offsetParent !== null)(document.getElementById('seat-%s'))`, seat))
			v.open("/events/theatre")
			v.wantOpen("of own seats", other)
			v.click("#basket .quiet")
			v.until("all is given back", `!document.querySelector('#basket .drop')`)
			v.open("/")
			v.open("/events/theatre#seat-" + seat)
			v.until("what a link leads to is in view", fmt.Sprintf(
				`(s => s.offsetParent !== null && s.getBoundingClientRect().top > 0 && s.getBoundingClientRect().bottom < innerHeight)(document.getElementById('seat-%s'))`, seat))
		})
	}
}

func TestViewIsRemembered(t *testing.T) {
	v := serveProgram(t).atDemo(testengine.Chromium(t))
	v.choose("view-list")
	v.open("/events/theatre")
	if !ask[bool](v, `document.getElementById('view-list').checked`) {
		t.Error("the next page shows another view than the one chosen")
	}
	v.screen(320, 640)
	v.open("/events/theatre")
	if !ask[bool](v, `document.getElementById('zoom-fit').checked`) {
		t.Error("the list has two names on a narrow screen, and the one that is not there is chosen")
	}
	ask[string](v, `localStorage.view = 'main'`)
	v.open("/events/theatre")
	if !ask[bool](v, `document.getElementById('zoom-fit').checked`) {
		t.Error("a view that does not exist was believed")
	}
}

func TestKeyboardInTheList(t *testing.T) {
	v := serveProgram(t).newVisitor(testengine.Chromium(t))
	v.screen(320, 640) // five seats to a line
	v.openLive()
	v.choose("view-list")
	v.tabTo("seat-A1")
	for _, step := range []struct{ key, want string }{
		{kb.ArrowRight, "seat-A2"}, {kb.ArrowDown, "seat-A7"}, {kb.ArrowLeft, "seat-A6"}, {kb.ArrowLeft, "seat-A5"},
		{kb.ArrowRight, "seat-A6"}, {kb.ArrowLeft, "seat-A5"},
		{kb.ArrowDown, "seat-A10"}, {kb.ArrowDown, "seat-B5"}, {kb.ArrowUp, "seat-A10"}, {kb.ArrowRight, "seat-A10"},
		{kb.Home, "seat-A1"}, {kb.ArrowLeft, "seat-A1"}, {kb.ArrowUp, "seat-A1"}, {kb.End, "seat-A10"},
	} {
		v.press(step.key)
		v.wantFocus(fmt.Sprintf("after the key %q", step.key), step.want)
	}
	v.press(kb.End, chromedp.ModifierCtrl)
	v.wantFocus("after Ctrl and End", "seat-J10")
	v.press(kb.Home, chromedp.ModifierCtrl)
	v.wantFocus("after Ctrl and Home", "seat-A1")
	v.press(kb.Enter)
	v.sees(mine, "A1")
	v.wantFocus("after Enter locked", "seat-A1")
	v.press(" ")
	v.sees(free, "A1")
}

// However a row bends, the arrow goes through the whole of it. Real keys are
// pressed elsewhere; hundreds of them would be most of this test's time.
func TestKeyboardFollowsCurvedRows(t *testing.T) {
	v := serveProgram(t).newVisitor(testengine.Chromium(t))
	v.openTheatre()
	rows := ask[[][]string](v, `[...document.querySelectorAll('#plan .row')]
		.filter(r => r.firstElementChild.offsetLeft < r.lastElementChild.offsetLeft - 100)
		.map(r => [...r.children].map(s => s.id))`)
	if len(rows) < 30 {
		t.Fatalf("%d rows go across, want those of the stalls and both circles", len(rows))
	}
	const walk = `(([from, ...way], key) => {
		document.getElementById(from).focus();
		return way.find(id => {
			document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}));
			return document.activeElement.id !== id;
		}) ?? '';
	})(['%s'], '%s')`
	for _, i := range []int{0, 8, 20, len(rows) - 1} {
		row := rows[i]
		for _, key := range []string{"ArrowRight", "ArrowLeft"} {
			if missed := ask[string](v, fmt.Sprintf(walk, strings.Join(row, "','"), key)); missed != "" {
				t.Errorf("%s from %s does not come to %s, but to %s", key, row[0], missed, v.focus())
			}
			slices.Reverse(row)
		}
	}
	ask[bool](v, fmt.Sprintf(`(document.getElementById('%s').focus(), true)`, rows[0][12]))
	for range 4 {
		v.press(kb.ArrowDown)
	}
	v.until("four rows further back", fmt.Sprintf(`document.activeElement.parentElement.querySelector('#%s') !== null`, rows[4][0]))
}

// A section that comes as a whole leaves the focus and its tab stop alone.
func TestWholeSectionLeavesTheFocusAlone(t *testing.T) {
	p := serveProgram(t, "--max-seats", "500")
	v := p.atDemo(testengine.Chromium(t))
	v.tabTo("seat-A1")
	v.press(kb.ArrowDown)
	v.wantFocus("before", "seat-B1")
	var all []string
	for _, row := range "ABCDEFGHIJ" {
		for n := 1; n <= 10; n++ {
			all = append(all, fmt.Sprint(string(row), n))
		}
	}
	ask[bool](v, `(document.addEventListener('htmx:before:swap', e => { window.partials = (window.partials ?? 0) + e.detail.tasks.filter(t => t.target?.id.startsWith('rows-')).length }, true), true)`)
	rival := p.rival()
	rival.lock(all...)
	v.sees(taken, "A1", "B1", "J10")
	v.wantFocus("after the whole section changed", "seat-B1")
	v.wantSeatsOfNewPage("after the whole section changed")
	if ask[int](v, `window.partials ?? 0`) == 0 {
		t.Error("the section did not come as a whole: this test shows nothing")
	}
	if got := ask[string](v, `[...document.querySelectorAll('#plan button')].filter(s => s.tabIndex === 0).map(s => s.value).join()`); got != "B1" {
		t.Errorf("Tab stops in the map are %s, want B1 alone", got)
	}
	v.until("sold out is told above the map", `document.getElementById('outlook').checkVisibility() && document.getElementById('outlook').textContent.startsWith('No seat is free')`)
	rival.unlock()
	v.sees(free, "A1", "B1", "J10")
	v.wantSeatsOfNewPage("after all came back")
}

// wantSeatsOfNewPage compares every seat, but for its tab stop, with a page that
// is asked for now.
func (v *visitor) wantSeatsOfNewPage(when string) {
	v.t.Helper()
	ask[bool](v, `(fetch(location.href).then(answer => answer.text()).then(text => {
		const page = new DOMParser().parseFromString(text, 'text/html');
		window.differing = [...page.querySelectorAll('#plan button')].filter(wanted => {
			const seat = document.getElementById(wanted.id);
			const names = [...seat.getAttributeNames(), ...wanted.getAttributeNames()].filter(name => name !== 'tabindex');
			return seat.textContent !== wanted.textContent || names.some(name => seat.getAttribute(name) !== wanted.getAttribute(name));
		}).map(wanted => wanted.value).join();
	}), window.differing = null, true)`)
	v.until("a new page is there", `window.differing !== null`)
	if got := ask[string](v, `window.differing`); got != "" {
		v.t.Errorf("%s: seats that differ from a new page: %s", when, got)
	}
}
