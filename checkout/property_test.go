//go:build unix

package checkout_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/seatlock/seatlock/checkout/paytest"
	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/mongostore"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

// childEnv has a process of this test run schedules and nothing else.
const childEnv = "CHECKOUT_TEST_CHILD"

func TestMain(m *testing.M) {
	if task := os.Getenv(childEnv); task != "" {
		if err := runChild(context.Background(), task); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// task is what a child process is told: which schedules to run, and where; or
// with a Point, where to die on the way of one booking.
type task struct {
	Dir, Store  string
	First, Last uint64
	Point       string
}

// openWorld opens both instances of a world on a store.
func openWorld(ctx context.Context, dir, address string) (*world, error) {
	w := &world{reached: func(string) {}, count: func(s *store.Sales, b store.Booking) { s.Add(b, time.UTC) }}
	for i := range w.stores {
		var engine store.Engine
		var err error
		if path, embedded := strings.CutPrefix(address, "sqlite:"); embedded {
			engine, err = sqlitestore.Open(ctx, path, sqlitestore.Options{})
		} else {
			w.mongo = true
			engine, err = mongostore.Open(ctx, address, mongostore.Options{Make: true})
		}
		if err != nil {
			return nil, err
		}
		w.stores[i] = store.New(engine)
	}
	var err error
	w.ledger, err = paytest.OpenLedger(filepath.Join(dir, "ledger.json"))
	return w, err
}

func (w *world) close() error {
	return errors.Join(w.stores[0].Close(), w.stores[1].Close())
}

// runChild runs schedules one after the other. A schedule that is killed is
// brought to its end by the next process with the same task.
func runChild(ctx context.Context, encoded string) error {
	var t task
	if err := json.Unmarshal([]byte(encoded), &t); err != nil {
		return err
	}
	w, err := openWorld(ctx, t.Dir, t.Store)
	if err != nil {
		return err
	}
	if t.Point != "" {
		return w.dieAt(ctx, t.Point)
	}
	next, progress := t.First, filepath.Join(t.Dir, "progress")
	if body, err := os.ReadFile(progress); err == nil {
		var killed uint64
		if _, err := fmt.Sscan(string(body), &killed); err != nil {
			return err
		}
		if err := w.schedule(killed).recover(ctx); err != nil {
			return fmt.Errorf("schedule %d, killed: %w", killed, err)
		}
		next = killed + 1
	}
	for seed := next; seed <= t.Last; seed++ {
		if err := os.WriteFile(progress, fmt.Append(nil, seed), 0o600); err != nil {
			return err
		}
		w.reached = killAt(seed)
		if err := w.schedule(seed).play(ctx); err != nil {
			return fmt.Errorf("schedule %d: %w", seed, err)
		}
	}
	if err := w.close(); err != nil {
		return err
	}
	return checkStore(ctx, t.Store)
}

// checkStore has the engine's own check look at all that the schedules have left.
func checkStore(ctx context.Context, address string) error {
	check := mongostore.Check
	path, embedded := strings.CutPrefix(address, "sqlite:")
	if embedded {
		check = sqlitestore.Check
	}
	found, err := check(ctx, path)
	if err == nil && len(found) > 0 {
		err = fmt.Errorf("the check finds %d things, and first: %v", len(found), found[0])
	}
	return err
}

// killAt ends the process at a point that the seed draws; half of the schedules
// are not killed.
func killAt(seed uint64) func(string) {
	draw := rand.New(rand.NewPCG(seed, 99))
	if draw.IntN(2) == 0 {
		return func(string) {}
	}
	var passed atomic.Int64
	at := 1 + draw.Int64N(1+draw.Int64N(1+draw.Int64N(40))) // the first ones most: not all schedules get far
	return func(string) {
		if passed.Add(1) == at {
			die()
		}
	}
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // until that has come
}

// runSchedules runs so many schedules in parts, each in child processes of its
// own beside the others: a schedule waits more than it computes. It returns how
// many were killed, and how long all took.
func runSchedules(t *testing.T, count, parts int, newStore func(dir string) string) (int64, time.Duration) {
	t.Helper()
	began, first := time.Now(), rand.Uint64N(1<<40)
	var killed atomic.Int64
	var running sync.WaitGroup
	for i := range parts {
		dir := t.TempDir()
		share := uint64(count / parts)
		what := task{Dir: dir, Store: newStore(dir), First: first + uint64(i)*share}
		what.Last = what.First + share - 1
		running.Go(func() { killed.Add(runTask(t, what)) })
	}
	running.Wait()
	took := time.Since(began).Round(time.Second)
	t.Logf("%d schedules from seed %d in %v, %d of them killed", count, first, took, killed.Load())
	if killed.Load() == 0 {
		t.Error("no schedule was killed")
	}
	return killed.Load(), took
}

// runTask starts processes until one has reached the end of the task.
func runTask(t *testing.T, what task) (killed int64) {
	encoded, err := json.Marshal(what)
	if err != nil {
		t.Error(err)
		return 0
	}
	for {
		var said bytes.Buffer
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), childEnv+"="+string(encoded))
		child.Stdout, child.Stderr = &said, &said
		err := child.Run()
		if status, ok := child.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL && t.Context().Err() == nil {
			killed++
			continue
		}
		if err != nil {
			t.Errorf("%v: %s", err, said.Bytes())
		}
		return killed
	}
}

func embedded(dir string) string { return "sqlite:" + filepath.Join(dir, "seatlock.db") }

func replicaSet(t *testing.T) func(string) string {
	return func(string) string { return testengine.ReplicaSet(t).NewDatabase(t) }
}

// TestSchedules: money and seats agree at rest, whatever happens on the way.
// TestProveSchedules runs more of them.
func TestSchedules(t *testing.T) {
	t.Run("embedded", func(t *testing.T) { runSchedules(t, 240, 4, embedded) })
	t.Run("MongoDB", func(t *testing.T) { runSchedules(t, 40, 4, replicaSet(t)) })
}
