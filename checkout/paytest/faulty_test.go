package paytest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/checkout/paytest"
)

// network is a ledger behind a faulty network, with one paid payment.
type network struct {
	*testing.T
	*paytest.Faulty
	ledger *paytest.Ledger
	p      checkout.Payment
}

func newNetwork(t *testing.T) *network {
	ledger := paytest.NewLedger()
	n := &network{t, paytest.NewFaulty(ledger, 7, paytest.Faults{}), ledger, payment("A-1")}
	n.start()
	n.must(ledger.Pay(n.p.ID))
	return n
}

func payment(id string) checkout.Payment {
	return checkout.Payment{ID: id, Key: "any", Amount: 4000, Currency: "EUR"}
}

func (n *network) start() {
	n.Helper()
	s, err := n.Start(n.Context(), n.p)
	n.must(err)
	n.p.Ref = s.Ref
}

func (n *network) must(err error) {
	n.Helper()
	if err != nil {
		n.Fatal(err)
	}
}

// wantLost wants a call to have no answer.
func (n *network) wantLost(err error) {
	n.Helper()
	if !errors.Is(err, paytest.ErrNoAnswer) || errors.Is(err, checkout.ErrNotFound) || errors.Is(err, checkout.ErrRefused) {
		n.Fatalf("got error %v, want %v", err, paytest.ErrNoAnswer)
	}
}

// want wants the payment to stand so at the provider, which so many captures
// have reached.
func (n *network) want(state checkout.State, reached int) {
	n.Helper()
	e, _ := n.ledger.Entry(n.p.ID)
	if got := n.Reached(paytest.CallCapture, n.p.ID); e.State != state || got != reached {
		n.Fatalf("%s after %d captures, want %s after %d", e.State, got, state, reached)
	}
}

func (n *network) capture() error {
	_, err := n.Capture(n.Context(), n.p)
	return err
}

func TestNoFaults(t *testing.T) {
	n := newNetwork(t)
	n.must(n.capture())
	n.must(n.Refund(t.Context(), checkout.Repayment{Key: "all", Ref: n.p.Ref, Amount: 4000, Currency: "EUR"}))
	n.want(checkout.Captured, 1)
	if got := n.Reached(paytest.CallRefund, n.p.ID); got != 1 {
		t.Errorf("%d refunds were counted, want 1", got)
	}
}

func TestDrop(t *testing.T) {
	n := newNetwork(t)
	n.Set(paytest.Faults{Drop: 1})
	n.wantLost(n.capture())
	n.want(checkout.Authorized, 0)
	n.Set(paytest.Faults{})
	n.want(checkout.Authorized, 0)
	n.must(n.capture())
	n.want(checkout.Captured, 1)
}

func TestFail(t *testing.T) {
	n := newNetwork(t)
	n.Set(paytest.Faults{Fail: 1})
	n.wantLost(n.capture())
	n.want(checkout.Captured, 1)
}

// counted counts the captures that reach it.
type counted struct {
	checkout.Provider
	captures atomic.Int32
}

func (c *counted) Capture(ctx context.Context, p checkout.Payment) (checkout.Status, error) {
	c.captures.Add(1)
	return c.Provider.Capture(ctx, p)
}

func TestDuplicate(t *testing.T) {
	n := newNetwork(t)
	inner := &counted{Provider: n.ledger}
	n.Faulty = paytest.NewFaulty(inner, 7, paytest.Faults{Duplicate: 1})
	n.must(n.capture())
	if got := inner.captures.Load(); got != 2 {
		t.Errorf("it was captured %d times, want 2", got)
	}
	n.want(checkout.Captured, 2)
	if e, _ := n.ledger.Entry(n.p.ID); e.Captures != 1 {
		t.Errorf("the money was taken %d times", e.Captures)
	}
}

func TestOnly(t *testing.T) {
	n := newNetwork(t)
	n.Set(paytest.Faults{Drop: 1, Only: []string{paytest.CallCancel}})
	_, err := n.Cancel(t.Context(), n.p)
	n.wantLost(err)
	n.must(n.capture())
	n.want(checkout.Captured, 1)
}

// TestReorder: a call comes after a later one of its payment.
func TestReorder(t *testing.T) {
	n := newNetwork(t)
	n.Set(paytest.Faults{Reorder: 1, Only: []string{paytest.CallCapture}})
	n.wantLost(n.capture())
	n.want(checkout.Authorized, 0)
	_, err := n.Status(t.Context(), checkout.Payment{ID: "B-1"}) // of another payment
	if !errors.Is(err, checkout.ErrNotFound) {
		t.Fatal(err)
	}
	n.want(checkout.Authorized, 0)
	s, err := n.Cancel(t.Context(), n.p)
	if err != nil || s.State != checkout.Dead {
		t.Fatalf("got %s, %v", s.State, err)
	}
	n.want(checkout.Dead, 1)
}

func TestReorderUntilCalm(t *testing.T) {
	n := newNetwork(t)
	n.Set(paytest.Faults{Reorder: 1})
	n.wantLost(n.capture())
	n.want(checkout.Authorized, 0)
	n.Calm()
	n.want(checkout.Captured, 1)
	n.must(n.capture())
}

