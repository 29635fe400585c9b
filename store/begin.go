package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// PayRules bound the pay deadline of an attempt. Each request carries them, as
// it does [Rules].
type PayRules struct {
	// Window is how long a visitor has to pay, Total the most that may be after
	// the lock began, and Least what they have in any case.
	Window, Total, Least time.Duration
	// AtDoor is the least time that a visitor who reserves has to pay at the
	// door.
	AtDoor time.Duration
}

// DefaultPayRules returns the rules of a server whose locks run at most total.
func DefaultPayRules(total time.Duration) PayRules {
	return PayRules{Window: 15 * time.Minute, Total: max(30*time.Minute, total), Least: 2 * time.Minute, AtDoor: 15 * time.Minute}
}

// Deadline is the pay deadline of what is begun at now with a lock that began
// at started.
func (r PayRules) Deadline(now, started time.Time) time.Time {
	deadline := now.Add(r.Window)
	if latest := started.Add(r.Total); latest.Before(deadline) {
		deadline = latest
	}
	if least := now.Add(r.Least); deadline.Before(least) {
		deadline = least
	}
	return wholeTime(deadline)
}

// BeginRequest asks for a booking of all that a holder has locked.
type BeginRequest struct {
	Event  string
	Holder Holder
	// Code is that of the new booking; see [NewCode].
	Code string
	// Request is the id of the form, and Contents a digest of its fields. A
	// repeat must have the same Contents.
	Request, Contents string
	// Lines are the locked seats as they are sold, computed from this revision
	// of the event. Without Lines, the request only asks for the answer to a
	// repeat.
	Lines    []Line
	Revision int64
	Person   Person
	// Provider takes the money. AtDoor means that a person takes it later, at
	// the door, and that the seats are reserved until then.
	Provider string
	AtDoor   bool
	Rules    PayRules
}

// Validate reports what makes the request malformed, wrapping ErrInvalid.
func (r BeginRequest) Validate() error {
	switch {
	case !ValidCode(r.Code):
		return fmt.Errorf("%w: code of a booking", ErrInvalid)
	case !ValidID(r.Request):
		return fmt.Errorf("%w: request id %q", ErrInvalid, r.Request)
	case !ValidID(r.Provider):
		return fmt.Errorf("%w: provider", ErrInvalid)
	case r.Rules.Window < time.Millisecond, r.Rules.Total < time.Millisecond, r.Rules.Least < time.Millisecond:
		return fmt.Errorf("%w: rules %+v", ErrInvalid, r.Rules)
	}
	if err := r.Person.Validate(); err != nil {
		return err
	}
	if err := validateLines(r.Lines); err != nil {
		return err
	}
	return validateHolderSeats(r.Holder, Seats(r.Lines))
}

func validateLines(lines []Line) error {
	for _, l := range lines {
		if l.Price < 0 || l.Price > MaxPrice {
			return fmt.Errorf("%w: price of seat %q", ErrInvalid, l.Seat)
		}
	}
	return nil
}

// requestKey returns the key of the record of a request. It depends on the
// holder and the event, too: others may use the same id.
func (r BeginRequest) requestKey() Key {
	sum := sha256.Sum256([]byte(r.Event + "\n" + r.Request + "\n" + string(r.Holder)))
	return Key{RequestRecord, hex.EncodeToString(sum[:])}
}

// request is the body of a record of the kind [RequestRecord].
type request struct {
	Booking  string `json:"booking"`
	Contents string `json:"contents"`
}

// Begin makes a booking of exactly the seats that the holder has locked: booked
// at once if it costs nothing, reserved if it is to be paid at the door, and
// otherwise paying, with a recorded attempt. It returns the booking's code,
// which for a repeat is not the request's.
//
// Not found: ErrNoEvent. Refused: ErrExists if another booking has the code;
// ErrClosed once the event is over (closed sales are no obstacle); ErrPaying if
// the holder is paying for seats of the event already, with the code of that
// booking.
// Expired: ErrExpired if the holder has no live locked seat.
// Concurrent: ErrStale if the event is of another revision, or the lines are not
// exactly the seats that are locked; compute them again. Of any number of
// callers for the same seats one wins.
// Repeat: a request with the id of a granted one returns the code of that
// booking, whatever its state, if the contents are the same, and otherwise
// ErrReused. Neither changes anything.
func (s *Store) Begin(ctx context.Context, r BeginRequest) (string, error) {
	what := "begin a booking of " + r.Event
	if err := r.Validate(); err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	q := Question{Event: r.Event, Holder: r.Holder, Definition: true, Records: []Key{
		r.requestKey(), {BookingRecord, r.Code}, {PersonRecord, r.Code},
	}}
	if !r.AtDoor && TotalOf(r.Lines) > 0 {
		q.Records = append(q.Records, Key{AttemptRecord, Booking{Code: r.Code}.Attempt()})
	}
	var code string
	_, err := s.decide(ctx, what, q, func(v View) Decision {
		code = r.Code
		if known := v.Records[0]; known.Version > 0 {
			var first request
			if err := json.Unmarshal(known.Body, &first); err != nil {
				return Refuse(v.outcome(), fmt.Errorf("%w: a record of kind %s: %v", ErrUnavailable, known.Kind, err))
			}
			if code = first.Booking; first.Contents != r.Contents {
				return Refuse(v.outcome(), ErrReused)
			}
			return Accept(v, v.outcome(), Writes{})
		}
		if other, paying := v.paying(); paying {
			code = other
		}
		return r.decide(v)
	})
	if err != nil && !errors.Is(err, ErrPaying) {
		return "", err // an engine that has failed may still be busy with the rule
	}
	return code, err
}

