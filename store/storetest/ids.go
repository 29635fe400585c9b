package storetest

import (
	"errors"
	"strings"

	"github.com/seatlock/seatlock/store"
)

func idCases() []testCase {
	return []testCase{
		{"any holder of 1 to 128 bytes", idHolders},
		{"other holders are invalid", idBadHolders},
		{"any seat and event id", idSeats},
		{"other seat ids are invalid", idBadSeats},
	}
}

func idHolders(w *world) {
	w.open(12)
	holders := []store.Holder{
		"$h", "a.b", "ключ-日本", "$$NOW", "'; DROP TABLE seats; --", `"`, " ", "a/b", "null", "🎻",
		store.Holder(strings.Repeat("h", 64)), store.Holder(strings.Repeat("é", 64)),
	}
	first := w.snapshot()
	for i, who := range holders {
		seat := names(12)[i]
		if got := w.lock(who, seat).Seats[0].LockedBy; got != who {
			w.Fatalf("seat of %q, want %q", got, who)
		}
		w.wantIDs(w.lockOf(who).Seats, seat)
		_, err := w.tryExtend(who, long())
		w.must(err)
		_, err = w.tryLock("rival", long(), seat)
		w.wantErr(err, store.ErrTaken)
	}
	for _, who := range holders {
		if got := w.unlock(who); len(got.Seats) != 1 {
			w.Fatalf("%q gave back %v, want one seat", who, got.Seats)
		}
	}
	w.wantBoard(first, w.since(first.Cursor), w.snapshot())
}

func idBadHolders(w *world) {
	w.open(1)
	w.unchanged(func() {
		for _, who := range []store.Holder{"", "a\x00b", "a\nb", "\xff\xfe", "\u0085", store.Holder(strings.Repeat("h", 129))} {
			_, err := w.tryLock(who, long(), "s1")
			w.wantErr(err, store.ErrInvalid)
			_, err = w.tryUnlock(who)
			w.wantErr(err, store.ErrInvalid)
			_, err = w.tryExtend(who, long())
			w.wantErr(err, store.ErrInvalid)
		}
	})
}

func idSeats(w *world) {
	ids := []string{"a.b", "_", "-", "...", "0", "A", "a", "a.b.c", strings.Repeat("s", 64), "-rf", "_id", "null", "1e3"}
	for _, event := range []string{"a.b", "_", strings.Repeat("e", 64), "A", "a", "0"} {
		e := hall(event, 1)
		e.Seats = ids
		w.create(e)
		for _, id := range ids {
			out, err := w.s.Lock(w.Context(), store.LockRequest{Event: event, Holder: "anna", Seats: []string{id}, Rules: longFor(100)})
			w.must(err)
			w.wantIDs(out.Seats, id)
		}
		snap, err := w.s.Snapshot(w.Context(), event)
		w.must(err)
		w.wantIDs(snap.Seats, ids...)
		for _, s := range snap.Seats {
			if s.LockedBy != "anna" || s.Version != 2 {
				w.Fatalf("%s: got %+v, want it locked once", event, s)
			}
		}
	}
}

func idBadSeats(w *world) {
	w.open(2)
	w.lock("anna", "s2")
	w.unchanged(func() {
		for _, id := range []string{"", "$where", "../x", ".", "..", "s1 ", "s/1", "é", "s1\x00", "*", "%", strings.Repeat("s", 65)} {
			_, err := w.tryLock("anna", long(), "s1", id)
			w.wantErr(err, store.ErrInvalid)
			_, err = w.tryUnlock("anna", "s2", id)
			w.wantErr(err, store.ErrInvalid)
			_, err = w.s.Withhold(w.Context(), store.WithholdRequest{Event: evening, Seats: []string{"s1", id}, On: true})
			if !errors.Is(err, store.ErrInvalid) && !errors.Is(err, store.ErrNoSeat) {
				w.Fatalf("withhold %q: got %v, want ErrInvalid or ErrNoSeat", id, err)
			}
		}
	})
}
