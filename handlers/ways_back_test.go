package handlers_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/handlers"
	"github.com/seatlock/seatlock/store"
)

// meeting is a store whose next two changes of session rows wait for each other.
type meeting struct {
	*store.Store
	both *sync.WaitGroup // nil is that nothing waits
}

func (m *meeting) ChangeRecord(ctx context.Context, key store.Key, change func(store.Record) (store.Record, bool, error)) error {
	if both := m.both; both != nil && key.Kind == store.Session {
		both.Done()
		both.Wait()
	}
	return m.Store.ChangeRecord(ctx, key, change)
}

// TestTwoKeysAtOnce: what two requests of one session add at the same time is
// there then, and the session is the one that it was.
func TestTwoKeysAtOnce(t *testing.T) {
	m := &meeting{}
	h := openTill(t, tillSetting{setting: setting{wrap: func(st *store.Store) served { m.Store = st; return m }}})
	a, b, friend := h.visitor(t), h.visitor(t), h.visitor(t)
	one, _ := a.begin(checkout.Door, "A1")
	other, _ := b.begin(checkout.Door, "A2")
	third, _ := h.visitor(t).begin(checkout.Door, "A3")
	keys := []string{a.keyOf(one), b.keyOf(other)}
	together := func(requests ...func() reply) {
		t.Helper()
		m.both = &sync.WaitGroup{}
		m.both.Add(len(requests))
		var all sync.WaitGroup
		for _, ask := range requests {
			all.Go(func() {
				if r := ask(); r.StatusCode >= 400 {
					t.Errorf("%d", r.StatusCode)
				}
			})
		}
		all.Wait()
		m.both = nil
	}
	friend.get("/events/demo")
	together(func() reply { return friend.get(keys[0]) }, func() reply { return friend.get(keys[1]) })
	for _, code := range []string{one, other} {
		if got := friend.get("/bookings/" + code).StatusCode; got != 200 {
			t.Errorf("the booking of one of two keys: %d", got)
		}
	}
	late := h.visitor(t)
	late.get("/events/demo")
	together(func() reply { return late.get(keys[0]) }, func() reply { return late.post("lock", "B1") })
	if got := late.get("/bookings/" + one).StatusCode; got != 200 {
		t.Errorf("the booking of a key beside a first lock: %d", got)
	}
	if seat := seatsIn(late.get("/events/demo").text)["B1"]; !seat.mine {
		t.Error("the seat of a first lock beside a key is not theirs")
	}
	if got := friend.get("/bookings/" + third).StatusCode; got != 404 {
		t.Errorf("a booking without a key: %d", got)
	}
}

// askAgain is what the script of a booking's page asks.
func (p *person) askAgain(code string) reply {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), "GET", p.home+"/bookings/"+code+"?seen=nothing", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("HX-Request", "true")
	return p.do(r)
}

// TestOpenPagesAskTheProviderSeldom: a page that stays open asks it no more often
// than the reconciler, and one that is opened at once.
func TestOpenPagesAskTheProviderSeldom(t *testing.T) {
	hints := &countedHints{}
	h := openTill(t, tillSetting{
		change: func(r *checkout.Rules) { r.Poll = time.Hour },
		around: func(c *checkout.Checkout) handlers.Checkout { hints.Checkout = c; return hints },
	})
	p := h.visitor(t)
	code, _ := p.begin("demo", "A1")
	p.state(code)
	for began := time.Now(); time.Since(began) < 1200*time.Millisecond; {
		if r := p.askAgain(code); r.StatusCode != 200 || !strings.Contains(r.text, `data-state="paying"`) {
			t.Fatalf("asked again: %d\n%s", r.StatusCode, r.text)
		}
	}
	if n := hints.n.Load(); n != 1 {
		t.Errorf("one look, and then only an open page: %d hints", n)
	}
	p.state(code)
	if n := hints.n.Load(); n != 2 {
		t.Errorf("two looks: %d hints", n)
	}
}

// ahead is a store whose clock the handlers see a day further on.
type ahead struct{ *store.Store }

func (a ahead) Now(ctx context.Context) (time.Time, error) {
	now, err := a.Store.Now(ctx)
	return now.Add(25 * time.Hour), err
}

// TestDeadPaymentsAreLeftAlone: a day after it was begun no page asks for late
// money.
func TestDeadPaymentsAreLeftAlone(t *testing.T) {
	for _, old := range []bool{false, true} {
		hints := &countedHints{}
		s := tillSetting{around: func(c *checkout.Checkout) handlers.Checkout { hints.Checkout = c; return hints }}
		if old {
			s.wrap = func(st *store.Store) served { return ahead{st} }
		}
		h := openTill(t, s)
		p := h.visitor(t)
		code, pay := p.begin("demo", "A1")
		p.send(pay, url.Values{"do": {"decline"}})
		p.askUntil(t, h, code, store.BookingDeclined)
		before := hints.n.Load()
		p.get("/bookings/" + code)
		if asked := hints.n.Load() > before; asked == old {
			t.Errorf("a day later: %v, the provider was asked: %v", old, asked)
		}
	}
}

