package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"
)

// Store has all operations on events, seats and records, with their rules, over
// an [Engine] that stores them. Each operation has its own file, with its
// promises. Consumers declare the few methods that they need.
//
// For all methods:
//
//   - Concurrent use is safe, from any number of processes on the same
//     database; each method is atomic; ReleaseDue is atomic for each seat.
//   - Time is the store's own clock ([Store.Now]); callers send none.
//   - An error that wraps [ErrInvalid], [ErrNoEvent], [ErrNoSeat], [ErrStale], a
//     refusal or [ErrUnavailable] means that nothing was changed.
//   - When ctx ends early the answer wraps [ErrUnknown] if the write may have
//     been applied, and else the context's error. Every write is idempotent:
//     repeating it after ErrUnknown ends as a success, or, where it was one over
//     the version of an attempt or a refund, as ErrStale. A check-in that says no
//     time may end as ErrCheckedIn, and Reissue issues other tickets again.
//   - An acknowledged write survives the death of the process.
type Store struct{ engine Engine }

// New returns a store over an engine, which is closed with it.
func New(e Engine) *Store { return &Store{e} }

// Outcome is the state after a request about seats, read in the same
// transaction; for a refusal, the state when it was refused.
type Outcome struct {
	// Seats are those the request named, without repeats, in that order; for
	// an Unlock without seats those given back, for an Extend those locked.
	Seats []Seat
	// Lock is the holder's present lock; zero if the request has no holder.
	Lock Lock
	// Now is the store's clock; Cursor covers everything in this outcome.
	Now    time.Time
	Cursor Cursor
}

// decide lets the engine decide about seats of an event by a rule, and returns
// the outcome.
func (s *Store) decide(ctx context.Context, what string, q Question, rule func(View) Decision) (Outcome, error) {
	if q.Event == "" { // which to an engine is no event asked for
		return Outcome{}, fmt.Errorf("%s: %w", what, ErrNoEvent)
	}
	d, at, err := s.engine.Decide(ctx, q, func(v View) Decision {
		if err := v.missing(q); err != nil {
			return Refuse(Outcome{}, err)
		}
		return rule(v)
	})
	if err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", what, err)
	}
	out := d.Outcome()
	out.Cursor = at
	if refusal := d.Refusal(); refusal != nil {
		return out, fmt.Errorf("%s: %w", what, refusal)
	}
	return out, nil
}

// Events returns all events, by start, then id.
func (s *Store) Events(ctx context.Context) ([]Event, error) {
	events, err := s.engine.Events(ctx)
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	return events, nil
}

// Event returns one event. Not found: ErrNoEvent.
func (s *Store) Event(ctx context.Context, id string) (Event, error) {
	e, err := s.engine.Event(ctx, id)
	if err != nil {
		return Event{}, fmt.Errorf("event %s: %w", id, err)
	}
	return e, nil
}

// Plan returns the bytes of the plan with this hash, exactly as they were
// given. Not found: ErrNoEvent.
func (s *Store) Plan(ctx context.Context, hash string) ([]byte, error) {
	body, err := s.engine.Plan(ctx, hash)
	if err != nil {
		return nil, fmt.Errorf("plan %s: %w", hash, err)
	}
	return body, nil
}

// Snapshot is all seats of an event at one instant.
type Snapshot struct {
	Seats  []Seat
	Cursor Cursor
	Now    time.Time
}

// Snapshot returns all seats of an event as they stood at one instant, in
// the plan's order, and the cursor of that instant: the feed from there
// has every later change, and a change before it is in the seats.
// Not found: ErrNoEvent.
func (s *Store) Snapshot(ctx context.Context, event string) (Snapshot, error) {
	snapshot, err := s.engine.Snapshot(ctx, event)
	if err != nil {
		return Snapshot{}, fmt.Errorf("snapshot of %s: %w", event, err)
	}
	return snapshot, nil
}

// Batch is one or more whole transactions of the feed, in order. It may be
// empty, to move the cursor on.
type Batch struct {
	Cursor  Cursor
	Changes []Change
	// Events are the ids of events that were created or redefined.
	Events []string
}

