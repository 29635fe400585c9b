package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seatlock/seatlock/store"
)

func decideCases() []testCase {
	return []testCase{
		{"the view is what was asked for", decideView},
		{"a seat comes back whole", decideSeatWhole},
		{"held is what stands as locked or paying, by id", decideHeld},
		{"what is not there has version 0", decideMissing},
		{"no such event", decideNoEvent},
		{"the definition is of that instant", decideDefinition},
		{"a clock comes back as it was written", decideClock},
		{"a refusal writes nothing", decideRefused},
		{"a refusal after a first try writes nothing", decideRefusedLate},
		{"nothing to write is a success", decideEmpty},
		{"all is written together", decideTogether},
		{"all or nothing when two race", decideWhole},
		{"one transaction of the feed", decideOneBatch},
		{"the cursor covers it", decideCursor},
		{"the view is of one instant", decideInstant},
		{"named seats are of that instant", decideNamedInstant},
		{"what is moved while seats are named is not seen apart", decideWhileNamed},
		{"seats are named by a record", decideNamed},
		{"seats are named anew when the record changes", decideNamedAnew},
		{"the rule's last call counts", decideLastCall},
		{"no change of a seat is lost", decideSeatIncrements},
		{"seats relied on stay", decideRelied},
		{"records that are named stay", decideUnwritten},
		{"decisions of one holder see each other", decideOneHolder},
		{"who is touched has a newer clock", decideTouched},
		{"decisions of who is touched see it", decideTouchedRace},
		{"records and no event", decideRecordsOnly},
		{"a collision does no harm to others", decideCollision},
		{"500 records in one", decideMany},
		{"unknown kinds are invalid", decideUnknownKind},
		{"with an ended ctx", decideEnded},
		{"with a ctx that ends while the rule decides", decideEnding},
		{"unavailable once it is closed", decideClosed},
	}
}

// decide has the engine write what the rule comes to.
func (w *world) decide(q store.Question, rule func(store.View) store.Writes) (store.Decision, store.Cursor) {
	w.Helper()
	d, at, err := w.e.Decide(w.Context(), q, func(v store.View) store.Decision { return store.Accept(v, store.Outcome{}, rule(v)) })
	w.must(err)
	w.must(d.Refusal())
	return d, at
}

// see returns the answer to a question.
func (w *world) see(e store.Engine, q store.Question) (v store.View) {
	w.Helper()
	_, _, err := e.Decide(w.Context(), q, func(now store.View) store.Decision {
		v = now
		return store.Accept(now, store.Outcome{}, store.Writes{})
	})
	w.must(err)
	return v
}

var errRefused = errors.New("the rule refuses")

// toggle is the change that takes a seat off sale or puts it back.
func toggle(s store.Seat) store.Change {
	if s.Status == store.Withheld {
		return store.NewChange(evening, s, store.Seat{}, store.ReasonOnSale)
	}
	return store.NewChange(evening, s, store.Seat{Status: store.Withheld}, store.ReasonWithheld)
}

// counting is the record with one more in it.
func counting(r store.Record) store.Record {
	r.Body = json.RawMessage(count(counted(r) + 1))
	return r
}

func decideView(w *world) {
	w.open(4)
	locked := w.lock("anna", "s3")
	r := owned("a", "anna")
	r.Body = json.RawMessage(`{"for":"anna"}`)
	w.put(w.s, r)
	before := w.now()
	v := w.see(w.e, store.Question{Event: evening, Holder: "anna", Seats: []string{"s4", "s3", "s1"}, Records: []store.Key{parcelKey("b"), parcelKey("a")}})
	if v.Now.Before(before) || v.Now.After(w.now()) || v.Holder != "anna" || v.Event.ID != evening || v.Event.Revision != 1 {
		w.Fatalf("got %+v of %+v at %v", v.Holder, v.Event, v.Now)
	}
	w.wantSeats(v.Seats, w.seats("s4", "s3", "s1"))
	w.wantSeats(v.Held, w.seats("s3"))
	if c := v.Clock; !c.Started.Equal(locked.Lock.Started) || !c.Deadline.Equal(locked.Lock.Deadline) || c.Extended || c.Version < 1 {
		w.Fatalf("got clock %+v, want that of %+v", c, locked.Lock)
	}
	if b := v.Records[0]; len(v.Records) != 2 || b.Key != parcelKey("b") || b.Version != 0 {
		w.Fatalf("got records %+v, want none and then a", v.Records)
	}
	if a := v.Records[1]; a.Key != r.Key || string(a.Body) != string(r.Body) || !maps.Equal(a.Index, r.Index) || a.Version != 1 {
		w.Fatalf("got record %+v, want %+v", a, r)
	}
	if v := w.see(w.e, store.Question{Event: evening, Holder: "bert"}); v.Clock.Version != 0 || len(v.Held)+len(v.Seats)+len(v.Records) > 0 {
		w.Fatalf("a stranger sees %+v", v)
	}
	if v := w.see(w.e, store.Question{Event: evening, Seats: names(1)}); v.Clock.Version != 0 || len(v.Held) > 0 || len(v.Seats) != 1 {
		w.Fatalf("nobody sees %+v", v)
	}
}

