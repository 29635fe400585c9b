package store

import (
	"fmt"
	"strings"
	"unicode"
)

// maxMarks is how many marks one letter may carry: Vietnamese and Hebrew need
// up to three or four.
const maxMarks = 4

// CheckText returns what makes a text that [ValidText] accepts unfit as a
// title, a name or a label; nil if nothing does. Joiners and
// variation selectors are fit: emoji and many scripts need them.
//
// It is for new texts: a store may have others from earlier.
func CheckText(s string) error {
	if !strings.ContainsFunc(s, visible) {
		return fmt.Errorf("%+q has no visible character", cut(s))
	}
	if strings.ContainsFunc(withoutFlags(s), tag) {
		return fmt.Errorf("%q has tag characters that are no flag", cut(s))
	}
	marks := 0
	for _, r := range s {
		switch {
		case unicode.Is(unicode.Variation_Selector, r), unicode.Is(unicode.Cf, r): // of the same letter
		case !unicode.IsMark(r):
			marks = 0
		default:
			if marks++; marks > maxMarks {
				return fmt.Errorf("%q has more than %d combining marks on one letter", cut(s), maxMarks)
			}
		}
	}
	return nil
}

// cut keeps what an error quotes short.
func cut(s string) string {
	const most = 40
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "…"
		}
	}
	return s
}

// blanks are characters of letters and symbols that draw nothing.
var blanks = []rune{
	0x115F, 0x1160, 0x3164, 0xFFA0, // fillers of Hangul
	0x2800,                             // braille without a dot
	0x13441, 0x13442, 0x16FE4, 0x1D159, // blanks and fillers of rare scripts, and a note without a head
	0xFFFC, // what stands for an object that is not there
}

// visible reports whether a character by itself draws something. Private-use
// characters do so nowhere for certain.
func visible(r rune) bool {
	switch {
	case unicode.IsSpace(r), unicode.IsMark(r), unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Co, unicode.Z),
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point):
		return false
	}
	for _, blank := range blanks {
		if r == blank {
			return false
		}
	}
	return true
}

func tag(r rune) bool { return r >= 0xE0000 && r <= 0xE007F }

// withoutFlags returns s without the flags that are written with tags: a black
// flag, three to six letters and digits as tags, and the tag that ends them.
func withoutFlags(s string) string {
	const flag, end = '\U0001F3F4', 0xE007F
	all := []rune(s)
	var rest []rune
	for i := 0; i < len(all); i++ {
		rest = append(rest, all[i])
		if all[i] != flag {
			continue
		}
		k := i + 1
		for k < len(all) && regionTag(all[k]) {
			k++
		}
		if n := k - i - 1; n >= 3 && n <= 6 && k < len(all) && all[k] == end {
			i = k
		}
	}
	return string(rest)
}

// regionTag reports whether r is a tag of a to z or 0 to 9, which name regions.
func regionTag(r rune) bool {
	return r >= 0xE0030 && r <= 0xE0039 || r >= 0xE0061 && r <= 0xE007A
}
