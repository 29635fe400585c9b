package checkout

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/seatlock/seatlock/store"
)

const (
	// workers bounds the calls of a kind that are under way at once.
	workers = 32
	// atOnce is how many due records one look asks for.
	atOnce = store.MaxPage
)

// Run is the reconciler: it brings attempts and refunds that are not final to
// their end, and has reserved bookings lapse, until ctx ends. Any number of
// instances may run it on the same store.
func (c *Checkout) Run(ctx context.Context) error {
	var all sync.WaitGroup
	all.Go(func() {
		c.work(ctx, c.attemptsWake, c.store.DueAttempts, func(ctx context.Context, id string) error { return c.advance(ctx, id, false) })
	})
	all.Go(func() { c.work(ctx, c.refundsWake, c.store.DueRefunds, c.refund) })
	all.Go(func() {
		c.work(ctx, nil, c.store.DueReserved, func(ctx context.Context, code string) error {
			_, err := c.store.Lapse(ctx, code)
			return err
		})
	})
	all.Wait()
	return nil
}

// due lists records that are to be looked at; see [store.Store.DueAttempts].
type due func(ctx context.Context, limit int) (ids []string, now time.Time, err error)

// work takes the steps of one kind that are due, until ctx ends.
func (c *Checkout) work(ctx context.Context, wake <-chan struct{}, list due, step func(ctx context.Context, id string) error) {
	ticker := time.NewTicker(c.rules.Look)
	defer ticker.Stop()
	var steps sync.WaitGroup
	defer steps.Wait()
	slots := make(chan struct{}, workers)
	for ctx.Err() == nil {
		ids, _, err := list(ctx, atOnce)
		if err != nil {
			c.complain(ctx, "what is due cannot be read, and is tried again", err)
		}
		for _, id := range ids {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			steps.Go(func() {
				defer func() { <-slots }()
				if err := step(ctx, id); err != nil {
					c.complain(ctx, "a payment cannot go on, and is tried again", err, slog.String("booking", store.BookingOf(id)))
				}
			})
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		case <-wake:
		}
	}
}

// complain tells the log of what goes wrong, once a minute at most.
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

// nudge has a part of the reconciler look at once.
func nudge(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default: // it is about to
	}
}
