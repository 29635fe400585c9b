package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
)

// evening is the event of most cases.
const evening = "evening"

// patience bounds what a working store does at once, so that a broken one
// fails a case and does not hang it.
const patience = 30 * time.Second

// world is what a case has: its test, a fresh store, and helpers that end the
// test when the store does not do what is taken for granted. They may be used
// by the test's own goroutine only.
type world struct {
	*testing.T
	h      Harness
	e      store.Engine
	s      *store.Store // over e
	fences int
	seed   uint64
}

func newWorld(t *testing.T, h Harness) *world {
	seed := h.Seed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the random source began with seed %d", seed)
		}
	})
	w := &world{T: t, h: h, seed: seed}
	w.use(h.Open(t))
	return w
}

// use has the case go on with this engine.
func (w *world) use(e store.Engine) { w.e, w.s = e, store.New(e) }

// both returns the store and a second instance on the same place.
func (w *world) both() []*store.Store {
	return []*store.Store{w.s, w.second()}
}

func (w *world) second() *store.Store { return store.New(w.secondEngine()) }

func (w *world) secondEngine() store.Engine { return w.h.Second(w.T, w.e) }

// engines returns the engine and a second instance on the same place.
func (w *world) engines() []store.Engine { return []store.Engine{w.e, w.secondEngine()} }

func (w *world) rounds(n int) int { return n * max(1, w.h.Rounds) }

// random returns a source of its own for each part of a case. A failing test
// prints the seed that repeats its requests, though not their timing.
func (w *world) random(part uint64) *rand.Rand { return rand.New(rand.NewPCG(w.seed, part)) }

// long rules outlast every case; lapse is for locks that do not.
func long() store.Rules { return store.DefaultRules() }

func longFor(seats int) store.Rules {
	r := long()
	r.MaxSeats = seats
	return r
}

// startOf returns the bounds of a clock that starts at now.
func startOf(now time.Time, rules store.Rules) (started, deadline time.Time) {
	c := newClock(rules, now)
	return c.started, c.deadline
}

// names returns the seat ids s1 … sn.
func names(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("s%d", i+1)
	}
	return ids
}

// holder returns the i-th of many holders.
func holder(i int) store.Holder { return store.Holder(fmt.Sprintf("holder-%d", i)) }

// hall describes an event with the seats s1 … sn that is on sale for ever.
func hall(id string, seats int) store.NewEvent {
	return store.NewEvent{
		Event: store.Event{
			ID: id, Title: "Chamber music, " + id, Venue: "Old mill",
			Starts: time.Date(2031, 5, 4, 17, 30, 0, 0, time.UTC), Zone: "Europe/Vienna",
			Currency: "EUR", Prices: map[string]int64{"stalls": 4500},
		},
		PlanBody: []byte(`{"name":"` + id + `"}`),
		Seats:    names(seats),
	}
}

func (w *world) create(e store.NewEvent) {
	w.Helper()
	w.must(w.s.CreateEvent(w.Context(), e))
}

// open creates the evening with n seats.
func (w *world) open(n int) {
	w.Helper()
	w.create(hall(evening, n))
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("got error %v, want none", err)
	}
}

func (w *world) wantErr(err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Fatalf("got error %v, want %v", err, want)
	}
}

func (w *world) tryLock(who store.Holder, r store.Rules, seats ...string) (store.Outcome, error) {
	return w.s.Lock(w.Context(), store.LockRequest{Event: evening, Holder: who, Seats: seats, Rules: r})
}

// lock locks seats of the evening for long.
func (w *world) lock(who store.Holder, seats ...string) store.Outcome {
	w.Helper()
	out, err := w.tryLock(who, long(), seats...)
	w.must(err)
	return out
}

// lapse locks seats of the evening and returns once that lock is over. Nothing
// has swept it.
func (w *world) lapse(who store.Holder, seats ...string) store.Outcome {
	w.Helper()
	out, err := w.tryLock(who, store.Rules{TTL: time.Millisecond, Total: time.Millisecond, MaxSeats: 10}, seats...)
	w.must(err)
	w.pass(out.Lock.Deadline)
	return out
}

func (w *world) tryUnlock(who store.Holder, seats ...string) (store.Outcome, error) {
	return w.s.Unlock(w.Context(), store.UnlockRequest{Event: evening, Holder: who, Seats: seats})
}

func (w *world) unlock(who store.Holder, seats ...string) store.Outcome {
	w.Helper()
	out, err := w.tryUnlock(who, seats...)
	w.must(err)
	return out
}

func (w *world) tryExtend(who store.Holder, r store.Rules) (store.Outcome, error) {
	return w.s.Extend(w.Context(), store.ExtendRequest{Event: evening, Holder: who, Rules: r})
}

