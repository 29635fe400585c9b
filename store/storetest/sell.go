package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seatlock/seatlock/store"
)

// witness is an engine that tells at which instant it has decided last, also
// where no answer says so.
type witness struct {
	store.Engine
	now time.Time
}

func (e *witness) Decide(ctx context.Context, q store.Question, rule func(store.View) store.Decision) (store.Decision, store.Cursor, error) {
	return e.Engine.Decide(ctx, q, func(v store.View) store.Decision {
		e.now = v.Now
		return rule(v)
	})
}

// sell begins a booking or takes one on, so that seats are left for the others.
func (p *player) sell() string {
	busy, open := 0, []*deal{}
	for _, d := range p.model.deals {
		if slices.Contains([]store.BookingState{store.BookingPaying, store.BookingReserved, store.BookingBooked}, d.state) {
			busy += len(d.kept())
			open = append(open, d)
		}
	}
	e := &witness{Engine: p.engine()}
	what := ""
	switch {
	case len(p.model.deals) == 0, busy < 4 && p.random.IntN(2) == 0:
		if what = p.begin(e); p.random.IntN(4) == 0 {
			what = p.houseSells(e)
		}
	case len(open) > 0 && p.random.IntN(4) > 0:
		what = p.takeOn(e, open[p.random.IntN(len(open))])
	default:
		what = p.takeOn(e, p.model.deals[p.random.IntN(len(p.model.deals))])
	}
	p.wantSeats(p.snapshot().Seats, p.model.list(p.model.order))
	return what
}

// begin asks for a booking of what somebody has locked, more or less.
func (p *player) begin(e *witness) string {
	who, _ := p.who()
	for i := range p.random.Perm(6) {
		if len(p.model.all(holder(i), p.now(), mine)) > 0 && p.random.IntN(4) > 0 {
			who = holder(i)
			break
		}
	}
	r := p.sale(who)
	seats := p.model.all(who, p.now(), mine)
	if len(seats) == 0 || p.random.IntN(15) == 0 {
		seats = append(seats, fmt.Sprintf("s%d", 1+p.random.IntN(8)))
	}
	if n := len(seats) - 1; n > 0 && p.random.IntN(15) == 0 {
		seats = seats[:n]
	}
	r.Lines = nil
	for _, id := range seats {
		r.Lines = append(r.Lines, lineOf(id))
	}
	switch p.random.IntN(8) {
	case 0:
		r = costless(r)
	case 1, 2:
		r = atDoor(r)
	}
	if n := len(p.model.deals); n > 0 && p.random.IntN(6) == 0 {
		if d := p.model.deals[p.random.IntN(n)]; d.request != "" {
			r.Holder, r.Request = d.who, d.request
		}
	}
	if p.random.IntN(12) == 0 {
		r.Contents = "other"
	}
	if p.random.IntN(15) == 0 {
		r.Revision = 2
	}
	code, err := store.New(e).Begin(p.Context(), r)
	want, wantErr := p.model.begin(r, e.now)
	switch {
	case !errors.Is(err, wantErr) || code != want:
		p.Errorf("got booking %q, %v, want %q, %v", code, err, want, wantErr)
	case err == nil:
		p.compareDeal(p.booking(code), p.deal(code))
	}
	return fmt.Sprintf("begin %+v", r)
}

func (p *player) deal(code string) *deal {
	i := slices.IndexFunc(p.model.deals, func(d *deal) bool { return d.code == code })
	return p.model.deals[i]
}

