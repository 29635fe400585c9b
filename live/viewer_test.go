package live_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
)

// Over 200 changes, a client is cut off after each one. In the end all resume,
// on the same hub or on the next one, and agree with a client that was never
// cut off.
func TestResumeAtEveryPoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const changes = 200
		s := newFakeStore("a", "b")
		h := s.run(t, live.Options{}, nil)
		board := h.board(t, "a")
		whole := open(board, "me")
		defer whole.connect(t, board)()
		var same, next [changes]*client
		var cuts [changes]func()
		for n := range changes {
			same[n], next[n] = open(board, "me"), open(board, "me")
			cutSame, cutNext := same[n].connect(t, board), next[n].connect(t, board)
			cuts[n] = func() { cutSame(); cutNext() }
		}
		for n := range changes {
			s.toggle("a", rand.IntN(100), []store.Holder{"me", "you"}[n%2])
			s.toggle("b", n%100, "me")
			time.Sleep(time.Duration(rand.IntN(80)) * time.Millisecond)
			synctest.Wait()
			cuts[n]()
		}
		settle()
		whole.check(t, s, "a")
		resume(t, s, board, same[:], whole)
		h.stop()
		board = s.run(t, live.Options{}, nil).board(t, "a")
		resume(t, s, board, next[:], whole)
	})
}

// resume connects clients that were cut off. All must end as whole has, and none
// may need to be sent everything.
func resume(t *testing.T, s *fakeStore, board *live.Board, clients []*client, whole *client) {
	t.Helper()
	for _, c := range clients {
		defer c.connect(t, board)()
	}
	settle()
	for n, c := range clients {
		c.check(t, s, "a")
		if c.own() != whole.own() || c.basket != whole.basket || c.counts != whole.counts {
			t.Errorf("cut after %d: own %q, basket %q, counts %q; never cut: %q, %q, %q",
				n, c.own(), c.basket, c.counts, whole.own(), whole.basket, whole.counts)
		}
		if c.resyncs > 0 {
			t.Errorf("cut after %d: %d sections came, want only what changed", n, c.resyncs)
		}
	}
}

func TestCursorsThatGetEverything(t *testing.T) {
	for name, cursor := range map[string]store.Cursor{
		"none":          {},
		"other epoch":   {Epoch: "e0", Position: 6},
		"too old":       {Epoch: "e1", Position: 4},
		"ahead for 2 s": {Epoch: "e1", Position: 9},
		"far ahead":     {Epoch: "e1", Position: 1<<64 - 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFakeStore()
				s.create("a", 250)
				for i := range 6 {
					s.toggle("a", i, "me")
				}
				s.oldest = 5
				board := s.run(t, live.Options{}, nil).board(t, "a")
				c := newClient("me")
				c.id = cursor
				c.connect(t, board)
				time.Sleep(2100 * time.Millisecond)
				synctest.Wait()
				c.check(t, s, "a")
				if c.resyncs != 3 || c.basket != "0 1 2 3 4 5" || c.counts != "[244 6 0 0 0 0]" {
					t.Errorf("%d sections, basket %q, counts %q", c.resyncs, c.basket, c.counts)
				}
				if len(c.messages) < 2 {
					t.Fatalf("messages %q, want all sections and more", c.messages)
				}
				for i, message := range c.messages {
					if got, want := strings.Contains(message, "id: "), i >= 3; got != want {
						t.Errorf("message %d has an id: %v, want only behind all sections", i, got)
					}
				}
			})
		})
	}
}

func TestFirstFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		s.oldest = 0
		s.lock("a", "me", time.Hour, "3", "5")
		s.lock("a", "you", time.Hour, "4")
		board := s.run(t, live.Options{}, nil).board(t, "a")
		for position := range 3 {
			c := newClient("me")
			c.id = store.Cursor{Epoch: "e1", Position: uint64(position)}
			c.connect(t, board)
			synctest.Wait()
			want := [][]string{{"3", "4", "5"}, {"4"}, nil}[position]
			if n := strings.Count(c.raw.String(), "data: seat"); n != len(want) {
				t.Errorf("from %d: %d seats for everybody, want %v", position, n, want)
			}
			if len(c.messages) != 1 || c.own() != "3 5" || c.basket != "3 5" || c.id.Position != 2 {
				t.Errorf("from %d: messages %q, own %q, id %v", position, c.messages, c.own(), c.id)
			}
		}
	})
}

func TestManySeatsAreTheSectionOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore()
		s.create("a", 250)
		s.lock("a", "me", time.Hour, "99", "150")
		s.lock("a", "you", time.Hour, "150")
		s.lock("a", "me", time.Hour, "200")
		board := s.run(t, live.Options{}, nil).board(t, "a")
		me, late := open(board, "me"), open(board, "late")
		me.connect(t, board)
		settle()
		var many []string
		for i := range 61 {
			many = append(many, strconv.Itoa(i))
		}
		for i := range 60 {
			many = append(many, strconv.Itoa(100+i))
		}
		s.unlock("a", many...)
		settle()
		late.connect(t, board)
		settle()
		for _, c := range []*client{me, late} {
			c.check(t, s, "a")
			if c.wholes != 1 || c.resyncs != 0 || strings.Count(c.raw.String(), "data: seat") != 60 {
				t.Errorf("%q got %d sections and %d resyncs, want one section, and 60 seats of the other",
					c.holder, c.wholes, c.resyncs)
			}
		}
		// Seat 99 did not change, and the page keeps it as the viewer's own.
		if me.own() != "200 99" {
			t.Errorf("own seats are %q, want 200 99", me.own())
		}
	})
}

func TestPrivatePart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		board := s.run(t, live.Options{}, nil).board(t, "a")
		me, tab, you := open(board, "me-secret"), open(board, "me-secret"), open(board, "you-secret")
		nobody := open(board, "")
		for _, c := range []*client{me, tab, you, nobody} {
			c.connect(t, board)
		}
		settle()
		for _, c := range []*client{me, tab, you, nobody} {
			c.look(func() { c.messages = nil; c.raw.Reset() })
		}
		s.lock("a", "me-secret", time.Hour, "7")
		settle()
		for _, c := range []*client{me, tab} {
			if len(c.messages) != 2 || !strings.HasPrefix(c.messages[0], "data: seat 7 locked 2 \n") ||
				!strings.HasPrefix(c.messages[1], "data: basket 7\ndata: own 7 locked 2 me-secret") {
				t.Errorf("holder got %q, want the public part, then their own", c.messages)
			}
			if c.own() != "7" {
				t.Errorf("own seats are %q, want 7", c.own())
			}
		}
		for _, c := range []*client{you, nobody} {
			if len(c.messages) != 1 || strings.Contains(c.raw.String(), "secret") {
				t.Errorf("%q got %q, want the public part alone", c.holder, c.messages)
			}
		}
		s.unlock("a", "7")
		s.with(func() {
			s.commit(s.changes("a", store.Seat{Status: store.Booked, LockedBy: "you-secret", Booking: "secret-code"}, store.ReasonBooked, []string{"8"})...)
		})
		settle()
		if me.basket != "" || me.own() != "" || strings.Contains(nobody.raw.String(), "secret") {
			t.Errorf("after giving back: basket %q, own %q; others got %q", me.basket, me.own(), nobody.raw.String())
		}
		everything := newClient("")
		everything.connect(t, board)
		settle()
		if strings.Contains(everything.raw.String(), "secret") {
			t.Errorf("a full resync reveals holders: %s", everything.raw.String())
		}
	})
}

