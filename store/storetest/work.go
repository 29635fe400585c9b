package storetest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seatlock/seatlock/store"
)

func workCases() []testCase {
	return []testCase{
		{"a lease records the call, and takes the attempt", leaseTakes},
		{"a lease is over by the store's clock", leaseOver},
		{"what is not due is leased early on a hint, unless somebody has it", leaseEarly},
		{"no call takes nothing", leaseNoCall},
		{"what is final is not leased", leaseFinal},
		{"not found", leaseNotFound},
		{"a refund is leased the same way", leaseRefund},
		{"one of 16 gets the lease", leaseRace},
		{"a lease of a clock that was ahead counts for nothing", leaseAhead},
		{"a refund that is stuck is done by hand", refundedByHand},
		{"a note is what the call told", noteAttempt},
		{"a note makes nothing final, and wakes nothing that is", noteFinal},
		{"who was frozen does no harm", noteFrozen},
		{"a refund that is done counts once", noteRefund},
		{"a refund that is stuck, or tried again, does not count", noteStuck},
		{"what is due is told, the first first", workDue},
	}
}

// minute is a lease that outlasts every case.
var minute = store.Lease{For: time.Minute}

// attempting has an attempt under way, and tells its booking too.
func (w *world) attempting() (store.Booking, store.Attempt) {
	w.Helper()
	w.open(3)
	w.lock("anna", "s1", "s2")
	b := w.pay("anna")
	return b, w.attempt(b.Code)
}

func leaseTakes(w *world) {
	b, old := w.attempting()
	before := w.now()
	var seen store.Attempt
	var a store.Attempt
	var now time.Time
	w.unchanged(func() {
		var err error
		a, now, err = w.s.LeaseAttempt(w.Context(), old.ID, minute, func(a store.Attempt, now time.Time) string {
			if seen = a; now.Before(before) {
				w.Errorf("called at %v, want %v or later", now, before)
			}
			return "start"
		})
		w.must(err)
	})
	if !sameAttempt(seen, old) {
		w.Fatalf("the call was named for %+v, want %+v", seen, old)
	}
	if got := w.attempt(b.Code); !sameAttempt(a, got) {
		w.Fatalf("told of %+v, which is %+v", a, got)
	}
	if a.Call != "start" || a.Tries != 1 || !a.Due.Equal(now.Add(time.Minute)) || !a.Leased.Equal(a.Due) || a.Version != old.Version+1 || now.Before(before) || now.After(w.now()) {
		w.Fatalf("at %v got %+v", now, a)
	}
	w.still(b.Code, func() {
		for _, s := range w.both() {
			for _, early := range []bool{false, true} {
				_, _, err := s.LeaseAttempt(w.Context(), old.ID, store.Lease{For: time.Minute, Early: early}, calling("status"))
				w.wantErr(err, store.ErrLeased)
			}
		}
	})
}

// leaseOver asks until the lease is over, which is neither sooner nor later than
// the store's clock says.
func leaseOver(w *world) {
	_, a := w.attempting()
	first, _, err := w.s.LeaseAttempt(w.Context(), a.ID, store.Lease{For: 20 * time.Millisecond}, calling("status"))
	w.must(err)
	second := w.second()
	w.poll("the lease is over", func() bool {
		_, now, err := second.LeaseAttempt(w.Context(), a.ID, minute, calling("status"))
		if over := !now.Before(first.Due); over != (err == nil) {
			w.Fatalf("leased until %v, and at %v another got %v", first.Due, now, err)
		}
		return err == nil
	})
}

func leaseEarly(w *world) {
	_, a := w.attempting()
	a.State, a.Due = store.AttemptStarted, w.now().Add(time.Hour)
	a, err := w.s.NoteAttempt(w.Context(), a)
	w.must(err)
	_, _, err = w.s.LeaseAttempt(w.Context(), a.ID, minute, calling("status"))
	w.wantErr(err, store.ErrLeased)
	a, _, err = w.s.LeaseAttempt(w.Context(), a.ID, store.Lease{For: time.Minute, Early: true}, calling("status"))
	w.must(err)
	_, _, err = w.s.LeaseAttempt(w.Context(), a.ID, store.Lease{For: time.Minute, Early: true}, calling("status"))
	w.wantErr(err, store.ErrLeased)
	a.Leased, a.Due = time.Time{}, w.now().Add(time.Hour) // given back
	_, err = w.s.NoteAttempt(w.Context(), a)
	w.must(err)
	_, _, err = w.s.LeaseAttempt(w.Context(), a.ID, store.Lease{For: time.Minute, Early: true}, calling("status"))
	w.must(err)
}

