package storetest

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seatlock/seatlock/store"
)

func eraseCases() []testCase {
	return []testCase{
		{"the person and the request go, the booking stays", eraseGone},
		{"refused until the event is over for so long", eraseNotOver},
		{"an event without a start is never over", eraseNoStart},
		{"refused while it is paying or reserved", eraseUnpaid},
		{"refused while late money may come", eraseLate},
		{"refused until money is back", eraseRefunds},
		{"by force it is done at once", eraseForce},
		{"a repeat changes nothing", eraseRepeat},
		{"the same form may come again, and is another's then", eraseAgain},
		{"not found", eraseNotFound},
		{"16 at once are one", eraseRace},
		{"what was deleted goes from the files as well", eraseScrub},
	}
}

func peopleCases() []testCase {
	return []testCase{
		{"found by address, however that is written", peopleOf},
		{"found by event", peopleAt},
		{"events with people are told, also those that were removed", peopleEvents},
		{"records of before are found once they are indexed", peopleIndex},
	}
}

func (w *world) tryErase(r store.EraseRequest) (store.BookingOutcome, error) {
	if r.By == "" {
		r.By = store.ByHouse
	}
	return w.s.Erase(w.Context(), r)
}

func (w *world) erase(code string) {
	w.Helper()
	w.told(w.tryErase(store.EraseRequest{Code: code}))
}

// notErased fails unless it is refused, and changes nothing.
func (w *world) notErased(r store.EraseRequest) {
	w.Helper()
	w.still(r.Code, func() {
		_, err := w.tryErase(r)
		w.wantErr(err, store.ErrUnsettled)
	})
	w.wantPerson(r.Code, true)
}

// wantPerson fails unless it is told who a booking is for, or not, by any way
// there is.
func (w *world) wantPerson(code string, there bool) {
	w.Helper()
	_, err := w.s.Person(w.Context(), code)
	if known := err == nil; known != there || !known && !errors.Is(err, store.ErrNoBooking) {
		w.Fatalf("the person of %s: %v", code, err)
	}
	b := w.booking(code)
	if listed := slices.Contains(w.peopleAt(w.s, b.Event), code); listed != there {
		w.Fatalf("listed is %v, want %v", listed, there)
	}
	if b.Request == "" {
		return
	}
	r, err := w.s.Record(w.Context(), store.Key{Kind: store.RequestRecord, ID: b.Request})
	w.must(err)
	if own := r.Version > 0 && strings.Contains(string(r.Body), code); own != there { // and not of a later one
		w.Fatalf("the request of %s is %s", code, r.Body)
	}
}

func (w *world) peopleOf(s *store.Store, email string) (codes []string) {
	w.Helper()
	for code, err := range s.BookingsFor(w.Context(), email) {
		w.must(err)
		codes = append(codes, code)
	}
	return codes
}

func (w *world) peopleAt(s *store.Store, event string) (codes []string) {
	w.Helper()
	for code, err := range s.BookingsWithPeople(w.Context(), event) {
		w.must(err)
		codes = append(codes, code)
	}
	return codes
}

// endedFor has the event have started so long before its evening is over.
func (w *world) endedFor(d time.Duration) {
	w.Helper()
	w.update(func(e *store.Event) { e.Starts = w.now().Add(-store.Evening - d) })
}

func eraseGone(w *world) {
	w.open(3)
	b := w.booked("anna", "s1", "s2")
	w.cancel(b.Code, "s2")
	w.noteDone(b.Code + "-r1")
	w.wantPerson(b.Code, true)
	w.endedFor(0)
	before, ticket := w.booking(b.Code), w.ticketOf(b.Code, "s1")
	w.unchanged(func() { w.erase(b.Code) })
	w.wantPerson(b.Code, false)
	if got := w.booking(b.Code); !sameBooking(got, before) {
		w.Fatalf("got %+v, was %+v", got, before)
	}
	if codes := w.peopleOf(w.second(), "anna@example.org"); len(codes) > 0 {
		w.Fatalf("found are %v", codes)
	}
	w.checkIn(ticket)
	w.wantBooks()
}

