package storetest

import (
	"errors"
	"slices"

	"github.com/seatlock/seatlock/store"
)

func moveCases() []testCase {
	return []testCase{
		{"the other seat in the place of the old one", moveFree},
		{"it keeps the price and the tariff", moveMoney},
		{"onto a withheld seat", moveWithheld},
		{"onto a seat whose lock is over", moveLapsed},
		{"not onto what somebody has", moveTaken},
		{"only from a seat that it has, to one that there is", moveNoSeat},
		{"another revision is stale", moveStale},
		{"reserved stays reserved", moveReserved},
		{"only while it has seats", moveEnded},
		{"a repeat changes nothing", moveRepeat},
		{"there and back, the first ticket stays invalid", moveBack},
		{"who was let in stays so", moveIn},
		{"two who want the seat, and one gets it", moveRace},
		{"one seat that moves to two, and is at one", moveAwayRace},
		{"of a move and a lock one wins", moveLockRace},
	}
}

func (w *world) tryMove(code, from, to string) (store.BookingOutcome, error) {
	w.Helper()
	line := lineOf(to)
	line.Price, line.Label = price+1, "of "+to
	return w.s.Move(w.Context(), store.MoveRequest{Code: code, From: from, To: line, Revision: w.event(w.s).Revision})
}

// move returns the booking as it then is.
func (w *world) move(code, from, to string) store.Booking {
	w.Helper()
	out, err := w.tryMove(code, from, to)
	w.must(err)
	if b := w.booking(code); !sameBooking(out.Booking, b) {
		w.Fatalf("told of the booking\n\t%+v\nwhich is\n\t%+v", out.Booking, b)
	}
	return out.Booking
}

// notMoved fails unless the move is refused for that reason, and changes nothing.
func (w *world) notMoved(code, from, to string, why error) {
	w.Helper()
	w.still(code, func() {
		_, err := w.tryMove(code, from, to)
		w.wantErr(err, why)
	})
}

func moveFree(w *world) {
	w.open(3)
	b := w.booked("anna", "s1", "s2")
	var got store.Booking
	changes := w.announced(func() { got = w.move(b.Code, "s1", "s3") })
	if !slices.Equal(store.Seats(got.Lines), []string{"s3", "s2"}) || got.Lines[0].Label != "of s3" || text(got.Lines[1]) != text(b.Lines[1]) {
		w.Fatalf("got lines %+v", got.Lines)
	}
	if got.Ticket("s3").Issue != 2 || got.Ticket("s2").Issue != 1 || got.State != store.BookingBooked || got.Captured != b.Captured {
		w.Fatalf("got %+v", got)
	}
	w.wantSeats(w.seats("s1", "s3"), []store.Seat{
		{ID: "s1", Version: 5}, {ID: "s3", Status: store.Booked, LockedBy: "anna", Booking: b.Code, Version: 2},
	})
	if len(changes) != 2 || changes[0].Reason != store.ReasonMoved || changes[1].Reason != store.ReasonMoved {
		w.Fatalf("announced %+v", changes)
	}
	w.wantLoss(changes, store.ReasonChanged)
	w.wantBooks()
	w.booked("bert", "s1")
}

func moveMoney(w *world) {
	w.open(3)
	w.lock("anna", "s1", "s2")
	r := w.sale("anna")
	r.Lines[0].Price, r.Lines[0].Tariff, r.Lines[0].TariffName = 700, "child", "Child"
	b := w.confirm(w.begin(r).Code).Booking
	got := w.move(b.Code, "s1", "s3")
	if l := got.Lines[0]; l.Price != 700 || l.Tariff != "child" || l.TariffName != "Child" {
		w.Fatalf("got line %+v", l)
	}
	if out := w.cancel(b.Code, "s3"); out.Refund.Amount != 700 || !slices.Equal(out.Refund.Seats, []string{"s3"}) {
		w.Fatalf("got refund %+v, want the price that was paid", out.Refund)
	}
	w.wantBooks()
}

func moveWithheld(w *world) {
	w.open(2)
	w.withhold(true, "s2")
	b := w.booked("anna", "s1")
	w.move(b.Code, "s1", "s2")
	w.wantStates(b.Code, store.BookingBooked, store.AttemptCaptured, store.Booked)
	w.move(b.Code, "s2", "s1")
	if s := w.seat("s2"); s.Status != store.Available {
		w.Fatalf("got %+v, want it free", s)
	}
}

