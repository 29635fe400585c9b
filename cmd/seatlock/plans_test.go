package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

const smallCSV = "section,row,seat,category,price,x,y,withheld\n" +
	"Stalls,A,1,Front,4500,0,3,\n" +
	"Stalls,A,2,Front,4500,1,3,yes\n" +
	"Circle,A,1,Rear,2000,0,9,\n"

// told runs a command and returns what it said.
func told(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, faults bytes.Buffer
	code = run(t.Context(), args, environment(nil), &out, &faults)
	return code, out.String(), faults.String()
}

// does is told for what must go well.
func does(t *testing.T, args ...string) string {
	t.Helper()
	code, out, faults := told(t, args...)
	if code != exitOK {
		t.Fatalf("%v: exit %d, %s", args, code, faults)
	}
	return out
}

// refuses is told for what must be refused, in one line.
func refuses(t *testing.T, code int, want string, args ...string) {
	t.Helper()
	got, out, faults := told(t, args...)
	if got != code || strings.Count(faults, "\n") != 1 || !strings.Contains(faults, want) || out != "" {
		t.Errorf("%v: exit %d, %q and %q; want %d and one line with %q", args, got, out, faults, code, want)
	}
}

func fileOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plan")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t *testing.T, text string) plan.File {
	t.Helper()
	file, err := plan.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func eventOf(t *testing.T, address, id string) (event store.Event, err error) {
	t.Helper()
	err = withStore(t.Context(), address, false, func(st *store.Store) (err error) {
		event, err = st.Event(t.Context(), id)
		return err
	})
	return event, err
}

