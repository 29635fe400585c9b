package handlers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/views"
)

// Demo has the actions of visitors at the demo provider, by the ids of
// attempts. If there is nothing left to do, they return checkout.ErrRefused.
type Demo interface {
	Pay(ctx context.Context, id string) error
	PayTwice(ctx context.Context, id string) (second, err error)
	// PayLate pays, and the provider then gives no answer until the given time
	// of the store's clock.
	PayLate(ctx context.Context, id string, silentUntil time.Time) error
	Decline(ctx context.Context, id string) error
}

// demoName is that provider's.
const demoName = "demo"

// demoPage serves GET /demo-pay/{attempt}.
func (s *Server) demoPage(c echo.Context) error {
	b, err := s.demoBooking(c)
	if err != nil {
		return err
	}
	shown, err := s.checkout.Show(c.Request().Context(), b.Code)
	if err != nil {
		return err
	}
	v, patience := visitorOf(c), s.checkout.Rules().Patience
	return render(c, http.StatusOK, views.DemoPage(views.DemoView{
		Words: s.speak(c), Attempt: shown.Attempt, Asset: s.files.Path,
		Open:   b.State == store.BookingPaying && !shown.Attempt.GivenUp,
		Silent: silence(patience), Patience: patience, Token: v.signer.bookingToken(v.token, b.Code),
	}))
}

// silence returns how long the provider gives no answer after a late payment:
// longer than the checkout waits.
func silence(patience time.Duration) time.Duration { return patience + patience/4 }

// demoBooking returns the booking of the attempt, if the visitor may see it.
func (s *Server) demoBooking(c echo.Context) (store.Booking, error) {
	b, err := s.bookingOf(c, store.BookingOf(c.Param("attempt")))
	if err == nil && (b.Attempt() != c.Param("attempt") || b.Provider != demoName) {
		err = store.ErrNoBooking
	}
	return b, err
}

// demoPay serves POST /demo-pay/{attempt}: do.
func (s *Server) demoPay(c echo.Context) error {
	b, err := s.demoBooking(c)
	if err != nil {
		return err
	}
	ctx, id := c.Request().Context(), b.Attempt()
	switch c.Request().PostForm.Get("do") {
	case "pay":
		err = s.demo.Pay(ctx, id)
	case "pay-twice":
		_, err = s.demo.PayTwice(ctx, id)
	case "pay-late":
		err = s.payLate(ctx, b)
	case "decline":
		err = s.demo.Decline(ctx, id)
	case "close":
	default:
		return errBadForm
	}
	switch {
	case err == nil, errors.Is(err, checkout.ErrRefused):
		// That it was paid before, or has ended, is what the booking shows.
		return c.Redirect(http.StatusSeeOther, views.BookingPath(b.Code))
	case errors.Is(err, checkout.ErrNotFound):
		return store.ErrNoBooking
	}
	return err
}

// payLate pays, and brings the pay deadline forward, so that the result comes
// soon.
func (s *Server) payLate(ctx context.Context, b store.Booking) error {
	now, err := s.store.Now(ctx)
	if err != nil {
		return err
	}
	if err := s.demo.PayLate(ctx, b.Attempt(), now.Add(silence(s.checkout.Rules().Patience))); err != nil {
		return err
	}
	_, err = s.checkout.GiveUp(ctx, b.Code, b.Holder)
	return err
}
