package views

import (
	"go/ast"
	"go/parser"
	"go/token"
	"html"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message/catalog"

	"github.com/seatlock/seatlock/store"
)

// said are the sentences that the code says, with how many arguments each has.
func said(t *testing.T) map[string]int {
	t.Helper()
	found := map[string]int{}
	for _, name := range dateNames() {
		found[name] = 0
	}
	for _, folder := range []string{".", "../handlers"} {
		files, err := filepath.Glob(folder + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				saidIn(t, file, found)
			}
		}
	}
	return found
}

func saidIn(t *testing.T, file string, found map[string]int) {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if f, ok := call.Fun.(*ast.SelectorExpr); !ok || f.Sel.Name != "Say" {
			return true
		}
		literal, ok := call.Args[0].(*ast.BasicLit)
		if !ok {
			t.Errorf("%s: Say is called with something other than a sentence: no catalogue can have it", set.Position(call.Pos()))
			return true
		}
		key, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		if n, twice := found[key]; twice && n != len(call.Args)-1 {
			t.Errorf("%s: %q has %d arguments here and %d elsewhere", set.Position(call.Pos()), key, len(call.Args)-1, n)
		}
		found[key] = len(call.Args) - 1
		return true
	})
}

// verbs are what a sentence puts in where: the verb by the argument's number,
// and names in braces, which the page's script replaces.
func verbs(sentence string) map[string]string {
	found, next := map[string]string{}, 1
	for _, m := range regexp.MustCompile(`%(?:\[(\d+)\])?(.)|\{(\w+)\}`).FindAllStringSubmatch(sentence, -1) {
		switch {
		case m[3] != "":
			found[m[3]] = "{}"
			continue
		case m[1] != "":
			next, _ = strconv.Atoi(m[1])
		}
		found[strconv.Itoa(next)] = m[2]
		next++
	}
	return found
}

// Each language has each sentence that the code says and no other, and puts
// the same things in.
func TestVocabulariesAreComplete(t *testing.T) {
	said := said(t)
	for _, tongue := range tongues {
		for key := range said {
			_, plain := tongue.sentences[key]
			_, counted := tongue.counted[key]
			if tongue.tag != language.English && !plain && !counted {
				t.Errorf("%s lacks %q", tongue.name, key)
			}
			if plain && counted {
				t.Errorf("%s has %q twice", tongue.name, key)
			}
		}
		for key, sentence := range tongue.sentences {
			if _, used := said[key]; !used {
				t.Errorf("%s has %q, which nobody says", tongue.name, key)
			}
			if !maps.Equal(verbs(key), verbs(sentence)) {
				t.Errorf("%s puts other things into %q than %q has", tongue.name, sentence, key)
			}
		}
		for key, c := range tongue.counted {
			checkCounted(t, tongue, key, c, said)
		}
	}
}

func checkCounted(t *testing.T, tongue tongue, key string, c counted, said map[string]int) {
	t.Helper()
	if n, used := said[key]; !used || c.arg < 1 || c.arg > n {
		t.Errorf("%s counts by argument %d of %q, which is said with %d", tongue.name, c.arg, key, n)
	}
	if len(c.forms)%2 != 0 || len(c.forms) < 2 || c.forms[len(c.forms)-2] != "other" {
		t.Errorf("%s: the forms of %q are not pairs that end with the one for others", tongue.name, key)
	}
	for i := 1; i < len(c.forms); i += 2 {
		want, got := verbs(key), verbs(c.forms[i].(string))
		number := strconv.Itoa(c.arg) // a form may leave the number itself out
		delete(want, number)
		delete(got, number)
		if !maps.Equal(want, got) {
			t.Errorf("%s puts other things into %q than %q has", tongue.name, c.forms[i], key)
		}
	}
	if last := c.forms[len(c.forms)-1]; tongue.tag == language.English && last != key {
		t.Errorf("English says %q in other words: %q", key, last)
	}
}

// marked is a made-up language that marks each sentence that goes through it.
func marked(t *testing.T) Words {
	t.Helper()
	tag, all := language.MustParse("en-XA"), catalog.NewBuilder()
	for key := range said(t) {
		if err := all.SetString(tag, key, "⟦"+key+"⟧"); err != nil {
			t.Fatal(err)
		}
	}
	return newWords(tag, all)
}

