package plan

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/seatlock/seatlock/store"
)

// csvColumns are the columns of a CSV file, in the order in which they are
// written.
func csvColumns() []string {
	return []string{"section", "row", "seat", "category", "price", "x", "y", "id", "properties", "withheld"}
}

// csvLine is a line of a CSV file: one seat.
type csvLine struct {
	number  int
	cells   []string
	columns map[string]int
}

// get returns the cell in a column, or "" if the file does not have it.
func (l csvLine) get(column string) string {
	i, known := l.columns[column]
	if !known {
		return ""
	}
	return unguard(strings.TrimSpace(l.cells[i]))
}

func (l csvLine) section() string  { return cmp.Or(l.get("section"), "Hall") }
func (l csvLine) category() string { return cmp.Or(l.get("category"), "Standard") }

// locate returns the names of an element's fields for errors: its name, label and
// id are in the column given.
func (l csvLine) locate(column string) locator {
	return func(field string) string {
		if field == "name" || field == "label" || field == "id" && (column != "seat" || l.get("id") == "") {
			field = column
		}
		return l.at(field)
	}
}

func (l csvLine) at(column string) string { return fmt.Sprintf("line %d: %s", l.number, column) }

// readCSV reads a header that names the columns, and one line for each seat.
// Lines of one section or row need not follow one another.
func readCSV(b *builder, data []byte) error {
	lines, err := csvLines(data)
	if err != nil {
		return err
	}
	for _, lines := range group(lines, csvLine.category) {
		name, where := lines[0].category(), lines[0].locate("category")
		b.category(where, Category{ID: placeholder(name), Name: name}, lines[0].price(b))
		for _, l := range lines[1:] {
			if l.get("price") != lines[0].get("price") {
				b.fail(l.at("price"), "%.40q, but %.40q for the same category at %s", l.get("price"), lines[0].get("price"), lines[0].at("price"))
			}
		}
	}
	var withheld []csvWithheld
	for _, lines := range group(lines, csvLine.section) {
		name := lines[0].section()
		b.section(lines[0].locate("section"), placeholder(name), name)
		for _, lines := range group(lines, func(l csvLine) string { return l.get("row") }) {
			b.row(lines[0].locate("row"), lines[0].get("row"))
			for _, l := range lines {
				id := cmp.Or(fileID(l.get("id")), seatPlaceholder(name, l.get("row"), l.get("seat")))
				l.seat(b, id, placeholder(l.category()))
				if l.yes(b, "withheld") {
					withheld = append(withheld, csvWithheld{id, l})
				}
			}
		}
	}
	for _, w := range withheld {
		b.withhold(w.line.at("withheld"), w.id)
	}
	return nil
}

type csvWithheld struct {
	id   string
	line csvLine
}

// csvLines splits a file into lines and cells. The separator is the one that the
// header has most of.
func csvLines(data []byte) ([]csvLine, error) {
	header, _, _ := bytes.Cut(data, []byte("\n"))
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma = slices.MaxFunc([]rune{',', ';', '\t'}, func(a, b rune) int {
		return cmp.Compare(bytes.Count(header, []byte(string(a))), bytes.Count(header, []byte(string(b))))
	})
	var columns map[string]int
	var lines []csvLine
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
			return nil, fmt.Errorf("line %d: %w", wrong.Line, wrong.Err)
		} else if err != nil {
			return nil, err
		}
		number, _ := r.FieldPos(0)
		if columns == nil {
			if columns, err = csvHeader(cells, number); err != nil {
				return nil, err
			}
			continue
		}
		if strings.Join(cells, "") == "" {
			continue // spreadsheets leave such lines at the end
		}
		if len(lines) == store.MaxSeats {
			return nil, fmt.Errorf("line %d: more than %d seats", number, store.MaxSeats)
		}
		lines = append(lines, csvLine{number, cells, columns})
	}
	if columns == nil {
		return nil, errors.New("line 1: nothing there: want JSON, or CSV with a header")
	}
	return lines, nil
}

func csvHeader(cells []string, number int) (map[string]int, error) {
	columns := map[string]int{}
	for i, cell := range cells {
		name := strings.ToLower(strings.TrimSpace(cell))
		if _, twice := columns[name]; twice || !slices.Contains(csvColumns(), name) {
			return nil, fmt.Errorf("line %d: column %.40q is not known, or stands twice: want %s", number, cell, strings.Join(csvColumns(), ", "))
		}
		columns[name] = i
	}
	for _, name := range []string{"row", "seat"} {
		if _, there := columns[name]; !there {
			return nil, fmt.Errorf("line %d: no column %q", number, name)
		}
	}
	return columns, nil
}

func (l csvLine) seat(b *builder, id, category string) {
	properties := strings.FieldsFunc(l.get("properties"), func(r rune) bool { return strings.ContainsRune(" ,;|", r) })
	s := Seat{ID: id, Label: l.get("seat"), Category: category}
	for _, p := range properties {
		s.Properties = append(s.Properties, Property(p))
	}
	b.seat(l.locate("seat"), s, l.coordinate(b, "x"), l.coordinate(b, "y"))
}

// price returns the price of the line's category; nil is none.
func (l csvLine) price(b *builder) *store.Amount {
	cell := l.get("price")
	if cell == "" {
		return nil
	}
	price, ok := store.ParseAmount(cell)
	if !ok {
		b.fail(l.at("price"), "%.40q: "+wantAmount, cell)
	}
	return &price
}

// coordinate also reads a decimal comma, which spreadsheets in half of Europe
// write.
func (l csvLine) coordinate(b *builder, column string) *float64 {
	cell := l.get(column)
	if cell == "" {
		return nil
	}
	v, err := strconv.ParseFloat(strings.Replace(cell, ",", ".", 1), 64)
	if err != nil {
		b.fail(l.at(column), "%.40q: want a number", cell)
	}
	return &v
}

func (l csvLine) yes(b *builder, column string) bool {
	switch strings.ToLower(l.get(column)) {
	case "", "no":
		return false
	case "yes":
		return true
	}
	b.fail(l.at(column), "%.40q: want yes or no", l.get(column))
	return false
}

// group groups elements by key, in the order of first mention.
func group[T any](all []T, key func(T) string) [][]T {
	var groups [][]T
	places := map[string]int{}
	for _, one := range all {
		k := key(one)
		i, known := places[k]
		if !known {
			i = len(groups)
			places[k], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], one)
	}
	return groups
}
