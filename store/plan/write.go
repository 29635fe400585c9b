package plan

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"
)

// maxSeatLines is the most seats of a plan whose JSON has a line for each seat.
// Larger plans have a line for each row.
const maxSeatLines = 2000

// WriteJSON writes the file in Seatlock's own format. [Read] returns exactly what
// was written.
func (f File) WriteJSON(w io.Writer) error {
	j := jsonWriter{between: "\n        "}
	if len(f.Plan.SeatIDs()) > maxSeatLines {
		j.between = ""
	}
	j.text("{\n  \"name\": ").value(f.Plan.Name).text(",\n  \"categories\": [")
	for i, c := range f.Plan.Categories {
		j.comma(i).text("\n    ").value(categoryJSON{ID: c.ID, Name: c.Name, Price: json.RawMessage(f.priceText(c.ID))})
	}
	j.text("\n  ],\n")
	if f.Plan.Stage != nil {
		j.text("  \"stage\": ").value(f.Plan.Stage).text(",\n")
	}
	j.text("  \"sections\": [")
	for i, s := range f.Plan.Sections {
		j.comma(i).section(s)
	}
	j.text("\n  ]")
	if len(f.Withheld) > 0 {
		j.text(",\n  \"withheld\": ").value(f.Withheld)
	}
	j.text("\n}\n")
	if j.err != nil {
		return j.err
	}
	_, err := w.Write(j.Bytes())
	return err
}

// jsonWriter lays JSON out for people, which json.Encoder does not.
type jsonWriter struct {
	bytes.Buffer
	between string // separates seats
	err     error
}

func (j *jsonWriter) text(s string) *jsonWriter {
	j.WriteString(s)
	return j
}

func (j *jsonWriter) value(v any) *jsonWriter {
	body, err := json.Marshal(v)
	if err != nil && j.err == nil {
		j.err = err
	}
	j.Write(body)
	return j
}

// comma writes a comma before all elements of a list but the first.
func (j *jsonWriter) comma(i int) *jsonWriter {
	if i > 0 {
		j.WriteString(",")
	}
	return j
}

func (j *jsonWriter) section(s Section) {
	j.text("\n    {\"id\":").value(s.ID).text(",\"name\":").value(s.Name).text(",\"rows\":[")
	for i, r := range s.Rows {
		j.comma(i).text("\n      {\"label\":").value(r.Label).text(",\"seats\":[")
		for k, seat := range r.Seats {
			j.comma(k).text(j.between).value(seat)
		}
		j.text("]}")
	}
	j.text("\n    ]}")
}

// WriteCSV writes a line for each seat. CSV has neither the stage, the plan's
// name, nor the ids of sections and categories: reading it makes new ids from
// their names, and joins rows with the same section and label. Everything else
// is kept.
//
// No cell begins like a formula, except for numbers.
func (f File) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(csvColumns()); err != nil {
		return err
	}
	categories := map[string]string{}
	for _, c := range f.Plan.Categories {
		categories[c.ID] = c.Name
	}
	sections := map[string]string{}
	for _, s := range f.Plan.Sections {
		sections[s.ID] = s.Name
	}
	categories, sections = distinct(categories), distinct(sections)
	withheld := map[string]bool{}
	for _, id := range f.Withheld {
		withheld[id] = true
	}
	for _, section := range f.Plan.Sections {
		for _, row := range section.Rows {
			for _, s := range row.Seats {
				cells := []string{
					Guard(sections[section.ID]), Guard(row.Label), Guard(s.Label), Guard(categories[s.Category]),
					f.priceText(s.Category), decimal(s.X), decimal(s.Y), Guard(s.ID), s.properties(), "",
				}
				if withheld[s.ID] {
					cells[len(cells)-1] = "yes"
				}
				if err := out.Write(cells); err != nil {
					return err
				}
			}
		}
	}
	out.Flush()
	return out.Error()
}

// distinct returns the names by id, with the id instead of a name that two share.
func distinct(names map[string]string) map[string]string {
	count := map[string]int{}
	for id, name := range names {
		count[name]++
		if id != name {
			count[id]++
		}
	}
	out := map[string]string{}
	for id, name := range names {
		out[id] = name
		if count[name] > 1 {
			out[id] = id
		}
	}
	return out
}

// priceText returns a price as the file has it; "" is none.
func (f File) priceText(category string) string {
	if units, known := f.Prices[category]; known {
		return strconv.FormatInt(units, 10)
	}
	if price, known := f.Decimal[category]; known {
		return price.String()
	}
	return ""
}

func (s Seat) properties() string {
	words := make([]string, len(s.Properties))
	for i, p := range s.Properties {
		words[i] = string(p)
	}
	return strings.Join(words, " ")
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
