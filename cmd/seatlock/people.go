package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/seatlock/seatlock/store"
)

// personCommand has the flags of commands about one person.
type personCommand struct {
	listing
	email string
	force bool
}

func (c *personCommand) flags() *flag.FlagSet {
	f := newFlags()
	storeFlag(f, &c.store)
	f.StringVar(&c.email, "email", "", "the person's e-mail `ADDRESS`; - reads it from stdin, so that no list of processes shows it")
	return f
}

func (c *personCommand) exportFlags() *flag.FlagSet {
	f := c.flags()
	f.StringVar(&c.format, "format", "json", "`FORMAT`: json, csv or table")
	return f
}

func (c *personCommand) eraseFlags() *flag.FlagSet {
	f := c.flags()
	f.BoolVar(&c.force, "force", false, "erase also from bookings that are not over or not settled: nobody can then be contacted about them")
	return f
}

// read reads the flags, and the address. No error has the address.
func (c *personCommand) read(name string, f *flag.FlagSet, args []string, getenv func(string) string) error {
	rest, err := parse(f, args, only(isStoreOrFormat, getenv))
	switch {
	case err != nil:
		return err
	case len(rest) > 0 || c.email == "":
		return usageError{fmt.Errorf("%s wants --email with an address, or - to read it from stdin, and nothing else", name)}
	}
	if err := c.check(nil); err != nil {
		return err
	}
	if c.email == "-" {
		line, err := bufio.NewReader(io.LimitReader(os.Stdin, store.MaxEmail*4)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read an address from stdin: %w", err)
		}
		c.email = line
	}
	if c.email = store.NormalEmail(c.email); !strings.Contains(c.email, "@") || len(c.email) > store.MaxEmail {
		return usageError{errors.New("--email: want an address such as name@example.org")}
	}
	return nil
}

const personManual = `
This prints all that is kept of the person with this address: for each booking what
was booked, what was paid, and the personal data in it. Capitals in the address do
not matter. Seats, money and tickets have no names, and stay when a person is erased.
`

// personBooking is a booking with its personal data.
type personBooking struct {
	bookingEntry
	Title string `json:"title,omitempty"` // of the event; "" if it was removed
	Start string `json:"starts,omitempty"`
}

// exportPerson shows what is kept of a person.
func exportPerson(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	var c personCommand
	if err := c.read("person", c.exportFlags(), args, getenv); err != nil {
		return err
	}
	kept := []personBooking{}
	err := withStore(ctx, c.store, false, func(st *store.Store) error {
		codes, err := c.bookings(ctx, st)
		for _, code := range codes {
			if err != nil {
				break
			}
			var b personBooking
			b, err = c.booking(ctx, st, code)
			kept = append(kept, b)
		}
		return err
	})
	if err != nil {
		return err
	}
	return writeLines(stdout, c.format, kept, "event,starts,code,state,begun,pay_until,seats,provider,currency,total,captured,refunded,owed,refunds,checked_in,name,email,phone",
		func(b personBooking) []string { return append([]string{b.Event, b.Start}, b.cells(true)...) })
}

// bookings returns the codes of the person's bookings, including those from
// older programs.
func (c *personCommand) bookings(ctx context.Context, st *store.Store) (codes []string, err error) {
	if err := st.IndexPeople(ctx); err != nil {
		return nil, err
	}
	for code, err := range st.BookingsFor(ctx, c.email) {
		if err != nil {
			return nil, err
		}
		codes = append(codes, code)
	}
	return codes, nil
}

func (c *personCommand) booking(ctx context.Context, st *store.Store, code string) (k personBooking, err error) {
	b, err := st.Booking(ctx, code)
	if err != nil {
		return k, err
	}
	e, err := st.Event(ctx, b.Event)
	if err != nil && !errors.Is(err, store.ErrNoEvent) {
		return k, err
	}
	l := bookingList{people: true}
	if k.bookingEntry, err = l.entry(ctx, st, b, e.Zone); err != nil {
		return k, err
	}
	k.Title, k.Start = e.Title, localTime(e.Starts, e.Zone)
	if e.ID == "" {
		k.Start = localTime(b.Starts, "UTC")
	}
	return k, nil
}

const eraseManual = `
Name, e-mail address and phone number are erased from all bookings that are over or
cancelled, and whose money is settled. Seats, money and tickets stay, and tickets stay
valid. Bookings that are not over or not settled are listed, and the exit code is then
1. Earlier backups keep what was erased, and so does the oplog of MongoDB until it is
overwritten. Without this command a server erases personal data some time after the
event; see --keep-people of serve.
`

// erasePerson erases the personal data of bookings.
func erasePerson(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	var c personCommand
	c.format = "table"
	if err := c.read("erase", c.eraseFlags(), args, getenv); err != nil {
		return err
	}
	var done erasedPerson
	err := withStore(ctx, c.store, false, func(st *store.Store) error {
		codes, err := c.bookings(ctx, st)
		if err != nil {
			return err
		}
		// Also if an earlier call broke off between: it has left nothing to erase.
		return errors.Join(done.erase(ctx, st, codes, c.force), st.Scrub(ctx))
	})
	if err != nil && len(done.erased)+len(done.stay) == 0 {
		return err // nobody knows whether there is one
	}
	return errors.Join(err, done.tell(stdout, c.store))
}

// isStore reports whether the variable is the store.
func isStore(variable string) bool { return variable == envName("store") }

// erasedPerson is the result of erasing a person.
type erasedPerson struct {
	erased []string    // codes
	stay   [][2]string // a code, and why
}

func (p *erasedPerson) erase(ctx context.Context, st *store.Store, codes []string, force bool) error {
	for _, code := range codes {
		_, err := st.Erase(ctx, store.EraseRequest{Code: code, Force: force, By: store.ByHouse})
		switch {
		case errors.Is(err, store.ErrUnsettled):
			_, why, _ := strings.Cut(err.Error(), store.ErrUnsettled.Error()+": ")
			p.stay = append(p.stay, [2]string{code, why})
		case err != nil:
			return err
		default:
			p.erased = append(p.erased, code)
		}
	}
	return nil
}

// tell writes what was done. Bookings that stay are an error.
func (p *erasedPerson) tell(w io.Writer, address string) error {
	switch {
	case len(p.erased)+len(p.stay) == 0:
		fmt.Fprintln(w, "No booking is for somebody with this address: nothing was changed.")
	case len(p.erased) > 0:
		longer := "Backups from before keep it"
		if !strings.HasPrefix(address, "sqlite:") {
			longer += ", and the oplog until it comes round"
		}
		fmt.Fprintf(w, "It was erased who %s for: %s. %s.\n", are(len(p.erased), "booking"), strings.Join(p.erased, " "), longer)
	}
	for _, s := range p.stay {
		fmt.Fprintf(w, "Booking %s keeps it: %s.\n", s[0], s[1])
	}
	if n := len(p.stay); n > 0 {
		return fmt.Errorf("%s not over, or not settled (--force erases it all the same)", are(n, "booking"))
	}
	return nil
}
