package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/seatlock/seatlock/store"
)

func confirmCases() []testCase {
	return []testCase{
		{"its seats are booked, and the money counts", confirmBooks},
		{"a repeat changes nothing", confirmRepeat},
		{"an older version is stale", confirmStale},
		{"a reserved booking has nothing to confirm", confirmReserved},
		{"prices, sales and the start do not matter", confirmAnyway},
		{"another booking of the holder is not touched", confirmMatches},
		{"a dead attempt may be paid after all", confirmDead},
		{"late money gets seats that are free", confirmLateFree},
		{"late money gets seats that the holder has locked", confirmLateLocked},
		{"late money gets seats of a lock that is over", confirmLateLapsed},
		{"late money is lost when a seat is another's", confirmLost},
		{"late money is lost when a seat is withheld, booked or being paid for", confirmLostOtherwise},
		{"late money is lost when the event is gone", confirmLostEvent},
		{"what is lost gives back what it still has", confirmLostGivesBack},
		{"what is lost was another's then", confirmLostTold},
		{"20 at once are one", confirmRace},
		{"of confirm and decline one wins", confirmDeclineRace},
		{"of late money and another's lock one wins", confirmLateRace},
	}
}

func confirmBooks(w *world) {
	w.open(3)
	w.lock("anna", "s2", "s1")
	b := w.pay("anna")
	before := w.now()
	var out store.BookingOutcome
	changes := w.announced(func() { out = w.confirm(b.Code) })
	w.wantStates(b.Code, store.BookingBooked, store.AttemptCaptured, store.Booked)
	got := out.Booking
	if got.Captured != 2*price || got.Refunded != 0 || !got.PayUntil.IsZero() || got.Booked.Before(before) || got.Booked.After(w.now()) || text(got.Lines) != text(b.Lines) {
		w.Fatalf("got %+v", got)
	}
	if a := out.Attempt; !a.Due.IsZero() || !a.Final() || a.Version != 2 {
		w.Fatalf("got %+v", a)
	}
	if ids := w.idsDue(w.s.DueAttempts, 9); len(ids) > 0 {
		w.Fatalf("due are %v", ids)
	}
	for _, s := range w.seats("s1", "s2") {
		if !sameSeat(s, store.Seat{ID: s.ID, Status: store.Booked, LockedBy: "anna", Booking: b.Code, Version: 4}) {
			w.Fatalf("got %+v", s)
		}
	}
	if len(changes) != 2 || changes[0].Reason != store.ReasonBooked || changes[1].Reason != store.ReasonBooked || changes[0].Before != "anna" {
		w.Fatalf("announced %+v", changes)
	}
	if out.Refund.ID != "" || len(out.Outcome.Lock.Seats) > 0 || out.Outcome.Now.Before(before) || !w.head().Covers(out.Outcome.Cursor) {
		w.Fatalf("told %+v", out)
	}
	w.wantBooks()
}

func confirmRepeat(w *world) {
	w.open(2)
	w.lock("anna", "s1", "s2")
	b := w.pay("anna")
	old := w.attempt(b.Code)
	w.confirm(b.Code)
	repeat := func() {
		w.Helper()
		w.still(b.Code, func() {
			for _, s := range w.both() {
				for _, a := range []store.Attempt{old, w.attempt(b.Code)} {
					w.told(s.Confirm(w.Context(), a))
				}
			}
		})
	}
	repeat()
	w.cancel(b.Code, "s1")
	repeat()
	w.cancel(b.Code)
	repeat()
	w.lock("anna", "s1") // which are nobody's business then
	repeat()
}

func confirmStale(w *world) {
	w.open(1)
	w.lock("anna", "s1")
	b := w.pay("anna")
	old := w.attempt(b.Code)
	w.leased(old.ID)
	w.still(b.Code, func() {
		for _, version := range []int64{old.Version, 0, old.Version + 2} {
			old.Version = version
			out, err := w.s.Confirm(w.Context(), old)
			w.wantErr(err, store.ErrStale)
			if !sameBooking(out.Booking, w.booking(b.Code)) {
				w.Fatalf("told of %+v", out.Booking)
			}
		}
	})
	w.confirm(b.Code)
}

// leased takes the work on an attempt for a moment, and so makes a version of it.
func (w *world) leased(id string) store.Attempt {
	w.Helper()
	a, _, err := w.s.LeaseAttempt(w.Context(), id, store.Lease{For: time.Millisecond}, calling("status"))
	w.must(err)
	return a
}

