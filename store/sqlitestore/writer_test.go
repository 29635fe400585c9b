package sqlitestore

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
)

func openTest(t *testing.T) *Engine {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "seatlock.db"), Options{Serve: true, firstPrune: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	e := store.NewEvent{
		Event:    store.Event{ID: "hall", Title: "Late quartets", Zone: "UTC", Currency: "EUR"},
		PlanBody: []byte("plan"), Seats: []string{"a", "b", "c"},
	}
	if err := store.New(s).CreateEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	return s
}

// stall keeps the writer busy until release is called.
func stall(t *testing.T, s *Engine) (release func()) {
	t.Helper()
	begun, gate, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- s.do(context.Background(), func(*tx) error {
			close(begun)
			<-gate
			return nil
		})
	}()
	<-begun
	return func() {
		close(gate)
		if err := <-ended; err != nil {
			t.Errorf("stall: %v", err)
		}
	}
}

// enqueue starts a request behind a stalled writer, in this order.
func enqueue(t *testing.T, s *Engine, ctx context.Context, run func(*tx) error) <-chan error {
	t.Helper()
	before, done := len(s.queue), make(chan error, 1)
	go func() { done <- s.do(ctx, run) }()
	for len(s.queue) == before {
		time.Sleep(time.Millisecond) // the queue is filled by the goroutine above alone
	}
	return done
}

// lockRequest has the seat become the holder's as a decision would, in the
// writer's transaction.
func lockRequest(seat string, who store.Holder) func(*tx) error {
	q := store.Question{Event: "hall", Holder: who, Seats: []string{seat}}
	return func(t *tx) error {
		v, err := t.view(q)
		if err != nil {
			return err
		}
		if s := v.Seats[0]; s.HeldBy(who, t.now) {
			return nil
		} else if !s.FreeAt(t.now) {
			return store.ErrTaken
		}
		clock := store.Clock{Started: t.now, Deadline: t.now.Add(time.Hour)}
		locked := store.Seat{Status: store.Locked, LockedBy: who, LockTime: clock.Started, LockedUntil: clock.Deadline}
		change := store.NewChange("hall", v.Seats[0], locked, store.ReasonLocked)
		return t.write(q, store.Accept(v, store.Outcome{}, store.Writes{Clock: &clock, Changes: []store.Change{change}}).Writes())
	}
}

// TestGroup commits one group of which some are refused and some fail half
// way, in each way they can: their neighbours get what they asked for, once.
func TestGroup(t *testing.T) {
	s := openTest(t)
	broken := errors.New("broken")
	halfWay := func(end func(*tx) error) func(*tx) error {
		return func(t *tx) error {
			if _, err := t.exec(`UPDATE seats SET status = 'booked', version = version + 7`); err != nil {
				return err
			}
			return end(t)
		}
	}
	requests := []struct {
		run  func(*tx) error
		want error
	}{
		{lockRequest("a", "ann"), nil},
		{halfWay(func(*tx) error { return broken }), broken},
		{lockRequest("a", "bob"), store.ErrTaken},
		{lockRequest("b", "bob"), nil},
		{halfWay(func(*tx) error { panic("broken") }), store.ErrUnavailable},
		{halfWay(func(t *tx) error {
			_, err := t.exec(`INSERT INTO meta (name, value) VALUES ('epoch', '')`)
			return err
		}), store.ErrUnavailable},
		{lockRequest("c", "cid"), nil},
	}
	release := stall(t, s)
	var answers []<-chan error
	for _, r := range requests {
		answers = append(answers, enqueue(t, s, t.Context(), r.run))
	}
	release()
	for i, r := range requests {
		if err := <-answers[i]; !errors.Is(err, r.want) {
			t.Errorf("request %d: got error %v, want %v", i, err, r.want)
		}
	}
	snapshot, err := s.Snapshot(t.Context(), "hall")
	if err != nil {
		t.Fatal(err)
	}
	for i, who := range []store.Holder{"ann", "bob", "cid"} {
		if seat := snapshot.Seats[i]; seat.LockedBy != who || seat.Status != store.Locked || seat.Version != 2 {
			t.Errorf("got %+v, want it locked once, by %s", seat, who)
		}
	}
	if want := uint64(4); snapshot.Cursor.Position != want { // the event and three locks
		t.Errorf("got position %d, want %d", snapshot.Cursor.Position, want)
	}
}

