package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seatlock/seatlock/store"
)

func feedCases() []testCase {
	return []testCase{
		{"the head has nothing yet", feedHead},
		{"every change comes once and in order", feedOrder},
		{"it waits for more", feedWaits},
		{"a change that came is committed", feedCommitted},
		{"one transaction comes in one batch", feedWholeTransactions},
		{"snapshot then changes has no gap", feedNoGap},
		{"it resumes after every batch", feedResumes},
		{"two readers see the same", feedSame},
		{"commits of a second instance come", feedSecond},
		{"a second instance takes a fresh cursor", feedFreshCursor},
		{"created events are told", feedEvents},
		{"refused and repeated events are not told", feedEventsSilent},
		{"recent reaches back", feedRecent},
		{"recent reaches no further", feedNotThatRecent},
		{"another epoch is lost", feedOtherEpoch},
		{"ahead of the store is lost", feedAhead},
		{"a cursor is resumed, and one of another epoch is lost", feedResumed},
		{"ctx ends it without an error", feedCtx},
		{"leaving the loop ends it", feedBreak},
		{"close ends it", feedClosed},
		{"ended feeds leave nothing running", feedLeak},
	}
}

func feedHead(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	if got := w.since(w.head()); len(got) != 0 {
		w.Fatalf("after the head came %v, want nothing", got)
	}
}

func feedOrder(w *world) {
	w.open(3)
	first := w.snapshot()
	w.lock("anna", "s2", "s1")
	w.unlock("anna", "s1")
	w.lock("bert", "s1")
	w.withhold(true, "s3")
	_, err := w.tryExtend("anna", long())
	w.must(err)
	w.unlock("bert")
	changes := w.since(first.Cursor)
	w.wantBoard(first, changes, w.snapshot())
	var got []string
	for _, c := range changes {
		got = append(got, fmt.Sprintf("%s.%d %v %s>%s", c.Seat.ID, c.Seat.Version, c.Seat.Status, c.Before, c.Seat.LockedBy))
	}
	slices.Sort(got[:2]) // the order within one transaction is the engine's own
	want := []string{
		"s1.2 locked >anna", "s2.2 locked >anna", "s1.3 available anna>", "s1.4 locked >bert",
		"s3.2 withheld >", "s2.3 locked anna>anna", "s1.5 available bert>",
	}
	if !slices.Equal(got, want) {
		w.Fatalf("got\n\t%q\nwant\n\t%q", got, want)
	}
}

func feedWaits(w *world) {
	w.open(2)
	first := w.snapshot()
	feed, _ := w.follow(w.s, first.Cursor)
	for i := range 20 {
		who := holder(i)
		out := w.lock(who, "s1")
		w.until(feed, out.Cursor) // each has come before the next is made
		out = w.unlock(who)
		w.until(feed, out.Cursor)
	}
	batches, err, _ := feed.state()
	w.must(err)
	w.wantBoard(first, changesOf(batches), w.snapshot())
}

// feedCommitted reads the store whenever a change comes: it must know it.
func feedCommitted(w *world) {
	w.open(4)
	stores := w.both()
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	from := w.head()
	var writing sync.WaitGroup
	defer writing.Wait()
	const writes = 200
	writing.Go(func() { // outcomes do not matter here: what comes of them does
		for i := range writes {
			who := holder(i)
			_, _ = stores[i%2].Lock(ctx, store.LockRequest{Event: evening, Holder: who, Seats: names(4)[i%3 : i%3+2], Rules: long()})
			_, _ = stores[i%2].Unlock(ctx, store.UnlockRequest{Event: evening, Holder: who})
		}
	})
	seen := 0
	for batch, err := range w.s.Changes(ctx, from) {
		w.must(err)
		known := newBoard(evening, w.snapshot())
		for _, c := range batch.Changes {
			if now := known.seats[c.Seat.ID]; now.Version < c.Seat.Version {
				w.Fatalf("announced %+v, but the store has version %d", c.Seat, now.Version)
			}
			seen++
		}
		if seen >= writes*2*2 {
			return
		}
	}
	w.Fatalf("only %d changes came, want %d", seen, writes*2*2)
}

