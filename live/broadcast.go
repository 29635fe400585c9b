package live

import (
	"bytes"
	"slices"
	"sync"

	"github.com/seatlock/seatlock/store"
)

// broadcast is the chain of frames for all viewers of one kind of page, each of
// whom reads it at their own pace. It exists while it has viewers. The board's
// mu guards it, but not the frames, which are immutable.
type broadcast struct {
	kind    Kind
	draw    Page
	shows   []int
	tail    *frame
	viewers map[store.Holder]int

	// drawn caches what the renderer of this edition has drawn for all viewers.
	// drawing is held while many seats are drawn without the board's mu.
	drawn   map[piece][]byte
	edition int
	drawing sync.Mutex
}

// piece names what is drawn once for everybody: one seat or one section.
type piece struct {
	what pieceKind
	n    int // number of the seat or of the section
}

type pieceKind uint8

const (
	oneSeat         pieceKind = iota
	wholeSection              // newer seats of the page stay
	resyncedSection           // replaces all seats of the page
)

// broadcast returns the broadcast of a kind, creating it if needed.
func (b *Board) broadcast(k Kind) (*broadcast, error) {
	if bc := b.broadcasts[k]; bc != nil {
		return bc, nil
	}
	bc := &broadcast{kind: k, tail: newFrame(update), viewers: map[store.Holder]int{}}
	if !bc.setRenderer(b.draw) {
		return nil, ErrNoPage
	}
	b.broadcasts[k] = bc
	return bc, nil
}

// setRenderer switches to another renderer and clears the cache. It reports
// whether the event still has such a page.
func (bc *broadcast) setRenderer(draw Renderer) (ok bool) {
	if bc.draw, ok = draw.Page(bc.kind); !ok {
		return false
	}
	bc.shows = bc.draw.Shows()
	bc.drawn = map[piece][]byte{}
	bc.edition++
	return true
}

// forget drops the seats that have changed from the cache.
func (bc *broadcast) forget(t *table, changes []store.Change) {
	for _, change := range changes {
		if i, ok := t.number[change.Seat.ID]; ok {
			delete(bc.drawn, piece{oneSeat, i})
			delete(bc.drawn, piece{wholeSection, t.section(i)})
			delete(bc.drawn, piece{resyncedSection, t.section(i)})
		}
	}
}

// publish appends a frame with these changes, if they concern the page.
func (bc *broadcast) publish(b *Board, dirty []int, affected map[store.Holder]bool, since uint64) {
	f := newFrame(update)
	f.private = bc.drawPrivate(b, dirty, affected, since)
	f.at = b.at
	if public := bc.drawSeats(b.table, dirty); len(public) > 0 {
		f.public = closeMessage(bytes.Join(public, nil), b.at)
	}
	if len(f.public)+len(f.private) > 0 {
		bc.append(f)
	}
}

// append puts a frame behind the last one.
func (bc *broadcast) append(f *frame) {
	bc.tail.link(f)
	bc.tail = f
}

// drawPrivate draws the part of each affected holder who has a viewer.
func (bc *broadcast) drawPrivate(b *Board, dirty []int, affected map[store.Holder]bool, since uint64) map[store.Holder][]byte {
	var private map[store.Holder][]byte
	for holder := range affected {
		if bc.viewers[holder] == 0 {
			continue
		}
		if private == nil {
			private = map[store.Holder][]byte{}
		}
		if data := bc.drawMine(b, holder, b.table.lostBy(holder, since)); len(data) > 0 {
			private[holder] = closeMessage(data, b.at)
		}
	}
	return private
}

// drawMine returns the data lines of the holder's own part.
func (bc *broadcast) drawMine(b *Board, holder store.Holder, lost []Loss) []byte {
	m := Mine{Lost: lost, Now: b.hub.now()}
	m.Seats, m.Booked = b.table.mine(holder)
	return appendData(nil, bc.draw.Mine(nil, m))
}

// manySeats: of a section with more changed seats than this, all are sent.
const manySeats = 60

// drawSeats returns data lines with the public state of the given seats, ordered,
// that the page shows, and then the summary of their sections. Counts that have
// not changed are sent too: a viewer that joined between two changes may know
// others. The lines may be shared with the cache, and must not be changed.
func (bc *broadcast) drawSeats(t *table, seats []int) [][]byte {
	var out lines
	for _, p := range bc.pieces(t, seats) {
		out.add(bc.piece(t, p))
	}
	if len(seats) > 0 {
		var counted []int
		for k := range t.bySection(seats) {
			counted = append(counted, k)
		}
		out.add(bc.drawSummary(t, counted))
	}
	return out.parts
}

