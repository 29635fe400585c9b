package mongostore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
)

// TestPrimaryLost takes the primary away from writers at work, in each way
// that there is, and then looks for what must not be: an acknowledged lock
// that is gone, a seat that two were told is theirs, a change that the feed
// left out, told twice or put out of order.
func TestPrimaryLost(t *testing.T) {
	m := testengine.StartMongo(t, testengine.MongoOptions{Election: 2 * time.Second})
	m.Settled(t)
	for name, lose := range map[string]func() (back func()){
		"killed": func() func() {
			node := m.Primary(t)
			m.Kill(t, node)
			return func() { m.Restart(t, node) }
		},
		"frozen": func() func() {
			node := m.Primary(t)
			m.Freeze(t, node)
			return func() { m.Thaw(t, node) }
		},
		"stepped down": func() func() {
			m.StepDown(t)
			return func() {}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFault(t, m.NewDatabase(t))
			f.untilGranted(50)
			began := time.Now()
			back := lose()
			f.untilGranted(faultWriters + 1) // not only those that were on their way
			t.Logf("writes went on %v after the primary was %s", time.Since(began).Round(10*time.Millisecond), name)
			back()
			f.untilGranted(50)
			m.Settled(t)
			f.check()
		})
	}
}

const faultSeats, faultWriters = 40, 8

// fault is writers at work and a reader of the feed, which know what they were
// told.
type fault struct {
	*testing.T
	s       *store.Store
	first   store.Snapshot
	granted atomic.Int64
	stop    context.CancelFunc
	writing sync.WaitGroup
	kept    [faultWriters]string // the seat that each has at the end, if it knows
}

func newFault(t *testing.T, uri string) *fault {
	f := &fault{T: t, s: open(t, uri)}
	if err := f.s.CreateEvent(t.Context(), hall(faultSeats)); err != nil {
		t.Fatal(err)
	}
	f.first = must[store.Snapshot](t)(f.s.Snapshot(t.Context(), "evening"))
	ctx, stop := context.WithCancel(t.Context())
	f.stop = stop
	t.Cleanup(func() { stop(); f.writing.Wait() })
	for i := range faultWriters {
		f.writing.Go(func() { f.write(ctx, i, open(t, uri)) })
	}
	return f
}

// write locks and gives back one seat after the other. Where an outcome is not
// known it asks again, which must not blame itself.
func (f *fault) write(ctx context.Context, i int, s *store.Store) {
	who := store.Holder(fmt.Sprint("writer-", i))
	for n := 0; ctx.Err() == nil; n++ {
		seat := fmt.Sprintf("s%d", (n*faultWriters+i)%faultSeats)
		err := f.insist(func() error {
			_, err := s.Lock(context.WithoutCancel(ctx), store.LockRequest{
				Event: "evening", Holder: who, Seats: []string{seat}, Rules: store.Rules{TTL: time.Hour, Total: time.Hour, MaxSeats: 1},
			})
			return err
		})
		if err != nil {
			f.Errorf("%s wants %s, which nobody else does: %v", who, seat, err)
			return
		}
		f.granted.Add(1)
		f.kept[i] = seat
		if ctx.Err() != nil {
			return
		}
		if err := f.insist(func() error {
			_, err := s.Unlock(context.WithoutCancel(ctx), store.UnlockRequest{Event: "evening", Holder: who})
			return err
		}); err != nil {
			f.Errorf("%s gives %s back: %v", who, seat, err)
			return
		}
		f.kept[i] = ""
	}
}

// insist asks again while the store is away, for as long as a test may take.
func (f *fault) insist(ask func() error) (err error) {
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(10 * time.Millisecond) {
		if err = ask(); !errors.Is(err, store.ErrUnavailable) && !errors.Is(err, store.ErrUnknown) {
			return err
		}
	}
	return err
}

func (f *fault) untilGranted(more int64) {
	f.Helper()
	want := f.granted.Load() + more
	eventually(f.T, fmt.Sprintf("%d locks are granted", want), func() bool { return f.Failed() || f.granted.Load() >= want })
	if f.Failed() {
		f.FailNow()
	}
}

func (f *fault) check() {
	f.stop()
	f.writing.Wait()
	last := must[store.Snapshot](f.T)(f.s.Snapshot(f.Context(), "evening"))
	seats := map[string]store.Seat{}
	for _, seat := range last.Seats {
		seats[seat.ID] = seat
	}
	for i, seat := range f.kept {
		if who := store.Holder(fmt.Sprint("writer-", i)); seat != "" && seats[seat].LockedBy != who {
			f.Errorf("%s was told that %s is theirs, and it is %+v", who, seat, seats[seat])
		}
	}
	if board := f.replay(last.Cursor); !slices.Equal(board, last.Seats) {
		f.Errorf("the feed comes to\n\t%+v\nwant\n\t%+v", board, last.Seats)
	}
}

// replay follows the feed from the first snapshot up to the cursor, and fails
// where a version is not the next.
func (f *fault) replay(to store.Cursor) []store.Seat {
	board := slices.Clone(f.first.Seats)
	for batch, err := range f.s.Changes(f.Context(), f.first.Cursor) {
		if err != nil {
			f.Fatal(err)
		}
		for _, c := range batch.Changes {
			at := slices.IndexFunc(board, func(s store.Seat) bool { return s.ID == c.Seat.ID })
			if c.Seat.Version != board[at].Version+1 {
				f.Fatalf("%s has version %d after %d", c.Seat.ID, c.Seat.Version, board[at].Version)
			}
			board[at] = c.Seat
		}
		if batch.Cursor.Covers(to) {
			break
		}
	}
	return board
}
