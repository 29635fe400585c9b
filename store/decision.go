package store

import (
	"fmt"
	"slices"
	"strings"
)

// Decision is what a rule comes to: a refusal, which writes nothing, or
// [Accept]'s writes. There is no decision that refuses and writes.
type Decision struct {
	outcome Outcome
	refusal error
	writes  Writes
}

// Outcome tells how things stand once the decision is committed.
func (d Decision) Outcome() Outcome { return d.outcome }

// Refusal is why nothing is written, or nil.
func (d Decision) Refusal() error { return d.refusal }

// Writes is what the engine is to write; nothing, for a refusal.
func (d Decision) Writes() Writes { return d.writes }

// Writes is what a decision changes.
type Writes struct {
	// Changes are seats as they will be, each once; see [NewChange].
	Changes []Change
	// Clock is the holder's clock as it will be, or nil.
	Clock *Clock
	// Touched are other holders whose seats change: the version of the clock of
	// each grows by one, if there is one.
	Touched []Holder
	// Relied are ids of seats that the outcome tells of, and that must be as
	// they were read until all is written.
	Relied []string
	// Records are records as they will be; their versions are the engine's.
	Records []Record
	// Deleted are the keys of records that will not be.
	Deleted []Key

	// By is who has all of this done, Booking the code of the booking that it is
	// done for, or "", and Notes what the trail tells beside the changes. Accept
	// makes Trail of them: the entries that are written with the rest.
	By      By
	Booking string
	Notes   []Note
	Trail   []Entry
}

// Empty reports whether there is nothing to write. What a decision relies on
// is then nobody's business: it tells of the instant at which it was read.
func (w Writes) Empty() bool {
	return len(w.Changes)+len(w.Records)+len(w.Deleted)+len(w.Touched)+len(w.Trail) == 0 && w.Clock == nil
}

// Refuse is a decision that writes nothing, for a reason.
func Refuse(out Outcome, why error) Decision { return Decision{outcome: out, refusal: why} }

// Accept is a decision that writes what w says, over what is in the view.
//
// It sees to it that whatever changes seats of a holder also writes the clock
// of that holder: decisions about the same holder so never pass each other
// unseen, even if they write other seats. A decision that begins or ends a
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

// Check reports a decision that is about what its question did not ask for, or
// that would change a seat which must be left alone. It would be a fault of the
// rule: engines write nothing of it.
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

// finder returns what finds a seat of the view by its id; a seat that is not
// there is none. It is made once for all seats of a decision.
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

// lock returns what the holder has at v.Now. A clock that is over has no times
// to tell, also while seats of it are being paid for.
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

// after is the view as it is once the writes are made.
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

// outcome tells how the seats and the holder's lock stand.
func (v View) outcome() Outcome {
	return Outcome{Seats: slices.Clone(v.Seats), Lock: v.lock(), Now: v.Now}
}

// missing refuses a question about what is not there.
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
