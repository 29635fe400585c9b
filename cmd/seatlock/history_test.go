package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
)

// historyOf is what history tells in JSON.
func historyOf(t *testing.T, address string, args ...string) (lines []historyLine) {
	t.Helper()
	out := does(t, append([]string{"history", "--store", address, "--format", "json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &lines); err != nil {
		t.Fatal(err)
	}
	return lines
}

func wantHistory(t *testing.T, lines []historyLine, want ...string) {
	t.Helper()
	var got []string
	for _, l := range lines {
		got = append(got, l.What+" by "+l.By)
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("the history is %q, want %q", got, want)
	}
}

// TestHistory of a seat and of a booking, on either engine: all that became of
// them, by whom, and never whose they are.
func TestHistory(t *testing.T) {
	onBothEngines(t, func(t *testing.T, address string) {
		galaOn(t, address)
		seat, other := "stalls-A-1", "stalls-A-2"
		if said := does(t, "history", "--store", address, "--event", "gala", seat); !strings.HasSuffix(said, "\nNothing was ever done to seat stalls-A-1.\n") {
			t.Errorf("of a new seat it says\n%s", said)
		}
		code := book(t, address, "demo", seat, other)
		pay(t, address, code)
		does(t, "cancel", "--store", address, code, seat)
		does(t, "withhold", "--store", address, "--event", "gala", seat)

		ofSeat := historyOf(t, address, "--event", "gala", seat)
		wantHistory(t, ofSeat, "locked by visitor", "paying by visitor", "booked by provider", "cancelled by house", "withheld by house")
		booked := ofSeat[2]
		if booked.Booking != code || booked.Status != "booked" || booked.Version != 4 || !strings.HasSuffix(booked.At, "+02:00") && !strings.HasSuffix(booked.At, "+01:00") {
			t.Errorf("it was booked as %+v", booked)
		}
		ofBooking := historyOf(t, address, strings.ToLower(code))
		var whats []string
		for _, l := range ofBooking {
			whats = append(whats, l.Seat+" "+l.What)
		}
		if all := strings.Join(whats, ", "); !strings.Contains(all, seat+" paying") || !strings.Contains(all, other+" booked") || !strings.Contains(all, " refund wanted") {
			t.Errorf("the history of the booking is %q", whats)
		}
		table := does(t, "history", "--store", address, code)
		for _, text := range []string{table, does(t, "history", "--store", address, "--event", "gala", seat), does(t, "history", "--store", address, "--format", "csv", code)} {
			if strings.Contains(text, "holder-of") || strings.Contains(text, "Ada") || strings.Contains(text, "ada@") {
				t.Errorf("it tells who that was:\n%s", text)
			}
		}
		if want := "\nThe history of booking " + code + " is kept back to " + ofBooking[0].At + ".\n"; !strings.HasSuffix(table, want) {
			t.Errorf("it lacks %q:\n%s", want, table)
		}
		refuses(t, exitUsage, "history wants --event and the id of a SEAT, or the CODE", "history", "--store", address)
		refuses(t, exitFault, "no such seat: Z9 (a booking goes without --event)", "history", "--store", address, "--event", "gala", "Z9")
		refuses(t, exitUsage, "history wants --event and the id of a SEAT", "history", "--store", address, "--event", "gala", "a b")
		refuses(t, exitFault, "booking 2345678923: no such booking (a seat wants --event, too)", "history", "--store", address, "2345678923")

		wantPagesOfHistory(t, address, seat, len(ofSeat))
		prune(t, address, 3)
		cut := does(t, "history", "--store", address, "--event", "gala", other)
		if !strings.Contains(cut, "what came before is not kept: ") || strings.Contains(cut, "not kept that came after") {
			t.Errorf("of what was pruned it says\n%s", cut)
		}
		if _, out, faults := told(t, "history", "--store", address, "--format", "json", "--event", "gala", other); strings.Contains(out, "not kept") || !strings.Contains(faults, "not kept: ") {
			t.Errorf("in JSON it says\n%s\nand on stderr\n%s", out, faults)
		}
		prune(t, address, 1000)
		if said := does(t, "history", "--store", address, "--event", "gala", seat); !strings.HasSuffix(said, "\nNothing is kept of what became of seat stalls-A-1.\n") {
			t.Errorf("of what was pruned it says\n%s", said)
		}
	})
}

// wantPagesOfHistory reads the entries of a seat of the gala two at a time: each
// comes once.
func wantPagesOfHistory(t *testing.T, address, seat string, want int) {
	t.Helper()
	err := withStore(t.Context(), address, false, func(st *store.Store) error {
		p, err := pastOf(t.Context(), st, "gala", seat)
		if err != nil {
			return err
		}
		p.scan.Limit = 2
		for line, err := range p.lines(t.Context(), st) {
			if err != nil || line.missing != "" {
				return fmt.Errorf("%w, and missing %q", err, line.missing)
			}
			if p.count > want {
				break
			}
		}
		if p.count != want {
			t.Errorf("by pages there are %d entries, want %d", p.count, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// prune cuts off the oldest entries of the trail.
func prune(t *testing.T, address string, entries int) {
	t.Helper()
	err := withStore(t.Context(), address, false, func(st *store.Store) error {
		_, err := st.PruneTrail(t.Context(), time.Now().Add(time.Hour), entries)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestGapsOfAHistory are told where versions of a seat are missing.
func TestGapsOfAHistory(t *testing.T) {
	p := past{scan: store.TrailScan{Event: "gala", Seat: "A1"}, version: 9}
	at := time.Date(2030, 6, 1, 10, 0, 0, 0, time.UTC)
	var got []string
	for _, version := range []int64{4, 5, 8, 2, 3} {
		got = append(got, p.line(store.Entry{At: at, Event: "gala", Seat: "A1", Version: version}).missing)
	}
	got = append(got, p.line(store.Entry{Event: "gala", Seat: "A1", Reason: store.ReasonReissued}).missing, p.end())
	want := []string{"what came before is not kept: 2 changes of the seat", "", "2 changes are not kept: versions 6 to 7 of the seat", "the event was removed, and made again", "", "",
		"The history of seat A1 is kept back to 2030-06-01T10:00:00Z. 6 changes are not kept that came after: the seat has the version 9."}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
