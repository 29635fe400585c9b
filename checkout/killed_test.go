//go:build unix

package checkout_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/store"
)

// afterRestart is how soon after the start of a server what its provider has
// decided is final.
const afterRestart = 30 * time.Second

// TestKilledAtEachStep kills a process at each point on the way of a booking that
// is paid and then cancelled in part, or given up. The next one brings it to its
// end.
func TestKilledAtEachStep(t *testing.T) {
	for _, point := range []string{
		"begun", "leased start", "called start", "settled start", "leased status", "called status", "settled status",
		"leased capture", "called capture", "settled capture", "leased refund", "called refund", "settled refund",
		"leased cancel", "called cancel", "settled cancel",
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			what := task{Dir: t.TempDir(), Point: point}
			what.Store = "sqlite:" + filepath.Join(what.Dir, "seatlock.db")
			encoded, err := json.Marshal(what)
			if err != nil {
				t.Fatal(err)
			}
			child := exec.CommandContext(t.Context(), os.Args[0])
			child.Env = append(os.Environ(), childEnv+"="+string(encoded))
			if said, err := child.CombinedOutput(); err == nil || len(said) > 0 {
				t.Fatalf("the child was not killed at %q: %s", point, said)
			}
			w, err := openWorld(t.Context(), what.Dir, what.Store)
			if err != nil {
				t.Fatal(err)
			}
			defer w.close()
			finish(t, w, !strings.HasSuffix(point, "cancel"))
		})
	}
}

// usual is the checkout of one instance by the rules of a server.
func (w *world) usual(i int) *checkout.Checkout {
	return checkout.New(w.stores[i], checkout.Config{
		Providers: map[string]checkout.Provider{"ledger": w.ledger}, Offered: []string{"ledger"},
		Rules: checkout.DefaultRules(30 * time.Minute), Log: slog.New(slog.DiscardHandler), Reached: w.reached,
	})
}

// dieAt books two seats, pays, and cancels one, and never gets past the point.
func (w *world) dieAt(ctx context.Context, point string) error {
	w.reached = func(at string) {
		if at == point {
			die()
		}
	}
	if err := w.open(ctx, "e", store.Terms{}); err != nil {
		return err
	}
	_, err := w.stores[0].Lock(ctx, store.LockRequest{Event: "e", Holder: "anna", Seats: []string{"a", "b"}, Rules: store.DefaultRules()})
	if err != nil {
		return err
	}
	c := w.usual(0)
	offer, err := c.Offer(ctx, "e", "anna", nil)
	if err != nil {
		return err
	}
	begun, err := c.Begin(ctx, checkout.Request{Event: "e", Holder: "anna", Payment: "ledger", Digest: offer.Digest, ID: "form",
		Person: store.Person{Name: "Anna", Email: "anna@example.org"}})
	if err != nil {
		return err
	}
	if strings.HasSuffix(point, "cancel") {
		if _, err := c.GiveUp(ctx, begun.Code, "anna"); err != nil {
			return err
		}
		return c.Run(ctx)
	}
	if err := errors.Join(w.ledger.Pay(store.Booking{Code: begun.Code}.Attempt()), c.Hint(ctx, begun.Code)); err != nil {
		return err
	}
	if _, err := c.Cancel(ctx, store.CancelRequest{Code: begun.Code, Seats: []string{"a"}}); err != nil {
		return err
	}
	return c.Run(ctx) // pays back
}

// finish runs the reconciler of a server that has just started, and may have the
// visitor pay if they have not yet.
func finish(t *testing.T, w *world, pays bool) {
	running, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- w.usual(0).Run(running) }()
	var code string
	for b, err := range w.stores[1].AllBookings(t.Context(), "e") {
		if code = b.Code; err != nil {
			t.Fatal(err)
		}
	}
	s, last := w.schedule(0).named("e"), "not begun"
	for end := time.Now().Add(afterRestart); last != "" && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if pays { // which it may be already, or not yet to be
			_ = w.ledger.Pay(store.Booking{Code: code}.Attempt())
		}
		var err error
		if last, err = s.underWay(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if err := <-ended; err != nil || last != "" {
		t.Fatalf("%v after the restart: %s, %v", afterRestart, last, err)
	}
	want := map[bool]store.BookingState{true: store.BookingBooked, false: store.BookingDeclined}[pays]
	if b := w.booking(t, code); b.State != want {
		t.Errorf("the booking is %s, want it %s", b.State, want)
	}
	if err := s.check(t.Context()); err != nil {
		t.Error(err)
	}
}
