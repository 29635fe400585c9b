// Package live keeps one board per event in memory, feeds it from the store's
// change feed, and sends every viewer what changed.
//
// Only the feed changes a board, and only the feed publishes: viewers see only
// what was committed, and nothing is decided from a board. Frames are rendered
// once for everybody, and once more for each holder whose seats they concern,
// however many viewers there are. Each kind of page has one broadcast, which all
// its viewers read at their own pace.
package live

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seatlock/seatlock/store"
)

// ErrEnded: the stream is over, since the hub has stopped, the board was let go,
// or its event or page no longer exists.
var ErrEnded = errors.New("live updates ended")

// ErrTooSlow: the viewer lacks more than Options.MaxLag, and is dropped. It
// may join again from its last cursor.
var ErrTooSlow = errors.New("viewer too slow")

// ErrNoPage: the event has no page of this kind.
var ErrNoPage = errors.New("no such page")

// Source is what live needs of a store; see [store.Store] for its promises.
type Source interface {
	Event(ctx context.Context, id string) (store.Event, error)
	Snapshot(ctx context.Context, event string) (store.Snapshot, error)
	Recent(ctx context.Context, age time.Duration) (store.Cursor, error)
	Resume(ctx context.Context, c store.Cursor) (store.Cursor, error)
	Changes(ctx context.Context, from store.Cursor) iter.Seq2[store.Batch, error]
	ReleaseDue(ctx context.Context) (store.Due, error)
}

// Kind names one kind of page of an event, in a language: that of one section, or
// the event's own page if Section is "". Viewers of one kind get the same frames.
type Kind struct{ Section, Language string }

// Renderer draws one event. Its methods are pure, and safe for concurrent use.
type Renderer interface {
	// Sections returns the ids of all seats by section, in the plan's order.
	Sections() [][]string
	// Page returns how pages of a kind are drawn; ok is false if there are none.
	Page(k Kind) (p Page, ok bool)
	// Status returns the status that a seat counts as in [Counts].
	Status(s store.Seat) store.Status
}

// Page draws one kind of page. Its methods are pure, safe for concurrent use,
// and append to dst. Sections are numbered as in [Renderer.Sections].
//
// Seats that are drawn for everybody come without holder, times and booking, so
// that no rendering can reveal who has a seat.
type Page interface {
	// Shows returns the sections whose seats are on the page, in order.
	Shows() []int
	// Seat draws a seat as everybody sees it, to replace the one on the page.
	Seat(dst []byte, s store.Seat) []byte
	// Section draws a whole section as everybody sees it. With resync it
	// replaces all seats on the page. Without, a seat stays if the page has a
	// newer version of it, or the same version as the viewer's own.
	Section(dst []byte, section int, seats []store.Seat, resync bool) []byte
	// Summary draws the page's counts of seats. sections are the counts of all
	// sections; changed are the numbers of those whose counts the viewer may
	// not know.
	Summary(dst []byte, sections []Counts, changed []int) []byte
	// Mine draws the part of the page that only the holder sees.
	Mine(dst []byte, m Mine) []byte
}

// Counts is how many seats count as each [store.Status].
type Counts [store.Statuses]int

// Mine is what only the holder is shown.
type Mine struct {
	// Seats are the holder's locked and paying seats as they stand, and Booked
	// the first [MaxBooked] that are booked for the holder, in the plan's order.
	Seats, Booked []store.Seat
	// Lost are the seats with news that the holder did not ask for on this page,
	// since the viewer was last told, in the plan's order. News that no longer
	// holds is left out: a seat that is the holder's again is not lost.
	Lost []Loss
	// Now is the store's clock.
	Now time.Time
}

// MaxBooked is the most booked seats that their holder is shown: somebody who has
// booked half a hall is not sent half a hall with each change.
const MaxBooked = 100

// Loss is a seat that its holder has lost, or what became of a payment for it.
type Loss struct {
	// Seat is its present public state.
	Seat store.Seat
	// Reason is one that [store.Change.Loss] returns, or
	// [store.ReasonBooked], [store.ReasonDeclined] or [store.ReasonCancelled].
	Reason store.Reason
}

