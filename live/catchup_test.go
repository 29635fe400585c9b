package live_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
)

// Streams that begin at many cursors share what was drawn for the first of them:
// together they cost little more than one.
func TestCatchUpsShareWhatIsDrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const places = 300
		s := newFakeStore()
		s.create("a", 3000)
		var drawn counter
		board := s.run(t, live.Options{}, &drawn).board(t, "a")
		var froms []store.Cursor
		for i := range places {
			froms = append(froms, s.lock("a", "other", time.Hour, strconv.Itoa(i)))
		}
		var seats []string // 61 in each of 20 sections, and some more
		for i := places; i < 3000; i++ {
			if i < 2300 && i%100 < 61 || i%100 < 5 {
				seats = append(seats, strconv.Itoa(i))
			}
		}
		s.lock("a", "other", time.Hour, seats...)
		settle()
		bytesOf := map[*byte]int{}
		largest := 0
		for _, from := range froms {
			v, err := board.Join(t.Context(), whole, from, "")
			if err != nil {
				t.Fatal(err)
			}
			defer v.Leave()
			parts, err := v.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			size := 0
			for _, part := range parts {
				if len(part) > 0 {
					bytesOf[unsafe.SliceData(part)] = len(part)
					size += len(part)
				}
			}
			largest = max(largest, size)
		}
		all := 0
		for _, n := range bytesOf {
			all += n
		}
		if drawn.sections > 30 || drawn.seats > places+200 {
			t.Errorf("%d sections and %d seats are drawn, want each of them once", drawn.sections, drawn.seats)
		}
		// Each has its own summary.
		if all > 3*largest+places*2000 {
			t.Errorf("%d streams have %d bytes, the largest alone %d", places, all, largest)
		}
	})
}

// If most of a large page has changed, the viewer is sent the whole page, which
// is drawn once for all, and the viewer's losses with it.
func TestLargeCatchUpIsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore()
		s.create("a", 5000)
		board := s.run(t, live.Options{}, nil).board(t, "a")
		s.lock("a", "me", time.Minute, "7")
		settle()
		c := open(board, "me")
		time.Sleep(2 * time.Minute)
		var seats []string
		for i := range 3000 {
			seats = append(seats, strconv.Itoa(i))
		}
		s.lock("a", "other", time.Hour, seats...)
		settle()
		c.connect(t, board)
		settle()
		c.check(t, s, "a")
		if c.resyncs != 50 || c.wholes != 0 || fmt.Sprint(c.lost) != "[7 locked 4 lapsed]" {
			t.Errorf("%d sections as a resync, %d otherwise, lost %s; want all 50, and seat 7", c.resyncs, c.wholes, c.lost)
		}
	})
}

// slowSections draws sections once done is closed, and signals the first one.
type slowSections struct {
	live.Renderer
	began func()
	done  chan struct{}
	mark  string // told with each section as lost, if it is there
}

type slowPage struct {
	live.Page
	slowSections
}

func (r slowSections) Page(k live.Kind) (live.Page, bool) {
	p, ok := r.Renderer.Page(k)
	return slowPage{p, r}, ok
}

func (p slowPage) Section(dst []byte, section int, seats []store.Seat, resync bool) []byte {
	p.began()
	<-p.done
	dst = p.Page.Section(dst, section, seats, resync)
	if p.mark != "" {
		dst = append(append(dst, "\nlost "...), p.mark...)
	}
	return dst
}

// The board goes on while a large page is drawn for viewers who join. They get
// what has changed meanwhile as it is by then, and everything is drawn once.
func TestBoardGoesOnWhileItIsDrawn(t *testing.T) {
	for name, from := range map[string]store.Cursor{"everything": {}, "what changed": {Epoch: "e1"}} {
		t.Run(name, func(t *testing.T) {
			s := newFakeStore()
			s.create("a", 2000)
			var seats []string
			for i := range 2000 {
				if i%100 < 70 {
					seats = append(seats, strconv.Itoa(i))
				}
			}
			s.lock("a", "other", time.Hour, seats...)
			var drawn counter
			named := s.renderer(&drawn)
			began, done := make(chan struct{}), make(chan struct{})
			h := s.runWith(t, live.Options{}, func(ctx context.Context, e store.Event) (live.Renderer, error) {
				r, err := named(ctx, e)
				return slowSections{r, sync.OnceFunc(func() { close(began) }), done, ""}, err
			})
			board := h.board(t, "a")
			board.Reach(t.Context(), s.cursor())
			clients := make([]*client, 20)
			for i := range clients {
				clients[i] = newClient("")
				for n := range 2000 {
					clients[i].data(fmt.Sprintf("in %d available 1", n))
				}
				clients[i].id = from
				clients[i].connect(t, board)
			}
			<-began
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			ahead := s.lock("a", "other", time.Hour, "71", "172")
			reached := make(chan bool)
			go func() { reached <- board.Reach(ctx, ahead) && viewOf(t, board, "").Cursor.Covers(ahead) }()
			select {
			case ok := <-reached:
				if !ok {
					t.Error("the board does not get there")
				}
			case <-ctx.Done():
				t.Error("the board waits for who draws it")
			}
			close(done)
			h.waitForHeads(t, clients)
			for _, c := range clients {
				c.check(t, s, "a")
			}
			if drawn.sections > 20+2*2 {
				t.Errorf("%d sections are drawn for 20 viewers, want each once, and two again", drawn.sections)
			}
		})
	}
}

// If a board ends or is redefined while one of its pages is drawn, the viewers
// who join get the end or the new definition.
func TestEndWhileItIsDrawn(t *testing.T) {
	for name, change := range map[string]func(s *fakeStore, h *house){
		"hub ends":   func(s *fakeStore, h *house) { h.stop() },
		"event goes": func(s *fakeStore, h *house) { s.remove("a") },
		"event changes": func(s *fakeStore, h *house) {
			s.with(func() {
				s.events["a"].event.Title = "new"
				s.appendBatch(store.Batch{Events: []string{"a"}})
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFakeStore()
				s.create("a", 2000)
				named := s.renderer(nil)
				done := make(chan struct{})
				h := s.runWith(t, live.Options{}, func(ctx context.Context, e store.Event) (live.Renderer, error) {
					r, err := named(ctx, e)
					return slowSections{r, func() {}, done, e.Title}, err
				})
				board := h.board(t, "a")
				c := newClient("")
				c.connect(t, board)
				synctest.Wait()
				change(s, h)
				synctest.Wait()
				close(done)
				settle()
				if name != "event changes" {
					if c.err == nil {
						t.Error("the stream goes on")
					}
					return
				}
				s.toggle("a", 5, "me")
				settle()
				c.check(t, s, "a")
				if c.err != nil || c.resyncs != 20 || strings.Count(strings.Join(c.lost, " "), "new") != 20 {
					t.Errorf("%v, %d sections, drawn for %q; want 20, all of the new definition", c.err, c.resyncs, c.lost)
				}
			})
		})
	}
}
