package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
)

// book has a visitor lock seats of the gala of house and begin a booking of them.
func book(t *testing.T, address, provider string, seats ...string) (code string) {
	t.Helper()
	of := map[string]store.Line{}
	for _, s := range seatsOf(t, address) {
		price := int64(4500)
		if s.Category == "Rear" {
			price = 2000
		}
		of[s.ID] = store.Line{Seat: s.ID, Label: s.Seat, Row: s.Row, Section: s.Section, Category: s.Category, Price: price}
	}
	var lines []store.Line
	for _, id := range seats {
		lines = append(lines, of[id])
	}
	holder := store.Holder("holder-of-" + seats[0])
	err := withStore(t.Context(), address, false, func(st *store.Store) (err error) {
		if _, err = st.Lock(t.Context(), store.LockRequest{Event: "gala", Holder: holder, Seats: seats, Rules: store.DefaultRules()}); err != nil {
			return err
		}
		code, err = st.Begin(t.Context(), store.BeginRequest{
			Event: "gala", Holder: holder, Code: store.NewCode(), Request: "form-" + seats[0], Contents: "c", Lines: lines,
			Revision: gala(t, address).Revision, Person: store.Person{Name: "=Ada Lovelace", Email: "ada@example.org", Phone: "+43 1 2"},
			Provider: provider, AtDoor: provider == "door", Rules: store.DefaultPayRules(store.DefaultRules().Total),
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// pay has the provider of a booking capture its money.
func pay(t *testing.T, address, code string) {
	t.Helper()
	err := withStore(t.Context(), address, false, func(st *store.Store) error {
		a, err := st.Attempt(t.Context(), code+"-1")
		if err == nil {
			_, err = st.Confirm(t.Context(), a)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// houseOnSale is house with all three seats on sale, and their ids: two of €45
// and one of €20.
func houseOnSale(t *testing.T) (address string, seats []string) {
	t.Helper()
	address = house(t)
	for _, s := range seatsOf(t, address) {
		seats = append(seats, s.ID)
	}
	does(t, "unwithhold", "--store", address, "--event", "gala", seats[1])
	return address, seats
}

// object is JSON as others read it.
func object(t *testing.T, text string) (o map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return o
}

func wantFields(t *testing.T, got, want map[string]any) {
	t.Helper()
	for name, value := range want {
		if !reflect.DeepEqual(got[name], value) {
			t.Errorf("%s is %v, want %v", name, got[name], value)
		}
	}
}

// TestBookingFromPayingToCancelled follows one that is paid online.
func TestBookingFromPayingToCancelled(t *testing.T) {
	address, seats := houseOnSale(t)
	code := book(t, address, "demo", seats[0], seats[2])
	show := func() map[string]any {
		return object(t, does(t, "booking", "--store", address, strings.ToLower(code), "--format", "json"))
	}
	seat := func(o map[string]any, i int) map[string]any { return o["seats"].([]any)[i].(map[string]any) }

	paying := show()
	wantFields(t, paying, map[string]any{
		"code": code, "event": "gala", "state": "paying", "total": 6500.0, "currency": "EUR", "captured": 0.0, "refunded": 0.0, "owed": 0.0,
		"provider": "demo", "attempt": "recorded",
		"person": map[string]any{"name": "=Ada Lovelace", "email": "ada@example.org", "phone": "+43 1 2"},
	})
	wantFields(t, seat(paying, 0), map[string]any{"seat": seats[0], "state": "paying", "price": 4500.0, "tariff": ""})
	refuses(t, exitFault, "it can be cancelled once that has ended; nothing was changed", "cancel", "--store", address, code)
	refuses(t, exitFault, "it is paying; nothing was changed", "paid", "--store", address, code)

	pay(t, address, code)
	booked := show()
	wantFields(t, booked, map[string]any{"state": "booked", "attempt": "captured", "captured": 6500.0, "pay_until": nil})
	wantFields(t, seat(booked, 1), map[string]any{"seat": seats[2], "state": "booked", "price": 2000.0})
	refuses(t, exitFault, "it is booked; nothing was changed", "paid", "--store", address, code)
	refuses(t, exitFault, "booking "+code+" is booked; nothing was changed", "remove", "--store", address, "--event", "gala")

	wantSaid(t, does(t, "cancel", "--store", address, code, seats[2]),
		"1 seat of booking "+code+" is free: "+seats[2]+".\n€20.00 goes back through demo: the running server pays it back.\n")
	part := show()
	wantFields(t, part, map[string]any{"state": "booked", "total": 6500.0, "captured": 6500.0, "refunded": 0.0, "refunds": []any{
		map[string]any{"id": code + "-r1", "state": "wanted", "amount": 2000.0, "seats": []any{seats[2]}},
	}})
	wantFields(t, seat(part, 1), map[string]any{"state": "cancelled"})
	if said := does(t, "cancel", "--store", address, code, seats[2]); !strings.Contains(said, "nothing was changed") {
		t.Errorf("repeated, it said %q", said)
	}
	wantSaid(t, does(t, "cancel", "--store", address, code),
		"1 seat of booking "+code+" is free: "+seats[0]+".\n€45.00 goes back through demo: the running server pays it back.\n")
	wantFields(t, show(), map[string]any{"state": "cancelled"})
	for _, s := range seatsOf(t, address) {
		if s.Status != "available" {
			t.Errorf("seat %s is %s", s.ID, s.Status)
		}
	}
	does(t, "remove", "--store", address, "--event", "gala")
	text := does(t, "booking", "--store", address, code)
	wantSaid(t, firstLine(text), "Booking "+code+" is cancelled.")
	begun, err := time.Parse(time.RFC3339, object(t, does(t, "booking", "--store", address, code, "--format", "json"))["begun"].(string))
	if err != nil || begun.Location() != time.UTC || !strings.Contains(text, "gala, which was removed: times are UTC\n") || !strings.Contains(text, begun.Format(time.RFC3339)) {
		t.Errorf("%v: without its event, the time is %v, and the text\n%s", err, begun, text)
	}
	if out := does(t, "bookings", "--store", address, "--event", "gala"); !strings.Contains(out, code) {
		t.Errorf("the bookings of an event that was removed are\n%s", out)
	}
}

func firstLine(text string) string { first, _, _ := strings.Cut(text, "\n"); return first }

// TestBookingAtTheDoor: what is owed, paid, and handed out again.
func TestBookingAtTheDoor(t *testing.T) {
	address, seats := houseOnSale(t)
	code := book(t, address, "door", seats...)
	wantFields(t, object(t, does(t, "booking", "--store", address, code, "--format", "json")),
		map[string]any{"state": "reserved", "total": 11000.0, "captured": 0.0, "owed": 11000.0, "attempt": nil, "provider": "door"})
	wantSaid(t, does(t, "cancel", "--store", address, code, seats[0]),
		"1 seat of booking "+code+" is free: "+seats[0]+".\nNothing was paid for that.\n€65.00 is still to be paid at the door.\n")
	refuses(t, exitFault, "owes €65.00, and not €110.00; nothing was changed", "paid", "--store", address, code, "--amount", "110.00")
	for _, amount := range []string{"65.00", "65,00", ""} { // the second and third change nothing
		wantSaid(t, does(t, "paid", "--store", address, code, "--amount", amount), "Booking "+code+" is booked: €65.00 was paid at the door.\n")
	}
	refuses(t, exitFault, "was paid already, €65.00 and not €45.00; nothing was changed", "paid", "--store", address, code, "--amount", "45.00")
	text := does(t, "booking", "--store", address, code)
	for _, want := range []string{
		"Booking " + code + " is booked.\n", "  event     gala, =Gala\n", "  starts    2030-06-01T19:30:00+02:00\n", "  payment   door\n",
		"  name      =Ada Lovelace\n", "  e-mail    ada@example.org\n", "€45.00  cancelled\n", "€20.00  booked\n",
		"  total     €110.00\n", "  captured  €65.00\n", "  owed      €0.00\n",
	} {
		if !strings.Contains(collapse(text), collapse(want)) {
			t.Errorf("it lacks %q:\n%s", want, text)
		}
	}
	wantSaid(t, does(t, "cancel", "--store", address, code, seats[1]),
		"1 seat of booking "+code+" is free: "+seats[1]+".\nHand out €45.00: it was paid at the door.\n")
	handed := object(t, does(t, "booking", "--store", address, code, "--format", "json"))
	wantFields(t, handed, map[string]any{"captured": 6500.0, "refunded": 4500.0, "refunds": []any{
		map[string]any{"id": code + "-r1", "state": "done", "amount": 4500.0, "seats": []any{seats[1]}},
	}})
	wantSaid(t, does(t, "cancel", "--store", address, code, "--no-refund"),
		"1 seat of booking "+code+" is free: "+seats[2]+".\nNo money goes back.\n")
	kept := object(t, does(t, "booking", "--store", address, code, "--format", "json"))
	for i, want := range []any{nil, nil, true} {
		wantFields(t, kept["seats"].([]any)[i].(map[string]any), map[string]any{"state": "cancelled", "no_refund": want})
	}
	if text := collapse(does(t, "booking", "--store", address, code)); !strings.Contains(text, "seat "+seats[2]+" €20.00 cancelled, and its price kept\n") ||
		!strings.Contains(text, "refund "+code+"-r1 €45.00 done, of "+seats[1]+"\n") {
		t.Errorf("it says\n%s", text)
	}
	refuses(t, exitFault, "it is cancelled; nothing was changed", "paid", "--store", address, code)
	does(t, "check", "--store", address)
}

// TestBookingThatCameToNothing: its seats are others' to have, and commands that
// come too late say why.
func TestBookingThatCameToNothing(t *testing.T) {
	address, seats := houseOnSale(t)
	code := book(t, address, "demo", seats[0])
	err := withStore(t.Context(), address, false, func(st *store.Store) error {
		a, err := st.Attempt(t.Context(), code+"-1")
		if err == nil {
			_, err = st.Decline(t.Context(), a)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	b := object(t, does(t, "booking", "--store", address, code, "--format", "json"))
	wantFields(t, b, map[string]any{"state": "declined", "attempt": "dead", "owed": 0.0, "pay_until": nil})
	wantFields(t, b["seats"].([]any)[0].(map[string]any), map[string]any{"state": "let go", "price": 4500.0})
	rows, err := csv.NewReader(strings.NewReader(does(t, "bookings", "--store", address, "--event", "gala", "--format", "csv"))).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][1] != "declined" || rows[1][4] != "" {
		t.Errorf("%v: the list is %q, want one without seats", err, rows)
	}
	refuses(t, exitFault, "booking ended: it is declined; nothing was changed", "cancel", "--store", address, code)
	refuses(t, exitFault, "booking not reserved: it is declined; nothing was changed", "paid", "--store", address, code)
}

// collapse makes one blank of many: columns are as wide as what stands in them.
func collapse(text string) string {
	for strings.Contains(text, "  ") {
		text = strings.ReplaceAll(text, "  ", " ")
	}
	return text
}

// TestBookingsOfAnEvent in each format, with people only on request, and never
// with what a cookie stands for.
func TestBookingsOfAnEvent(t *testing.T) {
	address, seats := houseOnSale(t)
	online, door := book(t, address, "demo", seats[0]), book(t, address, "door", seats[1], seats[2])
	does(t, "change", "--store", address, "--event", "gala", "--price", "front=45.10")
	pay(t, address, online)
	does(t, "cancel", "--store", address, online)
	list := func(flags ...string) string {
		return does(t, append([]string{"bookings", "--store", address, "--event", "gala"}, flags...)...)
	}
	var all []map[string]any
	if err := json.Unmarshal([]byte(list("--format", "json")), &all); err != nil || len(all) != 2 {
		t.Fatalf("%v: %v", err, all)
	}
	for _, o := range all {
		wantState, wantTotal := "cancelled", 4500.0
		if o["code"] == door {
			wantState, wantTotal = "reserved", 6500.0
		}
		wantFields(t, o, map[string]any{"state": wantState, "total": wantTotal, "event": "gala", "currency": "EUR", "person": nil})
	}
	rows, err := csv.NewReader(strings.NewReader(list("--format", "csv", "--people"))).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%v: %q", err, rows)
	}
	for _, row := range rows[1:] {
		want := []string{online, "cancelled", row[2], "", "", "demo", "EUR", "45.00", "45.00", "0.00", "0.00", "wanted", "0", "'=Ada Lovelace", "ada@example.org", "'+43 1 2"}
		if row[0] == door {
			want = []string{door, "reserved", row[2], row[3], seats[1] + " " + seats[2], "door", "EUR", "65.00", "0.00", "0.00", "65.00", "", "0", "'=Ada Lovelace", "ada@example.org", "'+43 1 2"}
		}
		if !reflect.DeepEqual(row, want) {
			t.Errorf("the row is\n%q, want\n%q", row, want)
		}
	}
	for _, format := range []string{"table", "csv", "json"} {
		plain, people := list("--format", format), list("--format", format, "--people")
		if strings.Contains(plain, "ada@") || strings.Contains(plain, "Lovelace") || !strings.Contains(people, "ada@example.org") {
			t.Errorf("%s: without --people\n%s\nand with\n%s", format, plain, people)
		}
		if strings.Contains(people+does(t, "booking", "--store", address, door, "--format", "json"), "holder-of") {
			t.Errorf("%s tells whose cookie it is:\n%s", format, people)
		}
	}
}

// TestBookingMistakes: one line, and everything as it was.
func TestBookingMistakes(t *testing.T) {
	address, seats := houseOnSale(t)
	code := book(t, address, "door", seats[0])
	for _, m := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, "wants --event", []string{"bookings"}},
		{exitFault, "no such event", []string{"bookings", "--event", "gone"}},
		{exitFault, "no such event", []string{"bookings", "--event", "a b"}},
		{exitUsage, "--format xml: want table, csv or json", []string{"bookings", "--event", "gala", "--format", "xml"}},
		{exitUsage, `unexpected argument "now"`, []string{"bookings", "--event", "gala", "now"}},
		{exitUsage, "booking wants the CODE", []string{"booking"}},
		{exitUsage, "booking wants the CODE", []string{"booking", ""}},
		{exitUsage, "--format csv: want text or json", []string{"booking", code, "--format", "csv"}},
		{exitUsage, "unexpected argument", []string{"booking", code, code}},
		{exitFault, "booking 2345678923: no such booking", []string{"booking", "2345678923"}},
		{exitFault, "no such booking", []string{"booking", "a\nb"}},
		{exitUsage, "cancel wants the CODE", []string{"cancel", "--no-refund"}},
		{exitFault, "seatlock: booking 2345678923: no such booking; nothing was changed\n", []string{"cancel", "2345678923"}},
		{exitFault, "no such seat: Z9; nothing was changed", []string{"cancel", code, seats[0], "Z9"}},
		{exitFault, "no such seat: " + seats[1] + "; nothing was changed", []string{"cancel", code, seats[1]}},
		{exitUsage, "invalid", []string{"cancel", code, "A 1"}},
		{exitUsage, "paid wants the CODE", []string{"paid"}},
		{exitUsage, "unexpected argument", []string{"paid", code, "5.00"}},
		{exitFault, "seatlock: booking 2345678923: no such booking; nothing was changed\n", []string{"paid", "2345678923"}},
		{exitUsage, "--amount 45 could be €45.00 or €0.45", []string{"paid", code, "--amount", "45"}},
		{exitUsage, "--amount -45.00", []string{"paid", code, "--amount=-45.00"}},
		{exitFault, "booking " + code + " owes €45.00, and not €45.01; nothing was changed", []string{"paid", code, "--amount", "45.01"}},
		{exitFault, "owes €45.00, and not €0.00; nothing was changed", []string{"paid", code, "--amount", "0.00"}},
		{exitUsage, "refunded wants the id of a REFUND", []string{"refunded"}},
		{exitUsage, "unexpected argument", []string{"refunded", code + "-r1", code + "-r2"}},
		{exitFault, "refund " + code + "-r1: there is none; nothing was changed", []string{"refunded", code + "-R1"}},
		{exitFault, "there is none; nothing was changed", []string{"refunded", code}},
		{exitFault, "there is none; nothing was changed", []string{"refunded", "x"}},
		{exitFault, "no such file", []string{"paid", code, "--store", address + ".typo"}},
	} {
		refuses(t, m.code, m.want, append([]string{m.args[0], "--store", address}, m.args[1:]...)...)
	}
	err := withStore(t.Context(), address, false, func(st *store.Store) error {
		b, err := st.Booking(t.Context(), code)
		if b.Version != 1 {
			err = errors.Join(err, errors.New("the booking was changed"))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestCancelTakesNothingFromTheEnvironment that keeps money: it is said, or not.
func TestCancelTakesNothingFromTheEnvironment(t *testing.T) {
	address, seats := houseOnSale(t)
	code := book(t, address, "demo", seats[0])
	pay(t, address, code)
	env := environment(map[string]string{"SEATLOCK_STORE": address, "SEATLOCK_NO_REFUND": "true"})
	var out strings.Builder
	if exit := run(t.Context(), []string{"cancel", code}, env, &out, &out); exit != exitOK || !strings.Contains(out.String(), "€45.00 goes back") {
		t.Errorf("exit %d, %s", exit, &out)
	}
}

// TestPeopleAreAskedForByName: the environment opens no personal data, and is
// not said to; what says which event and how counts.
func TestPeopleAreAskedForByName(t *testing.T) {
	address, seats := houseOnSale(t)
	code := book(t, address, "door", seats[0])
	env := environment(map[string]string{"SEATLOCK_STORE": address, "SEATLOCK_EVENT": "gala", "SEATLOCK_FORMAT": "csv", "SEATLOCK_PEOPLE": "true"})
	var out strings.Builder
	if exit := run(t.Context(), []string{"bookings"}, env, &out, &out); exit != exitOK || !strings.Contains(out.String(), code+",reserved,") || strings.Contains(out.String(), "ada@") {
		t.Errorf("exit %d, %s", exit, &out)
	}
	if manual := does(t, "bookings", "--help"); strings.Contains(manual, "SEATLOCK_PEOPLE") || !strings.Contains(manual, "SEATLOCK_FORMAT") {
		t.Errorf("the manual is\n%s", manual)
	}
}

// TestRefundPaidBackByHand: one that the provider refuses is done once that was
// told, and one that it is still asked for is not.
func TestRefundPaidBackByHand(t *testing.T) {
	address, seats := houseOnSale(t)
	code := book(t, address, "demo", seats[0], seats[1])
	pay(t, address, code)
	does(t, "cancel", "--store", address, code, seats[0])
	id := code + "-r1"
	refuses(t, exitFault, "refund not stuck: it is wanted; nothing was changed", "refunded", "--store", address, id)
	err := withStore(t.Context(), address, false, func(st *store.Store) error {
		r, err := st.Refund(t.Context(), id)
		if err == nil {
			r.State = store.RefundStuck
			_, err = st.NoteRefund(t.Context(), r)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if text := collapse(does(t, "booking", "--store", address, code)); !strings.Contains(text, "refund "+id+" €45.00 stuck, of "+seats[0]+"\n") {
		t.Errorf("before, it says\n%s", text)
	}
	wantSaid(t, does(t, "refunded", "--store", address, strings.ToLower(id)), "Refund "+id+" of €45.00 is done: it was paid back by hand.\n")
	wantSaid(t, does(t, "refunded", "--store", address, id), "Refund "+id+" of €45.00 was done already: nothing was changed.\n")
	wantFields(t, object(t, does(t, "booking", "--store", address, code, "--format", "json")), map[string]any{"state": "booked", "captured": 9000.0, "refunded": 4500.0,
		"refunds": []any{map[string]any{"id": id, "state": "done", "amount": 4500.0, "seats": []any{seats[0]}}}})
	does(t, "check", "--store", address)
}

// TestBookingsThatAreMeant: each filter, and some together, on either engine.
func TestBookingsThatAreMeant(t *testing.T) {
	onBothEngines(t, func(t *testing.T, address string) {
		galaOn(t, address)
		online, door, gone := book(t, address, "demo", "stalls-A-1"), book(t, address, "door", "stalls-A-2"), book(t, address, "demo", "circle-A-1")
		pay(t, address, online)
		pay(t, address, gone)
		letIn(t, address, online, "stalls-A-1")
		does(t, "cancel", "--store", address, gone)
		first := object(t, does(t, "booking", "--store", address, online, "--format", "json"))["begun"].(string)
		for _, m := range []struct {
			want []string
			args []string
		}{
			{[]string{online, door, gone}, nil},
			{[]string{online}, []string{"--state", "booked"}},
			{[]string{door, gone}, []string{"--state", "reserved,cancelled"}},
			{[]string{gone}, []string{"--seat", "circle-A-1"}},
			{nil, []string{"--seat", "circle-A-2"}},
			{[]string{door}, []string{"--provider", "door"}},
			{[]string{door}, []string{"--unpaid"}},
			{[]string{online}, []string{"--checked-in"}},
			{nil, []string{"--no-show"}}, // it has not begun
			{[]string{online, door, gone}, []string{"--since", first[:16], "--until", "2100-01-01"}},
			{nil, []string{"--until", first[:16]}},
			{nil, []string{"--since", "2100-01-01T10:00"}},
			{nil, []string{"--state", "booked", "--unpaid"}},
		} {
			var got []string
			var all []map[string]any
			out := does(t, append([]string{"bookings", "--store", address, "--event", "gala", "--format", "json"}, m.args...)...)
			if err := json.Unmarshal([]byte(out), &all); err != nil {
				t.Fatal(err)
			}
			for _, b := range all {
				got = append(got, b["code"].(string))
			}
			slices.Sort(m.want)
			if !slices.Equal(got, m.want) {
				t.Errorf("%q are the bookings %q, want %q", m.args, got, m.want)
			}
		}
		seat := object(t, does(t, "booking", "--store", address, online, "--format", "json"))["seats"].([]any)[0].(map[string]any)
		in, err := time.Parse(time.RFC3339, fmt.Sprint(seat["checked_in"]))
		if err != nil || time.Since(in) > time.Hour || seat["issue"] != 1.0 {
			t.Errorf("%v: the seat that was let in is %v", err, seat)
		}
		if text := does(t, "booking", "--store", address, online); !strings.Contains(text, "booked, let in at "+fmt.Sprint(seat["checked_in"])+"\n") {
			t.Errorf("it says\n%s", text)
		}
		rows, err := csv.NewReader(strings.NewReader(does(t, "bookings", "--store", address, "--event", "gala", "--format", "csv", "--checked-in"))).ReadAll()
		if err != nil || len(rows) != 2 || rows[0][12] != "checked_in" || rows[1][12] != "1" {
			t.Errorf("%v: the rows are %q", err, rows)
		}
		for _, m := range [][]string{
			{"--state paid: want a list of paying, reserved", "--state", "paid"}, {"--seat a b: want the id of a seat", "--seat", "a b"},
			{"--since soon: want a time such as", "--since", "soon"}, {"--until 2030-03-31T02:30: Europe/Vienna has no such time", "--until", "2030-03-31T02:30"},
		} {
			refuses(t, exitUsage, m[0], append([]string{"bookings", "--store", address, "--event", "gala"}, m[1:]...)...)
		}
	})
}

// TestNoShows: once the event has begun they are the bookings that sales counts, what was not paid for is none.
func TestNoShows(t *testing.T) {
	address, seats := houseOnSale(t)
	came, stayed, reserved := paidAtDoor(t, address, seats[0]), paidAtDoor(t, address, seats[1]), book(t, address, "door", seats[2])
	letIn(t, address, came, seats[0])
	noShows := func() string {
		return does(t, "bookings", "--store", address, "--event", "gala", "--no-show", "--format", "csv")
	}
	if out := noShows(); strings.Count(out, "\n") != 1 {
		t.Errorf("before the event they are\n%s", out)
	}
	want := func() {
		t.Helper()
		if out := noShows(); strings.Count(out, "\n") != 2 || !strings.Contains(out, stayed) {
			t.Errorf("they are\n%s\nand not %s alone; %s came, %s has not paid", out, stayed, came, reserved)
		}
	}
	does(t, change(address, "--starts", "2020-06-01T19:30", "--past")...)
	want()
	does(t, "cancel", "--store", address, "--force", came)
	does(t, "cancel", "--store", address, stayed)
	does(t, "cancel", "--store", address, reserved)
	does(t, "remove", "--store", address, "--event", "gala")
	if out := noShows(); strings.Count(out, "\n") != 1 {
		t.Errorf("of a removed event they are\n%s", out)
	}
}

// TestDaysBegin also where clocks pass over midnight, show it twice, or where there
// is no such day.
func TestDaysBegin(t *testing.T) {
	for _, test := range [][3]string{
		{"Europe/Vienna", "2027-03-28", "2027-03-27T23:00:00Z"},
		{"Asia/Beirut", "2027-03-28", "2027-03-27T22:00:00Z"},
		{"America/Havana", "2027-11-07", "2027-11-07T04:00:00Z"},
		{"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"},
	} {
		zone, err := zoneOf(test[0])
		if err != nil {
			t.Fatal(err)
		}
		f := bookingFilter{since: test[1]}
		if err := f.readTimes(zone); err != nil || f.from.UTC().Format(time.RFC3339) != test[2] {
			t.Errorf("%v: %s begins at %s in %s, want %s", err, test[1], f.from.UTC(), test[0], test[2])
		}
	}
}

// letIn checks in the first ticket for a seat.
func letIn(t *testing.T, address, code, seat string) {
	t.Helper()
	err := withStore(t.Context(), address, false, func(st *store.Store) error {
		_, err := st.CheckIn(t.Context(), store.CheckInRequest{Event: "gala", TicketEvent: "gala", Code: code, Seat: seat, Issue: 1})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestManyBookings come page by page, each once.
func TestManyBookings(t *testing.T) {
	const seats, n = 2100, 2100
	var hall strings.Builder
	hall.WriteString("row,seat,category,price\n")
	for i := range seats {
		fmt.Fprintf(&hall, "%d,%d,Front,45.00\n", i/100, i%100)
	}
	address := "sqlite:" + t.TempDir() + "/seatlock.db"
	does(t, "import", "--create", "--store", address, "--event", "gala", "--title", "T", fileOf(t, hall.String()))
	all := seatsOf(t, address)
	err := withStore(t.Context(), address, false, func(st *store.Store) error {
		for i := range n {
			s := all[i]
			_, err := st.Sell(t.Context(), store.SellRequest{Event: "gala", Code: store.NewCode(), Provider: "house", Revision: 1, Person: store.Person{Name: "Ada"},
				Lines: []store.Line{{Seat: s.ID, Label: s.Seat, Row: s.Row, Section: s.Section, Category: s.Category, Price: int64(i)}}})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for format, count := range map[string]func(out string) int{
		"csv":   func(out string) int { return strings.Count(out, "\n") - 1 },
		"table": func(out string) int { return strings.Count(out, "\n") - 1 },
		"json": func(out string) int {
			var all []bookingEntry
			codes := map[string]bool{}
			if err := json.Unmarshal([]byte(out), &all); err != nil {
				t.Error(err)
			}
			for _, b := range all {
				codes[b.Code] = true
			}
			return len(codes)
		},
	} {
		if got := count(does(t, "bookings", "--store", address, "--event", "gala", "--format", format)); got != n {
			t.Errorf("%s has %d bookings, want %d", format, got, n)
		}
	}
	lines := salesLines(t, address)
	wantAddedUp(t, lines)
	wantFields(t, lines[len(lines)-1], map[string]any{"bookings": float64(n), "amount": float64(n * (n - 1) / 2)})
}
