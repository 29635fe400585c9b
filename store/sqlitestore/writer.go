package sqlitestore

import (
	"context"
	"errors"
	"fmt"
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
	view
	epoch    string
	position int64 // of the last change written
}

func (t *tx) cursor() store.Cursor {
	return store.Cursor{Epoch: t.epoch, Position: uint64(t.position)}
}

// do has the writer run fn, and returns once that is committed. An error of
// the domain means that fn changed nothing: it refuses before it writes.
func (s *Store) do(ctx context.Context, what string, fn func(*tx) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	j := &job{run: fn, done: make(chan error, 1)}
	select {
	case <-s.closing: // checked first: a closing writer may still take jobs
		return fmt.Errorf("%s: %w", what, store.ErrUnavailable)
	default:
	}
	select {
	case s.queue <- j:
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", what, ctx.Err())
	case <-s.closing:
		return fmt.Errorf("%s: %w", what, store.ErrUnavailable)
	}
	if err := s.await(ctx, j); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// write is do for a result. A caller that does not learn the outcome gets none:
// the writer may still be busy with it.
func write[T any](ctx context.Context, s *Store, what string, fn func(*tx) (T, error)) (T, error) {
	var result T
	err := s.do(ctx, what, func(t *tx) (err error) {
		result, err = fn(t)
		return err
	})
	if err != nil && !store.IsAnswer(err) {
		var none T
		return none, err
	}
	return result, err
}

func (s *Store) await(ctx context.Context, j *job) error {
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
	case <-s.stopped:
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
func (s *Store) serve() {
	defer close(s.stopped)
	housekeep := time.NewTimer(housekeepPeriod)
	defer housekeep.Stop()
	for {
		select {
		case j := <-s.queue:
			s.commitGroup(s.gather(j))
		case <-housekeep.C:
			housekeep.Reset(s.housekeep())
		case <-s.closing:
			for {
				select {
				case j := <-s.queue:
					s.commitGroup(s.gather(j))
				default:
					return
				}
			}
		}
	}
}

func (s *Store) gather(first *job) []*job {
	group := make([]*job, 0, 16)
	for j := first; ; {
		if j.state.CompareAndSwap(waiting, running) {
			group = append(group, j)
		}
		if len(group) == groupSize {
			return group
		}
		select {
		case j = <-s.queue:
		default:
			return group
		}
	}
}

// commitGroup runs the jobs in one transaction and tells each its result after
// the commit. A job that fails in a way it should not is told so, and the
// others run again without it.
func (s *Store) commitGroup(group []*job) {
	for len(group) > 0 {
		results := make([]error, len(group))
		failed, err := s.transact(group, results)
		if err == nil {
			s.announce()
			for i, j := range group {
				j.done <- results[i]
			}
			return
		}
		if !errors.Is(err, store.ErrUnknown) {
			err = fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
		s.log.Error("write to the store", "error", err)
		if failed < 0 { // nothing can be written now
			for _, j := range group {
				j.done <- err
			}
			return
		}
		group[failed].done <- err
		group = append(group[:failed:failed], group[failed+1:]...)
	}
}

// transact returns which job broke the transaction, or -1 if none in
// particular did. After an error nothing was changed, but for ErrUnknown.
func (s *Store) transact(group []*job, results []error) (failed int, err error) {
	defer func() {
		if err != nil && !s.writer.AutocommitEnabled() {
			_, rollback := (view{Conn: s.writer}).exec("ROLLBACK")
			err = errors.Join(err, rollback)
		}
	}()
	v := view{s.writer, time.Time{}}
	if _, err := v.exec("BEGIN IMMEDIATE"); err != nil {
		return -1, err
	}
	t := &tx{view: v, epoch: s.epoch}
	// Read inside the transaction: another process may have committed.
	if t.position, err = t.lastPosition(); err != nil {
		return -1, err
	}
	for i, j := range group {
		t.now = s.clock.now()
		err := runJob(j, t)
		if err != nil && !store.IsAnswer(err) {
			if resource(err) {
				return -1, err
			}
			return i, err
		}
		results[i] = err
	}
	_, err = v.exec("COMMIT")
	if sqlite.ErrCode(err) == sqlite.ResultIOErrFsync {
		// Written, and rolled back here, but read again if we die now.
		err = fmt.Errorf("%w: %w", store.ErrUnknown, err)
	}
	return -1, err
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

// announce wakes the feeds.
func (s *Store) announce() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.committed)
	s.committed = make(chan struct{})
}

func (s *Store) nextCommit() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.committed
}

// housekeep prunes, and returns when to do so again.
func (s *Store) housekeep() time.Duration {
	more := false
	j := &job{done: make(chan error, 1), run: func(t *tx) (err error) {
		more, err = t.prune(maxChanges)
		return err
	}}
	s.commitGroup([]*job{j})
	if err := <-j.done; err != nil {
		s.log.Warn("housekeeping of the store", "error", err)
		return housekeepPeriod
	}
	if more {
		return housekeepPause
	}
	return housekeepPeriod
}

// pruneSize bounds how long housekeeping keeps other writers waiting.
const pruneSize = 10_000

// prune drops what nobody can need: changes that are old or too many, but
// never the last, then sessions past their end and clocks that are over. It
// tells whether there is more to prune.
//
// The changes that stay are one run without a gap, even where a step of the
// wall clock between two processes put their times out of order.
func (t *tx) prune(keep int64) (more bool, err error) {
	first, err := t.firstPosition()
	if err != nil {
		return false, err
	}
	upTo := min(t.position, first+pruneSize)
	n, err := t.exec(`DELETE FROM changes WHERE position < coalesce((
		SELECT min(position) FROM changes WHERE position < ?1 AND at >= ?2 AND position > ?3), ?1)`,
		upTo, t.now.Add(-keepChanges), t.position-keep)
	if err != nil || n == pruneSize {
		return true, err
	}
	if _, err := t.exec(`DELETE FROM sessions WHERE expires <= ?`, t.now); err != nil {
		return false, err
	}
	_, err = t.exec(`DELETE FROM locks WHERE deadline <= ?1 AND NOT EXISTS (
		SELECT 1 FROM seats WHERE seats.event = locks.event AND seats.locked_by = locks.holder
			AND seats.status IN ('locked', 'paying'))`, t.now)
	return false, err
}

// lastPosition returns the position of the newest change.
func (v view) lastPosition() (int64, error) {
	return v.number(`SELECT coalesce(max(position), 0) FROM changes`)
}

// firstPosition returns the position of the oldest change that is kept.
func (v view) firstPosition() (int64, error) {
	return v.number(`SELECT coalesce(min(position), 1) FROM changes`)
}

// number returns the one number that a statement selects.
func (v view) number(query string) (n int64, err error) {
	err = v.each(query, func(stmt *sqlite.Stmt) error {
		n = stmt.ColumnInt64(0)
		return nil
	})
	return n, err
}
