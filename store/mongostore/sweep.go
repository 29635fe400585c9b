package mongostore

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/seatlock/seatlock/store"
)

// sweepSize bounds how long one sweep takes.
const sweepSize = 1000

// ReleaseDue implements [store.Engine]. What one sweep leaves is due at once.
//
// Each seat is released by a write of its own: in a transaction a sweep would
// fail whenever somebody takes one of its seats, or another instance sweeps.
// A lock past its deadline is free in either case, so that nobody can tell a
// sweep that is half done from one that has not begun.
//
// The trail is written after the seats. A sweep that dies in between leaves those
// entries out, which shows as a gap in the versions of the seats.
func (e *Engine) ReleaseDue(ctx context.Context) (due store.Due, err error) {
	err = e.write(ctx, callTimeout, func(ctx context.Context, _ *opened) error {
		var all []swept
		err := e.primary.again(ctx, func(ctx context.Context) (err error) {
			if err := e.mayWrite(ctx); err != nil {
				return err
			}
			if due, err = e.sweep(ctx, &all); err != nil && passing(err) {
				e.endAbandoned()
			}
			return err
		})
		if trail := e.trailSwept(ctx, all); trail != nil {
			e.log.Warn("the trail lacks what a sweep has changed", "error", trail)
		}
		return err
	})
	return due, err
}

// swept are changes that a sweep has sent. written tells that all were written.
type swept struct {
	now     time.Time
	lapsed  []time.Time // when the locks were over, by change
	changes []store.Change
	written bool
}

// trailSwept adds to the trail what sweeps have written. Of several that meet at
// one seat each may do so: their entries for it have one _id.
func (e *Engine) trailSwept(ctx context.Context, all []swept) error {
	var t trailDocuments
	for _, s := range all {
		wrote := func(store.Change) bool { return true }
		if !s.written {
			var err error
			if wrote, err = e.whatWasSwept(ctx, s.changes); err != nil {
				return err
			}
		}
		for i, c := range s.changes {
			at := s.now
			if !s.written && s.lapsed[i].Before(at) { // it may have been another sweep, before this one
				at = s.lapsed[i]
			}
			if wrote(c) {
				t.addLapse(c.Entry(at, store.ByClock, ""), s.lapsed[i])
			}
		}
	}
	if len(t.documents) == 0 {
		return nil
	}
	return e.primary.again(ctx, func(ctx context.Context) error {
		err := e.mayWrite(ctx)
		if err == nil {
			_, err = e.db.Collection(trailColl).InsertMany(ctx, t.documents, options.InsertMany().SetOrdered(false))
		}
		if mongo.IsDuplicateKeyError(err) { // those are there already
			err = nil
		}
		return err
	})
}

// whatWasSwept tells which of the changes were made, by a sweep of this instance or
// another: the seat is as the change has it, or has changed again since, and no
// decision has told the trail of its version in between.
func (e *Engine) whatWasSwept(ctx context.Context, changes []store.Change) (wrote func(store.Change) bool, err error) {
	type version struct {
		Event   string `bson:"event"`
		Seat    string `bson:"seat"`
		Version int64  `bson:"version"`
	}
	var seats []struct {
		Event   string `bson:"event"`
		Seat    string `bson:"seat"`
		Version int64  `bson:"version"`
		Reason  string `bson:"reason"`
	}
	var told []version
	ids, versions := []string{}, bson.A{}
	for _, c := range changes {
		ids = append(ids, seatID(c.Event, c.Seat.ID))
		versions = append(versions, bson.D{{Key: "event", Value: c.Event}, {Key: "seat", Value: c.Seat.ID}, {Key: "version", Value: c.Seat.Version}})
	}
	err = e.primary.again(ctx, func(ctx context.Context) error {
		if err := e.findAll(ctx, seatsColl, bson.D{{Key: "_id", Value: in(ids)}}, &seats); err != nil {
			return err
		}
		return e.findAll(ctx, trailColl, bson.D{{Key: "$or", Value: versions}}, &told)
	})
	stands, now, known := map[version]store.Reason{}, map[version]int64{}, map[version]bool{}
	for _, s := range seats {
		stands[version{s.Event, s.Seat, s.Version}] = store.ParseReason(s.Reason)
		now[version{Event: s.Event, Seat: s.Seat}] = s.Version
	}
	for _, v := range told {
		known[v] = true
	}
	return func(c store.Change) bool {
		v := version{c.Event, c.Seat.ID, c.Seat.Version}
		reason, is := stands[v]
		return is && reason == c.Reason || now[version{Event: c.Event, Seat: c.Seat.ID}] > v.Version && !known[v]
	}, err
}

// findAll reads all documents that a filter finds.
func (e *Engine) findAll(ctx context.Context, collection string, filter bson.D, to any) error {
	cursor, err := e.db.Collection(collection).Find(ctx, filter)
	if err != nil {
		return err
	}
	return cursor.All(ctx, to)
}

