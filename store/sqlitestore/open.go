package sqlitestore

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
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
	formatVersion = 2          // of schema.sql; upgrade knows the way from 1

	busyTimeout = 5 * time.Second // for a command that writes beside a server
)

// open goes from harmless to harmful: nothing is written before the file is
// known to be ours, or to be new.
func (s *Store) open(ctx context.Context, serve bool) error {
	path, err := place(s.path)
	if err != nil {
		return err
	}
	if serve {
		unlock, err := lockFile(path + ".lock")
		if err != nil {
			return err
		}
		s.unlock = unlock
	}
	if err := probe(ctx, path); err != nil {
		return err
	}
	if s.writer, err = sqlite.OpenConn(path, sqlite.OpenReadWrite); err != nil {
		return err
	}
	s.writer.SetBusyTimeout(busyTimeout)
	v := view{Conn: s.writer}
	if err := v.prepare(ctx); err != nil {
		return err
	}
	if s.epoch, err = v.epoch(); err != nil {
		return err
	}
	if s.secret, err = v.secret(); err != nil {
		return err
	}
	s.reads, err = sqlitex.NewPool(path, sqlitex.PoolOptions{
		Flags:    sqlite.OpenReadOnly,
		PoolSize: readers,
	})
	return err
}

// place makes an empty file if there is none, and returns where it is without
// links, so that servers who come by different names meet at one lock file.
//
// A file that exists is not opened here: closing it would drop the locks that
// SQLite holds on it for this process.
func place(path string) (string, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	// The file holds the key of the session cookies: for its owner's eyes.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errNotFile
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// probe looks at the file through a connection that cannot write. One that can
// would fold a write-ahead log into the file when it is closed, and that log
// may be what does not fit.
func probe(ctx context.Context, path string) error {
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		return err
	}
	v := view{Conn: conn}
	isNew, err := v.checkFormat()
	if err == nil && !isNew {
		err = v.checkSound(ctx)
	}
	if sqlite.ErrCode(err) == sqlite.ResultReadOnlyRollback {
		err = nil // the very first start was killed: the writer tidies up
	}
	if closing := conn.Close(); err == nil {
		err = closing
	}
	return err
}

// prepare waits for others who do the same: SQLite does not when two give a
// new file its log at once.
func (v view) prepare(ctx context.Context) error {
	for deadline := time.Now().Add(busyTimeout); ; {
		err := v.prepareFile()
		if sqlite.ErrCode(err).ToPrimary() != sqlite.ResultBusy || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (v view) prepareFile() error {
	isNew, err := v.checkFormat()
	if err != nil {
		return err
	}
	if err := v.tryWrite(); err != nil {
		return err
	}
	mode, err := v.text("PRAGMA journal_mode = WAL")
	if err != nil {
		return err
	}
	if mode != "wal" { // SQLite does not call that an error
		return errNoWAL
	}
	if _, err := v.text("PRAGMA synchronous = FULL"); err != nil {
		return err
	}
	// What the log grew to while somebody read for long is cut back to this.
	if _, err := v.text("PRAGMA journal_size_limit = 67108864"); err != nil {
		return err
	}
	if isNew {
		return v.create()
	}
	return v.upgrade()
}

// upgrade brings a file of an older format up to schema.sql. A server that
// still runs on it goes on as before.
func (v view) upgrade() (err error) {
	end, err := sqlitex.ImmediateTransaction(v.Conn)
	if err != nil {
		return err
	}
	defer end(&err)
	version, err := v.text("PRAGMA user_version")
	if err != nil || version != "1" {
		return err
	}
	if _, err := v.exec(`ALTER TABLE locks ADD COLUMN grants TEXT NOT NULL DEFAULT ''`); err != nil {
		return err
	}
	return v.setPragma("user_version", formatVersion)
}

// tryWrite begins to write and takes it back. A read-only file opens without a
// complaint, and even begins a transaction; this is where it shows.
func (v view) tryWrite() error {
	if _, err := v.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := v.setPragma("user_version", formatVersion)
	if _, rollback := v.exec("ROLLBACK"); err == nil {
		err = rollback
	}
	return err
}

// checkFormat tells a new file from ours; anything else is an error. One
// statement reads all, so that it never sees half of another's create.
func (v view) checkFormat() (isNew bool, err error) {
	var application, version, tables int64
	err = sqlitex.ExecuteTransient(v.Conn, `SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
		FROM pragma_application_id, pragma_user_version`, &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error {
			application, version, tables = stmt.ColumnInt64(0), stmt.ColumnInt64(1), stmt.ColumnInt64(2)
			return nil
		},
	})
	switch {
	case err != nil:
		return false, err
	case application == 0 && version == 0 && tables == 0:
		return true, nil
	case application != applicationID:
		return false, errNotOurs
	case version > formatVersion:
		return false, fmt.Errorf("%w: its format is %d, and this one knows %d", errNewer, version, formatVersion)
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
	verdict, err := v.text("PRAGMA quick_check(1)")
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return err
	case verdict != "ok":
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

func (v view) setPragma(name string, value int64) error {
	return sqlitex.ExecuteTransient(v.Conn, fmt.Sprintf("PRAGMA %s = %d", name, value), nil)
}

// text runs a statement outside of any transaction of ours and returns the
// first column of its last row.
func (v view) text(query string) (text string, err error) {
	err = sqlitex.ExecuteTransient(v.Conn, query, &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error {
			text = stmt.ColumnText(0)
			return nil
		},
	})
	return text, err
}
