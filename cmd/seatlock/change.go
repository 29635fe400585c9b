package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// changing has the flags of change.
type changing struct {
	store, event          string
	title, venue          string
	starts, zone          string
	salesOpen, salesClose string
	prices                pricing
	tariffs               tariffing
	past                  bool // the start may have been
	hidden                bool
	terms                 store.Terms

	named map[string]bool // the flags that were given
	now   time.Time       // the store's
}

func (c *changing) flags() *flag.FlagSet {
	f := newFlags()
	storeFlag(f, &c.store)
	f.StringVar(&c.event, "event", "", "`ID` of the event")
	f.StringVar(&c.title, "title", "", "title of the event, a `TEXT`")
	f.StringVar(&c.venue, "venue", "", "venue, a `TEXT`")
	f.StringVar(&c.starts, "starts", "", "`TIME` when the event starts, in its zone: 2027-03-01T19:30, or none")
	f.BoolVar(&c.hidden, "hidden", false, "leave the event out of lists; it opens by its address; --hidden=false lists it again")
	f.BoolVar(&c.past, "past", false, "allow a start in the past")
	f.StringVar(&c.zone, "zone", "", "IANA time `ZONE` of the venue; times that are not given stay the same instants")
	f.StringVar(&c.salesOpen, "sales-open", "", "`TIME` when sales begin, as for --starts; or now, or none")
	f.StringVar(&c.salesClose, "sales-close", "", "`TIME` when sales end, as for --starts; or now")
	termFlags(f, &c.terms)
	c.prices.flags(f)
	c.tariffs.flags(f)
	return f
}

const changeManual = `
What no flag names stays. Pages show the change at once; locks stay, and bookings
keep their prices and pay deadlines. A time that clocks show twice needs its offset,
such as 2027-10-31T02:30+02:00.

The --tariff flags together name all tariffs: known ones keep their rules under the
new name, and with --yes those that are not named are removed. Without --tariff, the
other tariff flags change single tariffs. Without tariffs a seat costs what its
category does.
`

// changeEvent changes what the flags name of an event, all or nothing.
func changeEvent(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	c := changing{named: map[string]bool{}}
	f := c.flags()
	rest, err := parse(f, args, only(isSubject, getenv))
	f.Visit(func(given *flag.Flag) {
		c.named[given.Name] = !slices.Contains([]string{"store", "event", "past", "yes"}, given.Name)
	})
	switch {
	case err != nil:
		return err
	case len(rest) > 0:
		return usageError{fmt.Errorf("unexpected argument %q (--help lists all flags)", rest[0])}
	case c.event == "":
		return usageError{errors.New("change wants --event, the id of the event")}
	case !slices.Contains(slices.Collect(maps.Values(c.named)), true):
		return usageError{errors.New("change wants to be told what, such as --title or --sales-close (--help lists all)")}
	}
	if err := checkStore(c.store); err != nil {
		return err
	}
	var before, after store.Event
	var hall plan.Plan
	err = withStore(ctx, c.store, false, func(st *store.Store) (err error) {
		before, after, hall, err = c.change(ctx, st)
		return err
	})
	if errors.Is(err, store.ErrInvalid) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	warnOfTariffs(stderr, after, hall)
	if before.Revision == after.Revision {
		_, err := fmt.Fprintf(stdout, "Event %s is so already: nothing was changed.\n", after.ID)
		return err
	}
	return describeChange(stdout, "Event "+after.ID+" was changed.", before, after, hall)
}

// changeTries bounds how often another change may come first.
const changeTries = 10

// eventChanger is what changing an event needs of a store.
type eventChanger interface {
	priceKeeper
	Now(ctx context.Context) (time.Time, error)
}

// change changes the event. If another change comes first, the flags are
// applied again to the event after it.
func (c *changing) change(ctx context.Context, st eventChanger) (before, after store.Event, hall plan.Plan, err error) {
	if err = pricesOnce(ctx, st); err != nil {
		return before, after, hall, err
	}
	if c.now, err = st.Now(ctx); err != nil {
		return before, after, hall, err
	}
	for range changeTries {
		if before, err = st.Event(ctx, c.event); err != nil {
			break
		}
		if hall, err = hallOf(ctx, st, before); err != nil {
			break
		}
		if after, err = c.apply(before, hall); err != nil {
			break
		}
		if after, err = st.UpdateEvent(ctx, after); !errors.Is(err, store.ErrStale) {
			break
		}
	}
	return before, after, hall, err
}

