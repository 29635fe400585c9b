package checkout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/seatlock/seatlock/store"
)

// refund makes the call that a refund needs now. What was paid at the door never
// needs one: it is done with the cancel.
func (c *Checkout) refund(ctx context.Context, id string) error {
	r, now, err := c.store.LeaseRefund(ctx, id, store.Lease{For: c.rules.Lease}, func(r store.Refund, _ time.Time) string {
		if r.State != store.RefundWanted {
			return ""
		}
		return callRefund
	})
	if errors.Is(err, store.ErrLeased) {
		return nil
	}
	if err != nil {
		return err
	}
	c.reached("leased refund")
	answer := c.payBack(ctx, r)
	c.reached("called refund")
	r.Leased, r.Due = time.Time{}, time.Time{}
	switch {
	case answer == nil:
		r.State, r.Tries = store.RefundDone, 0
	case errors.Is(answer, ErrRefused):
		r.State = store.RefundStuck
	default:
		r.Due = now.Add(c.backoff(r.Tries))
	}
	_, err = c.store.NoteRefund(ctx, r)
	c.reached("settled refund")
	switch {
	case errors.Is(err, store.ErrStale):
		return nil
	case err != nil:
		return err
	case r.State == store.RefundStuck:
		c.log.LogAttrs(ctx, slog.LevelError, "the provider refuses a refund: pay it back by hand", slog.String("refund", r.ID), slog.String("provider", r.Provider))
		return nil
	case answer != nil:
		return fmt.Errorf("refund at %s: %w", r.Provider, answer)
	}
	return nil
}

func (c *Checkout) payBack(ctx context.Context, r store.Refund) error {
	p, known := c.providers[r.Provider]
	if !known {
		return fmt.Errorf("no provider %q", r.Provider)
	}
	ctx, cancel := context.WithTimeout(ctx, c.rules.Within)
	defer cancel()
	return p.Refund(ctx, Repayment{Key: callRefund + ":" + r.ID, Ref: r.Ref, Amount: r.Amount, Currency: r.Currency})
}
