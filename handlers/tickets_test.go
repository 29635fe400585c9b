package handlers_test

import (
	"context"
	"fmt"
	"html"
	"image/png"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/checkout/ticket"
	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
)

var ticketLink = regexp.MustCompile(`href="/tickets/(v1\.[\w-]+)"`)

// tokens are those of a booking's tickets, as its page leads to them.
func (p *person) tokens(code string) (all []string) {
	p.t.Helper()
	for _, m := range ticketLink.FindAllStringSubmatch(p.get("/bookings/"+code).text, -1) {
		all = append(all, m[1])
	}
	return all
}

var ticketState = regexp.MustCompile(`data-ticket="([^"]+)" data-ticket-state="([^"]+)"`)

// ticket is the state of a ticket as its page tells it.
func (p *person) ticket(token string) (seat, state, page string) {
	p.t.Helper()
	r := p.get("/tickets/" + token)
	m := ticketState.FindAllStringSubmatch(r.text, -1)
	if r.StatusCode != 200 || len(m) != 1 {
		p.t.Fatalf("ticket: %d, %v\n%s", r.StatusCode, m, r.text)
	}
	return m[0][1], m[0][2], r.text
}

func (h *till) keys(t *testing.T) ticket.Keys {
	t.Helper()
	secret, err := h.store.Secret(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return ticket.NewKeys(secret)
}

// check checks a ticket in, as the door does.
func (h *till) check(t *testing.T, token string) error {
	t.Helper()
	read, err := ticket.Read(h.keys(t).Public(), token)
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.store.CheckIn(t.Context(), store.CheckInRequest{Event: "demo", TicketEvent: read.Event, Code: read.Code, Seat: read.Seat, Issue: read.Issue})
	return err
}

// paid is a booking of three seats that was paid at the door, and its tickets.
func (h *till) paid(t *testing.T, p *person) (code string, tokens []string) {
	t.Helper()
	code, _ = p.begin(checkout.Door, "A1", "A2", "A3")
	if _, err := h.store.Paid(t.Context(), code, store.WhateverIsOwed); err != nil {
		t.Fatal(err)
	}
	if tokens = p.tokens(code); len(tokens) != 3 {
		t.Fatalf("%d tickets", len(tokens))
	}
	return code, tokens
}

// A ticket opens for whoever has it, and tells its state; whose it is stays with
// who may see the booking.
func TestTicket(t *testing.T) {
	h := openTill(t, tillSetting{})
	owner, bearer := h.visitor(t), h.visitor(t)
	code, _ := owner.begin(checkout.Door, "A1", "A2")
	tokens := owner.tokens(code)
	if len(tokens) != 2 || tokens[0] != h.keys(t).Sign(ticket.Ticket{Event: "demo", Code: code, Seat: "A1", Issue: 1}) {
		t.Fatalf("tickets: %q", tokens)
	}
	seat, state, page := bearer.ticket(tokens[0])
	if seat != "A1" || state != "unpaid" || strings.Contains(page, "Ada") || strings.Contains(page, "/bookings/") {
		t.Errorf("%s is %s\n%s", seat, state, page)
	}
	if _, err := h.store.Paid(t.Context(), code, store.WhateverIsOwed); err != nil {
		t.Fatal(err)
	}
	if _, state, page := owner.ticket(tokens[0]); state != "valid" || !strings.Contains(page, "Ada Lovelace") || !strings.Contains(page, `href="/bookings/`+code+`"`) {
		t.Errorf("the owner's is %s\n%s", state, page)
	}
	_, state, page = bearer.ticket(tokens[0])
	for _, part := range []string{"An Evening", "Wednesday 1 May 2030, 19:30 CEST", "Stalls row A seat 1", "<bdi>€28</bdi>", code, `src="data:image/svg+xml;base64,`} {
		if !strings.Contains(page, part) {
			t.Errorf("%s: the ticket does not say %q\n%s", state, part, page)
		}
	}
	if _, err := h.store.Cancel(t.Context(), store.CancelRequest{Code: code}); err != nil {
		t.Fatal(err)
	}
	if _, state, page := bearer.ticket(tokens[1]); state != "cancelled" || strings.Contains(page, "data:image") {
		t.Errorf("a cancelled one is %s\n%s", state, page)
	}
	bearer.languages = "de"
	if _, _, page := bearer.ticket(tokens[1]); !strings.Contains(page, "Storniert") {
		t.Errorf("it is not German\n%s", page)
	}
}

// What is a secret stays one: no copy, no word to other sites, no line in the log,
// and no cookie for who only has a ticket.
func TestTicketIsASecret(t *testing.T) {
	h := openTill(t, tillSetting{})
	code, tokens := h.paid(t, h.visitor(t))
	for _, path := range []string{"", ".svg", ".png", ".pdf", "?lang=de", "x", "%2F", ".SVG", "?key=" + tokens[1]} {
		r := h.visitor(t).get("/tickets/" + tokens[0] + path)
		head := fmt.Sprint(r.Header["Cache-Control"], r.Header["Referrer-Policy"], r.Header["X-Robots-Tag"])
		if want := "[private, no-store] [no-referrer] [noindex]"; r.StatusCode == 200 && head != want || r.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%q: %d, %s", path, r.StatusCode, head)
		}
		if strings.Contains(fmt.Sprint(r.Header["Set-Cookie"]), "seatlock=") {
			t.Errorf("%q: a cookie", path)
		}
	}
	log := h.log.String()
	if !strings.Contains(log, "route=/tickets/:token") {
		t.Errorf("no request was logged\n%s", log)
	}
	for _, token := range tokens {
		if secret := strings.TrimPrefix(token, "v1."); strings.Contains(log, secret[:20]) || strings.Contains(log, secret[len(secret)-20:]) {
			t.Error("the log has a ticket")
		}
	}
	if strings.Contains(log, code) {
		t.Error("the log has the booking's code")
	}
}

