package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/checkout/demo"
	"github.com/seatlock/seatlock/handlers"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/mongostore"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

const (
	// drainWithin is how long streams and requests get when the server ends.
	drainWithin = 5 * time.Second
	// maxHeader is large enough that a browser's heap of strange cookies is
	// ignored rather than refused.
	maxHeader = 256 << 10
)

// serve runs the server until ctx ends. It says on stdout where it listens.
func serve(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	c, err := configure(args, getenv)
	if err != nil {
		return err
	}
	log := newLog(c, stderr)
	st, err := openStore(ctx, c.store, opening{serve: true, make: true, log: log})
	if err != nil {
		return err
	}
	err = serveStore(ctx, c, st, log, stdout)
	return errors.Join(err, st.Close())
}

// opening says how a store is opened: whether the program serves it, and
// whether it may be created. Commands leave both false, so that they can run
// beside a server, and a mistyped name creates nothing.
type opening struct {
	serve, make bool
	log         *slog.Logger
}

// openStore opens either engine.
func openStore(ctx context.Context, address string, o opening) (*store.Store, error) {
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		if err := checkThere(path); err != nil && !o.make {
			return nil, err
		}
		e, err := sqlitestore.Open(ctx, path, sqlitestore.Options{Serve: o.serve, Program: programVersion(), Log: o.log})
		if err != nil {
			return nil, err
		}
		return store.New(e), nil
	}
	e, err := mongostore.Open(ctx, address, mongostore.Options{Make: o.make, Program: programVersion(), Log: o.log})
	if err != nil {
		return nil, err
	}
	return store.New(e), nil
}

// checkThere refuses a file that does not exist, before it would be created.
func checkThere(path string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: store %s: there is no such file", store.ErrNoStore, path)
	}
	return nil
}

func serveStore(ctx context.Context, c config, st *store.Store, log *slog.Logger, stdout io.Writer) error {
	err := prepare(ctx, st, c.demo)
	if errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrUnknown) {
		var preparing sync.WaitGroup
		ctx, cancel := context.WithCancel(ctx)
		defer preparing.Wait()
		defer cancel()
		preparing.Go(func() { prepareLater(ctx, st, c.demo, log) })
	} else if err != nil {
		return err
	}
	play := demo.New(st)
	payments := checkout.New(st, checkout.Config{
		Providers: map[string]checkout.Provider{demoPayments: play}, Offered: c.payments.names,
		Rules: checkout.DefaultRules(c.rules().Total), Log: log,
	})
	h, err := handlers.New(st, handlers.Config{
		BaseURL: c.base, Rules: c.rules(), Memory: int64(c.memory), Log: log, Checkout: payments,
		Demo: play, // also if it is no longer offered: its page completes earlier payments
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.addr, err)
	}
	keep := checkout.NewUpkeep(st, checkout.DefaultUpkeepRules(time.Duration(c.keepPeople), time.Duration(c.keepHistory)), log)
	return serveHTTP(ctx, h, []func(context.Context) error{h.Run, payments.Run, keep.Run}, listener, log, func() {
		c.warnOfPlayMoney(log)
		fmt.Fprintf(stdout, "Seatlock listens on %s: open %s\n", listener.Addr(), c.base)
	})
}

// serveHTTP serves, with the background work, until ctx ends: then streams end
// with a request to come back, requests under way finish, and what takes longer
// than drainWithin is cut.
func serveHTTP(ctx context.Context, h http.Handler, beside []func(context.Context) error, listener net.Listener, log *slog.Logger, listening func()) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	failed := make(chan error, len(beside)+1)
	var all sync.WaitGroup
	for _, run := range beside {
		all.Go(func() {
			if err := run(running); err != nil {
				failed <- err
			}
		})
	}
	go func() { failed <- server.Serve(listener) }()
	listening()

	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		log.Info("shutting down", "within", drainWithin)
	}
	stop()
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainWithin)
	defer cancel()
	if stopped := server.Shutdown(drain); stopped != nil {
		log.Warn("some requests were cut", "error", stopped)
		err = errors.Join(err, server.Close())
	}
	all.Wait()
	return err
}

func newLog(c config, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.logLevel)); err != nil {
		panic(err) // the configuration was checked
	}
	options := &slog.HandlerOptions{Level: level}
	if c.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
