package ticket

import (
	"strings"
	"time"
	"unicode"

	ics "github.com/arran4/golang-ical"
)

// Entry is what [Calendar] tells a calendar: ready texts in the language of its
// reader. There is no person in it.
type Entry struct {
	// Event and Code are the ids of the event and the booking. They name the entry: a
	// later one of the same replaces it.
	Event, Code string
	Title       string
	Venue       string // "" is left out
	// Seats are told in the description, which is one text and may have lines.
	Seats string
	// Starts is when the event starts. The entry has no end, for nobody knows it.
	Starts time.Time
	// Sequence must grow when anything of the entry changes: the revision of the event
	// and the version of the booking's record together.
	Sequence int64
	// Made is when the entry is made.
	Made time.Time
	// Cancelled tells that the booking is: a calendar then strikes the entry out.
	Cancelled bool
}

// Calendar returns the entry as an iCalendar file (RFC 5545, .ics), or nil for an
// event without a start. The start is an instant in UTC, which each calendar shows in
// the zone of who looks.
func Calendar(e Entry) []byte {
	if e.Starts.IsZero() {
		return nil
	}
	c := ics.NewCalendar()
	c.SetProductId("-//Seatlock//Tickets//EN")
	c.SetMethod(ics.MethodPublish)
	v := c.AddEvent(e.Code + "." + e.Event + "@seatlock")
	v.SetDtStampTime(e.Made)
	v.SetLastModifiedAt(e.Made)
	v.SetSequence(int(e.Sequence))
	v.SetStartAt(e.Starts)
	v.SetSummary(calendarText(e.Title))
	if e.Venue != "" {
		v.SetLocation(calendarText(e.Venue))
	}
	if e.Seats != "" {
		v.SetDescription(calendarText(e.Seats))
	}
	v.SetStatus(ics.ObjectStatusConfirmed)
	if e.Cancelled {
		v.SetStatus(ics.ObjectStatusCancelled)
	}
	return []byte(c.Serialize(ics.WithNewLineWindows))
}

// calendarText drops control characters, which the format cannot say. The library
// escapes the rest.
func calendarText(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) {
			return -1
		}
		return r // U+FFFD for what is no UTF-8
	}, s)
}