// pieces returns the pieces that cover those of the given seats, ordered, that
// the page shows.
func (bc *broadcast) pieces(t *table, seats []int) []piece {
	var out []piece
	for k, some := range t.bySection(seats) {
		switch _, shown := slices.BinarySearch(bc.shows, k); {
		case !shown:
		case len(some) > manySeats:
			out = append(out, piece{wholeSection, k})
		default:
			for _, i := range some {
				out = append(out, piece{oneSeat, i})
			}
		}
	}
	return out
}

// wholePage returns the pieces of the whole page, to replace what it shows.
func (bc *broadcast) wholePage() []piece {
	out := make([]piece, len(bc.shows))
	for i, k := range bc.shows {
		out[i] = piece{resyncedSection, k}
	}
	return out
}

// piece returns the data lines of a piece, drawing them if they are not cached.
func (bc *broadcast) piece(t *table, p piece) []byte {
	text, ok := bc.drawn[p]
	if !ok {
		text = p.render(bc.draw, publicSeats(t, p))
		bc.drawn[p] = text
	}
	return text
}

// render draws a piece from the given seats.
func (p piece) render(page Page, seats []store.Seat) []byte {
	if p.what == oneSeat {
		return appendData(nil, page.Seat(nil, seats[0]))
	}
	return appendData(nil, page.Section(nil, p.n, seats, p.what == resyncedSection))
}

// seatsOf returns the seats of a piece, which must not be changed.
func (t *table) seatsOf(p piece) []store.Seat {
	if p.what == oneSeat {
		return t.seats[p.n : p.n+1]
	}
	return t.of(p.n)
}

func publicSeats(t *table, p piece) []store.Seat {
	seats := slices.Clone(t.seatsOf(p))
	for i := range seats {
		seats[i] = public(seats[i])
	}
	return seats
}

func (bc *broadcast) drawSummary(t *table, sections []int) []byte {
	return appendData(nil, bc.draw.Summary(nil, t.counts, sections))
}

// drawBatch is the most seats that are drawn under the board's mutex. More
// are drawn without it, about as many at a time.
const drawBatch = 500

// prepare draws the pieces that are not cached, if that is much work. The
// caller holds the board's mutex, which is released meanwhile: what it has read
// of the board may be outdated afterwards. Other callers wait, and find the
// pieces drawn.
func (bc *broadcast) prepare(b *Board, pieces []piece) {
	if bc.undrawn(b.table, pieces) <= drawBatch {
		return
	}
	edition := bc.edition
	b.mu.Unlock()
	bc.drawing.Lock()
	defer bc.drawing.Unlock()
	b.mu.Lock()
	for bc.edition == edition && len(pieces) > 0 {
		pieces = bc.drawSome(b, pieces)
	}
}

// undrawn returns how many seats of the pieces are still to be drawn.
func (bc *broadcast) undrawn(t *table, pieces []piece) (n int) {
	for _, p := range pieces {
		if _, ok := bc.drawn[p]; !ok {
			n += len(t.seatsOf(p))
		}
	}
	return n
}

// drawSome draws the first pieces without the board's mutex, and returns the
// rest. It does not cache a piece whose seats have changed meanwhile.
func (bc *broadcast) drawSome(b *Board, pieces []piece) (rest []piece) {
	type sheet struct {
		piece
		seats []store.Seat
		text  []byte
	}
	var sheets []sheet
	for seats := 0; len(pieces) > 0 && seats < drawBatch; pieces = pieces[1:] {
		if _, ok := bc.drawn[pieces[0]]; !ok {
			sheets = append(sheets, sheet{piece: pieces[0], seats: publicSeats(b.table, pieces[0])})
			seats += len(b.table.seatsOf(pieces[0]))
		}
	}
	draw, edition := bc.draw, bc.edition
	func() {
		b.mu.Unlock()
		defer b.mu.Lock() // also if a renderer panics
		for i, s := range sheets {
			sheets[i].text = s.render(draw, s.seats)
		}
	}()
	for _, s := range sheets {
		if bc.edition == edition && slices.EqualFunc(s.seats, b.table.seatsOf(s.piece), sameVersion) {
			bc.drawn[s.piece] = s.text
		}
	}
	return pieces
}

func sameVersion(a, b store.Seat) bool { return a.Version == b.Version }
