package main

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"time"

	"github.com/seatlock/seatlock/checkout/ticket"
	"github.com/seatlock/seatlock/store"
)

// checkingIn has the flags of checkin.
type checkingIn struct {
	store, event, format string

	undo            bool
	offline, strict bool
	list            string // of a door without a network
	export, merge   string // lists
}

func (c *checkingIn) flags() *flag.FlagSet {
	f := newFlags()
	storeFlag(f, &c.store)
	f.StringVar(&c.event, "event", "", "`ID` of the event whose tickets are checked")
	f.StringVar(&c.format, "format", "text", "`FORMAT`: text, or json with an object on each line")
	f.BoolVar(&c.undo, "undo", false, "undo the check-in of tickets")
	f.StringVar(&c.export, "export", "", "write the list for a door without a network to this `FILE`, which must not exist")
	f.BoolVar(&c.offline, "offline", false, "work from --list alone, without a store")
	f.StringVar(&c.list, "list", "", "list of an offline door, a `FILE` from --export; scans are added to it")
	f.BoolVar(&c.strict, "strict", false, "with --offline, refuse tickets that were issued after the list was made")
	f.StringVar(&c.merge, "merge", "", "merge the scans of an offline door from this `FILE` into the store; more files may follow")
	return f
}

const checkinManual = `
TOKEN is the text in a ticket's QR code, or an address that ends in it. Without
TOKEN, or with -, tokens are read from stdin, one a line, and each is answered at
once: IN, OUT (with --undo), NO with the reason, or ? if it could not be decided.
The exit code is 1 if any was not let in.

A ticket that this house has signed and that is not in the offline list was issued
after the list was made, paid or not: it is let in, and the answer says so. --merge
can be repeated, also with the lists of several doors. It lists the tickets that
were let in twice, and those that were not valid.
`

// isDoor reports whether the variable only says which door it is, and the
// format.
func isDoor(variable string) bool { return isSubject(variable) || variable == envName("format") }

// checkIn checks tickets at a door, or exports or merges the list of an offline
// door.
func checkIn(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var c checkingIn
	f := c.flags()
	rest, err := parse(f, args, only(isDoor, getenv))
	if err == nil {
		err = cmp.Or(namesFiles(f), c.check(rest))
	}
	if err != nil {
		return err
	}
	say := &speaker{to: stdout, faults: stderr, json: c.format == "json"}
	if c.offline {
		return c.scanOffline(ctx, rest, say)
	}
	return withStore(ctx, c.store, false, func(st *store.Store) error {
		e, err := st.Event(ctx, c.event)
		if err != nil {
			return err
		}
		secret, err := st.Secret(ctx)
		if err != nil {
			return err
		}
		public := ticket.NewKeys(secret).Public()
		switch {
		case c.export != "":
			return exportDoorList(ctx, st, e, public, c.export, stdout)
		case c.merge != "":
			m := merging{st: st, event: e, public: public, say: say}
			return m.files(ctx, append([]string{c.merge}, rest...))
		}
		d := storeDoor{st: st, event: e, public: public, undo: c.undo}
		return scanAll(ctx, textsOf(ctx, rest, os.Stdin), say, d.scan)
	})
}

// namesFiles refuses an empty file name, as from an empty shell variable:
// nobody means to start a scanning door then.
func namesFiles(f *flag.FlagSet) (err error) {
	f.Visit(func(given *flag.Flag) {
		if slices.Contains([]string{"export", "list", "merge"}, given.Name) && given.Value.String() == "" {
			err = usageError{fmt.Errorf("--%s wants the name of a FILE, and was given none", given.Name)}
		}
	})
	return err
}

func (c *checkingIn) check(rest []string) error {
	modes := 0
	for _, is := range []bool{c.offline, c.export != "", c.merge != ""} {
		if is {
			modes++
		}
	}
	switch {
	case modes > 1:
		return usageError{errors.New("--offline, --export and --merge exclude each other")}
	case c.event == "" && !c.offline:
		return usageError{errors.New("checkin wants --event, the id of the event at whose door this is")}
	case c.offline != (c.list != ""):
		return usageError{errors.New("--offline and --list FILE go together")}
	case c.strict && !c.offline:
		return usageError{errors.New("--strict is for --offline: the store knows all tickets")}
	case c.undo && modes > 0 && !c.offline:
		return usageError{errors.New("--undo is for tickets, and not for lists")}
	case c.export != "" && len(rest) > 0:
		return usageError{errors.New("--export takes no tickets")}
	case c.format != "text" && c.format != "json":
		return wrong("format", c.format, "text or json")
	case c.offline:
		return nil
	}
	return checkStore(c.store)
}

