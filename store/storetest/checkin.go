package storetest

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/seatlock/seatlock/store"
)

func checkInCases() []testCase {
	return []testCase{
		{"a ticket is let in, and no seat changes", checkInOnce},
		{"a second scan says when the first was", checkInSecond},
		{"50 scans of one ticket at once let one in", checkInRace},
		{"undone, it can be let in again", checkInUndo},
		{"refused until it is paid for", checkInUnpaid},
		{"refused when it never came to be", checkInEnded},
		{"refused when it was cancelled", checkInCancelled},
		{"refused when another ticket was issued", checkInReplaced},
		{"refused at another event, and for no booking", checkInForeign},
		{"what is told later counts from when it was", checkInLater},
		{"a scan of the future is one of now", checkInFuture},
		{"of a scan and a cancel one comes first", checkInCancelRace},
		{"of a scan and a new ticket one comes first", checkInReissueRace},
		{"fields of tomorrow are kept", checkInUnknown},
	}
}

func reissueCases() []testCase {
	return []testCase{
		{"the ticket before is refused, the others stay", reissueOne},
		{"without seats it is all of them", reissueAll},
		{"who was let in stays so", reissueIn},
		{"all or none, and only seats that it has", reissueNoSeat},
		{"only while it has seats", reissueEnded},
		{"16 at once issue 16", reissueRace},
	}
}

// booked has somebody book seats of the evening.
func (w *world) booked(who store.Holder, seats ...string) store.Booking {
	w.Helper()
	w.lock(who, seats...)
	return w.book(who)
}

// ticketOf is a scan of the valid ticket of a seat.
func (w *world) ticketOf(code, seat string) store.CheckInRequest {
	w.Helper()
	return store.CheckInRequest{Event: evening, TicketEvent: evening, Code: code, Seat: seat, Issue: w.booking(code).Ticket(seat).Issue}
}

func (w *world) tryCheckIn(r store.CheckInRequest) (store.BookingOutcome, error) {
	return w.s.CheckIn(w.Context(), r)
}

func (w *world) checkIn(r store.CheckInRequest) store.BookingOutcome {
	w.Helper()
	return w.told(w.tryCheckIn(r))
}

func (w *world) reissue(code string, seats ...string) store.BookingOutcome {
	w.Helper()
	return w.told(w.s.Reissue(w.Context(), code, seats))
}

// refusedIn fails unless a scan is refused for that reason, and changes nothing.
func (w *world) refusedIn(r store.CheckInRequest, why error) {
	w.Helper()
	w.still(r.Code, func() {
		for _, undo := range []bool{false, true} {
			r.Undo = undo
			_, err := w.tryCheckIn(r)
			w.wantErr(err, why)
		}
	})
}

// in is when a seat was let in.
func (w *world) in(code, seat string) time.Time {
	w.Helper()
	return w.booking(code).Ticket(seat).In
}

func checkInOnce(w *world) {
	w.open(2)
	b := w.booked("anna", "s1", "s2")
	if t := b.Ticket("s1"); t.Issue != 1 || !t.In.IsZero() || !b.HasTickets() {
		w.Fatalf("the first ticket is %+v", t)
	}
	before := w.now()
	w.unchanged(func() { w.checkIn(w.ticketOf(b.Code, "s1")) })
	if in := w.in(b.Code, "s1"); in.Before(before) || in.After(w.now()) {
		w.Fatalf("let in at %v, want between %v and now", in, before)
	}
	if in := w.in(b.Code, "s2"); !in.IsZero() {
		w.Fatalf("the other one was let in at %v", in)
	}
	if got := w.booking(b.Code); got.State != store.BookingBooked || text(got.Lines) != text(b.Lines) || got.Ticket("s1").Issue != 1 {
		w.Fatalf("got %+v, was %+v", got, b)
	}
	w.checkIn(w.ticketOf(b.Code, "s2"))
	w.wantBooks()
}

func checkInSecond(w *world) {
	w.open(2)
	b := w.booked("anna", "s1", "s2")
	w.checkIn(w.ticketOf(b.Code, "s1"))
	first := w.in(b.Code, "s1")
	w.pass(first.Add(2 * time.Millisecond))
	w.still(b.Code, func() {
		for _, s := range w.both() {
			out, err := s.CheckIn(w.Context(), w.ticketOf(b.Code, "s1"))
			w.wantErr(err, store.ErrCheckedIn)
			if got := out.Booking.Ticket("s1").In; !got.Equal(first) {
				w.Fatalf("told of %v, want %v", got, first)
			}
		}
	})
}