func eraseNotOver(w *world) {
	w.open(1)
	b := w.booked("anna", "s1")
	w.notErased(store.EraseRequest{Code: b.Code})
	w.update(func(e *store.Event) { e.Starts = w.now().Add(time.Minute - store.Evening) })
	w.notErased(store.EraseRequest{Code: b.Code})
	w.endedFor(time.Hour)
	w.notErased(store.EraseRequest{Code: b.Code, After: time.Hour + time.Minute})
	w.told(w.tryErase(store.EraseRequest{Code: b.Code, After: time.Hour}))
	w.wantPerson(b.Code, false)
}

func eraseNoStart(w *world) {
	w.open(1)
	b := w.booked("anna", "s1")
	w.update(func(e *store.Event) { e.Starts = time.Time{} })
	w.notErased(store.EraseRequest{Code: b.Code})
	w.cancel(b.Code)
	w.noteDone(b.Code + "-r1")
	w.erase(b.Code)
	w.wantPerson(b.Code, false)
}

func eraseUnpaid(w *world) {
	w.open(3)
	w.lock("anna", "s1")
	paying := w.pay("anna").Code
	w.lock("bert", "s2")
	reserved := w.reserve("bert").Code
	w.endedFor(100 * time.Hour)
	w.notErased(store.EraseRequest{Code: paying})
	w.notErased(store.EraseRequest{Code: reserved})
	w.decline(paying)
	w.erase(paying)
	w.overdue(reserved)
	w.lapsed(reserved)
	w.erase(reserved)
	w.wantPerson(paying, false)
	w.wantPerson(reserved, false)
}

func eraseLate(w *world) {
	w.open(1)
	code := w.late("anna", "s1")
	w.endedFor(100 * time.Hour)
	w.notErased(store.EraseRequest{Code: code})
	w.decline(code)
	w.erase(code)
	w.wantPerson(code, false)
}

func eraseRefunds(w *world) {
	w.open(3)
	b := w.booked("anna", "s1", "s2")
	for i, seat := range []string{"s1", "s2"} {
		r := w.cancel(b.Code, seat).Refund
		w.endedFor(100 * time.Hour)
		w.notErased(store.EraseRequest{Code: b.Code})
		if i == 0 {
			r.State, r.Work = store.RefundStuck, store.Work{}
			w.told(w.s.NoteRefund(w.Context(), r))
			w.notErased(store.EraseRequest{Code: b.Code})
			w.told(w.s.Refunded(w.Context(), r.ID))
			continue
		}
		w.noteDone(r.ID)
	}
	w.erase(b.Code)
	w.wantPerson(b.Code, false)
	w.update(func(e *store.Event) { e.Starts = w.now().Add(1000 * time.Hour) })
	lost := w.late("bert", "s3")
	w.lock("carl", "s3")
	w.confirm(lost)
	w.notErased(store.EraseRequest{Code: lost})
	w.noteDone(lost + "-r1")
	w.erase(lost) // whose event may be ahead: nobody will come
	w.wantPerson(lost, false)
}

func eraseForce(w *world) {
	w.open(4)
	w.lock("anna", "s1")
	paying := w.pay("anna").Code
	w.lock("bert", "s2")
	reserved := w.reserve("bert").Code
	booked := w.booked("carl", "s3", "s4").Code
	w.cancel(booked, "s3")
	for _, code := range []string{paying, reserved, booked} {
		before := w.booking(code)
		w.unchanged(func() { w.told(w.tryErase(store.EraseRequest{Code: code, Force: true})) })
		w.wantPerson(code, false)
		if got := w.booking(code); !sameBooking(got, before) {
			w.Fatalf("got %+v, was %+v", got, before)
		}
	}
	w.confirm(paying)
	w.paid(reserved)
	w.noteDone(booked + "-r1")
	w.wantBooks()
}

