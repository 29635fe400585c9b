package handlers

import (
	"context"
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
	Record(ctx context.Context, key store.Key) (store.Record, error)
	ChangeRecord(ctx context.Context, key store.Key, change func(old store.Record) (next store.Record, deleted bool, err error)) error
}

func sessionKey(hash string) store.Key { return store.Key{Kind: store.Session, ID: hash} }

// FindCtx implements scs.CtxStore. A row is over by the store's clock, which
// has no record of it then, or by ours, to which the deadline in it belongs.
func (s sessionRows) FindCtx(ctx context.Context, hash string) ([]byte, bool, error) {
	row, err := s.Record(ctx, sessionKey(hash))
	if err != nil {
		return nil, false, err
	}
	if len(row.Body) > 0 {
		deadline, _, err := jsonCodec{}.Decode(row.Body)
		if err != nil {
			return nil, false, err
		}
		if time.Now().Before(deadline) {
			return row.Body, true, nil
		}
	}
	empty, err := jsonCodec{}.Encode(time.Now().Add(sessionLife).UTC(), nil)
	return empty, true, err
}

// CommitCtx implements scs.CtxStore. What a newer program keeps in the row
// stays there.
func (s sessionRows) CommitCtx(ctx context.Context, hash string, data []byte, expiry time.Time) error {
	return s.ChangeRecord(ctx, sessionKey(hash), func(row store.Record) (store.Record, bool, error) {
		body, err := store.KeepUnknown(row.Body, data, sessionFields...)
		if err != nil {
			return store.Record{}, false, fmt.Errorf("session row: %w", err)
		}
		row.Body, row.Expires = body, expiry
		return row, false, nil
	})
}

// DeleteCtx implements scs.CtxStore.
func (s sessionRows) DeleteCtx(ctx context.Context, hash string) error {
	return s.ChangeRecord(ctx, sessionKey(hash), func(store.Record) (store.Record, bool, error) {
		return store.Record{}, true, nil
	})
}

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
}

// sessionFields are those of sessionJSON.
var sessionFields = []string{"deadline", "values"}

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
	var in sessionJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return time.Time{}, nil, fmt.Errorf("session row: %w", err)
	}
	values := make(map[string]any, len(in.Values))
	for key, text := range in.Values {
		values[key] = text
	}
	return in.Deadline, values, nil
}
