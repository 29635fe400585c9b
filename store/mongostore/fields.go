package mongostore

import (
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/seatlock/seatlock/store"
)

// touchedField marks a document that a transaction relied on and did not
// change. The next change takes the mark off.
const touchedField = "touched"

// unknownFields are those of a document that this program does not know. They
// are written back with it.
type unknownFields bson.D

// keep adds a field, if it is none that goes with the next change. The bytes
// are copied: those of a cursor are gone with its next document.
func (u *unknownFields) keep(key string, v bson.RawValue) {
	if key == "_id" || key == touchedField {
		return
	}
	v.Value = slices.Clone(v.Value)
	*u = append(*u, bson.E{Key: key, Value: v})
}

// whole selects all of a document, and the servers' time beside it.
func whole() bson.D {
	return bson.D{{Key: "now", Value: "$$NOW"}, {Key: "doc", Value: "$$ROOT"}}
}

// split takes apart what whole has selected.
func split(raw bson.Raw) (document bson.Raw, now time.Time, err error) {
	document, ok := raw.Lookup("doc").DocumentOK()
	if !ok {
		return nil, now, fmt.Errorf("%w: it cannot be read", errDamaged)
	}
	return document, optionalTime(raw, "now"), nil
}

// onlyNow selects the servers' time.
func onlyNow() bson.D { return bson.D{{Key: "now", Value: "$$NOW"}} }

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

// eachField calls field for each field of a document, until one is malformed.
// name is what the document with this _id is called in an error.
func eachField(raw bson.Raw, name func(id string) string, field func(string, bson.RawValue) (ok bool)) error {
	elements, err := raw.Elements()
	if err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	for _, e := range elements {
		if key := e.Key(); !field(key, e.Value()) {
			id, _ := raw.Lookup("_id").StringValueOK()
			return fmt.Errorf("%w: %s has a malformed %s", errDamaged, name(id), key)
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

func in[T any](values []T) bson.D {
	if values == nil {
		values = []T{}
	}
	return bson.D{{Key: "$in", Value: values}}
}

func match(filter bson.D) bson.D { return bson.D{{Key: "$match", Value: filter}} }
