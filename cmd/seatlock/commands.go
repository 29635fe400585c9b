package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/seatlock/seatlock/store"
)

// command is one of the program's commands, named by the first argument.
type command struct {
	name  string
	args  string // as the manual has them
	does  string
	more  string // of the manual, below the flags
	flags func() *flag.FlagSet
	// inOrder is for flags whose order matters: they have no environment.
	inOrder bool
	// env reports which variables count; nil is all. Flags that change something or
	// open personal data have none: a variable would do it unseen.
	env func(variable string) bool
	run runner
}

type runner func(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error

// commands returns all commands in the order of the manual. The first is the default.
func commands() []command {
	return []command{
		{name: "serve", args: "[flags]", does: "serve seat maps (the default)", run: serve, more: serveManual,
			flags: func() *flag.FlagSet { c := defaults(); return c.flags() }},
		{name: "import", args: "--event ID --title TITLE [flags] FILE", does: "create an event from a seat plan, or add seats to one", run: importPlan, more: importManual,
			flags: func() *flag.FlagSet { return new(importing).flags() }},
		{name: "change", args: "--event ID [flags]", does: "change an event: texts, times, prices", run: changeEvent, more: changeManual, env: isSubject,
			flags: func() *flag.FlagSet { return new(changing).flags() }},
		{name: "export", args: "--event ID [flags]", does: "print the seat plan of an event", run: exportPlan,
			flags: func() *flag.FlagSet { return new(exporting).flags() }},
		{name: "generate", args: "--section NAME … [flags]", does: "generate the seat plan of a hall, and print it", run: generatePlan, more: generateManual, inOrder: true,
			flags: func() *flag.FlagSet { return new(generating).flags() }},
		{name: "events", args: "[flags]", does: "list the events", run: listEvents,
			flags: func() *flag.FlagSet { return new(listing).eventsFlags() }},
		{name: "seats", args: "--event ID [flags]", does: "list the seats of an event", run: listSeats,
			flags: func() *flag.FlagSet { return new(listing).seatsFlags() }},
		{name: "withhold", args: "--event ID SEAT …", does: "take seats off sale", run: withhold(true), more: withholdManual,
			flags: func() *flag.FlagSet { return new(seatCommand).flags() }},
		{name: "unwithhold", args: "--event ID SEAT …", does: "put withheld seats on sale", run: withhold(false), more: withholdManual,
			flags: func() *flag.FlagSet { return new(seatCommand).flags() }},
		{name: "release", args: "--event ID SEAT …", does: "free seats that visitors have locked", run: releaseSeats(), more: releaseManual,
			flags: func() *flag.FlagSet { return new(seatCommand).flags() }},
		{name: "bookings", args: "--event ID [flags]", does: "list the bookings of an event", run: listBookings, more: bookingsManual, env: notPeople,
			flags: func() *flag.FlagSet { return new(bookingList).flags() }},
		{name: "booking", args: "CODE [flags]", does: "show a booking, and who it is for", run: showBooking, more: bookingsManual,
			flags: func() *flag.FlagSet { return new(bookingCommand).showFlags() }},
		{name: "sell", args: "--event ID --name NAME [flags] SEAT …", does: "book seats for a customer of the house", run: sellSeats, more: sellManual, env: isSite,
			flags: func() *flag.FlagSet { return new(selling).flags() }},
		{name: "move", args: "CODE SEAT SEAT", does: "move a booking from one seat to another", run: moveBooking, more: moveManual, env: isSite,
			flags: func() *flag.FlagSet { return new(issuing).flags() }},
		{name: "reissue", args: "CODE [SEAT …]", does: "replace tickets of a booking with new ones", run: reissueTickets, more: reissueManual, env: isSite,
			flags: func() *flag.FlagSet { return new(issuing).flags() }},
		{name: "checkin", args: "--event ID [flags] [TOKEN …]", does: "check tickets at the door, with a network or without", run: checkIn, more: checkinManual, env: isDoor,
			flags: func() *flag.FlagSet { return new(checkingIn).flags() }},
		{name: "ticket-key", args: "[flags]", does: "show the public key that others verify tickets with", run: ticketKey, more: ticketKeyManual,
			flags: func() *flag.FlagSet { return new(keyCommand).flags() }},
		{name: "cancel", args: "CODE [SEAT …] [--no-refund] [--force]", does: "cancel a booking, or seats of it", run: cancelBooking, more: cancelManual, env: isSubject,
			flags: func() *flag.FlagSet { return new(bookingCommand).cancelFlags() }},
		{name: "paid", args: "CODE [--amount AMOUNT]", does: "record that a reserved booking was paid at the door", run: paidBooking, more: paidManual, env: isSubject,
			flags: func() *flag.FlagSet { return new(bookingCommand).paidFlags() }},
		{name: "refunded", args: "REFUND", does: "record that a stuck refund was paid back by hand", run: refundedByHand, more: refundedManual,
			flags: func() *flag.FlagSet { return new(bookingCommand).flags() }},
		{name: "sales", args: "--event ID [flags]", does: "show what was sold of an event, and whether the money adds up", run: tellSales, more: salesManual,
			flags: func() *flag.FlagSet { return new(listing).salesFlags() }},
		{name: "history", args: "--event ID SEAT, or CODE [flags]", does: "show the history of a seat, or of a booking", run: tellHistory, more: historyManual, env: isStoreOrFormat,
			flags: func() *flag.FlagSet { return new(listing).historyFlags() }},
		{name: "person", args: "--email ADDRESS [flags]", does: "show what is kept of a person", run: exportPerson, more: personManual, env: isStoreOrFormat,
			flags: func() *flag.FlagSet { return new(personCommand).exportFlags() }},
		{name: "erase", args: "--email ADDRESS [--force]", does: "erase a person from bookings that are over", run: erasePerson, more: eraseManual, env: isStore,
			flags: func() *flag.FlagSet { return new(personCommand).eraseFlags() }},
		{name: "remove", args: "--event ID", does: "remove an event that nobody has a seat of", run: removeEvent, more: removeManual,
			flags: func() *flag.FlagSet { return new(seatCommand).flags() }},
		{name: "backup", args: "[flags] FILE", does: "copy the store into a file, also under a running server", run: backupStore, more: backupManual,
			flags: func() *flag.FlagSet { return new(storeCommand).flags() }},
		{name: "check", args: "[flags]", does: "check that what the store holds fits together", run: checkWhole, more: checkManual,
			flags: func() *flag.FlagSet { return new(storeCommand).flags() }},
		{name: "new-epoch", args: "[flags]", does: "mark a MongoDB store as restored", run: beginEpoch, more: epochManual,
			flags: func() *flag.FlagSet { return new(storeCommand).flags() }},
		{name: "upgrade", args: "[flags]", does: "bring a store of an older Seatlock up to date", run: upgradeStore, more: upgradeManual,
			flags: func() *flag.FlagSet { return new(upgrading).flags() }},
		{name: "version", does: "show the version", run: tell(version)},
		{name: "help", does: "print this", run: tell(usage)},
	}
}

func commandOf(name string) (command, error) {
	all := commands()
	names := make([]string, len(all))
	for i, c := range all {
		if c.name == name {
			return c, nil
		}
		names[i] = c.name
	}
	last := len(names) - 1
	return command{}, usageError{fmt.Errorf("unknown command %q: there are %s and %s", name, strings.Join(names[:last], ", "), names[last])}
}

func tell(text func() string) runner {
	return func(_ context.Context, _ []string, _ func(string) string, stdout, _ io.Writer) error {
		_, err := io.WriteString(stdout, text())
		return err
	}
}

const serveManual = `
Then open the base URL in a browser. Ctrl-C or SIGTERM ends streams and
requests within 5 seconds; a second one ends at once.
`

// usage is the manual of the whole program.
func usage() string {
	var b strings.Builder
	b.WriteString("Seatlock serves seat maps on which visitors lock seats, live.\n\nUsage:\n")
	for _, c := range commands() {
		name := c.name
		if name == "serve" {
			name = "[serve]"
		}
		fmt.Fprintf(&b, "  seatlock %-48s %s\n", strings.TrimSpace(name+" "+c.args), c.does)
	}
	b.WriteString("\nEach command lists its flags with --help. Those of serve:\n\n")
	serving := commands()[0]
	return b.String() + serving.describe() + serving.more
}

// manual is the manual of one command.
func (c command) manual() string {
	if c.name == "serve" || c.flags == nil {
		return usage()
	}
	return fmt.Sprintf("Usage:\n  seatlock %s %s\n\n%s%s.\n\n%s%s", c.name, c.args, strings.ToUpper(c.does[:1]), c.does[1:], c.describe(), c.more)
}

func (c command) describe() string {
	var b strings.Builder
	if !c.inOrder && c.env == nil {
		b.WriteString("Each flag can be given as an environment variable too; a flag wins.\n\n")
	}
	c.flags().VisitAll(func(f *flag.Flag) {
		value, text := flag.UnquoteUsage(f)
		fmt.Fprintf(&b, "  --%s %s\n        %s\n", f.Name, value, text)
		if !c.inOrder && (c.env == nil || c.env(envName(f.Name))) {
			fmt.Fprintf(&b, "        default %s; environment %s\n", cmp.Or(f.DefValue, "none"), envName(f.Name))
		}
	})
	return b.String()
}

// only returns an environment in which the other variables are empty.
func only(counts func(variable string) bool, getenv func(string) string) func(string) string {
	return func(name string) string {
		if !counts(name) {
			return ""
		}
		return getenv(name)
	}
}

// isSubject reports whether the variable says what a command is about.
func isSubject(variable string) bool {
	return variable == envName("store") || variable == envName("event")
}

// notPeople reports whether the variable does not open personal data.
func notPeople(variable string) bool { return variable != envName("people") }

// withStore opens the store for a command; a server may be running on it.
func withStore(ctx context.Context, address string, mayMake bool, do func(*store.Store) error) error {
	st, err := openStore(ctx, address, opening{make: mayMake})
	if err != nil {
		return err
	}
	err = do(st)
	if closing := st.Close(); err == nil {
		err = closing
	}
	return err
}
