package main

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
)

// salesLines are the lines of sales, in JSON.
func salesLines(t *testing.T, address string) (lines []map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(does(t, "sales", "--store", address, "--event", "gala", "--format", "json")), &lines); err != nil {
		t.Fatal(err)
	}
	return lines
}

// wantAddedUp holds lines to their total, and that to the money.
func wantAddedUp(t *testing.T, lines []map[string]any) {
	t.Helper()
	total := lines[len(lines)-1]
	for _, name := range []string{"seats", "amount", "open", "owed", "cancelled", "returned", "kept", "checked_in"} {
		sum := 0.0
		for _, l := range lines[:len(lines)-1] {
			sum += l[name].(float64)
		}
		if sum != total[name] {
			t.Errorf("the lines have %v %s, the total %v", sum, name, total[name])
		}
	}
	money := func(name string) float64 { return total[name].(float64) }
	if money("captured")-money("refunded")-money("on_its_way")-money("stuck") != money("amount")+money("kept") {
		t.Errorf("the money does not add up: %v", total)
	}
}

// TestSales follows what is sold of an event, on either engine, until it was
// removed: lines and money add up at each step.
func TestSales(t *testing.T) {
	onBothEngines(t, func(t *testing.T, address string) {
		galaOn(t, address)
		seats := []string{"stalls-A-1", "stalls-A-2", "circle-A-1"}
		wantSaid(t, does(t, "sales", "--store", address, "--event", "gala", "--format", "csv"), salesColumns+"\ntotal,,,,,EUR,0,0.00,0,0.00,0,0.00,0.00,0,,0,0,0.00,0.00,0.00,0.00\n")
		online := book(t, address, "demo", seats[0], seats[2])
		said := does(t, "sales", "--store", address, "--event", "gala")
		if !strings.Contains(said, "1 payment is under way, and not counted.\n") || !strings.Contains(said, "0 bookings, EUR.\n") {
			t.Errorf("while it is paid, it says\n%s", said)
		}
		pay(t, address, online)
		door := book(t, address, "door", seats[1])
		does(t, "cancel", "--store", address, online, seats[2])
		lines := salesLines(t, address)
		wantAddedUp(t, lines)
		wantFields(t, lines[len(lines)-1], map[string]any{
			"line": "total", "currency": "EUR", "seats": 1.0, "amount": 4500.0, "open": 1.0, "owed": 4500.0, "cancelled": 1.0, "returned": 2000.0,
			"captured": 6500.0, "refunded": 0.0, "on_its_way": 2000.0, "stuck": 0.0, "bookings": 2.0, "no_shows": nil,
		})
		wantFields(t, lines[1], map[string]any{"line": "sale", "category": "Front", "tariff": "", "day": localTime(time.Now(), "Europe/Vienna")[:10], "provider": "door", "open": 1.0, "captured": nil})

		stick(t, address, online+"-r1")
		text := collapse(does(t, "sales", "--store", address, "--event", "gala"))
		for _, want := range []string{
			"Sales of gala, =Gala: 2 bookings, EUR.\n", "\nCATEGORY SEATS AMOUNT OPEN OWED CANCELLED RETURNED KEPT CHECKED IN\nFront 1 45.00 1 45.00 0 0.00 0.00 0\nRear 0 0.00 0 0.00 1 20.00 0.00 0\n",
			"\nTARIFF SEATS", "\nDAY SEATS", "\nPROVIDER SEATS", "\ndemo 1 45.00 0 0.00 1 20.00 0.00 0\ndoor 0 0.00 1 45.00 0 0.00 0.00 0\n", "\nTOTAL SEATS",
			"Captured €65.00, refunded €0.00, on its way back €0.00, stuck €20.00.\nCaptured − refunded − to refund: €45.00 = amount + kept: €45.00.\n",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("it lacks %q:\n%s", want, text)
			}
		}
		does(t, "refunded", "--store", address, online+"-r1")
		does(t, "paid", "--store", address, door)
		does(t, "cancel", "--store", address, door, "--no-refund")
		does(t, change(address, "--starts", "2020-06-01T19:30", "--past")...)
		lines = salesLines(t, address)
		wantAddedUp(t, lines)
		wantFields(t, lines[len(lines)-1], map[string]any{
			"seats": 1.0, "amount": 4500.0, "owed": 0.0, "returned": 2000.0, "kept": 4500.0, "captured": 11000.0, "refunded": 2000.0, "stuck": 0.0, "no_shows": 1.0,
		})
		if text := collapse(does(t, "sales", "--store", address, "--event", "gala")); !strings.Contains(text, "CHECKED IN NO-SHOWS\nFront 1 45.00 0 0.00 1 0.00 45.00 0 1\n") {
			t.Errorf("once it has begun, it says\n%s", text)
		}
		does(t, "cancel", "--store", address, online)
		does(t, "remove", "--store", address, "--event", "gala")
		wantAddedUp(t, salesLines(t, address))
		if text := does(t, "sales", "--store", address, "--event", "gala"); !strings.Contains(text, "gala, which was removed: days are UTC: 2 bookings, EUR.\n") {
			t.Errorf("of an event that was removed it says\n%s", text)
		}
		refuses(t, exitFault, "no such event", "sales", "--store", address, "--event", "gone")
		refuses(t, exitUsage, "sales wants --event", "sales", "--store", address)
	})
}

