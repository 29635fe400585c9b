package store

import (
	"fmt"
	"time"
)

// Finding is one thing in a database that is not as it must be, in words for a
// person. It names events, seats and kinds of record, and never a holder.
//
// The functions here know what must be true of what is stored; engines read it
// and add what is true of their own storage alone.
type Finding string

// Findingf words a finding.
func Findingf(format string, args ...any) Finding { return Finding(fmt.Sprintf(format, args...)) }

// CheckEvent tells what is wrong with an event and its plan, whose bytes are
// nil if there is none, and which has so many seats in the database.
func CheckEvent(e Event, plan []byte, seats int) (found []Finding) {
	add := func(format string, args ...any) {
		found = append(found, Findingf("event %s: "+format, append([]any{e.ID}, args...)...))
	}
	if !ValidID(e.ID) {
		add("its id is none")
	}
	if e.Revision < 1 {
		add("revision %d, want 1 or more", e.Revision)
	}
	switch {
	case plan == nil:
		add("its plan %s is missing", e.Plan)
	case PlanHash(plan) != e.Plan:
		add("its plan is not %s, which it names: the plan was changed", e.Plan)
	}
	if seats == 0 {
		add("it has no seats")
	}
	return found
}

// CheckSeat tells what is wrong with a seat at now. clock is its holder's for
// the event, Version 0 if there is none.
func CheckSeat(event string, s Seat, clock Clock, now time.Time) (found []Finding) {
	add := func(format string, args ...any) {
		found = append(found, Findingf("seat %s of %s: "+format, append([]any{s.ID, event}, args...)...))
	}
	if !ValidID(s.ID) {
		add("its id is none")
	}
	if s.Version < 1 {
		add("version %d, want 1 or more", s.Version)
	}
	timed, claimed := !s.LockTime.IsZero() || !s.LockedUntil.IsZero(), s.Status == Locked || s.Status == Paying
	switch {
	case s.Status == Unknown:
		return found // what else is true of it, only a newer program knows
	case s.Status == Booked && s.LockedBy == "", claimed && s.LockedBy == "":
		add("%s, and nobody holds it", s.Status)
	case s.Status != Booked && !claimed && s.LockedBy != "":
		add("%s, and somebody holds it", s.Status)
	case !claimed && (timed || s.Extended):
		add("%s, and has the times of a lock", s.Status)
	case claimed && !s.LockTime.Before(s.LockedUntil):
		add("%s, and its lock has no length", s.Status)
	case claimed:
		if what := clock.misses(s, now); what != "" {
			add("%s, and %s", s.Status, what)
		}
	}
	if s.Booking != "" && s.Status != Paying && s.Status != Booked {
		add("%s, and has a booking", s.Status)
	}
	return found
}

// misses says how the holder's clock does not bear a seat that is locked or
// being paid for; "" if it does. Locks that are over need none.
func (c Clock) misses(s Seat, now time.Time) string {
	switch {
	case s.Status == Locked && s.FreeAt(now):
		return ""
	case c.Version == 0:
		return "its holder has no clock"
	case s.Status == Locked && s.LockedUntil.After(c.Deadline):
		return "its lock lasts longer than its holder's clock"
	}
	return ""
}

// CheckClock tells what is wrong with a holder's clock for an event.
func CheckClock(event string, c Clock) (found []Finding) {
	if c.Version < 1 {
		found = append(found, Findingf("a clock of %s: version %d, want 1 or more", event, c.Version))
	}
	if c.Deadline.Before(c.Started) {
		found = append(found, Findingf("a clock of %s: it ends before it starts", event))
	}
	if len(c.Grants) > MaxGrants {
		found = append(found, Findingf("a clock of %s: it remembers %d requests, want %d at most", event, len(c.Grants), MaxGrants))
	}
	return found
}

// CheckNext tells what is wrong with a change of a seat that follows another of
// the same seat; before is zero if it is the first that is kept.
func CheckNext(before, next Change) []Finding {
	if before.Seat.Version == 0 || next.Seat.Version == before.Seat.Version+1 {
		return nil
	}
	return []Finding{Findingf("seat %s of %s: the feed goes from version %d to %d",
		next.Seat.ID, next.Event, before.Seat.Version, next.Seat.Version)}
}

// CheckNewest tells how a seat differs from its newest change in the feed.
func CheckNewest(s Seat, newest Change) []Finding {
	told := newest.Seat
	what := ""
	switch {
	case told.Version != s.Version:
		what = fmt.Sprintf("version %d, and the feed tells of %d", s.Version, told.Version)
	case told.Status != s.Status:
		what = fmt.Sprintf("%s, and the feed tells of %s", s.Status, told.Status)
	case told.LockedBy != s.LockedBy:
		what = "held by another than the feed tells"
	case !told.LockedUntil.Equal(s.LockedUntil), !told.LockTime.Equal(s.LockTime):
		what = "its lock has other times than the feed tells"
	default:
		return nil
	}
	return []Finding{Findingf("seat %s of %s: %s", s.ID, newest.Event, what)}
}
