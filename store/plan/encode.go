package plan

import (
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// Encode returns the canonical bytes of the plan. Equal plans have equal
// bytes.
//
// The encoding is frozen: the hash of these bytes names the plan in databases,
// for ever. It is JSON without spaces, with the fields in the order written
// below, and null for nil. A plan that this encoding cannot express needs a
// second one, marked as such. Encode panics on a coordinate that is not a
// number, which [Read] refuses.
func (p Plan) Encode() []byte {
	b := make(encoder, 0, 1024)
	b.raw(`{"name":`).text(p.Name).raw(`,"categories":`)
	list(&b, p.Categories, func(c Category) {
		b.raw(`{"id":`).text(c.ID).raw(`,"name":`).text(c.Name).raw(`}`)
	})
	if s := p.Stage; s != nil {
		b.raw(`,"stage":{"label":`).text(s.Label).raw(`,"x":`).number(s.X).raw(`,"y":`).number(s.Y)
		b.raw(`,"width":`).number(s.Width).raw(`,"height":`).number(s.Height).raw(`}`)
	}
	b.raw(`,"sections":`)
	list(&b, p.Sections, func(s Section) {
		b.raw(`{"id":`).text(s.ID).raw(`,"name":`).text(s.Name).raw(`,"rows":`)
		list(&b, s.Rows, func(r Row) {
			b.raw(`{"label":`).text(r.Label).raw(`,"seats":`)
			list(&b, r.Seats, b.seat)
			b.raw(`}`)
		})
		b.raw(`}`)
	})
	return *b.raw(`}`)
}

// encoder is the JSON that was written so far.
type encoder []byte

func (b *encoder) raw(json string) *encoder {
	*b = append(*b, json...)
	return b
}

func (b *encoder) seat(s Seat) {
	b.raw(`{"id":`).text(s.ID).raw(`,"label":`).text(s.Label).raw(`,"category":`).text(s.Category)
	b.raw(`,"x":`).number(s.X).raw(`,"y":`).number(s.Y)
	if len(s.Properties) > 0 {
		b.raw(`,"properties":`)
		list(b, s.Properties, func(p Property) { b.text(string(p)) })
	}
	b.raw(`}`)
}

func list[T any](b *encoder, elements []T, write func(T)) {
	if elements == nil {
		b.raw("null")
		return
	}
	b.raw("[")
	for i, element := range elements {
		if i > 0 {
			b.raw(",")
		}
		write(element)
	}
	b.raw("]")
}

// number writes the shortest digits that read back as v: as a decimal fraction,
// or with an exponent where that would be mostly zeros.
func (b *encoder) number(v float64) *encoder {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		panic(fmt.Sprintf("encode plan: a coordinate is %v", v))
	}
	size := math.Abs(v)
	if size == 0 || 1e-6 <= size && size < 1e21 {
		*b = strconv.AppendFloat(*b, v, 'f', -1, 64)
		return b
	}
	*b = strconv.AppendFloat(*b, v, 'e', -1, 64)
	if n := len(*b); (*b)[n-4] == 'e' && (*b)[n-3] == '-' && (*b)[n-2] == '0' { // e-07 is e-7
		*b = append((*b)[:n-2], (*b)[n-1])
	}
	return b
}

// text writes a string. Characters that HTML or JavaScript would interpret are
// escaped by number, and bytes that are not UTF-8 become U+FFFD.
func (b *encoder) text(s string) *encoder {
	b.raw(`"`)
	for i, r := range s {
		switch {
		case r == '"' || r == '\\':
			*b = append(*b, '\\', byte(r))
		case r == '\b':
			b.raw(`\b`)
		case r == '\f':
			b.raw(`\f`)
		case r == '\n':
			b.raw(`\n`)
		case r == '\r':
			b.raw(`\r`)
		case r == '\t':
			b.raw(`\t`)
		case r < ' ' || r == '<' || r == '>' || r == '&' || r == '\u2028' || r == '\u2029':
			*b = fmt.Appendf(*b, `\u%04x`, r)
		case r == utf8.RuneError && isBroken(s[i:]):
			b.raw(`\ufffd`)
		default:
			*b = utf8.AppendRune(*b, r)
		}
	}
	return b.raw(`"`)
}

// isBroken reports whether s begins with a byte that is not UTF-8.
func isBroken(s string) bool {
	_, size := utf8.DecodeRuneInString(s)
	return size == 1
}
