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

// addTo gives an existing event the plan of a file, or changes nothing.
func (i *importing) addTo(ctx context.Context, args []string, path string, stdout, stderr io.Writer) error {
	if err := i.checkAdding(args); err != nil {
		return err
	}
	file, err := readPlan(path, stderr)
	if err != nil {
		return err
	}
	var g grown
	err = withStore(ctx, i.store, false, func(st *store.Store) (err error) {
		g, err = i.grow(ctx, st, file, stderr)
		return err
	})
	if errors.Is(err, store.ErrUnknown) {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w; nothing was changed", err)
	}
	return i.describe(stdout, g)
}

// grown is an event with the plan of a file, and as it was before.
type grown struct {
	plan.Growth
	before, after store.Event
}

// describe says what has changed in the event, or would change.
func (i *importing) describe(w io.Writer, g grown) error {
	if err := describePlan(w, g.Plan, g.after, g.Withheld); err != nil {
		return err
	}
	if err := describeIDs(w, g.Growth); err != nil {
		return err
	}
	var err error
	switch id, more := g.after.ID, count(g.New(), "seat"); {
	case g.before.Revision == g.after.Revision:
		_, err = fmt.Fprintf(w, "Event %s has this plan already: nothing was changed.\n", id)
	case i.dryRun:
		_, err = fmt.Fprintf(w, "Event %s would have %s more. Nothing was written: this was a dry run.\n", id, more)
	default:
		err = describeChange(w, fmt.Sprintf("Event %s has %s more.", id, more), g.before, g.after, g.Plan)
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
		case "store", "event", "add-seats", "dry-run", "price", "free", "yes", "relabel":
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
	priceKeeper
	Snapshot(ctx context.Context, event string) (store.Snapshot, error)
	AddSeats(ctx context.Context, e store.NewEvent) (store.Event, error)
}

// grow adds the seats, or finds out what that would do. If another change comes
// first, it tries again, as change does.
func (i *importing) grow(ctx context.Context, st seatAdder, file plan.Draft, stderr io.Writer) (g grown, err error) {
	if !i.dryRun {
		err = pricesOnce(ctx, st)
	}
	if err != nil {
		return g, err
	}
	for range changeTries {
		if g.before, err = st.Event(ctx, i.event); err != nil {
			break
		}
		var asked store.NewEvent
		if g.Growth, asked, err = i.onto(ctx, st, g.before, file); err != nil {
			break
		}
		if i.dryRun {
			g.after, err = wouldAdd(ctx, st, g.before, asked)
			break
		}
		tellSize(stderr, asked)
		if g.after, err = st.AddSeats(ctx, asked); !errors.Is(err, store.ErrStale) {
			break
		}
	}
	return g, err
}

// onto returns the file as the next plan of an event, and the request to the
// store.
func (i *importing) onto(ctx context.Context, st planSource, before store.Event, file plan.Draft) (g plan.Growth, asked store.NewEvent, err error) {
	hall, err := hallOf(ctx, st, before)
	if err != nil {
		return g, asked, err
	}
	if g, err = file.Onto(hall); err != nil {
		return g, asked, err
	}
	asked = store.NewEvent{Event: before, PlanBody: g.Plan.Encode(), Seats: g.Plan.SeatIDs(), Withheld: g.Withheld}
	if err = g.Check(); err == nil {
		asked.Relabelled, err = i.relabelled(g)
	}
	if err == nil {
		asked.Prices, err = i.pricesFor(hall, before, g.File)
	}
	return g, asked, err
}

// wouldAdd returns the event with the seats added.
func wouldAdd(ctx context.Context, st seatAdder, before store.Event, asked store.NewEvent) (store.Event, error) {
	snapshot, err := st.Snapshot(ctx, before.ID)
	if err != nil {
		return before, err
	}
	d := store.Definition{Event: before, Now: snapshot.Now}
	for _, s := range snapshot.Seats {
		d.Seats = append(d.Seats, s.ID)
		if s.Status != store.Available && s.Status != store.Withheld {
			d.Claimed = append(d.Claimed, s)
		}
	}
	return d.AddSeats(asked)
}

// pricesFor returns the prices of the event with the plan of the file. It
// refuses prices that look like a mistake, and texts that no new seat may have.
func (i *importing) pricesFor(hall plan.Plan, before store.Event, file plan.File) (map[string]int64, error) {
	prices, slip, err := i.prices.ofFile(file, before.Currency, before.Prices)
	if err == nil {
		err = slip
	}
	if err != nil {
		return nil, err
	}
	after := before
	after.Prices = prices
	if err := i.prices.checkSeatPrices(before, after, hall, file.Plan); err != nil {
		return nil, err
	}
	if len(file.Odd) == 0 {
		return prices, nil
	}
	known := hall.Texts()
	for _, odd := range file.Odd {
		if !known[odd.Text] {
			return nil, odd.Err
		}
	}
	return prices, nil
}
