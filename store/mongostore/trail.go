package mongostore

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/seatlock/seatlock/store"
)

// trailDocuments are entries of the trail, as one transaction or one sweep
// inserts them. Nothing ever changes a document of the trail.
type trailDocuments struct {
	documents []bson.D
	random    string // what tells their _ids from those of others at the same time
}

// add adds an entry. The _id is its place: the order of the _ids is that of time,
// and within the same millisecond that of adding. Two who change one seat never
// do so in the same millisecond, since the second has to read what the first has
// committed.
func (t *trailDocuments) add(e store.Entry) {
	if t.random == "" {
		random := make([]byte, 6)
		rand.Read(random)
		t.random = hex.EncodeToString(random)
	}
	t.addAs(fmt.Sprintf("%s%04x%s", trailPlace(e.At), len(t.documents), t.random), e)
}

// addLapse adds an entry of a lock that was over at a time. The _id follows from
// that and from what it is about: it comes after all that was done with the lock,
// and before what is done later, whoever adds it.
func (t *trailDocuments) addLapse(e store.Entry, over time.Time) {
	if over.After(e.At) { // a lock that started in the future: sweeps that meet each tell of it
		t.add(e)
		return
	}
	about := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", e.Event, e.Seat, e.Version))
	t.addAs(trailPlace(over)+"ffff"+hex.EncodeToString(about[:6]), e)
}

func (t *trailDocuments) addAs(id string, e store.Entry) {
	d := bson.D{
		{Key: "_id", Value: id},
		{Key: "at", Value: bson.NewDateTimeFromTime(e.At)},
		{Key: "event", Value: e.Event},
	}
	d = appendText(d, "seat", e.Seat)
	if e.Version > 0 {
		d = append(d, bson.E{Key: "status", Value: e.Status.String()}, bson.E{Key: "version", Value: e.Version})
	}
	d = appendText(d, "booking", e.Booking)
	d = appendText(d, "reason", string(e.Reason))
	t.documents = append(t.documents, appendText(d, "by", string(e.By)))
}

// trailPlace is how the _ids of entries of this millisecond begin.
func trailPlace(at time.Time) string { return fmt.Sprintf("%012x", at.UnixMilli()) }

// putTrail inserts entries, within a transaction.
func (e *Engine) putTrail(ctx context.Context, t trailDocuments) error {
	if len(t.documents) == 0 {
		return nil
	}
	_, err := e.db.Collection(trailColl).InsertMany(ctx, t.documents)
	return err
}

func trailIndexes() []mongo.IndexModel {
	return []mongo.IndexModel{
		index("seat", bson.D{{Key: "event", Value: 1}, {Key: "seat", Value: 1}, {Key: "_id", Value: 1}}, options.Index()),
		index("booking", bson.D{{Key: "booking", Value: 1}, {Key: "_id", Value: 1}}, options.Index().
			SetPartialFilterExpression(there("booking"))),
	}
}

// entryDocument is a document of the trail as it is read. Fields of a newer
// program are nobody's business: nobody writes it back.
type entryDocument struct {
	ID      string    `bson:"_id"`
	At      time.Time `bson:"at"`
	Event   string    `bson:"event"`
	Seat    string    `bson:"seat"`
	Status  string    `bson:"status"`
	Version int64     `bson:"version"`
	Booking string    `bson:"booking"`
	Reason  string    `bson:"reason"`
	By      string    `bson:"by"`
}

func (d entryDocument) entry() store.Entry {
	e := store.Entry{
		At: d.At.UTC(), Event: d.Event, Seat: d.Seat, Version: d.Version, Booking: d.Booking,
		Reason: store.ParseReason(d.Reason), By: store.By(d.By), Place: d.ID,
	}
	if d.Status != "" {
		e.Status = store.ParseStatus(d.Status)
	}
	return e
}

// Trail implements [store.Engine].
func (e *Engine) Trail(ctx context.Context, scan store.TrailScan) (page []store.Entry, err error) {
	filter, order := trailed(scan)
	err = e.read(ctx, func(ctx context.Context, _ *opened) error {
		page = nil
		cursor, err := e.db.Collection(trailColl).Find(ctx, filter, options.Find().SetSort(order).SetLimit(int64(scan.Limit)))
		if err != nil {
			return err
		}
		var documents []entryDocument
		if err := cursor.All(ctx, &documents); err != nil {
			return err
		}
		for _, d := range documents {
			page = append(page, d.entry())
		}
		return nil
	})
	return page, err
}

// trailed finds the entries of a page, in their order. That is of the fields of an
// index, so that the servers read by no other.
func trailed(scan store.TrailScan) (filter, order bson.D) {
	filter = bson.D{{Key: "event", Value: scan.Event}, {Key: "seat", Value: scan.Seat}}
	if scan.Seat == "" {
		filter = bson.D{{Key: "booking", Value: scan.Booking}}
	}
	for _, field := range filter {
		order = append(order, bson.E{Key: field.Key, Value: 1})
	}
	return append(filter, bson.E{Key: "_id", Value: bson.D{{Key: "$gt", Value: scan.After}}}), append(order, bson.E{Key: "_id", Value: 1})
}

// pruneSize bounds the entries of one command.
const pruneSize = 5000

// PruneTrail implements [store.Engine].
func (e *Engine) PruneTrail(ctx context.Context, before time.Time, limit int) (pruned int, err error) {
	err = e.write(ctx, callTimeout, func(ctx context.Context, _ *opened) error {
		return e.primary.again(ctx, func(ctx context.Context) error {
			for pruned < limit {
				if err := e.mayWrite(ctx); err != nil {
					return err
				}
				n, err := e.pruneSome(ctx, before, min(limit-pruned, pruneSize))
				if pruned += n; err != nil || n == 0 {
					return err
				}
			}
			return nil
		})
	})
	return pruned, err
}

func (e *Engine) pruneSome(ctx context.Context, before time.Time, limit int) (int, error) {
	trail := e.db.Collection(trailColl)
	cursor, err := trail.Find(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$lt", Value: trailPlace(before)}}}},
		options.Find().SetSort(byID(1)).SetLimit(int64(limit)).SetProjection(byID(1)))
	if err != nil {
		return 0, err
	}
	var old []entryDocument
	if err := cursor.All(ctx, &old); err != nil || len(old) == 0 {
		return 0, err
	}
	ids := make([]string, len(old))
	for i, d := range old {
		ids[i] = d.ID
	}
	result, err := trail.DeleteMany(ctx, bson.D{{Key: "_id", Value: in(ids)}})
	if err != nil {
		return 0, outcomeUnknown(err)
	}
	return int(result.DeletedCount), nil
}

// Scrub implements [store.Engine]. MongoDB writes over what was deleted in its
// own time; there is nothing that a client could ask of it.
func (e *Engine) Scrub(ctx context.Context) error {
	_, leave, err := e.enter(ctx)
	if err != nil {
		return err
	}
	leave()
	return nil
}
