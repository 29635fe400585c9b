package handlers

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// plans are bodies by hash. Reading one waits for the gate, if there is one.
type plans struct {
	bodies map[string][]byte
	gate   chan struct{}
	reads  atomic.Int32
}

func (p *plans) Plan(ctx context.Context, hash string) ([]byte, error) {
	p.reads.Add(1)
	if p.gate != nil {
		select {
		case <-p.gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return p.bodies[hash], nil
}

// rowOf is a plan of one row.
func rowOf(seats int) []byte {
	row := plan.Row{Label: "A"}
	for i := range seats {
		row.Seats = append(row.Seats, plan.Seat{ID: fmt.Sprint("A", i), Label: fmt.Sprint(i), Category: "all", X: float64(i)})
	}
	return plan.Plan{Categories: []plan.Category{{ID: "all", Name: "All"}}, Sections: []plan.Section{{ID: "S", Name: "S", Rows: []plan.Row{row}}}}.Encode()
}

func eventWith(id, plan string) store.Event {
	return store.Event{ID: id, Title: id, Zone: "UTC", Currency: "EUR", Prices: map[string]int64{"all": 100}, Plan: plan, Revision: 1}
}

// Who asks first and leaves takes nothing from the others: they get the one
// hall that was begun for all.
func TestHallIsMadeOnceForAll(t *testing.T) {
	p := &plans{bodies: map[string][]byte{"p": rowOf(10)}, gate: make(chan struct{})}
	h := newHalls(p, DefaultMemory)
	leaving, leave := context.WithCancel(t.Context())
	first := make(chan error)
	go func() {
		_, err := h.of(leaving, eventWith("e", "p"))
		first <- err
	}()
	for p.reads.Load() == 0 {
		runtime.Gosched()
	}
	var all sync.WaitGroup
	made := make([]*prepared, 20)
	for i := range made {
		all.Go(func() {
			var err error
			if made[i], err = h.of(t.Context(), eventWith("e", "p")); err != nil {
				t.Error(err)
			}
		})
	}
	leave()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("who has left is told %v", err)
	}
	close(p.gate)
	all.Wait()
	again, err := h.of(t.Context(), eventWith("e", "p"))
	if err != nil || slices.ContainsFunc(made, func(m *prepared) bool { return m != again }) || p.reads.Load() != 1 {
		t.Errorf("%d plans were read, and not all have the same hall: %v", p.reads.Load(), err)
	}
	changed := eventWith("e", "p")
	changed.Prices = map[string]int64{"all": 200} // as after a restore: the same revision of another history
	if other, err := h.of(t.Context(), changed); err != nil || other == again {
		t.Errorf("another event has the same hall, %v", err)
	}
}

func TestBrokenPlanIsAnError(t *testing.T) {
	h := newHalls(&plans{bodies: map[string][]byte{
		"none": nil, "empty": []byte(`{}`), "cut": rowOf(5)[:40], "list": []byte(`[]`), "null": []byte(`null`),
		"no rows": []byte(`{"sections":[{"id":"S"}]}`),
	}}, DefaultMemory)
	for _, name := range []string{"none", "empty", "cut", "list", "null", "no rows"} {
		if p, err := h.of(t.Context(), eventWith("e", name)); !errors.Is(err, errUndrawable) || p != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	lost := eventWith("e", "fine")
	lost.Zone = "Mars/Olympus"
	if _, err := makePrepared(lost, rowOf(5)); err == nil || !strings.Contains(err.Error(), "Mars/Olympus") {
		t.Errorf("an unknown zone: %v", err)
	}
}

// A failure is remembered for some seconds, and no more of them than can be kept.
func TestDrawingThatFailedIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHalls(&plans{}, DefaultMemory)
		for i := range 2 * maxFailed {
			h.note(fmt.Errorf("load: %w", undrawableError{eventWith(fmt.Sprint("e", i), "p"), errors.New("damaged")}))
		}
		h.note(store.ErrUnavailable)
		if why, ok := h.failedLately("e0"); !ok || !errors.Is(why, errUndrawable) || why.event.ID != "e0" || len(h.failed) != maxFailed {
			t.Errorf("%v %t, and %d are remembered, want %d", why, ok, len(h.failed), maxFailed)
		}
		time.Sleep(failedFor)
		if why, ok := h.failedLately("e0"); ok {
			t.Errorf("later it is still %v", why)
		}
		h.note(undrawableError{eventWith("new", "p"), errors.New("damaged")})
		if len(h.failed) != 1 {
			t.Errorf("%d are remembered, want the new one", len(h.failed))
		}
	})
}

