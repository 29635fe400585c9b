package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/seatlock/seatlock/store"
)

const historyManual = `
The oldest entry comes first. Times are in the event's zone, or in UTC once the event
was removed. The history goes back as far as the server keeps it (--keep-history), and
not beyond the upgrade of the store that added it. If entries are missing, the command
says so, for CSV and JSON on stderr. It never shows who has a seat or who a booking
is for.
`

// isStoreOrFormat reports whether the variable is the store or the format.
func isStoreOrFormat(variable string) bool {
	return variable == envName("store") || variable == envName("format")
}

func (l *listing) historyFlags() *flag.FlagSet {
	f := l.eventsFlags()
	f.StringVar(&l.event, "event", "", "`ID` of the event, for the history of a seat")
	return f
}

// historyLine is an entry of the history. Its fields are the columns.
type historyLine struct {
	At      string `json:"at"`
	Event   string `json:"event"`
	Seat    string `json:"seat,omitempty"`
	What    string `json:"what"`
	By      string `json:"by"`
	Booking string `json:"booking,omitempty"`
	Status  string `json:"status,omitempty"`
	Version int64  `json:"version,omitempty"`

	missing string // what is missing before it, in words
}

func (h historyLine) cells() []string {
	version := ""
	if h.Version > 0 {
		version = strconv.FormatInt(h.Version, 10)
	}
	return []string{h.At, h.Seat, h.What, h.By, h.Booking, h.Status, version}
}

// tellHistory shows the history of a seat or of a booking.
func tellHistory(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var l listing
	rest, err := parse(l.historyFlags(), args, only(isStoreOrFormat, getenv))
	switch {
	case err != nil:
		return err
	case len(rest) != 1 || rest[0] == "":
		return usageError{errors.New("history wants --event and the id of a SEAT, or the CODE of a booking")}
	}
	if err := l.check(nil); err != nil {
		return err
	}
	return withStore(ctx, l.store, false, func(st *store.Store) error {
		p, err := pastOf(ctx, st, l.event, rest[0])
		if err != nil {
			return err
		}
		missing := stderr
		if l.format == "table" {
			missing = stdout
		}
		return l.tell(stdout, missing, p, p.lines(ctx, st))
	})
}

// tell writes the lines, and where entries are missing; in a table at that
// place.
func (l *listing) tell(stdout, stderr io.Writer, p *past, lines iter.Seq2[historyLine, error]) error {
	tell := func(what string) {
		if what != "" && l.format != "table" {
			fmt.Fprintf(stderr, "seatlock: %s\n", what)
		}
	}
	seen := func(yield func(historyLine, error) bool) {
		for line, err := range lines {
			tell(line.missing)
			if line.missing != "" && l.format == "table" && !yield(historyLine{At: "–", What: line.missing}, nil) {
				return
			}
			if !yield(line, err) {
				return
			}
		}
	}
	if err := writeStream(stdout, l.format, seen, "at,seat,what,by,booking,status,version", historyLine.cells); err != nil {
		return err
	}
	if end := p.end(); end != "" {
		fmt.Fprintln(stderr, end)
	}
	return nil
}

// past is the history that was asked for, and what was found so far.
type past struct {
	scan  store.TrailScan
	event store.Event // the zero ID if it was removed
	// version is the seat's present version; booking is the booking, if the
	// history is about one.
	version int64
	booking store.Booking

	last  int64 // the version of the seat in the last entry
	count int
	first string // when the first was
}

// pastOf reads the present state. It is read first, so that the history has all
// changes up to it.
func pastOf(ctx context.Context, st *store.Store, event, what string) (*past, error) {
	p := &past{}
	var err error
	if event == "" {
		code := strings.ToUpper(what)
		p.booking, err = st.Booking(ctx, code)
		if errors.Is(err, store.ErrNoBooking) {
			return nil, fmt.Errorf("booking %s: %w (a seat wants --event, too)", code, store.ErrNoBooking)
		}
		if err != nil {
			return nil, err
		}
		p.scan, event = store.TrailScan{Booking: code}, p.booking.Event
	} else {
		if !store.ValidID(event) || !store.ValidID(what) {
			return nil, usageError{fmt.Errorf("history wants --event and the id of a SEAT (seatlock seats --event ID lists them)")}
		}
		p.scan = store.TrailScan{Event: event, Seat: what}
	}
	p.event, err = st.Event(ctx, event)
	removed := errors.Is(err, store.ErrNoEvent)
	if err != nil && !removed {
		return nil, err
	}
	if removed || p.scan.Seat == "" {
		return p, nil
	}
	snapshot, err := st.Snapshot(ctx, event)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(snapshot.Seats, func(s store.Seat) bool { return s.ID == what })
	if i < 0 {
		return nil, fmt.Errorf("event %s: %w: %s (a booking goes without --event)", event, store.ErrNoSeat, what)
	}
	p.version = snapshot.Seats[i].Version
	return p, nil
}

// lines yields the entries of the history.
func (p *past) lines(ctx context.Context, st *store.Store) iter.Seq2[historyLine, error] {
	return func(yield func(historyLine, error) bool) {
		for e, err := range st.History(ctx, p.scan) {
			var line historyLine
			if err == nil {
				line = p.line(e)
			}
			if !yield(line, err) {
				return
			}
		}
	}
}

func (p *past) line(e store.Entry) historyLine {
	h := historyLine{
		At: localTime(e.At, p.event.Zone), Event: e.Event, Seat: e.Seat, What: e.Reason.String(), By: cmp.Or(string(e.By), "not known"),
		Booking: e.Booking, Version: e.Version,
	}
	if e.Version > 0 {
		h.Status = e.Status.String()
	}
	if p.count++; p.count == 1 {
		p.first = h.At
		if begun := p.booking.Begun; begun.Before(e.At) && p.booking.Code != "" {
			h.missing = "what came before is not kept: the booking was begun at " + localTime(begun, p.event.Zone)
		}
	}
	if p.scan.Seat != "" && e.Version > 0 {
		h.missing = p.gap(e.Version)
		p.last = e.Version
	}
	return h
}

// gap says which versions of the seat are missing before this one; "" is none.
// A seat starts with version 1.
func (p *past) gap(version int64) string {
	from := p.last + 1
	if p.last == 0 {
		from = 2
	}
	switch {
	case version < from:
		return "the event was removed, and made again"
	case version == from:
		return ""
	case p.last == 0:
		return fmt.Sprintf("what came before is not kept: %s of the seat", count(int(version-from), "change"))
	}
	return fmt.Sprintf("%s not kept: versions %d to %d of the seat", are(int(version-from), "change"), from, version-1)
}

// end says how far back the entries reach, and what is missing after the last.
func (p *past) end() string {
	what := "seat " + p.scan.Seat
	if p.scan.Seat == "" {
		what = "booking " + p.scan.Booking
	}
	if p.count == 0 {
		never := p.scan.Seat != "" && p.version == 1
		if never {
			return fmt.Sprintf("Nothing was ever done to %s.", what)
		}
		return fmt.Sprintf("Nothing is kept of what became of %s.", what)
	}
	said := fmt.Sprintf("The history of %s is kept back to %s.", what, p.first)
	if p.version > p.last && p.scan.Seat != "" {
		said += fmt.Sprintf(" %s not kept that came after: the seat has the version %d.", are(int(p.version-max(p.last, 1)), "change"), p.version)
	}
	return said
}
