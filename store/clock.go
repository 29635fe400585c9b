package store

import "time"

// Clock is the clock of a holder for an event; there is one. It runs until its
// deadline, and is over from then on.
type Clock struct {
	Started, Deadline time.Time
	// Extended tells that the one extension was used.
	Extended bool
	// Grants are the requests that the clock remembers while it runs.
	Grants Grants
	// Paying means that seats of the holder are being paid for: an engine then
	// keeps the clock, however long it is over. A View need not have it.
	Paying bool
	// Unpaid is how many seats of the event the holder has reserved and not paid
	// for. While there are any, an engine keeps the clock, too.
	Unpaid int
	// Version grows by one with every write for the holder; 0 is no clock.
	Version int64
}

// RunsAt reports whether the clock runs at now.
func (c Clock) RunsAt(now time.Time) bool { return c.Version > 0 && now.Before(c.Deadline) }

// ClockSlack is how far ahead of the store's clock a lock may start before it
// counts as one from a clock that was wrong.
const ClockSlack = 2 * time.Second

// startedBy returns the clock as it runs at now: one that starts in the future,
// by another machine's time, keeps its length and starts now.
func (c Clock) startedBy(now time.Time) Clock {
	if ahead := c.Started.Sub(now); ahead > ClockSlack {
		c.Started, c.Deadline = now, c.Deadline.Add(-ahead)
	}
	return c
}

// MaxGrants is how many grants a clock remembers.
const MaxGrants = 20

// Grant is a granted request and its seats.
type Grant struct {
	Request string   `json:"request" bson:"request"`
	Seats   []string `json:"seats" bson:"seats"`
}

// Grants are the grants that a clock remembers, the newest last. The zero value
// is none.
type Grants []Grant

// Seats returns the seats that the request was granted; ok is false if the
// clock does not remember it.
func (g Grants) Seats(request string) (seats []string, ok bool) {
	for _, one := range g {
		if one.Request == request {
			return one.Seats, true
		}
	}
	return nil, false
}

// With returns the grants with one more, which may push the oldest out. It
// leaves g as it is. There is nothing to add, and added is false, without an
// id, without seats, or if the request is known.
func (g Grants) With(request string, seats []string) (with Grants, added bool) {
	if _, known := g.Seats(request); known || request == "" || len(seats) == 0 {
		return g, false
	}
	with = append(with, g[max(0, len(g)-MaxGrants+1):]...)
	return append(with, Grant{request, seats}), true
}
