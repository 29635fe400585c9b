package mongostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// writes are what decisions come to, in their order.
type writes []mongo.WriteModel

// replace writes the whole of a row over the version before it: the feed reads
// the event of that write, and that of an update would tell only what differs.
func (w *writes) replace(r row) {
	*w = append(*w, mongo.NewReplaceOneModel().SetFilter(r.at(r.seat.Version-1)).SetReplacement(r.document()))
}

// touch writes a mark into a row, which makes a transaction fail if somebody
// else writes it meanwhile: that is not so for what it only reads. The next
// change of the row takes the mark off.
func (w *writes) touch(r row) {
	*w = append(*w, mongo.NewUpdateOneModel().SetFilter(r.at(r.seat.Version)).
		SetUpdate(bson.D{{Key: "$inc", Value: bson.D{{Key: touchedField, Value: 1}}}}))
}

// move gives a row another place. That is a touch, too: the feed does not tell
// of it, and who has read the old place, to replace the row, must not write it
// again.
func (w *writes) move(r row, place int64) {
	*w = append(*w, mongo.NewUpdateOneModel().SetFilter(r.at(r.seat.Version)).SetUpdate(bson.D{
		{Key: "$set", Value: bson.D{{Key: "place", Value: place}}},
		{Key: "$inc", Value: bson.D{{Key: touchedField, Value: 1}}},
	}))
}

// wind writes a clock over the version before it, or makes it where there was
// none: who does that at the same time finds its _id taken.
func (w *writes) wind(c clock) {
	*w = append(*w, mongo.NewReplaceOneModel().SetUpsert(c.version == 1).SetReplacement(c.document()).
		SetFilter(bson.D{{Key: "_id", Value: clockPath(c.event, c.holder)}, {Key: "event", Value: c.event}, {Key: "version", Value: c.version - 1}}))
}

// at finds the row only if it has the version, and its place: seats that are
// added may move it.
func (r row) at(version int64) bson.D {
	return bson.D{{Key: "_id", Value: path(r.event, r.seat.ID)}, {Key: "event", Value: r.event},
		{Key: "version", Value: version}, {Key: "place", Value: r.place}}
}

// put makes all the writes, or fails.
func (s *Store) put(ctx context.Context, w writes) error {
	if len(w) == 0 {
		return nil
	}
	result, err := s.db.Collection(seatsColl).BulkWrite(ctx, w)
	if err == nil && int(result.MatchedCount+result.UpsertedCount) != len(w) {
		err = errConflict
	}
	return err
}

// transact runs fn, which tells whether it wrote something, in a transaction,
// and returns when that was committed. After any error but ErrUnknown nothing
// was written.
func (s *Store) transact(ctx context.Context, fn func(context.Context) (wrote bool, err error)) (at bson.Timestamp, err error) {
	session, err := s.db.Client().StartSession(options.Session().SetCausalConsistency(false))
	if err != nil {
		return at, err
	}
	err = session.StartTransaction(options.Transaction().
		SetReadConcern(readconcern.Snapshot()).SetWriteConcern(writeconcern.Majority()))
	wrote := false
	if err == nil {
		wrote, err = fn(mongo.NewSessionContext(ctx, session))
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		s.abort(ctx, session)
		return at, err
	}
	defer tidy(session.EndSession)
	if err := s.commit(ctx, session); err != nil {
		if wrote && !errors.Is(err, errConflict) {
			err = unknown(err)
		}
		return at, err
	}
	return *session.OperationTime(), nil
}

// abort ends the session, and tells the server, which would else keep the
// documents from others for as long as it keeps a transaction. One that does
// not answer is not waited for.
func (s *Store) abort(ctx context.Context, session *mongo.Session) {
	tell := func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commandTimeout)
		defer cancel()
		defer session.EndSession(ctx)
		if err := session.AbortTransaction(ctx); err != nil {
			s.log.Debug("abort a transaction", "error", err)
		}
	}
	if ctx.Err() == nil {
		tell()
		return
	}
	s.calls.Go(tell)
}

// commit asks until it knows whether the transaction was committed, which
// repeats nothing: the servers know it by its number.
func (s *Store) commit(ctx context.Context, session *mongo.Session) error {
	limit := commitTimeout
	if deadline, ok := ctx.Deadline(); ok {
		limit = max(limit, time.Until(deadline))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	for try := 0; ; try++ {
		err := s.primary.once(ctx, session.CommitTransaction)
		switch {
		case err == nil:
			return nil
		case hasLabel(err, "TransientTransactionError"):
			return fmt.Errorf("%w: %w", errConflict, err)
		case ctx.Err() != nil || !passing(err) && !hasLabel(err, "UnknownTransactionCommitResult"):
			return err
		}
		pause(ctx, try)
	}
}
