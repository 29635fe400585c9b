package store

import (
	"strings"
	"testing"
	"time"
)

// TestCheckSeat finds what is wrong with a seat, each fault by itself, and
// nothing wrong with what the rules make.
func TestCheckSeat(t *testing.T) {
	now := time.UnixMilli(1_900_000_000_000).UTC()
	later := now.Add(10 * time.Minute)
	clock := Clock{Started: now, Deadline: later, Version: 1}
	locked := Seat{ID: "a", Status: Locked, LockedBy: "ann", LockTime: now, LockedUntil: later, Version: 2}
	with := func(s Seat, change func(*Seat)) Seat { change(&s); return s }
	for _, c := range []struct {
		name  string
		seat  Seat
		clock Clock
		want  string // "" is nothing
	}{
		{"available", Seat{ID: "a", Version: 1}, Clock{}, ""},
		{"withheld", Seat{ID: "a", Status: Withheld, Version: 2}, Clock{}, ""},
		{"locked", locked, clock, ""},
		{"lapsed", with(locked, func(s *Seat) { s.LockTime, s.LockedUntil = now.Add(-time.Hour), now }), Clock{}, ""},
		{"paying for long", with(locked, func(s *Seat) { s.Status, s.LockedUntil = Paying, later.Add(time.Hour) }), clock, ""},
		{"booked", Seat{ID: "a", Status: Booked, LockedBy: "ann", Booking: "b", Version: 4}, Clock{}, ""},
		{"unknown", with(locked, func(s *Seat) { s.Status, s.LockedBy = Unknown, "" }), Clock{}, ""},
		{"no version", Seat{ID: "a"}, Clock{}, "version 0"},
		{"id", Seat{ID: "a b", Version: 1}, Clock{}, "its id is none"},
		{"available and held", Seat{ID: "a", LockedBy: "ann", Version: 2}, Clock{}, "somebody holds it"},
		{"withheld with times", Seat{ID: "a", Status: Withheld, LockedUntil: later, Version: 2}, Clock{}, "the times of a lock"},
		{"available and extended", Seat{ID: "a", Extended: true, Version: 2}, Clock{}, "the times of a lock"},
		{"available with booking", Seat{ID: "a", Booking: "b", Version: 2}, Clock{}, "has a booking"},
		{"locked by nobody", with(locked, func(s *Seat) { s.LockedBy = "" }), clock, "nobody holds it"},
		{"booked by nobody", Seat{ID: "a", Status: Booked, Version: 2}, Clock{}, "nobody holds it"},
		{"locked without times", with(locked, func(s *Seat) { s.LockTime, s.LockedUntil = time.Time{}, time.Time{} }), clock, "no length"},
		{"locked without a clock", locked, Clock{}, "no clock"},
		{"paying without a clock", with(locked, func(s *Seat) { s.Status = Paying }), Clock{}, "no clock"},
		{"longer than its clock", with(locked, func(s *Seat) { s.LockedUntil = later.Add(1) }), clock, "longer than its holder's clock"},
	} {
		found := CheckSeat("hall", c.seat, c.clock, now)
		if c.want == "" && len(found) > 0 || c.want != "" && (len(found) != 1 || !strings.Contains(string(found[0]), c.want)) {
			t.Errorf("%s: got %q, want one with %q", c.name, found, c.want)
		}
	}
}

// TestCheckNewest compares a seat with what the feed told last.
func TestCheckNewest(t *testing.T) {
	now := time.UnixMilli(1_900_000_000_000).UTC()
	seat := Seat{ID: "a", Status: Locked, LockedBy: "ann", LockTime: now, LockedUntil: now.Add(time.Hour), Version: 3}
	if found := CheckNewest(seat, Change{Event: "hall", Seat: seat}); len(found) > 0 {
		t.Errorf("the same: got %q, want nothing", found)
	}
	for want, change := range map[string]func(*Seat){
		"the feed tells of 4":         func(s *Seat) { s.Version = 4 },
		"the feed tells of available": func(s *Seat) { s.Status = Available },
		"held by another":             func(s *Seat) { s.LockedBy = "bob" },
		"of another booking":          func(s *Seat) { s.Booking = "b" },
		"other times":                 func(s *Seat) { s.LockedUntil = now },
	} {
		told := seat
		change(&told)
		found := CheckNewest(seat, Change{Event: "hall", Seat: told})
		if len(found) != 1 || !strings.Contains(string(found[0]), want) || strings.Contains(string(found[0]), "bob") {
			t.Errorf("got %q, want one with %q and no holder", found, want)
		}
	}
	if found := CheckNext(Change{}, Change{Seat: seat}); len(found) > 0 {
		t.Errorf("the first that is kept: got %q, want nothing", found)
	}
	after := seat
	after.Version = 5
	if found := CheckNext(Change{Seat: seat}, Change{Event: "hall", Seat: after}); len(found) != 1 {
		t.Errorf("a gap: got %q, want one", found)
	}
}

// TestCheckEvent finds a plan that is missing or was changed.
func TestCheckEvent(t *testing.T) {
	plan := []byte("plan")
	e := Event{ID: "hall", Plan: PlanHash(plan), Revision: 1}
	if found := CheckEvent(e, plan, 3); len(found) > 0 {
		t.Errorf("got %q, want nothing", found)
	}
	for _, found := range [][]Finding{
		CheckEvent(e, nil, 3), CheckEvent(e, []byte("other"), 3), CheckEvent(e, plan, 0),
		CheckEvent(Event{ID: "hall", Plan: e.Plan}, plan, 3), CheckEvent(Event{ID: "a b", Plan: e.Plan, Revision: 1}, plan, 3),
		CheckClock("hall", Clock{}), CheckClock("hall", Clock{Version: 1, Started: time.UnixMilli(2), Deadline: time.UnixMilli(1)}),
		CheckClock("hall", Clock{Version: 1, Grants: make(Grants, MaxGrants+1)}),
	} {
		if len(found) != 1 {
			t.Errorf("got %q, want one", found)
		}
	}
}
