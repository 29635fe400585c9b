package store

import (
	"errors"
	"testing"
	"time"
)

func TestPayRulesDeadline(t *testing.T) {
	for _, test := range []struct {
		name           string
		rules          PayRules
		locked, paying time.Duration // before now, after now
	}{
		{"fresh", DefaultPayRules(0), 0, 15 * time.Minute},
		{"after ten minutes", DefaultPayRules(10 * time.Minute), 10 * time.Minute, 15 * time.Minute},
		{"after exactly as long as the window leaves", DefaultPayRules(0), 15 * time.Minute, 15 * time.Minute},
		{"bounded by the total", DefaultPayRules(0), 20 * time.Minute, 10 * time.Minute},
		{"two minutes are left", DefaultPayRules(0), 28 * time.Minute, 2 * time.Minute},
		{"two minutes in any case", DefaultPayRules(0), 29 * time.Minute, 2 * time.Minute},
		{"also much later", DefaultPayRules(0), 5 * time.Hour, 2 * time.Minute},
		{"locks that run longer", DefaultPayRules(time.Hour), 40 * time.Minute, 15 * time.Minute},
		{"locks that run longer, at the end", DefaultPayRules(time.Hour), 55 * time.Minute, 5 * time.Minute},
		{"other rules", PayRules{Window: time.Second, Total: 3 * time.Second, Least: 100 * time.Millisecond}, 2500 * time.Millisecond, 500 * time.Millisecond},
		{"whole milliseconds", PayRules{Window: 1500 * time.Microsecond, Total: time.Hour, Least: time.Millisecond}, 0, time.Millisecond},
	} {
		if got := test.rules.Deadline(noon, noon.Add(-test.locked)); !got.Equal(noon.Add(test.paying)) {
			t.Errorf("%s: pay until %v from now, want %v", test.name, got.Sub(noon), test.paying)
		}
	}
}

func TestTermsOrDefault(t *testing.T) {
	if got, want := (Terms{}).OrDefault(), (Terms{CancelUntil: 24 * time.Hour, PayWithin: 48 * time.Hour, PayUntil: time.Hour}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, given := range []Terms{{Never, 1, 2}, {AtStart, AtStart, AtStart}, {3, 4, 5}} {
		if got := given.OrDefault(); got != given {
			t.Errorf("got %+v, want %+v", got, given)
		}
	}
}

func TestTermsValidate(t *testing.T) {
	for terms, valid := range map[Terms]bool{
		{}: true, {CancelUntil: Never}: true, {CancelUntil: AtStart, PayWithin: AtStart, PayUntil: AtStart}: true, {CancelUntil: MaxTerm, PayWithin: MaxTerm, PayUntil: MaxTerm}: true,
		{CancelUntil: -2}: false, {CancelUntil: -time.Hour}: false, {CancelUntil: MaxTerm + time.Millisecond}: false, {CancelUntil: 1}: false,
		{PayWithin: Never}: false, {PayWithin: MaxTerm + time.Millisecond}: false, {PayWithin: time.Microsecond}: false,
		{PayUntil: Never}: false, {PayUntil: MaxTerm + time.Millisecond}: false, {PayUntil: time.Millisecond + 1}: false,
	} {
		e := Event{ID: "a", Title: "A", Zone: "UTC", Currency: "EUR", Terms: terms}
		if err := e.Validate(); valid != (err == nil) || !valid && !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v, want valid %v", terms, err, valid)
		}
	}
}

// TestCancelUntil has the start in a zone that changes its clocks within the
// last day: hours before the start are hours that pass.
func TestCancelUntil(t *testing.T) {
	vienna, err := Zone("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	starts := time.Date(2031, 3, 30, 19, 0, 0, 0, vienna) // clocks went forward at 2
	for _, test := range []struct {
		name    string
		starts  time.Time
		terms   Terms
		last    time.Duration // before the start
		ok, end bool
	}{
		{"default", starts, Terms{}, 24 * time.Hour, true, true},
		{"an hour", starts, Terms{CancelUntil: time.Hour}, time.Hour, true, true},
		{"at the start", starts, Terms{CancelUntil: AtStart}, time.Millisecond, true, true},
		{"never", starts, Terms{CancelUntil: Never}, 0, false, true},
		{"no start", time.Time{}, Terms{}, 0, true, false},
		{"no start, never", time.Time{}, Terms{CancelUntil: Never}, 0, false, false},
	} {
		e := Event{Starts: test.starts, Terms: test.terms}
		until, ok := e.CancelUntil()
		switch {
		case ok != test.ok:
			t.Errorf("%s: got %v", test.name, ok)
		case !ok:
			if e.CancellableAt(noon) || e.CancellableAt(time.Time{}) {
				t.Errorf("%s: can be cancelled", test.name)
			}
		case !test.end:
			if !until.IsZero() || !e.CancellableAt(starts.AddDate(100, 0, 0)) {
				t.Errorf("%s: until %v", test.name, until)
			}
		case starts.Sub(until) != test.last, !e.CancellableAt(until), e.CancellableAt(until.Add(time.Millisecond)), !e.CancellableAt(until.AddDate(-1, 0, 0)):
			t.Errorf("%s: until %v", test.name, until)
		}
	}
	if until, _ := (Event{Starts: starts}).CancelUntil(); until.In(vienna).Hour() != 18 {
		t.Errorf("until %v, want 24 hours that pass", until)
	}
}

func TestPayUntil(t *testing.T) {
	const least = 15 * time.Minute
	for _, test := range []struct {
		name   string
		starts time.Duration // from now; 0 is no start
		terms  Terms
		want   time.Duration
	}{
		{"no start", 0, Terms{}, 48 * time.Hour},
		{"far away", 1000 * time.Hour, Terms{}, 48 * time.Hour},
		{"the day after tomorrow", 49 * time.Hour, Terms{}, 48 * time.Hour},
		{"tomorrow", 24 * time.Hour, Terms{}, 23 * time.Hour},
		{"soon", 70 * time.Minute, Terms{}, least},
		{"now", time.Millisecond, Terms{}, least},
		{"begun", -time.Hour, Terms{}, least},
		{"within", 1000 * time.Hour, Terms{PayWithin: time.Hour}, time.Hour},
		{"within, hardly", 1000 * time.Hour, Terms{PayWithin: time.Minute}, least},
		{"until", 10 * time.Hour, Terms{PayUntil: 6 * time.Hour}, 4 * time.Hour},
		{"until the start", 10 * time.Hour, Terms{PayUntil: AtStart}, 10*time.Hour - time.Millisecond},
		{"until long before", 10 * time.Hour, Terms{PayUntil: MaxTerm}, least},
	} {
		e := Event{Terms: test.terms}
		if test.starts != 0 {
			e.Starts = noon.Add(test.starts)
		}
		if got := e.PayUntil(noon, least); !got.Equal(noon.Add(test.want)) {
			t.Errorf("%s: %v from now, want %v", test.name, got.Sub(noon), test.want)
		}
	}
}
