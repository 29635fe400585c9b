package store

import (
	"context"
	"fmt"
	"time"
)

// Lease asks for an attempt or a refund, to make a call for it.
type Lease struct {
	// For is how long nobody else gets it.
	For time.Duration
	// Early asks for it before it is due, on a hint.
	Early bool
}

// LeaseAttempt records the call that is made next for an attempt, and takes it
// for the time of the lease. call is pure, may be called more than once, and
// names the call for the attempt as it stands at the store's now; "" is none,
// and takes nothing. What comes of the call is written over the version that is
// returned.
//
// Not found: ErrNoBooking. Concurrent: ErrLeased while somebody else has it, or
// if it is not due; of callers one gets it.
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

// lease takes the work for a call at now.
func (w *Work) lease(call string, l Lease, now time.Time) error {
	if call == "" || w.Due.IsZero() || now.Before(w.Leased) || now.Before(w.Due) && !l.Early {
		return ErrLeased
	}
	w.Call, w.Leased = call, wholeTime(now.Add(l.For))
	w.Due = w.Leased // for who finds that it was not given back
	w.Tries++
	return nil
}

func leaseAs[T Attempt | Refund](ctx context.Context, s *Store, key Key, lease func(Record, time.Time) (T, Record, error)) (leased T, now time.Time, err error) {
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
	if err != nil { // the engine may still be busy with what the rule has told
		var none T
		return none, time.Time{}, fmt.Errorf("%s: %w", what, err)
	}
	if err := d.Refusal(); err != nil {
		return leased, now, fmt.Errorf("%s: %w", what, err)
	}
	return leased, now, nil
}

// NoteAttempt writes what a call has told of an attempt and changes no seat: its
// State, Ref, URL, Silent and Work. An attempt becomes final by
// [Store.Confirm] and [Store.Decline] alone, and stays so.
// Not found: ErrNoBooking. Concurrent: ErrStale if it is not of this version any
// more, or final. It returns the attempt as it then stands.
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

// NoteRefund writes what a call has told of a refund; what is done then counts
// in the booking as refunded, once.
// Not found: ErrNoBooking. Concurrent: ErrStale if it is not of this version any
// more, and not done.
func (s *Store) NoteRefund(ctx context.Context, r Refund) (BookingOutcome, error) {
	also := asked{also: func(Booking) []Key { return []Key{{RefundRecord, r.ID}} }}
	return s.onBooking(ctx, "note a refund", BookingOf(r.ID), also, func(v bookingView) (bookingWrites, error) {
		record := v.Records[2]
		if record.Version == 0 {
			return bookingWrites{}, ErrNoBooking
		}
		was, err := decode[Refund](record)
		switch {
		case err != nil:
			return bookingWrites{}, err
		case was.State == RefundDone:
			return bookingWrites{}, nil
		case was.Version != r.Version:
			return bookingWrites{}, ErrStale
		}
		w := bookingWrites{refund: &r}
		if r.State == RefundDone {
			w.booking = v.booking
			w.booking.Refunded += r.Amount
		}
		return w, nil
	})
}
