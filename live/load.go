package live

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seatlock/seatlock/store"
)

// errMoved: what was read does not fit together, since the store or the feed
// moved on meanwhile. Trying again helps.
var errMoved = errors.New("store moved on while loading")

// loadTimeout bounds one try, and with it the queue of batches.
const loadTimeout = 10 * time.Second

// load reads the event, and replaces what the board has.
//
// No change is lost or applied twice, whichever of snapshot and feed is ahead:
// batches that arrive while loading are queued, the snapshot covers everything
// before them, and seat versions show what is in both.
func (b *Board) load(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	b.startLoading()
	snapshot, err := b.hub.src.Snapshot(ctx, b.id)
	if err != nil {
		return err
	}
	// The definition is read after the seats, so that it is never older.
	event, err := b.hub.src.Event(ctx, b.id)
	if err != nil {
		return err
	}
	draw, err := b.hub.newRenderer(ctx, event)
	if err != nil {
		return fmt.Errorf("renderer: %w", err)
	}
	t, err := newTable(draw.Sections(), snapshot.Seats, draw.Status)
	if err != nil {
		return err
	}
	return b.install(event, draw, t, snapshot.Cursor)
}

// startLoading makes apply queue the feed's batches from here on.
func (b *Board) startLoading() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.loading = true
	b.queued = nil
	b.followHub()
	b.need = b.heard
}

// install makes t the board's table, and merges the queued batches into it.
func (b *Board) install(event store.Event, draw Renderer, t *table, base store.Cursor) error {
	h := b.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.ended:
		return ErrEnded
	case !base.Covers(b.need):
		return fmt.Errorf("%w: snapshot at %v, feed at %v", errMoved, base, b.need)
	}
	floor, definitions := base.Position, b.definitions // before a reload, changes may have been missed
	switch {
	case !b.installed:
		floor, definitions = h.history.recall(event, t)
	case b.at.Epoch == base.Epoch:
		t.inherit(b.table)
	}
	for _, one := range b.queued {
		if !t.merge(base.Position, one.position, one.changes) {
			return fmt.Errorf("%w: a change is missing before %d", errMoved, one.position)
		}
	}
	t.take()
	b.event, b.draw, b.table = event, draw, t
	b.base, b.floor, b.definitions = base, floor, definitions
	b.loading, b.queued = false, nil
	b.resetViewers()
	b.installed = true
	h.history.forget(b.id)
	return nil
}

// resetViewers has every viewer sent all of a new table.
func (b *Board) resetViewers() {
	b.followHub()
	for _, c := range []store.Cursor{b.base, b.heard} {
		if !b.at.Covers(c) {
			b.at = c
		}
	}
	b.published = b.at.Position
	for k, bc := range b.broadcasts {
		if !bc.setRenderer(b.draw) {
			bc.append(newFrame(gone))
			delete(b.broadcasts, k)
			continue
		}
		bc.append(newFrame(reset))
	}
	b.wake()
}

// reload loads the board until that succeeds, or the board or ctx ends. The
// viewers are then sent everything; until then the board stays as it is. If the
// event no longer exists, the board ends.
func (b *Board) reload(ctx context.Context) {
	for failures := 0; ; failures++ {
		err := b.load(ctx)
		if errors.Is(err, store.ErrNoEvent) {
			b.hub.endGone(b)
			return
		}
		if err == nil || ctx.Err() != nil || b.hasEnded() {
			return
		}
		if failures == 0 || !errors.Is(err, errMoved) && failures%10 == 0 {
			b.hub.o.Log.Warn("board cannot be loaded anew, trying again", "event", b.id, "error", err)
		}
		pause(ctx, backoff(failures))
	}
}

// restart tells the board that the feed begins again at c. It reports whether
// the board must be loaded again, which the caller starts.
func (b *Board) restart(c store.Cursor) (reload bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.loading && b.base.Covers(c) { // the snapshot has what the feed skips
		b.heard = c
		b.floor = max(b.floor, c.Position)
		return false
	}
	reload = !b.loading && !b.ended
	b.loading = true
	b.queued = nil
	b.heard, b.need = c, c
	return reload
}
