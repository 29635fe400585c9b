package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// addTo gives an event that exists the plan of a file, or changes nothing.
func (i *importing) addTo(ctx context.Context, args []string, path string, stdout, stderr io.Writer) error {
	if err := i.checkAdding(args); err != nil {
		return err
	}
	file, err := readPlan(path, stderr)
	if err != nil {
		return err
	}
	var before, after store.Event
	var had int
	err = withStore(ctx, i.store, false, func(st *store.Store) (err error) {
		before, after, had, err = i.grow(ctx, st, file, stderr)
		return err
	})
	if errors.Is(err, store.ErrUnknown) {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w; nothing was changed", err)
	}
	if err := describePlan(stdout, file, after.Currency); err != nil {
		return err
	}
	switch n := len(file.Plan.SeatIDs()); {
	case before.Revision == after.Revision:
		_, err = fmt.Fprintf(stdout, "Event %s has this plan already: nothing was changed.\n", after.ID)
	case i.dryRun:
		_, err = fmt.Fprintf(stdout, "Event %s would have %s more. Nothing was written: this was a dry run.\n", after.ID, count(n-had, "seat"))
	default:
		headline := fmt.Sprintf("Event %s has %s more.", after.ID, count(n-had, "seat"))
		err = describeChange(stdout, headline, before, after, file.Plan)
	}
	return err
}

// checkAdding refuses flags of the definition: they would do nothing.
func (i *importing) checkAdding(args []string) error {
	given := new(importing).flags()
	if _, err := parse(given, args, func(string) string { return "" }); err != nil {
		return err
	}
	var stray error
	given.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "store", "event", "add-seats", "dry-run":
		default:
			stray = usageError{fmt.Errorf("--%s does not go with --add-seats: seatlock change is for that", f.Name)}
		}
	})
	if stray == nil && i.event == "" {
		stray = usageError{errors.New("import wants --event, the id of the event to add seats to")}
	}
	if stray == nil {
		stray = checkStore(i.store)
	}
	return stray
}

// seatAdder is what adding seats needs of a store.
type seatAdder interface {
	Event(ctx context.Context, id string) (store.Event, error)
	Snapshot(ctx context.Context, event string) (store.Snapshot, error)
	AddSeats(ctx context.Context, e store.NewEvent) (store.Event, error)
}

// grow does it, or finds out what it would do. Another change that comes first
// is no obstacle, as for change.
func (i *importing) grow(ctx context.Context, st seatAdder, file plan.File, stderr io.Writer) (before, after store.Event, had int, err error) {
	for range changeTries {
		if before, err = st.Event(ctx, i.event); err != nil {
			break
		}
		var snapshot store.Snapshot
		if snapshot, err = st.Snapshot(ctx, i.event); err != nil {
			break
		}
		have := make([]string, len(snapshot.Seats))
		for k, s := range snapshot.Seats {
			have[k] = s.ID
		}
		asked := store.NewEvent{Event: before, PlanBody: file.Plan.Encode(), Seats: file.Plan.SeatIDs(), Withheld: file.Withheld}
		asked.Prices, had = file.Prices, len(have)
		if i.dryRun {
			after, err = store.Definition{Event: before, Seats: have}.AddSeats(asked)
			break
		}
		tellSize(stderr, asked)
		if after, err = st.AddSeats(ctx, asked); !errors.Is(err, store.ErrStale) {
			break
		}
	}
	return before, after, had, err
}
