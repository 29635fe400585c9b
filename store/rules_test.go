package store

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

const me, other = Holder("me"), Holder("other")

func lockedSeat(by Holder, left time.Duration) Seat {
	return Seat{ID: "s1", Status: Locked, LockedBy: by, LockTime: noon.Add(-time.Hour), LockedUntil: noon.Add(left), Version: 3}
}

// TestRefusals says by whom and why each seat can be neither locked, given
// back, taken off sale nor put back.
func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		name                       string
		seat                       Seat
		lock, unlock, withhold, on error
	}{
		{"available", Seat{}, nil, nil, nil, nil},
		{"mine", lockedSeat(me, time.Millisecond), nil, nil, ErrTaken, ErrTaken},
		{"mine, run out", lockedSeat(me, 0), nil, nil, nil, nil},
		{"other's", lockedSeat(other, time.Millisecond), ErrTaken, ErrNotYours, ErrTaken, ErrTaken},
		{"other's, run out", lockedSeat(other, 0), nil, nil, nil, nil},
		{"paying, mine", Seat{Status: Paying, LockedBy: me, LockedUntil: noon}, nil, ErrPaying, ErrTaken, ErrTaken},
		{"paying, other's", Seat{Status: Paying, LockedBy: other, LockedUntil: noon}, ErrTaken, ErrNotYours, ErrTaken, ErrTaken},
		{"booked, mine", Seat{Status: Booked, LockedBy: me}, ErrBooked, ErrBooked, ErrBooked, ErrBooked},
		{"booked, other's", Seat{Status: Booked, LockedBy: other}, ErrBooked, ErrBooked, ErrBooked, ErrBooked},
		{"withheld", Seat{Status: Withheld}, ErrWithheld, ErrWithheld, nil, nil},
		{"unknown", Seat{Status: Unknown}, ErrWithheld, ErrWithheld, ErrWithheld, ErrWithheld},
		{"unknown, mine", Seat{Status: Unknown, LockedBy: me, LockedUntil: noon.Add(time.Hour)}, ErrWithheld, ErrWithheld, ErrWithheld, ErrWithheld},
		{"unknown, run out", Seat{Status: Unknown, LockedBy: me, LockedUntil: noon}, ErrWithheld, ErrWithheld, ErrWithheld, ErrWithheld},
	} {
		test.seat.ID, test.seat.Version = "s1", 3
		v := View{Now: noon, Event: Event{ID: "evening"}, Holder: me, Seats: []Seat{test.seat}, Clock: Clock{Deadline: noon.Add(time.Hour), Version: 1}}
		rules := Rules{TTL: time.Minute, Total: time.Hour, MaxSeats: 1}
		for what, one := range map[string]struct {
			got  Decision
			want error
		}{
			"lock":     {LockRequest{Event: "evening", Holder: me, Seats: []string{"s1"}, Rules: rules}.decide(v), test.lock},
			"unlock":   {UnlockRequest{Event: "evening", Holder: me, Seats: []string{"s1"}}.decide(v), test.unlock},
			"withhold": {WithholdRequest{Event: "evening", Seats: []string{"s1"}, On: true}.decide(v), test.withhold},
			"put back": {WithholdRequest{Event: "evening", Seats: []string{"s1"}}.decide(v), test.on},
		} {
			refusal, written := one.got.Refusal(), !one.got.Writes().Empty()
			if !errors.Is(refusal, one.want) || one.want == nil && refusal != nil {
				t.Errorf("%s %s: %v, want %v", what, test.name, refusal, one.want)
			}
			if refusal != nil && written {
				t.Errorf("%s %s: refused, and writes %+v", what, test.name, one.got.Writes())
			}
		}
	}
	if refuseLock(Seat{Status: Locked, LockedUntil: noon.Add(1)}, "", noon) == nil {
		t.Error("a holder without a name has a seat")
	}
}

// TestUnknownStays keeps every operation away from a status of tomorrow.
func TestUnknownStays(t *testing.T) {
	s := Seat{ID: "s1", Status: Unknown, LockedBy: me, LockTime: noon, LockedUntil: noon.Add(time.Hour), Booking: "b", Version: 3}
	v := View{Now: noon, Event: Event{ID: "evening"}, Holder: me, Held: []Seat{s}, Clock: Clock{Deadline: noon.Add(time.Hour), Version: 1}}
	for what, d := range map[string]Decision{
		"unlock all": UnlockRequest{Event: "evening", Holder: me}.decide(v),
		"extend":     ExtendRequest{Event: "evening", Holder: me, Rules: DefaultRules()}.decide(v),
	} {
		if !d.Writes().Empty() {
			t.Errorf("%s writes %+v", what, d.Writes())
		}
	}
	for _, at := range []time.Duration{0, time.Hour, 1000 * time.Hour} {
		if s.FreeAt(noon.Add(at)) || s.HeldBy(me, noon.Add(at)) {
			t.Errorf("after %v it is free or held", at)
		}
	}
	if lock := v.lock(); len(lock.Seats) > 0 {
		t.Errorf("it is in the lock %+v", lock)
	}
}

