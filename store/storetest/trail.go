package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seatlock/seatlock/store"
)

func trailCases() []testCase {
	return []testCase{
		{"every change of a seat has its entry, with reason and by whom", trailSeats},
		{"what becomes of a booking is noted", trailNotes},
		{"a sweep is the clock's", trailSweep},
		{"what is refused, or changes nothing, has no entry", trailRefused},
		{"in pages", trailPages},
		{"of one seat of one event, and of one booking", trailOf},
		{"it tells of no holder and no person", trailNobodyTold},
		{"the oldest go first, and what is younger stays", trailPrune},
		{"a malformed scan is invalid", trailInvalid},
		{"whatever many do at once, it has every version once", trailRace},
	}
}

// trail reads the trail of a scan, by pages of three sizes on two instances, which
// must tell the same.
func (w *world) trail(scan store.TrailScan) []store.Entry {
	w.Helper()
	var all []store.Entry
	for i, s := range []*store.Store{w.s, w.second(), w.s} {
		got := w.trailBy(s, scan, []int{store.MaxPage, 1, 7}[i])
		if i > 0 && text(got) != text(all) {
			w.Fatalf("the trail is\n\t%+v\nand by other pages\n\t%+v", all, got)
		}
		all = got
	}
	return all
}

// trailBy reads page by page.
func (w *world) trailBy(s *store.Store, scan store.TrailScan, limit int) (all []store.Entry) {
	w.Helper()
	for scan.Limit = limit; ; {
		page, err := s.Trail(w.Context(), scan)
		w.must(err)
		if len(page) > limit || len(page) > 0 && page[0].Place == scan.After {
			w.Fatalf("after %q a page of %d is %+v", scan.After, limit, page)
		}
		if all = append(all, page...); len(page) < limit {
			return all
		}
		scan.After = page[len(page)-1].Place
	}
}

func (w *world) trailOfSeat(seat string) []store.Entry {
	w.Helper()
	return w.trail(store.TrailScan{Event: evening, Seat: seat})
}

func (w *world) trailOfBooking(code string) []store.Entry {
	w.Helper()
	return w.trail(store.TrailScan{Booking: code})
}

// notes counts what is noted of a booking, and of no change of a seat.
func (w *world) notes(code string) map[store.Reason]int {
	w.Helper()
	n := map[store.Reason]int{}
	for _, e := range w.trailOfBooking(code) {
		if e.Version == 0 {
			n[e.Reason]++
		}
	}
	return n
}

// wantTrail fails unless the trail of each seat has its changes, one by one, from
// its first version on.
func (w *world) wantTrail(changes []store.Change) {
	w.Helper()
	for _, s := range w.snapshot().Seats {
		var entries []store.Entry
		for _, e := range w.trailOfSeat(s.ID) {
			if e.Version > 0 {
				entries = append(entries, e)
			}
		}
		var last store.Entry
		told := changesOfSeat(changes, s.ID)
		if int64(len(entries)) != s.Version-1 || len(entries) != len(told) {
			w.Fatalf("seat %+v was announced %d times, and has %d entries", s, len(told), len(entries))
		}
		for i, e := range entries {
			c := told[i]
			if e.Version != int64(i+2) || e.Version != c.Seat.Version || e.Status != c.Seat.Status || e.Reason != c.Reason || e.Event != evening ||
				e.Seat != s.ID || e.By == "" || e.At.Before(last.At) || c.Seat.Booking != "" && e.Booking != c.Seat.Booking {
				w.Fatalf("seat %s: entry %d is\n\t%+v\nafter\n\t%+v\nfor the change\n\t%+v", s.ID, i, e, last, c)
			}
			last = e
		}
		if s.Version > 1 && last.Status != s.Status {
			w.Fatalf("seat %+v was last told as %+v", s, last)
		}
	}
}

