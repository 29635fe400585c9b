package handlers

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/views"
)

// reachBoard is how long an answer waits for the board to show what the
// visitor did, so that no next page is behind their own click.
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
	if err := s.sessions.keep(c); err != nil {
		return err
	}
	out, err := s.store.Lock(c.Request().Context(), store.LockRequest{
		Event: board.Event().ID, Holder: visitorOf(c).holder, Seats: seats, Rules: s.rules,
	})
	return s.answer(c, board, out, err, noteLocked)
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
	return s.answer(c, board, out, err, noteUnlocked)
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
	return s.answer(c, board, out, err, noteExtended)
}

func (s *Server) boardOf(c echo.Context) (*live.Board, error) {
	id := c.Param("event")
	if !store.ValidID(id) {
		return nil, store.ErrNoEvent
	}
	return s.hub.Board(c.Request().Context(), id)
}

// answer tells how things stand after a request for seats: as fragments, or as
// a page for a browser without JavaScript.
func (s *Server) answer(c echo.Context, board *live.Board, out store.Outcome, err error, done note) error {
	// A seat may be newer than the definition that this board has.
	s.reach(c.Request().Context(), board, out.Cursor)
	h, hallErr := s.halls.of(c.Request().Context(), board.Event())
	if hallErr != nil {
		return hallErr
	}
	basket := basketOf(out.Lock.Seats, out.Now, s.rules)
	status, line := http.StatusOK, done.line(untilOf(h, basket))
	if err != nil {
		if status, line = refusal(h, visitorOf(c).holder, err, out, s.rules); status == 0 {
			return err
		}
	}
	switch {
	case isFragment(c):
		return s.fragments(c, h, status, out, basket, line)
	case err != nil:
		return s.showEvent(c, board, status, line)
	default:
		s.sessions.introduce(c)
		return c.Redirect(http.StatusSeeOther, pageAfter(board.Event().ID, out, done))
	}
}

func (s *Server) reach(ctx context.Context, board *live.Board, cursor store.Cursor) {
	ctx, cancel := context.WithTimeout(ctx, reachBoard)
	defer cancel()
	board.Reach(ctx, cursor)
}

// fragments are the seats of the request as they stand for this visitor, the
// basket, and one line.
func (s *Server) fragments(c echo.Context, h *views.Hall, status int, out store.Outcome, basket views.Basket, line string) error {
	v := visitorOf(c)
	var body []byte
	for _, seat := range out.Seats {
		body = h.AppendSeat(body, seat, seat.HeldBy(v.holder, out.Now))
	}
	body = h.AppendBasket(body, basket)
	body = views.AppendStatus(body, line, status != http.StatusOK)
	if v.fresh {
		s.sessions.introduce(c)
		c.Response().Header().Set("HX-Trigger", "identity")
	}
	noCache(c)
	return c.HTMLBlob(status, body)
}

func pageAfter(event string, out store.Outcome, done note) string {
	query := url.Values{"note": {string(done)}, "cursor": {out.Cursor.String()}}
	to := url.URL{Path: "/events/" + event, RawQuery: query.Encode()}
	if len(out.Seats) > 0 {
		to.Fragment = "seat-" + out.Seats[0].ID
	}
	return to.String()
}

// basketOf is what the seats of a holder come to: all share one clock, and
// whether it was extended shows in how long it runs.
func basketOf(seats []store.Seat, now time.Time, rules store.Rules) views.Basket {
	lock := store.Lock{Seats: seats}
	for _, seat := range seats {
		runs := seat.LockedUntil.Sub(seat.LockTime)
		lock.Started, lock.Deadline = seat.LockTime, seat.LockedUntil
		lock.Extended = runs > rules.TTL || runs >= rules.Total
	}
	return views.Basket{Lock: lock, Now: now}
}

func isFragment(c echo.Context) bool { return c.Request().Header.Get("HX-Request") == "true" }
