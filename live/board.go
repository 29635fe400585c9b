package live

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/seatlock/seatlock/store"
)

// Board is the state of one event as of the last batch of the feed. Its methods
// are safe for concurrent use.
type Board struct {
	hub *Hub
	id  string

	// loaded is closed when the first load has ended; err is its error.
	loaded    chan struct{}
	err       error
	abandoned bool // with err: the caller that loaded it gave up

	// Guarded by the hub's mu: whether a load has succeeded, and when the board
	// was last asked for.
	installed bool
	asked     time.Time

	mu    sync.Mutex
	event store.Event
	draw  Renderer
	table *table

	// at is the cursor that the table has reached; it never goes back within an
	// epoch. base is the cursor of the snapshot that the table began with.
	// heard is the last cursor known from the feed, also while loading. The hub
	// calls apply only with batches that concern the event; followHub covers
	// the others.
	at, base, heard store.Cursor
	// floor is the position since which all changes of seats are known and the
	// definition is the same; definitions counts how often the feed reported
	// that the event was created or changed.
	floor       uint64
	definitions int

	// While loading, the table does not change, and batches of the feed are
	// queued. A snapshot that does not cover need is too old.
	loading bool
	queued  []batch
	need    store.Cursor

	broadcasts map[Kind]*broadcast // only those with viewers
	published  uint64              // position of at when last published
	window     *time.Timer
	waiting    bool // the window is open, and publishes when it closes
	ended      bool

	waiters map[*waiter]struct{}
}

// batch is the part of a feed batch that concerns one event.
type batch struct {
	position uint64
	changes  []store.Change
}

func newBoard(h *Hub, id string, heard store.Cursor) *Board {
	return &Board{
		hub:        h,
		id:         id,
		loaded:     make(chan struct{}),
		heard:      heard,
		loading:    true,
		broadcasts: map[Kind]*broadcast{},
		waiters:    map[*waiter]struct{}{},
	}
}

// View is a board at one instant, as a page of one kind shows it.
type View struct {
	Cursor store.Cursor
	// Event is the definition at the cursor, or a later one. Draw was made for
	// exactly that definition.
	Event store.Event
	Draw  Renderer
	// Seats are the page's seats in the plan's order, a copy, with their holders.
	// Mine are the seats that the holder has locked or is paying for, and Booked
	// the first [MaxBooked] that are booked for the holder.
	Seats, Mine, Booked []store.Seat
	// Sections are the counts of all sections of the event.
	Sections []Counts
	// Now is the store's clock.
	Now time.Time
}

// Event returns the event as it is now defined.
func (b *Board) Event() store.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.event
}

// Booked returns the first [MaxBooked] seats that are booked for the holder.
func (b *Board) Booked(holder store.Holder) []store.Seat {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, booked := b.table.mine(holder)
	return booked
}

// Renderer returns the renderer for the event as it is now defined.
func (b *Board) Renderer() Renderer {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.draw
}

// Has reports whether the event has a page of the kind.
func (b *Board) Has(k Kind) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.draw.Page(k)
	return ok
}

// View returns what the holder may see on a page of the kind, or ErrNoPage if
// the event has no such page.
func (b *Board) View(k Kind, holder store.Holder) (View, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.followHub()
	page, ok := b.draw.Page(k)
	if !ok {
		return View{}, ErrNoPage
	}
	v := View{
		Cursor:   b.at,
		Event:    b.event,
		Draw:     b.draw,
		Sections: slices.Clone(b.table.counts),
		Now:      b.hub.now(),
	}
	v.Mine, v.Booked = b.table.mine(holder)
	for _, k := range page.Shows() {
		v.Seats = append(v.Seats, b.table.of(k)...)
	}
	return v, nil
}

// Seats returns the seats with these ids as they stand, and the store's clock.
// Ids that the event does not have are left out.
func (b *Board) Seats(ids ...string) (seats []store.Seat, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		if i, ok := b.table.number[id]; ok {
			seats = append(seats, b.table.seats[i])
		}
	}
	return seats, b.hub.now()
}

// Free reports for each seat of the event, in the plan's order, whether it is
// free, and returns the renderer for the same plan.
func (b *Board) Free() (Renderer, []bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	free, now := make([]bool, len(b.table.seats)), b.hub.now()
	for i, s := range b.table.seats {
		free[i] = s.FreeAt(now)
	}
	return b.draw, free
}

// Reach waits until the board has everything up to c, and reports whether it
// has: not if ctx or the hub ended first, or c is of another history.
func (b *Board) Reach(ctx context.Context, c store.Cursor) bool {
	if b.has(c) {
		return true
	}
	c = b.hub.resume(ctx, c)
	b.await(ctx, c)
	return b.has(c)
}

func (b *Board) has(c store.Cursor) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.followHub()
	return b.at.Covers(c)
}

// followHub moves the board on to the cursor that the hub has reached: the
// board has been given everything up to there that concerns it.
func (b *Board) followHub() {
	if reached := *b.hub.reached.Load(); !b.ended && reached.Covers(b.heard) {
		b.heard = reached
	}
	if !b.loading && !b.ended && b.heard.Covers(b.at) {
		b.at = b.heard
	}
}

