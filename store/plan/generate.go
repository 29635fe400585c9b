package plan

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/seatlock/seatlock/store"
)

// Layout describes a hall as blocks of rows, for somebody who has a tape measure
// and no drawing.
//
// Lengths are in seats. They count from the middle of the stage's front edge
// or, if Round, from the middle of the stage.
type Layout struct {
	Name  string
	Stage Stage // its label and size; no stage if there is no label
	Round bool  // the audience sits around the stage
	// Blocks are in the order of the plan. Blocks with the same section form one
	// section.
	Blocks []Block
}

// Block is rows one behind the other, with their middles in a line.
type Block struct {
	Section  string
	Category string
	// Price is the category's price in minor units; nil if this block does not
	// give it.
	Price *int64

	Rows      int
	Seats     int     // in the first row
	Grow      float64 // more seats in each further row, half of them at either end
	FirstRow  string  // label of the first row, counted up from there: a letter or a number; "" is A
	FirstSeat int     // number of the first seat in each row; 0 is 1

	// Radius is that of the first row's circle, around whose middle all rows
	// bend; 0 is straight rows. Arc is another way to say it: the angle of the
	// first row, in degrees.
	Radius, Arc float64
	// Aisles are seats of the first row, counted from 1, each followed by an
	// aisle. Aisles go straight on through rows that grow.
	Aisles []int

	Depth    float64 // from row to row; 0 is 1.1
	Distance float64 // to the first row
	Shift    float64 // to the right, before the turn
	Turn     float64 // in degrees to the right, about the point that lengths count from

	Marks []Mark
}

// Mark gives a property to neighbouring seats of a row.
type Mark struct {
	Property Property
	Row      string
	From, To int // seat numbers, both included
}

const (
	aisleWidth   = 1.0
	defaultDepth = 1.1
)

// Back returns the distance to the back of the block's last row.
func (b Block) Back() float64 { return b.Distance + float64(b.Rows)*b.depth() }

func (b Block) depth() float64 {
	if b.Depth == 0 {
		return defaultDepth
	}
	return b.Depth
}

// Generate makes the plan of a hall. Seat ids consist of section, row and number,
// as in stalls-A-12, or A-12 if there is only one section. Errors name the
// section.
func Generate(l Layout) (File, error) {
	b := newBuilder()
	b.name("name", l.Name)
	if s := l.Stage; s.Label != "" {
		s.X, s.Y = round(-s.Width/2), round(-s.Height)
		if l.Round {
			s.Y = round(-s.Height / 2)
		}
		b.stage(at("stage"), s)
	}
	for _, blocks := range group(l.Blocks, func(b Block) string { return b.Category }) {
		c := Category{ID: placeholder(blocks[0].Category), Name: blocks[0].Category}
		b.category(blocks[0].locate("category"), c, priceOf(b, blocks))
	}
	for _, blocks := range group(l.Blocks, func(b Block) string { return b.Section }) {
		b.section(blocks[0].locate("name"), placeholder(blocks[0].Section), blocks[0].Section)
		for _, block := range blocks {
			name := func(row, seat string) string { return seatPlaceholder(block.Section, row, seat) }
			if err := block.build(b, placeholder(block.Category), name); err != nil {
				return File{}, fmt.Errorf("section %q: %w", block.Section, err)
			}
		}
	}
	draft, err := b.finish()
	return draft.File, err
}

// priceOf returns the price that the blocks of a category give; nil is none.
func priceOf(b *builder, blocks []Block) (price *store.Amount) {
	for _, block := range blocks {
		switch {
		case block.Price == nil:
		case price != nil && *block.Price != price.Digits:
			b.fail(block.at("price"), "%d, but %d for the same category before", *block.Price, price.Digits)
		default:
			price = &store.Amount{Digits: *block.Price}
		}
	}
	return price
}

// locate names fields that a block does not have by what they belong to.
func (b Block) locate(what string) locator {
	return func(field string) string {
		if field == "id" || field == "name" {
			field = what
		}
		return b.at(field)
	}
}

func (b Block) at(field string) string { return fmt.Sprintf("section %q: %s", b.Section, field) }

