package live

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/seatlock/seatlock/store"
)

// Run reads the store's feed into the boards, releases locks that are due, and
// keeps viewers alive, until ctx ends; then it ends every viewer and returns
// nil once nothing of it runs any more. A feed that breaks off is taken up
// again. Run is for one call per hub.
func (h *Hub) Run(ctx context.Context) error {
	var helpers sync.WaitGroup
	helpers.Go(func() { h.sweep(ctx) })
	helpers.Go(func() { h.sendHeartbeats(ctx) })
	helpers.Go(func() {
		// Viewers do not wait for a feed that is slow to end.
		<-ctx.Done()
		h.end()
	})
	h.readFeed(ctx)
	helpers.Wait()
	h.reloads.Wait()
	return nil
}

// readFeed reads the feed, taking it up again where it breaks off, until ctx
// ends.
func (h *Hub) readFeed(ctx context.Context) {
	defer h.ready.Store(false)
	var from store.Cursor
	for failures := 0; ; failures++ {
		reached, err := h.readFrom(ctx, from)
		if ctx.Err() != nil {
			return
		}
		h.ready.Store(false)
		if reached != from {
			failures = 0
		}
		if failures == 0 {
			h.o.Log.Warn("change feed broke off, trying again", "error", err)
		}
		from = reached
		if errors.Is(err, store.ErrCursorLost) {
			from = store.Cursor{}
		}
		pause(ctx, backoff(failures))
	}
}

// errFeedEnded: the store ended the feed of its own accord.
var errFeedEnded = errors.New("change feed ended")

// readFrom reads the feed from a cursor, or from the recent past if that is zero,
// until it breaks off, and returns the cursor that it has reached.
func (h *Hub) readFrom(ctx context.Context, from store.Cursor) (store.Cursor, error) {
	if from == (store.Cursor{}) {
		recent, err := h.src.Recent(ctx, h.o.Warm)
		if err != nil {
			return from, err
		}
		from = recent
		h.restart(ctx, from)
	}
	head, err := h.src.Recent(ctx, 0)
	if err != nil {
		return from, err
	}
	h.ready.Store(from.Covers(head))
	for batch, err := range h.src.Changes(ctx, from) {
		if err != nil {
			return from, err
		}
		from = batch.Cursor
		h.deliver(ctx, batch)
		if !h.ready.Load() && from.Covers(head) {
			h.ready.Store(true)
		}
	}
	return from, errFeedEnded
}

// restart begins the feed at from. Boards that are in memory have missed what
// nobody can tell, and are loaded anew.
func (h *Hub) restart(ctx context.Context, from store.Cursor) {
	h.mu.Lock()
	first := h.feed == (store.Cursor{})
	h.feed, h.floor = from, from
	clear(h.moved)
	clear(h.defined)
	h.deadlines.forget()
	h.mu.Unlock()
	if first {
		h.start()
		return
	}
	for _, b := range h.all() {
		if b.restart(from) {
			h.reloads.Go(func() { b.reload(ctx) })
		}
	}
}

// deliver hands a batch to all boards; each takes its changes together.
func (h *Hub) deliver(ctx context.Context, batch store.Batch) {
	changes := make(map[string][]store.Change, 1)
	for _, c := range batch.Changes {
		changes[c.Event] = append(changes[c.Event], c)
	}
	h.advance(batch.Cursor, changes, batch.Events)
	for _, b := range h.all() {
		if b.apply(batch.Cursor, changes[b.id], slices.Contains(batch.Events, b.id)) {
			h.reloads.Go(func() { b.reload(ctx) })
		}
	}
	h.deadlines.learn(batch.Changes, h.now())
}

// advance moves the feed on, and keeps what boards to come must know of it.
func (h *Hub) advance(c store.Cursor, changes map[string][]store.Change, redefined []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.feed = c
	installed := func(event string) bool {
		b := h.boards[event]
		return b != nil && b.installed
	}
	for _, event := range redefined {
		if !installed(event) {
			h.defined[event] = c.Position
		}
	}
	for event, list := range changes {
		if installed(event) {
			continue
		}
		seats := h.moved[event]
		if seats == nil {
			seats = map[string]uint64{}
			h.moved[event] = seats
		}
		for _, change := range list {
			seats[change.Seat.ID] = c.Position
		}
	}
}

// sendHeartbeats gives all viewers a sign of life at the same times: one frame
// per board, not one timer per viewer.
func (h *Hub) sendHeartbeats(ctx context.Context) {
	tick := time.NewTicker(h.o.Heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for _, b := range h.all() {
				b.heartbeat()
			}
		}
	}
}

// end closes the hub to new boards, then ends those it has.
func (h *Hub) end() {
	h.mu.Lock()
	close(h.done)
	h.mu.Unlock()
	h.start()
	for _, b := range h.all() {
		b.end()
	}
}

// backoff returns the wait after n failures in a row: 50 ms, doubled up to
// 3.2 s, give or take a third, so that instances do not come back in step.
func backoff(n int) time.Duration { return jitter(50 * time.Millisecond << min(n, 6)) }

func jitter(d time.Duration) time.Duration {
	return d*2/3 + rand.N(d*2/3)
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
