package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/checkout/ticket"
	"github.com/seatlock/seatlock/internal/filelock"
	"github.com/seatlock/seatlock/store"
)

// A door list is a file of JSON, an object a line: its head, as many tickets as
// the head says, and then the scans. Lines are only ever added at the end.

// listFormat is the version of the file.
const listFormat = 1

// listHead is what a door without a network must know of its event.
type listHead struct {
	Format  int               `json:"seatlock_door_list"`
	Event   string            `json:"event"`
	Title   string            `json:"title"`
	Zone    string            `json:"zone"`
	Key     ed25519.PublicKey `json:"key"`
	KeyID   string            `json:"key_id"`
	Made    time.Time         `json:"made"`
	Tickets int               `json:"tickets"`
}

// The states of a ticket in the list.
const (
	listedBooked    = "booked"
	listedUnpaid    = "unpaid"
	listedCancelled = "cancelled"
	listedEnded     = "ended"
)

var listedStates = []string{listedBooked, listedUnpaid, listedCancelled, listedEnded}

// listTicket is a ticket, without a name.
type listTicket struct {
	Booking string    `json:"booking"`
	Seat    string    `json:"seat"`
	Section string    `json:"section"`
	Row     string    `json:"row"`
	Label   string    `json:"label"`
	Tariff  string    `json:"tariff,omitempty"` // its name
	Issue   int       `json:"issue"`
	State   string    `json:"state"`
	In      time.Time `json:"in,omitzero"`
}

// listScan is a ticket that was let in, or out again. Its token shows that it was
// there: whoever can edit the file could otherwise check in any.
type listScan struct {
	Booking string    `json:"scan"`
	Seat    string    `json:"seat"`
	Issue   int       `json:"issue"`
	At      time.Time `json:"at"`
	Undo    bool      `json:"undo,omitempty"`
	Token   string    `json:"token"`
}

// shown reports whether the scan has the token of its ticket, signed by this key.
func (s listScan) shown(key ed25519.PublicKey, event string) bool {
	t, err := ticket.Read(key, s.Token)
	return err == nil && t == ticket.Ticket{Event: event, Code: s.Booking, Seat: s.Seat, Issue: s.Issue}
}

// listTicketsOf returns the tickets of a booking for the list.
func listTicketsOf(b store.Booking) (tickets []listTicket) {
	state := ""
	switch {
	case b.State == store.BookingBooked, b.State == store.BookingCancelled:
		state = listedBooked
	case b.State == store.BookingReserved:
		state = listedUnpaid
	case b.Provider == checkout.Door:
		state = listedEnded // it had tickets while it was reserved
	default:
		return nil // if money still comes, it counts as sold after the list was made
	}
	for _, l := range b.Lines {
		is := b.Ticket(l.Seat)
		t := listTicket{b.Code, l.Seat, l.Section, l.Row, l.Label, l.TariffName, is.Issue, state, is.In}
		if l.Cancelled {
			t.State = listedCancelled
		}
		tickets = append(tickets, t)
	}
	return tickets
}

// exportDoorList writes the list of an event into a file.
func exportDoorList(ctx context.Context, st *store.Store, e store.Event, public ed25519.PublicKey, path string, stdout io.Writer) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s is there already, perhaps with scans that are not merged: nothing was written", path)
	}
	head := listHead{Format: listFormat, Event: e.ID, Title: e.Title, Zone: e.Zone, Key: public, KeyID: ticket.KeyID(public)}
	var err error
	if head.Made, err = st.Now(ctx); err != nil { // before reading: what is sold from now on may be missing
		return err
	}
	var tickets []listTicket
	states := map[string]int{}
	for b, err := range st.AllBookings(ctx, e.ID) {
		if err != nil {
			return err
		}
		tickets = append(tickets, listTicketsOf(b)...)
	}
	head.Tickets = len(tickets)
	var file bytes.Buffer
	lines := json.NewEncoder(&file)
	err = lines.Encode(head)
	for _, t := range tickets {
		states[t.State]++
		err = errors.Join(err, lines.Encode(t))
	}
	if err == nil {
		err = writeNew(path, file.Bytes())
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "List %s has %s of %s: %d to be let in, %d not paid, %d cancelled or ended. Afterwards: seatlock checkin --event %s --merge %s\n", path,
		count(len(tickets), "ticket"), e.ID, states[listedBooked], states[listedUnpaid], states[listedCancelled]+states[listedEnded], e.ID, path)
	return err
}

