package storetest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
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
// everything with the process. It answers under a mutex, has the rule decide
// without it, and writes under the mutex if nothing has changed. With a fault
// it breaks one promise, as real engines could.
type toy struct {
	*disk
	fault  fault
	closed chan struct{}
	once   *sync.Once
}

// disk is what instances share.
type disk struct {
	mu      sync.Mutex
	epoch   string
	secret  []byte
	halls   map[string]*hall
	plans   map[string][]byte
	records map[store.Key]store.Record // a deleted one has expired
	fail    bool                       // the next write, with a fault
	log     []store.Batch
	times   []time.Time // of the log
	trail   []store.Entry
	entries int           // that there ever were
	grown   chan struct{} // closed when the log grows
}

type hall struct {
	store.Definition
	first  store.Event // as it was created
	seats  map[string]store.Seat
	clocks map[store.Holder]store.Clock
}

func toyHarness(f fault) storetest.Harness {
	attach := func(t *testing.T, d *disk) store.Engine {
		s := &toy{disk: d, fault: f, closed: make(chan struct{}), once: &sync.Once{}}
		t.Cleanup(func() { s.Close() })
		return s
	}
	rounds := 1
	if f != "" {
		rounds = 20 // a fault ends its case: more rounds only leave less to luck
	}
	return storetest.Harness{
		Rounds: rounds,
		Open: func(t *testing.T) store.Engine {
			return attach(t, &disk{
				epoch: rand.Text(), secret: []byte(rand.Text() + rand.Text())[:32], grown: make(chan struct{}),
				halls: map[string]*hall{}, plans: map[string][]byte{}, records: map[store.Key]store.Record{},
			})
		},
		Second: func(t *testing.T, e store.Engine) store.Engine { return attach(t, e.(*toy).disk) },
	}
}

func now() time.Time { return time.Now().Truncate(time.Millisecond) }

