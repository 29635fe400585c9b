package mongostore

import (
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/seatlock/seatlock/store"
)

// seatDocument is a document of seats: the seat, its rank in the plan's order,
// and what its last change took from whom, and why.
type seatDocument struct {
	event   string
	place   int64
	seat    store.Seat
	before  store.Holder
	reason  store.Reason
	unknown unknownFields
}

// seatID is the _id of a seat. Events have no slash in their ids.
func seatID(event, seat string) string { return event + "/" + seat }

// document leaves out what is empty, so that partial indexes do too.
func (s seatDocument) document() bson.D {
	d := bson.D{
		{Key: "_id", Value: seatID(s.event, s.seat.ID)},
		{Key: "event", Value: s.event},
		{Key: "seat", Value: s.seat.ID},
		{Key: "place", Value: s.place},
		{Key: "status", Value: s.seat.Status.String()},
	}
	d = appendText(d, "lockedBy", string(s.seat.LockedBy))
	d = appendTime(d, "lockTime", s.seat.LockTime)
	d = appendTime(d, "lockedUntil", s.seat.LockedUntil)
	if s.seat.Extended {
		d = appendTime(d, "extendedUntil", s.seat.LockedUntil)
	}
	d = appendText(d, "booking", s.seat.Booking)
	d = append(d, bson.E{Key: "version", Value: s.seat.Version})
	d = appendText(d, "before", string(s.before))
	d = appendText(d, "reason", string(s.reason))
	return append(d, s.unknown...)
}

// seatName names a seat, and a clock in its place without its holder, who is in
// no error and no log.
func seatName(id string) string {
	if strings.Contains(id, "/@") {
		return clockName(id)
	}
	return "seat " + id
}

// after is the document as the change will have it.
func (s seatDocument) after(c store.Change) seatDocument {
	s.seat, s.before, s.reason = c.Seat, c.Before, c.Reason
	return s
}

// change is the last change, as the feed tells it.
func (s seatDocument) change() store.Change {
	return store.Change{Event: s.event, Seat: s.seat, Before: s.before, Reason: s.reason}
}

// at finds the seat only if it has the version, and its place: seats that are
// added may move it.
func (s seatDocument) at(version int64) bson.D {
	return bson.D{{Key: "_id", Value: seatID(s.event, s.seat.ID)}, {Key: "event", Value: s.event},
		{Key: "version", Value: version}, {Key: "place", Value: s.place}}
}

// decodeSeat takes the fields one by one: it is called for each seat of a hall.
func decodeSeat(raw bson.Raw) (s seatDocument, err error) {
	lapsed := false // so format 2 has it, in place of a reason
	var extendedUntil time.Time
	err = eachField(raw, seatName, func(key string, v bson.RawValue) (ok bool) {
		switch key {
		case "event":
			s.event, ok = v.StringValueOK()
		case "seat":
			s.seat.ID, ok = v.StringValueOK()
		case "place":
			s.place, ok = v.AsInt64OK()
		case "status":
			var text string
			text, ok = v.StringValueOK()
			s.seat.Status = store.ParseStatus(text)
		case "lockedBy":
			ok = holderOf(v, &s.seat.LockedBy)
		case "lockTime":
			ok = timeOf(v, &s.seat.LockTime)
		case "lockedUntil":
			ok = timeOf(v, &s.seat.LockedUntil)
		case "extendedUntil":
			ok = timeOf(v, &extendedUntil)
		case "booking":
			s.seat.Booking, ok = v.StringValueOK()
		case "version":
			s.seat.Version, ok = v.AsInt64OK()
		case "before":
			ok = holderOf(v, &s.before)
		case "reason":
			var text string
			text, ok = v.StringValueOK()
			s.reason = store.ParseReason(text)
		case "lapsed":
			lapsed, ok = v.BooleanOK()
		default:
			s.unknown.keep(key, v)
			ok = true
		}
		return ok
	})
	// A program that does not know the field keeps that of an earlier lock.
	s.seat.Extended = !extendedUntil.IsZero() && extendedUntil.Equal(s.seat.LockedUntil)
	if lapsed && s.reason == store.ReasonChanged {
		s.reason = store.ReasonLapsed
	}
	if err == nil && (s.event == "" || s.seat.ID == "" || s.seat.Version == 0) {
		err = fmt.Errorf("%w: a seat without event, id or version", errDamaged)
	}
	return s, err
}

func seatsOf(documents []seatDocument) []store.Seat {
	seats := make([]store.Seat, len(documents))
	for i, s := range documents {
		seats[i] = s.seat
	}
	return seats
}
