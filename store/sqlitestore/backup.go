package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// Backup writes a copy of the store at path to the new file to, as it stands at
// one instant: a sound store by itself, without a log beside it. Servers and
// commands may work on the store meanwhile, and the store is not written to.
//
// The copy is for its owner alone from its first byte, since it holds the key of
// the session cookies. It is on the disk when Backup returns. There is no file
// at to before it is whole; one that is there already is left as it is, and
// Backup refused. After an error, or when ctx ends, nothing is left behind.
// Errors are one line.
func Backup(ctx context.Context, path, to string) error {
	if _, err := os.Stat(path); err != nil {
		return explain(path, err)
	}
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		return explain(path, err)
	}
	defer conn.Close() // it has only read
	conn.SetBusyTimeout(busyTimeout)
	r := reader{Conn: conn}
	isNew, err := r.isNew()
	if err == nil && isNew {
		err = errNotOurs
	}
	if err != nil {
		return explain(path, err)
	}
	err = r.copyTo(ctx, to)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("backup %s: there is a file already: give another name", to)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("backup %s: %w: make its folder first", to, err)
	}
	return fmt.Errorf("backup %s of %w", to, explain(path, err))
}

// copyTo copies the file as it is now to a new one, for the eyes of its owner,
// and returns once that is on the disk. A copy that is not whole has another
// name.
func (r reader) copyTo(ctx context.Context, to string) (err error) {
	if _, err := os.Lstat(to); err == nil {
		return fs.ErrExist
	}
	f, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".*.part") // SQLite fills an empty file
	if err != nil {
		return err
	}
	part := f.Name()
	err = r.vacuumInto(ctx, part)
	if err == nil {
		err = beginHistory(part)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = publish(part, to)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return syncFolder(filepath.Dir(to))
}

func (r reader) vacuumInto(ctx context.Context, part string) error {
	r.SetInterrupt(ctx.Done())
	defer r.SetInterrupt(nil)
	err := sqlitex.ExecuteTransient(r.Conn, `VACUUM INTO ?`, &sqlitex.ExecOptions{Args: []any{part}})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// publish gives a whole copy its name, unless another file has it by now.
func publish(part, to string) error {
	err := os.Link(part, to)
	if err == nil {
		return os.Remove(part)
	}
	if _, there := os.Lstat(to); there == nil {
		return fs.ErrExist
	}
	return os.Rename(part, to) // a file system without links
}