// TestImportExport: what was imported comes out as it went in, with what the
// organizer withheld since.
func TestImportExport(t *testing.T) {
	address := "sqlite:" + filepath.Join(t.TempDir(), "seatlock.db")
	out := does(t, "import", "--create", "--store", address, "--event", "gala", "--title", "The Gala", "--venue", "Town hall",
		"--starts", "2027-07-01T19:30", "--zone", "Europe/Vienna", "--currency", "EUR",
		"--sales-open", "2027-01-01 10:00", fileOf(t, smallCSV), "--sales-close", "2027-07-01T17:00:00Z")
	for _, want := range []string{"3 seats, 1 withheld", "section Stalls  1 row  2 seats", "category Rear   €20    1 seat\n", "Event gala was made."} {
		if !strings.Contains(out, want) {
			t.Errorf("import does not say %q:\n%s", want, out)
		}
	}
	event, err := eventOf(t, address, "gala")
	if err != nil {
		t.Fatal(err)
	}
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	if event.Title != "The Gala" || event.Venue != "Town hall" || event.Zone != "Europe/Vienna" ||
		!event.Starts.Equal(time.Date(2027, 7, 1, 19, 30, 0, 0, vienna)) ||
		!event.SalesOpen.Equal(time.Date(2027, 1, 1, 10, 0, 0, 0, vienna)) ||
		!event.SalesClose.Equal(time.Date(2027, 7, 1, 19, 0, 0, 0, vienna)) {
		t.Errorf("got %+v", event)
	}
	want := readFile(t, smallCSV)
	if got := readFile(t, does(t, "export", "--store", address, "--event", "gala")); !reflect.DeepEqual(got, want) {
		t.Errorf("exported\n%+v\nwant\n%+v", got, want)
	}
	err = withStore(t.Context(), address, false, func(st *store.Store) error {
		_, err := st.Withhold(t.Context(), store.WithholdRequest{Event: "gala", Seats: []string{"stalls-A-1"}, On: true})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want.Withheld = []string{"stalls-A-1", "stalls-A-2"}
	if got := readFile(t, does(t, "export", "--store", address, "--event", "gala", "--format", "csv")); !reflect.DeepEqual(got, want) {
		t.Errorf("exported\n%+v\nwant\n%+v", got, want)
	}
}

// TestImportRefuses: one line, and nothing of it in the store.
func TestImportRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	address, sound := "sqlite:"+path, fileOf(t, smallCSV)
	try := func(code int, want string, args ...string) {
		t.Helper()
		refuses(t, code, want, append([]string{"import", "--create", "--store", address}, args...)...)
	}
	named := func(args ...string) []string {
		return append([]string{"--event", "gala", "--title", "The Gala"}, args...)
	}
	try(exitUsage, "wants --event", "--title", "T", sound)
	try(exitUsage, "wants --title", "--event", "gala", sound)
	try(exitUsage, "wants one FILE", named()...)
	try(exitUsage, "wants one FILE", named(sound, sound)...)
	try(exitUsage, `event id "a b"`, "--event", "a b", "--title", "T", sound)
	try(exitUsage, "title", "--event", "a", "--title", "a\u202eb", sound)
	try(exitUsage, "venue", named("--venue", "a\nb", sound)...)
	try(exitUsage, "--zone Mars", named("--zone", "Mars", sound)...)
	try(exitUsage, "--zone Local", named("--zone", "Local", sound)...)
	try(exitUsage, "--starts soon", named("--starts", "soon", sound)...)
	try(exitUsage, "--sales-open 1/2/27", named("--sales-open", "1/2/27", sound)...)
	try(exitUsage, "they close before they open", named("--sales-open", "2027-01-02T00:00", "--sales-close", "2027-01-01T00:00", sound)...)
	try(exitUsage, `currency "euro"`, named("--currency", "euro", sound)...)
	try(exitUsage, "want sqlite:FILE", named("--store", "seats.db", sound)...)
	try(exitUsage, "no-such", named("--no-such", sound)...)
	try(exitFault, "no such file", named(sound+".csv")...)
	bad := fileOf(t, strings.Replace(smallCSV, "Circle,A,1", "Stalls,A,1", 1))
	try(exitFault, bad+`: line 4: seat: "A-1" stands already at line 2`, named(bad)...)
	if _, err := os.Stat(path); err == nil {
		t.Error("a refused import made the store")
	}

	does(t, append([]string{"import", "--create", "--store", address}, named(sound)...)...)
	other := fileOf(t, `[{"seatNumber":"A1","status":"available"}]`)
	try(exitFault, "event gala exists already, and was left as it is", named(other)...)
	try(exitFault, "event gala exists already, and was left as it is", "--event", "gala", "--title", "Another", sound)
	if got := readFile(t, does(t, "export", "--store", address, "--event", "gala")); !reflect.DeepEqual(got, readFile(t, smallCSV)) {
		t.Errorf("the event was changed: %+v", got)
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	out := does(t, "import", "--dry-run", "--store", "sqlite:"+path, fileOf(t, smallCSV))
	if !strings.Contains(out, "category Front") || !strings.Contains(out, "Nothing was written") {
		t.Errorf("said %q", out)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the store was made")
	}
	refuses(t, exitUsage, "currency", "import", "--dry-run", "--currency", "x", fileOf(t, smallCSV))
}

func TestExportRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	refuses(t, exitFault, "there is no such file", "export", "--store", "sqlite:"+path, "--event", "gala")
	if _, err := os.Stat(path); err == nil {
		t.Error("a refused export made the store")
	}
	does(t, "import", "--create", "--store", "sqlite:"+path, "--event", "gala", "--title", "T", fileOf(t, smallCSV))
	refuses(t, exitFault, "no such event", "export", "--store", "sqlite:"+path, "--event", "other")
	refuses(t, exitUsage, "wants --event", "export", "--store", "sqlite:"+path)
	refuses(t, exitUsage, "--format xml", "export", "--store", "sqlite:"+path, "--event", "gala", "--format", "xml")
	refuses(t, exitUsage, `"gala.csv"`, "export", "--store", "sqlite:"+path, "--event", "gala", "gala.csv")
}

// TestImportFromStdin reads what another command writes.
func TestImportFromStdin(t *testing.T) {
	hall := does(t, "generate", "--section", "Stalls", "--rows", "2", "--seats", "3")
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdin
	os.Stdin = in
	defer func() { os.Stdin = before }()
	go func() {
		_, _ = out.WriteString(hall)
		_ = out.Close()
	}()
	if said := does(t, "import", "--dry-run", "-"); !strings.Contains(said, "6 seats") {
		t.Errorf("said %q", said)
	}
}

func TestImportTellsProgress(t *testing.T) {
	var seats strings.Builder
	for i := range 6000 {
		fmt.Fprintf(&seats, ",\n{\"seatNumber\":\"%d\",\"status\":\"available\"}", i)
	}
	text := "[" + seats.String()[1:] + strings.Repeat(" ", 9<<20) + "]"
	code, _, faults := told(t, "import", "--create", "--store", "sqlite:"+filepath.Join(t.TempDir(), "s.db"), "--event", "e", "--title", "T", "--free", fileOf(t, text))
	if code != exitOK || !strings.HasPrefix(faults, "seatlock: read 8 MiB\n") && !strings.HasPrefix(faults, "seatlock: read 9 MiB\n") ||
		!strings.HasSuffix(faults, "seatlock: writing 6000 seats\n") {
		t.Errorf("exit %d, said %q", code, faults)
	}
}

// TestImportBesideAServer: a running server shows the new event by itself, on
// either engine.
func TestImportBesideAServer(t *testing.T) {
	for name, p := range map[string]*program{
		"embedded": serveProgram(t),
		"MongoDB":  serveStoreOf(t, mongoWithDemo(t), noDemos),
	} {
		does(t, "import", "--create", "--store", p.store, "--event", "gala", "--title", "<b>The Gala</b>", fileOf(t, smallCSV))
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			status, _, page := get(t, p.site+"/events/gala")
			if status == http.StatusOK {
				if !strings.Contains(page, `id="seat-circle-A-1"`) || strings.Contains(page, "<b>The Gala") || !strings.Contains(page, "Date to be announced") {
					t.Errorf("%s: the page is\n%s", name, page)
				}
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: the event answers %d", name, status)
			}
		}
		if got := readFile(t, does(t, "export", "--store", p.store, "--event", "gala")); !reflect.DeepEqual(got, readFile(t, smallCSV)) {
			t.Errorf("%s: exported %+v", name, got)
		}
		refuses(t, exitFault, "event gala exists already", "import", "--create", "--store", p.store, "--event", "gala", "--title", "T", fileOf(t, smallCSV))
	}
}

