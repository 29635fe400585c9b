package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/seatlock/seatlock/internal/testengine"
)

// patience is how long a visitor waits for anything. It is generous, since
// nothing is measured by it.
const patience = 30 * time.Second

// visitor is a person at one tab of their browser.
type visitor struct {
	*testengine.Tab
	t    *testing.T
	site string
}

// newVisitor has a browser window with nothing in it yet.
func (p *program) newVisitor(b *testengine.Browser) *visitor {
	p.t.Helper()
	return &visitor{Tab: b.Visitor(p.t), t: p.t, site: p.site}
}

// atDemo is a new visitor who has the map of the demo open, live.
func (p *program) atDemo(b *testengine.Browser) *visitor {
	p.t.Helper()
	v := p.newVisitor(b)
	v.openLive()
	return v
}

// besideIt and inWindow are the same person at another tab.
func (v *visitor) besideIt() *visitor {
	v.t.Helper()
	return &visitor{Tab: v.Beside(v.t), t: v.t, site: v.site}
}

func (v *visitor) inWindow() *visitor {
	v.t.Helper()
	return &visitor{Tab: v.Window(v.t), t: v.t, site: v.site}
}

func (v *visitor) open(path string) {
	v.t.Helper()
	v.Do(v.t, "open "+path, chromedp.Navigate(v.site+path))
}

// goTo leaves for a page and does not wait for it.
func (v *visitor) goTo(path string) {
	v.t.Helper()
	ask[string](v, fmt.Sprintf("location.href = '%s%s'", v.site, path))
}

func (v *visitor) openLive() {
	v.t.Helper()
	v.open("/events/demo")
	v.untilLive()
}

func (v *visitor) untilLive() {
	v.t.Helper()
	v.until("the stream is there", `document.querySelector('#connection.live') !== null`)
}

// withoutScript turns JavaScript off for what is opened next.
func (v *visitor) withoutScript() *visitor {
	v.t.Helper()
	call(v, "turn JavaScript off", testengine.Call(v.Tab, emulation.SetScriptExecutionDisabled,
		emulation.SetScriptExecutionDisabledParams{Value: true}))
	return v
}

// speaking sets what the visitor's browser asks pages to be in.
func (v *visitor) speaking(languages string) *visitor {
	v.t.Helper()
	call(v, "speak "+languages, testengine.Call(v.Tab, network.SetExtraHTTPHeaders,
		network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": languages}}))
	return v
}

func (v *visitor) screen(width, height int64) {
	v.t.Helper()
	v.Do(v.t, "resize the screen", chromedp.EmulateViewport(width, height))
}

// phone is a small one, with a finger.
func (v *visitor) phone() {
	v.t.Helper()
	v.Do(v.t, "be a phone",
		chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile, chromedp.EmulateTouch))
}

func call(v *visitor, what string, err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatalf("%s: %v", what, err)
	}
}

// ask evaluates an expression on the page.
func ask[T any](v *visitor, expression string) T {
	v.t.Helper()
	return testengine.Ask[T](v.t, v.Tab, expression)
}

// until waits for a condition of the page. Pages may come and go meanwhile.
func (v *visitor) until(what, condition string) {
	v.t.Helper()
	v.eventually(what+", "+condition, func() bool {
		met, err := chromedp.Run(v.Context, chromedp.Evaluate[bool](condition))
		return err == nil && met
	})
}

func (v *visitor) eventually(what string, met func() bool) {
	v.t.Helper()
	for limit := time.Now().Add(patience); !met(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			v.t.Fatalf("waited for: %s\nthe page: %s\ncomplaints: %q", what, v.outline(), v.Complaints())
		}
	}
}

// outline is what a reader of a failed test wants to know of the page.
func (v *visitor) outline() string {
	got, err := chromedp.Run(v.Context, chromedp.Evaluate[string](`[
		location.href, 'title: ' + document.title, 'status: ' + document.getElementById('status')?.textContent,
		'connection: ' + document.getElementById('connection')?.textContent, 'basket: ' + document.getElementById('basket')?.innerText,
		'not free: ' + [...document.querySelectorAll('#plan button:not(.available)')].map(s => s.value + ' ' + s.className).join(', '),
		'focus: ' + document.activeElement?.outerHTML.slice(0, 200)].join('\n')`))
	return got + fmt.Sprintf(" (%v)", err)
}

// What a seat can be to a visitor.
const (
	free  = "free"
	mine  = "mine"
	taken = "taken"
	sold  = "sold"
	yours = "yours" // booked for the visitor
)

// stateJS tells which of these a seat is: by all that it shows to eyes, to
// screen readers and to a browser without script, which must agree.
const stateJS = `(id => {
	const s = document.getElementById('seat-' + id);
	if (!s) return 'missing';
	const shown = [s.className, s.ariaPressed, s.ariaDisabled, / taken$/.test(s.ariaLabel), s.getAttribute('formaction')?.replace(/^.events.[a-z]+/, '')].join();
	return {
		'available,false,,false,': 'free',
		'locked mine,true,,false,/unlock': 'mine',
		'locked,false,true,true,': 'taken',
		'booked,false,true,false,': 'sold',
		'booked mine,,,false,': 'yours',
	}[shown] ?? 'contradictory: ' + s.outerHTML;
})`

