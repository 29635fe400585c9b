package live

import (
	"maps"
	"slices"

	"github.com/seatlock/seatlock/store"
)

// pageLog is the frames of one kind of page, which all its viewers read at
// their own pace. It is there while it has viewers, and guarded by the board's
// mu; the frames themselves are not.
type pageLog struct {
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

// log finds the log of a kind, or makes one.
func (b *Board) log(k Kind) (*pageLog, error) {
	if l := b.logs[k]; l != nil {
		return l, nil
	}
	l := &pageLog{kind: k, tail: newFrame(update), viewers: map[store.Holder]int{}}
	if !l.begin(b.draw, b.table) {
		return nil, ErrNoPage
	}
	b.logs[k] = l
	return l, nil
}

// begin takes up a new table. It reports whether the event still has such a
// page.
func (l *pageLog) begin(draw Renderer, t *table) (ok bool) {
	if l.draw, ok = draw.Page(l.kind); !ok {
		return false
	}
	l.shows = l.draw.Shows()
	l.lines = map[int][]byte{}
	l.messages = map[int][]byte{}
	l.catchups = map[uint64]*catchup{}
	return true
}

// forget drops what was drawn of seats that have changed.
func (l *pageLog) forget(t *table, changes []store.Change) {
	clear(l.catchups)
	for _, c := range changes {
		if i, ok := t.number[c.Seat.ID]; ok {
			delete(l.lines, i)
			delete(l.messages, t.section(i))
		}
	}
}

// publish appends what these changes mean for the page, if anything.
func (l *pageLog) publish(b *Board, dirty []int, concerned map[store.Holder]bool, since uint64) {
	f := newFrame(update)
	public, whole := l.drawSeats(b.table, dirty)
	if len(whole) > 0 {
		concerned = maps.Clone(concerned)
		b.table.concernAll(concerned, whole)
	}
	f.private = l.drawPrivate(b, dirty, concerned, since)
	if len(public) > 0 {
		f.public = closeMessage(public, b.at)
	}
	if len(public)+len(f.private) > 0 {
		l.append(f)
	}
}

// append puts a frame at the end of the log.
func (l *pageLog) append(f *frame) {
	l.tail.link(f)
	l.tail = f
}

// drawPrivate draws the part of each concerned holder who has a viewer.
func (l *pageLog) drawPrivate(b *Board, dirty []int, concerned map[store.Holder]bool, since uint64) map[store.Holder][]byte {
	var private map[store.Holder][]byte
	for holder := range concerned {
		if l.viewers[holder] == 0 {
			continue
		}
		if private == nil {
			private = map[store.Holder][]byte{}
		}
		if data := l.drawMine(b, holder, b.table.lostBy(holder, dirty, since)); len(data) > 0 {
			private[holder] = closeMessage(data, b.at)
		}
	}
	return private
}

// drawMine returns the data lines of the holder's own part.
func (l *pageLog) drawMine(b *Board, holder store.Holder, lost []store.Seat) []byte {
	return appendData(nil, l.draw.Mine(nil, Mine{Seats: b.table.mine(holder), Lost: lost, Now: b.hub.now()}))
}

// manySeats is how many changed seats of one section are told as the section.
const manySeats = 60

// drawSeats returns data lines with the state of those of the given seats,
// ordered, that the page shows, as everybody sees it, then the summary of their
// sections; and which sections it drew as a whole. Counts that are what they
// were are told, too: who came between two changes knows others.
func (l *pageLog) drawSeats(t *table, seats []int) (data []byte, whole []int) {
	var out lines
	var counted []int
	for k, some := range t.bySection(seats) {
		counted = append(counted, k)
		switch _, shown := slices.BinarySearch(l.shows, k); {
		case !shown:
		case len(some) > manySeats:
			out.add(l.drawSection(t, k, false))
			whole = append(whole, k)
		default:
			for _, i := range some {
				out.add(l.drawSeat(t, i))
			}
		}
	}
	if len(counted) > 0 {
		out.add(l.drawSummary(t, counted))
	}
	return out.text, whole
}

func (l *pageLog) drawSeat(t *table, i int) []byte {
	if l.lines[i] == nil {
		l.lines[i] = appendData(nil, l.draw.Seat(nil, public(t.seats[i])))
	}
	return l.lines[i]
}

func (l *pageLog) drawSection(t *table, k int, resync bool) []byte {
	seats := slices.Clone(t.of(k))
	for i := range seats {
		seats[i] = public(seats[i])
	}
	return appendData(nil, l.draw.Section(nil, k, seats, resync))
}

func (l *pageLog) drawSummary(t *table, sections []int) []byte {
	return appendData(nil, l.draw.Summary(nil, t.counts, sections))
}
