package store

import (
	"context"
	"fmt"
	"time"
)

// Lease asks for the lease of an attempt or a refund, to make a call for it.
type Lease struct {
	// For is how long the lease lasts.
	For time.Duration
	// Early asks for it before it is due, on a hint.
	Early bool
}

// LeaseAttempt records the next call for an attempt, and leases the attempt to
// the caller. call is pure, may be called more than once, and names the call
// for the present attempt at the store's now; "" is none, and leases nothing.
// The result of the call is to be written over the version that is returned.
//
// Not found: ErrNoBooking. Concurrent: ErrLeased while another caller has the
// lease, or if it is not due; of callers one gets it.
func (s *Store) LeaseAttempt(ctx context.Context, id string, l Lease, call func(a Attempt, now time.Time) string) (a Attempt, now time.Time, err error) {
	return leaseAs(ctx, s, Key{AttemptRecord, id}, func(r Record, now time.Time) (Attempt, Record, error) {
		a, err := decode[Attempt](r)
		if err == nil {
			err = a.Work.lease(call(a, now), l, now)
		}
		return a, a.record(), err
	})
}

// LeaseRefund is LeaseAttempt for a refund.
func (s *Store) LeaseRefund(ctx context.Context, id string, l Lease, call func(r Refund, now time.Time) string) (r Refund, now time.Time, err error) {
	return leaseAs(ctx, s, Key{RefundRecord, id}, func(record Record, now time.Time) (Refund, Record, error) {
		r, err := decode[Refund](record)
		if err == nil {
			err = r.Work.lease(call(r, now), l, now)
		}
		return r, r.record(), err
	})
}

// lease leases the work for a call at now. A lease that ends later than one
// from now was taken by a clock that was ahead, and is ignored.
func (w *Work) lease(call string, l Lease, now time.Time) error {
	leased := now.Before(w.Leased) && w.Leased.Sub(now) <= l.For+ClockSlack
	if call == "" || w.Due.IsZero() || leased || now.Before(w.Due) && !l.Early {
		return ErrLeased
	}
	w.Call, w.Leased = call, wholeTime(now.Add(l.For))
	w.Due = w.Leased // if the lease is not returned, it is due again when that ends
	w.Tries++
	return nil
}

func leaseAs[T Attempt | Refund](ctx context.Context, s *Store, key Key, lease func(Record, time.Time) (T, Record, error)) (T, time.Time, error) {
	var leased, none T
	var now time.Time
	d, _, err := s.engine.Decide(ctx, Question{Records: []Key{key}}, func(v View) Decision {
		now = v.Now
		if v.Records[0].Version == 0 {
			return Refuse(Outcome{}, ErrNoBooking)
		}
		var next Record
		var err error
		if leased, next, err = lease(v.Records[0], v.Now); err != nil {
			return Refuse(Outcome{}, err)
		}
		switch one := any(&leased).(type) { // as it is once it was written
		case *Attempt:
			one.Version = v.Records[0].Version + 1
		case *Refund:
			one.Version = v.Records[0].Version + 1
		}
		return Accept(v, Outcome{}, Writes{Records: []Record{next}})
	})
	what := "lease of a record of kind " + key.Kind
	if err != nil { // the engine may still be busy with the rule
		return none, time.Time{}, fmt.Errorf("%s: %w", what, err)
	}
	if err := d.Refusal(); err != nil {
		return leased, now, fmt.Errorf("%s: %w", what, err)
	}
	return leased, now, nil
}

// NoteAttempt writes the result of a call that changes no seat: State, Ref,
// URL, Silent and Work of the attempt. Only [Store.Confirm] and [Store.Decline]
// make an attempt final, and it stays so. NoteAttempt returns the attempt after
// the write.
// Not found: ErrNoBooking. Concurrent: ErrStale if the attempt has another
// version now, or is final.
func (s *Store) NoteAttempt(ctx context.Context, a Attempt) (Attempt, error) {
	if a.Final() {
		return a, fmt.Errorf("note an attempt: %w: it cannot become %s so", ErrInvalid, a.State)
	}
	key := Key{AttemptRecord, a.ID}
	d, _, err := s.engine.Decide(ctx, Question{Records: []Key{key}}, func(v View) Decision {
		if v.Records[0].Version == 0 {
			return Refuse(Outcome{}, ErrNoBooking)
		}
		switch was, err := decode[Attempt](v.Records[0]); {
		case err != nil:
			return Refuse(Outcome{}, err)
		case was.Version != a.Version, was.Final():
			return Refuse(Outcome{}, ErrStale)
		}
		return Accept(v, Outcome{}, Writes{Records: []Record{a.record()}})
	})
	if err == nil {
		err = d.Refusal()
	}
	if err != nil {
		return a, fmt.Errorf("note an attempt: %w", err)
	}
	a.Version++
	return a, nil
}