func feedWholeTransactions(w *world) {
	w.open(12)
	first := w.snapshot()
	feed, _ := w.follow(w.s, first.Cursor)
	for i := range 20 {
		who := holder(i)
		w.lock(who, names(12)[i%8:i%8+4]...)
		w.unlock(who)
	}
	end := w.fence()
	for name, batches := range map[string][]store.Batch{
		"live": w.until(feed, end), "afterwards": w.read(w.s, first.Cursor, end),
	} {
		b := newBoard(evening, first)
		for _, batch := range batches {
			w.must(b.apply(batch.Changes))
			if err := wholeGroups(b.list()); err != nil {
				w.Fatalf("%s: within a batch: %v", name, err)
			}
		}
	}
}

func feedNoGap(w *world) {
	stores := w.both()
	w.open(16)
	for range w.rounds(1) {
		w.noGap(stores, 24)
	}
}

// noGap takes snapshots while 8 writers are at work, follows the feed from
// each, and compares what that gives with the end.
func (w *world) noGap(stores []*store.Store, trials int) {
	w.Helper()
	var stop atomic.Bool
	var writing sync.WaitGroup
	for i := range 8 {
		writing.Go(func() { scribble(w, stores[i%2], i, &stop) })
	}
	var snaps []store.Snapshot
	var feeds []*follower
	for i := range trials {
		snap, err := stores[i%2].Snapshot(w.Context(), evening)
		if err != nil {
			w.Error(err)
			break
		}
		feed, end := w.follow(stores[i/2%2], snap.Cursor)
		defer end()
		snaps, feeds = append(snaps, snap), append(feeds, feed)
	}
	stop.Store(true)
	writing.Wait()
	if w.Failed() {
		return
	}
	last, end := w.snapshot(), w.fence()
	for i, snap := range snaps {
		w.wantBoard(snap, changesOf(w.until(feeds[i], end)), last)
		w.wantBoard(snap, changesOf(w.read(w.s, snap.Cursor, end)), last)
	}
}

// scribble locks and unlocks its own seats and shared ones, until told to stop.
func scribble(w *world, s *store.Store, i int, stop *atomic.Bool) {
	random := w.random(uint64(i))
	for !stop.Load() {
		who := store.Holder(fmt.Sprintf("writer-%d", i))
		seats := names(16)
		random.Shuffle(len(seats), func(a, b int) { seats[a], seats[b] = seats[b], seats[a] })
		_, err := s.Lock(w.Context(), store.LockRequest{Event: evening, Holder: who, Seats: seats[:1+random.IntN(3)], Rules: long()})
		if err != nil && !errors.Is(err, store.ErrTaken) && !errors.Is(err, store.ErrLimit) {
			w.Errorf("lock: %v", err)
			return
		}
		if _, err := s.Unlock(w.Context(), store.UnlockRequest{Event: evening, Holder: who}); err != nil {
			w.Errorf("unlock: %v", err)
			return
		}
	}
}

// feedResumes goes on from the cursor of every batch: nothing is lost or told
// twice at any of them.
func feedResumes(w *world) {
	w.open(6)
	first := w.snapshot()
	for i := range 15 {
		who := holder(i)
		w.lock(who, names(6)[i%4:i%4+3]...)
		w.unlock(who)
	}
	last, end := w.snapshot(), w.fence()
	batches := w.read(w.s, first.Cursor, end)
	for i := range batches[:len(batches)-1] {
		head := changesOf(batches[:i+1])
		tail := changesOf(w.read(w.s, batches[i].Cursor, end))
		w.wantBoard(first, slices.Concat(head, tail), last)
	}
}

