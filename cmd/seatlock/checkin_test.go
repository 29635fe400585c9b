package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seatlock/seatlock/checkout/ticket"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

// scans runs a command with this text on its stdin.
func scans(t *testing.T, text string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	in, err := os.Open(fileOf(t, text))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	before := os.Stdin
	os.Stdin = in
	defer func() { os.Stdin = before }()
	return told(t, args...)
}

func atDoor(address string, args ...string) []string {
	return append([]string{"checkin", "--store", address, "--event", "gala"}, args...)
}

// objects are lines of JSON as others read them.
func objects(t *testing.T, text string) (all []map[string]any) {
	t.Helper()
	for line := range strings.Lines(text) {
		all = append(all, object(t, line))
	}
	return all
}

// TestCheckIn: in once, and then told when; out again, and in again.
func TestCheckIn(t *testing.T) {
	address := house(t)
	withTariffs(t, address)
	seat := seatsOf(t, address)[0].ID
	code := codeIn(t, does(t, sells(address, "--tariff", seat+"=reduced", seat)...))
	token := tokenOf(t, address, code, seat, 1)
	const place = "Stalls, row A, seat 1 (Reduced) · booking "
	wantSaid(t, does(t, atDoor(address, token)...), "IN  "+place+code+"\n")
	exit, out, faults := told(t, atDoor(address, "https://tickets.example/tickets/"+token)...)
	in := clockOfTicket(t, address, code, seat)
	if want := "NO  checked in already at " + in + " · " + place + code + "\n"; exit != exitFault || out != want || faults != "seatlock: 1 of 1 scan refused\n" {
		t.Errorf("again: exit %d, %q and %q; want %q", exit, out, faults, want)
	}
	wantSaid(t, does(t, atDoor(address, "--undo", token)...), "OUT "+place+code+"\n")
	wantSaid(t, does(t, atDoor(address, "--undo", token)...), "OUT was not in: nothing was changed · "+place+code+"\n")
	answers := objects(t, does(t, atDoor(address, "--format", "json", token)...))
	wantFields(t, answers[0], map[string]any{"answer": "in", "booking": code, "seat": seat, "section": "Stalls", "row": "A", "label": "1", "tariff": "Reduced", "issue": 1.0, "reason": nil})
	_, out, _ = told(t, atDoor(address, "--format", "json", token)...)
	again := objects(t, out)
	wantFields(t, again[0], map[string]any{"answer": "no", "reason": "checked in", "in": answers[0]["in"]})
	if strings.Contains(out, token) {
		t.Error("the token is in the answer")
	}
}

// clockOfTicket is when the store has let a ticket in, as a door says it on that
// day.
func clockOfTicket(t *testing.T, address, code, seat string) (clock string) {
	t.Helper()
	err := withStore(t.Context(), address, false, func(st *store.Store) error {
		b, err := st.Booking(t.Context(), code)
		clock = clockIn(b.Ticket(seat).In, b.Ticket(seat).In, "Europe/Vienna")
		return err
	})
	if err != nil || !strings.HasSuffix(clock, " (Europe/Vienna)") {
		t.Fatalf("%q: %v", clock, err)
	}
	return clock
}

