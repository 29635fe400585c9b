package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/seatlock/seatlock/store"
)

const wantAmount = "want an amount such as 45.00, or a whole number of the currency's smallest unit, such as 4500"

// DecimalPrice is a price as a file has it, such as 28.50.
type DecimalPrice struct {
	store.Amount
	where string // in the file
}

func (p DecimalPrice) String() string { return store.FormatUnits(p.Digits, p.Decimals) }

// price keeps what the file says that a category costs; nil is nothing.
func (f *File) price(where place, category string, said *store.Amount) {
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

// PricesIn returns all prices as integer minor units of a currency. mixed tells
// that some of them are whole numbers in the file, and so minor units, and
// others not: whoever wrote it may have meant one thing.
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
