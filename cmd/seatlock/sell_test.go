package main

import (
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// withTariffs gives the gala a full price and one that is 30 percent less.
func withTariffs(t *testing.T, address string) {
	t.Helper()
	does(t, "change", "--store", address, "--event", "gala", "--tariff", "full=Full", "--tariff", "reduced=Reduced", "--tariff-off", "reduced=30")
}

func sells(address string, args ...string) []string {
	return append([]string{"sell", "--store", address, "--event", "gala", "--base-url", "https://tickets.example", "--name", "Ada Lovelace"}, args...)
}

// codeIn is the code of the booking that a text begins with.
func codeIn(t *testing.T, text string) string {
	t.Helper()
	words := strings.Fields(text)
	if len(words) < 2 || words[0] != "Booking" {
		t.Fatalf("it has no booking: %q", text)
	}
	return words[1]
}

// TestSell: free and withheld seats, each at its tariff, are booked and paid; the
// link opens the booking and the tickets are let in.
func TestSell(t *testing.T) {
	address := house(t)
	withTariffs(t, address)
	all := seatsOf(t, address)
	said := does(t, sells(address, "--email", "ada@example.org", "--tariff", all[1].ID+"=Reduced", all[0].ID, all[1].ID)...)
	code, tokens := codeIn(t, said), ticketsIn(said)
	if !strings.HasPrefix(said, "Booking "+code+" is booked: 2 seats of gala for €76.50, and is paid.\n") || len(tokens) != 2 ||
		!strings.Contains(collapse(said), " "+all[1].ID+" Stalls, row A, seat 2 (Reduced) €31.50 https://") {
		t.Errorf("it says\n%s", said)
	}
	if strings.Contains(said, "Lovelace") || strings.Contains(said, "ada@") {
		t.Errorf("it tells who it is for:\n%s", said)
	}
	wantFields(t, object(t, does(t, "booking", "--store", address, code, "--format", "json")), map[string]any{
		"state": "booked", "total": 7650.0, "captured": 7650.0, "owed": 0.0, "provider": "house",
		"person": map[string]any{"name": "Ada Lovelace", "email": "ada@example.org"},
	})
	does(t, append([]string{"checkin", "--store", address, "--event", "gala"}, tokens...)...)
	served := serveStoreOf(t, address)
	link := bookingLink.FindStringSubmatch(said)
	if link == nil {
		t.Fatalf("it has no link:\n%s", said)
	}
	answer, err := served.rival().http.Get(served.site + link[1])
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if page, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(page), code) {
		t.Errorf("%v: the link answers %d", err, answer.StatusCode)
	}
	if status, _, _ := get(t, served.site+link[1]+"x"); status == http.StatusOK {
		t.Error("a link that is not quite it opens the booking")
	}
}

// TestSellReadsWhoItIsFor from stdin, and cuts the blanks around.
func TestSellReadsWhoItIsFor(t *testing.T) {
	address := house(t)
	all := seatsOf(t, address)
	sell := []string{"sell", "--store", address, "--event", "gala"}
	person := func(out string) any {
		t.Helper()
		return object(t, does(t, "booking", "--store", address, codeIn(t, out), "--format", "json"))["person"]
	}
	exit, out, faults := scans(t, " Ada Lovelace\r\nada@example.org\n+43 1\n", append(sell, "--phone", "-", "--email", "-", "--name", "-", all[0].ID)...)
	if want := (map[string]any{"name": "Ada Lovelace", "email": "ada@example.org", "phone": "+43 1"}); exit != exitOK || !reflect.DeepEqual(person(out), want) {
		t.Errorf("exit %d, %s: want %v", exit, faults, want)
	}
	out = does(t, append(sell, "--name", " Ada ", "--email", "ada@example.org\t", "--phone", " ", all[1].ID)...)
	if want := (map[string]any{"name": "Ada", "email": "ada@example.org"}); !reflect.DeepEqual(person(out), want) {
		t.Errorf("it is for %v, want %v", person(out), want)
	}
	if exit, _, faults = scans(t, "Ada\n", append(sell, "--email", "-", "--name", "-", all[2].ID)...); exit != exitUsage || !strings.Contains(faults, "--email -: there is no line for it on stdin") {
		t.Errorf("without an address: exit %d, %s", exit, faults)
	}
	refuses(t, exitUsage, "sell wants --name", append(sell, "--name", " ", all[2].ID)...)
}

