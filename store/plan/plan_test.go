package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seatlock/seatlock/store/plan"
)

func TestDemo(t *testing.T) {
	file, err := plan.Demo("demo")
	if err != nil {
		t.Fatal(err)
	}
	ids := file.Plan.SeatIDs()
	if len(ids) != 100 || ids[0] != "A1" || ids[99] != "J10" {
		t.Errorf("%d seats from %s to %s, want A1 to J10", len(ids), ids[0], ids[len(ids)-1])
	}
	if file.Prices["front"] == 0 || file.Prices["rear"] == 0 {
		t.Errorf("prices %v", file.Prices)
	}
	survives(t, file)
}

// TestLargerDemos: they contain what they are meant to show.
func TestLargerDemos(t *testing.T) {
	for name, want := range map[string]struct{ seats, sections, prices, accessible, companion, restricted int }{
		"theatre": {1301, 5, 4, 6, 3, 30},
		"arena":   {19872, 48, 4, 24, 24, 0},
	} {
		file, err := plan.Demo(name)
		if err != nil {
			t.Fatal(err)
		}
		survives(t, file)
		prices, has := map[int64]bool{}, map[plan.Property]int{}
		for _, price := range file.Prices {
			prices[price] = true
		}
		for _, s := range file.Plan.Sections {
			for _, r := range s.Rows {
				for _, seat := range r.Seats {
					for _, p := range seat.Properties {
						has[p]++
					}
				}
			}
		}
		got := want
		got.seats, got.sections, got.prices = len(file.Plan.SeatIDs()), len(file.Plan.Sections), len(prices)
		got.accessible, got.companion, got.restricted = has[plan.Accessible], has[plan.Companion], has[plan.Restricted]
		if got != want || file.Plan.Stage == nil {
			t.Errorf("%s has %+v, want %+v and a stage", name, got, want)
		}
	}
	if _, err := plan.Demo("opera"); err == nil {
		t.Error("there is a hall that nobody made")
	}
}

// with is a valid plan with one thing replaced.
func with(old, now string) string {
	const sound = `{"name":"Hall","categories":[{"id":"c","name":"C","price":100}],
 "stage":{"label":"Stage","x":0,"y":0,"width":4,"height":1},
 "sections":[{"id":"s","name":"S","rows":[{"label":"A","seats":[
  {"id":"A1","label":"1","category":"c","x":0,"y":2},
  {"id":"A2","label":"2","category":"c","x":1,"y":2}]}]}]}`
	if old != "" && !strings.Contains(sound, old) {
		panic("nothing to replace: " + old)
	}
	return strings.Replace(sound, old, now, 1)
}

