//go:build unix

package testengine

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

func TestFindChromium(t *testing.T) {
	for name, c := range map[string]struct {
		chrome  string
		onPath  []string
		want    string
		missing bool
	}{
		"named":                {chrome: "/opt/chrome", onPath: []string{"/opt/chrome", "chromium"}, want: "/opt/chrome"},
		"named and not there":  {chrome: "/opt/chrome", onPath: []string{"chromium"}, missing: true},
		"on the path":          {onPath: []string{"google-chrome", "chromium"}, want: "chromium"},
		"only Google's":        {onPath: []string{"google-chrome"}, want: "google-chrome"},
		"nothing is installed": {missing: true},
	} {
		t.Run(name, func(t *testing.T) {
			getenv := func(key string) string { return map[string]string{"CHROME": c.chrome}[key] }
			got, err := findChromium(getenv, func(program string) (string, error) {
				if slices.Contains(c.onPath, program) {
					return program, nil
				}
				return "", exec.ErrNotFound
			})
			if got != c.want || (err != nil) != c.missing {
				t.Errorf("found %q, %v; want %q, missing %v", got, err, c.want, c.missing)
			}
		})
	}
	_, err := findChromium(func(string) string { return "" }, func(string) (string, error) { return "", exec.ErrNotFound })
	if !errors.Is(err, errNoChromium) || !strings.Contains(err.Error(), "install the package chromium") {
		t.Errorf("nothing found: %v, want what to install", err)
	}
}

// strictSite serves a page with the body, under a strict content security policy.
func strictSite(t *testing.T, body string) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:")
		h.Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(`<!DOCTYPE html><title>A page</title><link rel="icon" href="data:,">` + body))
	})
	mux.HandleFunc("GET /{script}", func(w http.ResponseWriter, r *http.Request) {
		script, known := map[string]string{
			"log.js":    `console.log('a word')`,
			"throw.js":  `throw new Error('a fault')`,
			"reject.js": `Promise.reject(new Error('a promise'))`,
			"409.js":    `fetch('/409')`,
			"503.js":    `fetch('/503')`,
			"cut.js":    `fetch('/cut')`,
		}[r.PathValue("script")]
		switch {
		case known:
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte(script))
		case r.URL.Path == "/409":
			w.WriteHeader(http.StatusConflict)
		case r.URL.Path == "/503":
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.URL.Path == "/cut":
			panic(http.ErrAbortHandler)
		default:
			http.NotFound(w, r)
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// The browser's complaints would fail the test: here they are checked, and
// excused.
func TestComplaints(t *testing.T) {
	browser := Chromium(t)
	for name, c := range map[string]struct{ body, want string }{
		"console":           {`<script src="log.js"></script>`, "a word"},
		"exception":         {`<script src="throw.js"></script>`, "a fault"},
		"rejected promise":  {`<script src="reject.js"></script>`, "a promise"},
		"inline style":      {`<p style="color:red">`, "policy: style-src"},
		"inline script":     {`<script>document.title = 'B'</script>`, "policy: script-src"},
		"foreign image":     {`<img src="http://127.0.0.1:1/x.png" alt="">`, "policy: img-src"},
		"answer of 503":     {`<script src="503.js"></script>`, "status 503"},
		"connection is cut": {`<script src="cut.js"></script>`, "load failed: Fetch net::ERR_EMPTY_RESPONSE"},
	} {
		t.Run(name, func(t *testing.T) {
			tab := browser.Visitor(t)
			tab.visit(t, strictSite(t, c.body))
			complained := func() bool {
				return slices.ContainsFunc(tab.Complaints(), func(s string) bool { return strings.Contains(s, c.want) })
			}
			for limit := time.Now().Add(20 * time.Second); !complained(); {
				if time.Now().After(limit) {
					t.Fatalf("complaints %q, want one with %q", tab.Complaints(), c.want)
				}
				tab.evaluate(t, `new Promise(done => setTimeout(done, 20, ''))`, chromedp.EvalAwaitPromise)
			}
			tab.Excuse("")
		})
	}
}

// Chromium logs each answer of 4xx, which is no complaint.
func TestRefusalsAreNoComplaints(t *testing.T) {
	tab := Chromium(t).Visitor(t)
	tab.visit(t, strictSite(t, `<script src="409.js"></script>`))
	if got := tab.evaluate(t, `fetch('/409').then(r => String(r.status))`, chromedp.EvalAwaitPromise); got != "409" {
		t.Fatalf("status %s, want 409", got)
	}
}

// Visitors have their own cookies; the tabs of one visitor share them.
func TestVisitors(t *testing.T) {
	site := strictSite(t, "")
	browser := Chromium(t)
	one, other := browser.Visitor(t), browser.Visitor(t)
	one.visit(t, site)
	one.evaluate(t, `document.cookie = 'who=one'`)
	for _, c := range []struct {
		name string
		tab  *Tab
		want string
	}{
		{"the same tab", one, "who=one"},
		{"a tab beside it", one.Beside(t), "who=one"},
		{"a window of theirs", one.Window(t), "who=one"},
		{"somebody else", other, ""},
	} {
		c.tab.visit(t, site)
		if got := c.tab.evaluate(t, `document.cookie`); got != c.want {
			t.Errorf("%s: cookies %q, want %q", c.name, got, c.want)
		}
	}
}

// A tab is hidden by another tab in front of it, but not by another window.
func TestBesideHides(t *testing.T) {
	site := strictSite(t, "")
	first := Chromium(t).Visitor(t)
	first.visit(t, site)
	if got := first.evaluate(t, `String(document.hidden)`); got != "false" {
		t.Fatalf("alone: hidden is %s", got)
	}
	first.Beside(t).visit(t, site)
	if got := first.evaluate(t, `String(document.hidden)`); got != "true" {
		t.Errorf("with another tab in front: hidden is %s", got)
	}
	first.Front(t)
	if got := first.evaluate(t, `String(document.hidden)`); got != "false" {
		t.Errorf("in front again: hidden is %s", got)
	}
	first.Window(t).visit(t, site)
	if got := first.evaluate(t, `String(document.hidden)`); got != "false" {
		t.Errorf("with another window: hidden is %s", got)
	}
}

func (tab *Tab) visit(t *testing.T, url string) {
	t.Helper()
	if err := chromedp.Do(tab.Context, chromedp.Navigate(url)); err != nil {
		t.Fatalf("open %s: %v", url, err)
	}
}

func (tab *Tab) evaluate(t *testing.T, script string, opts ...chromedp.EvaluateOption) string {
	t.Helper()
	got, err := chromedp.Run(tab.Context, chromedp.Evaluate[string](script, opts...))
	if err != nil {
		t.Fatalf("evaluate %s: %v", script, err)
	}
	return got
}
