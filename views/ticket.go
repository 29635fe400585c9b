package views

import (
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/seatlock/seatlock/checkout/ticket"
	"github.com/seatlock/seatlock/store"
)

// TicketView is the ticket for one seat, as whoever has it sees it.
type TicketView struct {
	// Billing is of the booking's event; see [BillingOf].
	Billing
	Booking store.Booking
	// Seat and Issue are those on the ticket.
	Seat  string
	Issue int
	// Person is zero unless the viewer may see the booking; Own means that they
	// may.
	Person store.Person
	Own    bool
	// Token is the ticket itself, and Code its QR code.
	Token string
	Code  ticket.Code
	Now   time.Time
	Asset func(name string) string
}

// TicketPath is where a ticket is shown. A token needs no escaping.
func TicketPath(token string) string { return "/tickets/" + token }

// line returns the seat as it was sold. After a move the old seat has no line
// any more.
func (v TicketView) line() store.Line {
	i := slices.IndexFunc(v.Booking.Lines, func(l store.Line) bool { return l.Seat == v.Seat })
	if i < 0 {
		return store.Line{Seat: v.Seat}
	}
	return v.Booking.Lines[i]
}

// in returns the time of the ticket's check-in; zero if there was none.
func (v TicketView) in() time.Time { return v.Booking.Ticket(v.Seat).In }

// The states of a ticket, as its page names them.
const (
	ticketValid     = "valid"
	ticketUsed      = "used"
	ticketUnpaid    = "unpaid"
	ticketCancelled = "cancelled"
	ticketReissued  = "reissued"
	ticketMoved     = "moved"
	ticketEnded     = "ended"
)

func (v TicketView) state() string {
	err := v.Booking.Admits(v.Seat, v.Issue)
	switch {
	case errors.Is(err, store.ErrCancelled):
		return ticketCancelled
	case errors.Is(err, store.ErrReplaced) && v.line().Label == "":
		return ticketMoved
	case errors.Is(err, store.ErrReplaced):
		return ticketReissued
	case errors.Is(err, store.ErrUnpaid):
		return ticketUnpaid
	case err != nil:
		return ticketEnded
	case !v.in().IsZero():
		return ticketUsed
	}
	return ticketValid
}

// Stands reports whether the ticket is the present one for its seat: valid,
// used, or valid once it is paid for.
func (v TicketView) Stands() bool {
	switch v.state() {
	case ticketValid, ticketUsed, ticketUnpaid:
		return true
	}
	return false
}

// headline is the state in a word or two.
func (v TicketView) headline() string {
	switch v.state() {
	case ticketValid:
		return v.Say("Valid")
	case ticketUsed:
		return v.Say("Used")
	case ticketUnpaid:
		return v.Say("Not paid yet")
	case ticketCancelled:
		return v.Say("Cancelled")
	case ticketReissued:
		return v.Say("Replaced")
	case ticketMoved:
		return v.Say("Seat moved")
	}
	return v.Say("Not valid")
}

// text says what the state means.
func (v TicketView) text() string {
	switch v.state() {
	case ticketValid:
		return v.Say("Show this code at the door. It lets one person in, once.")
	case ticketUsed:
		return v.Say("Checked in on %s.", v.at(v.in()))
	case ticketUnpaid:
		return v.Say("This ticket is valid once its booking is paid.")
	case ticketCancelled:
		return v.Say("The seat was cancelled, and this ticket is no longer valid.")
	case ticketReissued:
		return v.Say("A new ticket was issued for the seat. Only the new one is valid.")
	case ticketMoved:
		return v.Say("The booking has another seat now, with a ticket of its own. Only that one is valid.")
	}
	return v.Say("The booking was not paid, and this ticket is not valid.")
}

// title names the event first, to tell apart several open tickets.
func (v TicketView) title() string { return v.event.Title + " – " + v.name() }

// name returns the ticket's name for people.
func (v TicketView) name() string {
	if l := v.line(); l.Label != "" {
		return v.LineName(l)
	}
	return v.Say("Ticket")
}

