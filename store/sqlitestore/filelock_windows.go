package sqlitestore

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/windows"
)

// lockFile takes the file for this process. The system gives it back when the
// process ends, however it ends.
func lockFile(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, 1, 0, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		err = errServed
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock file: %w", err), f.Close())
	}
	return f.Close, nil
}

// served reports whether a server has this lock file. It makes none, which might
// be another's than the server's; where it cannot be told, there is no server.
func served(lock string) bool {
	if _, err := os.Stat(lock); err != nil {
		return false
	}
	unlock, err := lockFile(lock)
	if err == nil {
		err = unlock()
	}
	return errors.Is(err, errServed)
}

// tighten does nothing: who may read a file is its folder's matter.
func (e *Engine) tighten(string) {}