func decideSeatWhole(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	code := w.pay("anna").Code
	q := store.Question{Event: evening, Holder: "anna", Seats: names(1)}
	for _, e := range w.engines() {
		v := w.see(e, q)
		want := w.seats("s1")
		if want[0].Booking != code || want[0].LockTime.IsZero() {
			w.Fatalf("the snapshot has %+v", want[0])
		}
		w.wantSeats(v.Seats, want)
		w.wantSeats(v.Held, want)
	}
}

func decideHeld(w *world) {
	w.open(12)
	w.lapse("anna", "s2", "s10")
	w.lock("anna", "s5")
	w.book("anna")
	w.lock("anna", "s3")
	w.pay("anna")
	w.lock("anna", "s1", "s4")
	w.unlock("anna", "s4")
	w.lock("bert", "s6")
	w.wantSeats(w.see(w.e, store.Question{Event: evening, Holder: "anna"}).Held, w.seats("s1", "s10", "s2", "s3"))
}

func decideMissing(w *world) {
	w.open(2)
	v := w.see(w.e, store.Question{Event: evening, Holder: "anna", Seats: []string{"s9", "s1", "S1"}, Records: []store.Key{parcelKey("a")}})
	w.wantSeats(v.Seats, []store.Seat{{ID: "s9"}, {ID: "s1", Version: 1}, {ID: "S1"}})
	if v.Clock.Version != 0 || v.Records[0].Version != 0 || v.Records[0].Key != parcelKey("a") {
		w.Fatalf("got %+v, want no clock and no record", v)
	}
}

func decideNoEvent(w *world) {
	w.open(1)
	w.put(w.s, parcelOf("a", `{}`))
	v := w.see(w.e, store.Question{Event: "nowhere", Definition: true, Records: []store.Key{parcelKey("a")}})
	if v.Event.ID != "" || len(v.Records) != 1 || v.Records[0].Version != 1 {
		w.Fatalf("got %+v, want no event, and the record", v)
	}
}

func decideDefinition(w *world) {
	e := hall(evening, 2)
	e.SalesOpen = e.Starts.AddDate(-20, 0, 0)
	w.create(e)
	q := store.Question{Event: evening, Holder: "anna", Seats: names(1)}
	engines := w.engines()
	for _, e := range engines {
		w.see(e, q) // which an engine may keep for a second
	}
	q.Definition = true
	for i := range 10 {
		want := w.update(func(e *store.Event) {
			e.Title, e.Venue, e.Prices = fmt.Sprintf("Title %d", i), fmt.Sprintf("Venue %d", i), map[string]int64{"stalls": int64(i), "a.b": 7}
			e.Starts, e.Zone = e.Starts.AddDate(0, 0, 1), []string{"Asia/Kathmandu", "Europe/Paris"}[i%2]
		})
		for _, e := range engines {
			if got := w.see(e, q).Event; !sameEvent(got, want) {
				w.Fatalf("got event\n\t%+v\nwant\n\t%+v", got, want)
			}
		}
	}
}

func decideClock(w *world) {
	w.open(3)
	w.lock("anna", "s1")
	q := store.Question{Event: evening, Holder: "anna"}
	old := w.see(w.e, q).Clock
	want := old
	want.Deadline, want.Extended = old.Deadline.Add(1234*time.Millisecond), true
	want.Grants = store.Grants{{Request: "r.1", Seats: []string{"s2", "s1"}}, {Request: "_", Seats: []string{"a.b"}}}
	w.decide(q, func(store.View) store.Writes { return store.Writes{Clock: &want} })
	for _, e := range w.engines() {
		got := w.see(e, q).Clock
		same := got.Started.Equal(want.Started) && got.Deadline.Equal(want.Deadline) && got.Extended && got.Version == old.Version+1
		if !same || fmt.Sprint(got.Grants) != fmt.Sprint(want.Grants) {
			w.Fatalf("got clock\n\t%+v\nwant\n\t%+v", got, want)
		}
	}
}

func decideRefused(w *world) {
	w.open(3)
	w.lock("anna", "s1")
	w.put(w.s, parcelOf("a", `{}`))
	q := store.Question{Event: evening, Holder: "anna", Seats: names(2), Records: []store.Key{parcelKey("a"), parcelKey("b")}}
	clock := w.see(w.e, q).Clock
	w.unchanged(func() {
		d, _, err := w.e.Decide(w.Context(), q, func(v store.View) store.Decision {
			return store.Refuse(store.Outcome{Seats: v.Seats, Now: v.Now}, fmt.Errorf("%w: because", errRefused))
		})
		w.must(err)
		w.wantErr(d.Refusal(), errRefused)
		w.wantSeats(d.Outcome().Seats, w.seats("s1", "s2"))
	})
	if v := w.see(w.e, q); v.Clock.Version != clock.Version || v.Records[0].Version != 1 || v.Records[1].Version != 0 {
		w.Fatalf("a refusal left %+v", v)
	}
}