func TestRefuse(t *testing.T) {
	out := Outcome{Now: noon}
	d := Refuse(out, ErrTaken)
	if d.Refusal() != ErrTaken || !d.Writes().Empty() || !reflect.DeepEqual(d.Outcome(), out) {
		t.Errorf("got %+v", d)
	}
}

// TestAcceptWritesClock says when a decision writes the holder's clock.
func TestAcceptWritesClock(t *testing.T) {
	clock := Clock{Started: noon, Deadline: noon.Add(time.Hour), Version: 4, Grants: Grants{{"r", []string{"s1"}}}}
	free := Seat{ID: "s2", Version: 1}
	mine := NewChange("evening", lockedSeat(me, time.Hour), Seat{}, ReasonGivenBack)
	taken := NewChange("evening", free, Seat{Status: Locked, LockedBy: me}, ReasonLocked)
	theirs := NewChange("evening", free, Seat{Status: Withheld}, ReasonWithheld)
	for _, test := range []struct {
		name    string
		who     Holder
		clock   Clock
		changes []Change
		want    bool
	}{
		{"a seat of the holder goes", me, clock, []Change{mine}, true},
		{"a seat comes to the holder", me, clock, []Change{taken}, true},
		{"one of several is the holder's", me, clock, []Change{theirs, mine}, true},
		{"a seat of nobody", me, clock, []Change{theirs}, false},
		{"no change", me, clock, nil, false},
		{"no clock", me, Clock{}, []Change{mine}, false},
		{"no holder", "", clock, []Change{theirs}, false},
	} {
		v := View{Now: noon, Holder: test.who, Clock: test.clock, Seats: []Seat{free}, Held: []Seat{lockedSeat(me, time.Hour)}}
		got := Accept(v, Outcome{}, Writes{Changes: test.changes}).Writes().Clock
		if (got != nil) != test.want {
			t.Errorf("%s: writes the clock %+v", test.name, got)
		}
		want := clock
		want.Version = 5
		if got != nil && !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: writes %+v, want %+v", test.name, *got, want)
		}
	}
	given := Clock{Deadline: noon, Version: 77}
	if got := Accept(View{}, Outcome{}, Writes{Clock: &given}).Writes().Clock; got.Version != 1 || given.Version != 77 {
		t.Errorf("a first clock has version %d, and the one given %d", got.Version, given.Version)
	}
}

// TestAcceptTouches says whose clocks are touched: those of others who had a
// live lock, or were paying.
func TestAcceptTouches(t *testing.T) {
	for _, test := range []struct {
		name string
		seat Seat
		want []Holder
	}{
		{"other's", lockedSeat(other, time.Millisecond), []Holder{other}},
		{"other's, run out", lockedSeat(other, 0), nil},
		{"other's, paying", Seat{ID: "s1", Status: Paying, LockedBy: other, LockedUntil: noon}, []Holder{other}},
		{"other's, booked", Seat{ID: "s1", Status: Booked, LockedBy: other}, nil},
		{"mine", lockedSeat(me, time.Hour), nil},
		{"nobody's", Seat{ID: "s1"}, nil},
	} {
		v := View{Now: noon, Holder: me, Seats: []Seat{test.seat}}
		changes := []Change{NewChange("evening", test.seat, Seat{}, ReasonReleased)}
		if got := Accept(v, Outcome{}, Writes{Changes: changes}).Writes().Touched; !slices.Equal(got, test.want) {
			t.Errorf("%s: touched %v, want %v", test.name, got, test.want)
		}
	}
	a, b := lockedSeat(other, time.Hour), lockedSeat(other, time.Hour)
	b.ID = "s2"
	v := View{Now: noon, Seats: []Seat{a, b}}
	changes := []Change{NewChange("evening", a, Seat{}, ReasonReleased), NewChange("evening", b, Seat{}, ReasonReleased)}
	if got := Accept(v, Outcome{}, Writes{Changes: changes}).Writes().Touched; !slices.Equal(got, []Holder{other}) {
		t.Errorf("touched %v, want each once", got)
	}
}