// A seat whose lock has lapsed is reported as lost: at once, or on return to a
// viewer who was away. A seat that was given back or locked again is not.
func TestLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		board := s.run(t, live.Options{}, nil).board(t, "a")
		here, away, again := open(board, "me"), open(board, "me"), open(board, "again")
		here.connect(t, board)
		again.connect(t, board)
		s.lock("a", "me", time.Minute, "1", "2", "3")
		s.lock("a", "again", time.Minute, "9")
		settle()
		s.unlock("a", "3")
		time.Sleep(time.Minute - 300*time.Millisecond)
		s.toggle("a", 50, "you") // goes out at once, and opens a window
		s.with(func() {          // so these are one frame: lost and taken again
			s.commit(s.change("a", "9", store.Seat{}, store.ReasonLapsed))
			s.commit(s.change("a", "9", store.Seat{Status: store.Locked, LockedBy: "again", LockedUntil: s.now().Add(time.Hour)}, store.ReasonLocked))
		})
		time.Sleep(time.Second)
		s.lock("a", "you-secret", time.Hour, "2")
		settle()
		s.with(func() { // another frame for me that has a seat I was told of
			s.commit(append(s.changes("a", store.Seat{Status: store.Withheld}, store.ReasonChanged, []string{"2"}),
				s.changes("a", store.Seat{Status: store.Locked, LockedBy: "me", LockedUntil: s.now().Add(time.Hour)}, store.ReasonLocked, []string{"60"})...)...)
		})
		settle()
		away.connect(t, board)
		settle()
		if got := fmt.Sprint(here.lost); got != "[1 available 3 lapsed 2 available 3 lapsed]" {
			t.Errorf("viewer who stayed lost %q, want 1 and 2", got)
		}
		if got := fmt.Sprint(away.lost); got != "[1 available 3 lapsed 2 withheld 5 lapsed]" {
			t.Errorf("viewer who was away lost %q, want 1 and 2", got)
		}
		if len(again.lost) > 0 || again.own() != "9" {
			t.Errorf("viewer with the seat again lost %q, own %q", again.lost, again.own())
		}
	})
}

// A holder who loses a seat is told why, at once or on return, and how a payment
// ended. A seat that was given back, or lost for a reason that this program does
// not know, is not reported as lost.
func TestLostTellsWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		board := s.run(t, live.Options{}, nil).board(t, "a")
		here, away := open(board, "me"), open(board, "me")
		here.connect(t, board)
		s.lock("a", "me", time.Hour, "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11")
		settle()
		mine := store.Seat{Status: store.Locked, LockedBy: "me", LockedUntil: s.now().Add(time.Hour)}
		other := store.Seat{Status: store.Locked, LockedBy: "other", LockedUntil: s.now().Add(time.Hour)}
		s.with(func() {
			s.commit(
				s.change("a", "0", store.Seat{}, store.ReasonReleased),
				s.change("a", "1", store.Seat{}, store.ReasonLapsed),
				s.change("a", "2", store.Seat{Status: store.Booked, LockedBy: "other"}, store.ReasonLost),
				s.change("a", "3", store.Seat{}, store.ReasonGivenBack),
				s.change("a", "4", store.Seat{}, store.ParseReason("moved to another hall")),
				s.change("a", "5", other, store.ReasonLocked), // over a lock that had lapsed
				s.change("a", "6", store.Seat{Status: store.Withheld}, store.ReasonWithheld),
				s.change("a", "7", store.Seat{Status: store.Booked, LockedBy: "me"}, store.ReasonBooked),
				s.change("a", "8", mine, store.ReasonDeclined),
				s.change("a", "9", store.Seat{Status: store.Booked, LockedBy: "me"}, store.ReasonBooked),
				s.change("a", "9", store.Seat{}, store.ReasonCancelled),
				s.change("a", "10", mine, store.ReasonDeclined),
				s.change("a", "10", store.Seat{}, store.ReasonGivenBack), // no longer reported
				s.change("a", "11", store.Seat{Status: store.Booked, LockedBy: "other"}, store.ReasonBooked))
		})
		settle()
		away.connect(t, board)
		settle()
		want := "[0 available 3 released 1 available 3 lapsed 2 booked 3 lost 5 locked 3 lapsed 6 withheld 3 lapsed" +
			" 7 booked 3 booked 8 locked 3 declined 9 available 4 cancelled 11 booked 3 lapsed]"
		for name, c := range map[string]*client{"there": here, "away": away} {
			if got := fmt.Sprint(c.lost); got != want {
				t.Errorf("viewer who was %s lost %s, want %s", name, got, want)
			}
		}
	})
}

