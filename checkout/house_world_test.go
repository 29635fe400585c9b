package checkout_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/store"
)

// pricedAt is what a schedule's event costs at a revision: half of all reductions
// end on half a unit, and each price tells the revision.
func pricedAt(revision int64) store.Event {
	e := store.Event{Prices: map[string]int64{}, Tariffs: []store.Tariff{
		{ID: "full", Name: "Full"}, {ID: "reduced", Name: "Reduced", Off: 25 + 5*int(revision%2)},
		{ID: "companion", Name: "Companion", Prices: map[string]int64{"c": 0}, Beside: true},
	}}
	for category, price := range prices {
		if e.Prices[category] = price; price > 0 {
			e.Prices[category] += 1000 * (revision - 1)
		}
	}
	return e
}

// seen is what a schedule remembers of what it was told. A process that is killed
// forgets it.
type seen struct {
	mutex  sync.Mutex
	sales  []string         // codes of what the house has sold
	sold   map[string]int64 // the revision that a booking was priced by
	in     map[store.CheckInRequest]int
	undone map[string]int // by code
	erased []string
}

func newSeen() seen {
	return seen{sold: map[string]int64{}, in: map[store.CheckInRequest]int{}, undone: map[string]int{}}
}

func (s *seen) note(what func()) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	what()
}

// recorder remembers which revision bookings were priced by.
type recorder struct {
	checkout.Store
	seen *seen
}

func (r recorder) Begin(ctx context.Context, b store.BeginRequest) (string, error) {
	code, err := r.Store.Begin(ctx, b)
	if err == nil && code == b.Code {
		r.seen.note(func() { r.seen.sold[code] = b.Revision })
	}
	return code, err
}

func (r recorder) Sell(ctx context.Context, s store.SellRequest) (store.Outcome, error) {
	out, err := r.Store.Sell(ctx, s)
	if err == nil {
		r.seen.note(func() { r.seen.sold[s.Code] = s.Revision })
	}
	return out, err
}

// actAsHouse does what a house does.
func (s *schedule) actAsHouse(ctx context.Context, i int, draw *rand.Rand) {
	seats := seatIDs()
	draw.Shuffle(len(seats), func(i, j int) { seats[i], seats[j] = seats[j], seats[i] })
	code := s.pick(draw)
	s.note(func() {
		if len(s.sales) > 0 && (code == "" || draw.IntN(4) == 0) {
			code = s.sales[draw.IntN(len(s.sales))]
		}
	})
	what := draw.IntN(14)
	switch {
	case what == 0:
		e, err := s.stores[i].Event(ctx, s.event)
		if err == nil {
			next := pricedAt(e.Revision + 1)
			e.Prices, e.Tariffs = next.Prices, next.Tariffs
			_, _ = s.stores[i].UpdateEvent(ctx, e)
		}
	case what == 1:
		sale := checkout.Sale{Event: s.event, Seats: seats[:1+draw.IntN(2)], Comp: draw.IntN(3) == 0, Person: store.Person{Name: "Berta"}, Code: store.NewCode()}
		if !sale.Comp && draw.IntN(2) == 0 {
			sale.Tariffs = map[string]string{seats[0]: "reduced"}
		}
		if _, err := s.both[i].Sell(ctx, sale); err == nil {
			s.note(func() { s.sales = append(s.sales, sale.Code) })
		}
	case code == "":
	case what == 2:
		if _, err := s.house[i].Erase(ctx, store.EraseRequest{Code: code, Force: true, By: store.ByHouse}); err == nil {
			s.note(func() { s.erased = append(s.erased, code) })
		}
	case what == 3:
		_, _ = s.house[i].Reissue(ctx, code, nil)
	case what == 4:
		s.cancel(ctx, s.both[i], code, draw)
	default:
		s.onTicket(ctx, i, code, seats[0], what, draw)
	}
}

// onTicket moves a seat of a booking, or has its ticket scanned.
func (s *schedule) onTicket(ctx context.Context, i int, code, other string, what int, draw *rand.Rand) {
	b, err := s.stores[i].Booking(ctx, code)
	if err != nil || len(b.Kept()) == 0 {
		return
	}
	seat := b.Kept()[draw.IntN(len(b.Kept()))].Seat
	if what < 9 {
		_, _ = s.both[i].Move(ctx, code, seat, other)
		return
	}
	r := store.CheckInRequest{Event: s.event, TicketEvent: s.event, Code: code, Seat: seat, Issue: b.Ticket(seat).Issue}
	if what == 9 {
		s.note(func() { s.undone[code]++ }) // also if that is not known to have been
		r.Undo = true
		_, _ = s.house[i].CheckIn(ctx, r)
		return
	}
	var scans sync.WaitGroup
	for _, door := range s.house {
		scans.Go(func() {
			if _, err := door.CheckIn(ctx, r); err == nil {
				s.note(func() { s.in[r]++ })
			}
		})
	}
	scans.Wait()
}

// keptByHouse is what the house has kept of what was cancelled.
func keptByHouse(b store.Booking) (amount int64) {
	for _, l := range b.Lines {
		if l.Cancelled && l.NoRefund {
			amount += l.Price
		}
	}
	return amount
}

