package store

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// Store is what a storage engine promises; storetest checks every sentence of
// it. Consumers declare the few methods that they need.
//
// For all methods:
//
//   - Concurrent use is safe, from any number of processes on the same store;
//     each method is atomic, and ReleaseDue is so for each seat.
//   - Time is the store's own clock ([Store.Now]); callers send none.
//   - An error that wraps [ErrInvalid], [ErrNoEvent], [ErrNoSeat], [ErrStale], a
//     refusal or [ErrUnavailable] means that nothing was changed.
//   - When ctx ends early the answer wraps [ErrUnknown] if the write may have
//     been applied, and else the context's error. Every write is idempotent:
//     repeating it after ErrUnknown ends as a success.
//   - An acknowledged write survives the death of the process.
type Store interface {
	// CreateEvent adds an event with all its seats, or nothing.
	// Repeat: the same definition again is a success that changes nothing.
	// Another definition under an id that exists is ErrExists, and a malformed
	// one ErrInvalid. Of concurrent callers with different definitions one wins.
	CreateEvent(ctx context.Context, e NewEvent) error

	// UpdateEvent replaces what may change of an event: title, venue, start,
	// zone, prices and sales times. The revision grows by one, and the feed
	// tells of the event in Batch.Events. It returns the event as it stands
	// then, or as it stands if that is ErrStale.
	//
	// Not found: ErrNoEvent. A malformed event is ErrInvalid, and so is one
	// with another Currency or Plan than the event has.
	// Concurrent: e.Revision must be the one that the event has, or it is
	// ErrStale; of callers from the same revision exactly one wins.
	// Repeat: if the event is, but for its revision, as asked already, that is
	// a success that changes nothing. So is a repeated CreateEvent of the
	// first definition, whatever has become of it.
	// Sales times count for the next Lock; on other instances within a second.
	// Seats and locks stay as they are.
	UpdateEvent(ctx context.Context, e Event) (Event, error)

	// AddSeats is UpdateEvent with another plan, which has all seats of the
	// event and may have more; e.Withheld names those of the new ones that are
	// not for sale at first. The seats that the event has keep all but their
	// rank in the plan's order. The feed tells of the event in Batch.Events, and
	// of no seat.
	//
	// All else is as with UpdateEvent. ErrInvalid is also a plan that lacks a
	// seat of the event, whatever its status, and names the first in the order
	// of the event's plan. Repeat: if plan and seats are as asked, too.
	// Plans that the event had before can still be read.
	AddSeats(ctx context.Context, e NewEvent) (Event, error)

	// Events returns all events, by start, then id.
	Events(ctx context.Context) ([]Event, error)

	// Event returns one event. Not found: ErrNoEvent.
	Event(ctx context.Context, id string) (Event, error)

	// Plan returns the bytes of the plan with this hash, exactly as they were
	// given. Not found: ErrNoEvent.
	Plan(ctx context.Context, hash string) ([]byte, error)

	// Snapshot returns all seats of an event as they stood at one instant, in
	// the plan's order, and the cursor of that instant: the feed from there
	// has every later change, and a change before it is in the seats.
	// Not found: ErrNoEvent.
	Snapshot(ctx context.Context, event string) (Snapshot, error)

	// Lock gives all the seats to the holder, or none.
	//
	// Not found: ErrNoEvent, or ErrNoSeat if any seat is unknown. Refused:
	// ErrClosed if the event is not on sale, unless all the seats are the
	// holder's already; then, by the first seat in the order asked that stands
	// in the way, ErrTaken, ErrBooked or ErrWithheld; then ErrLimit if the
	// holder would exceed Rules.MaxSeats. The Outcome of a refusal is filled
	// in: the seats as they stand.
	// Repeat: seats that are the holder's already count as granted, keep
	// version and deadline, and count once. A seat named twice counts once.
	// Clock: the first seat starts the holder's clock for the event; further
	// seats join its deadline; nothing resets it before it is over.
	// Expired: a lock past its deadline is free for the next caller, swept or
	// not, its former holder included, who then gets a new clock.
	// Concurrent: of any number of callers for one seat exactly one wins.
	// Those of one holder queue up: the limit is exact.
	// Request: if the holder's running clock for the event remembers a granted
	// request of this id, the seats that were granted then are asked for
	// again, under all of the above, instead of those that are named now. So
	// the same seats answer every repeat, concurrent ones included, whatever
	// it names. Each request with an id that is granted is remembered, if only
	// by saying that its seats were the holder's already; refused ones are
	// not. A clock remembers the last [MaxGrants], until it is over. A request
	// that names no seats and is not remembered is a success that changes
	// nothing.
	Lock(ctx context.Context, r LockRequest) (Outcome, error)

	// Unlock gives seats of the holder back, all or none; without seats, all
	// that the holder has locked. Seats being paid for are not given back:
	// named, they are ErrPaying; unnamed, they stay.
	// Not found: ErrNoEvent, ErrNoSeat. Refused: ErrNotYours, ErrBooked or
	// ErrWithheld for a seat that somebody else has or nobody can have.
	// Repeat: a seat that is free already is a success.
	// Expired: a lock past its deadline may still be given back.
	Unlock(ctx context.Context, r UnlockRequest) (Outcome, error)

	// Extend moves the holder's deadline once by Rules.TTL, to at most
	// Rules.Total after the clock's start, for all seats of the lock.
	// Not found: ErrNoEvent. Expired: ErrExpired if the holder has no live
	// locked seat. Repeat: a clock that was extended stays as it is, and that
	// is a success.
	Extend(ctx context.Context, r ExtendRequest) (Outcome, error)

	// LockOf returns the lock that the holder has, with Now and Cursor; its
	// zero value if no clock runs. Not found: ErrNoEvent.
	LockOf(ctx context.Context, event string, holder Holder) (Outcome, error)

	// Withhold takes seats off sale, or with on=false puts them back, all or
	// none. Not found: ErrNoEvent, ErrNoSeat. Refused: ErrTaken or ErrBooked
	// for a seat that somebody has. Repeat: a seat that is so already keeps
	// its version, and that is a success.
	Withhold(ctx context.Context, event string, seats []string, on bool) (Outcome, error)

	// ReleaseDue makes locks past their deadline available, and so announces
	// it. Repeat and concurrent: each lapse is announced once, whoever calls.
	ReleaseDue(ctx context.Context) (Due, error)

	// Recent returns the oldest cursor, at most age ago, from which the feed
	// can still be read. With age 0 it is the feed's head.
	Recent(ctx context.Context, age time.Duration) (Cursor, error)

	// Changes is the feed: it delivers what was committed after the cursor,
	// and then waits for more until ctx ends, which ends it without an error.
	// Each change comes exactly once, those of a seat in the order of their
	// versions without a gap; changes of one transaction come in one batch,
	// and nothing that was not committed ever comes.
	// Commits of other processes come within a second. Where the feed's head
	// moves without a change, an empty batch tells it.
	// Lost: ErrCursorLost ends it. Any other error ends it too, and the caller
	// may go on from the last batch's cursor.
	Changes(ctx context.Context, from Cursor) iter.Seq2[Batch, error]

	// Secret returns 32 random bytes, made with the store and the same for
	// every process on it, to sign session cookies with.
	Secret(ctx context.Context) ([]byte, error)

	// FindCtx, CommitCtx and DeleteCtx keep session rows. A row past its
	// expiry is not found. Deleting what is not there is a success.
	FindCtx(ctx context.Context, token string) (data []byte, found bool, err error)
	CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error
	DeleteCtx(ctx context.Context, token string) error

	// Now returns the clock that decides.
	Now(ctx context.Context) (time.Time, error)

	// Ping returns nil if the store can serve.
	Ping(ctx context.Context) error

	// Close ends all feeds and lets writes under way finish. After it, methods
	// answer ErrUnavailable. Repeat: a second Close is a success.
	Close() error
}

