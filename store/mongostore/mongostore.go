// Package mongostore keeps Seatlock's store in a MongoDB replica set: the
// engine that any number of instances share. It fulfils [store.Store].
//
// Requests for an event that come while a transaction of it is under way share
// the next one: it reads what they need, they are decided one after the other
// by the pure rules of package store, and what follows is written, each
// document on the condition that it still has the version that was read. If
// one has not, nothing is written and the transaction begins anew. The feed is
// a change stream: a seat is always written as a whole, so that the event of
// each write tells all that there is to tell.
package mongostore

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/seatlock/seatlock/store"
)

var _ store.Store = (*Store)(nil)

// Limits on how long anything waits for the servers. They add up to what a
// visitor can be asked to bear while another primary is elected.
const (
	connectTimeout   = 2 * time.Second
	heartbeat        = 500 * time.Millisecond // the driver believes that a server is gone after two misses
	selectionTimeout = 3 * time.Second
	commandTimeout   = 2 * time.Second         // of one command: a frozen server must not hold us longer
	tryTimeout       = 2500 * time.Millisecond // of one try of a request or a commit
	callTimeout      = 5 * time.Second         // of a whole request, with all its tries
	commitTimeout    = 5 * time.Second         // of a commit that was sent: its outcome is worth a wait
	createTimeout    = time.Minute             // of a whole event, as long as servers keep a transaction
	snapshotTimeout  = 20 * time.Second
)

// Options say how to open a store.
type Options struct {
	// Log gets what no caller is told. Nil is silence.
	Log *slog.Logger
}

// Store is a database of a replica set. Use Open.
type Store struct {
	db        *mongo.Database
	log       *slog.Logger
	settings  settings
	primary   *primary
	queues    queues
	abandoned abandoned
	home      atomic.Pointer[home] // nil while the store is not ready
	trouble   atomic.Pointer[error]
	floor     atomic.Uint64 // place of the last that the feed could not tell
	lost      chan struct{} // has an element when home must be found anew

	life context.Context // ends with Close
	end  context.CancelFunc
	kept chan struct{} // closed when keep has ended

	mu     sync.RWMutex
	closed bool
	calls  sync.WaitGroup
	close  func() error
}

// home is what is read once from a store that is ready.
type home struct {
	epoch  string
	since  uint64 // the first position of this epoch
	secret []byte
	sales  salesTimes
}

func (h *home) cursor(at bson.Timestamp) store.Cursor {
	return store.Cursor{Epoch: h.epoch, Position: position(at)}
}

func position(at bson.Timestamp) uint64 { return uint64(at.T)<<32 | uint64(at.I) }

func timestamp(position uint64) bson.Timestamp {
	return bson.Timestamp{T: uint32(position >> 32), I: uint32(position)}
}

// Close implements [store.Store].
func (s *Store) Close() error { return s.close() }

func (s *Store) shut() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	<-s.kept
	s.calls.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	if err := s.db.Client().Disconnect(ctx); err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}

// begin lets a call in, unless the store is closed, not ready, or ctx has
// ended. The call then has to end before Close does.
func (s *Store) begin(ctx context.Context) (h *home, end func(), err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, nil, fmt.Errorf("%w: closed", store.ErrUnavailable)
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if h = s.home.Load(); h == nil {
		return nil, nil, fmt.Errorf("%w: %w", store.ErrUnavailable, s.notReady())
	}
	s.calls.Add(1)
	return h, s.calls.Done, nil
}

func (s *Store) notReady() error {
	if err := s.trouble.Load(); err != nil {
		return *err
	}
	return errNotYet
}

// read runs fn, which reads a little, again and again until that is done or
// callTimeout is over.
func (s *Store) read(ctx context.Context, what string, fn func(context.Context, *home) error) error {
	return s.scan(ctx, what, callTimeout, func(ctx context.Context, h *home) error {
		return s.primary.again(ctx, func(ctx context.Context) error { return fn(ctx, h) })
	})
}

// scan runs fn, which may read much, and ends it after limit.
func (s *Store) scan(ctx context.Context, what string, limit time.Duration, fn func(context.Context, *home) error) error {
	h, end, err := s.begin(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer end()
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := fn(limited, h); err != nil {
		return fmt.Errorf("%s: %w", what, readError(ctx, err))
	}
	return nil
}

// write runs fn with a context that ends after limit and not with ctx. Cutting
// a write off would cost the connection and leave its outcome unknown, where
// it is soon known.
func (s *Store) write(ctx context.Context, what string, limit time.Duration, fn func(context.Context, *home) error) error {
	h, end, err := s.begin(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer end()
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if err := fn(limited, h); err != nil {
		return fmt.Errorf("%s: %w", what, writeError(err))
	}
	return nil
}

// Now implements [store.Store].
func (s *Store) Now(ctx context.Context) (now time.Time, err error) {
	err = s.read(ctx, "now", func(ctx context.Context, _ *home) error {
		reply, err := s.hello(ctx)
		now = reply.LocalTime.UTC()
		return err
	})
	return now, err
}

// Ping implements [store.Store].
func (s *Store) Ping(ctx context.Context) error {
	return s.read(ctx, "ping", func(ctx context.Context, _ *home) error {
		_, err := s.snapshotTime(ctx)
		return err
	})
}

// Secret implements [store.Store].
func (s *Store) Secret(ctx context.Context) ([]byte, error) {
	h, end, err := s.begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	defer end()
	return append([]byte(nil), h.secret...), nil
}

// tidy does what the servers are told when all is done, and never long.
func tidy(do func(context.Context)) {
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	do(ctx)
}

// pause waits a little longer after each try, and never in step with others.
// It returns at once when ctx ends.
func pause(ctx context.Context, try int) {
	longest := 4 * time.Millisecond << min(try, 6)
	timer := time.NewTimer(time.Millisecond + rand.N(longest))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
