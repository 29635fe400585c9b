package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/views"
)

func (c *bookingCommand) paidFlags() *flag.FlagSet {
	f := c.flags()
	f.StringVar(&c.amount, "amount", "", "what was paid, an `AMOUNT` with the decimals of the currency: 65.00; any other sum than what is owed is refused")
	return f
}

const paidManual = `
This records payment of all that the booking owes, and the booking no longer lapses.
Repeating it changes nothing. Use --amount when you work from a printed list: it is
refused if the sum has changed since, as when a seat was cancelled.
`

// paidBooking records that a reserved booking was paid at the door.
func paidBooking(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	var c bookingCommand
	if _, err := c.read("paid", c.paidFlags(), args, only(isSubject, getenv), false); err != nil {
		return err
	}
	var out store.BookingOutcome
	err := withStore(ctx, c.store, false, func(st *store.Store) error {
		b, err := st.Booking(ctx, c.code)
		if err != nil {
			return c.named(err)
		}
		amount, err := c.amountOf(b)
		if err != nil {
			return err
		}
		out, err = st.Paid(ctx, c.code, amount)
		return err
	})
	switch {
	case errors.Is(err, store.ErrStale):
		return fmt.Errorf("booking %s: what it owes has just changed: look at it again; nothing was changed", c.code)
	case err != nil:
		return unchanged(err)
	}
	b := out.Booking
	where := "at the door"
	if b.Provider == checkout.House {
		where = "to the house"
	}
	_, err = fmt.Fprintf(stdout, "Booking %s is booked: %s was paid %s.\n", b.Code, views.FullPrice(b.Captured, b.Currency), where)
	return err
}

// amountOf returns what was paid, if that is what the booking owes, or has
// already paid.
func (c *bookingCommand) amountOf(b store.Booking) (int64, error) {
	if c.amount == "" {
		return store.WhateverIsOwed, nil
	}
	amount, err := amountIn(b.Currency, c.amount)
	if err != nil {
		return 0, usageError{fmt.Errorf("--amount %w", err)}
	}
	money := func(units int64) string { return views.FullPrice(units, b.Currency) }
	switch {
	case b.State == store.BookingReserved && amount != b.Owed():
		return 0, fmt.Errorf("booking %s owes %s, and not %s; nothing was changed", b.Code, money(b.Owed()), money(amount))
	case b.State == store.BookingBooked && (b.Provider == checkout.Door || b.Provider == checkout.House) && amount != b.Captured:
		return 0, fmt.Errorf("booking %s was paid already, %s and not %s; nothing was changed", b.Code, money(b.Captured), money(amount))
	}
	return amount, nil // a booking that cannot be paid is refused as without
}

const refundedManual = `
REFUND is the id of the refund, as seatlock booking CODE shows it. It then counts as
done, and no longer as stuck. Repeating it changes nothing. A refund that is still
wanted is refused: a running server pays it back.
`

// refundedByHand records that a stuck refund was paid back by hand.
func refundedByHand(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	var c bookingCommand
	rest, err := parse(c.flags(), args, getenv)
	switch {
	case err != nil:
		return err
	case len(rest) == 0 || rest[0] == "":
		return usageError{errors.New("refunded wants the id of a REFUND (seatlock booking CODE lists those of a booking)")}
	case len(rest) > 1:
		return usageError{fmt.Errorf("unexpected argument %q: refunded takes one REFUND", rest[1])}
	}
	if err := checkStore(c.store); err != nil {
		return err
	}
	code, number, _ := strings.Cut(rest[0], "-")
	id := strings.ToUpper(code) + "-" + strings.ToLower(number)
	var before store.Refund
	err = withStore(ctx, c.store, false, func(st *store.Store) (err error) {
		if before, err = st.Refund(ctx, id); err != nil {
			return err
		}
		_, err = st.Refunded(ctx, id)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNoBooking):
		return fmt.Errorf("refund %s: there is none; nothing was changed (seatlock booking CODE lists those of a booking)", id)
	case err != nil:
		return unchanged(err)
	}
	how := "is done: it was paid back by hand"
	if before.State == store.RefundDone {
		how = "was done already: nothing was changed"
	}
	_, err = fmt.Fprintf(stdout, "Refund %s of %s %s.\n", id, views.FullPrice(before.Amount, before.Currency), how)
	return err
}
