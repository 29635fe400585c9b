package store

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Ticket is the ticket for a seat of a booking, without what the line has.
type Ticket struct {
	// Issue is the number of the valid ticket: 1 for the first one. A booking
	// never uses a number twice for a seat.
	Issue int `json:"issue,omitempty"`
	// In is the time of its check-in; zero if there was none.
	In time.Time `json:"in,omitzero"`
}

// Ticket returns the ticket of a seat of the booking.
func (b Booking) Ticket(seat string) Ticket {
	t := b.Tickets[seat]
	t.Issue = max(1, t.Issue)
	return t
}

// HasTickets reports whether the booking's kept lines have tickets: it is
// booked or reserved.
func (b Booking) HasTickets() bool { return b.State == BookingBooked || b.State == BookingReserved }

// Admits returns why a ticket of the booking is not valid, or nil; an earlier
// check-in does not matter. ErrReplaced if another was issued, or its seat
// moved; ErrCancelled; ErrUnpaid while the booking is reserved or paying;
// ErrEnded if the booking has ended without seats.
func (b Booking) Admits(seat string, issue int) error {
	_, kept := b.keptLine(seat)
	cancelled := !kept && slices.Contains(Seats(b.Lines), seat)
	switch {
	case b.State == BookingCancelled, cancelled:
		return ErrCancelled
	case !kept, issue != b.Ticket(seat).Issue:
		return ErrReplaced
	case b.State == BookingReserved, b.State == BookingPaying:
		return ErrUnpaid
	case b.State != BookingBooked:
		return fmt.Errorf("%w: it is %s", ErrEnded, b.State)
	}
	return nil
}

// setTicket returns the tickets of the booking with one changed.
func (b Booking) setTicket(seat string, t Ticket) map[string]Ticket {
	tickets := maps.Clone(b.Tickets)
	if tickets == nil {
		tickets = map[string]Ticket{}
	}
	tickets[seat] = t
	return tickets
}

// nextIssue returns a number that no ticket of the booking has had.
func (b Booking) nextIssue() int {
	last := 1
	for _, t := range b.Tickets {
		last = max(last, t.Issue)
	}
	return last + 1
}

// keptLine returns the line of a seat, if it was not cancelled.
func (b Booking) keptLine(seat string) (i int, ok bool) {
	i = slices.IndexFunc(b.Lines, func(l Line) bool { return l.Seat == seat && !l.Cancelled })
	return i, i >= 0
}
