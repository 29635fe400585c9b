package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seatlock/seatlock/store"
)

func lockCases() []testCase {
	return []testCase{
		{"a grant tells how things stand", lockGrant},
		{"not found changes nothing", lockNotFound},
		{"malformed is invalid", lockInvalid},
		{"taken by another", lockTaken},
		{"withheld is refused", lockWithheld},
		{"all or none", lockAllOrNone},
		{"a refusal announces nothing", lockRefusalSilent},
		{"a refusal is filled in", lockRefusalFilled},
		{"order of refusals", lockRefusalOrder},
		{"repeat keeps version and deadline", lockRepeat},
		{"own seats count as granted", lockOwnSeats},
		{"a seat named twice counts once", lockTwice},
		{"limit", lockLimit},
		{"lapsed seats do not count", lockLimitLapsed},
		{"each event has its own limit and clock", lockPerEvent},
		{"closed before and after sales", lockClosed},
		{"own repeat when closed", lockClosedRepeat},
		{"500 seats in one request", lockMany},
		{"a lapsed lock is free for another", lockLapsedOther},
		{"a lapsed lock is free for its holder", lockLapsedOwn},
		{"deadline honoured to the request", lockDeadline},
		{"the cursor covers what is told", lockCursor},
		{"a second instance sees it", lockSecond},
	}
}

func lockGrant(w *world) {
	w.open(4)
	before := w.now()
	out := w.lock("anna", "s3", "s1")
	after := w.now()
	if out.Now.Before(before) || out.Now.After(after) {
		w.Errorf("now is %v, want between %v and %v", out.Now, before, after)
	}
	started, deadline := startOf(out.Now, long())
	want := func(id string) store.Seat {
		return store.Seat{ID: id, Status: store.Locked, LockedBy: "anna", LockTime: started, LockedUntil: deadline, Version: 2}
	}
	w.wantSeats(out.Seats, []store.Seat{want("s3"), want("s1")})
	lock := store.Lock{Seats: []store.Seat{want("s1"), want("s3")}, Started: started, Deadline: deadline}
	if !sameLock(out.Lock, lock) {
		w.Errorf("got lock\n\t%+v\nwant\n\t%+v", out.Lock, lock)
	}
	w.wantSeats(w.seats("s1", "s2", "s3"), []store.Seat{want("s1"), {ID: "s2", Version: 1}, want("s3")})
}

func lockNotFound(w *world) {
	w.open(3)
	w.lock("bert", "s3")
	w.unchanged(func() {
		_, err := w.s.Lock(w.Context(), store.LockRequest{Event: "nowhere", Holder: "anna", Seats: names(1), Rules: long()})
		w.wantErr(err, store.ErrNoEvent)
		for _, seats := range [][]string{{"s9"}, {"s1", "s9"}, {"s9", "s1"}, {"s3", "s9"}, {"S1"}} {
			_, err := w.tryLock("anna", long(), seats...)
			w.wantErr(err, store.ErrNoSeat)
		}
	})
	if lock := w.lockOf("anna"); !lock.Started.IsZero() {
		w.Fatalf("a request that found nothing started a clock: %+v", lock)
	}
}

func lockInvalid(w *world) {
	w.open(3)
	bad := map[string]store.LockRequest{
		"no seat":    {Holder: "anna", Rules: long()},
		"no holder":  {Seats: names(1), Rules: long()},
		"empty seat": {Holder: "anna", Seats: []string{"s1", ""}, Rules: long()},
		"bad seat":   {Holder: "anna", Seats: []string{"s1", "../x"}, Rules: long()},
		"many seats": {Holder: "anna", Seats: slices.Repeat([]string{"s1"}, store.MaxSeatsPerRequest+1), Rules: longFor(1000)},
		"no rules":   {Holder: "anna", Seats: names(1)},
		"no limit":   {Holder: "anna", Seats: names(1), Rules: longFor(0)},
		"short time": {Holder: "anna", Seats: names(1), Rules: store.Rules{TTL: time.Microsecond, Total: time.Minute, MaxSeats: 1}},
	}
	w.unchanged(func() {
		for what, r := range bad {
			r.Event = evening
			if _, err := w.s.Lock(w.Context(), r); !errors.Is(err, store.ErrInvalid) {
				w.Errorf("%s: got %v, want ErrInvalid", what, err)
			}
		}
	})
}

