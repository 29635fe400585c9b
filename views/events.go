package views

import "time"

// EventsView is what the list of events shows.
type EventsView struct {
	Words
	Halls []*Hall
	Now   time.Time
	Asset func(name string) string
}
