package plan_test

import (
	"math"
	"testing"

	"github.com/seatlock/seatlock/store/plan"
)

// Whichever side of the hall a section is on, alone it is seen from behind:
// rows run from side to side, the first is nearest to the stage, and distances
// stay.
func TestSectionFacesTheStage(t *testing.T) {
	for _, name := range []string{"demo", "theatre", "arena"} {
		f, err := plan.Demo(name)
		if err != nil {
			t.Fatal(err)
		}
		p := f.Plan
		for _, before := range p.Sections {
			alone, ok := p.Section(before.ID)
			if !ok || len(alone.Sections) != 1 || alone.Stage == nil {
				t.Fatalf("%s: section %s is not there, or without a stage", name, before.ID)
			}
			after := alone.Sections[0]
			checkSameShape(t, before, after)
			front, back := rowMiddle(after.Rows[0]), rowMiddle(after.Rows[len(after.Rows)-1])
			if front.Y >= back.Y && before.ID != "boxes-left" && before.ID != "boxes-right" {
				t.Errorf("%s: row %s is not in front of the last", before.ID, after.Rows[0].Label)
			}
			for _, r := range after.Rows {
				first, last := r.Seats[0], r.Seats[len(r.Seats)-1]
				if math.Abs(last.Y-first.Y) > 0.02*math.Abs(last.X-first.X)+0.2 {
					t.Errorf("%s: row %s runs from %.1f,%.1f to %.1f,%.1f", before.ID, r.Label, first.X, first.Y, last.X, last.Y)
				}
			}
			if _, top, _, _ := (plan.Plan{Sections: alone.Sections}).Bounds(); alone.Stage.Y+alone.Stage.Height > top {
				t.Errorf("%s: the stage is not above the seats", before.ID)
			}
		}
	}
}

func checkSameShape(t *testing.T, before, after plan.Section) {
	t.Helper()
	var was, is []plan.Seat
	for i := range before.Rows {
		was, is = append(was, before.Rows[i].Seats...), append(is, after.Rows[i].Seats...)
	}
	mirrored := 0.0
	for i := range was {
		a, b, c := was[0], was[i], was[len(was)-1]
		x, y, z := is[0], is[i], is[len(is)-1]
		if b.ID != y.ID || b.Label != y.Label || b.Category != y.Category {
			t.Fatalf("%s: seat %s became %s", before.ID, b.ID, y.ID)
		}
		if d, e := math.Hypot(b.X-a.X, b.Y-a.Y), math.Hypot(y.X-x.X, y.Y-x.Y); math.Abs(d-e) > 0.03 {
			t.Fatalf("%s: seats %s and %s were %.2f apart and are %.2f", before.ID, a.ID, b.ID, d, e)
		}
		mirrored += cross(a, b, c)*cross(x, y, z) - math.Abs(cross(a, b, c)*cross(x, y, z))
	}
	if mirrored < -1 {
		t.Errorf("%s is mirrored", before.ID)
	}
}

// cross is positive or negative by the side of the line from a to b on which c
// lies.
func cross(a, b, c plan.Seat) float64 { return (b.X-a.X)*(c.Y-a.Y) - (b.Y-a.Y)*(c.X-a.X) }

func rowMiddle(r plan.Row) plan.Seat {
	first, last := r.Seats[0], r.Seats[len(r.Seats)-1]
	return plan.Seat{X: (first.X + last.X) / 2, Y: (first.Y + last.Y) / 2}
}

func TestUnknownSection(t *testing.T) {
	p := plan.Plan{Sections: []plan.Section{{ID: "empty", Name: "Empty"}}}
	for _, id := range []string{"", "none", "empty"} {
		if _, ok := p.Section(id); ok {
			t.Errorf("there is a section %q", id)
		}
	}
	p.Sections[0].Rows = []plan.Row{{Seats: []plan.Seat{{ID: "A1", X: 3, Y: 4}}}}
	if alone, ok := p.Section("empty"); !ok || alone.Stage != nil || alone.Sections[0].Rows[0].Seats[0].X != 0 {
		t.Errorf("a single seat without a stage becomes %+v", alone)
	}
}