// Snapshot is all seats of an event at one instant.
type Snapshot struct {
	Seats  []Seat
	Cursor Cursor
	Now    time.Time
}

// Outcome is how things stand after a request of one holder, read in the same
// transaction; for a refusal, how they stood when it was refused.
type Outcome struct {
	// Seats are those the request named, without repeats, in that order; for
	// an Unlock without seats those given back, for an Extend those extended.
	Seats []Seat
	// Lock is all that the holder has now. For Withhold it is zero.
	Lock Lock
	// Now is the store's clock; Cursor covers everything told here.
	Now    time.Time
	Cursor Cursor
}

// Due is what a sweep did.
type Due struct {
	Released int
	// Now is the store's clock.
	Now time.Time
	// Next is the lock that lapses next; its zero value is none. It may be due
	// already, where a sweep has left some to the next.
	Next Lapse
}

// Lapse is when the lock of a seat ends.
type Lapse struct {
	Event, Seat string
	At          time.Time
}

// Batch is one or more whole transactions of the feed, in order. It may be
// empty, to move the cursor on.
type Batch struct {
	Cursor  Cursor
	Changes []Change
	// Events are the ids of events that were created or redefined.
	Events []string
}

// LockRequest asks for seats of an event.
type LockRequest struct {
	Event  string
	Holder Holder
	// Seats may be none if there is a Request: then only what was granted to
	// it is asked for.
	Seats []string
	Rules Rules
	// Request is an id under which a grant is remembered, so that a repeat,
	// which may have come to choose other seats, is the same; "" is none.
	Request string
}

// UnlockRequest gives seats back; no seats means all.
type UnlockRequest struct {
	Event  string
	Holder Holder
	Seats  []string
}

// ExtendRequest asks for the one extension.
type ExtendRequest struct {
	Event  string
	Holder Holder
	Rules  Rules
}

// MaxSeatsPerRequest bounds the seats that one request may name.
const MaxSeatsPerRequest = 500

// Validate reports what makes the request malformed, wrapping ErrInvalid.
func (r LockRequest) Validate() error {
	if len(r.Seats) == 0 && r.Request == "" {
		return fmt.Errorf("%w: no seat named", ErrInvalid)
	}
	if r.Request != "" && !ValidID(r.Request) {
		return fmt.Errorf("%w: request id %q", ErrInvalid, r.Request)
	}
	if r.Rules.TTL < time.Millisecond || r.Rules.Total < time.Millisecond || r.Rules.MaxSeats < 1 {
		return fmt.Errorf("%w: rules %+v", ErrInvalid, r.Rules)
	}
	return validateRequest(r.Holder, r.Seats)
}

// Validate reports what makes the request malformed, wrapping ErrInvalid.
func (r UnlockRequest) Validate() error { return validateRequest(r.Holder, r.Seats) }

// Validate reports what makes the request malformed, wrapping ErrInvalid.
func (r ExtendRequest) Validate() error {
	if r.Rules.TTL < time.Millisecond || r.Rules.Total < time.Millisecond {
		return fmt.Errorf("%w: rules %+v", ErrInvalid, r.Rules)
	}
	return validateRequest(r.Holder, nil)
}

func validateRequest(holder Holder, seats []string) error {
	if !ValidHolder(holder) {
		return fmt.Errorf("%w: holder", ErrInvalid)
	}
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
