package storetest

import (
	"errors"
	"time"

	"github.com/seatlock/seatlock/store"
)

func payingCases() []testCase {
	return []testCase{
		{"paying, declined, booked and cancelled are announced", payingAnnounced},
		{"paying counts towards the limit, booked does not", payingLimit},
		{"paying is granted again to its holder", payingRepeat},
		{"paying is taken for others", payingTaken},
		{"paying is not given back", payingKept},
		{"paying is not extended", payingNotExtended},
		{"paying alone is nothing to extend", payingNothingToExtend},
		{"paying is not withheld", payingNotWithheld},
		{"paying is not swept when the clock is over", payingNotSwept},
		{"the clock of a payment stays", payingClock},
		{"a new clock starts beside a payment", payingNewClock},
		{"a request is over with the clock of a payment", payingRequest},
		{"booked is refused to everybody", payingBooked},
		{"cancelled is for sale", payingCancelled},
		{"one of payment and sweep wins", payingRace},
	}
}

// payingWhenOver has somebody pay for seats by a clock that is over then. It
// returns what was granted.
func (w *world) payingWhenOver(who store.Holder, seats ...string) (over store.Outcome) {
	w.Helper()
	over, _ = w.beganWhenOver(who, func(r store.BeginRequest) store.BeginRequest { return r }, seats...)
	return over
}

// beganWhenOver has somebody book seats by a clock that is over then. It returns
// what was granted, and the booking's code.
func (w *world) beganWhenOver(who store.Holder, how func(store.BeginRequest) store.BeginRequest, seats ...string) (over store.Outcome, code string) {
	w.Helper()
	w.inTime(func(ttl time.Duration) bool {
		out, err := w.tryLock(who, store.Rules{TTL: ttl, Total: ttl, MaxSeats: 100}, seats...)
		w.must(err)
		code, err = w.tryBegin(how(w.sale(who)))
		w.pass(out.Lock.Deadline)
		over = out
		return err == nil
	})
	return over, code
}

func payingAnnounced(w *world) {
	w.open(3)
	first := w.snapshot()
	w.lock("anna", "s1")
	code := ""
	step := func(why store.Reason, do func()) {
		w.Helper()
		w.wantReason(why, "anna", store.ReasonChanged, do)
	}
	pay := func() { code = w.pay("anna").Code }
	step(store.ReasonPaying, pay)
	if s := w.seat("s1"); s.Status != store.Paying || s.LockedBy != "anna" || s.Booking != code {
		w.Fatalf("got %+v, want a seat that anna pays for", s)
	}
	step(store.ReasonDeclined, func() { w.decline(code) })
	step(store.ReasonPaying, pay)
	step(store.ReasonBooked, func() { w.confirm(code) })
	if s := w.seat("s1"); !sameSeat(s, store.Seat{ID: "s1", Status: store.Booked, LockedBy: "anna", Booking: code, Version: 6}) {
		w.Fatalf("got %+v, want a seat that anna has booked", s)
	}
	step(store.ReasonCancelled, func() { w.cancel(code) })
	w.wantSeats(w.seats("s1"), []store.Seat{{ID: "s1", Version: 7}})
	w.wantBoard(first, w.since(first.Cursor), w.snapshot())
}

func payingLimit(w *world) {
	w.open(5)
	w.lock("anna", "s1", "s2")
	code := w.pay("anna").Code
	w.unchanged(func() {
		_, err := w.tryLock("anna", longFor(2), "s3")
		w.wantErr(err, store.ErrLimit)
	})
	w.confirm(code)
	out, err := w.tryLock("anna", longFor(2), "s3", "s4")
	w.must(err)
	w.wantIDs(out.Lock.Seats, "s3", "s4")
}

func payingRepeat(w *world) {
	w.open(3)
	first := w.lock("anna", "s1")
	w.pay("anna")
	w.lock("anna", "s2")
	w.unchanged(func() {
		out := w.lock("anna", "s1", "s2")
		w.wantSeats(out.Seats, w.seats("s1", "s2"))
		w.wantIDs(out.Lock.Seats, "s1", "s2")
		if !out.Lock.Deadline.Equal(first.Lock.Deadline) {
			w.Fatalf("deadline %v, want %v", out.Lock.Deadline, first.Lock.Deadline)
		}
	})
}

