package views

import (
	"time"

	"github.com/seatlock/seatlock/store"
)

// DemoView is the page of a provider that takes no money.
type DemoView struct {
	Words
	Attempt store.Attempt
	// Open means that the payment can still be acted on.
	Open bool
	// Silent is how long the provider gives no answer after "pay late", and
	// Patience how long the checkout waits for it.
	Silent, Patience time.Duration
	Token            string
	Asset            func(name string) string
}

func (v DemoView) path() string { return "/demo-pay/" + v.Attempt.ID }

func (v DemoView) sum() string { return v.amount(v.Attempt.Amount, v.Attempt.Currency) }

// choiceView is a button of the demo page, with its effect.
type choiceView struct{ do, label, hint string }

func (v DemoView) choices() []choiceView {
	return []choiceView{
		{"pay", v.Say("Pay"), v.Say("The payment is made, and your seats are booked.")},
		{"decline", v.Say("Decline"), v.Say("The payment is declined, as a bank might do. Your seats are still held for you until your time is over.")},
		{"pay-late", v.Say("Pay late"), v.Say("The payment is made, but the demo reports it only after %s. Your seats wait %s for it and are then let go. If they are still free when the payment is reported, you get them again; otherwise you get your money back.",
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
