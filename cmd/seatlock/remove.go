package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/seatlock/seatlock/store"
)

const removeManual = `
No seat of it may be locked, being paid for or booked. A booking that prevents the
removal is named: seatlock cancel ends one that is booked or reserved; one that is
paying, lapsed or lost ends by itself under a running server, once its provider has
answered or its money is back; seatlock refunded ends a refund that is stuck. Open
pages of the event end. To take it off the list only, use seatlock change --hidden.
`

// removeEvent removes an event that nobody has a seat of.
func removeEvent(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	var c seatCommand
	rest, err := parse(c.flags(), args, getenv)
	switch {
	case err != nil:
		return err
	case c.event == "":
		return usageError{errors.New("remove wants --event, the id of the event")}
	case len(rest) > 0:
		return usageError{fmt.Errorf("unexpected argument %q: remove takes one --event", rest[0])}
	}
	if err := checkStore(c.store); err != nil {
		return err
	}
	err = withStore(ctx, c.store, false, func(st *store.Store) error { return st.RemoveEvent(ctx, c.event) })
	if err != nil {
		return unchanged(err)
	}
	_, err = fmt.Fprintf(stdout, "Event %s was removed.\n", c.event)
	return err
}
