package mongostore

import (
	"context"
	"maps"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/seatlock/seatlock/store"
)

// groupView is all that the requests of a group ask for, as it stands after
// the decisions so far.
type groupView struct {
	id      string // of the event
	now     time.Time
	event   store.Event
	seats   map[string]seatDocument // by id
	asked   map[string]bool         // ids of seats that were looked for
	clocks  map[store.Holder]clockDocument
	held    map[store.Holder]map[string]bool // ids of seats
	records map[store.Key]recordDocument     // all that were looked for

	changedSeats   map[string]bool
	changedHolders map[store.Holder]bool
	changedRecords map[store.Key]bool
}

// find reads what the group asks for. It belongs into a transaction, whose
// primary knows all that was ever acknowledged.
func (e *Engine) find(ctx context.Context, event string, group []*request, findEvent eventFinder) (*groupView, error) {
	g := &groupView{
		id: event, seats: map[string]seatDocument{}, asked: map[string]bool{}, clocks: map[store.Holder]clockDocument{},
		held: map[store.Holder]map[string]bool{}, records: map[store.Key]recordDocument{},
		changedSeats: map[string]bool{}, changedHolders: map[store.Holder]bool{}, changedRecords: map[store.Key]bool{},
	}
	if event != "" {
		if err := e.findSeats(ctx, g, g.wanted(group)); err != nil {
			return nil, err
		}
	}
	err := e.findRecords(ctx, g, group)
	if err == nil && g.now.IsZero() {
		g.now, err = e.findNow(ctx)
	}
	if err == nil {
		g.event, err = findEvent(ctx)
	}
	if err == nil && g.event.ID != "" && g.lacksSeat() {
		// The event may have been removed since its sales times were read.
		d, failed := e.findEvent(ctx, event)
		g.event, err = d.event(), failed
	}
	if err != nil {
		return nil, err
	}
	if named := g.named(group); event != "" && len(named) > 0 {
		err = e.findSeats(ctx, g, bson.D{{Key: "_id", Value: in(named)}, {Key: "event", Value: event}})
	}
	return g, err
}

func (e *Engine) findSeats(ctx context.Context, g *groupView, filter bson.D) error {
	return e.findWhole(ctx, seatsColl, filter, func(document bson.Raw, now time.Time) error {
		g.readAt(now)
		if _, err := document.LookupErr("seat"); err != nil {
			c, err := decodeClock(document)
			g.clocks[c.holder] = c
			return err
		}
		s, err := decodeSeat(document)
		g.setSeat(s)
		return err
	})
}

// lacksSeat reports whether a seat was looked for and is not there.
func (g *groupView) lacksSeat() bool {
	for id := range g.asked {
		if _, found := g.seats[id]; !found {
			return true
		}
	}
	return false
}

