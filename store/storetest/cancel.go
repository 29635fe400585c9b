package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seatlock/seatlock/store"
)

func cancelCases() []testCase {
	var cases []testCase
	for _, op := range slices.Concat(cancellable(), cancellableSales(), cancellableHouse()) {
		cases = append(cases,
			testCase{op.name + " with an ended ctx", func(w *world) {
				w.cancelled(op, 3, func(int) (context.Context, context.CancelFunc) { return w.ended() })
			}},
			testCase{op.name + " with a ctx that ends meanwhile", func(w *world) { w.cancelled(op, w.rounds(25), w.ending) }},
		)
	}
	return append(cases, testCase{"an unanswered lock is never taken by oneself", cancelOwn})
}

// write is an idempotent request of round i, and what shows whether it was
// applied: a text that differs once it was.
type write struct {
	name    string
	prepare func(w *world, i int)
	do      func(ctx context.Context, w *world, i int) error
	state   func(w *world, i int) string
}

func cancellable() []write {
	who := holder
	seat := func(i int) string { return fmt.Sprintf("s%d", i+1) }
	seatState := func(w *world, i int) string {
		s := plain(w.seat(seat(i)))
		return fmt.Sprintf("%v by %q until %v", s.Status, s.LockedBy, s.LockedUntil)
	}
	lock := func(w *world, i int) { w.lock(who(i), seat(i)) }
	nothing := func(*world, int) {}
	return []write{
		{"create", nothing, func(ctx context.Context, w *world, i int) error {
			return w.s.CreateEvent(ctx, hall(fmt.Sprintf("e%d", i), 3))
		}, func(w *world, i int) string {
			snap, err := w.s.Snapshot(w.Context(), fmt.Sprintf("e%d", i))
			return fmt.Sprint(idsOf(snap.Seats), errors.Is(err, store.ErrNoEvent))
		}},
		{"update", nothing, func(ctx context.Context, w *world, i int) error {
			e := w.event(w.s)
			e.Title, e.Revision = fmt.Sprintf("Title %d", i), int64(i+1)
			_, err := w.s.UpdateEvent(ctx, e)
			return err
		}, func(w *world, i int) string {
			e := w.event(w.s)
			return fmt.Sprint(e.Title, e.Revision)
		}},
		{"add", nothing, func(ctx context.Context, w *world, i int) error {
			e := w.more(names(len(w.snapshot().Seats))...)
			e.PlanBody, e.Revision = fmt.Appendf(nil, "plan %d", i), int64(i+1)
			_, err := w.s.AddSeats(ctx, e)
			return err
		}, func(w *world, i int) string {
			e := w.event(w.s)
			return fmt.Sprint(e.Plan, e.Revision)
		}},
		{"lock", nothing, func(ctx context.Context, w *world, i int) error {
			_, err := w.s.Lock(ctx, store.LockRequest{Event: evening, Holder: who(i), Seats: []string{seat(i)}, Rules: long()})
			return err
		}, func(w *world, i int) string { // the deadline is another one if the repeat is the first that counts
			s := w.seat(seat(i))
			return fmt.Sprintf("%v by %q", s.Status, s.LockedBy)
		}},
		{"unlock", lock, func(ctx context.Context, w *world, i int) error {
			_, err := w.s.Unlock(ctx, store.UnlockRequest{Event: evening, Holder: who(i), Seats: []string{seat(i)}})
			return err
		}, seatState},
		{"extend", lock, func(ctx context.Context, w *world, i int) error {
			_, err := w.s.Extend(ctx, store.ExtendRequest{Event: evening, Holder: who(i), Rules: long()})
			return err
		}, seatState},
		{"withhold", nothing, func(ctx context.Context, w *world, i int) error {
			_, err := w.s.Withhold(ctx, store.WithholdRequest{Event: evening, Seats: []string{seat(i)}, On: true})
			return err
		}, seatState},
		{"release", func(w *world, i int) { w.lapse(who(i), seat(i)) }, func(ctx context.Context, w *world, i int) error {
			_, err := w.s.ReleaseDue(ctx)
			return err
		}, seatState},
		{"put", nothing, func(ctx context.Context, w *world, i int) error {
			return putRecord(ctx, w.s, parcelOf(seat(i), `{"for":"anna"}`))
		}, recordState},
		{"delete", func(w *world, i int) { w.put(w.s, parcelOf(seat(i), `{"for":"anna"}`)) }, func(ctx context.Context, w *world, i int) error {
			return dropRecord(ctx, w.s, parcelKey(seat(i)))
		}, recordState},
		{"decide", nothing, func(ctx context.Context, w *world, i int) error {
			q := store.Question{Event: evening, Seats: []string{seat(i)}, Records: []store.Key{parcelKey(seat(i))}}
			_, _, err := w.e.Decide(ctx, q, func(v store.View) store.Decision {
				if v.Records[0].Version > 0 {
					return store.Accept(v, store.Outcome{}, store.Writes{})
				}
				return store.Accept(v, store.Outcome{}, store.Writes{
					Changes: []store.Change{toggle(v.Seats[0])}, Records: []store.Record{counting(v.Records[0])}})
			})
			return err
		}, func(w *world, i int) string { // at one instant: the write may still be under way
			v := w.see(w.e, store.Question{Event: evening, Seats: []string{seat(i)}, Records: []store.Key{parcelKey(seat(i))}})
			return fmt.Sprint(v.Seats[0].Status, string(v.Records[0].Body))
		}},
	}
}

