package live

import (
	"time"

	"github.com/seatlock/seatlock/store"
)

// history is what the feed has reported of events that have no board, so that a
// board loaded later can answer cursors that are older than itself. Everything
// after its floor is known. It has two generations: when the young one is full or
// old enough, it becomes the old one, and the old one is dropped. The hub's mu
// guards it.
type history struct{ old, young generation }

// generation is what the feed has reported after a position, by event.
type generation struct {
	since  uint64
	begun  time.Time
	size   int             // events and their seats
	events map[string]past // by value, so that dropped events leave no small objects
}

// past is what is known of one event.
type past struct {
	// floor is the position before which the event's past is unknown; 0 if it is
	// unknown only before the history's own floor.
	floor uint64
	// definitions counts how often the feed reported that the event was created
	// or changed; defined is the position of the last report. Before that, a
	// cursor is of a page with another definition, or of another event with the
	// same id; only the first report may be of the event's creation. A batch
	// has one position, so that some viewers are sent more than they lack.
	definitions int
	defined     uint64
	seats       map[string]lastChange
}

// lastChange is the feed position of a seat's last change, and the seat's last
// loss.
type lastChange struct {
	position uint64
	lost     loss
}

// maxPast bounds the events and seats of one generation: some 10 MB.
const maxPast = 50_000

func newGeneration(since uint64, now time.Time) generation {
	return generation{since: since, begun: now, events: map[string]past{}}
}

// begin forgets everything: nothing before the position is known.
func (h *history) begin(position uint64, now time.Time) {
	h.old, h.young = newGeneration(position, now), newGeneration(position, now)
}

func (h *history) floor() uint64 { return h.old.since }

// rotate begins another generation at the feed's position, if the young one is
// full or has lasted for after.
func (h *history) rotate(position uint64, now time.Time, after time.Duration) {
	if h.young.size >= maxPast || now.Sub(h.young.begun) >= after {
		h.old, h.young = h.young, newGeneration(position, now)
	}
}

// amend has edit change what is known of an event.
func (h *history) amend(event string, edit func(p *past)) {
	p, known := h.young.events[event]
	before := len(p.seats)
	edit(&p)
	if p.definitions == 0 && len(p.seats) == 0 && p.floor <= h.floor() {
		return // the history's own floor says as much
	}
	if !known {
		h.young.size++
	}
	h.young.size += len(p.seats) - before
	h.young.events[event] = p
}

// note records a batch for one event; definitions is how often it reports the
// event itself.
func (h *history) note(event string, position uint64, definitions int, changes []store.Change) {
	h.amend(event, func(p *past) {
		if definitions > 0 {
			p.definitions += definitions
			p.defined = position
		}
		for _, c := range changes {
			m := lastChange{position: position, lost: p.seats[c.Seat.ID].lost}
			if l, ok := lossOf(c, position); ok {
				m.lost = l
			}
			p.put(c.Seat.ID, m)
		}
	})
}

func (p *past) put(seat string, m lastChange) {
	if p.seats == nil {
		p.seats = map[string]lastChange{}
	}
	p.seats[seat] = m
}

// keep records what a board that leaves memory knows.
func (h *history) keep(b *Board) {
	h.amend(b.id, func(p *past) {
		p.definitions, p.floor = b.definitions, b.floor
		for i, position := range b.table.changed {
			if position > h.floor() {
				p.put(b.table.seats[i].ID, lastChange{position, b.table.lost[i]})
			}
		}
	})
}

// end records that nothing before the position is known of an event.
func (h *history) end(event string, position uint64) {
	h.forget(event)
	h.amend(event, func(p *past) { p.floor = position })
}

// recall adds what is known of an event to its table, and returns the board's
// floor, and how often the event was reported.
func (h *history) recall(event store.Event, t *table) (floor uint64, definitions int) {
	floor = h.floor()
	defined := uint64(0)
	for _, one := range []generation{h.old, h.young} {
		p := one.events[event.ID] // its zero value adds nothing
		floor = max(floor, p.floor)
		defined = max(defined, p.defined)
		definitions += p.definitions
		for id, m := range p.seats {
			if i, ok := t.number[id]; ok {
				t.changed[i] = max(t.changed[i], m.position)
				t.lose(i, m.lost)
			}
		}
	}
	if event.Revision > 1 || definitions > 1 {
		floor = max(floor, defined)
	}
	return floor, definitions
}

// forget drops an event whose board keeps everything from here on.
func (h *history) forget(event string) {
	for _, one := range []*generation{&h.old, &h.young} {
		if p, known := one.events[event]; known {
			one.size -= 1 + len(p.seats)
			delete(one.events, event)
		}
	}
}
