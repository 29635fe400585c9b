package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/seatlock/seatlock/store"
)

func modelCases() []testCase {
	return []testCase{
		{"random requests", func(w *world) { modelRandom(w, []store.Store{w.s}) }},
		{"random requests to two instances", func(w *world) { modelRandom(w, w.both()) }},
	}
}

// player sends one random request after the other and has the model answer
// the same request at the instant that the store tells.
type player struct {
	*world
	random *rand.Rand
	stores []store.Store
	model  *model
}

func modelRandom(w *world, stores []store.Store) {
	def := hall(evening, 8)
	def.Withheld = []string{"s8"}
	w.create(def)
	first := w.snapshot()
	p := &player{world: w, random: w.random(1), stores: stores, model: newModel(def)}
	for i := range w.rounds(1500) {
		what := p.step()
		if w.Failed() {
			w.Fatalf("at request %d: %s", i, what)
		}
		if i%20 == 0 {
			w.wantSeats(w.snapshot().Seats, p.model.list(def.Seats))
		}
	}
	last := w.snapshot()
	w.wantSeats(last.Seats, p.model.list(def.Seats))
	changes := w.since(first.Cursor)
	w.wantBoard(first, changes, last)
	p.wantChanges(changes)
}

// step makes one request, and says which.
func (p *player) step() string {
	switch n := p.random.IntN(100); {
	case n < 45:
		return p.lock()
	case n < 65:
		return p.unlock()
	case n < 73:
		return p.extend()
	case n < 80:
		return p.lockOf()
	case n < 87:
		return p.withhold()
	case n < 94:
		return p.release()
	default:
		at := p.now().Add(time.Duration(p.random.IntN(6)) * time.Millisecond)
		p.pass(at)
		return "a pause"
	}
}

// who returns a holder and the rules that this holder always comes with: some
// hold for long, some for so short that locks lapse all the time.
func (p *player) who() (store.Holder, store.Rules) {
	rules := longFor(4)
	i := p.random.IntN(6)
	if i%2 == 0 {
		rules.TTL, rules.Total = 4*time.Millisecond, 10*time.Millisecond
	}
	return holder(i), rules
}

// pick returns up to n seats, now and then twice the same or an unknown one.
func (p *player) pick(n int) []string {
	ids := make([]string, 1+p.random.IntN(n))
	for i := range ids {
		ids[i] = fmt.Sprintf("s%d", 1+p.random.IntN(8))
	}
	if p.random.IntN(50) == 0 {
		ids = append(ids, "unknown")
	}
	return ids
}

func (p *player) store() store.Store { return p.stores[p.random.IntN(len(p.stores))] }

// compare fails the test unless the store answered as the model did.
func (p *player) compare(got store.Outcome, gotErr error, want store.Outcome, wantErr error) {
	p.Helper()
	if !errors.Is(gotErr, wantErr) {
		p.Errorf("got error %v, want %v", gotErr, wantErr)
		return
	}
	if errors.Is(wantErr, store.ErrNoSeat) {
		return
	}
	if !slices.EqualFunc(got.Seats, want.Seats, sameSeat) {
		p.Errorf("got seats\n\t%v\nwant\n\t%v", got.Seats, want.Seats)
	}
	if !sameLock(got.Lock, want.Lock) {
		p.Errorf("got lock\n\t%+v\nwant\n\t%+v", got.Lock, want.Lock)
	}
}

func (p *player) lock() string {
	who, rules := p.who()
	r := store.LockRequest{Event: evening, Holder: who, Seats: p.pick(3), Rules: rules}
	if n := p.random.IntN(12); n < 6 { // more than a clock remembers, in the long run
		r.Request = fmt.Sprintf("request-%d", n+6*p.random.IntN(6))
	}
	got, err := p.store().Lock(p.Context(), r)
	at := got.Now
	if at.IsZero() { // no outcome tells when: whether a request is known depends on it
		at = p.now()
	}
	want, wantErr := p.model.lock(r, at)
	p.compare(got, err, want, wantErr)
	return fmt.Sprintf("lock %+v", r)
}

