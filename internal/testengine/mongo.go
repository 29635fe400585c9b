//go:build unix

package testengine

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// MongoOptions are the options of [StartMongo]. The zero value is a replica set
// of three nodes without a password.
type MongoOptions struct {
	Nodes int // 0 is 3
	// Election is the time without a primary after which another is elected.
	// 0 is MongoDB's default of ten seconds, long enough for a busy machine.
	Election time.Duration
	// Standalone starts one node without a replica set.
	Standalone bool
	// Oplog is the size of the oplog in MB. 0 is 1024.
	Oplog int
	// Password, if set, is that of the user "root", and everybody must log in.
	Password string
}

// Mongo is a running MongoDB. Its nodes are numbered from 0.
type Mongo struct {
	name    string
	o       MongoOptions
	folder  string
	nodes   []*mongod
	admin   *mongo.Client
	janitor *janitor
}

// processSet starts the replica set that [ReplicaSet] returns.
var processSet = sync.OnceValues(func() (*Mongo, error) { return startMongo(MongoOptions{}) })

// ReplicaSet returns a replica set of three nodes that all tests of the process
// share, each with its own database. The first call starts it, which takes some
// ten seconds; it ends with the process, even if that is killed. Tests that
// break nodes start their own with [StartMongo].
func ReplicaSet(t testing.TB) *Mongo {
	t.Helper()
	m, err := processSet()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// StartMongo starts a MongoDB that ends with the test.
func StartMongo(t testing.TB, o MongoOptions) *Mongo {
	t.Helper()
	m, err := startMongo(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.end)
	return m
}

var errNoMongod = errors.New("no mongod found, which tests of the MongoDB engine need: " +
	"run make mongod, or install MongoDB 6.0 or later, or set MONGOD to the program's path")

func findMongod(getenv func(string) string, lookPath func(string) (string, error), cached string) (string, error) {
	if named := getenv("MONGOD"); named != "" {
		path, err := lookPath(named)
		if err != nil {
			return "", fmt.Errorf("MONGOD=%s: %w", named, err)
		}
		return path, nil
	}
	for _, name := range []string{"mongod", cached} {
		if path, err := lookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNoMongod
}

// cachedMongod is where mongod.sh puts what it fetches.
func cachedMongod() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "..", ".cache", "mongod")
}

func startMongo(o MongoOptions) (*Mongo, error) {
	path, err := findMongod(os.Getenv, exec.LookPath, cachedMongod())
	if err != nil {
		return nil, err
	}
	switch {
	case o.Standalone:
		o.Nodes = 1
	case o.Nodes == 0:
		o.Nodes = 3
	}
	m := &Mongo{name: "rs-" + randomName(), o: o}
	if m.folder, err = os.MkdirTemp("", "seatlock-mongo-"); err != nil {
		return nil, err
	}
	if m.janitor, err = startJanitor(m.folder, 0); err != nil {
		return nil, errors.Join(err, os.RemoveAll(m.folder))
	}
	if err := m.start(path); err != nil {
		m.end()
		return nil, err
	}
	return m, nil
}

func (m *Mongo) start(path string) error {
	for i := range m.o.Nodes {
		n := &mongod{path: path, folder: filepath.Join(m.folder, fmt.Sprint(i))}
		m.nodes = append(m.nodes, n)
		if err := n.prepare(m); err != nil {
			return err
		}
	}
	return m.form()
}

// form makes the running nodes a replica set, and connects as an administrator.
func (m *Mongo) form() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if !m.o.Standalone {
		if err := m.initiate(ctx); err != nil {
			return fmt.Errorf("initiate the replica set: %w", err)
		}
	}
	if m.o.Password != "" {
		create := bson.D{{Key: "createUser", Value: "root"}, {Key: "pwd", Value: m.o.Password}, {Key: "roles", Value: bson.A{"root"}}}
		if err := m.nodes[0].run(ctx, create); err != nil { // MongoDB lets localhost create the first user
			return fmt.Errorf("create a user: %w", err)
		}
	}
	var err error
	m.admin, err = mongo.Connect(options.Client().ApplyURI(m.URI("admin")))
	if err != nil || m.o.Standalone {
		return err
	}
	return m.settle(ctx)
}

func (m *Mongo) initiate(ctx context.Context) error {
	members, settings := bson.A{}, bson.D{}
	for i, n := range m.nodes {
		members = append(members, bson.D{{Key: "_id", Value: i}, {Key: "host", Value: n.address}})
	}
	if m.o.Election > 0 {
		// Heartbeats also carry a node's replication position, which is all
		// that a new primary learns of a node that still waits for the former
		// primary. The catch-up is short, or a new primary would wait for its
		// frozen predecessor to send writes that no majority has.
		settings = bson.D{
			{Key: "catchUpTimeoutMillis", Value: m.o.Election.Milliseconds() / 8},
			{Key: "electionTimeoutMillis", Value: m.o.Election.Milliseconds()},
			{Key: "heartbeatIntervalMillis", Value: m.o.Election.Milliseconds() / 8},
		}
	}
	err := m.nodes[0].run(ctx, bson.D{{Key: "replSetInitiate", Value: bson.D{
		{Key: "_id", Value: m.name}, {Key: "members", Value: members}, {Key: "settings", Value: settings},
	}}})
	if err != nil {
		return err
	}
	return m.nodes[0].await(ctx, func(h hello) bool { return h.Primary })
}

// settle waits until every running node is primary or secondary.
func (m *Mongo) settle(ctx context.Context) error {
	for _, n := range m.nodes {
		if n.process == nil {
			continue
		}
		if err := n.await(ctx, func(h hello) bool { return h.Primary || h.Secondary }); err != nil {
			return err
		}
	}
	return nil
}

// end ends all nodes and removes their files.
func (m *Mongo) end() {
	if m.admin != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = m.admin.Disconnect(ctx) // at the latest, its connections end with the nodes
	}
	m.janitor.cleanUp()
	for _, n := range m.nodes {
		n.reap()
	}
}

func randomName() string {
	name := make([]byte, 5)
	rand.Read(name)
	return hex.EncodeToString(name)
}
