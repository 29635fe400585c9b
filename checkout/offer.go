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
// Refused: store.ErrWithheld if a locked seat is no longer for sale because its
// category has lost its price; store.ErrTariff as from
// [store.Event.CheckTariffs] if the tariffs cannot be chosen so. With that
// error the offer is complete, with what was chosen; a seat that does not have
// the chosen tariff is at its default.
//
// tariffs are the ids of the chosen tariffs by seat. A seat without one is at
// its default; seats that are not locked are ignored.
func (c *Checkout) Offer(ctx context.Context, event string, holder store.Holder, tariffs map[string]string) (offer Offer, err error) {
	err = store.ErrStale
	for tries := 0; errors.Is(err, store.ErrStale) && tries < maxStale; tries++ {
		offer, err = c.offerOnce(ctx, event, holder, tariffs)
	}
	return offer, err
}

// offerOnce returns ErrStale if seats were added between its two reads.
func (c *Checkout) offerOnce(ctx context.Context, event string, holder store.Holder, tariffs map[string]string) (Offer, error) {
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
		if _, sold := e.Prices[at.category]; !sold {
			return offer, fmt.Errorf("seat %s: %w", s.ID, store.ErrWithheld)
		}
		found = append(found, at)
	}
	slices.SortFunc(found, func(a, b place) int { return cmp.Compare(a.order, b.order) })
	unfit := offer.choose(found, tariffs)
	offer.Digest, err = offer.digest()
	return offer, cmp.Or(err, unfit)
}

// choose fills in the lines, each at the tariff that was chosen for its seat,
// and the other choices. Its error is about the first choice that is not
// possible.
func (o *Offer) choose(places []place, tariffs map[string]string) (unfit error) {
	var chosen []store.Chosen
	for _, at := range places {
		tariff := o.Event.DefaultTariff(at.category)
		line, _ := at.as(o.Event, tariff)
		if other := tariffs[line.Seat]; other != "" {
			if as, ok := at.as(o.Event, other); ok {
				line, tariff = as, other
			} else {
				unfit = cmp.Or(unfit, store.NoTariff(line.Seat, other))
			}
		}
		o.Lines = append(o.Lines, line)
		o.Choices = append(o.Choices, at.choice(o.Event))
		chosen = append(chosen, at.chosen(tariff))
	}
	o.Total = store.TotalOf(o.Lines)
	return cmp.Or(unfit, o.Event.CheckTariffs(chosen))
}

// digest returns a digest of what the visitor agrees to. Without tariffs it is
// the same as in older programs, which may run beside this one.
func (o *Offer) digest() (string, error) {
	if len(o.Event.Tariffs) == 0 {
		return digest(o.Event.ID, o.Event.Currency, o.Lines)
	}
	return digest(o.Event.ID, o.Event.Currency, o.Choices)
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