// One of 100 viewers does not read: it is dropped, and the others get everything.
func TestStuckViewerIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		board := s.run(t, live.Options{MaxLag: 2000}, nil).board(t, "a")
		stuck, err := board.Join(t.Context(), whole, viewOf(t, board, "").Cursor, "")
		if err != nil {
			t.Fatal(err)
		}
		defer stuck.Leave()
		if _, err := stuck.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
		var others []*client
		for range 99 {
			c := open(board, "")
			c.connect(t, board)
			others = append(others, c)
		}
		settle()
		for n := range 100 {
			s.toggle("a", n, "me")
			time.Sleep(60 * time.Millisecond)
		}
		settle()
		for range 2 {
			if parts, err := stuck.Next(t.Context()); !errors.Is(err, live.ErrTooSlow) {
				t.Errorf("stuck viewer got %d parts and %v, want ErrTooSlow", len(parts), err)
			}
		}
		for _, c := range others {
			c.check(t, s, "a")
			if c.err != nil || len(c.messages) != 101 {
				t.Fatalf("another got %d messages and %v, want all 100", len(c.messages), c.err)
			}
		}
	})
}

// A frame larger than MaxLag reaches the viewers who keep up.
func TestLargeFrameDropsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		board := s.run(t, live.Options{MaxLag: 100}, nil).board(t, "a")
		c := open(board, "")
		c.connect(t, board)
		settle()
		var seats []string
		for i := range 50 {
			seats = append(seats, strconv.Itoa(i))
		}
		s.lock("a", "me", time.Hour, seats...)
		settle()
		c.check(t, s, "a")
	})
}

// A frame of very many seats is several messages, and the last one has its
// cursor.
func TestLargeFrameIsSplit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore()
		s.create("a", 5000)
		board := s.run(t, live.Options{}, nil).board(t, "a")
		c := open(board, "")
		c.connect(t, board)
		settle()
		c.look(func() { c.messages = nil })
		var seats []string
		for i := range 5000 {
			if i%100 < 60 {
				seats = append(seats, strconv.Itoa(i))
			}
		}
		s.lock("a", "me", time.Hour, seats...)
		settle()
		c.check(t, s, "a")
		if len(c.messages) != 2 {
			t.Fatalf("%d messages for %d bytes, want 2", len(c.messages), c.raw.Len())
		}
		for i, message := range c.messages {
			if len(message) > 64<<10+100 || strings.Contains(message, "id: ") != (i == 1) {
				t.Errorf("message %d has %d bytes and ends %q", i, len(message), message[len(message)-20:])
			}
		}
	})
}

// Frames that all viewers have read do not stay in memory.
func TestOldFramesAreGarbage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		board := s.run(t, live.Options{}, nil).board(t, "a")
		v, err := board.Join(t.Context(), whole, store.Cursor{}, "")
		if err != nil {
			t.Fatal(err)
		}
		defer v.Leave()
		var old []weak.Pointer[byte]
		for _, frames := range []int{0, 3, 1} {
			for i := range frames {
				s.toggle("a", i, "me")
				settle()
			}
			parts, err := v.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if frames == 3 {
				for _, part := range parts {
					old = append(old, weak.Make(&part[0]))
				}
			}
		}
		runtime.GC()
		for i, frame := range old {
			if frame.Value() != nil {
				t.Errorf("frame %d of %d is still there", i, len(old))
			}
		}
	})
}

func TestJoinWaitsForCursorAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		board := s.run(t, live.Options{}, nil).board(t, "a")
		s.with(func() { s.stalled = true })
		c := open(board, "me")
		c.id = s.lock("a", "me", time.Hour, "1")
		c.connect(t, board)
		time.Sleep(1900 * time.Millisecond)
		synctest.Wait()
		if len(c.messages) > 0 {
			t.Fatalf("got %q while the feed was behind", c.messages)
		}
		s.with(func() { s.stalled = false })
		settle()
		if c.resyncs > 0 || c.own() != "1" {
			t.Errorf("%d sections, own %q: want a resume with seat 1", c.resyncs, c.own())
		}
	})
}

func TestJoinEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		board := s.run(t, live.Options{}, nil).board(t, "a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := board.Join(ctx, whole, store.Cursor{Epoch: "e1", Position: 5}, ""); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Join = %v, want the context's error", err)
		}
		v, err := board.Join(t.Context(), whole, store.Cursor{}, "")
		if err != nil {
			t.Fatal(err)
		}
		defer v.Leave()
		if _, err := v.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Next = %v, want the context's error", err)
		}
		s.toggle("a", 1, "me") // an ended wait costs the viewer nothing
		settle()
		if parts, err := v.Next(t.Context()); err != nil || !bytes.Contains(bytes.Join(parts, nil), []byte("seat 1 locked 2")) {
			t.Errorf("Next after that = %q, %v", parts, err)
		}
	})
}

