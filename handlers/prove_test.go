//go:build prove

package handlers_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
)

// TestProveMongoFaults takes the primary away from two instances with 8
// visitors at work and 100 who watch. In the end every visitor must have
// exactly the seats that they were told are theirs, and everybody's map must
// be the one that a new page shows.
func TestProveMongoFaults(t *testing.T) {
	fmt.Println("> Two instances, 8 visitors who lock and unlock, 100 who watch; three MongoDB servers, election\n> timeout 2 s. *Back* is when the first request sent after the fault was done. *Lost* are acknowledged\n> locks that are gone, *twice* seats that two visitors were told are theirs.\n> ")
	fmt.Println("| primary | writes back, s | locks acknowledged | answers 503 | lost | twice | viewers | wrong maps | whole maps sent |")
	fmt.Println("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
	for _, fault := range []struct {
		name string
		of   func(t *testing.T, m *testengine.Mongo) (back func())
	}{
		{"killed", func(t *testing.T, m *testengine.Mongo) func() {
			node := m.Primary(t)
			m.Kill(t, node)
			return func() { m.Restart(t, node) }
		}},
		{"frozen", func(t *testing.T, m *testengine.Mongo) func() {
			node := m.Primary(t)
			m.Freeze(t, node)
			return func() { m.Thaw(t, node) }
		}},
		{"stepped down", func(t *testing.T, m *testengine.Mongo) func() {
			m.StepDown(t)
			return func() {}
		}},
	} {
		t.Run(fault.name, func(t *testing.T) {
			m := testengine.StartMongo(t, testengine.MongoOptions{Election: 2 * time.Second})
			m.Settled(t)
			uri := m.NewDatabase(t)
			s := &scene{T: t, houses: []*house{open(t, setting{path: uri}), open(t, setting{path: uri})}}
			s.begin(8, 100)
			s.untilAcknowledged(200)
			s.began = time.Now()
			back := fault.of(t, m)
			s.faulty.Store(true)
			s.untilBack()
			s.untilAcknowledged(200)
			back()
			m.Settled(t)
			s.untilAcknowledged(200)
			lost, twice, wrong, resyncs := s.end()
			fmt.Printf("| %s | %.1f | %d | %d | %d | %d | %d | %d | %d |\n", fault.name, time.Duration(s.backAfter.Load()).Seconds(),
				s.acknowledged.Load(), s.refused.Load(), lost, twice, len(s.viewers), wrong, resyncs)
			if lost+twice+wrong > 0 {
				t.Errorf("%d locks lost, %d given twice, %d wrong maps", lost, twice, wrong)
			}
		})
	}
}

// scene is visitors at work and others who watch.
type scene struct {
	*testing.T
	houses  []*house
	writers []*writer
	viewers []*watcher

	acknowledged, refused, backAfter atomic.Int64

	began  time.Time // of the fault; to be read once faulty
	faulty atomic.Bool

	stop    context.CancelFunc
	working sync.WaitGroup // the writers
	looking context.CancelFunc
	playing sync.WaitGroup // the viewers
}

func (s *scene) begin(writers, viewers int) {
	working, stop := context.WithCancel(s.Context())
	looking, look := context.WithCancel(s.Context())
	s.stop, s.looking = stop, look
	s.Cleanup(func() { stop(); look(); s.working.Wait(); s.playing.Wait() })
	for i := range viewers {
		v := &watcher{person: s.houses[i%2].visitor(s.T)}
		v.screen = newScreen(v.get("/events/demo").text)
		s.viewers = append(s.viewers, v)
		s.playing.Go(func() { v.watch(looking) })
	}
	for i := range writers {
		w := &writer{person: s.houses[i%2].visitor(s.T), mine: map[string]bool{}}
		w.get("/events/demo")
		s.writers = append(s.writers, w)
		s.working.Go(func() { s.write(working, w) })
	}
}

// writer is a visitor who knows what they were told is theirs.
type writer struct {
	*person
	mine map[string]bool
}

func (s *scene) write(ctx context.Context, w *writer) {
	for ctx.Err() == nil {
		if len(w.mine) > 5 {
			if s.insist(w, "unlock", "") == http.StatusOK {
				clear(w.mine)
			}
			continue
		}
		seat := fmt.Sprintf("%c%d", 'A'+rune(rand.IntN(10)), 1+rand.IntN(10))
		if !w.mine[seat] && s.insist(w, "lock", seat) == http.StatusOK {
			w.mine[seat] = true
			s.acknowledged.Add(1)
		}
	}
}

// insist repeats a request while it is answered 503.
func (s *scene) insist(w *writer, action, seat string) (status int) {
	form := url.Values{}
	if seat != "" {
		form.Set("seat", seat)
	}
	for {
		after := s.faulty.Load()
		response, err := w.http.Do(w.form(action, form.Encode()))
		if err != nil {
			s.Errorf("%s %s: %v", action, seat, err)
			return 0
		}
		response.Body.Close()
		if after && response.StatusCode == http.StatusOK {
			s.backAfter.CompareAndSwap(0, int64(time.Since(s.began)))
		}
		if response.StatusCode != http.StatusServiceUnavailable {
			return response.StatusCode
		}
		s.refused.Add(1)
	}
}

// watcher is a viewer whose stream comes back whenever it ends.
type watcher struct {
	*person
	mu     sync.Mutex
	screen *screen
}

func (v *watcher) watch(ctx context.Context) {
	for ctx.Err() == nil {
		s, err := v.tryFollow("", v.screen.cursor)
		if err != nil {
			time.Sleep(time.Second) // as a browser does
			continue
		}
		cut := context.AfterFunc(ctx, s.cancel)
		for {
			event, id, data, err := s.next()
			if err != nil {
				break
			}
			if event == "" {
				v.mu.Lock()
				v.screen.message(id, data)
				v.mu.Unlock()
			}
		}
		cut()
		s.cancel()
	}
}

func (v *watcher) shows(want map[string]shown) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.screen.equals(want)
}

