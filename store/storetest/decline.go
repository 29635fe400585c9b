package storetest

import (
	"time"

	"github.com/seatlock/seatlock/store"
)

func declineCases() []testCase {
	return []testCase{
		{"its seats are locked again by the clock", declineLocked},
		{"its seats join a clock that was extended", declineExtended},
		{"its seats join a new clock", declineNewClock},
		{"its seats are free when the clock is over", declineFree},
		{"after the pay deadline it is lapsed", declineLapsed},
		{"a repeat changes nothing", declineRepeat},
		{"an older version, and what is captured, is stale", declineStale},
		{"what was let go is dead then", declineLetGo},
		{"when the event is over", declineOver},
	}
}

func letGoCases() []testCase {
	return []testCase{
		{"it is lapsed, and the attempt goes on", letGoLapsed},
		{"its seats are as after a decline", letGoSeats},
		{"a repeat changes nothing", letGoRepeat},
		{"an older version, and what is final, is stale", letGoStale},
	}
}

func giveUpCases() []testCase {
	return []testCase{
		{"the pay deadline is now", giveUpNow},
		{"never later than it was", giveUpLate},
		{"only by its holder", giveUpHolder},
		{"a repeat changes nothing", giveUpRepeat},
		{"who had the lease is stale", giveUpFences},
	}
}

func declineLocked(w *world) {
	w.open(3)
	out := w.lock("anna", "s2", "s1")
	b := w.pay("anna")
	w.lock("anna", "s3")
	before := w.seat("s3")
	var declined store.BookingOutcome
	changes := w.announced(func() { declined = w.decline(b.Code) })
	w.wantStates(b.Code, store.BookingDeclined, store.AttemptDead, store.Locked)
	for _, s := range w.seats("s1", "s2") {
		want := store.Seat{ID: s.ID, Status: store.Locked, LockedBy: "anna", LockTime: out.Lock.Started, LockedUntil: out.Lock.Deadline, Version: 4}
		w.wantSeats([]store.Seat{s}, []store.Seat{want})
	}
	if len(changes) != 2 || changes[0].Reason != store.ReasonDeclined || changes[0].Before != "anna" || changes[0].Loss() != store.ReasonChanged {
		w.Fatalf("announced %+v", changes)
	}
	w.wantSeats(w.seats("s3"), []store.Seat{before})
	w.wantOneClock(declined.Outcome.Lock, 3)
	got := declined.Booking
	if got.Captured != 0 || len(got.Refunds) > 0 || !got.PayUntil.IsZero() || !got.Booked.IsZero() || !declined.Attempt.Due.IsZero() {
		w.Fatalf("got %+v", declined)
	}
	if ids := w.idsDue(w.s.DueAttempts, 9); len(ids) > 0 {
		w.Fatalf("due are %v", ids)
	}
	w.wantIDs(w.unlock("anna").Seats, "s1", "s2", "s3")
}

func declineExtended(w *world) {
	w.open(3)
	w.lock("anna", "s1")
	b := w.pay("anna")
	was := w.seat("s1")
	w.lock("anna", "s2")
	extended, err := w.tryExtend("anna", long())
	w.must(err)
	w.wantSeats(w.seats("s1"), []store.Seat{was})
	out := w.decline(b.Code)
	w.wantOneClock(out.Outcome.Lock, 2)
	if s := w.seat("s1"); !s.Extended || !s.LockedUntil.Equal(extended.Lock.Deadline) || !out.Outcome.Lock.Extended {
		w.Fatalf("declined %+v, want it until %v, extended", s, extended.Lock.Deadline)
	}
}

func declineNewClock(w *world) {
	w.open(3)
	over := w.payingWhenOver("anna", "s1")
	out := w.lock("anna", "s2")
	declined := w.decline(w.seat("s1").Booking)
	w.wantOneClock(declined.Outcome.Lock, 2)
	if s := w.seat("s1"); !s.LockTime.Equal(out.Lock.Started) || !s.LockedUntil.Equal(out.Lock.Deadline) || s.LockTime.Before(over.Lock.Deadline) {
		w.Fatalf("declined %+v, want the times of %+v", s, out.Lock)
	}
}

