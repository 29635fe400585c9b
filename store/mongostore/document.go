package mongostore

import (
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/seatlock/seatlock/store"
)

// The collections. That of seats has the holders' clocks too: a request is then
// one read and one write, where each more would be a round trip.
const (
	seatsColl    = "seats"
	eventsColl   = "events"
	plansColl    = "plans"
	sessionsColl = "sessions"
	metaColl     = "meta"
)

// row is a document of seats: the seat, its rank in the plan's order, and what
// its last change took from whom.
type row struct {
	event  string
	place  int64
	seat   store.Seat
	before store.Holder
	lapsed bool
}

// allFields are those of a seat or a clock that decisions need.
var allFields = []string{
	"event", "seat", "place", "status", "lockedBy", "lockTime", "lockedUntil", "booking", "version",
	"holder", "started", "deadline", "extended", "grants",
}

// touchedField marks a row that a transaction relied on and did not change.
const touchedField = "touched"

// path is the _id of a seat. Events have no slash in their ids.
func path(event, seat string) string { return event + "/" + seat }

// clockPath is the _id of a holder's clock. Seats have no @ in their ids.
func clockPath(event string, holder store.Holder) string { return event + "/@" + string(holder) }

// document leaves out what is empty, so that partial indexes do too.
func (r row) document() bson.D {
	d := bson.D{
		{Key: "_id", Value: path(r.event, r.seat.ID)},
		{Key: "event", Value: r.event},
		{Key: "seat", Value: r.seat.ID},
		{Key: "place", Value: r.place},
		{Key: "status", Value: r.seat.Status.String()},
	}
	d = appendText(d, "lockedBy", string(r.seat.LockedBy))
	d = appendTime(d, "lockTime", r.seat.LockTime)
	d = appendTime(d, "lockedUntil", r.seat.LockedUntil)
	d = appendText(d, "booking", r.seat.Booking)
	d = append(d, bson.E{Key: "version", Value: r.seat.Version})
	d = appendText(d, "before", string(r.before))
	if r.lapsed {
		d = append(d, bson.E{Key: "lapsed", Value: true})
	}
	return d
}

func appendText(d bson.D, key, value string) bson.D {
	if value == "" {
		return d
	}
	return append(d, bson.E{Key: key, Value: value})
}

func appendTime(d bson.D, key string, t time.Time) bson.D {
	if t.IsZero() {
		return d
	}
	return append(d, bson.E{Key: key, Value: bson.NewDateTimeFromTime(t)})
}

// change returns the row as it will be, and what the feed is to tell of it.
func (r row) change(to store.Seat, lapsed bool) row {
	to.ID, to.Version = r.seat.ID, r.seat.Version+1
	return row{event: r.event, place: r.place, seat: to, before: r.seat.LockedBy, lapsed: lapsed}
}

func (r row) told() store.Change {
	return store.Change{Event: r.event, Seat: r.seat, Before: r.before, Lapsed: r.lapsed}
}

// decodeRow takes the fields one by one: it is called for each seat of a hall.
func decodeRow(raw bson.Raw) (r row, err error) {
	err = eachField(raw, func(key string, v bson.RawValue) (ok bool) {
		switch key {
		case "event":
			r.event, ok = v.StringValueOK()
		case "seat":
			r.seat.ID, ok = v.StringValueOK()
		case "place":
			r.place, ok = v.AsInt64OK()
		case "status":
			var text string
			if text, ok = v.StringValueOK(); ok {
				r.seat.Status, ok = store.ParseStatus(text)
			}
		case "lockedBy":
			ok = holderOf(v, &r.seat.LockedBy)
		case "lockTime":
			ok = timeOf(v, &r.seat.LockTime)
		case "lockedUntil":
			ok = timeOf(v, &r.seat.LockedUntil)
		case "booking":
			r.seat.Booking, ok = v.StringValueOK()
		case "version":
			r.seat.Version, ok = v.AsInt64OK()
		case "before":
			ok = holderOf(v, &r.before)
		case "lapsed":
			r.lapsed, ok = v.BooleanOK()
		default:
			ok = true // of a newer version, or put there by hand
		}
		return ok
	})
	if err == nil && (r.event == "" || r.seat.ID == "" || r.seat.Version == 0) {
		err = fmt.Errorf("%w: a seat without event, id or version", errDamaged)
	}
	return r, err
}

func eachField(raw bson.Raw, field func(string, bson.RawValue) bool) error {
	elements, err := raw.Elements()
	if err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	for _, e := range elements {
		if key := e.Key(); !field(key, e.Value()) {
			return fmt.Errorf("%w: %v has a malformed %s", errDamaged, raw.Lookup("_id"), key)
		}
	}
	return nil
}

func holderOf(v bson.RawValue, h *store.Holder) bool {
	text, ok := v.StringValueOK()
	*h = store.Holder(text)
	return ok
}

func timeOf(v bson.RawValue, t *time.Time) bool {
	ms, ok := v.DateTimeOK()
	if ok {
		*t = time.UnixMilli(ms).UTC()
	}
	return ok
}

// optionalTime returns the zero time for a field that is missing.
func optionalTime(raw bson.Raw, key string) (t time.Time) {
	if v, err := raw.LookupErr(key); err == nil {
		timeOf(v, &t)
	}
	return t
}

// clock is a document of seats that is none: the clock of one holder for one
// event. Every write for a holder counts its version up, so that those writes
// queue up. Version 0 is no document.
type clock struct {
	event             string
	holder            store.Holder
	started, deadline time.Time
	extended          bool
	grants            store.Grants
	version           int64
}

func (c clock) document() bson.D {
	d := bson.D{
		{Key: "_id", Value: clockPath(c.event, c.holder)},
		{Key: "event", Value: c.event},
		{Key: "holder", Value: string(c.holder)},
		{Key: "started", Value: bson.NewDateTimeFromTime(c.started)},
		{Key: "deadline", Value: bson.NewDateTimeFromTime(c.deadline)},
		{Key: "extended", Value: c.extended},
		{Key: "version", Value: c.version},
	}
	if len(c.grants) > 0 {
		d = append(d, bson.E{Key: "grants", Value: c.grants})
	}
	return d
}

func decodeClock(raw bson.Raw) (c clock, err error) {
	err = eachField(raw, func(key string, v bson.RawValue) (ok bool) {
		switch key {
		case "event":
			c.event, ok = v.StringValueOK()
		case "holder":
			ok = holderOf(v, &c.holder)
		case "started":
			ok = timeOf(v, &c.started)
		case "deadline":
			ok = timeOf(v, &c.deadline)
		case "extended":
			c.extended, ok = v.BooleanOK()
		case "grants":
			ok = v.Unmarshal(&c.grants) == nil
		case "version":
			c.version, ok = v.AsInt64OK()
		default:
			ok = true
		}
		return ok
	})
	return c, err
}
