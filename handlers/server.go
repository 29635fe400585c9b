// Package handlers is Seatlock's HTTP: routes, identity, limits, pages, posts
// and the stream of a map. It turns a request into one call of the store and
// its answer into HTML; it decides nothing about seats.
package handlers

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/labstack/echo/v4"
	"golang.org/x/text/language"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/static"
	"github.com/seatlock/seatlock/store"
)

// Store is what the handlers need of a store. See [store.Store] for what each
// method promises.
type Store interface {
	sessionStore
	Event(ctx context.Context, id string) (store.Event, error)
	Events(ctx context.Context) ([]store.Event, error)
	Plan(ctx context.Context, hash string) ([]byte, error)
	Booking(ctx context.Context, code string) (store.Booking, error)
	Lock(ctx context.Context, r store.LockRequest) (store.Outcome, error)
	Unlock(ctx context.Context, r store.UnlockRequest) (store.Outcome, error)
	Extend(ctx context.Context, r store.ExtendRequest) (store.Outcome, error)
	Now(ctx context.Context) (time.Time, error)
	Ping(ctx context.Context) error
}

// Config configures a server.
type Config struct {
	// BaseURL is where browsers reach the server; https makes cookies Secure.
	BaseURL *url.URL
	Rules   store.Rules
	Log     *slog.Logger
	// Checkout takes bookings; if nil, nothing can be booked.
	Checkout Checkout
	// Demo is the demo provider; if nil, it has no page.
	Demo Demo
	// Memory is how many bytes the halls of events may take that nobody watches;
	// 0 is DefaultMemory. Halls that are watched may take more.
	Memory int64
	// Live shapes the boards; its zero value is right for production.
	Live live.Options
}

// Server serves one store. Use New.
type Server struct {
	store    Store
	hub      *live.Hub
	rules    store.Rules
	log      *slog.Logger
	checkout Checkout
	demo     Demo
	hints    hints
	press    press
	base     string // of the address that browsers use
	sessions *sessions
	halls    *halls
	list     list
	// undrawable logs events that cannot be shown.
	undrawable complaint
	// unavailable logs that the store cannot serve.
	unavailable complaint
	pack        func(http.Handler) http.HandlerFunc
	files       *static.Files
	echo        *echo.Echo
	cross       *http.CrossOriginProtection
}

// New returns a server over a store. It answers requests through ServeHTTP; Run
// must run meanwhile.
func New(st interface {
	Store
	live.Source
}, c Config) (*Server, error) {
	files, err := static.New()
	if err != nil {
		return nil, err
	}
	s := &Server{
		store: st, rules: c.Rules, log: c.Log, files: files,
		checkout: c.Checkout, demo: c.Demo, base: c.BaseURL.Scheme + "://" + c.BaseURL.Host,
		sessions: newSessions(st, c.BaseURL.Scheme == "https"),
		halls:    newHalls(st, cmp.Or(c.Memory, DefaultMemory)),
		list:     list{drawn: map[language.Tag]drawn{}},
		cross:    http.NewCrossOriginProtection(),
		press:    newPress(),
	}
	if err := s.cross.AddTrustedOrigin(s.base); err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	c.Live.Log = c.Log
	if s.pack, err = gzhttp.NewWrapper(gzhttp.EnableZstd(false), gzhttp.MinSize(worthPacking)); err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	s.hub = live.New(st, s.halls.newRenderer, c.Live)
	s.halls.letGo = s.hub.LetGo
	s.echo = s.routes()
	return s, nil
}

// Run feeds the boards, and ends the streams of visitors who are forgotten,
// until ctx ends; then it ends every stream.
func (s *Server) Run(ctx context.Context) error {
	watched, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { s.watchForgotten(watched) })
	defer watch.Wait()
	defer stop()
	return s.hub.Run(ctx)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

func (s *Server) routes() *echo.Echo {
	e := echo.New()
	e.HTTPErrorHandler = s.answerError
	e.IPExtractor = echo.ExtractIPDirect() // by default Echo trusts a header that anybody can send
	e.Use(s.packAnswers, s.logRequests, s.recoverPanics, secureHeaders, finishSoon)

	// Monitors and proxies ask with HEAD; net/http then leaves the body out.
	read := []string{http.MethodGet, http.MethodHead}
	e.Match(read, "/healthz", s.healthz)
	e.Match(read, "/readyz", s.readyz)
	e.Match(read, "/static/:name", s.static)
	e.Match(read, "/events/:event/:file", s.planCSS) // plan-{hash}.css

	pages := e.Group("", s.sessions.load)
	pages.Match(read, "/", s.eventsPage)
	pages.Match(read, "/events/:event", s.eventPage)
	pages.Match(read, "/events/:event/sections/:section", s.eventPage)

	pages.Match(read, "/forget", s.forgetPage)
	e.POST("/forget", s.forget, s.refuseCrossSite, limitBody, s.sessions.load)

	e.GET(streamRoute, s.stream, s.sessions.load)

	posts := e.Group("/events/:event", s.refuseCrossSite, limitBody, s.sessions.load)
	posts.POST("/lock", s.lock)
	posts.POST("/best", s.best)
	posts.POST("/unlock", s.unlock)
	posts.POST("/extend", s.extend)
	if s.checkout != nil {
		pages.Match(read, checkoutRoute, s.checkoutPage)
		posts.POST("/checkout", s.book)
		s.routeBookings(e, read)
	}
	return e
}

// The routes of bookings and tickets, whose refusals are logged. The first is
// also the route of [Server.book]; the others are prefixes.
const (
	checkoutRoute = "/events/:event/checkout"
	bookingRoute  = "/bookings/:code"
	ticketRoute   = "/tickets/:token"
	demoRoute     = "/demo-pay/:attempt"
)

// routeBookings adds the routes of bookings and tickets.
func (s *Server) routeBookings(e *echo.Echo, read []string) {
	ofBooking := func(c echo.Context) string { return c.Param("code") }
	own := e.Group(bookingRoute, secretPage)
	own.Match(read, "", s.booking, s.sessions.load)
	own.Match(read, "/tickets", s.ticketSheet, s.sessions.load)
	own.POST("/cancel", s.cancelBooking, limitBody, s.sessions.load, s.refuseForeign(ofBooking))
	own.POST("/give-up", s.giveUp, limitBody, s.sessions.load, s.refuseForeign(ofBooking))
	e.Match(read, ticketRoute, s.ticketPage, secretPage, s.sessions.load)
	e.Match(read, "/tickets/offline.js", s.offlineScript)
	if s.demo == nil {
		return
	}
	ofAttempt := func(c echo.Context) string { return store.BookingOf(c.Param("attempt")) }
	e.Match(read, demoRoute, s.demoPage, secretPage, s.sessions.load)
	e.POST(demoRoute, s.demoPay, secretPage, limitBody, s.sessions.load, s.refuseForeign(ofAttempt))
}

// healthz answers 200 while the process lives.
func (s *Server) healthz(c echo.Context) error {
	return c.String(http.StatusOK, "ok\n")
}

// readyz answers 200 if requests should be sent here: the store answers, the
// feed runs, and the server is not shutting down.
func (s *Server) readyz(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), 2*time.Second)
	defer cancel()
	if !s.hub.Ready() {
		return c.String(http.StatusServiceUnavailable, "the change feed is not running\n")
	}
	if err := s.store.Ping(ctx); err != nil {
		s.unavailable.log(s.log, slog.LevelWarn, "not ready", "error", err)
		return c.String(http.StatusServiceUnavailable, "the store does not answer\n")
	}
	return c.String(http.StatusOK, "ok\n")
}