func declineFree(w *world) {
	w.open(3)
	w.payingWhenOver("anna", "s1")
	code := w.seat("s1").Booking
	w.wantReason(store.ReasonLapsed, "anna", store.ReasonLapsed, func() { w.decline(code) })
	w.wantStates(code, store.BookingDeclined, store.AttemptDead, store.Available)
	w.wantSeats(w.seats("s1"), []store.Seat{{ID: "s1", Version: w.seat("s1").Version}})
	w.lock("carl", "s1")
	w.wantBooks()
}

func declineLapsed(w *world) {
	w.open(4)
	w.lock("anna", "s1")
	late := w.pay("anna").Code
	w.overdue(late)
	w.decline(late)
	w.wantStates(late, store.BookingLapsed, store.AttemptDead, store.Locked)
	gaveUp := w.pay("anna").Code
	_, err := w.s.GiveUp(w.Context(), gaveUp, "anna")
	w.must(err)
	w.decline(gaveUp)
	w.wantStates(gaveUp, store.BookingDeclined, store.AttemptDead, store.Locked)
}

func declineRepeat(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	b := w.pay("anna")
	old := w.attempt(b.Code)
	w.decline(b.Code)
	repeat := func() {
		w.Helper()
		w.still(b.Code, func() {
			for _, s := range w.both() {
				for _, a := range []store.Attempt{old, w.attempt(b.Code)} {
					w.told(s.Decline(w.Context(), a))
				}
			}
		})
	}
	repeat()
	again := w.pay("anna") // of the same seat
	repeat()
	w.wantStates(again.Code, store.BookingPaying, store.AttemptRecorded, store.Paying)
}

func declineStale(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	b := w.pay("anna")
	old := w.attempt(b.Code)
	now := w.leased(old.ID)
	stale := func(a store.Attempt) {
		w.Helper()
		w.still(b.Code, func() {
			_, err := w.s.Decline(w.Context(), a)
			w.wantErr(err, store.ErrStale)
		})
	}
	stale(old)
	w.confirm(b.Code)
	stale(now)
	stale(w.attempt(b.Code))
}

func declineLetGo(w *world) {
	w.open(2)
	code := w.late("anna", "s1")
	w.lock("bert", "s1")
	w.unchanged(func() { w.decline(code) })
	w.wantStates(code, store.BookingLapsed, store.AttemptDead, store.Locked)
	if due := w.idsDue(w.s.DueAttempts, 9); len(due) > 0 {
		w.Fatalf("due are %v", due)
	}
}

func declineOver(w *world) {
	w.open(1)
	w.lock("anna", "s1")
	b := w.pay("anna")
	w.update(func(e *store.Event) { e.Starts = w.now().Add(-2 * store.Evening) })
	w.decline(b.Code)
	w.wantStates(b.Code, store.BookingDeclined, store.AttemptDead, store.Locked)
}

func letGoLapsed(w *world) {
	w.open(1)
	w.lock("anna", "s1")
	b := w.pay("anna")
	next := w.now().Add(90 * time.Second)
	out := w.told(w.s.LetGo(w.Context(), w.attempt(b.Code), next))
	w.wantStates(b.Code, store.BookingLapsed, store.AttemptRecorded, store.Locked)
	if a := out.Attempt; a.Final() || !a.Due.Equal(next) || !out.Booking.PayUntil.IsZero() || out.Booking.Captured != 0 {
		w.Fatalf("got %+v", out)
	}
	if ids := w.idsDue(w.s.DueAttempts, 9); len(ids) > 0 {
		w.Fatalf("due are %v, want none before %v", ids, next)
	}
}

