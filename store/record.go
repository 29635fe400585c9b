package store

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"
	"unicode/utf8"
)

// Kind declares a kind of record, and the indexes by which records of it can
// be listed.
type Kind struct {
	Name    string
	Indexes []string
}

// The names of the kinds of record.
const (
	Session = "session" // of a visitor; see package handlers
	Upgrade = "upgrade" // a conversion of older data that was done once

	BookingRecord = "booking" // [Booking], by its code
	AttemptRecord = "attempt" // [Attempt]
	RefundRecord  = "refund"  // [Refund]
	PersonRecord  = "person"  // [Person], by the booking's code
	RequestRecord = "request" // the form that a booking was begun with
	DemoRecord    = "demo"    // the ledger of the demo provider; see package checkout
)

// Forgotten is the index of the tombstones of sessions: the time at which a
// visitor was forgotten, as text in the order of time.
const Forgotten = "forgotten"

// Kinds returns all kinds of record. Another kind or index only adds to what an
// older program finds, and so needs no new format.
func Kinds() []Kind {
	return []Kind{
		{Name: Session, Indexes: []string{Forgotten}}, {Name: Upgrade},
		{Name: BookingRecord, Indexes: []string{ofEvent, due}}, {Name: AttemptRecord, Indexes: []string{due}},
		{Name: RefundRecord, Indexes: []string{due}}, {Name: PersonRecord, Indexes: []string{ofEvent, ofEmail}}, {Name: RequestRecord}, {Name: DemoRecord},
	}
}

// Limits on a record.
const (
	MaxRecordID   = 200     // bytes
	MaxRecordBody = 1 << 20 // bytes
	MaxPage       = 1000    // records of one page
)

// Key names a record. It is the only unique key.
type Key struct{ Kind, ID string }

// Record is a JSON object that is not a seat: a session, a booking and so on.
type Record struct {
	Key
	// Body is a JSON object, kept byte for byte.
	Body json.RawMessage
	// Expires is when the record stops existing for readers, removed or not;
	// zero is never.
	Expires time.Time
	// Index has the values by which the record is listed, by the names of its
	// kind's indexes. Without a value it is not in that index.
	Index map[string]string
	// Version grows by one with every write; 0 is no record. A record that is
	// created again after its end or deletion may start with any version.
	Version int64
}

// LiveAt reports whether the record exists at now.
func (r Record) LiveAt(now time.Time) bool {
	return r.Version > 0 && (r.Expires.IsZero() || now.Before(r.Expires))
}

// Scan asks for a page of records: those of a kind in the order of an index's
// values, and of equal values in that of their ids, both by their bytes.
type Scan struct {
	Kind string
	// Index names the index; "" is the ids themselves.
	Index string
	// From and To bound the values, To excluded; "" is no bound.
	From, To string
	// After is the last record of the previous page, or zero.
	After Record
	Limit int // 1 to MaxPage
}

// Value returns the value by which the scan's index has a record.
func (s Scan) Value(r Record) string {
	if s.Index == "" {
		return r.ID
	}
	return r.Index[s.Index]
}

// Record returns the record with this key; Version 0 if there is none.
func (s *Store) Record(ctx context.Context, key Key) (Record, error) {
	if err := key.validate(); err != nil {
		return Record{}, fmt.Errorf("record: %w", err)
	}
	r, err := s.engine.Record(ctx, key)
	if err != nil {
		return Record{}, fmt.Errorf("record of kind %s: %w", key.Kind, err)
	}
	return r, nil
}

// Records returns a page of records. A page that is shorter than Limit is the
// last. Records that change between two pages may come twice or not at all.
// An index that the kind does not declare is ErrInvalid.
func (s *Store) Records(ctx context.Context, scan Scan) ([]Record, error) {
	what := "records of kind " + scan.Kind
	if scan.Limit < 1 || scan.Limit > MaxPage {
		return nil, fmt.Errorf("%s: %w: %d records: want 1 to %d", what, ErrInvalid, scan.Limit, MaxPage)
	}
	page, err := s.engine.Records(ctx, scan)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return page, nil
}

// pages yields all records of a scan, read page by page. An error is the last.
func (s *Store) pages(ctx context.Context, scan Scan) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for {
			page, err := s.Records(ctx, scan)
			if err != nil {
				yield(Record{}, err)
				return
			}
			for _, r := range page {
				if scan.After = r; !yield(r, nil) {
					return
				}
			}
			if len(page) < scan.Limit {
				return
			}
		}
	}
}

