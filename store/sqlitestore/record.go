package sqlitestore

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/seatlock/seatlock/store"
)

// Record implements [store.Engine].
func (e *Engine) Record(ctx context.Context, key store.Key) (record store.Record, err error) {
	if err := store.CheckKeys(e.kinds, key); err != nil {
		return store.Record{}, err
	}
	err = e.read(ctx, func(r reader) error {
		record, err = r.record(key, e.kinds)
		return err
	})
	return record, err
}

// Records implements [store.Engine].
func (e *Engine) Records(ctx context.Context, s store.Scan) (page []store.Record, err error) {
	if err := s.Check(e.kinds); err != nil {
		return nil, err
	}
	query := `SELECT ` + recordColumns + ` FROM record_index AS i JOIN records AS r USING (kind, id)
		WHERE i.kind = ?1 AND i.name = ?2 AND i.value >= ?3 AND (?4 = '' OR i.value < ?4) AND (i.value, i.id) > (?5, ?6)
			AND (r.expires IS NULL OR r.expires > ?7) ORDER BY i.value, i.id LIMIT ?8`
	if s.Index == "" {
		query = `SELECT ` + recordColumns + ` FROM records AS r
			WHERE r.kind = ?1 AND ?2 = '' AND r.id >= ?3 AND (?4 = '' OR r.id < ?4) AND r.id > ?5 AND ?5 = ?6
				AND (r.expires IS NULL OR r.expires > ?7) ORDER BY r.id LIMIT ?8`
	}
	err = e.read(ctx, func(r reader) error {
		return r.each(query, func(stmt *sqlite.Stmt) error {
			record, err := scanRecord(stmt)
			record.Index = declared(e.kinds, record)
			page = append(page, record)
			return err
		}, s.Kind, s.Index, s.From, s.To, s.Value(s.After), s.After.ID, r.now, s.Limit)
	})
	return page, err
}

// declared are the values of the indexes that the kind declares. What a newer
// program lists the record by is kept, and nobody's business here.
func declared(kinds []store.Kind, r store.Record) map[string]string {
	values := maps.Clone(r.Index)
	maps.DeleteFunc(values, func(name, _ string) bool { return !store.Declared(kinds, r.Kind, name) })
	return values
}

const recordColumns = `r.kind, r.id, r.version, r.expires, r.body, r.indexed`

func scanRecord(stmt *sqlite.Stmt) (store.Record, error) {
	r := store.Record{
		Key:     store.Key{Kind: stmt.ColumnText(0), ID: stmt.ColumnText(1)},
		Version: stmt.ColumnInt64(2), Expires: columnTime(stmt, 3), Body: json.RawMessage(stmt.ColumnText(4)),
	}
	if stmt.ColumnLen(5) > 0 {
		if err := json.Unmarshal([]byte(stmt.ColumnText(5)), &r.Index); err != nil {
			return r, fmt.Errorf("%w: index values of a record: %w", errDamaged, err)
		}
	}
	return r, nil
}

// stored reads a record, expired or not; Version 0 is none.
func (r reader) stored(key store.Key) (record store.Record, err error) {
	record.Key = key
	err = r.each(`SELECT `+recordColumns+` FROM records AS r WHERE r.kind = ?1 AND r.id = ?2`, func(stmt *sqlite.Stmt) error {
		record, err = scanRecord(stmt)
		return err
	}, key.Kind, key.ID)
	return record, err
}

// record reads a record that is there; Version 0 is none.
func (r reader) record(key store.Key, kinds []store.Kind) (store.Record, error) {
	record, err := r.stored(key)
	return r.seen(record, kinds), err
}

// seen is a stored record as others may see it.
func (r reader) seen(record store.Record, kinds []store.Kind) store.Record {
	if !record.LiveAt(r.now) {
		record = store.Record{Key: record.Key}
	}
	record.Index = declared(kinds, record)
	return record
}

// putRecord writes a record over what is stored, which is what the rule has seen.
func (t *tx) putRecord(old, next store.Record) error {
	indexed, values := "", maps.Clone(next.Index)
	for name, value := range old.Index {
		if old.LiveAt(t.now) && !store.Declared(t.kinds, next.Kind, name) {
			values = with(values, name, value)
		}
	}
	if len(values) > 0 {
		body, err := json.Marshal(values)
		if err != nil {
			return err
		}
		indexed = string(body)
	}
	_, err := t.exec(`INSERT INTO records (kind, id, version, expires, body, indexed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
		ON CONFLICT DO UPDATE SET version = ?3, expires = ?4, body = ?5, indexed = ?6`,
		next.Kind, next.ID, old.Version+1, next.Expires, string(next.Body), indexed)
	if err != nil {
		return err
	}
	return t.reindex(old, values)
}

func with(values map[string]string, name, value string) map[string]string {
	if values == nil {
		values = map[string]string{}
	}
	values[name] = value
	return values
}

// deleteRecord removes a record, if it is there.
func (t *tx) deleteRecord(key store.Key) error {
	old, err := t.stored(key)
	if err != nil {
		return err
	}
	if _, err := t.exec(`DELETE FROM records WHERE kind = ?1 AND id = ?2`, key.Kind, key.ID); err != nil {
		return err
	}
	return t.reindex(old, nil)
}

// reindex has a record stand in its indexes by the values, and no others.
func (t *tx) reindex(old store.Record, values map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(old.Index)) {
		if old.Index[name] == values[name] {
			continue
		}
		_, err := t.exec(`DELETE FROM record_index WHERE kind = ?1 AND name = ?2 AND value = ?3 AND id = ?4`,
			old.Kind, name, old.Index[name], old.ID)
		if err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if old.Index[name] == values[name] {
			continue
		}
		_, err := t.exec(`INSERT INTO record_index (kind, name, value, id) VALUES (?1, ?2, ?3, ?4)`,
			old.Kind, name, values[name], old.ID)
		if err != nil {
			return err
		}
	}
	return nil
}
