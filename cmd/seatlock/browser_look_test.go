package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
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
				v.prefers(setting.feature, setting.value)
				v.lookAround(size+"-"+setting.name, setting.feature == "prefers-color-scheme")
			})
		}
	}
}

func (v *visitor) prefers(feature, value string) {
	v.t.Helper()
	call(v, "prefer "+value, testengine.Call(v.Tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: feature, Value: value}}}))
	if !ask[bool](v, `matchMedia('(`+feature+`: `+value+`)').matches`) {
		v.t.Fatalf("the browser does not follow %s: %s", feature, value)
	}
}

// lookAround sees each page, with own seats and others', and leaves none locked.
// Where colours are forced, axe-core does not know which they are.
func (v *visitor) lookAround(name string, accessible bool) {
	v.t.Helper()
	shoot := func(name string) {
		v.shoot(name)
		if accessible {
			v.wantAccessible(name)
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

// choose picks a view by its label.
func (v *visitor) choose(view string) {
	v.t.Helper()
	v.click(fmt.Sprintf(`label[for="%s"]`, view))
	v.until(view+" is chosen", fmt.Sprintf(`document.getElementById('%s').checked`, view))
}

// wantAccessible has axe-core look at the page.
func (v *visitor) wantAccessible(when string) {
	v.t.Helper()
	for _, found := range v.Inaccessible(v.t) {
		v.t.Errorf("%s: %s", when, found)
	}
}

// shoot checks that nothing is wider than the screen, and takes a picture of
// what is in view.
func (v *visitor) shoot(name string) {
	v.t.Helper()
	if got := ask[int](v, `document.scrollingElement.scrollWidth - document.documentElement.clientWidth`); got > 0 {
		v.t.Errorf("%s: the page is %d px wider than the screen", name, got)
	}
	v.save(name, chromedp.CaptureScreenshot())
}

func (v *visitor) shootAll(name string) {
	v.t.Helper()
	v.save(name, chromedp.FullScreenshot(100))
}

func (v *visitor) save(name string, picture chromedp.Action[[]byte]) {
	v.t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(v.Context, picture)
	call(v, "take a picture", err)
	call(v, "make the folder for pictures", os.MkdirAll(dir, 0o755))
	call(v, "write a picture", os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644))
}
