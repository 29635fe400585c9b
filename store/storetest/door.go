package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/seatlock/seatlock/store"
)

func doorCases() []testCase {
	return []testCase{
		{"paid is booked, and the money counts", doorPaid},
		{"what is left is paid", doorPaidRest},
		{"paid again changes nothing", doorRepeat},
		{"only what is reserved can be paid", doorNotReserved},
		{"reserved seats count towards the limit until they are paid", doorCounts},
		{"they count until they lapse or are cancelled", doorCountsUntil},
		{"they count when the clock is over", doorCountsOver},
		{"the terms of the event say until when", doorTerms},
		{"it lapses when its time is over, and not before", doorLapses},
		{"a repeat of the lapse changes nothing", doorLapseRepeat},
		{"what is due is told, the first first", doorDue},
		{"of paid and the lapse one wins", doorRace},
		{"20 at once pay once", doorPaidRace},
		{"another amount than is owed is refused", doorAmount},
		{"it is booked once what is left costs nothing", doorFreeRest},
		{"what was paid is paid back there, with the cancel", doorPaidBack},
	}
}

func (w *world) paid(code string) store.BookingOutcome {
	w.Helper()
	return w.told(w.s.Paid(w.Context(), code, store.WhateverIsOwed))
}

func (w *world) lapsed(code string) store.BookingOutcome {
	w.Helper()
	return w.told(w.s.Lapse(w.Context(), code))
}

func doorPaid(w *world) {
	w.open(2)
	w.lock("anna", "s1", "s2")
	b := w.reserve("anna")
	var out store.BookingOutcome
	w.unchanged(func() { out = w.paid(b.Code) })
	w.wantStates(b.Code, store.BookingBooked, "", store.Booked)
	if got := out.Booking; got.Captured != 2*price || got.Owed() != 0 || !got.PayUntil.IsZero() || !got.Booked.Equal(b.Booked) {
		w.Fatalf("got %+v", got)
	}
	if codes := w.idsDue(w.s.DueReserved, 9); len(codes) > 0 {
		w.Fatalf("due are %v", codes)
	}
	w.wantBooks()
}

func doorPaidRest(w *world) {
	w.open(3)
	w.lock("anna", "s1", "s2", "s3")
	b := w.reserve("anna")
	w.cancel(b.Code, "s2")
	if b := w.booking(b.Code); b.Owed() != 2*price || len(b.Refunds) > 0 {
		w.Fatalf("got %+v, want two seats owed and nothing back", b)
	}
	if out := w.paid(b.Code); out.Booking.Captured != 2*price {
		w.Fatalf("got %+v", out.Booking)
	}
	w.cancel(b.Code, "s1")
	if r := w.refund(b.Code + "-r1"); r.Amount != price || r.Provider != "door" {
		w.Fatalf("got %+v", r)
	}
	w.wantBooks()
}

func doorRepeat(w *world) {
	w.open(2)
	w.lock("anna", "s1", "s2")
	code := w.reserve("anna").Code
	w.paid(code)
	w.still(code, func() { w.paid(code) })
	w.cancel(code, "s1")
	w.still(code, func() { w.paid(code) })
}

func doorNotReserved(w *world) {
	w.open(6)
	refused := func(code string) {
		w.Helper()
		w.still(code, func() {
			_, err := w.s.Paid(w.Context(), code, store.WhateverIsOwed)
			w.wantErr(err, store.ErrNotReserved)
		})
	}
	w.lock("anna", "s1")
	paying := w.pay("anna").Code
	refused(paying)
	w.confirm(paying)
	refused(paying) // which was paid elsewhere
	w.lock("anna", "s2")
	refused(w.begin(costless(w.sale("anna"))).Code)
	w.lock("anna", "s3")
	lapsed := w.reserve("anna").Code
	w.overdue(lapsed)
	w.lapsed(lapsed)
	refused(lapsed)
	w.lock("anna", "s4")
	cancelled := w.reserve("anna").Code
	w.cancel(cancelled)
	refused(cancelled)
	w.lock("anna", "s5")
	declined := w.pay("anna").Code
	w.decline(declined)
	refused(declined)
}

