package sqlitestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// opened are the files that SQLite has open, as they were found at their
// places: the database, its write-ahead log, and the index of that. SQLite
// keeps to its descriptors, whatever stands at the places by then, and would go
// on writing to files that nobody finds any more.
type opened []openedFile

type openedFile struct {
	path string
	info os.FileInfo
}

// Reasons why nothing may be written any more.
var (
	errRemoved  = errors.New("removed under the running program: put it back, the same file, or restart")
	errReplaced = errors.New("another file has come into its place: restart to work on that one")
)

// lookAt finds the files of a database that SQLite has open. name is how people
// name the database, path where it is without links.
func lookAt(name, path string) (o opened, err error) {
	for _, path := range []string{name, path + "-wal", path + "-shm"} {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		o = append(o, openedFile{path, info})
	}
	return o, nil
}

// check fails unless all files are at their places still.
func (o opened) check() error {
	for _, f := range o {
		now, err := os.Stat(f.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%s: %w", f.path, errRemoved)
		case err != nil:
			return err
		case !os.SameFile(f.info, now):
			return fmt.Errorf("%s: %w", f.path, errReplaced)
		}
	}
	return nil
}
