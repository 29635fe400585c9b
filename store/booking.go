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

// BookingState is the state of a booking.
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

// Booking is the seats that a holder is paying for, has reserved or has booked
// together.
// It is the body of a record of the kind [BookingRecord], whose id is the code.
type Booking struct {
	Code   string       `json:"code"`
	Event  string       `json:"event"`
	Holder Holder       `json:"holder"`
	State  BookingState `json:"state"`
	Lines  []Line       `json:"lines"`
	// Currency is that of all amounts, which are in its smallest unit.
	Currency string `json:"currency"`
	// Starts is the start of the event at the time of the sale; zero if it was
	// not recorded, or if there was none.
	Starts time.Time `json:"starts,omitzero"`
	// Provider takes the money; "" if the visitor has booked for nothing.
	Provider string `json:"provider,omitempty"`
	// Begun is when the booking was made, by the store's clock. PayUntil is the
	// pay deadline while it is paying or reserved.
	Begun    time.Time `json:"begun"`
	PayUntil time.Time `json:"pay_until,omitzero"`
	// Booked is when it became booked or reserved.
	Booked time.Time `json:"booked,omitzero"`
	// Captured is what was paid, and Refunded what was paid back of it. Refunds
	// are the ids of all its refunds.
	Captured int64    `json:"captured"`
	Refunded int64    `json:"refunded"`
	Refunds  []string `json:"refunds,omitempty"`
	// Tickets has the tickets that differ from a first, unused one, by seat; use
	// [Booking.Ticket].
	Tickets map[string]Ticket `json:"tickets,omitempty"`
	// Request is the id of the record of the request that made the booking; ""
	// if the house has sold it.
	Request string `json:"request"`

	// Version is that of its record; 0 is no booking.
	Version int64 `json:"-"`

	unknown json.RawMessage // the body as it was read, if a field of it is unknown
}

// Line is one seat of a booking as it was sold. Only cancelling changes it.
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
	// NoRefund means that the seat was cancelled, and that the house keeps its
	// price.
	NoRefund bool `json:"no_refund,omitempty"`
	// Unpaid means that the seat was cancelled before it was paid for.
	Unpaid bool `json:"unpaid,omitempty"`
}

// Attempt is the booking's only one, by its id.
func (b Booking) Attempt() string { return b.Code + "-1" }

// BookingOf returns the code of the booking that an attempt or a refund belongs
// to.
func BookingOf(id string) string {
	code, _, _ := strings.Cut(id, "-")
	return code
}

// Total returns the sum of all lines, including cancelled ones.
func (b Booking) Total() int64 { return TotalOf(b.Lines) }

// TotalOf returns the sum of the lines' prices. It cannot overflow: prices are
// at most [MaxPrice], and lines at most [MaxSeatsPerRequest].
func TotalOf(lines []Line) (total int64) {
	for _, l := range lines {
		total += l.Price
	}
	return total
}

// Kept returns the lines that were not cancelled.
func (b Booking) Kept() []Line {
	return slices.DeleteFunc(slices.Clone(b.Lines), func(l Line) bool { return l.Cancelled })
}

// Owed returns what is still to be paid for the seats of a reserved booking.
func (b Booking) Owed() int64 {
	if b.State != BookingReserved {
		return 0
	}
	return TotalOf(b.Kept())
}

// Seats returns the ids of the seats of lines.
func Seats(lines []Line) []string {
	ids := make([]string, len(lines))
	for i, l := range lines {
		ids[i] = l.Seat
	}
	return ids
}

// AttemptState is the state of an attempt.
type AttemptState string

// The states of an attempt. Captured is final, and Dead but for late money.
const (
	AttemptRecorded   AttemptState = "recorded"   // the provider may not know of it
	AttemptStarted    AttemptState = "started"    // the visitor can pay
	AttemptAuthorized AttemptState = "authorized" // paid, and to be captured
	AttemptCaptured   AttemptState = "captured"   // the money is there
	AttemptDead       AttemptState = "dead"       // it never will be
)

