package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/views"
)

const moveManual = `
The first SEAT is one of the booking's. The second, which must be free or withheld,
replaces it. Tariff and price stay as they were sold: no money is moved. The ticket
of the old seat is no longer valid. A seat that was checked in stays checked in.
`

// moveBooking replaces a seat of a booking with another.
func moveBooking(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	var c issuing
	seats, err := c.read("move", c.flags(), args, only(isSite, getenv), true)
	switch {
	case err != nil:
		return err
	case len(seats) != 2:
		return usageError{errors.New("move wants the CODE of a booking, the id of a SEAT that it has, and of the SEAT that it is to have")}
	}
	var at site
	var before store.Booking
	var moved checkout.Moved
	err = withStore(ctx, c.store, false, func(st *store.Store) (err error) {
		if at, err = siteOf(ctx, st, c.baseURL); err != nil {
			return err
		}
		if before, err = st.Booking(ctx, c.code); err != nil {
			return c.named(err)
		}
		moved, err = checkout.New(st, checkout.Config{}).Move(ctx, c.code, seats[0], seats[1])
		return err
	})
	switch {
	case errors.Is(err, store.ErrInvalid):
		return usageError{err}
	case err != nil:
		return unchanged(err)
	}
	from, to, b := linesOf(before, seats[:1]), linesOf(moved.Booking, seats[1:]), moved.Booking
	if len(from) == 0 || seats[0] == seats[1] {
		_, err := fmt.Fprintf(stdout, "Booking %s has seat %s already: nothing was changed.\n", b.Code, seats[1])
		return err
	}
	_, err = fmt.Fprintf(stdout, "Booking %s was moved.\n  from %s, %s\n  to %s, %s\n%s\nThe ticket for the old seat is not let in any more. The new one:\n  %s\n", b.Code,
		from[0].Seat, placeOf(from[0]), seats[1], placeOf(to[0]), sayDifference(b.Currency, to[0].TariffName, moved), at.ticketOf(b, seats[1]))
	if err != nil {
		return fmt.Errorf("booking %s has seat %s now, and its ticket could not be told: %w", b.Code, seats[1], err)
	}
	return nil
}

// sayDifference writes the difference in price between the seats.
func sayDifference(currency, tariff string, m checkout.Moved) string {
	if tariff != "" {
		tariff = " at " + tariff
	}
	switch more := m.Price - m.Paid; {
	case !m.Priced:
		return fmt.Sprintf("The other seat has no price%s now: %s stays, nothing was charged.", tariff, views.FullPrice(m.Paid, currency))
	case more > 0:
		return fmt.Sprintf("The other seat costs %s more%s: nothing was charged.", views.FullPrice(more, currency), tariff)
	case more < 0:
		return fmt.Sprintf("The other seat costs %s less%s: nothing was paid back.", views.FullPrice(-more, currency), tariff)
	}
	return fmt.Sprintf("Both seats cost the same%s.", tariff)
}