func (v *visitor) seat(id string) string {
	v.t.Helper()
	return ask[string](v, fmt.Sprintf("%s('%s')", stateJS, id))
}

// sees waits until seats are shown as they should be.
func (v *visitor) sees(state string, seats ...string) {
	v.t.Helper()
	for _, id := range seats {
		v.until(id+" is "+state, fmt.Sprintf("%s('%s') === '%s'", stateJS, id, state))
	}
}

// isTold waits for words in the status line.
func (v *visitor) isTold(words string) {
	v.t.Helper()
	v.until("told: "+words, fmt.Sprintf("document.getElementById('status').textContent.includes('%s')", words))
}

// basket waits until the basket lists just these seats, by their ids.
func (v *visitor) basket(seats ...string) {
	v.t.Helper()
	v.until("basket "+strings.Join(seats, ","),
		fmt.Sprintf("[...document.querySelectorAll('#basket .drop')].map(b => b.value).join() === '%s'", strings.Join(seats, ",")))
}

const seatCSS = "#seat-"

// point is where to press something: its middle, which must be in view and
// not covered by anything else.
func (v *visitor) point(selector string) (x, y float64) {
	v.t.Helper()
	at := ask[[]float64](v, fmt.Sprintf(`(el => {
		el.scrollIntoView({block: 'nearest', inline: 'nearest', behavior: 'instant'});
		const r = el.getBoundingClientRect(), x = r.x + r.width / 2, y = r.y + r.height / 2;
		return el.contains(document.elementFromPoint(x, y)) ? [x, y] : [];
	})(document.querySelector('%s'))`, selector))
	if len(at) != 2 {
		v.t.Fatalf("%s cannot be pressed: something covers it\n%s", selector, v.outline())
	}
	return at[0], at[1]
}

// click is one press of a real mouse.
func (v *visitor) click(selector string) {
	v.t.Helper()
	x, y := v.point(selector)
	v.Do(v.t, "click "+selector, chromedp.MouseClickXY(x, y))
}

// choose picks a view by its label.
func (v *visitor) choose(view string) {
	v.t.Helper()
	v.click(fmt.Sprintf(`label[for="%s"]`, view))
	v.until(view+" is chosen", fmt.Sprintf(`document.getElementById('%s').checked`, view))
}

func (v *visitor) clickSeat(id string) {
	v.t.Helper()
	v.click(seatCSS + id)
}

// doubleClick is what a double click sends: two presses, the second as such.
func (v *visitor) doubleClick(selector string) {
	v.t.Helper()
	x, y := v.point(selector)
	v.Do(v.t, "double click "+selector,
		chromedp.MouseClickXY(x, y), chromedp.MouseClickXY(x, y, chromedp.ClickCount(2)))
}

// tap is a finger's press.
func (v *visitor) tap(selector string) {
	v.t.Helper()
	x, y := v.point(selector)
	v.Do(v.t, "tap "+selector, chromedp.TapXY(x, y))
}

func (v *visitor) press(keys string, modifiers ...chromedp.Modifier) {
	v.t.Helper()
	v.Do(v.t, "press a key", chromedp.KeyEvent(keys, chromedp.KeyModifiers(modifiers...)))
}

// tabTo presses Tab until the focus is where it should be, and fails if it is
// lost on the way or does not get there.
func (v *visitor) tabTo(id string) {
	v.t.Helper()
	var way []string
	for len(way) < 20 {
		v.press(kb.Tab)
		at := v.focus()
		way = append(way, at)
		if at == id {
			return
		}
	}
	v.t.Fatalf("Tab never reaches %s, but %v", id, way)
}

// focus is the id of what has it, else its tag.
func (v *visitor) focus() string {
	v.t.Helper()
	return ask[string](v, `document.activeElement.id || document.activeElement.tagName.toLowerCase()`)
}

func (v *visitor) wantFocus(when, want string) {
	v.t.Helper()
	if got := v.focus(); got != want {
		v.t.Fatalf("%s: focus is on %s, want %s", when, got, want)
	}
}

func (v *visitor) wantNoSidewaysScroll(when string) {
	v.t.Helper()
	v.WantNarrow(v.t, when)
	if got := ask[int](v, `innerWidth`); got != 360 {
		v.t.Errorf("%s: the screen shows %d px across, want 360: something made the page wider", when, got)
	}
}

// mark leaves something on the page that a reload would wipe away.
func (v *visitor) mark() {
	v.t.Helper()
	ask[bool](v, `window.marked = true`)
}

func (v *visitor) wantSamePage() {
	v.t.Helper()
	if !ask[bool](v, `window.marked === true`) {
		v.t.Errorf("the page was reloaded, want it kept")
	}
}

// hold keeps requests whose URL matches from being sent, or their answers from
// being seen, until they are let go. To the page that is a slow network.
func (v *visitor) hold(pattern string, stage fetch.RequestStage) (letGo func()) {
	v.t.Helper()
	call(v, "hold "+pattern, testengine.Call(v.Tab, fetch.Enable,
		fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: pattern, RequestStage: stage}}}))
	return func() {
		v.t.Helper()
		call(v, "let go "+pattern, testengine.Call(v.Tab, fetch.Disable, cdp.Empty{}))
	}
}