// wantRoom fails unless the holder can lock so many of the seats s7, s8 and s9 by
// rules for three, on both instances.
func (w *world) wantRoom(stores []*store.Store, who store.Holder, room int) {
	w.Helper()
	for _, s := range stores {
		for n := 3; n > 0; n-- {
			out, err := s.Lock(w.Context(), store.LockRequest{Event: evening, Holder: who, Seats: names(9)[6 : 6+n], Rules: longFor(3)})
			switch {
			case n > room && !errors.Is(err, store.ErrLimit):
				w.Fatalf("%d seats more: got %v, %v, want ErrLimit", n, idsOf(out.Lock.Seats), err)
			case n > room:
				continue
			}
			w.must(err)
			w.unlock(who)
			break
		}
	}
}

func doorCounts(w *world) {
	w.open(9)
	stores := w.both()
	w.lock("anna", "s1", "s2")
	code := w.reserve("anna").Code
	w.wantRoom(stores, "anna", 1)
	w.wantRoom(stores, "bert", 3)
	w.lock("anna", "s3")
	other := w.reserve("anna").Code
	w.wantRoom(stores, "anna", 0)
	w.paid(code)
	w.wantRoom(stores, "anna", 2)
	w.paid(other)
	w.wantRoom(stores, "anna", 3)
	w.wantBooks()
}

func doorCountsUntil(w *world) {
	w.open(9)
	stores := w.both()
	w.lock("anna", "s1", "s2")
	code := w.reserve("anna").Code
	w.cancel(code, "s1")
	w.wantRoom(stores, "anna", 2)
	w.cancel(code, "s2")
	w.wantRoom(stores, "anna", 3)
	w.lock("anna", "s1", "s2")
	code = w.reserve("anna").Code
	w.wantRoom(stores, "anna", 1)
	w.overdue(code)
	w.wantRoom(stores, "anna", 1) // as long as it has not lapsed
	w.lapsed(code)
	w.wantRoom(stores, "anna", 3)
	w.wantBooks()
}

// doorCountsOver asks after anything that could have swept the clock away.
func doorCountsOver(w *world) {
	w.open(9)
	stores := w.both()
	_, code := w.beganWhenOver("anna", atDoor, "s1", "s2")
	if got := w.lockOf("anna"); !sameLock(got, store.Lock{}) {
		w.Fatalf("got lock %+v, want none", got)
	}
	w.lapse("bert", "s3")
	for _, s := range stores {
		_, err := s.ReleaseDue(w.Context())
		w.must(err)
	}
	w.lock("bert", "s4")
	w.wantRoom(stores, "anna", 1) // which starts a new clock
	out, err := w.tryLock("anna", longFor(3), "s5")
	w.must(err)
	if !out.Lock.Started.After(w.booking(code).Begun) {
		w.Fatalf("got lock %+v, want a new one", out.Lock)
	}
	w.unlock("anna")
	w.wantRoom(stores, "anna", 1)
	_, err = w.tryExtend("anna", long())
	w.wantErr(err, store.ErrExpired)
	w.paid(code)
	w.wantRoom(stores, "anna", 3)
	w.wantBooks()
}