// renameEpoch replaces an epoch in the board's cursors by the next one, which
// continues the same history.
func (b *Board) renameEpoch(old, epoch string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range []*store.Cursor{&b.at, &b.base, &b.heard, &b.need} {
		if c.Epoch == old {
			c.Epoch = epoch
		}
	}
}

// apply takes the part of a feed batch that concerns this event. It reports
// whether the board must be loaded again, which the caller starts.
func (b *Board) apply(c store.Cursor, n news) (reload bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return false
	}
	b.heard = c
	b.definitions += n.definitions
	switch {
	case n.redefined && b.base.Covers(c):
		// The snapshot has this definition, but pages from before do not. The
		// first report may be of the event's creation.
		if b.event.Revision > 1 || b.definitions > 1 {
			b.floor = max(b.floor, c.Position)
		}
	case n.redefined:
		// This may be another event with the same id. The board is loaded again,
		// from a snapshot that covers this batch, so that the two never mix.
		reload = !b.loading
		b.loading = true
		b.need = c
	}
	if b.loading {
		if len(n.changes) > 0 {
			b.queued = append(b.queued, batch{c.Position, n.changes})
		}
		return reload
	}
	if !b.merge(batch{c.Position, n.changes}) {
		// Changes are missing before c: show what there is until the board is
		// loaded again.
		b.loading = true
		return true
	}
	b.advance(c)
	if !b.waiting {
		b.publish()
	}
	return false
}

// merge applies a batch to the table, and reports whether no change was missing.
func (b *Board) merge(one batch) bool {
	if len(one.changes) == 0 {
		return true
	}
	joined := b.table.merge(b.base.Position, one.position, one.changes)
	for _, bc := range b.broadcasts {
		bc.forget(b.table, one.changes)
	}
	return joined
}

// advance moves the board on to c, unless it is further already.
func (b *Board) advance(c store.Cursor) {
	if !b.at.Covers(c) {
		b.at = c
	}
	b.wake()
}

func (b *Board) openWindow() {
	b.waiting = true
	if b.window == nil {
		b.window = time.AfterFunc(b.hub.o.Window, b.windowOver)
		return
	}
	b.window.Reset(b.hub.o.Window)
}

// windowOver publishes what has come while the window was open.
func (b *Board) windowOver() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = false
	b.publish()
}

// publish appends to each broadcast one frame with the newest state of all seats
// that changed since the last one, and opens a window.
func (b *Board) publish() {
	if b.ended || b.table == nil || len(b.table.dirty) == 0 {
		return
	}
	b.followHub()
	dirty, affected := b.table.take()
	since := b.published
	b.published = b.at.Position
	for _, bc := range b.broadcasts {
		bc.publish(b, dirty, affected, since)
	}
	if len(b.broadcasts) > 0 { // viewers that join later get the state of then
		b.openWindow()
	}
}

// heartbeat sends the viewers a sign of life. It publishes first, since the
// heartbeat's cursor covers what waits for the window.
func (b *Board) heartbeat() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.publish()
	if b.ended || len(b.broadcasts) == 0 {
		return
	}
	b.followHub()
	alive := heartbeatMessage(b.at)
	for _, bc := range b.broadcasts {
		f := newFrame(update)
		f.at, f.public = b.at, alive
		bc.append(f)
	}
}

// end publishes what is left, and ends all viewers.
func (b *Board) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.publish()
	b.endViewers(last)
}

// endViewers stops the board and sends its viewers a last frame of the kind.
func (b *Board) endViewers(kind frameKind) {
	b.stop()
	for _, bc := range b.broadcasts {
		bc.append(newFrame(kind))
	}
}

// stop freezes the board in its present state.
func (b *Board) stop() {
	b.ended = true
	if b.window != nil {
		b.window.Stop()
	}
	b.wake()
}

func (b *Board) hasEnded() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ended
}

// waiter is a call of await, woken when the feed has passed a position.
type waiter struct {
	position uint64
	done     chan struct{}
}

// await returns when the board has everything up to c that the feed reports,
// or can never reach c, or ctx has ended.
func (b *Board) await(ctx context.Context, c store.Cursor) {
	b.mu.Lock()
	b.followHub()
	if b.base.Epoch == c.Epoch {
		c.Position = max(c.Position, b.base.Position)
	}
	if b.ended || b.heard.Epoch != c.Epoch || !b.loading && b.heard.Covers(c) {
		b.mu.Unlock()
		return
	}
	w := &waiter{c.Position, make(chan struct{})}
	b.waiters[w] = struct{}{}
	b.mu.Unlock()
	b.hub.waitMu.Lock()
	b.hub.waiting[b] = true
	b.hub.waitMu.Unlock()
	b.hasWaiters() // the feed may have passed c before the hub knew of this waiter
	select {
	case <-w.done:
	case <-ctx.Done():
		b.mu.Lock()
		delete(b.waiters, w)
		b.mu.Unlock()
	}
}

// hasWaiters wakes the waiters that need not wait any more, and reports whether
// others are left.
func (b *Board) hasWaiters() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.followHub()
	if !b.loading {
		b.wake()
	}
	return len(b.waiters) > 0
}

// wake ends the waiters that have what they wait for, or will never have it.
func (b *Board) wake() {
	for w := range b.waiters {
		if b.ended || w.position <= b.heard.Position {
			close(w.done)
			delete(b.waiters, w)
		}
	}
}