func (w *world) lockOf(who store.Holder) store.Lock {
	w.Helper()
	out, err := w.s.LockOf(w.Context(), evening, who)
	w.must(err)
	return out.Lock
}

func (w *world) withhold(on bool, seats ...string) store.Outcome {
	w.Helper()
	out, err := w.s.Withhold(w.Context(), store.WithholdRequest{Event: evening, Seats: seats, On: on})
	w.must(err)
	return out
}

func (w *world) release() store.Due {
	w.Helper()
	due, err := w.s.ReleaseDue(w.Context())
	w.must(err)
	return due
}

func (w *world) snapshot() store.Snapshot {
	w.Helper()
	snap, err := w.s.Snapshot(w.Context(), evening)
	w.must(err)
	return snap
}

// seats returns the named seats of the evening as they stand.
func (w *world) seats(ids ...string) []store.Seat {
	w.Helper()
	all := w.snapshot().Seats
	out := make([]store.Seat, len(ids))
	for i, id := range ids {
		at := slices.IndexFunc(all, func(s store.Seat) bool { return s.ID == id })
		if at < 0 {
			w.Fatalf("snapshot has no seat %s", id)
		}
		out[i] = all[at]
	}
	return out
}

func (w *world) seat(id string) store.Seat {
	w.Helper()
	return w.seats(id)[0]
}

func (w *world) now() time.Time {
	w.Helper()
	now, err := w.s.Now(w.Context())
	w.must(err)
	return now
}

// pass returns once the store's clock has reached the instant.
func (w *world) pass(at time.Time) {
	w.Helper()
	w.poll("the store's clock reaches "+at.String(), func() bool { return !w.now().Before(at) })
}

// poll asks until the answer is yes.
func (w *world) poll(what string, ok func() bool) {
	w.Helper()
	for began := time.Now(); !ok(); time.Sleep(time.Millisecond) {
		if time.Since(began) > patience {
			w.Fatalf("waited %v until %s", patience, what)
		}
	}
}

// inTime tries with a longer and longer time until the machine, however busy
// it is, was fast enough for what has to happen within it.
func (w *world) inTime(try func(time.Duration) bool) {
	w.Helper()
	for d := 100 * time.Millisecond; !try(d); d *= 2 {
		if d > patience {
			w.Fatalf("not even %v were enough", d)
		}
	}
}

func (w *world) wantSeats(got, want []store.Seat) {
	w.Helper()
	if !slices.EqualFunc(got, want, sameSeat) {
		w.Fatalf("got seats\n\t%v\nwant\n\t%v", got, want)
	}
}

func (w *world) wantIDs(seats []store.Seat, ids ...string) {
	w.Helper()
	if !slices.Equal(idsOf(seats), ids) {
		w.Fatalf("got seats %v, want %v", idsOf(seats), ids)
	}
}

func idsOf(seats []store.Seat) []string {
	ids := make([]string, len(seats))
	for i, s := range seats {
		ids[i] = s.ID
	}
	return ids
}

// unchanged fails unless do leaves every seat of the evening as it was and
// announces nothing.
func (w *world) unchanged(do func()) {
	w.Helper()
	before := w.snapshot()
	do()
	w.wantSeats(w.snapshot().Seats, before.Seats)
	if got := w.since(before.Cursor); len(got) > 0 {
		w.Fatalf("announced %v, want nothing", got)
	}
}

// announced returns the changes that do causes.
func (w *world) announced(do func()) []store.Change {
	w.Helper()
	from := w.head()
	do()
	return w.since(from)
}

func (w *world) head() store.Cursor {
	w.Helper()
	c, err := w.s.Recent(w.Context(), 0)
	w.must(err)
	return c
}

// since returns the changes after the cursor, up to now.
func (w *world) since(from store.Cursor) []store.Change {
	w.Helper()
	return changesOf(w.read(w.s, from, w.fence()))
}

const fenceEvent = "fence"

// fence changes something that no case looks at, and returns a cursor that
// covers all that was acknowledged before.
func (w *world) fence() store.Cursor {
	w.Helper()
	if w.fences == 0 {
		w.create(hall(fenceEvent, 1))
	}
	w.fences++
	out, err := w.s.Withhold(w.Context(), store.WithholdRequest{Event: fenceEvent, Seats: names(1), On: w.fences%2 == 1})
	w.must(err)
	return out.Cursor
}

// read returns the feed after from, up to a batch that covers to.
func (w *world) read(s *store.Store, from, to store.Cursor) []store.Batch {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	var out []store.Batch
	for batch, err := range s.Changes(ctx, from) {
		w.must(err)
		out = append(out, batch)
		if batch.Cursor.Covers(to) {
			return out
		}
	}
	w.Fatalf("the feed from %v does not reach %v", from, to)
	return nil
}

