package live_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
)

// ahead is how far the fake store's clock is ahead of the local one.
const ahead = 3 * time.Hour

// fakeStore is a store in memory with one feed. Its zero hooks do nothing.
type fakeStore struct {
	mu      sync.Mutex
	epoch   string
	earlier []string // epochs whose cursors are places in this one
	events  map[string]*fakeEvent
	feed    []store.Batch                  // by position: feed[i] has position i+1
	oldest  uint64                         // what Recent answers, but for age 0
	recent  func(age time.Duration) uint64 // answers in its place, if it is there
	grown   chan struct{}                  // closed and made anew when the feed grows or opens
	stalled bool                           // the feed delivers nothing
	pace    time.Duration                  // between two batches of the feed
	broken  error                          // what Changes and ReleaseDue answer

	snapshots, sweeps int
	// beforeSnapshot and afterSnapshot run before and after the seats are read.
	beforeSnapshot, afterSnapshot func(ctx context.Context)
}

type fakeEvent struct {
	event store.Event
	seats []store.Seat
}

func newFakeStore(events ...string) *fakeStore {
	s := &fakeStore{epoch: "e1", events: map[string]*fakeEvent{}, grown: make(chan struct{})}
	for _, id := range events {
		s.create(id, 100)
	}
	return s
}

// create adds an event with seats named 0, 1, 2 …, in sections of 100.
func (s *fakeStore) create(id string, seats int) {
	e := &fakeEvent{event: store.Event{ID: id, Title: id, Revision: int64(seats)}}
	for i := range seats {
		e.seats = append(e.seats, store.Seat{ID: strconv.Itoa(i), Version: 1})
	}
	s.events[id] = e
}

func (s *fakeStore) now() time.Time { return time.Now().Add(ahead) }

func (s *fakeStore) cursor() store.Cursor {
	return store.Cursor{Epoch: s.epoch, Position: uint64(len(s.feed))}
}

func (s *fakeStore) Event(_ context.Context, id string) (store.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.events[id]; e != nil {
		return e.event, nil
	}
	return store.Event{}, fmt.Errorf("event %s: %w", id, store.ErrNoEvent)
}

