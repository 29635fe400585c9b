//go:build unix

package checkout_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/store"
)

// TestSell: the house sells what is free or withheld, at tariffs or for nothing.
func TestSell(t *testing.T) {
	w := newWorld(t)
	w.theatre(t, "e")
	c := w.instance(0)
	person := store.Person{Name: "Berta"}
	paid := checkout.Sale{Event: "e", Seats: []string{"x", "g", "x"}, Tariffs: chosen{"x": "reduced"}, Person: person, Code: store.NewCode()}
	lines, err := c.Sell(t.Context(), paid)
	b := w.booking(t, paid.Code)
	if err != nil || !slices.Equal(pricesOf(lines), []int64{938, 333}) || !slices.Equal(b.Lines, lines) ||
		b.State != store.BookingBooked || b.Captured != 938+333 || b.Provider != checkout.House {
		t.Fatalf("%+v, %v: booked %+v", lines, err, b)
	}
	if p, err := w.stores[0].Person(t.Context(), b.Code); err != nil || p != person {
		t.Errorf("person %+v, %v", p, err)
	}
	w.change(t, "e", func(e *store.Event) { e.Prices["gallery"], e.Tariffs = 1, nil })
	if again, err := c.Sell(t.Context(), paid); err != nil || !slices.Equal(again, lines) {
		t.Errorf("a repeat got %+v, %v: want %+v", again, err, lines)
	}
	if after := w.booking(t, paid.Code); after.Version != b.Version {
		t.Errorf("a repeat has changed %+v", after)
	}
	comp := checkout.Sale{Event: "e", Seats: []string{"n", "a"}, Comp: true, Person: person, Code: store.NewCode()}
	lines, err = c.Sell(t.Context(), comp)
	if b := w.booking(t, comp.Code); err != nil || b.Total() != 0 || b.Captured != 0 || b.State != store.BookingBooked || lines[0].Tariff != checkout.CompTariff {
		t.Errorf("given away: %+v, %v, %+v", lines, err, b)
	}
}

