package main

import (
	"context"

	"github.com/seatlock/seatlock/store"
)

const releaseManual = `
All the seats are freed, or none, whoever has locked them; who had one is told
so on the open page. A seat that is being paid for, or booked, stays as it is.
`

// releaseSeats takes visitors' locks off seats.
func releaseSeats() runner {
	return onSeats("release", "free", func(ctx context.Context, st *store.Store, event string, seats []string) error {
		_, err := st.Release(ctx, store.ReleaseRequest{Event: event, Seats: seats})
		return err
	})
}
