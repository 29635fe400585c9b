package sqlitestore

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/seatlock/seatlock/store"
)

// BenchmarkChanges reads 300,000 changes of one seat each, as a server does at
// its start after a busy time.
func BenchmarkChanges(b *testing.B) {
	const changes = 300_000
	e, err := Open(b.Context(), filepath.Join(b.TempDir(), "seatlock.db"), Options{Serve: true})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	if err := e.do(b.Context(), func(x *tx) error {
		for i := range changes {
			seat := store.Seat{ID: fmt.Sprint("s", i%20_000), Version: int64(i/20_000) + 1}
			to := store.Seat{Status: store.Locked, LockedBy: "FXwMSPEGiqTXI_xss8eb2N", LockTime: x.now, LockedUntil: x.now}
			if err := x.appendChanges("hall", []store.Change{store.NewChange("hall", seat, to, store.ReasonLocked)}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	at, err := e.Recent(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		read := 0
		for batch, err := range e.Changes(b.Context(), store.Cursor{Epoch: at.Epoch}) {
			if err != nil {
				b.Fatal(err)
			}
			if read += len(batch.Changes); read == changes {
				break
			}
		}
	}
}
