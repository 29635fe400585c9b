//go:build unix

package checkout_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// theatre makes an event of one row: a, b, w, c of the stalls, of which w is a
// wheelchair place, g of the gallery, n without a price, and x that is withheld.
func (w *world) theatre(t *testing.T, id string) {
	t.Helper()
	hall := plan.Plan{Name: "Hall", Sections: []plan.Section{{ID: "s", Name: "Stalls", Rows: []plan.Row{{Label: "A"}}}}}
	for _, category := range []string{"stalls", "gallery", "none"} {
		hall.Categories = append(hall.Categories, plan.Category{ID: category, Name: category})
	}
	row := &hall.Sections[0].Rows[0]
	for i, seat := range []string{"a", "b", "w", "c", "g", "n", "x"} {
		s := plan.Seat{ID: seat, Label: seat, Category: "stalls", X: float64(i)}
		switch seat {
		case "w":
			s.Properties = []plan.Property{plan.Accessible}
		case "g":
			s.Category = "gallery"
		case "n":
			s.Category = "none"
		}
		row.Seats = append(row.Seats, s)
	}
	e := store.NewEvent{PlanBody: hall.Encode(), Seats: hall.SeatIDs(), Withheld: []string{"x"}}
	e.Event = store.Event{ID: id, Title: "Evening", Zone: "Europe/Vienna", Currency: "EUR", Starts: time.Date(2040, 1, 1, 19, 0, 0, 0, time.UTC),
		Prices: map[string]int64{"stalls": 1250, "gallery": 333},
		Tariffs: []store.Tariff{
			{ID: "full", Name: "Full"}, {ID: "reduced", Name: "Reduced", Off: 25}, {ID: "child", Name: "Child", Off: 50, Most: 1},
			{ID: "companion", Name: "Companion", Prices: map[string]int64{"stalls": 0}, Beside: true},
			{ID: "guest", Name: "Guest", Off: 100},
		}}
	if err := w.stores[0].CreateEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

// change changes an event.
func (w *world) change(t *testing.T, id string, change func(e *store.Event)) {
	t.Helper()
	e, err := w.stores[0].Event(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	e.Prices, e.Tariffs = maps.Clone(e.Prices), slices.Clone(e.Tariffs)
	change(&e)
	if _, err := w.stores[0].UpdateEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

// basket has anna lock seats of an event that is there.
func (w *world) basket(t *testing.T, event string, seats ...string) {
	t.Helper()
	_, err := w.stores[0].Lock(t.Context(), store.LockRequest{Event: event, Holder: "anna", Seats: seats, Rules: store.DefaultRules()})
	if err != nil {
		t.Fatal(err)
	}
}

func sold(lines []store.Line) map[string]string {
	as := map[string]string{}
	for _, l := range lines {
		as[l.Seat] = l.Tariff
	}
	return as
}

func pricesOf(lines []store.Line) (all []int64) {
	for _, l := range lines {
		all = append(all, l.Price)
	}
	return all
}

type chosen = map[string]string

// TestTariffs: a form shows for each seat what can be chosen, keeps what was, and
// says what cannot be.
func TestTariffs(t *testing.T) {
	w := newWorld(t)
	w.theatre(t, "e")
	w.basket(t, "e", "a", "b", "w", "c", "g")
	c := w.instance(0)
	first, err := c.Offer(t.Context(), "e", "anna", nil)
	if err != nil || first.Total != 4*1250+333 {
		t.Fatalf("%+v, %v", first, err)
	}
	for i, want := range [][]int64{{1250, 938, 625, 0, 0}, {1250, 938, 625, 0, 0}, {1250, 938, 625, 0, 0}, {1250, 938, 625, 0, 0}, {333, 250, 167, 0}} {
		choice := first.Choices[i]
		if got := pricesOf(choice.Lines); !slices.Equal(got, want) || choice.Seat != first.Lines[i].Seat || choice.Lines[0] != first.Lines[i] {
			t.Errorf("seat %s: choices %v, want %v, the default first", choice.Seat, got, want)
		}
	}
	full := chosen{"a": "full", "b": "full", "w": "full", "c": "full", "g": "full"}
	with := func(other chosen) chosen {
		all := maps.Clone(full)
		maps.Copy(all, other)
		return all
	}
	for name, test := range map[string]struct {
		tariffs chosen
		want    chosen
		unfit   bool
		is      store.TariffError // what it is, if it is one
	}{
		"some":                       {chosen{"a": "reduced", "c": "child"}, with(chosen{"a": "reduced", "c": "child"}), false, store.TariffError{}},
		"of another seat":            {chosen{"elsewhere": "reduced"}, full, false, store.TariffError{}},
		"none said":                  {chosen{"a": ""}, full, false, store.TariffError{}},
		"beside":                     {chosen{"b": "companion"}, with(chosen{"b": "companion"}), false, store.TariffError{}},
		"beside nothing":             {chosen{"a": "companion", "b": "reduced"}, with(chosen{"a": "companion", "b": "reduced"}), true, store.TariffError{Seat: "a"}},
		"two beside one":             {chosen{"b": "companion", "c": "companion"}, with(chosen{"b": "companion", "c": "companion"}), true, store.TariffError{Seat: "c"}},
		"too many":                   {chosen{"a": "child", "g": "child"}, with(chosen{"a": "child", "g": "child"}), true, store.TariffError{Seat: "g", TooMany: true}},
		"not in this category":       {chosen{"g": "companion", "a": "reduced"}, with(chosen{"a": "reduced"}), true, store.TariffError{}},
		"of another event":           {chosen{"a": "senior", "b": "reduced"}, with(chosen{"b": "reduced"}), true, store.TariffError{}},
		"of another event and alone": {chosen{"a": "senior", "g": "senior"}, full, true, store.TariffError{}},
	} {
		offer, err := c.Offer(t.Context(), "e", "anna", test.tariffs)
		if errors.Is(err, store.ErrTariff) != test.unfit || !test.unfit && err != nil || !maps.Equal(sold(offer.Lines), test.want) {
			t.Errorf("%s: %v, %v: want %v, and whether it is unfit %v", name, sold(offer.Lines), err, test.want, test.unfit)
		}
		why, _ := errors.AsType[store.TariffError](err)
		if why.Seat != test.is.Seat || why.TooMany != test.is.TooMany {
			t.Errorf("%s: %+v, want %+v", name, why, test.is)
		}
		if offer.Digest != first.Digest || offer.Total != store.TotalOf(offer.Lines) || len(offer.Choices) != len(offer.Lines) {
			t.Errorf("%s: %+v: want the digest %s of what can be chosen", name, offer, first.Digest)
		}
		if !test.unfit {
			continue
		}
		r := w.request(t, "e", "ledger")
		r.Tariffs = test.tariffs
		if begun, err := c.Begin(t.Context(), r); !errors.Is(err, store.ErrTariff) || begun.Code != "" {
			t.Errorf("%s: begun %+v, %v: want ErrTariff", name, begun, err)
		}
	}
	for _, strays := range []chosen{{"x": "full"}, {"elsewhere": "full"}, {"a": "reduced", "n": "reduced"}} {
		r := w.request(t, "e", "ledger")
		r.Tariffs = strays
		if _, err := c.Begin(t.Context(), r); !errors.Is(err, store.ErrTariff) {
			t.Errorf("%v: got %v, want ErrTariff", strays, err)
		}
	}
	for b := range w.stores[0].AllBookings(t.Context(), "e") {
		t.Errorf("what was refused has made %+v", b)
	}
}

// TestTariffsSold: a booking has the tariffs that were chosen, and a repeat of its
// form has the same.
func TestTariffsSold(t *testing.T) {
	w := newWorld(t)
	w.theatre(t, "e")
	w.basket(t, "e", "a", "b", "w", "g")
	c, r := w.instance(0), w.request(t, "e", "ledger")
	r.Tariffs = chosen{"a": "reduced", "b": "companion", "g": "child"}
	begun, err := c.Begin(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	b := w.booking(t, begun.Code)
	if want := []int64{938, 0, 1250, 167}; !slices.Equal(pricesOf(b.Lines), want) || b.Lines[0].TariffName != "Reduced" || b.Total() != 938+1250+167 {
		t.Errorf("booked %+v, want %v", b.Lines, want)
	}
	if a, err := w.stores[0].Attempt(t.Context(), b.Attempt()); err != nil || a.Amount != b.Total() {
		t.Errorf("attempt %+v, %v", a, err)
	}
	w.change(t, "e", func(e *store.Event) { e.Tariffs = nil })
	if again, err := c.Begin(t.Context(), r); err != nil || again.Code != begun.Code || !again.Repeat {
		t.Errorf("a repeat got %+v, %v", again, err)
	}
	for _, other := range []chosen{nil, {"a": "reduced"}, {"a": "full", "b": "companion", "g": "child"}, {"a": "senior"}, {"elsewhere": "full"}} {
		r.Tariffs = other
		if _, err := c.Begin(t.Context(), r); !errors.Is(err, store.ErrReused) {
			t.Errorf("a repeat with %v got %v, want ErrReused", other, err)
		}
	}
}

// TestCompanionCancelled: who cancels the accessible seat keeps none beside it for
// nothing. The house may part them, and nobody is bound by it then.
func TestCompanionCancelled(t *testing.T) {
	w := newWorld(t)
	w.theatre(t, "e")
	c := w.instance(0)
	begin := func(seats ...string) string {
		t.Helper()
		w.basket(t, "e", seats...)
		r := w.request(t, "e", checkout.Door)
		r.Tariffs = chosen{"b": "companion"}
		begun, err := c.Begin(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return begun.Code
	}
	cancel := func(code string, who store.Holder, want error, seats ...string) {
		t.Helper()
		before := w.booking(t, code)
		_, err := c.Cancel(t.Context(), store.CancelRequest{Code: code, Holder: who, Seats: seats})
		if after := w.booking(t, code); !errors.Is(err, want) || (want != nil) != (after.Version == before.Version) {
			t.Fatalf("cancel %v: got %v and %+v, want %v", seats, err, after, want)
		}
	}
	code := begin("a", "b", "w", "c")
	cancel(code, "anna", store.ErrTariff, "w")
	cancel(code, "anna", store.ErrTariff, "w", "c")
	cancel(code, "bert", store.ErrNoBooking, "w")
	cancel(code, "anna", nil, "c")
	cancel(code, "anna", nil, "b")
	cancel(code, "anna", nil, "w")
	cancel(code, "anna", nil)
	code = begin("a", "b", "w")
	cancel(code, "anna", nil, "w", "b")
	cancel(code, "anna", nil)
	code = begin("a", "b", "w")
	cancel(code, "", nil, "w")
	cancel(code, "anna", nil, "a")
	w.change(t, "e", func(e *store.Event) { e.Tariffs = e.Tariffs[:3] })
	cancel(code, "anna", nil, "b")
}

// TestTariffsChange: what could be chosen changes while a form is open, and what
// was chosen is not booked at another price.
func TestTariffsChange(t *testing.T) {
	for name, change := range map[string]func(e *store.Event){
		"another price":     func(e *store.Event) { e.Prices["stalls"] = 1300 },
		"another reduction": func(e *store.Event) { e.Tariffs[1].Off = 24 },
		"another name":      func(e *store.Event) { e.Tariffs[1].Name = "Students" },
		"one less":          func(e *store.Event) { e.Tariffs = e.Tariffs[:1] },
		"another one less":  func(e *store.Event) { e.Tariffs = e.Tariffs[:3] },
		"none":              func(e *store.Event) { e.Tariffs = nil },
		"another default":   func(e *store.Event) { slices.Reverse(e.Tariffs) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.theatre(t, "e")
			w.basket(t, "e", "a", "g")
			r := w.request(t, "e", "ledger")
			r.Tariffs = chosen{"a": "reduced"}
			w.change(t, "e", change)
			c := w.instance(0)
			if begun, err := c.Begin(t.Context(), r); !errors.Is(err, checkout.ErrChanged) || begun.Code != "" {
				t.Fatalf("got %+v, %v: want ErrChanged", begun, err)
			}
			offer, _ := c.Offer(t.Context(), "e", "anna", r.Tariffs)
			if len(offer.Lines) != 2 || offer.Digest == r.Digest {
				t.Fatalf("offer %+v: want another", offer)
			}
			r.Digest, r.Tariffs, r.ID = offer.Digest, sold(offer.Lines), "another"
			begun, err := c.Begin(t.Context(), r)
			if b := w.booking(t, begun.Code); err != nil || !slices.Equal(b.Lines, offer.Lines) {
				t.Errorf("got %+v, %v: want %+v", b.Lines, err, offer.Lines)
			}
		})
	}
}

// TestTariffsForNothing: what costs nothing by its tariffs is booked at once.
func TestTariffsForNothing(t *testing.T) {
	w := newWorld(t)
	w.theatre(t, "e")
	w.change(t, "e", func(e *store.Event) { e.Tariffs[3].Beside = false })
	w.basket(t, "e", "a", "g")
	r := w.request(t, "e", "")
	r.Tariffs = chosen{"a": "companion"}
	if _, err := w.instance(0).Begin(t.Context(), r); !errors.Is(err, checkout.ErrNoPayment) {
		t.Errorf("got %v, want ErrNoPayment: the other seat has its price", err)
	}
	if _, err := w.stores[0].Unlock(t.Context(), store.UnlockRequest{Event: "e", Holder: "anna", Seats: []string{"g"}}); err != nil {
		t.Fatal(err)
	}
	r = w.request(t, "e", "")
	r.Tariffs = chosen{"a": "companion"}
	begun, err := w.instance(0).Begin(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if b := w.booking(t, begun.Code); begun.Pay != "" || b.State != store.BookingBooked || b.Total() != 0 || b.Provider != "" || b.Lines[0].TariffName != "Companion" {
		t.Errorf("booked %+v, %+v", b, begun)
	}
}

// TestDigestOfBefore: a form of an event without tariffs can be sent to a program
// from before there were any, and the other way round.
func TestDigestOfBefore(t *testing.T) {
	w := newWorld(t)
	w.lock(t, "e", "a", "free")
	const agreed = `["e","EUR",[{"seat":"a","label":"a","row":"A","section":"Stalls","category":"a","price":1},` +
		`{"seat":"free","label":"free","row":"A","section":"Stalls","category":"free","price":0}]]`
	sum := sha256.Sum256([]byte(agreed))
	offer, err := w.instance(0).Offer(t.Context(), "e", "anna", nil)
	if err != nil || len(offer.Choices) != 2 || !slices.Equal(offer.Choices[1].Lines, offer.Lines[1:]) {
		t.Errorf("choices %+v, %v: want the line of each seat", offer.Choices, err)
	}
	if r := w.request(t, "e", ""); r.Digest != hex.EncodeToString(sum[:16]) {
		t.Errorf("the digest is %s, and not of %s", r.Digest, agreed)
	}
}