func checkInRace(w *world) {
	stores := w.both()
	w.open(1)
	for round := range w.rounds(4) {
		b := w.booked(holder(round), "s1")
		r := w.ticketOf(b.Code, "s1")
		errs := make([]error, 50)
		outs := make([]store.BookingOutcome, 50)
		race(50, func(i int) { outs[i], errs[i] = stores[i%2].CheckIn(w.Context(), r) })
		first := outs[w.oneWinner(errs, store.ErrCheckedIn)].Booking.Ticket("s1").In
		for i, out := range outs {
			if got := out.Booking.Ticket("s1").In; got.IsZero() || !got.Equal(first) {
				w.Fatalf("scan %d was told of %v, want %v", i, got, first)
			}
		}
		w.told(w.tryCancel(store.CancelRequest{Code: b.Code, Force: true}))
	}
}

func checkInUndo(w *world) {
	w.open(1)
	b := w.booked("anna", "s1")
	undo := func() store.CheckInRequest {
		r := w.ticketOf(b.Code, "s1")
		r.Undo = true
		return r
	}
	wasOut := func() {
		if !w.checkIn(undo()).Repeat {
			w.Fatal("what was out already is told as let out")
		}
	}
	w.still(b.Code, wasOut)
	for range 2 {
		w.checkIn(w.ticketOf(b.Code, "s1"))
		w.unchanged(func() {
			if w.checkIn(undo()).Repeat {
				w.Fatal("what was in is told as out already")
			}
		})
		if in := w.in(b.Code, "s1"); !in.IsZero() {
			w.Fatalf("still in since %v", in)
		}
		w.still(b.Code, wasOut)
	}
	w.checkIn(w.ticketOf(b.Code, "s1"))
}

func checkInUnpaid(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	paying := w.pay("anna")
	w.refusedIn(w.ticketOf(paying.Code, "s1"), store.ErrUnpaid)
	w.confirm(paying.Code)
	w.checkIn(w.ticketOf(paying.Code, "s1"))
	w.lock("bert", "s2")
	reserved := w.reserve("bert")
	w.refusedIn(w.ticketOf(reserved.Code, "s2"), store.ErrUnpaid)
	w.paid(reserved.Code)
	w.checkIn(w.ticketOf(reserved.Code, "s2"))
}

func checkInEnded(w *world) {
	w.open(4)
	lost := w.late("anna", "s1")
	w.refusedIn(w.ticketOf(lost, "s1"), store.ErrEnded) // as long as it has lapsed
	w.lock("bert", "s1")
	w.confirm(lost)
	w.refusedIn(w.ticketOf(lost, "s1"), store.ErrEnded)
	w.lock("anna", "s2")
	declined := w.pay("anna").Code
	w.decline(declined)
	w.refusedIn(w.ticketOf(declined, "s2"), store.ErrEnded)
	w.lock("carl", "s3")
	lapsed := w.reserve("carl").Code
	w.overdue(lapsed)
	w.lapsed(lapsed)
	w.refusedIn(w.ticketOf(lapsed, "s3"), store.ErrEnded)
}

func checkInCancelled(w *world) {
	w.open(2)
	b := w.booked("anna", "s1", "s2")
	one, two := w.ticketOf(b.Code, "s1"), w.ticketOf(b.Code, "s2")
	w.cancel(b.Code, "s1")
	w.refusedIn(one, store.ErrCancelled)
	w.checkIn(two)
	two.Undo = true
	w.checkIn(two)
	w.cancel(b.Code)
	w.booked("bert", "s2")
	w.refusedIn(one, store.ErrCancelled)
	w.refusedIn(two, store.ErrCancelled)
}

func checkInReplaced(w *world) {
	w.open(4)
	b := w.booked("anna", "s1", "s2")
	first := w.ticketOf(b.Code, "s1")
	w.reissue(b.Code, "s1")
	w.refusedIn(first, store.ErrReplaced)
	never := w.ticketOf(b.Code, "s1")
	never.Issue++
	w.refusedIn(never, store.ErrReplaced)
	w.checkIn(w.ticketOf(b.Code, "s1"))
	w.refusedIn(first, store.ErrReplaced) // also once the other one is in
	other := w.ticketOf(b.Code, "s2")
	other.Seat = "s3"
	w.refusedIn(other, store.ErrReplaced) // which is no seat of the booking
	second := w.ticketOf(b.Code, "s2")
	w.move(b.Code, "s2", "s4")
	w.refusedIn(second, store.ErrReplaced)
	w.checkIn(w.ticketOf(b.Code, "s4"))
}