func feedSame(w *world) {
	stores := w.both()
	w.open(6)
	from := w.head()
	a, _ := w.follow(stores[0], from)
	b, _ := w.follow(stores[1], from)
	for i := range 30 {
		who := holder(i)
		out, err := stores[i%2].Lock(w.Context(), store.LockRequest{Event: evening, Holder: who, Seats: names(6)[i%5 : i%5+2], Rules: long()})
		w.must(err)
		w.wantIDs(out.Lock.Seats, names(6)[i%5:i%5+2]...)
		w.unlock(who)
	}
	end := w.fence()
	one := flat(w.until(a, end))
	for name, other := range map[string][]store.Change{
		"the second instance": flat(w.until(b, end)),
		"a late reader":       flat(w.read(stores[1], from, end)),
	} {
		if !reflect.DeepEqual(one, other) {
			w.Fatalf("%s saw\n\t%v\nwant\n\t%v", name, other, one)
		}
	}
}

// flat returns the changes with times that DeepEqual can compare.
func flat(batches []store.Batch) []store.Change {
	changes := changesOf(batches)
	for i := range changes {
		changes[i].Seat = plain(changes[i].Seat)
	}
	return changes
}

func feedSecond(w *world) {
	second := w.second()
	w.open(2)
	first := w.snapshot()
	feed, _ := w.follow(w.s, first.Cursor)
	out, err := second.Lock(w.Context(), store.LockRequest{Event: evening, Holder: "anna", Seats: names(2), Rules: long()})
	w.must(err)
	changes := changesOf(w.until(feed, out.Cursor))
	if len(changes) != 2 {
		w.Fatalf("came %v, want both seats", changes)
	}
	w.wantBoard(first, changes, w.snapshot())
}

// feedFreshCursor hands a cursor over at once, as a browser does that
// reconnects elsewhere.
func feedFreshCursor(w *world) {
	stores := w.both()
	w.open(2)
	for i := range 20 {
		here, there := stores[i%2], stores[1-i%2]
		who := holder(i)
		out, err := here.Lock(w.Context(), store.LockRequest{Event: evening, Holder: who, Seats: names(1), Rules: long()})
		w.must(err)
		feed, stop := w.follow(there, out.Cursor)
		back, err := here.Unlock(w.Context(), store.UnlockRequest{Event: evening, Holder: who})
		w.must(err)
		w.wantChange(changesOf(w.until(feed, back.Cursor)), "s1", who, store.ReasonGivenBack)
		stop()
	}
}

func feedEvents(w *world) {
	second := w.second()
	from := w.head()
	w.create(hall("matinee", 2))
	w.must(second.CreateEvent(w.Context(), hall(evening, 2)))
	for _, s := range []*store.Store{w.s, second} {
		if got, want := eventsOf(w.read(s, from, w.fence())), []string{"matinee", evening}; !slices.Equal(got, want) {
			w.Fatalf("told events %v, want %v", got, want)
		}
	}
}

func feedEventsSilent(w *world) {
	w.open(2)
	from := w.head()
	w.create(hall(evening, 2))
	other := hall(evening, 2)
	other.Title = "Another"
	w.wantErr(w.s.CreateEvent(w.Context(), other), store.ErrExists)
	if got := eventsOf(w.read(w.s, from, w.fence())); len(got) != 0 {
		w.Fatalf("told events %v, want none", got)
	}
}

func feedResumed(w *world) {
	w.open(1)
	for _, s := range w.both() {
		old := w.lock("anna", "s1").Cursor
		at, err := s.Resume(w.Context(), old)
		w.must(err)
		if at != old {
			w.Errorf("a cursor of this epoch, %v, is %v when it is resumed", old, at)
		}
		for _, other := range []store.Cursor{{Epoch: "elsewhere", Position: old.Position}, {}} {
			at, err := s.Resume(w.Context(), other)
			w.wantErr(err, store.ErrCursorLost)
			if at != (store.Cursor{}) {
				w.Errorf("a cursor that is lost is %v when it is resumed", at)
			}
		}
	}
}

func eventsOf(batches []store.Batch) []string {
	var out []string
	for _, b := range batches {
		for _, id := range b.Events {
			if id != fenceEvent {
				out = append(out, id)
			}
		}
	}
	return out
}

