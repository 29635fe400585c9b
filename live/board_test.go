package live_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
)

func TestBoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		s.lock("a", "me", time.Hour, "9", "10")
		h := s.run(t, live.Options{}, nil)
		board := h.board(t, "a")
		synctest.Wait() // the first sweep tells the store's clock
		v := viewOf(t, board, "me")
		if v.Cursor.String() != "e1:1" || len(v.Seats) != 100 || total(v.Sections) != (live.Counts{98, 2}) || board.Event().ID != "a" {
			t.Errorf("view is %v with %d seats, counts %v", v.Cursor, len(v.Seats), total(v.Sections))
		}
		if len(v.Mine) != 2 || v.Mine[0].ID != "9" || v.Mine[1].ID != "10" || !v.Now.Equal(s.now()) {
			t.Errorf("mine is %v at %v, want 9 and 10 at %v", v.Mine, v.Now, s.now())
		}
		if mine := viewOf(t, board, "").Mine; len(mine) > 0 {
			t.Errorf("nobody has %v", mine)
		}
		v.Seats[9].Version = 77 // a copy
		time.Sleep(time.Minute)
		if v := viewOf(t, board, "me"); v.Seats[9].Version != 2 || !v.Now.Equal(s.now()) {
			t.Errorf("a minute later: version %d, clock %v, want 2 and %v", v.Seats[9].Version, v.Now, s.now())
		}
	})
}

func TestOneLoadForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		s.beforeSnapshot = func(context.Context) { time.Sleep(time.Second) }
		h := s.run(t, live.Options{}, nil)
		boards := make([]*live.Board, 50)
		var wg sync.WaitGroup
		for i := range boards {
			wg.Go(func() { boards[i] = h.board(t, "a") })
		}
		wg.Wait()
		for _, b := range boards {
			if b == nil || b != boards[0] {
				t.Fatal("callers got different boards")
			}
		}
		if s.snapshots != 1 {
			t.Errorf("%d snapshots for 50 callers, want 1", s.snapshots)
		}
	})
}

// If the caller that loads a board gives up, one that waits loads it.
func TestLoadOutlivesItsFirstCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		s.beforeSnapshot = func(context.Context) { time.Sleep(time.Second) }
		h := s.run(t, live.Options{}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := h.hub.Board(ctx, "a"); !errors.Is(err, context.Canceled) {
				t.Errorf("first caller got %v, want the context's error", err)
			}
		})
		synctest.Wait()
		wg.Go(func() { h.board(t, "a") })
		synctest.Wait()
		cancel()
		wg.Wait()
	})
}

func TestNoEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore()
		h := s.run(t, live.Options{}, nil)
		if _, err := h.hub.Board(t.Context(), "a"); !errors.Is(err, store.ErrNoEvent) {
			t.Errorf("Board = %v, want ErrNoEvent", err)
		}
		s.with(func() { s.create("a", 100); s.appendBatch(store.Batch{Events: []string{"a"}}) })
		h.board(t, "a") // made since
	})
}

func TestBoardWaitsForTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		s.broken = errAway
		h := s.run(t, live.Options{}, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := h.hub.Board(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Board = %v, want the context's error", err)
		}
		if h.hub.Ready() {
			t.Error("ready without a feed")
		}
		s.with(func() { s.broken = nil })
		h.board(t, "a")
		synctest.Wait()
		if !h.hub.Ready() {
			t.Error("not ready with a feed")
		}
		// If the store never comes, the hub's end ends the wait.
		s.with(func() { s.broken = errAway })
		second := s.run(t, live.Options{}, nil)
		time.AfterFunc(time.Minute, second.stop)
		if _, err := second.hub.Board(t.Context(), "a"); !errors.Is(err, live.ErrEnded) {
			t.Errorf("Board = %v, want ErrEnded", err)
		}
		synctest.Wait()
	})
}

