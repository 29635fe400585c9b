package store

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Finding is one fault of a database, in words for a person. It names events,
// seats, bookings and kinds of record, and never a holder.
//
// The functions here know what must be true of what is stored; engines read it
// and add what is true of their own storage alone.
type Finding string

// Findingf words a finding.
func Findingf(format string, args ...any) Finding { return Finding(fmt.Sprintf(format, args...)) }

// CheckEvent reports faults of an event and its plan. plan is nil if there is
// none; seats is the number of seats in the database.
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
	if err := e.validateTariffs(); err != nil {
		add("%v", err)
	}
	return found
}

// CheckEntry reports faults of an entry of the history at now.
func CheckEntry(e Entry, now time.Time) (found []Finding) {
	add := func(what string) { found = append(found, Findingf("the trail at %s: %s", e.Place, what)) }
	switch {
	case e.Seat == "" && e.Booking == "":
		add("an entry about no seat and no booking")
	case e.Version < 0, e.Version > 0 && e.Seat == "", e.Version == 0 && e.Status != Available:
		add("an entry whose status and version do not go together")
	}
	if e.At.IsZero() || e.At.After(now.Add(24*time.Hour)) { // other servers' clocks may be ahead
		add("an entry without a time that can be")
	}
	return found
}

// CheckSeat reports faults of a seat at now. clock is its holder's for the
// event, Version 0 if there is none.
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

// misses reports how the holder's clock does not fit a seat that is locked or
// being paid for; "" if it does. Locks that are over need no clock.
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

// CheckClock reports faults of a holder's clock for an event.
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

// CheckNext reports faults of a change of a seat after the previous change of
// the same seat; before is zero if this is the first that is kept.
func CheckNext(before, next Change) []Finding {
	if before.Seat.Version == 0 || next.Seat.Version == before.Seat.Version+1 {
		return nil
	}
	return []Finding{Findingf("seat %s of %s: the feed goes from version %d to %d",
		next.Seat.ID, next.Event, before.Seat.Version, next.Seat.Version)}
}

// CheckNewest reports how a seat differs from its newest change in the feed.
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
	case told.Booking != s.Booking:
		what = "of another booking than the feed tells"
	case !told.LockedUntil.Equal(s.LockedUntil), !told.LockTime.Equal(s.LockTime):
		what = "its lock has other times than the feed tells"
	default:
		return nil
	}
	return []Finding{Findingf("seat %s of %s: %s", s.ID, newest.Event, what)}
}

// maxAhead is how far ahead an attempt or a refund can be leased or due. Both are
// a matter of minutes: what is later was written by a clock that was wrong.
const maxAhead = 24 * time.Hour

// CheckRecord reports faults of a single record at now. It knows the kinds that
// [RelatedRecords] and [CheckBookings] are about; others are checked by their
// owners.
func CheckRecord(r Record, now time.Time) []Finding {
	id, own, work, err := "", Record{}, Work{}, error(nil)
	switch r.Kind {
	case BookingRecord:
		b, failed := decode[Booking](r)
		id, own, err = b.Code, b.record(), failed
	case AttemptRecord:
		a, failed := decode[Attempt](r)
		id, own, work, err = a.ID, a.record(), a.Work, failed
	case RefundRecord:
		f, failed := decode[Refund](r)
		id, own, work, err = f.ID, f.record(), f.Work, failed
	default:
		return nil
	}
	listed := maps.Clone(r.Index)
	maps.DeleteFunc(listed, func(name, _ string) bool { return !Declared(Kinds(), r.Kind, name) })
	what := ""
	switch {
	case !ValidCode(BookingOf(r.ID)):
		return []Finding{Findingf("a record of kind %s has an id that is none", r.Kind)}
	case err != nil:
		what = "it cannot be read"
	case id != r.ID:
		what = "it says that it is another"
	case !maps.Equal(listed, own.Index):
		what = "it is listed by other values than it says"
	case work.Leased.Sub(now) > maxAhead:
		what = "somebody is at work on it for more than a day"
	case work.Due.Sub(now) > maxAhead:
		what = "it is looked at in more than a day"
	default:
		return nil
	}
	return []Finding{Findingf("%s %s: %s", r.Kind, r.ID, what)}
}

// RelatedRecords returns the keys of the other records of a booking that
// [CheckBookings] needs; some may not exist. A booking that cannot be read has
// none.
func RelatedRecords(booking Record) []Key {
	b, err := decode[Booking](booking)
	if err != nil {
		return nil
	}
	keys := []Key{{AttemptRecord, b.Attempt()}}
	for _, id := range b.Refunds {
		keys = append(keys, Key{RefundRecord, id})
	}
	return keys
}

