package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seatlock/seatlock/store"
)

func createCases() []testCase {
	return []testCase{
		{"the definition survives", createRoundTrip},
		{"plan and revision are set by the store", createSetsPlan},
		{"bounds of sales may be missing", createUnbounded},
		{"events come by start then id", eventsInOrder},
		{"an empty store has no events", eventsEmpty},
		{"repeat changes nothing", createRepeat},
		{"another definition exists", createOther},
		{"malformed is invalid and adds nothing", createInvalid},
		{"one of concurrent definitions wins", createRace},
		{"concurrent repeats all succeed", createRepeatRace},
		{"it is never seen in part", createWhole},
		{"20,000 seats", createLarge},
		{"events may share a plan", createSharedPlan},
		{"the plan's bytes are exact", planExact},
		{"not found", eventNotFound},
		{"a second instance sees it", createSeenBySecond},
	}
}

func sameEvent(a, b store.Event) bool {
	return a.ID == b.ID && a.Title == b.Title && a.Venue == b.Venue && a.Zone == b.Zone &&
		a.Starts.Equal(b.Starts) && a.SalesOpen.Equal(b.SalesOpen) && a.SalesClose.Equal(b.SalesClose) &&
		a.Currency == b.Currency && maps.Equal(a.Prices, b.Prices) && a.Plan == b.Plan && a.Revision == b.Revision &&
		a.Hidden == b.Hidden
}

func (w *world) wantEvent(s *store.Store, want store.NewEvent) {
	w.Helper()
	got, err := s.Event(w.Context(), want.ID)
	w.must(err)
	want.Plan, want.Revision = store.PlanHash(want.PlanBody), 1
	if !sameEvent(got, want.Event) {
		w.Fatalf("got event\n\t%+v\nwant\n\t%+v", got, want.Event)
	}
}

func createRoundTrip(w *world) {
	e := hall(evening, 3)
	e.Title, e.Venue = "Über „Nacht“ & <b>$where</b>", "木造ホール"
	e.Zone, e.Currency = "Asia/Kathmandu", "NPR"
	e.Prices = map[string]int64{"stalls": 1, "free": 0, "a.b": store.MaxPrice, "$set": 250}
	e.SalesOpen = e.Starts.Add(-90 * 24 * time.Hour)
	e.SalesClose = e.Starts.Add(-time.Hour)
	e.Hidden = true
	w.create(e)
	w.wantEvent(w.s, e)
	all, err := w.s.Events(w.Context())
	w.must(err)
	if got, _ := w.s.Event(w.Context(), e.ID); len(all) != 1 || !sameEvent(all[0], got) {
		w.Fatalf("Events returned %+v, want the one that Event returns", all)
	}
}

func createSetsPlan(w *world) {
	e := hall(evening, 1)
	e.Plan, e.Revision = "of-the-caller", 77
	w.create(e)
	w.wantEvent(w.s, e)
}

func createUnbounded(w *world) {
	e := hall(evening, 1)
	e.Prices = nil
	w.create(e)
	got, err := w.s.Event(w.Context(), evening)
	w.must(err)
	if !got.SalesOpen.IsZero() || !got.SalesClose.IsZero() || len(got.Prices) != 0 {
		w.Fatalf("got bounds %v, %v and prices %v, want none", got.SalesOpen, got.SalesClose, got.Prices)
	}
	w.lock("anna", "s1")
}

func eventsInOrder(w *world) {
	for _, e := range []struct {
		id    string
		start time.Duration
	}{{"c", 0}, {"late", 50 * time.Hour}, {"B", 0}, {"a", 0}, {"early", -time.Hour}} {
		n := hall(e.id, 1)
		n.Starts = n.Starts.Add(e.start)
		w.create(n)
	}
	all, err := w.s.Events(w.Context())
	w.must(err)
	var got []string
	for _, e := range all {
		got = append(got, e.ID)
	}
	if want := []string{"early", "B", "a", "c", "late"}; !slices.Equal(got, want) {
		w.Fatalf("got %v, want %v", got, want)
	}
}

