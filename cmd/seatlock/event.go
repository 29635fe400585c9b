package main

import (
	"context"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// readEvent returns an event with its plan, and then its seats as they stand.
func readEvent(ctx context.Context, st *store.Store, id string) (e store.Event, hall plan.Plan, s store.Snapshot, err error) {
	if e, err = st.Event(ctx, id); err != nil {
		return e, hall, s, err
	}
	if hall, err = hallOf(ctx, st, e); err != nil {
		return e, hall, s, err
	}
	s, err = st.Snapshot(ctx, id)
	return e, hall, s, err
}

// planSource is where plans are.
type planSource interface {
	Plan(ctx context.Context, hash string) ([]byte, error)
}

// hallOf returns the plan of an event.
func hallOf(ctx context.Context, st planSource, e store.Event) (plan.Plan, error) {
	body, err := st.Plan(ctx, e.Plan)
	if err != nil {
		return plan.Plan{}, err
	}
	return plan.Decode(body)
}
