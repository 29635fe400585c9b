package store

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// ledger is what CheckBookings is asked about.
type ledger struct {
	seats   map[string]Seat
	clocks  map[Holder]Clock
	records map[Key]Record
}

func (l ledger) check() []Finding {
	return CheckBookings("hall", slices.Collect(maps.Values(l.seats)), l.clocks, slices.Collect(maps.Values(l.records)))
}

func (l ledger) keep(r Record) { r.Version = 1; l.records[r.Key] = r }

func (l ledger) booking(code string, change func(*Booking)) {
	b, err := decode[Booking](l.records[Key{BookingRecord, code}])
	if err != nil {
		panic(err) // it is of this test
	}
	change(&b)
	l.keep(b.record())
}

func (l ledger) seat(id string, change func(*Seat)) {
	s := l.seats[id]
	change(&s)
	l.seats[id] = s
}

// soundLedger has bookings of all kinds, and nothing wrong.
func soundLedger() ledger {
	l := ledger{map[string]Seat{}, map[Holder]Clock{"bob": {Unpaid: 2, Version: 1}, "ann": {Version: 1}}, map[Key]Record{}}
	now := time.UnixMilli(1_900_000_000_000).UTC()
	lines := func(ids ...string) (lines []Line) {
		for _, id := range ids {
			lines = append(lines, Line{Seat: id, Price: 10})
		}
		return lines
	}
	sell := func(b Booking, status Status, seats ...string) {
		b.Event, b.Provider, b.Begun = "hall", "demo", now
		l.keep(b.record())
		for _, id := range seats {
			l.seats[id] = Seat{ID: id, Status: status, LockedBy: b.Holder, Booking: b.Code, Version: 3}
		}
	}
	sell(Booking{Code: "PPPPPPPPPP", Holder: "ann", State: BookingPaying, Lines: lines("p1", "p2")}, Paying, "p1", "p2")
	l.keep(Attempt{ID: "PPPPPPPPPP-1", State: AttemptStarted, Amount: 20, Work: Work{Due: now}}.record())
	sell(Booking{Code: "RRRRRRRRRR", Holder: "bob", State: BookingReserved, Lines: lines("r1", "r2"), Booked: now, PayUntil: now}, Booked, "r1", "r2")
	booked := Booking{Code: "BBBBBBBBBB", Holder: "cid", State: BookingBooked, Lines: lines("b1", "b2", "b3"), Booked: now.Add(1), Captured: 30, Refunded: 10, Refunds: []string{"BBBBBBBBBB-r1"}}
	booked.Lines[1].Cancelled, booked.Lines[2].Cancelled, booked.Lines[2].NoRefund = true, true, true
	sell(booked, Booked, "b1")
	l.keep(Attempt{ID: "BBBBBBBBBB-1", State: AttemptCaptured, Amount: 30}.record())
	l.keep(Refund{ID: "BBBBBBBBBB-r1", State: RefundDone, Amount: 10, Seats: []string{"b2"}}.record())
	door := Booking{Code: "DDDDDDDDDD", Holder: "eva", State: BookingBooked, Lines: lines("d1", "d2"), Booked: now, Captured: 10}
	door.Lines[1].Cancelled = true // before it was paid
	sell(door, Booked, "d1")
	sell(Booking{Code: "LLLLLLLLLL", Holder: "dan", State: BookingLapsed, Lines: lines("b2")}, Available)
	l.keep(Attempt{ID: "LLLLLLLLLL-1", State: AttemptStarted, Amount: 10, LetGo: true}.record())
	sell(Booking{Code: "GGGGGGGGGG", Holder: "dan", State: BookingLost, Lines: lines("d2"), Captured: 10, Refunds: []string{"GGGGGGGGGG-r1"}}, Available)
	l.keep(Attempt{ID: "GGGGGGGGGG-1", State: AttemptCaptured, Amount: 10}.record())
	l.keep(Refund{ID: "GGGGGGGGGG-r1", State: RefundStuck, Amount: 10, Seats: []string{"d2"}}.record())
	free := Booking{Code: "FFFFFFFFFF", Holder: "eva", State: BookingBooked, Lines: []Line{{Seat: "f1"}}, Booked: now, Tickets: map[string]Ticket{"f1": {Issue: 3, In: now}}}
	sell(free, Booked, "f1")
	l.booking(free.Code, func(b *Booking) { b.Provider = "" })
	sell(Booking{Code: "NNNNNNNNNN", Holder: "dan", State: "invoiced", Booked: now, Lines: lines("n1")}, Booked, "n1") // by a newer program
	l.seats["old"] = Seat{ID: "old", Status: Booked, LockedBy: "eve", Version: 2}
	return l
}

