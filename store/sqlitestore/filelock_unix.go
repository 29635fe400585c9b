//go:build unix

package sqlitestore

import (
	"errors"
	"os"
	"syscall"
)

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
