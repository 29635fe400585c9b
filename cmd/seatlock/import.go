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
)

// importing has the flags of import.
type importing struct {
	store                 string
	event, title, venue   string
	starts, zone          string
	currency              string
	salesOpen, salesClose string
	prices                pricing
	tariffs               tariffing
	past                  bool // the start may have been
	dryRun, addSeats      bool
	relabel               bool // seats may change their labels
	hidden                bool
	terms                 store.Terms
	mayMake               bool // the store, if it is not there
}

func (i *importing) flags() *flag.FlagSet {
	f := newFlags()
	storeFlag(f, &i.store)
	f.StringVar(&i.event, "event", "", "`ID` of the new event, part of its address: A-Z a-z 0-9 . _ -")
	f.StringVar(&i.title, "title", "", "title of the event, a `TEXT`")
	f.StringVar(&i.venue, "venue", "", "venue, a `TEXT`; the default is the name of the plan")
	f.StringVar(&i.starts, "starts", "", "`TIME` when the event starts, in its zone: 2027-03-01T19:30")
	f.StringVar(&i.zone, "zone", "UTC", "IANA time `ZONE` of the venue, such as Europe/Vienna")
	f.StringVar(&i.currency, "currency", "EUR", "ISO 4217 `CODE` of the currency of the prices")
	f.StringVar(&i.salesOpen, "sales-open", "", "`TIME` when sales begin, as for --starts; or now")
	f.StringVar(&i.salesClose, "sales-close", "", "`TIME` when sales end, as for --starts; or now")
	termFlags(f, &i.terms)
	i.prices.flags(f)
	i.tariffs.flags(f)
	f.BoolVar(&i.prices.free, "free", false, "categories without a price are free; otherwise they are not for sale")
	f.BoolVar(&i.hidden, "hidden", false, "leave the event out of lists; it opens by its address")
	f.BoolVar(&i.mayMake, "create", false, "create the store if it does not exist")
	f.BoolVar(&i.past, "past", false, "allow a start in the past")
	f.BoolVar(&i.addSeats, "add-seats", false, "add the seats of the plan to an existing event; the plan must have all seats of the event")
	f.BoolVar(&i.relabel, "relabel", false, "with --add-seats, let seats change their section, row or label, unless somebody has them")
	f.BoolVar(&i.dryRun, "dry-run", false, "check the plan and the flags, and write nothing")
	return f
}

const importManual = `
FILE is Seatlock's JSON, a seating plan of pretix, CSV with a header, or an
array of seats in JSON; - is stdin. If anything is wrong, nothing is written.

A price in the file is a whole number of the currency's smallest unit, such as
2800, or has decimals, such as 28.00; --price overrides it. If nothing has a price,
--price or --free is needed. A time that clocks show twice needs
its offset, such as 2027-10-31T02:30+02:00.

Repeating an import changes nothing. With --add-seats the event gets the plan's new
seats, places and prices; existing seats stay as they are, and so do title, times
and currency (use seatlock change for those). With --relabel a seat that has an id
in the file may get another section, row or label.
`

// importPlan creates an event from a plan, or nothing.
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
	if i.relabel {
		return usageError{errors.New("--relabel goes with --add-seats")}
	}
	event, objection, err := i.definition(time.Now())
	if err != nil {
		return err
	}
	file, err := readPlan(rest[0], stderr)
	if err != nil {
		return err
	}
	event.Venue = cmp.Or(event.Venue, file.Plan.Name)
	event.PlanBody, event.Seats, event.Withheld = file.Plan.Encode(), file.Plan.SeatIDs(), file.Withheld
	var slip error
	if event.Prices, slip, err = i.prices.ofFile(file.File, event.Currency, nil); err != nil {
		return inFile(rest[0], err)
	}
	if err := i.tariffs.apply(&event.Event, file.Plan); err != nil {
		return err
	}
	if objection = cmp.Or(objection, slip); objection == nil {
		objection = inFile(rest[0], i.objection(event, file.File))
	}
	done, err := i.make(ctx, event, file, objection, stderr)
	if err != nil {
		return err
	}
	warnOfTariffs(stderr, event.Event, file.Plan)
	if err := describePlan(stdout, file.Plan, event.Event, event.Withheld); err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, done)
	return err
}