func letGoSeats(w *world) {
	w.open(3)
	w.lock("anna", "s1")
	w.lock("bert", "s2")
	code := w.pay("anna").Code
	w.lock("anna", "s3")
	_, err := w.tryExtend("anna", long())
	w.must(err)
	w.wantReason(store.ReasonDeclined, "anna", store.ReasonChanged, func() { w.letGo(code) })
	w.wantOneClock(w.lockOf("anna"), 2)
	w.unlock("anna")
	w.payingWhenOver("carl", "s1")
	code = w.seat("s1").Booking
	w.wantReason(store.ReasonLapsed, "carl", store.ReasonLapsed, func() { w.letGo(code) })
	w.wantStates(code, store.BookingLapsed, store.AttemptRecorded, store.Available)
	w.wantBooks()
}

func letGoRepeat(w *world) {
	w.open(1)
	code := w.late("anna", "s1")
	w.still(code, func() { w.letGo(code) })
	w.confirm(code)
}

func letGoStale(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	code := w.pay("anna").Code
	stale := func(a store.Attempt) {
		w.Helper()
		w.still(code, func() {
			_, err := w.s.LetGo(w.Context(), a, w.now())
			w.wantErr(err, store.ErrStale)
		})
	}
	old := w.attempt(code)
	w.leased(old.ID)
	stale(old)
	w.decline(code)
	stale(w.attempt(code))
	code = w.book("anna").Code
	stale(w.attempt(code))
}

func giveUpNow(w *world) {
	w.open(1)
	w.lock("anna", "s1")
	b := w.pay("anna")
	a := w.leased(w.attempt(b.Code).ID) // not due for a moment
	before := w.now()
	var out store.BookingOutcome
	w.unchanged(func() { out = w.told(w.s.GiveUp(w.Context(), b.Code, "anna")) })
	w.wantStates(b.Code, store.BookingPaying, store.AttemptRecorded, store.Paying)
	got := out.Attempt
	if !got.GivenUp || got.Deadline.Before(before) || got.Deadline.After(w.now()) || !got.Due.Equal(got.Deadline) || !out.Booking.PayUntil.Equal(got.Deadline) {
		w.Fatalf("got %+v, was %+v", out, a)
	}
	if ids := w.idsDue(w.s.DueAttempts, 9); len(ids) != 1 {
		w.Fatalf("due are %v, want the attempt", ids)
	}
	w.confirm(b.Code) // since it was paid by then
	w.wantBooks()
}

func giveUpLate(w *world) {
	w.open(1)
	w.lock("anna", "s1")
	b := w.pay("anna")
	w.overdue(b.Code)
	deadline := w.attempt(b.Code).Deadline
	w.pass(deadline.Add(3 * time.Millisecond))
	out := w.told(w.s.GiveUp(w.Context(), b.Code, "anna"))
	if !out.Attempt.Deadline.Equal(deadline) || !out.Booking.PayUntil.Equal(deadline) || !out.Attempt.GivenUp {
		w.Fatalf("got %+v, want the deadline %v", out, deadline)
	}
}

func giveUpHolder(w *world) {
	w.open(1)
	w.lock("anna", "s1")
	b := w.pay("anna")
	w.still(b.Code, func() {
		for _, who := range []store.Holder{"bert", ""} {
			_, err := w.s.GiveUp(w.Context(), b.Code, who)
			w.wantErr(err, store.ErrNoBooking)
		}
	})
}

func giveUpRepeat(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	code := w.pay("anna").Code
	_, err := w.s.GiveUp(w.Context(), code, "anna")
	w.must(err)
	still := func() {
		w.Helper()
		w.still(code, func() { w.told(w.s.GiveUp(w.Context(), code, "anna")) })
	}
	still()
	w.confirm(code)
	still()
	w.lock("anna", "s2")
	code = w.reserve("anna").Code
	still()
}

func giveUpFences(w *world) {
	w.open(1)
	w.lock("anna", "s1")
	code := w.pay("anna").Code
	a := w.leased(w.attempt(code).ID)
	_, err := w.s.GiveUp(w.Context(), code, "anna")
	w.must(err)
	_, err = w.s.NoteAttempt(w.Context(), a)
	w.wantErr(err, store.ErrStale)
}
