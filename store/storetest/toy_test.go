package storetest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/storetest"
)

// toy is the smallest engine that keeps the contract, except that it forgets
// everything with the process: all of it happens under one mutex. With a
// fault it breaks one promise, as real engines have done.
type toy struct {
	*disk
	fault  fault
	closed chan struct{}
	once   *sync.Once
}

// fault names one way to be wrong; "" is none.
type fault string

const (
	checkThenWrite   fault = "checks and then writes"
	countThenWrite   fault = "counts and then writes"
	noOwnerCheck     fault = "skips the owner check"
	noExpiry         fault = "forgets expiry"
	earlyAnnounce    fault = "announces before commit"
	announceRefused  fault = "announces refused groups"
	lateCursor       fault = "drops a change at snapshot time"
	resetClock       fault = "resets the clock"
	partialGroups    fault = "grants groups in part"
	bumpRepeat       fault = "changes a repeated lock"
	splitBatches     fault = "splits transactions"
	doubleLapse      fault = "announces a lapse twice"
	forgetsLapsed    fault = "does not tell who lost a lapsed seat"
	extendsTwice     fault = "extends without end"
	ignoresEpoch     fault = "takes any cursor"
	unlocksForgetful fault = "forgets the clock with the last seat"
	grantForgotten   fault = "forgets requests"
	grantForEver     fault = "remembers requests for ever"
	grantOfAll       fault = "does not ask whose request it is"
	grantRefused     fault = "remembers what was refused"
	grantNew         fault = "remembers only what was locked anew"
	grantChecked     fault = "looks for the request and then writes"
	grantBlind       fault = "takes a known request for a granted one"
	updateInPart     fault = "keeps the venue"
	updateAnything   fault = "takes any update"
	updateMoney      fault = "takes another currency or plan"
	updateMade       fault = "makes the event that is to be updated"
	updateBlind      fault = "updates from any revision"
	updateChecked    fault = "checks the revision and then updates"
	updateEarly      fault = "does not tell how a stale event stands"
	updateRepeat     fault = "counts a repeated update"
	updateSilent     fault = "does not tell of an update"
	updateFirst      fault = "forgets the first definition"
	updateSales      fault = "keeps the sales times"
	updateFrees      fault = "frees the seats of an updated event"
	addFrees         fault = "frees seats beside new ones"
	addLast          fault = "puts new seats last"
	addDrops         fault = "drops seats that the new plan lacks"
	addWithholds     fault = "withholds seats that are there"
	addSilent        fault = "does not tell of new seats"
	addBlind         fault = "adds seats from any revision"
	addRepeat        fault = "counts repeated new seats"
	addForgets       fault = "forgets the plan before"
	addTells         fault = "tells of new seats one by one"
)

// disk is what instances share.
type disk struct {
	mu       sync.Mutex
	epoch    string
	secret   []byte
	halls    map[string]*hall
	sessions map[string]session
	log      []store.Batch
	times    []time.Time   // of the log
	grown    chan struct{} // closed when the log grows
}

type hall struct {
	def    store.NewEvent
	first  store.NewEvent // as it was created
	sales  store.Event    // whose sales times count
	seats  map[string]store.Seat
	clocks map[store.Holder]store.Lock // without seats
	grants map[store.Holder]store.Grants
	plans  [][]byte // of before
}

type session struct {
	data   []byte
	expiry time.Time
}

func toyHarness(f fault) storetest.Harness {
	attach := func(t *testing.T, d *disk) store.Store {
		s := &toy{disk: d, fault: f, closed: make(chan struct{}), once: &sync.Once{}}
		t.Cleanup(func() { s.Close() })
		return s
	}
	return storetest.Harness{
		Open: func(t *testing.T) store.Store {
			return attach(t, &disk{
				epoch: rand.Text(), secret: []byte(rand.Text() + rand.Text())[:32], grown: make(chan struct{}),
				halls: map[string]*hall{}, sessions: map[string]session{},
			})
		},
		Second: func(t *testing.T, s store.Store) store.Store { return attach(t, s.(*toy).disk) },
	}
}