// did fails unless do adds just these entries to the trails of the seats.
func (w *world) did(do func(), want ...store.Entry) {
	w.Helper()
	all := func() (out []store.Entry) {
		for _, s := range w.snapshot().Seats {
			out = append(out, w.trailBy(w.s, store.TrailScan{Event: evening, Seat: s.ID}, store.MaxPage)...)
		}
		return out
	}
	before, begun := all(), w.now()
	do()
	var added []store.Entry
	for _, e := range all() {
		if slices.ContainsFunc(before, func(o store.Entry) bool { return o.Place == e.Place }) {
			continue
		}
		if e.At.Before(begun) || e.At.After(w.now()) || e.Event != evening {
			w.Fatalf("after %v: entry %+v", begun, e)
		}
		e.At, e.Event, e.Place, e.Version = time.Time{}, "", "", min(e.Version, 1)
		added = append(added, e)
	}
	if text(added) != text(want) {
		w.Fatalf("added is\n\t%s\nwant\n\t%s", text(added), text(want))
	}
}

// entry is one of a seat's change, as did compares it.
func entry(seat string, status store.Status, code string, why store.Reason, by store.By) store.Entry {
	return store.Entry{Seat: seat, Status: status, Version: 1, Booking: code, Reason: why, By: by}
}

func trailSeats(w *world) {
	w.open(3)
	first := w.snapshot()
	const visitor, house, clock, provider = store.ByVisitor, store.ByHouse, store.ByClock, store.ByProvider
	const free, locked, paying, booked, withheld = store.Available, store.Locked, store.Paying, store.Booked, store.Withheld
	w.did(func() { w.lock("anna", "s1", "s2") }, entry("s1", locked, "", store.ReasonLocked, visitor), entry("s2", locked, "", store.ReasonLocked, visitor))
	w.did(func() { _, err := w.tryExtend("anna", long()); w.must(err) },
		entry("s1", locked, "", store.ReasonExtended, visitor), entry("s2", locked, "", store.ReasonExtended, visitor))
	w.did(func() { w.unlock("anna", "s2") }, entry("s2", free, "", store.ReasonGivenBack, visitor))
	w.did(func() { w.withhold(true, "s2") }, entry("s2", withheld, "", store.ReasonWithheld, house))
	w.did(func() { w.withhold(false, "s2") }, entry("s2", free, "", store.ReasonOnSale, house))
	w.did(func() {
		_, err := w.s.Release(w.Context(), store.ReleaseRequest{Event: evening, Seats: []string{"s1"}})
		w.must(err)
	}, entry("s1", free, "", store.ReasonReleased, house))
	w.lock("anna", "s1")
	r := w.sale("anna")
	w.did(func() { w.begin(r) }, entry("s1", paying, r.Code, store.ReasonPaying, visitor))
	w.did(func() { w.decline(r.Code) }, entry("s1", locked, r.Code, store.ReasonDeclined, provider))
	r = w.sale("anna")
	w.begin(r)
	w.did(func() { w.confirm(r.Code) }, entry("s1", booked, r.Code, store.ReasonBooked, provider))
	w.did(func() { w.move(r.Code, "s1", "s2") }, entry("s1", free, r.Code, store.ReasonMoved, house), entry("s2", booked, r.Code, store.ReasonMoved, house))
	w.did(func() { w.told(w.tryCancel(store.CancelRequest{Code: r.Code, Holder: "anna"})) }, entry("s2", free, r.Code, store.ReasonCancelled, visitor))
	sale := w.houseSale("s3")
	w.did(func() { w.sold(sale) }, entry("s3", booked, sale.Code, store.ReasonBooked, house))
	w.did(func() { w.cancel(sale.Code) }, entry("s3", free, sale.Code, store.ReasonCancelled, house))
	w.lock("bert", "s1")
	r = atDoor(w.sale("bert"))
	w.did(func() { w.begin(r) }, entry("s1", booked, r.Code, store.ReasonBooked, visitor))
	w.overdue(r.Code)
	w.did(func() { w.lapsed(r.Code) }, entry("s1", free, r.Code, store.ReasonLapsed, clock))
	w.lock("bert", "s1")
	late := w.pay("bert").Code
	w.did(func() { w.letGo(late) }, entry("s1", locked, late, store.ReasonDeclined, clock))
	w.did(func() { w.confirm(late) }, entry("s1", booked, late, store.ReasonBooked, provider))
	w.lock("carl", "s2")
	over := w.pay("carl").Code
	w.overdue(over)
	w.did(func() { w.decline(over) }, entry("s2", locked, over, store.ReasonDeclined, clock))
	w.wantTrail(w.since(first.Cursor))
}

