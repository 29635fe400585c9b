package views

import (
	"path"
	"strings"
	"testing"

	"github.com/seatlock/seatlock/store/plan"
)

func demoFile(t *testing.T, name string) plan.File {
	t.Helper()
	file, err := plan.Demo(name)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func demoHall(t *testing.T, name string) *Hall {
	t.Helper()
	e, file := smallEvent(), demoFile(t, name)
	e.Prices = file.Prices
	return newHall(t, e, file.Plan)
}

func TestCSS(t *testing.T) {
	h := newHall(t, smallEvent(), smallPlan())
	css := sheetOf(eventPage(h))
	for _, rule := range []string{
		`#seat-1\.1-1{left:`, `#name-1st\.tier{left:`, `#row-1st\.tier-0::before{left:`,
		"#plan{--w:12.5;--h:23.75}",
		"#stage{left:3.13em;top:3.75em;width:7.5em;height:5em}",
		`#seat-B1::after{content:"";mask-image:var(--accessible)}`,
	} {
		if !strings.Contains(css, rule) {
			t.Errorf("no %s in\n%s", rule, css)
		}
	}
	path := eventPage(h).CSSPath()
	if again := eventPage(newHall(t, smallEvent(), smallPlan())); again.CSSPath() != path {
		t.Error("the same plan gave two stylesheets")
	}
	other := smallPlan()
	other.Sections[0].Rows[0].Seats[0].X = -1
	if eventPage(newHall(t, smallEvent(), other)).CSSPath() == path {
		t.Error("another plan has the same name")
	}
	if !strings.HasPrefix(path, "/events/tempest/plan-") || !strings.HasSuffix(path, ".css") {
		t.Errorf("the stylesheet is at %s", path)
	}
}

// sheetOf is what the page's address for its stylesheet leads to.
func sheetOf(p Page) string {
	css, _ := p.hall.Sheet(path.Base(p.CSSPath()))
	return string(css)
}

// Each seat of the hall stands inside the plan, apart from its neighbours.
func TestDemoGeometry(t *testing.T) {
	h := demoHall(t, "demo")
	css := sheetOf(eventPage(h))
	if n := strings.Count(css, "#seat-") - 2*strings.Count(css, "mask-image"); n != 100 {
		t.Errorf("%d seats have a place, want 100", n)
	}
	if strings.Contains(css, ":-") {
		t.Errorf("a seat is outside of the plan:\n%s", css)
	}
}
