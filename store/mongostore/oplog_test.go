package mongostore_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
)

// shortLived starts a node that soon forgets what happened.
func shortLived(t *testing.T) *testengine.Mongo {
	t.Helper()
	return testengine.StartMongo(t, testengine.MongoOptions{Nodes: 1, Oplog: 1})
}

// roll fills the oplog with what is none of ours, until nothing is left in it
// of what happened up to the cursor.
func roll(t *testing.T, m *testengine.Mongo, past store.Cursor) {
	t.Helper()
	client := m.Database(m.URI("admin")).Client()
	others, oplog := client.Database("others").Collection("files"), client.Database("local").Collection("oplog.rs")
	file := bson.D{{Key: "content", Value: make([]byte, 200_000)}}
	eventually(t, "the oplog has rolled", func() bool {
		_, err := others.InsertOne(t.Context(), file)
		var first struct {
			At bson.Timestamp `bson:"ts"`
		}
		if err := errors.Join(err, oplog.FindOne(t.Context(), bson.D{}).Decode(&first)); err != nil {
			t.Fatal(err)
		}
		return uint64(first.At.T)<<32|uint64(first.At.I) > past.Position
	})
}

// A place that the servers have nothing of any more is told to be lost, and
// not taken for one after which nothing happened.
func TestRolledOplog(t *testing.T) {
	m := shortLived(t)
	s := open(t, m.URI("seats"))
	if err := s.CreateEvent(t.Context(), hall(2)); err != nil {
		t.Fatal(err)
	}
	old := must[store.Snapshot](t)(s.Snapshot(t.Context(), "evening")).Cursor
	roll(t, m, lock(t, s, "anna", "s0").Cursor)
	f := read(t, s, old)
	if f.next(); !errors.Is(f.err, store.ErrCursorLost) {
		t.Fatalf("from a place that is gone: %+v, %v, want ErrCursorLost", f.batch, f.err)
	}
	recent := must[store.Cursor](t)(s.Recent(t.Context(), 10*time.Minute))
	if old.Covers(recent) {
		t.Fatalf("the oldest place is %v, and even after it, at %v, all is gone", recent, old)
	}
	out := lock(t, s, "bert", "s1")
	if told := read(t, s, recent).until(out.Cursor); len(told) != 1 || told[0].Seat != out.Seats[0] {
		t.Fatalf("from the oldest place: %+v, want that %+v", told, out.Seats[0])
	}
	if snap := must[store.Snapshot](t)(s.Snapshot(t.Context(), "evening")); snap.Seats[0].LockedBy != "anna" {
		t.Fatalf("the seats are %+v, want what is not in the oplog too", snap.Seats)
	}
}

// A reader that stalls while the oplog rolls past it is told so.
func TestStallPastOplog(t *testing.T) {
	m := shortLived(t)
	s := open(t, m.URI("seats"))
	if err := s.CreateEvent(t.Context(), hall(4)); err != nil {
		t.Fatal(err)
	}
	f := read(t, s, must[store.Snapshot](t)(s.Snapshot(t.Context(), "evening")).Cursor)
	f.until(lock(t, s, "anna", "s0").Cursor)
	roll(t, m, lock(t, s, "anna", "s1", "s2").Cursor)
	last := lock(t, s, "anna", "s3").Cursor
	var told []store.Change
	for f.err == nil && !f.batch.Cursor.Covers(last) && f.next() {
		told = append(told, f.batch.Changes...)
	}
	if !errors.Is(f.err, store.ErrCursorLost) || len(told) > 0 {
		t.Fatalf("told of %+v, %v, want nothing and ErrCursorLost", told, f.err)
	}
}

// A reader that stalls for so long that the servers give its cursor up, which
// they do after ten minutes, goes on without a gap.
func TestStallPastCursor(t *testing.T) {
	m := testengine.StartMongo(t, testengine.MongoOptions{Nodes: 1})
	s := open(t, m.URI("seats"))
	if err := s.CreateEvent(t.Context(), hall(4)); err != nil {
		t.Fatal(err)
	}
	f := read(t, s, must[store.Snapshot](t)(s.Snapshot(t.Context(), "evening")).Cursor)
	f.until(lock(t, s, "anna", "s0").Cursor)
	lock(t, s, "anna", "s1", "s2")
	forgetCursors(t, m)
	var told []string
	for _, c := range f.until(lock(t, s, "anna", "s3").Cursor) {
		told = append(told, c.Seat.ID)
	}
	if !slices.Equal(told, []string{"s1", "s2", "s3"}) {
		t.Fatalf("told of %q, want s1, s2 and s3", told)
	}
}

