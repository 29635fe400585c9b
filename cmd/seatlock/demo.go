package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// demoEvent is an event for people to look at.
type demoEvent struct {
	id, title string // plan.Demo has its hall by its id
	days      int    // from seeding to its evening
}

// demos are all.
func demos() []demoEvent {
	return []demoEvent{
		{"demo", "An Evening at the Studio", 30},
		{"theatre", "The Winter’s Tale", 44},
		{"arena", "Northern Lights, on Tour", 58},
	}
}

// eventMaker is what seeding needs of a store.
type eventMaker interface {
	priceKeeper
	CreateEvent(ctx context.Context, e store.NewEvent) error
}

// seedDemos gives a store the missing demo events, unless it has any other
// event: then it is somebody's box office. So it also completes an interrupted
// seeding.
func seedDemos(ctx context.Context, st eventMaker) error {
	events, err := st.Events(ctx)
	if err != nil {
		return err
	}
	missing := demos()
	for _, e := range events {
		i := slices.IndexFunc(missing, func(d demoEvent) bool { return d.id == e.ID })
		if i < 0 {
			return nil
		}
		file, err := plan.Demo(e.ID)
		if err != nil || e.Plan != store.PlanHash(file.Plan.Encode()) {
			return err // somebody's own event of that name
		}
		missing = slices.Delete(missing, i, i+1)
	}
	for _, d := range missing {
		if err := seedDemo(ctx, st, d); err != nil {
			return fmt.Errorf("demo event %s: %w", d.id, err)
		}
	}
	return nil
}

func seedDemo(ctx context.Context, st eventMaker, d demoEvent) error {
	file, err := plan.Demo(d.id)
	if err != nil {
		return err
	}
	zone, err := store.Zone("Europe/Vienna")
	if err != nil {
		return err
	}
	day := time.Now().In(zone).AddDate(0, 0, d.days)
	err = st.CreateEvent(ctx, store.NewEvent{
		Event: store.Event{
			ID: d.id, Title: d.title, Venue: file.Plan.Name,
			Starts: time.Date(day.Year(), day.Month(), day.Day(), 19, 30, 0, 0, zone),
			Zone:   zone.String(), Currency: "EUR", Prices: file.Prices,
		},
		PlanBody: file.Plan.Encode(), Seats: file.Plan.SeatIDs(), Withheld: file.Withheld,
	})
	if errors.Is(err, store.ErrExists) { // another server on the same store came first
		return nil
	}
	return err
}

// prepare makes a store ready to serve: it gives events of older programs
// prices, and adds the demo events if they are wanted.
func prepare(ctx context.Context, st eventMaker, demo bool) error {
	err := pricesOnce(ctx, st)
	if err != nil || !demo {
		return err
	}
	return seedDemos(ctx, st)
}

// prepareLater is prepare for a store that cannot be reached yet.
func prepareLater(ctx context.Context, st eventMaker, demo bool, log *slog.Logger) {
	for {
		err := prepare(ctx, st, demo)
		if err == nil || ctx.Err() != nil {
			return
		}
		if !errors.Is(err, store.ErrUnavailable) && !errors.Is(err, store.ErrUnknown) {
			log.Error("the store cannot be prepared", "error", err)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}
