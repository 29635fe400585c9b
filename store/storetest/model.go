package storetest

import (
	"slices"
	"strings"
	"time"

	"github.com/seatlock/seatlock/store"
)

// model is one event that is on sale for ever: sequential, in memory, and told
// at which instant each request happens. It has the rules in words of its own,
// and calls none of package store's.
type model struct {
	order   []string
	seats   map[string]store.Seat
	clocks  map[store.Holder]clock
	deals   []*deal
	changes []store.Change
	trail   []store.Entry // without times
	by      store.By      // who has what is asked for next done
	code    string        // of the booking that it is about
}

type clock struct {
	started, deadline time.Time
	extended          bool
	grants            []grant
}

type grant struct {
	request string
	seats   []string
}

// standing is what a seat is to somebody.
type standing int

const (
	free standing = iota
	mine
	mineToPay
	theirs
	sold
	offSale
)

// refusals are why a seat can be neither locked, given back, nor withheld.
var refusals = map[standing]struct{ lock, unlock, withhold error }{
	free:      {nil, nil, nil},
	mine:      {nil, nil, store.ErrTaken},
	mineToPay: {nil, store.ErrPaying, store.ErrTaken},
	theirs:    {store.ErrTaken, store.ErrNotYours, store.ErrTaken},
	sold:      {store.ErrBooked, store.ErrBooked, store.ErrBooked},
	offSale:   {store.ErrWithheld, store.ErrWithheld, nil},
}

func newModel(def store.NewEvent) *model {
	m := &model{order: def.Seats, seats: map[string]store.Seat{}, clocks: map[store.Holder]clock{}}
	for _, id := range def.Seats {
		s := store.Seat{ID: id, Version: 1}
		if slices.Contains(def.Withheld, id) {
			s.Status = store.Withheld
		}
		m.seats[id] = s
	}
	return m
}

// standing says what the seat is to somebody at now.
func (m *model) standing(id string, who store.Holder, now time.Time) standing {
	s := m.seats[id]
	own := s.LockedBy == who
	switch {
	case s.Status == store.Withheld:
		return offSale
	case s.Status == store.Booked:
		return sold
	case s.Status == store.Paying && own:
		return mineToPay
	case s.Status == store.Available, over(s, now):
		return free
	case s.Status == store.Locked && own:
		return mine
	}
	return theirs
}

