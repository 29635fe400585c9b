package main

import (
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seatlock/seatlock/internal/testengine"
)

// TestBrowsersOnTwoInstances: a browser on one server and one on another see
// each other's seats at once, and one visitor is the same to both.
func TestBrowsersOnTwoInstances(t *testing.T) {
	database, browser := mongoWithDemo(t), testengine.Chromium(t)
	one, two := serveStoreOf(t, database, noDemos), serveStoreOf(t, database, noDemos)
	a, b := one.atDemo(browser), two.atDemo(browser)
	a.mark()
	b.mark()

	a.clickSeat("A1")
	a.sees(mine, "A1")
	b.sees(taken, "A1")
	b.clickSeat("B2")
	b.sees(mine, "B2")
	a.sees(taken, "B2")
	a.clickSeat("A1")
	a.sees(free, "A1")
	b.sees(free, "A1")
	a.wantSamePage()
	b.wantSamePage()

	// Cookies are of a host, whatever the port: the visitor of b is at one too.
	moved := b.inWindow()
	moved.site = one.site
	moved.openLive()
	moved.sees(mine, "B2")
	moved.basket("B2")
	moved.clickSeat("B2")
	b.sees(free, "B2")
	b.basket()
}

func TestExpiryOnTwoInstances(t *testing.T) {
	database, browser := mongoWithDemo(t), testengine.Chromium(t)
	one, two := serveStoreOf(t, database, noDemos, "--lock-ttl", "3s"), serveStoreOf(t, database, noDemos, "--lock-ttl", "3s")
	a, b := one.atDemo(browser), two.atDemo(browser)
	a.clickSeat("A1")
	a.sees(mine, "A1")
	b.sees(taken, "A1")
	b.sees(free, "A1")
	a.isTold("Your time ran out: Row A seat 1 is free again.")
	a.basket()
}

// TestInstanceDies: behind a proxy that knows no sessions, the browser of a
// server that is gone comes to another, and misses nothing.
func TestInstanceDies(t *testing.T) {
	database, browser := mongoWithDemo(t), testengine.Chromium(t)
	one, two := serveStoreOf(t, database, noDemos), serveStoreOf(t, database, noDemos)
	front := &front{}
	front.lead(t, one)
	proxy := httptest.NewServer(front)
	t.Cleanup(proxy.Close)
	a := one.newVisitor(browser)
	a.site = proxy.URL
	a.Excuse(`net::ERR_|htmx:sse:error|502`)
	a.openLive()
	a.clickSeat("A1")
	a.sees(mine, "A1")
	a.mark()

	front.lead(t, two)
	one.kill()
	two.rival().lock("B2")
	a.sees(taken, "B2")
	a.untilLive()
	a.sees(mine, "A1")
	a.basket("A1")
	a.clickSeat("C3")
	a.sees(mine, "C3")
	a.basket("A1", "C3")
	a.wantSamePage()
	one.start("127.0.0.1:0") // for the clean-up to stop
}

// TestKilledInstanceLeavesNothingBehind: what a server was writing when it was
// killed keeps no seat from others.
func TestKilledInstanceLeavesNothingBehind(t *testing.T) {
	database := mongoWithDemo(t)
	one, two := serveStoreOf(t, database, noDemos), serveStoreOf(t, database, noDemos)
	for range 5 {
		var busy sync.WaitGroup
		for i := range 10 {
			r, row := one.rival(), string(rune('A'+i))
			busy.Go(func() {
				for n := 0; ; n++ {
					answer, err := r.http.PostForm(one.site+"/events/demo/"+[]string{"lock", "unlock"}[n%2], url.Values{"seat": {row + "1", row + "2", row + "3"}})
					if err != nil {
						return // killed
					}
					_ = answer.Body.Close()
				}
			})
		}
		time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond) // any moment will do
		one.kill()
		busy.Wait()
		for i := range 10 {
			// Row by row: all that was locked is, and all else can be had.
			r, row := two.rival(), string(rune('A'+i))
			for seat := 1; seat <= 3; seat++ {
				answer, err := r.http.PostForm(two.site+"/events/demo/lock", url.Values{"seat": {fmt.Sprint(row, seat)}})
				if err != nil {
					t.Fatal(err)
				}
				_ = answer.Body.Close()
				if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusConflict {
					t.Errorf("%s%d, after the other server was killed: %s", row, seat, answer.Status)
				}
			}
			answer, err := r.http.PostForm(two.site+"/events/demo/unlock", nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
		}
		one.start("127.0.0.1:0")
	}
}

// front is a proxy before instances, of which it knows one at a time.
type front struct {
	to atomic.Pointer[httputil.ReverseProxy]
}

func (f *front) lead(t *testing.T, p *program) {
	t.Helper()
	target, err := url.Parse(p.site)
	if err != nil {
		t.Fatal(err)
	}
	f.to.Store(&httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
		ErrorLog: log.New(io.Discard, "", 0), // of a server that was killed
	})
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.to.Load().ServeHTTP(w, r) }

// TestServersCannotBeReached: the program waits for its store, and says so,
// rather than to end; and once it is there, all is well by itself.
func TestServersCannotBeReached(t *testing.T) {
	m := testengine.StartMongo(t, testengine.MongoOptions{Nodes: 1})
	m.Kill(t, 0)
	p := serveStoreOf(t, m.URI("seatlock"))
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 503, "/": 503, "/events/demo": 503, "/events/demo/live": 503} {
		status, retry, body := get(t, p.site+path)
		if status != want || want == 503 && path != "/readyz" && retry == "" {
			t.Errorf("%s answers %d (Retry-After %q), want %d", path, status, retry, want)
		}
		if strings.Contains(body, "127.0.0.1") || strings.Contains(body, "mongo") {
			t.Errorf("%s tells what is no visitor's business: %s", path, body)
		}
	}
	m.Restart(t, 0)
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		ready, _, _ := get(t, p.site+"/readyz")
		if event, _, _ := get(t, p.site+"/events/demo"); ready == 200 && event == 200 {
			break
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("a minute after its servers came back the program is not ready:\n%s", p.stderr)
		}
	}
	p.rival().lock("A1")
}

func get(t *testing.T, address string) (status int, retryAfter, body string) {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header.Get("Retry-After"), string(text)
}
