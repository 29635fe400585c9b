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
	paths := map[store.Engine]string{}
	return storetest.Harness{
		Open: func(t *testing.T) store.Engine {
			path := filepath.Join(t.TempDir(), "seatlock.db")
			e := openEngine(t, path, sqlitestore.Options{Serve: true, Kinds: storetest.Kinds()})
			paths[e] = path
			return e
		},
		Second: func(t *testing.T, e store.Engine) store.Engine {
			return openEngine(t, paths[e], sqlitestore.Options{Kinds: storetest.Kinds()})
		},
	}
}
