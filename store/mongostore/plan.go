package mongostore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/seatlock/seatlock/store"
)

const partSize = 8 << 20 // bytes of a plan in one document, which may have 16 MiB with all else in it

// putPlan writes a plan's parts from the last to the first, which stands for
// all of them. Plans are named by their content: to write one again changes
// nothing.
func (e *Engine) putPlan(ctx context.Context, hash string, body []byte) error {
	parts := slices.Collect(slices.Chunk(body, partSize))
	for i, part := range slices.Backward(parts) {
		_, err := e.db.Collection(plansColl).UpdateOne(ctx, byID(partID(hash, i)),
			bson.D{{Key: "$setOnInsert", Value: bson.D{{Key: "parts", Value: len(parts)}, {Key: "body", Value: part}}}},
			options.UpdateOne().SetUpsert(true))
		if err != nil {
			return err
		}
	}
	return nil
}

func partID(hash string, part int) string { return fmt.Sprintf("%s/%d", hash, part) }

// Plan implements [store.Engine].
func (e *Engine) Plan(ctx context.Context, hash string) (body []byte, err error) {
	err = e.readMuch(ctx, snapshotTimeout, func(ctx context.Context, _ *opened) (err error) {
		body, err = e.planBody(ctx, hash)
		return err
	})
	return body, err
}

func (e *Engine) planBody(ctx context.Context, hash string) (body []byte, err error) {
	for i, parts := 0, 1; i < parts; i++ {
		var part struct {
			Parts int    `bson:"parts"`
			Body  []byte `bson:"body"`
		}
		err := e.db.Collection(plansColl).FindOne(ctx, byID(partID(hash, i))).Decode(&part)
		if errors.Is(err, mongo.ErrNoDocuments) {
			return nil, fmt.Errorf("%w with plan %s", store.ErrNoEvent, hash)
		}
		if err != nil {
			return nil, err
		}
		parts, body = part.Parts, append(body, part.Body...)
	}
	return body, nil
}
