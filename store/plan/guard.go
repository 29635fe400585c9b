package plan

import (
	"strings"
	"unicode"
)

// Guard makes a text that a spreadsheet would take for a formula one that it
// does not, by an apostrophe before it. Blanks before a formula do not help a
// spreadsheet to see a text, nor do full-width signs. A spreadsheet may also
// part cells by semicolons or tabs, whatever the file is written with, and then
// finds a cell after each of them: so an apostrophe goes there, too, and after
// the end of a line.
//
// [unguard] takes the apostrophes away: a text that has some already gets one
// more.
func Guard(text string) string {
	return guarding(text, func(cell string) (string, int) { return "'", 0 })
}

func unguard(cell string) string {
	return guarding(cell, func(cell string) (string, int) {
		if cell[0] == '\'' {
			return "", 1
		}
		return "", 0
	})
}

// guarding puts something at the beginning of each cell of a text that is taken
// for a formula, in the place of so many bytes. Whether one is does not depend on
// the apostrophes in it.
func guarding(text string, begin func(cell string) (put string, drop int)) string {
	var out strings.Builder
	done := 0
	for i := range len(text) {
		if i > 0 && !strings.Contains(cellEnds, text[i-1:i]) || !isFormula(text[i:]) {
			continue
		}
		put, drop := begin(text[i:])
		out.WriteString(text[done:i])
		out.WriteString(put)
		done = i + drop
	}
	out.WriteString(text[done:])
	return out.String()
}

// cellEnds are what a cell may end at in a spreadsheet, beside the comma, within
// which a text that has one is quoted.
const cellEnds = ";\t\r\n"

// isFormula reports whether a spreadsheet may take a cell for a formula. A quote
// at its beginning is one that the spreadsheet itself may take away. A tab and a
// carriage return at its beginning are taken for one, too.
func isFormula(cell string) bool {
	bare := strings.TrimLeft(cell, "'")
	if strings.HasPrefix(bare, "\t") || strings.HasPrefix(bare, "\r") {
		return true
	}
	for _, r := range cell {
		if r != '\'' && r != '"' && !isBlank(r) {
			return strings.ContainsRune("=+-@＝＋－＠﹦﹢﹣﹫", r)
		}
	}
	return false
}

// isBlank reports a character that cannot be seen.
func isBlank(r rune) bool {
	switch r {
	case '\u115f', '\u1160', '\u2800', '\u3164', '\uffa0': // letters and a pattern that are empty
		return true
	}
	return unicode.IsSpace(r) || unicode.In(r, unicode.Zs, unicode.Zl, unicode.Zp, unicode.Cc, unicode.Cf, unicode.Variation_Selector)
}