func leaseNoCall(w *world) {
	b, a := w.attempting()
	w.still(b.Code, func() {
		_, _, err := w.s.LeaseAttempt(w.Context(), a.ID, minute, calling(""))
		w.wantErr(err, store.ErrLeased)
	})
	_, _, err := w.s.LeaseAttempt(w.Context(), a.ID, minute, calling("start"))
	w.must(err)
}

func leaseFinal(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	paid := w.book("anna").Code
	w.lock("anna", "s2")
	declined := w.pay("anna").Code
	w.decline(declined)
	for _, code := range []string{paid, declined} {
		w.still(code, func() {
			for _, early := range []bool{false, true} {
				_, _, err := w.s.LeaseAttempt(w.Context(), w.attempt(code).ID, store.Lease{For: time.Minute, Early: early}, calling("status"))
				w.wantErr(err, store.ErrLeased)
			}
		})
	}
}

func leaseNotFound(w *world) {
	b, _ := w.attempting()
	_, _, err := w.s.LeaseAttempt(w.Context(), b.Code+"-2", minute, calling("start"))
	w.wantErr(err, store.ErrNoBooking)
	_, _, err = w.s.LeaseRefund(w.Context(), b.Code+"-r1", minute, refunding("refund"))
	w.wantErr(err, store.ErrNoBooking)
	_, err = w.s.NoteAttempt(w.Context(), store.Attempt{ID: b.Code + "-2", Version: 1})
	w.wantErr(err, store.ErrNoBooking)
	_, err = w.s.NoteRefund(w.Context(), store.Refund{ID: b.Code + "-r1", Version: 1})
	w.wantErr(err, store.ErrNoBooking)
}

// owed has money of s1 on its way back, and keeps s2.
func (w *world) owed() (store.Booking, store.Refund) {
	w.Helper()
	w.open(3)
	w.lock("anna", "s1", "s2")
	b := w.book("anna")
	out := w.cancel(b.Code, "s1")
	return out.Booking, w.refund(out.Refund.ID)
}

func leaseRefund(w *world) {
	b, old := w.owed()
	r, now, err := w.s.LeaseRefund(w.Context(), old.ID, minute, refunding("refund"))
	w.must(err)
	if got := w.refund(old.ID); text(r) != text(got) || r.Version != got.Version {
		w.Fatalf("told of %+v, which is %+v", r, got)
	}
	if r.Call != "refund" || r.Tries != 1 || !r.Due.Equal(now.Add(time.Minute)) || r.Version != old.Version+1 || r.State != store.RefundWanted {
		w.Fatalf("at %v got %+v", now, r)
	}
	w.still(b.Code, func() {
		_, _, err := w.second().LeaseRefund(w.Context(), old.ID, minute, refunding("refund"))
		w.wantErr(err, store.ErrLeased)
	})
	w.noteDone(old.ID)
	w.still(b.Code, func() {
		_, _, err := w.s.LeaseRefund(w.Context(), old.ID, store.Lease{For: time.Minute, Early: true}, refunding("refund"))
		w.wantErr(err, store.ErrLeased)
	})
}

func leaseRace(w *world) {
	stores := w.both()
	w.open(1)
	for round := range w.rounds(10) {
		who := holder(round)
		w.lock(who, "s1")
		b := w.pay(who)
		lease := func(do func(i int) error) {
			errs := make([]error, 16)
			race(16, func(i int) { errs[i] = do(i) })
			w.oneWinner(errs, store.ErrLeased)
		}
		lease(func(i int) error {
			_, _, err := stores[i%2].LeaseAttempt(w.Context(), b.Attempt(), store.Lease{For: time.Minute, Early: i%3 == 0}, calling("start"))
			return err
		})
		if a := w.attempt(b.Code); a.Tries != 1 || a.Version != 2 {
			w.Fatalf("got %+v, want one lease", a)
		}
		w.confirm(b.Code)
		out := w.cancel(b.Code)
		lease(func(i int) error {
			_, _, err := stores[i%2].LeaseRefund(w.Context(), out.Refund.ID, minute, refunding("refund"))
			return err
		})
	}
}

func noteAttempt(w *world) {
	b, a := w.attempting()
	a, _, err := w.s.LeaseAttempt(w.Context(), a.ID, minute, calling("start"))
	w.must(err)
	a.State, a.Ref, a.URL, a.Silent, a.Tries = store.AttemptStarted, "payment-1", "https://pay.example/1", w.now(), 0
	a.Due = w.now().Add(time.Second)
	var told store.Attempt
	w.unchanged(func() {
		told, err = w.s.NoteAttempt(w.Context(), a)
		w.must(err)
	})
	got := w.attempt(b.Code)
	if !sameAttempt(told, got) || got.Version != a.Version+1 || text(got) != text(a) {
		w.Fatalf("told of\n\t%+v\nwhich is\n\t%+v\nwant\n\t%+v", told, got, a)
	}
	if b2 := w.booking(b.Code); !sameBooking(b2, b) {
		w.Fatalf("got %+v, want the booking to stay", b2)
	}
	told.State = store.AttemptAuthorized
	_, err = w.s.NoteAttempt(w.Context(), told)
	w.must(err)
}