// Whatever is no ticket of the house gets the same answer, byte for byte.
func TestForgedTickets(t *testing.T) {
	h := openTill(t, tillSetting{})
	p := h.visitor(t)
	_, tokens := h.paid(t, h.visitor(t))
	good, before := tokens[0], h.bookings(t)
	want := sameForAll(p.get("/tickets/x"))
	if !strings.HasPrefix(want, "404 ") || !strings.Contains(want, "No such ticket") {
		t.Fatalf("no token: %s", want)
	}
	sign := func(secret, event, code, seat string, issue int) string {
		return ticket.NewKeys([]byte(secret)).Sign(ticket.Ticket{Event: event, Code: code, Seat: seat, Issue: issue})
	}
	of, err := ticket.Read(h.keys(t).Public(), good)
	if err != nil {
		t.Fatal(err)
	}
	foreign, none := of, of
	foreign.Event, none.Code = "other", "2222222222"
	forged := map[string]string{
		"another key": sign("other", of.Event, of.Code, of.Seat, of.Issue), "another event": h.keys(t).Sign(foreign), "no booking": h.keys(t).Sign(none),
		"10 KB": "v1." + strings.Repeat("A", 10<<10), "10 KB behind": good + strings.Repeat("A", 10<<10), "cut": good[:len(good)-1], "longer": good + "A",
		"another version": "v2" + good[2:], "no version": good[3:], "capitals": strings.ToUpper(good), "in an address": "https:%2F%2Fx%2F" + good,
		"blank": good + "%20", "line end": good[:40] + "%0A" + good[40:], "zero": good + "%00", "dots": "..%2F..", "percent": "%25", "other file": good + ".gif",
		"two endings": good + ".svg.pdf", "file of none": "x.pdf", "script": "<script>alert(1)</script>", "code": of.Code,
	}
	for i := range 40 { // one bit of each letter
		at := 3 + i*(len(good)-3)/40
		forged[fmt.Sprint("letter ", at)] = good[:at] + string(good[at]^1) + good[at+1:]
	}
	for _, name := range slices.Sorted(maps.Keys(forged)) {
		path := forged[name]
		if !strings.Contains(path, "%") {
			path = url.PathEscape(path)
		}
		if got := sameForAll(p.get("/tickets/" + path)); got != want {
			t.Errorf("%s:\n%.600s\nwant\n%.600s", name, got, want)
		}
	}
	if log := h.log.String(); strings.Contains(log, "level=ERROR") || strings.Contains(log, good[3:30]) || strings.Contains(log, "AAAAAAAA") || fmt.Sprint(h.bookings(t)) != fmt.Sprint(before) {
		t.Errorf("something was changed, is our fault, or in the log")
	}
}

