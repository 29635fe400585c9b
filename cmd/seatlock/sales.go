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
	"github.com/seatlock/seatlock/views"
)

const salesManual = `
Amounts in JSON are whole numbers of the currency's smallest unit. A day is that on
which a booking got its seats, in the event's zone, or in UTC once the event was
removed. Captured is what was paid, refunded what was paid back of it, and to refund
what is being paid back or is stuck. Captured - refunded - to refund must be what all
booked seats were sold for, plus what the house has kept of cancelled ones; otherwise
the exit code is 1. No-shows are counted once the event has begun.
`

func (l *listing) salesFlags() *flag.FlagSet {
	f := l.eventsFlags()
	f.StringVar(&l.event, "event", "", "`ID` of the event")
	return f
}

// salesLine has the sales under one key, or all of one currency. Its fields are
// the columns. Amounts are in the currency's smallest unit.
type salesLine struct {
	// Line is sale, or total, which alone has the money.
	Line      string `json:"line"`
	Category  string `json:"category"`
	Tariff    string `json:"tariff"`
	Day       string `json:"day"`
	Provider  string `json:"provider"`
	Currency  string `json:"currency"`
	Seats     int    `json:"seats"`
	Amount    int64  `json:"amount"`
	Open      int    `json:"open"`
	Owed      int64  `json:"owed"`
	Cancelled int    `json:"cancelled"`
	Returned  int64  `json:"returned"`
	Kept      int64  `json:"kept"`
	CheckedIn int    `json:"checked_in"`
	NoShows   *int   `json:"no_shows,omitempty"` // once the event has begun
	*salesMoney
}

// salesMoney is what was captured and refunded.
type salesMoney struct {
	Bookings int   `json:"bookings"`
	Paying   int   `json:"paying"` // bookings whose payment is under way
	Captured int64 `json:"captured"`
	Refunded int64 `json:"refunded"`
	OnItsWay int64 `json:"on_its_way"` // back
	Stuck    int64 `json:"stuck"`
}

const salesColumns = "line,category,tariff,day,provider,currency,seats,amount,open,owed,cancelled,returned,kept,checked_in,no_shows," +
	"bookings,paying,captured,refunded,on_its_way,stuck"

func (l salesLine) cells() []string {
	decimals, _ := store.CurrencyDecimals(l.Currency)
	units := func(n int64) string { return store.FormatUnits(n, decimals) }
	noShows := ""
	if l.NoShows != nil {
		noShows = strconv.Itoa(*l.NoShows)
	}
	row := []string{
		l.Line, l.Category, l.Tariff, l.Day, l.Provider, l.Currency, strconv.Itoa(l.Seats), units(l.Amount), strconv.Itoa(l.Open), units(l.Owed),
		strconv.Itoa(l.Cancelled), units(l.Returned), units(l.Kept), strconv.Itoa(l.CheckedIn), noShows,
	}
	m := l.salesMoney
	if m == nil {
		return append(row, "", "", "", "", "", "")
	}
	return append(row, strconv.Itoa(m.Bookings), strconv.Itoa(m.Paying), units(m.Captured), units(m.Refunded), units(m.OnItsWay), units(m.Stuck))
}

// takings sums up the bookings of one event in one currency: an event that was
// removed and created again may have had another.
type takings struct {
	store.Sales
	currency        string
	paying          int
	onItsWay, stuck int64
}

// salesReport has the sales of an event.
type salesReport struct {
	event string
	title string // "" if the event was removed
	begun bool
	sold  []*takings
}

// tellSales shows what was sold of an event.
func tellSales(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	var l listing
	rest, err := parse(l.salesFlags(), args, getenv)
	if err == nil {
		err = l.check(rest)
	}
	if err == nil && l.event == "" {
		err = usageError{errors.New("sales wants --event, the id of the event")}
	}
	if err != nil {
		return err
	}
	var r salesReport
	err = withStore(ctx, l.store, false, func(st *store.Store) (err error) {
		r, err = readSales(ctx, st, l.event)
		return err
	})
	if err != nil {
		return err
	}
	if l.format == "table" {
		err = r.describe(stdout)
	} else {
		err = writeLines(stdout, l.format, r.lines(), salesColumns, salesLine.cells)
	}
	return cmp.Or(err, r.fault())
}

