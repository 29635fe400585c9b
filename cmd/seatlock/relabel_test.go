package main

import (
	"compress/gzip"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/seatlock/seatlock/store"
)

// importedBefore unpacks a store with events that the program of 48c37df has
// imported, from the files of store/plan/testdata: latin, cyrillic, one.
func importedBefore(t *testing.T) (address string) {
	t.Helper()
	packed, err := os.Open("testdata/ids.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	from, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "seatlock.db")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + path
}

// idsOf is what the seats of an event are called, by id.
func idsOf(t *testing.T, address, event string) map[string]string {
	t.Helper()
	ids := map[string]string{}
	for _, s := range readFile(t, does(t, "export", "--store", address, "--event", event)).Plan.Sections {
		for _, r := range s.Rows {
			for _, seat := range r.Seats {
				ids[seat.ID] = s.Name + " " + r.Label + " " + seat.Label + " " + seat.Category
			}
		}
	}
	return ids
}

func hold(t *testing.T, address, event, seat string) {
	t.Helper()
	err := withStore(t.Context(), address, false, func(st *store.Store) error {
		_, err := st.Lock(t.Context(), store.LockRequest{Event: event, Holder: "somebody", Seats: []string{seat}, Rules: store.DefaultRules()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestALockedSeatStaysItsPlace: a section before it in the file made a seat of
// the stalls, for €50, one of the balcony, for €20.
func TestALockedSeatStaysItsPlace(t *testing.T) {
	const stalls = "section,row,seat,category,price\nПартер,1,1,Партер,5000\n"
	larger := fileOf(t, strings.Replace(stalls, "\n", "\nБалкон,1,1,Балкон,2000\n", 1))
	fresh := "sqlite:" + filepath.Join(t.TempDir(), "seatlock.db")
	does(t, "import", "--create", "--store", fresh, "--event", "gala", "--title", "T", fileOf(t, stalls))
	before := idsOf(t, fresh, "gala")
	if len(before) != 1 || !strings.HasPrefix(before["1-1"], "Партер 1 1 ") {
		t.Fatalf("the seats are %v", before)
	}
	hold(t, fresh, "gala", "1-1")
	if out := does(t, addSeats(fresh, larger)...); !strings.Contains(out, "1 seat keeps its id, 1 new.\n") {
		t.Errorf("said\n%s", out)
	}
	after := idsOf(t, fresh, "gala")
	if after["1-1"] != before["1-1"] || len(after) != 2 {
		t.Errorf("the seats went from %v to %v", before, after)
	}
	for _, s := range seatsOf(t, fresh) {
		if locked := s.Status == "locked"; locked != (s.ID == "1-1") || locked && s.Price != "€50" {
			t.Errorf("got %+v", s)
		}
	}
	if out := does(t, addSeats(fresh, larger)...); !strings.HasSuffix(out, "2 seats keep their ids, 0 new.\nEvent gala has this plan already: nothing was changed.\n") {
		t.Errorf("the same again said\n%s", out)
	}
}

// TestImportsOfBefore can be repeated, and grow.
func TestImportsOfBefore(t *testing.T) {
	address := importedBefore(t)
	does(t, "upgrade", "--store", address)
	for event, more := range map[string]string{
		"latin": "Balcony,A,1,Rear,2000,0,20", "cyrillic": "Ложа,1,1,Балкон,2000", "one": "Balcony,A,1,Standard,5000,0,20",
	} {
		body, err := os.ReadFile("../../store/plan/testdata/" + event + ".csv")
		if err != nil {
			t.Fatal(err)
		}
		before := idsOf(t, address, event)
		again := []string{"import", "--create", "--store", address, "--event", event, "--title", "T", fileOf(t, string(body))}
		if out := does(t, again...); !strings.HasSuffix(out, "Event "+event+" was made so already: nothing was changed.\n") {
			t.Errorf("%s: said\n%s", event, out)
		}
		header, rest, _ := strings.Cut(string(body), "\n")
		larger := fileOf(t, header+"\n"+more+"\n"+rest)
		does(t, "import", "--add-seats", "--store", address, "--event", event, larger)
		after := idsOf(t, address, event)
		if len(after) != len(before)+1 {
			t.Errorf("%s has %v", event, after)
		}
		maps.DeleteFunc(after, func(id, _ string) bool { return before[id] == "" })
		if !reflect.DeepEqual(after, before) {
			t.Errorf("%s: the seats went from %v to %v", event, before, after)
		}
		if out := does(t, again...); !strings.HasSuffix(out, "nothing was changed.\n") {
			t.Errorf("%s: a repeat after that said\n%s", event, out)
		}
	}
}

func TestRelabel(t *testing.T) {
	address := house(t)
	text := does(t, "export", "--store", address, "--event", "gala", "--format", "csv")
	renamed := strings.Replace(text, "Circle,A,1,", "Circle,A,7,", 1)
	file := fileOf(t, renamed)
	refuses(t, exitFault, "1 seat of the event would be called otherwise: circle-A-1: Circle, row A, seat 1 -> Circle, row A, seat 7: say --relabel if that is meant; nothing was changed", addSeats(address, file)...)
	refuses(t, exitFault, "say --relabel", addSeats(address, "--dry-run", file)...)
	refuses(t, exitUsage, "--relabel goes with --add-seats", "import", "--relabel", "--event", "x", "--title", "T", file)
	lockSeat(t, address, "circle-A-1")
	refuses(t, exitFault, "seat circle-A-1 is locked", addSeats(address, "--relabel", file)...)
	refuses(t, exitFault, "seat circle-A-1 is locked", addSeats(address, "--relabel", "--dry-run", file)...)
	swapped := strings.NewReplacer("Stalls,A,1,", "Stalls,A,2,", "Stalls,A,2,", "Stalls,A,1,").Replace(text)
	refuses(t, exitFault, "seats never change places with one another", addSeats(address, "--relabel", fileOf(t, swapped))...)
	refuses(t, exitFault, "without ids in the file", addSeats(address, "--relabel", fileOf(t, strings.Replace(smallCSV, "Circle,A,1", "Circle,A,7", 1)))...)
	if got := does(t, "export", "--store", address, "--event", "gala", "--format", "csv"); got != text {
		t.Errorf("refusals made\n%s\nof\n%s", got, text)
	}
	free := strings.Replace(text, "Stalls,A,1,", "Stalls,A,9,", 1)
	dry := does(t, addSeats(address, "--relabel", "--dry-run", fileOf(t, free))...)
	const line = "  relabelled stalls-A-1: Stalls, row A, seat 1 -> Stalls, row A, seat 9\n"
	if out := does(t, addSeats(address, "--relabel", fileOf(t, free))...); !strings.Contains(out, line) || !strings.Contains(dry, line) {
		t.Errorf("said\n%s\nand before\n%s", out, dry)
	}
	if got := idsOf(t, address, "gala")["stalls-A-1"]; got != "Stalls A 9 front" {
		t.Errorf("the seat is %s", got)
	}
}
