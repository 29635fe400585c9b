package store

import (
	"fmt"
	"slices"
	"strings"
)

// Decision is the result of a rule: a refusal, which writes nothing, or
// [Accept]'s writes. No decision refuses and writes.
type Decision struct {
	outcome Outcome
	refusal error
	writes  Writes
}

// Outcome is the state once the decision is committed.
func (d Decision) Outcome() Outcome { return d.outcome }

// Refusal is why nothing is written, or nil.
func (d Decision) Refusal() error { return d.refusal }

// Writes is what the engine is to write; empty for a refusal.
func (d Decision) Writes() Writes { return d.writes }

// Writes is what a decision changes.
type Writes struct {
	// Changes are the seats in their new state, each once; see [NewChange].
	Changes []Change
	// Clock is the holder's clock in its new state, or nil.
	Clock *Clock
	// Touched are other holders whose seats change: the version of the clock of
	// each grows by one, if there is one.
	Touched []Holder
	// Relied are ids of seats that the outcome reports, and that must not change
	// until all is written.
	Relied []string
	// Records are the records in their new state; the engine sets their
	// versions.
	Records []Record
	// Deleted are the keys of records to delete.
	Deleted []Key

	// By is who makes the change, Booking the code of the booking that it is
	// made for, or "", and Notes what the history records beside the changes.
	// From these Accept makes Trail: the entries that are written with the rest.
	By      By
	Booking string
	Notes   []Note
	Trail   []Entry
}

// Empty reports whether there is nothing to write. Relied does not matter then:
// the outcome is about the instant at which it was read.
func (w Writes) Empty() bool {
	return len(w.Changes)+len(w.Records)+len(w.Deleted)+len(w.Touched)+len(w.Trail) == 0 && w.Clock == nil
}

// Refuse returns a decision that writes nothing, for a reason.
func Refuse(out Outcome, why error) Decision { return Decision{outcome: out, refusal: why} }

// Accept returns a decision that writes w over the view.
//
// It makes every change of a holder's seats also write the clock of that
// holder, so that decisions about the same holder conflict even if they write
// other seats. A decision that begins or ends a
// payment has the payer as the holder of its question, so that the clock says
// whether there is one.
func Accept(v View, out Outcome, w Writes) Decision {
	if w.Clock == nil && v.Clock.Version > 0 && slices.ContainsFunc(w.Changes, v.concernsHolder) {
		clock := v.Clock
		w.Clock = &clock
	}
	if w.Clock != nil {
		clock := *w.Clock
		clock.Version = v.Clock.Version + 1
		clock.Paying = v.paysAfter(w.Changes)
		w.Clock = &clock
	}
	var find func(id string) (Seat, bool) // only where somebody else had a seat
	for _, c := range w.Changes {
		if c.Before != "" && c.Before != v.Holder {
			if find == nil {
				find = v.finder()
			}
			if s, _ := find(c.Seat.ID); s.HeldBy(c.Before, v.Now) {
				w.touch(v.Holder, c.Before)
			}
		}
		if c.Seat.Status == Locked || c.Seat.Status == Paying {
			w.touch(v.Holder, c.Seat.LockedBy)
		}
	}
	w.Trail = w.trailOf(v.Now, v.Event.ID)
	return Decision{outcome: out, writes: w}
}

// touch adds another holder than that of the question.
func (w *Writes) touch(own, holder Holder) {
	if holder != "" && holder != own && !slices.Contains(w.Touched, holder) {
		w.Touched = append(w.Touched, holder)
	}
}

func (v View) concernsHolder(c Change) bool {
	return v.Holder != "" && (c.Before == v.Holder || c.Seat.LockedBy == v.Holder)
}

// paysAfter reports whether the holder pays for a seat after the changes.
func (v View) paysAfter(changes []Change) bool {
	is := func(s Seat) bool { return s.Status == Paying && s.LockedBy == v.Holder }
	if slices.ContainsFunc(changes, func(c Change) bool { return is(c.Seat) }) {
		return true
	}
	return slices.ContainsFunc(v.Held, func(s Seat) bool {
		return is(s) && !slices.ContainsFunc(changes, func(c Change) bool { return c.Seat.ID == s.ID })
	})
}

