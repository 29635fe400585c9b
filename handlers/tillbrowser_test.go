package handlers_test

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/internal/testengine"
)

// buyer is a visitor with a browser.
type buyer struct {
	*testengine.Tab
	t    *testing.T
	home string
}

func (b *buyer) open(path string) { b.Do(b.t, "open "+path, chromedp.Navigate(b.home+path)) }

func (b *buyer) click(selector string) {
	b.t.Helper()
	b.Do(b.t, "click "+selector, chromedp.Click(selector))
}

// untilWithin is longer than a page without a script takes to ask again.
const untilWithin = 30 * time.Second

// until waits for a page on which an expression is true; pages may come and go.
func (b *buyer) until(what, expression string) {
	b.t.Helper()
	for limit := time.Now().Add(untilWithin); time.Now().Before(limit); time.Sleep(50 * time.Millisecond) {
		if got, err := chromedp.Run(b.Context, chromedp.Evaluate[bool](`Boolean(document.body && (`+expression+`))`)); err == nil && got {
			return
		}
	}
	b.t.Fatalf("not within %v: %s; the page says\n%s", untilWithin, what, testengine.Ask[string](b.t, b.Tab, `location + document.body.innerText`))
}

// untilState waits for the page of a booking in a state.
func (b *buyer) untilState(state string) {
	b.t.Helper()
	b.until("the booking is "+state, fmt.Sprintf(`document.querySelector('[data-state="%s"]')`, state))
}

func (b *buyer) lock(seats ...string) {
	b.t.Helper()
	b.open("/events/demo")
	for _, seat := range seats {
		b.click("#seat-" + seat)
		b.until(seat+" is theirs", `document.querySelector('#seat-`+seat+`.mine')`)
	}
}

func (b *buyer) book(way string) {
	b.t.Helper()
	b.open("/events/demo/checkout")
	b.Do(b.t, "fill in", chromedp.SetValue("#name", "Ada"), chromedp.SetValue("#email", "ada@example.org"))
	b.click("#payment-" + way)
	b.click("#checkout button")
}

var openedCode = regexp.MustCompile(`/(?:bookings|demo-pay)/(\w+)`)

func (b *buyer) code() string {
	b.t.Helper()
	m := openedCode.FindStringSubmatch(testengine.Ask[string](b.t, b.Tab, `location.pathname`))
	if m == nil {
		b.t.Fatal("no booking is open")
	}
	return m[1]
}

func TestTillInABrowser(t *testing.T) {
	h, browser := openTill(t, tillSetting{}), testengine.Chromium(t)
	for _, script := range []bool{true, false} {
		t.Run(fmt.Sprintf("script=%t", script), func(t *testing.T) {
			b := &buyer{browser.Visitor(t), t, h.URL}
			row := "A"
			if !script {
				row = "B"
				off := func() error {
					return testengine.Call(b.Tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
				}
				if err := off(); err != nil {
					t.Fatal(err)
				}
			}
			payByWindow(t, b, script, row)
			cancelOne(t, b, script, row)
		})
	}
}

// payByWindow pays in another window than the one that waits.
func payByWindow(t *testing.T, b *buyer, script bool, row string) {
	b.lock(row+"1", row+"2")
	b.open("/events/demo/checkout")
	if script {
		b.until("the countdown runs", `/left$/.test(document.getElementById('countdown').textContent)`)
	}
	b.WantNarrow(t, "checkout")
	b.click("#checkout button")
	b.until("the first field that is wrong has the focus, and says why",
		`document.activeElement.id === 'name' && document.activeElement.getAttribute('aria-invalid') === 'true' && document.getElementById('name-fault')`)
	b.book("demo")
	b.until("the demo page", `document.querySelector('.demo .banner')`)
	b.click(`[value="close"]`)
	b.untilState("paying")
	testengine.Ask[bool](t, b.Tab, `window.same = true`)
	payer := &buyer{b.Window(t), t, b.home}
	payer.open("/demo-pay/" + b.code() + "-1")
	payer.click(`[value="pay"]`)
	payer.untilState("booked")
	b.untilState("booked")
	if same := testengine.Ask[bool](t, b.Tab, `window.same === true`); same != script {
		t.Errorf("with a script: %v, the page that waited is the same: %v", script, same)
	}
	if script {
		b.until("they are told", `document.getElementById('status').textContent.includes('Your seats are booked.')`)
		b.until("it does not ask any more", `!document.querySelector('[hx-get]')`)
	}
}

// cancelOne gives one seat of the booking that is open back, after a word that
// asks whether that is meant.
func cancelOne(t *testing.T, b *buyer, script bool, row string) {
	if testengine.Ask[bool](t, b.Tab, `[...document.querySelectorAll('form[action$="/cancel"] button')].some(e => e.checkVisibility())`) {
		t.Error("one press cancels")
	}
	b.click(".lines details summary")
	b.click(".lines details[open] button")
	b.until("one seat is cancelled", `document.querySelectorAll('.lines s').length === 1`)
	b.until("its money went back", `document.querySelector('.refund')`)
	b.open("/events/demo")
	b.until(row+"1 is free", `document.querySelector('#seat-`+row+`1.available')`)
	b.lock(row + "1")
	b.book(checkout.Door)
	b.untilState("reserved")
}
