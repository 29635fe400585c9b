//go:build prove

package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/seatlock/seatlock/store"
)

// Trade is what bookings are measured with: holders with two locked seats each
// for each event, who book, and what the engine has written for each of them.
type Trade struct {
	store.Engine
	s *store.Store

	mu    sync.Mutex
	wrote map[string]Wrote // by event and holder, by the last decision
}

// Wrote is what one decision has written, and over which records.
type Wrote struct {
	store.Writes
	Event  string
	Holder store.Holder
	Over   []store.Record
}

// NewTrade makes the events, and has n holders lock their seats, many at a time.
func NewTrade(ctx context.Context, e store.Engine, n int) (*Trade, error) {
	t := &Trade{Engine: e, wrote: map[string]Wrote{}}
	t.s = store.New(t)
	for _, event := range []string{atTheDoor, online} {
		hall := hall(event, 2*n)
		if err := t.s.CreateEvent(ctx, hall); err != nil {
			return nil, err
		}
		if err := t.Each(256, n, func(i int) error {
			_, err := t.s.Lock(ctx, store.LockRequest{Event: event, Holder: trader(i), Seats: hall.Seats[2*i:][:2], Rules: store.DefaultRules()})
			return err
		}); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Each has callers do what is to be done n times, and returns an error of one.
func (t *Trade) Each(callers, n int, do func(i int) error) error {
	next, failed := make(chan int), make(chan error, callers)
	var working sync.WaitGroup
	for range callers {
		working.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					failed <- fmt.Errorf("number %d: %w", i, err)
					for range next { // the others are not done
					}
					return
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	working.Wait()
	close(failed)
	return <-failed
}

// Decide implements [store.Engine], and keeps what is written.
func (t *Trade) Decide(ctx context.Context, q store.Question, rule func(store.View) store.Decision) (store.Decision, store.Cursor, error) {
	var over []store.Record
	d, at, err := t.Engine.Decide(ctx, q, func(v store.View) store.Decision {
		over = v.Records
		return rule(v)
	})
	if len(q.Records) > 0 && err == nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.wrote[q.Event+"/"+string(q.Holder)] = Wrote{Writes: d.Writes(), Event: q.Event, Holder: q.Holder, Over: over}
	}
	return d, at, err
}

// Step is one decision of a booking's life. A step takes what those before it
// have left.
type Step struct {
	What  string
	event string
	do    func(ctx context.Context, s *store.Store, i int) error
}

// Do has the holder of this number take the step.
func (t *Trade) Do(ctx context.Context, step Step, i int) error { return step.do(ctx, t.s, i) }

// Wrote is what the step of this holder has written last.
func (t *Trade) Wrote(step Step, i int) Wrote {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.wrote[step.event+"/"+string(trader(i))]
}

const atTheDoor, online = "at-the-door", "online"

func trader(i int) store.Holder { return store.Holder(fmt.Sprintf("holder-%016d", i)) }

// BookingSteps are the steps, in their order.
func BookingSteps() []Step {
	return []Step{
		{"begin, at the door", atTheDoor, func(ctx context.Context, s *store.Store, i int) error {
			_, err := s.Begin(ctx, atDoor(order(atTheDoor, i)))
			return err
		}},
		{"begin to pay", online, func(ctx context.Context, s *store.Store, i int) error {
			_, err := s.Begin(ctx, order(online, i))
			return err
		}},
		{"confirm", online, func(ctx context.Context, s *store.Store, i int) error {
			_, err := s.Confirm(ctx, store.Attempt{ID: codeOf(online, i) + "-1", Version: 1, Ref: "payment-" + codeOf(online, i)})
			return err
		}},
		{"cancel, refund wanted", online, func(ctx context.Context, s *store.Store, i int) error {
			_, err := s.Cancel(ctx, store.CancelRequest{Code: codeOf(online, i), Holder: trader(i)})
			return err
		}},
	}
}

// order is a request to pay for the seats of the holder of this number.
func order(event string, i int) store.BeginRequest {
	code := codeOf(event, i)
	return store.BeginRequest{
		Event: event, Holder: trader(i), Code: code, Request: "form-" + code, Contents: strings.Repeat("0", 64), Revision: 1,
		Person: store.Person{Name: "Anna Adler", Email: "anna@example.org"}, Provider: "demo", Rules: store.DefaultPayRules(0),
		Lines: []store.Line{lineOf(fmt.Sprint("s", 2*i+1)), lineOf(fmt.Sprint("s", 2*i+2))},
	}
}

// codeOf is the code of the booking of a number, which scatters as codes do.
func codeOf(event string, i int) string {
	const letters = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
	n := uint64(i+1) * 0x9E3779B97F4A7C15
	if event == online {
		n = ^n
	}
	code := make([]byte, 10)
	for at := range code {
		code[at] = letters[n%uint64(len(letters))]
		n /= uint64(len(letters))
	}
	return string(code)
}