// Check returns an error for a decision about something that its question did
// not ask for, or that would change a seat which must not be changed. That is a
// fault of the rule: engines then write nothing.
func (v View) Check(q Question, w Writes) error {
	find := v.finder()
	for _, c := range w.Changes {
		if s, read := find(c.Seat.ID); !read || s.Status == Unknown || s.Version+1 != c.Seat.Version {
			return fmt.Errorf("%w: a decision about seat %q, which it has not seen so", ErrUnavailable, c.Seat.ID)
		}
	}
	for _, id := range w.Relied {
		if _, read := find(id); !read {
			return fmt.Errorf("%w: a decision that relies on seat %q, which it has not seen", ErrUnavailable, id)
		}
	}
	keys := slices.Clone(w.Deleted)
	for _, r := range w.Records {
		keys = append(keys, r.Key)
	}
	for _, key := range keys {
		if !slices.Contains(q.Records, key) {
			return fmt.Errorf("%w: a decision about a record of kind %q that it has not seen", ErrUnavailable, key.Kind)
		}
	}
	return nil
}

// finder returns a function that finds a seat of the view by its id; a missing
// seat has Version 0. It is made once for all seats of a decision.
func (v View) finder() func(id string) (Seat, bool) {
	if len(v.Seats)+len(v.Held) > 32 {
		byID := make(map[string]Seat, len(v.Seats)+len(v.Held))
		for _, seats := range [][]Seat{v.Held, v.Seats} {
			for _, s := range seats {
				byID[s.ID] = s
			}
		}
		return func(id string) (Seat, bool) { return byID[id], byID[id].Version > 0 }
	}
	asked, held := v.Seats, v.Held // all of v would go to the heap
	return func(id string) (Seat, bool) {
		for _, seats := range [2][]Seat{asked, held} {
			for _, s := range seats {
				if s.ID == id {
					return s, s.Version > 0
				}
			}
		}
		return Seat{}, false
	}
}

// lock returns what the holder has at v.Now. A clock that is over has no times,
// also while its seats are being paid for.
func (v View) lock() (lock Lock) {
	if v.Clock.RunsAt(v.Now) {
		clock := v.Clock.startedBy(v.Now)
		lock = Lock{Started: clock.Started, Deadline: clock.Deadline, Extended: clock.Extended}
	}
	for _, s := range v.Held {
		if s.HeldBy(v.Holder, v.Now) {
			lock.Seats = append(lock.Seats, s)
		}
	}
	return lock
}

// after returns the view with the writes made.
func (v View) after(w Writes) View {
	if w.Clock != nil {
		v.Clock = *w.Clock
	}
	v.Seats, v.Held = slices.Clone(v.Seats), slices.Clone(v.Held)
	for _, c := range w.Changes {
		same := func(s Seat) bool { return s.ID == c.Seat.ID }
		if i := slices.IndexFunc(v.Seats, same); i >= 0 {
			v.Seats[i] = c.Seat
		}
		v.Held = slices.DeleteFunc(v.Held, same)
		if s := c.Seat; s.LockedBy == v.Holder && (s.Status == Locked || s.Status == Paying) {
			v.Held = append(v.Held, s)
		}
	}
	sortByID(v.Held)
	return v
}

// outcome returns the state of the seats and the holder's lock.
func (v View) outcome() Outcome {
	return Outcome{Seats: slices.Clone(v.Seats), Lock: v.lock(), Now: v.Now}
}

// missing returns an error if something that was asked for does not exist.
func (v View) missing(q Question) error {
	if q.Event != "" && v.Event.ID == "" {
		return ErrNoEvent // the method says which
	}
	for _, s := range v.Seats {
		if s.Version == 0 {
			return wrap(ErrNoSeat, s.ID)
		}
	}
	return nil
}

func sortByID(seats []Seat) {
	slices.SortFunc(seats, func(a, b Seat) int { return strings.Compare(a.ID, b.ID) })
}
