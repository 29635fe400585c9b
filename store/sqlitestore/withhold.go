package sqlitestore

import (
	"context"
	"fmt"

	"github.com/seatlock/seatlock/store"
)

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
		if err := t.writeOne(seat.ID, `UPDATE seats SET status = ?3, locked_by = NULL, lock_time = NULL, locked_until = NULL, version = version + 1
			WHERE event = ?1 AND id = ?2 AND (status IN ('available', 'withheld') OR status = 'locked' AND locked_until <= ?4)`,
			event, seat.ID, status.String(), t.now); err != nil {
			return store.Outcome{}, err
		}
		change := store.Change{Event: event, Before: seat.LockedBy, Lapsed: seat.LockedBy != ""}
		*seat = freed(*seat)
		seat.Status = status
		change.Seat = *seat
		changes = append(changes, change)
	}
	return out, t.announce(event, changes, &out)
}
