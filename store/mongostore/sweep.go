package mongostore

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
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
	next, now, err := e.locked(ctx, bson.D{}, 1)
	if err != nil {
		return store.Due{}, err
	}
	if len(next) > 0 && next[0].seat.FreeAt(now) {
		if due.Released, err = e.release(ctx, now); err != nil {
			return store.Due{}, err
		}
		if next, now, err = e.locked(ctx, bson.D{}, 1); err != nil {
			return store.Due{}, outcomeUnknown(err)
		}
	}
	if len(next) > 0 {
		due.Next = store.Lapse{Event: next[0].event, Seat: next[0].seat.ID, At: next[0].seat.LockedUntil}
	} else if now, err = e.findNow(ctx); err != nil {
		return store.Due{}, outcomeUnknown(err)
	}
	due.Now = now
	return due, nil
}

func (e *Engine) release(ctx context.Context, now time.Time) (released int, err error) {
	lapsed, now, err := e.locked(ctx, bson.D{{Key: "lockedUntil", Value: bson.D{{Key: "$lte", Value: now}}}}, sweepSize)
	if err != nil {
		return 0, err
	}
	var w writes
	for _, s := range lapsed {
		if c, due := store.Lapsed(s.event, s.seat, now); due {
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

// locked reads seats that stand as locked, by deadline, and the servers' time.
func (e *Engine) locked(ctx context.Context, more bson.D, limit int64) (seats []seatDocument, now time.Time, err error) {
	filter := append(bson.D{{Key: "status", Value: store.Locked.String()}}, more...)
	cursor, err := e.db.Collection(seatsColl).Find(ctx, filter, options.Find().
		SetSort(bson.D{{Key: "lockedUntil", Value: 1}}).SetLimit(limit).SetBatchSize(sweepSize).SetProjection(whole()))
	if err != nil {
		return nil, now, err
	}
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
