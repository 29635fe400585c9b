package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seatlock/seatlock/store"
)

func bookingCases() []testCase {
	return []testCase{
		{"not found", bookingNotFound},
		{"listed by event, in pages by code", bookingListed},
		{"fields of tomorrow are kept by every operation", bookingUnknown},
		{"an event with a booking that is not over cannot be removed", bookingKeepsEvent},
		{"a second instance takes it on", bookingSecond},
	}
}

// price is what a seat of these cases costs.
const price = 4500

func lineOf(seat string) store.Line {
	return store.Line{Seat: seat, Label: "1", Row: "A", Section: "Stalls", Category: "stalls", Price: price}
}

// sale is a request to pay for all that somebody has locked.
func (w *world) sale(who store.Holder) store.BeginRequest {
	w.Helper()
	code := store.NewCode()
	r := store.BeginRequest{
		Event: evening, Holder: who, Code: code, Request: "form-" + code, Contents: "digest", Revision: w.event(w.s).Revision,
		Person: store.Person{Name: "Anna Adler", Email: "anna@example.org"}, Provider: "demo", Rules: store.DefaultPayRules(0),
	}
	for _, s := range w.lockOf(who).Seats {
		if s.Status == store.Locked {
			r.Lines = append(r.Lines, lineOf(s.ID))
		}
	}
	return r
}

// atDoor is the same request, to be paid at the door; costless is one of no price.
func atDoor(r store.BeginRequest) store.BeginRequest {
	r.AtDoor, r.Provider = true, "door"
	return r
}

func costless(r store.BeginRequest) store.BeginRequest {
	r.Lines = slices.Clone(r.Lines)
	for i := range r.Lines {
		r.Lines[i].Price = 0
	}
	return r
}

func (w *world) tryBegin(r store.BeginRequest) (string, error) { return w.s.Begin(w.Context(), r) }

// begin returns the booking that the request has made.
func (w *world) begin(r store.BeginRequest) store.Booking {
	w.Helper()
	code, err := w.tryBegin(r)
	w.must(err)
	if code != r.Code {
		w.Fatalf("got the booking %s, want %s", code, r.Code)
	}
	return w.booking(code)
}

// pay begins to pay for all that somebody has locked, reserve has it be paid at
// the door, and book has paid.
func (w *world) pay(who store.Holder) store.Booking {
	w.Helper()
	return w.begin(w.sale(who))
}

func (w *world) reserve(who store.Holder) store.Booking {
	w.Helper()
	return w.begin(atDoor(w.sale(who)))
}

func (w *world) book(who store.Holder) store.Booking {
	w.Helper()
	return w.confirm(w.pay(who).Code).Booking
}

func (w *world) booking(code string) store.Booking {
	w.Helper()
	b, err := w.s.Booking(w.Context(), code)
	w.must(err)
	return b
}

// attempt returns that of a booking.
func (w *world) attempt(code string) store.Attempt {
	w.Helper()
	a, err := w.s.Attempt(w.Context(), store.Booking{Code: code}.Attempt())
	w.must(err)
	return a
}

func (w *world) refund(id string) store.Refund {
	w.Helper()
	r, err := w.s.Refund(w.Context(), id)
	w.must(err)
	return r
}

// told returns what came of an operation on a booking, which must be how things
// then stand.
func (w *world) told(out store.BookingOutcome, err error) store.BookingOutcome {
	w.Helper()
	w.must(err)
	if b := w.booking(out.Booking.Code); !sameBooking(out.Booking, b) {
		w.Fatalf("told of the booking\n\t%+v\nwhich is\n\t%+v", out.Booking, b)
	}
	if out.Attempt.Version > 0 {
		if a := w.attempt(out.Booking.Code); !sameAttempt(out.Attempt, a) {
			w.Fatalf("told of the attempt\n\t%+v\nwhich is\n\t%+v", out.Attempt, a)
		}
	}
	if out.Refund.ID != "" {
		if r := w.refund(out.Refund.ID); text(r) != text(out.Refund) || r.Version != out.Refund.Version {
			w.Fatalf("told of the refund\n\t%+v\nwhich is\n\t%+v", out.Refund, r)
		}
	}
	w.wantSeats(out.Outcome.Seats, w.seats(store.Seats(out.Booking.Lines)...))
	return out
}

func (w *world) confirm(code string) store.BookingOutcome {
	w.Helper()
	return w.told(w.s.Confirm(w.Context(), w.attempt(code)))
}

func (w *world) decline(code string) store.BookingOutcome {
	w.Helper()
	return w.told(w.s.Decline(w.Context(), w.attempt(code)))
}

func (w *world) letGo(code string) store.BookingOutcome {
	w.Helper()
	return w.told(w.s.LetGo(w.Context(), w.attempt(code), w.now().Add(time.Minute)))
}

