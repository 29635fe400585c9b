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
	if errors.Is(err, syscall.EBADF) || errors.Is(err, syscall.ENOLCK) || errors.Is(err, syscall.EOPNOTSUPP) {
		// A network's file system, where there are no such locks: the lock file has to do.
		return func() error { return nil }, syscall.Close(fd)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock: %w", err), syscall.Close(fd))
	}
	return func() error { return syscall.Close(fd) }, nil
}

// servedByAnotherName reports whether a server has the database through another
// hard link, for a command whose own name for it no server has. It is called
// before SQLite opens the file, as lockInode is.
func servedByAnotherName(path string) bool {
	var info syscall.Stat_t
	if err := syscall.Stat(path, &info); err != nil || info.Nlink == 1 {
		return false
	}
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return false // which to open it for work will tell
	}
	if err = syscall.Flock(fd, syscall.LOCK_SH|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		return true // fd stays open: it may be this process that serves the file
	}
	_ = syscall.Close(fd) // it was only read
	return false
}
