package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/seatlock/seatlock/store"
)

const wantAmount = "want an amount such as 45.00, or a whole number of the currency's smallest unit, such as 4500"

// DecimalPrice is a price with decimals, as the file has it, such as 28.50.
type DecimalPrice struct {
	store.Amount
	where string // it stands in the file
}

func (p DecimalPrice) String() string { return store.FormatUnits(p.Digits, p.Decimals) }

// price records a category's price in the file; nil is none.
func (f *File) price(where locator, category string, said *store.Amount) {
	switch {
	case said == nil:
	case said.Decimals == 0:
		f.Prices[category] = said.Digits
	default:
		if f.Decimal == nil {
			f.Decimal = map[string]DecimalPrice{}
		}
		f.Decimal[category] = DecimalPrice{*said, where("price")}
	}
}

// PricesIn returns all prices in minor units of a currency. mixed reports that
// the file has some as whole numbers, which are minor units, and some with
// decimals: its author may have meant one unit. A price with more decimals than
// the currency has is an error.
func (f File) PricesIn(currency string) (prices map[string]int64, mixed bool, err error) {
	decimals, _ := store.CurrencyDecimals(currency)
	prices = map[string]int64{}
	for category, units := range f.Prices {
		prices[category] = units
		mixed = mixed || units != 0 && len(f.Decimal) > 0
	}
	for _, category := range slices.Sorted(maps.Keys(f.Decimal)) {
		said := f.Decimal[category]
		units, ok := said.In(decimals)
		if !ok {
			return nil, false, fmt.Errorf("%s: %s: %s has %s", said.where, said, currency, sayDecimals(decimals))
		}
		prices[category] = units
	}
	return prices, mixed, nil
}

func sayDecimals(n int) string {
	if n == 0 {
		return "no decimals"
	}
	return fmt.Sprintf("%d decimals", n)
}
