package mongostore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
)

// asked is a request to keep a record with a body of this size.
func asked(id string, size int) *request {
	key := store.Key{Kind: store.Session, ID: id}
	return &request{
		Question: store.Question{Records: []store.Key{key}},
		rule: func(v store.View) store.Decision {
			r := store.Record{Key: key, Body: json.RawMessage(`{"x":"` + strings.Repeat("a", size) + `"}`)}
			return store.Accept(v, store.Outcome{}, store.Writes{Records: []store.Record{r}})
		},
	}
}

// decided has a group of requests about records decided, where there are none.
func decided(group ...*request) writes {
	e := &Engine{log: slog.New(slog.DiscardHandler), kinds: store.Kinds()}
	g := &groupView{now: time.Now(), records: map[store.Key]recordDocument{}, changedRecords: map[store.Key]bool{}}
	for _, r := range group {
		for _, key := range r.Records {
			g.records[key] = recordDocument{record: store.Record{Key: key}}
		}
	}
	return e.decideAll(g, group)
}

// Servers refuse a transaction that does not fit into their cache: a group
// leaves large records to the next.
func TestGroupBytes(t *testing.T) {
	var group []*request
	for i := range 10 {
		group = append(group, asked(fmt.Sprint(i), store.MaxRecordBody-20))
	}
	w := decided(group...)
	if len(w.records) < 4 || len(w.records) > 5 || !group[0].decided || group[9].decided {
		t.Errorf("%d of 10 records of 1 MiB are written at once, want 4 MiB", len(w.records))
	}
}

// A rule that panics, or that writes what its question did not name, fails by
// itself.
func TestGroupOutlivesBadRules(t *testing.T) {
	bad := map[string]*request{"a panic": asked("a", 1), "a panic of Name": asked("b", 1)}
	bad["a panic"].rule = func(store.View) store.Decision { panic("at the rule") }
	bad["a panic of Name"].Name = func(store.View) []string { panic("at the names") }
	bad["an unread record"] = asked("d", 1)
	bad["an unread record"].Records = nil
	for what, r := range bad {
		first, last := asked("first", 1), asked("last", 1)
		if ids := (&groupView{}).named([]*request{r}); len(ids) > 0 {
			t.Errorf("%s names %q", what, ids)
		}
		w := decided(first, r, last)
		if len(w.records) != 2 || first.err != nil || last.err != nil || !first.decided || !last.decided {
			t.Errorf("%s: the others are %v and %v, with %d records", what, first.err, last.err, len(w.records))
		}
		if !r.decided || !errors.Is(r.err, store.ErrUnavailable) {
			t.Errorf("%s is %v, want ErrUnavailable", what, r.err)
		}
	}
}

// What the servers refuse of one request is no business of those that share its
// transaction, and the error does not tell what the document is called.
func TestGroupOutlivesRefusedWrite(t *testing.T) {
	ctx := t.Context()
	e, err := Open(ctx, testengine.ReplicaSet(t).NewDatabase(t), Options{Make: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	validator := bson.D{{Key: "id", Value: bson.D{{Key: "$ne", Value: "secret-id"}}}}
	if err := e.db.RunCommand(ctx, bson.D{{Key: "collMod", Value: recordsColl}, {Key: "validator", Value: validator}}).Err(); err != nil {
		t.Fatal(err)
	}
	keep := func(r *request) error {
		_, _, err := e.Decide(ctx, r.Question, r.rule)
		return err
	}
	others := []string{"secret-id", "a", "b", "c"}
	var asking sync.WaitGroup
	askOthers := sync.OnceFunc(func() {
		for _, id := range others {
			asking.Go(func() {
				err := keep(asked(id, 1))
				switch {
				case id != "secret-id" && err != nil:
					t.Errorf("%s: %v", id, err)
				case id == "secret-id" && (!errors.Is(err, store.ErrUnavailable) || strings.Contains(err.Error(), id)):
					t.Errorf("what is refused: %v, want ErrUnavailable without the id", err)
				}
			})
		}
		for began := time.Now(); e.queues.length("") < len(others) && time.Since(began) < callTimeout; {
			pause(ctx, 0)
		}
	})
	first := asked("first", 1)
	rule := first.rule
	first.rule = func(v store.View) store.Decision { // the others are one group then
		askOthers()
		return rule(v)
	}
	if err := keep(first); err != nil {
		t.Error(err)
	}
	asking.Wait()
}

func (q *queues) length(event string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting[event])
}

// What servers say of a document has its _id.
func TestErrorsAreQuiet(t *testing.T) {
	said := mongo.WriteError{Code: 11000, Message: `E11000 duplicate key error: dup key: { _id: "evening/@anna" }`}
	refusal := mongo.WriteError{Code: 121, Message: "Document failed validation", Details: bson.Raw("\x05\x00\x00\x00\x00")}
	for _, err := range []error{
		mongo.BulkWriteException{WriteErrors: []mongo.BulkWriteError{{WriteError: said}}},
		mongo.WriteException{WriteErrors: mongo.WriteErrors{said}},
		mongo.CommandError{Code: 11000, Message: said.Message},
	} {
		for _, told := range []error{writeError(err), outcomeUnknown(err), readError(context.Background(), err)} {
			if text := told.Error(); strings.Contains(text, "anna") || !strings.Contains(text, errConflict.Error()) || !passing(told) {
				t.Errorf("got %q", text)
			}
		}
	}
	told := writeError(mongo.BulkWriteException{WriteErrors: []mongo.BulkWriteError{{WriteError: refusal}}})
	if text := told.Error(); strings.Contains(text, "Document") || !strings.Contains(text, "121") || !hasCode(told, 121) {
		t.Errorf("got %q", text)
	}
}

// A machine that sleeps has a monotonic clock that stands.
func TestReadingIsOldByEitherClock(t *testing.T) {
	var w formatWatch
	for _, test := range []struct {
		monotonic, wall time.Duration
		recent          bool
	}{{0, 0, true}, {formatAge, 0, false}, {0, formatAge, false}} {
		r := newReading()
		r.sent, r.wall = r.sent.Add(-test.monotonic), r.wall.Add(-test.wall)
		w.last.Store(r)
		if got := w.recent(formatAge) != nil; got != test.recent {
			t.Errorf("read %v and %v ago: recent is %v", test.monotonic, test.wall, got)
		}
	}
}

func TestCurrent(t *testing.T) {
	ours := ourFormat("")
	older, newer, begun := ours, ours, ours
	older.Format--
	newer.Format++
	begun.Next = &ours
	got := []bool{ours.current(), newer.current(), older.current(), begun.current()}
	if want := []bool{true, true, false, false}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
