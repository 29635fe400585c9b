package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
	"github.com/seatlock/seatlock/views"
)

// note is what a finished request tells on the page that it leads to: a code
// that travels in the query. Anything not on this list is no note.
type note string

const (
	noteLocked   note = "locked"
	noteUnlocked note = "unlocked"
	noteExtended note = "extended"
	noteBest     note = "best"
	noteSingle   note = "single"
)

// line returns the sentence for a note, or "" for a code that is not ours.
func (n note) line(until string) string {
	if n == noteUnlocked {
		return "Given back."
	}
	if until == "" {
		return ""
	}
	switch n {
	case noteLocked:
		return "Yours until " + until + "."
	case noteBest:
		return "The best that were free: yours until " + until + "."
	case noteSingle:
		return noteLocked.line(until) + leaves("a seat beside yours")
	case noteExtended:
		return "Extended: yours until " + until + "."
	}
	return ""
}

// leaves asks those who leave seats single to think of others.
func leaves(seats string) string {
	return " That leaves " + seats + " alone: if you can, move by one."
}

func singleLine(h *views.Hall, single []plan.Seat) string {
	names := make([]string, len(single))
	for i, seat := range single {
		names[i] = h.SeatName(seat.ID)
	}
	return leaves(strings.Join(names, ", "))
}

// blockLine begins a sentence about seats that were found for a visitor.
func blockLine(h *views.Hall, seats []store.Seat) string {
	if len(seats) == 1 {
		return h.SeatName(seats[0].ID) + ". "
	}
	return fmt.Sprintf("%d seats together: %s. ", len(seats), h.BlockName(idsOf(seats)))
}

// untilOf is the time of day, in the event's zone, at which the lock ends.
func untilOf(h *views.Hall, b views.Basket) string {
	if len(b.Lock.Seats) == 0 {
		return ""
	}
	return h.Clock(b.Lock.Deadline)
}

// refusal is the answer to a no of the store: its status, and a sentence with
// what to do next. The status is 0 if err is something else.
func refusal(h *views.Hall, holder store.Holder, err error, out store.Outcome, rules store.Rules) (status int, line string) {
	these := inTheWay(holder, out)
	switch {
	case errors.Is(err, store.ErrTaken):
		return http.StatusConflict, seatsThat(h, these, "was", "were") + " just taken by somebody else. Please choose another seat."
	case errors.Is(err, store.ErrBooked):
		return http.StatusConflict, seatsThat(h, these, "is", "are") + " sold. Please choose another seat."
	case errors.Is(err, store.ErrWithheld):
		return http.StatusConflict, seatsThat(h, these, "is", "are") + " not for sale. Please choose another seat."
	case errors.Is(err, store.ErrNotYours):
		return http.StatusConflict, seatsThat(h, these, "is", "are") + " not yours to give back."
	case errors.Is(err, store.ErrPaying):
		return http.StatusConflict, seatsThat(h, these, "is", "are") + " being paid for, and yours meanwhile."
	case errors.Is(err, store.ErrExpired):
		return http.StatusConflict, "Your time had run out, and the seats are free again. Choose them again if they still are."
	case errors.Is(err, store.ErrClosed):
		return http.StatusConflict, h.Sales(out.Now)
	case errors.Is(err, errNoBlock):
		return http.StatusUnprocessableEntity, "Not so many seats are free side by side. Ask for fewer, for another price or part of the hall, or choose them on the map."
	case errors.Is(err, store.ErrLimit):
		return http.StatusUnprocessableEntity, fmt.Sprintf("You can hold at most %d seats at once. Give one back first.", rules.MaxSeats)
	}
	return 0, ""
}

// inTheWay are the seats of the request that somebody else has or nobody can
// have; if there are none of those, all of them.
func inTheWay(holder store.Holder, out store.Outcome) []store.Seat {
	var others []store.Seat
	for _, seat := range out.Seats {
		if !seat.FreeAt(out.Now) && !seat.HeldBy(holder, out.Now) {
			others = append(others, seat)
		}
	}
	if len(others) == 0 {
		return out.Seats
	}
	return others
}

func lostLine(h *views.Hall, lost []store.Seat) string {
	return "Your time ran out: " + seatsThat(h, lost, "is", "are") + " free again. Choose again if you still want to come."
}

// seatsThat begins a sentence about seats, as people know them, with the verb
// that fits how many there are.
func seatsThat(h *views.Hall, seats []store.Seat, one, several string) string {
	names := make([]string, len(seats))
	for i, seat := range seats {
		names[i] = h.SeatName(seat.ID)
	}
	verb := one
	if len(seats) > 1 {
		verb = several
	}
	return strings.Join(names, ", ") + " " + verb
}
