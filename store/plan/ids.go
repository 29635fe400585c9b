package plan

import (
	"strconv"
	"strings"

	"github.com/seatlock/seatlock/store"
)

// namer makes ids of texts from formats that have none of ours: the same id for
// the same text, and different ones for different texts.
type namer struct {
	ids  map[string]string // by text
	last map[string]int    // by id: the number of its last namesake; none if it is free
}

func newNamer() namer { return namer{ids: map[string]string{}, last: map[string]int{}} }

// id returns the text itself where it can be an id.
func (n namer) id(text string) string {
	if store.ValidID(text) {
		return n.named(text, text)
	}
	return n.named(text, slug(text))
}

// word returns an id in small letters.
func (n namer) word(text string) string { return n.named(text, slug(strings.ToLower(text))) }

func (n namer) named(text, wish string) string {
	id, known := n.ids[text]
	if !known {
		id = n.fresh(wish)
		n.ids[text] = id
	}
	return id
}

// fresh returns an id that nothing has yet: the wish, or the wish with a number.
func (n namer) fresh(wish string) string {
	id := wish
	for n.last[id] > 0 {
		n.last[wish]++
		id = wish[:min(len(wish), maxSlug)] + "-" + strconv.Itoa(n.last[wish])
	}
	n.last[id] = 1
	return id
}

// seatID names a seat by where it is. Where there is one section only, that
// need not be told.
func (n namer) seatID(section, row, seat string, sections int) string {
	const apart = "\x1f" // in no text of a plan: no two seats read the same
	if sections > 1 {
		return n.id(strings.ToLower(section) + apart + row + apart + seat)
	}
	return n.id(row + apart + seat)
}

const maxSlug = 56 // leaves room for a number

// slug keeps of a text what an id can have, with a dash for all between.
func slug(text string) string {
	parts := strings.FieldsFunc(text, func(r rune) bool { return r != '.' && !store.ValidID(string(r)) })
	joined := strings.Trim(strings.Join(parts, "-"), "-.")
	if joined == "" {
		return "x"
	}
	return joined[:min(len(joined), maxSlug)]
}
