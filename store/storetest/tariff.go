package storetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seatlock/seatlock/store"
)

func tariffCases() []testCase {
	return []testCase{
		{"they are kept, in their order", tariffsKept},
		{"the creation may be repeated, and not with others", tariffsCreated},
		{"an update replaces them", tariffsUpdated},
		{"the same again changes nothing", tariffsRepeat},
		{"another revision is stale", tariffsStale},
		{"a malformed tariff is invalid", tariffsInvalid},
		{"new seats leave them, or replace them", tariffsAddSeats},
		{"a decision sees those of its instant", tariffsDecided},
		{"a booking keeps what it was sold at", tariffsSold},
	}
}

// fullHouse are tariffs with everything that one can have.
func fullHouse() []store.Tariff {
	return []store.Tariff{
		{ID: "full", Name: "Full"}, {ID: "reduced", Name: "Ermäßigt “U26”", Off: 25, Most: 4},
		{ID: "child", Name: "Child", Prices: map[string]int64{"stalls": 700, "": 0, "box": store.MaxPrice}, Most: store.MaxSeatsPerRequest},
		{ID: "companion", Name: "Companion", Off: 100, Beside: true},
	}
}

// withTariffs opens the evening with tariffs.
func (w *world) withTariffs(n int, tariffs ...store.Tariff) store.NewEvent {
	w.Helper()
	e := hall(evening, n)
	e.Tariffs = tariffs
	w.create(e)
	return e
}

// wantTariffs fails unless the evening has these, however it is read.
func (w *world) wantTariffs(want ...store.Tariff) {
	w.Helper()
	for i, s := range w.both() {
		all, err := s.Events(w.Context())
		w.must(err)
		got := []store.Event{w.event(s), all[slices.IndexFunc(all, func(e store.Event) bool { return e.ID == evening })]}
		e := w.e
		if i > 0 {
			e = w.secondEngine()
		}
		got = append(got, w.see(e, store.Question{Event: evening, Definition: true}).Event)
		for _, e := range got {
			if !slices.EqualFunc(e.Tariffs, want, sameTariff) {
				w.Fatalf("got tariffs\n\t%+v\nwant\n\t%+v", e.Tariffs, want)
			}
		}
	}
}

func sameTariff(a, b store.Tariff) bool {
	return maps.Equal(a.Prices, b.Prices) && (a.Prices == nil) == (b.Prices == nil) && text(a) == text(b)
}

func tariffsKept(w *world) {
	w.withTariffs(1, fullHouse()...)
	w.wantTariffs(fullHouse()...)
}

func tariffsCreated(w *world) {
	e := w.withTariffs(1, fullHouse()...)
	w.untold(func() { w.must(w.second().CreateEvent(w.Context(), e)) })
	for _, other := range [][]store.Tariff{nil, fullHouse()[:3], append(fullHouse()[1:], fullHouse()[0])} {
		e.Tariffs = other
		w.untold(func() { w.wantErr(w.s.CreateEvent(w.Context(), e), store.ErrExists) })
	}
	w.wantTariffs(fullHouse()...)
}

func tariffsUpdated(w *world) {
	w.open(1)
	w.wantTariffs()
	for i, tariffs := range [][]store.Tariff{fullHouse(), fullHouse()[:2], nil, fullHouse()[2:]} {
		e := w.update(func(e *store.Event) { e.Tariffs = tariffs })
		if e.Revision != int64(i+2) || !slices.EqualFunc(e.Tariffs, tariffs, sameTariff) {
			w.Fatalf("got %+v", e)
		}
		w.wantTariffs(tariffs...)
	}
	w.update(func(e *store.Event) { e.Title = "Another" })
	w.wantTariffs(fullHouse()[2:]...)
}

func tariffsRepeat(w *world) {
	w.withTariffs(1, fullHouse()...)
	w.untold(func() {
		if e := w.update(func(e *store.Event) { e.Tariffs = fullHouse() }); e.Revision != 1 {
			w.Fatalf("got %+v, want it to stay", e)
		}
	})
	for what, change := range map[string]func(t []store.Tariff){
		"name": func(t []store.Tariff) { t[0].Name = "Voll" }, "off": func(t []store.Tariff) { t[1].Off = 26 }, "most": func(t []store.Tariff) { t[1].Most = 0 },
		"price": func(t []store.Tariff) { t[2].Prices["stalls"]++ }, "beside": func(t []store.Tariff) { t[3].Beside = false },
		"order": slices.Reverse[[]store.Tariff], "id": func(t []store.Tariff) { t[0].ID = "voll" },
	} {
		before := w.event(w.s).Revision
		if e := w.update(func(e *store.Event) { e.Tariffs = fullHouse(); change(e.Tariffs) }); e.Revision != before+1 {
			w.Fatalf("another %s: got %+v", what, e)
		}
		w.update(func(e *store.Event) { e.Tariffs = fullHouse() })
	}
}

