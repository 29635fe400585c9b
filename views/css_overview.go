package views

import (
	"math"
	"slices"
	"strings"

	"github.com/seatlock/seatlock/store/plan"
)

// overviewSize is the longer side of an overview in em: its text is as large in
// any hall.
const overviewSize = 60.0

// overviewSheet places the stage and a shape for each section.
func overviewSheet(p plan.Plan) []byte {
	left, top, right, bottom := p.Bounds()
	l := layout{left: left, top: top, unit: overviewSize / max(right-left, bottom-top)}
	w, h := (right-left)*l.unit, (bottom-top)*l.unit
	l.rule("#plan", "--w:%s;--h:%s", em(w), em(h))
	if s := p.Stage; s != nil {
		l.stage(*s)
	}
	for _, s := range p.Sections {
		if shape := outline(s); len(shape) > 0 {
			l.shape(s, shape)
		}
	}
	return l.Bytes()
}

// shape places the section's shape by its bounds, cuts it out of them, and puts
// the section's name in its middle.
func (l *layout) shape(s plan.Section, shape []point) {
	west, north, east, south := shape[0].x, shape[0].y, shape[0].x, shape[0].y
	for _, p := range shape {
		west, north, east, south = min(west, p.x), min(north, p.y), max(east, p.x), max(south, p.y)
	}
	corners := make([]string, len(shape))
	for i, p := range shape {
		corners[i] = em((p.x-west)*l.unit) + "em " + em((p.y-north)*l.unit) + "em"
	}
	x, y := l.at(west, north)
	l.rule("#shape-"+s.ID, "left:%sem;top:%sem;width:%sem;height:%sem;clip-path:polygon(%s)", x, y,
		em((east-west)*l.unit), em((south-north)*l.unit), strings.Join(corners, ","))
	rows := filled(s)
	midX, midY := middle(rows[len(rows)/2])
	l.rule("#shape-"+s.ID+" span", "left:%sem;top:%sem", em((midX-west)*l.unit), em((midY-north)*l.unit))
}

type point struct{ x, y float64 }

// outline goes around the section, half a seat outside of its seats: along the
// front row, back by the ends of the rows, along the last row, and to the front
// again. It follows rows that bend, where a hull would cover what they bend
// around.
func outline(s plan.Section) []point {
	rows := filled(s)
	if len(rows) == 0 {
		return nil
	}
	var there, back []point // by the rows' last seats, and by their first ones
	for _, r := range rows {
		first, last := ends(r)
		there, back = append(there, last), append(back, first)
	}
	rear := edge(rows[len(rows)-1], rows, 0.5)
	slices.Reverse(rear)
	slices.Reverse(back)
	return simplify(slices.Concat(edge(rows[0], rows, -0.5), there, rear, back))
}

// simplify drops points that lie within a tenth of a seat of the line between
// those around them.
func simplify(shape []point) []point {
	out := shape[:1:1]
	for i := 1; i < len(shape)-1; i++ {
		a, p, b := out[len(out)-1], shape[i], shape[i+1]
		dx, dy := b.x-a.x, b.y-a.y
		if d := math.Hypot(dx, dy); d == 0 || math.Abs((p.x-a.x)*dy-(p.y-a.y)*dx) > 0.1*d {
			out = append(out, p)
		}
	}
	return append(out, shape[len(shape)-1])
}

// ends are the points half a seat beyond the row's ends.
func ends(r plan.Row) (before, after point) {
	n := len(r.Seats)
	dx, dy := direction(r, 0)
	ex, ey := direction(r, n-1)
	first, last := r.Seats[0], r.Seats[n-1]
	return point{first.X - dx/2, first.Y - dy/2}, point{last.X + ex/2, last.Y + ey/2}
}

// edge is the row moved by so many seats away from the front of its section.
func edge(r plan.Row, rows []plan.Row, by float64) []point {
	out := make([]point, len(r.Seats))
	front, rear := rows[0], rows[len(rows)-1]
	backX, backY := rear.Seats[0].X-front.Seats[0].X, rear.Seats[0].Y-front.Seats[0].Y
	for i, s := range r.Seats {
		dx, dy := direction(r, i)
		nx, ny := -dy, dx
		if nx*backX+ny*backY < 0 {
			nx, ny = -nx, -ny
		}
		out[i] = point{s.X + by*nx, s.Y + by*ny}
	}
	return out
}

// direction is how the row runs at a seat, as a vector of length one.
func direction(r plan.Row, i int) (dx, dy float64) {
	a, b := r.Seats[max(i-1, 0)], r.Seats[min(i+1, len(r.Seats)-1)]
	if d := math.Hypot(b.X-a.X, b.Y-a.Y); d > 0 {
		return (b.X - a.X) / d, (b.Y - a.Y) / d
	}
	return 1, 0
}