// definition returns the event without its plan. In a dry run the id and title
// may be missing. Times that only older programs accepted are read as those
// did, with an objection.
func (i *importing) definition(now time.Time) (e store.NewEvent, objection, err error) {
	e = store.NewEvent{Event: store.Event{ID: i.event, Title: i.title, Venue: i.venue, Zone: i.zone, Currency: i.currency, Hidden: i.hidden, Terms: i.terms}}
	if i.dryRun {
		e.ID, e.Title = cmp.Or(e.ID, "dry-run"), cmp.Or(e.Title, "Dry run")
	}
	switch {
	case e.ID == "":
		return e, nil, usageError{errors.New("import wants --event, the id of the event to make")}
	case e.Title == "":
		return e, nil, usageError{errors.New("import wants --title, what people call the event")}
	}
	if err := checkStore(i.store); err != nil {
		return e, nil, err
	}
	zone, err := zoneOf(i.zone)
	if err != nil {
		return e, nil, err
	}
	times := []eventTime{{"starts", i.starts, &e.Starts}, {"sales-open", i.salesOpen, &e.SalesOpen}, {"sales-close", i.salesClose, &e.SalesClose}}
	objection = readTimes(zone, now, times...)
	if objection != nil && !readTimesOfBefore(zone, times) {
		return e, nil, objection
	}
	return e, objection, nil
}

// readTimesOfBefore reads times as older programs did: a time that the clocks
// skip was moved, one that they show twice could be either, and any offset was
// accepted. It reports whether those programs accepted them.
func readTimesOfBefore(zone *time.Location, times []eventTime) bool {
	for _, t := range times {
		read, err := time.Time{}, error(nil)
		for _, layout := range []string{"2006-01-02T15:04", "2006-01-02 15:04", time.RFC3339} {
			if read, err = time.ParseInLocation(layout, t.text, zone); err == nil {
				break
			}
		}
		if err != nil && t.text != "" {
			return false
		}
		*t.to = read
	}
	return true
}

var errNoPrices = errors.New("the plan has no prices")

// objection returns why the event cannot be created as asked; nil if it can.
func (i *importing) objection(e store.NewEvent, file plan.File) error {
	if err := e.Validate(); err != nil {
		return usageError{err}
	}
	if len(file.Odd) > 0 {
		return file.Odd[0].Err
	}
	if len(e.Prices) == 0 {
		return usageError{fmt.Errorf("%w: say --price %s=AMOUNT, once for each category, or --free", errNoPrices, file.Plan.Categories[0].Name)}
	}
	return checkStart(e.Event, time.Now(), i.past)
}

// make creates the event, unless there is an objection, and says what it did.
// There is none against an event that was created so before.
func (i *importing) make(ctx context.Context, e store.NewEvent, file plan.Draft, objection error, stderr io.Writer) (done string, err error) {
	switch {
	case errors.Is(objection, errNoPrices) && i.dryRun: // which such a plan is read by, too
		return fmt.Sprintf("Nothing was written: this was a dry run, and %v.", objection), nil
	case objection != nil && i.dryRun:
		return "", objection
	case objection != nil:
		return i.madeBefore(ctx, e, file, objection)
	}
	if i.dryRun {
		return "Nothing was written: this was a dry run.", nil
	}
	tellSize(stderr, e)
	err = withStore(ctx, i.store, i.mayMake, func(st *store.Store) (err error) {
		done, err = i.create(ctx, st, e, file)
		return err
	})
	if errors.Is(err, store.ErrNoStore) {
		err = fmt.Errorf("%w (--create makes it)", err)
	}
	return done, err
}

func tellSize(stderr io.Writer, event store.NewEvent) {
	if len(event.Seats) > 5000 {
		fmt.Fprintf(stderr, "seatlock: writing %d seats\n", len(event.Seats))
	}
}

// madeBefore is make if there is an objection to the event.
func (i *importing) madeBefore(ctx context.Context, e store.NewEvent, file plan.Draft, objection error) (string, error) {
	var known, made bool
	err := withStore(ctx, i.store, false, func(st *store.Store) (err error) {
		_, err = st.Event(ctx, e.ID)
		if known = err == nil; known {
			made, err = i.madeAs(ctx, st, e, file)
		}
		return err
	})
	switch {
	case made:
		return madeAlready(e), nil
	case known && err == nil:
		return "", existsError(e.ID)
	}
	return "", objection
}

func existsError(id string) error {
	return fmt.Errorf("event %s exists already, and was left as it is (--add-seats gives it more seats)", id)
}

