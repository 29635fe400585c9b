package handlers

import (
	"io"
	"net/http"

	"github.com/labstack/echo/v4"
)

// worthPacking is the size from which compression saves a packet.
const worthPacking = 1400

// packAnswers compresses what is worth it for browsers that take it: a map is
// hundreds of seats that differ by their numbers. It stands before all that
// writes an answer, errors too. Streams go past it: each frame is flushed, and
// what viewers share is written as it is.
func (s *Server) packAnswers(next echo.HandlerFunc) echo.HandlerFunc {
	packed := echo.WrapMiddleware(func(h http.Handler) http.Handler { return s.pack(h) })(next)
	return func(c echo.Context) error {
		if c.Path() == streamRoute {
			return next(c)
		}
		return packed(c)
	}
}

// takesGzip tells whether packAnswers has found that the browser takes gzip: its
// writer then is one that has an end to be closed.
func takesGzip(c echo.Context) bool {
	_, packing := c.Response().Writer.(io.Closer)
	return packing
}