// enter takes the mutex, unless the engine is closed or the ctx has ended.
func (s *toy) enter(ctx context.Context) (leave func(), err error) {
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
func (s *toy) pause(faults ...fault) {
	if slices.Contains(faults, s.fault) {
		wide := 50 * time.Microsecond
		if s.fault == earlyAnnounce { // whom it deceives must wake first, on a busy machine too
			wide = 2 * time.Millisecond
		}
		s.mu.Unlock()
		time.Sleep(wide)
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

// answer is what the toy found at one instant.
type answer struct {
	store.View
	at store.Cursor
}

func (s *toy) Decide(ctx context.Context, q store.Question, rule func(store.View) store.Decision) (store.Decision, store.Cursor, error) {
	if err := s.declared(q.Records); err != nil {
		return store.Decision{}, store.Cursor{}, err
	}
	var first *store.Decision
	for {
		a, err := s.ask(ctx, &q)
		if err != nil {
			return store.Decision{}, store.Cursor{}, err
		}
		d := s.ruled(q, a.View, rule)
		if first == nil {
			first = &d
		}
		runtime.Gosched()
		w := s.writes(q, a.View, d, rule)
		if err := a.Check(q, w); err != nil && s.fault == "" {
			return store.Decision{}, store.Cursor{}, err
		}
		at, done, err := s.commit(ctx, q, a, w)
		switch {
		case err != nil:
			return store.Decision{}, store.Cursor{}, err
		case done && s.fault == firstCounts:
			return *first, at, nil
		case done:
			return d, s.told(d, at), nil
		}
	}
}

// ask answers the question.
func (s *toy) ask(ctx context.Context, q *store.Question) (a answer, err error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return a, err
	}
	defer leave()
	a.at = s.cursor()
	a.Now, a.Holder = now(), q.Holder
	for _, key := range q.Records {
		a.Records = append(a.Records, s.record(key))
	}
	s.pause(mixedInstants)
	h := s.halls[q.Event]
	if h == nil {
		return a, nil
	}
	a.Event = h.asked(q.Definition, s.fault)
	if q.Holder != "" {
		a.Clock, a.Held = h.clocks[q.Holder], h.held(q.Holder, s.fault)
	}
	ids := q.Seats
	if q.Name != nil && s.fault != nameIgnored {
		ids = s.named(q.Name, h, a.View)
		s.pause(grantChecked)
		a.Clock, a.Held = h.clocks[q.Holder], h.held(q.Holder, s.fault)
	}
	if s.fault == nameOnce {
		q.Name, q.Seats = nil, ids
	}
	for _, id := range ids {
		seat := h.seats[id]
		seat.ID = id
		a.Seats = append(a.Seats, seat)
	}
	return a, nil
}

// named has the seats be named.
func (s *toy) named(name func(store.View) []string, h *hall, v store.View) []string {
	if s.fault == namedLater {
		s.mu.Unlock()
		defer s.mu.Lock()
	}
	return name(s.nameView(h, v))
}

// asked is the event as a view has it.
func (h *hall) asked(whole bool, f fault) store.Event {
	switch {
	case f == updateSales || whole && f == staleDefinition:
		return h.first
	case whole:
		return h.Event
	}
	return store.Event{ID: h.ID, Starts: h.Starts, SalesOpen: h.SalesOpen, SalesClose: h.SalesClose, Revision: h.Revision}
}

// held is what stands as the holder's, by id.
func (h *hall) held(who store.Holder, f fault) (out []store.Seat) {
	for _, id := range slices.Sorted(maps.Keys(h.seats)) {
		s := h.seats[id]
		locked := s.Status == store.Locked && (f != heldLive || now().Before(s.LockedUntil))
		if s.LockedBy == who && (locked || s.Status == store.Paying && f != heldUnpaid) {
			out = append(out, s)
		}
	}
	return out
}

// commit writes, unless something has changed; done tells which.
func (s *toy) commit(ctx context.Context, q store.Question, a answer, w store.Writes) (at store.Cursor, done bool, err error) {
	if w.Empty() {
		return a.at, true, nil
	}
	for _, r := range w.Records {
		if err := s.declared([]store.Key{r.Key}, slices.Collect(maps.Keys(r.Index))...); err != nil {
			return at, false, err
		}
	}
	leave, err := s.enter(ctx)
	switch {
	case err != nil && s.fault == endedWritten:
		return s.cursor(), true, nil
	case err != nil && s.fault == endedTorn && len(w.Changes) > 0:
		_, _, _ = s.commit(context.WithoutCancel(ctx), q, a, store.Writes{Changes: w.Changes})
		return at, false, err
	case err != nil:
		return at, false, err
	}
	defer leave()
	if s.fail {
		s.fail = false
		return at, false, store.ErrUnavailable
	}
	if err := s.duplicate(a.View); err != nil {
		return at, false, err
	}
	if s.fault == recordsFirst {
		s.writeRecords(w)
	}
	if !s.unchanged(q, a.View, w) {
		return at, false, nil
	}
	s.write(q, w)
	return s.cursor(), true, nil
}

// unchanged reports whether the view still holds, as far as it matters.
func (s *toy) unchanged(q store.Question, v store.View, w store.Writes) bool {
	h := s.halls[q.Event]
	for _, c := range w.Changes {
		if h.seats[c.Seat.ID].Version != c.Seat.Version-1 && s.fault != checkThenWrite {
			return false
		}
	}
	for _, seat := range slices.Concat(v.Seats, v.Held) {
		if slices.Contains(w.Relied, seat.ID) && h.seats[seat.ID].Version != seat.Version && s.fault != reliedIgnored {
			return false
		}
	}
	for _, r := range v.Records {
		written := slices.ContainsFunc(w.Records, func(o store.Record) bool { return o.Key == r.Key })
		if s.fault == recordBlind || s.fault == unwrittenIgnored && !written || s.fault == recordsFirst {
			continue
		}
		if s.records[r.Key].Version != r.Version && !(r.Version == 0 && !s.records[r.Key].LiveAt(v.Now)) {
			return false
		}
	}
	return w.Clock == nil || h.clocks[q.Holder].Version == v.Clock.Version || s.fault == countThenWrite
}

func (s *toy) write(q store.Question, w store.Writes) {
	if s.fault != recordsFirst && (s.fault != tornDecision || len(w.Changes) == 0) {
		s.writeRecords(w)
	}
	s.addTrail(w.Trail, q.Holder)
	h := s.halls[q.Event]
	if h == nil {
		return
	}
	if w.Clock != nil {
		h.clocks[q.Holder] = *w.Clock
	}
	for _, who := range w.Touched {
		if c, ok := h.clocks[who]; ok && s.fault != touchedIgnored {
			c.Version++
			h.clocks[who] = c
		}
	}
	s.writeSeats(h, w.Changes)
}

func (s *toy) writeSeats(h *hall, changes []store.Change) {
	if len(changes) == 0 {
		return
	}
	switch s.fault {
	case splitBatches:
		for i := range changes {
			s.announce(store.Batch{Changes: changes[i : i+1]})
		}
	default:
		s.announce(store.Batch{Changes: s.worded(changes)})
	}
	s.pause(earlyAnnounce)
	for _, c := range changes {
		switch s.fault {
		case bookingLost:
			c.Seat.Booking = ""
		case extendedLost:
			c.Seat.Extended = false
		case extendedStays:
			c.Seat.Extended = c.Seat.Extended || h.seats[c.Seat.ID].Extended
		}
		h.seats[c.Seat.ID] = c.Seat
	}
}

func (s *toy) writeRecords(w store.Writes) {
	for _, r := range w.Records {
		old := s.records[r.Key]
		r.Version = old.Version + 1
		r.Index = maps.Clone(r.Index)
		s.records[r.Key] = s.kept(old, r)
	}
	for _, key := range w.Deleted {
		switch r, ok := s.records[key]; {
		case s.fault == versionReused:
			delete(s.records, key)
		case ok:
			s.records[key] = store.Record{Key: key, Expires: time.Unix(0, 0), Version: r.Version + 1}
		}
	}
	if s.fault == recordsTold && len(w.Records) > 0 {
		s.announce(store.Batch{Events: []string{w.Records[0].ID}})
	}
}

// declared refuses kinds and indexes that there are not.
func (s *toy) declared(keys []store.Key, indexes ...string) error {
	for _, key := range keys {
		if !store.Declared(storetest.Kinds(), key.Kind, indexes...) && s.fault != anyKind {
			return fmt.Errorf("toy: kind %q with %q: %w", key.Kind, indexes, store.ErrInvalid)
		}
	}
	return nil
}

func (s *toy) record(key store.Key) store.Record {
	if r := s.records[key]; r.LiveAt(now()) || s.fault == expiredFound && r.Version > 0 {
		return r
	}
	return store.Record{Key: key}
}

func (s *toy) Record(ctx context.Context, key store.Key) (store.Record, error) {
	if err := s.declared([]store.Key{key}); err != nil {
		return store.Record{}, err
	}
	leave, err := s.enter(ctx)
	if err != nil {
		return store.Record{}, err
	}
	defer leave()
	return s.record(key), nil
}

func (s *toy) Records(ctx context.Context, scan store.Scan) (page []store.Record, err error) {
	if err := s.declared([]store.Key{{Kind: scan.Kind}}, scan.Index); err != nil {
		return nil, err
	}
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	for _, r := range s.records {
		value := scan.Value(r)
		live := r.LiveAt(now()) || (s.fault == expiredListed || s.fault == expiredShortens) && len(r.Body) > 0
		within := value >= scan.From && (scan.To == "" || value < scan.To || value == scan.To && s.fault == scanInclusive)
		after := scan.After.ID == "" || s.compare(scan, r, scan.After) > 0
		if r.Kind == scan.Kind && (s.fault != bookingsUnlisted || r.Kind != store.BookingRecord) && live && value != "" && within && after {
			page = append(page, r)
		}
	}
	slices.SortFunc(page, func(a, b store.Record) int { return s.compare(scan, a, b) })
	return s.paged(page[:min(len(page), scan.Limit)], scan.Limit), nil
}

// compare orders records in an index.
func (s *toy) compare(scan store.Scan, a, b store.Record) int {
	x, y, p, q := scan.Value(a), scan.Value(b), a.ID, b.ID
	switch s.fault {
	case scanCase:
		x, y = strings.ToLower(x), strings.ToLower(y)
	case scanTies:
		p, q = q, p
	case scanSkips:
		p, q = "", ""
	}
	if c := strings.Compare(x, y); c != 0 {
		return c
	}
	return strings.Compare(p, q)
}

func (s *toy) Define(ctx context.Context, event string, withSeats bool, rule func(store.Definition) (store.Redefinition, error)) error {
	for {
		old, seats, err := s.definition(ctx, event)
		if err != nil {
			return err
		}
		asked := old
		if asked.Seats = slices.Clone(old.Seats); !withSeats {
			asked.Seats, asked.Claimed = nil, nil
		}
		next, err := s.redefined(asked, rule)
		if err != nil && s.fault != defineAnyway || next.ID == "" && !next.Removed {
			return err
		}
		runtime.Gosched()
		if done, failed := s.redefine(ctx, old, seats, next); done || failed != nil {
			return failed
		}
	}
}

// definition returns the definition of an event, and its seats.
func (s *toy) definition(ctx context.Context, event string) (d store.Definition, seats map[string]store.Seat, err error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return d, nil, err
	}
	defer leave()
	if h := s.halls[event]; h != nil {
		d, seats = h.Definition, maps.Clone(h.seats)
	}
	d.Now = now()
	if s.fault == claimsNothing {
		return d, seats, nil
	}
	for _, id := range slices.Sorted(maps.Keys(seats)) {
		if seat := seats[id]; seat.Status != store.Available && (seat.Status != store.Withheld || s.fault == claimsWithheld) {
			d.Claimed = append(d.Claimed, seat)
		}
	}
	return d, seats, nil
}

// overtaken reports whether a seat that a redefinition relies on has changed.
func (s *toy) overtaken(h *hall, seats map[string]store.Seat, next store.Redefinition) bool {
	relied := next.Relied
	if next.Removed {
		relied = h.Seats
	}
	return s.fault != definesBlind && slices.ContainsFunc(relied, func(id string) bool { return h.seats[id] != seats[id] })
}

// remove forgets an event, with its seats and clocks.
func (s *toy) remove(id string) {
	if s.fault != removeKeeps {
		delete(s.halls, id)
	}
	if s.fault != removeSilent {
		s.announce(store.Batch{Events: []string{id}})
	}
}

// redefine writes a definition, unless the one it is to replace has changed, or
// a seat that was relied on.
func (s *toy) redefine(ctx context.Context, old store.Definition, seats map[string]store.Seat, next store.Redefinition) (done bool, err error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	if h := s.halls[old.ID]; h != nil && (h.Revision != old.Revision && s.fault != updateChecked || s.overtaken(h, seats, next)) {
		return false, nil
	}
	if next.Removed {
		s.remove(old.ID)
		return true, nil
	}
	h := s.halls[next.ID]
	if h == nil {
		h = &hall{first: next.Event, seats: map[string]store.Seat{}, clocks: map[store.Holder]store.Clock{}}
	}
	if h.Revision != old.Revision && s.fault != updateChecked {
		return false, nil
	}
	s.halls[next.ID] = h
	h.Event, h.Fingerprint = next.Event, next.Fingerprint
	h.Hidden = h.Hidden && s.fault != hiddenLost
	if s.fault == tariffsLost {
		h.Tariffs = nil
	}
	var fresh []store.Seat
	if next.Plan != nil {
		fresh = s.addSeats(h, old.Event.Plan, *next.Plan)
	}
	s.announceDefinition(h, old, next, fresh)
	return true, nil
}

// addSeats has the hall have the plan, and returns the seats that are new.
func (s *toy) addSeats(h *hall, before string, plan store.PlanSeats) (fresh []store.Seat) {
	if s.fault == addForgets {
		delete(s.plans, before)
	}
	s.plans[h.Event.Plan] = bytes.Clone(plan.Body)
	h.Seats = s.ranked(h, plan.Seats)
	for _, id := range plan.Seats {
		old, there := h.seats[id]
		seat := store.Seat{ID: id, Version: 1}
		if slices.Contains(plan.Withheld, id) {
			seat.Status = store.Withheld
		}
		switch {
		case there && s.fault == addFrees:
			seat = store.Seat{ID: id, Version: old.Version + 1}
		case there && (s.fault != addWithholds || seat.Status != store.Withheld):
			seat = old
		case !there:
			fresh = append(fresh, seat)
		}
		h.seats[id] = seat
	}
	return fresh
}

func (s *toy) ReleaseDue(ctx context.Context) (store.Due, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return store.Due{}, err
	}
	defer leave()
	due := store.Due{Now: now()}
	for id, h := range s.halls {
		var changes []store.Change
		for _, seat := range h.seats {
			if s.fault == payingSwept && seat.Status == store.Paying {
				seat.Status = store.Locked
			}
			c, over := store.Swept(id, seat, due.Now)
			if over && s.fault == futureKept && c.Reason == store.ReasonChanged {
				over = false
			}
			if over && s.fault == futureFreed {
				c = store.NewChange(id, seat, store.Seat{}, store.ReasonLapsed)
			}
			if over {
				changes = append(changes, c)
				seat = c.Seat
			}
			switch {
			case c.Reason == store.ReasonLapsed:
				due.Released++
			case seat.Status == store.Locked && (due.Next.At.IsZero() || seat.LockedUntil.Before(due.Next.At)):
				due.Next = store.Lapse{Event: id, Seat: seat.ID, At: seat.LockedUntil}
			}
		}
		h.sweepClocks(due.Now, s.fault)
		if s.fault == doubleLapse {
			s.announce(store.Batch{Changes: changes})
		}
		s.writeSeats(h, changes)
		s.addSweep(changes, due.Now)
	}
	return due, nil
}