// TestCheckBookings finds each fault by itself, and names no holder.
func TestCheckBookings(t *testing.T) {
	if found := soundLedger().check(); len(found) > 0 {
		t.Fatalf("nothing is wrong: got %q", found)
	}
	for want, change := range map[string]func(l ledger){
		"seat p1 of hall: paying, and the event has no booking QQQQQQQQQQ\nbooking PPPPPPPPPP of hall: paying, and seat p1 is not its own": func(l ledger) {
			l.seat("p1", func(s *Seat) { s.Booking = "QQQQQQQQQQ" })
		},
		"booking PPPPPPPPPP of hall: paying, and seat p1 is not its own": func(l ledger) { delete(l.seats, "p1") },
		"booking BBBBBBBBBB of hall: booked, and seat b1 is not its own": func(l ledger) {
			l.seat("b1", func(s *Seat) { *s = Seat{ID: "b1", Version: 9} })
		},
		"booking RRRRRRRRRR of hall: reserved, and seat r1 is not its own": func(l ledger) { l.seat("r1", func(s *Seat) { s.Booking = "" }) },
		"seat p1 of hall: paying, and booking PPPPPPPPPP is another holder's": func(l ledger) {
			l.seat("p1", func(s *Seat) { s.LockedBy = "bob" })
		},
		"seat p1 of hall: booked, and booking PPPPPPPPPP is paying":   func(l ledger) { l.seat("p1", func(s *Seat) { s.Status = Booked }) },
		"seat r1 of hall: paying, and booking RRRRRRRRRR is reserved": func(l ledger) { l.seat("r1", func(s *Seat) { s.Status = Paying }) },
		"seat b1 of hall: booked, and booking BBBBBBBBBB is lost\nbooking BBBBBBBBBB of hall: lost, and it keeps 20 of 30, and should keep 0": func(l ledger) {
			l.booking("BBBBBBBBBB", func(b *Booking) { b.State = BookingLost })
		},
		"seat b2 of hall: booked, and booking BBBBBBBBBB has no such seat": func(l ledger) {
			l.seats["b2"] = Seat{ID: "b2", Status: Booked, LockedBy: "cid", Booking: "BBBBBBBBBB", Version: 4}
		},
		"seat b1 of hall: booked, and the event has no booking BBBBBBBBBB": func(l ledger) {
			l.booking("BBBBBBBBBB", func(b *Booking) { b.Event = "other" })
		},
		"booking BBBBBBBBBB of hall: booked, and it has no line that is not cancelled\nseat b1 of hall: booked, and booking BBBBBBBBBB has no such seat\nbooking BBBBBBBBBB of hall: booked, and it keeps 20 of 30, and should keep 10": func(l ledger) {
			l.booking("BBBBBBBBBB", func(b *Booking) { b.Lines[0].Cancelled = true })
		},
		"booking PPPPPPPPPP of hall: paying, and its attempt is missing": func(l ledger) { delete(l.records, Key{AttemptRecord, "PPPPPPPPPP-1"}) },
		"booking PPPPPPPPPP of hall: paying, and its attempt is dead": func(l ledger) {
			l.keep(Attempt{ID: "PPPPPPPPPP-1", State: AttemptDead}.record())
		},
		"booking BBBBBBBBBB of hall: booked, and its attempt has captured 20, and it tells of 30": func(l ledger) {
			l.keep(Attempt{ID: "BBBBBBBBBB-1", State: AttemptCaptured, Amount: 20}.record())
		},
		"booking BBBBBBBBBB of hall: booked, and its attempt is missing": func(l ledger) { delete(l.records, Key{AttemptRecord, "BBBBBBBBBB-1"}) },
		"booking BBBBBBBBBB of hall: booked, and its attempt is dead\nbooking BBBBBBBBBB of hall: booked, and it keeps 0 of 0, and should keep 20": func(l ledger) {
			l.keep(Attempt{ID: "BBBBBBBBBB-1", State: AttemptDead, Amount: 30}.record())
			l.booking("BBBBBBBBBB", func(b *Booking) { b.Captured, b.Refunded, b.Refunds = 0, 0, nil })
		},
		"booking BBBBBBBBBB of hall: booked, and its attempt is of 40, and its seats cost 30\nbooking BBBBBBBBBB of hall: booked, and it keeps 30 of 40, and should keep 20": func(l ledger) {
			l.keep(Attempt{ID: "BBBBBBBBBB-1", State: AttemptCaptured, Amount: 40}.record())
			l.booking("BBBBBBBBBB", func(b *Booking) { b.Captured = 40 })
		},
		"booking GGGGGGGGGG of hall: lost, and its attempt is authorized": func(l ledger) {
			l.keep(Attempt{ID: "GGGGGGGGGG-1", State: AttemptAuthorized, Amount: 10}.record())
		},
		"booking LLLLLLLLLL of hall: lapsed, and its attempt is captured": func(l ledger) {
			l.keep(Attempt{ID: "LLLLLLLLLL-1", State: AttemptCaptured, Amount: 10}.record())
		},
		"booking PPPPPPPPPP of hall: paying, and it keeps 20 of 20, and should keep 0": func(l ledger) {
			l.booking("PPPPPPPPPP", func(b *Booking) { b.Captured = 20 })
		},
		"booking DDDDDDDDDD of hall: booked, and it keeps 9 of 9, and should keep 10": func(l ledger) {
			l.booking("DDDDDDDDDD", func(b *Booking) { b.Captured = 9 })
		},
		"booking BBBBBBBBBB of hall: booked, and it keeps 20 of 30, and should keep 10": func(l ledger) {
			l.booking("BBBBBBBBBB", func(b *Booking) { b.Lines[2].NoRefund = false })
		},
		"booking RRRRRRRRRR of hall: reserved, and it owes nothing": func(l ledger) {
			l.booking("RRRRRRRRRR", func(b *Booking) { b.Lines[0].Price, b.Lines[1].Price = 0, 0 })
		},
		"booking BBBBBBBBBB of hall: booked, and seat b1 is paid back, and was not to be": func(l ledger) {
			l.keep(Refund{ID: "BBBBBBBBBB-r1", State: RefundDone, Amount: 10, Seats: []string{"b1"}}.record())
		},
		"booking BBBBBBBBBB of hall: booked, and seat b3 is paid back, and was not to be": func(l ledger) {
			l.keep(Refund{ID: "BBBBBBBBBB-r1", State: RefundDone, Amount: 10, Seats: []string{"b3"}}.record())
		},
		"booking BBBBBBBBBB of hall: booked, and seat b2 is paid back twice\nbooking BBBBBBBBBB of hall: booked, and it keeps 10 of 30, and should keep 20": func(l ledger) {
			l.keep(Refund{ID: "BBBBBBBBBB-r2", State: RefundWanted, Amount: 10, Seats: []string{"b2"}}.record())
			l.booking("BBBBBBBBBB", func(b *Booking) { b.Refunds = append(b.Refunds, "BBBBBBBBBB-r2") })
		},
		"booking BBBBBBBBBB of hall: booked, and its refund BBBBBBBBBB-r1 is of another's seat\nbooking BBBBBBBBBB of hall: booked, and its refund BBBBBBBBBB-r1 is of 10, and the seats cost 0": func(l ledger) {
			l.keep(Refund{ID: "BBBBBBBBBB-r1", State: RefundDone, Amount: 10, Seats: []string{"p1"}}.record())
		},
		"booking BBBBBBBBBB of hall: booked, and its refund BBBBBBBBBB-r1 is missing": func(l ledger) {
			delete(l.records, Key{RefundRecord, "BBBBBBBBBB-r1"})
		},
		"booking BBBBBBBBBB of hall: booked, and 31 was refunded of 30": func(l ledger) {
			l.booking("BBBBBBBBBB", func(b *Booking) { b.Refunded = 31 })
		},
		"booking BBBBBBBBBB of hall: booked, and 31 is to be refunded of 30\nbooking BBBBBBBBBB of hall: booked, and its refund BBBBBBBBBB-r1 is of 31, and the seats cost 10": func(l ledger) {
			l.keep(Refund{ID: "BBBBBBBBBB-r1", State: RefundWanted, Amount: 31, Seats: []string{"b2"}}.record())
		},
		"booking BBBBBBBBBB of hall: booked, and its refunds have paid 0 back, and it tells of 10": func(l ledger) {
			l.keep(Refund{ID: "BBBBBBBBBB-r1", State: RefundStuck, Amount: 10, Seats: []string{"b2"}}.record())
		},
		"booking BBBBBBBBBB of hall: booked, and it has a ticket for p1, which is no seat of it": func(l ledger) {
			l.booking("BBBBBBBBBB", func(b *Booking) { b.Tickets = map[string]Ticket{"p1": {Issue: 4}} })
		},
		"booking BBBBBBBBBB of hall: booked, and the ticket for b1 has the issue number -1": func(l ledger) {
			l.booking("BBBBBBBBBB", func(b *Booking) { b.Tickets = map[string]Ticket{"b1": {Issue: -1}} })
		},
		"booking RRRRRRRRRR of hall: reserved, and the ticket for r1 was let in": func(l ledger) {
			l.booking("RRRRRRRRRR", func(b *Booking) { b.Tickets = map[string]Ticket{"r1": {In: b.Begun}} })
		},
		"a clock of hall: 1 seats are unpaid, and reserved are 2": func(l ledger) { l.clocks["bob"] = Clock{Unpaid: 1, Version: 1} },
		"a clock of hall is missing: reserved are 2 seats":        func(l ledger) { delete(l.clocks, "bob") },
		"a clock of hall: 3 seats are unpaid, and reserved are 0": func(l ledger) { l.clocks["ann"] = Clock{Unpaid: 3, Version: 1} },
	} {
		l := soundLedger()
		change(l)
		var found []string
		for _, f := range l.check() {
			found = append(found, string(f))
		}
		slices.Sort(found)
		wanted := strings.Split(want, "\n")
		slices.Sort(wanted)
		if !slices.Equal(found, wanted) {
			t.Errorf("got %q, want %q", found, wanted)
		}
	}
	l := soundLedger()
	l.seat("p1", func(s *Seat) { s.Status = Unknown })
	if found := l.check(); len(found) > 0 {
		t.Errorf("a seat of a newer program: got %q", found)
	}
}

