package views

import (
	"math"
	"math/big"
	"slices"
	"strconv"
	"time"

	"github.com/seatlock/seatlock/store"
)

// Basket is what the viewer has now, by the store's clock.
type Basket struct {
	// Lock has the seats that are locked or being paid for. Its times are those of
	// the locked ones.
	Lock store.Lock
	// Bookings are the codes of what is booked for the viewer at the event.
	Bookings []string
	Now      time.Time
}

// BookingPath is where a booking is shown. A code needs no escaping.
func BookingPath(code string) string { return "/bookings/" + code }

// basketView is the basket as texts.
type basketView struct {
	hall         *Hall
	seats        []heldView // that are locked
	count, total string
	book         string // what the way to the checkout says, or "" where there is none
	bookings     []string
	paying       []heldView
	paid, due    string // how many are being paid for, and how much that is
	until        string // the time of day of the deadline
	deadline     string // the same for machines
	left         string // milliseconds to it
	running      bool   // the deadline is still ahead
	extend       bool   // the one extension is still to be had
	early        bool   // but is not yet offered
}

type heldView struct {
	id, where, price string
	booking          string // where its booking is, or ""
}

func (h *Hall) basket(b Basket) basketView {
	left := b.Lock.Deadline.Sub(b.Now)
	v := basketView{
		hall:     h,
		bookings: b.Bookings,
		until:    h.TimeOfDay(b.Lock.Deadline),
		deadline: b.Lock.Deadline.UTC().Format("2006-01-02T15:04:05.000Z"),
		left:     strconv.FormatInt(max(0, left.Milliseconds()), 10),
		running:  left > 0,
		early:    left > store.ExtendWindow,
	}
	total, due := new(big.Int), new(big.Int)
	// A seat that was added just now may be here before the plan that has it.
	seats := slices.DeleteFunc(slices.Clone(b.Lock.Seats), func(s store.Seat) bool { return h.seats[s.ID] == nil })
	slices.SortFunc(seats, func(a, b store.Seat) int { return h.seats[a.ID].order - h.seats[b.ID].order })
	for _, s := range seats {
		p := h.seats[s.ID]
		held, price := heldView{id: s.ID, where: p.where, price: h.categories[p.level].says}, big.NewInt(h.categories[p.level].price)
		if s.Status != store.Paying {
			v.seats = append(v.seats, held)
			total.Add(total, price)
			continue
		}
		if store.ValidCode(s.Booking) {
			held.booking = BookingPath(s.Booking)
		}
		v.paying = append(v.paying, held)
		due.Add(due, price)
	}
	v.extend = v.running && !b.Lock.Extended
	v.count, v.total = h.Say("%d seats", len(v.seats)), h.sum(total)
	if v.running && !h.event.OverAt(b.Now) {
		v.book = h.Say("Book %d seats, %s", len(v.seats), v.total)
	}
	v.paid, v.due = h.Say("%d seats are being paid for", len(v.paying)), h.sum(due)
	return v
}

// sum returns an amount that may be larger than any price, as text.
func (h *Hall) sum(total *big.Int) string {
	if !total.IsInt64() {
		return h.Say("more than %s", h.amount(math.MaxInt64, h.event.Currency))
	}
	return h.amount(total.Int64(), h.event.Currency)
}
