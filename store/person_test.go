package store

import (
	"errors"
	"strings"
	"testing"
)

func TestPersonName(t *testing.T) {
	for name, fault := range map[string]bool{
		"Anna Adler": false, "Σωκράτης Παπαδόπουλος": false, "王小明": false, "محمد بن سلمان": false, "Nguyễn Thị Minh Khai": false,
		"D’Artagnan-O'Neill": false, "אברהם": false, "नरेंद्र": false, "X": false, "Zoë 🎻": false, "María José, Jr.": false,
		strings.Repeat("ж", MaxName): false, " Anna ": false,
		"": true, " ": true, "\u00a0\u2003": true, "\u200b": true, "\u2060\u200d": true, "\u3164": true, "\u2800": true, "\ufeff": true, "N\u200bx": true, "N\u00adx": true, "x\u2060y\ufeff": true,
		"Anna\nAdler": true, "Anna\r\nBcc: x@example.org": true, "Anna\tAdler": true, "Anna\x00": true, "Anna\x1b[31m": true, "Anna\u0085": true,
		"Anna\u2028Adler": true, "Anna\u2029": true, "Anna\u202eAdler": true, "\u2066Anna\u2069": true, "Anna\xff": true,
		strings.Repeat("x", MaxName+1): true, strings.Repeat("x", 10<<10): true, "Z" + strings.Repeat("\u0301", 20): true,
	} {
		got, email, phone := Person{Name: name, Email: "anna@example.org"}.Faults()
		if got != fault || email || phone {
			t.Errorf("%.40q: faults %v, %v, %v, want %v alone", name, got, email, phone, fault)
		}
	}
}

func TestPersonEmail(t *testing.T) {
	long := strings.Repeat("x", 64) + "@" + strings.Repeat(strings.Repeat("y", 60)+".", 3) + "org"
	for address, fault := range map[string]bool{
		"anna@example.org": false, "a.b+tickets@sub.example.co.uk": false, "o'neill@example.org": false, "ANNA@EXAMPLE.ORG": false,
		"δοκιμή@παράδειγμα.δοκιμή": false, "名前@例え.jp": false, "संपर्क@डाटामेल.भारत": false, "a_b-c=d@x-y.example": false, long: false,
		"": true, "anna": true, "anna@": true, "@example.org": true, "anna@localhost": true, "anna@example.": true, "anna@.org": true,
		"anna@example..org": true, "anna..b@example.org": true, "anna@exa mple.org": true, "an na@example.org": true, " anna@example.org": true,
		"anna@example.org ": true, "Anna <anna@example.org>": true, "<anna@example.org>": true, "anna@example.org, bert@example.org": true,
		"anna@bert@example.org": true, `"anna@bert"@example.org`: true, `"an na"@example.org`: true, "anna(hi)@example.org": true,
		"anna@[127.0.0.1]": true, "anna@example.org\nBcc: all@example.org": true, "anna\r@example.org": true, "anna\x00@example.org": true,
		"an\u200bna@example.org": true, "anna@exam\u200dple.org": true, "anna\u00a0@example.org": true, "anna@\u202eexample.org": true,
		"anna@exa\u3164mple.org": true, "anna@example.org\xff": true, "mailto:anna@example.org": true,
		strings.Repeat("x", 10<<10) + "@example.org": true, "anna@" + strings.Repeat("x.", 200) + "org": true,
	} {
		name, got, phone := Person{Name: "Anna", Email: address}.Faults()
		if got != fault || name || phone {
			t.Errorf("%.60q: faults %v, %v, %v, want %v alone", address, name, got, phone, fault)
		}
	}
}

func TestPersonPhone(t *testing.T) {
	for phone, fault := range map[string]bool{
		"": false, "+43 1 234-56/78": false, "(01) 234.56": false, strings.Repeat("1", MaxPhone): false,
		strings.Repeat("1", MaxPhone+1): true, strings.Repeat("1", 10<<10): true, "call me": true, "1\n2": true, "１２": true, "+43\u200b1": true, "1;2": true,
	} {
		name, email, got := Person{Name: "Anna", Email: "anna@example.org", Phone: phone}.Faults()
		if got != fault || name || email {
			t.Errorf("%.40q: faults %v, %v, %v, want %v alone", phone, name, email, got, fault)
		}
	}
}

// TestPersonValidate has an error name the field, and nothing of what is in it.
func TestPersonValidate(t *testing.T) {
	for field, p := range map[string]Person{
		"name": {Name: "secret\n", Email: "anna@example.org"}, "e-mail": {Name: "Anna", Email: "secret"}, "phone": {Name: "Anna", Email: "anna@example.org", Phone: "secret"},
	} {
		err := p.Validate()
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), field) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v", field, err)
		}
	}
	if err := (Person{Name: "Anna", Email: "anna@example.org", Phone: "1"}).Validate(); err != nil {
		t.Error(err)
	}
}