func eraseRepeat(w *world) {
	w.open(2)
	b := w.booked("anna", "s1")
	w.endedFor(0)
	w.erase(b.Code)
	w.update(func(e *store.Event) { e.Starts = w.now().Add(1000 * time.Hour) })
	w.still(b.Code, func() {
		for _, s := range w.both() {
			w.told(s.Erase(w.Context(), store.EraseRequest{Code: b.Code, By: store.ByClock}))
		}
	})
	if n := w.notes(b.Code)[store.ReasonErased]; n != 1 {
		w.Fatalf("the trail tells of it %d times", n)
	}
}

// eraseAgain has the form of a booking that is erased come again: it makes another
// booking, which no repeat of the first erasure touches.
func eraseAgain(w *world) {
	w.open(2)
	w.lock("anna", "s1")
	r := w.sale("anna")
	first := w.begin(r).Code
	w.decline(first)
	w.erase(first)
	r.Code = store.NewCode()
	second := w.begin(r).Code
	w.still(second, func() { w.erase(first) })
	w.wantPerson(first, false)
	w.wantPerson(second, true)
	if code, err := w.tryBegin(r); err != nil || code != second {
		w.Fatalf("the form again: %q, %v, want %s", code, err, second)
	}
}

func eraseNotFound(w *world) {
	w.open(1)
	for _, code := range []string{"", "x", "2222222222"} {
		_, err := w.tryErase(store.EraseRequest{Code: code, Force: true})
		w.wantErr(err, store.ErrNoBooking)
	}
}

func eraseRace(w *world) {
	stores := w.both()
	w.open(1)
	b := w.booked("anna", "s1")
	w.endedFor(0)
	errs := make([]error, 16)
	race(16, func(i int) {
		_, errs[i] = stores[i%2].Erase(w.Context(), store.EraseRequest{Code: b.Code, By: store.ByClock})
	})
	w.must(errors.Join(errs...))
	w.wantPerson(b.Code, false)
	if n := w.notes(b.Code)[store.ReasonErased]; n != 1 {
		w.Fatalf("the trail tells of it %d times", n)
	}
}

func eraseScrub(w *world) {
	w.open(2)
	b := w.booked("anna", "s1")
	w.told(w.tryErase(store.EraseRequest{Code: b.Code, Force: true}))
	for range 2 {
		w.must(w.s.Scrub(w.Context()))
		if mark, err := w.s.Record(w.Context(), store.Key{Kind: store.Upgrade, ID: "unscrubbed"}); err != nil || mark.Version > 0 {
			w.Fatalf("after a scrub it stands that there is something to scrub: %+v, %v", mark, err)
		}
	}
	w.booked("bert", "s2")
	w.wantBooks()
}

func peopleOf(w *world) {
	w.open(5)
	w.create(hall(evening+"-2", 1))
	sell := func(event, email, seat string) string {
		r := w.houseSale(seat)
		r.Event, r.Person.Email = event, email
		_, err := w.s.Sell(w.Context(), r)
		w.must(err)
		return r.Code
	}
	want := []string{sell(evening, "anna@example.org", "s1"), sell(evening, "ANNA@Example.Org", "s2"), sell(evening+"-2", "Anna@example.org", "s1")}
	sell(evening, "anna@example.org.at", "s3")
	sell(evening, "", "s4")
	slices.Sort(want)
	for _, s := range w.both() {
		for _, email := range []string{"anna@example.org", " aNNa@eXample.org\n", "ANNA@EXAMPLE.ORG"} {
			if got := w.peopleOf(s, email); !slices.Equal(got, want) {
				w.Fatalf("%q: found %v, want %v", email, got, want)
			}
		}
		for _, email := range []string{"", "anna", "bert@example.org", "anna@example.or"} {
			if got := w.peopleOf(s, email); len(got) > 0 {
				w.Fatalf("%q: found %v", email, got)
			}
		}
	}
}