// sweepClocks forgets clocks that are over, but for their versions.
func (h *hall) sweepClocks(now time.Time, f fault) {
	for who, c := range h.clocks {
		if !c.RunsAt(now) && (!c.Paying && c.Unpaid == 0 || f == clockLost || f == unpaidLost && !c.Paying) && f != grantForEver {
			h.clocks[who] = store.Clock{Version: c.Version}
		}
	}
}

func (s *toy) Events(ctx context.Context) ([]store.Event, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	var out []store.Event
	for _, h := range s.halls {
		out = append(out, h.Event)
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
	d, _, err := s.definition(ctx, id)
	if err == nil && d.ID == "" {
		err = store.ErrNoEvent
	}
	return d.Event, err
}

func (s *toy) Plan(ctx context.Context, hash string) ([]byte, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if body, ok := s.plans[hash]; ok {
		return bytes.Clone(body), nil
	}
	return nil, store.ErrNoEvent
}

func (s *toy) Snapshot(ctx context.Context, event string) (store.Snapshot, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return store.Snapshot{}, err
	}
	defer leave()
	h, ok := s.halls[event]
	if !ok {
		return store.Snapshot{}, store.ErrNoEvent
	}
	snap := store.Snapshot{Now: now()}
	for _, id := range h.Seats {
		snap.Seats = append(snap.Seats, h.seats[id])
	}
	s.pause(lateCursor)
	snap.Cursor = s.cursor()
	return snap, nil
}

