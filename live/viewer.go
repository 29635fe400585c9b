package live

import (
	"context"
	"time"

	"github.com/seatlock/seatlock/store"
)

// joinWait is how long Join waits for the feed if the viewer's cursor is ahead of
// this instance.
const joinWait = 2 * time.Second

// Viewer is one open stream of a board. Next is for one goroutine at a time.
type Viewer struct {
	board     *Board
	broadcast *broadcast
	holder    store.Holder
	at        *frame       // the last frame that the viewer has read
	seen      store.Cursor // the viewer has everything up to here
	first     [][]byte     // what the next call of Next returns, or nil
	out       [][]byte     // reused by Next
	err       error        // what Next returns from now on
	left      bool         // guarded by the board's mu
}

// Join begins a stream for a viewer of a page of the kind who has everything up
// to from, and who sees what is the holder's; "" is nobody. The first bytes
// always include the holder's own part. If from is ahead of this instance, Join
// waits for up to 2 s. With no cursor, one of another history, or one too old
// or still ahead, the viewer gets everything.
//
// After the hub or the board has ended it returns ErrEnded, and the caller
// sends [Farewell]. It returns the error of ctx if that ends first, and
// ErrNoPage if there is no such page. The caller must call Leave.
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
	bc, err := b.broadcast(k)
	if err != nil {
		return nil, err
	}
	v := &Viewer{board: b, broadcast: bc, holder: holder, seen: from}
	bc.viewers[holder]++
	_, what, _ := b.lacks(bc, from)
	bc.prepare(b, what)
	if b.ended || bc.tail.ends() {
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

// leave is Leave with the board's mutex held.
func (v *Viewer) leave() {
	if v.left {
		return
	}
	v.left = true
	bc := v.broadcast
	if bc.viewers[v.holder]--; bc.viewers[v.holder] == 0 {
		delete(bc.viewers, v.holder)
	}
	if b := v.board; len(bc.viewers) == 0 && b.broadcasts[bc.kind] == bc {
		delete(b.broadcasts, bc.kind)
	}
}

// Next waits until the viewer lacks something, and returns all of it, to be
// written at once. The buffers are shared: they must not be changed, and are
// valid until the next call.
//
// It returns ErrTooSlow if the viewer lacks too much; ErrEnded after the viewer's
// last bytes, once the hub or the board has ended or the page no longer exists;
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

// collect takes all frames that there are. The first one does not count as lag:
// otherwise one large frame would drop every viewer.
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
			v.seen = f.at
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

// muchLacking: on a page with more seats than this, a viewer who lacks more than
// half of them is sent the whole page, which is drawn once for all viewers.
const muchLacking = 4000

// lacks returns what a viewer who has everything up to from lacks of a page: the
// seats that have changed, and the pieces that cover them. If known is false, the
// viewer needs the whole page.
func (b *Board) lacks(bc *broadcast, from store.Cursor) (seats []int, what []piece, known bool) {
	b.followHub()
	if !b.knows(from) {
		return nil, bc.wholePage(), false
	}
	seats = b.table.since(from.Position)
	what = bc.pieces(b.table, seats)
	covered, all := 0, 0
	for _, p := range what {
		covered += len(b.table.seatsOf(p))
	}
	for _, k := range bc.shows {
		all += len(b.table.of(k))
	}
	if all > muchLacking && 2*covered > all {
		return nil, bc.wholePage(), false
	}
	return seats, what, true
}

// catchUp returns what the viewer lacks, and moves the viewer to the newest
// frame.
func (v *Viewer) catchUp() [][]byte {
	b, bc := v.board, v.broadcast
	seats, _, known := b.lacks(bc, v.seen)
	if !known {
		return v.everything(nil)
	}
	out := bc.drawSeats(b.table, seats)
	mine := v.mine()
	v.at, v.seen = bc.tail, b.at
	if len(out)+len(mine) == 0 {
		return [][]byte{heartbeatMessage(b.at)}
	}
	return append(out, closeMessage(mine, b.at))
}

// mine draws the holder's own part, with the losses since the viewer's cursor.
func (v *Viewer) mine() []byte {
	var lost []Loss
	if v.seen.Epoch == v.board.at.Epoch {
		lost = v.board.table.lostBy(v.holder, v.seen.Position)
	}
	return v.broadcast.drawMine(v.board, v.holder, lost)
}

// knows reports whether all changes since from are known here. Those before the
// snapshot that the board began with are known once the feed has passed it.
func (b *Board) knows(from store.Cursor) bool {
	return b.at.Covers(from) && from.Position >= b.floor &&
		(from.Position >= b.base.Position || b.heard.Covers(b.base))
}

// resync returns everything, for a viewer under way. If the broadcast has ended
// meanwhile it adds nothing: the page may no longer exist.
func (v *Viewer) resync(out [][]byte) [][]byte {
	b := v.board
	b.mu.Lock()
	defer b.mu.Unlock()
	if !v.broadcast.tail.ends() {
		v.broadcast.prepare(b, v.broadcast.wholePage())
	}
	if v.broadcast.tail.ends() {
		v.at = v.broadcast.tail
		return out
	}
	return v.everything(out)
}

// everything appends all sections of the page, the summary and the holder's part
// to out, and moves the viewer to the newest frame.
func (v *Viewer) everything(out [][]byte) [][]byte {
	b, bc := v.board, v.broadcast
	b.followHub()
	for _, p := range bc.wholePage() {
		out = append(out, bc.piece(b.table, p), newline)
	}
	all := make([]int, len(b.table.sections))
	for k := range all {
		all[k] = k
	}
	final := append(bc.drawSummary(b.table, all), v.mine()...)
	v.at, v.seen = bc.tail, b.at
	if len(final) == 0 {
		return append(out, heartbeatMessage(b.at))
	}
	return append(out, closeMessage(final, b.at))
}
