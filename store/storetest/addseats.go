package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seatlock/seatlock/store"
)

func addSeatsCases() []testCase {
	return []testCase{
		{"new seats stand where the plan has them", addsInOrder},
		{"seats that are there stay as they are", addsLeavesSeats},
		{"seats keep their new rank", addsForGood},
		{"plan and definition are replaced", addsReplaces},
		{"the feed tells of the event", addsTold},
		{"not found", addsNotFound},
		{"malformed is invalid and changes nothing", addsInvalid},
		{"a plan that lacks a seat is invalid", addsDropsNothing},
		{"a seat in use keeps its label", addsRelabelled},
		{"a lock at the same time comes after a new label, or before", addsRelabelRace},
		{"another revision is stale", addsStale},
		{"one of concurrent additions wins", addsRace},
		{"repeat changes nothing", addsRepeats},
		{"concurrent repeats all succeed", addsRepeatRace},
		{"the creation may be repeated", addsAfterCreate},
		{"nothing is lost beside locks", addsBesideLocks},
		{"500 seats before 2,000", addsLarge},
	}
}

// more is the evening as it stands, with another plan of these seats.
func (w *world) more(seats ...string) store.NewEvent {
	w.Helper()
	return store.NewEvent{Event: w.event(w.s), PlanBody: []byte("plan of " + strings.Join(seats, " ")), Seats: seats}
}

func (w *world) addSeats(e store.NewEvent) store.Event {
	w.Helper()
	now, err := w.s.AddSeats(w.Context(), e)
	w.must(err)
	return now
}

func addsInOrder(w *world) {
	w.open(3)
	e := w.more("z", "s3", "a", "s1", "s2", "b")
	e.Withheld = []string{"b", "z"}
	w.addSeats(e)
	var want []store.Seat
	for _, id := range e.Seats {
		seat := store.Seat{ID: id, Version: 1}
		if slices.Contains(e.Withheld, id) {
			seat.Status = store.Withheld
		}
		want = append(want, seat)
	}
	for _, s := range w.both() {
		snap, err := s.Snapshot(w.Context(), evening)
		w.must(err)
		w.wantSeats(snap.Seats, want)
	}
	w.wantIDs(w.lock("anna", "s1", "a").Lock.Seats, "a", "s1")
	_, err := w.tryLock("anna", long(), "z")
	w.wantErr(err, store.ErrWithheld)
}

func addsLeavesSeats(w *world) {
	e := hall(evening, 5)
	e.Withheld = []string{"s5"}
	w.create(e)
	w.lock("anna", "s1", "s2")
	w.lapse("bert", "s3")
	lock, before := w.lockOf("anna"), w.seats(names(5)...)
	more := w.more("new", "s5", "s4", "s3", "s2", "s1")
	more.Withheld = []string{"s1", "s3", "s4"} // which are there
	from := w.head()
	w.addSeats(more)
	w.wantSeats(w.seats(names(5)...), before)
	if now := w.lockOf("anna"); !sameLock(now, lock) {
		w.Fatalf("the lock is\n\t%+v\nwant\n\t%+v", now, lock)
	}
	if got := w.since(from); len(got) > 0 {
		w.Fatalf("announced %v, want no seat", got)
	}
}

// addsForGood changes seats after they were moved, in every way there is.
func addsForGood(w *world) {
	w.open(4)
	w.lapse("anna", "s1")
	w.lock("bert", "s2", "s3")
	ids := []string{"s4", "x", "s3", "y", "s2", "s1"}
	first := w.snapshot()
	w.addSeats(w.more(ids...))
	w.release()
	w.unlock("bert", "s2")
	_, err := w.tryExtend("bert", long())
	w.must(err)
	w.withhold(true, "s4")
	w.lock("carl", "x", "s1")
	for _, s := range w.both() {
		snap, err := s.Snapshot(w.Context(), evening)
		w.must(err)
		w.wantIDs(snap.Seats, ids...)
	}
	if got := w.since(first.Cursor); len(got) != 6 {
		w.Fatalf("announced %v, want six changes", got)
	}
}

