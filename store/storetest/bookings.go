package storetest

import (
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
)

// The codes of what [MakeBookings] makes.
const (
	PayingBooking   = "PAYNG22222" // of the first two seats
	ReservedBooking = "RESERVED22" // of the next two
	BookedBooking   = "BKED222222" // of the next three, the last of which is cancelled and was paid back
)

// MakeBookings has three holders book the first seven seats of an event, each by
// another way. It is for tests of what an engine makes of bookings that were
// changed behind its back.
func MakeBookings(t *testing.T, s *store.Store, event string, seats []string) {
	t.Helper()
	begin := func(code string, atDoor bool, seats ...string) {
		t.Helper()
		holder := store.Holder("holder-" + code)
		if _, err := s.Lock(t.Context(), store.LockRequest{Event: event, Holder: holder, Seats: seats, Rules: store.DefaultRules()}); err != nil {
			t.Fatal(err)
		}
		r := store.BeginRequest{
			Event: event, Holder: holder, Code: code, Request: "form", Contents: "digest", Revision: 1, Provider: "demo", AtDoor: atDoor,
			Person: store.Person{Name: "Ada", Email: "ada@example.org"}, Rules: store.DefaultPayRules(30 * time.Minute),
		}
		for _, id := range seats {
			r.Lines = append(r.Lines, store.Line{Seat: id, Label: id, Category: "a", Price: 1000})
		}
		if _, err := s.Begin(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	begin(PayingBooking, false, seats[:2]...)
	begin(ReservedBooking, true, seats[2:4]...)
	begin(BookedBooking, false, seats[4:7]...)
	attempt, err := s.Attempt(t.Context(), store.Booking{Code: BookedBooking}.Attempt())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Confirm(t.Context(), attempt); err != nil {
		t.Fatal(err)
	}
	out, err := s.Cancel(t.Context(), store.CancelRequest{Code: BookedBooking, Seats: seats[6:7]})
	if err != nil {
		t.Fatal(err)
	}
	refund, err := s.Refund(t.Context(), out.Refund.ID)
	if err != nil {
		t.Fatal(err)
	}
	refund.State, refund.Work = store.RefundDone, store.Work{}
	if _, err := s.NoteRefund(t.Context(), refund); err != nil {
		t.Fatal(err)
	}
}
