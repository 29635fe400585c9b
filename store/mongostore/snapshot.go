package mongostore

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/seatlock/seatlock/store"
)

// Snapshot implements [store.Engine].
func (e *Engine) Snapshot(ctx context.Context, event string) (snapshot store.Snapshot, err error) {
	err = e.readMuch(ctx, snapshotTimeout, func(ctx context.Context, o *opened) error {
		return e.atOneInstant(ctx, func(ctx context.Context, session *mongo.Session) (err error) {
			found, err := e.db.Collection(eventsColl).FindOne(ctx, byID(event), options.FindOne().SetProjection(onlyNow())).Raw()
			if errors.Is(err, mongo.ErrNoDocuments) {
				return fmt.Errorf("%w: %s", store.ErrNoEvent, event)
			}
			if err != nil {
				return err
			}
			snapshot.Now = optionalTime(found, "now")
			snapshot.Cursor = o.cursor(session.SnapshotTime())
			seats, err := e.allSeats(ctx, event)
			snapshot.Seats = seatsOf(seats)
			return err
		})
	})
	if err != nil {
		return store.Snapshot{}, err
	}
	return snapshot, nil
}

// allSeats reads the seats of an event, in the plan's order.
func (e *Engine) allSeats(ctx context.Context, event string) (seats []seatDocument, err error) {
	cursor, err := e.db.Collection(seatsColl).Find(ctx,
		bson.D{{Key: "event", Value: event}, {Key: "place", Value: bson.D{{Key: "$gte", Value: 0}}}}, // clocks have none
		options.Find().SetSort(bson.D{{Key: "place", Value: 1}}).SetBatchSize(10_000))
	if err != nil {
		return nil, err
	}
	defer cleanUp(func(ctx context.Context) { _ = cursor.Close(ctx) }) // the servers forget it anyhow
	for cursor.Next(ctx) {
		s, err := decodeSeat(cursor.Current)
		if err != nil {
			return nil, err
		}
		seats = append(seats, s)
	}
	return seats, cursor.Err()
}

// atOneInstant runs fn, which reads at one instant that a majority has
// committed. It is tried again while the server cannot offer such an instant,
// as just after an index was made.
func (e *Engine) atOneInstant(ctx context.Context, fn func(context.Context, *mongo.Session) error) error {
	for try := 0; ; try++ {
		err := e.tryAtOneInstant(ctx, fn)
		if !hasCode(err, codeSnapshotUnavailable, codeSnapshotTooOld) || ctx.Err() != nil {
			return err
		}
		pause(ctx, try)
	}
}

func (e *Engine) tryAtOneInstant(ctx context.Context, fn func(context.Context, *mongo.Session) error) error {
	session, err := e.db.Client().StartSession(options.Session().SetSnapshot(true))
	if err != nil {
		return err
	}
	defer cleanUp(session.EndSession)
	return fn(mongo.NewSessionContext(ctx, session), session)
}

// snapshotTime returns an instant that a majority has committed.
func (e *Engine) snapshotTime(ctx context.Context) (at bson.Timestamp, err error) {
	err = e.atOneInstant(ctx, func(ctx context.Context, session *mongo.Session) error {
		err := e.db.Collection(metaColl).FindOne(ctx, byID(epochID)).Err()
		at = session.SnapshotTime()
		return err
	})
	return at, err
}
