package handlers_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seatlock/seatlock/store"
)

// speaks tells which language an answer's page is in, by all that says so,
// which must agree.
func speaks(t *testing.T, r reply) string {
	t.Helper()
	said := r.Header.Get("Content-Language")
	words := map[string]string{"en": `>Deutsch</a>`, "de": `>English</a>`}[said]
	if !strings.Contains(r.text, `<html lang="`+said+`" dir="ltr">`) || words == "" || !strings.Contains(r.text, words) {
		t.Errorf("Content-Language is %q, the page:\n%.300s", said, r.text)
	}
	if vary := strings.Join(r.Header.Values("Vary"), ", "); !strings.Contains(vary, "Accept-Language") || !strings.Contains(vary, "Cookie") {
		t.Errorf("Vary: %q, want Accept-Language and Cookie", vary)
	}
	return said
}

func languageCookies(r reply) (found []string) {
	for _, line := range r.Header.Values("Set-Cookie") {
		if strings.HasPrefix(line, "lang=") {
			found = append(found, line)
		}
	}
	return found
}

func TestLanguageOfTheBrowser(t *testing.T) {
	h := open(t, setting{})
	for languages, want := range map[string]string{
		"": "en", "de": "de", "de-AT,de;q=0.9,en;q=0.8": "de", "en-US,en;q=0.9,de;q=0.5": "en", "en;q=0.2,de;q=0.7": "de",
		"fr": "en", "fr,de;q=0.1": "de", ";q=,,-": "en", strings.Repeat("de-", 3400): "en", strings.Repeat("x", 10<<10): "en",
	} {
		p := h.visitor(t)
		p.languages = languages
		for _, path := range []string{"/", "/events/demo", "/events/nothing", "/nothing", "/static/nothing.js"} {
			r := p.get(path)
			if got := speaks(t, r); got != want || len(languageCookies(r)) > 0 {
				t.Errorf("%.30q: %s speaks %s and sets %q, want %s and no language kept", languages, path, got, languageCookies(r), want)
			}
		}
	}
}

func TestLanguageByLink(t *testing.T) {
	h := open(t, setting{})
	for _, path := range []string{"/", "/events/demo", "/events/nothing"} {
		p := h.visitor(t)
		p.languages = "en"
		r := p.get(path + "?lang=de")
		if got := speaks(t, r); got != "de" {
			t.Errorf("%s?lang=de speaks %s", path, got)
		}
		want := "lang=de; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"
		if got := languageCookies(r); !slices.Equal(got, []string{want}) {
			t.Errorf("%s?lang=de sets %q, want %q", path, got, want)
		}
		if got := speaks(t, p.get("/events/demo")); got != "de" {
			t.Errorf("the next page speaks %s, want what was chosen", got)
		}
		if got := speaks(t, p.get(path+"?lang=en")); got != "en" {
			t.Errorf("%s?lang=en speaks %s in spite of the cookie", path, got)
		}
		if got := speaks(t, p.get("/")); got != "en" {
			t.Errorf("the next page speaks %s, want English again", got)
		}
	}
	page := h.visitor(t).get("/events/demo?lang=de&note=locked&cursor=x:1")
	if len(page.Header.Values("Set-Cookie")) != 2 {
		t.Errorf("a new visitor gets %q, want an identity and a language", page.Header.Values("Set-Cookie"))
	}
	for _, part := range []string{`href="/events/demo?lang=en" lang="en" hreflang="en"`, `&amp;lang=de" hx-sse:close`} {
		if !strings.Contains(page.text, part) {
			t.Errorf("no %s on the page", part)
		}
	}
}

