package storetest

import (
	"fmt"
	"time"

	"github.com/seatlock/seatlock/store"
)

// board is the seats of one event as a reader of the feed knows them.
type board struct {
	event string
	order []string
	seats map[string]store.Seat
}

func newBoard(event string, snap store.Snapshot) *board {
	b := &board{event: event, order: idsOf(snap.Seats), seats: map[string]store.Seat{}}
	for _, s := range snap.Seats {
		b.seats[s.ID] = s
	}
	return b
}

// apply takes the changes in, or says which promise the first bad one breaks.
func (b *board) apply(changes []store.Change) error {
	for _, c := range changes {
		if c.Event != b.event {
			continue
		}
		known, ok := b.seats[c.Seat.ID]
		switch {
		case !ok:
			return fmt.Errorf("change of an unknown seat: %+v", c)
		case c.Seat.Version != known.Version+1:
			return fmt.Errorf("seat %s: version %d after %d, want +1", c.Seat.ID, c.Seat.Version, known.Version)
		case c.Before != known.LockedBy:
			return fmt.Errorf("seat %s version %d: before %q, want %q", c.Seat.ID, c.Seat.Version, c.Before, known.LockedBy)
		case !reasonable(c.Reason, known, c.Seat):
			return fmt.Errorf("seat %s version %d: %v, but it was %+v and is %+v", c.Seat.ID, c.Seat.Version, c.Reason, known, c.Seat)
		}
		if err := wellFormed(c.Seat); err != nil {
			return err
		}
		b.seats[c.Seat.ID] = c.Seat
	}
	return nil
}

// list returns the seats in the plan's order.
func (b *board) list() []store.Seat {
	out := make([]store.Seat, len(b.order))
	for i, id := range b.order {
		out[i] = b.seats[id]
	}
	return out
}

// wellFormed says what a seat has that its status does not allow.
func wellFormed(s store.Seat) error {
	owned := s.Status == store.Locked || s.Status == store.Paying
	timed := !s.LockTime.IsZero() && !s.LockedUntil.IsZero()
	untimed := s.LockTime.IsZero() && s.LockedUntil.IsZero()
	switch {
	case owned && (s.LockedBy == "" || !timed || s.LockedUntil.Before(s.LockTime)),
		!owned && !untimed,
		(s.Status == store.Available || s.Status == store.Withheld) && s.LockedBy != "":
		return fmt.Errorf("malformed seat %+v", s)
	case timed && (s.LockTime.Nanosecond()%int(time.Millisecond) != 0 || s.LockedUntil.Nanosecond()%int(time.Millisecond) != 0):
		return fmt.Errorf("seat %s: lock times are not whole milliseconds: %v, %v", s.ID, s.LockTime, s.LockedUntil)
	}
	return nil
}

// wantBoard replays the changes over the first snapshot and fails unless that
// gives the last one.
func (w *world) wantBoard(first store.Snapshot, changes []store.Change, last store.Snapshot) {
	w.Helper()
	b := newBoard(evening, first)
	w.must(b.apply(changes))
	w.wantSeats(b.list(), last.Seats)
}

// reasonable reports whether a seat can have changed so for that reason.
func reasonable(why store.Reason, from, to store.Seat) bool {
	is := func(a, b store.Status) bool { return from.Status == a && to.Status == b }
	same := from.LockedBy == to.LockedBy
	switch why {
	case store.ReasonLocked:
		return is(store.Available, store.Locked) || is(store.Locked, store.Locked)
	case store.ReasonExtended:
		return is(store.Locked, store.Locked) && same
	case store.ReasonGivenBack:
		return is(store.Locked, store.Available)
	case store.ReasonLapsed:
		return is(store.Locked, store.Available) || is(store.Paying, store.Available) || is(store.Booked, store.Available)
	case store.ReasonLost:
		return is(store.Paying, store.Available)
	case store.ReasonReleased:
		return is(store.Locked, store.Available) || is(store.Paying, store.Available)
	case store.ReasonWithheld:
		return is(store.Available, store.Withheld) || is(store.Locked, store.Withheld)
	case store.ReasonOnSale:
		return is(store.Withheld, store.Available)
	case store.ReasonPaying:
		return is(store.Locked, store.Paying) && same
	case store.ReasonDeclined:
		return is(store.Paying, store.Locked) && same
	case store.ReasonBooked:
		return is(store.Paying, store.Booked) && same || is(store.Locked, store.Booked) || is(store.Available, store.Booked) || is(store.Withheld, store.Booked)
	case store.ReasonCancelled:
		return is(store.Booked, store.Available)
	case store.ReasonMoved:
		return is(store.Booked, store.Available) || is(store.Available, store.Booked) || is(store.Locked, store.Booked) || is(store.Withheld, store.Booked)
	}
	return false
}
