package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
)

// galaOn is the event of house on a store of either engine, with all seats on
// sale.
func galaOn(t *testing.T, address string, flags ...string) string {
	t.Helper()
	does(t, append([]string{"import", "--create", "--store", address, "--event", "gala", "--title", "=Gala", "--zone", "Europe/Vienna",
		"--starts", "2030-06-01T19:30", fileOf(t, smallCSV)}, flags...)...)
	does(t, "unwithhold", "--store", address, "--event", "gala", "stalls-A-2")
	return address
}

// onBothEngines runs a test on an embedded store and on MongoDB.
func onBothEngines(t *testing.T, test func(t *testing.T, address string)) {
	t.Run("embedded", func(t *testing.T) { test(t, "sqlite:"+t.TempDir()+"/seatlock.db") })
	t.Run("MongoDB", func(t *testing.T) { test(t, testengine.ReplicaSet(t).NewDatabase(t)) })
}

// TestTariffsOfAnEvent: what is named is kept and told, one tariff at a time or
// all anew, on either engine.
func TestTariffsOfAnEvent(t *testing.T) {
	onBothEngines(t, func(t *testing.T, address string) {
		galaOn(t, address)
		wantSaid(t, does(t, change(address, "--tariff", "full=Full", "--tariff", "reduced=Reduced", "--tariff", "child=Child",
			"--tariff-off", "reduced=30", "--tariff-price", "child=10.00", "--tariff-price", "child/Rear=5,00", "--tariff-most", "child=2")...),
			"Event gala was changed.\n"+
				"  tariff full     none → Full, the full price\n"+
				"  tariff reduced  none → Reduced, 30% off\n"+
				"  tariff child    none → Child, €10 for Front, €5 for Rear, 2 seats of a booking at most\n")
		want := []store.Tariff{{ID: "full", Name: "Full"}, {ID: "reduced", Name: "Reduced", Off: 30},
			{ID: "child", Name: "Child", Prices: map[string]int64{"front": 1000, "rear": 500}, Most: 2}}
		wantTariffs(t, address, want...)
		wantSaid(t, does(t, change(address, "--tariff-off", "reduced=30")...), "Event gala is so already: nothing was changed.\n")
		wantSaid(t, does(t, change(address, "--tariff-off", "child=70", "--tariff-most", "child=none")...),
			"Event gala was changed.\n"+
				"  tariff child  Child, €10 for Front, €5 for Rear, 2 seats of a booking at most → Child, 70% off\n")
		want[2] = store.Tariff{ID: "child", Name: "Child", Off: 70}
		wantTariffs(t, address, want...)

		var events []map[string]any
		if err := json.Unmarshal([]byte(does(t, "events", "--store", address, "--format", "json")), &events); err != nil {
			t.Fatal(err)
		}
		if got, want := events[0]["tariffs"].([]any)[1], (map[string]any{"id": "reduced", "name": "Reduced", "off": 30.0}); !reflect.DeepEqual(got, want) {
			t.Errorf("events tells the tariff %v, want %v", got, want)
		}
		wantSaid(t, does(t, change(address, "--tariff", "reduced=Concession", "--tariff", "full=Full", "--tariff-off", "reduced=20", "--title", "The Gala", "--yes")...),
			"Event gala was changed.\n"+
				"  title             =Gala → The Gala\n"+
				"  tariff reduced    Reduced, 30% off → Concession, 20% off\n"+
				"  tariff child      Child, 70% off → none\n"+
				"  order of tariffs  full, reduced → reduced, full\n")
		does(t, change(address, "--tariff-price", "reduced/front=30.00")...)
		wantTariffs(t, address, store.Tariff{ID: "reduced", Name: "Concession", Prices: map[string]int64{"front": 3000}}, store.Tariff{ID: "full", Name: "Full"})
		does(t, change(address, "--tariff-price", "reduced=none", "--tariff", "reduced=Concession", "--tariff", "full=Full")...)
		wantSaid(t, does(t, change(address, "--tariff", "none", "--yes")...),
			"Event gala was changed.\n"+
				"  tariff reduced  Concession, the full price → none\n"+
				"  tariff full     Full, the full price → none\n")
		wantTariffs(t, address)
	})
}

