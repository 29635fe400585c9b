package live_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
)

// Each page gets its own seats, the counts of all sections, and the viewer's own
// part, but no seats of other sections.
func TestPagesGetWhatTheyShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore()
		s.create("a", 300)
		board := s.run(t, live.Options{}, nil).board(t, "a")
		overview := openPage(board, live.Kind{Section: "overview"}, "me")
		first := openPage(board, live.Kind{Section: "0"}, "")
		second := openPage(board, live.Kind{Section: "1"}, "me")
		german := openPage(board, live.Kind{Section: "1", Language: "de"}, "")
		all := []*client{overview, first, second, german}
		for _, c := range all {
			c.connect(t, board)
		}
		settle()
		for _, c := range all {
			c.messages = nil
		}
		s.lock("a", "me", time.Hour, "101", "102")
		settle()
		for name, c := range map[string]struct {
			*client
			seats int
		}{"overview": {overview, 0}, "other section": {first, 0}, "section": {second, 2}, "another language": {german, 2}} {
			text := strings.Join(c.messages, "\n")
			if got := strings.Count(text, "data: seat"); got != c.seats {
				t.Errorf("%s: %d seats, want %d:\n%s", name, got, c.seats, text)
			}
			if got := c.bySection["1"]; got != "[98 2 0 0 0 0]" || strings.Contains(text, "count 0") {
				t.Errorf("%s: section 1 has %s, want [98 2 0 0 0 0], and no other section:\n%s", name, got, text)
			}
			if got, want := c.basket, c.holder == "me"; (got == "101 102") != want {
				t.Errorf("%s: basket is %q", name, got)
			}
		}
		var rest []string
		for i := 200; i < 300; i++ {
			rest = append(rest, strconv.Itoa(i))
		}
		s.with(func() { s.commit(s.changes("a", store.Seat{Status: store.Booked}, store.ReasonBooked, rest)...) })
		settle()
		if overview.wholes+first.wholes+second.wholes != 0 {
			t.Error("a section came as a whole to a page that does not show it")
		}
		if got := overview.bySection["2"]; got != "[0 0 0 100 0 0]" {
			t.Errorf("section 2 has %s on the overview, want all booked", got)
		}
	})
}

// A viewer resumes a page from a cursor after which seats of other pages have
// changed as well.
func TestPageResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore()
		s.create("a", 300)
		board := s.run(t, live.Options{}, nil).board(t, "a")
		c := openPage(board, live.Kind{Section: "1"}, "")
		o := openPage(board, live.Kind{Section: "overview"}, "")
		s.lock("a", "other", time.Hour, "5", "105")
		settle()
		c.connect(t, board)
		o.connect(t, board)
		settle()
		if c.seats["105"].status != "locked" || len(c.seats) != 100 || c.resyncs != 0 {
			t.Errorf("the page has %d seats, 105 is %s, %d resyncs", len(c.seats), c.seats["105"].status, c.resyncs)
		}
		for _, c := range []*client{c, o} {
			if c.bySection["0"] != "[99 1 0 0 0 0]" || c.bySection["1"] != "[99 1 0 0 0 0]" {
				t.Errorf("%v has counts %v", c.kind, c.bySection)
			}
		}
		// A viewer who needs everything gets only the page's own section.
		c = openPage(board, live.Kind{Section: "2"}, "")
		c.id = store.Cursor{}
		c.connect(t, board)
		settle()
		if c.resyncs != 1 || len(c.seats) != 100 {
			t.Errorf("%d sections, %d seats; want 1 and 100", c.resyncs, len(c.seats))
		}
	})
}

func TestNoSuchPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		board := s.run(t, live.Options{}, nil).board(t, "a")
		if _, err := board.View(live.Kind{Section: "7"}, ""); !errors.Is(err, live.ErrNoPage) {
			t.Errorf("view of a section that is not there: %v", err)
		}
		if _, err := board.Join(t.Context(), live.Kind{Section: "7"}, store.Cursor{}, ""); !errors.Is(err, live.ErrNoPage) {
			t.Errorf("stream of a section that is not there: %v", err)
		}
	})
}

