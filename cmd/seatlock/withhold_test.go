package main

import (
	"encoding/csv"
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
)

// house makes a store with one event of three seats, and returns its address.
func house(t *testing.T) string {
	t.Helper()
	address := "sqlite:" + filepath.Join(t.TempDir(), "seatlock.db")
	does(t, "import", "--create", "--store", address, "--event", "gala", "--title", "=Gala", "--zone", "Europe/Vienna",
		"--starts", "2030-06-01T19:30", fileOf(t, smallCSV))
	return address
}

func seatsOf(t *testing.T, address string, flags ...string) (lines []seatLine) {
	t.Helper()
	out := does(t, append([]string{"seats", "--store", address, "--event", "gala", "--format", "json"}, flags...)...)
	if err := json.Unmarshal([]byte(out), &lines); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return lines
}

// TestOrganizerSeesAndWithholds walks through what an organizer does before
// sales begin.
func TestOrganizerSeesAndWithholds(t *testing.T) {
	address := house(t)
	all := seatsOf(t, address)
	if len(all) != 3 || all[1].Status != "withheld" || all[0].Price != "€45" || all[0].Section != "Stalls" || all[0].Row != "A" {
		t.Fatalf("got %+v", all)
	}
	first := all[0].ID
	does(t, "withhold", "--store", address, "--event", "gala", first, first)
	does(t, "unwithhold", "--store", address, "--event", "gala", all[1].ID)
	var statuses []string
	for _, s := range seatsOf(t, address) {
		statuses = append(statuses, s.Status)
	}
	if want := []string{"withheld", "available", "available"}; !reflect.DeepEqual(statuses, want) {
		t.Errorf("the seats are %q, want %q", statuses, want)
	}
	if only := seatsOf(t, address, "--status", "withheld"); len(only) != 1 || only[0].ID != first {
		t.Errorf("withheld are %+v", only)
	}
	table := does(t, "events", "--store", address)
	if !strings.Contains(table, "ID ") || !strings.Contains(table, "2030-06-01T19:30:00+02:00  =Gala") {
		t.Errorf("the table is\n%s", table)
	}
	rows, err := csv.NewReader(strings.NewReader(does(t, "events", "--store", address, "--format", "csv"))).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][2] != "'=Gala" || rows[1][5] != "2" || rows[1][9] != "1" {
		t.Errorf("the CSV is %q, %v", rows, err)
	}
}

// TestOrganizerCannotTakeASeatAway: a seat that somebody has stays theirs, and
// with it all that was asked in one go; nothing tells whose it is.
func TestOrganizerCannotTakeASeatAway(t *testing.T) {
	address := house(t)
	first := seatsOf(t, address)[0].ID
	err := withStore(t.Context(), address, false, func(st *store.Store) error {
		_, err := st.Lock(t.Context(), store.LockRequest{Event: "gala", Holder: "somebody-secret", Seats: []string{first}, Rules: store.DefaultRules()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	before := seatsOf(t, address)
	if until, err := time.Parse(time.RFC3339, before[0].Until); err != nil || before[0].Status != "locked" || time.Until(until) > 10*time.Minute {
		t.Errorf("the locked seat is %+v, %v", before[0], err)
	}
	refuses(t, exitFault, "nothing was changed", "withhold", "--store", address, "--event", "gala", before[2].ID, first)
	if after := seatsOf(t, address); !reflect.DeepEqual(after, before) {
		t.Errorf("the seats went from %+v to %+v", before, after)
	}
	for _, format := range []string{"table", "csv", "json"} {
		if out := does(t, "seats", "--store", address, "--event", "gala", "--format", format); strings.Contains(out, "secret") {
			t.Errorf("%s tells who has a seat:\n%s", format, out)
		}
	}
}

func TestOrganizerMistakes(t *testing.T) {
	address := house(t)
	for _, m := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, "wants --event", []string{"withhold", "--store", address, "A1"}},
		{exitUsage, "ids of seats", []string{"withhold", "--store", address, "--event", "gala"}},
		{exitFault, "no such event", []string{"withhold", "--store", address, "--event", "gone", "A1"}},
		{exitFault, "no such seat", []string{"unwithhold", "--store", address, "--event", "gala", "Z9"}},
		{exitUsage, "invalid", []string{"withhold", "--store", address, "--event", "gala", "A 1"}},
		{exitUsage, "wants --event", []string{"seats", "--store", address}},
		{exitFault, "no such event", []string{"seats", "--store", address, "--event", "gone"}},
		{exitUsage, "--format xml", []string{"events", "--store", address, "--format", "xml"}},
		{exitUsage, "--status sold", []string{"seats", "--store", address, "--event", "gala", "--status", "sold"}},
		{exitUsage, `"now"`, []string{"events", "--store", address, "now"}},
		{exitFault, "no such file", []string{"events", "--store", address + ".typo"}},
	} {
		refuses(t, m.code, m.want, m.args...)
	}
}

// TestOrganizerFreesSeats: what visitors have locked is free again, all of it
// or nothing, and nothing tells whose it was.
func TestOrganizerFreesSeats(t *testing.T) {
	address := house(t)
	all := seatsOf(t, address)
	err := withStore(t.Context(), address, false, func(st *store.Store) error {
		_, err := st.Lock(t.Context(), store.LockRequest{Event: "gala", Holder: "somebody-secret", Seats: []string{all[0].ID}, Rules: store.DefaultRules()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	refuses(t, exitFault, "seat withheld: "+all[1].ID+"; nothing was changed", "release", "--store", address, "--event", "gala", all[0].ID, all[1].ID)
	refuses(t, exitFault, "no such seat", "release", "--store", address, "--event", "gala", all[0].ID, "Z9")
	refuses(t, exitFault, "no such event", "release", "--store", address, "--event", "other", all[0].ID)
	refuses(t, exitUsage, "wants the ids of seats", "release", "--store", address, "--event", "gala")
	refuses(t, exitUsage, "wants --event", "release", "--store", address, all[0].ID)
	if got := seatsOf(t, address)[0].Status; got != "locked" {
		t.Errorf("after refusals the seat is %s", got)
	}
	for range 2 { // the second finds it free
		if out := does(t, "release", "--store", address, "--event", "gala", all[0].ID); strings.Contains(out, "somebody") || !strings.Contains(out, "1 seat of gala is free.") {
			t.Errorf("release said %q", out)
		}
	}
	if got := seatsOf(t, address)[0].Status; got != "available" {
		t.Errorf("the seat is %s", got)
	}
}
