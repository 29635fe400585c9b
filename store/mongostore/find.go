package mongostore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"

	"github.com/seatlock/seatlock/store"
)

// question is what a request needs to know before it can decide.
type question struct {
	event  string
	holder store.Holder // "" if nobody's lock matters
	seats  []string
	// request is the id of a lock that is asked for, or asked for again: then
	// the seats are those that it was granted.
	request string
}

// view answers a question: how things stand at one instant.
type view struct {
	now   time.Time
	sales store.Event // only when it is on sale, and its revision
	seats []row       // those asked for, in that order
	mine  []row       // all that is locked or paid for by the holder, lapsed or not, by id
	clock clock
}

// decision is what a request comes to: how things stand once the documents are
// written. Without rows and clock there is nothing to do.
type decision struct {
	out   store.Outcome
	clock clock // version 0 is none
	rows  []row // as they will be
	// relied are rows that stay as they are, and that others must leave so
	// until the decision is written: else a free seat that was named for an
	// unlock could be somebody's by the time the answer says that it is free.
	relied []row
}

// found is all that the requests of a group ask for.
type found struct {
	now    time.Time
	event  *store.Event   // only when it is on sale, and its revision; nil for none
	seats  map[string]row // by id
	clocks map[store.Holder]clock
	held   map[store.Holder]map[string]bool // ids of seats

	// What the group has changed so far.
	changedSeats   map[string]bool
	changedHolders map[store.Holder]bool
}

// find reads what the group asks for. It belongs into a transaction, whose
// primary knows all that was ever acknowledged.
func (s *Store) find(ctx context.Context, event string, group []*request) (*found, error) {
	f := &found{
		seats: map[string]row{}, clocks: map[store.Holder]clock{}, held: map[store.Holder]map[string]bool{},
		changedSeats: map[string]bool{}, changedHolders: map[store.Holder]bool{},
	}
	if err := s.findInto(ctx, f, wanted(event, group)); err != nil {
		return nil, err
	}
	if f.now.IsZero() {
		var err error
		f.now, err = s.findNow(ctx)
		return f, err
	}
	if granted := f.granted(event, group); granted != nil {
		first := f.now // as the rest was read
		err := s.findInto(ctx, f, bson.D{{Key: "_id", Value: in(granted)}, {Key: "event", Value: event}})
		f.now = first
		return f, err
	}
	return f, nil
}

func (s *Store) findInto(ctx context.Context, f *found, filter bson.D) error {
	cursor, err := s.db.Collection(seatsColl).Find(ctx, filter,
		options.Find().SetProjection(withNow(allFields...)).SetBatchSize(10*groupSize))
	if err != nil {
		return err
	}
	defer tidy(func(ctx context.Context) { _ = cursor.Close(ctx) }) // the servers forget it anyhow
	for cursor.Next(ctx) {
		if err := f.add(cursor.Current); err != nil {
			return err
		}
	}
	return cursor.Err()
}

// granted are the paths of seats that repeated requests were granted before,
// and that are not found yet: they were given back since.
func (f *found) granted(event string, group []*request) (paths bson.A) {
	for _, r := range group {
		for _, id := range f.known(r.question).seats {
			if _, found := f.seats[id]; !found && !slices.Contains(r.seats, id) {
				paths = append(paths, path(event, id))
			}
		}
	}
	return paths
}

// known is the question with the seats that were granted to its request, if
// the holder's running clock remembers it.
func (f *found) known(q question) question {
	if c := f.clocks[q.holder]; q.request != "" && f.now.Before(c.deadline) {
		if seats, ok := c.grants.Seats(q.request); ok {
			q.seats = seats
		}
	}
	return q
}

// findNow reads the servers' time where nothing else was found to bring it.
func (s *Store) findNow(ctx context.Context) (time.Time, error) {
	raw, err := s.db.Collection(metaColl).FindOne(ctx, bson.D{{Key: "_id", Value: "epoch"}}, options.FindOne().SetProjection(withNow())).Raw()
	return optionalTime(raw, "now"), err
}

