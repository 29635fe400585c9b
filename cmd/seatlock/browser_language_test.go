package main

import (
	"testing"

	"github.com/seatlock/seatlock/internal/testengine"
)

// wantGerman looks at what every page has.
func (v *visitor) wantGerman() {
	v.t.Helper()
	v.until("the page is German", `document.querySelector('html[lang=de][dir=ltr] .language[lang=en]')?.textContent === 'English'`)
}

func TestGerman(t *testing.T) {
	p := serveProgram(t, "--lock-ttl", "125s")
	v := p.newVisitor(testengine.Chromium(t)).speaking("de-AT,de;q=0.9,en;q=0.5")
	v.openLive()
	v.wantGerman()
	v.until("the map is named", `document.getElementById('map').ariaLabel === 'Saalplan'`)
	v.until("the stream speaks as the page", `/&lang=de$/.test(document.getElementById('live').getAttribute('hx-sse:connect'))`)

	v.clickSeat("A1")
	v.isTold("Für Sie reserviert bis ")
	v.until("the stream leaves the basket German", `/^Ihre Plätze\s+1 Platz\s+28.€/.test(document.getElementById('basket').innerText)`)
	v.until("the countdown runs", `/^noch (2:0\d|1:\d\d)$/.test(document.getElementById('countdown').textContent)`)
	v.isTold("Ihre Plätze sind noch zwei Minuten für Sie reserviert. Sie können sie länger reservieren.")
	p.rival().lock("B2")
	v.clickSeat("B2")
	v.isTold("Reihe B Platz 2 wurde gerade von jemand anderem genommen.")
	v.until("what others take is told in German", `/Reihe B Platz 2, .*, vergeben$/.test(document.getElementById('seat-B2').ariaLabel)`)
}

func TestLossOfTheStreamIsToldInGerman(t *testing.T) {
	p := serveProgram(t)
	v := p.newVisitor(testengine.Chromium(t)).speaking("de")
	v.Excuse(`net::ERR_(CONNECTION|INCOMPLETE_CHUNKED|EMPTY_RESPONSE)|htmx:sse:error`)
	v.openLive()
	p.kill()
	v.until("the loss is shown", `document.querySelector('#connection.lost')?.textContent === 'Verbinde neu …'`)
	v.isTold("Verbindung unterbrochen.")
	p.restart()
	v.isTold("Verbindung wiederhergestellt.")
}

func TestLanguageIsChosenByLink(t *testing.T) {
	p := serveProgram(t)
	v := p.atDemo(testengine.Chromium(t))
	v.click(".language")
	v.wantGerman()
	v.until("the page is the same, and its address too", `location.pathname === '/events/demo' && location.search === ''`)
	v.untilLive()
	v.click(".brand")
	v.until("the list is German, too", `document.querySelector('html[lang=de] h1')?.textContent === 'Im Vorverkauf'`)
	v.click(".language")
	v.until("the list is English again", `document.querySelector('html[lang=en] h1')?.textContent === 'On sale'`)
}

func TestGermanWithoutJavaScript(t *testing.T) {
	p := serveProgram(t)
	v := p.newVisitor(testengine.Chromium(t)).withoutScript()
	v.open("/events/demo")
	v.click(".language")
	v.wantGerman()
	v.clickSeat("A1")
	v.isTold("Für Sie reserviert bis ")
	v.wantGerman()
	v.basket("A1")
	v.until("the basket is German", `/^Ihre Plätze\s+1 Platz\s+28.€\s+reserviert bis \d\d:\d\d:\d\d\s+Reihe A Platz 1\s+28.€/.test(document.getElementById('basket').innerText)`)
	p.rival().lock("B2")
	v.clickSeat("B2")
	v.isTold("Reihe B Platz 2 wurde gerade von jemand anderem genommen.")
	v.until("the refusal has its own address", `location.pathname === '/events/demo/lock'`)
	v.click(".language")
	v.until("the link leads to the map, in English", `location.pathname === '/events/demo' && document.documentElement.lang === 'en'`)
	v.basket("A1")
}

// A page whose lines lead to the left is mirrored, but for the hall.
func TestRightToLeft(t *testing.T) {
	v := serveProgram(t).newVisitor(testengine.Chromium(t)).speaking("de")
	v.phone()
	v.openLive()
	ask[string](v, `document.documentElement.dir = 'rtl'`)
	const middle = `(s => { const r = document.querySelector(s).getBoundingClientRect(); return r.x + r.width / 2; })`
	v.until("the masthead is mirrored", middle+`('.brand') > `+middle+`('.language')`)
	v.until("the legend is mirrored", middle+`('#legend .sample') > `+middle+`('#legend b')`)
	v.until("the hall is not", middle+`('#seat-A1') < `+middle+`('#seat-A10')`)
	v.clickSeat("A1")
	v.sees(mine, "A1")
	v.wantNoSidewaysScroll("with a basket")
	v.tap(`label[for="zoom-large"]`)
	v.until("a large hall shows its middle", `(m => m.scrollWidth > m.clientWidth && Math.abs(m.scrollLeft - (m.scrollWidth - m.clientWidth) / 2) < 2)(document.getElementById('map'))`)
	v.wantNoSidewaysScroll("with a large map")
	v.clickSeat("J10")
	v.isTold("Für Sie reserviert bis ")
}
