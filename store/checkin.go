package store

import (
	"context"
	"fmt"
	"time"
)

// CheckInRequest checks a ticket in, or with Undo takes that back. The caller
// has read its fields from a ticket with a valid signature.
type CheckInRequest struct {
	Event string // of the door
	// TicketEvent is the event on the ticket.
	TicketEvent, Code, Seat string
	Issue                   int
	// At is the time of the scan, if it is reported later; zero, or a time in
	// the future, is now.
	At   time.Time
	Undo bool
}

// CheckIn lets a ticket in, once. [Booking.Ticket] of the returned booking has
// the time, also with ErrCheckedIn.
//
// Not found: ErrNoBooking. Refused: ErrForeign if it is for another event,
// ErrReplaced if it was reissued or its seat moved, ErrCancelled, ErrUnpaid while
// the booking is reserved or paying, ErrEnded if that never came to be, and
// ErrCheckedIn. Concurrent: of all scans of a ticket one is let in.
// Repeat: a scan that is told later, and was told before, is a success; so is to
// undo what is not so; the outcome has Repeat then.
func (s *Store) CheckIn(ctx context.Context, r CheckInRequest) (BookingOutcome, error) {
	what := "check in a ticket of " + r.Event
	if r.Event != r.TicketEvent {
		return BookingOutcome{}, fmt.Errorf("%s: %w", what, ErrForeign)
	}
	return s.onBooking(ctx, what, r.Code, asked{by: ByHouse}, r.decide)
}

func (r CheckInRequest) decide(v bookingView) (bookingWrites, error) {
	b, t := v.booking, v.booking.Ticket(r.Seat)
	if b.Event != r.TicketEvent {
		return bookingWrites{}, ErrForeign
	}
	if err := b.Admits(r.Seat, r.Issue); err != nil {
		return bookingWrites{}, err
	}
	at := wholeTime(r.At)
	if r.At.IsZero() || at.After(v.Now) {
		at = v.Now
	}
	note := ReasonCheckedIn
	switch {
	case r.Undo && t.In.IsZero(), !r.Undo && !r.At.IsZero() && t.In.Equal(at):
		return bookingWrites{}, nil
	case r.Undo:
		at, note = time.Time{}, ReasonCheckedOut
	case !t.In.IsZero():
		return bookingWrites{}, ErrCheckedIn
	}
	w := bookingWrites{booking: b, notes: []Note{{r.Seat, note}}}
	t.In = at
	w.booking.Tickets = b.setTicket(r.Seat, t)
	return w, nil
}