func confirmReserved(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	door := w.reserve("anna")
	w.lock("anna", "s2")
	nothing := w.begin(costless(w.sale("anna")))
	for _, b := range []store.Booking{door, nothing} {
		w.still(b.Code, func() {
			for _, do := range []func(store.Attempt) error{
				func(a store.Attempt) error { _, err := w.s.Confirm(w.Context(), a); return err },
				func(a store.Attempt) error { _, err := w.s.Decline(w.Context(), a); return err },
				func(a store.Attempt) error { _, err := w.s.LetGo(w.Context(), a, w.now()); return err },
			} {
				w.wantErr(do(store.Attempt{ID: b.Attempt()}), store.ErrNoBooking)
				w.wantErr(do(store.Attempt{}), store.ErrNoBooking)
			}
		})
	}
}

func confirmAnyway(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	b := w.pay("anna")
	w.update(func(e *store.Event) {
		e.Prices, e.SalesClose, e.Starts = nil, w.now().Add(-time.Hour), w.now().Add(-2*store.Evening)
	})
	if out := w.confirm(b.Code); out.Booking.State != store.BookingBooked || text(out.Booking.Lines) != text(b.Lines) {
		w.Fatalf("got %+v", out.Booking)
	}
	w.wantBooks()
}

// confirmMatches has the holder have another booking, and seats locked, beside
// the one that is confirmed or declined.
func confirmMatches(w *world) {
	w.open(6)
	w.lock("anna", "s1", "s2")
	late := w.pay("anna").Code
	w.letGo(late)
	w.unlock("anna", "s2")
	other := w.pay("anna").Code // of s1
	w.lock("anna", "s3")
	before := w.seats("s1", "s3")
	if out := w.confirm(late); out.Booking.State != store.BookingLost {
		w.Fatalf("a seat of another booking was taken: %+v", out.Booking)
	}
	w.wantSeats(w.seats("s1", "s3"), before)
	w.wantStates(other, store.BookingPaying, store.AttemptRecorded, store.Paying)
	w.confirm(other)
	w.wantSeats(w.seats("s3"), before[1:])
	w.wantBooks()
	w.lock("anna", "s4")
	third := w.pay("anna").Code
	w.decline(third)
	w.wantStates(other, store.BookingBooked, store.AttemptCaptured, store.Booked)
	w.wantBooks()
}

func confirmDead(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	b := w.pay("anna")
	w.decline(b.Code)
	w.unlock("anna")
	w.wantReason(store.ReasonBooked, "", store.ReasonChanged, func() { w.confirm(b.Code) })
	w.wantStates(b.Code, store.BookingBooked, store.AttemptCaptured, store.Booked)
	w.wantBooks()
}

// late is a booking whose seats were let go, and whose clock has none of them.
func (w *world) late(who store.Holder, seats ...string) (code string) {
	w.Helper()
	w.lock(who, seats...)
	code = w.pay(who).Code
	w.letGo(code)
	w.unlock(who)
	return code
}

func confirmLateFree(w *world) {
	w.open(2)
	code := w.late("anna", "s1", "s2")
	w.wantStates(code, store.BookingLapsed, store.AttemptRecorded, store.Available)
	out := w.confirm(code)
	w.wantStates(code, store.BookingBooked, store.AttemptCaptured, store.Booked)
	if out.Booking.Captured != 2*price || len(out.Booking.Refunds) > 0 || out.Booking.Booked.IsZero() {
		w.Fatalf("got %+v", out.Booking)
	}
	w.wantBooks()
}

func confirmLateLocked(w *world) {
	w.open(4)
	w.lock("anna", "s1", "s2")
	code := w.pay("anna").Code
	w.letGo(code) // with a clock that runs
	w.unlock("anna", "s2")
	w.lock("anna", "s3")
	out := w.confirm(code)
	w.wantStates(code, store.BookingBooked, store.AttemptCaptured, store.Booked)
	w.wantIDs(out.Outcome.Lock.Seats, "s3")
	w.wantBooks()
}

func confirmLateLapsed(w *world) {
	w.open(1)
	code := w.late("anna", "s1")
	w.lapse("bert", "s1")
	w.wantReason(store.ReasonBooked, "bert", store.ReasonLapsed, func() { w.confirm(code) })
	w.wantStates(code, store.BookingBooked, store.AttemptCaptured, store.Booked)
}

