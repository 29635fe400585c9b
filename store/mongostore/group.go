package mongostore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/seatlock/seatlock/store"
)

// request is one caller who waits for a decision.
type request struct {
	question
	decide func(view) (decision, error)

	ctx      context.Context
	deadline time.Time // no try begins after it
	last     error     // of a try that failed
	decided  bool      // by the last try
	out      store.Outcome
	err      error
	done     chan struct{}
}

// queues has the requests of each event that wait for the next group. One
// group of an event is under way at a time: requests that come meanwhile are
// the next, and so, under load, when it matters, one transaction serves many.
// All documents of it are of one event, and so on one shard.
type queues struct {
	mu      sync.Mutex
	waiting map[string][]*request // by event; an entry, if only an empty one, where a group is under way
}

// groupSize bounds the seats that a group asks for and those that it writes,
// give or take a request. A seat costs about a quarter of a millisecond.
const groupSize = 1000

// add queues a request, and reports whether nobody works who would take it.
func (q *queues) add(r *request) (idle bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	list, busy := q.waiting[r.event]
	if q.waiting == nil {
		q.waiting = map[string][]*request{}
	}
	q.waiting[r.event] = append(list, r)
	return !busy
}

// next takes the requests of one group. With none left, nobody works any more.
func (q *queues) next(event string) []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	list := q.waiting[event]
	n, seats := 0, 0
	for n < len(list) && seats < groupSize {
		seats += 1 + len(list[n].seats)
		n++
	}
	if n == 0 {
		delete(q.waiting, event)
		return nil
	}
	q.waiting[event] = slices.Clone(list[n:])
	return list[:n:n]
}

// back puts requests before those that wait.
func (q *queues) back(event string, requests []*request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting[event] = append(requests, q.waiting[event]...)
}

// leave takes a request out of those that wait, and reports whether it was
// still there.
func (q *queues) leave(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting[r.event], r)
	if i < 0 {
		return false
	}
	q.waiting[r.event] = slices.Delete(slices.Clone(q.waiting[r.event]), i, i+1)
	return true
}

// change has a request decided and what follows written. Once its group has
// begun it is not cut off by ctx: that would leave its outcome unknown, where
// it is soon known.
func (s *Store) change(ctx context.Context, what string, q question, decide func(view) (decision, error)) (store.Outcome, error) {
	_, end, err := s.begin(ctx)
	if err != nil {
		return store.Outcome{}, fmt.Errorf("%s: %w", what, err)
	}
	defer end()
	r := &request{
		question: q, decide: decide, ctx: ctx,
		deadline: time.Now().Add(callTimeout), done: make(chan struct{}),
	}
	if s.queues.add(r) {
		s.run(q.event, s.queues.next(q.event))
		s.calls.Go(func() { s.work(q.event) })
	}
	s.await(r)
	if r.err != nil {
		return r.out, fmt.Errorf("%s: %w", what, r.err)
	}
	return r.out, nil
}

// await returns once the request is answered. One that still waits when its
// caller leaves, or its time is over, is answered so.
func (s *Store) await(r *request) {
	late := time.NewTimer(time.Until(r.deadline))
	defer late.Stop()
	select {
	case <-r.done:
		return
	case <-r.ctx.Done():
	case <-late.C:
	}
	if s.queues.leave(r) {
		r.gone()
	}
	<-r.done
}

// work runs groups of an event until no request waits.
func (s *Store) work(event string) {
	for group := s.queues.next(event); len(group) > 0; group = s.queues.next(event) {
		s.run(event, group)
	}
}

// run answers each request of a group, or puts it back. A try of which nothing
// was written is followed by another. One whose outcome is not known is not:
// by then what it gave back may be somebody else's.
func (s *Store) run(event string, group []*request) {
	for try := 0; ; try++ {
		group = slices.DeleteFunc(group, (*request).gone)
		if len(group) == 0 {
			return
		}
		err := s.attempt(event, group)
		switch {
		case err == nil:
			s.queues.back(event, slices.DeleteFunc(group, (*request).answered))
			return
		case errors.Is(err, errDamaged) && len(group) > 1: // no business of those who did not ask for it
			for i := range group {
				s.run(event, group[i:i+1:i+1])
			}
			return
		}
		if errors.Is(err, store.ErrUnknown) || !passing(err) {
			for _, r := range group {
				r.fail(writeError(err))
			}
			return
		}
		for _, r := range group {
			r.last = writeError(err)
		}
		if try > 1 { // by now a rival that lives would have made room
			s.clearWay()
		}
		pause(context.Background(), try)
	}
}

// answered tells the caller what was decided, if it was.
func (r *request) answered() bool {
	if r.decided {
		close(r.done)
	}
	return r.decided
}

// gone answers a request that is out of time, or whose caller has left, and
// reports whether it did.
func (r *request) gone() bool {
	left := r.ctx.Err()
	if left == nil && time.Now().Before(r.deadline) {
		return false
	}
	switch {
	case left != nil:
		r.fail(left)
	case r.last != nil:
		r.fail(r.last)
	default:
		r.fail(unavailable(errBusy))
	}
	return true
}

func (r *request) fail(err error) {
	r.out, r.err = store.Outcome{}, err
	close(r.done)
}

// attempt decides all requests of a group, one after the other, and writes
// what follows, in one transaction. After an error but ErrUnknown none of it
// was written. Refusals too are told only once the transaction is committed:
// they rest on nothing then that could be taken back, or that is older than
// what anybody was acknowledged.
func (s *Store) attempt(event string, group []*request) error {
	h := s.home.Load()
	if h == nil {
		return unavailable(s.notReady())
	}
	latest := group[0].deadline
	for _, r := range group {
		if r.deadline.After(latest) {
			latest = r.deadline
		}
	}
	ctx, cancel := context.WithDeadline(context.Background(), latest)
	defer cancel()
	return s.primary.once(ctx, func(ctx context.Context) error {
		sales := s.findSales(ctx, h, event)
		at, err := s.transact(ctx, func(ctx context.Context) (wrote bool, err error) {
			f, err := s.find(ctx, event, group)
			if err != nil {
				return false, err
			}
			if f.event, err = sales(); err != nil {
				return false, err
			}
			w := f.decideAll(group)
			return len(w) > 0, s.put(ctx, w)
		})
		if err != nil {
			return err
		}
		for _, r := range group {
			r.out.Cursor = h.cursor(at)
		}
		return nil
	})
}

// decideAll lets each request see what those before it come to.
//
// A request that changes nothing must have read at one instant: that of the
// transaction's beginning. If those before it changed something that it looked
// at, what it saw of that is of the transaction's end, and it is left for the
// next group. One that changes something relies on what it writes alone, and
// that is the same at both instants, or the transaction fails. What would make
// the transaction too large is left for the next group as well.
func (f *found) decideAll(group []*request) (w writes) {
	for _, r := range group {
		q := f.known(r.question)
		v, err := f.view(q)
		var d decision
		if err == nil {
			d, err = r.decide(v)
		}
		changes := err == nil && (len(d.rows) > 0 || d.clock.version > 0)
		r.decided = len(w) < groupSize && (changes || !f.changed(q))
		if !r.decided {
			continue
		}
		r.out, r.err = d.out, err
		if changes {
			f.apply(d, &w)
		}
	}
	return w
}
