package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seatlock/seatlock/store"
)

// bookingFilter selects the bookings that match all of its flags.
type bookingFilter struct {
	state, seat, provider     string
	since, until              string // of when they were begun
	unpaid, checkedIn, noShow bool

	from, to time.Time // what since and until are in the event's zone
	begun    bool      // whether the event has begun: only then are there no-shows
}

func (b *bookingFilter) flags(f *flag.FlagSet) {
	f.StringVar(&b.state, "state", "", "only bookings in these states, a `LIST` of "+strings.Join(bookingStates(), ", "))
	f.StringVar(&b.seat, "seat", "", "only bookings that have, or had, the seat with this `ID`")
	f.StringVar(&b.since, "since", "", "only bookings that were begun at this `TIME` or later, in the event's zone: 2027-03-01T19:30, or 2027-03-01")
	f.StringVar(&b.until, "until", "", "only bookings that were begun before this `TIME`")
	f.StringVar(&b.provider, "provider", "", "only bookings with this `WAY` to pay, such as door")
	f.BoolVar(&b.unpaid, "unpaid", false, "only bookings that are still to be paid")
	f.BoolVar(&b.checkedIn, "checked-in", false, "only bookings with a ticket that was checked in")
	f.BoolVar(&b.noShow, "no-show", false, "only booked bookings with a ticket that was not checked in, once the event has begun")
}

func bookingStates() []string {
	return []string{
		string(store.BookingPaying), string(store.BookingReserved), string(store.BookingBooked), string(store.BookingDeclined),
		string(store.BookingLapsed), string(store.BookingLost), string(store.BookingCancelled),
	}
}

// check refuses filters that no booking can match.
func (b *bookingFilter) check() error {
	for state := range strings.SplitSeq(b.state, ",") {
		if b.state != "" && !slices.Contains(bookingStates(), state) {
			return wrong("state", b.state, "a list of "+strings.Join(bookingStates(), ", "))
		}
	}
	if b.seat != "" && !store.ValidID(b.seat) {
		return wrong("seat", b.seat, "the id of a seat (seatlock seats lists them)")
	}
	return b.readTimes(time.UTC)
}

// readTimes reads the times in the event's zone.
func (b *bookingFilter) readTimes(zone *time.Location) (err error) {
	for _, t := range []struct {
		flag, text string
		to         *time.Time
	}{{"since", b.since, &b.from}, {"until", b.until, &b.to}} {
		if midnight, noDay := time.Parse(time.DateOnly, t.text); noDay == nil {
			*t.to = beginOf(midnight, zone)
			continue
		}
		if *t.to, err = parseTime(t.text, zone); errors.Is(err, errNoTime) {
			return wrong(t.flag, t.text, "a time such as 2027-03-01T19:30, or a day such as 2027-03-01")
		} else if err != nil {
			return usageError{fmt.Errorf("--%s %w", t.flag, err)}
		}
	}
	return nil
}

// beginOf returns when a day begins in a zone; its midnight is given as if it
// were UTC. If clocks skip midnight, the day begins later; if they show it
// twice, at the first.
func beginOf(midnight time.Time, zone *time.Location) time.Time {
	if all := readings(midnight, zone); len(all) > 0 {
		return all[0]
	}
	_, changes := around(midnight, zone)
	i := slices.IndexFunc(changes, func(c clockChange) bool { return c.at.UTC().Add(c.after).After(midnight) })
	return changes[i].at // readings has found none because of it
}

// has reports whether the filter selects a booking.
func (b *bookingFilter) has(k store.Booking) bool {
	kept := k.Kept()
	in := func(l store.Line) bool { return !k.Ticket(l.Seat).In.IsZero() }
	switch {
	case b.state != "" && !slices.Contains(strings.Split(b.state, ","), string(k.State)),
		b.seat != "" && !slices.Contains(store.Seats(k.Lines), b.seat),
		b.provider != "" && b.provider != k.Provider,
		!b.from.IsZero() && k.Begun.Before(b.from),
		!b.to.IsZero() && !k.Begun.Before(b.to),
		b.unpaid && k.Owed() == 0,
		b.checkedIn && !slices.ContainsFunc(kept, in),
		b.noShow && (!b.begun || k.NoShows() == 0):
		return false
	}
	return true
}
