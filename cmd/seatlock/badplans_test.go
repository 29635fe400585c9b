package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// hall is a small hall that can be written in every format. Zero values are
// what is sound.
type hall struct {
	label string // of the first seat
	id    string // of the second seat
	x     string // of the second seat, as the file has it
	more  int    // seats in a second row
	none  bool   // no seats at all
}

// in is the hall as a file of a format.
func (h hall) in(format string) string {
	label, id, x := "1", "A2", "2"
	if h.label != "" {
		label = h.label
	}
	if h.id != "" {
		id = h.id
	}
	if h.x != "" {
		x = h.x
	}
	quoted, err := json.Marshal(label)
	if err != nil {
		panic(err)
	}
	first := [2]string{}
	var more []string
	var before, after, row string
	switch format {
	case "JSON":
		before, after = `{"name":"H","categories":[{"id":"c","name":"C","price":100}],"sections":[{"id":"s","name":"S","rows":[{"label":"A","seats":[`, `]}]}]}`
		first[0] = fmt.Sprintf(`{"id":"A1","label":%s,"category":"c","x":0,"y":2}`, quoted)
		first[1] = fmt.Sprintf(`{"id":"%s","label":"2","category":"c","x":%s,"y":2}`, id, x)
		row = `{"id":"B%d","label":"1","category":"c","x":%[2]d,"y":%[3]d}`
	case "pretix":
		before, after = `{"name":"H","categories":[{"name":"C"}],"zones":[{"name":"Z","rows":[{"row_number":"A","seats":[`, `]}]}]}`
		first[0] = fmt.Sprintf(`{"seat_guid":"A1","seat_number":%s,"category":"C","position":{"x":0,"y":2}}`, quoted)
		first[1] = fmt.Sprintf(`{"seat_guid":"%s","seat_number":"2","category":"C","position":{"x":%s,"y":2}}`, id, x)
		row = `{"seat_guid":"B%d","seat_number":"1","category":"C","position":{"x":%[2]d,"y":%[3]d}}`
	case "array":
		before, after = "[", "]"
		if h.label == "" {
			quoted = []byte(`"A1"`)
		}
		first[0] = fmt.Sprintf(`{"seatNumber":%s,"status":"available"}`, quoted)
		first[1] = fmt.Sprintf(`{"seatNumber":"%s","status":"available"}`, id)
		row = `{"seatNumber":"%d","status":"available"}`
	case "CSV":
		before = "row,seat,category,x,y,id"
		first[0] = fmt.Sprintf(`A,"%s",C,0,2,A1`, strings.ReplaceAll(label, `"`, `""`))
		first[1] = fmt.Sprintf(`A,2,C,"%s",2,%s`, x, id)
		row = `B,1,C,%[2]d,%[3]d,B%[1]d`
	}
	for i := range h.more {
		more = append(more, strings.Split(fmt.Sprintf(row+"\x00", i, i%500, 4+i/500), "\x00")[0])
	}
	lines, between := append(first[:], more...), ",\n"
	if h.none {
		lines = nil
	}
	if format == "CSV" {
		lines, between = append([]string{before}, lines...), "\n"
		before, after = "", "\n"
	}
	return before + strings.Join(lines, between) + after
}

var allFormats = []string{"JSON", "pretix", "array", "CSV"}

