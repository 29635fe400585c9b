package handlers

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seatlock/seatlock/store"
)

// sessionRows is scs's view of the records of kind [store.Session]. Their ids
// are scs's hashes of tokens, so that a reader of the database cannot
// impersonate anybody; [jsonCodec] writes their bodies.
//
// Only tokens that we signed get here, and one without a row is an empty
// session rather than none.
type sessionRows struct{ records }

// records is what sessionRows needs of a store.
type records interface {
	Now(ctx context.Context) (time.Time, error)
	Record(ctx context.Context, key store.Key) (store.Record, error)
	ChangeRecord(ctx context.Context, key store.Key, change func(old store.Record) (next store.Record, deleted bool, err error)) error
}

func sessionKey(hash string) store.Key { return store.Key{Kind: store.Session, ID: hash} }

// forgottenBriefly is how long the tombstone of a visitor who never had a seat
// stays: longer than any request that could still be granted one.
const forgottenBriefly = 10 * time.Minute

// forgottenError: the session was forgotten, and its token is invalid. It has
// the former holder, or "" if there is nothing to give back.
type forgottenError struct{ holder store.Holder }

func (forgottenError) Error() string { return "the session was forgotten" }

// FindCtx implements scs.CtxStore. A row ends by the store's clock, when the
// record is gone, or by ours, for the deadline in it. For a tombstone it
// returns a forgottenError.
func (s sessionRows) FindCtx(ctx context.Context, hash string) ([]byte, bool, error) {
	row, err := s.Record(ctx, sessionKey(hash))
	if err != nil {
		return nil, false, err
	}
	if len(row.Body) > 0 {
		in, err := decodeSession(row.Body)
		if err != nil {
			return nil, false, err
		}
		if time.Now().Before(in.Deadline) {
			return row.Body, true, nil
		}
	}
	empty, err := jsonCodec{}.Encode(time.Now().Add(sessionLife).UTC(), nil)
	return empty, true, err
}

// check returns a forgottenError if the row is a tombstone.
func (s sessionRows) check(ctx context.Context, hash string) error {
	_, _, err := s.FindCtx(ctx, hash)
	return err
}

// CommitCtx implements scs.CtxStore. It keeps unknown fields of a newer
// program, and what another request of the session has written since this one
// began. A tombstone stays as it is, and is a forgottenError.
func (s sessionRows) CommitCtx(ctx context.Context, hash string, data []byte, expiry time.Time) error {
	return s.ChangeRecord(ctx, sessionKey(hash), func(row store.Record) (store.Record, bool, error) {
		next := data
		if len(row.Body) > 0 {
			old, err := decodeSession(row.Body)
			if err != nil {
				return store.Record{}, false, err
			}
			if next, err = old.merge(data); err != nil {
				return store.Record{}, false, err
			}
		}
		body, err := store.KeepUnknown(row.Body, next, sessionFields...)
		if err != nil {
			return store.Record{}, false, fmt.Errorf("session row: %w", err)
		}
		row.Body, row.Expires = body, expiry
		return row, false, nil
	})
}

// DeleteCtx implements scs.CtxStore. The row of a token that was renewed or
// ended becomes a tombstone, too: without a row the token would yield a holder
// again.
func (s sessionRows) DeleteCtx(ctx context.Context, hash string) error {
	err := s.forget(ctx, hash, "")
	if _, already := errors.AsType[forgottenError](err); already {
		return nil
	}
	return err
}

// forget replaces the row, if there is one, with a tombstone. It stays as long
// as the token could be valid. It keeps the holder, so that a repeat can give
// back the seats. A tombstone stays as it is, and is a forgottenError.
//
// To a program that does not know tombstones it is the session of an unknown
// visitor.
func (s sessionRows) forget(ctx context.Context, hash string, holder store.Holder) error {
	now, err := s.Now(ctx)
	if err != nil {
		return err
	}
	return s.ChangeRecord(ctx, sessionKey(hash), func(old store.Record) (store.Record, bool, error) {
		if len(old.Body) > 0 {
			_, err := decodeSession(old.Body)
			if end, already := errors.AsType[forgottenError](err); already {
				return store.Record{}, false, end
			}
		}
		body, err := json.Marshal(sessionJSON{
			Deadline:  time.Now().Add(sessionLife).UTC(),
			Values:    map[string]string{holderKey: rand.Text()},
			Forgotten: &forgottenJSON{Holder: string(holder), Empty: len(old.Body) == 0},
		})
		if err != nil {
			return store.Record{}, false, err
		}
		return store.Record{
			Body: body, Expires: now.Add(sessionLife), Index: map[string]string{store.Forgotten: stampOf(now)},
		}, false, nil
	})
}