func trailNotes(w *world) {
	w.open(4)
	note := func(seat, code string, why store.Reason, by store.By) store.Entry {
		return store.Entry{Seat: seat, Booking: code, Reason: why, By: by}
	}
	// noted fails unless do notes just that of a booking.
	noted := func(code string, do func(), want ...store.Entry) {
		w.Helper()
		before := len(w.trailOfBooking(code))
		do()
		var added []store.Entry
		for _, e := range w.trailOfBooking(code)[before:] {
			if e.Event != evening || e.At.IsZero() {
				w.Fatalf("noted %+v", e)
			}
			if e.Version == 0 {
				e.At, e.Event, e.Place = time.Time{}, "", ""
				added = append(added, e)
			}
		}
		if text(added) != text(want) {
			w.Fatalf("noted is\n\t%s\nwant\n\t%s", text(added), text(want))
		}
	}
	w.lock("anna", "s1", "s2")
	b := w.pay("anna").Code
	noted(b, func() { _, err := w.s.GiveUp(w.Context(), b, "anna"); w.must(err) }, note("", b, store.ReasonGivenUp, store.ByVisitor))
	noted(b, func() { w.confirm(b) })
	noted(b, func() { w.reissue(b) }, note("s1", b, store.ReasonReissued, store.ByHouse), note("s2", b, store.ReasonReissued, store.ByHouse))
	scan := w.ticketOf(b, "s1")
	noted(b, func() { w.checkIn(scan) }, note("s1", b, store.ReasonCheckedIn, store.ByHouse))
	scan.Undo = true
	noted(b, func() { w.checkIn(scan) }, note("s1", b, store.ReasonCheckedOut, store.ByHouse))
	noted(b, func() { w.told(w.tryCancel(store.CancelRequest{Code: b, Seats: []string{"s1"}, Holder: "anna"})) }, note("", b, store.ReasonRefundWanted, store.ByVisitor))
	noted(b, func() { w.cancel(b) }, note("", b, store.ReasonRefundWanted, store.ByHouse))
	noted(b, func() { w.noteDone(b + "-r1") }, note("", b, store.ReasonRefunded, store.ByProvider))
	r := w.refund(b + "-r2")
	r.State, r.Work = store.RefundStuck, store.Work{}
	noted(b, func() { w.told(w.s.NoteRefund(w.Context(), r)) }, note("", b, store.ReasonRefundStuck, store.ByProvider))
	noted(b, func() { w.told(w.s.Refunded(w.Context(), r.ID)) }, note("", b, store.ReasonRefunded, store.ByHouse))
	noted(b, func() { w.erase(b) }, note("", b, store.ReasonErased, store.ByHouse))
	w.lock("bert", "s1", "s2")
	d := w.reserve("bert").Code
	noted(d, func() { w.paid(d) }, note("", d, store.ReasonPaid, store.ByHouse))
	noted(d, func() { w.cancel(d, "s1") }, note("", d, store.ReasonRefunded, store.ByHouse))
	noted(d, func() {
		w.told(w.tryErase(store.EraseRequest{Code: d, Force: true, By: store.ByClock}))
	}, note("", d, store.ReasonErased, store.ByClock))
	lost := w.late("carl", "s3")
	w.lock("dora", "s3")
	noted(lost, func() { w.confirm(lost) }, note("", lost, store.ReasonLost, store.ByProvider), note("", lost, store.ReasonRefundWanted, store.ByProvider))
}