// askUntil waits for the state of a booking without looking at its page.
func (p *person) askUntil(t *testing.T, h *till, code string, state store.BookingState) {
	t.Helper()
	for limit := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		b, err := h.store.Booking(t.Context(), code)
		if err != nil {
			t.Fatal(err)
		}
		if b.State == state {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("the booking is %s, want %s", b.State, state)
		}
	}
}

// TestRefusalsAreLogged: each is one line, which tells neither whose booking it is
// nor by what it could be opened.
func TestRefusalsAreLogged(t *testing.T) {
	h := openTill(t, tillSetting{})
	owner, stranger := h.visitor(t), h.visitor(t)
	code, pay := owner.begin("demo", "A1")
	key := owner.keyOf(code)
	stranger.get("/events/demo")
	json := stranger.request("/events/demo/checkout", url.Values{"name": {"Ada"}})
	json.Header.Set("Content-Type", "application/json")
	foreign := owner.request("/bookings/"+code+"/cancel", nil)
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	changed := key[:len(key)-3] + "xyz"
	for name, ask := range map[string]struct {
		send   func() reply
		status int
	}{
		"a foreign code":      {func() reply { return stranger.get("/bookings/" + code) }, 404},
		"a guessed code":      {func() reply { return stranger.get("/bookings/2222222222") }, 404},
		"a guessed key":       {func() reply { return stranger.get(changed) }, 404},
		"a stranger's cancel": {func() reply { return stranger.send("/bookings/"+code+"/cancel", nil) }, 404},
		"a stranger gives up": {func() reply { return stranger.send("/bookings/"+code+"/give-up", nil) }, 404},
		"a stranger's demo":   {func() reply { return stranger.get(pay) }, 404},
		"a stranger pays":     {func() reply { return stranger.send(pay, url.Values{"do": {"pay"}}) }, 404},
		"from elsewhere":      {func() reply { return owner.do(foreign) }, 403},
		"no form":             {func() reply { return stranger.do(json) }, 415},
		"a large form":        {func() reply { return owner.send(pay, url.Values{"do": {strings.Repeat("x", 65<<10)}}) }, 413},
		"checkout of nothing": {func() reply { return stranger.get("/events/demo/checkout") }, 409},
		"no such button":      {func() reply { return owner.send(pay, url.Values{"do": {"secretly"}}) }, 422},
	} {
		was := len(h.log.String())
		if r := ask.send(); r.StatusCode != ask.status {
			t.Errorf("%s: %d, want %d", name, r.StatusCode, ask.status)
		}
		lines := regexp.MustCompile(`(?m)^.* level=INFO msg=refused .*$`).FindAllString(h.log.String()[was:], -1)
		if len(lines) != 1 {
			t.Errorf("%s: %d lines in the log", name, len(lines))
			continue
		}
		for _, secret := range []string{code, "2222222222", "xyz", "Ada", "secretly", "error="} {
			if strings.Contains(lines[0], secret) {
				t.Errorf("%s: the log tells %q: %s", name, secret, lines[0])
			}
		}
	}
}

// TestWayBackToABooking: who opens the checkout again, or sends an old form of it,
// is led to what they have booked, and so is who looks at the map.
func TestWayBackToABooking(t *testing.T) {
	h := openTill(t, tillSetting{})
	p, other := h.visitor(t), h.visitor(t)
	first := p.fill(checkout.Door, "A1", "A2")
	second := p.form2(checkout.Door)
	page := newScreen(p.get("/events/demo").text)
	code := codeIn.FindStringSubmatch(p.send("/events/demo/checkout", first).Header.Get("Location"))[1]
	h.untilOnMap(t, "A1", "booked")
	link := `<a href="/bookings/` + code + `">` + code + `</a>`
	wantAll(t, "checkout again", p.get("/events/demo/checkout"), 409, link, "What you have booked", `href="/events/demo"`)
	wantAll(t, "the old form", p.send("/events/demo/checkout", second), 409, link)
	wantAll(t, "the map", p.get("/events/demo"), 200, "Your bookings:", link)
	wantAll(t, "a lock", p.post("lock", "B1"), 200, link)
	wantAll(t, "an unlock", p.post("unlock"), 200, link)
	p.follow(page.cursor, "").untilTold(t, link)
	for _, path := range []string{"/events/demo", "/events/demo/checkout"} {
		if strings.Contains(other.get(path).text, code) {
			t.Errorf("a stranger is told of the booking at %s", path)
		}
	}
}

// Who has not paid yet can keep the link, too.
func TestSecretLinkWhilePaying(t *testing.T) {
	h := openTill(t, tillSetting{})
	p, friend := h.visitor(t), h.visitor(t)
	code, _ := p.begin("demo", "A1")
	friend.get(p.keyOf(code))
	if got := friend.state(code); got != "paying" {
		t.Errorf("who has the link of an open payment sees %q", got)
	}
}

