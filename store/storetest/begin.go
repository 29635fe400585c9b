package storetest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seatlock/seatlock/store"
)

func beginCases() []testCase {
	return []testCase{
		{"all locked seats are being paid for, and nothing else is", beginAll},
		{"the booking has what was sold, to whom and until when", beginKept},
		{"the attempt is recorded, and due", beginAttempt},
		{"paid at the door it is reserved at once", beginDoor},
		{"what costs nothing is booked at once", beginFree},
		{"lines that are not the seats are stale", beginLines},
		{"another revision is stale", beginRevision},
		{"a price that changes meanwhile is stale", beginPriceRace},
		{"without a live locked seat it is expired", beginExpired},
		{"granted when sales are closed", beginClosed},
		{"refused when the event is over", beginOver},
		{"a second one is refused, and told of the first", beginSecond},
		{"after the first has ended there may be another", beginAgain},
		{"the same request is the same booking", beginRepeat},
		{"the same request with other contents is refused", beginReused},
		{"another's equal request is another", beginOthers},
		{"one request 50 times at once is one booking", beginRepeatRace},
		{"50 requests at once are one booking", beginRace},
		{"a code that is taken is refused", beginCode},
		{"not found and malformed", beginInvalid},
		{"an unlock at the same time comes before or after", beginUnlockRace},
	}
}

// unbegun fails unless the request is refused so, and changes nothing.
func (w *world) unbegun(r store.BeginRequest, want error) {
	w.Helper()
	w.unchanged(func() {
		code, err := w.tryBegin(r)
		w.wantErr(err, want)
		if code != "" && !errors.Is(want, store.ErrPaying) {
			w.Fatalf("refused, and told the code %s", code)
		}
	})
	if r.Code == "" {
		return
	}
	if _, err := w.s.Booking(w.Context(), r.Code); !errors.Is(err, store.ErrNoBooking) {
		w.Fatalf("refused, and the booking is there: %v", err)
	}
	if _, err := w.s.Person(w.Context(), r.Code); !errors.Is(err, store.ErrNoBooking) {
		w.Fatalf("refused, and the person is there: %v", err)
	}
}

func beginAll(w *world) {
	w.open(6)
	w.lock("bert", "s4")
	w.lapse("anna", "s5")
	out := w.lock("anna", "s2", "s1", "s3")
	before := w.seats(names(6)...)
	var b store.Booking
	changes := w.announced(func() { b = w.pay("anna") })
	if len(changes) != 3 {
		w.Fatalf("announced %+v, want three seats", changes)
	}
	for i, s := range w.seats(names(6)...) {
		want := before[i]
		if i < 3 {
			want.Status, want.Booking, want.Version = store.Paying, b.Code, 3
			if s.LockTime != out.Lock.Started || !s.LockedUntil.Equal(out.Lock.Deadline) {
				w.Fatalf("got %+v, want the times of its lock", s)
			}
		}
		w.wantSeats([]store.Seat{s}, []store.Seat{want})
	}
	for _, c := range changes {
		if c.Reason != store.ReasonPaying || c.Before != "anna" || c.Loss() != store.ReasonChanged {
			w.Fatalf("announced %+v", c)
		}
	}
	w.wantBooks()
}

func beginKept(w *world) {
	w.open(2)
	lock := w.lock("anna", "s1", "s2").Lock
	r := w.sale("anna")
	r.Lines[0].Tariff, r.Lines[0].Price = "reduced", 3000
	r.Person.Phone = "+43 1 234"
	before := w.now()
	b := w.begin(r)
	if b.Code != r.Code || b.Event != evening || b.Holder != "anna" || b.State != store.BookingPaying || b.Provider != "demo" ||
		b.Currency != "EUR" || b.Total() != 7500 || text(b.Lines) != text(r.Lines) || b.Captured != 0 || b.Refunded != 0 || len(b.Refunds) > 0 {
		w.Fatalf("got %+v", b)
	}
	if b.Begun.Before(before) || b.Begun.After(w.now()) || !b.PayUntil.Equal(r.Rules.Deadline(b.Begun, lock.Started)) || !b.Booked.IsZero() || b.Version != 1 {
		w.Fatalf("got %+v, begun at %v or later", b, before)
	}
	if p, err := w.s.Person(w.Context(), b.Code); err != nil || p != r.Person {
		w.Fatalf("got person %+v, %v", p, err)
	}
	if body := text(b); strings.Contains(body, "Adler") || strings.Contains(body, r.Person.Email) || strings.Contains(body, r.Person.Phone) {
		w.Fatalf("the booking has personal data: %s", body)
	}
	if got := w.lockOf("anna"); len(got.Seats) != 2 || !got.Deadline.Equal(lock.Deadline) {
		w.Fatalf("got lock %+v, want both seats and the clock", got)
	}
}