func noteFinal(w *world) {
	b, a := w.attempting()
	for _, state := range []store.AttemptState{store.AttemptCaptured, store.AttemptDead} {
		w.still(b.Code, func() {
			bad := a
			bad.State = state
			_, err := w.s.NoteAttempt(w.Context(), bad)
			w.wantErr(err, store.ErrInvalid)
		})
	}
	w.decline(b.Code)
	again := w.attempt(b.Code)
	again.State = store.AttemptStarted
	w.still(b.Code, func() {
		_, err := w.s.NoteAttempt(w.Context(), again)
		w.wantErr(err, store.ErrStale)
	})
}

// noteFrozen has somebody come back after the lease, with what was true then:
// nothing that they write changes anything.
func noteFrozen(w *world) {
	b, a := w.attempting()
	frozen, _, err := w.s.LeaseAttempt(w.Context(), a.ID, store.Lease{For: time.Millisecond}, calling("start"))
	w.must(err)
	w.pass(frozen.Due)
	_, _, err = w.second().LeaseAttempt(w.Context(), a.ID, minute, calling("status"))
	w.must(err)
	harmless := func() {
		w.Helper()
		w.still(b.Code, func() {
			for _, do := range []func() error{
				func() error { _, err := w.s.NoteAttempt(w.Context(), frozen); return err },
				func() error { _, err := w.s.LetGo(w.Context(), frozen, w.now()); return err },
			} {
				w.wantErr(do(), store.ErrStale)
			}
		})
	}
	harmless()
	w.still(b.Code, func() {
		_, err := w.s.Confirm(w.Context(), frozen)
		w.wantErr(err, store.ErrStale)
		_, err = w.s.Decline(w.Context(), frozen)
		w.wantErr(err, store.ErrStale)
	})
	w.confirm(b.Code)
	harmless()
	w.still(b.Code, func() {
		_, err := w.s.Decline(w.Context(), frozen)
		w.wantErr(err, store.ErrStale)
	})
	r := w.refund(w.cancel(b.Code, "s1").Refund.ID)
	_, _, err = w.second().LeaseRefund(w.Context(), r.ID, minute, refunding("refund"))
	w.must(err)
	w.still(b.Code, func() {
		r.State = store.RefundDone
		_, err = w.s.NoteRefund(w.Context(), r)
		w.wantErr(err, store.ErrStale)
	})
	w.wantBooks()
}

func noteRefund(w *world) {
	b, r := w.owed()
	r, _, err := w.s.LeaseRefund(w.Context(), r.ID, minute, refunding("refund"))
	w.must(err)
	done := r
	done.State, done.Work = store.RefundDone, store.Work{}
	var out store.BookingOutcome
	w.unchanged(func() { out = w.told(w.s.NoteRefund(w.Context(), done)) })
	if out.Booking.Refunded != price || out.Booking.State != store.BookingBooked || w.refund(r.ID).State != store.RefundDone {
		w.Fatalf("got %+v", out)
	}
	w.still(b.Code, func() {
		for _, s := range w.both() {
			for _, again := range []store.Refund{done, r, w.refund(r.ID)} {
				w.told(s.NoteRefund(w.Context(), again))
			}
		}
	})
	w.wantBooks()
	second := w.cancel(b.Code).Refund
	errs := make([]error, 8)
	stores := w.both()
	second = w.refund(second.ID)
	second.State, second.Work = store.RefundDone, store.Work{}
	race(8, func(i int) { _, errs[i] = stores[i%2].NoteRefund(w.Context(), second) })
	w.must(errors.Join(errs...))
	if b := w.booking(b.Code); b.Refunded != 2*price || b.State != store.BookingCancelled {
		w.Fatalf("got %+v", b)
	}
	w.wantBooks()
}

