package plan

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// letters are pairs of a lower-case letter and its spelling in ASCII. ASCII
// letters with an accent need no entry.
const letters = "ä ae ö oe ü ue ß ss æ ae œ oe ø o å a ł l đ d ð d þ th ı i ħ h ŋ ng " +
	"а a б b в v г g ґ g д d ђ dj е e є ye ё yo ж zh з z ѕ dz и i і i ї yi й y ј j к k л l љ lj м m н n њ nj " +
	"о o п p р r с s т t ћ c у u ў u ф f х kh ц ts ч ch џ dz ш sh щ shch ъ  ы y ь  э e ю yu я ya " +
	"α a β v γ g δ d ε e ζ z η i θ th ι i κ k λ l μ m ν n ξ x ο o π p ρ r σ s ς s τ t υ y φ f χ ch ψ ps ω o"

var inASCII = func() map[rune]string {
	pairs := strings.Split(letters, " ")
	table := map[rune]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		r, _ := utf8.DecodeRuneInString(pairs[i])
		table[r] = pairs[i+1]
	}
	return table
}()

// latin spells a text in ASCII as far as it can, for people to read: two texts
// may become the same. What has no spelling stays.
func latin(text string) string {
	if isASCII(text) {
		return text
	}
	var b strings.Builder
	for _, r := range norm.NFC.String(text) {
		if written, known := inLatin(r); known {
			b.WriteString(written)
			continue
		}
		for _, r := range norm.NFD.String(string(r)) { // an é is an e with a mark
			if written, known := inLatin(r); known {
				b.WriteString(written)
			} else if !unicode.Is(unicode.Mn, r) {
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}

// inLatin returns the spelling of a letter, capitalized if the letter is.
func inLatin(r rune) (string, bool) {
	small := unicode.ToLower(r)
	written, known := inASCII[small]
	if small != r && written != "" {
		written = strings.ToUpper(written[:1]) + written[1:]
	}
	return written, known
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
