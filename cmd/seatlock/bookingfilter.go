package main

import (
	"errors"
	"flag"
	"slices"
	"strings"
	"time"

	"github.com/seatlock/seatlock/store"
)

// bookingFilter says which bookings are meant: those that fit all that is named.
type bookingFilter struct {
	state, seat, provider     string
	since, until              string // of when they were begun
	unpaid, checkedIn, noShow bool

	from, to time.Time // what since and until are in the event's zone
}

func (b *bookingFilter) flags(f *flag.FlagSet) {
	f.StringVar(&b.state, "state", "", "only bookings that are so, a `list` of "+strings.Join(bookingStates(), ", "))
	f.StringVar(&b.seat, "seat", "", "only bookings that have, or had, the seat with this `id`")
	f.StringVar(&b.since, "since", "", "only bookings that were begun at this `time` or later, in the event's zone: 2027-03-01T19:30, or 2027-03-01")
	f.StringVar(&b.until, "until", "", "only bookings that were begun before this `time`")
	f.StringVar(&b.provider, "provider", "", "only bookings with this `way` to pay, such as door")
	f.BoolVar(&b.unpaid, "unpaid", false, "only bookings that are still to be paid")
	f.BoolVar(&b.checkedIn, "checked-in", false, "only bookings of which a ticket was let in")
	f.BoolVar(&b.noShow, "no-show", false, "only bookings of which a ticket was not let in")
}

func bookingStates() []string {
	return []string{
		string(store.BookingPaying), string(store.BookingReserved), string(store.BookingBooked), string(store.BookingDeclined),
		string(store.BookingLapsed), string(store.BookingLost), string(store.BookingCancelled),
	}
}

// check refuses what no booking can fit.
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
		text := t.text
		if _, day := time.Parse(time.DateOnly, text); day == nil {
			text += "T00:00"
		}
		if *t.to, err = parseTime(text, zone); errors.Is(err, errNoTime) {
			return wrong(t.flag, t.text, "a time such as 2027-03-01T19:30, or a day such as 2027-03-01")
		} else if err != nil {
			return wrong(t.flag, t.text, err.Error())
		}
	}
	return nil
}

// has reports whether a booking is meant.
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
		b.noShow && (!k.HasTickets() || !slices.ContainsFunc(kept, func(l store.Line) bool { return !in(l) })):
		return false
	}
	return true
}