// Recent returns the oldest cursor, at most age ago, from which the feed
// can still be read. With age 0 it is the feed's head.
func (s *Store) Recent(ctx context.Context, age time.Duration) (Cursor, error) {
	c, err := s.engine.Recent(ctx, age)
	if err != nil {
		return Cursor{}, fmt.Errorf("recent cursor: %w", err)
	}
	return c, nil
}

// Resume returns the cursor in the present epoch: it converts one of an earlier
// epoch that is also a place in this one, as after the restart of a server, and
// returns one of this epoch unchanged. Lost: ErrCursorLost, if the cursor is no
// place in this history. It does not promise that the feed can still be read
// from there, or reaches so far.
func (s *Store) Resume(ctx context.Context, c Cursor) (Cursor, error) {
	at, err := s.engine.Resume(ctx, c)
	if err != nil {
		return Cursor{}, fmt.Errorf("resume %s: %w", c, err)
	}
	return at, nil
}

// Changes is the feed: it delivers what was committed after the cursor,
// and then waits for more until ctx ends, which ends it without an error.
// The cursor may be of an earlier epoch if [Store.Resume] knows it; the batches
// are of the present one, which may change while the feed is open.
// Each change comes exactly once, those of a seat in the order of their
// versions without a gap; changes of one transaction come in one batch,
// and nothing that was not committed ever comes.
// Commits of other processes come within a second. If the feed's head moves
// without a change, an empty batch reports it.
// Lost: ErrCursorLost ends it. Any other error ends it too, and the caller may
// continue from the last batch's cursor.
func (s *Store) Changes(ctx context.Context, from Cursor) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		for batch, err := range s.engine.Changes(ctx, from) {
			if err != nil {
				err = fmt.Errorf("changes from %s: %w", from, err)
			}
			if !yield(batch, err) {
				return
			}
		}
	}
}

// Secret returns 32 random bytes, made with the store and the same for every
// process on it, for signing session cookies and deriving the ticket key.
func (s *Store) Secret(ctx context.Context) ([]byte, error) {
	secret, err := s.engine.Secret(ctx)
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	return slices.Clone(secret), nil
}

// Now returns the clock that decides.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	now, err := s.engine.Now(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("now: %w", err)
	}
	return now, nil
}

// Ping returns nil if the store can serve.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.engine.Ping(ctx); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	return nil
}

// Close ends all feeds and lets writes under way finish. After it, methods
// return ErrUnavailable. Repeat: a second Close is a success.
func (s *Store) Close() error { return s.engine.Close() }

// MaxSeatsPerRequest bounds the seats that one request may name.
const MaxSeatsPerRequest = 500

func validateHolderSeats(holder Holder, seats []string) error {
	if !ValidHolder(holder) {
		return fmt.Errorf("%w: holder", ErrInvalid)
	}
	return validateSeatIDs(seats)
}

func validateSeatIDs(seats []string) error {
	if len(seats) > MaxSeatsPerRequest {
		return fmt.Errorf("%w: %d seats in one request: want at most %d", ErrInvalid, len(seats), MaxSeatsPerRequest)
	}
	for _, id := range seats {
		if !ValidID(id) {
			return fmt.Errorf("%w: seat id %q", ErrInvalid, id)
		}
	}
	return nil
}

// Distinct returns ids without repeats, in the order of first mention.
func Distinct(ids []string) []string {
	seen := make(map[string]bool, len(ids))
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

func idsOf(seats []Seat) []string {
	ids := make([]string, len(seats))
	for i, s := range seats {
		ids[i] = s.ID
	}
	return ids
}

// wrap adds the subject to an error of the contract.
func wrap(err error, subject string) error { return fmt.Errorf("%w: %s", err, subject) }

// IsContract reports whether err is one of this package: an answer,
// [ErrUnknown] or [ErrUnavailable].
func IsContract(err error) bool {
	return IsAnswer(err) || errors.Is(err, ErrUnknown) || errors.Is(err, ErrUnavailable)
}
