package mongostore

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/seatlock/seatlock/store"
)

// The collections. That of seats has the holders' clocks too: a request is then
// one read and one write, where each more would be a round trip.
const (
	seatsColl   = "seats"
	eventsColl  = "events"
	plansColl   = "plans"
	recordsColl = "records"
	metaColl    = "meta"
	trailColl   = "trail"
)

const keepClocks = 7 * 24 * 60 * 60 // seconds after their end

// makeCollections is safe to do at once on any number of instances, and does
// nothing where all is there. A transaction could make a collection too, but
// not its indexes.
func (e *Engine) makeCollections(ctx context.Context) error {
	for _, name := range []string{eventsColl, plansColl, metaColl} {
		if err := e.db.CreateCollection(ctx, name); err != nil && !hasCode(err, codeNamespaceExists) {
			return fmt.Errorf("make collection %s: %w", name, err)
		}
	}
	for collection, indexes := range map[string][]mongo.IndexModel{
		seatsColl: seatIndexes(), recordsColl: recordIndexes(e.kinds), trailColl: trailIndexes(),
	} {
		for _, model := range indexes {
			if err := e.makeIndex(ctx, collection, model); err != nil {
				return fmt.Errorf("make indexes of %s: %w", collection, err)
			}
		}
	}
	return nil
}

func seatIndexes() []mongo.IndexModel {
	return []mongo.IndexModel{
		index("event_place", bson.D{{Key: "event", Value: 1}, {Key: "place", Value: 1}}, options.Index()),
		index("held", bson.D{{Key: "event", Value: 1}, {Key: "lockedBy", Value: 1}}, options.Index().
			SetPartialFilterExpression(there("lockedBy"))),
		index("due", bson.D{{Key: "lockedUntil", Value: 1}}, options.Index().
			SetPartialFilterExpression(bson.D{{Key: "status", Value: store.Locked.String()}})),
		index("begun", bson.D{{Key: "lockTime", Value: 1}}, options.Index().
			SetPartialFilterExpression(bson.D{{Key: "status", Value: store.Locked.String()}})),
		// The servers remove clocks that are long over. Nothing relies on when. A
		// clock of seats that are being paid for has no such field, and stays.
		index("clock_over", bson.D{{Key: "over", Value: 1}}, options.Index().SetExpireAfterSeconds(keepClocks).
			SetPartialFilterExpression(there("over"))),
	}
}

// recordIndexes are one for each index that a kind declares. Kinds may share
// the name of an index, and then share the index.
func recordIndexes(kinds []store.Kind) []mongo.IndexModel {
	indexes := []mongo.IndexModel{
		index("expired", bson.D{{Key: "expires", Value: 1}}, options.Index().SetExpireAfterSeconds(0)),
	}
	made := map[string]bool{}
	for _, kind := range kinds {
		for _, name := range kind.Indexes {
			if field := "by." + name; !made[name] {
				made[name] = true
				indexes = append(indexes, index("by_"+name,
					bson.D{{Key: "kind", Value: 1}, {Key: field, Value: 1}, {Key: "_id", Value: 1}},
					options.Index().SetPartialFilterExpression(there(field))))
			}
		}
	}
	return indexes
}

func there(field string) bson.D {
	return bson.D{{Key: field, Value: bson.D{{Key: "$exists", Value: true}}}}
}

func missing(field string) bson.D {
	return bson.D{{Key: field, Value: bson.D{{Key: "$exists", Value: false}}}}
}

// makeIndex leaves what another version has made of an index: its instances
// may be at work beside this one. No answer depends on it, only how fast it is.
func (e *Engine) makeIndex(ctx context.Context, collection string, model mongo.IndexModel) error {
	_, err := e.db.Collection(collection).Indexes().CreateOne(ctx, model)
	if hasCode(err, codeIndexOptionsConflict, codeIndexKeySpecsConflict) {
		e.log.Warn("another version of Seatlock made an index, which stays: drop it when none runs any more, and start again",
			"collection", collection, "error", err)
		return nil
	}
	return err
}

func index(name string, keys bson.D, o *options.IndexOptionsBuilder) mongo.IndexModel {
	return mongo.IndexModel{Keys: keys, Options: o.SetName(name)}
}
