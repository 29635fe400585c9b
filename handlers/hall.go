package handlers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"
	"weak"

	"golang.org/x/sync/singleflight"
	"golang.org/x/text/language"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
	"github.com/seatlock/seatlock/views"
)

// errUndrawable: the stored event cannot be shown.
var errUndrawable = errors.New("event cannot be shown")

// undrawableError is an errUndrawable with its event.
type undrawableError struct {
	event store.Event
	err   error
}

func (e undrawableError) Error() string { return fmt.Sprintf("%v: %v", errUndrawable, e.err) }

func (e undrawableError) Unwrap() []error { return []error{errUndrawable, e.err} }

const (
	// DefaultMemory is the default for Config.Memory.
	DefaultMemory = 256 << 20
	// bytesPerSeat is what a seat takes in memory with its event prepared and
	// its board loaded; TestMemoryOfHalls measures it.
	bytesPerSeat = 1400
	// prepareWithin bounds the reading of a plan.
	prepareWithin = 10 * time.Second
	// failedFor is how long a failure is remembered for an event: failing takes
	// as long as succeeding.
	failedFor = 5 * time.Second
	// maxFailed is how many failures are remembered.
	maxFailed = 1000
)

// prepared is all that is computed once for an event: its hall in each
// language, and the positions of its seats. It is immutable, and draws what the
// event's board sends.
type prepared struct {
	event   store.Event
	in      map[string]*views.Hall // by language
	english *views.Hall
	layout  *layout
}

// hall returns the hall in one of our languages.
func (p *prepared) hall(tag language.Tag) *views.Hall { return p.in[tag.String()] }

// preparedOf returns the prepared event behind a board's renderer: newRenderer
// makes all of them.
func preparedOf(draw live.Renderer) *prepared { return draw.(*prepared) }

// Sections implements [live.Renderer].
func (p *prepared) Sections() [][]string { return p.english.Sections() }

// Status implements [live.Renderer].
func (p *prepared) Status(s store.Seat) store.Status { return p.english.Status(s) }

// Page implements [live.Renderer].
func (p *prepared) Page(k live.Kind) (live.Page, bool) {
	h, known := p.in[k.Language]
	if !known {
		return nil, false
	}
	shown, ok := h.Page(k.Section)
	return page{shown}, ok
}

// halls prepares events. The result belongs to the event's board, and ends with
// it: halls only keeps account. Over the limit, it drops boards that nobody
// watches, those used longest ago first.
type halls struct {
	plans interface {
		Plan(ctx context.Context, hash string) ([]byte, error)
	}
	limit int64 // bytes
	// letGo drops the board of an event if nobody watches it, and reports
	// whether there is none now.
	letGo func(event string) bool

	flight singleflight.Group
	slots  chan struct{} // one for each that can be prepared at the same time

	mu   sync.Mutex
	made map[string]made // by event
	uses uint64
	// failed has the events that could not be drawn lately.
	failed map[string]failure
}

type failure struct {
	at  time.Time
	err undrawableError
}

type made struct {
	hall  weak.Pointer[prepared]
	bytes int64
	used  uint64 // the higher, the later
}

func newHalls(plans interface {
	Plan(ctx context.Context, hash string) ([]byte, error)
}, limit int64) *halls {
	return &halls{plans: plans, limit: limit, made: map[string]made{}, failed: map[string]failure{}, slots: make(chan struct{}, runtime.GOMAXPROCS(0))}
}

// newRenderer prepares an event for its board.
func (h *halls) newRenderer(ctx context.Context, e store.Event) (live.Renderer, error) {
	p, err := h.of(ctx, e)
	if err != nil {
		return nil, err // a nil *prepared would not be a nil Renderer
	}
	return p, nil
}

