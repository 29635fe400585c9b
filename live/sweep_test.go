package live_test

import (
	"bytes"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
)

// The end of a lock is seen within a few milliseconds, whether the lock is
// older than the hub, came later, or ends before the next regular sweep.
func TestLapseIsSeenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		s.lock("a", "me", 30*time.Second, "1")
		board := s.run(t, live.Options{}, nil).board(t, "a")
		c := open(board, "me")
		c.connect(t, board)
		time.Sleep(10 * time.Second)
		s.lock("a", "me", 30*time.Second, "2")
		s.lock("a", "me", 100*time.Millisecond, "3")
		s.lock("a", "me", time.Millisecond, "4")
		for _, step := range []struct {
			wait time.Duration
			lost string
		}{
			{0, ""},
			{60 * time.Millisecond, "4"},
			{100 * time.Millisecond, "4 3"},
			{20*time.Second - 170*time.Millisecond, "4 3"},
			{70 * time.Millisecond, "4 3 1"},
			{10*time.Second - 70*time.Millisecond, "4 3 1"},
			{70 * time.Millisecond, "4 3 1 2"},
		} {
			time.Sleep(step.wait)
			synctest.Wait()
			c.look(func() {
				var lost []string
				for _, l := range c.lost {
					id, _, _ := strings.Cut(l, " ")
					lost = append(lost, id)
				}
				if got := strings.Join(lost, " "); got != step.lost {
					t.Errorf("after another %v lost are %q, want %q", step.wait, got, step.lost)
				}
			})
		}
		c.check(t, s, "a")
	})
}

// Regular sweeps come about every ten seconds, and a feed that reports locks long
// over causes no more of them.
func TestSweepsAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		for range 500 {
			s.lock("a", "me", time.Minute, "1")
		}
		s.unlock("a", "1")
		s.pace = 20 * time.Millisecond
		time.Sleep(time.Hour)
		s.run(t, live.Options{}, nil).board(t, "a") // which tells it the store's clock
		time.Sleep(100 * time.Second)
		synctest.Wait()
		s.with(func() {
			if s.sweeps < 7 || s.sweeps > 25 {
				t.Errorf("%d sweeps in 100 s, want about 10, and some at the start", s.sweeps)
			}
		})
	})
}

// Each of several instances sees each lock's end in time, and together they ask
// the store at most twice as often as one would.
func TestInstancesShareTheSweep(t *testing.T) {
	const seats, gap = 100, 2 * time.Second // far enough apart that one sweep is for one lock
	alone := 0
	for _, instances := range []int{1, 2, 4, 8} {
		synctest.Test(t, func(t *testing.T) {
			s := newFakeStore("a")
			var hubs []*house
			for range instances {
				h := s.run(t, live.Options{}, nil)
				h.board(t, "a")
				hubs = append(hubs, h)
			}
			for i := range seats {
				s.lock("a", "me", 5*time.Second+time.Duration(i)*gap, strconv.Itoa(i))
			}
			late := time.Duration(0)
			for i := range seats {
				if i == seats/2 && instances > 1 {
					hubs[0].stop() // if that was the one who did it, another has to
				}
				for held := true; held; time.Sleep(time.Millisecond) {
					s.with(func() {
						seat := s.events["a"].seats[i]
						if held = seat.Status == store.Locked; held {
							late = max(late, s.now().Sub(seat.LockedUntil))
						}
					})
				}
			}
			if late > 200*time.Millisecond {
				t.Errorf("%d instances: a lock is released %v late", instances, late)
			}
			s.with(func() {
				t.Logf("%d instances: %d sweeps, the latest %v late", instances, s.sweeps, late)
				if instances == 1 {
					alone = s.sweeps
				}
				if s.sweeps > 2*alone {
					t.Errorf("%d instances ask %d times, want at most twice the %d of one", instances, s.sweeps, alone)
				}
			})
		})
	}
}

// A lock from long before the start, which only the store knows of, ends in time
// even if the feed reported another one that would have ended with it.
func TestOldLockEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		s.lock("a", "me", time.Hour, "1")
		var end time.Time
		s.with(func() { s.oldest, end = 1, s.events["a"].seats[1].LockedUntil })
		s.run(t, live.Options{}, nil).board(t, "a")
		time.Sleep(30 * time.Minute)
		s.lock("a", "me", end.Sub(s.now()), "2") // has the same deadline
		time.Sleep(end.Sub(s.now()) - 500*time.Millisecond)
		s.unlock("a", "2")
		time.Sleep(600 * time.Millisecond)
		synctest.Wait()
		s.with(func() {
			if seat := s.events["a"].seats[1]; seat.Status == store.Locked {
				t.Errorf("100 ms after its end the seat is %+v", seat)
			}
		})
	})
}

func TestSweepErrorIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := newFakeStore("a")
		h := s.run(t, live.Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, nil)
		board := h.board(t, "a")
		c := open(board, "me")
		c.connect(t, board)
		s.lock("a", "me", time.Minute, "1")
		for range 2 {
			settle()
			s.with(func() { s.broken = errAway })
			time.Sleep(2 * time.Minute)
			s.with(func() { s.broken = nil })
			time.Sleep(10 * time.Second)
		}
		h.stop()
		c.check(t, s, "a")
		if len(c.lost) != 1 {
			t.Errorf("lost %q, want seat 1", c.lost)
		}
		for line, want := range map[string]int{"release of due locks fails": 2, "release of due locks works again": 2, "change feed broke off": 2} {
			if n := strings.Count(log.String(), line); n != want {
				t.Errorf("%q is logged %d times, want %d:\n%s", line, n, want, log.String())
			}
		}
	})
}
