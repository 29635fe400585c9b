package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"unicode"
	"unicode/utf8"

	"github.com/seatlock/seatlock/store"
)

// File is what a plan file holds: the plan, and beside it what belongs to the
// event that is made from it.
type File struct {
	Plan Plan
	// Prices are integer minor units by category id.
	Prices map[string]int64
}

// The bounds of a plan file.
const (
	maxBytes      = 64 << 20
	maxSeats      = 100_000
	maxName       = 100 // characters of a name or label
	maxCoordinate = 10_000
)

// fileJSON is Plan with prices, and positions that may be missing.
type fileJSON struct {
	Name       string         `json:"name"`
	Categories []categoryJSON `json:"categories"`
	Stage      *Stage         `json:"stage"`
	Sections   []sectionJSON  `json:"sections"`
}

type categoryJSON struct {
	Category
	Price int64 `json:"price"`
}

type sectionJSON struct {
	ID   string    `json:"id"`
	Name string    `json:"name"`
	Rows []rowJSON `json:"rows"`
}

type rowJSON struct {
	Label string     `json:"label"`
	Seats []seatJSON `json:"seats"`
}

type seatJSON struct {
	ID         string     `json:"id"`
	Label      string     `json:"label"`
	Category   string     `json:"category"`
	X          *float64   `json:"x"`
	Y          *float64   `json:"y"`
	Properties []Property `json:"properties"`
}

// Read reads Seatlock's own plan format. An error names the path and the field
// that is wrong; nothing is guessed, and unknown fields are refused.
func Read(r io.Reader) (File, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return File{}, fmt.Errorf("read plan: %w", err)
	}
	if len(data) > maxBytes {
		return File{}, fmt.Errorf("plan is larger than %d MiB", maxBytes>>20)
	}
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	decoder.DisallowUnknownFields()
	var in fileJSON
	if err := decoder.Decode(&in); err != nil {
		return File{}, located(data, decoder, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return File{}, fmt.Errorf("line %d: text after the plan", line(data, decoder.InputOffset()))
	}
	b := builder{categories: map[string]bool{}, seats: map[string]string{}}
	file := b.file(in)
	return file, b.err
}

func located(data []byte, decoder *json.Decoder, err error) error {
	offset := decoder.InputOffset()
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = syntax.Offset
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("line %d: %s: a %s where a %s belongs", line(data, wrong.Offset), wrong.Field, wrong.Value, wrong.Type)
	}
	return fmt.Errorf("line %d: %w", line(data, offset), err)
}

func line(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(int(offset), len(data))], []byte("\n"))
}

// builder turns a file into a plan; err is the first thing wrong with it.
type builder struct {
	categories map[string]bool
	sections   map[string]bool
	seats      map[string]string // id → path of its first mention
	placed     int               // seats with a position
	err        error
}

func (b *builder) fail(path, format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...))
	}
}

func (b *builder) file(in fileJSON) File {
	out := File{Plan: Plan{Name: in.Name, Stage: in.Stage}, Prices: map[string]int64{}}
	b.text("name", in.Name)
	for i, c := range in.Categories {
		path := fmt.Sprintf("categories[%d]", i)
		b.id(path+".id", c.ID)
		b.text(path+".name", c.Name)
		if b.categories[c.ID] {
			b.fail(path+".id", "%q stands twice", c.ID)
		}
		if c.Price < 0 {
			b.fail(path+".price", "%d is negative", c.Price)
		}
		b.categories[c.ID] = true
		out.Prices[c.ID] = c.Price
		out.Plan.Categories = append(out.Plan.Categories, c.Category)
	}
	if s := in.Stage; s != nil {
		b.text("stage.label", s.Label)
		b.coordinates("stage", s.X, s.Y, s.Width, s.Height)
		if s.Width <= 0 || s.Height <= 0 {
			b.fail("stage", "width and height must be above 0")
		}
	}
	b.sections = map[string]bool{}
	for i, s := range in.Sections {
		out.Plan.Sections = append(out.Plan.Sections, b.section(fmt.Sprintf("sections[%d]", i), s))
	}
	switch n := len(b.seats); {
	case n == 0:
		b.fail("sections", "no seats")
	case n > maxSeats:
		b.fail("sections", "%d seats: at most %d", n, maxSeats)
	case b.placed != 0 && b.placed != n:
		b.fail("sections", "%d of %d seats have no x and y: give all of them positions, or none", n-b.placed, n)
	case b.placed == 0 && b.err == nil:
		tidy(&out.Plan)
	}
	return out
}

func (b *builder) section(path string, in sectionJSON) Section {
	b.id(path+".id", in.ID)
	b.text(path+".name", in.Name)
	if b.sections[in.ID] {
		b.fail(path+".id", "%q stands twice", in.ID)
	}
	b.sections[in.ID] = true
	out := Section{ID: in.ID, Name: in.Name}
	for i, r := range in.Rows {
		rowPath := fmt.Sprintf("%s.rows[%d]", path, i)
		b.text(rowPath+".label", r.Label)
		row := Row{Label: r.Label}
		for j, s := range r.Seats {
			row.Seats = append(row.Seats, b.seat(fmt.Sprintf("%s.seats[%d]", rowPath, j), s))
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

func (b *builder) seat(path string, in seatJSON) Seat {
	b.id(path+".id", in.ID)
	b.text(path+".label", in.Label)
	if first, twice := b.seats[in.ID]; twice {
		b.fail(path+".id", "%q stands already at %s", in.ID, first)
	}
	b.seats[in.ID] = path
	if !b.categories[in.Category] {
		b.fail(path+".category", "%q is not one of the categories", in.Category)
	}
	for _, p := range in.Properties {
		if p != Accessible && p != Companion && p != Restricted {
			b.fail(path+".properties", "%q is not known", p)
		}
	}
	out := Seat{ID: in.ID, Label: in.Label, Category: in.Category, Properties: in.Properties}
	if (in.X == nil) != (in.Y == nil) {
		b.fail(path, "x and y go together")
	} else if in.X != nil {
		b.coordinates(path, *in.X, *in.Y)
		out.X, out.Y = *in.X, *in.Y
		b.placed++
	}
	return out
}

func (b *builder) id(path, id string) {
	if !store.ValidID(id) {
		b.fail(path, "%q: want 1 to 64 of A-Z a-z 0-9 . _ -", id)
	}
}

func (b *builder) text(path, s string) {
	if s == "" || utf8.RuneCountInString(s) > maxName || !utf8.ValidString(s) {
		b.fail(path, "want 1 to %d characters", maxName)
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			b.fail(path, "has a control character")
			return
		}
	}
}

func (b *builder) coordinates(path string, values ...float64) {
	for _, v := range values {
		if math.IsNaN(v) || math.Abs(v) > maxCoordinate {
			b.fail(path, "coordinate %g: want -%d to %[2]d", v, maxCoordinate)
		}
	}
}

// tidy gives a plan without positions straight rows, centred, one section
// behind the other.
func tidy(p *Plan) {
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
