package main

import (
	"testing"
	"time"
)

// TestKeeping reads for how long something is kept, and writes it back.
func TestKeeping(t *testing.T) {
	for text, want := range map[string]struct {
		is   time.Duration
		says string
	}{
		"90d": {90 * day, "90d"}, "1d": {day, "1d"}, "36h": {36 * time.Hour, "36h"}, "48h": {2 * day, "2d"}, "90m": {90 * time.Minute, "1h30m"},
		"36500d": {maxKeeping, "36500d"}, "never": {0, "never"},
	} {
		var k keeping
		if err := k.Set(text); err != nil || time.Duration(k) != want.is || k.String() != want.says {
			t.Errorf("%s: %v: it is %v and says %s, want %v", text, err, time.Duration(k), &k, want)
		}
	}
	for _, text := range []string{"", "0", "0d", "-1d", "90", "1.5d", "59m", "36501d", "99999999999999d", "d", "forever", "876001h"} {
		k := keeping(7)
		if err := k.Set(text); err == nil || k != 7 {
			t.Errorf("%q is read as %v, with %v", text, time.Duration(k), err)
		}
	}
	refuses(t, exitUsage, "want days such as 90d, a duration such as 36h, an hour at least, or never", "serve", "--keep-people", "90")
	c, err := configure([]string{"--keep-history", "never"}, environment(map[string]string{"SEATLOCK_KEEP_PEOPLE": "30d"}))
	if err != nil || time.Duration(c.keepPeople) != 30*day || c.keepHistory != 0 {
		t.Errorf("%v: people are kept for %v, history for %v", err, &c.keepPeople, &c.keepHistory)
	}
	if c := defaults(); c.keepPeople.String() != "90d" || c.keepHistory.String() != "365d" {
		t.Errorf("by default people are kept for %v, history for %v", &c.keepPeople, &c.keepHistory)
	}
}
