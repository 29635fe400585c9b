//go:build prove && unix

package sqlitestore_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

// TestProveEmbeddedSpeed prints how many locks a second the engine grants,
// beside a bare loop of the same writes: nothing but the conditional update of
// the seat and the row of the feed, committed in groups of the same size with
// the same settings. A lock is a fresh holder's on a fresh seat.
func TestProveEmbeddedSpeed(t *testing.T) {
	const trials = 5
	fmt.Println("> Fresh holders lock one fresh seat each, `synchronous=FULL`; the bare loop does only the\n> conditional update and the insert of a change, with the same settings and groups.\n> ")
	fmt.Println("| callers | engine, locks/s | bare loop, writes/s | engine/bare | engine, µs CPU/lock | bare, µs CPU/write |")
	fmt.Println("|---:|---:|---:|---:|---:|---:|")
	for _, load := range []struct{ callers, seats int }{{1, 4_000}, {16, 30_000}, {128, 60_000}} {
		var engine, bare []figure
		for range trials { // by turns, so that a noisy neighbour meets both
			engine = append(engine, measureEngine(t, load.callers, load.seats))
			bare = append(bare, measureBare(t, load.callers, load.seats))
		}
		e, b := median(engine), median(bare)
		fmt.Printf("| %d | %.0f | %.0f | %.0f %% | %.1f | %.1f |\n",
			load.callers, e.perSecond, b.perSecond, 100*e.perSecond/b.perSecond, e.cpuMicros, b.cpuMicros)
	}
}

type figure struct{ perSecond, cpuMicros float64 }

// median returns the trial of median speed.
func median(figures []figure) figure {
	slices.SortFunc(figures, func(a, b figure) int { return int(a.perSecond - b.perSecond) })
	return figures[len(figures)/2]
}

// measure has callers work through seats until all are done.
func measure(t *testing.T, callers, seats int, lock func(seat int) error) figure {
	t.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	began, cpu := time.Now(), testengine.CPU(t)
	for range callers {
		wg.Go(func() {
			for {
				seat := int(next.Add(1)) - 1
				if seat >= seats {
					return
				}
				if err := lock(seat); err != nil {
					t.Errorf("seat %d: %v", seat, err)
					return
				}
			}
		})
	}
	wg.Wait()
	took, cpu := time.Since(began), testengine.CPU(t)-cpu
	return figure{
		perSecond: float64(seats) / took.Seconds(),
		cpuMicros: float64(cpu.Microseconds()) / float64(seats),
	}
}

func measureEngine(t *testing.T, callers, seats int) figure {
	t.Helper()
	s := open(t, filepath.Join(t.TempDir(), "engine.db"), sqlitestore.Options{Serve: true})
	defer s.Close()
	create(t, s, "hall", seats)
	return measure(t, callers, seats, func(seat int) error {
		_, err := s.Lock(t.Context(), store.LockRequest{
			Event: "hall", Holder: holder(seat), Seats: []string{seatID(seat)}, Rules: store.DefaultRules(),
		})
		return err
	})
}

func measureBare(t *testing.T, callers, seats int) figure {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bare.db")
	s := open(t, path, sqlitestore.Options{})
	create(t, s, "hall", seats)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := sqlitex.ExecuteTransient(conn, "PRAGMA synchronous = FULL", nil); err != nil {
		t.Fatal(err)
	}
	b := bare{conn: conn, queue: make(chan bareWrite, 1024)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.serve()
	}()
	defer func() { close(b.queue); <-done }()
	return measure(t, callers, seats, b.lock)
}

// bare is the least that could lock seats: no rules, no clock, no outcome.
type bare struct {
	conn  *sqlite.Conn
	queue chan bareWrite
	last  int64
}

type bareWrite struct {
	seat int
	done chan error
}

func (b *bare) lock(seat int) error {
	w := bareWrite{seat, make(chan error, 1)}
	b.queue <- w
	return <-w.done
}

func (b *bare) serve() {
	for first := range b.queue {
		group := []bareWrite{first}
		for more := true; more && len(group) < 256; {
			select {
			case w, ok := <-b.queue:
				if more = ok; ok {
					group = append(group, w)
				}
			default:
				more = false
			}
		}
		err := b.commit(group)
		for _, w := range group {
			w.done <- err
		}
	}
}

func (b *bare) commit(group []bareWrite) (err error) {
	end, err := sqlitex.ImmediateTransaction(b.conn)
	if err != nil {
		return err
	}
	defer end(&err)
	for _, w := range group {
		if err := b.write(w.seat); err != nil {
			return err
		}
	}
	return nil
}

func (b *bare) write(seat int) error {
	now := time.Now().UnixMilli()
	update := b.conn.Prep(`UPDATE seats SET status = 'locked', locked_by = ?3, lock_time = ?4, locked_until = ?5, version = version + 1
		WHERE event = ?1 AND id = ?2 AND (status = 'available' OR status = 'locked' AND locked_until <= ?4)`)
	update.BindText(1, "hall")
	update.BindText(2, seatID(seat))
	update.BindText(3, string(holder(seat)))
	update.BindInt64(4, now)
	update.BindInt64(5, now+600_000)
	if _, err := update.Step(); err != nil {
		return err
	}
	if b.conn.Changes() != 1 {
		return fmt.Errorf("seat %d is taken", seat)
	}
	b.last++
	insert := b.conn.Prep(`INSERT INTO changes (position, at, event, body) VALUES (?1, ?2, ?3, ?4)`)
	insert.BindInt64(1, 1_000_000+b.last)
	insert.BindInt64(2, now)
	insert.BindText(3, "hall")
	insert.BindText(4, fmt.Sprintf(`[{"seat":%q,"status":"locked","by":%q,"since":%d,"until":%d,"version":2}]`,
		seatID(seat), holder(seat), now, now+600_000))
	_, err := insert.Step()
	return err
}
