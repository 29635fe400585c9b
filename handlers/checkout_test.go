package handlers_test

import (
	"cmp"
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/a-h/templ"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/checkout/demo"
	"github.com/seatlock/seatlock/handlers"
	"github.com/seatlock/seatlock/store"
)

// till is a house with a checkout, whose waiting is short.
type till struct {
	*house
	checkout *checkout.Checkout
}

type tillSetting struct {
	setting
	ways []string // "" is all
	// change changes the rules.
	change func(*checkout.Rules)
	// around puts something between the handlers and the checkout.
	around func(*checkout.Checkout) handlers.Checkout
	// demo puts something between them and the demo's page.
	demo func(handlers.Demo) handlers.Demo
}

func quick() checkout.Rules {
	return checkout.Rules{
		Pay: store.PayRules{
			Window: 15 * time.Minute, Total: 30 * time.Minute, Least: 2 * time.Minute, AtDoor: 15 * time.Minute,
		},
		Patience: time.Second, Lease: 2 * time.Second, Within: time.Second,
		Poll: 200 * time.Millisecond, Retry: 50 * time.Millisecond, Look: 20 * time.Millisecond,
	}
}

func openTill(t *testing.T, s tillSetting) *till {
	t.Helper()
	h := &till{}
	rules := quick()
	if s.change != nil {
		s.change(&rules)
	}
	if s.ways == nil {
		s.ways = []string{checkout.Door, "demo"}
	}
	var run func()
	s.config = func(c *handlers.Config, st *store.Store) {
		provider := demo.New(st)
		h.checkout = checkout.New(st, checkout.Config{
			Providers: map[string]checkout.Provider{"demo": provider}, Offered: s.ways, Rules: rules, Log: c.Log,
		})
		c.Checkout, c.Demo = h.checkout, provider
		if s.around != nil {
			c.Checkout = s.around(h.checkout)
		}
		if s.demo != nil {
			c.Demo = s.demo(provider)
		}
		run = func() {
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- h.checkout.Run(ctx) }()
			t.Cleanup(func() {
				cancel()
				if err := <-ended; err != nil {
					t.Errorf("run the checkout: %v", err)
				}
			})
		}
	}
	h.house = open(t, s.setting)
	run()
	return h
}

// send posts a form as a browser without a script does.
func (p *person) send(path string, form url.Values) reply {
	p.t.Helper()
	return p.do(p.request(path, form))
}

func (p *person) request(path string, form url.Values) *http.Request {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), "POST", p.home+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

var hidden = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)"`)

// fill opens the checkout of a visitor with these seats and fills it in.
func (p *person) fill(way string, seats ...string) url.Values {
	p.t.Helper()
	if r := p.post("lock", seats...); r.StatusCode != 200 {
		p.t.Fatalf("lock %v: %d", seats, r.StatusCode)
	}
	return p.form2(way)
}

func (p *person) form2(way string) url.Values {
	p.t.Helper()
	page := p.get("/events/demo/checkout")
	if page.StatusCode != 200 {
		p.t.Fatalf("checkout: %d\n%s", page.StatusCode, page.text)
	}
	form := hiddenIn(page.text)
	form.Set("name", "Ada Lovelace")
	form.Set("email", "ada@example.org")
	form.Set("payment", way)
	return form
}