// Of what is too much, boards that nobody watches are let go, and those that
// were asked for longest ago first.
func TestHallsAreKeptByUse(t *testing.T) {
	const fits = 3
	p := &plans{bodies: map[string][]byte{"p": rowOf(10)}}
	h := newHalls(p, fits*10*bytesPerSeat)
	boards := map[string]*prepared{} // as the hub has them
	var watched string
	var gone []string
	h.letGo = func(event string) bool {
		if event == watched {
			return false
		}
		delete(boards, event)
		gone = append(gone, event)
		return true
	}
	open := func(id string) {
		t.Helper()
		h.use(id)
		made, err := h.of(t.Context(), eventWith(id, "p"))
		if err != nil {
			t.Fatal(err)
		}
		boards[id] = made
	}
	open("a")
	open("b")
	open("c")
	open("a") // used again
	if len(gone) != 0 {
		t.Errorf("%v are gone, though all fits", gone)
	}
	watched = "b"
	open("d")
	open("e")
	if want := []string{"c", "a"}; !slices.Equal(gone, want) {
		t.Errorf("%v are gone, want %v", gone, want)
	}
	h.limit, gone = 1, nil
	open("f") // which is more than the limit, and in use
	if want := []string{"d", "e"}; !slices.Equal(gone, want) || boards["f"] == nil || boards["b"] == nil {
		t.Errorf("%v are gone, want %v", gone, want)
	}
	// What ends with its board is not counted any more.
	clear(boards)
	runtime.GC()
	if ids, bytes := h.byUse(); len(ids) != 0 || bytes != 0 {
		t.Errorf("%v are still there, of %d bytes", ids, bytes)
	}
}

// The figure that halls are reckoned by is what they take, or somewhat more.
func TestMemoryOfHalls(t *testing.T) {
	file, err := plan.Demo("arena")
	if err != nil {
		t.Fatal(err)
	}
	body, e := file.Plan.Encode(), eventWith("arena", "arena")
	e.Prices = file.Prices
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	p, err := makePrepared(e, body)
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	seats := len(p.layout.place)
	each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / int64(seats)
	t.Logf("%d bytes for each of %d seats, %d objects", each, seats, int(after.HeapObjects)-int(before.HeapObjects))
	// Few objects: small ones that stay hold the room of those beside them that are gone.
	if objects := int(after.HeapObjects) - int(before.HeapObjects); objects > seats/2 {
		t.Errorf("%d objects for %d seats", objects, seats)
	}
	// The board's own table is beside it.
	if each > bytesPerSeat || each < bytesPerSeat/2 {
		t.Errorf("%d bytes a seat, reckoned with %d", each, bytesPerSeat)
	}
	runtime.KeepAlive(p)
	runtime.KeepAlive(body)
}

func TestBasketKnowsOfTheExtension(t *testing.T) {
	now := time.Now()
	// A clock of an instance with another --lock-ttl: its length tells nothing.
	seat := store.Seat{ID: "A1", Status: store.Locked, LockedBy: "me", LockTime: now, LockedUntil: now.Add(20 * time.Minute)}
	if b := basketOf([]store.Seat{seat}, nil, now); b.Lock.Extended || !b.Lock.Deadline.Equal(seat.LockedUntil) {
		t.Errorf("a long clock: %+v", b.Lock)
	}
	longer := seat
	longer.Extended = true
	for _, seats := range [][]store.Seat{{longer}, {longer, seat}, {seat, longer}} {
		if b := basketOf(seats, nil, now); !b.Lock.Extended {
			t.Errorf("an extended clock: %+v", b.Lock)
		}
	}
}
