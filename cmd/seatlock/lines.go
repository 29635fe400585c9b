package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
	"text/tabwriter"

	"github.com/seatlock/seatlock/store/plan"
)

// writeLines writes a list in the format that was asked for.
func writeLines[T any](w io.Writer, format string, lines []T, header string, cells func(T) []string) error {
	return writeStream(w, format, func(yield func(T, error) bool) {
		for _, line := range lines {
			if !yield(line, nil) {
				return
			}
		}
	}, header, cells)
}

// writeStream is writeLines for what comes line by line. An error ends it, and
// writes nothing if it comes first.
func writeStream[T any](w io.Writer, format string, lines iter.Seq2[T, error], header string, cells func(T) []string) error {
	out := bufio.NewWriter(w)
	var l lineWriter = &tableLines{w: tabwriter.NewWriter(out, 0, 0, 2, ' ', 0), header: header}
	switch format {
	case "json":
		l = &jsonLines{w: out}
	case "csv":
		l = &csvLines{w: csv.NewWriter(out), header: header}
	}
	for line, err := range lines {
		if err == nil {
			err = l.line(line, cells(line))
		}
		if err != nil {
			return err
		}
	}
	if err := l.end(); err != nil {
		return err
	}
	return out.Flush()
}

// lineWriter writes lines in one format, and what belongs before and after them.
type lineWriter interface {
	line(value any, cells []string) error
	end() error
}

// jsonLines are one JSON array.
type jsonLines struct {
	w     io.Writer
	lines int
}

func (j *jsonLines) line(value any, _ []string) error {
	body, err := json.MarshalIndent(value, "  ", "  ")
	if err != nil {
		return err
	}
	before := ",\n  "
	if j.lines++; j.lines == 1 {
		before = "[\n  "
	}
	_, err = io.WriteString(j.w, before+string(body))
	return err
}

func (j *jsonLines) end() error {
	if j.lines == 0 {
		_, err := io.WriteString(j.w, "[]\n")
		return err
	}
	_, err := io.WriteString(j.w, "\n]\n")
	return err
}

// csvLines are for spreadsheets: a cell that looks like a formula is made a
// text.
type csvLines struct {
	w      *csv.Writer
	header string
	begun  bool
}

func (c *csvLines) line(_ any, cells []string) error {
	if err := c.begin(); err != nil {
		return err
	}
	safe := make([]string, len(cells))
	for i, cell := range cells {
		safe[i] = plan.Guard(cell)
	}
	return c.w.Write(safe)
}

func (c *csvLines) begin() error {
	if c.begun {
		return nil
	}
	c.begun = true
	return c.w.Write(strings.Split(c.header, ","))
}

func (c *csvLines) end() error {
	if err := c.begin(); err != nil {
		return err
	}
	c.w.Flush()
	return c.w.Error()
}

// tableLines are for people. Columns are as wide as in the lines of one page.
type tableLines struct {
	w      *tabwriter.Writer
	header string
	lines  int
}

const tablePage = 1000

func (t *tableLines) line(_ any, cells []string) error {
	if t.lines == 0 {
		t.head()
	}
	t.lines++
	fmt.Fprintln(t.w, strings.Join(cells, "\t"))
	if t.lines%tablePage == 0 {
		return t.w.Flush()
	}
	return nil
}

func (t *tableLines) head() {
	fmt.Fprintln(t.w, strings.ReplaceAll(strings.ToUpper(t.header), ",", "\t"))
}

func (t *tableLines) end() error {
	if t.lines == 0 {
		t.head()
	}
	return t.w.Flush()
}
