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
	Offer(ctx context.Context, event string, holder store.Holder, tariffs map[string]string) (checkout.Offer, error)
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
	tariffs                  map[string]string // that were chosen, by seat
	faults                   views.CheckoutFaults
}

// filledIn reads a checkout's form and ignores other fields. The way to pay may
// be missing if there is nothing to pay.
func filledIn(form url.Values, offered []string) filled {
	f := filled{
		person: store.Person{
			Name: strings.TrimSpace(form.Get("name")), Email: strings.TrimSpace(form.Get("email")), Phone: strings.TrimSpace(form.Get("phone")),
		},
		payment: form.Get("payment"), digest: form.Get("digest"), request: form.Get("request"), tariffs: tariffsIn(form),
	}
	f.faults.Name, f.faults.Email, f.faults.Phone = f.person.Faults()
	f.faults.Payment = f.payment != "" && !slices.Contains(offered, f.payment)
	return f
}

// tariffsIn returns the chosen tariffs by seat.
func tariffsIn(form url.Values) map[string]string {
	tariffs := map[string]string{}
	for field := range form {
		if seat, is := strings.CutPrefix(field, views.TariffField("")); is && store.ValidID(seat) {
			tariffs[seat] = form.Get(field)
		}
	}
	return tariffs
}

// checkoutPage serves GET /events/{event}/checkout. Of a query it uses what may
// be in an address: tariffs, payment and digest.
func (s *Server) checkoutPage(c echo.Context) error {
	s.speak(c) // a language that the address asks for is kept, wherever it leads
	asked := c.QueryParams()
	return s.askAgain(c, http.StatusOK, filled{
		request: newRequest(), tariffs: tariffsIn(asked), payment: asked.Get("payment"), digest: asked.Get("digest"),
	})
}

// book serves POST /events/{event}/checkout: name, email, phone, payment, digest,
// request and tariffs. With update it books nothing, and answers with the form.
func (s *Server) book(c echo.Context) error {
	event, f := c.Param("event"), filledIn(c.Request().PostForm, s.checkout.Offered())
	switch {
	case !store.ValidID(event):
		return store.ErrNoEvent
	case !store.ValidID(f.request):
		return errBadForm
	case c.Request().PostForm.Has("update"):
		f.faults = views.CheckoutFaults{}
		return s.askAgain(c, http.StatusOK, f)
	case f.faults != views.CheckoutFaults{}:
		return s.askAgain(c, http.StatusUnprocessableEntity, f)
	}
	begun, err := s.checkout.Begin(c.Request().Context(), checkout.Request{
		Event: event, Holder: visitorOf(c).holder, Person: f.person, Payment: f.payment, Digest: f.digest, ID: f.request, Tariffs: f.tariffs,
	})
	if err == nil {
		if err := s.keepBegun(c, begun); err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, cmp.Or(begun.Pay, views.BookingPath(begun.Code)))
	}
	return s.notBegun(c, begun, f, err)
}