func trailSweep(w *world) {
	w.open(2)
	w.lapse("anna", "s1", "s2")
	w.did(func() { w.release() }, entry("s1", store.Available, "", store.ReasonLapsed, store.ByClock), entry("s2", store.Available, "", store.ReasonLapsed, store.ByClock))
	w.did(func() { w.release() })
}

func trailRefused(w *world) {
	w.open(3)
	b := w.booked("anna", "s1")
	w.lock("bert", "s2")
	w.did(func() {
		_, err := w.tryLock("carl", long(), "s3", "s1")
		w.wantErr(err, store.ErrBooked)
		w.lock("bert", "s2")
		w.confirm(b.Code)
		_, err = w.tryMove(b.Code, "s1", "s2")
		w.wantErr(err, store.ErrTaken)
		w.move(b.Code, "s1", "s1")
		_, err = w.s.Sell(w.Context(), w.houseSale("s3", "s1"))
		w.wantErr(err, store.ErrBooked)
		_, err = w.tryErase(store.EraseRequest{Code: b.Code})
		w.wantErr(err, store.ErrUnsettled)
		undo := w.ticketOf(b.Code, "s1")
		undo.Undo = true
		w.checkIn(undo)
	})
}

func trailPages(w *world) {
	w.open(1)
	for range 10 {
		w.withhold(true, "s1")
		w.withhold(false, "s1")
	}
	for _, limit := range []int{1, 3, 5, 20, 21, store.MaxPage} {
		all := w.trailBy(w.s, store.TrailScan{Event: evening, Seat: "s1"}, limit)
		if len(all) != 20 {
			w.Fatalf("by %d: %d entries, want 20", limit, len(all))
		}
		for i, e := range all {
			if e.Version != int64(i+2) {
				w.Fatalf("by %d: entry %d is of version %d", limit, i, e.Version)
			}
		}
	}
}

func trailOf(w *world) {
	w.open(2)
	w.create(hall(evening+"-2", 2))
	_, err := w.s.Withhold(w.Context(), store.WithholdRequest{Event: evening + "-2", Seats: names(2), On: true})
	w.must(err)
	b := w.booked("anna", "s1", "s2")
	w.checkIn(w.ticketOf(b.Code, "s1"))
	for _, e := range w.trailOfSeat("s1") {
		if e.Event != evening || e.Seat != "s1" {
			w.Fatalf("of s1: %+v", e)
		}
	}
	if n := len(w.trailOfSeat("s1")); n != 4 {
		w.Fatalf("%d entries of s1, want locked, paying, booked and checked in", n)
	}
	if got := w.trailOfBooking(b.Code); len(got) != 5 || slices.ContainsFunc(got, func(e store.Entry) bool { return e.Booking != b.Code || e.Event != evening }) {
		w.Fatalf("of the booking: %+v", got)
	}
	if got := w.trail(store.TrailScan{Event: evening + "-2", Seat: "s1"}); len(got) != 1 {
		w.Fatalf("of the other event: %+v", got)
	}
	for _, scan := range []store.TrailScan{{Event: evening, Seat: "s3"}, {Event: "nowhere", Seat: "s1"}, {Booking: "2222222222"}} {
		if got := w.trail(scan); len(got) > 0 {
			w.Fatalf("of nothing: %+v", got)
		}
	}
}

func trailNobodyTold(w *world) {
	w.open(2)
	const who = "a-holder-to-hide"
	w.lapse(who, "s2")
	w.lock("b-to-hide", "s2")
	w.unlock("b-to-hide", "s2")
	w.lapse(who, "s2")
	w.release()
	b := w.booked(who, "s1")
	w.checkIn(w.ticketOf(b.Code, "s1"))
	w.told(w.tryCancel(store.CancelRequest{Code: b.Code, Force: true}))
	w.told(w.tryErase(store.EraseRequest{Code: b.Code, Force: true}))
	all := text(slices.Concat(w.trailOfSeat("s1"), w.trailOfSeat("s2"), w.trailOfBooking(b.Code)))
	for _, secret := range []string{"to-hide", "Anna", "Adler", "anna@example.org"} {
		if strings.Contains(all, secret) {
			w.Fatalf("it tells of %s: %s", secret, all)
		}
	}
}

