package sqlitestore

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/seatlock/seatlock/store"
)

var noon = time.Date(2031, 5, 4, 12, 0, 0, 0, time.UTC)

// hands are the two clocks of a machine, as a test sets them.
type hands struct {
	mu   sync.Mutex
	wall time.Time
	boot time.Duration
}

func (h *hands) readings() *readings {
	return &readings{
		wall: func() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return h.wall },
		boot: func() time.Duration { h.mu.Lock(); defer h.mu.Unlock(); return h.boot },
	}
}

// pass lets time go by on both clocks.
func (h *hands) pass(d time.Duration) { h.set(d, d) }

func (h *hands) set(wall, boot time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wall, h.boot = h.wall.Add(wall), h.boot+boot
}

func TestClock(t *testing.T) {
	type step struct {
		wall, boot time.Duration
		want       time.Duration // since noon
	}
	for name, steps := range map[string][]step{
		"both go on": {{1500 * time.Microsecond, 1500 * time.Microsecond, time.Millisecond}, {time.Hour, time.Hour, time.Hour + time.Millisecond}},
		"asleep":     {{time.Hour, time.Hour, time.Hour}},
		"set back":   {{-time.Hour, 0, 0}, {time.Second, time.Second, time.Second}, {10 * time.Second, 10 * time.Second, 11 * time.Second}},
		"set ahead": {
			{time.Hour, 0, 0},
			{time.Second, time.Second, 1 * time.Second},
			{time.Second, time.Second, 2 * time.Second},
			{time.Second, time.Second, time.Hour + 3*time.Second},
			{time.Second, time.Second, time.Hour + 4*time.Second},
		},
		"ahead by two seconds": {
			{2 * time.Second, 0, 0},
			{time.Second, time.Second, 1 * time.Second}, {time.Second, time.Second, 2 * time.Second},
			{time.Second, time.Second, 3 * time.Second}, {time.Second, time.Second, 4 * time.Second},
		},
		"ahead for a moment": {
			{time.Hour, 0, 0},
			{time.Second, time.Second, 1 * time.Second}, {time.Second, time.Second, 2 * time.Second},
			{time.Second - time.Hour, time.Second, 3 * time.Second},
			{time.Hour + time.Second, time.Second, 4 * time.Second}, {time.Second, time.Second, 5 * time.Second},
		},
		"looked at often": {
			{time.Hour, 0, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {time.Millisecond, time.Millisecond, time.Millisecond},
		},
		"followed, and set back": {
			{time.Hour, 0, 0}, {time.Second, time.Second, 1 * time.Second}, {time.Second, time.Second, 2 * time.Second},
			{time.Second, time.Second, time.Hour + 3*time.Second}, {-2 * time.Hour, time.Second, time.Hour + 4*time.Second},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := &hands{wall: noon, boot: time.Hour}
			c := newClock(*h.readings())
			for i, s := range steps {
				h.set(s.wall, s.boot)
				if got := c.now(); !got.Equal(noon.Add(s.want)) {
					t.Errorf("step %d: %v after noon, want %v", i+1, got.Sub(noon), s.want)
				}
			}
		})
	}
}

func TestClockStandsStill(t *testing.T) {
	h := &hands{wall: noon}
	c := newClock(*h.readings())
	if err := c.standAt(noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ pass, want time.Duration }{
		{0, time.Hour}, {59 * time.Minute, time.Hour}, {time.Minute, time.Hour}, {time.Minute, 61 * time.Minute},
	} {
		h.pass(test.pass)
		if got := c.now(); !got.Equal(noon.Add(test.want)) {
			t.Errorf("%v after noon, want %v", got.Sub(noon), test.want)
		}
	}
	if err := c.standAt(noon); err != nil || c.now().Before(noon.Add(time.Hour)) {
		t.Errorf("a newest change in the past: %v, and it is %v", err, c.now())
	}
	if err := newClock(*h.readings()).standAt(h.wall.Add(24*time.Hour + 1)); !errors.Is(err, errFuture) {
		t.Errorf("a day ahead: %v, want %v", err, errFuture)
	}
}

