package store

import (
	"context"
	"fmt"
	"time"
)

// Refunded records that a stuck refund was paid back by hand: it is then done,
// and counts in its booking.
// Not found: ErrNoBooking. Refused: ErrNotStuck while the provider is still
// asked for it. Repeat: a refund that is done stays so, and that is a success.
func (s *Store) Refunded(ctx context.Context, id string) (BookingOutcome, error) {
	return s.onRefund(ctx, "refund "+id+" was paid back", id, ByHouse, func(was Refund) (Refund, error) {
		if was.State == RefundWanted {
			return was, fmt.Errorf("%w: it is %s", ErrNotStuck, was.State)
		}
		was.State = RefundDone
		return was, nil
	})
}

// NoteRefund writes the result of a call for a refund; once it is done, it
// counts in the booking as refunded, once.
// Not found: ErrNoBooking. Concurrent: ErrStale if it is not of this version any
// more, and not done.
func (s *Store) NoteRefund(ctx context.Context, r Refund) (BookingOutcome, error) {
	return s.onRefund(ctx, "note a refund", r.ID, ByProvider, func(was Refund) (Refund, error) {
		if was.Version != r.Version {
			return was, ErrStale
		}
		return r, nil
	})
}

// onRefund changes a refund that is not done.
func (s *Store) onRefund(ctx context.Context, what, id string, by By, become func(was Refund) (Refund, error)) (BookingOutcome, error) {
	also := func(Booking) []Key { return []Key{{RefundRecord, id}} }
	return s.onBooking(ctx, what, BookingOf(id), asked{also: also, by: by}, func(v bookingView) (bookingWrites, error) {
		if v.Records[2].Version == 0 {
			return bookingWrites{}, ErrNoBooking
		}
		was, err := decode[Refund](v.Records[2])
		if err != nil || was.State == RefundDone {
			return bookingWrites{}, err
		}
		next, err := become(was)
		if err != nil {
			return bookingWrites{}, err
		}
		w := bookingWrites{refund: &next}
		if next.State == RefundDone {
			next.Work.Due, next.Work.Leased = time.Time{}, time.Time{}
			w.booking = v.booking
			w.booking.Refunded += next.Amount
			w.notes = []Note{{Reason: ReasonRefunded}}
		} else if next.State == RefundStuck && was.State != RefundStuck {
			w.notes = []Note{{Reason: ReasonRefundStuck}}
		}
		return w, nil
	})
}