func addsReplaces(w *world) {
	w.open(2)
	old := w.event(w.s)
	e := w.more("s1", "s2", "s3")
	e.Title, e.Prices, e.SalesClose = "Another", map[string]int64{"new": 7}, e.Starts
	want := e.Event
	want.Plan, want.Revision = store.PlanHash(e.PlanBody), 2
	if got := w.addSeats(e); !sameEvent(got, want) {
		w.Fatalf("returned\n\t%+v\nwant\n\t%+v", got, want)
	}
	w.wantNow(want)
	for _, s := range w.both() {
		for _, plan := range []struct{ hash, body string }{{want.Plan, string(e.PlanBody)}, {old.Plan, string(hall(evening, 2).PlanBody)}} {
			body, err := s.Plan(w.Context(), plan.hash)
			w.must(err)
			if string(body) != plan.body {
				w.Fatalf("the plan is %q, want %q", body, plan.body)
			}
		}
	}
	if now := w.update(retitle("A third")); now.Plan != want.Plan || now.Revision != 3 {
		w.Fatalf("updated to %+v, want the new plan in revision 3", now)
	}
}

func addsTold(w *world) {
	w.open(2)
	second := w.second()
	from := w.head()
	w.addSeats(w.more("s3", "s2", "s1"))
	to := w.fence()
	for _, s := range []*store.Store{w.s, second} {
		batches := w.read(s, from, to)
		if got := eventsOf(batches); !slices.Equal(got, []string{evening}) {
			w.Fatalf("the feed tells of the events %v, want %s once", got, evening)
		}
		if got := changesOf(batches); len(got) > 0 {
			w.Fatalf("it tells of %v, want no seat", got)
		}
	}
}

func addsNotFound(w *world) {
	w.open(1)
	e := w.more("s1", "s2")
	e.ID = "nowhere"
	_, err := w.s.AddSeats(w.Context(), e)
	w.wantErr(err, store.ErrNoEvent)
	_, err = w.s.Event(w.Context(), e.ID)
	w.wantErr(err, store.ErrNoEvent)
	_, err = w.s.Plan(w.Context(), store.PlanHash(e.PlanBody))
	w.wantErr(err, store.ErrNoEvent)
}

func addsInvalid(w *world) {
	w.open(2)
	bad := map[string]func(*store.NewEvent){
		"title":           func(e *store.NewEvent) { e.Title = "" },
		"currency":        func(e *store.NewEvent) { e.Currency = "CHF" },
		"no plan":         func(e *store.NewEvent) { e.PlanBody = nil },
		"no seats":        func(e *store.NewEvent) { e.Seats = nil },
		"seat":            func(e *store.NewEvent) { e.Seats = []string{"s1", "s2", "s 3"} },
		"seat twice":      func(e *store.NewEvent) { e.Seats = []string{"s1", "s2", "s1"} },
		"withheld nobody": func(e *store.NewEvent) { e.Withheld = []string{"s9"} },
		"sales":           func(e *store.NewEvent) { e.SalesOpen, e.SalesClose = e.Starts, e.Starts },
	}
	w.untold(func() {
		for _, what := range slices.Sorted(maps.Keys(bad)) {
			e := w.more("s1", "s2", "s3")
			bad[what](&e)
			if _, err := w.s.AddSeats(w.Context(), e); !errors.Is(err, store.ErrInvalid) {
				w.Errorf("%s: got %v, want ErrInvalid", what, err)
			}
		}
	})
}

func addsDropsNothing(w *world) {
	e := hall(evening, 4)
	e.Withheld = []string{"s2"}
	w.create(e)
	w.lock("anna", "s3")
	w.lapse("bert", "s4")
	for _, test := range []struct {
		seats []string
		first string
	}{
		{[]string{"s2", "s3", "s4"}, "s1"}, {[]string{"s4", "s3", "s1", "x"}, "s2"},
		{[]string{"s1", "s2", "s4"}, "s3"}, {[]string{"x", "s1", "s2", "s3"}, "s4"}, {[]string{"S1", "s2"}, "s1"},
	} {
		w.untold(func() {
			asked := w.more(test.seats...)
			if _, err := w.s.AddSeats(w.Context(), asked); !errors.Is(err, store.ErrInvalid) || !strings.Contains(err.Error(), `"`+test.first+`"`) {
				w.Errorf("%v: got %v, want ErrInvalid that names %s", test.seats, err, test.first)
			}
			_, err := w.s.Plan(w.Context(), store.PlanHash(asked.PlanBody))
			w.wantErr(err, store.ErrNoEvent)
		})
	}
}