// TestMachineClock: the clocks of this machine go on.
func TestMachineClock(t *testing.T) {
	r := machine()
	wall, boot := r.wall(), r.boot()
	if d := time.Since(wall); d < 0 || d > time.Minute {
		t.Errorf("the wall clock is off by %v", d)
	}
	for r.boot() == boot { // in nanoseconds
	}
	if d := r.boot() - boot; d < 0 || d > time.Minute {
		t.Errorf("the other one went from %v by %v", boot, d)
	}
}

// openAt opens a file by the clocks of another machine.
func openAt(t *testing.T, path string, h *hands, o Options) *Engine {
	t.Helper()
	o.clocks = h.readings()
	e, err := Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func createHall(t *testing.T, e *Engine) {
	t.Helper()
	hall := store.NewEvent{
		Event:    store.Event{ID: "hall", Title: "Late quartets", Zone: "UTC", Currency: "EUR", Starts: noon.AddDate(1, 0, 0)},
		PlanBody: []byte("plan"), Seats: []string{"a", "b", "c"},
	}
	if err := store.New(e).CreateEvent(t.Context(), hall); err != nil {
		t.Fatal(err)
	}
}

func lockSeat(t *testing.T, e *Engine, who store.Holder, seat string) (store.Outcome, error) {
	t.Helper()
	return store.New(e).Lock(t.Context(), store.LockRequest{Event: "hall", Holder: who, Seats: []string{seat}, Rules: store.DefaultRules()})
}

func wantTime(t *testing.T, e *Engine, want time.Time) {
	t.Helper()
	if now, err := e.Now(t.Context()); err != nil || !now.Equal(want) {
		t.Errorf("it is %v, %v, want %v", now, err, want)
	}
}

// TestSetBackBetweenRuns restarts a server after its machine's clock, three
// hours ahead, was set right: time stands still meanwhile, for commands too.
func TestSetBackBetweenRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	h := &hands{wall: noon.Add(3 * time.Hour), boot: 0}
	e := openAt(t, path, h, Options{Serve: true})
	createHall(t, e)
	out, err := lockSeat(t, e, "anna", "a")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	h.set(-3*time.Hour, 0)
	e = openAt(t, path, h, Options{Serve: true})
	command := openAt(t, path, h, Options{})
	for _, e := range []*Engine{e, command} {
		wantTime(t, e, out.Now)
		if _, err := lockSeat(t, e, "bert", "a"); !errors.Is(err, store.ErrTaken) {
			t.Errorf("a lock that was just made: %v, want %v", err, store.ErrTaken)
		}
	}
	h.pass(3*time.Hour - time.Minute)
	for _, e := range []*Engine{e, command} {
		wantTime(t, e, out.Now)
	}
	h.pass(time.Minute + 10*time.Minute)
	for _, e := range []*Engine{e, command} {
		wantTime(t, e, out.Lock.Deadline)
	}
	if due, err := e.ReleaseDue(t.Context()); err != nil || due.Released != 1 {
		t.Errorf("a sweep at the deadline: %+v, %v", due, err)
	}
}

