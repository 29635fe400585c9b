package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/seatlock/seatlock/store"
)

func releaseCases() []testCase {
	return []testCase{
		{"exactly the due seats", releaseDue},
		{"a lapse is announced once", releaseAnnounced},
		{"once under 8 sweepers", releaseRace},
		{"next is when the next lock lapses", releaseNext},
		{"not early", releaseNotEarly},
		{"a seat taken over is not released", releaseTakenOver},
		{"nothing to do", releaseNothing},
		{"all events", releaseAllEvents},
		{"more than one request may name", releaseMany},
	}
}

func releaseDue(w *world) {
	w.open(4)
	w.lapse("anna", "s1", "s3")
	live := w.lock("bert", "s2")
	if due := w.release(); due.Released != 2 {
		w.Fatalf("released %d, want 2", due.Released)
	}
	w.wantSeats(w.snapshot().Seats, []store.Seat{{ID: "s1", Version: 3}, live.Seats[0], {ID: "s3", Version: 3}, {ID: "s4", Version: 1}})
	w.unchanged(func() {
		if due := w.release(); due.Released != 0 {
			w.Fatalf("released %d again", due.Released)
		}
	})
	if got := w.lockOf("anna"); !got.Started.IsZero() {
		w.Fatalf("the clock is %+v, want none", got)
	}
}

func releaseAnnounced(w *world) {
	w.open(2)
	w.lapse("anna", "s1")
	w.wantChange(w.announced(func() { w.release(); w.release() }), "s1", "anna", store.ReasonLapsed)
}

func releaseRace(w *world) {
	stores := w.both()
	w.open(8)
	for round := range w.rounds(10) {
		for i := range 4 {
			w.lapse(store.Holder(fmt.Sprintf("holder-%d-%d", round, i)), names(8)[2*i:2*i+2]...)
		}
		first := w.snapshot()
		dues, errs := make([]store.Due, 8), make([]error, 8)
		race(8, func(i int) { dues[i], errs[i] = stores[i%2].ReleaseDue(w.Context()) })
		w.must(errors.Join(errs...))
		released := 0
		for _, due := range dues {
			released += due.Released
		}
		changes := w.since(first.Cursor)
		if released != 8 || len(changes) != 8 {
			w.Fatalf("%d releases were told and %d announced, want 8", released, len(changes))
		}
		w.wantBoard(first, changes, w.snapshot())
	}
}

func releaseNext(w *world) {
	w.open(4)
	w.lapse("anna", "s4")
	for _, c := range []struct {
		who  store.Holder
		seat string
		ttl  time.Duration
	}{{"carl", "s2", 40 * time.Minute}, {"bert", "s1", 20 * time.Minute}, {"dora", "s3", 30 * time.Minute}} {
		_, err := w.tryLock(c.who, store.Rules{TTL: c.ttl, Total: time.Hour, MaxSeats: 1}, c.seat)
		w.must(err)
	}
	w.wantNext("s1", w.lockOf("bert").Deadline)
	w.unlock("bert")
	w.wantNext("s3", w.lockOf("dora").Deadline)
}

// wantNext sweeps, and fails unless the next lapse is told to be the seat's.
func (w *world) wantNext(seat string, deadline time.Time) {
	w.Helper()
	before := w.now()
	due := w.release()
	after := w.now()
	if due.Now.Before(before) || due.Now.After(after) {
		w.Fatalf("swept at %v, want between %v and %v", due.Now, before, after)
	}
	if want := (store.Lapse{Event: evening, Seat: seat, At: deadline}); due.Next != want {
		w.Fatalf("the next lapse is %+v, want %+v", due.Next, want)
	}
}

// releaseNotEarly sweeps all the time until a lock is over.
func releaseNotEarly(w *world) {
	w.open(1)
	w.inTime(func(ttl time.Duration) bool {
		out, err := w.tryLock("anna", store.Rules{TTL: ttl, Total: ttl, MaxSeats: 1}, "s1")
		w.must(err)
		return w.sweepUntil(out.Lock.Deadline) > 1
	})
}

// sweepUntil returns after how many sweeps the one seat was released, and
// fails if any of them was early or late.
func (w *world) sweepUntil(deadline time.Time) (sweeps int) {
	w.Helper()
	w.poll("a sweep releases the seat", func() bool {
		began := w.now()
		due := w.release()
		if due.Released > 0 && w.now().Before(deadline) {
			w.Fatalf("released before the deadline %v", deadline)
		}
		if due.Released == 0 && !began.Before(deadline) {
			w.Fatalf("a sweep after the deadline %v left the seat", deadline)
		}
		sweeps++
		return due.Released > 0
	})
	return sweeps
}

func releaseTakenOver(w *world) {
	w.open(2)
	w.lapse("anna", "s1")
	taken := w.lock("bert", "s1")
	if due := w.release(); due.Released != 0 {
		w.Fatalf("released %d, want none", due.Released)
	}
	w.wantSeats(w.seats("s1"), taken.Seats)
}

func releaseNothing(w *world) {
	if due := w.release(); due.Released > 0 || due.Next != (store.Lapse{}) {
		w.Fatalf("an empty store had %+v to release", due)
	}
	w.open(2)
	w.withhold(true, "s1")
	if due := w.release(); due.Released > 0 || due.Next != (store.Lapse{}) {
		w.Fatalf("a store without locks had %+v to release", due)
	}
}

func releaseAllEvents(w *world) {
	w.open(1)
	w.create(hall("matinee", 2))
	out, err := w.s.Lock(w.Context(), store.LockRequest{
		Event: "matinee", Holder: "anna", Seats: names(2),
		Rules: store.Rules{TTL: time.Millisecond, Total: time.Second, MaxSeats: 2},
	})
	w.must(err)
	w.lapse("anna", "s1")
	w.pass(out.Lock.Deadline)
	if due := w.release(); due.Released != 3 || due.Next != (store.Lapse{}) {
		w.Fatalf("got %+v, want 3 released and no more", due)
	}
}

// releaseMany sweeps until nothing is due: an engine may do it in portions,
// and then says at once that there is more.
func releaseMany(w *world) {
	const seats = 2*store.MaxSeatsPerRequest + 100
	w.open(seats)
	rules := store.Rules{TTL: time.Millisecond, Total: time.Second, MaxSeats: seats}
	var deadline time.Time
	for i, ids := 0, names(seats); len(ids) > 0; i++ {
		n := min(len(ids), store.MaxSeatsPerRequest)
		out, err := w.tryLock(holder(i), rules, ids[:n]...)
		w.must(err)
		ids, deadline = ids[n:], out.Lock.Deadline
	}
	w.pass(deadline)
	first := w.snapshot()
	released := 0
	for more := true; more; {
		due := w.release()
		released, more = released+due.Released, !due.Next.At.IsZero()
		if more && due.Released == 0 {
			w.Fatalf("a sweep says that there is more (in %v) and releases nothing", due.Next)
		}
	}
	changes := w.since(first.Cursor)
	if released != seats || len(changes) != seats {
		w.Fatalf("%d releases were told and %d announced, want %d", released, len(changes), seats)
	}
	w.wantBoard(first, changes, w.snapshot())
}