// withNow selects fields, and the servers' time beside them.
func withNow(fields ...string) bson.D {
	selected := bson.D{{Key: "now", Value: "$$NOW"}}
	for _, name := range fields {
		selected = append(selected, bson.E{Key: name, Value: 1})
	}
	return selected
}

// salesAge is for how long it may go unnoticed that an event was redefined.
const salesAge = time.Second

// salesTimes has when events are on sale, each read not long ago.
type salesTimes struct {
	mu    sync.Mutex
	known map[string]salesTime
}

type salesTime struct {
	event *store.Event
	read  time.Time
}

func (t *salesTimes) get(event string) *store.Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	if one := t.known[event]; time.Since(one.read) < salesAge {
		return one.event
	}
	return nil
}

// put keeps the newest: what was read before an update may come after it.
func (t *salesTimes) put(one salesTime) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil {
		t.known = map[string]salesTime{}
	}
	if old := t.known[one.event.ID].event; old == nil || old.Revision <= one.event.Revision {
		t.known[one.event.ID] = one
	}
}

// findSales returns what waits for the event's sales times; an event of nil is
// none. They are read beside the transaction, which would take a round trip
// longer, and not for each group.
func (s *Store) findSales(ctx context.Context, h *home, event string) (wait func() (*store.Event, error)) {
	if e := h.sales.get(event); e != nil {
		return func() (*store.Event, error) { return e, nil }
	}
	one := salesTime{read: time.Now()}
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		if one.event, err = s.readSales(ctx, event); one.event != nil {
			h.sales.put(one)
		}
	}()
	return func() (*store.Event, error) {
		<-done
		return one.event, err
	}
}

// readSales reads what the primary has, which may not know yet what of that a
// majority has committed.
func (s *Store) readSales(ctx context.Context, event string) (*store.Event, error) {
	events := s.db.Collection(eventsColl, options.Collection().SetReadConcern(readconcern.Local()))
	var d eventDocument // in part
	err := events.FindOne(ctx, bson.D{{Key: "_id", Value: event}},
		options.FindOne().SetProjection(bson.D{
			{Key: "starts", Value: 1}, {Key: "salesOpen", Value: 1}, {Key: "salesClose", Value: 1}, {Key: "revision", Value: 1}})).Decode(&d)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	e := d.event()
	return &e, nil
}

// wanted finds the named seats, the clocks of the holders, and all that these
// hold. Each branch names the event, which may be the key of a shard.
func wanted(event string, group []*request) bson.D {
	var ids, holders bson.A
	for _, r := range group {
		for _, id := range r.seats {
			ids = append(ids, path(event, id))
		}
		if r.holder != "" {
			ids = append(ids, clockPath(event, r.holder))
			holders = append(holders, string(r.holder))
		}
	}
	branches := bson.A{bson.D{{Key: "_id", Value: in(ids)}, {Key: "event", Value: event}}}
	if len(holders) > 0 {
		branches = append(branches, bson.D{{Key: "event", Value: event}, {Key: "lockedBy", Value: in(holders)},
			{Key: "status", Value: in(bson.A{store.Locked.String(), store.Paying.String()})}})
	}
	return bson.D{{Key: "$or", Value: branches}}
}

func in(values bson.A) bson.D {
	if values == nil {
		values = bson.A{}
	}
	return bson.D{{Key: "$in", Value: values}}
}

// add takes in a seat or a clock.
func (f *found) add(raw bson.Raw) error {
	f.now = optionalTime(raw, "now")
	if _, err := raw.LookupErr("seat"); err != nil {
		c, err := decodeClock(raw)
		f.clocks[c.holder] = c
		return err
	}
	r, err := decodeRow(raw)
	f.set(r)
	return err
}

// set makes the row the one that stands.
func (f *found) set(r row) {
	if old, known := f.seats[r.seat.ID]; known {
		delete(f.held[old.seat.LockedBy], r.seat.ID)
	}
	f.seats[r.seat.ID] = r
	if by := r.seat.LockedBy; r.seat.Status == store.Locked || r.seat.Status == store.Paying {
		if f.held[by] == nil {
			f.held[by] = map[string]bool{}
		}
		f.held[by][r.seat.ID] = true
	}
}

