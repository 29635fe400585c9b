package live

import (
	"bytes"
	"slices"
	"sync"

	"github.com/seatlock/seatlock/store"
)

// broadcast is the frames for all viewers of one kind of page, each of whom
// reads them at their own pace. It is there while it has viewers, and guarded by
// the board's mu; the frames themselves are not.
type broadcast struct {
	kind    Kind
	draw    Page
	shows   []int
	tail    *frame
	viewers map[store.Holder]int

	// drawn is what was drawn once for all viewers, by the renderer of this
	// edition. drawing is held by who draws much of it, without the board's mu.
	drawn   map[piece][]byte
	edition int
	drawing sync.Mutex
}

// piece is the data lines of a seat or a section as everybody sees it.
type piece struct {
	what pieceKind
	n    int // of the seat, or of the section
}

type pieceKind uint8

const (
	oneSeat      pieceKind = iota
	wholeSection           // in which a newer seat of the page stays
	resyncedSection
)

// broadcast finds the broadcast of a kind, or makes one.
func (b *Board) broadcast(k Kind) (*broadcast, error) {
	if c := b.broadcasts[k]; c != nil {
		return c, nil
	}
	c := &broadcast{kind: k, tail: newFrame(update), viewers: map[store.Holder]int{}}
	if !c.drawAnew(b.draw) {
		return nil, ErrNoPage
	}
	b.broadcasts[k] = c
	return c, nil
}

// drawAnew has everything drawn by a renderer from here on, and forgets what
// was drawn before. It reports whether the event still has such a page.
func (c *broadcast) drawAnew(draw Renderer) (ok bool) {
	if c.draw, ok = draw.Page(c.kind); !ok {
		return false
	}
	c.shows = c.draw.Shows()
	c.drawn = map[piece][]byte{}
	c.edition++
	return true
}

// forget drops what was drawn of seats that have changed.
func (c *broadcast) forget(t *table, changes []store.Change) {
	for _, change := range changes {
		if i, ok := t.number[change.Seat.ID]; ok {
			delete(c.drawn, piece{oneSeat, i})
			delete(c.drawn, piece{wholeSection, t.section(i)})
			delete(c.drawn, piece{resyncedSection, t.section(i)})
		}
	}
}

// publish appends what these changes mean for the page, if anything.
func (c *broadcast) publish(b *Board, dirty []int, affected map[store.Holder]bool, since uint64) {
	f := newFrame(update)
	f.private = c.drawPrivate(b, dirty, affected, since)
	f.at = b.at
	if public := c.drawSeats(b.table, dirty); len(public) > 0 {
		f.public = closeMessage(bytes.Join(public, nil), b.at)
	}
	if len(f.public)+len(f.private) > 0 {
		c.append(f)
	}
}

// append puts a frame behind the last one.
func (c *broadcast) append(f *frame) {
	c.tail.link(f)
	c.tail = f
}

// drawPrivate draws the part of each affected holder who has a viewer.
func (c *broadcast) drawPrivate(b *Board, dirty []int, affected map[store.Holder]bool, since uint64) map[store.Holder][]byte {
	var private map[store.Holder][]byte
	for holder := range affected {
		if c.viewers[holder] == 0 {
			continue
		}
		if private == nil {
			private = map[store.Holder][]byte{}
		}
		if data := c.drawMine(b, holder, b.table.lostBy(holder, since)); len(data) > 0 {
			private[holder] = closeMessage(data, b.at)
		}
	}
	return private
}

// drawMine returns the data lines of the holder's own part.
func (c *broadcast) drawMine(b *Board, holder store.Holder, lost []Loss) []byte {
	m := Mine{Lost: lost, Now: b.hub.now()}
	m.Seats, m.Booked = b.table.mine(holder)
	return appendData(nil, c.draw.Mine(nil, m))
}

// manySeats is how many changed seats of one section are told as the section.
const manySeats = 60

