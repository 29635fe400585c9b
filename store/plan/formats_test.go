package plan_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

const (
	arrayFile = `[{"seatNumber":"A1","status":"available","_id":{"$oid":"5f"}},
 {"seatNumber":"B1","status":"booked"},
 {"seatNumber":"A2","status":"locked"},
 {"seatNumber":"12","status":"available"}]`

	pretixFile = `{"name":"Great hall","size":{"width":600,"height":500},
 "categories":[{"name":"Parkett Mitte","color":"#3ff"},{"name":"Rang","color":"red"}],
 "zones":[
  {"name":"Decoration","position":{"x":100,"y":50},"rows":[],
   "areas":[{"shape":"rectangle","color":"#eee","rotation":0,"position":{"x":0,"y":0},"rectangle":{"width":60,"height":30},"text":{"text":"Bühne","size":16}}]},
  {"name":"Main","position":{"x":100,"y":200},"displayed":true,"rows":[
   {"row_number":"1","row_number_position":"both","position":{"x":10,"y":20},"seats":[
    {"seat_guid":"M-1-1","uuid":"x","seat_number":"1","position":{"x":0,"y":0},"category":"Parkett Mitte","radius":10},
    {"seat_guid":"M 1 2","seat_number":"2","position":{"x":30,"y":0},"category":"Parkett Mitte"},
    {"seat_guid":"M-1-2","seat_number":"3","position":{"x":60,"y":3},"category":"Rang"}]},
   {"row_number":"","position":{"x":10,"y":56},"seats":[
    {"seat_guid":"M-2-1","seat_number":"1","position":{"x":0,"y":0},"category":"Rang"}]},
   {"row_number":"9","seats":[]}]},
  {"name":"Main","position":{"x":0,"y":0},"rows":[{"row_number":"1","seats":[
    {"seat_guid":"über","seat_number":"1","position":{"x":0,"y":0},"category":"Rang"}]}]}]}`

	csvFile = "Row;section; SEAT;price;category;y;x;properties;withheld\r\n" +
		"A;Stalls;1;4500;Front rows;2;0,5;accessible companion;\r\n" +
		"A;Stalls;2;4500;Front rows;2;1,5;;yes\r\n" +
		"1;\"Circle; left\";1;2000;Rear;9;-1;restricted;no\r\n" +
		"A;Stalls;3;4500;Front rows;2;2,5;;\r\n" +
		";;;;;;;;\r\n"
)

