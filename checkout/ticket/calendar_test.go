package ticket

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"
)

var someEntry = Entry{
	Event: "figaro", Code: "7KQ2MXW4RT", Title: "Figaro; or, the \\ Day 🎭 of Madness", Venue: "Εθνική Λυρική Σκηνή, Αθήνα",
	Seats:  "Stalls, row C, seats 1; 2\nGallery: seat 14\n\n" + strings.Repeat("Πλατεία 🎭 ", 30),
	Starts: time.Date(2026, 12, 5, 19, 30, 0, 0, time.FixedZone("", 3600)), Sequence: 7,
	Made: time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC),
}

// parsed reads the one entry of a file.
func parsed(t *testing.T, file []byte) *ics.VEvent {
	t.Helper()
	c, err := ics.ParseCalendar(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Events()) != 1 || len(c.Components) != 1 {
		t.Fatalf("%d entries in %d components, want one", len(c.Events()), len(c.Components))
	}
	return c.Events()[0]
}

func property(e *ics.VEvent, name ics.ComponentProperty) string {
	if p := e.GetProperty(name); p != nil {
		return p.Value
	}
	return ""
}

func TestCalendarReadsBack(t *testing.T) {
	event := parsed(t, Calendar(someEntry))
	for name, want := range map[ics.ComponentProperty]string{
		ics.ComponentPropertyUniqueId:     "7KQ2MXW4RT.figaro@seatlock",
		ics.ComponentPropertySummary:      someEntry.Title,
		ics.ComponentPropertyLocation:     someEntry.Venue,
		ics.ComponentPropertyDescription:  someEntry.Seats,
		ics.ComponentPropertyDtStart:      "20261205T183000Z",
		ics.ComponentPropertyDtstamp:      "20261125T080000Z",
		ics.ComponentPropertyLastModified: "20261125T080000Z",
		ics.ComponentPropertySequence:     "7",
		ics.ComponentPropertyStatus:       "CONFIRMED",
	} {
		if got := property(event, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if start, err := event.GetStartAt(); err != nil || !start.Equal(someEntry.Starts) {
		t.Errorf("it starts at %v, %v, want %v", start, err, someEntry.Starts)
	}
}

// TestCalendarForm holds the file to RFC 5545 without the library that wrote it.
func TestCalendarForm(t *testing.T) {
	file := string(Calendar(someEntry))
	lines := strings.Split(file, "\r\n")
	if lines[0] != "BEGIN:VCALENDAR" || lines[len(lines)-1] != "" || strings.Contains(strings.ReplaceAll(file, "\r\n", ""), "\n") {
		t.Errorf("lines do not end in CR LF: %q", file)
	}
	for _, line := range lines {
		if len(line) > 75 || !utf8.ValidString(line) {
			t.Errorf("a line of %d bytes, or with half a character: %q", len(line), line)
		}
	}
	unfolded := strings.ReplaceAll(file, "\r\n ", "")
	for _, want := range []string{
		"VERSION:2.0\r\n", "PRODID:-//Seatlock//Tickets//EN\r\n", "METHOD:PUBLISH\r\n",
		`SUMMARY:Figaro\; or\, the \\ Day 🎭 of Madness` + "\r\n",
		`LOCATION:Εθνική Λυρική Σκηνή\, Αθήνα` + "\r\n",
		`DESCRIPTION:Stalls\, row C\, seats 1\; 2\nGallery: seat 14\n\nΠλατεία 🎭 Πλατεία`,
	} {
		if !strings.Contains(unfolded, want) {
			t.Errorf("the file has no %q: %s", want, unfolded)
		}
	}
	for _, no := range []string{"ATTENDEE", "ORGANIZER", "CONTACT", "DTEND", "TZID"} {
		if strings.Contains(unfolded, "\r\n"+no) {
			t.Errorf("the file has %s", no)
		}
	}
}

// TestCalendarUpdates wants a later entry to replace the first: the same name, a
// greater sequence.
func TestCalendarUpdates(t *testing.T) {
	later := someEntry
	later.Starts, later.Sequence, later.Made, later.Cancelled = someEntry.Starts.AddDate(0, 1, 0), 8, someEntry.Made.Add(time.Hour), true
	before, after := parsed(t, Calendar(someEntry)), parsed(t, Calendar(later))
	if before.Id() != after.Id() {
		t.Errorf("the entry is %s, and later %s", before.Id(), after.Id())
	}
	if got := property(after, ics.ComponentPropertySequence); got != "8" {
		t.Errorf("the sequence is %s, want 8", got)
	}
	if got := property(after, ics.ComponentPropertyDtStart); got != "20270105T183000Z" {
		t.Errorf("it starts at %s", got)
	}
	if got := property(after, ics.ComponentPropertyLastModified); got != "20261125T090000Z" {
		t.Errorf("it was modified at %s", got)
	}
	if got := property(after, ics.ComponentPropertyStatus); got != "CANCELLED" {
		t.Errorf("a cancelled one is %s", got)
	}
	another := someEntry
	another.Code = "ZZZZZZZZZZ"
	if parsed(t, Calendar(another)).Id() == before.Id() {
		t.Error("two bookings have the same entry")
	}
}

// TestCalendarHostile wants texts to stay within their property.
func TestCalendarHostile(t *testing.T) {
	hostile := someEntry
	hostile.Title = "A\r\nATTENDEE:mailto:x@y.example\r\nX:\x00\xff\u2028B"
	hostile.Venue = ""
	event := parsed(t, Calendar(hostile))
	if got := property(event, ics.ComponentPropertySummary); got != "A\nATTENDEE:mailto:x@y.example\nX:\uFFFD\u2028B" {
		t.Errorf("the summary is %q", got)
	}
	if got := property(event, ics.ComponentPropertyAttendee); got != "" {
		t.Errorf("it has an attendee: %s", got)
	}
	if event.GetProperty(ics.ComponentPropertyLocation) != nil {
		t.Error("it has a place that nobody named")
	}
}

func TestCalendarWithoutStart(t *testing.T) {
	e := someEntry
	e.Starts = time.Time{}
	if got := Calendar(e); got != nil {
		t.Errorf("an event without a start has the entry %s", got)
	}
}
