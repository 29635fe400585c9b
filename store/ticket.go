package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Ticket is the ticket for a seat of a booking, without what the line has.
type Ticket struct {
	// Issue is the number of the valid ticket: 1 for the first one. A booking
	// never uses a number twice for a seat.
	Issue int `json:"issue,omitempty"`
	// In is the time of its check-in; zero if there was none.
	In time.Time `json:"in,omitzero"`
}

// Ticket returns the ticket of a seat of the booking.
func (b Booking) Ticket(seat string) Ticket {
	t := b.Tickets[seat]
	t.Issue = max(1, t.Issue)
	return t
}

// HasTickets reports whether the booking's kept lines have tickets: it is
// booked or reserved.
func (b Booking) HasTickets() bool { return b.State == BookingBooked || b.State == BookingReserved }

// Admits returns why a ticket of the booking is not valid, or nil; an earlier
// check-in does not matter. ErrReplaced if another was issued, or its seat
// moved; ErrCancelled; ErrUnpaid while the booking is reserved or paying;
// ErrEnded if the booking has ended without seats.
func (b Booking) Admits(seat string, issue int) error {
	_, kept := b.keptLine(seat)
	cancelled := !kept && slices.Contains(Seats(b.Lines), seat)
	switch {
	case b.State == BookingCancelled, cancelled:
		return ErrCancelled
	case !kept, issue != b.Ticket(seat).Issue:
		return ErrReplaced
	case b.State == BookingReserved, b.State == BookingPaying:
		return ErrUnpaid
	case b.State != BookingBooked:
		return fmt.Errorf("%w: it is %s", ErrEnded, b.State)
	}
	return nil
}

// setTicket returns the tickets of the booking with one changed.
func (b Booking) setTicket(seat string, t Ticket) map[string]Ticket {
	tickets := maps.Clone(b.Tickets)
	if tickets == nil {
		tickets = map[string]Ticket{}
	}
	tickets[seat] = t
	return tickets
}

// nextIssue returns a number that no ticket of the booking has had.
func (b Booking) nextIssue() int {
	last := 1
	for _, t := range b.Tickets {
		last = max(last, t.Issue)
	}
	return last + 1
}

// keptLine returns the line of a seat, if it was not cancelled.
func (b Booking) keptLine(seat string) (i int, ok bool) {
	i = slices.IndexFunc(b.Lines, func(l Line) bool { return l.Seat == seat && !l.Cancelled })
	return i, i >= 0
}

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

// MoveRequest moves a booking from one of its seats to another.
type MoveRequest struct {
	Code, From string
	// To is the new seat as it is in this revision of the event, with the tariff
	// and price of the old one.
	To       Line
	Revision int64
}

// Move replaces a seat of the booking with another, and frees the old one.
// Tariff and price stay as they were sold: no money is moved. The new seat has
// a new ticket; a seat that is checked in stays so.
//
// Not found: ErrNoBooking; ErrNoSeat for a seat that it does not have, or that
// the event does not. Refused: ErrPaying, ErrEnded; ErrTaken or ErrBooked if
// somebody has the new seat, ErrInUse if the booking had it before and
// cancelled it. A withheld seat is allowed.
// Concurrent: ErrStale if the event has another revision; of all callers for
// the new seat one gets it.
// Repeat: a booking that already has the new seat instead of the old one stays
// as it is.
func (s *Store) Move(ctx context.Context, r MoveRequest) (BookingOutcome, error) {
	what := "move booking " + r.Code
	if err := validateSeatIDs([]string{r.From, r.To.Seat}); err != nil {
		return BookingOutcome{}, fmt.Errorf("%s: %w", what, err)
	}
	return s.onBooking(ctx, what, r.Code, asked{definition: true, seat: r.To.Seat, by: ByHouse}, r.decide)
}

func (r MoveRequest) decide(v bookingView) (bookingWrites, error) {
	b := v.booking
	i, has := b.keptLine(r.From)
	_, moved := b.keptLine(r.To.Seat)
	switch {
	case b.State == BookingPaying:
		return bookingWrites{}, ErrPaying
	case !b.HasTickets():
		return bookingWrites{}, fmt.Errorf("%w: it is %s", ErrEnded, b.State)
	case !has && moved && !slices.Contains(Seats(b.Lines), r.From), r.From == r.To.Seat && has:
		return bookingWrites{}, nil
	case !has:
		return bookingWrites{}, wrap(ErrNoSeat, r.From)
	case moved:
		return bookingWrites{}, wrap(ErrBooked, r.To.Seat)
	case slices.Contains(Seats(b.Lines), r.To.Seat):
		return bookingWrites{}, fmt.Errorf("%w: seat %s of the booking was cancelled", ErrInUse, r.To.Seat)
	case v.Event.Revision != r.Revision:
		return bookingWrites{}, ErrStale
	}
	if err := refuseSale(v.other, v.Now); err != nil {
		return bookingWrites{}, wrap(err, r.To.Seat)
	}
	w := bookingWrites{booking: b}
	line := r.To
	line.Tariff, line.TariffName, line.Price = b.Lines[i].Tariff, b.Lines[i].TariffName, b.Lines[i].Price
	w.booking.Lines = slices.Clone(b.Lines)
	w.booking.Lines[i] = line
	w.booking.Tickets = b.setTicket(line.Seat, Ticket{Issue: b.nextIssue(), In: b.Ticket(r.From).In})
	delete(w.booking.Tickets, r.From) // its number is less than that of the new one
	old := slices.DeleteFunc(v.own(Booked), func(s Seat) bool { return s.ID != r.From })
	w.changes = append(b.changes(old, freeSeat, ReasonMoved), b.changes([]Seat{v.other}, bookedSeat, ReasonMoved)...)
	return w, nil
}

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
		if err == nil && (first.Event != r.Event || first.Holder != houseHolder(r.Code) || !sameIDs(Seats(first.Lines), Seats(r.Lines))) {
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
