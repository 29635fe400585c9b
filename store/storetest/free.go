package storetest

import (
	"errors"
	"time"

	"github.com/seatlock/seatlock/store"
)

// freeCases are those of Store.Release, by which the house frees seats.
func freeCases() []testCase {
	return []testCase{
		{"locked seats are freed, whoever has them", freeLocked},
		{"the holder's clock runs on", freeClock},
		{"what is more than locked is refused, all or none", freeRefused},
		{"repeat keeps the version", freeRepeat},
		{"a lapsed lock is told as lapsed", freeLapsed},
		{"what is told is true at its cursor", freeTold},
		{"malformed or not found changes nothing", freeInvalid},
		{"each holder loses no more than once", freeRace},
	}
}

func (w *world) tryFree(seats ...string) (store.Outcome, error) {
	return w.s.Release(w.Context(), store.ReleaseRequest{Event: evening, Seats: seats})
}

func (w *world) free(seats ...string) store.Outcome {
	w.Helper()
	out, err := w.tryFree(seats...)
	w.must(err)
	return out
}

func freeLocked(w *world) {
	w.open(4)
	w.lock("anna", "s1", "s2")
	w.lock("bert", "s3")
	var out store.Outcome
	changes := w.announced(func() { out = w.free("s3", "s1", "s3") })
	want := []store.Seat{{ID: "s3", Version: 3}, {ID: "s1", Version: 3}}
	w.wantSeats(out.Seats, want)
	w.wantSeats(w.seats("s3", "s1"), want)
	if len(out.Lock.Seats) > 0 || !out.Lock.Started.IsZero() {
		w.Errorf("got lock %+v, want none: it is nobody's request", out.Lock)
	}
	if len(changes) != 2 || changes[0].Before != "bert" || changes[1].Before != "anna" {
		w.Fatalf("announced %+v, want what bert and anna had", changes)
	}
	for _, c := range changes {
		if c.Reason != store.ReasonReleased || c.Loss() != store.ReasonReleased {
			w.Errorf("announced %+v, want it released, and a loss by that", c)
		}
	}
	w.wantIDs(w.lockOf("anna").Seats, "s2")
	w.wantIDs(w.lockOf("bert").Seats)
	w.lock("carl", "s1", "s3")
}

func freeClock(w *world) {
	w.open(3)
	first := w.lock("anna", "s1", "s2")
	w.free("s1", "s2")
	if lock := w.lockOf("anna"); !lock.Deadline.Equal(first.Lock.Deadline) || len(lock.Seats) > 0 {
		w.Fatalf("the lock is %+v, want the clock of before, without seats", lock)
	}
	w.pass(w.now().Add(2 * time.Millisecond))
	if out := w.lock("anna", "s1"); !out.Lock.Started.Equal(first.Lock.Started) {
		w.Fatalf("the clock began at %v, want %v", out.Lock.Started, first.Lock.Started)
	}
}

func freeRefused(w *world) {
	w.open(4)
	w.lock("anna", "s3")
	w.book("anna")
	w.lock("anna", "s2")
	w.pay("anna")
	w.lock("anna", "s1")
	w.withhold(true, "s4")
	for seat, want := range map[string]error{"s2": store.ErrPaying, "s3": store.ErrBooked, "s4": store.ErrWithheld} {
		w.unchanged(func() {
			out, err := w.tryFree("s1", seat)
			w.wantErr(err, want)
			w.wantSeats(out.Seats, w.seats("s1", seat))
		})
	}
}

func freeRepeat(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	w.free("s1")
	w.unchanged(func() { w.wantSeats(w.free("s1", "s2").Seats, w.seats("s1", "s2")) })
}

func freeLapsed(w *world) {
	w.open(2)
	w.lapse("anna", "s1")
	w.wantReason(store.ReasonLapsed, "anna", store.ReasonLapsed, func() { w.free("s1") })
}

// freeTold has a seat that is free already be taken meanwhile.
func freeTold(w *world) {
	w.open(2)
	second := w.second()
	for range 3 {
		w.lock("anna", "s2")
		w.wantTold(func(s *store.Store) (store.Outcome, error) {
			return s.Release(w.Context(), store.ReleaseRequest{Event: evening, Seats: names(2)})
		}, func() (store.Outcome, error) {
			return second.Lock(w.Context(), store.LockRequest{Event: evening, Holder: "bert", Seats: names(1), Rules: long()})
		})
		w.free(names(2)...)
	}
}

func freeInvalid(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	w.unchanged(func() {
		for _, c := range []struct {
			event string
			seats []string
			want  error
		}{
			{evening, nil, store.ErrInvalid},
			{evening, []string{"$1"}, store.ErrInvalid},
			{evening, []string{"s1", "s9"}, store.ErrNoSeat},
			{"nowhere", []string{"s1"}, store.ErrNoEvent},
			{"", []string{"s1"}, store.ErrNoEvent},
		} {
			_, err := w.s.Release(w.Context(), store.ReleaseRequest{Event: c.event, Seats: c.seats})
			w.wantErr(err, c.want)
		}
	})
}

// freeRace has the house free seats while their holder gives them back, and
// others lock them: what the feed tells is one history.
func freeRace(w *world) {
	stores := w.both()
	w.open(3)
	for round := range w.rounds(30) {
		who := holder(round)
		out, err := stores[round%2].Lock(w.Context(), store.LockRequest{Event: evening, Holder: who, Seats: names(3), Rules: long()})
		w.must(err)
		first := w.snapshot()
		errs := make([]error, 4)
		race(4, func(i int) {
			s := stores[(i+round)%2]
			switch i {
			case 0, 1:
				_, errs[i] = s.Release(w.Context(), store.ReleaseRequest{Event: evening, Seats: names(2)})
			case 2:
				_, errs[i] = s.Unlock(w.Context(), store.UnlockRequest{Event: evening, Holder: who, Seats: []string{"s2", "s3"}})
			default:
				_, errs[i] = s.Extend(w.Context(), store.ExtendRequest{Event: evening, Holder: who, Rules: long()})
			}
		})
		w.must(errors.Join(errs[:3]...))
		if errs[3] != nil {
			w.wantErr(errs[3], store.ErrExpired) // all was gone
		}
		last := w.snapshot()
		w.wantBoard(first, w.since(first.Cursor), last)
		for i, s := range last.Seats {
			if s.Status != store.Available || s.Version > out.Seats[i].Version+2 {
				w.Fatalf("seat %+v after %+v, want it free, once", s, out.Seats[i])
			}
		}
	}
}