// Changes before, during and after the load are in the end there exactly once,
// whether the feed is ahead of the snapshot or behind it.
func TestLoadRacesFeed(t *testing.T) {
	for name, hold := range map[string]struct{ before, after bool }{
		"feed ahead":               {false, false},
		"feed behind":              {true, true},
		"feed behind, then passes": {true, false},
		"feed ahead, then stops":   {false, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFakeStore("a", "b")
				h := s.run(t, live.Options{}, nil)
				page := viewOf(t, h.board(t, "a"), "") // as another instance would show it
				s.toggle("b", 1, "me")
				s.beforeSnapshot = func(context.Context) {
					s.with(func() { s.stalled = hold.before })
					s.toggle("b", 1, "me")
					s.toggle("b", 2, "me")
					synctest.Wait()
				}
				s.afterSnapshot = func(context.Context) {
					s.with(func() { s.stalled = hold.after })
					s.toggle("b", 2, "me")
					s.toggle("b", 3, "me")
					synctest.Wait()
				}
				board := h.board(t, "b")
				resumed, fresh := newClient("me"), open(board, "me")
				for i := range 100 {
					resumed.data("in " + page.Seats[i].ID + " available 1")
				}
				resumed.id = page.Cursor
				resumed.connect(t, board)
				fresh.connect(t, board)
				synctest.Wait()
				s.with(func() { s.stalled = false })
				settle()
				for _, c := range []*client{resumed, fresh} {
					c.check(t, s, "b")
					if c.resyncs > 0 || c.own() != "3" {
						t.Errorf("%d sections, own %q; want a resume and 3", c.resyncs, c.own())
					}
				}
				if got := viewOf(t, board, "me"); len(got.Mine) != 1 || total(got.Sections) != (live.Counts{99, 1}) {
					t.Errorf("mine %v, counts %v", got.Mine, total(got.Sections))
				}
			})
		})
	}
}

// A snapshot from before what the feed has reported is refused.
func TestOldSnapshotIsNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		h := s.run(t, live.Options{}, nil)
		stale := &staleOnce{fakeStore: s}
		hub := live.New(stale, s.renderer(nil), live.Options{Log: quiet()})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- hub.Run(ctx) }()
		synctest.Wait()
		s.toggle("a", 1, "me")
		h.board(t, "a")
		synctest.Wait()
		board, err := hub.Board(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if v := viewOf(t, board, ""); total(v.Sections) != (live.Counts{99, 1}) || v.Cursor.Position != 1 {
			t.Errorf("board at %v has %v, want one seat locked", v.Cursor, total(v.Sections))
		}
		cancel()
		<-done
	})
}

// staleOnce returns its first snapshot as of position 0.
type staleOnce struct {
	*fakeStore
	asked bool
}

func (s *staleOnce) Snapshot(ctx context.Context, event string) (store.Snapshot, error) {
	snapshot, err := s.fakeStore.Snapshot(ctx, event)
	if !s.asked {
		s.asked = true
		snapshot.Cursor.Position = 0
		snapshot.Seats[1] = store.Seat{ID: "1", Version: 1}
	}
	return snapshot, err
}

// After a gap in the feed the board is loaded again, and viewers are sent
// everything.
func TestGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		board := s.run(t, live.Options{}, nil).board(t, "a")
		c := open(board, "me")
		c.connect(t, board)
		away := open(board, "me")
		settle()
		s.with(func() {
			s.change("a", "5", store.Seat{Status: store.Withheld}, store.ReasonChanged) // never announced
			s.change("a", "1", store.Seat{Status: store.Withheld}, store.ReasonChanged)
			s.commit(s.change("a", "1", store.Seat{Status: store.Locked, LockedBy: "me", LockedUntil: s.now().Add(time.Hour)}, store.ReasonChanged))
		})
		settle()
		s.toggle("a", 9, "you")
		settle()
		away.connect(t, board)
		settle()
		for _, c := range []*client{c, away} {
			c.check(t, s, "a")
			if c.resyncs != 1 || c.own() != "1" || c.counts != "[97 2 0 0 1 0]" {
				t.Errorf("%d sections, own %q, counts %q", c.resyncs, c.own(), c.counts)
			}
		}
	})
}

