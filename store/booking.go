package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"iter"
	"math/big"
	"slices"
	"strings"
	"time"
)

// BookingState is where a booking stands.
type BookingState string

// The states of a booking. Late money may still book or lose one that is
// declined or lapsed; Lost and Cancelled are final.
const (
	BookingPaying    BookingState = "paying"    // its attempt is under way
	BookingReserved  BookingState = "reserved"  // to be paid at the door
	BookingBooked    BookingState = "booked"    // paid, or free of charge
	BookingDeclined  BookingState = "declined"  // the payment was, or was given up
	BookingLapsed    BookingState = "lapsed"    // not paid in time
	BookingLost      BookingState = "lost"      // paid, and the seats are others': the money goes back
	BookingCancelled BookingState = "cancelled" // all of its seats were
)

// Booking is seats that a holder pays for, has reserved or has booked together.
// It is the body of a record of the kind [BookingRecord], whose id is the code.
type Booking struct {
	Code   string       `json:"code"`
	Event  string       `json:"event"`
	Holder Holder       `json:"holder"`
	State  BookingState `json:"state"`
	Lines  []Line       `json:"lines"`
	// Currency is that of all amounts, which are in its smallest unit.
	Currency string `json:"currency"`
	// Starts is when the event was to start when it was sold; the zero value is
	// that nobody has noted it, or that there was no start.
	Starts time.Time `json:"starts,omitzero"`
	// Provider is who takes the money; "" for what a visitor has booked for nothing.
	Provider string `json:"provider,omitempty"`
	// Begun is when it was made, by the store's clock. PayUntil is the pay
	// deadline while it is paying or reserved.
	Begun    time.Time `json:"begun"`
	PayUntil time.Time `json:"pay_until,omitzero"`
	// Booked is when its seats became its own for good.
	Booked time.Time `json:"booked,omitzero"`
	// Captured is what was paid, and Refunded what has gone back of it. Refunds
	// are the ids of all refunds that were ever wanted.
	Captured int64    `json:"captured"`
	Refunded int64    `json:"refunded"`
	Refunds  []string `json:"refunds,omitempty"`
	// Tickets are those that are other than they were first issued, by seat; see
	// [Booking.Ticket].
	Tickets map[string]Ticket `json:"tickets,omitempty"`
	// Request is the id of the record of the request that made it; "" for one
	// that the house has sold.
	Request string `json:"request"`

	// Version is that of its record; 0 is no booking.
	Version int64 `json:"-"`

	unknown json.RawMessage // the body as it was read, if a field of it is unknown
}

// Line is one seat of a booking as it was sold. Nothing but its cancelling ever
// changes it.
type Line struct {
	Seat     string `json:"seat"`
	Label    string `json:"label"`   // of the place, as people read it
	Row      string `json:"row"`     // the label of its row
	Section  string `json:"section"` // the name of its section
	Category string `json:"category"`
	// Tariff is the id of its tariff and TariffName the name; "" is none.
	Tariff     string `json:"tariff,omitempty"`
	TariffName string `json:"tariff_name,omitempty"`
	Price      int64  `json:"price"`
	Cancelled  bool   `json:"cancelled,omitempty"`
	// NoRefund tells that it was cancelled, and that the house keeps its price.
	NoRefund bool `json:"no_refund,omitempty"`
	// Unpaid tells that it was cancelled before it was paid for.
	Unpaid bool `json:"unpaid,omitempty"`
}

// Attempt is the booking's only one, by its id.
func (b Booking) Attempt() string { return b.Code + "-1" }

// BookingOf is the code of the booking that an attempt or a refund belongs to.
func BookingOf(id string) string {
	code, _, _ := strings.Cut(id, "-")
	return code
}

// Total is what all lines cost together, also those that were cancelled.
func (b Booking) Total() int64 { return TotalOf(b.Lines) }

// TotalOf is what lines cost together. Prices are at most [MaxPrice], and lines
// at most [MaxSeatsPerRequest], so that the sum is one.
func TotalOf(lines []Line) (total int64) {
	for _, l := range lines {
		total += l.Price
	}
	return total
}

// Kept are the lines that were not cancelled.
func (b Booking) Kept() []Line {
	return slices.DeleteFunc(slices.Clone(b.Lines), func(l Line) bool { return l.Cancelled })
}

// Owed is what is still to be paid for the seats that are booked.
func (b Booking) Owed() int64 {
	if b.State != BookingReserved {
		return 0
	}
	return TotalOf(b.Kept())
}

// Seats are the ids of the seats of lines.
func Seats(lines []Line) []string {
	ids := make([]string, len(lines))
	for i, l := range lines {
		ids[i] = l.Seat
	}
	return ids
}

// AttemptState is where an attempt stands.
type AttemptState string

// The states of an attempt. Captured is final, and Dead but for late money.
const (
	AttemptRecorded   AttemptState = "recorded"   // the provider may not know of it
	AttemptStarted    AttemptState = "started"    // the visitor can pay
	AttemptAuthorized AttemptState = "authorized" // paid, and to be captured
	AttemptCaptured   AttemptState = "captured"   // the money is there
	AttemptDead       AttemptState = "dead"       // it never will be
)

