package store_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func TestStatusText(t *testing.T) {
	for _, s := range []store.Status{store.Available, store.Locked, store.Paying, store.Booked, store.Withheld, store.Unknown} {
		if got := store.ParseStatus(s.String()); got != s {
			t.Errorf("%v comes back as %v", s, got)
		}
	}
	for _, text := range []string{"", "AVAILABLE", "free", "status(9)", "booked "} {
		if got := store.ParseStatus(text); got != store.Unknown {
			t.Errorf("ParseStatus(%q) = %v", text, got)
		}
	}
}

func TestReasonText(t *testing.T) {
	for _, r := range reasons() {
		if got := store.ParseReason(string(r)); got != r || r.String() != string(r) {
			t.Errorf("%v comes back as %v, and reads %q", r, got, r.String())
		}
	}
	for _, text := range []string{"", "changed", "LOCKED", "painted", "locked "} {
		if got := store.ParseReason(text); got != store.ReasonChanged || got.String() != "changed" {
			t.Errorf("ParseReason(%q) = %v", text, got)
		}
	}
}

// reasons are all but ReasonChanged.
func reasons() []store.Reason {
	return []store.Reason{
		store.ReasonLocked, store.ReasonExtended, store.ReasonGivenBack, store.ReasonLapsed, store.ReasonReleased, store.ReasonWithheld,
		store.ReasonOnSale, store.ReasonPaying, store.ReasonDeclined, store.ReasonLost, store.ReasonBooked, store.ReasonCancelled,
		store.ReasonMoved, store.ReasonPaid, store.ReasonGivenUp, store.ReasonRefundWanted, store.ReasonRefundStuck, store.ReasonRefunded,
		store.ReasonCheckedIn, store.ReasonCheckedOut, store.ReasonReissued, store.ReasonErased,
	}
}

func TestLoss(t *testing.T) {
	losses := map[store.Reason]store.Reason{ // where somebody else has the seat, or nobody
		store.ReasonLapsed: store.ReasonLapsed, store.ReasonReleased: store.ReasonReleased, store.ReasonLost: store.ReasonLost,
		store.ReasonLocked: store.ReasonLapsed, store.ReasonWithheld: store.ReasonLapsed, store.ReasonBooked: store.ReasonLapsed,
	}
	for _, r := range append(reasons(), store.ReasonChanged) {
		for _, test := range []struct {
			before, after store.Holder
			want          store.Reason
		}{{"", "", ""}, {"", "bert", ""}, {"anna", "anna", ""}, {"anna", "bert", losses[r]}, {"anna", "", losses[r]}} {
			c := store.Change{Seat: store.Seat{LockedBy: test.after}, Before: test.before, Reason: r}
			if got := c.Loss(); got != test.want {
				t.Errorf("%v, from %q to %q: the loss is %v, want %v", r, test.before, test.after, got, test.want)
			}
		}
	}
}

func TestLapsed(t *testing.T) {
	locked := store.Seat{ID: "s1", Status: store.Locked, LockedBy: "anna", LockTime: noon.Add(-time.Hour), LockedUntil: noon, Version: 7}
	c, due := store.Lapsed("evening", locked, noon)
	want := store.Change{Event: "evening", Seat: store.Seat{ID: "s1", Version: 8}, Before: "anna", Reason: store.ReasonLapsed}
	if !due || c != want {
		t.Errorf("got %+v, %t, want %+v", c, due, want)
	}
	if c, due := store.Lapsed("evening", locked, noon.Add(-time.Nanosecond)); due {
		t.Errorf("early: %+v", c)
	}
	for _, status := range []store.Status{store.Available, store.Paying, store.Booked, store.Withheld, store.Unknown} {
		locked.Status = status
		if c, due := store.Lapsed("evening", locked, noon.Add(time.Hour)); due {
			t.Errorf("%v: %+v", status, c)
		}
	}
}

