package demo_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/checkout/demo"
	"github.com/seatlock/seatlock/checkout/paytest"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

// open opens the store at path as a process of its own would.
func open(t *testing.T, path string, serve bool) *store.Store {
	t.Helper()
	engine, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{Serve: serve})
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(engine)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// TestProvider runs the suite on two processes' worth of the demo.
func TestProvider(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	first, second := demo.New(open(t, path, true)), demo.New(open(t, path, false))
	paytest.Run(t, func(*testing.T) paytest.World {
		return paytest.World{
			Providers: [2]checkout.Provider{first, second},
			Pay:       func(ctx context.Context, s checkout.Status) error { return second.Pay(ctx, s.Ref) },
			Decline:   func(ctx context.Context, s checkout.Status) error { return second.Decline(ctx, s.Ref) },
		}
	})
}

const id = "ABCDEFGHJK-1"

// asked is a payment whose deadline is over, which changes nothing.
var asked = checkout.Payment{
	ID: id, Key: "any", Ref: id, Amount: 4000, Currency: "EUR",
	Deadline: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), Return: "/bookings/ABCDEFGHJK",
}

// desk is a demo with one payment that was started.
type desk struct {
	*testing.T
	*demo.Provider
	store *store.Store
	path  string
}

func newDesk(t *testing.T) *desk {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	st := open(t, path, true)
	d := &desk{t, demo.New(st), st, path}
	asked := asked
	asked.Ref = ""
	got, err := d.Start(t.Context(), asked)
	want := checkout.Status{State: checkout.Open, Ref: id, URL: "/demo-pay/" + id, Amount: 4000, Currency: "EUR"}
	if err != nil || got != want {
		t.Fatalf("got %+v, %v, want %+v", got, err, want)
	}
	return d
}

func (d *desk) wantPage(state checkout.State, refunded int64) {
	d.Helper()
	got, err := d.Payment(d.Context(), id)
	want := demo.Payment{
		ID: id, State: state, Amount: 4000, Refunded: refunded, Currency: "EUR",
		Deadline: asked.Deadline, Return: asked.Return,
	}
	if err != nil || got != want {
		d.Fatalf("the page shows %+v, %v, want %+v", got, err, want)
	}
}

func (d *desk) want(err, want error) {
	d.Helper()
	if !errors.Is(err, want) {
		d.Fatalf("got error %v, want %v", err, want)
	}
}

func (d *desk) wantState(got checkout.Status, err error, want checkout.State) {
	d.Helper()
	if err != nil || got.State != want {
		d.Fatalf("got %s, %v, want %s", got.State, err, want)
	}
}

func TestPay(t *testing.T) {
	d, ctx := newDesk(t), t.Context()
	d.wantPage(checkout.Open, 0)
	d.want(d.Pay(ctx, id), nil)
	d.wantPage(checkout.Authorized, 0)
	d.want(d.Pay(ctx, id), demo.ErrPaid)
	d.want(d.Decline(ctx, id), demo.ErrPaid)
	d.wantPage(checkout.Authorized, 0)

	s, err := d.Capture(ctx, asked)
	d.wantState(s, err, checkout.Captured)
	d.want(d.Pay(ctx, id), demo.ErrPaid)
	d.want(d.Refund(ctx, checkout.Repayment{Key: "a", Ref: id, Amount: 1500, Currency: "EUR"}), nil)
	d.want(d.Refund(ctx, checkout.Repayment{Key: "b", Ref: id, Amount: 2501, Currency: "EUR"}), checkout.ErrRefused)
	d.wantPage(checkout.Captured, 1500)
}

func TestEnded(t *testing.T) {
	t.Run("declined", func(t *testing.T) {
		d := newDesk(t)
		d.want(d.Decline(t.Context(), id), nil)
		d.want(d.Decline(t.Context(), id), nil)
		d.wantEnded()
	})
	t.Run("cancelled", func(t *testing.T) {
		d := newDesk(t)
		s, err := d.Cancel(t.Context(), asked)
		d.wantState(s, err, checkout.Dead)
		d.wantEnded()
	})
}

func (d *desk) wantEnded() {
	d.Helper()
	d.wantPage(checkout.Dead, 0)
	d.want(d.Pay(d.Context(), id), demo.ErrEnded)
	d.want(d.PayLate(d.Context(), id, asked.Deadline), demo.ErrEnded)
	_, err := d.PayTwice(d.Context(), id)
	d.want(err, demo.ErrEnded)
	d.wantPage(checkout.Dead, 0)
}