// CheckBookings reports how the bookings of an event do not fit its seats, its
// holders' clocks, or each other. seats must include those that name a booking
// or have an unknown status; records are its bookings and the existing ones of
// their [RelatedRecords]. A removed event has no seats, and its bookings may be
// over.
//
// Seats that name no booking are left alone, whatever their status: programs
// from before there were bookings may have left them.
func CheckBookings(event string, seats []Seat, clocks map[Holder]Clock, records []Record) []Finding {
	c := bookingCheck{
		event: event, seats: map[string]Seat{}, unpaid: map[Holder]int{},
		bookings: map[string]Booking{}, attempts: map[string]Attempt{}, refunds: map[string]Refund{},
	}
	for _, s := range seats {
		c.seats[s.ID] = s
	}
	for _, r := range records {
		c.read(r)
	}
	for _, code := range slices.Sorted(maps.Keys(c.bookings)) {
		b := c.bookings[code]
		c.lines(b)
		c.tickets(b)
		c.attempt(b)
		c.money(b)
	}
	for _, s := range seats {
		c.seat(s)
	}
	for _, holder := range slices.Sorted(maps.Keys(clocks)) {
		if told, is := clocks[holder].Unpaid, c.unpaid[holder]; told != is {
			c.found = append(c.found, Findingf("a clock of %s: %d seats are unpaid, and reserved are %d", event, told, is))
		}
		delete(c.unpaid, holder)
	}
	for _, holder := range slices.Sorted(maps.Keys(c.unpaid)) {
		c.found = append(c.found, Findingf("a clock of %s is missing: reserved are %d seats", event, c.unpaid[holder]))
	}
	return c.found
}

type bookingCheck struct {
	event    string
	seats    map[string]Seat
	bookings map[string]Booking
	attempts map[string]Attempt
	refunds  map[string]Refund
	unpaid   map[Holder]int // seats that are reserved
	found    []Finding
}

// read leaves out what cannot be read: CheckRecord tells of that.
func (c *bookingCheck) read(r Record) {
	switch r.Kind {
	case BookingRecord:
		if b, err := decode[Booking](r); err == nil && b.Event == c.event {
			c.bookings[r.ID] = b
		}
	case AttemptRecord:
		if a, err := decode[Attempt](r); err == nil {
			c.attempts[r.ID] = a
		}
	case RefundRecord:
		if f, err := decode[Refund](r); err == nil {
			c.refunds[r.ID] = f
		}
	}
}

func (c *bookingCheck) add(b Booking, format string, args ...any) {
	c.found = append(c.found, Findingf("booking %s of %s: %s, and "+format, append([]any{b.Code, c.event, b.State}, args...)...))
}

// seatStatus is what the seats of a booking in this state are; ok is false if it
// has none.
func (s BookingState) seatStatus() (status Status, ok bool) {
	switch s {
	case BookingPaying:
		return Paying, true
	case BookingBooked, BookingReserved:
		return Booked, true
	}
	return Available, false
}

// lines checks that a booking has its seats. How one that names it differs, seat
// tells.
func (c *bookingCheck) lines(b Booking) {
	if _, has := b.State.seatStatus(); !has {
		return
	}
	kept := b.Kept()
	if b.State == BookingReserved {
		c.unpaid[b.Holder] += len(kept)
	}
	if len(kept) == 0 {
		c.add(b, "it has no line that is not cancelled")
	}
	for _, l := range kept {
		s := c.seats[l.Seat]
		if claimed := s.Status == Paying || s.Status == Booked; s.Status != Unknown && (!claimed || s.Booking != b.Code) {
			c.add(b, "seat %s is not its own", l.Seat)
		}
	}
}

// tickets checks that what is kept of tickets is about the booking's lines, and that
// nobody was let in with one that was never paid for.
func (c *bookingCheck) tickets(b Booking) {
	for _, seat := range slices.Sorted(maps.Keys(b.Tickets)) {
		t := b.Tickets[seat]
		switch in := !t.In.IsZero(); {
		case !slices.Contains(Seats(b.Lines), seat):
			c.add(b, "it has a ticket for %s, which is no seat of it", seat)
		case t.Issue < 0:
			c.add(b, "the ticket for %s has the issue number %d", seat, t.Issue)
		case in && b.State.known() && b.State != BookingBooked && b.State != BookingCancelled:
			c.add(b, "the ticket for %s was let in", seat)
		}
	}
}

