package live_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
)

// A board without viewers or requests leaves memory, sooner if its event is over;
// others stay.
func TestIdleBoardsAreLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("idle", "over", "viewed", "asked")
		s.events["over"].event.Starts = s.now().Add(-store.Evening + time.Second)
		s.events["viewed"].event.Starts = s.now().Add(-store.Evening)
		h := s.run(t, live.Options{}, nil)
		boards := map[string]*live.Board{}
		for id := range s.events {
			boards[id] = h.board(t, id)
		}
		c := open(boards["viewed"], "")
		c.connect(t, boards["viewed"])
		inMemory := func() (there []string) {
			for _, id := range []string{"idle", "over", "viewed", "asked"} {
				if _, err := boards[id].Join(t.Context(), live.Kind{Section: "7"}, store.Cursor{}, ""); errors.Is(err, live.ErrNoPage) {
					there = append(there, id)
				}
			}
			return there
		}
		for _, step := range []struct {
			wait time.Duration
			want string
		}{
			{90 * time.Second, "[idle over viewed asked]"},
			{150 * time.Second, "[idle viewed asked]"},
			{5 * time.Minute, "[idle viewed asked]"},
			{150 * time.Second, "[viewed asked]"},
			{time.Hour, "[viewed]"},
		} {
			if step.wait < time.Hour {
				h.board(t, "asked")
			}
			time.Sleep(step.wait)
			synctest.Wait()
			if got := fmt.Sprint(inMemory()); got != step.want {
				t.Errorf("another %v later %v are in memory, want %v", step.wait, got, step.want)
			}
		}
		s.toggle("viewed", 1, "me")
		settle()
		c.check(t, s, "viewed")
	})
}

// A board that was let go ends its last users. The event's next board answers
// older cursors with what has changed and what was lost.
func TestBoardAfterLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a", "b")
		h := s.run(t, live.Options{Warm: time.Hour}, nil)
		first := h.board(t, "a")
		early := open(first, "me")
		s.lock("a", "me", time.Minute, "1", "2", "3")
		settle()
		holding := open(first, "me")
		time.Sleep(2 * time.Minute) // ends the lock
		lapsed := open(first, "me")
		s.lock("a", "you", time.Hour, "2")
		time.Sleep(15 * time.Minute)
		s.lock("a", "you", time.Hour, "9") // after it was let go
		settle()
		if _, err := first.Join(t.Context(), whole, early.cursor(), "me"); !errors.Is(err, live.ErrEnded) {
			t.Errorf("Join of a board that was let go = %v, want ErrEnded", err)
		}
		if at := viewOf(t, first, "").Cursor; first.Reach(t.Context(), s.cursor()) || at.Covers(s.cursor()) {
			t.Errorf("a board that was let go is at %v, and claims changes that it was not given", at)
		}
		second := h.board(t, "a")
		if second == first {
			t.Fatal("the board is still there")
		}
		for name, c := range map[string]struct {
			*client
			want string
		}{
			"before the lock":   {early, "[1 available 3 lapsed 2 locked 4 lapsed 3 available 3 lapsed]"},
			"while it ran":      {holding, "[1 available 3 lapsed 2 locked 4 lapsed 3 available 3 lapsed]"},
			"after it was over": {lapsed, "[]"},
		} {
			c.connect(t, second)
			settle()
			c.check(t, s, "a")
			if got := fmt.Sprint(c.lost); c.resyncs > 0 || got != c.want {
				t.Errorf("viewer who came %s got %d sections and lost %s, want a resume and %s", name, c.resyncs, got, c.want)
			}
		}
	})
}

// LetGo drops a board at once, unless it is in use.
func TestLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		h := s.run(t, live.Options{}, nil)
		board := h.board(t, "a")
		if h.hub.LetGo("a") {
			t.Error("a board that was just asked for is let go")
		}
		time.Sleep(time.Minute)
		cut := open(board, "").connect(t, board)
		settle()
		if h.hub.LetGo("a") {
			t.Error("a board with a viewer is let go")
		}
		cut()
		for _, event := range []string{"a", "a", "another"} { // again, and one that was never there
			if !h.hub.LetGo(event) {
				t.Errorf("%s, which nobody uses, is not let go", event)
			}
		}
		if h.board(t, "a") == board {
			t.Error("the board is still there")
		}
	})
}

