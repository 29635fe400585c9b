package mongostore

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/seatlock/seatlock/store"
)

const (
	// feedSize bounds the events of one reply. Even the largest fit into 16 MiB
	// then, so that a reply with fewer has reached the end of what there is.
	feedSize = 4000
	// feedWait is how long a server keeps an idle feed waiting, and so how soon
	// the feed tells that its head has moved without a change.
	feedWait = 100 * time.Millisecond
	// feedStep bounds the wait for one reply, however the server hangs.
	feedStep = 5 * time.Second
	// feedGiveUp is how long a feed that breaks off is taken up again without
	// success, before its reader is told.
	feedGiveUp = 15 * time.Second
)

var (
	// errPastEngine: something happened that the feed cannot tell of.
	errPastEngine = errors.New("changed past the engine")
	// errDropped: a collection was, as the restore of a backup does.
	errDropped = errors.New("dropped")
	// errNewEpoch: this history is over, by the command that begins another.
	errNewEpoch = errors.New("another epoch has begun")
)

// Changes implements [store.Engine].
func (e *Engine) Changes(ctx context.Context, from store.Cursor) iter.Seq2[store.Batch, error] {
	return func(yield func(store.Batch, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(e.life, cancel)()
		err := e.resume(ctx, from, func(b store.Batch) bool { return yield(b, nil) })
		switch {
		case errors.Is(err, errReaderLeft):
		case e.life.Err() != nil:
			yield(store.Batch{}, fmt.Errorf("%w: closed", store.ErrUnavailable))
		case ctx.Err() != nil:
		default:
			yield(store.Batch{}, readError(ctx, err))
		}
	}
}

// errReaderLeft: the reader of a feed has left its loop.
var errReaderLeft = errors.New("reader has left")

// resume delivers batches until deliver returns false, and takes a stream that
// breaks off up again from where it was.
func (e *Engine) resume(ctx context.Context, from store.Cursor, deliver func(store.Batch) bool) error {
	if err := e.checkReach(ctx, from); err != nil {
		return err
	}
	last := time.Now()
	for try := 0; ; try++ {
		err := e.stream(ctx, from, func(b store.Batch) bool {
			from, last, try = b.Cursor, time.Now(), 0
			return deliver(b)
		})
		switch {
		case errors.Is(err, errReaderLeft), ctx.Err() != nil:
			return err
		case errors.Is(err, errDropped), errors.Is(err, errNewEpoch):
			e.openAnew()
			return fmt.Errorf("%w: %w", store.ErrCursorLost, err)
		case errors.Is(err, errPastEngine), hasCode(err, codeInvalidResumeToken, codeStreamFatal, codeHistoryLost),
			hasLabel(err, "NonResumableChangeStreamError"):
			return fmt.Errorf("%w: %w", store.ErrCursorLost, err)
		case time.Since(last) > feedGiveUp:
			return err
		}
		e.log.Debug("change stream broke off, trying again", "error", err)
		pause(ctx, try+2)
	}
}

// checkReach refuses what is not a place in this store's history. A server
// would wait silently for one that lies ahead.
func (e *Engine) checkReach(ctx context.Context, from store.Cursor) error {
	o, leave, err := e.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if from.Epoch != o.epoch {
		return fmt.Errorf("%w: other epoch", store.ErrCursorLost)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	last, err := e.serverTime(ctx)
	if err != nil {
		return err
	}
	if from.Position < o.since || from.Position > position(last) {
		return fmt.Errorf("%w: not a place in this history", store.ErrCursorLost)
	}
	return nil
}

// serverTime is the primary's last operation, committed by a majority or not
// yet: no cursor that anybody was given lies beyond it.
func (e *Engine) serverTime(ctx context.Context) (at bson.Timestamp, err error) {
	session, err := e.db.Client().StartSession()
	if err != nil {
		return at, err
	}
	defer cleanUp(session.EndSession)
	err = e.db.RunCommand(mongo.NewSessionContext(ctx, session), bson.D{{Key: "ping", Value: 1}}).Err()
	if operation := session.OperationTime(); err == nil && operation != nil {
		at = *operation
	}
	return at, err
}

// watched keeps what the feed tells, and what it cannot go on after. New seats
// are not told one by one: the event that they belong to is. A seat or an
// event that was touched is as it was, and a clock is nobody's business.
func watched(epoch string) mongo.Pipeline {
	ours := in([]string{seatsColl, eventsColl, metaColl})
	untouched := missing("updateDescription.updatedFields." + touchedField)[0]
	return mongo.Pipeline{
		match(bson.D{{Key: "$or", Value: bson.A{
			bson.D{{Key: "ns.coll", Value: seatsColl}, {Key: "operationType", Value: in([]string{"replace", "update", "delete"})},
				{Key: "documentKey._id", Value: bson.D{{Key: "$not", Value: bson.Regex{Pattern: "/@"}}}},
				untouched},
			bson.D{{Key: "ns.coll", Value: eventsColl}, {Key: "operationType", Value: in([]string{"insert", "replace", "update", "delete"})}, untouched},
			bson.D{{Key: "ns.coll", Value: metaColl}, {Key: "operationType", Value: "update"}, {Key: "documentKey._id", Value: epochID},
				{Key: "updateDescription.updatedFields.epoch", Value: bson.D{{Key: "$exists", Value: true}, {Key: "$ne", Value: epoch}}}},
			bson.D{{Key: "ns.coll", Value: ours}, {Key: "operationType", Value: in([]string{"drop", "rename"})}},
			bson.D{{Key: "to.coll", Value: ours}},
			bson.D{{Key: "operationType", Value: in([]string{"dropDatabase", "invalidate"})}},
		}}}),
		{{Key: "$project", Value: bson.D{
			{Key: "operationType", Value: 1}, {Key: "clusterTime", Value: 1}, {Key: "ns", Value: 1},
			{Key: "documentKey", Value: 1}, {Key: "fullDocument", Value: 1},
		}}},
	}
}

// watch begins a stream at the place itself, and not after it: a server that
// waits then tells the place that it has reached, and never one beyond it.
func (e *Engine) watch(ctx context.Context, from store.Cursor) (*mongo.ChangeStream, error) {
	at := timestamp(from.Position)
	return e.db.Watch(ctx, watched(from.Epoch), options.ChangeStream().
		SetStartAtOperationTime(&at).SetBatchSize(feedSize).SetMaxAwaitTime(feedWait))
}

// stream delivers from one change stream until that fails.
func (e *Engine) stream(ctx context.Context, from store.Cursor, deliver func(store.Batch) bool) error {
	opening, cancel := context.WithTimeout(ctx, feedStep)
	defer cancel()
	events, err := e.watch(opening, from)
	if err != nil {
		return err
	}
	defer e.closeStream(events)
	g := gathering{start: from.Position, batch: store.Batch{Cursor: from}}
	for {
		if err := e.gather(ctx, events, &g); err != nil {
			return err
		}
		if batch, moved := g.take(tokenPosition(events.ResumeToken())); moved && !deliver(batch) {
			return errReaderLeft
		}
	}
}

// closeStream is for a stream that nobody reads from any more: the driver
// cannot close one under its reader.
func (e *Engine) closeStream(events *mongo.ChangeStream) {
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	if err := events.Close(ctx); err != nil {
		e.log.Debug("close a change stream", "error", err)
	}
}

// gather takes in one reply of the server.
func (e *Engine) gather(ctx context.Context, events *mongo.ChangeStream, g *gathering) error {
	ctx, cancel := context.WithTimeout(ctx, feedStep)
	defer cancel()
	err := g.takeIn(ctx, events)
	if err == nil && !g.full {
		err = g.settle()
	}
	if errors.Is(err, errPastEngine) || errors.Is(err, errDropped) {
		// Who reads back to before this comes here again, and no further.
		e.floor.Store(max(e.floor.Load(), g.last))
	}
	return err
}

func (g *gathering) takeIn(ctx context.Context, events *mongo.ChangeStream) error {
	for first := true; first || events.RemainingBatchLength() > 0; first = false {
		if !events.TryNext(ctx) {
			g.full = false
			if err := events.Err(); err != nil {
				return err
			}
			if events.ID() == 0 { // the driver ends so, without an error
				return errDropped
			}
			return nil
		}
		if first {
			g.full = events.RemainingBatchLength()+1 >= feedSize
		}
		if err := g.add(events.Current); err != nil {
			return err
		}
	}
	return nil
}

// gathering is what a stream has come with and the reader has not.
type gathering struct {
	start uint64 // what happened up to here is known
	full  bool   // the reply may have ended within a transaction
	batch store.Batch
	last  uint64 // place of the last change or event
	group struct{ changes, events int }
	// Of the last transaction: the events that were removed, and those that
	// have lost seats.
	removed, emptied map[string]bool
}

// add takes in an event. All events of a transaction have its place.
func (g *gathering) add(raw bson.Raw) error {
	t, i, ok := raw.Lookup("clusterTime").TimestampOK()
	if !ok {
		return fmt.Errorf("%w: an event without a time", errPastEngine)
	}
	at := position(bson.Timestamp{T: t, I: i})
	if at <= g.start {
		return nil
	}
	if at != g.last {
		if err := g.settle(); err != nil {
			return err
		}
		g.last = at
		g.group.changes, g.group.events = len(g.batch.Changes), len(g.batch.Events)
	}
	collection, _ := raw.Lookup("ns", "coll").StringValueOK()
	operation, _ := raw.Lookup("operationType").StringValueOK()
	switch {
	case collection == seatsColl && operation == "replace":
		document, _ := raw.Lookup("fullDocument").DocumentOK()
		s, err := decodeSeat(document)
		if err != nil {
			return fmt.Errorf("%w: %w", errPastEngine, err)
		}
		g.batch.Changes = append(g.batch.Changes, s.change())
	case collection == eventsColl && (operation == "insert" || operation == "replace" || operation == "update"):
		id, _ := raw.Lookup("documentKey", "_id").StringValueOK()
		g.batch.Events = append(g.batch.Events, id)
	case collection == eventsColl && operation == "delete":
		id, _ := raw.Lookup("documentKey", "_id").StringValueOK()
		g.batch.Events = append(g.batch.Events, id)
		g.removed = with(g.removed, id)
	case collection == seatsColl && operation == "delete":
		id, _ := raw.Lookup("documentKey", "_id").StringValueOK()
		event, _, _ := strings.Cut(id, "/")
		g.emptied = with(g.emptied, event)
	case collection == metaColl && operation == "update":
		return errNewEpoch
	case operation == "update" || operation == "delete": // by hand
		return fmt.Errorf("%w: %s of %s", errPastEngine, operation, collection)
	default:
		return fmt.Errorf("%w: %s of %s", errDropped, operation, collection)
	}
	return nil
}

func with(set map[string]bool, id string) map[string]bool {
	if set == nil {
		set = map[string]bool{}
	}
	set[id] = true
	return set
}

// settle is for the end of a transaction: seats go with their event alone.
func (g *gathering) settle() error {
	for event := range g.emptied {
		if !g.removed[event] {
			return fmt.Errorf("%w: delete of %s", errPastEngine, seatsColl)
		}
	}
	g.removed, g.emptied = nil, nil
	return nil
}

// take returns what can be delivered, whole transactions only, and tells
// whether that moves the feed on. The stream has reached a place by its token.
func (g *gathering) take(reached uint64) (batch store.Batch, moved bool) {
	batch, rest := g.batch, store.Batch{}
	batch.Cursor.Position = max(batch.Cursor.Position, g.last, reached)
	if g.full && g.last > g.start {
		// More of the last transaction may come. What was before it is whole.
		changes, events := g.group.changes, g.group.events
		rest.Changes, batch.Changes = batch.Changes[changes:], batch.Changes[:changes:changes]
		rest.Events, batch.Events = batch.Events[events:], batch.Events[:events:events]
		batch.Cursor.Position = max(g.batch.Cursor.Position, g.last-1)
		g.group.changes, g.group.events = 0, 0
	}
	moved = batch.Cursor != g.batch.Cursor
	rest.Cursor = batch.Cursor
	g.batch = rest
	return batch, moved
}

// tokenPosition reads the place out of a resume token: its text is sorted by
// it, so that it begins with it, after the mark of a timestamp. 0 is for a
// token that is written in another way.
func tokenPosition(token bson.Raw) uint64 {
	text, ok := token.Lookup("_data").StringValueOK()
	if !ok || len(text) < 18 {
		return 0
	}
	mark, err := hex.DecodeString(text[:18])
	if err != nil || mark[0] != 0x82 {
		return 0
	}
	var at uint64
	for _, b := range mark[1:] {
		at = at<<8 | uint64(b)
	}
	return at
}

// Recent implements [store.Engine].
func (e *Engine) Recent(ctx context.Context, age time.Duration) (cursor store.Cursor, err error) {
	err = e.readMuch(ctx, snapshotTimeout, func(ctx context.Context, o *opened) error {
		at, err := e.snapshotTime(ctx)
		if err != nil {
			return err
		}
		cursor = o.cursor(at)
		for ; age >= time.Second; age /= 2 {
			past := max(o.since, e.floor.Load(), uint64(at.T-uint32(min(age/time.Second, time.Duration(at.T))))<<32|0xffff_ffff)
			ok, err := e.readable(ctx, store.Cursor{Epoch: o.epoch, Position: past})
			if err != nil {
				return err
			}
			if ok {
				cursor.Position = min(past, cursor.Position)
				return nil
			}
		}
		return nil
	})
	return cursor, err
}

// Resume implements [store.Engine]. Restarts leave the epoch as it is.
func (e *Engine) Resume(ctx context.Context, c store.Cursor) (store.Cursor, error) {
	o, leave, err := e.enter(ctx)
	if err != nil {
		return store.Cursor{}, err
	}
	defer leave()
	if c.Epoch != o.epoch {
		return store.Cursor{}, fmt.Errorf("%w: other epoch", store.ErrCursorLost)
	}
	return c, nil
}

// readable reports whether the servers still have all that happened since.
func (e *Engine) readable(ctx context.Context, since store.Cursor) (bool, error) {
	events, err := e.watch(ctx, since)
	if hasCode(err, codeHistoryLost) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	e.closeStream(events)
	return true, nil
}