// Nothing on a page is said past the catalogue: but for what the event itself
// brings, every text bears the mark.
func TestEveryTextGoesThroughTheCatalogue(t *testing.T) {
	w := marked(t)
	v := eventView(t)
	v.Basket.Lock.Seats = append(slices.Clone(v.Basket.Lock.Seats), store.Seat{ID: "A1", Status: store.Paying})
	v.Page.hall = v.Page.hall.in(w)
	v.Line, v.Refused = "⟦line⟧", true
	empty := v
	empty.Basket.Lock.Seats, empty.Sections = nil, []Counts{{}, {}}
	closed, soon := smallEvent(), smallEvent()
	closed.SalesClose, soon.SalesOpen, soon.Starts = now, now.Add(time.Hour), time.Time{}
	large, section := largeView(t, ""), largeView(t, "east")
	large.Page.hall, section.Page.hall = large.Page.hall.in(w), section.Page.hall.in(w)
	pages := []string{
		render(t, EventPage(v)), render(t, EventPage(empty)), render(t, EventPage(large)), render(t, EventPage(section)),
		render(t, EventsPage(EventsView{Words: w, Now: now, Asset: plainName})),
		render(t, EventsPage(EventsView{Words: w, Now: now, Asset: plainName, Events: []Billing{
			newHall(t, closed, smallPlan()).in(w).Billing, newHall(t, soon, smallPlan()).in(w).Billing}})),
	}
	for _, status := range []int{400, 403, 404, 409, 429, 500, 503} {
		pages = append(pages, render(t, ErrorPage(ErrorView{Words: w, Status: status, Asset: plainName})))
	}
	for _, known := range []bool{true, false} {
		pages = append(pages, render(t, ForgetPage(ForgetView{Words: w, Known: known, Line: "⟦line⟧", Asset: plainName})))
	}
	for _, page := range tillPages(t, w, plainName) {
		pages = append(pages, render(t, page))
	}
	given := []string{"Ada Lovelace", "ada@example.org", tillCode, "https://tickets.example/bookings/" + tillCode + "?key=k1", "tempest", "Seatlock", "English", "Deutsch", "The Tempest", "Studio Theatre", "Stage", "Stalls", "First tier", "Block West", "Block East", "Block South", "West", "East", "South", "Block East – The Tempest", "Front rows", "Rear rows", "A", "B", "×"}
	texts := regexp.MustCompile(`>([^<]*\pL[^<]*)<|(?:aria-label|data-l[a-z0-9]+|data-un[a-z]+|data-re[a-z]+|title|alt)="([^"]*\pL[^"]*)"`)
	for _, page := range pages {
		for _, m := range texts.FindAllStringSubmatch(page, -1) {
			text := strings.TrimSpace(html.UnescapeString(m[1] + m[2]))
			if !strings.Contains(text, "⟦") && !slices.Contains(given, strings.TrimSuffix(text, " – Seatlock")) {
				t.Errorf("%q is not in the catalogue", text)
			}
		}
	}
}

func TestGoldenGerman(t *testing.T) {
	german := In(language.German)
	v := eventView(t)
	v.Page.hall = v.Page.hall.In(language.German)
	golden(t, "event-de", render(t, EventPage(v)))
	golden(t, "events-de", render(t, EventsPage(EventsView{Words: german, Events: []Billing{v.Page.hall.Billing}, Now: now, Asset: plainName})))
	golden(t, "forget-de", render(t, ForgetPage(ForgetView{Words: german, Known: true, Asset: plainName})))
	golden(t, "error-404-de", render(t, ErrorPage(ErrorView{Words: german, Status: 404, Asset: plainName})))
	golden(t, "section-de", string(v.Page.AppendSection(nil, 0, v.Seats[:5], false)))
	golden(t, "legend-de", string(v.Page.AppendSummary(nil, v.Sections, nil)))
	b := v.Basket
	b.Now = b.Lock.Deadline.Add(-time.Minute)
	golden(t, "basket-late-de", string(v.Page.AppendBasket(nil, b)))
	b.Lock.Seats = nil
	golden(t, "basket-empty-running-de", string(v.Page.AppendBasket(nil, b)))
}

