package sqlitestore_test

import (
	"path/filepath"
	"testing"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/sqlitestore"
	"github.com/seatlock/seatlock/store/storetest"
)

func TestStore(t *testing.T) { storetest.Run(t, harness()) }

func harness() storetest.Harness {
	paths := map[store.Store]string{}
	return storetest.Harness{
		Open: func(t *testing.T) store.Store {
			path := filepath.Join(t.TempDir(), "seatlock.db")
			s := open(t, path, sqlitestore.Options{Serve: true})
			paths[s] = path
			return s
		},
		Second: func(t *testing.T, s store.Store) store.Store {
			return open(t, paths[s], sqlitestore.Options{})
		},
	}
}