// Options are the settings of a hub; a zero value stands for the default.
type Options struct {
	// Window is the least time between two frames of a board. The first change
	// after a quiet time goes out at once. Default 50 ms.
	Window time.Duration
	// Heartbeat is the time between signs of life to every viewer. Default 15 s.
	Heartbeat time.Duration
	// Warm is how far back the feed is read at the start, so that viewers of
	// an instance that has ended can resume here. Default 10 min.
	Warm time.Duration
	// MaxLag is how many bytes a viewer may lack, beyond its next frame, before
	// it is dropped. Default 1 MiB.
	MaxLag int
	// Idle is how long a board stays in memory without viewers or requests; a
	// fifth of that if its event is over. Default 10 min.
	Idle time.Duration
	// Log gets failures and their end; default slog.Default().
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Window <= 0 {
		o.Window = 50 * time.Millisecond
	}
	if o.Heartbeat <= 0 {
		o.Heartbeat = 15 * time.Second
	}
	if o.Warm <= 0 {
		o.Warm = 10 * time.Minute
	}
	if o.MaxLag <= 0 {
		o.MaxLag = 1 << 20
	}
	if o.Idle <= 0 {
		o.Idle = 10 * time.Minute
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// Hub has the boards of one process and feeds them. Its methods are safe for
// concurrent use.
type Hub struct {
	src         Source
	newRenderer func(context.Context, store.Event) (Renderer, error)
	o           Options

	ready atomic.Bool
	// reached is the cursor up to which every board was given what concerns it.
	// While it is zero, boards cannot move on by it.
	reached   atomic.Pointer[store.Cursor]
	clock     atomic.Pointer[clockReading] // of the store, by the last sweep
	deadlines *deadlines
	reloads   sync.WaitGroup
	started   chan struct{} // closed when the feed has started, or never will
	start     func()        // closes it, once
	done      chan struct{} // closed when the hub has ended

	// mu is taken before a board's, never while holding one.
	mu     sync.Mutex
	boards map[string]*Board // loaded, or on their first load
	// feed is the cursor up to which the feed was read. What it reported since
	// the history's floor is known to a board or to the history.
	feed    store.Cursor
	history history

	// waiting are the boards with callers that wait for the feed. waitMu is taken
	// before a board's mutex.
	waitMu  sync.Mutex
	waiting map[*Board]bool
}

// New returns a hub that reads src. It calls newRenderer whenever it loads a
// board. [Hub.Board] waits until [Hub.Run] is running.
func New(src Source, newRenderer func(context.Context, store.Event) (Renderer, error), o Options) *Hub {
	started := make(chan struct{})
	h := &Hub{
		src:         src,
		newRenderer: newRenderer,
		o:           o.withDefaults(),
		deadlines:   newDeadlines(),
		started:     started,
		start:       sync.OnceFunc(func() { close(started) }),
		done:        make(chan struct{}),
		boards:      map[string]*Board{},
		waiting:     map[*Board]bool{},
	}
	h.reached.Store(&store.Cursor{})
	return h
}

// Ready reports whether the feed is running and has caught up with what the
// store had when it was last connected.
func (h *Hub) Ready() bool { return h.ready.Load() }

// Board returns the board of an event. The first call loads it; calls at the same
// time share that load. It waits until Run has reached the store. An unknown
// event is an error that wraps [store.ErrNoEvent]. After the hub's end, a board
// that is not in memory is ErrEnded.
func (h *Hub) Board(ctx context.Context, event string) (*Board, error) {
	select {
	case <-h.started:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for {
		b, first := h.entry(event)
		if b == nil {
			return nil, ErrEnded
		}
		if first {
			h.firstLoad(ctx, b)
		}
		select {
		case <-b.loaded:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if b.err == nil {
			return b, nil
		}
		// If the caller that loaded it gave up, it is our turn. Other failures
		// are shared: one after the other, all who wait would meet them again.
		if !first && b.abandoned && ctx.Err() == nil {
			continue
		}
		return nil, b.err
	}
}

// entry returns the event's board, and creates it if needed; first reports that
// the caller must load it. After the hub's end it creates none, and returns nil.
func (h *Hub) entry(event string) (b *Board, first bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if b = h.boards[event]; b != nil {
		b.asked = time.Now()
		return b, false
	}
	select {
	case <-h.done:
		return nil, false
	default:
	}
	b = newBoard(h, strings.Clone(event), h.feed) // the id may be part of a whole request
	b.asked = time.Now()
	h.boards[b.id] = b
	return b, true
}

// firstLoad loads the board with the context of its first caller. If that fails,
// it removes the board.
func (h *Hub) firstLoad(ctx context.Context, b *Board) {
	defer close(b.loaded)
	err := b.load(ctx)
	for try := 0; errors.Is(err, errMoved) && try < 5; try++ {
		pause(ctx, backoff(try))
		err = b.load(ctx)
	}
	if err != nil {
		b.err = fmt.Errorf("load board %s: %w", b.id, err)
		b.abandoned = ctx.Err() != nil
		h.remove(b)
	}
}

// remove drops a board, unless the event has another one by now.
func (h *Hub) remove(b *Board) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.boards[b.id] == b {
		delete(h.boards, b.id)
	}
}

func (h *Hub) all() []*Board {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Values(h.boards))
}

// clockReading is what the store's clock showed, and the local clock at that
// moment.
type clockReading struct{ store, local time.Time }

// now returns the store's clock as of the last sweep, carried on by the local
// monotonic clock. Before the first sweep it is the local clock.
func (h *Hub) now() time.Time {
	reading := h.clock.Load()
	if reading == nil {
		return time.Now()
	}
	return reading.store.Add(time.Since(reading.local))
}

// resume translates a cursor of an earlier run of the store into the feed's
// epoch. If it cannot, it returns the cursor unchanged.
func (h *Hub) resume(ctx context.Context, c store.Cursor) store.Cursor {
	if c.Epoch == "" || c.Epoch == h.reached.Load().Epoch {
		return c
	}
	if now, err := h.src.Resume(ctx, c); err == nil {
		return now
	}
	return c
}