func moveLapsed(w *world) {
	w.open(2)
	b := w.booked("anna", "s1")
	w.lapse("bert", "s2")
	changes := w.announced(func() { w.move(b.Code, "s1", "s2") })
	for _, c := range changes {
		want := map[string]store.Reason{"s1": store.ReasonChanged, "s2": store.ReasonLapsed}[c.Seat.ID]
		if c.Loss() != want {
			w.Fatalf("announced %+v, by which %q has lost it as %q, want %q", c, c.Before, c.Loss(), want)
		}
	}
	w.wantBooks()
}

func moveTaken(w *world) {
	w.open(7)
	b := w.booked("anna", "s1", "s2", "s3")
	w.cancel(b.Code, "s3")
	w.lock("bert", "s4")
	w.booked("carl", "s5")
	w.lock("dora", "s6")
	w.pay("dora")
	w.lock("anna", "s7")
	for to, why := range map[string]error{
		"s2": store.ErrBooked, "s3": store.ErrInUse, "s4": store.ErrTaken, "s5": store.ErrBooked, "s6": store.ErrTaken, "s7": store.ErrTaken,
	} {
		w.notMoved(b.Code, "s1", to, why)
	}
	w.wantBooks()
}

func moveNoSeat(w *world) {
	w.open(5)
	b := w.booked("anna", "s1", "s2")
	w.booked("bert", "s3")
	w.cancel(b.Code, "s2")
	for _, from := range []string{"s2", "s3", "s4", "nowhere"} {
		w.notMoved(b.Code, from, "s5", store.ErrNoSeat)
	}
	w.notMoved(b.Code, "s1", "nowhere", store.ErrNoSeat)
	for _, seats := range [][2]string{{"s1", ""}, {"", "s5"}, {"s1", "a b"}, {"..", "s5"}} {
		w.notMoved(b.Code, seats[0], seats[1], store.ErrInvalid)
	}
	_, err := w.tryMove("2222222222", "s1", "s5")
	w.wantErr(err, store.ErrNoBooking)
}

func moveStale(w *world) {
	w.open(2)
	b := w.booked("anna", "s1")
	w.still(b.Code, func() {
		for _, revision := range []int64{0, 2} {
			_, err := w.s.Move(w.Context(), store.MoveRequest{Code: b.Code, From: "s1", To: lineOf("s2"), Revision: revision})
			w.wantErr(err, store.ErrStale)
		}
	})
	w.update(func(e *store.Event) { e.Title = "Another" })
	w.still(b.Code, func() {
		_, err := w.second().Move(w.Context(), store.MoveRequest{Code: b.Code, From: "s1", To: lineOf("s2"), Revision: 1})
		w.wantErr(err, store.ErrStale)
	})
	w.move(b.Code, "s1", "s2")
}

func moveReserved(w *world) {
	w.open(9)
	w.lock("anna", "s1", "s2")
	b := w.reserve("anna")
	got := w.move(b.Code, "s2", "s3")
	if got.State != store.BookingReserved || got.Owed() != b.Owed() || !got.PayUntil.Equal(b.PayUntil) {
		w.Fatalf("got %+v, was %+v", got, b)
	}
	w.wantRoom(w.both(), "anna", 1)
	w.wantBooks()
	w.paid(b.Code)
	w.wantRoom(w.both(), "anna", 3)
	w.wantBooks()
}

func moveEnded(w *world) {
	w.open(6)
	w.lock("anna", "s1")
	code := w.pay("anna").Code
	w.notMoved(code, "s1", "s6", store.ErrPaying)
	w.decline(code)
	w.notMoved(code, "s1", "s6", store.ErrEnded)
	code = w.booked("bert", "s2").Code
	w.cancel(code)
	w.notMoved(code, "s2", "s6", store.ErrEnded)
	w.lock("carl", "s3")
	code = w.reserve("carl").Code
	w.overdue(code)
	w.lapsed(code)
	w.notMoved(code, "s3", "s6", store.ErrEnded)
	code = w.late("dora", "s4")
	w.lock("emil", "s4")
	w.confirm(code) // which is lost
	w.notMoved(code, "s4", "s6", store.ErrEnded)
}

