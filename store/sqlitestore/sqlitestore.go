// Package sqlitestore keeps Seatlock's store in one SQLite file: the engine
// that needs no set-up. It is a [store.Engine].
//
// One goroutine writes, and commits what is queued as one group, so that a
// full fsync is shared by all who wait for it. The feed is read from the
// changes table alone, never handed over in memory: what another process
// committed is seen just as what this one did.
package sqlitestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/seatlock/seatlock/store"
)

var _ store.Engine = (*Engine)(nil)

const (
	readers     = 8
	queueSize   = 1024
	groupSize   = 256
	pollForeign = 250 * time.Millisecond
)

// Options say how to open a file.
type Options struct {
	// Serve takes the file, and a lock file beside it, which keeps a second
	// server off it, and has only its owner read it. Commands leave it false and
	// may run beside a server.
	Serve bool
	// Program is the version of this program, which a file that it makes or
	// upgrades tells to programs that are too old for it.
	Program string
	// Kinds are the kinds of record that there are; nil is [store.Kinds].
	Kinds []store.Kind
	// firstPrune is when housekeeping begins; 0 is soon after the start.
	firstPrune time.Duration
	// shrinkEvery is how often the cache is emptied; 0 is once a minute.
	shrinkEvery time.Duration
	// Log gets what no caller is told. Nil is silence.
	Log *slog.Logger

	clocks *readings // a test's; nil is the machine's
}

// Engine is an open file. Use Open.
type Engine struct {
	path   string
	secret []byte
	kinds  []store.Kind
	log    *slog.Logger
	clock  *clock
	alone  string // the lock file, while a command has not begun a run of its own

	reads   *sqlitex.Pool
	writer  *sqlite.Conn
	format  store.Format // as the writer last read it
	unlock  func() error // gives the file back to other servers
	files   opened
	served  string // the file, if this is its server
	checked bool   // the whole file was read at the start

	trouble, faults complaint // the writer's, of the file and of single requests
	pruned          pruning   // the writer's
	firstPrune      time.Duration
	shrinkEvery     time.Duration

	tries tries

	queue   chan *job
	scrubs  chan chan error
	closing chan struct{} // closed by Close
	stopped chan struct{} // closed when the writer has ended
	close   func() error

	mu        sync.Mutex
	committed chan struct{} // closed at the next commit of this process
}

