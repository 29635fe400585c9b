package store

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Person is the personal data of a booking, in its own record of the kind
// [PersonRecord], whose id is the booking's code.
type Person struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	Phone string `json:"phone,omitempty"`
}

// Limits on a person's data: characters, but for an e-mail address bytes, as
// RFC 5321 has it.
const (
	MaxName  = 100
	MaxEmail = 254
	MaxPhone = 40
)

var (
	errName  = errors.New("name: want 1 to 100 characters that can be seen")
	errEmail = errors.New("e-mail: want an address such as name@example.org")
	errPhone = errors.New("phone: want up to 40 digits, and no more than spaces and +()-./ between")
)

// Faults says which of the fields are invalid.
func (p Person) Faults() (name, email, phone bool) {
	name = !ValidText(p.Name, MaxName) || CheckText(p.Name) != nil || strings.ContainsFunc(p.Name, isFormat)
	phone = utf8.RuneCountInString(p.Phone) > MaxPhone || strings.Trim(p.Phone, "0123456789 +()-/.") != ""
	return name, !validEmail(p.Email), phone
}

// isFormat reports whether a character is invisible and not one of the two
// joiners that names need.
func isFormat(r rune) bool { return unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d' }

// validEmail reports whether an address is one of RFC 5322 that is written as
// people write it, at a domain, and nothing in it is invisible.
func validEmail(address string) bool {
	parsed, err := mail.ParseAddress(address)
	if err != nil || len(address) > MaxEmail || parsed.Address != address || !printable(address) {
		return false
	}
	_, domain, _ := strings.Cut(address, "@")
	unseen := func(r rune) bool { return !visible(r) && !unicode.IsMark(r) }
	return strings.Contains(strings.Trim(domain, "."), ".") && !strings.ContainsAny(domain, "@[") && !strings.ContainsFunc(address, unseen)
}

// Validate reports the first invalid field, wrapping ErrInvalid, without its
// contents.
func (p Person) Validate() error { return p.validate(true) }

func (p Person) validate(withEmail bool) error {
	name, email, phone := p.Faults()
	switch {
	case name:
		return fmt.Errorf("%w: %w", ErrInvalid, errName)
	case email && withEmail:
		return fmt.Errorf("%w: %w", ErrInvalid, errEmail)
	case phone:
		return fmt.Errorf("%w: %w", ErrInvalid, errPhone)
	}
	return nil
}
