package handlers_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
)

// delayed is a store whose feed lags.
type delayed struct {
	*store.Store
	by time.Duration
}

func delay(by time.Duration) func(*store.Store) served {
	return func(s *store.Store) served { return delayed{s, by} }
}

func (d delayed) Changes(ctx context.Context, from store.Cursor) iter.Seq2[store.Batch, error] {
	return func(yield func(store.Batch, error) bool) {
		for batch, err := range d.Store.Changes(ctx, from) {
			select {
			case <-time.After(d.by):
			case <-ctx.Done():
				return
			}
			if !yield(batch, err) {
				return
			}
		}
	}
}

func TestStreamHeaders(t *testing.T) {
	h := open(t, setting{})
	s := h.visitor(t).follow("", "")
	for name, want := range map[string]string{
		"Content-Type":      "text/event-stream",
		"Cache-Control":     "no-store, no-transform",
		"X-Accel-Buffering": "no",
	} {
		if got := s.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if line, err := s.lines.ReadString('\n'); err != nil || !strings.HasPrefix(line, ":") {
		t.Errorf("first line %q (%v), want a comment at once", line, err)
	}
	if s.header.Get("Set-Cookie") != "" {
		t.Error("a stream sets a cookie")
	}
}

// TestCursorThatIsNone: garbage, another epoch, too long; each is a full
// resync inside the stream, and never an error.
func TestCursorThatIsNone(t *testing.T) {
	h := open(t, setting{})
	h.visitor(t).post("lock", "A1")
	for name, cursor := range map[string]string{
		"none":        "",
		"garbage":     "💥:-1",
		"other epoch": "0123456789abcdef:1",
		"too long":    strings.Repeat("9", 300),
		"too far":     newScreen(h.visitor(t).get("/events/demo").text).cursor + "999",
		"script":      `"><script>alert(1)</script>`,
	} {
		t.Run(name, func(t *testing.T) {
			for _, asHeader := range []bool{false, true} {
				page := &screen{seats: map[string]shown{}}
				p := h.visitor(t)
				s := p.follow(cursor, "")
				if asHeader && cursor != "" && cursor != "💥:-1" {
					s = p.follow("", cursor)
				}
				s.until(page, "a resync", func() bool { return len(page.seats) == 100 && page.cursor != "" })
				if page.resyncs == 0 || !page.equals(h.truth(t)) {
					t.Errorf("%d resyncs, map equal: %t", page.resyncs, page.equals(h.truth(t)))
				}
			}
		})
	}
}

func TestLastEventIDWins(t *testing.T) {
	h := open(t, setting{})
	p := h.visitor(t)
	before := newScreen(p.get("/events/demo").text)
	p.post("lock", "A1")
	after := newScreen(p.get("/events/demo").text)
	s := p.follow("garbage", before.cursor)
	s.until(before, "the lock", func() bool { return before.seats["A1"].mine })
	if before.resyncs != 0 || !before.equals(after.seats) {
		t.Errorf("%d resyncs; equal: %t", before.resyncs, before.equals(after.seats))
	}
}

// TestStreamCutAtEveryChange cuts a stream at each of 200 changes and resumes
// it from its last cursor, half of them on a second server on the same file:
// every one of them ends with the map of a stream that was never cut.
func TestStreamCutAtEveryChange(t *testing.T) {
	const changes = 200
	// Each change has a frame of its own; none waits for others to share it.
	at := setting{path: filepath.Join(t.TempDir(), "seatlock.db"), live: live.Options{Window: time.Millisecond}}
	first := open(t, at)
	page := first.visitor(t).get("/events/demo").text

	screens := make([]*screen, changes)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	uncut := newScreen(page)
	stay := first.visitor(t).follow(uncut.cursor, "")
	versions := map[string]int64{}
	actor := actor{t: t, store: first.store, random: random, versions: versions}
	for i := range changes {
		if i == changes/2 {
			// The first server ends; another takes the file over.
			stay.cancel()
			first.stop()
			first = open(t, at)
			actor.store = first.store
			stay = first.visitor(t).follow(uncut.cursor, uncut.cursor)
		}
		screens[i] = newScreen(page)
		screens[i].cursor, screens[i].seats = uncut.cursor, maps.Clone(uncut.seats) // cut here
		seat := actor.change()
		stay.until(uncut, fmt.Sprint("change ", i), func() bool { return int64(uncut.seats[seat].version) == versions[seat] })
	}
	want := first.truth(t)
	if !uncut.equals(want) {
		t.Fatal("the uncut stream differs from a new page")
	}
	for i, s := range screens {
		resumed := first.visitor(t).follow("", s.cursor)
		resumed.until(s, fmt.Sprintf("the map, cut at %d", i), func() bool { return s.equals(want) })
		resumed.cancel()
		if s.resyncs != 0 {
			t.Errorf("cut at %d: a whole map was sent", i)
		}
	}
	if uncut.resyncs != 0 {
		t.Errorf("%d resyncs of the stream that moved between servers", uncut.resyncs)
	}
}

// actor makes one random change at a time, as some holder.
type actor struct {
	t        *testing.T
	store    *store.Store
	random   *rand.Rand
	versions map[string]int64
}

func (a *actor) change() (seat string) {
	a.t.Helper()
	for {
		seat = fmt.Sprintf("%c%d", 'A'+rune(a.random.IntN(10)), 1+a.random.IntN(10))
		holder := store.Holder(fmt.Sprintf("holder-%d", a.random.IntN(20)))
		var out store.Outcome
		var err error
		if a.random.IntN(2) == 0 {
			out, err = a.store.Lock(a.t.Context(), store.LockRequest{Event: "demo", Holder: holder, Seats: []string{seat}, Rules: store.DefaultRules()})
		} else {
			out, err = a.store.Unlock(a.t.Context(), store.UnlockRequest{Event: "demo", Holder: holder, Seats: []string{seat}})
		}
		if err != nil {
			continue // refused: nothing changed
		}
		if version := out.Seats[0].Version; version > max(1, a.versions[seat]) {
			a.versions[seat] = version
			return seat
		}
	}
}

// TestOwnSeatsOnEveryTab: the first frame of a stream has the viewer's own
// seats, whatever the cursor, and later ones show them as theirs at once.
func TestOwnSeatsOnEveryTab(t *testing.T) {
	h := open(t, setting{})
	p, other := h.visitor(t), h.visitor(t)
	p.get("/events/demo")
	p.post("lock", "A1")
	now := newScreen(p.get("/events/demo").text)

	tab := &screen{seats: map[string]shown{}}
	s := p.follow(now.cursor, "")
	s.until(tab, "own seats", func() bool { return tab.seats["A1"].mine })
	if tab.resyncs != 0 {
		t.Error("a resync, want only the own part")
	}
	p.post("lock", "A2")
	s.until(tab, "the second seat", func() bool { return tab.seats["A2"].mine })

	others := &screen{seats: map[string]shown{}}
	o := other.follow("", "")
	o.until(others, "the map", func() bool { return others.seats["A2"].status == "locked" })
	if others.seats["A1"].mine || others.seats["A2"].mine {
		t.Error("somebody else's seats are shown as theirs")
	}
}

// TestLapseIsTold: a lock that runs out is free on every screen by itself, and
// its holder is told.
func TestLapseIsTold(t *testing.T) {
	rules := store.DefaultRules()
	rules.TTL = 500 * time.Millisecond
	h := open(t, setting{rules: rules})
	p := h.visitor(t)
	page := newScreen(p.get("/events/demo").text)
	s := p.follow(page.cursor, "")
	p.post("lock", "A1")
	limit := time.AfterFunc(20*time.Second, s.cancel)
	defer limit.Stop()
	for told := false; !told; {
		_, id, data, err := s.next()
		if err != nil {
			t.Fatal(err)
		}
		page.message(id, data)
		told = strings.Contains(data, "Your time ran out: Row A seat 1")
	}
	if got := page.seats["A1"]; got.status != "available" || got.version != 3 {
		t.Errorf("A1 shows %v", got)
	}
	if r := h.visitor(t).post("lock", "A1"); r.StatusCode != 200 {
		t.Errorf("the lapsed seat is not to be had: %d", r.StatusCode)
	}
}

// TestShutdownEndsStreams: each stream gets a last word with a time to come
// back, and ends.
func TestShutdownEndsStreams(t *testing.T) {
	h := open(t, setting{})
	var streams []*stream
	for range 20 {
		s := h.visitor(t).follow("", "")
		page := &screen{seats: map[string]shown{}}
		s.until(page, "the map", func() bool { return len(page.seats) == 100 && page.cursor != "" })
		streams = append(streams, s)
	}
	go h.stop()
	for _, s := range streams {
		last := ""
		for {
			line, err := s.lines.ReadString('\n')
			if strings.HasPrefix(line, "retry: ") {
				last = line
			}
			if err != nil {
				break
			}
		}
		if last == "" {
			t.Error("a stream ended without a time to come back")
		}
	}
}
