package checkout

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/seatlock/seatlock/store"
)

// maxStale is how often the seats and prices may change during a request before
// the visitor gets ErrChanged.
const maxStale = 5

// Begin makes a booking of what the form showed, and starts its payment.
//
// Refused: ErrChanged if the seats or prices are not those of the form;
// ErrNoPayment; as for [store.Store.Begin] store.ErrPaying with the code of the
// booking that is already paying, ErrExpired, ErrClosed, ErrReused, and
// ErrInvalid for invalid personal data; store.ErrWithheld as for Offer;
// store.ErrTariff if a chosen tariff is not one of those that the form showed
// for the seat.
// Repeat: as for Store.Begin; all repeats return the same, except for
// Begun.Repeat.
func (c *Checkout) Begin(ctx context.Context, r Request) (Begun, error) {
	contents, err := r.contents()
	if err != nil {
		return Begun{}, err
	}
	begin := store.BeginRequest{
		Event: r.Event, Holder: r.Holder, Request: r.ID, Contents: contents,
		Person: r.Person, Provider: cmp.Or(r.Payment, Door), Rules: c.rules.Pay,
	}
	begin.AtDoor = begin.Provider == Door
	begun, err := Begun{}, store.ErrStale
	for tries := 0; errors.Is(err, store.ErrStale) && tries < maxStale; tries++ {
		begun, err = c.beginOnce(ctx, begin, r)
	}
	if errors.Is(err, store.ErrStale) {
		err = ErrChanged
	}
	if err != nil {
		return begun, err
	}
	c.reached("begun")
	begun.Pay = c.started(ctx, begun.Code)
	return begun, nil
}

// contents returns a digest of the form. Without tariffs it is the same as in
// older programs, which may run beside this one.
func (r Request) contents() (string, error) {
	if len(r.Tariffs) == 0 {
		return digest(r.Person, r.Payment, r.Digest)
	}
	return digest(r.Person, r.Payment, r.Digest, r.Tariffs)
}

// beginOnce begins the present offer, if the form showed the same. If it did
// not, the request may still be a repeat, which needs no lines.
func (c *Checkout) beginOnce(ctx context.Context, begin store.BeginRequest, r Request) (Begun, error) {
	offer, unsold := c.Offer(ctx, begin.Event, begin.Holder, r.Tariffs)
	if unsold != nil && !errors.Is(unsold, store.ErrWithheld) && !errors.Is(unsold, store.ErrTariff) {
		return Begun{}, unsold
	}
	shown := len(offer.Lines) > 0 && offer.Digest == r.Digest
	switch {
	case shown:
		unsold = cmp.Or(unsold, offer.strays(r.Tariffs))
	case errors.Is(unsold, store.ErrTariff): // the choices have changed
		unsold = ErrChanged
	}
	begin.Code = store.NewCode()
	same := shown && unsold == nil
	if same {
		if offer.Total > 0 && !slices.Contains(c.offered, r.Payment) {
			return Begun{}, ErrNoPayment
		}
		begin.Lines, begin.Revision = offer.Lines, offer.Event.Revision
	}
	code, err := c.store.Begin(ctx, begin)
	if errors.Is(err, store.ErrStale) && !same {
		return Begun{}, cmp.Or(unsold, ErrChanged)
	}
	return Begun{Code: code, Repeat: code != begin.Code}, err
}

// strays reports whether a tariff was chosen for a seat that is not in the
// offer.
func (o *Offer) strays(tariffs map[string]string) error {
	for _, seat := range slices.Sorted(maps.Keys(tariffs)) {
		if !slices.Contains(store.Seats(o.Lines), seat) {
			return store.NoTariff(seat, tariffs[seat])
		}
	}
	return nil
}

// started starts the payment of a new booking, and returns where to pay: "" if
// there is nothing to pay online, or the provider does not answer soon; the
// reconciler then continues. Concurrent callers get the same result.
func (c *Checkout) started(ctx context.Context, code string) (pay string) {
	url, _, _ := c.starting.Do(code, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.rules.Within)
		defer cancel()
		for {
			a, err := c.store.Attempt(ctx, store.Booking{Code: code}.Attempt())
			switch {
			case err != nil:
				return "", nil
			case a.State == store.AttemptStarted && !a.GivenUp:
				return a.URL, nil
			case a.State != store.AttemptRecorded || a.Tries > 1:
				return "", nil
			}
			if c.advance(ctx, a.ID, false) != nil || !wait(ctx, c.rules.Retry/20) {
				return "", nil
			}
		}
	})
	return url.(string)
}

// wait returns false if ctx ends first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
