package views

import (
	"math"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/number"
)

// Currencies whose minor unit is not a hundredth, by ISO 4217.
const (
	wholeCurrencies    = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
	thousandCurrencies = "BHD IQD JOD KWD LYD OMR TND"
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

func exponent(currency string) int {
	switch {
	case strings.Contains(wholeCurrencies, currency):
		return 0
	case strings.Contains(thousandCurrencies, currency):
		return 3
	}
	return 2
}

// Price says an amount of minor units as English pages do.
func Price(minor int64, currency string) string { return In(language.English).price(minor, currency) }

// price says minor units to people: "€28", "€28.50", "¥12,000", "free".
func (w Words) price(minor int64, currency string) string {
	if minor == 0 {
		return w.Say("free")
	}
	return w.amount(minor, currency)
}

// amount is price, but for sums: nothing is "€0".
func (w Words) amount(minor int64, currency string) string {
	scale, sign := exponent(currency), symbol(currency)
	unit := int64(math.Pow10(scale))
	sum := number.Decimal(minor / unit)
	if minor%unit != 0 {
		sum = number.Decimal(float64(minor)/float64(unit), number.Scale(scale))
	}
	if sign == currency {
		return w.Say("%[1]s\u00a0%[2]s", sign, w.printer.Sprint(sum))
	}
	return w.Say("%[1]s%[2]s", sign, w.printer.Sprint(sum))
}