func (s *fakeStore) Snapshot(ctx context.Context, id string) (store.Snapshot, error) {
	s.mu.Lock()
	s.snapshots++
	before, after := s.beforeSnapshot, s.afterSnapshot
	s.mu.Unlock()
	if before != nil {
		before(ctx)
	}
	if after != nil {
		defer after(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.events[id]
	if e == nil {
		return store.Snapshot{}, fmt.Errorf("snapshot %s: %w", id, store.ErrNoEvent)
	}
	if ctx.Err() != nil {
		return store.Snapshot{}, ctx.Err()
	}
	return store.Snapshot{Seats: slices.Clone(e.seats), Cursor: s.cursor(), Now: s.now()}, nil
}

func (s *fakeStore) Recent(_ context.Context, age time.Duration) (store.Cursor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return store.Cursor{}, s.broken
	}
	if age == 0 {
		return s.cursor(), nil
	}
	if s.recent != nil {
		return store.Cursor{Epoch: s.epoch, Position: s.recent(age)}, nil
	}
	return store.Cursor{Epoch: s.epoch, Position: s.oldest}, nil
}

func (s *fakeStore) Resume(_ context.Context, c store.Cursor) (store.Cursor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, epoch := range s.earlier {
		if c.Epoch == epoch {
			c.Epoch = s.epoch
		}
	}
	if c.Epoch != s.epoch {
		return store.Cursor{}, store.ErrCursorLost
	}
	return c, nil
}

func (s *fakeStore) Changes(ctx context.Context, from store.Cursor) iter.Seq2[store.Batch, error] {
	return func(yield func(store.Batch, error) bool) {
		for ctx.Err() == nil {
			s.mu.Lock()
			batch, grown, err := store.Batch{}, s.grown, s.broken
			if from.Epoch != s.epoch && !slices.Contains(s.earlier, from.Epoch) || from.Position > uint64(len(s.feed)) {
				err = store.ErrCursorLost
			}
			there := err == nil && !s.stalled && from.Position < uint64(len(s.feed))
			if there {
				batch = s.feed[from.Position]
			}
			pace := s.pace
			s.mu.Unlock()
			if err != nil {
				yield(store.Batch{}, err)
				return
			}
			if there {
				time.Sleep(pace)
				from = batch.Cursor
				if !yield(batch, nil) {
					return
				}
				continue
			}
			select {
			case <-grown:
			case <-ctx.Done():
			}
		}
	}
}

func (s *fakeStore) ReleaseDue(context.Context) (store.Due, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweeps++
	if s.broken != nil {
		return store.Due{}, s.broken
	}
	now := s.now()
	due := store.Due{Now: now}
	for id, e := range s.events {
		for _, seat := range e.seats {
			switch {
			case seat.Status != store.Locked:
			case !now.Before(seat.LockedUntil):
				s.commit(s.change(id, seat.ID, store.Seat{}, store.ReasonLapsed))
				due.Released++
			case due.Next.At.IsZero() || seat.LockedUntil.Before(due.Next.At):
				due.Next = store.Lapse{Event: id, Seat: seat.ID, At: seat.LockedUntil}
			}
		}
	}
	return due, nil
}

// change gives the seat a new state; the caller holds mu and commits it.
func (s *fakeStore) change(event, id string, state store.Seat, reason store.Reason) store.Change {
	e := s.events[event]
	i := slices.IndexFunc(e.seats, func(seat store.Seat) bool { return seat.ID == id })
	c := store.NewChange(event, e.seats[i], state, reason)
	e.seats[i] = c.Seat
	return c
}

// commit appends one batch to the feed; the caller holds mu.
func (s *fakeStore) commit(changes ...store.Change) store.Cursor {
	return s.appendBatch(store.Batch{Changes: changes})
}

func (s *fakeStore) appendBatch(b store.Batch) store.Cursor {
	b.Cursor = store.Cursor{Epoch: s.epoch, Position: uint64(len(s.feed)) + 1}
	s.feed = append(s.feed, b)
	s.wake()
	return b.Cursor
}

func (s *fakeStore) wake() {
	close(s.grown)
	s.grown = make(chan struct{})
}

// with runs f with mu held, as one step of the store.
func (s *fakeStore) with(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.wake()
}

func (s *fakeStore) lock(event string, holder store.Holder, ttl time.Duration, seats ...string) (c store.Cursor) {
	s.with(func() {
		state := store.Seat{Status: store.Locked, LockedBy: holder, LockTime: s.now(), LockedUntil: s.now().Add(ttl)}
		c = s.commit(s.changes(event, state, store.ReasonLocked, seats)...)
	})
	return c
}

func (s *fakeStore) unlock(event string, seats ...string) (c store.Cursor) {
	s.with(func() { c = s.commit(s.changes(event, store.Seat{}, store.ReasonGivenBack, seats)...) })
	return c
}

func (s *fakeStore) changes(event string, state store.Seat, reason store.Reason, seats []string) []store.Change {
	var out []store.Change
	for _, id := range seats {
		out = append(out, s.change(event, id, state, reason))
	}
	return out
}

// toggle locks seat i for the holder, or frees it.
func (s *fakeStore) toggle(event string, i int, holder store.Holder) {
	s.with(func() {
		state := store.Seat{Status: store.Locked, LockedBy: holder, LockedUntil: s.now().Add(time.Hour)}
		if s.events[event].seats[i].Status == store.Locked {
			state = store.Seat{}
		}
		s.commit(s.change(event, strconv.Itoa(i), state, store.ReasonChanged))
	})
}

// truth is the map that each client of the event must have in the end.
func (s *fakeStore) truth(event string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := newClient("")
	for _, seat := range s.events[event].seats {
		c.seats[seat.ID] = clientSeat{seat.Status.String(), seat.Version}
	}
	return c.String()
}

// renderer writes plain lines with every fact that it is given, so that tests see
// what should not have been given. Sections have 100 seats.
type renderer struct {
	sections [][]string
	drawn    *counter
}

// counter counts calls of Seat, Section and Mine.
type counter struct {
	mu                   sync.Mutex
	seats, sections, own int
}

func (s *fakeStore) renderer(drawn *counter) func(context.Context, store.Event) (live.Renderer, error) {
	return func(_ context.Context, e store.Event) (live.Renderer, error) {
		r := renderer{drawn: drawn}
		for i := range int(e.Revision) {
			if i%100 == 0 {
				r.sections = append(r.sections, nil)
			}
			r.sections[i/100] = append(r.sections[i/100], strconv.Itoa(i))
		}
		return r, nil
	}
}

func (r renderer) Sections() [][]string { return r.sections }

func (renderer) Status(s store.Seat) store.Status { return s.Status }

func (r renderer) count(f func(c *counter)) {
	if r.drawn != nil {
		r.drawn.mu.Lock()
		defer r.drawn.mu.Unlock()
		f(r.drawn)
	}
}

// Page knows the kind "" with all seats, each section by its number, and
// "overview" without seats.
func (r renderer) Page(k live.Kind) (live.Page, bool) {
	p := page{renderer: r}
	switch n, err := strconv.Atoi(k.Section); {
	case k.Section == "":
		for i := range r.sections {
			p.shows = append(p.shows, i)
		}
	case k.Section == "overview":
	case err != nil || n >= len(r.sections):
		return nil, false
	default:
		p.shows = []int{n}
	}
	return p, true
}

type page struct {
	renderer
	shows []int
}

func (p page) Shows() []int { return p.shows }

func (r renderer) Seat(dst []byte, s store.Seat) []byte {
	r.count(func(c *counter) { c.seats++ })
	return appendSeat(append(dst, "seat "...), s)
}

func appendSeat(dst []byte, s store.Seat) []byte {
	dst = fmt.Appendf(dst, "%s %s %d %s%s", s.ID, s.Status, s.Version, s.LockedBy, s.Booking)
	if s.Extended {
		dst = append(dst, " extended"...)
	}
	return dst
}

func (r renderer) Section(dst []byte, section int, seats []store.Seat, resync bool) []byte {
	r.count(func(c *counter) { c.sections++ })
	dst = fmt.Appendf(dst, "section %d %v", section, resync)
	for _, s := range seats {
		dst = appendSeat(append(dst, "\r\nin "...), s)
	}
	return dst
}

func (r renderer) Summary(dst []byte, sections []live.Counts, changed []int) []byte {
	for _, k := range changed {
		dst = fmt.Appendf(dst, "count %d %v\n", k, sections[k])
	}
	return fmt.Appendf(dst, "counts %v", total(sections))
}

func total(sections []live.Counts) (sum live.Counts) {
	for _, c := range sections {
		for status, n := range c {
			sum[status] += n
		}
	}
	return sum
}

// whole is the kind of the event's own page.
var whole live.Kind

func viewOf(t testing.TB, b *live.Board, holder store.Holder) live.View {
	t.Helper()
	v, err := b.View(whole, holder)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (r renderer) Mine(dst []byte, m live.Mine) []byte {
	r.count(func(c *counter) { c.own++ })
	dst = append(dst, "basket"...)
	for _, s := range m.Seats {
		dst = append(dst, " "+s.ID...)
	}
	for _, s := range slices.Concat(m.Seats, m.Booked) {
		dst = appendSeat(append(dst, "\nown "...), s)
	}
	for _, l := range m.Lost {
		dst = append(appendSeat(append(dst, "\nlost "...), l.Seat), l.Reason...)
	}
	return fmt.Appendf(dst, "\nnow %d", m.Now.UnixMilli())
}

// client is a browser: it keeps a map from what its stream sends.
type client struct {
	holder store.Holder
	kind   live.Kind

	mu        sync.Mutex
	seats     map[string]clientSeat
	pressed   map[string]bool
	basket    string
	counts    string
	bySection map[string]string
	lost      []string
	now       string
	id        store.Cursor // of the last message that had one
	ids       []store.Cursor
	beats     int
	resyncs   int  // sections that came as a resync
	wholes    int  // sections that came otherwise
	guarded   bool // the section under way came otherwise
	messages  []string
	raw       bytes.Buffer
	err       error // what ended the stream
}

type clientSeat struct {
	status  string
	version int64
}

func newClient(holder store.Holder) *client {
	return &client{holder: holder, seats: map[string]clientSeat{}, pressed: map[string]bool{}, bySection: map[string]string{}}
}

// open begins with a page, as a browser does.
func open(b *live.Board, holder store.Holder) *client { return openPage(b, whole, holder) }

func openPage(b *live.Board, k live.Kind, holder store.Holder) *client {
	c := newClient(holder)
	c.kind = k
	v, err := b.View(k, holder)
	if err != nil {
		panic(err)
	}
	for _, s := range v.Seats {
		c.seats[s.ID] = clientSeat{s.Status.String(), s.Version}
	}
	for _, s := range slices.Concat(v.Mine, v.Booked) {
		c.pressed[s.ID] = true
	}
	c.id, c.counts = v.Cursor, fmt.Sprint(total(v.Sections))
	for k, n := range v.Sections {
		c.bySection[strconv.Itoa(k)] = fmt.Sprint(n)
	}
	return c
}

// stream joins and reads until ctx ends or the stream does.
func (c *client) stream(ctx context.Context, b *live.Board) {
	v, err := b.Join(ctx, c.kind, c.cursor(), c.holder)
	for err == nil {
		var parts [][]byte
		if parts, err = v.Next(ctx); err == nil {
			c.take(bytes.Join(parts, nil))
		}
	}
	if v != nil {
		v.Leave()
		v.Leave()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

// connect streams in the background, until the returned function is called or
// the test ends.
func (c *client) connect(t testing.TB, b *live.Board) (cut func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.stream(ctx, b)
	}()
	cut = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(cut)
	return cut
}

func (c *client) cursor() store.Cursor {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id
}

// take reads whole messages, as the server writes them.
func (c *client) take(data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw.Write(data)
	for message := range strings.SplitSeq(strings.TrimSuffix(string(data), "\n\n"), "\n\n") {
		c.messages = append(c.messages, message)
		for line := range strings.SplitSeq(message, "\n") {
			c.line(line)
		}
	}
}

func (c *client) line(line string) {
	field, value, _ := strings.Cut(line, ":")
	value = strings.TrimPrefix(value, " ")
	switch field {
	case "id":
		id, ok := store.ParseCursor(value)
		if !ok {
			panic("bad id " + value)
		}
		c.id = id
		c.ids = append(c.ids, id)
	case "event":
		c.beats++
	case "data":
		c.data(value)
	case "", "retry":
	default:
		panic("unknown field in " + strconv.Quote(line))
	}
}

func (c *client) data(line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "seat", "own":
		c.seat(rest, word == "own", true)
	case "in":
		c.seat(rest, false, c.guarded)
	case "section":
		if c.guarded = strings.HasSuffix(rest, "false"); c.guarded {
			c.wholes++
		} else {
			c.resyncs++
		}
	case "basket":
		c.basket = rest
	case "count":
		k, n, _ := strings.Cut(rest, " ")
		c.bySection[k] = n
	case "counts":
		c.counts = rest
	case "lost":
		c.lost = append(c.lost, rest)
	case "now":
		c.now = rest
	case "":
	default:
		panic("unknown data " + strconv.Quote(line))
	}
}

// seat follows the page's rule: an older version than the page's is dropped,
// and at equal versions the viewer's own seat stays, except in a resync.
func (c *client) seat(text string, own, guarded bool) {
	fields := strings.Fields(text)
	version, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		panic(err)
	}
	old := c.seats[fields[0]]
	if guarded && (version < old.version || version == old.version && c.pressed[fields[0]]) {
		return
	}
	c.seats[fields[0]] = clientSeat{fields[1], version}
	c.pressed[fields[0]] = own
}

// String returns the map, in order.
func (c *client) String() string {
	var b strings.Builder
	for i := range len(c.seats) {
		s := c.seats[strconv.Itoa(i)]
		fmt.Fprintf(&b, "%d=%s/%d ", i, s.status, s.version)
	}
	return b.String()
}

// own lists the seats that the page shows as the viewer's.
func (c *client) own() string {
	var ids []string
	for id, pressed := range c.pressed {
		if pressed {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// got returns the messages so far.
func (c *client) got() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.messages)
}

// look runs f with mu held, for a client whose stream may go on.
func (c *client) look(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// check compares the client's map with the store's.
func (c *client) check(t *testing.T, s *fakeStore, event string) {
	t.Helper()
	want := s.truth(event)
	c.look(func() {
		if got := c.String(); got != want {
			t.Errorf("map of %q is\n%s, want\n%s", c.holder, got, want)
		}
	})
}

// house is a store with a running hub.
type house struct {
	*fakeStore
	hub  *live.Hub
	stop func()
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// run starts a hub on the store; it stops with the test, or with stop.
func (s *fakeStore) run(t testing.TB, o live.Options, drawn *counter) *house {
	t.Helper()
	return s.runWith(t, o, s.renderer(drawn))
}

func (s *fakeStore) runWith(t testing.TB, o live.Options, newRenderer func(context.Context, store.Event) (live.Renderer, error)) *house {
	t.Helper()
	if o.Log == nil {
		o.Log = quiet()
	}
	hub := live.New(s, newRenderer, o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- hub.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
	t.Cleanup(stop)
	return &house{fakeStore: s, hub: hub, stop: stop}
}

func (h *house) board(t testing.TB, event string) *live.Board {
	t.Helper()
	b, err := h.hub.Board(t.Context(), event)
	if err != nil {
		t.Fatalf("Board(%s) = %v", event, err)
	}
	return b
}

// settle waits until everything under way has come out, windows included.
func settle() {
	time.Sleep(200 * time.Millisecond)
	synctest.Wait()
}

var errAway = errors.New("store is away")
