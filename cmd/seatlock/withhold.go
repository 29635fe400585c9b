package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/seatlock/seatlock/store"
)

// holdingBack is what withhold and unwithhold are told.
type holdingBack struct {
	store, event string
}

func (h *holdingBack) flags() *flag.FlagSet {
	f := newFlags()
	storeFlag(f, &h.store)
	f.StringVar(&h.event, "event", "", "`id` of the event")
	return f
}

const withholdManual = `
All the seats are changed, or none. A seat that somebody has cannot be withheld.
`

// withhold takes seats off sale, or with on=false puts them back.
func withhold(on bool) runner {
	name, done := "withhold", "withheld"
	if !on {
		name, done = "unwithhold", "on sale"
	}
	return func(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
		var h holdingBack
		seats, err := parse(h.flags(), args, getenv)
		switch {
		case err != nil:
			return err
		case h.event == "":
			return usageError{fmt.Errorf("%s wants --event, the id of the event", name)}
		case len(seats) == 0:
			return usageError{fmt.Errorf("%s wants the ids of seats, such as A1 A2 (seatlock seats --event %s lists them)", name, h.event)}
		}
		if err := checkStore(h.store); err != nil {
			return err
		}
		err = withStore(ctx, h.store, false, func(st *store.Store) error {
			_, err := st.Withhold(ctx, store.WithholdRequest{Event: h.event, Seats: seats, On: on})
			return err
		})
		if errors.Is(err, store.ErrInvalid) {
			return usageError{err}
		}
		if err != nil {
			return fmt.Errorf("%w; nothing was changed", err)
		}
		_, err = fmt.Fprintf(stdout, "%d seats of %s are %s.\n", len(store.Distinct(seats)), h.event, done)
		return err
	}
}
