package main

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seatlock/seatlock/checkout/ticket"
	"github.com/seatlock/seatlock/store"
)

// The answers of merging about a ticket that was let in.
const (
	mergedNow    = "merged"    // the store knows now
	mergedBefore = "known"     // and did so before
	mergedTwice  = "double"    // it was let in elsewhere, too
	mergedWrong  = "not valid" // it should not have been let in
)

// merging records offline scans in the store.
type merging struct {
	st     *store.Store
	event  store.Event
	public ed25519.PublicKey
	say    *speaker
}

// files merges lists one after the other. Each is read whole before any is merged.
func (m *merging) files(ctx context.Context, paths []string) error {
	var lists []doorList
	for _, path := range paths {
		list, err := readScans(path)
		switch {
		case err != nil:
			return err
		case list.Event != m.event.ID:
			return usageError{fmt.Errorf("--event %s: list %s is of %s", m.event.ID, path, list.Event)}
		case !m.public.Equal(list.Key):
			return fmt.Errorf("list %s was made by another store: its key is %s, and not %s", path, ticket.KeyID(list.Key), ticket.KeyID(m.public))
		}
		lists = append(lists, list)
	}
	for i, list := range lists {
		if err := m.list(ctx, paths[i], list); err != nil {
			return err
		}
	}
	if m.say.denied > 0 {
		return fmt.Errorf("%s to look into", count(m.say.denied, "ticket"))
	}
	return nil
}

func (m *merging) list(ctx context.Context, path string, list doorList) error {
	if list.torn {
		fmt.Fprintf(m.say.faults, "seatlock: %s: its last line is torn and is left out\n", path)
	}
	was := map[seatOf]time.Time{}
	for _, t := range list.tickets {
		was[seatOf{t.Booking, t.Seat}] = t.In
	}
	counts := map[string]int{}
	if err := m.unshown(&list, counts); err != nil {
		return err
	}
	for _, scans := range list.byTicket() {
		if err := ctx.Err(); err != nil {
			return err
		}
		a := m.ticket(ctx, scans, was[seatOf{scans[0].Booking, scans[0].Seat}])
		counts[a.Answer]++
		if m.say.json || a.Answer != mergedNow && a.Answer != mergedBefore {
			if err := m.say.tell(a); err != nil {
				return err
			}
		}
	}
	if m.say.json {
		return nil
	}
	_, err := fmt.Fprintf(m.say.to, "List %s: %d told to the store, %d known to it, %d let in twice, %d not valid, %d undecided.\n",
		path, counts[mergedNow], counts[mergedBefore], counts[mergedTwice], counts[mergedWrong], counts[answerFault])
	return err
}

// unshown takes scans without the token of their ticket out of a list, and tells
// them: somebody has edited it.
func (m *merging) unshown(list *doorList, counts map[string]int) error {
	var shown []listScan
	for _, s := range list.scans {
		if s.shown(m.public, m.event.ID) {
			shown = append(shown, s)
			continue
		}
		a := answer{Answer: mergedWrong, Booking: s.Booking, Seat: s.Seat, Issue: s.Issue, Said: "its line has no token of this ticket: nothing was told to the store"}
		counts[mergedWrong]++
		if err := m.say.tell(a); err != nil {
			return err
		}
	}
	list.scans = shown
	return nil
}

// ticket tells the store what has become of a ticket at the door in the end: in at
// the last scan, or out. listed is when it was in as the list was made. What this
// list has told before, or was told with it, it may replace, and nothing else.
func (m *merging) ticket(ctx context.Context, scans []listScan, listed time.Time) answer {
	last := scans[len(scans)-1]
	t := ticket.Ticket{Event: m.event.ID, Code: last.Booking, Seat: last.Seat, Issue: last.Issue}
	b, err := m.st.Booking(ctx, last.Booking)
	a := answerFor(t, b)
	now, failed := m.st.Now(ctx)
	if err = cmp.Or(err, failed); err != nil {
		return m.verdict(ctx, a, last, err)
	}
	if last.At.After(now) {
		a.Answer, a.Reason = answerFault, reasonFault
		a.Said = "the clock of that door was fast: merge the list again after " + dayAndClock(last.At, m.event.Zone)
		return a
	}
	in := b.Ticket(last.Seat).In
	own := in.Equal(listed) || slices.ContainsFunc(scans, func(s listScan) bool { return s.At.Equal(in) })
	a.Answer = mergedBefore
	if last.Undo && (in.IsZero() || !own) || !last.Undo && in.Equal(last.At) {
		return a
	}
	if in.IsZero() {
		if letOut, err := m.lastTime(ctx, last, store.ReasonCheckedOut); err != nil || letOut.After(last.At) {
			return m.stayOut(ctx, a, last, letOut, err)
		}
	}
	r := store.CheckInRequest{Event: m.event.ID, TicketEvent: m.event.ID, Code: last.Booking, Seat: last.Seat, Issue: last.Issue}
	var out store.BookingOutcome
	if !in.IsZero() && own {
		undo := r
		undo.Undo = true
		out, _, err = checkInSurely(ctx, m.st, undo)
	}
	if err == nil && !last.Undo {
		r.At = last.At
		out, _, err = checkInSurely(ctx, m.st, r)
	}
	if a.Answer = mergedNow; errors.Is(err, store.ErrCheckedIn) {
		a.Answer = mergedTwice
		a.at(last.At, now, m.event.Zone)
		a.Said = "let in here at " + a.clock + ", and elsewhere at " + clockIn(out.Booking.Ticket(last.Seat).In, now, m.event.Zone)
		return a
	}
	return m.verdict(ctx, a, last, err)
}

// stayOut is for a ticket that the house has let out after the scan: to merge that
// again must not let it in again.
func (m *merging) stayOut(ctx context.Context, a answer, last listScan, letOut time.Time, err error) answer {
	if err != nil {
		return m.verdict(ctx, a, last, err)
	}
	a.Answer = mergedWrong
	a.at(last.At, time.Now(), m.event.Zone)
	a.Said = "let in here at " + a.clock + ", and let out again by the store at " + clockIn(letOut, time.Now(), m.event.Zone) + ": it stays out"
	return a
}

// verdict returns why a ticket should not have been let in.
func (m *merging) verdict(ctx context.Context, a answer, last listScan, err error) answer {
	if err == nil {
		return a
	}
	a.refuseAs(err)
	if a.Answer == answerFault {
		a.Said = "could not be told to the store: merge the list again"
		return a
	}
	a.Answer = mergedWrong
	a.at(last.At, time.Now(), m.event.Zone)
	a.Said = "let in here at " + a.clock + ", and " + a.Said + m.since(ctx, last)
	return a
}

// since returns when a ticket was cancelled or replaced, if the history still
// has that.
func (m *merging) since(ctx context.Context, s listScan) string {
	at, err := m.lastTime(ctx, s, store.ReasonCancelled, store.ReasonReissued, store.ReasonMoved)
	if err != nil || at.IsZero() {
		return ""
	}
	return " at " + clockIn(at, time.Now(), m.event.Zone)
}

// lastTime returns when the history last has one of these reasons for the
// ticket of a scan; zero if it never does.
func (m *merging) lastTime(ctx context.Context, s listScan, reasons ...store.Reason) (last time.Time, err error) {
	for e, err := range m.st.History(ctx, store.TrailScan{Event: m.event.ID, Seat: s.Seat}) {
		if err != nil {
			return last, err
		}
		if e.Booking == s.Booking && slices.Contains(reasons, e.Reason) {
			last = e.At
		}
	}
	return last, nil
}
