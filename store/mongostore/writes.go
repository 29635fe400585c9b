package mongostore

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/seatlock/seatlock/store"
)

// writes are what decisions come to, in their order.
type writes struct {
	seats   []mongo.WriteModel    // and clocks; each must find its document
	unread  []mongo.WriteModel    // clocks that may not be there
	records []mongo.WriteModel    // each must find its document
	event   *mongo.UpdateOneModel // must find its document; nil is none
	bytes   int                   // of the bodies of records
	trail   trailDocuments
}

// any reports whether there is something to write.
func (w *writes) any() bool { return w.size() > 0 || len(w.trail.documents) > 0 }

// full reports whether the rest has to be left to another transaction.
func (w *writes) full() bool { return w.size() >= groupSize || w.bytes >= groupBytes }

func (w *writes) size() int {
	return len(w.seats) + len(w.unread) + recordSize*len(w.records)
}

// touch is an update that makes a transaction fail if somebody else writes the
// document meanwhile: that is not so for what it only reads.
func touch() bson.D { return bson.D{{Key: "$inc", Value: bson.D{{Key: touchedField, Value: 1}}}} }

// replaceSeat writes the whole of a seat over the version before it: the feed
// reads the event of that write, and that of an update would tell only what
// differs.
func (w *writes) replaceSeat(s seatDocument) {
	w.seats = append(w.seats, mongo.NewReplaceOneModel().SetFilter(s.at(s.seat.Version-1)).SetReplacement(s.document()))
}

func (w *writes) touchSeat(s seatDocument) {
	w.seats = append(w.seats, mongo.NewUpdateOneModel().SetFilter(s.at(s.seat.Version)).SetUpdate(touch()))
}

// touchEvent is for decisions that rest on the whole definition of the event.
func (w *writes) touchEvent(e store.Event) {
	w.event = mongo.NewUpdateOneModel().SetUpdate(touch()).
		SetFilter(bson.D{{Key: "_id", Value: e.ID}, {Key: "revision", Value: e.Revision}})
}

// moveSeat gives a seat another place. That is a touch, too: the feed does not
// tell of it, and who has read the old place, to replace the seat, must not
// write it again.
func (w *writes) moveSeat(s seatDocument, place int64) {
	w.seats = append(w.seats, mongo.NewUpdateOneModel().SetFilter(s.at(s.seat.Version)).
		SetUpdate(append(touch(), bson.E{Key: "$set", Value: bson.D{{Key: "place", Value: place}}})))
}

// replaceClock writes a clock over the version that was read, or makes it where
// there was none: who does that at the same time finds its _id taken.
func (w *writes) replaceClock(c clockDocument, old int64) {
	w.seats = append(w.seats, mongo.NewReplaceOneModel().SetUpsert(old == 0).SetFilter(c.at(old)).SetReplacement(c.document()))
}

func (w *writes) touchClock(c clockDocument) {
	w.seats = append(w.seats, mongo.NewUpdateOneModel().SetFilter(c.at(c.clock.Version)).SetUpdate(countUp()))
}

// touchUnreadClock is for a clock that nobody of the group has read, and which
// may not be there.
func (w *writes) touchUnreadClock(c clockDocument) {
	filter := bson.D{{Key: "_id", Value: clockID(c.event, c.holder)}, {Key: "event", Value: c.event}}
	w.unread = append(w.unread, mongo.NewUpdateOneModel().SetFilter(filter).SetUpdate(countUp()))
}

func countUp() bson.D {
	return bson.D{{Key: "$inc", Value: bson.D{{Key: "version", Value: 1}}}}
}

// replaceRecord writes a record over the version before it, or makes it.
func (w *writes) replaceRecord(r recordDocument) {
	old := r.record.Version - 1
	w.bytes += len(r.record.Body)
	w.records = append(w.records, mongo.NewReplaceOneModel().SetUpsert(old == 0).SetFilter(r.at(old)).SetReplacement(r.document()))
}

func (w *writes) deleteRecord(r recordDocument) {
	w.records = append(w.records, mongo.NewDeleteOneModel().SetFilter(r.at(r.record.Version)))
}

// touchRecord touches a record also where there is none, by a document of
// version 0 that is long expired: who makes the record at the same time writes
// the same document. The servers remove it soon.
func (w *writes) touchRecord(r recordDocument) {
	model := mongo.NewUpdateOneModel().SetFilter(r.at(r.record.Version)).SetUpdate(touch())
	if r.record.Version == 0 {
		model.SetUpsert(true).SetUpdate(append(touch(), bson.E{Key: "$setOnInsert", Value: bson.D{
			{Key: "kind", Value: r.record.Kind}, {Key: "id", Value: r.record.ID}, {Key: "expires", Value: time.Unix(0, 0)},
		}}))
	}
	w.records = append(w.records, model)
}

// put makes all the writes, or fails. Clocks that nobody has read go before
// those that were: the group may make one of them.
func (e *Engine) put(ctx context.Context, w writes) error {
	if w.event != nil {
		if err := e.putAll(ctx, eventsColl, []mongo.WriteModel{w.event}); err != nil {
			return err
		}
	}
	if len(w.unread) > 0 {
		if _, err := e.db.Collection(seatsColl).BulkWrite(ctx, w.unread); err != nil {
			return err
		}
	}
	if err := e.putAll(ctx, seatsColl, w.seats); err != nil {
		return err
	}
	if err := e.putAll(ctx, recordsColl, w.records); err != nil {
		return err
	}
	return e.putTrail(ctx, w.trail)
}

// putAll fails unless each write finds its document, or makes it.
func (e *Engine) putAll(ctx context.Context, collection string, models []mongo.WriteModel) error {
	if len(models) == 0 {
		return nil
	}
	result, err := e.db.Collection(collection).BulkWrite(ctx, models)
	if err == nil && int(result.MatchedCount+result.UpsertedCount+result.DeletedCount) != len(models) {
		err = errConflict
	}
	return err
}

// fresh is a seat that is new to its event.
func fresh(event, id string, place int, withheld bool) seatDocument {
	s := seatDocument{event: event, place: int64(place), seat: store.Seat{ID: id, Version: 1}}
	if withheld {
		s.seat.Status = store.Withheld
	}
	return s
}