// begin takes the mutex, unless the store is closed or the ctx has ended.
func (s *toy) begin(ctx context.Context) (end func(), err error) {
	s.mu.Lock()
	select {
	case <-s.closed:
		err = store.ErrUnavailable
	default:
		err = ctx.Err()
	}
	if err != nil {
		s.mu.Unlock()
		return nil, fmt.Errorf("toy: %w", err)
	}
	return s.mu.Unlock, nil
}

// pause lets others in, where a fault leaves the door open.
func (s *toy) pause(f fault) {
	if s.fault == f {
		s.mu.Unlock()
		runtime.Gosched()
		s.mu.Lock()
	}
}

func (d *disk) cursor() store.Cursor {
	return store.Cursor{Epoch: d.epoch, Position: uint64(len(d.log)) + 1}
}

func (d *disk) announce(b store.Batch) {
	d.log, d.times = append(d.log, b), append(d.times, time.Now())
	close(d.grown)
	d.grown = make(chan struct{})
}

// tx is a write on one hall: staged seats count only if it is committed.
type tx struct {
	*hall
	store  *toy
	now    time.Time
	staged []store.Change
	clock  *store.Lock   // the clock to store
	grants *store.Grants // what it remembers
}

// write runs do as a transaction and tells how things stand after it. do
// returns the seats to tell of.
func (s *toy) write(ctx context.Context, event string, who store.Holder, do func(t *tx) ([]string, error)) (store.Outcome, error) {
	end, err := s.begin(ctx)
	if err != nil {
		return store.Outcome{}, err
	}
	defer end()
	h, ok := s.halls[event]
	if !ok {
		return store.Outcome{}, fmt.Errorf("toy: %s: %w", event, store.ErrNoEvent)
	}
	t := &tx{hall: h, store: s, now: time.Now()}
	ids, err := do(t)
	if err == nil || s.fault == partialGroups {
		s.pause(checkThenWrite)
		t.commit(who)
	}
	out := store.Outcome{Lock: h.lockOf(who, t.now), Now: t.now, Cursor: s.cursor()}
	for _, id := range ids {
		out.Seats = append(out.Seats, h.seats[id])
	}
	if err != nil {
		err = fmt.Errorf("toy: %s: %w", event, err)
	}
	return out, err
}

func (t *tx) stage(s store.Seat) {
	old := t.seats[s.ID]
	s.Version = old.Version + 1
	c := store.Change{Event: t.def.ID, Seat: s, Before: old.LockedBy}
	c.Lapsed = old.Status == store.Locked && !t.now.Before(old.LockedUntil) && s.LockedBy != old.LockedBy && t.store.fault != forgetsLapsed
	t.staged = append(t.staged, c)
	if t.store.fault == announceRefused {
		t.store.announce(store.Batch{Changes: []store.Change{c}})
	}
}

func (t *tx) commit(who store.Holder) {
	if t.clock != nil {
		t.clocks[who] = *t.clock
	}
	if t.grants != nil {
		t.hall.grants[who] = *t.grants
	}
	if len(t.staged) == 0 {
		return
	}
	switch t.store.fault {
	case announceRefused:
	case splitBatches:
		for i := range t.staged {
			t.store.announce(store.Batch{Changes: t.staged[i : i+1]})
		}
	default:
		t.store.announce(store.Batch{Changes: t.staged})
	}
	t.store.pause(earlyAnnounce)
	for _, c := range t.staged {
		t.seats[c.Seat.ID] = c.Seat
	}
}

func (h *hall) list(ids []string) ([]store.Seat, error) {
	out := make([]store.Seat, len(ids))
	for i, id := range ids {
		s, ok := h.seats[id]
		if !ok {
			return nil, store.ErrNoSeat
		}
		out[i] = s
	}
	return out, nil
}

func (h *hall) held(who store.Holder, now time.Time) []store.Seat {
	var out []store.Seat
	for _, id := range slices.Sorted(maps.Keys(h.seats)) {
		if s := h.seats[id]; s.HeldBy(who, now) {
			out = append(out, s)
		}
	}
	return out
}

func (h *hall) lockOf(who store.Holder, now time.Time) store.Lock {
	lock := h.clocks[who]
	if !now.Before(lock.Deadline) {
		return store.Lock{}
	}
	lock.Seats = h.held(who, now)
	return lock
}