// takeOn does one thing about a booking, now and then what is not its turn.
func (p *player) takeOn(e *witness, d *deal) string {
	s, ctx := store.New(e), p.Context()
	a := store.Attempt{ID: store.Booking{Code: d.code}.Attempt()}
	if d.attempt != "" {
		a = p.attempt(d.code)
	}
	stale := p.random.IntN(10) == 0
	if stale {
		a.Version--
	}
	who := d.who
	if p.random.IntN(10) == 0 {
		who = "stranger"
	}
	n := p.random.IntN(18)
	var out store.BookingOutcome
	var err, wantErr error
	switch n {
	case 0, 1:
		out, err = s.Confirm(ctx, a)
		wantErr = p.model.confirm(d, stale, e.now)
	case 2:
		out, err = s.Decline(ctx, a)
		wantErr = p.model.decline(d, stale, e.now)
	case 3:
		out, err = s.LetGo(ctx, a, e.now)
		wantErr = p.model.outOfReach(d, stale, e.now)
	case 4:
		out, err = s.GiveUp(ctx, d.code, who)
		wantErr = p.model.giveUp(d, who, e.now)
	case 5:
		out, err = s.Paid(ctx, d.code, store.WhateverIsOwed)
		wantErr = p.model.paid(d)
	case 6:
		p.hurry(d)
		out, err = s.Lapse(ctx, d.code)
		wantErr = p.model.lapseDeal(d, e.now)
	case 7:
		out, err = p.refundOne(s, d)
	case 8, 9, 10:
		out, err, wantErr = p.checkIn(e, d)
	case 11:
		var seats []string
		if p.random.IntN(3) > 0 {
			seats = p.seatOf(d)
		}
		out, err = s.Reissue(ctx, d.code, seats)
		wantErr = p.model.reissue(d, seats)
	case moves, moves + 1:
		out, err, wantErr = p.move(e, d)
	case 14:
		r := store.EraseRequest{Code: d.code, Force: p.random.IntN(3) == 0, By: store.ByHouse}
		out, err = s.Erase(ctx, r)
		wantErr = p.model.erase(d, r)
	default:
		r := store.CancelRequest{Code: d.code}
		if p.random.IntN(2) == 0 {
			r.Seats = p.seatOf(d)
		}
		if p.random.IntN(2) == 0 && !d.house() {
			r.Holder = who
		}
		r.Force = r.Holder == "" && p.random.IntN(2) == 0
		out, err = s.Cancel(ctx, r)
		wantErr = p.model.cancel(d, r)
	}
	if !errors.Is(err, wantErr) {
		p.Errorf("got error %v, want %v", err, wantErr)
	}
	p.compareDeal(p.booking(d.code), d)
	if err == nil && n != 7 {
		p.compareDeal(out.Booking, d)
	}
	if err == nil && n != 7 && n != moves && n != moves+1 { // whose outcome tells of both seats
		p.compare(out.Outcome, nil, store.Outcome{Seats: p.model.list(d.seats), Lock: p.model.lockOf(d.who, e.now)}, nil)
	}
	return fmt.Sprintf("thing %d about %+v", n, *d)
}

// seatOf is a seat of a booking, or now and then another one.
func (p *player) seatOf(d *deal) []string {
	if p.random.IntN(10) == 0 {
		return p.pick(1)
	}
	return []string{d.seats[p.random.IntN(len(d.seats))]}
}

// hurry has the deadline of a booking come, half of the time.
func (p *player) hurry(d *deal) {
	if p.random.IntN(2) == 0 && (d.state == store.BookingReserved || d.state == store.BookingPaying) {
		p.overdue(d.code)
		d.until = p.booking(d.code).PayUntil
	}
}

// refundOne has the provider pay one refund back, perhaps again.
func (p *player) refundOne(s *store.Store, d *deal) (store.BookingOutcome, error) {
	if len(d.refunds) == 0 {
		return store.BookingOutcome{}, nil
	}
	i := p.random.IntN(len(d.refunds))
	r := p.refund(p.booking(d.code).Refunds[i])
	if r.Amount != d.refunds[i] {
		p.Errorf("got refund %+v, want %d", r, d.refunds[i])
	}
	if r.State != store.RefundDone {
		d.refunded, d.done = d.refunded+d.refunds[i], d.done+1
		p.model.as(store.ByProvider, d.code)
		p.model.note("", store.ReasonRefunded)
	}
	r.State, r.Work = store.RefundDone, store.Work{}
	return s.NoteRefund(p.Context(), r)
}

// compareDeal fails the test unless a booking is as the model has it.
func (p *player) compareDeal(b store.Booking, d *deal) {
	p.Helper()
	ok := b.State == d.state && b.Holder == d.who && slices.Equal(store.Seats(b.Lines), d.seats) && slices.Equal(store.Seats(b.Kept()), d.kept()) &&
		b.Captured == d.captured && b.Refunded == d.refunded && len(b.Refunds) == len(d.refunds) && b.PayUntil.Equal(d.until)
	if !ok {
		p.Errorf("got booking\n\t%+v\nwant\n\t%+v", b, *d)
	}
	if d.attempt != "" {
		if a := p.attempt(b.Code); a.State != d.attempt {
			p.Errorf("got attempt %+v, want it %s", a, d.attempt)
		}
	}
	for _, id := range d.kept() {
		if got, want := b.Ticket(id), d.ticket(id); got.Issue != want.issue || !got.In.Equal(want.in) {
			p.Errorf("the ticket of %s is %+v, want %+v", id, got, want)
		}
	}
	p.wantPerson(b.Code, !d.erased)
}