// remove removes the event, as store.RemoveEvent does.
func (s *fakeStore) remove(event string) (c store.Cursor) {
	s.with(func() {
		delete(s.events, event)
		c = s.appendBatch(store.Batch{Events: []string{event}})
	})
	return c
}

// again creates an event of one seat, and therefore of revision 1.
func (s *fakeStore) again(event string) (c store.Cursor) {
	s.with(func() {
		s.create(event, 1)
		c = s.appendBatch(store.Batch{Events: []string{event}})
	})
	return c
}

// If its event is removed, a board ends its viewers' streams for good, and no
// longer asks the store.
func TestEventRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a", "b")
		h := s.run(t, live.Options{}, nil)
		board, other := h.board(t, "a"), h.board(t, "b")
		c, stays := open(board, "me"), open(other, "")
		c.connect(t, board)
		stays.connect(t, other)
		settle()
		at := s.remove("a")
		settle()
		if last := c.messages[len(c.messages)-1]; !errors.Is(c.err, live.ErrEnded) || last != "event: gone\ndata:" {
			t.Errorf("the stream ended with %v and %q, want ErrEnded, and that the page is gone", c.err, last)
		}
		before := s.snapshots
		time.Sleep(time.Hour)
		if s.snapshots != before {
			t.Errorf("the store is asked %d times for an event that is gone", s.snapshots-before)
		}
		if _, err := h.hub.Board(t.Context(), "a"); !errors.Is(err, store.ErrNoEvent) {
			t.Errorf("Board = %v, want ErrNoEvent", err)
		}
		if board.Reach(t.Context(), at) {
			t.Error("a board that has ended claims to go on")
		}
		if _, err := board.Join(t.Context(), whole, store.Cursor{}, ""); !errors.Is(err, live.ErrEnded) {
			t.Errorf("Join = %v, want ErrEnded", err)
		}
		s.toggle("b", 1, "me")
		settle()
		stays.check(t, s, "b")
	})
}

// Seats of an event that is created again begin at version 1. A page of the
// former event is sent everything, whatever the instance knows of it; a page of
// the new event resumes.
func TestEventCreatedAgain(t *testing.T) {
	for name, start := range map[string]func(t *testing.T, s *fakeStore, change func(between func())) *live.Board{
		"board there all the time": func(t *testing.T, s *fakeStore, change func(between func())) *live.Board {
			h := s.run(t, live.Options{}, nil)
			h.board(t, "a")
			settle()
			change(func() {})
			settle()
			return h.board(t, "a")
		},
		"board there, feed late": func(t *testing.T, s *fakeStore, change func(between func())) *live.Board {
			h := s.run(t, live.Options{}, nil)
			h.board(t, "a")
			settle()
			s.with(func() { s.stalled = true })
			change(func() {})
			s.with(func() { s.stalled = false })
			settle()
			return h.board(t, "a")
		},
		"board gone between": func(t *testing.T, s *fakeStore, change func(between func())) *live.Board {
			h := s.run(t, live.Options{}, nil)
			h.board(t, "a")
			settle()
			change(settle)
			settle()
			return h.board(t, "a")
		},
		"board let go between": func(t *testing.T, s *fakeStore, change func(between func())) *live.Board {
			h := s.run(t, live.Options{}, nil)
			h.board(t, "a")
			time.Sleep(time.Minute)
			if !h.hub.LetGo("a") {
				t.Fatal("the board is not let go")
			}
			change(func() {})
			settle()
			return h.board(t, "a")
		},
		"read at the start": func(t *testing.T, s *fakeStore, change func(between func())) *live.Board {
			change(func() {})
			h := s.run(t, live.Options{}, nil)
			settle()
			return h.board(t, "a")
		},
		"read at the start after the board": func(t *testing.T, s *fakeStore, change func(between func())) *live.Board {
			change(func() {})
			s.with(func() { s.stalled = true })
			board := s.run(t, live.Options{}, nil).board(t, "a")
			s.with(func() { s.stalled = false })
			settle()
			return board
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFakeStore()
				s.again("a")
				s.lock("a", "other", time.Hour, "0")
				s.unlock("a", "0")
				former, current := newClient("me"), newClient("me")
				former.id = s.cursor()
				former.data("seat 0 available 3")
				board := start(t, s, func(between func()) {
					s.lock("a", "other", time.Hour, "0") // version 4 of the former event
					s.unlock("a", "0")
					s.remove("a")
					between()
					current.id = s.again("a")
					current.data("seat 0 available 1")
					s.lock("a", "me", time.Hour, "0")
				})
				former.connect(t, board)
				current.connect(t, board)
				settle()
				former.check(t, s, "a")
				current.check(t, s, "a")
				resumes := !strings.HasPrefix(name, "board there") // else it has loaded past the current page
				if former.resyncs != 1 || resumes && current.resyncs != 0 {
					t.Errorf("%d sections for the former page, %d for the current one; want everything, and a resume",
						former.resyncs, current.resyncs)
				}
				if v := viewOf(t, board, ""); v.Seats[0].Version != 2 {
					t.Errorf("the seat is %+v, want version 2", v.Seats[0])
				}
			})
		})
	}
}