func doorTerms(w *world) {
	w.open(9)
	i := 0
	want := func(starts time.Duration, terms store.Terms, until func(now time.Time) time.Time) {
		w.Helper()
		event := w.update(func(e *store.Event) { e.Starts, e.Terms = w.now().Add(starts), terms })
		w.lock("anna", names(9)[i])
		i++
		b := w.reserve("anna")
		if !b.PayUntil.Equal(until(b.Begun)) || !b.PayUntil.Equal(event.PayUntil(b.Begun, 15*time.Minute)) {
			w.Fatalf("starts in %v, %+v: reserved at %v until %v, want %v", starts, terms, b.Begun, b.PayUntil, until(b.Begun))
		}
	}
	after := func(d time.Duration) func(time.Time) time.Time {
		return func(now time.Time) time.Time { return now.Add(d) }
	}
	before := func(d time.Duration) func(time.Time) time.Time {
		return func(time.Time) time.Time { return w.event(w.s).Starts.Add(-d) }
	}
	want(1000*time.Hour, store.Terms{}, after(48*time.Hour))
	want(10*time.Hour, store.Terms{}, before(time.Hour))
	want(70*time.Minute, store.Terms{}, after(15*time.Minute))
	want(-time.Hour, store.Terms{}, after(15*time.Minute))
	want(10*time.Hour, store.Terms{PayWithin: time.Hour}, after(time.Hour))
	want(10*time.Hour, store.Terms{PayUntil: 3 * time.Hour}, before(3*time.Hour))
	want(10*time.Hour, store.Terms{PayUntil: store.AtStart}, before(time.Millisecond))
	w.wantBooks()
}

func doorLapses(w *world) {
	w.open(3)
	w.lock("anna", "s1", "s2")
	b := w.reserve("anna")
	w.still(b.Code, func() { w.lapsed(b.Code) })
	w.cancel(b.Code, "s2")
	w.overdue(b.Code)
	w.wantReason(store.ReasonLapsed, "anna", store.ReasonLapsed, func() { w.lapsed(b.Code) })
	w.wantStates(b.Code, store.BookingLapsed, "", store.Available)
	if got := w.booking(b.Code); got.Captured != 0 || got.Owed() != 0 || !got.PayUntil.IsZero() {
		w.Fatalf("got %+v", got)
	}
	w.wantBooks()
	w.update(func(e *store.Event) { e.Terms.PayWithin = 20 * time.Millisecond })
	w.lock("bert", "s1")
	r := atDoor(w.sale("bert"))
	r.Rules.AtDoor = time.Millisecond
	b = w.begin(r)
	w.pass(b.PayUntil)
	w.wantReason(store.ReasonLapsed, "bert", store.ReasonLapsed, func() { w.lapsed(b.Code) })
}

func doorLapseRepeat(w *world) {
	w.open(5)
	still := func(code string) {
		w.Helper()
		w.still(code, func() { w.lapsed(code) })
	}
	w.lock("anna", "s1")
	code := w.reserve("anna").Code
	w.overdue(code)
	w.lapsed(code)
	w.lock("bert", "s1")
	still(code)
	w.lock("anna", "s2")
	paid := w.reserve("anna").Code
	w.overdue(paid)
	w.paid(paid) // also after its end, as long as it has not lapsed
	still(paid)
	paying := func() string { w.lock("anna", "s3"); return w.pay("anna").Code }()
	w.overdue(paying)
	still(paying) // which never ends by time
	w.confirm(paying)
	still(paying)
	w.lock("anna", "s4")
	cancelled := w.reserve("anna").Code
	w.cancel(cancelled)
	still(cancelled)
}

func doorDue(w *world) {
	w.open(5)
	var codes []string
	for i := range 4 {
		w.lock(holder(i), names(5)[i])
		codes = append(codes, w.reserve(holder(i)).Code)
	}
	due := func(limit int) []string {
		w.Helper()
		return w.idsDue(w.second().DueReserved, limit)
	}
	w.lock("anna", "s5")
	paying := w.sale("anna")
	paying.Rules = store.PayRules{Window: time.Millisecond, Total: time.Millisecond, Least: time.Millisecond}
	w.pass(w.begin(paying).PayUntil)
	if got := due(9); len(got) > 0 {
		w.Fatalf("due are %v, want none: what is being paid for does not end by time", got)
	}
	for _, i := range []int{2, 0, 3} {
		w.overdue(codes[i])
		w.pass(w.now().Add(2 * time.Millisecond))
	}
	want := []string{codes[2], codes[0], codes[3]}
	if got := due(9); !slices.Equal(got, want) {
		w.Fatalf("due are %v, want %v", got, want)
	}
	if got := due(2); !slices.Equal(got, want[:2]) {
		w.Fatalf("two that are due are %v, want %v", got, want[:2])
	}
	w.lapsed(codes[2])
	w.paid(codes[0])
	w.cancel(codes[3])
	if got := due(9); len(got) > 0 {
		w.Fatalf("due are %v, want none", got)
	}
}

