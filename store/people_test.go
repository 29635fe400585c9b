package store

import (
	"strings"
	"testing"
)

func TestNormalEmail(t *testing.T) {
	for address, want := range map[string]string{
		"anna@example.org": "anna@example.org", "Anna.Adler@Example.ORG": "anna.adler@example.org", " \tanna@example.org\r\n": "anna@example.org",
		"ΔΟΚΙΜΉ@Παράδειγμα.δοκιμή": "δοκιμή@παράδειγμα.δοκιμή", "ANNA+Tickets@example.org": "anna+tickets@example.org", "": "", "\u00a0a@b.c": "a@b.c",
	} {
		if got := NormalEmail(address); got != want {
			t.Errorf("%q is found by %q, want %q", address, got, want)
		}
		if once := NormalEmail(address); NormalEmail(once) != once {
			t.Errorf("%q is found by %q, and that by %q", address, once, NormalEmail(once))
		}
	}
}

// TestEmailIndex tells nothing of the address, and fits an index however long
// that is.
func TestEmailIndex(t *testing.T) {
	seen := map[string]string{}
	for _, address := range []string{"anna@example.org", "anna@example.or", "bert@example.org", strings.Repeat("ж", MaxEmail)} {
		value := emailIndex(address)
		if len(value) != 64 || strings.Trim(value, "0123456789abcdef") != "" || seen[value] != "" {
			t.Errorf("%q has the value %q, as has %q", address, value, seen[value])
		}
		seen[value] = address
		if other := emailIndex(" " + strings.ToUpper(address)); other != value {
			t.Errorf("%q in capitals has another value", address)
		}
	}
}

// TestUnsettled says what a booking waits for, and of none that it is not paid
// while it may be.
func TestUnsettled(t *testing.T) {
	for _, test := range []struct {
		state   BookingState
		attempt Attempt
		want    string
	}{
		{BookingReserved, Attempt{}, "it is reserved, and not paid"},
		{BookingPaying, Attempt{State: AttemptStarted, Version: 1}, "its payment is still open"},
		{BookingLapsed, Attempt{State: AttemptStarted, Version: 1}, "its payment is still open"},
		{BookingLapsed, Attempt{State: AttemptDead, Version: 1}, ""},
		{BookingCancelled, Attempt{State: AttemptStarted, Version: 1}, ""},
	} {
		v := bookingView{View: View{Records: make([]Record, 2)}, booking: Booking{State: test.state}, attempt: test.attempt}
		if got := v.unsettled(0); got != test.want {
			t.Errorf("%s with its attempt %s waits since %q, want %q", test.state, test.attempt.State, got, test.want)
		}
	}
}
