package store

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// refuseSale returns why the house cannot give a seat to a booking at now: it
// must be free or withheld.
func refuseSale(s Seat, now time.Time) error {
	if s.Version == 0 {
		return ErrNoSeat
	}
	if s.Status == Unknown {
		return ErrWithheld
	}
	return refuseWithhold(s, now)
}

// SellRequest is a booking that the house makes.
type SellRequest struct {
	Event string
	// Code is that of the new booking; see [NewCode].
	Code string
	// Lines are its seats as they are sold, computed from this revision of the
	// event.
	Lines    []Line
	Revision int64
	// Person is the customer; the house needs no e-mail address.
	Person Person
	// Provider is the way it was paid.
	Provider string
}

// Validate reports what makes the request malformed, wrapping ErrInvalid.
func (r SellRequest) Validate() error {
	if !ValidCode(r.Code) || !ValidID(r.Provider) || len(r.Lines) == 0 {
		return fmt.Errorf("%w: code, way to pay, or no seats", ErrInvalid)
	}
	if err := r.Person.validate(r.Person.Email != ""); err != nil {
		return err
	}
	if seats := Seats(r.Lines); len(Distinct(seats)) < len(seats) {
		return fmt.Errorf("%w: a seat stands twice", ErrInvalid)
	}
	return cmp.Or(validateLines(r.Lines), validateSeatIDs(Seats(r.Lines)))
}

// Sell makes a booking of free and withheld seats, all or none, that is booked
// and paid for at once.
// Not found: ErrNoEvent, ErrNoSeat. Refused: ErrTaken, ErrBooked; ErrClosed
// once the event is over (closed sales are no obstacle); ErrExists if another
// booking has the code.
// Concurrent: ErrStale if the event has another revision; of a sale and a
// visitor one gets a seat.
// Repeat: the same code for the same seats is a success that changes nothing.
func (s *Store) Sell(ctx context.Context, r SellRequest) (Outcome, error) {
	what := "sell seats of " + r.Event
	if err := r.Validate(); err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", what, err)
	}
	q := Question{Event: r.Event, Definition: true, Seats: Seats(r.Lines), Records: []Key{{BookingRecord, r.Code}, {PersonRecord, r.Code}}}
	return s.decide(ctx, what, q, r.decide)
}

func (r SellRequest) decide(v View) Decision {
	out := v.outcome()
	if known := v.Records[0]; known.Version > 0 {
		first, err := decode[Booking](known)
		if err == nil && (first.Event != r.Event || first.Holder != houseHolder(r.Code) || !SameIDs(Seats(first.Lines), Seats(r.Lines))) {
			err = fmt.Errorf("%w: code of a booking", ErrExists)
		}
		if err != nil {
			return Refuse(out, err)
		}
		return Accept(v, out, Writes{})
	}
	switch {
	case v.Event.OverAt(v.Now):
		return Refuse(out, ErrClosed)
	case v.Event.Revision != r.Revision:
		return Refuse(out, ErrStale)
	}
	for _, s := range v.Seats {
		if err := refuseSale(s, v.Now); err != nil {
			return Refuse(out, wrap(err, s.ID))
		}
	}
	b := Booking{
		Code: r.Code, Event: r.Event, Holder: houseHolder(r.Code), State: BookingBooked, Lines: r.Lines, Currency: v.Event.Currency,
		Starts: v.Event.Starts, Provider: r.Provider, Begun: v.Now, Booked: v.Now, Captured: TotalOf(r.Lines),
	}
	w := Writes{By: ByHouse, Booking: r.Code, Changes: b.changes(v.Seats, bookedSeat, ReasonBooked),
		Records: []Record{b.record(), r.Person.record(r.Code, r.Event)}}
	return Accept(v, v.after(w).outcome(), w)
}

// houseHolder returns the holder of a booking that the house has sold. No
// visitor has such an id.
func houseHolder(code string) Holder { return Holder("house:" + code) }