func (s *toy) Lock(ctx context.Context, r store.LockRequest) (store.Outcome, error) {
	if err := r.Validate(); err != nil {
		return store.Outcome{}, err
	}
	return s.write(ctx, r.Event, r.Holder, func(t *tx) ([]string, error) {
		ids, grants := t.granted(r)
		has := len(t.held(r.Holder, t.now))
		s.pause(countThenWrite)
		s.pause(grantChecked)
		err := t.lock(r, ids, has)
		running := t.clock != nil || !t.lockOf(r.Holder, t.now).Started.IsZero()
		if (err == nil || s.fault == grantRefused) && running && (len(t.staged) > 0 || s.fault != grantNew) {
			grants, _ = grants.With(r.Request, ids)
			t.grants = &grants
		}
		if err != nil && t.grants != nil {
			t.hall.grants[r.Holder] = grants
		}
		return ids, err
	})
}

// granted returns the seats that are asked for, and what the clock remembers.
func (t *tx) granted(r store.LockRequest) (ids []string, grants store.Grants) {
	ids = store.Distinct(r.Seats)
	if t.store.fault == grantForEver || !t.lockOf(r.Holder, t.now).Started.IsZero() {
		grants = t.hall.grants[r.Holder]
	}
	all := grants
	if t.store.fault == grantOfAll {
		for _, other := range t.hall.grants {
			all = append(all, other...)
		}
	}
	if known, ok := all.Seats(r.Request); ok && t.store.fault != grantForgotten {
		ids = known
	}
	return ids, grants
}

func (t *tx) lock(r store.LockRequest, ids []string, has int) error {
	seats, err := t.list(ids)
	if err != nil {
		return err
	}
	fresh := slices.DeleteFunc(seats, func(s store.Seat) bool {
		return s.HeldBy(r.Holder, t.now) && t.store.fault != bumpRepeat
	})
	if _, known := t.hall.grants[r.Holder].Seats(r.Request); known && t.store.fault == grantBlind {
		return nil
	}
	lock := t.lockOf(r.Holder, t.now)
	if lock.Started.IsZero() || t.store.fault == resetClock {
		lock.Started, lock.Deadline = r.Rules.StartClock(t.now)
	}
	if len(fresh) == 0 {
		return nil
	}
	if !t.sales.OnSaleAt(t.now) {
		return store.ErrClosed
	}
	for _, s := range fresh {
		if err := store.RefuseLock(s, r.Holder, t.now); err != nil {
			return err
		}
		if t.store.fault == noExpiry && s.Status == store.Locked {
			return store.ErrTaken
		}
		t.stage(store.Seat{ID: s.ID, Status: store.Locked, LockedBy: r.Holder, LockTime: lock.Started, LockedUntil: lock.Deadline})
	}
	if has+len(fresh) > r.Rules.MaxSeats {
		return store.ErrLimit
	}
	t.clock = &lock
	return nil
}

func (s *toy) Unlock(ctx context.Context, r store.UnlockRequest) (store.Outcome, error) {
	if err := r.Validate(); err != nil {
		return store.Outcome{}, err
	}
	return s.write(ctx, r.Event, r.Holder, func(t *tx) ([]string, error) {
		ids := store.Distinct(r.Seats)
		if len(ids) == 0 {
			for _, seat := range t.held(r.Holder, t.now) {
				ids = append(ids, seat.ID)
			}
		}
		return ids, t.unlock(r.Holder, ids)
	})
}

func (t *tx) unlock(who store.Holder, ids []string) error {
	seats, err := t.list(ids)
	if err != nil {
		return err
	}
	for _, s := range seats {
		if err := store.RefuseUnlock(s, who, t.now); err != nil && t.store.fault != noOwnerCheck {
			return err
		}
		if s.Status == store.Locked && (s.LockedBy == who || t.store.fault == noOwnerCheck) {
			t.stage(store.Seat{ID: s.ID})
			t.staged[len(t.staged)-1].Lapsed = false
		}
	}
	if t.store.fault == unlocksForgetful && len(seats) == len(t.held(who, t.now)) {
		t.clock = &store.Lock{}
	}
	return nil
}