func eventsEmpty(w *world) {
	all, err := w.s.Events(w.Context())
	w.must(err)
	if len(all) != 0 {
		w.Fatalf("got %v, want none", all)
	}
}

func createRepeat(w *world) {
	e := hall(evening, 3)
	e.Withheld = []string{"s3"}
	w.create(e)
	w.lock("anna", "s1")
	w.withhold(false, "s3")
	w.unchanged(func() {
		w.create(e)
		e.Starts = e.Starts.In(time.FixedZone("elsewhere", 3600)) // the same instant
		w.create(e)
	})
	w.wantEvent(w.s, e)
}

func createOther(w *world) {
	e := hall(evening, 3)
	w.create(e)
	others := map[string]func(*store.NewEvent){
		"title":       func(e *store.NewEvent) { e.Title = "Another" },
		"venue":       func(e *store.NewEvent) { e.Venue = "" },
		"start":       func(e *store.NewEvent) { e.Starts = e.Starts.Add(time.Minute) },
		"zone":        func(e *store.NewEvent) { e.Zone = "Europe/Paris" },
		"currency":    func(e *store.NewEvent) { e.Currency = "CHF" },
		"price":       func(e *store.NewEvent) { e.Prices = map[string]int64{"stalls": 4501} },
		"sales open":  func(e *store.NewEvent) { e.SalesOpen = e.Starts.Add(-time.Hour) },
		"sales close": func(e *store.NewEvent) { e.SalesClose = e.Starts },
		"plan":        func(e *store.NewEvent) { e.PlanBody = []byte("{}") },
		"seats":       func(e *store.NewEvent) { e.Seats = names(4); e.PlanBody = []byte("{4}") },
	}
	for _, what := range slices.Sorted(maps.Keys(others)) {
		other := hall(evening, 3)
		others[what](&other)
		if err := w.s.CreateEvent(w.Context(), other); !errors.Is(err, store.ErrExists) {
			w.Errorf("another %s: got %v, want ErrExists", what, err)
		}
	}
	w.wantEvent(w.s, e)
	w.wantIDs(w.snapshot().Seats, names(3)...)
}

func createInvalid(w *world) {
	w.create(hall("other", 1))
	bad := map[string]func(*store.NewEvent){
		"id":              func(e *store.NewEvent) { e.ID = "a/b" },
		"empty id":        func(e *store.NewEvent) { e.ID = "" },
		"dotted id":       func(e *store.NewEvent) { e.ID = ".." },
		"title":           func(e *store.NewEvent) { e.Title = "" },
		"long title":      func(e *store.NewEvent) { e.Title = strings.Repeat("x", store.MaxText+1) },
		"blank title":     func(e *store.NewEvent) { e.Title = " \u00a0" },
		"turned title":    func(e *store.NewEvent) { e.Title = "a\u202eb" },
		"venue":           func(e *store.NewEvent) { e.Venue = "a\x00b" },
		"lines of venue":  func(e *store.NewEvent) { e.Venue = "a\u2028b" },
		"zone":            func(e *store.NewEvent) { e.Zone = "Mars/Olympus" },
		"currency":        func(e *store.NewEvent) { e.Currency = "eur" },
		"no money":        func(e *store.NewEvent) { e.Currency = "BTC" },
		"unseen title":    func(e *store.NewEvent) { e.Title = "\u3164\u200b" },
		"price":           func(e *store.NewEvent) { e.Prices = map[string]int64{"stalls": -1} },
		"too dear":        func(e *store.NewEvent) { e.Prices = map[string]int64{"stalls": store.MaxPrice + 1} },
		"no plan":         func(e *store.NewEvent) { e.PlanBody = nil },
		"no seats":        func(e *store.NewEvent) { e.Seats = nil },
		"seat":            func(e *store.NewEvent) { e.Seats = []string{"s1", "s 2"} },
		"seat twice":      func(e *store.NewEvent) { e.Seats = []string{"s1", "s1"} },
		"withheld nobody": func(e *store.NewEvent) { e.Withheld = []string{"s9"} },
		"sales": func(e *store.NewEvent) {
			e.SalesOpen, e.SalesClose = e.Starts, e.Starts.Add(-time.Hour)
		},
	}
	for _, what := range slices.Sorted(maps.Keys(bad)) {
		e := hall(evening, 3)
		bad[what](&e)
		if err := w.s.CreateEvent(w.Context(), e); !errors.Is(err, store.ErrInvalid) {
			w.Errorf("%s: got %v, want ErrInvalid", what, err)
		}
	}
	all, err := w.s.Events(w.Context())
	w.must(err)
	if len(all) != 1 || all[0].ID != "other" {
		w.Fatalf("got events %v, want only the good one", all)
	}
}

