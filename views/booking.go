package views

import (
	"slices"
	"time"

	"github.com/a-h/templ"

	"github.com/seatlock/seatlock/store"
)

// BookingView is a booking for visitors who may see it.
type BookingView struct {
	// Billing is of the booking's event; see [BillingOf].
	Billing
	Booking store.Booking
	Attempt store.Attempt // Version 0 is none
	Refunds []store.Refund
	Person  store.Person // the zero value if it was erased
	Now     time.Time
	// HeldUntil is when the lock of seats ends whose payment was declined or
	// given up; zero if there are none.
	HeldUntil time.Time
	// Tickets are the tokens of its tickets, by seat.
	Tickets map[string]string
	// Key is the address that opens the booking without a session.
	Key string
	// Token proves that its forms are ours.
	Token string
	Asset func(name string) string
}

// BillingOf is NewBilling for the event of a booking, which may be gone (its
// ID is then "") or have a zone that this program does not know.
func BillingOf(e store.Event, b store.Booking, w Words) Billing {
	if billing, err := NewBilling(e, w); err == nil && e.ID != "" {
		return billing
	}
	return Billing{Words: w, zone: time.UTC, event: store.Event{ID: b.Event, Title: b.Event, Currency: b.Currency}}
}

func (v BookingView) path(below string) string {
	p := BookingPath(v.Booking.Code)
	if below != "" {
		p += "/" + below
	}
	return p
}

// Phase names what the page shows, as far as that can change by itself. A
// waiting page asks whether its phase has changed.
func (v BookingView) Phase() string {
	phase := string(v.Booking.State)
	switch {
	case v.Booking.State == store.BookingPaying:
		phase += "-" + v.payPhase()
	case v.unanswered():
		phase += "-unanswered"
	}
	for _, r := range v.Refunds {
		phase += "-" + string(r.State)
	}
	return phase
}

// The phases of a payment, as its visitor sees them.
const (
	payStarting = "starting" // the provider has not told yet where to pay
	payOpen     = "open"
	payEnding   = "ending" // given up, and not known yet whether it was paid before
	payChecking = "checking"
)

func (v BookingView) payPhase() string {
	a := v.Attempt
	switch {
	case a.GivenUp:
		return payEnding
	case a.State == store.AttemptStarted && a.URL != "" && v.Now.Before(a.Deadline):
		return payOpen
	case a.State == store.AttemptRecorded && v.Now.Before(a.Deadline):
		return payStarting
	}
	return payChecking
}

// unanswered reports whether the seats were let go before the provider has said
// whether it has the money.
func (v BookingView) unanswered() bool {
	return v.Booking.State == store.BookingLapsed && v.Attempt.Version > 0 && !v.Attempt.Final()
}

// waits reports whether the page will soon change by itself.
func (v BookingView) waits() bool {
	return v.Booking.State == store.BookingPaying || v.unanswered() ||
		slices.ContainsFunc(v.Refunds, func(r store.Refund) bool { return r.State == store.RefundWanted })
}

// headline returns the state in a few words.
func (v BookingView) headline() string {
	switch v.Booking.State {
	case store.BookingPaying:
		switch v.payPhase() {
		case payEnding:
			return v.Say("Your payment is being cancelled")
		case payChecking:
			return v.Say("Your payment is being checked")
		}
		return v.Say("Your seats wait for your payment")
	case store.BookingReserved:
		return v.Say("Your seats are reserved")
	case store.BookingBooked:
		return v.Say("Your seats are booked")
	case store.BookingDeclined:
		return v.Say("You have not paid")
	case store.BookingLapsed:
		return v.Say("It was not paid in time")
	case store.BookingLost:
		return v.Say("Your payment came too late: you get your money back")
	case store.BookingCancelled:
		return v.Say("This booking is cancelled")
	}
	return v.Say("Your booking")
}