// A viewer may leave repeatedly, without effect on the holder's other viewers.
func TestLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		board := s.run(t, live.Options{}, nil).board(t, "a")
		one, two := open(board, "me"), open(board, "me")
		cut := one.connect(t, board)
		two.connect(t, board)
		settle()
		cut() // leaves twice
		s.toggle("a", 1, "me")
		settle()
		if two.own() != "1" {
			t.Errorf("own seats are %q, want 1", two.own())
		}
	})
}

// The end of the hub ends all waits for the feed.
func TestShutdownEndsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		h := s.run(t, live.Options{}, nil)
		board := h.board(t, "a")
		ahead := store.Cursor{Epoch: "e1", Position: 5}
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			if board.Reach(t.Context(), ahead) {
				t.Error("a cursor is reached that never came")
			}
		})
		wg.Go(func() {
			if _, err := board.Join(t.Context(), whole, ahead, ""); !errors.Is(err, live.ErrEnded) {
				t.Errorf("Join = %v, want ErrEnded", err)
			}
		})
		synctest.Wait()
		h.stop()
		wg.Wait()
		if waited := time.Since(start); waited > 0 {
			t.Errorf("they waited for %v", waited)
		}
	})
}

// Each seat is drawn once for everybody, however many watch or resume, and the
// holder's part once per frame.
func TestDrawnOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		var drawn counter
		board := s.run(t, live.Options{}, &drawn).board(t, "a")
		from := viewOf(t, board, "").Cursor
		for range 50 {
			open(board, "me").connect(t, board)
			open(board, "").connect(t, board)
		}
		settle()
		before := drawn.own
		s.lock("a", "me", time.Hour, "1", "2")
		settle()
		if drawn.seats != 2 || drawn.own != before+1 {
			t.Errorf("two seats with 100 viewers: %d drawn for all, %d for the holder; want 2 and 1", drawn.seats, drawn.own-before)
		}
		for range 50 {
			c := open(board, "")
			c.id = from
			c.connect(t, board)
			newClient("").connect(t, board)
		}
		settle()
		if drawn.seats != 2 || drawn.sections != 1 {
			t.Errorf("after 50 resumes and 50 resyncs %d seats and %d sections are drawn, want 2 and 1", drawn.seats, drawn.sections)
		}
	})
}

func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		h := s.run(t, live.Options{}, nil)
		board := h.board(t, "a")
		retries := map[string]bool{}
		var clients []*client
		for range 20 {
			c := open(board, "")
			c.connect(t, board)
			clients = append(clients, c)
		}
		settle()
		s.toggle("a", 1, "me")
		s.toggle("a", 2, "me")
		synctest.Wait() // the second change waits for its window
		h.stop()
		synctest.Wait()
		for _, c := range clients {
			c.check(t, s, "a")
			final := c.messages[len(c.messages)-1]
			var n int
			if _, err := fmt.Sscanf(final, "event: hb\nretry: %d\ndata:", &n); err != nil || n < 1000 || n > 5000 {
				t.Errorf("last message %q: %v", final, err)
			}
			retries[final] = true
			if !errors.Is(c.err, live.ErrEnded) {
				t.Errorf("stream ended with %v, want ErrEnded", c.err)
			}
		}
		if len(retries) < 2 {
			t.Error("all viewers are to return at the same time")
		}
		if _, err := board.Join(t.Context(), whole, store.Cursor{}, ""); !errors.Is(err, live.ErrEnded) {
			t.Errorf("Join after the end = %v, want ErrEnded", err)
		}
		if b, err := h.hub.Board(t.Context(), "a"); b != board || err != nil {
			t.Errorf("Board in memory after the end = %v", err)
		}
		if _, err := h.hub.Board(t.Context(), "b"); !errors.Is(err, live.ErrEnded) {
			t.Errorf("another Board after the end = %v, want ErrEnded", err)
		}
		if h.hub.Ready() {
			t.Error("ready after the end")
		}
	})
}

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a", "b")
		board := s.run(t, live.Options{Window: time.Second}, nil).board(t, "a")
		c := open(board, "")
		c.connect(t, board)
		time.Sleep(14 * time.Second)
		s.toggle("b", 1, "me") // another event moves the cursor on
		time.Sleep(500 * time.Millisecond)
		s.toggle("a", 1, "me")
		s.toggle("a", 2, "me") // waits for the window
		time.Sleep(501 * time.Millisecond)
		synctest.Wait()
		c.check(t, s, "a")
		if want := "event: hb\nid: e1:3\ndata:"; !strings.HasSuffix(strings.Join(c.got(), "\n"), want) {
			t.Errorf("messages %q, want the last to be %q", c.got(), want)
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if c.beats != 3 || !slices.IsSortedFunc(c.ids, func(a, b store.Cursor) int { return int(a.Position) - int(b.Position) }) {
			t.Errorf("%d beats in 45 s, want 3; ids %v, want them to go up", c.beats, c.ids)
		}
	})
}