// of returns the prepared event for this definition, computed once for all who
// ask at the same time. If one gives up, the others still get it.
func (h *halls) of(ctx context.Context, e store.Event) (*prepared, error) {
	if known := h.known(e); known != nil {
		return known, nil
	}
	key := fmt.Sprint(e.ID, " ", e.Plan, " ", e.Revision)
	result := h.flight.DoChan(key, func() (any, error) {
		return h.prepare(context.WithoutCancel(ctx), e)
	})
	select {
	case r := <-result:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*prepared), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// prepare reads the plan and prepares the event, a few events at a time: the
// work needs several times the memory of its result.
func (h *halls) prepare(ctx context.Context, e store.Event) (*prepared, error) {
	h.slots <- struct{}{}
	defer func() { <-h.slots }()
	ctx, cancel := context.WithTimeout(ctx, prepareWithin)
	defer cancel()
	body, err := h.plans.Plan(ctx, e.Plan)
	if err != nil {
		return nil, err
	}
	p, err := makePrepared(e, body)
	if err != nil {
		return nil, undrawableError{e, err}
	}
	h.add(p)
	return p, nil
}

// makePrepared prepares an event. A damaged plan must not harm any other event,
// so a panic becomes an error.
func makePrepared(e store.Event, body []byte) (p *prepared, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("event %s: panic: %v\n%s", e.ID, r, debug.Stack())
		}
	}()
	decoded, err := plan.Decode(body)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", e.ID, err)
	}
	english, err := views.NewHall(e, decoded)
	if err != nil {
		return nil, err // says whose hall
	}
	p = &prepared{event: e, in: map[string]*views.Hall{}, english: english, layout: newLayout(decoded, english)}
	for _, tag := range views.Languages {
		p.in[tag.String()] = english
		if tag != language.English {
			p.in[tag.String()] = english.In(tag)
		}
	}
	return p, nil
}

// known returns the prepared event if there is one for just this definition, or
// nil.
func (h *halls) known(e store.Event) *prepared {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.made[e.ID].hall.Value(); p != nil && reflect.DeepEqual(p.event, e) {
		return p
	}
	return nil
}

// note remembers that an event cannot be drawn. Other errors are not
// remembered.
func (h *halls) note(err error) {
	broken, ok := errors.AsType[undrawableError](err)
	if !ok {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	maps.DeleteFunc(h.failed, func(_ string, f failure) bool { return time.Since(f.at) >= failedFor })
	if len(h.failed) < maxFailed {
		h.failed[broken.event.ID] = failure{time.Now(), broken}
	}
}

// failedLately returns why an event could not be drawn a moment ago.
func (h *halls) failedLately(event string) (why undrawableError, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f, ok := h.failed[event]
	return f.err, ok && time.Since(f.at) < failedFor
}

// use records that an event was asked for.
func (h *halls) use(event string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.uses++
	if m, known := h.made[event]; known {
		m.used = h.uses
		h.made[event] = m
	}
}

// add records a prepared event, and makes room for it.
func (h *halls) add(p *prepared) {
	h.mu.Lock()
	h.uses++
	h.made[p.event.ID] = made{weak.Make(p), int64(len(p.layout.place)) * bytesPerSeat, h.uses}
	h.mu.Unlock()
	h.makeRoom(p.event.ID)
}

// makeRoom drops boards over the limit, except that of the one event.
func (h *halls) makeRoom(keep string) {
	ids, bytes := h.byUse()
	for _, id := range ids {
		if bytes <= h.limit {
			return
		}
		if id != keep && h.letGo(id) {
			bytes -= h.forget(id)
		}
	}
}

// byUse returns the prepared events, those used longest ago first, and the
// memory of all of them.
func (h *halls) byUse() (ids []string, bytes int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	maps.DeleteFunc(h.made, func(_ string, m made) bool { return m.hall.Value() == nil })
	for id, m := range h.made {
		ids, bytes = append(ids, id), bytes+m.bytes
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Compare(h.made[a].used, h.made[b].used) })
	return ids, bytes
}

func (h *halls) forget(id string) (bytes int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	bytes = h.made[id].bytes
	delete(h.made, id)
	return bytes
}

// page draws one kind of page.
type page struct{ views.Page }

func (p page) Seat(dst []byte, seat store.Seat) []byte {
	return p.AppendSeat(dst, seat, false)
}

func (p page) Section(dst []byte, section int, seats []store.Seat, resync bool) []byte {
	return p.AppendSection(dst, section, seats, resync)
}

func (p page) Summary(dst []byte, sections []live.Counts, changed []int) []byte {
	return p.AppendSummary(dst, viewCounts(sections), changed)
}

func viewCounts(sections []live.Counts) []views.Counts {
	out := make([]views.Counts, len(sections))
	for i, n := range sections {
		out[i] = views.Counts(n)
	}
	return out
}

func (p page) Mine(dst []byte, m live.Mine) []byte {
	for _, seats := range [][]store.Seat{m.Seats, m.Booked} {
		for _, seat := range seats {
			dst = p.AppendSeat(dst, seat, true)
		}
	}
	basket := basketOf(m.Seats, m.Booked, m.Now)
	dst = p.AppendBasket(dst, basket)
	if line, bad := lostLine(p.Hall(), m.Lost, untilOf(p.Hall(), basket)); line != "" {
		dst = views.AppendStatus(dst, line, bad)
	}
	return dst
}
