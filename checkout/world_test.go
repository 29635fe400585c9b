package checkout_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/checkout/paytest"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// world is a house in which schedules run, each with an event of its own: two
// instances on one store, and one provider.
type world struct {
	stores [2]*store.Store
	ledger *paytest.Ledger
	// spoil puts a fault into what an instance has of its store and its provider.
	spoil func(checkout.Store, checkout.Provider) (checkout.Store, checkout.Provider)
	// reached is told of each point between two steps.
	reached func(point string)
	// away has the provider out of reach in each schedule, and atOnce has it take
	// most payments without a capture: both for faults that seldom show else.
	away, atOnce bool
	// spoilHouse puts a fault into what the house does without a checkout, and count
	// counts a booking among the sales.
	spoilHouse func(house) house
	count      func(*store.Sales, store.Booking)
	// mongo tells that the engine is that of MongoDB.
	mongo bool
}

// house is what a schedule does at the store itself.
type house interface {
	CheckIn(ctx context.Context, r store.CheckInRequest) (store.BookingOutcome, error)
	Reissue(ctx context.Context, code string, seats []string) (store.BookingOutcome, error)
	Erase(ctx context.Context, r store.EraseRequest) (store.BookingOutcome, error)
	Trail(ctx context.Context, scan store.TrailScan) ([]store.Entry, error)
}

// prices are such that each sum tells its seats.
var prices = map[string]int64{"a": 1, "b": 10, "c": 100, "free": 0}

// hall has a seat of each price, and d: a wheelchair place of the category c,
// beside the seats c and free.
func hall() store.NewEvent {
	h := plan.Plan{Name: "Hall", Sections: []plan.Section{{ID: "stalls", Name: "Stalls", Rows: []plan.Row{{Label: "A"}}}}}
	row := &h.Sections[0].Rows[0]
	for i, id := range seatIDs() {
		seat := plan.Seat{ID: id, Label: id, Category: categoryOf(id), X: float64(i)}
		if id == "d" {
			seat.Properties = []plan.Property{plan.Accessible}
		} else {
			h.Categories = append(h.Categories, plan.Category{ID: id, Name: id})
		}
		row.Seats = append(row.Seats, seat)
	}
	return store.NewEvent{PlanBody: h.Encode(), Seats: h.SeatIDs()}
}

func seatIDs() []string { return []string{"a", "b", "c", "d", "free"} }

func categoryOf(seat string) string {
	if seat == "d" {
		return "c"
	}
	return seat
}

// open makes the event of a schedule, or leaves it as it is.
func (w *world) open(ctx context.Context, id string, terms store.Terms) error {
	return w.openAs(ctx, store.Event{ID: id, Prices: prices, Terms: terms})
}

func (w *world) openAs(ctx context.Context, is store.Event) error {
	is.Title, is.Zone, is.Currency, is.Starts = "Evening", "Europe/Vienna", "EUR", time.Date(2040, 1, 1, 19, 0, 0, 0, time.UTC)
	e := hall()
	e.Event = is
	return w.stores[0].CreateEvent(ctx, e)
}

// quick are rules with which a schedule takes a fraction of a second.
func quick() checkout.Rules {
	return checkout.Rules{
		Pay:      store.PayRules{Window: 60 * time.Millisecond, Total: 150 * time.Millisecond, Least: 30 * time.Millisecond, AtDoor: 20 * time.Millisecond},
		Patience: 60 * time.Millisecond, Lease: 40 * time.Millisecond, Within: 20 * time.Millisecond,
		Poll: 10 * time.Millisecond, Retry: 2 * time.Millisecond, Look: 3 * time.Millisecond,
	}
}

// instances are the checkouts of the world's two instances, with faults between
// them and the provider.
func (w *world) instances(seed uint64, f paytest.Faults, freeze float64) (both [2]*checkout.Checkout, faults [2]*paytest.Faulty) {
	return w.instancesOn(seed, f, freeze, func(st checkout.Store) checkout.Store { return st })
}