// decideRefusedLate has the rule accept what is not true any more when it would
// be written.
func decideRefusedLate(w *world) {
	w.open(2)
	second := w.second()
	for round := range w.rounds(3) {
		key := parcelKey(fmt.Sprint(round))
		meanwhile := newRival(func() error {
			_, err := second.Lock(w.Context(), store.LockRequest{Event: evening, Holder: "bert", Seats: names(1), Rules: long()})
			return err
		})
		d, _, err := w.e.Decide(w.Context(), store.Question{Event: evening, Seats: names(2), Records: []store.Key{key}}, func(v store.View) store.Decision {
			meanwhile.start()
			if v.Seats[0].Status == store.Locked {
				return store.Refuse(store.Outcome{}, errRefused)
			}
			return store.Accept(v, store.Outcome{}, store.Writes{
				Changes: []store.Change{toggle(v.Seats[0]), toggle(v.Seats[1])}, Records: []store.Record{counting(v.Records[0])}})
		})
		w.must(err)
		lost := meanwhile.wait()
		wrote := w.record(w.s, key.ID).Version > 0
		switch seats := w.seats(names(2)...); {
		case d.Refusal() != nil && lost == nil && seats[0].LockedBy == "bert" && seats[1].Status == store.Available && !wrote:
			w.unlock("bert")
		case d.Refusal() == nil && errors.Is(lost, store.ErrWithheld) && seats[0].Status == store.Withheld && seats[1].Status == store.Withheld && wrote:
			w.withhold(false, names(2)...)
		default:
			w.Fatalf("the decision came to %v, bert to %v, the seats are %+v, and the record is written: %v", d.Refusal(), lost, seats, wrote)
		}
	}
}

func decideEmpty(w *world) {
	w.open(2)
	locked := w.lock("anna", "s1")
	w.unchanged(func() {
		d, at, err := w.e.Decide(w.Context(), store.Question{Event: evening, Holder: "anna", Seats: names(2)}, func(v store.View) store.Decision {
			return store.Accept(v, store.Outcome{Seats: v.Seats}, store.Writes{Relied: names(2)})
		})
		w.must(err)
		w.must(d.Refusal())
		w.wantSeats(d.Outcome().Seats, w.seats("s1", "s2"))
		if !at.Covers(locked.Cursor) {
			w.Fatalf("told at %v, want not before %v", at, locked.Cursor)
		}
	})
	if got := w.lockOf("anna"); !sameLock(got, locked.Lock) {
		w.Fatalf("got lock\n\t%+v\nwant\n\t%+v", got, locked.Lock)
	}
}

func decideTogether(w *world) {
	w.open(3)
	w.lock("anna", "s1")
	w.put(w.s, parcelOf("old", `{}`))
	q := store.Question{Event: evening, Holder: "anna", Seats: []string{"s1", "s2"}, Records: []store.Key{parcelKey("a"), parcelKey("old"), parcelKey("never")}}
	var clock store.Clock
	w.decide(q, func(v store.View) store.Writes {
		clock = v.Clock
		clock.Extended = true
		to := v.Seats[0]
		to.Status, to.Booking = store.Paying, "a"
		return store.Writes{
			Changes: []store.Change{store.NewChange(evening, v.Seats[0], to, store.ReasonPaying), toggle(v.Seats[1])},
			Clock:   &clock, Records: []store.Record{counting(v.Records[0])}, Deleted: q.Records[1:],
		}
	})
	for _, e := range w.engines() {
		v := w.see(e, q)
		if s := v.Seats[0]; s.Status != store.Paying || s.Booking != "a" || s.Version != 3 {
			w.Fatalf("got seat %+v, want it paid for", s)
		}
		if s := v.Seats[1]; s.Status != store.Withheld || s.Version != 2 {
			w.Fatalf("got seat %+v, want it withheld", s)
		}
		if !v.Clock.Extended || v.Clock.Version != clock.Version+1 {
			w.Fatalf("got clock %+v, want it extended, over %+v", v.Clock, clock)
		}
		if counted(v.Records[0]) != 1 || v.Records[1].Version != 0 || v.Records[2].Version != 0 {
			w.Fatalf("got records %+v, want the first alone", v.Records)
		}
	}
}

// decideWhole has two instances write the same seat, each beside a record and
// a clock of its own.
func decideWhole(w *world) {
	w.open(1)
	engines := w.engines()
	for round := range w.rounds(10) {
		key := func(i int) store.Key { return parcelKey(fmt.Sprintf("%d of %d", i, round)) }
		who := func(i int) store.Holder { return store.Holder(fmt.Sprintf("%d-%d", i, round)) }
		errs := make([]error, 8)
		race(len(errs), func(i int) {
			q := store.Question{Event: evening, Holder: who(i), Seats: names(1), Records: []store.Key{key(i)}}
			d, _, err := engines[i%2].Decide(w.Context(), q, func(v store.View) store.Decision {
				if v.Seats[0].Status != store.Available {
					return store.Refuse(store.Outcome{}, errRefused)
				}
				clock := newClock(long(), v.Now)
				seat := store.Seat{Status: store.Locked, LockedBy: who(i), LockTime: clock.started, LockedUntil: clock.deadline}
				return store.Accept(v, store.Outcome{}, store.Writes{
					Changes: []store.Change{store.NewChange(evening, v.Seats[0], seat, store.ReasonLocked)},
					Clock:   &store.Clock{Started: clock.started, Deadline: clock.deadline},
					Records: []store.Record{counting(v.Records[0])},
				})
			})
			errs[i] = errors.Join(err, d.Refusal())
		})
		winner := w.oneWinner(errs, errRefused)
		for i := range errs {
			v := w.see(w.e, store.Question{Event: evening, Holder: who(i), Records: []store.Key{key(i)}})
			if all := i == winner; len(v.Held) > 0 != all || v.Clock.Version > 0 != all || v.Records[0].Version > 0 != all {
				w.Fatalf("%d of which %d won has %+v", i, winner, v)
			}
		}
		w.unlock(who(winner))
	}
}

