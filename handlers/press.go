package handlers

import (
	"context"
	"errors"
	"runtime"
	"time"
)

// pressWait is how long a request waits for its turn at the press. The rest of
// its time is for drawing and sending.
const pressWait = soon / 2

var errBusy = errors.New("too many tickets are being printed")

// press bounds how many requests draw tickets for paper at once. Anybody who has
// reserved a seat may ask for that, and it takes tens of milliseconds and a megabyte
// or more: otherwise a crowd would leave no time for the seat maps and the
// door.
type press chan struct{}

// newPress leaves half of the processors to others.
func newPress() press { return make(press, max(1, runtime.GOMAXPROCS(0)/2)) }

// do calls draw when it is its turn; errBusy if that does not come within wait.
func (p press) do(ctx context.Context, wait time.Duration, draw func() error) error {
	turn := time.NewTimer(wait)
	defer turn.Stop()
	select {
	case p <- struct{}{}:
	case <-turn.C:
		return errBusy
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p }()
	return draw()
}
