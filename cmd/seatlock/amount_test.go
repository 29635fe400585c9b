package main

import (
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

func TestAmountIn(t *testing.T) {
	for _, c := range []struct{ currency, text, want string }{
		{"EUR", "50.00", "5000"}, {"EUR", "50,00", "5000"}, {"EUR", "0.05", "5"}, {"EUR", "0.00", "0"}, {"EUR", "0", "0"}, {"EUR", "0,0", "0"},
		{"EUR", "50", "50 could be €50.00 or €0.50: write 50.00 or 0.50"},
		{"USD", "1234", "1234 could be $1,234.00 or $12.34: write 1234.00 or 12.34"},
		{"EUR", "50.0", "50.0: EUR has 2 decimals: want an amount such as 50.00"},
		{"EUR", "1.500", "1.500: EUR has 2 decimals"}, {"EUR", "1.234,56", "want an amount such as 50.00"}, {"EUR", "1,234.56", "want an amount"},
		{"JPY", "5000", "5000"}, {"JPY", "0", "0"}, {"JPY", "5000.00", "5000.00: JPY has no decimals: want an amount such as 5000"}, {"JPY", "5,000", "JPY has no decimals"},
		{"BHD", "1.500", "1500"}, {"BHD", "1,500", "1500"}, {"BHD", "1.50", "BHD has 3 decimals: want an amount such as 5.000"},
		{"BHD", "1500", "1500 could be BHD\u00a01,500.000 or BHD\u00a01.500: write 1500.000 or 1.500"},
		{"EUR", "10000000000.00", "1000000000000"}, {"EUR", "10000000000.01", "want at most 10000000000.00"}, {"JPY", "1000000000001", "want at most 1000000000000"},
		{"EUR", "92233720368547758.07", "want at most"}, {"EUR", "92233720368547758.08", "want an amount"}, {"EUR", "9223372036854775807", "EUR has 2 decimals"},
		{"BTC", "0.50", "50"}, // an event of before
		{"EUR", "-1.00", "want"}, {"EUR", "+1.00", "want"}, {"EUR", "", "want"}, {"EUR", "1e2", "want"}, {"EUR", "٥٠.٠٠", "want"}, {"EUR", "€5.00", "want"}, {"EUR", " 5.00", "want"},
	} {
		units, err := amountIn(c.currency, c.text)
		got := fmt.Sprint(units)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) || err == nil && got != c.want {
			t.Errorf("%s %s: %s, want %s", c.text, c.currency, got, c.want)
		}
	}
}

