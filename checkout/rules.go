package checkout

import (
	"time"

	"github.com/seatlock/seatlock/store"
)

// Rules are all durations of a checkout.
type Rules struct {
	Pay store.PayRules
	// Patience is how long a provider may leave calls unanswered after the pay
	// deadline before the seats are let go.
	Patience time.Duration
	// Lease is how long a worker holds the lease for a call, and Within how long
	// the call may take: less than that.
	Lease, Within time.Duration
	// Poll is how often an open payment is asked for without a hint, and Retry how
	// soon after a call without an answer it is tried again, the first time.
	Poll, Retry time.Duration
	// Look is how often the reconciler looks for what is due.
	Look time.Duration
}

// DefaultRules returns the rules of a server whose locks run at most total.
func DefaultRules(total time.Duration) Rules {
	return Rules{
		Pay: store.DefaultPayRules(total), Patience: 2 * time.Minute,
		Lease: 10 * time.Second, Within: 8 * time.Second,
		Poll: 10 * time.Second, Retry: time.Second, Look: time.Second,
	}
}
