package handlers_test

import (
	"context"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/handlers"
	"github.com/seatlock/seatlock/store"
)

// sameForAll is all of an answer but for when it was given.
func sameForAll(r reply) string {
	h := maps.Clone(r.Header)
	h.Del("Date")
	return fmt.Sprint(r.StatusCode, h, r.text)
}

// keyOf returns the address that opens a booking, as its page tells it.
func (p *person) keyOf(code string) (path string) {
	p.t.Helper()
	m := regexp.MustCompile(`<a class="key" href="([^"]+)"`).FindStringSubmatch(p.get("/bookings/" + code).text)
	if m == nil {
		p.t.Fatal("the booking's page has no secret link")
	}
	link, err := url.Parse(html.UnescapeString(m[1]))
	if err != nil || "http://"+link.Host != p.home {
		p.t.Fatalf("link %s: %v", m[1], err)
	}
	return link.RequestURI()
}

// TestStrangersSeeNoBooking: whatever they ask of a booking, the answer is, byte
// for byte, that to a code which does not exist.
func TestStrangersSeeNoBooking(t *testing.T) {
	h := openTill(t, tillSetting{})
	owner, stranger := h.visitor(t), h.visitor(t)
	reserved, _ := owner.begin(checkout.Door, "A1", "A2")
	other, _ := stranger.begin(checkout.Door, "B1")
	paying, _ := owner.begin("demo", "A3")
	key := owner.keyOf(reserved)
	foreign := stranger.keyOf(other)
	before := h.bookings(t)
	none := "/bookings/" + strings.Repeat("2", 10)
	want := sameForAll(stranger.get(none))
	if !strings.HasPrefix(want, "404 ") {
		t.Fatalf("a code of none: %s", want)
	}
	changed := key[:len(key)-1] + map[bool]string{true: "B", false: "A"}[strings.HasSuffix(key, "A")]
	for name, path := range map[string]string{
		"booking": "/bookings/" + reserved, "booking that is paying": "/bookings/" + paying, "no code": "/bookings/x", "code with a percent sign": "/bookings/%25",
		"small letters": "/bookings/" + strings.ToLower(reserved), "long code": "/bookings/" + strings.Repeat("A", 1000),
		"changed key": changed, "short key": key[:len(key)-1], "longer key": key + "A", "no key": "/bookings/" + reserved + "?key=",
		"key of another booking": "/bookings/" + reserved + "?" + strings.SplitN(foreign, "?", 2)[1], "key for no booking": none + "?" + strings.SplitN(key, "?", 2)[1],
		"attempt": "/demo-pay/" + paying + "-1", "attempt of none": "/demo-pay/2222222222-1", "no attempt": "/demo-pay/x",
	} {
		if got := sameForAll(stranger.get(path)); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
	for name, path := range map[string]string{
		"cancel": "/bookings/" + reserved + "/cancel", "cancel of none": none + "/cancel", "give up": "/bookings/" + paying + "/give-up",
		"give up of none": none + "/give-up", "pay": "/demo-pay/" + paying + "-1",
	} {
		if got := sameForAll(stranger.send(path, url.Values{"do": {"pay"}})); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
	for _, path := range []string{"/demo-pay/" + reserved + "-1", "/demo-pay/" + paying, "/demo-pay/" + paying + "-2"} {
		if got := sameForAll(owner.get(path)); got != want {
			t.Errorf("the owner's %s:\n%s", path, got)
		}
	}
	if after := h.bookings(t); fmt.Sprint(after) != fmt.Sprint(before) || owner.state(paying) != "paying" {
		t.Error("a stranger changed a booking")
	}
}

// TestKeyOpensABooking: it moves into the session, the address is bare from then
// on, and no log has it.
func TestKeyOpensABooking(t *testing.T) {
	h := openTill(t, tillSetting{})
	owner, friend := h.visitor(t), h.visitor(t)
	code, _ := owner.begin(checkout.Door, "A1", "A2")
	key := owner.keyOf(code)
	for _, who := range []*person{friend, friend, owner} {
		if r := who.get(key); r.StatusCode != 303 || r.Header.Get("Location") != "/bookings/"+code || r.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Fatalf("%d to %q", r.StatusCode, r.Header.Get("Location"))
		}
		if got := who.state(code); got != "reserved" {
			t.Errorf("the booking is %s", got)
		}
	}
	if r := friend.send("/bookings/"+code+"/cancel", url.Values{"seat": {"A1"}}); r.StatusCode != 303 {
		t.Errorf("cancel by who has the key: %d", r.StatusCode)
	}
	if page := friend.get("/bookings/" + code).text; strings.Count(page, "<s>") != 1 {
		t.Errorf("not one seat is cancelled\n%s", page)
	}
	if secret := strings.SplitN(key, "key=", 2)[1]; strings.Contains(h.log.String(), secret) || strings.Contains(h.log.String(), code+"?") {
		t.Error("the log has the key")
	}
	friend.send("/forget", nil)
	if r := friend.get("/bookings/" + code); r.StatusCode != 404 {
		t.Errorf("who was forgotten: %d", r.StatusCode)
	}
	if r := owner.get("/bookings/" + code); r.StatusCode != 200 {
		t.Errorf("the owner: %d", r.StatusCode)
	}
}

// A session opens the 50 bookings that it was given last.
func TestSessionKeepsSoManyKeys(t *testing.T) {
	h := openTill(t, tillSetting{})
	friend := h.visitor(t)
	var codes []string
	for i := range 52 {
		owner := h.visitor(t)
		code, _ := owner.begin(checkout.Door, fmt.Sprintf("%c%d", 'A'+i/8, 1+i%8))
		if r := friend.get(owner.keyOf(code)); r.StatusCode != 303 {
			t.Fatalf("key %d: %d", i, r.StatusCode)
		}
		codes = append(codes, code)
	}
	for i, code := range codes {
		if got, want := friend.get("/bookings/"+code).StatusCode == 200, i >= 2; got != want {
			t.Errorf("booking %d is open: %v", i, got)
		}
	}
}

func TestPagesOfBookingsAreGuarded(t *testing.T) {
	h := openTill(t, tillSetting{})
	p := h.visitor(t)
	code, pay := p.begin("demo", "A1")
	for _, path := range []string{"/bookings/" + code, "/bookings/" + code + "?key=x", pay, "/bookings/none", "/bookings/" + code + "/nothing"} {
		answers := []reply{p.get(path), p.send("/bookings/none/cancel", nil), p.send("/bookings/"+code+"/cancel", nil), p.send(pay, url.Values{"do": {"close"}})}
		for _, r := range answers {
			h := r.Header
			if h.Get("Referrer-Policy") != "no-referrer" || h.Get("X-Robots-Tag") != "noindex" || !strings.Contains(h.Get("Cache-Control"), "no-store") ||
				!strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("%s: %d %v", path, r.StatusCode, h)
			}
		}
	}
	p.send("/demo-pay/"+code+"-1", url.Values{"do": {"decline"}})
	p.wantState(code, "declined")
	if h := p.get("/events/demo/checkout").Header; !strings.Contains(h.Get("Cache-Control"), "no-store") || h.Get("Referrer-Policy") != "same-origin" {
		t.Errorf("checkout: %v", h)
	}
}

