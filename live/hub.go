// Package live keeps one board per event in memory, fed by the store's change
// feed, and tells every viewer of it what changed.
//
// Only the feed changes a board, and only the feed publishes: a viewer is
// never told of something that was not committed, and nothing is decided from
// a board. Frames are rendered once for everybody, and once more for the
// holder whose seats they concern, whatever the number of viewers; they stand
// in one broadcast per kind of page, which all its viewers read at their own pace.
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

// ErrEnded: the hub has stopped, or the board was let go or its event is gone,
// and the viewer has had its last bytes.
var ErrEnded = errors.New("live updates ended")

// ErrTooSlow: the viewer lacks more than Options.MaxLag, and is dropped. It
// may join again from the last cursor that it has.
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

// Kind names what a page shows of an event: one section, or with "" what the
// event's own page has, in a language. Viewers of one kind get the same frames.
type Kind struct{ Section, Language string }

// Renderer draws one event. Its methods are pure, and safe for concurrent use.
type Renderer interface {
	// Sections returns the ids of all seats by section, in the plan's order.
	Sections() [][]string
	// Page returns how pages of a kind are drawn; ok is false if there are none.
	Page(k Kind) (p Page, ok bool)
	// Status returns what a seat counts as in [Counts].
	Status(s store.Seat) store.Status
}

// Page draws one kind of page. Its methods are pure, safe for concurrent use,
// and append to dst. Sections are told by their place in [Renderer.Sections].
//
// Seats that everybody will see come without holder, times and booking, so
// that no rendering can tell who has a seat.
type Page interface {
	// Shows returns the sections whose seats are on the page, in order.
	Shows() []int
	// Seat draws a seat as everybody sees it, to replace the one on the page.
	Seat(dst []byte, s store.Seat) []byte
	// Section draws a whole section as everybody sees it. A seat that the page
	// has in a newer version, or as the viewer's own in the same one, stays as
	// it is there; with resync the section replaces all.
	Section(dst []byte, section int, seats []store.Seat, resync bool) []byte
	// Summary draws what the page tells of how many seats there are; sections
	// are all of the event's, changed those whose counts may be others than
	// the viewer knows.
	Summary(dst []byte, sections []Counts, changed []int) []byte
	// Mine draws the holder's own part.
	Mine(dst []byte, m Mine) []byte
}

// Counts is how many seats count as each [store.Status].
type Counts [store.Statuses]int

// Mine is what a holder is told beyond everybody else.
type Mine struct {
	// Seats are the holder's locked and paying seats as they stand, and Booked
	// the first [MaxBooked] that are booked for the holder, in the plan's order.
	Seats, Booked []store.Seat
	// Lost are seats of which something happened since the viewer was last told
	// that the holder did not ask for on this page, and that is still so: what is
	// lost is not the holder's again. In the plan's order.
	Lost []Loss
	// Now is the store's clock.
	Now time.Time
}

// MaxBooked is how many booked seats a viewer is shown as their own: who has
// booked half a hall is not sent half a hall with each change.
const MaxBooked = 100

// Loss is a seat that its holder has lost, or what became of a payment for it.
type Loss struct {
	// Seat is as everybody sees it now.
	Seat store.Seat
	// Reason is one of those that [store.Change.Loss] tells, or
	// [store.ReasonBooked], [store.ReasonDeclined] or [store.ReasonCancelled].
	Reason store.Reason
}

// Options are the settings of a hub; a zero value stands for the default.
type Options struct {
	// Window is the least time between two frames of a board, but for the
	// first after quiet, which goes out at once. Default 50 ms.
	Window time.Duration
	// Heartbeat is the time between signs of life to every viewer. Default 15 s.
	Heartbeat time.Duration
	// Warm is how far back the feed is read at the start, so that viewers of
	// an instance that is gone can resume here. Default 10 min.
	Warm time.Duration
	// MaxLag is how many bytes a viewer may lack, beside the frame that it is
	// due next, before it is dropped. Default 1 MiB.
	MaxLag int
	// Idle is how long a board stays in memory that nobody looks at or asks for,
	// and a fifth of that if its event is over. Default 10 min.
	Idle time.Duration
	// Log gets what goes wrong; default slog.Default().
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
	// reached is how far the feed was given to the boards that it concerns; all
	// others have what there is up to there. The zero cursor tells them nothing.
	reached   atomic.Pointer[store.Cursor]
	told      atomic.Pointer[timeTold] // by the last sweep
	deadlines *deadlines
	reloads   sync.WaitGroup
	started   chan struct{} // closed when the feed's start is known, or never will be
	start     func()        // closes it, once
	done      chan struct{} // closed when the hub has ended

	// mu is taken before a board's, never while holding one.
	mu     sync.Mutex
	boards map[string]*Board // loaded, or on their first load
	// feed is how far the feed was read. What it told since the history's floor
	// is known to a board or to the history.
	feed    store.Cursor
	history history

	// waiting are boards with somebody who waits for the feed. waitMu is taken
	// before a board's mutex.
	waitMu  sync.Mutex
	waiting map[*Board]bool
}

// New returns a hub over src; newRenderer is called whenever a board is loaded.
// Boards can be had once [Hub.Run] is running.
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

// Board returns the board of an event, loading it on first use: once for all
// who ask at the same time. It waits for Run to have reached the store.
// Not found: an error that wraps [store.ErrNoEvent]. After the end, a board
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
		// Whoever loaded it left: it is our turn. What took too long for them
		// would for us, and for each of those who wait, one after the other.
		if !first && b.left && ctx.Err() == nil {
			continue
		}
		return nil, b.err
	}
}

// entry finds the event's board; first tells that the caller must load it. It
// returns nil after the end, unless the board is there.
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

// firstLoad loads the board with its first caller's context, or takes it away
// again.
func (h *Hub) firstLoad(ctx context.Context, b *Board) {
	defer close(b.loaded)
	err := b.load(ctx)
	for try := 0; errors.Is(err, errMoved) && try < 5; try++ {
		pause(ctx, backoff(try))
		err = b.load(ctx)
	}
	if err != nil {
		b.err = fmt.Errorf("load board %s: %w", b.id, err)
		b.left = ctx.Err() != nil
		h.remove(b)
	}
}

// remove takes a board away, if it is still the event's.
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

// timeTold is what the store's clock showed, and the local one at that moment.
type timeTold struct{ store, local time.Time }

// now returns the store's clock as the last sweep has told it, carried on by the
// local monotonic one; until then, the local one.
func (h *Hub) now() time.Time {
	told := h.told.Load()
	if told == nil {
		return time.Now()
	}
	return told.store.Add(time.Since(told.local))
}

// resume returns a cursor of an earlier run of the store as the feed now has it,
// or else the cursor itself.
func (h *Hub) resume(ctx context.Context, c store.Cursor) store.Cursor {
	if c.Epoch == "" || c.Epoch == h.reached.Load().Epoch {
		return c
	}
	if now, err := h.src.Resume(ctx, c); err == nil {
		return now
	}
	return c
}
