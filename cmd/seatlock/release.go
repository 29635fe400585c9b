package main

import (
	"context"

	"github.com/seatlock/seatlock/store"
)

const releaseManual = `
All the seats are freed, or none, whoever has locked them; the open pages of their
holders say so. A seat that is being paid for or booked is refused.
`

// releaseSeats removes visitors' locks of seats.
func releaseSeats() runner {
	return onSeats("release", "free", func(ctx context.Context, st *store.Store, event string, seats []string) error {
		_, err := st.Release(ctx, store.ReleaseRequest{Event: event, Seats: seats})
		return err
	})
}
