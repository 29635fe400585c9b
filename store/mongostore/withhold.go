package mongostore

import (
	"context"
	"fmt"

	"github.com/seatlock/seatlock/store"
)

// Withhold implements [store.Store].
func (s *Store) Withhold(ctx context.Context, event string, seats []string, on bool) (store.Outcome, error) {
	what := "withhold seats of " + event
	request := store.UnlockRequest{Event: event, Holder: "organizer", Seats: seats}
	if err := request.Validate(); err != nil {
		return store.Outcome{}, fmt.Errorf("%s: %w", what, err)
	}
	q := question{event: event, seats: store.Distinct(seats)}
	return s.change(ctx, what, q, func(v view) (decision, error) { return v.decideWithhold(on) })
}

func (v view) decideWithhold(on bool) (decision, error) {
	d := decision{out: v.outcome("")}
	for _, row := range v.seats {
		if err := store.RefuseWithhold(row.seat, v.now); err != nil {
			return d, fmt.Errorf("%w: %s", err, row.seat.ID)
		}
	}
	status := store.Available
	if on {
		status = store.Withheld
	}
	for i, old := range v.seats {
		if old.seat.Status == status || !on && old.seat.Status != store.Withheld {
			d.relied = append(d.relied, old)
			continue
		}
		row := old.change(store.Seat{Status: status}, old.seat.LockedBy != "")
		d.rows = append(d.rows, row)
		d.out.Seats[i] = row.seat
	}
	return d, nil
}
