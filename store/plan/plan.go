// Package plan describes the halls: its types, the readers and writers of plan
// files (docs/plan.md), a generator of halls, and the plans in the binary.
//
// A plan says nothing of who has which seat, and nothing of money beyond the
// names of price categories. It is immutable, and the hash of its encoding
// names it.
package plan

import (
	"encoding/json"
	"fmt"
	"iter"
)

// Plan is a hall. Positions are in seat units: neighbours in a row are one
// unit separator, x grows to the right and y away from the stage, and a seat's
// position is its centre.
type Plan struct {
	Name       string     `json:"name"`
	Categories []Category `json:"categories"`
	// Stage is where the audience looks; nil if the plan does not draw it.
	Stage    *Stage    `json:"stage,omitempty"`
	Sections []Section `json:"sections"`
}

// Category is a price level.
type Category struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Stage is a rectangle with a name; X and Y are its corner with the least of
// both.
type Stage struct {
	Label  string  `json:"label"`
	X      float64 `json:"x"`
	Y      float64 `json:"y"`
	Width  float64 `json:"width"`
	Height float64 `json:"height"`
}

// Section is a part of the hall that people know by name. Its ID follows the
// rule of seat ids.
type Section struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Rows []Row  `json:"rows"`
}

// Row is seats side by side, in the order in which people pass them.
type Row struct {
	Label string `json:"label"`
	Seats []Seat `json:"seats"`
}

// Seat is one place. Its ID is unique in the plan; its label is what people
// read on it, beside the row's.
type Seat struct {
	ID         string     `json:"id"`
	Label      string     `json:"label"`
	Category   string     `json:"category"`
	X          float64    `json:"x"`
	Y          float64    `json:"y"`
	Properties []Property `json:"properties,omitempty"`
}

// Property is a fact about a seat that a buyer wants to know.
type Property string

// The properties of a seat.
const (
	Accessible Property = "accessible" // a wheelchair place
	Companion  Property = "companion"  // beside a wheelchair place
	Restricted Property = "restricted" // restricted view
)

// Decode is the inverse of [Plan.Encode]. It trusts its input, which comes from a
// store and not from a person. Fields that it does not know, as a newer program
// may write, are ignored.
func Decode(body []byte) (Plan, error) {
	var p Plan
	if err := json.Unmarshal(body, &p); err != nil {
		return Plan{}, fmt.Errorf("decode plan: %w", err)
	}
	var texts []*string
	for i := range p.Sections {
		for _, row := range p.Sections[i].Rows {
			for j := range row.Seats {
				seat := &row.Seats[j]
				texts = append(texts, &seat.ID, &seat.Label, &seat.Category)
			}
		}
	}
	Pack(texts)
	return p, nil
}

// SeatIDs returns the ids of all seats in the plan's order.
func (p Plan) SeatIDs() []string {
	var ids []string
	for seat := range p.seats() {
		ids = append(ids, seat.ID)
	}
	return ids
}

// Texts returns all names and labels that people read.
func (p Plan) Texts() map[string]bool {
	texts := map[string]bool{p.Name: true}
	if p.Stage != nil {
		texts[p.Stage.Label] = true
	}
	for _, c := range p.Categories {
		texts[c.Name] = true
	}
	for _, section := range p.Sections {
		texts[section.Name] = true
		for _, row := range section.Rows {
			texts[row.Label] = true
			for _, seat := range row.Seats {
				texts[seat.Label] = true
			}
		}
	}
	return texts
}

// seats iterates over all seats in the plan's order.
func (p Plan) seats() iter.Seq[Seat] {
	return func(yield func(Seat) bool) {
		for _, section := range p.Sections {
			for _, row := range section.Rows {
				for _, seat := range row.Seats {
					if !yield(seat) {
						return
					}
				}
			}
		}
	}
}

// Bounds returns the rectangle that holds all seats and the stage, with half a
// unit of room around seat centres.
func (p Plan) Bounds() (left, top, right, bottom float64) {
	first := true
	grow := func(l, t, r, b float64) {
		if first {
			left, top, right, bottom, first = l, t, r, b, false
			return
		}
		left, top, right, bottom = min(left, l), min(top, t), max(right, r), max(bottom, b)
	}
	for s := range p.seats() {
		grow(s.X-0.5, s.Y-0.5, s.X+0.5, s.Y+0.5)
	}
	if s := p.Stage; s != nil {
		grow(s.X, s.Y, s.X+s.Width, s.Y+s.Height)
	}
	return left, top, right, bottom
}