// TestPricesOfAnImport: from the file, by flag, and for nothing.
func TestPricesOfAnImport(t *testing.T) {
	const header = "row,seat,category,price\n"
	for _, c := range []struct {
		file, currency string
		flags          []string
		want           string // what the event's prices are, or why it is refused
	}{
		{header + "A,1,Front,2800\nB,1,Rear,\"19,50\"\n", "EUR", nil, "2800 as €28.00, 19.50 as €19.50: write all in one way, or say --yes"},
		{header + "A,1,Front,28\nB,1,Rear,19.50\n", "EUR", nil, "28 as €0.28"},
		{header + "A,1,Front,2800\nB,1,Rear,19.50\n", "EUR", []string{"--yes"}, "map[front:2800 rear:1950]"},
		{header + "A,1,Front,28.00\nB,1,Rear,19.5\n", "EUR", nil, "map[front:2800 rear:1950]"},
		{header + "A,1,Front,28.00\nB,1,Rear,0\n", "EUR", nil, "map[front:2800 rear:0]"},
		{header + "A,1,Front,2.500\n", "KWD", nil, "map[front:2500]"},
		{header + "A,1,Front,2.500\n", "EUR", nil, ": line 2: price: 2.500: EUR has 2 decimals"},
		{header + "A,1,Front,28.00\n", "JPY", nil, "line 2: price: 28.00: JPY has no decimals"},
		{header + "A,1,Front,1000000000001\n", "EUR", nil, `price of "front": 1000000000001: want at most 1000000000000`},
		{header + "A,1,Front,9223372036854775808\n", "EUR", nil, "line 2: price:"},
		{"row,seat,category\nA,1,Front\nB,1,Rear\n", "EUR", nil, "the plan has no prices: say --price Front=AMOUNT, once for each category, or --free"},
		{"row,seat,category\nA,1,Front\nB,1,Rear\n", "EUR", []string{"--free"}, "map[front:0 rear:0]"},
		{"row,seat,category\nA,1,Front\nB,1,Rear\n", "EUR", []string{"--price", "Front=28.00", "--price", "rear=19,50"}, "map[front:2800 rear:1950]"},
		{"row,seat,category\nA,1,Front\nB,1,Rear\n", "EUR", []string{"--price", "Front=28.00"}, "map[front:2800]"},
		{"row,seat,category\nA,1,Front\nB,1,Rear\n", "EUR", []string{"--price", "Front=28.00", "--free"}, "map[front:2800 rear:0]"},
		{"row,seat,category\nA,1,Front\n", "JPY", []string{"--price", "Front=2800"}, "map[front:2800]"},
		{"row,seat,category\nA,1,Front\n", "EUR", []string{"--price", "Front=28"}, "--price Front=28 could be €28.00 or €0.28"},
		{"row,seat,category\nA,1,Front\n", "EUR", []string{"--price", "Gold=28.00"}, `--price "Gold": the categories are front`},
		{header + "A,1,Front,2800\n", "EUR", []string{"--price", "Front=30.00"}, "map[front:3000]"},
		{header + "A,1,Front,2800\n", "BTC", nil, `currency "BTC": want the code of an active currency of ISO 4217`},
		{header + "A,1,Front,2800\n", "XXX", nil, "currency"}, {header + "A,1,Front,2800\n", "eur", nil, "currency"}, {header + "A,1,Front,2800\n", "XAU", nil, "currency"},
		{"row,seat\nA,\u3164\n", "EUR", []string{"--free"}, `: line 2: seat: "\u3164" has no visible character`},
		{"row,seat\na" + strings.Repeat("\u0301", 5) + ",1\n", "EUR", []string{"--free"}, "line 2: row: "},
	} {
		address := house(t)
		args := append([]string{"import", "--create", "--store", address, "--event", "e", "--title", "T", "--currency", c.currency, fileOf(t, c.file)}, c.flags...)
		code, _, faults := told(t, args...)
		event, err := eventOf(t, address, "e")
		got := fmt.Sprint(event.Prices)
		if code != exitOK {
			if got = faults; err == nil || strings.Count(faults, "\n") != 1 {
				t.Errorf("%q in %s %q: exit %d, %s, and the event is %v", c.file, c.currency, c.flags, code, faults, event)
			}
		}
		if !strings.Contains(got, c.want) || code == exitOK && got != c.want {
			t.Errorf("%q in %s %q: %s, want %s", c.file, c.currency, c.flags, got, c.want)
		}
	}
}

// TestNoPriceIsNotForSale: it is told, and comes out of export as it went in.
func TestNoPriceIsNotForSale(t *testing.T) {
	address := house(t)
	args := []string{"import", "--create", "--store", address, "--event", "e", "--title", "T", fileOf(t, "row,seat,category,price\nA,1,Front,28.00\nB,1,Rear,\n")}
	if said := does(t, args...); !strings.Contains(said, "category Rear   not for sale  1 seat\n") {
		t.Errorf("said\n%s", said)
	}
	for _, format := range []string{"json", "csv"} {
		got := readFile(t, does(t, "export", "--store", address, "--event", "e", "--format", format))
		if want := map[string]int64{"front": 2800}; !maps.Equal(got.Prices, want) || len(got.Decimal) != 0 {
			t.Errorf("%s: exported the prices %v, want %v", format, got.Prices, want)
		}
	}
	if seats := does(t, "seats", "--store", address, "--event", "e", "--format", "csv"); !strings.Contains(seats, ",Rear,not for sale,withheld,") {
		t.Errorf("the seats are\n%s", seats)
	}
	if events := does(t, "events", "--store", address, "--format", "csv"); !strings.Contains(events, "\ne,,T,,2,1,0,0,0,1\n") {
		t.Errorf("the events are\n%s", events)
	}
	said := does(t, "change", "--store", address, "--event", "e", "--price", "Rear=19.50")
	wantSaid(t, said, "Event e was changed.\n  price of Rear  none → €19.50\n")
}

