package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/checkout/ticket"
	"github.com/seatlock/seatlock/internal/filelock"
	"github.com/seatlock/seatlock/store"
)

// listOf exports the list of the gala.
func listOf(t *testing.T, address string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "door.list")
	does(t, atDoor(address, "--export", path)...)
	return path
}

// offline is a door with this list and no store.
func offline(list string, args ...string) []string {
	return append([]string{"checkin", "--store", "sqlite:nowhere/seatlock.db", "--offline", "--list", list}, args...)
}

// TestDoorList: it has what a door must know, nothing of people, and is for its
// owner alone.
func TestDoorList(t *testing.T) {
	address, seats := houseOnSale(t)
	paid, reserved := paidAtDoor(t, address, seats[0], seats[1]), book(t, address, "door", seats[2])
	does(t, "cancel", "--store", address, paid, seats[1])
	does(t, "reissue", "--store", address, paid)
	path := filepath.Join(t.TempDir(), "door.list")
	wantSaid(t, does(t, atDoor(address, "--export", path)...),
		"List "+path+" has 3 tickets of gala: 1 to be let in, 1 not paid, 1 cancelled or ended. Afterwards: seatlock checkin --event gala --merge "+path+"\n")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the list is %v, %v: want it for its owner alone", info, err)
	}
	body := string(fileOnDisk(t, path))
	for _, secret := range []string{"Lovelace", "ada@", "+43", "holder-of", "v1."} {
		if strings.Contains(body, secret) {
			t.Errorf("the list has %q:\n%s", secret, body)
		}
	}
	lines := objects(t, body)
	wantFields(t, lines[0], map[string]any{"seatlock_door_list": 1.0, "event": "gala", "title": "=Gala", "zone": "Europe/Vienna", "key_id": keysOf(t, address).ID(), "tickets": 3.0})
	states := map[any]any{}
	for _, l := range lines[1:] {
		states[l["seat"]] = []any{l["booking"], l["state"], l["issue"]}
	}
	want := map[any]any{seats[0]: []any{paid, "booked", 2.0}, seats[1]: []any{paid, "cancelled", 1.0}, seats[2]: []any{reserved, "unpaid", 1.0}}
	if !reflect.DeepEqual(states, want) {
		t.Errorf("its tickets are %v, want %v", states, want)
	}
	refuses(t, exitFault, path+" is there already", atDoor(address, "--export", path)...)
	if parts, err := filepath.Glob(path + "*"); err != nil || len(parts) != 1 {
		t.Errorf("%v: it left %q", err, parts)
	}
	refuses(t, exitFault, "no such file", atDoor(address, "--export", filepath.Join(path+"-folder", "list"))...)
}

// TestListTicketsOf: bookings that have had tickets are listed with what became of
// them; one that never had any may still be sold.
func TestListTicketsOf(t *testing.T) {
	for _, test := range []struct {
		state    store.BookingState
		provider string
		want     string
	}{
		{store.BookingBooked, "demo", listedBooked}, {store.BookingReserved, checkout.Door, listedUnpaid}, {store.BookingLapsed, checkout.Door, listedEnded},
		{store.BookingPaying, "demo", ""}, {store.BookingLapsed, "demo", ""}, {store.BookingDeclined, "demo", ""}, {store.BookingLost, "demo", ""},
	} {
		got := ""
		for _, l := range listTicketsOf(store.Booking{Code: "ABCDEFGHJK", State: test.state, Provider: test.provider, Lines: []store.Line{{Seat: "A1"}}}) {
			got += l.State
		}
		if got != test.want {
			t.Errorf("%s of %s is listed as %q, want %q", test.state, test.provider, got, test.want)
		}
	}
	cancelled := listTicketsOf(store.Booking{State: store.BookingCancelled, Lines: []store.Line{{Seat: "A1", Cancelled: true}}})
	if len(cancelled) != 1 || cancelled[0].State != listedCancelled {
		t.Errorf("a cancelled one is listed as %v", cancelled)
	}
}

