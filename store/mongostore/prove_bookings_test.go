//go:build prove && unix

package mongostore_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/mongostore"
	"github.com/seatlock/seatlock/store/storetest"
)

// TestProveMongoBookings prints how many steps of bookings a second the engine
// takes, beside bare transactions that read nothing and decide nothing: each
// writes the documents that the engine has come to, in another database with
// the same documents and indexes.
func TestProveMongoBookings(t *testing.T) {
	m := testengine.ReplicaSet(t)
	const trials = 3
	steps := storetest.BookingSteps()
	fmt.Println("> Holders with two locked seats each; three nodes and all callers on this machine. *Transaction* is a bare one that\n> writes the same documents in another database, with `w:majority`, one for each step. CPU is that of the three\n> servers and the caller. Aim for transaction/engine: 2.\n> ")
	fmt.Println("| step | callers | engine, 1/s | transaction, 1/s | transaction/engine | µs CPU: engine | transaction |")
	fmt.Println("|---|---:|---:|---:|---:|---:|---:|")
	engine, bare := make([][3][]figure, len(steps)), make([][3][]figure, len(steps))
	loads := []struct{ callers, bookings int }{{1, 100}, {16, 1_000}, {128, 2_000}}
	for range trials {
		for l, load := range loads {
			b := newBookings(t, m, load.bookings)
			for i, step := range steps { // by turns, so that a noisy neighbour meets both
				e, plain := b.measure(step, load.callers)
				engine[i][l], bare[i][l] = append(engine[i][l], e), append(bare[i][l], plain)
			}
		}
	}
	for i, step := range steps {
		for l, load := range loads {
			e, b := median(engine[i][l]), median(bare[i][l])
			fmt.Printf("| %s | %d | %.0f | %.0f | %.2f | %.0f | %.0f |\n", step.What, load.callers,
				e.perSecond, b.perSecond, b.perSecond/e.perSecond, e.cpuMicros, b.cpuMicros)
		}
	}
}

// bookings are bookings in a store, and a copy of its documents.
type bookings struct {
	*prover
	n          int
	trade      *storetest.Trade
	mine, copy *mongo.Database
}

func newBookings(t *testing.T, m *testengine.Mongo, n int) bookings {
	t.Helper()
	uri, other := m.NewDatabase(t), m.NewDatabase(t)
	trade := must[*storetest.Trade](t)(storetest.NewTrade(t.Context(), openEngine(t, uri, mongostore.Options{}), n))
	openEngine(t, other, mongostore.Options{}) // which makes the indexes
	b := bookings{&prover{T: t, m: m}, n, trade, m.Database(uri), m.Database(other)}
	for _, name := range []string{"seats", "records"} {
		target := bson.D{{Key: "$out", Value: bson.D{{Key: "db", Value: b.copy.Name()}, {Key: "coll", Value: name}}}}
		must[*mongo.Cursor](t)(b.mine.Collection(name).Aggregate(t.Context(), mongo.Pipeline{target}))
	}
	return b
}

// measure has the callers take the step for all bookings, by the engine and
// then bare.
func (b bookings) measure(step storetest.Step, callers int) (engine, bare figure) {
	b.Helper()
	engine = b.timed(callers, func(i int) error { return b.trade.Do(b.Context(), step, i) })
	seats, records := b.documents("seats"), b.documents("records")
	wrote := make([]bareWrites, b.n)
	for i := range wrote {
		wrote[i] = writesOf(b.trade.Wrote(step, i), seats, records)
	}
	bare = b.timed(callers, func(i int) error { return wrote[i].commit(b.Context(), b.copy) })
	return engine, bare
}

func (b bookings) timed(callers int, do func(i int) error) figure {
	b.Helper()
	began, cpu := time.Now(), b.cpu()
	if err := b.trade.Each(callers, b.n, do); err != nil {
		b.Fatal(err)
	}
	took, cpu := time.Since(began), b.cpu()-cpu
	return figure{float64(b.n) / took.Seconds(), float64(cpu.Microseconds()) / float64(b.n)}
}

// documents are all of a collection of the store, by their _id.
func (b bookings) documents(collection string) map[string]bson.Raw {
	b.Helper()
	cursor := must[*mongo.Cursor](b.T)(b.mine.Collection(collection).Find(b.Context(), bson.D{}))
	var all []bson.Raw
	if err := cursor.All(b.Context(), &all); err != nil {
		b.Fatal(err)
	}
	byID := make(map[string]bson.Raw, len(all))
	for _, document := range all {
		byID[document.Lookup("_id").StringValue()] = document
	}
	return byID
}

// bareWrites are what one transaction writes.
type bareWrites struct{ seats, records []mongo.WriteModel }

func writesOf(w storetest.Wrote, seats, records map[string]bson.Raw) (b bareWrites) {
	write := func(to *[]mongo.WriteModel, documents map[string]bson.Raw, id string, version int64) {
		filter := bson.D{{Key: "_id", Value: id}, {Key: "version", Value: version}}
		*to = append(*to, mongo.NewReplaceOneModel().SetUpsert(version == 0).SetFilter(filter).SetReplacement(documents[id]))
	}
	for _, c := range w.Changes {
		write(&b.seats, seats, w.Event+"/"+c.Seat.ID, c.Seat.Version-1)
	}
	if w.Clock != nil {
		write(&b.seats, seats, w.Event+"/@"+string(w.Holder), w.Clock.Version-1)
	}
	for _, r := range w.Records {
		version := int64(0)
		for _, old := range w.Over {
			if old.Key == r.Key {
				version = old.Version
			}
		}
		write(&b.records, records, r.Kind+"/"+r.ID, version)
	}
	return b
}

func (b bareWrites) commit(ctx context.Context, db *mongo.Database) error {
	session, err := db.Client().StartSession(options.Session().SetCausalConsistency(false))
	if err != nil {
		return err
	}
	defer session.EndSession(ctx)
	if err := session.StartTransaction(options.Transaction().
		SetReadConcern(readconcern.Snapshot()).SetWriteConcern(writeconcern.Majority())); err != nil {
		return err
	}
	in := mongo.NewSessionContext(ctx, session)
	if err := errors.Join(bareBulk(in, db.Collection("seats"), b.seats), bareBulk(in, db.Collection("records"), b.records)); err != nil {
		return err
	}
	return session.CommitTransaction(in)
}

func bareBulk(ctx context.Context, c *mongo.Collection, models []mongo.WriteModel) error {
	result, err := c.BulkWrite(ctx, models)
	if err == nil && int(result.MatchedCount+result.UpsertedCount) != len(models) {
		err = store.ErrStale
	}
	return err
}
