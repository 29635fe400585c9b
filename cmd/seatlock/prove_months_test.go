//go:build prove

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// before is the commit that TestProveMonths measures beside this one: the last
// whose boards and halls stayed for ever.
const before = "48c37df"

// side is a program and its stores: house has 1,000 events, ten has 10.
type side struct {
	program, house, ten string
	// sessions is SQL for a million sessions that are over.
	sessions string
}

// sides builds both programs, and makes their stores.
func sides(t *testing.T) (old, now side) {
	t.Helper()
	dir := t.TempDir()
	old = side{program: filepath.Join(dir, "old"), house: filepath.Join(dir, "house.db"), ten: filepath.Join(dir, "ten.db"),
		sessions: `INSERT INTO sessions SELECT 't' || i, CAST('{"deadline":"2020-01-01T00:00:00Z","values":{}}' AS BLOB), 1000 FROM n`}
	buildAt(t, before, old.program)
	seedEvents(t, old.program, old.house, 990, 10)
	seedEvents(t, old.program, old.ten, 0, 10)
	now = side{program: filepath.Join(dir, "now"), house: filepath.Join(dir, "house now.db"), ten: filepath.Join(dir, "ten now.db"),
		sessions: `INSERT INTO records (kind, id, version, expires, body) SELECT 'session', 't' || i, 1, 1000, '{"deadline":"2020-01-01T00:00:00Z","values":{}}' FROM n`}
	must(t, exec.Command("go", "build", "-o", now.program, "."))
	copyFile(t, old.house, now.house)
	copyFile(t, old.ten, now.ten)
	for _, path := range []string{now.house, now.ten} {
		must(t, exec.Command(now.program, "upgrade", "--store", "sqlite:"+path))
	}
	return old, now
}

// TestProveMonths prints what a server costs that has seen a thousand events,
// before and after.
func TestProveMonths(t *testing.T) {
	old, now := sides(t)

	fmt.Println("> One server, embedded store, 1,000 events of 1,301 seats of which 990 are over; each figure of a server just started.\n> *CPU* and *memory* are what the server has used more than before. Aim for 200 cold visitors: 2 s, 100 MB.\n> ")
	fmt.Printf("| what | %s: CPU, s | memory, MB | now: CPU, s | memory, MB |\n|---|---:|---:|---:|---:|\n", before)
	for _, test := range []struct {
		name     string
		warm     bool
		visitors int
	}{{"the list, cold", false, 1}, {"the list, warm", true, 1}, {"50 at once, cold", false, 50}, {"200 at once, cold", false, 200}} {
		var cells []string
		for _, side := range []side{old, now} {
			s := startOn(t, side.program, side.house)
			if test.warm {
				s.visit("/", 1)
			}
			cpu, memory := s.cpu(), s.memory()
			s.visit("/", test.visitors)
			cells = append(cells, fmt.Sprintf("%.2f | %.0f", (s.cpu()-cpu).Seconds(), s.memory()-memory))
			s.end()
		}
		fmt.Printf("| %s | %s |\n", test.name, strings.Join(cells, " | "))
	}
	months(t, old, now)
}

// months prints the memory of a server after everybody has left.
func months(t *testing.T, old, now side) {
	fmt.Println("> \n> Each of the 1,000 events is opened once. *After* is five minutes after that; *ten* is a server with ten events alone, as\n> long after each of them was opened. Aim: at most 1.2 of it.\n> ")
	fmt.Println("| program | memory with all open, MB | after, MB | ten, MB | after/ten |\n|---|---:|---:|---:|---:|")
	for name, side := range map[string]side{before: old, "now": now} {
		all, few := startOn(t, side.program, side.house), startOn(t, side.program, side.ten)
		for n := range 1000 {
			all.visit(fmt.Sprintf("/events/e%d", n), 1)
		}
		for n := range 10 {
			few.visit(fmt.Sprintf("/events/e%d", n), 1)
		}
		open := all.memory()
		time.Sleep(5 * time.Minute) // what is measured is what five minutes do
		fmt.Printf("| %s | %.0f | %.0f | %.0f | %.2f |\n", name, open, all.memory(), few.memory(), all.memory()/few.memory())
		all.end()
		few.end()
	}
}

