package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Confirm records that the money of an attempt is captured, under the Ref of a:
// the booking is booked.
//
// If the booking has let its seats go (late money), it gets the same seats
// again if all are free or locked by its holder; otherwise it is lost, and a
// refund of all is wanted.
// Not found: ErrNoBooking. Concurrent: ErrStale if the attempt has another
// version now, and is not captured.
// Repeat: a captured attempt stays as it is, and that is a success. Prices are
// never looked at.
func (s *Store) Confirm(ctx context.Context, a Attempt) (BookingOutcome, error) {
	out, err := s.confirm(ctx, a, asked{by: ByProvider})
	if errors.Is(err, errLost) {
		out, err = s.confirm(ctx, a, asked{also: nextRefund, by: ByProvider})
	}
	return out, err
}

// errLost: the booking is lost, and the record of its refund was not asked for.
// Asking for a record costs time, and few bookings are lost.
var errLost = errors.New("booking is lost")

func (s *Store) confirm(ctx context.Context, a Attempt, besides asked) (BookingOutcome, error) {
	return s.onBooking(ctx, "confirm a booking", BookingOf(a.ID), besides, func(v bookingView) (bookingWrites, error) {
		switch {
		case v.attempt.ID != a.ID:
			return bookingWrites{}, ErrNoBooking
		case v.attempt.State == AttemptCaptured:
			return bookingWrites{}, nil
		case v.attempt.Version != a.Version:
			return bookingWrites{}, ErrStale
		}
		v.attempt.Ref = a.Ref
		w := v.confirm()
		if w.refund != nil && besides.also == nil {
			return bookingWrites{}, errLost
		}
		return w, nil
	})
}

func (v bookingView) confirm() bookingWrites {
	w := bookingWrites{booking: v.booking, attempt: v.attempt}
	w.attempt.State, w.attempt.Work, w.attempt.Silent = AttemptCaptured, Work{}, time.Time{}
	w.booking.Captured, w.booking.PayUntil = v.attempt.Amount, time.Time{}
	seats, why := v.own(Paying), ReasonBooked
	if len(seats) < len(v.booking.Kept()) {
		seats = v.takeable()
	}
	if len(seats) < len(v.booking.Kept()) {
		w.booking.State, why = BookingLost, ReasonLost
		w.notes = []Note{{Reason: ReasonLost}} // it may have no seat left whose change shows it
		w.payBack(v, v.booking.Kept())
		w.relied = idsOf(v.there())
		// Seats that are still its own go back: all of them are booked, or none.
		w.changes = w.booking.changes(v.own(Paying), freeSeat, why)
		return w
	}
	w.booking.State, w.booking.Booked = BookingBooked, v.Now
	w.changes = w.booking.changes(seats, bookedSeat, why)
	return w
}

// takeable returns the seats that late money can still get: the booking's own,
// free ones, and those that the holder has locked since.
func (v bookingView) takeable() (seats []Seat) {
	for i, s := range v.seats {
		mine := s.Status == Paying && s.Booking == v.booking.Code
		locked := s.Status == Locked && s.HeldBy(v.booking.Holder, v.Now)
		if !v.booking.Lines[i].Cancelled && s.Version > 0 && (mine || locked || s.FreeAt(v.Now)) {
			seats = append(seats, s)
		}
	}
	return seats
}

// there returns the seats that the event still has.
func (v bookingView) there() []Seat {
	return slices.DeleteFunc(slices.Clone(v.seats), func(s Seat) bool { return s.Version == 0 })
}

// nextRefund returns the key of the next refund of a booking.
func nextRefund(b Booking) []Key { return []Key{{RefundRecord, b.nextRefund()}} }

func (b Booking) nextRefund() string { return fmt.Sprintf("%s-r%d", b.Code, len(b.Refunds)+1) }

// refund returns a refund of the price of lines, wanted at now.
func (b Booking) refund(a Attempt, lines []Line, now time.Time) Refund {
	return Refund{
		ID: b.nextRefund(), Attempt: a.ID, Provider: b.Provider, Ref: a.Ref, State: RefundWanted,
		Amount: TotalOf(lines), Currency: b.Currency, Seats: Seats(lines), Wanted: now, Work: Work{Due: now},
	}
}

