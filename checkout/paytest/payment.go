package paytest

import (
	"context"
	"errors"

	"github.com/seatlock/seatlock/checkout"
)

func startCases() []testCase {
	return []testCase{
		{"tells where the visitor pays", func(w *world) { w.started() }},
		{"a repeat is the same payment", func(w *world) {
			p, s := w.started()
			if again := w.want(1, start, p, checkout.Open); again != s {
				w.Fatalf("got %+v, want %+v", again, s)
			}
		}},
		{"a repeat tells how it stands by then", func(w *world) {
			p := w.paid()
			w.want(1, start, p, checkout.Authorized)
			w.want(1, capture, p, checkout.Captured)
			w.want(0, start, p, checkout.Captured)
			w.want(1, cancel, p, checkout.Captured)
		}},
		{"a repeat does not raise the dead", func(w *world) {
			p, _ := w.started()
			w.want(0, cancel, p, checkout.Dead)
			w.want(1, start, p, checkout.Dead)
			w.want(0, status, p, checkout.Dead)
		}},
		{"20 at once are one payment", func(w *world) {
			p := fresh()
			all := w.allAtOnce(start, p, checkout.Open)
			for _, s := range all {
				if s != all[0] {
					w.Fatalf("got %+v and %+v", s, all[0])
				}
			}
		}},
		{"a repeat about another amount is refused", func(w *world) {
			p, _ := w.started()
			dearer, other := p, p
			dearer.Amount++
			other.Currency = "USD"
			for _, changed := range []checkout.Payment{dearer, other} {
				_, err := w.Providers[1].Start(w.ctx, changed)
				w.wantErr(err, checkout.ErrRefused)
			}
			w.want(1, status, p, checkout.Open)
		}},
		{"each payment is its own", func(w *world) {
			first, s := w.started()
			second, _ := w.started()
			if first.Ref == second.Ref {
				w.Fatalf("both are called %s", first.Ref)
			}
			w.must(w.Pay(w.ctx, s))
			w.want(0, capture, first, checkout.Captured)
			w.want(0, status, second, checkout.Open)
			w.want(0, cancel, second, checkout.Dead)
			w.want(0, status, first, checkout.Captured)
		}},
	}
}

func statusCases() []testCase {
	return []testCase{
		{"not found", func(w *world) {
			for _, ref := range []string{"", "no-such-payment"} {
				p := fresh()
				p.Ref = ref
				for _, call := range []method{status, capture, cancel} {
					_, err := call(w.Providers[0], w.ctx, p)
					w.wantErr(err, checkout.ErrNotFound)
				}
			}
		}},
		{"what was not found can be started", func(w *world) {
			p := fresh()
			_, err := w.Providers[0].Cancel(w.ctx, p)
			w.wantErr(err, checkout.ErrNotFound)
			p.Ref = w.want(1, start, p, checkout.Open).Ref
			w.want(0, status, p, checkout.Open)
		}},
		{"each instance sees what the other did", func(w *world) {
			p, s := w.started()
			w.want(1, status, p, checkout.Open)
			w.must(w.Pay(w.ctx, s))
			w.want(1, status, p, checkout.Authorized)
			w.want(0, capture, p, checkout.Captured)
			w.want(1, status, p, checkout.Captured)
		}},
		{"it changes nothing", func(w *world) {
			p, s := w.started()
			w.allAtOnce(status, p, checkout.Open)
			w.must(w.Pay(w.ctx, s))
			w.allAtOnce(status, p, checkout.Authorized)
			w.want(0, cancel, p, checkout.Dead)
			w.allAtOnce(status, p, checkout.Dead)
		}},
	}
}

func visitorCases() []testCase {
	return []testCase{
		{"pays, and nothing is taken yet", func(w *world) {
			p := w.paid()
			w.want(0, status, p, checkout.Authorized)
			w.want(0, cancel, p, checkout.Dead)
			w.wantFails(w.refund(0, p, "all", price), "nothing was taken, and is paid back")
		}},
		{"declines, which is the end", func(w *world) {
			p, s := w.started()
			w.must(w.Decline(w.ctx, s))
			w.want(0, status, p, checkout.Dead)
			w.wantFails(w.Pay(w.ctx, s), "declined, and then paid")
			w.want(1, capture, p, checkout.Dead)
			w.want(0, cancel, p, checkout.Dead)
		}},
		{"cannot pay what was cancelled", func(w *world) {
			p, s := w.started()
			w.want(0, cancel, p, checkout.Dead)
			w.wantFails(w.Pay(w.ctx, s), "cancelled, and then paid")
			w.want(1, status, p, checkout.Dead)
		}},
		{"cannot decline what was captured", func(w *world) {
			p, s := w.started()
			w.must(w.Pay(w.ctx, s))
			w.want(0, capture, p, checkout.Captured)
			w.wantFails(w.Decline(w.ctx, s), "captured, and then declined")
			w.want(1, status, p, checkout.Captured)
		}},
		{"of many who pay while it is cancelled none takes money", func(w *world) {
			p, s := w.started()
			atOnce(func(i int) {
				if i%2 == 0 {
					_ = w.Pay(w.ctx, s) // too late, or cancelled then
				} else {
					_, _ = w.Providers[i/2%2].Cancel(w.ctx, p)
				}
			})
			w.want(0, capture, p, checkout.Dead)
			w.want(1, status, p, checkout.Dead)
		}},
	}
}

