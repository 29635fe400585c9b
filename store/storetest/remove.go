package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seatlock/seatlock/store"
)

func removeCases() []testCase {
	return []testCase{
		{"it is gone, with its seats and clocks", removeGone},
		{"the plan can still be read", removePlan},
		{"not found, and a repeat is that", removeNotFound},
		{"in use is refused, by the first seat", removeInUse},
		{"the feed tells of the event, and of no seat", removeTold},
		{"created anew it is another", removeAnew},
		{"a lock at the same time, or the removal", removeRace},
	}
}

func (w *world) remove(id string) {
	w.Helper()
	w.must(w.s.RemoveEvent(w.Context(), id))
}

func removeGone(w *world) {
	w.open(3)
	w.create(hall("matinee", 1))
	w.lapse("anna", "s1")
	w.lock("bert", "s2")
	w.unlock("bert")
	w.remove(evening)
	for _, s := range w.both() {
		_, event := s.Event(w.Context(), evening)
		_, snapshot := s.Snapshot(w.Context(), evening)
		_, lock := s.LockOf(w.Context(), evening, "bert")
		for _, err := range []error{event, snapshot, lock} {
			w.wantErr(err, store.ErrNoEvent)
		}
		events, err := s.Events(w.Context())
		w.must(err)
		if len(events) != 1 || events[0].ID != "matinee" {
			w.Errorf("got events %v, want the matinee alone", events)
		}
	}
	_, err := w.tryLock("bert", long(), "s2")
	w.wantErr(err, store.ErrNoEvent)
	if due := w.release(); due.Released != 0 || due.Next.Seat != "" {
		w.Errorf("a sweep afterwards: %+v, want nothing", due)
	}
}

func removePlan(w *world) {
	def := hall(evening, 1)
	w.create(def)
	w.remove(evening)
	body, err := w.s.Plan(w.Context(), store.PlanHash(def.PlanBody))
	w.must(err)
	if string(body) != string(def.PlanBody) {
		w.Errorf("got plan %q, want %q", body, def.PlanBody)
	}
}

func removeNotFound(w *world) {
	w.wantErr(w.s.RemoveEvent(w.Context(), "nowhere"), store.ErrNoEvent)
	w.wantErr(w.s.RemoveEvent(w.Context(), ""), store.ErrNoEvent)
	w.open(1)
	w.remove(evening)
	w.fence()
	from := w.head()
	w.wantErr(w.s.RemoveEvent(w.Context(), evening), store.ErrNoEvent)
	if got := eventsOf(w.read(w.s, from, w.fence())); len(got) > 0 {
		w.Errorf("the repeat is told as %v", got)
	}
}

func removeInUse(w *world) {
	w.open(6)
	refused := func(seat string) {
		w.Helper()
		w.untold(func() {
			err := w.s.RemoveEvent(w.Context(), evening)
			w.wantErr(err, store.ErrInUse)
			if !strings.Contains(err.Error(), seat) {
				w.Errorf("got error %q, want one that names %s", err, seat)
			}
		})
	}
	w.lapse("anna", "s1")
	w.lock("bert", "s5", "s4")
	refused("s4")
	w.unlock("bert", "s4", "s5")
	w.withhold(true, "s6")
	w.remove(evening)
}

func removeTold(w *world) {
	w.open(3)
	w.lapse("anna", "s1")
	w.fence()
	from := w.head()
	w.remove(evening)
	batches := w.read(w.s, from, w.fence())
	if got := eventsOf(batches); !slices.Equal(got, []string{evening}) {
		w.Errorf("told of %v, want %s once", got, evening)
	}
	if got := changesOf(batches); len(got) > 0 {
		w.Errorf("told of %v, want no seat", got)
	}
}

func removeAnew(w *world) {
	w.open(2)
	w.lock("anna", "s1", "s2")
	w.unlock("anna")
	w.remove(evening)
	w.create(hall(evening, 3))
	w.wantSeats(w.snapshot().Seats, []store.Seat{{ID: "s1", Version: 1}, {ID: "s2", Version: 1}, {ID: "s3", Version: 1}})
	if lock := w.lockOf("anna"); !lock.Started.IsZero() {
		w.Errorf("anna's clock runs on: %+v", lock)
	}
	if e := w.event(w.s); e.Revision != 1 {
		w.Errorf("got revision %d, want 1", e.Revision)
	}
	from := w.head()
	w.lock("bert", "s1")
	w.wantChange(w.since(from), "s1", "", store.ReasonLocked)
}

// overtakenDefinition is an engine whose first rule about a definition is
// interrupted by a rival.
type overtakenDefinition struct {
	store.Engine
	rival *rival
}

func (o overtakenDefinition) Define(ctx context.Context, event string, withSeats bool, rule func(store.Definition) (store.Redefinition, error)) error {
	return o.Engine.Define(ctx, event, withSeats, func(d store.Definition) (store.Redefinition, error) {
		o.rival.start()
		return rule(d)
	})
}

func removeRace(w *world) {
	second := w.second()
	for round := range w.rounds(5) {
		id := fmt.Sprintf("event-%d", round)
		w.create(hall(id, 3))
		meanwhile := newRival(func() error {
			_, err := second.Lock(w.Context(), store.LockRequest{Event: id, Holder: "anna", Seats: []string{"s2"}, Rules: long()})
			return err
		})
		removal := store.New(overtakenDefinition{w.e, meanwhile}).RemoveEvent(w.Context(), id)
		lock := meanwhile.wait()
		switch {
		case removal == nil && errors.Is(lock, store.ErrNoEvent):
		case errors.Is(removal, store.ErrInUse) && lock == nil:
		default:
			w.Fatalf("the removal: %v; the lock meanwhile: %v; want one of them to come first", removal, lock)
		}
	}
}