// TestFormsOfBookings: from a page without a referrer browsers send "Origin:
// null", which only our own form's token makes good.
func TestFormsOfBookings(t *testing.T) {
	h := openTill(t, tillSetting{})
	p := h.visitor(t)
	code, _ := p.begin(checkout.Door, "A1", "A2")
	token := hiddenIn(p.get("/bookings/" + code).text).Get("token")
	otherCode, _ := p.begin(checkout.Door, "B1")
	others := hiddenIn(p.get("/bookings/" + otherCode).text).Get("token")
	friend := h.visitor(t)
	friend.get(p.keyOf(code))
	friends := hiddenIn(friend.get("/bookings/" + code).text).Get("token")
	post := func(header http.Header, token string) int {
		r := p.request("/bookings/"+code+"/cancel", url.Values{"seat": {"A1"}, "token": {token}})
		for key, values := range header {
			r.Header[key] = values
		}
		return p.do(r).StatusCode
	}
	null := http.Header{"Origin": {"null"}}
	foreign := http.Header{"Origin": {"null"}, "Sec-Fetch-Site": {"cross-site"}}
	for name, status := range map[string]int{"": post(null, ""), "another booking's": post(null, others), "a friend's": post(null, friends), "ours from elsewhere": post(foreign, token), "ours, evil origin": post(http.Header{"Origin": {"https://evil.example"}}, token)} {
		if status != 403 {
			t.Errorf("token %q: %d, want 403", name, status)
		}
	}
	if status := post(null, token); status != 303 {
		t.Errorf("our form on a network without https: %d", status)
	}
	if status := post(http.Header{"Origin": {"null"}, "Sec-Fetch-Site": {"same-origin"}}, ""); status != 303 {
		t.Errorf("our form where the browser says whose it is: %d", status)
	}
}