// instancesOn are instances on a store with something around it.
func (w *world) instancesOn(seed uint64, f paytest.Faults, freeze float64, around func(checkout.Store) checkout.Store) (both [2]*checkout.Checkout, faults [2]*paytest.Faulty) {
	reached := func(point string) {
		w.reached(point)
		if rand.Float64() < freeze { // and come back once the lease is over
			time.Sleep(quick().Lease + rand.N(40*time.Millisecond))
		}
	}
	for i := range both {
		faults[i] = paytest.NewFaulty(w.ledger, seed+uint64(i), f)
		st := around(w.stores[i])
		var provider checkout.Provider = faults[i]
		if w.spoil != nil {
			st, provider = w.spoil(st, provider)
		}
		both[i] = checkout.New(st, checkout.Config{
			Providers: map[string]checkout.Provider{"ledger": provider}, Offered: []string{"ledger", checkout.Door},
			Rules: quick(), Log: slog.New(slog.DiscardHandler), Reached: reached,
		})
	}
	return both, faults
}

// schedule is one random course of events.
type schedule struct {
	*world
	seed  uint64
	event string
	both  [2]*checkout.Checkout
	house [2]house
	// priced is what its event costs at a revision.
	priced func(revision int64) store.Event

	mu    sync.Mutex
	codes []string
	seen
}

func (w *world) schedule(seed uint64) *schedule {
	s := &schedule{world: w, seed: seed, event: fmt.Sprintf("e%d", seed), priced: pricedAt, seen: newSeen()}
	for i, st := range w.stores {
		if s.house[i] = st; w.spoilHouse != nil {
			s.house[i] = w.spoilHouse(st)
		}
	}
	return s
}

// play runs the schedule with its faults to its end, and then checks it at rest.
func (s *schedule) play(ctx context.Context) error {
	draw := rand.New(rand.NewPCG(s.seed, 0))
	e := pricedAt(1)
	e.ID, e.Terms = s.event, store.Terms{PayWithin: 40 * time.Millisecond}
	if err := s.openAs(ctx, e); err != nil {
		return err
	}
	chance := func() float64 { return draw.Float64() * draw.Float64() * 0.5 }
	faults := paytest.Faults{Delay: chance(), Duplicate: chance(), Reorder: chance(), Drop: chance(), Fail: chance(), Hang: chance() / 4, MaxDelay: 10 * time.Millisecond}
	both, faulty := s.instancesOn(s.seed, faults, chance()/4, func(st checkout.Store) checkout.Store { return recorder{st, &s.seen} })
	s.both = both
	if s.away || draw.IntN(3) == 0 { // out of reach for longer than the reconciler's patience
		from := time.Now().Add(time.Duration(draw.IntN(80)) * time.Millisecond)
		for _, f := range faulty {
			f.Away(from, from.Add(time.Duration(100+draw.IntN(150))*time.Millisecond))
		}
	}
	running, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	for _, c := range both {
		all.Go(func() { _ = c.Run(running) })
	}
	var actors sync.WaitGroup
	for i, who := range []store.Holder{"anna", "bert", "carl"} {
		actors.Go(func() { s.act(ctx, who, rand.New(rand.NewPCG(s.seed, uint64(i+1)))) })
	}
	actors.Wait()
	for _, f := range faulty {
		f.Calm()
	}
	err := s.rest(ctx)
	stop()
	all.Wait()
	if err != nil {
		return err
	}
	return s.check(ctx)
}

// recover brings a schedule to its end whose process was killed, and checks it.
func (s *schedule) recover(ctx context.Context) error {
	both, _ := s.instances(s.seed, paytest.Faults{}, 0)
	running, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	for _, c := range both {
		all.Go(func() { _ = c.Run(running) })
	}
	err := s.rest(ctx)
	stop()
	all.Wait()
	if errors.Is(err, store.ErrNoEvent) {
		return nil // killed before there was one
	}
	if err != nil {
		return err
	}
	return s.check(ctx)
}

// act has somebody do what visitors do, and the house, more than a dozen times.
func (s *schedule) act(ctx context.Context, who store.Holder, draw *rand.Rand) {
	for range 16 {
		time.Sleep(time.Duration(draw.IntN(10)) * time.Millisecond)
		i := draw.IntN(2)
		st, c := s.stores[i], s.both[i]
		switch draw.IntN(14) {
		case 0, 1:
			s.lockSome(ctx, st, who, draw)
		case 2, 3:
			payment := "ledger"
			if draw.IntN(4) == 0 {
				payment = checkout.Door
			}
			s.begin(ctx, c, who, payment, draw)
		case 4, 5:
			s.pay(draw, who)
		case 6:
			if code := s.pick(draw); code != "" {
				_, _ = c.GiveUp(ctx, code, who)
			}
		case 7:
			if code := s.pick(draw); code != "" {
				s.cancel(ctx, c, code, draw)
			}
		case 8:
			if code := s.pick(draw); code != "" && draw.IntN(2) == 0 {
				_, _ = st.Paid(ctx, code, store.WhateverIsOwed)
			} else if code != "" {
				_ = c.Hint(ctx, code)
			}
		case 9:
			_, _ = st.ReleaseDue(ctx)
		default:
			s.actAsHouse(ctx, i, draw)
		}
	}
}

