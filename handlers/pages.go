package handlers

import (
	"bytes"
	"net/http"
	"slices"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/views"
)

// eventPage serves GET /events/{event} and /events/{event}/sections/{section}.
func (s *Server) eventPage(c echo.Context) error {
	board, err := s.boardOf(c)
	if err != nil {
		return err
	}
	if cursor, ok := store.ParseCursor(c.QueryParam("cursor")); ok {
		s.reach(c.Request().Context(), board, cursor)
	}
	return s.showEvent(c, board, c.Param("section"), http.StatusOK, "")
}

// showEvent renders a page of the event from the board. With a status of 200
// the line is the one that the query's note stands for.
func (s *Server) showEvent(c echo.Context, board *live.Board, section string, status int, line string) error {
	visitor := visitorOf(c)
	tag := s.speak(c).Language()
	view, err := board.View(live.Kind{Section: section, Language: tag.String()}, visitor.holder)
	if err != nil {
		return err
	}
	h := preparedOf(view.Draw).hall(tag)
	p, ok := h.Page(section)
	if !ok {
		return live.ErrNoPage
	}
	basket, booked := basketOf(view.Mine, view.Booked, view.Now), idsOf(view.Booked)
	refused := status != http.StatusOK
	if !refused {
		line = note(c.QueryParam("note")).line(h.Words, untilOf(h, basket))
	}
	s.sessions.introduce(c)
	noCache(c)
	if view.Event.Hidden {
		c.Response().Header().Set("X-Robots-Tag", "noindex") // nor on the lists of others
	}
	return render(c, status, views.EventPage(views.EventView{
		Page: p, Seats: view.Seats, Sections: viewCounts(view.Sections), Cursor: view.Cursor,
		Mine: func(seat store.Seat) bool {
			return seat.HeldBy(visitor.holder, view.Now) || seat.Status == store.Booked && slices.Contains(booked, seat.ID)
		},
		Best:   views.BestView{Most: s.rules.MaxSeats, Request: newRequest()},
		Basket: basket, Line: line, Refused: refused, NewVisitor: visitor.fresh, Asset: s.files.Path,
	}))
}

// planCSS serves GET /events/{event}/plan-{hash}.css.
func (s *Server) planCSS(c echo.Context) error {
	board, err := s.boardOf(c)
	if err != nil {
		return err
	}
	css, ok := preparedOf(board.Renderer()).english.Sheet(c.Param("file"))
	if !ok {
		return echo.ErrNotFound
	}
	cacheForever(c)
	return c.Blob(http.StatusOK, "text/css; charset=utf-8", css)
}

// static serves GET /static/{name}; the names have a hash.
func (s *Server) static(c echo.Context) error {
	file, ok := s.files.Open(c.Request().URL.Path)
	if !ok {
		return echo.ErrNotFound
	}
	cacheForever(c)
	if len(file.Gzip) > 0 && takesGzip(c) {
		c.Response().Header().Set("Content-Encoding", "gzip")
		return c.Blob(http.StatusOK, file.ContentType, file.Gzip)
	}
	return c.Blob(http.StatusOK, file.ContentType, file.Body)
}

// render writes a page only once it is complete.
func render(c echo.Context, status int, page templ.Component) error {
	var body bytes.Buffer
	if err := page.Render(c.Request().Context(), &body); err != nil {
		return err
	}
	return c.HTMLBlob(status, body.Bytes())
}

// noCache makes the browser ask for the page each time, but lets the back
// button restore it.
func noCache(c echo.Context) {
	c.Response().Header().Set("Cache-Control", "private, no-cache")
	c.Response().Header().Add("Vary", "HX-Request")
}

func cacheForever(c echo.Context) {
	c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
}