// changesOf returns the changes of the batches that cases look at.
func changesOf(batches []store.Batch) []store.Change {
	var out []store.Change
	for _, b := range batches {
		for _, c := range b.Changes {
			if c.Event != fenceEvent {
				out = append(out, c)
			}
		}
	}
	return out
}

// follower reads the feed while a case does other things.
type follower struct {
	mu      sync.Mutex
	batches []store.Batch
	err     error
	ended   bool
}

// follow reads the feed of s from the cursor until the test ends or the
// follower is stopped.
func (w *world) follow(s *store.Store, from store.Cursor) (f *follower, stop func()) {
	ctx, cancel := context.WithCancel(w.Context())
	f = &follower{}
	var reading sync.WaitGroup
	reading.Go(func() {
		for batch, err := range s.Changes(ctx, from) {
			f.add(batch, err)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.ended = true
	})
	w.Cleanup(func() { cancel(); reading.Wait() })
	return f, cancel
}

func (f *follower) add(batch store.Batch, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.err = err
		return
	}
	f.batches = append(f.batches, batch)
}

func (f *follower) state() (batches []store.Batch, err error, ended bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.batches), f.err, f.ended
}

// until returns what the follower has once that covers the cursor.
func (w *world) until(f *follower, to store.Cursor) []store.Batch {
	w.Helper()
	var out []store.Batch
	w.poll("the feed covers "+to.String(), func() bool {
		batches, err, ended := f.state()
		w.must(err)
		out = batches
		if n := len(batches); n > 0 && batches[n-1].Cursor.Covers(to) {
			return true
		}
		if ended {
			w.Fatalf("the feed ended before %v", to)
		}
		return false
	})
	return out
}

// rival is something that happens while a rule decides.
type rival struct {
	do   func() error
	once sync.Once
	done chan struct{}
	err  error
}

func newRival(do func() error) *rival { return &rival{do: do, done: make(chan struct{})} }

// start has the rival begin, the first time that it is called, and gives it the
// time to end. An engine that lets nobody in meanwhile has it wait for longer.
func (r *rival) start() {
	r.once.Do(func() {
		go func() {
			defer close(r.done)
			r.err = r.do()
		}()
		select {
		case <-r.done:
		case <-time.After(50 * time.Millisecond):
		}
	})
}

// wait returns what came of it.
func (r *rival) wait() error {
	r.start()
	<-r.done
	return r.err
}

// overtaken is an engine whose first rule is interrupted by a rival.
type overtaken struct {
	store.Engine
	rival *rival
}

func (o overtaken) Decide(ctx context.Context, q store.Question, rule func(store.View) store.Decision) (store.Decision, store.Cursor, error) {
	return o.Engine.Decide(ctx, q, func(v store.View) store.Decision {
		o.rival.start()
		return rule(v)
	})
}

// wantTold makes a request while another one takes the first seat of it. If the
// other one comes first in the feed, then the request must have seen that.
func (w *world) wantTold(do func(*store.Store) (store.Outcome, error), other func() (store.Outcome, error)) {
	w.Helper()
	var theirs store.Outcome
	meanwhile := newRival(func() (err error) {
		theirs, err = other()
		return err
	})
	mine, err := do(store.New(overtaken{w.e, meanwhile}))
	if lost := meanwhile.wait(); lost != nil {
		w.Fatalf("the other request: %v", lost)
	}
	if err != nil && !store.IsAnswer(err) {
		w.must(err)
	}
	if mine.Cursor.Covers(theirs.Cursor) && mine.Cursor != theirs.Cursor && mine.Seats[0].Version < theirs.Seats[0].Version {
		w.Fatalf("at %v told of %+v, which was %+v at %v", mine.Cursor, mine.Seats[0], theirs.Seats[0], theirs.Cursor)
	}
}

// race calls do with 0 … n-1 at once, and returns when all have returned.
func race(n int, do func(i int)) {
	gate := make(chan struct{})
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() {
			<-gate
			do(i)
		})
	}
	close(gate)
	running.Wait()
}

// plain returns the seat with times that == can compare.
func plain(s store.Seat) store.Seat {
	s.LockTime, s.LockedUntil = plainTime(s.LockTime), plainTime(s.LockedUntil)
	return s
}

func plainTime(t time.Time) time.Time { return t.UTC().Round(0) }

func sameSeat(a, b store.Seat) bool { return plain(a) == plain(b) }

func sameLock(a, b store.Lock) bool {
	return a.Started.Equal(b.Started) && a.Deadline.Equal(b.Deadline) && a.Extended == b.Extended &&
		slices.EqualFunc(a.Seats, b.Seats, sameSeat)
}