func noteStuck(w *world) {
	b, r := w.owed()
	r.Due, r.Tries = w.now().Add(time.Hour), 3
	w.told(w.s.NoteRefund(w.Context(), r))
	r = w.refund(r.ID)
	if r.State != store.RefundWanted || r.Tries != 3 {
		w.Fatalf("got %+v", r)
	}
	r.State, r.Work = store.RefundStuck, store.Work{}
	w.told(w.s.NoteRefund(w.Context(), r))
	if b := w.booking(b.Code); b.Refunded != 0 || w.refund(r.ID).State != store.RefundStuck {
		w.Fatalf("got %+v", b)
	}
	if ids := w.idsDue(w.s.DueRefunds, 9); len(ids) > 0 {
		w.Fatalf("due are %v", ids)
	}
	w.wantBooks()
	w.noteDone(r.ID) // once a person has seen to it
	w.wantBooks()
}

func workDue(w *world) {
	w.open(5)
	var ids []string
	for i := range 4 {
		w.lock(holder(i), names(5)[i])
		ids = append(ids, w.pay(holder(i)).Attempt())
		w.pass(w.now().Add(2 * time.Millisecond))
	}
	due := func(limit int, want ...string) {
		w.Helper()
		for _, s := range w.both() {
			if got := w.idsDue(s.DueAttempts, limit); !slices.Equal(got, want) {
				w.Fatalf("due are %v, want %v", got, want)
			}
		}
	}
	due(9, ids...)
	due(2, ids[:2]...)
	_, _, err := w.s.LeaseAttempt(w.Context(), ids[0], minute, calling("start"))
	w.must(err)
	due(9, ids[1:]...)
	w.decline(store.BookingOf(ids[1]))
	w.confirm(store.BookingOf(ids[2]))
	due(9, ids[3])
	a, err := w.s.Attempt(w.Context(), ids[3])
	w.must(err)
	a.Due = w.now().Add(20 * time.Millisecond)
	_, err = w.s.NoteAttempt(w.Context(), a)
	w.must(err)
	w.pass(a.Due)
	due(9, ids[3])
	refund := w.cancel(store.BookingOf(ids[2])).Refund.ID
	if got := w.idsDue(w.s.DueRefunds, 9); !slices.Equal(got, []string{refund}) {
		w.Fatalf("due are %v, want %v", got, refund)
	}
}

// idsDue are the ids of what is due, at most limit of them, read one by one: the
// pages that there are fit together.
func (w *world) idsDue(list func(context.Context, store.DueWork, int) ([]store.DueWork, error), limit int) (ids []string) {
	w.Helper()
	whole, err := list(w.Context(), store.DueWork{}, limit)
	w.must(err)
	for last := (store.DueWork{}); len(ids) < limit; {
		page, err := list(w.Context(), last, 1)
		w.must(err)
		if len(page) == 0 {
			break
		}
		last = page[0]
		if ids = append(ids, last.ID); last.Provider == "" {
			w.Fatalf("%s is due, and nobody knows at which provider", last.ID)
		}
	}
	if !slices.EqualFunc(whole, ids, func(one store.DueWork, id string) bool { return one.ID == id }) {
		w.Fatalf("due are %v, and one by one %v", whole, ids)
	}
	return ids
}

// leaseAhead has a lease that lasts longer than any that begins now.
func leaseAhead(w *world) {
	w.open(1)
	w.lock("anna", "s1")
	id := w.pay("anna").Attempt()
	_, _, err := w.s.LeaseAttempt(w.Context(), id, store.Lease{For: time.Hour}, calling("start"))
	w.must(err)
	_, _, err = w.s.LeaseAttempt(w.Context(), id, store.Lease{For: time.Hour, Early: true}, calling("start"))
	w.wantErr(err, store.ErrLeased)
	a, _, err := w.s.LeaseAttempt(w.Context(), id, store.Lease{For: time.Minute, Early: true}, calling("start"))
	w.must(err)
	if now := w.now(); a.Leased.After(now.Add(time.Minute)) {
		w.Fatalf("leased until %v, at %v", a.Leased, now)
	}
}

func refundedByHand(w *world) {
	w.open(1)
	w.lock("anna", "s1")
	b := w.book("anna")
	r := w.cancel(b.Code).Refund
	w.still(b.Code, func() {
		_, err := w.s.Refunded(w.Context(), r.ID)
		w.wantErr(err, store.ErrNotStuck)
		_, err = w.s.Refunded(w.Context(), b.Code+"-r9")
		w.wantErr(err, store.ErrNoBooking)
	})
	r.State, r.Work = store.RefundStuck, store.Work{}
	w.told(w.s.NoteRefund(w.Context(), r))
	for range 2 {
		if got := w.told(w.s.Refunded(w.Context(), r.ID)).Booking; got.Refunded != price {
			w.Fatalf("got %+v", got)
		}
	}
	if got := w.refund(r.ID); got.State != store.RefundDone {
		w.Fatalf("got %+v", got)
	}
	w.wantBooks()
}
