package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
	"github.com/seatlock/seatlock/views"
)

// tariffing has the flags about tariffs.
type tariffing struct {
	list  []store.Tariff // which replace all
	none  bool           // there are to be none
	named []namedTariff  // changes of single tariffs, in the order of the flags
}

// namedTariff is the change of a tariff by one flag.
type namedTariff struct {
	flag, id, text string
	// apply changes the tariff, whose event has this hall and currency.
	apply func(t *store.Tariff, hall plan.Plan, currency string) error
}

func (g *tariffing) flags(f *flag.FlagSet) {
	f.Func("tariff", "a tariff, `ID=NAME`: full=Full; repeatable, in order, the first is the default; known tariffs keep their rules; present ones that are not given are removed, with --yes; none removes all", g.addTariff)
	f.Func("tariff-off", "`ID=PERCENT` off the price of each category, 1 to 100: reduced=30; or ID=none; repeatable", g.addOff)
	f.Func("tariff-price", "`ID=AMOUNT` for all categories, or ID/CATEGORY=AMOUNT for one, instead of the category's price: child=10.00; or ID=none; repeatable", g.addPrice)
	f.Func("tariff-most", "`ID=N`: for at most N seats of one booking; or ID=none; repeatable", g.addMost)
	f.Func("tariff-beside-accessible", "the tariff `ID` is for a seat beside an accessible one of the same booking, one for each; or ID=no; repeatable", g.addBeside)
}

func (g *tariffing) addTariff(text string) error {
	id, name, found := strings.Cut(text, "=")
	if text == "none" {
		g.none = true
		return nil
	}
	if !found || !store.ValidID(id) || name == "" {
		return errors.New("want ID=NAME, such as full=Full, or none")
	}
	g.list = append(g.list, store.Tariff{ID: id, Name: name})
	return nil
}

// add records the value of a tariff flag, ID=VALUE.
func (g *tariffing) add(flag, text, wants string, apply func(t *store.Tariff, value string) bool) error {
	id, value, found := strings.Cut(text, "=")
	if !found || !apply(&store.Tariff{}, value) {
		return errors.New("want " + wants)
	}
	g.named = append(g.named, namedTariff{flag, id, text, func(t *store.Tariff, _ plan.Plan, _ string) error {
		apply(t, value)
		return nil
	}})
	return nil
}

func (g *tariffing) addOff(text string) error {
	return g.add("tariff-off", text, "ID=PERCENT, a whole percentage from 1 to 100, or none", func(t *store.Tariff, value string) bool {
		off, ok := wholeOrNone(value, 100)
		t.Off, t.Prices = off, nil
		return ok
	})
}

func (g *tariffing) addMost(text string) error {
	wants := fmt.Sprintf("ID=N, a whole number from 1 to %d, or none", store.MaxSeatsPerRequest)
	return g.add("tariff-most", text, wants, func(t *store.Tariff, value string) bool {
		most, ok := wholeOrNone(value, store.MaxSeatsPerRequest)
		t.Most = most
		return ok
	})
}

func (g *tariffing) addBeside(text string) error {
	if !strings.Contains(text, "=") {
		text += "=yes"
	}
	return g.add("tariff-beside-accessible", text, "ID, or ID=no", func(t *store.Tariff, value string) bool {
		t.Beside = value == "yes"
		return t.Beside || value == "no"
	})
}

