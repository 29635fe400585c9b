package views

import (
	"math"

	"github.com/seatlock/seatlock/store/plan"
)

// box is an upright rectangle of the plan, in seat units, by its middle.
type box struct{ x, y, w, h float64 }

func (b box) meets(o box) bool {
	return math.Abs(b.x-o.x)*2 < b.w+o.w && math.Abs(b.y-o.y)*2 < b.h+o.h
}

func (b box) holds(o box) bool {
	return math.Abs(b.x-o.x)*2 <= b.w-o.w && math.Abs(b.y-o.y)*2 <= b.h-o.h
}

// crowd is everything on the map that a label must not cover. A cell of the
// grid has the boxes whose middles are in it.
type crowd struct {
	small map[[2]int][]box // not wider nor higher than cell
	large []box
}

const cell = 2.0 // units

func (c *crowd) add(b box) {
	if b.w > cell || b.h > cell {
		c.large = append(c.large, b)
		return
	}
	at := [2]int{int(math.Floor(b.x / cell)), int(math.Floor(b.y / cell))}
	c.small[at] = append(c.small[at], b)
}

func (c *crowd) covers(b box) bool {
	for _, o := range c.large {
		if b.meets(o) {
			return true
		}
	}
	reach := func(middle, size, side float64) int { return int(math.Floor((middle + side*(size+cell)/2) / cell)) }
	for i := reach(b.x, b.w, -1); i <= reach(b.x, b.w, 1); i++ {
		for j := reach(b.y, b.h, -1); j <= reach(b.y, b.h, 1); j++ {
			for _, o := range c.small[[2]int{i, j}] {
				if b.meets(o) {
					return true
				}
			}
		}
	}
	return false
}

// crowdOf has the seats, with some air around them, and the stage.
func crowdOf(p plan.Plan) *crowd {
	c := &crowd{small: map[[2]int][]box{}}
	const seat = seatSize/unit + 0.06
	for _, s := range p.Sections {
		for _, r := range s.Rows {
			for _, at := range r.Seats {
				c.add(box{at.X, at.Y, seat, seat})
			}
		}
	}
	if s := p.Stage; s != nil {
		c.add(box{s.X + s.Width/2, s.Y + s.Height/2, s.Width, s.Height})
	}
	return c
}

// label is the room that a text takes: em is its size in that of the seats. A
// letter is reckoned wider than most are, and a wide script's as wide as high.
func label(text string, em, x, y float64) box {
	width := 0.2
	for _, r := range text {
		if r < 0x1100 {
			width += 0.64
		} else {
			width++
		}
	}
	return box{x, y, width * em / unit, 1.1 * em / unit}
}

// rowLabel finds room beyond the seat at an end of a row; dx and dy point away
// from the row. Where neighbours leave none, the row has its label at the
// other end.
func (c *crowd) rowLabel(text string, end plan.Seat, dx, dy float64) (box, bool) {
	for _, far := range []float64{1, 0.85, 0.76, 1.2} {
		if b := label(text, 1, end.X+dx*far, end.Y+dy*far); !c.covers(b) {
			c.add(b)
			return b, true
		}
	}
	return box{}, false
}

// sectionName finds the room for a section's name that is nearest to where one
// looks for it: before the middle of its front row.
func (c *crowd) sectionName(s plan.Section, within box) (box, bool) {
	x, y, dx, dy := front(s)
	for out := 0.0; out <= 8; out += 0.25 {
		for turn := range 24 {
			// to both sides in turn, from straight ahead to straight back
			angle := math.Pi / 12 * float64((turn+1)/2) * float64(1-turn%2*2)
			sin, cos := math.Sincos(angle)
			b := label(s.Name, nameSize, x+dx+out*(dx*cos-dy*sin), y+dy+out*(dx*sin+dy*cos))
			if within.holds(b) && !c.covers(b) {
				c.add(b)
				return b, true
			}
		}
	}
	return box{}, false
}

// front is the middle of a section's first row, and the direction, one unit
// long, in which it looks: square to the row, away from the rows behind it, or
// towards smaller y if it is alone.
func front(s plan.Section) (x, y, dx, dy float64) {
	rows := filled(s)
	x, y = middle(rows[0])
	west, east := rows[0].Seats[0], rows[0].Seats[len(rows[0].Seats)-1]
	dx, dy = east.Y-west.Y, west.X-east.X
	bx, by := x, y+1
	if len(rows) > 1 {
		bx, by = middle(rows[len(rows)-1])
	}
	length := math.Hypot(dx, dy)
	if length == 0 {
		dx, dy, length = x-bx, y-by, math.Hypot(x-bx, y-by)
	}
	if length == 0 {
		return x, y, 0, -1
	}
	if dx*(x-bx)+dy*(y-by) < 0 {
		length = -length
	}
	return x, y, dx / length, dy / length
}