// over reports whether the seat is locked by a lock that has ended.
func over(s store.Seat, now time.Time) bool {
	return s.Status == store.Locked && !s.LockedUntil.After(now)
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
func (m *model) set(s store.Seat, why store.Reason) {
	old := m.seats[s.ID]
	s.Version = old.Version + 1
	m.seats[s.ID] = s
	m.changes = append(m.changes, store.Change{Event: evening, Seat: s, Before: old.LockedBy, Reason: why})
	m.trail = append(m.trail, store.Entry{Event: evening, Seat: s.ID, Status: s.Status, Version: s.Version, Booking: m.code, Reason: why, By: m.by})
}

// note takes down what changes no seat.
func (m *model) note(seat string, why store.Reason) {
	m.trail = append(m.trail, store.Entry{Event: evening, Seat: seat, Booking: m.code, Reason: why, By: m.by})
}

// as has what follows be done by somebody, for a booking or for none.
func (m *model) as(by store.By, code string) { m.by, m.code = by, code }

// named returns the ids without repeats; ok is false if one is unknown.
func (m *model) named(seats []string) (ids []string, ok bool) {
	for _, id := range seats {
		if _, there := m.seats[id]; !there {
			return nil, false
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, true
}

// all returns the seats that are any of these to somebody, by id.
func (m *model) all(who store.Holder, now time.Time, any ...standing) (ids []string) {
	for _, id := range m.order {
		if slices.Contains(any, m.standing(id, who, now)) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, strings.Compare)
	return ids
}

// lockOf is what somebody has, with the times of the clock as long as that runs.
func (m *model) lockOf(who store.Holder, now time.Time) store.Lock {
	c := m.clocks[who]
	has := m.all(who, now, mine, mineToPay)
	if !c.deadline.After(now) {
		return store.Lock{Seats: m.list(has)}
	}
	return store.Lock{Seats: m.list(has), Started: c.started, Deadline: c.deadline, Extended: c.extended}
}

func (m *model) outcome(ids []string, who store.Holder, now time.Time) store.Outcome {
	return store.Outcome{Seats: m.list(ids), Lock: m.lockOf(who, now), Now: now}
}

func (m *model) lock(r store.LockRequest, now time.Time) (store.Outcome, error) {
	m.as(store.ByVisitor, "")
	c := m.clocks[r.Holder]
	running := c.deadline.After(now)
	seats := r.Seats
	at := slices.IndexFunc(c.grants, func(g grant) bool { return g.request == r.Request })
	if known := at >= 0 && running; known {
		seats = c.grants[at].seats
	}
	ids, ok := m.named(seats)
	if !ok {
		return store.Outcome{}, store.ErrNoSeat
	}
	has := m.all(r.Holder, now, mine, mineToPay)
	fresh := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(has, id) })
	for _, id := range fresh {
		if why := refusals[m.standing(id, r.Holder, now)].lock; why != nil {
			return m.outcome(ids, r.Holder, now), why
		}
	}
	if len(fresh) > 0 && len(has)+len(fresh)+m.unpaid(r.Holder) > r.Rules.MaxSeats {
		return m.outcome(ids, r.Holder, now), store.ErrLimit
	}
	if len(fresh) > 0 && !running {
		c, running = newClock(r.Rules, now), true
		at = -1
	}
	if running && r.Request != "" && at < 0 && len(ids) > 0 {
		c.grants = append(slices.Clone(c.grants), grant{r.Request, ids})
		c.grants = c.grants[max(0, len(c.grants)-store.MaxGrants):]
	}
	m.clocks[r.Holder] = c
	for _, id := range fresh {
		m.set(store.Seat{ID: id, Status: store.Locked, LockedBy: r.Holder, LockTime: c.started, LockedUntil: c.deadline,
			Extended: c.extended}, store.ReasonLocked)
	}
	return m.outcome(ids, r.Holder, now), nil
}

// newClock runs from the millisecond of now, and never for longer than Total.
func newClock(rules store.Rules, now time.Time) clock {
	started := time.UnixMilli(now.UnixMilli()).UTC()
	return clock{started: started, deadline: started.Add(min(rules.TTL, rules.Total))}
}

func (m *model) unlock(r store.UnlockRequest, now time.Time) (store.Outcome, error) {
	m.as(store.ByVisitor, "")
	ids, ok := m.named(r.Seats)
	if !ok {
		return store.Outcome{}, store.ErrNoSeat
	}
	for _, id := range ids {
		if why := refusals[m.standing(id, r.Holder, now)].unlock; why != nil {
			return m.outcome(ids, r.Holder, now), why
		}
	}
	own := func(id string) bool { return m.seats[id].Status == store.Locked && m.seats[id].LockedBy == r.Holder }
	if len(r.Seats) == 0 { // all, whether or not the lock is over
		ids = slices.DeleteFunc(slices.Sorted(slices.Values(m.order)), func(id string) bool { return !own(id) })
	}
	for _, id := range ids {
		if own(id) {
			m.set(store.Seat{ID: id}, store.ReasonGivenBack)
		}
	}
	return m.outcome(ids, r.Holder, now), nil
}

func (m *model) extend(r store.ExtendRequest, now time.Time) (store.Outcome, error) {
	m.as(store.ByVisitor, "")
	locked := m.all(r.Holder, now, mine)
	if len(locked) == 0 {
		return m.outcome(nil, r.Holder, now), store.ErrExpired
	}
	c := m.clocks[r.Holder]
	if c.extended {
		return m.outcome(locked, r.Holder, now), nil
	}
	c.extended = true
	if later := c.deadline.Add(min(r.Rules.TTL, r.Rules.Total-c.deadline.Sub(c.started))); later.After(c.deadline) {
		c.deadline = later
	}
	m.clocks[r.Holder] = c
	for _, s := range m.list(locked) {
		s.LockedUntil, s.Extended = c.deadline, true
		m.set(s, store.ReasonExtended)
	}
	return m.outcome(locked, r.Holder, now), nil
}

func (m *model) withhold(r store.WithholdRequest, now time.Time) (store.Outcome, error) {
	m.as(store.ByHouse, "")
	ids, ok := m.named(r.Seats)
	if !ok {
		return store.Outcome{}, store.ErrNoSeat
	}
	for _, id := range ids {
		if why := refusals[m.standing(id, "", now)].withhold; why != nil {
			return m.outcome(ids, "", now), why
		}
	}
	for _, id := range ids {
		switch off := m.seats[id].Status == store.Withheld; {
		case r.On && !off:
			m.set(store.Seat{ID: id, Status: store.Withheld}, store.ReasonWithheld)
		case !r.On && off:
			m.set(store.Seat{ID: id}, store.ReasonOnSale)
		}
	}
	return m.outcome(ids, "", now), nil
}

// free is the house's, to whom every lock is somebody else's.
func (m *model) free(r store.ReleaseRequest, now time.Time) (store.Outcome, error) {
	m.as(store.ByHouse, "")
	ids, ok := m.named(r.Seats)
	if !ok {
		return store.Outcome{}, store.ErrNoSeat
	}
	for _, id := range ids {
		why := map[store.Status]error{store.Paying: store.ErrPaying, store.Booked: store.ErrBooked, store.Withheld: store.ErrWithheld}[m.seats[id].Status]
		if why != nil {
			return m.outcome(ids, "", now), why
		}
	}
	for _, s := range m.list(ids) {
		switch {
		case over(s, now):
			m.lapse(s.ID)
		case s.Status == store.Locked:
			m.set(store.Seat{ID: s.ID}, store.ReasonReleased)
		}
	}
	return m.outcome(ids, "", now), nil
}

// lapse frees a seat whose lock is over.
func (m *model) lapse(id string) { m.set(store.Seat{ID: id}, store.ReasonLapsed) }
