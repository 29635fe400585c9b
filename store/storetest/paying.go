package storetest

import (
	"context"
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
		{"declined seats join the clock", payingDeclined},
		{"booked is refused to everybody", payingBooked},
		{"cancelled is for sale", payingCancelled},
		{"one of payment and sweep wins", payingRace},
	}
}

// payment is a step of somebody's payment for seats, which is not among the
// operations of [store.Store]: the suite decides about it straight on the
// engine.
type payment struct {
	who   store.Holder
	why   store.Reason // ReasonPaying, ReasonDeclined, ReasonBooked or ReasonCancelled
	seats []string
}

// errPayment refuses a step that the seats are not ready for.
var errPayment = errors.New("not to be paid for")

// pay takes the step on an engine, and tells how things stand.
func pay(ctx context.Context, e store.Engine, p payment) (store.Outcome, error) {
	q := store.Question{Event: evening, Holder: p.who, Seats: p.seats}
	d, at, err := e.Decide(ctx, q, p.decide)
	out := d.Outcome()
	if out.Cursor = at; err == nil {
		err = d.Refusal()
	}
	return out, err
}

func (p payment) decide(v store.View) store.Decision {
	out := store.Outcome{Seats: append([]store.Seat{}, v.Seats...), Now: v.Now}
	var w store.Writes
	for _, s := range v.Seats {
		to := s
		ready := s.LockedBy == p.who && s.LockedBy != ""
		switch p.why {
		case store.ReasonPaying:
			ready = ready && s.Status == store.Locked && v.Now.Before(s.LockedUntil)
			to.Status, to.Booking = store.Paying, "booking"
		case store.ReasonDeclined:
			ready = ready && s.Status == store.Paying && v.Clock.Version > 0
			to.Status, to.Booking, to.LockTime, to.LockedUntil, to.Extended = store.Locked, "", v.Clock.Started, v.Clock.Deadline, v.Clock.Extended
		case store.ReasonBooked:
			ready = ready && s.Status == store.Paying
			to.Status, to.LockTime, to.LockedUntil, to.Extended = store.Booked, time.Time{}, time.Time{}, false
		case store.ReasonCancelled:
			ready = ready && s.Status == store.Booked
			to = store.Seat{}
		}
		switch {
		case s.Version == 0:
			return store.Refuse(store.Outcome{}, store.ErrNoSeat)
		case !ready:
			return store.Refuse(out, errPayment)
		}
		c := store.NewChange(evening, s, to, p.why)
		w.Changes = append(w.Changes, c)
	}
	for i, c := range w.Changes {
		out.Seats[i] = c.Seat
	}
	return store.Accept(v, out, w)
}

func (w *world) pay(who store.Holder, why store.Reason, seats ...string) store.Outcome {
	w.Helper()
	out, err := pay(w.Context(), w.e, payment{who, why, seats})
	w.must(err)
	return out
}

// payingWhenOver has somebody pay for seats by a clock that is over then. It
// returns what was granted.
func (w *world) payingWhenOver(who store.Holder, seats ...string) (over store.Outcome) {
	w.Helper()
	w.inTime(func(ttl time.Duration) bool {
		out, err := w.tryLock(who, store.Rules{TTL: ttl, Total: ttl, MaxSeats: 100}, seats...)
		w.must(err)
		_, err = pay(w.Context(), w.e, payment{who, store.ReasonPaying, seats})
		w.pass(out.Lock.Deadline)
		over = out
		return err == nil
	})
	return over
}

func payingAnnounced(w *world) {
	w.open(3)
	first := w.snapshot()
	w.lock("anna", "s1")
	step := func(why store.Reason) {
		w.Helper()
		changes := w.announced(func() { w.pay("anna", why, "s1") })
		w.wantChange(changes, "s1", "anna", why)
		w.wantLoss(changes, store.ReasonChanged)
	}
	step(store.ReasonPaying)
	if s := w.seat("s1"); s.Status != store.Paying || s.LockedBy != "anna" || s.Booking != "booking" {
		w.Fatalf("got %+v, want a seat that anna pays for", s)
	}
	step(store.ReasonDeclined)
	step(store.ReasonPaying)
	step(store.ReasonBooked)
	if s := w.seat("s1"); !sameSeat(s, store.Seat{ID: "s1", Status: store.Booked, LockedBy: "anna", Booking: "booking", Version: 6}) {
		w.Fatalf("got %+v, want a seat that anna has booked", s)
	}
	step(store.ReasonCancelled)
	w.wantSeats(w.seats("s1"), []store.Seat{{ID: "s1", Version: 7}})
	w.wantBoard(first, w.since(first.Cursor), w.snapshot())
}

func payingLimit(w *world) {
	w.open(5)
	w.lock("anna", "s1", "s2")
	w.pay("anna", store.ReasonPaying, "s1", "s2")
	w.unchanged(func() {
		_, err := w.tryLock("anna", longFor(2), "s3")
		w.wantErr(err, store.ErrLimit)
	})
	w.pay("anna", store.ReasonBooked, "s1")
	out, err := w.tryLock("anna", longFor(2), "s3")
	w.must(err)
	w.wantIDs(out.Lock.Seats, "s2", "s3")
}

