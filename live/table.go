package live

import (
	"fmt"
	"iter"
	"slices"

	"github.com/seatlock/seatlock/store"
)

// table is the seats of one event as the feed last told, in the plan's order,
// where seats have numbers.
type table struct {
	seats    []store.Seat
	number   map[string]int
	sections []section
	held     byHolder // locked and paying seats
	booked   byHolder // booked ones
	counts   []Counts // by section
	status   func(store.Seat) store.Status

	// changed has the feed position of each seat's last change, 0 if there was
	// none since the floor; lost what its holder was last to be told of it, and
	// losses the same by who that is.
	changed []uint64
	lost    []loss
	losses  byHolder

	// What merge has found since take: seats that changed, and who had or has
	// them.
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

// newTable orders seats by section, to be counted by the status. It is an error
// if sections and seats do not name the same seats.
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
		s.ID = ids[i] // the renderer has it in any case
		t.put(i, s)
		t.counts[t.section(i)][t.status(s)]++
	}
	return t, nil
}

// merge takes the changes of one batch, by version: what is known already
// changes nothing but the seat's position. So does what comes no later than the
// snapshot at base that the table began with, whatever its version is: the
// event may have been another one then. It reports whether the changes join on
// to what the table has; if not, something was missed.
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

// lossOf returns who is to be told of a change, if anybody is: who has lost the
// seat without having asked for that, else whose payment or booking it is about.
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

// isOver reports whether what the holder was to be told of a seat is true no more.
func (l loss) isOver(s store.Seat) bool {
	switch l.reason {
	case store.ReasonBooked:
		return s.LockedBy != l.holder || s.Status != store.Booked
	case store.ReasonDeclined:
		return s.LockedBy != l.holder || s.Status != store.Locked
	}
	return s.LockedBy == l.holder
}

// lose notes what the holder is to be told of seat i, unless that is older than
// what is known.
func (t *table) lose(i int, l loss) {
	before := t.lost[i]
	if l.position == 0 || l.position < before.position {
		return
	}
	t.losses.remove(before.holder, i)
	t.losses.add(l.holder, i)
	t.lost[i] = l
}

// inherit takes over the losses that another table of the event knows of.
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
	if own := t.ownAs(old); own != nil {
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
	if own := t.ownAs(s); own != nil {
		own.add(s.LockedBy, i)
	}
}

// ownAs is where a seat stands as its holder's, or nil.
func (t *table) ownAs(s store.Seat) byHolder {
	switch {
	case s.LockedBy == "":
	case s.Status == store.Locked, s.Status == store.Paying:
		return t.held
	case s.Status == store.Booked:
		return t.booked
	}
	return nil
}

// byHolder has seats of each holder, in order. Many holders have few seats each:
// a slice is the least that those can take.
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

// take returns what merge has found since the last take, seats in order.
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

// bySection cuts ordered seat numbers into those of each section.
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

// lostBy returns the seats of which something happened after the position that
// the holder is to be told and that is still so, in order.
func (t *table) lostBy(holder store.Holder, position uint64) []Loss {
	var out []Loss
	for _, i := range t.losses[holder] {
		if l := t.lost[i]; l.position > position && !l.isOver(t.seats[i]) {
			out = append(out, Loss{public(t.seats[i]), l.reason})
		}
	}
	return out
}

// public returns what everybody may know of a seat.
func public(s store.Seat) store.Seat {
	return store.Seat{ID: s.ID, Status: s.Status, Version: s.Version}
}
