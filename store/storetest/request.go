package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seatlock/seatlock/store"
)

func requestCases() []testCase {
	return []testCase{
		{"a repeat is the seats that were granted", requestRepeat},
		{"seats given back are locked again", requestAgain},
		{"seats that another has now are refused", requestTaken},
		{"what was refused is not remembered", requestRefused},
		{"a grant of own seats is remembered", requestOwn},
		{"without seats it is only what was granted", requestBare},
		{"each holder and event has its own", requestApart},
		{"it is over with the clock", requestOver},
		{"it is remembered as long as the clock", requestKept},
		{"the last are remembered", requestLast},
		{"a repeat pushes no other out", requestRepeats},
		{"malformed is invalid", requestInvalid},
		{"a second instance remembers it", requestSecond},
		{"one block under 32 repeats at once", requestRace},
	}
}

func (w *world) tryRequest(s *store.Store, request string, who store.Holder, seats ...string) (store.Outcome, error) {
	return s.Lock(w.Context(), store.LockRequest{Event: evening, Holder: who, Seats: seats, Rules: longFor(100), Request: request})
}

// request locks seats under an id, and fails unless those wanted are granted.
func (w *world) request(request string, who store.Holder, seats, want []string) store.Outcome {
	w.Helper()
	out, err := w.tryRequest(w.s, request, who, seats...)
	w.must(err)
	w.wantIDs(out.Seats, want...)
	for _, seat := range out.Seats {
		if seat.LockedBy != who || over(seat, out.Now) {
			w.Fatalf("granted %+v, which is not %s's", seat, who)
		}
	}
	return out
}

func requestRepeat(w *world) {
	w.open(8)
	first := w.request("r-1", "anna", []string{"s2", "s1"}, []string{"s2", "s1"})
	w.unchanged(func() {
		for _, seats := range [][]string{{"s2", "s1"}, {"s3", "s4"}, {"s1"}, {"unknown"}} {
			out := w.request("r-1", "anna", seats, []string{"s2", "s1"})
			if !sameLock(out.Lock, first.Lock) {
				w.Fatalf("got lock\n\t%+v\nwant\n\t%+v", out.Lock, first.Lock)
			}
		}
		_, err := w.s.Lock(w.Context(), store.LockRequest{ // the limit counts what is asked for
			Event: evening, Holder: "anna", Seats: names(8), Rules: longFor(2), Request: "r-1"})
		w.must(err)
	})
	w.request("r-2", "anna", []string{"s3", "s4"}, []string{"s3", "s4"})
	w.request("r-1", "anna", []string{"s5", "s6"}, []string{"s2", "s1"})
	w.wantIDs(w.lock("anna", "s5").Lock.Seats, names(5)...)
}

func requestAgain(w *world) {
	w.open(6)
	w.request("r", "anna", []string{"s1", "s2"}, []string{"s1", "s2"})
	for _, back := range [][]string{{"s1"}, {"s1", "s2"}, nil} {
		w.unlock("anna", back...)
		w.request("r", "anna", []string{"s3", "s4"}, []string{"s1", "s2"})
		w.wantIDs(w.lockOf("anna").Seats, "s1", "s2")
	}
}

func requestTaken(w *world) {
	w.open(6)
	w.request("r", "anna", []string{"s1", "s2"}, []string{"s1", "s2"})
	w.unlock("anna", "s2")
	w.lock("bert", "s2")
	refused := func(want error) {
		w.Helper()
		w.unchanged(func() {
			out, err := w.tryRequest(w.s, "r", "anna", "s3", "s4")
			w.wantErr(err, want)
			w.wantSeats(out.Seats, w.seats("s1", "s2"))
		})
	}
	refused(store.ErrTaken)
	w.unlock("bert")
	w.withhold(true, "s2")
	refused(store.ErrWithheld)
}

func requestRefused(w *world) {
	w.open(6)
	w.lock("bert", "s1")
	w.lock("anna", "s6") // a clock that could remember
	_, err := w.tryRequest(w.s, "r", "anna", "s1", "s2")
	w.wantErr(err, store.ErrTaken)
	_, err = w.tryRequest(w.s, "r", "anna", "unknown")
	w.wantErr(err, store.ErrNoSeat)
	w.request("r", "anna", []string{"s3", "s4"}, []string{"s3", "s4"})
}

func requestOwn(w *world) {
	w.open(6)
	w.lock("anna", "s1", "s2")
	w.unchanged(func() {
		w.request("r", "anna", []string{"s1", "s2"}, []string{"s1", "s2"})
		w.request("r", "anna", []string{"s3", "s4"}, []string{"s1", "s2"})
	})
	w.unlock("anna", "s1")
	w.request("r", "anna", []string{"s3", "s4"}, []string{"s1", "s2"})
}

func requestBare(w *world) {
	w.open(4)
	before := w.lock("anna", "s4")
	w.unchanged(func() {
		out := w.request("r", "anna", nil, nil)
		if !sameLock(out.Lock, before.Lock) || out.Now.Before(before.Now) || !out.Cursor.Covers(before.Cursor) {
			w.Fatalf("got %+v, want how things stand", out)
		}
	})
	w.request("r", "anna", []string{"s1", "s2"}, []string{"s1", "s2"})
	w.unlock("anna", "s2")
	w.request("r", "anna", nil, []string{"s1", "s2"})
}

