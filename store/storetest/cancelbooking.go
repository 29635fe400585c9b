package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seatlock/seatlock/store"
)

func cancelBookingCases() []testCase {
	return []testCase{
		{"the whole of it, and the money goes back", cancelWhole},
		{"single seats, each with its price", cancelSeats},
		{"a repeat changes nothing", cancelRepeat},
		{"another's, and seats that are not of it, are not found", cancelNotFound},
		{"refused while it is being paid for", cancelPaying},
		{"refused when it never came to be", cancelEnded},
		{"a reserved booking has no money to go back", cancelReserved},
		{"nor has one that cost nothing", cancelFree},
		{"visitors can until a day before the start", cancelTerm},
		{"the house may keep the money, visitors may not say so", cancelNoRefund},
		{"the holder's lock stays", cancelLock},
		{"refused once a ticket was let in, unless by force of the house", cancelIn},
		{"16 cancels of a seat at once pay back once", cancelRace},
		{"cancels of single seats at once each pay back their own", cancelSeatsRace},
		{"a cancel beside a confirm comes before or after", cancelConfirmRace},
		{"of a cancel and being paid one comes first", cancelPaidRace},
	}
}

func cancelWhole(w *world) {
	w.open(3)
	w.lock("anna", "s1", "s2")
	b := w.book("anna")
	before := w.now()
	var out store.BookingOutcome
	changes := w.announced(func() { out = w.cancel(b.Code) })
	w.wantSeats(w.seats("s1", "s2"), []store.Seat{{ID: "s1", Version: 5}, {ID: "s2", Version: 5}})
	if len(changes) != 2 || changes[0].Reason != store.ReasonCancelled || changes[0].Before != "anna" || changes[0].Loss() != store.ReasonChanged {
		w.Fatalf("announced %+v", changes)
	}
	got := out.Booking
	if got.State != store.BookingCancelled || len(got.Kept()) != 0 || got.Total() != 2*price || got.Captured != 2*price || got.Refunded != 0 {
		w.Fatalf("got %+v", got)
	}
	r := out.Refund
	if r.ID != b.Code+"-r1" || !slices.Equal(got.Refunds, []string{r.ID}) || r.Attempt != b.Attempt() || r.Provider != "demo" || r.State != store.RefundWanted ||
		r.Amount != 2*price || r.Currency != "EUR" || !slices.Equal(r.Seats, []string{"s1", "s2"}) || r.Wanted.Before(before) || !r.Due.Equal(r.Wanted) {
		w.Fatalf("got %+v", r)
	}
	if ids := w.idsDue(w.s.DueRefunds, 9); !slices.Equal(ids, got.Refunds) {
		w.Fatalf("due are %v", ids)
	}
	w.lock("bert", "s1", "s2")
	w.wantBooks()
}

func cancelSeats(w *world) {
	w.open(4)
	w.lock("anna", "s1", "s2", "s3", "s4")
	r := w.sale("anna")
	for i := range r.Lines {
		r.Lines[i].Price = int64(1000 * (i + 1))
	}
	b := w.confirm(w.begin(r).Code).Booking
	for i, one := range []struct {
		seats []string
		want  int64
		state store.BookingState
	}{
		{[]string{"s3"}, 3000, store.BookingBooked}, {[]string{"s2", "s4", "s2"}, 6000, store.BookingBooked}, {[]string{"s1", "s2"}, 1000, store.BookingCancelled},
	} {
		out := w.told(w.tryCancel(store.CancelRequest{Code: b.Code, Seats: one.seats, Holder: "anna"}))
		if out.Refund.ID != fmt.Sprintf("%s-r%d", b.Code, i+1) || out.Refund.Amount != one.want || out.Booking.State != one.state || len(out.Booking.Refunds) != i+1 {
			w.Fatalf("%v: got %+v", one.seats, out)
		}
		w.wantBooks()
	}
	for i, l := range w.booking(b.Code).Lines {
		if want := b.Lines[i]; !l.Cancelled || l.Price != want.Price || l.Label != want.Label {
			w.Fatalf("line %+v was %+v", l, want)
		}
	}
}

