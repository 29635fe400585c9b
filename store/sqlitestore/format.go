package sqlitestore

import (
	"crypto/rand"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/seatlock/seatlock/store"
)

// Migration n makes format n of n-1; user_version is the format. A migration
// that was released never changes.
//
//go:embed migrations/*.sql
var migrations embed.FS

const applicationID = 0x5ea710c0 // marks our files for SQLite and for file(1)

// migrate brings a file up to the current format, from nothing or any older
// one, all at once or not at all: nobody ever meets a file in between. A new
// file gets its epoch and secret, and each the word of which program did it.
//
// The driver's own migrations are a transaction each, so that others who open a
// new file at the same time would take it for an old one.
func (r reader) migrate(program string) (err error) {
	end, err := sqlitex.ImmediateTransaction(r.Conn)
	if err != nil {
		return err
	}
	defer end(&err)
	version, err := r.number("PRAGMA user_version") // another process may have come first
	if err != nil || version >= store.CurrentFormat {
		return err
	}
	for n := version + 1; n <= store.CurrentFormat; n++ {
		sql, err := fs.ReadFile(migrations, fmt.Sprintf("migrations/%d.sql", n))
		if err != nil {
			return err
		}
		if err := sqlitex.ExecuteScript(r.Conn, string(sql), nil); err != nil {
			return fmt.Errorf("migration %d: %w", n, err)
		}
	}
	if version == 0 {
		secret := make([]byte, 32)
		rand.Read(secret)
		if err := errors.Join(r.setMeta("epoch", newEpoch()), r.setMeta("secret", hex.EncodeToString(secret)),
			r.setPragma("application_id", applicationID)); err != nil {
			return err
		}
	}
	return errors.Join(r.setMeta("reader", strconv.Itoa(store.OldestReader)), r.setMeta("program", program),
		r.setPragma("user_version", store.CurrentFormat))
}

func (r reader) setMeta(name, value string) error {
	_, err := r.exec(`INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2`, name, value)
	return err
}

func (r reader) setPragma(name string, value int64) error {
	return sqlitex.ExecuteTransient(r.Conn, fmt.Sprintf("PRAGMA %s = %d", name, value), nil)
}

// newEpoch is short, since it travels in every frame, and random enough that a
// store and its restored backup never share one.
func newEpoch() string {
	id := make([]byte, 8)
	rand.Read(id)
	return hex.EncodeToString(id)
}

// isNew tells a new file from ours; anything else is an error. One statement
// reads all, so that it never sees half of another's migration.
func (r reader) isNew() (isNew bool, err error) {
	var application, version, tables int64
	err = sqlitex.ExecuteTransient(r.Conn, `SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
		FROM pragma_application_id, pragma_user_version`, &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error {
			application, version, tables = stmt.ColumnInt64(0), stmt.ColumnInt64(1), stmt.ColumnInt64(2)
			return nil
		},
	})
	switch {
	case err != nil:
		return false, err
	case version == 0 && tables == 0 && application == 0:
		return true, nil
	case application != applicationID:
		return false, errNotOurs
	}
	return false, nil
}

// format reads what the file says of itself. Formats 1 and 2 name no reader.
func (r reader) format() (f store.Format, err error) {
	version, err := r.number("PRAGMA user_version")
	if err != nil {
		return f, err
	}
	f.Number, f.Reader = int(version), int(version)
	err = r.each(`SELECT name, value FROM meta WHERE name IN ('reader', 'program')`, func(stmt *sqlite.Stmt) (err error) {
		if stmt.ColumnText(0) == "program" {
			f.Program = stmt.ColumnText(1)
			return nil
		}
		if f.Reader, err = strconv.Atoi(stmt.ColumnText(1)); err != nil {
			err = fmt.Errorf("%w: the oldest reader: %w", errDamaged, err)
		}
		return err
	})
	return f, err
}

// checkFormat refuses to write once the file has a format that this program
// must not touch, as after an upgrade beside it. It belongs into the writer's
// transaction.
func (e *Engine) checkFormat(r reader) error {
	version, err := r.number("PRAGMA user_version")
	if err != nil || int(version) == e.format.Number {
		return err
	}
	format, err := r.format()
	if err == nil {
		err = format.Check()
	}
	if err == nil {
		e.format = format
	}
	return err
}
