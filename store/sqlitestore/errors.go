package sqlitestore

import (
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/seatlock/seatlock/store"
)

// isDomain reports whether err is an answer of the contract, and not a fault.
func isDomain(err error) bool {
	for _, known := range []error{
		store.ErrNoEvent, store.ErrNoSeat, store.ErrExists, store.ErrInvalid,
		store.ErrTaken, store.ErrBooked, store.ErrWithheld, store.ErrPaying,
		store.ErrNotYours, store.ErrExpired, store.ErrClosed, store.ErrLimit,
		store.ErrCursorLost,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// resource reports whether err is the machine's fault (disk, lock, memory) and
// not that of the one job that met it.
func resource(err error) bool {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultFull, sqlite.ResultIOErr, sqlite.ResultReadOnly, sqlite.ResultCantOpen,
		sqlite.ResultBusy, sqlite.ResultLocked, sqlite.ResultNoMem, sqlite.ResultCorrupt,
		sqlite.ResultNotADB, sqlite.ResultPerm, sqlite.ResultInterrupt:
		return true
	}
	return false
}

// Reasons why a file cannot be opened.
var (
	errNotOurs = errors.New("not a Seatlock store")
	errServed  = errors.New("another Seatlock serves this store")
	errDamaged = errors.New("damaged")
)

// explain turns a failure to open into one line with what to do.
func explain(path string, err error) error {
	advice := ""
	switch code := sqlite.ErrCode(err).ToPrimary(); {
	case errors.Is(err, errServed):
		advice = "stop it first, or give this one another --store"
	case errors.Is(err, errNotOurs):
		advice = "it is left as it is; give another --store"
	case errors.Is(err, errDamaged), code == sqlite.ResultCorrupt, code == sqlite.ResultNotADB:
		advice = "it is left as it is; put a backup in its place"
	case code == sqlite.ResultReadOnly, code == sqlite.ResultCantOpen, code == sqlite.ResultPerm:
		advice = "the file and its folder must be readable and writable"
	case code == sqlite.ResultFull, code == sqlite.ResultIOErr:
		advice = "is the disk full?"
	}
	if advice == "" {
		return fmt.Errorf("store %s: %w", path, err)
	}
	return fmt.Errorf("store %s: %w: %s", path, err, advice)
}