// Attempt is a booking's way to money at one provider. It is the body of a
// record of the kind [AttemptRecord].
type Attempt struct {
	ID       string       `json:"id"`
	Event    string       `json:"event"`
	Provider string       `json:"provider"`
	State    AttemptState `json:"state"`
	Amount   int64        `json:"amount"`
	Currency string       `json:"currency"`
	// Ref is what the provider calls it, and URL where the visitor pays.
	Ref string `json:"ref,omitempty"`
	URL string `json:"url,omitempty"`
	// Deadline is when it is cancelled unless it was paid. GivenUp tells that
	// the visitor has brought that forward.
	Deadline time.Time `json:"deadline"`
	GivenUp  bool      `json:"given_up,omitempty"`
	// Overdue tells that the provider called it open at or after the deadline: it
	// is to be cancelled. LetGo tells that its seats were let go.
	Overdue bool `json:"overdue,omitempty"`
	LetGo   bool `json:"let_go,omitempty"`
	// Silent is since when, at or after the deadline, the provider has answered
	// no call; the zero value is that it has.
	Silent time.Time `json:"silent,omitzero"`
	Work

	// Version is that of its record; 0 is no attempt.
	Version int64 `json:"-"`

	unknown json.RawMessage
}

// Final tells that nothing more will become of the attempt, but for late money of
// a dead one.
func (a Attempt) Final() bool { return a.State == AttemptCaptured || a.State == AttemptDead }

// RefundState is where a refund stands.
type RefundState string

// The states of a refund. Done is final; a stuck one needs a person.
const (
	RefundWanted RefundState = "wanted"
	RefundDone   RefundState = "done"
	RefundStuck  RefundState = "stuck" // the provider refuses it
)

// Refund is money on its way back. It is the body of a record of the kind
// [RefundRecord].
type Refund struct {
	ID       string      `json:"id"`
	Attempt  string      `json:"attempt"`
	Provider string      `json:"provider"`
	Ref      string      `json:"ref"` // of the attempt
	State    RefundState `json:"state"`
	Amount   int64       `json:"amount"`
	Currency string      `json:"currency"`
	// Seats are those whose lines it pays back.
	Seats  []string  `json:"seats"`
	Wanted time.Time `json:"wanted"`
	Work

	// Version is that of its record; 0 is no refund.
	Version int64 `json:"-"`

	unknown json.RawMessage
}

// Work is what an attempt and a refund tell of the calls that are made for them.
type Work struct {
	// Due is when to look at it next; the zero value is never.
	Due time.Time `json:"due,omitzero"`
	// Leased is until when somebody is at work on it, if that is ahead.
	Leased time.Time `json:"leased,omitzero"`
	// Call names the call that was last recorded, Tries how many were since the
	// provider has last answered.
	Call  string `json:"call,omitempty"`
	Tries int    `json:"tries,omitempty"`
}

// codeLetters are those of a booking's code: none looks like another.
const (
	codeLetters = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
	codeLength  = 10
)

// NewCode returns a random code for a booking, of 49 bits.
func NewCode() string {
	code := make([]byte, codeLength)
	for i := range code {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(codeLetters))))
		if err != nil {
			panic(err) // crypto/rand never fails
		}
		code[i] = codeLetters[n.Int64()]
	}
	return string(code)
}

// ValidCode reports whether code can be that of a booking.
func ValidCode(code string) bool {
	return len(code) == codeLength && strings.Trim(code, codeLetters) == ""
}

// Booking returns the booking of this code. Not found: ErrNoBooking.
func (s *Store) Booking(ctx context.Context, code string) (Booking, error) {
	return readAs[Booking](ctx, s, BookingRecord, code)
}

// Attempt returns the attempt of this id. Not found: ErrNoBooking.
func (s *Store) Attempt(ctx context.Context, id string) (Attempt, error) {
	return readAs[Attempt](ctx, s, AttemptRecord, id)
}

// Refund returns the refund of this id. Not found: ErrNoBooking.
func (s *Store) Refund(ctx context.Context, id string) (Refund, error) {
	return readAs[Refund](ctx, s, RefundRecord, id)
}

// Refunds returns all refunds of a booking, in the order in which they were wanted.
func (s *Store) Refunds(ctx context.Context, b Booking) (refunds []Refund, err error) {
	for _, id := range b.Refunds {
		r, err := s.Refund(ctx, id)
		if err != nil {
			return nil, err
		}
		refunds = append(refunds, r)
	}
	return refunds, nil
}

// Person returns who the booking of this code is for. Not found: ErrNoBooking,
// also once the person's data was erased.
func (s *Store) Person(ctx context.Context, code string) (Person, error) {
	return readAs[Person](ctx, s, PersonRecord, code)
}

