package live

import (
	"context"
	"time"
)

// inUse is how long after a request a board is probably still in use. It is
// short, so that opening many events in a row does not keep them all in memory.
const inUse = time.Second

// LetGo drops the board of an event from memory, unless it has viewers or was
// asked for in the last second, and reports whether there is none now. The next
// call of Board loads it again.
func (h *Hub) LetGo(event string) bool { return h.letGo(event, inUse, inUse) }

// tidy drops idle boards and old history, until ctx ends.
func (h *Hub) tidy(ctx context.Context) {
	tick := time.NewTicker(h.o.Idle / 10)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, b := range h.all() {
			h.letGo(b.id, h.o.Idle, h.o.Idle/5)
		}
		h.mu.Lock()
		h.history.rotate(h.feed.Position, time.Now(), h.o.Warm)
		h.mu.Unlock()
	}
}

// letGo drops the board of an event if it has no viewers and was not asked for
// during idle, or during over if the event is over. The history keeps what it
// knows of the recent past.
func (h *Hub) letGo(event string, idle, over time.Duration) (gone bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := h.boards[event]
	switch {
	case b == nil:
		return true
	case !b.installed || *h.reached.Load() != h.feed: // a batch may be on its way to it
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.event.OverAt(h.now()) {
		idle = over
	}
	if b.ended || len(b.broadcasts)+len(b.waiters) > 0 || time.Since(b.asked) < idle {
		return false
	}
	if b.loading {
		h.history.end(b.id, h.feed.Position)
	} else {
		h.history.keep(b)
	}
	b.stop()
	delete(h.boards, b.id)
	return true
}

// endGone ends a board whose event no longer exists, tells its viewers, and
// drops it.
func (h *Hub) endGone(b *Board) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.boards[b.id] != b {
		return
	}
	delete(h.boards, b.id)
	h.history.end(b.id, h.feed.Position)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.endViewers(gone)
}