// apply returns the event with the flags applied.
func (c *changing) apply(e store.Event, hall plan.Plan) (store.Event, error) {
	before := e
	if c.named["title"] {
		e.Title = c.title
	}
	if c.named["venue"] {
		e.Venue = c.venue
	}
	if c.named["zone"] {
		e.Zone = c.zone
	}
	if c.named["hidden"] {
		e.Hidden = c.hidden
	}
	c.applyTerms(&e.Terms)
	if err := c.applyTimes(&e); err != nil {
		return e, err
	}
	e.Prices = maps.Clone(e.Prices)
	if e.Prices == nil {
		e.Prices = map[string]int64{}
	}
	if err := c.prices.apply(e.Prices, hall, e.Currency); err != nil {
		return e, err
	}
	if err := c.tariffs.apply(&e, hall); err != nil {
		return e, err
	}
	return e, cmp.Or(c.prices.checkTariffsGone(before, e), c.prices.checkPriceChange(before, e, hall), c.prices.checkTariffChange(before, e, hall))
}

func (c *changing) applyTerms(t *store.Terms) {
	if c.named["cancel-until"] {
		t.CancelUntil = c.terms.CancelUntil
	}
	if c.named["pay-within"] {
		t.PayWithin = c.terms.PayWithin
	}
	if c.named["pay-until"] {
		t.PayUntil = c.terms.PayUntil
	}
}

// applyTimes reads the times of the flags, in the new zone of the event.
func (c *changing) applyTimes(e *store.Event) error {
	was := e.Starts
	var times []eventTime
	for _, t := range []eventTime{{"starts", c.starts, &e.Starts}, {"sales-open", c.salesOpen, &e.SalesOpen}, {"sales-close", c.salesClose, &e.SalesClose}} {
		if c.named[t.flag] {
			times = append(times, t)
		}
	}
	if len(times) == 0 && !c.named["zone"] {
		return nil // an older event may have an unknown zone
	}
	zone, err := zoneOf(e.Zone)
	if err == nil {
		err = readTimes(zone, c.now, times...)
	}
	if err != nil || e.Starts.Equal(was) {
		return err
	}
	return checkStart(*e, c.now, c.past)
}

// changeLine is a field of an event before and after; "" is none.
type changeLine struct{ what, was, is string }

// tariffChanges returns the changes of tariffs and their order.
func tariffChanges(before, after store.Event, hall plan.Plan) (lines []changeLine) {
	var kept store.Event
	for _, t := range before.Tariffs {
		line := changeLine{what: "tariff " + t.ID, was: sayTariff(t, hall, before.Currency)}
		if now, there := after.Tariff(t.ID); there {
			kept.Tariffs = append(kept.Tariffs, t)
			line.is = sayTariff(now, hall, after.Currency)
		}
		lines = append(lines, line)
	}
	var still store.Event
	for _, t := range after.Tariffs {
		if _, was := before.Tariff(t.ID); was {
			still.Tariffs = append(still.Tariffs, t)
		} else {
			lines = append(lines, changeLine{what: "tariff " + t.ID, is: sayTariff(t, hall, after.Currency)})
		}
	}
	return append(lines, changeLine{"order of tariffs", sayOrder(kept.Tariffs), sayOrder(still.Tariffs)})
}

func sayOrder(tariffs []store.Tariff) string {
	return strings.TrimPrefix(sayTariffIDs(tariffs, ""), "the tariffs are ")
}

// describeChange returns what has changed, for people: a new zone changes how
// times read.
func describeChange(w io.Writer, headline string, before, after store.Event, hall plan.Plan) error {
	lines := []changeLine{
		{"title", before.Title, after.Title},
		{"venue", before.Venue, after.Venue},
		{"zone", before.Zone, after.Zone},
		{"hidden", yesNo(before.Hidden), yesNo(after.Hidden)},
		{"starts", localTime(before.Starts, before.Zone), localTime(after.Starts, after.Zone)},
		{"sales open", localTime(before.SalesOpen, before.Zone), localTime(after.SalesOpen, after.Zone)},
		{"sales close", localTime(before.SalesClose, before.Zone), localTime(after.SalesClose, after.Zone)},
	}
	terms := sayTerms(after.Terms)
	for i, was := range sayTerms(before.Terms) {
		lines = append(lines, changeLine{was.what, was.is, terms[i].is})
	}
	for _, c := range hall.Categories {
		was, is := sayPrice(before, c.ID), sayPrice(after, c.ID)
		if _, priced := before.Prices[c.ID]; !priced && was != is {
			was = "" // or the category is new
		}
		lines = append(lines, changeLine{"price of " + c.Name, was, is})
	}
	lines = append(lines, tariffChanges(before, after, hall)...)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, headline)
	for _, l := range lines {
		if l.was != l.is {
			fmt.Fprintf(t, "  %s\t%s → %s\n", l.what, cmp.Or(l.was, "none"), cmp.Or(l.is, "none"))
		}
	}
	return t.Flush()
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