// until returns when nobody needs the ticket any more, in milliseconds since
// 1970; 0 if that is not known.
func (v TicketView) until() string {
	if v.event.Starts.IsZero() {
		return "0"
	}
	return strconv.FormatInt(v.event.Starts.Add(store.Evening).UnixMilli(), 10)
}

// picture is the QR code in an address of its own, so that a page which was saved
// has it.
func (v TicketView) picture() string {
	return "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(v.Code.SVG())
}

// moved returns a sentence if the start of the event has changed since the
// sale, or "".
func (b Billing) moved(sold time.Time) string {
	switch now := b.event.Starts; {
	case sold.IsZero(), sold.Equal(now), b.event.Zone == "":
		return ""
	case now.IsZero():
		return b.Say("This event was to start on %s. The new date is not known yet.", b.at(sold))
	default:
		return b.Say("This event was moved from %s to %s.", b.at(sold), b.at(now))
	}
}

// stub is what a ticket says of its seat, for paper and page.
func (v TicketView) stub() ticket.Stub {
	l := v.line()
	stub := ticket.Stub{
		Section: ticket.Field{Label: v.Say("Section"), Value: l.Section}, Row: ticket.Field{Label: v.Say("Row"), Value: l.Row},
		Seat: ticket.Field{Label: v.Say("Seat"), Value: l.Label}, Tariff: ticket.Field{Label: v.Say("Tariff"), Value: l.TariffName},
		Code: ticket.Field{Label: v.Say("Booking"), Value: v.Booking.Code}, Name: ticket.Field{Label: v.Say("Name"), Value: v.Person.Name},
		Issue: ticket.Field{Label: v.Say("Issue"), Value: v.number(v.Issue)}, Token: v.Token,
	}
	if l.Label != "" {
		stub.Price = ticket.Field{Label: v.Say("Price"), Value: v.price(l.Price, v.Booking.Currency)}
	}
	return stub
}

// facts are the fields of the stub that say something, in the order of the page.
func (v TicketView) facts() []ticket.Field {
	s := v.stub()
	return slices.DeleteFunc([]ticket.Field{s.Section, s.Row, s.Seat, s.Tariff, s.Price, s.Code, s.Issue, s.Name},
		func(f ticket.Field) bool { return f.Value == "" })
}

// starts says when the event starts, if that is known.
func (b Billing) starts() string {
	if b.event.Starts.IsZero() {
		return b.Say("Date to be announced")
	}
	return b.at(b.event.Starts)
}

// Sheet returns the printed sheet for tickets of one booking, one at least.
func Sheet(all []TicketView) ticket.Sheet {
	v := all[0]
	sheet := ticket.Sheet{
		Lang: v.tag.String(), Title: v.Say("Tickets of booking %s", v.Booking.Code),
		Event: v.event.Title, Starts: v.starts(), Moved: v.moved(v.Booking.Starts), Venue: v.event.Venue,
		Unprintable: v.Say("Cannot be printed in full here: the ticket's page shows it."),
	}
	for _, t := range all {
		sheet.Tickets = append(sheet.Tickets, t.stub())
	}
	return sheet
}

// Calendar returns the booking as a calendar entry; nil if the event has no
// date.
func (v BookingView) Calendar() []byte {
	seats := ""
	for _, l := range v.Booking.Kept() {
		seats += v.LineName(l) + "\n"
	}
	return ticket.Calendar(ticket.Entry{
		Event: v.event.ID, Code: v.Booking.Code, Title: v.event.Title, Venue: v.event.Venue,
		Seats: seats + v.Say("Booking %s", v.Booking.Code), Starts: v.event.Starts,
		Sequence: v.event.Revision + v.Booking.Version, Made: v.Now, Cancelled: v.Booking.State == store.BookingCancelled,
	})
}

// SheetView has all tickets of a booking, to be printed.
type SheetView struct {
	BookingView
	Tickets []TicketView
}

func (v SheetView) title() string { return v.Say("Tickets of booking %s", v.Booking.Code) }
