package live

import (
	"context"
	"time"

	"github.com/seatlock/seatlock/store"
)

// joinWait is how long a viewer whose cursor is ahead of this instance is let
// wait for the feed.
const joinWait = 2 * time.Second

// Viewer is one open stream of a board. Next is for one goroutine at a time.
type Viewer struct {
	board  *Board
	pages  *broadcast
	holder store.Holder
	at     *frame   // the last frame that the viewer has had
	first  [][]byte // what it is due before that, or nil
	out    [][]byte // reused by Next
	err    error    // what Next will return for ever
	left   bool     // guarded by the board's mu
}

// Join begins a stream for a viewer of a page of the kind who has everything up
// to from, and who may see what is the holder's; "" is nobody. What the viewer
// first gets always has the holder's own part. A cursor that is ahead is waited
// for, 2 s at most. With no cursor, one of another epoch, or one too old or
// still ahead, the viewer gets everything.
//
// After the hub's end it returns ErrEnded, and [Farewell] is due; if ctx ends
// first, its error; if there is no such page, ErrNoPage. The caller must call
// Leave.
func (b *Board) Join(ctx context.Context, k Kind, from store.Cursor, holder store.Holder) (*Viewer, error) {
	wait, cancel := context.WithTimeout(ctx, joinWait)
	defer cancel()
	b.await(wait, from)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return nil, ErrEnded
	}
	pages, err := b.broadcast(k)
	if err != nil {
		return nil, err
	}
	v := &Viewer{board: b, pages: pages, holder: holder}
	v.first, v.at = b.catchUp(pages, from, holder)
	pages.viewers[holder]++
	return v, nil
}

// Leave ends the viewer. It is safe to call at any time and repeatedly.
func (v *Viewer) Leave() {
	b := v.board
	b.mu.Lock()
	defer b.mu.Unlock()
	if v.left {
		return
	}
	v.left = true
	pages := v.pages
	if pages.viewers[v.holder]--; pages.viewers[v.holder] == 0 {
		delete(pages.viewers, v.holder)
	}
	if len(pages.viewers) == 0 && b.broadcasts[pages.kind] == pages {
		delete(b.broadcasts, pages.kind)
	}
}

// Next waits until there is something that the viewer lacks, and returns all of
// it, to be written at once. The buffers are shared: they must not be changed,
// and are the caller's only until the next call.
//
// It returns ErrTooSlow if the viewer lacks too much, ErrEnded once the hub has
// ended and the viewer has had its last bytes, and the error of ctx.
func (v *Viewer) Next(ctx context.Context) ([][]byte, error) {
	if v.err != nil {
		return nil, v.err
	}
	if v.first != nil {
		first := v.first
		v.first = nil
		return first, nil
	}
	if v.at.next.Load() == nil {
		select {
		case <-v.at.more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return v.collect()
}

// collect takes all frames that there are. The first does not count as lag, or
// one large frame would cost all viewers their stream.
func (v *Viewer) collect() ([][]byte, error) {
	clear(v.out) // else it keeps old frames from the garbage collector
	out, lag := v.out[:0], 0
	for f := v.at.next.Load(); f != nil; f = v.at.next.Load() {
		v.at = f
		if f.kind == reset {
			out, v.at = v.board.resync(v.pages, out[:0], v.holder)
		}
		if v.at.kind == last {
			out, v.err = append(out, Farewell()), ErrEnded
		}
		if f.kind == update {
			mine := f.private[v.holder]
			if len(out) > 0 {
				lag += len(f.public) + len(mine)
			}
			for _, part := range [][]byte{f.public, mine} {
				if len(part) > 0 {
					out = append(out, part)
				}
			}
		}
		if lag > v.board.hub.o.MaxLag {
			v.err = ErrTooSlow
			return nil, v.err
		}
	}
	v.out = out
	return out, nil
}

// catchUp returns what a viewer who has everything up to from lacks, and the
// frame after which it goes on.
func (b *Board) catchUp(pages *broadcast, from store.Cursor, holder store.Holder) ([][]byte, *frame) {
	if !b.knows(from) {
		return b.everything(pages, nil, holder)
	}
	lacks := pages.since(b.table, from.Position)
	mine := pages.drawMine(b, holder, b.table.lostBy(holder, lacks.seats, from.Position))
	if len(lacks.data)+len(mine) == 0 {
		return [][]byte{heartbeatMessage(b.at)}, pages.tail
	}
	return [][]byte{lacks.data, closeMessage(mine, b.at)}, pages.tail
}

// knows reports whether all changes since from are known here. Until the feed
// has passed the snapshot that the board began with, those before it are not.
func (b *Board) knows(from store.Cursor) bool {
	return b.at.Covers(from) && from.Position >= b.floor &&
		(from.Position >= b.base.Position || b.heard.Covers(b.base))
}

// catchup is what everybody lacks who has everything up to the same position:
// seats that changed, on the page or not.
type catchup struct {
	seats []int
	data  []byte
}

// maxCatchups bounds the positions for which catchups are kept.
const maxCatchups = 256

func (c *broadcast) since(t *table, position uint64) *catchup {
	if known := c.catchups[position]; known != nil {
		return known
	}
	lacks := &catchup{seats: t.since(position)}
	lacks.data = c.drawSeats(t, lacks.seats)
	if len(c.catchups) >= maxCatchups {
		clear(c.catchups)
	}
	c.catchups[position] = lacks
	return lacks
}

// resync is everything, for a viewer under way. Where the end has come since,
// it is nothing: there may be no such page any more.
func (b *Board) resync(pages *broadcast, out [][]byte, holder store.Holder) ([][]byte, *frame) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if pages.tail.kind == last {
		return out, pages.tail
	}
	return b.everything(pages, out, holder)
}

// everything returns all sections of the page, the summary and the holder's
// part, added to out, and the frame after which it goes on.
func (b *Board) everything(pages *broadcast, out [][]byte, holder store.Holder) ([][]byte, *frame) {
	for _, k := range pages.shows {
		if pages.messages[k] == nil {
			pages.messages[k] = append(pages.drawSection(b.table, k, true), '\n')
		}
		out = append(out, pages.messages[k])
	}
	all := make([]int, len(b.table.sections))
	for k := range all {
		all[k] = k
	}
	final := append(pages.drawSummary(b.table, all), pages.drawMine(b, holder, nil)...)
	if len(final) == 0 {
		return append(out, heartbeatMessage(b.at)), pages.tail
	}
	return append(out, closeMessage(final, b.at)), pages.tail
}