func requestApart(w *world) {
	w.open(4)
	w.create(hall("matinee", 4))
	w.request("r", "anna", []string{"s1"}, []string{"s1"})
	w.request("r", "bert", []string{"s2"}, []string{"s2"})
	out, err := w.s.Lock(w.Context(), store.LockRequest{Event: "matinee", Holder: "anna", Seats: []string{"s3"}, Rules: long(), Request: "r"})
	w.must(err)
	w.wantIDs(out.Seats, "s3")
	w.request("r", "anna", []string{"s4"}, []string{"s1"})
	w.request("r", "bert", []string{"s4"}, []string{"s2"})
}

// requestOver repeats a request once its clock is over: where none runs, and
// where another does that a request with or without an id has started.
func requestOver(w *world) {
	w.open(6)
	short := long()
	short.TTL, short.Total = time.Millisecond, time.Millisecond
	for who, next := range map[store.Holder]string{"anna": "r", "bert": "other", "carl": ""} {
		out, err := w.s.Lock(w.Context(), store.LockRequest{Event: evening, Holder: who, Seats: []string{"s1"}, Rules: short, Request: "r"})
		w.must(err)
		w.pass(out.Lock.Deadline)
		w.request(next, who, []string{"s2"}, []string{"s2"})
		w.request("r", who, []string{"s3"}, map[bool][]string{true: {"s2"}, false: {"s3"}}[next == "r"])
		w.unlock(who)
	}
}

func requestKept(w *world) {
	w.open(6)
	w.request("r", "anna", []string{"s1"}, []string{"s1"})
	w.lock("anna", "s2")
	_, err := w.tryExtend("anna", long())
	w.must(err)
	w.request("r", "anna", []string{"s3"}, []string{"s1"})
	w.unlock("anna")
	w.release()
	w.request("r", "anna", []string{"s3"}, []string{"s1"})
}

func requestLast(w *world) {
	w.open(store.MaxGrants + 5)
	ids := names(store.MaxGrants + 5)
	request := func(i int) string { return fmt.Sprintf("r-%d", i) }
	for i := range store.MaxGrants + 2 {
		w.request(request(i), "anna", ids[i:i+1], ids[i:i+1])
	}
	w.unlock("anna")
	spare := ids[store.MaxGrants+3 : store.MaxGrants+4]
	for i := 2; i < store.MaxGrants+2; i++ {
		w.request(request(i), "anna", spare, ids[i:i+1])
	}
	w.request(request(1), "anna", spare, spare)
}

func requestRepeats(w *world) {
	w.open(4)
	w.request("old", "anna", []string{"s1"}, []string{"s1"})
	for range store.MaxGrants + 1 {
		w.request("r", "anna", []string{"s2"}, []string{"s2"})
		w.unlock("anna", "s2")
	}
	w.request("old", "anna", []string{"s3"}, []string{"s1"})
}

func requestInvalid(w *world) {
	w.open(2)
	w.unchanged(func() {
		for _, id := range []string{" ", "r 1", "../x", ".", "r\n", "é", "$where", strings.Repeat("r", 65)} {
			if _, err := w.tryRequest(w.s, id, "anna", "s1"); !errors.Is(err, store.ErrInvalid) {
				w.Errorf("request %q: got %v, want ErrInvalid", id, err)
			}
		}
	})
	w.request(strings.Repeat("r", 64), "anna", names(1), names(1))
}

func requestSecond(w *world) {
	stores := w.both()
	w.open(4)
	w.request("r", "anna", []string{"s1", "s2"}, []string{"s1", "s2"})
	w.unlock("anna", "s1")
	out, err := w.tryRequest(stores[1], "r", "anna", "s3", "s4")
	w.must(err)
	w.wantIDs(out.Seats, "s1", "s2")
}

// requestRace is one request sent many times at once, each choosing others of
// the seats, while somebody else wants them too.
func requestRace(w *world) {
	stores := w.both()
	for round := range w.rounds(5) {
		event := fmt.Sprintf("e%d", round)
		w.create(hall(event, 64))
		outs, errs := make([]store.Outcome, 32), make([]error, 32)
		race(len(outs), func(i int) {
			outs[i], errs[i] = stores[i%2].Lock(w.Context(), store.LockRequest{
				Event: event, Holder: "anna", Seats: names(64)[2*i : 2*i+2], Rules: long(), Request: "r"})
		})
		w.must(errors.Join(errs...))
		for _, out := range outs {
			if !slices.EqualFunc(out.Seats, outs[0].Seats, sameSeat) || len(out.Lock.Seats) != 2 {
				w.Fatalf("one was granted %v of %v, another %v of %v", idsOf(out.Seats), idsOf(out.Lock.Seats),
					idsOf(outs[0].Seats), idsOf(outs[0].Lock.Seats))
			}
		}
		lock, err := w.s.LockOf(w.Context(), event, "anna")
		w.must(err)
		if len(lock.Lock.Seats) != 2 {
			w.Fatalf("anna has %v, want one block", idsOf(lock.Lock.Seats))
		}
	}
}