func (p *player) unlock() string {
	who, _ := p.who()
	r := store.UnlockRequest{Event: evening, Holder: who}
	if p.random.IntN(3) > 0 {
		r.Seats = p.pick(2)
	}
	got, err := p.store().Unlock(p.Context(), r)
	want, wantErr := p.model.unlock(r, got.Now, got.Seats)
	if len(r.Seats) == 0 { // in which order they come is the engine's own
		slices.SortFunc(got.Seats, func(a, b store.Seat) int { return strings.Compare(a.ID, b.ID) })
	}
	p.compare(got, err, want, wantErr)
	return fmt.Sprintf("unlock %+v", r)
}

func (p *player) extend() string {
	who, rules := p.who()
	r := store.ExtendRequest{Event: evening, Holder: who, Rules: rules}
	repeat := p.model.clocks[who].extended
	got, err := p.store().Extend(p.Context(), r)
	want, wantErr := p.model.extend(r, got.Now)
	if repeat && wantErr == nil { // whether a repeat extended its seats is a matter of words
		got.Seats = want.Seats
	}
	p.compare(got, err, want, wantErr)
	return fmt.Sprintf("extend %+v", r)
}

func (p *player) lockOf() string {
	who, _ := p.who()
	got, err := p.store().LockOf(p.Context(), evening, who)
	got.Seats = nil // none were named
	p.compare(got, err, store.Outcome{Lock: p.model.lockOf(who, got.Now)}, nil)
	return fmt.Sprintf("lock of %s", who)
}

// withhold takes seats off sale or puts them back. Putting back a seat whose
// lock is over may sweep it or not: both leave it free.
func (p *player) withhold() string {
	seats, on := p.pick(2), p.random.IntN(2) == 0
	got, err := p.store().Withhold(p.Context(), evening, seats, on)
	if err == nil && !on {
		for _, s := range got.Seats {
			if known := p.model.seats[s.ID]; known.Status == store.Locked && s.Status == store.Available {
				p.model.release(s.ID, got.Now)
			}
		}
	}
	want, wantErr := p.model.withhold(seats, on, got.Now)
	p.compare(got, err, want, wantErr)
	return fmt.Sprintf("withhold %v %v", seats, on)
}

// release sweeps. A lock that lapses while it runs may be swept or not.
func (p *player) release() string {
	before := p.now()
	due, err := p.store().ReleaseDue(p.Context())
	after := p.now()
	p.must(err)
	released := 0
	for _, s := range p.snapshot().Seats {
		known := p.model.seats[s.ID]
		gone := known.Status == store.Locked && s.Status == store.Available
		switch {
		case gone && !known.FreeAt(after):
			p.Errorf("released %+v, which was not over at %v", known, after)
		case !gone && known.Status == store.Locked && known.FreeAt(before):
			p.Errorf("left %+v, which was over at %v", known, before)
		case gone:
			p.model.release(s.ID, after)
			released++
		}
	}
	if due.Released != released {
		p.Errorf("told %d releases, made %d", due.Released, released)
	}
	return fmt.Sprintf("release between %v and %v", before, after)
}

// wantChanges fails unless each seat's changes are those of the model.
func (p *player) wantChanges(got []store.Change) {
	p.Helper()
	for _, id := range p.model.def.Seats {
		a, b := changesOfSeat(got, id), changesOfSeat(p.model.changes, id)
		for i := range min(len(a), len(b)) {
			if !reflect.DeepEqual(a[i], b[i]) {
				p.Fatalf("seat %s: announced\n\t%+v\nwant\n\t%+v", id, a[i], b[i])
			}
		}
		if len(a) != len(b) {
			p.Fatalf("seat %s: %d changes announced, want %d", id, len(a), len(b))
		}
	}
}

// changesOfSeat returns comparable changes. A seat that its own holder gave
// back or took again after the deadline may be told as lapsed or not.
func changesOfSeat(changes []store.Change, id string) []store.Change {
	var out []store.Change
	for _, c := range changes {
		if c.Seat.ID != id {
			continue
		}
		c.Seat = plain(c.Seat)
		c.Lapsed = c.Lapsed && c.Before != c.Seat.LockedBy
		out = append(out, c)
	}
	return out
}
