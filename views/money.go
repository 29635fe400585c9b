package views

import (
	"math"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/number"

	"github.com/seatlock/seatlock/store"
)

// symbol returns the sign of a currency. Only signs that mean one currency
// everywhere are used; the others are told by their code.
func symbol(currency string) string {
	switch currency {
	case "EUR":
		return "€"
	case "GBP":
		return "£"
	case "USD":
		return "$"
	case "JPY":
		return "¥"
	case "INR":
		return "₹"
	case "KRW":
		return "₩"
	case "ILS":
		return "₪"
	}
	return currency
}

// Price returns an amount of minor units as English pages write it.
func Price(minor int64, currency string) string { return In(language.English).price(minor, currency) }

// price says minor units to people: "€28", "€28.50", "¥12,000", "free".
func (w Words) price(minor int64, currency string) string {
	if minor == 0 {
		return w.Say("free")
	}
	return w.amount(minor, currency)
}

// FullPrice is Price with all decimals, and for nothing "€0.00".
func FullPrice(minor int64, currency string) string {
	return In(language.English).money(minor, currency, true)
}

// amount is price, but for sums: nothing is "€0".
func (w Words) amount(minor int64, currency string) string { return w.money(minor, currency, false) }

// money says minor units, without decimals if they are whole, unless all are
// wanted. It is exact: a float64 has not the digits of every amount.
func (w Words) money(minor int64, currency string, full bool) string {
	scale, _ := store.CurrencyDecimals(currency)
	unit := int64(math.Pow10(scale))
	sum := w.printer.Sprint(number.Decimal(minor / unit))
	if minor%unit != 0 || full && scale > 0 {
		rest := w.printer.Sprint(number.Decimal(float64(minor%unit)/float64(unit), number.Scale(scale)))
		sum += strings.TrimPrefix(rest, "0")
	}
	sign := symbol(currency)
	if sign == currency {
		return w.Say("%[1]s\u00a0%[2]s", sign, sum)
	}
	return w.Say("%[1]s%[2]s", sign, sum)
}