func TestMatch(t *testing.T) {
	for header, want := range map[string]language.Tag{
		"":                           language.English,
		"de":                         language.German,
		"de-AT":                      language.German,
		"DE-ch, en;q=0.5":            language.German,
		"en-GB,en;q=0.9,de;q=0.8":    language.English,
		"en;q=0.1, de;q=0.9":         language.German,
		"fr, it;q=0.9, de;q=0.2":     language.German,
		"fr":                         language.English,
		"de;q=0":                     language.English,
		"de;q=0, en":                 language.English,
		"*":                          language.English,
		"de;q=nonsense":              language.English,
		";;;,,,":                     language.English,
		"\x00\xff":                   language.English,
		strings.Repeat("de-", 3400):  language.English,
		strings.Repeat("x", 10<<10):  language.English,
		strings.Repeat("fr,", 3400):  language.English,
		strings.Repeat("de, ", 2500): language.German,
	} {
		if got := Match(header); got != want {
			t.Errorf("Match(%.40q) = %v, want %v", header, got, want)
		}
	}
}

func TestLanguage(t *testing.T) {
	if tag, found := Language("de"); tag != language.German || !found {
		t.Errorf("de is %v, %v", tag, found)
	}
	for _, name := range []string{"", "DE", "de-AT", "fr", "und", strings.Repeat("de", 5000)} {
		if tag, found := Language(name); found {
			t.Errorf("%.20q is %v, want none", name, tag)
		}
	}
}

func TestDates(t *testing.T) {
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at              time.Time
		english, german string
	}{
		{time.Date(2006, 1, 2, 15, 4, 0, 0, vienna), "Monday 2 January 2006, 15:04 CET", "Montag, 2. Januar 2006, 15:04 MEZ"},
		{time.Date(2030, 5, 4, 9, 0, 0, 0, vienna), "Saturday 4 May 2030, 09:00 CEST", "Samstag, 4. Mai 2030, 09:00 MESZ"},
		{time.Date(2031, 3, 2, 9, 0, 0, 0, time.UTC), "Sunday 2 March 2031, 09:00 UTC", "Sonntag, 2. März 2031, 09:00 UTC"},
	} {
		if got := In(language.English).date(c.at); got != c.english {
			t.Errorf("%q, want %q", got, c.english)
		}
		if got := In(language.German).date(c.at); got != c.german {
			t.Errorf("%q, want %q", got, c.german)
		}
	}
}

func TestCounted(t *testing.T) {
	for n, want := range map[int]string{0: "0 Plätze", 1: "1 Platz", 2: "2 Plätze", 1301: "1.301 Plätze"} {
		if got := In(language.German).Say("%d seats", n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int]string{0: "0 seats", 1: "1 seat", 1301: "1,301 seats"} {
		if got := In(language.English).Say("%d seats", n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// A page in a language whose lines lead to the left says so.
func TestDirection(t *testing.T) {
	v := eventView(t)
	for tag, want := range map[string]string{
		"ar": `<html lang="ar" dir="rtl">`, "he": `<html lang="he" dir="rtl">`, "de": `<html lang="de" dir="ltr">`,
	} {
		v.Page.hall = v.Page.hall.In(language.MustParse(tag))
		if page := render(t, EventPage(v)); !strings.Contains(page, want) {
			t.Errorf("no %s on the page", want)
		}
	}
}

// A hall in another language is the same hall, and leaves the first as it was.
func TestHallInAnotherLanguage(t *testing.T) {
	english := newHall(t, smallEvent(), smallPlan())
	before := string(eventPage(english).AppendSeat(nil, store.Seat{ID: "B1"}, false))
	english.In(language.German)
	if got := string(eventPage(english).AppendSeat(nil, store.Seat{ID: "B1"}, false)); got != before {
		t.Errorf("the English hall now says %s", got)
	}
	var together sync.WaitGroup
	for range 4 {
		together.Go(func() {
			german := english.In(language.German)
			if got, want := german.SeatName("B1"), "Stalls Reihe B Platz 1"; got != want {
				t.Errorf("B1 is %q, want %q", got, want)
			}
			if eventPage(german).CSSPath() != eventPage(english).CSSPath() || german.Language() != language.German {
				t.Errorf("%s in %v: another hall", eventPage(german).CSSPath(), german.Language())
			}
			if got := string(eventPage(german.In(language.English)).AppendSeat(nil, store.Seat{ID: "B1"}, false)); got != before {
				t.Errorf("there and back again: %s", got)
			}
		})
	}
	together.Wait()
}
