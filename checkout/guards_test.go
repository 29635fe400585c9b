//go:build unix

package checkout_test

import (
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/store"
)

// TestGuards removes one guard after the other, and sees the schedules find it.
func TestGuards(t *testing.T) {
	type both = func(checkout.Store, checkout.Provider) (checkout.Store, checkout.Provider)
	onStore := func(wrap func(checkout.Store) checkout.Store) both {
		return func(st checkout.Store, p checkout.Provider) (checkout.Store, checkout.Provider) { return wrap(st), p }
	}
	onProvider := func(wrap func(checkout.Provider) checkout.Provider) both {
		return func(st checkout.Store, p checkout.Provider) (checkout.Store, checkout.Provider) { return st, wrap(p) }
	}
	inHouse := func(spoil func(house) house) func(w *world) { return func(w *world) { w.spoilHouse = spoil } }
	checkouts := func(spoil both) func(w *world) { return func(w *world) { w.spoil = spoil } }
	for name, spoil := range map[string]func(w *world){
		"seats are let go, and the attempt with them": checkouts(onStore(func(st checkout.Store) checkout.Store { return forgetful{st} })),
		"a call has another key each time":            checkouts(onProvider(func(p checkout.Provider) checkout.Provider { return keyless{p} })),
		"the deadline ends a payment by itself":       checkouts(onProvider(func(p checkout.Provider) checkout.Provider { return impatient{p} })),
		"a payment that is not found is dead":         checkouts(onProvider(func(p checkout.Provider) checkout.Provider { return hasty{p} })),
		"no answer is as good as success":             checkouts(onProvider(func(p checkout.Provider) checkout.Provider { return trusting{p} })),
		"half a unit is rounded down":                 checkouts(onStore(func(st checkout.Store) checkout.Store { return roundsDown{st} })),
		"prices are those of before":                  checkouts(onStore(func(st checkout.Store) checkout.Store { return outdated{st} })),
		"a ticket is let in again":                    inHouse(func(h house) house { return openDoor{h} }),
		"an erasure is told, and not done":            inHouse(func(h house) house { return keepsAll{h} }),
		"the trail loses moves":                       inHouse(func(h house) house { return forgets{h, store.ReasonMoved} }),
		"the trail loses scans":                       inHouse(func(h house) house { return forgets{h, store.ReasonCheckedIn} }),
		"the trail loses lapses":                      inHouse(func(h house) house { return forgets{h, store.ReasonLapsed} }),
		"sales forget what the house has kept": func(w *world) {
			w.count = func(s *store.Sales, b store.Booking) {
				b.Lines = slices.DeleteFunc(slices.Clone(b.Lines), func(l store.Line) bool { return l.NoRefund })
				s.Add(b, time.UTC)
			}
		},
		"sales forget what costs nothing": func(w *world) {
			w.count = func(s *store.Sales, b store.Booking) {
				b.Lines = slices.DeleteFunc(slices.Clone(b.Lines), func(l store.Line) bool { return l.Price == 0 })
				s.Add(b, time.UTC)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			w, err := openWorld(t.Context(), dir, "sqlite:"+filepath.Join(dir, "seatlock.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer w.close()
			w.atOnce = true
			spoil(w)
			w.away = name == "seats are let go, and the attempt with them"
			for seed := range uint64(400) {
				if err := w.schedule(seed).play(t.Context()); err != nil {
					t.Logf("found by schedule %d: %v", seed, err)
					return
				}
			}
			t.Error("400 schedules have not found it")
		})
	}
}

// roundsDown sells at half a unit less than what is rounded half up.
type roundsDown struct{ checkout.Store }

func (r roundsDown) Begin(ctx context.Context, b store.BeginRequest) (string, error) {
	e, err := r.Store.Event(ctx, b.Event)
	if err != nil {
		return "", err
	}
	b.Lines = slices.Clone(b.Lines)
	for i, l := range b.Lines {
		if t, _ := e.Tariff(l.Tariff); t.Off > 0 {
			b.Lines[i].Price = e.Prices[categoryOf(l.Seat)] * int64(100-t.Off) / 100
		}
	}
	return r.Store.Begin(ctx, b)
}

// outdated shows an event with the prices that it had at first.
type outdated struct{ checkout.Store }

func (o outdated) Event(ctx context.Context, id string) (store.Event, error) {
	e, err := o.Store.Event(ctx, id)
	e.Prices = pricedAt(1).Prices
	return e, err
}

// openDoor lets everybody in who was let in.
type openDoor struct{ house }

func (d openDoor) CheckIn(ctx context.Context, r store.CheckInRequest) (store.BookingOutcome, error) {
	out, err := d.house.CheckIn(ctx, r)
	if errors.Is(err, store.ErrCheckedIn) {
		err = nil
	}
	return out, err
}

// keepsAll erases nobody.
type keepsAll struct{ house }

func (keepsAll) Erase(context.Context, store.EraseRequest) (store.BookingOutcome, error) {
	return store.BookingOutcome{}, nil
}

// forgets has a trail without what has a reason.
type forgets struct {
	house
	reason store.Reason
}

func (f forgets) Trail(ctx context.Context, scan store.TrailScan) ([]store.Entry, error) {
	trail, err := f.house.Trail(ctx, scan)
	return slices.DeleteFunc(trail, func(e store.Entry) bool { return e.Reason == f.reason }), err
}

// forgetful takes an attempt that lets its seats go for dead.
type forgetful struct{ checkout.Store }

func (f forgetful) LetGo(ctx context.Context, a store.Attempt, _ time.Time) (store.BookingOutcome, error) {
	return f.Store.Decline(ctx, a)
}

// keyless tells the provider of each call as of a new one.
type keyless struct{ checkout.Provider }

func (k keyless) Refund(ctx context.Context, r checkout.Repayment) error {
	r.Key = rand.Text()
	return k.Provider.Refund(ctx, r)
}

// impatient takes a payment for dead once it is to be cancelled.
type impatient struct{ checkout.Provider }

func (impatient) Cancel(_ context.Context, p checkout.Payment) (checkout.Status, error) {
	return checkout.Status{State: checkout.Dead, Ref: p.Ref, Amount: p.Amount, Currency: p.Currency}, nil
}

// hasty takes a payment that is not found for dead.
type hasty struct{ checkout.Provider }

func (h hasty) Start(ctx context.Context, p checkout.Payment) (checkout.Status, error) {
	status, err := h.Provider.Start(ctx, p)
	if err != nil {
		return checkout.Status{State: checkout.Dead, Amount: p.Amount, Currency: p.Currency}, nil
	}
	return status, nil
}

// trusting takes a call without an answer for one that had its effect.
type trusting struct{ checkout.Provider }

func (t trusting) Capture(ctx context.Context, p checkout.Payment) (checkout.Status, error) {
	status, err := t.Provider.Capture(ctx, p)
	if err != nil && !errors.Is(err, checkout.ErrNotFound) {
		return checkout.Status{State: checkout.Captured, Ref: p.Ref, Amount: p.Amount, Currency: p.Currency}, nil
	}
	return status, err
}

func (t trusting) Refund(ctx context.Context, r checkout.Repayment) error {
	if err := t.Provider.Refund(ctx, r); err != nil && errors.Is(err, checkout.ErrRefused) {
		return err
	}
	return nil
}

// TestFrozen: who comes back when their lease is over does no harm with what they
// have heard.
func TestFrozen(t *testing.T) {
	w := newWorld(t)
	heard, goOn := make(chan struct{}), make(chan struct{})
	code := w.begin(t, "e", "ledger")
	w.spoil = func(st checkout.Store, p checkout.Provider) (checkout.Store, checkout.Provider) {
		return st, frozen{p, heard, goOn}
	}
	cold := w.instance(0)
	w.spoil = nil
	told := make(chan error)
	go func() { told <- cold.Hint(t.Context(), code) }()
	<-heard
	id := store.Booking{Code: code}.Attempt()
	if err := w.ledger.Pay(id); err != nil {
		t.Fatal(err)
	}
	warm := w.instance(1)
	for w.booking(t, code).State != store.BookingBooked { // once the lease is over
		if err := warm.Hint(t.Context(), code); err != nil {
			t.Fatal(err)
		}
	}
	before, err := w.stores[0].Attempt(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	close(goOn)
	if err := <-told; err != nil {
		t.Error(err)
	}
	after, err := w.stores[0].Attempt(t.Context(), id)
	if b := w.booking(t, code); err != nil || b.State != store.BookingBooked || after.Version != before.Version {
		t.Errorf("the booking is %s, and its attempt went from version %d to %d, %v: want nothing changed", b.State, before.Version, after.Version, err)
	}
}

// frozen has who asks for a payment's status wait with what it was told.
type frozen struct {
	checkout.Provider
	heard, goOn chan struct{}
}

func (f frozen) Status(ctx context.Context, p checkout.Payment) (checkout.Status, error) {
	status, err := f.Provider.Status(ctx, p)
	close(f.heard)
	<-f.goOn
	return status, err
}