func decideOneBatch(w *world) {
	w.open(4)
	from := w.head()
	_, at := w.decide(store.Question{Event: evening, Seats: names(3)}, func(v store.View) store.Writes {
		return store.Writes{Changes: []store.Change{toggle(v.Seats[0]), toggle(v.Seats[1]), toggle(v.Seats[2])}}
	})
	for _, b := range w.read(w.second(), from, at) {
		if n := len(b.Changes); n != 0 && n != 3 {
			w.Fatalf("a batch has %v, want all or nothing", b.Changes)
		}
	}
}

func decideCursor(w *world) {
	w.open(3)
	from := w.head()
	_, at := w.decide(store.Question{Event: evening, Seats: names(1)}, func(v store.View) store.Writes {
		return store.Writes{Changes: []store.Change{toggle(v.Seats[0])}}
	})
	if got := changesOf(w.read(w.s, from, at)); len(got) != 1 {
		w.Fatalf("up to the cursor came %v, want the seat", got)
	}
	if got := w.since(at); len(got) > 0 {
		w.Fatalf("after the cursor came %v, want nothing", got)
	}
	locked := w.lock("anna", "s2")
	for _, e := range w.engines() {
		_, at, err := e.Decide(w.Context(), store.Question{Records: []store.Key{parcelKey("a")}}, func(v store.View) store.Decision {
			return store.Refuse(store.Outcome{}, errRefused)
		})
		w.must(err)
		if !at.Covers(locked.Cursor) {
			w.Fatalf("a refusal is told at %v, want not before %v", at, locked.Cursor)
		}
	}
}

// decideInstant moves two seats and two records, all of them each time, and
// reads them at once: they are never seen apart.
func decideInstant(w *world) {
	w.open(4)
	q := store.Question{Event: evening, Seats: []string{"s1", "s4"}, Records: []store.Key{parcelKey("a"), parcelKey("z")}}
	move := func(v store.View) store.Decision {
		return store.Accept(v, store.Outcome{}, store.Writes{
			Changes: []store.Change{toggle(v.Seats[0]), toggle(v.Seats[1])},
			Records: []store.Record{counting(v.Records[0]), counting(v.Records[1])},
		})
	}
	w.besideReads(q, q, move, func(v store.View) error {
		n := v.Seats[0].Version - 1
		if v.Seats[1].Version-1 != n || v.Records[0].Version != n || v.Records[1].Version != n ||
			counted(v.Records[0]) != int(n) || counted(v.Records[1]) != int(n) {
			return fmt.Errorf("seen apart: %+v and %+v", v.Seats, v.Records)
		}
		return nil
	})
}

// besideReads has six callers write by one question, and read by another, whose
// view must be as check wants it.
func (w *world) besideReads(writes, reads store.Question, write func(store.View) store.Decision, check func(store.View) error) {
	w.Helper()
	engines := w.engines()
	errs := make([]error, 6)
	race(len(errs), func(i int) {
		for round := 0; round < w.rounds(40) && errs[i] == nil; round++ {
			_, _, wrote := engines[i%2].Decide(w.Context(), writes, write)
			d, _, read := engines[i/2%2].Decide(w.Context(), reads, func(v store.View) store.Decision {
				return store.Refuse(store.Outcome{}, check(v))
			})
			errs[i] = errors.Join(wrote, read, d.Refusal())
		}
	})
	w.must(errors.Join(errs...))
}

// seatOf names the seat that a record's body does.
func seatOf(v store.View) []string {
	var body struct{ Seat string }
	if v.Records[0].Version == 0 || json.Unmarshal(v.Records[0].Body, &body) != nil {
		return nil
	}
	return []string{body.Seat}
}

func naming(seat string) store.Record { return parcelOf("a", fmt.Sprintf(`{"seat":%q}`, seat)) }

// decideNamedInstant has the one withheld seat be named by a record, and moves
// both.
func decideNamedInstant(w *world) {
	const seats = 4
	w.open(seats)
	w.withhold(true, "s1")
	w.put(w.s, naming("s1"))
	reads := store.Question{Event: evening, Records: []store.Key{parcelKey("a")}, Name: seatOf}
	writes := reads
	writes.Name = func(v store.View) []string { // that one, and the next
		at := slices.Index(names(seats), seatOf(v)[0])
		return []string{names(seats)[at], names(seats)[(at+1)%seats]}
	}
	w.besideReads(writes, reads, func(v store.View) store.Decision {
		return store.Accept(v, store.Outcome{}, store.Writes{
			Changes: []store.Change{toggle(v.Seats[0]), toggle(v.Seats[1])}, Records: []store.Record{naming(v.Seats[1].ID)}})
	}, func(v store.View) error {
		if len(v.Seats) != 1 || v.Seats[0].Status != store.Withheld {
			return fmt.Errorf("%s names %+v, want the seat that is withheld", v.Records[0].Body, v.Seats)
		}
		return nil
	})
}

