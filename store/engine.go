package store

import (
	"context"
	"iter"
	"time"
)

// Engine is the storage of a [Store]. It knows no rules: the pure functions
// that it is given return what is to be written.
// storetest checks every sentence here, through the Store and directly.
//
// For all methods:
//
//   - Concurrent use is safe, from any number of processes on the same
//     database.
//   - Time is the engine's own clock ([Engine.Now]), in whole milliseconds.
//   - Errors are those of this package, with the cause as far as the engine
//     knows it. [ErrUnavailable] means that nothing was changed.
//   - When ctx ends early the answer wraps [ErrUnknown] if the write may have
//     been applied, and else the context's error.
//   - An acknowledged write survives the death of the process.
//   - Data of a newer program do no harm: an unknown field is kept as it was,
//     an unknown status is [Unknown].
type Engine interface {
	// Decide reads what the question asks for, calls the rule, and writes the
	// decision over what was read, all of it or nothing: if a seat, the clock or
	// a record that is written, or that the decision relies on, has changed
	// meanwhile, it starts again. The decision also relies on every record that
	// the question names.
	//
	// The rule is pure, may be called more than once, and gets the state at one
	// instant. The decision of its last call is returned once it is committed,
	// with a cursor that covers it; a refusal once what it has read is
	// committed. All changes of seats are one transaction of the feed.
	Decide(ctx context.Context, q Question, rule func(View) Decision) (Decision, Cursor, error)

	// Define is Decide for the definition of an event. It reads the definition,
	// with the ids of its seats if withSeats, and writes what the rule returns
	// over it; a zero Redefinition writes nothing. If the definition, or a seat
	// that the rule relies on, has changed meanwhile, it starts again. If the
	// rule returns an error, nothing is written, and the error is returned once
	// what the rule has read is committed. The feed has the event in
	// Batch.Events.
	Define(ctx context.Context, event string, withSeats bool, rule func(Definition) (Redefinition, error)) error

	// ReleaseDue writes what [Swept] returns for locked seats, each seat on the
	// condition that nobody has changed it. See [Store.ReleaseDue].
	ReleaseDue(ctx context.Context) (Due, error)

	// Record returns one record; Version 0 if there is none.
	Record(ctx context.Context, key Key) (Record, error)

	// Records returns a page of records in the order of an index.
	Records(ctx context.Context, s Scan) ([]Record, error)

	// Trail returns a page of the history, which is kept as a trail of entries.
	// Decide adds the Trail of a decision in the same transaction; the changes
	// of a sweep are added just after it. PruneTrail removes the oldest entries.
	Trail(ctx context.Context, scan TrailScan) ([]Entry, error)
	PruneTrail(ctx context.Context, before time.Time, limit int) (int, error)

	// Scrub removes deleted data from the files as well, as far as the engine
	// can.
	Scrub(ctx context.Context) error

	// These do what the methods of Store with the same names promise.
	Events(ctx context.Context) ([]Event, error)
	Event(ctx context.Context, id string) (Event, error)
	Plan(ctx context.Context, hash string) ([]byte, error)
	Snapshot(ctx context.Context, event string) (Snapshot, error)
	Recent(ctx context.Context, age time.Duration) (Cursor, error)
	Resume(ctx context.Context, c Cursor) (Cursor, error)
	Changes(ctx context.Context, from Cursor) iter.Seq2[Batch, error]
	Secret(ctx context.Context) ([]byte, error)
	Now(ctx context.Context) (time.Time, error)
	// Ping also tries a write, though not at every call, and reports within 10 s
	// if the database is no longer the one that was opened.
	Ping(ctx context.Context) error
	Close() error
}

// Question says what a rule must know before it can decide.
type Question struct {
	// Event is the event whose seats and clocks are asked for; "" if only
	// records are.
	Event string
	// Definition asks for the whole event as it is at that instant. Without it
	// the view has its start, sales times and revision, up to a second old.
	Definition bool
	// Holder is the holder whose clock and seats are asked for; "" is nobody.
	Holder Holder
	// Seats are the ids of seats, each named once.
	Seats []string
	// Records are the keys of records, each named once.
	Records []Key
	// Name, if not nil, names the seats instead of Seats. It gets the view
	// without any seats, and is pure like the rule. Seats that are also in Seats
	// may be read a round trip sooner.
	Name func(View) []string
}

// View is the answer to a question: the state at one instant.
type View struct {
	Now time.Time
	// Event has the zero ID if there is no such event.
	Event  Event
	Holder Holder
	// Seats are the seats that were asked for, in that order, each with its ID;
	// Version 0 means that it does not exist.
	Seats []Seat
	// Held are all seats with the status Locked (lapsed or not) or Paying that
	// are the holder's, by id.
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

// Redefinition is the change of a Definition.
type Redefinition struct {
	Event
	Fingerprint string
	// Plan has the seats if they change; otherwise it is nil.
	Plan *PlanSeats
	// Relied are ids of seats that must not change until all is written.
	Relied []string
	// Removed means that the event is removed, with its seats and clocks; all
	// else here is then zero, and the rule relies on all seats. Plans stay.
	Removed bool
}

// PlanSeats is a plan with its seats. Those that the event has keep all but
// their rank in the plan's order; the others are added.
type PlanSeats struct {
	Body            []byte
	Seats, Withheld []string
}
