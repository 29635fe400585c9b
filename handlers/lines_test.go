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
		gone        = "Somebody else had Row C seat 1 before your payment came, and it is no longer yours. Please choose another seat."
		abgelaufen  = "Ihre Zeit ist abgelaufen: Reihe A Platz 1 ist wieder frei. Wählen Sie noch einmal, wenn Sie noch kommen möchten."
		freigegeben = "Die Kasse hat Reihe B Platz 1 freigegeben. Bitte wählen Sie neu."
		weg         = "Jemand anderes hatte Reihe C Platz 1, bevor Ihre Zahlung kam: Der Platz ist nicht mehr für Sie reserviert. Bitte wählen Sie einen anderen Platz."
	)
	all := append(append(lost(store.ReasonLost, "C1"), lost(store.ReasonLapsed, "A1")...), lost(store.ReasonReleased, "B1")...)
	for _, test := range []struct {
		name            string
		lost            []live.Loss
		english, german string
	}{
		{"nothing", nil, "", ""},
		{"lapsed", lost(store.ReasonLapsed, "A1"), lapsed, abgelaufen},
		{"released", lost(store.ReasonReleased, "B1"), released, freigegeben},
		{"released, two", lost(store.ReasonReleased, "B1", "B2"),
			"The box office has released Row B seat 1, Row B seat 2. Please choose again.",
			"Die Kasse hat Reihe B Platz 1, Reihe B Platz 2 freigegeben. Bitte wählen Sie neu."},
		{"lost", lost(store.ReasonLost, "C1"), gone, weg},
		{"lost, two", lost(store.ReasonLost, "C1", "C2"),
			"Somebody else had Row C seat 1, Row C seat 2 before your payment came, and they are no longer yours. Please choose another seat.",
			"Jemand anderes hatte Reihe C Platz 1, Reihe C Platz 2, bevor Ihre Zahlung kam: Die Plätze sind nicht mehr für Sie reserviert. Bitte wählen Sie andere Plätze."},
		{"all at once", all, lapsed + " " + released + " " + gone, abgelaufen + " " + freigegeben + " " + weg},
	} {
		for h, want := range map[*views.Hall]string{english: test.english, german: test.german} {
			if got := lostLine(h, test.lost); got != want {
				t.Errorf("%s in %v:\n%s\nwant\n%s", test.name, h.Language(), got, want)
			}
		}
	}
}
