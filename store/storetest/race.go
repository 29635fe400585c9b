package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/seatlock/seatlock/store"
)

func raceCases() []testCase {
	return []testCase{
		{"one of 8 rivals wins", rivals(8, 200)},
		{"one of 128 rivals wins", rivals(128, 5)},
		{"one of 8 rivals wins a lapsed seat", lapsedRivals},
		{"overlapping groups are whole", overlappingGroups},
		{"opposite orders do not deadlock", oppositeOrders},
		{"limit is exact under 64 requests", limitRace},
		{"limit is exact for groups of 3", limitRaceGroups},
		{"one clock under 64 requests", clockRace},
		{"repeats of one lock are one lock", repeatRace},
	}
}

// hallSeats is the size of the halls that rounds of rivals use up.
const hallSeats = 500

// rivals lets n holders ask for one new seat at once, through two instances.
func rivals(n, rounds int) func(*world) {
	return func(w *world) {
		stores := w.both()
		outs, errs := make([]store.Outcome, n), make([]error, n)
		for round := range w.rounds(rounds) {
			id := fmt.Sprintf("hall-%d", round/hallSeats)
			if round%hallSeats == 0 {
				w.create(hall(id, hallSeats))
			}
			seat := fmt.Sprintf("s%d", round%hallSeats+1)
			race(n, func(i int) {
				outs[i], errs[i] = stores[i%2].Lock(w.Context(), store.LockRequest{
					Event: id, Holder: holder(i), Seats: []string{seat}, Rules: longFor(hallSeats),
				})
			})
			w.wantAgreed(outs, holder(w.oneWinner(errs, store.ErrTaken)), 2)
		}
	}
}

// wantAgreed fails unless all were told the same of the one seat.
func (w *world) wantAgreed(outs []store.Outcome, winner store.Holder, version int64) {
	w.Helper()
	for i, out := range outs {
		if len(out.Seats) != 1 || out.Seats[0].LockedBy != winner || out.Seats[0].Version != version {
			w.Fatalf("rival %d was told %+v, want one seat of %s, version %d", i, out.Seats, winner, version)
		}
	}
}

// lapsedRivals race for a seat whose lock is over and was not swept, its last
// holder among them.
func lapsedRivals(w *world) {
	stores := w.both()
	w.open(1)
	outs, errs := make([]store.Outcome, 8), make([]error, 8)
	for round := range w.rounds(25) {
		rival := func(i int) store.Holder { return store.Holder(fmt.Sprintf("rival-%d-%d", round, i)) }
		w.lapse(rival(0), "s1")
		version := w.seat("s1").Version
		race(len(errs), func(i int) {
			outs[i], errs[i] = stores[i%2].Lock(w.Context(), store.LockRequest{
				Event: evening, Holder: rival(i), Seats: names(1), Rules: long(),
			})
		})
		winner := rival(w.oneWinner(errs, store.ErrTaken))
		w.wantAgreed(outs, winner, version+1)
		w.unlock(winner, "s1")
	}
}

// The groups that race: so many seats each, out of so few.
const (
	groupSize  = 4
	groupSeats = 12
	groupers   = 32
)

// overlappingGroups has every grouper lock and give back random groups, and
// looks for a group that is held in part: in answers, in snapshots taken
// meanwhile, and after every batch of the feed.
func overlappingGroups(w *world) {
	stores := w.both()
	w.open(groupSeats)
	first := w.snapshot()
	feed, _ := w.follow(stores[1], first.Cursor)
	watched := make(chan error, 1)
	done := make(chan struct{})
	go func() { watched <- watchGroups(w, stores, done) }()

	var mu sync.Mutex
	var failures []error
	wins := 0
	race(groupers, func(i int) {
		won, err := grabGroups(w, stores[i%2], i, w.rounds(10))
		mu.Lock()
		defer mu.Unlock()
		wins += won
		failures = append(failures, err)
	})
	close(done)
	w.must(errors.Join(append(failures, <-watched)...))
	if wins < groupers/8 {
		w.Errorf("only %d groups were granted: nearly all lost", wins)
	}

	b, changes := newBoard(evening, first), 0
	for _, batch := range w.until(feed, w.fence()) {
		w.must(b.apply(batch.Changes))
		w.must(wholeGroups(b.list()))
		changes += len(changesOf([]store.Batch{batch}))
	}
	w.wantSeats(b.list(), w.snapshot().Seats)
	if want := wins * groupSize * 2; changes != want {
		w.Fatalf("%d changes for %d groups locked and given back, want %d", changes, wins, want)
	}
}

// grabGroups locks groups and gives each one back, and returns how many it got.
func grabGroups(w *world, s *store.Store, i, rounds int) (wins int, err error) {
	random := w.random(uint64(i))
	for round := range rounds {
		who := store.Holder(fmt.Sprintf("group-%d-%d", i, round))
		seats := names(groupSeats)
		random.Shuffle(len(seats), func(a, b int) { seats[a], seats[b] = seats[b], seats[a] })
		out, err := s.Lock(w.Context(), store.LockRequest{Event: evening, Holder: who, Seats: seats[:groupSize], Rules: long()})
		if errors.Is(err, store.ErrTaken) {
			if len(out.Lock.Seats) > 0 {
				return wins, fmt.Errorf("refused %s has %v", who, idsOf(out.Lock.Seats))
			}
			continue
		}
		if err != nil {
			return wins, err
		}
		if len(out.Lock.Seats) != groupSize {
			return wins, fmt.Errorf("%s got %v of %v", who, idsOf(out.Lock.Seats), seats[:groupSize])
		}
		wins++
		back, err := s.Unlock(w.Context(), store.UnlockRequest{Event: evening, Holder: who})
		if err != nil || len(back.Seats) != groupSize {
			return wins, fmt.Errorf("%s gave back %v: %v", who, idsOf(back.Seats), err)
		}
	}
	return wins, nil
}

