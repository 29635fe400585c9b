package live

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"
	"unsafe"

	"github.com/seatlock/seatlock/store"
)

// However much the feed reports of events without boards, the history is bounded,
// and has no gap after its floor.
func TestHistoryIsBounded(t *testing.T) {
	var h history
	now := time.Now()
	h.begin(7, now)
	for position := uint64(8); position < 3*maxPast; position++ {
		h.rotate(position-1, now, time.Hour)
		seat := store.Seat{ID: strconv.Itoa(int(position % 1000)), Version: 2}
		h.note(fmt.Sprint("e", position/1000), position, 0, []store.Change{{Seat: seat}})
		if size := h.old.size + h.young.size; size > 2*maxPast {
			t.Fatalf("%d seats and events are kept", size)
		}
	}
	if floor := h.floor(); floor < maxPast || floor > 2*maxPast {
		t.Errorf("after %d changes the floor is %d, want about one generation back", 3*maxPast, floor)
	}
	known := 0
	for _, one := range []generation{h.old, h.young} {
		for _, p := range one.events {
			known += len(p.seats)
		}
	}
	if want := 3*maxPast - 1 - int(h.floor()); known != want {
		t.Errorf("%d changes are known since the floor, want all %d", known, want)
	}
}

// Old entries are dropped even if no new ones come.
func TestHistoryIsDroppedInTime(t *testing.T) {
	var h history
	now := time.Now()
	h.begin(0, now)
	h.note("a", 1, 1, []store.Change{{Seat: store.Seat{ID: "1"}}})
	h.rotate(1, now.Add(time.Minute), time.Minute)
	if floor := h.floor(); floor != 0 || len(h.old.events["a"].seats) != 1 {
		t.Errorf("after a minute the floor is %d, events %v", floor, h.old.events)
	}
	h.rotate(1, now.Add(2*time.Minute), time.Minute)
	if floor := h.floor(); floor != 1 || len(h.old.events)+len(h.young.events) > 0 {
		t.Errorf("after two minutes the floor is %d, events %v, %v", floor, h.old.events, h.young.events)
	}
}

// The history of events without boards is few objects, and shares no memory with
// the requests for them: one small string would keep a whole request in memory.
func TestHistoryTakesLittleMemory(t *testing.T) {
	const events = 1000
	ids := make([]string, events)
	for i := range ids {
		ids[i] = fmt.Sprint("e", i)
	}
	var h history
	h.begin(0, time.Now())
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i, id := range ids {
		h.note(id, uint64(i), 1, nil)
	}
	h.keep(&Board{id: "quiet", table: &table{}}) // of which there is nothing to tell
	runtime.GC()
	runtime.ReadMemStats(&after)
	if objects := int(after.HeapObjects) - int(before.HeapObjects); len(h.young.events) != events || objects > events/2 {
		t.Errorf("%d events are %d objects", len(h.young.events), objects)
	}
	b, _ := New(nil, nil, Options{}).entry(ids[0])
	if b.id != ids[0] || unsafe.StringData(b.id) == unsafe.StringData(ids[0]) {
		t.Errorf("the board %s keeps the text that asked for it", b.id)
	}
	runtime.KeepAlive(h)
}

// The number of deadlines is bounded, and the next one is never dropped.
func TestDeadlinesAreBounded(t *testing.T) {
	d, now := newDeadlines(), time.Now()
	for i := range 2 * maxDeadlines {
		end := now.Add(time.Hour + time.Duration(i%777)*time.Second)
		if i == maxDeadlines/2 {
			end = now.Add(time.Minute)
		}
		d.learn([]store.Change{{Event: "a", Seat: store.Seat{ID: strconv.Itoa(i), Status: store.Locked, LockedUntil: end}}}, now)
	}
	if len(d.ends) > maxDeadlines || len(d.queue) > 2*maxDeadlines+1000 {
		t.Errorf("%d locks and %d ends are kept", len(d.ends), len(d.queue))
	}
	if got := d.first(); !got.Equal(now.Add(time.Minute)) {
		t.Errorf("the next lock ends at %v, want in a minute of %v", got, now)
	}
}
