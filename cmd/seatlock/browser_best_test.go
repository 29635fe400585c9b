package main

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/seatlock/seatlock/internal/testengine"
)

// TestBestSeats asks for them from the keyboard, twice, and for more than
// there are.
func TestBestSeats(t *testing.T) {
	p, browser := serveProgram(t), testengine.Chromium(t)
	v, other := p.atDemo(browser), p.atDemo(browser)
	v.mark()
	ask[bool](v, `(count => (count.focus(), count.select()))(document.querySelector('#best [name=count]')) === undefined`)
	v.press("3")
	for range 3 {
		v.press(kb.Tab)
	}
	v.until("Tab leads to the button", `document.activeElement.matches('#best button')`)
	for _, want := range []string{"Row A seats 3 to 5", "Row A seats 6 to 8"} {
		v.press(kb.Enter)
		v.isTold("3 seats together: " + want + ". Yours until")
		v.until("the focus stays", `document.activeElement.matches('#best button')`)
	}
	v.sees(mine, "A3", "A4", "A5", "A6", "A7", "A8")
	v.basket("A3", "A4", "A5", "A6", "A7", "A8")
	other.sees(taken, "A3", "A8")
	v.Excuse(`status of 422`)
	ask[bool](v, `(document.querySelector('#best [name=count]').value = 6) === 6`)
	v.press(kb.Enter)
	v.isTold("That many seats are not free side by side.")
	v.wantSamePage()
}

// A double click is one block, even where the answer to its first half is
// there before the second, and so are two presses before there is an answer.
func TestBestSeatsPressedTwice(t *testing.T) {
	v := serveProgram(t).atDemo(testengine.Chromium(t))
	x, y := v.point("#best button")
	v.Do(v.t, "press", chromedp.MouseClickXY(x, y))
	v.sees(mine, "A4", "A5")
	v.isTold("2 seats together")
	x, y = v.point("#best button") // the basket has grown above it
	v.Do(v.t, "press again", chromedp.MouseClickXY(x, y, chromedp.ClickCount(2)))
	v.clickSeat("C3") // posts queue: its answer comes after all of the others'
	v.basket("A4", "A5", "C3")

	ask[bool](v, `['first', 'second'].every(() => document.querySelector('#best button').click() === undefined)`)
	v.clickSeat("D4")
	v.basket("A4", "A5", "A6", "A7", "C3", "D4")
}

func TestBestSeatsOnAPhone(t *testing.T) {
	v := serveProgram(t).newVisitor(testengine.Chromium(t))
	v.phone()
	v.openLive()
	v.tap("#best button")
	v.sees(mine, "A4", "A5")
	inView := `(r => r.top >= 0 && r.bottom <= innerHeight)(document.getElementById('%s').getBoundingClientRect())`
	v.until("the seats are in view", fmt.Sprintf(inView, "seat-A4"))
	v.until("the line is in view", fmt.Sprintf(inView, "status"))
	v.wantNoSidewaysScroll("with the best seats")
}

func TestBestSeatsWithoutJavaScript(t *testing.T) {
	v := serveProgram(t).newVisitor(testengine.Chromium(t)).withoutScript()
	v.open("/events/demo")
	v.click("#best button")
	v.sees(mine, "A4", "A5")
	v.basket("A4", "A5")
	v.isTold("The best seats that were free: yours until")
	v.wantFocus("after the lock", "seat-A4")
	v.click("#best button")
	v.sees(mine, "A4", "A5", "A6", "A7")
}
