package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seatlock/seatlock/store"
)

func defineCases() []testCase {
	return []testCase{
		{"the definition is whole, with seats if asked for", defineView},
		{"an error of the rule writes nothing", defineRefused},
		{"nothing to write is a success", defineEmpty},
		{"what the rule returns is written", defineWrites},
		{"no redefinition is lost", defineIncrements},
		{"a definition that was overtaken is redefined anew", defineOvertaken},
		{"claimed seats are told if asked for", defineClaimed},
		{"seats relied on stay", defineRelied},
	}
}

// definition returns what an engine shows a rule.
func (w *world) definition(e store.Engine, id string, withSeats bool) (d store.Definition) {
	w.Helper()
	w.must(e.Define(w.Context(), id, withSeats, func(now store.Definition) (store.Redefinition, error) {
		d = now
		return store.Redefinition{}, nil
	}))
	return d
}

func defineView(w *world) {
	def := hall(evening, 3)
	def.Seats = []string{"z", "a", "M", "10", "9"}
	w.create(def)
	want := w.event(w.s)
	def.Plan, def.Revision = want.Plan, 1
	for _, e := range w.engines() {
		d := w.definition(e, evening, true)
		if !sameEvent(d.Event, want) || d.Fingerprint != def.Fingerprint() || !slices.Equal(d.Seats, def.Seats) {
			w.Fatalf("got definition\n\t%+v\nwant that of\n\t%+v", d, def)
		}
		if none := w.definition(e, "nowhere", true); none.ID != "" || none.Fingerprint != "" || len(none.Seats) > 0 {
			w.Fatalf("got definition %+v of what is not there", none)
		}
	}
	w.update(retitle("Another"))
	if d := w.definition(w.e, evening, false); d.Revision != 2 || d.Title != "Another" || d.Fingerprint != def.Fingerprint() {
		w.Fatalf("got definition %+v, want the second, with the first's fingerprint", d)
	}
}

func defineRefused(w *world) {
	w.open(2)
	w.untold(func() {
		for _, id := range []string{evening, "nowhere"} {
			err := w.e.Define(w.Context(), id, true, func(d store.Definition) (store.Redefinition, error) {
				next := d.Event
				next.ID, next.Revision = id, d.Revision+1
				return store.Redefinition{Event: next, Fingerprint: "other"}, fmt.Errorf("%w: because", errRefused)
			})
			w.wantErr(err, errRefused)
		}
	})
	_, err := w.s.Event(w.Context(), "nowhere")
	w.wantErr(err, store.ErrNoEvent)
}

func defineEmpty(w *world) {
	w.open(2)
	w.untold(func() {
		for _, id := range []string{evening, "nowhere"} {
			w.definition(w.e, id, true)
		}
	})
	_, err := w.s.Event(w.Context(), "nowhere")
	w.wantErr(err, store.ErrNoEvent)
}

func defineWrites(w *world) {
	w.open(2)
	from := w.head()
	w.must(w.e.Define(w.Context(), evening, true, func(d store.Definition) (store.Redefinition, error) {
		next := store.Redefinition{Event: d.Event, Fingerprint: "another"}
		body := []byte("another plan")
		next.Title, next.Revision, next.Event.Plan = "Another", d.Revision+1, store.PlanHash(body)
		next.Plan = &store.PlanSeats{Body: body, Seats: append([]string{"first"}, d.Seats...), Withheld: []string{"first", "s1"}}
		return next, nil
	}))
	if got := eventsOf(w.read(w.s, from, w.fence())); !slices.Equal(got, []string{evening}) {
		w.Fatalf("told of %v, want %s once", got, evening)
	}
	for _, e := range w.engines() {
		if d := w.definition(e, evening, true); d.Title != "Another" || d.Revision != 2 || d.Fingerprint != "another" || strings.Join(d.Seats, " ") != "first s1 s2" {
			w.Fatalf("got definition %+v", d)
		}
	}
	w.wantSeats(w.snapshot().Seats, []store.Seat{{ID: "first", Status: store.Withheld, Version: 1}, {ID: "s1", Version: 1}, {ID: "s2", Version: 1}})
}

