//go:build unix

package checkout_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/checkout/paytest"
	"github.com/seatlock/seatlock/store"
)

// newWorld is a world on an embedded store that ends with the test.
func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w, err := openWorld(t.Context(), dir, "sqlite:"+filepath.Join(dir, "seatlock.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// instance is the checkout of one instance, without faults.
func (w *world) instance(i int) *checkout.Checkout {
	both, _ := w.instances(0, paytest.Faults{}, 0)
	return both[i]
}

// lock has anna lock seats, in an event that is made if it is not there.
func (w *world) lock(t *testing.T, event string, seats ...string) {
	t.Helper()
	if err := w.open(t.Context(), event, store.Terms{}); err != nil {
		t.Fatal(err)
	}
	_, err := w.stores[0].Lock(t.Context(), store.LockRequest{Event: event, Holder: "anna", Seats: seats, Rules: store.DefaultRules()})
	if err != nil {
		t.Fatal(err)
	}
}

// request is what anna's form has, of what she has locked.
func (w *world) request(t *testing.T, event, payment string) checkout.Request {
	t.Helper()
	offer, err := w.instance(0).Offer(t.Context(), event, "anna", nil)
	if err != nil {
		t.Fatal(err)
	}
	return checkout.Request{Event: event, Holder: "anna", Payment: payment, Digest: offer.Digest, ID: store.NewCode(),
		Person: store.Person{Name: "Anna", Email: "anna@example.org"}}
}

// begin has anna lock a and b, and begin to book them.
func (w *world) begin(t *testing.T, event, payment string) (code string) {
	t.Helper()
	w.lock(t, event, "a", "b")
	begun, err := w.instance(0).Begin(t.Context(), w.request(t, event, payment))
	if err != nil {
		t.Fatal(err)
	}
	return begun.Code
}

func (w *world) booking(t *testing.T, code string) store.Booking {
	t.Helper()
	b, err := w.stores[0].Booking(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBegin50 sends a form 50 times at once: it is one booking, with 50 equal
// answers, and one payment.
func TestBegin50(t *testing.T) {
	w := newWorld(t)
	w.lock(t, "e", "a", "b")
	r := w.request(t, "e", "ledger")
	both := [2]*checkout.Checkout{w.usual(0), w.usual(1)}
	var mu sync.Mutex
	answers, first := map[string]int{}, 0
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			begun, err := both[i%2].Begin(t.Context(), r)
			mu.Lock()
			defer mu.Unlock()
			if !begun.Repeat {
				first++
			}
			answers[fmt.Sprint(begun.Code, " ", begun.Pay, " ", err)]++
		})
	}
	all.Wait()
	entries := w.ledger.Entries()
	if first != 1 || len(answers) != 1 || len(entries) != 1 || entries[0].Amount != 11 {
		t.Errorf("%d first ones, answers %v, payments %+v: want one of each, of 11", first, answers, entries)
	}
}

// TestChanged: what is booked is what the form showed, or nothing.
func TestChanged(t *testing.T) {
	w := newWorld(t)
	w.lock(t, "e", "a", "b")
	c := w.instance(0)
	e, err := w.stores[0].Event(t.Context(), "e")
	if err != nil {
		t.Fatal(err)
	}
	e.Title = "Another evening" // which changes no line
	if e, err = w.stores[0].UpdateEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func() error{
		"price": func() error {
			e.Prices = map[string]int64{"a": 2, "b": 10, "c": 100, "free": 0}
			_, err := w.stores[0].UpdateEvent(t.Context(), e)
			return err
		},
		"basket": func() error {
			_, err := w.stores[0].Lock(t.Context(), store.LockRequest{Event: "e", Holder: "anna", Seats: []string{"c"}, Rules: store.DefaultRules()})
			return err
		},
	} {
		r := w.request(t, "e", "ledger")
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if begun, err := c.Begin(t.Context(), r); !errors.Is(err, checkout.ErrChanged) || begun.Code != "" {
			t.Errorf("%s: got %+v, %v: want ErrChanged", name, begun, err)
		}
	}
	r := w.request(t, "e", "ledger")
	begun, err := c.Begin(t.Context(), r)
	if err != nil || begun.Repeat {
		t.Fatal(begun, err)
	}
	if again, err := c.Begin(t.Context(), r); err != nil || again.Code != begun.Code || !again.Repeat {
		t.Errorf("a repeat got %+v, %v: want %q", again, err, begun.Code)
	}
	r.Person.Name = "Bert"
	if _, err := c.Begin(t.Context(), r); !errors.Is(err, store.ErrReused) {
		t.Errorf("another form of the same id got %v, want ErrReused", err)
	}
	other, err := c.Begin(t.Context(), w.request(t, "e", "ledger"))
	if !errors.Is(err, store.ErrPaying) || other.Code != begun.Code {
		t.Errorf("another form got %+v, %v: want ErrPaying and %q", other, err, begun.Code)
	}
}

// TestPayments: what can be chosen, and what of it costs nothing.
func TestPayments(t *testing.T) {
	w := newWorld(t)
	c := w.instance(0)
	w.lock(t, "e", "free", "a")
	if _, err := c.Begin(t.Context(), w.request(t, "e", "cash")); !errors.Is(err, checkout.ErrNoPayment) {
		t.Errorf("got %v, want ErrNoPayment", err)
	}
	if _, err := c.Begin(t.Context(), w.request(t, "e", "")); !errors.Is(err, checkout.ErrNoPayment) {
		t.Errorf("got %v, want ErrNoPayment", err)
	}
	begun, err := c.Begin(t.Context(), w.request(t, "e", checkout.Door))
	if b := w.booking(t, begun.Code); err != nil || begun.Pay != "" || b.State != store.BookingReserved || b.Owed() != 1 {
		t.Errorf("at the door: %+v, %+v, %v", b, begun, err)
	}
	w.lock(t, "other", "free")
	begun, err = c.Begin(t.Context(), w.request(t, "other", ""))
	if b := w.booking(t, begun.Code); err != nil || begun.Pay != "" || b.State != store.BookingBooked || b.Total() != 0 {
		t.Errorf("for nothing: %+v, %+v, %v", b, begun, err)
	}
}

// TestAnswer20: a provider's answer is told 20 times at once, to two instances,
// and has one effect.
func TestAnswer20(t *testing.T) {
	w := newWorld(t)
	code := w.begin(t, "e", "ledger")
	id := store.Booking{Code: code}.Attempt()
	if err := w.ledger.Pay(id); err != nil {
		t.Fatal(err)
	}
	both := [2]*checkout.Checkout{w.instance(0), w.instance(1)}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if err := both[i%2].Hint(t.Context(), code); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	entry, _ := w.ledger.Entry(id)
	if b := w.booking(t, code); b.State != store.BookingBooked || entry.Captures != 1 || b.Captured != 11 {
		t.Errorf("booking %+v, payment %+v: want one capture of 11", b, entry)
	}
}

// TestLate: money that comes after the seats were let go gets them again, or goes
// back.
func TestLate(t *testing.T) {
	for name, test := range map[string]struct {
		rival bool
		want  store.BookingState
	}{
		"the seats are free": {false, store.BookingBooked},
		"one is taken":       {true, store.BookingLost},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			code := w.begin(t, "e", "ledger")
			id := store.Booking{Code: code}.Attempt()
			if err := w.ledger.PayAtOnce(id); err != nil {
				t.Fatal(err)
			}
			both, faults := w.instances(0, paytest.Faults{}, 0)
			faults[0].Away(time.Now(), time.Now().Add(time.Hour))
			running, stop := context.WithCancel(t.Context())
			var all sync.WaitGroup
			all.Go(func() { _ = both[0].Run(running) })
			w.await(t, code, store.BookingLapsed)
			if _, err := w.stores[1].Unlock(t.Context(), store.UnlockRequest{Event: "e", Holder: "anna"}); err != nil {
				t.Fatal(err)
			}
			if test.rival {
				if _, err := w.stores[1].Lock(t.Context(), store.LockRequest{Event: "e", Holder: "bert", Seats: []string{"b"}, Rules: store.DefaultRules()}); err != nil {
					t.Fatal(err)
				}
			}
			faults[0].Calm()
			w.await(t, code, test.want)
			if err := w.schedule(0).named("e").rest(t.Context()); err != nil {
				t.Error(err)
			}
			stop()
			all.Wait()
			if err := w.schedule(0).named("e").check(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// named is a schedule of an event that is there, as open has made it.
func (s *schedule) named(event string) *schedule {
	s.event, s.priced = event, func(int64) store.Event { return store.Event{Prices: prices} }
	return s
}

// await waits until a booking is as wanted.
func (w *world) await(t *testing.T, code string, want store.BookingState) {
	t.Helper()
	var b store.Booking
	for end := time.Now().Add(bounded); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if b = w.booking(t, code); b.State == want {
			return
		}
	}
	t.Fatalf("the booking is %s, want %s", b.State, want)
}