func lockTaken(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	w.unchanged(func() {
		_, err := w.tryLock("bert", long(), "s1")
		w.wantErr(err, store.ErrTaken)
	})
	if got := w.seat("s1").LockedBy; got != "anna" {
		w.Fatalf("seat of %q, want anna", got)
	}
}

func lockWithheld(w *world) {
	w.open(2)
	w.withhold(true, "s1")
	w.unchanged(func() {
		_, err := w.tryLock("anna", long(), "s1")
		w.wantErr(err, store.ErrWithheld)
	})
}

func lockAllOrNone(w *world) {
	w.open(6)
	w.lock("anna", "s3")
	w.withhold(true, "s5")
	w.lock("bert", "s6")
	w.unchanged(func() {
		for _, seats := range [][]string{{"s1", "s2", "s3"}, {"s3", "s2", "s1"}, {"s1", "s5", "s2"}, {"s6", "s1", "s3"}} {
			if _, err := w.tryLock("bert", long(), seats...); err == nil {
				w.Fatalf("bert got all of %v", seats)
			}
		}
	})
	w.wantIDs(w.lockOf("bert").Seats, "s6")
}

func lockRefusalSilent(w *world) {
	w.open(6)
	w.lock("anna", "s3")
	got := w.announced(func() {
		for _, seats := range [][]string{{"s1", "s2", "s3"}, {"s3", "s1"}, {"s4", "s9"}, {"s3"}} {
			if _, err := w.tryLock("bert", long(), seats...); err == nil {
				w.Fatalf("bert got all of %v", seats)
			}
		}
		_, err := w.tryLock("bert", longFor(2), "s1", "s2", "s4")
		w.wantErr(err, store.ErrLimit)
	})
	if len(got) != 0 {
		w.Fatalf("announced %v, want nothing", got)
	}
}

func lockRefusalFilled(w *world) {
	w.open(5)
	w.lock("anna", "s2")
	own := w.lock("bert", "s4")
	w.withhold(true, "s5")
	stand := w.seats("s5", "s1", "s2")
	out, err := w.tryLock("bert", long(), "s5", "s1", "s2", "s1")
	w.wantErr(err, store.ErrWithheld)
	w.wantSeats(out.Seats, stand)
	if !sameLock(out.Lock, own.Lock) {
		w.Errorf("got lock\n\t%+v\nwant\n\t%+v", out.Lock, own.Lock)
	}
	out, err = w.tryLock("bert", longFor(1), "s1")
	w.wantErr(err, store.ErrLimit)
	w.wantSeats(out.Seats, stand[1:2])
	if out.Now.Before(own.Now) || !out.Cursor.Covers(own.Cursor) {
		w.Errorf("refusal at %v, %v, want not before %v, %v", out.Now, out.Cursor, own.Now, own.Cursor)
	}
	out, err = w.tryLock("carl", long(), "s2")
	w.wantErr(err, store.ErrTaken)
	if len(out.Lock.Seats) != 0 || !out.Lock.Started.IsZero() {
		w.Errorf("a stranger's refusal tells the lock %+v, want none", out.Lock)
	}
}

func lockRefusalOrder(w *world) {
	w.open(4)
	w.lock("anna", "s1")
	w.withhold(true, "s2")
	w.create(closed("over", -time.Hour, -time.Minute, w.now()))
	for _, c := range []struct {
		event string
		rules store.Rules
		seats []string
		want  error
	}{
		{evening, long(), []string{"s1", "s2"}, store.ErrTaken},
		{evening, long(), []string{"s2", "s1"}, store.ErrWithheld},
		{evening, long(), []string{"s3", "s2", "s1"}, store.ErrWithheld},
		{evening, longFor(1), []string{"s3", "s4", "s1"}, store.ErrTaken},
		{evening, longFor(1), []string{"s3", "s4"}, store.ErrLimit},
		{evening, longFor(1), []string{"s1", "s9"}, store.ErrNoSeat},
		{"over", long(), []string{"s1"}, store.ErrClosed},
		{"over", longFor(1), []string{"s1", "s2"}, store.ErrClosed},
		{"over", long(), []string{"s9"}, store.ErrNoSeat},
		{"nowhere", long(), []string{"s1", ""}, store.ErrInvalid},
	} {
		_, err := w.s.Lock(w.Context(), store.LockRequest{Event: c.event, Holder: "bert", Seats: c.seats, Rules: c.rules})
		if !errors.Is(err, c.want) {
			w.Errorf("%s %v: got %v, want %v", c.event, c.seats, err, c.want)
		}
	}
}

