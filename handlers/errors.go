package handlers

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/views"
)

// problem is the answer to an error.
type problem struct {
	status     int
	text       string // what went wrong and what to do next; "" for what fits the status
	retryAfter int    // seconds; 0 for none
	noEvent    bool   // there is no page of the event to go back to
	title      string // the same in a few words; "" for what fits the status
	// bookings are codes of what the visitor may be looking for.
	bookings []string
}

var (
	errNoSeatNamed = errors.New("no seat named")
	errNoPart      = errors.New("no such category or section")
	errNoBlock     = errors.New("no such seats side by side")
	errBadForm     = errors.New("malformed form")
	errWrongType   = errors.New("wrong content type")
	errCrossSite   = errors.New("cross-site request")
)

// problemOf maps errors to answers; nothing else does.
func problemOf(err error, w views.Words) problem {
	httpError, isHTTP := errors.AsType[*echo.HTTPError](err)
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	badCount, isCount := errors.AsType[countError](err)
	switch {
	case tooLarge:
		return problem{status: 413, text: w.Say("That was too much at once, and nothing was changed. Choose fewer seats.")}
	case errors.Is(err, store.ErrNoEvent):
		return problem{status: 404}
	case errors.Is(err, errUndrawable):
		return problem{status: 409, noEvent: true,
			text: w.Say("This event cannot be shown until its organizer corrects it. All other events are on the home page.")}
	case errors.Is(err, live.ErrNoPage):
		return problem{status: 404, text: w.Say("This event has no such section. The event's page lists all sections.")}
	case errors.Is(err, store.ErrNoSeat):
		return problem{status: 404, text: w.Say("This event has no such seat, and nothing was changed. Choose one on the map.")}
	case errors.Is(err, errNoPart):
		return problem{status: 404, text: w.Say("This event has no such price or part of the hall, and nothing was changed. Choose again on its page.")}
	case isCount:
		return problem{status: 422, text: w.Say("Nothing was changed. Ask for a number of seats from 1 to %d: nobody can hold more at once.", badCount.most)}
	case errors.Is(err, errNoSeatNamed):
		return problem{status: 422, text: w.Say("No seat was chosen. Choose one on the map.")}
	case errors.Is(err, store.ErrInvalid), errors.Is(err, errBadForm):
		return problem{status: 422}
	case errors.Is(err, errWrongType):
		return problem{status: 415, text: w.Say("Nothing was changed: a form must be sent as application/x-www-form-urlencoded.")}
	case errors.Is(err, errCrossSite):
		return problem{status: 403}
	case errors.Is(err, errForgotten):
		return problem{status: 409, text: w.Say("This device was just forgotten, and no seat is yours. Choose again if you still want to come.")}
	case errors.Is(err, store.ErrUnknown), errors.Is(err, context.DeadlineExceeded):
		return problem{status: 503, retryAfter: 2,
			text: w.Say("That took too long, and we cannot tell whether it was done. Try again: seats that became yours stay yours.")}
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, live.ErrEnded), errors.Is(err, errBusy):
		return problem{status: 503, retryAfter: 5}
	case isHTTP && httpError.Code < 500:
		return problem{status: httpError.Code}
	}
	if p, known := bookingProblem(err, w); known {
		return p
	}
	return problem{status: 500}
}

// bookingProblem is problemOf for bookings.
func bookingProblem(err error, w views.Words) (p problem, known bool) {
	switch {
	case errors.Is(err, store.ErrNoBooking):
		return problem{status: 404, title: w.Say("No such booking"), text: w.Say("There is no such booking, or this browser may not see it. The secret link of a booking opens it anywhere.")}, true
	case errors.Is(err, store.ErrReused):
		return problem{status: 422, text: w.Say("This form was already sent with other contents, and those count. Open the checkout again from the seat map.")}, true
	case errors.Is(err, store.ErrExpired):
		return problem{status: 409, text: w.Say("You have no seats to book: none was chosen, or your time had run out. Choose on the seat map, then book.")}, true
	case errors.Is(err, store.ErrClosed):
		return problem{status: 409, text: w.Say("This event has taken place, and cannot be booked any more.")}, true
	case errors.Is(err, store.ErrWithheld):
		return problem{status: 409, text: w.Say("A seat that you hold is not for sale any more. Give it back on the seat map, then book the others.")}, true
	case errors.Is(err, store.ErrPaying):
		return problem{status: 409, text: w.Say("A payment for this is under way, so nothing was changed. Wait until it has ended.")}, true
	case errors.Is(err, store.ErrTooLate):
		return problem{status: 409, text: w.Say("It is too late to cancel that, and nothing was changed. Ask the box office.")}, true
	case errors.Is(err, store.ErrCheckedIn):
		return problem{status: 409, text: w.Say("One of these tickets was already used at the door, so nothing was changed. Ask the box office.")}, true
	case errors.Is(err, store.ErrTariff):
		return problem{status: 409, text: w.Say("A seat was sold at a tariff that needs the one beside it, so nothing was changed. Cancel both.")}, true
	case errors.Is(err, errNoTicket):
		return problem{status: 404, title: w.Say("No such ticket"), text: w.Say("This is not one of our tickets. Open the ticket again from its booking, or ask the box office.")}, true
	case errors.Is(err, errVoid):
		return problem{status: 409, text: w.Say("This ticket is not valid any more, and there is nothing to print. Its page says why.")}, true
	case errors.Is(err, errNoTickets):
		return problem{status: 409, text: w.Say("This booking has no tickets: its seats are not booked, or not any more.")}, true
	case errors.Is(err, errNoDate):
		return problem{status: 409, text: w.Say("The date of this event is not known yet: there is nothing to put into a calendar.")}, true
	case errors.Is(err, store.ErrEnded), errors.Is(err, store.ErrNotReserved):
		return problem{status: 409, text: w.Say("This booking has ended, and nothing was changed.")}, true
	}
	return problem{}, false
}