// findRecords reads records, expired or not: they are written over.
func (e *Engine) findRecords(ctx context.Context, g *groupView, group []*request) error {
	var ids []string
	for _, r := range group {
		for _, key := range r.Records {
			if _, known := g.records[key]; !known {
				g.records[key] = recordDocument{record: store.Record{Key: key}}
				ids = append(ids, recordID(key))
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return e.findWhole(ctx, recordsColl, bson.D{{Key: "_id", Value: in(ids)}}, func(document bson.Raw, now time.Time) error {
		g.readAt(now)
		r, err := decodeRecord(document, e.kinds)
		g.records[r.record.Key] = r
		return err
	})
}

func (e *Engine) findWhole(ctx context.Context, collection string, filter bson.D, each func(bson.Raw, time.Time) error) error {
	cursor, err := e.db.Collection(collection).Find(ctx, filter, options.Find().SetProjection(whole()).SetBatchSize(10*groupSize))
	if err != nil {
		return err
	}
	defer cleanUp(func(ctx context.Context) { _ = cursor.Close(ctx) }) // the servers forget it anyhow
	for cursor.Next(ctx) {
		document, now, err := split(cursor.Current)
		if err == nil {
			err = each(document, now)
		}
		if err != nil {
			return err
		}
	}
	return cursor.Err()
}

// findNow reads the servers' time where nothing else was found to bring it.
func (e *Engine) findNow(ctx context.Context) (time.Time, error) {
	raw, err := e.db.Collection(metaColl).FindOne(ctx, byID(epochID), options.FindOne().SetProjection(onlyNow())).Raw()
	return optionalTime(raw, "now"), err
}

// readAt keeps the time of the first that was read: all is of that instant.
func (g *groupView) readAt(now time.Time) {
	if g.now.IsZero() {
		g.now = now
	}
}

// wanted finds the seats that are asked for, the clocks of the holders, and all
// that these hold. Each branch names the event, which may be the key of a shard.
func (g *groupView) wanted(group []*request) bson.D {
	var ids, holders []string
	for _, r := range group {
		for _, id := range r.Seats {
			g.asked[id] = true
			ids = append(ids, seatID(g.id, id))
		}
		if r.Holder != "" {
			ids = append(ids, clockID(g.id, r.Holder))
			holders = append(holders, string(r.Holder))
		}
	}
	branches := bson.A{bson.D{{Key: "_id", Value: in(ids)}, {Key: "event", Value: g.id}}}
	if len(holders) > 0 {
		branches = append(branches, bson.D{{Key: "event", Value: g.id}, {Key: "lockedBy", Value: in(holders)},
			{Key: "status", Value: in([]string{store.Locked.String(), store.Paying.String()})}})
	}
	return bson.D{{Key: "$or", Value: branches}}
}

// named are the _ids of seats that questions name now that the rest is known,
// and that were not looked for yet.
func (g *groupView) named(group []*request) (ids []string) {
	for _, r := range group {
		if r.Name == nil {
			continue
		}
		for _, id := range g.namedBy(r.Question) {
			if !g.read(id) {
				g.asked[id] = true
				ids = append(ids, seatID(g.id, id))
			}
		}
	}
	return ids
}

// namedBy is nothing if Name panics, as it does again when it is to decide.
func (g *groupView) namedBy(q store.Question) (ids []string) {
	defer func() { _ = recover() }()
	return q.Name(g.withoutSeats(q))
}

func (g *groupView) read(seat string) bool {
	_, found := g.seats[seat]
	return found || g.asked[seat]
}

// setSeat makes the document the one that stands.
func (g *groupView) setSeat(s seatDocument) {
	if old, known := g.seats[s.seat.ID]; known {
		delete(g.held[old.seat.LockedBy], s.seat.ID)
	}
	g.seats[s.seat.ID] = s
	if by := s.seat.LockedBy; s.seat.Status == store.Locked || s.seat.Status == store.Paying {
		if g.held[by] == nil {
			g.held[by] = map[string]bool{}
		}
		g.held[by][s.seat.ID] = true
	}
}

// view picks out what one question asks. It is not read if the question has
// come to name other seats than were read, by what the group has decided.
func (g *groupView) view(q store.Question) (v store.View, read bool) {
	v = g.withoutSeats(q)
	ids := q.Seats
	if q.Name != nil {
		ids = q.Name(v)
	}
	for _, id := range ids {
		if !g.read(id) && g.id != "" { // without an event there are no seats
			return v, false
		}
		s, found := g.seats[id]
		if !found {
			s.seat.ID = id
		}
		v.Seats = append(v.Seats, s.seat)
	}
	if q.Holder != "" {
		for _, id := range slices.Sorted(maps.Keys(g.held[q.Holder])) {
			v.Held = append(v.Held, g.seats[id].seat)
		}
	}
	return v, true
}

func (g *groupView) withoutSeats(q store.Question) store.View {
	v := store.View{Now: g.now, Event: g.event, Holder: q.Holder}
	if q.Holder != "" {
		v.Clock = g.clocks[q.Holder].clock
	}
	for _, key := range q.Records {
		record := g.records[key].record
		if !record.LiveAt(g.now) {
			record = store.Record{Key: key}
		}
		v.Records = append(v.Records, record)
	}
	return v
}

// changed reports whether the group has changed what the question is about.
func (g *groupView) changed(q store.Question, v store.View) bool {
	return q.Holder != "" && g.changedHolders[q.Holder] ||
		slices.ContainsFunc(v.Seats, func(s store.Seat) bool { return g.changedSeats[s.ID] }) ||
		slices.ContainsFunc(q.Records, func(key store.Key) bool { return g.changedRecords[key] })
}

// include makes a decision what the next one of the group sees, and adds what
// is to be written.
func (g *groupView) include(q store.Question, wanted store.Writes, w *writes) {
	if q.Definition && g.event.ID != "" {
		w.touchEvent(g.event)
	}
	if wanted.Clock != nil {
		c := g.clocks[q.Holder]
		old := c.clock.Version
		paying := wanted.Clock.Paying || c.clock.Paying && !g.endsPayment(q.Holder, wanted)
		c.event, c.holder, c.clock = g.id, q.Holder, *wanted.Clock
		c.clock.Paying = paying
		g.clocks[q.Holder], g.changedHolders[q.Holder] = c, true
		w.replaceClock(c, old)
	}
	for _, c := range wanted.Changes {
		s := g.seats[c.Seat.ID].after(c)
		g.setSeat(s)
		g.changedSeats[c.Seat.ID], g.changedHolders[c.Before], g.changedHolders[c.Seat.LockedBy] = true, true, true
		w.replaceSeat(s)
	}
	for _, id := range wanted.Relied {
		w.touchSeat(g.seats[id])
	}
	for _, holder := range wanted.Touched {
		g.touchClock(holder, w)
	}
	for _, entry := range wanted.Trail {
		w.trail.add(entry)
	}
	g.includeRecords(q, wanted, w)
}

// endsPayment reports whether a seat that the holder is paying for changes. Only
// that ends what keeps a clock: a newer program may keep it for a seat whose
// status this one does not know.
func (g *groupView) endsPayment(holder store.Holder, wanted store.Writes) bool {
	return slices.ContainsFunc(wanted.Changes, func(c store.Change) bool {
		before := g.seats[c.Seat.ID].seat
		return before.Status == store.Paying && before.LockedBy == holder
	})
}

// touchClock counts up the version of a clock that is somebody else's. It was
// read only if that holder has a request in the group.
func (g *groupView) touchClock(holder store.Holder, w *writes) {
	g.changedHolders[holder] = true
	c, read := g.clocks[holder]
	if !read {
		w.touchUnreadClock(clockDocument{event: g.id, holder: holder})
		return
	}
	w.touchClock(c)
	c.clock.Version++
	g.clocks[holder] = c
}

func (g *groupView) includeRecords(q store.Question, wanted store.Writes, w *writes) {
	left := slices.Clone(q.Records)
	leave := func(key store.Key) {
		g.changedRecords[key] = true
		left = slices.DeleteFunc(left, func(k store.Key) bool { return k == key })
	}
	for _, next := range wanted.Records {
		leave(next.Key)
		r := g.records[next.Key]
		old := r.record.Version
		if !r.record.LiveAt(g.now) {
			r = recordDocument{}
		}
		r.record = next
		r.record.Version = old + 1
		g.records[next.Key] = r
		w.replaceRecord(r)
	}
	for _, key := range wanted.Deleted {
		leave(key)
		if r := g.records[key]; r.record.Version > 0 {
			w.deleteRecord(r)
			g.records[key] = recordDocument{record: store.Record{Key: key}}
		}
	}
	for _, key := range left {
		w.touchRecord(g.records[key])
	}
}
