package mongostore_test

import (
	"context"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/mongostore"
	"github.com/seatlock/seatlock/store/storetest"
)

func TestStore(t *testing.T) { storetest.Run(t, harness(t, testengine.ReplicaSet(t))) }

// harness gives each case a database, and those that are done with to the next:
// to empty one is less work than to make another.
func harness(all testing.TB, m *testengine.Mongo) storetest.Harness {
	uris, free := map[store.Engine]string{}, []string{}
	o := mongostore.Options{Kinds: storetest.Kinds()}
	return storetest.Harness{
		Open: func(t *testing.T) store.Engine {
			var uri string
			if last := len(free) - 1; last >= 0 {
				uri, free = free[last], free[:last]
			} else {
				uri = m.NewDatabase(all)
			}
			t.Cleanup(func() {
				if !t.Failed() && empty(m.Database(uri)) == nil {
					free = append(free, uri)
				}
			})
			e := openEngine(t, uri, o)
			uris[e] = uri
			return e
		},
		Second: func(t *testing.T, e store.Engine) store.Engine { return openEngine(t, uris[e], o) },
	}
}

// empty leaves no document. Who opens it then finds a new database, in an epoch
// of its own.
func empty(db *mongo.Database) error {
	for _, name := range collections {
		if _, err := db.Collection(name).DeleteMany(context.Background(), bson.D{}); err != nil {
			return err
		}
	}
	return nil
}

// open opens the store for the length of a test.
func open(t *testing.T, uri string) *store.Store {
	t.Helper()
	return store.New(openEngine(t, uri, mongostore.Options{}))
}

func openEngine(t *testing.T, uri string, o mongostore.Options) *mongostore.Engine {
	t.Helper()
	o.Make = true
	e, err := mongostore.Open(t.Context(), uri, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return e
}

// keepRecord writes a record, findRecord tells whether it is there, and
// dropRecord removes it.
func keepRecord(t *testing.T, s *store.Store, id string) error {
	return s.ChangeRecord(t.Context(), store.Key{Kind: store.Session, ID: id}, func(store.Record) (store.Record, bool, error) {
		return store.Record{Body: []byte(`{"data": 1}`)}, false, nil
	})
}

func findRecord(t *testing.T, s *store.Store, id string) (found bool) {
	t.Helper()
	r, err := s.Record(t.Context(), store.Key{Kind: store.Session, ID: id})
	if err != nil {
		t.Error(err)
	}
	return r.Version > 0 && string(r.Body) == `{"data": 1}`
}

func dropRecord(t *testing.T, s *store.Store, id string) error {
	return s.ChangeRecord(t.Context(), store.Key{Kind: store.Session, ID: id}, func(store.Record) (store.Record, bool, error) {
		return store.Record{}, true, nil
	})
}