func (b Block) build(to *builder, category string, name func(row, seat string) string) error {
	if err := b.check(); err != nil {
		return err
	}
	radius := b.radius()
	properties := map[[2]string][]Property{}
	for _, m := range b.Marks {
		for n := m.From; n <= m.To; n++ {
			seat := [2]string{m.Row, strconv.Itoa(n)}
			properties[seat] = append(properties[seat], m.Property)
		}
	}
	for i := range b.Rows {
		row, err := rowLabel(b.FirstRow, i)
		if err != nil {
			return err
		}
		to.row(b.locate("row"), row)
		for k, along := range b.along(i) {
			x, y := b.point(along, i, radius)
			number := strconv.Itoa(max(b.FirstSeat, 1) + k)
			seat := [2]string{row, number}
			to.seat(b.locate("seat"), Seat{
				ID: name(row, number), Label: number, Category: category, Properties: properties[seat],
			}, &x, &y)
			delete(properties, seat)
		}
	}
	for seat := range properties {
		return fmt.Errorf("no seat %s:%s to mark", seat[0], seat[1])
	}
	return nil
}

func (b Block) check() error {
	if max(b.Rows, b.Seats, b.FirstSeat) > store.MaxSeats || !(math.Abs(b.Grow) <= store.MaxSeats) {
		return fmt.Errorf("%d rows of %d seats and %g more in each: want %d at most", b.Rows, b.Seats, b.Grow, store.MaxSeats)
	}
	last := b.Seats + b.grown(b.Rows-1)
	switch {
	case b.Rows < 1 || b.Seats < 1 || last < 1:
		return fmt.Errorf("%d rows of %d to %d seats: want 1 at least", b.Rows, b.Seats, last)
	case max(b.Seats, last) > store.MaxSeats/b.Rows:
		return fmt.Errorf("%d rows of %d to %d seats: want %d in all at most", b.Rows, b.Seats, last, store.MaxSeats)
	case b.Radius < 0 || b.Arc < 0 || b.Arc > 360 || b.Radius > 0 && b.Arc > 0:
		return fmt.Errorf("bends by a radius of %g and an arc of %g: want one of them, and an arc of 360 at most", b.Radius, b.Arc)
	case b.depth() < minDistance:
		return fmt.Errorf("rows are %g apart: want %g at least", b.depth(), minDistance)
	}
	for _, m := range b.Marks {
		if m.From > m.To || m.To-m.From > store.MaxSeats {
			return fmt.Errorf("no seats %s:%d-%d to mark", m.Row, m.From, m.To)
		}
	}
	return nil
}

// grown returns how many more seats than the first a row has.
func (b Block) grown(row int) int { return int(math.Floor(float64(row) * b.Grow)) }

// along returns the positions of a row's seats along it, from its middle.
func (b Block) along(row int) []float64 {
	n := b.Seats + b.grown(row)
	grown := b.grown(row) / 2
	places := make([]float64, n)
	for k := range places {
		places[k] = float64(k)
		for _, aisle := range b.Aisles {
			if k >= aisle+grown && aisle+grown > 0 {
				places[k] += aisleWidth
			}
		}
	}
	middle := (places[0] + places[n-1]) / 2
	for k := range places {
		places[k] -= middle
	}
	return places
}

// radius returns the radius of the first row's circle, or 0 for straight rows.
func (b Block) radius() float64 {
	if b.Arc == 0 {
		return b.Radius
	}
	first := b.along(0)
	return (first[len(first)-1] - first[0]) / (b.Arc * math.Pi / 180)
}

// point returns the position of a seat in the plan.
func (b Block) point(along float64, row int, radius float64) (x, y float64) {
	back := float64(row) * b.depth()
	if radius > 0 {
		angle := along / (radius + back)
		along, back = (radius+back)*math.Sin(angle), (radius+back)*math.Cos(angle)-radius
	}
	sin, cos := math.Sincos(b.Turn * math.Pi / 180)
	right, away := along+b.Shift, back+b.Distance
	return round(right*cos + away*sin), round(away*cos - right*sin)
}

// rowLabel counts rows from the first label: A, B, … Z, AA, or 1, 2.
func rowLabel(first string, i int) (string, error) {
	if first == "" {
		first = "A"
	}
	if n, err := strconv.Atoi(first); err == nil && n >= 0 && n < 1_000_000 {
		return strconv.Itoa(n + i), nil
	}
	n := 0
	for _, c := range strings.ToUpper(first) {
		if c < 'A' || c > 'Z' || n > 1000 {
			return "", fmt.Errorf("first row %.40q: want letters such as A, or a number", first)
		}
		n = n*26 + int(c-'A') + 1
	}
	label := ""
	for n += i; n > 0; n = (n - 1) / 26 {
		label = string(rune('A'+(n-1)%26)) + label
	}
	return label, nil
}
