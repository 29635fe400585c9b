package views

import (
	"fmt"
	"slices"

	"golang.org/x/text/language"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// Hall is everything of an event that does not change with its seats, prepared
// once in one language: texts, names, prices and geometry. It is immutable and
// safe for concurrent use.
type Hall struct {
	Billing
	stage      string // "" if the plan draws none
	sections   []section
	categories []category
	seats      map[string]*place
	accessible bool   // there are wheelchair places
	sheet      string // where the stylesheet of the event's own page is
	sheets     map[string][]byte
	ends       endings
}

type section struct {
	id, name string
	short    string // where there is no room for the name
	rows     []row
	seats    []*place
	costs    prices
	sheet    string // where the stylesheet of the section's own page is
}

type row struct {
	id, label string
	seats     int
}

type category struct {
	id     string
	name   string
	price  int64
	priced bool   // it has a price: without one it is not for sale
	says   string // the price in words
}

// place is what is always true of a seat.
type place struct {
	id          string
	order       int // in the plan
	section     int // index of it
	number, row string
	properties  []plan.Property
	level       int    // index of the category
	where       string // "Row A seat 1", with the section if there are several
	name        string // what it is to somebody who can take it
}

// endings are how the names end of seats that cannot be had, or are the viewer's.
type endings struct{ paying, booked, taken, sold, withheld string }

// NewHall prepares an event with its plan, in English. It refuses a plan
// without seats, with an id that cannot be one or stands twice, and with a seat
// whose category the plan does not have; and an event whose zone is unknown.
func NewHall(e store.Event, p plan.Plan) (*Hall, error) {
	billing, err := NewBilling(e, In(language.English))
	if err != nil {
		return nil, fmt.Errorf("hall: %w", err)
	}
	h := &Hall{Billing: billing, seats: map[string]*place{}}
	if p.Stage != nil {
		h.stage = p.Stage.Label
	}
	levels := map[string]int{}
	for i, c := range p.Categories {
		levels[c.ID] = i
		price, priced := e.PriceAs(c.ID, e.DefaultTariff(c.ID))
		h.categories = append(h.categories, category{id: c.ID, name: c.Name, price: price, priced: priced})
	}
	for _, s := range p.Sections {
		if err := h.add(s, levels); err != nil {
			return nil, fmt.Errorf("hall of %s: section %q: %w", e.ID, s.ID, err)
		}
	}
	if len(h.seats) == 0 {
		return nil, fmt.Errorf("hall of %s: plan has no seats", e.ID)
	}
	h.costs = prices{}
	for _, p := range h.seats {
		h.addPrice(&h.costs, p)
	}
	h.drawSheets(p, levels)
	h.shorten()
	return h.In(language.English), nil
}

func (h *Hall) add(s plan.Section, levels map[string]int) error {
	if !store.ValidID(s.ID) || slices.ContainsFunc(h.sections, func(o section) bool { return o.id == s.ID }) {
		return fmt.Errorf("id is not valid, or stands twice")
	}
	out := section{id: s.ID, name: s.Name}
	for i, r := range s.Rows {
		line := row{id: rowID(s.ID, i), label: r.Label}
		for _, seat := range r.Seats {
			level, known := levels[seat.Category]
			twice := h.seats[seat.ID] != nil
			switch {
			case !store.ValidID(seat.ID) || twice:
				return fmt.Errorf("seat id %q is not valid, or stands twice", seat.ID)
			case !known:
				return fmt.Errorf("seat %q: category %q is not in the plan", seat.ID, seat.Category)
			}
			p := &place{id: seat.ID, order: len(h.seats), number: seat.Label, row: r.Label, section: len(h.sections),
				properties: seat.Properties, level: level}
			h.seats[seat.ID] = p
			h.accessible = h.accessible || slices.Contains(seat.Properties, plan.Accessible)
			h.addPrice(&out.costs, p)
			out.seats = append(out.seats, p)
		}
		line.seats = len(r.Seats)
		out.rows = append(out.rows, line)
	}
	h.sections = append(h.sections, out)
	return nil
}

// In returns the same hall in another language.
func (h *Hall) In(tag language.Tag) *Hall { return h.in(In(tag)) }

func (h *Hall) in(w Words) *Hall {
	in := *h
	in.Words = w
	in.ends = endings{in.Say(", being paid for"), in.Say(", your booking"), in.Say(", taken"), in.Say(", sold"), in.Say(", not for sale")}
	in.categories = slices.Clone(h.categories)
	for i := range in.categories {
		if in.categories[i].says = in.Say("not for sale"); in.categories[i].priced {
			in.categories[i].says = in.price(in.categories[i].price, in.event.Currency)
		}
	}
	in.seats = make(map[string]*place, len(h.seats))
	in.sections = slices.Clone(h.sections)
	var texts []*string
	for i, s := range h.sections {
		places := make([]place, len(s.seats))
		in.sections[i].seats = make([]*place, len(s.seats))
		for j, was := range s.seats {
			p := &places[j]
			*p = *was
			p.where, p.name = in.where(*p), in.name(*p)
			in.sections[i].seats[j], in.seats[p.id] = p, p
			texts = append(texts, &p.where, &p.name)
		}
	}
	plan.Pack(texts)
	return &in
}

// where is how a seat is called in a sentence.
func (h *Hall) where(p place) string {
	if len(h.sections) > 1 {
		return h.Say("%s row %s seat %s", h.sections[p.section].name, p.row, p.number)
	}
	return h.Say("Row %s seat %s", p.row, p.number)
}

func (h *Hall) name(p place) string {
	name := h.Say("Row %s seat %s", p.row, p.number) + ", " + h.sections[p.section].name
	if c := h.categories[p.level]; c.priced {
		name += ", " + c.says
	}
	for _, property := range p.properties {
		switch property {
		case plan.Accessible:
			name += h.Say(", wheelchair place")
		case plan.Companion:
			name += h.Say(", companion seat")
		case plan.Restricted:
			name += h.Say(", restricted view")
		}
	}
	return name
}

// Event returns the event that the hall was made for.
func (h *Hall) Event() store.Event { return h.event }

// Sections returns the seat ids of each section, in the plan's order.
func (h *Hall) Sections() [][]string {
	ids := make([][]string, len(h.sections))
	for i, s := range h.sections {
		for _, p := range s.seats {
			ids[i] = append(ids[i], p.id)
		}
	}
	return ids
}

// SeatName returns the name of a seat in a sentence, such as "Row A seat 1", or
// "" for a seat that the plan does not have.
func (h *Hall) SeatName(id string) string {
	if p := h.seats[id]; p != nil {
		return p.where
	}
	return ""
}

// Status returns what a seat counts as: its own status, but one that is free
// and has no price is not for sale.
func (h *Hall) Status(s store.Seat) store.Status {
	if s.Status == store.Available && !h.Priced(s.ID) {
		return store.Withheld
	}
	return s.Status
}

// Priced reports whether a seat has a price, and so is for sale if it is free.
func (h *Hall) Priced(id string) bool {
	p := h.seats[id]
	return p != nil && h.categories[p.level].priced
}

func (h *Hall) addPrice(to *prices, p *place) {
	if c := h.categories[p.level]; c.priced {
		to.add(c.price)
	}
}