func readSales(ctx context.Context, st *store.Store, id string) (r salesReport, err error) {
	e, zone, err := eventOfBookings(ctx, st, id)
	if err != nil {
		return r, err
	}
	now, err := st.Now(ctx)
	if err != nil {
		return r, err
	}
	r.event, r.title = id, e.Title
	starts := e.Starts
	for b, err := range st.AllBookings(ctx, id) {
		if err == nil {
			err = r.add(ctx, st, b, zone)
		}
		if err != nil {
			return r, err
		}
		if e.ID == "" && starts.Before(b.Starts) {
			starts = b.Starts
		}
	}
	if len(r.sold) == 0 {
		r.sold = []*takings{{currency: e.Currency}}
	}
	r.begun = store.HasBegun(starts, now)
	return r, nil
}

// add counts a booking, with the state of its refunds. These are read after it,
// and may be newer: then it is read again.
func (r *salesReport) add(ctx context.Context, st *store.Store, b store.Booking, zone *time.Location) error {
	const tries = 3
	for try := 1; ; try++ {
		one := takings{currency: b.Currency}
		one.Add(b, zone)
		if one.ToRefund != 0 {
			refunds, err := st.Refunds(ctx, b)
			if err != nil {
				return err
			}
			one.goBack(refunds)
		}
		if b.State == store.BookingPaying {
			one.paying++
		}
		if one.adds() || try == tries {
			r.in(b.Currency).merge(one)
			return nil
		}
		var err error
		if b, err = st.Booking(ctx, b.Code); err != nil {
			return err
		}
	}
}

// goBack counts refunds that are not done.
func (s *takings) goBack(refunds []store.Refund) {
	for _, r := range refunds {
		switch r.State {
		case store.RefundDone:
		case store.RefundStuck:
			s.stuck += r.Amount
		default:
			s.onItsWay += r.Amount
		}
	}
}

// adds reports whether what is to go back is on its way, or stuck.
func (s *takings) adds() bool { return s.ToRefund == s.onItsWay+s.stuck }

func (s *takings) merge(o takings) {
	s.Merge(o.Sales)
	s.paying += o.paying
	s.onItsWay, s.stuck = s.onItsWay+o.onItsWay, s.stuck+o.stuck
}

// in returns the sales in a currency.
func (r *salesReport) in(currency string) *takings {
	i := slices.IndexFunc(r.sold, func(s *takings) bool { return s.currency == currency })
	if i < 0 {
		r.sold = append(r.sold, &takings{currency: currency})
		i = len(r.sold) - 1
	}
	return r.sold[i]
}

// fault returns an error if lines and money do not add up.
func (r *salesReport) fault() error {
	for _, s := range r.sold {
		if !s.adds() {
			return fmt.Errorf("event %s: %s is neither kept, nor on its way back (seatlock check looks for what does not fit)", r.event,
				views.FullPrice(s.ToRefund-s.onItsWay-s.stuck, s.currency))
		}
	}
	return nil
}

func (r *salesReport) lines() (lines []salesLine) {
	for _, s := range r.sold {
		for _, key := range sortedKeys(s.Lines) {
			l := r.line("sale", s.Lines[key], s.currency)
			l.Category, l.Tariff, l.Day, l.Provider = key.Category, key.Tariff, key.Day, key.Provider
			lines = append(lines, l)
		}
		total := r.line("total", s.Total(), s.currency)
		total.salesMoney = &salesMoney{s.Bookings, s.paying, s.Captured, s.Refunded, s.onItsWay, s.stuck}
		lines = append(lines, total)
	}
	return lines
}

