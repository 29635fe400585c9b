package storetest

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/seatlock/seatlock/store"
)

func secretCases() []testCase {
	return []testCase{
		{"the same for every instance", secretSame},
		{"another for another store", secretOther},
	}
}

func (w *world) secret(s *store.Store) []byte {
	w.Helper()
	got, err := s.Secret(w.Context())
	w.must(err)
	if len(got) != 32 || bytes.Equal(got, make([]byte, 32)) {
		w.Fatalf("got %x, want 32 random bytes", got)
	}
	return got
}

func secretSame(w *world) {
	first := w.secret(w.s)
	for _, s := range w.both() {
		if got := w.secret(s); !bytes.Equal(got, first) {
			w.Fatalf("got %x, want %x", got, first)
		}
	}
}

func secretOther(w *world) {
	if other := w.secret(store.New(w.h.Open(w.T))); bytes.Equal(other, w.secret(w.s)) {
		w.Fatalf("two stores have the secret %x", other)
	}
}

func closeCases() []testCase {
	return []testCase{
		{"a second close is a success", closeTwice},
		{"methods answer unavailable", closeUnavailable},
		{"a second instance goes on", closeSecond},
		{"acknowledged writes are there after a restart", closeReopen},
		{"the feed goes on after a restart", closeFeed},
		{"ping and a clock that goes forward", pingAndNow},
	}
}

func closeTwice(w *world) {
	w.must(w.s.Close())
	w.must(w.s.Close())
}

func closeUnavailable(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	from := w.head()
	w.must(w.s.Close())
	ctx := w.Context()
	for name, call := range map[string]func(s *store.Store) error{
		"CreateEvent": func(s *store.Store) error { return s.CreateEvent(ctx, hall("matinee", 1)) },
		"UpdateEvent": func(s *store.Store) error {
			_, err := s.UpdateEvent(ctx, store.Event{ID: evening, Title: "Another", Zone: "UTC", Currency: "EUR"})
			return err
		},
		"RemoveEvent": func(s *store.Store) error { return s.RemoveEvent(ctx, evening) },
		"Events":      func(s *store.Store) error { _, err := s.Events(ctx); return err },
		"Event":       func(s *store.Store) error { _, err := s.Event(ctx, evening); return err },
		"Plan": func(s *store.Store) error {
			_, err := s.Plan(ctx, store.PlanHash(hall(evening, 2).PlanBody))
			return err
		},
		"Snapshot": func(s *store.Store) error { _, err := s.Snapshot(ctx, evening); return err },
		"Lock":     func(s *store.Store) error { _, err := w.tryLock("anna", long(), "s2"); return err },
		"Unlock":   func(s *store.Store) error { _, err := w.tryUnlock("anna"); return err },
		"Extend":   func(s *store.Store) error { _, err := w.tryExtend("anna", long()); return err },
		"LockOf":   func(s *store.Store) error { _, err := s.LockOf(ctx, evening, "anna"); return err },
		"Withhold": func(s *store.Store) error {
			_, err := s.Withhold(ctx, store.WithholdRequest{Event: evening, Seats: []string{"s2"}, On: true})
			return err
		},
		"ReleaseDue": func(s *store.Store) error { _, err := s.ReleaseDue(ctx); return err },
		"Resume":     func(s *store.Store) error { _, err := s.Resume(ctx, store.Cursor{}); return err },
		"Recent":     func(s *store.Store) error { _, err := s.Recent(ctx, 0); return err },
		"Changes":    func(s *store.Store) error { return firstError(ctx, s, from) },
		"Secret":     func(s *store.Store) error { _, err := s.Secret(ctx); return err },
		"Record":     func(s *store.Store) error { _, err := s.Record(ctx, parcelKey("a")); return err },
		"Records":    func(s *store.Store) error { _, err := s.Records(ctx, store.Scan{Kind: parcel, Limit: 1}); return err },
		"put":        func(s *store.Store) error { return putRecord(ctx, s, parcelOf("a", `{}`)) },
		"delete":     func(s *store.Store) error { return dropRecord(ctx, s, parcelKey("a")) },
		"Trail": func(s *store.Store) error {
			_, err := s.Trail(ctx, store.TrailScan{Event: evening, Seat: "s1", Limit: 1})
			return err
		},
		"PruneTrail": func(s *store.Store) error { _, err := s.PruneTrail(ctx, time.Now(), 1); return err },
		"Scrub":      func(s *store.Store) error { return s.Scrub(ctx) },
		"Now":        func(s *store.Store) error { _, err := s.Now(ctx); return err },
		"Ping":       func(s *store.Store) error { return s.Ping(ctx) },
	} {
		if err := call(w.s); !errors.Is(err, store.ErrUnavailable) {
			w.Errorf("%s: got %v, want ErrUnavailable", name, err)
		}
	}
}

func firstError(ctx context.Context, s *store.Store, from store.Cursor) error {
	for _, err := range s.Changes(ctx, from) {
		return err
	}
	return nil
}

func closeSecond(w *world) {
	second := w.second()
	w.open(2)
	w.lock("anna", "s1")
	w.must(w.s.Close())
	out, err := second.LockOf(w.Context(), evening, "anna")
	w.must(err)
	w.wantIDs(out.Lock.Seats, "s1")
	_, err = second.Unlock(w.Context(), store.UnlockRequest{Event: evening, Holder: "anna"})
	w.must(err)
}

func closeReopen(w *world) {
	w.open(4)
	w.lock("anna", "s1", "s2")
	w.unlock("anna", "s2")
	w.withhold(true, "s3")
	w.put(w.s, parcelOf("a", `{"for":"anna"}`))
	before, secret, lock := w.snapshot(), w.secret(w.s), w.lockOf("anna")
	trail := func() string { return text(w.trailBy(w.s, store.TrailScan{Event: evening, Seat: "s2"}, 3)) }
	entries := trail()
	w.must(w.s.Close())
	w.use(w.secondEngine())
	w.wantSeats(w.snapshot().Seats, before.Seats)
	w.wantEvent(w.s, hall(evening, 4))
	w.wantBody(w.s, "a", `{"for":"anna"}`)
	if got := trail(); got != entries {
		w.Fatalf("got the trail\n\t%s\nwant\n\t%s", got, entries)
	}
	if got := w.lockOf("anna"); !sameLock(got, lock) || !bytes.Equal(w.secret(w.s), secret) {
		w.Fatalf("got lock\n\t%+v\nwant\n\t%+v, and the same secret", got, lock)
	}
}

func closeFeed(w *world) {
	w.open(3)
	first := w.snapshot()
	w.lock("anna", "s1", "s2")
	middle := w.snapshot()
	w.unlock("anna", "s1")
	w.must(w.s.Close())
	w.use(w.secondEngine())
	w.lock("bert", "s1")
	last := w.snapshot()
	w.wantBoard(first, w.since(first.Cursor), last)
	w.wantBoard(middle, w.since(middle.Cursor), last)
}

func pingAndNow(w *world) {
	for _, s := range w.both() {
		w.must(s.Ping(w.Context()))
	}
	last := w.now()
	for range 100 {
		now := w.now()
		if now.Before(last) {
			w.Fatalf("the clock went back from %v to %v", last, now)
		}
		last = now
	}
	w.pass(last.Add(time.Millisecond))
}