// Attempt is a booking's payment at one provider. It is the body of a record of
// the kind [AttemptRecord].
type Attempt struct {
	ID       string       `json:"id"`
	Event    string       `json:"event"`
	Provider string       `json:"provider"`
	State    AttemptState `json:"state"`
	Amount   int64        `json:"amount"`
	Currency string       `json:"currency"`
	// Ref is the provider's name for the payment, and URL the page where the
	// visitor pays.
	Ref string `json:"ref,omitempty"`
	URL string `json:"url,omitempty"`
	// Deadline is when the payment is cancelled unless it was made. GivenUp
	// means that the visitor has brought that forward.
	Deadline time.Time `json:"deadline"`
	GivenUp  bool      `json:"given_up,omitempty"`
	// Overdue means that the provider reported it as open at or after the
	// deadline: it is to be cancelled. LetGo means that its seats were let go.
	Overdue bool `json:"overdue,omitempty"`
	LetGo   bool `json:"let_go,omitempty"`
	// Silent is when, at or after the deadline, the provider first left a call
	// unanswered; zero if it has answered since.
	Silent time.Time `json:"silent,omitzero"`
	Work

	// Version is that of its record; 0 is no attempt.
	Version int64 `json:"-"`

	unknown json.RawMessage
}

// Final reports whether the attempt will not change any more, except by late
// money of a dead one.
func (a Attempt) Final() bool { return a.State == AttemptCaptured || a.State == AttemptDead }

// RefundState is the state of a refund.
type RefundState string

// The states of a refund. Done is final; a stuck one needs a person.
const (
	RefundWanted RefundState = "wanted"
	RefundDone   RefundState = "done"
	RefundStuck  RefundState = "stuck" // the provider refuses it
)

// Refund is money that is paid back. It is the body of a record of the kind
// [RefundRecord].
type Refund struct {
	ID       string      `json:"id"`
	Attempt  string      `json:"attempt"`
	Provider string      `json:"provider"`
	Ref      string      `json:"ref"` // of the attempt
	State    RefundState `json:"state"`
	Amount   int64       `json:"amount"`
	Currency string      `json:"currency"`
	// Seats are the seats whose prices it pays back.
	Seats  []string  `json:"seats"`
	Wanted time.Time `json:"wanted"`
	Work

	// Version is that of its record; 0 is no refund.
	Version int64 `json:"-"`

	unknown json.RawMessage
}

// Work records the calls that are made for an attempt or a refund.
type Work struct {
	// Due is when it needs a call next; zero is never.
	Due time.Time `json:"due,omitzero"`
	// Leased is when the lease of the present caller ends; a time in the past is
	// no lease.
	Leased time.Time `json:"leased,omitzero"`
	// Call names the last recorded call. Tries counts the calls since the
	// provider's last answer.
	Call  string `json:"call,omitempty"`
	Tries int    `json:"tries,omitempty"`
}

// codeLetters are the letters of booking codes: none looks like another.
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

// Person returns the personal data of the booking with this code. Not found:
// ErrNoBooking, also once the data were erased.
func (s *Store) Person(ctx context.Context, code string) (Person, error) {
	return readAs[Person](ctx, s, PersonRecord, code)
}

// Bookings returns a page of the bookings of an event, ordered by code; after
// is the last code of the previous page, or "".
func (s *Store) Bookings(ctx context.Context, event, after string, limit int) ([]Booking, error) {
	if !ValidID(event) {
		return nil, fmt.Errorf("bookings: %w", ErrNoEvent)
	}
	scan := bookingsOf(event, limit)
	if after != "" {
		scan.After = Record{Key: Key{BookingRecord, after}, Index: map[string]string{ofEvent: event}}
	}
	page, err := s.Records(ctx, scan)
	if err != nil {
		return nil, err
	}
	return decodeAll[Booking](page)
}

func bookingsOf(event string, limit int) Scan {
	return Scan{Kind: BookingRecord, Index: ofEvent, From: event, To: event + " ", Limit: limit}
}

// AllBookings yields all bookings of an event, ordered by code. An error is the
// last.
func (s *Store) AllBookings(ctx context.Context, event string) iter.Seq2[Booking, error] {
	return func(yield func(Booking, error) bool) {
		if !ValidID(event) {
			yield(Booking{}, fmt.Errorf("bookings: %w", ErrNoEvent))
			return
		}
		for r, err := range s.pages(ctx, bookingsOf(event, MaxPage)) {
			var b Booking
			if err == nil {
				b, err = decode[Booking](r)
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// entity is any body of the records about bookings.
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

// decode reads the body of a record. It keeps the body if it has unknown
// fields, which a newer program has written.
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

// dueText returns a time as index text, which sorts in the order of time.
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

// encode writes a body, with the unknown fields of the old one.
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

// known returns the names of all fields of a body, including those that are
// omitted when zero.
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
