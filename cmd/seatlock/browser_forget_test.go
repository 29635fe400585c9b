package main

import (
	"testing"

	"github.com/seatlock/seatlock/internal/testengine"
)

// A visitor who is forgotten in one tab is nobody in the others, which show so
// by themselves and go on as somebody new.
func TestForgottenInAllTabs(t *testing.T) {
	p := serveProgram(t)
	first := p.atDemo(testengine.Chromium(t))
	second := first.inWindow()
	second.openLive()
	second.mark()
	first.clickSeat("A1")
	second.sees(mine, "A1")

	first.click(".forget a")
	first.until("the page says what goes", `document.querySelector('.forgets') !== null`)
	first.click(".mishap .primary")
	first.until("it is done", `document.body.innerText.includes('This device is forgotten')`)
	second.sees(free, "A1")
	second.basket()
	second.wantSamePage()
	second.clickSeat("A1")
	second.sees(mine, "A1")
	second.basket("A1")
}

func TestForgottenWithoutJavaScript(t *testing.T) {
	p := serveProgram(t)
	v := p.newVisitor(testengine.Chromium(t)).withoutScript()
	v.open("/events/demo")
	v.clickSeat("A1")
	v.sees(mine, "A1")
	v.open("/forget?lang=de")
	v.click(".mishap .primary")
	v.until("it is done", `document.body.innerText.includes('Dieses Gerät ist vergessen')`)
	v.open("/events/demo")
	v.sees(free, "A1")
	v.basket()
}
