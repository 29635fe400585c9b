package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// exporting has the flags of export.
type exporting struct {
	store, event, format string
}

func (x *exporting) flags() *flag.FlagSet {
	f := newFlags()
	storeFlag(f, &x.store)
	f.StringVar(&x.event, "event", "", "`ID` of the event")
	f.StringVar(&x.format, "format", "json", "`FORMAT`: json or csv")
	return f
}

// exportPlan writes an event's plan, with its prices and the seats that are
// withheld now, as import reads it.
func exportPlan(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	var x exporting
	rest, err := parse(x.flags(), args, getenv)
	switch {
	case err != nil:
		return err
	case len(rest) > 0:
		return usageError{fmt.Errorf("unexpected argument %q: export writes to stdout", rest[0])}
	case x.event == "":
		return usageError{errors.New("export wants --event, the id of the event")}
	case x.format != "json" && x.format != "csv":
		return wrong("format", x.format, "json or csv")
	}
	if err := checkStore(x.store); err != nil {
		return err
	}
	var file plan.File
	err = withStore(ctx, x.store, false, func(st *store.Store) (err error) {
		file, err = planOf(ctx, st, x.event)
		return err
	})
	if err != nil {
		return err
	}
	var out bytes.Buffer // all or nothing
	write := file.WriteJSON
	if x.format == "csv" {
		write = file.WriteCSV
	}
	if err := write(&out); err != nil {
		return err
	}
	_, err = out.WriteTo(stdout)
	return err
}

// planOf joins the plan, prices and withheld seats, which import separates.
func planOf(ctx context.Context, st *store.Store, id string) (plan.File, error) {
	event, hall, snapshot, err := readEvent(ctx, st, id)
	if err != nil {
		return plan.File{}, err
	}
	file := plan.File{Plan: hall, Prices: event.Prices}
	for _, seat := range snapshot.Seats {
		if seat.Status == store.Withheld {
			file.Withheld = append(file.Withheld, seat.ID)
		}
	}
	return file, nil
}
