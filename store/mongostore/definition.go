package mongostore

import (
	"context"
	"slices"
	"strings"
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
			switch {
			case refusal != nil:
			case next.Removed:
				o.sales.forget(d.event)
			case next.ID != "":
				o.sales.put(salesTime{next.Event, began})
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
func (d defining) once(ctx context.Context) (next store.Redefinition, refusal, err error) {
	if err := d.mayWrite(ctx); err != nil {
		return next, nil, err
	}
	_, err = d.transact(ctx, func(ctx context.Context) (wrote bool, err error) {
		known, old, seats, err := d.read(ctx)
		if err != nil {
			return false, err
		}
		next, refusal = d.rule(known)
		switch {
		case refusal != nil:
			return false, nil
		case next.Removed:
			return true, d.remove(ctx, old)
		case next.ID == "":
			return false, nil
		}
		return true, d.redefine(ctx, old, next, seats)
	})
	return next, refusal, err
}

// read reads what the rule must know, at one instant.
func (d defining) read(ctx context.Context) (known store.Definition, old eventDocument, seats []seatDocument, err error) {
	old, now, err := d.findEventAndNow(ctx, d.event)
	if err != nil {
		return known, old, nil, err
	}
	known = store.Definition{Event: old.event(), Fingerprint: old.Fingerprint, Now: now}
	if !d.withSeats || old.ID == "" {
		return known, old, nil, nil
	}
	if seats, err = d.allSeats(ctx, d.event); err != nil {
		return known, old, nil, err
	}
	known.Seats = idsOf(seats)
	for _, s := range seats {
		if s.seat.Status != store.Available && s.seat.Status != store.Withheld {
			known.Claimed = append(known.Claimed, s.seat)
		}
	}
	slices.SortFunc(known.Claimed, func(a, b store.Seat) int { return strings.Compare(a.ID, b.ID) })
	return known, old, seats, nil
}

// redefine writes the event first: who would change the same meets at it, at
// once.
func (d defining) redefine(ctx context.Context, old eventDocument, r store.Redefinition, seats []seatDocument) (err error) {
	if err := d.replaceEvent(ctx, old, r); err != nil || r.Plan == nil && len(r.Relied) == 0 {
		return err
	}
	if old.ID != "" && !d.withSeats {
		if seats, err = d.allSeats(ctx, d.event); err != nil {
			return err
		}
	}
	var w writes // of seats that are there
	if r.Plan != nil {
		if err := d.putPlan(ctx, r.Event.Plan, r.Plan.Body); err != nil {
			return err
		}
		if err := d.addSeats(ctx, r.Plan, seats); err != nil {
			return err
		}
		w.moveSeats(r.Plan, seats)
	}
	w.touchSeats(r.Relied, seats)
	for some := range slices.Chunk(w.seats, insertSize) {
		if err := d.putAll(ctx, seatsColl, some); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes the event first, as redefine writes it first. Who changes one
// of its seats meanwhile is met at that: what a transaction deletes must be as
// it was when the transaction began.
func (d defining) remove(ctx context.Context, old eventDocument) error {
	result, err := d.db.Collection(eventsColl).DeleteOne(ctx, old.at())
	if err == nil && result.DeletedCount != 1 {
		err = errConflict
	}
	if err != nil {
		return err
	}
	_, err = d.db.Collection(seatsColl).DeleteMany(ctx, bson.D{{Key: "event", Value: d.event}}) // and clocks
	return err
}

// replaceEvent writes the event over the revision that was read.
func (d defining) replaceEvent(ctx context.Context, old eventDocument, r store.Redefinition) error {
	events, next := d.db.Collection(eventsColl), old.become(r.Event, r.Fingerprint)
	if old.ID == "" {
		_, err := events.InsertOne(ctx, next)
		return err
	}
	result, err := events.ReplaceOne(ctx, old.at(), next)
	if err == nil && result.MatchedCount != 1 {
		err = errConflict
	}
	return err
}

// addSeats inserts the seats of a plan that are not there already.
func (d defining) addSeats(ctx context.Context, plan *store.PlanSeats, there []seatDocument) error {
	withheld, known := map[string]bool{}, map[string]bool{}
	for _, id := range plan.Withheld {
		withheld[id] = true
	}
	for _, s := range there {
		known[s.seat.ID] = true
	}
	var added []bson.D
	for place, id := range plan.Seats {
		if !known[id] {
			added = append(added, fresh(d.event, id, place, withheld[id]).document())
		}
	}
	for documents := range slices.Chunk(added, insertSize) {
		if _, err := d.db.Collection(seatsColl).InsertMany(ctx, documents); err != nil {
			return err
		}
	}
	return nil
}

// moveSeats gives the seats that are there the places that they have in a plan.
// They get them in there, too.
func (w *writes) moveSeats(plan *store.PlanSeats, there []seatDocument) {
	places := make(map[string]int64, len(plan.Seats))
	for place, id := range plan.Seats {
		places[id] = int64(place)
	}
	for i, s := range there {
		if place, known := places[s.seat.ID]; known && s.place != place {
			w.moveSeat(s, place)
			there[i].place = place
		}
	}
}

// touchSeats is for seats that must be as they were read.
func (w *writes) touchSeats(ids []string, there []seatDocument) {
	for _, s := range there {
		if slices.Contains(ids, s.seat.ID) {
			w.touchSeat(s)
		}
	}
}

func idsOf(documents []seatDocument) []string {
	ids := make([]string, len(documents))
	for i, s := range documents {
		ids[i] = s.seat.ID
	}
	return ids
}