// decideWhileNamed has all of it be moved while the seats are being named.
func decideWhileNamed(w *world) {
	w.open(4)
	second := w.secondEngine()
	for range w.rounds(3) {
		q := store.Question{Event: evening, Seats: []string{"s1", "s4"}, Records: []store.Key{parcelKey("a")}}
		meanwhile := newRival(func() error {
			_, _, err := second.Decide(w.Context(), q, func(v store.View) store.Decision {
				return store.Accept(v, store.Outcome{}, store.Writes{
					Changes: []store.Change{toggle(v.Seats[0]), toggle(v.Seats[1])}, Records: []store.Record{counting(v.Records[0])}})
			})
			return err
		})
		named := q
		named.Seats, named.Name = q.Seats[:1], func(store.View) []string {
			meanwhile.start()
			return q.Seats
		}
		v := w.see(w.e, named)
		w.must(meanwhile.wait())
		if n := v.Records[0].Version + 1; v.Seats[0].Version != n || v.Seats[1].Version != n {
			w.Fatalf("seen apart: %+v and %+v", v.Seats, v.Records)
		}
	}
}

func decideNamed(w *world) {
	w.open(4)
	w.lock("anna", "s3")
	w.put(w.s, naming("s3"))
	for _, seats := range [][]string{nil, {"s3"}, {"s1", "s2"}} { // which count no more
		v := w.see(w.e, store.Question{Event: evening, Holder: "anna", Seats: seats, Records: []store.Key{parcelKey("a")}, Name: func(v store.View) []string {
			if len(v.Seats) > 0 || v.Event.ID != evening || v.Clock.Version == 0 || v.Now.IsZero() {
				w.Errorf("seats are named from %+v", v)
			}
			return seatOf(v)
		}})
		w.wantSeats(v.Seats, w.seats("s3"))
	}
	v := w.see(w.e, store.Question{Event: evening, Seats: names(2), Records: []store.Key{parcelKey("b")}, Name: seatOf})
	w.wantIDs(v.Seats)
	v = w.see(w.e, store.Question{Event: evening, Name: func(store.View) []string { return []string{"s9", "s2", "s1"} }})
	w.wantSeats(v.Seats, []store.Seat{{ID: "s9"}, {ID: "s2", Version: 1}, {ID: "s1", Version: 1}})
}

// decideNamedAnew has the record name another seat while the first one is being
// decided about.
func decideNamedAnew(w *world) {
	w.open(2)
	second := w.second()
	w.put(w.s, naming("s1"))
	meanwhile := newRival(func() error { return putRecord(w.Context(), second, naming("s2")) })
	d, _, err := w.e.Decide(w.Context(), store.Question{Event: evening, Records: []store.Key{parcelKey("a")}, Name: seatOf}, func(v store.View) store.Decision {
		meanwhile.start()
		if seat := seatOf(v); len(v.Seats) != 1 || v.Seats[0].ID != seat[0] {
			w.Errorf("got seats %v, want %s", idsOf(v.Seats), seat)
		}
		return store.Accept(v, store.Outcome{Seats: v.Seats}, store.Writes{
			Changes: []store.Change{toggle(v.Seats[0])}, Records: []store.Record{counting(v.Records[0])}})
	})
	w.must(err)
	w.must(meanwhile.wait())
	chosen := d.Outcome().Seats[0].ID
	other := map[string]string{"s1": "s2", "s2": "s1"}[chosen]
	if w.seat(chosen).Status != store.Withheld || w.seat(other).Status != store.Available {
		w.Fatalf("decided about %s, and the seats are %+v", chosen, w.seats(names(2)...))
	}
	if counts := counted(w.record(w.s, "a")) == 1; counts != (chosen == "s2") {
		w.Fatalf("decided about %s, and the record is %s", chosen, w.record(w.s, "a").Body)
	}
}

func decideLastCall(w *world) {
	w.open(1)
	second := w.second()
	for range w.rounds(3) {
		meanwhile := newRival(func() error {
			_, err := second.Withhold(w.Context(), store.WithholdRequest{Event: evening, Seats: names(1), On: true})
			return err
		})
		last := store.Seat{}
		d, _, err := w.e.Decide(w.Context(), store.Question{Event: evening, Seats: names(1)}, func(v store.View) store.Decision {
			meanwhile.start()
			last = v.Seats[0]
			c := store.NewChange(evening, last, store.Seat{}, store.ReasonOnSale)
			if last.Status == store.Available {
				c = toggle(last)
			}
			return store.Accept(v, store.Outcome{Seats: []store.Seat{c.Seat}}, store.Writes{Changes: []store.Change{c}})
		})
		w.must(err)
		w.must(meanwhile.wait())
		told := d.Outcome().Seats[0]
		if told.Version != last.Version+1 || d.Writes().Changes[0].Seat != told {
			w.Fatalf("told %+v, and the rule decided last about %+v", told, last)
		}
		if now := w.seat("s1"); now.Version < told.Version || now.Version == told.Version && !sameSeat(now, told) {
			w.Fatalf("told %+v, and the seat is %+v", told, now)
		}
		w.withhold(false, "s1")
	}
}

