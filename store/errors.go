package store

import "errors"

// The errors of the contract. Engines wrap them with the operation and its
// subject; callers compare with errors.Is.
var (
	// ErrNoEvent and ErrNoSeat: there is no such event, or the event has no
	// such seat.
	ErrNoEvent = errors.New("no such event")
	ErrNoSeat  = errors.New("no such seat")
	// ErrExists: another event has this id, with another definition.
	ErrExists = errors.New("event exists")
	// ErrStale: the revision or version that was to be changed is not the
	// present one. Read it again.
	ErrStale = errors.New("event changed meanwhile")
	// ErrInUse: somebody has a seat of the event; the text says which.
	ErrInUse = errors.New("in use")
	// ErrInvalid: the request itself is malformed; the text says how.
	ErrInvalid = errors.New("invalid")

	// The refusals. Nothing was changed.
	//
	// ErrTaken: somebody else has a live lock on the seat, or is paying.
	ErrTaken = errors.New("seat taken")
	// ErrBooked: the seat is booked.
	ErrBooked = errors.New("seat booked")
	// ErrWithheld: the organizer does not sell the seat.
	ErrWithheld = errors.New("seat withheld")
	// ErrPaying: the seat is the holder's own, with a payment under way.
	ErrPaying = errors.New("payment under way")
	// ErrNotYours: somebody else has the seat that was to be given back.
	ErrNotYours = errors.New("seat not yours")
	// ErrExpired: the holder's clock has run out, or never ran.
	ErrExpired = errors.New("lock expired")
	// ErrClosed: the event is not on sale now.
	ErrClosed = errors.New("not on sale")
	// ErrLimit: the holder would have more seats than the rules allow.
	ErrLimit = errors.New("seat limit reached")

	// ErrNoBooking: there is no such booking, or it is not the caller's.
	ErrNoBooking = errors.New("no such booking")
	// ErrReused: the id of the request was that of another one.
	ErrReused = errors.New("request id used for something else")
	// ErrNotReserved: the booking is not, or no longer, to be paid at the door.
	ErrNotReserved = errors.New("booking not reserved")
	// ErrNotStuck: the provider is still asked for the refund.
	ErrNotStuck = errors.New("refund not stuck")
	// ErrTooLate: the time in which a visitor can do that is over.
	ErrTooLate = errors.New("too late")
	// ErrEnded: the booking has ended without seats.
	ErrEnded = errors.New("booking ended")
	// ErrCheckedIn: the ticket was let in already. ErrUnpaid: its booking is not
	// paid for. ErrCancelled: its seat was cancelled. ErrReplaced: another ticket was issued in
	// its place. ErrForeign: it is for another event.
	ErrCheckedIn = errors.New("checked in already")
	ErrUnpaid    = errors.New("not paid")
	ErrCancelled = errors.New("cancelled")
	ErrReplaced  = errors.New("replaced by another ticket")
	ErrForeign   = errors.New("ticket for another event")
	// ErrLeased: another caller has the lease, or it is not due.
	ErrLeased = errors.New("not due")

	// ErrCursorLost: the feed cannot be read from this cursor: another epoch,
	// too old, or ahead of the store. Take a snapshot and go on from there.
	ErrCursorLost = errors.New("cursor lost")
	// ErrNoStore: there is no Seatlock store at this address, and none was to be
	// created.
	ErrNoStore = errors.New("there is no store")
	// ErrUnknown: the outcome is unknown; the write may have been applied.
	// Repeat the same request: it ends as a success or says that nothing is
	// known yet, and never blames the holder's own first try.
	ErrUnknown = errors.New("outcome unknown")
	// ErrUnavailable: the store cannot serve now; nothing was changed.
	ErrUnavailable = errors.New("store unavailable")
)

// IsAnswer reports whether err answers the request, and is not a fault of the
// store: all of the errors above but [ErrUnknown] and
// [ErrUnavailable].
func IsAnswer(err error) bool {
	for _, answer := range []error{
		ErrNoEvent, ErrNoSeat, ErrExists, ErrStale, ErrInUse, ErrInvalid,
		ErrTaken, ErrBooked, ErrWithheld, ErrPaying, ErrNotYours, ErrExpired, ErrClosed, ErrLimit,
		ErrNoBooking, ErrReused, ErrNotReserved, ErrNotStuck, ErrTooLate, ErrEnded, ErrLeased,
		ErrTariff, ErrCheckedIn, ErrUnpaid, ErrCancelled, ErrReplaced, ErrForeign, ErrUnsettled, ErrCursorLost,
	} {
		if errors.Is(err, answer) {
			return true
		}
	}
	return false
}
