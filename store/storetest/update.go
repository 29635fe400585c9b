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

func updateCases() []testCase {
	return []testCase{
		{"what may change is replaced", updateReplaces},
		{"times are cut to milliseconds", updateTimes},
		{"the feed tells of the event", updateTold},
		{"not found", updateNotFound},
		{"malformed is invalid and changes nothing", updateInvalid},
		{"another currency or plan is invalid", updateFixed},
		{"another revision is stale", updateStale},
		{"one of concurrent updates wins", updateRace},
		{"repeat changes nothing", updateRepeats},
		{"concurrent repeats all succeed", updateRepeatRace},
		{"the creation may be repeated", updateAfterCreate},
		{"sales times count for the next lock", updateSales},
		{"sales times count for a second instance", updateSalesOfSecond},
		{"seats and locks stay", updateLeavesSeats},
	}
}

func (w *world) event(s *store.Store) store.Event {
	w.Helper()
	e, err := s.Event(w.Context(), evening)
	w.must(err)
	return e
}

// update changes the evening as it stands, and returns it as it then stands.
func (w *world) update(change func(*store.Event)) store.Event {
	w.Helper()
	e := w.event(w.s)
	change(&e)
	e, err := w.s.UpdateEvent(w.Context(), e)
	w.must(err)
	return e
}

func retitle(title string) func(*store.Event) { return func(e *store.Event) { e.Title = title } }

// wantNow fails unless the evening stands so for everybody.
func (w *world) wantNow(want store.Event) {
	w.Helper()
	for _, s := range w.both() {
		if got := w.event(s); !sameEvent(got, want) {
			w.Fatalf("got event\n\t%+v\nwant\n\t%+v", got, want)
		}
	}
}

// untold fails unless do leaves the event and all seats as they were, and the
// feed without a word.
func (w *world) untold(do func()) {
	w.Helper()
	was := w.event(w.s)
	from := w.head()
	w.unchanged(do)
	w.wantNow(was)
	if got := eventsOf(w.read(w.s, from, w.fence())); len(got) > 0 {
		w.Fatalf("told of %v, want nothing", got)
	}
}

func updateReplaces(w *world) {
	e := hall(evening, 3)
	w.create(e)
	w.create(hall("matinee", 1))
	want := e.Event
	want.Title, want.Venue = "Über „Nacht“ & <b>$where</b>", "木造ホール"
	want.Starts, want.Zone = e.Starts.Add(-72*time.Hour), "Asia/Kathmandu"
	want.Prices = map[string]int64{"free": 0, "a.b": store.MaxPrice, "$set": 250}
	want.SalesOpen, want.SalesClose = want.Starts.Add(-90*24*time.Hour), want.Starts.Add(-time.Hour)
	want.Hidden = true
	want.Plan, want.Revision = store.PlanHash(e.PlanBody), 1
	got, err := w.s.UpdateEvent(w.Context(), want)
	w.must(err)
	want.Revision = 2
	if !sameEvent(got, want) {
		w.Fatalf("returned\n\t%+v\nwant\n\t%+v", got, want)
	}
	w.wantNow(want)
	all, err := w.s.Events(w.Context())
	w.must(err)
	if len(all) != 2 || !sameEvent(all[0], want) || all[1].Revision != 1 {
		w.Fatalf("Events returned %+v, want the updated one, which is now the earlier, and the other as it was", all)
	}
	body, err := w.s.Plan(w.Context(), want.Plan)
	w.must(err)
	if string(body) != string(e.PlanBody) {
		w.Fatalf("the plan is %q, want %q", body, e.PlanBody)
	}
	want.Venue, want.Prices, want.SalesOpen, want.SalesClose = "", nil, time.Time{}, time.Time{}
	_, err = w.s.UpdateEvent(w.Context(), want)
	w.must(err)
	want.Revision = 3
	w.wantNow(want)
}

