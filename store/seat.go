package store

import (
	"fmt"
	"log/slog"
	"time"
)

// Status is the state of a seat that everybody may see. The zero value is
// Available.
type Status uint8

// The statuses of a seat. Paying belongs to checkout: such a seat is not freed
// by time alone.
const (
	Available Status = iota
	Locked
	Paying
	Booked
	Withheld
	// Unknown is any status that this program does not know, written by a newer
	// one. Such a seat is not for sale, cannot be changed, and keeps its status
	// in the database.
	Unknown

	// Statuses is the number of statuses.
	Statuses = iota
)

var statusNames = [Statuses]string{"available", "locked", "paying", "booked", "withheld", "unknown"}

// String returns the status as it is stored and sent.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return fmt.Sprintf("status(%d)", uint8(s))
}

// ParseStatus is the inverse of [Status.String]; any other text is Unknown.
func ParseStatus(text string) Status {
	for i, name := range statusNames {
		if name == text {
			return Status(i)
		}
	}
	return Unknown
}

// Holder is the opaque id of somebody who can hold seats: one visitor. It is
// never a session token, and never shown to anybody else.
type Holder string

// LogValue keeps holders out of logs.
func (Holder) LogValue() slog.Value { return slog.StringValue("[holder]") }

// Seat is one sellable place of one event, as it stood when it was read.
type Seat struct {
	ID     string
	Status Status

	// LockedBy is the holder while Locked, Paying or Booked; otherwise "".
	LockedBy Holder
	// LockTime is when the holder's clock for this event began, LockedUntil
	// when it ends, both by the store's clock and whole milliseconds. They are
	// zero unless the seat is Locked or Paying.
	LockTime, LockedUntil time.Time
	// Extended means that the clock of the lock was extended by then. It is
	// false unless the seat is Locked or Paying.
	Extended bool
	// Booking is the booking's code while Paying or Booked; otherwise "".
	Booking string

	// Version grows by exactly one on every change of this seat. A seat that
	// was never changed has version 1.
	Version int64
}

// FreeAt reports whether the next conditional write may take the seat at now:
// it is available, or its lock has lapsed, swept or not.
func (s Seat) FreeAt(now time.Time) bool {
	return s.Status == Available || s.Status == Locked && !now.Before(s.LockedUntil)
}

// HeldBy reports whether holder has a live lock on the seat at now, or is
// paying for it.
func (s Seat) HeldBy(holder Holder, now time.Time) bool {
	if holder == "" || s.LockedBy != holder {
		return false
	}
	return s.Status == Paying || s.Status == Locked && now.Before(s.LockedUntil)
}

// Lock is the temporary claim of one holder on seats of one event, with one
// clock for all of them. A holder whose clock runs may have no seat left: the
// clock does not start again before it is over. The zero value is no lock.
type Lock struct {
	// Seats are the holder's locked and paying seats, by id.
	Seats []Seat
	// Started and Deadline bound the clock of the locked ones while it runs;
	// Extended tells that the one extension was used. Seats that are being paid
	// for have no part in it.
	Started, Deadline time.Time
	Extended          bool
}
