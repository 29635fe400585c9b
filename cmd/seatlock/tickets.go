package main

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/seatlock/seatlock/checkout/ticket"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/views"
)

// keyCommand has the flags of ticket-key.
type keyCommand struct{ store, format string }

func (c *keyCommand) flags() *flag.FlagSet {
	f := newFlags()
	storeFlag(f, &c.store)
	f.StringVar(&c.format, "format", "text", "`FORMAT`: text, json or pem")
	return f
}

const ticketKeyManual = `
With it others can verify tickets without this store: docs/tickets.md shows how. It
is no secret, and nobody can make tickets with it. It never changes, also not when
the store is restored from a backup.
`

// ticketKey shows the public key of the tickets of a store.
func ticketKey(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	var c keyCommand
	rest, err := parse(c.flags(), args, getenv)
	switch {
	case err != nil:
		return err
	case len(rest) > 0:
		return usageError{fmt.Errorf("unexpected argument %q (--help lists all flags)", rest[0])}
	case c.format != "text" && c.format != "json" && c.format != "pem":
		return wrong("format", c.format, "text, json or pem")
	}
	if err := checkStore(c.store); err != nil {
		return err
	}
	var keys ticket.Keys
	err = withStore(ctx, c.store, false, func(st *store.Store) error {
		secret, err := st.Secret(ctx)
		keys = ticket.NewKeys(secret)
		return err
	})
	if err != nil {
		return err
	}
	public := base64.StdEncoding.EncodeToString(keys.Public())
	switch c.format {
	case "json":
		return json.NewEncoder(stdout).Encode(map[string]string{"id": keys.ID(), "algorithm": "Ed25519", "public": public})
	case "pem":
		der, err := x509.MarshalPKIXPublicKey(keys.Public())
		if err != nil {
			return err
		}
		return pem.Encode(stdout, &pem.Block{Type: "PUBLIC KEY", Bytes: der})
	}
	_, err = fmt.Fprintf(stdout, "key id      %s\npublic key  %s\n", keys.ID(), public)
	return err
}

// issuing has the flags of commands that print tickets.
type issuing struct {
	bookingCommand
	baseURL string
}

func (c *issuing) flags() *flag.FlagSet {
	f := c.bookingCommand.flags()
	f.StringVar(&c.baseURL, "base-url", defaults().baseURL, "`URL` that browsers use, scheme and host, as for serve")
	return f
}

// isSite reports whether the variable says what a command is about, or the site
// whose addresses it prints.
func isSite(variable string) bool { return isSubject(variable) || variable == envName("base-url") }

// site has what is needed for the addresses of a store's tickets and bookings:
// the base URL and the keys.
type site struct {
	base   string
	secret []byte
	keys   ticket.Keys
}

func siteOf(ctx context.Context, st *store.Store, baseURL string) (site, error) {
	base, err := baseOf(baseURL)
	if err != nil {
		return site{}, err
	}
	secret, err := st.Secret(ctx)
	return site{base.Scheme + "://" + base.Host, secret, ticket.NewKeys(secret)}, err
}

// ticketOf returns the address of the ticket for a seat of a booking.
func (s site) ticketOf(b store.Booking, seat string) string {
	return s.base + views.TicketPath(s.keys.Sign(ticket.Of(b, seat)))
}

// describe lists seats of a booking with their tickets.
func (s site) describe(w io.Writer, b store.Booking, lines []store.Line, more func(store.Line) string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, l := range lines {
		fmt.Fprintf(t, "  %s\t%s\t", l.Seat, placeOf(l))
		if more != nil {
			fmt.Fprintf(t, "%s\t", more(l))
		}
		fmt.Fprintf(t, "%s\n", s.ticketOf(b, l.Seat))
	}
	return t.Flush()
}

// placeOf returns a seat as people find it, with its tariff.
func placeOf(l store.Line) string {
	text := fmt.Sprintf("%s, row %s, seat %s", l.Section, l.Row, l.Label)
	if l.TariffName != "" {
		text += " (" + l.TariffName + ")"
	}
	return text
}

const reissueManual = `
Without SEAT all tickets of the booking are replaced. The old ones are no longer
valid: use this for a ticket that was lost, or that others may have. A seat that was
checked in stays checked in. Repeating the command issues new tickets again.
`

// reissueTickets replaces tickets of a booking, and prints the new ones.
func reissueTickets(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	var c issuing
	seats, err := c.read("reissue", c.flags(), args, only(isSite, getenv), true)
	if err != nil {
		return err
	}
	var at site
	var out store.BookingOutcome
	err = withStore(ctx, c.store, false, func(st *store.Store) (err error) {
		if at, err = siteOf(ctx, st, c.baseURL); err != nil {
			return err
		}
		if _, err = st.Booking(ctx, c.code); err != nil {
			return c.named(err)
		}
		out, err = st.Reissue(ctx, c.code, seats)
		return err
	})
	switch {
	case errors.Is(err, store.ErrInvalid):
		return usageError{err}
	case err != nil:
		return unchanged(err)
	}
	b := out.Booking
	lines := b.Kept()
	if len(seats) > 0 {
		lines = linesOf(b, seats)
	}
	text := "%s of booking %s were issued anew: the ones before are not let in any more.\n"
	if len(lines) == 1 {
		text = "%s of booking %s was issued anew: the one before is not let in any more.\n"
	}
	if _, err := fmt.Fprintf(stdout, text, count(len(lines), "ticket"), b.Code); err != nil {
		return err
	}
	return at.describe(stdout, b, lines, nil)
}

// linesOf returns the lines of seats of a booking, in the booking's order.
func linesOf(b store.Booking, seats []string) (lines []store.Line) {
	for _, l := range b.Kept() {
		if slices.Contains(seats, l.Seat) {
			lines = append(lines, l)
		}
	}
	return lines
}
