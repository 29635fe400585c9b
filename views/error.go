package views

import "net/http"

// ErrorView is what a page says that could not be shown. Only Words, Status and
// Asset must be set.
type ErrorView struct {
	Words
	Status int
	// Title says it in a few words; "" is what fits the status.
	Title string
	// Bookings are the codes of bookings that the viewer may look for.
	Bookings []string
	// Text is what went wrong and what to do next; "" is a sentence that fits
	// the status.
	Text string
	// Link is where to go from here, and Label the words for it; "" is the
	// list of events.
	Link, Label string
	Asset       func(name string) string
}

func (v ErrorView) title() string {
	if v.Title != "" {
		return v.Title
	}
	switch v.Status {
	case http.StatusForbidden:
		return v.Say("This request came from another site")
	case http.StatusNotFound:
		return v.Say("Nothing is playing here")
	case http.StatusConflict:
		return v.Say("That was not possible")
	case http.StatusTooManyRequests:
		return v.Say("A moment, please")
	case http.StatusServiceUnavailable:
		return v.Say("The box office is briefly closed")
	}
	if v.Status >= 500 {
		return v.Say("Something went wrong on our side")
	}
	return v.Say("We could not read that")
}

func (v ErrorView) text() string {
	if v.Text != "" {
		return v.Text
	}
	switch v.Status {
	case http.StatusForbidden:
		return v.Say("The request was sent from another site, so nothing was changed. Open the event here and choose again.")
	case http.StatusNotFound:
		return v.Say("The address may have a typing mistake, or the event is over. All events on sale are on the home page.")
	case http.StatusConflict:
		return v.Say("Something has changed in the meantime, so nothing was done. Open the event again to see the current state.")
	case http.StatusTooManyRequests:
		return v.Say("Too many requests came from you or your network. Wait a few seconds, then try again.")
	case http.StatusServiceUnavailable:
		return v.Say("Seats cannot be chosen or booked right now. Seats that you hold stay yours until their time is over. Try again in a few seconds.")
	}
	if v.Status >= 500 {
		return v.Say("This is not your fault, and we have logged it. Go back to the event to see which seats are yours, then try again.")
	}
	return v.Say("The request was incomplete or not in a form that we know, so nothing was changed. Go back and choose again.")
}

// Sentence is what the page says, for where only a line fits.
func (v ErrorView) Sentence() string { return v.title() + ". " + v.text() }

func (v ErrorView) link() (href, label string) {
	if v.Link == "" {
		return "/", v.Say("All events")
	}
	return v.Link, v.Label
}
