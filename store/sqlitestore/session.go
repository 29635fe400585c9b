package sqlitestore

import (
	"context"
	"time"

	"zombiezen.com/go/sqlite"
)

// FindCtx implements [store.Store].
func (s *Store) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	err = s.read(ctx, "find session", func(v view) error {
		return v.each(`SELECT data FROM sessions WHERE token = ?1 AND expires > ?2`, func(stmt *sqlite.Stmt) error {
			found = true
			data = make([]byte, stmt.ColumnLen(0))
			stmt.ColumnBytes(0, data)
			return nil
		}, token, v.now)
	})
	return data, found, err
}

// CommitCtx implements [store.Store].
func (s *Store) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	return s.do(ctx, "commit session", func(t *tx) error {
		_, err := t.exec(`INSERT INTO sessions (token, data, expires) VALUES (?1, ?2, ?3)
			ON CONFLICT DO UPDATE SET data = ?2, expires = ?3`, token, data, expiry.UnixMilli())
		return err
	})
}

// DeleteCtx implements [store.Store].
func (s *Store) DeleteCtx(ctx context.Context, token string) error {
	return s.do(ctx, "delete session", func(t *tx) error {
		_, err := t.exec(`DELETE FROM sessions WHERE token = ?1`, token)
		return err
	})
}
