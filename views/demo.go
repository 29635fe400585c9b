package views

import (
	"time"

	"github.com/seatlock/seatlock/store"
)

// DemoView is the page of a provider that takes no money.
type DemoView struct {
	Words
	Attempt store.Attempt
	// Open tells that the payment can still be pressed about.
	Open bool
	// Silent is how long the provider answers nothing after "pay late", and
	// Patience how long it is waited for.
	Silent, Patience time.Duration
	Token            string
	Asset            func(name string) string
}

func (v DemoView) path() string { return "/demo-pay/" + v.Attempt.ID }

func (v DemoView) sum() string { return v.amount(v.Attempt.Amount, v.Attempt.Currency) }

// choiceView is a button of the demo page, with what comes of it.
type choiceView struct{ do, label, hint string }

func (v DemoView) choices() []choiceView {
	return []choiceView{
		{"pay", v.Say("Pay"), v.Say("The payment is made, and your seats are booked.")},
		{"decline", v.Say("Decline"), v.Say("The payment is refused, as by a bank. Your seats stay held for as long as your time runs.")},
		{"pay-late", v.Say("Pay late"), v.Say("The payment is made, but the demo tells nobody for %s. Your seats wait %s for it and are then let go. What was paid gets the same seats if they are still free, and else goes back.",
			v.duration(v.Silent), v.duration(v.Patience))},
		{"pay-twice", v.Say("Pay twice"), v.Say("The button is pressed twice at once. Only one payment is taken.")},
		{"close", v.Say("Close"), v.Say("Nothing is done, as if you had closed this page. You can still pay later.")},
	}
}

// duration says how long something takes, rounded up to a second, or where that
// is long to a minute.
func (w Words) duration(d time.Duration) string {
	if d > 3*time.Minute {
		return w.Say("%d minutes", int((d+time.Minute-1)/time.Minute))
	}
	return w.Say("%d seconds", int((d+time.Second-1)/time.Second))
}