func checkInForeign(w *world) {
	w.open(1)
	w.create(hall(evening+"-2", 1))
	b := w.booked("anna", "s1")
	for _, events := range [][2]string{{evening + "-2", evening}, {evening, evening + "-2"}, {evening + "-2", evening + "-2"}, {"", evening}} {
		r := w.ticketOf(b.Code, "s1")
		r.Event, r.TicketEvent = events[0], events[1]
		w.refusedIn(r, store.ErrForeign)
	}
	r := w.ticketOf(b.Code, "s1")
	for _, code := range []string{"2222222222", "", "x"} {
		r.Code = code
		_, err := w.tryCheckIn(r)
		w.wantErr(err, store.ErrNoBooking)
	}
}

func checkInLater(w *world) {
	w.open(2)
	b := w.booked("anna", "s1", "s2")
	at := w.now().Add(-time.Hour)
	r := w.ticketOf(b.Code, "s1")
	r.At = at.Add(300 * time.Microsecond).In(time.FixedZone("elsewhere", 7200))
	w.checkIn(r)
	if in := w.in(b.Code, "s1"); !in.Equal(at) {
		w.Fatalf("let in at %v, want %v", in, at)
	}
	w.still(b.Code, func() {
		for _, s := range w.both() {
			w.told(s.CheckIn(w.Context(), r)) // told again
		}
		for _, off := range []time.Time{at.Add(-time.Minute), at.Add(time.Minute), {}} {
			other := r
			other.At = off
			out, err := w.tryCheckIn(other)
			w.wantErr(err, store.ErrCheckedIn)
			if got := out.Booking.Ticket("s1").In; !got.Equal(at) {
				w.Fatalf("told of %v, want %v", got, at)
			}
		}
	})
}

func checkInFuture(w *world) {
	w.open(1)
	b := w.booked("anna", "s1")
	r := w.ticketOf(b.Code, "s1")
	r.At = w.now().Add(time.Hour)
	w.checkIn(r)
	if in := w.in(b.Code, "s1"); in.After(w.now()) {
		w.Fatalf("let in at %v, and it is %v", in, w.now())
	}
	w.still(b.Code, func() {
		_, err := w.tryCheckIn(w.ticketOf(b.Code, "s1"))
		w.wantErr(err, store.ErrCheckedIn)
	})
}

func checkInCancelRace(w *world) {
	stores := w.both()
	w.open(1)
	for round := range w.rounds(10) {
		b := w.booked(holder(round), "s1")
		r := w.ticketOf(b.Code, "s1")
		errs := make([]error, 2)
		race(2, func(i int) {
			if i == 0 {
				_, errs[0] = stores[round%2].CheckIn(w.Context(), r)
				return
			}
			_, errs[1] = stores[1-round%2].Cancel(w.Context(), store.CancelRequest{Code: b.Code})
		})
		scanned := errs[0] == nil && errors.Is(errs[1], store.ErrCheckedIn)
		if cancelled := errs[1] == nil && errors.Is(errs[0], store.ErrCancelled); scanned == cancelled {
			w.Fatalf("scan: %v, cancel: %v", errs[0], errs[1])
		}
		w.wantBooks()
		w.told(w.tryCancel(store.CancelRequest{Code: b.Code, Force: true}))
	}
}

func checkInReissueRace(w *world) {
	stores := w.both()
	w.open(1)
	b := w.booked("anna", "s1")
	for round := range w.rounds(10) {
		r := w.ticketOf(b.Code, "s1")
		errs := make([]error, 2)
		race(2, func(i int) {
			if i == 0 {
				_, errs[0] = stores[round%2].CheckIn(w.Context(), r)
				return
			}
			_, errs[1] = stores[1-round%2].Reissue(w.Context(), b.Code, nil)
		})
		w.must(errs[1])
		if errs[0] != nil {
			w.wantErr(errs[0], store.ErrReplaced)
		}
		now := w.booking(b.Code).Ticket("s1")
		if now.Issue != r.Issue+1 || now.In.IsZero() == (errs[0] == nil) {
			w.Fatalf("the scan ended with %v, and the ticket is %+v", errs[0], now)
		}
		undo := w.ticketOf(b.Code, "s1")
		undo.Undo = true
		w.checkIn(undo)
	}
}

func checkInUnknown(w *world) {
	w.open(2)
	b := w.booked("anna", "s1")
	w.amend(store.BookingRecord, b.Code, nil, map[string]any{"tomorrow": "kept"})
	w.checkIn(w.ticketOf(b.Code, "s1"))
	w.reissue(b.Code)
	w.move(b.Code, "s1", "s2")
	w.told(w.tryCancel(store.CancelRequest{Code: b.Code, Force: true}))
	r, err := w.s.Record(w.Context(), store.Key{Kind: store.BookingRecord, ID: b.Code})
	w.must(err)
	if !slices.Contains(fieldsOf(r.Body), "tomorrow") {
		w.Fatalf("the record is now %s", r.Body)
	}
}

