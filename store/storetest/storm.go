package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/seatlock/seatlock/store"
)

func stormCases() []testCase {
	return []testCase{{"random requests about bookings, all at once", stormRandom}}
}

// storm is what many do to the same few seats and bookings.
type storm struct {
	stores []*store.Store
	mu     sync.Mutex
	codes  []string
}

// stormRandom has everybody do anything, at once and on two instances. Whatever
// was granted and refused, the books are right in the end.
func stormRandom(w *world) {
	w.open(8)
	first := w.snapshot()
	s := &storm{stores: w.both()}
	var mu sync.Mutex
	done := map[string]int{}
	lacks := func() (what string) {
		mu.Lock()
		defer mu.Unlock()
		for _, what := range []string{"lock", "begin", "confirm", "decline", "let go", "cancel", "paid", "sell", "move", "check in", "reissue", "erase"} {
			if done[what] == 0 {
				return what
			}
		}
		return ""
	}
	race(8, func(i int) {
		random := w.random(uint64(100 + i))
		for n := 0; n < w.rounds(60) || lacks() != "" && n < 5000; n++ {
			what, err := s.step(w.Context(), random)
			mu.Lock()
			if err == nil {
				done[what]++
			} else if !store.IsAnswer(err) {
				w.Errorf("%s: %v", what, err)
			}
			mu.Unlock()
		}
	})
	if what := lacks(); what != "" {
		w.Errorf("no %s was granted: %v", what, done)
	}
	changes := w.since(first.Cursor)
	w.wantBoard(first, changes, w.snapshot())
	w.wantTrail(changes)
	w.wantBooks()
}

func (s *storm) code(random *rand.Rand) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.codes) == 0 {
		return "none"
	}
	return s.codes[len(s.codes)-1-random.IntN(min(len(s.codes), 6))]
}

// step makes one request, and says which.
func (s *storm) step(ctx context.Context, random *rand.Rand) (what string, err error) {
	st := s.stores[random.IntN(len(s.stores))]
	who := holder(random.IntN(4))
	code := s.code(random)
	a, err := st.Attempt(ctx, store.Booking{Code: code}.Attempt())
	n := random.IntN(18)
	if err != nil && n >= 4 && n <= 7 {
		return "read", err
	}
	switch n {
	case 0:
		_, err = st.Lock(ctx, store.LockRequest{Event: evening, Holder: who, Seats: []string{fmt.Sprintf("s%d", 1+random.IntN(8))}, Rules: long()})
		return "lock", err
	case 1, 2, 3:
		return "begin", s.begin(ctx, st, who, random)
	case 4, 5:
		_, err = st.Confirm(ctx, a)
		return "confirm", err
	case 6:
		_, err = st.Decline(ctx, a)
		return "decline", err
	case 7:
		_, err = st.LetGo(ctx, a, a.Deadline)
		return "let go", err
	case 8:
		_, err = st.Paid(ctx, code, store.WhateverIsOwed)
		return "paid", err
	case 9:
		_, err = st.Unlock(ctx, store.UnlockRequest{Event: evening, Holder: who})
		return "unlock", err
	case 10, 11, 12, 13:
		return s.atHouse(ctx, st, n, code, random)
	default:
		r := store.CancelRequest{Code: code, Force: random.IntN(2) == 0}
		if b, err := st.Booking(ctx, code); err == nil && random.IntN(2) == 0 {
			r.Seats = []string{b.Lines[random.IntN(len(b.Lines))].Seat}
		}
		_, err = st.Cancel(ctx, r)
		return "cancel", err
	}
}

// atHouse makes one request of the house, about a booking or a new one.
func (s *storm) atHouse(ctx context.Context, st *store.Store, n int, code string, random *rand.Rand) (what string, err error) {
	seat := fmt.Sprintf("s%d", 1+random.IntN(8))
	if n == 10 {
		r := store.SellRequest{Event: evening, Code: store.NewCode(), Lines: []store.Line{lineOf(seat)}, Revision: 1, Provider: "house", Person: store.Person{Name: "Anna"}}
		if _, err = st.Sell(ctx, r); err == nil {
			s.add(r.Code)
		}
		return "sell", err
	}
	b, err := st.Booking(ctx, code)
	if err != nil {
		return "read", err
	}
	own := b.Lines[random.IntN(len(b.Lines))].Seat
	switch {
	case n == 11:
		_, err = st.Move(ctx, store.MoveRequest{Code: code, From: own, To: lineOf(seat), Revision: 1})
		return "move", err
	case n == 12:
		_, err = st.CheckIn(ctx, store.CheckInRequest{Event: evening, TicketEvent: evening, Code: code, Seat: own, Issue: b.Ticket(own).Issue, Undo: random.IntN(4) == 0})
		return "check in", err
	case random.IntN(2) == 0:
		_, err = st.Reissue(ctx, code, nil)
		return "reissue", err
	}
	_, err = st.Erase(ctx, store.EraseRequest{Code: code, Force: true, By: store.ByHouse})
	return "erase", err
}

func (s *storm) add(code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes = append(s.codes, code)
}

// begin locks two seats and books what is then locked, one way or the other.
func (s *storm) begin(ctx context.Context, st *store.Store, who store.Holder, random *rand.Rand) error {
	i := random.IntN(7)
	out, err := st.Lock(ctx, store.LockRequest{Event: evening, Holder: who, Seats: names(8)[i : i+2], Rules: long()})
	if err != nil {
		return err
	}
	r := store.BeginRequest{
		Event: evening, Holder: who, Code: store.NewCode(), Request: fmt.Sprintf("form-%d", random.IntN(1000)), Contents: "digest", Revision: 1,
		Person: store.Person{Name: "Anna", Email: "anna@example.org"}, Provider: "demo", AtDoor: random.IntN(3) == 0, Rules: store.DefaultPayRules(0),
	}
	for _, seat := range out.Lock.Seats {
		if seat.Status == store.Locked {
			r.Lines = append(r.Lines, lineOf(seat.ID))
		}
	}
	code, err := st.Begin(ctx, r)
	if err == nil {
		s.add(code)
	}
	return err
}
