package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/checkout/demo"
	"github.com/seatlock/seatlock/handlers"
	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
)

// TestBookOnBothEngines books two seats on the demo page, sees them sold in a
// second browser, and cancels one, which is free there then.
func TestBookOnBothEngines(t *testing.T) {
	for name, serve := range map[string]func(t *testing.T) *program{
		"embedded": func(t *testing.T) *program { return serveProgram(t) },
		"MongoDB":  func(t *testing.T) *program { return serveStoreOf(t, mongoWithDemo(t), noDemos) },
	} {
		t.Run(name, func(t *testing.T) {
			p, browser := serve(t), testengine.Chromium(t)
			a, b := p.atDemo(browser), p.atDemo(browser)
			beside := a.inWindow()
			beside.openLive()
			a.choosesToBook("A1", "A2")
			a.books("demo")
			b.sees(taken, "A1", "A2")
			a.paysBy("pay")
			a.untilBooking("booked")
			b.sees(sold, "A1", "A2")
			beside.sees(yours, "A1", "A2")
			beside.basket()

			a.cancels("A1")
			a.untilBooking("booked")
			a.until("the money is back", `/(was|being) refunded/.test(document.body.innerText)`)
			b.sees(free, "A1")
			b.sees(sold, "A2")
			beside.sees(free, "A1")
			a.cancels("")
			a.untilBooking("cancelled")
			b.sees(free, "A2")

			beside.click(seatCSS + "A1")
			beside.sees(mine, "A1")
		})
	}
}

func TestDeclinedKeepsTheSeats(t *testing.T) {
	p, browser := serveProgram(t), testengine.Chromium(t)
	a, b := p.atDemo(browser), p.atDemo(browser)
	a.choosesToBook("A1", "A2")
	a.books("demo")
	a.paysBy("decline")
	a.untilBooking("declined")
	b.sees(taken, "A1", "A2")
	a.openLive()
	a.sees(mine, "A1", "A2")
	a.basket("A1", "A2")
}

func TestReservedAtTheDoor(t *testing.T) {
	p, browser := serveProgram(t, "--max-seats", "2"), testengine.Chromium(t)
	a, b := p.atDemo(browser), p.atDemo(browser)
	a.choosesToBook("A1", "A2")
	a.books(checkout.Door)
	a.untilBooking("reserved")
	b.sees(sold, "A1", "A2")
	code := a.bookingCode()
	a.openLive()
	a.sees(yours, "A1", "A2")
	a.clickSeat("A3") // what is reserved and not paid for counts
	a.until("the limit is told", `document.getElementById('status').classList.contains('refused') || document.getElementById('status').textContent.includes('2')`)
	a.sees(free, "A3")

	does(t, "paid", "--store", p.store, code)
	a.open("/bookings/" + code)
	a.untilBooking("booked")
	a.openLive()
	a.clickSeat("A3")
	a.sees(mine, "A3")
	does(t, "cancel", "--store", p.store, code)
	b.sees(free, "A1", "A2")
}

// TestTwoTabsTwoCheckouts: the second form leads to the booking that the first
// has begun, where it can be given up.
func TestTwoTabsTwoCheckouts(t *testing.T) {
	p := serveProgram(t)
	first := p.atDemo(testengine.Chromium(t))
	first.clickSeat("A1")
	first.sees(mine, "A1")
	second := first.inWindow()
	first.click("#book")
	second.open("/events/demo/checkout")
	first.books("demo")
	second.books("demo")
	second.untilBooking("paying")
	second.click("form[action$=give-up] button")
	second.untilBooking("declined")
	first.until("the demo is told", `document.querySelector('.demo') !== null`)
	first.click("[name=do][value=pay]")
	first.untilBooking("declined")
	second.openLive()
	second.sees(mine, "A1")
}

func TestBookWithoutJavaScript(t *testing.T) {
	p := serveProgram(t)
	v := p.newVisitor(testengine.Chromium(t)).withoutScript()
	v.open("/events/demo?lang=de")
	v.choosesToBook("A1", "A2")
	v.books("demo")
	v.paysBy("pay")
	v.untilBooking("booked")
	v.open("/events/demo")
	v.sees(yours, "A1", "A2")
	v.click(seatCSS + "A1")
	v.untilBooking("booked")
	v.cancels("A1")
	v.untilBooking("booked")
	v.open("/events/demo")
	v.sees(free, "A1")
	v.sees(yours, "A2")
}

// TestBookOnAPhone: nothing is wider than a phone, too small for a finger, or
// hidden from a screen reader, and what was filled in wrongly can be mended.
func TestBookOnAPhone(t *testing.T) {
	p := serveProgram(t)
	v := p.newVisitor(testengine.Chromium(t))
	v.phone()
	v.openLive()
	v.tap(seatCSS + "A1")
	v.sees(mine, "A1")
	v.tap("#book")
	v.until("the form is there", `document.getElementById('checkout') !== null`)
	v.fill("name", "Ελένη Παπαδοπούλου")
	v.fill("email", "no address")
	v.tap("#payment-demo")
	v.tap("#checkout .primary")
	v.until("the fault is told", `document.querySelector('#email[aria-invalid=true]') !== null`)
	v.looksGood("with a fault")
	v.wantFocus("on the fault", "email")
	if got := ask[string](v, `document.getElementById('name').value`); got != "Ελένη Παπαδοπούλου" {
		t.Errorf("the name is %q now, want it kept", got)
	}
	v.fill("email", "eleni@example.org")
	v.tap("#checkout .primary")
	v.until("the demo is there", `document.querySelector('main.demo') !== null`)
	v.looksGood("at the demo")
	v.tap("[name=do][value=close]")
	v.untilBooking("paying")
	v.looksGood("paying")
	v.tap(".sum a.primary")
	v.until("the demo is there again", `document.querySelector('main.demo') !== null`)
	v.tap("[name=do][value=pay-twice]")
	v.untilBooking("booked")
	v.looksGood("booked")
}