// drawSeats returns data lines with the state of those of the given seats,
// ordered, that the page shows, as everybody sees it, then the summary of their
// sections. Counts that are what they were are told, too: who came between two
// changes knows others. What is long is not a copy, and must not be changed.
func (c *broadcast) drawSeats(t *table, seats []int) [][]byte {
	var out lines
	for _, p := range c.pieces(t, seats) {
		out.add(c.piece(t, p))
	}
	if len(seats) > 0 {
		var counted []int
		for k := range t.bySection(seats) {
			counted = append(counted, k)
		}
		out.add(c.drawSummary(t, counted))
	}
	return out.parts
}

// pieces returns what tells of those of the given seats, ordered, that the page
// shows. Many seats of a section are the whole of it.
func (c *broadcast) pieces(t *table, seats []int) []piece {
	var out []piece
	for k, some := range t.bySection(seats) {
		switch _, shown := slices.BinarySearch(c.shows, k); {
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

// resynced returns the pieces that are the whole page.
func (c *broadcast) resynced() []piece {
	out := make([]piece, len(c.shows))
	for i, k := range c.shows {
		out[i] = piece{resyncedSection, k}
	}
	return out
}

// piece returns the lines of a piece, drawing them if need be.
func (c *broadcast) piece(t *table, p piece) []byte {
	text, ok := c.drawn[p]
	if !ok {
		text = p.drawn(c.draw, publicSeats(t, p))
		c.drawn[p] = text
	}
	return text
}

// drawn draws a piece of the given seats.
func (p piece) drawn(page Page, seats []store.Seat) []byte {
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

func (c *broadcast) drawSummary(t *table, sections []int) []byte {
	return appendData(nil, c.draw.Summary(nil, t.counts, sections))
}

// drawnUnlocked is how many seats are drawn under the board's mutex, and at most
// at once without it.
const drawnUnlocked = 500

// prepare draws what there is to draw of the pieces, if that is much, without
// the board's mutex, which its caller has: it is free meanwhile, and the board
// may be another one after it. Who comes for the same waits, and finds it drawn.
func (c *broadcast) prepare(b *Board, pieces []piece) {
	if c.undrawn(b.table, pieces) <= drawnUnlocked {
		return
	}
	edition := c.edition
	b.mu.Unlock()
	c.drawing.Lock()
	defer c.drawing.Unlock()
	b.mu.Lock()
	for c.edition == edition && len(pieces) > 0 {
		pieces = c.drawSome(b, pieces)
	}
}

// undrawn returns how many seats of the pieces are still to be drawn.
func (c *broadcast) undrawn(t *table, pieces []piece) (n int) {
	for _, p := range pieces {
		if _, ok := c.drawn[p]; !ok {
			n += len(t.seatsOf(p))
		}
	}
	return n
}

// drawSome draws the first of the pieces without the board's mutex, and returns
// the others. What has changed meanwhile is left to who needs it.
func (c *broadcast) drawSome(b *Board, pieces []piece) (rest []piece) {
	type sheet struct {
		piece
		seats []store.Seat
		text  []byte
	}
	var sheets []sheet
	for seats := 0; len(pieces) > 0 && seats < drawnUnlocked; pieces = pieces[1:] {
		if _, ok := c.drawn[pieces[0]]; !ok {
			sheets = append(sheets, sheet{piece: pieces[0], seats: publicSeats(b.table, pieces[0])})
			seats += len(b.table.seatsOf(pieces[0]))
		}
	}
	draw, edition := c.draw, c.edition
	func() {
		b.mu.Unlock()
		defer b.mu.Lock() // also if a renderer panics
		for i, s := range sheets {
			sheets[i].text = s.drawn(draw, s.seats)
		}
	}()
	for _, s := range sheets {
		if c.edition == edition && slices.EqualFunc(s.seats, b.table.seatsOf(s.piece), sameVersion) {
			c.drawn[s.piece] = s.text
		}
	}
	return pieces
}

func sameVersion(a, b store.Seat) bool { return a.Version == b.Version }