func TestPayTwice(t *testing.T) {
	d := newDesk(t)
	second, err := d.PayTwice(t.Context(), id)
	d.want(err, nil)
	d.want(second, demo.ErrPaid)
	d.wantPage(checkout.Authorized, 0)
}

func TestNotFound(t *testing.T) {
	d := newDesk(t)
	for _, id := range []string{"KKKKKKKKKK-1", "", "a\nb", string(make([]byte, 10_000))} {
		_, err := d.Payment(t.Context(), id)
		d.want(err, checkout.ErrNotFound)
		d.want(d.Pay(t.Context(), id), checkout.ErrNotFound)
		d.want(d.PayLate(t.Context(), id, asked.Deadline), checkout.ErrNotFound)
		d.want(d.Decline(t.Context(), id), checkout.ErrNotFound)
	}
}

// calls are all calls of the provider about the payment.
func (d *desk) calls() map[string]func() error {
	ctx := d.Context()
	return map[string]func() error{
		"start":   func() error { _, err := d.Start(ctx, asked); return err },
		"status":  func() error { _, err := d.Status(ctx, asked); return err },
		"capture": func() error { _, err := d.Capture(ctx, asked); return err },
		"cancel":  func() error { _, err := d.Cancel(ctx, asked); return err },
		"refund": func() error {
			return d.Refund(ctx, checkout.Repayment{Key: "a", Ref: id, Amount: 1500, Currency: "EUR"})
		},
	}
}

// TestPayLate: the money is there at once, and told late.
func TestPayLate(t *testing.T) {
	d := newDesk(t)
	now, err := d.store.Now(t.Context())
	d.want(err, nil)
	d.want(d.PayLate(t.Context(), id, now.Add(time.Hour)), nil)
	d.wantPage(checkout.Captured, 0)
	d.want(d.PayLate(t.Context(), id, now), demo.ErrPaid)
	for name, call := range d.calls() {
		err := call()
		if err == nil || errors.Is(err, checkout.ErrNotFound) || errors.Is(err, checkout.ErrRefused) {
			t.Errorf("%s: got error %v, want one that is no answer", name, err)
		}
	}
	d.wantPage(checkout.Captured, 0)
}

func TestPayLateIsTold(t *testing.T) {
	d := newDesk(t)
	now, err := d.store.Now(t.Context())
	d.want(err, nil)
	d.want(d.PayLate(t.Context(), id, now), nil)
	s, err := d.Status(t.Context(), asked)
	d.wantState(s, err, checkout.Captured)
	s, err = d.Cancel(t.Context(), asked)
	d.wantState(s, err, checkout.Captured)
	for name, call := range d.calls() {
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	d.wantPage(checkout.Captured, 1500)
}

// TestDurable: the ledger outlives the process.
func TestDurable(t *testing.T) {
	d := newDesk(t)
	d.want(d.Pay(t.Context(), id), nil)
	d.want(d.store.Close(), nil)
	d.Provider = demo.New(open(t, d.path, true))
	d.wantPage(checkout.Authorized, 0)
	s, err := d.Capture(t.Context(), asked)
	d.wantState(s, err, checkout.Captured)
}

// TestRepeatWritesNothing: what changes nothing is no write.
func TestRepeatWritesNothing(t *testing.T) {
	d := newDesk(t)
	d.want(d.Pay(t.Context(), id), nil)
	for _, call := range d.calls() {
		_ = call() // refused or not, it is a repeat the second time
	}
	before := d.record()
	for _, call := range d.calls() {
		_ = call()
	}
	if after := d.record(); after.Version != before.Version {
		t.Errorf("repeats have written %d times", after.Version-before.Version)
	}
}

// TestNewerProgram: a field that this program does not know stays.
func TestNewerProgram(t *testing.T) {
	d := newDesk(t)
	err := d.store.ChangeRecord(t.Context(), d.record().Key, func(old store.Record) (store.Record, bool, error) {
		return store.Record{Body: append([]byte(`{"purse":"leather",`), old.Body[1:]...)}, false, nil
	})
	d.want(err, nil)
	d.want(d.Pay(t.Context(), id), nil)
	body, err := store.KeepUnknown(d.record().Body, []byte(`{}`), "state", "amount", "currency", "deadline", "return")
	if err != nil || string(body) != `{"purse":"leather"}` {
		t.Errorf("what is left is %s, %v", body, err)
	}
}

func (d *desk) record() store.Record {
	d.Helper()
	r, err := d.store.Record(d.Context(), store.Key{Kind: store.DemoRecord, ID: id})
	d.want(err, nil)
	return r
}