func (r *salesReport) line(kind string, l store.SalesLine, currency string) salesLine {
	line := salesLine{
		Line: kind, Currency: currency, Seats: l.Seats, Amount: l.Amount, Open: l.Open, Owed: l.Owed,
		Cancelled: l.Cancelled, Returned: l.Returned, Kept: l.Kept, CheckedIn: l.CheckedIn,
	}
	if noShows := l.NoShows(); r.begun {
		line.NoShows = &noShows
	}
	return line
}

func sortedKeys(lines map[store.SalesKey]store.SalesLine) []store.SalesKey {
	return slices.SortedFunc(maps.Keys(lines), func(a, b store.SalesKey) int {
		return cmp.Or(cmp.Compare(a.Category, b.Category), cmp.Compare(a.Tariff, b.Tariff), cmp.Compare(a.Day, b.Day), cmp.Compare(a.Provider, b.Provider))
	})
}

// describe writes what was sold for people.
func (r *salesReport) describe(w io.Writer) error {
	what := r.event + ", " + r.title
	if r.title == "" {
		what = r.event + ", which was removed: days are UTC"
	}
	for _, s := range r.sold {
		if _, err := fmt.Fprintf(w, "Sales of %s: %s, %s.\n", what, count(s.Bookings, "booking"), s.currency); err != nil {
			return err
		}
		for _, by := range []struct {
			what string
			key  func(store.SalesKey) string
		}{
			{"category", func(k store.SalesKey) string { return k.Category }},
			{"tariff", func(k store.SalesKey) string { return cmp.Or(k.Tariff, "none") }},
			{"day", func(k store.SalesKey) string { return cmp.Or(k.Day, "not known") }},
			{"provider", func(k store.SalesKey) string { return cmp.Or(k.Provider, "none") }},
		} {
			if err := r.table(w, by.what, s.by(by.key), s.currency); err != nil {
				return err
			}
		}
		if err := r.table(w, "total", map[string]store.SalesLine{"": s.Total()}, s.currency); err != nil {
			return err
		}
		if _, err := fmt.Fprint(w, "\n", s.sayMoney(), "\n"); err != nil {
			return err
		}
	}
	return nil
}

// by groups the lines by one part of their keys.
func (s *takings) by(key func(store.SalesKey) string) map[string]store.SalesLine {
	sums := map[string]store.SalesLine{}
	for k, line := range s.Lines {
		sum := sums[key(k)]
		sum.Add(line)
		sums[key(k)] = sum
	}
	return sums
}

func (r *salesReport) table(w io.Writer, what string, sums map[string]store.SalesLine, currency string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	head := "\n" + strings.ToUpper(what) + "\tSEATS\tAMOUNT\tOPEN\tOWED\tCANCELLED\tRETURNED\tKEPT\tCHECKED IN"
	if r.begun {
		head += "\tNO-SHOWS"
	}
	fmt.Fprintln(t, head)
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		cells := r.line("", sums[name], currency).cells()[6:15]
		if !r.begun {
			cells = cells[:8]
		}
		fmt.Fprintln(t, name+"\t"+strings.Join(cells, "\t"))
	}
	return t.Flush()
}

// sayMoney returns what was captured and refunded, and how it adds up.
func (s *takings) sayMoney() string {
	money := func(units int64) string { return views.FullPrice(units, s.currency) }
	total := s.Total()
	said := []string{fmt.Sprintf("Captured %s, refunded %s, on its way back %s, stuck %s.", money(s.Captured), money(s.Refunded), money(s.onItsWay), money(s.stuck))}
	have, sum := s.Captured-s.Refunded-s.onItsWay-s.stuck, total.Amount+total.Kept
	is := "="
	if have != sum {
		is = "is not"
	}
	said = append(said, fmt.Sprintf("Captured − refunded − to refund: %s %s amount + kept: %s.", money(have), is, money(sum)))
	if s.paying > 0 {
		said = append(said, fmt.Sprintf("%s under way, and not counted.", are(s.paying, "payment")))
	}
	return strings.Join(said, "\n")
}

// are is a count with its verb.
func are(n int, noun string) string {
	verb := " are"
	if n == 1 {
		verb = " is"
	}
	return count(n, noun) + verb
}
