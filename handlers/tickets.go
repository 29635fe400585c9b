package handlers

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/checkout/ticket"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/views"
)

var (
	errNoTicket  = errors.New("no such ticket")
	errVoid      = errors.New("ticket that is not valid any more")
	errNoTickets = errors.New("booking without tickets")
	errNoDate    = errors.New("event without a date")
)

// pixels is the side of a module of a QR code in a picture: a phone's screen shows
// it unscaled.
const pixels = 8

// tickets are the keys that sign the tickets of the store.
func (s signer) tickets() ticket.Keys { return ticket.NewKeys(s) }

// fileOf splits the file extension off the end of an address: for the router it
// is part of the code or token.
func fileOf(param string, kinds ...string) (name, kind string) {
	if kind = path.Ext(param); slices.Contains(kinds, kind) {
		return strings.TrimSuffix(param, kind), kind
	}
	return param, ""
}

// ticketPage serves GET /tickets/{token}, and as files {token}.svg, .png and .pdf.
func (s *Server) ticketPage(c echo.Context) error {
	token, kind := fileOf(c.Param("token"), ".svg", ".png", ".pdf")
	v, err := s.ticketOf(c, token)
	switch {
	case err != nil:
		return err
	case kind == "" && !v.Stands():
		return render(c, http.StatusOK, views.TicketPage(v))
	case !v.Stands():
		return errVoid
	case kind == ".pdf":
		return s.sendPDF(c, "ticket-"+v.Booking.Code+"-"+v.Seat, []views.TicketView{v})
	}
	return ticketCode(c, v, kind)
}

// ticketCode answers with a ticket that has a QR code to show: as its page, or the
// code alone.
func ticketCode(c echo.Context, v views.TicketView, kind string) (err error) {
	if v.Code, err = ticket.QR(v.Token); err != nil {
		return err
	}
	switch kind {
	case ".svg":
		return c.Blob(http.StatusOK, "image/svg+xml", v.Code.SVG())
	case ".png":
		picture, err := v.Code.PNG(pixels)
		if err != nil {
			return err
		}
		return c.Blob(http.StatusOK, "image/png", picture)
	}
	return render(c, http.StatusOK, views.TicketPage(v))
}

// sendPDF answers with tickets of one booking on paper.
func (s *Server) sendPDF(c echo.Context, name string, tickets []views.TicketView) error {
	var body bytes.Buffer
	err := s.press.do(c.Request().Context(), pressWait, func() error { return ticket.PDF(&body, views.Sheet(tickets)) })
	if err != nil {
		return err
	}
	return sendFile(c, name+".pdf", "application/pdf", body.Bytes())
}

// sendFile answers with a file to download. Its name needs no escaping.
func sendFile(c echo.Context, name, kind string, body []byte) error {
	c.Response().Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name))
	return c.Blob(http.StatusOK, kind, body)
}

// ticketOf returns the ticket with this token. Anything that is not a token of
// this store is errNoTicket: the token is a secret, and is in no error.
func (s *Server) ticketOf(c echo.Context, token string) (views.TicketView, error) {
	keys := visitorOf(c).signer.tickets()
	t, err := ticket.Read(keys.Public(), token)
	if err != nil || keys.Sign(t) != token {
		return views.TicketView{}, errNoTicket
	}
	shown, err := s.checkout.Show(c.Request().Context(), t.Code)
	switch {
	case errors.Is(err, store.ErrNoBooking):
		return views.TicketView{}, errNoTicket
	case err != nil:
		return views.TicketView{}, err
	case shown.Booking.Event != t.Event:
		return views.TicketView{}, errNoTicket
	}
	own := s.maySee(c, shown.Booking)
	if !own {
		shown.Person = store.Person{}
	}
	v := s.ticketView(c, shown, t, token)
	v.Own = own
	return v, nil
}

// ticketView has no QR code, which takes long to draw and not all need.
func (s *Server) ticketView(c echo.Context, shown checkout.Shown, t ticket.Ticket, token string) views.TicketView {
	return views.TicketView{
		Billing: views.BillingOf(shown.Event, shown.Booking, s.speak(c)), Booking: shown.Booking, Person: shown.Person,
		Seat: t.Seat, Issue: t.Issue, Token: token, Now: shown.Now, Asset: s.files.Path,
	}
}