func (w *world) tryCancel(r store.CancelRequest) (store.BookingOutcome, error) {
	return w.s.Cancel(w.Context(), r)
}

// cancel is the house's.
func (w *world) cancel(code string, seats ...string) store.BookingOutcome {
	w.Helper()
	return w.told(w.tryCancel(store.CancelRequest{Code: code, Seats: seats}))
}

// text is an entity as its record has it.
func text(entity any) string {
	body, err := json.Marshal(entity)
	if err != nil {
		panic(err)
	}
	return string(body)
}

func sameBooking(a, b store.Booking) bool { return text(a) == text(b) && a.Version == b.Version }

func sameAttempt(a, b store.Attempt) bool { return text(a) == text(b) && a.Version == b.Version }

// amend writes fields over those of a record's body.
func (w *world) amend(kind, id string, index map[string]string, fields map[string]any) {
	w.Helper()
	w.must(w.s.ChangeRecord(w.Context(), store.Key{Kind: kind, ID: id}, func(old store.Record) (store.Record, bool, error) {
		var body map[string]any
		if err := json.Unmarshal(old.Body, &body); err != nil {
			return old, false, err
		}
		for name, value := range fields {
			body[name] = value
		}
		for name, value := range index {
			old.Index[name] = value
		}
		var err error
		old.Body, err = json.Marshal(body)
		return old, false, err
	}))
}

// overdue has the pay deadline of a booking be over, whatever the rules of its
// request were.
func (w *world) overdue(code string) {
	w.Helper()
	at := w.now().UTC()
	index := map[string]string{"due": at.Format("2006-01-02T15:04:05.000Z")}
	if b := w.booking(code); b.State == store.BookingPaying {
		index = nil
		w.amend(store.AttemptRecord, b.Attempt(), nil, map[string]any{"deadline": at})
	}
	w.amend(store.BookingRecord, code, index, map[string]any{"pay_until": at})
}

// still fails unless do leaves every seat of the evening as it is, and all
// records of the booking.
func (w *world) still(code string, do func()) {
	w.Helper()
	all := func() (out []store.Record) {
		b := w.booking(code)
		keys := []store.Key{{Kind: store.BookingRecord, ID: code}, {Kind: store.AttemptRecord, ID: b.Attempt()}, {Kind: store.PersonRecord, ID: code}}
		for _, id := range append(slices.Clone(b.Refunds), fmt.Sprintf("%s-r%d", code, len(b.Refunds)+1)) {
			keys = append(keys, store.Key{Kind: store.RefundRecord, ID: id})
		}
		for _, key := range keys {
			r, err := w.s.Record(w.Context(), key)
			w.must(err)
			out = append(out, r)
		}
		return out
	}
	before := all()
	w.unchanged(do)
	if after := all(); text(after) != text(before) {
		w.Fatalf("the records are\n\t%s\nwant them to stay\n\t%s", text(after), text(before))
	}
}

// wantStates fails unless the booking, its attempt, and its seats that are not
// cancelled stand so.
func (w *world) wantStates(code string, booking store.BookingState, attempt store.AttemptState, seats store.Status) {
	w.Helper()
	b := w.booking(code)
	if b.State != booking {
		w.Fatalf("the booking is %s, want %s", b.State, booking)
	}
	if attempt != "" {
		if a := w.attempt(code); a.State != attempt {
			w.Fatalf("the attempt is %s, want %s", a.State, attempt)
		}
	}
	for _, s := range w.seats(store.Seats(b.Kept())...) {
		if own := seats == store.Paying || seats == store.Booked; s.Status != seats || own && (s.Booking != code || s.LockedBy != b.Holder) {
			w.Fatalf("got seat %+v, want it %s by %s", s, seats, code)
		}
	}
}

func bookingNotFound(w *world) {
	w.open(1)
	w.lock("anna", "s1")
	b := w.pay("anna")
	for _, code := range []string{"", "x", "2222222222", b.Code + "-1", "../" + b.Code, b.Code[:9] + "0"} {
		ctx := w.Context()
		_, booking := w.s.Booking(ctx, code)
		_, attempt := w.s.Attempt(ctx, code+"-9")
		_, refund := w.s.Refund(ctx, code+"-r1")
		_, person := w.s.Person(ctx, code)
		_, confirm := w.s.Confirm(ctx, store.Attempt{ID: code})
		_, decline := w.s.Decline(ctx, store.Attempt{ID: code})
		_, letGo := w.s.LetGo(ctx, store.Attempt{ID: code}, w.now())
		_, giveUp := w.s.GiveUp(ctx, code, "anna")
		_, cancel := w.s.Cancel(ctx, store.CancelRequest{Code: code})
		_, paid := w.s.Paid(ctx, code, store.WhateverIsOwed)
		_, lapse := w.s.Lapse(ctx, code)
		_, note := w.s.NoteRefund(ctx, store.Refund{ID: code + "-r1"})
		for i, err := range []error{booking, attempt, refund, person, confirm, decline, letGo, giveUp, cancel, paid, lapse, note} {
			if code == b.Code+"-1" && (i == 4 || i == 5 || i == 6) {
				w.wantErr(err, store.ErrStale) // that is the id of an attempt, and no version of it
				continue
			}
			if !errors.Is(err, store.ErrNoBooking) {
				w.Fatalf("call %d for %q: got error %v, want ErrNoBooking", i, code, err)
			}
		}
	}
	w.wantStates(b.Code, store.BookingPaying, store.AttemptRecorded, store.Paying)
}

