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

// ReleaseDue implements [store.Store]. What one sweep leaves is due at once.
//
// Each seat is released by a write of its own: in a transaction a sweep would
// fail whenever somebody takes one of its seats, or another instance sweeps.
// A lock past its deadline is free in either case, so that nobody can tell a
// sweep that is half done from one that has not begun.
func (s *Store) ReleaseDue(ctx context.Context) (due store.Due, err error) {
	err = s.write(ctx, "release lapsed locks", callTimeout, func(ctx context.Context, _ *home) error {
		return s.primary.again(ctx, func(ctx context.Context) (err error) {
			if due, err = s.sweep(ctx); err != nil && passing(err) {
				s.clearWay()
			}
			return err
		})
	})
	return due, err
}

func (s *Store) sweep(ctx context.Context) (due store.Due, err error) {
	next, now, err := s.locked(ctx, bson.D{}, 1)
	if err != nil {
		return store.Due{}, err
	}
	if len(next) > 0 && next[0].seat.FreeAt(now) {
		if due.Released, err = s.release(ctx, now); err != nil {
			return store.Due{}, unknown(err)
		}
		if next, now, err = s.locked(ctx, bson.D{}, 1); err != nil {
			return store.Due{}, unknown(err)
		}
	}
	if len(next) > 0 {
		due.Next = store.Lapse{Event: next[0].event, Seat: next[0].seat.ID, At: next[0].seat.LockedUntil}
	} else if now, err = s.findNow(ctx); err != nil {
		return store.Due{}, unknown(err)
	}
	due.Now = now
	return due, nil
}

func (s *Store) release(ctx context.Context, now time.Time) (released int, err error) {
	lapsed, _, err := s.locked(ctx, bson.D{{Key: "lockedUntil", Value: bson.D{{Key: "$lte", Value: now}}}}, sweepSize)
	if err != nil || len(lapsed) == 0 {
		return 0, err
	}
	var w writes
	for _, old := range lapsed {
		w.replace(old.change(store.Seat{}, true))
	}
	result, err := s.db.Collection(seatsColl).BulkWrite(ctx, w, options.BulkWrite().SetOrdered(false))
	if err != nil {
		return 0, err
	}
	return int(result.MatchedCount), nil
}

// locked reads seats that stand as locked, by deadline, and the servers' time.
func (s *Store) locked(ctx context.Context, more bson.D, limit int64) (rows []row, now time.Time, err error) {
	filter := append(bson.D{{Key: "status", Value: store.Locked.String()}}, more...)
	cursor, err := s.db.Collection(seatsColl).Find(ctx, filter, options.Find().
		SetSort(bson.D{{Key: "lockedUntil", Value: 1}}).SetLimit(limit).SetBatchSize(sweepSize).
		SetProjection(withNow("event", "seat", "place", "status", "lockedBy", "lockedUntil", "version")))
	if err != nil {
		return nil, now, err
	}
	defer tidy(func(ctx context.Context) { _ = cursor.Close(ctx) }) // the servers forget it anyhow
	for cursor.Next(ctx) {
		r, err := decodeRow(cursor.Current)
		if err != nil {
			return nil, now, err
		}
		now = optionalTime(cursor.Current, "now")
		rows = append(rows, r)
	}
	return rows, now, cursor.Err()
}
