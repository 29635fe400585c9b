//go:build prove

package sqlitestore_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

// TestProveEmbeddedRivals lets eight rivals ask for one seat at the same
// moment, seat after seat, half of them through a second instance on the same
// file.
func TestProveEmbeddedRivals(t *testing.T) {
	const rounds, rivals = 10_000, 8
	path := filepath.Join(t.TempDir(), "seatlock.db")
	stores := []*store.Store{open(t, path, sqlitestore.Options{Serve: true}), open(t, path, sqlitestore.Options{})}
	create(t, stores[0], "hall", rounds)
	winners := map[int]int{} // rounds by how many won
	for round := range rounds {
		won := 0
		for _, err := range rival(t, stores, round, rivals) {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, store.ErrTaken):
				t.Fatalf("round %d: got error %v, want %v", round, err, store.ErrTaken)
			}
		}
		winners[won]++
	}
	fmt.Println("> Rivals for one seat at the same moment, half of them through a second instance on the file.\n> ")
	fmt.Println("| rounds | rivals | no winner | one winner | several winners |")
	fmt.Println("|---:|---:|---:|---:|---:|")
	fmt.Printf("| %d | %d | %d | %d | %d |\n", rounds, rivals, winners[0], winners[1], rounds-winners[0]-winners[1])
	if winners[1] != rounds {
		t.Fatalf("got one winner in %d rounds of %d", winners[1], rounds)
	}
}

// rival has n fresh holders ask for the round's seat, released by one gate.
func rival(t *testing.T, stores []*store.Store, round, n int) []error {
	errs, gate := make([]error, n), make(chan struct{})
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			<-gate
			_, errs[i] = lock(t, stores[i%len(stores)], "hall", holder(round*n+i), seatID(round))
		})
	}
	close(gate)
	wg.Wait()
	return errs
}
