package storetest

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seatlock/seatlock/store"
)

// model is one event as the pure rules say that it behaves: sequential, in
// memory, and told at which instant each request happens.
type model struct {
	def     store.NewEvent
	seats   map[string]store.Seat
	clocks  map[store.Holder]clock
	changes []store.Change
}

type clock struct {
	started, deadline time.Time
	extended          bool
	grants            store.Grants
}

func newModel(def store.NewEvent) *model {
	m := &model{def: def, seats: map[string]store.Seat{}, clocks: map[store.Holder]clock{}}
	for _, id := range def.Seats {
		s := store.Seat{ID: id, Version: 1}
		if slices.Contains(def.Withheld, id) {
			s.Status = store.Withheld
		}
		m.seats[id] = s
	}
	return m
}

// list returns the named seats as they stand.
func (m *model) list(ids []string) []store.Seat {
	out := make([]store.Seat, len(ids))
	for i, id := range ids {
		out[i] = m.seats[id]
	}
	return out
}

// set changes a seat and takes the change down.
func (m *model) set(s store.Seat, now time.Time) {
	old := m.seats[s.ID]
	s.Version = old.Version + 1
	m.seats[s.ID] = s
	lapsed := old.Status == store.Locked && !now.Before(old.LockedUntil)
	m.changes = append(m.changes, store.Change{Event: m.def.ID, Seat: s, Before: old.LockedBy, Lapsed: lapsed})
}

func (m *model) known(ids []string) bool {
	return !slices.ContainsFunc(ids, func(id string) bool { _, ok := m.seats[id]; return !ok })
}

// held returns the seats that the holder has at now, by id.
func (m *model) held(who store.Holder, now time.Time) []store.Seat {
	var out []store.Seat
	for _, s := range m.seats {
		if s.HeldBy(who, now) {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b store.Seat) int { return strings.Compare(a.ID, b.ID) })
	return out
}

func (m *model) lockOf(who store.Holder, now time.Time) store.Lock {
	c, ok := m.clocks[who]
	if !ok || !now.Before(c.deadline) {
		return store.Lock{}
	}
	return store.Lock{Seats: m.held(who, now), Started: c.started, Deadline: c.deadline, Extended: c.extended}
}

func (m *model) outcome(ids []string, who store.Holder, now time.Time) store.Outcome {
	return store.Outcome{Seats: m.list(ids), Lock: m.lockOf(who, now), Now: now}
}

func (m *model) lock(r store.LockRequest, now time.Time) (store.Outcome, error) {
	ids := store.Distinct(r.Seats)
	c := m.clocks[r.Holder]
	if !now.Before(c.deadline) {
		c = clock{}
	}
	if known, ok := c.grants.Seats(r.Request); ok {
		ids = known
	}
	if !m.known(ids) {
		return store.Outcome{}, store.ErrNoSeat
	}
	fresh := slices.DeleteFunc(m.list(ids), func(s store.Seat) bool { return s.HeldBy(r.Holder, now) })
	if err := m.refuseLock(r, fresh, now); err != nil {
		return m.outcome(ids, r.Holder, now), err
	}
	if len(fresh) > 0 && c.started.IsZero() {
		c.started, c.deadline = r.Rules.StartClock(now)
	}
	if !c.started.IsZero() {
		c.grants, _ = c.grants.With(r.Request, ids)
		m.clocks[r.Holder] = c
	}
	for _, s := range fresh {
		m.set(store.Seat{ID: s.ID, Status: store.Locked, LockedBy: r.Holder, LockTime: c.started, LockedUntil: c.deadline}, now)
	}
	return m.outcome(ids, r.Holder, now), nil
}

func (m *model) refuseLock(r store.LockRequest, fresh []store.Seat, now time.Time) error {
	if len(fresh) == 0 {
		return nil
	}
	if !m.def.OnSaleAt(now) {
		return store.ErrClosed
	}
	for _, s := range fresh {
		if err := store.RefuseLock(s, r.Holder, now); err != nil {
			return err
		}
	}
	if len(m.held(r.Holder, now))+len(fresh) > r.Rules.MaxSeats {
		return store.ErrLimit
	}
	return nil
}

// unlock gives back the named seats; without names the live ones, and those
// lapsed ones that the store told it gave back: it may find either.
func (m *model) unlock(r store.UnlockRequest, now time.Time, told []store.Seat) (store.Outcome, error) {
	ids := store.Distinct(r.Seats)
	if !m.known(ids) {
		return store.Outcome{}, store.ErrNoSeat
	}
	for _, s := range m.list(ids) {
		if err := store.RefuseUnlock(s, r.Holder, now); err != nil {
			return m.outcome(ids, r.Holder, now), err
		}
	}
	if len(r.Seats) == 0 {
		ids = m.allOf(r.Holder, now, told)
	}
	for _, s := range m.list(ids) {
		if s.Status == store.Locked && s.LockedBy == r.Holder {
			m.set(store.Seat{ID: s.ID}, now)
			m.changes[len(m.changes)-1].Lapsed = false
		}
	}
	return m.outcome(ids, r.Holder, now), nil
}

func (m *model) allOf(who store.Holder, now time.Time, told []store.Seat) []string {
	mine := map[string]bool{}
	for _, s := range m.held(who, now) {
		mine[s.ID] = s.Status == store.Locked
	}
	for _, s := range told {
		if known := m.seats[s.ID]; known.Status == store.Locked && known.LockedBy == who {
			mine[s.ID] = true
		}
	}
	return slices.Sorted(maps.Keys(mine))
}

func (m *model) extend(r store.ExtendRequest, now time.Time) (store.Outcome, error) {
	mine := m.held(r.Holder, now)
	if len(mine) == 0 {
		return m.outcome(nil, r.Holder, now), store.ErrExpired
	}
	c := m.clocks[r.Holder]
	if c.extended {
		return m.outcome(nil, r.Holder, now), nil
	}
	c.deadline, c.extended = r.Rules.ExtendedDeadline(c.started, c.deadline), true
	m.clocks[r.Holder] = c
	for _, s := range mine {
		s.LockedUntil = c.deadline
		m.set(s, now)
	}
	return m.outcome(idsOf(mine), r.Holder, now), nil
}

func (m *model) withhold(seats []string, on bool, now time.Time) (store.Outcome, error) {
	ids := store.Distinct(seats)
	if !m.known(ids) {
		return store.Outcome{}, store.ErrNoSeat
	}
	for _, s := range m.list(ids) {
		if err := store.RefuseWithhold(s, now); err != nil {
			return m.outcome(ids, "", now), err
		}
	}
	for _, s := range m.list(ids) {
		switch {
		case on && s.Status != store.Withheld:
			m.set(store.Seat{ID: s.ID, Status: store.Withheld}, now)
		case !on && s.Status == store.Withheld:
			m.set(store.Seat{ID: s.ID}, now)
		}
	}
	return m.outcome(ids, "", now), nil
}

// release frees a seat whose lock is over.
func (m *model) release(id string, now time.Time) { m.set(store.Seat{ID: id}, now) }