// TestImportOfBadPlansLeavesNothing imports what is wrong in each format that
// can say it, beside an event that is there: one line tells what it is, and not
// a byte of the store is another.
func TestImportOfBadPlansLeavesNothing(t *testing.T) {
	const noLabel, noNumber, far = "none of which ends a line", "invalid character", "want -10000 to 10000"
	same := func(want string) []string { return []string{want, want, want, want} }
	inAll := func(h hall) (texts []string) {
		for _, format := range allFormats {
			texts = append(texts, h.in(format))
		}
		return texts
	}
	replaced := func(old, now string) (texts []string) {
		for _, text := range inAll(hall{}) {
			texts = append(texts, strings.Replace(text, old, now, 1))
		}
		return texts
	}
	deep := strings.Repeat("[", 100_000)
	for _, bad := range []struct {
		name  string
		texts []string // by format
		wants []string // "" where a format cannot say such a thing
	}{
		{"one id twice", inAll(hall{id: "A1"}), []string{
			`sections[0].rows[0].seats[1].id: "A1" stands already at sections[0].rows[0].seats[0].id`,
			`zones[0].rows[0].seats[1].seat_guid: "A1" stands already at zones[0].rows[0].seats[0].seat_guid`,
			`[1].seatNumber: "A1" stands already at [0].seatNumber`, `line 3: id: "A1" stands already at line 2: id`}},
		{"an endless id", inAll(hall{id: strings.Repeat("x", 1<<20)}), []string{"want 1 to 64", "", "want 1 to 100", "want 1 to 64"}},
		{"100,001 seats", inAll(hall{more: store.MaxSeats - 1}), []string{
			"sections[0].rows[0].seats[100000].id: more than 100000 seats", "zones[0].rows[0].seats[100000].seat_guid: more than 100000 seats",
			"[100000].seatNumber: more than 100000 seats", "line 100002: more than 100000 seats"}},
		{"no seats", inAll(hall{none: true}), []string{"sections[0].rows[0].seats: none", "no seats", "no seats", "no seats"}},
		{"no number", inAll(hall{x: "NaN"}), []string{noNumber, noNumber, "", "line 3: x: NaN"}},
		{"infinity", inAll(hall{x: "Infinity"}), []string{noNumber, noNumber, "", "line 3: x: +Inf"}},
		{"less than infinity", inAll(hall{x: "-Infinity"}), []string{noNumber, noNumber, "", "line 3: x: -Inf"}},
		{"the largest number", inAll(hall{x: "1e308"}), []string{far, "", "", far}}, // pretix's units are what is usual in the file
		{"a larger number", inAll(hall{x: "1e309"}), []string{"sections.rows.seats.x: 1e309", "zones.rows.seats.position.x: 1e309", "", `"1e309": want a number`}},
		{"a number of a million digits", inAll(hall{x: strings.Repeat("9", 1<<20)}), []string{
			"sections.rows.seats.x: 999", "zones.rows.seats.position.x: 999", "", "want a number"}},
		{"a text for a number", inAll(hall{x: "left"}), []string{noNumber, noNumber, "", `"left": want a number`}},
		{"seats on one another", inAll(hall{x: "0.25"}), []string{
			`sections[0].rows[0].seats[1].x: seat "A2" is 0.25 units from seat "A1"`, "", "", `line 3: x: seat "A2" is 0.25 units from seat "A1"`}},
		{"seats in one place", inAll(hall{x: "0"}), []string{`is 0.00 units from seat "A1"`, `is 0.00 units from seat "A1"`, "", `is 0.00 units from seat "A1"`}},
		{"a label of two lines", inAll(hall{label: "a\nb"}), same(noLabel)},
		{"a carriage return", inAll(hall{label: "a\rb"}), same(noLabel)},
		{"a line separator", inAll(hall{label: "a\u2028b"}), same(noLabel)},
		{"a mark that turns", inAll(hall{label: "a\u202eb"}), same(noLabel)},
		{"a right-to-left mark", inAll(hall{label: "a\u200fb"}), same(noLabel)},
		{"a control character", inAll(hall{label: "a\x07b"}), same(noLabel)},
		{"no character", inAll(hall{label: "a\x00b"}), same(noLabel)},
		{"blanks alone", inAll(hall{label: " \u00a0 "}), same("want 1 to 100 characters")},
		{"an endless label", inAll(hall{label: strings.Repeat("<", 1<<20)}), same("want 1 to 100 characters")},
		{"Latin-1", replaced("A1", "\xc41"), []string{"line 1: not UTF-8", "line 1: not UTF-8", "line 1: not UTF-8", "line 2: not UTF-8"}},
		{"UTF-16", slices.Repeat([]string{"\xff\xfe{\x00}\x00"}, 4), same("line 1: not UTF-8")},
		{"a list for a text", replaced(`"A1"`, `["A1"]`), []string{
			"line 1: sections.rows.seats.id: a list where a string belongs", "line 1: zones.rows.seats.seat_guid: a list where a string belongs",
			"line 1: seatNumber: a list where a string belongs", ""}},
		{"a number for a text", replaced(`"A1"`, "1"), []string{
			"line 1: sections.rows.seats.id: a number where a string belongs", "line 1: zones.rows.seats.seat_guid: a number where a string belongs",
			"line 1: seatNumber: a number where a string belongs", ""}},
		{"true for a text", replaced(`"A1"`, "true"), []string{
			"id: true or false where a string belongs", "seat_guid: true or false where a string belongs", "seatNumber: true or false where a string belongs", ""}},
		{"a text for an object", []string{`{"stage":"S"}`, `{"zones":["Z"]}`, `["A1"]`, ""}, []string{
			"line 1: stage: a string where an object belongs", "line 1: zones: a string where an object belongs", "line 1: a string where an object belongs", ""}},
		{"an object for a list", []string{`{"sections":{}}`, `{"zones":{}}`, "", ""}, []string{
			"line 1: sections: an object where a list belongs", "line 1: zones: an object where a list belongs", "", ""}},
		{"a field that nobody knows", []string{`{"` + strings.Repeat("f", 1<<20) + `":1}`, "", "", strings.Repeat("f", 1<<20) + "\n"}, []string{
			`line 1: unknown field "fff`, "", "", `line 1: column "fff`}},
		{"100,000 brackets", []string{`{"sections":` + deep, `{"zones":` + deep, deep, "row,seat\n" + deep + ",1\n"}, []string{
			"exceeded max depth", "exceeded max depth", "exceeded max depth", noLabel}},
		{"100,000 objects", slices.Repeat([]string{strings.Repeat(`{"stage":`, 100_000)}, 4), []string{"exceeded max depth", "", "", ""}},
		{"one byte too many", inAll(hall{}), same("plan is larger than 64 MiB")},
		{"nothing", slices.Repeat([]string{""}, 4), []string{"", "", "", "line 1: nothing there"}},
		{"a byte-order mark alone", slices.Repeat([]string{"\ufeff"}, 4), []string{"", "", "", "line 1: nothing there"}},
		{"ended by a power cut", inAll(hall{}), []string{"the file ends in the middle", "the file ends in the middle", "the file ends in the middle", ""}},
	} {
		t.Run(bad.name, func(t *testing.T) {
			address := house(t)
			before := bytesOf(t, address)
			for i, want := range bad.wants {
				if want == "" {
					continue
				}
				text := bad.texts[i]
				if bad.name == "ended by a power cut" {
					text = text[:len(text)*2/3]
				}
				path := fileOf(t, text)
				if bad.name == "one byte too many" {
					if err := os.Truncate(path, 64<<20+1); err != nil {
						t.Fatal(err)
					}
				}
				code, out, faults := told(t, "import", "--create", "--store", address, "--event", "bad", "--title", "T", path)
				faults = withoutProgress(faults)
				if code != exitFault || out != "" || strings.Count(faults, "\n") != 1 || len(faults) > 700+len(path) ||
					!strings.HasPrefix(faults, "seatlock: "+path+": ") || !strings.Contains(faults, want) {
					t.Errorf("%s: exit %d, %q and %.1000q; want 1 and one line with %q", allFormats[i], code, out, faults, want)
				}
			}
			if after := bytesOf(t, address); !bytes.Equal(before, after) {
				t.Error("the store was changed")
			}
			if events := does(t, "events", "--store", address, "--format", "csv"); strings.Count(events, "\n") != 2 {
				t.Errorf("the events are\n%s", events)
			}
		})
	}
}

