package views

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/seatlock/seatlock/store/plan"
)

// placed reads back where the stylesheet puts things, in em.
func placed(t *testing.T, css []byte) map[string][2]float64 {
	t.Helper()
	found := map[string][2]float64{}
	for _, m := range regexp.MustCompile(`#(\S+?)\{left:([0-9.-]+)em;top:([0-9.-]+)em`).FindAllStringSubmatch(string(css), -1) {
		x, errX := strconv.ParseFloat(m[2], 64)
		y, errY := strconv.ParseFloat(m[3], 64)
		if errX != nil || errY != nil {
			t.Fatalf("place %q", m[0])
		}
		found[strings.ReplaceAll(m[1], `\`, "")] = [2]float64{x, y}
	}
	return found
}

// No label covers a seat, the stage or another label, on any page of the halls
// that come with the program. What a label takes is told here anew, as letters
// are.
func TestLabelsCoverNothing(t *testing.T) {
	for _, name := range []string{"demo", "theatre", "arena"} {
		h, p := demoHall(t, name), demoFile(t, name).Plan
		pages := map[string]plan.Plan{}
		if !h.large() {
			pages[""] = p
		}
		for _, s := range p.Sections {
			pages[s.ID], _ = p.Section(s.ID)
		}
		for section, shown := range pages {
			t.Run(name+" "+section, func(t *testing.T) { wantClearLabels(t, h, section, shown) })
		}
	}
}

func wantClearLabels(t *testing.T, h *Hall, section string, shown plan.Plan) {
	page, _ := h.Page(section)
	at := placed(t, []byte(sheetOf(page)))
	type rect struct {
		name                     string
		west, north, east, south float64
	}
	var labels, all []rect
	text := func(id, text string, size float64) bool {
		p, ok := at[id]
		if ok {
			w, hgt := 0.6*size*float64(len([]rune(text))), size
			labels = append(labels, rect{id, p[0] - w/2, p[1] - hgt/2, p[0] + w/2, p[1] + hgt/2})
		}
		return ok
	}
	for _, i := range page.Shows() {
		s := h.sections[i]
		if len(page.Shows()) > 1 && !text("name-"+s.id, s.name, 1.3) {
			t.Errorf("section %s has no name on the map", s.id)
		}
		for _, r := range s.rows {
			if before, after := text(r.id+"::before", r.label, 1), text(r.id+"::after", r.label, 1); !before && !after {
				t.Errorf("row %s of %s has no label", r.label, s.id)
			}
		}
		for _, seat := range s.seats {
			p := at["seat-"+seat.id]
			all = append(all, rect{seat.id, p[0], p[1], p[0] + 2.15, p[1] + 2.15})
		}
	}
	if s := at["stage"]; shown.Stage != nil {
		all = append(all, rect{"stage", s[0], s[1], s[0] + shown.Stage.Width*2.5, s[1] + shown.Stage.Height*2.5})
	}
	for i, a := range labels {
		for _, b := range append(labels[:i:i], all...) {
			if math.Min(a.east, b.east) > math.Max(a.west, b.west) && math.Min(a.south, b.south) > math.Max(a.north, b.north) {
				t.Errorf("%s covers %s", a.name, b.name)
			}
		}
	}
}
