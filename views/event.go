package views

import (
	"slices"

	"github.com/seatlock/seatlock/store"
)

// EventView is what the page of an event shows.
type EventView struct {
	Page Page
	// Seats are all seats that the page shows, in the plan's order, and Mine,
	// which must be set, tells which are the viewer's.
	Seats []store.Seat
	Mine  func(store.Seat) bool
	// Sections are the counts of all sections of the event. They, Basket and
	// Cursor belong to the same instant as Seats.
	Sections []Counts
	Basket   Basket
	Cursor   store.Cursor
	// Best is what the form for the best seats offers.
	Best BestView
	// Line is what to say in the status element, if anything; Refused tells
	// that it says why something was not done.
	Line    string
	Refused bool
	// NewVisitor tells that the answer with this page made the visitor's
	// identity: other tabs of the browser then ask for their streams anew.
	NewVisitor bool
	// Asset returns the path of a static file by its plain name.
	Asset func(name string) string
}

// title is a refusal first: a page that was not asked for says so to whoever
// only hears its title.
func (v EventView) title() string {
	title := v.Page.hall.event.Title
	if v.Page.only >= 0 {
		title = v.Page.section().name + " – " + title
	}
	if v.Refused {
		return v.Line + " – " + title
	}
	return title
}

func (v EventView) sections() []sectionView {
	var out []sectionView
	seats := v.Seats
	for _, i := range v.Page.Shows() {
		n := min(len(v.Page.hall.sections[i].seats), len(seats))
		out = append(out, v.Page.hall.section(i, seats[:n], v.Mine))
		seats = seats[n:]
	}
	return out
}

// legendLine is a kind of seat with how many there are; n is negative where
// that is not told.
type legendLine struct {
	class, name string
	n           int
}

// legendLines leave out what an overview has nothing of: one's own seats.
func (p Page) legendLines(n Counts) []legendLine {
	w := p.hall.Words
	lines := []legendLine{
		{"available", w.Say("Free"), n[store.Available]},
		{"locked mine", w.Say("Yours"), -1},
		{"booked mine", w.Say("Your booking"), -1},
		{"locked", w.Say("Held right now"), n.taken()},
		{"booked", w.Say("Sold"), n[store.Booked]},
		{"withheld", w.Say("Not for sale"), n.notForSale()},
	}
	if p.overview() {
		return slices.Delete(lines, 1, 3)
	}
	return lines
}

// outlook says what somebody who finds no free seat can hope for, or "".
func (w Words) outlook(n Counts) string {
	switch {
	case n[store.Available] > 0:
		return ""
	case n.taken() > 0:
		return w.Say("No seat is free right now. Others are still choosing: what they give back shows here at once.")
	default:
		return w.Say("Sold out. A seat that comes back shows here at once.")
	}
}