func decodePNG(t *testing.T, body string) string {
	t.Helper()
	picture, err := png.Decode(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	bits, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	read, err := qrcode.NewQRCodeReader().Decode(bits, nil)
	if err != nil {
		t.Fatal(err)
	}
	return read.GetText()
}

// The files of a ticket are there as long as it stands.
func TestTicketFiles(t *testing.T) {
	h := openTill(t, tillSetting{})
	code, tokens := h.paid(t, h.visitor(t))
	bearer := h.visitor(t)
	picture := bearer.get("/tickets/" + tokens[0] + ".png")
	if picture.Header.Get("Content-Type") != "image/png" || decodePNG(t, picture.text) != tokens[0] {
		t.Error("the picture is not that of the ticket")
	}
	if r := bearer.get("/tickets/" + tokens[0] + ".svg"); r.Header.Get("Content-Type") != "image/svg+xml" || !strings.HasPrefix(r.text, "<svg") {
		t.Errorf("drawing: %d, %s", r.StatusCode, r.Header.Get("Content-Type"))
	}
	r := bearer.get("/tickets/" + tokens[0] + ".pdf")
	if r.Header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(r.text, "%PDF-") || r.Header.Get("Content-Disposition") != `attachment; filename="ticket-`+code+`-A1.pdf"` {
		t.Errorf("paper: %d, %v", r.StatusCode, r.Header)
	}
	if _, err := h.store.Reissue(t.Context(), code, []string{"A1"}); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{".svg", ".png", ".pdf"} {
		if r := bearer.get("/tickets/" + tokens[0] + kind); r.StatusCode != 409 {
			t.Errorf("%s of a ticket that was replaced: %d", kind, r.StatusCode)
		}
	}
}

// What the house does with tickets shows on their pages and on the booking's.
func TestTicketsFollowTheHouse(t *testing.T) {
	h := openTill(t, tillSetting{})
	p := h.visitor(t)
	code, tokens := h.paid(t, p)
	want := func(token, seat, state string) string {
		t.Helper()
		gotSeat, gotState, page := h.visitor(t).ticket(token)
		if gotSeat != seat || gotState != state {
			t.Errorf("the ticket for %s is %s, want %s %s", gotSeat, gotState, seat, state)
		}
		return page
	}
	if err := h.check(t, tokens[0]); err != nil {
		t.Fatal(err)
	}
	if page := want(tokens[0], "A1", "used"); !strings.Contains(page, "Checked in on ") {
		t.Errorf("it does not say when\n%s", page)
	}
	if page := p.get("/bookings/" + code).text; strings.Count(page, "<small>Checked in on ") != 1 || strings.Contains(page, "Cancel the whole booking") || strings.Count(page, "<summary>Cancel ") != 2 {
		t.Errorf("the booking's page does not say it, or offers to cancel it\n%s", page)
	}
	for _, seats := range [][]string{nil, {"A1"}, {"A1", "A2"}} {
		r := p.send("/bookings/"+code+"/cancel", url.Values{"seat": seats})
		if r.StatusCode != 409 || !strings.Contains(r.text, "One of these tickets was already used at the door") {
			t.Errorf("cancel %v: %d\n%s", seats, r.StatusCode, r.text)
		}
	}
	if _, err := h.store.Reissue(t.Context(), code, []string{"A2"}); err != nil {
		t.Fatal(err)
	}
	want(tokens[1], "A2", "reissued")
	again := p.tokens(code)
	if len(again) != 3 || again[0] != tokens[0] || again[1] == tokens[1] {
		t.Errorf("the tickets after it: %q", again)
	}
	want(again[1], "A2", "valid")
	if _, err := h.checkout.Move(t.Context(), code, "A3", "J10"); err != nil {
		t.Fatal(err)
	}
	want(tokens[2], "A3", "moved")
	page := p.get("/bookings/" + code).text
	if !strings.Contains(page, "Ticket for Stalls row J seat 10") || strings.Contains(page, "row A seat 3") {
		t.Errorf("the booking is not where it is now\n%s", page)
	}
	moved := p.tokens(code)[2]
	want(moved, "J10", "valid")
	if r := p.send("/bookings/"+code+"/cancel", url.Values{"seat": {"J10"}}); r.StatusCode != 303 {
		t.Errorf("cancel: %d\n%s", r.StatusCode, r.text)
	}
	want(moved, "J10", "cancelled")
	if n := len(p.tokens(code)); n != 2 {
		t.Errorf("%d tickets are left", n)
	}
}

// An event that was moved says so where its tickets are.
func TestMovedEvent(t *testing.T) {
	h := openTill(t, tillSetting{})
	p := h.visitor(t)
	code, tokens := h.paid(t, p)
	paths := []string{"/bookings/" + code, "/bookings/" + code + "/tickets", "/tickets/" + tokens[0]}
	for _, path := range paths {
		if strings.Contains(p.get(path).text, "This event was") {
			t.Errorf("%s: moved, before it is", path)
		}
	}
	h.change(t, func(e *store.Event) { e.Starts, e.Zone = e.Starts.Add(24*time.Hour), "Europe/Athens" })
	for _, path := range paths {
		if line := "This event was moved from Wednesday 1 May 2030, 20:30 EEST to Thursday 2 May 2030, 20:30 EEST."; strings.Count(p.get(path).text, line) != map[bool]int{false: 1, true: 3}[strings.HasSuffix(path, "/tickets")] {
			t.Errorf("%s does not say that the event was moved\n%s", path, p.get(path).text)
		}
	}
	if entry := p.get("/bookings/" + code + ".ics").text; !strings.Contains(entry, "DTSTART:20300502T173000Z") {
		t.Errorf("the calendar has\n%s", entry)
	}
	h.change(t, func(e *store.Event) { e.Starts = time.Time{} })
	if page := p.get("/tickets/" + tokens[0]).text; !strings.Contains(page, "This event was to start on Wednesday 1 May 2030, 20:30 EEST.") || !strings.Contains(page, `data-until="0"`) {
		t.Errorf("without a date\n%s", page)
	}
	if r := p.get("/bookings/" + code + ".ics"); r.StatusCode != 409 {
		t.Errorf("a calendar without a date: %d", r.StatusCode)
	}
}

// All tickets of a booking are for who may see it, on paper and in the calendar.
func TestTicketsOfABooking(t *testing.T) {
	h := openTill(t, tillSetting{})
	p, stranger := h.visitor(t), h.visitor(t)
	code, _ := h.paid(t, p)
	none := sameForAll(stranger.get("/bookings/2222222222"))
	files := map[string]string{"/tickets": "text/html; charset=UTF-8", ".pdf": "application/pdf", ".ics": "text/calendar; charset=utf-8"}
	for path, kind := range files {
		r := p.get("/bookings/" + code + path)
		if r.StatusCode != 200 || r.Header.Get("Content-Type") != kind || r.Header.Get("Cache-Control") != "private, no-store" {
			t.Errorf("%s: %d, %v", path, r.StatusCode, r.Header)
		}
		if got := sameForAll(stranger.get("/bookings/" + code + path)); got != none {
			t.Errorf("a stranger's %s:\n%s\nwant\n%s", path, got, none)
		}
	}
	page := p.get("/bookings/" + code + "/tickets").text
	if n := len(ticketState.FindAllString(page, -1)); n != 3 || strings.Count(page, "<bdi>Ada Lovelace</bdi>") != 3 || strings.Count(page, "data:image/svg") != 3 {
		t.Errorf("%d tickets on the sheet\n%s", n, page)
	}
	if page := p.get("/bookings/" + code + "/tickets?lang=de").text; !strings.Contains(page, "Karten der Buchung "+code) || strings.Count(page, "<dt>Reihe</dt>") != 3 {
		t.Errorf("the German sheet\n%s", page)
	}
	if r := p.get("/bookings/" + code + ".pdf"); !strings.Contains(r.text, "/Lang (de)") && !strings.Contains(r.text, "/Lang (\xfe\xff") {
		t.Errorf("the paper is not German: %.2000q", r.text)
	}
	if entry := strings.ReplaceAll(p.get("/bookings/"+code+".ics").text, "\r\n ", ""); !strings.Contains(entry, "Reihe A Platz 3") || strings.Contains(entry, "Ada") {
		t.Errorf("calendar\n%s", entry)
	}
	if r := p.send("/bookings/"+code+"/cancel", nil); r.StatusCode != 303 {
		t.Fatalf("cancel: %d", r.StatusCode)
	}
	for path := range files {
		r := p.get("/bookings/" + code + path)
		if want := map[bool]int{true: 200, false: 409}[path == ".ics"]; r.StatusCode != want {
			t.Errorf("%s of a cancelled booking: %d, want %d", path, r.StatusCode, want)
		}
	}
	if entry := p.get("/bookings/" + code + ".ics").text; !strings.Contains(entry, "STATUS:CANCELLED") {
		t.Errorf("the calendar of a cancelled booking\n%s", entry)
	}
	paying, _ := p.begin("demo", "B1")
	for path := range files {
		if r := p.get("/bookings/" + paying + path); r.StatusCode != 409 || !strings.Contains(html.UnescapeString(r.text), "Diese Buchung hat keine Karten") {
			t.Errorf("%s of a booking that is paying: %d", path, r.StatusCode)
		}
	}
}

// The script that keeps tickets answers for them alone, and is asked for anew.
func TestOfflineScript(t *testing.T) {
	h := openTill(t, tillSetting{})
	r := h.visitor(t).get("/tickets/offline.js")
	if r.StatusCode != 200 || r.Header.Get("Content-Type") != "text/javascript; charset=utf-8" || r.Header.Get("Cache-Control") != "no-cache" ||
		r.Header.Get("Service-Worker-Allowed") != "" || !strings.Contains(r.text, "addEventListener('fetch'") {
		t.Errorf("%d, %v\n%s", r.StatusCode, r.Header, r.text)
	}
}

// A ticket that was opened is there without a network, and says that it is a copy.
// That of an event which is over goes.
func TestTicketOffline(t *testing.T) {
	h := openTill(t, tillSetting{})
	_, tokens := h.paid(t, h.visitor(t))
	b := &buyer{testengine.Chromium(t).Visitor(t), t, h.URL}
	b.Excuse(`ERR_CONNECTION_REFUSED|Failed to load resource`)
	b.Do(t, "a phone", chromedp.EmulateViewport(360, 740))
	const kept = `caches.open('tickets-1').then(c => c.keys()).then(keys => { window.kept = keys.length }), window.kept === %d`
	for i, token := range tokens[:2] {
		b.open("/tickets/" + token + "?lang=en")
		b.until("it is kept", fmt.Sprintf(kept, i+1))
	}
	b.WantNarrow(t, "ticket")
	b.WantAccessible(t, "ticket")
	if !testengine.Ask[bool](t, b.Tab, `(r => r.width >= 280 && r.top >= 0 && r.bottom <= innerHeight)(document.querySelector('.qr').getBoundingClientRect())`) {
		t.Error("the code is small, or not to be seen at once")
	}
	b.Shoot(t, "ticket-phone", chromedp.FullScreenshot(100))
	h.change(t, func(e *store.Event) { e.Starts = time.Now().Add(-store.Evening) })
	b.open("/tickets/" + tokens[0])
	b.until("the one of an event that is over goes", fmt.Sprintf(kept, 1))
	h.stop()
	for _, token := range tokens[1:2] {
		b.open("/tickets/" + token)
		b.until("the copy says that it is one", `/^Saved copy of .* CES?T\. Only the door can tell whether it is still valid\.$/.test(document.querySelector('#saved:not([hidden])')?.textContent)`)
		b.until("it looks as it did, and does not say that it is valid", `document.querySelector('.qr').complete && getComputedStyle(document.querySelector('.ticket .state')).display === 'none' &&
			getComputedStyle(document.querySelector('.ticket')).borderTopStyle === 'solid'`)
	}
}

// Where the network gives out in the middle of a ticket, or a proxy refuses it, the
// copy is shown whole.
func TestTicketOnABadNetwork(t *testing.T) {
	h := openTill(t, tillSetting{})
	_, tokens := h.paid(t, h.visitor(t))
	var bad, refuses atomic.Bool
	served, left := h.Config.Handler, make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !bad.Load() || !strings.HasPrefix(r.URL.Path, "/tickets/v1.") {
			served.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if refuses.Load() {
			w.WriteHeader(http.StatusTooManyRequests)
			fmt.Fprint(w, `<!doctype html><title>Refused</title>`)
			return
		}
		fmt.Fprint(w, `<!doctype html><title>Half</title><p id="half">`, strings.Repeat("half a ticket ", 1000))
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
		case <-left:
		}
	}))
	t.Cleanup(slow.Close)
	t.Cleanup(func() { close(left) })
	b := &buyer{testengine.Chromium(t).Visitor(t), t, slow.URL}
	b.open("/tickets/" + tokens[0])
	b.until("it is kept", `caches.open('tickets-1').then(c => c.keys()).then(keys => { window.kept = keys.length }), window.kept === 1`)
	bad.Store(true)
	b.open("/tickets/" + tokens[0])
	const copied = `document.querySelector('#half') === null && document.querySelector('#saved:not([hidden])') !== null`
	b.until("the copy is there", copied)
	b.open("/")
	refuses.Store(true)
	b.open("/tickets/" + tokens[0])
	b.until("the copy is there again", copied)
}

