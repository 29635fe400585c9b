package views

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"
)

// tongue is a language that pages come in. A language is added by a line in
// tongues, and a file with its vocabulary.
type tongue struct {
	tag  language.Tag
	name string // in itself
	vocabulary
}

var tongues = []tongue{
	{language.English, "English", english},
	{language.German, "Deutsch", german},
}

// vocabulary has what the English sentences of the code are in another
// language.
type vocabulary struct {
	sentences map[string]string
	counted   map[string]counted
}

// counted is a sentence that depends on how many there are of something: its
// argument with that number, counted from 1, and pairs of a plural form and
// the sentence for it.
type counted struct {
	arg   int
	forms []any
}

// english has only what the sentence itself does not say: singulars.
var english = vocabulary{counted: map[string]counted{
	"%d seats":                    {1, []any{"one", "%d seat", "other", "%d seats"}},
	"Book %d seats, %s":           {1, []any{"one", "Book %d seat, %s", "other", "Book %d seats, %s"}},
	"%d seats are being paid for": {1, []any{"one", "%d seat is being paid for", "other", "%d seats are being paid for"}},
	"%d seconds":                  {1, []any{"one", "%d second", "other", "%d seconds"}},
	"%d minutes":                  {1, []any{"one", "%d minute", "other", "%d minutes"}},
	"%[1]s is for at most %[2]d seats of one booking. Choose another tariff for the others.": {2, []any{
		"one", "%[1]s is for at most %[2]d seat of one booking. Choose another tariff for the others.",
		"other", "%[1]s is for at most %[2]d seats of one booking. Choose another tariff for the others."}},
	"You can hold at most %d seats at once. Give one back first.": {1, []any{
		"one", "You can hold at most %d seat at once. Give it back first.",
		"other", "You can hold at most %d seats at once. Give one back first."}},
	"%[1]s were just taken by somebody else. Please choose another seat.": {2, []any{
		"one", "%[1]s was just taken by somebody else. Please choose another seat.",
		"other", "%[1]s were just taken by somebody else. Please choose another seat."}},
	"%[1]s are sold. Please choose another seat.": {2, []any{
		"one", "%[1]s is sold. Please choose another seat.",
		"other", "%[1]s are sold. Please choose another seat."}},
	"%[1]s are not for sale. Please choose another seat.": {2, []any{
		"one", "%[1]s is not for sale. Please choose another seat.",
		"other", "%[1]s are not for sale. Please choose another seat."}},
	"%[1]s are not yours to give back.": {2, []any{
		"one", "%[1]s is not yours to give back.",
		"other", "%[1]s are not yours to give back."}},
	"%[1]s are booked for you already. Choose one on the map to see your booking.": {2, []any{
		"one", "%[1]s is booked for you already. Choose it on the map to see your booking.",
		"other", "%[1]s are booked for you already. Choose one on the map to see your booking."}},
	"Your payment was declined or given up; %[1]s are still kept for you until %[3]s.": {2, []any{
		"one", "Your payment was declined or given up; %[1]s is still kept for you until %[3]s.",
		"other", "Your payment was declined or given up; %[1]s are still kept for you until %[3]s."}},
	"Cancelled: %[1]s are free again.": {2, []any{
		"one", "Cancelled: %[1]s is free again.",
		"other", "Cancelled: %[1]s are free again."}},
	"%[1]s are being paid for, and yours meanwhile.": {2, []any{
		"one", "%[1]s is being paid for, and yours meanwhile.",
		"other", "%[1]s are being paid for, and yours meanwhile."}},
	"Your time ran out: %[1]s are free again. Choose again if you still want to come.": {2, []any{
		"one", "Your time ran out: %[1]s is free again. Choose again if you still want to come.",
		"other", "Your time ran out: %[1]s are free again. Choose again if you still want to come."}},
	"%[1]s went to somebody else before your payment came. Please choose another seat.": {2, []any{
		"one", "%[1]s went to somebody else before your payment came. Please choose another seat.",
		"other", "%[1]s went to somebody else before your payment came. Please choose another seat."}},
}}