func (s *toy) Extend(ctx context.Context, r store.ExtendRequest) (store.Outcome, error) {
	if err := r.Validate(); err != nil {
		return store.Outcome{}, err
	}
	return s.write(ctx, r.Event, r.Holder, func(t *tx) (ids []string, err error) {
		lock := t.lockOf(r.Holder, t.now)
		if len(lock.Seats) == 0 {
			return nil, store.ErrExpired
		}
		if lock.Extended && s.fault != extendsTwice {
			return nil, nil
		}
		lock.Deadline, lock.Extended = r.Rules.ExtendedDeadline(lock.Started, lock.Deadline), true
		for _, seat := range lock.Seats {
			seat.LockedUntil = lock.Deadline
			t.stage(seat)
			ids = append(ids, seat.ID)
		}
		t.clock = &lock
		return ids, nil
	})
}

func (s *toy) LockOf(ctx context.Context, event string, who store.Holder) (store.Outcome, error) {
	return s.write(ctx, event, who, func(*tx) ([]string, error) { return nil, nil })
}

func (s *toy) Withhold(ctx context.Context, event string, seats []string, on bool) (store.Outcome, error) {
	return s.write(ctx, event, "", func(t *tx) ([]string, error) {
		ids := store.Distinct(seats)
		return ids, t.withhold(ids, on)
	})
}

func (t *tx) withhold(ids []string, on bool) error {
	seats, err := t.list(ids)
	if err != nil {
		return err
	}
	for _, s := range seats {
		if err := store.RefuseWithhold(s, t.now); err != nil {
			return err
		}
		switch {
		case on && s.Status != store.Withheld:
			t.stage(store.Seat{ID: s.ID, Status: store.Withheld})
		case !on && s.Status == store.Withheld:
			t.stage(store.Seat{ID: s.ID})
		}
	}
	return nil
}

func (s *toy) ReleaseDue(ctx context.Context) (store.Due, error) {
	end, err := s.begin(ctx)
	if err != nil {
		return store.Due{}, err
	}
	defer end()
	due := store.Due{Now: time.Now()}
	for id, h := range s.halls {
		t := &tx{hall: h, store: s, now: time.Now()}
		for _, seat := range h.seats {
			left := seat.LockedUntil.Sub(t.now)
			switch {
			case seat.Status != store.Locked:
			case left <= 0:
				t.stage(store.Seat{ID: seat.ID})
			case due.Next.At.IsZero() || seat.LockedUntil.Before(due.Next.At):
				due.Next = store.Lapse{Event: id, Seat: seat.ID, At: seat.LockedUntil}
			}
		}
		if s.fault == doubleLapse {
			s.announce(store.Batch{Changes: t.staged})
		}
		t.commit("")
		due.Released += len(t.staged)
	}
	return due, nil
}

func (s *toy) CreateEvent(ctx context.Context, e store.NewEvent) error {
	if err := e.Validate(); err != nil {
		return err
	}
	end, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	e.Plan, e.Revision = store.PlanHash(e.PlanBody), 1
	if old, ok := s.halls[e.ID]; ok {
		return sameDefinition(old.first, e)
	}
	h := &hall{def: e, first: e, sales: e.Event, seats: map[string]store.Seat{}, clocks: map[store.Holder]store.Lock{}, grants: map[store.Holder]store.Grants{}}
	for _, id := range e.Seats {
		seat := store.Seat{ID: id, Version: 1}
		if slices.Contains(e.Withheld, id) {
			seat.Status = store.Withheld
		}
		h.seats[id] = seat
	}
	s.halls[e.ID] = h
	s.announce(store.Batch{Events: []string{e.ID}})
	return nil
}

func (s *toy) UpdateEvent(ctx context.Context, e store.Event) (store.Event, error) {
	if err := e.Validate(); err != nil && s.fault != updateAnything {
		return store.Event{}, err
	}
	end, err := s.begin(ctx)
	if err != nil {
		return store.Event{}, err
	}
	defer end()
	h, ok := s.halls[e.ID]
	switch {
	case !ok && s.fault == updateMade:
		return e, nil
	case !ok:
		return store.Event{}, fmt.Errorf("toy: update %s: %w", e.ID, store.ErrNoEvent)
	}
	old := h.def.Event
	now, err := s.updated(old, e)
	if err != nil || now.Revision == old.Revision {
		return now, err
	}
	s.pause(updateChecked)
	h.update(now, s.fault)
	if s.fault != updateSilent {
		s.announce(store.Batch{Events: []string{e.ID}})
	}
	return h.def.Event, nil
}

