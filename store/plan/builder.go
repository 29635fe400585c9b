package plan

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/seatlock/seatlock/store"
)

// Limits of a plan.
const (
	maxCategories = 100
	maxSections   = 1000
	maxName       = 100 // characters of a name or label
	maxCoordinate = 10_000
	minDistance   = 0.5 // between two seats
)

// locator names a field of one element of a file, for an error: "line 7: price"
// or "sections[0].rows[3].label". It is called only if there is an error.
type locator func(field string) string

// at is the locator of an element of a JSON file; format and args make its path.
func at(format string, args ...any) locator {
	return func(field string) string { return fmt.Sprintf(format, args...) + "." + field }
}

// builder collects and checks what a reader finds, in the order of the plan. Ids
// may be placeholders. It keeps the first error.
type builder struct {
	file       File
	categories map[string]bool
	sections   map[string]bool
	seats      map[string]locator
	withheld   map[string]bool
	placed     int // seats with a position
	err        error
}

func newBuilder() *builder {
	return &builder{
		file:       File{Prices: map[string]int64{}},
		categories: map[string]bool{}, sections: map[string]bool{},
		seats: map[string]locator{}, withheld: map[string]bool{},
	}
}

func (b *builder) fail(where, format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf("%s: %s", where, fmt.Sprintf(format, args...))
	}
}

// name sets the name of the plan, which may be empty.
func (b *builder) name(where, name string) {
	if name != "" {
		b.file.Plan.Name = b.text(where, name)
	}
}

func (b *builder) stage(where locator, s Stage) {
	s.Label = b.text(where("label"), s.Label)
	b.coordinate(where, "x", s.X)
	b.coordinate(where, "y", s.Y)
	b.coordinate(where, "width", s.Width)
	b.coordinate(where, "height", s.Height)
	if s.Width <= 0 || s.Height <= 0 {
		b.fail(where("width"), "%g, and height %g: both must be above 0", s.Width, s.Height)
	}
	b.file.Plan.Stage = &s
}

// category adds a category and its price in the file; nil is none.
func (b *builder) category(where locator, c Category, price *store.Amount) {
	b.id(where("id"), c.ID)
	c.Name = b.text(where("name"), c.Name)
	switch {
	case b.categories[c.ID]:
		b.fail(where("id"), "%q stands twice", readableID(wordName, c.ID, c.Name))
	case len(b.categories) == maxCategories:
		b.fail(where("id"), "more than %d categories", maxCategories)
	case price != nil && price.Digits < 0:
		b.fail(where("price"), "%s is negative", store.FormatUnits(price.Digits, price.Decimals))
	}
	b.categories[c.ID] = true
	b.file.price(where, c.ID, price)
	b.file.Plan.Categories = append(b.file.Plan.Categories, c)
}

// section begins a section, to which the rows and seats that follow belong.
func (b *builder) section(where locator, id, name string) {
	b.id(where("id"), id)
	switch {
	case b.sections[id]:
		b.fail(where("id"), "%q stands twice", readableID(wordName, id, name))
	case len(b.sections) == maxSections:
		b.fail(where("id"), "more than %d sections", maxSections)
	}
	b.sections[id] = true
	b.file.Plan.Sections = append(b.file.Plan.Sections, Section{ID: id, Name: b.text(where("name"), name)})
}

func (b *builder) row(where locator, label string) {
	s := &b.file.Plan.Sections[len(b.file.Plan.Sections)-1]
	s.Rows = append(s.Rows, Row{Label: b.text(where("label"), label)})
}

// seat adds a seat to the last row. x and y are nil if the file has no position
// for it.
func (b *builder) seat(where locator, s Seat, x, y *float64) {
	b.id(where("id"), s.ID)
	s.Label = b.text(where("label"), s.Label)
	first, twice := b.seats[s.ID]
	switch {
	case twice:
		b.fail(where("id"), "%q stands already at %s", readableID(seatName, s.ID, len(b.sections) == 1), first("id"))
	case len(b.seats) == store.MaxSeats:
		b.fail(where("id"), "more than %d seats", store.MaxSeats)
	case !b.categories[s.Category]:
		b.fail(where("category"), "%.70q is not one of the categories", s.Category)
	}
	b.seats[s.ID] = where
	if len(s.Properties) == 0 {
		s.Properties = nil
	}
	for _, p := range s.Properties {
		if p != Accessible && p != Companion && p != Restricted {
			b.fail(where("properties"), "%.70q is not known", p)
		}
	}
	if (x == nil) != (y == nil) {
		b.fail(where("x"), "x and y go together")
	} else if x != nil {
		s.X, s.Y = *x, *y
		b.coordinate(where, "x", s.X)
		b.coordinate(where, "y", s.Y)
		b.placed++
	}
	section := &b.file.Plan.Sections[len(b.file.Plan.Sections)-1]
	row := &section.Rows[len(section.Rows)-1]
	row.Seats = append(row.Seats, s)
}