// seat checks that the booking which a seat names has it.
func (c *bookingCheck) seat(s Seat) {
	if s.Booking == "" || s.Status != Paying && s.Status != Booked {
		return
	}
	add := func(format string, args ...any) {
		c.found = append(c.found, Findingf("seat %s of %s: %s, and "+format, append([]any{s.ID, c.event, s.Status}, args...)...))
	}
	b, known := c.bookings[s.Booking]
	status, has := b.State.seatStatus()
	switch {
	case !known:
		add("the event has no booking %s", s.Booking)
	case !b.State.known(): // a newer program's
	case !has, status != s.Status:
		add("booking %s is %s", b.Code, b.State)
	case b.Holder != s.LockedBy:
		add("booking %s is another holder's", b.Code)
	case !slices.ContainsFunc(b.Kept(), func(l Line) bool { return l.Seat == s.ID }):
		add("booking %s has no such seat", b.Code)
	}
}

func (s BookingState) known() bool {
	_, seats := s.seatStatus()
	return seats || s == BookingDeclined || s == BookingLapsed || s == BookingLost || s == BookingCancelled
}

// paid reports whether the money of a booking in this state is, or was, there.
func (s BookingState) paid() bool {
	return s == BookingBooked || s == BookingLost || s == BookingCancelled
}

// online reports whether a booking must have an attempt. What costs nothing has
// no provider, and who pays at the door has the seats at once.
func (b Booking) online() bool { return b.Provider != "" && !b.Booked.Equal(b.Begun) }

// attempt checks that there is one where there must be, and what it came to.
func (c *bookingCheck) attempt(b Booking) {
	a, there := c.attempts[b.Attempt()]
	switch captured := a.State == AttemptCaptured; {
	case !there && b.online():
		c.add(b, "its attempt is missing")
	case !there:
	case b.State == BookingPaying && a.Final(), b.State.paid() != captured && b.State.known():
		c.add(b, "its attempt is %s", a.State)
	case captured && a.Amount != b.Captured:
		c.add(b, "its attempt has captured %d, and it tells of %d", a.Amount, b.Captured)
	case a.Amount != b.Total():
		c.add(b, "its attempt is of %d, and its seats cost %d", a.Amount, b.Total())
	}
}

// money checks the sums of a booking.
func (c *bookingCheck) money(b Booking) {
	var done, wanted int64
	var refunds []Refund
	for _, id := range b.Refunds {
		f, there := c.refunds[id]
		if !there {
			c.add(b, "its refund %s is missing", id)
			return // and the sums with it
		}
		refunds = append(refunds, f)
		if wanted += f.Amount; f.State == RefundDone {
			done += f.Amount
		}
	}
	c.paidBack(b, refunds)
	keeps, known := b.keeps()
	switch {
	case b.State == BookingReserved && b.Owed() <= 0:
		c.add(b, "it owes nothing")
	case b.Refunded > b.Captured:
		c.add(b, "%d was refunded of %d", b.Refunded, b.Captured)
	case wanted > b.Captured:
		c.add(b, "%d is to be refunded of %d", wanted, b.Captured)
	case done != b.Refunded:
		c.add(b, "its refunds have paid %d back, and it tells of %d", done, b.Refunded)
	case known && b.Captured-wanted != keeps:
		c.add(b, "it keeps %d of %d, and should keep %d", b.Captured-wanted, b.Captured, keeps)
	}
}

// keeps is what a booking has of its money once all refunds are done: the price
// of the seats that it has, and of those whose price the house has kept. ok is
// false in a state that only a newer program knows.
func (b Booking) keeps() (amount int64, ok bool) {
	if b.State != BookingBooked && b.State != BookingCancelled {
		return 0, b.State.known() // not paid, or paid for seats that were lost
	}
	for _, l := range b.Lines {
		if !l.Cancelled || l.NoRefund {
			amount += l.Price
		}
	}
	return amount, true
}

// paidBack checks that refunds are of lines that were given back, each once, and
// of their price.
func (c *bookingCheck) paidBack(b Booking, refunds []Refund) {
	var paid []string
	for _, f := range refunds {
		var lines []Line
		for _, id := range f.Seats {
			i := slices.IndexFunc(b.Lines, func(l Line) bool { return l.Seat == id })
			switch {
			case i < 0:
				c.add(b, "its refund %s is of another's seat", f.ID)
				continue
			case slices.Contains(paid, id):
				c.add(b, "seat %s is paid back twice", id)
			case b.State != BookingLost && (!b.Lines[i].Cancelled || b.Lines[i].NoRefund):
				c.add(b, "seat %s is paid back, and was not to be", id)
			}
			lines, paid = append(lines, b.Lines[i]), append(paid, id)
		}
		if price := TotalOf(lines); f.Amount != price {
			c.add(b, "its refund %s is of %d, and the seats cost %d", f.ID, f.Amount, price)
		}
	}
}
