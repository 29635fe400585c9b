package live

import (
	"fmt"
	"iter"
	"slices"

	"github.com/seatlock/seatlock/store"
)

// table is the seats of one event as of the last batch. A seat's number is its
// place in the plan's order.
type table struct {
	seats    []store.Seat
	number   map[string]int
	sections []section
	held     byHolder // locked and paying seats
	booked   byHolder // booked ones
	counts   []Counts // by section
	status   func(store.Seat) store.Status

	// changed has the feed position of each seat's last change, 0 if there was
	// none since the floor. lost has each seat's last loss, and losses the same
	// seats by the holder who is to be told.
	changed []uint64
	lost    []loss
	losses  byHolder

	// What merge has found since the last take: seats that changed, and their
	// holders before and after.
	dirty    []int
	isDirty  []bool
	affected map[store.Holder]bool
}

// section is the seats from first up to end.
type section struct{ first, end int }

type loss struct {
	holder   store.Holder
	reason   store.Reason
	position uint64
}

// newTable orders seats by section, and counts them by status. It returns an
// error that wraps errMoved if sections and seats do not name the same seats.
func newTable(sections [][]string, seats []store.Seat, status func(store.Seat) store.Status) (*table, error) {
	n := len(seats)
	t := &table{
		seats:    make([]store.Seat, n),
		number:   make(map[string]int, n),
		held:     byHolder{},
		booked:   byHolder{},
		changed:  make([]uint64, n),
		lost:     make([]loss, n),
		losses:   byHolder{},
		isDirty:  make([]bool, n),
		affected: map[store.Holder]bool{},
		counts:   make([]Counts, len(sections)),
		status:   status,
	}
	next := 0
	for _, ids := range sections {
		for i, id := range ids {
			t.number[id] = next + i
		}
		t.sections = append(t.sections, section{next, next + len(ids)})
		next += len(ids)
	}
	if next != n || len(t.number) != n {
		return nil, fmt.Errorf("%w: %d seats, %d in the plan", errMoved, n, next)
	}
	ids := slices.Concat(sections...)
	for _, s := range seats {
		i, ok := t.number[s.ID]
		if !ok || t.seats[i].ID != "" {
			return nil, fmt.Errorf("%w: seat %s is not in the plan, or twice", errMoved, s.ID)
		}
		s.ID = ids[i] // share the renderer's string
		t.put(i, s)
		t.counts[t.section(i)][t.status(s)]++
	}
	return t, nil
}

// merge applies the changes of one batch. A change that the seat's version covers
// only moves the seat's position. So does any change up to the snapshot at base
// that the table began with, whatever its version: the event may have been
// another one then. It reports whether no change is missing before these.
func (t *table) merge(base, position uint64, changes []store.Change) (whole bool) {
	whole = true
	for _, c := range changes {
		i, ok := t.number[c.Seat.ID]
		if !ok {
			whole = whole && position <= base
			continue
		}
		t.changed[i] = max(t.changed[i], position)
		if l, ok := lossOf(c, position); ok {
			t.lose(i, l)
		}
		known := t.seats[i]
		if position <= base || c.Seat.Version <= known.Version {
			continue
		}
		whole = whole && c.Seat.Version == known.Version+1
		t.replace(i, c.Seat)
		t.affect(known.LockedBy, c.Before, c.Seat.LockedBy)
	}
	return whole
}

// lossOf returns what a holder is to be told of a change: the loss of a seat that
// they did not ask for, or news of their payment or booking. ok is false if there
// is nothing to tell.
func lossOf(c store.Change, position uint64) (l loss, ok bool) {
	if why := c.Loss(); why != store.ReasonChanged {
		return loss{c.Before, why, position}, true
	}
	whose := c.Before
	switch c.Reason {
	case store.ReasonBooked, store.ReasonDeclined:
		whose = c.Seat.LockedBy
	case store.ReasonCancelled:
	default:
		return loss{}, false
	}
	return loss{whose, c.Reason, position}, whose != ""
}

// isOutdated reports whether what the holder was to be told no longer holds.
func (l loss) isOutdated(s store.Seat) bool {
	switch l.reason {
	case store.ReasonBooked:
		return s.LockedBy != l.holder || s.Status != store.Booked
	case store.ReasonDeclined:
		return s.LockedBy != l.holder || s.Status != store.Locked
	}
	return s.LockedBy == l.holder
}

// lose notes a loss of seat i, unless a later one is known.
func (t *table) lose(i int, l loss) {
	before := t.lost[i]
	if l.position == 0 || l.position < before.position {
		return
	}
	t.losses.remove(before.holder, i)
	t.losses.add(l.holder, i)
	t.lost[i] = l
}

