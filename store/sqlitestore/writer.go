package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/seatlock/seatlock/store"
)

// job is one request in the writer's queue. Its run may be called again after
// a roll-back, so it sets its results and adds to nothing.
type job struct {
	run   func(*tx) error
	state atomic.Int32
	done  chan error
}

const (
	waiting = iota
	running
	abandoned // by its caller, before the writer came to it
)

// tx is the write transaction that a group of jobs shares.
type tx struct {
	reader
	epoch    string
	alone    string // a command's that has written nothing yet: the server's lock file
	kinds    []store.Kind
	position int64 // of the last change written

	found []store.Record // those that the question names, as they are stored
}

func (t *tx) cursor() store.Cursor {
	return store.Cursor{Epoch: t.epoch, Position: uint64(t.position)}
}

// do has the writer run fn, and returns once that is committed. An error of
// the contract means that fn changed nothing: it refuses before it writes.
func (e *Engine) do(ctx context.Context, fn func(*tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{run: fn, done: make(chan error, 1)}
	select {
	case <-e.closing: // checked first: a closing writer may still take jobs
		return store.ErrUnavailable
	default:
	}
	select {
	case e.queue <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-e.closing:
		return store.ErrUnavailable
	}
	return e.await(ctx, j)
}

// write is do for a result. A caller that does not learn the outcome gets none:
// the writer may still be busy with it.
func write[T any](ctx context.Context, e *Engine, fn func(*tx) (T, error)) (T, error) {
	var result T
	err := e.do(ctx, func(t *tx) (err error) {
		result, err = fn(t)
		return err
	})
	if err != nil && !store.IsAnswer(err) {
		var none T
		return none, err
	}
	return result, err
}

func (e *Engine) await(ctx context.Context, j *job) error {
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		if j.state.CompareAndSwap(waiting, abandoned) {
			return ctx.Err()
		}
		select {
		case err := <-j.done: // known by now after all
			return err
		default:
			return fmt.Errorf("%w: %w", store.ErrUnknown, ctx.Err())
		}
	case <-e.stopped:
		select {
		case err := <-j.done:
			return err
		default:
			return store.ErrUnavailable // queued behind the writer's last look
		}
	}
}

// serve is the one writer: it takes what is queued, up to groupSize, and
// commits it at once.
func (e *Engine) serve() {
	defer close(e.stopped)
	housekeep := time.NewTimer(e.firstPrune)
	defer housekeep.Stop()
	clock := time.NewTicker(compareEvery)
	defer clock.Stop()
	shrink := time.NewTicker(e.shrinkEvery)
	defer shrink.Stop()
	for {
		select {
		case j := <-e.queue:
			e.commitGroup(e.gather(j))
		case done := <-e.scrubs:
			done <- e.truncateLog()
		case <-housekeep.C:
			housekeep.Reset(e.housekeep())
		case <-shrink.C:
			e.shrink()
		case <-clock.C:
			e.clock.now() // which follows the wall clock when nobody asks, too
		case <-e.closing:
			for {
				select {
				case j := <-e.queue:
					e.commitGroup(e.gather(j))
				default:
					return
				}
			}
		}
	}
}

func (e *Engine) gather(first *job) []*job {
	group := make([]*job, 0, 16)
	for j := first; ; {
		if j.state.CompareAndSwap(waiting, running) {
			group = append(group, j)
		}
		if len(group) == groupSize {
			return group
		}
		select {
		case j = <-e.queue:
		default:
			return group
		}
	}
}

// commitGroup runs the jobs in one transaction and tells each its result after
// the commit. A job that fails in a way it should not is told so, and the
// others run again without it.
func (e *Engine) commitGroup(group []*job) {
	for len(group) > 0 {
		results := make([]error, len(group))
		failed, err := e.transact(group, results)
		if err == nil {
			e.signalCommit()
			for i, j := range group {
				j.done <- results[i]
			}
			return
		}
		if !errors.Is(err, store.ErrUnknown) {
			err = fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
		if failed < 0 { // nothing can be written now
			e.tries.fail(err)
			e.trouble.log(e.log, "nothing can be written to the store", err)
			for _, j := range group {
				j.done <- err
			}
			return
		}
		e.faults.log(e.log, "write to the store", err)
		group[failed].done <- err
		group = append(group[:failed:failed], group[failed+1:]...)
	}
}

// transact returns which job broke the transaction, or -1 if none in
// particular did. After an error nothing was changed, but for ErrUnknown.
func (e *Engine) transact(group []*job, results []error) (failed int, err error) {
	defer func() {
		if err != nil && !e.writer.AutocommitEnabled() {
			_, rollback := (reader{Conn: e.writer}).exec("ROLLBACK")
			err = errors.Join(err, rollback)
		}
	}()
	t := &tx{reader: reader{Conn: e.writer}, kinds: e.kinds, alone: e.alone}
	if err := t.begin(); err != nil {
		return -1, err
	}
	// Read inside the transaction: another process may have committed, or
	// upgraded the file.
	if err := e.checkFormat(t.reader); err != nil {
		return -1, err
	}
	if err := t.readHead(); err != nil {
		return -1, err
	}
	for i, j := range group {
		t.now = e.clock.now()
		err := runJob(j, t)
		if err != nil && !store.IsAnswer(err) {
			if resource(err) {
				return -1, err
			}
			return i, err
		}
		results[i] = err
	}
	if err := e.files.check(); err != nil {
		return -1, err
	}
	_, err = t.exec("COMMIT")
	if err == nil {
		if err = e.files.check(); err != nil { // they went meanwhile, with the commit or without
			err = fmt.Errorf("%w: %w", store.ErrUnknown, err)
		}
		e.alone = t.alone
	}
	if sqlite.ErrCode(err) == sqlite.ResultIOErrFsync {
		// Written, and rolled back here, but read again if we die now.
		err = fmt.Errorf("%w: %w", store.ErrUnknown, err)
	}
	return -1, err
}

// complaint is a line for the log that comes once a minute at most, however
// often there is reason for it.
type complaint struct {
	last    time.Time
	leftOut int
}

const complainEvery = time.Minute

func (c *complaint) log(to *slog.Logger, line string, err error) {
	if !c.last.IsZero() && time.Since(c.last) < complainEvery {
		c.leftOut++
		return
	}
	to.Error(line, "error", err, "left_out", c.leftOut)
	*c = complaint{last: time.Now()}
}

// readHead finds where the feed ends.
func (t *tx) readHead() error {
	head, err := t.head()
	t.epoch, t.position = head.Epoch, int64(head.Position)
	return err
}

// begin waits for another process that writes. SQLite's own wait looks every
// tenth of a second, and so never finds the moment between two commits of one
// that is busy; this one looks often enough to get its turn.
func (r reader) begin() error {
	for deadline := time.Now().Add(busyTimeout); ; {
		_, err := r.exec("BEGIN IMMEDIATE")
		if sqlite.ErrCode(err).ToPrimary() != sqlite.ResultBusy || time.Now().After(deadline) {
			return err
		}
		time.Sleep(50*time.Microsecond + rand.N(time.Millisecond))
	}
}

// runJob turns a panic of one request into its error, so that the writer lives.
func runJob(j *job, t *tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return j.run(t)
}

// signalCommit wakes the feeds.
func (e *Engine) signalCommit() {
	e.mu.Lock()
	defer e.mu.Unlock()
	close(e.committed)
	e.committed = make(chan struct{})
}

func (e *Engine) nextCommit() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.committed
}
