package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/seatlock/seatlock/store"
)

// errRace would mean that a conditional write disagreed with a read of the
// same exclusive transaction. The transaction is then rolled back.
var errRace = errors.New("conditional write matched no seat")

const seatColumns = `id, status, locked_by, lock_time, locked_until, booking, version`

func scanSeat(stmt *sqlite.Stmt) (store.Seat, error) {
	status, ok := store.ParseStatus(stmt.ColumnText(1))
	if !ok {
		return store.Seat{}, fmt.Errorf("%w: seat %q has status %q", errDamaged, stmt.ColumnText(0), stmt.ColumnText(1))
	}
	return store.Seat{
		ID: stmt.ColumnText(0), Status: status, LockedBy: store.Holder(stmt.ColumnText(2)),
		LockTime: columnTime(stmt, 3), LockedUntil: columnTime(stmt, 4),
		Booking: stmt.ColumnText(5), Version: stmt.ColumnInt64(6),
	}, nil
}

// seats reads the named seats in that order. Unknown: ErrNoSeat.
func (v view) seats(event string, ids []string) ([]store.Seat, error) {
	seats := make([]store.Seat, 0, len(ids))
	for _, id := range ids {
		before := len(seats)
		err := v.each(`SELECT `+seatColumns+` FROM seats WHERE event = ?1 AND id = ?2`,
			collect(&seats), event, id)
		if err != nil {
			return nil, err
		}
		if len(seats) == before {
			return nil, fmt.Errorf("%w: %s", store.ErrNoSeat, id)
		}
	}
	return seats, nil
}

// held reads the seats that holder has locked or is paying for at v.now, by id.
func (v view) held(event string, holder store.Holder) ([]store.Seat, error) {
	var seats []store.Seat
	err := v.each(`SELECT `+seatColumns+` FROM seats INDEXED BY seats_held
		WHERE event = ?1 AND locked_by = ?2
			AND (status = 'locked' AND locked_until > ?3 OR status = 'paying') ORDER BY id`,
		collect(&seats), event, holder, v.now)
	return seats, err
}

func collect(seats *[]store.Seat) func(*sqlite.Stmt) error {
	return func(stmt *sqlite.Stmt) error {
		seat, err := scanSeat(stmt)
		*seats = append(*seats, seat)
		return err
	}
}

// lockOf reads the holder's clock and seats. A clock that is over is no lock,
// unless seats of it are being paid for.
func (v view) lockOf(event string, holder store.Holder) (lock store.Lock, err error) {
	err = v.each(`SELECT started, deadline, extended FROM locks WHERE event = ?1 AND holder = ?2`,
		func(stmt *sqlite.Stmt) error {
			lock.Started, lock.Deadline = columnTime(stmt, 0), columnTime(stmt, 1)
			lock.Extended = stmt.ColumnBool(2)
			return nil
		}, event, holder)
	if err != nil || lock.Started.IsZero() { // nobody has seats without a clock
		return store.Lock{}, err
	}
	if lock.Seats, err = v.held(event, holder); err != nil {
		return store.Lock{}, err
	}
	if len(lock.Seats) == 0 && !v.now.Before(lock.Deadline) {
		return store.Lock{}, nil
	}
	return lock, nil
}

// Lock implements [store.Store].
func (s *Store) Lock(ctx context.Context, r store.LockRequest) (store.Outcome, error) {
	if err := r.Validate(); err != nil {
		return store.Outcome{}, fmt.Errorf("lock seats of %s: %w", r.Event, err)
	}
	ids := store.Distinct(r.Seats)
	return write(ctx, s, "lock seats of "+r.Event, func(t *tx) (store.Outcome, error) { return t.lock(r, ids) })
}

func (t *tx) lock(r store.LockRequest, ids []string) (store.Outcome, error) {
	event, err := t.salesOf(r.Event)
	if err != nil {
		return store.Outcome{}, err
	}
	out, err := t.outcome(r.Event, r.Holder, ids)
	if err != nil {
		return store.Outcome{}, err
	}
	var wanted []int // into out.Seats: those not the holder's yet
	for i, seat := range out.Seats {
		if !seat.HeldBy(r.Holder, t.now) {
			wanted = append(wanted, i)
		}
	}
	if len(wanted) == 0 {
		return out, nil
	}
	if !event.OnSaleAt(t.now) {
		return out, store.ErrClosed
	}
	for _, seat := range out.Seats {
		if err := store.RefuseLock(seat, r.Holder, t.now); err != nil {
			return out, fmt.Errorf("%w: %s", err, seat.ID)
		}
	}
	if len(out.Lock.Seats)+len(wanted) > r.Rules.MaxSeats {
		return out, store.ErrLimit
	}
	return out, t.grant(r, &out, wanted)
}

