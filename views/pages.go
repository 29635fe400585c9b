package views

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/seatlock/seatlock/store"
)

// Counts are how many seats there are of each status, indexed by it.
type Counts [5]int

// taken is what looks taken to everybody: locked, or being paid for.
func (n Counts) taken() int { return n[store.Locked] + n[store.Paying] }

// Basket is what the viewer has now, by the store's clock.
type Basket struct {
	Lock store.Lock
	Now  time.Time
}

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

// EventsView is what the list of events shows.
type EventsView struct {
	Words
	Halls []*Hall
	Now   time.Time
	Asset func(name string) string
}

// ErrorView is what a page says that could not be shown. Only Words, Status and
// Asset must be set.
type ErrorView struct {
	Words
	Status int
	// Text is what went wrong and what to do next; "" is a sentence that fits
	// the status.
	Text string
	// Link is where to go from here, and Label the words for it; "" is the
	// list of events.
	Link, Label string
	Asset       func(name string) string
}

func (v ErrorView) title() string {
	switch v.Status {
	case http.StatusForbidden:
		return v.Say("That came from elsewhere")
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return v.Say("Nothing is playing here")
	case http.StatusConflict:
		return v.Say("That was not possible")
	case http.StatusTooManyRequests:
		return v.Say("A moment, please")
	case http.StatusServiceUnavailable:
		return v.Say("The box office is briefly closed")
	}
	if v.Status >= 500 {
		return v.Say("Something went wrong on our side")
	}
	return v.Say("We could not read that")
}

func (v ErrorView) text() string {
	if v.Text != "" {
		return v.Text
	}
	switch v.Status {
	case http.StatusForbidden:
		return v.Say("The request was sent from another site, so nothing was changed. Open the event here and choose again.")
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return v.Say("The address may have a typing mistake, or the event is over. All events on sale are on the first page.")
	case http.StatusConflict:
		return v.Say("Things have changed in the meantime, and nothing was done. Open the event again to see how they stand.")
	case http.StatusTooManyRequests:
		return v.Say("Too many requests came from you or your network. Wait a few seconds, then try again.")
	case http.StatusServiceUnavailable:
		return v.Say("We cannot look after seats right now. Seats that you hold stay yours until their time is over. Try again in a few seconds.")
	}
	if v.Status >= 500 {
		return v.Say("It is not your fault, and it is noted. Go back to the event to see which seats are yours, then try again.")
	}
	return v.Say("The request was incomplete or not in a form that we know, so nothing was changed. Go back and choose again.")
}

// Sentence is what the page says, for where only a line fits.
func (v ErrorView) Sentence() string { return v.title() + ". " + v.text() }

func (v ErrorView) link() (href, label string) {
	if v.Link == "" {
		return "/", v.Say("All events")
	}
	return v.Link, v.Label
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

func (h *Hall) starts() string { return h.at(h.event.Starts) }

// at says an instant as people at the venue say it.
func (h *Hall) at(t time.Time) string {
	return h.date(t.In(h.zone))
}

// Clock says an instant as the time of day at the venue, to the second.
func (h *Hall) Clock(t time.Time) string { return t.In(h.zone).Format("15:04:05") }

// prices says the range of what a seat costs.
func (h *Hall) prices() string { return h.between(h.low, h.high) }

func (h *Hall) between(low, high int64) string {
	if low == high {
		return h.price(low, h.event.Currency)
	}
	return h.Say("%s to %s", h.price(low, h.event.Currency), h.price(high, h.event.Currency))
}

func (h *Hall) priceRange(seats []*place) (low, high int64) {
	for i, p := range seats {
		costs := h.categories[p.level].price
		if i == 0 {
			low, high = costs, costs
		}
		low, high = min(low, costs), max(high, costs)
	}
	return low, high
}

// Sales says when seats can be had if that is not now, or "".
func (h *Hall) Sales(now time.Time) string {
	switch e := h.event; {
	case e.OverAt(now):
		return h.Say("This event has taken place.")
	case e.OnSaleAt(now):
		return ""
	case !e.SalesOpen.IsZero() && now.Before(e.SalesOpen):
		return h.Say("Sales open on %s.", h.at(e.SalesOpen))
	default:
		return h.Say("Sales closed on %s.", h.at(e.SalesClose))
	}
}

// basketView is the basket in words.
type basketView struct {
	hall         *Hall
	seats        []heldView
	count, total string
	until        string // the clock time of the deadline
	deadline     string // the same for machines
	left         string // milliseconds to it
	running      bool   // the deadline is still ahead
	extend       bool   // the one extension is still to be had
	early        bool   // but is not yet offered
	release      bool   // some seat can be given back
}

type heldView struct {
	id, where, price string
	paying           bool
}

func (h *Hall) basket(b Basket) basketView {
	left := b.Lock.Deadline.Sub(b.Now)
	v := basketView{
		hall:     h,
		until:    h.Clock(b.Lock.Deadline),
		deadline: b.Lock.Deadline.UTC().Format("2006-01-02T15:04:05.000Z"),
		left:     strconv.FormatInt(max(0, left.Milliseconds()), 10),
		running:  left > 0,
		early:    left > store.ExtendWindow,
	}
	var total int64
	// A seat that was added just now may be here before the plan that has it.
	seats := slices.DeleteFunc(slices.Clone(b.Lock.Seats), func(s store.Seat) bool { return h.seats[s.ID] == nil })
	slices.SortFunc(seats, func(a, b store.Seat) int { return h.seats[a.ID].order - h.seats[b.ID].order })
	for _, s := range seats {
		p := h.seats[s.ID]
		paying := s.Status == store.Paying
		v.seats = append(v.seats, heldView{id: s.ID, where: p.where, price: h.categories[p.level].says, paying: paying})
		v.release = v.release || !paying
		total += h.categories[p.level].price
	}
	v.extend = v.release && v.running && !b.Lock.Extended
	v.count, v.total = h.Say("%d seats", len(seats)), h.amount(total, h.event.Currency)
	return v
}

// legendLine is a kind of seat with how many there are; n is negative where
// that is not told.
type legendLine struct {
	class, name string
	n           int
}

func (w Words) legendLines(n Counts) []legendLine {
	return []legendLine{
		{"available", w.Say("Free"), n[store.Available]},
		{"locked mine", w.Say("Yours"), -1},
		{"locked", w.Say("Held right now"), n.taken()},
		{"booked", w.Say("Sold"), n[store.Booked]},
		{"withheld", w.Say("Not for sale"), n[store.Withheld]},
	}
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
