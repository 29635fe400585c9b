package paytest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/checkout/paytest"
)

func openLedger(t *testing.T, path string) *paytest.Ledger {
	t.Helper()
	l, err := paytest.OpenLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// book starts, pays and captures a payment, and pays back a quarter.
func book(ctx context.Context, l *paytest.Ledger, id string) error {
	p := payment(id)
	s, err := l.Start(ctx, p)
	if err != nil {
		return err
	}
	if p.Ref = s.Ref; s.State == checkout.Open {
		if err := l.Pay(id); err != nil {
			return err
		}
	}
	if _, err := l.Capture(ctx, p); err != nil {
		return err
	}
	return l.Refund(ctx, checkout.Repayment{Key: "quarter", Ref: p.Ref, Amount: 1000, Currency: "EUR"})
}

func wantBooked(t *testing.T, l *paytest.Ledger, id string) {
	t.Helper()
	got, _ := l.Entry(id)
	want := paytest.Entry{
		ID: id, Ref: "ledger-" + id, State: checkout.Captured, Amount: 4000, Currency: "EUR",
		Captures: 1, Refunds: 1, Captured: 4000, Refunded: 1000, Asked: map[string]paytest.Asked{"quarter": {Amount: 1000}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}

func TestLedgerCountsEffects(t *testing.T) {
	l := paytest.NewLedger()
	for range 3 {
		if err := book(t.Context(), l, "A-1"); err != nil {
			t.Fatal(err)
		}
	}
	wantBooked(t, l, "A-1")
	_ = l.Refund(t.Context(), checkout.Repayment{Key: "too much", Ref: "ledger-A-1", Amount: 3001, Currency: "EUR"})
	if _, err := l.Start(t.Context(), payment("B-1")); err != nil {
		t.Fatal(err)
	}
	if err := l.PayAtOnce("B-1"); err != nil {
		t.Fatal(err)
	}
	all := l.Entries()
	if len(all) != 2 || all[0].Refused != 1 || all[1].Captures != 1 || all[1].Captured != 4000 || all[1].State != checkout.Captured {
		t.Errorf("got %+v", all)
	}
}

func TestLedgerIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.json")
	if err := book(t.Context(), openLedger(t, path), "A-1"); err != nil {
		t.Fatal(err)
	}
	l := openLedger(t, path)
	wantBooked(t, l, "A-1")
	if err := book(t.Context(), l, "A-1"); err != nil { // a repeat
		t.Fatal(err)
	}
	wantBooked(t, openLedger(t, path), "A-1")
}

func TestLedgerHeedsContext(t *testing.T) {
	l := paytest.NewLedger()
	ended, end := context.WithCancel(t.Context())
	end()
	if err := book(ended, l, "A-1"); !errors.Is(err, context.Canceled) || len(l.Entries()) > 0 {
		t.Errorf("got %v, and %+v", err, l.Entries())
	}
}

// TestLedgerNotKept: what cannot be kept has not happened.
func TestLedgerNotKept(t *testing.T) {
	l := openLedger(t, filepath.Join(t.TempDir(), "no such folder", "ledger.json"))
	_, err := l.Start(t.Context(), payment("A-1"))
	if e, there := l.Entry("A-1"); err == nil || there {
		t.Errorf("got %v, and %+v", err, e)
	}
}

// ledgerEnv has the test binary write to a ledger until it is killed.
const ledgerEnv = "PAYTEST_LEDGER"

func TestLedgerChild(t *testing.T) {
	path := os.Getenv(ledgerEnv)
	if path == "" {
		return // this is for TestLedgerKilled
	}
	l := openLedger(t, path)
	for i := 0; ; i++ {
		id := fmt.Sprintf("P%d-1", i)
		if err := book(t.Context(), l, id); err != nil {
			t.Fatal(err)
		}
		fmt.Println("booked", id)
	}
}

// TestLedgerKilled: whatever a process was told before it was killed, the next
// one finds.
func TestLedgerKilled(t *testing.T) {
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ledger.json")
	child := exec.CommandContext(t.Context(), binary, "-test.run=^TestLedgerChild$")
	child.Env = append(os.Environ(), ledgerEnv+"="+path)
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var booked []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var id string
		if n, _ := fmt.Sscanf(lines.Text(), "booked %s", &id); n == 1 {
			booked = append(booked, id)
		}
		if len(booked) == 10 { // all that it has written by then is still read
			_ = child.Process.Kill()
		}
	}
	if err := child.Wait(); err == nil || len(booked) < 10 {
		t.Fatalf("the child booked %d times, and ended with %v", len(booked), err)
	}
	l := openLedger(t, path)
	for _, id := range booked {
		wantBooked(t, l, id)
	}
	if err := book(t.Context(), l, "A-1"); err != nil {
		t.Fatal(err)
	}
}
