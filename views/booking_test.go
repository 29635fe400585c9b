package views

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"golang.org/x/text/language"

	"github.com/seatlock/seatlock/checkout/ticket"
	"github.com/seatlock/seatlock/store"
)

const tillCode = "ABCDEFGH23"

func tillLines() []store.Line {
	return []store.Line{
		{Seat: "A1", Label: "1", Row: "A", Section: "Stalls", Category: "front", Price: 2800},
		{Seat: "B1", Label: "1", Row: "B", Section: "Stalls", Category: "rear", Price: 2250},
	}
}

func tillBilling(t *testing.T, w Words, e store.Event) Billing {
	t.Helper()
	b, err := NewBilling(e, w)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func checkoutView(t *testing.T, w Words) CheckoutView {
	return CheckoutView{
		Billing: tillBilling(t, w, smallEvent()), Lines: tillLines(), Deadline: now.Add(9 * time.Minute), Now: now, AtDoor: now.Add(48 * time.Hour),
		Ways: []string{"door", "demo"}, Digest: "d1", Request: "r1", Asset: plainName,
	}
}

// withTariffs has a choice for the first seat, and a tariff for the second.
func withTariffs(v *CheckoutView) {
	full, child := v.Lines[0], v.Lines[0]
	full.Tariff, full.TariffName = "full", "⟦Full⟧"
	child.Tariff, child.TariffName, child.Price = "child", "⟦Child⟧", 1400
	v.Lines[0], v.Lines[1].Tariff, v.Lines[1].TariffName = child, "full", "⟦Full⟧"
	v.Choices = [][]store.Line{{full, child}, {v.Lines[1]}}
}

func bookingView(t *testing.T, w Words, state store.BookingState) BookingView {
	return BookingView{
		Billing: tillBilling(t, w, smallEvent()),
		Booking: store.Booking{Code: tillCode, Event: "tempest", State: state, Lines: tillLines(), Currency: "EUR", Provider: "demo", PayUntil: now.Add(15 * time.Minute)},
		Person:  store.Person{Name: "Ada Lovelace", Email: "ada@example.org", Phone: "+43 1 5130"},
		Now:     now, Key: "https://tickets.example/bookings/" + tillCode + "?key=k1", Token: "t1", Asset: plainName,
	}
}

func tillAttempt(state store.AttemptState) store.Attempt {
	return store.Attempt{ID: tillCode + "-1", State: state, Amount: 5050, Currency: "EUR", Version: 1,
		Deadline: now.Add(15 * time.Minute), URL: "/demo-pay/" + tillCode + "-1"}
}

func tillRefund(state store.RefundState) store.Refund {
	return store.Refund{ID: tillCode + "-r1", State: state, Amount: 2800, Currency: "EUR"}
}

func testToken(seat string, issue int) string {
	return ticket.NewKeys([]byte("test")).Sign(ticket.Ticket{Event: "tempest", Code: tillCode, Seat: seat, Issue: issue})
}

// ticketView is the ticket for the first seat of a booking.
func ticketView(t *testing.T, w Words, state store.BookingState) TicketView {
	t.Helper()
	b := bookingView(t, w, state)
	b.Booking.Lines[0].Tariff, b.Booking.Lines[0].TariffName, b.Booking.Starts = "full", "⟦Full⟧", b.event.Starts
	code, err := ticket.QR(testToken("A1", 1))
	if err != nil {
		t.Fatal(err)
	}
	return TicketView{Billing: b.Billing, Booking: b.Booking, Seat: "A1", Issue: 1, Token: testToken("A1", 1), Code: code, Now: now, Asset: plainName}
}

// ticketStates are all in which a ticket can be, by what its page calls them, and
// some more.
func ticketStates() map[string]func(*TicketView) {
	state := func(state store.BookingState, ticket store.Ticket) func(*TicketView) {
		return func(v *TicketView) { v.Booking.State, v.Booking.Tickets = state, map[string]store.Ticket{"A1": ticket} }
	}
	booked := state(store.BookingBooked, store.Ticket{})
	return map[string]func(*TicketView){
		"valid":     booked,
		"used":      state(store.BookingBooked, store.Ticket{In: now.Add(-time.Minute)}),
		"unpaid":    state(store.BookingReserved, store.Ticket{}),
		"cancelled": state(store.BookingCancelled, store.Ticket{}),
		"reissued":  state(store.BookingBooked, store.Ticket{Issue: 2}),
		"ended":     state(store.BookingLapsed, store.Ticket{}),
		"moved": func(v *TicketView) {
			booked(v)
			v.Booking.Lines = v.Booking.Lines[1:]
		},
		"own": func(v *TicketView) {
			booked(v)
			v.Own, v.Person = true, store.Person{Name: "Ada Lovelace"}
		},
		"other-date": func(v *TicketView) {
			booked(v)
			v.Booking.Starts = v.event.Starts.Add(-24 * time.Hour)
		},
		"no-date": func(v *TicketView) {
			booked(v)
			v.event.Starts = time.Time{}
		},
		"removed": func(v *TicketView) {
			v.Booking.State, v.Billing = store.BookingCancelled, BillingOf(store.Event{}, v.Booking, v.Words)
		},
	}
}

// tillPages are the pages of checkout, booking and demo payment, in every state
// that they can be in.
func tillPages(t *testing.T, w Words, asset func(string) string) map[string]templ.Component {
	pages := map[string]templ.Component{}
	form := func(name string, change func(*CheckoutView)) {
		v := checkoutView(t, w)
		v.Asset = asset
		change(&v)
		pages["checkout"+name] = CheckoutPage(v)
	}
	form("", func(*CheckoutView) {})
	form("-faults", func(v *CheckoutView) {
		v.Person, v.Payment, v.Line = store.Person{Name: "\u200b", Email: "ada", Phone: "one"}, "gold", w.Say("Please correct the marked fields.")
		v.Faults = CheckoutFaults{true, true, true, true}
	})
	form("-one-way", func(v *CheckoutView) { v.Ways = v.Ways[:1] })
	form("-other-way", func(v *CheckoutView) { v.Ways = []string{"⟦bank⟧"} })
	form("-free", func(v *CheckoutView) { v.Lines[0].Price, v.Lines[1].Price = 0, 0 })
	form("-tariffs", withTariffs)
	form("-unfit", func(v *CheckoutView) {
		withTariffs(v)
		v.Unfit, v.Line = "A1", "⟦A1 cannot be Child⟧"
	})
	form("-never", func(v *CheckoutView) { v.event.Terms.CancelUntil = store.Never })
	form("-late", func(v *CheckoutView) { v.event.Terms.CancelUntil = 30 * 24 * time.Hour })
	form("-no-date", func(v *CheckoutView) { v.event.Starts = time.Time{} })
	for name, change := range bookingStates() {
		v := bookingView(t, w, "")
		v.Asset = asset
		change(&v)
		if v.Booking.HasTickets() {
			v.Tickets = map[string]string{"A1": testToken("A1", 1), "B1": testToken("B1", 1)}
		}
		pages["booking-"+name] = BookingPage(v)
	}
	for name, change := range ticketStates() {
		v := ticketView(t, w, "")
		v.Asset = asset
		change(&v)
		pages["ticket-"+name] = TicketPage(v)
	}
	sheet := SheetView{BookingView: bookingView(t, w, store.BookingBooked), Tickets: []TicketView{ticketView(t, w, store.BookingBooked), ticketView(t, w, store.BookingBooked)}}
	sheet.Asset, sheet.Tickets[1].Seat = asset, "B1"
	pages["ticket-sheet"] = TicketSheet(sheet)
	for name, open := range map[string]bool{"demo-pay": true, "demo-pay-over": false} {
		pages[name] = DemoPage(DemoView{Words: w, Attempt: tillAttempt(store.AttemptStarted), Open: open,
			Silent: 150 * time.Second, Patience: 4 * time.Minute, Token: "t1", Asset: asset})
	}
	return pages
}

func bookingStates() map[string]func(*BookingView) {
	attempt := func(state store.BookingState, attempt store.AttemptState, more func(*BookingView)) func(*BookingView) {
		return func(v *BookingView) {
			v.Booking.State, v.Attempt = state, tillAttempt(attempt)
			if more != nil {
				more(v)
			}
		}
	}
	refund := func(state store.BookingState, refund store.RefundState) func(*BookingView) {
		return attempt(state, store.AttemptCaptured, func(v *BookingView) {
			v.Booking.Captured, v.Refunds = 5050, []store.Refund{tillRefund(refund)}
			v.Booking.Lines[0].Cancelled = true
		})
	}
	return map[string]func(*BookingView){
		"starting":      attempt(store.BookingPaying, store.AttemptRecorded, nil),
		"paying":        attempt(store.BookingPaying, store.AttemptStarted, nil),
		"checking":      attempt(store.BookingPaying, store.AttemptAuthorized, nil),
		"given-up":      attempt(store.BookingPaying, store.AttemptStarted, func(v *BookingView) { v.Attempt.GivenUp = true }),
		"reserved":      func(v *BookingView) { v.Booking.State = store.BookingReserved },
		"booked":        attempt(store.BookingBooked, store.AttemptCaptured, func(v *BookingView) { v.Booking.Captured = 5050 }),
		"booked-part":   refund(store.BookingBooked, store.RefundDone),
		"booked-refund": refund(store.BookingBooked, store.RefundWanted),
		"booked-in": attempt(store.BookingBooked, store.AttemptCaptured, func(v *BookingView) {
			v.Booking.Captured, v.Booking.Starts = 5050, v.event.Starts.Add(-24*time.Hour)
			v.Booking.Tickets = map[string]store.Ticket{"A1": {In: now.Add(-time.Minute)}}
		}),
		"booked-erased": attempt(store.BookingBooked, store.AttemptCaptured, func(v *BookingView) { v.Person = store.Person{} }),
		"declined":      attempt(store.BookingDeclined, store.AttemptDead, nil),
		"declined-held": attempt(store.BookingDeclined, store.AttemptDead, func(v *BookingView) { v.HeldUntil = now.Add(time.Minute) }),
		"lapsed":        func(v *BookingView) { v.Booking.State = store.BookingLapsed },
		"unanswered":    attempt(store.BookingLapsed, store.AttemptStarted, nil),
		"lost":          refund(store.BookingLost, store.RefundWanted),
		"cancelled":     refund(store.BookingCancelled, store.RefundStuck),
		"unknown":       func(v *BookingView) { v.Booking.State = "minted" },
		"removed": func(v *BookingView) {
			v.Booking.State, v.Billing = store.BookingCancelled, BillingOf(store.Event{}, v.Booking, v.Words)
		},
	}
}

// TestPaidBackByHand: where no provider has the money, nobody is told that it was
// given back already.
func TestPaidBackByHand(t *testing.T) {
	v := bookingView(t, In(language.English), store.BookingBooked)
	v.Booking.Provider, v.Booking.Captured, v.Refunds = "house", 5050, []store.Refund{tillRefund(store.RefundDone)}
	page := string(AppendBooking(nil, v))
	for _, want := range []string{"€28 is refunded to you at the box office. Give them the code of this booking.", "You get €50.50 back at the box office."} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

func TestGoldenTill(t *testing.T) {
	// A QR code is checked by who draws it, and would be most of the page.
	without := func(page templ.Component) string {
		return regexp.MustCompile(`data:image/svg[^"]*|\x{200b}`).ReplaceAllString(render(t, page), "")
	}
	for name, page := range tillPages(t, In(language.English), plainName) {
		t.Run(name, func(t *testing.T) { golden(t, name, without(page)) })
	}
	pages := tillPages(t, In(language.German), plainName)
	for _, name := range []string{"checkout-faults", "checkout-tariffs", "booking-paying", "booking-booked", "booking-booked-in", "booking-lost", "demo-pay", "ticket-sheet", "ticket-valid", "ticket-used", "ticket-reissued", "ticket-moved", "ticket-own"} {
		t.Run(name+"-de", func(t *testing.T) { golden(t, name+"-de", without(pages[name])) })
	}
	v := bookingView(t, In(language.English), store.BookingBooked)
	v.Attempt = tillAttempt(store.AttemptCaptured)
	golden(t, "booking-fragment", string(AppendBooking(nil, v)))
	form := checkoutView(t, In(language.English))
	withTariffs(&form)
	golden(t, "checkout-fragment", string(AppendCheckout(nil, form)))
}

// What waits asks again, with the script and without; what is final does not.
func TestOnlyWhatWaitsAsksAgain(t *testing.T) {
	for name, change := range bookingStates() {
		v := bookingView(t, In(language.English), "")
		change(&v)
		page := render(t, BookingPage(v))
		want := map[string]string{"starting": "2", "paying": "15", "checking": "2", "given-up": "2", "unanswered": "15", "lost": "15", "booked-refund": "15"}[name]
		if got := strings.Contains(page, `<noscript><meta http-equiv="refresh" content="`+want+`">`); got != (want != "") || !got && strings.Contains(page, "refresh") {
			t.Errorf("%s: refreshed without a script, want %q:\n%s", name, want, page)
		}
		if got := strings.Contains(page, `hx-trigger="every 2s"`); got != (want != "") {
			t.Errorf("%s: asked again by the script: %v", name, got)
		}
		if strings.Count(page, "data-booking=") != 1 || !strings.Contains(page, `data-booking="`+tillCode+`" data-state="`+string(v.Booking.State)+`"`) {
			t.Errorf("%s: not one element has code and state", name)
		}
	}
}

// Where the money or a seat stands differently, the page is another phase.
func TestPhases(t *testing.T) {
	seen := map[string]string{}
	for name, change := range bookingStates() {
		v := bookingView(t, In(language.English), "")
		change(&v)
		switch name {
		case "booked-erased", "booked-in", "declined-held", "removed": // differ in what does not change by itself
			continue
		}
		if other, twice := seen[v.Phase()]; twice {
			t.Errorf("%s and %s are both phase %q", name, other, v.Phase())
		}
		seen[v.Phase()] = name
	}
}

// Each state of a ticket is named on one element, in words of its own, and a ticket
// that is not let in has no code to be shown at the door.
func TestTicketStates(t *testing.T) {
	seen := map[string]string{}
	for name, change := range ticketStates() {
		v := ticketView(t, In(language.English), "")
		change(&v)
		page := render(t, TicketPage(v))
		want := name
		switch name {
		case "own", "other-date", "no-date":
			want = "valid"
		case "removed":
			want = "cancelled"
		}
		if strings.Count(page, "data-ticket=") != 1 || !strings.Contains(page, `data-ticket="A1" data-ticket-state="`+want+`"`) {
			t.Errorf("%s: not one element has seat and state\n%s", name, page)
		}
		if got, stands := strings.Contains(page, `<img class="qr"`), want == "valid" || want == "used" || want == "unpaid"; got != stands || v.Stands() != stands {
			t.Errorf("%s: has a code: %t", name, got)
		}
		if strings.Contains(page, "Ada") != (name == "own") {
			t.Errorf("%s: tells whose it is: %t", name, name != "own")
		}
		if other, twice := seen[v.text()]; twice && want == name {
			t.Errorf("%s says what %s says", name, other)
		}
		if want == name {
			seen[v.text()] = name
		}
	}
}

// What is printed has all that the page has.
func TestTicketSheet(t *testing.T) {
	v := ticketView(t, In(language.German), store.BookingBooked)
	v.Booking.Starts, v.Person.Name = v.event.Starts.Add(-24*time.Hour), "Ada Lovelace"
	s := Sheet([]TicketView{v})
	for _, want := range []string{
		"The Tempest", "Studio Theatre", "Freitag, 4. Dezember 2026, 19:30 MEZ", "verlegt von Donnerstag, 3. Dezember 2026, 19:30 MEZ",
		"Reihe A", "Platz 1", "Tarif ⟦Full⟧", "Preis 28\u00a0€", "Buchung " + tillCode, "Name Ada Lovelace", "Ausgabe 1", v.Token,
	} {
		if text := strings.NewReplacer("{", "", "}", "").Replace(fmt.Sprint(s)); !strings.Contains(text, want) {
			t.Errorf("no %q on the sheet\n%s", want, text)
		}
	}
}

func TestCalendar(t *testing.T) {
	v := bookingView(t, In(language.English), store.BookingBooked)
	v.Booking.Lines[1].Cancelled = true
	entry := string(v.Calendar())
	for _, want := range []string{"DTSTART:20261204T183000Z", "SUMMARY:The Tempest", "LOCATION:Studio Theatre", "Stalls row A seat 1", "Booking " + tillCode, "STATUS:CONFIRMED"} {
		if !strings.Contains(entry, want) {
			t.Errorf("no %s in\n%s", want, entry)
		}
	}
	if strings.Contains(entry, "Ada") || strings.Contains(entry, "row B") {
		t.Errorf("a name or a cancelled seat in\n%s", entry)
	}
	v.Booking.State = store.BookingCancelled
	if entry := string(v.Calendar()); !strings.Contains(entry, "STATUS:CANCELLED") {
		t.Errorf("a cancelled booking is\n%s", entry)
	}
	v.event.Starts = time.Time{}
	if v.Calendar() != nil {
		t.Error("an entry without a date")
	}
}
