package handlers_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/store"
)

func TestBadInputChangesNothing(t *testing.T) {
	h := open(t, setting{})
	many := func(n int, value string) string {
		return strings.TrimSuffix(strings.Repeat("seat="+value+"&", n), "&")
	}
	distinct := make([]string, 5000)
	for i := range distinct {
		distinct[i] = fmt.Sprintf("S%d", i)
	}
	tests := []struct {
		name, path, body, kind string
		status                 int
	}{
		{"unknown event", "/events/nothing/lock", "seat=A1", "", 404},
		{"event that is no id", "/events/%00/lock", "seat=A1", "", 404},
		{"unknown seat", "/events/demo/lock", "seat=Z99", "", 404},
		{"known and unknown seat", "/events/demo/lock", "seat=A1&seat=Z99", "", 404},
		{"no seat", "/events/demo/lock", "", "", 422},
		{"another field", "/events/demo/lock", "chair=A1", "", 422},
		{"empty seat", "/events/demo/lock", "seat=", "", 422},
		{"malformed seat", "/events/demo/lock", "seat=A%201%00", "", 422},
		{"operator as seat", "/events/demo/lock", "seat=$where", "", 422},
		{"long seat", "/events/demo/lock", "seat=" + strings.Repeat("A", 65), "", 422},
		{"half an escape", "/events/demo/lock", "seat=%zz", "", 422},
		{"5,000 repeats", "/events/demo/lock", many(5000, "A1"), "", 422},
		{"5,000 seats", "/events/demo/lock", url.Values{"seat": distinct}.Encode(), "", 422},
		{"over the limit", "/events/demo/lock", "seat=A1&seat=A2&seat=A3&seat=A4&seat=A5&seat=A6&seat=A7&seat=A8&seat=A9&seat=A10&seat=B1", "", 422},
		{"query instead of body", "/events/demo/lock?seat=A1", "", "", 422},
		{"body over 64 KiB", "/events/demo/lock", "seat=A1&x=" + strings.Repeat("y", 64<<10), "", 413},
		{"json", "/events/demo/lock", `{"seat":"A1"}`, "application/json", 415},
		{"text", "/events/demo/lock", "seat=A1", "text/plain", 415},
		{"type that is none", "/events/demo/lock", "seat=A1", ";;;", 415},
		{"unknown action", "/events/demo/steal", "seat=A1", "", 404},
		{"best: no count", "/events/demo/best", "", "", 422},
		{"best: empty count", "/events/demo/best", "count=", "", 422},
		{"best: no seats", "/events/demo/best", "count=0", "", 422},
		{"best: less than none", "/events/demo/best", "count=-1", "", 422},
		{"best: 1e9 seats", "/events/demo/best", "count=1e9", "", 422},
		{"best: more than a number", "/events/demo/best", "count=99999999999999999999", "", 422},
		{"best: half a seat", "/events/demo/best", "count=1.5", "", 422},
		{"best: a word", "/events/demo/best", "count=two", "", 422},
		{"best: over the limit", "/events/demo/best", "count=11", "", 422},
		{"best: first of repeated", "/events/demo/best", "count=0&count=2", "", 422},
		{"best: unknown category", "/events/demo/best", "count=2&category=none", "", 404},
		{"best: malformed category", "/events/demo/best", "count=2&category=%00", "", 404},
		{"best: unknown section", "/events/demo/best", "count=2&section=balcony", "", 404},
		{"best: accessible is no 1", "/events/demo/best", "count=2&accessible=yes", "", 422},
		{"best: accessible is empty", "/events/demo/best", "count=2&accessible=", "", 422},
		{"best: malformed request", "/events/demo/best", "count=2&request=../x", "", 422},
		{"best: long request", "/events/demo/best", "count=2&request=" + strings.Repeat("r", 65), "", 422},
		{"best: no such block", "/events/demo/best", "count=6", "", 422},
		{"best: unknown event", "/events/nothing/best", "count=2", "", 404},
		{"unlock of a malformed seat", "/events/demo/unlock", "seat=../A1", "", 422},
		{"unlock of an unknown seat", "/events/demo/unlock", "seat=Z99", "", 404},
	}
	before := h.dump(t)
	for _, test := range tests {
		for _, javascript := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/javascript=%t", test.name, javascript), func(t *testing.T) {
				p := h.visitor(t)
				p.javascript = javascript
				r := p.form("lock", test.body)
				target, err := url.Parse(h.URL + test.path)
				if err != nil {
					t.Fatal(err)
				}
				r.URL = target
				if test.kind != "" {
					r.Header.Set("Content-Type", test.kind)
				}
				got := p.do(r)
				if got.StatusCode != test.status {
					t.Errorf("status %d, want %d", got.StatusCode, test.status)
				}
				checkPlain(t, got.text)
			})
		}
	}
	if after := h.dump(t); after != before {
		t.Error("the store was changed")
	}
	if strings.Contains(h.log.String(), "level=ERROR") {
		t.Errorf("logged as our fault:\n%s", h.log)
	}
}

