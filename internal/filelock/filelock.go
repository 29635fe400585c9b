// Package filelock has one process at a time work with a file.
package filelock

import (
	"errors"
	"fmt"
	"os"
)

// ErrLocked: another process has the lock, or another part of this one.
var ErrLocked = errors.New("in use by another process")

// Lock takes a lock file for this process; it is made if it is not there, and
// stays. The system gives it back when the process ends, however it ends. It does
// not wait: ErrLocked.
func Lock(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		return nil, errors.Join(fmt.Errorf("lock file: %w", err), f.Close())
	}
	return f.Close, nil
}