// Languages are those that pages come in, English first.
var Languages = tags()

var (
	matcher = language.NewMatcher(Languages)
	words   = prepare(newCatalogue())
)

func tags() (all []language.Tag) {
	for _, t := range tongues {
		all = append(all, t.tag)
	}
	return all
}

// Match returns the one of [Languages] that suits a browser's Accept-Language
// best; English if none does, or if it cannot be read.
func Match(acceptLanguage string) language.Tag {
	_, i := language.MatchStrings(matcher, acceptLanguage)
	return Languages[i]
}

// Language returns the one of [Languages] that is named just so, such as "de".
func Language(name string) (tag language.Tag, found bool) {
	for _, tag := range Languages {
		if tag.String() == name {
			return tag, true
		}
	}
	return language.Tag{}, false
}

func newCatalogue() catalog.Catalog {
	all := catalog.NewBuilder(catalog.Fallback(language.English))
	for _, t := range tongues {
		for key, sentence := range t.sentences {
			if err := all.SetString(t.tag, key, sentence); err != nil {
				panic(fmt.Sprintf("%s: %q: %v", t.name, key, err)) // a mistake in a vocabulary
			}
		}
		for key, c := range t.counted {
			if err := all.Set(t.tag, key, plural.Selectf(c.arg, "", c.forms...)); err != nil {
				panic(fmt.Sprintf("%s: %q: %v", t.name, key, err))
			}
		}
	}
	return all
}

func prepare(all catalog.Catalog) map[language.Tag]Words {
	prepared := map[language.Tag]Words{}
	for _, tag := range Languages {
		prepared[tag] = newWords(tag, all)
	}
	return prepared
}

// Words are the texts of one language. They are immutable and safe for
// concurrent use. Use [In].
type Words struct {
	tag     language.Tag
	printer *message.Printer
	dates   *strings.Replacer
}

// In returns the words of one of [Languages]. For any other language they are
// English, set as that language is.
func In(tag language.Tag) Words {
	if w, known := words[tag]; known {
		return w
	}
	return newWords(tag, newCatalogue())
}

func newWords(tag language.Tag, all catalog.Catalog) Words {
	w := Words{tag: tag, printer: message.NewPrinter(tag, message.Catalog(all))}
	var pairs []string
	for _, name := range dateNames() {
		pairs = append(pairs, name, w.printer.Sprintf(name))
	}
	w.dates = strings.NewReplacer(pairs...)
	return w
}

// Say returns the translation of an English sentence. Numbers are written as
// the language writes them.
func (w Words) Say(english string, args ...any) string {
	if false {
		_ = fmt.Sprintf(english, args...) // has go vet compare verbs and arguments
	}
	return w.printer.Sprintf(english, args...)
}

// Language returns whose words they are.
func (w Words) Language() language.Tag { return w.tag }

// number writes a number.
func (w Words) number(n int) string { return w.printer.Sprint(n) }

// date says an instant, in the zone that it is in.
func (w Words) date(t time.Time) string {
	return w.dates.Replace(t.Format(w.Say("Monday 2 January 2006, 15:04 MST")))
}

// dateNames are what Go writes of a date in letters, and languages may write
// otherwise.
func dateNames() []string {
	names := []string{"CET", "CEST"}
	for day := time.Sunday; day <= time.Saturday; day++ {
		names = append(names, day.String())
	}
	for month := time.January; month <= time.December; month++ {
		names = append(names, month.String())
	}
	return names
}

// direction is where lines of the language lead: "ltr" or "rtl".
func (w Words) direction() string {
	script, _ := w.tag.Script()
	switch script.String() {
	case "Adlm", "Arab", "Hebr", "Nkoo", "Syrc", "Thaa":
		return "rtl"
	}
	return "ltr"
}

// others are the languages that the page could be in, too.
func (w Words) others() (others []tongue) {
	for _, t := range tongues {
		if t.tag != w.tag {
			others = append(others, t)
		}
	}
	return others
}
