package main

import (
	"encoding/csv"
	"errors"
	"iter"
	"strings"
	"testing"
)

func rowsOf(rows ...string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, row := range rows {
			var err error
			if row == "fails" {
				err = errors.New("it fails")
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// TestWriteStream in each format: what it begins and ends with, and nothing at
// all where the first thing that comes is an error.
func TestWriteStream(t *testing.T) {
	cells := func(row string) []string { return strings.Split(row, "|") }
	for format, want := range map[string][2]string{
		"json":  {"[]\n", "[\n  \"a|b\",\n  \"c|d\"\n]\n"},
		"csv":   {"x,y\n", "x,y\na,b\nc,d\n"},
		"table": {"X  Y\n", "X  Y\na  b\nc  d\n"},
	} {
		for i, rows := range [][]string{nil, {"a|b", "c|d"}} {
			var out strings.Builder
			if err := writeStream(&out, format, rowsOf(rows...), "x,y", cells); err != nil || out.String() != want[i] {
				t.Errorf("%s: %v: %q becomes %q, want %q", format, err, rows, &out, want[i])
			}
		}
		var out strings.Builder
		if err := writeStream(&out, format, rowsOf("fails"), "x,y", cells); err == nil || out.String() != "" {
			t.Errorf("%s: with an error: %v, and %q", format, err, &out)
		}
	}
}

// TestSpreadsheetsAreSafe: no cell begins as a formula does.
func TestSpreadsheetsAreSafe(t *testing.T) {
	row := []string{"-5.00", "=1+1", "\u00a0＝1", "Ada;=1+1", "+43 1 2", "-1+1", "12"}
	var out strings.Builder
	err := writeStream(&out, "csv", rowsOf(strings.Join(row, "|")), "a,b,c,d,e,f,g", func(row string) []string { return strings.Split(row, "|") })
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
	if want := "'-5.00|'=1+1|'\u00a0＝1|Ada;'=1+1|'+43 1 2|'-1+1|12"; err != nil || strings.Join(rows[1], "|") != want {
		t.Errorf("%v: the cells are %q, want %q", err, rows[1], want)
	}
}