func reissueOne(w *world) {
	w.open(3)
	b := w.booked("anna", "s1", "s2")
	one, two := w.ticketOf(b.Code, "s1"), w.ticketOf(b.Code, "s2")
	seen := map[int]bool{1: true}
	for range 3 {
		w.unchanged(func() { w.reissue(b.Code, "s1", "s1") })
		if issue := w.booking(b.Code).Ticket("s1").Issue; seen[issue] {
			w.Fatalf("the number %d comes again", issue)
		} else {
			seen[issue] = true
		}
		w.refusedIn(one, store.ErrReplaced)
	}
	w.checkIn(two)
	w.checkIn(w.ticketOf(b.Code, "s1"))
}

func reissueAll(w *world) {
	w.open(4)
	w.lock("anna", "s1", "s2", "s3")
	b := w.reserve("anna") // which has tickets, too
	w.cancel(b.Code, "s2")
	out := w.reissue(b.Code)
	if one, two, three := out.Booking.Ticket("s1").Issue, out.Booking.Ticket("s2").Issue, out.Booking.Ticket("s3").Issue; one < 2 || two != 1 || three < 2 {
		w.Fatalf("got the numbers %d, %d and %d, want others for s1 and s3", one, two, three)
	}
}

func reissueIn(w *world) {
	w.open(1)
	b := w.booked("anna", "s1")
	w.checkIn(w.ticketOf(b.Code, "s1"))
	in := w.in(b.Code, "s1")
	w.reissue(b.Code)
	if now := w.in(b.Code, "s1"); !now.Equal(in) {
		w.Fatalf("in since %v, want %v", now, in)
	}
	w.still(b.Code, func() {
		_, err := w.tryCheckIn(w.ticketOf(b.Code, "s1"))
		w.wantErr(err, store.ErrCheckedIn)
	})
}

func reissueNoSeat(w *world) {
	w.open(4)
	b := w.booked("anna", "s1", "s2", "s3")
	w.booked("bert", "s4")
	w.cancel(b.Code, "s3")
	w.still(b.Code, func() {
		for _, seats := range [][]string{{"s4"}, {"s1", "s4"}, {"s3"}, {"s2", "s3"}, {"nowhere"}, {""}} {
			_, err := w.s.Reissue(w.Context(), b.Code, seats)
			w.wantErr(err, store.ErrNoSeat)
		}
	})
	_, err := w.s.Reissue(w.Context(), "2222222222", nil)
	w.wantErr(err, store.ErrNoBooking)
}

func reissueEnded(w *world) {
	w.open(3)
	refusedAs := func(code string, want error) {
		w.Helper()
		w.still(code, func() {
			_, err := w.s.Reissue(w.Context(), code, nil)
			w.wantErr(err, want)
		})
	}
	refused := func(code string) { w.Helper(); refusedAs(code, store.ErrEnded) }
	w.lock("anna", "s1")
	paying := w.pay("anna").Code
	refusedAs(paying, store.ErrPaying)
	w.decline(paying)
	refused(paying)
	cancelled := w.booked("bert", "s2").Code
	w.cancel(cancelled)
	refused(cancelled)
	w.lock("carl", "s3")
	lapsed := w.reserve("carl").Code
	w.overdue(lapsed)
	w.lapsed(lapsed)
	refused(lapsed)
}

func reissueRace(w *world) {
	stores := w.both()
	w.open(1)
	b := w.booked("anna", "s1")
	errs := make([]error, 16)
	issues := make([]int, 16)
	race(16, func(i int) {
		out, err := stores[i%2].Reissue(w.Context(), b.Code, nil)
		issues[i], errs[i] = out.Booking.Ticket("s1").Issue, err
	})
	w.must(errors.Join(errs...))
	slices.Sort(issues)
	for i, issue := range issues {
		if issue != i+2 {
			w.Fatalf("the numbers are %v, want each once", issues)
		}
	}
	if got := w.booking(b.Code).Ticket("s1").Issue; got != 17 {
		w.Fatalf("the number is %d, want 17", got)
	}
}

// fieldsOf are the names of the fields of a body.
func fieldsOf(body []byte) (names []string) {
	for name := range objectOf(body) {
		names = append(names, name)
	}
	return names
}

func objectOf(body []byte) (object map[string]json.RawMessage) {
	if err := json.Unmarshal(body, &object); err != nil {
		panic(err)
	}
	return object
}