// TestTariffsAreRenamed: they keep their rules, whatever these are, and what is
// removed is told.
func TestTariffsAreRenamed(t *testing.T) {
	address := galaOn(t, "sqlite:"+t.TempDir()+"/seatlock.db", "--tariff", "full=Full", "--tariff", "red=Reduced", "--tariff", "child=Child",
		"--tariff-off", "red=30", "--tariff-price", "child=10.00", "--tariff-most", "child=2", "--tariff-beside-accessible", "child")
	child := store.Tariff{ID: "child", Name: "Kind", Prices: map[string]int64{"front": 1000, "rear": 1000}, Most: 2, Beside: true}
	wantSaid(t, does(t, change(address, "--tariff", "full=Voll", "--tariff", "red=Ermäßigt", "--tariff", "child=Kind", "--tariff-most", "red=4")...),
		"Event gala was changed.\n"+
			"  tariff full   Full, the full price → Voll, the full price\n"+
			"  tariff red    Reduced, 30% off → Ermäßigt, 30% off, 4 seats of a booking at most\n"+
			"  tariff child  Child, €10, 2 seats of a booking at most, beside an accessible seat → Kind, €10, 2 seats of a booking at most, beside an accessible seat\n")
	wantTariffs(t, address, store.Tariff{ID: "full", Name: "Voll"}, store.Tariff{ID: "red", Name: "Ermäßigt", Off: 30, Most: 4}, child)
	wantSaid(t, does(t, change(address, "--tariff", "full=Voll", "--tariff", "child=Kind", "--yes")...),
		"Event gala was changed.\n  tariff red  Ermäßigt, 30% off, 4 seats of a booking at most → none\n")
	wantTariffs(t, address, store.Tariff{ID: "full", Name: "Voll"}, child)
}

func wantTariffs(t *testing.T, address string, want ...store.Tariff) {
	t.Helper()
	if got := gala(t, address).Tariffs; len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("the tariffs are\n%+v, want\n%+v", got, want)
	}
}

// TestTariffsThatCannotBe: one line, and the event as it was.
func TestTariffsThatCannotBe(t *testing.T) {
	address := house(t)
	does(t, change(address, "--tariff", "full=Full", "--tariff", "child=Child", "--tariff-price", "child=30.00")...)
	before := gala(t, address)
	for _, m := range []struct {
		want string
		args []string
	}{
		{"want ID=PERCENT, a whole percentage from 1 to 100, or none", []string{"--tariff-off", "full=0"}},
		{"want ID=PERCENT, a whole percentage from 1 to 100, or none", []string{"--tariff-off", "full=101"}},
		{"want ID=PERCENT, a whole percentage from 1 to 100, or none", []string{"--tariff-off", "full=33.3"}},
		{"want ID=PERCENT, a whole percentage from 1 to 100, or none", []string{"--tariff-off", "full=-5"}},
		{"want ID=PERCENT, a whole percentage from 1 to 100, or none", []string{"--tariff-off", "full"}},
		{`there is no tariff "senior": the tariffs are full, child`, []string{"--tariff-off", "senior=10"}},
		{`there is no tariff "child": the tariffs are adult`, []string{"--tariff", "adult=Adult", "--tariff-most", "child=1"}},
		{`--tariff-price child/gold=1.00: the categories are front, rear`, []string{"--tariff-price", "child/gold=1.00"}},
		{"--tariff-price child=10: 10 could be €10.00 or €0.10", []string{"--tariff-price", "child=10"}},
		{"want ID=AMOUNT or ID/CATEGORY=AMOUNT", []string{"--tariff-price", "child=-1.00"}},
		{"want none for all categories", []string{"--tariff-price", "child/front=none"}},
		{"want one of them for a tariff", []string{"--tariff-price", "child=10.00", "--tariff-off", "child=10", "--yes"}},
		{"want ID=N, a whole number from 1 to 500", []string{"--tariff-most", "child=0"}},
		{"want ID=N, a whole number from 1 to 500", []string{"--tariff-most", "child=501"}},
		{"want ID, or ID=no", []string{"--tariff-beside-accessible", "child=maybe"}},
		{"want ID=NAME", []string{"--tariff", "full"}},
		{"want ID=NAME", []string{"--tariff", "a b=Full"}},
		{"want ID=NAME", []string{"--tariff", "full="}},
		{"it stands twice", []string{"--tariff", "full=Full", "--tariff", "full=Whole", "--tariff", "child=Child"}},
		{"has no visible character", []string{"--tariff", "full=\u3164", "--tariff", "child=Child"}},
		{"name: want 1 to", []string{"--tariff", "full=a\u202eb", "--tariff", "child=Child"}},
		{"--tariff none: want it alone", []string{"--tariff", "none", "--tariff", "full=Full"}},
		{"price of Front as Child: from €30.00 to €10.00 is a change by more than half: say --yes", []string{"--tariff-price", "child=10.00"}},
		{"price of Front: from €45.00 to €0.00 is a change by more than half: say --yes", []string{"--tariff-off", "full=100"}},
		{"price of Front: from €45.00 to €4.50 is a change by more than half: say --yes", []string{"--tariff", "half=Less", "--tariff-off", "half=90", "--tariff", "full=Full", "--tariff", "child=Child"}},
		{"--tariff would remove child: name all that are to stay with --tariff, or say --yes", []string{"--tariff", "full=Full price"}},
		{"--tariff would remove full, child: name all", []string{"--tariff", "none"}},
	} {
		refuses(t, exitUsage, m.want, change(address, m.args...)...)
		if after := gala(t, address); !reflect.DeepEqual(after, before) {
			t.Fatalf("%v: the event went from\n%+v to\n%+v", m.args, before, after)
		}
	}
	does(t, change(address, "--tariff-price", "child=10.00", "--yes")...)
	wantTariffs(t, address, store.Tariff{ID: "full", Name: "Full"}, store.Tariff{ID: "child", Name: "Child", Prices: map[string]int64{"front": 1000, "rear": 1000}})
}

