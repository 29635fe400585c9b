package checkout

import (
	"context"
	"errors"
	"time"
)

// Provider is who takes money for bookings and gives it back. paytest checks
// every sentence here.
//
//   - Concurrent use is safe, from any number of processes.
//   - Each call has a key. A repeat of a call with its key has no further effect,
//     and answers how the payment then stands.
//   - An error that is none of this package is no answer: the call may have had
//     its effect, or have it later.
//   - What a provider says of itself (a browser that comes back, a webhook) is a
//     hint to ask it; see [Checkout.Hint].
type Provider interface {
	// Start makes the payment known to the provider, and tells where the visitor
	// pays. ErrRefused: the provider takes no such payment.
	Start(ctx context.Context, p Payment) (Status, error)

	// Status tells how the payment stands. ErrNotFound: the provider does not know
	// it, for now.
	Status(ctx context.Context, p Payment) (Status, error)

	// Capture takes the money of a payment that is authorized. One that is dead
	// stays so, which the answer tells. ErrNotFound as in Status.
	Capture(ctx context.Context, p Payment) (Status, error)

	// Cancel ends a payment that is open or authorized: it is dead then. One that
	// is captured stays so, which the answer tells. ErrNotFound as in Status.
	Cancel(ctx context.Context, p Payment) (Status, error)

	// Refund pays back a part of what was captured. A nil error is that the money
	// is on its way for certain. ErrRefused: it never will be.
	Refund(ctx context.Context, r Repayment) error
}

var (
	// ErrNotFound: the provider does not know the payment.
	ErrNotFound = errors.New("payment not known")
	// ErrRefused: the provider will not do it, however often it is asked.
	ErrRefused = errors.New("refused by the provider")
)

// Payment is what a provider is told of an attempt. It says nothing of a person.
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

// Repayment is what a provider is told of a refund.
type Repayment struct {
	// Key names the refund.
	Key string
	// Ref is the payment, as the provider calls it, that the money was taken with.
	Ref      string
	Amount   int64
	Currency string
}

// Status is how a payment stands at its provider.
type Status struct {
	State State
	// Ref is what the provider calls the payment, and URL where the visitor pays
	// it, while it is open.
	Ref, URL string
	// Amount and Currency are what the payment is about.
	Amount   int64
	Currency string
}

// State is where a payment stands at its provider.
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