func beginAttempt(w *world) {
	w.open(2)
	w.lock("anna", "s1", "s2")
	b := w.pay("anna")
	a := w.attempt(b.Code)
	if a.ID != b.Attempt() || a.Event != evening || a.Provider != "demo" || a.State != store.AttemptRecorded || a.Amount != 2*price ||
		a.Currency != "EUR" || !a.Deadline.Equal(b.PayUntil) || a.GivenUp || !a.Due.Equal(b.Begun) || a.Tries != 0 || a.Call != "" || a.Ref != "" {
		w.Fatalf("got %+v", a)
	}
	if ids := w.idsDue(w.s.DueAttempts, 10); len(ids) != 1 || ids[0] != a.ID {
		w.Fatalf("due are %v, want %s", ids, a.ID)
	}
	if store.BookingOf(a.ID) != b.Code {
		w.Fatalf("the attempt %s is of booking %s", a.ID, store.BookingOf(a.ID))
	}
}

func beginDoor(w *world) {
	w.open(3)
	w.lock("anna", "s1", "s2")
	var b store.Booking
	changes := w.announced(func() { b = w.reserve("anna") })
	w.wantStates(b.Code, store.BookingReserved, "", store.Booked)
	if b.Provider != "door" || b.Owed() != 2*price || b.Captured != 0 || !b.Booked.Equal(b.Begun) || !b.PayUntil.Equal(b.Begun.Add(48*time.Hour)) {
		w.Fatalf("got %+v", b)
	}
	if _, err := w.s.Attempt(w.Context(), b.Attempt()); !errors.Is(err, store.ErrNoBooking) {
		w.Fatalf("there is an attempt: %v", err)
	}
	if len(changes) != 2 || changes[0].Reason != store.ReasonBooked || changes[0].Before != "anna" {
		w.Fatalf("announced %+v", changes)
	}
	w.wantIDs(w.lockOf("anna").Seats)
	w.wantBooks()
}

func beginFree(w *world) {
	w.open(4)
	for i, r := range []func(store.BeginRequest) store.BeginRequest{costless, func(r store.BeginRequest) store.BeginRequest { return atDoor(costless(r)) }} {
		w.lock("anna", names(4)[i])
		b := w.begin(r(w.sale("anna")))
		w.wantStates(b.Code, store.BookingBooked, "", store.Booked)
		if b.Provider != "" || b.Owed() != 0 || !b.PayUntil.IsZero() || !b.Booked.Equal(b.Begun) {
			w.Fatalf("got %+v", b)
		}
		if _, err := w.s.Attempt(w.Context(), b.Attempt()); !errors.Is(err, store.ErrNoBooking) {
			w.Fatalf("there is an attempt: %v", err)
		}
		w.wantBooks()
	}
	out, err := w.tryLock("anna", longFor(2), "s3", "s4")
	w.must(err) // they do not count
	w.wantIDs(out.Lock.Seats, "s3", "s4")
}