// TestPricesOfMoreSeats: what the file does not say stays, what is new has a
// price or is not for sale, and a slip asks.
func TestPricesOfMoreSeats(t *testing.T) {
	const header = "section,row,seat,category,price,x,y,id\n"
	address := house(t)
	grow := func(front, rear, box string) []string {
		return addSeats(address, fileOf(t, header+"Stalls,A,1,Front,"+front+",0,3,stalls-A-1\nStalls,A,2,Front,"+front+",1,3,stalls-A-2\n"+
			"Circle,A,1,Rear,"+rear+",0,9,circle-A-1\nBox,A,1,Box,"+box+",5,3,\n"))
	}
	refuses(t, exitUsage, "the price of 2 seats would change by more than half, such as stalls-A-1 from €45.00 to €45,000.00: say --yes if that is meant; nothing was changed", grow("45000.00", "", "")...)
	refuses(t, exitUsage, "some prices are whole numbers", grow("45.00", "20", "")...)
	refuses(t, exitUsage, "--title does not go with", append(grow("", "", ""), "--title", "T")...)
	if got := gala(t, address); got.Revision != 1 {
		t.Fatalf("a refusal made %+v", got)
	}
	does(t, grow("", "25.00", "")...)
	if got, want := gala(t, address).Prices, map[string]int64{"front": 4500, "rear": 2500}; !maps.Equal(got, want) {
		t.Errorf("the prices are %v, want %v", got, want)
	}
	does(t, append(grow("", "5.00", ""), "--yes", "--price", "Box=99.00")...)
	if got, want := gala(t, address).Prices, map[string]int64{"front": 4500, "rear": 500, "box": 9900}; !maps.Equal(got, want) {
		t.Errorf("the prices are %v, want %v", got, want)
	}
}

func TestPriceChangeAsks(t *testing.T) {
	hall := readFile(t, "row,seat,category\nA,1,c\n").Plan
	for _, c := range []struct {
		was, is int64
		asks    bool
	}{
		{100, 150, false}, {100, 151, true}, {100, 50, false}, {100, 49, true}, {101, 151, false}, {101, 152, true}, {3, 2, false}, {3, 1, true},
		{0, 0, false}, {0, 1, true}, {1, 0, true}, {math.MaxInt64, 0, true}, {0, math.MaxInt64, true}, {math.MaxInt64, math.MaxInt64 / 2, true}, {math.MaxInt64, math.MaxInt64/2 + 1, false},
	} {
		before, after := store.Event{Currency: "EUR", Prices: map[string]int64{"c": c.was}}, store.Event{Currency: "EUR", Prices: map[string]int64{"c": c.is}}
		if err := new(pricing).checkPriceChange(before, after, hall); (err != nil) != c.asks {
			t.Errorf("from %d to %d: %v, want that it asks: %t", c.was, c.is, err, c.asks)
		}
		if err := (&pricing{yes: true}).checkPriceChange(before, after, hall); err != nil {
			t.Errorf("from %d to %d with --yes: %v", c.was, c.is, err)
		}
	}
	if err := new(pricing).checkPriceChange(store.Event{}, store.Event{Prices: map[string]int64{"c": 100}}, hall); err != nil {
		t.Errorf("a first price: %v", err)
	}
}

