package live

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/seatlock/seatlock/store"
)

// Board is one event as the feed last told of it. Its methods are safe for
// concurrent use.
type Board struct {
	hub *Hub
	id  string

	// loaded is closed when the first load has ended, with err telling how.
	loaded chan struct{}
	err    error
	left   bool // with err: the context of who loaded it had ended

	// Guarded by the hub's mu: whether a load has succeeded, and when the board
	// was last asked for.
	installed bool
	asked     time.Time

	mu    sync.Mutex
	event store.Event
	draw  Renderer
	table *table

	// at is the cursor that the table has reached; it never goes back within an
	// epoch. base is that of the snapshot which the table began with, heard the
	// last one that the feed has told, even while loading. The feed comes only
	// with what is about the event: see hear for the rest.
	at, base, heard store.Cursor
	// floor is the position from which the changes of every seat are known, and
	// the event is defined as it is; told is how often the feed has told of the
	// event itself.
	floor uint64
	told  int

	// While loading, the table stands still and what the feed tells is queued.
	// A snapshot that does not cover need is of no use.
	loading bool
	queued  []batch
	need    store.Cursor

	broadcasts map[Kind]*broadcast // those that have viewers
	published  uint64              // position of at when last published
	window     *time.Timer
	waiting    bool // window runs, and will publish what has come meanwhile
	ended      bool

	waiters map[*waiter]struct{}
}

// batch is what a batch of the feed has for one event.
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
	// Event is as it was defined at the cursor, or later, and Draw what was made
	// for just that.
	Event store.Event
	Draw  Renderer
	// Seats are those of the page, in the plan's order, a copy, with their
	// holders; Mine those of the event that the holder has locked or is paying
	// for, and Booked the first [MaxBooked] that are booked for the holder.
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

// Renderer returns what was made for the event as it is now defined.
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

// View returns the board as the holder may see it on a page of the kind. There
// may be no such page: ErrNoPage.
func (b *Board) View(k Kind, holder store.Holder) (View, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hear()
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

// Free tells of all seats of the event, in the plan's order, which can be had,
// and returns the renderer that was made for this plan.
func (b *Board) Free() (Renderer, []bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	free, now := make([]bool, len(b.table.seats)), b.hub.now()
	for i, s := range b.table.seats {
		free[i] = s.FreeAt(now)
	}
	return b.draw, free
}

// Reach waits until the board has everything up to c. It returns false if it
// has not: because ctx or the hub ended first, or c is of another history.
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
	b.hear()
	return b.at.Covers(c)
}

// hear moves the board on to where the hub has the feed: there is nothing up to
// there that the board has not been given.
func (b *Board) hear() {
	if reached := *b.hub.reached.Load(); !b.ended && reached.Covers(b.heard) {
		b.heard = reached
	}
	if !b.loading && !b.ended && b.heard.Covers(b.at) {
		b.at = b.heard
	}
}

// rename has places of an epoch be those of the next one, in which the same
// history goes on.
func (b *Board) rename(old, epoch string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range []*store.Cursor{&b.at, &b.base, &b.heard, &b.need} {
		if c.Epoch == old {
			c.Epoch = epoch
		}
	}
}

// apply takes what a batch of the feed has for this event. It reports whether
// the board must be loaded anew, which is then the caller's to start.
func (b *Board) apply(c store.Cursor, n news) (reload bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return false
	}
	b.heard = c
	b.told += n.told
	switch {
	case n.redefined && b.base.Covers(c):
		// What it was defined as is here, but not on pages from before; the first
		// telling may be that of its creation.
		if b.event.Revision > 1 || b.told > 1 {
			b.floor = max(b.floor, c.Position)
		}
	case n.redefined:
		// The event may be another one by the same id. The snapshot to come covers
		// this, so that nothing is merged into it that was another's.
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
		// What is here is the best that is known, but it is not all up to c.
		b.loading = true
		return true
	}
	b.advance(c)
	if !b.waiting {
		b.publish()
	}
	return false
}

// merge applies a batch to the table, and reports whether it joined on.
func (b *Board) merge(one batch) bool {
	if len(one.changes) == 0 {
		return true
	}
	joined := b.table.merge(b.base.Position, one.position, one.changes)
	for _, pages := range b.broadcasts {
		pages.forget(b.table, one.changes)
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
	b.hear()
	dirty, affected := b.table.take()
	since := b.published
	b.published = b.at.Position
	for _, pages := range b.broadcasts {
		pages.publish(b, dirty, affected, since)
	}
	if len(b.broadcasts) > 0 { // else all will come, and find the state as it is then
		b.openWindow()
	}
}

// heartbeat gives the viewers a sign of life. What waits for the window goes out
// before it, since its cursor covers that.
func (b *Board) heartbeat() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.publish()
	if b.ended || len(b.broadcasts) == 0 {
		return
	}
	b.hear()
	alive := heartbeatMessage(b.at)
	for _, pages := range b.broadcasts {
		f := newFrame(update)
		f.at, f.public = b.at, alive
		pages.append(f)
	}
}

// end publishes what is left, and ends all viewers.
func (b *Board) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.publish()
	b.endViewers(last)
}

// endViewers stops the board, and has its viewers end with a frame of the kind.
func (b *Board) endViewers(kind frameKind) {
	b.stop()
	for _, pages := range b.broadcasts {
		pages.append(newFrame(kind))
	}
}

// stop has the board stay as it is.
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

// waiter waits for the feed to have told everything up to a position.
type waiter struct {
	position uint64
	done     chan struct{}
}

// await returns when the board has everything up to c that the feed tells, or
// cannot reach it, or ctx has ended.
func (b *Board) await(ctx context.Context, c store.Cursor) {
	b.mu.Lock()
	b.hear()
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
	b.hasWaiters() // whom the hub has not seen, where it was faster
	select {
	case <-w.done:
	case <-ctx.Done():
		b.mu.Lock()
		delete(b.waiters, w)
		b.mu.Unlock()
	}
}

// hasWaiters lets those go who need not wait any more, and reports whether there
// are others.
func (b *Board) hasWaiters() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hear()
	if !b.loading {
		b.wake()
	}
	return len(b.waiters) > 0
}

// wake lets those go who have what they wait for, or will never have it.
func (b *Board) wake() {
	for w := range b.waiters {
		if b.ended || w.position <= b.heard.Position {
			close(w.done)
			delete(b.waiters, w)
		}
	}
}