// gaveBack records in a tombstone whether the holder had seats, and whether all
// are given back: then a repeat does nothing. If the holder never had a seat,
// the tombstone then stays only briefly, since anybody can get any number of
// such cookies.
func (s sessionRows) gaveBack(ctx context.Context, hash string, had, all bool) error {
	now, err := s.Now(ctx)
	if err != nil {
		return err
	}
	err = s.ChangeRecord(ctx, sessionKey(hash), func(row store.Record) (store.Record, bool, error) {
		var in sessionJSON
		if len(row.Body) == 0 || json.Unmarshal(row.Body, &in) != nil || in.Forgotten == nil {
			return store.Record{}, false, errAsItIs // no tombstone
		}
		note := *in.Forgotten
		note.Empty, note.AllBack = note.Empty && !had, note.AllBack || all
		if note == *in.Forgotten {
			return store.Record{}, false, errAsItIs
		}
		in.Forgotten = &note
		body, err := json.Marshal(in)
		if err != nil {
			return store.Record{}, false, err
		}
		if row.Body, err = store.KeepUnknown(row.Body, body, sessionFields...); err != nil {
			return store.Record{}, false, fmt.Errorf("session row: %w", err)
		}
		row.Expires = now.Add(sessionLife)
		if note.Empty && note.AllBack {
			row.Expires = now.Add(forgottenBriefly)
		}
		return row, false, nil
	})
	if errors.Is(err, errAsItIs) {
		return nil
	}
	return err
}

// errAsItIs makes a change of a row write nothing.
var errAsItIs = errors.New("the row is as it should be")

// stampOf writes a time so that texts are in the order of the times.
func stampOf(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// scs asks for the three forms without a context, and never calls them on a
// store that has the others.

func (s sessionRows) Find(hash string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), hash)
}

func (s sessionRows) Commit(hash string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), hash, data, expiry)
}

func (s sessionRows) Delete(hash string) error { return s.DeleteCtx(context.Background(), hash) }

// jsonCodec keeps session rows readable, and costs a tenth of scs's gob.
type jsonCodec struct{}

type sessionJSON struct {
	Deadline time.Time         `json:"deadline"`
	Values   map[string]string `json:"values"`
	// Forgotten makes it a tombstone.
	Forgotten *forgottenJSON `json:"forgotten,omitempty"`
}

type forgottenJSON struct {
	Holder string `json:"holder,omitempty"`
	// Empty means that there was no row, and as far as is known no seat either.
	Empty bool `json:"empty,omitempty"`
	// AllBack means that all seats of the holder were given back.
	AllBack bool `json:"allBack,omitempty"`
}

// merge returns the session that replaces this one, with the holder of this one
// and the bookings of both. A session that is over by our clock is ignored.
func (old sessionJSON) merge(data []byte) ([]byte, error) {
	if !time.Now().Before(old.Deadline) {
		return data, nil
	}
	next, err := decodeSession(data)
	if err != nil {
		return nil, err
	}
	if holder := old.Values[holderKey]; holder != "" {
		next.Values[holderKey] = holder
	}
	codes := strings.Fields(old.Values[bookingsKey])
	for code := range strings.FieldsSeq(next.Values[bookingsKey]) {
		if !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	if len(codes) > 0 {
		next.Values[bookingsKey] = strings.Join(codes[max(0, len(codes)-maxAdded):], " ")
	}
	return json.Marshal(next)
}

// sessionFields are those of sessionJSON.
var sessionFields = []string{"deadline", "values", "forgotten"}

// decodeSession reads a row. A tombstone is a forgottenError.
func decodeSession(body []byte) (in sessionJSON, err error) {
	if err := json.Unmarshal(body, &in); err != nil {
		return in, fmt.Errorf("session row: %w", err)
	}
	switch {
	case in.Forgotten == nil:
		return in, nil
	case in.Forgotten.AllBack:
		return in, forgottenError{}
	default:
		return in, forgottenError{store.Holder(in.Forgotten.Holder)}
	}
}

func (jsonCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	out := sessionJSON{Deadline: deadline, Values: make(map[string]string, len(values))}
	for key, value := range values {
		text, ok := value.(string)
		if !ok {
			return nil, fmt.Errorf("session value %s is a %T: want a string", key, value)
		}
		out.Values[key] = text
	}
	return json.Marshal(out)
}

func (jsonCodec) Decode(data []byte) (time.Time, map[string]any, error) {
	in, err := decodeSession(data)
	if err != nil {
		return time.Time{}, nil, err
	}
	values := make(map[string]any, len(in.Values))
	for key, text := range in.Values {
		values[key] = text
	}
	return in.Deadline, values, nil
}
