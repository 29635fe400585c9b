package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// BookingOutcome is the state after a request about a booking; for a refusal,
// the state when it was refused.
type BookingOutcome struct {
	Booking Booking
	// Attempt is the booking's; Version 0 if it has none.
	Attempt Attempt
	// Refund is the refund that the request has made; zero is none.
	Refund  Refund
	Outcome Outcome
	// Repeat is that all was so already, and nothing was written.
	Repeat bool
}

// bookingView is what a rule about a booking decides over.
type bookingView struct {
	View
	booking Booking
	attempt Attempt
	// seats are the seats of the booking's lines, in their order; Version 0
	// means that one does not exist. other is the additional seat that was asked
	// for.
	seats []Seat
	other Seat
	by    By
}

// errMoved: the booking has other seats, or goes with other records, than those
// that were asked for.
var errMoved = errors.New("booking changed meanwhile")

// asked is what a rule asks for besides the booking, its attempt and its seats.
// Each item costs time: an engine must ensure that it does not change before
// the write.
type asked struct {
	also       func(Booking) []Key // records that it may write
	definition bool                // of the event
	seat       string              // of the event, if it is none of the booking's
	by         By                  // who asks for the decision
}

// onBooking lets a rule decide about a booking, its attempt and its seats, all
// at one instant. What the rule returns is written, except a booking that it
// leaves unchanged.
func (s *Store) onBooking(ctx context.Context, what, code string, besides asked, rule func(bookingView) (bookingWrites, error)) (BookingOutcome, error) {
	for {
		b, err := s.Booking(ctx, code)
		if err != nil {
			return BookingOutcome{}, fmt.Errorf("%s: %w", what, err)
		}
		out, err := s.onceOnBooking(ctx, b, besides, rule)
		if errors.Is(err, errMoved) {
			continue
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", what, err)
		}
		return out, err
	}
}

// bookingWrites is what a rule about a booking writes.
type bookingWrites struct {
	booking Booking
	attempt Attempt
	refund  *Refund
	changes []Change
	clock   *Clock
	relied  []string // seats; see Writes
	deleted []Key
	records []Record // besides those above
	notes   []Note
	by      By // if it is not who has asked
}

func (s *Store) onceOnBooking(ctx context.Context, b Booking, besides asked, rule func(bookingView) (bookingWrites, error)) (BookingOutcome, error) {
	q := Question{Event: b.Event, Holder: b.Holder, Definition: besides.definition, Seats: Seats(b.Lines),
		Records: []Key{{BookingRecord, b.Code}, {AttemptRecord, b.Attempt()}}}
	lines := len(q.Seats)
	if besides.seat != "" && !slices.Contains(q.Seats, besides.seat) {
		q.Seats = append(q.Seats, besides.seat)
	}
	if besides.also != nil {
		q.Records = append(q.Records, besides.also(b)...)
	}
	var out BookingOutcome
	d, at, err := s.engine.Decide(ctx, q, func(v View) Decision {
		out = BookingOutcome{}
		bv, err := v.ofBooking(q.Seats[:lines])
		if err == nil && besides.also != nil && !slices.Equal(besides.also(bv.booking), q.Records[2:]) {
			err = errMoved
		}
		if err != nil {
			return Refuse(Outcome{}, err)
		}
		out.Booking, out.Attempt = bv.booking, bv.attempt
		if bv.by = besides.by; len(v.Seats) > lines {
			bv.other = v.Seats[lines]
		}
		w, err := rule(bv)
		if err != nil {
			return Refuse(v.outcome(), err)
		}
		return bv.accept(w, &out)
	})
	if err != nil {
		return BookingOutcome{}, err
	}
	out.Outcome = d.Outcome()
	out.Outcome.Cursor = at
	return out, d.Refusal()
}

// ofBooking reads the records that every question about a booking begins with.
func (v View) ofBooking(seats []string) (bookingView, error) {
	if v.Records[0].Version == 0 {
		return bookingView{}, ErrNoBooking
	}
	b, err := decode[Booking](v.Records[0])
	if err != nil {
		return bookingView{}, err
	}
	if !slices.Equal(Seats(b.Lines), seats) {
		return bookingView{}, errMoved
	}
	bv := bookingView{View: v, booking: b, seats: v.Seats[:min(len(seats), len(v.Seats))]}
	if v.Records[1].Version > 0 {
		bv.attempt, err = decode[Attempt](v.Records[1])
	}
	return bv, err
}

// accept makes the writes, and fills in out with the state after them: each
// written record has the next version.
func (v bookingView) accept(w bookingWrites, out *BookingOutcome) Decision {
	writes := Writes{
		Changes: w.changes, Clock: w.clock, Relied: w.relied, Deleted: w.deleted, Records: w.records,
		By: cmp.Or(w.by, v.by), Booking: v.booking.Code, Notes: w.notes,
	}
	if w.booking.Code != "" {
		out.Booking = w.booking
		out.Booking.Version++
		writes.Records = append(writes.Records, w.booking.record())
	}
	if w.attempt.ID != "" {
		out.Attempt = w.attempt
		out.Attempt.Version++
		writes.Records = append(writes.Records, w.attempt.record())
	}
	if w.refund != nil {
		out.Refund = *w.refund
		out.Refund.Version++
		writes.Records = append(writes.Records, w.refund.record())
	}
	outcome, view := v.after(writes).outcome(), v.View
	view.Event.ID = v.booking.Event // also if the event was removed
	d := Accept(view, outcome, writes)
	out.Repeat = d.Writes().Empty()
	return d
}

// own returns the seats of kept lines that the booking has now.
func (v bookingView) own(status Status) (own []Seat) {
	for i, s := range v.seats {
		if !v.booking.Lines[i].Cancelled && s.Status == status && s.Booking == v.booking.Code {
			own = append(own, s)
		}
	}
	return own
}
