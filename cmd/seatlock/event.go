package main

import (
	"context"
	"time"

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

// zoneOf reads the name of a time zone.
func zoneOf(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, wrong("zone", name, "an IANA time zone, such as Europe/Vienna")
	}
	return zone, nil
}

// parseTime reads a time as people of the zone write it; "" is none.
func parseTime(text string, zone *time.Location) (t time.Time, err error) {
	if text == "" {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02 15:04", time.RFC3339} {
		if t, err = time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	return t, err
}

// localTime writes a time as import reads it; "" is none.
func localTime(t time.Time, zone string) string {
	if t.IsZero() {
		return ""
	}
	if in, err := time.LoadLocation(zone); err == nil {
		t = t.In(in)
	}
	return t.Format("2006-01-02T15:04:05-07:00")
}