func TestClock(t *testing.T) {
	rules := store.Rules{TTL: 10 * time.Minute, Total: 15 * time.Minute}
	started, deadline := rules.StartClock(noon.Add(999_999))
	if started != noon || deadline != noon.Add(10*time.Minute) {
		t.Errorf("clock from %v to %v", started, deadline)
	}
	if got := rules.ExtendedDeadline(started, deadline); got != noon.Add(15*time.Minute) {
		t.Errorf("extended to %v, want the 15 minutes in all", got)
	}
	rules.Total = time.Minute
	if got := rules.ExtendedDeadline(started, deadline); got != deadline {
		t.Errorf("a shorter total took time away: %v", got)
	}
	if _, got := rules.StartClock(noon); got != noon.Add(time.Minute) {
		t.Errorf("a clock runs to %v, want Total at most", got)
	}
	odd := store.Rules{TTL: 1999 * time.Microsecond, Total: 2999 * time.Microsecond}
	if _, got := odd.StartClock(noon); got != noon.Add(time.Millisecond) || odd.ExtendedDeadline(noon, got) != noon.Add(2*time.Millisecond) {
		t.Errorf("a clock runs to %v and %v, want whole milliseconds", got, odd.ExtendedDeadline(noon, got))
	}
	clock := store.Clock{Started: started, Deadline: deadline, Version: 1}
	if !clock.RunsAt(deadline.Add(-1)) || clock.RunsAt(deadline) || (store.Clock{Deadline: deadline}).RunsAt(noon) {
		t.Error("a clock runs until its deadline, and one that is not there never")
	}
}

func TestGrants(t *testing.T) {
	var all store.Grants
	for i := range store.MaxGrants + 3 {
		before := len(all)
		next, added := all.With(fmt.Sprint(i), []string{fmt.Sprint("s", i)})
		if !added || len(all) != before {
			t.Fatalf("grant %d: added %t, and %d became %d", i, added, before, len(all))
		}
		all = next
	}
	if _, known := all.Seats("2"); known || len(all) != store.MaxGrants {
		t.Errorf("%d grants are kept, and the third is known: %t", len(all), known)
	}
	if seats, known := all.Seats("3"); !known || !slices.Equal(seats, []string{"s3"}) {
		t.Errorf("grant 3 is %v, %t", seats, known)
	}
	for _, request := range []struct {
		id    string
		seats []string
	}{{"5", []string{"other"}}, {"", []string{"s1"}}, {"new", nil}} {
		if with, added := all.With(request.id, request.seats); added || len(with) != len(all) {
			t.Errorf("%+v was added", request)
		}
	}
}

func TestFormat(t *testing.T) {
	const current = store.CurrentFormat
	for _, test := range []struct {
		format store.Format
		want   error
		says   string
	}{
		{store.Format{Number: current, Reader: current}, nil, ""},
		{store.Format{Number: current + 2, Reader: current}, nil, ""},
		{store.Format{Number: current + 1, Reader: current + 1, Program: "v9.1"}, store.ErrNewer, "v9.1"},
		{store.Format{Number: current + 1, Reader: current + 1, Upgrading: true}, store.ErrNewer, "install"},
		{store.Format{Number: current, Reader: current, Upgrading: true}, store.ErrUpgrading, "seatlock upgrade"},
		{store.Format{Number: 2, Reader: 2, Upgrading: true}, store.ErrUpgrading, "seatlock upgrade"},
		{store.Format{Number: 2, Reader: 2}, store.ErrOlder, "stop every Seatlock"},
		{store.Format{}, store.ErrOlder, "seatlock upgrade"},
	} {
		err := test.format.Check()
		if !errors.Is(err, test.want) || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%+v: got %v, want %v that says %q", test.format, err, test.want, test.says)
		}
	}
}

func TestKeepUnknown(t *testing.T) {
	for _, test := range []struct{ old, next, want string }{
		{``, `{"a":1}`, `{"a":1}`},
		{`{}`, `{"a": 1.0}`, `{"a": 1.0}`},
		{`{"a":1,"b":2}`, `{"a":3}`, `{"a":3}`},     // b is known, and went
		{`{"a":1,"a":2}`, `{ "a":3 }`, `{ "a":3 }`}, // nothing to keep: not a byte changes
		{`{"new":12345678901234567890}`, `{"a":1.0}`, `{"a":1.0,"new":12345678901234567890}`},
		{`{"new":{"x":1.0}}`, `{"new":null}`, `{"new":null}`}, // which the program does know, then
	} {
		got, err := store.KeepUnknown([]byte(test.old), []byte(test.next), "a", "b")
		if err != nil || string(got) != test.want {
			t.Errorf("%s over %s: got %s, %v, want %s", test.next, test.old, got, err, test.want)
		}
	}
	for _, bad := range [][2]string{{`[]`, `{}`}, {`{}`, `[]`}, {`{`, `{}`}, {`{"new":1}`, `{`}} {
		if got, err := store.KeepUnknown([]byte(bad[0]), []byte(bad[1])); err == nil {
			t.Errorf("%s over %s: got %s, want an error", bad[1], bad[0], got)
		}
	}
}

