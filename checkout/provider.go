package checkout

import (
	"context"
	"errors"
	"time"
)

// Provider takes money for bookings, and refunds it. paytest checks every
// sentence here.
//
//   - Concurrent use is safe, from any number of processes.
//   - Each call has a key. A repeat of a call with its key has no further effect,
//     and answers how the payment then stands.
//   - An error that is none of this package is no answer: the call may have had
//     its effect, or have it later.
//   - What a provider says of itself (a browser that comes back, a webhook) is a
//     hint to ask it; see [Checkout.Hint].
type Provider interface {
	// Start makes the payment known to the provider, and returns where the
	// visitor pays. ErrRefused: the provider takes no such payment.
	Start(ctx context.Context, p Payment) (Status, error)

	// Status returns the state of the payment. ErrNotFound: the provider does
	// not know it yet.
	Status(ctx context.Context, p Payment) (Status, error)

	// Capture takes the money of an authorized payment. A dead one stays so, as
	// the answer says. ErrNotFound as for Status.
	Capture(ctx context.Context, p Payment) (Status, error)

	// Cancel ends an open or authorized payment: it is then dead. A captured one
	// stays so, as the answer says. ErrNotFound as for Status.
	Cancel(ctx context.Context, p Payment) (Status, error)

	// Refund pays back a part of what was captured. Without an error the money
	// is certain to be paid back. ErrRefused: it never will be.
	Refund(ctx context.Context, r Repayment) error
}

var (
	// ErrNotFound: the provider does not know the payment.
	ErrNotFound = errors.New("payment not known")
	// ErrRefused: the provider will not do it, however often it is asked.
	ErrRefused = errors.New("refused by the provider")
)

// Payment is what a provider gets about an attempt. It has no personal data.
type Payment struct {
	// ID is the attempt's, and Key names this call of it.
	ID, Key string
	// Ref is what the provider has called it; "" before it was started.
	Ref string
	// Amount is in the currency's smallest unit.
	Amount   int64
	Currency string
	// Deadline is until when it can be paid.
	Deadline time.Time
	// Return is the path of the page that the visitor comes back to.
	Return string
}

// Repayment is what a provider gets about a refund.
type Repayment struct {
	// Key names the refund.
	Key string
	// Ref is the payment, as the provider calls it, that the money was taken with.
	Ref      string
	Amount   int64
	Currency string
}

// Status is a payment as its provider reports it.
type Status struct {
	State State
	// Ref is what the provider calls the payment, and URL where the visitor pays
	// it, while it is open.
	Ref, URL string
	// Amount and Currency are what the payment is about.
	Amount   int64
	Currency string
}

// State is the state of a payment at its provider.
type State uint8

// The states of a payment. Captured and Dead are final.
const (
	Open       State = iota + 1 // the visitor can pay
	Authorized                  // paid, and nothing taken yet
	Captured                    // the money was taken
	Dead                        // nothing was, and nothing will be
)

// String returns the state as logs have it.
func (s State) String() string {
	return [...]string{"none", "open", "authorized", "captured", "dead"}[s]
}