func beginLines(w *world) {
	w.open(4)
	w.lock("bert", "s4")
	w.lock("anna", "s1", "s2")
	r := w.sale("anna")
	for _, seats := range [][]string{nil, {"s1"}, {"s1", "s2", "s3"}, {"s1", "s3"}, {"s1", "s4"}, {"s1", "s2", "s4"}, {"s1", "s1"}, {"s1", "s2", "s2"}, {"s1", "nowhere"}} {
		r.Lines = nil
		for _, id := range seats {
			r.Lines = append(r.Lines, lineOf(id))
		}
		w.unbegun(r, store.ErrStale)
	}
	r.Lines = []store.Line{lineOf("s2"), lineOf("s1")} // the order is the plan's, or any
	w.begin(r)
}

func beginRevision(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	old := w.sale("anna")
	w.update(func(e *store.Event) { e.Prices = map[string]int64{"stalls": 9900} })
	w.unbegun(old, store.ErrStale)
	newer := old
	newer.Revision = 3
	w.unbegun(newer, store.ErrStale)
	old.Revision = 2
	w.begin(old)
}

// beginPriceRace changes prices while a booking is begun, which is of one of
// the two revisions: with that of before it is granted, or stale.
func beginPriceRace(w *world) {
	w.open(1)
	second := w.second()
	for range w.rounds(5) {
		w.lock("anna", "s1")
		r := w.sale("anna")
		meanwhile := newRival(func() error {
			e, err := second.Event(w.Context(), evening)
			if err == nil {
				e.Prices = map[string]int64{"stalls": e.Prices["stalls"] + 1}
				_, err = second.UpdateEvent(w.Context(), e)
			}
			return err
		})
		_, err := store.New(overtaken{w.e, meanwhile}).Begin(w.Context(), r)
		w.must(meanwhile.wait())
		if err == nil {
			w.wantStates(r.Code, store.BookingPaying, store.AttemptRecorded, store.Paying)
			w.decline(r.Code)
		} else {
			w.unbegun(r, store.ErrStale)
		}
		again := w.sale("anna")
		again.Revision--
		w.unbegun(again, store.ErrStale)
		w.unlock("anna")
	}
}

func beginExpired(w *world) {
	w.open(3)
	w.lapse("anna", "s1")
	r := w.sale("anna")
	r.Lines = []store.Line{lineOf("s1")}
	w.unbegun(r, store.ErrExpired)
	w.release()
	w.unbegun(r, store.ErrExpired)
	r.Holder = "carl" // who never had any
	w.unbegun(r, store.ErrExpired)
	w.lock("bert", "s1")
	r.Holder = "anna" // whose lines are another's seats now
	w.unbegun(r, store.ErrExpired)
}

func beginClosed(w *world) {
	w.open(1)
	w.lock("anna", "s1")
	w.update(func(e *store.Event) { e.SalesClose = w.now().Add(-time.Hour) })
	w.wantStates(w.pay("anna").Code, store.BookingPaying, store.AttemptRecorded, store.Paying)
}

func beginOver(w *world) {
	w.open(1)
	w.lock("anna", "s1")
	w.update(func(e *store.Event) { e.Starts = w.now().Add(-store.Evening) })
	w.unbegun(w.sale("anna"), store.ErrClosed)
	w.update(func(e *store.Event) { e.Starts = w.now().Add(-store.Evening + time.Hour) })
	w.begin(w.sale("anna"))
}

func beginSecond(w *world) {
	w.open(3)
	w.lock("anna", "s1")
	first := w.pay("anna")
	w.lock("anna", "s2")
	r := w.sale("anna")
	w.still(first.Code, func() { w.unbegun(r, store.ErrPaying) })
	for _, s := range w.both() {
		if code, err := s.Begin(w.Context(), r); code != first.Code || !errors.Is(err, store.ErrPaying) {
			w.Fatalf("got %q, %v, want %s, ErrPaying", code, err, first.Code)
		}
	}
	w.lock("bert", "s3")
	w.pay("bert") // whose business that is not
}

func beginAgain(w *world) {
	w.open(4)
	for i, end := range []func(code string){
		func(code string) { w.confirm(code) },
		func(code string) { w.decline(code); w.unlock("anna") },
		func(code string) { w.letGo(code); w.unlock("anna") },
	} {
		w.lock("anna", names(4)[i])
		end(w.pay("anna").Code)
	}
	w.lock("anna", "s4")
	w.pay("anna")
	w.wantBooks()
}