func (e *Engine) sweep(ctx context.Context, all *[]swept) (due store.Due, err error) {
	next, newest, now, err := e.bounds(ctx)
	if err != nil {
		return store.Due{}, err
	}
	wrote := 0
	if next != nil && next.seat.FreeAt(now) {
		due.Released, err = e.release(ctx, now, all)
		wrote = due.Released
	}
	if err == nil && newest != nil && newest.seat.LockTime.After(now.Add(store.ClockSlack)) {
		var started int
		started, err = e.startNow(ctx, now, all)
		wrote += started
	}
	if err != nil {
		return store.Due{}, err
	}
	if wrote > 0 {
		if next, _, now, err = e.bounds(ctx); err != nil {
			return store.Due{}, outcomeUnknown(err)
		}
	}
	if next != nil {
		due.Next = store.Lapse{Event: next.event, Seat: next.seat.ID, At: next.seat.LockedUntil}
	} else if now, err = e.findNow(ctx); err != nil {
		return store.Due{}, outcomeUnknown(err)
	}
	due.Now = now
	return due, nil
}

// bounds returns, of the seats that stand as locked, that whose lock ends first
// and that whose lock begins last, and the servers' time; nil is none.
func (e *Engine) bounds(ctx context.Context) (next, newest *seatDocument, now time.Time, err error) {
	first := func(field string, order int) mongo.Pipeline {
		return mongo.Pipeline{
			match(bson.D{{Key: "status", Value: store.Locked.String()}}),
			{{Key: "$sort", Value: bson.D{{Key: field, Value: order}}}},
			{{Key: "$limit", Value: 1}},
			{{Key: "$project", Value: whole()}},
		}
	}
	both := append(first("lockedUntil", 1), bson.D{{Key: "$unionWith", Value: bson.D{
		{Key: "coll", Value: seatsColl}, {Key: "pipeline", Value: first("lockTime", -1)}}}})
	cursor, err := e.db.Collection(seatsColl).Aggregate(ctx, both)
	if err != nil {
		return nil, nil, now, err
	}
	seats, now, err := readSeats(ctx, cursor)
	if err != nil || len(seats) == 0 {
		return nil, nil, now, err
	}
	return &seats[0], &seats[len(seats)-1], now, nil
}

// release frees seats whose lock is over.
func (e *Engine) release(ctx context.Context, now time.Time, all *[]swept) (released int, err error) {
	lapsed, now, err := e.locked(ctx, "lockedUntil", bson.D{{Key: "$lte", Value: now}}, sweepSize)
	if err != nil {
		return 0, err
	}
	return e.writeSwept(ctx, lapsed, now, all)
}

// startNow has locks start that start in the future.
func (e *Engine) startNow(ctx context.Context, now time.Time, all *[]swept) (moved int, err error) {
	ahead, now, err := e.locked(ctx, "lockTime", bson.D{{Key: "$gt", Value: now.Add(store.ClockSlack)}}, sweepSize)
	if err == nil {
		moved, err = e.writeSwept(ctx, ahead, now, all)
	}
	if err != nil {
		err = outcomeUnknown(err) // locks that were over may be released by now
	}
	return moved, err
}

// writeSwept writes what a sweep at now makes of the seats, those that are still
// as they were, and returns how many.
func (e *Engine) writeSwept(ctx context.Context, seats []seatDocument, now time.Time, all *[]swept) (wrote int, err error) {
	sent := swept{now: now}
	var w writes
	for _, s := range seats {
		if c, due := store.Swept(s.event, s.seat, now); due {
			sent.changes, sent.lapsed = append(sent.changes, c), append(sent.lapsed, s.seat.LockedUntil)
			w.replaceSeat(s.after(c))
		}
	}
	if len(w.seats) == 0 {
		return 0, nil
	}
	if err := e.mayWrite(ctx); err != nil {
		return 0, err
	}
	result, err := e.db.Collection(seatsColl).BulkWrite(ctx, w.seats, options.BulkWrite().SetOrdered(false))
	sent.written = err == nil && int(result.MatchedCount) == len(w.seats)
	*all = append(*all, sent)
	if err != nil {
		return 0, outcomeUnknown(err)
	}
	return int(result.MatchedCount), nil
}

// locked reads seats that stand as locked, within bounds of a field and in its
// order, and the servers' time.
func (e *Engine) locked(ctx context.Context, field string, bounds bson.D, limit int64) ([]seatDocument, time.Time, error) {
	cursor, err := e.db.Collection(seatsColl).Find(ctx,
		bson.D{{Key: "status", Value: store.Locked.String()}, {Key: field, Value: bounds}}, options.Find().
			SetSort(bson.D{{Key: field, Value: 1}}).SetLimit(limit).SetBatchSize(sweepSize).SetProjection(whole()))
	if err != nil {
		return nil, time.Time{}, err
	}
	return readSeats(ctx, cursor)
}

// readSeats reads all that whole has selected, and the servers' time.
func readSeats(ctx context.Context, cursor *mongo.Cursor) (seats []seatDocument, now time.Time, err error) {
	defer cleanUp(func(ctx context.Context) { _ = cursor.Close(ctx) }) // the servers forget it anyhow
	for cursor.Next(ctx) {
		document, at, err := split(cursor.Current)
		if err != nil {
			return nil, now, err
		}
		s, err := decodeSeat(document)
		if err != nil {
			return nil, now, err
		}
		now, seats = at, append(seats, s)
	}
	return seats, now, cursor.Err()
}
