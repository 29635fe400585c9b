package sqlitestore

import (
	"errors"
	"fmt"

	"github.com/seatlock/seatlock/internal/filelock"
)

// lockFile takes the file for this process. The system gives it back when the
// process ends, however it ends.
func lockFile(path string) (unlock func() error, err error) {
	unlock, err = filelock.Lock(path)
	if errors.Is(err, filelock.ErrLocked) {
		err = fmt.Errorf("lock file: %w", errServed)
	}
	return unlock, err
}