// writeNew creates a file that only its owner can read, complete or not at all.
func writeNew(path string, body []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part") // CreateTemp makes it for its owner alone
	if err != nil {
		return err
	}
	part := f.Name()
	_, err = f.Write(body)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = publish(part, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	if folder, err := os.Open(filepath.Dir(path)); err == nil {
		_ = folder.Sync() // not every system can do that
		return folder.Close()
	}
	return nil
}

// publish gives a complete file its name, unless that exists by now.
func publish(part, to string) error {
	if err := os.Link(part, to); err == nil {
		return os.Remove(part)
	}
	if _, there := os.Lstat(to); there == nil {
		return fs.ErrExist
	}
	return os.Rename(part, to) // a file system without links
}

// doorList is a list that was read.
type doorList struct {
	listHead
	tickets []listTicket
	scans   []listScan
	// whole is how many bytes are complete lines: a process that was killed
	// while it wrote leaves an incomplete line after them.
	whole int64
	torn  bool
}

// errList: a file is no list, or a damaged one.
var (
	errList  = errors.New("not a door list that can be used")
	errNoEnd = errors.New("it has no end")
)

// maxListLine is longer than any line of a list. What a line has beyond it is not
// kept: a damaged file may be one line of any length.
const maxListLine = 1 << 16

// readDoorList reads the complete lines of a list. An incomplete last line
// among the scans is ignored.
func readDoorList(in io.Reader) (list doorList, err error) {
	for n, reader := 0, bufio.NewReaderSize(in, maxListLine); ; n++ {
		text, err := nextLine(reader)
		line := []byte(text)
		if err != nil && !errors.Is(err, io.EOF) {
			return list, err
		}
		if len(line) == 0 {
			break
		}
		wrong := list.add(n, line)
		_, last := reader.Peek(1)
		switch ends := line[len(line)-1] == '\n'; {
		case wrong == nil && ends:
			list.whole += int64(len(line))
		case n > list.Tickets && list.Format > 0 && last != nil:
			list.torn, list.scans = true, list.scans[:n-1-list.Tickets]
			return list, nil
		default:
			return list, fmt.Errorf("%w: line %d: %w", errList, n+1, cmp.Or(wrong, errNoEnd))
		}
	}
	if list.Format == 0 || len(list.tickets) < list.Tickets {
		return list, fmt.Errorf("%w: it has %s of %d", errList, count(len(list.tickets), "ticket"), list.Tickets)
	}
	return list, nil
}

// add reads line n, from 0.
func (l *doorList) add(n int, line []byte) error {
	var t listTicket
	var s listScan
	switch {
	case n == 0:
		if err := json.Unmarshal(line, &l.listHead); err != nil {
			l.Format = 0
			return errors.New("not its head")
		}
		if l.Format != listFormat || len(l.Key) != ed25519.PublicKeySize || l.Tickets < 0 || !store.ValidID(l.Event) {
			format := l.Format
			l.Format = 0
			return fmt.Errorf("format %d, want %d with an event and a key", format, listFormat)
		}
	case n <= l.Tickets:
		if json.Unmarshal(line, &t) != nil || t.Booking == "" || t.Seat == "" || t.Issue < 1 || !slices.Contains(listedStates, t.State) {
			return errors.New("not a ticket")
		}
		l.tickets = append(l.tickets, t)
	default:
		if json.Unmarshal(line, &s) != nil || s.Booking == "" || s.Seat == "" || s.Issue < 1 || s.At.IsZero() {
			return errors.New("not a scan: take this line out of the file, and all others can be used")
		}
		l.scans = append(l.scans, s)
	}
	return nil
}

// openDoorList opens a list for adding to it; one process at a time can.
func openDoorList(path string, faults io.Writer) (list doorList, file *os.File, unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return list, nil, nil, err
	}
	unlock, err = filelock.Lock(path + ".lock")
	if errors.Is(err, filelock.ErrLocked) {
		err = fmt.Errorf("%s: another Seatlock works with this list: each door needs its own", path)
	}
	if err != nil {
		return list, nil, nil, errors.Join(err, f.Close())
	}
	if list, err = readDoorList(f); err == nil && list.torn {
		fmt.Fprintf(faults, "seatlock: %s: its last line was torn and is left out: if that was a scan, nobody was told its answer\n", path)
		err = f.Truncate(list.whole)
	}
	if err != nil {
		return list, nil, nil, errors.Join(inFile(path, err), unlock(), f.Close())
	}
	return list, f, unlock, nil
}

// readScans reads a list that another process may be adding to.
func readScans(path string) (doorList, error) {
	f, err := os.Open(path)
	if err != nil {
		return doorList{}, err
	}
	list, err := readDoorList(f)
	return list, inFile(path, errors.Join(err, f.Close()))
}

// seatOf names a ticket, whatever its issue.
type seatOf struct{ booking, seat string }

// byTicket groups the scans by ticket, in the order of each ticket's first
// scan.
func (l doorList) byTicket() (all [][]listScan) {
	at := map[seatOf]int{}
	for _, s := range l.scans {
		key := seatOf{s.Booking, s.Seat}
		i, known := at[key]
		if !known {
			i, all = len(all), append(all, nil)
			at[key] = i
		}
		all[i] = append(all[i], s)
	}
	return all
}