func createRace(w *world) {
	stores := w.both()
	for round := range w.rounds(20) {
		id := fmt.Sprintf("e%d", round)
		define := func(i int) store.NewEvent {
			e := hall(id, 2+i)
			e.Title, e.PlanBody = fmt.Sprintf("Title %d", i), fmt.Appendf(nil, "plan %d", i)
			return e
		}
		errs := make([]error, 8)
		race(len(errs), func(i int) { errs[i] = stores[i%2].CreateEvent(w.Context(), define(i)) })
		winner := w.oneWinner(errs, store.ErrExists)
		w.wantEvent(stores[(winner+1)%2], define(winner))
		snap, err := w.s.Snapshot(w.Context(), id)
		w.must(err)
		w.wantIDs(snap.Seats, names(2+winner)...)
	}
}

func createRepeatRace(w *world) {
	stores := w.both()
	for round := range w.rounds(20) {
		e := hall(fmt.Sprintf("e%d", round), 3)
		errs := make([]error, 8)
		race(len(errs), func(i int) { errs[i] = stores[i%2].CreateEvent(w.Context(), e) })
		w.must(errors.Join(errs...))
		w.wantEvent(w.s, e)
	}
}

// oneWinner returns which one has no error, and fails unless all others have
// the one that is expected of losers.
func (w *world) oneWinner(errs []error, loser error) int {
	w.Helper()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner < 0:
			winner = i
		case err == nil:
			w.Fatalf("both %d and %d won", winner, i)
		case !errors.Is(err, loser):
			w.Fatalf("loser %d got %v, want %v", i, err, loser)
		}
	}
	if winner < 0 {
		w.Fatalf("nobody won: %v", errs)
	}
	return winner
}

// createWhole reads an event while it is being created.
func createWhole(w *world) {
	stores := w.both()
	const seats = 2000
	for round := range w.rounds(3) {
		id := fmt.Sprintf("e%d", round)
		created := make(chan error, 1)
		go func() { created <- w.s.CreateEvent(w.Context(), hall(id, seats)) }()
		for i, done := 0, false; !done; i++ {
			select {
			case err := <-created:
				w.must(err)
				done = true
			default:
			}
			snap, err := stores[i%2].Snapshot(w.Context(), id)
			switch {
			case errors.Is(err, store.ErrNoEvent) && !done:
			case err != nil:
				w.Fatalf("snapshot: %v", err)
			case len(snap.Seats) != seats:
				w.Fatalf("seen with %d seats, want none or %d", len(snap.Seats), seats)
			}
		}
	}
}

func createLarge(w *world) {
	const seats = 20_000
	from := w.head()
	w.open(seats)
	snap := w.snapshot()
	w.wantIDs(snap.Seats, names(seats)...)
	if got := w.since(from); len(got) != 0 {
		w.Fatalf("a new event announced %d changes, want none", len(got))
	}
	w.lock("anna", "s20000", "s1")
	w.wantBoard(snap, w.since(snap.Cursor), w.snapshot())
}

func createSharedPlan(w *world) {
	a, b := hall("a", 3), hall("b", 3)
	b.PlanBody = a.PlanBody
	w.create(a)
	w.create(b)
	w.wantEvent(w.s, a)
	w.wantEvent(w.s, b)
}

