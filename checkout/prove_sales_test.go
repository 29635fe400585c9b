//go:build prove && unix

package checkout_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

// TestProveSales prints how long it takes to count a year's sales, and sees that
// they are what was put in.
func TestProveSales(t *testing.T) {
	engine, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "year.db"), sqlitestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	st := store.New(engine)
	defer st.Close()
	zone, err := time.LoadLocation("Pacific/Auckland")
	if err != nil {
		t.Fatal(err)
	}
	y := year{T: t, engine: engine, st: st, draw: rand.New(rand.NewPCG(13, 0)), zone: zone, sold: map[string]*store.Sales{}}
	y.fill("arena", 20_000, "JPY")
	for i := range 320 {
		y.fill(fmt.Sprintf("e%d", i), 250, []string{"EUR", "JPY", "KWD"}[i%3])
	}
	fmt.Println("> A generated year of 100,000 bookings in 321 events, embedded store, read as `sales` does. *Memory* is the most of the\n> heap that was in use beside what was before.\n> ")
	fmt.Println("| events | bookings | seats | seconds | CPU, s | µs CPU/booking | memory, MB |")
	fmt.Println("|---|---:|---:|---:|---:|---:|---:|")
	y.measure("the largest", "arena")
	var all []string
	for id := range y.sold {
		all = append(all, id)
	}
	y.measure("the year", all...)
}

// year is what was sold in it, counted as it was made.
type year struct {
	*testing.T
	engine store.Engine
	st     *store.Store
	draw   *rand.Rand
	zone   *time.Location
	sold   map[string]*store.Sales
}

// measure counts the sales of events, and compares them.
func (y *year) measure(name string, events ...string) {
	y.Helper()
	bookings, seats, most := 0, 0, uint64(0)
	inUse := func() uint64 {
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		return memory.HeapAlloc
	}
	runtime.GC()
	before, began, cpu := inUse(), time.Now(), testengine.CPU(y)
	for _, id := range events {
		var sales store.Sales
		for b, err := range y.st.AllBookings(y.Context(), id) {
			if err != nil {
				y.Fatal(err)
			}
			sales.Add(b, y.zone)
			seats += len(b.Lines)
			if bookings++; bookings%500 == 0 {
				most = max(most, inUse())
			}
		}
		if want := y.sold[id]; !maps.Equal(sales.Lines, want.Lines) || sales.Money != want.Money || sales.Bookings != want.Bookings {
			y.Errorf("%s: sales of %+v, %+v, want %+v, %+v", id, sales.Total(), sales.Money, want.Total(), want.Money)
		}
	}
	took, cpu := time.Since(began), testengine.CPU(y)-cpu
	fmt.Printf("| %s | %d | %d | %.2f | %.2f | %.1f | %.0f |\n", name, bookings, seats, took.Seconds(), cpu.Seconds(),
		float64(cpu.Microseconds())/float64(bookings), float64(most-before)/(1<<20))
}

// fill makes bookings of an event, and counts what is sold with them.
func (y *year) fill(event string, bookings int, currency string) {
	y.Helper()
	sales := &store.Sales{Lines: map[store.SalesKey]store.SalesLine{}}
	y.sold[event] = sales
	for made := 0; made < bookings; {
		var records []store.Record
		for ; made < bookings && len(records) < 800; made++ {
			b := y.booking(event, currency, sales)
			person := fmt.Appendf(nil, `{"name":"Berta Muster","email":"%s@example.org"}`, b.Code)
			records = append(records, y.record(store.BookingRecord, b.Code, event, b), store.Record{
				Key: store.Key{Kind: store.PersonRecord, ID: b.Code}, Body: person, Index: map[string]string{"event": event}})
		}
		keys := make([]store.Key, len(records))
		for i, r := range records {
			keys[i] = r.Key
		}
		_, _, err := y.engine.Decide(context.WithoutCancel(y.Context()), store.Question{Records: keys}, func(v store.View) store.Decision {
			return store.Accept(v, store.Outcome{}, store.Writes{Records: records})
		})
		if err != nil {
			y.Fatal(err)
		}
	}
}

