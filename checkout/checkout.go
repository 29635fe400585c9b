package checkout

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/seatlock/seatlock/store"
)

// Store is what a checkout needs of a store. See [store.Store] for what each
// method promises.
type Store interface {
	Now(ctx context.Context) (time.Time, error)
	Event(ctx context.Context, id string) (store.Event, error)
	Plan(ctx context.Context, hash string) ([]byte, error)
	LockOf(ctx context.Context, event string, holder store.Holder) (store.Outcome, error)

	Begin(ctx context.Context, r store.BeginRequest) (code string, err error)
	Sell(ctx context.Context, r store.SellRequest) (store.Outcome, error)
	Move(ctx context.Context, r store.MoveRequest) (store.BookingOutcome, error)
	Booking(ctx context.Context, code string) (store.Booking, error)
	Attempt(ctx context.Context, id string) (store.Attempt, error)
	Refunds(ctx context.Context, b store.Booking) ([]store.Refund, error)
	Person(ctx context.Context, code string) (store.Person, error)

	LeaseAttempt(ctx context.Context, id string, l store.Lease, call func(store.Attempt, time.Time) string) (store.Attempt, time.Time, error)
	LeaseRefund(ctx context.Context, id string, l store.Lease, call func(store.Refund, time.Time) string) (store.Refund, time.Time, error)
	NoteAttempt(ctx context.Context, a store.Attempt) (store.Attempt, error)
	NoteRefund(ctx context.Context, r store.Refund) (store.BookingOutcome, error)
	Confirm(ctx context.Context, a store.Attempt) (store.BookingOutcome, error)
	Decline(ctx context.Context, a store.Attempt) (store.BookingOutcome, error)
	LetGo(ctx context.Context, a store.Attempt, next time.Time) (store.BookingOutcome, error)
	GiveUp(ctx context.Context, code string, holder store.Holder) (store.BookingOutcome, error)
	Cancel(ctx context.Context, r store.CancelRequest) (store.BookingOutcome, error)
	Lapse(ctx context.Context, code string) (store.BookingOutcome, error)
	DueReserved(ctx context.Context, after store.DueWork, limit int) ([]store.DueWork, error)
	DueAttempts(ctx context.Context, after store.DueWork, limit int) ([]store.DueWork, error)
	DueRefunds(ctx context.Context, after store.DueWork, limit int) ([]store.DueWork, error)
}

// Door is the way to pay for which no provider is called: the seats are reserved,
// and a person is paid at the door.
const Door = "door"

// Config configures a checkout.
type Config struct {
	// Providers are the providers by name, without the door.
	Providers map[string]Provider
	// Offered are the names of the ways to pay that visitors are offered, in
	// that order; Door may be one. Payments with other providers are still
	// completed.
	Offered []string
	Rules   Rules
	Log     *slog.Logger
	// Reached, if not nil, is called at each named point between two steps: a
	// test ends the process there.
	Reached func(point string)
}

// Checkout sells the seats of one store: it begins bookings, and settles their
// payments and refunds. Use New. Its methods are safe for concurrent use, from
// any number of instances on the same store.
type Checkout struct {
	store     Store
	providers map[string]Provider
	offered   []string
	rules     Rules
	log       *slog.Logger
	reached   func(point string)
	places    places
	starting  singleflight.Group
	// attemptsWake and refundsWake have the reconciler look at once.
	attemptsWake, refundsWake chan struct{}

	mu         sync.Mutex
	complained time.Time
}

// New returns a checkout over a store. Run keeps its payments going.
func New(st Store, c Config) *Checkout {
	if c.Reached == nil {
		c.Reached = func(string) {}
	}
	return &Checkout{
		store: st, providers: c.Providers, offered: c.Offered, rules: c.Rules, log: c.Log, reached: c.Reached,
		places: places{plans: st}, attemptsWake: make(chan struct{}, 1), refundsWake: make(chan struct{}, 1),
	}
}

// Offered returns the names of the ways to pay, in the order of the
// configuration.
func (c *Checkout) Offered() []string { return slices.Clone(c.offered) }

// Rules returns the rules of the checkout.
func (c *Checkout) Rules() Rules { return c.rules }

// Hint asks the provider for the state of a booking's attempt, unless another
// caller is doing so, and writes the answer. Not found: store.ErrNoBooking.
func (c *Checkout) Hint(ctx context.Context, code string) error {
	a, err := c.store.Attempt(ctx, store.Booking{Code: code}.Attempt())
	if err != nil {
		return err
	}
	if a.State != store.AttemptDead {
		return c.advance(ctx, a.ID, true)
	}
	a.Call = callStatus // dead by what the provider said: it may know better now
	if status, err := c.call(ctx, a); err == nil && status.State == Captured {
		a.Ref = status.Ref
		_, err := c.store.Confirm(ctx, a)
		return err
	}
	return nil
}

// GiveUp is [store.Store.GiveUp], and then asks the provider at once.
func (c *Checkout) GiveUp(ctx context.Context, code string, holder store.Holder) (store.BookingOutcome, error) {
	defer nudge(c.attemptsWake)
	return c.store.GiveUp(ctx, code, holder)
}