// checkPlain fails if an answer shows what only a programmer would know.
func checkPlain(t *testing.T, answer string) {
	t.Helper()
	if answer == "" {
		t.Error("an empty answer says nothing of what to do next")
	}
	for _, internal := range []string{"goroutine", "sqlite", "store:", "lock seats of", "invalid:", ".go:", "panic"} {
		if strings.Contains(answer, internal) {
			t.Errorf("the answer shows %q", internal)
		}
	}
}

// TestCrossSite walks all routes: whatever is not a GET answers 403 to another
// site, and no GET changes anything.
func TestCrossSite(t *testing.T) {
	h := open(t, setting{})
	h.visitor(t).post("lock", "J1")
	before := h.dump(t)
	for name, header := range map[string]http.Header{
		"cross-site":      {"Sec-Fetch-Site": {"cross-site"}},
		"sibling origin":  {"Sec-Fetch-Site": {"same-site"}},
		"foreign origin":  {"Origin": {"https://evil.example"}},
		"origin null":     {"Origin": {"null"}},
		"null, same host": {"Origin": {"null"}, "Sec-Fetch-Site": {"cross-site"}},
	} {
		for _, action := range []string{"lock", "best", "unlock", "extend"} {
			p := h.visitor(t)
			r := p.form(action, "seat=A1")
			for key, values := range header {
				r.Header[key] = values
			}
			if got := p.do(r); got.StatusCode != http.StatusForbidden {
				t.Errorf("%s %s: %d, want 403", name, action, got.StatusCode)
			}
		}
	}
	for _, path := range []string{"/", "/events/demo", "/events/demo/lock", "/events/demo/unlock?seat=J1", "/healthz", "/readyz", "/events/demo/plan-x.css", "/static/none"} {
		h.visitor(t).get(path)
	}
	if h.dump(t) != before {
		t.Error("the store was changed")
	}
	for name, header := range map[string]http.Header{
		"same origin":            {"Sec-Fetch-Site": {"same-origin"}},
		"typed by the person":    {"Sec-Fetch-Site": {"none"}},
		"older browser":          {"Origin": {h.URL}},
		"program without either": {},
	} {
		p := h.visitor(t)
		r := p.form("lock", "seat=A"+fmt.Sprint(1+len(name)%9))
		for key, values := range header {
			r.Header[key] = values
		}
		if got := p.do(r); got.StatusCode != 200 && got.StatusCode != 409 {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
	}
}

func TestEveryPageIsGuarded(t *testing.T) {
	h := open(t, setting{})
	inline := regexp.MustCompile(`(?i)\sstyle=|\son[a-z]+=|<script(?:[^>]*[^>a-z]src=)?>|<style|javascript:`)
	for _, path := range []string{"/", "/events/demo", "/events/nothing", "/nothing", "/events/demo/lock"} {
		r := h.visitor(t).get(path)
		csp := r.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'; script-src 'self'; style-src 'self'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %s %q, want %q", path, name, got, want)
			}
		}
		if found := inline.FindString(r.text); found != "" {
			t.Errorf("%s: inline %q", path, found)
		}
	}
	page := h.visitor(t).get("/events/demo")
	if got := page.Header.Get("Cache-Control"); got != "private, no-cache" {
		t.Errorf("map: Cache-Control %q", got)
	}
}

