package paytest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// OpenLedger returns the ledger that is kept in a file, which need not be there
// yet. An effect is in the file, synced, before it is told: so a process that is
// killed leaves the ledger to the next. One process may have it at a time.
func OpenLedger(path string) (*Ledger, error) {
	l := NewLedger()
	l.path = path
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &l.entries)
	}
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	return l, nil
}

// keep writes the file: it has either all that it had, or all of this.
func (l *Ledger) keep() error {
	if l.path == "" {
		return nil
	}
	text, err := json.Marshal(l.entries)
	if err == nil {
		err = writeSynced(l.path+".new", text)
	}
	if err == nil {
		err = os.Rename(l.path+".new", l.path)
	}
	if err != nil {
		return fmt.Errorf("keep ledger: %w", err)
	}
	return nil
}

func writeSynced(path string, text []byte) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Sync(), file.Close())
}
