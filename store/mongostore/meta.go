package mongostore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/seatlock/seatlock/store"
)

// The documents of meta.
const (
	secretID = "secret"
	epochID  = "epoch"
	pingID   = "ping"
	formatID = "format"
)

// byID finds the document with this _id.
func byID(id any) bson.D { return bson.D{{Key: "_id", Value: id}} }

// secret returns the store's secret, made by whoever came first.
func (e *Engine) secret(ctx context.Context) ([]byte, error) {
	random := make([]byte, 32)
	rand.Read(random)
	var meta struct {
		Secret []byte `bson:"secret"`
	}
	err := e.makeMeta(ctx, byID(secretID),
		bson.D{{Key: "$setOnInsert", Value: bson.D{{Key: "secret", Value: random}}}}, &meta)
	if err == nil && len(meta.Secret) != len(random) {
		err = fmt.Errorf("%w: the secret in %s", errDamaged, metaColl)
	}
	return meta.Secret, err
}

// epoch returns the history that the database is in. Whoever first finds seats
// in another collection than they were, which a restored backup makes, begins a
// new one.
func (e *Engine) epoch(ctx context.Context) (*opened, error) {
	seats, err := e.seatsUUID(ctx)
	if err != nil {
		return nil, err
	}
	var meta struct {
		Epoch string         `bson:"epoch"`
		Since bson.Timestamp `bson:"since"`
	}
	begin, err := e.beginEpoch(ctx, seats)
	if err != nil {
		return nil, err
	}
	err = e.makeMeta(ctx, bson.D{{Key: "_id", Value: epochID}, {Key: "seats", Value: bson.D{{Key: "$ne", Value: seats}}}}, begin, &meta)
	if err == nil && !store.ValidID(meta.Epoch) {
		err = fmt.Errorf("%w: the epoch in %s", errDamaged, metaColl)
	}
	return &opened{epoch: meta.Epoch, since: position(meta.Since), seats: seats}, err
}

// beginEpoch is the update that begins another history, from now on.
func (e *Engine) beginEpoch(ctx context.Context, seats bson.Binary) (bson.D, error) {
	since, err := e.serverTime(ctx)
	return bson.D{{Key: "$set", Value: bson.D{
		{Key: "epoch", Value: newEpoch()}, {Key: "seats", Value: seats}, {Key: "since", Value: since}}}}, err
}

// NewEpoch begins another history of the database that uri names: no cursor of
// before counts any more, and all who watch take a snapshot. It is for a
// database whose files were put back from a copy, which servers cannot tell
// from one that was only stopped. One that mongorestore has restored they can.
//
// Servers may run: they go over to it within a second. Errors are one line.
func NewEpoch(ctx context.Context, uri string) error {
	e, err := connect(uri, Options{})
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err = e.startEpoch(ctx); err != nil {
		err = fmt.Errorf("store %s: %w", e.settings.place, e.diagnose(ctx, err))
	}
	return errors.Join(err, e.Close())
}

func (e *Engine) startEpoch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if err := e.checkServers(ctx); err != nil {
		return err
	}
	if err := e.claimFormat(ctx); err != nil {
		return err
	}
	seats, err := e.seatsUUID(ctx)
	if err != nil {
		return err
	}
	begin, err := e.beginEpoch(ctx, seats)
	if err == nil {
		_, err = e.db.Collection(metaColl).UpdateOne(ctx, byID(epochID), begin, options.UpdateOne().SetUpsert(true))
	}
	return err
}

// makeMeta changes a document of meta, or makes it, unless the filter says
// that there is nothing to do, and reads it. Of those who make it at once one
// does, and the others find its _id taken.
func (e *Engine) makeMeta(ctx context.Context, filter, update bson.D, to any) error {
	meta := e.db.Collection(metaColl)
	_, err := meta.UpdateOne(ctx, filter, update, options.UpdateOne().SetUpsert(true))
	if err != nil && !mongo.IsDuplicateKeyError(err) {
		return fmt.Errorf("write %v: %w", filter[0].Value, err)
	}
	if err := meta.FindOne(ctx, filter[:1]).Decode(to); err != nil {
		return fmt.Errorf("read %v: %w", filter[0].Value, err)
	}
	return nil
}

// seatsUUID tells the collection of seats from another one of that name.
func (e *Engine) seatsUUID(ctx context.Context) (bson.Binary, error) {
	found, err := e.db.ListCollectionSpecifications(ctx, bson.D{{Key: "name", Value: seatsColl}})
	switch {
	case err != nil:
		return bson.Binary{}, fmt.Errorf("list collections: %w", err)
	case len(found) == 0 && !e.make: // whoever made the database has only begun
		return bson.Binary{}, errNoStore
	case len(found) != 1 || found[0].UUID == nil:
		return bson.Binary{}, fmt.Errorf("%w: collection %s has no UUID", errDamaged, seatsColl)
	}
	return *found[0].UUID, nil
}

// newEpoch is short, since it travels in every frame, and random enough that a
// store and its restored backup never share one.
func newEpoch() string {
	id := make([]byte, 8)
	rand.Read(id)
	return hex.EncodeToString(id)
}