func TestCancel(t *testing.T) {
	h := openTill(t, tillSetting{})
	p := h.visitor(t)
	code, pay := p.begin("demo", "A1", "A2", "A3")
	cancel := func(seats ...string) reply { return p.send("/bookings/"+code+"/cancel", url.Values{"seat": seats}) }
	if r := cancel(); r.StatusCode != 409 || !strings.Contains(r.text, `href="/bookings/`+code+`"`) {
		t.Errorf("while paying: %d\n%s", r.StatusCode, r.text)
	}
	p.send(pay, url.Values{"do": {"pay"}})
	p.wantState(code, "booked")
	for seat, status := range map[string]int{"B1": 404, "../x": 422} {
		if r := cancel("A1", seat); r.StatusCode != status {
			t.Errorf("cancel %s: %d, want %d", seat, r.StatusCode, status)
		}
	}
	for range 2 { // a repeat is a success
		if r := cancel("A1"); r.StatusCode != 303 || r.Header.Get("Location") != "/bookings/"+code {
			t.Fatalf("cancel A1: %d", r.StatusCode)
		}
	}
	h.untilOnMap(t, "A1", "available")
	h.untilOnMap(t, "A2", "booked")
	cancel()
	p.wantState(code, "cancelled")
	for limit := time.Now().Add(10 * time.Second); strings.Count(p.get("/bookings/"+code).text, "was refunded to you.") != 2; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("the money has not gone back\n%s", p.get("/bookings/"+code).text)
		}
	}
	event, err := h.store.Event(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	late, _ := p.begin(checkout.Door, "B1", "B2")
	if page := p.get("/bookings/" + late).text; strings.Count(page, "<details>") != 3 {
		t.Error("not each seat and all can be cancelled")
	}
	event.Terms.CancelUntil = store.Never
	if _, err := h.store.UpdateEvent(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	if r := p.send("/bookings/"+late+"/cancel", nil); r.StatusCode != 409 || p.state(late) != "reserved" {
		t.Errorf("too late: %d", r.StatusCode)
	}
	if page := p.get("/bookings/" + late).text; strings.Contains(page, "<details>") || !strings.Contains(page, "cannot be cancelled") {
		t.Error("the page offers what is too late")
	}
}

func TestGiveUp(t *testing.T) {
	h := openTill(t, tillSetting{})
	p := h.visitor(t)
	code, _ := p.begin("demo", "A1")
	if r := p.send("/bookings/"+code+"/give-up", nil); r.StatusCode != 303 || r.Header.Get("Location") != "/bookings/"+code {
		t.Fatalf("give up: %d", r.StatusCode)
	}
	p.wantState(code, "declined")
	if page := p.get("/bookings/" + code).text; !strings.Contains(page, "still held for you until") {
		t.Errorf("the page does not say how long the seats are held\n%s", page)
	}
	if again, _ := p.begin("demo", "A1"); again == code {
		t.Error("the same booking again")
	}
}

// TestDemoPayments: what each button of the demo page comes to.
func TestDemoPayments(t *testing.T) {
	h := openTill(t, tillSetting{})
	press := func(p *person, code, do string) {
		t.Helper()
		if r := p.send("/demo-pay/"+code+"-1", url.Values{"do": {do}}); r.StatusCode != 303 || r.Header.Get("Location") != "/bookings/"+code {
			t.Fatalf("%s: %d to %q\n%s", do, r.StatusCode, r.Header.Get("Location"), r.text)
		}
	}
	t.Run("decline", func(t *testing.T) {
		p := h.visitor(t)
		code, _ := p.begin("demo", "A1")
		press(p, code, "decline")
		press(p, code, "pay") // too late
		p.wantState(code, "declined")
	})
	t.Run("close, then pay twice", func(t *testing.T) {
		p := h.visitor(t)
		code, _ := p.begin("demo", "A2")
		press(p, code, "close")
		if got := p.state(code); got != "paying" {
			t.Errorf("closed: %s", got)
		}
		press(p, code, "pay-twice")
		press(p, code, "pay")
		press(p, code, "decline")
		p.wantState(code, "booked")
		b, err := h.store.Booking(t.Context(), code)
		if err != nil || b.Captured != b.Total() {
			t.Errorf("captured %d of %d: %v", b.Captured, b.Total(), err)
		}
		if page := p.get("/demo-pay/" + code + "-1"); page.StatusCode != 200 || strings.Contains(page.text, "<form") {
			t.Errorf("the demo page of what is paid: %d\n%s", page.StatusCode, page.text)
		}
	})
	t.Run("something else", func(t *testing.T) {
		p := h.visitor(t)
		code, pay := p.begin("demo", "A3")
		for _, do := range []string{"", "steal"} {
			if r := p.send(pay, url.Values{"do": {do}}); r.StatusCode != 422 {
				t.Errorf("do %q: %d", do, r.StatusCode)
			}
		}
		if got := p.state(code); got != "paying" {
			t.Errorf("it is %s", got)
		}
	})
}

// TestPayLate: money that comes when the seats were let go gets them if they are
// free, and else goes back.
func TestPayLate(t *testing.T) {
	rules := store.DefaultRules()
	rules.TTL = 500 * time.Millisecond
	h := openTill(t, tillSetting{setting: setting{rules: rules}})
	late := func(p *person, seat string) (code string) {
		t.Helper()
		code, pay := p.begin("demo", seat)
		if r := p.send(pay, url.Values{"do": {"pay-late"}}); r.StatusCode != 303 {
			t.Fatalf("pay late: %d\n%s", r.StatusCode, r.text)
		}
		p.wantState(code, "lapsed")
		return code
	}
	t.Run("the seat is free", func(t *testing.T) {
		p := h.visitor(t)
		code := late(p, "A1")
		if page := p.get("/bookings/" + code).text; p.state(code) == "lapsed" && !strings.Contains(page, "does not answer") {
			t.Errorf("the page does not say that the payment may still come\n%s", page)
		}
		p.wantState(code, "booked")
	})
	t.Run("the seat is another's", func(t *testing.T) {
		p, other := h.visitor(t), h.visitor(t)
		code := late(p, "A2")
		taken, _ := other.begin(checkout.Door, "A2")
		p.wantState(code, "lost")
		for limit := time.Now().Add(10 * time.Second); !strings.Contains(p.get("/bookings/"+code).text, "was refunded to you."); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(limit) {
				t.Fatalf("the money has not gone back\n%s", p.get("/bookings/"+code).text)
			}
		}
		if got := other.state(taken); got != "reserved" {
			t.Errorf("the other's booking is %s", got)
		}
	})
}