// redefine counts on in the title of an event.
func redefine(d store.Definition) (store.Redefinition, error) {
	next := store.Redefinition{Event: d.Event, Fingerprint: d.Fingerprint}
	next.Title, next.Revision = d.Title+".", d.Revision+1
	return next, nil
}

func defineClaimed(w *world) {
	w.open(7)
	w.withhold(true, "s7")
	w.lapse("anna", "s1")
	w.lock("bert", "s4")
	w.book("bert")
	w.lock("bert", "s3")
	w.pay("bert")
	w.lock("bert", "s2")
	for _, e := range w.engines() {
		before := w.now()
		d := w.definition(e, evening, true)
		w.wantSeats(d.Claimed, w.seats("s1", "s2", "s3", "s4"))
		if d.Now.Before(before) || d.Now.After(w.now()) {
			w.Errorf("told that it is %v, want a time between %v and now", d.Now, before)
		}
		if d := w.definition(e, evening, false); len(d.Claimed) > 0 || d.Now.IsZero() {
			w.Errorf("without seats: got %v claimed at %v", d.Claimed, d.Now)
		}
	}
}

// defineRelied has a seat that is relied on locked before the rule has answered:
// the rule is asked anew, or the lock comes after it.
func defineRelied(w *world) {
	w.open(3)
	second := w.second()
	for round := range w.rounds(3) {
		seat := names(3)[round%3]
		w.unlock("anna")
		var lock store.Outcome
		meanwhile := newRival(func() (err error) {
			lock, err = second.Lock(w.Context(), store.LockRequest{Event: evening, Holder: "anna", Seats: []string{seat}, Rules: long()})
			return err
		})
		var seen []store.Seat
		w.must(w.e.Define(w.Context(), evening, true, func(d store.Definition) (store.Redefinition, error) {
			seen = d.Claimed
			meanwhile.start()
			next, err := redefine(d)
			next.Relied = []string{seat}
			return next, err
		}))
		told := w.fence()
		w.must(meanwhile.wait())
		if len(seen) == 0 && told.Covers(lock.Cursor) && w.cameFirst(lock.Cursor) {
			w.Fatalf("redefined after %s was locked, by a rule that has not seen it", seat)
		}
	}
}

// cameFirst reports whether the feed tells of the evening's last definition only
// behind the cursor.
func (w *world) cameFirst(c store.Cursor) bool {
	w.Helper()
	return len(eventsOf(w.read(w.s, c, w.fence()))) > 0
}

func defineIncrements(w *world) {
	const callers = 8
	w.open(1)
	engines, each := w.engines(), w.rounds(5)
	title := w.event(w.s).Title
	errs := make([]error, callers)
	race(callers, func(i int) {
		for range each {
			errs[i] = errors.Join(errs[i], engines[i%2].Define(w.Context(), evening, i%4 < 2, redefine))
		}
	})
	w.must(errors.Join(errs...))
	if e := w.event(w.s); e.Revision != int64(1+callers*each) || e.Title != title+strings.Repeat(".", callers*each) {
		w.Fatalf("got %+v after %d redefinitions", e, callers*each)
	}
}

func defineOvertaken(w *world) {
	w.open(1)
	second := w.secondEngine()
	for range w.rounds(3) {
		old := w.event(w.s)
		meanwhile := newRival(func() error { return second.Define(w.Context(), evening, false, redefine) })
		w.must(w.e.Define(w.Context(), evening, false, func(d store.Definition) (store.Redefinition, error) {
			meanwhile.start()
			return redefine(d)
		}))
		w.must(meanwhile.wait())
		if e := w.event(w.s); e.Revision != old.Revision+2 || e.Title != old.Title+".." {
			w.Fatalf("got %+v after two redefinitions of %+v", e, old)
		}
	}
}
