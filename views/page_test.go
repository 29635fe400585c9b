package views

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// largePlan has more seats than one page shows: Block West with 1,400, Block
// East with 2 around an aisle, and Block North without any.
func largePlan() plan.Plan {
	west := plan.Section{ID: "west", Name: "Block West"}
	for r := range 14 {
		row := plan.Row{Label: strconv.Itoa(r + 1)}
		for n := range 100 {
			row.Seats = append(row.Seats, plan.Seat{ID: fmt.Sprintf("W%d-%d", r+1, n+1), Label: strconv.Itoa(n + 1), Category: "rear", X: float64(n), Y: float64(r)})
		}
		west.Rows = append(west.Rows, row)
	}
	more := west
	more.ID, more.Name = "south", "Block South"
	more.Rows = nil
	for _, r := range west.Rows[:2] {
		row := plan.Row{Label: r.Label}
		for _, s := range r.Seats {
			s.ID, s.Y, s.Category = "S"+s.ID, s.Y+20, "front"
			row.Seats = append(row.Seats, s)
		}
		more.Rows = append(more.Rows, row)
	}
	east := plan.Section{ID: "east", Name: "Block East", Rows: []plan.Row{
		{Label: "A", Seats: []plan.Seat{{ID: "E1", Label: "1", Category: "rear", X: 104, Y: 0}, {ID: "E2", Label: "2", Category: "front", X: 104, Y: 2}}}}}
	p := smallPlan()
	p.Sections = []plan.Section{west, east, {ID: "north", Name: "Block North"}, more}
	return p
}

func largeView(t *testing.T, section string) EventView {
	v := eventView(t)
	page, ok := newHall(t, smallEvent(), largePlan()).Page(section)
	if !ok {
		t.Fatalf("there is no page %q", section)
	}
	v.Page = page
	v.Sections = []Counts{{1200, 100, 50, 50}, {1, 1}, {}, {0, 0, 0, 200}}
	v.Seats, v.Basket.Lock.Seats = nil, nil
	if section == "east" {
		v.Seats = []store.Seat{{ID: "E1", Version: 1}, {ID: "E2", Version: 4, Status: store.Locked, LockedBy: "me", LockedUntil: now.Add(store.ExtendWindow)}}
		v.Basket.Lock.Seats = v.Seats[1:]
	}
	return v
}

func TestGoldenPagesOfLargeHall(t *testing.T) {
	golden(t, "overview", render(t, EventPage(largeView(t, ""))))
	golden(t, "section-page", render(t, EventPage(largeView(t, "east"))))
	golden(t, "overview-frame", string(largeView(t, "").Page.AppendSummary(nil, []Counts{{1400}, {0, 2}, {}, {19, 181}}, []int{1, 3})))
	h := newHall(t, smallEvent(), largePlan())
	golden(t, "overview-css", sheetOf(eventPage(h)))
	page, _ := h.Page("east")
	golden(t, "section-css", sheetOf(page))
}

// A page has fragments of what it shows, and none of anything else.
func TestPagesShowTheirOwn(t *testing.T) {
	h := newHall(t, smallEvent(), largePlan())
	whole, _ := h.Page("")
	east, _ := h.Page("east")
	if got := whole.Shows(); len(got) != 0 {
		t.Errorf("the overview shows the seats of %v", got)
	}
	if got := east.Shows(); !slices.Equal(got, []int{1}) {
		t.Errorf("the page of East shows the seats of %v", got)
	}
	for id, want := range map[string]bool{"E1": true, "W1-1": false, "nobody": false} {
		if got := len(east.AppendSeat(nil, store.Seat{ID: id}, true)) > 0; got != want {
			t.Errorf("the page of East has a fragment of seat %s: %v", id, got)
		}
		if got := whole.AppendSeat(nil, store.Seat{ID: id}, true); len(got) > 0 {
			t.Errorf("the overview has a fragment of a seat: %s", got)
		}
	}
	counts := []Counts{{1400}, {2}, {}, {200}}
	if got := east.AppendSummary(nil, counts, []int{0, 3}); len(got) > 0 {
		t.Errorf("the page of East is told of others' counts: %s", got)
	}
	for _, id := range []string{"north", "none", "West"} {
		if _, ok := h.Page(id); ok {
			t.Errorf("there is a page of %q", id)
		}
	}
}

func TestShortNames(t *testing.T) {
	for _, c := range []struct{ names, short string }{
		{"Block 101|Block 102|Block 201", "101|102|201"},
		{"Upper circle|Upper circle left", "circle|circle left"},
		{"Stalls|Circle", "Stalls|Circle"},
		{"Stalls", "Stalls"},
		{"Box|Box 1", "Box|Box 1"},
		{"North Block 1|North Block 2|North", "North Block 1|North Block 2|North"},
	} {
		h := &Hall{}
		for name := range strings.SplitSeq(c.names, "|") {
			h.sections = append(h.sections, section{name: name})
		}
		h.shorten()
		var short []string
		for _, s := range h.sections {
			short = append(short, s.short)
		}
		if got := strings.Join(short, "|"); got != c.short {
			t.Errorf("%s become %s, want %s", c.names, got, c.short)
		}
	}
}
