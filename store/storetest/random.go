package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"time"

	"github.com/seatlock/seatlock/store"
)

func modelCases() []testCase {
	return []testCase{
		{"random requests", func(w *world) { modelRandom(w, []store.Engine{w.e}) }},
		{"random requests to two instances", func(w *world) { modelRandom(w, w.engines()) }},
	}
}

// player sends one random request after the other and has the model answer
// the same request at the instant that the store tells.
type player struct {
	*world
	random  *rand.Rand
	engines []store.Engine
	model   *model
}

func modelRandom(w *world, engines []store.Engine) {
	def := hall(evening, 8)
	def.Withheld = []string{"s8"}
	w.create(def)
	first := w.snapshot()
	p := &player{world: w, random: w.random(1), engines: engines, model: newModel(def)}
	for i := range w.rounds(1500) {
		what := p.step()
		if w.Failed() {
			w.Fatalf("at request %d: %s", i, what)
		}
		if i%20 == 0 {
			w.wantSeats(w.snapshot().Seats, p.model.list(p.model.order))
		}
	}
	last := w.snapshot()
	w.wantSeats(last.Seats, p.model.list(p.model.order))
	changes := w.since(first.Cursor)
	w.wantBoard(first, changes, last)
	p.wantChanges(changes)
	p.wantTrail(changes)
	p.wantEntries()
	p.wantBooks()
}

// step makes one request, and says which.
func (p *player) step() string {
	switch n := p.random.IntN(100); {
	case n < 40:
		return p.lock()
	case n < 56:
		return p.unlock()
	case n < 62:
		return p.extend()
	case n < 67:
		return p.lockOf()
	case n < 71:
		return p.withhold()
	case n < 73:
		return p.free()
	case n < 78:
		return p.release()
	case n < 97:
		return p.sell()
	default:
		at := p.now().Add(time.Duration(p.random.IntN(6)) * time.Millisecond)
		p.pass(at)
		return "a pause"
	}
}

// who returns a holder and the rules that this holder always comes with: some
// hold for long, some for so short that locks lapse all the time.
func (p *player) who() (store.Holder, store.Rules) {
	rules := longFor(3)
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

func (p *player) engine() store.Engine { return p.engines[p.random.IntN(len(p.engines))] }

func (p *player) store() *store.Store { return store.New(p.engine()) }

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
	want, wantErr := p.model.unlock(r, got.Now)
	p.compare(got, err, want, wantErr)
	return fmt.Sprintf("unlock %+v", r)
}

func (p *player) extend() string {
	who, rules := p.who()
	r := store.ExtendRequest{Event: evening, Holder: who, Rules: rules}
	got, err := p.store().Extend(p.Context(), r)
	want, wantErr := p.model.extend(r, got.Now)
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

func (p *player) withhold() string {
	r := store.WithholdRequest{Event: evening, Seats: p.pick(2), On: p.random.IntN(2) == 0}
	got, err := p.store().Withhold(p.Context(), r)
	want, wantErr := p.model.withhold(r, got.Now)
	p.compare(got, err, want, wantErr)
	return fmt.Sprintf("withhold %+v", r)
}

func (p *player) free() string {
	r := store.ReleaseRequest{Event: evening, Seats: p.pick(2)}
	got, err := p.store().Release(p.Context(), r)
	want, wantErr := p.model.free(r, got.Now)
	p.compare(got, err, want, wantErr)
	return fmt.Sprintf("release %v by the house", r.Seats)
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
		case gone && !over(known, after):
			p.Errorf("released %+v, which was not over at %v", known, after)
		case !gone && over(known, before):
			p.Errorf("left %+v, which was over at %v", known, before)
		case gone:
			p.model.as(store.ByClock, "")
			p.model.lapse(s.ID)
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
	for _, id := range p.model.order {
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

// changesOfSeat returns comparable changes.
func changesOfSeat(changes []store.Change, id string) []store.Change {
	var out []store.Change
	for _, c := range changes {
		if c.Seat.ID == id {
			c.Seat = plain(c.Seat)
			out = append(out, c)
		}
	}
	return out
}