// TestCheckRemoved has bookings of an event that is no more.
func TestCheckRemoved(t *testing.T) {
	over := Booking{Code: "LLLLLLLLLL", Event: "gone", Holder: "dan", State: BookingCancelled, Lines: []Line{{Seat: "a", Cancelled: true}}}
	if found := CheckBookings("gone", nil, nil, []Record{over.record()}); len(found) > 0 {
		t.Errorf("got %q, want nothing", found)
	}
	over.State, over.Lines[0].Cancelled = BookingBooked, false
	if found := CheckBookings("gone", nil, nil, []Record{over.record()}); len(found) != 1 {
		t.Errorf("got %q, want that it has no seat", found)
	}
}

// TestCheckRecord finds what is wrong with a record by itself.
func TestCheckRecord(t *testing.T) {
	now := time.UnixMilli(1_900_000_000_000).UTC()
	b := Booking{Code: "RRRRRRRRRR", Event: "hall", State: BookingReserved, PayUntil: now}.record()
	a := Attempt{ID: "RRRRRRRRRR-1", Work: Work{Due: now}}.record()
	f := Refund{ID: "RRRRRRRRRR-r1"}.record()
	with := func(r Record, change func(*Record)) Record {
		r.Index = maps.Clone(r.Index)
		change(&r)
		return r
	}
	for _, c := range []struct {
		record Record
		want   string // "" is nothing
	}{
		{b, ""}, {a, ""}, {f, ""}, {Record{Key: Key{Session, "x"}, Body: json.RawMessage(`7`)}, ""},
		{Attempt{ID: a.ID, Work: Work{Due: now.Add(24 * time.Hour), Leased: now.Add(24 * time.Hour)}}.record(), ""},
		{Attempt{ID: a.ID, Work: Work{Due: now.Add(24*time.Hour + 1)}}.record(), "attempt RRRRRRRRRR-1: it is looked at in more than a day"},
		{Refund{ID: f.ID, Work: Work{Due: now, Leased: now.Add(24*time.Hour + 1)}}.record(), "refund RRRRRRRRRR-r1: somebody is at work on it"},
		{with(b, func(r *Record) { r.Index["colour"] = "red" }), ""}, // a newer program's
		{with(b, func(r *Record) { r.Body = json.RawMessage(`{"lines":7}`) }), "booking RRRRRRRRRR: it cannot be read"},
		{with(a, func(r *Record) { r.Body = json.RawMessage(`{"id":7}`) }), "attempt RRRRRRRRRR-1: it cannot be read"},
		{with(b, func(r *Record) { r.ID = "SSSSSSSSSS" }), "booking SSSSSSSSSS: it says that it is another"},
		{with(f, func(r *Record) { r.ID = "RRRRRRRRRR-r2" }), "refund RRRRRRRRRR-r2: it says that it is another"},
		{with(b, func(r *Record) { r.ID = "a secret" }), "a record of kind booking has an id that is none"},
		{with(b, func(r *Record) { delete(r.Index, due) }), "booking RRRRRRRRRR: it is listed by other values than it says"},
		{with(b, func(r *Record) { r.Index[ofEvent] = "other" }), "booking RRRRRRRRRR: it is listed"},
		{with(a, func(r *Record) { r.Index = nil }), "attempt RRRRRRRRRR-1: it is listed"},
		{with(f, func(r *Record) { r.Index = map[string]string{due: "2027"} }), "refund RRRRRRRRRR-r1: it is listed"},
	} {
		found := CheckRecord(c.record, now)
		if c.want == "" && len(found) > 0 || c.want != "" && (len(found) != 1 || !strings.Contains(string(found[0]), c.want)) {
			t.Errorf("got %q, want %q", found, c.want)
		}
	}
}
