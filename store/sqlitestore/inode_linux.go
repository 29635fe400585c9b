package sqlitestore

import (
	"errors"
	"fmt"
	"syscall"
)

// lockInode takes the database itself for this server, by whatever name it was
// found: a second one through a hard link has another lock file, and another
// write-ahead log, which would ruin the database.
//
// On Linux this lock and SQLite's own do not see one another. But to close any
// descriptor of the file drops SQLite's locks on it for the whole process: call
// lockInode before SQLite opens the file, and unlock after it is closed.
func lockInode(path string) (unlock func() error, err error) {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open for its lock: %w", err)
	}
	err = syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errServed // fd stays open: it may be this process that serves the file
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock: %w", err), syscall.Close(fd))
	}
	return func() error { return syscall.Close(fd) }, nil
}
