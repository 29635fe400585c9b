package store

import (
	"context"
	"fmt"
	"slices"
)

// MoveRequest moves a booking from one of its seats to another.
type MoveRequest struct {
	Code, From string
	// To is the new seat as it is in this revision of the event, with the tariff
	// and price of the old one.
	To       Line
	Revision int64
}

// Move replaces a seat of the booking with another, and frees the old one.
// Tariff and price stay as they were sold: no money is moved. The new seat has
// a new ticket; a seat that is checked in stays so.
//
// Not found: ErrNoBooking; ErrNoSeat for a seat that it does not have, or that
// the event does not. Refused: ErrPaying, ErrEnded; ErrTaken or ErrBooked if
// somebody has the new seat, ErrInUse if the booking had it before and
// cancelled it. A withheld seat is allowed.
// Concurrent: ErrStale if the event has another revision; of all callers for
// the new seat one gets it.
// Repeat: a booking that already has the new seat instead of the old one stays
// as it is.
func (s *Store) Move(ctx context.Context, r MoveRequest) (BookingOutcome, error) {
	what := "move booking " + r.Code
	if err := validateSeatIDs([]string{r.From, r.To.Seat}); err != nil {
		return BookingOutcome{}, fmt.Errorf("%s: %w", what, err)
	}
	return s.onBooking(ctx, what, r.Code, asked{definition: true, seat: r.To.Seat, by: ByHouse}, r.decide)
}

func (r MoveRequest) decide(v bookingView) (bookingWrites, error) {
	b := v.booking
	i, has := b.keptLine(r.From)
	_, moved := b.keptLine(r.To.Seat)
	switch {
	case b.State == BookingPaying:
		return bookingWrites{}, ErrPaying
	case !b.HasTickets():
		return bookingWrites{}, fmt.Errorf("%w: it is %s", ErrEnded, b.State)
	case !has && moved && !slices.Contains(Seats(b.Lines), r.From), r.From == r.To.Seat && has:
		return bookingWrites{}, nil
	case !has:
		return bookingWrites{}, wrap(ErrNoSeat, r.From)
	case moved:
		return bookingWrites{}, wrap(ErrBooked, r.To.Seat)
	case slices.Contains(Seats(b.Lines), r.To.Seat):
		return bookingWrites{}, fmt.Errorf("%w: seat %s of the booking was cancelled", ErrInUse, r.To.Seat)
	case v.Event.Revision != r.Revision:
		return bookingWrites{}, ErrStale
	}
	if err := refuseSale(v.other, v.Now); err != nil {
		return bookingWrites{}, wrap(err, r.To.Seat)
	}
	w := bookingWrites{booking: b}
	line := r.To
	line.Tariff, line.TariffName, line.Price = b.Lines[i].Tariff, b.Lines[i].TariffName, b.Lines[i].Price
	w.booking.Lines = slices.Clone(b.Lines)
	w.booking.Lines[i] = line
	w.booking.Tickets = b.setTicket(line.Seat, Ticket{Issue: b.nextIssue(), In: b.Ticket(r.From).In})
	delete(w.booking.Tickets, r.From) // its number is less than that of the new one
	old := slices.DeleteFunc(v.own(Booked), func(s Seat) bool { return s.ID != r.From })
	w.changes = append(b.changes(old, freeSeat, ReasonMoved), b.changes([]Seat{v.other}, bookedSeat, ReasonMoved)...)
	return w, nil
}