func forgetCursors(t *testing.T, m *testengine.Mongo) {
	t.Helper()
	admin := m.Database(m.URI("admin"))
	if err := admin.RunCommand(t.Context(), bson.D{{Key: "killAllSessions", Value: bson.A{}}}).Err(); err != nil {
		t.Fatal(err)
	}
	status := must[bson.Raw](t)(admin.RunCommand(t.Context(), bson.D{{Key: "serverStatus", Value: 1}}).Raw())
	if open := status.Lookup("metrics", "cursor", "open", "total").AsInt64(); open != 0 {
		t.Fatalf("the server still has %d cursors", open)
	}
}

// A reader that takes nothing while much happens then gets all of it.
func TestStall(t *testing.T) {
	const holders, rounds = 50, 20
	s := open(t, testengine.ReplicaSet(t).NewDatabase(t))
	if err := s.CreateEvent(t.Context(), hall(holders)); err != nil {
		t.Fatal(err)
	}
	first := must[store.Snapshot](t)(s.Snapshot(t.Context(), "evening"))
	f := read(t, s, first.Cursor)
	board := map[string]store.Seat{}
	for _, seat := range first.Seats {
		board[seat.ID] = seat
	}
	apply := func(changes []store.Change) {
		for _, c := range changes {
			if was := board[c.Seat.ID]; c.Seat.Version != was.Version+1 || c.Before != was.LockedBy {
				t.Fatalf("told of %+v after %+v", c, was)
			}
			board[c.Seat.ID] = c.Seat
		}
	}
	apply(f.until(lock(t, s, "anna", "s0").Cursor))
	must[store.Outcome](t)(s.Unlock(t.Context(), store.UnlockRequest{Event: "evening", Holder: "anna"}))
	toAndFro(t, s, holders, rounds)
	last := must[store.Snapshot](t)(s.Snapshot(t.Context(), "evening"))
	changes := f.until(last.Cursor)
	if apply(changes); len(changes) != 1+2*holders*rounds {
		t.Fatalf("%d changes were told, want %d", len(changes), 1+2*holders*rounds)
	}
	for _, seat := range last.Seats {
		if board[seat.ID] != seat {
			t.Errorf("the feed comes to %+v, want %+v", board[seat.ID], seat)
		}
	}
}

// toAndFro has each holder lock a seat of their own and give it back.
func toAndFro(t *testing.T, s *store.Store, holders, rounds int) {
	t.Helper()
	var busy sync.WaitGroup
	for i := range holders {
		busy.Go(func() {
			r := store.LockRequest{Event: "evening", Holder: store.Holder(fmt.Sprint("h", i)), Seats: []string{fmt.Sprint("s", i)}, Rules: store.DefaultRules()}
			for range rounds {
				_, locking := s.Lock(t.Context(), r)
				_, giving := s.Unlock(t.Context(), store.UnlockRequest{Event: r.Event, Holder: r.Holder})
				if err := errors.Join(locking, giving); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	busy.Wait()
}

// feed is a reader that stands still until it is asked to go on.
type feed struct {
	*testing.T
	pull  func() (store.Batch, error, bool)
	batch store.Batch // the last that came
	err   error
}

func read(t *testing.T, s *store.Store, from store.Cursor) *feed {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	pull, stop := iter.Pull2(s.Changes(ctx, from))
	t.Cleanup(func() { stop(); cancel() })
	return &feed{T: t, pull: pull}
}

// next takes a batch, unless the feed has ended.
func (f *feed) next() (came bool) {
	batch, err, came := f.pull()
	f.batch, f.err = batch, err
	return came && err == nil
}

// until takes all up to the cursor.
func (f *feed) until(to store.Cursor) (changes []store.Change) {
	f.Helper()
	for !f.batch.Cursor.Covers(to) {
		if !f.next() {
			f.Fatalf("the feed ended before %v: %v", to, f.err)
		}
		changes = append(changes, f.batch.Changes...)
	}
	return changes
}
