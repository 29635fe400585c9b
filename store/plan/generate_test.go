package plan_test

import (
	"math"
	"strings"
	"testing"

	"github.com/seatlock/seatlock/store/plan"
)

func generate(t *testing.T, l plan.Layout) plan.File {
	t.Helper()
	file, err := plan.Generate(l)
	if err != nil {
		t.Fatal(err)
	}
	survives(t, file)
	return file
}

func TestGenerateStraight(t *testing.T) {
	file := generate(t, plan.Layout{
		Name: "Hall", Stage: plan.Stage{Label: "Stage", Width: 6, Height: 2},
		Blocks: []plan.Block{
			{Section: "Stalls", Category: "Front Rows", Price: new(int64(4500)), Rows: 2, Seats: 4, Grow: 2, Aisles: []int{2}, Distance: 3,
				Marks: []plan.Mark{{Property: plan.Accessible, Row: "B", From: 2, To: 3}}},
			{Section: "Stalls", Category: "rear", Price: new(int64(2000)), Rows: 1, Seats: 2, FirstRow: "Z", Distance: 6},
			{Section: "Circle", Category: "rear", Rows: 2, Seats: 1, FirstRow: "9", FirstSeat: 5, Depth: 2, Distance: 8, Shift: 1},
		},
	})
	const want = "stalls (Stalls) A: stalls-A-1 1 front-rows -2,3; stalls-A-2 2 front-rows -1,3; stalls-A-3 3 front-rows 1,3; stalls-A-4 4 front-rows 2,3;\n" +
		"stalls (Stalls) B: stalls-B-1 1 front-rows -3,4.1; stalls-B-2 2 front-rows -2,4.1 accessible; stalls-B-3 3 front-rows -1,4.1 accessible;" +
		" stalls-B-4 4 front-rows 1,4.1; stalls-B-5 5 front-rows 2,4.1; stalls-B-6 6 front-rows 3,4.1;\n" +
		"stalls (Stalls) Z: stalls-Z-1 1 rear -0.5,6; stalls-Z-2 2 rear 0.5,6;\n" +
		"circle (Circle) 9: circle-9-5 5 rear 1,8;\n" +
		"circle (Circle) 10: circle-10-5 5 rear 1,10;\n" +
		"map[front-rows:4500 rear:2000] []"
	if got := summary(file); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if s := *file.Plan.Stage; s.X != -3 || s.Y != -2 {
		t.Errorf("stage %+v, want its front edge in the middle", s)
	}
}

// TestGenerateCurved: all rows bend around one point, neighbours are one seat
// apart, and the ends of a row are nearer to the stage than its middle.
func TestGenerateCurved(t *testing.T) {
	for _, block := range []plan.Block{
		{Rows: 12, Seats: 18, Grow: 1.5, Arc: 40, Aisles: []int{6, 12}, Distance: 4},
		{Rows: 5, Seats: 30, Radius: 20, Distance: 7},
	} {
		block.Section, block.Category = "Stalls", "standard"
		rows := generate(t, plan.Layout{Name: "Hall", Blocks: []plan.Block{block}}).Plan.Sections[0].Rows
		radius := block.Radius
		if radius == 0 {
			radius = (17 + 2) / (40 * math.Pi / 180)
		}
		for i, row := range rows {
			if len(row.Seats) != block.Seats+int(float64(i)*block.Grow) {
				t.Errorf("row %s has %d seats", row.Label, len(row.Seats))
			}
			want := radius + float64(i)*1.1
			gaps := 0
			for k, s := range row.Seats {
				if got := math.Hypot(s.X, s.Y-block.Distance+radius); math.Abs(got-want) > 0.02 {
					t.Errorf("seat %s is %.2f from the middle of the circles, want %.2f", s.ID, got, want)
				}
				if k == 0 {
					continue
				}
				before := row.Seats[k-1]
				switch d := math.Hypot(s.X-before.X, s.Y-before.Y); {
				case d > 1.9 && d < 2.01:
					gaps++
				case d < 0.97 || d > 1.02:
					t.Errorf("seats %s and %s are %.2f apart", before.ID, s.ID, d)
				}
			}
			if gaps != len(block.Aisles) {
				t.Errorf("row %s has %d aisles, want %d", row.Label, gaps, len(block.Aisles))
			}
			if end, middle := row.Seats[0], row.Seats[len(row.Seats)/2]; end.Y > middle.Y-0.5 {
				t.Errorf("row %s bends away from the stage", row.Label)
			}
		}
	}
}

