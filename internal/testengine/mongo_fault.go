//go:build unix

package testengine

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// URI returns the connection string of a database.
func (m *Mongo) URI(database string) string {
	hosts := make([]string, len(m.nodes))
	for i, n := range m.nodes {
		hosts[i] = n.address
	}
	uri := url.URL{Scheme: "mongodb", Host: strings.Join(hosts, ","), Path: "/" + database}
	query := url.Values{}
	if !m.o.Standalone {
		query.Set("replicaSet", m.name)
	}
	if m.o.Password != "" {
		uri.User = url.UserPassword("root", m.o.Password)
		query.Set("authSource", "admin")
	}
	uri.RawQuery = query.Encode()
	return uri.String()
}

// NewDatabase returns the connection string of a new database, which is dropped
// when the test ends.
func (m *Mongo) NewDatabase(t testing.TB) string {
	t.Helper()
	name := "test-" + randomName()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := m.admin.Database(name).Drop(ctx); err != nil {
			t.Logf("drop database %s: %v", name, err) // the test may have broken the set
		}
	})
	return m.URI(name)
}

// Database returns the database of a connection string, to read or change its
// documents directly, without the engine.
func (m *Mongo) Database(uri string) *mongo.Database {
	_, rest, _ := strings.Cut(uri, "://")
	_, path, _ := strings.Cut(rest, "/")
	name, _, _ := strings.Cut(path, "?")
	return m.admin.Database(name)
}

// Primary waits for a primary among the nodes that run and are not frozen,
// and returns its number.
func (m *Mongo) Primary(t testing.TB) int {
	t.Helper()
	for began := time.Now(); time.Since(began) < patience; time.Sleep(20 * time.Millisecond) {
		for i, n := range m.nodes {
			if n.process == nil {
				continue
			}
			ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
			err := n.await(ctx, func(h hello) bool { return h.Primary })
			cancel()
			if err == nil {
				return i
			}
		}
	}
	t.Fatal("the replica set has no primary")
	return -1
}

// Settled waits until there is a primary and every running node follows it.
func (m *Mongo) Settled(t testing.TB) {
	t.Helper()
	m.Primary(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must(t, m.settle(ctx))
}

// Kill ends a node with SIGKILL, like the loss of a machine.
func (m *Mongo) Kill(t testing.TB, node int) {
	t.Helper()
	must(t, m.nodes[node].kill())
}

// Restart starts a killed node again, with the data and at the address it had.
func (m *Mongo) Restart(t testing.TB, node int) {
	t.Helper()
	must(t, m.nodes[node].start())
}

// Freeze stops a node with SIGSTOP: it keeps its connections but does not answer.
func (m *Mongo) Freeze(t testing.TB, node int) {
	t.Helper()
	must(t, m.nodes[node].signal(syscall.SIGSTOP))
}

// Thaw lets a frozen node continue.
func (m *Mongo) Thaw(t testing.TB, node int) {
	t.Helper()
	must(t, m.nodes[node].signal(syscall.SIGCONT))
}

// StepDown makes the primary step down, so that another node is elected.
func (m *Mongo) StepDown(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must(t, m.admin.Database("admin").RunCommand(ctx, bson.D{{Key: "replSetStepDown", Value: 30}}).Err())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// CPU returns the CPU time that all running nodes together have used, to a
// hundredth of a second. It needs Linux.
func (m *Mongo) CPU(t testing.TB) (used time.Duration) {
	t.Helper()
	for _, n := range m.nodes {
		if n.process == nil {
			continue
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.process.Process.Pid))
		must(t, err)
		_, rest, _ := strings.Cut(string(stat), ") ") // after the name, which may be anything
		fields := strings.Fields(rest)
		for _, ticks := range fields[11:13] { // in user mode, in kernel mode
			n, err := strconv.Atoi(ticks)
			must(t, err)
			used += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return used
}
