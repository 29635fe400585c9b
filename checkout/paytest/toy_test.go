package paytest_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/checkout/paytest"
)

// fault is what is wrong with a toy; "" is nothing.
type fault string

const (
	refundsTwice     fault = "a refund is made again at a repeat"
	refundsChecked   fault = "a refund's key is looked up, and the refund made after that"
	refundsAnything  fault = "a refund above what was captured is told as made"
	refundsNothing   fault = "a refund is told as made and is not"
	refundsOnce      fault = "there is one refund, whatever its key"
	refundsNegative  fault = "a refund of less than nothing is told as made"
	refundsForeign   fault = "a refund is made whatever the currency"
	refundsLater     fault = "a refund that came too early is told as made"
	refusesRepeats   fault = "a repeated refund is refused"
	refusesNotFound  fault = "a refund that was ended is told as refused"
	capturesDead     fault = "what is dead is captured"
	capturesOpen     fault = "what is open is told as captured"
	capturesAgain    fault = "each capture takes the money"
	capturesAtOnce   fault = "what was paid is told as captured"
	cancelsCaptured  fault = "what is captured is told as dead"
	cancelsOpenOnly  fault = "what is authorized cannot be cancelled"
	cancelsNothing   fault = "a cancel is told as done and is not"
	startsAnew       fault = "each start is a payment of its own"
	startsChecked    fault = "each of several starts at once is a payment of its own"
	startsAnything   fault = "a start about another amount is told as a success"
	startsSilently   fault = "there is no place to pay"
	startsOne        fault = "all payments are one"
	revives          fault = "a start after the end begins anew"
	unknownIsOpen    fault = "what nobody knows is told as open"
	unknownIsFailed  fault = "what nobody knows is told by another error"
	forgetsAmount    fault = "it does not tell what the payment is about"
	ownMemory        fault = "each instance has a ledger of its own"
	declineForgotten fault = "a declined payment stays open"
	payDead          fault = "who pays what is dead is told that it was paid"
)

// rejected names the cases, as Method/promise, that each fault must fail.
func rejected() map[fault][]string {
	return map[fault][]string{
		refundsTwice:     {"Refund/a repeat has no further effect"},
		refundsChecked:   {"Refund/20 at once with one key are one"},
		refundsAnything:  {"Refund/above what was captured is refused", "Refund/20 keys at once never pay back too much", "Refund/all"},
		refundsNothing:   {"Refund/all", "Refund/in parts", "Refund/a key with another amount has no further effect"},
		refundsOnce:      {"Refund/in parts", "Refund/20 keys at once never pay back too much"},
		refundsNegative:  {"Refund/less than nothing is refused"},
		refundsForeign:   {"Refund/of another currency is refused"},
		refundsLater:     {"Refund/of what was never captured"},
		refusesRepeats:   {"Refund/a repeat of the last part is a success", "Refund/a repeat has no further effect"},
		refusesNotFound:  {"Context/a call that was ended is no answer"},
		capturesDead:     {"Capture/what is dead stays so", "Visitor/declines, which is the end", "Cancel/of captures and cancels at once one wins"},
		capturesOpen:     {"Capture/what is open stays so"},
		capturesAgain:    {"Capture/takes the money once", "Capture/20 at once take the money once"},
		capturesAtOnce:   {"Visitor/pays, and nothing is taken yet", "Status/each instance sees what the other did"},
		cancelsCaptured:  {"Cancel/what is captured stays so", "Start/a repeat tells how it stands by then", "Cancel/of captures and cancels at once one wins"},
		cancelsOpenOnly:  {"Cancel/what is authorized is dead", "Cancel/20 at once end it once"},
		cancelsNothing:   {"Cancel/what is open is dead", "Visitor/cannot pay what was cancelled", "Visitor/of many who pay while it is cancelled none takes money"},
		startsAnew:       {"Start/a repeat is the same payment", "Start/20 at once are one payment", "Start/a repeat tells how it stands by then"},
		startsChecked:    {"Start/20 at once are one payment"},
		startsAnything:   {"Start/a repeat about another amount is refused"},
		startsSilently:   {"Start/tells where the visitor pays"},
		startsOne:        {"Start/each payment is its own", "Refund/each payment is its own"},
		revives:          {"Start/a repeat does not raise the dead"},
		unknownIsOpen:    {"Status/not found"},
		unknownIsFailed:  {"Status/not found", "Status/what was not found can be started"},
		forgetsAmount:    {"Start/tells where the visitor pays", "Status/it changes nothing"},
		ownMemory:        {"Status/each instance sees what the other did", "Refund/20 keys at once never pay back too much", "Start/a repeat does not raise the dead"},
		declineForgotten: {"Visitor/declines, which is the end"},
		payDead:          {"Visitor/cannot pay what was cancelled", "Visitor/declines, which is the end"},
	}
}

// toy is a provider over a ledger, with at most one fault.
type toy struct {
	*paytest.Ledger
	fault fault

	mu    sync.Mutex
	calls int
	made  map[string]bool  // refunds, and starts, by their keys
	taken map[string]int64 // by captures, what is left of it

	missed map[string]chan struct{} // tells the first who has missed a key of a second
}

func newToy(f fault, ledger *paytest.Ledger) *toy {
	return &toy{Ledger: ledger, fault: f, made: map[string]bool{}, taken: map[string]int64{}, missed: map[string]chan struct{}{}}
}

func toyWorld(f fault) paytest.World {
	ledger := paytest.NewLedger()
	first := newToy(f, ledger)
	w := worldOf(ledger, first, first)
	if f == ownMemory {
		w.Providers[1] = newToy(f, paytest.NewLedger())
	}
	pay := w.Pay
	switch f {
	case declineForgotten:
		w.Decline = func(context.Context, checkout.Status) error { return nil }
	case payDead:
		w.Pay = func(ctx context.Context, s checkout.Status) error { _ = pay(ctx, s); return nil }
	}
	return w
}

