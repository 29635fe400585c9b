package views

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var polygon = regexp.MustCompile(`#shape-([^{ ]+)\{left:([\d.]+)em;top:([\d.]+)em;width:([\d.]+)em;height:([\d.]+)em;clip-path:polygon\(([^)]*)\)`)

// On the overview of the arena each section's shape covers its own seats and
// nobody else's.
func TestShapesCoverTheirSeats(t *testing.T) {
	p := demoFile(t, "arena").Plan
	shapes := map[string][]point{}
	left, top, right, bottom := p.Bounds()
	unit := overviewSize / max(right-left, bottom-top)
	for _, m := range polygon.FindAllStringSubmatch(string(overviewSheet(p)), -1) {
		x, y := numberOf(t, m[2]), numberOf(t, m[3])
		for corner := range strings.SplitSeq(m[6], ",") {
			at := strings.Fields(corner)
			shapes[m[1]] = append(shapes[m[1]], point{
				(x+numberOf(t, strings.TrimSuffix(at[0], "em")))/unit + left, (y+numberOf(t, strings.TrimSuffix(at[1], "em")))/unit + top})
		}
	}
	for _, s := range p.Sections {
		for _, r := range s.Rows {
			for _, seat := range r.Seats {
				for id, shape := range shapes {
					if got := inside(shape, seat.X, seat.Y); got != (id == s.ID) {
						t.Fatalf("seat %s of %s is inside of the shape of %s: %v", seat.ID, s.ID, id, got)
					}
				}
			}
		}
	}
	if len(shapes) != len(p.Sections) {
		t.Errorf("%d shapes for %d sections", len(shapes), len(p.Sections))
	}
}

func numberOf(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// inside counts how often a ray from the point crosses the shape's edge.
func inside(shape []point, x, y float64) bool {
	in := false
	for i, a := range shape {
		b := shape[(i+1)%len(shape)]
		if (a.y > y) != (b.y > y) && x < (b.x-a.x)*(y-a.y)/(b.y-a.y)+a.x {
			in = !in
		}
	}
	return in
}
