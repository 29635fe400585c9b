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

// pretixJSON is what we read of pretix's seating plans. Fields that are not
// here, such as colours, are passed over.
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
// places than newer ones.
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

// pixels is a point in the units of pretix's editor. That of a seat counts from
// its row's, which counts from its zone's.
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
		b.category(at("categories[%d]", i), Category{ID: made(c.Name), Name: c.Name}, nil)
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
		b.section(at("zones[%d]", i), made(zone.told(zones)), zone.Name)
		for j, row := range zone.Rows {
			if len(row.Seats) == 0 {
				continue
			}
			if row.Number == "" {
				row.Number = strconv.Itoa(j + 1)
			}
			b.row(pretixPlace("zones[%d].rows[%d]", i, j), row.Number)
			for k, s := range row.Seats {
				p := zone.Position.plus(row.Position).plus(s.Position)
				x, y := round(p.X*units), round(p.Y*units)
				seat := Seat{ID: s.id(), Label: s.Number, Category: own(s.Category)}
				if b.categories[made(s.Category)] {
					seat.Category = made(s.Category)
				}
				b.seat(pretixPlace("zones[%d].rows[%d].seats[%d]", i, j, k), seat, &x, &y)
			}
		}
	}
	return nil
}

// id returns the seat's guid where it can be an id.
func (s pretixSeat) id() string {
	if store.ValidID(s.GUID) {
		return s.GUID
	}
	return made(s.GUID)
}

// told tells a zone from others: where some share a name, by their seats.
func (z pretixZone) told(zones map[string]int) string {
	if zones[z.Name] == 1 {
		return z.Name
	}
	var seats []string
	for _, row := range z.Rows {
		for _, s := range row.Seats {
			seats = append(seats, s.GUID)
		}
	}
	return z.Name + apart + slices.Min(seats)
}

// pretixPlace is at, in pretix's words.
func pretixPlace(format string, args ...any) place {
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

// unitsPerPixel makes what is usual between neighbours one unit: the median of
// all distances from a seat to the next in its row. Where rows have one seat
// each, it is from row to row.
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

// stage returns the area of the zone that says that it is the stage. Its
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

// round keeps a hundredth of a unit, which no eye can see; adding 0 turns -0
// into 0.
func round(v float64) float64 { return math.Round(v*100)/100 + 0 }