// TestCancelSold: nobody but the house can pay back what the house has sold, and what
// it gives back counts as refunded at once.
func TestCancelSold(t *testing.T) {
	address := house(t)
	withTariffs(t, address)
	seat := seatsOf(t, address)[0].ID
	code := codeIn(t, does(t, sells(address, seat)...))
	wantSaid(t, does(t, "paid", "--store", address, code), "Booking "+code+" is booked: €45.00 was paid to the house.\n")
	refuses(t, exitFault, "booking "+code+" was paid already, €45.00 and not €44.00; nothing was changed", "paid", "--store", address, code, "--amount", "44.00")
	wantSaid(t, does(t, "cancel", "--store", address, code), "1 seat of booking "+code+" is free: "+seat+".\nHand out €45.00: it was paid to the house.\n")
	wantFields(t, object(t, does(t, "booking", "--store", address, code, "--format", "json")), map[string]any{"state": "cancelled", "refunded": 4500.0})
}

// TestSellForNothing: seats are given away, and their lines say so.
func TestSellForNothing(t *testing.T) {
	address := house(t)
	withTariffs(t, address)
	all := seatsOf(t, address)
	said := does(t, sells(address, "--comp", all[2].ID)...)
	if !strings.Contains(said, " is booked: 1 seat of gala for €0.00, as a gift of the house.\n") || !strings.Contains(said, "seat 1 (Complimentary)") {
		t.Errorf("it says\n%s", said)
	}
}

// TestSoldAndNotTold: where the answer cannot be written, the error has the booking,
// which is made.
func TestSoldAndNotTold(t *testing.T) {
	address := house(t)
	all := seatsOf(t, address)
	var faults strings.Builder
	exit := run(t.Context(), sells(address, all[0].ID), environment(nil), deaf{}, &faults)
	list := does(t, "bookings", "--store", address, "--event", "gala", "--format", "csv")
	code, _, _ := strings.Cut(strings.Split(list, "\n")[1], ",")
	if exit != exitFault || code == "" || !strings.Contains(faults.String(), "booking "+code+" is made, and could not be told") {
		t.Errorf("exit %d, %s; the bookings are\n%s", exit, &faults, list)
	}
	faults.Reset()
	exit = run(t.Context(), []string{"move", "--store", address, code, all[0].ID, all[1].ID}, environment(nil), deaf{}, &faults)
	if exit != exitFault || !strings.Contains(faults.String(), "booking "+code+" has seat "+all[1].ID+" now") {
		t.Errorf("moved: exit %d, %s", exit, &faults)
	}
}

// TestSellRefuses in one line, and leaves everything as it was.
func TestSellRefuses(t *testing.T) {
	address := house(t)
	withTariffs(t, address)
	all := seatsOf(t, address)
	a, b, c := all[0].ID, all[1].ID, all[2].ID
	taken := codeIn(t, does(t, sells(address, c)...))
	for _, m := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, "sell wants --event", []string{"sell", "--name", "Ada", a}},
		{exitUsage, "sell wants --name", []string{"sell", "--event", "gala", a}},
		{exitUsage, "sell wants the ids of seats", sells(address)[0:]},
		{exitUsage, "exclude each other", sells(address, "--comp", "--tariff", a+"=full", a)},
		{exitUsage, "this seat is not to be sold", sells(address, "--tariff", b+"=full", a)},
		{exitUsage, "this seat has one already", sells(address, "--tariff", a+"=full", "--tariff", a+"=reduced", a)},
		{exitUsage, "want SEAT=TARIFF", sells(address, "--tariff", a, a)},
		{exitUsage, "=child: the tariffs are full, reduced", sells(address, "--tariff", a+"=child", a)},
		{exitFault, "seat booked: " + c + "; nothing was changed", sells(address, a, c)},
		{exitFault, "no such seat: Z9; nothing was changed", sells(address, a, "Z9")},
		{exitFault, "no such event; nothing was changed", append(sells(address, a), "--event", "gone")},
		{exitUsage, "--base-url", append(sells(address, a), "--base-url", "tickets")},
		{exitUsage, "e-mail: want an address", sells(address, "--email", "<b>@example.org", a)},
		{exitUsage, "e-mail: want an address", sells(address, "--email", "ada@exam\u202eple.org", a)},
		{exitUsage, "phone: want up to 40 digits", sells(address, "--phone", "=1+1;x", a)},
		{exitUsage, "name: want 1 to 100 characters", append(sells(address, a), "--name", "Ada \u202eecalevoL")},
		{exitUsage, "name: want 1 to 100 characters", append(sells(address, a), "--name", "Ada\x00")},
		{exitUsage, "name: want 1 to 100 characters", append(sells(address, a), "--name", strings.Repeat("a", 101))},
	} {
		if m.args[1] != "--store" {
			m.args = append([]string{m.args[0], "--store", address}, m.args[1:]...)
		}
		refuses(t, m.code, m.want, m.args...)
	}
	if list := does(t, "bookings", "--store", address, "--event", "gala", "--format", "csv"); strings.Count(list, "\n") != 2 || !strings.Contains(list, taken) {
		t.Errorf("something was sold:\n%s", list)
	}
	// A formula and markup are names like others, and harmless where they are told.
	for _, name := range []string{"=HYPERLINK(1)", "<script>alert(1)</script>"} {
		code := codeIn(t, does(t, append(sells(address, "--comp", all[0].ID), "--name", name)...))
		if list := does(t, "bookings", "--store", address, "--event", "gala", "--format", "csv", "--people"); name[0] == '=' && !strings.Contains(list, "'"+name) {
			t.Errorf("a spreadsheet would compute %s:\n%s", name, list)
		}
		does(t, "cancel", "--store", address, code)
	}
}

