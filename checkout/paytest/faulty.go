package paytest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/seatlock/seatlock/checkout"
)

// ErrNoAnswer is what a caller gets whose call was lost, or its answer.
var ErrNoAnswer = errors.New("no answer")

// The kinds of call.
const (
	CallStart   = "start"
	CallStatus  = "status"
	CallCapture = "capture"
	CallCancel  = "cancel"
	CallRefund  = "refund"
)

// Faults are what a network does to calls. Each is the chance of a call, from 0
// to 1. A call that is delayed or made twice may have one of the others, too,
// which exclude each other: their sum is at most 1.
type Faults struct {
	Delay     float64 // it waits, at most MaxDelay
	Duplicate float64 // it is made twice at once

	Reorder float64 // no answer, and it is made after the payment's next call, or by Calm
	Drop    float64 // no answer, and it is never made
	Fail    float64 // no answer, and it is made
	Hang    float64 // no answer until ctx ends or Calm; every other one is made

	MaxDelay time.Duration
	// Only are the kinds of call that have faults; none is all.
	Only []string
}

// Faulty is a [checkout.Provider] behind a network with faults. Those of a call
// follow from the seed, from when its payment was first seen (as the first, the
// second …), from the kind of call and how often there was one. They do not
// depend on how payments run beside each other.
type Faulty struct {
	inner checkout.Provider
	seed  uint64

	mu       sync.Mutex
	faults   Faults
	from, to time.Time // away
	calm     chan struct{}
	payments map[string]*traffic // by the attempt's id
	ids      map[string]string   // by what the provider calls the payment
}

var _ checkout.Provider = (*Faulty)(nil)

// traffic is what there was of calls about a payment.
type traffic struct {
	number  uint64 // of the payment
	calls   map[string]uint64
	reached map[string]int
	held    []func() // calls that are made late
}

// NewFaulty returns the provider behind such a network.
func NewFaulty(inner checkout.Provider, seed uint64, faults Faults) *Faulty {
	return &Faulty{
		inner: inner, seed: seed, faults: faults, calm: make(chan struct{}),
		payments: map[string]*traffic{}, ids: map[string]string{},
	}
}

// Set replaces the faults of calls to come.
func (f *Faulty) Set(faults Faults) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = faults
}

// Away has the provider out of reach from one time until another: no call
// reaches it, and none is answered.
func (f *Faulty) Away(from, to time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.from, f.to = from, to
}

// Calm ends all faults. When it returns, calls that were held back are made, and
// those that hang or wait go on.
func (f *Faulty) Calm() {
	f.mu.Lock()
	f.faults, f.from, f.to = Faults{}, time.Time{}, time.Time{}
	close(f.calm)
	f.calm = make(chan struct{})
	var held []func()
	for _, id := range slices.Sorted(maps.Keys(f.payments)) {
		held = append(held, f.payments[id].held...)
		f.payments[id].held = nil
	}
	f.mu.Unlock()
	for _, call := range held {
		call()
	}
}

// Reached tells how many calls of a kind about the payment of an attempt have
// reached the provider, repeats and duplicates too.
func (f *Faulty) Reached(kind, id string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.of(id).reached[kind]
}

// Start is [checkout.Provider]'s, as all below.
func (f *Faulty) Start(ctx context.Context, p checkout.Payment) (checkout.Status, error) {
	return f.ask(ctx, CallStart, p, f.inner.Start)
}

func (f *Faulty) Status(ctx context.Context, p checkout.Payment) (checkout.Status, error) {
	return f.ask(ctx, CallStatus, p, f.inner.Status)
}

func (f *Faulty) Capture(ctx context.Context, p checkout.Payment) (checkout.Status, error) {
	return f.ask(ctx, CallCapture, p, f.inner.Capture)
}

func (f *Faulty) Cancel(ctx context.Context, p checkout.Payment) (checkout.Status, error) {
	return f.ask(ctx, CallCancel, p, f.inner.Cancel)
}

func (f *Faulty) Refund(ctx context.Context, r checkout.Repayment) error {
	_, err := f.call(ctx, CallRefund, f.idOf(r.Ref), func(ctx context.Context) (checkout.Status, error) {
		return checkout.Status{}, f.inner.Refund(ctx, r)
	})
	return err
}

type ask func(ctx context.Context, p checkout.Payment) (checkout.Status, error)

func (f *Faulty) ask(ctx context.Context, kind string, p checkout.Payment, ask ask) (checkout.Status, error) {
	f.learn(p.Ref, p.ID)
	return f.call(ctx, kind, p.ID, func(ctx context.Context) (checkout.Status, error) {
		s, err := ask(ctx, p)
		f.learn(s.Ref, p.ID)
		return s, err
	})
}

// learn notes what the provider calls a payment, for the refunds, which have no
// other name of it.
func (f *Faulty) learn(ref, id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ref != "" {
		f.ids[ref] = id
	}
}

func (f *Faulty) idOf(ref string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if id, known := f.ids[ref]; known {
		return id
	}
	return ref
}

// of returns the traffic of a payment; f.mu is locked.
func (f *Faulty) of(id string) *traffic {
	t := f.payments[id]
	if t == nil {
		t = &traffic{number: uint64(len(f.payments)), calls: map[string]uint64{}, reached: map[string]int{}}
		f.payments[id] = t
	}
	return t
}

// made is a call of the provider that is still to be made.
type made func(ctx context.Context) (checkout.Status, error)

func (f *Faulty) call(ctx context.Context, kind, id string, call made) (checkout.Status, error) {
	fate := f.draw(kind, id)
	if !fate.wait(ctx) {
		return checkout.Status{}, errors.Join(ErrNoAnswer, ctx.Err())
	}
	if fate.late && f.hold(id, fate, func() { _, _ = f.reach(context.WithoutCancel(ctx), kind, id, 1, call) }) {
		return checkout.Status{}, ErrNoAnswer
	}
	var s checkout.Status
	err := ErrNoAnswer
	if fate.made {
		s, err = f.reach(ctx, kind, id, fate.times, call)
	}
	if fate.hangs {
		select {
		case <-ctx.Done():
		case <-fate.calm:
		}
	}
	if !fate.answered {
		return checkout.Status{}, errors.Join(ErrNoAnswer, ctx.Err())
	}
	return s, err
}

// reach makes a call, then those of the payment that were held back for it.
func (f *Faulty) reach(ctx context.Context, kind, id string, times int, call made) (s checkout.Status, err error) {
	f.mu.Lock()
	t := f.of(id)
	t.reached[kind] += times
	held := t.held
	t.held = nil
	f.mu.Unlock()

	var wg sync.WaitGroup
	for range times - 1 {
		wg.Go(func() { _, _ = call(ctx) })
	}
	s, err = call(ctx)
	wg.Wait()
	for _, late := range held {
		late()
	}
	return s, err
}

// hold keeps a call for later, unless all is calm since its fate was drawn.
func (f *Faulty) hold(id string, drawn fate, late func()) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if drawn.calm != f.calm {
		return false
	}
	t := f.of(id)
	t.held = append(t.held, late)
	return true
}
