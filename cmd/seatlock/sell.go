package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/handlers"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/views"
)

// selling has the flags of sell.
type selling struct {
	issuing
	event   string
	person  store.Person
	tariffs [][2]string // seat, and a tariff's id or name
	comp    bool
}

func (s *selling) flags() *flag.FlagSet {
	f := s.issuing.flags()
	f.StringVar(&s.event, "event", "", "`ID` of the event")
	f.StringVar(&s.person.Name, "name", "", "`NAME` of the customer")
	f.StringVar(&s.person.Email, "email", "", "the customer's e-mail `ADDRESS`; nothing is sent")
	f.StringVar(&s.person.Phone, "phone", "", "the customer's phone `NUMBER`")
	f.Func("tariff", "`SEAT=TARIFF`: the seat by its id, the tariff by its id or name; repeatable; other seats get the default tariff", s.addTariff)
	f.BoolVar(&s.comp, "comp", false, "give the seats away: they cost nothing")
	return f
}

func (s *selling) addTariff(text string) error {
	seat, tariff, ok := strings.Cut(text, "=")
	if !ok || seat == "" || tariff == "" {
		return errors.New("want SEAT=TARIFF, such as A1=reduced")
	}
	s.tariffs = append(s.tariffs, [2]string{seat, tariff})
	return nil
}

const sellManual = `
All seats are booked, or none. They may be free or withheld, and sales need not be
open; the event must not be over. The booking counts as paid: the house has the
money already. The link that is printed opens the booking; whoever has it can act
for the customer. Given as -, --name, --email and --phone are read from stdin in this
order, a line each, so that no list of processes shows them.
`

// sellSeats books seats for a customer of the house.
func sellSeats(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	var s selling
	seats, err := parse(s.flags(), args, only(isSite, getenv))
	if err == nil {
		err = s.readPerson(os.Stdin)
	}
	if err == nil {
		err = s.check(seats)
	}
	if err != nil {
		return err
	}
	var at site
	var b store.Booking
	err = withStore(ctx, s.store, false, func(st *store.Store) (err error) {
		if at, err = siteOf(ctx, st, s.baseURL); err == nil {
			b, err = s.sell(ctx, st, seats)
		}
		return err
	})
	switch {
	case errors.Is(err, store.ErrInvalid):
		return usageError{err}
	case err != nil:
		return unchanged(err)
	}
	if err := s.describe(stdout, b, at); err != nil {
		return fmt.Errorf("booking %s is made, and could not be told (seatlock booking %s tells it): %w", b.Code, b.Code, err)
	}
	return nil
}

// describe writes what was sold, with its tickets and its link.
func (s *selling) describe(w io.Writer, b store.Booking, at site) error {
	money := func(l store.Line) string { return views.FullPrice(l.Price, b.Currency) }
	how := "and is paid"
	if s.comp {
		how = "as a gift of the house"
	}
	_, err := fmt.Fprintf(w, "Booking %s is booked: %s of %s for %s, %s.\n", b.Code, count(len(b.Lines), "seat"), b.Event, views.FullPrice(b.Total(), b.Currency), how)
	if err == nil {
		err = at.describe(w, b, b.Lines, money)
	}
	if err == nil {
		_, err = fmt.Fprintf(w, "The customer's link, which opens the booking for whoever has it:\n  %s\n", handlers.BookingLink(at.base, at.secret, b.Code))
	}
	return err
}

// readPerson reads from stdin what is given as -, a line each, and cuts blanks.
func (s *selling) readPerson(stdin io.Reader) error {
	lines := bufio.NewReader(io.LimitReader(stdin, maxLine))
	for _, field := range []struct {
		flag string
		text *string
	}{{"name", &s.person.Name}, {"email", &s.person.Email}, {"phone", &s.person.Phone}} {
		asked := *field.text == "-"
		if asked {
			line, err := lines.ReadString('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				return fmt.Errorf("read --%s from stdin: %w", field.flag, err)
			}
			*field.text = line
		}
		if *field.text = strings.TrimSpace(*field.text); asked && *field.text == "" {
			return usageError{fmt.Errorf("--%s -: there is no line for it on stdin", field.flag)}
		}
	}
	return nil
}

func (s *selling) check(seats []string) error {
	switch {
	case s.event == "":
		return usageError{errors.New("sell wants --event, the id of the event")}
	case s.person.Name == "":
		return usageError{errors.New("sell wants --name, who the booking is for")}
	case len(seats) == 0:
		return usageError{fmt.Errorf("sell wants the ids of seats, such as A1 A2 (seatlock seats --event %s lists them)", s.event)}
	case s.comp && len(s.tariffs) > 0:
		return usageError{errors.New("--comp and --tariff exclude each other: a seat that is given away has no tariff")}
	}
	for i, t := range s.tariffs {
		if !slices.Contains(seats, t[0]) {
			return usageError{fmt.Errorf("--tariff %s=%s: this seat is not to be sold", t[0], t[1])}
		}
		if slices.ContainsFunc(s.tariffs[:i], func(o [2]string) bool { return o[0] == t[0] }) {
			return usageError{fmt.Errorf("--tariff %s=%s: this seat has one already", t[0], t[1])}
		}
	}
	return checkStore(s.store)
}

// sell makes the booking. An attempt whose outcome is unknown is made again, with
// the same code: that sells nothing twice.
func (s *selling) sell(ctx context.Context, st *store.Store, seats []string) (store.Booking, error) {
	e, err := st.Event(ctx, s.event)
	if err != nil {
		return store.Booking{}, err
	}
	sale := checkout.Sale{Event: s.event, Seats: seats, Tariffs: map[string]string{}, Comp: s.comp, Person: s.person, Code: store.NewCode()}
	for _, t := range s.tariffs {
		if sale.Tariffs[t[0]], err = tariffOf(e, t[1]); err != nil {
			return store.Booking{}, usageError{fmt.Errorf("--tariff %s=%s: %w", t[0], t[1], err)}
		}
	}
	desk := checkout.New(st, checkout.Config{})
	err = store.ErrUnknown
	for try := 0; errors.Is(err, store.ErrUnknown) && try < maxTries && ctx.Err() == nil; try++ {
		_, err = desk.Sell(ctx, sale)
	}
	if errors.Is(err, store.ErrUnknown) {
		return store.Booking{}, fmt.Errorf("%w: seatlock booking %s tells whether the seats were sold", err, sale.Code)
	}
	if err != nil {
		return store.Booking{}, err
	}
	return st.Booking(ctx, sale.Code)
}

// maxTries is how often a command repeats a request with an unknown outcome.
const maxTries = 3

// tariffOf returns the id of a tariff that was named by id or name.
func tariffOf(e store.Event, name string) (id string, err error) {
	var namesakes []string
	for _, t := range e.Tariffs {
		if t.ID == name {
			return name, nil
		}
		if t.Name == name {
			namesakes = append(namesakes, t.ID)
		}
	}
	if len(namesakes) == 1 {
		return namesakes[0], nil
	}
	return "", errors.New(sayTariffIDs(e.Tariffs, "the event has no tariffs"))
}