func (s *toy) AddSeats(ctx context.Context, e store.NewEvent) (store.Event, error) {
	if err := e.Validate(); err != nil {
		return store.Event{}, err
	}
	end, err := s.begin(ctx)
	if err != nil {
		return store.Event{}, err
	}
	defer end()
	h, ok := s.halls[e.ID]
	if !ok {
		return store.Event{}, fmt.Errorf("toy: add seats to %s: %w", e.ID, store.ErrNoEvent)
	}
	old, have := h.def.Event, h.def.Seats
	switch s.fault {
	case addBlind:
		e.Revision = old.Revision
	case addDrops:
		have = slices.DeleteFunc(slices.Clone(have), func(id string) bool { return !slices.Contains(e.Seats, id) })
	}
	now, err := old.AddSeats(have, e)
	if s.fault == addRepeat && err == nil && now.Revision == old.Revision {
		now.Revision++
	}
	if err != nil || now.Revision == old.Revision {
		return now, err
	}
	if s.fault != addForgets {
		h.plans = append(h.plans, h.def.PlanBody)
	}
	e.Event = now
	s.announceAdded(e.ID, h.add(e, s.fault))
	return now, nil
}

// add makes e the definition, and returns the seats that are new.
func (h *hall) add(e store.NewEvent, f fault) (fresh []store.Seat) {
	if f == addLast {
		e.Seats = slices.Clone(e.Seats)
		is := func(id string) bool { _, there := h.seats[id]; return there }
		slices.SortStableFunc(e.Seats, func(a, b string) int {
			switch {
			case is(a) == is(b):
				return 0
			case is(a):
				return -1
			}
			return 1
		})
	}
	h.def, h.sales = e, e.Event
	for _, id := range e.Seats {
		seat, there := h.seats[id]
		switch {
		case there && f == addFrees:
			seat = store.Seat{ID: id, Version: seat.Version + 1}
		case there && (f != addWithholds || !slices.Contains(e.Withheld, id)):
		default:
			seat = store.Seat{ID: id, Version: 1}
			if slices.Contains(e.Withheld, id) {
				seat.Status = store.Withheld
			}
			fresh = append(fresh, seat)
		}
		h.seats[id] = seat
	}
	return fresh
}

func (s *toy) announceAdded(event string, fresh []store.Seat) {
	batch := store.Batch{Events: []string{event}}
	if s.fault == addTells {
		for _, seat := range fresh {
			batch.Changes = append(batch.Changes, store.Change{Event: event, Seat: seat})
		}
	}
	if s.fault != addSilent {
		s.announce(batch)
	}
}

func (s *toy) updated(old, asked store.Event) (store.Event, error) {
	switch s.fault {
	case updateMoney:
		old.Currency, old.Plan = asked.Currency, asked.Plan
	case updateBlind:
		asked.Revision = old.Revision
	}
	now, err := old.Update(asked)
	switch {
	case s.fault == updateRepeat && err == nil && now.Revision == old.Revision:
		now.Revision++
	case s.fault == updateEarly && err != nil:
		now = store.Event{}
	}
	return now, err
}

func (h *hall) update(e store.Event, f fault) {
	old := h.def.Event
	h.def.Event = e
	switch f {
	case updateInPart:
		h.def.Venue = old.Venue
	case updateFirst:
		h.first = h.def
	case updateFrees:
		for id := range h.seats {
			h.seats[id] = store.Seat{ID: id, Version: h.seats[id].Version + 1}
		}
	}
	if f != updateSales {
		h.sales = e
	}
}

func sameDefinition(a, b store.NewEvent) error {
	text := func(e store.NewEvent) string {
		return fmt.Sprint(e.Title, "\x00", e.Venue, "\x00", e.Starts.UnixNano(), e.Zone, e.Currency, e.Prices,
			e.SalesOpen.UnixNano(), e.SalesClose.UnixNano(), e.Plan, e.Seats)
	}
	if text(a) != text(b) {
		return fmt.Errorf("toy: create %s: %w", a.ID, store.ErrExists)
	}
	return nil
}

