package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/seatlock/seatlock/store"
)

func houseCases() []testCase {
	return []testCase{
		{"free and withheld seats are booked and paid for", houseSells},
		{"it needs no e-mail address", houseNoEmail},
		{"what costs nothing", houseComp},
		{"not what somebody has, all or none", houseTaken},
		{"a seat whose lock is over", houseLapsed},
		{"also when sales are closed, and not when the event is over", houseClosed},
		{"the same code is the same booking", houseRepeat},
		{"another revision is stale", houseStale},
		{"a malformed request is invalid", houseInvalid},
		{"of a sale and a lock one wins", houseRace},
		{"of 16 sales of a seat one wins", houseSalesRace},
		{"one code 16 times at once is one booking", houseCodeRace},
		{"cancelled, its money is back at once", houseCancelled},
	}
}

// houseSale is a request of the house to sell seats.
func (w *world) houseSale(seats ...string) store.SellRequest {
	w.Helper()
	r := store.SellRequest{Event: evening, Code: store.NewCode(), Revision: w.event(w.s).Revision, Provider: "house",
		Person: store.Person{Name: "Anna Adler", Email: "anna@example.org"}}
	for _, id := range seats {
		r.Lines = append(r.Lines, lineOf(id))
	}
	return r
}

// sold returns the booking that the request has made.
func (w *world) sold(r store.SellRequest) store.Booking {
	w.Helper()
	out, err := w.s.Sell(w.Context(), r)
	w.must(err)
	w.wantSeats(out.Seats, w.seats(store.Seats(r.Lines)...))
	return w.booking(r.Code)
}

// unsold fails unless the request is refused for that reason, and changes nothing.
func (w *world) unsold(r store.SellRequest, why error) {
	w.Helper()
	w.unchanged(func() {
		_, err := w.s.Sell(w.Context(), r)
		w.wantErr(err, why)
	})
	if _, err := w.s.Booking(w.Context(), r.Code); !errors.Is(err, store.ErrNoBooking) {
		w.Fatalf("refused, and there is the booking: %v", err)
	}
	if _, err := w.s.Person(w.Context(), r.Code); !errors.Is(err, store.ErrNoBooking) {
		w.Fatalf("refused, and there is the person: %v", err)
	}
}

func houseSells(w *world) {
	w.open(3)
	w.withhold(true, "s2")
	r := w.houseSale("s1", "s2")
	r.Lines[1].Price, r.Lines[1].Tariff, r.Lines[1].TariffName = 700, "child", "Child"
	before := w.now()
	var b store.Booking
	changes := w.announced(func() { b = w.sold(r) })
	if b.State != store.BookingBooked || b.Captured != price+700 || b.Provider != "house" || b.Event != evening || b.Currency != "EUR" ||
		text(b.Lines) != text(r.Lines) || b.Booked.Before(before) || !b.Begun.Equal(b.Booked) || !b.PayUntil.IsZero() || b.Request != "" || !b.Starts.Equal(w.event(w.s).Starts) {
		w.Fatalf("got %+v", b)
	}
	if len(changes) != 2 || changes[0].Reason != store.ReasonBooked || changes[1].Reason != store.ReasonBooked {
		w.Fatalf("announced %+v", changes)
	}
	w.wantLoss(changes, store.ReasonChanged)
	w.wantStates(b.Code, store.BookingBooked, "", store.Booked)
	if p, err := w.second().Person(w.Context(), r.Code); err != nil || p != r.Person {
		w.Fatalf("got person %+v, %v", p, err)
	}
	w.wantBooks()
	w.checkIn(w.ticketOf(b.Code, "s1"))
	w.sold(w.houseSale("s3")) // also to the same person
	w.wantBooks()
}

func houseNoEmail(w *world) {
	w.open(1)
	r := w.houseSale("s1")
	r.Person = store.Person{Name: "The mayor"}
	w.sold(r)
	if p, err := w.s.Person(w.Context(), r.Code); err != nil || p != r.Person {
		w.Fatalf("got person %+v, %v", p, err)
	}
}

func houseComp(w *world) {
	w.open(1)
	r := w.houseSale("s1")
	r.Lines[0].Price = 0
	b := w.sold(r)
	if b.State != store.BookingBooked || b.Captured != 0 {
		w.Fatalf("got %+v", b)
	}
	w.checkIn(w.ticketOf(b.Code, "s1"))
	out := w.told(w.tryCancel(store.CancelRequest{Code: b.Code, Force: true}))
	if out.Booking.State != store.BookingCancelled || len(out.Booking.Refunds) > 0 {
		w.Fatalf("got %+v", out.Booking)
	}
	w.wantBooks()
}

func houseTaken(w *world) {
	w.open(5)
	w.lock("anna", "s2")
	w.booked("bert", "s3")
	w.lock("carl", "s4")
	w.pay("carl")
	for id, why := range map[string]error{"s2": store.ErrTaken, "s3": store.ErrBooked, "s4": store.ErrTaken, "nowhere": store.ErrNoSeat} {
		w.unsold(w.houseSale(id), why)
		w.unsold(w.houseSale("s1", id), why)
		w.unsold(w.houseSale(id, "s1"), why)
	}
	r := w.houseSale("s1")
	r.Event = "nowhere"
	w.unsold(r, store.ErrNoEvent)
	w.wantBooks()
}

func houseLapsed(w *world) {
	w.open(1)
	w.lapse("anna", "s1")
	w.wantReason(store.ReasonBooked, "anna", store.ReasonLapsed, func() { w.sold(w.houseSale("s1")) })
	w.wantBooks()
}

