//go:build unix

package checkout_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/store"
)

// onEngines runs a test on a world of each engine.
func onEngines(t *testing.T, test func(t *testing.T, w *world)) {
	for name, address := range map[string]func(t *testing.T, dir string) string{
		"embedded": func(_ *testing.T, dir string) string { return "sqlite:" + filepath.Join(dir, "seatlock.db") },
		"MongoDB":  func(t *testing.T, dir string) string { return replicaSet(t)(dir) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			w, err := openWorld(t.Context(), dir, address(t, dir))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := w.close(); err != nil {
					t.Error(err)
				}
			})
			test(t, w)
		})
	}
}

// watched is a store that counts what an upkeep asks of it, and ends it after so
// many rounds.
type watched struct {
	*store.Store
	rounds, indexed, scrubs int
	prunes                  []int // the limit of each
	stop                    context.CancelFunc
	fail, unscrubbed        error // what the first round is told in the place of events, and of the first scrub
}

// Record begins a round.
func (s *watched) Record(ctx context.Context, key store.Key) (store.Record, error) {
	if s.rounds--; s.rounds < 0 {
		s.stop()
		return store.Record{}, ctx.Err()
	}
	return s.Store.Record(ctx, key)
}

func (s *watched) EventsWithPeople(ctx context.Context) ([]string, error) {
	if err := s.fail; err != nil {
		s.fail = nil
		return nil, err
	}
	return s.Store.EventsWithPeople(ctx)
}

func (s *watched) IndexPeople(ctx context.Context) error {
	s.indexed++
	return s.Store.IndexPeople(ctx)
}

func (s *watched) Scrub(ctx context.Context) error {
	s.scrubs++
	if err := s.unscrubbed; err != nil {
		s.unscrubbed = nil
		return err
	}
	return s.Store.Scrub(ctx)
}

func (s *watched) PruneTrail(ctx context.Context, before time.Time, limit int) (int, error) {
	if ctx.Err() == nil {
		s.prunes = append(s.prunes, limit)
	}
	return s.Store.PruneTrail(ctx, before, limit)
}

// upkeep runs so many rounds of an upkeep, and returns what it has told the log.
func (s *watched) upkeep(t *testing.T, rounds int, rules checkout.UpkeepRules) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	s.rounds, s.stop = rounds, stop
	var log bytes.Buffer
	if err := checkout.NewUpkeep(s, rules, slog.New(slog.NewTextHandler(&log, nil))).Run(ctx); err != nil {
		t.Error(err)
	}
	return log.String()
}

// hastyUpkeep are rules with which a round follows the other.
func hastyUpkeep(keepPeople, keepHistory time.Duration) checkout.UpkeepRules {
	return checkout.UpkeepRules{
		KeepPeople: keepPeople, KeepHistory: keepHistory, Every: time.Millisecond, Retry: time.Millisecond,
		EraseStep: 2, PruneStep: 2, Pause: time.Millisecond, Tell: time.Hour, Index: time.Hour,
	}
}

