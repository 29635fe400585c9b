package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
)

// TestTermsOfAnEvent: what is named is kept and told, and default is as if
// nothing had been named.
func TestTermsOfAnEvent(t *testing.T) {
	address := house(t)
	wantSaid(t, does(t, change(address, "--cancel-until", "48", "--pay-within", "1h30m", "--pay-until", "0")...),
		"Event gala was changed.\n"+
			"  cancel until  24h before the start (default) → 48h before the start\n"+
			"  pay within    48h (default) → 1h30m\n"+
			"  pay until     1h before the start (default) → the start\n")
	if got, want := gala(t, address).Terms, (store.Terms{CancelUntil: 48 * time.Hour, PayWithin: 90 * time.Minute, PayUntil: store.AtStart}); got != want {
		t.Errorf("the terms are %+v, want %+v", got, want)
	}
	wantSaid(t, does(t, change(address, "--cancel-until", "never", "--pay-until=20m")...),
		"Event gala was changed.\n"+
			"  cancel until  48h before the start → never\n"+
			"  pay until     the start → 20m before the start\n")
	if got := gala(t, address); got.Terms.CancelUntil != store.Never || got.Terms.PayWithin != 90*time.Minute {
		t.Errorf("the terms are %+v", got.Terms)
	}
	wantSaid(t, does(t, change(address, "--cancel-until", "0")...), "Event gala was changed.\n  cancel until  never → the start\n")
	if got := gala(t, address).Terms.CancelUntil; got != store.AtStart {
		t.Errorf("until the start is kept as %v", got)
	}
	does(t, change(address, "--cancel-until", "default", "--pay-within", "default", "--pay-until", "default")...)
	if got := gala(t, address).Terms; got != (store.Terms{}) {
		t.Errorf("the terms are %+v, want the defaults", got)
	}
	wantSaid(t, does(t, change(address, "--cancel-until", "default")...), "Event gala is so already: nothing was changed.\n")
}

// TestTermsThatCannotBe: one line, and the event as it was.
func TestTermsThatCannotBe(t *testing.T) {
	address := house(t)
	for _, args := range [][]string{
		{"--cancel-until", "soon"}, {"--cancel-until", ""}, {"--cancel-until", "-1h"}, {"--cancel-until", "-1ns"}, {"--cancel-until", "8785"},
		{"--cancel-until", "1us"}, {"--cancel-until", "2d"}, {"--cancel-until", "1e3"},
		{"--pay-within", "never"}, {"--pay-within", "0"}, {"--pay-within", "14m59s"}, {"--pay-within", "8785h"},
		{"--pay-until", "never"}, {"--pay-until", "-0.5"}, {"--pay-until", "99999999999999999999"},
	} {
		refuses(t, exitUsage, "want a duration such as 48h or 90m", change(address, args...)...)
	}
	if got := gala(t, address); got.Revision != 1 {
		t.Errorf("the event is %+v", got)
	}
}

// TestImportWithTerms: they are those of the event, and told; an import that is
// repeated with others is another event.
func TestImportWithTerms(t *testing.T) {
	address := house(t)
	args := []string{"import", "--store", address, "--event", "ball", "--title", "The Ball", "--cancel-until", "never", "--pay-until", "2", fileOf(t, smallCSV)}
	said := does(t, args...)
	if !strings.Contains(said, "  cancel until    never\n") || !strings.Contains(said, "  pay until       2h before the start\n") || strings.Contains(said, "pay within") {
		t.Errorf("it said\n%s", said)
	}
	event, err := eventOf(t, address, "ball")
	if want := (store.Terms{CancelUntil: store.Never, PayUntil: 2 * time.Hour}); err != nil || event.Terms != want {
		t.Errorf("%v: the terms are %+v, want %+v", err, event.Terms, want)
	}
	if said := does(t, args...); !strings.Contains(said, "was made so already") {
		t.Errorf("repeated, it said\n%s", said)
	}
	refuses(t, exitFault, "exists already", "import", "--store", address, "--event", "ball", "--title", "The Ball", fileOf(t, smallCSV))
	refuses(t, exitUsage, "--cancel-until does not go with --add-seats", "import", "--store", address, "--event", "ball", "--add-seats", "--cancel-until", "1", fileOf(t, smallCSV))
	env := environment(map[string]string{"SEATLOCK_PAY_WITHIN": "never"})
	var faults strings.Builder
	code := run(t.Context(), args, env, io.Discard, &faults)
	if code != exitUsage || !strings.Contains(faults.String(), `SEATLOCK_PAY_WITHIN="never": want a duration such as 48h or 90m`) {
		t.Errorf("exit %d, %q", code, faults.String())
	}
}
