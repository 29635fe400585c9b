// Package sqlitestore keeps Seatlock's store in one SQLite file: the engine
// that needs no set-up. It fulfils [store.Store].
//
// One goroutine writes, and commits what is queued as one group, so that a
// full fsync is shared by all who wait for it. The feed is read from the
// changes table alone, never handed over in memory: what another process
// committed is seen just as what this one did.
package sqlitestore

import (
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

var _ store.Store = (*Store)(nil)

const (
	readers     = 8
	queueSize   = 1024
	groupSize   = 256
	pollForeign = 250 * time.Millisecond

	keepChanges     = 24 * time.Hour
	maxChanges      = 1_000_000
	housekeepPeriod = 10 * time.Minute
	housekeepPause  = 100 * time.Millisecond // when there is more to prune
)

// Options say how to open a file.
type Options struct {
	// Serve takes the lock file beside the store, which keeps a second server
	// off it. Commands leave it false and may run beside a server.
	Serve bool
	// Log gets what no caller is told. Nil is silence.
	Log *slog.Logger
}

// Store is an open file. Use Open.
type Store struct {
	path   string
	epoch  string
	secret []byte
	log    *slog.Logger
	clock  clock

	reads  *sqlitex.Pool
	writer *sqlite.Conn
	unlock func() error // gives the lock file back

	queue   chan *job
	closing chan struct{} // closed by Close
	stopped chan struct{} // closed when the writer has ended
	close   func() error

	mu        sync.Mutex
	committed chan struct{} // closed at the next commit of this process
}

// clock is the wall clock at its making, carried on by the monotonic one: a
// step of the wall clock neither frees a lock early nor holds it longer.
type clock struct{ base time.Time }

func (c clock) now() time.Time {
	return c.base.Add(time.Since(c.base)).Round(0).Truncate(time.Millisecond).UTC()
}

// Open opens or makes the file at path, and its folder. Errors are one line
// that a person can act on; a file that is not a sound Seatlock store is left
// as it is.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Store{
		path: path, log: log, clock: clock{time.Now()},
		queue:     make(chan *job, queueSize),
		closing:   make(chan struct{}),
		stopped:   make(chan struct{}),
		committed: make(chan struct{}),
		unlock:    func() error { return nil },
	}
	if err := s.open(ctx, o.Serve); err != nil {
		if closing := s.release(); closing != nil {
			log.Warn("close a store that did not open", "error", closing)
		}
		return nil, explain(path, err)
	}
	s.close = sync.OnceValue(s.shut)
	go s.serve()
	return s, nil
}

// Close implements [store.Store].
func (s *Store) Close() error { return s.close() }

func (s *Store) shut() error {
	close(s.closing)
	<-s.stopped
	return s.release()
}

// release closes what open has opened so far. The readers go first: the last
// connection folds the write-ahead log into the file.
func (s *Store) release() error {
	var errs []error
	if s.reads != nil {
		errs = append(errs, s.reads.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.Close())
	}
	return errors.Join(append(errs, s.unlock())...)
}

// Now implements [store.Store].
func (s *Store) Now(context.Context) (time.Time, error) {
	if s.isClosed() {
		return time.Time{}, fmt.Errorf("now: %w", store.ErrUnavailable)
	}
	return s.clock.now(), nil
}

// Ping implements [store.Store].
func (s *Store) Ping(ctx context.Context) error {
	return s.read(ctx, "ping", func(v view) error {
		_, err := v.epoch()
		return err
	})
}

// Secret implements [store.Store].
func (s *Store) Secret(context.Context) ([]byte, error) {
	if s.isClosed() {
		return nil, fmt.Errorf("secret: %w", store.ErrUnavailable)
	}
	return append([]byte(nil), s.secret...), nil
}

func (s *Store) isClosed() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// view is one transaction: of the writer, or of a reader that sees a single
// committed state.
type view struct {
	*sqlite.Conn
	now time.Time
}

// read runs fn on one committed state of the file.
func (s *Store) read(ctx context.Context, what string, fn func(view) error) (err error) {
	if s.isClosed() {
		return fmt.Errorf("%s: %w", what, store.ErrUnavailable)
	}
	conn, err := s.reads.Take(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", what, s.readError(ctx, err))
	}
	defer s.reads.Put(conn)
	end := sqlitex.Transaction(conn)
	defer func() {
		end(&err)
		if err != nil {
			err = fmt.Errorf("%s: %w", what, s.readError(ctx, err))
		}
	}()
	return fn(view{conn, s.clock.now()})
}

func (s *Store) readError(ctx context.Context, err error) error {
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
func (v view) each(query string, row func(*sqlite.Stmt) error, args ...any) error {
	stmt, err := v.Prepare(query)
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
func (v view) exec(query string, args ...any) (int, error) {
	err := v.each(query, func(*sqlite.Stmt) error { return nil }, args...)
	return v.Changes(), err
}

func bind(stmt *sqlite.Stmt, args []any) {
	for i, arg := range args {
		switch arg := arg.(type) {
		case string:
			stmt.BindText(i+1, arg)
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
