//go:build prove

package views

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// TestProvePages prints what pages weigh, and the CPU that it takes to draw
// them.
func TestProvePages(t *testing.T) {
	fmt.Println("> Every tenth seat is locked. *CPU* is that of drawing the page once, the median of 9 rounds. Aims:\n> 190 bytes a seat and 20 compressed (gzip), 2 ms.\n> ")
	fmt.Println("| page | seats | bytes | bytes/seat | gzip | gzip/seat | CPU, ms |")
	fmt.Println("|---|---:|---:|---:|---:|---:|---:|")
	for _, c := range []struct {
		name string
		hall *Hall
		page string
	}{
		{"studio stage, whole", demoHall(t, "demo"), ""},
		{"500 seats, one section of 40", blocksHall(t), "block-7"},
		{"theatre, whole", demoHall(t, "theatre"), ""},
		{"arena, overview", demoHall(t, "arena"), ""},
		{"arena, one section", demoHall(t, "arena"), "block-205"},
	} {
		v := busyView(t, c.hall, c.page)
		body := []byte(render(t, EventPage(v)))
		packed := gzipped(t, body)
		perSeat, packedPerSeat := "", ""
		if n := len(v.Seats); n > 0 {
			perSeat, packedPerSeat = fmt.Sprintf("%.0f", float64(len(body))/float64(n)), fmt.Sprintf("%.1f", float64(packed)/float64(n))
		}
		cpu := cpuOf(t, 50, func() { render(t, EventPage(v)) })
		fmt.Printf("| %s | %d | %d | %s | %d | %s | %.2f |\n", c.name, len(v.Seats), len(body), perSeat, packed, packedPerSeat, ms(cpu))
	}
}

// TestProveResync prints the CPU that it takes to draw all sections of a large
// hall for who must be told everything.
func TestProveResync(t *testing.T) {
	fmt.Println("> All sections as a resync sends them, the median of 9 rounds. Aim: 20 ms for 20,000 seats.\n> ")
	fmt.Println("| hall | seats | bytes | CPU, ms |")
	fmt.Println("|---|---:|---:|---:|")
	for _, c := range []struct {
		name string
		hall *Hall
	}{{"40 sections of 500", blocksHall(t)}, {"arena", demoHall(t, "arena")}} {
		page := eventPage(c.hall)
		var sections [][]store.Seat
		for i := range c.hall.Sections() {
			sections = append(sections, busySeats(c.hall, i))
		}
		var frame []byte
		draw := func() {
			frame = frame[:0]
			for i, seats := range sections {
				frame = page.AppendSection(frame, i, seats, true)
			}
		}
		cpu := cpuOf(t, 5, draw)
		fmt.Printf("| %s | %d | %d | %.1f |\n", c.name, len(c.hall.seats), len(frame), ms(cpu))
	}
}

// blocksHall has 40 sections of 500 seats, in 20 rows.
func blocksHall(t *testing.T) *Hall {
	t.Helper()
	l := plan.Layout{Name: "Blocks"}
	for i := range 40 {
		l.Blocks = append(l.Blocks, plan.Block{Section: fmt.Sprintf("Block %d", i+1), Category: "Standard", Price: new(int64(4500)), Rows: 20, Seats: 25, Distance: 25 * float64(i)})
	}
	file, err := plan.Generate(l)
	if err != nil {
		t.Fatal(err)
	}
	e := smallEvent()
	e.Prices = file.Prices
	return newHall(t, e, file.Plan)
}

func busySeats(h *Hall, section int) (seats []store.Seat) {
	for i, id := range h.Sections()[section] {
		s := store.Seat{ID: id, Version: int64(1 + i%7)}
		if i%10 == 3 {
			s.Status, s.LockedBy, s.LockedUntil = store.Locked, "other", now.Add(time.Minute)
		}
		seats = append(seats, s)
	}
	return seats
}

func busyView(t *testing.T, h *Hall, section string) EventView {
	t.Helper()
	v := eventView(t)
	page, ok := h.Page(section)
	if !ok {
		t.Fatalf("there is no page %q", section)
	}
	v.Page, v.Seats, v.Sections, v.Basket.Lock.Seats = page, nil, nil, nil
	for i := range h.sections {
		var n Counts
		for _, s := range busySeats(h, i) {
			n[s.Status]++
			if slices.Contains(page.Shows(), i) {
				v.Seats = append(v.Seats, s)
			}
		}
		v.Sections = append(v.Sections, n)
	}
	return v
}

// cpuOf returns the CPU time of one call, of the rounds of n calls the median.
func cpuOf(t *testing.T, n int, call func()) time.Duration {
	t.Helper()
	rounds := make([]time.Duration, 9)
	for i := range rounds {
		runtime.GC() // a round pays for its own garbage alone
		before := testengine.CPU(t)
		for range n {
			call()
		}
		rounds[i] = (testengine.CPU(t) - before) / time.Duration(n)
	}
	slices.Sort(rounds)
	return rounds[len(rounds)/2]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func gzipped(t *testing.T, body []byte) int {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(body)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Len()
}