// withoutProgress drops the lines that tell how far a large file was read.
func withoutProgress(faults string) string {
	for strings.HasPrefix(faults, "seatlock: read ") && strings.Contains(faults, " MiB\n") {
		_, faults, _ = strings.Cut(faults, "\n")
	}
	return faults
}

// bytesOf is all that a store has on disk.
func bytesOf(t *testing.T, address string) []byte {
	t.Helper()
	files, err := filepath.Glob(strings.TrimPrefix(address, "sqlite:") + "*")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v: %v", files, err)
	}
	var all []byte
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(append(all, path...), text...)
	}
	return all
}

// TestImportTakesWhatLooksBad: marks and ends of lines that editors leave, and
// texts that only look like something else.
func TestImportTakesWhatLooksBad(t *testing.T) {
	for name, change := range map[string]func(string) string{
		"byte-order mark":  func(s string) string { return "\ufeff" + s },
		"two of them":      func(s string) string { return "\ufeff\ufeff" + s },
		"CRLF":             func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"blanks behind it": func(s string) string { return s + "\n\n" },
	} {
		for _, format := range allFormats {
			address := house(t)
			does(t, "import", "--create", "--store", address, "--event", "odd", "--title", "T", "--free", fileOf(t, change(hall{}.in(format))))
			got := readFile(t, does(t, "export", "--store", address, "--event", "odd"))
			want := readFile(t, hall{}.in(format))
			if want.Prices = withFree(want.Prices, want.Plan); !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %s: got\n%+v\nwant\n%+v", format, name, got, want)
			}
		}
	}
	for _, label := range []string{"<script>", `"`, "'", `\`, "&amp;", "=1+1", "@A1", "+1", "-1", "木", "שלום", "%s%d", "{{.}}", "]]>", "data: x", "--", ";", "*/"} {
		for _, format := range allFormats {
			address := house(t)
			does(t, "import", "--create", "--store", address, "--event", "odd", "--title", label, "--free", fileOf(t, hall{label: label}.in(format)))
			got := readFile(t, does(t, "export", "--store", address, "--event", "odd", "--format", "csv"))
			seats := seatLabels(got)
			if len(seats) != 2 || !slices.Contains(seats, label) {
				t.Errorf("%s: the seats are %q, want one of them %q", format, seats, label)
			}
		}
	}
}

func seatLabels(f plan.File) (labels []string) {
	for _, s := range f.Plan.Sections {
		for _, r := range s.Rows {
			for _, seat := range r.Seats {
				labels = append(labels, seat.Label)
			}
		}
	}
	return labels
}

// TestHostileTextsAreHarmless: a plan whose every text is made to break out
// stays text: on the page and the list of events, in the stylesheet, the stream,
// the exports and the log of a real server.
func TestHostileTextsAreHarmless(t *testing.T) {
	const script, attribute = `</bdi></button><script>alert(1)</script>`, `"'onfocus="alert(1)`
	hostile := plan.File{
		Plan: plan.Plan{
			Name: script, Categories: []plan.Category{{ID: "c.d", Name: "=" + script}, {ID: "_", Name: attribute}},
			Stage: &plan.Stage{Label: script, Width: 4, Height: 1},
			Sections: []plan.Section{
				{ID: "s.1", Name: script, Rows: []plan.Row{{Label: attribute, Seats: []plan.Seat{
					{ID: "..a", Label: script, Category: "c.d", Y: 2}, {ID: "-1", Label: attribute, Category: "_", X: 1, Y: 2},
					{ID: "2", Label: "data: \\n\\nevent: bye", Category: "_", X: 2, Y: 2}}}}},
				{ID: "t", Name: "}*{display:none}</style>", Rows: []plan.Row{{Label: "@1", Seats: []plan.Seat{{ID: "t", Label: "=1", Category: "_", Y: 5}}}}},
			}},
		Prices: map[string]int64{"c.d": 5, "_": 7},
	}
	var text strings.Builder
	if err := hostile.WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	p := serveProgram(t)
	does(t, "import", "--create", "--store", p.store, "--event", "bad", "--title", script, "--venue", attribute, fileOf(t, text.String()))
	page := p.eventually("/events/bad", "")
	stream := p.follow("/events/bad/live")
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(stream.String(), `id="seat-t"`); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the stream is\n%s", stream)
		}
	}
	_, _, list := get(t, p.site+"/")
	refused, body := p.rival().answer("/events/bad/lock", "..a")
	if refused != http.StatusOK {
		t.Errorf("a lock answers %d", refused)
	}
	for where, html := range map[string]string{"page": page, "stream": stream.String(), "list": list, "page of who has a seat": body} {
		if strings.Contains(html, "<script>alert") || strings.Contains(html, `"'onfocus="`) || strings.Contains(html, "</style>") {
			t.Errorf("a text broke out, in the %s:\n%s", where, html)
		}
		if !strings.Contains(html, "&lt;script&gt;alert(1)&lt;/script&gt;") {
			t.Errorf("no text to be seen, in the %s", where)
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(stream.String()), "\n") {
		if name, _, _ := strings.Cut(line, ":"); line != "" && name != "data" && name != "id" && name != "" || line == "event: bye" {
			t.Errorf("a line of the stream is %q", line)
		}
	}
	_, rest, _ := strings.Cut(page, "/events/bad/plan-")
	hash, _, _ := strings.Cut(rest, ".css")
	_, _, css := get(t, p.site+"/events/bad/plan-"+hash+".css")
	if !strings.Contains(css, `#seat-\.\.a{`) || strings.ContainsAny(css, "<@*") || strings.Contains(css, "alert") || strings.Contains(css, "display") {
		t.Errorf("the stylesheet has texts of the plan:\n%s", css)
	}
	if got := readFile(t, does(t, "export", "--store", p.store, "--event", "bad")); !reflect.DeepEqual(got, hostile) {
		t.Errorf("exported\n%+v\nwant\n%+v", got, hostile)
	}
	for _, command := range []string{"export", "seats"} {
		rows, err := csv.NewReader(strings.NewReader(does(t, command, "--store", p.store, "--event", "bad", "--format", "csv"))).ReadAll()
		if err != nil || len(rows) != 5 {
			t.Errorf("%s: %d rows, %v", command, len(rows), err)
		}
		for _, cell := range slices.Concat(rows...) {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("%s: a spreadsheet would take %q for a formula", command, cell)
			}
		}
	}
	if log := p.stderr.String(); strings.Contains(log, "alert") {
		t.Errorf("the log has texts of the plan:\n%s", log)
	}
}

// eventually returns the page once it is there and has the words.
func (p *program) eventually(path, words string) string {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		status, _, page := get(p.t, p.site+path)
		if status == http.StatusOK && strings.Contains(page, words) {
			return page
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s answers %d, without %q", path, status, words)
		}
	}
}
