package mongostore_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
)

// backup is a copy of all documents of a database, by collection.
type backup map[string][]bson.Raw

// collections are all that a store has, in the order of their restore.
var collections = []string{"meta", "records", "plans", "events", "seats", "trail"}

func backUp(t *testing.T, db *mongo.Database) backup {
	t.Helper()
	b := backup{}
	for _, name := range collections {
		var documents []bson.Raw
		if err := must[*mongo.Cursor](t)(db.Collection(name).Find(t.Context(), bson.D{})).All(t.Context(), &documents); err != nil {
			t.Fatal(err)
		}
		b[name] = documents
	}
	return b
}

// restore empties each collection and puts back what was in it.
func (b backup) restore(t *testing.T, db *mongo.Database, empty func(*mongo.Collection) error) {
	t.Helper()
	for _, name := range collections {
		if err := empty(db.Collection(name)); err != nil {
			t.Fatal(err)
		}
		if len(b[name]) == 0 {
			continue
		}
		// A document that a running store has made meanwhile stays, as it does
		// with mongorestore.
		_, err := db.Collection(name).InsertMany(t.Context(), b[name], options.InsertMany().SetOrdered(false))
		if err != nil && !mongo.IsDuplicateKeyError(err) {
			t.Fatal(err)
		}
	}
}

// aged is a store that has gone on since it was backed up.
type aged struct {
	uri  string
	db   *mongo.Database
	was  backup
	want []store.Seat // as they were then
	late store.Cursor // of a lock that the backup does not have
}

func age(t *testing.T, uri string, s *store.Store, db *mongo.Database) aged {
	t.Helper()
	if err := s.CreateEvent(t.Context(), hall(3)); err != nil {
		t.Fatal(err)
	}
	lock(t, s, "anna", "s0")
	a := aged{uri: uri, db: db, was: backUp(t, db), want: seatsOf(t, s)}
	a.late = lock(t, s, "bert", "s1").Cursor
	return a
}

func seatsOf(t *testing.T, s *store.Store) []store.Seat {
	t.Helper()
	return must[store.Snapshot](t)(s.Snapshot(t.Context(), "evening")).Seats
}

// check fails unless the store has what the backup had, in another history,
// and goes on from there.
func (a aged) check(t *testing.T, s *store.Store) {
	t.Helper()
	if got := seatsOf(t, s); !slices.Equal(got, a.want) {
		t.Errorf("the seats are\n\t%+v\nand were\n\t%+v", got, a.want)
	}
	if head := must[store.Cursor](t)(s.Recent(t.Context(), 0)); head.Epoch == a.late.Epoch {
		t.Errorf("the epoch is still %s", head.Epoch)
	}
	for batch, err := range s.Changes(t.Context(), a.late) {
		if !errors.Is(err, store.ErrCursorLost) {
			t.Errorf("from a cursor of before the feed tells %+v, %v, want ErrCursorLost", batch, err)
		}
		break
	}
	// A server that begins now reads back a while, and never meets the restore.
	from := must[store.Cursor](t)(s.Recent(t.Context(), time.Minute))
	lock(t, s, "carl", "s1")
	for batch, err := range s.Changes(t.Context(), from) {
		if err != nil {
			t.Fatalf("the feed of the new history ends: %v", err)
		}
		if slices.ContainsFunc(batch.Changes, func(c store.Change) bool { return c.Seat.LockedBy == "carl" }) {
			return
		}
	}
}