// another is a number that no call before had.
func (y *toy) another() string {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.calls++
	return fmt.Sprintf("#%d", y.calls)
}

// repeat reports whether the key was there before.
func (y *toy) repeat(key string) bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	was := y.made[key]
	y.made[key] = true
	return was
}

// seen looks a key up. The first caller that does not find it waits for a second
// one that does not, though not for ever: there may be none.
func (y *toy) seen(key string) bool {
	y.mu.Lock()
	made, second := y.made[key], y.missed[key]
	first := !made && second == nil
	if first {
		second = make(chan struct{}, 1)
		y.missed[key] = second
	}
	y.mu.Unlock()
	switch {
	case first:
		select {
		case <-second:
		case <-time.After(300 * time.Millisecond):
		}
	case !made:
		select {
		case second <- struct{}{}:
		default:
		}
	}
	return made
}

func (y *toy) Start(ctx context.Context, p checkout.Payment) (checkout.Status, error) {
	switch y.fault {
	case startsAnew:
		p.ID += y.another()
	case startsChecked:
		if key := p.Key; !y.seen(key) {
			p.ID += y.another()
			s, err := y.told(y.Ledger.Start(ctx, p))
			y.repeat(key)
			return s, err
		}
	case startsAnything:
		if e, there := y.Entry(p.ID); there {
			p.Amount, p.Currency = e.Amount, e.Currency
		}
	case startsOne:
		p.ID = "one"
	case revives:
		if e, there := y.Entry(p.ID); there && e.State == checkout.Dead {
			return checkout.Status{State: checkout.Open, Ref: e.Ref, URL: "/again", Amount: e.Amount, Currency: e.Currency}, nil
		}
	}
	return y.told(y.Ledger.Start(ctx, p))
}

func (y *toy) Status(ctx context.Context, p checkout.Payment) (checkout.Status, error) {
	return y.asked(p)(y.Ledger.Status(ctx, p))
}

func (y *toy) Capture(ctx context.Context, p checkout.Payment) (checkout.Status, error) {
	s, err := y.asked(p)(y.Ledger.Capture(ctx, p))
	switch {
	case y.fault == capturesDead && s.State == checkout.Dead,
		y.fault == capturesOpen && s.State == checkout.Open:
		s.State = checkout.Captured
	case y.fault == capturesAgain && s.State == checkout.Captured:
		y.mu.Lock()
		defer y.mu.Unlock()
		y.taken[s.Ref] += s.Amount
	}
	return s, err
}

func (y *toy) Cancel(ctx context.Context, p checkout.Payment) (checkout.Status, error) {
	before, _ := y.Ledger.Status(ctx, p)
	if y.fault == cancelsNothing || y.fault == cancelsOpenOnly && before.State == checkout.Authorized {
		s, err := y.asked(p)(before, nil)
		if y.fault == cancelsNothing {
			s.State = checkout.Dead
		}
		return s, err
	}
	s, err := y.asked(p)(y.Ledger.Cancel(ctx, p))
	if y.fault == cancelsCaptured && err == nil {
		s.State = checkout.Dead
	}
	return s, err
}

// told is the answer to a start.
func (y *toy) told(s checkout.Status, err error) (checkout.Status, error) {
	switch y.fault {
	case startsSilently:
		s.URL = ""
	case forgetsAmount:
		s.Amount = 0
	}
	return s, err
}

// asked is the answer to any other call about a payment.
func (y *toy) asked(p checkout.Payment) func(checkout.Status, error) (checkout.Status, error) {
	return func(s checkout.Status, err error) (checkout.Status, error) {
		s, err2 := y.told(s, err)
		switch {
		case y.fault == unknownIsOpen && err != nil:
			return checkout.Status{State: checkout.Open, Ref: "?", URL: "/?", Amount: p.Amount, Currency: p.Currency}, nil
		case y.fault == unknownIsFailed && err != nil:
			return s, fmt.Errorf("no such thing")
		case y.fault == capturesAtOnce && s.State == checkout.Authorized:
			s.State = checkout.Captured
		}
		return s, err2
	}
}

func (y *toy) Refund(ctx context.Context, r checkout.Repayment) error {
	switch y.fault {
	case refundsTwice:
		r.Key += y.another()
	case refundsChecked:
		if key := r.Key; !y.seen(key) {
			r.Key += y.another()
			err := y.Ledger.Refund(ctx, r)
			y.repeat(key)
			return err
		}
		return nil
	case refundsAnything:
		_ = y.Ledger.Refund(ctx, r)
		return nil
	case refundsNothing:
		return nil
	case refundsOnce:
		r.Key = "one"
	case refundsNegative:
		r.Amount = max(r.Amount, 1)
	case refundsForeign:
		r.Currency = "EUR"
	case refundsLater:
		_, _ = y.Ledger.Capture(ctx, checkout.Payment{Ref: r.Ref})
	case refusesRepeats:
		if y.repeat(r.Key) {
			return checkout.ErrRefused
		}
	case refusesNotFound:
		if ctx.Err() != nil {
			return checkout.ErrRefused
		}
	case capturesAgain:
		return y.refundTaken(r)
	}
	return y.Ledger.Refund(ctx, r)
}

// refundTaken pays back whatever was taken.
func (y *toy) refundTaken(r checkout.Repayment) error {
	y.mu.Lock()
	defer y.mu.Unlock()
	if r.Amount > y.taken[r.Ref] {
		return checkout.ErrRefused
	}
	y.taken[r.Ref] -= r.Amount
	return nil
}
