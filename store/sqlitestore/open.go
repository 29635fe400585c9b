package sqlitestore

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/seatlock/seatlock/store"
)

const busyTimeout = 5 * time.Second // for a command that writes beside a server

// open goes from harmless to harmful: nothing is written before the file is
// known to be ours, or to be new.
//
// The whole file is read if the last server on it did not end in an orderly way,
// but for a command beside a server, which has done so.
func (e *Engine) open(ctx context.Context, o Options) error {
	path, err := place(e.path)
	if err != nil {
		return err
	}
	if o.Serve {
		if e.unlock, err = lockStore(path); err != nil {
			return err
		}
	} else if !served(path+".lock") && servedByAnotherName(path) {
		return errServed // whose log is another
	}
	before, err := os.Stat(path)
	if err != nil {
		return err
	}
	e.checked = !endedWell(path) && (o.Serve || !served(path+".lock"))
	if _, err := probe(ctx, path, e.checked, e.fits); err != nil {
		return err
	}
	if o.Serve {
		e.tighten(path)
		e.served = path
		if err := markOpen(path); err != nil {
			return err
		}
	}
	if e.writer, err = sqlite.OpenConn(path, sqlite.OpenReadWrite); err != nil {
		return err
	}
	e.writer.SetBusyTimeout(busyTimeout)
	r := reader{Conn: e.writer}
	if err := r.prepare(ctx, o); err != nil {
		return err
	}
	if o.Serve {
		epoch, err := r.startRun()
		if err == nil {
			err = markServed(path, epoch)
		}
		if err != nil {
			return err
		}
	} else {
		e.alone = path + ".lock"
	}
	e.writer.SetBusyTimeout(0) // from here on, begin waits
	if e.format, err = r.format(); err != nil {
		return err
	}
	if e.secret, err = r.secret(); err != nil {
		return err
	}
	if err := e.openReads(ctx, path); err != nil {
		return err
	}
	e.files, err = lookAt(e.path, path)
	if err == nil && !os.SameFile(before, e.files[0].info) {
		err = fmt.Errorf("%s: %w", path, errReplaced)
	}
	return err
}

// fits reports why this program must not work on the file, if it must not. It
// has the clock wait for the time when the file was written.
func (e *Engine) fits(r reader, f store.Format) error {
	if err := f.Check(); err != nil {
		return err
	}
	newest, err := r.newestChange()
	if err == nil {
		err = e.clock.standAt(newest)
	}
	return err
}

// openReads opens the connections of the readers, each with the log: one that
// looked for it later might find another file's.
func (e *Engine) openReads(ctx context.Context, path string) (err error) {
	e.reads, err = sqlitex.NewPool(path, sqlitex.PoolOptions{
		Flags:    sqlite.OpenReadOnly,
		PoolSize: readers,
	})
	if err != nil {
		return err
	}
	conns := make([]*sqlite.Conn, 0, readers)
	defer func() {
		for _, conn := range conns {
			e.reads.Put(conn)
		}
	}()
	for range readers {
		conn, err := e.reads.Take(ctx)
		if err != nil {
			return err
		}
		conns = append(conns, conn)
		if _, err := (reader{Conn: conn}).lastPosition(); err != nil {
			return err
		}
	}
	return nil
}

// lockStore takes the file for one server: by its lock file, which all programs
// know and which keeps others off even where the file itself was replaced, and
// by itself, against names that have another lock file. SQLite must be closed
// before unlock is called.
func lockStore(path string) (unlock func() error, err error) {
	unlockName, err := lockFile(path + ".lock")
	for try := 0; errors.Is(err, errServed) && try < 5; try++ { // a command may be looking for a server
		time.Sleep(20 * time.Millisecond)
		unlockName, err = lockFile(path + ".lock")
	}
	if err != nil {
		return nil, err
	}
	unlockInode, err := lockInode(path)
	if err != nil {
		return nil, errors.Join(err, unlockName())
	}
	return func() error { return errors.Join(unlockInode(), unlockName()) }, nil
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
// may be what does not fit. It returns the format, zero for a new file, and an
// error of check about that.
func probe(ctx context.Context, path string, whole bool, check func(reader, store.Format) error) (format store.Format, err error) {
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		return format, err
	}
	r := reader{Conn: conn}
	isNew, err := r.isNew()
	if err == nil && !isNew {
		if format, err = r.format(); err == nil {
			err = check(r, format)
		}
		if err == nil && whole {
			err = r.checkSound(ctx)
		}
	}
	if sqlite.ErrCode(err) == sqlite.ResultReadOnlyRollback {
		err = nil // the very first start was killed: the writer rolls back
	}
	if closing := conn.Close(); err == nil {
		err = closing
	}
	return format, err
}

// prepare waits for others who do the same: SQLite does not when two give a
// new file its log at once.
func (r reader) prepare(ctx context.Context, o Options) error {
	for deadline := time.Now().Add(busyTimeout); ; {
		err := r.prepareFile(o)
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

func (r reader) prepareFile(o Options) error {
	isNew, err := r.isNew()
	if err != nil {
		return err
	}
	if err := r.tryWrite(); err != nil {
		return err
	}
	if err := r.setUp(); err != nil {
		return err
	}
	if isNew {
		return r.migrate(o.Program)
	}
	format, err := r.format()
	if err == nil {
		err = format.Check()
	}
	if err == nil && format.Number < store.CurrentFormat {
		err = r.migrate(o.Program) // with what the file's programs can bear, says the check
	}
	return err
}

// setUp gives the writer's connection its settings.
func (r reader) setUp() error {
	mode, err := r.text("PRAGMA journal_mode = WAL")
	if err != nil {
		return err
	}
	if mode != "wal" { // SQLite does not call that an error
		return errNoWAL
	}
	for _, pragma := range []string{
		"PRAGMA synchronous = FULL",
		"PRAGMA secure_delete = ON", // what is deleted is overwritten; see Scrub
	} {
		if _, err := r.text(pragma); err != nil {
			return err
		}
	}
	// What the log grew to while somebody read for long is cut back to this.
	_, err = r.text("PRAGMA journal_size_limit = 67108864")
	return err
}

// tryWrite begins to write and takes it back. A read-only file opens without a
// complaint, and even begins a transaction; this is where it shows.
func (r reader) tryWrite() error {
	if _, err := r.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := sqlitex.ExecuteTransient(r.Conn, "PRAGMA user_version = 0", nil)
	if _, rollback := r.exec("ROLLBACK"); err == nil {
		err = rollback
	}
	return err
}

func (r reader) checkSound(ctx context.Context) error {
	r.SetInterrupt(ctx.Done())
	defer r.SetInterrupt(nil)
	verdict, err := r.text("PRAGMA quick_check(1)")
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

func (r reader) secret() ([]byte, error) {
	text, err := r.meta("secret")
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(text)
}

func (r reader) meta(name string) (value string, err error) {
	err = r.each(`SELECT value FROM meta WHERE name = ?`, func(stmt *sqlite.Stmt) error {
		value = stmt.ColumnText(0)
		return nil
	}, name)
	if err == nil && value == "" {
		err = fmt.Errorf("%w: no %s", errDamaged, name)
	}
	return value, err
}

// text runs a statement outside of any transaction of ours and returns the
// first column of its last row.
func (r reader) text(query string) (text string, err error) {
	err = sqlitex.ExecuteTransient(r.Conn, query, &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error {
			text = stmt.ColumnText(0)
			return nil
		},
	})
	return text, err
}
