package main

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seatlock/seatlock/internal/testengine"
)

// fetch is what the visitor gets in the end.
func (r *rival) fetch(path string, form url.Values) (status int, at, page string) {
	r.program.t.Helper()
	var answer *http.Response
	var err error
	if form == nil {
		answer, err = r.http.Get(r.program.site + path)
	} else {
		answer, err = r.http.PostForm(r.program.site+path, form)
	}
	if err != nil {
		r.program.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		r.program.t.Fatal(err)
	}
	return answer.StatusCode, answer.Request.URL.Path, string(text)
}

var hiddenField = regexp.MustCompile(`name="(digest|request)" value="([^"]*)"`)

// checkOut sends the checkout's form for what the visitor has locked at the
// demo event.
func (r *rival) checkOut(payment string) (status int, at, page string) {
	r.program.t.Helper()
	_, _, form := r.fetch("/events/demo/checkout", nil)
	fields := url.Values{"name": {"Ada"}, "email": {"ada@example.org"}, "payment": {payment}}
	for _, f := range hiddenField.FindAllStringSubmatch(form, -1) {
		fields.Set(f[1], f[2])
	}
	return r.fetch("/events/demo/checkout", fields)
}

// waitForBooking asks the command until the booking is as it is to become.
func (p *program) waitForBooking(code string, met func(map[string]any) bool) {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		b := object(p.t, does(p.t, "booking", "--store", p.store, code, "--format", "json"))
		if met(b) {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("the booking stayed %v", b)
		}
	}
}

// TestServerBooksAndPaysBack, on either engine: what commands say of a booking
// that a visitor has paid, and a refund that a command wants is done by the
// server that runs beside.
func TestServerBooksAndPaysBack(t *testing.T) {
	for name, p := range map[string]*program{
		"embedded": serveProgram(t),
		"MongoDB":  serveStoreOf(t, testengine.ReplicaSet(t).NewDatabase(t)),
	} {
		r := p.rival()
		r.lock("A1", "A2")
		status, at, _ := r.checkOut("demo")
		attempt, paying := strings.CutPrefix(at, "/demo-pay/")
		if status != http.StatusOK || !paying {
			t.Fatalf("%s: checked out to %s, %d", name, at, status)
		}
		code := strings.TrimSuffix(attempt, "-1")
		if status, at, _ = r.fetch(at, url.Values{"do": {"pay"}}); status != http.StatusOK || at != "/bookings/"+code {
			t.Fatalf("%s: paid to %s, %d", name, at, status)
		}
		p.waitForBooking(code, func(b map[string]any) bool { return b["state"] == "booked" && b["captured"] == 5600.0 })
		does(t, "cancel", "--store", p.store, code, "A2")
		p.waitForBooking(code, func(b map[string]any) bool { return b["refunded"] == 2800.0 })
		if list := does(t, "bookings", "--store", p.store, "--event", "demo"); !strings.Contains(list, code) || !strings.Contains(list, " done") {
			t.Errorf("%s: the bookings are\n%s", name, list)
		}

		r.lock("B1")
		if status, at, _ = r.checkOut("door"); status != http.StatusOK || !strings.HasPrefix(at, "/bookings/") {
			t.Fatalf("%s: reserved to %s, %d", name, at, status)
		}
		code = strings.TrimPrefix(at, "/bookings/")
		does(t, "paid", "--store", p.store, code)
		does(t, "cancel", "--store", p.store, code)
		p.waitForBooking(code, func(b map[string]any) bool {
			return b["state"] == "cancelled" && b["captured"] == 2800.0 && b["refunded"] == 2800.0
		})
	}
}

// TestPaymentThatIsOfferedNoMore: nobody can begin one, and what was begun is
// ended, on the provider's page or by giving it up.
func TestPaymentThatIsOfferedNoMore(t *testing.T) {
	p := serveProgram(t)
	r := p.rival()
	r.lock("A1")
	_, page, _ := r.checkOut("demo")
	code := strings.TrimSuffix(strings.TrimPrefix(page, "/demo-pay/"), "-1")
	p.stop()
	p.flags = []string{"--payments", "door"}
	p.restart()
	if status, at, form := r.fetch(page, nil); status != http.StatusOK || at != page || !strings.Contains(form, `value="decline"`) {
		t.Errorf("its page answers %d at %s with\n%s", status, at, form)
	}
	if status, _, _ := r.fetch("/bookings/"+code+"/give-up", url.Values{}); status != http.StatusOK {
		t.Errorf("to give it up answers %d", status)
	}
	p.waitForBooking(code, func(b map[string]any) bool { return b["state"] == "declined" && b["attempt"] == "dead" })
	if status, _, form := r.fetch("/events/demo/checkout", nil); status != http.StatusOK || strings.Contains(form, `value="demo"`) || !strings.Contains(form, `value="door"`) {
		t.Errorf("the checkout answers %d with\n%s", status, form)
	}
	if status, _, _ := r.checkOut("demo"); status != http.StatusUnprocessableEntity {
		t.Errorf("to begin one answers %d, want 422", status)
	}
}
