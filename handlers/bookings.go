package handlers

import (
	"context"
	"crypto/hmac"
	"errors"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/views"
)

const (
	// hintEvery is the least time between questions to the provider when pages
	// of one booking are opened. A page that reloads by itself asks no more
	// often than the reconciler would.
	hintEvery = time.Second
	// hintUntil is how long after a booking was begun its pages ask the provider
	// about late money.
	hintUntil = 24 * time.Hour
	// hintWait is how long a page waits for the provider's answer.
	hintWait = time.Second
	// hintWithin bounds the question itself, which goes on without the page: an
	// interrupted call keeps its lease.
	hintWithin = 15 * time.Second
)

// bookingPage serves GET /bookings/{code}. With the booking's key it adds the
// booking to the session, and redirects to the address without the key.
func (s *Server) bookingPage(c echo.Context) error {
	s.speak(c) // keep the language that the address asks for
	b, err := s.bookingOf(c, c.Param("code"))
	if err != nil {
		return err
	}
	if c.QueryParam("key") != "" {
		return c.Redirect(http.StatusSeeOther, views.BookingPath(b.Code))
	}
	changes, err := s.mayChange(c.Request().Context(), b)
	if err != nil {
		return err
	}
	if changes {
		every := hintEvery
		if isFragment(c) {
			every = max(every, s.checkout.Rules().Poll)
		}
		s.hint(c.Request().Context(), b.Code, every)
	}
	return s.showBooking(c, b.Code)
}

// bookingOf returns a booking that the visitor may see. All other bookings, and
// codes that do not exist, are store.ErrNoBooking, after the same work.
func (s *Server) bookingOf(c echo.Context, code string) (store.Booking, error) {
	if !store.ValidCode(code) {
		return store.Booking{}, store.ErrNoBooking
	}
	v, ctx := visitorOf(c), c.Request().Context()
	b, err := s.store.Booking(ctx, code)
	if err != nil && !errors.Is(err, store.ErrNoBooking) {
		return store.Booking{}, err
	}
	there := err == nil
	b.Code = code
	sees := s.maySee(c, b)
	key := hmac.Equal([]byte(c.QueryParam("key")), []byte(v.signer.bookingKey(code)))
	switch {
	case !there, !sees && !key:
		return store.Booking{}, store.ErrNoBooking
	case !sees:
		if err := s.sessions.add(c, code); err != nil {
			if _, gone := errors.AsType[forgottenError](err); gone {
				return store.Booking{}, errForgotten
			}
			return store.Booking{}, err
		}
	}
	return b, nil
}

// mayChange reports whether the provider may have news of a booking. Money may
// be late.
func (s *Server) mayChange(ctx context.Context, b store.Booking) (bool, error) {
	switch b.State {
	case store.BookingPaying:
		return true, nil
	case store.BookingDeclined, store.BookingLapsed:
		if b.Provider == checkout.Door {
			return false, nil
		}
		now, err := s.store.Now(ctx)
		return now.Before(b.Begun.Add(hintUntil)), err
	}
	return false, nil
}

func (s *Server) showBooking(c echo.Context, code string) error {
	shown, err := s.checkout.Show(c.Request().Context(), code)
	if err != nil {
		return err
	}
	v := s.viewOf(c, shown)
	if !isFragment(c) {
		s.sessions.introduce(c)
		return render(c, http.StatusOK, views.BookingPage(v))
	}
	if c.QueryParam("seen") == v.Phase() {
		return c.NoContent(http.StatusNoContent)
	}
	return c.HTMLBlob(http.StatusOK, views.AppendBooking(nil, v))
}

func (s *Server) viewOf(c echo.Context, shown checkout.Shown) views.BookingView {
	who, b := visitorOf(c), shown.Booking
	v := views.BookingView{
		Billing: views.BillingOf(shown.Event, b, s.speak(c)), Booking: b, Attempt: shown.Attempt, Refunds: shown.Refunds,
		Person: shown.Person, Now: shown.Now, Token: who.signer.bookingToken(who.token, b.Code), Asset: s.files.Path,
		Key: BookingLink(s.base, who.signer, b.Code),
	}
	if tickets := who.signer.ticketsOf(b); len(tickets) > 0 {
		v.Tickets = map[string]string{}
		keys := who.signer.tickets()
		for _, t := range tickets {
			v.Tickets[t.Seat] = keys.Sign(t)
		}
	}
	if b.State == store.BookingDeclined && b.Holder == who.holder {
		if offer, err := s.checkout.Offer(c.Request().Context(), b.Event, b.Holder, nil); err == nil && len(offer.Lines) > 0 {
			v.HeldUntil = offer.Deadline
		}
	}
	return v
}