func cancelRepeat(w *world) {
	w.open(3)
	w.lock("anna", "s1", "s2")
	b := w.book("anna")
	w.cancel(b.Code, "s1")
	w.lock("bert", "s1")
	still := func(seats ...string) {
		w.Helper()
		w.still(b.Code, func() {
			for _, s := range w.both() {
				for _, who := range []store.Holder{"anna", ""} {
					out := w.told(s.Cancel(w.Context(), store.CancelRequest{Code: b.Code, Seats: seats, Holder: who}))
					if out.Refund.ID != "" {
						w.Fatalf("a repeat told of the refund %+v", out.Refund)
					}
				}
			}
		})
	}
	still("s1")
	w.cancel(b.Code, "s1", "s2")
	still("s1")
	still("s2", "s1")
	still()
	w.update(func(e *store.Event) { e.Starts = w.now().Add(-time.Hour) })
	still() // also once it is too late
	w.wantBooks()
}

func cancelNotFound(w *world) {
	w.open(3)
	w.lock("anna", "s1", "s2")
	w.lock("bert", "s3")
	b := w.book("anna")
	w.book("bert")
	w.still(b.Code, func() {
		for _, r := range []store.CancelRequest{{Holder: "bert"}, {Holder: "bert", Seats: []string{"s1"}}, {Holder: "bert", Seats: []string{"s3"}}} {
			r.Code = b.Code
			_, err := w.tryCancel(r)
			w.wantErr(err, store.ErrNoBooking)
		}
		for _, who := range []store.Holder{"anna", ""} {
			for _, seats := range [][]string{{"s3"}, {"s1", "s3"}, {"nowhere"}} {
				_, err := w.tryCancel(store.CancelRequest{Code: b.Code, Seats: seats, Holder: who})
				w.wantErr(err, store.ErrNoSeat)
			}
		}
		_, err := w.tryCancel(store.CancelRequest{Code: b.Code, Seats: []string{"a b"}})
		w.wantErr(err, store.ErrInvalid)
		_, err = w.tryCancel(store.CancelRequest{Code: b.Code, Seats: make([]string, store.MaxSeatsPerRequest+1)})
		w.wantErr(err, store.ErrInvalid)
	})
}

func cancelPaying(w *world) {
	w.open(1)
	w.lock("anna", "s1")
	b := w.pay("anna")
	w.still(b.Code, func() {
		for _, r := range []store.CancelRequest{{}, {Holder: "anna"}, {Seats: []string{"s1"}}, {NoRefund: true}} {
			r.Code = b.Code
			_, err := w.tryCancel(r)
			w.wantErr(err, store.ErrPaying)
		}
	})
}

func cancelEnded(w *world) {
	w.open(5)
	refused := func(code string) {
		w.Helper()
		w.still(code, func() {
			for _, who := range []store.Holder{"anna", ""} {
				_, err := w.tryCancel(store.CancelRequest{Code: code, Holder: who})
				w.wantErr(err, store.ErrEnded)
			}
		})
	}
	late := w.late("anna", "s1")
	refused(late)
	w.lock("bert", "s1")
	w.confirm(late)
	refused(late) // which is lost
	w.lock("anna", "s2")
	declined := w.pay("anna").Code
	w.decline(declined)
	refused(declined)
	lapsed := w.reserve("anna").Code
	w.overdue(lapsed)
	w.lapsed(lapsed)
	refused(lapsed)
	w.wantBooks()
}

func cancelReserved(w *world) {
	w.open(2)
	w.lock("anna", "s1", "s2")
	b := w.reserve("anna")
	for i, seat := range []string{"s2", "s1"} {
		out := w.told(w.tryCancel(store.CancelRequest{Code: b.Code, Seats: []string{seat}, Holder: "anna"}))
		if out.Refund.ID != "" || len(out.Booking.Refunds) > 0 || out.Booking.Owed() != int64(1-i)*price {
			w.Fatalf("got %+v", out)
		}
		if i == 0 && (out.Booking.State != store.BookingReserved || !out.Booking.PayUntil.Equal(b.PayUntil)) {
			w.Fatalf("got %+v", out.Booking)
		}
		w.wantBooks()
	}
	if got := w.booking(b.Code); got.State != store.BookingCancelled || !got.PayUntil.IsZero() {
		w.Fatalf("got %+v", got)
	}
}

