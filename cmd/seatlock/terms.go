package main

import (
	"errors"
	"flag"
	"regexp"
	"strings"
	"time"

	"github.com/seatlock/seatlock/store"
)

// termFlags binds an event's rules for bookings to flags.
func termFlags(f *flag.FlagSet, t *store.Terms) {
	f.Var(&term{to: &t.CancelUntil, zero: store.AtStart, never: true, says: "24h"}, "cancel-until",
		"`DURATION` before the start until which visitors can cancel: 24h, or 24 for hours; 0 is the start itself; never; or default")
	f.Var(&term{to: &t.PayWithin, says: "48h"}, "pay-within",
		"`DURATION` within which a reservation is to be paid, at least 15m; or default")
	f.Var(&term{to: &t.PayUntil, zero: store.AtStart, says: "1h"}, "pay-until",
		"`DURATION` before the start until which reservations can be paid at the latest; 0 is the start itself; or default")
}

// term is one of those rules.
type term struct {
	to    *time.Duration
	zero  time.Duration // how 0 is stored; 0 if 0 is not allowed
	never bool          // whether never is allowed
	says  string        // what the default is
}

const wantsTerm = "a duration such as 48h or 90m, a number of hours up to 8784, or default"

// leastToPay is the time that visitors have to pay in any case; a shorter term
// would have no effect.
func leastToPay() time.Duration { return store.DefaultPayRules(0).AtDoor }

var hours = regexp.MustCompile(`^\d+(\.\d+)?$`)

// Set implements flag.Value.
func (t *term) Set(text string) error {
	switch {
	case text == "default":
		*t.to = 0
		return nil
	case text == "never" && t.never:
		*t.to = store.Never
		return nil
	case hours.MatchString(text):
		text += "h"
	}
	d, err := time.ParseDuration(text)
	if err == nil && d == 0 && t.zero > 0 {
		*t.to = t.zero
		return nil
	}
	switch {
	case err != nil, d <= 0, d > store.MaxTerm, d%time.Millisecond != 0, d < leastToPay() && t.zero == 0:
		return errors.New("want " + t.wants())
	}
	*t.to = d
	return nil
}

func (t *term) wants() string {
	switch {
	case t.never:
		return wantsTerm + ", or never"
	case t.zero == 0:
		return wantsTerm + ", and at least " + sayDuration(leastToPay())
	}
	return wantsTerm
}

// String implements flag.Value.
func (t *term) String() string { return t.says }

// termLine is one of an event's rules for bookings, as people read it.
type termLine struct {
	what, is string
	own      bool // and not the default
}

func sayTerms(t store.Terms) []termLine {
	or := t.OrDefault()
	lines := []termLine{
		{"cancel until", sayBefore(or.CancelUntil), t.CancelUntil != 0},
		{"pay within", sayDuration(or.PayWithin), t.PayWithin != 0},
		{"pay until", sayBefore(or.PayUntil), t.PayUntil != 0},
	}
	for i := range lines {
		if !lines[i].own {
			lines[i].is += " (default)"
		}
	}
	return lines
}

func sayBefore(d time.Duration) string {
	switch d {
	case store.Never:
		return "never"
	case store.AtStart:
		return "the start"
	}
	return sayDuration(d) + " before the start"
}

// sayDuration leaves out what is zero: 48h, 1h30m.
func sayDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