func tariffsStale(w *world) {
	w.withTariffs(1, fullHouse()...)
	old := w.event(w.s)
	w.update(func(e *store.Event) { e.Tariffs = fullHouse()[:1] })
	old.Tariffs = fullHouse()[:2]
	w.untold(func() {
		_, err := w.second().UpdateEvent(w.Context(), old)
		w.wantErr(err, store.ErrStale)
	})
	w.wantTariffs(fullHouse()[:1]...)
}

func tariffsInvalid(w *world) {
	w.open(1)
	fresh := hall(evening+"-2", 1)
	many := make([]store.Tariff, store.MaxTariffs+1)
	for i := range many {
		many[i] = store.Tariff{ID: fmt.Sprint("t", i), Name: "T"}
	}
	full := fullHouse()[0]
	for what, tariffs := range map[string][]store.Tariff{
		"negative": {{ID: "a", Name: "A", Off: -1}}, "101 percent": {{ID: "a", Name: "A", Off: 101}},
		"both": {{ID: "a", Name: "A", Off: 10, Prices: map[string]int64{"stalls": 1}}}, "no price": {{ID: "a", Name: "A", Prices: map[string]int64{}}},
		"twice": {full, {ID: "b", Name: "B"}, full}, "too many": many,
		"no id": {{Name: "A"}}, "an id": {{ID: "a b", Name: "A"}}, "no name": {{ID: "a", Name: " "}}, "a name": {{ID: "a", Name: "A\nB"}},
		"long name": {{ID: "a", Name: strings.Repeat("x", store.MaxText+1)}}, "unseen name": {{ID: "a", Name: "\u200b"}},
		"a price": {{ID: "a", Name: "A", Prices: map[string]int64{"stalls": -1}}}, "a high price": {{ID: "a", Name: "A", Prices: map[string]int64{"stalls": store.MaxPrice + 1}}},
		"a category": {{ID: "a", Name: "A", Prices: map[string]int64{"sta\nlls": 1}}},
		"most":       {{ID: "a", Name: "A", Most: -1}}, "high most": {{ID: "a", Name: "A", Most: store.MaxSeatsPerRequest + 1}},
	} {
		fresh.Tariffs = tariffs
		e := w.event(w.s)
		e.Tariffs = tariffs
		w.untold(func() {
			_, err := w.s.UpdateEvent(w.Context(), e)
			for _, err := range []error{err, w.s.CreateEvent(w.Context(), fresh)} {
				if err == nil || !strings.Contains(err.Error(), "tariff") {
					w.Fatalf("%s: got %v", what, err)
				}
				w.wantErr(err, store.ErrInvalid)
			}
		})
	}
	w.wantTariffs()
	w.update(func(e *store.Event) { e.Tariffs = many[1:] })
	w.wantTariffs(many[1:]...)
}

func tariffsAddSeats(w *world) {
	e := w.withTariffs(1, fullHouse()...)
	e.PlanBody, e.Seats, e.Revision = []byte(`{"name":"larger"}`), names(2), 1
	_, err := w.s.AddSeats(w.Context(), e)
	w.must(err)
	w.wantTariffs(fullHouse()...)
	e.PlanBody, e.Seats, e.Revision, e.Tariffs = []byte(`{"name":"largest"}`), names(3), 2, fullHouse()[1:]
	_, err = w.s.AddSeats(w.Context(), e)
	w.must(err)
	w.wantTariffs(fullHouse()[1:]...)
}

func tariffsDecided(w *world) {
	w.withTariffs(1, fullHouse()...)
	second := w.secondEngine()
	for _, tariffs := range [][]store.Tariff{fullHouse()[:1], nil, fullHouse()} {
		e := w.update(func(e *store.Event) { e.Tariffs = tariffs })
		v := w.see(second, store.Question{Event: evening, Definition: true})
		if v.Event.Revision != e.Revision || !slices.EqualFunc(v.Event.Tariffs, tariffs, sameTariff) {
			w.Fatalf("seen is %+v, want %+v", v.Event, e)
		}
	}
}

func tariffsSold(w *world) {
	w.withTariffs(3, fullHouse()...)
	w.lock("anna", "s1", "s2")
	r := w.sale("anna")
	r.Lines[0].Tariff, r.Lines[0].TariffName, r.Lines[0].Price = "child", "Child", 700
	r.Lines[1].Tariff, r.Lines[1].TariffName = "full", "Full"
	code := w.confirm(w.begin(r).Code).Booking.Code
	w.update(func(e *store.Event) { e.Tariffs, e.Prices = nil, map[string]int64{"stalls": 1} })
	w.move(code, "s2", "s3")
	out := w.cancel(code, "s1")
	b, err := w.second().Booking(w.Context(), code)
	w.must(err)
	if one, two := b.Lines[0], b.Lines[1]; one.Tariff != "child" || one.TariffName != "Child" || one.Price != 700 || two.Tariff != "full" || two.TariffName != "Full" || two.Price != price {
		w.Fatalf("got lines %+v", b.Lines)
	}
	if out.Refund.Amount != 700 {
		w.Fatalf("got refund %+v", out.Refund)
	}
	w.wantBooks()
}