// view picks out what one question asked.
func (f *found) view(q question) (v view, err error) {
	if f.event == nil {
		return view{}, fmt.Errorf("%w: %s", store.ErrNoEvent, q.event)
	}
	v.now, v.sales = f.now, *f.event
	for _, id := range q.seats {
		r, known := f.seats[id]
		if !known {
			return view{}, fmt.Errorf("%w: %s", store.ErrNoSeat, id)
		}
		v.seats = append(v.seats, r)
	}
	if q.holder != "" {
		v.clock = f.clocks[q.holder]
		for _, id := range slices.Sorted(maps.Keys(f.held[q.holder])) {
			v.mine = append(v.mine, f.seats[id])
		}
	}
	return v, nil
}

// apply makes a decision what the next one of the group sees, and adds what is
// to be written.
func (f *found) apply(d decision, w *writes) {
	if d.clock.version > 0 {
		f.clocks[d.clock.holder] = d.clock
		f.changedHolders[d.clock.holder] = true
		w.wind(d.clock)
	}
	for _, r := range d.rows {
		f.set(r)
		f.changedSeats[r.seat.ID], f.changedHolders[r.before] = true, true
		w.replace(r)
	}
	for _, r := range d.relied {
		w.touch(r)
	}
}

// changed reports whether the group has changed what the question is about.
func (f *found) changed(q question) bool {
	return q.holder != "" && f.changedHolders[q.holder] ||
		slices.ContainsFunc(q.seats, func(id string) bool { return f.changedSeats[id] })
}

// lock returns what the holder has at v.now. A clock that is over is no lock,
// unless seats of it are being paid for.
func (v view) lock(holder store.Holder) store.Lock {
	lock := store.Lock{Started: v.clock.started, Deadline: v.clock.deadline, Extended: v.clock.extended}
	for _, r := range v.mine {
		if r.seat.HeldBy(holder, v.now) {
			lock.Seats = append(lock.Seats, r.seat)
		}
	}
	if len(lock.Seats) == 0 && !v.now.Before(lock.Deadline) {
		return store.Lock{}
	}
	return lock
}

// outcome tells how things stand.
func (v view) outcome(holder store.Holder) store.Outcome {
	return store.Outcome{Seats: seatsOf(v.seats), Lock: v.lock(holder), Now: v.now}
}

func seatsOf(rows []row) []store.Seat {
	seats := make([]store.Seat, len(rows))
	for i, r := range rows {
		seats[i] = r.seat
	}
	return seats
}

func match(filter bson.D) bson.D { return bson.D{{Key: "$match", Value: filter}} }

// snapshot runs fn, which reads at one instant that a majority has committed.
// It is tried again while the server cannot offer such an instant, as just
// after an index was made.
func (s *Store) snapshot(ctx context.Context, fn func(context.Context, *mongo.Session) error) error {
	for try := 0; ; try++ {
		err := s.snapshotOnce(ctx, fn)
		if !hasCode(err, codeSnapshotUnavailable, codeSnapshotTooOld) || ctx.Err() != nil {
			return err
		}
		pause(ctx, try)
	}
}

func (s *Store) snapshotOnce(ctx context.Context, fn func(context.Context, *mongo.Session) error) error {
	session, err := s.db.Client().StartSession(options.Session().SetSnapshot(true))
	if err != nil {
		return err
	}
	defer tidy(session.EndSession)
	return fn(mongo.NewSessionContext(ctx, session), session)
}

// snapshotTime returns an instant that a majority has committed.
func (s *Store) snapshotTime(ctx context.Context) (at bson.Timestamp, err error) {
	err = s.snapshot(ctx, func(ctx context.Context, session *mongo.Session) error {
		err := s.db.Collection(metaColl).FindOne(ctx, bson.D{{Key: "_id", Value: "epoch"}}).Err()
		at = session.SnapshotTime()
		return err
	})
	return at, err
}
