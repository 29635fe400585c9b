package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/seatlock/seatlock/store"
)

func linearCases() []testCase {
	return []testCase{
		{"single seats", linearSeats},
		{"groups of seats", linearGroups},
	}
}

// The size of a history: enough clients to overlap, few enough seats to meet.
const (
	clients  = 8
	linSeats = 4
)

// request is one call of a history: lock, unlock or read of some seats, by
// index.
type request struct {
	kind  rune // 'l', 'u' or 'r'
	who   store.Holder
	seats []int
}

// reply is what came back: the error, and the seats as they stood.
type reply struct {
	err   error
	seats []cell
}

// cell is a seat of the sequential specification. Nothing lapses in a history.
type cell struct {
	by      store.Holder
	version int64
}

// row is all seats.
type row [linSeats]cell

// step says whether a store whose seats stood so could have replied so, and
// how they stand after it. It knows nothing of clocks or engines: a seat has
// an owner or none, and requests are all or nothing.
func step(state row, in request, out reply) (bool, row) {
	after := state
	var refused error
	for _, i := range in.seats {
		switch owner := state[i].by; {
		case in.kind == 'l' && owner == "":
			after[i] = cell{in.who, state[i].version + 1}
		case in.kind == 'u' && owner == in.who:
			after[i] = cell{"", state[i].version + 1}
		case in.kind == 'l' && owner != in.who:
			refused = store.ErrTaken
		case in.kind == 'u' && owner != "":
			refused = store.ErrNotYours
		}
	}
	if refused != nil {
		after = state
	}
	if !errors.Is(out.err, refused) || len(out.seats) != len(in.seats) {
		return false, state
	}
	for at, i := range in.seats {
		if out.seats[at] != after[i] {
			return false, state
		}
	}
	return true, after
}

// specification gives porcupine the step function. With apart, each seat is a
// history of its own, which is far cheaper to check.
func specification(apart bool) porcupine.Model {
	m := porcupine.Model{
		Init: func() any {
			var r row
			for i := range r {
				r[i].version = 1
			}
			return r
		},
		Step: func(state, in, out any) (bool, any) {
			return step(state.(row), in.(request), out.(reply))
		},
		DescribeOperation: func(in, out any) string { return fmt.Sprintf("%v -> %v", in, out) },
	}
	if apart {
		m.Partition = bySeat
	}
	return m
}

// bySeat splits a history of single seats and of reads.
func bySeat(history []porcupine.Operation) [][]porcupine.Operation {
	out := make([][]porcupine.Operation, linSeats)
	for _, op := range history {
		in, reply := op.Input.(request), op.Output.(reply)
		for at, i := range in.seats {
			one := op
			in.seats = []int{i}
			one.Input = in
			reply := reply
			reply.seats = reply.seats[at : at+1]
			one.Output = reply
			out[i] = append(out[i], one)
		}
	}
	return out
}

func linearSeats(w *world) {
	stores := w.both()
	for round := range w.rounds(5) {
		w.wantLinear(stores, specification(true), 1, 60, round)
	}
}

func linearGroups(w *world) {
	stores := w.both()
	for round := range w.rounds(5) {
		w.wantLinear(stores, specification(false), 3, 30, round)
	}
}

// wantLinear has the clients make requests of up to most seats, on a new
// event, and checks their history.
func (w *world) wantLinear(stores []*store.Store, m porcupine.Model, most, requests, round int) {
	w.Helper()
	event := fmt.Sprintf("e%d", round)
	w.create(hall(event, linSeats))
	began := time.Now()
	var mu sync.Mutex
	var history []porcupine.Operation
	race(clients, func(client int) {
		random := w.random(uint64(1000*round + client))
		for range requests {
			seats := random.Perm(linSeats)[:1+random.IntN(most)]
			in := request{[]rune("llluur")[random.IntN(6)], holder(client % (clients / 2)), seats}
			if in.kind == 'r' {
				in.seats = []int{0, 1, 2, 3}
			}
			call := time.Since(began)
			out := send(w, stores[client%2], event, in)
			op := porcupine.Operation{ClientId: client, Input: in, Call: int64(call), Output: out, Return: int64(time.Since(began))}
			mu.Lock()
			history = append(history, op)
			mu.Unlock()
		}
	})
	if !porcupine.CheckOperations(m, history) {
		slices.SortFunc(history, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
		for _, op := range history {
			w.Logf("client %d, %d to %d ns: %s", op.ClientId, op.Call, op.Return, m.DescribeOperation(op.Input, op.Output))
		}
		w.Fatalf("no order of these %d requests explains their replies", len(history))
	}
}

// send makes the request of a history.
func send(w *world, s *store.Store, event string, in request) reply {
	ids := make([]string, len(in.seats))
	for at, i := range in.seats {
		ids[at] = names(linSeats)[i]
	}
	var out store.Outcome
	var err error
	switch in.kind {
	case 'l':
		out, err = s.Lock(w.Context(), store.LockRequest{Event: event, Holder: in.who, Seats: ids, Rules: long()})
	case 'u':
		out, err = s.Unlock(w.Context(), store.UnlockRequest{Event: event, Holder: in.who, Seats: ids})
	default:
		var snap store.Snapshot
		snap, err = s.Snapshot(w.Context(), event)
		out.Seats = snap.Seats
	}
	r := reply{err: err}
	for _, seat := range out.Seats {
		r.seats = append(r.seats, cell{seat.LockedBy, seat.Version})
	}
	return r
}