// An event that is removed and created again in one batch, together with changes
// of both, ends as the new one.
func TestCreatedAgainInOneBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore()
		s.again("a")
		former := newClient("")
		former.id = s.cursor()
		former.data("seat 0 available 1")
		h := s.run(t, live.Options{}, nil)
		board := h.board(t, "a")
		c := open(board, "")
		c.connect(t, board)
		settle()
		change := func() {
			locked := store.Seat{Status: store.Locked, LockedBy: "me", LockedUntil: s.now().Add(time.Hour)}
			changes := []store.Change{s.change("a", "0", locked, store.ReasonLocked), s.change("a", "0", store.Seat{}, store.ReasonGivenBack)}
			s.create("a", 1)
			changes = append(changes, s.change("a", "0", locked, store.ReasonLocked))
			s.appendBatch(store.Batch{Events: []string{"a", "a"}, Changes: changes})
		}
		s.with(change)
		settle()
		c.check(t, s, "a")
		if c.err != nil || c.resyncs != 1 {
			t.Errorf("viewer: %v, %d sections; want everything", c.err, c.resyncs)
		}
		// The same for a viewer of another instance.
		board = s.run(t, live.Options{}, nil).board(t, "a")
		settle()
		former.connect(t, board)
		settle()
		former.check(t, s, "a")
		if former.resyncs != 1 {
			t.Errorf("%d sections for the former page, want everything", former.resyncs)
		}
	})
}

// Changes of one event do not wait for work on another event.
func TestEventsDoNotWaitForOthers(t *testing.T) {
	s := newFakeStore("a", "b")
	busy, done := make(chan struct{}), make(chan struct{})
	named := s.renderer(nil)
	h := s.runWith(t, live.Options{}, func(ctx context.Context, e store.Event) (live.Renderer, error) {
		r, err := named(ctx, e)
		if e.ID == "a" {
			r = slowMine{r, busy, done}
		}
		return r, err
	})
	a, b := h.board(t, "a"), h.board(t, "b")
	go func() {
		if v, err := a.Join(t.Context(), whole, store.Cursor{}, "me"); err == nil {
			v.Leave()
		}
	}()
	<-busy
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for i := range 10 {
		if !b.Reach(ctx, s.lock("b", "me", time.Hour, fmt.Sprint(i))) {
			t.Error("a board waits for another one's visitor")
			break
		}
	}
	close(done)
}

// slowMine draws the holder's part once done is closed, and signals that it has
// begun.
type slowMine struct {
	live.Renderer
	busy, done chan struct{}
}

type slowMinePage struct {
	live.Page
	slowMine
}

func (r slowMine) Page(k live.Kind) (live.Page, bool) {
	p, ok := r.Renderer.Page(k)
	return slowMinePage{p, r}, ok
}

func (p slowMinePage) Mine(dst []byte, m live.Mine) []byte {
	close(p.busy)
	<-p.done
	return p.Page.Mine(dst, m)
}

