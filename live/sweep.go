package live

import (
	"container/heap"
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/seatlock/seatlock/store"
)

const (
	// sweepDelay is how long after a deadline the sweep comes, so that it is
	// not early by a rounding.
	sweepDelay = 2 * time.Millisecond
	// sweepEvery is the longest time between two sweeps, give or take a third,
	// and sweepBlind that while there is no feed to tell of new locks.
	sweepEvery = 10 * time.Second
	sweepBlind = time.Second
	// standBack and half of it again are how much later sweeps an instance
	// whose locks another one releases: with luck the feed tells it meanwhile
	// that there is nothing left to do.
	standBack = 80 * time.Millisecond
)

// sweep releases locks that are due: now, at each deadline that the store or
// the feed tells of, and after sweepEvery in any case. It is also what knows
// the store's clock.
//
// Of several instances one comes to do it, without a word between them: who
// finds nothing to release stands back, who finds something does so no longer.
// If the first of them is gone, another finds something.
func (h *Hub) sweep(ctx context.Context) {
	failing := false
	var late time.Duration
	for {
		expected := h.lapses.take(h.now())
		due, err := h.src.ReleaseDue(ctx)
		if ctx.Err() != nil {
			return
		}
		if (err != nil) != failing {
			failing = !failing
			h.logSweep(err)
		}
		if err == nil {
			// Every sweep sets the clock: the store may be another by now.
			h.clock.Store(&clock{store: due.Now, local: time.Now()})
		}
		left := !due.Next.At.IsZero() && !due.Next.At.After(due.Now)
		switch {
		case due.Released > 0 && left:
			continue
		case due.Released > 0:
			late = 0
		case expected:
			late = standBack/2 + rand.N(standBack)
		}
		every := sweepEvery
		switch {
		case failing || left || !h.ready.Load():
			every = sweepBlind
		case late > 0:
			every = 3 * sweepEvery // another one looks, too
		}
		if !left {
			h.lapses.expect(due.Next)
		}
		if !h.awaitLapse(ctx, jitter(every), late) {
			return
		}
	}
}

func (h *Hub) logSweep(err error) {
	if err != nil {
		h.o.Log.Warn("release of due locks fails, trying again", "error", err)
		return
	}
	h.o.Log.Info("release of due locks works again")
}

// awaitLapse waits until a lock has ended, as far as is known, and is late by
// then, but no longer than most. It returns false if ctx ended first.
func (h *Hub) awaitLapse(ctx context.Context, most, late time.Duration) bool {
	began := time.Now()
	for {
		wait := most - time.Since(began)
		if end := h.lapses.first(); !end.IsZero() {
			wait = min(wait, end.Sub(h.now())+sweepDelay+late)
		}
		if wait <= 0 {
			return true
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
		case <-h.lapses.moved:
			timer.Stop()
		}
	}
}

// lapses are the ends of the locks that the feed has told of, and the store of
// the next one.
type lapses struct {
	moved chan struct{} // holds a token when the first is sooner

	mu    sync.Mutex
	ends  map[seatOf]time.Time
	queue lapseQueue // has all of ends, and what they were before
}

type seatOf struct{ event, id string }

type lockEnd struct {
	seat seatOf
	end  time.Time
}

func newLapses() *lapses {
	return &lapses{moved: make(chan struct{}, 1), ends: map[seatOf]time.Time{}}
}

// note takes in what the feed tells at now. Locks that ended long ago, which a
// feed read from the past tells of, are left to the sweeps since.
func (l *lapses) note(changes []store.Change, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.next().end
	for _, c := range changes {
		seat := seatOf{c.Event, c.Seat.ID}
		if c.Seat.Status != store.Locked || now.Sub(c.Seat.LockedUntil) > sweepBlind {
			delete(l.ends, seat)
			continue
		}
		l.set(lockEnd{seat, c.Seat.LockedUntil})
	}
	if first := l.next().end; !first.IsZero() && (before.IsZero() || first.Before(before)) {
		select {
		case l.moved <- struct{}{}:
		default:
		}
	}
}

// expect takes in what the store tells.
func (l *lapses) expect(next store.Lapse) {
	if next.At.IsZero() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.set(lockEnd{seatOf{next.Event, next.Seat}, next.At})
}

// set is for who has the mutex. It makes the queue anew where most of it is of
// the past, as locks that are given back leave it.
func (l *lapses) set(one lockEnd) {
	if l.ends[one.seat].Equal(one.end) {
		return
	}
	l.ends[one.seat] = one.end
	heap.Push(&l.queue, one)
	if len(l.queue) <= 2*len(l.ends)+1000 {
		return
	}
	l.queue = l.queue[:0]
	for seat, end := range l.ends {
		l.queue = append(l.queue, lockEnd{seat, end})
	}
	heap.Init(&l.queue)
}

// forget is for a feed that begins anew.
func (l *lapses) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.ends)
	l.queue = nil
}

// first returns when the next lock ends, or the zero time.
func (l *lapses) first() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next().end
}

// next is first for who has the mutex. It drops what is no more.
func (l *lapses) next() lockEnd {
	for len(l.queue) > 0 {
		if first := l.queue[0]; l.ends[first.seat].Equal(first.end) {
			return first
		}
		heap.Pop(&l.queue)
	}
	return lockEnd{}
}

// take forgets all locks that have ended at now, and reports whether there are
// any: the sweep to come releases them, or tells that they have not ended.
func (l *lapses) take(now time.Time) (any bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		first := l.next()
		if first.end.IsZero() || now.Before(first.end) {
			return any
		}
		delete(l.ends, first.seat)
		any = true
	}
}

// lapseQueue is a heap by end.
type lapseQueue []lockEnd

func (q lapseQueue) Len() int           { return len(q) }
func (q lapseQueue) Less(i, j int) bool { return q[i].end.Before(q[j].end) }
func (q lapseQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *lapseQueue) Push(x any)        { *q = append(*q, x.(lockEnd)) }
func (q *lapseQueue) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}
