package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"golang.org/x/text/language"

	"github.com/seatlock/seatlock/views"
)

const wordsKey = "words"

// speak returns the words for the answer, in the language that the address
// asks for, else that of the cookie, else the one that suits the browser best;
// and says so in the answer's headers. A language that a page's address asks
// for is kept in the cookie; that of a stream only says what its page speaks.
func (s *Server) speak(c echo.Context) views.Words {
	if w, spoken := c.Get(wordsKey).(views.Words); spoken {
		return w
	}
	tag, asked := views.Language(c.QueryParam("lang"))
	switch {
	case !asked:
		tag = languageOf(c.Request())
	case c.Path() != streamRoute:
		s.remember(c, tag)
	}
	h, w := c.Response().Header(), views.In(tag)
	h.Set("Content-Language", tag.String())
	h.Add("Vary", "Accept-Language, Cookie")
	c.Set(wordsKey, w)
	return w
}

// languageOf returns the language of a request whose address asks for none.
func languageOf(r *http.Request) language.Tag {
	for _, cookie := range r.CookiesNamed("lang") {
		if tag, known := views.Language(cookie.Value); known {
			return tag
		}
	}
	return views.Match(r.Header.Get("Accept-Language"))
}

func (s *Server) remember(c echo.Context, tag language.Tag) {
	c.SetCookie(&http.Cookie{
		Name: "lang", Value: tag.String(), Path: "/", MaxAge: 365 * 24 * 60 * 60,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.sessions.cookie.Secure,
	})
}