// ticketsOf returns the tickets of a booking that are valid now, or will be
// once it is paid.
func (s signer) ticketsOf(b store.Booking) []ticket.Ticket {
	if !b.HasTickets() {
		return nil
	}
	var all []ticket.Ticket
	for _, l := range b.Kept() {
		all = append(all, ticket.Of(b, l.Seat))
	}
	return all
}

// booking serves GET /bookings/{code}, and as files {code}.pdf and .ics.
func (s *Server) booking(c echo.Context) error {
	code, kind := fileOf(c.Param("code"), ".pdf", ".ics")
	switch kind {
	case ".pdf":
		return s.bookingPDF(c, code)
	case ".ics":
		return s.bookingCalendar(c, code)
	}
	return s.bookingPage(c)
}

// ticketSheet serves GET /bookings/{code}/tickets.
func (s *Server) ticketSheet(c echo.Context) error {
	shown, tickets, err := s.allTickets(c, c.Param("code"))
	if err != nil {
		return err
	}
	if err := s.drawCodes(c, tickets); err != nil {
		return err
	}
	return render(c, http.StatusOK, views.TicketSheet(views.SheetView{BookingView: s.viewOf(c, shown), Tickets: tickets}))
}

// drawCodes gives the tickets of a sheet their QR codes.
func (s *Server) drawCodes(c echo.Context, tickets []views.TicketView) error {
	return s.press.do(c.Request().Context(), pressWait, func() (err error) {
		for i := range tickets {
			if tickets[i].Code, err = ticket.QR(tickets[i].Token); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Server) bookingPDF(c echo.Context, code string) error {
	_, tickets, err := s.allTickets(c, code)
	if err != nil {
		return err
	}
	return s.sendPDF(c, "tickets-"+code, tickets)
}

// bookingCalendar serves the calendar entry, which also says if the booking was
// cancelled.
func (s *Server) bookingCalendar(c echo.Context, code string) error {
	shown, err := s.shownTo(c, code)
	switch {
	case err != nil:
		return err
	case !shown.Booking.HasTickets() && shown.Booking.State != store.BookingCancelled:
		return errNoTickets
	}
	entry := s.viewOf(c, shown).Calendar()
	if entry == nil {
		return errNoDate
	}
	return sendFile(c, "booking-"+code+".ics", "text/calendar; charset=utf-8", entry)
}

// allTickets returns the tickets of a booking that the visitor may see;
// errNoTickets if it has none.
func (s *Server) allTickets(c echo.Context, code string) (checkout.Shown, []views.TicketView, error) {
	shown, err := s.shownTo(c, code)
	if err != nil {
		return shown, nil, err
	}
	signer := visitorOf(c).signer
	keys := signer.tickets()
	var all []views.TicketView
	for _, t := range signer.ticketsOf(shown.Booking) {
		all = append(all, s.ticketView(c, shown, t, keys.Sign(t)))
	}
	if len(all) == 0 {
		return shown, nil, errNoTickets
	}
	return shown, all, nil
}

// shownTo returns a booking that the visitor may see, with its records.
func (s *Server) shownTo(c echo.Context, code string) (checkout.Shown, error) {
	b, err := s.bookingOf(c, code)
	if err != nil {
		return checkout.Shown{}, err
	}
	return s.checkout.Show(c.Request().Context(), b.Code)
}

// maySee reports whether the visitor may see a booking.
func (s *Server) maySee(c echo.Context, b store.Booking) bool {
	return b.Holder == visitorOf(c).holder || s.sessions.hasAdded(c.Request().Context(), b.Code)
}

// offlineScript serves GET /tickets/offline.js, the service worker that keeps
// opened tickets for use without a network. At this address it may answer for
// everything below /tickets/.
func (s *Server) offlineScript(c echo.Context) error {
	file, ok := s.files.Open(s.files.Path("offline.js"))
	if !ok {
		return echo.ErrNotFound
	}
	c.Response().Header().Set("Cache-Control", "no-cache")
	return c.Blob(http.StatusOK, file.ContentType, file.Body)
}
