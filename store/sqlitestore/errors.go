package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"zombiezen.com/go/sqlite"

	"github.com/seatlock/seatlock/store"
)

// resource reports whether err is the machine's fault (disk, lock, memory) and
// not that of the one job that met it.
func resource(err error) bool {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultFull, sqlite.ResultIOErr, sqlite.ResultReadOnly, sqlite.ResultCantOpen,
		sqlite.ResultBusy, sqlite.ResultLocked, sqlite.ResultNoMem, sqlite.ResultCorrupt,
		sqlite.ResultNotADB, sqlite.ResultPerm, sqlite.ResultProtocol:
		return true
	}
	return false
}

// Reasons why a file cannot be opened.
var (
	errNotFile = errors.New("not a file")
	errNotOurs = errors.New("not a Seatlock store")
	errServed  = errors.New("another Seatlock serves this store")
	errDamaged = errors.New("damaged")
	errNoWAL   = errors.New("no write-ahead log to be had")
)

// explain turns a failure to open into one line with what to do.
func explain(path string, err error) error {
	if advice := advice(err); advice != "" {
		return fmt.Errorf("store %s: %w: %s", path, err, advice)
	}
	return fmt.Errorf("store %s: %w", path, err)
}

func advice(err error) string {
	code := sqlite.ErrCode(err).ToPrimary()
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "start again"
	case errors.Is(err, errServed):
		return "stop it first, or give this one another --store"
	case errors.Is(err, errNotOurs), errors.Is(err, errNotFile), code == sqlite.ResultNotADB:
		return "it is left as it is; give another --store"
	case errors.Is(err, store.ErrNewer), errors.Is(err, store.ErrOlder):
		return "" // they say it themselves
	case errors.Is(err, errFuture):
		return futureAdvice
	case errors.Is(err, errDamaged), code == sqlite.ResultCorrupt:
		return "it is left as it is; put a backup in its place, without what is beside it by its name and -wal or -shm"
	case errors.Is(err, fs.ErrNotExist):
		return "give the --store that is to be upgraded"
	case errors.Is(err, syscall.ENOSPC), code == sqlite.ResultFull, code == sqlite.ResultIOErr:
		return "is the disk full?"
	case errors.Is(err, fs.ErrPermission), code == sqlite.ResultReadOnly, code == sqlite.ResultCantOpen, code == sqlite.ResultPerm:
		return "the file and its folder must be readable and writable"
	case code == sqlite.ResultBusy:
		return "another program is writing to it; try again when it has ended"
	}
	return "see that its folder is one, on a local disk"
}