func bookingListed(w *world) {
	w.open(20)
	w.create(hall(evening+"-2", 1)) // whose id begins as this one's
	_, err := w.s.Lock(w.Context(), store.LockRequest{Event: evening + "-2", Holder: "anna", Seats: names(1), Rules: long()})
	w.must(err)
	other := w.sale("anna")
	other.Event, other.Lines, other.Revision = evening+"-2", []store.Line{lineOf("s1")}, 1
	w.begin(other)
	var want []string
	for i := range 7 {
		w.lock(holder(i), names(20)[i])
		want = append(want, w.book(holder(i)).Code)
	}
	slices.Sort(want)
	for _, limit := range []int{1, 3, 7, 100} {
		for _, s := range w.both() {
			var got []string
			for after := ""; ; after = got[len(got)-1] {
				page, err := s.Bookings(w.Context(), evening, after, limit)
				w.must(err)
				for _, b := range page {
					got = append(got, b.Code)
					if !sameBooking(b, w.booking(b.Code)) {
						w.Fatalf("listed %+v", b)
					}
				}
				if len(page) < limit {
					break
				}
			}
			if !slices.Equal(got, want) {
				w.Fatalf("by %d: listed %v, want %v", limit, got, want)
			}
		}
	}
	var all []string
	for b, err := range w.s.AllBookings(w.Context(), evening) {
		w.must(err)
		all = append(all, b.Code)
	}
	if !slices.Equal(all, want) {
		w.Fatalf("listed %v, want %v", all, want)
	}
	if page, err := w.s.Bookings(w.Context(), "nowhere", "", 9); err != nil || len(page) > 0 {
		w.Fatalf("of no event: %v, %v", page, err)
	}
}

// bookingUnknown has each record of a booking have a field that a newer program
// wrote, and looks for it after each operation.
func bookingUnknown(w *world) {
	w.open(6)
	tomorrow := func(kind, id string) { w.amend(kind, id, nil, map[string]any{"tomorrow": "kept"}) }
	want := func(kinds ...store.Key) {
		w.Helper()
		for _, key := range kinds {
			r, err := w.s.Record(w.Context(), key)
			w.must(err)
			var body map[string]any
			w.must(json.Unmarshal(r.Body, &body))
			if body["tomorrow"] != "kept" {
				w.Fatalf("the record of kind %s is now %s", key.Kind, r.Body)
			}
		}
	}
	booking := func(b store.Booking) store.Key { return store.Key{Kind: store.BookingRecord, ID: b.Code} }
	attempt := func(b store.Booking) store.Key { return store.Key{Kind: store.AttemptRecord, ID: b.Attempt()} }
	pay := func(who store.Holder, seat string) store.Booking {
		w.lock(who, seat)
		b := w.pay(who)
		tomorrow(store.BookingRecord, b.Code)
		tomorrow(store.AttemptRecord, b.Attempt())
		return b
	}
	b := pay("anna", "s1")
	a, _, err := w.s.LeaseAttempt(w.Context(), b.Attempt(), store.Lease{For: time.Millisecond}, calling("start"))
	w.must(err)
	_, err = w.s.NoteAttempt(w.Context(), a)
	w.must(err)
	want(attempt(b))
	_, err = w.s.GiveUp(w.Context(), b.Code, "anna")
	w.must(err)
	w.letGo(b.Code)
	w.confirm(b.Code)
	w.cancel(b.Code)
	want(booking(b), attempt(b))
	refund := store.Key{Kind: store.RefundRecord, ID: w.booking(b.Code).Refunds[0]}
	tomorrow(refund.Kind, refund.ID)
	r, _, err := w.s.LeaseRefund(w.Context(), refund.ID, store.Lease{For: time.Millisecond}, refunding("refund"))
	w.must(err)
	r.State, r.Due = store.RefundDone, time.Time{}
	_, err = w.s.NoteRefund(w.Context(), r)
	w.must(err)
	want(booking(b), attempt(b), refund)
	b = pay("bert", "s2")
	w.decline(b.Code)
	want(booking(b), attempt(b))
	for i, end := range []func(code string){
		func(code string) { w.told(w.s.Paid(w.Context(), code, store.WhateverIsOwed)) },
		func(code string) { w.overdue(code); w.told(w.s.Lapse(w.Context(), code)) },
	} {
		who := holder(i)
		w.lock(who, names(6)[3+i])
		b := w.reserve(who)
		tomorrow(store.BookingRecord, b.Code)
		end(b.Code)
		want(booking(b))
	}
}

