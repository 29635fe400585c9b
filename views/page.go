package views

import (
	"context"
	"fmt"

	"github.com/a-h/templ"

	"github.com/seatlock/seatlock/store"
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

// Counts are how many seats there are of each status, indexed by it.
type Counts [store.Statuses]int

// taken is what looks taken to everybody: locked, or being paid for.
func (n Counts) taken() int { return n[store.Locked] + n[store.Paying] }

// notForSale is what nobody can have, for whatever reason.
func (n Counts) notForSale() int { return n[store.Withheld] + n[store.Unknown] }

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

// large reports whether the hall has too many seats for one page.
func (h *Hall) large() bool { return len(h.seats) > MaxWhole }

// overview reports whether the page shows sections and no seats.
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
// own if mine, which they have locked, are paying for or have booked, and else as
// everybody sees it.
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

// AppendStatus appends one line for the status element as a fragment; refused
// lines are set apart from those that say what was done.
func AppendStatus(dst []byte, line string, refused bool) []byte {
	return appendComponent(dst, status(line, refused, true))
}

func appendComponent(dst []byte, c templ.Component) []byte {
	out := appender(dst)
	if err := c.Render(context.Background(), &out); err != nil {
		// Only a context that ended or a writer that fails can cause this.
		panic(fmt.Sprintf("render fragment: %v", err))
	}
	return out
}

// appender is a slice that is written to at its end.
type appender []byte

func (a *appender) Write(p []byte) (int, error) {
	*a = append(*a, p...)
	return len(p), nil
}