func addsRelabelled(w *world) {
	w.open(6)
	asked := func() store.NewEvent {
		e := w.more("s1", "s2", "s3", "s4", "s5", "s6", "new")
		e.Relabelled = []string{"s6", "s4", "s3", "s2", "s1"}
		return e
	}
	refused := func(seat string) {
		w.Helper()
		w.untold(func() {
			now, err := w.s.AddSeats(w.Context(), asked())
			if !errors.Is(err, store.ErrInUse) || !strings.Contains(err.Error(), seat) {
				w.Errorf("got error %v, want ErrInUse that names %s", err, seat)
			}
			if was := w.event(w.s); !sameEvent(now, was) {
				w.Errorf("got\n\t%+v\nwant the event as it stands\n\t%+v", now, was)
			}
		})
	}
	w.lapse("anna", "s1")
	w.withhold(true, "s2")
	w.lock("bert", "s3", "s4")
	refused("s3")
	w.unlock("bert", "s3")
	code := w.pay("bert").Code
	w.lock("bert", "s5")
	refused("s4")
	w.confirm(code)
	refused("s4")
	w.cancel(code)
	before := w.seats("s1", "s2", "s3", "s4", "s5", "s6") // s5 is locked, and stays as it is called
	again := asked()
	w.addSeats(again)
	w.wantSeats(w.seats("s1", "s2", "s3", "s4", "s5", "s6"), before)
	w.lock("bert", "s6")
	w.untold(func() { w.addSeats(again) }) // which is done already
}

func addsRelabelRace(w *world) {
	w.open(1)
	second := w.second()
	for round := range w.rounds(5) {
		seats := append(idsOf(w.snapshot().Seats), fmt.Sprintf("r%d", round))
		e := w.more(seats...)
		e.Relabelled = []string{"s1"}
		var lock store.Outcome
		meanwhile := newRival(func() (err error) {
			lock, err = second.Lock(w.Context(), store.LockRequest{Event: evening, Holder: "anna", Seats: []string{"s1"}, Rules: long()})
			return err
		})
		_, err := store.New(overtakenDefinition{w.e, meanwhile}).AddSeats(w.Context(), e)
		w.must(meanwhile.wait())
		switch {
		case errors.Is(err, store.ErrInUse):
		case err == nil && !w.cameFirst(lock.Cursor):
		default:
			w.Fatalf("a seat that is locked since %v gets another label: %v", lock.Cursor, err)
		}
		w.unlock("anna")
	}
}

func addsStale(w *world) {
	w.open(1)
	w.update(retitle("Second"))
	third := w.update(retitle("Third"))
	for _, revision := range []int64{0, 1, 2, 4, -1} {
		w.untold(func() {
			e := w.more("s1", "s2")
			e.Revision = revision
			now, err := w.s.AddSeats(w.Context(), e)
			w.wantErr(err, store.ErrStale)
			if !sameEvent(now, third) {
				w.Errorf("from revision %d: got\n\t%+v\nwant the event as it stands\n\t%+v", revision, now, third)
			}
		})
	}
}

func addsRace(w *world) {
	w.open(1)
	stores := w.both()
	seats := names(1)
	for round := range w.rounds(10) {
		old := w.event(w.s)
		asked := func(i int) store.NewEvent {
			ids := append(slices.Clone(seats), fmt.Sprintf("r%d-%d", round, i))
			return store.NewEvent{Event: old, PlanBody: fmt.Appendf(nil, "plan %d of %d", i, round), Seats: ids}
		}
		got, errs := make([]store.Event, 8), make([]error, 8)
		race(len(errs), func(i int) { got[i], errs[i] = stores[i%2].AddSeats(w.Context(), asked(i)) })
		winner := w.oneWinner(errs, store.ErrStale)
		seats = asked(winner).Seats
		w.wantIDs(w.snapshot().Seats, seats...)
		for i, e := range got {
			if e.Revision != old.Revision+1 || e.Plan != store.PlanHash(asked(winner).PlanBody) {
				w.Fatalf("%d was told of\n\t%+v\nwant what the winner, %d, made", i, e, winner)
			}
		}
	}
}

func addsRepeats(w *world) {
	w.open(2)
	asked := w.more("s2", "new", "s1")
	asked.Withheld = []string{"new"}
	now := w.addSeats(asked)
	w.withhold(false, "new")
	w.lock("anna", "new")
	for _, revision := range []int64{1, 2, 9} {
		w.untold(func() {
			asked.Revision = revision
			got, err := w.s.AddSeats(w.Context(), asked)
			w.must(err)
			if !sameEvent(got, now) {
				w.Errorf("repeated from revision %d: got\n\t%+v\nwant\n\t%+v", revision, got, now)
			}
		})
	}
}

