package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
)

const streamRoute = "/events/:event/live"

// writeWithin is how long one write to a viewer may take. A viewer who does not
// read is dropped.
const writeWithin = 10 * time.Second

// stream serves GET /events/{event}/live. It resumes from the browser's
// Last-Event-ID, else from the page's cursor; either may be garbage.
func (s *Server) stream(c echo.Context) error {
	board, err := s.boardOf(c)
	if err != nil {
		return err
	}
	text := c.Request().Header.Get("Last-Event-ID")
	if text == "" {
		text = c.QueryParam("cursor")
	}
	from, _ := store.ParseCursor(text)
	kind := live.Kind{Section: c.QueryParam("section"), Language: s.speak(c).Language().String()}
	if !board.Has(kind) {
		return live.ErrNoPage // before the stream begins: after that no status can be sent
	}

	h := c.Response().Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
	out, err := newStreamWriter(c.Response())
	if err != nil {
		return err
	}
	if err := out.rc.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	c.Response().WriteHeader(http.StatusOK)
	// Proxies that hold headers back let go at the first byte; joining may
	// have to wait for the feed.
	if err := out.write([]byte(": ok\n\n")); err != nil {
		return nil
	}
	s.sendFrames(c, board, kind, from, out)
	return nil
}

// farewellOfForgotten is the last message to a visitor who was forgotten. It
// has no valid cursor, so that the browser gets the whole map when it comes
// again: the page still shows seats as the viewer's own.
const farewellOfForgotten = "event: hb\nid: forgotten\n\n"

// sendFrames writes until the viewer leaves, does not read, or is forgotten, or
// the server ends.
func (s *Server) sendFrames(c echo.Context, board *live.Board, kind live.Kind, from store.Cursor, out *streamWriter) {
	ctx, done := s.sessions.streams.open(c.Request().Context(), visitorOf(c))
	defer done()
	viewer, err := board.Join(ctx, kind, from, visitorOf(c).holder)
	if errors.Is(err, live.ErrEnded) {
		_ = out.write(live.Farewell()) // the stream ends either way
	}
	if err != nil {
		return
	}
	defer viewer.Leave()
	for {
		chunks, err := viewer.Next(ctx)
		if context.Cause(ctx) == errForgotten {
			_ = out.write([]byte(farewellOfForgotten))
			return
		}
		if errors.Is(err, live.ErrTooSlow) {
			s.log.Info("viewer dropped: does not read", "event", board.Event().ID)
		}
		if err != nil || out.write(chunks...) != nil {
			return
		}
	}
}

// streamWriter writes and flushes with a deadline. It talks to the innermost
// writer: Echo's own Flush hides that it failed.
type streamWriter struct {
	w     http.ResponseWriter
	flush func() error
	rc    *http.ResponseController
}

func newStreamWriter(w http.ResponseWriter) (*streamWriter, error) {
	for inner := w; ; {
		if f, ok := inner.(interface{ FlushError() error }); ok {
			return &streamWriter{w: w, flush: f.FlushError, rc: http.NewResponseController(w)}, nil
		}
		u, ok := inner.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil, fmt.Errorf("stream: %w", http.ErrNotSupported)
		}
		inner = u.Unwrap()
	}
}

func (s *streamWriter) write(chunks ...[]byte) error {
	if err := s.rc.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return err
	}
	for _, chunk := range chunks {
		if _, err := s.w.Write(chunk); err != nil {
			return err
		}
	}
	if err := s.flush(); err != nil {
		return err
	}
	// HTTP/2 would reset an idle stream whose deadline has passed.
	return s.rc.SetWriteDeadline(time.Time{})
}
