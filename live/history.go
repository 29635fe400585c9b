package live

import (
	"time"

	"github.com/seatlock/seatlock/store"
)

// history is what the feed has told of events that have no board, so that a
// board loaded later answers cursors that are older than itself. All after its
// floor is known. It has two chapters: where the younger one is full or old
// enough, it becomes the older one, and what that was is forgotten. The hub's
// mu guards it.
type history struct{ old, young chapter }

// chapter is what the feed has told after a position, by event.
type chapter struct {
	since  uint64
	begun  time.Time
	size   int             // of all events and their seats
	events map[string]past // by value: who is gone leaves no small objects behind
}

// past is what is known of one event.
type past struct {
	// floor is where what was known of the event ends; 0 is nowhere.
	floor uint64
	// told counts how often the feed has told of the event itself, the last
	// time at defined. A cursor from before that is of a page which has another
	// definition, or another event by the same id; only the first time may be
	// of an event that was created. A batch of the feed is one place, so that
	// some are told more than they lack.
	told    int
	defined uint64
	seats   map[string]move
}

// move is the feed position of a seat's last change, and who last lost it.
type move struct {
	position uint64
	lost     loss
}

// maxPast bounds what one chapter has of events and seats: some 10 MB.
const maxPast = 50_000

func newChapter(since uint64, now time.Time) chapter {
	return chapter{since: since, begun: now, events: map[string]past{}}
}

// begin forgets everything: nothing before the position is known.
func (h *history) begin(position uint64, now time.Time) {
	h.old, h.young = newChapter(position, now), newChapter(position, now)
}

func (h *history) floor() uint64 { return h.old.since }

// turn begins another chapter at the feed's position, if it is time.
func (h *history) turn(position uint64, now time.Time, after time.Duration) {
	if h.young.size >= maxPast || now.Sub(h.young.begun) >= after {
		h.old, h.young = h.young, newChapter(position, now)
	}
}

// amend has edit add to what is known of an event.
func (h *history) amend(event string, edit func(p *past)) {
	p, known := h.young.events[event]
	before := len(p.seats)
	edit(&p)
	if p.told == 0 && len(p.seats) == 0 && p.floor <= h.floor() {
		return // the history's own floor says as much
	}
	if !known {
		h.young.size++
	}
	h.young.size += len(p.seats) - before
	h.young.events[event] = p
}

// note takes what a batch of the feed has for an event, of which it tells as
// often as told says.
func (h *history) note(event string, position uint64, told int, changes []store.Change) {
	h.amend(event, func(p *past) {
		if told > 0 {
			p.told += told
			p.defined = position
		}
		for _, c := range changes {
			m := move{position: position, lost: p.seats[c.Seat.ID].lost}
			if l, ok := lossOf(c, position); ok {
				m.lost = l
			}
			p.put(c.Seat.ID, m)
		}
	})
}

func (p *past) put(seat string, m move) {
	if p.seats == nil {
		p.seats = map[string]move{}
	}
	p.seats[seat] = m
}

// keep takes over what a board knows that leaves memory.
func (h *history) keep(b *Board) {
	h.amend(b.id, func(p *past) {
		p.told, p.floor = b.told, b.floor
		for i, position := range b.table.changed {
			if position > h.floor() {
				p.put(b.table.seats[i].ID, move{position, b.table.lost[i]})
			}
		}
	})
}

// end tells that nothing before the position is known of an event.
func (h *history) end(event string, position uint64) {
	h.forget(event)
	h.amend(event, func(p *past) { p.floor = position })
}

// recall has the table of an event know what there is of it, and returns the
// board's floor, and how often the event was told of.
func (h *history) recall(event store.Event, t *table) (floor uint64, told int) {
	floor = h.floor()
	defined := uint64(0)
	for _, one := range []chapter{h.old, h.young} {
		p := one.events[event.ID] // or nothing, which adds nothing
		floor = max(floor, p.floor)
		defined = max(defined, p.defined)
		told += p.told
		for id, m := range p.seats {
			if i, ok := t.number[id]; ok {
				t.changed[i] = max(t.changed[i], m.position)
				t.lose(i, m.lost)
			}
		}
	}
	if event.Revision > 1 || told > 1 {
		floor = max(floor, defined)
	}
	return floor, told
}

// forget is for an event whose board keeps all that is told from here on.
func (h *history) forget(event string) {
	for _, one := range []*chapter{&h.old, &h.young} {
		if p, known := one.events[event]; known {
			one.size -= 1 + len(p.seats)
			delete(one.events, event)
		}
	}
}
