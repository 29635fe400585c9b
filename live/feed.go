package live

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/seatlock/seatlock/store"
)

// Run reads the store's feed into the boards, releases locks that are due, and
// sends heartbeats, until ctx ends. It then ends every viewer, and returns nil
// when all that it started has ended. It reconnects a feed that breaks off.
// Call Run once per hub.
func (h *Hub) Run(ctx context.Context) error {
	var helpers sync.WaitGroup
	helpers.Go(func() { h.sweep(ctx) })
	helpers.Go(func() { h.sendHeartbeats(ctx) })
	helpers.Go(func() { h.tidy(ctx) })
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

// readFeed reads the feed until ctx ends, reconnecting where it breaks off.
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

var (
	// errFeedEnded: the store ended the feed without an error.
	errFeedEnded = errors.New("change feed ended")
	// errTooMany: there are more recent changes than the start waits for.
	errTooMany = errors.New("too many recent changes")
)

const (
	// warmChanges is the most changes of seats that the start waits for. If
	// there are more, it tries again with an age divided by warmDivisor,
	// warmTries times in all. The last try begins at the head.
	warmChanges = 15_000
	warmDivisor = 5
	warmTries   = 4
)

// readFrom reads the feed from a cursor, or from the recent past if that is zero,
// until it breaks off, and returns the cursor that it has reached.
func (h *Hub) readFrom(ctx context.Context, from store.Cursor) (store.Cursor, error) {
	if from != (store.Cursor{}) {
		return h.follow(ctx, from, 0)
	}
	age, limit := h.o.Warm, warmChanges
	for try := 1; ; try++ {
		if try == warmTries {
			age, limit = 0, 0
		}
		recent, err := h.src.Recent(ctx, age)
		if err != nil {
			return store.Cursor{}, err
		}
		h.restart(ctx, recent)
		reached, err := h.follow(ctx, recent, limit)
		if !errors.Is(err, errTooMany) {
			return reached, err
		}
		age /= warmDivisor
	}
}

// follow reads the feed from a cursor until it breaks off, and returns the cursor
// that it has reached. It returns errTooMany if there are more changes than limit
// up to the store's present head; limit 0 is none.
func (h *Hub) follow(ctx context.Context, from store.Cursor, limit int) (store.Cursor, error) {
	head, err := h.src.Recent(ctx, 0)
	if err != nil {
		return from, err
	}
	if from.Epoch != head.Epoch { // a quiet feed would not report the new epoch
		if now, err := h.src.Resume(ctx, from); err == nil {
			from = now
			h.deliver(ctx, store.Batch{Cursor: from})
		}
	}
	h.ready.Store(from.Covers(head))
	read := 0
	for batch, err := range h.src.Changes(ctx, from) {
		if err != nil {
			return from, err
		}
		from = batch.Cursor
		h.deliver(ctx, batch)
		if h.ready.Load() {
			continue
		}
		if h.ready.Store(from.Position >= head.Position); h.ready.Load() { // whatever the epoch
			continue
		}
		if read += len(batch.Changes); limit > 0 && read > limit {
			return from, errTooMany
		}
	}
	return from, errFeedEnded
}

// restart begins the feed at from. Boards in memory that may have missed changes
// are loaded again.
func (h *Hub) restart(ctx context.Context, from store.Cursor) {
	h.mu.Lock()
	first := h.feed == (store.Cursor{})
	h.reached.Store(&store.Cursor{}) // until all boards have restarted
	h.feed = from
	h.history.begin(from.Position, time.Now())
	h.deadlines.forget()
	h.mu.Unlock()
	for _, b := range h.all() {
		if b.restart(from) {
			h.reloads.Go(func() { b.reload(ctx) })
		}
	}
	h.reached.Store(&from)
	if first {
		h.start()
	}
}

// deliver hands a batch to the boards that it concerns. Each takes its changes
// together; the other boards are not touched.
func (h *Hub) deliver(ctx context.Context, batch store.Batch) {
	for _, n := range h.advance(batch) {
		if n.board.apply(batch.Cursor, n) {
			h.reloads.Go(func() { n.board.reload(ctx) })
		}
	}
	h.reached.Store(&batch.Cursor)
	h.wakeWaiting()
	h.deadlines.learn(batch.Changes, h.now())
}

// news is the part of a feed batch that concerns one event.
type news struct {
	board   *Board
	changes []store.Change
	// redefined: the event was created or changed. definitions is how many
	// reports of that the board has to count.
	redefined   bool
	definitions int
}

// advance moves the feed on, keeps what later boards must know, and returns the
// news for the boards in memory.
func (h *Hub) advance(batch store.Batch) []news {
	events := make(map[string]*news, 1)
	of := func(event string) *news {
		n := events[event]
		if n == nil {
			n = &news{}
			events[event] = n
		}
		return n
	}
	for _, c := range batch.Changes {
		n := of(c.Event)
		n.changes = append(n.changes, c)
	}
	for _, event := range batch.Events {
		n := of(event)
		n.redefined = true
		n.definitions++
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.history.rotate(h.feed.Position, time.Now(), h.o.Warm)
	if h.feed.Epoch != batch.Cursor.Epoch { // a new run that continues the history
		for _, b := range h.boards {
			b.renameEpoch(h.feed.Epoch, batch.Cursor.Epoch)
		}
	}
	h.feed = batch.Cursor
	var out []news
	for event, n := range events {
		n.board = h.boards[event]
		if n.board == nil || !n.board.installed {
			h.history.note(event, batch.Cursor.Position, n.definitions, n.changes)
			n.definitions = 0
		}
		if n.board != nil {
			out = append(out, *n)
		}
	}
	return out
}

// wakeWaiting wakes the callers that wait for what the feed has now reported.
func (h *Hub) wakeWaiting() {
	h.waitMu.Lock()
	defer h.waitMu.Unlock()
	for b := range h.waiting {
		if !b.hasWaiters() {
			delete(h.waiting, b)
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

// end refuses new boards, then ends those in memory.
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
