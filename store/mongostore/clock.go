package mongostore

import (
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/seatlock/seatlock/store"
)

// clockDocument is a document of seats that is none: the clock of one holder
// for one event. Every write for a holder counts its version up, so that those
// writes queue up. Version 0 is no document.
type clockDocument struct {
	event   string
	holder  store.Holder
	clock   store.Clock
	unknown unknownFields
}

// clockID is the _id of a holder's clock. Seats have no @ in their ids.
func clockID(event string, holder store.Holder) string { return event + "/@" + string(holder) }

// clockName names a clock without its holder.
func clockName(id string) string {
	event, _, _ := strings.Cut(id, "/")
	return "a clock of " + event
}

// document has the field "over" by which the servers remove it in time, unless
// seats are being paid for, or are reserved and unpaid. Programs of formats 3 and
// 4 leave the field away where they find none.
func (c clockDocument) document() bson.D {
	d := bson.D{
		{Key: "_id", Value: clockID(c.event, c.holder)},
		{Key: "event", Value: c.event},
		{Key: "holder", Value: string(c.holder)},
		{Key: "started", Value: bson.NewDateTimeFromTime(c.clock.Started)},
		{Key: "deadline", Value: bson.NewDateTimeFromTime(c.clock.Deadline)},
		{Key: "extended", Value: c.clock.Extended},
		{Key: "version", Value: c.clock.Version},
	}
	if c.clock.Unpaid > 0 {
		d = append(d, bson.E{Key: "unpaid", Value: int64(c.clock.Unpaid)})
	}
	if !c.clock.Paying && c.clock.Unpaid == 0 {
		d = appendTime(d, "over", c.clock.Deadline)
	}
	if len(c.clock.Grants) > 0 {
		d = append(d, bson.E{Key: "grants", Value: c.clock.Grants})
	}
	return append(d, c.unknown...)
}

// at finds the clock only if it has the version.
func (c clockDocument) at(version int64) bson.D {
	return bson.D{{Key: "_id", Value: clockID(c.event, c.holder)}, {Key: "event", Value: c.event}, {Key: "version", Value: version}}
}

func decodeClock(raw bson.Raw) (c clockDocument, err error) {
	c.clock.Paying = true
	err = eachField(raw, clockName, func(key string, v bson.RawValue) (ok bool) {
		switch key {
		case "event":
			c.event, ok = v.StringValueOK()
		case "holder":
			ok = holderOf(v, &c.holder)
		case "started":
			ok = timeOf(v, &c.clock.Started)
		case "deadline":
			ok = timeOf(v, &c.clock.Deadline)
		case "extended":
			c.clock.Extended, ok = v.BooleanOK()
		case "grants":
			ok = v.Unmarshal(&c.clock.Grants) == nil
		case "unpaid":
			var unpaid int64
			unpaid, ok = v.AsInt64OK()
			c.clock.Unpaid = int(unpaid)
		case "version":
			c.clock.Version, ok = v.AsInt64OK()
		case "over":
			_, ok = v.DateTimeOK()
			c.clock.Paying = false
		default:
			c.unknown.keep(key, v)
			ok = true
		}
		return ok
	})
	if c.clock.Unpaid > 0 { // which is why there is no "over"
		c.clock.Paying = false
	}
	if err == nil && (c.event == "" || c.holder == "" || c.clock.Version == 0) {
		err = fmt.Errorf("%w: a clock without event, holder or version", errDamaged)
	}
	return c, err
}
