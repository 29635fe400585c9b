package store

import (
	"errors"
	"fmt"
)

// The format of a database grows by one when what is in it means something
// that older programs would get wrong. What they can leave alone without harm,
// such as a field for which a stale value does no damage, does not change it.
// Fields of seats, clocks, events and of a record's body are kept by programs
// that do not know them. Those of a grant, of a booking's line and of an
// event's terms are not: a field there needs a new format, unless it does no
// damage that it is lost (Line.TariffName and Line.Unpaid are for people to read).
const (
	// CurrentFormat is what this program makes, and OldestReader the oldest
	// format whose programs can work on that.
	CurrentFormat = 6
	OldestReader  = 3
	// oldestServed is the oldest format that this program can serve as it is.
	oldestServed = 3
)

// Format is what a database says of itself.
type Format struct {
	// Number is its format, and Reader the oldest format whose programs can
	// work on it.
	Number, Reader int
	// Program is the version of the program that made or upgraded it, for
	// people to read; "" if it did not say.
	Program string
	// Upgrading tells that an upgrade to another format has begun.
	Upgrading bool
}

var (
	// ErrNewer: only a newer program can work on the database.
	ErrNewer = errors.New("written by a newer Seatlock")
	// ErrOlder: the database must be upgraded before this program can work on it.
	ErrOlder = errors.New("written by an older Seatlock")
	// ErrUpgrading: an upgrade of the database is under way, or broke off.
	ErrUpgrading = errors.New("an upgrade was begun and not finished")
)

// Check says why this program must not work on a database of this format, in
// words that tell a person what to do; nil if it may.
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
