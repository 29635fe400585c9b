//go:build unix

package testengine

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"go.mongodb.org/mongo-driver/v2/bson"
)

func TestFindMongod(t *testing.T) {
	for name, c := range map[string]struct {
		named  string
		there  []string
		want   string
		failed bool
	}{
		"named":                {named: "/opt/mongod", there: []string{"/opt/mongod", "mongod"}, want: "/opt/mongod"},
		"named and not there":  {named: "/opt/mongod", there: []string{"mongod", "/cache"}, failed: true},
		"on the path":          {there: []string{"mongod", "/cache"}, want: "mongod"},
		"fetched":              {there: []string{"/cache"}, want: "/cache"},
		"nothing is installed": {failed: true},
	} {
		t.Run(name, func(t *testing.T) {
			getenv := func(key string) string { return map[string]string{"MONGOD": c.named}[key] }
			got, err := findMongod(getenv, only(c.there...), "/cache")
			if got != c.want || (err != nil) != c.failed {
				t.Errorf("found %q, %v; want %q, failed %v", got, err, c.want, c.failed)
			}
		})
	}
	_, err := findMongod(func(string) string { return "" }, only(), "/cache")
	if !errors.Is(err, errNoMongod) || !strings.Contains(err.Error(), "make mongod") {
		t.Errorf("nothing found: %v, want what to do", err)
	}
}

// only returns an exec.LookPath that finds just these programs.
func only(programs ...string) func(string) (string, error) {
	return func(name string) (string, error) {
		for _, p := range programs {
			if p == name {
				return p, nil
			}
		}
		return "", exec.ErrNotFound
	}
}

// A replica set survives the failure of each node, without a loss.
func TestMongoFaults(t *testing.T) {
	m := StartMongo(t, MongoOptions{Election: time.Second})
	m.Settled(t)
	books := m.Database(m.NewDatabase(t)).Collection("books")
	for _, fault := range []struct {
		name       string
		break_, of func(t testing.TB, node int)
	}{
		{"kill", m.Kill, m.Restart},
		{"freeze", m.Freeze, m.Thaw},
		{"step down", func(t testing.TB, _ int) { m.StepDown(t) }, func(testing.TB, int) {}},
	} {
		if _, err := books.InsertOne(t.Context(), bson.D{{Key: "_id", Value: fault.name}}); err != nil {
			t.Fatal(err)
		}
		was := m.Primary(t)
		fault.break_(t, was)
		if is := m.Primary(t); is == was && fault.name != "step down" {
			t.Errorf("%s: node %d is still the primary", fault.name, is)
		}
		fault.of(t, was)
		m.Settled(t)
	}
	if n, err := books.CountDocuments(t.Context(), bson.D{}); n != 3 || err != nil {
		t.Errorf("%d books are left, %v, want 3", n, err)
	}
}

func TestMongoEndsWithItsProcess(t *testing.T) {
	endsWithProcess(t, func() (folder string, pid int) {
		m := StartMongo(t, MongoOptions{Standalone: true})
		return m.folder, m.nodes[0].process.Process.Pid
	})
}

func TestChromiumEndsWithItsProcess(t *testing.T) {
	endsWithProcess(t, func() (folder string, pid int) {
		b := Chromium(t)
		for range 3 { // also when others ask, and after garbage collection
			Chromium(t).Visitor(t)
			runtime.GC()
		}
		return b.folder, chromedp.FromContext(b.ctx).Browser.Process().Pid
	})
}

// endsWithProcess tests that a program ends with the process that started it,
// even if that is killed. The process is this test, run once more.
func endsWithProcess(t *testing.T, start func() (folder string, pid int)) {
	t.Helper()
	const told = "SEATLOCK_TEST_TELL_STARTED"
	if file := os.Getenv(told); file != "" {
		folder, pid := start()
		must(t, syscall.Kill(pid, 0))
		must(t, os.WriteFile(file+".part", []byte(folder+"\n"+strconv.Itoa(pid)), 0o600))
		must(t, os.Rename(file+".part", file))
		select {} // until it is killed
	}
	file := filepath.Join(t.TempDir(), "told")
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), told+"="+file)
	must(t, child.Start())
	var folder string
	var pid int
	eventually(t, "the child has started it", func() bool {
		text, err := os.ReadFile(file)
		if err != nil {
			return false
		}
		name, number, _ := strings.Cut(string(text), "\n")
		folder = name
		pid, err = strconv.Atoi(number)
		return err == nil
	})
	must(t, syscall.Kill(pid, 0)) // it runs
	must(t, child.Process.Kill())
	_ = child.Wait() // killed, as it should be
	eventually(t, "it has ended", func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
	eventually(t, "its folder is gone", func() bool { _, err := os.Stat(folder); return errors.Is(err, os.ErrNotExist) })
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for began := time.Now(); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("waited %v until %s", patience, what)
		}
	}
}
