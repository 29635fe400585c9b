package sqlitestore

import (
	"errors"
	"os"
)

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