// TestProveMornings prints how long a server takes to be ready, and whom it keeps
// waiting while it prunes.
func TestProveMornings(t *testing.T) {
	old, now := sides(t)
	fmt.Println("> *Ready* is from the start to the first 200 of /readyz. *Longest lock* is the longest of one visitor who locks and gives back\n> for 30 s from then on, while the server prunes.\n> ")
	fmt.Printf("| store | %s: ready, s | longest lock, ms | now: ready, s | longest lock, ms |\n|---|---:|---:|---:|---:|\n", before)
	const million = `WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < 1000000) `
	for _, test := range []struct {
		name string
		sql  func(side) string
	}{
		{"as it is", func(side) string { return "" }},
		{"a million expired sessions", func(s side) string { return million + s.sessions }},
		{"300,000 recent changes", func(side) string { return recentChanges }},
	} {
		var cells []string
		for _, side := range []side{old, now} {
			path := filepath.Join(t.TempDir(), "seatlock.db")
			copyFile(t, side.house, path)
			conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
			if err != nil {
				t.Fatal(err)
			}
			err = sqlitex.ExecuteScript(conn, strings.ReplaceAll(test.sql(side), "NOW", strconv.FormatInt(time.Now().UnixMilli(), 10)), nil)
			if closing := conn.Close(); err != nil || closing != nil {
				t.Fatal(err, closing)
			}
			began := time.Now()
			s := startOn(t, side.program, path)
			ready := time.Since(began)
			cells = append(cells, fmt.Sprintf("%.1f | %.0f", ready.Seconds(), float64(s.longestLock().Microseconds())/1000))
			s.end()
		}
		fmt.Printf("| %s | %s |\n", test.name, strings.Join(cells, " | "))
	}
}

// recentChanges are changes of one seat, within the last seconds, which is
// then as the last of them says.
const recentChanges = `WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < 300000)
	INSERT INTO changes (position, at, event, body) SELECT (SELECT max(position) FROM changes) + i, NOW, 'e999',
		'[{"seat":"' || (SELECT id FROM seats WHERE event = 'e999' AND place = 5) || '","status":"available","version":' || (1 + i) || '}]' FROM n;
	UPDATE seats SET version = 300001 WHERE event = 'e999' AND place = 5`

// buildAt builds the program of another commit.
func buildAt(t *testing.T, commit, to string) {
	t.Helper()
	tree := to + ".tree"
	must(t, exec.Command("git", "worktree", "add", "-q", "--detach", tree, commit))
	t.Cleanup(func() { must(t, exec.Command("git", "worktree", "remove", "--force", tree)) })
	build := exec.Command("go", "build", "-o", to, "./cmd/seatlock")
	build.Dir = tree
	must(t, build)
}

func must(t *testing.T, command *exec.Cmd) {
	t.Helper()
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v: %s", command.Args, err, out)
	}
}

// seedEvents makes events of the demo theatre's seats, the first of which are
// over.
func seedEvents(t *testing.T, program, path string, over, open int) {
	t.Helper()
	for n := range over + open {
		starts := "2035-06-01T19:30"
		if n < over {
			starts = "2020-06-01T19:30"
		}
		must(t, exec.Command(program, "import", "--store", "sqlite:"+path, "--event", fmt.Sprintf("e%d", n), "--title", fmt.Sprintf("Evening %d", n),
			"--starts", starts, "../../store/plan/plans/theatre.json"))
	}
}

// measured is a running server of any version.
type measured struct {
	t    *testing.T
	cmd  *exec.Cmd
	site string
}

// startOn starts a program, and returns when it is ready.
func startOn(t *testing.T, program, path string) *measured {
	t.Helper()
	s := &measured{t: t, cmd: exec.Command(program, "--addr", "127.0.0.1:0", "--store", "sqlite:"+path, "--demo=false")}
	s.cmd.Stderr = io.Discard
	stdout, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	found := listensOn.FindStringSubmatch(line)
	if err != nil || found == nil {
		t.Fatalf("the program said %q, %v", line, err)
	}
	s.site = "http://" + found[1]
	for {
		answer, err := http.Get(s.site + "/readyz")
		if err == nil && answer.Body.Close() == nil && answer.StatusCode == http.StatusOK {
			return s
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (s *measured) end() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	_ = s.cmd.Wait()
}

// visit has as many visitors ask for a page at once, each as a new one.
func (s *measured) visit(path string, visitors int) {
	var all sync.WaitGroup
	for range visitors {
		all.Go(func() {
			answer, err := http.Get(s.site + path)
			if err != nil {
				s.t.Error(err)
				return
			}
			defer answer.Body.Close()
			if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK {
				s.t.Errorf("%s: %s, %v", path, answer.Status, err)
			}
		})
	}
	all.Wait()
}

// longestLock is the longest that a visitor waited within 30 s.
func (s *measured) longestLock() (longest time.Duration) {
	r := (&program{t: s.t, site: s.site}).rival()
	_, _, page := get(s.t, s.site+"/events/e998/sections/stalls")
	id := strings.SplitN(strings.SplitN(page, `id="seat-`, 2)[1], `"`, 2)[0]
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		for _, what := range []string{"lock", "unlock"} {
			began := time.Now()
			r.postTo("e998", what, []string{id})
			longest = max(longest, time.Since(began))
		}
	}
	return longest
}

// cpu is what the server has used, in user mode and in the kernel.
func (s *measured) cpu() time.Duration {
	stat := s.proc("stat")
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100
}

// memory is the server's resident memory in MB.
func (s *measured) memory() float64 {
	for line := range strings.Lines(s.proc("status")) {
		if kb, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.Fields(kb)[0])
			return float64(n) / 1000
		}
	}
	s.t.Fatal("no VmRSS")
	return 0
}

func (s *measured) proc(name string) string {
	s.t.Helper()
	body, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.cmd.Process.Pid, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(bytes.TrimSpace(body))
}