// TestFarFuture refuses a file that was written more than a day ahead, leaves it
// as it is, and says what mends it; that does.
func TestFarFuture(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	ahead := time.Now().AddDate(0, 0, 3)
	e := openAt(t, path, &hands{wall: ahead}, Options{Serve: true})
	createHall(t, e)
	if _, err := lockSeat(t, e, "anna", "a"); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for _, serve := range []bool{true, false} {
		e, err := Open(t.Context(), path, Options{Serve: serve})
		if err == nil {
			e.Close()
			t.Fatalf("serve %v: it opens", serve)
		}
		for _, want := range []string{path, ahead.UTC().Format(time.RFC3339), "set the clock of this machine right", "sqlite3"} {
			if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q, want one line with %q", err, want)
			}
		}
	}
	_, mend, _ := strings.Cut(futureAdvice, `"`)
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(sqlitex.ExecuteTransient(conn, strings.TrimSuffix(mend, `"`), nil), conn.Close()); err != nil {
		t.Fatalf("%s: %v", mend, err)
	}
	h := &hands{wall: time.Now()}
	e = openAt(t, path, h, Options{Serve: true})
	if due, err := e.ReleaseDue(t.Context()); err != nil || due.Released != 0 {
		t.Errorf("a sweep: %+v, %v", due, err)
	}
	h.pass(10*time.Minute + time.Second)
	if due, err := e.ReleaseDue(t.Context()); err != nil || due.Released != 1 {
		t.Errorf("a sweep ten minutes later: %+v, %v, want the lock released", due, err)
	}
}

// TestTwoClocks has two programs, one three hours ahead, write to the same file:
// a lock from there keeps its length, and starts with the other one's next sweep.
func TestTwoClocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	h := &hands{wall: noon}
	e := openAt(t, path, h, Options{Serve: true})
	createHall(t, e)
	ahead := openAt(t, path, &hands{wall: noon.Add(3 * time.Hour)}, Options{})
	for _, seat := range []string{"a", "b"} {
		if _, err := lockSeat(t, ahead, "anna", seat); err != nil {
			t.Fatal(err)
		}
	}
	from := head(t, e)
	due, err := e.ReleaseDue(t.Context())
	if err != nil || due.Released != 0 || !due.Next.At.Equal(noon.Add(10*time.Minute)) {
		t.Fatalf("a sweep: %+v, %v, want nothing released, and the next at 12:10", due, err)
	}
	for batch, err := range e.Changes(t.Context(), from) {
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range batch.Changes {
			if s := c.Seat; s.LockedBy != "anna" || !s.LockTime.Equal(noon) || !s.LockedUntil.Equal(noon.Add(10*time.Minute)) || s.Version != 3 {
				t.Errorf("the feed tells %+v, want anna's lock from noon to 12:10", s)
			}
		}
		if len(batch.Changes) != 2 {
			t.Errorf("the feed tells %d changes, want 2", len(batch.Changes))
		}
		break
	}
	if due, err := e.ReleaseDue(t.Context()); err != nil || due.Released != 0 || head(t, e).Position != from.Position+1 {
		t.Errorf("another sweep: %+v, %v, want nothing changed", due, err)
	}
	h.pass(10 * time.Minute)
	if due, err := e.ReleaseDue(t.Context()); err != nil || due.Released != 2 {
		t.Errorf("a sweep at 12:10: %+v, %v, want both released", due, err)
	}
}

// TestManyOfTheFuture leaves what one sweep cannot move to the next, which is due.
func TestManyOfTheFuture(t *testing.T) {
	e := openTest(t)
	at := e.clock.now().Add(5 * time.Hour)
	if err := e.do(t.Context(), func(x *tx) error {
		for i := range sweepSize + 10 {
			_, err := x.exec(`INSERT INTO seats (event, id, place, status, locked_by, lock_time, locked_until, version) VALUES ('hall', ?1, ?2, 'locked', 'x', ?3, ?4, 1)`,
				fmt.Sprint("f", i), 100+i, at, at.Add(time.Minute))
			if err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	due, err := e.ReleaseDue(t.Context())
	if err != nil || due.Released != 0 || due.Next.At.After(due.Now) || due.Next.Seat == "" {
		t.Fatalf("a sweep: %+v, %v, want the next due", due, err)
	}
	due, err = e.ReleaseDue(t.Context())
	if err != nil || due.Next.At.Before(due.Now) || due.Next.At.After(due.Now.Add(time.Minute)) {
		t.Errorf("the next: %+v, %v, want the first to end in a minute", due, err)
	}
}