// TestAcceptPaying says whether the holder pays for a seat once it is written.
func TestAcceptPaying(t *testing.T) {
	paying := Seat{ID: "s1", Status: Paying, LockedBy: me, LockedUntil: noon, Version: 2}
	others := Seat{ID: "s9", Status: Paying, LockedBy: other, Version: 2}
	locked := lockedSeat(me, time.Hour)
	locked.ID = "s2"
	pay := NewChange("evening", locked, Seat{Status: Paying, LockedBy: me}, ReasonPaying)
	book := NewChange("evening", paying, Seat{Status: Booked, LockedBy: me}, ReasonBooked)
	back := NewChange("evening", locked, Seat{}, ReasonGivenBack)
	for _, test := range []struct {
		name    string
		held    []Seat
		changes []Change
		want    bool
	}{
		{"begins to pay", []Seat{locked}, []Change{pay}, true},
		{"pays on", []Seat{paying, locked}, []Change{back}, true},
		{"has paid", []Seat{paying}, []Change{book}, false},
		{"has paid for one of two", []Seat{paying, locked}, []Change{book, pay}, true},
		{"does not pay", []Seat{locked}, []Change{back}, false},
		{"another pays", []Seat{locked, others}, []Change{back}, false},
	} {
		v := View{Now: noon, Holder: me, Clock: Clock{Deadline: noon, Version: 1, Paying: !test.want}, Held: test.held}
		if got := Accept(v, Outcome{}, Writes{Changes: test.changes}).Writes().Clock; got == nil || got.Paying != test.want {
			t.Errorf("%s: writes the clock %+v", test.name, got)
		}
	}
}

func TestWritesEmpty(t *testing.T) {
	if !(Writes{}).Empty() || !(Writes{Relied: []string{"s1"}}).Empty() {
		t.Error("nothing to write is not empty")
	}
	for i, w := range []Writes{{Changes: make([]Change, 1)}, {Clock: &Clock{}}, {Touched: []Holder{me}}, {Records: make([]Record, 1)}, {Deleted: make([]Key, 1)}} {
		if w.Empty() {
			t.Errorf("%d is empty: %+v", i, w)
		}
	}
}

// TestRelied has decisions that tell of seats which they leave as they are
// rely on those.
func TestRelied(t *testing.T) {
	mine, free, off := lockedSeat(me, time.Hour), Seat{ID: "s2", Version: 1}, Seat{ID: "s3", Status: Withheld, Version: 1}
	v := View{Now: noon, Event: Event{ID: "evening"}, Holder: me, Seats: []Seat{mine, free}, Held: []Seat{mine},
		Clock: Clock{Deadline: noon.Add(time.Hour), Version: 1}}
	if got := (UnlockRequest{Event: "evening", Holder: me, Seats: []string{"s1", "s2"}}).decide(v).Writes().Relied; !slices.Equal(got, []string{"s2"}) {
		t.Errorf("unlock relies on %v", got)
	}
	v.Seats = []Seat{mine}
	request := LockRequest{Event: "evening", Holder: me, Seats: []string{"s1"}, Rules: DefaultRules(), Request: "r"}
	if got := request.decide(v).Writes(); !slices.Equal(got.Relied, []string{"s1"}) || got.Clock == nil || len(got.Changes) > 0 {
		t.Errorf("a remembered request writes %+v", got)
	}
	v = View{Now: noon, Event: Event{ID: "evening"}, Seats: []Seat{free, off}}
	if got := (WithholdRequest{Event: "evening", On: true}).decide(v).Writes().Relied; !slices.Equal(got, []string{"s3"}) {
		t.Errorf("withhold relies on %v", got)
	}
	if got := (WithholdRequest{Event: "evening"}).decide(v).Writes().Relied; !slices.Equal(got, []string{"s2"}) {
		t.Errorf("putting back relies on %v", got)
	}
}

// TestNothingToRemember leaves a clock alone that is over: it remembers nothing.
func TestNothingToRemember(t *testing.T) {
	paying := Seat{ID: "s1", Status: Paying, LockedBy: me, LockedUntil: noon, Version: 3}
	v := View{Now: noon, Event: Event{ID: "evening"}, Holder: me, Seats: []Seat{paying}, Held: []Seat{paying}, Clock: Clock{Deadline: noon, Version: 1}}
	request := LockRequest{Event: "evening", Holder: me, Seats: []string{"s1"}, Rules: DefaultRules(), Request: "r"}
	if d := request.decide(v); d.Refusal() != nil || !d.Writes().Empty() {
		t.Errorf("got %v, and writes %+v", d.Refusal(), d.Writes())
	}
}

func TestNewChange(t *testing.T) {
	from := lockedSeat(other, 0)
	c := NewChange("evening", from, Seat{ID: "nonsense", Status: Locked, LockedBy: me, Version: 99}, ReasonLocked)
	want := Change{Event: "evening", Seat: Seat{ID: "s1", Status: Locked, LockedBy: me, Version: 4}, Before: other, Reason: ReasonLocked}
	if c != want {
		t.Errorf("got %+v, want %+v", c, want)
	}
}

