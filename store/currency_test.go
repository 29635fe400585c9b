package store

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestCurrencyDecimals(t *testing.T) {
	for code, want := range map[string]int{
		"EUR": 2, "USD": 2, "CHF": 2, "MGA": 2, "XCG": 2, "SLE": 2, "ZWG": 2, "JPY": 0, "KRW": 0, "ISK": 0, "CLP": 0, "UGX": 0, "XOF": 0, "XPF": 0,
		"BHD": 3, "KWD": 3, "TND": 3, "IQD": 3,
	} {
		if got, ok := CurrencyDecimals(code); got != want || !ok {
			t.Errorf("%s: %d, %t; want %d", code, got, ok, want)
		}
	}
	for _, code := range []string{
		"", " ", "EU", "EURO", "eur", "EUR ", "R EU", "UR ", "BTC", "XXX", "XTS", "XAU", "XAG", "XPT", "XPD", "XDR", "XUA", "XSU",
		"CLF", "UYW", "UYI", "CHE", "CHW", "COU", "MXV", "BOV", "USN", "DEM", "HRK", "BGN", "VEF", "ZWL", "ANG", "SLL", "CUC",
	} {
		if got, ok := CurrencyDecimals(code); ok {
			t.Errorf("%q is a currency of %d decimals", code, got)
		}
	}
	all := strings.Fields(currencies0 + " " + currencies2 + " " + currencies3)
	for _, code := range all {
		if _, ok := CurrencyDecimals(code); !ok || len(code) != 3 {
			t.Errorf("%s is none", code)
		}
	}
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != 155 {
		t.Errorf("%d currencies, want 155", n)
	}
}

func TestAmount(t *testing.T) {
	for _, c := range []struct {
		text     string
		decimals int // of the currency
		want     int64
		ok       bool
	}{
		{"50.00", 2, 5000, true}, {"50,00", 2, 5000, true}, {"0.05", 2, 5, true}, {"00.50", 2, 50, true}, {"28.5", 2, 2850, true},
		{"28", 2, 2800, true}, {"0", 2, 0, true}, {"-1.50", 2, -150, true}, {"+3.00", 2, 300, true},
		{"5000", 0, 5000, true}, {"5000.0", 0, 0, false}, {"1.500", 3, 1500, true}, {"1,5", 3, 1500, true}, {"1.5000", 3, 0, false}, {"28.005", 2, 0, false},
		{"92233720368547758.07", 2, math.MaxInt64, true}, {"92233720368547758.08", 2, 0, false}, {"92233720368547759", 2, 0, false},
		{"-92233720368547759", 2, 0, false}, {"9223372036854775807", 0, math.MaxInt64, true}, {"9223372036854775808", 0, 0, false},
	} {
		a, parsed := ParseAmount(c.text)
		got, ok := a.In(c.decimals)
		if ok = ok && parsed; ok != c.ok || ok && got != c.want {
			t.Errorf("%s with %d decimals: %d, %t; want %d, %t", c.text, c.decimals, got, ok, c.want, c.ok)
		}
	}
	for _, text := range []string{"", ".", ",", ".50", ",50", "-.50", "50.", "50,", "1.234,56", "1,234.56", "1'234", "1 234", "1e3", "0x1", "1_000", "٥٠", "NaN", "--1", "+-1", "5.-1", "€5"} {
		if a, ok := ParseAmount(text); ok {
			t.Errorf("%q is %+v", text, a)
		}
	}
}

func TestFormatUnits(t *testing.T) {
	for _, c := range []struct {
		units    int64
		decimals int
		want     string
	}{
		{5000, 2, "50.00"}, {5, 2, "0.05"}, {0, 2, "0.00"}, {-5, 2, "-0.05"}, {5000, 0, "5000"}, {0, 0, "0"}, {1500, 3, "1.500"}, {-1500, 3, "-1.500"}, {1, 3, "0.001"},
		{math.MaxInt64, 2, "92233720368547758.07"}, {math.MinInt64, 2, "-92233720368547758.08"},
	} {
		if got := FormatUnits(c.units, c.decimals); got != c.want {
			t.Errorf("%d with %d decimals is %q, want %q", c.units, c.decimals, got, c.want)
		}
	}
}
