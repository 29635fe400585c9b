package handlers_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

// sessions are the session rows of the store, tombstones too.
func (h *house) sessions(t *testing.T) []store.Record {
	t.Helper()
	rows, err := h.store.Records(t.Context(), store.Scan{Kind: store.Session, Limit: store.MaxPage})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestRefusalsWriteNoSession: 50 visitors are refused in each way that there
// is; each gets a cookie, and none a row.
func TestRefusalsWriteNoSession(t *testing.T) {
	h := open(t, setting{})
	shut := h.createBeside(t, "shut", func(e *store.Event) { e.SalesClose = time.Now().Add(-time.Hour) })
	if _, err := h.store.Withhold(t.Context(), store.WithholdRequest{Event: "demo", Seats: []string{"J9"}, On: true}); err != nil {
		t.Fatal(err)
	}
	h.visitor(t).post("lock", "J1")
	if n := len(h.sessions(t)); n != 1 {
		t.Fatalf("%d session rows after a grant, want 1", n)
	}
	for name, test := range map[string]struct{ path, body string }{
		"taken":          {"/events/demo/lock", "seat=J1"},
		"free and not":   {"/events/demo/lock", "seat=A1&seat=J1"},
		"withheld":       {"/events/demo/lock", "seat=J9"},
		"too many":       {"/events/demo/lock", "seat=A1&seat=A2&seat=A3&seat=A4&seat=A5&seat=A6&seat=A7&seat=A8&seat=A9&seat=A10&seat=B1"},
		"no such seat":   {"/events/demo/lock", "seat=Z1"},
		"closed":         {"/events/" + shut + "/lock", "seat=A1"},
		"best: none":     {"/events/demo/best", "count=7"},
		"best: closed":   {"/events/" + shut + "/best", "count=2"},
		"not theirs":     {"/events/demo/unlock", "seat=J1"},
		"nothing back":   {"/events/demo/unlock", ""},
		"nothing longer": {"/events/demo/extend", ""},
	} {
		for i := range 50 {
			p := h.visitor(t)
			p.javascript = i%2 == 0
			r := p.form("lock", test.body)
			r.URL.Path = test.path
			got := p.do(r)
			if got.StatusCode >= 500 || got.Header.Get("Set-Cookie") == "" && got.StatusCode != 404 {
				t.Fatalf("%s: %d with the cookie %q", name, got.StatusCode, got.Header.Get("Set-Cookie"))
			}
		}
		if n := len(h.sessions(t)); n != 1 {
			t.Fatalf("%s: %d session rows, want the one of who was granted a seat", name, n)
		}
	}
}

// createBeside creates another event with the seats of the demo.
func (h *house) createBeside(t *testing.T, id string, change func(*store.Event)) string {
	t.Helper()
	e, err := h.store.Event(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	body, err := h.store.Plan(t.Context(), e.Plan)
	if err != nil {
		t.Fatal(err)
	}
	var seats []string
	snapshot, err := h.store.Snapshot(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	for _, seat := range snapshot.Seats {
		seats = append(seats, seat.ID)
	}
	e.ID, e.Plan, e.Revision = id, "", 0
	change(&e)
	if err := h.store.CreateEvent(t.Context(), store.NewEvent{Event: e, PlanBody: body, Seats: seats}); err != nil {
		t.Fatal(err)
	}
	return id
}

// unwritable is a store that keeps no record while failing is set.
type unwritable struct {
	*store.Store
	failing atomic.Bool
}

func (u *unwritable) ChangeRecord(ctx context.Context, key store.Key, change func(store.Record) (store.Record, bool, error)) error {
	if u.failing.Load() {
		return fmt.Errorf("disk: %w", store.ErrUnavailable)
	}
	return u.Store.ChangeRecord(ctx, key, change)
}

// TestGrantOutlivesItsRow: where the row cannot be written, what was granted is
// the visitor's all the same, and their next grant writes the row.
func TestGrantOutlivesItsRow(t *testing.T) {
	for _, javascript := range []bool{true, false} {
		t.Run(fmt.Sprintf("javascript=%t", javascript), func(t *testing.T) {
			var disk *unwritable
			h := open(t, setting{wrap: func(s *store.Store) served { disk = &unwritable{Store: s}; return disk }})
			p := h.visitor(t)
			p.javascript = javascript
			disk.failing.Store(true)
			r := p.post("lock", "A1") // no page before: the answer brings the cookie
			if r.StatusCode >= 400 || len(r.Header["Set-Cookie"]) != 1 {
				t.Fatalf("%d %v, want a success with a cookie", r.StatusCode, r.Header)
			}
			if n := strings.Count(h.log.String(), "session row not written"); n != 1 || strings.Contains(h.log.String(), "level=ERROR") {
				t.Errorf("%d lines of the log tell of it, want 1:\n%s", n, h.log)
			}
			disk.failing.Store(false)
			if n := len(h.sessions(t)); n != 0 {
				t.Fatalf("%d session rows, want none yet", n)
			}
			if r := p.post("lock", "A1"); r.StatusCode >= 400 || len(h.sessions(t)) != 1 {
				t.Errorf("a repeat: %d and %d session rows, want a success and 1", r.StatusCode, len(h.sessions(t)))
			}
			if page := seatsIn(p.get("/events/demo").text); !page["A1"].mine {
				t.Error("A1 is not the visitor's")
			}
			version := h.sessions(t)[0].Version
			if r := p.post("lock", "A2"); r.StatusCode >= 400 || h.sessions(t)[0].Version != version {
				t.Errorf("another lock: %d, and the row has version %d, want it as it was", r.StatusCode, h.sessions(t)[0].Version)
			}
		})
	}
}

// TestGrantOfWhoLeft: the row is written, too, if the visitor does not wait for
// the answer.
func TestGrantOfWhoLeft(t *testing.T) {
	w := &waiting{begun: make(chan struct{}), goOn: make(chan struct{}), goesOn: true}
	h := open(t, setting{wrap: func(s *store.Store) served { w.Store = s; return w }})
	p := h.visitor(t)
	p.get("/events/demo")
	w.armed.Store(true)
	ctx, leave := context.WithCancel(t.Context())
	request := p.form("lock", "seat=A1").WithContext(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		if r, err := p.http.Do(request); err == nil {
			r.Body.Close()
			t.Error("the answer came")
		}
	})
	<-w.begun
	leave()
	wg.Wait()
	close(w.goOn)
	for limit := time.Now().Add(20 * time.Second); len(h.sessions(t)) == 0; {
		if time.Now().After(limit) {
			t.Fatal("no session row")
		}
		time.Sleep(time.Millisecond)
	}
}

// cookie is the identity that the visitor's browser has; nil is none.
func (p *person) cookie() *http.Cookie {
	p.t.Helper()
	home, err := url.Parse(p.home)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, c := range p.http.Jar.Cookies(home) {
		if c.Name == "seatlock" {
			return c
		}
	}
	return nil
}

// keeps puts an identity into the visitor's browser.
func (p *person) keeps(c *http.Cookie) *person {
	p.t.Helper()
	home, err := url.Parse(p.home)
	if err != nil {
		p.t.Fatal(err)
	}
	p.http.Jar.SetCookies(home, []*http.Cookie{{Name: c.Name, Value: c.Value, Path: "/"}})
	return p
}

func rowOf(c *http.Cookie) store.Key {
	token, _, _ := strings.Cut(c.Value, ".")
	sum := sha256.Sum256([]byte(token))
	return store.Key{Kind: store.Session, ID: base64.RawURLEncoding.EncodeToString(sum[:])}
}

// forget sends the form of the page, as a browser without JavaScript does.
func (p *person) forget() reply {
	p.t.Helper()
	r := p.form("lock", "")
	r.URL.Path = "/forget"
	r.Header.Del("HX-Request")
	return p.do(r)
}

// held are the seats of an event that somebody has locked, with who it is.
func (h *house) held(t *testing.T, event string) map[string]store.Holder {
	t.Helper()
	snapshot, err := h.store.Snapshot(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	held := map[string]store.Holder{}
	for _, seat := range snapshot.Seats {
		if seat.LockedBy != "" {
			held[seat.ID] = seat.LockedBy
		}
	}
	return held
}

func TestForgetWithoutJavaScript(t *testing.T) {
	h := open(t, setting{})
	h.createBeside(t, "other", func(*store.Event) {})
	p, neighbour := h.visitor(t), h.visitor(t)
	p.javascript = false
	if r := p.get("/forget"); r.StatusCode != 200 || strings.Contains(r.text, "<form") || r.Header.Get("Set-Cookie") != "" {
		t.Errorf("nobody is offered to be forgotten: %d %v", r.StatusCode, r.Header)
	}
	p.get("/events/demo")
	if page := p.get("/events/demo").text; !strings.Contains(page, `href="/forget"`) {
		t.Error("the page of an event does not lead to /forget")
	}
	p.post("lock", "A1", "A2")
	r := p.form("lock", "seat=B1")
	r.URL.Path = "/events/other/lock"
	p.do(r)
	neighbour.post("lock", "C1")
	for language, says := range map[string]string{"en": "are given back at once", "de": "werden sofort zurückgegeben"} {
		page := p.get("/forget?lang=" + language)
		if !strings.Contains(page.text, `<form method="post" action="/forget">`) || !strings.Contains(page.text, says) || strings.Contains(page.text, "<script") {
			t.Errorf("%s: %s", language, page.text)
		}
	}
	answer := p.forget()
	if answer.StatusCode != 303 || p.cookie() != nil {
		t.Fatalf("%d, and the browser keeps %v", answer.StatusCode, p.cookie())
	}
	done := p.get(answer.Header.Get("Location") + "&lang=en")
	if !strings.Contains(done.text, "This device is forgotten") || strings.Contains(done.text, "<form") {
		t.Errorf("afterwards: %s", done.text)
	}
	if held := h.held(t, "demo"); len(held) != 1 || held["C1"] == "" || len(h.held(t, "other")) != 0 {
		t.Errorf("still held: %v and %v, want the neighbour's", held, h.held(t, "other"))
	}
	if again := p.forget(); again.StatusCode != 303 || len(h.sessions(t)) != 2 {
		t.Errorf("a repeat: %d and %d rows", again.StatusCode, len(h.sessions(t)))
	}
}

func TestForgetIsGuarded(t *testing.T) {
	h := open(t, setting{})
	p := h.visitor(t)
	p.post("lock", "A1")
	for name, header := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		r := p.form("lock", "")
		r.URL.Path = "/forget"
		r.Header.Set(name, header)
		if got := p.do(r); got.StatusCode != 403 {
			t.Errorf("%s: %d, want 403", name, got.StatusCode)
		}
	}
	if r := p.get("/forget"); r.StatusCode != 200 || len(h.held(t, "demo")) != 1 || p.cookie() == nil {
		t.Errorf("%d, and held is %v", r.StatusCode, h.held(t, "demo"))
	}
}

func TestForgetTakesTheSecureCookie(t *testing.T) {
	h := open(t, setting{base: "https://tickets.example"})
	header := h.visitor(t).forget().Header
	if got := header.Get("Clear-Site-Data"); got != `"storage"` {
		t.Errorf("the browser is to drop %s", got)
	}
	cookie := header.Get("Set-Cookie")
	if !strings.HasPrefix(cookie, "__Host-seatlock=;") || !strings.Contains(cookie, "Max-Age=0") || !strings.Contains(cookie, "; Secure") || !strings.Contains(cookie, "Path=/") {
		t.Errorf("cookie %q", cookie)
	}
}

// pairs are two servers that a visitor may come to: on a file they are one.
func pairs(t *testing.T, run func(t *testing.T, here, there *house)) {
	t.Run("sqlite", func(t *testing.T) {
		h := open(t, setting{})
		run(t, h, h)
	})
	t.Run("mongodb", func(t *testing.T) {
		uri := testengine.ReplicaSet(t).NewDatabase(t)
		run(t, open(t, setting{path: uri}), open(t, setting{path: uri}))
	})
}

// TestForgottenIsNobody: whoever has a copy of the cookie is nobody, on every
// instance, and streams that were open with it end within a second.
func TestForgottenIsNobody(t *testing.T) {
	pairs(t, func(t *testing.T, here, there *house) {
		p := here.visitor(t)
		p.get("/events/demo")
		p.post("lock", "A1", "A2")
		copied := p.cookie()
		was := here.held(t, "demo")["A1"]
		thief := there.visitor(t).keeps(copied)
		page := thief.get("/events/demo").text
		if !seatsIn(page)["A1"].mine {
			t.Fatal("the copy is not known before")
		}
		screen := newScreen(page)
		streams := []*stream{p.follow("", ""), thief.follow(screen.cursor, "")}
		for _, s := range streams {
			if _, _, data, err := s.next(); err != nil || !strings.Contains(data, "A1") && !strings.Contains(data, "basket") {
				t.Fatalf("the stream begins with %q (%v)", data, err)
			}
		}
		ended := make(chan time.Time, len(streams))
		for _, s := range streams {
			go func() {
				for id := ""; ; {
					_, next, _, err := s.next()
					if err != nil {
						if id != "forgotten" {
							t.Errorf("the last cursor was %q, want none that is known", id)
						}
						ended <- time.Now()
						return
					}
					if next != "" {
						id = next
					}
				}
			}()
		}
		if r := p.forget(); r.StatusCode != 303 {
			t.Fatalf("forget: %d", r.StatusCode)
		}
		at := time.Now()
		for range streams {
			select {
			case end := <-ended:
				t.Logf("a stream ended %v after the answer", end.Sub(at))
				if late := end.Sub(at); late > 2*time.Second { // 1 s, and a busy machine
					t.Errorf("a stream ended after %v", late)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("a stream goes on")
			}
		}
		thief.mustBeNobody(copied, was, there)
	})
}

// mustBeNobody has somebody use the cookie of who was forgotten.
func (p *person) mustBeNobody(copied *http.Cookie, was store.Holder, h *house) {
	t := p.t
	t.Helper()
	page := p.get("/events/demo")
	for id, seat := range seatsIn(page.text) {
		if seat.mine {
			t.Errorf("%s is theirs", id)
		}
	}
	if fresh := p.cookie(); page.StatusCode != 200 || fresh.Value == copied.Value {
		t.Errorf("page: %d with the cookie that it came with", page.StatusCode)
	}
	s := p.keeps(copied).follow("", "forgotten")
	shows := &screen{seats: map[string]shown{}}
	s.until(shows, "a whole map", func() bool { return len(shows.seats) == 100 && shows.cursor != "" })
	s.cancel()
	for id, seat := range shows.seats {
		if seat.mine {
			t.Errorf("the stream shows %s as theirs", id)
		}
	}
	for _, action := range []string{"lock", "best"} {
		r := p.keeps(copied).do(p.form(action, "seat=B1&count=2"))
		if r.StatusCode != 200 || r.Header.Get("HX-Trigger") != "identity" || p.cookie().Value == copied.Value {
			t.Errorf("%s: %d %v, want a new identity", action, r.StatusCode, r.Header)
		}
	}
	for id, holder := range h.held(t, "demo") {
		if holder == was {
			t.Errorf("%s is held by who was forgotten", id)
		}
	}
	if r := p.keeps(copied).post("unlock", "B1"); r.StatusCode != 409 {
		t.Errorf("unlock of another's seat: %d, want 409", r.StatusCode)
	}
	if row, err := h.store.Record(t.Context(), rowOf(copied)); err != nil || time.Until(row.Expires) < 30*24*time.Hour-time.Minute {
		t.Errorf("the tombstone stays until %v (%v), want 30 days", row.Expires, err)
	}
}

// A tombstone that another instance wrote ends a stream, too, which no request
// here has told of; and only the stream of that visitor.
func TestTombstoneEndsStreams(t *testing.T) {
	h := open(t, setting{})
	p, neighbour := h.visitor(t), h.visitor(t)
	for _, who := range []*person{p, neighbour} {
		who.get("/events/demo")
	}
	mine, other := p.follow("", ""), neighbour.follow("", "")
	now, err := h.store.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = h.store.ChangeRecord(t.Context(), rowOf(p.cookie()), func(store.Record) (store.Record, bool, error) {
		return store.Record{
			Body:    json.RawMessage(`{"forgotten":{}}`),
			Expires: now.Add(time.Hour), Index: map[string]string{store.Forgotten: now.Add(-10 * time.Second).UTC().Format("2006-01-02T15:04:05.000Z")}, // long under way
		}, false, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	limit := time.AfterFunc(20*time.Second, mine.cancel)
	for err == nil {
		_, _, _, err = mine.next()
	}
	limit.Stop()
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the stream ended after %v", took)
	}
	neighbour.post("lock", "A1")
	screen := &screen{seats: map[string]shown{}}
	other.until(screen, "the neighbour's own seat", func() bool { return screen.seats["A1"].mine })
}

// waiting holds one lock back until it may go on.
type waiting struct {
	*store.Store
	armed       atomic.Bool
	begun, goOn chan struct{}
	loseAnswer  bool
	goesOn      bool // without the visitor, once they have left
}

func (w *waiting) Lock(ctx context.Context, r store.LockRequest) (store.Outcome, error) {
	if !w.armed.CompareAndSwap(true, false) {
		return w.Store.Lock(ctx, r)
	}
	close(w.begun)
	<-w.goOn
	if w.goesOn {
		<-ctx.Done()
		ctx = context.WithoutCancel(ctx)
	}
	out, err := w.Store.Lock(ctx, r)
	if err == nil && w.loseAnswer {
		err = fmt.Errorf("lock: %w", store.ErrUnknown)
	}
	return out, err
}

// TestLockPassesForget: a lock that began before its visitor was forgotten, and
// is granted after that was answered, is given back.
func TestLockPassesForget(t *testing.T) {
	for name, test := range map[string]struct {
		action, body string
		known, loses bool
	}{
		"first lock":            {"lock", "seat=A1&seat=A2", false, false},
		"another lock":          {"lock", "seat=A1&seat=A2", true, false},
		"best seats":            {"best", "count=2", true, false},
		"outcome that was lost": {"lock", "seat=A1", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := &waiting{begun: make(chan struct{}), goOn: make(chan struct{}), loseAnswer: test.loses}
			h := open(t, setting{wrap: func(s *store.Store) served { w.Store = s; return w }})
			p := h.visitor(t)
			p.get("/events/demo")
			if test.known {
				p.post("lock", "J1")
			}
			w.armed.Store(true)
			var late reply
			var wg sync.WaitGroup
			request := p.form(test.action, test.body)
			wg.Go(func() { late = p.do(request) })
			<-w.begun
			if r := p.forget(); r.StatusCode != 303 {
				t.Fatalf("forget: %d", r.StatusCode)
			}
			close(w.goOn)
			wg.Wait()
			if late.StatusCode != 409 || late.Header.Get("Set-Cookie") != "" {
				t.Errorf("the late lock: %d %v, want 409 and no cookie", late.StatusCode, late.Header)
			}
			checkPlain(t, late.text)
			if held := h.held(t, "demo"); len(held) > 0 {
				t.Errorf("still held: %v", held)
			}
			if rows := h.sessions(t); len(rows) != 1 || rows[0].Index[store.Forgotten] == "" {
				t.Errorf("rows %v, want the tombstone alone", rows)
			}
		})
	}
}

// TestLocksAndForgetAtOnce: whatever comes first, in the end nothing is locked
// for who was forgotten.
func TestLocksAndForgetAtOnce(t *testing.T) {
	pairs(t, func(t *testing.T, here, there *house) {
		for round := range 10 {
			p := here.visitor(t)
			p.get("/events/demo")
			if round%2 == 0 {
				p.post("lock", "A1")
			}
			cookie := p.cookie()
			var wg sync.WaitGroup
			for i, h := range []*house{here, there, here, there} {
				tab := h.visitor(t)
				wg.Go(func() {
					for j := range 5 {
						r := tab.keeps(cookie).post("lock", fmt.Sprintf("%c%d", 'B'+i, 1+j))
						if r.StatusCode != 200 && r.StatusCode != 409 {
							t.Errorf("lock: %d", r.StatusCode)
						}
					}
				})
			}
			wg.Go(func() {
				if r := p.keeps(cookie).forget(); r.StatusCode != 303 {
					t.Errorf("forget: %d", r.StatusCode)
				}
			})
			wg.Wait()
			row, err := here.store.Record(t.Context(), rowOf(cookie))
			if err != nil {
				t.Fatal(err)
			}
			var tombstone struct{ Forgotten struct{ Holder store.Holder } }
			if err := json.Unmarshal(row.Body, &tombstone); err != nil || tombstone.Forgotten.Holder == "" {
				t.Fatalf("the row is %s (%v), want a tombstone", row.Body, err)
			}
			for id, holder := range here.held(t, "demo") {
				if holder == tombstone.Forgotten.Holder {
					t.Fatalf("round %d: %s is still locked", round, id)
				}
				if _, err := here.store.Unlock(t.Context(), store.UnlockRequest{Event: "demo", Holder: holder}); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// unlockable is a store that gives nothing back while failing is set.
type unlockable struct {
	*store.Store
	failing atomic.Bool
}

func (u *unlockable) Unlock(ctx context.Context, r store.UnlockRequest) (store.Outcome, error) {
	if u.failing.Load() {
		return store.Outcome{}, fmt.Errorf("disk: %w", store.ErrUnavailable)
	}
	return u.Store.Unlock(ctx, r)
}

// TestForgetGoesOn: where seats could not be given back, a repeat does it, and
// the visitor is nobody meanwhile.
func TestForgetGoesOn(t *testing.T) {
	var disk *unlockable
	h := open(t, setting{wrap: func(s *store.Store) served { disk = &unlockable{Store: s}; return disk }})
	p := h.visitor(t)
	p.post("lock", "A1")
	copied := p.cookie()
	disk.failing.Store(true)
	if r := p.forget(); r.StatusCode != 503 || p.cookie() == nil {
		t.Fatalf("%d, and the cookie is %v, want 503 and the cookie for a repeat", r.StatusCode, p.cookie())
	}
	if seatsIn(h.visitor(t).keeps(copied).get("/events/demo").text)["A1"].mine {
		t.Error("the visitor is still known")
	}
	if page := p.get("/forget").text; !strings.Contains(page, "<form") {
		t.Error("the page offers no repeat")
	}
	disk.failing.Store(false)
	if r := p.forget(); r.StatusCode != 303 || p.cookie() != nil || len(h.held(t, "demo")) != 0 {
		t.Errorf("a repeat: %d, held is %v", r.StatusCode, h.held(t, "demo"))
	}
}

// TestForgetWhilePaying: a seat that is being paid for stays, and that is told.
func TestForgetWhilePaying(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seatlock.db")
	h := open(t, setting{path: path})
	p := h.visitor(t)
	p.post("lock", "A1", "A2")
	engine, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	q := store.Question{Event: "demo", Holder: h.held(t, "demo")["A1"], Seats: []string{"A1"}}
	_, _, err = engine.Decide(t.Context(), q, func(v store.View) store.Decision {
		to := v.Seats[0]
		to.Status, to.Booking = store.Paying, "booking"
		return store.Accept(v, store.Outcome{}, store.Writes{Changes: []store.Change{store.NewChange("demo", v.Seats[0], to, store.ReasonPaying)}})
	})
	if err := errors.Join(err, engine.Close()); err != nil {
		t.Fatal(err)
	}
	r := p.forget()
	if held := h.held(t, "demo"); r.StatusCode != 303 || len(held) != 1 || held["A1"] == "" {
		t.Errorf("%d, and held is %v, want what is being paid for", r.StatusCode, held)
	}
	if page := p.get(r.Header.Get("Location")).text; !strings.Contains(page, "except those that are being paid for") {
		t.Errorf("the page says %s", page)
	}
}

// unlocks counts what is given back of a store, and what is written.
type unlocks struct {
	*store.Store
	unlocks, writes atomic.Int32
}

func (u *unlocks) Unlock(ctx context.Context, r store.UnlockRequest) (store.Outcome, error) {
	u.unlocks.Add(1)
	return u.Store.Unlock(ctx, r)
}

func (u *unlocks) ChangeRecord(ctx context.Context, key store.Key, change func(store.Record) (store.Record, bool, error)) error {
	u.writes.Add(1)
	return u.Store.ChangeRecord(ctx, key, change)
}

// TestForgetCostsLittle: the tombstone of who never had a seat stays some
// minutes, that of all others 30 days, and a repeat with the dead cookie writes
// nothing.
func TestForgetCostsLittle(t *testing.T) {
	for name, test := range map[string]struct {
		stays time.Duration
		do    func(t *testing.T, h *house, p *person)
	}{
		"never had a seat": {stays: 10 * time.Minute, do: func(*testing.T, *house, *person) {}},
		"had a seat, and gave it back": {stays: 30 * 24 * time.Hour, do: func(_ *testing.T, _ *house, p *person) {
			p.post("lock", "A1")
			p.post("unlock", "A1")
		}},
		"has a seat and no row": {stays: 30 * 24 * time.Hour, do: func(t *testing.T, h *house, p *person) {
			p.post("lock", "A1")
			err := h.store.ChangeRecord(t.Context(), rowOf(p.cookie()), func(old store.Record) (store.Record, bool, error) {
				return old, true, nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var disk *unlocks
			h := open(t, setting{wrap: func(s *store.Store) served { disk = &unlocks{Store: s}; return disk }})
			h.createBeside(t, "other", func(*store.Event) {})
			p := h.visitor(t)
			p.get("/events/demo")
			test.do(t, h, p)
			copied := p.cookie()
			if r := p.forget(); r.StatusCode != 303 || len(h.held(t, "demo")) > 0 {
				t.Fatalf("forget: %d, held is %v", r.StatusCode, h.held(t, "demo"))
			}
			row, err := h.store.Record(t.Context(), rowOf(copied))
			if left := time.Until(row.Expires); err != nil || left > test.stays || left < test.stays-time.Minute || row.Index[store.Forgotten] == "" {
				t.Errorf("the tombstone stays for %v (%v, %v), want %v", left, err, row.Index, test.stays)
			}
			before := [2]int32{disk.unlocks.Load(), disk.writes.Load()}
			for range 3 {
				if r := p.keeps(copied).forget(); r.StatusCode != 303 || p.cookie() != nil {
					t.Errorf("a repeat: %d, and the cookie is %v", r.StatusCode, p.cookie())
				}
			}
			if after := [2]int32{disk.unlocks.Load(), disk.writes.Load()}; after != before {
				t.Errorf("unlocks and writes are %v after repeats, %v before", after, before)
			}
		})
	}
}
