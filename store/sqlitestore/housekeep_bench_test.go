package sqlitestore

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
)

// BenchmarkHousekeep prunes 200,000 changes, sessions and clocks each while
// somebody locks one seat after the other, and tells the longest that one of
// these took, beside locks without pruning.
func BenchmarkHousekeep(b *testing.B) {
	for b.Loop() {
		path := filepath.Join(b.TempDir(), "seatlock.db")
		e, err := Open(b.Context(), path, Options{Serve: true, firstPrune: time.Hour})
		if err != nil {
			b.Fatal(err)
		}
		hall := store.NewEvent{Event: store.Event{ID: "hall", Title: "Hall", Zone: "UTC", Currency: "EUR"}, PlanBody: []byte("plan")}
		for i := range 50_000 {
			hall.Seats = append(hall.Seats, fmt.Sprint("s", i))
		}
		if err := store.New(e).CreateEvent(b.Context(), hall); err != nil {
			b.Fatal(err)
		}
		if err := fill(b, e, 200_000); err != nil {
			b.Fatal(err)
		}
		seat := 0
		report := func(what string, took []time.Duration) {
			slices.Sort(took)
			b.Logf("%s: %d locks, median %v, 99 %% %v, longest %v", what, len(took), took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
		}
		lock := func() time.Duration {
			began := time.Now()
			if err := e.do(b.Context(), lockRequest(fmt.Sprint("s", seat), store.Holder(fmt.Sprint("h", seat)))); err != nil {
				b.Fatal(err)
			}
			seat++
			time.Sleep(time.Millisecond)
			return time.Since(began) - time.Millisecond
		}
		var alone, beside []time.Duration
		for range 2000 {
			alone = append(alone, lock())
		}
		report("alone", alone)
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
		if e, err = Open(b.Context(), path, Options{Serve: true, firstPrune: time.Millisecond}); err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		for left := int64(1); left > 0 && seat < len(hall.Seats); {
			for range 100 {
				beside = append(beside, lock())
			}
			if err := e.read(b.Context(), func(r reader) (err error) {
				left, err = r.number(`SELECT EXISTS (SELECT 1 FROM clocks WHERE deadline = 1) OR EXISTS (SELECT 1 FROM records)`)
				return err
			}); err != nil {
				b.Fatal(err)
			}
		}
		report("beside pruning", beside)
		b.Logf("pruned in %v", time.Since(began))
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
