package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Tariff is a price level for a group of people: full, reduced, child.
type Tariff struct {
	// ID is unique in the event; Name is what people read.
	ID   string `json:"id"`
	Name string `json:"name"`
	// Off is the percentage off the price of a seat's category, 1 to 100; 0 is
	// none. Prices, by category id, replace Off and the category's price; if
	// there are any, other categories do not have the tariff.
	Off    int              `json:"off,omitempty"`
	Prices map[string]int64 `json:"prices,omitempty"`
	// Most is how many seats of one booking can have the tariff; 0 is any
	// number.
	Most int `json:"most,omitempty"`
	// Beside means that the tariff is only for a seat beside an accessible one
	// of the same booking: each accessible seat allows one.
	Beside bool `json:"beside,omitempty"`
}

// MaxTariffs is how many tariffs an event may have.
const MaxTariffs = 50

// ErrTariff: a seat is not available at this tariff; the text says why.
var ErrTariff = errors.New("tariff not to be had")

// NoTariff returns the ErrTariff of a seat that does not have this tariff.
func NoTariff(seat, tariff string) error {
	return fmt.Errorf("%w: seat %s has no tariff %q", ErrTariff, seat, tariff)
}

// PriceAs returns the price of a seat of the category at the tariff, in the
// smallest unit: whole percents are taken off per seat, and rounded half up. ok
// is false
// if the category has no price, or does not have the tariff.
//
// The tariff is "" if the event has none, or none for the category.
func (e Event) PriceAs(category, tariff string) (price int64, ok bool) {
	full, ok := e.Prices[category]
	if !ok {
		return 0, false
	}
	if tariff == "" {
		return full, len(e.TariffsOf(category)) == 0
	}
	t, ok := e.Tariff(tariff)
	if !ok {
		return 0, false
	}
	return t.price(category, full)
}

// price returns the price at the tariff for a category with this full price.
func (t Tariff) price(category string, full int64) (price int64, ok bool) {
	if t.Prices != nil {
		price, ok = t.Prices[category]
		return price, ok
	}
	left := int64(100 - t.Off)
	return full/100*left + (full%100*left+50)/100, true // without an overflow, whatever the price
}

// Tariff returns the tariff of this id.
func (e Event) Tariff(id string) (Tariff, bool) {
	i := slices.IndexFunc(e.Tariffs, func(t Tariff) bool { return t.ID == id })
	if i < 0 {
		return Tariff{}, false
	}
	return e.Tariffs[i], true
}

// TariffsOf returns the tariffs of the category, in the event's order. The
// first is the default.
func (e Event) TariffsOf(category string) (of []Tariff) {
	full, sold := e.Prices[category]
	for _, t := range e.Tariffs {
		if _, has := t.price(category, full); sold && has {
			of = append(of, t)
		}
	}
	return of
}

// DefaultTariff returns the id of the category's default tariff; "" if it has
// none.
func (e Event) DefaultTariff(category string) string {
	if of := e.TariffsOf(category); len(of) > 0 {
		return of[0].ID
	}
	return ""
}

// TariffError is an ErrTariff with the seat and the tariff: the tariff was
// chosen for TooMany seats, or no accessible seat is left beside the seat.
type TariffError struct {
	Seat    string
	Tariff  Tariff
	TooMany bool
}

func (e TariffError) Error() string {
	if e.TooMany {
		return fmt.Sprintf("%v: %s is for %d seats of a booking at most", ErrTariff, e.Tariff.Name, e.Tariff.Most)
	}
	return fmt.Sprintf("%v: seat %s: %s is for a seat beside an accessible one of the same booking, one for each", ErrTariff, e.Seat, e.Tariff.Name)
}

func (e TariffError) Unwrap() error { return ErrTariff }

// Chosen is a seat of a booking with the tariff that was chosen for it.
type Chosen struct {
	Seat, Category, Tariff string
	// Accessible means that it is a wheelchair place. Beside are the ids of the
	// seats next to it in its row.
	Accessible bool
	Beside     []string
}