// grant starts the clock if none runs, and writes the seats.
func (t *tx) grant(r store.LockRequest, out *store.Outcome, wanted []int) error {
	lock := &out.Lock
	if !t.now.Before(lock.Deadline) {
		lock.Started, lock.Deadline = r.Rules.StartClock(t.now)
		lock.Extended = false
		_, err := t.exec(`INSERT INTO locks (event, holder, started, deadline, extended) VALUES (?1, ?2, ?3, ?4, 0)
			ON CONFLICT DO UPDATE SET started = ?3, deadline = ?4, extended = 0`,
			r.Event, r.Holder, lock.Started, lock.Deadline)
		if err != nil {
			return err
		}
	}
	changes := make([]store.Change, 0, len(wanted))
	for _, i := range wanted {
		seat := &out.Seats[i]
		n, err := t.exec(`UPDATE seats SET status = 'locked', locked_by = ?3, lock_time = ?4, locked_until = ?5, version = version + 1
			WHERE event = ?1 AND id = ?2 AND (status = 'available' OR status = 'locked' AND locked_until <= ?6)`,
			r.Event, seat.ID, r.Holder, lock.Started, lock.Deadline, t.now)
		if err != nil {
			return err
		}
		if n != 1 {
			return fmt.Errorf("%w: %s", errRace, seat.ID)
		}
		change := store.Change{Event: r.Event, Before: seat.LockedBy, Lapsed: seat.LockedBy != "" && seat.LockedBy != r.Holder}
		seat.Status, seat.LockedBy = store.Locked, r.Holder
		seat.LockTime, seat.LockedUntil = lock.Started, lock.Deadline
		seat.Version++
		change.Seat = *seat
		changes = append(changes, change)
		lock.Seats = append(lock.Seats, *seat)
	}
	slices.SortFunc(lock.Seats, byID)
	return t.announce(r.Event, changes, out)
}

func byID(a, b store.Seat) int {
	switch {
	case a.ID < b.ID:
		return -1
	case a.ID > b.ID:
		return 1
	}
	return 0
}

// Unlock implements [store.Store].
func (s *Store) Unlock(ctx context.Context, r store.UnlockRequest) (store.Outcome, error) {
	if err := r.Validate(); err != nil {
		return store.Outcome{}, fmt.Errorf("unlock seats of %s: %w", r.Event, err)
	}
	ids := store.Distinct(r.Seats)
	return write(ctx, s, "unlock seats of "+r.Event, func(t *tx) (store.Outcome, error) { return t.unlock(r, ids) })
}

func (t *tx) unlock(r store.UnlockRequest, ids []string) (store.Outcome, error) {
	if _, err := t.salesOf(r.Event); err != nil {
		return store.Outcome{}, err
	}
	if len(ids) == 0 {
		var err error
		if ids, err = t.lockedBy(r.Event, r.Holder); err != nil {
			return store.Outcome{}, err
		}
	}
	out, err := t.outcome(r.Event, r.Holder, ids)
	if err != nil {
		return store.Outcome{}, err
	}
	for _, seat := range out.Seats {
		if err := store.RefuseUnlock(seat, r.Holder, t.now); err != nil {
			return out, fmt.Errorf("%w: %s", err, seat.ID)
		}
	}
	var changes []store.Change
	for i := range out.Seats {
		seat := &out.Seats[i]
		if seat.Status != store.Locked || seat.LockedBy != r.Holder {
			continue
		}
		n, err := t.exec(`UPDATE seats SET status = 'available', locked_by = NULL, lock_time = NULL, locked_until = NULL, version = version + 1
			WHERE event = ?1 AND id = ?2 AND status = 'locked' AND locked_by = ?3`, r.Event, seat.ID, r.Holder)
		if err != nil {
			return store.Outcome{}, err
		}
		if n != 1 {
			return store.Outcome{}, fmt.Errorf("%w: %s", errRace, seat.ID)
		}
		*seat = freed(*seat)
		changes = append(changes, store.Change{Event: r.Event, Seat: *seat, Before: r.Holder})
	}
	out.Lock.Seats = slices.DeleteFunc(out.Lock.Seats, func(seat store.Seat) bool {
		return slices.ContainsFunc(changes, func(c store.Change) bool { return c.Seat.ID == seat.ID })
	})
	return out, t.announce(r.Event, changes, &out)
}

// lockedBy returns the ids of the seats that stand as locked by holder, run
// out or not.
func (v view) lockedBy(event string, holder store.Holder) (ids []string, err error) {
	err = v.each(`SELECT id FROM seats WHERE event = ?1 AND locked_by = ?2 AND status = 'locked' ORDER BY id`,
		func(stmt *sqlite.Stmt) error {
			ids = append(ids, stmt.ColumnText(0))
			return nil
		}, event, holder)
	return ids, err
}