// TestAbandoned ends the context of one request in the queue and of one that
// the writer is at.
func TestAbandoned(t *testing.T) {
	s := openTest(t)
	release := stall(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	queued := enqueue(t, s, ctx, lockRequest("a", "ann"))
	cancel()
	if err := <-queued; !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnknown) {
		t.Errorf("queued: got error %v, want %v alone", err, context.Canceled)
	}
	release()

	ctx, cancel = context.WithCancel(t.Context())
	err := s.do(ctx, func(x *tx) error {
		cancel()
		<-ctx.Done()
		return lockRequest("b", "bob")(x)
	})
	if err != nil && !errors.Is(err, store.ErrUnknown) {
		t.Errorf("running: got error %v, want none or %v", err, store.ErrUnknown)
	}
	if err := s.do(t.Context(), lockRequest("b", "bob")); err != nil {
		t.Errorf("repeat: %v", err)
	}
	snapshot, err := s.Snapshot(t.Context(), "hall")
	if err != nil {
		t.Fatal(err)
	}
	if a, b := snapshot.Seats[0], snapshot.Seats[1]; a.Version != 1 || b.Version != 2 {
		t.Errorf("got versions %d and %d, want 1 and 2", a.Version, b.Version)
	}
}

// TestPrune keeps the last change and one run without a gap before it.
func TestPrune(t *testing.T) {
	s := openTest(t) // position 1
	for _, seat := range []string{"a", "b", "c"} {
		if err := s.do(t.Context(), lockRequest(seat, "ann")); err != nil {
			t.Fatal(err)
		}
	}
	age := func(position int, by time.Duration) func(*tx) error {
		return func(x *tx) error {
			_, err := x.exec(`UPDATE changes SET at = ?1 WHERE position = ?2`, x.now.Add(-by), position)
			return err
		}
	}
	prune := func(keep int64) func(*tx) error {
		return func(x *tx) error {
			n, err := 1, error(nil)
			for n > 0 && err == nil {
				n, err = x.pruneChanges(keep, 2)
			}
			return err
		}
	}
	for _, step := range []struct {
		name   string
		run    func(*tx) error
		oldest uint64 // cursor that still works
	}{
		{"all fresh", prune(maxChanges), 0},
		{"old in the middle", age(3, 2*keepChanges), 0},
		{"old in the middle, pruned", prune(maxChanges), 0},
		{"old at the start", age(1, 2*keepChanges), 0},
		{"old at the start, pruned", prune(maxChanges), 1},
		{"fresh in the middle", age(3, 0), 1},
		{"too many", prune(2), 2},
		{"last is old", age(4, 2*keepChanges), 2},
		{"last is old, pruned", prune(1), 3},
		{"nothing left to prune", prune(0), 3},
	} {
		if err := s.do(t.Context(), step.run); err != nil {
			t.Fatal(err)
		}
		if err := firstOf(t, s, step.oldest); err != nil {
			t.Errorf("%s: from %d: got error %v, want none", step.name, step.oldest, err)
		}
		if step.oldest > 0 {
			if err := firstOf(t, s, step.oldest-1); !errors.Is(err, store.ErrCursorLost) {
				t.Errorf("%s: from %d: got error %v, want %v", step.name, step.oldest-1, err, store.ErrCursorLost)
			}
		}
		recent, err := s.Recent(t.Context(), 1000*time.Hour)
		if err != nil || recent.Position != step.oldest {
			t.Errorf("%s: got recent %v, %v, want position %d", step.name, recent, err, step.oldest)
		}
		if head, err := s.Recent(t.Context(), 0); err != nil || head.Position != 4 {
			t.Errorf("%s: got head %v, %v, want position 4", step.name, head, err)
		}
	}
	if err := s.do(t.Context(), func(x *tx) error { return x.appendRow("hall", "") }); err != nil {
		t.Fatal(err)
	}
	if head, err := s.Recent(t.Context(), 0); err != nil || head.Position != 5 {
		t.Errorf("after a prune: got head %v, %v, want position 5", head, err)
	}
}

