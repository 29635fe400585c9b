package handlers

import (
	"fmt"
	"mime"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"
)

const (
	maxBody = 64 << 10
	// soon is how long a page or a post may take on the wire, either way.
	soon = 30 * time.Second
)

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// secureHeaders go with every answer. The referrer policy is not no-referrer:
// browsers would then send "Origin: null" with forms on a plain-http network.
func secureHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		return next(c)
	}
}

// logRequests logs the route, never the address with its query, and nothing
// that identifies the visitor.
func (s *Server) logRequests(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := time.Now()
		if err := next(c); err != nil {
			c.Error(err) // answered now, so that the status is known
		}
		s.log.Debug("request", "method", c.Request().Method, "route", c.Path(),
			"status", c.Response().Status, "took", time.Since(began).Round(time.Microsecond))
		return nil
	}
}

// recoverPanics turns a panic into an error of this one request.
func (s *Server) recoverPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				s.log.Error("panic", "route", c.Path(), "panic", p, "stack", string(debug.Stack()))
				err = fmt.Errorf("panic: %v", p)
			}
		}()
		return next(c)
	}
}

// finishSoon bounds the time of every request; a stream removes the bound. The
// deadlines belong to the connection, so each request on it must set its own.
func finishSoon(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		rc, until := http.NewResponseController(c.Response()), time.Now().Add(soon)
		if err := rc.SetWriteDeadline(until); err != nil {
			return fmt.Errorf("set write deadline: %w", err)
		}
		if err := rc.SetReadDeadline(until); err != nil {
			return fmt.Errorf("set read deadline: %w", err)
		}
		return next(c)
	}
}

// refuseCrossSite keeps other sites from posting with a visitor's cookie.
func (s *Server) refuseCrossSite(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := s.cross.Check(c.Request()); err != nil {
			return fmt.Errorf("%w: %w", errCrossSite, err)
		}
		return next(c)
	}
}

// limitBody lets only small forms in, and reads them: the rest of the request
// then needs no network.
func limitBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.ContentLength != 0 {
			kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
			if err != nil || kind != "application/x-www-form-urlencoded" {
				return errWrongType
			}
		}
		r.Body = http.MaxBytesReader(c.Response(), r.Body, maxBody)
		if err := r.ParseForm(); err != nil {
			return fmt.Errorf("%w: %w", errBadForm, err)
		}
		return next(c)
	}
}
