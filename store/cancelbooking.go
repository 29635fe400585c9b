package store

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// CancelRequest cancels seats of a booking.
type CancelRequest struct {
	Code string
	// Seats are the seats to cancel; no seats means all.
	Seats []string
	// Holder is the visitor who asks; "" is the house, to which the event's
	// terms do not apply.
	Holder Holder
	// NoRefund keeps the money, and Force cancels seats that were checked in.
	// Only the house may use them.
	NoRefund, Force bool
	// Allow, if not nil, gets the lines that were kept so far and those that
	// would be left, and may refuse. It has no side effects, and may be called
	// more than once.
	Allow func(kept, left []Line) error
}

// Validate reports what makes the request malformed, wrapping ErrInvalid.
func (r CancelRequest) Validate() error {
	if (r.NoRefund || r.Force) && r.Holder != "" {
		return fmt.Errorf("%w: only the house keeps the money, or cancels by force", ErrInvalid)
	}
	return validateSeatIDs(r.Seats)
}

// Cancel frees seats of a booking that is booked or reserved, all that are
// named or none, and in the same decision makes a wanted refund of their full
// price if it was paid. A booking without seats left is cancelled.
//
// Not found: ErrNoBooking, also if it is another holder's; ErrNoSeat for a seat
// that the booking does not have.
// Refused: ErrPaying while it is paying; ErrTooLate for a visitor once the
// event's term is over; the error of Allow; ErrCheckedIn, with the seat, if a
// seat was checked in; ErrEnded for a booking that ended without seats.
// Repeat: cancelling a cancelled seat is a success that changes nothing.
// Concurrent: each seat is cancelled, and refunded, once.
func (s *Store) Cancel(ctx context.Context, r CancelRequest) (BookingOutcome, error) {
	what := "cancel booking " + r.Code
	if err := r.Validate(); err != nil {
		return BookingOutcome{}, fmt.Errorf("%s: %w", what, err)
	}
	by := ByHouse
	if r.Holder != "" {
		by = ByVisitor
	}
	return s.onBooking(ctx, what, r.Code, asked{also: nextRefund, definition: r.Holder != "", by: by}, r.decide)
}

func (r CancelRequest) decide(v bookingView) (bookingWrites, error) {
	b := v.booking
	if r.Holder != "" && r.Holder != b.Holder {
		return bookingWrites{}, ErrNoBooking
	}
	for _, id := range r.Seats {
		if !slices.Contains(Seats(b.Lines), id) {
			return bookingWrites{}, wrap(ErrNoSeat, id)
		}
	}
	lines := slices.DeleteFunc(b.Kept(), func(l Line) bool { return len(r.Seats) > 0 && !slices.Contains(r.Seats, l.Seat) })
	switch {
	case b.State == BookingPaying:
		return bookingWrites{}, ErrPaying
	case b.State != BookingBooked && b.State != BookingReserved && b.State != BookingCancelled:
		return bookingWrites{}, fmt.Errorf("%w: it is %s", ErrEnded, b.State)
	case len(lines) == 0:
		return bookingWrites{}, nil
	case r.Holder != "" && !v.Event.CancellableAt(v.Now):
		return bookingWrites{}, ErrTooLate
	}
	if i := slices.IndexFunc(lines, func(l Line) bool { return !b.Ticket(l.Seat).In.IsZero() }); i >= 0 && !r.Force {
		return bookingWrites{}, wrap(ErrCheckedIn, lines[i].Seat)
	}
	if r.Allow != nil {
		left := slices.DeleteFunc(b.Kept(), func(l Line) bool { return slices.Contains(Seats(lines), l.Seat) })
		if err := r.Allow(b.Kept(), left); err != nil {
			return bookingWrites{}, err
		}
	}
	return r.cancel(v, lines), nil
}

func (r CancelRequest) cancel(v bookingView, lines []Line) bookingWrites {
	b := v.booking
	w := bookingWrites{booking: b}
	w.booking.Lines = slices.Clone(b.Lines)
	cancelled := Seats(lines)
	for i := range w.booking.Lines {
		if l := &w.booking.Lines[i]; slices.Contains(cancelled, l.Seat) {
			l.Cancelled, l.NoRefund = true, r.NoRefund && b.Captured > 0 && l.Price > 0
			l.Unpaid = b.State == BookingReserved
		}
	}
	seats := slices.DeleteFunc(v.own(Booked), func(s Seat) bool { return !slices.Contains(cancelled, s.ID) })
	w.changes = b.changes(seats, freeSeat, ReasonCancelled)
	kept := w.booking.Kept()
	switch {
	case b.State == BookingReserved && w.booking.Owed() == 0: // what is left costs nothing, or nothing is
		w.clock = v.owes(-len(b.Kept()))
		w.booking.State, w.booking.PayUntil = BookingBooked, time.Time{}
	case b.State == BookingReserved:
		w.clock = v.owes(-len(lines))
	case !r.NoRefund && TotalOf(lines) > 0:
		w.payBack(v, lines)
	}
	if len(kept) == 0 {
		w.booking.State = BookingCancelled
	}
	return w
}

// payBack wants the price of lines back. What was paid at the door is paid back
// there: that is done with it.
func (w *bookingWrites) payBack(v bookingView, lines []Line) {
	refund := v.booking.refund(v.attempt, lines, v.Now)
	w.notes = append(w.notes, Note{Reason: ReasonRefundWanted})
	if v.attempt.Version == 0 {
		refund.State, refund.Work = RefundDone, Work{}
		w.booking.Refunded += refund.Amount
		w.notes[len(w.notes)-1].Reason = ReasonRefunded
	}
	w.refund = &refund
	w.booking.Refunds = append(slices.Clone(v.booking.Refunds), refund.ID)
}