func TestCoalescing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		var drawn counter
		board := s.run(t, live.Options{}, &drawn).board(t, "a")
		c := open(board, "")
		c.connect(t, board)
		settle()
		c.look(func() { c.messages = nil })
		s.toggle("a", 1, "me")
		synctest.Wait()
		if len(c.got()) != 1 {
			t.Fatalf("the first change brought %q, want a frame at once", c.got())
		}
		for range 9 {
			s.toggle("a", 2, "me")
		}
		time.Sleep(49 * time.Millisecond)
		synctest.Wait()
		if len(c.got()) != 1 {
			t.Fatalf("%q within the window, want nothing yet", c.got())
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		c.check(t, s, "a")
		if len(c.got()) != 2 || drawn.seats != 2 {
			t.Errorf("ten changes of two seats: messages %q, %d drawn; want two of each", c.got(), drawn.seats)
		}
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if len(c.got()) != 2 {
			t.Errorf("%q came in quiet", c.got()[2:])
		}
	})
}

// Viewers that join and leave, readers and writers at once, in real time. In
// the end those who stayed have the store's map, and no goroutine is left.
func TestManyAtOnce(t *testing.T) {
	before := runtime.NumGoroutine()
	s := newFakeStore("a", "b")
	s.create("c", 250)
	h := s.run(t, live.Options{Window: time.Millisecond, Heartbeat: 3 * time.Millisecond}, nil)
	events := []string{"a", "b", "c"}
	var writers, joiners sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for range 300 {
				s.toggle(events[rand.IntN(3)], rand.IntN(100), store.Holder(strconv.Itoa(w)))
			}
		})
	}
	for range 8 {
		joiners.Go(func() {
			for n := range 40 {
				board := h.board(t, events[rand.IntN(3)])
				c := open(board, store.Holder(strconv.Itoa(n%4)))
				if n%5 == 0 {
					c.id = store.Cursor{}
				}
				cut := c.connect(t, board)
				board.Reach(t.Context(), c.cursor())
				cut()
			}
		})
	}
	var stayed []*client
	for n := range 30 {
		c := open(h.board(t, events[n%3]), store.Holder(strconv.Itoa(n%4)))
		c.connect(t, h.board(t, events[n%3]))
		stayed = append(stayed, c)
	}
	writers.Wait()
	joiners.Wait()
	h.waitForHeads(t, stayed)
	for n, c := range stayed {
		c.check(t, s, events[n%3])
	}
	h.stop()
	for n := 0; runtime.NumGoroutine() > before; n++ {
		if n > 10_000 {
			t.Fatalf("%d goroutines are left, want %d", runtime.NumGoroutine(), before)
		}
		runtime.Gosched()
		time.Sleep(time.Millisecond)
	}
}

// waitForHeads waits until every client has the cursor of the store's head.
// Viewers of quiet events get it by heartbeats.
func (h *house) waitForHeads(t *testing.T, clients []*client) {
	t.Helper()
	h.mu.Lock()
	head := h.cursor()
	h.mu.Unlock()
	for _, c := range clients {
		for n := 0; !c.cursor().Covers(head); n++ {
			if n > 10_000 {
				t.Fatalf("a viewer stays at %v, the store is at %v", c.cursor(), head)
			}
			time.Sleep(time.Millisecond)
		}
	}
}