func TestLanguageThatIsNone(t *testing.T) {
	h := open(t, setting{})
	for _, garbage := range []string{"", "fr", "DE", "de-AT", "%00", "%zz", "de%0d%0aX:y", strings.Repeat("de", 5<<10)} {
		p := h.visitor(t)
		p.languages = "de"
		r := p.get("/events/demo?lang=" + garbage)
		if got := speaks(t, r); r.StatusCode != 200 || got != "de" || len(languageCookies(r)) > 0 {
			t.Errorf("lang=%.20q: %d in %s, sets %q; want it ignored", garbage, r.StatusCode, got, languageCookies(r))
		}
		request, err := http.NewRequestWithContext(t.Context(), "GET", h.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Cookie", "lang="+garbage)
		if got := speaks(t, p.do(request)); got != "de" {
			t.Errorf("cookie %.20q: the page speaks %s, want the browser's language", garbage, got)
		}
	}
}

func TestLanguageCookieOverHTTPS(t *testing.T) {
	h := open(t, setting{base: "https://tickets.example"})
	got := languageCookies(h.visitor(t).get("/?lang=de"))
	if len(got) != 1 || !strings.HasSuffix(got[0], "; Secure; SameSite=Lax") {
		t.Errorf("cookies %q, want one that is Secure", got)
	}
}

// A stream's address says what its page speaks; it chooses nothing for others.
func TestStreamKeepsNoLanguage(t *testing.T) {
	h := open(t, setting{})
	r := h.visitor(t).get("/events/nothing/live?lang=de")
	if r.StatusCode != 404 || len(languageCookies(r)) > 0 {
		t.Errorf("%d, sets %q", r.StatusCode, languageCookies(r))
	}
}

func TestPostsAnswerInGerman(t *testing.T) {
	rules := store.DefaultRules()
	rules.MaxSeats = 2
	h := open(t, setting{rules: rules})
	p, other := h.visitor(t), h.visitor(t)
	p.get("/events/demo?lang=de") // by cookie
	other.languages = "de-CH"
	other.get("/events/demo")
	says := func(r reply, status int, parts ...string) {
		t.Helper()
		if r.StatusCode != status || r.Header.Get("Content-Language") != "de" {
			t.Errorf("%d in %q, want %d in German", r.StatusCode, r.Header.Get("Content-Language"), status)
		}
		for _, part := range parts {
			if !strings.Contains(r.text, part) {
				t.Errorf("no %q in\n%.3000s", part, r.text)
			}
		}
	}
	says(p.post("lock", "A1"), 200, "Für Sie reserviert bis ", "Reihe A Platz 1", "Ihre Plätze", "1 Platz<")
	says(p.post("lock", "A2"), 200, "2 Plätze<", "Alle zurückgeben")
	says(p.post("lock", "A3"), 422, "Sie können höchstens 2 Plätze zugleich reservieren. Geben Sie zuerst einen zurück.")
	says(other.post("lock", "A1"), 409, "Reihe A Platz 1 wurde gerade von jemand anderem genommen. Bitte wählen Sie einen anderen Platz.", ", vergeben")
	says(other.post("lock", "A1", "A2"), 409, "Reihe A Platz 1, Reihe A Platz 2 wurden gerade von jemand anderem genommen.")
	says(other.post("unlock", "A1"), 409, "Reihe A Platz 1 ist nicht für Sie reserviert")
	says(p.post("extend"), 200, "Verlängert: für Sie reserviert bis ")
	says(p.post("unlock", "A1"), 200, "Zurückgegeben.")
	says(p.post("lock"), 422, "Es wurde kein Platz gewählt. Wählen Sie einen im Saalplan.")
	says(p.post("lock", "Z99"), 404, "Diesen Platz gibt es bei dieser Veranstaltung nicht")
	says(p.post("lock", "a b"), 422, "Das konnten wir nicht lesen")

	p.javascript, other.javascript = false, false
	to, err := p.post("lock", "D4").Location()
	if err != nil {
		t.Fatal(err)
	}
	says(p.get(to.RequestURI()), 200, "Für Sie reserviert bis ")
	refused := other.post("lock", "D4")
	says(refused, 409, "<title>Reihe D Platz 4 wurde gerade von jemand anderem genommen.", `href="/events/demo?lang=en"`)
	says(p.post("lock"), 422, "<h1>Das konnten wir nicht lesen</h1>", ">Zurück zum Saalplan</a>", `href="/events/demo?lang=en"`)
}