// lockSome has somebody try for up to three seats, for a moment.
func (s *schedule) lockSome(ctx context.Context, st *store.Store, who store.Holder, draw *rand.Rand) {
	seats := seatIDs()
	draw.Shuffle(len(seats), func(i, j int) { seats[i], seats[j] = seats[j], seats[i] })
	ttl := time.Duration(10+draw.IntN(200)) * time.Millisecond
	if s.mongo { // where a begin takes some of that
		ttl *= 4
	}
	_, _ = st.Lock(ctx, store.LockRequest{Event: s.event, Holder: who, Seats: seats[:1+draw.IntN(3)],
		Rules: store.Rules{TTL: ttl, Total: 2 * ttl, MaxSeats: 4}})
}

// begin books what somebody has locked, at tariffs that can mostly be chosen.
func (s *schedule) begin(ctx context.Context, c *checkout.Checkout, who store.Holder, payment string, draw *rand.Rand) {
	offer, err := c.Offer(ctx, s.event, who, nil)
	if err == nil && len(offer.Lines) == 0 && offer.Paying == "" { // as where locks end before their holder comes to it
		s.lockSome(ctx, s.stores[0], who, draw)
		offer, err = c.Offer(ctx, s.event, who, nil)
	}
	if err != nil || len(offer.Lines) == 0 {
		return
	}
	tariffs := map[string]string{}
	for _, choice := range offer.Choices {
		tariffs[choice.Seat] = choice.Lines[draw.IntN(len(choice.Lines))].Tariff
	}
	begun, err := c.Begin(ctx, checkout.Request{Event: s.event, Holder: who, Payment: payment, Digest: offer.Digest, ID: store.NewCode(), Tariffs: tariffs,
		Person: store.Person{Name: "Anna", Email: "anna@example.org"}})
	if err == nil {
		s.add(begun.Code)
	}
}

func (s *schedule) add(code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes = append(s.codes, code)
}

// pay does at the provider what visitors do there.
func (s *schedule) pay(draw *rand.Rand, _ store.Holder) {
	code := s.pick(draw)
	if code == "" {
		return
	}
	id := store.Booking{Code: code}.Attempt()
	switch way := draw.IntN(6); {
	case way == 0:
		_ = s.ledger.Decline(id)
	case way == 1, s.atOnce:
		_ = s.ledger.PayAtOnce(id)
	default:
		_ = s.ledger.Pay(id)
	}
}

func (s *schedule) cancel(ctx context.Context, c *checkout.Checkout, code string, draw *rand.Rand) {
	b, err := s.stores[0].Booking(ctx, code)
	if err != nil {
		return
	}
	r := store.CancelRequest{Code: code, Force: draw.IntN(2) == 0, NoRefund: draw.IntN(4) == 0}
	if draw.IntN(2) == 0 {
		r.Seats = store.Seats(b.Lines)[:1]
	}
	_, _ = c.Cancel(ctx, r)
}

func (s *schedule) pick(draw *rand.Rand) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.codes) == 0 {
		return ""
	}
	if draw.IntN(2) == 0 { // the newest, which still has much ahead
		return s.codes[len(s.codes)-1]
	}
	return s.codes[draw.IntN(len(s.codes))]
}

// bounded is how long after the end of all faults everything must be final.
const bounded = 20 * time.Second

// rest waits until nothing of the event is under way.
func (s *schedule) rest(ctx context.Context) error {
	var open string
	for end := time.Now().Add(bounded); time.Now().Before(end); time.Sleep(3 * time.Millisecond) {
		var err error
		if open, err = s.underWay(ctx); open == "" {
			return err
		}
	}
	return fmt.Errorf("not final after %v: %s", bounded, open)
}

