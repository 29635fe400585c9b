package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
	"github.com/seatlock/seatlock/views"
)

// importing is what import is told.
type importing struct {
	store                 string
	event, title, venue   string
	starts, zone          string
	currency              string
	salesOpen, salesClose string
	dryRun, addSeats      bool
}

func (i *importing) flags() *flag.FlagSet {
	f := newFlags()
	storeFlag(f, &i.store)
	f.StringVar(&i.event, "event", "", "`id` of the event to make, which stands in its address: A-Z a-z 0-9 . _ -")
	f.StringVar(&i.title, "title", "", "what people `call` it")
	f.StringVar(&i.venue, "venue", "", "`where` it is; the name of the plan, if it is left out")
	f.StringVar(&i.starts, "starts", "", "`when` it starts, in its zone: 2027-03-01T19:30")
	f.StringVar(&i.zone, "zone", "UTC", "IANA time `zone` of the venue, such as Europe/Vienna")
	f.StringVar(&i.currency, "currency", "EUR", "`code` of the currency of the prices")
	f.StringVar(&i.salesOpen, "sales-open", "", "`when` seats can be locked from, as --starts")
	f.StringVar(&i.salesClose, "sales-close", "", "`when` that ends")
	f.BoolVar(&i.addSeats, "add-seats", false, "give an event that exists the plan, which must have all its seats")
	f.BoolVar(&i.dryRun, "dry-run", false, "check the plan and what else is told, and write nothing")
	return f
}

const importManual = `
FILE is Seatlock's JSON, a seating plan of pretix, CSV with a header, or an
array of seats in JSON; - is stdin. Nothing is written unless all is well.

An import that is repeated changes nothing. With --add-seats the event gets the
plan's seats, places and prices; seats that it has stay as they are, and so do
its title, times and currency, which seatlock change is for.
`

// importPlan makes an event from a plan, or nothing.
func importPlan(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var i importing
	rest, err := parse(i.flags(), args, getenv)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usageError{fmt.Errorf("import wants one FILE, or - for stdin, and got %d", len(rest))}
	}
	if i.addSeats {
		return i.addTo(ctx, args, rest[0], stdout, stderr)
	}
	event, err := i.definition()
	if err != nil {
		return err
	}
	file, err := readPlan(rest[0], stderr)
	if err != nil {
		return err
	}
	event.Venue = cmp.Or(event.Venue, file.Plan.Name)
	event.Prices = file.Prices
	event.PlanBody, event.Seats, event.Withheld = file.Plan.Encode(), file.Plan.SeatIDs(), file.Withheld
	if err := event.Validate(); err != nil {
		return usageError{err}
	}
	done := "Nothing was written: this was a dry run."
	if !i.dryRun {
		tellSize(stderr, event)
		err := withStore(ctx, i.store, true, func(st *store.Store) (err error) {
			done, err = create(ctx, st, event)
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := describePlan(stdout, file, event.Currency); err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, done)
	return err
}

// definition is the event without its plan. A dry run may leave out what names
// the event.
func (i *importing) definition() (store.NewEvent, error) {
	e := store.NewEvent{Event: store.Event{ID: i.event, Title: i.title, Venue: i.venue, Zone: i.zone, Currency: i.currency}}
	if i.dryRun {
		e.ID, e.Title = cmp.Or(e.ID, "dry-run"), cmp.Or(e.Title, "Dry run")
	}
	switch {
	case e.ID == "":
		return e, usageError{errors.New("import wants --event, the id of the event to make")}
	case e.Title == "":
		return e, usageError{errors.New("import wants --title, what people call the event")}
	}
	if err := checkStore(i.store); err != nil {
		return e, err
	}
	zone, err := zoneOf(i.zone)
	if err != nil {
		return e, err
	}
	for _, t := range []struct {
		name, text string
		to         *time.Time
	}{
		{"starts", i.starts, &e.Starts}, {"sales-open", i.salesOpen, &e.SalesOpen}, {"sales-close", i.salesClose, &e.SalesClose},
	} {
		if *t.to, err = parseTime(t.text, zone); err != nil {
			return e, wrong(t.name, t.text, "a time such as 2027-03-01T19:30")
		}
	}
	return e, nil
}

func tellSize(stderr io.Writer, event store.NewEvent) {
	if len(event.Seats) > 5000 {
		fmt.Fprintf(stderr, "seatlock: writing %d seats\n", len(event.Seats))
	}
}

// create makes the event, and says what it did.
func create(ctx context.Context, st *store.Store, event store.NewEvent) (done string, err error) {
	_, err = st.Event(ctx, event.ID)
	known := err == nil
	if known || errors.Is(err, store.ErrNoEvent) {
		err = st.CreateEvent(ctx, event)
	}
	switch {
	case errors.Is(err, store.ErrExists):
		return "", fmt.Errorf("event %s exists already, and was left as it is (--add-seats gives it more seats)", event.ID)
	case known:
		return "Event " + event.ID + " was made so already: nothing was changed.", err
	}
	return "Event " + event.ID + " was made.", err
}

// readPlan reads a file, or stdin. Large ones tell how far they are.
func readPlan(path string, stderr io.Writer) (plan.File, error) {
	in, name := os.Stdin, "stdin"
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return plan.File{}, err
		}
		defer f.Close()
		in, name = f, path
	}
	file, err := plan.Read(&progress{Reader: in, to: stderr})
	if err != nil {
		return file, fmt.Errorf("%s: %w", name, err)
	}
	return file, nil
}

// progress tells of every 8 MiB that are read.
type progress struct {
	io.Reader
	to         io.Writer
	read, told int64
}

func (p *progress) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	p.read += int64(n)
	if p.read-p.told >= 8<<20 {
		p.told = p.read
		fmt.Fprintf(p.to, "seatlock: read %d MiB\n", p.read>>20)
	}
	return n, err
}

// describePlan tells what a plan is, for a person to see whether it was read
// as it was meant.
func describePlan(w io.Writer, f plan.File, currency string) error {
	name := cmp.Or(f.Plan.Name, "A hall without a name")
	seatsOf := map[string]int{}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s: %s, %d withheld\n", name, count(len(f.Plan.SeatIDs()), "seat"), len(f.Withheld))
	for _, s := range f.Plan.Sections {
		n := 0
		for _, r := range s.Rows {
			n += len(r.Seats)
			for _, seat := range r.Seats {
				seatsOf[seat.Category]++
			}
		}
		fmt.Fprintf(t, "  section %s\t%s\t%s\n", s.Name, count(len(s.Rows), "row"), count(n, "seat"))
	}
	for _, c := range f.Plan.Categories {
		fmt.Fprintf(t, "  category %s\t%s\t%s\n", c.Name, views.Price(f.Prices[c.ID], currency), count(seatsOf[c.ID], "seat"))
	}
	return t.Flush()
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}
