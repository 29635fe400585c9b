package store

import (
	"math"
	"strconv"
	"strings"
)

// MaxPrice bounds a new price, in the smallest unit of its currency: an int64
// holds the sum for all seats of the largest hall.
const MaxPrice int64 = 1_000_000_000_000

// The active currencies of ISO 4217, as of 2026, by the decimals of their
// smallest unit. Codes that nobody pays with are not among them: those of funds
// and units of account (CLF, XDR), of metals (XAU), of tests (XTS) and of no
// currency (XXX).
const (
	currencies0 = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
	currencies2 = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD " +
		"CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD " +
		"HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN " +
		"NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL " +
		"THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
	currencies3 = "BHD IQD JOD KWD LYD OMR TND"
)

// CurrencyDecimals returns how many decimals an amount of the currency has: 2
// for EUR, 0 for JPY, 3 for BHD. ok is false if it is not an active currency of
// ISO 4217. Older events may have such a code: their amounts have two decimals.
func CurrencyDecimals(code string) (decimals int, ok bool) {
	for decimals, codes := range map[int]string{0: currencies0, 2: currencies2, 3: currencies3} {
		if len(code) == 3 && strings.Contains(" "+codes+" ", " "+code+" ") {
			return decimals, true
		}
	}
	return 2, false
}

// Amount is a number as somebody wrote it: 28.50 is 2850 with 2 decimals.
type Amount struct {
	Digits   int64
	Decimals int
}

// ParseAmount reads digits, with decimals after a point or a comma if there are
// any. A sign may precede them; there are no separators of thousands.
func ParseAmount(text string) (a Amount, ok bool) {
	whole, decimals := text, ""
	if i := strings.IndexAny(text, ".,"); i >= 0 {
		whole, decimals = text[:i], text[i+1:]
		if strings.Trim(decimals, "0123456789") != "" || decimals == "" || strings.Trim(whole, "+-") == "" {
			return Amount{}, false
		}
	}
	digits, err := strconv.ParseInt(whole+decimals, 10, 64)
	return Amount{digits, len(decimals)}, err == nil
}

// In returns the amount in a unit of which there are 10^decimals in the one that
// it was written in. ok is false if that is no whole number, or too large.
func (a Amount) In(decimals int) (units int64, ok bool) {
	units = a.Digits
	for range decimals - a.Decimals {
		if units > math.MaxInt64/10 || units < math.MinInt64/10 {
			return 0, false
		}
		units *= 10
	}
	return units, decimals >= a.Decimals
}

// FormatUnits writes units as a plain number with decimals, as people write it
// into a file: 2850 with 2 decimals is 28.50.
func FormatUnits(units int64, decimals int) string {
	text, sign := strconv.FormatInt(units, 10), ""
	if units < 0 {
		text, sign = text[1:], "-"
	}
	if decimals == 0 {
		return sign + text
	}
	if short := decimals + 1 - len(text); short > 0 {
		text = strings.Repeat("0", short) + text
	}
	return sign + text[:len(text)-decimals] + "." + text[len(text)-decimals:]
}
