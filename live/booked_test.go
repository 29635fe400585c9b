package live_test

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
)

// book books the seats for the holder, whatever their state.
func (s *fakeStore) book(event string, holder store.Holder, code string, seats ...string) (c store.Cursor) {
	s.with(func() {
		state := store.Seat{Status: store.Booked, LockedBy: holder, Booking: code}
		c = s.commit(s.changes(event, state, store.ReasonBooked, seats)...)
	})
	return c
}

// A holder sees their own booked seats: in all tabs, from a snapshot or the
// feed, on return, and until they are cancelled. Nobody else ever learns the
// holder or the code.
func TestBookedIsTheHoldersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore("a")
		s.book("a", "me-secret", "code-secret", "3") // before there is a board
		board := s.run(t, live.Options{}, nil).board(t, "a")
		me, tab, away := open(board, "me-secret"), open(board, "me-secret"), open(board, "me-secret")
		anew, you, nobody := newClient("me-secret"), open(board, "you"), newClient("")
		for _, c := range []*client{me, tab, you, nobody} {
			c.connect(t, board)
		}
		s.lock("a", "me-secret", time.Hour, "7", "8", "9")
		settle()
		s.book("a", "me-secret", "code-secret", "7", "8")
		settle()
		away.connect(t, board)
		anew.connect(t, board)
		settle()
		for name, c := range map[string]*client{"me": me, "tab": tab, "away": away, "anew": anew} {
			c.check(t, s, "a")
			if c.own() != "3 7 8 9" || c.basket != "9" {
				t.Errorf("%s: own %q, basket %q, want 3, 7, 8 and 9, and 9 alone", name, c.own(), c.basket)
			}
			if !strings.Contains(c.raw.String(), "own 7 booked 3 me-secretcode-secret") {
				t.Errorf("%s was not sent the booking of 7:\n%s", name, c.raw.String())
			}
		}
		if v := viewOf(t, board, "me-secret"); len(v.Mine) != 1 || len(v.Booked) != 3 || v.Booked[2].Booking != "code-secret" {
			t.Errorf("the view has %v and booked %v", v.Mine, v.Booked)
		}
		s.with(func() { s.commit(s.changes("a", store.Seat{}, store.ReasonCancelled, []string{"7"})...) })
		settle()
		for _, c := range []*client{me, tab, away, anew} {
			c.check(t, s, "a")
			if c.own() != "3 8 9" {
				t.Errorf("after the cancel own are %q, want 3, 8 and 9", c.own())
			}
		}
		late := newClient("you")
		late.connect(t, board)
		settle()
		for _, c := range []*client{you, nobody, late} {
			c.check(t, s, "a")
			if strings.Contains(c.raw.String(), "secret") || c.own() != "" {
				t.Errorf("%q was sent the holder of a booking: own %q\n%s", c.holder, c.own(), c.raw.String())
			}
		}
	})
}

// A holder who has booked half the hall is shown the first of the seats, and the
// next one if one of those is cancelled.
func TestBookedIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore()
		s.create("a", 300)
		seats := make([]string, 2*live.MaxBooked)
		for i := range seats {
			seats[i] = strconv.Itoa(len(seats) - 1 - i)
		}
		s.book("a", "me", "code", seats...)
		board := s.run(t, live.Options{}, nil).board(t, "a")
		here, anew := open(board, "me"), newClient("me")
		here.connect(t, board)
		anew.connect(t, board)
		settle()
		want := func(first, last int) {
			t.Helper()
			for _, c := range []*client{here, anew} {
				if n := len(strings.Fields(c.own())); n != live.MaxBooked {
					t.Errorf("%d own seats, want %d", n, live.MaxBooked)
				}
				for i := first; i <= last; i++ {
					if !c.pressed[strconv.Itoa(i)] {
						t.Errorf("seat %d is not shown as own", i)
					}
				}
			}
			if v := viewOf(t, board, "me"); len(v.Booked) != live.MaxBooked || v.Booked[0].ID != strconv.Itoa(first) || v.Booked[99].ID != strconv.Itoa(last) {
				t.Errorf("the view has %d booked seats, %v to %v", len(v.Booked), v.Booked[0].ID, v.Booked[99].ID)
			}
		}
		want(0, 99)
		s.with(func() { s.commit(s.changes("a", store.Seat{}, store.ReasonCancelled, []string{"0"})...) })
		settle()
		want(1, 100)
	})
}
