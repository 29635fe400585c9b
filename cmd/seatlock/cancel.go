package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/views"
)

func (c *bookingCommand) cancelFlags() *flag.FlagSet {
	f := c.flags()
	f.BoolVar(&c.noRefund, "no-refund", false, "keep the money")
	f.BoolVar(&c.force, "force", false, "cancel seats whose tickets were checked in, too")
	return f
}

const cancelManual = `
Without SEAT the whole booking is cancelled. The seats are free at once, and their
full price is refunded, also when visitors can no longer cancel. A running server
refunds it; what was paid at the door or to the house counts as refunded at once,
and is yours to hand out. A seat whose ticket was checked in needs --force.
`

// cancelBooking cancels seats of a booking.
func cancelBooking(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	var c bookingCommand
	seats, err := c.read("cancel", c.cancelFlags(), args, only(isSubject, getenv), true)
	if err != nil {
		return err
	}
	var before store.Booking
	var out store.BookingOutcome
	err = withStore(ctx, c.store, false, func(st *store.Store) (err error) {
		if before, err = st.Booking(ctx, c.code); err != nil {
			return c.named(err)
		}
		out, err = st.Cancel(ctx, store.CancelRequest{Code: c.code, Seats: seats, NoRefund: c.noRefund, Force: c.force})
		return err
	})
	switch {
	case errors.Is(err, store.ErrInvalid):
		return usageError{err}
	case errors.Is(err, store.ErrPaying):
		return fmt.Errorf("%w: it can be cancelled once that has ended; nothing was changed", err)
	case errors.Is(err, store.ErrCheckedIn):
		return fmt.Errorf("%w: somebody may sit there; with --force it is cancelled all the same; nothing was changed", err)
	case err != nil:
		return unchanged(err)
	}
	freed := slices.DeleteFunc(store.Seats(before.Kept()), func(id string) bool { return slices.Contains(store.Seats(out.Booking.Kept()), id) })
	return c.describe(stdout, freed, out)
}

// describe writes what is free now, and what happens to the money.
func (c *bookingCommand) describe(w io.Writer, freed []string, out store.BookingOutcome) error {
	are, b := "seats of booking %s are", out.Booking
	switch len(freed) {
	case 0:
		_, err := fmt.Fprintf(w, "Booking %s has none of these seats any more: nothing was changed (seatlock booking %s shows the refunds).\n", b.Code, b.Code)
		return err
	case 1:
		are = "seat of booking %s is"
	}
	money := func(units int64) string { return views.FullPrice(units, b.Currency) }
	said := []string{fmt.Sprintf("%d "+are+" free: %s.", len(freed), b.Code, strings.Join(freed, " "))}
	switch r := out.Refund; {
	case r.ID != "" && r.Provider == checkout.Door:
		said = append(said, fmt.Sprintf("Hand out %s: it was paid at the door.", money(r.Amount)))
	case r.State == store.RefundDone: // no provider took it
		said = append(said, fmt.Sprintf("Hand out %s: it was paid to the house.", money(r.Amount)))
	case r.ID != "":
		said = append(said, fmt.Sprintf("%s goes back through %s: the running server pays it back.", money(r.Amount), r.Provider))
	case b.Captured > 0 && c.noRefund:
		said = append(said, "No money goes back.")
	default:
		said = append(said, "Nothing was paid for that.")
	}
	if owed := b.Owed(); owed > 0 {
		said = append(said, fmt.Sprintf("%s is still to be paid at the door.", money(owed)))
	}
	_, err := fmt.Fprintln(w, strings.Join(said, "\n"))
	return err
}
