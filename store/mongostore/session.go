package mongostore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// sessionID is what stands for a token in the database, whose readers and
// backups are then of no use to who would be somebody else.
func sessionID(token string) bson.D {
	sum := sha256.Sum256([]byte(token))
	return bson.D{{Key: "_id", Value: hex.EncodeToString(sum[:])}}
}

// FindCtx implements [store.Store].
func (s *Store) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	err = s.read(ctx, "find session", func(ctx context.Context, _ *home) error {
		live := append(sessionID(token), bson.E{Key: "$expr", Value: bson.D{{Key: "$gt", Value: bson.A{"$expires", "$$NOW"}}}})
		var session struct {
			Data []byte `bson:"data"`
		}
		err := s.db.Collection(sessionsColl).FindOne(ctx, live).Decode(&session)
		if errors.Is(err, mongo.ErrNoDocuments) {
			return nil
		}
		data, found = session.Data, err == nil
		return err
	})
	return data, found, err
}

// CommitCtx implements [store.Store].
func (s *Store) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	return s.write(ctx, "commit session", callTimeout, func(ctx context.Context, _ *home) error {
		return s.writeSingle(ctx, func(ctx context.Context) error {
			_, err := s.db.Collection(sessionsColl).ReplaceOne(ctx, sessionID(token), bson.D{
				{Key: "data", Value: data}, {Key: "expires", Value: bson.NewDateTimeFromTime(expiry)},
			}, options.Replace().SetUpsert(true))
			return err
		})
	})
}

// DeleteCtx implements [store.Store].
func (s *Store) DeleteCtx(ctx context.Context, token string) error {
	return s.write(ctx, "delete session", callTimeout, func(ctx context.Context, _ *home) error {
		return s.writeSingle(ctx, func(ctx context.Context) error {
			_, err := s.db.Collection(sessionsColl).DeleteOne(ctx, sessionID(token))
			return err
		})
	})
}

// writeSingle makes an idempotent write of one document, until its outcome is
// known or it is out of time.
func (s *Store) writeSingle(ctx context.Context, fn func(context.Context) error) error {
	err := s.primary.again(ctx, fn)
	if err != nil && passing(err) {
		return unknown(err)
	}
	return err
}