func TestAssetsAreKeptForEver(t *testing.T) {
	h := open(t, setting{})
	page := h.visitor(t).get("/events/demo").text
	paths := regexp.MustCompile(`(?:src|href)="(/static/[^"]+|/events/demo/plan-[^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(paths) < 6 {
		t.Fatalf("only %d assets on the page", len(paths))
	}
	for _, path := range paths {
		r := h.visitor(t).get(path[1])
		if r.StatusCode != 200 || !strings.Contains(r.Header.Get("Cache-Control"), "immutable") || r.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d, %v", path[1], r.StatusCode, r.Header)
		}
	}
	for _, path := range []string{"/static/app.js", "/static/app-000000000000.js", "/static/../go.mod", "/events/demo/plan-0.css", "/events/demo/other.css"} {
		if r := h.visitor(t).get(path); r.StatusCode != 404 {
			t.Errorf("%s: %d, want 404", path, r.StatusCode)
		}
	}
}

// TestIdentity: known from the first page, a row only with the first lock.
func TestIdentity(t *testing.T) {
	h := open(t, setting{})
	p := h.visitor(t)
	first := p.get("/events/demo").Header["Set-Cookie"]
	if len(first) != 1 || !strings.Contains(first[0], "HttpOnly") || !strings.Contains(first[0], "SameSite=Lax") || !strings.Contains(first[0], "Path=/") {
		t.Fatalf("the first page sets %q", first)
	}
	for range 50 {
		h.visitor(t).get("/events/demo")
	}
	if n := len(h.sessions(t)); n != 0 {
		t.Errorf("%d session rows after page views, want none", n)
	}
	if again := p.get("/events/demo"); again.Header.Get("Set-Cookie") != "" {
		t.Error("a known visitor gets another cookie")
	}
	if r := p.post("lock", "A1"); r.StatusCode != 200 || len(r.Header["Set-Cookie"]) > 1 || r.Header.Get("HX-Trigger") != "" {
		t.Errorf("first lock: %d %v", r.StatusCode, r.Header)
	}
	if n := len(h.sessions(t)); n != 1 {
		t.Errorf("%d session rows after one lock, want 1", n)
	}
	if !seatsIn(p.get("/events/demo").text)["A1"].mine {
		t.Error("the next page does not know the visitor")
	}
	stranger := h.visitor(t)
	r := stranger.post("lock", "A2") // no page before: the cookie was refused or lost
	if r.StatusCode != 200 || len(r.Header["Set-Cookie"]) != 1 || r.Header.Get("HX-Trigger") != "identity" {
		t.Errorf("lock without a cookie: %d %v", r.StatusCode, r.Header)
	}
}

func TestForgedCookieIsNone(t *testing.T) {
	h := open(t, setting{})
	owner := h.visitor(t)
	owner.get("/events/demo")
	owner.post("lock", "A1")
	home, err := url.Parse(h.URL)
	if err != nil {
		t.Fatal(err)
	}
	good := owner.http.Jar.Cookies(home)[0]
	token, signature, _ := strings.Cut(good.Value, ".")
	for name, value := range map[string]string{
		"the token alone":   token,
		"other signature":   token + "." + strings.Repeat("A", len(signature)),
		"signature of none": "." + signature,
		"changed token":     "X" + good.Value,
		"garbage":           `%%%"é;,=`,
		"empty":             "",
		"huge":              strings.Repeat("x", 60_000),
		"two dots":          good.Value + ".x",
	} {
		t.Run(name, func(t *testing.T) {
			p := h.visitor(t)
			for _, r := range []*http.Request{p.form("unlock", "seat=A1"), p.form("lock", "seat=A1")} {
				r.Header.Set("Cookie", good.Name+"="+value)
				if got := p.do(r); got.StatusCode != http.StatusConflict {
					t.Errorf("%s: %d, want 409 as for a stranger", r.URL.Path, got.StatusCode)
				}
			}
			r, err := http.NewRequestWithContext(t.Context(), "GET", h.URL+"/events/demo", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Cookie", good.Name+"="+value)
			if got := h.visitor(t).do(r); got.StatusCode != 200 || seatsIn(got.text)["A1"].mine || got.Header.Get("Set-Cookie") == "" {
				t.Errorf("page: %d, want one for a new visitor", got.StatusCode)
			}
		})
	}
	if !seatsIn(owner.get("/events/demo").text)["A1"].mine {
		t.Error("the owner lost A1")
	}
}

func TestSecureCookieOverHTTPS(t *testing.T) {
	h := open(t, setting{base: "https://tickets.example"})
	cookie := h.visitor(t).get("/events/demo").Header.Get("Set-Cookie")
	if !strings.HasPrefix(cookie, "__Host-seatlock=") || !strings.Contains(cookie, "; Secure") || strings.Contains(cookie, "Domain") {
		t.Errorf("cookie %q", cookie)
	}
}

// TestNobodyLearnsWhoHoldsASeat looks for holder and token in everything that
// leaves the server.
func TestNobodyLearnsWhoHoldsASeat(t *testing.T) {
	h := open(t, setting{})
	p, other := h.visitor(t), h.visitor(t)
	p.get("/events/demo")
	own := p.post("lock", "A1").text
	snapshot, err := h.store.Snapshot(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	home, err := url.Parse(h.URL)
	if err != nil {
		t.Fatal(err)
	}
	token, _, _ := strings.Cut(p.http.Jar.Cookies(home)[0].Value, ".")
	s := other.follow("", "")
	var frames strings.Builder
	for !strings.Contains(frames.String(), `id="seat-J10"`) {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		frames.WriteString(line)
	}
	for where, text := range map[string]string{
		"own answer": own, "own page": p.get("/events/demo").text, "other's page": other.get("/events/demo").text,
		"other's refusal": other.post("lock", "A1").text, "frames": frames.String(), "log": h.log.String(),
	} {
		if strings.Contains(text, string(snapshot.Seats[0].LockedBy)) || strings.Contains(text, token) {
			t.Errorf("%s tells the holder or the token", where)
		}
	}
}

// faulty is a store of which a part does not work.
type faulty struct {
	*store.Store
	lock error
}

func (f faulty) Lock(ctx context.Context, r store.LockRequest) (store.Outcome, error) {
	if f.lock != nil {
		return store.Outcome{}, f.lock
	}
	return f.Store.Lock(ctx, r)
}

func TestStoreThatDoesNotAnswer(t *testing.T) {
	for name, fault := range map[string]faulty{
		"lock":    {lock: fmt.Errorf("disk: %w", store.ErrUnavailable)},
		"unknown": {lock: fmt.Errorf("lock seats of demo: %w", store.ErrUnknown)},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, setting{wrap: func(s *store.Store) served { fault.Store = s; return fault }})
			before := h.dump(t)
			p := h.visitor(t)
			p.get("/events/demo")
			for _, javascript := range []bool{true, false} {
				p.javascript = javascript
				r := p.post("lock", "A1")
				if r.StatusCode != 503 || r.Header.Get("Retry-After") == "" {
					t.Errorf("%d with Retry-After %q, want 503", r.StatusCode, r.Header.Get("Retry-After"))
				}
				checkPlain(t, strings.ReplaceAll(r.text, "store:", ""))
			}
			if h.dump(t) != before {
				t.Error("the seat was taken")
			}
			if n := strings.Count(h.log.String(), "request failed"); n != 1 {
				t.Errorf("%d lines in the log within a minute, want 1", n)
			}
		})
	}
}

func TestHealth(t *testing.T) {
	h := open(t, setting{})
	p := h.visitor(t)
	if r := p.get("/healthz"); r.StatusCode != 200 {
		t.Errorf("healthz: %d", r.StatusCode)
	}
	for limit := time.Now().Add(20 * time.Second); p.get("/readyz").StatusCode != 200; {
		if time.Now().After(limit) {
			t.Fatal("never ready")
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/", "/events/demo"} {
		r, err := http.NewRequestWithContext(t.Context(), "HEAD", h.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.do(r); got.StatusCode != 200 || got.text != "" {
			t.Errorf("HEAD %s: %d with %d bytes", path, got.StatusCode, len(got.text))
		}
	}
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	if r := p.get("/readyz"); r.StatusCode != 503 {
		t.Errorf("readyz without a store: %d", r.StatusCode)
	}
	if r := p.get("/healthz"); r.StatusCode != 200 {
		t.Errorf("healthz without a store: %d", r.StatusCode)
	}
}
