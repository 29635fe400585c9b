package sqlitestore

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/seatlock/seatlock/store"
)

// appendTrail adds entries to the end of the trail.
func (t *tx) appendTrail(entries []store.Entry) error {
	for _, e := range entries {
		var status optional
		if e.Version > 0 {
			status = optional(e.Status.String())
		}
		_, err := t.exec(`INSERT INTO trail (at, event, seat, status, version, booking, reason, who)
				VALUES (?1, ?2, ?3, ?4, nullif(?5, 0), ?6, ?7, ?8)`,
			e.At, e.Event, e.Seat, status, e.Version, optional(e.Booking), string(e.Reason), string(e.By))
		if err != nil {
			return err
		}
	}
	return nil
}

// Trail implements [store.Engine]. The place of an entry is its position.
func (e *Engine) Trail(ctx context.Context, scan store.TrailScan) (page []store.Entry, err error) {
	after, err := trailPosition(scan.After)
	if err != nil {
		return nil, err
	}
	row := func(stmt *sqlite.Stmt) error {
		page = append(page, scanEntry(stmt))
		return nil
	}
	err = e.read(ctx, func(r reader) error {
		if scan.Seat == "" {
			return r.each(`SELECT `+trailColumns+` FROM trail INDEXED BY trail_booking
				WHERE booking = ?1 AND position > ?2 ORDER BY position LIMIT ?3`, row, scan.Booking, after, scan.Limit)
		}
		return r.each(`SELECT `+trailColumns+` FROM trail INDEXED BY trail_seat
			WHERE event = ?1 AND seat = ?2 AND position > ?3 ORDER BY position LIMIT ?4`, row, scan.Event, scan.Seat, after, scan.Limit)
	})
	return page, err
}

func trailPosition(place string) (int64, error) {
	if place == "" {
		return 0, nil
	}
	position, err := strconv.ParseInt(place, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %q is no place in the trail", store.ErrInvalid, place)
	}
	return position, nil
}

const trailColumns = `position, at, event, seat, status, version, booking, reason, who`

func scanEntry(stmt *sqlite.Stmt) store.Entry {
	e := store.Entry{
		Place: strconv.FormatInt(stmt.ColumnInt64(0), 10), At: columnTime(stmt, 1), Event: stmt.ColumnText(2), Seat: stmt.ColumnText(3),
		Version: stmt.ColumnInt64(5), Booking: stmt.ColumnText(6), Reason: store.ParseReason(stmt.ColumnText(7)), By: store.By(stmt.ColumnText(8)),
	}
	if !stmt.ColumnIsNull(4) {
		e.Status = store.ParseStatus(stmt.ColumnText(4))
	}
	return e
}

// PruneTrail implements [store.Engine]. Each of its transactions is short, as one
// of housekeeping.
func (e *Engine) PruneTrail(ctx context.Context, before time.Time, limit int) (pruned int, err error) {
	for pruned < limit {
		n, err := write(ctx, e, func(t *tx) (int, error) { return t.pruneTrail(before, min(limit-pruned, maxPrune)) })
		if err != nil || n == 0 {
			return pruned, err
		}
		pruned += n
	}
	return pruned, nil
}

// pruneTrail goes from the oldest entry on and stops at the first that stays: it
// reads no more than it removes.
func (t *tx) pruneTrail(before time.Time, limit int) (int, error) {
	last, stays := int64(0), false
	err := t.each(`SELECT position, at < ?1 FROM trail ORDER BY position LIMIT ?2`, func(stmt *sqlite.Stmt) error {
		if stays = stays || !stmt.ColumnBool(1); !stays {
			last = stmt.ColumnInt64(0)
		}
		return nil
	}, before, limit)
	if err != nil || last == 0 {
		return 0, err
	}
	return t.exec(`DELETE FROM trail WHERE position <= ?1`, last)
}
