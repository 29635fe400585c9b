package live_test

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
)

// fixed draws about as much as a page's HTML does, at no cost of its own.
type fixed struct{ live.Renderer }

func (f fixed) Page(k live.Kind) (live.Page, bool) {
	p, ok := f.Renderer.Page(k)
	return fixedPage{p}, ok
}

type fixedPage struct{ live.Page }

var (
	seatHTML    = bytes.Repeat([]byte("x"), 180)
	sectionHTML = bytes.Repeat(seatHTML, 100)
)

func (fixedPage) Seat(dst []byte, _ store.Seat) []byte { return append(dst, seatHTML...) }
func (fixedPage) Section(dst []byte, _ int, _ []store.Seat, _ bool) []byte {
	return append(dst, sectionHTML...)
}
func (fixedPage) Summary(dst []byte, _ []live.Counts, _ []int) []byte {
	return append(dst, seatHTML...)
}
func (fixedPage) Mine(dst []byte, _ live.Mine) []byte { return append(dst, seatHTML...) }

// arena is a running board of 20,000 seats whose renderer costs nothing.
func arena(b *testing.B, window time.Duration) (*fakeStore, *live.Board) {
	s := newFakeStore()
	s.create("a", 20_000)
	named := s.renderer(nil)
	hub := live.New(s, func(ctx context.Context, e store.Event) (live.Renderer, error) {
		r, err := named(ctx, e)
		return fixed{r}, err
	}, live.Options{Window: window, Log: quiet()})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- hub.Run(ctx) }()
	b.Cleanup(func() { cancel(); <-done })
	board, err := hub.Board(b.Context(), "a")
	if err != nil {
		b.Fatal(err)
	}
	return s, board
}

// BenchmarkChange is one change, from the feed to its frame, with viewers who all
// read. It does not wait for the last of them.
func BenchmarkChange(b *testing.B) {
	for _, viewers := range []int{0, 1, 100, 10_000} {
		for _, window := range []time.Duration{time.Nanosecond, 50 * time.Millisecond} {
			b.Run(fmt.Sprintf("viewers=%d/window=%v", viewers, window), func(b *testing.B) {
				s, board := arena(b, window)
				var got atomic.Int64
				for range viewers {
					v, err := board.Join(b.Context(), whole, viewOf(b, board, "").Cursor, "")
					if err != nil {
						b.Fatal(err)
					}
					go func() {
						defer v.Leave()
						for {
							parts, err := v.Next(b.Context())
							if err != nil {
								return
							}
							got.Add(int64(len(parts)))
						}
					}()
				}
				b.ReportAllocs()
				for n := 0; b.Loop(); n++ {
					s.mu.Lock()
					seat := &s.events["a"].seats[n%20_000]
					seat.Version++
					seat.Status ^= store.Locked
					c := s.commit(store.Change{Event: "a", Seat: *seat})
					s.mu.Unlock()
					board.Reach(b.Context(), c)
				}
			})
		}
	}
}

// BenchmarkManyBoards is one change, with the boards of many other events in
// memory.
func BenchmarkManyBoards(b *testing.B) {
	for _, boards := range []int{1, 10_000} {
		b.Run(fmt.Sprintf("boards=%d", boards), func(b *testing.B) {
			s := newFakeStore()
			for i := range boards {
				s.create(strconv.Itoa(i), 10)
			}
			h := s.run(b, live.Options{}, nil)
			for i := range boards {
				h.board(b, strconv.Itoa(i))
			}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				event := strconv.Itoa(n % boards)
				s.toggle(event, n%10, "me")
				h.board(b, event).Reach(b.Context(), s.cursor())
			}
		})
	}
}

// BenchmarkResume is a viewer's return: from a cursor that others share, or not.
func BenchmarkResume(b *testing.B) {
	for _, changed := range []int{0, 10, 1000} {
		for _, shared := range []bool{true, false} {
			b.Run(fmt.Sprintf("changed=%d/shared=%v", changed, shared), func(b *testing.B) {
				s, board := arena(b, time.Millisecond)
				from := viewOf(b, board, "").Cursor
				for i := range changed {
					s.toggle("a", i*20, store.Holder(strconv.Itoa(i)))
				}
				for range 1000 { // of other cursors to come from
					s.with(func() { s.commit() })
				}
				board.Reach(b.Context(), s.cursor())
				b.ReportAllocs()
				for n := 0; b.Loop(); n++ {
					if !shared {
						from.Position = uint64(n % 1000)
					}
					join(b, board, from)
				}
			})
		}
	}
}

// BenchmarkResync sends a viewer everything: drawn for the first time, or cached.
func BenchmarkResync(b *testing.B) {
	b.Run("cached", func(b *testing.B) {
		_, board := arena(b, time.Millisecond)
		b.ReportAllocs()
		for b.Loop() {
			join(b, board, store.Cursor{})
		}
	})
	b.Run("one section changed", func(b *testing.B) {
		s, board := arena(b, time.Millisecond)
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			s.toggle("a", n%100, "me")
			board.Reach(b.Context(), s.cursor())
			join(b, board, store.Cursor{})
		}
	})
}

func join(b *testing.B, board *live.Board, from store.Cursor) {
	v, err := board.Join(b.Context(), whole, from, "")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := v.Next(b.Context()); err != nil {
		b.Fatal(err)
	}
	v.Leave()
}

func BenchmarkView(b *testing.B) {
	_, board := arena(b, time.Millisecond)
	b.ReportAllocs()
	for b.Loop() {
		viewOf(b, board, "me")
	}
}
