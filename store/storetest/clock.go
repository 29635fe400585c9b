package storetest

import (
	"time"

	"github.com/seatlock/seatlock/store"
)

func clockCases() []testCase {
	return []testCase{
		{"further seats join its deadline", clockJoin},
		{"later rules do not move it", clockOtherRules},
		{"unlocking everything does not reset it", clockKept},
		{"a new one starts once it is over", clockAnew},
		{"a new one does not revive lapsed seats", clockNoRevival},
		{"total bounds the first time", clockTotal},
		{"a sweep does not reset it", clockSwept},
	}
}

func clockJoin(w *world) {
	w.open(4)
	first := w.lock("anna", "s1")
	for _, seat := range []string{"s3", "s2", "s4"} {
		w.pass(w.now().Add(2 * time.Millisecond))
		out := w.lock("anna", seat)
		if !out.Lock.Started.Equal(first.Lock.Started) || !out.Lock.Deadline.Equal(first.Lock.Deadline) {
			w.Fatalf("with %s the clock ran %v to %v, want %v to %v", seat,
				out.Lock.Started, out.Lock.Deadline, first.Lock.Started, first.Lock.Deadline)
		}
	}
	w.wantOneClock(w.lockOf("anna"), 4)
}

func clockOtherRules(w *world) {
	w.open(2)
	first := w.lock("anna", "s1")
	out, err := w.tryLock("anna", store.Rules{TTL: time.Hour, Total: 3 * time.Hour, MaxSeats: 10}, "s2")
	w.must(err)
	if !out.Lock.Deadline.Equal(first.Lock.Deadline) {
		w.Fatalf("deadline %v, want %v", out.Lock.Deadline, first.Lock.Deadline)
	}
}

func clockKept(w *world) {
	w.open(3)
	first := w.lock("anna", "s1", "s2")
	for _, seats := range [][]string{nil, {"s1", "s3"}} {
		if out := w.unlock("anna", seats...); len(out.Lock.Seats) != 0 || !out.Lock.Deadline.Equal(first.Lock.Deadline) {
			w.Fatalf("after giving all back the lock is %+v, want no seats and deadline %v", out.Lock, first.Lock.Deadline)
		}
		if lock := w.lockOf("anna"); !lock.Started.Equal(first.Lock.Started) || len(lock.Seats) != 0 {
			w.Fatalf("the clock is %+v, want it running since %v", lock, first.Lock.Started)
		}
		w.pass(w.now().Add(2 * time.Millisecond))
		out := w.lock("anna", "s1", "s3")
		if !out.Lock.Started.Equal(first.Lock.Started) || !out.Lock.Deadline.Equal(first.Lock.Deadline) {
			w.Fatalf("the clock ran anew, %v to %v, want %v to %v",
				out.Lock.Started, out.Lock.Deadline, first.Lock.Started, first.Lock.Deadline)
		}
		w.wantOneClock(out.Lock, 2)
	}
}

func clockAnew(w *world) {
	w.open(3)
	old := w.lapse("anna", "s1")
	out := w.lock("anna", "s2")
	started, deadline := startOf(out.Now, long())
	if !out.Lock.Started.Equal(started) || !out.Lock.Deadline.Equal(deadline) || started.Before(old.Lock.Deadline) {
		w.Fatalf("clock %v to %v, want %v to %v, after %v",
			out.Lock.Started, out.Lock.Deadline, started, deadline, old.Lock.Deadline)
	}
}

func clockNoRevival(w *world) {
	w.open(3)
	w.lapse("anna", "s1")
	out := w.lock("anna", "s2")
	w.wantIDs(out.Lock.Seats, "s2")
	out, err := w.tryExtend("anna", long())
	w.must(err)
	w.wantIDs(out.Seats, "s2")
	w.wantIDs(w.lockOf("anna").Seats, "s2")
	if got := w.lock("bert", "s1").Seats[0].LockedBy; got != "bert" {
		w.Fatalf("the lapsed seat went to %q, want bert", got)
	}
	w.wantIDs(w.lockOf("anna").Seats, "s2")
}

func clockTotal(w *world) {
	w.open(1)
	rules := store.Rules{TTL: time.Hour, Total: 20 * time.Minute, MaxSeats: 1}
	out, err := w.tryLock("anna", rules, "s1")
	w.must(err)
	if got := out.Lock.Deadline.Sub(out.Lock.Started); got != rules.Total {
		w.Fatalf("clock runs %v, want %v", got, rules.Total)
	}
}

func clockSwept(w *world) {
	w.open(3)
	w.lapse("bert", "s3")
	first := w.lock("anna", "s1")
	w.unlock("anna")
	w.release()
	if out := w.lock("anna", "s2"); !out.Lock.Started.Equal(first.Lock.Started) {
		w.Fatalf("the clock began at %v, want %v", out.Lock.Started, first.Lock.Started)
	}
}