// TestMove: the other seat is the booking's, with its own ticket and at the old
// price; the difference is told.
func TestMove(t *testing.T) {
	address := house(t)
	withTariffs(t, address)
	all := seatsOf(t, address)
	a, b, rear := all[0].ID, all[1].ID, all[2].ID
	code := codeIn(t, does(t, sells(address, "--tariff", rear+"=reduced", rear)...))
	does(t, "checkin", "--store", address, "--event", "gala", tokenOf(t, address, code, rear, 1))
	move := func(args ...string) []string {
		return append([]string{"move", "--store", address, "--base-url", "https://tickets.example", code}, args...)
	}
	said := does(t, move(rear, a)...)
	wantSaid(t, said, "Booking "+code+" was moved.\n  from "+rear+", Circle, row A, seat 1 (Reduced)\n  to "+a+", Stalls, row A, seat 1 (Reduced)\n"+
		"The other seat costs €17.50 more at Reduced: nothing was charged.\nThe ticket for the old seat is not let in any more. The new one:\n"+
		"  https://tickets.example/tickets/"+tokenOf(t, address, code, a, 2)+"\n")
	wantSaid(t, does(t, move(rear, a)...), "Booking "+code+" has seat "+a+" already: nothing was changed.\n")
	_, out, _ := told(t, "checkin", "--store", address, "--event", "gala", tokenOf(t, address, code, rear, 1))
	wantSaid(t, out, "NO  replaced by another ticket · seat "+rear+" · booking "+code+"\n")
	if _, out, _ = told(t, "checkin", "--store", address, "--event", "gala", ticketsIn(said)[0]); !strings.HasPrefix(out, "NO  checked in already at ") {
		t.Errorf("whether it is checked in does not stay: %s", out)
	}
	wantFields(t, object(t, does(t, "booking", "--store", address, code, "--format", "json")), map[string]any{"total": 1400.0, "captured": 1400.0})
	other := codeIn(t, does(t, sells(address, rear)...))
	refuses(t, exitFault, "seat booked: "+rear+"; nothing was changed", move(a, rear)...)
	if said := does(t, "move", "--store", address, other, rear, b); !strings.Contains(said, "The other seat costs €25.00 more at Full: nothing was charged.\n") {
		t.Errorf("it says\n%s", said)
	}
	if said := does(t, "move", "--store", address, other, b, rear); !strings.Contains(said, "Both seats cost the same at Full.\n") {
		t.Errorf("back where it was, it says\n%s", said)
	}
	refuses(t, exitFault, "no such seat: "+b+"; nothing was changed", "move", "--store", address, other, b, a)
	refuses(t, exitFault, "no such seat: Z9; nothing was changed", "move", "--store", address, other, rear, "Z9")
	refuses(t, exitUsage, "move wants the CODE of a booking, the id of a SEAT", "move", "--store", address, other, rear)
	refuses(t, exitFault, "booking 2345678923: no such booking; nothing was changed", "move", "--store", address, "2345678923", rear, b)
}
