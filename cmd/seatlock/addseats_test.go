package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// largerCSV is smallCSV with a seat before the others, a section, and other
// prices and places; it withholds one seat that is new and one that is not.
const largerCSV = "section,row,seat,category,price,x,y,id,withheld\n" +
	"Stalls,A,0,Front,4800,-1,3,,yes\n" +
	"Stalls,A,2,Front,4800,1,3,stalls-A-2,\n" +
	"Stalls,A,1,Front,4800,0,3.5,stalls-A-1,yes\n" +
	"Box,A,1,Box,9900,5,3,,\n" +
	"Circle,A,1,Rear,2000,0,9,circle-A-1,\n"

func addSeats(address string, args ...string) []string {
	return append([]string{"import", "--add-seats", "--store", address, "--event", "gala"}, args...)
}

// TestAddSeats: the event has more seats, and what it had stays whose it was.
func TestAddSeats(t *testing.T) {
	address := house(t)
	lockSeat(t, address, "circle-A-1")
	before := seatsOf(t, address)
	dry := does(t, addSeats(address, "--dry-run", fileOf(t, largerCSV))...)
	if !strings.Contains(dry, "Event gala would have 2 seats more. Nothing was written") || !reflect.DeepEqual(seatsOf(t, address), before) {
		t.Errorf("a dry run said\n%s\nand left %+v", dry, seatsOf(t, address))
	}
	out := does(t, addSeats(address, fileOf(t, largerCSV))...)
	if want := "Event gala has 2 seats more.\n  price of Front  €45 → €48\n  price of Box    none → €99\n"; !strings.HasSuffix(out, want) {
		t.Errorf("said\n%s\nwant at the end\n%s", out, want)
	}
	var got []string
	for _, s := range seatsOf(t, address) {
		got = append(got, s.ID+" "+s.Status+" "+s.Price)
	}
	want := []string{"stalls-A-0 withheld €48", "stalls-A-2 withheld €48", "stalls-A-1 available €48", "box-A-1 available €99", "circle-A-1 locked €20"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the seats are %q, want %q", got, want)
	}
	if until := seatsOf(t, address)[4].Until; until != before[2].Until {
		t.Errorf("a lock until %s ends at %s now", before[2].Until, until)
	}
	event := gala(t, address)
	if event.Title != "=Gala" || event.Zone != "Europe/Vienna" || event.Revision != 2 {
		t.Errorf("got %+v, want title and zone as they were", event)
	}
	file := readFile(t, largerCSV)
	file.Withheld = []string{"stalls-A-0", "stalls-A-2"}
	if got := readFile(t, does(t, "export", "--store", address, "--event", "gala")); !reflect.DeepEqual(got, file) {
		t.Errorf("exported\n%+v\nwant\n%+v", got, file)
	}
	if again := does(t, addSeats(address, fileOf(t, largerCSV))...); !strings.HasSuffix(again, "Event gala has this plan already: nothing was changed.\n") {
		t.Errorf("the same again said\n%s", again)
	}
	if again := gala(t, address); !reflect.DeepEqual(again, event) {
		t.Errorf("the same again made of\n%+v\nthis\n%+v", event, again)
	}
}

