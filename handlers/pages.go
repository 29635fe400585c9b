package handlers

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/views"
)

// eventsPage serves GET /.
func (s *Server) eventsPage(c echo.Context) error {
	ctx := c.Request().Context()
	events, err := s.store.Events(ctx)
	if err != nil {
		return err
	}
	now, err := s.store.Now(ctx)
	if err != nil {
		return err
	}
	v := views.EventsView{Now: now, Asset: s.files.Path}
	for _, e := range events {
		h, err := s.halls.of(ctx, e)
		if err != nil {
			return err
		}
		v.Halls = append(v.Halls, h)
	}
	noCache(c)
	return render(c, http.StatusOK, views.EventsPage(v))
}

// eventPage serves GET /events/{event}.
func (s *Server) eventPage(c echo.Context) error {
	board, err := s.boardOf(c)
	if err != nil {
		return err
	}
	if cursor, ok := store.ParseCursor(c.QueryParam("cursor")); ok {
		s.reach(c.Request().Context(), board, cursor)
	}
	return s.showEvent(c, board, http.StatusOK, "")
}

// showEvent renders the map from the board. With a status of 200 the line is
// the one that the query's note stands for.
func (s *Server) showEvent(c echo.Context, board *live.Board, status int, line string) error {
	visitor := visitorOf(c)
	view := board.View(visitor.holder)
	h, err := s.halls.of(c.Request().Context(), view.Event)
	if err != nil {
		return err
	}
	where, err := s.halls.layoutOf(c.Request().Context(), view.Event)
	if err != nil {
		return err
	}
	basket := basketOf(view.Mine, view.Now, s.rules)
	refused := status != http.StatusOK
	if !refused {
		line = note(c.QueryParam("note")).line(untilOf(h, basket))
	}
	s.sessions.introduce(c)
	noCache(c)
	return render(c, status, views.EventPage(views.EventView{
		Hall: h, Seats: view.Seats, Counts: views.Counts(view.Counts), Cursor: view.Cursor,
		Mine:   func(seat store.Seat) bool { return seat.HeldBy(visitor.holder, view.Now) },
		Best:   views.BestView{Plan: where.plan, Most: s.rules.MaxSeats, Request: newRequest()},
		Basket: basket, Line: line, Refused: refused, NewVisitor: visitor.fresh, Asset: s.files.Path,
	}))
}

// planCSS serves GET /events/{event}/plan-{hash}.css.
func (s *Server) planCSS(c echo.Context) error {
	board, err := s.boardOf(c)
	if err != nil {
		return err
	}
	h, err := s.halls.of(c.Request().Context(), board.Event())
	if err != nil {
		return err
	}
	if c.Param("file") != "plan-"+h.CSSHash()+".css" {
		return echo.ErrNotFound
	}
	keepForever(c)
	return c.Blob(http.StatusOK, "text/css; charset=utf-8", h.CSS())
}

// static serves GET /static/{name}, under names that carry a hash.
func (s *Server) static(c echo.Context) error {
	file, ok := s.files.Open(c.Request().URL.Path)
	if !ok {
		return echo.ErrNotFound
	}
	keepForever(c)
	h := c.Response().Header()
	h.Add("Vary", "Accept-Encoding")
	if len(file.Gzip) > 0 && strings.Contains(c.Request().Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		return c.Blob(http.StatusOK, file.ContentType, file.Gzip)
	}
	return c.Blob(http.StatusOK, file.ContentType, file.Body)
}

// render writes a page only once the whole of it is there.
func render(c echo.Context, status int, page templ.Component) error {
	var body bytes.Buffer
	if err := page.Render(c.Request().Context(), &body); err != nil {
		return err
	}
	return c.HTMLBlob(status, body.Bytes())
}

// noCache has the page asked for again each time, but lets the back button
// restore it.
func noCache(c echo.Context) {
	c.Response().Header().Set("Cache-Control", "private, no-cache")
	c.Response().Header().Add("Vary", "HX-Request")
}

func keepForever(c echo.Context) {
	c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
}
