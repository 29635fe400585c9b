package mongostore_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
)

// loss is a way in which replies to a request get lost after the servers did
// what was asked.
type loss struct {
	name    string
	command string
	times   int
	how     testengine.Loss
	want    error // what the request ends as
}

const always = 1 << 20

// losses of requests that a group decides. What was not committed is nothing
// yet: to lose the reply to that is to fail, and the group tries again.
var losses = []loss{
	{"writes, cut", "update", 1, testengine.Cut, nil},
	{"writes, cut twice", "update", 2, testengine.Cut, nil},
	{"writes, silent once", "update", 1, testengine.Swallow, nil},
	{"writes, then silence", "update", 1, testengine.Silence, store.ErrUnavailable},
	{"commit, cut", "commitTransaction", 1, testengine.Cut, nil},
	{"commit, cut as often as the driver tries", "commitTransaction", 2, testengine.Cut, nil},
	{"commit, silent once", "commitTransaction", 1, testengine.Swallow, nil},
	{"commit, silent for long", "commitTransaction", always, testengine.Swallow, store.ErrUnknown},
	{"commit, then silence", "commitTransaction", 1, testengine.Silence, store.ErrUnknown},
}

// lossyWrites all find s0 and s1 locked by anna and s3 withheld, and change
// the seats once, however often they are asked for.
var lossyWrites = []struct {
	name  string
	ask   func(s *store.Store, event string) (store.Outcome, error)
	seats []string
}{
	{"lock", func(s *store.Store, event string) (store.Outcome, error) {
		return s.Lock(context.Background(), lossyLock(event, "bert", "s2"))
	}, []string{"s2"}},
	{"lock more", func(s *store.Store, event string) (store.Outcome, error) {
		return s.Lock(context.Background(), lossyLock(event, "anna", "s0", "s2"))
	}, []string{"s2"}},
	{"unlock one", func(s *store.Store, event string) (store.Outcome, error) {
		return s.Unlock(context.Background(), store.UnlockRequest{Event: event, Holder: "anna", Seats: []string{"s0"}})
	}, []string{"s0"}},
	{"unlock all", func(s *store.Store, event string) (store.Outcome, error) {
		return s.Unlock(context.Background(), store.UnlockRequest{Event: event, Holder: "anna"})
	}, []string{"s0", "s1"}},
	{"extend", func(s *store.Store, event string) (store.Outcome, error) {
		return s.Extend(context.Background(), store.ExtendRequest{Event: event, Holder: "anna", Rules: store.DefaultRules()})
	}, []string{"s0", "s1"}},
	{"withhold", func(s *store.Store, event string) (store.Outcome, error) {
		return s.Withhold(context.Background(), store.WithholdRequest{Event: event, Seats: []string{"s2"}, On: true})
	}, []string{"s2"}},
	{"put on sale", func(s *store.Store, event string) (store.Outcome, error) {
		return s.Withhold(context.Background(), store.WithholdRequest{Event: event, Seats: []string{"s3"}, On: false})
	}, []string{"s3"}},
}

func lossyLock(event, who string, seats ...string) store.LockRequest {
	return store.LockRequest{Event: event, Holder: store.Holder(who), Seats: seats, Rules: store.DefaultRules()}
}

// TestReplyLost has replies lost of writes that the servers made. The caller is
// told of a success, or that the outcome is not known; asks again, and has a
// success; and in all each seat has changed once.
func TestReplyLost(t *testing.T) {
	m := forgetful(t)
	uri := m.NewDatabase(t)
	direct := open(t, uri)
	for i, how := range losses {
		t.Run(how.name, func(t *testing.T) {
			t.Parallel() // they wait most of the time
			var asking sync.WaitGroup
			for j, w := range lossyWrites {
				l := &lossy{T: t, direct: direct, proxy: m.StartProxy(t), event: fmt.Sprintf("e%d-%d", i, j), name: w.name, ask: w.ask, seats: w.seats}
				l.s = open(t, l.proxy.URI(t, uri))
				l.prepare()
				asking.Go(func() { l.lose(how) })
			}
			asking.Wait()
		})
	}
}

