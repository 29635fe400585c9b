package views

import (
	"testing"

	"golang.org/x/text/language"
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
		{123456789, "EUR", "€1,234,567.89"},
	} {
		if got := Price(c.minor, c.currency); got != c.want {
			t.Errorf("price(%d, %s) = %q, want %q", c.minor, c.currency, got, c.want)
		}
	}
	if got := In(language.English).amount(0, "EUR"); got != "€0" {
		t.Errorf("amount(0) = %q", got)
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
	} {
		if got := w.price(c.minor, c.currency); got != c.want {
			t.Errorf("price(%d, %s) = %q, want %q", c.minor, c.currency, got, c.want)
		}
	}
}
