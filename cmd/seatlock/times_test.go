package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestParseTime in zones whose clocks change: by an hour, by half of one, by a
// day, and never.
func TestParseTime(t *testing.T) {
	for _, c := range []struct {
		zone, text string
		want       string // in UTC; else what it is refused with
	}{
		{"Europe/Vienna", "2027-03-01T19:30", "2027-03-01T18:30:00Z"},
		{"Europe/Vienna", "2027-03-01 19:30", "2027-03-01T18:30:00Z"},
		{"Europe/Vienna", "2027-07-01T19:30:15", "2027-07-01T17:30:15Z"},
		{"Europe/Vienna", "2027-07-01T19:30+02:00", "2027-07-01T17:30:00Z"},
		{"Europe/Vienna", "2027-07-01T17:30Z", "2027-07-01T17:30:00Z"},
		{"Europe/Vienna", "2027-07-01T17:30:00.25Z", "2027-07-01T17:30:00.25Z"},
		{"Europe/Vienna", "2027-03-28T01:59:59", "2027-03-28T00:59:59Z"},
		{"Europe/Vienna", "2027-03-28T02:00", "no such time: its clocks go from 2027-03-28T02:00:00 to 2027-03-28T03:00:00"},
		{"Europe/Vienna", "2027-03-28T02:30", "no such time: its clocks go from 2027-03-28T02:00:00 to 2027-03-28T03:00:00"},
		{"Europe/Vienna", "2027-03-28T02:59:59", "no such time"},
		{"Europe/Vienna", "2027-03-28T02:30+01:00", "no such time"},
		{"Europe/Vienna", "2027-03-28T02:30+02:00", "no such time"},
		{"Europe/Vienna", "2027-03-28T03:00", "2027-03-28T01:00:00Z"},
		{"Europe/Vienna", "2027-10-31T01:59:59", "2027-10-30T23:59:59Z"},
		{"Europe/Vienna", "2027-10-31T02:00", "twice: write 2027-10-31T02:00:00+02:00 or 2027-10-31T02:00:00+01:00"},
		{"Europe/Vienna", "2027-10-31T02:30", "twice: write 2027-10-31T02:30:00+02:00 or 2027-10-31T02:30:00+01:00"},
		{"Europe/Vienna", "2027-10-31T02:30+02:00", "2027-10-31T00:30:00Z"},
		{"Europe/Vienna", "2027-10-31T02:30:00+01:00", "2027-10-31T01:30:00Z"},
		{"Europe/Vienna", "2027-10-31T02:30+03:00", "Europe/Vienna has +02:00 or +01:00 then"},
		{"Europe/Vienna", "2027-10-31T03:00", "2027-10-31T02:00:00Z"},
		{"Europe/Vienna", "2027-07-01T19:30+01:00", "Europe/Vienna has +02:00 then"},
		{"Europe/Vienna", "2027-07-01T19:30+00:00", "Europe/Vienna has +02:00 then"},
		{"America/New_York", "2027-03-14T02:30", "no such time"},
		{"America/New_York", "2027-11-07T01:30", "twice: write 2027-11-07T01:30:00-04:00 or 2027-11-07T01:30:00-05:00"},
		{"America/New_York", "2027-11-07T01:30-05:00", "2027-11-07T06:30:00Z"},
		{"Australia/Lord_Howe", "2027-10-03T02:15", "no such time: its clocks go from 2027-10-03T02:00:00 to 2027-10-03T02:30:00"},
		{"Australia/Lord_Howe", "2027-10-03T02:30", "2027-10-02T15:30:00Z"},
		{"Australia/Lord_Howe", "2027-04-04T01:45", "twice: write 2027-04-04T01:45:00+11:00 or 2027-04-04T01:45:00+10:30"},
		{"Australia/Lord_Howe", "2027-04-04T01:45+10:30", "2027-04-03T15:15:00Z"},
		{"Australia/Lord_Howe", "2027-04-04T01:29", "2027-04-03T14:29:00Z"},
		{"Pacific/Apia", "2011-12-30T12:00", "no such time: its clocks go from 2011-12-30T00:00:00 to 2011-12-31T00:00:00"},
		{"Pacific/Apia", "2011-12-30T00:00", "no such time"},
		{"Pacific/Apia", "2011-12-29T23:59", "2011-12-30T09:59:00Z"},
		{"Pacific/Apia", "2011-12-31T00:00", "2011-12-30T10:00:00Z"},
		{"Pacific/Kwajalein", "1969-09-30T23:30", "twice"},
		{"Asia/Manila", "1844-12-31T12:00", "no such time"},
		{"Europe/Vienna", "2045-01-01T10:00", "2045-01-01T09:00:00Z"},
		{"Europe/Vienna", "2044-12-31T23:30", "2044-12-31T22:30:00Z"},
		{"Europe/Vienna", "9998-03-29T02:30", "no such time"},
		{"Pacific/Auckland", "2045-01-01T00:30", "2044-12-31T11:30:00Z"},
		{"Europe/Dublin", "2027-10-31T01:30+01:00", "2027-10-31T00:30:00Z"},
		{"Africa/Casablanca", "2027-01-05T12:00", "2027-01-05T11:00:00Z"},
		{"Asia/Kathmandu", "2027-01-05T12:00+05:45", "2027-01-05T06:15:00Z"},
		{"Asia/Kathmandu", "2027-01-05T12:00+05:30", "has +05:45 then"},
		{"UTC", "2027-03-28T02:30", "2027-03-28T02:30:00Z"},
		{"UTC", "2027-03-28T02:30+00:00", "2027-03-28T02:30:00Z"},
		{"Etc/GMT+12", "2027-03-28T02:30-12:00", "2027-03-28T14:30:00Z"},
		{"Pacific/Kiritimati", "2027-03-28T02:30", "2027-03-27T12:30:00Z"},
		{"UTC", "soon", "want"}, {"UTC", "2027-02-30T10:00", "want"}, {"UTC", "2027-03-28", "want"}, {"UTC", "19:30", "want"}, {"UTC", "1/2/27", "want"},
		{"UTC", "2027-03-28T24:00", "want"}, {"UTC", "2027-03-28T10:60", "want"}, {"UTC", "2027-03-28T10:00+2", "want"}, {"UTC", "2027-03-28T10:00 ", "want"}, {"UTC", "12027-03-28T10:00", "want"},
		{"UTC", "now", "want"},
	} {
		zone, err := zoneOf(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		var at time.Time
		err = readTimes(zone, time.Time{}, eventTime{"starts", c.text, &at})
		got := at.UTC().Format(time.RFC3339Nano)
		if err != nil {
			got = err.Error()
			if !strings.HasPrefix(got, "--starts "+c.text+": ") || strings.Contains(got, "\n") {
				t.Errorf("%s says %q", c.text, got)
			}
		}
		if !strings.Contains(got, c.want) || err == nil && got != c.want {
			t.Errorf("%s in %s: %s, want %s", c.text, c.zone, got, c.want)
		}
	}
}

// TestReadings holds every quarter of an hour of some days to what the zone
// itself says of the instants around it.
func TestReadings(t *testing.T) {
	for _, c := range []struct{ zone, day string }{
		{"Europe/Vienna", "2027-03-28"}, {"Europe/Vienna", "2027-10-31"}, {"Australia/Lord_Howe", "2027-10-03"}, {"Australia/Lord_Howe", "2027-04-04"},
		{"Pacific/Apia", "2011-12-30"}, {"America/Sao_Paulo", "2018-11-04"}, {"America/St_Johns", "2006-10-29"}, {"Africa/Casablanca", "2027-02-07"}, {"Asia/Gaza", "2027-03-27"},
	} {
		zone, err := zoneOf(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		day, err := time.Parse(time.DateOnly, c.day)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string][]time.Time{} // all instants of four days, by what clocks show
		for at := day.Add(-48 * time.Hour); at.Before(day.Add(72 * time.Hour)); at = at.Add(15 * time.Minute) {
			shown := at.In(zone).Format(time.DateTime)
			want[shown] = append(want[shown], at)
		}
		for wall := day; wall.Before(day.Add(24 * time.Hour)); wall = wall.Add(15 * time.Minute) {
			got, all := readings(wall, zone), want[wall.Format(time.DateTime)]
			same := len(got) == len(all)
			for i := range all {
				same = same && got[i].Equal(all[i])
			}
			if !same {
				t.Errorf("%s in %s: %v, want %v", wall.Format(time.DateTime), c.zone, got, all)
			}
		}
	}
}

// TestTimesOfAnImport: what was understood is told, and the start may only be in
// the past where that is said.
func TestTimesOfAnImport(t *testing.T) {
	address, plan := house(t), fileOf(t, smallCSV)
	in := func(args ...string) []string {
		return append([]string{"import", "--create", "--store", address, "--zone", "Europe/Vienna", "--event", "e", "--title", "T", plan}, args...)
	}
	refuses(t, exitUsage, "--starts 2020-06-01T19:30:00+02:00 is in the past: with --past it may be", in("--starts", "2020-06-01T19:30")...)
	refuses(t, exitUsage, "no such time", in("--starts", "2045-03-26T02:30")...)
	refuses(t, exitUsage, "--sales-close 2045-10-29T02:30: Europe/Vienna has that time twice", in("--sales-close", "2045-10-29T02:30")...)
	if _, err := eventOf(t, address, "e"); err == nil {
		t.Fatal("a refused event was made")
	}
	old := in("--starts", "2020-06-01T19:30", "--sales-open", "now", "--sales-close", "2045-10-29T02:30+01:00")
	said := does(t, append(old, "--past")...)
	for _, want := range []string{"  starts          2020-06-01T19:30:00+02:00\n", "  sales open      20", "  sales close     2045-10-29T02:30:00+01:00\n"} {
		if !strings.Contains(said, want) {
			t.Errorf("said\n%s\nwithout %q", said, want)
		}
	}
	event, err := eventOf(t, address, "e")
	if err != nil || time.Since(event.SalesOpen).Abs() > time.Minute {
		t.Errorf("%v: sales open %v, want now", err, event.SalesOpen)
	}
	of := []string{"change", "--store", address, "--event", "e"}
	does(t, append(of, "--title", "Corrected", "--starts", "2020-06-01T19:30")...) // as it is: no change
	refuses(t, exitUsage, "is in the past", append(of, "--starts", "2020-06-02T19:30")...)
	does(t, append(of, "--starts", "2020-06-02T19:30", "--past")...)
	if again, err := eventOf(t, address, "e"); err != nil || again.Starts.Sub(event.Starts) != 24*time.Hour {
		t.Errorf("%v: it starts at %v", err, again.Starts)
	}
}

// TestRepeatOfWhatIsNowRefused: an import that was taken once is no news, though
// its start has been meanwhile.
func TestRepeatOfWhatIsNowRefused(t *testing.T) {
	address := house(t)
	first := []string{"import", "--create", "--store", address, "--event", "e", "--title", "T", "--starts", "2020-06-01T19:30", fileOf(t, smallCSV)}
	does(t, append(first, "--past")...)
	if said := does(t, first...); !strings.Contains(said, "was made so already") {
		t.Errorf("said %s", said)
	}
	refuses(t, exitFault, "event e exists already", append(first, "--venue", "V")...)
}

// TestImportOfNowAgain: what was now with the first import is no other time with
// the second, also where the start has been meanwhile.
func TestImportOfNowAgain(t *testing.T) {
	for _, starts := range []string{"2045-06-01T19:30", "2020-06-01T19:30"} {
		for _, sales := range [][]string{{"--sales-open", "now"}, {"--sales-open", "2020-01-01T10:00", "--sales-close", "now"}} {
			address := house(t)
			args := append([]string{"import", "--store", address, "--event", "e", "--title", "T", "--starts", starts, fileOf(t, smallCSV)}, sales...)
			does(t, slices.Concat(args, []string{"--past"})...)
			if said := does(t, args...); !strings.Contains(said, "was made so already") {
				t.Errorf("said %s", said)
			}
			refuses(t, exitFault, "event e exists already", slices.Concat(args, []string{"--venue", "V"})...)
			refuses(t, exitFault, "event e exists already", slices.Concat(args, []string{"--sales-close", "2045-06-01T19:00"})...)
		}
	}
}

// TestImportOfTimesOfBefore: programs of before took times that are refused now,
// and the same import again is a repeat.
func TestImportOfTimesOfBefore(t *testing.T) {
	for _, c := range []struct{ told, as, refused string }{
		{"2045-03-26T02:30", "2045-03-26T03:30", "no such time"},
		{"2045-10-29 02:30", "2045-10-29T02:30+01:00", "that time twice"},
		{"2045-06-01T19:30:00+01:00", "2045-06-01T20:30", "has +02:00 then"},
	} {
		address, plan := house(t), fileOf(t, smallCSV)
		in := func(starts string, more ...string) []string {
			return append([]string{"import", "--store", address, "--zone", "Europe/Vienna", "--event", "e", "--title", "T", "--starts", starts, plan}, more...)
		}
		refuses(t, exitUsage, c.refused, in(c.told)...)
		refuses(t, exitUsage, c.refused, in(c.told, "--dry-run")...)
		does(t, in(c.as)...) // writes what programs of before did
		if said := does(t, in(c.told)...); !strings.Contains(said, "was made so already") {
			t.Errorf("%s said %s", c.told, said)
		}
		refuses(t, exitFault, "event e exists already", in(c.told, "--venue", "V")...)
		refuses(t, exitUsage, c.refused, in(c.told, "--sales-close", "soon")...)
	}
}