// TestOfflineDoor: without a store, each ticket is let in once, also by the next
// process, and refused with what it is.
func TestOfflineDoor(t *testing.T) {
	address, seats := houseOnSale(t)
	paid, reserved := paidAtDoor(t, address, seats[0], seats[1]), book(t, address, "door", seats[2])
	does(t, "reissue", "--store", address, paid, seats[0])
	does(t, atDoor(address, tokenOf(t, address, paid, seats[1], 1))...)
	list := listOf(t, address)
	good := tokenOf(t, address, paid, seats[0], 2)
	keys := keysOf(t, address)
	foreign := keys.Sign(ticket.Ticket{Event: "other", Code: paid, Seat: seats[0], Issue: 1})
	stranger := ticket.NewKeys([]byte("another secret of another house!")).Sign(ticket.Ticket{Event: "gala", Code: paid, Seat: seats[0], Issue: 2})
	made := clockIn(readList(t, list).Made, time.Now(), "Europe/Vienna")
	for text, want := range map[string]string{
		tokenOf(t, address, paid, seats[0], 1):     "NO  replaced by another ticket · Stalls, row A, seat 1 · booking " + paid,
		tokenOf(t, address, paid, seats[1], 1):     "NO  checked in already at " + clockOfTicket(t, address, paid, seats[1]) + " · Stalls, row A, seat 2 · booking " + paid,
		tokenOf(t, address, paid, "A9", 2):         "NO  replaced by another ticket · seat A9 · booking " + paid,
		tokenOf(t, address, reserved, seats[2], 1): "NO  not paid when the list was made at " + made + " · Circle, row A, seat 1 · booking " + reserved,
		foreign:                      "NO  for another event: other · seat " + seats[0] + " · booking " + paid,
		stranger:                     "NO  not a ticket of this house",
		flipped(t, good):             "NO  damaged or forged",
		"v1.\x00":                    "NO  not a ticket, or not read in whole",
		strings.Repeat("v1.A", 2560): "NO  not a ticket, or not read in whole",
	} {
		if _, out, _ := told(t, offline(list, text)...); out != want+"\n" {
			t.Errorf("to %.40q it says\n%s\nwant\n%s", text, out, want)
		}
	}
	wantSaid(t, does(t, offline(list, good)...), "IN  Stalls, row A, seat 1 · booking "+paid+"\n")
	exit, out, _ := told(t, offline(list, good)...)
	if at := readList(t, list).scans[0].At; exit != exitFault || out != "NO  checked in already at "+clockIn(at, at, "Europe/Vienna")+" · Stalls, row A, seat 1 · booking "+paid+"\n" {
		t.Errorf("exit %d, %s", exit, out)
	}
	wantSaid(t, does(t, offline(list, "--undo", good)...), "OUT Stalls, row A, seat 1 · booking "+paid+"\n")
	before := fileOnDisk(t, list)
	wantSaid(t, does(t, offline(list, "--undo", good)...), "OUT was not in: nothing was changed · Stalls, row A, seat 1 · booking "+paid+"\n")
	if string(fileOnDisk(t, list)) != string(before) {
		t.Error("what is out is written down as let out")
	}
	_, out, _ = scans(t, good+"\r\n"+good+"\r\n", offline(list)...)
	if !strings.HasPrefix(out, "IN  ") || !strings.Contains(out, "\nNO  checked in already at ") {
		t.Errorf("through a scanner it says\n%s", out)
	}
	for _, s := range readList(t, list).scans {
		if s.Token != good {
			t.Errorf("a scan has the token %q", s.Token)
		}
	}
	wantSaid(t, does(t, offline(list, "--undo", " https://tickets.example/tickets/"+good+"\r")...), "OUT Stalls, row A, seat 1 · booking "+paid+"\n")
	if scans := readList(t, list).scans; scans[len(scans)-1].Token != good {
		t.Errorf("read from an address, it has the token %q", scans[len(scans)-1].Token)
	}
}

