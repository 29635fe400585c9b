package store

import (
	"context"
	"fmt"
)

// Reissue replaces the tickets for seats of a booking, all that are named or
// none: the old tickets are no longer valid. A seat that is checked in stays
// so.
// Not found: ErrNoBooking; ErrNoSeat for a seat that it does not, or no longer,
// have. Refused: ErrPaying; ErrEnded unless it is booked or reserved. Repeat:
// issues new tickets again.
func (s *Store) Reissue(ctx context.Context, code string, seats []string) (BookingOutcome, error) {
	return s.onBooking(ctx, "reissue tickets of booking "+code, code, asked{by: ByHouse}, func(v bookingView) (bookingWrites, error) {
		b := v.booking
		switch {
		case b.State == BookingPaying:
			return bookingWrites{}, ErrPaying
		case !b.HasTickets():
			return bookingWrites{}, fmt.Errorf("%w: it is %s", ErrEnded, b.State)
		}
		w := bookingWrites{booking: b}
		reissued := seats
		if len(reissued) == 0 {
			reissued = Seats(b.Kept())
		}
		for _, seat := range Distinct(reissued) {
			if _, kept := b.keptLine(seat); !kept {
				return bookingWrites{}, wrap(ErrNoSeat, seat)
			}
			t := b.Ticket(seat)
			t.Issue = w.booking.nextIssue()
			w.booking.Tickets = w.booking.setTicket(seat, t)
			w.notes = append(w.notes, Note{seat, ReasonReissued})
		}
		return w, nil
	})
}
