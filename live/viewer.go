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
	at     *frame       // the last frame that the viewer has had
	told   store.Cursor // what it has everything up to
	first  [][]byte     // what it is due before that, or nil
	out    [][]byte     // reused by Next
	err    error        // what Next will return for ever
	left   bool         // guarded by the board's mu
}

// Join begins a stream for a viewer of a page of the kind who has everything up
// to from, and who may see what is the holder's; "" is nobody. What the viewer
// first gets always has the holder's own part. A cursor that is ahead is waited
// for, 2 s at most. With no cursor, one of another history, or one too old or
// still ahead, the viewer gets everything.
//
// After the hub's or the board's end it returns ErrEnded, and [Farewell] is due; if ctx ends
// first, its error; if there is no such page, ErrNoPage. The caller must call
// Leave.
func (b *Board) Join(ctx context.Context, k Kind, from store.Cursor, holder store.Holder) (*Viewer, error) {
	wait, cancel := context.WithTimeout(ctx, joinWait)
	defer cancel()
	from = b.hub.resume(wait, from)
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
	v := &Viewer{board: b, pages: pages, holder: holder, told: from}
	pages.viewers[holder]++
	_, what, _ := b.lacks(pages, from)
	pages.prepare(b, what)
	if b.ended || pages.tail.ends() {
		v.leave()
		return nil, ErrEnded
	}
	v.first = v.catchUp()
	return v, nil
}

// Leave ends the viewer. It is safe to call at any time and repeatedly.
func (v *Viewer) Leave() {
	v.board.mu.Lock()
	defer v.board.mu.Unlock()
	v.leave()
}

// leave is for who has the board's mutex.
func (v *Viewer) leave() {
	if v.left {
		return
	}
	v.left = true
	pages := v.pages
	if pages.viewers[v.holder]--; pages.viewers[v.holder] == 0 {
		delete(pages.viewers, v.holder)
	}
	if b := v.board; len(pages.viewers) == 0 && b.broadcasts[pages.kind] == pages {
		delete(b.broadcasts, pages.kind)
	}
}

// Next waits until there is something that the viewer lacks, and returns all of
// it, to be written at once. The buffers are shared: they must not be changed,
// and are the caller's only until the next call.
//
// It returns ErrTooSlow if the viewer lacks too much, ErrEnded once the hub has
// ended or there is no such page any more, and the viewer has had its last bytes,
// and the error of ctx.
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
			out = v.resync(out[:0])
		}
		switch v.at.kind {
		case last:
			out, v.err = append(out, Farewell()), ErrEnded
		case gone:
			out, v.err = append(out, goneMessage()), ErrEnded
		}
		if f.kind == update {
			v.told = f.at
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

// muchLacking is how many seats a page must have for a viewer who lacks half of
// them to be told everything: what is told of whole pages is shared by all.
const muchLacking = 4000

// lacks returns what a viewer of a page lacks who has everything up to from: the
// seats that have changed, and the pieces that tell of them. known is false if
// that is the whole page.
func (b *Board) lacks(pages *broadcast, from store.Cursor) (seats []int, what []piece, known bool) {
	b.hear()
	if !b.knows(from) {
		return nil, pages.resynced(), false
	}
	seats = b.table.since(from.Position)
	what = pages.pieces(b.table, seats)
	told, all := 0, 0
	for _, p := range what {
		told += len(b.table.seatsOf(p))
	}
	for _, k := range pages.shows {
		all += len(b.table.of(k))
	}
	if all > muchLacking && 2*told > all {
		return nil, pages.resynced(), false
	}
	return seats, what, true
}

// catchUp returns what the viewer lacks, and has it go on from there.
func (v *Viewer) catchUp() [][]byte {
	b, pages := v.board, v.pages
	seats, _, known := b.lacks(pages, v.told)
	if !known {
		return v.everything(nil)
	}
	out := pages.drawSeats(b.table, seats)
	mine := v.mine()
	v.at, v.told = pages.tail, b.at
	if len(out)+len(mine) == 0 {
		return [][]byte{heartbeatMessage(b.at)}
	}
	return append(out, closeMessage(mine, b.at))
}

// mine draws the holder's own part, with what was lost since the viewer was told.
func (v *Viewer) mine() []byte {
	var lost []Loss
	if v.told.Epoch == v.board.at.Epoch {
		lost = v.board.table.lostBy(v.holder, v.told.Position)
	}
	return v.pages.drawMine(v.board, v.holder, lost)
}

// knows reports whether all changes since from are known here. Until the feed
// has passed the snapshot that the board began with, those before it are not.
func (b *Board) knows(from store.Cursor) bool {
	return b.at.Covers(from) && from.Position >= b.floor &&
		(from.Position >= b.base.Position || b.heard.Covers(b.base))
}

// resync is everything, for a viewer under way. Where the end has come since,
// it is nothing: there may be no such page any more.
func (v *Viewer) resync(out [][]byte) [][]byte {
	b := v.board
	b.mu.Lock()
	defer b.mu.Unlock()
	if !v.pages.tail.ends() {
		v.pages.prepare(b, v.pages.resynced())
	}
	if v.pages.tail.ends() {
		v.at = v.pages.tail
		return out
	}
	return v.everything(out)
}

// everything returns all sections of the page, the summary and the holder's
// part, added to out, and has the viewer go on from there.
func (v *Viewer) everything(out [][]byte) [][]byte {
	b, pages := v.board, v.pages
	b.hear()
	for _, p := range pages.resynced() {
		out = append(out, pages.piece(b.table, p), newline)
	}
	all := make([]int, len(b.table.sections))
	for k := range all {
		all[k] = k
	}
	final := append(pages.drawSummary(b.table, all), v.mine()...)
	v.at, v.told = pages.tail, b.at
	if len(final) == 0 {
		return append(out, heartbeatMessage(b.at))
	}
	return append(out, closeMessage(final, b.at))
}