func cancelFree(w *world) {
	w.open(1)
	w.lock("anna", "s1")
	b := w.begin(costless(w.sale("anna")))
	if out := w.cancel(b.Code); out.Refund.ID != "" || out.Booking.State != store.BookingCancelled || len(out.Booking.Refunds) > 0 {
		w.Fatalf("got %+v", out)
	}
	w.wantBooks()
}

func cancelTerm(w *world) {
	w.open(9)
	i := 0
	cancels := func(starts time.Duration, terms store.Terms, want error) {
		w.Helper()
		w.lock("anna", names(9)[i])
		i++
		b := w.book("anna")
		w.update(func(e *store.Event) {
			if e.Starts = w.now().Add(starts); starts == 0 {
				e.Starts = time.Time{}
			}
			e.Terms = terms
		})
		_, err := w.tryCancel(store.CancelRequest{Code: b.Code, Holder: "anna"})
		if !errors.Is(err, want) {
			w.Fatalf("starts in %v, %+v: got %v, want %v", starts, terms, err, want)
		}
		if want != nil {
			w.wantStates(b.Code, store.BookingBooked, store.AttemptCaptured, store.Booked)
		}
		w.cancel(b.Code) // the house always can
		w.update(func(e *store.Event) { e.Starts = w.now().Add(1000 * time.Hour) })
	}
	cancels(25*time.Hour, store.Terms{}, nil)
	cancels(23*time.Hour, store.Terms{}, store.ErrTooLate)
	cancels(-time.Hour, store.Terms{}, store.ErrTooLate)
	cancels(23*time.Hour, store.Terms{CancelUntil: time.Hour}, nil)
	cancels(25*time.Hour, store.Terms{CancelUntil: 48 * time.Hour}, store.ErrTooLate)
	cancels(1000*time.Hour, store.Terms{CancelUntil: store.Never}, store.ErrTooLate)
	cancels(time.Hour, store.Terms{CancelUntil: store.AtStart}, nil)
	cancels(0, store.Terms{}, nil)
	cancels(0, store.Terms{CancelUntil: store.Never}, store.ErrTooLate)
}

func cancelNoRefund(w *world) {
	w.open(2)
	w.lock("anna", "s1", "s2")
	b := w.book("anna")
	w.still(b.Code, func() {
		_, err := w.tryCancel(store.CancelRequest{Code: b.Code, Holder: "anna", NoRefund: true})
		w.wantErr(err, store.ErrInvalid)
	})
	out := w.told(w.tryCancel(store.CancelRequest{Code: b.Code, Seats: []string{"s1"}, NoRefund: true}))
	if out.Refund.ID != "" || len(out.Booking.Refunds) > 0 || len(out.Booking.Kept()) != 1 {
		w.Fatalf("got %+v", out)
	}
	if out := w.cancel(b.Code); out.Refund.Amount != price || !slices.Equal(out.Refund.Seats, []string{"s2"}) {
		w.Fatalf("got %+v, want the other seat alone", out.Refund)
	}
}

func cancelLock(w *world) {
	w.open(3)
	first := w.lock("anna", "s1")
	b := w.book("anna")
	w.lock("anna", "s2")
	out := w.cancel(b.Code)
	w.wantIDs(out.Outcome.Lock.Seats, "s2")
	if !out.Outcome.Lock.Deadline.Equal(first.Lock.Deadline) {
		w.Fatalf("got lock %+v, want the clock of before", out.Outcome.Lock)
	}
}

