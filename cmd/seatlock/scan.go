package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/seatlock/seatlock/checkout/ticket"
	"github.com/seatlock/seatlock/store"
)

// The answers about a ticket at the door.
const (
	answerIn    = "in"
	answerOut   = "out"
	answerNo    = "no"
	answerFault = "fault" // nobody could decide
)

// saidNotIn is for an undo of a ticket that was not checked in.
const saidNotIn = "was not in: nothing was changed"

// The reasons why a ticket is not let in.
const (
	reasonNoTicket  = "no ticket"
	reasonVersion   = "other version"
	reasonKey       = "other house"
	reasonDamaged   = "damaged"
	reasonForeign   = "other event"
	reasonUnknown   = "unknown"
	reasonUnlisted  = "not in the list"
	reasonReplaced  = "replaced"
	reasonCancelled = "cancelled"
	reasonUnpaid    = "unpaid"
	reasonEnded     = "ended"
	reasonCheckedIn = "checked in"
	reasonFault     = "fault"
)

// answer is the answer to one scan. It has no token and no name.
type answer struct {
	Answer string `json:"answer"`
	Reason string `json:"reason,omitempty"`
	// Said is the reason in words, or a remark.
	Said    string `json:"said,omitempty"`
	Booking string `json:"booking,omitempty"`
	Seat    string `json:"seat,omitempty"`
	Section string `json:"section,omitempty"`
	Row     string `json:"row,omitempty"`
	Label   string `json:"label,omitempty"`
	Tariff  string `json:"tariff,omitempty"`
	Issue   int    `json:"issue,omitempty"`
	// In is when it was let in, in the event's zone.
	In string `json:"in,omitempty"`
	// Unlisted means that an offline list does not have the ticket.
	Unlisted bool `json:"unlisted,omitempty"`

	clock string // In, as people say it
	fault error
}

// answerFor begins the answer about a ticket that this house has signed.
func answerFor(t ticket.Ticket, b store.Booking) answer {
	a := answer{Booking: t.Code, Seat: t.Seat, Issue: t.Issue}
	for _, l := range b.Lines {
		if l.Seat == t.Seat {
			a.Section, a.Row, a.Label, a.Tariff = l.Section, l.Row, l.Label, l.TariffName
		}
	}
	return a
}

// refusedToken is the answer to a text that is no ticket of this house.
func refusedToken(err error) answer {
	var a answer
	switch {
	case errors.Is(err, ticket.ErrKey):
		a.refuse(reasonKey, "not a ticket of this house")
	case errors.Is(err, ticket.ErrVersion):
		a.refuse(reasonVersion, "made by another version of Seatlock")
	case errors.Is(err, ticket.ErrSignature):
		a.refuse(reasonDamaged, "damaged or forged")
	default:
		a.refuse(reasonNoTicket, "not a ticket, or not read in whole")
	}
	return a
}

func (a *answer) refuse(reason, said string) { a.Answer, a.Reason, a.Said = answerNo, reason, said }

// at sets when the ticket was let in, without the date on the same day.
func (a *answer) at(in, now time.Time, zone string) {
	a.In, a.clock = localTime(in, zone), clockIn(in, now, zone)
}

// clockIn returns a time as people at a door say it.
func clockIn(at, now time.Time, zone string) string {
	in, err := store.Zone(zone)
	if err != nil {
		in, zone = time.UTC, "UTC"
	}
	layout := "15:04"
	if at.In(in).Format(time.DateOnly) != now.In(in).Format(time.DateOnly) {
		layout = "2006-01-02 15:04"
	}
	return at.In(in).Format(layout) + " (" + zone + ")"
}

// dayAndClock is clockIn with the date.
func dayAndClock(at time.Time, zone string) string { return clockIn(at, time.Time{}, zone) }