func peopleAt(w *world) {
	w.open(3)
	w.create(hall(evening+"-2", 1))
	r := w.houseSale("s1")
	r.Event = evening + "-2"
	_, err := w.s.Sell(w.Context(), r)
	w.must(err)
	noEmail := w.houseSale("s3")
	noEmail.Person.Email = ""
	want := []string{w.booked("anna", "s1").Code, w.booked("bert", "s2").Code, w.sold(noEmail).Code}
	slices.Sort(want)
	for _, s := range w.both() {
		if got := w.peopleAt(s, evening); !slices.Equal(got, want) {
			w.Fatalf("found %v, want %v", got, want)
		}
		if got := w.peopleAt(s, evening+"-2"); !slices.Equal(got, []string{r.Code}) {
			w.Fatalf("found %v, want %s", got, r.Code)
		}
		if got := w.peopleAt(s, "nowhere"); len(got) > 0 {
			w.Fatalf("found %v", got)
		}
	}
}

func (w *world) wantEventsWithPeople(want ...string) {
	w.Helper()
	for _, s := range w.both() {
		got, err := s.EventsWithPeople(w.Context())
		w.must(err)
		if !slices.Equal(got, want) {
			w.Fatalf("events with people are %v, want %v", got, want)
		}
	}
}

func peopleEvents(w *world) {
	w.wantEventsWithPeople()
	w.open(2)
	w.create(hall(evening+"-2", 1))
	w.create(hall("nobody", 1))
	w.wantEventsWithPeople()
	r := w.houseSale("s1")
	r.Event = evening + "-2"
	_, err := w.s.Sell(w.Context(), r)
	w.must(err)
	b := w.booked("anna", "s1", "s2")
	w.wantEventsWithPeople(evening, evening+"-2")
	w.cancel(b.Code)
	w.noteDone(b.Code + "-r1")
	w.remove(evening)
	w.wantEventsWithPeople(evening, evening+"-2")
	_, err = w.tryErase(store.EraseRequest{Code: b.Code})
	w.must(err)
	w.wantPerson(b.Code, false)
	w.wantEventsWithPeople(evening + "-2")
}

func peopleIndex(w *world) {
	w.open(4)
	var codes []string
	for i := range 3 {
		codes = append(codes, w.booked(holder(i), names(3)[i]).Code)
	}
	unindex := func(id string) {
		w.must(w.s.ChangeRecord(w.Context(), store.Key{Kind: store.PersonRecord, ID: id}, func(old store.Record) (store.Record, bool, error) {
			old.Index = nil
			return old, false, nil
		}))
	}
	unindex(codes[0])
	w.amend(store.PersonRecord, codes[1], nil, map[string]any{"tomorrow": "kept"})
	unindex(codes[1])
	w.must(w.s.ChangeRecord(w.Context(), store.Key{Kind: store.PersonRecord, ID: "2222222222"}, func(old store.Record) (store.Record, bool, error) {
		old.Body = []byte(`{"name":"Nobody","email":"anna@example.org"}`) // whose booking is not there
		return old, false, nil
	}))
	people := func() (out []store.Record) {
		all, err := w.s.Records(w.Context(), store.Scan{Kind: store.PersonRecord, Limit: 10})
		w.must(err)
		return all
	}
	bodies := people()
	if got := w.peopleAt(w.s, evening); !slices.Equal(got, codes[2:]) {
		w.Fatalf("found %v, want %v", got, codes[2:])
	}
	w.must(w.s.IndexPeople(w.Context()))
	slices.Sort(codes)
	for _, s := range w.both() {
		if got := w.peopleOf(s, "anna@example.org"); !slices.Equal(got, codes) {
			w.Fatalf("found %v, want %v", got, codes)
		}
		if got := w.peopleAt(s, evening); !slices.Equal(got, codes) {
			w.Fatalf("found %v, want %v", got, codes)
		}
	}
	once := people()
	for i, r := range once {
		if string(r.Body) != string(bodies[i].Body) {
			w.Fatalf("the body %s is now %s", bodies[i].Body, r.Body)
		}
	}
	w.must(w.second().IndexPeople(w.Context()))
	if again := people(); !slices.EqualFunc(again, once, func(a, b store.Record) bool {
		return a.ID == b.ID && a.Version == b.Version && maps.Equal(a.Index, b.Index)
	}) {
		w.Fatalf("a repeat has changed\n\t%+v\nto\n\t%+v", once, again)
	}
}
