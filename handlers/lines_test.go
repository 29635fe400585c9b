package handlers

import (
	"testing"

	"golang.org/x/text/language"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
	"github.com/seatlock/seatlock/views"
)

// Seats that are lost at once for different reasons are told in one line.
func TestLostLine(t *testing.T) {
	file, err := plan.Demo("demo")
	if err != nil {
		t.Fatal(err)
	}
	english, err := views.NewHall(store.Event{ID: "demo", Zone: "UTC", Currency: "EUR", Prices: file.Prices}, file.Plan)
	if err != nil {
		t.Fatal(err)
	}
	german := english.In(language.German)
	lost := func(reason store.Reason, seats ...string) (all []live.Loss) {
		for _, id := range seats {
			all = append(all, live.Loss{Seat: store.Seat{ID: id}, Reason: reason})
		}
		return all
	}
	const (
		lapsed      = "Your time ran out: Row A seat 1 is free again. Choose again if you still want to come."
		released    = "The box office has released Row B seat 1. Please choose again."
		gone        = "Row C seat 1 went to somebody else before your payment came. Please choose another seat."
		abgelaufen  = "Ihre Zeit ist abgelaufen: Reihe A Platz 1 ist wieder frei. Wählen Sie noch einmal, wenn Sie noch kommen möchten."
		freigegeben = "Die Kasse hat Reihe B Platz 1 freigegeben. Bitte wählen Sie neu."
		weg         = "Reihe C Platz 1 hat jemand anderes bekommen, bevor Ihre Zahlung kam. Bitte wählen Sie einen anderen Platz."
	)
	all := append(append(lost(store.ReasonLost, "C1"), lost(store.ReasonLapsed, "A1")...), lost(store.ReasonReleased, "B1")...)
	for _, test := range []struct {
		name            string
		lost            []live.Loss
		english, german string
		bad             bool
	}{
		{"nothing", nil, "", "", false},
		{"lapsed", lost(store.ReasonLapsed, "A1"), lapsed, abgelaufen, true},
		{"released", lost(store.ReasonReleased, "B1"), released, freigegeben, true},
		{"released, two", lost(store.ReasonReleased, "B1", "B2"),
			"The box office has released Row B seat 1, Row B seat 2. Please choose again.",
			"Die Kasse hat Reihe B Platz 1, Reihe B Platz 2 freigegeben. Bitte wählen Sie neu.", true},
		{"lost", lost(store.ReasonLost, "C1"), gone, weg, true},
		{"lost, two", lost(store.ReasonLost, "C1", "C2"),
			"Row C seat 1, Row C seat 2 went to somebody else before your payment came. Please choose another seat.",
			"Reihe C Platz 1, Reihe C Platz 2 hat jemand anderes bekommen, bevor Ihre Zahlung kam. Bitte wählen Sie andere Plätze.", true},
		{"all at once", all, lapsed + " " + released + " " + gone, abgelaufen + " " + freigegeben + " " + weg, true},
		{"declined", lost(store.ReasonDeclined, "A1"),
			"Your payment was declined or given up; Row A seat 1 is still kept for you until 20:15:00.",
			"Ihre Zahlung wurde abgelehnt oder abgebrochen; Reihe A Platz 1 bleibt noch bis 20:15:00 für Sie reserviert.", true},
		{"booked", lost(store.ReasonBooked, "A1", "A2"), "Booked: Row A seat 1, Row A seat 2.", "Gebucht: Reihe A Platz 1, Reihe A Platz 2.", false},
		{"cancelled, two", lost(store.ReasonCancelled, "A1", "A2"), "Cancelled: Row A seat 1, Row A seat 2 are free again.",
			"Storniert: Reihe A Platz 1, Reihe A Platz 2 sind wieder frei.", false},
		{"lapsed and booked", append(lost(store.ReasonBooked, "B1"), lost(store.ReasonLapsed, "A1")...),
			lapsed + " Booked: Row B seat 1.", abgelaufen + " Gebucht: Reihe B Platz 1.", true},
	} {
		for h, want := range map[*views.Hall]string{english: test.english, german: test.german} {
			if got, bad := lostLine(h, test.lost, "20:15:00"); got != want || bad != test.bad {
				t.Errorf("%s in %v:\n%s\nwant\n%s", test.name, h.Language(), got, want)
			}
		}
	}
}