func lockSeat(t *testing.T, address, seat string) {
	t.Helper()
	err := withStore(t.Context(), address, false, func(st *store.Store) error {
		_, err := st.Lock(t.Context(), store.LockRequest{Event: "gala", Holder: "somebody-secret", Seats: []string{seat}, Rules: store.DefaultRules()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestAddSeatsRefuses: no import drops a seat, and a mistake changes nothing.
func TestAddSeatsRefuses(t *testing.T) {
	address := house(t)
	lockSeat(t, address, "circle-A-1")
	before := seatsOf(t, address)
	lines := strings.SplitAfter(smallCSV, "\n")
	for i, missing := range []string{"stalls-A-1", "stalls-A-2", "circle-A-1"} { // free, withheld, locked
		text := "section,row,seat,category,price,x,y,id\n"
		for k, id := range []string{"stalls-A-1", "stalls-A-2", "circle-A-1"} {
			if k != i {
				text += strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(lines[k+1], "\n"), "yes"), ",") + "," + id + "\n"
			}
		}
		refuses(t, exitFault, `seat "`+missing+`" of the event is not in the plan; nothing was changed`, addSeats(address, fileOf(t, text))...)
		refuses(t, exitFault, `seat "`+missing+`"`, addSeats(address, "--dry-run", fileOf(t, text))...)
	}
	sound := fileOf(t, largerCSV)
	for _, m := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, "--title does not go with --add-seats: seatlock change", addSeats(address, "--title", "T", sound)},
		{exitUsage, "--zone does not go", addSeats(address, sound, "--zone", "UTC")},
		{exitUsage, "wants --event", addSeats(address, "--event", "", sound)},
		{exitUsage, "wants one FILE", addSeats(address)},
		{exitUsage, "want sqlite:FILE", addSeats("seats.db", sound)},
		{exitFault, "no such event", addSeats(address, "--event", "gone", sound)},
		{exitFault, "no such file", addSeats(address+".typo", sound)},
		{exitFault, "line 1: not UTF-8", addSeats(address, fileOf(t, "\xff"))},
	} {
		refuses(t, m.code, m.want, m.args...)
	}
	if after := seatsOf(t, address); !reflect.DeepEqual(after, before) || gala(t, address).Revision != 1 {
		t.Errorf("the seats went from %+v to %+v", before, after)
	}
}

// TestSameImportAgain is a success, whatever became of the event meanwhile.
func TestSameImportAgain(t *testing.T) {
	address := "sqlite:" + filepath.Join(t.TempDir(), "seatlock.db")
	again := []string{"import", "--create", "--store", address, "--event", "gala", "--title", "The Gala", fileOf(t, smallCSV)}
	does(t, again...)
	does(t, change(address, "--title", "Corrected")...)
	before := gala(t, address)
	if said := does(t, again...); !strings.HasSuffix(said, "Event gala was made so already: nothing was changed.\n") {
		t.Errorf("said\n%s", said)
	}
	if after := gala(t, address); !reflect.DeepEqual(after, before) {
		t.Errorf("got\n%+v\nwant\n%+v", after, before)
	}
	refuses(t, exitFault, "exists already, and was left as it is (--add-seats", append(again, "--venue", "Elsewhere")...)
}

func (r *rushed) AddSeats(ctx context.Context, e store.NewEvent) (store.Event, error) {
	if _, err := r.UpdateEvent(ctx, e.Event); err != nil { // which others do before
		return e.Event, err
	}
	return r.Store.AddSeats(ctx, e)
}

func draftOf(t *testing.T, text string) plan.Draft {
	t.Helper()
	draft, err := plan.ReadDraft(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return draft
}

func TestAddSeatsBesideOthers(t *testing.T) {
	address := house(t)
	err := withStore(t.Context(), address, false, func(st *store.Store) error {
		i := importing{event: "gala"}
		g, err := i.grow(t.Context(), &rushed{st, 3}, draftOf(t, largerCSV), t.Output())
		if err != nil || g.Kept != 3 || g.after.Venue != "xxx" {
			t.Errorf("%v: %+v, had %d; want the seats on top of three changes of others", err, g.after, g.Kept)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(seatsOf(t, address)); n != 5 {
		t.Errorf("%d seats", n)
	}
}

// TestAddSeatsBesideAServer: on either engine, an open stream tells of the new
// seats, pages have them, and they can be had.
func TestAddSeatsBesideAServer(t *testing.T) {
	for name, p := range map[string]*program{
		"embedded": serveProgram(t),
		"MongoDB":  serveStoreOf(t, mongoWithDemo(t), noDemos),
	} {
		does(t, "import", "--create", "--store", p.store, "--event", "gala", "--title", "T", fileOf(t, smallCSV))
		old := p.eventually("/events/gala", "seat-circle-A-1")
		live := p.follow("/events/gala/live")
		does(t, addSeats(p.store, fileOf(t, largerCSV))...)
		page := p.eventually("/events/gala", `id="seat-box-A-1"`)
		for deadline := time.Now().Add(20 * time.Second); !strings.Contains(live.String(), `id="seat-stalls-A-0"`); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: the stream is\n%s", name, live)
			}
		}
		if !strings.Contains(page, "€99") || !strings.Contains(page, `id="section-box"`) || sheetOf(t, page) == sheetOf(t, old) {
			t.Errorf("%s: the page is\n%s", name, page)
		}
		if _, _, css := get(t, p.site+sheetOf(t, page)); !strings.Contains(css, "#seat-box-A-1{") {
			t.Errorf("%s: the stylesheet does not place the new seat:\n%s", name, css)
		}
		if status, body := p.rival().answer("/events/gala/lock", "box-A-1"); status != http.StatusOK || !strings.Contains(body, "Yours until") {
			t.Errorf("%s: a lock of a new seat answers %d", name, status)
		}
	}
}

// TestAddSeatsOnAnOpenPage: its stylesheet is that of the plan before. Seats that
// it does not place lie on no others; loaded again, it has all.
func TestAddSeatsOnAnOpenPage(t *testing.T) {
	p := serveProgram(t)
	does(t, "import", "--create", "--store", p.store, "--event", "gala", "--title", "T", fileOf(t, smallCSV))
	p.eventually("/events/gala", "seat-circle-A-1")
	v := p.newVisitor(testengine.Chromium(t))
	v.open("/events/gala")
	v.untilLive()
	v.mark()
	does(t, addSeats(p.store, fileOf(t, largerCSV))...)
	v.until("the new seat comes", `document.getElementById('seat-stalls-A-0') !== null`)
	const inSight = `document.getElementById('seat-%s').getBoundingClientRect().right > 0`
	if ask[bool](v, fmt.Sprintf(inSight, "stalls-A-0")) || !ask[bool](v, fmt.Sprintf(inSight, "stalls-A-1")) {
		t.Error("a seat without a place is in sight, or one that has its place is not")
	}
	v.clickSeat("stalls-A-1")
	v.basket("stalls-A-1")
	v.wantSamePage()
	v.open("/events/gala")
	for _, id := range []string{"stalls-A-0", "box-A-1"} {
		v.until(id+" is in sight", fmt.Sprintf(inSight, id))
	}
	v.clickSeat("box-A-1")
	v.basket("stalls-A-1", "box-A-1")
}

// sheetOf is the path of the plan's stylesheet.
func sheetOf(t *testing.T, page string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, `<link rel="stylesheet" href="/events/`)
	path, _, _ := strings.Cut(rest, `"`)
	if !found {
		t.Fatalf("the page has no stylesheet of its own:\n%s", page)
	}
	return "/events/" + path
}
