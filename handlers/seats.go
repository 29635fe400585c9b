package handlers

import (
	"context"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/views"
)

// reachBoard is how long an answer waits for the board to show the visitor's
// own change, so that the next page has it.
const reachBoard = 250 * time.Millisecond

// lock serves POST /events/{event}/lock: seat, repeatable.
func (s *Server) lock(c echo.Context) error {
	seats := c.Request().PostForm["seat"]
	if len(seats) == 0 {
		return errNoSeatNamed
	}
	board, err := s.boardOf(c)
	if err != nil {
		return err
	}
	if a, refused := s.refuseUnpriced(c, board, seats); refused {
		return s.answer(c, board, a)
	}
	event := board.Event().ID
	out, err := s.grant(c, event, func() (store.Outcome, error) {
		return s.store.Lock(c.Request().Context(), store.LockRequest{
			Event: event, Holder: visitorOf(c).holder, Seats: seats, Rules: s.rules,
		})
	})
	return s.answer(c, board, answered{out: out, err: err, done: noteLocked, mind: true})
}

// refuseUnpriced refuses seats without a price, since the store does not know
// prices. Like the store it allows seats that the visitor already has, and
// leaves seats that are booked for the visitor to the store.
func (s *Server) refuseUnpriced(c echo.Context, board *live.Board, ids []string) (a answered, refused bool) {
	h := preparedOf(board.Renderer()).english
	ids = slices.DeleteFunc(store.Distinct(ids), func(id string) bool { return h.SeatName(id) == "" || h.Priced(id) })
	if len(ids) == 0 {
		return a, false
	}
	holder := visitorOf(c).holder
	seats, now := board.Seats(ids...)
	seats = slices.DeleteFunc(seats, func(seat store.Seat) bool { return isOwn(seat, holder, now) })
	if len(seats) == 0 {
		return a, false
	}
	view, err := board.View(live.Kind{Language: h.Language().String()}, holder)
	if err != nil {
		return answered{err: err}, true
	}
	return answered{err: store.ErrWithheld, out: store.Outcome{Seats: seats, Lock: store.Lock{Seats: view.Mine}, Now: view.Now}}, true
}

// unlock serves POST /events/{event}/unlock: seat, repeatable; none is all.
func (s *Server) unlock(c echo.Context) error {
	board, err := s.boardOf(c)
	if err != nil {
		return err
	}
	out, err := s.store.Unlock(c.Request().Context(), store.UnlockRequest{
		Event: board.Event().ID, Holder: visitorOf(c).holder, Seats: c.Request().PostForm["seat"],
	})
	return s.answer(c, board, answered{out: out, err: err, done: noteUnlocked})
}

// extend serves POST /events/{event}/extend.
func (s *Server) extend(c echo.Context) error {
	board, err := s.boardOf(c)
	if err != nil {
		return err
	}
	out, err := s.store.Extend(c.Request().Context(), store.ExtendRequest{
		Event: board.Event().ID, Holder: visitorOf(c).holder, Rules: s.rules,
	})
	return s.answer(c, board, answered{out: out, err: err, done: noteExtended})
}

// mindSingle makes the answer to a lock say whether it leaves a single seat.
// That is allowed, and is looked up on the board at the time of the answer.
func mindSingle(board *live.Board, a *answered) {
	single := preparedOf(board.Renderer()).layout.stranded(idsOf(a.out.Seats), board)
	if len(single) == 0 {
		return
	}
	a.done = noteSingle
	a.says = func(h *views.Hall, until string) string {
		return noteLocked.line(h.Words, until) + " " + singleLine(h, single)
	}
}

// payingOf are the seats of a request that the holder is paying for.
func payingOf(holder store.Holder, out store.Outcome) []store.Seat {
	return slices.DeleteFunc(slices.Clone(out.Seats), func(seat store.Seat) bool {
		return seat.Status != store.Paying || !seat.HeldBy(holder, out.Now)
	})
}

// minePaying makes the answer to a lock say which of its seats are being paid
// for: those were not changed, and have no deadline.
func minePaying(a *answered, paying []store.Seat) {
	before := *a
	if len(paying) == len(a.out.Seats) {
		a.done = noteUnderWay
	}
	a.says = func(h *views.Hall, until string) string {
		line := payingLine(h, paying)
		if a.done != noteUnderWay {
			line = before.line(h, until) + " " + line
		}
		return line
	}
}

// line returns the sentence about what was done.
func (a answered) line(h *views.Hall, until string) string {
	if a.says != nil {
		return a.says(h, until)
	}
	return a.done.line(h.Words, until)
}

func (s *Server) boardOf(c echo.Context) (*live.Board, error) {
	id := c.Param("event")
	if !store.ValidID(id) {
		return nil, store.ErrNoEvent
	}
	s.halls.use(id)
	ctx := c.Request().Context()
	if why, ok := s.halls.failedLately(id); ok {
		if e, err := s.store.Event(ctx, id); err == nil && reflect.DeepEqual(e, why.event) {
			return nil, why
		}
	}
	board, err := s.hub.Board(ctx, id)
	s.halls.note(err)
	return board, err
}