// Decline records that an attempt is dead: no money will come of it. A booking
// that is still paying becomes lapsed if the pay deadline has passed, and
// otherwise declined. Its seats get the deadline of the holder's clock, or are
// free if that is over.
// Not found: ErrNoBooking. Concurrent: ErrStale if the attempt has another
// version now, and is not dead.
// Repeat: a dead attempt stays so, and that is a success.
func (s *Store) Decline(ctx context.Context, a Attempt) (BookingOutcome, error) {
	return s.onBooking(ctx, "decline a booking", BookingOf(a.ID), asked{by: ByProvider}, func(v bookingView) (bookingWrites, error) {
		switch {
		case v.attempt.ID != a.ID:
			return bookingWrites{}, ErrNoBooking
		case v.attempt.State == AttemptDead:
			return bookingWrites{}, nil
		case v.attempt.Version != a.Version, v.attempt.Final():
			return bookingWrites{}, ErrStale
		}
		w := v.letGo()
		w.attempt = v.attempt
		w.attempt.State, w.attempt.Work, w.attempt.Silent = AttemptDead, Work{}, time.Time{}
		w.attempt.Ref = cmp.Or(a.Ref, v.attempt.Ref)
		if w.booking.State == BookingPaying {
			w.booking.State, w.booking.PayUntil = BookingDeclined, time.Time{}
			if !v.attempt.GivenUp && !v.Now.Before(v.attempt.Deadline) {
				w.booking.State, w.by = BookingLapsed, ByClock
			}
		}
		return w, nil
	})
}

// letGo locks the seats that are being paid for by the holder's clock again, or
// frees them if that is over.
func (v bookingView) letGo() bookingWrites {
	clock := v.Clock.startedBy(v.Now)
	become, why := freeSeat, ReasonLapsed
	if clock.RunsAt(v.Now) {
		why = ReasonDeclined
		become = func(b Booking, _ Seat) Seat {
			return Seat{Status: Locked, LockedBy: b.Holder, LockTime: clock.Started, LockedUntil: clock.Deadline, Extended: clock.Extended}
		}
	}
	return bookingWrites{booking: v.booking, changes: v.booking.changes(v.own(Paying), become, why)}
}

// LetGo ends a paying booking whose provider is out of reach: it becomes
// lapsed, and its seats are as after [Store.Decline]. The attempt stays
// unfinished, and is due again at the given time: money that is found then is
// late.
// Not found: ErrNoBooking. Concurrent: ErrStale if the attempt has another
// version now.
// Repeat: a booking that is not paying stays as it is.
func (s *Store) LetGo(ctx context.Context, a Attempt, next time.Time) (BookingOutcome, error) {
	return s.onBooking(ctx, "let a booking go", BookingOf(a.ID), asked{by: ByClock}, func(v bookingView) (bookingWrites, error) {
		switch {
		case v.attempt.ID != a.ID:
			return bookingWrites{}, ErrNoBooking
		case v.attempt.Version != a.Version, v.attempt.Final():
			return bookingWrites{}, ErrStale
		case v.booking.State != BookingPaying:
			return bookingWrites{}, nil
		}
		w := v.letGo()
		w.booking.State, w.booking.PayUntil = BookingLapsed, time.Time{}
		w.attempt = v.attempt
		w.attempt.LetGo, w.attempt.Due, w.attempt.Leased = true, wholeTime(next), time.Time{}
		return w, nil
	})
}

// GiveUp brings the pay deadline of a booking forward to now, for its holder.
// The provider decides whether it was paid by then.
// Not found: ErrNoBooking, also if it is another holder's. Repeat: a booking
// that is not paying, or was given up, stays as it is.
func (s *Store) GiveUp(ctx context.Context, code string, holder Holder) (BookingOutcome, error) {
	return s.onBooking(ctx, "give up a booking", code, asked{by: ByVisitor}, func(v bookingView) (bookingWrites, error) {
		switch {
		case v.booking.Holder != holder:
			return bookingWrites{}, ErrNoBooking
		case v.booking.State != BookingPaying, v.attempt.Final(), v.attempt.GivenUp:
			return bookingWrites{}, nil
		}
		w := bookingWrites{booking: v.booking, attempt: v.attempt}
		if w.attempt.GivenUp = true; v.Now.Before(w.attempt.Deadline) {
			w.attempt.Deadline, w.booking.PayUntil = v.Now, v.Now
		}
		w.attempt.Due, w.notes = v.Now, []Note{{Reason: ReasonGivenUp}}
		return w, nil
	})
}
