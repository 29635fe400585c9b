package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/seatlock/seatlock/store"
)

// Upgraded tells what [Upgrade] has done.
type Upgraded struct {
	From, To int
	// Backup is the copy of the file as it was, "" if there was nothing to do.
	Backup string
}

// Upgrade brings the file at path to the current format. No server may run on
// it: Upgrade takes the server's locks, or is refused. Before it changes
// anything it puts a copy beside the file. If it breaks off, the file is as it
// was, and it can be run again.
//
// A file that is current is left as it is, and so is one of a newer format, a
// damaged one, and one that is not ours; errors are one line.
func Upgrade(ctx context.Context, path, program string) (Upgraded, error) {
	done, err := upgrade(ctx, path, program)
	if err != nil {
		return Upgraded{}, explain(path, err)
	}
	return done, nil
}

func upgrade(ctx context.Context, path, program string) (done Upgraded, err error) {
	if _, err := os.Stat(path); err != nil {
		return done, err // place would make it
	}
	if path, err = place(path); err != nil {
		return done, err
	}
	unlock, err := lockStore(path)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	format, err := probe(ctx, path, true, upgradable)
	switch {
	case err != nil:
		return done, err
	case format.Number == 0:
		return done, errNotOurs
	}
	done = Upgraded{From: format.Number, To: max(format.Number, store.CurrentFormat)}
	if format.Number >= store.CurrentFormat {
		return done, nil
	}
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	conn.SetBusyTimeout(busyTimeout)
	r := reader{Conn: conn}
	if err := errors.Join(r.tryWrite(), r.setUp()); err != nil {
		return done, err
	}
	if done.Backup, err = r.backUp(ctx, path, format.Number); err != nil {
		return done, err
	}
	return done, r.migrate(program)
}

// upgradable says which formats Upgrade must not touch. All older ones it knows.
func upgradable(_ reader, f store.Format) error {
	if err := f.Check(); !errors.Is(err, store.ErrOlder) {
		return err
	}
	return nil
}

// backUp copies the file as it is now beside it.
func (r reader) backUp(ctx context.Context, path string, format int) (backup string, err error) {
	backup = fmt.Sprintf("%s.format-%d.%s.backup", path, format, time.Now().UTC().Format("20060102T150405.000Z"))
	if err := r.copyTo(ctx, backup); err != nil {
		return "", err
	}
	return backup, nil
}

// beginHistory gives a copy an epoch of its own: put back, it goes another way
// than the file goes from here on. What both share is a run of the copy's past;
// formats before 4 know no runs.
func beginHistory(path string) (err error) {
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	r := reader{Conn: conn}
	format, err := r.format()
	if err != nil {
		return err
	}
	if format.Number < 4 {
		return r.setMeta("epoch", newEpoch())
	}
	_, err = r.startRun()
	return err
}

// syncFolder has the folder's list of files on the disk. Where folders cannot
// be synced, as on Windows, the file's own sync has to do.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	_ = folder.Sync()
	return folder.Close()
}
