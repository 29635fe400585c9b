package views

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seatlock/seatlock/store/plan"
)

// drawSheets makes the stylesheet of each page.
func (h *Hall) drawSheets(p plan.Plan, levels map[string]int) {
	h.sheets = map[string][]byte{}
	if h.large() {
		h.sheet = h.addSheet(overviewSheet(p))
	} else {
		h.sheet = h.addSheet(stylesheet(p, levels))
	}
	for i, s := range h.sections {
		if alone, ok := p.Section(s.id); ok {
			h.sections[i].sheet = h.addSheet(stylesheet(alone, levels))
		}
	}
}

// addSheet names a stylesheet by its content, and returns where it is asked for.
func (h *Hall) addSheet(css []byte) (path string) {
	sum := sha256.Sum256(css)
	name := "plan-" + hex.EncodeToString(sum[:8]) + ".css"
	h.sheets[name] = css
	return h.path(name)
}

// Sheet returns the stylesheet with this name: where seats, labels and the
// stage are. It is the same for the same name. The caller must not change it.
func (h *Hall) Sheet(name string) (css []byte, ok bool) {
	css, ok = h.sheets[name]
	return css, ok
}

// CSSPath is where the page asks for its [Hall.Sheet].
func (p Page) CSSPath() string {
	if p.only < 0 {
		return p.hall.sheet
	}
	return p.section().sheet
}

// The plan is laid out in em of its own font size, which is the size of the
// text on the seats: zooming is a change of that one size.
const (
	unit     = 2.5  // em from one seat to its neighbour
	seatSize = 2.15 // em; style.css says the same
	sideRoom = 0.75 // units beside the hall, for the labels of its rows
	topRoom  = 0.5  // units above and below it
	nameRoom = 1.0  // units above it, more, where sections show their names
	nameSize = 1.3  // em of a section's name; style.css says the same
	shades   = 6    // kinds of mark that style.css has for categories
)

// stylesheet places everything that the plan has. It holds ids and numbers and
// no text of the plan, so that there is nothing in it to escape but the dot,
// the one character of an id that CSS reads otherwise.
func stylesheet(p plan.Plan, levels map[string]int) []byte {
	left, top, right, bottom := p.Bounds()
	l := layout{left: left - sideRoom, top: top - topRoom, unit: unit}
	if len(p.Sections) > 1 {
		l.top -= nameRoom
	}
	w, h := (right+sideRoom-l.left)*unit, (bottom+topRoom-l.top)*unit
	l.rule("#plan", "--w:%s;--h:%s", em(w), em(h))
	if s := p.Stage; s != nil {
		l.stage(*s)
	}
	l.crowd = crowdOf(p)
	for _, s := range p.Sections {
		l.section(s, levels)
	}
	if len(p.Sections) > 1 {
		l.names(p.Sections, box{l.left + w/unit/2, l.top + h/unit/2, w / unit, h / unit})
	}
	return l.Bytes()
}

// layout writes rules for a plan whose corner is at left and top, and whose
// seats are so many em apart.
type layout struct {
	bytes.Buffer
	left, top, unit float64
	crowd           *crowd
}

func (l *layout) rule(selector, format string, args ...any) {
	fmt.Fprintf(l, "%s{%s}\n", strings.ReplaceAll(selector, ".", `\.`), fmt.Sprintf(format, args...))
}

func (l *layout) at(x, y float64) (left, top string) {
	return em((x - l.left) * l.unit), em((y - l.top) * l.unit)
}

func (l *layout) stage(s plan.Stage) {
	x, y := l.at(s.X, s.Y)
	l.rule("#stage", "left:%sem;top:%sem;width:%sem;height:%sem", x, y, em(s.Width*l.unit), em(s.Height*l.unit))
}

// names come last, since they can go further from where they belong than the
// labels of rows can. One that finds no room is not on the map.
func (l *layout) names(sections []plan.Section, within box) {
	for _, s := range sections {
		if len(filled(s)) == 0 {
			continue
		}
		if b, ok := l.crowd.sectionName(s, within); ok {
			l.place("#name-"+s.ID, b)
		} else {
			l.rule("#name-"+s.ID, "opacity:var(--map,0)")
		}
	}
}

func (l *layout) place(selector string, b box) {
	x, y := l.at(b.x, b.y)
	l.rule(selector, "left:%sem;top:%sem", x, y)
}

func (l *layout) section(s plan.Section, levels map[string]int) {
	for i, r := range s.Rows {
		l.row(rowID(s.ID, i), r)
		for _, seat := range r.Seats {
			l.seat(seat, levels[seat.Category])
		}
	}
}

// row places the row's label beyond each of its ends, where there is room.
func (l *layout) row(id string, r plan.Row) {
	n := len(r.Seats)
	if n == 0 {
		return
	}
	first, last, dx, dy := r.Seats[0], r.Seats[n-1], 1.0, 0.0
	if d := math.Hypot(last.X-first.X, last.Y-first.Y); d > 0 {
		dx, dy = (last.X-first.X)/d, (last.Y-first.Y)/d
	}
	l.rowLabel("#"+id+"::before", r.Label, first, -dx, -dy)
	l.rowLabel("#"+id+"::after", r.Label, last, dx, dy)
}

// rowLabel hides what has no room from the map alone: the list shows it.
func (l *layout) rowLabel(selector, text string, end plan.Seat, dx, dy float64) {
	if b, ok := l.crowd.rowLabel(text, end, dx, dy); ok {
		l.place(selector, b)
	} else {
		l.rule(selector, "opacity:var(--map,0)")
	}
}

func (l *layout) seat(s plan.Seat, level int) {
	const corner = seatSize / unit / 2
	x, y := l.at(s.X-corner, s.Y-corner)
	shade := ""
	if n := shadeOf(level); n > 1 {
		shade = ";--shade:var(--shade-" + strconv.Itoa(n) + ")"
	}
	l.rule("#seat-"+s.ID, "left:%sem;top:%sem%s", x, y, shade)
	for _, p := range s.Properties {
		switch p {
		case plan.Accessible, plan.Companion, plan.Restricted:
			l.rule("#seat-"+s.ID+"::after", `content:"";mask-image:var(--%s)`, p)
			l.rule("#seat-"+s.ID, "padding-top:.5em")
			return // one mark has room; the label tells them all
		}
	}
}

// shadeOf returns which of style.css's marks, from 1, stands for a category.
func shadeOf(level int) int { return level%shades + 1 }

// filled are the rows that have seats.
func filled(s plan.Section) []plan.Row {
	return slices.DeleteFunc(slices.Clone(s.Rows), func(r plan.Row) bool { return len(r.Seats) == 0 })
}

// middle is that of a row: of the one or two seats that stand there.
func middle(r plan.Row) (x, y float64) {
	a, b := r.Seats[(len(r.Seats)-1)/2], r.Seats[len(r.Seats)/2]
	return (a.X + b.X) / 2, (a.Y + b.Y) / 2
}

// em formats a length to a hundredth, a quarter of a pixel at most; adding 0
// turns -0 into 0.
func em(v float64) string {
	return strconv.FormatFloat(math.Round(v*100)/100+0, 'f', -1, 64)
}
