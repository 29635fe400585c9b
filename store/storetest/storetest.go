// Package storetest is the conformance suite of storage engines. It checks the
// contract of [store.Store] sentence by sentence against a real engine, alone
// and with a second instance beside it, and compares it with a model built
// from the pure rules of package store.
//
// Time is read from the store and never steered, and nothing sweeps but the
// cases themselves: an engine is opened with its own sweeping off.
package storetest

import (
	"testing"

	"github.com/seatlock/seatlock/store"
)

// Harness tells the suite how to come by stores.
type Harness struct {
	// Open returns an empty store that no other case uses, closed when the
	// test ends. A case may close it before that.
	Open func(t *testing.T) store.Store
	// Second returns another instance on the same place as s, as another
	// process would open it, closed when the test ends. s may be closed.
	Second func(t *testing.T, s store.Store) store.Store
	// Rounds multiplies the rounds of racing and random cases. Anything below
	// 1 is 1, which still catches the faults that the suite is tested with;
	// 50 is 10,000 rounds of 8 rivals.
	Rounds int
	// Seed starts the random cases. With 0 every run has another one; a
	// failure prints it.
	Seed uint64
}

// Run runs every case as a subtest named Method/promise, each on a fresh
// store and one after the other.
func Run(t *testing.T, h Harness) {
	for _, g := range groups() {
		t.Run(g.name, func(t *testing.T) {
			for _, c := range g.cases {
				t.Run(c.name, func(t *testing.T) { c.run(newWorld(t, h)) })
			}
		})
	}
}

// group is the cases of one method or one property.
type group struct {
	name  string
	cases []testCase
}

// testCase is one promise; run fails its world's test if it is not kept.
type testCase struct {
	name string
	run  func(w *world)
}

func groups() []group {
	return []group{
		{"CreateEvent", createCases()},
		{"UpdateEvent", updateCases()},
		{"AddSeats", addSeatsCases()},
		{"Snapshot", snapshotCases()},
		{"Lock", lockCases()},
		{"Request", requestCases()},
		{"Race", raceCases()},
		{"Clock", clockCases()},
		{"Unlock", unlockCases()},
		{"Extend", extendCases()},
		{"LockOf", lockOfCases()},
		{"Withhold", withholdCases()},
		{"ReleaseDue", releaseCases()},
		{"Changes", feedCases()},
		{"IDs", idCases()},
		{"Cancel", cancelCases()},
		{"Session", sessionCases()},
		{"Secret", secretCases()},
		{"Close", closeCases()},
		{"Model", modelCases()},
		{"Linear", linearCases()},
	}
}
