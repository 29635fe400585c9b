package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
)

// TestPersonAndErasure on either engine: all that is kept of somebody is told,
// what is over goes, what is not is named, and totals stay.
func TestPersonAndErasure(t *testing.T) {
	onBothEngines(t, func(t *testing.T, address string) {
		galaOn(t, address)
		online, door := book(t, address, "demo", "stalls-A-1"), book(t, address, "door", "stalls-A-2")
		pay(t, address, online)
		var kept []map[string]any
		out := does(t, "person", "--store", address, "--email", " Ada@Example.ORG")
		if err := json.Unmarshal([]byte(out), &kept); err != nil || len(kept) != 2 {
			t.Fatalf("%v: it tells\n%s", err, out)
		}
		for _, b := range kept {
			wantFields(t, b, map[string]any{"event": "gala", "title": "=Gala", "starts": "2030-06-01T19:30:00+02:00", "total": 4500.0, "currency": "EUR",
				"person": map[string]any{"name": "=Ada Lovelace", "email": "ada@example.org", "phone": "+43 1 2"}})
		}
		if strings.Contains(out, "holder-of") {
			t.Errorf("it tells whose cookie it is:\n%s", out)
		}
		if csv := does(t, "person", "--store", address, "--email", "ada@example.org", "--format", "csv"); !strings.Contains(csv, ",'=Ada Lovelace,ada@example.org,'+43 1 2\n") {
			t.Errorf("as CSV it tells\n%s", csv)
		}

		code, said, faults := told(t, "erase", "--store", address, "--email", "ada@example.org")
		if code != exitFault || !strings.Contains(said, "Booking "+online+" keeps it: its event is not over.\n") ||
			!strings.Contains(said, "Booking "+door+" keeps it: it is reserved, and not paid.\n") || !strings.Contains(faults, "2 bookings are not over, or not settled (--force erases it all the same)") {
			t.Errorf("exit %d, %s, %s", code, said, faults)
		}
		does(t, change(address, "--starts", "2020-06-01T19:30", "--past")...)
		writtenBefore(t, address, online)
		code, said, _ = told(t, "erase", "--store", address, "--email", "ADA@example.org")
		if code != exitFault || !strings.Contains(said, "It was erased who 1 booking is for: "+online+". Backups from before keep it") || strings.Contains(said, "oplog") != !strings.HasPrefix(address, "sqlite:") {
			t.Errorf("exit %d, %s", code, said)
		}
		wantFields(t, object(t, does(t, "booking", "--store", address, online, "--format", "json")), map[string]any{"person": nil, "state": "booked", "captured": 4500.0})
		if said := does(t, "erase", "--store", address, "--email", "ada@example.org", "--force"); !strings.Contains(said, "It was erased who 1 booking is for: "+door) {
			t.Errorf("by force it said %s", said)
		}
		wantSaid(t, does(t, "person", "--store", address, "--email", "ada@example.org"), "[]\n")
		wantSaid(t, does(t, "erase", "--store", address, "--email", "ada@example.org"), "No booking is for somebody with this address: nothing was changed.\n")
		wantFields(t, salesLines(t, address)[len(salesLines(t, address))-1], map[string]any{"captured": 4500.0, "owed": 4500.0})
		wantHistory(t, historyOf(t, address, online)[2:], "person erased by house")
		does(t, "check", "--store", address)
	})
}

// TestServerErasesByItself who bookings are for, so long after the event; and not
// sooner.
func TestServerErasesByItself(t *testing.T) {
	address := galaOn(t, "sqlite:"+t.TempDir()+"/seatlock.db")
	code := book(t, address, "demo", "stalls-A-1")
	pay(t, address, code)
	does(t, change(address, "--starts", localTime(time.Now().Add(-10*day), "Europe/Vienna")[:16], "--past")...)
	person := func() any {
		return object(t, does(t, "booking", "--store", address, code, "--format", "json"))["person"]
	}
	p := serveStoreOf(t, address, noDemos, "--keep-people", "11d")
	p.eventually("/events/gala", "seat-stalls-A-1")
	if person() == nil {
		t.Error("it was erased too soon")
	}
	p.stop()
	p.flags = []string{noDemos, "--keep-people", "9d"}
	p.restart()
	for deadline := time.Now().Add(20 * time.Second); person() != nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it was never erased")
		}
	}
	wantHistory(t, historyOf(t, address, code)[2:], "person erased by clock")
}

