package views

import (
	"math"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/language"

	"github.com/seatlock/seatlock/store"
)

func TestBilling(t *testing.T) {
	e := smallEvent()
	for _, c := range []struct {
		prices map[string]int64
		want   string
		onSale bool
	}{
		{map[string]int64{"front": 2800, "rear": 2250}, "€22.50 to €28", true},
		{map[string]int64{"front": 2800}, "€28", true},
		{map[string]int64{"front": 2800, "rear": 0}, "free to €28", true},
		{map[string]int64{"front": 0}, "free", true},
		{nil, "not for sale", false},
	} {
		e.Prices = c.prices
		b, err := NewBilling(e, In(language.English))
		if err != nil || b.says(b.costs) != c.want || b.OnSale(now) != c.onSale || (b.Sales(now) == "") != c.onSale {
			t.Errorf("%v is said as %q, on sale %v, %q, %v", c.prices, b.says(b.costs), b.OnSale(now), b.Sales(now), err)
		}
		// What its page says is the same.
		if h := newHall(t, e, smallPlan()); h.says(h.costs) != c.want {
			t.Errorf("the page says %q of %v", h.says(h.costs), c.prices)
		}
	}
	e.Zone = "Mars/Olympus"
	if _, err := NewBilling(e, In(language.English)); err == nil {
		t.Error("a zone that is none is none")
	}
}

// A category without a price is not for sale: no price counts it, no form
// offers it, and its free seats are like withheld ones.
func TestCategoryWithoutPrice(t *testing.T) {
	e := smallEvent()
	e.Prices = map[string]int64{"rear": 0}
	v := eventView(t)
	h := newHall(t, e, smallPlan())
	v.Page = eventPage(h)
	page := render(t, EventPage(v))
	for _, want := range []string{
		`id="seat-A1" class="withheld" data-v="1" aria-pressed="false" aria-label="Row A seat 1, Stalls, not for sale" aria-disabled="true">`,
		`id="seat-A2" class="locked mine"`, `id="seat-A3" class="booked" data-v="2" aria-pressed="false" aria-label="Row A seat 3, Stalls, restricted view, sold"`,
		`id="seat-B1" class="available"`, `<span>free</span>`, `<b>not for sale</b>`, `<option value="rear">`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if strings.Contains(page, `<option value="front">`) {
		t.Error("the form offers what is not for sale")
	}
	for id, want := range map[string]store.Status{"A1": store.Withheld, "B1": store.Available, "none": store.Withheld} {
		if got := h.Status(store.Seat{ID: id}); got != want {
			t.Errorf("%s counts as %v, want %v", id, got, want)
		}
	}
	if got := h.Status(store.Seat{ID: "A1", Status: store.Locked}); got != store.Locked {
		t.Errorf("a locked seat counts as %v", got)
	}
}

// Prices of before may be larger than any sum that can be kept.
func TestSumOfHugePrices(t *testing.T) {
	e := smallEvent()
	e.Prices["front"] = math.MaxInt64
	h := newHall(t, e, smallPlan())
	held := func(ids ...string) (b Basket) {
		b.Now, b.Lock.Deadline = now, now.Add(time.Minute)
		for _, id := range ids {
			b.Lock.Seats = append(b.Lock.Seats, store.Seat{ID: id, Status: store.Locked})
		}
		return b
	}
	one, two := h.basket(held("A1")).total, h.basket(held("A1", "A2")).total
	if two != "more than "+one || strings.Contains(two, "-") {
		t.Errorf("one seat is %s, two are %s", one, two)
	}
}
