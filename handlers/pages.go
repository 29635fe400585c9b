package handlers

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"
	"golang.org/x/text/language"

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
	v := views.EventsView{Words: s.speak(c), Now: now, Asset: s.files.Path}
	for _, e := range events {
		if e.OverAt(now) {
			continue
		}
		h, err := s.halls.of(ctx, e, v.Language())
		if err != nil {
			return err
		}
		v.Halls = append(v.Halls, h)
	}
	noCache(c)
	return render(c, http.StatusOK, views.EventsPage(v))
}

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
	h, err := s.halls.of(c.Request().Context(), view.Event, tag)
	if err != nil {
		return err
	}
	p, ok := h.Page(section)
	if !ok {
		return live.ErrNoPage
	}
	basket := basketOf(view.Mine, view.Now, s.rules)
	refused := status != http.StatusOK
	if !refused {
		line = note(c.QueryParam("note")).line(h.Words, untilOf(h, basket))
	}
	s.sessions.introduce(c)
	noCache(c)
	return render(c, status, views.EventPage(views.EventView{
		Page: p, Seats: view.Seats, Sections: viewCounts(view.Sections), Cursor: view.Cursor,
		Mine:   func(seat store.Seat) bool { return seat.HeldBy(visitor.holder, view.Now) },
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
	h, err := s.halls.of(c.Request().Context(), board.Event(), language.English)
	if err != nil {
		return err
	}
	css, ok := h.Sheet(c.Param("file"))
	if !ok {
		return echo.ErrNotFound
	}
	cacheForever(c)
	return sendPacked(c, http.StatusOK, "text/css; charset=utf-8", css)
}

// static serves GET /static/{name}, under names that carry a hash.
func (s *Server) static(c echo.Context) error {
	file, ok := s.files.Open(c.Request().URL.Path)
	if !ok {
		return echo.ErrNotFound
	}
	cacheForever(c)
	h := c.Response().Header()
	h.Add("Vary", "Accept-Encoding")
	if len(file.Gzip) > 0 && takesGzip(c.Request()) {
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
	return sendPacked(c, status, echo.MIMETextHTMLCharsetUTF8, body.Bytes())
}

// worthPacking is the size from which compression saves a packet.
const worthPacking = 1400

// packers are kept, since each has most of a megabyte.
var packers = sync.Pool{New: func() any { return gzip.NewWriter(io.Discard) }}

// sendPacked sends a body compressed if it is worth it and the browser takes
// it: a map is hundreds of seats that differ by their numbers.
func sendPacked(c echo.Context, status int, contentType string, body []byte) error {
	h := c.Response().Header()
	h.Add("Vary", "Accept-Encoding")
	if len(body) < worthPacking || !takesGzip(c.Request()) {
		return c.Blob(status, contentType, body)
	}
	var packed bytes.Buffer
	w := packers.Get().(*gzip.Writer)
	defer packers.Put(w)
	w.Reset(&packed)
	if _, err := w.Write(body); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	h.Set("Content-Encoding", "gzip")
	return c.Blob(status, contentType, packed.Bytes())
}

// takesGzip tells whether the browser names gzip, and not to refuse it by q=0.
func takesGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, weighed := strings.Cut(coding, ";")
		if strings.TrimSpace(name) == "gzip" {
			return !weighed || strings.Trim(q, " q=0.") != ""
		}
	}
	return false
}

// noCache has the page asked for again each time, but lets the back button
// restore it.
func noCache(c echo.Context) {
	c.Response().Header().Set("Cache-Control", "private, no-cache")
	c.Response().Header().Add("Vary", "HX-Request")
}

func cacheForever(c echo.Context) {
	c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
}
