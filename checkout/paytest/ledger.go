package paytest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/seatlock/seatlock/checkout"
)

// Ledger is a [checkout.Provider] that counts what it does. It is kept in
// memory, or in a file; see [OpenLedger]. What it calls a payment is not the
// attempt's id, so that a caller who mixes them up is found out. A payment can
// be paid until it is cancelled, also past its deadline.
type Ledger struct {
	mu      sync.Mutex
	entries map[string]Entry // by the attempt's id
	path    string           // "" is none
}

var _ checkout.Provider = (*Ledger)(nil)

// Entry is a payment, and what was done with it. A repeat by key does nothing.
type Entry struct {
	ID, Ref  string
	State    checkout.State
	Amount   int64
	Currency string
	// Captures, Cancels and Refunds are how often there was such an effect, and
	// Refused how many refunds, by their keys, were refused.
	Captures, Cancels, Refunds, Refused int
	// Captured and Refunded are what was taken and paid back.
	Captured, Refunded int64
	// Asked are all refunds that were asked for, by their keys.
	Asked map[string]Asked
}

// Asked is a refund that was asked for.
type Asked struct {
	Amount  int64
	Refused bool
}

// NewLedger returns an empty ledger in memory.
func NewLedger() *Ledger { return &Ledger{entries: map[string]Entry{}} }

// Entry returns the payment of an attempt, and whether there is one.
func (l *Ledger) Entry(id string) (Entry, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, there := l.entries[id]
	return e, there
}

// Entries returns all payments, by the ids of their attempts.
func (l *Ledger) Entries() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []Entry
	for _, id := range slices.Sorted(maps.Keys(l.entries)) {
		all = append(all, l.entries[id])
	}
	return all
}

// refOf is what the ledger calls the payment of an attempt.
const refOf = "ledger-"

// Start is [checkout.Provider]'s.
func (l *Ledger) Start(ctx context.Context, p checkout.Payment) (checkout.Status, error) {
	return l.call(ctx, p.ID, func(e Entry) (Entry, error) {
		switch {
		case e.ID == "":
			return Entry{ID: p.ID, Ref: refOf + p.ID, State: checkout.Open, Amount: p.Amount, Currency: p.Currency}, nil
		case e.Amount != p.Amount, e.Currency != p.Currency:
			return e, checkout.ErrRefused
		}
		return e, nil
	})
}

// Status is [checkout.Provider]'s.
func (l *Ledger) Status(ctx context.Context, p checkout.Payment) (checkout.Status, error) {
	return l.call(ctx, idOf(p.Ref), func(e Entry) (Entry, error) { return e, known(e) })
}

// Capture is [checkout.Provider]'s.
func (l *Ledger) Capture(ctx context.Context, p checkout.Payment) (checkout.Status, error) {
	return l.call(ctx, idOf(p.Ref), func(e Entry) (Entry, error) {
		if e.State == checkout.Authorized {
			e = e.capture()
		}
		return e, known(e)
	})
}

// Cancel is [checkout.Provider]'s.
func (l *Ledger) Cancel(ctx context.Context, p checkout.Payment) (checkout.Status, error) {
	return l.call(ctx, idOf(p.Ref), func(e Entry) (Entry, error) {
		if e.State == checkout.Open || e.State == checkout.Authorized {
			e.State = checkout.Dead
			e.Cancels++
		}
		return e, known(e)
	})
}

// Refund is [checkout.Provider]'s.
func (l *Ledger) Refund(ctx context.Context, r checkout.Repayment) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e, err := l.change(idOf(r.Ref), func(e Entry) (Entry, error) { return e.refund(r), known(e) })
	if err != nil {
		return err
	}
	if asked := e.Asked[r.Key]; asked.Refused || asked.Amount != r.Amount || e.Currency != r.Currency {
		return checkout.ErrRefused
	}
	return nil
}

// Pay authorizes the open payment of an attempt.
func (l *Ledger) Pay(id string) error {
	return l.visit(id, func(e Entry) Entry {
		e.State = checkout.Authorized
		return e
	})
}

// PayAtOnce pays the open payment of an attempt in a way that takes the money at
// once.
func (l *Ledger) PayAtOnce(id string) error { return l.visit(id, Entry.capture) }

// Decline ends the open payment of an attempt.
func (l *Ledger) Decline(id string) error {
	return l.visit(id, func(e Entry) Entry {
		e.State = checkout.Dead
		return e
	})
}

func (l *Ledger) visit(id string, do func(Entry) Entry) error {
	_, err := l.change(id, func(e Entry) (Entry, error) {
		if e.State != checkout.Open {
			return e, errors.Join(known(e), fmt.Errorf("a payment that is %s", e.State))
		}
		return do(e), nil
	})
	return err
}

func (l *Ledger) call(ctx context.Context, id string, step func(Entry) (Entry, error)) (checkout.Status, error) {
	if err := ctx.Err(); err != nil {
		return checkout.Status{}, err
	}
	e, err := l.change(id, step)
	if err != nil {
		return checkout.Status{}, err
	}
	s := checkout.Status{State: e.State, Ref: e.Ref, Amount: e.Amount, Currency: e.Currency}
	if e.State == checkout.Open {
		s.URL = "/ledger/" + id
	}
	return s, nil
}

// change has a payment become what step makes of it, which is given the zero
// Entry if there is none. What cannot be kept has not happened.
func (l *Ledger) change(id string, step func(Entry) (Entry, error)) (Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.entries[id]
	next, err := step(old)
	if err != nil || reflect.DeepEqual(next, old) {
		return next, err
	}
	l.entries[id] = next
	if err := l.keep(); err != nil {
		if l.entries[id] = old; old.ID == "" {
			delete(l.entries, id)
		}
		return Entry{}, err
	}
	return next, nil
}

func known(e Entry) error {
	if e.ID == "" {
		return checkout.ErrNotFound
	}
	return nil
}

// idOf is the id of the attempt whose payment is called so, or "".
func idOf(ref string) string {
	id, ours := strings.CutPrefix(ref, refOf)
	if !ours {
		return ""
	}
	return id
}

func (e Entry) capture() Entry {
	e.State, e.Captured = checkout.Captured, e.Captured+e.Amount
	e.Captures++
	return e
}

// refund grants a refund, or refuses it for good.
func (e Entry) refund(r checkout.Repayment) Entry {
	if _, there := e.Asked[r.Key]; there {
		return e
	}
	refused := r.Currency != e.Currency || r.Amount <= 0 || r.Amount > e.Captured-e.Refunded
	if refused {
		e.Refused++
	} else {
		e.Refunds++
		e.Refunded += r.Amount
	}
	asked := map[string]Asked{r.Key: {Amount: r.Amount, Refused: refused}}
	maps.Copy(asked, e.Asked)
	e.Asked = asked
	return e
}