// TestStoreOutOfReach: a command does not wait for servers as a server does.
func TestStoreOutOfReach(t *testing.T) {
	began := time.Now()
	refuses(t, exitFault, "unavailable", "export", "--store", "mongodb://127.0.0.1:1/seatlock", "--event", "gala")
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestGenerateCommand(t *testing.T) {
	hall := readFile(t, does(t, "generate", "--name", "Town hall", "--stage", "12x3",
		"--section", "Stalls", "--rows", "3", "--seats", "18", "--grow", "1", "--curve", "30", "--aisle", "6,12",
		"--category", "front", "--price", "45.00", "--wheelchair", "A:1-2,B:1", "--companion", "A:3",
		"--section", "Stalls", "--rows", "2", "--seats", "21", "--first-row", "D", "--category", "rear", "--price", "30,00",
		"--section", "Balcony", "--rows", "2", "--seats", "10", "--restricted", "A:10", "--turn", "90", "--distance", "30", "--shift", "-2"))
	if hall.Plan.Name != "Town hall" || hall.Plan.Stage == nil || hall.Plan.Stage.Label != "Stage" || len(hall.Plan.Sections) != 2 {
		t.Fatalf("got %+v", hall.Plan)
	}
	stalls, balcony := hall.Plan.Sections[0], hall.Plan.Sections[1]
	if n := len(stalls.Rows); n != 5 || stalls.Rows[3].Label != "D" || len(stalls.Rows[2].Seats) != 20 || stalls.Rows[3].Seats[0].Category != "rear" {
		t.Errorf("stalls %+v", stalls)
	}
	if y := stalls.Rows[3].Seats[0].Y - 3; y < 3.29 || y > 3.31 {
		t.Errorf("the section goes on %.2f behind its first row, want 3.3", y)
	}
	if s := balcony.Rows[0].Seats[9]; s.Category != "rear" || s.Properties[0] != plan.Restricted || s.X != 30 || s.Y != -4.5+2 {
		t.Errorf("balcony seat %+v", s)
	}
	if s := stalls.Rows[1].Seats[0]; len(s.Properties) != 1 || s.Properties[0] != plan.Accessible {
		t.Errorf("seat %+v is no wheelchair place", s)
	}
	if hall.Prices["front"] != 4500 || hall.Prices["rear"] != 3000 {
		t.Errorf("prices %v", hall.Prices)
	}
	for want, args := range map[string][]string{
		"wants a --section":                {},
		"-rows: it comes after":            {"--rows", "3", "--section", "S"},
		`"-3" for flag -stage`:             {"--stage", "-3", "--section", "S"},
		"-seats: want a whole number":      {"--section", "S", "--seats", "1.5"},
		"-curve: want a number":            {"--section", "S", "--curve", "round"},
		"-radius: want a number":           {"--section", "S", "--radius", "NaN"},
		"-depth: want a number":            {"--section", "S", "--depth", "-Inf"},
		`"NaNx3" for flag -stage`:          {"--stage", "NaNx3", "--section", "S"},
		"-aisle: want numbers":             {"--section", "S", "--aisle", "6,,9"},
		"-price: want an amount":           {"--section", "S", "--price", "45 EUR"},
		"--price 45 could be €45.00":       {"--section", "S", "--price", "45"},
		"--price 45.00: JPY has no":        {"--section", "S", "--price", "45.00", "--currency", "JPY"},
		"--currency XAU: want":             {"--section", "S", "--price", "45.00", "--currency", "XAU"},
		"-wheelchair: want rows and seats": {"--section", "S", "--wheelchair", "A1"},
		`section "S": 0 rows`:              {"--section", "S"},
		`unexpected argument "S"`:          {"--section", "S", "S"},
		"width":                            {"--stage", "0x-3", "--section", "S", "--stage-name", "x", "--rows", "1", "--seats", "1"},
	} {
		refuses(t, exitUsage, want, append([]string{"generate"}, args...)...)
	}
}

// TestHelpListsAll: the manual has every command, and each command its flags.
func TestHelpListsAll(t *testing.T) {
	manual := does(t, "help")
	for _, c := range commands() {
		if !strings.Contains(manual, c.name) {
			t.Errorf("help does not tell of %s", c.name)
		}
		_, _, faults := told(t, "no-such-command")
		if !strings.Contains(faults, c.name) {
			t.Errorf("an unknown command is not told that there is %s", c.name)
		}
	}
	for command, flag := range map[string]string{"import": "--sales-close", "export": "--format", "generate": "--aisle", "serve": "--lock-ttl"} {
		if out := does(t, command, "--help"); !strings.Contains(out, flag) {
			t.Errorf("%s --help does not tell of %s:\n%s", command, flag, out)
		}
	}
}
