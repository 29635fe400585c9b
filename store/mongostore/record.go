package mongostore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/seatlock/seatlock/store"
)

// recordDocument is a document of records, expired or not. Version 0 is no
// document, or a mark of one: see [writes.touchRecord].
type recordDocument struct {
	record  store.Record
	newer   map[string]string // values of indexes that only a newer program declares
	unknown unknownFields
}

// recordID is the _id of a record. Kinds have no slash in their names.
func recordID(key store.Key) string { return key.Kind + "/" + key.ID }

// recordName names a record without its id, which may be a secret.
func recordName(id string) string {
	kind, _, _ := strings.Cut(id, "/")
	return "a record of kind " + kind
}

// document has the body as text: so it is readable, and no number in it
// becomes another.
func (r recordDocument) document() bson.D {
	d := bson.D{
		{Key: "_id", Value: recordID(r.record.Key)},
		{Key: "kind", Value: r.record.Kind},
		{Key: "id", Value: r.record.ID},
		{Key: "version", Value: r.record.Version},
	}
	d = appendTime(d, "expires", r.record.Expires)
	d = append(d, bson.E{Key: "body", Value: string(r.record.Body)})
	by := bson.D{}
	for _, values := range []map[string]string{r.record.Index, r.newer} {
		for _, name := range slices.Sorted(maps.Keys(values)) {
			by = append(by, bson.E{Key: name, Value: values[name]})
		}
	}
	if len(by) > 0 {
		d = append(d, bson.E{Key: "by", Value: by})
	}
	return append(d, r.unknown...)
}

// at finds the record only if it has the version.
func (r recordDocument) at(version int64) bson.D {
	return bson.D{{Key: "_id", Value: recordID(r.record.Key)}, {Key: "version", Value: version}}
}

func decodeRecord(raw bson.Raw, kinds []store.Kind) (r recordDocument, err error) {
	err = eachField(raw, recordName, func(key string, v bson.RawValue) (ok bool) {
		switch key {
		case "kind":
			r.record.Kind, ok = v.StringValueOK()
		case "id":
			r.record.ID, ok = v.StringValueOK()
		case "version":
			r.record.Version, ok = v.AsInt64OK()
		case "expires":
			ok = timeOf(v, &r.record.Expires)
		case "body":
			var text string
			text, ok = v.StringValueOK()
			r.record.Body = json.RawMessage(text)
		case "by":
			ok = v.Unmarshal(&r.record.Index) == nil
		default:
			r.unknown.keep(key, v)
			ok = true
		}
		return ok
	})
	if err == nil && (r.record.Kind == "" || r.record.ID == "") {
		err = fmt.Errorf("%w: a record without kind or id", errDamaged)
	}
	for name, value := range r.record.Index {
		if store.Declared(kinds, r.record.Kind, name) {
			continue
		}
		if r.newer == nil {
			r.newer = map[string]string{}
		}
		r.newer[name] = value
		delete(r.record.Index, name)
	}
	return r, err
}

// Record implements [store.Engine].
func (e *Engine) Record(ctx context.Context, key store.Key) (record store.Record, err error) {
	if err := store.CheckKeys(e.kinds, key); err != nil {
		return store.Record{}, err
	}
	err = e.read(ctx, func(ctx context.Context, _ *opened) error {
		record = store.Record{Key: key}
		raw, err := e.db.Collection(recordsColl).FindOne(ctx, byID(recordID(key)), options.FindOne().SetProjection(whole())).Raw()
		if errors.Is(err, mongo.ErrNoDocuments) {
			return nil
		}
		if err != nil {
			return err
		}
		document, now, err := split(raw)
		if err != nil {
			return err
		}
		found, err := decodeRecord(document, e.kinds)
		if found.record.LiveAt(now) {
			record = found.record
		}
		return err
	})
	return record, err
}

// Records implements [store.Engine].
func (e *Engine) Records(ctx context.Context, s store.Scan) (page []store.Record, err error) {
	if err := s.Check(e.kinds); err != nil {
		return nil, err
	}
	filter, order := scanned(s)
	err = e.read(ctx, func(ctx context.Context, _ *opened) error {
		page = nil
		cursor, err := e.db.Collection(recordsColl).Find(ctx, filter, options.Find().SetSort(order).SetLimit(int64(s.Limit)))
		if err != nil {
			return err
		}
		defer cleanUp(func(ctx context.Context) { _ = cursor.Close(ctx) }) // the servers forget it anyhow
		for cursor.Next(ctx) {
			r, err := decodeRecord(cursor.Current, e.kinds)
			if err != nil {
				return err
			}
			page = append(page, r.record)
		}
		return cursor.Err()
	})
	return page, err
}

// scanned finds the records of a page that are there, in its order. Texts are
// compared by their bytes.
func scanned(s store.Scan) (filter, order bson.D) {
	field, prefix := "_id", s.Kind+"/"
	if s.Index != "" {
		field, prefix = "by."+s.Index, ""
	}
	bounds := bson.D{{Key: "$gte", Value: prefix + s.From}}
	switch {
	case s.To != "":
		bounds = append(bounds, bson.E{Key: "$lt", Value: prefix + s.To})
	case prefix != "":
		bounds = append(bounds, bson.E{Key: "$lt", Value: s.Kind + "0"}) // which comes after the slash
	}
	filter = bson.D{
		{Key: "kind", Value: s.Kind}, {Key: field, Value: bounds}, {Key: "version", Value: bson.D{{Key: "$gt", Value: 0}}},
		{Key: "$or", Value: bson.A{missing("expires"),
			bson.D{{Key: "$expr", Value: bson.D{{Key: "$gt", Value: bson.A{"$expires", "$$NOW"}}}}}}},
	}
	if s.After.ID != "" {
		last := prefix + s.Value(s.After)
		after := bson.D{{Key: field, Value: bson.D{{Key: "$gt", Value: last}}}}
		same := bson.D{{Key: field, Value: last}, {Key: "_id", Value: bson.D{{Key: "$gt", Value: recordID(store.Key{Kind: s.Kind, ID: s.After.ID})}}}}
		filter = append(filter, bson.E{Key: "$and", Value: bson.A{
			bson.D{{Key: field, Value: bson.D{{Key: "$gte", Value: last}}}}, // where the index is read from
			bson.D{{Key: "$or", Value: bson.A{after, same}}},
		}})
	}
	if s.Index == "" {
		return filter, bson.D{{Key: "_id", Value: 1}}
	}
	return filter, bson.D{{Key: field, Value: 1}, {Key: "_id", Value: 1}}
}
