package main

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/seatlock/seatlock/internal/testengine"
)

// bookAtDoor reserves all that the visitor holds, in a window of its own.
func (v *visitor) bookAtDoor() {
	v.t.Helper()
	tab := v.inWindow() // beside it the other would be hidden, and wait
	tab.open("/events/demo")
	tab.click("#book")
	tab.until("the checkout is there", `document.querySelector('#checkout') !== null`)
	tab.Do(tab.t, "fill in the form",
		chromedp.SendKeys(`#checkout [name="name"]`, "Ada Lovelace"), chromedp.SendKeys(`#checkout [name="email"]`, "ada@example.org"))
	ask[bool](tab, `document.querySelector('#checkout [name="payment"][value="door"]').checked = true`)
	tab.click("#checkout button.primary")
	tab.until("the booking is there", `document.querySelector('[data-booking]') !== null`)
}

const bookedJS = `(id => document.getElementById('seat-' + id).matches('a.booked.mine[href^="/bookings/"]'))`

// booked waits until seats are links to the visitor's booking.
func (v *visitor) booked(seats ...string) {
	v.t.Helper()
	for _, id := range seats {
		v.until(id+" is booked by the visitor", fmt.Sprintf("%s('%s')", bookedJS, id))
	}
}

// What a visitor books turns into a link in all of their tabs, where it stands,
// also under the focus, and the arrow keys go over it as over any seat. To others
// it is sold.
func TestBookedSeatsAreLinks(t *testing.T) {
	p, browser := serveProgram(t), testengine.Chromium(t)
	a, b := p.atDemo(browser), p.atDemo(browser)
	a.mark()
	for _, id := range []string{"C4", "C5"} {
		a.clickSeat(id)
		a.sees(mine, id)
	}
	at := ask[[]float64](a, placeJS)
	ask[bool](a, `(document.getElementById('seat-C4').focus(), true)`)
	a.bookAtDoor()
	a.booked("C4", "C5")
	a.isTold("Booked: Row C seat 4, Row C seat 5.")
	a.wantFocus("once it is booked", "seat-C4")
	if now := ask[[]float64](a, placeJS); fmt.Sprint(now) != fmt.Sprint(at) {
		t.Errorf("the seat is at %v, and was at %v", now, at)
	}
	a.press(kb.ArrowRight)
	a.press(kb.ArrowRight)
	a.wantFocus("two seats further", "seat-C6")
	a.press(kb.ArrowLeft)
	a.wantFocus("and one back", "seat-C5")
	if got := ask[string](a, `[...document.querySelectorAll('#plan [data-v]')].filter(s => s.tabIndex === 0).map(s => s.id).join()`); got != "seat-C5" {
		t.Errorf("tab stops are %s, want seat-C5 alone", got)
	}
	b.until("C4 is sold", `document.getElementById('seat-C4').matches('button.booked:not(.mine)')`)
	b.clickSeat("D1")
	b.sees(mine, "D1")
	a.booked("C4", "C5") // what others do leaves it
	a.WantAccessible(t, "booked seats")
	a.wantSamePage()
	a.press(kb.Enter)
	a.until("the booking is there", `document.querySelector('[data-booking]') !== null`)
}

const placeJS = `(s => [s.offsetLeft, s.offsetTop, s.offsetWidth, s.offsetHeight])(document.getElementById('seat-C4'))`

// Without JavaScript the way to the checkout is a link like any other.
func TestCheckoutWithoutJavaScript(t *testing.T) {
	p, browser := serveProgram(t), testengine.Chromium(t)
	v := p.newVisitor(browser).withoutScript()
	v.open("/events/demo")
	v.clickSeat("C4")
	v.until("C4 is locked", `document.getElementById('seat-C4').matches('.locked.mine')`)
	v.click("#book")
	v.until("the checkout is there", `document.querySelector('#checkout') !== null`)
}