func cancelIn(w *world) {
	w.open(3)
	b := w.booked("anna", "s1", "s2", "s3")
	scan := w.ticketOf(b.Code, "s2")
	w.checkIn(scan)
	w.still(b.Code, func() {
		for _, who := range []store.Holder{"", "anna"} {
			for _, seats := range [][]string{nil, {"s2"}, {"s1", "s2"}} {
				_, err := w.tryCancel(store.CancelRequest{Code: b.Code, Seats: seats, Holder: who})
				w.wantErr(err, store.ErrCheckedIn)
			}
		}
		_, err := w.tryCancel(store.CancelRequest{Code: b.Code, Holder: "anna", Force: true})
		w.wantErr(err, store.ErrInvalid)
	})
	w.cancel(b.Code, "s1")
	scan.Undo = true
	w.checkIn(scan)
	w.cancel(b.Code, "s2")
	w.checkIn(w.ticketOf(b.Code, "s3"))
	out := w.told(w.tryCancel(store.CancelRequest{Code: b.Code, Force: true}))
	if out.Booking.State != store.BookingCancelled || out.Refund.Amount != price {
		w.Fatalf("got %+v of %+v", out.Refund, out.Booking)
	}
	w.wantBooks()
}

func cancelRace(w *world) {
	stores := w.both()
	w.open(2)
	for round := range w.rounds(10) {
		who := holder(round)
		w.lock(who, "s1", "s2")
		b := w.book(who)
		errs := make([]error, 16)
		race(16, func(i int) {
			r := store.CancelRequest{Code: b.Code, Seats: [][]string{nil, {"s1"}, {"s2", "s1"}}[i%3], Holder: []store.Holder{who, ""}[i/2%2]}
			_, errs[i] = stores[i%2].Cancel(w.Context(), r)
		})
		w.must(errors.Join(errs...))
		if got := w.booking(b.Code); got.State != store.BookingCancelled {
			w.Fatalf("got %+v", got)
		}
		w.wantBooks()
	}
}

func cancelSeatsRace(w *world) {
	stores := w.both()
	w.open(8)
	for round := range w.rounds(5) {
		who := holder(round)
		w.lock(who, names(8)...)
		b := w.book(who)
		errs := make([]error, 7)
		race(7, func(i int) {
			_, errs[i] = stores[i%2].Cancel(w.Context(), store.CancelRequest{Code: b.Code, Seats: names(8)[i : i+1], Holder: who})
		})
		w.must(errors.Join(errs...))
		got := w.booking(b.Code)
		if got.State != store.BookingBooked || len(got.Refunds) != 7 || len(got.Kept()) != 1 {
			w.Fatalf("got %+v, want one seat kept", got)
		}
		w.wantBooks()
		w.cancel(b.Code)
	}
}

func cancelConfirmRace(w *world) {
	stores := w.both()
	w.open(2)
	for round := range w.rounds(20) {
		who := holder(round)
		w.lock(who, "s1", "s2")
		b := w.pay(who)
		a := w.attempt(b.Code)
		errs := make([]error, 2)
		race(2, func(i int) {
			if i == 0 {
				_, errs[0] = stores[round%2].Confirm(w.Context(), a)
				return
			}
			_, errs[1] = stores[1-round%2].Cancel(w.Context(), store.CancelRequest{Code: b.Code, Seats: []string{"s1"}})
		})
		w.must(errs[0])
		if errs[1] != nil {
			w.wantErr(errs[1], store.ErrPaying)
		}
		if got := w.booking(b.Code); got.Captured != 2*price || (len(got.Refunds) == 1) != (errs[1] == nil) {
			w.Fatalf("cancel got %v, and the booking is %+v", errs[1], got)
		}
		w.wantBooks()
		w.cancel(b.Code)
	}
}

func cancelPaidRace(w *world) {
	stores := w.both()
	w.open(2)
	for round := range w.rounds(20) {
		who := holder(round)
		w.lock(who, "s1", "s2")
		b := w.reserve(who)
		errs := make([]error, 2)
		race(2, func(i int) {
			if i == 0 {
				_, errs[0] = stores[round%2].Paid(w.Context(), b.Code, store.WhateverIsOwed)
				return
			}
			_, errs[1] = stores[1-round%2].Cancel(w.Context(), store.CancelRequest{Code: b.Code, Seats: []string{"s1"}})
		})
		w.must(errors.Join(errs...))
		got := w.booking(b.Code)
		if first := got.Captured == price && len(got.Refunds) == 0; !first && (got.Captured != 2*price || len(got.Refunds) != 1) {
			w.Fatalf("got %+v", got)
		}
		w.wantBooks()
		w.cancel(b.Code)
	}
}
