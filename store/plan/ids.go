package plan

import (
	"crypto/sha256"
	"encoding/base32"
	"math"
	"strconv"
	"strings"

	"github.com/seatlock/seatlock/store"
)

// placeholder stands for an id that the file does not have. Its text
// distinguishes it from all others. It is never a valid id.
func placeholder(text string) string { return madeMark + text }

// seatPlaceholder is the placeholder for the id of a seat at a place.
func seatPlaceholder(section, row, seat string) string {
	return placeholder(placeMark + section + separator + row + separator + seat)
}

const (
	madeMark  = "\x00"
	placeMark = "\x01"
	separator = "\x1f" // in no text of a plan, so that no two places read the same
)

func isPlaceholder(id string) bool { return strings.HasPrefix(id, madeMark) }

func isSeatPlaceholder(id string) bool { return strings.HasPrefix(id, placeholder(placeMark)) }

// fileID returns an id of the file. It cannot be taken for a placeholder.
func fileID(id string) string { return strings.ReplaceAll(id, madeMark, "\ufffd") }

// name is what an id is made from.
type name struct {
	text  string // distinguishes it from all others; the hash is of this
	plain string // the readable part
	exact bool   // plain is the id, unless it is taken or another name wants it
}

// wordName is the name of a section or category.
func wordName(id, shown string) name {
	return name{strings.TrimPrefix(id, madeMark), slug(latin(strings.ToLower(shown))), isASCII(shown)}
}

// seatName is the name of a seat by its place, or by its number if the file has
// nothing else. If bare, the readable part leaves out the section.
func seatName(id string, bare bool) name {
	text := strings.TrimPrefix(id, madeMark)
	place, isPlace := strings.CutPrefix(text, placeMark)
	if !isPlace {
		if store.ValidID(text) {
			return name{text, text, true}
		}
		return name{text, slug(latin(text)), isASCII(text)}
	}
	section, rest, _ := strings.Cut(place, separator)
	shown := strings.ToLower(section) + separator + rest
	if bare {
		section, shown = "", rest
	}
	return name{text, slug(latin(shown)), isASCII(section + rest)}
}

// namer gives names their ids. They depend on the set of names and on the taken
// ids, but not on any order.
type namer struct {
	taken map[string]bool
	names map[string]name // by placeholder
}

func newNamer() namer { return namer{taken: map[string]bool{}, names: map[string]name{}} }

// ids returns the ids, by placeholder. A name that is not exact gets a hash of
// its text; so does one whose id is taken, and all that would share an id.
// Hashes grow until all ids differ.
func (n namer) ids() map[string]string {
	lengths := map[string]int{}
	for key, name := range n.names {
		if !name.exact {
			lengths[key] = shortHash
		}
	}
	for {
		claims := map[string][]string{}
		for key, name := range n.names {
			id := name.id(lengths[key])
			claims[id] = append(claims[id], key)
		}
		ids, clash := map[string]string{}, false
		for id, keys := range claims {
			if len(keys) == 1 && !n.taken[id] {
				ids[keys[0]] = id
				continue
			}
			lengthen(lengths, keys, n.taken[id])
			clash = true
		}
		if !clash {
			return ids
		}
	}
}

// lengthen gives a longer hash to the keys with the shortest one, or to all keys.
func lengthen(lengths map[string]int, keys []string, all bool) {
	shortest := math.MaxInt
	for _, key := range keys {
		shortest = min(shortest, lengths[key])
	}
	for _, key := range keys {
		if all || lengths[key] == shortest {
			lengths[key] = max(shortHash, 2*lengths[key])
		}
	}
}

const (
	maxPlain  = 56 // characters of an id without a hash
	shortHash = 8  // base32 letters
	longHash  = 52 // base32 letters of a whole SHA-256
	maxID     = 64
)

// id returns the plain name, cut to fit, with this many letters of the hash.
func (n name) id(hash int) string {
	if hash == 0 {
		return n.plain
	}
	text := n.text
	if hash > longHash { // a file gave even the id with the whole hash to another place
		text += separator + strconv.Itoa(hash)
		hash = longHash
	}
	sum := sha256.Sum256([]byte(text))
	letters := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))
	plain := strings.TrimRight(n.plain[:min(len(n.plain), maxID-1-hash)], "-.")
	return plain + "-" + letters[:hash]
}

// slug keeps the characters of a text that an id can have, with a dash for all
// between.
func slug(text string) string {
	parts := strings.FieldsFunc(text, func(r rune) bool { return r != '.' && !store.ValidID(string(r)) })
	joined := strings.Trim(strings.Join(parts, "-"), "-.")
	if joined == "" {
		return "x"
	}
	return joined[:min(len(joined), maxPlain)]
}
