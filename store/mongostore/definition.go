package mongostore

import (
	"context"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/seatlock/seatlock/store"
)

const insertSize = 2000 // seats in one command

// Define implements [store.Engine]. All seats of an event take longer than
// what any other request writes, and get more time.
func (e *Engine) Define(ctx context.Context, event string, withSeats bool, rule func(store.Definition) (store.Redefinition, error)) error {
	return e.write(ctx, planTimeout, func(ctx context.Context, o *opened) error {
		known, err := e.eventIsThere(ctx, event)
		if err != nil {
			return err
		}
		d := defining{Engine: e, event: event, withSeats: withSeats, rule: rule}
		if withSeats || !known {
			return d.untilDone(ctx, o)
		}
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		return d.untilDone(ctx, o)
	})
}

func (e *Engine) eventIsThere(ctx context.Context, event string) (known bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err = e.primary.again(ctx, func(ctx context.Context) error {
		d, err := e.findEvent(ctx, event)
		known = d.ID != ""
		return err
	})
	return known, err
}

// defining is a call of Define.
type defining struct {
	*Engine
	event     string
	withSeats bool
	rule      func(store.Definition) (store.Redefinition, error)
}

// untilDone tries until the definition is written, or is not to be.
func (d defining) untilDone(ctx context.Context, o *opened) error {
	for try := 0; ; try++ {
		began := time.Now()
		next, refusal, err := d.once(ctx)
		switch {
		case err == nil:
			if refusal == nil && next.ID != "" {
				o.sales.put(salesTime{next, began})
			}
			return refusal
		case store.IsContract(err) || !passing(err) || ctx.Err() != nil:
			return err
		}
		pause(ctx, try)
	}
}

// once returns how the event stands then; the zero ID is as before. A refusal
// waits for the commit, too: it rests then on nothing that could be taken back.
func (d defining) once(ctx context.Context) (next store.Event, refusal, err error) {
	if err := d.mayWrite(ctx); err != nil {
		return next, nil, err
	}
	_, err = d.transact(ctx, func(ctx context.Context) (wrote bool, err error) {
		old, err := d.findEvent(ctx, d.event)
		if err != nil {
			return false, err
		}
		known := store.Definition{Event: old.event(), Fingerprint: old.Fingerprint}
		var seats []seatDocument
		if d.withSeats && old.ID != "" {
			if seats, err = d.allSeats(ctx, d.event); err != nil {
				return false, err
			}
			known.Seats = idsOf(seats)
		}
		r, why := d.rule(known)
		if refusal = why; refusal != nil || r.ID == "" {
			return false, nil
		}
		next = r.Event
		return true, d.redefine(ctx, old, r, seats)
	})
	return next, refusal, err
}

// redefine writes the event first: who would change the same meets at it, at
// once.
func (d defining) redefine(ctx context.Context, old eventDocument, r store.Redefinition, seats []seatDocument) (err error) {
	if err := d.replaceEvent(ctx, old, r); err != nil || r.Plan == nil {
		return err
	}
	if err := d.putPlan(ctx, r.Event.Plan, r.Plan.Body); err != nil {
		return err
	}
	if old.ID != "" && !d.withSeats {
		if seats, err = d.allSeats(ctx, d.event); err != nil {
			return err
		}
	}
	return d.putSeats(ctx, r.Plan, seats)
}

// replaceEvent writes the event over the revision that was read.
func (d defining) replaceEvent(ctx context.Context, old eventDocument, r store.Redefinition) error {
	events, next := d.db.Collection(eventsColl), old.become(r.Event, r.Fingerprint)
	if old.ID == "" {
		_, err := events.InsertOne(ctx, next)
		return err
	}
	result, err := events.ReplaceOne(ctx, bson.D{{Key: "_id", Value: old.ID}, {Key: "revision", Value: old.Revision}}, next)
	if err == nil && result.MatchedCount != 1 {
		err = errConflict
	}
	return err
}

// putSeats inserts the seats of a plan, but for those that are there already,
// which are moved.
func (d defining) putSeats(ctx context.Context, plan *store.PlanSeats, there []seatDocument) error {
	withheld := make(map[string]bool, len(plan.Withheld))
	for _, id := range plan.Withheld {
		withheld[id] = true
	}
	known := make(map[string]seatDocument, len(there))
	for _, s := range there {
		known[s.seat.ID] = s
	}
	var added []bson.D
	var moved writes
	for place, id := range plan.Seats {
		switch s, is := known[id]; {
		case !is:
			added = append(added, fresh(d.event, id, place, withheld[id]).document())
		case s.place != int64(place):
			moved.moveSeat(s, int64(place))
		}
	}
	for documents := range slices.Chunk(added, insertSize) {
		if _, err := d.db.Collection(seatsColl).InsertMany(ctx, documents); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(moved.seats, insertSize) {
		if err := d.putAll(ctx, seatsColl, some); err != nil {
			return err
		}
	}
	return nil
}

func idsOf(documents []seatDocument) []string {
	ids := make([]string, len(documents))
	for i, s := range documents {
		ids[i] = s.seat.ID
	}
	return ids
}
