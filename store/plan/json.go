package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/seatlock/seatlock/store"
)

// fileJSON is a file in Seatlock's own format: a plan with prices and optional
// positions.
type fileJSON struct {
	Name       string         `json:"name"`
	Categories []categoryJSON `json:"categories"`
	Stage      *Stage         `json:"stage,omitempty"`
	Sections   []sectionJSON  `json:"sections"`
	Withheld   []string       `json:"withheld,omitempty"`
}

type categoryJSON struct {
	ID    string          `json:"id"`
	Name  string          `json:"name"`
	Price json.RawMessage `json:"price,omitempty"` // as written, since its decimals count
}

// price returns the category's price in the file; nil is none.
func (c categoryJSON) price(b *builder, where locator) *store.Amount {
	if len(c.Price) == 0 || string(c.Price) == "null" {
		return nil
	}
	price, ok := store.ParseAmount(string(c.Price))
	if !ok {
		b.fail(where("price"), "%.40q: "+wantAmount, c.Price)
	}
	return &price
}

type sectionJSON struct {
	ID   string    `json:"id"`
	Name string    `json:"name"`
	Rows []rowJSON `json:"rows"`
}

type rowJSON struct {
	Label string     `json:"label"`
	Seats []seatJSON `json:"seats"`
}

type seatJSON struct {
	ID         string     `json:"id"`
	Label      string     `json:"label"`
	Category   string     `json:"category"`
	X          *float64   `json:"x"`
	Y          *float64   `json:"y"`
	Properties []Property `json:"properties"`
}

// readJSON reads Seatlock's own format. It guesses nothing, and refuses unknown
// fields.
func readJSON(b *builder, data []byte) error {
	var in fileJSON
	if err := decode(data, &in, true); err != nil {
		return err
	}
	b.name("name", in.Name)
	for i, c := range in.Categories {
		where := at("categories[%d]", i)
		b.category(where, Category{ID: fileID(c.ID), Name: c.Name}, c.price(b, where))
	}
	if in.Stage != nil {
		b.stage(at("stage"), *in.Stage)
	}
	for i, s := range in.Sections {
		where := at("sections[%d]", i)
		b.section(where, fileID(s.ID), s.Name)
		if len(s.Rows) == 0 {
			b.fail(where("rows"), "none")
		}
		for j, r := range s.Rows {
			where := at("sections[%d].rows[%d]", i, j)
			b.row(where, r.Label)
			if len(r.Seats) == 0 {
				b.fail(where("seats"), "none")
			}
			for k, s := range r.Seats {
				seat := Seat{ID: fileID(s.ID), Label: s.Label, Category: fileID(s.Category), Properties: s.Properties}
				b.seat(at("sections[%d].rows[%d].seats[%d]", i, j, k), seat, s.X, s.Y)
			}
		}
	}
	for i, id := range in.Withheld {
		b.withhold(fmt.Sprintf("withheld[%d]", i), fileID(id))
	}
	return nil
}

// decode reads one JSON value that is all of data. Its errors name the line and
// the field. If strict, fields that into does not have are refused.
func decode(data []byte, into any, strict bool) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if strict {
		decoder.DisallowUnknownFields()
	}
	if err := decoder.Decode(into); err != nil {
		return located(data, decoder, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("line %d: text after the plan", line(data, decoder.InputOffset()))
	}
	return nil
}

func located(data []byte, decoder *json.Decoder, err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("line %d: %s", line(data, wrong.Offset), misfit(wrong))
	}
	text := strings.TrimPrefix(err.Error(), "json: ")
	offset := decoder.InputOffset()
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = syntax.Offset
	} else if name, ok := strings.CutPrefix(text, "unknown field "); ok {
		if field, err := strconv.Unquote(name); err == nil {
			offset = strayField(data, field)
		}
	} else if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		offset, text = int64(len(data)), "the file ends in the middle"
	}
	return fmt.Errorf("line %d: %.200s", line(data, offset), text)
}

// misfit says what stands where another type belongs. The top level has no field
// name.
func misfit(wrong *json.UnmarshalTypeError) string {
	field := ""
	if wrong.Field != "" {
		field = wrong.Field + ": "
	}
	if number, ok := strings.CutPrefix(wrong.Value, "number "); ok {
		return fmt.Sprintf("%s%.40s is too large for a %s", field, number, nameOf(wrong.Type))
	}
	value := wrong.Value
	switch value {
	case "array":
		value = "list"
	case "bool":
		value = "true or false"
	}
	return fmt.Sprintf("%s%s where %s belongs", field, withArticle(value), withArticle(nameOf(wrong.Type)))
}

func withArticle(noun string) string {
	switch noun {
	case "object":
		return "an object"
	case "true or false":
		return noun
	}
	return "a " + noun
}

// nameOf returns the word for a type among people who write JSON.
func nameOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Float64:
		return "number"
	case reflect.Slice:
		return "list"
	}
	return "object"
}

// strayField returns where name first stands as a field of an object that does
// not have it. The decoder reports only the name, and a field such as price is
// right in one object and wrong in another.
func strayField(data []byte, name string) int64 {
	type level struct {
		under string // the field that led here
		field string // in an object, the field whose value comes next
		array bool
	}
	levels := []level{{array: true}}
	decoder := json.NewDecoder(bytes.NewReader(data))
	for {
		token, err := decoder.Token()
		if err != nil {
			return decoder.InputOffset()
		}
		top := &levels[len(levels)-1]
		key, isText := token.(string)
		switch {
		case token == json.Delim('}') || token == json.Delim(']'):
			levels = levels[:len(levels)-1]
			continue
		case !top.array && top.field == "" && isText:
			if key == name && !slices.Contains(fieldsUnder(top.under), key) {
				return decoder.InputOffset()
			}
			top.field = key + "=" // not empty, even if the key is
			continue
		}
		under := top.under
		if !top.array {
			under, top.field = strings.TrimSuffix(top.field, "="), ""
		}
		if token == json.Delim('{') || token == json.Delim('[') {
			levels = append(levels, level{under: under, array: token == json.Delim('[')})
		}
	}
}

func fieldsUnder(field string) []string {
	switch field {
	case "":
		return []string{"name", "categories", "stage", "sections", "withheld"}
	case "categories":
		return []string{"id", "name", "price"}
	case "stage":
		return []string{"label", "x", "y", "width", "height"}
	case "sections":
		return []string{"id", "name", "rows"}
	case "rows":
		return []string{"label", "seats"}
	}
	return []string{"id", "label", "category", "x", "y", "properties"}
}
