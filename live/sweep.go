package live

import (
	"context"
	"sync"
	"time"

	"github.com/seatlock/seatlock/store"
)

const (
	// sweepDelay is how long after a deadline the sweep comes, so that it is
	// not early by a rounding.
	sweepDelay = 2 * time.Millisecond
	// sweepEvery is the backstop: the longest time between two sweeps, give or
	// take a third.
	sweepEvery = time.Second
)

// sweep releases locks that are due: now, at the next deadline that the store
// or the feed tells of, and every sweepEvery in any case, which also is the
// retry after an error.
func (h *Hub) sweep(ctx context.Context) {
	failing := false
	for {
		h.alarm.reset()
		due, err := h.src.ReleaseDue(ctx)
		if ctx.Err() != nil {
			return
		}
		if (err != nil) != failing {
			failing = !failing
			h.logSweep(err)
		}
		wait := jitter(sweepEvery)
		if err == nil && due.More {
			wait = min(wait, max(due.Next, 0)+sweepDelay)
		}
		h.alarm.expect(time.Now().Add(wait))
		if !h.alarm.sleep(ctx) {
			return
		}
	}
}

func (h *Hub) logSweep(err error) {
	if err != nil {
		h.o.Log.Error("release of due locks fails, trying again", "error", err)
		return
	}
	h.o.Log.Info("release of due locks works again")
}

// expectLapses moves the next sweep forward for locks that end before it would
// come. Later ones are left to the sweeps in between, and those that ended
// long ago, which a feed read from the past tells of, to the sweeps since.
func (h *Hub) expectLapses(changes []store.Change) {
	now := h.now()
	for _, c := range changes {
		if c.Seat.Status != store.Locked {
			continue
		}
		if left := c.Seat.LockedUntil.Sub(now); left.Abs() < 2*sweepEvery {
			h.alarm.expect(time.Now().Add(max(left, 0) + sweepDelay))
		}
	}
}

// alarm sleeps until the earliest time that it was told of since its reset.
type alarm struct {
	mu    sync.Mutex
	next  time.Time
	moved chan struct{} // holds a token when next has become earlier
}

func newAlarm() *alarm { return &alarm{moved: make(chan struct{}, 1)} }

func (a *alarm) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next = time.Time{}
}

// expect makes sleep end at t at the latest.
func (a *alarm) expect(t time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.next.IsZero() && !t.Before(a.next) {
		return
	}
	a.next = t
	select {
	case a.moved <- struct{}{}:
	default:
	}
}

// sleep waits for the time expected; false means that ctx ended first. It
// needs a time to expect.
func (a *alarm) sleep(ctx context.Context) bool {
	for {
		a.mu.Lock()
		timer := time.NewTimer(time.Until(a.next))
		a.mu.Unlock()
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
			return true
		case <-a.moved:
			timer.Stop()
		}
	}
}