func decideSeatIncrements(w *world) {
	const callers = 8
	w.open(1)
	first := w.snapshot()
	engines, each := w.engines(), w.rounds(20)
	errs := make([]error, callers)
	race(callers, func(i int) {
		for range each {
			_, _, err := engines[i%2].Decide(w.Context(), store.Question{Event: evening, Seats: names(1)}, func(v store.View) store.Decision {
				return store.Accept(v, store.Outcome{}, store.Writes{Changes: []store.Change{toggle(v.Seats[0])}})
			})
			errs[i] = errors.Join(errs[i], err)
		}
	})
	w.must(errors.Join(errs...))
	if got := w.seat("s1").Version; got != int64(1+callers*each) {
		w.Fatalf("version %d after %d changes", got, callers*each)
	}
	w.wantBoard(first, w.since(first.Cursor), w.snapshot())
}

// oneOf fails unless exactly one of a decision and its rival was accepted.
func (w *world) oneOf(d store.Decision, err, lost error) {
	w.Helper()
	w.must(err)
	w.oneWinner([]error{d.Refusal(), lost}, errRefused)
}

// takeUnless takes the first seat off sale if the other one is for sale, which
// it relies on.
func takeUnless(v store.View) store.Decision {
	if v.Seats[1].Status != store.Available {
		return store.Refuse(store.Outcome{}, errRefused)
	}
	return store.Accept(v, store.Outcome{}, store.Writes{Changes: []store.Change{toggle(v.Seats[0])}, Relied: []string{v.Seats[1].ID}})
}

// decideRelied has two decisions each take what the other relies on.
func decideRelied(w *world) {
	w.open(2)
	second := w.secondEngine()
	for range w.rounds(3) {
		meanwhile := newRival(func() error {
			d, _, err := second.Decide(w.Context(), store.Question{Event: evening, Seats: []string{"s2", "s1"}}, takeUnless)
			return errors.Join(err, d.Refusal())
		})
		d, _, err := w.e.Decide(w.Context(), store.Question{Event: evening, Seats: []string{"s1", "s2"}}, func(v store.View) store.Decision {
			meanwhile.start()
			return takeUnless(v)
		})
		w.oneOf(d, err, meanwhile.wait())
		w.withhold(false, names(2)...)
	}
}

// decideUnwritten has one decision take a seat unless there is a record, and
// the other one write the record unless the seat is taken.
func decideUnwritten(w *world) {
	w.open(1)
	second := w.secondEngine()
	for round := range w.rounds(3) {
		q := store.Question{Event: evening, Seats: names(1), Records: []store.Key{parcelKey(fmt.Sprint(round))}}
		meanwhile := newRival(func() error {
			d, _, err := second.Decide(w.Context(), q, func(v store.View) store.Decision {
				if v.Seats[0].Status != store.Available {
					return store.Refuse(store.Outcome{}, errRefused)
				}
				return store.Accept(v, store.Outcome{}, store.Writes{Records: []store.Record{counting(v.Records[0])}, Relied: names(1)})
			})
			return errors.Join(err, d.Refusal())
		})
		d, _, err := w.e.Decide(w.Context(), q, func(v store.View) store.Decision {
			meanwhile.start()
			if v.Records[0].Version > 0 {
				return store.Refuse(store.Outcome{}, errRefused)
			}
			return store.Accept(v, store.Outcome{}, store.Writes{Changes: []store.Change{toggle(v.Seats[0])}})
		})
		w.oneOf(d, err, meanwhile.wait())
		w.withhold(false, names(1)...)
	}
}

// decideOneHolder has two decisions about other seats of one holder, who may
// have one.
func decideOneHolder(w *world) {
	w.open(2)
	second := w.second()
	for round := range w.rounds(3) {
		who := holder(round)
		request := func(seat string) store.LockRequest {
			return store.LockRequest{Event: evening, Holder: who, Seats: []string{seat}, Rules: longFor(1)}
		}
		meanwhile := newRival(func() error {
			_, err := second.Lock(w.Context(), request("s2"))
			return err
		})
		d, _, err := w.e.Decide(w.Context(), store.Question{Event: evening, Holder: who, Seats: names(1)}, func(v store.View) store.Decision {
			meanwhile.start()
			if len(v.Held) > 0 {
				return store.Refuse(store.Outcome{}, store.ErrLimit)
			}
			c := newClock(long(), v.Now)
			seat := store.Seat{Status: store.Locked, LockedBy: who, LockTime: c.started, LockedUntil: c.deadline}
			return store.Accept(v, store.Outcome{}, store.Writes{
				Changes: []store.Change{store.NewChange(evening, v.Seats[0], seat, store.ReasonLocked)},
				Clock:   &store.Clock{Started: c.started, Deadline: c.deadline},
			})
		})
		w.must(err)
		w.oneWinner([]error{d.Refusal(), meanwhile.wait()}, store.ErrLimit)
		w.unlock(who)
	}
}