// CheckTariffs returns an error for the first seat of a booking that cannot
// have its tariff, wrapping ErrTariff: a [TariffError], unless the seat's
// category does not have the tariff.
func (e Event) CheckTariffs(seats []Chosen) error {
	used := map[string]int{}
	for _, s := range seats {
		if _, ok := e.PriceAs(s.Category, s.Tariff); !ok {
			return NoTariff(s.Seat, s.Tariff)
		}
		used[s.Tariff]++
		if t, _ := e.Tariff(s.Tariff); t.Most > 0 && used[s.Tariff] > t.Most {
			return TariffError{Seat: s.Seat, Tariff: t, TooMany: true}
		}
	}
	return e.CheckBeside(seats)
}

// CheckBeside reports, as a [TariffError], the first seat of a booking whose tariff
// is for a seat beside an accessible one, and that has none.
func (e Event) CheckBeside(seats []Chosen) error {
	for _, t := range e.Tariffs {
		if alone, is := t.alone(seats); t.Beside && is {
			return TariffError{Seat: alone, Tariff: t}
		}
	}
	return nil
}

// alone returns a seat with the tariff for which no accessible seat is left.
// Accessible seats are assigned one by one; a seat that has a choice of two may
// be moved to the other for a later seat.
func (t Tariff) alone(seats []Chosen) (seat string, is bool) {
	given := map[string]int{} // accessible seats, by the index of who has one
	var give func(i int, tried map[string]bool) bool
	give = func(i int, tried map[string]bool) bool {
		for _, a := range seats {
			if !a.Accessible || a.Tariff == t.ID || tried[a.Seat] || !slices.Contains(seats[i].Beside, a.Seat) {
				continue
			}
			tried[a.Seat] = true
			if other, taken := given[a.Seat]; !taken || give(other, tried) {
				given[a.Seat] = i
				return true
			}
		}
		return false
	}
	for i, s := range seats {
		if s.Tariff == t.ID && !give(i, map[string]bool{}) {
			return s.Seat, true
		}
	}
	return "", false
}

// validateTariffs reports what no event may have.
func (e Event) validateTariffs() error {
	if len(e.Tariffs) > MaxTariffs {
		return fmt.Errorf("%w: %d tariffs: want at most %d", ErrInvalid, len(e.Tariffs), MaxTariffs)
	}
	for i, t := range e.Tariffs {
		err := t.validate()
		if earlier := slices.IndexFunc(e.Tariffs[:i], func(o Tariff) bool { return o.ID == t.ID }); err == nil && earlier >= 0 {
			err = errors.New("it stands twice")
		}
		if err != nil {
			return fmt.Errorf("%w: tariff %q: %w", ErrInvalid, t.ID, err)
		}
	}
	return nil
}

func (t Tariff) validate() error {
	switch {
	case !ValidID(t.ID):
		return errors.New("want an id of 1 to 64 of A-Z a-z 0-9 . _ -")
	case !ValidText(t.Name, MaxText):
		return fmt.Errorf("name: want 1 to %d printable characters", MaxText)
	case t.Off < 0 || t.Off > 100:
		return fmt.Errorf("%d percent off: want 1 to 100", t.Off)
	case t.Off > 0 && t.Prices != nil:
		return errors.New("it has a percentage and prices: want one of them")
	case t.Prices != nil && len(t.Prices) == 0:
		return errors.New("it has a price for no category")
	case t.Most < 0 || t.Most > MaxSeatsPerRequest:
		return fmt.Errorf("%d seats of a booking: want 1 to %d", t.Most, MaxSeatsPerRequest)
	}
	for _, category := range slices.Sorted(maps.Keys(t.Prices)) {
		if !validText(category) {
			return fmt.Errorf("price of category %q: want at most %d printable characters", category, MaxText)
		}
		if price := t.Prices[category]; price < 0 || price > MaxPrice {
			return fmt.Errorf("price of %q: %d: want 0 to %d of the currency's smallest unit", category, price, MaxPrice)
		}
	}
	return nil
}

// cloneTariffs returns a deep copy.
func cloneTariffs(tariffs []Tariff) []Tariff {
	tariffs = slices.Clone(tariffs)
	for i := range tariffs {
		tariffs[i].Prices = maps.Clone(tariffs[i].Prices)
	}
	return tariffs
}

func sameTariffs(a, b []Tariff) bool {
	return slices.EqualFunc(a, b, func(a, b Tariff) bool {
		return maps.Equal(a.Prices, b.Prices) && (a.Prices == nil) == (b.Prices == nil) &&
			a.ID == b.ID && a.Name == b.Name && a.Off == b.Off && a.Most == b.Most && a.Beside == b.Beside
	})
}
