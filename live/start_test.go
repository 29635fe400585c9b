package live_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
)

// The start reads a bounded part of the recent past, however much has changed.
// A viewer with an older cursor is sent everything, one with a later cursor
// resumes.
func TestStartReadsABoundedPast(t *testing.T) {
	for name, load := range map[string]func(h *house) time.Duration{
		"board loaded at once": func(h *house) time.Duration { return 0 },
		"board loaded then":    func(h *house) time.Duration { return time.Minute },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const changes = 300_000 // in ten minutes
				s := newFakeStore("a", "b")
				s.lock("a", "other", time.Hour, "1")
				old := newClient("me")
				s.with(func() {
					for i := range changes {
						if i == 1000 {
							old.id = s.cursor()
							s.lockNow("a", "5")
						}
						s.feed = append(s.feed, store.Batch{
							Cursor:  store.Cursor{Epoch: "e1", Position: uint64(len(s.feed)) + 1},
							Changes: []store.Change{s.change("b", "1", store.Seat{}, store.ReasonChanged)},
						})
					}
					s.lockNow("a", "2")
				})
				recent := newClient("me")
				recent.id = s.cursor()
				for i := range 100 {
					recent.data(fmt.Sprintf("in %d available 1", i))
				}
				recent.data("in 1 locked 2")
				recent.data("in 2 locked 2")
				recent.data("in 5 locked 2")
				s.lock("a", "other", time.Hour, "3")
				s.recent = func(age time.Duration) uint64 {
					return uint64(max(0, len(s.feed)-int(age.Seconds()*changes/600)))
				}
				s.pace = 87 * time.Microsecond
				start := time.Now()
				h := s.run(t, live.Options{}, nil)
				time.Sleep(load(h))
				board := h.board(t, "a")
				for !h.hub.Ready() {
					time.Sleep(time.Millisecond)
				}
				if load(h) == 0 && time.Since(start) > 5*time.Second {
					t.Errorf("ready after %v, want a few seconds", time.Since(start))
				}
				old.connect(t, board)
				recent.connect(t, board)
				settle()
				old.check(t, s, "a")
				recent.check(t, s, "a")
				if old.resyncs != 1 || recent.resyncs != 0 {
					t.Errorf("%d sections for an old page, %d for a recent one; want everything, and a resume", old.resyncs, recent.resyncs)
				}
				if s.snapshots != 1 {
					t.Errorf("the board is loaded %d times, want once", s.snapshots)
				}
				s.lock("a", "other", time.Hour, "4")
				settle()
				old.check(t, s, "a")
				recent.check(t, s, "a")
			})
		})
	}
}

// If a store is served again while the feed is broken off or being read, it has a
// new epoch and the same history: the hub goes on.
func TestNextEpoch(t *testing.T) {
	next := func(s *fakeStore) { s.earlier, s.epoch = append(s.earlier, s.epoch), "e2" }
	for name, change := range map[string]func(t *testing.T, s *fakeStore, h *house){
		"with nothing new": func(_ *testing.T, s *fakeStore, _ *house) {
			s.with(func() { s.broken = errAway })
			time.Sleep(time.Minute)
			s.with(func() { next(s); s.broken = nil })
		},
		"before the store is reached": func(_ *testing.T, s *fakeStore, _ *house) {
			s.with(func() { s.broken = errAway })
			time.Sleep(time.Minute)
			s.lock("a", "me", time.Hour, "2")
			s.with(func() { s.broken, s.stalled = nil, true })
			time.Sleep(time.Minute)
			s.with(func() { next(s); s.feed[1].Cursor.Epoch, s.stalled = "e2", false })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFakeStore("a")
				h := s.run(t, live.Options{}, nil)
				board := h.board(t, "a")
				c := open(board, "me")
				c.connect(t, board)
				s.lock("a", "me", time.Hour, "1")
				settle()
				change(t, s, h)
				time.Sleep(time.Minute)
				synctest.Wait()
				if at := viewOf(t, board, "").Cursor; !h.hub.Ready() || at != s.cursor() {
					t.Errorf("ready %v, the board is at %v, the store at %v", h.hub.Ready(), at, s.cursor())
				}
				c.check(t, s, "a")
				if c.resyncs > 0 || c.cursor() != s.cursor() {
					t.Errorf("%d sections, the viewer is at %v", c.resyncs, c.cursor())
				}
			})
		})
	}
}

