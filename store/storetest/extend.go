package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/seatlock/seatlock/store"
)

func extendCases() []testCase {
	return []testCase{
		{"all seats of the lock move", extendAll},
		{"each seat is announced once", extendAnnounced},
		{"each seat tells of it as long as the lock lasts", extendTold},
		{"repeat is a success without change", extendRepeat},
		{"at most total", extendTotal},
		{"never takes time away", extendShorter},
		{"further seats join the new deadline", extendJoin},
		{"unlocking does not give it back", extendOnce},
		{"a new clock may be extended again", extendAnew},
		{"expired", extendExpired},
		{"another's lock stays", extendOthers},
		{"not found and malformed", extendNotFound},
		{"32 at once are one extension", extendRace},
	}
}

func extendAll(w *world) {
	w.open(4)
	first := w.lock("anna", "s2", "s1")
	out, err := w.tryExtend("anna", long())
	w.must(err)
	deadline := first.Lock.Deadline.Add(long().TTL)
	if !out.Lock.Started.Equal(first.Lock.Started) || !out.Lock.Deadline.Equal(deadline) || !out.Lock.Extended {
		w.Fatalf("got lock %+v, want started %v, deadline %v, extended", out.Lock, first.Lock.Started, deadline)
	}
	w.wantIDs(out.Seats, "s1", "s2")
	w.wantOneClock(out.Lock, 2)
	w.wantSeats(out.Lock.Seats, w.seats("s1", "s2"))
	for _, s := range out.Seats {
		if s.Version != 3 {
			w.Errorf("seat %s has version %d, want 3", s.ID, s.Version)
		}
	}
	if first.Lock.Extended || !w.lockOf("anna").Extended {
		w.Errorf("extended is %v before and %v after", first.Lock.Extended, w.lockOf("anna").Extended)
	}
}

func extendAnnounced(w *world) {
	w.open(4)
	first := w.snapshot()
	w.lock("anna", "s1", "s2")
	changes := w.announced(func() {
		_, err := w.tryExtend("anna", long())
		w.must(err)
	})
	if len(changes) != 2 {
		w.Fatalf("announced %v, want both seats", changes)
	}
	for _, c := range changes {
		if c.Before != "anna" || c.Seat.LockedBy != "anna" || c.Reason != store.ReasonExtended {
			w.Errorf("announced %+v, want anna before and after, extended", c)
		}
	}
	w.wantBoard(first, w.since(first.Cursor), w.snapshot())
}

// wantExtended fails unless the seats tell so, to those who asked, to those who
// look, and to those who read the feed from the cursor.
func (w *world) wantExtended(want bool, from store.Cursor, told []store.Seat) {
	w.Helper()
	changes := w.since(from)
	for _, s := range told {
		at := slices.IndexFunc(changes, func(c store.Change) bool { return c.Seat.ID == s.ID && c.Seat.Version == s.Version })
		if now := w.seat(s.ID); s.Extended != want || now.Extended != want || at < 0 || changes[at].Seat.Extended != want {
			w.Fatalf("extended is to be %v: told of %+v, now %+v, announced %+v", want, s, now, changes)
		}
	}
}

func extendTold(w *world) {
	w.open(5)
	from := w.head()
	w.wantExtended(false, from, w.lock("anna", "s1", "s2").Seats)
	from = w.head()
	out, err := w.tryExtend("anna", long())
	w.must(err)
	w.wantExtended(true, from, out.Seats)
	from = w.head()
	w.wantExtended(true, from, w.lock("anna", "s3").Seats)
	code := w.pay("anna").Code
	w.wantExtended(true, from, w.seats("s1", "s2", "s3"))
	w.wantExtended(true, from, w.decline(code).Outcome.Seats)
	w.wantExtended(false, from, w.unlock("anna", "s2", "s3").Seats)
	w.wantExtended(false, from, w.confirm(w.pay("anna").Code).Outcome.Seats)
	w.wantExtended(false, from, w.lock("bert", "s2", "s3").Seats)
	short := store.Rules{TTL: time.Millisecond, Total: 2 * time.Millisecond, MaxSeats: 10}
	w.inTime(func(d time.Duration) bool {
		long := store.Rules{TTL: d, Total: 2 * d, MaxSeats: 10}
		_, err := w.tryLock("carl", long, "s4", "s5")
		w.must(err)
		_, err = w.tryExtend("carl", short)
		w.pass(w.seat("s4").LockedUntil)
		return err == nil
	})
	from = w.head()
	w.wantExtended(false, from, w.lock("dora", "s4").Seats) // who takes it over, not swept
	w.release()
	w.wantExtended(false, from, w.seats("s5"))
}

