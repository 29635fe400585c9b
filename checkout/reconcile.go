package checkout

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/seatlock/seatlock/store"
)

const (
	// workers bounds the steps of a kind that are under way at once for a provider:
	// one that hangs keeps no other waiting.
	workers = 32
	// atOnce is how many due records are read at once.
	atOnce = store.MaxPage
)

// Run is the reconciler: it completes attempts and refunds that are not final,
// and lets reserved bookings lapse, until ctx ends. Any number of
// instances may run it on the same store.
func (c *Checkout) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, w := range []worker{
		{c, c.attemptsWake, c.store.DueAttempts, func(ctx context.Context, id string) error { return c.advance(ctx, id, false) }},
		{c, c.refundsWake, c.store.DueRefunds, c.refund},
		{c, nil, c.store.DueReserved, func(ctx context.Context, code string) error {
			_, err := c.store.Lapse(ctx, code)
			return err
		}},
	} {
		all.Go(func() { w.run(ctx) })
	}
	all.Wait()
	return nil
}

// worker takes the due steps of one kind of record.
type worker struct {
	*Checkout
	wake <-chan struct{}
	due  func(ctx context.Context, after store.DueWork, limit int) ([]store.DueWork, error)
	step func(ctx context.Context, id string) error
}

// run works until ctx ends, and then waits for the steps under way.
func (w worker) run(ctx context.Context) {
	ticker := time.NewTicker(w.rules.Look)
	defer ticker.Stop()
	var feeding sync.WaitGroup
	defer feeding.Wait()
	busy := map[string]*sync.Mutex{} // by provider
	for ctx.Err() == nil {
		work, err := w.look(ctx)
		if err != nil {
			w.complain(ctx, "what is due cannot be read, and is tried again", err)
		}
		for provider, ids := range work {
			if busy[provider] == nil {
				busy[provider] = new(sync.Mutex)
			}
			if one := busy[provider]; one.TryLock() { // otherwise the due records are found again
				feeding.Go(func() {
					defer one.Unlock()
					w.feed(ctx, ids)
				})
			}
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		case <-w.wake:
		}
	}
}

// look returns the due records, by their provider.
func (w worker) look(ctx context.Context) (work map[string][]string, err error) {
	work = map[string][]string{}
	for page, last := []store.DueWork(nil), (store.DueWork{}); ; last = page[len(page)-1] {
		if page, err = w.due(ctx, last, atOnce); err != nil {
			return work, err
		}
		for _, one := range page {
			work[one.Provider] = append(work[one.Provider], one.ID)
		}
		if len(page) < atOnce {
			return work, nil
		}
	}
}

// feed takes the steps of one provider, some of them at once.
func (w worker) feed(ctx context.Context, ids []string) {
	var steps sync.WaitGroup
	defer steps.Wait()
	slots := make(chan struct{}, workers)
	for _, id := range ids {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		steps.Go(func() {
			defer func() { <-slots }()
			if err := w.step(ctx, id); err != nil {
				w.complain(ctx, "a payment cannot go on, and is tried again", err, slog.String("booking", store.BookingOf(id)))
			}
		})
	}
}

// complain logs a failure, once a minute at most.
func (c *Checkout) complain(ctx context.Context, what string, err error, about ...slog.Attr) {
	if ctx.Err() != nil {
		return // the server ends
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.complained) < time.Minute {
		return
	}
	c.complained = time.Now()
	c.log.LogAttrs(ctx, slog.LevelWarn, what, append(about, slog.Any("error", err))...)
}

// nudge makes a part of the reconciler look at once.
func nudge(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default: // it is about to
	}
}