func bookingKeepsEvent(w *world) {
	w.open(3)
	refused := func(code string) {
		w.Helper()
		w.untold(func() {
			w.wantErr(w.s.RemoveEvent(w.Context(), evening), store.ErrInUse)
		})
		if w.booking(code).Code == "" {
			w.Fatal("the booking is gone")
		}
	}
	w.lock("anna", "s1")
	late := w.pay("anna").Code
	refused(late)
	w.overdue(late)
	w.letGo(late)
	w.unlock("anna")
	refused(late) // whose money may still be found
	w.lock("bert", "s1")
	w.confirm(late)
	w.unlock("bert")
	refused(late) // which is lost, and owed money
	w.remakeEvening()
	w.lock("anna", "s2")
	declined := w.pay("anna").Code
	w.decline(declined)
	w.unlock("anna")
	w.lock("anna", "s2")
	reserved := w.reserve("anna").Code
	refused(reserved)
	w.cancel(reserved, "s2")
	w.lock("anna", "s2", "s3")
	booked := w.book("anna").Code
	w.cancel(booked, "s2")
	refused(booked)
	w.cancel(booked)
	w.lock("anna", "s1")
	lapsed := w.reserve("anna").Code
	w.overdue(lapsed)
	w.told(w.s.Lapse(w.Context(), lapsed))
	w.remove(evening)
	for _, code := range []string{declined, reserved, booked, lapsed} {
		w.booking(code) // which stays
	}
	w.noteDone(w.booking(booked).Refunds[0]) // also its money goes back
	if b := w.booking(booked); b.Refunded != price {
		w.Fatalf("refunded %d, want %d", b.Refunded, price)
	}
}

// remakeEvening goes on with another empty store.
func (w *world) remakeEvening() {
	w.Helper()
	w.use(w.h.Open(w.T))
	w.fences = 0
	w.open(3)
}

// noteDone has the provider have paid back.
func (w *world) noteDone(id string) {
	w.Helper()
	r := w.refund(id)
	r.State, r.Work = store.RefundDone, store.Work{}
	_, err := w.s.NoteRefund(w.Context(), r)
	w.must(err)
}

// bookingSecond takes a booking through its life, each step on the other
// instance.
func bookingSecond(w *world) {
	w.open(2)
	w.lock("anna", "s1", "s2")
	stores := w.both()
	code, err := stores[0].Begin(w.Context(), w.sale("anna"))
	w.must(err)
	step := func(i int, do func(s *store.Store, a store.Attempt) error) {
		w.Helper()
		a, err := stores[i].Attempt(w.Context(), store.Booking{Code: code}.Attempt())
		w.must(err)
		w.must(do(stores[i], a))
	}
	step(1, func(s *store.Store, a store.Attempt) error {
		_, _, err := s.LeaseAttempt(w.Context(), a.ID, store.Lease{For: time.Minute}, calling("start"))
		return err
	})
	step(0, func(s *store.Store, a store.Attempt) error {
		a.State, a.Ref = store.AttemptStarted, "payment-1"
		_, err := s.NoteAttempt(w.Context(), a)
		return err
	})
	step(1, func(s *store.Store, a store.Attempt) error {
		_, err := s.Confirm(w.Context(), a)
		return err
	})
	step(0, func(s *store.Store, a store.Attempt) error {
		if a.State != store.AttemptCaptured || a.Ref != "payment-1" {
			w.Fatalf("got attempt %+v", a)
		}
		_, err := s.Cancel(w.Context(), store.CancelRequest{Code: code, Seats: []string{"s1"}, Holder: "anna"})
		return err
	})
	b, err := stores[1].Booking(w.Context(), code)
	w.must(err)
	if b.State != store.BookingBooked || len(b.Kept()) != 1 || len(b.Refunds) != 1 || b.Captured != 2*price {
		w.Fatalf("got booking %+v", b)
	}
}

// calling names a call for any attempt, and refunding one for any refund.
func calling(name string) func(store.Attempt, time.Time) string {
	return func(store.Attempt, time.Time) string { return name }
}

func refunding(name string) func(store.Refund, time.Time) string {
	return func(store.Refund, time.Time) string { return name }
}
