package storetest

import (
	"time"

	"github.com/seatlock/seatlock/store"
)

func futureCases() []testCase {
	return []testCase{
		{"a lock of the future starts with the sweep", futureSwept},
		{"it starts with the sweep of a second instance", futureSecond},
		{"it is somebody's meanwhile", futureTaken},
		{"a further lock starts it", futureLocked},
		{"an extension starts it", futureExtended},
		{"a lock that is hardly ahead stays", futureNear},
		{"a payment of the future stays", futurePaid},
	}
}

// ahead has what the holder has of the evening be as another machine would have
// written it whose clock is so far ahead, and returns how long the lock lasts.
func (w *world) ahead(who store.Holder, by time.Duration) (length time.Duration) {
	w.Helper()
	_, _, err := w.e.Decide(w.Context(), store.Question{Event: evening, Holder: who}, func(v store.View) store.Decision {
		clock := v.Clock
		clock.Started, clock.Deadline = clock.Started.Add(by), clock.Deadline.Add(by)
		length = clock.Deadline.Sub(clock.Started)
		writes := store.Writes{Clock: &clock}
		for _, s := range v.Held {
			to := s
			to.LockTime, to.LockedUntil = s.LockTime.Add(by), s.LockedUntil.Add(by)
			writes.Changes = append(writes.Changes, store.NewChange(evening, s, to, store.ReasonLocked))
		}
		return store.Accept(v, store.Outcome{Now: v.Now}, writes)
	})
	w.must(err)
	return length
}

// wantStarted fails unless the seat's lock has begun since, and lasts so long.
func (w *world) wantStarted(s store.Seat, who store.Holder, since time.Time, length time.Duration) {
	w.Helper()
	if s.Status != store.Locked || s.LockedBy != who || s.LockTime.Before(since) || s.LockTime.After(w.now()) ||
		s.LockedUntil.Sub(s.LockTime) != length {
		w.Errorf("got %+v, want %s's lock, begun at %v or since, for %v", s, who, since, length)
	}
}

func futureSwept(w *world) {
	w.open(3)
	w.lock("anna", "s1", "s2")
	length := w.ahead("anna", 3*time.Hour)
	other := w.lock("bert", "s3").Seats[0]
	since := w.now()
	var due store.Due
	changes := w.announced(func() { due = w.release() })
	if due.Released != 0 || due.Next.Seat == "" || due.Next.At.After(w.now().Add(length)) {
		w.Errorf("got %+v, want nothing released, and the next by now", due)
	}
	for _, s := range w.seats("s1", "s2") {
		w.wantStarted(s, "anna", since, length)
	}
	w.wantSeats(w.seats("s3"), []store.Seat{other})
	if len(changes) != 2 {
		w.Fatalf("announced %v, want the two seats", changes)
	}
	for _, c := range changes {
		w.wantStarted(c.Seat, "anna", since, length)
		if c.Before != "anna" || c.Reason != store.ReasonChanged || c.Seat.Version != 4 || c.Loss() != store.ReasonChanged {
			w.Errorf("announced %+v", c)
		}
	}
	w.unchanged(func() { w.release() })
}

func futureSecond(w *world) {
	w.open(1)
	w.lock("anna", "s1")
	length := w.ahead("anna", 3*time.Hour)
	since := w.now()
	due, err := w.second().ReleaseDue(w.Context())
	w.must(err)
	if due.Released != 0 {
		w.Errorf("released %d, want none", due.Released)
	}
	w.wantStarted(w.seat("s1"), "anna", since, length)
	w.unchanged(func() { w.release() })
}

func futureTaken(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	w.ahead("anna", 3*time.Hour)
	w.unchanged(func() {
		_, err := w.tryLock("bert", long(), "s1")
		w.wantErr(err, store.ErrTaken)
	})
	w.wantIDs(w.lockOf("anna").Seats, "s1")
	w.release()
	w.wantIDs(w.lockOf("anna").Seats, "s1")
	_, err := w.tryLock("bert", long(), "s1")
	w.wantErr(err, store.ErrTaken)
}

func futureLocked(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	length := w.ahead("anna", 3*time.Hour)
	since := w.now()
	out := w.lock("anna", "s2")
	for _, s := range w.seats("s1", "s2") {
		w.wantStarted(s, "anna", since, length)
	}
	if lock := w.lockOf("anna"); !sameLock(lock, out.Lock) || out.Lock.Deadline.Sub(out.Lock.Started) != length {
		w.Errorf("told of %+v, and then of %+v", out.Lock, lock)
	}
	w.wantOneClock(out.Lock, 2)
	w.unchanged(func() { w.release() })
}

func futureExtended(w *world) {
	w.open(1)
	w.lock("anna", "s1")
	length := w.ahead("anna", 3*time.Hour)
	since := w.now()
	out, err := w.tryExtend("anna", long())
	w.must(err)
	w.wantStarted(w.seat("s1"), "anna", since, length+long().TTL)
	w.wantOneClock(out.Lock, 1)
	w.unchanged(func() { w.release() })
}

func futureNear(w *world) {
	w.open(1)
	w.lock("anna", "s1")
	w.ahead("anna", store.ClockSlack-500*time.Millisecond)
	w.unchanged(func() { w.release() })
}

func futurePaid(w *world) {
	w.open(1)
	w.lock("anna", "s1")
	w.pay("anna")
	w.ahead("anna", 3*time.Hour)
	w.unchanged(func() { w.release() })
}
