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
	// sweepDelay is how long after a deadline the sweep comes, so that rounding
	// never makes it early.
	sweepDelay = 2 * time.Millisecond
	// sweepEvery is the longest time between two sweeps, give or take a third;
	// sweepBlind is that time while no feed reports new locks.
	sweepEvery = 10 * time.Second
	sweepBlind = time.Second
	// standBack, give or take a half, is how much later an instance sweeps when
	// another one releases the locks: by then the feed has usually reported that
	// nothing is left to do.
	standBack = 80 * time.Millisecond
)

// sweep releases locks that are due: now, at each deadline that the store or
// the feed reports, and after sweepEvery at the latest. It also reads the
// store's clock.
//
// Of several instances one comes to do the work, without any coordination: an
// instance that finds nothing to release sweeps later from then on, and one
// that finds something is on time again. If the first of them ends, another
// takes over.
func (h *Hub) sweep(ctx context.Context) {
	failing := false
	var late time.Duration
	for {
		expected := h.deadlines.removeDue(h.now())
		due, err := h.src.ReleaseDue(ctx)
		if ctx.Err() != nil {
			return
		}
		if (err != nil) != failing {
			failing = !failing
			h.logSweep(err)
		}
		if err == nil {
			// Set by every sweep: the store may run elsewhere by now, with
			// another clock.
			h.clock.Store(&clockReading{store: due.Now, local: time.Now()})
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
			every = 3 * sweepEvery // another instance sweeps, too
		}
		if !left {
			h.deadlines.add(due.Next)
		}
		if !h.awaitDeadline(ctx, jitter(every), late) {
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

// awaitDeadline waits until the first known lock has ended, and late longer, but
// for no more than most. It returns false if ctx ended first.
func (h *Hub) awaitDeadline(ctx context.Context, most, late time.Duration) bool {
	began := time.Now()
	for {
		wait := most - time.Since(began)
		if end := h.deadlines.first(); !end.IsZero() {
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
		case <-h.deadlines.moved:
			timer.Stop()
		}
	}
}

// maxDeadlines is the most deadlines that a hub keeps. Each sweep asks the store
// for the next one in any case.
const maxDeadlines = 100_000

// deadlines are the ends of the locks that the feed has reported, and of the next
// one that the store has.
type deadlines struct {
	moved chan struct{} // receives when the first deadline is sooner

	mu    sync.Mutex
	ends  map[seatKey]time.Time
	queue deadlineQueue // all of ends, and outdated ones
}

type seatKey struct{ event, id string }

type lockEnd struct {
	seat seatKey
	end  time.Time
}

func newDeadlines() *deadlines {
	return &deadlines{moved: make(chan struct{}, 1), ends: map[seatKey]time.Time{}}
}

// learn takes in what the feed reports at now. It skips locks that ended long
// ago, as a feed from the past reports them: the sweeps since have released
// those.
func (d *deadlines) learn(changes []store.Change, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.next().end
	for _, c := range changes {
		seat := seatKey{c.Event, c.Seat.ID}
		if c.Seat.Status != store.Locked || now.Sub(c.Seat.LockedUntil) > sweepBlind {
			delete(d.ends, seat)
			continue
		}
		d.set(lockEnd{seat, c.Seat.LockedUntil})
	}
	if first := d.next().end; !first.IsZero() && (before.IsZero() || first.Before(before)) {
		select {
		case d.moved <- struct{}{}:
		default:
		}
	}
}

// add takes in the next deadline of the store.
func (d *deadlines) add(next store.Lapse) {
	if next.At.IsZero() {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.set(lockEnd{seatKey{next.Event, next.Seat}, next.At})
}

// set is called with mu held. It rebuilds the queue when most of it is outdated:
// locks that are given back early leave their entries there.
func (d *deadlines) set(one lockEnd) {
	if d.ends[one.seat].Equal(one.end) {
		return
	}
	if len(d.ends) >= maxDeadlines {
		d.dropOne()
	}
	d.ends[one.seat] = one.end
	heap.Push(&d.queue, one)
	if len(d.queue) <= 2*len(d.ends)+1000 {
		return
	}
	d.queue = d.queue[:0]
	for seat, end := range d.ends {
		d.queue = append(d.queue, lockEnd{seat, end})
	}
	heap.Init(&d.queue)
}

// dropOne forgets a lock that is not the next to end.
func (d *deadlines) dropOne() {
	first := d.next().seat
	for seat := range d.ends {
		if seat != first {
			delete(d.ends, seat)
			return
		}
	}
}

// forget drops all deadlines, for a feed that begins again.
func (d *deadlines) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.ends)
	d.queue = nil
}

// first returns when the next lock ends, or the zero time.
func (d *deadlines) first() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.next().end
}

// next is first with mu held. It drops outdated entries.
func (d *deadlines) next() lockEnd {
	for len(d.queue) > 0 {
		if first := d.queue[0]; d.ends[first.seat].Equal(first.end) {
			return first
		}
		heap.Pop(&d.queue)
	}
	return lockEnd{}
}

// removeDue drops all deadlines up to now, and reports whether there were any:
// the coming sweep releases those locks, or learns that they last longer.
func (d *deadlines) removeDue(now time.Time) (any bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		first := d.next()
		if first.end.IsZero() || now.Before(first.end) {
			return any
		}
		delete(d.ends, first.seat)
		any = true
	}
}

// deadlineQueue is a heap by end.
type deadlineQueue []lockEnd

func (q deadlineQueue) Len() int           { return len(q) }
func (q deadlineQueue) Less(i, j int) bool { return q[i].end.Before(q[j].end) }
func (q deadlineQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *deadlineQueue) Push(x any)        { *q = append(*q, x.(lockEnd)) }
func (q *deadlineQueue) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}
