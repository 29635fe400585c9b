package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/views"
)

// bookingEntry is what the commands show of a booking, without its holder.
// Amounts are in the currency's smallest unit, times in the event's zone, or in
// UTC if the event was removed.
type bookingEntry struct {
	Code     string     `json:"code"`
	Event    string     `json:"event"`
	State    string     `json:"state"`
	Seats    []soldSeat `json:"seats"`
	Total    int64      `json:"total"`
	Currency string     `json:"currency"`
	Captured int64      `json:"captured"`
	Refunded int64      `json:"refunded"`
	Owed     int64      `json:"owed"`

	Provider string        `json:"provider,omitempty"`
	Attempt  string        `json:"attempt,omitempty"` // its state
	Begun    string        `json:"begun"`
	PayUntil string        `json:"pay_until,omitempty"`
	Refunds  []refundEntry `json:"refunds,omitempty"`
	Person   *store.Person `json:"person,omitempty"`
}

// soldSeat is a seat as it was sold, with its present state.
type soldSeat struct {
	Seat     string `json:"seat"`
	State    string `json:"state"`
	NoRefund bool   `json:"no_refund,omitempty"` // its price, by the house
	Price    int64  `json:"price"`
	Tariff   string `json:"tariff"` // its id
	Section  string `json:"section"`
	Row      string `json:"row"`
	Label    string `json:"label"`
	Category string `json:"category"`

	TariffName string `json:"tariff_name,omitempty"`
	// Issue is the number of the valid ticket, and CheckedIn the time of its
	// check-in, for seats with a ticket. Unpaid means that the seat was
	// cancelled before it was paid for.
	Issue     int    `json:"issue,omitempty"`
	CheckedIn string `json:"checked_in,omitempty"`
	Unpaid    bool   `json:"unpaid,omitempty"`
}

type refundEntry struct {
	ID     string   `json:"id"`
	State  string   `json:"state"`
	Amount int64    `json:"amount"`
	Seats  []string `json:"seats"`
}

// seatState returns the state of a line's seat in its booking.
func seatState(b store.Booking, l store.Line) string {
	switch {
	case l.Cancelled:
		return "cancelled"
	case b.State == store.BookingPaying, b.State == store.BookingReserved, b.State == store.BookingBooked:
		return string(b.State)
	}
	return letGo
}

// letGo is the state of a seat of a booking that was declined, has lapsed or
// was lost. Others may have the seat.
const letGo = "let go"

// entryOf returns the entry of a booking with its refunds.
func entryOf(b store.Booking, refunds []store.Refund, zone string) bookingEntry {
	e := bookingEntry{
		Code: b.Code, Event: b.Event, State: string(b.State), Currency: b.Currency, Provider: b.Provider,
		Total: b.Total(), Captured: b.Captured, Refunded: b.Refunded, Owed: b.Owed(),
		Begun: localTime(b.Begun, zone), PayUntil: localTime(b.PayUntil, zone),
	}
	for _, l := range b.Lines {
		e.Seats = append(e.Seats, soldSeatOf(b, l, zone))
	}
	for _, r := range refunds {
		e.Refunds = append(e.Refunds, refundEntry{r.ID, string(r.State), r.Amount, r.Seats})
	}
	return e
}

func soldSeatOf(b store.Booking, l store.Line, zone string) soldSeat {
	s := soldSeat{
		Seat: l.Seat, State: seatState(b, l), NoRefund: l.NoRefund, Price: l.Price, Section: l.Section, Row: l.Row, Label: l.Label,
		Category: l.Category, Tariff: l.Tariff, TariffName: l.TariffName, Unpaid: l.Unpaid,
	}
	if b.HasTickets() && !l.Cancelled {
		t := b.Ticket(l.Seat)
		s.Issue, s.CheckedIn = t.Issue, localTime(t.In, zone)
	}
	return s
}

// bookingList has the flags of bookings.
type bookingList struct {
	listing
	filter bookingFilter
	people bool
}

func (l *bookingList) flags() *flag.FlagSet {
	f := l.eventsFlags()
	f.StringVar(&l.event, "event", "", "`ID` of the event")
	l.filter.flags(f)
	f.BoolVar(&l.people, "people", false, "include names, e-mail addresses and phone numbers")
	return f
}

const bookingsManual = `
Amounts in JSON are whole numbers of the currency's smallest unit. Times are in
the event's zone, or in UTC once it was removed. A seat of a booking is paying,
reserved, booked, cancelled (kept, if the house keeps its price), or let go: its
booking was declined, has lapsed or was lost. A refund is wanted, done, or stuck:
the provider refuses it, and a person has to pay it back (seatlock refunded). A
ticket has an issue number, from 1, and checked_in is the time of its check-in; the
column counts the tickets that were checked in.
`