// Cancel is [store.Store.Cancel], and then refunds the money at once. A visitor
// cannot cancel an accessible seat and keep the seat beside it at a tariff that
// needs it: that is refused as a store.TariffError.
func (c *Checkout) Cancel(ctx context.Context, r store.CancelRequest) (store.BookingOutcome, error) {
	defer nudge(c.refundsWake)
	if r.Holder == "" || len(r.Seats) == 0 {
		return c.store.Cancel(ctx, r)
	}
	err := store.ErrStale
	for tries := 0; errors.Is(err, store.ErrStale) && tries < maxStale; tries++ {
		r.Allow, err = c.keepsBeside(ctx, r.Code)
	}
	if err != nil {
		return store.BookingOutcome{}, err
	}
	return c.store.Cancel(ctx, r)
}

// keepsBeside returns a function that refuses to separate seats that were sold
// beside each other; nil if the booking's event has no such tariff. Seats that
// the house has already separated do not matter.
func (c *Checkout) keepsBeside(ctx context.Context, code string) (allow func(kept, left []store.Line) error, err error) {
	b, err := c.store.Booking(ctx, code)
	if err != nil {
		return nil, err
	}
	e, err := c.store.Event(ctx, b.Event)
	if errors.Is(err, store.ErrNoEvent) || err == nil && !slices.ContainsFunc(e.Tariffs, func(t store.Tariff) bool { return t.Beside }) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	places, err := c.places.of(ctx, e.Plan)
	if err != nil {
		return nil, err
	}
	alone := func(lines []store.Line) error {
		var chosen []store.Chosen
		for _, l := range lines {
			at := places[l.Seat]
			at.line.Seat = l.Seat
			chosen = append(chosen, at.chosen(l.Tariff))
		}
		return e.CheckBeside(chosen)
	}
	return func(kept, left []store.Line) error {
		if alone(kept) != nil {
			return nil
		}
		return alone(left)
	}, nil
}

// Show returns a booking with all that belongs to it. Not found:
// store.ErrNoBooking.
func (c *Checkout) Show(ctx context.Context, code string) (Shown, error) {
	b, err := c.store.Booking(ctx, code)
	if err != nil {
		return Shown{}, err
	}
	shown := Shown{Booking: b}
	if shown.Now, err = c.store.Now(ctx); err != nil {
		return Shown{}, err
	}
	if shown.Event, err = c.store.Event(ctx, b.Event); err != nil && !errors.Is(err, store.ErrNoEvent) {
		return Shown{}, err
	}
	if shown.Attempt, err = c.store.Attempt(ctx, b.Attempt()); err != nil && !errors.Is(err, store.ErrNoBooking) {
		return Shown{}, err
	}
	if shown.Person, err = c.store.Person(ctx, code); err != nil && !errors.Is(err, store.ErrNoBooking) {
		return Shown{}, err
	}
	shown.Refunds, err = c.store.Refunds(ctx, b)
	return shown, err
}

// ErrChanged: the seats or prices are not those of the form.
var ErrChanged = errors.New("what is to be booked has changed")

// ErrNoPayment: there is no such way to pay.
var ErrNoPayment = errors.New("no such way to pay")

// Offer is what a holder would book now.
type Offer struct {
	Event store.Event
	Lines []store.Line // in the plan's order
	// Choices has, for each line, what can be chosen for its seat.
	Choices []Choice
	// Total is the sum of all lines.
	Total int64
	// Digest covers the choices with their prices, whatever was chosen, and what
	// else the visitor agrees to: the event's id and currency.
	Digest string
	// Deadline is when the lock ends.
	Deadline, Now time.Time
	// Paying is the code of the booking that the holder is paying for at this
	// event, or "". If there is one, there are no lines.
	Paying string
}

// Choice is a seat with all that it can be sold as: one line for each tariff, the
// default first. Without a tariff there is one line.
type Choice struct {
	Seat  string
	Lines []store.Line
}

// Request is a checkout's form as it was sent.
type Request struct {
	Event  string
	Holder store.Holder
	Person store.Person
	// Payment is the name of a way to pay; it may be empty if there is nothing
	// to pay. Digest is that of the offer that the form showed, and ID the
	// form's own.
	Payment, Digest, ID string
	// Tariffs are the ids of the chosen tariffs by seat; a seat without one gets
	// its default.
	Tariffs map[string]string
}

// Begun is the result of Begin.
type Begun struct {
	// Code is the booking's. Pay is where to pay: "" if there is nothing to pay
	// online, or the provider has not answered yet.
	Code, Pay string
	// Repeat means that the booking existed before.
	Repeat bool
}

// Shown is a booking with what belongs to it.
type Shown struct {
	Booking store.Booking
	Event   store.Event // the zero value if it was removed
	Attempt store.Attempt
	Refunds []store.Refund
	Person  store.Person // the zero value if it was erased
	Now     time.Time
}
