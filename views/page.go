package views

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// MaxWhole is the most seats that the page of an event shows all of; where
// there are more, it is an overview of the sections.
const MaxWhole = 1500

// Page is one page of a hall: the event's own, or that of one section. Its
// methods are safe for concurrent use; those that append fragments append what
// the page has, and nothing for what it does not show.
type Page struct {
	hall *Hall
	only int // the one section; -1 is the event's own page
}

// Page returns the page of a section, or with "" the event's own; ok is false
// if the hall has no such section.
func (h *Hall) Page(section string) (p Page, ok bool) {
	if section == "" {
		return Page{h, -1}, true
	}
	for i, s := range h.sections {
		if s.id == section {
			return Page{h, i}, len(s.seats) > 0
		}
	}
	return Page{}, false
}

// Hall returns the hall whose page it is.
func (p Page) Hall() *Hall { return p.hall }

// Section returns the id of the one section that the page is of, or "".
func (p Page) Section() string {
	if p.only < 0 {
		return ""
	}
	return p.section().id
}

func (p Page) section() section { return p.hall.sections[p.only] }

// Path is where the page is.
func (p Page) Path() string {
	if p.only < 0 {
		return p.hall.path("")
	}
	return p.hall.sectionPath(p.section())
}

func (h *Hall) sectionPath(s section) string { return h.path("sections/" + s.id) }

// With returns the page if it shows the seat, and else that of its section.
func (p Page) With(seat string) Page {
	if at, known := p.hall.seats[seat]; known && !p.shows(seat) {
		return Page{p.hall, at.section}
	}
	return p
}

// beside returns the page of the next section that has seats, in steps of one
// forwards or backwards.
func (p Page) beside(step int) (Page, bool) {
	for i := p.only + step; i >= 0 && i < len(p.hall.sections); i += step {
		if len(p.hall.sections[i].seats) > 0 {
			return Page{p.hall, i}, true
		}
	}
	return Page{}, false
}

// live is where the page's stream is, from a cursor on.
func (p Page) live(from store.Cursor) string {
	path := p.hall.path("live") + "?cursor=" + from.String() + "&lang=" + p.hall.Language().String()
	if p.only >= 0 {
		path += "&section=" + p.section().id
	}
	return path
}

// large tells that the hall has too many seats for one page.
func (h *Hall) large() bool { return len(h.seats) > MaxWhole }

// overview tells that the page shows sections and no seats.
func (p Page) overview() bool { return p.only < 0 && p.hall.large() }

// Shows returns the sections whose seats are on the page, by their places in
// [Hall.Sections].
func (p Page) Shows() []int {
	switch {
	case p.only >= 0:
		return []int{p.only}
	case p.hall.large():
		return nil
	}
	all := make([]int, len(p.hall.sections))
	for i := range all {
		all[i] = i
	}
	return all
}

func (p Page) shows(seat string) bool {
	at, known := p.hall.seats[seat]
	return known && !p.overview() && (p.only < 0 || p.only == at.section)
}

// counts are those of what the page is about.
func (p Page) counts(sections []Counts) (sum Counts) {
	for i, n := range sections {
		if p.only >= 0 && p.only != i {
			continue
		}
		for status := range n {
			sum[status] += n[status]
		}
	}
	return sum
}

// AppendSeat appends the seat as a fragment that replaces it: as the viewer's
// own if mine, and else as everybody sees it.
func (p Page) AppendSeat(dst []byte, s store.Seat, mine bool) []byte {
	if !p.shows(s.ID) {
		return dst
	}
	return appendSeat(dst, p.hall.seat(p.hall.seats[s.ID], s, mine), true)
}

// AppendSection appends all seats of a section, as everybody sees them, as one
// fragment. The seats are those of the section in the plan's order. The browser
// keeps a seat that it knows in a newer version, or as the viewer's own in the
// same version, unless this is part of a resync.
func (p Page) AppendSection(dst []byte, section int, seats []store.Seat, resync bool) []byte {
	nobody := func(store.Seat) bool { return false }
	return appendComponent(dst, sectionPartial(p.hall.section(section, seats, nobody), resync))
}

// AppendSummary appends what the page tells of how many seats there are:
// sections are the counts of all, changed those that may have others than the
// page.
func (p Page) AppendSummary(dst []byte, sections []Counts, changed []int) []byte {
	concerned := p.only < 0
	for _, i := range changed {
		concerned = concerned || i == p.only
		if p.overview() && i < len(p.hall.sections) {
			part := p.hall.part(i, sections[i])
			dst = appendComponent(dst, partShape(part, true))
			dst = appendComponent(dst, partLine(part, true))
		}
	}
	if !concerned {
		return dst
	}
	counts := p.counts(sections)
	dst = appendComponent(dst, legend(p, counts, true))
	return appendComponent(dst, outlookLine(p.hall.outlook(counts), true))
}

// AppendBasket appends the viewer's basket as a fragment.
func (p Page) AppendBasket(dst []byte, b Basket) []byte {
	return appendComponent(dst, basket(p, p.hall.basket(b), true))
}

// sheet is a stylesheet and the name that its content gives it.
type sheet struct{ path string }

// drawSheets makes the stylesheet of each page.
func (h *Hall) drawSheets(p plan.Plan, levels map[string]int) {
	h.sheets = map[string][]byte{}
	if h.large() {
		h.whole = h.keep(overviewSheet(p))
	} else {
		h.whole = h.keep(stylesheet(p, levels))
	}
	for i, s := range h.sections {
		if alone, ok := p.Section(s.id); ok {
			h.sections[i].sheet = h.keep(stylesheet(alone, levels))
		}
	}
}

func (h *Hall) keep(css []byte) sheet {
	sum := sha256.Sum256(css)
	name := "plan-" + hex.EncodeToString(sum[:8]) + ".css"
	h.sheets[name] = css
	return sheet{h.path(name)}
}

// Sheet returns the stylesheet with this name: where seats, labels and the
// stage are. It is the same for the same name. The caller must not change it.
func (h *Hall) Sheet(name string) (css []byte, ok bool) {
	css, ok = h.sheets[name]
	return css, ok
}

// CSSPath is where the page asks for its [Hall.Sheet].
func (p Page) CSSPath() string {
	if p.only < 0 {
		return p.hall.whole.path
	}
	return p.section().sheet.path
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

// partView is a section on the overview.
type partView struct {
	id, name, short, href, prices string
	number, free                  string // how many are free: to point at, and in words
	class                         string
}

func (h *Hall) part(i int, n Counts) partView {
	s := h.sections[i]
	v := partView{id: s.id, name: s.name, short: s.short, href: h.sectionPath(s), prices: h.between(s.low, s.high),
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
