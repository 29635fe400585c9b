package handlers

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/views"
)

// Checkout is what the handlers need of a checkout. See [checkout.Checkout] for
// what each method promises.
type Checkout interface {
	Offered() []string
	Rules() checkout.Rules
	Offer(ctx context.Context, event string, holder store.Holder) (checkout.Offer, error)
	Begin(ctx context.Context, r checkout.Request) (checkout.Begun, error)
	Show(ctx context.Context, code string) (checkout.Shown, error)
	Hint(ctx context.Context, code string) error
	GiveUp(ctx context.Context, code string, holder store.Holder) (store.BookingOutcome, error)
	Cancel(ctx context.Context, r store.CancelRequest) (store.BookingOutcome, error)
}

// filled is a checkout's form as it was filled in.
type filled struct {
	person                   store.Person
	payment, digest, request string
	faults                   views.CheckoutFaults
}

// filledIn reads a checkout's form. Other fields count for nothing. A way to pay
// need not be there where there is nothing to pay.
func filledIn(form url.Values, offered []string) filled {
	f := filled{
		person: store.Person{
			Name: strings.TrimSpace(form.Get("name")), Email: strings.TrimSpace(form.Get("email")), Phone: strings.TrimSpace(form.Get("phone")),
		},
		payment: form.Get("payment"), digest: form.Get("digest"), request: form.Get("request"),
	}
	f.faults.Name, f.faults.Email, f.faults.Phone = f.person.Faults()
	f.faults.Payment = f.payment != "" && !slices.Contains(offered, f.payment)
	return f
}

// checkoutPage serves GET /events/{event}/checkout.
func (s *Server) checkoutPage(c echo.Context) error {
	s.speak(c) // a language that the address asks for is kept, wherever it leads
	offer, err := s.offerTo(c)
	switch {
	case err != nil:
		return err
	case offer.Paying != "":
		return c.Redirect(http.StatusSeeOther, views.BookingPath(offer.Paying))
	}
	return s.showCheckout(c, http.StatusOK, offer, filled{request: newRequest()}, "")
}

// book serves POST /events/{event}/checkout: name, email, phone, payment, digest
// and request.
func (s *Server) book(c echo.Context) error {
	event, f := c.Param("event"), filledIn(c.Request().PostForm, s.checkout.Offered())
	switch {
	case !store.ValidID(event):
		return store.ErrNoEvent
	case !store.ValidID(f.request):
		return errBadForm
	case f.faults != views.CheckoutFaults{}:
		return s.askAgain(c, http.StatusUnprocessableEntity, f)
	}
	begun, err := s.checkout.Begin(c.Request().Context(), checkout.Request{
		Event: event, Holder: visitorOf(c).holder, Person: f.person, Payment: f.payment, Digest: f.digest, ID: f.request,
	})
	switch {
	case err == nil:
		if err := s.keepBegun(c, begun); err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, cmp.Or(begun.Pay, views.BookingPath(begun.Code)))
	case errors.Is(err, store.ErrPaying):
		return c.Redirect(http.StatusSeeOther, views.BookingPath(begun.Code))
	case errors.Is(err, checkout.ErrChanged):
		f.request = newRequest()
		return s.askAgain(c, http.StatusConflict, f)
	case errors.Is(err, checkout.ErrNoPayment):
		f.faults.Payment = true
		return s.askAgain(c, http.StatusUnprocessableEntity, f)
	case errors.Is(err, store.ErrUnknown): // it may have been begun
		if _, gone := errors.AsType[forgottenError](s.sessions.check(c)); gone {
			return errForgotten
		}
	}
	return err
}

// askAgain answers with the form as it would be now, and what was filled in.
func (s *Server) askAgain(c echo.Context, status int, f filled) error {
	offer, err := s.offerTo(c)
	switch {
	case err != nil:
		return err
	case offer.Paying != "":
		return c.Redirect(http.StatusSeeOther, views.BookingPath(offer.Paying))
	}
	s.logRefused(c, status)
	words := s.speak(c)
	line := words.Say("Some of it cannot be: please look at what is marked.")
	if offer.Digest != f.digest {
		line = words.Say("Your seats or their prices are not what they were when you opened this page. Look at them again, then book.")
	}
	return s.showCheckout(c, status, offer, f, line)
}

// offerTo returns what the visitor would book, or is paying for. Refused:
// store.ErrExpired if that is nothing, store.ErrClosed once the event is over.
func (s *Server) offerTo(c echo.Context) (checkout.Offer, error) {
	event := c.Param("event")
	if !store.ValidID(event) {
		return checkout.Offer{}, store.ErrNoEvent
	}
	offer, err := s.checkout.Offer(c.Request().Context(), event, visitorOf(c).holder)
	switch {
	case err != nil, offer.Paying != "":
	case offer.Event.OverAt(offer.Now):
		err = store.ErrClosed
	case len(offer.Lines) == 0:
		err = store.ErrExpired
	}
	return offer, err
}

func (s *Server) showCheckout(c echo.Context, status int, offer checkout.Offer, f filled, line string) error {
	billing, err := views.NewBilling(offer.Event, s.speak(c))
	if err != nil {
		return undrawableError{offer.Event, err}
	}
	s.sessions.introduce(c)
	c.Response().Header().Set("Cache-Control", "private, no-store") // the person's name
	c.Response().Header().Set("X-Robots-Tag", "noindex")
	return render(c, status, views.CheckoutPage(views.CheckoutView{
		Billing: billing, Lines: offer.Lines, Deadline: offer.Deadline, Now: offer.Now,
		AtDoor: offer.Event.PayUntil(offer.Now, s.checkout.Rules().Pay.AtDoor), Ways: s.checkout.Offered(),
		Person: f.person, Payment: f.payment, Faults: f.faults,
		Digest: offer.Digest, Request: f.request, Line: line, Asset: s.files.Path,
	}))
}

// keepBegun makes the session of who has begun a booking last. A visitor who was
// forgotten meanwhile keeps nothing of it: errForgotten. What was there before they
// asked stays as it is, as all that is booked when somebody is forgotten.
func (s *Server) keepBegun(c echo.Context, begun checkout.Begun) error {
	kept := s.sessions.persist(c)
	if _, gone := errors.AsType[forgottenError](kept); gone {
		if !begun.Repeat {
			s.undoBegun(c, begun.Code)
		}
		return errForgotten
	}
	if kept != nil {
		s.log.Warn("session row not written, which the visitor's next lock does", "error", kept)
	}
	return nil
}

// undoBegun gives back what a visitor has begun who was forgotten meanwhile. What
// was paid by then stays booked. Seats for which the provider does not answer soon
// are free once their time is over.
func (s *Server) undoBegun(c echo.Context, code string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), keepWithin)
	defer cancel()
	out, err := s.checkout.GiveUp(ctx, code, visitorOf(c).holder)
	switch {
	case err != nil:
	case out.Booking.State == store.BookingPaying:
		err = s.untilNotPaying(ctx, code)
		s.giveBack(c, c.Param("event"))
	case out.Booking.Captured == 0: // at the door, or free of charge
		_, err = s.checkout.Cancel(ctx, store.CancelRequest{Code: code})
	}
	if err != nil {
		s.log.Warn("booking of a forgotten visitor not given up", "error", err)
	}
}

// untilNotPaying waits for the end of a payment that was given up. Another may be
// asking the provider just now, whose answer a hint does not wait for.
func (s *Server) untilNotPaying(ctx context.Context, code string) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := s.checkout.Hint(ctx, code); err != nil {
			return err
		}
		b, err := s.store.Booking(ctx, code)
		if err != nil || b.State != store.BookingPaying {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
