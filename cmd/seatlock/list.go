package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// listing has the flags of the listing commands.
type listing struct {
	store, event, format, status string
}

func (l *listing) eventsFlags() *flag.FlagSet {
	f := newFlags()
	storeFlag(f, &l.store)
	f.StringVar(&l.format, "format", "table", "`FORMAT`: table, csv or json")
	return f
}

func (l *listing) seatsFlags() *flag.FlagSet {
	f := l.eventsFlags()
	f.StringVar(&l.event, "event", "", "`ID` of the event")
	f.StringVar(&l.status, "status", "", "only seats with this `STATUS`: available, locked, paying, booked, withheld or unknown")
	return f
}

func (l *listing) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return usageError{fmt.Errorf("unexpected argument %q (--help lists all flags)", rest[0])}
	case l.format != "table" && l.format != "csv" && l.format != "json":
		return wrong("format", l.format, "table, csv or json")
	}
	if status := store.ParseStatus(l.status); l.status != "" && status.String() != l.status {
		return wrong("status", l.status, "available, locked, paying, booked, withheld or unknown")
	}
	return checkStore(l.store)
}

// eventLine is what events shows of each event. Its fields are the columns.
type eventLine struct {
	ID        string `json:"id"`
	Starts    string `json:"starts"` // in the event's zone
	Title     string `json:"title"`
	Venue     string `json:"venue"`
	Seats     int    `json:"seats"`
	Available int    `json:"available"`
	Locked    int    `json:"locked"`
	Paying    int    `json:"paying"`
	Booked    int    `json:"booked"`
	Withheld  int    `json:"withheld"`
	// Tariffs are told in JSON alone, in their order.
	Tariffs []store.Tariff `json:"tariffs,omitempty"`
}

// listEvents lists all events, ordered by start.
func listEvents(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	var l listing
	rest, err := parse(l.eventsFlags(), args, getenv)
	if err == nil {
		err = l.check(rest)
	}
	if err != nil {
		return err
	}
	lines := []eventLine{}
	err = withStore(ctx, l.store, false, func(st *store.Store) error {
		events, err := st.Events(ctx)
		for _, e := range events {
			if err != nil {
				break
			}
			var line eventLine
			line, err = countSeats(ctx, st, e)
			if errors.Is(err, store.ErrNoEvent) { // it was removed meanwhile
				err = nil
				continue
			}
			lines = append(lines, line)
		}
		return err
	})
	if err != nil {
		return err
	}
	return writeLines(stdout, l.format, lines, "id,starts,title,venue,seats,available,locked,paying,booked,withheld",
		func(e eventLine) []string {
			return []string{e.ID, e.Starts, e.Title, e.Venue, strconv.Itoa(e.Seats), strconv.Itoa(e.Available),
				strconv.Itoa(e.Locked), strconv.Itoa(e.Paying), strconv.Itoa(e.Booked), strconv.Itoa(e.Withheld)}
		})
}

func countSeats(ctx context.Context, st *store.Store, e store.Event) (eventLine, error) {
	snapshot, err := st.Snapshot(ctx, e.ID)
	if err != nil {
		return eventLine{}, err
	}
	hall, err := hallOf(ctx, st, e)
	prices := seatPrices(e, hall)
	line := eventLine{ID: e.ID, Starts: localTime(e.Starts, e.Zone), Title: e.Title, Venue: e.Venue, Seats: len(snapshot.Seats), Tariffs: e.Tariffs}
	for _, s := range snapshot.Seats {
		_, priced := prices[s.ID]
		switch {
		case s.FreeAt(snapshot.Now) && priced:
			line.Available++
		case s.Status == store.Locked:
			line.Locked++
		case s.Status == store.Paying:
			line.Paying++
		case s.Status == store.Booked:
			line.Booked++
		default: // or without a price, or what a newer Seatlock makes of it: nobody can have it
			line.Withheld++
		}
	}
	return line, err
}

// seatLine is what seats shows of each seat, without its holder.
type seatLine struct {
	ID       string `json:"id"`
	Section  string `json:"section"`
	Row      string `json:"row"`
	Seat     string `json:"seat"`
	Category string `json:"category"`
	Price    string `json:"price"`
	Status   string `json:"status"`
	Until    string `json:"until,omitempty"` // of a lock, in the event's zone
}

// listSeats lists all seats of an event, in the plan's order.
func listSeats(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	var l listing
	rest, err := parse(l.seatsFlags(), args, getenv)
	if err == nil {
		err = l.check(rest)
	}
	if err == nil && l.event == "" {
		err = usageError{errors.New("seats wants --event, the id of the event")}
	}
	if err != nil {
		return err
	}
	lines := []seatLine{}
	err = withStore(ctx, l.store, false, func(st *store.Store) error {
		all, err := seatLines(ctx, st, l.event)
		for _, line := range all {
			if l.status == "" || line.Status == l.status {
				lines = append(lines, line)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return writeLines(stdout, l.format, lines, "id,section,row,seat,category,price,status,until", func(s seatLine) []string {
		return []string{s.ID, s.Section, s.Row, s.Seat, s.Category, s.Price, s.Status, s.Until}
	})
}

func seatLines(ctx context.Context, st *store.Store, id string) ([]seatLine, error) {
	event, hall, snapshot, err := readEvent(ctx, st, id)
	if err != nil {
		return nil, err
	}
	prices := seatPrices(event, hall)
	lines := describeSeats(hall, event)
	for i, s := range snapshot.Seats {
		if i >= len(lines) || lines[i].ID != s.ID {
			return nil, fmt.Errorf("event %s: its seats are not those of its plan", id)
		}
		lines[i].Status = s.Status.String()
		_, priced := prices[s.ID]
		switch {
		case s.FreeAt(snapshot.Now) && !priced:
			lines[i].Status = store.Withheld.String()
		case s.FreeAt(snapshot.Now):
			lines[i].Status = store.Available.String()
		case s.Status == store.Locked:
			lines[i].Until = localTime(s.LockedUntil, event.Zone)
		}
	}
	return lines, nil
}

// describeSeats returns what the plan says of each seat, in its order.
func describeSeats(hall plan.Plan, event store.Event) (lines []seatLine) {
	names := map[string]string{}
	for _, c := range hall.Categories {
		names[c.ID] = c.Name
	}
	for _, section := range hall.Sections {
		for _, row := range section.Rows {
			for _, s := range row.Seats {
				lines = append(lines, seatLine{ID: s.ID, Section: section.Name, Row: row.Label, Seat: s.Label,
					Category: names[s.Category], Price: sayPrice(event, s.Category)})
			}
		}
	}
	return lines
}