func beginRepeat(w *world) {
	w.open(3)
	w.lock("anna", "s1")
	r := w.sale("anna")
	w.begin(r)
	same := func() {
		w.Helper()
		again := r
		again.Code, again.Revision, again.Lines = store.NewCode(), 9, nil // what was not computed, since it need not be
		w.still(r.Code, func() {
			for _, s := range w.both() {
				if code, err := s.Begin(w.Context(), again); err != nil || code != r.Code {
					w.Fatalf("a repeat got %q, %v, want %s", code, err, r.Code)
				}
			}
		})
		if _, err := w.s.Booking(w.Context(), again.Code); !errors.Is(err, store.ErrNoBooking) {
			w.Fatalf("a repeat made another booking: %v", err)
		}
	}
	same()
	w.confirm(r.Code)
	same()
	w.lock("anna", "s2")
	w.pay("anna") // beside which a repeat of the first is no second one
	same()
	w.cancel(r.Code)
	same()
	w.update(func(e *store.Event) { e.Starts = w.now().Add(-store.Evening) })
	same()
}

func beginReused(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	r := w.sale("anna")
	w.begin(r)
	again := r
	again.Code, again.Contents = store.NewCode(), "other"
	w.still(r.Code, func() { w.unbegun(again, store.ErrReused) })
	w.cancel(w.confirm(r.Code).Booking.Code)
	w.lock("anna", "s1") // and could be booked
	again.Lines = []store.Line{lineOf("s1")}
	w.unbegun(again, store.ErrReused)
}

func beginOthers(w *world) {
	w.open(3)
	w.create(hall("matinee", 1))
	w.lock("anna", "s1")
	first := w.sale("anna")
	w.begin(first)
	w.lock("bert", "s2")
	other := w.sale("bert")
	other.Request = first.Request
	w.begin(other)
	_, err := w.s.Lock(w.Context(), store.LockRequest{Event: "matinee", Holder: "anna", Seats: names(1), Rules: long()})
	w.must(err)
	matinee := w.sale("anna")
	matinee.Event, matinee.Request, matinee.Lines = "matinee", first.Request, []store.Line{lineOf("s1")}
	w.begin(matinee)
	refused := w.sale("carl") // what was refused is not remembered
	refused.Lines = []store.Line{lineOf("s3")}
	w.unbegun(refused, store.ErrExpired)
	w.lock("carl", "s3")
	w.begin(refused)
}

func beginRepeatRace(w *world) {
	stores := w.both()
	w.open(2)
	for range w.rounds(3) {
		w.lock("anna", "s1", "s2")
		r := w.sale("anna")
		codes, errs := make([]string, 50), make([]error, 50)
		race(50, func(i int) {
			one := r
			one.Code = store.NewCode() // as each repeat comes with one of its own
			codes[i], errs[i] = stores[i%2].Begin(w.Context(), one)
		})
		w.must(errors.Join(errs...))
		for _, code := range codes {
			if code != codes[0] {
				w.Fatalf("told of the bookings %s and %s", code, codes[0])
			}
		}
		w.wantBooks()
		w.wantBookings(codes[0])
		w.cancel(w.confirm(codes[0]).Booking.Code)
	}
}