func houseClosed(w *world) {
	w.open(2)
	w.update(func(e *store.Event) { e.SalesClose = w.now().Add(-time.Hour) })
	w.sold(w.houseSale("s1"))
	w.update(func(e *store.Event) { e.Starts = w.now().Add(-store.Evening) })
	w.unsold(w.houseSale("s2"), store.ErrClosed)
}

func houseRepeat(w *world) {
	w.open(5)
	r := w.houseSale("s1", "s2")
	w.sold(r)
	still := func() {
		w.Helper()
		w.still(r.Code, func() {
			for _, s := range w.both() {
				_, err := s.Sell(w.Context(), r)
				w.must(err)
			}
		})
	}
	still()
	slices.Reverse(r.Lines)
	still()
	w.update(func(e *store.Event) { e.Title = "Another" })
	still()
	w.still(r.Code, func() {
		for _, seats := range [][]string{{"s3"}, {"s1"}, {"s1", "s2", "s3"}} {
			other := w.houseSale(seats...)
			other.Code = r.Code
			_, err := w.s.Sell(w.Context(), other)
			w.wantErr(err, store.ErrExists)
		}
	})
	w.cancel(r.Code)
	still()
	visitor := w.booked("anna", "s4").Code
	w.still(visitor, func() {
		other := w.houseSale("s4")
		other.Code = visitor
		_, err := w.s.Sell(w.Context(), other)
		w.wantErr(err, store.ErrExists)
	})
	w.wantBooks()
}

func houseStale(w *world) {
	w.open(1)
	r := w.houseSale("s1")
	w.update(func(e *store.Event) { e.Prices = map[string]int64{"stalls": 9900} })
	w.unsold(r, store.ErrStale)
	r.Revision = 3
	w.unsold(r, store.ErrStale)
	r.Revision = 2
	w.sold(r)
}

func houseInvalid(w *world) {
	w.open(2)
	for what, change := range map[string]func(*store.SellRequest){
		"no seats":     func(r *store.SellRequest) { r.Lines = nil },
		"a seat twice": func(r *store.SellRequest) { r.Lines = append(r.Lines, r.Lines[0]) },
		"a seat's id":  func(r *store.SellRequest) { r.Lines[0].Seat = "a b" },
		"a price":      func(r *store.SellRequest) { r.Lines[0].Price = -1 },
		"a high price": func(r *store.SellRequest) { r.Lines[0].Price = store.MaxPrice + 1 },
		"no code":      func(r *store.SellRequest) { r.Code = "" },
		"a code":       func(r *store.SellRequest) { r.Code = "anna" },
		"no way":       func(r *store.SellRequest) { r.Provider = "" },
		"no name":      func(r *store.SellRequest) { r.Person.Name = " " },
		"an address":   func(r *store.SellRequest) { r.Person.Email = "anna" },
		"a number":     func(r *store.SellRequest) { r.Person.Phone = "call me" },
		"many seats":   func(r *store.SellRequest) { r.Lines = make([]store.Line, store.MaxSeatsPerRequest+1) },
	} {
		r := w.houseSale("s1")
		change(&r)
		w.unchanged(func() {
			if _, err := w.s.Sell(w.Context(), r); !errors.Is(err, store.ErrInvalid) {
				w.Fatalf("%s: got %v", what, err)
			}
		})
	}
	w.wantBooks()
}

func houseRace(w *world) {
	stores := w.both()
	w.open(2)
	for round := range w.rounds(20) {
		r := w.houseSale("s1", "s2")
		errs := make([]error, 2)
		race(2, func(i int) {
			if i == 0 {
				_, errs[0] = stores[round%2].Sell(w.Context(), r)
				return
			}
			_, errs[1] = stores[1-round%2].Lock(w.Context(), store.LockRequest{Event: evening, Holder: "lena", Seats: []string{"s2"}, Rules: long()})
		})
		sold := errs[0] == nil && errors.Is(errs[1], store.ErrBooked)
		if locked := errs[1] == nil && errors.Is(errs[0], store.ErrTaken); sold == locked {
			w.Fatalf("sale: %v, lock: %v", errs[0], errs[1])
		}
		w.wantBooks()
		w.unlock("lena")
		if sold {
			w.cancel(r.Code)
		}
	}
}

func houseSalesRace(w *world) {
	stores := w.both()
	w.open(1)
	for range w.rounds(5) {
		requests, errs := make([]store.SellRequest, 16), make([]error, 16)
		for i := range requests {
			requests[i] = w.houseSale("s1")
		}
		race(16, func(i int) { _, errs[i] = stores[i%2].Sell(w.Context(), requests[i]) })
		winner := w.oneWinner(errs, store.ErrBooked)
		w.wantBooks()
		w.cancel(requests[winner].Code)
	}
}

func houseCodeRace(w *world) {
	stores := w.both()
	w.open(2)
	for range w.rounds(3) {
		r := w.houseSale("s1", "s2")
		before, errs := w.seat("s1").Version, make([]error, 16)
		race(16, func(i int) { _, errs[i] = stores[i%2].Sell(w.Context(), r) })
		w.must(errors.Join(errs...))
		if got := w.booking(r.Code); got.Version != 1 || w.seat("s1").Version != before+1 {
			w.Fatalf("got %+v", got)
		}
		w.cancel(r.Code)
	}
	w.wantBooks()
}

func houseCancelled(w *world) {
	w.open(2)
	b := w.sold(w.houseSale("s1", "s2"))
	out := w.cancel(b.Code, "s1")
	if out.Refund.State != store.RefundDone || out.Booking.Refunded != price || out.Refund.Amount != price {
		w.Fatalf("got %+v of %+v", out.Refund, out.Booking)
	}
	w.wantBooks()
}
