package checkout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seatlock/seatlock/store"
)

// The calls of a provider, as an attempt and a refund record them.
const (
	callStart   = "start"
	callStatus  = "status"
	callCapture = "capture"
	callCancel  = "cancel"
	callRefund  = "refund"
)

// nextCall returns the next call for an attempt.
//
// A deadline never ends a payment by itself. The provider is first asked for
// the state, so that an earlier payment counts, and only an open one is
// cancelled.
func nextCall(a store.Attempt, now time.Time) string {
	switch {
	case a.Final():
		return ""
	case a.State == store.AttemptRecorded:
		return callStart
	case a.State == store.AttemptAuthorized:
		return callCapture
	case a.Overdue && !now.Before(a.Deadline):
		return callCancel
	}
	return callStatus
}

// advance makes the calls that an attempt needs now, until it waits for
// something: the visitor, the deadline, or a provider that does not answer.
// early means that there was a hint. It does nothing if another caller has the
// lease.
func (c *Checkout) advance(ctx context.Context, id string, early bool) error {
	for {
		a, now, err := c.store.LeaseAttempt(ctx, id, store.Lease{For: c.rules.Lease, Early: early}, nextCall)
		if errors.Is(err, store.ErrLeased) {
			return nil
		}
		if err != nil {
			return err
		}
		c.reached("leased " + a.Call)
		status, answer := c.call(ctx, a)
		c.reached("called " + a.Call)
		err = c.settle(ctx, a, now, status, answer)
		c.reached("settled " + a.Call)
		switch {
		case errors.Is(err, store.ErrStale): // another caller continues
			return nil
		case err != nil:
			return err
		case answer != nil && !errors.Is(answer, ErrNotFound):
			return fmt.Errorf("%s at %s: %w", a.Call, a.Provider, answer)
		}
		early = false
	}
}

// call makes the recorded call.
func (c *Checkout) call(ctx context.Context, a store.Attempt) (Status, error) {
	p, known := c.providers[a.Provider]
	if !known {
		return Status{}, fmt.Errorf("no provider %q", a.Provider)
	}
	ctx, cancel := context.WithTimeout(ctx, c.rules.Within)
	defer cancel()
	payment := Payment{
		ID: a.ID, Key: a.Call + ":" + a.ID, Ref: a.Ref, Amount: a.Amount, Currency: a.Currency,
		Deadline: a.Deadline, Return: "/bookings/" + store.BookingOf(a.ID),
	}
	status, err := func() (Status, error) {
		switch a.Call {
		case callStart:
			return p.Start(ctx, payment)
		case callCapture:
			return p.Capture(ctx, payment)
		case callCancel:
			return p.Cancel(ctx, payment)
		}
		return p.Status(ctx, payment)
	}()
	if err == nil && (status.Amount != a.Amount || status.Currency != a.Currency) {
		// A person must look at this. Until then nothing counts as paid.
		err = fmt.Errorf("attempt %s is about %d %s, and the provider says %d %s",
			a.ID, a.Amount, a.Currency, status.Amount, status.Currency)
	}
	return status, err
}

// settle writes the result of a call that was leased at now.
func (c *Checkout) settle(ctx context.Context, a store.Attempt, now time.Time, status Status, answer error) error {
	switch {
	case a.Call == callStart && errors.Is(answer, ErrRefused):
		_, err := c.store.Decline(ctx, a)
		return err
	case answer != nil && !errors.Is(answer, ErrNotFound):
		return c.unanswered(ctx, a, now)
	}
	call := a.Call
	a.Leased, a.Tries, a.Silent, a.Due = time.Time{}, 0, time.Time{}, now
	switch {
	case answer != nil: // not found: it is started again, by its key
		a.State = store.AttemptRecorded
		if call == callStart || a.Overdue {
			a.Due = now.Add(c.rules.Retry) // the provider cannot make up its mind
		}
	case status.State == Captured:
		a.Ref = status.Ref
		_, err := c.store.Confirm(ctx, a)
		return err
	case status.State == Dead:
		_, err := c.store.Decline(ctx, a)
		return err
	case status.State == Authorized:
		if a.State == store.AttemptAuthorized {
			a.Due = now.Add(c.rules.Retry) // asked to capture it, and it did not
		}
		a.State, a.Ref = store.AttemptAuthorized, status.Ref
	default:
		a.State, a.Ref, a.URL = store.AttemptStarted, status.Ref, status.URL
		if now.Before(a.Deadline) {
			a.Due = earliest(now.Add(c.rules.Poll), a.Deadline)
		} else if a.Overdue = true; call == callCancel {
			a.Due = now.Add(c.rules.Retry) // asked to cancel it, and it did not
		}
	}
	_, err := c.store.NoteAttempt(ctx, a)
	return err
}

// unanswered records a call without an answer, and lets the seats go once the
// provider was silent for too long after the deadline.
func (c *Checkout) unanswered(ctx context.Context, a store.Attempt, now time.Time) error {
	a.Leased, a.Due = time.Time{}, now.Add(c.backoff(a.Tries))
	if !now.Before(a.Deadline) && a.Silent.IsZero() {
		a.Silent = now
	}
	if !a.Silent.IsZero() && !a.LetGo {
		patience := a.Silent.Add(c.rules.Patience)
		if !now.Before(patience) {
			_, err := c.store.LetGo(ctx, a, a.Due)
			return err
		}
		a.Due = earliest(a.Due, patience)
	}
	_, err := c.store.NoteAttempt(ctx, a)
	return err
}

// backoff returns how long to wait after a number of calls without an answer.
func (c *Checkout) backoff(tries int) time.Duration {
	return min(c.rules.Retry<<min(max(0, tries-1), 10), c.rules.Poll)
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