// TestSellRefused: what the house cannot sell changes nothing.
func TestSellRefused(t *testing.T) {
	w := newWorld(t)
	w.theatre(t, "e")
	c := w.instance(0)
	person := store.Person{Name: "Berta"}
	first := checkout.Sale{Event: "e", Seats: []string{"a"}, Person: person, Code: store.NewCode()}
	if _, err := c.Sell(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	w.basket(t, "e", "b")
	for name, test := range map[string]struct {
		sale checkout.Sale
		want error
	}{
		"without a price":      {checkout.Sale{Seats: []string{"c", "n"}}, store.ErrWithheld},
		"no such seat":         {checkout.Sale{Seats: []string{"c", "elsewhere"}}, store.ErrNoSeat},
		"no such seat, a gift": {checkout.Sale{Seats: []string{"c", "elsewhere"}, Comp: true}, store.ErrNoSeat},
		"none":                 {checkout.Sale{}, store.ErrInvalid},
		"booked":               {checkout.Sale{Seats: []string{"c", "a"}}, store.ErrBooked},
		"locked":               {checkout.Sale{Seats: []string{"c", "b"}}, store.ErrTaken},
		"alone":                {checkout.Sale{Seats: []string{"c"}, Tariffs: chosen{"c": "companion"}}, store.ErrTariff},
		"no such tariff":       {checkout.Sale{Seats: []string{"c"}, Tariffs: chosen{"c": "senior"}}, store.ErrTariff},
		"not there":            {checkout.Sale{Seats: []string{"g"}, Tariffs: chosen{"g": "companion"}}, store.ErrTariff},
		"another seat":         {checkout.Sale{Seats: []string{"c"}, Tariffs: chosen{"g": "full"}}, store.ErrTariff},
		"a gift at a tariff":   {checkout.Sale{Seats: []string{"c"}, Tariffs: chosen{"c": "full"}, Comp: true}, store.ErrTariff},
		"too many":             {checkout.Sale{Seats: []string{"c", "g"}, Tariffs: chosen{"c": "child", "g": "child"}}, store.ErrTariff},
		"nobody":               {checkout.Sale{Seats: []string{"c"}, Person: store.Person{Name: " "}}, store.ErrInvalid},
		"another's code":       {checkout.Sale{Seats: []string{"c"}, Code: first.Code}, store.ErrExists},
		"no code":              {checkout.Sale{Seats: []string{"c"}, Code: "short"}, store.ErrInvalid},
		"elsewhere":            {checkout.Sale{Event: "elsewhere", Seats: []string{"a"}, Code: first.Code}, store.ErrNoEvent},
	} {
		s := test.sale
		if s.Event == "" {
			s.Event = "e"
		}
		if s.Person == (store.Person{}) {
			s.Person = person
		}
		if s.Code == "" {
			s.Code = store.NewCode()
		}
		if lines, err := c.Sell(t.Context(), s); !errors.Is(err, test.want) || lines != nil {
			t.Errorf("%s: %+v, %v: want %v", name, lines, err, test.want)
		}
	}
	all := 0
	for range w.stores[0].AllBookings(t.Context(), "e") {
		all++
	}
	if all != 1 {
		t.Errorf("there are %d bookings, want the first alone", all)
	}
}

// TestMove tells what the other seat would have cost.
func TestMove(t *testing.T) {
	w := newWorld(t)
	w.theatre(t, "e")
	c := w.instance(0)
	sell := func(s checkout.Sale) string {
		t.Helper()
		s.Event, s.Person, s.Code = "e", store.Person{Name: "Berta"}, store.NewCode()
		if _, err := c.Sell(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		return s.Code
	}
	reduced := sell(checkout.Sale{Seats: []string{"a"}, Tariffs: chosen{"a": "reduced"}})
	beside := sell(checkout.Sale{Seats: []string{"w", "c"}, Tariffs: chosen{"c": "companion"}})
	gift := sell(checkout.Sale{Seats: []string{"n"}, Comp: true})
	for _, test := range []struct {
		code, from, to string
		paid, price    int64
		priced         bool
	}{
		{reduced, "a", "g", 938, 250, true},
		{reduced, "a", "g", 938, 250, true}, // again
		{reduced, "g", "a", 938, 938, true},
		{beside, "c", "g", 0, 0, false},
		{gift, "n", "x", 0, 0, true},
	} {
		m, err := c.Move(t.Context(), test.code, test.from, test.to)
		if err != nil || m.Paid != test.paid || m.Price != test.price || m.Priced != test.priced {
			t.Errorf("%s to %s: %+v, %v: want %+v", test.from, test.to, m, err, test)
		}
		seats := store.Seats(w.booking(t, test.code).Kept())
		if !slices.Contains(seats, test.to) || slices.Contains(seats, test.from) {
			t.Errorf("%s to %s: it has %v", test.from, test.to, seats)
		}
	}
	w.basket(t, "e", "b")
	for to, want := range map[string]error{"b": store.ErrTaken, "w": store.ErrBooked, "elsewhere": store.ErrNoSeat} {
		if m, err := c.Move(t.Context(), reduced, "a", to); !errors.Is(err, want) || m.Paid != 0 {
			t.Errorf("to %s: %+v, %v: want %v", to, m, err, want)
		}
	}
	if m, err := c.Move(t.Context(), beside, "g", "w"); !errors.Is(err, store.ErrBooked) || m.Paid != 0 {
		t.Errorf("to a seat of its own: %+v, %v: want ErrBooked", m, err)
	}
	if _, err := c.Move(t.Context(), store.NewCode(), "a", "c"); !errors.Is(err, store.ErrNoBooking) {
		t.Errorf("got %v, want ErrNoBooking", err)
	}
}