// TestGenerateRound: turned blocks lie around the middle of the stage.
func TestGenerateRound(t *testing.T) {
	block := plan.Block{Category: "standard", Rows: 1, Seats: 3, Distance: 10}
	var blocks []plan.Block
	for i, name := range []string{"South", "East", "North", "West"} {
		block.Section, block.Turn = name, float64(i)*90
		blocks = append(blocks, block)
	}
	file := generate(t, plan.Layout{Name: "Ring", Stage: plan.Stage{Label: "Ring", Width: 4, Height: 4}, Round: true, Blocks: blocks})
	const want = "south (South) A: south-A-1 1 standard -1,10; south-A-2 2 standard 0,10; south-A-3 3 standard 1,10;\n" +
		"east (East) A: east-A-1 1 standard 10,1; east-A-2 2 standard 10,0; east-A-3 3 standard 10,-1;\n" +
		"north (North) A: north-A-1 1 standard 1,-10; north-A-2 2 standard 0,-10; north-A-3 3 standard -1,-10;\n" +
		"west (West) A: west-A-1 1 standard -10,-1; west-A-2 2 standard -10,0; west-A-3 3 standard -10,1;\n" +
		"map[] []"
	if got := summary(file); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if s := *file.Plan.Stage; s.X != -2 || s.Y != -2 {
		t.Errorf("stage %+v, want it around the middle", s)
	}
}

func TestRowsGoOn(t *testing.T) {
	rows := generate(t, plan.Layout{Blocks: []plan.Block{{Section: "S", Category: "c", Rows: 4, Seats: 1, FirstRow: "y"}}}).Plan.Sections[0].Rows
	var labels []string
	for _, r := range rows {
		labels = append(labels, r.Label)
	}
	if got := strings.Join(labels, " "); got != "Y Z AA AB" {
		t.Errorf("rows %s", got)
	}
}

func TestGenerateRefuses(t *testing.T) {
	sound := plan.Block{Section: "Stalls", Category: "c", Price: new(int64(5)), Rows: 2, Seats: 4}
	for want, change := range map[string]func(*plan.Block){
		"0 rows of 4":                     func(b *plan.Block) { b.Rows = 0 },
		"2 rows of 4 to -1 seats":         func(b *plan.Block) { b.Grow = -5 },
		"want 100000 in all at most":      func(b *plan.Block) { b.Rows, b.Seats = 1000, 101 },
		"9223372036854775807 rows":        func(b *plan.Block) { b.Rows = math.MaxInt },
		"1e+300 more in each":             func(b *plan.Block) { b.Rows, b.Grow = 3, 1e300 },
		"NaN more in each":                func(b *plan.Block) { b.Grow = math.NaN() },
		"want one of them":                func(b *plan.Block) { b.Radius, b.Arc = 10, 10 },
		"arc of 400":                      func(b *plan.Block) { b.Arc = 400 },
		"rows are 0.2 apart":              func(b *plan.Block) { b.Depth = 0.2 },
		"rows are -1 apart":               func(b *plan.Block) { b.Depth = -1 },
		`first row "5½"`:                  func(b *plan.Block) { b.FirstRow = "5½" },
		"no seat C:1 to mark":             func(b *plan.Block) { b.Marks = []plan.Mark{{Property: plan.Companion, Row: "C", From: 1, To: 1}} },
		"no seats A:3-1 to mark":          func(b *plan.Block) { b.Marks = []plan.Mark{{Property: plan.Companion, Row: "A", From: 3, To: 1}} },
		`"dear" is not known`:             func(b *plan.Block) { b.Marks = []plan.Mark{{Property: "dear", Row: "A", From: 1, To: 1}} },
		"y: 1e+07: want":                  func(b *plan.Block) { b.Distance = 1e7 },
		"x: NaN: want":                    func(b *plan.Block) { b.Turn = math.Inf(1) },
		`section "": name: "": want 1`:    func(b *plan.Block) { b.Section = "" },
		`section "Stalls": category: "":`: func(b *plan.Block) { b.Category = "" },
		`section "Stalls": price: -5 is`:  func(b *plan.Block) { b.Price = new(int64(-5)) },
		"seats":                           nil,
	} {
		blocks := []plan.Block{sound}
		if change != nil {
			change(&blocks[0])
		} else {
			blocks = append(blocks, sound) // the same section again, rows and all
			want = `section "Stalls": seat: "A-1" stands already`
		}
		_, err := plan.Generate(plan.Layout{Blocks: blocks})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want one line with %q", err, want)
		}
	}
	dear := sound
	dear.Section, dear.Price, dear.Distance = "Circle", new(int64(6)), 9
	if _, err := plan.Generate(plan.Layout{Blocks: []plan.Block{sound, dear}}); err == nil || !strings.Contains(err.Error(), `section "Circle": price: 6, but 5`) {
		t.Errorf("two prices of a category: %v", err)
	}
	near := sound
	near.Section = "Circle"
	if _, err := plan.Generate(plan.Layout{Blocks: []plan.Block{sound, near}}); err == nil ||
		!strings.Contains(err.Error(), `seat "circle-A-1" is 0.00 units from seat "stalls-A-1"`) {
		t.Errorf("sections on one another: %v", err)
	}
}