func hiddenIn(page string) url.Values {
	form := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(page, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	return form
}

var codeIn = regexp.MustCompile(`^/(?:bookings|demo-pay)/([2-9A-Z]{10})(?:-1)?$`)

// begin books seats and returns the code, and where the visitor was sent.
func (p *person) begin(way string, seats ...string) (code, to string) {
	p.t.Helper()
	r := p.send("/events/demo/checkout", p.fill(way, seats...))
	to = r.Header.Get("Location")
	m := codeIn.FindStringSubmatch(to)
	if r.StatusCode != 303 || m == nil {
		p.t.Fatalf("checkout: %d to %q\n%s", r.StatusCode, to, r.text)
	}
	return m[1], to
}

var stateIn = regexp.MustCompile(`data-booking="([^"]+)" data-state="([^"]+)"`)

func (p *person) state(code string) string {
	p.t.Helper()
	r := p.get("/bookings/" + code)
	m := stateIn.FindAllStringSubmatch(r.text, -1)
	if r.StatusCode != 200 || len(m) != 1 || m[0][1] != code {
		p.t.Fatalf("booking: %d, %v\n%s", r.StatusCode, m, r.text)
	}
	return m[0][2]
}

// wantState asks again and again, as the page does.
func (p *person) wantState(code, want string) {
	p.t.Helper()
	var got string
	for limit := time.Now().Add(20 * time.Second); time.Now().Before(limit); time.Sleep(20 * time.Millisecond) {
		if got = p.state(code); got == want {
			return
		}
	}
	p.t.Fatalf("booking %s is %s, want %s", code, got, want)
}

// untilOnMap waits for a seat's status on the map, which follows the store.
func (h *till) untilOnMap(t *testing.T, seat, want string) {
	t.Helper()
	var got string
	for limit := time.Now().Add(10 * time.Second); time.Now().Before(limit); time.Sleep(10 * time.Millisecond) {
		if got = h.truth(t)[seat].status; got == want {
			return
		}
	}
	t.Fatalf("%s is %s on the map, want %s", seat, got, want)
}

func TestReserveAtTheDoor(t *testing.T) {
	h := openTill(t, tillSetting{})
	p := h.visitor(t)
	code, to := p.begin(checkout.Door, "A1", "A2")
	if to != "/bookings/"+code {
		t.Errorf("sent to %s", to)
	}
	if got := p.state(code); got != "reserved" {
		t.Errorf("the booking is %s", got)
	}
	page := p.get("/bookings/" + code).text
	for _, part := range []string{"Ada Lovelace", "ada@example.org", ">" + code + "<", "Your seats are reserved", "Pay €"} {
		if !strings.Contains(page, part) {
			t.Errorf("the page does not say %q", part)
		}
	}
	h.untilOnMap(t, "A1", "booked")
	h.untilOnMap(t, "A2", "booked")
}

func TestPayOnTheDemoPage(t *testing.T) {
	h := openTill(t, tillSetting{})
	p := h.visitor(t)
	code, to := p.begin("demo", "A1", "A2")
	if to != "/demo-pay/"+code+"-1" {
		t.Fatalf("sent to %s", to)
	}
	if page := p.get("/bookings/" + code).text; p.state(code) != "paying" || !strings.Contains(page, `href="`+to+`"`) || !strings.Contains(page, `<noscript><meta http-equiv="refresh"`) {
		t.Errorf("the booking that is paying says\n%s", page)
	}
	page := p.get(to)
	if page.StatusCode != 200 || !strings.Contains(page.text, "DEMO") {
		t.Fatalf("demo page: %d\n%s", page.StatusCode, page.text)
	}
	r := p.send(to, url.Values{"do": {"pay"}})
	if r.StatusCode != 303 || r.Header.Get("Location") != "/bookings/"+code {
		t.Fatalf("pay: %d to %q", r.StatusCode, cmp.Or(r.Header.Get("Location"), r.text))
	}
	p.wantState(code, "booked")
	if page := p.get("/bookings/" + code).text; strings.Contains(page, `http-equiv="refresh"`) || strings.Contains(page, "hx-get") {
		t.Error("a booking that is booked still asks again")
	}
}

// bookings are all bookings of the demo event.
func (h *till) bookings(t *testing.T) (all []store.Booking) {
	t.Helper()
	for b, err := range h.store.AllBookings(t.Context(), "demo") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

func (h *till) refusals() int { return strings.Count(h.log.String(), "msg=refused") }

// TestBadCheckoutBooksNothing: the right 4xx, nothing booked, and one line in the
// log that tells nothing of the person.
func TestBadCheckoutBooksNothing(t *testing.T) {
	h := openTill(t, tillSetting{})
	p := h.visitor(t)
	good := p.fill("demo", "A1", "A2")
	stranger := h.visitor(t)
	stranger.get("/events/demo")
	before := h.dump(t)
	tests := []struct {
		name    string
		who     *person
		change  func(url.Values)
		status  int
		field   string // that is marked
		refused int    // lines in the log
	}{
		{"seats of somebody else", stranger, func(url.Values) {}, 409, "", 1},
		{"no digest", p, func(f url.Values) { f.Del("digest") }, 409, "", 1},
		{"other digest", p, func(f url.Values) { f.Set("digest", strings.Repeat("0", 32)) }, 409, "", 1},
		{"digest of 10 KB", p, func(f url.Values) { f.Set("digest", strings.Repeat("d", 10<<10)) }, 409, "", 1},
		{"no request", p, func(f url.Values) { f.Del("request") }, 422, "", 1},
		{"malformed request", p, func(f url.Values) { f.Set("request", "../secretly") }, 422, "", 1},
		{"long request", p, func(f url.Values) { f.Set("request", strings.Repeat("r", 65)) }, 422, "", 1},
		{"no way to pay", p, func(f url.Values) { f.Del("payment") }, 422, "payment", 1},
		{"other way to pay", p, func(f url.Values) { f.Set("payment", "gold") }, 422, "payment", 1},
		{"no name", p, func(f url.Values) { f.Del("name") }, 422, "name", 1},
		{"blank name", p, func(f url.Values) { f.Set("name", " \t ") }, 422, "name", 1},
		{"invisible name", p, func(f url.Values) { f.Set("name", "\u200b\u2060\u3164") }, 422, "name", 1},
		{"name of 10 KB", p, func(f url.Values) { f.Set("name", strings.Repeat("secretly", 1280)) }, 422, "name", 1},
		{"name of two lines", p, func(f url.Values) { f.Set("name", "secretly\nBcc: all") }, 422, "name", 1},
		{"name with a control character", p, func(f url.Values) { f.Set("name", "secretly\x00") }, 422, "name", 1},
		{"name turned around", p, func(f url.Values) { f.Set("name", "secretly\u202e") }, 422, "name", 1},
		{"name that is no text", p, func(f url.Values) { f.Set("name", "secretly\xff") }, 422, "name", 1},
		{"no e-mail", p, func(f url.Values) { f.Del("email") }, 422, "email", 1},
		{"e-mail without a domain", p, func(f url.Values) { f.Set("email", "secretly") }, 422, "email", 1},
		{"e-mail with a name", p, func(f url.Values) { f.Set("email", "A <secretly@example.org>") }, 422, "email", 1},
		{"two e-mails", p, func(f url.Values) { f.Set("email", "a@example.org,secretly@example.org") }, 422, "email", 1},
		{"e-mail of two lines", p, func(f url.Values) { f.Set("email", "secretly@example.org\r\nBcc: b@example.org") }, 422, "email", 1},
		{"phone of letters", p, func(f url.Values) { f.Set("phone", "secretly") }, 422, "phone", 1},
		{"long phone", p, func(f url.Values) { f.Set("phone", strings.Repeat("1", 41)) }, 422, "phone", 1},
		{"65 KB", p, func(f url.Values) { f.Set("x", strings.Repeat("x", 65<<10)) }, 413, "", 1},
		{"a person as the way to pay", p, func(f url.Values) { f.Set("payment", "secretly ada@example.org"); f.Set("digest", "x") }, 422, "payment", 1},
		{"a person as the digest", p, func(f url.Values) { f.Set("digest", "secretly") }, 409, "", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			form := url.Values{}
			for key, values := range good {
				form[key] = values
			}
			test.change(form)
			was := h.refusals()
			r := test.who.send("/events/demo/checkout", form)
			if r.StatusCode != test.status {
				t.Errorf("status %d, want %d\n%s", r.StatusCode, test.status, r.text)
			}
			checkPlain(t, r.text)
			if n := h.refusals() - was; n != test.refused {
				t.Errorf("%d lines in the log, want %d", n, test.refused)
			}
			marked := regexp.MustCompile(`id="(\w+)-fault"`).FindAllStringSubmatch(r.text, -1)
			if (len(marked) > 0) != (test.field != "") || test.field != "" && (len(marked) != 1 || marked[0][1] != test.field) {
				t.Errorf("marked are %v, want %q", marked, test.field)
			}
			if test.field != "" && test.field != "payment" && !regexp.MustCompile(`<input id="`+test.field+`"[^>]* aria-invalid="true" aria-describedby="`+test.field+`-fault" autofocus>`).MatchString(r.text) {
				t.Errorf("the field does not say what is wrong with it, or has not the focus\n%s", r.text)
			}
			if kept := hiddenIn(r.text); test.field != "" && (kept.Get("request") != form.Get("request") || !strings.Contains(r.text, `value="`+html.EscapeString(strings.TrimSpace(form.Get("email")))+`"`)) {
				t.Error("the form does not keep what was filled in, or its id")
			}
		})
	}
	if n := len(h.bookings(t)); n != 0 || h.dump(t) != before {
		t.Errorf("%d bookings, or another store than before", n)
	}
	for _, personal := range []string{"secretly", "Ada", "ada@", "example.org"} {
		if strings.Contains(h.log.String(), personal) {
			t.Errorf("the log tells %q", personal)
		}
	}
	if strings.Contains(h.log.String(), "level=ERROR") {
		t.Errorf("logged as our fault:\n%s", h.log)
	}
}

func TestCheckoutOfWhatIsNotThere(t *testing.T) {
	h := openTill(t, tillSetting{})
	p := h.visitor(t)
	form := p.fill("demo", "A1")
	for path, status := range map[string]int{"/events/nothing/checkout": 404, "/events/%00/checkout": 404} {
		if got := p.get(path).StatusCode; got != status {
			t.Errorf("GET %s: %d, want %d", path, got, status)
		}
		if got := p.send(path, form).StatusCode; got != status {
			t.Errorf("POST %s: %d, want %d", path, got, status)
		}
	}
	other := h.visitor(t).get("/events/demo/checkout")
	if other.StatusCode != 409 || !strings.Contains(other.text, `href="/events/demo"`) {
		t.Errorf("checkout of nothing: %d\n%s", other.StatusCode, other.text)
	}
	r := p.request("/events/demo/checkout", form)
	r.Header.Set("Content-Type", "application/json")
	if got := p.do(r).StatusCode; got != 415 {
		t.Errorf("json: %d", got)
	}
	r = p.request("/events/demo/checkout", form)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if got := p.do(r).StatusCode; got != 403 {
		t.Errorf("from another site: %d", got)
	}
	if n := len(h.bookings(t)); n != 0 {
		t.Errorf("%d bookings", n)
	}
}

// What a browser sends of prices, states and holders counts for nothing.
func TestOtherFieldsAreIgnored(t *testing.T) {
	h := openTill(t, tillSetting{})
	p, other := h.visitor(t), h.visitor(t)
	other.post("lock", "A5")
	form := p.fill(checkout.Door, "A1")
	for field, value := range map[string]string{
		"price": "0", "total": "0", "status": "booked", "state": "booked", "holder": "x", "seat": "A5", "code": "ABCDEFGH23", "currency": "XXX", "captured": "1",
	} {
		form.Set(field, value)
	}
	r := p.send("/events/demo/checkout", form)
	all := h.bookings(t)
	if r.StatusCode != 303 || len(all) != 1 {
		t.Fatalf("%d, %d bookings", r.StatusCode, len(all))
	}
	event, err := h.store.Event(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	b := all[0]
	if b.State != store.BookingReserved || len(b.Lines) != 1 || b.Lines[0].Seat != "A1" || b.Currency != "EUR" ||
		b.Total() != event.Prices[b.Lines[0].Category] && b.Total() == 0 || b.Captured != 0 || b.Holder == "x" {
		t.Errorf("booked: %+v", b)
	}
}

func TestExpiredLockBooksNothing(t *testing.T) {
	rules := store.DefaultRules()
	rules.TTL = 300 * time.Millisecond
	h := openTill(t, tillSetting{setting: setting{rules: rules}})
	p := h.visitor(t)
	form := p.fill("demo", "A1")
	time.Sleep(rules.TTL)
	r := p.send("/events/demo/checkout", form)
	if r.StatusCode != 409 || !strings.Contains(r.text, `href="/events/demo"`) || len(h.bookings(t)) != 0 || h.refusals() != 1 {
		t.Errorf("%d with %d bookings\n%s", r.StatusCode, len(h.bookings(t)), r.text)
	}
}

// Who would now book something else than the form showed is asked again.
func TestChangedCheckoutAsksAgain(t *testing.T) {
	for name, change := range map[string]func(*testing.T, *till, *person){
		"another seat":   func(_ *testing.T, _ *till, p *person) { p.post("lock", "A2") },
		"a seat less":    func(_ *testing.T, _ *till, p *person) { p.post("unlock", "B1") },
		"another price":  func(t *testing.T, h *till, _ *person) { update(t, h.store, "An Evening", 123456) },
		"another seat 2": func(_ *testing.T, _ *till, p *person) { p.post("unlock", "B1"); p.post("lock", "B2") },
	} {
		t.Run(name, func(t *testing.T) {
			h := openTill(t, tillSetting{})
			p := h.visitor(t)
			form := p.fill(checkout.Door, "A1", "B1")
			change(t, h, p)
			r := p.send("/events/demo/checkout", form)
			if r.StatusCode != 409 || len(h.bookings(t)) != 0 || !strings.Contains(r.text, "Look at them again") {
				t.Fatalf("%d with %d bookings\n%s", r.StatusCode, len(h.bookings(t)), r.text)
			}
			again := hiddenIn(r.text)
			if again.Get("request") == form.Get("request") || again.Get("digest") == form.Get("digest") || !strings.Contains(r.text, `value="Ada Lovelace"`) {
				t.Errorf("the form is the same, or empty: %v\n%s", again, r.text)
			}
			form.Set("request", again.Get("request"))
			form.Set("digest", again.Get("digest"))
			if r := p.send("/events/demo/checkout", form); r.StatusCode != 303 || len(h.bookings(t)) != 1 {
				t.Errorf("the new form: %d", r.StatusCode)
			}
		})
	}
}

// TestOneFormBooksOnce: 50 posts of one form are one booking, and 50 equal
// answers. The form with something else in it is none.
func TestOneFormBooksOnce(t *testing.T) {
	for _, way := range []string{checkout.Door, "demo"} {
		t.Run(way, func(t *testing.T) {
			h := openTill(t, tillSetting{})
			p := h.visitor(t)
			form := p.fill(way, "A1", "A2")
			replies := make([]reply, 50)
			var all sync.WaitGroup
			for i := range replies {
				all.Go(func() { replies[i] = p.send("/events/demo/checkout", form) })
			}
			all.Wait()
			for _, r := range append(replies, p.send("/events/demo/checkout", form)) {
				if r.StatusCode != 303 || r.text != replies[0].text || r.Header.Get("Location") != replies[0].Header.Get("Location") || !codeIn.MatchString(r.Header.Get("Location")) {
					t.Fatalf("%d to %q, and %d to %q", r.StatusCode, r.Header.Get("Location"), replies[0].StatusCode, replies[0].Header.Get("Location"))
				}
			}
			form.Set("name", "Charles Babbage")
			if r := p.send("/events/demo/checkout", form); r.StatusCode != 422 {
				t.Errorf("the same form with another name: %d", r.StatusCode)
			}
			if n := len(h.bookings(t)); n != 1 {
				t.Errorf("%d bookings", n)
			}
		})
	}
}

// TestTwoTabs: the second of two checkouts leads to the booking of the first.
func TestTwoTabs(t *testing.T) {
	h := openTill(t, tillSetting{})
	p := h.visitor(t)
	first, second := p.fill("demo", "A1"), p.form2(checkout.Door)
	code := codeIn.FindStringSubmatch(p.send("/events/demo/checkout", first).Header.Get("Location"))[1]
	for _, r := range []reply{p.send("/events/demo/checkout", second), p.get("/events/demo/checkout")} {
		if r.StatusCode != 303 || r.Header.Get("Location") != "/bookings/"+code {
			t.Errorf("second tab while paying: %d to %q", r.StatusCode, r.Header.Get("Location"))
		}
	}
	p.send("/demo-pay/"+code+"-1", url.Values{"do": {"pay"}})
	p.wantState(code, "booked")
	if r := p.send("/events/demo/checkout", second); r.StatusCode != 409 || len(h.bookings(t)) != 1 {
		t.Errorf("second tab after that: %d, %d bookings", r.StatusCode, len(h.bookings(t)))
	}
}

// Names of people are taken as they are, and shown as text.
func TestNamesOfPeople(t *testing.T) {
	h := openTill(t, tillSetting{})
	for i, name := range []string{
		"Μαρία Παπαδοπούλου", "محمد بن سلمان", "Nguyễn Thị Minh Khai", "O'Brien & Söhne", `<script>alert(1)</script>"'`, "李小龍", "Zoë 👩‍👧",
	} {
		p := h.visitor(t)
		form := p.fill(checkout.Door, fmt.Sprint("A", i+1))
		form.Set("name", name)
		form.Set("email", "x@bücher.example")
		r := p.send("/events/demo/checkout", form)
		if r.StatusCode != 303 {
			t.Errorf("%s: %d", name, r.StatusCode)
			continue
		}
		page := p.get(r.Header.Get("Location")).text
		if !strings.Contains(page, "<bdi>"+templ.EscapeString(name)+"</bdi>") || strings.Contains(page, "<script>") {
			t.Errorf("%s is not on the page as it is", name)
		}
	}
}

func TestCheckoutInGerman(t *testing.T) {
	h := openTill(t, tillSetting{})
	p := h.visitor(t)
	p.languages = "de"
	form := p.fill("demo", "A1")
	if page := p.get("/events/demo/checkout"); !strings.Contains(page.text, "Wer sind Sie?") || page.Header.Get("Content-Language") != "de" {
		t.Error("the checkout is not German")
	}
	form.Set("name", "")
	if r := p.send("/events/demo/checkout", form); !strings.Contains(r.text, "Geben Sie Ihren Namen ein") {
		t.Error("what is wrong is not said in German")
	}
	form.Set("name", "Ada")
	to := p.send("/events/demo/checkout", form).Header.Get("Location")
	if page := p.get(to).text; !strings.Contains(page, "keine echte Zahlung") {
		t.Error("the demo page is not German")
	}
	if page := p.get("/bookings/" + codeIn.FindStringSubmatch(to)[1]).text; !strings.Contains(page, "Ihre Plätze warten auf Ihre Zahlung") {
		t.Error("the booking is not German")
	}
}

// With one way to pay there is no choice, and where nothing can be booked no page.
func TestWaysToPay(t *testing.T) {
	h := openTill(t, tillSetting{ways: []string{checkout.Door}})
	p := h.visitor(t)
	p.post("lock", "A1")
	page := p.get("/events/demo/checkout").text
	if strings.Contains(page, `type="radio"`) || !strings.Contains(page, `<input type="hidden" name="payment" value="door">`) {
		t.Error("a choice of one")
	}
	none := open(t, setting{})
	for _, path := range []string{"/events/demo/checkout", "/bookings/ABCDEFGH23", "/demo-pay/ABCDEFGH23-1"} {
		if got := none.visitor(t).get(path).StatusCode; got != 404 {
			t.Errorf("%s without a checkout: %d", path, got)
		}
	}
}

// Who is forgotten while a booking begins has none.
func TestForgottenWhileBooking(t *testing.T) {
	for _, way := range []string{checkout.Door, "demo"} {
		t.Run(way, func(t *testing.T) {
			slow := &slowBegin{begun: make(chan struct{}), goOn: make(chan struct{})}
			h := openTill(t, tillSetting{around: func(c *checkout.Checkout) handlers.Checkout { slow.Checkout = c; return slow }})
			p := h.visitor(t)
			form := p.fill(way, "A1")
			answer := make(chan reply)
			go func() { answer <- p.send("/events/demo/checkout", form) }()
			<-slow.begun
			if r := p.send("/forget", nil); r.StatusCode != 303 {
				t.Fatalf("forget: %d", r.StatusCode)
			}
			close(slow.goOn)
			if r := <-answer; r.StatusCode != 409 {
				t.Errorf("checkout: %d", r.StatusCode)
			}
			h.untilOnMap(t, "A1", "available")
		})
	}
}

// slowBegin answers a begin only when it is told to, once begun is there.
type slowBegin struct {
	*checkout.Checkout
	begun, goOn chan struct{}
}

func (s *slowBegin) Begin(ctx context.Context, r checkout.Request) (checkout.Begun, error) {
	begun, err := s.Checkout.Begin(ctx, r)
	if s.begun != nil {
		close(s.begun)
		<-s.goOn
	}
	return begun, err
}
