package store

import "time"

// Rules are the limits that a server puts on locks. They travel with each
// request, so that instances with other settings can share a store.
type Rules struct {
	// TTL is how long a clock runs at first, and how much the one extension
	// adds; Total is the most that one clock may run.
	TTL, Total time.Duration
	// MaxSeats is how many seats of one event one holder may have locked and
	// paying at once, or reserved and not paid for. Other booked seats do not count.
	MaxSeats int
}

// ExtendWindow is how long before the deadline a visitor is offered the
// extension.
const ExtendWindow = 2 * time.Minute

// DefaultRules returns ten minutes, extended once, for up to ten seats.
func DefaultRules() Rules {
	return Rules{TTL: 10 * time.Minute, Total: 30 * time.Minute, MaxSeats: 10}
}

// StartClock returns the bounds of a clock that begins at now, cut to whole
// milliseconds, the precision of every engine.
func (r Rules) StartClock(now time.Time) (started, deadline time.Time) {
	started = now.Truncate(time.Millisecond)
	return started, started.Add(min(r.TTL, r.Total).Truncate(time.Millisecond))
}

// ExtendedDeadline returns the deadline after the one extension.
func (r Rules) ExtendedDeadline(started, deadline time.Time) time.Time {
	longest := started.Add(r.Total.Truncate(time.Millisecond))
	extended := deadline.Add(r.TTL.Truncate(time.Millisecond))
	if extended.After(longest) {
		extended = longest
	}
	if extended.Before(deadline) { // Total was shortened since: never take time away
		return deadline
	}
	return extended
}
