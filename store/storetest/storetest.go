// Package storetest is the conformance suite of storage engines. It checks the
// contracts of [store.Store] and [store.Engine] sentence by sentence against a
// real engine, alone and with a second instance beside it. It compares what the
// store does with a model, which says the rules again in words of its own: a
// wrong rule of package store is found as well as a wrong engine.
//
// Time is read from the store and never steered, and nothing sweeps but the
// cases themselves: an engine is opened with its own sweeping off.
package storetest

import (
	"testing"

	"github.com/seatlock/seatlock/store"
)

// Harness tells the suite how to come by engines, which have the [Kinds] of
// records.
type Harness struct {
	// Open returns an empty engine that no other case uses, closed when the
	// test ends. A case may close it before that.
	Open func(t *testing.T) store.Engine
	// Second returns another instance on the same place as e, as another
	// process would open it, closed when the test ends. e may be closed.
	Second func(t *testing.T, e store.Engine) store.Engine
	// Rounds multiplies the rounds of racing and random cases. Anything below
	// 1 is 1, which still catches the faults that the suite is tested with;
	// 50 is 10,000 rounds of 8 rivals.
	Rounds int
	// Seed starts the random cases. With 0 every run has another one; a
	// failure prints it.
	Seed uint64
}

// Kinds are the kinds of record that the suite needs: those of the program, and
// one of its own.
func Kinds() []store.Kind {
	return append(store.Kinds(), store.Kind{Name: parcel, Indexes: []string{byOwner, byDay}})
}

// Run runs every case as a subtest named Method/promise, each on a fresh
// engine and one after the other.
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
		{"RemoveEvent", removeCases()},
		{"Snapshot", snapshotCases()},
		{"Lock", lockCases()},
		{"Request", requestCases()},
		{"Race", raceCases()},
		{"Clock", clockCases()},
		{"Future", futureCases()},
		{"Unlock", unlockCases()},
		{"Extend", extendCases()},
		{"LockOf", lockOfCases()},
		{"Withhold", withholdCases()},
		{"Release", freeCases()},
		{"ReleaseDue", releaseCases()},
		{"Changes", feedCases()},
		{"IDs", idCases()},
		{"Cancel", cancelCases()},
		{"Paying", payingCases()},
		{"Booking", bookingCases()},
		{"Begin", beginCases()},
		{"Confirm", confirmCases()},
		{"Decline", declineCases()},
		{"LetGo", letGoCases()},
		{"GiveUp", giveUpCases()},
		{"Door", doorCases()},
		{"CancelBooking", cancelBookingCases()},
		{"CheckIn", checkInCases()},
		{"Reissue", reissueCases()},
		{"Move", moveCases()},
		{"Sell", houseCases()},
		{"Erase", eraseCases()},
		{"People", peopleCases()},
		{"Trail", trailCases()},
		{"Tariff", tariffCases()},
		{"Work", workCases()},
		{"Storm", stormCases()},
		{"Reason", reasonCases()},
		{"Decide", decideCases()},
		{"Define", defineCases()},
		{"Record", recordCases()},
		{"Secret", secretCases()},
		{"Close", closeCases()},
		{"Model", modelCases()},
		{"Linear", linearCases()},
	}
}
