package handlers

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seatlock/seatlock/store"
)

// sessionRows is scs's view of the records of kind [store.Session]. Their ids
// are scs's hashes of tokens, so that who reads the database can be nobody
// else; their bodies are what [jsonCodec] writes.
//
// Only tokens that we signed get here, and one that has no row yet is an empty
// session rather than none.
type sessionRows struct{ records }

// records is what sessionRows needs of a store.
type records interface {
	Now(ctx context.Context) (time.Time, error)
	Record(ctx context.Context, key store.Key) (store.Record, error)
	ChangeRecord(ctx context.Context, key store.Key, change func(old store.Record) (next store.Record, deleted bool, err error)) error
}

func sessionKey(hash string) store.Key { return store.Key{Kind: store.Session, ID: hash} }

// forgottenError: the session was forgotten, and nobody is known by its token
// any more. It has who was, or "".
type forgottenError struct{ holder store.Holder }

func (forgottenError) Error() string { return "the session was forgotten" }

// FindCtx implements scs.CtxStore. A row is over by the store's clock, which
// has no record of it then, or by ours, to which the deadline in it belongs. In
// the place of a tombstone it returns a forgottenError.
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

// CommitCtx implements scs.CtxStore. What a newer program keeps in the row
// stays there. A tombstone stays as it is, which is a forgottenError.
func (s sessionRows) CommitCtx(ctx context.Context, hash string, data []byte, expiry time.Time) error {
	return s.ChangeRecord(ctx, sessionKey(hash), func(row store.Record) (store.Record, bool, error) {
		if len(row.Body) > 0 {
			if _, err := decodeSession(row.Body); err != nil {
				return store.Record{}, false, err
			}
		}
		body, err := store.KeepUnknown(row.Body, data, sessionFields...)
		if err != nil {
			return store.Record{}, false, fmt.Errorf("session row: %w", err)
		}
		row.Body, row.Expires = body, expiry
		return row, false, nil
	})
}

// DeleteCtx implements scs.CtxStore. The row of a token that was renewed or
// ended is a tombstone too: without a row the token would tell a holder again.
func (s sessionRows) DeleteCtx(ctx context.Context, hash string) error {
	return s.forget(ctx, hash, "")
}

// forget puts a tombstone in the place of the row, whether or not there is one.
// It stays for the longest time that the token can have left. It keeps who the
// holder was, so that what is theirs can be given back by a repeat.
//
// To a program that does not know tombstones it is the session of somebody whom
// nobody knows.
func (s sessionRows) forget(ctx context.Context, hash string, holder store.Holder) error {
	now, err := s.Now(ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(sessionJSON{
		Deadline:  time.Now().Add(sessionLife).UTC(),
		Values:    map[string]string{holderKey: rand.Text()},
		Forgotten: &forgottenJSON{string(holder)},
	})
	if err != nil {
		return err
	}
	return s.ChangeRecord(ctx, sessionKey(hash), func(store.Record) (store.Record, bool, error) {
		return store.Record{
			Body: body, Expires: now.Add(sessionLife), Index: map[string]string{store.Forgotten: stampOf(now)},
		}, false, nil
	})
}

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
}

// sessionFields are those of sessionJSON.
var sessionFields = []string{"deadline", "values", "forgotten"}

// decodeSession reads a row. A tombstone is a forgottenError.
func decodeSession(body []byte) (in sessionJSON, err error) {
	if err := json.Unmarshal(body, &in); err != nil {
		return in, fmt.Errorf("session row: %w", err)
	}
	if in.Forgotten != nil {
		return in, forgottenError{store.Holder(in.Forgotten.Holder)}
	}
	return in, nil
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