func TestReadRefuses(t *testing.T) {
	if _, err := plan.Read(strings.NewReader(with("", ""))); err != nil {
		t.Fatalf("the sound plan: %v", err)
	}
	for name, test := range map[string]struct{ text, want string }{
		"nothing":                {"", "line 1"},
		"not JSON":               {"seats, please", "line 1"},
		"wrong type":             {with(`"x":1`, `"x":"one"`), "line 5: sections.rows.seats.x: a string where a number belongs"},
		"unknown field":          {with(`"x":1`, `"xx":1`), `line 5: unknown field "xx"`},
		"text behind":            {with("", "") + "{}", "after the plan"},
		"section without a name": {with(`"name":"S"`, `"name":" "`), "sections[0].name:"},
		"turned name":            {with(`"Hall"`, `"H\u202ella"`), "name:"},
		"marked label":           {with(`"label":"1"`, `"label":"1\u200f"`), "sections[0].rows[0].seats[0].label:"},
		"label of two lines":     {with(`"label":"1"`, `"label":"1\n2"`), "sections[0].rows[0].seats[0].label:"},
		"line separator":         {with(`"label":"A"`, `"label":"A\u2028B"`), "sections[0].rows[0].label:"},
		"long name":              {with(`"Hall"`, `"`+strings.Repeat("x", 101)+`"`), "name:"},
		"seats on one another":   {with(`"x":1`, `"x":0.3`), `sections[0].rows[0].seats[1].x: seat "A2" is 0.30 units from seat "A1"`},
		"coordinate of no size":  {with(`"x":1`, `"x":1e999`), "line 5: sections.rows.seats.x"},
		"row without seats":      {with(`{"label":"A"`, `{"label":"B","seats":[]},{"label":"A"`), "sections[0].rows[0].seats: none"},
		"section without rows":   {with(`{"id":"s"`, `{"id":"t","name":"T","rows":[]},{"id":"s"`), "sections[0].rows: none"},
		"price on a seat":        {with(`"x":1`, `"price":1,"x":1`), `line 5: unknown field "price"`},
		"a field of nothing":     {with(`"stage":{`, `"stage":{"":1,`), `line 2: unknown field ""`},
		"a field of two lines":   {with(`"stage":{`, `"stage":{"a\n\"b":1,`), `line 2: unknown field "a\n\"b"`},
		"cut off":                {with(`]}]}]}`, ``), "line 5: the file ends in the middle"},
		"deep":                   {strings.Repeat(`{"sections":[`, 50_000), "exceeded max depth"},
		"deep, in pretix's":      {`{"zones":[],"name":` + strings.Repeat(`[`, 50_000), "line 1"},
		"deep array":             {strings.Repeat(`[`, 50_000), "exceeded max depth"},
		"Latin-1":                {with(`"label":"2"`, "\"label\":\"\xe42\""), "line 5: not UTF-8"},
		"UTF-16":                 {"\xff\xfe{\x00", "line 1: not UTF-8"},
		"withheld twice":         {with(`]}]}]}`, `]}]}],"withheld":["A1","A1"]}`), "withheld[1]"},
		"withheld stranger":      {with(`]}]}]}`, `]}]}],"withheld":["B1"]}`), `withheld[0]: "B1" is not one of the seats`},
		"too large":              {strings.Repeat(" ", 64<<20+1), "larger than 64 MiB"},
		"control character":      {with(`"Hall"`, `"H\u0007"`), "name:"},
		"no seats":               {`{"name":"H","categories":[],"sections":[]}`, "no seats"},
		"seat twice":             {with(`"A2"`, `"A1"`), "sections[0].rows[0].seats[1].id"},
		"malformed seat id":      {with(`"A2"`, `"A 2"`), "sections[0].rows[0].seats[1].id"},
		"unknown category":       {with(`"category":"c","x":1`, `"category":"d","x":1`), "sections[0].rows[0].seats[1].category"},
		"negative price":         {with(`100`, `-1`), "categories[0].price"},
		"price with comma":       {with(`100`, `"1,50"`), `categories[0].price: "\"1,50\""`},
		"price of a computer":    {with(`100`, `1e2`), `categories[0].price: "1e2": want an amount`},
		"price in words":         {with(`100`, `true`), `categories[0].price: "true"`},
		"huge coordinate":        {with(`"x":1`, `"x":1e300`), "sections[0].rows[0].seats[1]"},
		"half a position":        {with(`"x":1,"y":2`, `"x":1`), "go together"},
		"some positions":         {with(`,"x":1,"y":2`, ``), "all of them positions, or none"},
		"unknown property":       {with(`"x":1`, `"properties":["golden"],"x":1`), "golden"},
		"stage without size":     {with(`"width":4`, `"width":0`), "stage"},
	} {
		_, err := plan.Read(strings.NewReader(test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", name, err, test.want)
		}
	}
}

func TestReadTakesByteOrderMark(t *testing.T) {
	if _, err := plan.Read(strings.NewReader("\ufeff" + with("", ""))); err != nil {
		t.Error(err)
	}
}

// TestTidyRows: without positions no two seats overlap, and rows are centred.
func TestTidyRows(t *testing.T) {
	rows := make([]string, 5)
	for i := range rows {
		seats := make([]string, 3+i)
		for j := range seats {
			seats[j] = fmt.Sprintf(`{"id":"%c%d","label":"%d","category":"c"}`, 'A'+i, j, j)
		}
		rows[i] = fmt.Sprintf(`{"label":"%c","seats":[%s]}`, 'A'+i, strings.Join(seats, ","))
	}
	file, err := plan.Read(strings.NewReader(`{"name":"H","categories":[{"id":"c","name":"C"}],"sections":[{"id":"s","name":"S","rows":[` +
		strings.Join(rows, ",") + `]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	at := map[[2]float64]bool{}
	for _, row := range file.Plan.Sections[0].Rows {
		if middle := row.Seats[0].X + row.Seats[len(row.Seats)-1].X; middle != 6 {
			t.Errorf("row %s is centred at %v", row.Label, middle/2)
		}
		for _, seat := range row.Seats {
			if at[[2]float64{seat.X, seat.Y}] {
				t.Errorf("seat %s lies on another", seat.ID)
			}
			at[[2]float64{seat.X, seat.Y}] = true
		}
	}
}