func (s *scene) until(what string, done func() bool) {
	s.Helper()
	for began := time.Now(); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			s.Fatalf("waited a minute until %s", what)
		}
	}
}

func (s *scene) untilAcknowledged(more int64) {
	s.Helper()
	want := s.acknowledged.Load() + more
	s.until("more locks are acknowledged", func() bool { return s.acknowledged.Load() >= want })
}

func (s *scene) untilBack() {
	s.Helper()
	s.until("writes are back", func() bool { return s.backAfter.Load() != 0 })
}

// end stops the writers and compares what everybody was told with what is so.
func (s *scene) end() (lost, twice, wrong, resyncs int) {
	s.stop()
	s.working.Wait()
	owners := map[string]int{}
	for _, w := range s.writers {
		has := map[string]bool{}
		for seat, now := range seatsIn(w.get("/events/demo").text) {
			if now.mine {
				has[seat] = true
			}
		}
		for seat := range w.mine {
			if owners[seat]++; owners[seat] == 2 {
				twice++
			}
			if !has[seat] {
				lost++
			}
		}
		if !maps.Equal(has, w.mine) && lost == 0 {
			s.Errorf("a visitor has %v and was told %v", has, w.mine)
		}
	}
	truth := s.houses[0].truth(s.T)
	limit := time.Now().Add(30 * time.Second)
	for _, v := range s.viewers {
		for !v.shows(truth) && time.Now().Before(limit) {
			time.Sleep(5 * time.Millisecond)
		}
		if !v.shows(truth) {
			wrong++
		}
	}
	s.looking()
	s.playing.Wait()
	for _, v := range s.viewers {
		resyncs += v.screen.resyncs
	}
	return lost, twice, wrong, resyncs
}