// forgetful starts a node that ends transactions which nobody goes on with
// after some seconds, and not after a minute.
func forgetful(t *testing.T) *testengine.Mongo {
	t.Helper()
	m := testengine.StartMongo(t, testengine.MongoOptions{Nodes: 1})
	admin := m.Database(m.URI("admin"))
	if err := admin.RunCommand(t.Context(), bson.D{{Key: "setParameter", Value: 1}, {Key: "transactionLifetimeLimitSeconds", Value: 4}}).Err(); err != nil {
		t.Fatal(err)
	}
	return m
}

// lossy is one request for an event of its own, by a store behind a proxy.
type lossy struct {
	*testing.T
	direct, s *store.Store
	proxy     *testengine.Proxy
	event     string
	name      string
	ask       func(*store.Store, string) (store.Outcome, error)
	seats     []string

	first store.Snapshot
}

func (l *lossy) prepare() {
	l.Helper()
	e := hall(4)
	e.ID, e.Withheld = l.event, []string{"s3"}
	if err := l.direct.CreateEvent(l.Context(), e); err != nil {
		l.Fatal(err)
	}
	must[store.Outcome](l.T)(l.direct.Lock(l.Context(), lossyLock(l.event, "anna", "s0", "s1")))
	l.first = must[store.Snapshot](l.T)(l.direct.Snapshot(l.Context(), l.event))
	must[store.Snapshot](l.T)(l.s.Snapshot(l.Context(), l.event)) // the way through the proxy is open
}

// lose runs beside others of its kind, and so does not end the test.
func (l *lossy) lose(how loss) {
	l.proxy.Lose(how.command, how.times, how.how)
	_, err := l.ask(l.s, l.event)
	lost := l.proxy.Lost()
	l.proxy.Heal()
	if how.times != always && lost != how.times || lost == 0 {
		l.Errorf("%s: %d replies were lost, want %d", l.name, lost, how.times)
	}
	if !errors.Is(err, how.want) || err != nil && how.want == nil {
		l.Errorf("%s: %v, want %v", l.name, err, how.want)
	}
	after, ok := l.look()
	if !ok {
		return
	}
	if errors.Is(err, store.ErrUnavailable) {
		if !slices.Equal(after.Seats, l.first.Seats) {
			l.Errorf("%s: %v, and the seats went from\n\t%+v to\n\t%+v", l.name, err, l.first.Seats, after.Seats)
		}
		after = store.Snapshot{} // is still to come about
	}
	l.repeat(after)
}

// repeat asks again once the store can serve, and wants that nothing changes
// but what has to change once.
func (l *lossy) repeat(before store.Snapshot) {
	if err := reachable(l.s); err != nil {
		l.Errorf("%s: the proxy has healed: %v", l.name, err)
		return
	}
	out, err := l.ask(l.s, l.event)
	for began := time.Now(); before.Seats == nil && errors.Is(err, store.ErrUnavailable) && time.Since(began) < time.Minute; {
		out, err = l.ask(l.s, l.event) // the servers may still keep what was left open
	}
	if err != nil {
		l.Errorf("%s: the same again: %v", l.name, err)
	}
	after, ok := l.look()
	if !ok {
		return
	}
	if before.Seats != nil && !slices.Equal(after.Seats, before.Seats) {
		l.Errorf("%s: the same again changed the seats from\n\t%+v to\n\t%+v", l.name, before.Seats, after.Seats)
	}
	for i, seat := range after.Seats {
		want := l.first.Seats[i].Version
		if slices.Contains(l.seats, seat.ID) {
			want++
		}
		if seat.Version != want {
			l.Errorf("%s: %s has version %d, want %d", l.name, seat.ID, seat.Version, want)
		}
	}
	l.wantTold(out, after)
	l.wantFed(after.Cursor)
}

// wantTold compares an answer with how things stand.
func (l *lossy) wantTold(out store.Outcome, stand store.Snapshot) {
	for _, seat := range out.Seats {
		if !slices.Contains(stand.Seats, seat) {
			l.Errorf("%s: told of %+v, and there is\n\t%+v", l.name, seat, stand.Seats)
		}
	}
	if len(out.Lock.Seats) == 0 {
		return // nothing left, or nobody's
	}
	held, err := l.direct.LockOf(context.Background(), l.event, out.Lock.Seats[0].LockedBy)
	if err != nil || !reflect.DeepEqual(held.Lock, out.Lock) {
		l.Errorf("%s: told of the lock %+v, and there is %+v, %v", l.name, out.Lock, held.Lock, err)
	}
}

