package store

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"
)

// fates are what can become of a seat of a booking; it says what that counts for.
var fates = map[string]struct {
	states []BookingState
	counts func(price int64) SalesLine
}{
	"booked": {[]BookingState{BookingBooked}, func(p int64) SalesLine { return SalesLine{Seats: 1, Amount: p} }},
	"in":     {[]BookingState{BookingBooked}, func(p int64) SalesLine { return SalesLine{Seats: 1, Amount: p, CheckedIn: 1} }},
	"returned": {[]BookingState{BookingBooked, BookingCancelled}, func(p int64) SalesLine {
		return SalesLine{Cancelled: 1, Returned: p}
	}},
	"kept": {[]BookingState{BookingBooked, BookingCancelled}, func(p int64) SalesLine { return SalesLine{Cancelled: 1, Kept: p} }},
	"open": {[]BookingState{BookingReserved}, func(p int64) SalesLine { return SalesLine{Open: 1, Owed: p} }},
	"unpaid": {[]BookingState{BookingReserved, BookingBooked, BookingCancelled}, func(int64) SalesLine {
		return SalesLine{}
	}},
	"never": {[]BookingState{BookingPaying, BookingDeclined, BookingLapsed, BookingLost}, func(int64) SalesLine { return SalesLine{} }},
}

// sale makes one random booking, and adds what it counts for to want.
func sale(random *rand.Rand, i int, unit int64, zone *time.Location, want *Sales) Booking {
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	states := []BookingState{BookingBooked, BookingBooked, BookingReserved, BookingCancelled, BookingLost, BookingPaying, BookingDeclined, BookingLapsed}
	b := Booking{Code: fmt.Sprint("B", i), State: states[random.IntN(len(states))], Provider: pick("stripe", "door", "house"),
		Booked: time.Date(2027, 3, 1, random.IntN(72), random.IntN(60), 0, 0, time.UTC)}
	counted := false
	for n := range 1 + random.IntN(5) {
		fate := ""
		for fate == "" {
			one := pick("booked", "in", "returned", "kept", "open", "unpaid", "never")
			for _, state := range fates[one].states {
				if state == b.State {
					fate = one
				}
			}
		}
		l := Line{Seat: fmt.Sprint("s", n), Category: pick("stalls", "box"), Tariff: pick("", "full", "child"), Price: unit + random.Int64N(50*unit)}
		if l.Tariff == "child" {
			l.TariffName = "Child"
		}
		l.Cancelled = fate == "returned" || fate == "kept" || fate == "unpaid"
		l.NoRefund, l.Unpaid = fate == "kept", fate == "unpaid"
		if fate == "in" {
			b.Tickets = b.setTicket(l.Seat, Ticket{In: b.Booked})
		}
		b.Lines = append(b.Lines, l)
		paid := fate == "booked" || fate == "in" || fate == "returned" || fate == "kept" || b.State == BookingLost
		if paid {
			b.Captured += l.Price
		}
		if fate == "returned" || b.State == BookingLost {
			if back := l.Price; random.IntN(2) == 0 {
				b.Refunded += back
			} else {
				want.ToRefund += back
			}
		}
		if fate == "unpaid" || fate == "never" {
			continue
		}
		counted = true
		name := map[string]string{"": "", "full": "full", "child": "Child"}[l.Tariff]
		day := b.Booked.In(zone)
		key := SalesKey{Category: l.Category, Tariff: name, Provider: b.Provider, Day: fmt.Sprintf("%04d-%02d-%02d", day.Year(), day.Month(), day.Day())}
		sum := want.Lines[key]
		sum.Add(fates[fate].counts(l.Price))
		want.Lines[key] = sum
	}
	if counted {
		want.Bookings++
	}
	want.Captured, want.Refunded = want.Captured+b.Captured, want.Refunded+b.Refunded
	return b
}

// TestSales compares with what was counted as the bookings were made, and as
// people write amounts in currencies of three kinds.
func TestSales(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("the random source began with seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	zone := time.FixedZone("elsewhere", 9*3600)
	for currency, unit := range map[string]int64{"JPY": 100, "EUR": 101, "KWD": 1003} {
		decimals, _ := CurrencyDecimals(currency)
		got, want := Sales{}, Sales{Lines: map[SalesKey]SalesLine{}}
		paper := new(big.Rat) // what all lines have kept
		for i := range 3000 {
			b := sale(random, i, unit, zone, &want)
			b.Currency = currency
			got.Add(b, zone)
			for _, l := range b.Lines {
				if b.State == BookingBooked && !l.Cancelled || l.NoRefund {
					amount, ok := new(big.Rat).SetString(FormatUnits(l.Price, decimals))
					if !ok {
						t.Fatalf("%d %s is no number", l.Price, currency)
					}
					paper.Add(paper, amount)
				}
			}
		}
		for key := range want.Lines {
			if got.Lines[key] != want.Lines[key] {
				t.Errorf("%s: %+v is %+v, want %+v", currency, key, got.Lines[key], want.Lines[key])
			}
		}
		if len(got.Lines) != len(want.Lines) || got.Money != want.Money || got.Bookings != want.Bookings {
			t.Errorf("%s: got %d lines, %+v, %d bookings, want %d, %+v, %d", currency,
				len(got.Lines), got.Money, got.Bookings, len(want.Lines), want.Money, want.Bookings)
		}
		total := got.Total()
		if keeps := got.Captured - got.Refunded - got.ToRefund; total.Amount+total.Kept != keeps || FormatUnits(keeps, decimals) != paper.FloatString(decimals) {
			t.Errorf("%s: lines have %d and %d, the money is %d, on paper %s", currency, total.Amount, total.Kept, keeps, paper.FloatString(decimals))
		}
		if total.Seats == 0 || total.Open == 0 || total.Cancelled == 0 || total.CheckedIn == 0 || total.Kept == 0 || total.Returned == 0 {
			t.Errorf("%s: %+v lacks something", currency, total)
		}
	}
}

// TestSalesFree counts what costs nothing.
func TestSalesFree(t *testing.T) {
	var s Sales
	s.Add(Booking{State: BookingBooked, Lines: []Line{{Seat: "a"}, {Seat: "b", Cancelled: true}}, Tickets: map[string]Ticket{"a": {In: noon}}}, time.UTC)
	if got, want := s.Total(), (SalesLine{Seats: 1, Cancelled: 1, CheckedIn: 1}); got != want || s.Money != (Money{}) || s.Bookings != 1 {
		t.Errorf("got %+v, %+v, want %+v", got, s.Money, want)
	}
}
