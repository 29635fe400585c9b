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

// Count counts seats by status.
func Count(seats []store.Seat) (n Counts) {
	for _, s := range seats {
		n[s.Status]++
	}
	return n
}

// taken is what looks taken to everybody: locked, or being paid for.
func (n Counts) taken() int { return n[store.Locked] + n[store.Paying] }

// Basket is what the viewer has now, by the store's clock.
type Basket struct {
	Lock store.Lock
	Now  time.Time
}

// EventView is what the page of an event shows.
type EventView struct {
	Hall *Hall
	// Seats are all seats of the event, in the plan's order, and Mine, which
	// must be set, tells which are the viewer's.
	Seats []store.Seat
	Mine  func(store.Seat) bool
	// Counts, Basket and Cursor belong to the same instant as Seats.
	Counts Counts
	Basket Basket
	Cursor store.Cursor
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
	Halls []*Hall
	Now   time.Time
	Asset func(name string) string
}

// ErrorView is what a page says that could not be shown. Only Status and Asset
// must be set.
type ErrorView struct {
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
		return "That came from elsewhere"
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return "Nothing is playing here"
	case http.StatusConflict:
		return "That was not possible"
	case http.StatusTooManyRequests:
		return "A moment, please"
	case http.StatusServiceUnavailable:
		return "The box office is briefly closed"
	}
	if v.Status >= 500 {
		return "Something went wrong on our side"
	}
	return "We could not read that"
}

func (v ErrorView) text() string {
	if v.Text != "" {
		return v.Text
	}
	switch v.Status {
	case http.StatusForbidden:
		return "The request was sent from another site, so nothing was changed. Open the event here and choose again."
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return "The address may have a typing mistake, or the event is over. All events on sale are on the first page."
	case http.StatusConflict:
		return "Things have changed in the meantime, and nothing was done. Open the event again to see how they stand."
	case http.StatusTooManyRequests:
		return "Too many requests came from you or your network. Wait a few seconds, then try again."
	case http.StatusServiceUnavailable:
		return "We cannot look after seats right now. Seats that you hold stay yours until their time is over. Try again in a few seconds."
	}
	if v.Status >= 500 {
		return "It is not your fault, and it is noted. Go back to the event to see which seats are yours, then try again."
	}
	return "The request was incomplete or not in a form that we know, so nothing was changed. Go back and choose again."
}

// Sentence is what the page says, for where only a line fits.
func (v ErrorView) Sentence() string { return v.title() + ". " + v.text() }

func (v ErrorView) link() (href, label string) {
	if v.Link == "" {
		return "/", "All events"
	}
	return v.Link, v.Label
}

// title is a refusal first: a page that was not asked for says so to whoever
// only hears its title.
func (v EventView) title() string {
	if v.Refused {
		return v.Line + " – " + v.Hall.event.Title
	}
	return v.Hall.event.Title
}

func (v EventView) sections() []sectionView {
	out, seats := make([]sectionView, len(v.Hall.sections)), v.Seats
	for i, s := range v.Hall.sections {
		n := min(len(s.seats), len(seats))
		out[i], seats = v.Hall.section(i, seats[:n], v.Mine), seats[n:]
	}
	return out
}

func (h *Hall) starts() string { return h.at(h.event.Starts) }

// at says an instant as people at the venue say it.
func (h *Hall) at(t time.Time) string {
	return t.In(h.zone).Format("Monday 2 January 2006, 15:04 MST")
}

// Clock says an instant as the time of day at the venue, to the second.
func (h *Hall) Clock(t time.Time) string { return t.In(h.zone).Format("15:04:05") }

// prices says the range of what a seat costs.
func (h *Hall) prices() string {
	var all []int64
	for _, p := range h.seats {
		all = append(all, p.price)
	}
	low, high := price(slices.Min(all), h.event.Currency), price(slices.Max(all), h.event.Currency)
	if low == high {
		return low
	}
	return low + " to " + high
}

// evening is how long after its start an event is over for certain.
const evening = 6 * time.Hour

// Sales says when seats can be had if that is not now, or "".
func (h *Hall) Sales(now time.Time) string {
	switch e := h.event; {
	case !e.Starts.IsZero() && now.After(e.Starts.Add(evening)):
		return "This event has taken place."
	case e.OnSaleAt(now):
		return ""
	case !e.SalesOpen.IsZero() && now.Before(e.SalesOpen):
		return "Sales open on " + h.at(e.SalesOpen) + "."
	default:
		return "Sales closed on " + h.at(e.SalesClose) + "."
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
	seats := slices.Clone(b.Lock.Seats)
	slices.SortFunc(seats, func(a, b store.Seat) int { return h.seats[a.ID].order - h.seats[b.ID].order })
	for _, s := range seats {
		p := h.seats[s.ID]
		paying := s.Status == store.Paying
		v.seats = append(v.seats, heldView{id: s.ID, where: p.where, price: price(p.price, h.event.Currency), paying: paying})
		v.release = v.release || !paying
		total += p.price
	}
	v.extend = v.release && v.running && !b.Lock.Extended
	v.count, v.total = seatCount(len(seats)), amount(total, h.event.Currency)
	return v
}

func seatCount(n int) string {
	if n == 1 {
		return "1 seat"
	}
	return strconv.Itoa(n) + " seats"
}

// legendLine is a kind of seat with how many there are; n is negative where
// that is not told.
type legendLine struct {
	class, name string
	n           int
}

func legendLines(n Counts) []legendLine {
	return []legendLine{
		{"available", "Free", n[store.Available]},
		{"locked mine", "Yours", -1},
		{"locked", "Held right now", n.taken()},
		{"booked", "Sold", n[store.Booked]},
		{"withheld", "Not for sale", n[store.Withheld]},
	}
}

// outlook says what somebody who finds no free seat can hope for, or "".
func outlook(n Counts) string {
	switch {
	case n[store.Available] > 0:
		return ""
	case n.taken() > 0:
		return "No seat is free right now. Others are still choosing: what they give back shows here at once."
	default:
		return "Sold out. A seat that comes back shows here at once."
	}
}
