package handlers

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/views"
)

// note is the code, in the query, of a message from a finished request to the
// page that it redirects to. Anything not on this list is ignored.
type note string

const (
	noteLocked   note = "locked"
	noteUnlocked note = "unlocked"
	noteExtended note = "extended"
	noteBest     note = "best"
	noteSingle   note = "single"
	noteUnderWay note = "under-way"
)

// line returns the sentence for a note, or "" for a code that is not ours.
func (n note) line(w views.Words, until string) string {
	switch n {
	case noteUnlocked:
		return w.Say("Given back.")
	case noteUnderWay:
		return w.Say("Being paid for, and yours meanwhile.")
	}
	if until == "" {
		return ""
	}
	switch n {
	case noteLocked:
		return w.Say("Yours until %s.", until)
	case noteBest:
		return w.Say("The best seats that were free: yours until %s.", until)
	case noteSingle:
		return noteLocked.line(w, until) + " " + w.Say("That leaves a seat beside yours alone: if you can, move by one.")
	case noteExtended:
		return w.Say("Extended: yours until %s.", until)
	}
	return ""
}

// singleLine asks a visitor who leaves a single seat to move.
func singleLine(h *views.Hall, single []string) string {
	return h.Say("That leaves %s alone: if you can, move by one.", namesOf(h, single))
}

// blockLine names the seats that were found for a visitor.
func blockLine(h *views.Hall, seats []store.Seat) string {
	if len(seats) == 1 {
		return h.SeatName(seats[0].ID) + "."
	}
	return h.Say("%d seats together: %s.", len(seats), h.BlockName(idsOf(seats)))
}

// untilOf returns the time of day, in the event's zone, at which the lock ends.
func untilOf(h *views.Hall, b views.Basket) string {
	if b.Lock.Deadline.IsZero() {
		return ""
	}
	return h.TimeOfDay(b.Lock.Deadline)
}

// refusal returns the answer to a refusal of the store: its status, and a
// sentence with what to do next. The status is 0 if err is something else.
func refusal(h *views.Hall, holder store.Holder, err error, out store.Outcome, rules store.Rules) (status int, line string) {
	these := inTheWay(holder, out)
	names, n := namesOf(h, idsOf(these)), len(these)
	switch {
	case errors.Is(err, store.ErrTaken):
		return http.StatusConflict, h.Say("%[1]s were just taken by somebody else. Please choose another seat.", names, n)
	case errors.Is(err, store.ErrBooked) && !slices.ContainsFunc(these, func(s store.Seat) bool { return !isOwn(s, holder, out.Now) }):
		return http.StatusConflict, h.Say("%[1]s are booked for you already. Choose one on the map to see your booking.", names, n)
	case errors.Is(err, store.ErrBooked):
		return http.StatusConflict, h.Say("%[1]s are sold. Please choose another seat.", names, n)
	case errors.Is(err, store.ErrWithheld):
		return http.StatusConflict, h.Say("%[1]s are not for sale. Please choose another seat.", names, n)
	case errors.Is(err, store.ErrNotYours):
		return http.StatusConflict, h.Say("%[1]s are not yours to give back.", names, n)
	case errors.Is(err, store.ErrPaying):
		return http.StatusConflict, payingLine(h, payingOf(holder, out))
	case errors.Is(err, store.ErrExpired):
		return http.StatusConflict, h.Say("Your time had run out, and the seats are free again. Choose them again if they still are.")
	case errors.Is(err, store.ErrClosed):
		return http.StatusConflict, h.Sales(out.Now)
	case errors.Is(err, errNoBlock):
		return http.StatusUnprocessableEntity, h.Say("That many seats are not free side by side. Ask for fewer, for another price or part of the hall, or choose them on the map.")
	case errors.Is(err, store.ErrLimit):
		return http.StatusUnprocessableEntity, h.Say("You can hold at most %d seats at once. Give one back first.", rules.MaxSeats)
	}
	return 0, ""
}

// inTheWay returns the seats of the request that are not available; if there
// are none, all of them.
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

// payingLine names the seats that a visitor is paying for.
func payingLine(h *views.Hall, paying []store.Seat) string {
	return h.Say("%[1]s are being paid for, and yours meanwhile.", namesOf(h, idsOf(paying)), len(paying))
}

// lostLine tells a visitor which seats they have lost and why, and what became of
// a payment, in a sentence for each reason: the status element has room for one
// line, and the next takes its place. What is locked ends at until. It is "" if
// there is nothing to tell; bad is true if the visitor did not ask for all of
// it.
func lostLine(h *views.Hall, lost []live.Loss, until string) (line string, bad bool) {
	why := map[store.Reason][]string{}
	for _, l := range lost {
		why[l.Reason] = append(why[l.Reason], l.Seat.ID)
	}
	var said []string
	if ids := why[store.ReasonLapsed]; len(ids) > 0 {
		said = append(said, h.Say("Your time ran out: %[1]s are free again. Choose again if you still want to come.", namesOf(h, ids), len(ids)))
	}
	if ids := why[store.ReasonReleased]; len(ids) > 0 {
		said = append(said, h.Say("The box office has released %s. Please choose again.", namesOf(h, ids)))
	}
	if ids := why[store.ReasonLost]; len(ids) > 0 {
		said = append(said, h.Say("%[1]s went to somebody else before your payment came. Please choose another seat.", namesOf(h, ids), len(ids)))
	}
	if ids := why[store.ReasonDeclined]; len(ids) > 0 {
		said = append(said, h.Say("Your payment was declined or given up; %[1]s are still kept for you until %[3]s.", namesOf(h, ids), len(ids), until))
	}
	bad = len(said) > 0
	if ids := why[store.ReasonBooked]; len(ids) > 0 {
		said = append(said, h.Say("Booked: %s.", namesOf(h, ids)))
	}
	if ids := why[store.ReasonCancelled]; len(ids) > 0 {
		said = append(said, h.Say("Cancelled: %[1]s are free again.", namesOf(h, ids), len(ids)))
	}
	return strings.Join(said, " "), bad
}

// namesOf returns the names of seats for people.
func namesOf(h *views.Hall, ids []string) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = h.SeatName(id)
	}
	return strings.Join(names, ", ")
}