// wantFed reads the feed: each of the seats changed in it once.
func (l *lossy) wantFed(to store.Cursor) {
	var told []string
	for batch, err := range l.direct.Changes(context.Background(), l.first.Cursor) {
		if err != nil {
			l.Errorf("%s: feed: %v", l.name, err)
			return
		}
		for _, c := range batch.Changes {
			if c.Event == l.event {
				told = append(told, c.Seat.ID)
			}
		}
		if batch.Cursor.Covers(to) {
			break
		}
	}
	slices.Sort(told)
	if !slices.Equal(told, l.seats) {
		l.Errorf("%s: the feed tells of %q, want %q", l.name, told, l.seats)
	}
}

func (l *lossy) look() (snap store.Snapshot, ok bool) {
	snap, err := l.direct.Snapshot(context.Background(), l.event)
	if err != nil {
		l.Errorf("%s: %v", l.name, err)
	}
	return snap, err == nil
}

// reachable waits until the store can serve.
func reachable(s *store.Store) (err error) {
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(5 * time.Millisecond) {
		if err = s.Ping(context.Background()); err == nil {
			return nil
		}
	}
	return err
}

// TestOtherReplyLost is of writes that no group decides. Where the connection
// is cut, and no more than that, they are sent again.
func TestOtherReplyLost(t *testing.T) {
	t.Parallel() // it waits most of the time
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	direct, proxy := open(t, uri), m.StartProxy(t)
	s := open(t, proxy.URI(t, uri))
	lose := func(command string, how testengine.Loss, ask func() error) {
		t.Helper()
		proxy.Lose(command, 1, how)
		err := ask()
		if n := proxy.Lost(); n != 1 {
			t.Errorf("%d replies to %s were lost, want 1", n, command)
		}
		if err != nil && (how == testengine.Cut || !errors.Is(err, store.ErrUnknown)) {
			t.Errorf("the reply to %s was lost: %v", command, err)
		}
		proxy.Heal()
		if err := reachable(s); err != nil {
			t.Fatal(err)
		}
		if err := ask(); err != nil {
			t.Errorf("the same again: %v", err)
		}
	}
	ctx := t.Context()
	lose("commitTransaction", testengine.Cut, func() error { return s.CreateEvent(ctx, hall(3)) })
	wantVersions(t, direct, 1, 1, 1)
	for i, lost := range []struct {
		command string
		how     testengine.Loss
	}{{"update", testengine.Cut}, {"commitTransaction", testengine.Cut}, {"commitTransaction", testengine.Swallow}, {"commitTransaction", testengine.Silence}} {
		asked := must[store.Event](t)(direct.Event(ctx, "evening"))
		asked.Title = fmt.Sprint("Title ", i)
		lose(lost.command, lost.how, func() error { _, err := s.UpdateEvent(ctx, asked); return err })
		if e := must[store.Event](t)(direct.Event(ctx, "evening")); e.Title != asked.Title || e.Revision != asked.Revision+1 {
			t.Errorf("the reply to %s was lost: the event is %+v, want one update to %q", lost.command, e, asked.Title)
		}
	}
	for i, how := range []testengine.Loss{testengine.Cut, testengine.Swallow, testengine.Silence} {
		asked := hall(3)
		asked.Event, asked.PlanBody = must[store.Event](t)(direct.Event(ctx, "evening")), fmt.Append(nil, "plan ", i)
		lose("commitTransaction", how, func() error { _, err := s.AddSeats(ctx, asked); return err })
		if e := must[store.Event](t)(direct.Event(ctx, "evening")); e.Plan != store.PlanHash(asked.PlanBody) || e.Revision != asked.Revision+1 {
			t.Errorf("the reply to the commit was lost: the event is %+v, want another plan, once", e)
		}
	}
	lapse(t, direct, "anna", "s1")
	lose("update", testengine.Cut, func() error { _, err := s.ReleaseDue(ctx); return err })
	wantVersions(t, direct, 1, 3, 1)
	lapse(t, direct, "anna", "s1")
	lose("update", testengine.Silence, func() error { _, err := s.ReleaseDue(ctx); return err })
	wantVersions(t, direct, 1, 5, 1)
	for _, how := range []testengine.Loss{testengine.Cut, testengine.Swallow, testengine.Silence} {
		lose("commitTransaction", how, func() error { return keepRecord(t, s, "token") })
		if !findRecord(t, direct, "token") {
			t.Error("a record was written, and is not there")
		}
		lose("commitTransaction", how, func() error { return dropRecord(t, s, "token") })
		if findRecord(t, direct, "token") {
			t.Error("a record was removed, and is there")
		}
	}
}