// A reload goes on until the store is back; meanwhile the board stays as it is.
func TestGapWhileStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		board := s.run(t, live.Options{}, nil).board(t, "a")
		c := open(board, "")
		c.connect(t, board)
		settle()
		s.beforeSnapshot = func(ctx context.Context) { <-ctx.Done() }
		s.with(func() {
			s.change("a", "1", store.Seat{Status: store.Withheld}, store.ReasonChanged)
			s.commit(s.change("a", "1", store.Seat{}, store.ReasonChanged))
		})
		s.mu.Lock()
		gap := s.cursor()
		s.mu.Unlock()
		synctest.Wait()
		if at := viewOf(t, board, "").Cursor; at.Covers(gap) {
			t.Errorf("the board is at %v, but missed what came before %v", at, gap)
		}
		var last store.Cursor
		for i := range 20 {
			s.toggle("a", i, "me")
			time.Sleep(3 * time.Second)
		}
		s.mu.Lock()
		s.beforeSnapshot, last = nil, s.cursor()
		s.mu.Unlock()
		if !board.Reach(t.Context(), last) {
			t.Fatal("the board does not come back")
		}
		settle()
		c.check(t, s, "a")
	})
}

// A seat with a status that this program does not know is like any other seat: in
// the first snapshot, in changes, and in all that viewers are sent.
func TestUnknownStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		strange := store.Seat{Status: store.ParseStatus("reserved"), LockedBy: "me"}
		s := newFakeStore("a")
		s.with(func() { s.commit(s.change("a", "1", strange, store.ParseReason("reserved"))) })
		s.lock("a", "me", time.Hour, "2", "3")
		board := s.run(t, live.Options{}, nil).board(t, "a")
		here, away, anew := open(board, "me"), open(board, "me"), newClient("me")
		here.connect(t, board)
		settle()
		if v := viewOf(t, board, "me"); len(v.Mine) != 2 || total(v.Sections) != (live.Counts{store.Available: 97, store.Locked: 2, store.Unknown: 1}) {
			t.Errorf("mine %v, counts %v", v.Mine, total(v.Sections))
		}
		s.with(func() { s.commit(s.change("a", "2", strange, store.ParseReason("reserved"))) })
		settle()
		if _, free := board.Free(); free[1] || free[2] || !free[4] {
			t.Error("a seat of unknown status is free, or one that is available is not")
		}
		away.connect(t, board)
		anew.connect(t, board)
		settle()
		for name, c := range map[string]*client{"here": here, "away": away, "anew": anew} {
			c.check(t, s, "a")
			if c.counts != "[97 1 0 0 0 2]" || c.own() != "3" || c.basket != "3" || len(c.lost) > 0 {
				t.Errorf("%s: counts %s, own %q, basket %q, lost %q", name, c.counts, c.own(), c.basket, c.lost)
			}
		}
		s.with(func() { s.commit(s.change("a", "1", store.Seat{}, store.ReasonChanged)) })
		settle()
		here.check(t, s, "a")
		if here.counts != "[98 1 0 0 0 1]" {
			t.Errorf("counts %s once it is known again", here.counts)
		}
	})
}

func TestRedefinedEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		board := s.run(t, live.Options{}, nil).board(t, "a")
		c := open(board, "me")
		c.connect(t, board)
		settle()
		var at store.Cursor
		s.with(func() {
			seats := s.events["a"].seats
			s.create("a", 150)
			copy(s.events["a"].seats, seats)
			change := s.change("a", "120", store.Seat{Status: store.Withheld}, store.ReasonChanged)
			at = s.appendBatch(store.Batch{Events: []string{"a"}, Changes: []store.Change{change}})
		})
		if !board.Reach(t.Context(), at) {
			t.Fatal("the board does not get there")
		}
		settle()
		c.check(t, s, "a")
		if board.Event().Revision != 150 || c.resyncs != 2 {
			t.Errorf("revision %d, %d sections; want the new definition sent in 2", board.Event().Revision, c.resyncs)
		}
		s.toggle("a", 149, "me")
		settle()
		c.check(t, s, "a")
		s.with(func() { // a new price, and no seat changed
			s.events["a"].event.Title = "new"
			s.appendBatch(store.Batch{Events: []string{"a"}})
		})
		settle()
		if board.Event().Title != "new" || c.resyncs != 4 {
			t.Errorf("title %q, %d sections; want the new definition sent again in 2", board.Event().Title, c.resyncs)
		}
	})
}