// A clock from the future keeps its length and starts now, and the seats that
// the holder has go with it.
func TestFutureClock(t *testing.T) {
	start := noon.Add(3 * time.Hour)
	ahead := Seat{ID: "s1", Status: Locked, LockedBy: me, LockTime: start, LockedUntil: start.Add(10 * time.Minute), Version: 3}
	clock := Clock{Started: start, Deadline: start.Add(10 * time.Minute), Version: 2}
	free := Seat{ID: "s2", Version: 1}
	v := View{Now: noon, Event: Event{ID: "evening"}, Holder: me, Seats: []Seat{free}, Held: []Seat{ahead}, Clock: clock}
	until := noon.Add(10 * time.Minute)

	r := LockRequest{Event: "evening", Holder: me, Seats: []string{"s2"}, Rules: Rules{TTL: time.Minute, Total: time.Hour, MaxSeats: 5}}
	d := r.decide(v)
	if got := d.Writes().Clock; got == nil || got.Started != noon || got.Deadline != until {
		t.Errorf("locked: clock %+v, want from %v to %v", got, noon, until)
	}
	if len(d.Writes().Changes) != 2 {
		t.Fatalf("locked: %d changes, want both seats", len(d.Writes().Changes))
	}
	for _, s := range append(d.Outcome().Lock.Seats, d.Writes().Changes[0].Seat, d.Writes().Changes[1].Seat) {
		if s.LockTime != noon || s.LockedUntil != until {
			t.Errorf("locked: %+v", s)
		}
	}
	if d.Outcome().Lock.Deadline != until {
		t.Errorf("locked: told %+v", d.Outcome().Lock)
	}

	d = ExtendRequest{Event: "evening", Holder: me, Rules: r.Rules}.decide(v)
	if got, want := d.Writes().Changes[0].Seat, until.Add(time.Minute); got.LockTime != noon || got.LockedUntil != want || !got.Extended {
		t.Errorf("extended: %+v, want until %v", got, want)
	}

	v.Clock.Started, v.Clock.Deadline = noon.Add(ClockSlack), noon.Add(ClockSlack+10*time.Minute)
	if got := r.decide(v).Writes().Clock; got.Started != v.Clock.Started {
		t.Errorf("a clock that is hardly ahead was moved: %+v", got)
	}
}

// A seat tells that its clock was extended, also one that joins it later.
func TestExtendedSeats(t *testing.T) {
	mine := Seat{ID: "s1", Status: Locked, LockedBy: me, LockTime: noon, LockedUntil: noon.Add(time.Minute), Version: 3}
	clock := Clock{Started: noon, Deadline: noon.Add(time.Minute), Extended: true, Version: 2}
	v := View{Now: noon, Event: Event{ID: "evening"}, Holder: me, Seats: []Seat{{ID: "s2", Version: 1}}, Held: []Seat{mine}, Clock: clock}
	r := LockRequest{Event: "evening", Holder: me, Seats: []string{"s2"}, Rules: Rules{TTL: time.Minute, Total: time.Hour, MaxSeats: 5}}
	if got := r.decide(v).Outcome().Seats[0]; !got.Extended {
		t.Errorf("joined an extended clock: %+v", got)
	}
	v.Clock.Extended = false
	if got := r.decide(v).Outcome().Seats[0]; got.Extended {
		t.Errorf("joined a clock that was not extended: %+v", got)
	}
	if got := (ExtendRequest{Event: "evening", Holder: me, Rules: r.Rules}).decide(v).Outcome().Seats[0]; !got.Extended {
		t.Errorf("extended: %+v", got)
	}
}

func TestInUse(t *testing.T) {
	seat := func(id string, status Status, until time.Time) Seat {
		return Seat{ID: id, Status: status, LockedBy: me, LockedUntil: until, Version: 2}
	}
	d := Definition{Now: noon, Claimed: []Seat{
		seat("lapsed", Locked, noon), seat("live", Locked, noon.Add(1)), seat("paying", Paying, noon),
		seat("booked", Booked, time.Time{}), seat("unknown", Unknown, time.Time{}),
	}}
	want := []string{"live", "paying", "booked", "unknown"}
	if got := idsOf(d.inUse()); !slices.Equal(got, want) {
		t.Errorf("in use: %v, want %v", got, want)
	}
	d.Event = Event{ID: "evening", Title: "Evening", Currency: "EUR", Zone: "Europe/Vienna", Revision: 1}
	d.Seats = []string{"lapsed", "live", "paying", "booked", "unknown"}
	for _, id := range d.Seats {
		asked := NewEvent{Event: d.Event, PlanBody: []byte("other"), Seats: d.Seats, Relabelled: []string{id}}
		_, err := d.AddSeats(asked)
		if used := slices.Contains(want, id); errors.Is(err, ErrInUse) != used || !used && err != nil {
			t.Errorf("a seat that is %s gets another label: %v", id, err)
		}
	}
}