func read(t *testing.T, text string) plan.File {
	t.Helper()
	file, err := plan.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// summary describes a plan: per row its section and label, then per seat its id,
// label, category and position.
func summary(f plan.File) string {
	var b strings.Builder
	for _, s := range f.Plan.Sections {
		for _, r := range s.Rows {
			fmt.Fprintf(&b, "%s (%s) %s:", s.ID, s.Name, r.Label)
			for _, s := range r.Seats {
				fmt.Fprintf(&b, " %s %s %s %g,%g", s.ID, s.Label, s.Category, s.X, s.Y)
				for _, p := range s.Properties {
					fmt.Fprintf(&b, " %s", p)
				}
				b.WriteString(";")
			}
			b.WriteString("\n")
		}
	}
	fmt.Fprintf(&b, "%v %v", f.Prices, f.Withheld)
	return b.String()
}

func TestReadArray(t *testing.T) {
	const want = "hall (Hall) A: A1 1 standard 0,0; A2 2 standard 1,0;\n" +
		"hall (Hall) B: B1 1 standard 0.5,1;\n" +
		"hall (Hall) 1: 12 12 standard 0.5,2;\n" +
		"map[] [B1]"
	if got := summary(read(t, arrayFile)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestReadPretix(t *testing.T) {
	const want = "main-nplc2liv (Main) 1: M-1-1 1 parkett-mitte 3.67,7.33; M-1-2-udkt5u23 2 parkett-mitte 4.67,7.33; M-1-2 3 rang 5.67,7.43;\n" +
		"main-nplc2liv (Main) 2: M-2-1 1 rang 3.67,8.53;\n" +
		"main-ejr4nnbs (Main) 1: ueber-wuoikqlq 1 rang 0,0;\n" +
		"map[] []"
	file := read(t, pretixFile)
	if got := summary(file); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if s := file.Plan.Stage; s == nil || s.Label != "Bühne" || s.Width < 1.9 || s.Y < 1.6 {
		t.Errorf("stage %+v, want the area that says so", s)
	}
	if file.Plan.Name != "Great hall" || file.Plan.Categories[0].Name != "Parkett Mitte" {
		t.Errorf("names are lost: %+v", file.Plan)
	}
}

func TestReadCSV(t *testing.T) {
	const want = "stalls (Stalls) A: stalls-A-1 1 front-rows 0.5,2 accessible companion; stalls-A-2 2 front-rows 1.5,2; stalls-A-3 3 front-rows 2.5,2;\n" +
		"circle-left (Circle; left) 1: circle-left-1-1 1 rear -1,9 restricted;\n" +
		"map[front-rows:4500 rear:2000] [stalls-A-2]"
	for name, text := range map[string]string{
		"semicolons":        csvFile,
		"byte-order mark":   "\ufeff" + csvFile,
		"line feeds":        strings.ReplaceAll(csvFile, "\r\n", "\n"),
		"tabs":              strings.ReplaceAll(strings.ReplaceAll(csvFile, "Circle; left", "Circle\x00 left"), ";", "\t"),
		"commas and points": strings.NewReplacer("Circle; left", "Circle; left", ";", ",", ",5", ".5").Replace(csvFile),
	} {
		text = strings.ReplaceAll(text, "Circle\x00 left", "Circle; left")
		if got := summary(read(t, text)); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
	if got := read(t, "seat,row\n1,A\n2,A\n").Plan.SeatIDs(); !slices.Equal(got, []string{"A-1", "A-2"}) {
		t.Errorf("the shortest file gives seats %q", got)
	}
}

// TestDocumentedPlans reads the examples of the manual.
func TestDocumentedPlans(t *testing.T) {
	manual, err := os.ReadFile("../../docs/plan.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, part := range strings.Split(string(manual), "\n\n") {
		text := strings.ReplaceAll("\n"+part, "\n    ", "\n")
		for _, first := range []string{"\n{", "\n[{", "\nsection,row"} {
			if strings.HasPrefix(text, first) && strings.HasPrefix(part, "    ") {
				survives(t, read(t, text[1:]))
				found++
			}
		}
	}
	if found != 3 {
		t.Errorf("%d examples of plans in the manual, want 3", found)
	}
}

func TestFormatsRefuse(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"array: seat twice":      {strings.Replace(arrayFile, "B1", "A1", 1), `[1].seatNumber: "A1" stands already at [0].seatNumber`},
		"array: status":          {strings.Replace(arrayFile, "booked", "sold", 1), `[1].status: "sold"`},
		"array: no number":       {`[{"status":"available"}]`, "[0].seatNumber"},
		"array: number":          {`[{"seatNumber":1}]`, "line 1: seatNumber: a number where a string belongs"},
		"array: empty":           {`[]`, "no seats"},
		"array: of texts":        {`["A1"]`, "line 1"},
		"array: newline":         {`[{"seatNumber":"A\n1","status":"available"}]`, "[0].seatNumber"},
		"pretix: guid twice":     {strings.Replace(pretixFile, "M-2-1", "M-1-1", 1), `zones[1].rows[1].seats[0].seat_guid: "M-1-1" stands already at zones[1].rows[0].seats[0].seat_guid`},
		"pretix: category":       {strings.Replace(pretixFile, `"category":"Rang"`, `"category":"Gold"`, 1), `zones[1].rows[0].seats[2].category: "Gold"`},
		"pretix: no category":    {strings.Replace(pretixFile, `"category":"Rang"`, `"category":""`, 1), `zones[1].rows[0].seats[2].category: ""`},
		"pretix: seat number":    {strings.Replace(pretixFile, `"seat_number":"2"`, `"seat_number":""`, 1), "zones[1].rows[0].seats[1].seat_number"},
		"pretix: row number":     {strings.Replace(pretixFile, `"row_number":"1",`, `"row_number":"\u0001",`, 1), "zones[1].rows[0].row_number"},
		"pretix: on one another": {strings.Replace(pretixFile, `{"x":10,"y":56}`, `{"x":10,"y":21}`, 1), `zones[1].rows[1].seats[0].position: seat "M-2-1" is 0.04 units from seat "M-1-1"`},
		"pretix: far away":       {strings.Replace(pretixFile, `{"x":60,"y":3}`, `{"x":1e12,"y":3}`, 1), "zones[1].rows[0].seats[2].position"},
		"pretix: beyond":         {strings.Replace(pretixFile, `{"x":10,"y":20}`, `{"x":1e308,"y":1e308}`, 1), "position"},
		"pretix: only areas":     {`{"name":"H","categories":[],"zones":[{"areas":[]}]}`, "no seats"},
		"pretix: zones a text":   {`{"zones":"all"}`, "line 1: zones: a string where a list belongs"},
		"CSV: no header":         {"Stalls,A,1\n", `line 1: column "Stalls"`},
		"CSV: no seat column":    {"section,row\n", `line 1: no column "seat"`},
		"CSV: column twice":      {"row,seat,row\n", `line 1: column "row"`},
		"CSV: short line":        {"row,seat\nA,1\nA\n", "line 3: wrong number of fields"},
		"CSV: quote":             {"row,seat\nA,1\nA,\"2\n", "line 3: extraneous or missing \""},
		"CSV: seat twice":        {"row,seat\nA,1\nB,1\nA,1\n", `line 4: seat: "A-1" stands already at line 2: seat`},
		"CSV: id twice":          {"row,seat,id\nA,1,x\nA,2,x\n", `line 3: id: "x" stands already at line 2: id`},
		"CSV: bad id":            {"row,seat,id\nA,1,a b\n", `line 2: id: "a b"`},
		"CSV: row":               {"row,seat\n,1\n", "line 2: row:"},
		"CSV: seat":              {"row,seat\nA,\n", "line 2: seat:"},
		"CSV: price":             {"row,seat,price\nA,1,1.045,00\n", `line 2`},
		"CSV: price in words":    {"row,seat,price\nA,1,€45\n", `line 2: price: "€45"`},
		"CSV: two separators":    {"row;seat;price\nA;1;1.045,00\n", `line 2: price: "1.045,00"`},
		"CSV: negative decimals": {"row,seat,price\nA,1,-0.50\n", "line 2: price: -0.50"},
		"CSV: negative price":    {"row,seat,price\nA,1,-1\n", "line 2: price: -1"},
		"CSV: two prices":        {"row,seat,category,price\nA,1,c,5\nA,2,c,6\n", `line 3: price: "6", but "5" for the same category at line 2`},
		"CSV: 101 categories":    {manyCategories(101), `line 102: category: more than 100 categories`},
		"CSV: not a number":      {"row,seat,x,y\nA,1,NaN,0\n", "line 2: x: NaN"},
		"CSV: infinity":          {"row,seat,x,y\nA,1,0,-Inf\n", "line 2: y: -Inf"},
		"CSV: huge":              {"row,seat,x,y\nA,1,0,1e999\n", "line 2: y:"},
		"CSV: text":              {"row,seat,x,y\nA,1,left,0\n", `line 2: x: "left"`},
		"CSV: half a position":   {"row,seat,x,y\nA,1,0,\n", "line 2: x: x and y go together"},
		"CSV: some positions":    {"row,seat,x,y\nA,1,0,0\nA,2,,\n", "all of them positions, or none"},
		"CSV: on one another":    {"row,seat,x,y\nA,1,0,0\nA,2,0.1,0\n", `line 3: x: seat "A-2" is 0.10 units from seat "A-1"`},
		"CSV: property":          {"row,seat,properties\nA,1,golden\n", `line 2: properties: "golden"`},
		"CSV: withheld":          {"row,seat,withheld\nA,1,perhaps\n", `line 2: withheld: "perhaps"`},
		"CSV: section of lines":  {"row,seat,section\nA,1,\"Left\nright\"\n", "line 2: section:"},
		"CSV: only a header":     {"row,seat\n", "no seats"},
		"CSV: Latin-1":           {"row,seat\nA,1\n\xc4,1\n", "line 3: not UTF-8"},
		"CSV: turned":            {"row,seat\nA,\u202e1\n", "line 2: seat:"},
		"JSON: 100,001 seats":    {manyJSON(store.MaxSeats + 1), "more than 100000 seats"},
		"array: 100,001 seats":   {manyArray(store.MaxSeats + 1), "[100000].seatNumber: more than 100000 seats"},
		"CSV: 100,001 seats":     {manyCSV(store.MaxSeats + 1), "line 100002: more than 100000 seats"},
		"CSV: a row too long":    {strings.ReplaceAll(manyCSV(20_000), "A,", "A,"), "too many rows, or seats in a row"},
		"JSON: needs too much":   {strings.ReplaceAll(manyJSON(50_000), `"label":"`, `"label":"`+strings.Repeat("木", 95)), "bytes: at most 16777216"},
	} {
		_, err := plan.Read(strings.NewReader(test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 400 {
			t.Errorf("%s: %.400v, want one line with %q", name, err, test.want)
		}
	}
}

func manyJSON(n int) string {
	seats := make([]string, n)
	for i := range seats {
		seats[i] = fmt.Sprintf(`{"id":"%d","label":"%[1]d","category":"c","x":%d,"y":%d}`, i, i%500, i/500)
	}
	return `{"categories":[{"id":"c","name":"C"}],"sections":[{"id":"s","name":"S","rows":[{"label":"A","seats":[` +
		strings.Join(seats, ",") + `]}]}]}`
}

func manyArray(n int) string {
	seats := make([]string, n)
	for i := range seats {
		seats[i] = fmt.Sprintf(`{"seatNumber":"%d","status":"available"}`, i)
	}
	return "[" + strings.Join(seats, ",") + "]"
}

func manyCSV(n int) string {
	var b strings.Builder
	b.WriteString("row,seat\n")
	for i := range n {
		fmt.Fprintf(&b, "A,%d\n", i)
	}
	return b.String()
}

func manyCategories(n int) string {
	var b strings.Builder
	b.WriteString("row,seat,id,category\n")
	for i := range n {
		fmt.Fprintf(&b, "A,%d,s%[1]d,c%[1]d\n", i)
	}
	return b.String()
}

func TestLargestPlan(t *testing.T) {
	if n := len(read(t, manyJSON(store.MaxSeats)).Plan.SeatIDs()); n != store.MaxSeats {
		t.Errorf("%d seats", n)
	}
	if n := len(read(t, manyArray(store.MaxSeats)).Plan.SeatIDs()); n != store.MaxSeats {
		t.Errorf("%d seats in an array", n)
	}
}

// TestRoundTrip: each writer's output is read by the reader of its format,
// without a loss.
func TestRoundTrip(t *testing.T) {
	hostile := read(t, `{"name":"<script>alert(1)</script> \"Q\" & 'x'","categories":[
  {"id":"a","name":"=SUM(A1)","price":9223372036854775807},{"id":"b","name":"Same","price":5},{"id":"c","name":"Same"}],
 "stage":{"label":"@stage","x":-1.5,"y":0.1,"width":3,"height":0.3},
 "sections":[{"id":"s","name":"'+1","rows":[{"label":"-1","seats":[
  {"id":"-1","label":"=1","category":"b","x":-2.25,"y":1e-7},
  {"id":"x","label":"'=1","category":"c","x":0.1,"y":0.2,"properties":["companion","restricted"]},
  {"id":"_","label":"''@","category":"a","x":9999.5,"y":-10000},
  {"id":"y","label":"a\"b,c;d","category":"a","x":7,"y":7,"properties":["accessible"]},
  {"id":"z","label":"'","category":"a","x":8,"y":7}]}]},
  {"id":"t","name":"b","rows":[{"label":"木","seats":[{"id":"w","label":"1","category":"b","x":9,"y":9}]}]}],
 "withheld":["w","x"]}`)
	for name, file := range map[string]plan.File{
		"decimals": read(t, "row,seat,category,price\nA,1,a,28.00\nA,2,b,\nA,3,c,0\nB,1,d,\"9,5\"\n"),
		"hostile":  hostile, "array": read(t, arrayFile), "pretix": read(t, pretixFile), "CSV": read(t, csvFile),
	} {
		t.Run(name, func(t *testing.T) { survives(t, file) })
	}
	var out bytes.Buffer
	if err := hostile.WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	for _, cell := range strings.FieldsFunc(out.String(), func(r rune) bool { return r == ',' || r == '\n' || r == '"' }) {
		if strings.ContainsAny(cell[:1], "=+@") || cell[0] == '-' && strings.Trim(cell, "-0123456789.") != "" {
			t.Errorf("a spreadsheet would take %q for a formula", cell)
		}
	}
	if !strings.Contains(out.String(), "'-1,'=1,b,5,-2.25,") {
		t.Errorf("rows, seats and ids are not guarded, or numbers are:\n%s", out.String())
	}
}

// survives checks the promises of a file: it can become an event, and both
// writers lose nothing that their format can hold.
func survives(t *testing.T, file plan.File) {
	t.Helper()
	prices := maps.Clone(file.Prices) // events of before may have larger ones
	maps.DeleteFunc(prices, func(_ string, units int64) bool { return units > store.MaxPrice })
	event := store.NewEvent{
		Event:    store.Event{ID: "e", Title: "t", Zone: "UTC", Currency: "EUR", Prices: prices},
		PlanBody: file.Plan.Encode(), Seats: file.Plan.SeatIDs(), Withheld: file.Withheld,
	}
	if err := event.Validate(); err != nil {
		t.Fatalf("it cannot become an event: %v", err)
	}
	var out bytes.Buffer
	if err := file.WriteJSON(&out); err != nil {
		t.Fatal(err)
	}
	if back := read(t, out.String()); !reflect.DeepEqual(withoutPlaces(back), withoutPlaces(file)) {
		t.Errorf("from JSON came\n%+v\nwant\n%+v", back, file)
	}
	out.Reset()
	if err := file.WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	back := read(t, out.String())
	if got, want := csvSeats(back), csvSeats(file); !reflect.DeepEqual(got, want) {
		t.Errorf("from CSV came\n%q\nwant\n%q\nby way of\n%s", got, want, out.String())
	}
}

// withoutPlaces returns a file without the locations in its source.
func withoutPlaces(f plan.File) plan.File {
	f.Odd = slices.Clone(f.Odd)
	for i := range f.Odd {
		f.Odd[i].Err = nil
	}
	f.Decimal = maps.Clone(f.Decimal)
	for category, price := range f.Decimal {
		f.Decimal[category] = plan.DecimalPrice{Amount: price.Amount}
	}
	return f
}

// csvSeats is everything that CSV holds of a file, by seat. Sections or
// categories that share a name are named by id.
func csvSeats(f plan.File) map[string]string {
	withheld := map[string]bool{}
	for _, id := range f.Withheld {
		withheld[id] = true
	}
	seats := map[string]string{}
	for _, s := range f.Plan.Sections {
		for _, r := range s.Rows {
			for _, seat := range r.Seats {
				price, priced := f.Prices[seat.Category]
				seats[seat.ID] = fmt.Sprintf("%s %s %d %t %s %g %g %q %t", r.Label, seat.Label, price, priced, f.Decimal[seat.Category], seat.X, seat.Y, seat.Properties, withheld[seat.ID])
			}
		}
	}
	return seats
}

func fuzz(f *testing.F, seeds ...string) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := plan.ReadDraft(bytes.NewReader(data))
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") || len(err.Error()) > 1000 {
				t.Errorf("an error of several lines, or an endless one: %q", err)
			}
			return
		}
		survives(t, file.File)
		isItself(t, file)
	})
}

func FuzzReadJSON(f *testing.F) {
	fuzz(f, with("", ""), `{"categories":[{"id":"c","name":"C"}],"sections":[{"id":"s","name":"S","rows":[{"label":"A","seats":[
 {"id":"A","label":"1","category":"c","properties":["restricted"]}]}]}],"withheld":["A"]}`)
}

func FuzzReadArray(f *testing.F) { fuzz(f, arrayFile) }

func FuzzReadPretix(f *testing.F) { fuzz(f, pretixFile) }

func FuzzReadCSV(f *testing.F) {
	fuzz(f, csvFile, "row,seat,id\nA,1,x\n'=B,\"'2\",y\n", "seat\trow\tx\ty\tsection\n1\tA\t0\t-1,5\tS\n")
}
