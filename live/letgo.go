package live

import (
	"context"
	"time"
)

// inHand is how long after it was asked for a board is most likely still worked
// with. It is short: who opens many events in a row must not have them all kept.
const inHand = time.Second

// LetGo forgets the board of an event if it has no viewers and nobody has asked
// for it in the last seconds, and reports whether there is none now. Who asks
// for it later has it loaded again.
func (h *Hub) LetGo(event string) bool { return h.letGo(event, inHand, inHand) }

// tidy lets boards go that are idle, and what the history has that is old.
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
		h.history.turn(h.feed.Position, time.Now(), h.o.Warm)
		h.mu.Unlock()
	}
}

// letGo forgets the board of an event if nobody looks at it and it was not asked
// for as long as idle says, or over if the event is over. What it knows of the
// recent past is kept for the next one.
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

// bury ends a board whose event is gone, and forgets it. Who was looking at it
// is told so.
func (h *Hub) bury(b *Board) {
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
