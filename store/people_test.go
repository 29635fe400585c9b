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