func (s *toy) Events(ctx context.Context) ([]store.Event, error) {
	end, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	var out []store.Event
	for _, h := range s.halls {
		out = append(out, h.def.Event)
	}
	slices.SortFunc(out, func(a, b store.Event) int {
		if c := a.Starts.Compare(b.Starts); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out, nil
}

func (s *toy) Event(ctx context.Context, id string) (store.Event, error) {
	end, err := s.begin(ctx)
	if err != nil {
		return store.Event{}, err
	}
	defer end()
	h, ok := s.halls[id]
	if !ok {
		return store.Event{}, store.ErrNoEvent
	}
	return h.def.Event, nil
}

func (s *toy) Plan(ctx context.Context, hash string) ([]byte, error) {
	end, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	for _, h := range s.halls {
		for _, body := range append(slices.Clone(h.plans), h.def.PlanBody) {
			if store.PlanHash(body) == hash {
				return bytes.Clone(body), nil
			}
		}
	}
	return nil, store.ErrNoEvent
}

func (s *toy) Snapshot(ctx context.Context, event string) (store.Snapshot, error) {
	end, err := s.begin(ctx)
	if err != nil {
		return store.Snapshot{}, err
	}
	defer end()
	h, ok := s.halls[event]
	if !ok {
		return store.Snapshot{}, store.ErrNoEvent
	}
	seats, err := h.list(h.def.Seats)
	s.pause(lateCursor)
	return store.Snapshot{Seats: seats, Cursor: s.cursor(), Now: time.Now()}, err
}

func (s *toy) Recent(ctx context.Context, age time.Duration) (store.Cursor, error) {
	end, err := s.begin(ctx)
	if err != nil {
		return store.Cursor{}, err
	}
	defer end()
	if age == 0 {
		return s.cursor(), nil
	}
	past := time.Now().Add(-age)
	first := slices.IndexFunc(s.times, past.Before)
	if first < 0 {
		return s.cursor(), nil
	}
	return store.Cursor{Epoch: s.epoch, Position: uint64(first) + 1}, nil
}

func (s *toy) Changes(ctx context.Context, from store.Cursor) iter.Seq2[store.Batch, error] {
	return func(yield func(store.Batch, error) bool) {
		for at := from; ; {
			batch, grown, err := s.next(ctx, at)
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				yield(store.Batch{}, err)
				return
			case batch != nil:
				if at = batch.Cursor; !yield(*batch, nil) {
					return
				}
				continue
			}
			select {
			case <-grown:
			case <-ctx.Done():
			case <-s.closed:
			}
		}
	}
}

// next returns the batch after the cursor, or what to wait for.
func (s *toy) next(ctx context.Context, at store.Cursor) (*store.Batch, <-chan struct{}, error) {
	end, err := s.begin(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer end()
	if s.fault == ignoresEpoch && at.Epoch != s.epoch {
		at = store.Cursor{Epoch: s.epoch, Position: 1}
	}
	if at.Position == 0 || !s.cursor().Covers(at) {
		return nil, nil, store.ErrCursorLost
	}
	if at == s.cursor() {
		return nil, s.grown, nil
	}
	batch := s.log[at.Position-1]
	batch.Changes = slices.Clone(batch.Changes)
	batch.Cursor = store.Cursor{Epoch: s.epoch, Position: at.Position + 1}
	return &batch, nil, nil
}

func (s *toy) Secret(ctx context.Context) ([]byte, error) {
	end, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	return bytes.Clone(s.secret), nil
}

func (s *toy) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	end, err := s.begin(ctx)
	if err != nil {
		return nil, false, err
	}
	defer end()
	row, ok := s.sessions[token]
	if !ok || !time.Now().Before(row.expiry) {
		return nil, false, nil
	}
	return bytes.Clone(row.data), true, nil
}

func (s *toy) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	end, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	s.sessions[token] = session{bytes.Clone(data), expiry}
	return nil
}

func (s *toy) DeleteCtx(ctx context.Context, token string) error {
	end, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	delete(s.sessions, token)
	return nil
}

func (s *toy) Now(ctx context.Context) (time.Time, error) {
	end, err := s.begin(ctx)
	if err != nil {
		return time.Time{}, err
	}
	defer end()
	return time.Now(), nil
}

func (s *toy) Ping(ctx context.Context) error {
	_, err := s.Now(ctx)
	return err
}

func (s *toy) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}
