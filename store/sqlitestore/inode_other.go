//go:build !linux

package sqlitestore

// lockInode does nothing: elsewhere a lock of this kind would shut out SQLite's
// own. The lock file keeps a second server off, but not through a hard link.
func lockInode(string) (unlock func() error, err error) {
	return func() error { return nil }, nil
}

func servedByAnotherName(string) bool { return false }