func planExact(w *world) {
	e := hall(evening, 1)
	e.PlanBody = slices.Concat([]byte(" \xef\xbb\xbf{\r\n\x00\xff\xfe}"), bytes.Repeat([]byte("0123456789abcdef"), 1<<16), []byte("\x00\t \r\n"))
	w.create(e)
	for _, s := range w.both() {
		got, err := s.Plan(w.Context(), store.PlanHash(e.PlanBody))
		w.must(err)
		if !bytes.Equal(got, e.PlanBody) {
			w.Fatalf("got %d bytes of plan, want the %d given", len(got), len(e.PlanBody))
		}
	}
}

func eventNotFound(w *world) {
	w.open(1)
	for _, id := range []string{"nowhere", "Evening", "", "$ne", "../evening"} {
		_, err := w.s.Event(w.Context(), id)
		w.wantErr(err, store.ErrNoEvent)
		_, err = w.s.Snapshot(w.Context(), id)
		w.wantErr(err, store.ErrNoEvent)
		_, err = w.s.Plan(w.Context(), id)
		w.wantErr(err, store.ErrNoEvent)
	}
}

func createSeenBySecond(w *world) {
	second := w.second()
	e := hall(evening, 3)
	w.create(e)
	w.wantEvent(second, e)
	snap, err := second.Snapshot(w.Context(), evening)
	w.must(err)
	w.wantIDs(snap.Seats, names(3)...)
}

func snapshotCases() []testCase {
	return []testCase{
		{"seats come in the plan's order", snapshotOrder},
		{"a new seat has version 1", snapshotNew},
		{"withheld seats are not for sale at first", snapshotWithheld},
		{"events do not share seats", snapshotApart},
		{"now is the store's clock", snapshotNow},
		{"the cursor is of that instant", snapshotCursor},
	}
}

func snapshotOrder(w *world) {
	e := hall(evening, 3)
	e.Seats = []string{"z", "a", "M", "10", "9", "_", "-", "b.c"}
	w.create(e)
	w.wantIDs(w.snapshot().Seats, e.Seats...)
	w.lock("anna", "a", "9")
	w.wantIDs(w.snapshot().Seats, e.Seats...)
}

func snapshotNew(w *world) {
	w.open(3)
	for _, s := range w.snapshot().Seats {
		if s != (store.Seat{ID: s.ID, Version: 1}) {
			w.Errorf("got %+v, want a free seat of version 1", s)
		}
	}
}

func snapshotWithheld(w *world) {
	e := hall(evening, 4)
	e.Withheld = []string{"s4", "s2"}
	w.create(e)
	for i, s := range w.snapshot().Seats {
		want := store.Seat{ID: e.Seats[i], Version: 1}
		if i%2 == 1 {
			want.Status = store.Withheld
		}
		if s != want {
			w.Errorf("got %+v, want %+v", s, want)
		}
	}
	_, err := w.tryLock("anna", long(), "s2")
	w.wantErr(err, store.ErrWithheld)
}

func snapshotApart(w *world) {
	w.open(2)
	w.create(hall("matinee", 2))
	w.lock("anna", "s1")
	other, err := w.s.Snapshot(w.Context(), "matinee")
	w.must(err)
	if other.Seats[0] != (store.Seat{ID: "s1", Version: 1}) {
		w.Fatalf("a lock in one event changed another: %+v", other.Seats[0])
	}
}

func snapshotNow(w *world) {
	w.open(1)
	before := w.now()
	snap := w.snapshot()
	if after := w.now(); snap.Now.Before(before) || snap.Now.After(after) {
		w.Fatalf("snapshot at %v, want between %v and %v", snap.Now, before, after)
	}
}

func snapshotCursor(w *world) {
	w.open(3)
	first := w.snapshot()
	w.lock("anna", "s1", "s2")
	middle := w.snapshot()
	w.unlock("anna", "s2")
	last := w.snapshot()
	w.wantBoard(first, w.since(first.Cursor), last)
	w.wantBoard(middle, w.since(middle.Cursor), last)
	if got := w.since(last.Cursor); len(got) != 0 {
		w.Fatalf("after the last snapshot came %v, want nothing", got)
	}
}
