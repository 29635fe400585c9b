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
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
	"github.com/seatlock/seatlock/views"
)

// changing is what change is told.
type changing struct {
	store, event          string
	title, venue          string
	starts, zone          string
	salesOpen, salesClose string
	prices                map[string]int64 // by id or name of the category

	named map[string]bool // the flags that were given
	now   time.Time       // the store's
}

func (c *changing) flags() *flag.FlagSet {
	f := newFlags()
	storeFlag(f, &c.store)
	f.StringVar(&c.event, "event", "", "`id` of the event")
	f.StringVar(&c.title, "title", "", "what people `call` it")
	f.StringVar(&c.venue, "venue", "", "`where` it is")
	f.StringVar(&c.starts, "starts", "", "`when` it starts, in its zone: 2027-03-01T19:30, or none")
	f.StringVar(&c.zone, "zone", "", "IANA time `zone` of the venue; times that are not named stay the instants that they are")
	f.StringVar(&c.salesOpen, "sales-open", "", "`when` seats can be locked from, as --starts; or now, or none")
	f.StringVar(&c.salesClose, "sales-close", "", "`when` that ends")
	f.Func("price", "`CATEGORY=AMOUNT` in the smallest unit of the currency; repeatable", c.price)
	return f
}

func (c *changing) price(text string) error {
	i := strings.LastIndex(text, "=")
	amount, err := strconv.ParseInt(text[i+1:], 10, 64)
	if i < 1 || err != nil || amount < 0 {
		return errors.New("want CATEGORY=AMOUNT, a whole number of the currency's smallest unit, such as front=4500 for 45.00")
	}
	if c.prices == nil {
		c.prices = map[string]int64{}
	}
	c.prices[text[:i]] = amount
	return nil
}

const changeManual = `
What is not named stays. Pages show the change at once; locks under way stay.
`

// changeEvent changes what is named of an event, or nothing.
func changeEvent(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	c := changing{named: map[string]bool{}}
	f := c.flags()
	rest, err := parse(f, args, subjectOnly(getenv))
	f.Visit(func(given *flag.Flag) { c.named[given.Name] = given.Name != "store" && given.Name != "event" })
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
	if before.Revision == after.Revision {
		_, err := fmt.Fprintf(stdout, "Event %s is so already: nothing was changed.\n", after.ID)
		return err
	}
	return describeChange(stdout, "Event "+after.ID+" was changed.", before, after, hall)
}

// changeTries bounds how often others may be first.
const changeTries = 10

// eventChanger is what changing an event needs of a store.
type eventChanger interface {
	planSource
	Now(ctx context.Context) (time.Time, error)
	Event(ctx context.Context, id string) (store.Event, error)
	UpdateEvent(ctx context.Context, e store.Event) (store.Event, error)
}

// change does it. Another change that comes first is no obstacle: what is
// named is asked again of the event as it stands then.
func (c *changing) change(ctx context.Context, st eventChanger) (before, after store.Event, hall plan.Plan, err error) {
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

// apply returns the event as it is to be.
func (c *changing) apply(e store.Event, hall plan.Plan) (store.Event, error) {
	if c.named["title"] {
		e.Title = c.title
	}
	if c.named["venue"] {
		e.Venue = c.venue
	}
	if c.named["zone"] {
		e.Zone = c.zone
	}
	zone, err := zoneOf(e.Zone)
	if err != nil {
		return e, err
	}
	for _, t := range []struct {
		name, text string
		to         *time.Time
	}{
		{"starts", c.starts, &e.Starts}, {"sales-open", c.salesOpen, &e.SalesOpen}, {"sales-close", c.salesClose, &e.SalesClose},
	} {
		if !c.named[t.name] {
			continue
		}
		if t.text == "now" && t.name != "starts" {
			*t.to = c.now
		} else if *t.to, err = parseTime(strings.TrimPrefix(t.text, "none"), zone); err != nil {
			return e, wrong(t.name, t.text, "a time such as 2027-03-01T19:30, none, or for sales now")
		}
	}
	return e, c.applyPrices(&e, hall)
}

func (c *changing) applyPrices(e *store.Event, hall plan.Plan) error {
	e.Prices = maps.Clone(e.Prices)
	if e.Prices == nil {
		e.Prices = map[string]int64{}
	}
	for _, name := range slices.Sorted(maps.Keys(c.prices)) {
		i := slices.IndexFunc(hall.Categories, func(k plan.Category) bool { return k.ID == name })
		if i < 0 {
			i = slices.IndexFunc(hall.Categories, func(k plan.Category) bool { return k.Name == name })
		}
		if i < 0 {
			ids := make([]string, len(hall.Categories))
			for i, k := range hall.Categories {
				ids[i] = k.ID
			}
			return usageError{fmt.Errorf("--price %q: the categories are %s", name, strings.Join(ids, ", "))}
		}
		e.Prices[hall.Categories[i].ID] = c.prices[name]
	}
	return nil
}

// describeChange tells what is other than it was, as people read it: a zone
// changes how times read.
func describeChange(w io.Writer, headline string, before, after store.Event, hall plan.Plan) error {
	type line struct{ what, was, is string }
	lines := []line{
		{"title", before.Title, after.Title},
		{"venue", before.Venue, after.Venue},
		{"zone", before.Zone, after.Zone},
		{"starts", localTime(before.Starts, before.Zone), localTime(after.Starts, after.Zone)},
		{"sales open", localTime(before.SalesOpen, before.Zone), localTime(after.SalesOpen, after.Zone)},
		{"sales close", localTime(before.SalesClose, before.Zone), localTime(after.SalesClose, after.Zone)},
	}
	for _, c := range hall.Categories {
		was := "" // the category is new
		if minor, known := before.Prices[c.ID]; known {
			was = views.Price(minor, before.Currency)
		}
		lines = append(lines, line{"price of " + c.Name, was, views.Price(after.Prices[c.ID], after.Currency)})
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, headline)
	for _, l := range lines {
		if l.was != l.is {
			fmt.Fprintf(t, "  %s\t%s → %s\n", l.what, cmp.Or(l.was, "none"), cmp.Or(l.is, "none"))
		}
	}
	return t.Flush()
}
