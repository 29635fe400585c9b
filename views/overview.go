package views

import (
	"strings"

	"github.com/seatlock/seatlock/store"
)

// partView is a section on the overview.
type partView struct {
	id, name, short, href, prices string
	number, free                  string // how many are free: to point at, and in words
	class                         string
}

func (h *Hall) part(i int, n Counts) partView {
	s := h.sections[i]
	v := partView{id: s.id, name: s.name, short: s.short, href: h.sectionPath(s), prices: h.says(s.costs),
		number: h.number(n[store.Available]), free: h.Say("none free"), class: plenty(n[store.Available], len(s.seats))}
	if n[store.Available] > 0 {
		v.free = h.Say("%s free", v.number)
	}
	return v
}

// plenty says in a class how many of the seats are free.
func plenty(free, all int) string {
	switch {
	case free == 0:
		return "none"
	case free*10 < all:
		return "few"
	case free*2 < all:
		return "some"
	default:
		return "many"
	}
}

// parts are the sections that have seats.
func (v EventView) parts() []partView {
	var out []partView
	for i, s := range v.Page.hall.sections {
		if len(s.seats) > 0 && i < len(v.Sections) {
			out = append(out, v.Page.hall.part(i, v.Sections[i]))
		}
	}
	return out
}

// shorten finds short names: what is left without the words that all begin
// with, such as "101" of "Block 101".
func (h *Hall) shorten() {
	first := strings.Fields(h.sections[0].name)
	common := len(first) - 1
	for _, s := range h.sections {
		words := strings.Fields(s.name)
		same := 0
		for same < min(common, len(words)-1) && words[same] == first[same] {
			same++
		}
		common = same
	}
	for i, s := range h.sections {
		h.sections[i].short = strings.Join(strings.Fields(s.name)[max(common, 0):], " ")
	}
}