// withhold takes a seat off sale. All seats must have been added before.
func (b *builder) withhold(where, id string) {
	switch _, known := b.seats[id]; {
	case !known:
		b.fail(where, "%.70q is not one of the seats", id)
	case b.withheld[id]:
		b.fail(where, "%q stands twice", id)
	}
	b.withheld[id] = true
	b.file.Withheld = append(b.file.Withheld, id)
}

// finish checks the plan as a whole, and returns it.
func (b *builder) finish() (Draft, error) {
	switch n := len(b.seats); {
	case b.err != nil:
		return Draft{}, b.err
	case n == 0:
		return Draft{}, errors.New("sections: no seats")
	case b.placed != 0 && b.placed != n:
		return Draft{}, fmt.Errorf("sections: %d of %d seats have no x and y: give all of them positions, or none", n-b.placed, n)
	case b.placed == 0:
		layOut(&b.file.Plan)
		if _, _, right, bottom := b.file.Plan.Bounds(); max(right, bottom) > maxCoordinate {
			return Draft{}, errors.New("sections: too many rows, or seats in a row, to be laid out without positions")
		}
	}
	draft := newDraft(b.file)
	b.checkDistances(draft.seats)
	if n := len(draft.Plan.Encode()); n > store.MaxPlanBytes {
		b.fail("sections", "the plan needs %d bytes: at most %d", n, store.MaxPlanBytes)
	}
	if b.err != nil {
		return Draft{}, b.err
	}
	return draft, nil
}

// checkDistances refuses seats that lie on one another. It looks for neighbours
// in a grid whose squares are as wide as the least distance. The error names
// the ids that the seats would get.
func (b *builder) checkDistances(ids map[string]string) {
	type square struct{ x, y int }
	grid := map[square][]Seat{}
	for s := range b.file.Plan.seats() {
		here := square{int(math.Floor(s.X / minDistance)), int(math.Floor(s.Y / minDistance))}
		for i := range 9 {
			for _, other := range grid[square{here.x + i%3 - 1, here.y + i/3 - 1}] {
				if d := math.Hypot(s.X-other.X, s.Y-other.Y); d < minDistance {
					b.fail(b.seats[s.ID]("x"), "seat %q is %.2f units from seat %q: want %g at least", cmp.Or(ids[s.ID], s.ID), d, cmp.Or(ids[other.ID], other.ID), minDistance)
					return
				}
			}
		}
		grid[here] = append(grid[here], s)
	}
}

// readableID is an id for an error: for a placeholder, the id that it most
// likely gets.
func readableID[T any](nameOf func(string, T) name, id string, by T) string {
	if isPlaceholder(id) {
		return nameOf(id, by).plain
	}
	return id
}

func (b *builder) id(where, id string) {
	if !isPlaceholder(id) && !store.ValidID(id) {
		b.fail(where, "%.70q: want 1 to 64 of A-Z a-z 0-9 . _ -", id)
	}
}

// text returns s without blanks at its ends.
func (b *builder) text(where, s string) string {
	s = strings.TrimSpace(s)
	if !store.ValidText(s, maxName) {
		b.fail(where, "%.40q: want 1 to %d characters, none of which ends a line, is a control character or changes the direction of writing", s, maxName)
	} else if err := store.CheckText(s); err != nil {
		b.file.Odd = append(b.file.Odd, OddText{s, fmt.Errorf("%s: %w", where, err)})
	}
	return s
}

func (b *builder) coordinate(where locator, field string, v float64) {
	if math.IsNaN(v) || math.Abs(v) > maxCoordinate {
		b.fail(where(field), "%g: want -%d to %[2]d", v, maxCoordinate)
	}
}

// layOut gives a plan without positions straight, centred rows, one section
// behind the other.
func layOut(p *Plan) {
	longest := 0
	for _, section := range p.Sections {
		for _, row := range section.Rows {
			longest = max(longest, len(row.Seats))
		}
	}
	y := 0.0
	if s := p.Stage; s != nil {
		y = s.Y + s.Height + 2
	}
	for i := range p.Sections {
		for j := range p.Sections[i].Rows {
			seats := p.Sections[i].Rows[j].Seats
			for k := range seats {
				seats[k].X = float64(longest-len(seats))/2 + float64(k)
				seats[k].Y = y
			}
			y++
		}
		y++
	}
}
