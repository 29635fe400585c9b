package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// relabelled returns the ids of the seats whose labels change, which needs
// --relabel: tickets have the old labels.
func (i *importing) relabelled(g plan.Growth) ([]string, error) {
	const most = 5 // in an error of one line
	var ids, told []string
	for _, r := range g.Relabelled {
		ids = append(ids, r.ID)
		if len(told) < most {
			told = append(told, r.String())
		}
	}
	if len(ids) == 0 || i.relabel {
		return ids, nil
	}
	if len(ids) > most {
		told = append(told, "and others (--relabel --dry-run lists all)")
	}
	return nil, fmt.Errorf("%s of the event would be called otherwise: %s: say --relabel if that is meant", count(len(ids), "seat"), strings.Join(told, "; "))
}

// describeIDs writes which seats stay, and their new labels.
func describeIDs(w io.Writer, g plan.Growth) error {
	if _, err := fmt.Fprintln(w, sayIDs(g.Kept, g.New())); err != nil {
		return err
	}
	for _, r := range g.Relabelled {
		if _, err := fmt.Fprintf(w, "  relabelled %s\n", r); err != nil {
			return err
		}
	}
	return nil
}

func sayIDs(kept, added int) string {
	verb := "keep their ids"
	if kept == 1 {
		verb = "keeps its id"
	}
	return fmt.Sprintf("%s %s, %d new.", count(kept, "seat"), verb, added)
}

// madeOnto reports whether the event was created so, with the present ids of
// its seats: older programs made other ids from the same file.
func madeOnto(ctx context.Context, st madeSource, e store.NewEvent, file plan.Draft) (bool, error) {
	now, err := st.Event(ctx, e.ID)
	if errors.Is(err, store.ErrNoEvent) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	hall, err := hallOf(ctx, st, now)
	if err != nil {
		return false, err
	}
	g, err := file.Onto(hall)
	if err != nil {
		return false, nil // it cannot have been made of this
	}
	prices := map[string]int64{}
	for k, c := range file.Plan.Categories {
		if price, known := e.Prices[c.ID]; known {
			prices[g.Plan.Categories[k].ID] = price
		}
	}
	e.Prices, e.PlanBody, e.Seats, e.Withheld = prices, g.Plan.Encode(), g.Plan.SeatIDs(), g.Withheld
	return madeWith(ctx, st, e, g.Plan)
}

// madeSource is what madeOnto needs of a store.
type madeSource interface {
	planSource
	Event(ctx context.Context, id string) (store.Event, error)
	MadeAs(ctx context.Context, e store.NewEvent) (bool, error)
}