// TestCheckInRefuses with what each ticket is, and goes on to the next.
func TestCheckInRefuses(t *testing.T) {
	address, seats := houseOnSale(t)
	does(t, "import", "--create", "--store", address, "--event", "other", "--title", "Other Night", "--zone", "Europe/Vienna",
		"--starts", "2030-06-02T19:30", fileOf(t, smallCSV))
	reserved, paid := book(t, address, "door", seats[0]), paidAtDoor(t, address, seats[1], seats[2])
	does(t, "cancel", "--store", address, paid, seats[1])
	does(t, "reissue", "--store", address, paid, seats[2])
	good := tokenOf(t, address, paid, seats[2], 2)
	foreign := keysOf(t, address).Sign(ticket.Ticket{Event: "other", Code: paid, Seat: seats[2], Issue: 1})
	stranger := ticket.NewKeys([]byte("another secret of another house!")).Sign(ticket.Ticket{Event: "gala", Code: paid, Seat: seats[2], Issue: 2})
	lines := []struct{ text, want string }{
		{tokenOf(t, address, reserved, seats[0], 1), "NO  not paid · Stalls, row A, seat 1 · booking " + reserved},
		{tokenOf(t, address, paid, seats[1], 1), "NO  cancelled · Stalls, row A, seat 2 · booking " + paid},
		{tokenOf(t, address, paid, seats[2], 1), "NO  replaced by another ticket · Circle, row A, seat 1 · booking " + paid},
		{tokenOf(t, address, "2345678923", seats[2], 1), "NO  signed by this house, and there is no such booking · seat " + seats[2] + " · booking 2345678923"},
		{foreign, "NO  for another event: Other Night, 2030-06-02 19:30 (Europe/Vienna) · seat " + seats[2] + " · booking " + paid},
		{stranger, "NO  not a ticket of this house"},
		{flipped(t, good), "NO  damaged or forged"},
		{strings.Replace(good, "v1.", "v2.", 1), "NO  made by another version of Seatlock"},
		{good[:20], "NO  not a ticket, or not read in whole"},
		{strings.ToLower(good), "NO  …"},
		{strings.Repeat("v1.A", 2560), "NO  not a ticket, or not read in whole"},
		{"v1.\x00\x00", "NO  not a ticket, or not read in whole"},
		{"\x00", "NO  not a ticket, or not read in whole"},
		{strings.ToLower(paid), "NO  not a ticket, or not read in whole"},
		{"=1+1\u202e<b>", "NO  not a ticket, or not read in whole"},
		{good + "\r", "IN  Circle, row A, seat 1 · booking " + paid},
	}
	var input strings.Builder
	for _, l := range lines {
		input.WriteString(l.text + "\n\r\n")
	}
	input.WriteString(" \n\thttps://tickets.example/tickets/" + good) // without an end
	exit, out, faults := scans(t, input.String(), atDoor(address)...)
	got := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(got) != len(lines)+1 || exit != exitFault || faults != fmt.Sprintf("seatlock: %d of %d scans refused\n", len(lines), len(lines)+1) {
		t.Fatalf("exit %d, %d lines, %q:\n%s", exit, len(got), faults, out)
	}
	for i, l := range lines {
		if before, any := strings.CutSuffix(l.want, "…"); got[i] != l.want && (!any || !strings.HasPrefix(got[i], before)) {
			t.Errorf("to %.40q it says\n%s\nwant\n%s", l.text, got[i], l.want)
		}
	}
	if !strings.HasPrefix(got[len(lines)], "NO  checked in already at ") {
		t.Errorf("to the last it says %s", got[len(lines)])
	}
	for _, l := range lines {
		if len(l.text) > 12 && strings.Contains(out+faults, l.text[:12]) || strings.Contains(out+faults, "Lovelace") || strings.Contains(out+faults, "ada@") {
			t.Errorf("it tells what stands on a ticket, or whose it is:\n%s", out)
		}
	}
}

// TestCheckInMistakes: one line, exit code 2, and nobody was let in.
func TestCheckInMistakes(t *testing.T) {
	address := house(t)
	for _, m := range []struct {
		want string
		args []string
	}{
		{"wants --event", []string{"checkin", "--store", address}},
		{"--format xml: want text or json", atDoor(address, "--format", "xml")},
		{"exclude each other", atDoor(address, "--export", "a", "--merge", "b")},
		{"--offline and --list FILE go together", []string{"checkin", "--offline"}},
		{"--offline and --list FILE go together", atDoor(address, "--list", "a")},
		{"--strict is for --offline", atDoor(address, "--strict")},
		{"--undo is for tickets", atDoor(address, "--undo", "--merge", "a")},
		{"--export wants the name of a FILE", atDoor(address, "--export", "", "x")},
		{"--merge wants the name of a FILE", atDoor(address, "--merge", "", "x")},
		{"--list wants the name of a FILE", []string{"checkin", "--list="}},
		{"--export takes no tickets", atDoor(address, "--export", "a", "b")},
	} {
		refuses(t, exitUsage, m.want, m.args...)
	}
	refuses(t, exitFault, "no such event", "checkin", "--store", address, "--event", "gone", "x")
	env := environment(map[string]string{"SEATLOCK_STORE": address, "SEATLOCK_EVENT": "gala", "SEATLOCK_UNDO": "true", "SEATLOCK_OFFLINE": "true"})
	var out strings.Builder
	if run(t.Context(), []string{"checkin", "x"}, env, &out, io.Discard); out.String() != "NO  not a ticket, or not read in whole\n" {
		t.Errorf("with the environment it says %q", &out)
	}
}