// storeDoor is a door that asks the store.
type storeDoor struct {
	st     *store.Store
	event  store.Event
	public ed25519.PublicKey
	undo   bool
}

// decideWithin is how long a scan may take, also when the program is told to
// end: whoever stands at the door gets an answer.
const decideWithin = 10 * time.Second

// scan lets the store decide about one text.
func (d storeDoor) scan(ctx context.Context, text string) answer {
	t, err := ticket.Read(d.public, text)
	if err != nil {
		return refusedToken(err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), decideWithin)
	defer cancel()
	r := store.CheckInRequest{Event: d.event.ID, TicketEvent: t.Event, Code: t.Code, Seat: t.Seat, Issue: t.Issue, Undo: d.undo}
	out, again, err := checkInSurely(ctx, d.st, r)
	a := answerFor(t, out.Booking)
	now := out.Outcome.Now
	switch {
	case err == nil && d.undo:
		a.Answer = answerOut
		if out.Repeat && !again {
			a.Said = saidNotIn
		}
	case err == nil:
		a.Answer = answerIn
		a.at(out.Booking.Ticket(t.Seat).In, now, d.event.Zone)
	case errors.Is(err, store.ErrForeign):
		a.refuse(reasonForeign, "for another event: "+d.titleOf(ctx, t.Event))
	case errors.Is(err, store.ErrCheckedIn):
		a.at(out.Booking.Ticket(t.Seat).In, now, d.event.Zone)
		a.refuse(reasonCheckedIn, "checked in already at "+a.clock)
		if again {
			a.Said += ", or by this very scan: the first answer was lost"
		}
	default:
		a.refuseAs(err)
	}
	return a
}

// checkInSurely repeats a check-in whose outcome is unknown; again is that it did,
// so that the answer may be about the first try.
func checkInSurely(ctx context.Context, st *store.Store, r store.CheckInRequest) (out store.BookingOutcome, again bool, err error) {
	out, err = st.CheckIn(ctx, r)
	for try := 1; errors.Is(err, store.ErrUnknown) && try < maxTries && ctx.Err() == nil; try++ {
		again = true
		out, err = st.CheckIn(ctx, r)
	}
	return out, again, err
}

// titleOf names another event with its date: several may have the same title.
func (d storeDoor) titleOf(ctx context.Context, id string) string {
	e, err := d.st.Event(ctx, id)
	switch {
	case err != nil:
		return id
	case e.Starts.IsZero():
		return e.Title
	}
	return e.Title + ", " + dayAndClock(e.Starts, e.Zone)
}

// textsOf yields the arguments, or the lines of stdin if there are none.
func textsOf(ctx context.Context, args []string, stdin io.Reader) iter.Seq2[string, error] {
	if len(args) > 0 && !slices.Equal(args, []string{"-"}) {
		return func(yield func(string, error) bool) {
			for _, text := range args {
				if ctx.Err() != nil || !yield(text, nil) {
					return
				}
			}
		}
	}
	return linesFrom(ctx, stdin)
}

// refuseAs returns the answer for an error of the store.
func (a *answer) refuseAs(err error) {
	switch {
	case errors.Is(err, store.ErrNoBooking):
		a.refuse(reasonUnknown, "signed by this house, and there is no such booking")
	case errors.Is(err, store.ErrReplaced):
		a.refuse(reasonReplaced, "replaced by another ticket")
	case errors.Is(err, store.ErrCancelled):
		a.refuse(reasonCancelled, "cancelled")
	case errors.Is(err, store.ErrUnpaid):
		a.refuse(reasonUnpaid, "not paid")
	case errors.Is(err, store.ErrEnded):
		a.refuse(reasonEnded, "its booking has ended without seats")
	default:
		a.Answer, a.Reason, a.Said, a.fault = answerFault, reasonFault, "could not be decided: scan it again", err
	}
}
