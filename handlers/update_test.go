package handlers_test

import (
	"context"
	"iter"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// TestUpdatedEventIsShown: what an organizer corrects is on all pages within a
// second, also on those of another instance. A stream that is open sends the
// map anew, once, and goes on; a lock goes on, and costs what it costs now.
func TestUpdatedEventIsShown(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		h := open(t, setting{})
		updatedEventIsShown(t, h, h)
	})
	t.Run("two instances on MongoDB", func(t *testing.T) {
		uri := testengine.ReplicaSet(t).NewDatabase(t)
		updatedEventIsShown(t, open(t, setting{path: uri}), open(t, setting{path: uri}))
	})
}

func updatedEventIsShown(t *testing.T, updated, shown *house) {
	const newTitle, newPrice = "An Evening, Corrected", "€1,234.56"
	p := shown.visitor(t)
	page := newScreen(p.get("/events/demo").text)
	s := p.follow(page.cursor, "")
	p.post("lock", "A1")
	s.until(page, "the lock", func() bool { return page.seats["A1"].mine })

	update(t, updated.store, newTitle, 123456)
	within := time.Now().Add(time.Second)
	for {
		text := shown.visitor(t).get("/events/demo").text
		if strings.Contains(text, newTitle) && strings.Contains(text, newPrice) {
			break
		}
		if time.Now().After(within) {
			t.Fatalf("after a second the page has the title: %t, the price: %t",
				strings.Contains(text, newTitle), strings.Contains(text, newPrice))
		}
		time.Sleep(5 * time.Millisecond)
	}
	if text := p.get("/").text; !strings.Contains(text, newTitle) {
		t.Error("the list of events has the old title")
	}

	limit := time.AfterFunc(20*time.Second, s.cancel)
	defer limit.Stop()
	var told strings.Builder
	for page.resyncs == 0 || !strings.Contains(told.String(), `id="basket"`) {
		_, id, data, err := s.next()
		if err != nil {
			t.Fatalf("the stream ended: %v", err)
		}
		page.message(id, data)
		told.WriteString(data)
	}
	if seat := page.seats["A1"]; !strings.Contains(told.String(), newPrice) || !seat.mine || seat.version != 2 {
		t.Errorf("the stream tells the new price: %t, and shows the lock as %+v", strings.Contains(told.String(), newPrice), seat)
	}
	sections := page.resyncs
	p.post("lock", "A2")
	s.until(page, "the next lock", func() bool { return page.seats["A2"].mine })
	if page.resyncs != sections {
		t.Errorf("the map came again, with %d sections beyond the %d", page.resyncs-sections, sections)
	}
}

// update gives the demo another title, and all its seats one price.
func update(t *testing.T, s *store.Store, title string, price int64) {
	t.Helper()
	e, err := s.Event(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	e.Title = title
	for category := range e.Prices {
		e.Prices[category] = price
	}
	if _, err := s.UpdateEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

// lateFeed tells of new definitions only once a seat was locked.
type lateFeed struct {
	*store.Store
	armed  atomic.Bool
	locked chan struct{}
}

func (l *lateFeed) Lock(ctx context.Context, r store.LockRequest) (store.Outcome, error) {
	defer close(l.locked)
	return l.Store.Lock(ctx, r)
}

func (l *lateFeed) Changes(ctx context.Context, from store.Cursor) iter.Seq2[store.Batch, error] {
	return func(yield func(store.Batch, error) bool) {
		for batch, err := range l.Store.Changes(ctx, from) {
			if l.armed.Load() && len(batch.Events) > 0 {
				select {
				case <-l.locked:
				case <-ctx.Done():
				}
			}
			if !yield(batch, err) {
				return
			}
		}
	}
}

// TestNewSeatIsAnswered: who asks for a seat before this instance has heard of
// it is answered with it, its name and its price.
func TestNewSeatIsAnswered(t *testing.T) {
	late := &lateFeed{locked: make(chan struct{})}
	h := open(t, setting{wrap: func(s *store.Store) served { late.Store = s; return late }})
	p := h.visitor(t)
	p.get("/events/demo") // the board is there
	file, err := plan.Demo("demo")
	if err != nil {
		t.Fatal(err)
	}
	rows := file.Plan.Sections[0].Rows
	last := &rows[len(rows)-1]
	last.Seats = append(last.Seats, plan.Seat{ID: "new", Label: "99", Category: "rear", Y: 100})
	late.armed.Store(true)
	e, err := h.store.Event(t.Context(), "demo")
	if err == nil {
		_, err = h.store.AddSeats(t.Context(), store.NewEvent{Event: e, PlanBody: file.Plan.Encode(), Seats: file.Plan.SeatIDs()})
	}
	if err != nil {
		t.Fatal(err)
	}
	answer := p.post("lock", "new")
	if !seatsIn(answer.text)["new"].mine || !strings.Contains(answer.text, "Row "+last.Label+" seat 99<") {
		t.Errorf("a lock answers %d:\n%s", answer.StatusCode, answer.text)
	}
}
