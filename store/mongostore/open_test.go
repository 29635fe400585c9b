package mongostore_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/mongostore"
)

// refused opens what must not open, and returns the error's one line.
func refused(t *testing.T, uri string, wants ...string) {
	t.Helper()
	s, err := mongostore.Open(t.Context(), uri, mongostore.Options{Make: true})
	if err == nil {
		t.Errorf("a store was opened, want an error with %q", wants)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		return
	}
	line := err.Error()
	for _, want := range wants {
		if !strings.Contains(line, want) {
			t.Errorf("got %q, want it to say %q", line, want)
		}
	}
	if strings.Contains(line, "\n") || strings.Contains(line, "hunter") {
		t.Errorf("got %q, want one line without the password", line)
	}
}

func TestOpenRefusesURIs(t *testing.T) {
	const hosts = "mongodb://anna:hunter2@127.0.0.1:1,127.0.0.1:2"
	for uri, want := range map[string]string{
		hosts:                                    "names no database",
		hosts + "/":                              "names no database",
		hosts + "/?replicaSet=rs0":               "names no database",
		hosts + "/a.b":                           "names no database",
		hosts + "/seats?w=1":                     "leave them out",
		hosts + "/seats?w=0":                     "leave them out",
		hosts + "/seats?journal=false":           "leave them out",
		hosts + "/seats?retryWrites=false":       "leave them out",
		hosts + "/seats?w=frankfurt":             "leave them out",
		hosts + "/seats?maxPoolSize=many":        "malformed",
		"mongodb://anna:hunter2/3@host/seats":    "malformed",
		"mongodb://anna:hunter2@@127.0.0.1/seat": "malformed",
		"mysql://anna:hunter2@127.0.0.1/seats":   "malformed",
		"":                                       "malformed",
	} {
		refused(t, uri, want)
	}
}

// A command that lists must not make what a slip in a name has it look for.
func TestOpenWithoutMake(t *testing.T) {
	m := testengine.ReplicaSet(t)
	uri := m.NewDatabase(t)
	if e, err := mongostore.Open(t.Context(), uri, mongostore.Options{}); err == nil || !strings.Contains(err.Error(), "no Seatlock database of this name") {
		t.Fatalf("opened %v, %v", e, err)
	}
	if left := dump(t, m.Database(uri)); len(left) > 0 {
		t.Errorf("there is now %v", left)
	}
	if err := open(t, uri).CreateEvent(t.Context(), hall(3)); err != nil {
		t.Fatal(err)
	}
	before := dump(t, m.Database(uri))
	e, err := mongostore.Open(t.Context(), uri, mongostore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	events, err := e.Events(t.Context())
	if err := errors.Join(err, e.Close()); err != nil || len(events) != 1 {
		t.Errorf("the events are %v, %v", events, err)
	}
	if after := dump(t, m.Database(uri)); !reflect.DeepEqual(before, after) {
		t.Errorf("to list them made %v of %v", after, before)
	}
}

func TestOpenRefusesStandalone(t *testing.T) {
	m := testengine.StartMongo(t, testengine.MongoOptions{Standalone: true})
	refused(t, m.URI("seats"), "without a replica set", "rs.initiate()")
	refused(t, m.URI("seats")+"?replicaSet=rs0", "without a replica set", "rs.initiate()")
}

func TestOpenRefusesCredentials(t *testing.T) {
	m := testengine.StartMongo(t, testengine.MongoOptions{Nodes: 1, Password: "hunter2"})
	right := m.URI("seats")
	open(t, right)
	refused(t, strings.Replace(right, "hunter2", "hunter3", 1), "user name or password")
	refused(t, strings.Replace(right, "root:hunter2@", "", 1), "readWrite")
	refused(t, strings.Replace(right, "replicaSet=", "replicaSet=other-", 1), "another name")
}

func TestOpenWaitsForServers(t *testing.T) {
	m := testengine.StartMongo(t, testengine.MongoOptions{Nodes: 1})
	m.Kill(t, 0)
	s := open(t, m.URI("seats"))
	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("without a server ping says %v, want ErrUnavailable", err)
	}
	if _, err := s.Events(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("without a server got %v, want ErrUnavailable", err)
	}
	m.Restart(t, 0)
	eventually(t, "the store is ready", func() bool { return s.Ping(t.Context()) == nil })
	if err := s.CreateEvent(t.Context(), hall(3)); err != nil {
		t.Fatal(err)
	}
}

func TestCloseWhileWaiting(t *testing.T) {
	m := testengine.StartMongo(t, testengine.MongoOptions{Nodes: 1})
	m.Kill(t, 0)
	s := open(t, m.URI("seats"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("got %v, want ErrUnavailable", err)
	}
}

func TestTenInstancesAtOnce(t *testing.T) {
	uri := testengine.ReplicaSet(t).NewDatabase(t)
	var mu sync.Mutex
	var engines []*mongostore.Engine
	var opening sync.WaitGroup
	for range 10 {
		opening.Go(func() {
			s, err := mongostore.Open(t.Context(), uri, mongostore.Options{Make: true})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			engines = append(engines, s)
		})
	}
	opening.Wait()
	var secret []byte
	var epoch string
	for _, s := range engines {
		mine, err := s.Secret(t.Context())
		if err != nil || len(mine) != 32 || secret != nil && !bytes.Equal(mine, secret) {
			t.Errorf("secret %x, %v, want 32 bytes, for all the same", mine, err)
		}
		head, err := s.Recent(t.Context(), 0)
		if err != nil || epoch != "" && head.Epoch != epoch {
			t.Errorf("epoch %s, %v, want for all the same", head.Epoch, err)
		}
		secret, epoch = mine, head.Epoch
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// eventually asks until the answer is yes.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for began := time.Now(); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatalf("waited a minute until %s", what)
		}
	}
}