// Collections that are dropped and made anew, as mongorestore --drop does,
// begin another history under stores that run, and for all of them the same.
func TestRestoreUnderRunningStores(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	stores := []*store.Store{open(t, uri), open(t, uri)}
	a := age(t, uri, stores[0], m.Database(uri))
	ends := make([]func() error, len(stores))
	for i, s := range stores {
		ends[i] = follow(t, s)
	}
	a.was.restore(t, a.db, func(c *mongo.Collection) error { return c.Drop(t.Context()) })
	for i, s := range stores {
		if err := ends[i](); !errors.Is(err, store.ErrCursorLost) {
			t.Errorf("the feed of store %d ended with %v, want ErrCursorLost", i, err)
		}
		eventually(t, "the store has another epoch", func() bool {
			head, err := s.Recent(t.Context(), 0)
			return err == nil && head.Epoch != a.late.Epoch
		})
	}
	one, two := must[store.Cursor](t)(stores[0].Recent(t.Context(), 0)), must[store.Cursor](t)(stores[1].Recent(t.Context(), 0))
	if one.Epoch != two.Epoch {
		t.Errorf("the epochs are %s and %s, want for both the same", one.Epoch, two.Epoch)
	}
	a.check(t, stores[0])
}

// follow reads the feed until the test ends, and begins anew whenever the feed
// does, as a server would. The function that it returns waits for the first end.
func follow(t *testing.T, s *store.Store) (end func() error) {
	ctx, stop := context.WithCancel(t.Context())
	var reading sync.WaitGroup
	t.Cleanup(func() { stop(); reading.Wait() })
	var running atomic.Bool
	ended := make(chan error, 1)
	reading.Go(func() {
		for ; ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
			from, err := s.Recent(ctx, time.Minute)
			if err != nil {
				continue // not ready again yet
			}
			for _, err := range s.Changes(ctx, from) {
				if err == nil {
					running.Store(true)
					continue
				}
				select {
				case ended <- err:
				default: // not the first
				}
			}
		}
	})
	eventually(t, "the feed runs", running.Load)
	return func() error {
		select {
		case err := <-ended:
			return err
		case <-time.After(time.Minute):
			return errors.New("it runs on")
		}
	}
}

// Documents that are put back in place keep the collection, and so the history
// unless its epoch is deleted.
func TestRestoreInPlace(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	s := open(t, uri)
	a := age(t, uri, s, m.Database(uri))
	secret := string(must[[]byte](t)(s.Secret(t.Context())))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	a.was.restore(t, a.db, func(c *mongo.Collection) error {
		_, err := c.DeleteMany(t.Context(), bson.D{})
		return err
	})
	if _, err := a.db.Collection("meta").DeleteOne(t.Context(), bson.D{{Key: "_id", Value: "epoch"}}); err != nil {
		t.Fatal(err)
	}
	s = open(t, uri)
	a.check(t, s)
	if got := string(must[[]byte](t)(s.Secret(t.Context()))); got != secret {
		t.Error("the secret is another one: all visitors have lost their seats")
	}
}

// Indexes make things fast, and nothing else: without them all goes on, and
// who opens the store makes them again.
func TestMissingIndexes(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	s := open(t, uri)
	if err := s.CreateEvent(t.Context(), hall(3)); err != nil {
		t.Fatal(err)
	}
	all := indexes(t, m.Database(uri))
	for _, name := range collections {
		if err := m.Database(uri).Collection(name).Indexes().DropAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if left := indexes(t, m.Database(uri)); len(left) != len(collections) {
		t.Fatalf("%q are left, want one for each collection", left)
	}
	if err := errors.Join(useReads(t.Context(), s), useSeats(t.Context(), s), useRecords(t.Context(), s)); err != nil {
		t.Errorf("without indexes: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, uri)
	if got := indexes(t, m.Database(uri)); !slices.Equal(got, all) {
		t.Errorf("the indexes are\n\t%q\nand were\n\t%q", got, all)
	}
}

// indexes returns the names of all indexes, with their collections.
func indexes(t *testing.T, db *mongo.Database) (names []string) {
	t.Helper()
	for _, collection := range collections {
		specifications := must[[]mongo.IndexSpecification](t)(db.Collection(collection).Indexes().ListSpecifications(t.Context()))
		for _, s := range specifications {
			names = append(names, collection+"."+s.Name)
		}
	}
	slices.Sort(names)
	return names
}
