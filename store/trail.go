package store

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// By is who has changed something.
type By string

// Who changes seats and bookings.
const (
	ByVisitor  By = "visitor"
	ByHouse    By = "house" // by a command
	ByClock    By = "clock" // because a time has come
	ByProvider By = "provider"
)

// Entry is one line of the history, which is kept as a trail of entries: what
// happened to a seat or a booking, when, why and by whom. It has no holder and
// no person.
type Entry struct {
	At    time.Time
	Event string
	// Seat is the seat that it is about; "" for a booking as a whole.
	Seat string
	// Status and Version are those of the seat after the change. Version is 0 in
	// an entry about a ticket or a booking alone, which changes no seat.
	Status  Status
	Version int64
	// Booking is the code of the booking concerned, or "".
	Booking string
	Reason  Reason
	By      By

	// Place is its place in the engine's order; see [TrailScan].
	Place string
}

// Entry returns the entry of a change that was made at this time. booking is
// the code of the booking that it was made for, or "".
func (c Change) Entry(at time.Time, by By, booking string) Entry {
	return Entry{At: at, Event: c.Event, Seat: c.Seat.ID, Status: c.Seat.Status, Version: c.Seat.Version, Booking: booking, Reason: c.Reason, By: by}
}

// TrailScan asks for a page of the history of one seat of an event, or of one
// booking, in the order of time.
type TrailScan struct {
	Event, Seat string
	Booking     string // where Seat is ""
	// After is the Place of the last entry of the previous page, or "".
	After string
	Limit int // 1 to MaxPage
}

// Trail returns a page of the history. A page that is shorter than the limit is
// the last. The history goes back as far as [Store.PruneTrail] has left it, and
// not beyond the upgrade of the database that added it.
func (s *Store) Trail(ctx context.Context, scan TrailScan) ([]Entry, error) {
	if scan.Limit < 1 || scan.Limit > MaxPage || scan.Seat != "" && !ValidID(scan.Event) || scan.Seat == "" && !ValidCode(scan.Booking) {
		return nil, fmt.Errorf("trail: %w: scan %+v", ErrInvalid, scan)
	}
	page, err := s.engine.Trail(ctx, scan)
	if err != nil {
		return nil, fmt.Errorf("trail: %w", err)
	}
	return page, nil
}

// History yields all entries that a scan asks for, and reads them page by page,
// whatever its limit. An error is the last.
func (s *Store) History(ctx context.Context, scan TrailScan) iter.Seq2[Entry, error] {
	scan.Limit = MaxPage
	return func(yield func(Entry, error) bool) {
		for {
			page, err := s.Trail(ctx, scan)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, e := range page {
				if scan.After = e.Place; !yield(e, nil) {
					return
				}
			}
			if len(page) < scan.Limit {
				return
			}
		}
	}
}

// PruneTrail removes entries from before a time, the oldest first and at most
// limit of them, and returns how many. Repeat: until that is fewer than the limit.
func (s *Store) PruneTrail(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := s.engine.PruneTrail(ctx, before, limit)
	if err != nil {
		return 0, fmt.Errorf("prune the trail: %w", err)
	}
	return n, nil
}

// trailOf returns the entries of all changes and notes.
func (w Writes) trailOf(now time.Time, event string) []Entry {
	entries := make([]Entry, 0, len(w.Changes)+len(w.Notes))
	for _, c := range w.Changes {
		code := w.Booking
		if code == "" {
			code = c.Seat.Booking
		}
		entries = append(entries, c.Entry(now, w.By, code))
	}
	for _, n := range w.Notes {
		entries = append(entries, Entry{At: now, Event: event, Seat: n.Seat, Booking: w.Booking, Reason: n.Reason, By: w.By})
	}
	return entries
}

// Note is something that a decision does to a booking or one of its tickets
// without changing a seat.
type Note struct {
	Seat   string // "" is the booking as a whole
	Reason Reason
}
