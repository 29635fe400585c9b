package mongostore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/seatlock/seatlock/store"
)

const (
	// formatAge is for how long a server may write by what it has read of the
	// format. An upgrade waits for longer than that.
	formatAge = 5 * time.Second
	// formatPeriod is how often it reads the format, so that it is seldom found
	// too old by a request, which then has to wait for it.
	formatPeriod = 1500 * time.Millisecond
)

// formatDocument is the document of meta that says which format the database
// has. Next is that to which an upgrade is under way.
type formatDocument struct {
	Format  int    `bson:"format"`
	Reader  int    `bson:"reader"`
	Program string `bson:"program,omitempty"`
	// Upgrade is the random name of an upgrade under way.
	Upgrade string          `bson:"upgrade,omitempty"`
	Next    *formatDocument `bson:"next,omitempty"`
}

func ourFormat(program string) formatDocument {
	return formatDocument{Format: store.CurrentFormat, Reader: store.OldestReader, Program: program}
}

func (d formatDocument) format() store.Format {
	return store.Format{Number: d.Format, Reader: d.Reader, Program: d.Program, Upgrading: d.Next != nil}
}

// format2 has no such document.
var format2 = formatDocument{Format: 2, Reader: 2}

// formatReading is the format as it was when the reading was sent, or later.
type formatReading struct {
	document formatDocument
	sent     time.Time
	wall     time.Time // the same, without the monotonic clock: that stands while a machine sleeps
}

func newReading() *formatReading {
	now := time.Now()
	return &formatReading{document: format2, sent: now, wall: now.Round(0)}
}

// formatWatch has what was last read.
type formatWatch struct {
	reading sync.Mutex // one at a time
	last    atomic.Pointer[formatReading]
}

// mayWrite says why nothing must be written now: because of the database's
// format, or because that has not been read of late. It does not ask the
// servers if it was.
func (e *Engine) mayWrite(ctx context.Context) error {
	r := e.format.recent(formatAge)
	if r == nil {
		var err error
		if r, err = e.readFormat(ctx, formatAge); err != nil {
			return fmt.Errorf("read the format of the database: %w", err)
		}
	}
	return r.document.format().Check()
}

func (w *formatWatch) recent(age time.Duration) *formatReading {
	if r := w.last.Load(); r != nil && time.Since(r.sent) < age && time.Since(r.wall) < age {
		return r
	}
	return nil
}

// readFormat reads the format, unless another has just done so.
func (e *Engine) readFormat(ctx context.Context, age time.Duration) (*formatReading, error) {
	e.format.reading.Lock()
	defer e.format.reading.Unlock()
	if r := e.format.recent(age); r != nil {
		return r, nil
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	r := newReading()
	raw, err := e.db.Collection(metaColl).FindOne(ctx, byID(formatID)).Raw()
	if err == nil {
		r.document, err = decodeFormat(raw)
	}
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) { // which is format 2
		return nil, err
	}
	e.format.last.Store(r)
	return r, nil
}

func decodeFormat(raw bson.Raw) (d formatDocument, err error) {
	if err := bson.Unmarshal(raw, &d); err != nil || d.Format < 1 || d.Reader < 1 {
		return d, fmt.Errorf("%w: the format in %s", errDamaged, metaColl)
	}
	return d, nil
}

// watchFormat reads the format again and again until the engine is closed.
func (e *Engine) watchFormat() {
	tick := time.NewTicker(formatPeriod)
	defer tick.Stop()
	refused := false
	for {
		select {
		case <-e.life.Done():
			return
		case <-tick.C:
		}
		if e.opened.Load() == nil {
			continue // to open it is to read its format
		}
		r, err := e.readFormat(e.life, formatPeriod/2)
		if err != nil {
			e.log.Debug("read the format of the database", "error", err)
			continue
		}
		err = r.document.format().Check()
		if err != nil && !refused {
			e.log.Error("nothing is written any more", "store", e.settings.place, "error", err)
		}
		refused = err != nil
	}
}

// claimFormat refuses a database of a format that this program must not touch,
// and gives a new one its format, before anything else is written to it.
func (e *Engine) claimFormat(ctx context.Context) error {
	r, isNew, err := e.findFormat(ctx)
	if err != nil {
		return err
	}
	if isNew && !e.make {
		return errNoStore
	}
	if isNew {
		_, err := e.db.Collection(metaColl).UpdateOne(ctx, byID(formatID),
			bson.D{{Key: "$setOnInsert", Value: ourFormat(e.program)}}, options.UpdateOne().SetUpsert(true))
		if err != nil && !mongo.IsDuplicateKeyError(err) { // by another, at the same time
			return fmt.Errorf("write the format: %w", err)
		}
		if r, _, err = e.findFormat(ctx); err != nil {
			return err
		}
	}
	if err := r.document.format().Check(); err != nil {
		return err
	}
	e.format.last.Store(r)
	if e.make && r.document.Format < store.CurrentFormat {
		return e.raiseFormat(ctx, r.document)
	}
	return nil
}

// raiseFormat brings a database that is served as it is to the current format:
// nothing in it becomes other, and programs of its format may go on working.
// Where another has begun an upgrade meanwhile, it does nothing.
func (e *Engine) raiseFormat(ctx context.Context, from formatDocument) error {
	filter := append(bson.D{{Key: "_id", Value: formatID}, {Key: "format", Value: from.Format}}, missing("next")...)
	_, err := e.db.Collection(metaColl).UpdateOne(ctx, filter, bson.D{{Key: "$set", Value: bson.D{
		{Key: "format", Value: store.CurrentFormat}, {Key: "reader", Value: store.OldestReader}, {Key: "program", Value: e.program}}}})
	if err != nil {
		return fmt.Errorf("write the format: %w", err)
	}
	return nil
}

// findFormat tells a new database from one of format 2, which does not name its
// format. Seats are looked for first: whoever makes a database names its format
// before there can be any.
func (e *Engine) findFormat(ctx context.Context) (r *formatReading, isNew bool, err error) {
	r = newReading()
	err = e.db.Collection(seatsColl).FindOne(ctx, bson.D{}, options.FindOne().SetProjection(byID(1))).Err()
	seats := err == nil
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		return nil, false, fmt.Errorf("look for seats: %w", err)
	}
	var documents []bson.Raw
	cursor, err := e.db.Collection(metaColl).Find(ctx, bson.D{{Key: "_id", Value: in([]string{formatID, epochID, secretID})}})
	if err == nil {
		err = cursor.All(ctx, &documents)
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the format: %w", err)
	}
	for _, raw := range documents {
		if id, _ := raw.Lookup("_id").StringValueOK(); id == formatID {
			r.document, err = decodeFormat(raw)
			return r, false, err
		}
	}
	if len(documents) > 0 || !seats {
		return r, len(documents) == 0, nil
	}
	// All of meta was lost. It is made anew, unless the rest is of format 2, which
	// has no records.
	records, err := e.db.ListCollectionNames(ctx, bson.D{{Key: "name", Value: recordsColl}})
	if err != nil {
		return nil, false, fmt.Errorf("list collections: %w", err)
	}
	return r, len(records) > 0, nil
}
