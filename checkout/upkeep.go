package checkout

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"time"

	"github.com/seatlock/seatlock/store"
)

// UpkeepStore is what the upkeep needs of a store. See [store.Store] for what each
// method promises.
type UpkeepStore interface {
	Now(ctx context.Context) (time.Time, error)
	Event(ctx context.Context, id string) (store.Event, error)
	Booking(ctx context.Context, code string) (store.Booking, error)
	EventsWithPeople(ctx context.Context) ([]string, error)
	BookingsWithPeople(ctx context.Context, event string) iter.Seq2[string, error]
	Erase(ctx context.Context, r store.EraseRequest) (store.BookingOutcome, error)
	Scrub(ctx context.Context) error
	PruneTrail(ctx context.Context, before time.Time, limit int) (int, error)
	IndexPeople(ctx context.Context) error
	Record(ctx context.Context, key store.Key) (store.Record, error)
	ChangeRecord(ctx context.Context, key store.Key, change func(store.Record) (store.Record, bool, error)) error
}

// UpkeepRules say how long data are kept, and how the upkeep paces itself.
type UpkeepRules struct {
	// KeepPeople is how long personal data are kept after an event is over, and
	// KeepHistory how long the history is kept; 0 is for ever.
	KeepPeople, KeepHistory time.Duration
	// Every is the interval between runs, and Retry that after a failure.
	Every, Retry time.Duration
	// After each EraseStep erasures, or PruneStep deleted entries of the
	// history, the upkeep rests for Pause: visitors' requests come first.
	EraseStep, PruneStep int
	Pause                time.Duration
	// Tell is the least time between log lines about bookings that wait.
	Tell time.Duration
	// Index is how often it searches all personal data for records from older
	// programs.
	Index time.Duration
}

// DefaultUpkeepRules returns the rules of a server.
func DefaultUpkeepRules(keepPeople, keepHistory time.Duration) UpkeepRules {
	return UpkeepRules{
		KeepPeople: keepPeople, KeepHistory: keepHistory, Every: time.Hour, Retry: time.Minute,
		EraseStep: 50, PruneStep: 1000, Pause: 200 * time.Millisecond, Tell: 24 * time.Hour, Index: 24 * time.Hour,
	}
}

// Upkeep does what becomes due by time alone: it erases personal data, deletes
// the oldest entries of the history, and indexes persons from older programs.
// Use NewUpkeep. Any number of instances may run it on the same store.
type Upkeep struct {
	store UpkeepStore
	rules UpkeepRules
	log   *slog.Logger

	// unscrubbed tells that what was erased may stand in files; at the start, what
	// a process has erased that was killed before it could scrub.
	unscrubbed bool
	told       time.Time // of bookings that wait
}

// NewUpkeep returns the upkeep of a store.
func NewUpkeep(st UpkeepStore, rules UpkeepRules, log *slog.Logger) *Upkeep {
	return &Upkeep{store: st, rules: rules, log: log, unscrubbed: true}
}

// Run works until ctx ends: at once, and then after each Every. Failures are
// logged, and tried again.
func (u *Upkeep) Run(ctx context.Context) error {
	for {
		next := u.rules.Every
		if err := u.once(ctx); err != nil && ctx.Err() == nil {
			next = min(u.rules.Retry, next)
			u.log.LogAttrs(ctx, slog.LevelWarn, "the upkeep of the store has failed, and is tried again", slog.Duration("in", next), slog.Any("error", err))
		}
		if !wait(ctx, next) {
			return nil
		}
	}
}

// once does all that is due now. A part that fails does not keep the others
// from running.
func (u *Upkeep) once(ctx context.Context) error {
	return errors.Join(u.indexPeople(ctx), u.erasePeople(ctx), u.prune(ctx))
}

// indexPeople has people be found that an older program has written, also one
// that runs beside this one. To look through all of them takes time: a record
// says that it was done, and ends when it is to be done again.
func (u *Upkeep) indexPeople(ctx context.Context) error {
	done := store.Key{Kind: store.Upgrade, ID: "people"}
	if r, err := u.store.Record(ctx, done); err != nil || r.Version > 0 {
		return err
	}
	now, err := u.store.Now(ctx)
	if err == nil {
		err = u.store.IndexPeople(ctx)
	}
	if err != nil {
		return err
	}
	return u.store.ChangeRecord(ctx, done, func(old store.Record) (store.Record, bool, error) {
		old.Body, old.Expires = json.RawMessage(`{}`), now.Add(u.rules.Index)
		return old, false, nil
	})
}

