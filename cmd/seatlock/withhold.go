package main

import (
	"context"

	"github.com/seatlock/seatlock/store"
)

const withholdManual = `
All the seats are changed, or none. A seat that somebody has cannot be withheld.
`

// withhold returns a command that takes seats off sale, or puts them back if on
// is false.
func withhold(on bool) runner {
	name, done := "withhold", "withheld"
	if !on {
		name, done = "unwithhold", "on sale"
	}
	return onSeats(name, done, func(ctx context.Context, st *store.Store, event string, seats []string) error {
		_, err := st.Withhold(ctx, store.WithholdRequest{Event: event, Seats: seats, On: on})
		return err
	})
}
