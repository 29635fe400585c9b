package views

import (
	"math"
	"testing"

	"golang.org/x/text/language"

	"github.com/seatlock/seatlock/store"
)

func TestPrice(t *testing.T) {
	for _, c := range []struct {
		minor    int64
		currency string
		want     string
	}{
		{2800, "EUR", "€28"}, {2850, "EUR", "€28.50"}, {5, "EUR", "€0.05"}, {0, "EUR", "free"},
		{1200000, "USD", "$12,000"}, {999, "GBP", "£9.99"}, {100, "JPY", "¥100"}, {12000, "JPY", "¥12,000"},
		{1500, "KWD", "KWD\u00a01.500"}, {2000, "KWD", "KWD\u00a02"}, {2800, "CHF", "CHF\u00a028"},
		{123456789, "EUR", "€1,234,567.89"}, {50000, "UYI", "UYI\u00a0500"}, {100, "BTC", "BTC\u00a01"}, {5000, "CLP", "CLP\u00a05,000"},
		{store.MaxPrice - 1, "EUR", "€9,999,999,999.99"}, {math.MaxInt64, "EUR", "€92,233,720,368,547,758.07"}, {math.MaxInt64, "JPY", "¥9,223,372,036,854,775,807"},
		{9_007_199_254_740_993, "USD", "$90,071,992,547,409.93"}, {math.MaxInt64, "KWD", "KWD\u00a09,223,372,036,854,775.807"},
	} {
		if got := Price(c.minor, c.currency); got != c.want {
			t.Errorf("price(%d, %s) = %q, want %q", c.minor, c.currency, got, c.want)
		}
	}
	if got := In(language.English).amount(0, "EUR"); got != "€0" {
		t.Errorf("amount(0) = %q", got)
	}
	for _, c := range []struct {
		minor    int64
		currency string
		want     string
	}{{5000, "EUR", "€50.00"}, {50, "EUR", "€0.50"}, {0, "EUR", "€0.00"}, {5000, "JPY", "¥5,000"}, {1500, "BHD", "BHD\u00a01.500"}, {123456700, "GBP", "£1,234,567.00"}} {
		if got := FullPrice(c.minor, c.currency); got != c.want {
			t.Errorf("FullPrice(%d, %s) = %q, want %q", c.minor, c.currency, got, c.want)
		}
	}
}

func TestGermanMoney(t *testing.T) {
	w := In(language.German)
	for _, c := range []struct {
		minor    int64
		currency string
		want     string
	}{
		{4500, "EUR", "45\u00a0€"}, {4550, "EUR", "45,50\u00a0€"}, {5, "EUR", "0,05\u00a0€"}, {0, "EUR", "kostenlos"},
		{1200000, "USD", "12.000\u00a0$"}, {12000, "JPY", "12.000\u00a0¥"}, {1500, "KWD", "1,500\u00a0KWD"},
		{2800, "CHF", "28\u00a0CHF"}, {123456789, "EUR", "1.234.567,89\u00a0€"},
		{math.MaxInt64, "EUR", "92.233.720.368.547.758,07\u00a0€"}, {math.MaxInt64 - 800, "EUR", "92.233.720.368.547.750,07\u00a0€"}, {110, "EUR", "1,10\u00a0€"},
	} {
		if got := w.price(c.minor, c.currency); got != c.want {
			t.Errorf("price(%d, %s) = %q, want %q", c.minor, c.currency, got, c.want)
		}
	}
}
