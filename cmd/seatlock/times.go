package main

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/seatlock/seatlock/store"
)

// zoneOf reads the name of a time zone.
func zoneOf(name string) (*time.Location, error) {
	zone, err := store.Zone(name)
	if err != nil {
		return nil, wrong("zone", name, "an IANA time zone, such as Europe/Vienna")
	}
	return zone, nil
}

// eventTime is a time of an event that a flag names.
type eventTime struct {
	flag, text string
	to         *time.Time
}

// readTimes reads the times that flags name, in the event's zone, into where
// they belong; "" and none are none, and now is the store's, for sales alone.
func readTimes(zone *time.Location, now time.Time, times ...eventTime) (err error) {
	for _, t := range times {
		if t.text == "now" && t.flag != "starts" {
			*t.to = now
			continue
		}
		if *t.to, err = parseTime(strings.TrimPrefix(t.text, "none"), zone); errors.Is(err, errNoTime) {
			return wrong(t.flag, t.text, err.Error())
		} else if err != nil {
			return usageError{fmt.Errorf("--%s %w", t.flag, err)}
		}
	}
	return nil
}

var errNoTime = errors.New("a time such as 2027-03-01T19:30, none, or for sales now")

var timeText = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?$`)

// parseTime reads a time as people of the zone write it; "" is none. A time
// that the zone's clocks skip is refused. One that they show twice needs its
// offset, and an offset must be right for the zone. Z is UTC, in any zone.
func parseTime(text string, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	parts := timeText.FindStringSubmatch(text)
	if parts == nil {
		return time.Time{}, errNoTime
	}
	day, minute, second, offset := parts[1], parts[2], parts[3], parts[4]
	wall, err := time.Parse("2006-01-02T15:04:05", day+"T"+minute+cmp.Or(second, ":00"))
	if err != nil {
		return time.Time{}, errNoTime
	}
	if offset == "Z" {
		return wall.In(zone), nil
	}
	all := readings(wall, zone)
	fits := all
	if offset != "" {
		fits = slices.DeleteFunc(slices.Clone(all), func(t time.Time) bool { return t.Format("-07:00") != offset })
	}
	switch {
	case len(all) == 0:
		return time.Time{}, fmt.Errorf("%s: %s", text, gapText(wall, zone))
	case len(fits) == 0:
		return time.Time{}, fmt.Errorf("%s: %s has %s then", text, zone, orList(all, "-07:00"))
	case len(fits) > 1:
		return time.Time{}, fmt.Errorf("%s: %s has that time twice: write %s", text, zone, orList(fits, writtenTime))
	}
	return fits[0], nil
}

// writtenTime is a time as import reads it, with its offset.
const writtenTime = "2006-01-02T15:04:05-07:00"

func orList(times []time.Time, layout string) string {
	words := make([]string, len(times))
	for i, t := range times {
		words[i] = t.Format(layout)
	}
	return strings.Join(words, " or ")
}

// clockChange is an instant at which a zone's clocks change, with the offsets before
// and after.
type clockChange struct {
	at            time.Time
	before, after time.Duration
}

// around returns the offset some time before the wall's time, which is given as
// if it were UTC, and all changes until some time after it: no zone is further
// from UTC than that, and none changes twice within an hour. The bounds that a
// [time.Time] tells of its zone are not used: past the years of the zone's own
// list they may never move on.
func around(wall time.Time, zone *time.Location) (first time.Duration, changes []clockChange) {
	const furthest = 30
	offset := func(t time.Time) time.Duration {
		_, seconds := t.In(zone).Zone()
		return time.Duration(seconds) * time.Second
	}
	start := wall.Truncate(time.Hour).Add(-furthest * time.Hour)
	first = offset(start)
	for i := range 2 * furthest {
		from := start.Add(time.Duration(i) * time.Hour)
		before, after := offset(from), offset(from.Add(time.Hour))
		if before == after {
			continue
		}
		second := sort.Search(3600, func(k int) bool { return offset(from.Add(time.Duration(k)*time.Second)) == after })
		changes = append(changes, clockChange{from.Add(time.Duration(second) * time.Second), before, after})
	}
	return first, changes
}

// readings returns all instants at which the zone's clocks show a time, which is
// given as if it were UTC.
func readings(wall time.Time, zone *time.Location) (all []time.Time) {
	first, changes := around(wall, zone)
	offsets := []time.Duration{first}
	for _, c := range changes {
		offsets = append(offsets, c.after)
	}
	for _, offset := range offsets {
		t := wall.Add(-offset).In(zone)
		shown := t.Format(time.DateTime) == wall.Format(time.DateTime)
		if shown && !slices.ContainsFunc(all, t.Equal) {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	return all
}

// gapText returns why the zone's clocks never show a time, which is given as if
// it
// were UTC.
func gapText(wall time.Time, zone *time.Location) string {
	_, changes := around(wall, zone)
	for _, c := range changes {
		from, to := c.at.UTC().Add(c.before), c.at.UTC().Add(c.after)
		if !wall.Before(from) && wall.Before(to) {
			return fmt.Sprintf("%s has no such time: its clocks go from %s to %s", zone, from.Format("2006-01-02T15:04:05"), to.Format("2006-01-02T15:04:05"))
		}
	}
	return fmt.Sprintf("%s has no such time", zone)
}

// checkStart refuses a start in the past, which is usually a mistake.
func checkStart(e store.Event, now time.Time, past bool) error {
	if past || e.Starts.IsZero() || e.Starts.After(now) {
		return nil
	}
	return usageError{fmt.Errorf("--starts %s is in the past: with --past it may be", localTime(e.Starts, e.Zone))}
}

// localTime writes a time as import reads it; "" is none.
func localTime(t time.Time, zone string) string {
	if t.IsZero() {
		return ""
	}
	in, err := store.Zone(zone)
	if err != nil {
		return t.UTC().Format(time.RFC3339)
	}
	return t.In(in).Format(writtenTime)
}

// sayTimes returns the times of an event as they were understood.
func sayTimes(e store.Event) (lines []string) {
	for _, t := range []struct {
		what string
		at   time.Time
	}{{"starts", e.Starts}, {"sales open", e.SalesOpen}, {"sales close", e.SalesClose}} {
		if !t.at.IsZero() {
			lines = append(lines, t.what+"\t"+localTime(t.at, e.Zone))
		}
	}
	return lines
}
