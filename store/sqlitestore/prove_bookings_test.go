//go:build prove && unix

package sqlitestore_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/sqlitestore"
	"github.com/seatlock/seatlock/store/storetest"
)

// TestProveEmbeddedBookings prints how many steps of bookings a second the
// engine takes, beside a bare loop that reads nothing and decides nothing: it
// makes the very writes of the engine again, in a copy of the file, in groups of
// the same size with the same settings.
func TestProveEmbeddedBookings(t *testing.T) {
	const trials = 3
	steps := storetest.BookingSteps()
	fmt.Println("> Holders with two locked seats each, `synchronous=FULL`; the bare loop makes the same writes in a copy\n> of the file, with the same settings and groups. Aim for bare/engine: 1.5.\n> ")
	fmt.Println("| step | callers | engine, 1/s | bare loop, 1/s | bare/engine | engine, µs CPU | bare, µs CPU |")
	fmt.Println("|---|---:|---:|---:|---:|---:|---:|")
	engine, bare := make([][3][]figure, len(steps)), make([][3][]figure, len(steps))
	loads := []struct{ callers, bookings int }{{1, 1_000}, {16, 6_000}, {128, 12_000}}
	for range trials {
		for l, load := range loads {
			b := newBookings(t, load.bookings)
			for i, step := range steps { // by turns, so that a noisy neighbour meets both
				e, plain := b.measure(step, load.callers)
				engine[i][l], bare[i][l] = append(engine[i][l], e), append(bare[i][l], plain)
			}
		}
	}
	for i, step := range steps {
		for l, load := range loads {
			e, b := median(engine[i][l]), median(bare[i][l])
			fmt.Printf("| %s | %d | %.0f | %.0f | %.2f | %.1f | %.1f |\n", step.What, load.callers,
				e.perSecond, b.perSecond, b.perSecond/e.perSecond, e.cpuMicros, b.cpuMicros)
		}
	}
}

// bookings are bookings in a store, and in a copy of its file.
type bookings struct {
	*testing.T
	n     int
	trade *storetest.Trade
	copy  *sqlite.Conn
}

func newBookings(t *testing.T, n int) bookings {
	t.Helper()
	folder := t.TempDir()
	path, other := filepath.Join(folder, "engine.db"), filepath.Join(folder, "bare.db")
	trade, err := storetest.NewTrade(t.Context(), openEngine(t, path, sqlitestore.Options{Serve: true}), n)
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, path, "VACUUM INTO '"+other+"'")
	conn, err := sqlite.OpenConn(other, sqlite.OpenReadWrite, sqlite.OpenWAL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := sqlitex.ExecuteTransient(conn, "PRAGMA synchronous = FULL", nil); err != nil {
		t.Fatal(err)
	}
	return bookings{t, n, trade, conn}
}

// measure has the callers take the step for all bookings, by the engine and
// then bare.
func (b bookings) measure(step storetest.Step, callers int) (engine, bare figure) {
	engine = b.timed(callers, func(i int) error { return b.trade.Do(b.Context(), step, i) })
	wrote := make([]storetest.Wrote, b.n)
	for i := range wrote {
		wrote[i] = b.trade.Wrote(step, i)
	}
	queue := make(chan bareStep, 1024)
	done := make(chan struct{})
	go func() {
		defer close(done)
		serveBare(b.copy, queue)
	}()
	bare = b.timed(callers, func(i int) error {
		s := bareStep{wrote[i], make(chan error, 1)}
		queue <- s
		return <-s.done
	})
	close(queue)
	<-done
	return engine, bare
}

func (b bookings) timed(callers int, do func(i int) error) figure {
	b.Helper()
	began, cpu := time.Now(), testengine.CPU(b)
	if err := b.trade.Each(callers, b.n, do); err != nil {
		b.Fatal(err)
	}
	took, cpu := time.Since(began), testengine.CPU(b)-cpu
	return figure{float64(b.n) / took.Seconds(), float64(cpu.Microseconds()) / float64(b.n)}
}

type bareStep struct {
	storetest.Wrote
	done chan error
}

func serveBare(conn *sqlite.Conn, queue <-chan bareStep) {
	for first := range queue {
		group := []bareStep{first}
		for more := true; more && len(group) < 256; {
			select {
			case s, ok := <-queue:
				if more = ok; ok {
					group = append(group, s)
				}
			default:
				more = false
			}
		}
		err := commitBare(conn, group)
		for _, s := range group {
			s.done <- err
		}
	}
}