// wantMoneyBack fails unless the money of all seats of a booking is wanted back,
// and no seat changes.
func (w *world) wantMoneyBack(code string) {
	w.Helper()
	seats := w.snapshot().Seats
	from, before := w.head(), w.now()
	out := w.confirm(code)
	w.wantSeats(w.snapshot().Seats, seats)
	if got := w.since(from); len(got) > 0 {
		w.Fatalf("announced %+v, want nothing", got)
	}
	w.wantRefundOfAll(out, before)
}

func (w *world) wantRefundOfAll(out store.BookingOutcome, before time.Time) {
	w.Helper()
	b := out.Booking
	if b.State != store.BookingLost || out.Attempt.State != store.AttemptCaptured || b.Captured != b.Total() || b.Refunded != 0 ||
		!slices.Equal(b.Refunds, []string{out.Refund.ID}) || !b.Booked.IsZero() || !b.PayUntil.IsZero() {
		w.Fatalf("got %+v", out)
	}
	r := w.refund(out.Refund.ID)
	if r.State != store.RefundWanted || r.Amount != b.Total() || r.Currency != b.Currency || r.Attempt != b.Attempt() || r.Provider != b.Provider ||
		!slices.Equal(r.Seats, store.Seats(b.Lines)) || r.Wanted.Before(before) || r.Wanted.After(w.now()) || !r.Due.Equal(r.Wanted) || r.Version != 1 {
		w.Fatalf("got %+v", r)
	}
	if ids := w.idsDue(w.s.DueRefunds, 9); !slices.Equal(ids, []string{r.ID}) {
		w.Fatalf("due are %v", ids)
	}
	if store.BookingOf(r.ID) != b.Code {
		w.Fatalf("the refund %s is of booking %s", r.ID, store.BookingOf(r.ID))
	}
}

func confirmLost(w *world) {
	w.open(3)
	code := w.late("anna", "s1", "s2")
	a := w.attempt(code)
	a.State, a.Ref = store.AttemptStarted, "payment-7"
	_, err := w.s.NoteAttempt(w.Context(), a)
	w.must(err)
	w.lock("bert", "s2")
	w.wantMoneyBack(code)
	if r := w.refund(w.booking(code).Refunds[0]); r.Ref != "payment-7" {
		w.Fatalf("got %+v, want the provider's name for the payment", r)
	}
	w.still(code, func() { w.confirm(code) })
	w.unlock("bert")
	w.still(code, func() { w.confirm(code) }) // that is final
	w.wantBooks()
}

func confirmLostOtherwise(w *world) {
	for _, take := range []func(){
		func() { w.withhold(true, "s2") },
		func() { w.lock("bert", "s2"); w.book("bert") },
		func() { w.lock("bert", "s2"); w.reserve("bert") },
		func() { w.lock("bert", "s2"); w.pay("bert") },
		func() { w.lock("anna", "s2"); w.pay("anna") },
		func() { w.lock("anna", "s2"); w.book("anna") },
	} {
		w.remakeEvening()
		code := w.late("anna", "s1", "s2")
		take()
		w.wantMoneyBack(code)
		w.wantBooks()
	}
}

func confirmLostEvent(w *world) {
	w.open(2)
	w.lock("anna", "s1", "s2")
	b := w.pay("anna")
	a := w.attempt(b.Code)
	w.decline(b.Code)
	w.unlock("anna")
	w.remove(evening)
	before := w.now()
	a, err := w.s.Attempt(w.Context(), a.ID)
	w.must(err)
	_, err = w.s.Confirm(w.Context(), a)
	w.must(err)
	out := store.BookingOutcome{Booking: w.booking(b.Code), Attempt: w.attempt(b.Code), Refund: w.refund(b.Code + "-r1")}
	w.wantRefundOfAll(out, before)
	if _, err := w.s.Snapshot(w.Context(), evening); !errors.Is(err, store.ErrNoEvent) {
		w.Fatalf("the event is there again: %v", err)
	}
}

// confirmLostGivesBack has a seat go that is being paid for, which no operation
// does: what is left of the seats is free then.
func confirmLostGivesBack(w *world) {
	w.open(2)
	w.lock("anna", "s1", "s2")
	b := w.pay("anna")
	w.decide(store.Question{Event: evening, Seats: []string{"s2"}}, func(v store.View) store.Writes {
		return store.Writes{Changes: []store.Change{store.NewChange(evening, v.Seats[0], store.Seat{Status: store.Withheld}, store.ReasonWithheld)}}
	})
	before := w.now()
	var out store.BookingOutcome
	w.wantReason(store.ReasonLost, "anna", store.ReasonLost, func() { out = w.confirm(b.Code) })
	w.wantRefundOfAll(out, before)
	w.wantSeats(w.seats("s1"), []store.Seat{{ID: "s1", Version: 4}})
}