// TestAnswersComeAtOnce: each before the next is scanned, and Ctrl-C ends the wait
// for one.
func TestAnswersComeAtOnce(t *testing.T) {
	address, seats := houseOnSale(t)
	code := paidAtDoor(t, address, seats...)
	in, scanner, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer scanner.Close()
	before := os.Stdin
	os.Stdin = in
	defer func() { os.Stdin = before }()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	answers, out := io.Pipe()
	exit := make(chan int, 1)
	go func() {
		exit <- run(ctx, atDoor(address), environment(nil), out, io.Discard)
		out.Close()
	}()
	for _, seat := range seats {
		if _, err := fmt.Fprintln(scanner, tokenOf(t, address, code, seat, 1)); err != nil {
			t.Fatal(err)
		}
		line := make([]byte, 200)
		n, err := answers.Read(line)
		if err != nil || !strings.HasPrefix(string(line[:n]), "IN  ") || line[n-1] != '\n' {
			t.Fatalf("%v: %q", err, line[:n])
		}
	}
	cancel()
	select {
	case code := <-exit:
		if code != exitOK {
			t.Errorf("ended by Ctrl-C, its exit code is %d", code)
		}
	case <-time.After(20 * time.Second):
		t.Error("it does not end by Ctrl-C")
	}
}

// TestBrokenPipe: where nobody hears the answer, nobody more is let in.
func TestBrokenPipe(t *testing.T) {
	address, seats := houseOnSale(t)
	code := paidAtDoor(t, address, seats...)
	var faults bytes.Buffer
	tokens := []string{tokenOf(t, address, code, seats[0], 1), tokenOf(t, address, code, seats[1], 1)}
	if exit := run(t.Context(), atDoor(address, tokens...), environment(nil), deaf{}, &faults); exit != exitFault || !strings.Contains(faults.String(), "nobody hears") {
		t.Errorf("exit %d, %s", exit, &faults)
	}
	wantSaid(t, does(t, atDoor(address, tokens[1])...), "IN  Stalls, row A, seat 2 · booking "+code+"\n")
}

type deaf struct{}

func (deaf) Write([]byte) (int, error) { return 0, errors.New("nobody hears this") }

// TestScanners end what they send in their own ways, and each scan is answered
// before there is more.
func TestScanners(t *testing.T) {
	mark := "\ufeff"
	for text, want := range map[string]string{
		"a\rb\r": "a b", "a\r\nb\r\n": "a b", "a\nb\n": "a b", "a\r\n\rb": "a b", mark + "a\r" + mark + "b": "a b", mark: "", "": "",
		strings.Repeat("x", 3*maxLine) + "\rb\r": strings.Repeat("x", maxLine) + " b",
	} {
		var got []string
		for line, err := range linesFrom(t.Context(), strings.NewReader(text)) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, strings.Fields(line)...)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("of %.20q it reads %.40q", text, got)
		}
	}
	r, w := io.Pipe()
	defer w.Close()
	go func() { _, _ = w.Write([]byte("a\r")) }()
	for line := range linesFrom(t.Context(), r) {
		if strings.TrimSpace(line) != "a" {
			t.Errorf("before there is more it reads %q", line)
		}
		break
	}
}

// TestManyDoors: of one ticket that is scanned at many doors at once, one is let
// in.
func TestManyDoors(t *testing.T) {
	address, seats := houseOnSale(t)
	code := paidAtDoor(t, address, seats[0])
	token := tokenOf(t, address, code, seats[0], 1)
	var mu sync.Mutex
	var doors sync.WaitGroup
	in := 0
	for range 10 {
		doors.Go(func() {
			var out strings.Builder
			run(t.Context(), atDoor(address, token, token, token, token, token), environment(nil), &out, io.Discard)
			mu.Lock()
			defer mu.Unlock()
			in += strings.Count(out.String(), "IN  ")
			if n := strings.Count(out.String(), "NO  checked in already"); n < 4 {
				t.Errorf("a door says\n%s", &out)
			}
		})
	}
	doors.Wait()
	if in != 1 {
		t.Errorf("%d were let in", in)
	}
}

