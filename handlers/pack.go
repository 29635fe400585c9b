package handlers

import (
	"io"
	"net/http"

	"github.com/labstack/echo/v4"
)

// worthPacking is the size from which compression saves a packet.
const worthPacking = 1400

// packAnswers compresses large answers for browsers that accept it: a map is
// hundreds of seats that differ by their numbers. It comes before everything
// that writes an answer, errors too. Streams bypass it: each frame is flushed,
// and shared frames are written as they are.
func (s *Server) packAnswers(next echo.HandlerFunc) echo.HandlerFunc {
	packed := echo.WrapMiddleware(func(h http.Handler) http.Handler { return s.pack(h) })(next)
	return func(c echo.Context) error {
		if c.Path() == streamRoute {
			return next(c)
		}
		return packed(c)
	}
}

// takesGzip reports whether packAnswers compresses this answer: its writer then
// has a Close method.
func takesGzip(c echo.Context) bool {
	_, packing := c.Response().Writer.(io.Closer)
	return packing
}
