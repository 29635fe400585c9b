package demo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/store"
)

// What a visitor is told who presses a button that does nothing any more; both
// are checkout.ErrRefused.
var (
	// ErrPaid: the payment was made already, and nothing more is taken.
	ErrPaid = fmt.Errorf("%w: paid already", checkout.ErrRefused)
	// ErrEnded: the payment was declined or cancelled, and cannot be made.
	ErrEnded = fmt.Errorf("%w: the payment has ended", checkout.ErrRefused)
)

// Payment is what the demo page shows.
type Payment struct {
	ID    string // the attempt's
	State checkout.State
	// Amount and Refunded are in the currency's smallest unit.
	Amount, Refunded int64
	Currency         string
	Deadline         time.Time
	// Return is the path of the page that the visitor goes back to.
	Return string
}

// Payment returns a payment as the visitor sees it, also while the provider is
// silent. Not found: checkout.ErrNotFound, also for what can be no id. Whose it
// is it does not know.
func (p *Provider) Payment(ctx context.Context, id string) (Payment, error) {
	record, err := p.st.Record(ctx, keyOf(id))
	var there payment
	if err == nil {
		there, err = decode(record, always)
	}
	if err != nil {
		return Payment{}, pageError(err)
	}
	return Payment{
		ID: id, State: checkout.State(there.State), Amount: there.Amount, Refunded: there.refunded(),
		Currency: there.Currency, Deadline: there.Deadline, Return: there.Return,
	}, nil
}

// Pay authorizes a payment that is open. Not found: checkout.ErrNotFound. Else:
// ErrPaid, ErrEnded. Concurrent and repeat: one pays, the others get ErrPaid.
func (p *Provider) Pay(ctx context.Context, id string) error {
	return p.press(ctx, id, payment.pay)
}

// PayTwice pays twice at once, as who presses the button in two tabs. second is
// what the later of the two was told: ErrPaid. err is as of [Provider.Pay].
func (p *Provider) PayTwice(ctx context.Context, id string) (second, err error) {
	var errs [2]error
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = p.Pay(ctx, id) })
	}
	wg.Wait()
	if errs[1] == nil { // it came first
		return errs[0], nil
	}
	return errs[1], errs[0]
}

// PayLate pays, and the money is taken at once; but the provider answers no call
// about the payment before silentUntil, by the store's clock. Errors are as of
// [Provider.Pay].
func (p *Provider) PayLate(ctx context.Context, id string, silentUntil time.Time) error {
	return p.press(ctx, id, func(there payment) (payment, error) { return there.payLate(silentUntil) })
}

// Decline ends a payment that is open. Not found: checkout.ErrNotFound. Else:
// ErrPaid. Repeat: one that has ended stays so, and that is a success.
func (p *Provider) Decline(ctx context.Context, id string) error {
	return p.press(ctx, id, payment.decline)
}

// press has a payment do what a button says.
func (p *Provider) press(ctx context.Context, id string, step func(payment) (payment, error)) error {
	_, err := p.change(ctx, id, always, known(step))
	return pageError(err)
}

func pageError(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, store.ErrInvalid) { // what can be no id
		err = checkout.ErrNotFound
	}
	return fmt.Errorf("demo payment: %w", err)
}