// A board without news follows the feed's cursor all the same: in its pages, its
// heartbeats and its waiters.
func TestQuietBoardFollowsTheFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a", "b")
		board := s.run(t, live.Options{}, nil).board(t, "a")
		c := open(board, "")
		c.connect(t, board)
		s.with(func() { s.stalled = true })
		at := s.lock("b", "me", time.Hour, "1")
		time.AfterFunc(100*time.Millisecond, func() { s.with(func() { s.stalled = false }) })
		start := time.Now()
		if !board.Reach(t.Context(), at) || time.Since(start) != 100*time.Millisecond {
			t.Errorf("the board gets there after %v, want 100ms", time.Since(start))
		}
		if got := viewOf(t, board, "").Cursor; got != at {
			t.Errorf("the page is at %v, want %v", got, at)
		}
		time.Sleep(15 * time.Second)
		synctest.Wait()
		if c.cursor() != at {
			t.Errorf("the heartbeat has %v, want %v", c.cursor(), at)
		}
		s.with(func() { // the store is served anew under the open feed
			s.earlier, s.epoch = append(s.earlier, s.epoch), "e2"
			at = s.commit(s.change("b", "1", store.Seat{}, store.ReasonGivenBack))
		})
		settle()
		if !board.Reach(t.Context(), at) || viewOf(t, board, "").Cursor != at {
			t.Errorf("the board is at %v, want %v", viewOf(t, board, "").Cursor, at)
		}
		s.lock("a", "me", time.Hour, "1")
		settle()
		c.check(t, s, "a")
		if c.resyncs > 0 || !strings.HasPrefix(c.cursor().String(), "e2:") {
			t.Errorf("%d sections, cursor %v; want what changed alone, and the new epoch", c.resyncs, c.cursor())
		}
	})
}

// The history of events without boards is dropped in time, even if the feed is
// quiet. A viewer with an older cursor is then sent everything.
func TestOldHistoryIsDropped(t *testing.T) {
	for after, resyncs := range map[time.Duration]int{9 * time.Minute: 0, 22 * time.Minute: 1} {
		synctest.Test(t, func(t *testing.T) {
			s := newFakeStore("a", "b")
			h := s.run(t, live.Options{}, nil)
			h.board(t, "b")
			c := open(h.board(t, "b"), "")
			s.lock("a", "other", 5*time.Hour, "1")
			time.Sleep(after)
			board := h.board(t, "a")
			c.connect(t, board)
			settle()
			c.check(t, s, "a")
			if c.resyncs != resyncs {
				t.Errorf("%v later %d sections come, want %d", after, c.resyncs, resyncs)
			}
		})
	}
}

// A board is not let go while a batch is on its way to it.
func TestLetGoWaitsForTheFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		others := []string{"b", "c", "d", "e", "f", "g", "h"}
		s := newFakeStore(append(others, "a")...)
		named := s.renderer(nil)
		done := make(chan struct{})
		h := s.runWith(t, live.Options{}, func(ctx context.Context, e store.Event) (live.Renderer, error) {
			r, err := named(ctx, e)
			if e.ID == "a" {
				r = slowSeats{r, done}
			}
			return r, err
		})
		for _, id := range others {
			h.board(t, id)
		}
		board := h.board(t, "a")
		c := open(board, "")
		c.connect(t, board)
		time.Sleep(12 * time.Second)
		s.with(func() {
			changes := s.changes("a", store.Seat{Status: store.Withheld}, store.ReasonWithheld, []string{"1"})
			for _, id := range others {
				changes = append(changes, s.changes(id, store.Seat{Status: store.Withheld}, store.ReasonWithheld, []string{"1"})...)
			}
			s.commit(changes...)
		})
		synctest.Wait()
		for _, id := range others {
			if h.hub.LetGo(id) {
				t.Errorf("%s is let go while its batch is on the way", id)
			}
		}
		close(done)
		settle()
		for _, id := range others {
			if !h.hub.LetGo(id) {
				t.Errorf("%s is not let go after it", id)
			}
		}
		c.check(t, s, "a")
	})
}

// slowSeats draws seats once done is closed.
type slowSeats struct {
	live.Renderer
	done chan struct{}
}

type slowSeatsPage struct {
	live.Page
	done chan struct{}
}

func (r slowSeats) Page(k live.Kind) (live.Page, bool) {
	p, ok := r.Renderer.Page(k)
	return slowSeatsPage{p, r.done}, ok
}

func (p slowSeatsPage) Seat(dst []byte, s store.Seat) []byte {
	<-p.done
	return p.Page.Seat(dst, s)
}