func (y *year) record(kind, id, event string, what any) store.Record {
	body, err := json.Marshal(what)
	if err != nil {
		y.Fatal(err)
	}
	return store.Record{Key: store.Key{Kind: kind, ID: id}, Body: body, Index: map[string]string{"event": event}}
}

// booking is one of up to six seats, in one of the states that there are.
func (y *year) booking(event, currency string, sales *store.Sales) store.Booking {
	month, day := 1+y.draw.IntN(12), 1+y.draw.IntN(28)
	at := time.Date(2026, time.Month(month), day, y.draw.IntN(24), y.draw.IntN(60), 0, 0, y.zone).UTC()
	b := store.Booking{Code: store.NewCode(), Event: event, Holder: "visitor", Currency: currency, State: store.BookingBooked,
		Provider: []string{"demo", checkout.Door, checkout.House}[y.draw.IntN(3)], Begun: at, Booked: at, Tickets: map[string]store.Ticket{}}
	switch y.draw.IntN(20) {
	case 0:
		b.State = store.BookingReserved
	case 1:
		b.State, b.Booked = store.BookingLapsed, time.Time{}
	case 2:
		b.State = store.BookingCancelled
	}
	ended := b.State == store.BookingLapsed
	if !ended {
		sales.Bookings++
	}
	var returned int64
	for i := range 1 + y.draw.IntN(6) {
		l, counts, back := y.line(&b, i)
		if returned += back; !ended {
			key := store.SalesKey{Category: l.Category, Tariff: l.TariffName, Provider: b.Provider, Day: fmt.Sprintf("2026-%02d-%02d", month, day)}
			sum := sales.Lines[key]
			sum.Add(counts)
			sales.Lines[key] = sum
		}
	}
	if returned > 0 && y.draw.IntN(10) == 0 {
		sales.ToRefund += returned
	} else {
		b.Refunded = returned
	}
	sales.Captured += b.Captured
	sales.Refunded += b.Refunded
	return b
}

// line adds a line to a booking, and says what it counts for, and what of its
// price goes back.
func (y *year) line(b *store.Booking, i int) (l store.Line, counts store.SalesLine, back int64) {
	tariff := y.draw.IntN(3)
	l = store.Line{Seat: fmt.Sprintf("s%d", i), Label: fmt.Sprint(i), Row: "A", Section: "Stalls", Category: []string{"Stalls", "Balcony"}[y.draw.IntN(2)],
		Tariff: []string{"full", "reduced", "companion"}[tariff], TariffName: []string{"Full", "Reduced", "Companion"}[tariff]}
	l.Price = []int64{4505 + int64(i), 2253, 1}[tariff]
	cancelled := b.State == store.BookingCancelled || b.State == store.BookingBooked && i > 0 && y.draw.IntN(12) == 0
	switch {
	case b.State == store.BookingReserved:
		counts = store.SalesLine{Open: 1, Owed: l.Price}
	case b.State == store.BookingLapsed:
	case cancelled && y.draw.IntN(4) == 0:
		l.Cancelled, l.NoRefund, counts = true, true, store.SalesLine{Cancelled: 1, Kept: l.Price}
	case cancelled:
		l.Cancelled, counts, back = true, store.SalesLine{Cancelled: 1, Returned: l.Price}, l.Price
	default:
		counts = store.SalesLine{Seats: 1, Amount: l.Price}
		if y.draw.IntN(3) > 0 {
			counts.CheckedIn = 1
			b.Tickets[l.Seat] = store.Ticket{In: b.Booked}
		}
	}
	if b.State == store.BookingBooked || b.State == store.BookingCancelled {
		b.Captured += l.Price
	}
	b.Lines = append(b.Lines, l)
	return l, counts, back
}
