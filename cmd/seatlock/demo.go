package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// seedDemos gives an empty store something to look at: evenings in the weeks
// to come. The arena is for import to show: a page of 20,000 seats is none.
func seedDemos(ctx context.Context, st store.Store) error {
	events, err := st.Events(ctx)
	if err != nil || len(events) > 0 {
		return err
	}
	for _, demo := range []struct {
		id, title string
		days      int
	}{
		{"demo", "An Evening at the Studio", 30},
		{"theatre", "The Winter’s Tale", 44},
		{"arena", "Northern Lights, on Tour", 58},
	} {
		if err := seedDemo(ctx, st, demo.id, demo.title, demo.days); err != nil {
			return fmt.Errorf("demo event %s: %w", demo.id, err)
		}
	}
	return nil
}

func seedDemo(ctx context.Context, st store.Store, id, title string, days int) error {
	file, err := plan.Demo(id)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		return err
	}
	day := time.Now().In(zone).AddDate(0, 0, days)
	err = st.CreateEvent(ctx, store.NewEvent{
		Event: store.Event{
			ID: id, Title: title, Venue: file.Plan.Name,
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

// seedLater is seedDemos for a store that cannot be reached yet.
func seedLater(ctx context.Context, st store.Store, log *slog.Logger) {
	for {
		err := seedDemos(ctx, st)
		if err == nil || ctx.Err() != nil {
			return
		}
		if !errors.Is(err, store.ErrUnavailable) && !errors.Is(err, store.ErrUnknown) {
			log.Error("the demo events cannot be made", "error", err)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}
