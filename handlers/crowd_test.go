package handlers_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/store"
)

// TestCrowdChecksOut: 200 visitors come to a server at once that has just
// started, two for each seat, and all go on to the checkout. One of each two has
// the seat, and a booking; the other is told that it is taken.
func TestCrowdChecksOut(t *testing.T) {
	t.Parallel()
	h := openTill(t, tillSetting{})
	var mu sync.Mutex
	bought, refused := map[string]int{}, map[string]int{}
	var all sync.WaitGroup
	for i := range 200 {
		seat := fmt.Sprintf("%c%d", 'A'+i/2/10, i/2%10+1)
		way := []string{checkout.Door, "demo"}[i/2%2]
		p := h.visitor(t)
		all.Go(func() {
			p.get("/events/demo")
			locked := p.post("lock", seat)
			count := refused
			if locked.StatusCode == 200 {
				if r := p.send("/events/demo/checkout", p.form2(way)); r.StatusCode == 303 && codeIn.MatchString(r.Header.Get("Location")) {
					count = bought
				}
			}
			if locked.StatusCode != 200 && locked.StatusCode != 409 {
				t.Errorf("lock %s: %d", seat, locked.StatusCode)
			}
			mu.Lock()
			defer mu.Unlock()
			count[seat]++
		})
	}
	all.Wait()
	for _, b := range h.bookings(t) {
		seats := store.Seats(b.Lines)
		if len(seats) != 1 || bought[seats[0]] != 1 || refused[seats[0]] != 1 {
			t.Errorf("booking of %v: %d bought, %d refused", seats, bought[seats[0]], refused[seats[0]])
		}
		if !slices.Contains([]store.BookingState{store.BookingReserved, store.BookingPaying}, b.State) {
			t.Errorf("booking of %v is %s", seats, b.State)
		}
	}
	if len(bought) != 100 || len(h.bookings(t)) != 100 {
		t.Errorf("%d seats bought, %d bookings, want 100", len(bought), len(h.bookings(t)))
	}
}