// On paper each ticket stands on a page of its own, and says nothing that may
// change.
func TestSheetOnPaper(t *testing.T) {
	h := openTill(t, tillSetting{})
	b := &buyer{testengine.Chromium(t).Visitor(t), t, h.URL}
	b.lock("A1", "A2", "A3")
	b.book(checkout.Door)
	b.untilState("reserved")
	code := b.code()
	if _, err := h.store.Paid(t.Context(), code, store.WhateverIsOwed); err != nil {
		t.Fatal(err)
	}
	b.open("/bookings/" + code + "/tickets")
	var paper []byte
	b.Do(t, "print", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		printed, err := cdp.Call(ctx, target, page.PrintToPDF, page.PrintToPDFParams{})
		paper = printed.Data
		return err
	}))
	if n := len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(paper, -1)); n != 3 {
		t.Errorf("%d pages", n)
	}
	b.Print(t)
	b.WantNarrow(t, "sheet on paper")
	if shown := testengine.Ask[string](t, b.Tab, `[...document.querySelectorAll('h1, .masthead, .state strong, .ways-on, .qr')].filter(e => e.checkVisibility()).map(e => e.className).join()`); shown != "qr,qr,qr" {
		t.Errorf("on paper is %s", shown)
	}
}

// Who has the browser forget them leaves no ticket in it.
func TestForgetDropsTickets(t *testing.T) {
	h := openTill(t, tillSetting{})
	_, tokens := h.paid(t, h.visitor(t))
	b := &buyer{testengine.Chromium(t).Visitor(t), t, h.URL}
	b.lock("B1")
	b.open("/tickets/" + tokens[0])
	const kept = `caches.has('tickets-1').then(is => { window.kept = is }), window.kept === `
	b.until("it is kept", kept+"true")
	b.open("/forget")
	b.click("main form button")
	b.until("it is gone", kept+"false")
}