// TestErasedFromTheFile: what was erased stands in no byte of it.
func TestErasedFromTheFile(t *testing.T) {
	path := t.TempDir() + "/seatlock.db"
	address := galaOn(t, "sqlite:"+path)
	code := book(t, address, "demo", "stalls-A-1")
	pay(t, address, code)
	stands := func() bool {
		found := false
		for _, name := range []string{path, path + "-wal"} {
			body, err := os.ReadFile(name)
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			found = found || strings.Contains(string(body), "Ada Lovelace") || strings.Contains(string(body), "ada@example.org")
		}
		return found
	}
	if !stands() {
		t.Fatal("the name is not in the file to begin with")
	}
	err := withStore(t.Context(), address, false, func(*store.Store) error { // as a server that runs beside has it open
		does(t, "erase", "--store", address, "--email", "ada@example.org", "--force")
		if stands() {
			t.Error("the name is still in the file")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestErasureDuringARefund is refused, and changes nothing.
func TestErasureDuringARefund(t *testing.T) {
	address := galaOn(t, "sqlite:"+t.TempDir()+"/seatlock.db")
	code := book(t, address, "demo", "stalls-A-1")
	pay(t, address, code)
	does(t, "cancel", "--store", address, code)
	exit, said, _ := told(t, "erase", "--store", address, "--email", "ada@example.org")
	if exit != exitFault || !strings.Contains(said, "Booking "+code+" keeps it: refund "+code+"-r1 is not done.\n") {
		t.Errorf("exit %d, %s", exit, said)
	}
	if text := does(t, "booking", "--store", address, code); !strings.Contains(text, "Ada Lovelace") {
		t.Errorf("the booking is\n%s", text)
	}
}

// TestAddressIsNeverEchoed: neither in errors nor in what was done, and it can
// come from stdin, but not from the environment.
func TestAddressIsNeverEchoed(t *testing.T) {
	address := galaOn(t, "sqlite:"+t.TempDir()+"/seatlock.db")
	code := book(t, address, "door", "stalls-A-1")
	for _, args := range [][]string{
		{"person", "ada@example.org"}, {"erase", "ada@example.org"}, {"person", "--email", "ada-at-example.org"}, {"erase", "--email", "ada-at-example.org"},
		{"person", "--email", "ada@example.org", "ada@example.org"}, {"person", "--email", ""}, {"erase"}, {"person", "--email", "ada@" + strings.Repeat("a", store.MaxEmail)},
	} {
		exit, out, faults := told(t, append(args, "--store", address)...)
		if exit != exitUsage || strings.Contains(out+faults, "ada") {
			t.Errorf("%v: exit %d, %s, %s", args, exit, out, faults)
		}
	}
	if _, out, faults := told(t, "erase", "--store", address, "--email", "ada@example.org"); strings.Contains(out+faults, "ada") {
		t.Errorf("erase says %s, %s", out, faults)
	}
	in, err := os.Open(fileOf(t, "  ADA@example.org \r\n"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	before := os.Stdin
	os.Stdin = in
	defer func() { os.Stdin = before }()
	if out := does(t, "person", "--store", address, "--email", "-", "--format", "table"); !strings.Contains(out, code) {
		t.Errorf("by stdin it tells\n%s", out)
	}
	env := environment(map[string]string{"SEATLOCK_STORE": address, "SEATLOCK_EMAIL": "ada@example.org", "SEATLOCK_FORCE": "true"})
	var said strings.Builder
	if exit := run(t.Context(), []string{"erase"}, env, &said, &said); exit != exitUsage || strings.Contains(said.String(), "ada") {
		t.Errorf("exit %d, %s", exit, &said)
	}
}

// TestErasureThatCouldNotLook does not say that there is nothing to erase.
func TestErasureThatCouldNotLook(t *testing.T) {
	exit, out, faults := told(t, "erase", "--store", "sqlite:"+t.TempDir()+"/none.db", "--email", "ada@example.org")
	if exit == exitOK || out != "" || faults == "" {
		t.Errorf("exit %d, %q and %q", exit, out, faults)
	}
}

// writtenBefore has the person of a booking be as programs of before wrote it,
// which have no index of addresses.
func writtenBefore(t *testing.T, address, code string) {
	t.Helper()
	err := withStore(t.Context(), address, false, func(st *store.Store) error {
		return st.ChangeRecord(t.Context(), store.Key{Kind: store.PersonRecord, ID: code}, func(r store.Record) (store.Record, bool, error) {
			r.Index = nil
			return r, false, nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}