// confirmLostTold gives the other's seat back while it is found taken: the
// booking is lost before that, or has its seats after it.
func confirmLostTold(w *world) {
	w.open(2)
	second := w.second()
	for round := range w.rounds(3) {
		code := w.late(holder(round), "s1", "s2")
		w.lock("bert", "s2")
		var theirs store.Outcome
		meanwhile := newRival(func() (err error) {
			theirs, err = second.Unlock(w.Context(), store.UnlockRequest{Event: evening, Holder: "bert"})
			return err
		})
		out, err := store.New(overtaken{w.e, meanwhile}).Confirm(w.Context(), w.attempt(code))
		w.must(meanwhile.wait())
		w.must(err)
		if at := out.Outcome.Cursor; at.Covers(theirs.Cursor) && out.Booking.State == store.BookingLost {
			w.Fatalf("at %v it was lost, and its seats were free at %v", at, theirs.Cursor)
		}
		w.wantBooks()
		if out.Booking.State == store.BookingBooked {
			w.cancel(code)
		}
	}
}

func confirmRace(w *world) {
	stores := w.both()
	w.open(2)
	for round := range w.rounds(5) {
		who := holder(round)
		w.lock(who, "s1", "s2")
		b := w.pay(who)
		a := w.attempt(b.Code)
		from := w.head()
		errs := make([]error, 20)
		race(20, func(i int) {
			_, errs[i] = stores[i%2].Confirm(w.Context(), a)
		})
		w.must(errors.Join(errs...))
		if got := w.since(from); len(got) != 2 {
			w.Fatalf("announced %+v, want two seats once", got)
		}
		if b := w.booking(b.Code); b.Version != 2 || b.Captured != 2*price {
			w.Fatalf("got %+v, want one write", b)
		}
		w.wantBooks()
		w.cancel(b.Code)
	}
}

// confirmDeclineRace has two who have the same version of an attempt bring it to
// two ends.
func confirmDeclineRace(w *world) {
	stores := w.both()
	w.open(1)
	for round := range w.rounds(20) {
		who := holder(round)
		w.lock(who, "s1")
		b := w.pay(who)
		a := w.attempt(b.Code)
		errs := make([]error, 2)
		race(2, func(i int) {
			if i == 0 {
				_, errs[0] = stores[round%2].Confirm(w.Context(), a)
				return
			}
			_, errs[1] = stores[1-round%2].Decline(w.Context(), a)
		})
		if w.oneWinner(errs, store.ErrStale) == 0 {
			w.wantStates(b.Code, store.BookingBooked, store.AttemptCaptured, store.Booked)
			w.cancel(b.Code)
		} else {
			w.wantStates(b.Code, store.BookingDeclined, store.AttemptDead, store.Locked)
		}
		w.wantBooks()
		w.unlock(who)
	}
}

func confirmLateRace(w *world) {
	stores := w.both()
	w.open(2)
	for round := range w.rounds(20) {
		who, rival := holder(round), store.Holder("rival")
		code := w.late(who, "s1", "s2")
		a := w.attempt(code)
		errs := make([]error, 2)
		race(2, func(i int) {
			if i == 0 {
				_, errs[0] = stores[round%2].Confirm(w.Context(), a)
				return
			}
			_, errs[1] = stores[1-round%2].Lock(w.Context(), store.LockRequest{Event: evening, Holder: rival, Seats: []string{"s2"}, Rules: long()})
		})
		w.must(errs[0])
		switch b := w.booking(code); {
		case b.State == store.BookingBooked && errors.Is(errs[1], store.ErrBooked):
			w.wantStates(code, store.BookingBooked, store.AttemptCaptured, store.Booked)
		case b.State == store.BookingLost && errs[1] == nil && w.seat("s2").LockedBy == rival && w.seat("s1").Status == store.Available:
		default:
			w.Fatalf("the rival got %v, the booking is %+v, and the seats %+v", errs[1], b, w.snapshot().Seats)
		}
		w.wantBooks()
		if w.booking(code).State == store.BookingBooked {
			w.cancel(code)
		}
		w.unlock(rival)
	}
}
