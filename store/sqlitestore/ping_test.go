package sqlitestore

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
)

// TestPingReadOnly makes the file read-only under a running server.
func TestPingReadOnly(t *testing.T) {
	e := openTest(t)
	if err := e.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := e.do(t.Context(), func(x *tx) error {
		_, err := x.exec("PRAGMA query_only = on")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); e.Ping(t.Context()) == nil; time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatal("ping does not tell within 10 s that nothing can be written")
		}
	}
	if err := e.Ping(t.Context()); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "readonly") {
		t.Errorf("got error %v, want %v and why", err, store.ErrUnavailable)
	}
	if err := e.do(t.Context(), lockRequest("a", "ann")); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("lock: got error %v, want %v", err, store.ErrUnavailable)
	}
}

// TestTries shares one write among all who ask, and makes no other for a while.
func TestTries(t *testing.T) {
	var p tries
	var mu sync.Mutex
	made, broken := 0, errors.New("broken")
	try := func() error {
		mu.Lock()
		defer mu.Unlock()
		made++
		time.Sleep(20 * time.Millisecond) // so that the others meet it
		return broken
	}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 5 {
				if err := p.ask(t.Context(), try); !errors.Is(err, broken) {
					t.Errorf("got error %v, want %v", err, broken)
				}
			}
		})
	}
	wg.Wait()
	if made != 1 {
		t.Errorf("%d tries were made, want 1", made)
	}
}

// TestTriesStuck waits no longer than it must for a try that does not end.
func TestTriesStuck(t *testing.T) {
	gate := make(chan struct{})
	defer close(gate)
	stuck := func() error { <-gate; return nil }
	good := tries{ended: time.Now().Add(-tryEvery)}
	if err := good.ask(t.Context(), stuck); err != nil {
		t.Errorf("soon after a good try: got error %v, want none", err)
	}
	good.mu.Lock()
	good.ended = time.Now().Add(-tryGood)
	good.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := good.ask(ctx, stuck); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("long after a good try: got error %v, want %v", err, context.DeadlineExceeded)
	}
}