func extendRepeat(w *world) {
	w.open(2)
	w.lock("anna", "s1", "s2")
	first, err := w.tryExtend("anna", long())
	w.must(err)
	w.unchanged(func() {
		again, err := w.tryExtend("anna", long())
		w.must(err)
		if !sameLock(again.Lock, first.Lock) {
			w.Fatalf("got lock\n\t%+v\nwant\n\t%+v", again.Lock, first.Lock)
		}
	})
}

func extendTotal(w *world) {
	w.open(1)
	rules := store.Rules{TTL: 10 * time.Minute, Total: 15 * time.Minute, MaxSeats: 1}
	out, err := w.tryLock("anna", rules, "s1")
	w.must(err)
	w.pass(out.Now.Add(2 * time.Millisecond)) // total counts from the start
	out, err = w.tryExtend("anna", rules)
	w.must(err)
	if got := out.Lock.Deadline.Sub(out.Lock.Started); got != rules.Total {
		w.Fatalf("clock runs %v, want %v", got, rules.Total)
	}
	w.wantOneClock(out.Lock, 1)
}

func extendShorter(w *world) {
	w.open(1)
	first := w.lock("anna", "s1")
	out, err := w.tryExtend("anna", store.Rules{TTL: time.Minute, Total: 5 * time.Minute, MaxSeats: 1})
	w.must(err)
	if !out.Lock.Deadline.Equal(first.Lock.Deadline) {
		w.Fatalf("deadline %v, want it to stay at %v", out.Lock.Deadline, first.Lock.Deadline)
	}
	w.wantOneClock(out.Lock, 1)
}

func extendJoin(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	extended, err := w.tryExtend("anna", long())
	w.must(err)
	out := w.lock("anna", "s2")
	if !out.Lock.Deadline.Equal(extended.Lock.Deadline) || !out.Lock.Extended {
		w.Fatalf("got lock %+v, want deadline %v, extended", out.Lock, extended.Lock.Deadline)
	}
	w.wantOneClock(out.Lock, 2)
}

func extendOnce(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	first, err := w.tryExtend("anna", long())
	w.must(err)
	w.unlock("anna")
	w.lock("anna", "s2")
	again, err := w.tryExtend("anna", long())
	w.must(err)
	if !again.Lock.Deadline.Equal(first.Lock.Deadline) {
		w.Fatalf("deadline %v, want %v", again.Lock.Deadline, first.Lock.Deadline)
	}
}

func extendAnew(w *world) {
	w.open(2)
	rules := store.Rules{TTL: 30 * time.Millisecond, Total: time.Hour, MaxSeats: 1}
	w.poll("a lock is extended before it is over", func() bool {
		out, err := w.tryLock("anna", rules, "s1")
		w.must(err)
		if out, err = w.tryExtend("anna", rules); errors.Is(err, store.ErrExpired) {
			return false
		}
		w.must(err)
		w.pass(out.Lock.Deadline)
		return true
	})
	out := w.lock("anna", "s2")
	if out.Lock.Extended {
		w.Fatalf("a new clock is extended already: %+v", out.Lock)
	}
	again, err := w.tryExtend("anna", long())
	w.must(err)
	if want := out.Lock.Deadline.Add(long().TTL); !again.Lock.Deadline.Equal(want) {
		w.Fatalf("deadline %v, want %v", again.Lock.Deadline, want)
	}
}

func extendExpired(w *world) {
	w.open(3)
	w.lapse("anna", "s1")
	w.lock("bert", "s2")
	w.unlock("bert")
	for who, why := range map[store.Holder]string{
		"anna": "the lock is over", "bert": "nothing is locked", "carl": "there never was one",
	} {
		w.unchanged(func() {
			out, err := w.tryExtend(who, long())
			if !errors.Is(err, store.ErrExpired) {
				w.Fatalf("%s: got %v, want ErrExpired", why, err)
			}
			if len(out.Seats) != 0 {
				w.Errorf("%s: extended %v, want nothing", why, out.Seats)
			}
		})
	}
}

