package checkout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seatlock/seatlock/store"
)

// House is the way to pay for bookings that the house has made: it already has
// the money.
const House = "house"

// Sale is a request of the house to sell seats.
type Sale struct {
	Event string
	// Seats are the ids of the seats, and Tariffs the ids of tariffs other than
	// the default, by seat.
	Seats   []string
	Tariffs map[string]string
	// Comp means that all seats are given away; there are then no tariffs.
	Comp   bool
	Person store.Person
	// Code is that of the new booking; see [store.NewCode].
	Code string
}

// CompTariff is the tariff of what the house gives away.
const CompTariff = "comp"

// Sell is [store.Store.Sell] with the present prices of the event: each seat at
// its tariff, or for nothing. It returns the lines as they were sold, also for
// a repeat.
//
// Refused, beside what is refused there: store.ErrTariff as
// [store.Event.CheckTariffs]; store.ErrWithheld for a seat of a category without a
// price, which can only be given away.
func (c *Checkout) Sell(ctx context.Context, s Sale) (lines []store.Line, err error) {
	s.Seats = store.Distinct(s.Seats)
	b, err := c.store.Booking(ctx, s.Code)
	if err == nil && b.Event == s.Event && store.SameIDs(store.Seats(b.Lines), s.Seats) {
		return b.Lines, nil // whatever has become of the prices
	}
	if err != nil && !errors.Is(err, store.ErrNoBooking) {
		return nil, err
	}
	err = store.ErrStale
	for tries := 0; errors.Is(err, store.ErrStale) && tries < maxStale; tries++ {
		lines, err = c.sellOnce(ctx, s)
	}
	return lines, err
}

func (c *Checkout) sellOnce(ctx context.Context, s Sale) ([]store.Line, error) {
	e, places, err := c.eventWithPlaces(ctx, s.Event)
	if err != nil {
		return nil, err
	}
	lines, err := s.lines(e, places)
	if err != nil {
		return nil, err
	}
	_, err = c.store.Sell(ctx, store.SellRequest{
		Event: s.Event, Code: s.Code, Lines: lines, Revision: e.Revision, Person: s.Person, Provider: House,
	})
	if err != nil {
		return nil, err
	}
	return lines, nil
}

// lines returns the seats as they are sold by this revision of the event.
func (s Sale) lines(e store.Event, places map[string]place) (lines []store.Line, err error) {
	for seat, tariff := range s.Tariffs {
		if s.Comp || !slices.Contains(s.Seats, seat) {
			return nil, store.NoTariff(seat, tariff)
		}
	}
	var chosen []store.Chosen
	for _, id := range s.Seats {
		at, known := places[id]
		_, sold := e.Prices[at.category]
		tariff := cmp.Or(s.Tariffs[id], e.DefaultTariff(at.category))
		line, has := at.as(e, tariff)
		switch {
		case !known:
			return nil, fmt.Errorf("%w: %s", store.ErrNoSeat, id)
		case s.Comp:
			line = at.line
			line.Tariff, line.TariffName = CompTariff, "Complimentary"
		case !sold:
			return nil, fmt.Errorf("%w: seat %s: its category has no price", store.ErrWithheld, id)
		case !has:
			return nil, store.NoTariff(id, tariff)
		default:
			chosen = append(chosen, at.chosen(tariff))
		}
		lines = append(lines, line)
	}
	return lines, e.CheckTariffs(chosen)
}

// Moved is the result of a move.
type Moved struct {
	store.BookingOutcome
	// Paid is what the old seat was sold for, which stays the price of the line.
	// Price is the present price of the new seat at the same tariff; Priced is
	// false if it does not have that tariff.
	Paid, Price int64
	Priced      bool
}

// Move is [store.Store.Move] to a seat of the booking's event, by its id.
func (c *Checkout) Move(ctx context.Context, code, from, to string) (m Moved, err error) {
	err = store.ErrStale
	for tries := 0; errors.Is(err, store.ErrStale) && tries < maxStale; tries++ {
		m, err = c.moveOnce(ctx, code, from, to)
	}
	return m, err
}

func (c *Checkout) moveOnce(ctx context.Context, code, from, to string) (m Moved, err error) {
	b, err := c.store.Booking(ctx, code)
	if err != nil {
		return m, err
	}
	e, places, err := c.eventWithPlaces(ctx, b.Event)
	if err != nil {
		return m, err
	}
	at, known := places[to]
	if !known {
		return m, fmt.Errorf("%w: %s", store.ErrNoSeat, to)
	}
	m.BookingOutcome, err = c.store.Move(ctx, store.MoveRequest{Code: code, From: from, To: at.line, Revision: e.Revision})
	for _, l := range m.Booking.Kept() {
		if l.Seat == to && err == nil {
			m.Paid = l.Price
			m.Price, m.Priced = at.priceNow(e, l)
		}
	}
	return m, err
}

// priceNow returns the price of the place at the tariff of a line. A seat that
// was given away costs nothing anywhere, unless the event has a tariff of that
// name.
func (p place) priceNow(e store.Event, l store.Line) (price int64, ok bool) {
	if _, own := e.Tariff(CompTariff); l.Tariff == CompTariff && !own {
		return 0, true
	}
	return e.PriceAs(p.category, l.Tariff)
}

// eventWithPlaces returns store.ErrStale if seats were added between its two
// reads.
func (c *Checkout) eventWithPlaces(ctx context.Context, id string) (store.Event, map[string]place, error) {
	e, err := c.store.Event(ctx, id)
	if err != nil {
		return e, nil, err
	}
	places, err := c.places.of(ctx, e.Plan)
	return e, places, err
}