func doorRace(w *world) {
	stores := w.both()
	w.open(2)
	for round := range w.rounds(20) {
		who := holder(round)
		w.lock(who, "s1", "s2")
		code := w.reserve(who).Code
		w.overdue(code)
		errs := make([]error, 2)
		race(2, func(i int) {
			if i == 0 {
				_, errs[0] = stores[round%2].Paid(w.Context(), code, store.WhateverIsOwed)
				return
			}
			_, errs[1] = stores[1-round%2].Lapse(w.Context(), code)
		})
		w.must(errs[1])
		if errs[0] == nil {
			w.wantStates(code, store.BookingBooked, "", store.Booked)
			w.still(code, func() { w.lapsed(code) })
			w.wantBooks()
			w.cancel(code)
		} else {
			w.wantErr(errs[0], store.ErrNotReserved)
			w.wantStates(code, store.BookingLapsed, "", store.Available)
			w.wantBooks()
		}
	}
}

func doorPaidRace(w *world) {
	stores := w.both()
	w.open(2)
	for round := range w.rounds(5) {
		who := holder(round)
		w.lock(who, "s1", "s2")
		code := w.reserve(who).Code
		errs := make([]error, 20)
		race(20, func(i int) { _, errs[i] = stores[i%2].Paid(w.Context(), code, store.WhateverIsOwed) })
		w.must(errors.Join(errs...))
		if b := w.booking(code); b.Captured != 2*price || b.Version != 2 {
			w.Fatalf("got %+v, want one write", b)
		}
		w.wantBooks()
		w.cancel(code)
	}
}

func doorAmount(w *world) {
	w.open(2)
	w.lock("anna", "s1", "s2")
	b := w.reserve("anna")
	w.cancel(b.Code, "s2")
	for _, amount := range []int64{2 * price, 0, price - 1} {
		w.still(b.Code, func() {
			_, err := w.s.Paid(w.Context(), b.Code, amount)
			w.wantErr(err, store.ErrStale)
		})
	}
	if got := w.told(w.s.Paid(w.Context(), b.Code, price)).Booking; got.State != store.BookingBooked || got.Captured != price {
		w.Fatalf("got %+v", got)
	}
}

func doorFreeRest(w *world) {
	w.open(9)
	w.lock("anna", "s1", "s2", "s3")
	r := w.sale("anna")
	r.AtDoor, r.Provider, r.Lines[0].Price = true, "door", 0
	b := w.begin(r)
	if got := w.cancel(b.Code, "s2").Booking; got.State != store.BookingReserved {
		w.Fatalf("got %+v", got)
	}
	if got := w.cancel(b.Code, "s3").Booking; got.State != store.BookingBooked || !got.PayUntil.IsZero() {
		w.Fatalf("got %+v, want it booked: it owes nothing", got)
	}
	w.wantStates(b.Code, store.BookingBooked, "", store.Booked)
	w.wantRoom(w.both(), "anna", 3) // nothing of it is unpaid
	w.wantBooks()
}

func doorPaidBack(w *world) {
	w.open(2)
	w.lock("anna", "s1", "s2")
	b := w.reserve("anna")
	w.paid(b.Code)
	out := w.cancel(b.Code, "s1")
	if r := out.Refund; r.State != store.RefundDone || r.Amount != price || !r.Due.IsZero() || out.Booking.Refunded != price {
		w.Fatalf("got %+v of %+v", r, out.Booking)
	}
	if ids := w.idsDue(w.s.DueRefunds, 9); len(ids) > 0 {
		w.Fatalf("due are %v", ids)
	}
	w.wantBooks()
}
