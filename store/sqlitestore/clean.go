package sqlitestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// A server that ends in an orderly way leaves in the lock file how the database
// looked then. If it still looks so at the next start, nobody has written to it
// since, and there is no need to read the whole of it. The mark is not in the
// database, since to make it there would change how that looks.

// look tells how the database looks; "" if there is a log beside it, which has
// not been folded into it.
func look(path string) string {
	log, err := os.Lstat(path + "-wal")
	if err == nil && log.Size() > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "" // one that is empty is what a command leaves that has only read
	}
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("closed at %d bytes of %d\n", info.Size(), info.ModTime().UnixNano())
}

// endedWell reports whether the last server on the file ended in an orderly way.
func endedWell(path string) bool {
	mark, err := os.ReadFile(path + ".lock")
	return err == nil && len(mark) > 0 && string(mark) == look(path)
}

// markOpen has the next start look at the whole file, unless markClosed comes
// before. The caller has the lock file, in both.
func markOpen(path string) error { return os.Truncate(path+".lock", 0) }

// markServed tells commands that a server has begun its run.
func markServed(path, epoch string) error {
	return os.WriteFile(path+".lock", []byte(servedMark+epoch), 0o600)
}

const servedMark = "served in epoch "

// serves reports whether the server that has the lock file has begun the run of
// this epoch.
func serves(lock, epoch string) bool {
	mark, err := os.ReadFile(lock)
	return err == nil && string(mark) == servedMark+epoch
}

// markClosed may fail: then the next start takes longer.
func markClosed(path string) error {
	return os.WriteFile(path+".lock", []byte(look(path)), 0o600)
}
