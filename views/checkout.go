package views

import (
	"slices"
	"strconv"
	"time"

	"github.com/seatlock/seatlock/store"
)

// CheckoutView is the form that books what the viewer has locked.
type CheckoutView struct {
	Billing
	// Lines are the seats as they would be booked, in the plan's order, and Choices
	// for each of them all that can be chosen. Unfit is the seat whose choice cannot
	// be, or "".
	Lines   []store.Line
	Choices [][]store.Line
	Unfit   string
	// Deadline is when the lock ends, and Now the store's clock.
	Deadline, Now time.Time
	// AtDoor is until when it can be paid at the door.
	AtDoor time.Time
	// Ways are the names of the ways to pay, one at least.
	Ways []string
	// Person and Payment are what was filled in before, and Faults says which of
	// it is invalid.
	Person  store.Person
	Payment string
	Faults  CheckoutFaults
	// Digest names what the form shows, and Request the form.
	Digest, Request string
	// Line is why the form is shown again, or "".
	Line  string
	Asset func(name string) string
}

// CheckoutFaults says which fields of a checkout's form are invalid.
type CheckoutFaults struct{ Name, Email, Phone, Payment bool }

// title is a refusal first, as that of [EventView] is.
func (v CheckoutView) title() string {
	title := v.Say("Book your seats") + " – " + v.event.Title
	if v.Line != "" {
		return v.Line + " – " + title
	}
	return title
}

// TariffField is the form's field for the tariff of a seat.
func TariffField(seat string) string { return "tariff-" + seat }

// choices returns the alternatives of the i-th line, if there is a choice.
func (v CheckoutView) choices(i int) []store.Line {
	if i < len(v.Choices) && len(v.Choices[i]) > 1 {
		return v.Choices[i]
	}
	return nil
}

// chooses reports whether a seat has a choice of tariffs.
func (v CheckoutView) chooses() bool {
	return slices.ContainsFunc(v.Choices, func(lines []store.Line) bool { return len(lines) > 1 })
}

// AppendCheckout appends what other tariffs change, as fragments: prices, the
// total, the ways to pay, and what is wrong.
func AppendCheckout(dst []byte, v CheckoutView) []byte {
	for _, l := range v.Lines {
		dst = appendComponent(dst, linePrice(v, l, true))
	}
	dst = appendComponent(dst, checkoutTotal(v, true))
	dst = appendComponent(dst, payment(v, true))
	return AppendStatus(dst, v.Line, true)
}

func (v CheckoutView) total() int64 { return store.TotalOf(v.Lines) }

func (v CheckoutView) button() string {
	switch {
	case v.chooses(): // without JavaScript the total may be that of other tariffs
		return v.Say("Book at the chosen prices")
	case v.total() == 0:
		return v.Say("Book free of charge")
	}
	return v.Say("Book for %s", v.amount(v.total(), v.event.Currency))
}

// fieldView is a field for text with what is wrong with it, if anything is.
type fieldView struct {
	name, kind, autocomplete string
	label, value, fault      string
	required, focus          bool
}

func (v CheckoutView) fields() []fieldView {
	all := []fieldView{
		{name: "name", kind: "text", autocomplete: "name", label: v.Say("Name"), value: v.Person.Name, required: true},
		{name: "email", kind: "email", autocomplete: "email", label: v.Say("E-mail"), value: v.Person.Email, required: true},
		{name: "phone", kind: "tel", autocomplete: "tel", label: v.Say("Phone (optional)"), value: v.Person.Phone},
	}
	if v.Faults.Name {
		all[0].fault = v.Say("Enter your name, at most %d characters.", store.MaxName)
	}
	if v.Faults.Email {
		all[1].fault = v.Say("Enter an e-mail address such as name@example.org.")
	}
	if v.Faults.Phone {
		all[2].fault = v.Say("Enter up to %d digits, spaces and + ( ) - / . – or leave it empty.", store.MaxPhone)
	}
	for i := range all {
		if all[i].fault != "" { // the first of them
			all[i].focus = true
			break
		}
	}
	return all
}

// wayView is a way to pay.
type wayView struct {
	name, label, hint string
	chosen            bool
}

func (v CheckoutView) ways() []wayView {
	ways := make([]wayView, len(v.Ways))
	for i, name := range v.Ways {
		ways[i] = wayView{name: name, label: v.wayName(name), chosen: name == v.Payment}
		switch name {
		case door:
			ways[i].hint = v.Say("Your seats are reserved at once. Pay by %s, or they go back on sale.", v.at(v.AtDoor))
		case demo:
			ways[i].hint = v.Say("This is a trial: no money is taken, and you choose how the payment ends.")
		default:
			ways[i].hint = v.Say("You pay on the next page. Your seats are yours meanwhile.")
		}
	}
	if v.Payment == "" {
		ways[0].chosen = true
	}
	return ways
}

// The ways to pay with their own texts.
const (
	door = "door"
	demo = "demo"
)

func (w Words) wayName(name string) string {
	switch name {
	case door:
		return w.Say("At the door")
	case demo:
		return w.Say("Demo payment")
	}
	return name
}

// cancelTerm returns a sentence on until when a booking of the event can be
// cancelled.
func (b Billing) cancelTerm(now time.Time) string {
	until, ever := b.event.CancelUntil()
	switch {
	case !ever:
		return b.Say("This booking cannot be cancelled.")
	case until.IsZero():
		return b.Say("You can cancel this booking, or single seats of it, and get their full price back.")
	case !b.event.CancellableAt(now):
		return b.Say("This booking cannot be cancelled any more: that was possible until %s.", b.at(until))
	}
	return b.Say("You can cancel until %s, the whole booking or single seats, and get their full price back.", b.at(until))
}

// LineName returns the name of a sold seat in a sentence.
func (w Words) LineName(l store.Line) string {
	if l.Section == "" {
		return w.Say("Row %s seat %s", l.Row, l.Label)
	}
	return w.Say("%s row %s seat %s", l.Section, l.Row, l.Label)
}

// countdownView is a time that the page's script counts down to.
type countdownView struct{ says, deadline, left string }

func newCountdown(says string, deadline, now time.Time) countdownView {
	return countdownView{
		says: says, deadline: deadline.UTC().Format("2006-01-02T15:04:05.000Z"),
		left: strconv.FormatInt(max(0, deadline.Sub(now).Milliseconds()), 10),
	}
}
