package live

import (
	"slices"

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

	// What is drawn once for all viewers: the data lines of seats, whole
	// sections as a resync sends them, and what those lack who come with the
	// same position.
	lines    map[int][]byte
	messages map[int][]byte
	catchups map[uint64]*catchup
}

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
	c.lines = map[int][]byte{}
	c.messages = map[int][]byte{}
	c.catchups = map[uint64]*catchup{}
	return true
}

// forget drops what was drawn of seats that have changed.
func (c *broadcast) forget(t *table, changes []store.Change) {
	clear(c.catchups)
	for _, change := range changes {
		if i, ok := t.number[change.Seat.ID]; ok {
			delete(c.lines, i)
			delete(c.messages, t.section(i))
		}
	}
}

// publish appends what these changes mean for the page, if anything.
func (c *broadcast) publish(b *Board, dirty []int, affected map[store.Holder]bool, since uint64) {
	f := newFrame(update)
	f.private = c.drawPrivate(b, dirty, affected, since)
	if public := c.drawSeats(b.table, dirty); len(public) > 0 {
		f.public = closeMessage(public, b.at)
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
		if data := c.drawMine(b, holder, b.table.lostBy(holder, dirty, since)); len(data) > 0 {
			private[holder] = closeMessage(data, b.at)
		}
	}
	return private
}

// drawMine returns the data lines of the holder's own part.
func (c *broadcast) drawMine(b *Board, holder store.Holder, lost []Loss) []byte {
	return appendData(nil, c.draw.Mine(nil, Mine{Seats: b.table.mine(holder), Lost: lost, Now: b.hub.now()}))
}

// manySeats is how many changed seats of one section are told as the section.
const manySeats = 60

// drawSeats returns data lines with the state of those of the given seats,
// ordered, that the page shows, as everybody sees it, then the summary of their
// sections. Many seats of a section are drawn as the whole of it. Counts that
// are what they were are told, too: who came between two changes knows others.
func (c *broadcast) drawSeats(t *table, seats []int) []byte {
	var out lines
	var counted []int
	for k, some := range t.bySection(seats) {
		counted = append(counted, k)
		switch _, shown := slices.BinarySearch(c.shows, k); {
		case !shown:
		case len(some) > manySeats:
			out.add(c.drawSection(t, k, false))
		default:
			for _, i := range some {
				out.add(c.drawSeat(t, i))
			}
		}
	}
	if len(counted) > 0 {
		out.add(c.drawSummary(t, counted))
	}
	return out.text
}

func (c *broadcast) drawSeat(t *table, i int) []byte {
	if c.lines[i] == nil {
		c.lines[i] = appendData(nil, c.draw.Seat(nil, public(t.seats[i])))
	}
	return c.lines[i]
}

func (c *broadcast) drawSection(t *table, k int, resync bool) []byte {
	seats := slices.Clone(t.of(k))
	for i := range seats {
		seats[i] = public(seats[i])
	}
	return appendData(nil, c.draw.Section(nil, k, seats, resync))
}

func (c *broadcast) drawSummary(t *table, sections []int) []byte {
	return appendData(nil, c.draw.Summary(nil, t.counts, sections))
}
