package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ErrUnsettled: a booking is not over yet, or its money is not settled; the
// text says which.
var ErrUnsettled = errors.New("not settled")

// EraseRequest erases the personal data of a booking.
type EraseRequest struct {
	Code string
	// After is how long after the event it can be erased, unless Force.
	After time.Duration
	Force bool
	By    By
}

// Erase removes the personal data of a booking, and the hash of the form that
// could be compared with them. Seats, lines, money and tickets stay.
//
// Not found: ErrNoBooking. Refused, unless by force: ErrUnsettled until After
// has passed since the event was over, unless the booking ended without seats
// or all of it was cancelled; and while it is paying, reserved, or a refund is
// not done.
// Repeat: a success that changes nothing. Deleted data may remain in files
// until [Store.Scrub].
func (s *Store) Erase(ctx context.Context, r EraseRequest) (BookingOutcome, error) {
	also := func(b Booking) []Key {
		keys := []Key{{PersonRecord, b.Code}}
		if b.Request != "" {
			keys = append(keys, Key{RequestRecord, b.Request})
		}
		for _, id := range b.Refunds {
			keys = append(keys, Key{RefundRecord, id})
		}
		return append(keys, unscrubbed)
	}
	return s.onBooking(ctx, "erase who booking "+r.Code+" is for", r.Code, asked{also: also, by: r.By}, r.decide)
}

func (r EraseRequest) decide(v bookingView) (bookingWrites, error) {
	var w bookingWrites
	for _, known := range v.Records[2:] {
		personal := known.Kind == PersonRecord || known.Kind == RequestRecord && known.isRequestOf(r.Code)
		if personal && known.Version > 0 {
			w.deleted = append(w.deleted, known.Key)
		}
	}
	if len(w.deleted) == 0 {
		return w, nil
	}
	if why := v.unsettled(r.After); why != "" && !r.Force {
		return bookingWrites{}, fmt.Errorf("%w: %s", ErrUnsettled, why)
	}
	w.notes = []Note{{Reason: ReasonErased}}
	w.records = []Record{{Key: unscrubbed, Body: json.RawMessage(`{}`)}}
	return w, nil
}

// isRequestOf reports whether a record of the kind [RequestRecord] is of this
// booking: once it was erased, the same form can make another one.
func (r Record) isRequestOf(code string) bool {
	var made request
	return json.Unmarshal(r.Body, &made) == nil && made.Booking == code
}

// unsettled says what a booking that is asked for with its refunds still waits
// for, so long after the event; "" is nothing.
func (v bookingView) unsettled(after time.Duration) string {
	b := v.booking
	for _, known := range v.Records[2:] {
		if known.Kind != RefundRecord {
			continue
		}
		if r, err := decode[Refund](known); err != nil || r.State != RefundDone {
			return "refund " + known.ID + " is not done"
		}
	}
	open := v.attempt.Version > 0 && !v.attempt.Final()
	switch {
	case b.State == BookingReserved:
		return "it is reserved, and not paid"
	case b.State == BookingPaying, open && b.State != BookingCancelled:
		return "its payment is still open"
	case b.State != BookingBooked:
		return ""
	}
	starts := v.Event.Starts
	if v.Event.ID == "" {
		starts = b.Starts // it was removed
	}
	if over := starts.Add(Evening + after); starts.IsZero() && v.Event.ID != "" || v.Now.Before(over) {
		return "its event is not over"
	}
	return ""
}

// unscrubbed is the key of the record that is there from an erasure until the next
// [Store.Scrub], also if the process dies in between.
var unscrubbed = Key{Upgrade, "unscrubbed"}

// Scrub removes what was erased from the files as well, as far as the engine can:
// copies and logs of a database server keep it longer.
// Repeat: does nothing until the next erasure.
func (s *Store) Scrub(ctx context.Context) error {
	mark, err := s.Record(ctx, unscrubbed)
	if err != nil || mark.Version == 0 {
		return err
	}
	if err := s.engine.Scrub(ctx); err != nil {
		return fmt.Errorf("scrub: %w", err)
	}
	return s.ChangeRecord(ctx, unscrubbed, func(now Record) (Record, bool, error) {
		return now, now.Version == 0 || now.Version == mark.Version, nil // else somebody has erased meanwhile
	})
}
