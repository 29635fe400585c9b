// Package paytest is what providers of payments, and those who call them, are
// tested with: [Run] is the conformance suite of every [checkout.Provider],
// [Ledger] a provider of its own that counts what it does, and [Faulty] puts the
// faults of a network before any of them.
package paytest

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/seatlock/seatlock/checkout"
)

// World is a provider as a case has it. Cases may share one: each has payments of
// its own.
type World struct {
	// Providers are two values on one ledger, as two processes have them.
	Providers [2]checkout.Provider
	// Pay and Decline are what a visitor does with an open payment, who was sent
	// where its status says. An error is that it cannot be done any more.
	Pay, Decline func(ctx context.Context, s checkout.Status) error
}

// Run checks the contract of [checkout.Provider] sentence by sentence. Every
// case is a subtest named Method/promise.
func Run(t *testing.T, open func(t *testing.T) World) {
	for _, g := range groups() {
		t.Run(g.name, func(t *testing.T) {
			for _, c := range g.cases {
				t.Run(c.name, func(t *testing.T) { c.run(newWorld(t, open(t))) })
			}
		})
	}
}

type group struct {
	name  string
	cases []testCase
}

// testCase is one promise; run fails its world's test if it is not kept.
type testCase struct {
	name string
	run  func(w *world)
}

func groups() []group {
	return []group{
		{"Start", startCases()},
		{"Status", statusCases()},
		{"Visitor", visitorCases()},
		{"Capture", captureCases()},
		{"Cancel", cancelCases()},
		{"Refund", append(refundCases(), refusedRefundCases()...)},
		{"Context", contextCases()},
	}
}

// many is how many calls are made at once, and price what a payment is about.
const (
	many  = 20
	price = 4000
)

// patience bounds what a working provider does at once, so that a broken one
// fails a case and does not hang it.
const patience = 30 * time.Second

// world is what a case has: its test, the providers, and helpers that end the
// test when something is not as promised. Those may be used by the test's own
// goroutine only.
type world struct {
	*testing.T
	World
	ctx context.Context
}

func newWorld(t *testing.T, given World) *world {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return &world{t, given, ctx}
}

// method is a call of a payment, as a provider has it.
type method func(p checkout.Provider, ctx context.Context, payment checkout.Payment) (checkout.Status, error)

var (
	start   method = checkout.Provider.Start
	status  method = checkout.Provider.Status
	capture method = checkout.Provider.Capture
	cancel  method = checkout.Provider.Cancel
)

// fresh is a payment that no provider knows.
func fresh() checkout.Payment {
	id := rand.Text()[:10] + "-1"
	return checkout.Payment{
		ID: id, Key: "call:" + id, Amount: price, Currency: "EUR",
		Deadline: time.Now().Add(15 * time.Minute), Return: "/bookings/" + id[:10],
	}
}

// want makes a call through one of the providers, which must answer that the
// payment stands so.
func (w *world) want(provider int, call method, p checkout.Payment, state checkout.State) checkout.Status {
	w.Helper()
	s, err := call(w.Providers[provider], w.ctx, p)
	if err != nil {
		w.Fatalf("got error %v, want a payment that is %s", err, state)
	}
	w.wantStatus(s, p, state)
	return s
}

func (w *world) wantStatus(s checkout.Status, p checkout.Payment, state checkout.State) {
	w.Helper()
	switch {
	case s.State != state:
		w.Fatalf("the payment is %s, want %s", s.State, state)
	case s.Amount != p.Amount, s.Currency != p.Currency:
		w.Fatalf("the payment is about %d %s, want %d %s", s.Amount, s.Currency, p.Amount, p.Currency)
	case s.Ref == "", p.Ref != "" && s.Ref != p.Ref:
		w.Fatalf("the payment is called %q, want %q", s.Ref, p.Ref)
	case state == checkout.Open && s.URL == "":
		w.Fatal("there is no place to pay")
	}
}

func (w *world) wantErr(err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Fatalf("got error %v, want %v", err, want)
	}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("got error %v, want none", err)
	}
}

// wantFails wants an error.
func (w *world) wantFails(err error, what string) {
	w.Helper()
	if err == nil {
		w.Fatalf("%s, want an error", what)
	}
}

// started is a payment that the visitor can pay, and how it stands.
func (w *world) started() (checkout.Payment, checkout.Status) {
	w.Helper()
	p := fresh()
	s := w.want(0, start, p, checkout.Open)
	p.Ref = s.Ref
	return p, s
}

func (w *world) paid() checkout.Payment {
	w.Helper()
	p, s := w.started()
	w.must(w.Pay(w.ctx, s))
	return p
}

func (w *world) captured() checkout.Payment {
	w.Helper()
	p := w.paid()
	w.want(0, capture, p, checkout.Captured)
	return p
}

// refund pays back a part of a payment.
func (w *world) refund(provider int, p checkout.Payment, key string, amount int64) error {
	r := checkout.Repayment{Key: key + ":" + p.ID, Ref: p.Ref, Amount: amount, Currency: p.Currency}
	return w.Providers[provider].Refund(w.ctx, r)
}

// wantLeft wants so much to be left of what was captured: that can be refunded,
// and not a cent more.
func (w *world) wantLeft(p checkout.Payment, left int64) {
	w.Helper()
	w.wantErr(w.refund(0, p, "above what is left", left+1), checkout.ErrRefused)
	if left > 0 {
		w.must(w.refund(1, p, "what is left", left))
	}
	w.wantErr(w.refund(0, p, "a cent more", 1), checkout.ErrRefused)
}

// atOnce does the same many times at the same time.
func atOnce(do func(i int)) {
	var ready, done sync.WaitGroup
	ready.Add(many)
	for i := range many {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			do(i)
		})
	}
	done.Wait()
}

// allAtOnce makes a call many times at once through both providers. All must
// answer the same.
func (w *world) allAtOnce(call method, p checkout.Payment, state checkout.State) []checkout.Status {
	w.Helper()
	var all [many]checkout.Status
	var errs [many]error
	atOnce(func(i int) { all[i], errs[i] = call(w.Providers[i%2], w.ctx, p) })
	w.must(errors.Join(errs[:]...))
	for _, s := range all {
		w.wantStatus(s, p, state)
	}
	return all[:]
}
