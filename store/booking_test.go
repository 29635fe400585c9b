package store

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestValidCode(t *testing.T) {
	for code, want := range map[string]bool{
		"23456789AB": true, "ZZZZZZZZZZ": true, NewCode(): true,
		"": false, "2345678": false, "23456789ABC": false, "23456789Ab": false, "0345678923": false, "1345678923": false, "I345678923": false,
		"L345678923": false, "O345678923": false, "U345678923": false, "23456 89AB": false, "23456789A\n": false, "23456789A-": false, "ÄÄÄÄÄ": false,
	} {
		if ValidCode(code) != want {
			t.Errorf("%q: got %v", code, !want)
		}
	}
}

// TestNewCode has no letter of a code be rarer than others by more than chance
// explains.
func TestNewCode(t *testing.T) {
	const codes = 30000
	seen := map[string]bool{}
	var count [codeLength]map[rune]int
	for i := range count {
		count[i] = map[rune]int{}
	}
	for range codes {
		code := NewCode()
		if !ValidCode(code) || seen[code] {
			t.Fatalf("got %q, or that twice", code)
		}
		seen[code] = true
		for i, r := range code {
			count[i][r]++
		}
	}
	mean := float64(codes) / float64(len(codeLetters))
	for i := range count {
		for _, r := range codeLetters {
			if off := math.Abs(float64(count[i][r]) - mean); off > 8*math.Sqrt(mean) {
				t.Errorf("%d codes of %d have %q at %d, want about %.0f", count[i][r], codes, r, i, mean)
			}
		}
	}
	if bits := codeLength * math.Log2(float64(len(codeLetters))); bits < 48.5 {
		t.Errorf("a code has %.1f bits", bits)
	}
}

func TestBookingOf(t *testing.T) {
	b := Booking{Code: "23456789AB"}
	for _, id := range []string{b.Code, b.Attempt(), b.nextRefund()} {
		if BookingOf(id) != b.Code {
			t.Errorf("%s is of %s", id, BookingOf(id))
		}
	}
	b.Refunds = []string{b.nextRefund()}
	if b.nextRefund() != "23456789AB-r2" {
		t.Errorf("the second refund is %s", b.nextRefund())
	}
}

func TestBookingSums(t *testing.T) {
	b := Booking{State: BookingReserved, Lines: []Line{{Seat: "a", Price: 100}, {Seat: "b", Price: 20, Cancelled: true}, {Seat: "c", Price: 3}}}
	if b.Total() != 123 || b.Owed() != 103 || !slices.Equal(Seats(b.Kept()), []string{"a", "c"}) || !slices.Equal(Seats(b.Lines), []string{"a", "b", "c"}) {
		t.Errorf("total %d, owed %d, kept %v of %v", b.Total(), b.Owed(), b.Kept(), b.Lines)
	}
	for _, state := range []BookingState{BookingPaying, BookingBooked, BookingDeclined, BookingLapsed, BookingLost, BookingCancelled} {
		if b.State = state; b.Owed() != 0 {
			t.Errorf("%s: owed %d", state, b.Owed())
		}
	}
	lines := make([]Line, MaxSeatsPerRequest)
	for i := range lines {
		lines[i].Price = MaxPrice
	}
	if got := TotalOf(lines); got/MaxPrice != MaxSeatsPerRequest {
		t.Errorf("the dearest booking costs %d", got)
	}
}

// TestKnown finds the fields that a body lacks where they are zero: encode would
// take them for a newer program's, and never let them become zero again.
func TestKnown(t *testing.T) {
	testKnown[Booking](t)
	testKnown[Attempt](t)
	testKnown[Refund](t)
	testKnown[Person](t)
}

func testKnown[T entity](t *testing.T) {
	var zero T
	var body map[string]json.RawMessage
	if err := json.Unmarshal(encode(nil, zero), &body); err != nil {
		t.Fatal(err)
	}
	names := known[T]()
	var all []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || field.Anonymous || name == "-" {
			continue
		}
		if name == "" {
			t.Errorf("%T.%s has no name of its own", zero, field.Name)
		}
		all = append(all, name)
		if _, written := body[name]; !written && !slices.Contains(names, name) {
			t.Errorf("%T: %q is left out where it is zero, and not known", zero, name)
		}
	}
	for _, name := range names {
		if _, written := body[name]; written || !slices.Contains(all, name) {
			t.Errorf("%T: %q is known, and needs not be", zero, name)
		}
	}
}

// TestEncode keeps what a newer program wrote, and has fields become zero.
func TestEncode(t *testing.T) {
	r := Record{Key: Key{AttemptRecord, "x-1"}, Version: 3, Body: json.RawMessage(
		`{"id":"x-1","state":"started","silent":"2030-01-01T00:00:00Z","due":"2030-01-01T00:00:00Z","call":"status","tries":4,"given_up":true,"tomorrow":{"a":[1]}}`)}
	a, err := decode[Attempt](r)
	if err != nil || a.Version != 3 || a.Tries != 4 || !a.GivenUp {
		t.Fatalf("got %+v, %v", a, err)
	}
	a.State, a.Work, a.Silent, a.GivenUp = AttemptDead, Work{}, time.Time{}, false
	next := a.record()
	var body map[string]json.RawMessage
	if err := json.Unmarshal(next.Body, &body); err != nil {
		t.Fatal(err)
	}
	if string(body["tomorrow"]) != `{"a":[1]}` || string(body["state"]) != `"dead"` || next.Index != nil || next.Key != r.Key {
		t.Errorf("got %s, in %v", next.Body, next.Index)
	}
	for _, gone := range []string{"silent", "due", "call", "tries", "given_up"} {
		if _, there := body[gone]; there {
			t.Errorf("%s is still there: %s", gone, next.Body)
		}
	}
	if _, err := decode[Booking](Record{Body: json.RawMessage(`{"lines":7}`)}); !IsContract(err) || IsAnswer(err) {
		t.Errorf("a body that cannot be read: %v", err)
	}
}

// TestDueText orders as time does, to the millisecond.
func TestDueText(t *testing.T) {
	before := ""
	for _, at := range []time.Time{noon.AddDate(-20, 0, 0), noon, noon.Add(time.Millisecond), noon.Add(100 * time.Millisecond), noon.Add(time.Second),
		noon.AddDate(0, 0, 1), noon.AddDate(0, 9, 0), noon.AddDate(500, 0, 0)} {
		for _, zone := range []*time.Location{time.UTC, time.FixedZone("elsewhere", 7200)} {
			if text := dueText(at.In(zone)); text < before || len(text) != 24 {
				t.Errorf("%s comes after %s", text, before)
			} else {
				before = text
			}
		}
	}
}