// watchGroups takes snapshots until done is closed.
func watchGroups(w *world, stores []*store.Store, done <-chan struct{}) error {
	for i := 0; ; i++ {
		select {
		case <-done:
			return nil
		default:
		}
		snap, err := stores[i%2].Snapshot(w.Context(), evening)
		if err == nil {
			err = wholeGroups(snap.Seats)
		}
		if err != nil {
			return err
		}
	}
}

func wholeGroups(seats []store.Seat) error {
	has := map[store.Holder]int{}
	for _, s := range seats {
		if s.LockedBy != "" {
			has[s.LockedBy]++
		}
	}
	for who, n := range has {
		if n != groupSize {
			return fmt.Errorf("%s has %d seats, want %d or none", who, n, groupSize)
		}
	}
	return nil
}

func oppositeOrders(w *world) {
	stores := w.both()
	w.open(8)
	forth := names(8)
	back := slices.Clone(forth)
	slices.Reverse(back)
	for range w.rounds(50) {
		errs := make([]error, 2)
		race(2, func(i int) {
			_, errs[i] = stores[i].Lock(w.Context(), store.LockRequest{
				Event: evening, Holder: holder(i), Seats: [][]string{forth, back}[i], Rules: long(),
			})
		})
		w.unlock(holder(w.oneWinner(errs, store.ErrTaken)))
	}
}

// limitRace has one holder ask for 64 seats one by one, all at once.
func limitRace(w *world) { w.limitRace(64, 1, 10) }

// limitRaceGroups asks for 21 groups of 3: the fourth would make 12.
func limitRaceGroups(w *world) { w.limitRace(21, 3, 9) }

func (w *world) limitRace(requests, size, want int) {
	stores := w.both()
	w.open(requests * size)
	ids := names(requests * size)
	for round := range w.rounds(5) {
		who := holder(round)
		errs := make([]error, requests)
		race(requests, func(i int) {
			_, errs[i] = stores[i%2].Lock(w.Context(), store.LockRequest{
				Event: evening, Holder: who, Seats: ids[i*size : (i+1)*size], Rules: longFor(10),
			})
		})
		granted := 0
		for _, err := range errs {
			switch {
			case err == nil:
				granted += size
			case !errors.Is(err, store.ErrLimit):
				w.Fatalf("got %v, want ErrLimit", err)
			}
		}
		if has := len(w.lockOf(who).Seats); granted != want || has != want {
			w.Fatalf("%d seats were granted and %d are held, want %d", granted, has, want)
		}
		w.unlock(who)
	}
}

func clockRace(w *world) {
	stores := w.both()
	w.open(64)
	ids := names(64)
	for round := range w.rounds(5) {
		who := holder(round)
		outs, errs := make([]store.Outcome, 64), make([]error, 64)
		race(64, func(i int) {
			outs[i], errs[i] = stores[i%2].Lock(w.Context(), store.LockRequest{
				Event: evening, Holder: who, Seats: ids[i : i+1], Rules: longFor(64),
			})
		})
		w.must(errors.Join(errs...))
		lock := w.lockOf(who)
		for i, out := range outs {
			if !out.Lock.Started.Equal(lock.Started) || !out.Lock.Deadline.Equal(lock.Deadline) {
				w.Fatalf("request %d was told %v to %v, want %v to %v", i,
					out.Lock.Started, out.Lock.Deadline, lock.Started, lock.Deadline)
			}
		}
		w.wantOneClock(lock, 64)
		w.unlock(who)
	}
}

// wantOneClock fails unless all seats of the lock have its clock.
func (w *world) wantOneClock(lock store.Lock, seats int) {
	w.Helper()
	if len(lock.Seats) != seats {
		w.Fatalf("lock has %d seats, want %d", len(lock.Seats), seats)
	}
	for _, s := range lock.Seats {
		if !s.LockTime.Equal(lock.Started) || !s.LockedUntil.Equal(lock.Deadline) {
			w.Fatalf("seat %s has %v to %v, its lock %v to %v", s.ID, s.LockTime, s.LockedUntil, lock.Started, lock.Deadline)
		}
	}
}

// repeatRace is one visitor's request, sent many times.
func repeatRace(w *world) {
	stores := w.both()
	w.open(3)
	outs, errs := make([]store.Outcome, 32), make([]error, 32)
	race(len(outs), func(i int) {
		time.Sleep(time.Duration(i) * 100 * time.Microsecond) // some of them after the first was answered
		outs[i], errs[i] = stores[i%2].Lock(w.Context(), store.LockRequest{
			Event: evening, Holder: "anna", Seats: names(3), Rules: long(),
		})
	})
	w.must(errors.Join(errs...))
	for _, out := range outs {
		if !sameLock(out.Lock, outs[0].Lock) {
			w.Fatalf("told the locks\n\t%+v\nand\n\t%+v", out.Lock, outs[0].Lock)
		}
	}
	for _, s := range w.seats(names(3)...) {
		if s.Version != 2 {
			w.Errorf("seat %s has version %d, want 2", s.ID, s.Version)
		}
	}
}
