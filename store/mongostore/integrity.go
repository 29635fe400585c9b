package mongostore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/seatlock/seatlock/store"
)

const (
	// checkTimeout bounds a check: servers keep an instant for five minutes.
	checkTimeout = 5 * time.Minute
	// maxFindings bounds what a check tells of a database that is wrong all over.
	maxFindings = 1000
)

// Check looks whether all that must be true of the database that uri names is
// true, as it stands at one instant, and tells what is not; none is a sound
// database. Servers and commands may work on it meanwhile, and nothing is
// written.
//
// It reads all documents, and has the seats and bookings of one event at a time in
// memory. An
// error means that the database could not be checked, and is one line; findings
// are a thousand at most.
func Check(ctx context.Context, uri string) ([]store.Finding, error) {
	e, err := connect(uri, Options{})
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	c := checker{Engine: e}
	if err = c.run(ctx); err != nil && ctx.Err() == nil {
		err = fmt.Errorf("store %s: %w", e.settings.place, e.diagnose(ctx, err))
	}
	if err = errors.Join(err, e.Close()); err != nil {
		return nil, err
	}
	return c.found, nil
}

// checker is a check.
type checker struct {
	*Engine
	now   time.Time
	found []store.Finding
}

func (c *checker) add(found ...store.Finding) { c.found = append(c.found, found...) }

// damaged makes a finding of what a document cannot be read as.
func (c *checker) damaged(err error) error {
	if errors.Is(err, errDamaged) {
		c.add(store.Findingf("%v", err))
		return nil
	}
	return err
}

func (c *checker) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if err := c.checkServers(ctx); err != nil {
		return err
	}
	r, isNew, err := c.findFormat(ctx)
	switch {
	case err != nil:
		return err
	case isNew:
		return errNoStore
	}
	if err := r.document.format().Check(); err != nil {
		return err
	}
	return c.atOneInstant(ctx, func(ctx context.Context, _ *mongo.Session) error {
		c.found = nil // of a try before
		return c.contents(ctx)
	})
}

// contents checks what the documents say, part by part.
func (c *checker) contents(ctx context.Context) (err error) {
	if c.now, err = c.findNow(ctx); err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		return err
	}
	if c.now.IsZero() { // meta tells why
		c.now = time.Now()
	}
	for _, part := range []func(context.Context) error{c.meta, c.events, c.strays, c.records, c.removed, c.trail} {
		if err := part(ctx); err != nil {
			return err
		}
		if len(c.found) >= maxFindings {
			c.found = append(c.found[:maxFindings-1:maxFindings-1], "and more, which are not told")
			return nil
		}
	}
	return nil
}

func (c *checker) meta(ctx context.Context) error {
	for id, sound := range map[string]func(bson.Raw) bool{
		secretID: func(raw bson.Raw) bool {
			_, secret, ok := raw.Lookup("secret").BinaryOK()
			return ok && len(secret) == 32
		},
		epochID: func(raw bson.Raw) bool {
			epoch, _ := raw.Lookup("epoch").StringValueOK()
			_, _, since := raw.Lookup("since").TimestampOK()
			return store.ValidID(epoch) && since
		},
	} {
		raw, err := c.db.Collection(metaColl).FindOne(ctx, byID(id)).Raw()
		switch {
		case errors.Is(err, mongo.ErrNoDocuments):
			c.add(store.Findingf("the %s is missing", id))
		case err != nil:
			return err
		case !sound(raw):
			c.add(store.Findingf("the %s is not as it must be", id))
		}
	}
	return nil
}

func (c *checker) events(ctx context.Context) error {
	ids, err := c.eachEvent(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		var d eventDocument
		raw, err := c.db.Collection(eventsColl).FindOne(ctx, byID(id)).Raw()
		if err != nil {
			return err
		}
		if bson.Unmarshal(raw, &d) != nil {
			c.add(store.Findingf("event %s: it cannot be read", id))
			continue
		}
		seats, err := c.seats(ctx, id)
		if err != nil {
			return err
		}
		body, err := c.planBody(ctx, d.Plan)
		if errors.Is(err, store.ErrNoEvent) {
			body, err = nil, nil
		}
		if err != nil {
			return err
		}
		c.add(store.CheckEvent(d.event(), body, seats)...)
	}
	return nil
}

// eachEvent returns the ids of the events there are, in their order.
func (c *checker) eachEvent(ctx context.Context) (ids []string, err error) {
	cursor, err := c.db.Collection(eventsColl).Find(ctx, bson.D{}, options.Find().SetProjection(byID(1)).SetSort(byID(1)))
	if err != nil {
		return nil, err
	}
	var all []struct {
		ID string `bson:"_id"`
	}
	err = cursor.All(ctx, &all)
	for _, one := range all {
		ids = append(ids, one.ID)
	}
	return ids, err
}