func TestCursorText(t *testing.T) {
	c := store.Cursor{Epoch: "0a1b", Position: 1<<64 - 1}
	if got, ok := store.ParseCursor(c.String()); !ok || got != c {
		t.Errorf("%v comes back as %v, %t", c, got, ok)
	}
	for _, text := range []string{"", ":", "a:", ":1", "a:-1", "a:+1", "a:01", "a:1:2", "a b:1", "a:18446744073709551616",
		"a:1\n", strings.Repeat("9", 300), "é:1", "a:1e3"} {
		if c, ok := store.ParseCursor(text); ok {
			t.Errorf("ParseCursor(%q) = %v", text, c)
		}
	}
	if (store.Cursor{Epoch: "a", Position: 9}).Covers(store.Cursor{Epoch: "b", Position: 1}) {
		t.Error("a cursor covers one of another epoch")
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add("0123:45")
	f.Fuzz(func(t *testing.T, text string) {
		if c, ok := store.ParseCursor(text); ok && c.String() != text {
			t.Errorf("%q comes back as %q", text, c.String())
		}
	})
}

func TestHoldersStayOutOfLogs(t *testing.T) {
	var line strings.Builder
	slog.New(slog.NewTextHandler(&line, nil)).Info("x", "holder", store.Holder("somebody"))
	if strings.Contains(line.String(), "somebody") {
		t.Errorf("logged: %s", line.String())
	}
}

func TestIDs(t *testing.T) {
	for id, want := range map[string]bool{
		"A1": true, "a.b": true, "_": true, "-": true, strings.Repeat("x", 64): true,
		"": false, ".": false, "..": false, "a/b": false, "a b": false, "$where": false, "é": false, "a\x00": false,
		strings.Repeat("x", 65): false,
	} {
		if got := store.ValidID(id); got != want {
			t.Errorf("ValidID(%q) = %t", id, got)
		}
	}
}

func TestSwept(t *testing.T) {
	seat := func(status store.Status, from, until time.Time) store.Seat {
		return store.Seat{ID: "s1", Status: status, LockedBy: "anna", LockTime: from, LockedUntil: until, Version: 7}
	}
	moved := seat(store.Locked, noon, noon.Add(10*time.Minute))
	moved.Version = 8
	for name, test := range map[string]struct {
		seat store.Seat
		want store.Seat // its version is 0 where nothing is due
	}{
		"over":                  {seat(store.Locked, noon.Add(-time.Hour), noon), store.Seat{ID: "s1", Version: 8}},
		"live":                  {seat(store.Locked, noon, noon.Add(1)), store.Seat{}},
		"of the future":         {seat(store.Locked, noon.Add(time.Hour), noon.Add(70*time.Minute)), moved},
		"hardly ahead":          {seat(store.Locked, noon.Add(store.ClockSlack), noon.Add(time.Hour)), store.Seat{}},
		"paying, of the future": {seat(store.Paying, noon.Add(time.Hour), noon.Add(2*time.Hour)), store.Seat{}},
	} {
		c, due := store.Swept("evening", test.seat, noon)
		if due != (test.want.Version > 0) || c.Seat != test.want {
			t.Errorf("%s: %+v, %t, want %+v", name, c, due, test.want)
		}
	}
}

// TestLossOfMove has a seat that a booking has left be no loss, and one that it
// was moved to be that of a lock that was over.
func TestLossOfMove(t *testing.T) {
	left := store.Change{Before: "anna", Reason: store.ReasonMoved, Seat: store.Seat{ID: "s1"}}
	taken := store.Change{Before: "bert", Reason: store.ReasonMoved, Seat: store.Seat{ID: "s2", Status: store.Booked, LockedBy: "anna"}}
	if a, b := left.Loss(), taken.Loss(); a != store.ReasonChanged || b != store.ReasonLapsed {
		t.Errorf("left is told as %q, and taken as %q", a, b)
	}
}