func lockRepeat(w *world) {
	w.open(4)
	first := w.lock("anna", "s1", "s2")
	w.pass(first.Now.Add(5 * time.Millisecond)) // a new clock would end later
	w.unchanged(func() {
		for _, seats := range [][]string{{"s1", "s2"}, {"s2"}, {"s2", "s1"}} {
			out := w.lock("anna", seats...)
			w.wantIDs(out.Seats, seats...)
			if !sameLock(out.Lock, first.Lock) {
				w.Fatalf("got lock\n\t%+v\nwant\n\t%+v", out.Lock, first.Lock)
			}
		}
	})
}

func lockOwnSeats(w *world) {
	w.open(4)
	first := w.lock("anna", "s2")
	out := w.lock("anna", "s1", "s2", "s3")
	w.wantIDs(out.Seats, "s1", "s2", "s3")
	w.wantSeats(out.Seats[1:2], first.Seats)
	w.wantIDs(out.Lock.Seats, "s1", "s2", "s3")
	out, err := w.tryLock("anna", longFor(4), "s1", "s2", "s3", "s4")
	w.must(err) // three of the four count once
	w.wantIDs(out.Lock.Seats, names(4)...)
}

func lockTwice(w *world) {
	w.open(3)
	out, err := w.tryLock("anna", longFor(2), "s2", "s1", "s2", "s2", "s1")
	w.must(err)
	w.wantIDs(out.Seats, "s2", "s1")
	for _, s := range w.seats("s1", "s2") {
		if s.Version != 2 {
			w.Errorf("seat %s has version %d, want 2", s.ID, s.Version)
		}
	}
}

func lockLimit(w *world) {
	w.open(6)
	_, err := w.tryLock("anna", longFor(2), "s1", "s2", "s3")
	w.wantErr(err, store.ErrLimit)
	_, err = w.tryLock("anna", longFor(2), "s1", "s2")
	w.must(err)
	w.unchanged(func() {
		_, err := w.tryLock("anna", longFor(2), "s3")
		w.wantErr(err, store.ErrLimit)
		_, err = w.tryLock("anna", longFor(2), "s1", "s3")
		w.wantErr(err, store.ErrLimit)
		_, err = w.tryLock("anna", longFor(2), "s2", "s1")
		w.must(err)
	})
	w.unlock("anna", "s1")
	_, err = w.tryLock("anna", longFor(2), "s3")
	w.must(err)
	_, err = w.tryLock("bert", longFor(2), "s4", "s5")
	w.must(err)
}

func lockLimitLapsed(w *world) {
	w.open(4)
	w.lapse("anna", "s1", "s2")
	out, err := w.tryLock("anna", longFor(2), "s3", "s4")
	w.must(err)
	w.wantIDs(out.Lock.Seats, "s3", "s4")
}

func lockPerEvent(w *world) {
	w.open(2)
	w.create(hall("matinee", 2))
	_, err := w.tryLock("anna", longFor(1), "s1")
	w.must(err)
	w.pass(w.now().Add(2 * time.Millisecond))
	out, err := w.s.Lock(w.Context(), store.LockRequest{Event: "matinee", Holder: "anna", Seats: names(1), Rules: longFor(1)})
	w.must(err)
	started, _ := startOf(out.Now, long())
	if !out.Lock.Started.Equal(started) {
		w.Errorf("clock began at %v, want %v", out.Lock.Started, started)
	}
	w.wantIDs(out.Lock.Seats, "s1")
}

// closed describes an event whose sales are bounded, relative to now.
func closed(id string, from, to time.Duration, now time.Time) store.NewEvent {
	e := hall(id, 4)
	now = now.Truncate(time.Millisecond)
	e.SalesOpen, e.SalesClose = now.Add(from), now.Add(to)
	return e
}