// soldOut gives a store an event of so many seats, all sold two by two, and returns
// the tickets.
func soldOut(t *testing.T, address string, sections, rows, perRow int) (tokens []string) {
	t.Helper()
	generate := []string{"generate"}
	for i := range sections {
		generate = append(generate, "--section", fmt.Sprintf("Block %d", i+1), "--rows", fmt.Sprint(rows), "--seats", fmt.Sprint(perRow), "--category", "Standard", "--price", "45.00")
	}
	does(t, "import", "--create", "--store", address, "--event", "gala", "--title", "Gala", "--currency", "EUR", "--zone", "Europe/Vienna", fileOf(t, does(t, generate...)))
	keys := keysOf(t, address)
	all := seatsOf(t, address)
	err := withStore(t.Context(), address, false, func(st *store.Store) error {
		for i := 0; i+1 < len(all); i += 2 {
			code := store.NewCode()
			var lines []store.Line
			for _, s := range all[i : i+2] {
				lines = append(lines, store.Line{Seat: s.ID, Label: s.Seat, Row: s.Row, Section: s.Section, Category: s.Category, Price: 4500})
				tokens = append(tokens, keys.Sign(ticket.Ticket{Event: "gala", Code: code, Seat: s.ID, Issue: 1}))
			}
			_, err := st.Sell(t.Context(), store.SellRequest{Event: "gala", Code: code, Lines: lines, Revision: 1, Person: store.Person{Name: "Ada"}, Provider: "house"})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

// TestFullHouse: every ticket of a hall is let in through one scanner, and none
// twice.
func TestFullHouse(t *testing.T) {
	address := "sqlite:" + filepath.Join(t.TempDir(), "seatlock.db")
	tokens := soldOut(t, address, 2, 5, 20)
	exit, out, faults := scans(t, strings.Join(tokens, "\r\n"), atDoor(address)...)
	if exit != exitOK || strings.Count(out, "IN  ") != len(tokens) || len(tokens) != 200 {
		t.Errorf("exit %d, %s: %d of %d are in", exit, faults, strings.Count(out, "IN  "), len(tokens))
	}
	exit, out, _ = scans(t, strings.Join(tokens, "\n"), atDoor(address, "--format", "json")...)
	if exit != exitFault || strings.Count(out, `"reason":"checked in"`) != len(tokens) {
		t.Errorf("exit %d: again, %d are refused", exit, strings.Count(out, `"reason":"checked in"`))
	}
	var last map[string]any
	if err := json.Unmarshal([]byte(out[strings.LastIndex(strings.TrimSuffix(out, "\n"), "\n")+1:]), &last); err != nil {
		t.Error(err)
	}
}

// lossy loses the answers to so many decisions that were written.
type lossy struct {
	store.Engine
	left int
}

func (l *lossy) Decide(ctx context.Context, q store.Question, rule func(store.View) store.Decision) (store.Decision, store.Cursor, error) {
	d, at, err := l.Engine.Decide(ctx, q, rule)
	if l.left--; l.left >= 0 && err == nil {
		return store.Decision{}, store.Cursor{}, store.ErrUnknown
	}
	return d, at, err
}

// TestLostAnswer: a scan whose answer was lost is asked for again, and blames nobody
// else for what may have been its own doing.
func TestLostAnswer(t *testing.T) {
	address, seats := houseOnSale(t)
	code := paidAtDoor(t, address, seats...)
	event, public := gala(t, address), keysOf(t, address).Public()
	engine, err := sqlitestore.Open(t.Context(), strings.TrimPrefix(address, "sqlite:"), sqlitestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	for n, test := range []struct {
		lost int
		want string
	}{
		{1, "NO  checked in already at CLOCK, or by this very scan: the first answer was lost · "},
		{maxTries, "?   could not be decided: scan it again · seat "},
	} {
		d := storeDoor{st: store.New(&lossy{engine, test.lost}), event: event, public: public}
		got := d.scan(t.Context(), tokenOf(t, address, code, seats[n], 1)).line()
		if want := strings.Replace(test.want, "CLOCK", clockOfTicket(t, address, code, seats[n]), 1); !strings.HasPrefix(got, want) {
			t.Errorf("%d answers lost: it says %q, want %q", test.lost, got, want)
		}
	}
}
