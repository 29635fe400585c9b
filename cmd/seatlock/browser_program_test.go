package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seatlock/seatlock/internal/testengine"
)

// asProgram makes the test binary be the program itself, built as the tests
// are: with the race detector if they have it.
const asProgram = "SEATLOCK_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		os.Exit(m.Run())
	}
	go func() { // a server whose test is gone, however it ended, is to go too
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(exitFault)
	}()
	main()
}

// program is a running server.
type program struct {
	t      *testing.T
	site   string // http://host:port
	store  string // as the flag has it
	flags  []string
	cmd    *exec.Cmd
	stderr *output
}

// serveProgram starts the program on a free port with a store of its own that
// has the demo events.
func serveProgram(t *testing.T, flags ...string) *program {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seatlock.db")
	if err := os.WriteFile(path, withDemos(t), 0o644); err != nil {
		t.Fatal(err)
	}
	return serveStoreOf(t, "sqlite:"+path, append([]string{noDemos}, flags...)...)
}

// noDemos is the flag of a server whose store has its events: it need not read
// the plans of the larger demos to see that.
const noDemos = "--demo=false"

var seeded struct {
	sync.Mutex
	file []byte
}

// withDemos is a store's file as a first start leaves it. It is made once:
// the larger demos take a while.
func withDemos(t *testing.T) []byte {
	t.Helper()
	seeded.Lock()
	defer seeded.Unlock()
	if seeded.file == nil {
		path := filepath.Join(t.TempDir(), "first.db")
		p := &program{t: t, store: "sqlite:" + path}
		p.start("127.0.0.1:0")
		p.stop()
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		seeded.file = file
	}
	return seeded.file
}

// mongoWithDemo is a database with the smallest demo event: to write the larger
// ones takes three nodes a while.
func mongoWithDemo(t *testing.T) (address string) {
	t.Helper()
	address = testengine.ReplicaSet(t).NewDatabase(t)
	st, err := openStore(t.Context(), address, opening{make: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(seedDemo(t.Context(), st, demos()[0]), st.Close()); err != nil {
		t.Fatal(err)
	}
	return address
}

// serveStoreOf starts the program on a free port with a store that may be
// others' too.
func serveStoreOf(t *testing.T, address string, flags ...string) *program {
	t.Helper()
	p := &program{t: t, store: address, flags: flags}
	p.start("127.0.0.1:0")
	t.Cleanup(p.stop)
	return p
}

var listensOn = regexp.MustCompile(`listens on (\S+):`)

// start returns once the server listens.
func (p *program) start(addr string) {
	p.t.Helper()
	p.cmd = exec.Command(os.Args[0], append([]string{"--addr", addr, "--store", p.store}, p.flags...)...)
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	p.stderr = &output{}
	p.cmd.Stderr = p.stderr
	if _, err := p.cmd.StdinPipe(); err != nil {
		p.t.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatalf("start the program: %v", err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	found := listensOn.FindStringSubmatch(line)
	if err != nil || found == nil {
		_ = p.cmd.Process.Kill()
		p.t.Fatalf("the program said %q, %v; and on stderr:\n%s", line, err, p.stderr)
	}
	p.site = "http://" + found[1]
}

// kill ends the server as a power cut would.
func (p *program) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	_ = p.cmd.Wait() // it was killed, and says so
}

// restart starts the server again on the same port and file.
func (p *program) restart() {
	p.t.Helper()
	p.start(strings.TrimPrefix(p.site, "http://"))
}

// stop ends the server as an operator would. It must end well and in time, and
// must not have logged a fault of its own, such as a data race.
func (p *program) stop() {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Errorf("stop the program: %v", err)
	}
	stuck := time.AfterFunc(30*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer stuck.Stop()
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the program ended with %v, want 0; and on stderr:\n%s", err, p.stderr)
	}
	if said := p.stderr.String(); strings.Contains(said, "level=ERROR") || strings.Contains(said, "DATA RACE") {
		p.t.Errorf("the program logged a fault:\n%s", said)
	}
}

// output collects what a child writes while others may look.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// rival is another visitor, who needs no browser: what they do is done when
// the call returns.
type rival struct {
	program *program
	http    *http.Client
}

func (p *program) rival() *rival {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return &rival{program: p, http: &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

func (r *rival) lock(seats ...string)   { r.program.t.Helper(); r.post("lock", seats) }
func (r *rival) unlock(seats ...string) { r.program.t.Helper(); r.post("unlock", seats) }

func (r *rival) post(what string, seats []string) {
	r.program.t.Helper()
	r.postTo("demo", what, seats)
}

// postTo must succeed.
func (r *rival) postTo(event, what string, seats []string) {
	t := r.program.t
	t.Helper()
	answer, err := r.http.PostForm(r.program.site+"/events/"+event+"/"+what, url.Values{"seat": seats})
	if err != nil {
		t.Fatalf("rival: %s %v: %v", what, seats, err)
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil || answer.StatusCode != http.StatusOK { // of the page that the post led to
		t.Fatalf("rival: %s %v: status %d, %v: %s", what, seats, answer.StatusCode, err, headline(body))
	}
}

var title = regexp.MustCompile(`<title>(.*?)</title>`)

func headline(page []byte) string { return string(title.Find(page)) }

// gate is a proxy before a program. It holds some requests back until all of
// them are there, so that no sender can know of the answer to another; then it
// passes them on, one after the other as they came, whoever still waits.
type gate struct {
	site string

	mu      sync.Mutex
	cookies int
	came    int
	all     chan struct{}
	passed  []chan struct{}
}

// behindGate holds the first requests of this kind, "GET /path", back.
func (p *program) behindGate(kind string, requests int) *gate {
	p.t.Helper()
	to, err := url.Parse(p.site)
	if err != nil {
		p.t.Fatal(err)
	}
	g := &gate{all: make(chan struct{})}
	for range requests {
		g.passed = append(g.passed, make(chan struct{}))
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorLog = log.New(io.Discard, "", 0) // browsers leave streams as they like
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method+" "+r.URL.Path == kind {
			g.hold(w, r, proxy)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	p.t.Cleanup(server.CloseClientConnections)
	g.site = server.URL
	return g
}

func (g *gate) hold(w http.ResponseWriter, r *http.Request, next http.Handler) {
	n := g.arrive(r)
	if n >= len(g.passed) {
		next.ServeHTTP(w, r)
		return
	}
	defer close(g.passed[n])
	r, cancel := detach(r)
	defer cancel()
	<-g.all
	if n > 0 {
		<-g.passed[n-1]
	}
	next.ServeHTTP(w, r)
}

// detach makes a request go on when its sender has left.
func detach(r *http.Request) (*http.Request, context.CancelFunc) {
	body, _ := io.ReadAll(r.Body) // what is cut short is refused as such
	// A context that cannot end would have the proxy watch the sender instead.
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	r = r.WithContext(ctx)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return r, cancel
}

// arrive counts a request, and returns how many came before it.
func (g *gate) arrive(r *http.Request) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.came
	if g.came++; g.came <= len(g.passed) && len(r.Cookies()) > 0 {
		g.cookies++
	}
	if g.came == len(g.passed) {
		close(g.all)
	}
	return n
}

// waiting tells how many requests came, and how many of those that are held
// back had a cookie.
func (g *gate) waiting() (came, withCookie int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.came, g.cookies
}