// sell sells seats of a new event that starts then.
func (w *world) sell(t *testing.T, event string, starts time.Time, seats ...string) (code string) {
	t.Helper()
	w.theatre(t, event)
	w.change(t, event, func(e *store.Event) { e.Starts = starts })
	s := checkout.Sale{Event: event, Seats: seats, Code: store.NewCode(), Person: store.Person{Name: "Berta Muster", Email: "Berta@Example.org"}}
	if _, err := w.instance(0).Sell(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return s.Code
}

// past has an event be over for so long.
func (w *world) past(t *testing.T, event string, over time.Duration) {
	t.Helper()
	now, err := w.stores[0].Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.change(t, event, func(e *store.Event) { e.Starts = now.Add(-store.Evening - over) })
}

// removed cancels a booking, and removes its event.
func (w *world) removed(t *testing.T, event, code string) {
	t.Helper()
	_, err := w.stores[0].Cancel(t.Context(), store.CancelRequest{Code: code})
	if err == nil {
		err = w.stores[0].RemoveEvent(t.Context(), event)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// people are those of the codes that tell who they are for.
func (w *world) people(t *testing.T, codes map[string]string) (named []string) {
	t.Helper()
	for name, code := range codes {
		_, err := w.stores[1].Person(t.Context(), code)
		if err != nil && !errors.Is(err, store.ErrNoBooking) {
			t.Fatal(err)
		}
		if err == nil {
			named = append(named, name)
		}
	}
	slices.Sort(named)
	return named
}

// unsettled books two seats online, and wants the money of one back.
func (w *world) unsettled(t *testing.T, event string) (code string) {
	t.Helper()
	w.theatre(t, event)
	w.basket(t, event, "a", "b")
	c := w.usual(0)
	begun, err := c.Begin(t.Context(), w.request(t, event, "ledger"))
	if err == nil {
		err = w.ledger.Pay(store.Booking{Code: begun.Code}.Attempt())
	}
	if err == nil {
		err = c.Hint(t.Context(), begun.Code)
	}
	if err == nil {
		_, err = c.Cancel(t.Context(), store.CancelRequest{Code: begun.Code, Seats: []string{"a"}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return begun.Code
}

// TestUpkeepErases: who bookings are for goes once their event is over for so
// long, and what is not settled waits.
func TestUpkeepErases(t *testing.T) {
	const keep = 90 * 24 * time.Hour
	onEngines(t, func(t *testing.T, w *world) {
		ahead := time.Now().Add(24 * time.Hour).Truncate(time.Second)
		codes := map[string]string{
			"over": w.sell(t, "over", ahead, "a"), "over, two": w.unsettled(t, "over2"), "short": w.sell(t, "short", ahead, "a"), "ahead": w.sell(t, "ahead", ahead, "a"),
			"never": w.sell(t, "never", time.Time{}, "a"), "removed": w.sell(t, "removed", ahead, "a"),
		}
		w.removed(t, "removed", codes["removed"])
		w.past(t, "over", keep)
		w.past(t, "over2", keep)
		w.past(t, "short", keep-time.Hour)
		st := &watched{Store: w.stores[0]}
		rules := hastyUpkeep(keep, 0)
		said := st.upkeep(t, 4, rules)
		if got, want := w.people(t, codes), []string{"ahead", "never", "over, two", "removed", "short"}; !slices.Equal(got, want) {
			t.Errorf("it is known who %v are for, want %v", got, want)
		}
		if st.scrubs != 1 {
			t.Errorf("scrubbed %d times, want once", st.scrubs)
		}
		if strings.Count(said, codes["over, two"]) != 1 || strings.Contains(said, codes["short"]) || strings.Contains(strings.ToLower(said), "berta") || strings.Contains(said, "anna") {
			t.Errorf("the log says %s: want the code that waits once, and of nobody who it is", said)
		}
		if trail, err := w.stores[1].Trail(t.Context(), store.TrailScan{Booking: codes["over"], Limit: 100}); err != nil || trail[len(trail)-1].Reason != store.ReasonErased || trail[len(trail)-1].By != store.ByClock {
			t.Errorf("trail %+v, %v: want it to end with an erasure by the clock", trail, err)
		}
		settling, stop := context.WithCancel(t.Context())
		defer stop()
		go func() { _ = w.instance(0).Run(settling) }()
		if err := w.schedule(0).named("over2").rest(t.Context()); err != nil {
			t.Fatal(err)
		}
		st.scrubs = 0
		if said := st.upkeep(t, 4, rules); slices.Contains(w.people(t, codes), "over, two") || strings.Contains(said, "settled") {
			t.Errorf("what is settled now was not erased, and the log says %s", said)
		}
		if st.scrubs != 1 {
			t.Errorf("scrubbed %d times, want once", st.scrubs)
		}
		st.upkeep(t, 2, hastyUpkeep(0, 0))
		if got := w.people(t, codes); len(got) != 4 || st.scrubs != 1 {
			t.Errorf("with everything kept %v are left, and %d scrubs: want 4, and nothing done", got, st.scrubs)
		}
	})
}

// TestUpkeepRemoved: an event that was removed is over when it was to be.
func TestUpkeepRemoved(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		now, err := w.stores[0].Now(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		over := now.Add(time.Second)
		codes := map[string]string{"over": w.sell(t, "over", over.Add(-store.Evening), "a"), "before": w.sell(t, "before", time.Time{}, "a")}
		w.removed(t, "over", codes["over"])
		w.removed(t, "before", codes["before"])
		st := &watched{Store: w.stores[0]}
		if st.upkeep(t, 2, hastyUpkeep(time.Millisecond, 0)); len(w.people(t, codes)) != 2 {
			t.Fatal("erased before the event was to be over")
		}
		for ; now.Before(over); time.Sleep(10 * time.Millisecond) {
			if now, err = w.stores[0].Now(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		st.upkeep(t, 2, hastyUpkeep(time.Millisecond, 0))
		if got := w.people(t, codes); !slices.Equal(got, []string{"before"}) {
			t.Errorf("it is known who %v are for, want the one without a start, until so long after it was made", got)
		}
		st.upkeep(t, 2, hastyUpkeep(-store.Evening, 0)) // as if the evening were over
		if got := w.people(t, codes); len(got) != 0 {
			t.Errorf("it is known who %v are for", got)
		}
	})
}

// TestUpkeepPrunes: the trail goes back as far as it is kept, and is cut in steps.
func TestUpkeepPrunes(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		code := w.sell(t, "e", time.Time{}, "a", "b", "c", "g", "w")
		length := func() int {
			trail, err := w.stores[1].Trail(t.Context(), store.TrailScan{Booking: code, Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			return len(trail)
		}
		st := &watched{Store: w.stores[0]}
		if st.upkeep(t, 2, hastyUpkeep(0, 0)); len(st.prunes) != 0 || length() != 5 {
			t.Errorf("pruned %v, %d left: want all of it kept", st.prunes, length())
		}
		if st.upkeep(t, 1, hastyUpkeep(0, time.Hour)); !slices.Equal(st.prunes, []int{2}) || length() != 5 {
			t.Errorf("pruned %v, %d left: want one look, and all of it kept", st.prunes, length())
		}
		now, err := w.stores[0].Now(t.Context())
		for last := now; err == nil && !now.After(last.Add(time.Millisecond)); now, err = w.stores[0].Now(t.Context()) {
		}
		st.prunes = nil
		if st.upkeep(t, 1, hastyUpkeep(0, time.Millisecond)); !slices.Equal(st.prunes, []int{2, 2, 2}) || length() != 0 || err != nil {
			t.Errorf("pruned %v, %d left, %v: want none left after three steps of 2", st.prunes, length(), err)
		}
	})
}

// TestUpkeepIndexes: people that an older program has written are found, and all
// are looked through once.
func TestUpkeepIndexes(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		code := w.sell(t, "e", time.Time{}, "a")
		older := func() {
			err := w.stores[0].ChangeRecord(t.Context(), store.Key{Kind: store.PersonRecord, ID: code}, func(old store.Record) (store.Record, bool, error) {
				old.Index = nil
				return old, false, nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		found := func() (codes []string) {
			for code, err := range w.stores[1].BookingsFor(t.Context(), " berta@example.org") {
				if codes = append(codes, code); err != nil {
					t.Fatal(err)
				}
			}
			return codes
		}
		st := &watched{Store: w.stores[0]}
		older()
		for range 2 {
			if st.upkeep(t, 3, hastyUpkeep(0, 0)); st.indexed != 1 || !slices.Equal(found(), []string{code}) {
				t.Fatalf("%d looks through all people, found %v: want one, and %s", st.indexed, found(), code)
			}
		}
		soon := hastyUpkeep(0, 0)
		soon.Index = time.Nanosecond
		err := w.stores[0].ChangeRecord(t.Context(), store.Key{Kind: store.Upgrade, ID: "people"}, func(old store.Record) (store.Record, bool, error) { return old, true, nil })
		if older(); err != nil || len(found()) != 0 {
			t.Fatal(found(), err)
		}
		if st.upkeep(t, 3, soon); st.indexed != 4 || len(found()) != 1 {
			t.Errorf("%d looks, found %v: want one more each round, and it found", st.indexed, found())
		}
	})
}

// TestUpkeepTogether: several instances do it at once.
func TestUpkeepTogether(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		codes := map[string]string{}
		for _, seat := range []string{"a", "b", "c", "g"} {
			codes[seat] = w.sell(t, "e"+seat, time.Now().Add(time.Hour).Truncate(time.Second), seat)
			w.past(t, "e"+seat, time.Hour)
		}
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				st := &watched{Store: w.stores[i%2]}
				if said := st.upkeep(t, 2, hastyUpkeep(time.Hour, time.Millisecond)); strings.Contains(said, "failed") {
					t.Error(said)
				}
			})
		}
		all.Wait()
		if got := w.people(t, codes); len(got) != 0 {
			t.Errorf("it is known who %v are for", got)
		}
	})
}

// TestUpkeepFails: what fails is told, keeps nothing else back, and is tried again.
func TestUpkeepFails(t *testing.T) {
	w := newWorld(t)
	codes := map[string]string{"it": w.sell(t, "e", time.Now().Add(time.Hour).Truncate(time.Second), "a")}
	w.past(t, "e", time.Hour)
	st := &watched{Store: w.stores[0], fail: store.ErrUnavailable}
	rules := hastyUpkeep(time.Hour, time.Hour)
	rules.Every = time.Hour // which nobody waits for
	if said := st.upkeep(t, 1, rules); !strings.Contains(said, "failed") || len(st.prunes) != 1 || len(w.people(t, codes)) != 1 {
		t.Errorf("the log says %s, pruned %v, and %v: want it told, and the rest done", said, st.prunes, w.people(t, codes))
	}
	rules.Every = time.Millisecond
	if said := st.upkeep(t, 1, rules); said == "" || len(w.people(t, codes)) != 0 {
		t.Errorf("the log says %s, and %v: want it erased", said, w.people(t, codes))
	}
}

// TestUpkeepScrubs what a process before it may have erased, until that is done.
func TestUpkeepScrubs(t *testing.T) {
	w := newWorld(t)
	st := &watched{Store: w.stores[0], unscrubbed: store.ErrUnavailable}
	if said := st.upkeep(t, 4, hastyUpkeep(time.Hour, 0)); st.scrubs != 2 || strings.Count(said, "failed") != 1 {
		t.Errorf("scrubbed %d times, and the log says %s: want it again after the failure, and not any more", st.scrubs, said)
	}
}

// TestUpkeepEnds in the middle of a pause.
func TestUpkeepEnds(t *testing.T) {
	w := newWorld(t)
	codes := map[string]string{}
	for _, event := range []string{"e1", "e2"} {
		codes[event] = w.sell(t, event, time.Now().Add(time.Hour).Truncate(time.Second), "a")
		w.past(t, event, time.Hour)
	}
	rules := checkout.DefaultUpkeepRules(time.Hour, time.Hour)
	rules.EraseStep, rules.Pause = 1, time.Hour
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- checkout.NewUpkeep(w.stores[0], rules, slog.New(slog.DiscardHandler)).Run(ctx) }()
	for end := time.Now().Add(bounded); len(w.people(t, codes)) == 2 && time.Now().Before(end); time.Sleep(time.Millisecond) {
	}
	for i := range 10 { // decisions in which it could have gone on
		w.sell(t, fmt.Sprint("other", i), time.Time{}, "a")
	}
	stop()
	select {
	case err := <-ended:
		if got := w.people(t, codes); err != nil || len(got) != 1 {
			t.Errorf("%v, and it is known who %v are for: want one", err, got)
		}
	case <-time.After(bounded):
		t.Error("it goes on")
	}
}