// line is the answer as a person at the door reads it: the verdict first.
func (a answer) line() string {
	var parts []string
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
		}
	}
	if a.Answer != answerIn {
		add(a.Said)
	}
	switch {
	case a.Label != "":
		add(placeOf(store.Line{Section: a.Section, Row: a.Row, Label: a.Label, TariffName: a.Tariff}))
	case a.Seat != "":
		add("seat " + a.Seat)
	}
	if a.Booking != "" {
		add("booking " + a.Booking)
	}
	if a.Answer == answerIn {
		add(a.Said)
	}
	verdict := map[string]string{answerIn: "IN", answerOut: "OUT", answerNo: "NO", answerFault: "?", mergedTwice: "DOUBLE", mergedWrong: "INVALID"}[a.Answer]
	return fmt.Sprintf("%-3s %s\n", verdict, strings.Join(parts, " · "))
}

// speaker writes answers, and counts them.
type speaker struct {
	to, faults  io.Writer
	json        bool
	all, denied int
}

// tell writes one answer, complete and at once.
func (s *speaker) tell(a answer) error {
	s.all++
	switch a.Answer {
	case answerNo, answerFault, mergedTwice, mergedWrong:
		s.denied++
	}
	if a.fault != nil {
		fmt.Fprintf(s.faults, "seatlock: %s\n", strings.ReplaceAll(a.fault.Error(), "\n", "; "))
	}
	text := []byte(a.line())
	if s.json {
		var b bytes.Buffer
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(a); err != nil {
			return err
		}
		text = b.Bytes()
	}
	_, err := s.to.Write(text)
	return err
}

// scanAll decides and answers each text before it reads the next. It ends with
// the texts, or if an answer cannot be written: nobody is let in unseen.
func scanAll(ctx context.Context, texts iter.Seq2[string, error], say *speaker, scan func(context.Context, string) answer) error {
	for text, err := range texts {
		if err != nil {
			return err
		}
		if strings.TrimSpace(text) == "" {
			continue // scanners that end a line in two ways
		}
		if err := say.tell(scan(ctx, text)); err != nil {
			return err
		}
	}
	if say.denied > 0 {
		return fmt.Errorf("%d of %s refused", say.denied, count(say.all, "scan"))
	}
	return nil
}

// maxLine is longer than all that can end in a token. What a line has beyond it is
// not kept.
const maxLine = 4096

// linesFrom yields the lines of a reader until it or the context ends: then the
// caller stops waiting, and the pending read is abandoned.
func linesFrom(ctx context.Context, in io.Reader) iter.Seq2[string, error] {
	type line struct {
		text string
		err  error
	}
	return func(yield func(string, error) bool) {
		lines, left := make(chan line), make(chan struct{})
		defer close(left)
		go func() {
			defer close(lines)
			reader := bufio.NewReaderSize(in, maxLine)
			for {
				text, err := nextScan(reader)
				if err != nil && text == "" {
					if !errors.Is(err, io.EOF) {
						select {
						case lines <- line{err: err}:
						case <-left:
						}
					}
					return
				}
				select {
				case lines <- line{text: text}:
				case <-left:
					return
				}
			}
		}()
		for {
			select {
			case <-ctx.Done():
				return
			case l, more := <-lines:
				if !more || ctx.Err() != nil || !yield(l.text, l.err) {
					return
				}
			}
		}
	}
}

// nextScan returns what was scanned, to its end: a newline, a carriage return, or
// both, of which the second makes an empty scan. Of one that is too long it is the
// beginning. A byte order mark before it is no part of it.
func nextScan(r *bufio.Reader) (string, error) {
	var text []byte
	for {
		b, err := r.ReadByte()
		if err == nil && b != '\n' && b != '\r' {
			if len(text) < maxLine {
				text = append(text, b)
			}
			continue
		}
		if err == nil {
			text = append(text, b)
		}
		return string(bytes.TrimPrefix(text, []byte("\ufeff"))), err
	}
}

// nextLine returns a line with its end, or the beginning of one that is too long.
// At the end of the reader the last one may lack its end.
func nextLine(r *bufio.Reader) (string, error) {
	start, err := r.ReadSlice('\n')
	text := string(start)
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = r.ReadSlice('\n')
	}
	return text, err
}