func readList(t *testing.T, path string) doorList {
	t.Helper()
	list, err := readScans(path)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestSoldAfterTheList: a ticket that the list cannot have is let in once, and said
// to be so; a door can be told to be strict.
func TestSoldAfterTheList(t *testing.T) {
	address, seats := houseOnSale(t)
	listedCode := paidAtDoor(t, address, seats[0])
	list := listOf(t, address)
	later, unpaid := paidAtDoor(t, address, seats[1]), book(t, address, "door", seats[2])
	does(t, "reissue", "--store", address, listedCode)
	newer, older := tokenOf(t, address, listedCode, seats[0], 2), tokenOf(t, address, listedCode, seats[0], 1)
	token := tokenOf(t, address, later, seats[1], 1)
	exit, out, _ := told(t, offline(list, "--strict", token)...)
	if want := "NO  issued after the list was made · seat " + seats[1] + " · booking " + later + "\n"; exit != exitFault || out != want {
		t.Errorf("exit %d, %s; want %s", exit, out, want)
	}
	wantSaid(t, does(t, offline(list, token)...), "IN  seat "+seats[1]+" · booking "+later+" · issued after the list was made: signed by this house, paid or not\n")
	if _, out, _ = told(t, offline(list, token)...); !strings.HasPrefix(out, "NO  checked in already at ") {
		t.Errorf("again it says %s", out)
	}
	wantSaid(t, does(t, offline(list, newer)...), "IN  Stalls, row A, seat 1 · booking "+listedCode+" · issued after the list was made: signed by this house, paid or not\n")
	_, out, _ = told(t, offline(list, older)...)
	wantSaid(t, out, "NO  replaced by another ticket · Stalls, row A, seat 1 · booking "+listedCode+"\n")
	wantSaid(t, does(t, offline(list, tokenOf(t, address, unpaid, seats[2], 1))...), "IN  seat "+seats[2]+" · booking "+unpaid+" · issued after the list was made: signed by this house, paid or not\n")
	if merged := mustSay(t, exitFault, atDoor(address, "--merge", list)...); !strings.HasPrefix(merged, "INVALID let in here at ") || !strings.Contains(merged, ", and not paid · Circle, row A, seat 1 · booking "+unpaid+"\n") {
		t.Errorf("unpaid it says\n%s", merged)
	}
	does(t, "paid", "--store", address, unpaid)
	merged := does(t, atDoor(address, "--merge", list)...)
	wantSaid(t, merged, "List "+list+": 1 told to the store, 2 known to it, 0 let in twice, 0 not valid, 0 undecided.\n")
}

// TestTornList: the line that a crash has torn is left out with a word, and what
// was answered before it stays; damage elsewhere is not worked with.
func TestTornList(t *testing.T) {
	address, seats := houseOnSale(t)
	code := paidAtDoor(t, address, seats...)
	list := listOf(t, address)
	does(t, offline(list, tokenOf(t, address, code, seats[0], 1))...)
	does(t, offline(list, tokenOf(t, address, code, seats[1], 1))...)
	whole := string(fileOnDisk(t, list))
	lines := strings.SplitAfter(whole, "\n")
	lastScan := lines[len(lines)-2]
	for name, body := range map[string]string{
		"half a line": strings.TrimSuffix(whole, lastScan[len(lastScan)/2:]), "no end": strings.TrimSuffix(whole, "\n"),
		"zeros": strings.TrimSuffix(whole, lastScan) + strings.Repeat("\x00", 3*len(lastScan)), "another line": whole[:len(whole)-len(lastScan)] + "}{\n",
	} {
		if err := os.WriteFile(list, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		exit, out, faults := told(t, offline(list, tokenOf(t, address, code, seats[0], 1), tokenOf(t, address, code, seats[1], 1))...)
		if exit != exitFault || !strings.Contains(faults, "its last line was torn") || !strings.HasPrefix(out, "NO  checked in already") || !strings.Contains(out, "\nIN  Stalls, row A, seat 2") {
			t.Errorf("%s: exit %d, %q and\n%s", name, exit, faults, out)
		}
		if again := readList(t, list); again.torn || len(again.scans) != 2 {
			t.Errorf("%s: it has %d scans after that, torn %t", name, len(again.scans), again.torn)
		}
	}
	for name, body := range map[string]string{
		"empty": "", "no list": "Dear box office\n", "other format": strings.Replace(whole, `"seatlock_door_list":1`, `"seatlock_door_list":2`, 1),
		"a ticket less": lines[0] + strings.Join(lines[2:4], ""), "torn ticket": lines[0] + lines[1] + lines[2][:20],
		"damage within": strings.Replace(whole, `"scan"`, `"scam"`, 1), "no state": strings.Replace(whole, `"state":"booked"`, `"state":"bookfd"`, 1), "no key": strings.Replace(whole, `"key":"`, `"key":"AA`, 1),
	} {
		if err := os.WriteFile(list, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		refuses(t, exitFault, "not a door list that can be used", offline(list, tokenOf(t, address, code, seats[2], 1))...)
		if string(fileOnDisk(t, list)) != body {
			t.Errorf("%s: the file was changed", name)
		}
	}
	refuses(t, exitFault, "no such file", offline(list+".typo", "x")...)
	lines[len(lines)-3] = "{}\n"
	if err := os.WriteFile(list, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, exitFault, fmt.Sprintf("line %d: not a scan: take this line out", len(lines)-2), atDoor(address, "--merge", list)...)
}

// TestEndlessLine: a file that is one line takes no memory, and a tail of zeros of
// any length is a torn line.
func TestEndlessLine(t *testing.T) {
	address, _ := houseOnSale(t)
	list := listOf(t, address)
	whole := int64(len(fileOnDisk(t, list)))
	if err := os.Truncate(list, 64<<20); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	read := readList(t, list)
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; !read.torn || read.whole != whole || taken > 8<<20 {
		t.Errorf("torn %t after %d bytes of %d, with %d bytes of memory", read.torn, read.whole, whole, taken)
	}
}

// TestOneDoorPerList: a second process is refused while one works with the list,
// and no longer.
func TestOneDoorPerList(t *testing.T) {
	address, _ := houseOnSale(t)
	list := listOf(t, address)
	unlock, err := filelock.Lock(list + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	refuses(t, exitFault, "another Seatlock works with this list", offline(list, "x")...)
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if _, out, _ := told(t, offline(list, "x")...); !strings.HasPrefix(out, "NO  ") {
		t.Errorf("after that it says %q", out)
	}
	refuses(t, exitUsage, "--event other: list "+list+" is of gala", offline(list, "--event", "other", "x")...)
}

// TestScanThatCannotBeWrittenDown lets nobody in, and nobody is told to be in.
func TestScanThatCannotBeWrittenDown(t *testing.T) {
	address, seats := houseOnSale(t)
	code := paidAtDoor(t, address, seats...)
	path := listOf(t, address)
	list := readList(t, path)
	file, err := os.Open(path) // which cannot be written to
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	d := newOfflineDoor(list, file)
	for range 2 {
		a := d.scan(t.Context(), tokenOf(t, address, code, seats[0], 1))
		if a.Answer != answerFault || a.fault == nil || a.In != "" || a.line() != "?   could not be decided: scan it again · Stalls, row A, seat 1 · booking "+code+"\n" {
			t.Errorf("it says %q (%v)", a.line(), a.fault)
		}
	}
}

// TestListThatIsGone: nothing is written into a file that was removed or replaced,
// and nobody is let in by it.
func TestListThatIsGone(t *testing.T) {
	address, seats := houseOnSale(t)
	code := paidAtDoor(t, address, seats...)
	path := listOf(t, address)
	list, file, unlock, err := openDoorList(path, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(file.Close(), unlock()); err != nil {
			t.Error(err)
		}
	}()
	d := newOfflineDoor(list, file)
	if a := d.scan(t.Context(), tokenOf(t, address, code, seats[0], 1)); a.Answer != answerIn {
		t.Fatalf("while it is there it says %q (%v)", a.line(), a.fault)
	}
	gone := func(how string) {
		t.Helper()
		a := d.scan(t.Context(), tokenOf(t, address, code, seats[1], 1))
		if a.Answer != answerFault || a.fault == nil || !strings.Contains(a.fault.Error(), path+" was removed or replaced") {
			t.Errorf("%s: it says %q (%v)", how, a.line(), a.fault)
		}
	}
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	gone("removed")
	does(t, atDoor(address, "--export", path)...)
	gone("replaced")
	if err := os.Rename(path+".old", path); err != nil {
		t.Fatal(err)
	}
	if a := d.scan(t.Context(), tokenOf(t, address, code, seats[1], 1)); a.Answer != answerIn || len(readList(t, path).scans) != 2 {
		t.Errorf("back there it says %q (%v)", a.line(), a.fault)
	}
}

// TestMergeTwoDoors: both lists, again and again, in any order; a ticket that both
// have let in is told of.
func TestMergeTwoDoors(t *testing.T) {
	address, seats := houseOnSale(t)
	code := paidAtDoor(t, address, seats...)
	east, west := listOf(t, address), listOf(t, address)
	at := func(n int) string { return tokenOf(t, address, code, seats[n], 1) }
	does(t, offline(east, at(0), at(1))...)
	later(t, readList(t, east).scans)
	does(t, offline(west, at(1), at(2))...)
	said := func(list string, n ...any) string {
		return fmt.Sprintf("List "+list+": %d told to the store, %d known to it, %d let in twice, 0 not valid, 0 undecided.\n", n...)
	}
	first, second := readList(t, east).scans[1].At, readList(t, west).scans[0].At
	double := "DOUBLE let in here at " + clockIn(second, second, "Europe/Vienna") + ", and elsewhere at " + clockIn(first, first, "Europe/Vienna") +
		" · Stalls, row A, seat 2 · booking " + code + "\n"
	exit, out, faults := told(t, atDoor(address, "--merge", east, west)...)
	if want := said(east, 2, 0, 0) + double + said(west, 1, 0, 1); exit != exitFault || out != want || faults != "seatlock: 1 ticket to look into\n" {
		t.Errorf("exit %d, %q and\n%s\nwant\n%s", exit, faults, out, want)
	}
	exit, out, _ = told(t, atDoor(address, "--merge", west, east)...)
	if want := double + said(west, 0, 1, 1) + said(east, 0, 2, 0); exit != exitFault || out != want {
		t.Errorf("again: exit %d\n%s\nwant\n%s", exit, out, want)
	}
	for n, want := range []time.Time{readList(t, east).scans[0].At, first, readList(t, west).scans[1].At} {
		if in := ticketIn(t, address, code, seats[n]); !in.Equal(want) {
			t.Errorf("seat %s is in since %s, want %s", seats[n], in, want)
		}
	}
	lines := objects(t, mustSay(t, exitFault, atDoor(address, "--format", "json", "--merge", west)...))
	wantFields(t, lines[0], map[string]any{"answer": "double", "seat": seats[1], "booking": code})
	wantFields(t, lines[1], map[string]any{"answer": "known", "seat": seats[2]})
}

// later waits until the clock has gone on since the last scan.
func later(t *testing.T, scans []listScan) {
	t.Helper()
	for last := scans[len(scans)-1].At; !time.Now().Truncate(time.Millisecond).After(last); {
		time.Sleep(time.Millisecond)
	}
}

func ticketIn(t *testing.T, address, code, seat string) (in time.Time) {
	t.Helper()
	err := withStore(t.Context(), address, false, func(st *store.Store) error {
		b, err := st.Booking(t.Context(), code)
		in = b.Ticket(seat).In
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// mustSay is told for a command with this exit code.
func mustSay(t *testing.T, want int, args ...string) string {
	t.Helper()
	code, out, faults := told(t, args...)
	if code != want {
		t.Fatalf("%v: exit %d, %s; want %d", args, code, faults, want)
	}
	return out
}

// TestMergeAsThingsWere: what a door has undone is undone, in the middle of the
// evening as well, and what somebody else has told the store stays.
func TestMergeAsThingsWere(t *testing.T) {
	address, seats := houseOnSale(t)
	code := paidAtDoor(t, address, seats...)
	at := func(n int) string { return tokenOf(t, address, code, seats[n], 1) }
	does(t, atDoor(address, at(2))...) // in as the list is made
	list := listOf(t, address)
	merge := func() { t.Helper(); does(t, atDoor(address, "--merge", list)...) }
	isIn := func(n int, want bool) {
		t.Helper()
		if in := ticketIn(t, address, code, seats[n]); in.IsZero() == want {
			t.Errorf("seat %d is in since %v, want %t", n, in, want)
		}
	}
	does(t, offline(list, at(0), at(1))...)
	merge()
	isIn(0, true)
	does(t, offline(list, "--undo", at(0), at(1), at(2))...)
	later(t, readList(t, list).scans)
	does(t, offline(list, at(1))...)
	merge()
	isIn(0, false)
	isIn(1, true)
	isIn(2, false)
	does(t, atDoor(address, at(0), at(2))...) // at another door, with the store
	wantSaid(t, does(t, atDoor(address, "--merge", list)...), "List "+list+": 0 told to the store, 3 known to it, 0 let in twice, 0 not valid, 0 undecided.\n")
	isIn(0, true)
	isIn(2, true)
	if in, last := ticketIn(t, address, code, seats[1]), readList(t, list).scans; !in.Equal(last[len(last)-1].At) {
		t.Errorf("it is in since %s, want since its last scan", in)
	}
}

// TestMergeLeavesOutWhomTheStoreLetOut: a list that is merged again lets nobody in
// whom the house has let out since; who is let in after that at the door is in.
func TestMergeLeavesOutWhomTheStoreLetOut(t *testing.T) {
	address, seats := houseOnSale(t)
	code := paidAtDoor(t, address, seats...)
	token := tokenOf(t, address, code, seats[0], 1)
	list := listOf(t, address)
	does(t, offline(list, token)...)
	does(t, atDoor(address, "--merge", list)...)
	later(t, readList(t, list).scans)
	does(t, atDoor(address, "--undo", token)...)
	for range 2 {
		out := mustSay(t, exitFault, atDoor(address, "--merge", list)...)
		if !strings.HasPrefix(out, "INVALID let in here at ") || !strings.Contains(out, ", and let out again by the store at ") || !ticketIn(t, address, code, seats[0]).IsZero() {
			t.Errorf("it says\n%s", out)
		}
	}
	does(t, offline(list, "--undo", token)...)
	later(t, readList(t, list).scans)
	does(t, offline(list, token)...)
	does(t, atDoor(address, "--merge", list)...)
	if ticketIn(t, address, code, seats[0]).IsZero() {
		t.Error("who was let in after that is not in")
	}
}

// TestMergeWhatWasNotValid tells since when.
func TestMergeWhatWasNotValid(t *testing.T) {
	address, seats := houseOnSale(t)
	code := paidAtDoor(t, address, seats...)
	list := listOf(t, address)
	does(t, "cancel", "--store", address, code, seats[0])
	does(t, "reissue", "--store", address, code, seats[1])
	does(t, offline(list, tokenOf(t, address, code, seats[0], 1), tokenOf(t, address, code, seats[1], 1), tokenOf(t, address, code, seats[2], 1), tokenOf(t, address, "2345678923", "A1", 1))...)
	for range 2 {
		out := mustSay(t, exitFault, atDoor(address, "--merge", list)...)
		scans := readList(t, list).scans
		in := func(n int) string {
			return "INVALID let in here at " + clockIn(scans[n].At, time.Now(), "Europe/Vienna") + ", and "
		}
		for _, want := range []string{
			in(0) + "cancelled at ", " · Stalls, row A, seat 1 · booking " + code + "\n" + in(1) + "replaced by another ticket at ",
			in(3) + "signed by this house, and there is no such booking · seat A1 · booking 2345678923\n", " 0 let in twice, 3 not valid, 0 undecided.\n",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("it says\n%s\nwhich lacks\n%s", out, want)
			}
		}
	}
}

// TestEditedList: a scan is told to the store only with the token of its ticket, and
// the others in the file are.
func TestEditedList(t *testing.T) {
	address, seats := houseOnSale(t)
	code := paidAtDoor(t, address, seats...)
	list := listOf(t, address)
	token := tokenOf(t, address, code, seats[0], 1)
	does(t, offline(list, token)...)
	whole := string(fileOnDisk(t, list))
	lines := strings.SplitAfter(whole, "\n")
	scan := lines[len(lines)-2]
	stranger := ticket.NewKeys([]byte("another secret of another house!")).Sign(ticket.Ticket{Event: "gala", Code: code, Seat: seats[1], Issue: 1})
	elsewhere := keysOf(t, address).Sign(ticket.Ticket{Event: "other", Code: code, Seat: seats[1], Issue: 1})
	forged := strings.Replace(scan, `"seat":"`+seats[0], `"seat":"`+seats[1], 1)
	for name, line := range map[string]string{
		"the token of another seat": forged, "no token": strings.Replace(forged, token, "", 1), "of another house": strings.Replace(forged, token, stranger, 1),
		"of another event": strings.Replace(forged, token, elsewhere, 1),
	} {
		if err := os.WriteFile(list, []byte(whole+line), 0o600); err != nil {
			t.Fatal(err)
		}
		out := mustSay(t, exitFault, atDoor(address, "--merge", list)...)
		if !strings.HasPrefix(out, "INVALID its line has no token of this ticket: nothing was told to the store · seat "+seats[1]+" · booking "+code+"\n") ||
			!strings.Contains(out, " 1 not valid, 0 undecided.\n") || !ticketIn(t, address, code, seats[1]).IsZero() {
			t.Errorf("%s: it says\n%s", name, out)
		}
		if ticketIn(t, address, code, seats[0]).IsZero() {
			t.Errorf("%s: the scan beside it was not told", name)
		}
	}
}

// TestMergeMistakes: a list of another event or house, or one that is damaged, is
// not merged, nor any that is named with it; what the future holds has to wait.
func TestMergeMistakes(t *testing.T) {
	address, seats := houseOnSale(t)
	code := paidAtDoor(t, address, seats...)
	list := listOf(t, address)
	does(t, offline(list, tokenOf(t, address, code, seats[0], 1))...)
	other, _ := houseOnSale(t)
	foreign, bad := listOf(t, other), fileOf(t, "Dear box office\n")
	refuses(t, exitFault, "list "+foreign+" was made by another store", atDoor(address, "--merge", list, foreign)...)
	refuses(t, exitFault, "not a door list", atDoor(address, "--merge", list, bad)...)
	refuses(t, exitFault, "no such file", atDoor(address, "--merge", list, bad+".typo")...)
	does(t, "import", "--create", "--store", address, "--event", "late", "--title", "Late", "--zone", "Europe/Vienna", fileOf(t, smallCSV))
	refuses(t, exitUsage, "--event late: list "+list+" is of gala", "checkin", "--store", address, "--event", "late", "--merge", list)
	if !ticketIn(t, address, code, seats[0]).IsZero() {
		t.Error("something was merged")
	}
	fast := strings.Replace(string(fileOnDisk(t, list)), `"at":"20`, `"at":"21`, 1)
	if err := os.WriteFile(list, []byte(fast), 0o600); err != nil {
		t.Fatal(err)
	}
	exit, out, faults := told(t, atDoor(address, "--merge", list)...)
	if exit != exitFault || !strings.HasPrefix(out, "?   the clock of that door was fast: merge the list again after 21") {
		t.Errorf("exit %d, %q and\n%s", exit, faults, out)
	}
	if !ticketIn(t, address, code, seats[0]).IsZero() {
		t.Error("a scan of the future was merged")
	}
}