func commitBare(conn *sqlite.Conn, group []bareStep) (err error) {
	end, err := sqlitex.ImmediateTransaction(conn)
	if err != nil {
		return err
	}
	defer end(&err)
	for _, s := range group {
		if err := s.write(conn); err != nil {
			return err
		}
	}
	return nil
}

func (s bareStep) write(conn *sqlite.Conn) error {
	body := ""
	for _, c := range s.Changes {
		n, err := bareExec(conn, `UPDATE seats SET status = ?4, locked_by = ?5, lock_time = ?6, locked_until = ?7, booking = ?8, version = version + 1
			WHERE event = ?1 AND id = ?2 AND version = ?3`, s.Event, c.Seat.ID, c.Seat.Version-1, c.Seat.Status.String(),
			string(c.Seat.LockedBy), c.Seat.LockTime, c.Seat.LockedUntil, c.Seat.Booking)
		if err != nil || n != 1 {
			return fmt.Errorf("seat %s: %d rows, %w", c.Seat.ID, n, err)
		}
		body += fmt.Sprintf(`,{"seat":%q,"status":%q,"by":%q,"since":%d,"until":%d,"booking":%q,"version":%d,"before":%q,"reason":%q}`,
			c.Seat.ID, c.Seat.Status.String(), c.Seat.LockedBy, milli(c.Seat.LockTime), milli(c.Seat.LockedUntil), c.Seat.Booking, c.Seat.Version, c.Before, c.Reason)
	}
	if s.Clock != nil {
		_, err := bareExec(conn, `UPDATE clocks SET started = ?3, deadline = ?4, extended = ?5, version = ?6, unpaid = ?7 WHERE event = ?1 AND holder = ?2`,
			s.Event, string(s.Holder), s.Clock.Started, s.Clock.Deadline, int64(0), s.Clock.Version, int64(s.Clock.Unpaid))
		if err != nil {
			return err
		}
	}
	for _, r := range s.Records {
		if err := s.record(conn, r); err != nil {
			return err
		}
	}
	_, err := bareExec(conn, `INSERT INTO changes (at, event, body) VALUES (?1, ?2, ?3)`, time.Now(), s.Event, "["+body[1:]+"]")
	return err
}

// record writes a record and the rows of its indexes that differ.
func (s bareStep) record(conn *sqlite.Conn, r store.Record) error {
	old := s.Over[slices.IndexFunc(s.Over, func(o store.Record) bool { return o.Key == r.Key })]
	indexed := ""
	for _, name := range slices.Sorted(maps.Keys(r.Index)) {
		indexed += fmt.Sprintf(`,%q:%q`, name, r.Index[name])
	}
	if indexed != "" {
		indexed = "{" + indexed[1:] + "}"
	}
	_, err := bareExec(conn, `INSERT INTO records (kind, id, version, body, indexed) VALUES (?1, ?2, ?3, ?4, ?5)
		ON CONFLICT DO UPDATE SET version = ?3, body = ?4, indexed = ?5`, r.Kind, r.ID, old.Version+1, string(r.Body), indexed)
	for name, value := range old.Index {
		if err == nil && r.Index[name] != value {
			_, err = bareExec(conn, `DELETE FROM record_index WHERE kind = ?1 AND name = ?2 AND value = ?3 AND id = ?4`, r.Kind, name, value, r.ID)
		}
	}
	for name, value := range r.Index {
		if err == nil && old.Index[name] != value {
			_, err = bareExec(conn, `INSERT INTO record_index (kind, name, value, id) VALUES (?1, ?2, ?3, ?4)`, r.Kind, name, value, r.ID)
		}
	}
	return err
}

func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// bareExec runs a statement that stays prepared, and returns how many rows it
// changed. What is empty is NULL where a text may be.
func bareExec(conn *sqlite.Conn, query string, args ...any) (int, error) {
	stmt, err := conn.Prepare(query)
	if err != nil {
		return 0, err
	}
	for i, arg := range args {
		switch arg := arg.(type) {
		case string:
			stmt.BindText(i+1, arg)
		case int64:
			stmt.BindInt64(i+1, arg)
		case time.Time:
			if stmt.BindNull(i + 1); !arg.IsZero() {
				stmt.BindInt64(i+1, arg.UnixMilli())
			}
		}
	}
	_, err = stmt.Step()
	return conn.Changes(), err
}