func freed(seat store.Seat) store.Seat {
	return store.Seat{ID: seat.ID, Status: store.Available, Version: seat.Version + 1}
}

// Extend implements [store.Store].
func (s *Store) Extend(ctx context.Context, r store.ExtendRequest) (store.Outcome, error) {
	if err := r.Validate(); err != nil {
		return store.Outcome{}, fmt.Errorf("extend lock on %s: %w", r.Event, err)
	}
	return write(ctx, s, "extend lock on "+r.Event, func(t *tx) (store.Outcome, error) { return t.extend(r) })
}

func (t *tx) extend(r store.ExtendRequest) (store.Outcome, error) {
	if _, err := t.salesOf(r.Event); err != nil {
		return store.Outcome{}, err
	}
	out, err := t.outcome(r.Event, r.Holder, nil)
	if err != nil {
		return store.Outcome{}, err
	}
	live := slices.ContainsFunc(out.Lock.Seats, func(seat store.Seat) bool { return seat.Status == store.Locked })
	if !live {
		return out, store.ErrExpired
	}
	if out.Lock.Extended {
		out.Seats = lockedOnly(out.Lock.Seats)
		return out, nil
	}
	return t.moveDeadline(r, out)
}

func (t *tx) moveDeadline(r store.ExtendRequest, out store.Outcome) (store.Outcome, error) {
	lock := &out.Lock
	lock.Deadline = r.Rules.ExtendedDeadline(lock.Started, lock.Deadline)
	lock.Extended = true
	n, err := t.exec(`UPDATE locks SET deadline = ?3, extended = 1
		WHERE event = ?1 AND holder = ?2 AND extended = 0 AND deadline > ?4`, r.Event, r.Holder, lock.Deadline, t.now)
	if err != nil {
		return store.Outcome{}, err
	}
	if n != 1 {
		return store.Outcome{}, fmt.Errorf("%w: clock", errRace)
	}
	var changes []store.Change
	for i := range lock.Seats {
		seat := &lock.Seats[i]
		if seat.Status != store.Locked {
			continue
		}
		n, err := t.exec(`UPDATE seats SET locked_until = ?4, version = version + 1
			WHERE event = ?1 AND id = ?2 AND status = 'locked' AND locked_by = ?3 AND locked_until > ?5`,
			r.Event, seat.ID, r.Holder, lock.Deadline, t.now)
		if err != nil {
			return store.Outcome{}, err
		}
		if n != 1 {
			return store.Outcome{}, fmt.Errorf("%w: %s", errRace, seat.ID)
		}
		seat.LockedUntil = lock.Deadline
		seat.Version++
		changes = append(changes, store.Change{Event: r.Event, Seat: *seat, Before: r.Holder})
	}
	out.Seats = lockedOnly(lock.Seats)
	return out, t.announce(r.Event, changes, &out)
}

func lockedOnly(seats []store.Seat) []store.Seat {
	return slices.DeleteFunc(slices.Clone(seats), func(seat store.Seat) bool { return seat.Status != store.Locked })
}

// LockOf implements [store.Store].
func (s *Store) LockOf(ctx context.Context, event string, holder store.Holder) (out store.Outcome, err error) {
	err = s.read(ctx, "lock on "+event, func(v view) error {
		if _, err := v.salesOf(event); err != nil {
			return err
		}
		position, err := v.lastPosition()
		if err != nil {
			return err
		}
		out.Now, out.Cursor = v.now, store.Cursor{Epoch: s.epoch, Position: uint64(position)}
		out.Lock, err = v.lockOf(event, holder)
		return err
	})
	return out, err
}

// Withhold implements [store.Store].
func (s *Store) Withhold(ctx context.Context, event string, seats []string, on bool) (store.Outcome, error) {
	request := store.UnlockRequest{Event: event, Holder: "organizer", Seats: seats}
	if err := request.Validate(); err != nil {
		return store.Outcome{}, fmt.Errorf("withhold seats of %s: %w", event, err)
	}
	ids := store.Distinct(seats)
	return write(ctx, s, "withhold seats of "+event, func(t *tx) (store.Outcome, error) { return t.withhold(event, ids, on) })
}