func payingRepeat(w *world) {
	w.open(3)
	first := w.lock("anna", "s1", "s2")
	w.pay("anna", store.ReasonPaying, "s1")
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

func payingKept(w *world) {
	w.open(3)
	w.lock("anna", "s1", "s2", "s3")
	w.pay("anna", store.ReasonPaying, "s2")
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
	w.lock("anna", "s1", "s2", "s3")
	w.pay("anna", store.ReasonPaying, "s2")
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
	w.pay("anna", store.ReasonPaying, "s1")
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
	w.open(3)
	w.payingWhenOver("anna", "s1")
	w.lock("bert", "s2")
	w.pay("bert", store.ReasonPaying, "s2")
	w.pay("bert", store.ReasonBooked, "s2")
	w.unchanged(func() {
		for seat, want := range map[string]error{"s1": store.ErrTaken, "s2": store.ErrBooked} {
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
// swept it away.
func payingClock(w *world) {
	w.open(4)
	over := w.payingWhenOver("anna", "s1", "s2")
	w.lapse("bert", "s3")
	w.release()
	w.lock("bert", "s4")
	want := store.Lock{Seats: w.seats("s1", "s2"), Started: over.Lock.Started, Deadline: over.Lock.Deadline}
	for _, s := range w.both() {
		out, err := s.LockOf(w.Context(), evening, "anna")
		w.must(err)
		if !sameLock(out.Lock, want) {
			w.Fatalf("got lock\n\t%+v\nwant\n\t%+v", out.Lock, want)
		}
	}
	w.pay("anna", store.ReasonBooked, "s1")
	want.Seats = want.Seats[1:]
	if got := w.lockOf("anna"); !sameLock(got, want) {
		w.Fatalf("got lock\n\t%+v\nwant\n\t%+v", got, want)
	}
	w.pay("anna", store.ReasonBooked, "s2")
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
		_, err = pay(w.Context(), w.e, payment{"anna", store.ReasonPaying, names(1)})
		w.pass(out.Lock.Deadline)
		return err == nil
	})
	w.request("r", "anna", []string{"s1"}, []string{"s1"}) // which nothing remembers now
	w.request("r", "anna", []string{"s2"}, []string{"s2"})
	w.request("r", "anna", []string{"s3"}, []string{"s2"})
}

func payingDeclined(w *world) {
	w.open(3)
	lock := w.lock("anna", "s1", "s2").Lock
	w.pay("anna", store.ReasonPaying, "s1")
	extended, err := w.tryExtend("anna", long())
	w.must(err)
	if s := w.seat("s1"); !s.LockedUntil.Equal(lock.Deadline) {
		w.Fatalf("got %+v, want it as it was until %v", s, lock.Deadline)
	}
	w.pay("anna", store.ReasonDeclined, "s1")
	w.wantOneClock(w.lockOf("anna"), 2)
	if got := w.seat("s1"); !got.LockedUntil.Equal(extended.Lock.Deadline) {
		w.Fatalf("declined until %v, want %v", got.LockedUntil, extended.Lock.Deadline)
	}
	w.wantIDs(w.unlock("anna").Seats, "s1", "s2")
	w.payingWhenOver("bert", "s3")
	w.pay("bert", store.ReasonDeclined, "s3") // with a clock that is over
	w.lock("carl", "s3")
}

func payingBooked(w *world) {
	w.open(3)
	w.lock("anna", "s1", "s2")
	w.pay("anna", store.ReasonPaying, "s1")
	w.pay("anna", store.ReasonBooked, "s1")
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
	w.pay("anna", store.ReasonPaying, "s1")
	w.pay("anna", store.ReasonBooked, "s1")
	w.pay("anna", store.ReasonCancelled, "s1")
	w.lock("bert", "s1")
	w.wantIDs(w.lockOf("anna").Seats)
}

// payingRace begins to pay about when the lock ends, while others sweep and
// want the seat.
func payingRace(w *world) {
	engines, stores := w.engines(), w.both()
	w.open(1)
	for round := range w.rounds(20) {
		who := holder(round)
		out, err := w.tryLock(who, store.Rules{TTL: 3 * time.Millisecond, Total: time.Second, MaxSeats: 1}, "s1")
		w.must(err)
		first := w.snapshot()
		errs := make([]error, 3)
		race(3, func(i int) {
			time.Sleep(out.Lock.Deadline.Sub(out.Now) - time.Duration(round%4)*time.Millisecond)
			switch i {
			case 0:
				_, errs[0] = pay(w.Context(), engines[round%2], payment{who, store.ReasonPaying, names(1)})
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
			w.pay(who, store.ReasonBooked, "s1")
			w.pay(who, store.ReasonCancelled, "s1")
		}
		w.unlock("rival")
		w.unlock(who)
	}
}