// paying returns the booking that the holder pays for.
func (v View) paying() (code string, ok bool) {
	i := slices.IndexFunc(v.Held, func(s Seat) bool { return s.Status == Paying })
	if i < 0 {
		return "", false
	}
	return v.Held[i].Booking, true
}

func (r BeginRequest) decide(v View) Decision {
	out := v.outcome()
	locked := lockedOnly(out.Lock.Seats)
	_, paying := v.paying()
	switch {
	case v.Records[1].Version > 0:
		return Refuse(out, fmt.Errorf("%w: code of a booking", ErrExists))
	case v.Event.OverAt(v.Now):
		return Refuse(out, ErrClosed)
	case paying:
		return Refuse(out, ErrPaying)
	case len(locked) == 0:
		return Refuse(out, ErrExpired)
	case v.Event.Revision != r.Revision, !SameIDs(idsOf(locked), Seats(r.Lines)):
		return Refuse(out, ErrStale)
	}
	b := Booking{
		Code: r.Code, Event: r.Event, Holder: r.Holder, Lines: r.Lines, Currency: v.Event.Currency, Provider: r.Provider,
		Starts: v.Event.Starts, Begun: v.Now, Request: r.requestKey().ID,
	}
	body, err := json.Marshal(request{r.Code, r.Contents})
	if err != nil {
		return Refuse(out, err)
	}
	w := Writes{By: ByVisitor, Booking: r.Code, Records: []Record{{Key: r.requestKey(), Body: body}, r.Person.record(r.Code, r.Event)}}
	switch {
	case b.Total() == 0:
		b.State, b.Provider, b.Booked = BookingBooked, "", v.Now
		w.Changes = b.changes(locked, bookedSeat, ReasonBooked)
	case r.AtDoor:
		b.State, b.PayUntil, b.Booked = BookingReserved, v.Event.PayUntil(v.Now, r.Rules.AtDoor), v.Now
		w.Changes = b.changes(locked, bookedSeat, ReasonBooked)
		w.Clock = v.owes(len(locked))
	default:
		b.State, b.PayUntil = BookingPaying, r.Rules.Deadline(v.Now, out.Lock.Started)
		w.Changes = b.changes(locked, payingSeat, ReasonPaying)
		w.Records = append(w.Records, Attempt{
			ID: b.Attempt(), Event: b.Event, Provider: b.Provider, State: AttemptRecorded,
			Amount: b.Total(), Currency: b.Currency, Deadline: b.PayUntil, Work: Work{Due: v.Now},
		}.record())
	}
	w.Records = append(w.Records, b.record())
	return Accept(v, v.after(w).outcome(), w)
}

// SameIDs reports whether both have the same ids, in any order.
func SameIDs(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// changes applies become to each of the seats.
func (b Booking) changes(seats []Seat, become func(Booking, Seat) Seat, why Reason) []Change {
	changes := make([]Change, len(seats))
	for i, s := range seats {
		changes[i] = NewChange(b.Event, s, become(b, s), why)
	}
	return changes
}

// payingSeat keeps the times of its lock.
func payingSeat(b Booking, s Seat) Seat {
	s.Status, s.Booking = Paying, b.Code
	return s
}

func bookedSeat(b Booking, _ Seat) Seat {
	return Seat{Status: Booked, LockedBy: b.Holder, Booking: b.Code}
}

func freeSeat(Booking, Seat) Seat { return Seat{} }

// owes returns the holder's clock with n added to its unpaid seats; nil if
// there is no clock.
func (v View) owes(seats int) *Clock {
	if v.Clock.Version == 0 || seats == 0 {
		return nil
	}
	clock := v.Clock
	clock.Unpaid = max(0, clock.Unpaid+seats)
	return &clock
}
