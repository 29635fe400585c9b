package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/seatlock/seatlock/store"
)

// seatCommand has the flags of commands on seats.
type seatCommand struct {
	store, event string
}

func (c *seatCommand) flags() *flag.FlagSet {
	f := newFlags()
	storeFlag(f, &c.store)
	f.StringVar(&c.event, "event", "", "`ID` of the event")
	return f
}

// onSeats returns a command that changes seats of an event, all or none, and
// prints their new state.
func onSeats(name, done string, do func(ctx context.Context, st *store.Store, event string, seats []string) error) runner {
	return func(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
		var c seatCommand
		seats, err := parse(c.flags(), args, getenv)
		switch {
		case err != nil:
			return err
		case c.event == "":
			return usageError{fmt.Errorf("%s wants --event, the id of the event", name)}
		case len(seats) == 0:
			return usageError{fmt.Errorf("%s wants the ids of seats, such as A1 A2 (seatlock seats --event %s lists them)", name, c.event)}
		}
		if err := checkStore(c.store); err != nil {
			return err
		}
		err = withStore(ctx, c.store, false, func(st *store.Store) error { return do(ctx, st, c.event, seats) })
		switch {
		case errors.Is(err, store.ErrInvalid):
			return usageError{err}
		case err != nil:
			return unchanged(err)
		}
		n, are := len(store.Distinct(seats)), "seats of %s are"
		if n == 1 {
			are = "seat of %s is"
		}
		_, err = fmt.Fprintf(stdout, "%d "+are+" %s.\n", n, c.event, done)
		return err
	}
}

// unchanged adds that nothing was changed to an error that is certain about
// that.
func unchanged(err error) error {
	if store.IsAnswer(err) || errors.Is(err, store.ErrUnavailable) {
		return fmt.Errorf("%w; nothing was changed", err)
	}
	return err
}