// The streams of a section that a new definition lacks end; the others are sent
// everything.
func TestPageGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore()
		s.create("a", 200)
		board := s.run(t, live.Options{}, nil).board(t, "a")
		gone, stays := openPage(board, live.Kind{Section: "1"}, ""), openPage(board, live.Kind{Section: "0"}, "")
		gone.connect(t, board)
		stays.connect(t, board)
		settle()
		s.with(func() {
			s.create("a", 100)
			s.appendBatch(store.Batch{Events: []string{"a"}})
		})
		settle()
		if !errors.Is(gone.err, live.ErrEnded) {
			t.Errorf("the stream of a section that is gone: %v", gone.err)
		}
		if last := gone.messages[len(gone.messages)-1]; last != "event: gone\ndata:" {
			t.Errorf("the stream of a section that is gone ends with %q, want that the page is gone", last)
		}
		if stays.err != nil || stays.resyncs != 1 {
			t.Errorf("the stream of one that stays: %v, %d resyncs", stays.err, stays.resyncs)
		}
	})
}

// A broadcast whose viewers have left is dropped.
func TestBroadcastsEndWithTheirViewers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		var drawn counter
		board := s.run(t, live.Options{}, &drawn).board(t, "a")
		ctx, cancel := context.WithCancel(t.Context())
		for _, section := range []string{"0", "overview", ""} {
			go openPage(board, live.Kind{Section: section}, "me").stream(ctx, board)
		}
		settle()
		cancel()
		settle()
		before := drawn.seats + drawn.own
		s.lock("a", "me", time.Hour, "1")
		settle()
		if got := drawn.seats + drawn.own - before; got != 0 {
			t.Errorf("%d things were drawn for nobody", got)
		}
	})
}

// A viewer who joins between two changes, of which the second undoes the first,
// has other counts than the viewers before, and is sent the counts all the same.
func TestUnchangedCountsAreSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		board := s.run(t, live.Options{}, nil).board(t, "a")
		early := open(board, "")
		early.connect(t, board)
		synctest.Wait()
		s.lock("a", "other", time.Hour, "1") // told at once; what follows waits
		synctest.Wait()
		s.lock("a", "other", time.Hour, "2")
		synctest.Wait()
		late := open(board, "")
		late.connect(t, board)
		synctest.Wait()
		s.unlock("a", "2")
		settle()
		for name, c := range map[string]*client{"before": early, "between": late} {
			if want := fmt.Sprint(total(viewOf(t, board, "").Sections)); c.counts != want {
				t.Errorf("viewer who came %s has counts %s, want %s", name, c.counts, want)
			}
		}
	})
}

// The end also reaches viewers who were not reading when, before it, the event
// was redefined.
func TestEndAfterNewDefinition(t *testing.T) {
	for name, end := range map[string]func(s *fakeStore, h *house){
		"of the hub": func(_ *fakeStore, h *house) { h.stop() },
		"of a section": func(s *fakeStore, _ *house) {
			s.with(func() {
				s.create("a", 100)
				s.appendBatch(store.Batch{Events: []string{"a"}})
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFakeStore()
				s.create("a", 200)
				h := s.run(t, live.Options{}, nil)
				board := h.board(t, "a")
				v, err := board.Join(t.Context(), live.Kind{Section: "1"}, viewOf(t, board, "").Cursor, "")
				if err != nil {
					t.Fatal(err)
				}
				defer v.Leave()
				s.with(func() { s.appendBatch(store.Batch{Events: []string{"a"}}) })
				settle()
				end(s, h)
				settle()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				for err == nil {
					_, err = v.Next(ctx)
				}
				if !errors.Is(err, live.ErrEnded) {
					t.Errorf("the viewer got %v, want the end", err)
				}
			})
		})
	}
}
