package handlers_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/internal/testengine"
	"github.com/seatlock/seatlock/store"
)

// change replaces what a function changes of the demo event.
func (h *house) change(t *testing.T, change func(*store.Event)) store.Event {
	t.Helper()
	e, err := h.store.Event(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	change(&e)
	if e, err = h.store.UpdateEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	return e
}

// withTariffs has the demo event sell at five tariffs.
func withTariffs(e *store.Event) {
	e.Tariffs = []store.Tariff{
		{ID: "full", Name: "Full"},
		{ID: "reduced", Name: "Reduced", Off: 25},
		{ID: "child", Name: "Child <under 12>", Prices: map[string]int64{"rear": 500}},
		{ID: "patron", Name: "Patron", Prices: map[string]int64{"front": 9900}, Most: 1},
		{ID: "companion", Name: "Companion", Off: 100, Beside: true},
	}
}

// openTariffs is a till whose event has tariffs.
func openTariffs(t *testing.T) *till {
	h := openTill(t, tillSetting{})
	h.change(t, withTariffs)
	return h
}

// selected are the tariffs that a page shows as chosen, by seat, and faulty the
// seat whose choice is marked.
func selected(page string) (chosen map[string]string, faulty string) {
	chosen = map[string]string{}
	for _, m := range regexp.MustCompile(`(?s)<select id="tariff-([^"]+)" name="tariff-[^"]+" form="checkout"([^>]*)>(.*?)</select>`).FindAllStringSubmatch(page, -1) {
		if strings.Contains(m[2], "aria-invalid") {
			faulty = m[1]
		}
		if is := regexp.MustCompile(`<option value="([^"]+)" selected>`).FindStringSubmatch(m[3]); is != nil {
			chosen[m[1]] = is[1]
		}
	}
	return chosen, faulty
}

// total is the sum that a page shows.
func total(page string) string {
	if m := regexp.MustCompile(`<strong id="total"[^>]*>([^<]*)</strong>`).FindStringSubmatch(page); m != nil {
		return m[1]
	}
	return ""
}

func TestChooseTariffs(t *testing.T) {
	h := openTariffs(t)
	p := h.visitor(t)
	form := p.fill(checkout.Door, "A1", "A2", "J1")
	page := p.get("/events/demo/checkout").text
	for _, part := range []string{
		`<label for="tariff-A1"><bdi>Stalls row A seat 1</bdi> <small>Tariff</small></label>`,
		`<option value="full" selected>Full, €28</option>`, `<option value="reduced">Reduced, €21</option>`,
		`<option value="patron">Patron, €99</option>`, `<option value="companion">Companion, free</option>`,
		`<option value="child">Child &lt;under 12&gt;, €5</option>`, `hx-get="/events/demo/checkout"`,
	} {
		if !strings.Contains(page, part) {
			t.Errorf("the form has no %s\n%s", part, page)
		}
	}
	if got := total(page); got != "€78" {
		t.Errorf("the total is %s", got)
	}
	asked := p.get("/events/demo/checkout?tariff-A2=reduced&tariff-J1=child&tariff-Z9=x&payment=demo")
	chosen, _ := selected(asked.text)
	if asked.StatusCode != 200 || total(asked.text) != "€54" || chosen["A1"] != "full" || chosen["A2"] != "reduced" || chosen["J1"] != "child" ||
		!strings.Contains(asked.text, `value="demo" checked`) || asked.Header.Get("Cache-Control") != "private, no-store" {
		t.Errorf("asked with tariffs: %d, %v, %s", asked.StatusCode, chosen, total(asked.text))
	}
	form.Set("tariff-A2", "reduced")
	form.Set("tariff-J1", "child")
	r := p.send("/events/demo/checkout", form)
	if r.StatusCode != 303 {
		t.Fatalf("book: %d\n%s", r.StatusCode, r.text)
	}
	b := h.bookings(t)[0]
	if b.Total() != 2800+2100+500 || b.Lines[0].TariffName != "Full" || b.Lines[1].Tariff != "reduced" || b.Lines[2].TariffName != "Child <under 12>" {
		t.Errorf("booked: %+v", b.Lines)
	}
	page = p.get("/bookings/" + b.Code).text
	for _, part := range []string{"<bdi>Reduced</bdi>", "<bdi>Child &lt;under 12&gt;</bdi>", "€54"} {
		if !strings.Contains(page, part) {
			t.Errorf("the booking's page has no %s", part)
		}
	}
}

// The script asks for the sums, and a button without it; neither sends who it is
// for in an address.
func TestUpdateTheTotal(t *testing.T) {
	h := openTariffs(t)
	p := h.visitor(t)
	form := p.fill("demo", "A1", "J1")
	r := p.do(p.fragment("/events/demo/checkout?tariff-A1=reduced&payment=demo&digest=" + form.Get("digest")))
	if r.StatusCode != 200 || total(r.text) != "€43" || strings.Contains(r.text, "<html") || strings.Contains(r.text, "<select") ||
		!strings.Contains(r.text, `<span class="price" id="price-A1" hx-swap-oob="innerMorph">€21</span>`) {
		t.Errorf("the script's part: %d\n%s", r.StatusCode, r.text)
	}
	form.Set("tariff-A1", "companion")
	r = p.do(p.fragment("/events/demo/checkout?tariff-A1=companion"))
	if r.StatusCode != 409 || !strings.Contains(r.text, `<p id="status" role="status" hx-swap-oob="innerHTML"><span class="refused">Companion is not available for Stalls row A seat 1:`) {
		t.Errorf("the script's part of what cannot be: %d\n%s", r.StatusCode, r.text)
	}
	if r = p.do(p.fragment("/events/demo/checkout?digest=old")); r.StatusCode != 409 || !strings.Contains(r.text, "Look at them again") {
		t.Errorf("the script's part of an old form: %d\n%s", r.StatusCode, r.text)
	}
	form.Set("tariff-A1", "reduced")
	form.Set("update", "1")
	form.Set("email", "")
	r = p.send("/events/demo/checkout", form)
	if chosen, _ := selected(r.text); r.StatusCode != 200 || total(r.text) != "€43" || chosen["A1"] != "reduced" || !strings.Contains(r.text, `value="Ada Lovelace"`) ||
		strings.Contains(r.text, "-fault") || hiddenIn(r.text).Get("request") != form.Get("request") {
		t.Errorf("the button: %d\n%s", r.StatusCode, r.text)
	}
	if n := len(h.bookings(t)); n != 0 {
		t.Errorf("%d bookings", n)
	}
}

// fragment asks as the page's script does.
func (p *person) fragment(path string) *http.Request {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), "GET", p.home+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("HX-Request", "true")
	return r
}