// lockNow is lock with mu held.
func (s *fakeStore) lockNow(event string, seats ...string) {
	state := store.Seat{Status: store.Locked, LockedBy: "other", LockedUntil: s.now().Add(time.Hour)}
	s.commit(s.changes(event, state, store.ReasonLocked, seats)...)
}

// A holder who lost seats before the board was loaded is told so, with what
// changed or with everything.
func TestLostBeforeTheBoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a", "b")
		page := viewOf(t, s.run(t, live.Options{}, nil).board(t, "a"), "")
		h := s.run(t, live.Options{}, nil)
		before := s.lock("a", "me", time.Minute, "1", "2", "3")
		time.Sleep(2 * time.Minute)
		s.lock("a", "me", time.Hour, "3") // and it is the holder's again
		s.lock("a", "other", time.Hour, "2")
		settle()
		resumes, everything, later := newClient("me"), newClient("me"), newClient("me")
		for _, seat := range page.Seats {
			resumes.data("in " + seat.ID + " available 1")
		}
		resumes.id, everything.id = before, before
		board := h.board(t, "a")
		resumes.connect(t, board)
		settle()
		want := "[1 available 3 lapsed 2 locked 4 lapsed]"
		if got := fmt.Sprint(resumes.lost); got != want || resumes.resyncs > 0 {
			t.Errorf("lost %s with %d sections, want %s with none", got, resumes.resyncs, want)
		}
		resumes.check(t, s, "a")
		at := s.cursor()
		s.with(func() { s.appendBatch(store.Batch{Events: []string{"a"}}) }) // all from before get everything
		settle()
		everything.connect(t, board)
		later.id = at
		later.connect(t, board)
		settle()
		if got := fmt.Sprint(everything.lost); got != want || everything.resyncs != 1 {
			t.Errorf("lost %s with %d sections, want %s with one", got, everything.resyncs, want)
		}
		if len(later.lost) > 0 || later.resyncs != 1 {
			t.Errorf("viewer who came later lost %q, with %d sections", later.lost, later.resyncs)
		}
		if fmt.Sprint(resumes.lost) != want || resumes.resyncs != 1 {
			t.Errorf("viewer who stayed lost %q in all, with %d sections; want each once", resumes.lost, resumes.resyncs)
		}
	})
}

// A lock that ends while the board is loaded again is reported as lost, and one
// that ended before that is not reported again.
func TestLostWhileLoading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		board := s.run(t, live.Options{}, nil).board(t, "a")
		s.lock("a", "me", time.Minute, "1")
		s.lock("a", "me", 10*time.Second, "2")
		settle()
		c := open(board, "me")
		c.connect(t, board)
		time.Sleep(time.Minute - time.Second)
		away := make(chan struct{})
		s.with(func() {
			s.beforeSnapshot = func(ctx context.Context) {
				select {
				case <-away:
				case <-ctx.Done():
				}
			}
			s.appendBatch(store.Batch{Events: []string{"a"}})
		})
		time.Sleep(5 * time.Second)
		synctest.Wait()
		c.look(func() {
			if len(c.lost) != 1 {
				t.Errorf("lost %q before the board is there", c.lost)
			}
		})
		close(away)
		settle()
		c.check(t, s, "a")
		if got := fmt.Sprint(c.lost); got != "[2 available 3 lapsed 1 available 3 lapsed]" || c.resyncs != 1 {
			t.Errorf("lost %s with %d sections, want seats 2 and 1 with one", got, c.resyncs)
		}
	})
}

// Only the holder is told that a lock was extended.
func TestExtendedIsToldToTheHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		board := s.run(t, live.Options{}, nil).board(t, "a")
		me, other := open(board, "me"), open(board, "other")
		me.connect(t, board)
		other.connect(t, board)
		s.with(func() {
			state := store.Seat{Status: store.Locked, LockedBy: "me", LockedUntil: s.now().Add(time.Hour), Extended: true}
			s.commit(s.change("a", "1", state, store.ReasonExtended))
		})
		settle()
		if mine := viewOf(t, board, "me").Mine; len(mine) != 1 || !mine[0].Extended {
			t.Errorf("the page has %+v", mine)
		}
		if n := strings.Count(me.raw.String(), "extended"); n != 1 || strings.Contains(other.raw.String(), "extended") {
			t.Errorf("the holder got it %d times, others %q", n, other.raw.String())
		}
	})
}