// A restored store has another epoch: boards and viewers follow it.
func TestCursorLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a", "b")
		h := s.run(t, live.Options{}, nil)
		board := h.board(t, "a")
		for i := range 10 {
			s.toggle("a", i, "me")
			s.toggle("b", i, "me")
		}
		c := open(board, "me")
		c.connect(t, board)
		settle()
		s.with(func() { // back to a time when there was nothing
			s.epoch, s.feed, s.broken = "e2", nil, store.ErrCursorLost
			s.create("a", 100)
			s.create("b", 100)
		})
		synctest.Wait()
		if h.hub.Ready() {
			t.Error("ready without a feed")
		}
		s.with(func() { s.broken = nil })
		s.toggle("a", 50, "you")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		c.check(t, s, "a")
		if c.resyncs != 1 || c.id.Epoch != "e2" || c.own() != "" || !h.hub.Ready() {
			t.Errorf("%d sections, id %v, own %q", c.resyncs, c.id, c.own())
		}
		if board.Reach(t.Context(), store.Cursor{Epoch: "e1", Position: 1}) {
			t.Error("a cursor of the old epoch is reached")
		}
		b := open(h.board(t, "b"), "")
		b.connect(t, h.board(t, "b"))
		s.toggle("b", 5, "me")
		settle()
		b.check(t, s, "b")
		if n := strings.Count(b.raw.String(), "data: seat"); n != 1 {
			t.Errorf("%d seats came, want 1: the others changed in another epoch", n)
		}
	})
}

// The feed breaks off, and goes on from where it was.
func TestFeedBreaksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		h := s.run(t, live.Options{}, nil)
		board := h.board(t, "a")
		c := open(board, "")
		c.connect(t, board)
		for i := range 20 {
			s.with(func() { s.broken = errAway })
			synctest.Wait()
			if h.hub.Ready() {
				t.Fatal("ready without a feed")
			}
			s.toggle("a", i, "me")
			time.Sleep(time.Minute)
			s.with(func() { s.broken = nil })
			time.Sleep(5 * time.Second)
			synctest.Wait()
			if !h.hub.Ready() {
				t.Fatal("not ready with a feed")
			}
		}
		c.check(t, s, "a")
		if c.resyncs > 0 {
			t.Errorf("%d sections came, want only what changed", c.resyncs)
		}
	})
}

// While the feed is held back, the board does not claim what it lacks; afterwards
// nobody has missed anything.
func TestFeedHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		board := s.run(t, live.Options{}, nil).board(t, "a")
		var clients []*client
		for i := range 100 {
			s.with(func() { s.stalled = true })
			at := s.lock("a", "me", time.Hour, []string{"1", "2", "3"}[i%3])
			ctx, cancel := context.WithTimeout(t.Context(), 199*time.Millisecond)
			if board.Reach(ctx, at) {
				t.Fatal("the board has what the feed has not told")
			}
			cancel()
			time.AfterFunc(time.Millisecond, func() { s.with(func() { s.stalled = false }) })
			if !board.Reach(t.Context(), at) || !viewOf(t, board, "").Cursor.Covers(at) {
				t.Fatal("the board does not get there")
			}
			c := open(board, "me")
			c.connect(t, board)
			clients = append(clients, c)
		}
		settle()
		for _, c := range clients {
			c.check(t, s, "a")
		}
	})
}

