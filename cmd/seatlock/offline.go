package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/seatlock/seatlock/checkout/ticket"
	"github.com/seatlock/seatlock/store"
)

// offlineDoor is a door that has a list and no store. It serves one scan at a time.
type offlineDoor struct {
	list         doorList
	file         *os.File
	undo, strict bool

	tickets map[seatOf]listTicket
	// last is the highest issue number of each booking when the list was made.
	last map[string]int
}

func newOfflineDoor(list doorList, file *os.File) *offlineDoor {
	d := &offlineDoor{list: list, file: file, tickets: map[seatOf]listTicket{}, last: map[string]int{}}
	for _, t := range list.tickets {
		d.tickets[seatOf{t.Booking, t.Seat}] = t
		d.last[t.Booking] = max(d.last[t.Booking], t.Issue)
	}
	for _, s := range list.scans {
		d.note(s)
	}
	return d
}

// note records a scan in the door's memory.
func (d *offlineDoor) note(s listScan) {
	key := seatOf{s.Booking, s.Seat}
	t, known := d.tickets[key]
	if !known {
		t = listTicket{Booking: s.Booking, Seat: s.Seat}
	}
	if s.Issue > t.Issue { // issued after the list was made, and so valid
		t.Issue, t.State = s.Issue, listedBooked
	}
	if t.In = s.At; s.Undo {
		t.In = time.Time{}
	}
	d.tickets[key] = t
}

// scanOffline lets tickets in by a list.
func (c *checkingIn) scanOffline(ctx context.Context, args []string, say *speaker) error {
	list, file, unlock, err := openDoorList(c.list, say.faults)
	if err != nil {
		return err
	}
	if c.event != "" && c.event != list.Event {
		err = usageError{fmt.Errorf("--event %s: list %s is of %s", c.event, c.list, list.Event)}
	} else {
		if time.Now().Before(list.Made) {
			fmt.Fprintf(say.faults, "seatlock: the clock of this machine is slow: list %s was made at %s\n", c.list, dayAndClock(list.Made, list.Zone))
		}
		d := newOfflineDoor(list, file)
		d.undo, d.strict = c.undo, c.strict
		err = scanAll(ctx, textsOf(ctx, args, os.Stdin), say, d.scan)
	}
	return errors.Join(err, file.Close(), unlock())
}

// scan decides about one text by the list. A ticket is on the disk before it is
// let in.
func (d *offlineDoor) scan(_ context.Context, text string) answer {
	read, err := ticket.Read(d.list.Key, text)
	if err != nil {
		return refusedToken(err)
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	t, known := d.tickets[seatOf{read.Code, read.Seat}]
	a := answerFor(read, store.Booking{})
	a.Section, a.Row, a.Label, a.Tariff = t.Section, t.Row, t.Label, t.Tariff
	a.Unlisted = !known && read.Issue > d.last[read.Code] || known && read.Issue > t.Issue
	if d.refuses(&a, read, t, now) {
		return a
	}
	if d.undo {
		a.Answer = answerOut
		if t.In.IsZero() {
			a.Said = saidNotIn
			return a
		}
	} else {
		a.Answer = answerIn
		a.at(now, now, d.list.Zone)
	}
	if a.Unlisted {
		a.Said = "issued after the list was made: signed by this house, paid or not"
	}
	if err := d.record(listScan{read.Code, read.Seat, read.Issue, now, d.undo, ticket.TokenIn(text)}); err != nil {
		a.refuseAs(fmt.Errorf("write down a scan: %w", err))
		a.In = ""
	}
	return a
}

// refuses returns why a ticket is not let in, or its check-in not undone.
func (d *offlineDoor) refuses(a *answer, read ticket.Ticket, t listTicket, now time.Time) bool {
	made := " when the list was made at " + clockIn(d.list.Made, now, d.list.Zone)
	switch {
	case read.Event != d.list.Event:
		a.Section, a.Row, a.Label, a.Tariff, a.Unlisted = "", "", "", "", false
		a.refuse(reasonForeign, "for another event: "+read.Event)
	case a.Unlisted && d.strict:
		a.refuse(reasonUnlisted, "issued after the list was made")
	case !a.Unlisted && read.Issue != t.Issue:
		a.refuse(reasonReplaced, "replaced by another ticket")
	case !a.Unlisted && t.State == listedCancelled:
		a.refuse(reasonCancelled, "cancelled")
	case !a.Unlisted && t.State == listedEnded:
		a.refuse(reasonEnded, "its booking has ended without seats")
	case !a.Unlisted && t.State == listedUnpaid:
		a.refuse(reasonUnpaid, "not paid"+made)
	case !d.undo && !t.In.IsZero():
		a.at(t.In, now, d.list.Zone)
		a.refuse(reasonCheckedIn, "checked in already at "+a.clock)
	default:
		return false
	}
	return true
}

// record writes a scan to the disk, or nothing.
func (d *offlineDoor) record(s listScan) error {
	line, err := json.Marshal(s)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	if err := d.isThere(); err != nil {
		return err
	}
	if _, err = d.file.WriteAt(line, d.list.whole); err == nil {
		err = d.file.Sync()
	}
	if err != nil {
		return errors.Join(err, d.file.Truncate(d.list.whole))
	}
	d.list.whole += int64(len(line))
	d.note(s)
	return nil
}

// isThere refuses to write into a file that nobody would ever merge.
func (d *offlineDoor) isThere() error {
	open, err := d.file.Stat()
	if err != nil {
		return err
	}
	if named, err := os.Stat(d.file.Name()); err != nil || !os.SameFile(open, named) {
		return fmt.Errorf("%s was removed or replaced under this door: put it back, or begin anew with the list that is there", d.file.Name())
	}
	return nil
}
