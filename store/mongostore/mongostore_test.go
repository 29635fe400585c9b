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
	uris := map[store.Store]string{}
	return storetest.Harness{
		Open: func(t *testing.T) store.Store {
			uri := m.NewDatabase(t)
			s := open(t, uri)
			uris[s] = uri
			return s
		},
		Second: func(t *testing.T, s store.Store) store.Store { return open(t, uris[s]) },
	}
}

// open opens the store for the length of a test.
func open(t *testing.T, uri string) *mongostore.Store {
	t.Helper()
	s, err := mongostore.Open(t.Context(), uri, mongostore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}
