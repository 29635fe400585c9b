package views

import "time"

// EventsView is what the list of events shows.
type EventsView struct {
	Words
	Events []Billing
	Now    time.Time
	Asset  func(name string) string
}

// onSale returns the events that seats can be had of now, and the others.
func (v EventsView) onSale() (now, later []Billing) {
	for _, b := range v.Events {
		if b.OnSale(v.Now) {
			now = append(now, b)
		} else {
			later = append(later, b)
		}
	}
	return now, later
}