// What was being written for an instance that is cut off keeps its seats from
// nobody for long, and other seats from nobody at all: a rival ends it.
func TestAbandonedWrites(t *testing.T) {
	t.Parallel() // it waits most of the time
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	rival, proxy := open(t, uri), m.StartProxy(t)
	s := open(t, proxy.URI(t, uri))
	if err := rival.CreateEvent(t.Context(), hall(30)); err != nil {
		t.Fatal(err)
	}
	proxy.Lose("update", 1, testengine.Silence)
	cutOff := make(chan error, 1)
	go func() {
		_, err := s.Lock(context.Background(), lossyLock("evening", "anna", "s0"))
		cutOff <- err
	}()
	eventually(t, "the reply is lost", func() bool { return proxy.Lost() == 1 })
	var buying sync.WaitGroup
	for i := range 30 {
		buying.Go(func() {
			who, seat := fmt.Sprint("buyer-", i), fmt.Sprint("s", i)
			out, err := rival.Lock(t.Context(), lossyLock("evening", who, seat))
			if err != nil || out.Seats[0].LockedBy != store.Holder(who) || out.Seats[0].Version != 2 {
				t.Errorf("%s, which nobody has: %+v, %v", seat, out.Seats, err)
			}
		})
	}
	buying.Wait()
	if err := <-cutOff; !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("who was cut off is told %v, want ErrUnavailable", err)
	}
	proxy.Heal()
}

// Who leaves while a request before theirs waits for a frozen server is let go
// at once.
func TestQueuedRequestLeaves(t *testing.T) {
	m := testengine.StartMongo(t, testengine.MongoOptions{Nodes: 1})
	s := open(t, m.URI("seats"))
	if err := s.CreateEvent(t.Context(), hall(2)); err != nil {
		t.Fatal(err)
	}
	m.Freeze(t, 0)
	ctx, leave := context.WithCancel(t.Context())
	answers := make(chan error, 2)
	for i, who := range []string{"anna", "bert"} {
		go func() {
			_, err := s.Lock(ctx, lossyLock("evening", who, fmt.Sprint("s", i)))
			answers <- err
		}()
	}
	time.AfterFunc(1500*time.Millisecond, leave) // one of the two is at the server by then
	if err := <-answers; !errors.Is(err, context.Canceled) {
		t.Errorf("who left is told %v", err)
	}
	if len(answers) > 0 {
		t.Error("who was at the server was answered with who was not")
	}
	m.Thaw(t, 0)
	<-answers
}

// lapse gives the holder seats of hall, and returns when their time is over.
func lapse(t *testing.T, s *store.Store, who store.Holder, seats ...string) {
	t.Helper()
	out := must[store.Outcome](t)(s.Lock(t.Context(), store.LockRequest{
		Event: "evening", Holder: who, Seats: seats, Rules: store.Rules{TTL: time.Millisecond, Total: time.Millisecond, MaxSeats: 1000},
	}))
	eventually(t, "the lock is over", func() bool { return !must[time.Time](t)(s.Now(t.Context())).Before(out.Lock.Deadline) })
}

func wantVersions(t *testing.T, s *store.Store, want ...int64) {
	t.Helper()
	var got []int64
	for _, seat := range must[store.Snapshot](t)(s.Snapshot(t.Context(), "evening")).Seats {
		got = append(got, seat.Version)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the seats have the versions %v, want %v", got, want)
	}
}