func feedRecent(w *world) {
	w.open(2)
	first := w.snapshot()
	w.lock("anna", "s1")
	w.unlock("anna")
	past, err := w.s.Recent(w.Context(), time.Minute)
	w.must(err)
	if head := w.head(); !head.Covers(past) || past.Epoch != first.Cursor.Epoch {
		w.Fatalf("a minute ago is %v, want the epoch of %v, up to the head %v", past, first.Cursor, head)
	}
	// All of this happened within the minute, so from there comes all of it.
	if got, want := w.since(past), w.since(first.Cursor); len(got) != len(want) {
		w.Fatalf("from a minute ago came %v, want %v", got, want)
	}
}

// feedNotThatRecent leaves room for engines that count in whole seconds.
func feedNotThatRecent(w *world) {
	w.open(2)
	old := w.lock("anna", "s1")
	w.pass(old.Now.Add(2100 * time.Millisecond))
	w.lock("bert", "s2")
	recent, err := w.s.Recent(w.Context(), time.Second)
	w.must(err)
	for _, c := range w.since(recent) {
		if c.Seat.ID == "s1" {
			w.Fatalf("from a second ago came %+v, which is older", c)
		}
	}
}

func feedOtherEpoch(w *world) {
	w.open(1)
	head := w.head()
	w.wantLost(store.Cursor{Epoch: "elsewhere", Position: head.Position})
	w.wantLost(store.Cursor{Epoch: "$where", Position: 1})
	w.wantLost(store.Cursor{Position: head.Position})
	w.wantLost(store.Cursor{})
}

func feedAhead(w *world) {
	w.open(1)
	head := w.head()
	for _, ahead := range []uint64{1 << 50, 1<<63 - 1 - head.Position, 1<<64 - 1 - head.Position} {
		w.wantLost(store.Cursor{Epoch: head.Epoch, Position: head.Position + ahead})
	}
}

func (w *world) wantLost(from store.Cursor) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	var last error
	for batch, err := range w.s.Changes(ctx, from) {
		if err == nil {
			w.Fatalf("from %v came %+v, want ErrCursorLost", from, batch)
		}
		last = err
	}
	w.wantErr(last, store.ErrCursorLost)
}

func feedCtx(w *world) {
	w.open(1)
	feed, stop := w.follow(w.s, w.head())
	stopped, stopStopped := w.follow(w.s, w.head())
	stopStopped() // perhaps before it has begun
	w.until(feed, w.lock("anna", "s1").Cursor)
	stop()
	for _, f := range []*follower{feed, stopped} {
		w.poll("the feed ends", func() bool { _, _, ended := f.state(); return ended })
		_, err, _ := f.state()
		w.must(err)
	}
}

func feedBreak(w *world) {
	w.open(1)
	from := w.head()
	w.lock("anna", "s1")
	for range 3 {
		for batch, err := range w.s.Changes(w.Context(), from) {
			w.must(err)
			if len(batch.Changes) > 0 {
				break
			}
		}
	}
	w.unlock("anna") // the store still works
}

func feedClosed(w *world) {
	w.open(1)
	feed, _ := w.follow(w.s, w.head())
	w.until(feed, w.lock("anna", "s1").Cursor)
	w.must(w.s.Close())
	w.poll("the feed ends", func() bool { _, _, ended := feed.state(); return ended })
	if _, err, _ := feed.state(); err != nil && !errors.Is(err, store.ErrUnavailable) {
		w.Fatalf("it ended with %v, want nothing or ErrUnavailable", err)
	}
}

// feedLeak leaves many feeds in both ways and counts what still runs. Drivers
// may keep a few goroutines of their own.
func feedLeak(w *world) {
	const feeds = 200
	w.open(1)
	from := w.head()
	w.lock("anna", "s1")
	before := runtime.NumGoroutine()
	for i := range feeds {
		ctx, cancel := context.WithCancel(w.Context())
		for batch, err := range w.s.Changes(ctx, from) {
			w.must(err)
			if len(batch.Changes) > 0 && i%2 == 0 {
				break
			}
			if len(batch.Changes) > 0 {
				cancel()
			}
		}
		defer cancel() // those left by break must not wait for it
	}
	w.poll("the goroutines of ended feeds end", func() bool { return runtime.NumGoroutine() < before+feeds/10 })
}