// The hub is ready only once the recent past has been read.
func TestWarmStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		page := viewOf(t, s.run(t, live.Options{}, nil).board(t, "a"), "")
		s.toggle("a", 1, "me")
		s.toggle("a", 2, "me")
		s.with(func() { s.stalled = true })
		h := s.run(t, live.Options{}, nil)
		board := h.board(t, "a")
		c := newClient("")
		for _, seat := range page.Seats {
			c.data("in " + seat.ID + " available 1")
		}
		c.id = page.Cursor
		c.connect(t, board)
		time.Sleep(time.Second)
		if h.hub.Ready() || len(c.messages) > 0 {
			t.Errorf("ready before the past was read, or sent %q", c.messages)
		}
		s.with(func() { s.stalled = false })
		settle()
		c.check(t, s, "a")
		if !h.hub.Ready() || c.resyncs > 0 {
			t.Errorf("ready %v, %d sections; want a resume", h.hub.Ready(), c.resyncs)
		}
	})
}

// A page that is older than the definition is sent everything, even by an
// instance that had no board of the event when the feed reported the
// definition, or that read the definition before the feed reported it.
func TestRedefinedBeforeTheBoard(t *testing.T) {
	for name, load := range map[string]func(t *testing.T, h *house) *live.Board{
		"reported before": func(t *testing.T, h *house) *live.Board {
			h.with(func() { h.stalled = false })
			settle()
			return h.board(t, "a")
		},
		"reported after": func(t *testing.T, h *house) *live.Board {
			board := h.board(t, "a")
			h.with(func() { h.stalled = false })
			settle()
			return board
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFakeStore("a")
				s.toggle("a", 1, "me")
				old, current := newClient(""), newClient("")
				s.with(func() {
					old.id = s.cursor()
					s.events["a"].event.Title = "new"
					current.id = s.appendBatch(store.Batch{Events: []string{"a"}})
					s.stalled = true
				})
				s.toggle("a", 2, "me")
				board := load(t, s.run(t, live.Options{}, nil))
				old.connect(t, board)
				current.connect(t, board)
				settle()
				if old.resyncs != 1 || current.resyncs != 0 || current.seats["2"].version != 2 {
					t.Errorf("%d sections for the old page, and %d and %v for the current one; want everything, and the seat that changed since",
						old.resyncs, current.resyncs, current.seats)
				}
			})
		})
	}
}

// While the feed is behind the snapshot, changes from before the snapshot are not
// known: a viewer who has waited 2 s for them is sent everything.
func TestFeedStaysBehindSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		s.toggle("a", 1, "me")
		s.stalled = true
		board := s.run(t, live.Options{}, nil).board(t, "a")
		start := time.Now()
		if !board.Reach(t.Context(), viewOf(t, board, "").Cursor) || time.Since(start) > 0 {
			t.Errorf("Reach of the board's own cursor took %v", time.Since(start))
		}
		c := newClient("")
		c.id = store.Cursor{Epoch: "e1", Position: 0}
		c.connect(t, board)
		time.Sleep(2100 * time.Millisecond)
		synctest.Wait()
		c.check(t, s, "a")
		if c.resyncs != 1 {
			t.Errorf("%d sections came, want all", c.resyncs)
		}
	})
}

// If loading takes too long, all callers that wait get the error together; if the
// caller that loads gives up, another one loads.
func TestWaitersOfALoadThatFails(t *testing.T) {
	for name, test := range map[string]struct {
		leaves bool
		want   error
		loads  int
	}{
		"too slow":       {false, context.DeadlineExceeded, 1},
		"the first left": {true, nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFakeStore("a")
				h := s.run(t, live.Options{}, nil)
				first, leave := context.WithCancel(t.Context())
				defer leave()
				s.with(func() { s.beforeSnapshot = func(ctx context.Context) { <-ctx.Done() } })
				go h.hub.Board(first, "a")
				synctest.Wait()
				start := time.Now()
				got := make(chan error, 5)
				for range cap(got) {
					go func() {
						_, err := h.hub.Board(t.Context(), "a")
						got <- err
					}()
				}
				synctest.Wait()
				if test.leaves {
					s.with(func() { s.beforeSnapshot = nil })
					leave()
				}
				for range cap(got) {
					if err := <-got; !errors.Is(err, test.want) {
						t.Errorf("a waiter gets %v, want %v", err, test.want)
					}
				}
				if took := time.Since(start); took > 11*time.Second || s.snapshots != test.loads {
					t.Errorf("%d loads, and all are answered after %v", s.snapshots, took)
				}
			})
		})
	}
}