// No address of a booking is anything but one of a booking that is not there.
func TestOddAddressesOfBookings(t *testing.T) {
	h := openTill(t, tillSetting{})
	p := h.visitor(t)
	code, pay := p.begin("demo", "A1")
	none := p.get("/bookings/2222222222")
	wantAll(t, "a code of none", none, 404, "<h1>No such booking</h1>")
	want := sameForAll(none)
	for _, path := range []string{
		"/bookings/" + code + "-%00", "/bookings/" + code + "-" + strings.Repeat("9", 3000), "/bookings/" + code + "-1",
		"/demo-pay/" + code + "-%00", "/demo-pay/" + code + "-" + strings.Repeat("9", 3000), pay + "-1",
	} {
		if got := sameForAll(p.get(path)); got != want {
			t.Errorf("%.60s:\n%s\nwant\n%s", path, got, want)
		}
	}
	p.languages = "de"
	wantAll(t, "in German", p.get("/bookings/2222222222"), 404, "<h1>Buchung nicht gefunden</h1>")
}

// A language that a link asks for stays when it leads on.
func TestKeyKeepsTheLanguage(t *testing.T) {
	h := openTill(t, tillSetting{})
	p, friend := h.visitor(t), h.visitor(t)
	code, _ := p.begin("demo", "A1")
	friend.get(p.keyOf(code) + "&lang=de")
	wantAll(t, "the booking", friend.get("/bookings/"+code), 200, `<html lang="de"`)
	p.get("/events/demo/checkout?lang=de")
	wantAll(t, "the booking", p.get("/bookings/"+code), 200, `<html lang="de"`)
}

// brokenDemo fails for a reason that is none of its answers.
type brokenDemo struct {
	handlers.Demo
	err error
}

func (d brokenDemo) Pay(context.Context, string) error { return d.err }

// TestDemoFailsAloud: only what the demo answers is shown as the booking stands.
// All else is a failure, from which a way leads back to the booking.
func TestDemoFailsAloud(t *testing.T) {
	broken := &brokenDemo{}
	h := openTill(t, tillSetting{demo: func(d handlers.Demo) handlers.Demo { broken.Demo = d; return broken }})
	p := h.visitor(t)
	code, pay := p.begin("demo", "A1")
	back := `href="/bookings/` + code + `"`
	for err, status := range map[error]int{
		errors.New("disk on fire"): 500, store.ErrUnknown: 503, store.ErrUnavailable: 503, checkout.ErrNotFound: 404, checkout.ErrRefused: 303,
	} {
		broken.err = err
		r := p.send(pay, url.Values{"do": {"pay"}})
		if r.StatusCode != status || status != 303 && strings.Contains(r.text, back) != (status != 404) {
			t.Errorf("%v: %d, want %d with a way back\n%s", err, r.StatusCode, status, r.text)
		}
	}
	wantAll(t, "no such button", p.send(pay, url.Values{"do": {"steal"}}), 422, back)
}

// TestForgottenKeepWhatTheyBooked: a form that is sent again while its visitor is
// forgotten takes back nothing of what it had booked before, beyond all terms; and
// the first keeps what was paid by then.
func TestForgottenKeepWhatTheyBooked(t *testing.T) {
	for name, test := range map[string]struct {
		way    string
		repeat bool
		want   store.BookingState
	}{
		"a repeat of what is paid":     {"demo", true, store.BookingBooked},
		"a repeat of what is reserved": {checkout.Door, true, store.BookingReserved},
		"paid in between":              {"demo", false, store.BookingBooked},
	} {
		t.Run(name, func(t *testing.T) {
			slow := &slowBegin{}
			h := openTill(t, tillSetting{around: func(c *checkout.Checkout) handlers.Checkout { slow.Checkout = c; return slow }})
			p := h.visitor(t)
			form := p.fill(test.way, "A1")
			pay := func() (code string) {
				code = h.bookings(t)[0].Code
				if test.way == "demo" {
					p.send("/demo-pay/"+code+"-1", url.Values{"do": {"pay"}})
				}
				p.askUntil(t, h, code, test.want)
				return code
			}
			if test.repeat {
				p.send("/events/demo/checkout", form)
				pay()
			}
			slow.begun, slow.goOn = make(chan struct{}), make(chan struct{})
			answer := make(chan reply)
			go func() { answer <- p.send("/events/demo/checkout", form) }()
			<-slow.begun
			code := pay()
			if r := p.send("/forget", nil); r.StatusCode != 303 {
				t.Fatalf("forget: %d", r.StatusCode)
			}
			close(slow.goOn)
			if r := <-answer; r.StatusCode != 409 {
				t.Errorf("the form: %d", r.StatusCode)
			}
			b, err := h.store.Booking(t.Context(), code)
			if err != nil || b.State != test.want || len(b.Refunds) > 0 {
				t.Errorf("the booking is %s, with refunds %v: %v", b.State, b.Refunds, err)
			}
		})
	}
}
