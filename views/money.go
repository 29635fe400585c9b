package views

import (
	"strconv"
	"strings"
)

// Currencies whose minor unit is not a hundredth, by ISO 4217.
const (
	wholeCurrencies    = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
	thousandCurrencies = "BHD IQD JOD KWD LYD OMR TND"
)

// symbol returns what stands before an amount. Only symbols that mean one
// currency everywhere are used; the others are told by their code.
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
	return currency + "\u00a0"
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

// Price says an amount of minor units as pages do.
func Price(minor int64, currency string) string { return price(minor, currency) }

// price formats minor units for people: "€28", "€28.50", "¥12,000", "free".
func price(minor int64, currency string) string {
	if minor == 0 {
		return "free"
	}
	return amount(minor, currency)
}

// amount is price, but for sums: nothing is "€0".
func amount(minor int64, currency string) string {
	digits := strconv.FormatInt(minor, 10)
	e := exponent(currency)
	if short := e + 1 - len(digits); short > 0 {
		digits = strings.Repeat("0", short) + digits
	}
	whole, part := digits[:len(digits)-e], digits[len(digits)-e:]
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if strings.Trim(part, "0") != "" {
		whole += "." + part
	}
	return symbol(currency) + whole
}
