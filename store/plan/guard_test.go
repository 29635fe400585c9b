package plan

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"unicode"
)

// formulas are what a spreadsheet would take for one, with what Guard makes of
// it.
func formulas() map[string]string {
	return map[string]string{
		"=1+1": "'=1+1", "+43": "'+43", "-5": "'-5", "@SUM(A1)": "'@SUM(A1)", "'=1": "''=1",
		" =1": "' =1", "\u00a0=1": "'\u00a0=1", "\u3000=1": "'\u3000=1", "\u2003\u200b=1": "'\u2003\u200b=1", "\ufeff=1": "'\ufeff=1",
		"\t=1": "'\t'=1", "\r=1": "'\r'=1", "\tx": "'\tx", "\rx": "'\rx", "\n@x": "'\n'@x",
		"＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠x": "'＠x", " ＝1": "' ＝1",
		"a;=1+1": "a;'=1+1", "a; +1": "a;' +1", "a;\"=1+1": "a;'\"=1+1", "a\t@x": "a\t'@x", "a\n=1": "a\n'=1", "=a;=b": "'=a;'=b", ";;=1": ";;'=1",
		"": "", "A": "A", "a=b": "a=b", "a;b": "a;b", "a, =b": "a, =b", "'tis": "'tis", "1-2": "1-2", "Ada; Bob": "Ada; Bob", " a": " a",
	}
}

func TestGuard(t *testing.T) {
	for text, want := range formulas() {
		if got := Guard(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
		if got := unguard(want); got != text {
			t.Errorf("%q is read as %q, want %q", want, got, text)
		}
	}
	if got := unguard("'tis"); got != "'tis" {
		t.Errorf("an apostrophe that guards nothing is read as %q", got)
	}
}

// TestGuardedPlanComesBack: labels and names that look like formulas are in the
// file as texts, and are read as what they were.
func TestGuardedPlanComesBack(t *testing.T) {
	var file File
	file.Plan.Categories = []Category{{ID: "c", Name: "a;=b"}}
	row := Row{Label: "＝A"}
	for i, label := range []string{"=1", "'=1", "''=1", "+1", "-1", "@x", "＠x", "a; +1", "a;'=1", "'tis", "\"=1", "x"} {
		row.Seats = append(row.Seats, Seat{ID: strings.Repeat("s", i+1), Label: label, Category: "c", X: float64(-i), Y: 1})
	}
	file.Plan.Sections = []Section{{ID: "s", Name: "-5;@a", Rows: []Row{row}}}
	var out bytes.Buffer
	if err := file.WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	got, err := Read(&out)
	if err != nil {
		t.Fatal(err)
	}
	section := got.Plan.Sections[0]
	if section.Name != "-5;@a" || got.Plan.Categories[0].Name != "a;=b" || section.Rows[0].Label != "＝A" {
		t.Errorf("got %+v", got.Plan)
	}
	for i, s := range section.Rows[0].Seats {
		if s.Label != row.Seats[i].Label || s.X != row.Seats[i].X {
			t.Errorf("seat %q comes back as %q", row.Seats[i].Label, s.Label)
		}
	}
}

// begins reports whether a cell begins as a formula does, to somebody who has
// not read Guard.
func begins(cell string) bool {
	seen := strings.TrimLeftFunc(cell, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Cc, unicode.Z)
	})
	return strings.HasPrefix(cell, "\t") || strings.HasPrefix(cell, "\r") || strings.IndexAny(seen, "=+-@＝＋－＠") == 0
}

// FuzzGuard: whatever a spreadsheet parts cells by, and however it takes quotes,
// none begins as a formula does; and what was guarded comes back.
func FuzzGuard(f *testing.F) {
	for text := range formulas() {
		f.Add(text, "x")
		f.Add("x", text)
	}
	f.Add("a;\"", ";=1")
	f.Add("\";\"", "\n\"=1")
	f.Fuzz(func(t *testing.T, one, other string) {
		for _, text := range []string{one, other} {
			if got := unguard(Guard(text)); got != text {
				t.Fatalf("%q comes back as %q", text, got)
			}
		}
		var file bytes.Buffer
		w := csv.NewWriter(&file)
		if err := w.WriteAll([][]string{{Guard(one), "5", Guard(other)}, {"5", Guard(other), Guard(one)}}); err != nil {
			t.Fatal(err)
		}
		for _, comma := range ",;\t" {
			r := csv.NewReader(bytes.NewReader(file.Bytes()))
			r.Comma, r.LazyQuotes, r.FieldsPerRecord = comma, true, -1
			rows, err := r.ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				for _, cell := range row {
					if begins(cell) {
						t.Fatalf("parted by %q, the cell %q of\n%s\nbegins as a formula does", comma, cell, &file)
					}
				}
			}
		}
		for cell := range strings.FieldsFuncSeq(file.String(), func(r rune) bool { return strings.ContainsRune(";\t\r\n", r) }) {
			if begins(strings.TrimLeft(cell, `"`)) {
				t.Fatalf("without regard to quotes, the cell %q of\n%s\nbegins as a formula does", cell, &file)
			}
		}
	})
}
