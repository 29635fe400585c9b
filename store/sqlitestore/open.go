package sqlitestore

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

//go:embed schema.sql
var schema string

const (
	applicationID = 0x5ea710c0 // marks our files for SQLite and for file(1)
	formatVersion = 1          // of schema.sql
)

// open goes from harmless to harmful: nothing is written before the file is
// known to be ours, or to be new.
func (s *Store) open(ctx context.Context, serve bool) error {
	if dir := filepath.Dir(s.path); dir != "." {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	if serve {
		unlock, err := lockFile(s.path + ".lock")
		if err != nil {
			return err
		}
		s.unlock = unlock
	}
	if err := looksLikeSQLite(s.path); err != nil {
		return err
	}
	// The file holds the key of the session cookies: for its owner's eyes.
	f, err := os.OpenFile(s.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if s.writer, err = sqlite.OpenConn(s.path, sqlite.OpenReadWrite, sqlite.OpenCreate); err != nil {
		return err
	}
	s.writer.SetBusyTimeout(5 * time.Second)
	v := view{Conn: s.writer}
	if err := v.prepareFile(ctx); err != nil {
		return err
	}
	if s.epoch, err = v.epoch(); err != nil {
		return err
	}
	if s.secret, err = v.secret(); err != nil {
		return err
	}
	s.reads, err = sqlitex.NewPool(s.path, sqlitex.PoolOptions{
		Flags:    sqlite.OpenReadOnly | sqlite.OpenWAL,
		PoolSize: readers,
	})
	return err
}

// looksLikeSQLite keeps SQLite from touching a file of another kind.
func looksLikeSQLite(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	const magic = "SQLite format 3\x00"
	head := make([]byte, len(magic))
	n, err := io.ReadFull(f, head)
	if errors.Is(err, io.EOF) {
		return nil // empty: as good as new
	}
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if string(head[:n]) != magic {
		return errNotOurs
	}
	return nil
}

func (v view) prepareFile(ctx context.Context) error {
	isNew, err := v.checkFormat()
	if err != nil {
		return err
	}
	// A read-only file opens without a complaint; this is where it shows.
	if _, err := v.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if _, err := v.exec("ROLLBACK"); err != nil {
		return err
	}
	for _, pragma := range []string{"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"} {
		if err := sqlitex.ExecuteTransient(v.Conn, pragma, nil); err != nil {
			return err
		}
	}
	if isNew {
		return v.create()
	}
	return v.checkSound(ctx)
}

// checkFormat tells a new file from ours; anything else is an error.
func (v view) checkFormat() (isNew bool, err error) {
	application, err := v.pragma("application_id")
	if err != nil {
		return false, err
	}
	version, err := v.pragma("user_version")
	if err != nil {
		return false, err
	}
	tables, err := v.number(`SELECT count(*) FROM sqlite_schema`)
	if err != nil {
		return false, err
	}
	switch {
	case application == 0 && version == 0 && tables == 0:
		return true, nil
	case application != applicationID:
		return false, errNotOurs
	case version > formatVersion:
		return false, fmt.Errorf("written by a newer Seatlock (format %d, this one knows %d): install the newer version", version, formatVersion)
	}
	return false, nil
}

// create makes the schema, unless another process came first.
func (v view) create() (err error) {
	end, err := sqlitex.ImmediateTransaction(v.Conn)
	if err != nil {
		return err
	}
	defer end(&err)
	if isNew, err := v.checkFormat(); err != nil || !isNew {
		return err
	}
	if err := sqlitex.ExecuteScript(v.Conn, schema, nil); err != nil {
		return err
	}
	secret := make([]byte, 32)
	rand.Read(secret)
	for name, value := range map[string]string{"epoch": newEpoch(), "secret": hex.EncodeToString(secret)} {
		if _, err := v.exec(`INSERT INTO meta (name, value) VALUES (?, ?)`, name, value); err != nil {
			return err
		}
	}
	if err := v.setPragma("application_id", applicationID); err != nil {
		return err
	}
	return v.setPragma("user_version", formatVersion)
}

// newEpoch is short, since it travels in every frame, and random enough that a
// store and its restored backup never share one.
func newEpoch() string {
	id := make([]byte, 8)
	rand.Read(id)
	return hex.EncodeToString(id)
}

func (v view) checkSound(ctx context.Context) error {
	v.SetInterrupt(ctx.Done())
	defer v.SetInterrupt(nil)
	verdict := ""
	err := sqlitex.ExecuteTransient(v.Conn, "PRAGMA quick_check(1)", &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error {
			verdict = stmt.ColumnText(0)
			return nil
		},
	})
	if err != nil {
		return err
	}
	if verdict != "ok" {
		return errDamaged
	}
	return nil
}

func (v view) epoch() (string, error) { return v.meta("epoch") }

func (v view) secret() ([]byte, error) {
	text, err := v.meta("secret")
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(text)
}

func (v view) meta(name string) (value string, err error) {
	err = v.each(`SELECT value FROM meta WHERE name = ?`, func(stmt *sqlite.Stmt) error {
		value = stmt.ColumnText(0)
		return nil
	}, name)
	if err == nil && value == "" {
		err = fmt.Errorf("%w: no %s", errDamaged, name)
	}
	return value, err
}

func (v view) pragma(name string) (int64, error) { return v.number("PRAGMA " + name) }

func (v view) setPragma(name string, value int64) error {
	return sqlitex.ExecuteTransient(v.Conn, fmt.Sprintf("PRAGMA %s = %d", name, value), nil)
}

func (v view) number(query string) (n int64, err error) {
	err = sqlitex.ExecuteTransient(v.Conn, query, &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error {
			n = stmt.ColumnInt64(0)
			return nil
		},
	})
	return n, err
}
