package mongostore_test

import (
	"testing"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/mongostore"
	"github.com/seatlock/seatlock/store/storetest"
)

func TestStore(t *testing.T) { storetest.Run(t, harness(testengine.ReplicaSet(t))) }

func harness(m *testengine.Mongo) storetest.Harness {
	uris := map[store.Engine]string{}
	o := mongostore.Options{Kinds: storetest.Kinds()}
	return storetest.Harness{
		Open: func(t *testing.T) store.Engine {
			uri := m.NewDatabase(t)
			e := openEngine(t, uri, o)
			uris[e] = uri
			return e
		},
		Second: func(t *testing.T, e store.Engine) store.Engine { return openEngine(t, uris[e], o) },
	}
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