// notBegun answers a form that did not begin a booking.
func (s *Server) notBegun(c echo.Context, begun checkout.Begun, f filled, err error) error {
	switch {
	case errors.Is(err, store.ErrPaying):
		return c.Redirect(http.StatusSeeOther, views.BookingPath(begun.Code))
	case errors.Is(err, checkout.ErrChanged):
		f.request = newRequest()
		return s.askAgain(c, http.StatusConflict, f)
	case errors.Is(err, store.ErrTariff):
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

// askAgain answers with the present form, and what was filled in. A status of
// 200 becomes 409 if a tariff is not possible.
func (s *Server) askAgain(c echo.Context, status int, f filled) error {
	offer, err := s.offerTo(c, f.tariffs)
	unfit := errors.Is(err, store.ErrTariff)
	switch {
	case err != nil && !unfit:
		return err
	case offer.Paying != "":
		return c.Redirect(http.StatusSeeOther, views.BookingPath(offer.Paying))
	}
	v, words := s.checkoutView(offer, f), s.speak(c)
	switch asked := status != http.StatusOK; {
	case unfit:
		v.Line = unfitLine(words, &v, err)
	case (asked || f.digest != "") && offer.Digest != f.digest:
		v.Line = words.Say("Your seats or their prices have changed since you opened this page. Look at them again, then book.")
	case asked:
		v.Line = words.Say("Please correct the marked fields.")
	}
	if v.Line != "" && status == http.StatusOK {
		status = http.StatusConflict
	}
	if status != http.StatusOK {
		s.logRefused(c, status)
	}
	return s.showCheckout(c, status, offer.Event, v)
}

// unfitLine returns why the tariffs cannot be chosen so, and marks the seat.
func unfitLine(w views.Words, v *views.CheckoutView, err error) string {
	unfit, known := errors.AsType[store.TariffError](err)
	if !known {
		return w.Say("A tariff that you chose is not available for its seat. Choose again.")
	}
	v.Unfit = unfit.Seat
	if unfit.TooMany {
		return w.Say("%[1]s is for at most %[2]d seats of one booking. Choose another tariff for the others.", unfit.Tariff.Name, unfit.Tariff.Most)
	}
	return w.Say("%[2]s is not available for %[1]s: the seat must be next to a wheelchair place of the same booking, and each of these allows one. Choose another tariff for it.",
		w.LineName(v.Lines[slices.IndexFunc(v.Lines, func(l store.Line) bool { return l.Seat == unfit.Seat })]), unfit.Tariff.Name)
}

// offerTo returns what the visitor would book, or is paying for. Refused:
// store.ErrExpired if there is nothing, store.ErrClosed once the event is over;
// store.ErrTariff with the offer.
func (s *Server) offerTo(c echo.Context, tariffs map[string]string) (checkout.Offer, error) {
	event := c.Param("event")
	if !store.ValidID(event) {
		return checkout.Offer{}, store.ErrNoEvent
	}
	offer, err := s.checkout.Offer(c.Request().Context(), event, visitorOf(c).holder, tariffs)
	switch {
	case err != nil && !errors.Is(err, store.ErrTariff), offer.Paying != "":
	case offer.Event.OverAt(offer.Now):
		err = store.ErrClosed
	case len(offer.Lines) == 0:
		err = store.ErrExpired
	}
	return offer, err
}

// checkoutView is the form for an offer.
func (s *Server) checkoutView(offer checkout.Offer, f filled) views.CheckoutView {
	v := views.CheckoutView{
		Lines: offer.Lines, Deadline: offer.Deadline, Now: offer.Now,
		AtDoor: offer.Event.PayUntil(offer.Now, s.checkout.Rules().Pay.AtDoor), Ways: s.checkout.Offered(),
		Person: f.person, Payment: f.payment, Faults: f.faults,
		Digest: offer.Digest, Request: f.request, Asset: s.files.Path,
	}
	for _, choice := range offer.Choices {
		v.Choices = append(v.Choices, choice.Lines)
	}
	return v
}

// showCheckout answers with the form, or for the page's script with the parts
// that tariffs change.
func (s *Server) showCheckout(c echo.Context, status int, event store.Event, v views.CheckoutView) (err error) {
	if v.Billing, err = views.NewBilling(event, s.speak(c)); err != nil {
		return undrawableError{event, err}
	}
	s.sessions.introduce(c)
	h := c.Response().Header()
	h.Set("Cache-Control", "private, no-store") // the person's name
	h.Set("X-Robots-Tag", "noindex")
	h.Add("Vary", "HX-Request")
	if isFragment(c) {
		return c.HTMLBlob(status, views.AppendCheckout(nil, v))
	}
	return render(c, status, views.CheckoutPage(v))
}

// keepBegun makes the session of a visitor who has begun a booking last. If the
// visitor was forgotten meanwhile, the booking is undone: errForgotten. Earlier
// bookings stay, as always when somebody is forgotten.
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

// undoBegun undoes the booking of a visitor who was forgotten meanwhile. What
// was paid by then stays booked. If the provider does not answer soon, the
// seats are free once their time is over.
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

// untilNotPaying waits for the end of a payment that was given up. A hint does
// not wait if another caller is asking the provider.
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