func (s *toy) Recent(ctx context.Context, age time.Duration) (store.Cursor, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return store.Cursor{}, err
	}
	defer leave()
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

func (s *toy) Resume(ctx context.Context, c store.Cursor) (store.Cursor, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return store.Cursor{}, err
	}
	defer leave()
	if c.Epoch != s.epoch {
		return store.Cursor{}, store.ErrCursorLost
	}
	return c, nil
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
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer leave()
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
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return s.secret, nil
}

func (s *toy) Now(ctx context.Context) (time.Time, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return time.Time{}, err
	}
	defer leave()
	return now(), nil
}

func (s *toy) Ping(ctx context.Context) error {
	_, err := s.Now(ctx)
	return err
}

func (s *toy) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// kept is a record as it will be found.
func (s *toy) kept(old, r store.Record) store.Record {
	switch s.fault {
	case bodyRewritten:
		var body map[string]any
		if json.Unmarshal(r.Body, &body) == nil {
			r.Body, _ = json.Marshal(body)
		}
	case scanStale:
		index := maps.Clone(old.Index)
		if index == nil {
			index = map[string]string{}
		}
		maps.Copy(index, r.Index)
		r.Index = index
	case versionJumps:
		r.Version++
	case tomorrowDropped:
		r.Body = bytes.ReplaceAll(r.Body, []byte(`,"tomorrow":"kept"`), nil)
	}
	r.Body = bytes.Clone(r.Body)
	return r
}