// TestTariffBesideAccessible: who asks for one that nobody can choose is told.
func TestTariffBesideAccessible(t *testing.T) {
	address := house(t)
	args := change(address, "--tariff", "full=Full", "--tariff", "companion=Companion", "--tariff-off", "companion=100", "--tariff-beside-accessible", "companion")
	code, out, faults := told(t, args...)
	if code != exitOK || !strings.Contains(out, "Companion, 100% off, beside an accessible seat\n") ||
		!strings.Contains(faults, "nobody can choose the tariff companion: it is for a seat beside an accessible one, and the hall has none\n") {
		t.Errorf("exit %d, %s, %s", code, out, faults)
	}
	code, _, faults = told(t, change(address, "--tariff-beside-accessible", "companion=no")...)
	if code != exitOK || faults != "" {
		t.Errorf("without it: exit %d, %s", code, faults)
	}
	hall := fileOf(t, "row,seat,category,price,properties\nA,1,Front,28.00,accessible\nA,2,Front,28.00,\n")
	code, out, faults = told(t, "import", "--store", address, "--event", "ball", "--title", "T", "--tariff", "full=Full", "--tariff", "companion=Companion",
		"--tariff-off", "companion=100", "--tariff-beside-accessible", "companion", hall)
	if code != exitOK || faults != "" || !strings.Contains(out, "  tariff companion  Companion, 100% off, beside an accessible seat\n") {
		t.Errorf("with an accessible seat: exit %d, %s, %s", code, out, faults)
	}
	code, _, faults = told(t, "change", "--store", address, "--event", "ball", "--tariff-beside-accessible", "full")
	if code != exitOK || faults != "seatlock: the tariff full is a default, and only for a seat beside an accessible one: no other seat can be booked unless another tariff is chosen for it\n" {
		t.Errorf("as the default: exit %d, %s", code, faults)
	}
}

// TestImportWithTariffs: they are those of the event, and an import that is
// repeated with others is another event.
func TestImportWithTariffs(t *testing.T) {
	address := house(t)
	ball := func(tariffs ...string) []string {
		return append([]string{"import", "--store", address, "--event", "ball", "--title", "The Ball", fileOf(t, smallCSV)}, tariffs...)
	}
	tariffs := []string{"--tariff", "full=Full", "--tariff", "half=Half price", "--tariff-off", "half=50"}
	does(t, ball(tariffs...)...)
	event, err := eventOf(t, address, "ball")
	if price, ok := event.PriceAs("front", "half"); err != nil || len(event.Tariffs) != 2 || price != 2250 || !ok {
		t.Errorf("%v: the tariffs are %+v", err, event.Tariffs)
	}
	if said := does(t, ball(tariffs...)...); !strings.Contains(said, "was made so already") {
		t.Errorf("repeated, it said\n%s", said)
	}
	refuses(t, exitFault, "exists already", ball()...)
	refuses(t, exitUsage, `there is no tariff "x": name it with --tariff`, append(ball("--tariff-off", "x=5"), "--dry-run")...)
	refuses(t, exitUsage, "--tariff does not go with --add-seats", append(addSeats(address, fileOf(t, smallCSV)), "--tariff", "full=Full")...)
}
