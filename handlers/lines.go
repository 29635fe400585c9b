package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/seatlock/seatlock/store"
)

// note is what a finished request tells on the page that it leads to: a code
// that travels in the query. Anything not on this list is no note.
type note string

const (
	noteLocked   note = "locked"
	noteUnlocked note = "unlocked"
	noteExtended note = "extended"
)

// line returns the sentence for a note, or "" for a code that is not ours.
func (n note) line(until string) string {
	switch n {
	case noteLocked:
		if until == "" {
			return ""
		}
		return "Yours until " + until + "."
	case noteUnlocked:
		return "Given back."
	case noteExtended:
		if until == "" {
			return ""
		}
		return "Extended: yours until " + until + "."
	}
	return ""
}

// untilOf is the time of day, in the event's zone, at which the lock ends.
func untilOf(h *hall, lock store.Lock) string {
	if len(lock.Seats) == 0 {
		return ""
	}
	return h.Clock(lock.Deadline)
}

// refusal is the answer to a no of the store: its status, and a sentence with
// what to do next. The status is 0 if err is something else.
func refusal(h *hall, holder store.Holder, err error, out store.Outcome, rules store.Rules) (status int, line string) {
	ids := inTheWay(holder, out)
	names, is, was := seatNames(h, ids), " is ", " was "
	if len(ids) > 1 {
		is, was = " are ", " were "
	}
	switch {
	case errors.Is(err, store.ErrTaken):
		return http.StatusConflict, names + was + "just taken by somebody else. Please choose another seat."
	case errors.Is(err, store.ErrBooked):
		return http.StatusConflict, names + is + "sold. Please choose another seat."
	case errors.Is(err, store.ErrWithheld):
		return http.StatusConflict, names + is + "not for sale. Please choose another seat."
	case errors.Is(err, store.ErrNotYours):
		return http.StatusConflict, names + is + "not yours to give back."
	case errors.Is(err, store.ErrPaying):
		return http.StatusConflict, names + is + "being paid for, and yours meanwhile."
	case errors.Is(err, store.ErrExpired):
		return http.StatusConflict, "Your time had run out, and the seats are free again. Choose them again if they still are."
	case errors.Is(err, store.ErrClosed):
		return http.StatusConflict, h.Sales(out.Now)
	case errors.Is(err, store.ErrLimit):
		return http.StatusUnprocessableEntity, fmt.Sprintf("You can hold at most %d seats at once. Give one back first.", rules.MaxSeats)
	}
	return 0, ""
}

// inTheWay are the seats of the request that somebody else has or nobody can
// have; if there are none of those, all of them.
func inTheWay(holder store.Holder, out store.Outcome) []string {
	var all, others []string
	for _, seat := range out.Seats {
		all = append(all, seat.ID)
		if !seat.FreeAt(out.Now) && !seat.HeldBy(holder, out.Now) {
			others = append(others, seat.ID)
		}
	}
	if len(others) == 0 {
		return all
	}
	return others
}

func lostLine(h *hall, lost []store.Seat) string {
	ids := make([]string, len(lost))
	for i, seat := range lost {
		ids[i] = seat.ID
	}
	is := " is "
	if len(ids) > 1 {
		is = " are "
	}
	return "Your time ran out: " + seatNames(h, ids) + is + "free again. Choose again if you still want to come."
}

// seatNames lists seats as people know them.
func seatNames(h *hall, ids []string) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = h.SeatName(id)
	}
	return strings.Join(names, ", ")
}