// cancelBooking serves POST /bookings/{code}/cancel: seat, repeatable; none is
// all.
func (s *Server) cancelBooking(c echo.Context) error {
	b, err := s.bookingOf(c, c.Param("code"))
	if err != nil {
		return err
	}
	// Whoever has the key acts for the owner, to whom the event's terms apply.
	_, err = s.checkout.Cancel(c.Request().Context(), store.CancelRequest{
		Code: b.Code, Holder: b.Holder, Seats: c.Request().PostForm["seat"],
	})
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, views.BookingPath(b.Code))
}

// giveUp serves POST /bookings/{code}/give-up.
func (s *Server) giveUp(c echo.Context) error {
	b, err := s.bookingOf(c, c.Param("code"))
	if err != nil {
		return err
	}
	if _, err = s.checkout.GiveUp(c.Request().Context(), b.Code, b.Holder); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, views.BookingPath(b.Code))
}

// hint asks the provider of a booking, unless that was done recently or is
// being done. It waits for the answer, but not long.
func (s *Server) hint(ctx context.Context, code string, every time.Duration) {
	if !s.hints.begin(code, every, max(hintEvery, s.checkout.Rules().Poll)) {
		return
	}
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		defer s.hints.end(code)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hintWithin)
		defer cancel()
		if err := s.checkout.Hint(ctx, code); err != nil && !errors.Is(err, store.ErrNoBooking) {
			s.log.Debug("provider not asked", "error", err) // the reconciler asks, and logs failures
		}
	}()
	wait := time.NewTimer(hintWait)
	defer wait.Stop()
	select {
	case <-asked:
	case <-wait.C:
	case <-ctx.Done():
	}
}

// hints records when providers were asked because somebody opened a page. The
// zero value is ready.
type hints struct {
	mu sync.Mutex
	// asked is when they were last asked, by the booking's code; zero means that
	// they are being asked. Old entries are removed.
	asked map[string]time.Time
	swept time.Time
}

// begin reports whether to ask now. Entries from before keep do not matter.
func (h *hints) begin(code string, every, keep time.Duration) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.swept) >= keep {
		h.swept = time.Now()
		maps.DeleteFunc(h.asked, func(_ string, at time.Time) bool { return !at.IsZero() && time.Since(at) >= keep })
	}
	if at, asked := h.asked[code]; asked && (at.IsZero() || time.Since(at) < every) {
		return false
	}
	if h.asked == nil {
		h.asked = map[string]time.Time{}
	}
	h.asked[code] = time.Time{}
	return true
}

func (h *hints) end(code string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked[code] = time.Now()
}

// bookingKey returns the key that opens a booking without a session.
func (s signer) bookingKey(code string) string { return s.sign("booking", code) }

// bookingToken returns a token that proves that a form was served by us to this
// session.
func (s signer) bookingToken(token, code string) string {
	return s.sign("booking form", code+" "+token)
}

// secretPage protects pages for one visitor alone, and addresses with a key: no
// cache keeps them, and no other site gets them as the referrer.
func secretPage(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "private, no-store")
		h.Set("X-Robots-Tag", "noindex")
		h.Add("Vary", "HX-Request")
		return next(c)
	}
}

// refuseForeign keeps other sites from posting to a booking. Browsers send
// "Origin: null" from a page without a referrer, and on a plain-http network
// nothing else that tells where a form is from: the form's token does then.
func (s *Server) refuseForeign(code func(echo.Context) string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		checked := s.refuseCrossSite(next)
		return func(c echo.Context) error {
			r, v := c.Request(), visitorOf(c)
			silent := r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "null"
			if silent && hmac.Equal([]byte(r.PostForm.Get("token")), []byte(v.signer.bookingToken(v.token, code(c)))) {
				return next(c)
			}
			return checked(c)
		}
	}
}