// checkBooking tells what is wrong with the lines and tickets of a booking, by its
// trail and by what the schedule was told.
func (s *schedule) checkBooking(ctx context.Context, b store.Booking, kept []store.Line) error {
	trail, err := s.trail(ctx, store.TrailScan{Booking: b.Code})
	if err != nil {
		return err
	}
	first, in, err := follow(b, trail)
	if err != nil {
		return err
	}
	for _, l := range kept {
		if is := !b.Ticket(l.Seat).In.IsZero(); is != in[l.Seat] {
			return fmt.Errorf("the ticket for seat %s is let in: %v, and by its trail: %v", l.Seat, is, in[l.Seat])
		}
	}
	for r, times := range s.in {
		if r.Code == b.Code && times > 1+s.undone[b.Code] {
			return fmt.Errorf("ticket %+v was let in %d times", r, times)
		}
	}
	for _, code := range s.erased {
		if _, err := s.stores[0].Person(ctx, code); code == b.Code && !errors.Is(err, store.ErrNoBooking) {
			return fmt.Errorf("it was erased, and is still known who it is for: %v", err)
		}
	}
	return s.checkPrices(ctx, b, first)
}

// follow follows the seats and tickets of a booking through its trail: first is
// the seat that one was sold as, if it was moved, and in are those let in.
func follow(b store.Booking, trail []store.Entry) (first map[string]string, in map[string]bool, err error) {
	first, in = map[string]string{}, map[string]bool{}
	for _, l := range b.Lines {
		first[l.Seat] = l.Seat
	}
	var from string
	for _, e := range trail {
		switch {
		case e.Booking != b.Code:
			return nil, nil, fmt.Errorf("its trail has %+v", e)
		case e.Reason == store.ReasonCheckedIn && in[e.Seat], e.Reason == store.ReasonCheckedOut && !in[e.Seat]:
			return nil, nil, fmt.Errorf("%s: %s, and was so before", e.Seat, e.Reason)
		case e.Reason == store.ReasonCheckedIn, e.Reason == store.ReasonCheckedOut:
			in[e.Seat] = e.Reason == store.ReasonCheckedIn
		case e.Reason == store.ReasonMoved && e.Status != store.Booked:
			from = e.Seat
		case e.Reason == store.ReasonMoved:
			was := from
			if earlier, moved := first[from]; moved {
				was = earlier
			}
			first[e.Seat], in[e.Seat] = was, in[from]
			delete(first, from)
			delete(in, from)
		}
	}
	return first, in, nil
}

// checkPrices: all lines were priced by one revision of the event: the one that
// they were sold by, where that is known.
func (s *schedule) checkPrices(ctx context.Context, b store.Booking, first map[string]string) error {
	now, err := s.stores[0].Event(ctx, s.event)
	if err != nil {
		return err
	}
	from, to := int64(1), now.Revision
	if sold := s.sold[b.Code]; sold > 0 {
		from, to = sold, sold
	}
	for revision := from; revision <= to; revision++ {
		if err = fits(s.priced(revision), b.Lines, first); err == nil {
			return nil
		}
	}
	return fmt.Errorf("at none of the revisions %d to %d: %w", from, to, err)
}

func fits(e store.Event, lines []store.Line, first map[string]string) error {
	for _, l := range lines {
		price, has := e.PriceAs(categoryOf(first[l.Seat]), l.Tariff)
		if l.Tariff == checkout.CompTariff {
			price, has = 0, true
		}
		if !has || l.Price != price {
			return fmt.Errorf("seat %s, sold as %s at %q for %d: want %d, %v", l.Seat, first[l.Seat], l.Tariff, l.Price, price, has)
		}
	}
	return nil
}

func (s *schedule) trail(ctx context.Context, scan store.TrailScan) ([]store.Entry, error) {
	scan.Limit = store.MaxPage // of which a schedule fills none
	return s.house[1].Trail(ctx, scan)
}

// checkTrail: the trail of a seat has all of its versions, and ends as the seat
// is. On MongoDB the entry of a sweep may be missing; see its engine.
func (s *schedule) checkTrail(ctx context.Context, seat store.Seat) error {
	trail, err := s.trail(ctx, store.TrailScan{Event: s.event, Seat: seat.ID})
	if err != nil {
		return err
	}
	last := store.Entry{Version: 1, Status: store.Available}
	next := func(version int64) error {
		swept := s.mongo && last.Status == store.Locked && version == last.Version+2
		if version != last.Version+1 && !swept {
			return fmt.Errorf("seat %s: its trail goes from %+v to version %d", seat.ID, last, version)
		}
		return nil
	}
	for _, e := range trail {
		if e.Version == 0 {
			continue
		}
		if err := next(e.Version); err != nil {
			return err
		}
		last = e
	}
	if err := next(seat.Version + 1); err != nil {
		return err
	}
	if last.Version == seat.Version && (last.Status != seat.Status || seat.Booking != "" && last.Booking != seat.Booking) {
		return fmt.Errorf("seat %+v: its trail ends with %+v", seat, last)
	}
	return nil
}

// sums are the sales of an event, and what they are to come to.
type sums struct {
	store.Sales
	took             int64
	seats, checkedIn int
}

func (s *sums) add(b store.Booking, kept []store.Line, took int64) {
	s.took += took
	s.seats += len(kept)
	for _, l := range kept {
		if !b.Ticket(l.Seat).In.IsZero() {
			s.checkedIn++
		}
	}
}

func (s *sums) check() error {
	total := s.Total()
	switch {
	case total.Amount+total.Kept != s.took, s.Captured-s.Refunded != s.took, s.ToRefund != 0:
		return fmt.Errorf("sales of %+v and %+v, and the money that is there is %d", total, s.Money, s.took)
	case total.Seats != s.seats, total.CheckedIn != s.checkedIn, total.Open != 0, total.Owed != 0:
		return fmt.Errorf("sales of %+v, want %d seats, of which %d were let in", total, s.seats, s.checkedIn)
	}
	return nil
}