func payingTaken(w *world) {
	w.open(3)
	w.payingWhenOver("anna", "s1")
	w.unchanged(func() {
		_, err := w.tryLock("bert", long(), "s2", "s1")
		w.wantErr(err, store.ErrTaken)
		_, err = w.tryUnlock("bert", "s1")
		w.wantErr(err, store.ErrNotYours)
	})
}

// payingBeside has anna pay for s2, with s1 and s3 locked beside it.
func (w *world) payingBeside() (code string) {
	w.Helper()
	w.lock("anna", "s2")
	code = w.pay("anna").Code
	w.lock("anna", "s1", "s3")
	return code
}

func payingKept(w *world) {
	w.open(3)
	w.payingBeside()
	w.unchanged(func() {
		_, err := w.tryUnlock("anna", "s1", "s2")
		w.wantErr(err, store.ErrPaying)
	})
	out := w.unlock("anna")
	w.wantIDs(out.Seats, "s1", "s3")
	w.wantIDs(out.Lock.Seats, "s2")
	w.unchanged(func() { w.wantIDs(w.unlock("anna").Seats) })
	w.wantIDs(w.lockOf("anna").Seats, "s2")
}

func payingNotExtended(w *world) {
	w.open(3)
	w.payingBeside()
	was := w.seat("s2")
	out, err := w.tryExtend("anna", long())
	w.must(err)
	w.wantIDs(out.Seats, "s1", "s3")
	w.wantIDs(out.Lock.Seats, "s1", "s2", "s3")
	w.wantSeats(out.Lock.Seats, w.seats("s1", "s2", "s3"))
	w.wantSeats(w.seats("s2"), []store.Seat{was})
	w.unchanged(func() {
		again, err := w.tryExtend("anna", long())
		w.must(err)
		w.wantIDs(again.Seats, "s1", "s3")
	})
}

func payingNothingToExtend(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	w.pay("anna")
	w.unchanged(func() {
		out, err := w.tryExtend("anna", long())
		w.wantErr(err, store.ErrExpired)
		w.wantIDs(out.Lock.Seats, "s1")
	})
	if w.lockOf("anna").Extended {
		w.Fatal("a refused extension was counted")
	}
}

func payingNotWithheld(w *world) {
	w.open(4)
	w.payingWhenOver("anna", "s1")
	w.lock("bert", "s2")
	w.book("bert")
	w.lock("carl", "s4")
	w.reserve("carl")
	w.unchanged(func() {
		for seat, want := range map[string]error{"s1": store.ErrTaken, "s2": store.ErrBooked, "s4": store.ErrBooked} {
			for _, on := range []bool{true, false} {
				_, err := w.s.Withhold(w.Context(), store.WithholdRequest{Event: evening, Seats: []string{"s3", seat}, On: on})
				w.wantErr(err, want)
			}
		}
	})
}

func payingNotSwept(w *world) {
	w.open(3)
	w.payingWhenOver("anna", "s1")
	w.lock("bert", "s2")
	w.unchanged(func() {
		if due := w.release(); due.Released != 0 || due.Next.Seat != "s2" {
			w.Fatalf("swept %+v, want nothing, and bert's lock to be the next", due)
		}
	})
}

// payingClock looks for a clock that is over, after anything that could have
// swept it away. The lock has seats then, and no times.
func payingClock(w *world) {
	w.open(4)
	over := w.payingWhenOver("anna", "s1", "s2")
	w.lapse("bert", "s3")
	w.release()
	w.lock("bert", "s4")
	want := store.Lock{Seats: w.seats("s1", "s2")}
	for _, e := range w.engines() {
		out, err := store.New(e).LockOf(w.Context(), evening, "anna")
		w.must(err)
		if !sameLock(out.Lock, want) {
			w.Fatalf("got lock\n\t%+v\nwant\n\t%+v", out.Lock, want)
		}
		clock := w.see(e, store.Question{Event: evening, Holder: "anna"}).Clock
		if clock.Version == 0 || !clock.Started.Equal(over.Lock.Started) || !clock.Deadline.Equal(over.Lock.Deadline) {
			w.Fatalf("got clock %+v, want that of %+v", clock, over.Lock)
		}
	}
	w.confirm(w.seat("s1").Booking)
	if got := w.lockOf("anna"); !sameLock(got, store.Lock{}) {
		w.Fatalf("got lock %+v, want none", got)
	}
}

