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
func (e *Engine) ReleaseDue(ctx context.Context) (due store.Due, err error) {
	err = e.write(ctx, callTimeout, func(ctx context.Context, _ *opened) error {
		return e.primary.again(ctx, func(ctx context.Context) (err error) {
			if err := e.mayWrite(ctx); err != nil {
				return err
			}
			if due, err = e.sweep(ctx); err != nil && passing(err) {
				e.endAbandoned()
			}
			return err
		})
	})
	return due, err
}

func (e *Engine) sweep(ctx context.Context) (due store.Due, err error) {
	next, newest, now, err := e.bounds(ctx)
	if err != nil {
		return store.Due{}, err
	}
	wrote := 0
	if next != nil && next.seat.FreeAt(now) {
		due.Released, err = e.release(ctx, now)
		wrote = due.Released
	}
	if err == nil && newest != nil && newest.seat.LockTime.After(now.Add(store.ClockSlack)) {
		var started int
		started, err = e.startNow(ctx, now)
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
func (e *Engine) release(ctx context.Context, now time.Time) (released int, err error) {
	lapsed, now, err := e.locked(ctx, "lockedUntil", bson.D{{Key: "$lte", Value: now}}, sweepSize)
	if err != nil {
		return 0, err
	}
	return e.writeSwept(ctx, lapsed, now)
}

// startNow has locks start that start in the future.
func (e *Engine) startNow(ctx context.Context, now time.Time) (moved int, err error) {
	ahead, now, err := e.locked(ctx, "lockTime", bson.D{{Key: "$gt", Value: now.Add(store.ClockSlack)}}, sweepSize)
	if err == nil {
		moved, err = e.writeSwept(ctx, ahead, now)
	}
	if err != nil {
		err = outcomeUnknown(err) // locks that were over may be released by now
	}
	return moved, err
}

// writeSwept writes what a sweep at now makes of the seats, those that are still
// as they were, and returns how many.
func (e *Engine) writeSwept(ctx context.Context, seats []seatDocument, now time.Time) (wrote int, err error) {
	var w writes
	for _, s := range seats {
		if c, due := store.Swept(s.event, s.seat, now); due {
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