// Tariffs that cannot be chosen so are refused with a sentence that says which and
// why; the form stays as it was filled in, and nothing is booked.
func TestRefusedTariffs(t *testing.T) {
	h := openTariffs(t)
	p := h.visitor(t)
	form := p.fill("demo", "A1", "A2", "J1", "J2", "J10")
	for name, test := range map[string]struct {
		tariffs    map[string]string
		line, mark string
		german     string
	}{
		"companion elsewhere": {map[string]string{"A2": "companion", "J1": "reduced"}, "Companion is not available for Stalls row A seat 2: the seat must be next to a wheelchair place of the same booking", "A2", "Reihe A Platz 2 nicht möglich: Der Platz muss neben einem Rollstuhlplatz derselben Buchung liegen"},
		"two companions":      {map[string]string{"J2": "companion", "J1": "companion"}, "Companion is not available for", "J1", "Companion ist für"},
		"too many":            {map[string]string{"A1": "patron", "A2": "patron"}, "Patron is for at most 1 seat of one booking.", "A2", "Den Tarif „Patron“ gibt es für höchstens 1 Platz je Buchung."},
		"of another category": {map[string]string{"A1": "child"}, "A tariff that you chose is not available for its seat.", "", "Ein Tarif, den Sie gewählt haben, ist für diesen Platz nicht möglich."},
		"of another event":    {map[string]string{"A1": "matinee"}, "A tariff that you chose is not available for its seat.", "", "Ein Tarif, den Sie gewählt haben"},
		"markup":              {map[string]string{"A1": "secretly<script>"}, "A tariff that you chose is not available for its seat.", "", "Ein Tarif, den Sie gewählt haben"},
		"10 KB":               {map[string]string{"A1": strings.Repeat("secretly", 1280)}, "A tariff that you chose is not available for its seat.", "", "Ein Tarif, den Sie gewählt haben"},
	} {
		t.Run(name, func(t *testing.T) {
			query := url.Values{}
			for seat := range map[string]bool{"A1": true, "A2": true, "J1": true, "J2": true, "J10": true} {
				form.Del("tariff-" + seat)
			}
			for seat, tariff := range test.tariffs {
				form.Set("tariff-"+seat, tariff)
				query.Set("tariff-"+seat, tariff)
			}
			was := h.refusals()
			r := p.send("/events/demo/checkout", form)
			chosen, marked := selected(r.text)
			if r.StatusCode != 409 || !strings.Contains(html.UnescapeString(r.text), test.line) || marked != test.mark || h.refusals() != was+1 {
				t.Errorf("%d, marked %q, %d lines in the log\n%s", r.StatusCode, marked, h.refusals()-was, r.text)
			}
			for seat, tariff := range test.tariffs {
				if test.mark != "" && chosen[seat] != tariff {
					t.Errorf("%s is %s on the form, was %s", seat, chosen[seat], tariff)
				}
			}
			if !strings.Contains(r.text, `value="Ada Lovelace"`) || hiddenIn(r.text).Get("request") != form.Get("request") {
				t.Error("the form is not kept")
			}
			for _, path := range []string{"/events/demo/checkout?" + query.Encode(), "/events/demo/checkout?lang=de&" + query.Encode()} {
				if r := p.get(path); r.StatusCode != 409 || strings.Contains(path, "lang") && !strings.Contains(html.UnescapeString(r.text), test.german) {
					t.Errorf("%s: %d\n%s", path, r.StatusCode, r.text)
				}
			}
			p.get("/events/demo/checkout?lang=en")
		})
	}
	if n := len(h.bookings(t)); n != 0 || strings.Contains(h.log.String(), "secretly") {
		t.Errorf("%d bookings, or the log has what was sent", n)
	}
	for seat, tariff := range map[string]string{"A1": "patron", "A2": "full", "J1": "full", "J2": "companion", "J10": "child"} {
		form.Set("tariff-"+seat, tariff)
	}
	if r := p.send("/events/demo/checkout", form); r.StatusCode != 303 {
		t.Errorf("what can be: %d\n%s", r.StatusCode, r.text)
	}
}

