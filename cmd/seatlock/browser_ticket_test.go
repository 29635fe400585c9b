package main

import (
	"bytes"
	"fmt"
	"image/png"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/seatlock/seatlock/internal/testengine"
)

// withTariffs gives the demo event a full price, a reduced one, and one for who
// accompanies somebody in a wheelchair.
func (p *program) withTariffs() {
	p.t.Helper()
	does(p.t, "change", "--store", p.store, "--event", "demo", "--tariff", "full=Full", "--tariff", "reduced=Reduced", "--tariff-off", "reduced=25",
		"--tariff", "companion=Companion", "--tariff-price", "companion=0.00", "--tariff-beside-accessible", "companion", "--yes")
}

// TestFamilyAtTheDoor: a family books two full and one reduced seat. A phone shows
// their tickets, and each lets in once; what was reissued or cancelled does not.
func TestFamilyAtTheDoor(t *testing.T) {
	for name, serve := range map[string]func(t *testing.T) *program{
		"embedded": func(t *testing.T) *program { return serveProgram(t) },
		"MongoDB":  func(t *testing.T) *program { return serveStoreOf(t, mongoWithDemo(t), noDemos) },
	} {
		t.Run(name, func(t *testing.T) {
			p := serve(t)
			p.withTariffs()
			v := p.newVisitor(testengine.Chromium(t))
			v.phone()
			v.openLive()
			v.choosesToBook("A1", "A2", "A3")
			full, reduced := v.price("A1", "full"), v.price("A3", "reduced")
			v.chooses("A3", "reduced")
			v.until("the total follows", fmt.Sprintf(`document.querySelector('#checkout, main').innerText.includes('%s')`, euros(2*full+reduced)))
			v.looksGood("with tariffs")
			v.books("demo")
			v.paysBy("pay")
			v.untilBooking("booked")
			code := v.bookingCode()
			tokens := map[string]string{}
			for _, seat := range []string{"A1", "A2", "A3"} {
				tokens[seat] = v.ticketOnScreen(code, seat)
			}

			checkIn := func(token string, more ...string) (int, string) {
				exit, out, _ := told(t, append([]string{"checkin", "--store", p.store, "--event", "demo", token}, more...)...)
				return exit, out
			}
			if exit, out := checkIn(tokens["A1"]); exit != exitOK || !strings.HasPrefix(out, "IN") {
				t.Errorf("the first scan: exit %d, %s", exit, out)
			}
			if exit, out := checkIn(tokens["A1"]); exit == exitOK || !strings.Contains(out, "already") {
				t.Errorf("the second scan: exit %d, %s", exit, out)
			}
			v.open("/tickets/" + tokens["A1"])
			v.untilTicket("A1", "used")

			does(t, "cancel", "--store", p.store, code, "A2")
			does(t, "reissue", "--store", p.store, code, "A3")
			for seat, want := range map[string]string{"A2": "cancelled", "A3": "replaced"} {
				if exit, out := checkIn(tokens[seat]); exit == exitOK || !strings.Contains(out, want) {
					t.Errorf("the old ticket of %s: exit %d, %s", seat, exit, out)
				}
			}
			v.open("/tickets/" + tokens["A3"])
			v.untilTicket("A3", "reissued")
			if anew := v.ticketOnScreen(code, "A3"); anew == tokens["A3"] {
				t.Error("the ticket that was issued anew is the old one")
			} else if exit, out := checkIn(anew); exit != exitOK {
				t.Errorf("the ticket that was issued anew: exit %d, %s", exit, out)
			}
			sales := does(t, "sales", "--store", p.store, "--event", "demo", "--format", "json")
			for _, want := range []string{"Full", "Reduced"} {
				if !strings.Contains(sales, want) {
					t.Errorf("sales have no %s: %s", want, sales)
				}
			}
		})
	}
}

// euros is an amount in cents as an English page has it.
func euros(cents int64) string {
	if cents%100 == 0 {
		return fmt.Sprintf("€%d", cents/100)
	}
	return fmt.Sprintf("€%d.%02d", cents/100, cents%100)
}

// price is what the checkout says a seat costs at a tariff, in cents.
func (v *visitor) price(seat, tariff string) int64 {
	v.t.Helper()
	text := ask[string](v, fmt.Sprintf(`document.querySelector('[name="tariff-%s"] option[value="%s"]').textContent.match(/€([\d.]+)/)[1]`, seat, tariff))
	whole, part, _ := strings.Cut(text, ".")
	var cents int64
	if _, err := fmt.Sscan(whole+(part + "00")[:2], &cents); err != nil {
		v.t.Fatalf("the price of %s at %s is %q: %v", seat, tariff, text, err)
	}
	return cents
}

// chooses picks a tariff as a person does, with the keyboard's events.
func (v *visitor) chooses(seat, tariff string) {
	v.t.Helper()
	ask[bool](v, fmt.Sprintf(`(s => { s.value = '%s'; s.dispatchEvent(new Event('change', {bubbles: true})); return true })(document.querySelector('[name="tariff-%s"]'))`, tariff, seat))
}

func (v *visitor) untilTicket(seat, state string) {
	v.t.Helper()
	v.until("the ticket of "+seat+" is "+state, fmt.Sprintf(`document.querySelector('[data-ticket="%s"]')?.dataset.ticketState === '%s'`, seat, state))
}

// ticketOnScreen opens the ticket of a seat from its booking, and reads it from a
// picture of the screen.
func (v *visitor) ticketOnScreen(code, seat string) (token string) {
	v.t.Helper()
	v.open("/bookings/" + code)
	v.untilBooking("booked")
	links := ask[[]string](v, `[...document.querySelectorAll('a[href^="/tickets/"]')].map(a => a.getAttribute('href'))`)
	for _, link := range links {
		v.open(link)
		if ask[string](v, `document.querySelector('[data-ticket]').dataset.ticket`) != seat {
			continue
		}
		v.untilTicket(seat, "valid")
		v.looksGood("the ticket of " + seat)
		if token = v.readsCode(); "/tickets/"+token != link {
			v.t.Errorf("the code on the screen says %q, and stands at %s", token, link)
		}
		return token
	}
	v.t.Fatalf("no ticket for %s among %v", seat, links)
	return ""
}

// readsCode decodes the QR code in a picture of the screen.
func (v *visitor) readsCode() string {
	v.t.Helper()
	shot, err := chromedp.Run(v.Context, chromedp.FullScreenshot(100))
	call(v, "take a picture", err)
	picture, err := png.Decode(bytes.NewReader(shot))
	call(v, "read the picture", err)
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	call(v, "read the picture", err)
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}
	code, err := qrcode.NewQRCodeReader().Decode(bitmap, hints)
	call(v, "read the code", err)
	return code.GetText()
}
