package store

import (
	"errors"
	"fmt"
)

// The format of a database grows by one when its contents mean something that
// older programs would get wrong. An addition that they can ignore, such as a
// field that does no harm when stale, does not change the format.
// Fields of seats, clocks, events and of a record's body are kept by programs
// that do not know them. Those of a grant, of a booking's line and of an
// event's terms are not: a field there needs a new format, unless losing it
// does no harm (Line.TariffName and Line.Unpaid are only for people to read).
const (
	// CurrentFormat is the format that this program makes, and OldestReader the
	// oldest format whose programs can work on that.
	CurrentFormat = 6
	OldestReader  = 3
	// oldestServed is the oldest format that this program can serve as it is.
	oldestServed = 3
)

// Format is what a database says about itself.
type Format struct {
	// Number is its format, and Reader the oldest format whose programs can
	// work on it.
	Number, Reader int
	// Program is the version of the program that made or upgraded it, for
	// people to read; "" if it did not say.
	Program string
	// Upgrading means that an upgrade to another format has begun.
	Upgrading bool
}

var (
	// ErrNewer: only a newer program can work on the database.
	ErrNewer = errors.New("written by a newer Seatlock")
	// ErrOlder: the database must be upgraded before this program can work on it.
	ErrOlder = errors.New("written by an older Seatlock")
	// ErrUpgrading: an upgrade of the database is under way, or was interrupted.
	ErrUpgrading = errors.New("an upgrade was begun and not finished")
)

// Check returns why this program must not work on a database of this format,
// with what to do; nil if it may.
func (f Format) Check() error {
	switch {
	case f.Reader > CurrentFormat:
		program := "the Seatlock that upgraded it"
		if f.Program != "" {
			program += " (" + f.Program + ")"
		}
		return fmt.Errorf("%w: its format is %d, and this program knows formats up to %d: install %s, or a newer one",
			ErrNewer, f.Number, CurrentFormat, program)
	case f.Upgrading:
		return fmt.Errorf("%w: run seatlock upgrade on it, to the end", ErrUpgrading)
	case f.Number < oldestServed:
		return fmt.Errorf("%w: its format is %d, and this program needs %d: stop every Seatlock that uses it, and run seatlock upgrade",
			ErrOlder, f.Number, CurrentFormat)
	}
	return nil
}
