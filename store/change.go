package store

// Change is a seat's new state as the feed delivers it.
type Change struct {
	Event string
	Seat  Seat
	// Before is the holder before this change, or "".
	Before Holder
	// Reason is why it changed.
	Reason Reason
}

// NewChange returns the change of a seat to another state: the id stays, and
// the version grows by one.
func NewChange(event string, from, to Seat, reason Reason) Change {
	to.ID, to.Version = from.ID, from.Version+1
	return Change{Event: event, Seat: to, Before: from.LockedBy, Reason: reason}
}

// Loss returns why the former holder has lost the seat without asking for that:
// [ReasonLapsed], [ReasonReleased] or [ReasonLost]; "" if nobody has lost it
// so.
func (c Change) Loss() Reason {
	if c.Before == "" || c.Before == c.Seat.LockedBy {
		return ReasonChanged
	}
	switch c.Reason {
	case ReasonLapsed, ReasonReleased, ReasonLost:
		return c.Reason
	case ReasonLocked, ReasonWithheld, ReasonBooked: // which take a seat only from a lock that is over
		return ReasonLapsed
	case ReasonMoved:
		if c.Seat.Status == Booked { // and not the seat that the booking has left
			return ReasonLapsed
		}
	}
	return ReasonChanged
}

// Reason is why a seat changed, as it is stored and sent.
type Reason string

// The reasons. ReasonChanged is for one that this program does not know.
const (
	ReasonChanged   Reason = ""
	ReasonLocked    Reason = "locked"
	ReasonExtended  Reason = "extended"
	ReasonGivenBack Reason = "given back"
	ReasonLapsed    Reason = "lapsed"   // the clock ended the lock
	ReasonReleased  Reason = "released" // by the house
	ReasonWithheld  Reason = "withheld"
	ReasonOnSale    Reason = "on sale" // withheld no longer
	ReasonPaying    Reason = "paying"
	ReasonDeclined  Reason = "declined" // the payment was
	ReasonLost      Reason = "lost"     // paid for, and somebody else's by then
	ReasonBooked    Reason = "booked"
	ReasonCancelled Reason = "cancelled"
	ReasonMoved     Reason = "moved" // a booking, to or from the seat
)

// The reasons that change no seat; they occur in the history alone.
const (
	ReasonPaid         Reason = "paid"
	ReasonGivenUp      Reason = "given up" // by who was to pay
	ReasonRefundWanted Reason = "refund wanted"
	ReasonRefundStuck  Reason = "refund stuck"
	ReasonRefunded     Reason = "refunded"
	ReasonCheckedIn    Reason = "checked in"
	ReasonCheckedOut   Reason = "check-in undone"
	ReasonReissued     Reason = "reissued" // another ticket was
	ReasonErased       Reason = "person erased"
)

// ParseReason reads a stored reason; an unknown one is [ReasonChanged].
func ParseReason(text string) Reason {
	switch r := Reason(text); r {
	case ReasonLocked, ReasonExtended, ReasonGivenBack, ReasonLapsed, ReasonReleased, ReasonWithheld,
		ReasonOnSale, ReasonPaying, ReasonDeclined, ReasonLost, ReasonBooked, ReasonCancelled, ReasonMoved,
		ReasonPaid, ReasonGivenUp, ReasonRefundWanted, ReasonRefundStuck, ReasonRefunded, ReasonCheckedIn, ReasonCheckedOut, ReasonReissued, ReasonErased:
		return r
	}
	return ReasonChanged
}

// String returns the reason as people read it.
func (r Reason) String() string {
	if r == ReasonChanged {
		return "changed"
	}
	return string(r)
}