// listBookings lists the bookings of an event, ordered by code.
func listBookings(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	var l bookingList
	rest, err := parse(l.flags(), args, only(notPeople, getenv))
	if err == nil {
		err = l.check(rest)
	}
	if err == nil {
		err = l.filter.check()
	}
	if err == nil && l.event == "" {
		err = usageError{errors.New("bookings wants --event, the id of the event")}
	}
	if err != nil {
		return err
	}
	header := "code,state,begun,pay_until,seats,provider,currency,total,captured,refunded,owed,refunds,checked_in"
	if l.people {
		header += ",name,email,phone"
	}
	return withStore(ctx, l.store, false, func(st *store.Store) error {
		return writeStream(stdout, l.format, l.read(ctx, st), header, func(e bookingEntry) []string { return e.cells(l.people) })
	})
}

// read yields the selected bookings of an event, also of a removed one, and
// reads them on the way. An error is the last.
func (l *bookingList) read(ctx context.Context, st *store.Store) iter.Seq2[bookingEntry, error] {
	return func(yield func(bookingEntry, error) bool) {
		zone, err := l.zone(ctx, st)
		if err != nil {
			yield(bookingEntry{}, err)
			return
		}
		for b, err := range st.AllBookings(ctx, l.event) {
			if err == nil && !l.filter.has(b) {
				continue
			}
			var e bookingEntry
			if err == nil {
				e, err = l.entry(ctx, st, b, zone)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// zone returns the zone of the event, and reads the times of the filter in it;
// "" if the event was removed and has bookings.
func (l *bookingList) zone(ctx context.Context, st *store.Store) (string, error) {
	event, zone, err := eventOfBookings(ctx, st, l.event)
	if err == nil {
		err = l.filter.readTimes(zone)
	}
	if err == nil && l.filter.noShow {
		var now time.Time
		now, err = st.Now(ctx)
		l.filter.begun = store.HasBegun(event.Starts, now) // a removed event never has
	}
	return event.Zone, err
}

// eventOfBookings returns an event and its zone; the zero event and UTC if it was
// removed and has bookings.
func eventOfBookings(ctx context.Context, st *store.Store, id string) (event store.Event, zone *time.Location, err error) {
	event, err = st.Event(ctx, id)
	if errors.Is(err, store.ErrNoEvent) {
		if some, other := st.Bookings(ctx, id, "", 1); other != nil || len(some) > 0 {
			return event, time.UTC, other
		}
	}
	if err != nil {
		return event, nil, err
	}
	if zone, err = store.Zone(event.Zone); err != nil {
		zone = time.UTC // as localTime has it
	}
	return event, zone, nil
}

// entry reads only what the list shows of a booking: a hall has thousands.
func (l *bookingList) entry(ctx context.Context, st *store.Store, b store.Booking, zone string) (bookingEntry, error) {
	refunds, err := st.Refunds(ctx, b)
	if err != nil {
		return bookingEntry{}, err
	}
	e := entryOf(b, refunds, zone)
	if !l.people {
		return e, nil
	}
	switch p, err := st.Person(ctx, b.Code); {
	case err == nil:
		e.Person = &p
	case !errors.Is(err, store.ErrNoBooking): // else it was erased
		return bookingEntry{}, err
	}
	return e, nil
}

// cells are the columns of a booking.
func (e bookingEntry) cells(people bool) []string {
	var seats, refunds []string
	in := 0
	for _, s := range e.Seats {
		if s.CheckedIn != "" {
			in++
		}
		if s.State != "cancelled" && s.State != letGo {
			seats = append(seats, s.Seat)
		}
	}
	for _, r := range e.Refunds {
		refunds = append(refunds, r.State)
	}
	decimals, _ := store.CurrencyDecimals(e.Currency)
	row := []string{e.Code, e.State, e.Begun, e.PayUntil, strings.Join(seats, " "), e.Provider, e.Currency}
	for _, units := range []int64{e.Total, e.Captured, e.Refunded, e.Owed} {
		row = append(row, store.FormatUnits(units, decimals))
	}
	row = append(row, strings.Join(slices.Compact(slices.Sorted(slices.Values(refunds))), " "), strconv.Itoa(in))
	if !people {
		return row
	}
	var p store.Person
	if e.Person != nil {
		p = *e.Person
	}
	return append(row, p.Name, p.Email, p.Phone)
}

// bookingCommand has the flags of commands about one booking.
type bookingCommand struct {
	store, code string
	format      string
	noRefund    bool
	force       bool
	amount      string
}

func (c *bookingCommand) flags() *flag.FlagSet {
	f := newFlags()
	storeFlag(f, &c.store)
	return f
}

func (c *bookingCommand) showFlags() *flag.FlagSet {
	f := c.flags()
	f.StringVar(&c.format, "format", "text", "`FORMAT`: text or json")
	return f
}

// read reads the flags and the code, and returns the other arguments: none, or
// also the ids of seats.
func (c *bookingCommand) read(name string, f *flag.FlagSet, args []string, getenv func(string) string, seats bool) (rest []string, err error) {
	rest, err = parse(f, args, getenv)
	switch {
	case err != nil:
		return nil, err
	case len(rest) == 0 || rest[0] == "":
		return nil, usageError{fmt.Errorf("%s wants the CODE of a booking (seatlock bookings --event ID lists them)", name)}
	case len(rest) > 1 && !seats:
		return nil, usageError{fmt.Errorf("unexpected argument %q: %s takes one CODE", rest[1], name)}
	}
	c.code = strings.ToUpper(rest[0])
	return rest[1:], checkStore(c.store)
}

// named adds the code to an error about a missing booking, in one way for all
// commands.
func (c *bookingCommand) named(err error) error {
	if errors.Is(err, store.ErrNoBooking) {
		return fmt.Errorf("booking %s: %w", c.code, store.ErrNoBooking)
	}
	return err
}

// showBooking shows all of one booking, also who it is for.
func showBooking(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	var c bookingCommand
	if _, err := c.read("booking", c.showFlags(), args, getenv, false); err != nil {
		return err
	}
	if c.format != "text" && c.format != "json" {
		return wrong("format", c.format, "text or json")
	}
	var shown checkout.Shown
	err := withStore(ctx, c.store, false, func(st *store.Store) (err error) {
		shown, err = checkout.New(st, checkout.Config{}).Show(ctx, c.code)
		return err
	})
	if err != nil {
		return c.named(err)
	}
	entry := entryOf(shown.Booking, shown.Refunds, shown.Event.Zone)
	entry.Attempt = string(shown.Attempt.State)
	if shown.Person != (store.Person{}) { // it was not erased
		entry.Person = &shown.Person
	}
	if c.format == "text" {
		return entry.describe(stdout, shown.Event)
	}
	encoder := json.NewEncoder(stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(entry)
}

// describe writes a booking for people.
func (e bookingEntry) describe(w io.Writer, event store.Event) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "Booking %s is %s.\n", e.Code, e.State)
	payment := e.Provider
	if e.Attempt != "" {
		payment += ", " + e.Attempt
	}
	var p store.Person
	if e.Person != nil {
		p = *e.Person
	}
	title := event.Title
	if event.ID == "" {
		title = "which was removed: times are UTC"
	}
	for _, l := range [][2]string{
		{"event", e.Event + ", " + title}, {"starts", localTime(event.Starts, event.Zone)},
		{"begun", e.Begun}, {"pay until", e.PayUntil}, {"payment", payment},
		{"name", p.Name}, {"e-mail", p.Email}, {"phone", p.Phone},
	} {
		if l[1] != "" {
			fmt.Fprintf(t, "  %s\t%s\n", l[0], l[1])
		}
	}
	money := func(units int64) string { return views.FullPrice(units, e.Currency) }
	for _, s := range e.Seats {
		fmt.Fprintf(t, "  seat %s\t%s\t%s\n", s.Seat, money(s.Price), s.describe())
	}
	fmt.Fprintf(t, "  total\t%s\n  captured\t%s\n  refunded\t%s\n  owed\t%s\n", money(e.Total), money(e.Captured), money(e.Refunded), money(e.Owed))
	for _, r := range e.Refunds {
		fmt.Fprintf(t, "  refund %s\t%s\t%s, of %s\n", r.ID, money(r.Amount), r.State, strings.Join(r.Seats, " "))
	}
	return t.Flush()
}

// describe returns the state of the seat, its tariff, and its ticket in words.
func (s soldSeat) describe() string {
	said := s.State
	if s.NoRefund {
		said += ", and its price kept"
	}
	if s.Tariff != "" {
		said += ", " + cmp.Or(s.TariffName, s.Tariff)
	}
	if s.Issue > 1 {
		said += fmt.Sprintf(", ticket number %d", s.Issue)
	}
	if s.CheckedIn != "" {
		said += ", let in at " + s.CheckedIn
	}
	return said
}