// text returns what the state means, and what to do next.
func (v BookingView) text() string {
	switch v.Booking.State {
	case store.BookingPaying:
		return v.payText()
	case store.BookingReserved:
		return v.Say("Pay %s at the door by %s. Seats that are not paid for by then go back on sale.", v.sum(v.Booking.Owed()), v.at(v.Booking.PayUntil))
	case store.BookingBooked:
		if v.Booking.Captured == 0 {
			return v.Say("Your seats are free of charge. Give this code at the door:")
		}
		return v.Say("You have paid %s. Give this code at the door:", v.sum(v.Booking.Captured))
	case store.BookingDeclined:
		if v.HeldUntil.IsZero() {
			return v.Say("Nothing was charged. The seats are free again: choose them once more if you still want to come.")
		}
		return v.Say("Nothing was charged. Your seats are still held for you until %s: book them from the seat map.", v.TimeOfDay(v.HeldUntil))
	case store.BookingLapsed:
		if v.unanswered() {
			return v.Say("The payment service does not answer, and your seats could not wait any longer. If you have paid, they become yours once more if all of them are still free; else you get all of your money back. This page will say so.")
		}
		return v.Say("Nothing was charged, and the seats are free again. Choose them once more if you still want to come.")
	case store.BookingLost:
		return v.Say("When your payment came, somebody else already had your seats. You get all of your money back. We are sorry.")
	case store.BookingCancelled:
		return v.Say("Its seats are free again.")
	}
	return ""
}

func (v BookingView) payText() string {
	switch v.payPhase() {
	case payStarting:
		return v.Say("We are waiting for the page of the payment service. This page goes on by itself.")
	case payOpen:
		return v.Say("They are yours meanwhile, and nobody else can have them. Pay by %s.", v.TimeOfDay(v.Attempt.Deadline))
	case payEnding:
		return v.Say("If you have already paid, that counts and the seats are yours. If not, you can choose them again in a moment. This page goes on by itself.")
	}
	return v.Say("We are asking the payment service whether you have paid. This page goes on by itself.")
}

// sum returns an amount in the booking's currency, which never changes.
func (v BookingView) sum(amount int64) string { return v.amount(amount, v.Booking.Currency) }

// showsCode reports whether the owner needs the code.
func (v BookingView) showsCode() bool {
	switch v.Booking.State {
	case store.BookingReserved, store.BookingBooked:
		return true
	}
	return false
}

// unpaid reports whether its tickets are not valid yet.
func (v BookingView) unpaid() bool { return v.Booking.State == store.BookingReserved }

// leadsBack reports whether there is reason to choose seats again.
func (v BookingView) leadsBack() bool {
	switch v.Booking.State {
	case store.BookingDeclined, store.BookingLapsed, store.BookingLost, store.BookingCancelled:
		return true
	}
	return false
}

// cancellable returns the lines that the visitor can cancel now: none that was
// checked in.
func (v BookingView) cancellable() []store.Line {
	state := v.Booking.State
	if state != store.BookingBooked && state != store.BookingReserved || !v.event.CancellableAt(v.Now) {
		return nil
	}
	return slices.DeleteFunc(v.Booking.Kept(), func(l store.Line) bool { return !v.Booking.Ticket(l.Seat).In.IsZero() })
}

// cancelLine returns what happens if these are cancelled.
func (v BookingView) cancelLine(lines []store.Line) string {
	back := store.TotalOf(lines)
	if v.Booking.State == store.BookingReserved || back == 0 {
		return v.Say("This cannot be undone.")
	}
	if v.byHand() {
		return v.Say("You get %s back at the box office. This cannot be undone.", v.sum(back))
	}
	return v.Say("You get %s back. This cannot be undone.", v.sum(back))
}

// byHand reports whether no provider has the money: people hand it out.
func (v BookingView) byHand() bool { return v.Attempt.Version == 0 }

func (v BookingView) refundLine(r store.Refund) string {
	sum := v.amount(r.Amount, r.Currency)
	switch {
	case r.State == store.RefundDone && v.byHand():
		return v.Say("%s is refunded to you at the box office. Give them the code of this booking.", sum)
	case r.State == store.RefundDone:
		return v.Say("%s was refunded to you.", sum)
	case r.State == store.RefundStuck:
		return v.Say("%s could not be refunded automatically. The box office will do it: give them the code of this booking.", sum)
	}
	return v.Say("%s is being refunded to you.", sum)
}

// AppendBooking appends the booking as a fragment, and its state as one line.
func AppendBooking(dst []byte, v BookingView) []byte {
	dst = appendComponent(dst, bookingPart(v, true))
	return AppendStatus(dst, v.headline()+".", false)
}

// title does not have the state, which changes while the page is open.
func (v BookingView) title() string {
	return v.Say("Booking %s", v.Booking.Code) + " – " + v.event.Title
}

// refresh is what the page's head has for browsers without a script. To load a
// page anew while somebody reads it is only good where a moment is all it takes.
func (v BookingView) refresh() templ.Component {
	switch {
	case v.Booking.State == store.BookingPaying && v.payPhase() != payOpen:
		return bookingRefresh("2")
	case v.waits():
		return bookingRefresh("15")
	}
	return templ.NopComponent
}