func extendOthers(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	theirs := w.lock("bert", "s2")
	_, err := w.tryExtend("anna", long())
	w.must(err)
	w.wantSeats(w.seats("s2"), theirs.Seats)
	if got := w.lockOf("bert"); !sameLock(got, theirs.Lock) {
		w.Fatalf("got lock\n\t%+v\nwant\n\t%+v", got, theirs.Lock)
	}
}

func extendNotFound(w *world) {
	w.open(1)
	_, err := w.s.Extend(w.Context(), store.ExtendRequest{Event: "nowhere", Holder: "anna", Rules: long()})
	w.wantErr(err, store.ErrNoEvent)
	_, err = w.tryExtend("", long())
	w.wantErr(err, store.ErrInvalid)
	_, err = w.tryExtend("anna", store.Rules{})
	w.wantErr(err, store.ErrInvalid)
}

func extendRace(w *world) {
	stores := w.both()
	w.open(3)
	for round := range w.rounds(5) {
		who := holder(round)
		first := w.lock(who, names(3)...)
		outs, errs := make([]store.Outcome, 32), make([]error, 32)
		race(len(errs), func(i int) {
			outs[i], errs[i] = stores[i%2].Extend(w.Context(), store.ExtendRequest{Event: evening, Holder: who, Rules: long()})
		})
		w.must(errors.Join(errs...))
		for _, out := range outs {
			if want := first.Lock.Deadline.Add(long().TTL); !out.Lock.Deadline.Equal(want) {
				w.Fatalf("deadline %v, want %v", out.Lock.Deadline, want)
			}
		}
		for i, s := range w.seats(names(3)...) {
			if s.Version != first.Seats[i].Version+1 {
				w.Fatalf("seat %s has version %d, want %d", s.ID, s.Version, first.Seats[i].Version+1)
			}
		}
		w.unlock(who)
	}
}

func lockOfCases() []testCase {
	return []testCase{
		{"tells seats by id and the clock", lockOfAll},
		{"zero if no clock runs", lockOfNone},
		{"zero once it is over", lockOfOver},
		{"not found", lockOfNotFound},
		{"now and cursor cover it", lockOfCursor},
	}
}

func lockOfAll(w *world) {
	w.open(12)
	w.lock("anna", "s2", "s10")
	out := w.lock("anna", "s1")
	got := w.lockOf("anna")
	w.wantIDs(got.Seats, "s1", "s10", "s2")
	if !sameLock(got, out.Lock) {
		w.Fatalf("got lock\n\t%+v\nwant\n\t%+v", got, out.Lock)
	}
}

func lockOfNone(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	if got := w.lockOf("bert"); len(got.Seats) != 0 || !got.Started.IsZero() || !got.Deadline.IsZero() || got.Extended {
		w.Fatalf("got %+v, want the zero value", got)
	}
}

func lockOfOver(w *world) {
	w.open(2)
	w.lapse("anna", "s1")
	if got := w.lockOf("anna"); len(got.Seats) != 0 || !got.Started.IsZero() || !got.Deadline.IsZero() || got.Extended {
		w.Fatalf("got %+v, want the zero value", got)
	}
}

func lockOfNotFound(w *world) {
	_, err := w.s.LockOf(w.Context(), "nowhere", "anna")
	w.wantErr(err, store.ErrNoEvent)
}

func lockOfCursor(w *world) {
	w.open(2)
	locked := w.lock("anna", "s1")
	out, err := w.s.LockOf(w.Context(), evening, "anna")
	w.must(err)
	if out.Now.Before(locked.Now) || !out.Cursor.Covers(locked.Cursor) {
		w.Fatalf("told at %v, %v, want not before %v, %v", out.Now, out.Cursor, locked.Now, locked.Cursor)
	}
	if got := w.since(out.Cursor); len(got) != 0 {
		w.Fatalf("after its cursor came %v, want nothing", got)
	}
}