func (t *tx) withhold(event string, ids []string, on bool) (store.Outcome, error) {
	if _, err := t.salesOf(event); err != nil {
		return store.Outcome{}, err
	}
	seats, err := t.seats(event, ids)
	if err != nil {
		return store.Outcome{}, err
	}
	out := store.Outcome{Seats: seats, Now: t.now, Cursor: t.cursor()}
	for _, seat := range seats {
		if err := store.RefuseWithhold(seat, t.now); err != nil {
			return out, fmt.Errorf("%w: %s", err, seat.ID)
		}
	}
	status := store.Available
	if on {
		status = store.Withheld
	}
	var changes []store.Change
	for i := range out.Seats {
		seat := &out.Seats[i]
		if seat.Status == status || !on && seat.Status != store.Withheld {
			continue
		}
		n, err := t.exec(`UPDATE seats SET status = ?3, locked_by = NULL, lock_time = NULL, locked_until = NULL, version = version + 1
			WHERE event = ?1 AND id = ?2 AND (status IN ('available', 'withheld') OR status = 'locked' AND locked_until <= ?4)`,
			event, seat.ID, status.String(), t.now)
		if err != nil {
			return store.Outcome{}, err
		}
		if n != 1 {
			return store.Outcome{}, fmt.Errorf("%w: %s", errRace, seat.ID)
		}
		change := store.Change{Event: event, Before: seat.LockedBy, Lapsed: seat.LockedBy != ""}
		*seat = freed(*seat)
		seat.Status = status
		change.Seat = *seat
		changes = append(changes, change)
	}
	return out, t.announce(event, changes, &out)
}

// sweepSize bounds how long one sweep keeps other writers waiting.
const sweepSize = 1000

// ReleaseDue implements [store.Store]. What one sweep leaves is due at once.
func (s *Store) ReleaseDue(ctx context.Context) (store.Due, error) {
	return write(ctx, s, "release lapsed locks", (*tx).releaseDue)
}

func (t *tx) releaseDue() (due store.Due, err error) {
	changes, err := t.lapsed()
	if err != nil {
		return store.Due{}, err
	}
	for _, c := range changes {
		n, err := t.exec(`UPDATE seats SET status = 'available', locked_by = NULL, lock_time = NULL, locked_until = NULL, version = version + 1
			WHERE event = ?1 AND id = ?2 AND status = 'locked' AND locked_until <= ?3`, c.Event, c.Seat.ID, t.now)
		if err != nil {
			return store.Due{}, err
		}
		if n != 1 {
			return store.Due{}, fmt.Errorf("%w: %s", errRace, c.Seat.ID)
		}
	}
	if len(changes) > 0 {
		if err := t.announce(changes[0].Event, changes, nil); err != nil {
			return store.Due{}, err
		}
	}
	due.Released = len(changes)
	err = t.each(`SELECT locked_until FROM seats INDEXED BY seats_due WHERE status = 'locked' ORDER BY locked_until LIMIT 1`,
		func(stmt *sqlite.Stmt) error {
			due.More = true
			due.Next = max(0, columnTime(stmt, 0).Sub(t.now))
			return nil
		})
	return due, err
}

// lapsed returns the changes that release what is due, as they will be.
func (v view) lapsed() (changes []store.Change, err error) {
	err = v.each(`SELECT `+seatColumns+`, event FROM seats INDEXED BY seats_due
		WHERE status = 'locked' AND locked_until <= ?1 ORDER BY locked_until, event, place LIMIT ?2`,
		func(stmt *sqlite.Stmt) error {
			seat, err := scanSeat(stmt)
			changes = append(changes, store.Change{
				Event: stmt.ColumnText(7), Seat: freed(seat), Before: seat.LockedBy, Lapsed: true,
			})
			return err
		}, v.now, sweepSize)
	return changes, err
}

// outcome reads how the named seats and the holder's lock stand.
func (t *tx) outcome(event string, holder store.Holder, ids []string) (out store.Outcome, err error) {
	out.Now, out.Cursor = t.now, t.cursor()
	if out.Seats, err = t.seats(event, ids); err != nil {
		return store.Outcome{}, err
	}
	out.Lock, err = t.lockOf(event, holder)
	return out, err
}

// salesOf reads when the event is on sale. Not found: ErrNoEvent.
func (v view) salesOf(id string) (event store.Event, err error) {
	found := false
	err = v.each(`SELECT sales_open, sales_close FROM events WHERE id = ?`, func(stmt *sqlite.Stmt) error {
		found = true
		event.SalesOpen, event.SalesClose = columnTime(stmt, 0), columnTime(stmt, 1)
		return nil
	}, id)
	if err == nil && !found {
		err = fmt.Errorf("%w: %s", store.ErrNoEvent, id)
	}
	return event, err
}

// announce writes one row of the feed for what this request changed, and puts
// its cursor into out, if there is one.
func (t *tx) announce(event string, changes []store.Change, out *store.Outcome) error {
	if len(changes) == 0 {
		return nil
	}
	if err := t.appendChange(event, encodeChanges(event, changes)); err != nil {
		return err
	}
	if out != nil {
		out.Cursor = t.cursor()
	}
	return nil
}

func (t *tx) appendChange(event, body string) error {
	t.position++
	_, err := t.exec(`INSERT INTO changes (position, at, event, body) VALUES (?1, ?2, ?3, ?4)`,
		t.position, t.now, event, body)
	return err
}