func trailPrune(w *world) {
	w.open(2)
	for range 5 {
		w.withhold(true, "s1")
		w.withhold(false, "s1")
	}
	border := w.now().Add(time.Millisecond)
	w.pass(border.Add(time.Millisecond))
	b := w.booked("anna", "s1")
	young := len(w.trailOfSeat("s1")) - 10
	first := w.snapshot()
	prune := func(s *store.Store, before time.Time, limit, want, left int) {
		w.Helper()
		n, err := s.PruneTrail(w.Context(), before, limit)
		w.must(err)
		if n != want {
			w.Fatalf("%d entries went, want %d", n, want)
		}
		got := w.trailOfSeat("s1")
		if len(got) != left+young {
			w.Fatalf("%d entries are left, want %d", len(got), left+young)
		}
		for i, e := range got {
			if e.Version != int64(12-left+i) {
				w.Fatalf("entry %d is of version %d: they are no more the youngest", i, e.Version)
			}
		}
	}
	prune(w.s, border.Add(-time.Hour), 100, 0, 10)
	prune(w.s, border, 3, 3, 7)
	prune(w.second(), border, 4, 4, 3)
	prune(w.s, border, 100, 3, 0)
	prune(w.s, border, 100, 0, 0)
	if got := w.trailOfBooking(b.Code); len(got) != young-1 {
		w.Fatalf("of the booking %+v are left", got)
	}
	if s := w.snapshot(); text(s.Seats) != text(first.Seats) {
		w.Fatalf("the seats are %+v, want %+v", s.Seats, first.Seats)
	}
	w.did(func() { w.cancel(b.Code) }, entry("s1", store.Available, b.Code, store.ReasonCancelled, store.ByHouse))
}

func trailInvalid(w *world) {
	w.open(1)
	for _, scan := range []store.TrailScan{
		{Event: evening, Seat: "s1"}, {Event: evening, Seat: "s1", Limit: -1}, {Event: evening, Seat: "s1", Limit: store.MaxPage + 1},
		{Event: evening, Limit: 1}, {Limit: 1}, {Seat: "s1", Limit: 1}, {Event: "a b", Seat: "s1", Limit: 1}, {Booking: "x", Limit: 1},
	} {
		_, err := w.s.Trail(w.Context(), scan)
		w.wantErr(err, store.ErrInvalid)
	}
}

// trailRace has many change the same seats, on two instances, beside sweeps.
func trailRace(w *world) {
	w.open(4)
	first := w.snapshot()
	stores := w.both()
	race(8, func(i int) {
		random, who := w.random(uint64(300+i)), holder(i%4)
		rules := store.Rules{TTL: 2 * time.Millisecond, Total: 2 * time.Millisecond, MaxSeats: 4}
		for range w.rounds(25) {
			s, seat := stores[random.IntN(2)], fmt.Sprint("s", 1+random.IntN(4))
			var err error
			switch random.IntN(6) {
			case 0:
				_, err = s.ReleaseDue(w.Context())
			case 1:
				_, err = s.Unlock(w.Context(), store.UnlockRequest{Event: evening, Holder: who})
			case 2:
				_, err = s.Withhold(w.Context(), store.WithholdRequest{Event: evening, Seats: []string{seat}, On: random.IntN(2) == 0})
			default:
				_, err = s.Lock(w.Context(), store.LockRequest{Event: evening, Holder: who, Seats: []string{seat}, Rules: rules})
			}
			if err != nil && !store.IsAnswer(err) {
				w.Error(err)
			}
		}
	})
	w.wantTrail(w.since(first.Cursor))
}
