package plan

import (
	"crypto/sha256"
	"encoding/base32"
	"math"
	"strconv"
	"strings"

	"github.com/seatlock/seatlock/store"
)

// made stands for an id that is still to be made, because the file has none. It
// holds the text that tells what it names from all others, and is no valid id.
func made(text string) string { return madeMark + text }

// madePlace is made for a seat that its place tells from others.
func madePlace(section, row, seat string) string {
	return made(placeMark + section + apart + row + apart + seat)
}

const (
	madeMark  = "\x00"
	placeMark = "\x01"
	apart     = "\x1f" // in no text of a plan: no two places read the same
)

func isMade(id string) bool { return strings.HasPrefix(id, madeMark) }

func isPlace(id string) bool { return strings.HasPrefix(id, made(placeMark)) }

// own returns an id that a file has. It cannot be taken for one to be made.
func own(id string) string { return strings.ReplaceAll(id, madeMark, "\ufffd") }

// name is what an id is made of.
type name struct {
	text  string // that tells it from others: the hash is of this
	plain string // what people can read
	exact bool   // plain is the id, as long as nothing else wants it
}

// wordName is the name of a section or category.
func wordName(id, shown string) name {
	return name{strings.TrimPrefix(id, madeMark), slug(latin(strings.ToLower(shown))), isASCII(shown)}
}

// seatName is the name of a seat by its place, or by its number where a file
// has nothing else. The section is left out of what people read if it is bare.
func seatName(id string, bare bool) name {
	text := strings.TrimPrefix(id, madeMark)
	place, isPlace := strings.CutPrefix(text, placeMark)
	if !isPlace {
		if store.ValidID(text) {
			return name{text, text, true}
		}
		return name{text, slug(latin(text)), isASCII(text)}
	}
	section, rest, _ := strings.Cut(place, apart)
	shown := strings.ToLower(section) + apart + rest
	if bare {
		section, shown = "", rest
	}
	return name{text, slug(latin(shown)), isASCII(section + rest)}
}

// namer gives names their ids. Which, depends on the set of names and on what is
// taken, and not on any order.
type namer struct {
	taken map[string]bool
	names map[string]name // by what stands for the id
}

func newNamer() namer { return namer{taken: map[string]bool{}, names: map[string]name{}} }

// ids returns an id for each name, by what stands for it. A name that is not
// exact gets a hash of its text; so does one whose id is taken, and all those
// that would share one. Hashes that are too short for that grow.
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

// lengthen gives those of the keys with the shortest hash a longer one, or all
// of them.
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
	maxPlain  = 56 // letters of an id without a hash
	shortHash = 8  // letters of five bits
	longHash  = 52 // a whole SHA-256
	maxID     = 64
)

// id returns the plain name, cut, with so many letters of the hash.
func (n name) id(hash int) string {
	if hash == 0 {
		return n.plain
	}
	text := n.text
	if hash > longHash { // somebody has given this id to another place
		text += apart + strconv.Itoa(hash)
		hash = longHash
	}
	sum := sha256.Sum256([]byte(text))
	letters := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))
	plain := strings.TrimRight(n.plain[:min(len(n.plain), maxID-1-hash)], "-.")
	return plain + "-" + letters[:hash]
}

// slug keeps of a text what an id can have, with a dash for all between.
func slug(text string) string {
	parts := strings.FieldsFunc(text, func(r rune) bool { return r != '.' && !store.ValidID(string(r)) })
	joined := strings.Trim(strings.Join(parts, "-"), "-.")
	if joined == "" {
		return "x"
	}
	return joined[:min(len(joined), maxPlain)]
}