// A page that waits is told only what is new.
func TestBookingAsksAgain(t *testing.T) {
	h := openTill(t, tillSetting{})
	p := h.visitor(t)
	code, pay := p.begin("demo", "A1")
	ask := regexp.MustCompile(`hx-get="([^"]+)"`).FindStringSubmatch(p.get("/bookings/" + code).text)
	if ask == nil {
		t.Fatal("the page does not ask again")
	}
	again := func() reply {
		r, err := http.NewRequestWithContext(t.Context(), "GET", p.home+ask[1], nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("HX-Request", "true")
		return p.do(r)
	}
	if r := again(); r.StatusCode != 204 || r.text != "" {
		t.Errorf("nothing is new: %d\n%s", r.StatusCode, r.text)
	}
	p.send(pay, url.Values{"do": {"pay"}})
	p.wantState(code, "booked")
	r := again()
	if r.StatusCode != 200 || !strings.HasPrefix(r.text, `<article id="booking" data-booking="`+code+`" data-state="booked" hx-swap-oob="outerMorph">`) ||
		!strings.Contains(r.text, "Your seats are booked.") || strings.Contains(r.text, "<html") {
		t.Errorf("what is new: %d\n%s", r.StatusCode, r.text)
	}
}

// countedHints counts how often a provider is asked because somebody looked, and
// takes its time.
type countedHints struct {
	*checkout.Checkout
	n    atomic.Int64
	slow chan struct{} // nil, or closed once they may go on
}

func (c *countedHints) Hint(ctx context.Context, code string) error {
	c.n.Add(1)
	if c.slow != nil {
		<-c.slow
	}
	return c.Checkout.Hint(ctx, code)
}

// TestLookingAsksTheProviderSeldom: whoever looks how often, and a provider that
// does not answer keeps no page long.
func TestLookingAsksTheProviderSeldom(t *testing.T) {
	hints := &countedHints{slow: make(chan struct{})}
	h := openTill(t, tillSetting{around: func(c *checkout.Checkout) handlers.Checkout { hints.Checkout = c; return hints }})
	p := h.visitor(t)
	code, _ := p.begin("demo", "A1")
	began := time.Now()
	for range 20 {
		p.state(code)
	}
	took := time.Since(began)
	if n, most := hints.n.Load(), int64(took/time.Second)+1; n < 1 || n > most {
		t.Errorf("20 looks within %v asked the provider %d times", took, n)
	}
	if took > 3*time.Second {
		t.Errorf("20 looks took %v", took)
	}
	close(hints.slow)
	reserved, _ := h.visitor(t).begin(checkout.Door, "A2")
	before := hints.n.Load()
	if r := p.get("/bookings/" + reserved); r.StatusCode != 404 || hints.n.Load() != before {
		t.Errorf("a stranger's look: %d, and %d hints", r.StatusCode, hints.n.Load()-before)
	}
}

// Nothing of a booking's owner is in a log, whatever happens.
func TestLogsTellNobody(t *testing.T) {
	h := openTill(t, tillSetting{})
	p := h.visitor(t)
	form := p.fill("demo", "A1")
	form.Set("name", "Grace Hopper")
	form.Set("email", "grace@navy.example")
	form.Set("phone", "+1 555 0100")
	code := codeIn.FindStringSubmatch(p.send("/events/demo/checkout", form).Header.Get("Location"))[1]
	p.send("/demo-pay/"+code+"-1", url.Values{"do": {"pay"}})
	p.wantState(code, "booked")
	key := p.keyOf(code)
	h.visitor(t).get(key)
	p.send("/bookings/"+code+"/cancel", nil)
	for _, secret := range []string{"Grace", "navy", "555", strings.SplitN(key, "key=", 2)[1]} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log tells %q", secret)
		}
	}
	if !slices.ContainsFunc(strings.Split(h.log.String(), "\n"), func(line string) bool { return strings.Contains(line, "/bookings/:code") }) {
		t.Error("the log was not looked at")
	}
}
