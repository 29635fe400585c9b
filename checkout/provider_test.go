//go:build unix

package checkout_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/store"
)

// TestNotFoundEnds: a provider that does not know a payment, for now, is asked no
// more often than one that does not answer, and the payment ends.
func TestNotFoundEnds(t *testing.T) {
	w := newWorld(t)
	var calls atomic.Int64
	w.spoil = func(st checkout.Store, p checkout.Provider) (checkout.Store, checkout.Provider) {
		return st, unsure{p, &calls}
	}
	code := w.begin(t, "e", "ledger")
	running, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.instance(0).Run(running) }()
	w.await(t, code, store.BookingLapsed)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := calls.Load(); n > 200 {
		t.Errorf("the provider was asked %d times", n)
	}
}

// unsure does not know a payment when it is asked for its status.
type unsure struct {
	checkout.Provider
	calls *atomic.Int64
}

func (u unsure) Status(context.Context, checkout.Payment) (checkout.Status, error) {
	u.calls.Add(1)
	return checkout.Status{}, checkout.ErrNotFound
}

// TestOneHangs: what is paid at one provider is booked while another hangs.
func TestOneHangs(t *testing.T) {
	w := newWorld(t)
	rules := quick()
	rules.Within, rules.Lease = 20*time.Second, 30*time.Second
	rules.Pay = store.DefaultPayRules(time.Minute)
	hanging := hung{make(chan struct{}, 200)}
	c := checkout.New(w.stores[0], checkout.Config{
		Providers: map[string]checkout.Provider{"ledger": w.ledger, "hung": hanging}, Offered: []string{"ledger", "hung"},
		Rules: rules, Log: slog.New(slog.DiscardHandler),
	})
	for i := range 100 {
		w.beginFor(t, store.NewCode(), "hung", i)
	}
	running, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { _ = c.Run(running) })
	for range 32 {
		<-hanging.asked
	}
	code := store.NewCode()
	w.beginFor(t, code, "ledger", 1)
	w.awaitAttempt(t, code, store.AttemptStarted)
	if err := w.ledger.Pay(store.Booking{Code: code}.Attempt()); err != nil {
		t.Fatal(err)
	}
	w.await(t, code, store.BookingBooked)
	stop()
	all.Wait()
}

// hung answers nothing until it is given up.
type hung struct{ asked chan struct{} }

func (h hung) hang(ctx context.Context) (checkout.Status, error) {
	h.asked <- struct{}{}
	<-ctx.Done()
	return checkout.Status{}, ctx.Err()
}

func (h hung) Start(ctx context.Context, _ checkout.Payment) (checkout.Status, error) {
	return h.hang(ctx)
}
func (h hung) Status(ctx context.Context, _ checkout.Payment) (checkout.Status, error) {
	return h.hang(ctx)
}
func (h hung) Capture(ctx context.Context, _ checkout.Payment) (checkout.Status, error) {
	return h.hang(ctx)
}
func (h hung) Cancel(ctx context.Context, _ checkout.Payment) (checkout.Status, error) {
	return h.hang(ctx)
}
func (h hung) Refund(ctx context.Context, _ checkout.Repayment) error {
	_, err := h.hang(ctx)
	return err
}

// beginFor has somebody begin to pay for a seat of an event of their own, without
// a call to the provider.
func (w *world) beginFor(t *testing.T, code, provider string, n int) {
	t.Helper()
	w.lock(t, "e"+code, "b")
	e, err := w.stores[0].Event(t.Context(), "e"+code)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.stores[0].Begin(t.Context(), store.BeginRequest{
		Event: e.ID, Holder: "anna", Code: code, Request: "form", Contents: "digest", Revision: e.Revision,
		Lines: []store.Line{{Seat: "b", Price: 10}}, Person: store.Person{Name: "Anna", Email: "anna@example.org"},
		Provider: provider, Rules: store.DefaultPayRules(time.Minute),
	})
	if err != nil {
		t.Fatal(n, err)
	}
}

func (w *world) awaitAttempt(t *testing.T, code string, want store.AttemptState) {
	t.Helper()
	var a store.Attempt
	for end := time.Now().Add(bounded); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		var err error
		if a, err = w.stores[0].Attempt(t.Context(), store.Booking{Code: code}.Attempt()); err != nil {
			t.Fatal(err)
		}
		if a.State == want {
			return
		}
	}
	t.Fatalf("the attempt is %s, want %s", a.State, want)
}

// TestRefusedAndPaid: a provider that has refused a payment, and then says that it
// was captured, gets it back under the name that it calls it by.
func TestRefusedAndPaid(t *testing.T) {
	w := newWorld(t)
	w.spoil = func(st checkout.Store, p checkout.Provider) (checkout.Store, checkout.Provider) {
		return st, refuses{p}
	}
	w.lock(t, "e", "a", "b")
	begun, err := w.instance(0).Begin(t.Context(), w.request(t, "e", "ledger"))
	if err != nil {
		t.Fatal(err)
	}
	w.await(t, begun.Code, store.BookingDeclined)
	if _, err := w.stores[0].Unlock(t.Context(), store.UnlockRequest{Event: "e", Holder: "anna"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.stores[0].Lock(t.Context(), store.LockRequest{Event: "e", Holder: "bert", Seats: []string{"a"}, Rules: store.DefaultRules()}); err != nil {
		t.Fatal(err)
	}
	if err := w.ledger.PayAtOnce(store.Booking{Code: begun.Code}.Attempt()); err != nil {
		t.Fatal(err)
	}
	if err := w.instance(0).Hint(t.Context(), begun.Code); err != nil {
		t.Fatal(err)
	}
	w.await(t, begun.Code, store.BookingLost)
	r, err := w.stores[0].Refund(t.Context(), begun.Code+"-r1")
	if err != nil || r.Ref != "ledger-"+begun.Code+"-1" {
		t.Errorf("refund %+v, %v", r, err)
	}
}

// refuses starts a payment and says that it does not; it knows it all the same.
type refuses struct{ checkout.Provider }

func (r refuses) Start(ctx context.Context, p checkout.Payment) (checkout.Status, error) {
	_, err := r.Provider.Start(ctx, p)
	return checkout.Status{}, errors.Join(err, checkout.ErrRefused)
}

func (r refuses) Status(ctx context.Context, p checkout.Payment) (checkout.Status, error) {
	p.Ref = "ledger-" + p.ID
	return r.Provider.Status(ctx, p)
}

// TestRepeatWithoutAPrice: who pays already, or repeats what was begun, is
// answered so, whatever else they have locked.
func TestRepeatWithoutAPrice(t *testing.T) {
	w := newWorld(t)
	w.lock(t, "e", "a")
	r := w.request(t, "e", "ledger")
	begun, err := w.instance(0).Begin(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	w.lock(t, "e", "c")
	e, err := w.stores[0].Event(t.Context(), "e")
	if err != nil {
		t.Fatal(err)
	}
	e.Prices = map[string]int64{"a": 1}
	if _, err := w.stores[0].UpdateEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if again, err := w.instance(0).Begin(t.Context(), r); err != nil || again.Code != begun.Code {
		t.Errorf("a repeat got %+v, %v", again, err)
	}
	if offer, err := w.instance(0).Offer(t.Context(), "e", "anna", nil); err != nil || offer.Paying != begun.Code {
		t.Errorf("offer %+v, %v", offer, err)
	}
}