// Bookings returns a page of the bookings of an event, by code; after is the
// code of the last of the page before, or "".
func (s *Store) Bookings(ctx context.Context, event, after string, limit int) ([]Booking, error) {
	if !ValidID(event) {
		return nil, fmt.Errorf("bookings: %w", ErrNoEvent)
	}
	scan := Scan{Kind: BookingRecord, Index: ofEvent, From: event, To: event + " ", Limit: limit}
	if after != "" {
		scan.After = Record{Key: Key{BookingRecord, after}, Index: map[string]string{ofEvent: event}}
	}
	page, err := s.Records(ctx, scan)
	if err != nil {
		return nil, err
	}
	return decodeAll[Booking](page)
}

// AllBookings are all bookings of an event, by code. An error is the last.
func (s *Store) AllBookings(ctx context.Context, event string) iter.Seq2[Booking, error] {
	return func(yield func(Booking, error) bool) {
		for after := ""; ; {
			page, err := s.Bookings(ctx, event, after, MaxPage)
			if err != nil {
				yield(Booking{}, err)
				return
			}
			for _, b := range page {
				if after = b.Code; !yield(b, nil) {
					return
				}
			}
			if len(page) < MaxPage {
				return
			}
		}
	}
}

// entity is what the bodies of the records of bookings are.
type entity interface {
	Booking | Attempt | Refund | Person
}

func readAs[T entity](ctx context.Context, s *Store, kind, id string) (T, error) {
	var none T
	if code := BookingOf(id); !ValidCode(code) {
		return none, fmt.Errorf("%s: %w", kind, ErrNoBooking)
	}
	r, err := s.Record(ctx, Key{kind, id})
	if err != nil {
		return none, err
	}
	if r.Version == 0 {
		return none, fmt.Errorf("%s: %w", kind, ErrNoBooking)
	}
	return decode[T](r)
}

// decode reads the body of a record. It keeps one with fields that it does not
// know, which a newer program has written.
func decode[T entity](r Record) (T, error) {
	v, err := decodeKnown[T](r.Body)
	var unknown json.RawMessage
	if err != nil {
		v, unknown = *new(T), r.Body
		err = json.Unmarshal(r.Body, &v)
	}
	if err != nil {
		return v, fmt.Errorf("%w: a record of kind %s: %v", ErrUnavailable, r.Kind, err)
	}
	switch v := any(&v).(type) {
	case *Booking:
		v.Version, v.unknown = r.Version, unknown
	case *Attempt:
		v.Version, v.unknown = r.Version, unknown
	case *Refund:
		v.Version, v.unknown = r.Version, unknown
	}
	return v, nil
}

// decodeKnown fails where a field is unknown.
func decodeKnown[T entity](body json.RawMessage) (v T, err error) {
	strict := json.NewDecoder(bytes.NewReader(body))
	strict.DisallowUnknownFields()
	err = strict.Decode(&v)
	return v, err
}

func decodeAll[T entity](records []Record) ([]T, error) {
	all := make([]T, len(records))
	for i, r := range records {
		v, err := decode[T](r)
		if err != nil {
			return nil, err
		}
		all[i] = v
	}
	return all, nil
}

// The names of the indexes of bookings, attempts, refunds and persons.
const (
	ofEvent = "event" // the event's id
	ofEmail = "email" // of a person, as [NormalEmail] has it
	due     = "due"   // when to look at it next, as [dueText] has it
)

// dueText is a time as an index has it: in the order of time.
func dueText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func (b Booking) record() Record {
	index := map[string]string{ofEvent: b.Event}
	if b.State == BookingReserved {
		index[due] = dueText(b.PayUntil)
	}
	return Record{Key: Key{BookingRecord, b.Code}, Body: encode(b.unknown, b), Index: index}
}

func (a Attempt) record() Record {
	return Record{Key: Key{AttemptRecord, a.ID}, Body: encode(a.unknown, a), Index: a.index()}
}

func (r Refund) record() Record {
	return Record{Key: Key{RefundRecord, r.ID}, Body: encode(r.unknown, r), Index: r.index()}
}

func (w Work) index() map[string]string {
	if w.Due.IsZero() {
		return nil
	}
	return map[string]string{due: dueText(w.Due)}
}

// encode writes a body, with the fields of the old one that this program does
// not know.
func encode[T entity](old json.RawMessage, v T) json.RawMessage {
	body, err := json.Marshal(v)
	if err == nil {
		body, err = KeepUnknown(old, body, known[T]()...)
	}
	if err != nil {
		panic(err) // these are structs of text, numbers and times, and old was read as one
	}
	return body
}

// known are the names of all fields of a body, also of those that are left out
// where they are zero.
func known[T entity]() []string {
	var v T
	switch any(v).(type) {
	case Booking:
		return []string{"starts", "provider", "pay_until", "booked", "refunds", "tickets"}
	case Attempt:
		return []string{"ref", "url", "given_up", "overdue", "let_go", "silent", "due", "leased", "call", "tries"}
	case Refund:
		return []string{"due", "leased", "call", "tries"}
	}
	return []string{"phone"}
}
