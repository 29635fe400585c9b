package sqlitestore

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/seatlock/seatlock/store"
)

const (
	tryEvery = 2 * time.Second        // however often the store is asked
	tryWait  = 500 * time.Millisecond // for a try under way, if the last one was good
	tryGood  = 8 * time.Second        // how long that one counts
)

// Ping implements [store.Engine]. All who ask share a write, and learn within
// ten seconds that none can be made.
func (e *Engine) Ping(ctx context.Context) error {
	err := e.read(ctx, func(r reader) error {
		if _, err := r.meta("epoch"); err != nil {
			return err
		}
		format, err := r.format()
		if err == nil {
			err = format.Check()
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := e.files.check(); err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return e.tries.ask(ctx, func() error { return e.do(context.Background(), (*tx).leaveMark) })
}

// leaveMark changes a row that nobody reads.
func (t *tx) leaveMark() error {
	return t.setMeta("written", strconv.FormatInt(t.now.UnixMilli(), 10))
}

// tries are the tries to write: one at a time, for all who ask.
type tries struct {
	mu    sync.Mutex
	ended time.Time     // when the last try ended
	err   error         // what came of it
	under chan struct{} // closed when the try under way ends; nil if there is none
}

// ask tells what came of the last try, and begins another if that is a while ago.
func (t *tries) ask(ctx context.Context, try func() error) error {
	t.mu.Lock()
	if t.under == nil && time.Since(t.ended) >= tryEvery {
		t.under = make(chan struct{})
		go t.run(try)
	}
	under, err := t.under, t.err
	wait := tryGood - time.Since(t.ended)
	t.mu.Unlock()
	if under == nil {
		return err
	}
	var late <-chan time.Time // never, if there is no good try to fall back on
	if err == nil && wait > 0 {
		late = time.After(min(wait, tryWait))
	}
	select {
	case <-under:
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.err
	case <-late:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fail tells of a write of others that failed: it may have needed more room than
// a try does.
func (t *tries) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err, t.ended = err, time.Now()
}

func (t *tries) run(try func() error) {
	err := try()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err, t.ended = err, time.Now()
	close(t.under)
	t.under = nil
}