func lockClosed(w *world) {
	now := w.now()
	w.create(closed("before", time.Hour, 2*time.Hour, now))
	w.create(closed("after", -2*time.Hour, -time.Hour, now))
	w.create(closed("during", -time.Hour, time.Hour, now))
	for id, ago := range map[string]time.Duration{"over": store.Evening, "under-way": store.Evening - time.Hour} {
		e := hall(id, 4)
		e.Starts = now.Add(-ago)
		w.create(e)
	}
	for id, want := range map[string]error{"before": store.ErrClosed, "after": store.ErrClosed, "during": nil, "over": store.ErrClosed, "under-way": nil} {
		out, err := w.s.Lock(w.Context(), store.LockRequest{Event: id, Holder: "anna", Seats: names(2), Rules: long()})
		if !errors.Is(err, want) {
			w.Fatalf("%s sales: got %v, want %v", id, err, want)
		}
		w.wantIDs(out.Seats, names(2)...)
		if want != nil && (out.Seats[0].Version != 1 || !out.Lock.Started.IsZero()) {
			w.Errorf("%s sales: something changed: %+v", id, out)
		}
	}
}

// lockClosedRepeat locks before sales close, and asks again afterwards.
func lockClosedRepeat(w *world) {
	var e store.NewEvent
	ask := func(who store.Holder, seats ...string) (store.Outcome, error) {
		return w.s.Lock(w.Context(), store.LockRequest{Event: e.ID, Holder: who, Seats: seats, Rules: long()})
	}
	var first store.Outcome
	w.inTime(func(sales time.Duration) bool {
		e = closed("sold-for-"+sales.String(), -time.Hour, sales, w.now())
		w.create(e)
		var err error
		if first, err = ask("anna", "s1", "s2"); errors.Is(err, store.ErrClosed) {
			return false
		}
		w.must(err)
		return true
	})
	w.pass(e.SalesClose)
	for _, seats := range [][]string{{"s1"}, {"s2", "s1"}} {
		out, err := ask("anna", seats...)
		w.must(err)
		if !sameLock(out.Lock, first.Lock) {
			w.Fatalf("got lock\n\t%+v\nwant\n\t%+v", out.Lock, first.Lock)
		}
	}
	_, err := ask("anna", "s1", "s3")
	w.wantErr(err, store.ErrClosed)
	_, err = ask("bert", "s1")
	w.wantErr(err, store.ErrClosed)
	_, err = w.s.Unlock(w.Context(), store.UnlockRequest{Event: e.ID, Holder: "anna"}) // giving back is never closed
	w.must(err)
}

func lockMany(w *world) {
	w.open(store.MaxSeatsPerRequest + 1)
	all := names(store.MaxSeatsPerRequest)
	slices.Reverse(all)
	out, err := w.tryLock("anna", longFor(1000), all...)
	w.must(err)
	w.wantIDs(out.Seats, all...)
	slices.SortFunc(all, strings.Compare)
	w.wantIDs(out.Lock.Seats, all...)
	w.wantIDs(w.unlock("anna").Lock.Seats)
	if left := slices.DeleteFunc(w.snapshot().Seats, func(s store.Seat) bool { return s.Status == store.Available }); len(left) > 0 {
		w.Fatalf("%d seats are still locked", len(left))
	}
}

func lockLapsedOther(w *world) {
	w.open(3)
	w.lapse("anna", "s1", "s2")
	changes := w.announced(func() {
		out := w.lock("bert", "s1")
		if s := out.Seats[0]; s.LockedBy != "bert" || s.Version != 3 {
			w.Fatalf("got %+v, want bert's seat of version 3", s)
		}
	})
	w.wantChange(changes, "s1", "anna", store.ReasonLocked)
	w.wantLoss(changes, store.ReasonLapsed)
	if got := w.lockOf("anna"); len(got.Seats) != 0 {
		w.Fatalf("anna still has %v", got.Seats)
	}
}

