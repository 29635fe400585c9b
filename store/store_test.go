package store_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func TestStatusText(t *testing.T) {
	for _, s := range []store.Status{store.Available, store.Locked, store.Paying, store.Booked, store.Withheld} {
		if got, ok := store.ParseStatus(s.String()); !ok || got != s {
			t.Errorf("%v comes back as %v, %t", s, got, ok)
		}
	}
	if _, ok := store.ParseStatus("AVAILABLE"); ok {
		t.Error("ParseStatus takes another text")
	}
}

func TestRefusals(t *testing.T) {
	const me, other = store.Holder("me"), store.Holder("other")
	locked := func(by store.Holder, left time.Duration) store.Seat {
		return store.Seat{Status: store.Locked, LockedBy: by, LockedUntil: noon.Add(left)}
	}
	for _, test := range []struct {
		name                   string
		seat                   store.Seat
		lock, unlock, withhold error
	}{
		{"available", store.Seat{}, nil, nil, nil},
		{"mine", locked(me, time.Millisecond), nil, nil, store.ErrTaken},
		{"mine, run out", locked(me, 0), nil, nil, nil},
		{"other's", locked(other, time.Millisecond), store.ErrTaken, store.ErrNotYours, store.ErrTaken},
		{"other's, run out", locked(other, 0), nil, nil, nil},
		{"paying, mine", store.Seat{Status: store.Paying, LockedBy: me}, nil, store.ErrPaying, store.ErrTaken},
		{"paying, other's", store.Seat{Status: store.Paying, LockedBy: other}, store.ErrTaken, store.ErrNotYours, store.ErrTaken},
		{"booked", store.Seat{Status: store.Booked, LockedBy: me}, store.ErrBooked, store.ErrBooked, store.ErrBooked},
		{"withheld", store.Seat{Status: store.Withheld}, store.ErrWithheld, store.ErrWithheld, nil},
	} {
		if got := store.RefuseLock(test.seat, me, noon); !errors.Is(got, test.lock) {
			t.Errorf("%s: lock %v, want %v", test.name, got, test.lock)
		}
		if got := store.RefuseUnlock(test.seat, me, noon); !errors.Is(got, test.unlock) {
			t.Errorf("%s: unlock %v, want %v", test.name, got, test.unlock)
		}
		if got := store.RefuseWithhold(test.seat, noon); !errors.Is(got, test.withhold) {
			t.Errorf("%s: withhold %v, want %v", test.name, got, test.withhold)
		}
	}
	if store.RefuseLock(store.Seat{Status: store.Locked, LockedUntil: noon.Add(1)}, "", noon) == nil {
		t.Error("a holder without a name has a seat")
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
