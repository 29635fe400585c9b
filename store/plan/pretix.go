package plan

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seatlock/seatlock/store"
)

// pretixJSON is what we read of pretix's seating plans. Other fields, such as
// colours, are ignored.
type pretixJSON struct {
	Name       string `json:"name"`
	Categories []struct {
		Name string `json:"name"`
	} `json:"categories"`
	Zones []pretixZone `json:"zones"`
}

type pretixZone struct {
	Name     string       `json:"name"`
	Position pixels       `json:"position"`
	Rows     []pretixRow  `json:"rows"`
	Areas    []pretixArea `json:"areas"`
}

type pretixRow struct {
	Number   string       `json:"row_number"`
	Position pixels       `json:"position"`
	Seats    []pretixSeat `json:"seats"`
}

type pretixSeat struct {
	GUID     string `json:"seat_guid"`
	Number   string `json:"seat_number"`
	Position pixels `json:"position"`
	Category string `json:"category"`
}

// pretixArea is a shape with a text. Older plans have size and text in other
// fields than newer ones.
type pretixArea struct {
	Position  pixels          `json:"position"`
	Text      json.RawMessage `json:"text"`
	Width     float64         `json:"width"`
	Height    float64         `json:"height"`
	Rectangle struct {
		Width  float64 `json:"width"`
		Height float64 `json:"height"`
	} `json:"rectangle"`
}

// pixels is a point in the units of pretix's editor. A seat's counts from its
// row's, and that from its zone's.
type pixels struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

func (p pixels) plus(q pixels) pixels { return pixels{p.X + q.X, p.Y + q.Y} }

// readPretix reads pretix's seating plans. A zone becomes a section; zones and
// rows without seats are left out.
func readPretix(b *builder, data []byte) error {
	var in pretixJSON
	if err := decode(data, &in, false); err != nil {
		return err
	}
	b.name("name", in.Name)
	for i, c := range in.Categories {
		b.category(at("categories[%d]", i), Category{ID: placeholder(c.Name), Name: c.Name}, nil)
	}
	units, zones := in.unitsPerPixel(), map[string]int{}
	for i := range in.Zones {
		in.Zones[i].Name = cmp.Or(in.Zones[i].Name, "Zone "+strconv.Itoa(i+1))
		zones[in.Zones[i].Name]++
	}
	for i, zone := range in.Zones {
		if stage := zone.stage(units); stage != nil && b.file.Plan.Stage == nil {
			b.stage(at("zones[%d].areas", i), *stage)
		}
		if !slices.ContainsFunc(zone.Rows, func(r pretixRow) bool { return len(r.Seats) > 0 }) {
			continue
		}
		b.section(at("zones[%d]", i), placeholder(zone.key(zones)), zone.Name)
		for j, row := range zone.Rows {
			if len(row.Seats) == 0 {
				continue
			}
			if row.Number == "" {
				row.Number = strconv.Itoa(j + 1)
			}
			b.row(pretixAt("zones[%d].rows[%d]", i, j), row.Number)
			for k, s := range row.Seats {
				p := zone.Position.plus(row.Position).plus(s.Position)
				x, y := round(p.X*units), round(p.Y*units)
				seat := Seat{ID: s.id(), Label: s.Number, Category: fileID(s.Category)}
				if b.categories[placeholder(s.Category)] {
					seat.Category = placeholder(s.Category)
				}
				b.seat(pretixAt("zones[%d].rows[%d].seats[%d]", i, j, k), seat, &x, &y)
			}
		}
	}
	return nil
}

// id returns the seat's guid if that can be an id, or else a placeholder.
func (s pretixSeat) id() string {
	if store.ValidID(s.GUID) {
		return s.GUID
	}
	return placeholder(s.GUID)
}

// key distinguishes a zone from others: by its name, or if they share that by
// its seats.
func (z pretixZone) key(zones map[string]int) string {
	if zones[z.Name] == 1 {
		return z.Name
	}
	var seats []string
	for _, row := range z.Rows {
		for _, s := range row.Seats {
			seats = append(seats, s.GUID)
		}
	}
	return z.Name + separator + slices.Min(seats)
}

// pretixAt is at, with pretix's names of fields.
func pretixAt(format string, args ...any) locator {
	where := at(format, args...)
	return func(field string) string {
		switch {
		case field == "id":
			field = "seat_guid"
		case field == "label" && strings.HasSuffix(format, "seats[%d]"):
			field = "seat_number"
		case field == "label":
			field = "row_number"
		case field == "x" || field == "y":
			field = "position"
		}
		return where(field)
	}
}

// unitsPerPixel makes the usual distance of neighbours one unit: the median of
// all distances from a seat to the next in its row, or from row to row if rows
// have one seat each.
func (p pretixJSON) unitsPerPixel() float64 {
	var inRows, between []float64
	var last *pixels
	for _, zone := range p.Zones {
		for _, row := range zone.Rows {
			for k, s := range row.Seats {
				here := zone.Position.plus(row.Position).plus(s.Position)
				if last != nil && k == 0 {
					between = append(between, math.Hypot(here.X-last.X, here.Y-last.Y))
				} else if k > 0 {
					inRows = append(inRows, math.Hypot(here.X-last.X, here.Y-last.Y))
				}
				last = &here
			}
		}
	}
	for _, distances := range [][]float64{inRows, between} {
		slices.Sort(distances)
		if n := len(distances); n > 0 && distances[(n-1)/2] > 0 {
			return 1 / distances[(n-1)/2]
		}
	}
	return 1
}

// stage returns the first area of the zone whose text names a stage. An area's
// position is its corner.
func (z pretixZone) stage(units float64) *Stage {
	for _, area := range z.Areas {
		label := area.label()
		w, h := max(area.Width, area.Rectangle.Width), max(area.Height, area.Rectangle.Height)
		if !isStage(label) || w <= 0 || h <= 0 {
			continue
		}
		corner := z.Position.plus(area.Position)
		return &Stage{
			Label: label, X: round(corner.X * units), Y: round(corner.Y * units),
			Width: max(round(w*units), 0.01), Height: max(round(h*units), 0.01),
		}
	}
	return nil
}

func (a pretixArea) label() string {
	var text struct {
		Text string `json:"text"`
	}
	var plain string
	if json.Unmarshal(a.Text, &plain) == nil {
		return plain
	}
	if json.Unmarshal(a.Text, &text) != nil {
		return "" // no text of a kind that we know
	}
	return text.Text
}

func isStage(label string) bool {
	label = strings.ToLower(label)
	return slices.ContainsFunc([]string{"stage", "bühne", "scène", "escenario", "palco", "podium"},
		func(word string) bool { return strings.Contains(label, word) })
}

// round keeps hundredths of a unit, too small to see; adding 0 turns -0 into 0.
func round(v float64) float64 { return math.Round(v*100)/100 + 0 }
