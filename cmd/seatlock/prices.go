package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// priceKeeper is what giving prices to older events needs of a store.
type priceKeeper interface {
	planSource
	Events(ctx context.Context) ([]store.Event, error)
	Event(ctx context.Context, id string) (store.Event, error)
	UpdateEvent(ctx context.Context, e store.Event) (store.Event, error)
	Record(ctx context.Context, key store.Key) (store.Record, error)
	ChangeRecord(ctx context.Context, key store.Key, change func(store.Record) (store.Record, bool, error)) error
}

// pricesOnce gives every category of existing events that has no price the
// price 0, once in the life of a store: for older programs such a category was
// free, and for this one it is not for sale. Any number of programs may do so
// at once, and the next call completes an interrupted one.
//
// The events are read before the record: those that the first call which has
// written it did not see may have categories that are meant not to be for sale.
func pricesOnce(ctx context.Context, st priceKeeper) error {
	done := store.Key{Kind: store.Upgrade, ID: "prices"}
	for {
		events, err := st.Events(ctx)
		if err != nil {
			return err
		}
		record, err := st.Record(ctx, done)
		if err != nil || record.Version > 0 {
			return err
		}
		err = freeCategories(ctx, st, events)
		if errors.Is(err, store.ErrStale) {
			continue // somebody else was first
		}
		if err != nil {
			return err
		}
		return st.ChangeRecord(ctx, done, func(old store.Record) (store.Record, bool, error) {
			if old.Version == 0 {
				old.Body = json.RawMessage(`{}`)
			}
			return old, false, nil
		})
	}
}

// freeCategories gives categories without a price the price 0. It skips an
// event that this program cannot read: nobody can open that either.
func freeCategories(ctx context.Context, st priceKeeper, events []store.Event) error {
	halls := map[string]plan.Plan{} // by hash, without their seats: many events may have one
	for _, e := range events {
		hall, known := halls[e.Plan]
		if !known {
			whole, err := hallOf(ctx, st, e)
			if ctx.Err() != nil || store.IsContract(err) && !store.IsAnswer(err) {
				return cmp.Or(err, ctx.Err())
			}
			hall = plan.Plan{Categories: whole.Categories}
			halls[e.Plan] = hall
		}
		prices := withFree(e.Prices, hall)
		for category, price := range e.Prices { // of categories that the plan does not have
			prices[category] = price
		}
		if maps.Equal(prices, e.Prices) {
			continue
		}
		e.Prices = prices
		if _, err := st.UpdateEvent(ctx, e); err != nil && !errors.Is(err, store.ErrNoEvent) && !errors.Is(err, store.ErrInvalid) {
			return err
		}
	}
	return nil
}
