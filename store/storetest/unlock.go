package storetest

import (
	"errors"

	"github.com/seatlock/seatlock/store"
)

func unlockCases() []testCase {
	return []testCase{
		{"some", unlockSome},
		{"without seats all", unlockAll},
		{"all or none", unlockAllOrNone},
		{"owner only", unlockOwnerOnly},
		{"others with a second instance", unlockOwnerOnlySecond},
		{"repeat is a success", unlockRepeat},
		{"withheld is refused", unlockWithheld},
		{"a refusal is filled in", unlockRefusalFilled},
		{"after expiry", unlockLapsed},
		{"a stranger does not end a lapsed lock", unlockLapsedStranger},
		{"what is told is true at its cursor", unlockTold},
		{"not found and malformed", unlockNotFound},
		{"it is announced as given back", unlockAnnounced},
		{"a seat given back once under 16 requests", unlockRace},
	}
}

func unlockSome(w *world) {
	w.open(4)
	locked := w.lock("anna", "s1", "s2", "s3")
	out := w.unlock("anna", "s3", "s1", "s3")
	w.wantSeats(out.Seats, []store.Seat{{ID: "s3", Version: 3}, {ID: "s1", Version: 3}})
	w.wantSeats(out.Lock.Seats, locked.Seats[1:2])
	if !out.Lock.Deadline.Equal(locked.Lock.Deadline) {
		w.Errorf("deadline %v, want %v", out.Lock.Deadline, locked.Lock.Deadline)
	}
	w.wantSeats(w.seats("s3", "s1"), out.Seats)
	w.lock("bert", "s1")
}

func unlockAll(w *world) {
	w.open(4)
	w.lock("bert", "s4")
	w.lock("anna", "s3", "s1")
	out := w.unlock("anna")
	free := map[string]bool{}
	for _, s := range out.Seats {
		free[s.ID] = s.Status == store.Available && s.Version == 3
	}
	if len(out.Seats) != 2 || !free["s1"] || !free["s3"] || len(out.Lock.Seats) != 0 {
		w.Fatalf("gave back %+v and keeps %v, want s1 and s3, and nothing", out.Seats, out.Lock.Seats)
	}
	w.wantIDs(w.lockOf("bert").Seats, "s4")
	w.unchanged(func() { w.unlock("anna") })
}

func unlockAllOrNone(w *world) {
	w.open(4)
	w.lock("anna", "s1", "s2")
	w.lock("bert", "s3")
	w.unchanged(func() {
		for _, seats := range [][]string{{"s1", "s3"}, {"s3", "s1", "s2"}} {
			_, err := w.tryUnlock("anna", seats...)
			w.wantErr(err, store.ErrNotYours)
		}
		_, err := w.tryUnlock("anna", "s1", "s9")
		w.wantErr(err, store.ErrNoSeat)
	})
}

func unlockOwnerOnly(w *world) {
	w.open(3)
	w.lock("anna", "s1", "s2")
	w.unchanged(func() {
		for _, who := range []store.Holder{"bert", "Anna", "ann", "anna ", "$ne", "*"} {
			_, err := w.tryUnlock(who, "s1")
			w.wantErr(err, store.ErrNotYours)
			w.unlock(who)
		}
	})
	w.wantIDs(w.lockOf("anna").Seats, "s1", "s2")
}

func unlockOwnerOnlySecond(w *world) {
	second := w.second()
	w.open(3)
	w.lock("anna", "s1")
	w.unchanged(func() {
		_, err := second.Unlock(w.Context(), store.UnlockRequest{Event: evening, Holder: "bert", Seats: names(1)})
		w.wantErr(err, store.ErrNotYours)
	})
	_, err := second.Unlock(w.Context(), store.UnlockRequest{Event: evening, Holder: "anna", Seats: names(1)})
	w.must(err)
	w.lock("bert", "s1")
}

