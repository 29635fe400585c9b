// Package demo takes no money: its visitors press buttons that say what happens
// to a payment. All else is as with a real provider. It has a ledger of its own,
// in records of the store that no decision about bookings reads or writes, and
// knows a repeat by itself.
package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/store"
)

// Store is what the ledger is kept in. See [store.Store] for what each method
// promises.
type Store interface {
	Record(ctx context.Context, key store.Key) (store.Record, error)
	ChangeRecord(ctx context.Context, key store.Key, change func(old store.Record) (next store.Record, deleted bool, err error)) error
	Now(ctx context.Context) (time.Time, error)
}

// Provider is a [checkout.Provider]. All providers on one store are one, and so
// are the instances that share it. What it calls a payment is the attempt's id.
// A payment can be paid until it is cancelled, also past its deadline.
type Provider struct{ st Store }

// New returns the provider whose ledger is in st.
func New(st Store) *Provider { return &Provider{st} }

var _ checkout.Provider = (*Provider)(nil)

// Start is [checkout.Provider]'s. A payment that was started about another
// amount is ErrRefused.
func (p *Provider) Start(ctx context.Context, asked checkout.Payment) (checkout.Status, error) {
	there, err := p.call(ctx, asked.ID, func(old store.Record, now time.Time) (payment, error) {
		if old.Version == 0 {
			return payment{
				State: state(checkout.Open), Amount: asked.Amount, Currency: asked.Currency,
				Deadline: asked.Deadline, Return: asked.Return,
			}, nil
		}
		there, err := decode(old, now)
		if err != nil {
			return there, err
		}
		return there.started(asked)
	})
	return answer("start", asked.ID, there, err)
}

// Status is [checkout.Provider]'s.
func (p *Provider) Status(ctx context.Context, asked checkout.Payment) (checkout.Status, error) {
	there, err := p.read(ctx, asked.ID)
	return answer("ask for", asked.ID, there, err)
}

// Capture is [checkout.Provider]'s.
func (p *Provider) Capture(ctx context.Context, asked checkout.Payment) (checkout.Status, error) {
	there, err := p.call(ctx, asked.ID, known(payment.capture))
	return answer("capture", asked.ID, there, err)
}

// Cancel is [checkout.Provider]'s.
func (p *Provider) Cancel(ctx context.Context, asked checkout.Payment) (checkout.Status, error) {
	there, err := p.call(ctx, asked.ID, known(payment.cancel))
	return answer("cancel", asked.ID, there, err)
}

// Refund is [checkout.Provider]'s. More than is left of what was captured is
// ErrRefused, and so is a key that came with another amount before.
func (p *Provider) Refund(ctx context.Context, r checkout.Repayment) error {
	after, err := p.call(ctx, r.Ref, known(func(there payment) (payment, error) { return there.refund(r), nil }))
	if err == nil {
		err = after.refundAnswer(r)
	}
	if err != nil {
		return fmt.Errorf("refund a demo payment: %w", err)
	}
	return nil
}

// answer tells how the payment stands that a call has left.
func answer(what, id string, there payment, err error) (checkout.Status, error) {
	if err != nil {
		return checkout.Status{}, fmt.Errorf("%s a demo payment: %w", what, err)
	}
	status := checkout.Status{State: checkout.State(there.State), Ref: id, Amount: there.Amount, Currency: there.Currency}
	if there.is(checkout.Open) {
		status.URL = "/demo-pay/" + id
	}
	return status, nil
}

// next is what becomes of a payment by a call at now. It is pure.
type next func(old store.Record, now time.Time) (payment, error)

// known is a step of a payment that is there and not silent.
func known(step func(payment) (payment, error)) next {
	return func(old store.Record, now time.Time) (payment, error) {
		there, err := decode(old, now)
		if err != nil {
			return there, err
		}
		return step(there)
	}
}

// call makes a call of the provider.
func (p *Provider) call(ctx context.Context, id string, become next) (payment, error) {
	now, err := p.st.Now(ctx)
	if err != nil {
		return payment{}, err
	}
	return p.change(ctx, id, now, become)
}

// errAsItIs ends a change that changes nothing, so that nothing is written.
var errAsItIs = errors.New("the payment stays as it is")

// change has a payment become what next says, and returns it as it then stands.
func (p *Provider) change(ctx context.Context, id string, now time.Time, become next) (payment, error) {
	var last atomic.Pointer[payment] // a store that has failed may still be busy with the step
	err := p.st.ChangeRecord(ctx, keyOf(id), func(old store.Record) (store.Record, bool, error) {
		after, err := become(old, now)
		last.Store(&after)
		if err != nil {
			return store.Record{}, false, err
		}
		body, err := after.encode(old.Body)
		if err == nil && bytes.Equal(body, old.Body) {
			err = errAsItIs
		}
		return store.Record{Body: body}, false, err
	})
	if errors.Is(err, errAsItIs) {
		err = nil
	}
	if after := last.Load(); after != nil {
		return *after, err
	}
	return payment{}, err
}

// read returns a payment that is not silent.
func (p *Provider) read(ctx context.Context, id string) (payment, error) {
	now, err := p.st.Now(ctx)
	if err != nil {
		return payment{}, err
	}
	record, err := p.st.Record(ctx, keyOf(id))
	if err != nil {
		return payment{}, err
	}
	return decode(record, now)
}

func keyOf(id string) store.Key { return store.Key{Kind: store.DemoRecord, ID: id} }