func payingNewClock(w *world) {
	w.open(4)
	over := w.payingWhenOver("anna", "s2")
	old := w.seat("s2")
	out := w.lock("anna", "s1")
	if started, deadline := startOf(out.Now, long()); !out.Lock.Started.Equal(started) || !out.Lock.Deadline.Equal(deadline) || out.Lock.Extended {
		w.Fatalf("got lock %+v, want a new clock, %v to %v, after %v", out.Lock, started, deadline, over.Lock.Deadline)
	}
	w.wantIDs(out.Lock.Seats, "s1", "s2")
	w.wantSeats(out.Lock.Seats[1:], []store.Seat{old})
	if got := w.lockOf("anna"); !sameLock(got, out.Lock) {
		w.Fatalf("got lock\n\t%+v\nwant\n\t%+v", got, out.Lock)
	}
	extended, err := w.tryExtend("anna", long())
	w.must(err)
	w.wantIDs(extended.Seats, "s1")
	w.wantSeats(w.seats("s2"), []store.Seat{old})
}

func payingRequest(w *world) {
	w.open(4)
	rules := longFor(10)
	w.inTime(func(ttl time.Duration) bool {
		rules.TTL, rules.Total = ttl, ttl
		out, err := w.s.Lock(w.Context(), store.LockRequest{Event: evening, Holder: "anna", Seats: names(1), Rules: rules, Request: "r"})
		w.must(err)
		_, err = w.tryBegin(w.sale("anna"))
		w.pass(out.Lock.Deadline)
		return err == nil
	})
	w.request("r", "anna", []string{"s1"}, []string{"s1"}) // which nothing remembers now
	w.request("r", "anna", []string{"s2"}, []string{"s2"})
	w.request("r", "anna", []string{"s3"}, []string{"s2"})
}

func payingBooked(w *world) {
	w.open(3)
	w.lock("anna", "s1")
	w.book("anna")
	w.lock("anna", "s2")
	w.wantIDs(w.lockOf("anna").Seats, "s2")
	w.unchanged(func() {
		for _, who := range []store.Holder{"anna", "bert"} {
			out, err := w.tryLock(who, long(), "s3", "s1")
			w.wantErr(err, store.ErrBooked)
			w.wantSeats(out.Seats, w.seats("s3", "s1"))
			_, err = w.tryUnlock(who, "s1")
			w.wantErr(err, store.ErrBooked)
		}
		w.release()
	})
	w.wantIDs(w.unlock("anna").Seats, "s2")
}

func payingCancelled(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	w.cancel(w.book("anna").Code)
	w.lock("bert", "s1")
	w.wantIDs(w.lockOf("anna").Seats)
}

// payingRace begins to pay about when the lock ends, while others sweep and
// want the seat.
func payingRace(w *world) {
	stores := w.both()
	w.open(1)
	for round := range w.rounds(20) {
		who := holder(round)
		out, err := w.tryLock(who, store.Rules{TTL: 3 * time.Millisecond, Total: time.Second, MaxSeats: 1}, "s1")
		w.must(err)
		first := w.snapshot()
		sale := w.sale(who)
		sale.Lines = []store.Line{lineOf("s1")} // also if the lock is over by now
		errs := make([]error, 3)
		race(3, func(i int) {
			time.Sleep(out.Lock.Deadline.Sub(out.Now) - time.Duration(round%4)*time.Millisecond)
			switch i {
			case 0:
				_, errs[0] = stores[round%2].Begin(w.Context(), sale)
			case 1:
				_, errs[1] = stores[round/2%2].ReleaseDue(w.Context())
			case 2:
				_, errs[2] = stores[1-round/2%2].Lock(w.Context(), store.LockRequest{Event: evening, Holder: "rival", Seats: names(1), Rules: long()})
			}
		})
		w.must(errs[1])
		w.wantBoard(first, w.since(first.Cursor), w.snapshot())
		if s := w.seat("s1"); (errs[0] == nil) != (s.Status == store.Paying && s.LockedBy == who) {
			w.Fatalf("the payer was told %v, and the seat is %+v", errs[0], s)
		}
		if errs[0] == nil {
			w.confirm(sale.Code)
			w.cancel(sale.Code)
		} else if !errors.Is(errs[0], store.ErrExpired) {
			w.Fatalf("the payer was told %v, want ErrExpired", errs[0])
		}
		w.unlock("rival")
		w.unlock(who)
	}
}