func unlockRepeat(w *world) {
	w.open(3)
	w.lock("anna", "s1")
	w.unlock("anna", "s1")
	w.unchanged(func() {
		w.wantIDs(w.unlock("anna", "s1").Seats, "s1")
		w.unlock("bert", "s1", "s2")
		w.unlock("carl")
	})
}

func unlockWithheld(w *world) {
	w.open(2)
	w.withhold(true, "s1")
	w.lock("anna", "s2")
	w.unchanged(func() {
		_, err := w.tryUnlock("anna", "s2", "s1")
		w.wantErr(err, store.ErrWithheld)
	})
}

func unlockRefusalFilled(w *world) {
	w.open(3)
	own := w.lock("anna", "s1")
	w.lock("bert", "s2")
	out, err := w.tryUnlock("anna", "s2", "s1", "s3")
	w.wantErr(err, store.ErrNotYours)
	w.wantSeats(out.Seats, w.seats("s2", "s1", "s3"))
	if !sameLock(out.Lock, own.Lock) {
		w.Fatalf("got lock\n\t%+v\nwant\n\t%+v", out.Lock, own.Lock)
	}
}

func unlockLapsed(w *world) {
	w.open(2)
	w.lapse("anna", "s1", "s2")
	first := w.snapshot()
	w.wantSeats(w.unlock("anna", "s1").Seats, []store.Seat{{ID: "s1", Version: 3}})
	w.wantSeats(w.unlock("anna").Seats, []store.Seat{{ID: "s2", Version: 3}})
	w.wantSeats(w.seats("s1", "s2"), []store.Seat{{ID: "s1", Version: 3}, {ID: "s2", Version: 3}})
	w.wantBoard(first, w.since(first.Cursor), w.snapshot())
}

func unlockLapsedStranger(w *world) {
	w.open(2)
	w.lapse("anna", "s1")
	w.unchanged(func() { w.unlock("bert", "s1") })
}

// unlockTold has a seat that is free already be taken meanwhile.
func unlockTold(w *world) {
	w.open(2)
	second := w.second()
	for range 3 {
		w.lock("anna", "s2")
		w.wantTold(func(s *store.Store) (store.Outcome, error) {
			return s.Unlock(w.Context(), store.UnlockRequest{Event: evening, Holder: "anna", Seats: names(2)})
		}, func() (store.Outcome, error) {
			return second.Lock(w.Context(), store.LockRequest{Event: evening, Holder: "bert", Seats: names(1), Rules: long()})
		})
		w.unlock("anna")
		w.unlock("bert")
	}
}

func unlockNotFound(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	w.unchanged(func() {
		_, err := w.s.Unlock(w.Context(), store.UnlockRequest{Event: "nowhere", Holder: "anna"})
		w.wantErr(err, store.ErrNoEvent)
		_, err = w.tryUnlock("anna", "s9")
		w.wantErr(err, store.ErrNoSeat)
		_, err = w.tryUnlock("anna", "s1", "")
		w.wantErr(err, store.ErrInvalid)
		_, err = w.tryUnlock("", "s1")
		w.wantErr(err, store.ErrInvalid)
	})
}

func unlockAnnounced(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	w.wantChange(w.announced(func() { w.unlock("anna", "s1") }), "s1", "anna", store.ReasonGivenBack)
}

func unlockRace(w *world) {
	stores := w.both()
	w.open(1)
	for round := range w.rounds(10) {
		who := holder(round)
		locked := w.lock(who, "s1")
		errs := make([]error, 16)
		race(len(errs), func(i int) {
			_, errs[i] = stores[i%2].Unlock(w.Context(), store.UnlockRequest{Event: evening, Holder: who, Seats: names(1)})
		})
		w.must(errors.Join(errs...))
		if want := (store.Seat{ID: "s1", Version: locked.Seats[0].Version + 1}); !sameSeat(w.seat("s1"), want) {
			w.Fatalf("got %+v, want %+v", w.seat("s1"), want)
		}
	}
}