func head(t *testing.T, s *Engine) store.Cursor {
	t.Helper()
	c, err := s.Recent(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// firstOf returns the error with which the feed from a position begins.
func firstOf(t *testing.T, s *Engine, position uint64) error {
	t.Helper()
	for _, err := range s.Changes(t.Context(), store.Cursor{Epoch: head(t, s).Epoch, Position: position}) {
		return err
	}
	return t.Context().Err()
}

// TestPruneInSteps has much to prune: no step touches many rows, so that nobody
// waits for long, and all of it goes.
func TestPruneInSteps(t *testing.T) {
	e := openTest(t)
	if err := fill(t, e, 2500); err != nil {
		t.Fatal(err)
	}
	rows := func(x *tx) int64 {
		n, err := x.number(`SELECT (SELECT count(*) FROM changes) + (SELECT count(*) FROM records) + (SELECT count(*) FROM clocks)`)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	at, steps := pruning{rows: maxPrune, more: true}, 0
	for ; at.more; steps++ {
		if err := e.do(t.Context(), func(x *tx) (err error) {
			before := rows(x)
			at, err = x.prune(maxChanges, at)
			if gone := before - rows(x); gone > maxPrune {
				t.Errorf("step %d drops %d rows, want %d at most", steps, gone, maxPrune)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.do(t.Context(), func(x *tx) error {
		if n := rows(x); n != 1 { // the last change
			t.Errorf("after %d steps %d rows stay, want 1", steps, n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// fill has so many old changes, records and clocks of each.
func fill(t testing.TB, e *Engine, n int) error {
	return e.do(t.Context(), func(x *tx) error {
		body := `{"holder":"` + strings.Repeat("x", 100) + `"}` // as large as a session
		const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) `
		_, changes := x.exec(numbers+`INSERT INTO changes (position, at, event, body) SELECT ?2 + i, 0, 'hall', '' FROM n`, n, x.position)
		_, records := x.exec(numbers+`INSERT INTO records (kind, id, version, expires, body) SELECT 'session', 'id-' || i, 1, 1, ?2 FROM n`, n, body)
		_, clocks := x.exec(numbers+`INSERT INTO clocks (event, holder, started, deadline, extended) SELECT 'hall', 'holder-' || i, 0, 1, 0 FROM n`, n)
		_, old := x.exec(`UPDATE changes SET at = 0`)
		return errors.Join(changes, records, clocks, old)
	})
}

// TestHousekeep begins soon after the start, and does not stop before all is
// done.
func TestHousekeep(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	e, err := Open(t.Context(), path, Options{Serve: true, firstPrune: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(fill(t, e, 3000), e.Close()); err != nil {
		t.Fatal(err)
	}
	if e, err = Open(t.Context(), path, Options{Serve: true, firstPrune: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		var left int64
		if err := e.read(t.Context(), func(r reader) (err error) {
			left, err = r.number(`SELECT (SELECT count(*) FROM changes) + (SELECT count(*) FROM records) + (SELECT count(*) FROM clocks)`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if left == 1 {
			return
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("%d rows stay", left)
		}
	}
}

// TestPruneRecordsAndClocks removes records past their end, with their places in
// indexes, and clocks that are over, but for those of seats that are being paid
// for, or are reserved and unpaid.
func TestPruneRecordsAndClocks(t *testing.T) {
	e := openTest(t)
	count := func(x *tx, query string) int64 {
		n, err := x.number(query)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if err := e.do(t.Context(), func(x *tx) error {
		for id, expires := range map[string]time.Time{"over": x.now, "live": x.now.Add(time.Hour), "for ever": {}} {
			record := store.Record{Key: store.Key{Kind: store.Session, ID: id}, Body: []byte("{}"), Expires: expires, Index: map[string]string{"by": id}}
			if err := x.putRecord(store.Record{Key: record.Key}, record); err != nil {
				return err
			}
		}
		for who, status := range map[store.Holder]store.Status{"ann": store.Paying, "bob": store.Locked, "cid": store.Available} {
			if err := x.putClock("hall", who, store.Clock{Started: x.now, Deadline: x.now, Version: 1}); err != nil {
				return err
			}
			if err := x.putClock("hall", "dan", store.Clock{Started: x.now, Deadline: x.now, Unpaid: 3, Version: 1}); err != nil {
				return err
			}
			if status == store.Available {
				continue
			}
			seat := store.Seat{ID: map[store.Holder]string{"ann": "a", "bob": "b"}[who], Version: 1}
			to := store.Seat{Status: status, LockedBy: who, LockTime: x.now, LockedUntil: x.now}
			if err := x.changeSeat(store.NewChange("hall", seat, to, store.ReasonPaying)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := e.do(t.Context(), func(x *tx) error {
		at, err := pruning{rows: 2, more: true}, error(nil)
		for at.more && err == nil {
			at, err = x.prune(maxChanges, at)
		}
		if n := count(x, "SELECT count(*) FROM records"); n != 2 {
			t.Errorf("%d records stay, want 2", n)
		}
		if n := count(x, "SELECT count(*) FROM record_index WHERE id = 'over'"); n != 0 {
			t.Errorf("a record that is gone stands in %d indexes", n)
		}
		if n := count(x, "SELECT count(*) FROM clocks WHERE holder IN ('ann', 'bob')"); n != 2 {
			t.Errorf("%d clocks of seats that are paid for or not swept yet stay, want 2", n)
		}
		if n := count(x, "SELECT count(*) FROM clocks"); n != 3 {
			t.Errorf("%d clocks stay, want 3", n)
		}
		if c, clockErr := x.clock("hall", "dan"); clockErr != nil || c.Unpaid != 3 {
			t.Errorf("the clock of who has not paid is %+v, %v", c, clockErr)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
