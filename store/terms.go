package store

import (
	"fmt"
	"time"
)

// Terms are an event's rules for its bookings. The zero value of each is the
// default.
type Terms struct {
	// CancelUntil is how long before the start visitors can last cancel; Never
	// means not at all.
	CancelUntil time.Duration `json:"cancel_until,omitempty"`
	// PayWithin is how long after it was made a reserved booking can be paid,
	// and PayUntil how long before the start it can last be paid.
	PayWithin time.Duration `json:"pay_within,omitempty"`
	PayUntil  time.Duration `json:"pay_until,omitempty"`
}

const (
	// Never, as CancelUntil, means that visitors cannot cancel.
	Never = time.Duration(-1)
	// AtStart, as CancelUntil or PayUntil, means until the start: a millisecond
	// before it.
	AtStart = time.Millisecond
	// MaxTerm is the longest that a term can be.
	MaxTerm = 366 * 24 * time.Hour

	defaultCancelUntil = 24 * time.Hour
	defaultPayWithin   = 48 * time.Hour
	defaultPayUntil    = time.Hour
)

// OrDefault returns the terms with the defaults instead of zero values.
func (t Terms) OrDefault() Terms {
	if t.CancelUntil == 0 {
		t.CancelUntil = defaultCancelUntil
	}
	if t.PayWithin == 0 {
		t.PayWithin = defaultPayWithin
	}
	if t.PayUntil == 0 {
		t.PayUntil = defaultPayUntil
	}
	return t
}

func (t Terms) validate() error {
	switch {
	case t.CancelUntil != Never && !validTerm(t.CancelUntil):
		return fmt.Errorf("%w: cancel until %v before the start: want whole milliseconds up to %v", ErrInvalid, t.CancelUntil, MaxTerm)
	case !validTerm(t.PayWithin), !validTerm(t.PayUntil):
		return fmt.Errorf("%w: pay within %v, until %v before the start: want whole milliseconds up to %v", ErrInvalid, t.PayWithin, t.PayUntil, MaxTerm)
	}
	return nil
}

func validTerm(d time.Duration) bool {
	return 0 <= d && d <= MaxTerm && d%time.Millisecond == 0
}

// CancelUntil returns when visitors can last cancel; ok is false if they never
// can. An event without a start has no such limit.
func (e Event) CancelUntil() (until time.Time, ok bool) {
	before := e.Terms.OrDefault().CancelUntil
	switch {
	case before == Never:
		return time.Time{}, false
	case e.Starts.IsZero():
		return time.Time{}, true
	}
	return e.Starts.Add(-before), true
}

// CancellableAt reports whether visitors can cancel at now.
func (e Event) CancellableAt(now time.Time) bool {
	until, ok := e.CancelUntil()
	return ok && (until.IsZero() || !now.After(until))
}

// PayUntil returns the pay deadline of a booking that is reserved at now: at
// least least after now.
func (e Event) PayUntil(now time.Time, least time.Duration) time.Time {
	terms := e.Terms.OrDefault()
	until := now.Add(terms.PayWithin)
	if latest := e.Starts.Add(-terms.PayUntil); !e.Starts.IsZero() && latest.Before(until) {
		until = latest
	}
	if soonest := now.Add(least); until.Before(soonest) {
		until = soonest
	}
	return wholeTime(until)
}