// TestProveMongoExpiry measures how long after its deadline a lock is shown as
// over by each of several instances, and how often they ask the store for that.
func TestProveMongoExpiry(t *testing.T) {
	fmt.Println("> 100 locks that end one after the other over 4 s, then 100 at the same moment. *Late* is from the\n> deadline to the arrival of the frame at a viewer of each instance; *calls* are all that the instances\n> together made to release locks.\n> ")
	fmt.Println("| instances | one by one: late p50, ms | p95 | max | calls | at once: late p50, ms | p95 | max | calls |")
	fmt.Println("|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	for _, instances := range []int{1, 4, 8} {
		e := newExpiry(t, instances)
		apart := e.round(40 * time.Millisecond)
		together := e.round(0)
		fmt.Printf("| %d | %s | %s |\n", instances, apart, together)
		e.close()
	}
}

// counted counts the sweeps.
type counted struct {
	*store.Store
	calls *atomic.Int64
}

func (c counted) ReleaseDue(ctx context.Context) (store.Due, error) {
	c.calls.Add(1)
	return c.Store.ReleaseDue(ctx)
}

type expiry struct {
	*testing.T
	houses  []*house
	streams []*stream
	calls   atomic.Int64
}

func newExpiry(t *testing.T, instances int) *expiry {
	e := &expiry{T: t}
	uri := testengine.ReplicaSet(t).NewDatabase(t)
	for range instances {
		h := open(t, setting{path: uri, wrap: func(s *store.Store) served { return counted{s, &e.calls} }})
		visitor := h.visitor(t)
		e.houses = append(e.houses, h)
		e.streams = append(e.streams, visitor.follow(newScreen(visitor.get("/events/demo").text).cursor, ""))
	}
	return e
}

func (e *expiry) close() {
	for i, h := range e.houses {
		e.streams[i].cancel()
		h.stop()
	}
}

type lateness struct {
	late  []time.Duration
	calls int64
}

func (l lateness) String() string {
	slices.Sort(l.late)
	at := func(part float64) float64 {
		return float64(l.late[int(part*float64(len(l.late)-1))].Microseconds()) / 1000
	}
	return fmt.Sprintf("%.0f | %.0f | %.0f | %d", at(0.5), at(0.95), at(1), l.calls)
}

// round locks all seats, to end by gap after each other, and waits until every
// viewer is told that they are free.
func (e *expiry) round(gap time.Duration) lateness {
	e.Helper()
	deadlines := map[string]time.Time{}
	began := time.Now()
	for i := range 100 {
		seat := fmt.Sprintf("%c%d", 'A'+rune(i/10), 1+i%10)
		ttl := 3*time.Second + time.Duration(i)*gap - time.Since(began)
		out, err := e.houses[0].store.Lock(e.Context(), store.LockRequest{
			Event: "demo", Holder: store.Holder(fmt.Sprintf("%v-%d", gap, i)), Seats: []string{seat},
			Rules: store.Rules{TTL: ttl, Total: ttl, MaxSeats: 1},
		})
		if err != nil {
			e.Fatal(err)
		}
		deadlines[seat] = out.Seats[0].LockedUntil
	}
	calls := e.calls.Load()
	var mu sync.Mutex
	var all lateness
	var watching sync.WaitGroup
	for _, s := range e.streams {
		watching.Go(func() {
			late := e.watch(s, deadlines)
			mu.Lock()
			defer mu.Unlock()
			all.late = append(all.late, late...)
		})
	}
	watching.Wait()
	all.calls = e.calls.Load() - calls
	if want := len(deadlines) * len(e.streams); len(all.late) != want {
		e.Fatalf("%d ends were told, want %d", len(all.late), want)
	}
	return all
}

func (e *expiry) watch(s *stream, deadlines map[string]time.Time) (late []time.Duration) {
	limit := time.AfterFunc(30*time.Second, s.cancel)
	defer limit.Stop()
	locked := map[string]bool{}
	for len(late) < len(deadlines) {
		event, _, data, err := s.next()
		if err != nil {
			e.Errorf("a stream ended: %v", err)
			return late
		}
		if event != "" {
			continue
		}
		for seat, now := range seatsIn(data) {
			switch {
			case now.status == "locked":
				locked[seat] = true
			case locked[seat]:
				delete(locked, seat)
				late = append(late, time.Since(deadlines[seat]))
			}
		}
	}
	return late
}
