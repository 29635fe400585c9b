package storetest

import (
	"github.com/seatlock/seatlock/store"
)

func reasonCases() []testCase {
	return []testCase{
		{"each operation tells its own", reasonOwn},
		{"who takes over a lapsed lock tells of the loss", reasonTakeover},
		{"who takes a lapsed lock again loses nothing", reasonAgain},
		{"a seat that was given back after its end was given back", reasonGivenBackLate},
		{"seats of one request may have lapsed or not", reasonMixed},
	}
}

// wantReason fails unless do announces the seat alone, with these.
func (w *world) wantReason(why store.Reason, before store.Holder, loss store.Reason, do func()) {
	w.Helper()
	changes := w.announced(do)
	w.wantChange(changes, "s1", before, why)
	w.wantLoss(changes, loss)
}

func reasonOwn(w *world) {
	w.open(2)
	const none = store.ReasonChanged
	w.wantReason(store.ReasonLocked, "", none, func() { w.lock("anna", "s1") })
	w.wantReason(store.ReasonExtended, "anna", none, func() {
		_, err := w.tryExtend("anna", long())
		w.must(err)
	})
	w.wantReason(store.ReasonGivenBack, "anna", none, func() { w.unlock("anna", "s1") })
	w.wantReason(store.ReasonLocked, "", none, func() { w.lock("anna", "s1") })
	w.wantReason(store.ReasonGivenBack, "anna", none, func() { w.unlock("anna") })
	w.lapse("bert", "s1")
	w.wantReason(store.ReasonLapsed, "bert", store.ReasonLapsed, func() { w.release() })
	w.wantReason(store.ReasonWithheld, "", none, func() { w.withhold(true, "s1") })
	w.wantReason(store.ReasonOnSale, "", none, func() { w.withhold(false, "s1") })
}

func reasonTakeover(w *world) {
	w.open(2)
	w.lapse("anna", "s1")
	w.wantReason(store.ReasonLocked, "anna", store.ReasonLapsed, func() { w.lapse("bert", "s1") })
	w.wantReason(store.ReasonWithheld, "bert", store.ReasonLapsed, func() { w.withhold(true, "s1") })
}

func reasonAgain(w *world) {
	w.open(2)
	w.lapse("anna", "s1")
	w.wantReason(store.ReasonLocked, "anna", store.ReasonChanged, func() { w.lock("anna", "s1") })
}

func reasonGivenBackLate(w *world) {
	w.open(2)
	w.lapse("anna", "s1")
	w.wantReason(store.ReasonGivenBack, "anna", store.ReasonChanged, func() { w.unlock("anna", "s1") })
	w.lapse("bert", "s1")
	w.wantReason(store.ReasonGivenBack, "bert", store.ReasonChanged, func() { w.unlock("bert") })
}

func reasonMixed(w *world) {
	w.open(3)
	w.lapse("anna", "s2")
	changes := w.announced(func() { w.lock("bert", "s1", "s2") })
	if len(changes) != 2 {
		w.Fatalf("announced %v, want both seats", changes)
	}
	for _, c := range changes {
		if c.Reason != store.ReasonLocked || (c.Loss() == store.ReasonLapsed) != (c.Seat.ID == "s2") {
			w.Fatalf("announced %+v, want locked, and that anna lost s2", c)
		}
	}
}
