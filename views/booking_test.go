package views

import (
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"golang.org/x/text/language"

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
		v.Person, v.Payment, v.Line = store.Person{Name: "\u200b", Email: "ada", Phone: "one"}, "gold", w.Say("Some of it cannot be: please look at what is marked.")
		v.Faults = CheckoutFaults{true, true, true, true}
	})
	form("-one-way", func(v *CheckoutView) { v.Ways = v.Ways[:1] })
	form("-other-way", func(v *CheckoutView) { v.Ways = []string{"⟦bank⟧"} })
	form("-free", func(v *CheckoutView) { v.Lines[0].Price, v.Lines[1].Price = 0, 0 })
	form("-never", func(v *CheckoutView) { v.event.Terms.CancelUntil = store.Never })
	form("-late", func(v *CheckoutView) { v.event.Terms.CancelUntil = 30 * 24 * time.Hour })
	form("-no-date", func(v *CheckoutView) { v.event.Starts = time.Time{} })
	for name, change := range bookingStates() {
		v := bookingView(t, w, "")
		v.Asset = asset
		change(&v)
		pages["booking-"+name] = BookingPage(v)
	}
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

func TestGoldenTill(t *testing.T) {
	for name, page := range tillPages(t, In(language.English), plainName) {
		t.Run(name, func(t *testing.T) { golden(t, name, strings.ReplaceAll(render(t, page), "\u200b", "")) })
	}
	pages := tillPages(t, In(language.German), plainName)
	for _, name := range []string{"checkout-faults", "booking-paying", "booking-booked", "booking-lost", "demo-pay"} {
		t.Run(name+"-de", func(t *testing.T) { golden(t, name+"-de", strings.ReplaceAll(render(t, pages[name]), "\u200b", "")) })
	}
	v := bookingView(t, In(language.English), store.BookingBooked)
	golden(t, "booking-fragment", string(AppendBooking(nil, v)))
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
		case "booked-erased", "declined-held", "removed": // differ in what does not change by itself
			continue
		}
		if other, twice := seen[v.Phase()]; twice {
			t.Errorf("%s and %s are both phase %q", name, other, v.Phase())
		}
		seen[v.Phase()] = name
	}
}