// answered is the result of a request for seats.
type answered struct {
	out  store.Outcome
	err  error
	done note
	// says is the line where more can be said than the note does, which is
	// only a code; nil is the note's.
	says func(h *views.Hall, until string) string
	// mind makes the answer say whether a success leaves a single seat.
	mind bool
	// more are further fragments beside seats, basket and line.
	more []byte
}

// answer answers a request for seats with the state after it: as fragments, or
// as a page for a browser without JavaScript.
//
// It waits once for the board to catch up, and not at all for a refusal in
// fragments: nothing was written that a next page could miss, and out has the
// seats. A whole page is drawn from the board, which must not show the refused
// seat as free.
func (s *Server) answer(c echo.Context, board *live.Board, a answered) error {
	if a.err == nil || !isFragment(c) || !knowsAll(board, a.out.Seats) {
		s.reach(c.Request().Context(), board, a.out.Cursor)
	}
	paying := payingOf(visitorOf(c).holder, a.out)
	switch {
	case a.err != nil || len(paying) == 0:
		if a.err == nil && a.mind {
			mindSingle(board, &a)
		}
	case a.done == noteLocked || a.done == noteBest:
		minePaying(&a, paying)
	}
	h := preparedOf(board.Renderer()).hall(s.speak(c).Language())
	p, ok := h.Page(c.Request().PostForm.Get("page"))
	if !ok {
		p, _ = h.Page("") // the answer says in any case what was done
	}
	basket := basketOf(a.out.Lock.Seats, board.Booked(visitorOf(c).holder), a.out.Now)
	status, line := http.StatusOK, ""
	if a.err == nil {
		line = a.line(h, untilOf(h, basket))
	} else if status, line = refusal(h, visitorOf(c).holder, a.err, a.out, s.rules); status == 0 {
		return a.err
	}
	switch {
	case isFragment(c):
		return s.fragments(c, p, status, a, basket, line)
	case a.err != nil:
		return s.showEvent(c, board, p.Section(), status, line)
	default:
		s.sessions.introduce(c)
		return c.Redirect(http.StatusSeeOther, pageAfter(p, a.out, a.done))
	}
}

// knowsAll reports whether the board has all the seats: a seat may be newer
// than the board's definition.
func knowsAll(board *live.Board, seats []store.Seat) bool {
	known, _ := board.Seats(idsOf(seats)...)
	return len(known) == len(seats)
}

func (s *Server) reach(ctx context.Context, board *live.Board, cursor store.Cursor) {
	ctx, cancel := context.WithTimeout(ctx, reachBoard)
	defer cancel()
	board.Reach(ctx, cursor)
}

// fragments returns the seats of the request as this visitor sees them, the
// basket, one line, and further fragments.
func (s *Server) fragments(c echo.Context, p views.Page, status int, a answered, basket views.Basket, line string) error {
	v := visitorOf(c)
	body := a.more
	for _, seat := range a.out.Seats {
		body = p.AppendSeat(body, seat, isOwn(seat, v.holder, a.out.Now))
	}
	body = p.AppendBasket(body, basket)
	body = views.AppendStatus(body, line, status != http.StatusOK)
	if v.fresh {
		s.sessions.introduce(c)
		c.Response().Header().Set("HX-Trigger", "identity")
	}
	noCache(c)
	return c.HTMLBlob(status, body)
}

// pageAfter returns where a browser without JavaScript is sent: to the page of
// the form, or from an overview to the page of the seats that are now held.
func pageAfter(p views.Page, out store.Outcome, done note) string {
	if done != noteUnlocked && len(out.Seats) > 0 {
		p = p.With(out.Seats[0].ID)
	}
	query := url.Values{"note": {string(done)}, "cursor": {out.Cursor.String()}}
	to := url.URL{Path: p.Path(), RawQuery: query.Encode()}
	if len(out.Seats) > 0 {
		to.Fragment = "seat-" + out.Seats[0].ID
	}
	return to.String()
}

// isOwn reports whether a seat is shown as the holder's: locked, being paid for or
// booked.
func isOwn(seat store.Seat, holder store.Holder, now time.Time) bool {
	return seat.HeldBy(holder, now) || seat.Status == store.Booked && holder != "" && seat.LockedBy == holder
}

// basketOf returns the basket for the seats of a holder. Locked seats share one
// clock, which seats that are being paid for have left; the seat that was
// locked last knows whether it was extended. For booked seats the basket has
// the bookings.
func basketOf(seats, booked []store.Seat, now time.Time) views.Basket {
	lock := store.Lock{Seats: seats}
	for _, seat := range seats {
		if seat.Status != store.Locked {
			continue
		}
		lock.Started, lock.Deadline = seat.LockTime, seat.LockedUntil
		lock.Extended = lock.Extended || seat.Extended
	}
	return views.Basket{Lock: lock, Bookings: codesOf(booked), Now: now}
}

// codesOf returns the codes of the bookings of seats, each once.
func codesOf(booked []store.Seat) (codes []string) {
	for _, seat := range booked {
		if store.ValidCode(seat.Booking) && !slices.Contains(codes, seat.Booking) {
			codes = append(codes, seat.Booking)
		}
	}
	return codes
}

func isFragment(c echo.Context) bool { return c.Request().Header.Get("HX-Request") == "true" }