// cancellableSales are those about bookings.
func cancellableSales() []write {
	who := holder
	seat := func(i int) string { return fmt.Sprintf("s%d", i+1) }
	sales := map[int]store.BeginRequest{}
	sell := func(change func(store.BeginRequest) store.BeginRequest) func(w *world, i int) {
		return func(w *world, i int) {
			w.lock(who(i), seat(i))
			sales[i] = change(w.sale(who(i)))
		}
	}
	same := func(r store.BeginRequest) store.BeginRequest { return r }
	bookingState := func(w *world, i int) string { // at one instant: the write may still be under way
		v := w.see(w.e, store.Question{Event: evening, Seats: []string{seat(i)}, Records: []store.Key{{Kind: store.BookingRecord, ID: sales[i].Code}}})
		return fmt.Sprint(v.Seats[0].Status, string(v.Records[0].Body))
	}
	return []write{
		{"begin", sell(same), func(ctx context.Context, w *world, i int) error {
			_, err := w.s.Begin(ctx, sales[i])
			return err
		}, bookingState},
		{"confirm", func(w *world, i int) { sell(same)(w, i); w.begin(sales[i]) }, func(ctx context.Context, w *world, i int) error {
			_, err := w.s.Confirm(ctx, store.Attempt{ID: store.Booking{Code: sales[i].Code}.Attempt(), Version: 1})
			return err
		}, bookingState},
		{"paid", func(w *world, i int) { sell(atDoor)(w, i); w.begin(sales[i]) }, func(ctx context.Context, w *world, i int) error {
			_, err := w.s.Paid(ctx, sales[i].Code, store.WhateverIsOwed)
			return err
		}, bookingState},
		{"cancel", func(w *world, i int) { sell(same)(w, i); w.confirm(w.begin(sales[i]).Code) }, func(ctx context.Context, w *world, i int) error {
			_, err := w.s.Cancel(ctx, store.CancelRequest{Code: sales[i].Code, Holder: who(i)})
			return err
		}, bookingState},
	}
}

// cancellableHouse are those of the house.
func cancellableHouse() []write {
	seat := func(i int) string { return fmt.Sprintf("s%d", i+1) }
	sales := map[int]store.SellRequest{}
	scans := map[int]store.CheckInRequest{}
	state := func(w *world, i int) string { // at one instant: the write may still be under way
		code := sales[i].Code
		v := w.see(w.e, store.Question{Event: evening, Seats: []string{seat(i)}, Records: []store.Key{{Kind: store.BookingRecord, ID: code}, {Kind: store.PersonRecord, ID: code}}})
		return fmt.Sprint(v.Seats[0].Status, string(v.Records[0].Body), string(v.Records[1].Body))
	}
	request := func(w *world, i int) { sales[i] = w.houseSale(seat(i)) }
	sold := func(w *world, i int) { request(w, i); w.sold(sales[i]) }
	return []write{
		{"sell", request, func(ctx context.Context, w *world, i int) error {
			_, err := w.s.Sell(ctx, sales[i])
			return err
		}, state},
		{"check in", func(w *world, i int) {
			sold(w, i)
			r := w.ticketOf(sales[i].Code, seat(i))
			r.At = w.now()
			scans[i] = r
		}, func(ctx context.Context, w *world, i int) error {
			_, err := w.s.CheckIn(ctx, scans[i])
			return err
		}, state},
		{"erase", sold, func(ctx context.Context, w *world, i int) error {
			_, err := w.s.Erase(ctx, store.EraseRequest{Code: sales[i].Code, Force: true, By: store.ByHouse})
			return err
		}, state},
	}
}