// eventCreator is what making an event needs of a store.
type eventCreator interface {
	priceKeeper
	Now(ctx context.Context) (time.Time, error)
	CreateEvent(ctx context.Context, e store.NewEvent) error
	MadeAs(ctx context.Context, e store.NewEvent) (bool, error)
}

// create creates the event, and says what it did.
func (i *importing) create(ctx context.Context, st eventCreator, e store.NewEvent, file plan.Draft) (done string, err error) {
	if err := pricesOnce(ctx, st); err != nil {
		return "", err
	}
	if made, err := i.madeAs(ctx, st, e, file); err != nil || made {
		return madeAlready(e), err
	}
	now, err := st.Now(ctx) // sales open and close by the store's clock
	if err != nil {
		return "", err
	}
	i.salesNow(&e, now, now)
	if err = st.CreateEvent(ctx, e); errors.Is(err, store.ErrExists) {
		return "", existsError(e.ID)
	}
	return sayIDs(0, len(e.Seats)) + "\nEvent " + e.ID + " was made.", err
}

// salesNow sets the sales times that were given as now.
func (i *importing) salesNow(e *store.NewEvent, opens, closes time.Time) {
	if i.salesOpen == "now" {
		e.SalesOpen = opens
	}
	if i.salesClose == "now" {
		e.SalesClose = closes
	}
}

// madeAs reports whether the event was created so, by this program or an older
// one. For now it takes the time that the event has.
func (i *importing) madeAs(ctx context.Context, st madeSource, e store.NewEvent, file plan.Draft) (bool, error) {
	there, err := st.Event(ctx, e.ID)
	if errors.Is(err, store.ErrNoEvent) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	i.salesNow(&e, there.SalesOpen, there.SalesClose)
	if made, err := madeWith(ctx, st, e, file.Plan); err != nil || made {
		return made, err
	}
	return madeOnto(ctx, st, e, file)
}

// madeWith is madeAs for one plan. For older programs a category without a
// price was free.
func madeWith(ctx context.Context, st madeSource, e store.NewEvent, hall plan.Plan) (bool, error) {
	if made, err := st.MadeAs(ctx, e); err != nil || made {
		return made, err
	}
	e.Prices = withFree(e.Prices, hall)
	return st.MadeAs(ctx, e)
}

func madeAlready(e store.NewEvent) string {
	return sayIDs(len(e.Seats), 0) + "\nEvent " + e.ID + " was made so already: nothing was changed."
}

// readPlan reads a file, or stdin, and reports progress for large ones.
func readPlan(path string, stderr io.Writer) (plan.Draft, error) {
	in := os.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return plan.Draft{}, err
		}
		defer f.Close()
		in = f
	}
	file, err := plan.ReadDraft(&progress{Reader: in, to: stderr})
	return file, inFile(path, err)
}

// inFile adds the file name to an error, unless it is about flags.
func inFile(path string, err error) error {
	if _, ofFlags := errors.AsType[usageError](err); err == nil || ofFlags {
		return err
	}
	if path == "-" {
		path = "stdin"
	}
	return fmt.Errorf("%s: %w", path, err)
}

// progress reports every 8 MiB that are read.
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

// describePlan writes what was read of a plan and its event, for a person to
// check.
func describePlan(w io.Writer, hall plan.Plan, e store.Event, withheld []string) error {
	name := cmp.Or(hall.Name, "A hall without a name")
	seatsOf := map[string]int{}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s: %s, %d withheld\n", name, count(len(hall.SeatIDs()), "seat"), len(withheld))
	for _, s := range hall.Sections {
		n := 0
		for _, r := range s.Rows {
			n += len(r.Seats)
			for _, seat := range r.Seats {
				seatsOf[seat.Category]++
			}
		}
		fmt.Fprintf(t, "  section %s\t%s\t%s\n", s.Name, count(len(s.Rows), "row"), count(n, "seat"))
	}
	for _, c := range hall.Categories {
		fmt.Fprintf(t, "  category %s\t%s\t%s\n", c.Name, sayPrice(e, c.ID), count(seatsOf[c.ID], "seat"))
	}
	for _, tariff := range e.Tariffs {
		fmt.Fprintf(t, "  tariff %s\t%s\n", tariff.ID, sayTariff(tariff, hall, e.Currency))
	}
	for _, line := range sayTimes(e) {
		fmt.Fprintf(t, "  %s\n", line)
	}
	for _, l := range sayTerms(e.Terms) {
		if l.own {
			fmt.Fprintf(t, "  %s\t%s\n", l.what, l.is)
		}
	}
	return t.Flush()
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}
