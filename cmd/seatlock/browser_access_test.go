package main

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/seatlock/seatlock/internal/testengine"
)

func TestKeyboardMovesBetweenSeats(t *testing.T) {
	v := serveProgram(t).atDemo(testengine.Chromium(t))
	v.tabTo("seat-A1")
	for _, step := range []struct{ key, want string }{
		{kb.ArrowRight, "seat-A2"}, {kb.ArrowDown, "seat-B2"}, {kb.End, "seat-B10"}, {kb.ArrowRight, "seat-B10"},
		{kb.ArrowUp, "seat-A10"}, {kb.ArrowUp, "seat-A10"}, {kb.ArrowLeft, "seat-A9"}, {kb.Home, "seat-A1"},
		{kb.ArrowLeft, "seat-A1"}, {kb.ArrowDown, "seat-B1"},
	} {
		v.press(step.key)
		v.wantFocus(fmt.Sprintf("after the key %q", step.key), step.want)
	}
	v.press(kb.Tab, chromedp.ModifierShift)
	v.wantFocus("the map is one stop, and the one before it the region", "map")
	v.press(kb.Tab)
	v.wantFocus("back on the seat that was left", "seat-B1")
}

func TestKeyboardLocksAndGivesBack(t *testing.T) {
	v := serveProgram(t).atDemo(testengine.Chromium(t))
	v.tabTo("seat-A1")
	v.press(kb.Enter)
	v.sees(mine, "A1")
	v.wantFocus("after Enter locked", "seat-A1")
	v.press(" ")
	v.sees(free, "A1")
	v.wantFocus("after Space gave back", "seat-A1")
	v.press(" ")
	v.sees(mine, "A1")
	v.press(kb.ArrowRight)
	v.press(kb.Enter)
	v.sees(mine, "A2")
	v.basket("A1", "A2")

	v.press(kb.Tab)
	v.until("Tab leads to the basket", `document.activeElement.matches('.drop[value=A1]')`)
	v.press(kb.Enter)
	v.sees(free, "A1")
	v.basket("A2")
	v.until("the focus stays in the basket", `document.activeElement.closest('#basket') !== null`)
	v.until("give back the last", `(document.querySelector('.drop').focus(), document.activeElement.matches('.drop[value=A2]'))`)
	v.press(" ")
	v.sees(free, "A2")
	v.basket()
	v.until("the focus stays with the empty basket", `document.activeElement.closest('#basket') !== null`)
}

// What others do moves no focus, and says nothing to a screen reader.
func TestOthersLeaveTheFocusAlone(t *testing.T) {
	p := serveProgram(t)
	v := p.atDemo(testengine.Chromium(t))
	v.tabTo("seat-A1")
	ask[bool](v, `(() => {
		window.disturbed = [];
		for (const e of ['focusin', 'focusout']) addEventListener(e, () => disturbed.push(e));
		new MutationObserver(() => disturbed.push('status')).observe(document.getElementById('status'), {childList: true, subtree: true});
		return true;
	})()`)
	rival := p.rival()
	rival.lock("A2")
	v.sees(taken, "A2")
	v.wantFocus("after a neighbour was taken", "seat-A1")
	rival.lock("A1")
	v.sees(taken, "A1")
	v.wantFocus("after the seat itself was taken", "seat-A1")
	rival.unlock("A2")
	v.sees(free, "A2")
	if got := ask[string](v, `[...document.querySelectorAll('#plan button')].filter(s => s.tabIndex === 0).map(s => s.value).join()`); got != "A1" {
		t.Errorf("Tab stops in the map are %s, want A1 alone", got)
	}
	if got := ask[string](v, `disturbed.join()`); got != "" {
		t.Errorf("events while others chose: %s, want none", got)
	}

	v.press(kb.Enter)
	v.isTold("Row A seat 1 was just taken by somebody else.")
	v.wantFocus("after the refusal", "seat-A1")
	v.press(kb.ArrowRight)
	v.press(kb.Enter)
	v.sees(mine, "A2")
}

func TestPhone(t *testing.T) {
	p := serveProgram(t)
	v := p.newVisitor(testengine.Chromium(t))
	v.phone()
	v.openLive()
	v.wantNoSidewaysScroll("at first")
	if got := ask[float64](v, `(document.getElementById('basket').getBoundingClientRect().top - document.getElementById('map').getBoundingClientRect().top) / innerHeight`); got < 0.5 {
		t.Errorf("of the first screen the map has %.0f %%, want half of it", 100*got)
	}
	for i, id := range []string{"A1", "E5", "J10", "J1"} {
		if got := ask[float64](v, fmt.Sprintf(`(r => Math.min(r.width, r.height))(document.getElementById('seat-%s').getBoundingClientRect())`, id)); got < 24 {
			t.Errorf("%s is a target of %.1f px, want 24", id, got)
		}
		v.tap(seatCSS + id)
		v.sees(mine, id)
		v.until("the bar says how many", fmt.Sprintf(`document.querySelector('#basket .sum').textContent.startsWith('%d seat')`, i+1))
		v.wantNoSidewaysScroll("with a basket")
	}
	v.until("the basket is in view", `(r => r.top >= 0 && r.bottom <= innerHeight + 1)(document.getElementById('basket').getBoundingClientRect())`)
	v.tap(seatCSS + "E5")
	v.sees(free, "E5")
	v.tap(`.drop[value="A1"]`)
	v.sees(free, "A1")
	v.tap(`label[for="zoom-large"]`)
	v.wantNoSidewaysScroll("with a large map")
	v.tap(seatCSS + "J9")
	v.sees(mine, "J9")
}

// left is what the countdown says, in seconds.
const left = `(t => { const [m, s] = t.split(' ')[0].split(':').map(Number); return 60 * m + s; })(document.getElementById('countdown').textContent)`

func TestCountdownAndExtension(t *testing.T) {
	v := serveProgram(t, "--lock-ttl", "60s").atDemo(testengine.Chromium(t))
	v.clickSeat("A1")
	v.sees(mine, "A1")
	v.until("the countdown starts from a minute", left+` <= 60 && `+left+` > 50`)
	before := ask[int](v, left)
	v.until("the countdown goes down", fmt.Sprintf(`%s <= %d`, left, before-2))
	deadline := ask[float64](v, `Date.parse(document.getElementById('countdown').dateTime)`)

	v.click("#extend button")
	v.isTold("Extended: yours until")
	v.until("the offer is gone", `document.getElementById('extend') === null`)
	if got := ask[float64](v, `Date.parse(document.getElementById('countdown').dateTime)`) - deadline; got != 60_000 {
		t.Errorf("the deadline moved by %v ms, want 60000", got)
	}
	v.until("the countdown is longer by a minute", fmt.Sprintf(`%s > 60 && %[1]s < %d`, left, before+60))
	v.until("the focus is not lost", `document.activeElement.closest('#basket') !== null`)
	v.sees(mine, "A1")
}
