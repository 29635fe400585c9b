package ticket

import (
	"errors"
	"strings"
	"sync"
	"unicode"

	"github.com/go-fonts/dejavu/dejavusanscondensed"
	"github.com/go-fonts/dejavu/dejavusanscondensedbold"
	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/norm"

	"github.com/seatlock/seatlock/store"
)

const family = "dejavu"

// face is one of the two fonts of a sheet: DejaVu Sans Condensed has Latin with
// Vietnamese, Greek, Cyrillic, Armenian and Georgian, and its licence lets everybody
// pass it on.
type face struct {
	style string // as the PDF library names it
	data  []byte
	// widths are those of the first 65536 characters, in thousandths of the size; 0 is
	// a character that the font has not. The PDF library writes no other.
	widths func() *[1 << 16]uint16
}

var (
	regular = newFace("", dejavusanscondensed.TTF)
	bold    = newFace("B", dejavusanscondensedbold.TTF)
)

func newFace(style string, data []byte) *face {
	return &face{style, data, sync.OnceValue(func() *[1 << 16]uint16 { return measure(data) })}
}

// measure reads the widths of a font. The program has it in it: a broken one panics.
func measure(data []byte) *[1 << 16]uint16 {
	parsed, err := sfnt.Parse(data)
	if err != nil {
		panic(err)
	}
	var widths [1 << 16]uint16
	var b sfnt.Buffer
	for r := range rune(len(widths)) {
		glyph, err := parsed.GlyphIndex(&b, r)
		if err != nil || glyph == 0 {
			continue
		}
		advance, err := parsed.GlyphAdvance(&b, glyph, fixed.I(1000), font.HintingNone)
		if err != nil {
			panic(err)
		}
		widths[r] = uint16(advance.Round())
	}
	return &widths
}

// width is that of a character that the font has, in the size of the font.
func (f *face) width(r rune) float64 { return float64(f.widths()[r]) / 1000 }

// has tells a character that the font shows right by putting its glyph behind the one
// before. Scripts that are written from the right, or whose letters join or carry
// marks, need more than that, whether the font has their glyphs or not.
func (f *face) has(r rune) bool {
	return int(r) < len(f.widths()) && f.widths()[r] > 0 && !unicode.IsMark(r) &&
		unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Armenian, unicode.Georgian, unicode.Common)
}

// errUnprintable does not say the text: it may be a name, and errors are logged.
var errUnprintable = errors.New("a text has characters that the font cannot show, and there is no note that it can")

// printable returns what is printed for a text: the text itself, or the note if the
// font cannot show it right. A text that only lacks pictures is printed without them,
// and with the note.
func printable(text, note string) (string, error) {
	clean := cut(strings.Join(strings.FieldsFunc(strings.Map(shown, norm.NFC.String(text)), breaks), " "))
	without := strings.Map(func(r rune) rune {
		if isPicture(r) && !bothHave(r) {
			return -1
		}
		return r
	}, clean)
	lacks := strings.ContainsFunc(without, func(r rune) bool { return !bothHave(r) })
	switch {
	case !lacks && without == clean:
		return clean, nil
	case note == "":
		return "", errUnprintable
	}
	known, err := printable(note, "")
	if err != nil || lacks || strings.TrimSpace(without) == "" {
		return known, err
	}
	return strings.Join(strings.FieldsFunc(without, breaks), " ") + " – " + known, nil
}

func bothHave(r rune) bool { return regular.has(r) && bold.has(r) }

// breaks tells a blank where a line may end.
func breaks(r rune) bool { return r == ' ' }

// shown drops what draws nothing by itself, such as marks of direction, and makes
// blanks of tabs and line ends.
func shown(r rune) rune {
	switch {
	case unicode.IsControl(r), unicode.In(r, unicode.Zl, unicode.Zp):
		return ' '
	case unicode.In(r, unicode.Cf, unicode.Variation_Selector):
		return -1
	}
	return r
}

// isPicture tells emoji and other symbols, and what colours and frames them.
func isPicture(r rune) bool { return unicode.In(r, unicode.So, unicode.Sk, unicode.Me) }

// cut keeps a text to the length that the store allows.
func cut(s string) string {
	n := 0
	for i := range s {
		if n++; n > store.MaxText {
			return s[:i] + "…"
		}
	}
	return s
}
