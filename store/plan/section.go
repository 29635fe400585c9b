package plan

import (
	"math"
	"slices"
)

// Section returns the plan of one section alone, as seen from behind it: turned
// so that its rows run from side to side and the stage lies ahead, drawn as a
// strip of the section's width. ok is false if there is no such section, or it
// has no seats.
func (p Plan) Section(id string) (alone Plan, ok bool) {
	i := slices.IndexFunc(p.Sections, func(s Section) bool { return s.ID == id })
	if i < 0 {
		return Plan{}, false
	}
	section := p.Sections[i]
	alone = Plan{Name: p.Name, Categories: p.Categories, Sections: []Section{section}}
	if len(alone.SeatIDs()) == 0 {
		return Plan{}, false
	}
	x, y := p.focus()
	if s := p.Stage; s != nil {
		y = s.Y + s.Height/2 // seats may be on any side of it
	}
	alone.Sections[0] = section.facing(x, y)
	if p.Stage != nil {
		left, top, right, _ := alone.Bounds()
		alone.Stage = &Stage{Label: p.Stage.Label, X: left, Y: top - 2.2, Width: right - left, Height: 1.2}
	}
	return alone, true
}

// facing returns the section turned so that its rows run from left to right and
// the point is above it.
func (s Section) facing(x, y float64) Section {
	dx, dy := s.along()
	cx, cy := s.middle()
	if (x-cx)*dy-(y-cy)*dx < 0 { // the point would be below
		dx, dy = -dx, -dy
	}
	out := Section{ID: s.ID, Name: s.Name, Rows: slices.Clone(s.Rows)}
	for i, r := range s.Rows {
		seats := slices.Clone(r.Seats)
		for k, seat := range seats {
			seats[k].X = round((seat.X-cx)*dx + (seat.Y-cy)*dy)
			seats[k].Y = round((seat.Y-cy)*dx - (seat.X-cx)*dy)
		}
		out.Rows[i].Seats = seats
	}
	return out
}

// along returns the direction of the section's rows, as a vector of length one.
// Rows may be numbered from either end.
func (s Section) along() (dx, dy float64) {
	for _, r := range s.Rows {
		if len(r.Seats) < 2 {
			continue
		}
		first, last := r.Seats[0], r.Seats[len(r.Seats)-1]
		x, y := last.X-first.X, last.Y-first.Y
		if x*dx+y*dy < 0 {
			x, y = -x, -y
		}
		dx, dy = dx+x, dy+y
	}
	if d := math.Hypot(dx, dy); d > 0 {
		return dx / d, dy / d
	}
	return 1, 0
}

// middle is the mean of the seats' positions.
func (s Section) middle() (x, y float64) {
	n := 0.0
	for _, r := range s.Rows {
		for _, seat := range r.Seats {
			x, y, n = x+seat.X, y+seat.Y, n+1
		}
	}
	return x / n, y / n
}
