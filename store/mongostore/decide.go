package mongostore

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/seatlock/seatlock/store"
)

// request is one caller who waits for a decision.
type request struct {
	store.Question
	rule func(store.View) store.Decision

	ctx      context.Context
	deadline time.Time // no try begins after it
	last     error     // of a try that failed
	decided  bool      // by the last try
	decision store.Decision
	at       store.Cursor
	err      error
	done     chan struct{}
}

// Decide implements [store.Engine]. Once the group of a request has begun it is
// not cut off by ctx: that would leave its outcome unknown, where it is soon
// known.
func (e *Engine) Decide(ctx context.Context, q store.Question, rule func(store.View) store.Decision) (store.Decision, store.Cursor, error) {
	if err := store.CheckKeys(e.kinds, q.Records...); err != nil {
		return store.Decision{}, store.Cursor{}, err
	}
	_, leave, err := e.enter(ctx)
	if err != nil {
		return store.Decision{}, store.Cursor{}, err
	}
	defer leave()
	r := &request{
		Question: q, rule: rule, ctx: ctx,
		deadline: time.Now().Add(callTimeout), done: make(chan struct{}),
	}
	if e.queues.add(r) {
		e.run(q.Event, e.queues.next(q.Event))
		e.calls.Go(func() { e.work(q.Event) })
	}
	e.await(r)
	return r.decision, r.at, r.err
}

// await returns once the request is answered. One that still waits when its
// caller leaves, or its time is over, is answered so.
func (e *Engine) await(r *request) {
	late := time.NewTimer(time.Until(r.deadline))
	defer late.Stop()
	select {
	case <-r.done:
		return
	case <-r.ctx.Done():
	case <-late.C:
	}
	if e.queues.leave(r) {
		r.gone()
	}
	<-r.done
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
	r.decision, r.at, r.err = store.Decision{}, store.Cursor{}, err
	close(r.done)
}

// attempt decides all requests of a group, one after the other, and writes
// what follows, in one transaction. After an error but ErrUnknown none of it
// was written. Refusals too are told only once the transaction is committed:
// they rest on nothing then that could be taken back, or that is older than
// what anybody was acknowledged.
func (e *Engine) attempt(event string, group []*request) error {
	o := e.opened.Load()
	if o == nil {
		return unavailable(e.whyNotReady())
	}
	latest := group[0].deadline
	for _, r := range group {
		if r.deadline.After(latest) {
			latest = r.deadline
		}
	}
	ctx, cancel := context.WithDeadline(context.Background(), latest)
	defer cancel()
	return e.primary.once(ctx, func(ctx context.Context) error {
		if err := e.mayWrite(ctx); err != nil {
			return err
		}
		find := e.eventFinder(ctx, o, event, group)
		at, err := e.transact(ctx, func(ctx context.Context) (wrote bool, err error) {
			g, err := e.find(ctx, event, group, find)
			if err != nil {
				return false, err
			}
			w := e.decideAll(g, group)
			return w.any(), e.put(ctx, w)
		})
		if err != nil {
			return err
		}
		for _, r := range group {
			r.at = o.cursor(at)
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
// the transaction too large, and what has come to name seats that were not
// read, is left for the next group as well.
func (e *Engine) decideAll(g *groupView, group []*request) (w writes) {
	for _, r := range group {
		if r.decided = !w.full(); !r.decided {
			continue
		}
		v, read := e.decideOne(g, r)
		if r.decided = read || r.err != nil; !read {
			continue
		}
		wanted := r.decision.Writes()
		if wanted.Empty() {
			r.decided = !g.changed(r.Question, v)
			continue
		}
		if r.err = errors.Join(v.Check(r.Question, wanted), store.CheckIndexes(e.kinds, wanted.Records)); r.err == nil {
			g.include(r.Question, wanted, &w)
		} else {
			r.decision, r.err = store.Decision{}, writeError(r.err)
		}
	}
	return w
}

// decideOne has the rule of a request decide, if what its question asks was
// read. A panic of the rule is an error of that request alone.
func (e *Engine) decideOne(g *groupView, r *request) (v store.View, read bool) {
	defer func() {
		if p := recover(); p != nil {
			e.log.Error("a rule panics", "panic", p, "stack", string(debug.Stack()))
			r.decision, r.err, read = store.Decision{}, unavailable(fmt.Errorf("panic: %v", p)), false
		}
	}()
	r.decision, r.err = store.Decision{}, nil
	if v, read = g.view(r.Question); read {
		r.decision = r.rule(v)
	}
	return v, read
}

// run answers each request of a group, or puts it back. A try of which nothing
// was written is followed by another. One whose outcome is not known is not:
// by then what it gave back may be somebody else's.
func (e *Engine) run(event string, group []*request) {
	for try := 0; ; try++ {
		group = slices.DeleteFunc(group, (*request).gone)
		if len(group) == 0 {
			return
		}
		err := e.attempt(event, group)
		switch {
		case err == nil:
			e.queues.back(event, slices.DeleteFunc(group, (*request).answered))
			return
		case len(group) > 1 && !errors.Is(err, store.ErrUnknown) && (errors.Is(err, errDamaged) || refused(err) && !passing(err)):
			// No business of those who did not ask for what is damaged, or too large.
			for i := range group {
				e.run(event, group[i:i+1:i+1])
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
			e.endAbandoned()
		}
		pause(context.Background(), try)
	}
}