// takeAway is the house's decision that frees a seat, whoever has it.
func takeAway(v store.View) store.Writes {
	return store.Writes{Changes: []store.Change{store.NewChange(evening, v.Seats[0], store.Seat{}, store.ReasonReleased)}}
}

func decideTouched(w *world) {
	w.open(3)
	w.lock("anna", "s1", "s2")
	w.lock("bert", "s3")
	clock := func(who store.Holder) store.Clock {
		return w.see(w.e, store.Question{Event: evening, Holder: who}).Clock
	}
	anna, bert := clock("anna"), clock("bert")
	changes := w.announced(func() { w.decide(store.Question{Event: evening, Seats: names(1)}, takeAway) })
	w.wantChange(changes, "s1", "anna", store.ReasonReleased)
	w.wantLoss(changes, store.ReasonReleased)
	if now := clock("anna"); now.Version != anna.Version+1 || !now.Deadline.Equal(anna.Deadline) || !now.Started.Equal(anna.Started) {
		w.Fatalf("anna's clock is %+v, want it as it was, %+v, but one version on", now, anna)
	}
	if now := clock("bert"); now.Version != bert.Version {
		w.Fatalf("bert's clock is %+v, want %+v", now, bert)
	}
	w.wantIDs(w.lockOf("anna").Seats, "s2")
	w.unchanged(func() { // who has no clock has none after it
		w.decide(store.Question{Event: evening}, func(store.View) store.Writes { return store.Writes{Touched: []store.Holder{"carl"}} })
	})
	if now := clock("carl"); now.Version != 0 {
		w.Fatalf("carl has the clock %+v", now)
	}
}

// decideTouchedRace has anna write down how many seats she has, and the house
// take one of them unless that is written down.
func decideTouchedRace(w *world) {
	w.open(2)
	second := w.secondEngine()
	for round := range w.rounds(3) {
		key := parcelKey(fmt.Sprint(round))
		w.lock("anna", names(2)...)
		meanwhile := newRival(func() error {
			d, _, err := second.Decide(w.Context(), store.Question{Event: evening, Seats: names(1), Records: []store.Key{key}}, func(v store.View) store.Decision {
				if v.Records[0].Version > 0 {
					return store.Refuse(store.Outcome{}, errRefused)
				}
				return store.Accept(v, store.Outcome{}, takeAway(v))
			})
			return errors.Join(err, d.Refusal())
		})
		d, _, err := w.e.Decide(w.Context(), store.Question{Event: evening, Holder: "anna", Records: []store.Key{key}}, func(v store.View) store.Decision {
			meanwhile.start()
			if len(v.Held) < 2 {
				return store.Refuse(store.Outcome{}, errRefused)
			}
			clock := v.Clock
			return store.Accept(v, store.Outcome{}, store.Writes{Clock: &clock, Records: []store.Record{counting(v.Records[0])}})
		})
		w.oneOf(d, err, meanwhile.wait())
		w.unlock("anna")
	}
}

func decideRecordsOnly(w *world) {
	w.open(1)
	head := w.head()
	keys := []store.Key{parcelKey("a"), {Kind: store.Session, ID: "a"}}
	_, at := w.decide(store.Question{Records: keys}, func(v store.View) store.Writes {
		if v.Event.ID != "" || len(v.Seats)+len(v.Held) > 0 || v.Now.IsZero() {
			w.Errorf("without an event the view is %+v", v)
		}
		return store.Writes{Records: []store.Record{counting(v.Records[0]), counting(v.Records[1])}}
	})
	if !at.Covers(head) {
		w.Fatalf("told at %v, want not before %v", at, head)
	}
	for i, r := range w.see(w.secondEngine(), store.Question{Records: keys}).Records {
		if r.Key != keys[i] || counted(r) != 1 || r.Version != 1 {
			w.Fatalf("got %+v, want the record of %+v", r, keys[i])
		}
	}
}

// decideCollision has 32 decisions of one event create the same record, each
// beside a lock, and as many others that have nothing to do with it.
func decideCollision(w *world) {
	const each = 32
	engines := w.engines()
	for round := range w.rounds(2) {
		event := fmt.Sprintf("e%d", round)
		w.create(hall(event, 2*each))
		errs := make([]error, 2*each)
		race(len(errs), func(i int) {
			id := fmt.Sprintf("%d same", round)
			if i%2 == 1 {
				id = fmt.Sprintf("%d own %d", round, i)
			}
			q := store.Question{Event: event, Seats: names(2 * each)[i : i+1], Records: []store.Key{parcelKey(id)}}
			d, _, err := engines[i/2%2].Decide(w.Context(), q, func(v store.View) store.Decision {
				if v.Records[0].Version > 0 {
					return store.Refuse(store.Outcome{}, errThere)
				}
				c := store.NewChange(event, v.Seats[0], store.Seat{Status: store.Withheld}, store.ReasonWithheld)
				return store.Accept(v, store.Outcome{}, store.Writes{Changes: []store.Change{c}, Records: []store.Record{counting(v.Records[0])}})
			})
			errs[i] = errors.Join(err, d.Refusal())
		})
		var same []error
		for i := range each {
			w.must(errs[2*i+1])
			same = append(same, errs[2*i])
		}
		winner := w.oneWinner(same, errThere)
		snap, err := w.s.Snapshot(w.Context(), event)
		w.must(err)
		for i, s := range snap.Seats {
			if taken := s.Status == store.Withheld; taken != (i%2 == 1 || i/2 == winner) {
				w.Fatalf("%d of which %d won: the seat is %+v", i, 2*winner, s)
			}
		}
	}
}