func moveRepeat(w *world) {
	w.open(4)
	b := w.booked("anna", "s1", "s2")
	w.move(b.Code, "s1", "s3")
	still := func(from, to string) {
		w.Helper()
		w.still(b.Code, func() { w.move(b.Code, from, to) })
	}
	still("s1", "s3")
	w.booked("bert", "s1")
	still("s1", "s3") // also once the old seat is somebody's
	still("s3", "s3")
	w.update(func(e *store.Event) { e.Title = "Another" })
	w.still(b.Code, func() { // also of an event that has changed
		_, err := w.second().Move(w.Context(), store.MoveRequest{Code: b.Code, From: "s1", To: lineOf("s3"), Revision: 1})
		w.must(err)
	})
}

func moveBack(w *world) {
	w.open(3)
	b := w.booked("anna", "s1", "s2")
	tickets := []store.CheckInRequest{w.ticketOf(b.Code, "s1")}
	for _, leg := range [][2]string{{"s1", "s3"}, {"s3", "s1"}, {"s1", "s3"}, {"s3", "s1"}} {
		w.move(b.Code, leg[0], leg[1])
		for _, t := range tickets {
			w.refusedIn(t, store.ErrReplaced)
		}
		tickets = append(tickets, w.ticketOf(b.Code, leg[1]))
	}
	w.checkIn(tickets[len(tickets)-1])
	w.checkIn(w.ticketOf(b.Code, "s2"))
}

func moveIn(w *world) {
	w.open(3)
	b := w.booked("anna", "s1", "s2")
	w.checkIn(w.ticketOf(b.Code, "s1"))
	in := w.in(b.Code, "s1")
	w.move(b.Code, "s1", "s3")
	if got := w.in(b.Code, "s3"); !got.Equal(in) || !w.in(b.Code, "s1").IsZero() {
		w.Fatalf("in since %v, want %v", got, in)
	}
	w.still(b.Code, func() {
		_, err := w.tryMove(b.Code, "s2", "s3")
		w.wantErr(err, store.ErrBooked)
		_, err = w.tryCheckIn(w.ticketOf(b.Code, "s3"))
		w.wantErr(err, store.ErrCheckedIn)
	})
}

func moveRace(w *world) {
	stores := w.both()
	w.open(5)
	codes := []string{w.booked("anna", "s1").Code, w.booked("bert", "s2").Code, w.booked("carl", "s3").Code, w.booked("dora", "s4").Code}
	for range w.rounds(10) {
		errs := make([]error, len(codes))
		race(len(codes), func(i int) {
			_, errs[i] = stores[i%2].Move(w.Context(), store.MoveRequest{Code: codes[i], From: names(4)[i], To: lineOf("s5"), Revision: 1})
		})
		winner := w.oneWinner(errs, store.ErrBooked)
		w.wantBooks()
		w.move(codes[winner], "s5", names(4)[winner])
	}
}

func moveAwayRace(w *world) {
	stores := w.both()
	w.open(3)
	for round := range w.rounds(10) {
		b := w.booked(holder(round), "s1")
		errs := make([]error, 2)
		race(2, func(i int) {
			_, errs[i] = stores[i].Move(w.Context(), store.MoveRequest{Code: b.Code, From: "s1", To: lineOf(names(3)[1+i]), Revision: 1})
		})
		w.oneWinner(errs, store.ErrNoSeat)
		w.wantBooks()
		w.cancel(b.Code)
	}
}

func moveLockRace(w *world) {
	stores := w.both()
	w.open(2)
	for round := range w.rounds(20) {
		b := w.booked(holder(round), "s1")
		errs := make([]error, 2)
		race(2, func(i int) {
			if i == 0 {
				_, errs[0] = stores[round%2].Move(w.Context(), store.MoveRequest{Code: b.Code, From: "s1", To: lineOf("s2"), Revision: 1})
				return
			}
			_, errs[1] = stores[1-round%2].Lock(w.Context(), store.LockRequest{Event: evening, Holder: "lena", Seats: []string{"s2"}, Rules: long()})
		})
		moved := errs[0] == nil && errors.Is(errs[1], store.ErrBooked)
		if locked := errs[1] == nil && errors.Is(errs[0], store.ErrTaken); moved == locked {
			w.Fatalf("move: %v, lock: %v", errs[0], errs[1])
		}
		w.wantBooks()
		w.cancel(b.Code)
		w.unlock("lena")
	}
}
