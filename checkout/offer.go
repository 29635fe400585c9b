package checkout

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/seatlock/seatlock/store"
)

// Offer returns what the holder would book now. Not found: store.ErrNoEvent.
// Refused: store.ErrWithheld if a seat that they have locked is not for sale any
// more, because its category has lost its price.
func (c *Checkout) Offer(ctx context.Context, event string, holder store.Holder) (offer Offer, err error) {
	err = store.ErrStale
	for tries := 0; errors.Is(err, store.ErrStale) && tries < maxStale; tries++ {
		offer, err = c.offerOnce(ctx, event, holder)
	}
	return offer, err
}

// offerOnce is ErrStale if seats were added between its two readings.
func (c *Checkout) offerOnce(ctx context.Context, event string, holder store.Holder) (Offer, error) {
	e, err := c.store.Event(ctx, event)
	if err != nil {
		return Offer{}, err
	}
	held, err := c.store.LockOf(ctx, event, holder)
	if err != nil {
		return Offer{}, err
	}
	offer := Offer{Event: e, Deadline: held.Lock.Deadline, Now: held.Now}
	if i := slices.IndexFunc(held.Lock.Seats, func(s store.Seat) bool { return s.Status == store.Paying }); i >= 0 {
		offer.Paying = held.Lock.Seats[i].Booking
		return offer, nil
	}
	if len(held.Lock.Seats) == 0 {
		return offer, nil // without a look at the plan, which takes time
	}
	seats, err := c.places.of(ctx, e.Plan)
	if err != nil {
		return Offer{}, err
	}
	var found []place
	for _, s := range held.Lock.Seats {
		at, known := seats[s.ID]
		if !known {
			return offer, store.ErrStale
		}
		if at.line.Price, known = e.Prices[at.category]; !known {
			return offer, fmt.Errorf("seat %s: %w", s.ID, store.ErrWithheld)
		}
		found = append(found, at)
	}
	slices.SortFunc(found, func(a, b place) int { return cmp.Compare(a.order, b.order) })
	for _, at := range found {
		offer.Lines = append(offer.Lines, at.line)
	}
	offer.Total = store.TotalOf(offer.Lines)
	offer.Digest, err = digest(e.ID, e.Currency, offer.Lines)
	return offer, err
}

// digest names what is agreed to: half of the SHA-256 of its JSON, in hexadecimal.
func digest(what ...any) (string, error) {
	agreed, err := json.Marshal(what)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(agreed)
	return hex.EncodeToString(sum[:16]), nil
}
