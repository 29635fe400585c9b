package handlers_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seatlock/seatlock/handlers"
	"github.com/seatlock/seatlock/live"
	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/mongostore"
	"github.com/seatlock/seatlock/store/plan"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

// house is a server on a real store with the demo hall in it.
type house struct {
	*httptest.Server
	store *store.Store
	log   *lockedBuffer
	stop  func()
}

type setting struct {
	path  string // of the store's file, or the URI of its database; "" is a fresh file
	base  string // base URL; "" is the server's own
	rules store.Rules
	live  live.Options
	// wrap puts something between the handlers and the store.
	wrap func(*store.Store) served
	// config changes what the server is told.
	config func(*handlers.Config, *store.Store)
}

// served is all that a server needs of a store.
type served interface {
	handlers.Store
	live.Source
}

func open(t *testing.T, s setting) *house {
	t.Helper()
	if s.path == "" {
		s.path = filepath.Join(t.TempDir(), "seatlock.db")
	}
	if s.rules == (store.Rules{}) {
		s.rules = store.DefaultRules()
	}
	st := openStore(t, s.path)
	createDemo(t, st)
	var from served = st
	if s.wrap != nil {
		from = s.wrap(st)
	}
	h := &house{store: st, log: &lockedBuffer{}}
	h.Server = httptest.NewUnstartedServer(nil)
	base := &url.URL{Scheme: "http", Host: h.Listener.Addr().String()}
	if s.base != "" {
		var err error
		if base, err = url.Parse(s.base); err != nil {
			t.Fatal(err)
		}
	}
	config := handlers.Config{
		BaseURL: base, Rules: s.rules, Live: s.live, Log: slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if s.config != nil {
		s.config(&config, st)
	}
	server, err := handlers.New(from, config)
	if err != nil {
		t.Fatal(err)
	}
	h.Config.Handler = server
	h.Start()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
		h.Close()
		if err := st.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	t.Cleanup(h.stop)
	return h
}

func openStore(t *testing.T, path string) *store.Store {
	t.Helper()
	var engine store.Engine
	var err error
	if strings.HasPrefix(path, "mongodb://") {
		engine, err = mongostore.Open(t.Context(), path, mongostore.Options{Make: true})
	} else {
		engine, err = sqlitestore.Open(t.Context(), path, sqlitestore.Options{Serve: true})
	}
	if err != nil {
		t.Fatal(err)
	}
	return store.New(engine)
}

func createDemo(t *testing.T, st *store.Store) {
	t.Helper()
	file, err := plan.Demo("demo")
	if err != nil {
		t.Fatal(err)
	}
	err = st.CreateEvent(t.Context(), store.NewEvent{
		Event: store.Event{ID: "demo", Title: "An Evening", Zone: "Europe/Vienna", Currency: "EUR", Prices: file.Prices,
			Starts: time.Date(2030, 5, 1, 17, 30, 0, 0, time.UTC)},
		PlanBody: file.Plan.Encode(), Seats: file.Plan.SeatIDs(),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// person is one visitor with their own cookies, who follows no redirect.
type person struct {
	t    *testing.T
	home string
	http *http.Client
	// javascript says whether the page's script posts, or the browser itself.
	javascript bool
	// languages is the browser's Accept-Language.
	languages string
}

func (h *house) visitor(t *testing.T) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{t: t, home: h.URL, javascript: true, http: &http.Client{
		Jar: jar, Transport: h.Client().Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

type reply struct {
	*http.Response
	text string
}

func (p *person) do(r *http.Request) reply {
	p.t.Helper()
	if p.languages != "" {
		r.Header.Set("Accept-Language", p.languages)
	}
	response, err := p.http.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return reply{response, string(body)}
}

func (p *person) get(path string) reply {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), "GET", p.home+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.do(r)
}

func (p *person) post(action string, seats ...string) reply {
	p.t.Helper()
	return p.do(p.form(action, url.Values{"seat": seats}.Encode()))
}

func (p *person) form(action, body string) *http.Request {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), "POST", p.home+"/events/demo/"+action, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if p.javascript {
		r.Header.Set("HX-Request", "true")
	}
	return r
}

// shown is a seat as a browser shows it.
type shown struct {
	status  string
	version int
	mine    bool
}

var button = regexp.MustCompile(`<button name="seat" value="([^"]+)" id="seat-[^"]+" class="([a-z]+)[^"]*" data-v="(\d+)" aria-pressed="(true|false)"`)

func seatsIn(html string) map[string]shown {
	seats := map[string]shown{}
	for _, m := range button.FindAllStringSubmatch(html, -1) {
		version, err := strconv.Atoi(m[3])
		if err != nil {
			panic(err) // the pattern lets only digits through
		}
		seats[m[1]] = shown{m[2], version, m[4] == "true"}
	}
	return seats
}

// screen is a page's map, kept current by its stream just as the page's script
// does it: nothing older than what is shown, and at equal versions the
// viewer's own rendering stays, but a resync replaces all.
type screen struct {
	seats   map[string]shown
	cursor  string
	resyncs int
}

func (s *screen) message(id, body string) {
	resync := strings.Contains(body, "resync:true")
	if resync {
		s.resyncs++
	}
	for seat, now := range seatsIn(body) {
		old := s.seats[seat]
		if resync || now.version > old.version || now.version == old.version && (now.mine || !old.mine) {
			s.seats[seat] = now
		}
	}
	if id != "" {
		s.cursor = id
	}
}

func newScreen(page string) *screen {
	s := &screen{seats: seatsIn(page)}
	if m := regexp.MustCompile(`/live\?cursor=([^"&]*)`).FindStringSubmatch(page); m != nil {
		s.cursor, _ = url.QueryUnescape(m[1])
	}
	return s
}

func (s *screen) equals(other map[string]shown) bool { return maps.Equal(s.seats, other) }

// stream is an open stream of the map.
type stream struct {
	t      *testing.T
	lines  *bufio.Reader
	header http.Header
	cancel func()
}

// follow opens the stream from a cursor, as page and browser would ask for it.
func (p *person) follow(cursor, lastEventID string) *stream {
	p.t.Helper()
	s, err := p.tryFollow(cursor, lastEventID)
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

func (p *person) tryFollow(cursor, lastEventID string) (*stream, error) {
	r, err := http.NewRequestWithContext(p.t.Context(), "GET", p.home+"/events/demo/live?cursor="+url.QueryEscape(cursor), nil)
	if err != nil {
		return nil, err
	}
	if lastEventID != "" {
		r.Header.Set("Last-Event-ID", lastEventID)
	}
	return p.openStream(r)
}

func (p *person) openStream(r *http.Request) (*stream, error) {
	ctx, cancel := context.WithCancel(r.Context())
	response, err := p.http.Do(r.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	s := &stream{t: p.t, lines: bufio.NewReader(response.Body), header: response.Header,
		cancel: func() { cancel(); response.Body.Close() }}
	if response.StatusCode != http.StatusOK {
		s.cancel()
		return nil, fmt.Errorf("stream answered %s", response.Status)
	}
	p.t.Cleanup(s.cancel)
	return s, nil
}

// next reads one message that is not a comment.
func (s *stream) next() (event, id, data string, err error) {
	var body []string
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			return "", "", "", err
		}
		line = strings.TrimSuffix(line, "\n")
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "" && (event != "" || id != "" || len(body) > 0):
			return event, id, strings.Join(body, "\n"), nil
		case name == "event":
			event = value
		case name == "id":
			id = value
		case name == "data", line == "data:":
			body = append(body, value)
		}
	}
}

// until applies messages to the screen until it shows what is wanted.
func (s *stream) until(screen *screen, what string, done func() bool) {
	s.t.Helper()
	limit := time.AfterFunc(20*time.Second, s.cancel)
	defer limit.Stop()
	for !done() {
		event, id, data, err := s.next()
		if err != nil {
			s.t.Fatalf("stream ended before %s: %v", what, err)
		}
		if event == "" {
			screen.message(id, data)
		}
	}
}

// truth is the map as a page of a new visitor shows it.
func (h *house) truth(t *testing.T) map[string]shown {
	t.Helper()
	return seatsIn(h.visitor(t).get("/events/demo").text)
}

// dump is all that the store knows of the demo's seats, and its sessions.
func (h *house) dump(t *testing.T) string {
	t.Helper()
	snapshot, err := h.store.Snapshot(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(snapshot.Seats, snapshot.Cursor, h.sessions(t))
}

type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
