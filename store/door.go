package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// WhateverIsOwed, as an amount paid, stands for all that is owed.
const WhateverIsOwed = -1

// Paid records that a reserved booking was paid at the door, with this amount.
// The booking is then booked.
// Not found: ErrNoBooking. Refused: ErrNotReserved for a booking that is paying
// online, or has ended; ErrStale if it owes another amount, as after a part of
// it was cancelled. Concurrent: of this and the lapse one wins.
// Repeat: a booking that was paid at the door stays as it is.
func (s *Store) Paid(ctx context.Context, code string, amount int64) (BookingOutcome, error) {
	return s.onBooking(ctx, "pay booking "+code+" at the door", code, asked{by: ByHouse}, func(v bookingView) (bookingWrites, error) {
		b := v.booking
		switch {
		case b.State == BookingBooked && v.attempt.Version == 0 && b.Captured > 0:
			return bookingWrites{}, nil
		case b.State != BookingReserved:
			return bookingWrites{}, fmt.Errorf("%w: it is %s", ErrNotReserved, b.State)
		case amount != WhateverIsOwed && amount != b.Owed():
			return bookingWrites{}, fmt.Errorf("%w: it owes %d", ErrStale, b.Owed())
		}
		w := bookingWrites{booking: b, clock: v.owes(-len(b.Kept()))}
		w.booking.State, w.booking.Captured, w.booking.PayUntil = BookingBooked, b.Owed(), time.Time{}
		w.notes = []Note{{Reason: ReasonPaid}}
		return w, nil
	})
}

// Lapse ends a reserved booking whose pay deadline has passed, and frees its
// seats.
// Not found: ErrNoBooking. Concurrent: of this and [Store.Paid] one wins.
// Repeat: a booking that is not reserved, or can still be paid, stays as it is.
func (s *Store) Lapse(ctx context.Context, code string) (BookingOutcome, error) {
	return s.onBooking(ctx, "lapse of a booking", code, asked{by: ByClock}, func(v bookingView) (bookingWrites, error) {
		b := v.booking
		if b.State != BookingReserved || v.Now.Before(b.PayUntil) {
			return bookingWrites{}, nil
		}
		w := bookingWrites{booking: b, clock: v.owes(-len(b.Kept())), changes: b.changes(v.own(Booked), freeSeat, ReasonLapsed)}
		w.booking.State, w.booking.PayUntil = BookingLapsed, time.Time{}
		return w, nil
	})
}

// DueWork is a record that is due.
type DueWork struct {
	// ID is a booking's code, or the id of an attempt or refund.
	ID string
	// Provider takes the money.
	Provider string

	record Record
}

// DueReserved returns at most limit reserved bookings that are to lapse by now,
// the longest due first; after is the last of the previous page, or zero.
func (s *Store) DueReserved(ctx context.Context, after DueWork, limit int) ([]DueWork, error) {
	return s.due(ctx, BookingRecord, after, limit)
}

// DueAttempts is DueReserved for attempts that are due.
func (s *Store) DueAttempts(ctx context.Context, after DueWork, limit int) ([]DueWork, error) {
	return s.due(ctx, AttemptRecord, after, limit)
}

// DueRefunds is DueReserved for refunds that are due.
func (s *Store) DueRefunds(ctx context.Context, after DueWork, limit int) ([]DueWork, error) {
	return s.due(ctx, RefundRecord, after, limit)
}

func (s *Store) due(ctx context.Context, kind string, after DueWork, limit int) (work []DueWork, err error) {
	now, err := s.Now(ctx)
	if err != nil {
		return nil, err
	}
	page, err := s.Records(ctx, Scan{Kind: kind, Index: due, To: dueText(now.Add(time.Millisecond)), After: after.record, Limit: limit})
	for _, r := range page {
		var of struct{ Provider string }
		_ = json.Unmarshal(r.Body, &of) // who takes the step meets what is wrong with it
		work = append(work, DueWork{r.ID, of.Provider, r})
	}
	return work, err
}
