//go:build unix

package sqlitestore

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lockFile takes the file for this process. The kernel gives it back when the
// process ends, however it ends.
func lockFile(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errServed
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock file: %w", err), f.Close())
	}
	return f.Close, nil
}

// served reports whether a server has this lock file. It makes none, which might
// be another's than the server's; where it cannot be told, there is no server.
// Two commands that ask at once do not take each other for one.
func served(lock string) bool {
	f, err := os.Open(lock)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

// tighten has only the owner read the database and its log: it holds the key of
// the session cookies.
func (e *Engine) tighten(path string) {
	var loose []string
	var errs []error
	for _, path := range []string{path, path + "-wal", path + "-shm"} { // there need not be a log
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
			loose = append(loose, path)
			errs = append(errs, os.Chmod(path, info.Mode().Perm()&^0o077))
		}
	}
	if err := errors.Join(errs...); err != nil {
		e.log.Warn("others can read the store, and that cannot be helped from here", "files", loose, "error", err)
	} else if len(loose) > 0 {
		e.log.Warn("others could read the store; now its owner alone can", "files", loose)
	}
}
