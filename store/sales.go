package store

import (
	"cmp"
	"time"
)

// SalesKey is what sales are counted by.
type SalesKey struct {
	// Category and Tariff are names as they were sold. Day is the date on which a
	// booking got its seats, 2027-03-01, and Provider who took the money.
	Category, Tariff, Day, Provider string
}

// SalesLine is what was sold under one key. Amounts are in the smallest unit.
type SalesLine struct {
	// Seats are those that are booked, and Amount what they were sold for.
	Seats  int
	Amount int64
	// Open are seats that are reserved and not paid for, and Owed what they are
	// to cost.
	Open int
	Owed int64
	// Cancelled are seats that were paid for and are free again. Returned is their
	// price, that is or will be paid back, and Kept what the house has kept of it.
	Cancelled      int
	Returned, Kept int64
	// CheckedIn are seats whose tickets were let in; the others that are booked
	// are no-shows, once the event is over.
	CheckedIn int
}

// Add adds another line.
func (l *SalesLine) Add(o SalesLine) {
	l.Seats, l.Amount = l.Seats+o.Seats, l.Amount+o.Amount
	l.Open, l.Owed = l.Open+o.Open, l.Owed+o.Owed
	l.Cancelled, l.Returned, l.Kept = l.Cancelled+o.Cancelled, l.Returned+o.Returned, l.Kept+o.Kept
	l.CheckedIn += o.CheckedIn
}

// Money is what was taken and given back.
type Money struct {
	Captured, Refunded int64
	// ToRefund is what is on its way back, or stuck.
	ToRefund int64
}

// Sales is what bookings of one event come to. It is filled by Add, booking by
// booking, and takes memory for its keys alone.
//
// At rest, and whenever no payment is under way, what all lines have as Amount
// and Kept is Captured - Refunded - ToRefund.
type Sales struct {
	Lines map[SalesKey]SalesLine
	Money
	// Bookings are how many have seats, or had.
	Bookings int
}

// Add counts a booking. Days are those of the zone. Bookings that never had
// seats for good count for nothing but their money.
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
		if s.Lines == nil {
			s.Lines = map[SalesKey]SalesLine{}
		}
		sum := s.Lines[key]
		sum.Add(line)
		s.Lines[key] = sum
	}
	if counted {
		s.Bookings++
	}
	s.Captured += b.Captured
	s.Refunded += b.Refunded
	s.ToRefund += b.Captured - b.Refunded - keeps
}

// sold is what one line of the booking counts for; is is false if it never had
// its seat for good.
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

// Total is what all lines come to together.
func (s *Sales) Total() (total SalesLine) {
	for _, line := range s.Lines {
		total.Add(line)
	}
	return total
}