// ChangeRecord replaces the record with this key by the result of change, or
// deletes it if change says so. change is pure, may be called more than once,
// gets Version 0 if there is no record, and need not set Key and Version. If it
// returns an error, that is returned, and nothing is changed.
//
// Concurrent: each change sees what those before it wrote. Expired: a record
// past its end does not exist. Repeat: change must recognize it by the record.
func (s *Store) ChangeRecord(ctx context.Context, key Key, change func(old Record) (next Record, deleted bool, err error)) error {
	what := "change record of kind " + key.Kind
	if err := key.validate(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	d, _, err := s.engine.Decide(ctx, Question{Records: []Key{key}}, func(v View) Decision {
		old := v.Records[0]
		next, deleted, err := change(old)
		next.Key, next.Version = key, old.Version
		switch {
		case err != nil:
			return Refuse(Outcome{}, err)
		case deleted && old.Version == 0:
			return Accept(v, Outcome{}, Writes{})
		case deleted:
			return Accept(v, Outcome{}, Writes{Deleted: []Key{key}})
		}
		if err := next.Validate(); err != nil {
			return Refuse(Outcome{}, err)
		}
		return Accept(v, Outcome{}, Writes{Records: []Record{next}})
	})
	if err == nil {
		err = d.Refusal()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func (k Key) validate() error {
	if k.Kind == "" || k.ID == "" || len(k.ID) > MaxRecordID || !utf8.ValidString(k.ID) || !printable(k.ID) {
		return fmt.Errorf("%w: key of a record: want 1 to %d bytes of printable text", ErrInvalid, MaxRecordID)
	}
	return nil
}

// Validate reports what makes a record unfit to be kept, wrapping ErrInvalid.
func (r Record) Validate() error {
	if err := r.Key.validate(); err != nil {
		return err
	}
	var object map[string]json.RawMessage
	switch {
	case len(r.Body) > MaxRecordBody:
		return fmt.Errorf("%w: a record of %d bytes: want at most %d", ErrInvalid, len(r.Body), MaxRecordBody)
	case !utf8.Valid(r.Body), json.Unmarshal(r.Body, &object) != nil, object == nil:
		return fmt.Errorf("%w: the body of a record: want a JSON object", ErrInvalid)
	}
	for _, value := range r.Index {
		if len(value) == 0 || len(value) > MaxRecordID || !utf8.ValidString(value) || !printable(value) {
			return fmt.Errorf("%w: index value of a record: want 1 to %d bytes of printable text", ErrInvalid, MaxRecordID)
		}
	}
	return nil
}

// KeepUnknown returns the object next with the unknown fields of old added:
// those that are neither in known nor in next.
func KeepUnknown(old, next json.RawMessage, known ...string) (json.RawMessage, error) {
	var before, after map[string]json.RawMessage
	if len(old) == 0 {
		return next, nil
	}
	if err := json.Unmarshal(old, &before); err != nil {
		return nil, fmt.Errorf("old body of a record: %w", err)
	}
	if err := json.Unmarshal(next, &after); err != nil || after == nil {
		return nil, fmt.Errorf("%w: new body of a record: want a JSON object", ErrInvalid)
	}
	kept := false
	for name, value := range before {
		if _, there := after[name]; !there && !slices.Contains(known, name) {
			after[name] = value
			kept = true
		}
	}
	if !kept {
		return next, nil
	}
	return json.Marshal(after)
}

// Declared reports whether there is a kind of this name with these indexes; ""
// is the index of the ids, which all kinds have.
func Declared(kinds []Kind, name string, indexes ...string) bool {
	i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return false
	}
	for _, index := range indexes {
		if index != "" && !slices.Contains(kinds[i].Indexes, index) {
			return false
		}
	}
	return true
}

// CheckKeys refuses keys of undeclared kinds, wrapping ErrInvalid.
func CheckKeys(kinds []Kind, keys ...Key) error {
	for _, key := range keys {
		if !Declared(kinds, key.Kind) {
			return fmt.Errorf("%w: no records of kind %q", ErrInvalid, key.Kind)
		}
	}
	return nil
}

// CheckIndexes refuses records with an index that their kind does not declare,
// wrapping ErrInvalid.
func CheckIndexes(kinds []Kind, records []Record) error {
	for _, r := range records {
		if !Declared(kinds, r.Kind, slices.Collect(maps.Keys(r.Index))...) {
			return fmt.Errorf("%w: index values of kind %q", ErrInvalid, r.Kind)
		}
	}
	return nil
}

// Check refuses a scan by an index that its kind does not declare, wrapping
// ErrInvalid.
func (s Scan) Check(kinds []Kind) error {
	if !Declared(kinds, s.Kind, s.Index) {
		return fmt.Errorf("%w: no index %q of kind %q", ErrInvalid, s.Index, s.Kind)
	}
	return nil
}
