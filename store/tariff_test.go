package store

import (
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestPriceAs compares all whole percents with exact fractions.
func TestPriceAs(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("the random source began with seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	prices := []int64{0, 1, 2, 3, 49, 50, 51, 99, 100, 101, 150, 2850, 9999, MaxPrice - 1, MaxPrice}
	for range 200 {
		prices = append(prices, random.Int64N(MaxPrice+1), random.Int64N(20000))
	}
	half := big.NewRat(1, 2)
	for _, full := range prices {
		e := Event{Prices: map[string]int64{"a": full}, Tariffs: []Tariff{{ID: "full"}}}
		for off := 1; off <= 100; off++ {
			e.Tariffs = append(e.Tariffs, Tariff{ID: fmt.Sprint(off), Off: off})
		}
		if got, ok := e.PriceAs("a", "full"); !ok || got != full {
			t.Errorf("the full price of %d is %d, %v", full, got, ok)
		}
		for off := 1; off <= 100; off++ {
			exact := new(big.Rat).Mul(big.NewRat(full, 1), big.NewRat(int64(100-off), 100))
			up := exact.Add(exact, half) // rounded half up is the whole part of a half more
			want := new(big.Int).Quo(up.Num(), up.Denom())
			if got, ok := e.PriceAs("a", fmt.Sprint(off)); !ok || !want.IsInt64() || got != want.Int64() {
				t.Fatalf("%d at %d percent off is %d, %v, want %v", full, off, got, ok, want)
			}
		}
	}
}

func TestPriceAsOf(t *testing.T) {
	e := Event{
		Prices: map[string]int64{"a": 1000, "b": 500, "c": 0},
		Tariffs: []Tariff{
			{ID: "child", Prices: map[string]int64{"b": 0, "d": 7}}, {ID: "half", Off: 50}, {ID: "gala", Prices: map[string]int64{"a": 3000}},
		},
	}
	for _, test := range []struct {
		category, tariff string
		want             int64
		ok               bool
	}{
		{"a", "half", 500, true}, {"b", "half", 250, true}, {"c", "half", 0, true}, {"a", "gala", 3000, true}, {"b", "child", 0, true},
		{"a", "child", 0, false}, {"b", "gala", 0, false}, {"a", "", 0, false}, {"a", "none", 0, false},
		{"d", "child", 0, false}, {"d", "half", 0, false}, {"d", "", 0, false}, {"", "half", 0, false}, // which are not sold
	} {
		got, ok := e.PriceAs(test.category, test.tariff)
		if ok != test.ok || ok && got != test.want {
			t.Errorf("%q at %q: got %d, %v, want %d, %v", test.category, test.tariff, got, ok, test.want, test.ok)
		}
	}
	for category, want := range map[string]string{"a": "half gala", "b": "child half", "c": "half", "d": "", "": ""} {
		var ids []string
		for _, tariff := range e.TariffsOf(category) {
			ids = append(ids, tariff.ID)
		}
		first, _, _ := strings.Cut(want, " ")
		if got := strings.Join(ids, " "); got != want || e.DefaultTariff(category) != first {
			t.Errorf("%q can be had at %q, by default at %q, want %q", category, got, e.DefaultTariff(category), want)
		}
	}
	e.Tariffs = e.Tariffs[2:]
	if got, ok := e.PriceAs("b", ""); !ok || got != 500 {
		t.Errorf("a category without a tariff costs %d, %v", got, ok)
	}
	e.Tariffs = nil
	if got, ok := e.PriceAs("a", ""); !ok || got != 1000 {
		t.Errorf("without tariffs: got %d, %v", got, ok)
	}
}

// houseOfTariffs is an event with the tariffs of the tests below.
func houseOfTariffs() Event {
	return Event{Prices: map[string]int64{"a": 1000}, Tariffs: []Tariff{
		{ID: "full", Name: "Full"}, {ID: "child", Name: "Child", Off: 50, Most: 2}, {ID: "with", Name: "Companion", Off: 100, Beside: true}, {ID: "help", Name: "Helper", Off: 100, Beside: true},
	}}
}

// chosen reads seats as a row: each is a letter, f, c, w or h for its tariff, in
// capitals if it is accessible; a blank is a gap.
func chosen(row string) (seats []Chosen) {
	for i, letter := range row {
		at := func(i int) string { return fmt.Sprint("s", i) }
		tariff := map[rune]string{'f': "full", 'c': "child", 'w': "with", 'h': "help", 'n': ""}[letter|0x20]
		if letter == ' ' {
			continue
		}
		s := Chosen{Seat: at(i), Category: "a", Tariff: tariff, Accessible: letter < 'a'}
		for _, j := range []int{i - 1, i + 1} {
			if j >= 0 && j < len(row) && row[j] != ' ' {
				s.Beside = append(s.Beside, at(j))
			}
		}
		seats = append(seats, s)
	}
	return seats
}

func TestCheckTariffs(t *testing.T) {
	e := houseOfTariffs()
	for row, fault := range map[string]string{
		"": "", "f": "", "fff": "", "cc": "", "fcfc": "", "ccc": "Child is for 2", "c c c": "Child is for 2",
		"Fw": "", "wF": "", "w": "seat s0: Companion", "fw": "seat s1: Companion", "F w": "seat s2: Companion",
		"wFw": "seat s2: Companion", "wFFw": "", "FwF": "", "FwFw": "", "wFwF": "", "wFwFw": "seat s4: Companion", "wFwFfw": "seat s5: Companion",
		"W": "seat s0: Companion", "Ww": "Companion", "WF": "", "WW": "Companion", "FW": "",
		"Cw": "", "hFw": "", "Fh": "", "n": `seat s0 has no tariff ""`,
	} {
		for _, seats := range [][]Chosen{chosen(row), reversed(chosen(row))} {
			err := e.CheckTariffs(seats)
			if (err == nil) != (fault == "") || err != nil && !errors.Is(err, ErrTariff) {
				t.Errorf("%q: got %v, want %q", row, err, fault)
			}
		}
		if err := e.CheckTariffs(chosen(row)); err != nil && !strings.Contains(err.Error(), fault) {
			t.Errorf("%q: got %v, want %q", row, err, fault)
		}
	}
	other := []Chosen{{Seat: "s1", Category: "b", Tariff: "full"}}
	if err := e.CheckTariffs(other); !errors.Is(err, ErrTariff) || !strings.Contains(err.Error(), "s1") {
		t.Errorf("of a category that is not sold: got %v", err)
	}
	e.Tariffs = nil
	if err := e.CheckTariffs(chosen("nN")); err != nil {
		t.Errorf("without tariffs: got %v", err)
	}
}

func reversed(seats []Chosen) []Chosen {
	slices.Reverse(seats)
	return seats
}

// TestCheckTariffsAll compares with trying all ways to give accessible seats to
// companions, wherever seats are beside each other.
func TestCheckTariffsAll(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("the random source began with seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	e := houseOfTariffs()
	granted, refused := 0, 0
	for range 20000 {
		seats := make([]Chosen, 1+random.IntN(8))
		for i := range seats {
			seats[i] = Chosen{Seat: fmt.Sprint(i), Category: "a", Tariff: []string{"full", "with", "with"}[random.IntN(3)], Accessible: random.IntN(2) == 0}
			for j := range seats {
				if i != j && random.IntN(3) == 0 {
					seats[i].Beside = append(seats[i].Beside, fmt.Sprint(j))
				}
			}
		}
		var alone []string
		err, want := e.CheckTariffs(seats), companions(seats, 0, map[string]bool{})
		switch {
		case (err == nil) != want:
			t.Fatalf("%+v: got %v, want %v", seats, err, want)
		case want:
			granted++
			continue
		}
		for _, s := range seats {
			if s.Tariff == "with" && strings.Contains(err.Error(), "seat "+s.Seat+":") {
				alone = append(alone, s.Seat)
			}
		}
		if refused++; len(alone) != 1 {
			t.Fatalf("%+v: %v names %v, want one companion", seats, err, alone)
		}
	}
	if granted < 1000 || refused < 1000 {
		t.Errorf("granted %d and refused %d, want many of both", granted, refused)
	}
}

// companions reports whether the companions from i on can each have an
// accessible seat beside them that is not given.
func companions(seats []Chosen, i int, given map[string]bool) bool {
	if i == len(seats) {
		return true
	}
	if seats[i].Tariff != "with" {
		return companions(seats, i+1, given)
	}
	for _, a := range seats {
		if a.Accessible && a.Tariff != "with" && !given[a.Seat] && slices.Contains(seats[i].Beside, a.Seat) {
			given[a.Seat] = true
			if companions(seats, i+1, given) {
				return true
			}
			delete(given, a.Seat)
		}
	}
	return false
}

// TestSameTariffs has every field count.
func TestSameTariffs(t *testing.T) {
	all := []Tariff{{}, {ID: "a"}, {Name: "a"}, {Off: 1}, {Prices: map[string]int64{}}, {Prices: map[string]int64{"a": 0}}, {Prices: map[string]int64{"a": 1}}, {Most: 1}, {Beside: true}}
	for i, a := range all {
		for j, b := range all {
			if got := sameTariffs([]Tariff{a}, []Tariff{b}); got != (i == j) {
				t.Errorf("%+v and %+v are the same: %v", a, b, got)
			}
		}
	}
	if sameTariffs(all[:1], all[:2]) || sameTariffs(all[1:3], []Tariff{all[2], all[1]}) || !sameTariffs(nil, []Tariff{}) {
		t.Error("number or order does not count, or none are not the same as none")
	}
}

// TestUpdateClones has what a caller goes on changing not be the event's.
func TestUpdateClones(t *testing.T) {
	was := Event{ID: "e", Title: "E", Zone: "UTC", Currency: "EUR", Revision: 1}
	asked := was
	asked.Tariffs = []Tariff{{ID: "a", Name: "A", Prices: map[string]int64{"x": 1}}}
	next, err := was.update(asked)
	if err != nil || next.Revision != 2 {
		t.Fatalf("got %+v, %v", next, err)
	}
	asked.Tariffs[0].Name, asked.Tariffs[0].Prices["x"] = "B", 2
	if got := next.Tariffs[0]; got.Name != "A" || got.Prices["x"] != 1 {
		t.Errorf("got %+v", got)
	}
}