// stick has the provider refuse a refund.
func stick(t *testing.T, address, id string) {
	t.Helper()
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
}

// TestSalesInOtherCurrencies: amounts have the decimals that theirs has.
func TestSalesInOtherCurrencies(t *testing.T) {
	for currency, want := range map[string]string{"JPY": "4500", "KWD": "4.500", "EUR": "45.00"} {
		address := "sqlite:" + t.TempDir() + "/seatlock.db"
		galaOn(t, address, "--currency", currency)
		pay(t, address, book(t, address, "demo", "stalls-A-1"))
		rows, err := csv.NewReader(strings.NewReader(does(t, "sales", "--store", address, "--event", "gala", "--format", "csv"))).ReadAll()
		if err != nil || len(rows) != 3 || rows[1][5] != currency || rows[1][7] != want || rows[2][17] != want {
			t.Errorf("%s: %v: the rows are %q, want %s", currency, err, rows, want)
		}
	}
}

// TestSalesOfARemovedEvent: its bookings tell whether it has begun.
func TestSalesOfARemovedEvent(t *testing.T) {
	address := "sqlite:" + t.TempDir() + "/seatlock.db"
	galaOn(t, address, "--starts", localTime(time.Now().Add(-time.Hour), "Europe/Vienna")[:16], "--past")
	code := store.NewCode()
	err := withStore(t.Context(), address, false, func(st *store.Store) error {
		_, err := st.Sell(t.Context(), store.SellRequest{Event: "gala", Code: code, Provider: "house", Revision: 1, Person: store.Person{Name: "Ada"},
			Lines: []store.Line{{Seat: "stalls-A-1", Category: "Front", Tariff: "reduced", TariffName: "Reduced", Price: 4500}}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, removed := range []bool{false, true} {
		if removed {
			does(t, "cancel", "--store", address, code, "--no-refund")
			does(t, "remove", "--store", address, "--event", "gala")
		}
		lines := salesLines(t, address)
		wantAddedUp(t, lines)
		wantFields(t, lines[0], map[string]any{"tariff": "Reduced", "no_shows": map[bool]float64{false: 1, true: 0}[removed]})
	}
}

// TestSalesThatDoNotAddUp: money that is nowhere is a fault, and said.
func TestSalesThatDoNotAddUp(t *testing.T) {
	r := salesReport{event: "gala", sold: []*takings{{currency: "EUR", stuck: 100}}}
	r.sold[0].Captured, r.sold[0].ToRefund = 300, 300
	var out strings.Builder
	if err := r.describe(&out); err != nil || !strings.Contains(out.String(), "to refund: €2.00 is not amount + kept: €0.00.\n") {
		t.Errorf("%v: it says\n%s", err, &out)
	}
	if err := r.fault(); err == nil || !strings.Contains(err.Error(), "€2.00 is neither kept, nor on its way back") {
		t.Errorf("it is %v", err)
	}
}
