package store

import (
	"context"
	"errors"
	"fmt"
)

// CreateEvent adds an event with all its seats, or nothing.
// Repeat: the same definition again is a success that changes nothing, whatever
// has become of the event. Another definition under an existing id is
// ErrExists, and a malformed one ErrInvalid; the repeat of an accepted
// definition is never malformed.
// Concurrent: of callers with different definitions one wins.
func (s *Store) CreateEvent(ctx context.Context, e NewEvent) error {
	if err := e.validateShape(); err != nil {
		return fmt.Errorf("create event: %w", err)
	}
	e.Plan, e.Revision = PlanHash(e.PlanBody), 1
	fingerprint := e.Fingerprint() // of the times as they were given, as ever
	e.Starts, e.SalesOpen, e.SalesClose = wholeTime(e.Starts), wholeTime(e.SalesOpen), wholeTime(e.SalesClose)
	err := s.engine.Define(ctx, e.ID, false, func(d Definition) (Redefinition, error) {
		if d.ID != "" && d.Fingerprint == fingerprint {
			return Redefinition{}, nil
		}
		switch err := e.validateNew(Event{}); {
		case err != nil:
			return Redefinition{}, err
		case d.ID != "":
			return Redefinition{}, ErrExists
		}
		return Redefinition{Event: e.Event, Fingerprint: fingerprint, Plan: e.seats()}, nil
	})
	if err != nil {
		return fmt.Errorf("create event %s: %w", e.ID, err)
	}
	return nil
}

// MadeAs reports whether the event exists and was created with this definition:
// whether CreateEvent would be a repeat.
func (s *Store) MadeAs(ctx context.Context, e NewEvent) (bool, error) {
	e.Plan, e.Revision = PlanHash(e.PlanBody), 1
	fingerprint := e.Fingerprint()
	var made bool
	err := s.engine.Define(ctx, e.ID, false, func(d Definition) (Redefinition, error) {
		made = d.ID != "" && d.Fingerprint == fingerprint
		return Redefinition{}, nil
	})
	if err != nil {
		return false, fmt.Errorf("definition of %s: %w", e.ID, err)
	}
	return made, nil
}

// UpdateEvent replaces what may change of an event: title, venue, start, zone,
// prices, tariffs, terms, sales times, and whether it is hidden. The revision
// grows by one, and the feed has the event in Batch.Events. It returns the
// event after the change, or the present one with ErrStale.
//
// Not found: ErrNoEvent. A malformed event is ErrInvalid, and so is one
// with another Currency or Plan than the event has. The event may keep a text,
// a zone or a price that a new event may not have.
// Concurrent: ErrStale unless e.Revision is the revision of the event; of
// callers from the same revision exactly one wins.
// Repeat: if the event, except its revision, already is as asked, that is a
// success that changes nothing.
// Sales times apply from the next Lock; on other instances within a second.
// Seats and locks stay as they are.
func (s *Store) UpdateEvent(ctx context.Context, e Event) (Event, error) {
	if err := e.validateShape(); err != nil {
		return Event{}, fmt.Errorf("update event: %w", err)
	}
	return s.redefine(ctx, "update event "+e.ID, e.ID, false, func(d Definition) (Redefinition, error) {
		next, err := d.update(e)
		return Redefinition{Event: next}, err
	})
}

// AddSeats is UpdateEvent with another plan, which has all seats of the event
// and may have more; e.Withheld names the new seats that are not for sale at
// first. Existing seats change nothing but their rank in the plan's order. The
// feed has the event in Batch.Events, and no seat.
//
// A seat of e.Relabelled that is locked, paying, booked or of an unknown status
// is ErrInUse, which names the first by id.
//
// All else is as for UpdateEvent. A plan that lacks a seat of the event,
// whatever its status, is ErrInvalid, too, which names the first in the order
// of the event's plan. Repeat: if plan and seats are as asked, too.
// Plans that the event had before can still be read.
func (s *Store) AddSeats(ctx context.Context, e NewEvent) (Event, error) {
	if err := e.validateShape(); err != nil {
		return Event{}, fmt.Errorf("add seats: %w", err)
	}
	return s.redefine(ctx, "add seats to "+e.ID, e.ID, true, func(d Definition) (Redefinition, error) {
		next, err := d.AddSeats(e)
		return Redefinition{Event: next, Plan: e.seats(), Relied: e.Relabelled}, err
	})
}

// RemoveEvent removes an event with its seats. Its plan can still be read. The
// feed has the event in Batch.Events.
// Not found: ErrNoEvent, also of a repeat. Refused: ErrInUse if a seat is
// locked, paying, booked or of an unknown status; it names the first by id.
// ErrInUse also if the event has a booking that is not over; it names that.
// Concurrent: of a removal and a lock one comes first, and is the only one
// that succeeds.
func (s *Store) RemoveEvent(ctx context.Context, id string) error {
	// A booking that is begun after this has seats, which are in use.
	if err := s.refuseBookings(ctx, id); err != nil {
		return fmt.Errorf("remove event %s: %w", id, err)
	}
	err := s.engine.Define(ctx, id, true, func(d Definition) (Redefinition, error) {
		if d.ID == "" {
			return Redefinition{}, ErrNoEvent
		}
		if inUse := d.inUse(); len(inUse) > 0 {
			return Redefinition{}, fmt.Errorf("%w: seat %s is %s", ErrInUse, inUse[0].ID, inUse[0].Status)
		}
		return Redefinition{Removed: true}, nil
	})
	if err != nil {
		return fmt.Errorf("remove event %s: %w", id, err)
	}
	return nil
}

// refuseBookings returns ErrInUse if the event has a booking that is not over.
func (s *Store) refuseBookings(ctx context.Context, event string) error {
	for b, err := range s.AllBookings(ctx, event) {
		if err != nil {
			return err
		}
		over := b.State == BookingCancelled || b.State == BookingDeclined
		switch b.State {
		case BookingLost:
			over = b.Refunded == b.Captured
		case BookingLapsed:
			a, err := s.Attempt(ctx, b.Attempt())
			if err != nil && !errors.Is(err, ErrNoBooking) {
				return err
			}
			over = a.Version == 0 || a.Final()
		}
		if !over {
			return fmt.Errorf("%w: booking %s is %s", ErrInUse, b.Code, b.State)
		}
	}
	return nil
}

// redefine changes an event as the rule says, or not if the rule returns the
// same revision, and returns the event after that.
func (s *Store) redefine(ctx context.Context, what, id string, withSeats bool, rule func(Definition) (Redefinition, error)) (Event, error) {
	var last Event // of the call whose result counts
	err := s.engine.Define(ctx, id, withSeats, func(d Definition) (Redefinition, error) {
		if last = (Event{}); d.ID == "" {
			return Redefinition{}, ErrNoEvent
		}
		next, err := rule(d)
		if last = next.Event; err != nil || last.Revision == d.Revision {
			return Redefinition{}, err
		}
		next.Fingerprint = d.Fingerprint
		return next, nil
	})
	switch {
	case err == nil:
		return last, nil
	case IsAnswer(err):
		return last, fmt.Errorf("%s: %w", what, err)
	}
	return Event{}, fmt.Errorf("%s: %w", what, err) // the engine may still be busy with last
}