// underWay says what of the event is not final; "" is nothing.
func (s *schedule) underWay(ctx context.Context) (string, error) {
	st := s.stores[0]
	if _, err := st.Event(ctx, s.event); err != nil {
		return "", err
	}
	for b, err := range st.AllBookings(ctx, s.event) {
		if err != nil {
			return "", err
		}
		if a, err := st.Attempt(ctx, b.Attempt()); err == nil && !a.Final() {
			return fmt.Sprintf("attempt %+v of a booking that is %s", a, b.State), nil
		} else if err != nil && !errors.Is(err, store.ErrNoBooking) {
			return "", err
		}
		// What has ended the attempt since the booking was read is in the booking.
		if b, err = st.Booking(ctx, b.Code); err != nil {
			return "", err
		}
		if b.State == store.BookingPaying || b.State == store.BookingReserved {
			return fmt.Sprintf("booking %s is %s", b.Code, b.State), nil
		}
		for _, id := range b.Refunds {
			if r, err := st.Refund(ctx, id); err != nil || r.State != store.RefundDone {
				return fmt.Sprintf("refund %+v", r), err
			}
		}
	}
	return "", nil
}

// check tells what is wrong with the event at rest.
func (s *schedule) check(ctx context.Context) error {
	st := s.stores[1]
	snapshot, err := st.Snapshot(ctx, s.event)
	if err != nil {
		return err
	}
	owner, sum := map[string]string{}, sums{}
	for b, err := range st.AllBookings(ctx, s.event) {
		if err != nil {
			return err
		}
		kept := b.Kept()
		if b.State != store.BookingBooked {
			kept = nil
		}
		for _, l := range kept {
			if owner[l.Seat] != "" {
				return fmt.Errorf("seat %s belongs to %s and %s", l.Seat, owner[l.Seat], b.Code)
			}
			owner[l.Seat] = b.Code
		}
		took, err := s.checkMoney(ctx, b, store.TotalOf(kept)+keptByHouse(b))
		if err == nil {
			err = s.checkBooking(ctx, b, kept)
		}
		if err != nil {
			return fmt.Errorf("booking %s, %s: %w", b.Code, b.State, err)
		}
		sum.add(b, kept, took)
		s.world.count(&sum.Sales, b)
	}
	if err := sum.check(); err != nil {
		return err
	}
	for _, seat := range snapshot.Seats {
		switch {
		case seat.Status == store.Paying:
			return fmt.Errorf("seat %s is still being paid for", seat.ID)
		case seat.Booking != owner[seat.ID], (seat.Status == store.Booked) != (seat.Booking != ""):
			return fmt.Errorf("seat %s is %s by %q, want %q", seat.ID, seat.Status, seat.Booking, owner[seat.ID])
		}
		if err := s.checkTrail(ctx, seat); err != nil {
			return err
		}
	}
	return nil
}

// checkMoney compares a booking with what its provider really did; keeps is what
// its seats that are still booked were sold for, and those that the house has keeps
// the money of. took is what there is of money by whoever has taken it.
func (s *schedule) checkMoney(ctx context.Context, b store.Booking, keeps int64) (took int64, err error) {
	var refunds int64
	paidBack := map[string]string{}
	for _, id := range b.Refunds {
		r, err := s.stores[0].Refund(ctx, id)
		if err != nil {
			return 0, err
		}
		refunds += r.Amount
		for _, seat := range r.Seats {
			if paidBack[seat] != "" {
				return 0, fmt.Errorf("seat %s is paid back by %s and %s", seat, paidBack[seat], id)
			}
			paidBack[seat] = id
		}
	}
	if refunds != b.Refunded {
		return 0, fmt.Errorf("refunds of %d, and %d counted", refunds, b.Refunded)
	}
	entry, online := s.ledger.Entry(b.Attempt())
	if !online { // at the door, for nothing, or never started
		if b.Captured-b.Refunded != keeps {
			return 0, fmt.Errorf("at the door %d - %d, want %d", b.Captured, b.Refunded, keeps)
		}
		return b.Captured - b.Refunded, nil
	}
	switch {
	case entry.Captures > 1:
		return 0, fmt.Errorf("captured %d times", entry.Captures)
	case entry.Captured-entry.Refunded != keeps:
		return 0, fmt.Errorf("the provider has %d - %d, want %d", entry.Captured, entry.Refunded, keeps)
	case entry.Captured != b.Captured, entry.Refunded != b.Refunded:
		return 0, fmt.Errorf("the provider has %d - %d, the booking %d - %d", entry.Captured, entry.Refunded, b.Captured, b.Refunded)
	}
	return entry.Captured - entry.Refunded, nil
}