// wantBookings fails unless those that are not over are these.
func (w *world) wantBookings(codes ...string) {
	w.Helper()
	var got []string
	for b, err := range w.s.AllBookings(w.Context(), evening) {
		w.must(err)
		if b.State != store.BookingCancelled {
			got = append(got, b.Code)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(codes) {
		w.Fatalf("there are the bookings %v, want %v", got, codes)
	}
}

func beginRace(w *world) {
	stores := w.both()
	w.open(2)
	for round := range w.rounds(3) {
		who := holder(round)
		w.lock(who, "s1", "s2")
		r := w.sale(who)
		codes, errs := make([]string, 50), make([]error, 50)
		race(50, func(i int) {
			one := r
			one.Code = store.NewCode()
			one.Request += fmt.Sprint(i)
			codes[i], errs[i] = stores[i%2].Begin(w.Context(), one)
		})
		winner := codes[w.oneWinner(errs, store.ErrPaying)]
		for _, code := range codes {
			if code != winner {
				w.Fatalf("told of the booking %s, want %s", code, winner)
			}
		}
		w.wantBookings(winner)
		w.cancel(w.confirm(winner).Booking.Code)
	}
}

func beginCode(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	first := w.pay("anna")
	w.lock("bert", "s2")
	r := w.sale("bert")
	r.Code = first.Code
	w.still(first.Code, func() {
		_, err := w.tryBegin(r)
		w.wantErr(err, store.ErrExists)
	})
}

func beginInvalid(w *world) {
	w.open(1)
	w.lock("anna", "s1")
	r := w.sale("anna")
	nowhere := r
	nowhere.Event = "nowhere"
	_, err := w.tryBegin(nowhere)
	w.wantErr(err, store.ErrNoEvent)
	for what, spoil := range map[string]func(r *store.BeginRequest){
		"no code":        func(r *store.BeginRequest) { r.Code = "" },
		"a small code":   func(r *store.BeginRequest) { r.Code = "abcdefghjk" },
		"no request":     func(r *store.BeginRequest) { r.Request = "" },
		"a long request": func(r *store.BeginRequest) { r.Request = strings.Repeat("x", 65) },
		"no provider":    func(r *store.BeginRequest) { r.Provider = "" },
		"no rules":       func(r *store.BeginRequest) { r.Rules = store.PayRules{} },
		"no holder":      func(r *store.BeginRequest) { r.Holder = "" },
		"no person":      func(r *store.BeginRequest) { r.Person = store.Person{} },
		"a long name":    func(r *store.BeginRequest) { r.Person.Name = strings.Repeat("x", 10<<10) },
		"two lines":      func(r *store.BeginRequest) { r.Person.Name = "Anna\nAdler" },
		"no address":     func(r *store.BeginRequest) { r.Person.Email = "anna" },
		"a negative sum": func(r *store.BeginRequest) { r.Lines = []store.Line{lineOf("s1")}; r.Lines[0].Price = -1 },
		"a price too big": func(r *store.BeginRequest) {
			r.Lines = []store.Line{lineOf("s1")}
			r.Lines[0].Price = store.MaxPrice + 1
		},
		"no seat":        func(r *store.BeginRequest) { r.Lines = []store.Line{lineOf("")} },
		"too many seats": func(r *store.BeginRequest) { r.Lines = make([]store.Line, store.MaxSeatsPerRequest+1) },
	} {
		bad := r
		spoil(&bad)
		if _, err := w.tryBegin(bad); !errors.Is(err, store.ErrInvalid) {
			w.Errorf("%s: got %v, want ErrInvalid", what, err)
		}
	}
	w.wantIDs(w.lockOf("anna").Seats, "s1")
	if s := w.seat("s1"); s.Status != store.Locked {
		w.Fatalf("got seat %+v", s)
	}
}

// beginUnlockRace gives a seat back while its holder begins to pay: what is paid
// for is what was locked.
func beginUnlockRace(w *world) {
	stores := w.both()
	w.open(2)
	for range w.rounds(20) {
		w.lock("anna", "s1", "s2")
		r := w.sale("anna")
		errs := make([]error, 2)
		race(2, func(i int) {
			if i == 0 {
				_, errs[0] = stores[0].Begin(w.Context(), r)
				return
			}
			_, errs[1] = stores[1].Unlock(w.Context(), store.UnlockRequest{Event: evening, Holder: "anna", Seats: []string{"s2"}})
		})
		switch {
		case errs[0] == nil && errors.Is(errs[1], store.ErrPaying):
			w.wantStates(r.Code, store.BookingPaying, store.AttemptRecorded, store.Paying)
			w.decline(r.Code)
		case errs[1] == nil && errors.Is(errs[0], store.ErrStale):
		default:
			w.Fatalf("begin got %v, unlock %v", errs[0], errs[1])
		}
		w.unlock("anna")
	}
}