// inherit takes over the losses of the event's previous table.
func (t *table) inherit(old *table) {
	for _, seats := range old.losses {
		for _, i := range seats {
			if n, ok := t.number[old.seats[i].ID]; ok {
				t.lose(n, old.lost[i])
			}
		}
	}
}

func (t *table) replace(i int, s store.Seat) {
	old := t.seats[i]
	if own := t.heldOrBooked(old); own != nil {
		own.remove(old.LockedBy, i)
	}
	counts := &t.counts[t.section(i)]
	counts[t.status(old)]--
	counts[t.status(s)]++
	t.put(i, s)
	if !t.isDirty[i] {
		t.isDirty[i] = true
		t.dirty = append(t.dirty, i)
	}
}

func (t *table) put(i int, s store.Seat) {
	t.seats[i] = s
	if own := t.heldOrBooked(s); own != nil {
		own.add(s.LockedBy, i)
	}
}

// heldOrBooked returns the index that has the seat under its holder, or nil.
func (t *table) heldOrBooked(s store.Seat) byHolder {
	switch {
	case s.LockedBy == "":
	case s.Status == store.Locked, s.Status == store.Paying:
		return t.held
	case s.Status == store.Booked:
		return t.booked
	}
	return nil
}

// byHolder has the numbers of each holder's seats, in order. Most holders have
// few seats, for which a slice takes the least memory.
type byHolder map[store.Holder][]int32

func (h byHolder) add(holder store.Holder, i int) {
	seats := h[holder]
	if at, there := slices.BinarySearch(seats, int32(i)); !there {
		h[holder] = slices.Insert(seats, at, int32(i))
	}
}

func (h byHolder) remove(holder store.Holder, i int) {
	seats := h[holder]
	at, there := slices.BinarySearch(seats, int32(i))
	switch {
	case there && len(seats) == 1:
		delete(h, holder)
	case there:
		h[holder] = slices.Delete(seats, at, at+1)
	}
}

func (t *table) affect(holders ...store.Holder) {
	for _, holder := range holders {
		if holder != "" {
			t.affected[holder] = true
		}
	}
}

// take returns what merge has found since the last take, the seats in order.
func (t *table) take() (dirty []int, affected map[store.Holder]bool) {
	dirty, affected = t.dirty, t.affected
	t.dirty, t.affected = nil, map[store.Holder]bool{}
	for _, i := range dirty {
		t.isDirty[i] = false
	}
	slices.Sort(dirty)
	return dirty, affected
}

// since returns the seats that changed after the position, in order.
func (t *table) since(position uint64) []int {
	var out []int
	for i, at := range t.changed {
		if at > position {
			out = append(out, i)
		}
	}
	return out
}

// section returns the number of the section that seat i is in.
func (t *table) section(i int) int {
	k, _ := slices.BinarySearchFunc(t.sections, i, func(s section, i int) int {
		if s.end <= i {
			return -1
		}
		if s.first > i {
			return 1
		}
		return 0
	})
	return k
}

// of returns the seats of a section, which must not be changed.
func (t *table) of(section int) []store.Seat {
	return t.seats[t.sections[section].first:t.sections[section].end]
}

// bySection groups ordered seat numbers by section.
func (t *table) bySection(seats []int) iter.Seq2[int, []int] {
	return func(yield func(int, []int) bool) {
		for len(seats) > 0 {
			k := t.section(seats[0])
			n, _ := slices.BinarySearch(seats, t.sections[k].end)
			if !yield(k, seats[:n]) {
				return
			}
			seats = seats[n:]
		}
	}
}

// mine returns the holder's locked and paying seats, in order, and the first
// [MaxBooked] of those that are booked.
func (t *table) mine(holder store.Holder) (held, booked []store.Seat) {
	all := t.booked[holder]
	return t.copied(t.held[holder]), t.copied(all[:min(len(all), MaxBooked)])
}

func (t *table) copied(numbers []int32) []store.Seat {
	seats := make([]store.Seat, 0, len(numbers))
	for _, i := range numbers {
		seats = append(seats, t.seats[i])
	}
	return seats
}

// lostBy returns the holder's losses after the position that still hold, in the
// plan's order.
func (t *table) lostBy(holder store.Holder, position uint64) []Loss {
	var out []Loss
	for _, i := range t.losses[holder] {
		if l := t.lost[i]; l.position > position && !l.isOutdated(t.seats[i]) {
			out = append(out, Loss{public(t.seats[i]), l.reason})
		}
	}
	return out
}

// public returns what everybody may know of a seat.
func public(s store.Seat) store.Seat {
	return store.Seat{ID: s.ID, Status: s.Status, Version: s.Version}
}