func TestHang(t *testing.T) {
	made := map[checkout.State]bool{}
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork(t)
			n.Faulty = paytest.NewFaulty(n.ledger, seed, paytest.Faults{Hang: 1})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			began := time.Now()
			_, err := n.Capture(ctx, n.p)
			n.wantLost(err)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Minute {
				t.Errorf("got %v after %v, want the end of ctx", err, time.Since(began))
			}
			e, _ := n.ledger.Entry(n.p.ID)
			made[e.State] = true
		})
	}
	if len(made) != 2 {
		t.Errorf("calls that hung have led to %v, want both", made)
	}
}

func TestHangUntilCalm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.Set(paytest.Faults{Hang: 1})
		lost := make(chan error, 1)
		go func() { lost <- n.capture() }()
		synctest.Wait()
		select {
		case err := <-lost:
			t.Fatalf("got %v before the calm", err)
		default:
		}
		began := time.Now()
		n.Calm()
		n.wantLost(<-lost)
		if took := time.Since(began); took > 0 {
			t.Errorf("it hung for %v longer", took)
		}
		n.must(n.capture())
	})
}

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.Set(paytest.Faults{Delay: 1, MaxDelay: time.Second})
		began := time.Now()
		n.must(n.capture())
		if took := time.Since(began); took <= 0 || took > time.Second {
			t.Errorf("it took %v, want up to a second", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
		defer cancel()
		_, err := n.Capture(ctx, n.p)
		n.wantLost(err)
		n.want(checkout.Captured, 1)
	})
}

func TestAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.Away(time.Now().Add(time.Minute), time.Now().Add(2*time.Minute))
		_, err := n.Status(t.Context(), n.p)
		n.must(err)
		time.Sleep(time.Minute)
		n.wantLost(n.capture())
		n.want(checkout.Authorized, 0)
		time.Sleep(time.Minute)
		n.must(n.capture())
		n.Away(time.Now(), time.Now().Add(time.Hour))
		n.wantLost(n.capture())
		n.Calm()
		n.must(n.capture())
	})
}

// fates makes 50 calls of each kind for two payments, which take turns of so
// many calls, and returns what became of each payment's.
func fates(t *testing.T, seed uint64, turn int) (first, second []string) {
	ledger := paytest.NewLedger()
	f := paytest.NewFaulty(ledger, seed, paytest.Faults{Duplicate: 0.2, Reorder: 0.2, Drop: 0.2, Fail: 0.2})
	told := map[string][]string{}
	for _, id := range []string{"A-1", "B-1"} {
		_, _ = f.Start(t.Context(), payment(id))
	}
	for at := map[string]int{}; at["A-1"] < 50 || at["B-1"] < 50; {
		for _, id := range []string{"A-1", "B-1"} {
			for range min(turn, 50-at[id]) {
				at[id]++
				_, err := f.Status(t.Context(), payment(id))
				told[id] = append(told[id], fmt.Sprint(errors.Is(err, paytest.ErrNoAnswer), f.Reached(paytest.CallStatus, id)))
			}
		}
	}
	return told["A-1"], told["B-1"]
}

// TestSeed: the fates of a payment's calls follow from the seed, whatever there
// is beside it.
func TestSeed(t *testing.T) {
	first, second := fates(t, 1, 1)
	again, second2 := fates(t, 1, 7)
	other, _ := fates(t, 2, 1)
	switch {
	case !slices.Equal(first, again), !slices.Equal(second, second2):
		t.Errorf("with one seed there was\n%v\nand\n%v", first, again)
	case slices.Equal(first, second):
		t.Error("two payments have the same fates")
	case slices.Equal(first, other):
		t.Error("two seeds are the same")
	}
}

// TestManyFaults: whatever is lost, an attempt that is repeated until it is
// answered has one effect.
func TestManyFaults(t *testing.T) {
	for seed := range uint64(100) {
		ledger := paytest.NewLedger()
		f := paytest.NewFaulty(ledger, seed, paytest.Faults{Duplicate: 0.3, Reorder: 0.2, Drop: 0.2, Fail: 0.2})
		p := payment("A-1")
		for p.Ref == "" {
			s, _ := f.Start(t.Context(), p)
			p.Ref = s.Ref
		}
		if err := ledger.Pay(p.ID); err != nil {
			t.Fatal(err)
		}
		for state := checkout.Authorized; state != checkout.Captured; {
			s, _ := f.Capture(t.Context(), p)
			state = max(state, s.State)
		}
		r := checkout.Repayment{Key: "half", Ref: p.Ref, Amount: 2000, Currency: "EUR"}
		for f.Refund(t.Context(), r) != nil {
		}
		f.Calm()
		e, _ := ledger.Entry(p.ID)
		if e.Captures != 1 || e.Captured != 4000 || e.Refunds != 1 || e.Refunded != 2000 || e.Refused != 0 || e.Cancels != 0 {
			t.Fatalf("seed %d: %+v", seed, e)
		}
	}
}