func recordState(w *world, i int) string {
	r, err := w.s.Record(w.Context(), parcelKey(fmt.Sprintf("s%d", i+1)))
	return fmt.Sprint(string(r.Body), err)
}

// ended returns a ctx that has ended.
func (w *world) ended() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(w.Context())
	cancel()
	return ctx, cancel
}

// ending returns a ctx that ends soon, at another moment in every round.
func (w *world) ending(round int) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(w.Context())
	time.AfterFunc(time.Duration(round%25)*80*time.Microsecond, cancel)
	return ctx, cancel
}

// cancelled makes a write whose ctx ends: it is applied or not, as its answer
// says, and a repeat succeeds with every seat changed at most once.
func (w *world) cancelled(op write, rounds int, begin func(round int) (context.Context, context.CancelFunc)) {
	w.open(rounds)
	first := w.snapshot()
	for i := range rounds {
		op.prepare(w, i)
		before, old := w.snapshot().Seats[i].Version, op.state(w, i)
		ctx, cancel := begin(i)
		err := op.do(ctx, w, i)
		cancel()
		between := op.state(w, i)
		if again := op.do(w.Context(), w, i); again != nil {
			w.Fatalf("%s answered %v, and its repeat %v", op.name, err, again)
		}
		done := op.state(w, i)
		switch {
		case done == old:
			w.Fatalf("%s did nothing: %s", op.name, done)
		case err == nil && between != done:
			w.Fatalf("%s was acknowledged, but left %s, want %s", op.name, between, done)
		case errors.Is(err, store.ErrUnknown) && between != old && between != done:
			w.Fatalf("%s was left half done: %s, want %s or %s", op.name, between, old, done)
		case err != nil && !errors.Is(err, store.ErrUnknown) && (!errors.Is(err, context.Canceled) || between != old):
			w.Fatalf("%s answered %v and left %s, want the ctx's error and %s", op.name, err, between, old)
		}
		if after := w.snapshot().Seats[i].Version; after > before+1 {
			w.Fatalf("%s and its repeat took the seat from version %d to %d", op.name, before, after)
		}
	}
	w.wantBoard(first, w.since(first.Cursor), w.snapshot())
}

// cancelOwn gives up on a lock again and again, while a rival wants the same
// seat: whoever has it was told nothing else.
func cancelOwn(w *world) {
	rounds := w.rounds(50)
	w.open(rounds)
	stores := w.both()
	for i := range rounds {
		ask := func(ctx context.Context, s *store.Store, who store.Holder) error {
			_, err := s.Lock(ctx, store.LockRequest{Event: evening, Holder: who, Seats: names(rounds)[i : i+1], Rules: longFor(rounds)})
			return err
		}
		var own, rival error
		race(2, func(who int) {
			if who == 1 {
				rival = ask(w.Context(), stores[1], "rival")
				return
			}
			ctx, cancel := w.ending(i)
			defer cancel()
			if own = ask(ctx, stores[0], "anna"); own != nil && !errors.Is(own, store.ErrTaken) {
				own = ask(w.Context(), stores[0], "anna")
			}
		})
		has := w.snapshot().Seats[i]
		if has.Version != 2 || (own == nil) != (has.LockedBy == "anna") || (rival == nil) != (has.LockedBy == "rival") {
			w.Fatalf("anna was told %v, her rival %v, and the seat is %+v", own, rival, has)
		}
		w.oneWinner([]error{own, rival}, store.ErrTaken)
	}
}