// TestPayLate: money that comes after the seats were let go gets them if they are
// free, and else goes back.
func TestPayLate(t *testing.T) {
	for name, test := range map[string]struct {
		rival bool
		want  string
	}{"the seats are free": {false, "booked"}, "one is taken": {true, "lost"}} {
		t.Run(name, func(t *testing.T) {
			p := serveImpatient(t)
			browser := testengine.Chromium(t)
			a, b := p.atDemo(browser), p.atDemo(browser)
			a.choosesToBook("A1", "A2")
			a.books("demo")
			a.paysBy("pay-late")
			b.sees(taken, "A1", "A2")
			rival := p.rival()
			b.sees(free, "A1") // and before the provider answers again
			if test.rival {
				rival.lock("A1")
				b.sees(taken, "A1") // for as long as that lock lasts
			}
			a.untilBooking(test.want)
			if test.rival {
				a.until("the money is back", `document.body.innerText.includes('was refunded')`)
				b.sees(free, "A2")
			} else {
				b.sees(sold, "A1", "A2")
			}
		})
	}
}

// serveImpatient serves a store in this process, by rules with which a provider
// that answers nothing is waited for only some seconds, and locks are short.
func serveImpatient(t *testing.T) *program {
	t.Helper()
	address := "sqlite:" + filepath.Join(t.TempDir(), "seatlock.db")
	st, err := openStore(t.Context(), address, opening{make: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := seedDemo(t.Context(), st, demos()[0]); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	rules := checkout.DefaultRules(time.Second)
	rules.Patience = 8 * time.Second
	provider := demo.New(st)
	c := checkout.New(st, checkout.Config{
		Providers: map[string]checkout.Provider{"demo": provider}, Offered: []string{"demo"}, Rules: rules, Log: log,
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := &url.URL{Scheme: "http", Host: listener.Addr().String()}
	locks := store.Rules{TTL: 4 * time.Second, Total: 4 * time.Second, MaxSeats: 10}
	h, err := handlers.New(st, handlers.Config{BaseURL: base, Rules: locks, Log: log, Checkout: c, Demo: provider})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() {
		served <- serveHTTP(ctx, h, []func(context.Context) error{h.Run, c.Run}, listener, log, func() {})
	}()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-served, st.Close()); err != nil {
			t.Error(err)
		}
	})
	return &program{t: t, site: base.String(), store: address}
}

// choosesToBook locks seats and opens the checkout.
func (v *visitor) choosesToBook(seats ...string) {
	v.t.Helper()
	for _, seat := range seats {
		v.clickSeat(seat)
		v.sees(mine, seat)
	}
	v.basket(seats...)
	v.click("#book")
	v.until("the form is there", `document.getElementById('checkout') !== null`)
}

// books fills in the checkout's form, which is open, and sends it.
func (v *visitor) books(payment string) {
	v.t.Helper()
	v.until("the form is there", `document.getElementById('checkout') !== null`)
	v.fill("name", "Anna Berger")
	v.fill("email", "anna@example.org")
	if ask[bool](v, `document.querySelector('[type=radio][name=payment]') !== null`) {
		v.click("#payment-" + payment)
	}
	v.click("#checkout .primary")
	v.until("the form is gone", `document.getElementById('checkout') === null && document.readyState === 'complete'`)
}

// paysBy presses a button of the demo's page.
func (v *visitor) paysBy(do string) {
	v.t.Helper()
	v.until("the demo is there", `document.querySelector('main.demo') !== null`)
	v.click("[name=do][value=" + do + "]")
}

func (v *visitor) fill(id, text string) {
	v.t.Helper()
	v.click("#" + id)
	ask[bool](v, fmt.Sprintf(`(document.getElementById('%s').select(), true)`, id))
	v.Do(v.t, "fill in "+id, chromedp.KeyEvent(text))
}

// untilBooking waits until the booking's page shows a state, by itself.
func (v *visitor) untilBooking(state string) {
	v.t.Helper()
	v.until("the booking is "+state, fmt.Sprintf(`document.querySelector('[data-booking]')?.dataset.state === '%s'`, state))
}

func (v *visitor) bookingCode() string {
	v.t.Helper()
	return ask[string](v, `document.querySelector('[data-booking]').dataset.booking`)
}

// cancels opens what asks once more, for a seat or with "" for all, and agrees.
func (v *visitor) cancels(seat string) {
	v.t.Helper()
	which := `[...document.querySelectorAll('form[action$=cancel]')].find(f => (f.querySelector('[name=seat]')?.value ?? '') === '` + seat + `')`
	ask[bool](v, `(`+which+`.closest('details').id = 'this-one', true)`)
	v.click("#this-one summary")
	ask[bool](v, `(window.left = false, true)`)
	v.click("#this-one .primary")
	v.until("it is done", `window.left === undefined && document.querySelector('[data-booking]') !== null`)
}

// looksGood checks a page as it is on a phone.
func (v *visitor) looksGood(when string) {
	v.t.Helper()
	v.wantNoSidewaysScroll(when)
	v.WantAccessible(v.t, when)
}