func decideMany(w *world) {
	var keys []store.Key
	for i := range 500 {
		keys = append(keys, parcelKey(fmt.Sprintf("%03d", i)))
	}
	writes := func(v store.View) store.Writes {
		for i := range v.Records {
			v.Records[i] = counting(v.Records[i])
		}
		return store.Writes{Records: v.Records}
	}
	w.decide(store.Question{Records: keys}, writes)
	w.decide(store.Question{Records: keys}, writes)
	all := w.scan(store.Scan{Kind: parcel, Limit: 400})
	if wrong := slices.IndexFunc(all, func(r store.Record) bool { return counted(r) != 2 || r.Version != 2 }); len(all) != 500 || wrong >= 0 {
		w.Fatalf("%d records, and the %dth is not as it was written", len(all), wrong)
	}
	w.decide(store.Question{Records: keys}, func(v store.View) store.Writes { return store.Writes{Deleted: keys} })
	w.wantScan(store.Scan{Kind: parcel, Limit: 10})
}

func decideUnknownKind(w *world) {
	w.open(1)
	w.unchanged(func() {
		for _, kind := range []string{"", "letter", "Parcel", "$where"} {
			_, _, err := w.e.Decide(w.Context(), store.Question{Event: evening, Seats: names(1), Records: []store.Key{parcelKey("a"), {Kind: kind, ID: "a"}}}, func(v store.View) store.Decision {
				return store.Accept(v, store.Outcome{}, store.Writes{Changes: []store.Change{toggle(v.Seats[0])}})
			})
			w.wantErr(err, store.ErrInvalid)
		}
		_, _, err := w.e.Decide(w.Context(), store.Question{Event: evening, Seats: names(1), Records: []store.Key{parcelKey("a")}}, func(v store.View) store.Decision {
			r := counting(v.Records[0])
			r.Index = map[string]string{byOwner: "anna", "weight": "7"}
			return store.Accept(v, store.Outcome{}, store.Writes{Changes: []store.Change{toggle(v.Seats[0])}, Records: []store.Record{r}})
		})
		w.wantErr(err, store.ErrInvalid)
	})
	w.wantBody(w.s, "a", "")
}

func decideEnded(w *world) {
	w.open(1)
	ctx, cancel := w.ended()
	defer cancel()
	w.unchanged(func() {
		_, _, err := w.e.Decide(ctx, store.Question{Event: evening, Seats: names(1)}, func(v store.View) store.Decision {
			return store.Accept(v, store.Outcome{}, store.Writes{Changes: []store.Change{toggle(v.Seats[0])}})
		})
		w.wantErr(err, context.Canceled)
	})
}

// decideEnding ends the ctx when the question is answered, and the writes are
// not yet on their way.
func decideEnding(w *world) {
	rounds := w.rounds(10)
	w.open(rounds)
	for round := range rounds {
		q := store.Question{Event: evening, Seats: names(rounds)[round : round+1], Records: []store.Key{parcelKey(fmt.Sprint(round))}}
		ctx, cancel := context.WithCancel(w.Context())
		_, _, err := w.e.Decide(ctx, q, func(v store.View) store.Decision {
			cancel()
			return store.Accept(v, store.Outcome{}, store.Writes{Changes: []store.Change{toggle(v.Seats[0])}, Records: []store.Record{counting(v.Records[0])}})
		})
		v := w.see(w.e, q)
		seat, record := v.Seats[0].Version > 1, v.Records[0].Version > 0
		switch {
		case seat != record:
			w.Fatalf("half of it was written: the seat %v, the record %v", seat, record)
		case err == nil && !seat:
			w.Fatal("acknowledged, and not written")
		case err != nil && !errors.Is(err, store.ErrUnknown) && (!errors.Is(err, context.Canceled) || seat):
			w.Fatalf("answered %v, and written is %v", err, seat)
		}
	}
}

func decideClosed(w *world) {
	w.open(1)
	w.must(w.e.Close())
	_, _, err := w.e.Decide(w.Context(), store.Question{Event: evening}, func(v store.View) store.Decision {
		return store.Accept(v, store.Outcome{}, store.Writes{})
	})
	w.wantErr(err, store.ErrUnavailable)
	err = w.e.Define(w.Context(), evening, false, func(store.Definition) (store.Redefinition, error) { return store.Redefinition{}, nil })
	w.wantErr(err, store.ErrUnavailable)
}