func captureCases() []testCase {
	return []testCase{
		{"what is open stays so", func(w *world) {
			p, _ := w.started()
			w.want(0, capture, p, checkout.Open)
			w.want(1, status, p, checkout.Open)
		}},
		{"takes the money once", func(w *world) {
			p := w.captured()
			w.want(1, capture, p, checkout.Captured)
			w.want(0, capture, p, checkout.Captured)
			w.wantLeft(p, price)
		}},
		{"20 at once take the money once", func(w *world) {
			p := w.paid()
			w.allAtOnce(capture, p, checkout.Captured)
			w.wantLeft(p, price)
		}},
		{"what is dead stays so", func(w *world) {
			p := w.paid()
			w.want(0, cancel, p, checkout.Dead)
			w.want(1, capture, p, checkout.Dead)
			w.want(0, status, p, checkout.Dead)
			w.wantErr(w.refund(0, p, "all", price), checkout.ErrRefused)
		}},
	}
}

func cancelCases() []testCase {
	return []testCase{
		{"what is open is dead", func(w *world) {
			p, _ := w.started()
			w.want(0, cancel, p, checkout.Dead)
			w.want(1, cancel, p, checkout.Dead)
			w.want(1, status, p, checkout.Dead)
		}},
		{"what is authorized is dead", func(w *world) {
			p := w.paid()
			w.want(0, cancel, p, checkout.Dead)
			w.want(1, cancel, p, checkout.Dead)
			w.want(1, status, p, checkout.Dead)
		}},
		{"what is captured stays so", func(w *world) {
			p := w.captured()
			w.want(1, cancel, p, checkout.Captured)
			w.want(0, status, p, checkout.Captured)
			w.wantLeft(p, price)
		}},
		{"20 at once end it once", func(w *world) {
			p := w.paid()
			w.allAtOnce(cancel, p, checkout.Dead)
		}},
		{"of captures and cancels at once one wins", func(w *world) {
			for round := range 10 {
				w.raceForPaid(round)
			}
		}},
	}
}

// raceForPaid captures and cancels one payment at the same time. Each answer is
// final, so that all must be the same. Who is asked first differs by the round,
// so that each of the two wins some.
func (w *world) raceForPaid(round int) {
	w.Helper()
	p := w.paid()
	var all [many]checkout.Status
	var errs [many]error
	atOnce(func(i int) {
		call := capture
		if (i/2+round)%2 == 0 {
			call = cancel
		}
		all[i], errs[i] = call(w.Providers[i%2], w.ctx, p)
	})
	w.must(errors.Join(errs[:]...))
	end := all[0].State
	if end != checkout.Captured && end != checkout.Dead {
		w.Fatalf("the payment is %s", end)
	}
	for _, s := range all {
		w.wantStatus(s, p, end)
	}
	w.want(0, status, p, end)
	if end == checkout.Captured {
		w.wantLeft(p, price)
	}
}

func contextCases() []testCase {
	return []testCase{
		{"a call that was ended is no answer", func(w *world) {
			p := w.paid()
			ended, end := context.WithCancel(w.ctx)
			end()
			for _, call := range []method{start, status, capture} {
				_, err := call(w.Providers[0], ended, p)
				w.wantNoVerdict(err)
			}
			w.want(0, capture, p, checkout.Captured)
			key := checkout.Repayment{Key: "half:" + p.ID, Ref: p.Ref, Amount: price / 2, Currency: p.Currency}
			w.wantNoVerdict(w.Providers[0].Refund(ended, key))
			w.must(w.Providers[1].Refund(w.ctx, key))
			w.wantLeft(p, price/2)
		}},
	}
}

// wantNoVerdict wants a call to have succeeded, or not to have been answered.
func (w *world) wantNoVerdict(err error) {
	w.Helper()
	if errors.Is(err, checkout.ErrNotFound) || errors.Is(err, checkout.ErrRefused) {
		w.Fatalf("got error %v, want none, or one that is no answer", err)
	}
}