func addsRepeatRace(w *world) {
	w.open(1)
	stores := w.both()
	for round := range w.rounds(10) {
		e := w.more(append(idsOf(w.snapshot().Seats), fmt.Sprintf("r%d", round))...)
		from, errs := w.head(), make([]error, 8)
		race(len(errs), func(i int) { _, errs[i] = stores[i%2].AddSeats(w.Context(), e) })
		w.must(errors.Join(errs...))
		w.wantIDs(w.snapshot().Seats, e.Seats...)
		if now := w.event(w.s); now.Revision != e.Revision+1 {
			w.Fatalf("got %+v, want one addition to revision %d", now, e.Revision)
		}
		if got := eventsOf(w.read(w.s, from, w.fence())); !slices.Equal(got, []string{evening}) {
			w.Fatalf("told of %v, want %s once", got, evening)
		}
	}
}

func addsAfterCreate(w *world) {
	first := hall(evening, 2)
	w.create(first)
	w.addSeats(w.more("s1", "s2", "s3"))
	w.untold(func() { w.create(first) })
}

// addsBesideLocks moves and adds seats while others lock and give back, and
// while what lapses is swept.
func addsBesideLocks(w *world) {
	const seats, rounds = 12, 15
	w.open(seats)
	first := w.snapshot()
	stores := w.both()
	ids := names(seats)
	race(4, func(i int) {
		who, rules := holder(i), longFor(seats)
		if i == 3 {
			rules.TTL, rules.Total = time.Millisecond, time.Millisecond
		}
		for round := range rounds {
			switch seat := ids[(i*3+round)%seats]; i {
			case 0:
				e, err := stores[0].Event(w.Context(), evening)
				if err == nil {
					turned := slices.Concat([]string{fmt.Sprintf("n%d", round)}, addedSoFar(round), turn(names(seats), round))
					_, err = stores[0].AddSeats(w.Context(), store.NewEvent{Event: e, PlanBody: fmt.Appendf(nil, "plan %d", round), Seats: turned})
				}
				if err != nil {
					w.Errorf("add seats: %v", err)
				}
			case 3:
				_, err := stores[1].Lock(w.Context(), store.LockRequest{Event: evening, Holder: who, Seats: []string{seat}, Rules: rules})
				_, sweep := stores[0].ReleaseDue(w.Context())
				if err != nil && !errors.Is(err, store.ErrTaken) || sweep != nil {
					w.Errorf("lock and sweep: %v, %v", err, sweep)
				}
			default:
				_, err := stores[i%2].Lock(w.Context(), store.LockRequest{Event: evening, Holder: who, Seats: []string{seat}, Rules: rules})
				if err == nil && round%2 == 0 {
					_, err = stores[i%2].Unlock(w.Context(), store.UnlockRequest{Event: evening, Holder: who, Seats: []string{seat}})
				}
				if err != nil && !errors.Is(err, store.ErrTaken) {
					w.Errorf("lock: %v", err)
				}
			}
		}
	})
	last := w.snapshot()
	w.wantIDs(last.Seats, slices.Concat(addedSoFar(rounds), turn(names(seats), rounds-1))...)
	last.Seats = slices.DeleteFunc(last.Seats, func(s store.Seat) bool { return s.ID[0] == 'n' })
	slices.SortFunc(last.Seats, func(a, b store.Seat) int { return slices.Index(ids, a.ID) - slices.Index(ids, b.ID) })
	w.wantBoard(first, w.since(first.Cursor), last)
}

// addedSoFar are the seats of earlier rounds, the last one first.
func addedSoFar(round int) (ids []string) {
	for i := range round {
		ids = append([]string{fmt.Sprintf("n%d", i)}, ids...)
	}
	return ids
}

// turn returns the list from its nth element on, and then what is before it.
func turn(list []string, n int) []string {
	n %= len(list)
	return slices.Concat(list[n:], list[:n])
}

func addsLarge(w *world) {
	w.open(2000)
	w.lock("anna", "s1", "s2000")
	var ids []string
	for i := range 500 {
		ids = append(ids, fmt.Sprintf("n%d", i))
	}
	ids = append(ids, names(2000)...)
	w.addSeats(w.more(ids...))
	snap := w.snapshot()
	w.wantIDs(snap.Seats, ids...)
	w.wantIDs(w.lockOf("anna").Seats, "s1", "s2000")
	w.lock("bert", "n499", "s2")
}
