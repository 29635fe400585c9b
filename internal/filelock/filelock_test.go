package filelock_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/seatlock/seatlock/internal/filelock"
)

// TestOneAtATime: the second is refused until the first has given it back.
func TestOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.lock")
	unlock, err := filelock.Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := filelock.Lock(path); !errors.Is(err, filelock.ErrLocked) {
		t.Fatalf("the second gets %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	again, err := filelock.Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := again(); err != nil {
		t.Error(err)
	}
}
