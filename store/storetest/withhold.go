package storetest

import (
	"errors"

	"github.com/seatlock/seatlock/store"
)

func withholdCases() []testCase {
	return []testCase{
		{"off sale and back on", withholdOnOff},
		{"repeat keeps the version", withholdRepeat},
		{"taken is refused, all or none", withholdTaken},
		{"a refusal is filled in", withholdRefusalFilled},
		{"a lapsed lock does not stand in the way", withholdLapsed},
		{"putting back leaves a lapsed lock as it is", withholdLapsedBack},
		{"what is told is true at its cursor", withholdTold},
		{"not found", withholdNotFound},
		{"it is announced", withholdAnnounced},
		{"either the buyer or the organizer wins", withholdRace},
	}
}

func withholdOnOff(w *world) {
	w.open(3)
	out := w.withhold(true, "s3", "s1", "s3")
	w.wantSeats(out.Seats, []store.Seat{
		{ID: "s3", Status: store.Withheld, Version: 2}, {ID: "s1", Status: store.Withheld, Version: 2},
	})
	if len(out.Lock.Seats) != 0 || !out.Lock.Started.IsZero() {
		w.Errorf("got lock %+v, want none", out.Lock)
	}
	w.wantSeats(w.seats("s3", "s1"), out.Seats)
	out = w.withhold(false, "s1")
	w.wantSeats(out.Seats, []store.Seat{{ID: "s1", Version: 3}})
	w.lock("anna", "s1")
}

func withholdRepeat(w *world) {
	w.open(3)
	w.withhold(true, "s1")
	w.unchanged(func() {
		w.wantIDs(w.withhold(true, "s1").Seats, "s1")
		w.withhold(false, "s2")
	})
	out := w.withhold(true, "s1", "s2")
	if out.Seats[0].Version != 2 || out.Seats[1].Version != 2 {
		w.Fatalf("got versions %d and %d, want 2 and 2", out.Seats[0].Version, out.Seats[1].Version)
	}
}

func withholdTaken(w *world) {
	w.open(3)
	w.lock("anna", "s2")
	w.withhold(true, "s3")
	w.unchanged(func() {
		_, err := w.s.Withhold(w.Context(), store.WithholdRequest{Event: evening, Seats: []string{"s1", "s2"}, On: true})
		w.wantErr(err, store.ErrTaken)
		_, err = w.s.Withhold(w.Context(), store.WithholdRequest{Event: evening, Seats: []string{"s3", "s2"}, On: false})
		w.wantErr(err, store.ErrTaken)
	})
}

func withholdRefusalFilled(w *world) {
	w.open(2)
	w.lock("anna", "s2")
	out, err := w.s.Withhold(w.Context(), store.WithholdRequest{Event: evening, Seats: []string{"s2", "s1"}, On: true})
	w.wantErr(err, store.ErrTaken)
	w.wantSeats(out.Seats, w.seats("s2", "s1"))
}

func withholdLapsed(w *world) {
	w.open(2)
	w.lapse("anna", "s1")
	changes := w.announced(func() {
		w.wantSeats(w.withhold(true, "s1").Seats, []store.Seat{{ID: "s1", Status: store.Withheld, Version: 3}})
	})
	w.wantChange(changes, "s1", "anna", store.ReasonWithheld)
	w.wantLoss(changes, store.ReasonLapsed)
}

func withholdLapsedBack(w *world) {
	w.open(2)
	w.lapse("anna", "s1")
	w.unchanged(func() { w.wantIDs(w.withhold(false, "s1", "s2").Seats, "s1", "s2") })
}

// withholdTold has a seat that is so already be put back meanwhile.
func withholdTold(w *world) {
	w.open(2)
	second := w.second()
	for _, on := range []bool{true, false, true, false} {
		request := func(on bool, seats ...string) store.WithholdRequest {
			return store.WithholdRequest{Event: evening, Seats: seats, On: on}
		}
		w.withhold(on, "s1")
		w.withhold(!on, "s2")
		w.wantTold(func(s *store.Store) (store.Outcome, error) {
			return s.Withhold(w.Context(), request(on, "s1", "s2"))
		}, func() (store.Outcome, error) { return second.Withhold(w.Context(), request(!on, "s1")) })
	}
}

func withholdNotFound(w *world) {
	w.open(2)
	w.unchanged(func() {
		_, err := w.s.Withhold(w.Context(), store.WithholdRequest{Event: "nowhere", Seats: names(1), On: true})
		w.wantErr(err, store.ErrNoEvent)
		_, err = w.s.Withhold(w.Context(), store.WithholdRequest{Event: evening, Seats: []string{"s1", "s9"}, On: true})
		w.wantErr(err, store.ErrNoSeat)
	})
}

func withholdAnnounced(w *world) {
	w.open(2)
	w.wantChange(w.announced(func() { w.withhold(true, "s1") }), "s1", "", store.ReasonWithheld)
	w.wantChange(w.announced(func() { w.withhold(false, "s1") }), "s1", "", store.ReasonOnSale)
}

func withholdRace(w *world) {
	stores := w.both()
	w.open(2)
	for round := range w.rounds(50) {
		who := holder(round)
		errs := make([]error, 2)
		race(2, func(i int) {
			if i == 0 {
				_, errs[0] = stores[round%2].Withhold(w.Context(), store.WithholdRequest{Event: evening, Seats: names(2), On: true})
				return
			}
			_, errs[1] = stores[1-round%2].Lock(w.Context(), store.LockRequest{Event: evening, Holder: who, Seats: []string{"s2"}, Rules: long()})
		})
		switch seat := w.seat("s2"); {
		case errs[0] == nil && errors.Is(errs[1], store.ErrWithheld) && seat.Status == store.Withheld:
			w.withhold(false, names(2)...)
		case errs[1] == nil && errors.Is(errs[0], store.ErrTaken) && seat.LockedBy == who:
			w.unlock(who)
		default:
			w.Fatalf("organizer got %v, buyer %v, and the seat is %+v", errs[0], errs[1], seat)
		}
	}
}