// erasePeople erases the personal data of bookings whose event is over for long
// enough.
func (u *Upkeep) erasePeople(ctx context.Context) error {
	if u.rules.KeepPeople == 0 {
		return nil
	}
	e := erasure{Upkeep: u}
	err := e.all(ctx)
	if u.unscrubbed = u.unscrubbed || e.erased > 0; u.unscrubbed && ctx.Err() == nil {
		scrubbed := u.store.Scrub(ctx)
		u.unscrubbed = scrubbed != nil
		err = errors.Join(err, scrubbed)
	}
	if e.erased > 0 {
		u.log.LogAttrs(ctx, slog.LevelInfo, "erased who bookings were for", slog.Int("bookings", e.erased))
	}
	e.tell(ctx)
	return err
}

// erasure is one pass through all events with people.
type erasure struct {
	*Upkeep
	now     time.Time
	erased  int
	waiting []string // codes of bookings that are not settled
}

func (e *erasure) all(ctx context.Context) (err error) {
	if e.now, err = e.store.Now(ctx); err != nil {
		return err
	}
	events, err := e.store.EventsWithPeople(ctx)
	if err != nil {
		return err
	}
	for _, id := range events {
		event, err := e.store.Event(ctx, id)
		removed := errors.Is(err, store.ErrNoEvent)
		switch {
		case err != nil && !removed:
			return err
		case !removed && !e.due(event.Starts): // without a look at its bookings
			continue
		}
		if err := e.at(ctx, id, removed); err != nil {
			return err
		}
	}
	return nil
}

// due reports whether what started then is over for long enough. Without a start
// nobody knows.
func (e *erasure) due(starts time.Time) bool {
	return !starts.IsZero() && !e.now.Before(starts.Add(store.Evening+e.rules.KeepPeople))
}

// at erases the personal data of the bookings of one event. If the event was
// removed, they
// tell when it was to start; those of programs that did not note it, when they
// were made.
func (e *erasure) at(ctx context.Context, event string, removed bool) error {
	for code, err := range e.store.BookingsWithPeople(ctx, event) {
		if err == nil && removed {
			var b store.Booking
			if b, err = e.store.Booking(ctx, code); err == nil && !e.due(b.Starts) && !(b.Starts.IsZero() && e.due(b.Begun)) {
				continue
			}
		}
		if err == nil {
			_, err = e.store.Erase(ctx, store.EraseRequest{Code: code, After: e.rules.KeepPeople, By: store.ByClock})
		}
		switch {
		case errors.Is(err, store.ErrUnsettled), errors.Is(err, store.ErrNoBooking):
			e.waiting = append(e.waiting, code)
			continue
		case err != nil:
			return err
		}
		if e.erased++; e.erased%e.rules.EraseStep == 0 && !wait(ctx, e.rules.Pause) {
			return ctx.Err()
		}
	}
	return nil
}

// maxTold is how many codes a log line has at most.
const maxTold = 20

// tell logs which bookings wait, by their codes alone.
func (e *erasure) tell(ctx context.Context) {
	if len(e.waiting) == 0 || !e.told.IsZero() && e.now.Before(e.told.Add(e.rules.Tell)) {
		return
	}
	e.told = e.now
	slices.Sort(e.waiting)
	e.log.LogAttrs(ctx, slog.LevelWarn, "it is still kept who bookings of past events are for: they are not settled",
		slog.Int("bookings", len(e.waiting)), slog.Any("codes", e.waiting[:min(maxTold, len(e.waiting))]))
}

// prune deletes the entries of the history that are older than KeepHistory.
func (u *Upkeep) prune(ctx context.Context) error {
	if u.rules.KeepHistory == 0 {
		return nil
	}
	now, err := u.store.Now(ctx)
	if err != nil {
		return err
	}
	for before := now.Add(-u.rules.KeepHistory); ; {
		n, err := u.store.PruneTrail(ctx, before, u.rules.PruneStep)
		if err != nil || n < u.rules.PruneStep {
			return err
		}
		if !wait(ctx, u.rules.Pause) {
			return ctx.Err()
		}
	}
}