func updateTimes(w *world) {
	w.open(1)
	starts := hall(evening, 1).Starts.Add(-time.Hour)
	finer := func(e *store.Event) {
		e.Starts = starts.Add(999_999).In(time.FixedZone("elsewhere", 3600))
		e.SalesClose = e.Starts
	}
	e := w.update(finer)
	if !e.Starts.Equal(starts) || !e.SalesClose.Equal(starts) || e.Revision != 2 {
		w.Fatalf("got %+v, want whole milliseconds: %v", e, starts)
	}
	w.wantNow(e)
	w.untold(func() { w.update(finer) })
}

func updateTold(w *world) {
	w.open(2)
	second := w.second()
	from := w.head()
	w.update(retitle("Another"))
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

func updateNotFound(w *world) {
	w.open(1)
	e := w.event(w.s)
	e.ID = "nowhere"
	_, err := w.s.UpdateEvent(w.Context(), e)
	w.wantErr(err, store.ErrNoEvent)
	_, err = w.s.Event(w.Context(), e.ID)
	w.wantErr(err, store.ErrNoEvent)
}

func updateInvalid(w *world) {
	w.open(1)
	bad := map[string]func(*store.Event){
		"event id": func(e *store.Event) { e.ID = "a/b" },
		"title":    func(e *store.Event) { e.Title = "" },
		"venue":    func(e *store.Event) { e.Venue = strings.Repeat("x", store.MaxText+1) },
		"start":    func(e *store.Event) { e.Starts = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"zone":     func(e *store.Event) { e.Zone = "Local" },
		"price":    func(e *store.Event) { e.Prices = map[string]int64{"stalls": -1} },
		"category": func(e *store.Event) {
			e.Prices = map[string]int64{"\xff": 1} // which comes back as another from some notations
		},
		"sales": func(e *store.Event) { e.SalesOpen, e.SalesClose = e.Starts, e.Starts },
	}
	w.untold(func() {
		for _, field := range slices.Sorted(maps.Keys(bad)) {
			e := w.event(w.s)
			bad[field](&e)
			if _, err := w.s.UpdateEvent(w.Context(), e); !errors.Is(err, store.ErrInvalid) || !strings.Contains(err.Error(), field) {
				w.Errorf("%s: got %v, want ErrInvalid that names it", field, err)
			}
		}
	})
}

func updateFixed(w *world) {
	w.open(1)
	for field, change := range map[string]func(*store.Event){
		"currency": func(e *store.Event) { e.Currency = "CHF" },
		"plan":     func(e *store.Event) { e.Plan = store.PlanHash([]byte("another")) },
	} {
		for _, title := range []string{"Another", w.event(w.s).Title} { // beside a change, and alone
			w.untold(func() {
				e := w.event(w.s)
				e.Title = title
				change(&e)
				if _, err := w.s.UpdateEvent(w.Context(), e); !errors.Is(err, store.ErrInvalid) || !strings.Contains(err.Error(), field) {
					w.Errorf("another %s: got %v, want ErrInvalid that names it", field, err)
				}
			})
		}
	}
}

func updateStale(w *world) {
	w.open(1)
	w.update(retitle("Second"))
	third := w.update(retitle("Third"))
	for _, revision := range []int64{0, 1, 2, 4, -1} {
		w.untold(func() {
			e := third
			e.Title, e.Revision = "Fourth", revision
			now, err := w.s.UpdateEvent(w.Context(), e)
			w.wantErr(err, store.ErrStale)
			if !sameEvent(now, third) {
				w.Errorf("from revision %d: got\n\t%+v\nwant the event as it stands\n\t%+v", revision, now, third)
			}
		})
	}
}

func updateRace(w *world) {
	w.open(1)
	stores := w.both()
	for range w.rounds(20) {
		old := w.event(w.s)
		got, errs := make([]store.Event, 8), make([]error, 8)
		race(len(errs), func(i int) {
			e := old
			e.Title = fmt.Sprintf("Title %d of %d", i, old.Revision)
			got[i], errs[i] = stores[i%2].UpdateEvent(w.Context(), e)
		})
		winner := w.oneWinner(errs, store.ErrStale)
		want := old
		want.Title, want.Revision = fmt.Sprintf("Title %d of %d", winner, old.Revision), old.Revision+1
		for i, e := range got {
			if !sameEvent(e, want) {
				w.Fatalf("%d was told of\n\t%+v\nwant what the winner, %d, made\n\t%+v", i, e, winner, want)
			}
		}
		if now := w.event(stores[(winner+1)%2]); !sameEvent(now, want) {
			w.Fatalf("got event\n\t%+v\nwant\n\t%+v", now, want)
		}
	}
}

func updateRepeats(w *world) {
	w.open(2)
	asked := w.event(w.s)
	asked.Title, asked.Prices = "Another", map[string]int64{"stalls": 5000}
	_, err := w.s.UpdateEvent(w.Context(), asked)
	w.must(err)
	now := w.event(w.s)
	for _, revision := range []int64{1, 2, 9} {
		w.untold(func() {
			asked.Revision = revision
			got, err := w.s.UpdateEvent(w.Context(), asked)
			w.must(err)
			if !sameEvent(got, now) {
				w.Errorf("repeated from revision %d: got\n\t%+v\nwant\n\t%+v", revision, got, now)
			}
		})
	}
}

func updateRepeatRace(w *world) {
	w.open(1)
	stores := w.both()
	for range w.rounds(20) {
		e := w.event(w.s)
		e.Title = fmt.Sprintf("After %d", e.Revision)
		from, errs := w.head(), make([]error, 8)
		race(len(errs), func(i int) { _, errs[i] = stores[i%2].UpdateEvent(w.Context(), e) })
		w.must(errors.Join(errs...))
		if now := w.event(w.s); now.Revision != e.Revision+1 || now.Title != e.Title {
			w.Fatalf("got %+v, want one update to %q", now, e.Title)
		}
		if got := eventsOf(w.read(w.s, from, w.fence())); !slices.Equal(got, []string{evening}) {
			w.Fatalf("told of %v, want %s once", got, evening)
		}
	}
}

func updateAfterCreate(w *world) {
	first := hall(evening, 2)
	w.create(first)
	now := w.update(retitle("Another"))
	w.untold(func() {
		w.create(first)
		second := first
		second.Title = now.Title
		w.wantErr(w.s.CreateEvent(w.Context(), second), store.ErrExists)
	})
}

func updateSales(w *world) {
	w.open(3)
	w.lock("anna", "s1") // an engine may keep what it has just read
	w.update(func(e *store.Event) { e.SalesClose = w.now() })
	_, err := w.tryLock("bert", long(), "s2")
	w.wantErr(err, store.ErrClosed)
	w.update(func(e *store.Event) { e.SalesClose = time.Time{} })
	w.lock("bert", "s2")
	w.update(func(e *store.Event) { e.SalesOpen = w.now().Add(time.Hour) })
	_, err = w.tryLock("bert", long(), "s3")
	w.wantErr(err, store.ErrClosed)
}

func updateSalesOfSecond(w *world) {
	w.open(2)
	second := w.second()
	try := func(seat string) error {
		_, err := second.Lock(w.Context(), store.LockRequest{Event: evening, Holder: "anna", Seats: []string{seat}, Rules: long()})
		return err
	}
	w.must(try("s1"))
	w.update(func(e *store.Event) { e.SalesClose = w.now() })
	time.Sleep(time.Second) // as long as it may take
	w.wantErr(try("s2"), store.ErrClosed)
	w.update(func(e *store.Event) { e.SalesClose = time.Time{} })
	time.Sleep(time.Second)
	w.must(try("s2"))
}

func updateLeavesSeats(w *world) {
	e := hall(evening, 4)
	e.Withheld = []string{"s4"}
	w.create(e)
	w.lock("anna", "s1", "s2")
	lock := w.lockOf("anna")
	w.unchanged(func() {
		w.update(func(e *store.Event) { e.Prices, e.SalesClose = nil, w.now() })
		w.lock("anna", "s2", "s1") // hers already
	})
	if now := w.lockOf("anna"); !sameLock(now, lock) {
		w.Fatalf("the lock is\n\t%+v\nwant\n\t%+v", now, lock)
	}
	out, err := w.tryExtend("anna", long())
	w.must(err)
	w.wantIDs(out.Seats, "s1", "s2")
	w.wantIDs(w.unlock("anna", "s1").Seats, "s1")
}
