package store

import (
	"cmp"
	"time"
)

// SalesKey groups sales.
type SalesKey struct {
	// Category and Tariff are names as they were sold. Day is the date on which a
	// booking got its seats, 2027-03-01, and Provider who took the money.
	Category, Tariff, Day, Provider string
}

// SalesLine counts the sales of one key. Amounts are in the smallest unit.
type SalesLine struct {
	// Seats counts booked seats, and Amount is what they were sold for.
	Seats  int
	Amount int64
	// Open counts reserved unpaid seats, and Owed is their price.
	Open int
	Owed int64
	// Cancelled counts seats that were paid for and cancelled. Returned is the
	// part of their price that is or will be paid back, and Kept the part that
	// the house keeps.
	Cancelled      int
	Returned, Kept int64
	// CheckedIn are seats whose tickets were let in.
	CheckedIn int
}

// Add adds another line.
func (l *SalesLine) Add(o SalesLine) {
	l.Seats, l.Amount = l.Seats+o.Seats, l.Amount+o.Amount
	l.Open, l.Owed = l.Open+o.Open, l.Owed+o.Owed
	l.Cancelled, l.Returned, l.Kept = l.Cancelled+o.Cancelled, l.Returned+o.Returned, l.Kept+o.Kept
	l.CheckedIn += o.CheckedIn
}

// Money is what was captured and refunded.
type Money struct {
	Captured, Refunded int64
	// ToRefund is the sum of refunds that are wanted or stuck.
	ToRefund int64
}

// Sales sums up the bookings of one event. Add fills it, booking by booking; it
// takes memory for its keys alone.
//
// Whenever no payment is under way, the sum of Amount and Kept over all lines
// is Captured - Refunded - ToRefund.
type Sales struct {
	Lines map[SalesKey]SalesLine
	Money
	// Bookings counts the bookings that have, or had, seats.
	Bookings int
}

// Add counts a booking. Days are those of the zone. Of bookings that never got
// their seats only the money counts.
func (s *Sales) Add(b Booking, zone *time.Location) {
	var keeps int64
	counted := false
	for _, l := range b.Lines {
		line, is := b.sold(l)
		if !is {
			continue
		}
		counted = true
		keeps += line.Amount + line.Kept
		key := SalesKey{Category: l.Category, Tariff: cmp.Or(l.TariffName, l.Tariff), Provider: b.Provider}
		if !b.Booked.IsZero() {
			key.Day = b.Booked.In(zone).Format(time.DateOnly)
		}
		s.add(key, line)
	}
	if counted {
		s.Bookings++
	}
	s.Captured += b.Captured
	s.Refunded += b.Refunded
	s.ToRefund += b.Captured - b.Refunded - keeps
}

// Merge adds what other bookings of the event come to.
func (s *Sales) Merge(o Sales) {
	for key, line := range o.Lines {
		s.add(key, line)
	}
	s.Captured, s.Refunded, s.ToRefund = s.Captured+o.Captured, s.Refunded+o.Refunded, s.ToRefund+o.ToRefund
	s.Bookings += o.Bookings
}

func (s *Sales) add(key SalesKey, line SalesLine) {
	if s.Lines == nil {
		s.Lines = map[SalesKey]SalesLine{}
	}
	sum := s.Lines[key]
	sum.Add(line)
	s.Lines[key] = sum
}

// sold returns what one line of the booking counts for; is is false if it never
// got its seat.
func (b Booking) sold(l Line) (s SalesLine, is bool) {
	switch {
	case b.State == BookingReserved && !l.Cancelled:
		return SalesLine{Open: 1, Owed: l.Price}, true
	case b.State != BookingBooked && b.State != BookingCancelled, l.Unpaid, l.Cancelled && b.Captured == 0 && l.Price > 0:
		return SalesLine{}, false
	case l.Cancelled && l.NoRefund:
		return SalesLine{Cancelled: 1, Kept: l.Price}, true
	case l.Cancelled:
		return SalesLine{Cancelled: 1, Returned: l.Price}, true
	}
	s = SalesLine{Seats: 1, Amount: l.Price}
	if !b.Ticket(l.Seat).In.IsZero() {
		s.CheckedIn = 1
	}
	return s, true
}

// NoShows are the seats that are booked, and whose tickets were not let in. They
// count from when the event has begun: see [HasBegun].
func (l SalesLine) NoShows() int { return l.Seats - l.CheckedIn }

// NoShows are those of one booking, as [Sales] counts them.
func (b Booking) NoShows() (n int) {
	for _, l := range b.Lines {
		line, _ := b.sold(l)
		n += line.NoShows()
	}
	return n
}

// HasBegun reports whether what starts then has begun at now; without a start it
// never has.
func HasBegun(starts, now time.Time) bool { return !starts.IsZero() && !now.Before(starts) }

// Total returns the sum of all lines.
func (s *Sales) Total() (total SalesLine) {
	for _, line := range s.Lines {
		total.Add(line)
	}
	return total
}