func lockLapsedOwn(w *world) {
	w.open(3)
	old := w.lapse("anna", "s1", "s2")
	out := w.lock("anna", "s1")
	started, deadline := startOf(out.Now, long())
	want := store.Seat{ID: "s1", Status: store.Locked, LockedBy: "anna", LockTime: started, LockedUntil: deadline, Version: 3}
	w.wantSeats(out.Seats, []store.Seat{want})
	if !sameLock(out.Lock, store.Lock{Seats: out.Seats, Started: started, Deadline: deadline}) {
		w.Fatalf("got lock %+v, want a new clock (the old one began at %v) and s1 alone", out.Lock, old.Lock.Started)
	}
}

// lockDeadline asks for a locked seat until it is granted. Whatever the speed
// of the machine, a request answered before the deadline must have failed and
// one begun after it must succeed.
func lockDeadline(w *world) {
	w.open(1)
	for round := range w.rounds(5) {
		w.inTime(func(ttl time.Duration) bool {
			who := store.Holder(fmt.Sprintf("holder-%d-%v", round, ttl))
			out, err := w.tryLock(who, store.Rules{TTL: ttl, Total: ttl, MaxSeats: 1}, "s1")
			w.must(err)
			return w.rivalUntil(out.Lock.Deadline) > 0
		})
	}
}

// rivalUntil returns how often a rival was refused before the seat was
// granted, and leaves the seat lapsed again.
func (w *world) rivalUntil(deadline time.Time) (refused int) {
	w.Helper()
	for {
		began := w.now()
		out, err := w.tryLock("rival", store.Rules{TTL: time.Millisecond, Total: time.Second, MaxSeats: 1}, "s1")
		switch {
		case err == nil && out.Now.Before(deadline):
			w.Fatalf("granted at %v, %v before the deadline", out.Now, deadline.Sub(out.Now))
		case err == nil:
			w.pass(out.Lock.Deadline)
			return refused
		case !errors.Is(err, store.ErrTaken):
			w.Fatalf("got %v, want ErrTaken", err)
		case !began.Before(deadline):
			w.Fatalf("refused though asked at %v, %v after the deadline", began, began.Sub(deadline))
		}
		refused++
	}
}

func lockCursor(w *world) {
	w.open(3)
	from := w.head()
	out := w.lock("anna", "s1", "s2")
	if got := changesOf(w.read(w.s, from, out.Cursor)); len(got) != 2 {
		w.Fatalf("up to the lock's cursor came %v, want both seats", got)
	}
	if got := w.since(out.Cursor); len(got) != 0 {
		w.Fatalf("after the lock's cursor came %v, want nothing", got)
	}
}

func lockSecond(w *world) {
	second := w.second()
	w.open(3)
	out := w.lock("anna", "s1", "s2")
	there, err := second.LockOf(w.Context(), evening, "anna")
	w.must(err)
	if !sameLock(there.Lock, out.Lock) {
		w.Fatalf("got lock\n\t%+v\nwant\n\t%+v", there.Lock, out.Lock)
	}
	_, err = second.Lock(w.Context(), store.LockRequest{Event: evening, Holder: "bert", Seats: []string{"s2"}, Rules: long()})
	w.wantErr(err, store.ErrTaken)
	joined, err := second.Lock(w.Context(), store.LockRequest{Event: evening, Holder: "anna", Seats: []string{"s3"}, Rules: long()})
	w.must(err)
	if !joined.Lock.Deadline.Equal(out.Lock.Deadline) {
		w.Fatalf("deadline %v, want %v", joined.Lock.Deadline, out.Lock.Deadline)
	}
}

// wantChange fails unless there is exactly one change, of that seat.
func (w *world) wantChange(changes []store.Change, seat string, before store.Holder, why store.Reason) {
	w.Helper()
	if len(changes) != 1 {
		w.Fatalf("announced %v, want one change of %s", changes, seat)
	}
	if c := changes[0]; c.Event != evening || c.Seat.ID != seat || c.Before != before || c.Reason != why {
		w.Fatalf("announced %+v, want seat %s, before %q, %v", c, seat, before, why)
	}
	w.wantSeats([]store.Seat{changes[0].Seat}, w.seats(seat))
}

// wantLoss fails unless each of the changes says so of whom it took a seat from.
func (w *world) wantLoss(changes []store.Change, want store.Reason) {
	w.Helper()
	for _, c := range changes {
		if got := c.Loss(); got != want {
			w.Fatalf("the loss that %+v tells of is %v, want %v", c, got, want)
		}
	}
}
