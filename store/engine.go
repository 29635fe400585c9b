package store

import (
	"context"
	"iter"
	"time"
)

// Engine is what a [Store] keeps everything in. It stores and knows no rules:
// what is to be written follows from the pure functions that it is given.
// storetest checks every sentence here, through the Store and directly.
//
// For all methods:
//
//   - Concurrent use is safe, from any number of processes on the same
//     database.
//   - Time is the engine's own clock ([Engine.Now]), in whole milliseconds.
//   - Errors are those of this package, with what the engine knows of the
//     cause. [ErrUnavailable] means that nothing was changed.
//   - When ctx ends early the answer wraps [ErrUnknown] if the write may have
//     been applied, and else the context's error.
//   - An acknowledged write survives the death of the process.
//   - What a newer program has written harms nothing: a field that is unknown
//     is kept as it was, a status that is unknown is [Unknown].
type Engine interface {
	// Decide answers a question, has the rule decide, and writes what the
	// decision says, all of it or nothing, over what was read: where a seat,
	// the clock or a record that is written, or that the decision relies on,
	// has changed meanwhile, the question is answered anew. So is a record that
	// the question names and the decision leaves as it is.
	//
	// The rule is pure, may be called more than once, and decides about what is
	// true at one instant. The decision of its last call is returned once it is
	// committed, a refusal no sooner than that, with a cursor that covers it.
	// What changes seats is one transaction of the feed.
	Decide(ctx context.Context, q Question, rule func(View) Decision) (Decision, Cursor, error)

	// Define is Decide for the definition of an event. It reads the definition,
	// with the ids of its seats if withSeats, and writes what the rule returns
	// over it; a zero Redefinition is nothing. Where the definition, or a seat
	// that the rule relies on, has changed meanwhile, the rule is asked anew. An
	// error of the rule writes nothing, and is told no sooner than what it rests
	// on is committed. The feed tells of the event in Batch.Events.
	Define(ctx context.Context, event string, withSeats bool, rule func(Definition) (Redefinition, error)) error

	// ReleaseDue writes what [Due] says of seats that are locked, each seat on
	// the condition that nobody has changed it. See [Store.ReleaseDue].
	ReleaseDue(ctx context.Context) (Due, error)

	// Record returns one record; Version 0 if there is none.
	Record(ctx context.Context, key Key) (Record, error)

	// Records returns a page of records in the order of an index.
	Records(ctx context.Context, s Scan) ([]Record, error)

	// Trail returns a page of the trail, to which the Trail of what Decide writes
	// is added with it, and what a sweep changes at once after it. PruneTrail
	// removes its oldest entries.
	Trail(ctx context.Context, scan TrailScan) ([]Entry, error)
	PruneTrail(ctx context.Context, before time.Time, limit int) (int, error)

	// Scrub takes what was deleted out of the files as well, as far as the engine
	// can.
	Scrub(ctx context.Context) error

	// These are what the Store has by the same names.
	Events(ctx context.Context) ([]Event, error)
	Event(ctx context.Context, id string) (Event, error)
	Plan(ctx context.Context, hash string) ([]byte, error)
	Snapshot(ctx context.Context, event string) (Snapshot, error)
	Recent(ctx context.Context, age time.Duration) (Cursor, error)
	Resume(ctx context.Context, c Cursor) (Cursor, error)
	Changes(ctx context.Context, from Cursor) iter.Seq2[Batch, error]
	Secret(ctx context.Context) ([]byte, error)
	Now(ctx context.Context) (time.Time, error)
	// Ping also tries a write, though not at every call, and tells within 10 s
	// that the database is no more the one that was opened.
	Ping(ctx context.Context) error
	Close() error
}

// Question is what a rule must know before it can decide.
type Question struct {
	// Event is the event whose seats and clocks are asked for; "" if only
	// records are.
	Event string
	// Definition asks for the whole event as it is at that instant. Without it
	// the view has its start, sales times and revision, up to a second old.
	Definition bool
	// Holder is whose clock and seats matter; "" is nobody.
	Holder Holder
	// Seats are the ids of seats, each named once.
	Seats []string
	// Records are the keys of records, each named once.
	Records []Key
	// Name, if it is there, names the seats in the place of Seats. It is given
	// the view without any seats, and is as pure as the rule. Seats that stand
	// in both may be read a round trip sooner.
	Name func(View) []string
}

// View answers a question: how things stand at one instant.
type View struct {
	Now time.Time
	// Event has the zero ID if there is no such event.
	Event  Event
	Holder Holder
	// Seats are those that were asked for, in that order, each with its ID;
	// Version 0 is no seat.
	Seats []Seat
	// Held are all seats that stand as Locked by the holder, lapsed or not, or
	// as Paying, by id.
	Held []Seat
	// Clock is the holder's; Version 0 is none.
	Clock Clock
	// Records are those that were asked for, in that order, each with its Key;
	// Version 0 is none.
	Records []Record
}

// Definition is an event as an engine keeps it; the zero ID is no event.
type Definition struct {
	Event
	// Fingerprint is that of the definition which the event was created with.
	Fingerprint string
	// Seats are the ids of its seats in the plan's order, and Claimed its seats
	// that are Locked, lapsed or not, Paying, Booked or Unknown, by id; if asked
	// for.
	Seats   []string
	Claimed []Seat
	// Now is the engine's clock.
	Now time.Time
}

// Redefinition is what becomes of a Definition.
type Redefinition struct {
	Event
	Fingerprint string
	// Plan has the seats if they change; else it is nil.
	Plan *PlanSeats
	// Relied are ids of seats that must be as they were read until all is
	// written.
	Relied []string
	// Removed tells that the event goes, with its seats and clocks; all else
	// here is then zero, and all seats are relied on. Plans stay.
	Removed bool
}

// PlanSeats is a plan with its seats. Those that the event has keep all but
// their rank in the plan's order; the others are added.
type PlanSeats struct {
	Body            []byte
	Seats, Withheld []string
}