// Open opens or makes the file at path, and its folder. Errors are one line
// that a person can act on; a file that is not a sound Seatlock store, or of a
// format that this program must not work on, is left as it is.
func Open(ctx context.Context, path string, o Options) (*Engine, error) {
	e := &Engine{
		path: path, log: o.Log, kinds: o.Kinds, clock: newClock(*cmp.Or(o.clocks, new(machine()))),
		queue:     make(chan *job, queueSize),
		scrubs:    make(chan chan error),
		closing:   make(chan struct{}),
		stopped:   make(chan struct{}),
		committed: make(chan struct{}),
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	e.shrinkEvery = cmp.Or(o.shrinkEvery, time.Minute)
	if e.firstPrune = o.firstPrune; e.firstPrune == 0 {
		e.firstPrune = housekeepFirst
	}
	if e.kinds == nil {
		e.kinds = store.Kinds()
	}
	if err := e.open(ctx, o); err != nil {
		if closing := e.release(); closing != nil {
			e.log.Warn("close a store that did not open", "error", closing)
		}
		return nil, explain(path, err)
	}
	e.close = sync.OnceValue(e.shut)
	go e.serve()
	return e, nil
}

// Close implements [store.Engine].
func (e *Engine) Close() error { return e.close() }

func (e *Engine) shut() error {
	close(e.closing)
	<-e.stopped
	return e.release()
}

// release closes what open has opened so far. The readers go first: the last
// connection folds the write-ahead log into the file.
func (e *Engine) release() error {
	var errs []error
	if e.reads != nil {
		errs = append(errs, e.reads.Close())
	}
	if e.writer != nil {
		errs = append(errs, e.writer.Close())
	}
	if e.served != "" && errors.Join(errs...) == nil {
		if err := markClosed(e.served); err != nil {
			e.log.Warn("the next start will read the whole store", "error", err)
		}
	}
	if e.unlock != nil {
		errs = append(errs, e.unlock())
	}
	return errors.Join(errs...)
}

// Now implements [store.Engine].
func (e *Engine) Now(context.Context) (time.Time, error) {
	if e.isClosed() {
		return time.Time{}, store.ErrUnavailable
	}
	return e.clock.now(), nil
}

// Secret implements [store.Engine].
func (e *Engine) Secret(context.Context) ([]byte, error) {
	if e.isClosed() {
		return nil, store.ErrUnavailable
	}
	return e.secret, nil
}

func (e *Engine) isClosed() bool {
	select {
	case <-e.closing:
		return true
	default:
		return false
	}
}

// reader is a transaction: one committed state of the file, or in the writer
// what it has made of that.
type reader struct {
	*sqlite.Conn
	now time.Time
}

// read runs fn on one committed state of the file.
func (e *Engine) read(ctx context.Context, fn func(reader) error) (err error) {
	if e.isClosed() {
		return store.ErrUnavailable
	}
	conn, err := e.reads.Take(ctx)
	if err != nil {
		return readError(ctx, err)
	}
	defer e.reads.Put(conn)
	end := sqlitex.Transaction(conn)
	defer func() {
		end(&err)
		if err != nil {
			err = readError(ctx, err)
		}
	}()
	return fn(reader{conn, e.clock.now()})
}

func readError(ctx context.Context, err error) error {
	switch {
	case store.IsAnswer(err):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
}

// each runs a statement that stays prepared on the connection, and calls row
// for every row of its result.
func (r reader) each(query string, row func(*sqlite.Stmt) error, args ...any) error {
	stmt, err := r.Prepare(query)
	if err != nil {
		return err
	}
	bind(stmt, args)
	for {
		more, err := stmt.Step()
		if err != nil {
			return err // Step resets what failed
		}
		if !more {
			return nil
		}
		if err := row(stmt); err != nil {
			return errors.Join(err, stmt.Reset())
		}
	}
}

// exec runs a statement and returns how many rows it changed.
func (r reader) exec(query string, args ...any) (int, error) {
	err := r.each(query, func(*sqlite.Stmt) error { return nil }, args...)
	return r.Changes(), err
}

// number returns the one number that a statement selects.
func (r reader) number(query string) (n int64, err error) {
	err = r.each(query, func(stmt *sqlite.Stmt) error {
		n = stmt.ColumnInt64(0)
		return nil
	})
	return n, err
}

// optional is a text that is NULL where it is empty.
type optional string

func bind(stmt *sqlite.Stmt, args []any) {
	for i, arg := range args {
		switch arg := arg.(type) {
		case string:
			stmt.BindText(i+1, arg)
		case optional:
			if arg == "" {
				stmt.BindNull(i + 1)
			} else {
				stmt.BindText(i+1, string(arg))
			}
		case store.Holder:
			stmt.BindText(i+1, string(arg))
		case int64:
			stmt.BindInt64(i+1, arg)
		case int:
			stmt.BindInt64(i+1, int64(arg))
		case bool:
			stmt.BindBool(i+1, arg)
		case []byte:
			stmt.BindBytes(i+1, arg)
		case time.Time:
			if arg.IsZero() {
				stmt.BindNull(i + 1)
			} else {
				stmt.BindInt64(i+1, arg.UnixMilli())
			}
		default:
			panic(fmt.Sprintf("bind %T", arg))
		}
	}
}

func columnTime(stmt *sqlite.Stmt, column int) time.Time {
	if stmt.ColumnIsNull(column) {
		return time.Time{}
	}
	return time.UnixMilli(stmt.ColumnInt64(column)).UTC()
}