// seats checks seats, clocks and bookings of an event, and returns how many seats
// it has.
func (c *checker) seats(ctx context.Context, event string) (n int, err error) {
	clocks, places := map[store.Holder]store.Clock{}, map[int64]bool{}
	var seats []store.Seat
	err = c.each(ctx, seatsColl, bson.D{{Key: "event", Value: event}}, func(raw bson.Raw) error {
		id, _ := raw.Lookup("_id").StringValueOK()
		if _, err := raw.LookupErr("seat"); err != nil {
			clock, err := decodeClock(raw)
			if err == nil && id != clockID(event, clock.holder) {
				c.add(store.Findingf("a clock of %s: its _id is another's", event))
			}
			if clock.clock.Unpaid > 0 && !optionalTime(raw, "over").IsZero() {
				c.add(store.Findingf("a clock of %s: it will be removed, and seats of its holder are unpaid", event))
			}
			clocks[clock.holder] = clock.clock
			return err
		}
		n++
		s, err := decodeSeat(raw)
		if err != nil {
			return err
		}
		if id != seatID(event, s.seat.ID) {
			c.add(store.Findingf("seat %s of %s: its _id is another's", s.seat.ID, event))
		}
		if places[s.place] {
			c.add(store.Findingf("event %s: several seats have one rank in the plan's order", event))
		}
		places[s.place] = true
		seats = append(seats, s.seat)
		return nil
	})
	for _, s := range seats {
		c.add(store.CheckSeat(event, s, clocks[s.LockedBy], c.now)...)
	}
	for _, holder := range slices.Sorted(maps.Keys(clocks)) {
		c.add(store.CheckClock(event, clocks[holder])...)
	}
	if err != nil {
		return n, err
	}
	return n, c.bookings(ctx, event, seats, clocks)
}

// bookings checks those of an event. How a record itself is wrong, records tells.
func (c *checker) bookings(ctx context.Context, event string, seats []store.Seat, clocks map[store.Holder]store.Clock) error {
	var bookings, related []store.Record
	collect := func(filter bson.D, to *[]store.Record) error {
		return c.each(ctx, recordsColl, filter, func(raw bson.Raw) error {
			if r, err := decodeRecord(raw, c.kinds); err == nil && r.record.Version > 0 {
				*to = append(*to, r.record)
			}
			return nil
		})
	}
	if err := collect(bson.D{{Key: "kind", Value: store.BookingRecord}, {Key: "by.event", Value: event}}, &bookings); err != nil {
		return err
	}
	for some := range slices.Chunk(bookings, groupSize) {
		var ids []string
		for _, b := range some {
			for _, key := range store.RelatedRecords(b) {
				ids = append(ids, recordID(key))
			}
		}
		if err := collect(bson.D{{Key: "_id", Value: in(ids)}}, &related); err != nil {
			return err
		}
	}
	c.add(store.CheckBookings(event, seats, clocks, append(bookings, related...))...)
	return nil
}

// removed checks the bookings of events that are no more.
func (c *checker) removed(ctx context.Context) error {
	ids, err := c.eachEvent(ctx)
	if err != nil {
		return err
	}
	var booked []string
	filter := append(bson.D{{Key: "kind", Value: store.BookingRecord}}, there("by.event")...)
	if err := c.db.Collection(recordsColl).Distinct(ctx, "by.event", filter).Decode(&booked); err != nil {
		return err
	}
	for _, event := range booked {
		if slices.Contains(ids, event) {
			continue
		}
		if err := c.bookings(ctx, event, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// strays finds what belongs to an event that is not there.
func (c *checker) strays(ctx context.Context) error {
	var ids, used []string
	if err := c.db.Collection(eventsColl).Distinct(ctx, "_id", bson.D{}).Decode(&ids); err != nil {
		return err
	}
	if err := c.db.Collection(seatsColl).Distinct(ctx, "event", bson.D{}).Decode(&used); err != nil {
		return err
	}
	for _, event := range used {
		if !slices.Contains(ids, event) {
			c.add(store.Findingf("there are seats or clocks of %s, and no such event", event))
		}
	}
	return nil
}

// records checks that each record is one. Its indexes are the servers' business.
func (c *checker) records(ctx context.Context) error {
	live := bson.D{{Key: "version", Value: bson.D{{Key: "$gt", Value: 0}}}}
	return c.each(ctx, recordsColl, live, func(raw bson.Raw) error {
		id, _ := raw.Lookup("_id").StringValueOK()
		r, err := decodeRecord(raw, c.kinds)
		if err == nil && (id != recordID(r.record.Key) || !json.Valid(r.record.Body)) {
			c.add(store.Findingf("%s is not as records are", recordName(id)))
		}
		if err == nil {
			c.add(store.CheckRecord(r.record, c.now)...)
		}
		return err
	})
}

func (c *checker) trail(ctx context.Context) error {
	return c.each(ctx, trailColl, bson.D{}, func(raw bson.Raw) error {
		var d entryDocument
		if err := bson.Unmarshal(raw, &d); err != nil {
			return fmt.Errorf("%w: an entry of the trail: %w", errDamaged, err)
		}
		e := d.entry()
		if d.ID[:min(len(d.ID), len(trailPlace(e.At)))] > trailPlace(e.At) {
			c.add(store.Findingf("the trail at %s: an entry of an earlier time", d.ID))
		}
		c.add(store.CheckEntry(e, c.now)...)
		return nil
	})
}

// each calls fn with each document that the filter finds, and tells of those
// that are damaged.
func (c *checker) each(ctx context.Context, collection string, filter bson.D, fn func(bson.Raw) error) error {
	cursor, err := c.db.Collection(collection).Find(ctx, filter, options.Find().SetBatchSize(10*groupSize))
	if err != nil {
		return err
	}
	defer cleanUp(func(ctx context.Context) { _ = cursor.Close(ctx) }) // the servers forget it anyhow
	for cursor.Next(ctx) && len(c.found) < maxFindings {
		if err := c.damaged(fn(cursor.Current)); err != nil {
			return err
		}
	}
	return cursor.Err()
}