// TestSeatPriceChangeAsks: what a seat costs changes with its category, too.
func TestSeatPriceChangeAsks(t *testing.T) {
	const header = "section,row,seat,category,price,x,y,id\n"
	address := "sqlite:" + filepath.Join(t.TempDir(), "seatlock.db")
	does(t, "import", "--create", "--store", address, "--event", "gala", "--title", "T", fileOf(t, header+
		"S,A,1,Gold,90.00,0,0,a\nS,A,2,Cheap,10.00,1,0,b\nS,A,3,Cheap,10.00,2,0,c\nS,A,4,Free,0.00,3,0,d\nS,A,5,Unsold,,4,0,e\n"))
	for _, c := range []struct{ rows, want string }{
		{"S,A,1,Cheap,10.00,0,0,a\nS,A,2,Gold,90.00,1,0,b\nS,A,3,Gold,90.00,2,0,c\nS,A,4,Free,0.00,3,0,d\nS,A,5,Unsold,,4,0,e\n", "3 seats would change by more than half, such as a from €90.00 to €10.00: "},
		{"S,A,1,Platinum,400.00,0,0,a\nS,A,2,Cheap,10.00,1,0,b\nS,A,3,Cheap,10.00,2,0,c\nS,A,4,Free,0.00,3,0,d\nS,A,5,Unsold,,4,0,e\n", "1 seat would change by more than half, such as a from €90.00 to €400.00: "},
		{"S,A,1,Gold,90.00,0,0,a\nS,A,2,Later,,1,0,b\nS,A,3,Unsold,,2,0,c\nS,A,4,Free,0.00,3,0,d\nS,A,5,Unsold,,4,0,e\n", "2 seats would change by more than half, such as b from €10.00 to not for sale: "},
		{"S,A,1,Gold,90.00,0,0,a\nS,A,2,Cheap,10.00,1,0,b\nS,A,3,Cheap,10.00,2,0,c\nS,A,4,Cheap,10.00,3,0,d\nS,A,5,Unsold,,4,0,e\n", "1 seat would change by more than half, such as d from €0.00 to €10.00: "},
		{"S,A,1,Gold,90.00,0,0,a\nS,A,2,Cheap,10.00,1,0,b\nS,A,3,Cheap,10.00,2,0,c\nS,A,4,Later,,3,0,d\nS,A,5,Unsold,,4,0,e\n", "1 seat would change by more than half, such as d from €0.00 to not for sale: "},
	} {
		for _, args := range [][]string{{fileOf(t, header+c.rows)}, {"--dry-run", fileOf(t, header+c.rows)}} {
			refuses(t, exitUsage, "the price of "+c.want+"say --yes if that is meant; nothing was changed", addSeats(address, args...)...)
		}
		if got := gala(t, address); got.Revision != 1 {
			t.Fatalf("a refusal made %+v", got)
		}
		does(t, addSeats(address, "--yes", "--dry-run", fileOf(t, header+c.rows))...)
	}
	// by half, and a first price
	does(t, addSeats(address, fileOf(t, header+"S,A,1,Gold,90.00,0,0,a\nS,A,2,More,15.00,1,0,b\nS,A,3,Cheap,10.00,2,0,c\nS,A,4,Free,0.00,3,0,d\nS,A,5,Gold,90.00,4,0,e\n"))...)
}

// TestPriceOfNamesakes: one name of two categories prices neither.
func TestPriceOfNamesakes(t *testing.T) {
	hall := plan.Plan{Categories: []plan.Category{{ID: "front", Name: "C"}, {ID: "rear", Name: "C"}, {ID: "box", Name: "Box"}}}
	p := pricing{named: []namedPrice{{"C", "5.00"}}}
	prices := map[string]int64{}
	err := p.apply(prices, hall, "EUR")
	if want := `--price "C": 2 categories have that name: say the id, which is one of front, rear`; err == nil || err.Error() != want || len(prices) != 0 {
		t.Errorf("%v, and prices %v, want %s", err, prices, want)
	}
	p.named = []namedPrice{{"front", "5.00"}, {"rear", "6.00"}, {"Box", "7.00"}}
	if err := p.apply(prices, hall, "EUR"); err != nil || !maps.Equal(prices, map[string]int64{"front": 500, "rear": 600, "box": 700}) {
		t.Errorf("%v: prices %v", err, prices)
	}
}

// TestImportOfBefore: a plan without prices was free, and the same import again
// is a repeat, with and without what it would need now.
func TestImportOfBefore(t *testing.T) {
	address := "sqlite:" + filepath.Join(t.TempDir(), "seatlock.db")
	args := []string{"import", "--create", "--store", address, "--event", "e", "--title", "T", fileOf(t, "row,seat,category\nA,1,Front\nB,1,Rear\n")}
	does(t, append(args, "--free")...) // writes what programs of before did
	for _, again := range [][]string{args, append(args, "--free"), append(args, "--price", "Front=0")} {
		if said := does(t, again...); !strings.Contains(said, "was made so already") {
			t.Errorf("%q said %s", again, said)
		}
	}
	refuses(t, exitFault, "event e exists already", append(args, "--price", "Front=10.00")...)
	refuses(t, exitUsage, "--price Front=10 could be", append(args, "--price", "Front=10")...)
}
