package store

import (
	"context"
	"fmt"
	"time"
)

// Paid tells that a reserved booking was paid at the door: all that it owes. It
// is booked then.
// Not found: ErrNoBooking. Refused: ErrNotReserved for a booking that is paying
// elsewhere, or is no more. Concurrent: of this and the lapse one wins.
// Repeat: a booking that was paid at the door stays as it is.
func (s *Store) Paid(ctx context.Context, code string) (BookingOutcome, error) {
	return s.onBooking(ctx, "pay booking "+code+" at the door", code, asked{}, func(v bookingView) (bookingWrites, error) {
		b := v.booking
		switch {
		case b.State == BookingBooked && v.attempt.Version == 0 && b.Captured > 0:
			return bookingWrites{}, nil
		case b.State != BookingReserved:
			return bookingWrites{}, fmt.Errorf("%w: it is %s", ErrNotReserved, b.State)
		}
		w := bookingWrites{booking: b, clock: v.owes(-len(b.Kept()))}
		w.booking.State, w.booking.Captured, w.booking.PayUntil = BookingBooked, b.Owed(), time.Time{}
		return w, nil
	})
}

// Lapse ends a reserved booking whose pay deadline has passed: its seats are
// free.
// Not found: ErrNoBooking. Concurrent: of this and [Store.Paid] one wins.
// Repeat: a booking that is not reserved, or can still be paid, stays as it is.
func (s *Store) Lapse(ctx context.Context, code string) (BookingOutcome, error) {
	return s.onBooking(ctx, "lapse of a booking", code, asked{}, func(v bookingView) (bookingWrites, error) {
		b := v.booking
		if b.State != BookingReserved || v.Now.Before(b.PayUntil) {
			return bookingWrites{}, nil
		}
		w := bookingWrites{booking: b, clock: v.owes(-len(b.Kept())), changes: b.changes(v.own(Booked), freeSeat, ReasonLapsed)}
		w.booking.State, w.booking.PayUntil = BookingLapsed, time.Time{}
		return w, nil
	})
}

// DueReserved returns the codes of reserved bookings that are to lapse by now,
// at most limit of them, and the store's clock.
func (s *Store) DueReserved(ctx context.Context, limit int) (codes []string, now time.Time, err error) {
	return s.due(ctx, BookingRecord, limit)
}

// DueAttempts is DueReserved for the ids of attempts that are to be looked at.
func (s *Store) DueAttempts(ctx context.Context, limit int) (ids []string, now time.Time, err error) {
	return s.due(ctx, AttemptRecord, limit)
}

// DueRefunds is DueReserved for the ids of refunds that are to be looked at.
func (s *Store) DueRefunds(ctx context.Context, limit int) (ids []string, now time.Time, err error) {
	return s.due(ctx, RefundRecord, limit)
}

func (s *Store) due(ctx context.Context, kind string, limit int) (ids []string, now time.Time, err error) {
	now, err = s.Now(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	page, err := s.Records(ctx, Scan{Kind: kind, Index: due, To: dueText(now.Add(time.Millisecond)), Limit: limit})
	for _, r := range page {
		ids = append(ids, r.ID)
	}
	return ids, now, err
}
