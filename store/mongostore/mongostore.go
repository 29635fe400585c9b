// Package mongostore keeps Seatlock's store in a MongoDB replica set: the
// engine that any number of instances share. It fulfils [store.Engine].
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
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/seatlock/seatlock/store"
)

var _ store.Engine = (*Engine)(nil)

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
	planTimeout      = time.Minute             // of all seats of an event, as long as servers keep a transaction
	snapshotTimeout  = 20 * time.Second
)

// Options say how to open a database.
type Options struct {
	// Log gets what no caller is told. Nil is silence.
	Log *slog.Logger
	// Program is this program's version, kept with a database that it makes.
	Program string
	// Kinds are the kinds of record that there are. Nil is [store.Kinds].
	Kinds []store.Kind
	// Make makes the database where there is none, and what is missing of its
	// collections and indexes. Without it, a database that is not there is an
	// error.
	Make bool
}

// Engine is a database of a replica set. Use Open.
type Engine struct {
	db        *mongo.Database
	log       *slog.Logger
	settings  settings
	program   string
	kinds     []store.Kind
	make      bool
	primary   *primary
	queues    queues
	abandoned abandoned
	format    formatWatch
	opened    atomic.Pointer[opened] // nil while the database is not ready
	notReady  atomic.Pointer[error]  // why
	floor     atomic.Uint64          // place of the last that the feed could not tell
	pinged    atomic.Int64           // when Ping last wrote, in Unix nanoseconds
	stale     chan struct{}          // has an element when the database must be opened anew

	life       context.Context // ends with Close
	end        context.CancelFunc
	background sync.WaitGroup

	mu     sync.RWMutex
	closed bool
	calls  sync.WaitGroup
	close  func() error
}

// opened is what is read once from a database that is ready.
type opened struct {
	epoch  string
	since  uint64      // the first position of this epoch
	seats  bson.Binary // which collection of that name it is of
	secret []byte
	sales  salesTimes
}

func (o *opened) cursor(at bson.Timestamp) store.Cursor {
	return store.Cursor{Epoch: o.epoch, Position: position(at)}
}

func position(at bson.Timestamp) uint64 { return uint64(at.T)<<32 | uint64(at.I) }

func timestamp(position uint64) bson.Timestamp {
	return bson.Timestamp{T: uint32(position >> 32), I: uint32(position)}
}

// Close implements [store.Engine].
func (e *Engine) Close() error { return e.close() }

func (e *Engine) shut() error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.end()
	e.background.Wait()
	e.calls.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	if err := e.db.Client().Disconnect(ctx); err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}

// enter lets a call in, unless the engine is closed, not ready, or ctx has
// ended. The call then has to leave before Close does.
func (e *Engine) enter(ctx context.Context) (o *opened, leave func(), err error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return nil, nil, fmt.Errorf("%w: closed", store.ErrUnavailable)
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if o = e.opened.Load(); o == nil {
		return nil, nil, unavailable(e.whyNotReady())
	}
	e.calls.Add(1)
	return o, e.calls.Done, nil
}

func (e *Engine) whyNotReady() error {
	if err := e.notReady.Load(); err != nil {
		return *err
	}
	return errNotYet
}

// read runs fn, which reads a little, again and again until that is done or
// callTimeout is over.
func (e *Engine) read(ctx context.Context, fn func(context.Context, *opened) error) error {
	return e.readMuch(ctx, callTimeout, func(ctx context.Context, o *opened) error {
		return e.primary.again(ctx, func(ctx context.Context) error { return fn(ctx, o) })
	})
}

// readMuch runs fn once, and ends it after limit.
func (e *Engine) readMuch(ctx context.Context, limit time.Duration, fn func(context.Context, *opened) error) error {
	o, leave, err := e.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := fn(limited, o); err != nil {
		return readError(ctx, err)
	}
	return nil
}

// write runs fn with a context that ends after limit and not with ctx. Cutting
// a write off would cost the connection and leave its outcome unknown, where
// it is soon known.
func (e *Engine) write(ctx context.Context, limit time.Duration, fn func(context.Context, *opened) error) error {
	o, leave, err := e.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if err := fn(limited, o); err != nil {
		return writeError(err)
	}
	return nil
}

// Now implements [store.Engine].
func (e *Engine) Now(ctx context.Context) (now time.Time, err error) {
	err = e.read(ctx, func(ctx context.Context, _ *opened) error {
		reply, err := e.hello(ctx)
		now = reply.LocalTime.UTC()
		return err
	})
	return now, err
}

// pingAge is for how long a write that was tried counts.
const pingAge = 3 * time.Second

// Ping implements [store.Engine].
func (e *Engine) Ping(ctx context.Context) error {
	return e.read(ctx, func(ctx context.Context, o *opened) error {
		if err := e.mayWrite(ctx); err != nil {
			return err
		}
		if time.Since(time.Unix(0, e.pinged.Load())) < pingAge {
			_, err := e.snapshotTime(ctx)
			return err
		}
		seats, err := e.seatsUUID(ctx)
		if gone := errors.Is(err, errDamaged) || errors.Is(err, errNoStore); gone || err == nil && !seats.Equal(o.seats) {
			e.openAnew()
			return errors.Join(err, errDropped)
		}
		if err != nil {
			return err
		}
		began := time.Now()
		_, err = e.db.Collection(metaColl).UpdateOne(ctx, byID(pingID),
			bson.D{{Key: "$currentDate", Value: bson.D{{Key: "at", Value: true}}}}, options.UpdateOne().SetUpsert(true))
		if err == nil {
			e.pinged.Store(began.UnixNano())
		}
		return err
	})
}

// Secret implements [store.Engine].
func (e *Engine) Secret(ctx context.Context) ([]byte, error) {
	o, leave, err := e.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return slices.Clone(o.secret), nil
}

// cleanUp does what the servers are told when all is done, and never long.
func cleanUp(do func(context.Context)) {
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
