package mongostore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/seatlock/seatlock/store"
)

const (
	openTimeout    = 10 * time.Second // indexes included
	longestBackoff = 5 * time.Second
)

// Open opens the database that uri names, mongodb://…/database?replicaSet=…,
// and with [Options].Make makes it where there is none. Errors are one line that
// a person can act on, without the password.
//
// A database of a format that this program must not touch is refused, and left
// as it is. Servers that cannot be reached are no error: Open then returns an
// engine whose methods answer [store.ErrUnavailable] until they can.
func Open(ctx context.Context, uri string, o Options) (*Engine, error) {
	e, err := connect(uri, o)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if err := e.tryOpen(ctx); err != nil {
		if hopeless(err) || ctx.Err() != nil {
			return nil, fmt.Errorf("store %s: %w", e.settings.place, errors.Join(err, e.Close()))
		}
		e.log.Warn("the store cannot be reached, trying again", "store", e.settings.place, "error", err)
		e.openAnew()
	}
	e.background.Go(e.openUntilClosed)
	e.background.Go(e.watchFormat)
	return e, nil
}

// connect makes an engine that has not asked the servers for anything.
func connect(uri string, o Options) (*Engine, error) {
	set, err := parse(uri)
	if err != nil {
		return nil, err
	}
	primary := newPrimary()
	client, err := mongo.Connect(set.client, options.Client().SetServerMonitor(primary.monitor()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", set.place, errBadURI)
	}
	e := &Engine{
		db: client.Database(set.database), settings: set, primary: primary,
		log: o.Log, program: o.Program, kinds: o.Kinds, make: o.Make, stale: make(chan struct{}, 1),
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.kinds == nil {
		e.kinds = store.Kinds()
	}
	e.life, e.end = context.WithCancel(context.Background())
	e.close = sync.OnceValue(e.shut)
	return e, nil
}

// openAnew gives up what is known of the database: it was dropped or restored,
// and has to be looked at anew.
func (e *Engine) openAnew() {
	e.opened.Store(nil)
	select {
	case e.stale <- struct{}{}:
	default: // known already
	}
}

// openUntilClosed opens the database whenever that is needed.
func (e *Engine) openUntilClosed() {
	for {
		select {
		case <-e.life.Done():
			return
		case <-e.stale:
		}
		for wait := 50 * time.Millisecond; e.opened.Load() == nil; wait = min(2*wait, longestBackoff) {
			err := e.tryOpen(e.life)
			if err == nil {
				e.log.Info("the store is ready", "store", e.settings.place)
				break
			}
			e.log.Debug("the store is not ready", "store", e.settings.place, "error", err)
			select {
			case <-e.life.Done():
				return
			case <-time.After(wait):
			}
		}
	}
}

// tryOpen checks the servers and the format, makes what is missing, and makes
// the engine ready.
func (e *Engine) tryOpen(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	o, err := e.prepare(ctx)
	if err != nil {
		err = e.diagnose(ctx, err)
		e.notReady.Store(&err)
		return err
	}
	e.opened.Store(o)
	return nil
}

// prepare writes nothing before the database is known to be of our format, or
// to be new.
func (e *Engine) prepare(ctx context.Context) (*opened, error) {
	if err := e.checkServers(ctx); err != nil {
		return nil, err
	}
	if err := e.claimFormat(ctx); err != nil {
		return nil, err
	}
	if e.make {
		if err := e.makeCollections(ctx); err != nil {
			return nil, err
		}
	}
	secret, err := e.secret(ctx)
	if err != nil {
		return nil, err
	}
	o, err := e.epoch(ctx)
	if err != nil {
		return nil, err
	}
	o.secret = secret
	return o, nil
}