// Who cancels the wheelchair place cannot keep the companion's.
func TestCancelBesideCompanion(t *testing.T) {
	h := openTariffs(t)
	p := h.visitor(t)
	form := p.fill(checkout.Door, "A1", "J1", "J2")
	form.Set("tariff-J2", "companion")
	code := codeIn.FindStringSubmatch(p.send("/events/demo/checkout", form).Header.Get("Location"))[1]
	for _, seats := range []string{"J1", "J1 A1"} {
		r := p.send("/bookings/"+code+"/cancel", url.Values{"seat": strings.Fields(seats)})
		if r.StatusCode != http.StatusConflict || !strings.Contains(r.text, "needs the one beside it") || !strings.Contains(r.text, `href="/bookings/`+code+`"`) {
			t.Errorf("cancel %s: %d\n%s", seats, r.StatusCode, r.text)
		}
	}
	if r := p.send("/bookings/"+code+"/cancel", url.Values{"seat": {"J1", "J2"}}); r.StatusCode != 303 {
		t.Errorf("cancel both: %d", r.StatusCode)
	}
}

// Whoever sees other tariffs than the house has by now is asked again.
func TestTariffsThatHaveChanged(t *testing.T) {
	for name, change := range map[string]func(*store.Event){
		"dearer": func(e *store.Event) { e.Tariffs[1].Off = 20 },
		"gone":   func(e *store.Event) { e.Tariffs = e.Tariffs[2:] },
		"all":    func(e *store.Event) { e.Tariffs = nil },
	} {
		t.Run(name, func(t *testing.T) {
			h := openTariffs(t)
			p := h.visitor(t)
			form := p.fill(checkout.Door, "J1")
			form.Set("tariff-J1", "reduced")
			h.change(t, change)
			r := p.send("/events/demo/checkout", form)
			if r.StatusCode != 409 || len(h.bookings(t)) != 0 || !strings.Contains(r.text, `value="Ada Lovelace"`) || hiddenIn(r.text).Get("digest") == form.Get("digest") {
				t.Errorf("%d with %d bookings\n%s", r.StatusCode, len(h.bookings(t)), r.text)
			}
		})
	}
}

// A page that is open updates its total as soon as another tariff is chosen, and
// keeps what was typed.
func TestTotalFollowsInABrowser(t *testing.T) {
	h := openTariffs(t)
	b := &buyer{testengine.Chromium(t).Visitor(t), t, h.URL}
	b.lock("A1", "J1")
	b.open("/events/demo/checkout")
	testengine.Ask[bool](t, b.Tab, `document.getElementById('name').value = 'Ada', document.getElementById('payment-demo').checked = true`)
	choose := func(seat, tariff string) {
		testengine.Ask[bool](t, b.Tab, `(e => { e.value = '`+tariff+`'; return e.dispatchEvent(new Event('change', { bubbles: true })); })(document.getElementById('tariff-`+seat+`'))`)
	}
	choose("A1", "reduced")
	b.until("the total follows", `document.getElementById('total').textContent === '€43'`)
	b.until("what was filled in stays", `document.getElementById('name').value === 'Ada' && document.getElementById('payment-demo').checked`)
	choose("A1", "companion")
	b.until("it says what cannot be", `document.querySelector('#status .refused')?.textContent.includes('Companion is not available for')`)
	choose("A1", "patron")
	b.until("it is fine again", `document.getElementById('total').textContent === '€121' && !document.querySelector('#status span')`)
	b.until("the choices stay", `document.getElementById('tariff-A1').value === 'patron' && document.getElementById('tariff-J1').value === 'full'`)
	b.WantNarrow(t, "checkout with tariffs")
	b.WantAccessible(t, "checkout with tariffs")
	if small := testengine.Ask[bool](t, b.Tab, `[...document.querySelectorAll('select')].some(e => e.offsetHeight < 24 || e.offsetWidth < 24)`); small {
		t.Error("a select is too small to hit")
	}
	choose("A1", "companion")
	testengine.Ask[bool](t, b.Tab, `document.getElementById('email').value = 'ada@example.org', document.querySelector('#checkout button').click(), true`)
	b.until("the form comes again, and marks the seat", `document.querySelector('#tariff-A1[aria-invalid]') === document.activeElement && document.activeElement.id === 'tariff-A1'`)
	choose("A1", "full")
	b.until("it is fine, and not marked any more", `!document.querySelector('#status span, [aria-invalid]') && document.activeElement.id === 'tariff-A1'`)
}