// answerError is Echo's error handler: it logs our own faults, and tells the
// visitor what to do.
func (s *Server) answerError(err error, c echo.Context) {
	if c.Request().Context().Err() != nil && errors.Is(err, context.Canceled) {
		return // the visitor left; nobody reads an answer
	}
	p := problemOf(err, s.speak(c))
	if errors.Is(err, store.ErrExpired) {
		if p.bookings = s.ownBookings(c); len(p.bookings) > 0 {
			p.text = s.speak(c).Say("You hold no further seats. What you have booked for this event is here; to book more, choose on the seat map.")
		}
	}
	if errors.Is(err, errUndrawable) {
		s.undrawable.log(s.log, slog.LevelError, "event cannot be shown", "event", c.Param("event"), "error", err)
	}
	said := []any{"method", c.Request().Method, "route", c.Path(), "status", p.status, "error", err}
	switch {
	case p.status == http.StatusServiceUnavailable: // no fault of the program
		s.unavailable.log(s.log, slog.LevelWarn, "request failed", said...)
	case p.status >= 500:
		s.log.Error("request failed", said...)
	default:
		s.logRefused(c, p.status)
	}
	if c.Response().Committed {
		return
	}
	if p.retryAfter > 0 {
		c.Response().Header().Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	if err := s.writeProblem(c, p); err != nil {
		s.log.Error("write error page", "error", err)
	}
}

// logRefused writes one line for a refused request about bookings. It has
// nothing of the person, the booking or the form, and so not the error either.
func (s *Server) logRefused(c echo.Context, status int) {
	route := c.Path()
	if route != checkoutRoute && !slices.ContainsFunc([]string{bookingRoute, ticketRoute, demoRoute}, func(of string) bool { return strings.HasPrefix(route, of) }) {
		return
	}
	said := []any{"method", c.Request().Method, "route", route, "status", status}
	if event := c.Param("event"); store.ValidID(event) {
		said = append(said, "event", event)
	}
	s.log.Info("refused", said...)
}

// ownBookings returns the codes of the visitor's bookings for the event of a
// request, as its pages show them; none if they cannot be read.
func (s *Server) ownBookings(c echo.Context) []string {
	board, err := s.boardOf(c)
	if err != nil {
		return nil
	}
	return codesOf(board.Booked(visitorOf(c).holder))
}

func (s *Server) writeProblem(c echo.Context, p problem) error {
	v := views.ErrorView{Words: s.speak(c), Status: p.status, Title: p.title, Text: p.text, Bookings: p.bookings, Asset: s.files.Path}
	if id := c.Param("event"); store.ValidID(id) && !p.noEvent && p.status != http.StatusNotFound {
		v.Link, v.Label = "/events/"+id, v.Say("Back to the seat map")
	}
	if code := cmp.Or(c.Param("code"), store.BookingOf(c.Param("attempt"))); store.ValidCode(code) && p.status != http.StatusNotFound {
		v.Link, v.Label = views.BookingPath(code), v.Say("Back to your booking")
	}
	if isFragment(c) {
		return c.HTMLBlob(p.status, views.AppendStatus(nil, v.Sentence(), true))
	}
	return render(c, p.status, views.ErrorPage(v))
}

// complaint logs a lasting fault, at most once a minute: otherwise each visitor
// would write a line.
type complaint struct {
	mu   sync.Mutex
	last time.Time
}

func (c *complaint) log(to *slog.Logger, level slog.Level, what string, said ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.last) < time.Minute {
		return
	}
	c.last = time.Now()
	to.Log(context.Background(), level, what, said...)
}
