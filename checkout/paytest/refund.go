package paytest

import (
	"errors"
	"fmt"

	"github.com/seatlock/seatlock/checkout"
)

func refundCases() []testCase {
	return []testCase{
		{"all", func(w *world) {
			p := w.captured()
			w.must(w.refund(0, p, "all", price))
			w.wantLeft(p, 0)
		}},
		{"in parts", func(w *world) {
			p := w.captured()
			w.must(w.refund(0, p, "first", price/4))
			w.must(w.refund(1, p, "second", price/2))
			w.wantLeft(p, price/4)
		}},
		{"the payment stays captured", func(w *world) {
			p := w.captured()
			w.must(w.refund(0, p, "all", price))
			w.want(1, status, p, checkout.Captured)
			w.want(0, capture, p, checkout.Captured)
			w.want(0, cancel, p, checkout.Captured)
			w.wantLeft(p, 0)
		}},
		{"a repeat has no further effect", func(w *world) {
			p := w.captured()
			for i := range 4 {
				w.must(w.refund(i%2, p, "half", price/2))
			}
			w.wantLeft(p, price/2)
		}},
		{"a repeat of the last part is a success", func(w *world) {
			p := w.captured()
			w.must(w.refund(0, p, "all", price))
			w.must(w.refund(1, p, "all", price))
		}},
		{"20 at once with one key are one", func(w *world) {
			p := w.captured()
			var errs [many]error
			atOnce(func(i int) { errs[i] = w.refund(i%2, p, "half", price/2) })
			w.must(errors.Join(errs[:]...))
			w.wantLeft(p, price/2)
		}},
		{"20 keys at once never pay back too much", (*world).raceForRefunds},
		{"a key with another amount has no further effect", func(w *world) {
			p := w.captured()
			w.must(w.refund(0, p, "part", price/4))
			_ = w.refund(1, p, "part", price/2) // whatever it says
			w.wantLeft(p, price-price/4)
		}},
		{"each payment is its own", func(w *world) {
			first, second := w.captured(), w.captured()
			w.must(w.refund(0, first, "all", price))
			w.wantErr(w.refund(0, first, "more", 1), checkout.ErrRefused)
			w.wantLeft(second, price)
		}},
	}
}

func refusedRefundCases() []testCase {
	return []testCase{
		{"above what was captured is refused", func(w *world) {
			p := w.captured()
			w.wantErr(w.refund(0, p, "too much", price+1), checkout.ErrRefused)
			w.must(w.refund(0, p, "half", price/2))
			w.wantErr(w.refund(1, p, "again too much", price/2+1), checkout.ErrRefused)
			w.wantLeft(p, price/2)
		}},
		{"what was refused stays so", func(w *world) {
			p := w.captured()
			for i := range 2 {
				w.wantErr(w.refund(i, p, "too much", price+1), checkout.ErrRefused)
			}
			w.wantLeft(p, price)
		}},
		{"of another currency is refused", func(w *world) {
			p := w.captured()
			foreign := p
			foreign.Currency = "USD"
			w.wantErr(w.refund(0, foreign, "all", price), checkout.ErrRefused)
			w.wantLeft(p, price)
		}},
		{"less than nothing is refused", func(w *world) {
			p := w.captured()
			w.wantErr(w.refund(0, p, "less than nothing", -price), checkout.ErrRefused)
			w.wantLeft(p, price)
		}},
		{"of what was never captured", (*world).refundUncaptured},
	}
}

// raceForRefunds asks for 20 different parts of which four are all there is.
func (w *world) raceForRefunds() {
	p := w.captured()
	var errs [many]error
	atOnce(func(i int) { errs[i] = w.refund(i%2, p, fmt.Sprintf("part %d", i), price/4) })
	granted := 0
	for _, err := range errs {
		if err == nil {
			granted++
		} else {
			w.wantErr(err, checkout.ErrRefused)
		}
	}
	if granted != 4 {
		w.Fatalf("%d parts of a quarter were paid back, want 4", granted)
	}
	w.wantLeft(p, 0)
}

func (w *world) refundUncaptured() {
	unknown := fresh()
	unknown.Ref = "no-such-payment"
	w.wantFails(w.refund(0, unknown, "all", price), "paid back what nobody knows")

	open, _ := w.started()
	w.wantFails(w.refund(0, open, "all", price), "paid back what is open")
	paid := w.paid()
	w.wantFails(w.refund(0, paid, "all", price), "paid back what is authorized")

	dead := w.paid()
	w.want(0, cancel, dead, checkout.Dead)
	w.wantErr(w.refund(0, dead, "all", price), checkout.ErrRefused)

	w.want(0, capture, paid, checkout.Captured)
	w.wantLeft(paid, price)
}