// wholeOrNone reads a whole number from 1 to most; none is 0.
func wholeOrNone(text string, most int) (n int, ok bool) {
	if text == "none" {
		return 0, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && 1 <= n && n <= most && text[0] != '+'
}

func (g *tariffing) addPrice(text string) error {
	i := strings.LastIndex(text, "=")
	if i < 1 || text[i+1:] != "none" && !isAmount(text[i+1:]) {
		return errors.New("want ID=AMOUNT or ID/CATEGORY=AMOUNT, such as child=10.00")
	}
	amount := text[i+1:]
	id, category, single := strings.Cut(text[:i], "/")
	if single && amount == "none" {
		return errors.New("want none for all categories: ID=none; or name the amounts of those that are to have one")
	}
	g.named = append(g.named, namedTariff{"tariff-price", id, text, func(t *store.Tariff, hall plan.Plan, currency string) error {
		if amount == "none" {
			t.Prices = nil
			return nil
		}
		units, err := amountIn(currency, amount)
		if err != nil {
			return err
		}
		categories := hall.Categories
		if single {
			if category, err = categoryOf(hall, category); err != nil {
				return err
			}
			categories = []plan.Category{{ID: category}}
		}
		if t.Off = 0; t.Prices == nil {
			t.Prices = map[string]int64{}
		}
		for _, c := range categories {
			t.Prices[c.ID] = units
		}
		return nil
	}})
	return nil
}

// apply gives the event the tariffs from the flags. It does not modify the
// tariffs of its argument.
func (g *tariffing) apply(e *store.Event, hall plan.Plan) error {
	tariffs := slices.Clone(e.Tariffs)
	switch {
	case g.none && (len(g.list) > 0 || len(g.named) > 0):
		return usageError{errors.New("--tariff none: want it alone, or the tariffs that there are to be")}
	case g.none:
		tariffs = nil
	case len(g.list) > 0:
		tariffs = slices.Clone(g.list)
		for i, named := range tariffs {
			if was, there := e.Tariff(named.ID); there {
				was.Name = named.Name
				tariffs[i] = was
			}
		}
	}
	for i := range tariffs {
		tariffs[i].Prices = maps.Clone(tariffs[i].Prices)
	}
	for _, named := range g.named {
		i := slices.IndexFunc(tariffs, func(t store.Tariff) bool { return t.ID == named.id })
		if i < 0 {
			return usageError{fmt.Errorf("--%s %s: there is no tariff %q: %s", named.flag, named.text, named.id, sayTariffIDs(tariffs, "name it with --tariff"))}
		}
		if err := named.apply(&tariffs[i], hall, e.Currency); err != nil {
			return usageError{fmt.Errorf("--%s %s: %w", named.flag, named.text, err)}
		}
	}
	e.Tariffs = tariffs
	return g.checkOnce()
}

// checkOnce refuses a percentage together with prices for one tariff: only one
// can be meant.
func (g *tariffing) checkOnce() error {
	for _, one := range g.named {
		for _, other := range g.named {
			if one.flag == "tariff-off" && other.flag == "tariff-price" && one.id == other.id {
				return usageError{fmt.Errorf("--tariff-off %s and --tariff-price %s: want one of them for a tariff", one.text, other.text)}
			}
		}
	}
	return nil
}

func sayTariffIDs(tariffs []store.Tariff, orNone string) string {
	if len(tariffs) == 0 {
		return orNone
	}
	ids := make([]string, len(tariffs))
	for i, t := range tariffs {
		ids[i] = t.ID
	}
	return "the tariffs are " + strings.Join(ids, ", ")
}

// checkTariffsGone refuses to remove tariffs without --yes: somebody who
// renames some may have forgotten the others.
func (p *pricing) checkTariffsGone(before, after store.Event) error {
	gone := slices.DeleteFunc(slices.Clone(before.Tariffs), func(t store.Tariff) bool {
		_, there := after.Tariff(t.ID)
		return there
	})
	if len(gone) == 0 || p.yes {
		return nil
	}
	return usageError{fmt.Errorf("--tariff would remove %s: name all that are to stay with --tariff, or say --yes if it is meant", sayOrder(gone))}
}

// checkTariffChange refuses to change the price of a seat at a tariff, or at
// the default tariff, by more than half without --yes.
func (p *pricing) checkTariffChange(before, after store.Event, hall plan.Plan) error {
	for _, c := range hall.Categories {
		type change struct{ what, was, is string }
		changes := []change{{"", before.DefaultTariff(c.ID), after.DefaultTariff(c.ID)}}
		for _, t := range after.Tariffs {
			changes = append(changes, change{" as " + t.Name, t.ID, t.ID})
		}
		for _, ch := range changes {
			was, had := before.PriceAs(c.ID, ch.was)
			is, has := after.PriceAs(c.ID, ch.is)
			if had && has && !p.yes && byMoreThanHalf(was, is) {
				return usageError{fmt.Errorf("price of %s%s: from %s to %s is a change by more than half: say --yes if it is meant",
					c.Name, ch.what, views.FullPrice(was, before.Currency), views.FullPrice(is, before.Currency))}
			}
		}
	}
	return nil
}

// sayTariff returns a tariff in words.
func sayTariff(t store.Tariff, hall plan.Plan, currency string) string {
	said := []string{t.Name}
	switch {
	case t.Prices != nil:
		said = append(said, sayTariffPrices(t, hall, currency))
	case t.Off > 0:
		said = append(said, fmt.Sprintf("%d%% off", t.Off))
	default:
		said = append(said, "the full price")
	}
	if t.Most > 0 {
		said = append(said, count(t.Most, "seat")+" of a booking at most")
	}
	if t.Beside {
		said = append(said, "beside an accessible seat")
	}
	return strings.Join(said, ", ")
}

func sayTariffPrices(t store.Tariff, hall plan.Plan, currency string) string {
	var said []string
	same := true
	for _, c := range hall.Categories {
		price, has := t.Prices[c.ID]
		same = same && has && price == t.Prices[hall.Categories[0].ID]
		if has {
			said = append(said, views.Price(price, currency)+" for "+c.Name)
		}
	}
	if same {
		return views.Price(t.Prices[hall.Categories[0].ID], currency)
	}
	return strings.Join(said, ", ")
}

// warnOfTariffs warns of tariffs that nobody can choose in this hall, and of
// default tariffs that most seats cannot have.
func warnOfTariffs(w io.Writer, e store.Event, hall plan.Plan) {
	for _, t := range e.Tariffs {
		if t.Beside && !hasSeatBeside(hall) {
			fmt.Fprintf(w, "seatlock: nobody can choose the tariff %s: it is for a seat beside an accessible one, and the hall has none\n", t.ID)
		}
		isDefault := slices.ContainsFunc(hall.Categories, func(c plan.Category) bool { return e.DefaultTariff(c.ID) == t.ID })
		if t.Beside && isDefault {
			fmt.Fprintf(w, "seatlock: the tariff %s is a default, and only for a seat beside an accessible one: no other seat can be booked unless another tariff is chosen for it\n", t.ID)
		}
	}
}

// hasSeatBeside reports whether a seat of the hall is next to an accessible one.
func hasSeatBeside(hall plan.Plan) bool {
	for _, section := range hall.Sections {
		for _, row := range section.Rows {
			if len(row.Seats) > 1 && slices.ContainsFunc(row.Seats, func(s plan.Seat) bool { return slices.Contains(s.Properties, plan.Accessible) }) {
				return true
			}
		}
	}
	return false
}
