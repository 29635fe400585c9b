package storetest

import (
	"fmt"
	"time"

	"github.com/seatlock/seatlock/store"
)

// wantBooks fails unless the bookings of the evening fit its seats, the clocks
// of their holders, and the money: each seat has one owner, what is unpaid is
// counted, what was captured and is not on its way back is the price of the
// seats that are kept, no line is paid back twice, and the sales add up.
func (w *world) wantBooks() {
	w.Helper()
	owner := map[string]string{}
	unpaid := map[store.Holder]int{}
	var sales store.Sales
	var onItsWay int64 // money back
	for b, err := range w.s.AllBookings(w.Context(), evening) {
		w.must(err)
		sales.Add(b, time.UTC)
		for _, id := range b.Refunds {
			if r := w.refund(id); r.State != store.RefundDone {
				onItsWay += r.Amount
			}
		}
		status := map[store.BookingState]store.Status{
			store.BookingPaying: store.Paying, store.BookingReserved: store.Booked, store.BookingBooked: store.Booked,
		}[b.State]
		if status == store.Available {
			unpaid[b.Holder] += 0
			w.wantMoney(b, 0)
			continue
		}
		for _, l := range b.Kept() {
			if owner[l.Seat] != "" {
				w.Fatalf("seat %s is of %s and of %s", l.Seat, owner[l.Seat], b.Code)
			}
			owner[l.Seat] = b.Code
			if s := w.seat(l.Seat); s.Status != status || s.Booking != b.Code || s.LockedBy != b.Holder {
				w.Fatalf("booking %s is %s, and its seat %+v", b.Code, b.State, s)
			}
		}
		switch b.State {
		case store.BookingReserved:
			unpaid[b.Holder] += len(b.Kept())
			w.wantMoney(b, 0)
		case store.BookingPaying:
			w.wantMoney(b, 0)
		default:
			w.wantMoney(b, store.TotalOf(b.Kept()))
		}
	}
	for _, s := range w.snapshot().Seats {
		if owner[s.ID] != s.Booking {
			w.Fatalf("seat %+v is of the booking %q", s, owner[s.ID])
		}
	}
	if total := sales.Total(); sales.ToRefund != onItsWay || total.Amount+total.Kept != sales.Captured-sales.Refunded-onItsWay {
		w.Fatalf("%d is on its way back, and the sales are %+v, of %+v", onItsWay, sales.Money, total)
	}
	for who, want := range unpaid {
		if got := w.see(w.e, store.Question{Event: evening, Holder: who}).Clock.Unpaid; got != want {
			w.Fatalf("%s has %d unpaid seats, and the clock counts %d", who, want, got)
		}
	}
}

// wantMoney fails unless so much of a booking's money stays.
func (w *world) wantMoney(b store.Booking, want int64) {
	w.Helper()
	back, done := int64(0), int64(0)
	lines := map[string]string{}
	for _, id := range b.Refunds {
		r := w.refund(id)
		sum := int64(0)
		for _, l := range b.Lines {
			for _, seat := range r.Seats {
				if l.Seat == seat {
					sum += l.Price
				}
			}
		}
		for _, seat := range r.Seats {
			if lines[seat] != "" {
				w.Fatalf("the refunds %s and %s pay back %s", id, lines[seat], seat)
			}
			lines[seat] = id
		}
		if back += r.Amount; r.Amount != sum {
			w.Fatalf("refund %+v, want %d", r, sum)
		}
		if r.State == store.RefundDone {
			done += r.Amount
		}
	}
	next, err := w.s.Record(w.Context(), store.Key{Kind: store.RefundRecord, ID: fmt.Sprintf("%s-r%d", b.Code, len(b.Refunds)+1)})
	w.must(err)
	if next.Version > 0 {
		w.Fatalf("booking %s has the refunds %v, and there is %s", b.Code, b.Refunds, next.ID)
	}
	if b.Captured-back != want || done != b.Refunded {
		w.Fatalf("booking %s is %s: captured %d, %d on its way back, %d done of which it counts %d; want %d to stay",
			b.Code, b.State, b.Captured, back, done, b.Refunded, want)
	}
}
