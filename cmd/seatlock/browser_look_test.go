package main

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/seatlock/seatlock/internal/testengine"
)

// TestLooks shows every page in every setting that people have, to find what
// the browser complains of, what does not fit, and what is not accessible. With
// SCREENSHOTS=DIR it leaves pictures there.
func TestLooks(t *testing.T) {
	p, browser := serveProgram(t), testengine.Chromium(t)
	p.rival().lock("B2", "B3", "E5", "E6", "E7", "J10")
	for _, size := range []string{"desktop", "phone"} {
		for _, setting := range []struct{ name, feature, value string }{
			{"light", "prefers-color-scheme", "light"},
			{"dark", "prefers-color-scheme", "dark"},
			{"forced", "forced-colors", "active"},
			{"still", "prefers-reduced-motion", "reduce"},
		} {
			t.Run(size+" "+setting.name, func(t *testing.T) {
				v := &visitor{Tab: browser.Visitor(t), t: t, site: p.site}
				if size == "phone" {
					v.phone()
				}
				v.Prefer(t, setting.feature, setting.value)
				v.lookAround(size+"-"+setting.name, setting.feature == "prefers-color-scheme")
			})
		}
	}
}

// lookAround sees each page, with own seats and others', and leaves none locked.
// Where colours are forced, axe-core does not know which they are.
func (v *visitor) lookAround(name string, accessible bool) {
	v.t.Helper()
	shoot := func(name string) {
		v.shoot(name)
		if accessible {
			v.WantAccessible(v.t, name)
		}
	}
	v.open("/")
	shoot(name + "-1-list")
	v.open("/events/none")
	shoot(name + "-2-not-found")
	v.lookAtTheatre(name, shoot)
	v.lookAtArena(name, shoot)
	v.openLive()
	shoot(name + "-3-map")
	for _, id := range []string{"C4", "C5", "D4"} {
		v.clickSeat(id)
		v.sees(mine, id)
	}
	shoot(name + "-4-own-seats")
	v.clickSeat("B2")
	v.isTold("was just taken")
	shoot(name + "-5-refused")
	v.shootAll(name + "-6-whole-page")
	v.click("#basket .quiet")
	v.isTold("Given back.")
}

// lookAtTheatre sees a large hall of several sections, in each view.
func (v *visitor) lookAtTheatre(name string, shoot func(string)) {
	v.t.Helper()
	v.open("/events/theatre")
	v.untilLive()
	shoot(name + "-a-theatre")
	v.choose("zoom-large")
	shoot(name + "-b-theatre-large")
	if ask[bool](v, `document.getElementById('view-list').offsetParent !== null`) {
		v.choose("view-list")
	} else {
		v.choose("zoom-fit")
	}
	shoot(name + "-c-theatre-list")
	v.shootAll(name + "-d-theatre-list-whole")
	v.choose("zoom-fit")
}

// lookAtArena sees a hall that is too large for one page, and a section of it.
func (v *visitor) lookAtArena(name string, shoot func(string)) {
	v.t.Helper()
	v.open("/events/arena")
	v.untilLive()
	shoot(name + "-e-arena")
	v.open("/events/arena/sections/block-205")
	v.untilLive()
	shoot(name + "-f-section")
}

// shoot checks that nothing is wider than the screen, and takes a picture of
// what is in view.
func (v *visitor) shoot(name string) {
	v.t.Helper()
	v.WantNarrow(v.t, name)
	v.Shoot(v.t, name, chromedp.CaptureScreenshot())
}

func (v *visitor) shootAll(name string) {
	v.t.Helper()
	v.Shoot(v.t, name, chromedp.FullScreenshot(100))
}
