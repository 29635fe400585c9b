package sqlitestore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/seatlock/seatlock/store"
)

// errRace would mean that a conditional write disagreed with a read of the
// same exclusive transaction. The transaction is then rolled back.
var errRace = errors.New("conditional write matched no seat")

// writeOne runs a conditional write that must hit the one row it is meant for.
func (t *tx) writeOne(what, query string, args ...any) error {
	n, err := t.exec(query, args...)
	if err != nil {
		return err
	}
	if n != 1 {
		return fmt.Errorf("%w: %s", errRace, what)
	}
	return nil
}

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
	grants, err := t.grantsOf(r)
	if err != nil {
		return store.Outcome{}, err
	}
	if known, ok := grants.Seats(r.Request); ok {
		ids = known
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
		return out, t.remember(r, grants, ids)
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
	if err := t.grant(r, &out, wanted); err != nil {
		return store.Outcome{}, err
	}
	return out, t.remember(r, grants, ids)
}

// grantsOf reads what the holder's running clock remembers, for a request with
// an id.
func (t *tx) grantsOf(r store.LockRequest) (grants store.Grants, err error) {
	if r.Request == "" {
		return nil, nil
	}
	err = t.each(`SELECT grants FROM locks WHERE event = ?1 AND holder = ?2 AND deadline > ?3 AND grants <> ''`,
		func(stmt *sqlite.Stmt) error {
			if err := json.Unmarshal([]byte(stmt.ColumnText(0)), &grants); err != nil {
				return fmt.Errorf("%w: grants of a clock: %w", errDamaged, err)
			}
			return nil
		}, r.Event, r.Holder, t.now)
	return grants, err
}

// remember adds what was granted to what the running clock remembers.
func (t *tx) remember(r store.LockRequest, grants store.Grants, ids []string) error {
	grants, added := grants.With(r.Request, ids)
	if !added {
		return nil
	}
	body, err := json.Marshal(grants)
	if err != nil {
		return err
	}
	_, err = t.exec(`UPDATE locks SET grants = ?3 WHERE event = ?1 AND holder = ?2 AND deadline > ?4`,
		r.Event, r.Holder, string(body), t.now)
	return err
}

// grant starts the clock if none runs, and writes the seats.
func (t *tx) grant(r store.LockRequest, out *store.Outcome, wanted []int) error {
	lock := &out.Lock
	if !t.now.Before(lock.Deadline) {
		lock.Started, lock.Deadline = r.Rules.StartClock(t.now)
		lock.Extended = false
		_, err := t.exec(`INSERT INTO locks (event, holder, started, deadline, extended) VALUES (?1, ?2, ?3, ?4, 0)
			ON CONFLICT DO UPDATE SET started = ?3, deadline = ?4, extended = 0, grants = ''`,
			r.Event, r.Holder, lock.Started, lock.Deadline)
		if err != nil {
			return err
		}
	}
	changes := make([]store.Change, 0, len(wanted))
	for _, i := range wanted {
		seat := &out.Seats[i]
		if err := t.writeOne(seat.ID, `UPDATE seats SET status = 'locked', locked_by = ?3, lock_time = ?4, locked_until = ?5, version = version + 1
			WHERE event = ?1 AND id = ?2 AND (status = 'available' OR status = 'locked' AND locked_until <= ?6)`,
			r.Event, seat.ID, r.Holder, lock.Started, lock.Deadline, t.now); err != nil {
			return err
		}
		change := store.Change{Event: r.Event, Before: seat.LockedBy, Lapsed: seat.LockedBy != "" && seat.LockedBy != r.Holder}
		seat.Status, seat.LockedBy = store.Locked, r.Holder
		seat.LockTime, seat.LockedUntil = lock.Started, lock.Deadline
		seat.Version++
		change.Seat = *seat
		changes = append(changes, change)
		lock.Seats = append(lock.Seats, *seat)
	}
	slices.SortFunc(lock.Seats, func(a, b store.Seat) int { return strings.Compare(a.ID, b.ID) })
	return t.announce(r.Event, changes, out)
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
	err = v.each(`SELECT starts, sales_open, sales_close FROM events WHERE id = ?`, func(stmt *sqlite.Stmt) error {
		found = true
		event.Starts, event.SalesOpen, event.SalesClose = columnTime(stmt, 0), columnTime(stmt, 1), columnTime(stmt, 2)
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
